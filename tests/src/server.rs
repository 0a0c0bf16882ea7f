//! The server under test: the real binary, with a config, a database and a certificate of its own in a
//! temporary folder.

mod config;
mod process;

use std::fs;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use tempfile::TempDir;

use crate::client::Client;
use crate::database::Database;
use crate::grants::shipped;
use crate::guests::{component, plugins_with};
use crate::scram::{Mechanism, Scram};
use crate::xml::Node;

/// The virtual host of every test.
pub const DOMAIN: &str = "localhost";

/// The password of a test user.
pub fn password(user: &str) -> String {
    format!("the password of {user}")
}

/// What a server is to be like.
#[derive(Clone, Debug)]
pub struct ServerBuilder {
    users: Vec<String>,
    plugins: Vec<String>,
    settings: String,
    data_source: Option<String>,
    tls_required: bool,
    register: bool,
    anonymous: bool,
    guests: Vec<String>,
    components: Vec<Component>,
    as_shipped: bool,
}

/// A plugin that is neither bundled nor a guest.
#[derive(Clone, Debug)]
struct Component {
    name: String,
    file: PathBuf,
    block: String,
}

impl Default for ServerBuilder {
    fn default() -> Self {
        ServerBuilder {
            users: Vec::new(),
            plugins: shipped().iter().map(|plugin| plugin.name.clone()).collect(),
            settings: String::new(),
            data_source: None,
            tls_required: true,
            register: false,
            anonymous: false,
            guests: Vec::new(),
            components: Vec::new(),
            as_shipped: false,
        }
    }
}

impl ServerBuilder {
    /// Accounts to create before the server starts.
    pub fn users<const N: usize>(mut self, users: [&str; N]) -> Self {
        self.users.extend(users.map(String::from));
        self
    }

    /// Leaves a plugin's line out of the config.
    pub fn without_plugin(mut self, name: &str) -> Self {
        self.plugins.retain(|plugin| plugin != name);
        self
    }

    /// Adds a plugin's line to the config.
    pub fn plugin(mut self, name: &str) -> Self {
        self.plugins.push(name.into());
        self
    }

    /// Adds a plugin of `host/plugins/tests/guests`, ahead of the bundled ones.
    pub fn guest(mut self, name: &str) -> Self {
        self.plugins.insert(0, name.into());
        self.guests.push(name.into());
        self
    }

    /// Adds the plugin of this file, ahead of the bundled ones, with its block of the config.
    pub fn component(mut self, name: &str, file: &Path, block: &str) -> Self {
        self.components.push(Component { name: name.into(), file: file.to_owned(), block: block.into() });
        self
    }

    /// Any number of offline messages from one sender.
    pub fn endless_queues(self) -> Self {
        self.settings("msgoffline { 'store-limit' = 0 }")
    }

    /// More lines for the config file.
    pub fn settings(mut self, tdsl: &str) -> Self {
        self.settings.push_str(tdsl);
        self.settings.push('\n');
        self
    }

    /// The lines of `dataSource { default { ... } }`, of a test that brings a database. Without, the server has one of
    /// its own, of the engine that `$WAXWING_TEST_ENGINE` names.
    pub fn data_source(mut self, tdsl: &str) -> Self {
        self.data_source = Some(tdsl.into());
        self
    }

    /// The config file that comes with the server, changed only in ports, folders and the cost of passwords. Its
    /// plugins are those that it lists.
    pub fn shipped_config(mut self) -> Self {
        self.as_shipped = true;
        self
    }

    /// Lets clients log in without TLS.
    pub fn tls_optional(mut self) -> Self {
        self.tls_required = false;
        self
    }

    /// Anybody may log in without an account.
    pub fn anonymous(mut self) -> Self {
        self.anonymous = true;
        self
    }

    /// Lets anybody make an account.
    pub fn open_registration(mut self) -> Self {
        self.register = true;
        self
    }

    /// Creates the accounts and starts the server.
    pub fn start(self) -> Server {
        let mut server = self.unstarted();
        for user in server.options.users.clone() {
            server.command(&["user", "add", &format!("{user}@{DOMAIN}"), "--password", &password(&user)]);
        }
        server.start();
        server
    }

    /// Prepares the server, with no accounts, and does not start it.
    pub fn unstarted(self) -> Server {
        let dir = tempfile::Builder::new().prefix("waxwing-test-").tempdir().expect("a temporary folder");
        let database = self.data_source.is_none().then(Database::of_engine);
        let server =
            Server { options: self, database, dir, child: None, port: free_port(), tls_port: free_port() };
        if server.options.has_own_folder() {
            let folder = server.dir.path().join("plugins");
            plugins_with(&server.options.guests, &folder);
            for component in &server.options.components {
                let link = folder.join(&component.name).with_extension("wasm");
                symlink(&component.file, link).expect("a link to a plugin");
            }
        }
        server
    }

