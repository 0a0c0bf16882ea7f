//! What is worth keeping, unless `msg-store-offline-paths` says otherwise.
//!
//! Messages of types `chat` and `normal` (XEP-0160, section 3) that carry something. A `<store/>` hint counts as
//! something, a `<no-store/>` hint forbids it (XEP-0334), and copies of messages (XEP-0280) are not kept. So lone
//! chat states are not.

/// Whether a message of this type with these children, each `{namespace}name`, is worth keeping. `has` says
/// whether there is an element at a path.
pub fn is_worth_it(kind: &str, children: &[String], has: impl Fn(&str) -> bool) -> bool {
    let is_in = |names: &[&str], child: &str| names.contains(&child);
    matches!(kind, "chat" | "normal")
        && !children.iter().any(|child| is_in(&FORBIDS, child))
        && children.iter().any(|child| is_in(&COUNTS, child) || is_full(child, &has))
}

/// Whether this is a container with something of worth in it: a pubsub event, a header, an invitation to a room.
fn is_full(child: &str, has: &impl Fn(&str) -> bool) -> bool {
    match child.rsplit_once('}') {
        Some((_, "event" | "header")) => has(&format!("{child}/*")),
        Some(("{http://jabber.org/protocol/muc#user", "x")) => has(&format!("{child}/invite")),
        _ => false,
    }
}

const FORBIDS: [&str; 3] =
    ["{urn:xmpp:hints}no-store", "{urn:xmpp:carbons:2}sent", "{urn:xmpp:carbons:2}received"];

const COUNTS: [&str; 9] = [
    "{jabber:client}body",
    "{jabber:client}subject",
    "{urn:xmpp:hints}store",
    "{urn:xmpp:receipts}received",
    "{urn:xmpp:omemo:2}encrypted",
    "{eu.siacs.conversations.axolotl}encrypted",
    "{urn:xmpp:openpgp:0}openpgp",
    "{jabber:x:encrypted}x",
    "{jabber:x:conference}x",
];

#[cfg(test)]
mod tests {
    use super::is_worth_it;

    fn kept(kind: &str, children: &[&str], paths: &[&str]) -> bool {
        let children: Vec<String> = children.iter().map(|child| (*child).into()).collect();
        is_worth_it(kind, &children, |path| paths.contains(&path))
    }

    #[test]
    fn what_says_something() {
        for child in ["{jabber:client}body", "{urn:xmpp:receipts}received", "{urn:xmpp:hints}store"] {
            assert!(kept("chat", &["{urn:x}y", child], &[]), "{child}");
            assert!(kept("normal", &[child], &[]), "{child}");
            assert!(!kept("headline", &[child], &[]) && !kept("groupchat", &[child], &[]), "{child}");
        }
        for child in ["{http://jabber.org/protocol/chatstates}active", "{urn:x}body", "body"] {
            assert!(!kept("chat", &[child], &[]), "{child}");
        }
        assert!(!kept("chat", &[], &[]));
    }

    #[test]
    fn what_is_forbidden() {
        for child in ["{urn:xmpp:hints}no-store", "{urn:xmpp:carbons:2}received"] {
            assert!(!kept("chat", &["{jabber:client}body", "{urn:xmpp:hints}store", child], &[]), "{child}");
        }
        assert!(kept("chat", &["{jabber:client}body", "{urn:xmpp:hints}no-permanent-store"], &[]));
    }

    #[test]
    fn containers_with_something_inside() {
        let event = "{http://jabber.org/protocol/pubsub#event}event";
        assert!(kept("normal", &[event], &[&format!("{event}/*")]));
        assert!(!kept("normal", &[event], &[]));
        let room = "{http://jabber.org/protocol/muc#user}x";
        assert!(kept("normal", &[room], &[&format!("{room}/invite")]));
        assert!(!kept("normal", &[room], &[&format!("{room}/*")]));
    }
}
