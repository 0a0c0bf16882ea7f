//! XMPP clients that are not ours, each a small program around a library and a process of its own. They take
//! commands, a line each, on standard input, and print what happens to them:
//!
//! | command | does |
//! |---|---|
//! | `subscribe JID` | asks for the contact's presence |
//! | `accept JID` | lets the contact see ours |
//! | `chat JID TEXT` | sends a chat message |
//! | `roster` | fetches the roster |
//! | `discover JID [NODE]` | looks for what is there (XEP-0030; only slixmpp) |
//! | `run JID#NODE [FIELD=VALUE;]`… | runs an ad-hoc command, and fills in the fields of its forms (only slixmpp) |
//! | `count`, `headers` | looks at its offline messages (XEP-0013; only slixmpp, as what follows) |
//! | `view NODE`, `remove NODE`, `purge` | gets one of them, removes it, removes all |
//! | `last JID` | asks for somebody's last activity (XEP-0012) |
//! | `quit` | closes the stream and ends |
//!
//! | line | means |
//! |---|---|
//! | `online JID` | logged in over STARTTLS, resource bound, initial presence sent |
//! | `presence TYPE JID` | presence of `available`, `unavailable`, `subscribe`, `subscribed`… came |
//! | `live JID TEXT`, `stored JID TEXT` | a message came, without or with a delay (XEP-0203) |
//! | `contact JID SUBSCRIPTION` | one of the roster's items |
//! | `roster` | the roster is complete |
//! | `item JID NODE NAME`, `discovered JID` | something is there, and there is no more |
//! | `form TITLE FIELD`…, `completed NOTE` | a command asks for something, or is done |
//! | `count NUMBER`, `header FROM NODE` | so many offline messages wait, and this is one |
//! | `viewed NODE BODY`, `removed`, `purged` | a message came, or is gone |
//! | `last SECONDS STATUS` | an answer about last activity |
//! | `offline` | the stream was closed in good order |

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use crate::server::{DOMAIN, Server, password, target_dir};

/// How long something that must happen may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A client in a process of its own. It is killed when dropped.
pub struct Chat {
    name: String,
    child: Child,
    commands: ChildStdin,
    lines: Receiver<String>,
    /// Lines that nobody has asked for yet.
    waiting: Vec<String>,
    seen: Vec<String>,
}

impl Chat {
    /// A client built on tokio-xmpp.
    pub fn tokio_xmpp(server: &Server, user: &str) -> Chat {
        Chat::start(Command::new(target_dir().join("chat-tokio-xmpp")), server, user, "tokio-xmpp")
    }

    /// A client built on slixmpp.
    pub fn slixmpp(server: &Server, user: &str) -> Chat {
        Chat::start(slixmpp(), server, user, "slixmpp")
    }

    /// The same of an account on another virtual host.
    pub fn slixmpp_elsewhere(server: &Server, account: &str, password: &str) -> Chat {
        let (_, domain) = account.split_once('@').expect("an account");
        let certificate = server.certificate_of(domain);
        Chat::start_as(slixmpp(), server, &format!("{account}/slixmpp"), password, &certificate)
    }

    /// The same without presence: nobody knows that it is there, and no messages come unasked.
    pub fn slixmpp_unavailable(server: &Server, user: &str) -> Chat {
        let mut command = slixmpp();
        command.env("WAXWING_TEST_UNAVAILABLE", "1");
        Chat::start(command, server, user, "slixmpp")
    }

    /// Starts it, and waits until it is online.
    fn start(command: Command, server: &Server, user: &str, library: &str) -> Chat {
        let jid = format!("{user}@{DOMAIN}/{library}");
        Chat::start_as(command, server, &jid, &password(user), &server.certificate())
    }

