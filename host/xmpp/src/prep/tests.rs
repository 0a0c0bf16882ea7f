//! The examples of the RFCs, and what the rules that they point to say.

use super::{class, domain, domain_to_ascii, is_ip_address, local, opaque, resource};
use class::Class;

fn prepared(text: &str) -> Option<String> {
    local(text).ok().map(|name| name.into_owned())
}

/// RFC 8265, section 3.5, tables 1 and 2, without what RFC 7622 excludes.
#[test]
fn names_of_rfc_8265() {
    let cases = [
        ("juliet", Some("juliet")),
        ("fussball", Some("fussball")),
        ("fu\u{df}ball", Some("fu\u{df}ball")),
        ("\u{3c0}", Some("\u{3c0}")),
        ("\u{3a3}", Some("\u{3c3}")),
        ("\u{3c3}", Some("\u{3c3}")),
        ("\u{3c2}", Some("\u{3c2}")),
        ("foo bar", None),
        ("", None),
        ("henry\u{2163}", None),
        ("\u{221e}", None),
    ];
    for (text, expected) in cases {
        assert_eq!(prepared(text).as_deref(), expected, "{text:?}");
    }
}

/// RFC 8265, section 4.3, tables 3 and 4.
#[test]
fn passwords_of_rfc_8265() {
    let cases = [
        ("correct horse battery staple", Some("correct horse battery staple")),
        ("Correct Horse Battery Staple", Some("Correct Horse Battery Staple")),
        ("\u{3c0}\u{df}\u{e5}", Some("\u{3c0}\u{df}\u{e5}")),
        ("Jack of \u{2666}s", Some("Jack of \u{2666}s")),
        ("foo\u{1680}bar", Some("foo bar")),
        ("", None),
        ("my cat is a \u{9}by", None),
    ];
    for (text, expected) in cases {
        assert_eq!(opaque(text).as_deref(), expected, "{text:?}");
    }
}

#[test]
fn names_are_mapped() {
    let cases = [
        // Decomposed, full-width, capitals beyond ASCII.
        ("caf\u{65}\u{301}", "caf\u{e9}"),
        ("\u{ff2a}\u{ff55}\u{ff4c}\u{ff49}\u{ff45}\u{ff54}", "juliet"),
        ("\u{ff76}\u{ff9e}", "\u{30ac}"),
        ("\u{c9}ric", "\u{e9}ric"),
        ("\u{1e9e}", "\u{df}"),
        ("\u{212a}", "k"),
        // Capital sigma is small sigma wherever it stands.
        ("\u{39f}\u{394}\u{39f}\u{3a3}", "\u{3bf}\u{3b4}\u{3bf}\u{3c3}"),
    ];
    for (text, expected) in cases {
        // The Kelvin sign stands for a letter, and is none itself.
        let expected = (text != "\u{212a}").then_some(expected);
        assert_eq!(prepared(text).as_deref(), expected, "{text:?}");
    }
}

#[test]
fn names_from_right_to_left() {
    let good = [
        "\u{5d0}\u{5d1}1",
        "\u{627}\u{644}\u{661}",
        // Vowel points and other marks, within and at the end.
        "\u{5e9}\u{5b8}\u{5c1}\u{5dc}\u{5d5}\u{5b9}\u{5dd}",
        "\u{628}\u{64e}",
        "\u{5d0}-1.2",
    ];
    for text in good {
        assert_eq!(prepared(text).as_deref(), Some(text), "{text:?}");
    }
    // Mixed, begun with a digit, ended with a sign, two kinds of digits.
    let bad = ["\u{5d0}a", "a\u{5d0}", "1\u{5d0}", "\u{5d0}-", "\u{627}1\u{661}", "\u{661}"];
    for text in bad {
        assert_eq!(prepared(text), None, "{text:?}");
    }
}

#[test]
fn characters_that_depend_on_their_neighbours() {
    let good = [
        "col\u{b7}lega",
        "\u{915}\u{94d}\u{200d}\u{937}",
        "\u{915}\u{94d}\u{200c}\u{937}",
        "\u{646}\u{627}\u{645}\u{647}\u{200c}\u{627}\u{6cc}",
        "\u{375}\u{3b1}",
        "\u{5d0}\u{5f3}\u{5d1}",
        "\u{30a2}\u{30fb}\u{30a2}",
    ];
    for text in good {
        assert_eq!(prepared(text).as_deref(), Some(text), "{text:?}");
    }
    let bad = [
        "a\u{b7}l",
        "\u{b7}",
        "l\u{b7}",
        "a\u{200d}b",
        "\u{200d}",
        "a\u{200c}b",
        "\u{375}a",
        "a\u{5f3}",
        "a\u{30fb}b",
        "\u{627}\u{661}\u{6f1}",
    ];
    for text in bad {
        assert_eq!(prepared(text), None, "{text:?}");
        assert!(resource(text).is_err(), "{text:?}");
    }
}

