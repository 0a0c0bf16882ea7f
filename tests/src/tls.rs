//! TLS as the scripted client uses it: any certificate will do, and what it was is remembered.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use ring::digest::{SHA256, digest};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, Error, SignatureScheme, StreamOwned,
    SupportedProtocolVersion,
};

/// TLS 1.3, or 1.2 where the server has no better.
pub const ANY_VERSION: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13, &rustls::version::TLS12];
/// TLS 1.2 alone.
pub const TLS12: &[&SupportedProtocolVersion] = &[&rustls::version::TLS12];

/// A connection before and after TLS.
pub enum Transport {
    /// Without TLS.
    Plain(TcpStream),
    /// With it.
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Transport {
    /// Shakes hands at once, so that a failure shows here.
    pub fn secure(
        mut tcp: TcpStream,
        domain: &str,
        alpn: Option<&str>,
        versions: &[&'static SupportedProtocolVersion],
    ) -> io::Result<Transport> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(versions)
            .map_err(io::Error::other)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
            .with_no_client_auth();
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        let name = ServerName::try_from(domain.to_owned()).map_err(io::Error::other)?;
        let mut connection = ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?;
        while connection.is_handshaking() {
            connection.complete_io(&mut tcp)?;
        }
        Ok(Transport::Tls(Box::new(StreamOwned::new(connection, tcp))))
    }

    /// The socket below.
    pub fn tcp(&self) -> &TcpStream {
        match self {
            Transport::Plain(tcp) => tcp,
            Transport::Tls(tls) => &tls.sock,
        }
    }

    /// The server's certificate, in DER.
    pub fn certificate(&self) -> Option<Vec<u8>> {
        let Transport::Tls(tls) = self else { return None };
        Some(tls.conn.peer_certificates()?.first()?.as_ref().to_vec())
    }

    /// The hash of the certificate for `tls-server-end-point` channel binding (RFC 5929), for certificates
    /// that are signed with SHA-256.
    pub fn certificate_hash(&self) -> Option<Vec<u8>> {
        Some(digest(&SHA256, &self.certificate()?).as_ref().to_vec())
    }

    /// Keying material for `tls-exporter` channel binding (RFC 9266).
    pub fn exporter(&self) -> Option<Vec<u8>> {
        let Transport::Tls(tls) = self else { return None };
        tls.conn.export_keying_material(vec![0; 32], b"EXPORTER-Channel-Binding", None).ok()
    }
}

impl Read for Transport {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Transport::Plain(tcp) => tcp.read(buf),
            Transport::Tls(tls) => loop {
                // Not through the stream's own `read`: that fails, without reading, when a write has failed, and what
                // a server says before it goes is to be read.
                match tls.conn.reader().read(buf) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    result => return result,
                }
                if tls.conn.read_tls(&mut tls.sock)? == 0 {
                    tls.conn.process_new_packets().map_err(io::Error::other)?;
                    return tls.conn.reader().read(buf);
                }
                tls.conn.process_new_packets().map_err(io::Error::other)?;
            },
        }
    }
}

impl Write for Transport {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        match self {
            Transport::Plain(tcp) => tcp.write(buf),
            Transport::Tls(tls) => tls.write(buf),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Transport::Plain(tcp) => tcp.flush(),
            Transport::Tls(tls) => tls.flush(),
        }
    }
}

/// Takes whatever certificate is shown: the tests look at it themselves.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
