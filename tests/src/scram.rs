//! The client's side of SCRAM (RFC 5802, RFC 7677), in steps, so that a test can tamper with each.

use std::num::NonZeroU32;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use ring::{digest, hmac, pbkdf2};

/// A SCRAM mechanism.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mechanism {
    /// SCRAM-SHA-1
    Sha1,
    /// SCRAM-SHA-1-PLUS
    Sha1Plus,
    /// SCRAM-SHA-256
    Sha256,
    /// SCRAM-SHA-256-PLUS
    Sha256Plus,
}

impl Mechanism {
    /// Every mechanism.
    pub const ALL: [Mechanism; 4] =
        [Mechanism::Sha1, Mechanism::Sha1Plus, Mechanism::Sha256, Mechanism::Sha256Plus];

    /// The name that SASL knows it by.
    pub fn name(self) -> &'static str {
        match self {
            Mechanism::Sha1 => "SCRAM-SHA-1",
            Mechanism::Sha1Plus => "SCRAM-SHA-1-PLUS",
            Mechanism::Sha256 => "SCRAM-SHA-256",
            Mechanism::Sha256Plus => "SCRAM-SHA-256-PLUS",
        }
    }

    /// Whether it binds to the TLS channel.
    pub fn is_plus(self) -> bool {
        matches!(self, Mechanism::Sha1Plus | Mechanism::Sha256Plus)
    }

    fn hmac(self, key: &[u8], data: &[u8]) -> Vec<u8> {
        let algorithm = match self {
            Mechanism::Sha1 | Mechanism::Sha1Plus => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            Mechanism::Sha256 | Mechanism::Sha256Plus => hmac::HMAC_SHA256,
        };
        hmac::sign(&hmac::Key::new(algorithm, key), data).as_ref().to_vec()
    }

    fn hash(self, data: &[u8]) -> Vec<u8> {
        let algorithm = match self {
            Mechanism::Sha1 | Mechanism::Sha1Plus => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            Mechanism::Sha256 | Mechanism::Sha256Plus => &digest::SHA256,
        };
        digest::digest(algorithm, data).as_ref().to_vec()
    }

    fn salted(self, password: &str, salt: &[u8], iterations: u32) -> Vec<u8> {
        let (algorithm, len) = match self {
            Mechanism::Sha1 | Mechanism::Sha1Plus => (pbkdf2::PBKDF2_HMAC_SHA1, 20),
            Mechanism::Sha256 | Mechanism::Sha256Plus => (pbkdf2::PBKDF2_HMAC_SHA256, 32),
        };
        let mut out = vec![0; len];
        let iterations = NonZeroU32::new(iterations).expect("an iteration count above zero");
        pbkdf2::derive(algorithm, iterations, salt, password.as_bytes(), &mut out);
        out
    }
}

/// One exchange. The fields may be changed between the steps.
#[derive(Clone, Debug)]
pub struct Scram {
    /// Which SCRAM.
    pub mechanism: Mechanism,
    /// The GS2 header: `n,,`, `y,,`, `p=tls-exporter,,`…
    pub gs2: String,
    /// What the channel is bound with; empty without binding.
    pub binding: Vec<u8>,
    /// `n=user,r=nonce`
    pub client_first_bare: String,
    /// The password.
    pub password: String,
    expected_signature: Vec<u8>,
}

impl Scram {
    /// Begins, without channel binding.
    pub fn new(mechanism: Mechanism, user: &str, password: &str) -> Scram {
        let user = user.replace('=', "=3D").replace(',', "=2C");
        Scram {
            mechanism,
            gs2: "n,,".into(),
            binding: Vec::new(),
            client_first_bare: format!("n={user},r=fyko+d2lbbFgONRv9qkxdawL"),
            password: password.into(),
            expected_signature: Vec::new(),
        }
    }

    /// Binds to a channel: `kind` is `tls-exporter` or `tls-server-end-point`.
    pub fn bind(mut self, kind: &str, data: Vec<u8>) -> Scram {
        self.gs2 = format!("p={kind},,");
        self.binding = data;
        self
    }

    /// The initial response.
    pub fn client_first(&self) -> String {
        format!("{}{}", self.gs2, self.client_first_bare)
    }

    /// The answer to the server's challenge. Panics if the challenge is not what RFC 5802 says.
    pub fn client_final(&mut self, server_first: &str) -> String {
        let value = |key: char| {
            let found = server_first.split(',').find_map(|part| part.strip_prefix(key)?.strip_prefix('='));
            found.unwrap_or_else(|| panic!("no {key}= in the challenge {server_first:?}"))
        };
        let (nonce, iterations) = (value('r'), value('i').parse().expect("a numeric iteration count"));
        let salt = BASE64.decode(value('s')).expect("a salt in base64");
        let own_nonce = self.client_first_bare.rsplit("r=").next().unwrap_or_default();
        assert!(
            nonce.starts_with(own_nonce) && nonce.len() > own_nonce.len(),
            "the nonce is not ours extended"
        );
        let mut bound = self.gs2.clone().into_bytes();
        bound.extend_from_slice(&self.binding);
        let without_proof = format!("c={},r={nonce}", BASE64.encode(bound));
        let message = format!("{},{server_first},{without_proof}", self.client_first_bare);
        let salted = self.mechanism.salted(&self.password, &salt, iterations);
        let client_key = self.mechanism.hmac(&salted, b"Client Key");
        let signature = self.mechanism.hmac(&self.mechanism.hash(&client_key), message.as_bytes());
        let proof: Vec<u8> = client_key.iter().zip(&signature).map(|(key, sign)| key ^ sign).collect();
        let server_key = self.mechanism.hmac(&salted, b"Server Key");
        self.expected_signature = self.mechanism.hmac(&server_key, message.as_bytes());
        format!("{without_proof},p={}", BASE64.encode(proof))
    }

    /// Panics unless the server proved that it knows the password too.
    pub fn check_server_final(&self, server_final: &str) {
        let expected = format!("v={}", BASE64.encode(&self.expected_signature));
        assert_eq!(server_final, expected, "the server's signature is wrong");
    }
}
