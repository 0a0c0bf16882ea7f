use super::*;
use crate::prep;

fn jid(text: &str) -> Jid {
    Jid::parse(text).unwrap()
}

#[test]
fn valid_examples_of_rfc_7622() {
    let cases = [
        ("juliet@example.com", Some("juliet"), "example.com", None),
        ("juliet@example.com/foo", Some("juliet"), "example.com", Some("foo")),
        ("juliet@example.com/foo bar", Some("juliet"), "example.com", Some("foo bar")),
        ("juliet@example.com/foo@bar", Some("juliet"), "example.com", Some("foo@bar")),
        ("foo\\20bar@example.com", Some("foo\\20bar"), "example.com", None),
        ("fussball@example.com", Some("fussball"), "example.com", None),
        ("fu\u{df}ball@example.com", Some("fu\u{df}ball"), "example.com", None),
        ("\u{3c0}@example.com", Some("\u{3c0}"), "example.com", None),
        ("\u{3a3}@example.com/foo", Some("\u{3c3}"), "example.com", Some("foo")),
        ("\u{3c3}@example.com/foo", Some("\u{3c3}"), "example.com", Some("foo")),
        ("\u{3c2}@example.com/foo", Some("\u{3c2}"), "example.com", Some("foo")),
        ("king@example.com/\u{265a}", Some("king"), "example.com", Some("\u{265a}")),
        ("example.com", None, "example.com", None),
        ("example.com/foobar", None, "example.com", Some("foobar")),
        ("a.example.com/b@example.net", None, "a.example.com", Some("b@example.net")),
        ("a@b/c/d", Some("a"), "b", Some("c/d")),
        ("127.0.0.1", None, "127.0.0.1", None),
        ("a@[::1]/x", Some("a"), "[::1]", Some("x")),
        ("a@[0:0::0:1]", Some("a"), "[::1]", None),
        ("JULIET@EXAMPLE.com/FOO", Some("juliet"), "example.com", Some("FOO")),
        ("juliet@example.com.", Some("juliet"), "example.com", None),
        ("juliet@example.com./x", Some("juliet"), "example.com", Some("x")),
        ("a@xn--bcher-kva.example", Some("a"), "b\u{fc}cher.example", None),
        ("a@XN--BCHER-KVA.example/X", Some("a"), "b\u{fc}cher.example", Some("X")),
        ("a@b\u{fc}cher.example", Some("a"), "b\u{fc}cher.example", None),
    ];
    for (text, local, domain, resource) in cases {
        let jid = jid(text);
        assert_eq!((jid.local(), jid.domain(), jid.resource()), (local, domain, resource), "{text}");
        assert_eq!(Jid::parse(jid.as_str()).as_ref(), Ok(&jid), "{text}");
        assert_eq!(Jid::from_parts(local, domain, resource).as_ref(), Ok(&jid), "{text}");
    }
}

#[test]
fn invalid_addresses() {
    let long = "a".repeat(1024);
    let label = "a".repeat(64);
    let cases = [
        ("\"juliet\"@example.com", JidError::Local),
        ("foo bar@example.com", JidError::Local),
        ("@example.com/", JidError::Local),
        ("henry\u{2163}@example.com", JidError::Local),
        ("\u{265a}@example.com", JidError::Local),
        ("a\u{200b}@example.com", JidError::Local),
        ("a:b@example.com", JidError::Local),
        ("a<b@example.com", JidError::Local),
        ("a&b@example.com", JidError::Local),
        ("a'b@example.com", JidError::Local),
        (&format!("{long}@example.com"), JidError::Local),
        ("juliet@", JidError::Domain),
        ("", JidError::Domain),
        ("/foobar", JidError::Domain),
        ("juliet@/foo", JidError::Domain),
        ("a@b@c", JidError::Domain),
        ("a@b c", JidError::Domain),
        ("a@.b", JidError::Domain),
        ("a@b..c", JidError::Domain),
        ("a@-b", JidError::Domain),
        ("a@b-", JidError::Domain),
        ("a@*.example", JidError::Domain),
        ("a@b,c", JidError::Domain),
        ("a@b!.example", JidError::Domain),
        ("a@b;c=d(e)~+", JidError::Domain),
        ("a@o'x.example", JidError::Domain),
        ("a@q\"x.example", JidError::Domain),
        ("a@a_b.example", JidError::Domain),
        ("a@b\u{2665}.example", JidError::Domain),
        ("a@xn--0ca24w.example\u{2665}", JidError::Domain),
        ("\u{17f}@example.com", JidError::Local),
        ("\u{fb01}@example.com", JidError::Local),
        ("a\u{ff20}b@example.com", JidError::Local),
        ("a@[::1", JidError::Domain),
        ("a@[zz]", JidError::Domain),
        ("a@xn--a", JidError::Domain),
        (&format!("a@{label}.com"), JidError::Domain),
        (&format!("a@{}com", "abc.".repeat(80)), JidError::Domain),
        ("a@b/", JidError::Resource),
        ("a@b/x\u{0}", JidError::Resource),
        ("a@b/x\ty", JidError::Resource),
        ("a@b/\u{e000}", JidError::Resource),
        (&format!("a@b/{long}"), JidError::Resource),
    ];
    for (text, error) in cases {
        assert_eq!(Jid::parse(text), Err(error), "{text:?}");
    }
}

