//! Streams over a pipe, against bytes written by hand.

mod established;
mod limits;
mod login;
mod opening;
mod vhosts;

use super::{Shared, serve};
use crate::admission::Admission;
use crate::certificates::{Certificates, ensure_domains};
use crate::listener::Door;
use crate::stats::Stats;
use crate::tls::TlsStart;
use ring::rand::SystemRandom;
use ring::{digest, hmac, pbkdf2};
use rustls::client::WantsClientCert;
use rustls::{ClientConfig, ConfigBuilder};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use waxwing_config::{Limits, Settings, VhostSettings};
use waxwing_server::Server;
use waxwing_storage::{Sqlite, SqliteOptions, Storage};
use waxwing_xmpp::Jid;
use waxwing_xmpp::sasl::{decode, encode};

const HEADER: &str = "<?xml version='1.0'?><stream:stream to='localhost' version='1.0' xmlns='jabber:client' \
                      xmlns:stream='http://etherx.jabber.org/streams'>";
const PASSWORD: &str = "secret";
/// The port that everybody comes in through.
const PORT: u16 = 5222;

/// A server with `localhost`, which does not ask for TLS, `tls.example`, which does, and some accounts.
struct World {
    shared: Arc<Shared>,
    storage: Arc<dyn Storage>,
    stopping: watch::Sender<bool>,
    _folder: TempDir,
}

impl World {
    async fn new() -> Self {
        Self::with_limits(Limits::default()).await
    }

    async fn with_limits(limits: Limits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut open = VhostSettings::new("localhost");
        open.tls_required = false;
        let settings = Arc::new(Settings {
            vhosts: vec![open, VhostSettings::new("tls.example")],
            certificates: folder.path().to_owned(),
            scram_iterations: 4096,
            limits,
            ..Settings::default()
        });
        ensure_domains(&settings, ["localhost", "tls.example"].into_iter()).unwrap();
        let certificates = Arc::new(Certificates::load(&settings).unwrap());
        let storage: Arc<dyn Storage> =
            Arc::new(Sqlite::open(folder.path().join("db"), SqliteOptions::default()).unwrap());
        let server = Server::new(settings.clone(), storage.clone()).await.unwrap();
        for account in ["juliet@localhost", "romeo@localhost", "juliet@tls.example"] {
            server.create_account(&Jid::parse(account).unwrap(), PASSWORD).await.unwrap();
        }
        let stopping = watch::Sender::new(false);
        let shared = Arc::new(Shared {
            admission: Arc::new(Admission::new(&settings.limits)),
            server,
            settings,
            certificates,
            stats: Stats::default(),
            random: SystemRandom::new(),
            password_checks: Semaphore::new(1),
            stopping: stopping.subscribe(),
            open: watch::Sender::new(0),
            asleep: watch::Sender::new(0),
        });
        Self { shared, storage, stopping, _folder: folder }
    }

    /// A client that has connected.
    fn connect(&self) -> Peer<DuplexStream> {
        self.connect_with(TlsStart::StartTls, 64 * 1024)
    }

    fn connect_with(&self, start: TlsStart, buffer: usize) -> Peer<DuplexStream> {
        let (client, server) = duplex(buffer);
        let peer = "192.0.2.1:1000".parse().unwrap();
        let task = tokio::spawn(serve(server, peer, Door { port: PORT, start }, self.shared.clone()));
        Peer { io: client, seen: String::new(), task }
    }

    /// A client with a session.
    async fn session(&self, user: &str, resource: &str) -> Peer<DuplexStream> {
        self.session_with(user, resource, 64 * 1024).await
    }

    async fn session_with(&self, user: &str, resource: &str, buffer: usize) -> Peer<DuplexStream> {
        let mut peer = self.connect_with(TlsStart::StartTls, buffer);
        peer.log_in(user, "localhost").await;
        peer.send(&format!(
            "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>{resource}</resource></bind></iq>"
        ))
        .await;
        peer.expect("</iq>").await;
        peer
    }
}