    /// Whether its plugins are more than the bundled ones.
    fn has_own_folder(&self) -> bool {
        !self.guests.is_empty() || !self.components.is_empty()
    }
}

/// A running server. It is killed when dropped.
pub struct Server {
    options: ServerBuilder,
    /// None if the test has brought one.
    database: Option<Database>,
    dir: TempDir,
    child: Option<Child>,
    port: u16,
    tls_port: u16,
}

impl Server {
    /// A server to be described; every plugin that a default config has is on.
    pub fn builder() -> ServerBuilder {
        ServerBuilder::default()
    }

    /// The port for plain connections and STARTTLS.
    pub fn addr(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// The port for direct TLS.
    pub fn tls_addr(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.tls_port).into()
    }

    /// A connection on which nothing has been said yet.
    pub fn connect(&self) -> Client {
        Client::connect(self.addr(), DOMAIN)
    }

    /// A session of `user` or `user/resource`, not available yet.
    #[track_caller]
    pub fn login(&self, who: &str) -> Client {
        let (user, resource) = match who.split_once('/') {
            Some((user, resource)) => (user, Some(resource)),
            None => (who, None),
        };
        let mut client = self.connect();
        client.login(user, &password(user), resource);
        client
    }

    /// A connection on which `user` has logged in and has no resource yet.
    #[track_caller]
    pub fn signed_in(&self, user: &str) -> Client {
        let mut client = self.connect();
        client.sign_in(user, &password(user));
        client
    }

    /// The same, of somebody who may be refused: an error is the server's `<failure/>`.
    pub fn try_sign_in(&self, user: &str) -> Result<Client, Box<Node>> {
        let mut client = self.connect();
        client.open();
        client.starttls();
        client.open();
        client.authenticate(&mut Scram::new(Mechanism::Sha256, user, &password(user))).map_err(Box::new)?;
        client.open();
        Ok(client)
    }

    /// A session of `user/resource`, with initial presence sent.
    #[track_caller]
    pub fn online(&self, who: &str) -> Client {
        let mut client = self.login(who);
        client.available();
        client
    }

    /// A session of somebody who has contacts: what their presence brings at login is swallowed.
    #[track_caller]
    pub fn online_again(&self, who: &str) -> Client {
        let mut client = self.login(who);
        client.send("<presence/>");
        client.drain();
        client
    }

    /// Makes the two users contacts of each other, subscribed both ways. Both must be available; what comes
    /// of it is swallowed.
    #[track_caller]
    pub fn befriend(&self, a: &mut Client, b: &mut Client) {
        a.send(format!("<presence type='subscribe' to='{}'/>", b.bare()));
        a.drain();
        b.send(format!("<presence type='subscribed' to='{}'/>", a.bare()));
        b.send(format!("<presence type='subscribe' to='{}'/>", a.bare()));
        b.drain();
        a.send(format!("<presence type='subscribed' to='{}'/>", b.bare()));
        a.drain();
        b.drain();
    }

    /// The server's certificate as a PEM file, taken from its TLS handshake.
    pub fn certificate(&self) -> PathBuf {
        let mut client = Client::connect(self.tls_addr(), DOMAIN);
        client.secure(Some("xmpp-client")).expect("a TLS handshake");
        let der = client.transport().certificate().expect("a certificate");
        let base64 = BASE64.encode(der);
        let lines: Vec<&str> =
            base64.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
        let pem = format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"));
        let path = self.dir.path().join("as-seen.pem");
        fs::write(&path, pem).expect("a file for the certificate");
        path
    }

    /// The certificate that the server keeps for a domain, as a PEM file.
    pub fn certificate_of(&self, domain: &str) -> PathBuf {
        self.dir.path().join("certs").join(format!("{domain}.pem"))
    }

    /// Runs another command of the binary with this server's config, which must succeed; returns what it
    /// printed.
    #[track_caller]
    pub fn command(&self, args: &[&str]) -> String {
        self.command_with_input(args, "")
    }

