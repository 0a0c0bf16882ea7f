//! Listening on a port and accepting connections.

use crate::descriptors::most_connections;
use crate::stream::{self, Shared};
use crate::tls::TlsStart;
use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep, sleep_until};
use tracing::Instrument;
use waxwing_config::Port;
use waxwing_xmpp::{StreamCondition, StreamError};

/// Connections that the system holds until they are accepted.
const BACKLOG: i32 = 1024;

/// How long to wait when the system cannot accept: it is out of file descriptors or memory.
const PAUSE: Duration = Duration::from_millis(100);

/// A peer that has been asked whether it is still there is asked again after so long,
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(60);
/// and given up after so many questions.
const KEEPALIVE_RETRIES: u32 = 3;

/// The first connection that is refused is logged, and from then on every one of so many.
const LOGGED_REFUSAL: u64 = 1000;

/// The span in which new connections are counted.
const SECOND: Duration = Duration::from_secs(1);

/// What a client comes in through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Door {
    /// The number of the port.
    pub port: u16,
    /// How streams there come to use TLS.
    pub start: TlsStart,
}

/// Open a port on each of its interfaces.
///
/// # Errors
/// What is wrong, with the address that cannot be listened on.
pub fn bind(port: &Port) -> Result<Vec<TcpListener>, (SocketAddr, io::Error)> {
    let mut listeners = Vec::new();
    for interface in &port.interfaces {
        let listener = if interface == "*" {
            // Both families by one socket; IPv4 alone where the system has no IPv6.
            let everywhere = SocketAddr::from((Ipv6Addr::UNSPECIFIED, port.number));
            listen(everywhere).or_else(|error| match error.kind() {
                io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied => Err((everywhere, error)),
                _ => {
                    let everywhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, port.number));
                    listen(everywhere).map_err(|error| (everywhere, error))
                }
            })?
        } else {
            let unspecified = SocketAddr::from((Ipv4Addr::UNSPECIFIED, port.number));
            let address: IpAddr = interface
                .parse()
                .map_err(|_| (unspecified, io::Error::other(format!("'{interface}' is no IP address"))))?;
            let address = SocketAddr::from((address, port.number));
            listen(address).map_err(|error| (address, error))?
        };
        listeners.push(listener);
    }
    Ok(listeners)
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    socket.set_reuse_address(true)?;
    if let SocketAddr::V6(address) = address {
        socket.set_only_v6(!address.ip().is_unspecified())?;
    }
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// Accept connections, and serve each in a task of its own, until the server stops.
pub async fn accept(listener: TcpListener, door: Door, per_second: u32, shared: Arc<Shared>) {
    let mut stopping = shared.stopping.clone();
    let (mut second, mut count) = (Instant::now(), 0);
    loop {
        let accepted = tokio::select! {
            _ = stopping.wait_for(|stopping| *stopping) => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((socket, peer)) => admit(socket, peer, door, &shared),
            // The peer has gone again.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                tracing::warn!("no connection can be accepted: {error}");
                shared.stats.refused_system.fetch_add(1, Ordering::Relaxed);
                sleep(PAUSE).await;
            }
        }
        if second.elapsed() >= SECOND {
            (second, count) = (Instant::now(), 0);
        }
        count += 1;
        if per_second > 0 && count >= per_second {
            // More wait in the system's backlog.
            tokio::select! {
                _ = stopping.wait_for(|stopping| *stopping) => return,
                () = sleep_until(second + SECOND) => {}
            }
        }
    }
}