#[test]
fn longest_parts() {
    let long = "a".repeat(1023);
    let jid = jid(&format!("{long}@example.com/{long}"));
    assert_eq!(jid.local(), Some(long.as_str()));
    assert_eq!(jid.resource(), Some(long.as_str()));
}

/// What the quick tests accept, the rules leave as it is; and in ASCII they accept all that the rules leave so, but
/// for IP addresses of version 6.
#[test]
fn quick_tests_agree_with_the_rules() {
    let mut samples: Vec<String> = (0..=0x7fu8).map(|b| char::from(b).to_string()).collect();
    for b in 0..=0x7fu8 {
        let c = char::from(b);
        samples.extend([
            format!("a{c}"),
            format!("{c}a"),
            format!("a{c}a"),
            format!("a{c}.a"),
            format!("a.{c}a"),
        ]);
    }
    samples.extend(
        ["a--b", "ab--c", "abc--d", "xn--a", "1", "1.2.3", "1.2.3.4", "a.", ".", "..", ""].map(String::from),
    );
    samples.extend([62, 63, 64].map(|len| "a".repeat(len)));
    samples.extend([62, 63, 64].map(|len| format!("{}.b", "a".repeat(len))));
    samples.extend([250, 251, 252, 253, 254].map(|len| format!("{}b", "ab.".repeat(len))[..len].to_owned()));
    samples.extend([1022, 1023, 1024].map(|len| "a".repeat(len)));
    // A small generator, so that the samples are the same every time.
    let mut seed = 0x2545_f491_4f6c_dd1du64;
    for _ in 0..20_000 {
        let mut text = String::new();
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        for _ in 0..seed % 9 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let alphabet = b"abz09--..__AZ@/ '\"&<>:\x7f\x1f";
            text.push(char::from(alphabet[(seed >> 33) as usize % alphabet.len()]));
        }
        samples.push(text);
    }
    for text in &samples {
        let long_way = |prepare: fn(&str) -> Option<String>| prepare(text).as_ref() == Some(text);
        let is_local = long_way(|text| prep::username(text).filter(|name| prep::is_local(name)));
        let is_resource = long_way(|text| prep::opaque(text).filter(|text| text.len() <= 1023));
        assert_eq!(prep::is_plain_local(text), is_local, "local {text:?}");
        assert_eq!(prep::is_plain_resource(text), is_resource, "resource {text:?}");
        if prep::is_plain_domain(text) {
            assert!(long_way(prep::host_name), "domain {text:?}");
        }
    }
}

/// RFC 6122 folded more: what its software sends is known for what it means.
#[test]
fn names_as_older_software_writes_them() {
    let older = |text: &str| jid(text).rfc6122().map(|jid| jid.to_string());
    assert_eq!(older("fu\u{df}ball@example.com").as_deref(), Some("fussball@example.com"));
    assert_eq!(older("FU\u{1e9e}BALL@example.com/x").as_deref(), Some("fussball@example.com/x"));
    assert_eq!(older("\u{3c2}@example.com").as_deref(), Some("\u{3c3}@example.com"));
    for same in ["fussball@example.com", "\u{3c3}@example.com", "\u{fc}@example.com", "stra\u{df}e.example"] {
        assert_eq!(older(same), None, "{same}");
    }
    // Letters that Unicode did not have then, it could not write.
    assert_eq!(older("\u{10d50}@example.com"), None);
}

#[test]
fn windows_on_the_same_text() {
    let full = jid("juliet@example.com/balcony");
    assert_eq!(full.bare(), jid("juliet@example.com"));
    assert_eq!(full.bare_str(), "juliet@example.com");
    assert_eq!(full.domain_jid(), jid("example.com"));
    assert!(!full.is_bare() && full.bare().is_bare() && !full.bare().is_domain());
    assert!(full.domain_jid().is_domain() && !jid("example.com/x").is_domain());
    assert_eq!(full.bare().resource(), None);
    assert_eq!(full.bare().bare(), full.bare());
    assert_eq!(full.domain_jid().local(), None);
    assert_eq!(full.domain_jid().with_resource("x").unwrap(), jid("example.com/x"));
    assert_eq!(full.with_resource("chamber").unwrap(), jid("juliet@example.com/chamber"));
    assert_eq!(full.with_resource(""), Err(JidError::Resource));
    let domain = jid("a.example/b@c").domain_jid();
    assert_eq!((domain.local(), domain.domain(), domain.as_str()), (None, "a.example", "a.example"));
    assert_eq!(std::mem::size_of::<Jid>(), 24);
    assert_eq!(std::mem::size_of::<Option<Jid>>(), 24);
}

#[test]
fn same_text_same_address() {
    use std::collections::{BTreeSet, HashSet};
    let (a, b) = (jid("a@b/c").bare(), jid("a@b"));
    assert_eq!(HashSet::from([a.clone(), b.clone()]).len(), 1);
    assert_eq!(BTreeSet::from([a.clone(), b.clone()]).len(), 1);
    assert!(HashSet::from([a.clone()]).contains("a@b"));
    assert_eq!(format!("{a} {a:?} {:>5}", a), "a@b a@b   a@b");
    assert_eq!(a, "a@b");
}
