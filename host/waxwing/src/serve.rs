//! `waxwing serve`: from start to a graceful stop.

use crate::wiring::{self, Load};
use crate::{admin, first_start};
use anyhow::Context as _;
use std::io::{IsTerminal as _, Write as _};
use std::sync::Arc;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::prelude::*;
use waxwing_config::Settings;
use waxwing_net::Net;

/// Serve until SIGTERM or SIGINT. SIGHUP reads the certificates again.
pub async fn serve(settings: Settings) -> anyhow::Result<()> {
    log_to_stderr(&settings.log)?;
    let settings = Arc::new(settings);
    // Before anything that a signal should not tear apart.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;

    let storage = tokio::select! {
        storage = wiring::storage_when_there(&settings) => storage?,
        _ = terminate.recv() => return Ok(()),
        _ = interrupt.recv() => return Ok(()),
    };
    let server = Arc::new(wiring::server(settings.clone(), storage, Load::ToServe).await?);
    first_start::make_admins(&settings, &server.core).await?;
    first_start::look_around(&settings, &server.core).await?;
    waxwing_net::certificates::ensure(&settings, &server.core.vhosts())?;
    let net = Net::start(settings.clone(), server.core.clone()).await?;
    let admin = admin::listen(&settings, server.clone())?;
    let rollbacks = server.catalogue.clone().map(|catalogue| tokio::spawn(catalogue.watch()));
    if let Some(engine) = server.core.engine() {
        engine.ring_alarms();
    }
    // Whether anybody reads it is nothing that a server depends on.
    let serves = where_to(&server.core, &net);
    let _ = writeln!(std::io::stdout(), "Waxwing {} serves {serves}", env!("CARGO_PKG_VERSION"));

    loop {
        tokio::select! {
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            _ = hangup.recv() => {}
        }
        match net.renew_certificates() {
            Ok(()) => tracing::info!("certificates read"),
            Err(why) => tracing::error!("the certificates stay as they were: {why}"),
        }
    }
    tracing::info!("stopping");
    admin.abort();
    if let Some(rollbacks) = rollbacks {
        rollbacks.abort();
    }
    let _ = std::fs::remove_file(admin::socket_path(&settings));
    let hurry = async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::warn!("stopping at once: told twice");
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
    anyhow::ensure!(
        unkept == 0,
        "stopped with {unkept} messages that waited for their recipients and could not be kept"
    );
    Ok(())
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