fn admit(socket: TcpStream, peer: SocketAddr, door: Door, shared: &Arc<Shared>) {
    let limit = most_connections(&shared.settings.limits);
    if *shared.open.borrow() >= limit {
        let refused = shared.stats.refused_total.fetch_add(1, Ordering::Relaxed);
        if refused.is_multiple_of(LOGGED_REFUSAL) {
            tracing::warn!(
                refused,
                limit,
                "connection refused: there are as many as the settings and the limit of open files (ulimit -n) allow"
            );
        }
        return refuse(&socket, door, shared);
    }
    let Some(permit) = shared.admission.connect(peer.ip()) else {
        let refused = shared.stats.refused_address.fetch_add(1, Ordering::Relaxed);
        if refused.is_multiple_of(LOGGED_REFUSAL) {
            tracing::warn!(refused, address = %peer.ip(), "connection refused: the address has too many");
        }
        return refuse(&socket, door, shared);
    };
    if let Err(error) = prepare(&socket, shared.settings.limits.keepalive) {
        tracing::debug!("connection lost: {error}");
        return;
    }
    let number = shared.stats.accepted.fetch_add(1, Ordering::Relaxed);
    let open = Open::new(shared);
    let span = tracing::debug_span!("stream", number, %peer, jid = tracing::field::Empty);
    let shared = shared.clone();
    tokio::spawn(
        async move {
            // Given back when the connection is closed.
            let _places = (permit, open);
            stream::serve(socket, peer, door, shared).await;
        }
        .instrument(span),
    );
}

/// No delay for small writes, and word of peers that have vanished.
fn prepare(socket: &TcpStream, silence: Duration) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let keepalive = TcpKeepalive::new()
        .with_time(silence)
        .with_interval(KEEPALIVE_INTERVAL)
        .with_retries(KEEPALIVE_RETRIES);
    SockRef::from(socket).set_tcp_keepalive(&keepalive)
}

/// Say why, as far as that is possible without waiting.
fn refuse(socket: &TcpStream, door: Door, shared: &Shared) {
    if door.start == TlsStart::Direct {
        return;
    }
    let error = StreamError::new(StreamCondition::ResourceConstraint).with_text("Too many connections");
    // The peer may be gone, or the system busy: then it hears nothing.
    let _ = socket.try_write(stream::refusal(shared, &error).as_bytes());
}

/// Counts a connection that is open.
struct Open(Arc<Shared>);

impl Open {
    fn new(shared: &Arc<Shared>) -> Self {
        shared.open.send_modify(|open| *open += 1);
        Self(shared.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.send_modify(|open| *open -= 1);
    }
}

#[cfg(test)]
mod tests {
    use crate::{Net, StartError};
    use std::net::SocketAddr;
    use std::sync::Arc;
    use std::sync::atomic::Ordering;
    use tempfile::TempDir;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;
    use waxwing_config::{C2s, Limits, Port, Settings, Socket, VhostSettings};
    use waxwing_server::Server;
    use waxwing_storage::{Sqlite, SqliteOptions};

    async fn start(ports: Vec<Port>, limits: Limits) -> (Result<Net, StartError>, TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let settings = Arc::new(Settings {
            vhosts: vec![VhostSettings::new("localhost")],
            certificates: folder.path().to_owned(),
            c2s: C2s { ports },
            limits,
            ..Settings::default()
        });
        crate::certificates::ensure_domains(&settings, ["localhost"].into_iter()).unwrap();
        let storage = Sqlite::open(folder.path().join("db"), SqliteOptions::default()).unwrap();
        let server = Server::new(settings.clone(), Arc::new(storage)).await.unwrap();
        (Net::start(settings, server).await, folder)
    }

    fn port(interface: &str) -> Port {
        Port { interfaces: vec![interface.to_owned()], ..Port::new(0) }
    }

    async fn read_to_end(mut socket: TcpStream) -> String {
        let mut text = String::new();
        socket.read_to_string(&mut text).await.unwrap();
        text
    }

    async fn read_some(socket: &mut TcpStream) -> String {
        let mut buffer = vec![0; 4096];
        let count = socket.read(&mut buffer).await.unwrap();
        String::from_utf8(buffer[..count].to_vec()).unwrap()
    }

