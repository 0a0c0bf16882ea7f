//! Reading matchers, and matching.

use super::{Matchers, Tree, matcher};
use waxwing_plugin::SettingValue;

/// Path and children of each element, and path, name and value of each attribute.
struct Message(
    &'static [(&'static str, &'static [&'static str])],
    &'static [(&'static str, &'static str, &'static str)],
);

impl Tree for Message {
    fn children(&self, path: &str) -> Vec<String> {
        let found = self.0.iter().find(|(of, _)| *of == path);
        found.map(|(_, children)| children.iter().map(|child| (*child).into()).collect()).unwrap_or_default()
    }

    fn attribute(&self, path: &str, name: &str) -> Option<String> {
        self.1.iter().find(|(of, key, _)| (*of, *key) == (path, name)).map(|(.., value)| (*value).into())
    }
}

fn decide(matchers: &[&str], message: &Message) -> Option<bool> {
    let texts: Vec<String> = matchers.iter().map(|text| (*text).into()).collect();
    Matchers::read(&texts).unwrap().decide(message, &message.children(""))
}

const RECEIPT: Message = Message(&[("", &["{jabber:client}thread", "{urn:xmpp:receipts}received"])], &[]);

#[test]
fn by_name_and_namespace() {
    assert_eq!(decide(&["/message/received[urn:xmpp:receipts]"], &RECEIPT), Some(true));
    assert_eq!(decide(&["/message/received[urn:xmpp:receipt]"], &RECEIPT), None);
    assert_eq!(decide(&["/message/received"], &RECEIPT), Some(true));
    assert_eq!(decide(&["-/message/received"], &RECEIPT), Some(false));
    assert_eq!(decide(&["+/message/*[urn:xmpp:receipts]"], &RECEIPT), Some(true));
    assert_eq!(decide(&["/message/*[urn:other]"], &RECEIPT), None);
    assert_eq!(decide(&["/message/received/*"], &RECEIPT), None);
    assert_eq!(decide(&["-/message"], &RECEIPT), Some(false));
    assert_eq!(decide(&[], &RECEIPT), None);
}

#[test]
fn the_first_that_matches_decides() {
    const BOTH: Message = Message(&[("", &["{urn:a}plain", "{urn:b}received"])], &[]);
    assert_eq!(decide(&["/message/received", "-/message/plain"], &BOTH), Some(true));
    assert_eq!(decide(&["-/message/plain", "/message/received"], &BOTH), Some(false));
    assert_eq!(decide(&["-/message/other", "/message/received"], &BOTH), Some(true));
}

#[test]
fn deeper_and_by_attributes() {
    const FORM: Message = Message(
        &[
            ("", &["{jabber:x:data}x", "{jabber:x:data}x"]),
            (
                "{jabber:x:data}x[2]",
                &["{jabber:x:data}title", "{jabber:x:data}field", "{jabber:x:data}field"],
            ),
        ],
        &[
            ("{jabber:x:data}x[2]", "type", "form"),
            ("{jabber:x:data}x[2]/{jabber:x:data}field[2]", "var", "a"),
        ],
    );
    assert_eq!(decide(&["/message/x[jabber:x:data,type=form]"], &FORM), Some(true));
    assert_eq!(decide(&["/message/x[type=submit]"], &FORM), None);
    assert_eq!(decide(&["/message/x/field[var=a]"], &FORM), Some(true));
    assert_eq!(decide(&["/message/x[jabber:x:data]/*[var=a,jabber:x:data]"], &FORM), Some(true));
    assert_eq!(decide(&["/message/x/field[var=b]"], &FORM), None);
}

#[test]
fn namespaces_have_slashes_commas_and_equals_signs() {
    let namespace = |text: &str| matcher(text).unwrap().steps.remove(0).namespace.unwrap();
    assert_eq!(
        namespace("/message/x[http://jabber.org/protocol/muc#user]/invite"),
        "http://jabber.org/protocol/muc#user"
    );
    assert_eq!(namespace("/message/x[tag:example.org,2005:x]"), "tag:example.org,2005:x");
    assert_eq!(namespace("/message/x[http://example.org/?a=b, type=c]"), "http://example.org/?a=b");
}

#[test]
fn nonsense_is_refused() {
    for text in [
        "",
        "-",
        "/",
        "message/x",
        "/message/",
        "/messages",
        "/iq/x",
        "/message//x",
        "/message/x[",
        "/message/x[]",
        "/message/x[urn:a]b",
        "/message/a b",
        "/message/x[urn:a,]",
        "--/message/x",
        "/message[type=chat]",
    ] {
        assert_eq!(matcher(text), None, "{text}");
    }
    assert!(Matchers::read(&["/message/x".into(), "x".into()]).is_err());
    assert!(Matchers::read(&[]).is_ok());
}
