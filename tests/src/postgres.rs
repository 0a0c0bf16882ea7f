//! A PostgreSQL of a test's own, to be stopped, killed, frozen and brought back. Unlike the one that all tests share it
//! keeps safe what it says is safe.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use postgres::{Client, NoTls, SimpleQueryMessage};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::disk;
use crate::moment::PATIENCE;
use crate::server::free_port;

/// A running server, or one that was. It is gone when dropped.
pub struct Postgres {
    dir: TempDir,
    options: Vec<String>,
    postmaster: Option<Child>,
    /// Whether its data are on a file system of their own.
    mounted: bool,
    /// The socket's name has it too.
    port: u16,
}

/// Where it listens on loopback.
pub struct Listening {
    /// The port.
    pub port: u16,
    /// Its certificate, as a PEM file.
    pub certificate: Option<PathBuf>,
}

impl Postgres {
    /// An empty one.
    pub fn start() -> Postgres {
        Postgres::start_with(&[])
    }

    /// An empty one with options of `postgres`, such as `-c`, `max_connections=10`.
    pub fn start_with(options: &[&str]) -> Postgres {
        let mut postgres = Postgres::prepare(options);
        postgres.start_first();
        postgres
    }

    /// An empty one on a disk of its own of 160 MB, or nothing if this user may not mount one.
    pub fn on_small_disk() -> Option<Postgres> {
        let mut postgres = Postgres::prepare(&["-c", "min_wal_size=32MB", "-c", "max_wal_size=32MB"]);
        postgres.mounted = disk::mount(&postgres.data(), "160m");
        if !postgres.mounted {
            return None;
        }
        postgres.start_first();
        Some(postgres)
    }

    /// Leaves nothing free on its disk.
    pub fn fill_disk(&self) {
        assert!(self.mounted, "not the disk of all");
        disk::fill(&self.filler());
    }

    /// Frees what was filled.
    pub fn free_disk(&self) {
        fs::remove_file(self.filler()).expect("the file that fills the disk goes");
    }

    /// Starts it again, listening on loopback too, with a certificate for this name that nobody has signed, or without
    /// TLS.
    pub fn listen(&mut self, name: Option<&str>) -> Listening {
        self.stop();
        let port = free_port();
        self.options = ["-c", "listen_addresses=localhost", "-c"].map(String::from).to_vec();
        self.options.push(format!("port={port}"));
        let certificate = name.map(|name| {
            let made = rcgen::generate_simple_self_signed([name.to_owned()]).expect("a certificate");
            let (key, certificate) = (self.data().join("server.key"), self.dir.path().join("server.pem"));
            fs::write(&key, made.signing_key.serialize_pem()).expect("a file for the key");
            fs::write(&certificate, made.cert.pem()).expect("a file for the certificate");
            // It wants its key for itself.
            let owner = fs::metadata(self.data()).expect("its folder");
            chown(&key, Some(owner.uid()), Some(owner.gid())).expect("it owns its key");
            fs::set_permissions(&key, Permissions::from_mode(0o600)).expect("a key that nobody else reads");
            for setting in [
                "ssl=on".to_owned(),
                format!("ssl_key_file={}", key.display()),
                format!("ssl_cert_file={}", certificate.display()),
            ] {
                self.options.extend(["-c".to_owned(), setting]);
            }
            certificate
        });
        self.port = port;
        self.start_again();
        Listening { port, certificate }
    }

    /// The same, and whoever comes that way needs a password.
    pub fn listen_for_passwords(&mut self, name: Option<&str>) -> Listening {
        let rules = "local all all trust\nhost all all all scram-sha-256\n";
        fs::write(self.data().join("pg_hba.conf"), rules).expect("the file of who may come in");
        self.listen(name)
    }

    fn filler(&self) -> PathBuf {
        self.data().join("filler")
    }

    fn prepare(options: &[&str]) -> Postgres {
        // PostgreSQL's own user must come through here.
        let permissions = Permissions::from_mode(0o755);
        let dir = tempfile::Builder::new().prefix("waxwing-postgres-").permissions(permissions).tempdir();
        let dir = dir.expect("a temporary folder");
        fs::create_dir(dir.path().join("data")).expect("a folder for its data");
        let options = options.iter().map(ToString::to_string).collect();
        Postgres { dir, options, postmaster: None, mounted: false, port: 5432 }
    }

    fn start_first(&mut self) {
        self.start_again();
        self.execute("CREATE ROLE waxwing LOGIN");
        self.execute("CREATE DATABASE waxwing OWNER waxwing");
    }

    /// The database `waxwing`, for the role `waxwing`, which owns it and has no other rights.
    pub fn uri(&self) -> String {
        format!("postgresql:///waxwing?host={}&port={}&user=waxwing", self.data().display(), self.port)
    }

    /// For the superuser, to whom some connections are reserved.
    fn superuser_uri(&self) -> String {
        format!("postgresql:///postgres?host={}&port={}&user=postgres", self.data().display(), self.port)
    }

    /// Lines for [`crate::ServerBuilder::data_source`], with little patience.
    pub fn data_source(&self) -> String {
        format!(
            "uri = '{}'\n'pool-size' = 3\n'statement-timeout' = '2s'\n'connect-timeout' = '2s'",
            self.uri()
        )
    }

