//! The keys of accounts as XEP-0227, version 1.1 writes them.

use super::SCRAM;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use waxwing_storage::ScramKeys;
use waxwing_xmpp::Element;
use waxwing_xmpp::sasl::{Hash, Mechanism};

/// More rounds would make each login with PLAIN a burden.
const ITERATIONS: u32 = 5_000_000;
/// Bytes of a salt.
const SALT: usize = 1024;

/// The name of the element.
pub(super) const NAME: &str = "scram-credentials";

/// The element for the keys of a hash.
pub(super) fn element(hash: Hash, keys: &ScramKeys) -> Element {
    let mechanism = match hash {
        Hash::Sha1 => Mechanism::ScramSha1,
        Hash::Sha256 => Mechanism::ScramSha256,
    };
    let child = |name: &str, text: String| Element::new(name, SCRAM).with_text(text);
    Element::new(NAME, SCRAM)
        .with_attr("mechanism", mechanism.name())
        .with_child(child("iter-count", keys.iterations.to_string()))
        .with_child(child("salt", STANDARD.encode(&keys.salt)))
        .with_child(child("server-key", STANDARD.encode(&keys.server_key)))
        .with_child(child("stored-key", STANDARD.encode(&keys.stored_key)))
}

/// The keys in an element; `None` if they are of a mechanism that is not known here.
///
/// # Errors
/// What is wrong with them.
pub(super) fn read(element: &Element) -> Result<Option<(Hash, ScramKeys)>, String> {
    let mechanism = element.attr("mechanism").ok_or("its keys name no mechanism")?;
    let hash = match Mechanism::from_name(mechanism.strip_suffix("-PLUS").unwrap_or(mechanism)) {
        Some(known) => known.hash(),
        None => None,
    };
    let Some(hash) = hash else { return Ok(None) };
    let text = |name: &str| {
        let text =
            element.child_text(name).ok_or_else(|| format!("its keys for {mechanism} have no {name}"))?;
        Ok::<_, String>(text.trim().to_owned())
    };
    let bytes = |name: &str| {
        let decoded = STANDARD.decode(text(name)?);
        decoded.map_err(|_| format!("the {name} of its keys for {mechanism} is not base64"))
    };
    let iterations = text("iter-count")?.parse().ok().filter(|count| (1..=ITERATIONS).contains(count));
    let iterations = iterations
        .ok_or_else(|| format!("the iter-count of its keys for {mechanism} is not from 1 to {ITERATIONS}"))?;
    let length = match hash {
        Hash::Sha1 => 20,
        Hash::Sha256 => 32,
    };
    let [mut salt, mut server_key, mut stored_key] =
        [bytes("salt")?, bytes("server-key")?, bytes("stored-key")?];
    // Ejabberd 23.01 encodes all of them twice.
    if let (Some(salt_), Some(server), Some(stored)) = (again(&salt), again(&server_key), again(&stored_key))
        && server.len() == length
        && stored.len() == length
    {
        (salt, server_key, stored_key) = (salt_, server, stored);
    }
    if server_key.len() != length || stored_key.len() != length {
        return Err(format!("its keys for {mechanism} are not of {length} bytes"));
    }
    if salt.is_empty() || salt.len() > SALT {
        return Err(format!("the salt of its keys for {mechanism} is not of 1 to {SALT} bytes"));
    }
    Ok(Some((hash, ScramKeys { iterations, salt, stored_key, server_key })))
}

/// What base64 within base64 comes to.
fn again(bytes: &[u8]) -> Option<Vec<u8>> {
    STANDARD.decode(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> ScramKeys {
        ScramKeys { iterations: 4096, salt: vec![1; 16], stored_key: vec![2; 32], server_key: vec![3; 32] }
    }

    #[test]
    fn keys_come_back() {
        let element = element(Hash::Sha256, &keys());
        assert_eq!(read(&element), Ok(Some((Hash::Sha256, keys()))));
        let other = element.clone().with_attr("mechanism", "SCRAM-SHA-512");
        assert_eq!(read(&other), Ok(None));
        assert!(read(&Element::new(NAME, SCRAM)).is_err());
    }

    #[test]
    fn keys_that_are_encoded_twice() {
        let once = keys();
        let encode = |bytes: &[u8]| STANDARD.encode(bytes).into_bytes();
        let twice = ScramKeys {
            iterations: 4096,
            salt: encode(&once.salt),
            stored_key: encode(&once.stored_key),
            server_key: encode(&once.server_key),
        };
        assert_eq!(read(&element(Hash::Sha256, &twice)), Ok(Some((Hash::Sha256, once))));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let with = |name: &str, text: &str| {
            let good = element(Hash::Sha256, &keys());
            let children = good.children().filter(|child| child.name() != name).cloned();
            let changed = Element::new(NAME, SCRAM).with_attr("mechanism", "SCRAM-SHA-256");
            let changed = children.fold(changed, Element::with_child);
            changed.with_child(Element::new(name, SCRAM).with_text(text))
        };
        for (name, text, why) in [
            ("iter-count", "0", "not from 1 to"),
            ("iter-count", "4000000000", "not from 1 to"),
            ("iter-count", "-1", "not from 1 to"),
            ("iter-count", "99999999999999999999", "not from 1 to"),
            ("salt", "", "not of 1 to 1024 bytes"),
            ("salt", "%%%", "salt of its keys for SCRAM-SHA-256 is not base64"),
            ("stored-key", "AAAA", "not of 32 bytes"),
            ("server-key", "A", "not base64"),
        ] {
            let error = read(&with(name, text)).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }
}