/// A client by hand.
struct Peer<S> {
    io: S,
    seen: String,
    task: JoinHandle<()>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Peer<S> {
    async fn send(&mut self, text: &str) {
        self.send_bytes(text.as_bytes()).await;
    }

    async fn send_bytes(&mut self, bytes: &[u8]) {
        self.io.write_all(bytes).await.unwrap();
        self.io.flush().await.unwrap();
    }

    /// Wait until the server has said `text`; gives everything up to its end.
    async fn expect(&mut self, text: &str) -> String {
        loop {
            if let Some(at) = self.seen.find(text) {
                let rest = self.seen.split_off(at + text.len());
                return std::mem::replace(&mut self.seen, rest);
            }
            assert!(self.read().await > 0, "'{text}' did not come but: {}", self.seen);
        }
    }

    async fn read(&mut self) -> usize {
        let mut buffer = vec![0; 4096];
        let reading = self.io.read(&mut buffer);
        let count =
            tokio::time::timeout(Duration::from_secs(100), reading).await.expect("an answer").unwrap_or(0);
        self.seen.push_str(std::str::from_utf8(&buffer[..count]).unwrap());
        count
    }

    /// Everything that the server says until it closes the connection.
    async fn rest(&mut self) -> String {
        while self.read().await > 0 {}
        std::mem::take(&mut self.seen)
    }

    /// The server closes with this stream error, last of all. Gives what it said before.
    async fn expect_error(&mut self, condition: &str) -> String {
        let said = self.rest().await;
        let (before, error) =
            said.split_once("<stream:error>").unwrap_or_else(|| panic!("no error in: {said}"));
        assert!(error.starts_with(&format!("<{condition} ")), "not {condition}: {said}");
        assert!(error.ends_with("</stream:error></stream:stream>"), "{said}");
        before.to_owned()
    }

    async fn open(&mut self, domain: &str) -> String {
        self.send(&HEADER.replace("localhost", domain)).await;
        self.expect("</stream:features>").await
    }

    /// Log in by SCRAM-SHA-256 and open the stream that follows.
    async fn log_in(&mut self, user: &str, domain: &str) {
        self.open(domain).await;
        let success = self.scram("SCRAM-SHA-256", "n,,", b"", user, PASSWORD).await;
        assert!(success.starts_with("<success"), "{success}");
        self.open(domain).await;
    }

    /// Go through SCRAM with SHA-256 and give the server's last word.
    async fn scram(
        &mut self,
        mechanism: &str,
        gs2: &str,
        binding: &[u8],
        user: &str,
        password: &str,
    ) -> String {
        let bare = format!("n={user},r=client");
        self.auth(mechanism, &encode(format!("{gs2}{bare}").as_bytes())).await;
        let challenge = self.expect(">").await;
        if !challenge.starts_with("<challenge") {
            return challenge + &self.expect("</failure>").await;
        }
        let challenge = decode(self.expect("</challenge>").await.trim_end_matches("</challenge>")).unwrap();
        let challenge = String::from_utf8(challenge).unwrap();
        let last = final_message(&challenge, gs2, binding, &bare, password);
        self.send(&format!(
            "<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>{}</response>",
            encode(last.as_bytes())
        ))
        .await;
        let start = self.expect(">").await;
        let end = if start.starts_with("<success") { "</success>" } else { "</failure>" };
        start + &self.expect(end).await
    }

    async fn auth(&mut self, mechanism: &str, initial: &str) {
        self.send(&format!(
            "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='{mechanism}'>{initial}</auth>"
        ))
        .await;
    }

    async fn plain(&mut self, user: &str, password: &str) -> String {
        self.auth("PLAIN", &encode(format!("\0{user}\0{password}").as_bytes())).await;
        let start = self.expect(">").await;
        let end = if start.starts_with("<success") { "</success>" } else { "</failure>" };
        start + &self.expect(end).await
    }
}

impl Peer<DuplexStream> {
    /// Ask for TLS on an open stream and complete the handshake.
    async fn start_tls(mut self, domain: &str, alpn: &[&[u8]]) -> Peer<TlsStream<DuplexStream>> {
        self.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>").await;
        self.expect("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>").await;
        self.handshake(domain, alpn).await.unwrap()
    }