#[test]
fn classes_of_characters() {
    let cases = [
        ('a', Class::Identifier),
        ('~', Class::Identifier),
        (' ', Class::Freeform),
        ('\u{df}', Class::Identifier),
        ('\u{640}', Class::Disallowed),
        ('\u{1100}', Class::Disallowed),
        ('\u{ac00}', Class::Identifier),
        ('\u{378}', Class::Disallowed),
        ('\u{200d}', Class::Context),
        ('\u{ad}', Class::Disallowed),
        ('\u{fe0f}', Class::Disallowed),
        ('\u{7f}', Class::Disallowed),
        ('\u{e000}', Class::Disallowed),
        ('\u{ffff}', Class::Disallowed),
        ('\u{fb01}', Class::Freeform),
        ('\u{2163}', Class::Freeform),
        ('\u{1f600}', Class::Freeform),
        ('\u{1fae0}', Class::Freeform),
        ('\u{3000}', Class::Freeform),
        ('\u{2028}', Class::Disallowed),
    ];
    for (c, expected) in cases {
        assert_eq!(class::class(c), expected, "U+{:04X}", u32::from(c));
    }
}

#[test]
fn domains_have_one_spelling() {
    let cases = [
        ("b\u{fc}cher.example", "b\u{fc}cher.example"),
        ("bu\u{308}cher.example", "b\u{fc}cher.example"),
        ("B\u{dc}CHER.example.", "b\u{fc}cher.example"),
        ("xn--bcher-kva.example", "b\u{fc}cher.example"),
        ("XN--Bcher-KVA.EXAMPLE", "b\u{fc}cher.example"),
        // IDNA2008 has these letters, IDNA2003 folded them.
        ("fa\u{df}.de", "fa\u{df}.de"),
        ("xn--fa-hia.de", "fa\u{df}.de"),
        ("xn--nxasmm1c.com", "\u{3b2}\u{3cc}\u{3bb}\u{3bf}\u{3c2}.com"),
        ("\u{4f8b}\u{3048}\u{3002}\u{30c6}\u{30b9}\u{30c8}", "\u{4f8b}\u{3048}.\u{30c6}\u{30b9}\u{30c8}"),
        ("\u{ff45}xample", "example"),
        ("\u{5d0}\u{5d1}1.example", "\u{5d0}\u{5d1}1.example"),
        ("[2001:DB8:0::1]", "[2001:db8::1]"),
        ("192.0.2.1", "192.0.2.1"),
    ];
    for (text, expected) in cases {
        assert_eq!(domain(text).ok().as_deref(), Some(expected), "{text:?}");
        assert_eq!(domain(expected).ok().as_deref(), Some(expected), "{expected:?}");
    }
    assert_eq!(domain_to_ascii("b\u{fc}cher.example").as_deref(), Some("xn--bcher-kva.example"));
    assert_eq!(domain_to_ascii("a.example").as_deref(), Some("a.example"));
    assert!(is_ip_address("[::1]") && is_ip_address("192.0.2.1") && !is_ip_address("1.example"));
}

#[test]
fn texts_that_are_no_domains() {
    let long_label = format!("{}.example", "\u{fc}".repeat(60));
    let bad = [
        "xn--a",
        // Not what Punycode makes of it, and what needs no Punycode.
        "xn--bcher-KVA0.example",
        "xn--example-",
        "\u{2665}.example",
        "xn--g6h.example",
        "\u{301}a.example",
        "a\u{200d}b.example",
        "a\u{b7}b.example",
        "\u{5d0}a.example",
        "ab--c.example",
        "-a.example",
        "a..example",
        "a_b.example",
        "*.example",
        "a b",
        "\u{3164}.example",
        "[::1",
        "[127.0.0.1]",
        "",
        ".",
        &long_label,
        &"a".repeat(10_000),
    ];
    for text in bad {
        assert!(domain(text).is_err(), "{text:?}");
    }
}

/// What comes out of any character is the same when it comes in again, and so is what older software makes of it.
#[test]
fn what_is_prepared_stays_as_it_is() {
    for c in '\u{80}'..'\u{11000}' {
        for text in [format!("a{c}\u{301}"), format!("\u{5d0}{c}")] {
            let once = prepared(&text);
            assert_eq!(once.as_deref().map(prepared), once.clone().map(Some), "local {text:?}");
            if let Some(older) = once.as_deref().and_then(super::rfc6122_local).as_deref().and_then(prepared)
            {
                assert_eq!(super::rfc6122_local(&older), None, "as older software has it {text:?}");
            }
            let once = domain(&text).ok();
            let again = once.as_deref().map(|once| domain(once).ok());
            assert_eq!(again, once.clone().map(Some), "domain {text:?}");
            if let Some(name) = once.as_deref() {
                let ascii = domain_to_ascii(name).unwrap();
                assert_eq!(domain(&ascii).ok().as_deref(), Some(name), "domain {text:?}");
            }
        }
        let text = c.to_string();
        let once = opaque(&text);
        assert_eq!(once.as_deref().map(opaque), once.clone().map(Some), "resource {text:?}");
    }
}
