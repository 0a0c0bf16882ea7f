//! `waxwing serve`: from start to a graceful stop.

use crate::stop_orders::StopOrders;
use crate::wiring::{self, ConfigFile, Load};
use crate::{admin, first_start};
use anyhow::Context as _;
use std::io::{IsTerminal as _, Write as _};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::prelude::*;
use waxwing_config::Settings;
use waxwing_net::Net;
use waxwing_server::AfterStop;

/// Serve until SIGTERM, SIGINT or an administrator's order. SIGHUP reads the certificates again. Answers whether the server
/// is to start again.
pub async fn serve(settings: Settings, config: ConfigFile) -> anyhow::Result<AfterStop> {
    log_to_stderr(&settings.log)?;
    let settings = Arc::new(settings);
    // Before anything that a signal should not tear apart.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;

    let storage = tokio::select! {
        storage = wiring::storage_when_there(&settings) => storage?,
        _ = terminate.recv() => return Ok(AfterStop::Exit),
        _ = interrupt.recv() => return Ok(AfterStop::Exit),
    };
    let server = Arc::new(wiring::server(settings.clone(), storage, Load::ToServe).await?);
    first_start::make_admins(&settings, &server.core).await?;
    first_start::look_around(&settings, &server.core).await?;
    waxwing_net::certificates::ensure(&settings, &server.core.vhosts())?;
    let net = Net::start(settings.clone(), server.core.clone()).await?;
    let orders = Arc::new(StopOrders::new(config));
    server.core.install_process_control(orders.clone());
    let admin = admin::listen(&settings, server.clone())?;
    let rollbacks = server.catalogue.clone().map(|catalogue| tokio::spawn(catalogue.watch()));
    if let Some(engine) = server.core.engine() {
        engine.ring_alarms();
    }
    // Whether anybody reads it is nothing that a server depends on.
    let serves = where_to(&server.core, &net);
    let _ = writeln!(std::io::stdout(), "Waxwing {} serves {serves}", env!("CARGO_PKG_VERSION"));

    let mut ordered = pin!(orders.due());
    let mut then = loop {
        tokio::select! {
            _ = terminate.recv() => break AfterStop::Exit,
            _ = interrupt.recv() => break AfterStop::Exit,
            then = &mut ordered => break then,
            _ = hangup.recv() => {}
        }
        match net.renew_certificates() {
            Ok(()) => tracing::info!("certificates read"),
            Err(why) => tracing::error!("the certificates stay as they were: {why}"),
        }
    };
    tracing::info!("stopping");
    admin.abort();
    if let Some(rollbacks) = rollbacks {
        rollbacks.abort();
    }
    let _ = std::fs::remove_file(admin::socket_path(&settings));
    let mut told_again = false;
    let hurry = async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        told_again = true;
        tracing::warn!("stopping at once: told again");
    };
    let unkept = net.stop(hurry).await;
    if let Some(catalogue) = &server.catalogue
        && let Err(why) = catalogue.settle().await
    {
        tracing::error!("that a plugin was rolled back could not be stored: {why}");
    }
    if let Some(engine) = server.core.engine() {
        engine.copies_deleted().await;
        // Or what clients have acknowledged would come again. A session that has not ended may never say what it got.
        let patience = settings.limits.shutdown_timeout;
        if server.core.session_count() == 0
            && tokio::time::timeout(patience, engine.deletions_made()).await.is_err()
        {
            tracing::warn!(
                "stopping although messages that have arrived are not deleted: they may come again"
            );
        }
    }
    server.close().await;
    let told = async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    // A signal to a server that is about to start again asks it to stop.
    if told_again || tokio::time::timeout(Duration::ZERO, told).await.is_ok() {
        then = AfterStop::Exit;
    }
    if unkept > 0 {
        let why =
            format!("stopped with {unkept} messages that waited for their recipients and could not be kept");
        anyhow::ensure!(then == AfterStop::Restart, why);
        tracing::error!("{why}");
    }
    Ok(then)
}

fn where_to(server: &waxwing_server::Server, net: &Net) -> String {
    let vhosts: Vec<_> = server.vhosts().iter().map(|vhost| vhost.domain().to_owned()).collect();
    let addresses: Vec<_> = net.local_addrs().iter().map(ToString::to_string).collect();
    format!("{} on {}", vhosts.join(", "), addresses.join(", "))
}

fn log_to_stderr(filter: &str) -> anyhow::Result<()> {
    let filter: Targets = filter.parse().with_context(|| format!("log = '{filter}'"))?;
    // It says that something went wrong with a connection, and not what. The storage does.
    let filter = filter.with_target("deadpool.postgres", LevelFilter::OFF);
    let colours = std::io::stderr().is_terminal();
    let lines = tracing_subscriber::fmt::layer().with_ansi(colours).with_writer(std::io::stderr);
    let lines = lines.with_filter(filter);
    tracing_subscriber::registry().with(lines).init();
    Ok(())
}
