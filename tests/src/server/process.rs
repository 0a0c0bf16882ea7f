//! The process of a server under test: starting it, and the many ways to end it.

use std::fs::{self, File};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};

use super::Server;

/// How long the server may take to start or stop: a debug build that compiles plugins on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

impl Server {
    /// Starts it, with the same database as before if it ran before, and waits until it accepts connections.
    pub fn start(&mut self) {
        self.launch();
        self.wait_until_ready();
    }

    /// Starts it without waiting for anything.
    pub fn launch(&mut self) {
        assert!(self.child.is_none(), "it runs already");
        let log = File::options().create(true).append(true).open(self.log_path()).expect("a log file");
        let child = self
            .waxwing()
            .arg("serve")
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("the log file twice"))
            .stderr(log)
            .spawn()
            .expect("the waxwing binary can be run");
        self.child = Some(child);
    }

    /// Waits until it accepts connections.
    pub fn wait_until_ready(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        for addr in [self.addr(), self.tls_addr()] {
            while TcpStream::connect(addr).is_err() {
                let exited = self.child.as_mut().expect("a child").try_wait().expect("its status");
                assert!(exited.is_none(), "the server ended while starting: {exited:?}\n{}", self.log());
                assert!(Instant::now() < deadline, "the server does not accept connections\n{}", self.log());
                thread::sleep(Duration::from_millis(20));
            }
        }
    }

    /// Asks it to stop (SIGTERM), without waiting.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Asks it to stop as a terminal does (SIGINT), without waiting.
    pub fn interrupt(&self) {
        self.signal(Signal::INT);
    }

    /// Waits until it has stopped by itself.
    pub fn wait(&mut self) -> ExitStatus {
        let mut child = self.child.take().expect("a running server");
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = child.try_wait().expect("its status") {
                return status;
            }
            if Instant::now() > deadline {
                let _ = child.kill();
                panic!("the server does not stop\n{}", self.log());
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// SIGTERM, and wait.
    pub fn stop(&mut self) -> ExitStatus {
        self.terminate();
        self.wait()
    }

    /// SIGKILL: it gets to do nothing more.
    pub fn kill(&mut self) {
        self.signal(Signal::KILL);
        let _ = self.child.take().expect("a running server").wait();
    }

    /// Resident memory of its own, in KiB. Not that of files: how much of the binary is mapped is up to the system.
    pub fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid().as_raw_nonzero()))
            .expect("the status of a running server");
        let line =
            status.lines().find_map(|line| line.strip_prefix("RssAnon:")).expect("its resident memory");
        line.trim().trim_end_matches(" kB").parse().expect("a number of kB")
    }

    /// Lets it open this many files at most from now on, as `ulimit -n` does at a start.
    pub fn limit_open_files(&self, most: u64) {
        let limit = Rlimit { current: Some(most), maximum: Some(most) };
        prlimit(Some(self.pid()), Resource::Nofile, limit).expect("a limit can be set");
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    fn log_path(&self) -> PathBuf {
        self.dir.path().join("server.log")
    }

    fn pid(&self) -> Pid {
        Pid::from_child(self.child.as_ref().expect("a running server"))
    }

    fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("a signal can be sent");
    }
}