    fn start_as(
        mut command: Command,
        server: &Server,
        jid: &str,
        password: &str,
        certificate: &Path,
    ) -> Chat {
        let mut child = command
            .args([&server.addr().to_string(), jid, password])
            .env("SSL_CERT_FILE", certificate)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
        let commands = child.stdin.take().expect("its standard input");
        let stdout = BufReader::new(child.stdout.take().expect("its standard output"));
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let mut chat =
            Chat { name: jid.to_owned(), child, commands, lines, waiting: Vec::new(), seen: Vec::new() };
        chat.expect(&format!("online {jid}"));
        chat
    }

    /// The address that it is bound to.
    pub fn jid(&self) -> &str {
        &self.name
    }

    /// The address without the resource.
    pub fn bare(&self) -> &str {
        self.name.split('/').next().unwrap_or_default()
    }

    /// Gives it a command.
    pub fn tell(&mut self, command: &str) {
        writeln!(self.commands, "{command}")
            .unwrap_or_else(|error| self.fail(&format!("it is gone: {error}")));
    }

    /// Waits for a line. Lines of other kinds stay for later.
    #[track_caller]
    pub fn expect(&mut self, line: &str) {
        self.take(line, |candidate| candidate == line);
    }

    /// Waits for the next message, `live JID TEXT` or `stored JID TEXT`.
    #[track_caller]
    pub fn message(&mut self) -> String {
        self.take("a message", |line| line.starts_with("live ") || line.starts_with("stored "))
    }

    /// Waits for a line that starts so.
    #[track_caller]
    pub fn starting_with(&mut self, start: &str) -> String {
        self.take(start, |line| line.starts_with(start))
    }

    /// Waits for a line that starts in one of these ways.
    #[track_caller]
    pub fn starting_with_any(&mut self, starts: &[&str]) -> String {
        self.take(starts.first().copied().unwrap_or_default(), |line| {
            starts.iter().any(|start| line.starts_with(start))
        })
    }

    /// Fetches the roster: its `contact` lines, and everything sent before has been handled by the server.
    #[track_caller]
    pub fn roster(&mut self) -> Vec<String> {
        self.tell("roster");
        self.expect("roster");
        let (contacts, rest) =
            std::mem::take(&mut self.waiting).into_iter().partition(|line| line.starts_with("contact "));
        self.waiting = rest;
        contacts
    }

    /// Has it close its stream and end.
    #[track_caller]
    pub fn quit(mut self) {
        self.tell("quit");
        self.expect("offline");
        let status = self.child.wait().expect("its exit status");
        assert!(status.success(), "{}: {status}", self.name);
    }

    #[track_caller]
    fn take(&mut self, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        if let Some(at) = self.waiting.iter().position(|line| wanted(line)) {
            return self.waiting.remove(at);
        }
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => {
                    self.seen.push(line.clone());
                    if wanted(&line) {
                        return line;
                    }
                    self.waiting.push(line);
                }
                Err(RecvTimeoutError::Timeout) => self.fail(&format!("{what} did not come")),
                Err(RecvTimeoutError::Disconnected) => self.fail(&format!("it ended before {what} came")),
            }
        }
    }

    #[track_caller]
    fn fail(&self, why: &str) -> ! {
        panic!("{}: {why}\nIt said:\n{}", self.name, self.seen.join("\n"))
    }
}

impl Drop for Chat {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program around slixmpp.
fn slixmpp() -> Command {
    let mut command = Command::new(python());
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/chat_slixmpp.py"));
    command
}

/// The Python that has slixmpp: `$WAXWING_TEST_PYTHON`, or the one of the virtual environment that
/// `scripts/test-clients.sh` makes beside the build.
fn python() -> PathBuf {
    let path = std::env::var_os("WAXWING_TEST_PYTHON")
        .map_or_else(|| target_dir().join("../test-clients/bin/python"), PathBuf::from);
    assert!(
        path.is_file(),
        "there is no Python with slixmpp at {}: run `make test` or scripts/test-clients.sh, which install it",
        path.display()
    );
    path
}
