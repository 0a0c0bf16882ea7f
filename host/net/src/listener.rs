//! Listening on a port and accepting connections.

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

/// A silent peer is asked whether it is still there after so long,
const KEEPALIVE_TIME: Duration = Duration::from_secs(10 * 60);
/// then so often,
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(60);
/// and given up after so many questions.
const KEEPALIVE_RETRIES: u32 = 3;

/// The span in which new connections are counted.
const SECOND: Duration = Duration::from_secs(1);

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
pub async fn accept(listener: TcpListener, start: TlsStart, per_second: u32, shared: Arc<Shared>) {
    let mut stopping = shared.stopping.clone();
    let (mut second, mut count) = (Instant::now(), 0);
    loop {
        let accepted = tokio::select! {
            _ = stopping.wait_for(|stopping| *stopping) => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((socket, peer)) => admit(socket, peer, start, &shared),
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

fn admit(socket: TcpStream, peer: SocketAddr, start: TlsStart, shared: &Arc<Shared>) {
    let Some(permit) = shared.admission.connect(peer.ip()) else {
        shared.stats.refused_address.fetch_add(1, Ordering::Relaxed);
        tracing::info!(address = %peer.ip(), "connection refused: the address has too many");
        if start == TlsStart::StartTls {
            refuse(&socket, shared);
        }
        return;
    };
    if let Err(error) = prepare(&socket) {
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
            stream::serve(socket, peer, start, shared).await;
        }
        .instrument(span),
    );
}

/// No delay for small writes, and word of peers that have vanished.
fn prepare(socket: &TcpStream) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let keepalive = TcpKeepalive::new()
        .with_time(KEEPALIVE_TIME)
        .with_interval(KEEPALIVE_INTERVAL)
        .with_retries(KEEPALIVE_RETRIES);
    SockRef::from(socket).set_tcp_keepalive(&keepalive)
}

/// Say why, as far as that is possible without waiting.
fn refuse(socket: &TcpStream, shared: &Shared) {
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