    async fn handshake(self, domain: &str, alpn: &[&[u8]]) -> std::io::Result<Peer<TlsStream<DuplexStream>>> {
        self.handshake_with(domain, alpn, rustls::ALL_VERSIONS).await
    }

    async fn handshake_with(
        self,
        domain: &str,
        alpn: &[&[u8]],
        versions: &[&'static rustls::SupportedProtocolVersion],
    ) -> std::io::Result<Peer<TlsStream<DuplexStream>>> {
        let mut config = trusting(versions).with_no_client_auth();
        config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
        self.secure(domain, config).await
    }

    /// The same with a certificate of the client's own.
    async fn handshake_showing(
        self,
        domain: &str,
        shown: Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>,
    ) -> std::io::Result<Peer<TlsStream<DuplexStream>>> {
        let config = trusting(rustls::ALL_VERSIONS);
        let config = match shown {
            Some((chain, key)) => config.with_client_auth_cert(chain, key).unwrap(),
            None => config.with_no_client_auth(),
        };
        self.secure(domain, config).await
    }

    async fn secure(
        self,
        domain: &str,
        config: ClientConfig,
    ) -> std::io::Result<Peer<TlsStream<DuplexStream>>> {
        let name = domain.to_owned().try_into().unwrap();
        let io = TlsConnector::from(Arc::new(config)).connect(name, self.io).await?;
        Ok(Peer { io, seen: String::new(), task: self.task })
    }
}

impl Peer<TlsStream<DuplexStream>> {
    /// Whether features come before the connection ends.
    async fn rest_of_features(&mut self) -> bool {
        while !self.seen.contains("</stream:features>") {
            if self.read().await == 0 {
                return false;
            }
        }
        true
    }
}

/// A client that believes every certificate of a server.
fn trusting(
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> ConfigBuilder<ClientConfig, WantsClientCert> {
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(trust::Anybody))
}

fn final_message(challenge: &str, gs2: &str, binding: &[u8], bare: &str, password: &str) -> String {
    let mut parts = challenge.split(',').map(|part| &part[2..]);
    let nonce = parts.next().unwrap();
    let salt = decode(parts.next().unwrap()).unwrap();
    let iterations: NonZeroU32 = parts.next().unwrap().parse().unwrap();
    let mut salted = [0; 32];
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, iterations, &salt, password.as_bytes(), &mut salted);
    let sign = |key: &[u8], data: &[u8]| hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), data);
    let client_key = sign(&salted, b"Client Key");
    let stored_key = digest::digest(&digest::SHA256, client_key.as_ref());
    let without_proof = format!("c={},r={nonce}", encode(&[gs2.as_bytes(), binding].concat()));
    let signature = sign(stored_key.as_ref(), format!("{bare},{challenge},{without_proof}").as_bytes());
    let proof: Vec<u8> = client_key.as_ref().iter().zip(signature.as_ref()).map(|(a, b)| a ^ b).collect();
    format!("{without_proof},p={}", encode(&proof))
}

/// A client that believes every certificate.
mod trust {
    use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
    use rustls::crypto::ring::default_provider;
    use rustls::{DigitallySignedStruct, Error, SignatureScheme};
    use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

    #[derive(Debug)]
    pub struct Anybody;

    impl ServerCertVerifier for Anybody {
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
            signature: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            let algorithms = default_provider().signature_verification_algorithms;
            rustls::crypto::verify_tls12_signature(message, certificate, signature, &algorithms)
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signature: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            let algorithms = default_provider().signature_verification_algorithms;
            rustls::crypto::verify_tls13_signature(message, certificate, signature, &algorithms)
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            default_provider().signature_verification_algorithms.supported_schemes()
        }
    }
}
