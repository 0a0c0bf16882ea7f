//! What goes over the admin socket. A request is one line of JSON, then as many bytes as that line says;
//! the answer is JSON up to the end. Before it come lines that say how far the command is, and that the server is alive.
//! Whoever asks keeps its side open until then, so that the server knows whether somebody still waits.

use crate::command::Request;
use crate::ctl::CtlAnswer;
use crate::plugin_view::Views;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::time::timeout;
use waxwing_plugins::NeedsConsent;
use waxwing_server::{Exported, Imported, Progress};

/// The longest line, in bytes: a list of some hundred thousand accounts.
const LINE: u64 = 16 << 20;
/// How long a request may take to arrive.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a request leads to.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// It is done; for a person to read.
    Ok(String),
    /// It is not, and this is why.
    Error(String),
    /// It is not, because the operator has to agree to something first.
    NeedsConsent(NeedsConsent),
    /// What was asked for.
    Plugins(Views),
    /// What came of an ad-hoc command.
    Ctl(CtlAnswer),
    /// Accounts are in a file.
    Exported(Exported),
    /// Accounts have come from files.
    Imported(Imported),
    /// How the server fares with its database.
    Storage(waxwing_storage::Metrics),
}

impl From<Result<String, String>> for Answer {
    fn from(result: Result<String, String>) -> Self {
        result.map_or_else(Answer::Error, Answer::Ok)
    }
}

/// How far a long command is: so much is done, of so much if that is known.
#[derive(Debug, Serialize, Deserialize)]
struct Step {
    progress: (u64, Option<u64>),
}

/// How often that is said if it has changed.
const STEP: Duration = Duration::from_millis(200);
/// How often a server says it in any case, so that its silence tells something.
pub const SIGN_OF_LIFE: Duration = Duration::from_secs(2);
/// How long a server that is well says nothing at most.
const SILENCE: Duration = Duration::from_secs(30);

#[derive(Serialize, Deserialize)]
struct Header<R> {
    request: R,
    bytes: u64,
}

/// What a running server says nothing to is not waited for without end.
async fn patiently<T>(time: Duration, what: impl Future<Output = T>) -> anyhow::Result<T> {
    timeout(time, what).await.map_err(|_| {
        anyhow::anyhow!(
            "it has said nothing for {} seconds, and may or may not have run the command: it may be busy with other \
             commands, out of file descriptors (`ulimit -n`) or suspended; its log tells",
            time.as_secs()
        )
    })
}

/// Send a request with the bytes that belong to it, and wait for the answer. `show` hears how far it is.
pub async fn ask(
    mut stream: UnixStream,
    request: &Request,
    body: &[u8],
    mut show: impl FnMut(u64, Option<u64>),
) -> anyhow::Result<Answer> {
    let mut line = serde_json::to_vec(&Header { request, bytes: body.len() as u64 })?;
    line.push(b'\n');
    // One that refuses the request may not read all of it, and answers nevertheless.
    let sent = async {
        stream.write_all(&line).await?;
        stream.write_all(body).await
    };
    let sent = patiently(SILENCE, sent).await?;
    let mut answer = Vec::new();
    let mut stream = BufReader::new(stream);
    let mut shown = (0, None);
    let read = loop {
        let read = patiently(SILENCE, stream.read_until(b'\n', &mut answer)).await?;
        match serde_json::from_slice(&answer) {
            Ok(Step { progress }) if std::mem::replace(&mut shown, progress) == progress => {}
            Ok(Step { progress: (done, total) }) => show(done, total),
            Err(_) => break read,
        }
        answer.clear();
    };
    if answer.is_empty() {
        sent?;
        read?;
        anyhow::bail!("it closed the connection");
    }
    Ok(serde_json::from_slice(&answer)?)
}

/// Wait for a request and its bytes, of which there may be `most`; an error is for whoever asks.
pub async fn receive(stream: &mut UnixStream, most: usize) -> Result<(Request, Vec<u8>), String> {
    match timeout(PATIENCE, read(stream, most)).await {
        Ok(request) => request,
        Err(_) => Err("the request did not arrive in time".to_owned()),
    }
}

async fn read(stream: &mut UnixStream, most: usize) -> Result<(Request, Vec<u8>), String> {
    let mut stream = BufReader::new(stream);
    let mut line = Vec::new();
    (&mut stream).take(LINE).read_until(b'\n', &mut line).await.map_err(|why| why.to_string())?;
    let header: Header<Request> = serde_json::from_slice(&line).map_err(|why| {
        // Why is not told in full: it may quote a password.
        let at = why.column();
        format!("the running server does not know this command (column {at}): is it of the same version?")
    })?;
    if header.bytes > most as u64 {
        return Err(format!("the file has {} bytes; `plugin-file-bytes` allows {most}", header.bytes));
    }
    let mut body = Vec::new();
    stream.take(header.bytes).read_to_end(&mut body).await.map_err(|why| why.to_string())?;
    if body.len() as u64 != header.bytes {
        return Err("the request was cut short".to_owned());
    }
    Ok((header.request, body))
}

/// How far something is, whenever that has changed.
pub struct Steps<'a> {
    progress: &'a Progress,
    clock: tokio::time::Interval,
    said: (u64, Option<u64>),
}

impl<'a> Steps<'a> {
    /// From now on.
    pub fn of(progress: &'a Progress) -> Self {
        Self { progress, clock: tokio::time::interval(STEP), said: progress.get() }
    }

