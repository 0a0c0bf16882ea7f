//! Outgoing HTTP requests of plugins: to the hosts that are granted, at addresses that were looked at.
//!
//! A name is resolved here, once, and the connection is made to what came of that: one that points to the internet
//! when it is looked at and to this machine when it is used (DNS rebinding) leads nowhere.

use crate::declare::http_host::HttpHost;
use ::http::{Request, Response, Uri};
use http_body_util::BodyExt;
use hyper::client::conn::http1;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use wasmtime_wasi_http::io::TokioIo;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody};

/// What goes on with a connection once the head of its response is there.
type Driver = Box<dyn Future<Output = Result<(), Error>> + Send>;
/// The response to a request.
pub(crate) type Sent = Result<(Response<WasiBody>, Driver), Error>;

/// Where a request goes, if it may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// The host as the request names it.
    host: HttpHost,
    port: u16,
    tls: bool,
}

/// The longest waits of a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Waits {
    connect: Duration,
    first_byte: Duration,
    between_bytes: Duration,
}

impl Waits {
    /// As a plugin wants them, and `most` at the most.
    pub fn within(most: Duration, wanted: Option<RequestOptions>) -> Waits {
        let wanted = wanted.unwrap_or_default();
        let within = |given: Option<Duration>| given.unwrap_or(most).min(most);
        Waits {
            connect: within(wanted.connect_timeout),
            first_byte: within(wanted.first_byte_timeout),
            between_bytes: within(wanted.between_bytes_timeout),
        }
    }
}

impl Target {
    /// Where a request to this address goes; `None` if that is no host.
    pub fn of(uri: &Uri) -> Option<Target> {
        let authority = uri.authority()?;
        let tls = uri.scheme_str() != Some("http");
        let port = authority.port_u16().unwrap_or(usual_port(tls));
        Some(Target { host: authority.host().parse().ok()?, port, tls })
    }

    /// Whether it is among what is granted.
    pub fn is_granted(&self, grants: &BTreeSet<HttpHost>) -> bool {
        let usual = self.port == usual_port(self.tls);
        grants.iter().any(|grant| grant.allows(&self.host, self.port, usual))
    }

    /// Of the addresses that its name leads to, those where it may be.
    fn among(&self, found: impl Iterator<Item = SocketAddr>) -> Result<Vec<SocketAddr>, Error> {
        let addresses: Vec<SocketAddr> = found.filter(|found| self.host.may_be_at(found.ip())).collect();
        if addresses.is_empty() { Err(Error::HttpRequestDenied) } else { Ok(addresses) }
    }

    /// Connect to it, at an address where it may be.
    async fn connect(&self) -> Result<Box<dyn Stream>, Error> {
        let found = tokio::net::lookup_host((self.host.host(), self.port)).await.map_err(Error::Connect)?;
        let stream = TcpStream::connect(&*self.among(found)?).await.map_err(Error::Connect)?;
        if !self.tls {
            return Ok(Box::new(stream));
        }
        let name = ServerName::try_from(self.host.host()).map_err(|_| Error::HttpRequestUriInvalid)?;
        let stream = TlsConnector::from(tls_config()).connect(name, stream).await.map_err(Error::Tls)?;
        Ok(Box::new(stream))
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

fn usual_port(tls: bool) -> u16 {
    if tls { 443 } else { 80 }
}

/// Trusts the authorities that browsers trust.
fn tls_config() -> Arc<ClientConfig> {
    static CONFIG: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    let make = || {
        let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.into() };
        Arc::new(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth())
    };
    CONFIG.get_or_init(make).clone()
}

/// A connection, encrypted or not.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Send a request, whose address leads to this target, and wait for the head of the response.
pub(crate) async fn send(mut request: Request<WasiBody>, target: &Target, waits: Waits) -> Sent {
    let connected = timeout(waits.connect, target.connect()).await;
    let stream = connected.map_err(|_| Error::ConnectionTimeout)??;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // A server is asked for a path; where it is stands in the header `host`.
    let path = request.uri().path_and_query().cloned();
    *request.uri_mut() = path.map_or_else(|| Uri::from_static("/"), Uri::from);
    let mut connection = Box::pin(connection);
    let mut ended = false;
    let answer = {
        let mut answer = std::pin::pin!(sender.send_request(request));
        let driven = std::future::poll_fn(|context| {
            if !ended && let Poll::Ready(end) = connection.as_mut().poll(context) {
                ended = true;
                if let Err(error) = end {
                    return Poll::Ready(Err(error));
                }
            }
            answer.as_mut().poll(context)
        });
        timeout(waits.first_byte, driven).await.map_err(|_| Error::ConnectionReadTimeout)??
    };
    let response = answer.map(|body| Timed::new(body, waits.between_bytes).boxed_unsync());
    let rest = async move { if ended { Ok(()) } else { connection.await.map_err(Error::from) } };
    Ok((response, Box::new(rest)))
}

/// A body whose parts must not be long in coming.
struct Timed {
    body: hyper::body::Incoming,
    wait: Duration,
    alarm: Pin<Box<Sleep>>,
}

impl Timed {
    fn new(body: hyper::body::Incoming, wait: Duration) -> Timed {
        Timed { body, wait, alarm: Box::pin(sleep(wait)) }
    }
}

impl hyper::body::Body for Timed {
    type Data = hyper::body::Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<hyper::body::Frame<Self::Data>, Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            let next = Instant::now() + self.wait;
            self.alarm.as_mut().reset(next);
            return Poll::Ready(frame.map(|frame| frame.map_err(Error::from)));
        }
        ready!(self.alarm.as_mut().poll(context));
        Poll::Ready(Some(Err(Error::ConnectionReadTimeout)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_named_hosts_and_ports() {
        let granted = ["hooks.example.org", "localhost:8080"].map(|host| host.parse().unwrap()).into();
        let allowed =
            |uri: &str| Target::of(&uri.parse().unwrap()).is_some_and(|target| target.is_granted(&granted));
        assert!(allowed("https://hooks.example.org/x") && allowed("http://HOOKS.example.org/"));
        assert!(allowed("http://localhost:8080/"));
        for bad in [
            "https://hooks.example.org:8443/",
            "http://localhost/",
            "https://evil.example/",
            "https://hooks.example.org.evil.example/",
            "https://hooks.example.org@evil.example/",
            "/relative",
        ] {
            assert!(!allowed(bad), "{bad}");
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_to_this_machine_is_not_followed() {
        let target = |uri: &str| Target::of(&uri.parse().unwrap()).unwrap();
        let among = |uri: &str, found: &[&str]| {
            target(uri)
                .among(found.iter().map(|address| address.parse().unwrap()))
                .ok()
                .map(|left| left.len())
        };
        assert_eq!(among("http://hooks.example.org/", &["127.0.0.1:80", "[::1]:80", "10.0.0.1:80"]), None);
        assert_eq!(among("http://hooks.example.org/", &["127.0.0.1:80", "93.184.216.34:80"]), Some(1));
        assert_eq!(among("http://localhost/", &["127.0.0.1:80", "[::1]:80", "93.184.216.34:80"]), Some(2));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let uri = format!("http://localhost:{}/", listener.local_addr().unwrap().port());
        assert!(target(&uri).connect().await.is_ok());
    }
}
