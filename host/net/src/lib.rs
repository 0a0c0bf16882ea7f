//! The network side: listeners, TLS and client streams.
//!
//! A connection is one task. It negotiates a stream, logs in, binds a session of [`waxwing_server`], and from then on
//! carries stanzas between the two until either ends.

mod admission;
pub mod certificates;
mod descriptors;
mod end_point;
mod listener;
mod stats;
mod stream;
mod tls;

pub use certificates::{CertificateError, Certificates, Store};
pub use stats::Stats;

use admission::Admission;
use listener::Door;
use ring::rand::SystemRandom;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use stream::Shared;
use tls::TlsStart;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;
use waxwing_config::{Settings, Socket};
use waxwing_server::Server;

/// Why the network side did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A certificate is missing or unusable.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// A port cannot be opened.
    #[error("port {port} cannot be opened on {interface}: {source}; {advice}", port = .address.port(),
        interface = .address.ip())]
    Port {
        /// What should have been listened on.
        address: SocketAddr,
        /// Why it could not.
        source: std::io::Error,
        /// What to do.
        advice: &'static str,
    },
}

impl StartError {
    fn port((address, source): (SocketAddr, std::io::Error)) -> Self {
        let advice = match source.kind() {
            std::io::ErrorKind::AddrInUse => "stop the other server there, or choose another port in c2s",
            std::io::ErrorKind::PermissionDenied => {
                "ports below 1024 take privileges: choose another port in c2s, or grant CAP_NET_BIND_SERVICE"
            }
            std::io::ErrorKind::AddrNotAvailable => "this machine has no such address: correct 'ifc' in c2s",
            _ => "correct c2s in the settings",
        };
        Self::Port { address, source, advice }
    }
}

/// The running network side.
pub struct Net {
    shared: Arc<Shared>,
    store: Store,
    stopping: watch::Sender<bool>,
    listeners: JoinSet<()>,
    local_addrs: Vec<SocketAddr>,
}

impl Net {
    /// Read the certificates, open all ports of the settings and serve clients.
    ///
    /// # Errors
    /// If a certificate is unusable or a port cannot be opened; nothing is left open then.
    pub async fn start(settings: Arc<Settings>, server: Arc<Server>) -> Result<Self, StartError> {
        let certificates = Arc::new(Certificates::load(&settings)?);
        let mut opened = Vec::new();
        for port in &settings.c2s.ports {
            for listener in listener::bind(port).map_err(StartError::port)? {
                opened.push((listener, port.clone()));
            }
        }
        let store = Store::new(certificates.clone(), settings.clone(), &server);
        server.install_certificates(Arc::new(store.clone()));
        let stopping = watch::Sender::new(false);
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let shared = Arc::new(Shared {
            admission: Arc::new(Admission::new(&settings.limits)),
            server,
            settings,
            certificates,
            stats: Stats::default(),
            random: SystemRandom::new(),
            password_checks: Semaphore::new(processors),
            stopping: stopping.subscribe(),
            open: watch::Sender::new(0),
            asleep: watch::Sender::new(0),
        });
        let mut listeners = JoinSet::new();
        let mut local_addrs = Vec::new();
        for (listener, port) in opened {
            // Of a socket that listens it is known.
            let address = listener.local_addr().ok();
            local_addrs.extend(address);
            let start = match port.socket {
                Socket::Plain => TlsStart::StartTls,
                Socket::Ssl => TlsStart::Direct,
            };
            let door = Door { port: address.map_or(port.number, |address| address.port()), start };
            listeners.spawn(listener::accept(
                listener,
                door,
                port.new_connections_throttling,
                shared.clone(),
            ));
        }
        Ok(Self { shared, store, stopping, listeners, local_addrs })
    }

    /// Where clients can connect, in the order of the settings.
    pub fn local_addrs(&self) -> &[SocketAddr] {
        &self.local_addrs
    }

    /// The counters.
    pub fn stats(&self) -> &Stats {
        &self.shared.stats
    }

    /// How many connections are open.
    pub fn open_connections(&self) -> usize {
        *self.shared.open.borrow()
    }

    /// How many sessions are without a stream and may be resumed (XEP-0198).
    pub fn sessions_asleep(&self) -> usize {
        *self.shared.asleep.borrow()
    }

    /// Read the certificates again, for streams that begin from now on, making those of new virtual hosts.
    ///
    /// # Errors
    /// If any of them is unusable or cannot be made; then all stay as they are.
    pub fn renew_certificates(&self) -> Result<(), CertificateError> {
        self.store.renew()
    }

    /// Accept no more connections, have kept what waits in sessions without one, close every stream with
    /// `system-shutdown` and wait until they are closed: as long as that gets on, and until `hurry`. Answers how many
    /// messages could not be kept.
    pub async fn stop(mut self, hurry: impl Future<Output = ()>) -> usize {
        self.stopping.send_replace(true);
        while self.listeners.join_next().await.is_some() {}
        let mut hurry = std::pin::pin!(hurry);
        let (mut open, mut asleep) = (self.shared.open.subscribe(), self.shared.asleep.subscribe());
        // First, so that those who must hear that something was not kept still can.
        self.shared.server.end_asleep();
        let kept = async {
            let _ = asleep.wait_for(|asleep| *asleep == 0).await;
        };
        let hurried = self.while_it_gets_on(kept, hurry.as_mut()).await == Stopped::Hurried;
        self.shared.server.shutdown();
        let closed = async {
            let _ = open.wait_for(|open| *open == 0).await;
            // A stream that is lost now may still leave its session behind.
            let _ = asleep.wait_for(|asleep| *asleep == 0).await;
        };
        if hurried || self.while_it_gets_on(closed, hurry).await != Stopped::Done {
            tracing::warn!(open = *self.shared.open.borrow(), "stopping although streams are still open");
        }
        self.shared.server.unkept()
    }

    /// Wait for something as long as sessions end and messages are kept.
    async fn while_it_gets_on(
        &self,
        done: impl Future<Output = ()>,
        mut hurry: Pin<&mut impl Future<Output = ()>>,
    ) -> Stopped {
        let mut done = std::pin::pin!(done);
        let patience = self.shared.settings.limits.shutdown_timeout;
        let (mut before, mut since) = (self.progress(), Instant::now());
        loop {
            tokio::select! {
                biased;
                () = &mut done => return Stopped::Done,
                () = &mut hurry => return Stopped::Hurried,
                () = tokio::time::sleep(patience / LOOKS) => {}
            }
            let now = self.progress();
            if now != before {
                (before, since) = (now, Instant::now());
            } else if since.elapsed() >= patience {
                return Stopped::Stuck;
            }
        }
    }

    /// What changes while a stop gets on.
    fn progress(&self) -> (u64, usize) {
        (self.shared.server.stats().let_go(), *self.shared.open.borrow())
    }
}

/// How often a stop looks whether it gets on, while it is patient.
const LOOKS: u32 = 20;

/// How waiting for a stop has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stopped {
    Done,
    /// Nothing has happened for too long.
    Stuck,
    /// Somebody does not want to wait any longer.
    Hurried,
}