    /// Wait until it has changed.
    pub async fn next(&mut self) -> (u64, Option<u64>) {
        loop {
            self.clock.tick().await;
            let now = self.progress.get();
            if std::mem::replace(&mut self.said, now) != now {
                return now;
            }
        }
    }
}

/// Say how far a request is. Whoever does not listen any more is no reason to stop.
pub async fn say(stream: &mut UnixStream, done: u64, total: Option<u64>) {
    if let Ok(mut line) = serde_json::to_vec(&Step { progress: (done, total) }) {
        line.push(b'\n');
        let _ = stream.write_all(&line).await;
    }
}

/// Wait until whoever asked has gone.
pub async fn gone(stream: &mut UnixStream) {
    let mut rest = [0; 64];
    while stream.read(&mut rest).await.is_ok_and(|bytes| bytes > 0) {}
}

/// Answer a request and close.
pub async fn answer(stream: &mut UnixStream, answer: &Answer) -> anyhow::Result<()> {
    stream.write_all(&serde_json::to_vec(answer)?).await?;
    Ok(stream.shutdown().await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> Request {
        Request::UserPasswd("juliet@example.com".into(), "two\nlines \0".into())
    }

    #[tokio::test]
    async fn a_request_and_its_bytes_arrive() {
        let (client, mut server) = UnixStream::pair().unwrap();
        let body = vec![b'\n'; 300_000];
        let served = async {
            let got = receive(&mut server, 300_000).await.unwrap();
            answer(&mut server, &Answer::Ok("done".into())).await.unwrap();
            got
        };
        let sent = request();
        let (answer, got) = tokio::join!(ask(client, &sent, &body, |_, _| {}), served);
        assert!(matches!(answer, Ok(Answer::Ok(text)) if text == "done"));
        assert_eq!(got, (sent, body));
    }

    #[tokio::test]
    async fn a_long_command_says_how_far_it_is() {
        let (client, mut server) = UnixStream::pair().unwrap();
        let served = async {
            receive(&mut server, 0).await.unwrap();
            say(&mut server, 1, None).await;
            say(&mut server, 2, Some(3)).await;
            answer(&mut server, &Answer::Ok("two\nlines".into())).await.unwrap();
        };
        let (request, mut heard) = (request(), Vec::new());
        let asked = ask(client, &request, &[], |done, total| heard.push((done, total)));
        let (answer, ()) = tokio::join!(asked, served);
        assert!(matches!(answer, Ok(Answer::Ok(text)) if text == "two\nlines"));
        assert_eq!(heard, [(1, None), (2, Some(3))]);
    }

    #[tokio::test(start_paused = true)]
    async fn signs_of_life_are_waited_for_and_not_shown() {
        let (client, mut server) = UnixStream::pair().unwrap();
        let served = async {
            receive(&mut server, 0).await.unwrap();
            for _ in 0..20 {
                tokio::time::sleep(SIGN_OF_LIFE).await;
                say(&mut server, 0, None).await;
            }
            answer(&mut server, &Answer::Ok("done".into())).await.unwrap();
        };
        let request = request();
        let asked = ask(client, &request, &[], |_, _| panic!("nothing has been done"));
        let (answer, ()) = tokio::join!(asked, served);
        assert!(matches!(answer, Ok(Answer::Ok(text)) if text == "done"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_says_nothing_is_not_waited_for_without_end() {
        let (client, _server) = UnixStream::pair().unwrap();
        let why = ask(client, &request(), &[], |_, _| {}).await.unwrap_err().to_string();
        assert!(why.contains("30 seconds") && why.contains("ulimit -n"), "{why}");
    }

    #[tokio::test]
    async fn whoever_goes_is_missed() {
        let (client, mut server) = UnixStream::pair().unwrap();
        let asking = tokio::spawn(async move { ask(client, &request(), &[], |_, _| {}).await.is_ok() });
        receive(&mut server, 0).await.unwrap();
        let mut waiting = std::pin::pin!(gone(&mut server));
        tokio::select! {
            biased;
            () = &mut waiting => panic!("it waits for the answer"),
            () = tokio::task::yield_now() => {}
        }
        asking.abort();
        waiting.await;
    }

    #[tokio::test]
    async fn more_bytes_than_allowed_are_not_read() {
        let (client, mut server) = UnixStream::pair().unwrap();
        let served = async move {
            let why = receive(&mut server, 1_000_000).await.unwrap_err();
            answer(&mut server, &Answer::Error(why)).await
        };
        let (request, body) = (request(), vec![0; 5_000_000]);
        let (answer, _) = tokio::join!(ask(client, &request, &body, |_, _| {}), served);
        assert!(
            matches!(answer, Ok(Answer::Error(why)) if why.contains("5000000") && why.contains("plugin-file-bytes"))
        );
    }

    #[tokio::test]
    async fn what_is_not_a_request_is_refused() {
        for text in
            ["", "\n", "{\"request\":{\"user-passwd\":[\"secret\"]},\"bytes\":0}\n", "{}", "user-add\0x\0"]
        {
            let (mut client, mut server) = UnixStream::pair().unwrap();
            client.write_all(text.as_bytes()).await.unwrap();
            client.shutdown().await.unwrap();
            let why = receive(&mut server, 10).await.unwrap_err();
            assert!(why.contains("same version") && !why.contains("secret"), "{why}");
        }
    }
}
