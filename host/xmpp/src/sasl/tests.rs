use super::password::{salted_password, sign};
use super::*;
use ring::digest;

/// The client's side, as far as the tests need it.
struct Client {
    hash: Hash,
    password: &'static str,
    gs2_header: String,
    binding: Vec<u8>,
    bare: String,
}

impl Client {
    fn new(
        hash: Hash,
        gs2_header: &str,
        binding: &[u8],
        user: &str,
        nonce: &str,
        password: &'static str,
    ) -> Self {
        Self {
            hash,
            password,
            gs2_header: gs2_header.to_owned(),
            binding: binding.to_vec(),
            bare: format!("n={user},r={nonce}"),
        }
    }

    fn first(&self) -> Vec<u8> {
        format!("{}{}", self.gs2_header, self.bare).into_bytes()
    }

    /// The final message, and the server's message that it expects.
    fn last(&self, challenge: &[u8]) -> (String, String) {
        let challenge = std::str::from_utf8(challenge).unwrap();
        let mut parts = challenge.split(',');
        let nonce = &parts.next().unwrap()[2..];
        let salt = decode(&parts.next().unwrap()[2..]).unwrap();
        let iterations = parts.next().unwrap()[2..].parse().unwrap();
        let salted = salted_password(self.hash, self.password, &salt, iterations).unwrap();
        let client_key = sign(self.hash, &salted, b"Client Key");
        let stored_key = digest::digest(self.hash.digest(), client_key.as_ref());
        let mut binding = self.gs2_header.clone().into_bytes();
        binding.extend(&self.binding);
        let without_proof = format!("c={},r={nonce}", encode(&binding));
        let signed = format!("{},{challenge},{without_proof}", self.bare);
        let signature = sign(self.hash, stored_key.as_ref(), signed.as_bytes());
        let proof: Vec<u8> = client_key.as_ref().iter().zip(signature.as_ref()).map(|(a, b)| a ^ b).collect();
        let server_key = sign(self.hash, &salted, b"Server Key");
        let verifier = sign(self.hash, server_key.as_ref(), signed.as_bytes());
        (format!("{without_proof},p={}", encode(&proof)), format!("v={}", encode(verifier.as_ref())))
    }
}

const SALT: &[u8] = b"some salt";

fn channel() -> ChannelBinding {
    ChannelBinding { exporter: Some(b"exported".to_vec()), end_point: Some(b"hash of certificate".to_vec()) }
}

fn start(client: &Client, plus: bool, channel: &ChannelBinding) -> Result<(Scram, Vec<u8>), SaslError> {
    let first = ClientFirst::parse(&client.first(), client.hash, plus, channel)?;
    let keys = derive_keys(client.hash, "pencil", SALT, 4096).unwrap();
    Ok(first.challenge("server", SALT, 4096, keys))
}

fn condition<T>(result: Result<T, SaslError>) -> Option<SaslCondition> {
    result.err().map(|error| error.condition)
}

#[test]
fn rfc_5802_example() {
    let first = ClientFirst::parse(
        b"n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
        Hash::Sha1,
        false,
        &ChannelBinding::default(),
    )
    .unwrap();
    assert_eq!(first.username, "user");
    assert_eq!(first.authzid, None);
    let salt = decode("QSXCR+Q6sek8bf92").unwrap();
    let keys = derive_keys(Hash::Sha1, "pencil", &salt, 4096).unwrap();
    let (scram, challenge) = first.challenge("3rfcNHYJY1ZVvWVs7j", &salt, 4096, keys);
    assert_eq!(challenge, b"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096");
    let last = scram
        .finish(b"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=")
        .unwrap();
    assert_eq!(last, b"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=");
}

