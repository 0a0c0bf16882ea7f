//! The admin socket: commands reach a running server through a Unix socket that only its owner may
//! open, and a stopped one by opening its storage.

use crate::command::Request;
use crate::wiring;
use anyhow::Context as _;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Notify;
use waxwing_config::Settings;
use waxwing_server::Server;

/// The longest command, in bytes: a list of some hundred thousand accounts.
const LONGEST: u64 = 16 << 20;
/// How long a command may take to arrive.
const PATIENCE: Duration = Duration::from_secs(10);
/// Commands served at the same time; others wait.
const AT_ONCE: usize = 8;

/// Where the socket of a server with these settings is.
pub fn socket_path(settings: &Settings) -> PathBuf {
    settings.data_folder.join("admin.sock")
}

/// Run a command, wherever the server is, and print what it answers.
pub async fn run(settings: Settings, request: Request) -> anyhow::Result<()> {
    let path = socket_path(&settings);
    let answer = match UnixStream::connect(&path).await {
        Ok(stream) => ask(stream, &request).await.context("the running server did not answer")?,
        Err(_) => {
            let plugins = matches!(request, Request::PluginList);
            let server = wiring::server(Arc::new(settings), plugins).await?;
            let answer = request.run(&server.core).await;
            server.close().await;
            answer
        }
    };
    match answer {
        Ok(text) if text.is_empty() => Ok(()),
        Ok(text) => {
            println!("{text}");
            Ok(())
        }
        Err(why) => Err(anyhow::anyhow!(why)),
    }
}

/// Words are ended by a NUL byte, which none of them may contain; the answer is `+` or `-` and text.
async fn ask(mut stream: UnixStream, request: &Request) -> anyhow::Result<Result<String, String>> {
    let mut bytes = Vec::new();
    for word in request.to_words() {
        anyhow::ensure!(!word.contains('\0'), "a NUL character cannot be part of a command");
        bytes.extend_from_slice(word.as_bytes());
        bytes.push(0);
    }
    stream.write_all(&bytes).await?;
    stream.shutdown().await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    match answer.split_at_checked(1) {
        Some(("+", text)) => Ok(Ok(text.to_owned())),
        Some(("-", text)) => Ok(Err(text.to_owned())),
        _ => anyhow::bail!("it closed the connection"),
    }
}

/// Serve commands until the task is aborted. `vhosts_changed` is notified after each that changes
/// the virtual hosts.
pub fn listen(
    settings: &Settings,
    server: Arc<Server>,
    vhosts_changed: Arc<Notify>,
) -> anyhow::Result<tokio::task::JoinHandle<()>> {
    let path = socket_path(settings);
    let listener = bind(&path).with_context(|| format!("cannot open the admin socket {}", path.display()))?;
    let permits = Arc::new(tokio::sync::Semaphore::new(AT_ONCE));
    Ok(tokio::spawn(async move {
        loop {
            // The semaphore is never closed.
            let Ok(permit) = permits.clone().acquire_owned().await else { return };
            match listener.accept().await {
                Ok((stream, _)) => {
                    let (server, changed) = (server.clone(), vhosts_changed.clone());
                    tokio::spawn(async move {
                        if let Err(why) = answer(stream, &server, &changed).await {
                            tracing::debug!("an admin command was cut short: {why}");
                        }
                        drop(permit);
                    });
                }
                Err(why) => {
                    tracing::warn!("the admin socket fails: {why}");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
        }
    }))
}

fn bind(path: &Path) -> std::io::Result<UnixListener> {
    // Nobody listens there, or the storage would be locked: it is left from a crash.
    match std::fs::remove_file(path) {
        Err(why) if why.kind() != std::io::ErrorKind::NotFound => return Err(why),
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

async fn answer(mut stream: UnixStream, server: &Arc<Server>, vhosts_changed: &Notify) -> anyhow::Result<()> {
    let mut bytes = Vec::new();
    tokio::time::timeout(PATIENCE, (&mut stream).take(LONGEST).read_to_end(&mut bytes)).await??;
    let text = String::from_utf8(bytes)?;
    let words: Vec<String> = text.split_terminator('\0').map(str::to_owned).collect();
    let (mark, text) = match Request::from_words(&words) {
        Some(request) => {
            let changes_vhosts = matches!(request, Request::VhostAdd(_));
            match request.run(server).await {
                Ok(text) => {
                    if changes_vhosts {
                        vhosts_changed.notify_one();
                    }
                    ("+", text)
                }
                Err(text) => ("-", text),
            }
        }
        None => ("-", "the running server does not know this command: is it of the same version?".to_owned()),
    };
    stream.write_all(mark.as_bytes()).await?;
    stream.write_all(text.as_bytes()).await?;
    stream.shutdown().await?;
    Ok(())
}
