//! The admin socket: commands reach a running server through a Unix socket that only its owner may
//! open, and a stopped one by opening its storage.

use crate::command::Request;
use crate::progress::Progress;
use crate::wire::{self, Answer, SIGN_OF_LIFE, Steps};
use crate::wiring::{self, Running};
use anyhow::Context as _;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{UnixListener, UnixStream};
use waxwing_config::{DataSource, Settings};

/// Commands served at the same time; others wait.
const AT_ONCE: usize = 8;

/// Where the socket of a server with these settings is.
pub fn socket_path(settings: &Settings) -> PathBuf {
    settings.data_folder.join("admin.sock")
}

/// Run a command, wherever the server is, and print what it answers.
pub async fn run(settings: Settings, request: Request) -> anyhow::Result<()> {
    match ask(&Arc::new(settings), &request, &[]).await? {
        Answer::Ok(text) if text.is_empty() => Ok(()),
        Answer::Ok(text) => {
            println!("{text}");
            Ok(())
        }
        Answer::Error(why) => Err(anyhow::anyhow!(why)),
        _ => anyhow::bail!("that is no answer to this command"),
    }
}

/// Run a command with the bytes that belong to it, wherever the server is.
pub async fn ask(settings: &Arc<Settings>, request: &Request, body: &[u8]) -> anyhow::Result<Answer> {
    let mut bar: Option<Progress> = None;
    let mut show = |done, total| bar.get_or_insert_with(|| Progress::new(request.verb(), total)).set(done);
    let answer = match ask_running(settings, request, body, &mut show).await? {
        Some(answer) => answer,
        None => run_beside(settings, request, body, &mut show).await?,
    };
    if let Some(bar) = bar {
        bar.finish();
    }
    Ok(answer)
}

/// Run a command in a server that runs, if one does. `show` is told how far it is.
pub async fn ask_running(
    settings: &Settings,
    request: &Request,
    body: &[u8],
    show: impl FnMut(u64, Option<u64>),
) -> anyhow::Result<Option<Answer>> {
    let path = socket_path(settings);
    match UnixStream::connect(&path).await {
        Ok(stream) => {
            let asked = wire::ask(stream, request, body, show);
            asked.await.context("the running server did not answer").map(Some)
        }
        Err(why) => nobody_listens(&path, &why).map(|()| None),
    }
}

/// Whether a socket could not be opened because no server runs; another reason is an error.
fn nobody_listens(path: &Path, why: &std::io::Error) -> anyhow::Result<()> {
    let advice = match why.kind() {
        ErrorKind::ConnectionRefused | ErrorKind::NotFound => return Ok(()),
        ErrorKind::PermissionDenied => "; run this as the user that the server runs as, or as root",
        _ => "",
    };
    anyhow::bail!("the admin socket {} cannot be opened: {why}{advice}", path.display())
}

/// What is needed to ask a server that runs while its config file is being edited and does not read: where its data is,
/// as far as the file or the defaults say. `None` if none runs there.
pub fn settings_of_running(config: &Path, properties: &[String]) -> Option<Settings> {
    let data_folder = wiring::data_folder(config, properties);
    // Never a database beside the server: which one it would be is what the file does not say.
    let data_source = DataSource { uri: String::new(), ..DataSource::default() };
    let settings = Settings { data_folder, data_source, ..Settings::default() };
    std::os::unix::net::UnixStream::connect(socket_path(&settings)).ok()?;
    Some(settings)
}

/// Run a command where no server runs.
async fn run_beside(
    settings: &Arc<Settings>,
    request: &Request,
    body: &[u8],
    mut show: impl FnMut(u64, Option<u64>),
) -> anyhow::Result<Answer> {
    let storage = wiring::storage(settings).await?;
    let running = wiring::server(settings.clone(), storage, request.load()).await?;
    let progress = waxwing_server::Progress::default();
    let work = request.clone().run(&running, body.to_vec(), &progress);
    let (mut work, mut steps) = (std::pin::pin!(work), Steps::of(&progress));
    let answer = loop {
        tokio::select! {
            answer = &mut work => break answer,
            (done, total) = steps.next() => show(done, total),
        }
    };
    running.close().await;
    Ok(answer)
}

/// Serve commands until the task is aborted.
pub fn listen(settings: &Settings, running: Arc<Running>) -> anyhow::Result<tokio::task::JoinHandle<()>> {
    let path = socket_path(settings);
    let listener = bind(&path).with_context(|| format!("cannot open the admin socket {}", path.display()))?;
    let permits = Arc::new(tokio::sync::Semaphore::new(AT_ONCE));
    Ok(tokio::spawn(async move {
        loop {
            // The semaphore is never closed.
            let Ok(permit) = permits.clone().acquire_owned().await else { return };
            match listener.accept().await {
                Ok((stream, _)) => {
                    let running = running.clone();
                    tokio::spawn(async move {
                        if let Err(why) = answer(stream, &running).await {
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

async fn answer(mut stream: UnixStream, running: &Running) -> anyhow::Result<()> {
    let most = running.settings.plugins.file_bytes;
    let answer = match wire::receive(&mut stream, most).await {
        Ok((request, body)) => {
            let progress = waxwing_server::Progress::default();
            let needs_listener = request.needs_listener();
            let work = request.run(running, body, &progress);
            let (mut work, mut steps) = (std::pin::pin!(work), Steps::of(&progress));
            let mut alive = tokio::time::interval(SIGN_OF_LIFE);
            loop {
                let (done, total) = tokio::select! {
                    answer = &mut work => break answer,
                    step = steps.next() => step,
                    _ = alive.tick() => progress.get(),
                    () = wire::gone(&mut stream), if needs_listener => return Ok(()),
                };
                wire::say(&mut stream, done, total).await;
            }
        }
        Err(why) => Answer::Error(why),
    };
    wire::answer(&mut stream, &answer).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_of_somebody_else_is_not_a_server_that_is_stopped() {
        let said = |kind: ErrorKind| nobody_listens(Path::new("data/admin.sock"), &kind.into());
        assert!(said(ErrorKind::NotFound).is_ok() && said(ErrorKind::ConnectionRefused).is_ok());
        let denied = said(ErrorKind::PermissionDenied).unwrap_err().to_string();
        assert!(denied.contains("data/admin.sock") && denied.contains("as the user"), "{denied}");
        assert!(said(ErrorKind::NotADirectory).is_err());
    }
}
