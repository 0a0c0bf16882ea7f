//! `waxwing check`: everything that a start would need, without starting.

use crate::wiring::{self, Load};
use std::net::TcpListener;
use std::sync::Arc;
use waxwing_config::Settings;
use waxwing_server::VhostsError;

/// Fewer open files than this keep a server from serving many clients.
const OPEN_FILES: u64 = 4096;

/// Look at all of it and print a line each; fails if a start would.
pub async fn check(settings: Settings) -> anyhow::Result<()> {
    let mut trouble = 0;
    let mut say = |what: &str, found: Result<String, String>| match found {
        Ok(text) => println!("ok    {what}: {text}"),
        Err(text) => {
            trouble += 1;
            println!("FAIL  {what}: {text}");
        }
    };
    say("configuration", Ok("reads well".to_owned()));
    let running = tokio::net::UnixStream::connect(crate::admin::socket_path(&settings)).await.is_ok();
    if running {
        say("server", Ok("runs already, so its ports and its database were left alone".to_owned()));
    } else {
        for port in &settings.c2s.ports {
            for interface in &port.interfaces {
                say(&format!("port {}", port.number), port_free(interface, port.number));
            }
        }
    }
    say("open files", open_files());
    let settings = Arc::new(settings);
    if !running {
        let opened = async {
            let storage = wiring::storage(&settings).await?;
            wiring::server(settings.clone(), storage, Load::ToServe).await
        };
        match opened.await {
            Ok(server) => {
                say(
                    "database",
                    wiring::location(&settings).map(|at| at.to_string()).map_err(|why| why.to_string()),
                );
                say("plugins", Ok(format!("{} load", server.core.plugins().len())));
                let installed = match &server.catalogue {
                    Some(catalogue) => catalogue.list().await?,
                    None => Vec::new(),
                };
                for plugin in installed {
                    if let Some(trouble) = plugin.trouble {
                        say(&format!("plugin {}", plugin.name), Err(trouble));
                    }
                }
                for vhost in server.core.vhosts() {
                    say(
                        &format!("certificate of {vhost}"),
                        waxwing_net::certificates::check(&settings, &vhost).map_err(|why| why.to_string()),
                    );
                }
                server.close().await;
            }
            Err(why) if why.is::<VhostsError>() => say("virtual hosts", Err(crate::sentence(&why))),
            Err(why) => say("database and plugins", Err(crate::sentence(&why))),
        }
    }
    anyhow::ensure!(trouble == 0, "{trouble} found that would keep the server from working");
    Ok(())
}

fn port_free(interface: &str, port: u16) -> Result<String, String> {
    let address = if interface == "*" { "::" } else { interface };
    let address: std::net::IpAddr =
        address.parse().map_err(|_| format!("ifc '{interface}' is neither '*' nor an IP address"))?;
    match TcpListener::bind((address, port)) {
        Ok(_) => Ok(format!("free on {interface}")),
        Err(why) => Err(format!("cannot be opened on {interface}: {why}")),
    }
}

/// The limit on open files, from the kernel's own account of this process.
fn open_files() -> Result<String, String> {
    let limits = std::fs::read_to_string("/proc/self/limits").map_err(|why| why.to_string())?;
    let line = limits.lines().find(|line| line.starts_with("Max open files"));
    let soft = line.and_then(|line| line.split_whitespace().nth(3)).and_then(|word| word.parse::<u64>().ok());
    match soft {
        Some(soft) if soft < OPEN_FILES => Err(format!("only {soft}; raise it (ulimit -n, LimitNOFILE=)")),
        Some(soft) => Ok(format!("{soft} at most")),
        None => Ok("no limit found".to_owned()),
    }
}
