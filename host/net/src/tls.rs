//! TLS for client streams: handshakes, and what a stream can be bound to (RFC 7590, XEP-0368).

use crate::certificates::{Certificates, ClientCheck, describe};
use crate::end_point::end_point;
use rustls::crypto::{CryptoProvider, ring};
use rustls::server::{Acceptor, NoClientAuth, NoServerSessionStorage, ServerConfig};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ProtocolVersion, ServerConnection};
use std::io;
use std::sync::{Arc, LazyLock};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;
use waxwing_server::CertificateInfo;
use waxwing_xmpp::Jid;
use waxwing_xmpp::sasl::ChannelBinding;

/// The protocol of direct TLS (XEP-0368).
const ALPN: &[u8] = b"xmpp-client";

/// How many bytes a connection buffers that its peer does not read.
const WRITE_BUFFER: usize = 32 * 1024;

/// How many bytes are looked at for where a handshake begins. Fewer than it has: what is read next completes it.
const FIRST_BYTES: usize = 16;

/// How a stream comes to use TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsStart {
    /// From the first byte on (XEP-0368).
    Direct,
    /// After `<starttls/>` (RFC 6120, section 5).
    StartTls,
}

/// A domain's certificate, ready to be presented.
pub struct Certificate {
    domain: String,
    key: Arc<SingleCertAndKey>,
    direct: Arc<ServerConfig>,
    start_tls: Arc<ServerConfig>,
    end_point: Option<Vec<u8>>,
    info: Option<CertificateInfo>,
}

impl Certificate {
    /// Make a chain and its key ready for TLS 1.2 and 1.3.
    ///
    /// # Errors
    /// If TLS cannot be set up with them.
    pub fn new(domain: &str, key: CertifiedKey) -> Result<Self, rustls::Error> {
        let end_point = end_point(key.end_entity_cert()?);
        let info = describe(domain, key.end_entity_cert()?);
        let key = Arc::new(SingleCertAndKey::from(key));
        let mut config = config(key.clone(), Arc::new(NoClientAuth))?;
        // Tickets keep the state of resumable connections with the clients; nothing is kept here.
        config.ticketer = ring::Ticketer::new()?;
        config.send_tls13_tickets = 1;
        let start_tls = Arc::new(config.clone());
        speak_xmpp(&mut config);
        Ok(Self { domain: domain.to_owned(), key, direct: Arc::new(config), start_tls, end_point, info })
    }

    /// What `tls-server-end-point` binds to (RFC 5929); none where that is not defined.
    pub fn end_point(&self) -> Option<&[u8]> {
        self.end_point.as_deref()
    }

    /// The domain that it was found under.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// What is known of it; `None` if it cannot be read.
    pub fn info(&self) -> Option<&CertificateInfo> {
        self.info.as_ref()
    }

    /// What a handshake goes by, in which a client's certificate may be checked.
    fn config(
        &self,
        start: TlsStart,
        check: Option<&ClientCheck>,
    ) -> Result<Arc<ServerConfig>, rustls::Error> {
        let Some(check) = check else {
            return Ok(match start {
                TlsStart::Direct => self.direct.clone(),
                TlsStart::StartTls => self.start_tls.clone(),
            });
        };
        // Without tickets: what a client has shown is checked on every connection.
        let mut config = config(self.key.clone(), check.clone())?;
        config.send_tls13_tickets = 0;
        if start == TlsStart::Direct {
            speak_xmpp(&mut config);
        }
        Ok(Arc::new(config))
    }
}

fn config(key: Arc<SingleCertAndKey>, clients: ClientCheck) -> Result<ServerConfig, rustls::Error> {
    static PROVIDER: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| Arc::new(ring::default_provider()));
    let mut config = ServerConfig::builder_with_provider(PROVIDER.clone())
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(clients)
        .with_cert_resolver(key);
    config.session_storage = Arc::new(NoServerSessionStorage {});
    Ok(config)
}

/// A client that names no protocol is served, one that only speaks others is refused by the handshake.
fn speak_xmpp(config: &mut ServerConfig) {
    config.alpn_protocols = vec![ALPN.to_vec()];
}

/// What a TLS handshake has brought.
#[derive(Debug, Default)]
pub struct Secured {
    /// What the stream can be bound to.
    pub binding: ChannelBinding,
    /// The domain whose clients show certificates, if this one has shown a valid one.
    pub client_of: Option<Box<str>>,
}

/// Wait for the client's TLS handshake and complete it. The certificate is that of the server name in the handshake,
/// else that of the first of `domains` that has one. The client is asked for a certificate as the virtual host says
/// that it wants: under direct TLS that of the server name, else the first of `domains`.
///
/// # Errors
/// Whatever ends the handshake. The client has been sent an alert.
pub async fn accept<T>(
    mut io: T,
    start: TlsStart,
    certificates: &Certificates,
    domains: [&str; 2],
) -> io::Result<(Box<TlsStream<T>>, Secured)>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let mut acceptor = Acceptor::default();
    if start == TlsStart::StartTls {
        feed_first_bytes(&mut acceptor, &mut io).await?;
    }
    let handshake = LazyConfigAcceptor::new(acceptor, io).await?;
    // As virtual hosts are spelt: with letters beyond ASCII where they are encoded here.
    let server_name = handshake.client_hello().server_name().and_then(|name| Jid::parse(name).ok());
    let server_name = server_name.as_ref().map(Jid::domain);
    let certificate = certificates
        .find(server_name.into_iter().chain(domains))
        .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "no certificate for this server name"))?;
    let domain = match (start, server_name) {
        (TlsStart::Direct, Some(name)) => name,
        (TlsStart::Direct, None) | (TlsStart::StartTls, _) => domains[0],
    };
    let check = certificates.client_check(domain);
    let config = certificate.config(start, check.as_ref()).map_err(io::Error::other)?;
    let domain: Option<Box<str>> = check.map(|_| domain.into());
    let mut stream = handshake
        .into_stream_with(config, |connection| connection.set_buffer_limit(Some(WRITE_BUFFER)))
        .await?;
    let connection = stream.get_mut().1;
    let client_of = domain.filter(|_| connection.peer_certificates().is_some());
    let binding = ChannelBinding { exporter: exporter(connection), end_point: certificate.end_point.clone() };
    Ok((Box::new(stream), Secured { binding, client_of }))
}

/// Begin to read the handshake, without the white space with which some clients end the line of `<starttls/>`.
async fn feed_first_bytes<T: AsyncRead + Unpin>(acceptor: &mut Acceptor, io: &mut T) -> io::Result<()> {
    let mut buffer = [0; FIRST_BYTES];
    loop {
        let count = io.read(&mut buffer).await?;
        let read = buffer.get(..count).unwrap_or_default();
        let mut handshake = read.trim_ascii_start();
        if read.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if !handshake.is_empty() {
            while !handshake.is_empty() {
                acceptor.read_tls(&mut handshake)?;
            }
            return Ok(());
        }
    }
}

/// The `tls-exporter` value (RFC 9266). Only of TLS 1.3: before it, the value is only unique to the connection
/// with an extension of which the TLS library does not tell whether it was used.
fn exporter(connection: &mut ServerConnection) -> Option<Vec<u8>> {
    if connection.protocol_version() != Some(ProtocolVersion::TLSv1_3) {
        return None;
    }
    connection.export_keying_material(vec![0; 32], b"EXPORTER-Channel-Binding", Some(&[])).ok()
}
