//! The `tls-server-end-point` channel binding (RFC 5929, section 4): a hash of the server's certificate, by the hash
//! function of the certificate's own signature.

use ring::digest::{self, Algorithm};

const SEQUENCE: u8 = 0x30;
const OBJECT_IDENTIFIER: u8 = 0x06;

// The contents of DER object identifiers.
const SHA1_WITH_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x05];
const SHA256_WITH_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b];
const SHA384_WITH_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0c];
const SHA512_WITH_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0d];
const RSASSA_PSS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a];
const ECDSA_WITH_SHA1: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01];
const ECDSA_WITH_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
const ECDSA_WITH_SHA384: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03];
const ECDSA_WITH_SHA512: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x04];
const SHA256: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];
const SHA384: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02];
const SHA512: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03];

/// The binding data of a certificate in DER. `None` where the RFC defines none: for a signature without exactly one
/// hash function, such as Ed25519.
pub fn end_point(certificate: &[u8]) -> Option<Vec<u8>> {
    let algorithm = signature_hash(certificate)?;
    Some(digest::digest(algorithm, certificate).as_ref().to_vec())
}

fn signature_hash(certificate: &[u8]) -> Option<&'static Algorithm> {
    let (certificate, _) = element(certificate, SEQUENCE)?;
    let (_to_be_signed, rest) = element(certificate, SEQUENCE)?;
    let (identifier, _) = element(rest, SEQUENCE)?;
    let (oid, parameters) = element(identifier, OBJECT_IDENTIFIER)?;
    match oid {
        // MD5 and SHA-1 count as SHA-256.
        SHA1_WITH_RSA | ECDSA_WITH_SHA1 | SHA256_WITH_RSA | ECDSA_WITH_SHA256 => Some(&digest::SHA256),
        SHA384_WITH_RSA | ECDSA_WITH_SHA384 => Some(&digest::SHA384),
        SHA512_WITH_RSA | ECDSA_WITH_SHA512 => Some(&digest::SHA512),
        // The hash function is the first identifier of the parameters; SHA-1 if there is none.
        RSASSA_PSS => [(SHA384, &digest::SHA384), (SHA512, &digest::SHA512), (SHA256, &digest::SHA256)]
            .into_iter()
            .filter_map(|(oid, hash)| {
                Some((parameters.windows(oid.len()).position(|bytes| bytes == oid)?, hash))
            })
            .min_by_key(|(position, _)| *position)
            .map_or(Some(&digest::SHA256), |(_, hash)| Some(hash)),
        _ => None,
    }
}

/// The contents of the first DER element of `input`, and what follows it.
fn element(input: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&found, rest) = input.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..0x80 => (usize::from(first), rest),
        _ => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            let length = bytes.iter().try_fold(0usize, |sum, byte| {
                sum.checked_mul(256).and_then(|sum| sum.checked_add(usize::from(*byte)))
            })?;
            (length, rest)
        }
    };
    let parts = rest.split_at_checked(length)?;
    (found == tag).then_some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hash_follows_the_signature() {
        for (algorithm, expected) in [
            (&rcgen::PKCS_ECDSA_P256_SHA256, Some(&digest::SHA256)),
            (&rcgen::PKCS_ECDSA_P384_SHA384, Some(&digest::SHA384)),
            (&rcgen::PKCS_ED25519, None),
        ] {
            let key = rcgen::KeyPair::generate_for(algorithm).unwrap();
            let params = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
            let certificate = params.self_signed(&key).unwrap();
            let binding = end_point(certificate.der());
            assert_eq!(
                binding,
                expected.map(|hash| digest::digest(hash, certificate.der()).as_ref().to_vec())
            );
        }
    }

    #[test]
    fn pss_parameters() {
        let certificate = |parameters: &[u8]| {
            let mut identifier = vec![OBJECT_IDENTIFIER, RSASSA_PSS.len() as u8];
            identifier.extend(RSASSA_PSS);
            identifier.extend(parameters);
            let mut body = vec![SEQUENCE, 0, SEQUENCE, identifier.len() as u8];
            body.extend(identifier);
            [&[SEQUENCE, 0x81, body.len() as u8], body.as_slice()].concat()
        };
        assert_eq!(signature_hash(&certificate(SHA512)), Some(&digest::SHA512));
        assert_eq!(signature_hash(&certificate(&[SHA384, SHA256].concat())), Some(&digest::SHA384));
        assert_eq!(signature_hash(&certificate(&[])), Some(&digest::SHA256));
    }

    #[test]
    fn damaged() {
        for bytes in [&b""[..], b"\x30", b"\x30\x85\xff\xff\xff\xff\xff", b"\x30\x02\x30\x05", b"\x31\x00"] {
            assert_eq!(end_point(bytes), None);
        }
    }
}
