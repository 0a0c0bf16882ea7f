//! TLS for client streams: handshakes, and what a stream can be bound to (RFC 7590, XEP-0368).

use crate::certificates::Certificates;
use crate::end_point::end_point;
use rustls::crypto::{CryptoProvider, ring};
use rustls::server::{Acceptor, NoServerSessionStorage, ServerConfig};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ProtocolVersion, ServerConnection};
use std::io;
use std::sync::{Arc, LazyLock};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;
use waxwing_xmpp::sasl::ChannelBinding;

/// The protocol of direct TLS (XEP-0368).
const ALPN: &[u8] = b"xmpp-client";

/// How many bytes a connection buffers that its peer does not read.
const WRITE_BUFFER: usize = 32 * 1024;

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
    direct: Arc<ServerConfig>,
    start_tls: Arc<ServerConfig>,
    end_point: Option<Vec<u8>>,
}

impl Certificate {
    /// Make a chain and its key ready for TLS 1.2 and 1.3.
    ///
    /// # Errors
    /// If TLS cannot be set up with them.
    pub fn new(domain: &str, key: CertifiedKey) -> Result<Self, rustls::Error> {
        static PROVIDER: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| Arc::new(ring::default_provider()));
        let end_point = end_point(key.end_entity_cert()?);
        let mut config = ServerConfig::builder_with_provider(PROVIDER.clone())
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(key)));
        // Tickets keep the state of resumable connections with the clients; nothing is kept here.
        config.ticketer = ring::Ticketer::new()?;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 1;
        let start_tls = Arc::new(config.clone());
        // A client that names no protocol is served, one that only speaks others is refused by the handshake.
        config.alpn_protocols = vec![ALPN.to_vec()];
        Ok(Self { domain: domain.to_owned(), direct: Arc::new(config), start_tls, end_point })
    }

    /// What `tls-server-end-point` binds to (RFC 5929); none where that is not defined.
    pub fn end_point(&self) -> Option<&[u8]> {
        self.end_point.as_deref()
    }

    /// The domain that it was found under.
    pub fn domain(&self) -> &str {
        &self.domain
    }
}

/// Wait for the client's TLS handshake and complete it. The certificate is that of the server name in the handshake,
/// else that of the first of `domains` that has one.
///
/// # Errors
/// Whatever ends the handshake. The client has been sent an alert.
pub async fn accept<T>(
    io: T,
    start: TlsStart,
    certificates: &Certificates,
    domains: [&str; 2],
) -> io::Result<(Box<TlsStream<T>>, ChannelBinding)>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let handshake = LazyConfigAcceptor::new(Acceptor::default(), io).await?;
    let server_name = handshake.client_hello().server_name().map(str::to_lowercase);
    let certificate = certificates
        .find(server_name.as_deref().into_iter().chain(domains))
        .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "no certificate for this server name"))?;
    let config = match start {
        TlsStart::Direct => &certificate.direct,
        TlsStart::StartTls => &certificate.start_tls,
    };
    let mut stream = handshake
        .into_stream_with(config.clone(), |connection| connection.set_buffer_limit(Some(WRITE_BUFFER)))
        .await?;
    let binding =
        ChannelBinding { exporter: exporter(stream.get_mut().1), end_point: certificate.end_point.clone() };
    Ok((Box::new(stream), binding))
}

/// The `tls-exporter` value (RFC 9266). Only of TLS 1.3: before it, the value is only unique to the connection
/// with an extension of which the TLS library does not tell whether it was used.
fn exporter(connection: &mut ServerConnection) -> Option<Vec<u8>> {
    if connection.protocol_version() != Some(ProtocolVersion::TLSv1_3) {
        return None;
    }
    connection.export_keying_material(vec![0; 32], b"EXPORTER-Channel-Binding", Some(&[])).ok()
}