#[test]
fn rfc_7677_example() {
    let first = ClientFirst::parse(
        b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
        Hash::Sha256,
        false,
        &ChannelBinding::default(),
    )
    .unwrap();
    let salt = decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
    let keys = derive_keys(Hash::Sha256, "pencil", &salt, 4096).unwrap();
    let (scram, challenge) = first.challenge("%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0", &salt, 4096, keys);
    assert_eq!(
        challenge,
        b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
    );
    let last = scram
        .finish(
            b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
        )
        .unwrap();
    assert_eq!(last, b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
}

#[test]
fn every_way_in() {
    let none = ChannelBinding::default();
    for hash in [Hash::Sha1, Hash::Sha256] {
        for (header, data, plus, channel) in [
            ("n,,", &b""[..], false, &none),
            ("y,,", b"", false, &none),
            ("n,,", b"", false, &channel()),
            ("n,a=user@localhost,", b"", false, &none),
            ("p=tls-exporter,,", b"exported", true, &channel()),
            ("p=tls-server-end-point,,", b"hash of certificate", true, &channel()),
        ] {
            let client = Client::new(hash, header, data, "user", "client", "pencil");
            let (scram, challenge) = start(&client, plus, channel).unwrap();
            let (last, expected) = client.last(&challenge);
            assert_eq!(scram.finish(last.as_bytes()).unwrap(), expected.as_bytes(), "{header}");
        }
    }
}

#[test]
fn refused_first_messages() {
    use SaslCondition::{MalformedRequest, NotAuthorized};
    let none = ChannelBinding::default();
    let some = channel();
    let only_end_point = ChannelBinding { exporter: None, ..channel() };
    for (message, plus, channel, expected) in [
        ("y,,n=user,r=nonce", false, &some, NotAuthorized),
        ("p=tls-unique,,n=user,r=nonce", true, &some, MalformedRequest),
        ("p=tls-exporter,,n=user,r=nonce", true, &only_end_point, MalformedRequest),
        ("p=tls-exporter,,n=user,r=nonce", false, &some, MalformedRequest),
        ("n,,n=user,r=nonce", true, &some, MalformedRequest),
        ("y,,n=user,r=nonce", true, &some, MalformedRequest),
        ("p=tls-exporter,,n=user,r=nonce", true, &none, MalformedRequest),
        ("x,,n=user,r=nonce", false, &none, MalformedRequest),
        ("", false, &none, MalformedRequest),
        ("n", false, &none, MalformedRequest),
        ("n,", false, &none, MalformedRequest),
        ("n,,", false, &none, MalformedRequest),
        ("n,user@localhost,n=user,r=nonce", false, &none, MalformedRequest),
        ("n,a=,n=user,r=nonce", false, &none, MalformedRequest),
        ("n,,m=ext,n=user,r=nonce", false, &none, MalformedRequest),
        ("n,,r=nonce,n=user", false, &none, MalformedRequest),
        ("n,,n=,r=nonce", false, &none, MalformedRequest),
        ("n,,n=us=er,r=nonce", false, &none, MalformedRequest),
        ("n,,n=user=2c,r=nonce", false, &none, MalformedRequest),
        ("n,,n=us\0er,r=nonce", false, &none, MalformedRequest),
        ("n,,n=user", false, &none, MalformedRequest),
        ("n,,n=user,r=", false, &none, MalformedRequest),
        ("n,,n=user,r=non ce", false, &none, MalformedRequest),
        ("n,,n=user,r=né", false, &none, MalformedRequest),
    ] {
        let result = ClientFirst::parse(message.as_bytes(), Hash::Sha256, plus, channel);
        assert_eq!(condition(result), Some(expected), "{message}");
    }
    assert_eq!(
        condition(ClientFirst::parse(b"n,,n=\xff,r=x", Hash::Sha1, false, &none)),
        Some(MalformedRequest)
    );
}

#[test]
fn escaped_names() {
    let first = ClientFirst::parse(
        "n,a=a=2Cb@localhost,n=j=3D=2Cü,r=x,e=ext".as_bytes(),
        Hash::Sha1,
        false,
        &ChannelBinding::default(),
    )
    .unwrap();
    assert_eq!(first.username, "j=,ü");
    assert_eq!(first.authzid.as_deref(), Some("a,b@localhost"));
}

#[test]
fn tampered_final_messages() {
    let client = Client::new(Hash::Sha256, "p=tls-exporter,,", b"exported", "user", "client", "pencil");
    let (scram, challenge) = start(&client, true, &channel()).unwrap();
    let (good, _) = client.last(&challenge);
    assert!(scram.finish(good.as_bytes()).is_ok());

    let proof = good.rsplit_once(",p=").unwrap().1;
    let binding = good.split(',').next().unwrap();
    let other_binding = format!("c={}", encode(b"p=tls-exporter,,another"));
    for (message, expected) in [
        (good.replace("r=clientserver", "r=clientserves"), SaslCondition::NotAuthorized),
        (good.replace("r=clientserver", "r=client"), SaslCondition::NotAuthorized),
        (good.replace(binding, &other_binding), SaslCondition::NotAuthorized),
        (good.replace(binding, "c=biws"), SaslCondition::NotAuthorized),
        (good.replace(proof, &encode(&[0; 32])), SaslCondition::NotAuthorized),
        (good.replace(",p=", ",x=1,p="), SaslCondition::NotAuthorized),
        (good.replace(proof, &encode(&[0; 20])), SaslCondition::MalformedRequest),
        (good.replace(proof, ""), SaslCondition::MalformedRequest),
        (good.replace(proof, "%%%"), SaslCondition::MalformedRequest),
        (good.replace(",p=", ",q="), SaslCondition::MalformedRequest),
        (good.replace("c=", "d="), SaslCondition::MalformedRequest),
        (good.replace("r=", "s="), SaslCondition::MalformedRequest),
        (String::new(), SaslCondition::MalformedRequest),
        ("e=other-error".to_owned(), SaslCondition::MalformedRequest),
    ] {
        assert_eq!(condition(scram.finish(message.as_bytes())), Some(expected), "{message}");
    }
}

#[test]
fn wrong_password_or_channel() {
    let wrong = Client::new(Hash::Sha1, "n,,", b"", "user", "client", "pencils");
    let (scram, challenge) = start(&wrong, false, &ChannelBinding::default()).unwrap();
    let (last, _) = wrong.last(&challenge);
    assert_eq!(condition(scram.finish(last.as_bytes())), Some(SaslCondition::NotAuthorized));

    // The client sees another channel than the server: its messages were relayed.
    let relayed = Client::new(Hash::Sha1, "p=tls-exporter,,", b"other", "user", "client", "pencil");
    let (scram, challenge) = start(&relayed, true, &channel()).unwrap();
    let (last, _) = relayed.last(&challenge);
    assert_eq!(condition(scram.finish(last.as_bytes())), Some(SaslCondition::NotAuthorized));
}

#[test]
fn plain_messages() {
    let plain = Plain::parse(b"\0user\0pass word").unwrap();
    assert_eq!(
        (plain.authzid, plain.username.as_str(), plain.password.as_str()),
        (None, "user", "pass word")
    );
    assert_eq!(Plain::parse(b"me@x\0user\0p").unwrap().authzid.as_deref(), Some("me@x"));
    for message in [&b""[..], b"user", b"\0user", b"\0user\0", b"\0\0pw", b"\0user\0p\0w", b"\0user\0\xff"] {
        assert_eq!(condition(Plain::parse(message)), Some(SaslCondition::MalformedRequest));
    }
    assert!(!format!("{:?}", Plain::parse(b"\0user\0secret").unwrap()).contains("secret"));
}

#[test]
fn passwords() {
    assert_eq!(prepare_password("I\u{ad}X").unwrap(), "IX");
    assert_eq!(prepare_password("a\u{a0}b").unwrap(), "a b");
    assert_eq!(prepare_password(""), Err(PasswordError::Empty));
    assert_eq!(prepare_password("\u{ad}"), Err(PasswordError::Empty));
    assert_eq!(prepare_password("a\u{7}b"), Err(PasswordError::Forbidden));
    // SASLprep knows Unicode 3.2 only.
    assert_eq!(prepare_password("a\u{1f600}").unwrap(), "a\u{1f600}");
    assert_eq!(derive_keys(Hash::Sha1, "x", b"salt", 0), Err(PasswordError::Iterations));
    let one = derive_keys(Hash::Sha256, "IX", b"salt", 10).unwrap();
    assert!(one.matches(&derive_keys(Hash::Sha256, "I\u{ad}X", b"salt", 10).unwrap()));
    assert!(!one.matches(&derive_keys(Hash::Sha256, "ix", b"salt", 10).unwrap()));
    assert!(!one.matches(&Keys { stored_key: Vec::new(), server_key: Vec::new() }));
}

#[test]
fn base64() {
    assert_eq!(decode("=").unwrap(), b"");
    assert_eq!(decode("").unwrap(), b"");
    assert_eq!(decode("YQ==").unwrap(), b"a");
    for text in ["YQ", "YQ=", "Y Q==", "YQ==\n", "*", "==="] {
        assert_eq!(condition(decode(text)), Some(SaslCondition::IncorrectEncoding), "{text}");
    }
}

#[test]
fn accounts_and_identities() {
    let juliet = account("Juliet", "localhost").unwrap();
    assert_eq!(juliet.as_str(), "juliet@localhost");
    for name in ["", "a@b", "a/b", "a b", "juliet@localhost"] {
        assert_eq!(condition(account(name, "localhost")), Some(SaslCondition::NotAuthorized), "{name}");
    }
    for authzid in [None, Some(""), Some("juliet@localhost"), Some("JULIET@localhost")] {
        assert_eq!(authorize(&juliet, authzid), Ok(()));
    }
    for authzid in ["romeo@localhost", "juliet@localhost/r", "juliet", "localhost", "@"] {
        assert_eq!(
            condition(authorize(&juliet, Some(authzid))),
            Some(SaslCondition::InvalidAuthzid),
            "{authzid}"
        );
    }
}

#[test]
fn failures_and_names() {
    assert_eq!(
        SaslError::new(SaslCondition::NotAuthorized, "No").to_xml(),
        "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/><text xml:lang='en'>No</text></failure>"
    );
    for mechanism in Mechanism::ALL {
        assert_eq!(Mechanism::from_name(mechanism.name()), Some(mechanism));
    }
    assert_eq!(Mechanism::from_name("EXTERNAL"), None);
    assert_eq!(channel().types().collect::<Vec<_>>(), ["tls-exporter", "tls-server-end-point"]);
    assert!(!format!("{:?}", channel()).contains("exported"));
}

#[test]
fn a_password_is_known_in_either_form() {
    let (salt, rounds) = (b"salt".as_slice(), 10);
    // A superscript two: SASLprep makes a digit of it, OpaqueString leaves it alone.
    for stored in ["m\u{b2}", "m2"] {
        let keys = super::password::keys_of(Hash::Sha256, stored, salt, rounds).unwrap();
        let is_it = |password| is_password_of(&keys, Hash::Sha256, password, salt, rounds).unwrap();
        assert!(is_it("m\u{b2}") && !is_it("m3") && !is_it("M2"), "{stored}");
        assert_eq!(is_it("m2"), stored == "m2");
    }
}