    /// The same, with this on its standard input.
    #[track_caller]
    pub fn command_with_input(&self, args: &[&str], input: &str) -> String {
        let output = self.run(args, input);
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "waxwing {args:?}: {}\n{stdout}\n{stderr}", output.status);
        stdout
    }

    /// The same of a command that must fail; returns what it said about it.
    #[track_caller]
    pub fn failing_command(&self, args: &[&str]) -> String {
        let output = self.run(args, "");
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        assert!(!output.status.success(), "waxwing {args:?} succeeded\n{said}");
        said
    }

    /// Runs another command of the binary for a person at a terminal, who types these answers to what it asks without
    /// showing it; returns all that the terminal has shown.
    #[track_caller]
    pub fn at_a_terminal(&self, args: &[&str], answers: &[&str]) -> String {
        let waxwing = self.waxwing();
        let mut terminal = Command::new("python3");
        terminal.args(["-c", include_str!("../clients/terminal.py")]).arg(answers.len().to_string());
        terminal.args(answers).arg(waxwing.get_program()).args(waxwing.get_args()).args(args);
        terminal.envs(waxwing.get_envs().filter_map(|(name, value)| Some((name, value?))));
        if let Some(folder) = waxwing.get_current_dir() {
            terminal.current_dir(folder);
        }
        let output = terminal.output().expect("python3 can be run");
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "the terminal: {complaint}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Starts another command of the binary, without waiting for what comes of it.
    pub fn start_command(&self, args: &[&str]) -> Child {
        let mut command = self.waxwing();
        command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().expect("the waxwing binary can be run")
    }

    /// Runs another command of the binary, whose output goes into a pipe that nobody reads any more.
    pub fn unheard_command(&self, args: &[&str]) -> Output {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let mut command = self.waxwing();
        command.args(args).stdin(Stdio::null()).stdout(writer).stderr(Stdio::piped());
        command.output().expect("the waxwing binary can be run")
    }

    /// The path of a file in the server's folder.
    pub fn path(&self, name: &str) -> String {
        self.dir.path().join(name).display().to_string()
    }

    fn run(&self, args: &[&str], input: &str) -> Output {
        let mut command = self.waxwing();
        command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the waxwing binary can be run");
        let _ = child.stdin.take().expect("its standard input").write_all(input.as_bytes());
        child.wait_with_output().expect("its output")
    }

    /// Writes a file into the server's folder; returns its path.
    pub fn write_file(&self, name: &str, text: &str) -> String {
        let path = self.dir.path().join(name);
        fs::write(&path, text).expect("a file");
        path.display().to_string()
    }

    /// The component of a plugin of `host/plugins/tests/guests`, in the server's folder; returns its path.
    pub fn component(&self, guest: &str) -> String {
        component(guest, self.dir.path()).display().to_string()
    }

    /// Changes what the server is to be like at its next start.
    pub fn reconfigure(&mut self, change: impl FnOnce(ServerBuilder) -> ServerBuilder) {
        self.options = change(self.options.clone());
    }

    /// The binary with `--config`, which is written anew.
    fn waxwing(&self) -> Command {
        let config = self.dir.path().join("config.tdsl");
        let dir = self.dir.path();
        let own = || self.database.as_ref().expect("a database of its own").settings(dir);
        let data_source = self.options.data_source.clone().unwrap_or_else(own);
        let text = self.options.config(dir, &data_source, self.port, self.tls_port);
        fs::write(&config, text).expect("a config file");
        let mut command = Command::new(binary());
        command.arg("--config").arg(config).current_dir(self.dir.path());
        command
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        if thread::panicking() {
            eprintln!("--- the server's log ---\n{}", self.log());
        }
    }
}

/// The server's binary: `$WAXWING_BIN`, or the one beside the tests' own.
pub fn binary() -> PathBuf {
    let path = std::env::var_os("WAXWING_BIN").map_or_else(|| target_dir().join("waxwing"), PathBuf::from);
    assert!(
        path.is_file(),
        "there is no server to test at {}: run `make test`, which builds it, or set WAXWING_BIN",
        path.display()
    );
    path
}

/// The bundled plugins, built by `make plugins`.
pub fn plugins_dir() -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugins");
    assert!(path.is_dir(), "there are no plugins in {}: run `make plugins`", path.display());
    path.canonicalize().expect("the plugins folder")
}

/// Compiled plugins, shared by all tests: compiling them is most of what a start costs.
fn plugins_cache() -> PathBuf {
    target_dir().join("waxwing-tests-plugins-cache")
}

/// `target/debug`, where cargo puts the binaries that the tests run.
pub fn target_dir() -> PathBuf {
    let test = std::env::current_exe().expect("the test's own path");
    test.parent().and_then(Path::parent).expect("a target folder").to_owned()
}

/// A port that nobody listens on, below the range from which the kernel picks ports for connections.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    loop {
        let offset = std::process::id() + u32::from(NEXT.fetch_add(1, Ordering::Relaxed));
        let port = 10_000 + (offset % 20_000) as u16;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}