    #[tokio::test]
    async fn all_ports_are_served_until_the_stop() {
        let direct = Port { socket: Socket::Ssl, ..port("127.0.0.1") };
        let (net, _folder) = start(vec![port("127.0.0.1"), port("*"), direct], Limits::default()).await;
        let net = net.unwrap();
        let addresses: Vec<SocketAddr> = net.local_addrs().to_vec();
        assert_eq!(addresses.len(), 3);
        let mut sockets = Vec::new();
        for address in &addresses[..2] {
            let mut socket = TcpStream::connect(("127.0.0.1", address.port())).await.unwrap();
            socket
                .write_all(
                    b"<stream:stream to='localhost' version='1.0' xmlns='jabber:client' \
                      xmlns:stream='http://etherx.jabber.org/streams'>",
                )
                .await
                .unwrap();
            assert!(read_some(&mut socket).await.contains("<starttls "));
            sockets.push(socket);
        }
        let silent = TcpStream::connect(addresses[2]).await.unwrap();
        while net.open_connections() < 3 {
            tokio::task::yield_now().await;
        }
        let (_, texts) = tokio::join!(net.stop(std::future::pending()), async {
            let mut texts = Vec::new();
            for socket in sockets {
                texts.push(read_to_end(socket).await);
            }
            texts
        });
        for text in texts {
            assert!(text.contains("<system-shutdown ") && text.ends_with("</stream:stream>"), "{text}");
        }
        assert_eq!(read_to_end(silent).await, "");
        assert!(TcpStream::connect(addresses[0]).await.is_err());
    }

    #[tokio::test]
    async fn too_many_connections_are_refused_politely() {
        for limits in [
            Limits { connections_per_address: 1, ..Limits::default() },
            Limits { connections: 1, ..Limits::default() },
        ] {
            let (net, _folder) = start(vec![port("127.0.0.1")], limits).await;
            let net = net.unwrap();
            let first = TcpStream::connect(net.local_addrs()[0]).await.unwrap();
            while net.open_connections() < 1 {
                tokio::task::yield_now().await;
            }
            let second = TcpStream::connect(net.local_addrs()[0]).await.unwrap();
            let text = read_to_end(second).await;
            assert!(text.starts_with("<?xml") && text.contains("<resource-constraint "), "{text}");
            assert_eq!(net.stats().accepted.load(Ordering::Relaxed), 1);
            drop(first);
            while net.open_connections() > 0 {
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            }
            let mut third = TcpStream::connect(net.local_addrs()[0]).await.unwrap();
            third.write_all(b"<x>").await.unwrap();
            assert!(read_some(&mut third).await.starts_with("<?xml"));
        }
    }

    #[tokio::test]
    async fn a_port_that_cannot_be_opened_is_named() {
        let (net, _folder) = start(vec![port("127.0.0.1")], Limits::default()).await;
        let net = net.unwrap();
        let taken = Port { number: net.local_addrs()[0].port(), ..port("127.0.0.1") };
        let (second, _folder) = start(vec![taken.clone()], Limits::default()).await;
        let error = second.err().unwrap().to_string();
        assert!(error.contains(&format!("port {} cannot be opened on 127.0.0.1", taken.number)), "{error}");
        assert!(error.contains("choose another port"), "{error}");
        for interface in ["192.0.2.1", "lo"] {
            let (net, _folder) = start(vec![port(interface)], Limits::default()).await;
            assert!(net.err().unwrap().to_string().contains("c2s"));
        }
    }

    #[tokio::test]
    async fn new_connections_wait_their_turn() {
        let slow = Port { new_connections_throttling: 2, ..port("127.0.0.1") };
        let (net, _folder) = start(vec![slow], Limits::default()).await;
        let net = net.unwrap();
        let begun = std::time::Instant::now();
        let mut sockets = Vec::new();
        for _ in 0..5 {
            sockets.push(TcpStream::connect(net.local_addrs()[0]).await.unwrap());
        }
        while net.open_connections() < 5 {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
        assert!(begun.elapsed() >= std::time::Duration::from_millis(1500), "{:?}", begun.elapsed());
    }
}