    /// The folder with its data and its socket.
    pub fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// Starts it with the data that it has, and waits until it serves.
    pub fn start_again(&mut self) {
        assert!(self.postmaster.is_none(), "it runs already");
        let log = File::options().create(true).append(true).open(self.log_path()).expect("a log file");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/postgres.sh");
        let mut command = Command::new(script);
        command.arg("run").arg(self.data()).args(&self.options);
        command.stdin(Stdio::null()).stdout(log.try_clone().expect("the log file twice")).stderr(log);
        self.postmaster = Some(command.spawn().expect("scripts/postgres.sh can be run"));
        let deadline = Instant::now() + PATIENCE;
        while let Err(error) = Client::connect(&self.superuser_uri(), NoTls) {
            let exited = self.postmaster.as_mut().expect("a child").try_wait().expect("its status");
            assert!(exited.is_none(), "PostgreSQL ended while starting: {exited:?}\n{}", self.log());
            assert!(Instant::now() < deadline, "PostgreSQL does not start: {error}\n{}", self.log());
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Stops it in good order, without waiting for its clients.
    pub fn stop(&mut self) {
        kill_process(self.pid(), Signal::INT).expect("a signal can be sent");
        self.postmaster.take().expect("a running server").wait().expect("its status");
    }

    /// SIGKILL for all its processes at once, as if the machine had lost its power: it gets to do nothing more.
    pub fn kill(&mut self) {
        // Stopped, it does not see its processes die.
        let processes = self.freeze();
        for process in &processes {
            let _ = kill_process(*process, Signal::KILL);
        }
        self.postmaster.take().expect("a running server").wait().expect("its status");
        // While one of them is there, the data count as in use.
        let deadline = Instant::now() + PATIENCE;
        while processes.iter().any(|process| is_alive(*process)) {
            assert!(Instant::now() < deadline, "PostgreSQL's processes do not die");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Stops the clock for it: connections stay open, and nothing comes. Returns its processes.
    pub fn freeze(&self) -> Vec<Pid> {
        // First the one that starts the others.
        let postmaster = self.pid();
        kill_process(postmaster, Signal::STOP).expect("a signal can be sent");
        let mut processes = children(postmaster);
        for process in &processes {
            let _ = kill_process(*process, Signal::STOP);
        }
        processes.push(postmaster);
        processes
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        let postmaster = self.pid();
        for process in children(postmaster).into_iter().chain([postmaster]) {
            let _ = kill_process(process, Signal::CONT);
        }
    }

    /// Runs a statement of its superuser, or several as one transaction.
    pub fn execute(&self, statements: &str) {
        execute(&self.superuser_uri(), statements);
    }

    /// The same as the role `waxwing`, in its database.
    pub fn execute_waxwing(&self, statements: &str) {
        execute(&self.uri(), statements);
    }

    /// The first value that a query in the database `waxwing` answers, as text.
    pub fn ask_waxwing(&self, query: &str) -> Option<String> {
        let mut client = Client::connect(&self.uri(), NoTls).expect("a connection to the database");
        let rows = client.simple_query(query).expect("the query succeeds");
        rows.iter().find_map(|row| match row {
            SimpleQueryMessage::Row(row) => row.get(0).map(String::from),
            _ => None,
        })
    }

    /// Takes every connection that is free and not reserved to superusers.
    pub fn take_all_connections(&self) -> Vec<Client> {
        self.execute("DROP ROLE IF EXISTS greedy; CREATE ROLE greedy LOGIN");
        let uri =
            format!("postgresql:///postgres?host={}&port={}&user=greedy", self.data().display(), self.port);
        std::iter::from_fn(|| Client::connect(&uri, NoTls).ok()).collect()
    }

    /// Ends every other connection to it, and comes back when none is left.
    pub fn disconnect_all(&self) {
        self.execute(
            "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity \
             WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()",
        );
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    fn log_path(&self) -> PathBuf {
        self.dir.path().join("log")
    }

    fn pid(&self) -> Pid {
        Pid::from_child(self.postmaster.as_ref().expect("a running server"))
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if self.postmaster.is_some() {
            self.thaw();
            // At once, but with its shared memory given back.
            let _ = kill_process(self.pid(), Signal::QUIT);
            let _ = self.postmaster.take().map(|mut postmaster| postmaster.wait());
        }
        if self.mounted {
            disk::unmount(&self.data());
        }
        if thread::panicking() {
            eprintln!("--- PostgreSQL's log ---\n{}", self.log());
        }
    }
}

fn execute(uri: &str, statements: &str) {
    let mut client = Client::connect(uri, NoTls).expect("a connection to the database");
    client.batch_execute(statements).expect("the statements succeed");
}

/// The processes that this one has started.
fn children(parent: Pid) -> Vec<Pid> {
    let processes = fs::read_dir("/proc").expect("the list of processes");
    let numbers = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let is_child = |pid: &Pid| stat(*pid).is_some_and(|(_, its)| its == parent.as_raw_nonzero().get());
    numbers.filter_map(Pid::from_raw).filter(is_child).collect()
}

fn is_alive(pid: Pid) -> bool {
    stat(pid).is_some_and(|(state, _)| state != "Z" && state != "X")
}

/// Its state and its parent.
fn stat(pid: Pid) -> Option<(String, i32)> {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?;
    // After its name, in which there may be anything.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    Some((fields.next()?.to_owned(), fields.next()?.parse().ok()?))
}
