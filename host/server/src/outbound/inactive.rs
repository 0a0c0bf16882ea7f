//! What a client need not have at once: what nobody looks at (XEP-0352), and presence that an older queue is in the way of.
//!
//! It is a matter of the host and not of a plugin because it works on the session's outgoing queue: what is
//! held back must leave ahead of whatever goes at once, and a hook sees one stanza at a time.

use super::{Entry, Queue};
use waxwing_config::ClientState;
use waxwing_xmpp::{Kind, Stanza, Type, ns};

/// How much presence may be held back while nobody looks at the client.
#[derive(Clone, Copy)]
pub(super) struct Inactive {
    presences: usize,
    bytes: usize,
}

/// How much a stanza matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weight {
    /// It goes at once.
    Content,
    /// Only the last of its sender counts.
    Latest,
    /// It will be out of date when somebody looks.
    None,
}

impl Inactive {
    pub fn new(settings: &ClientState) -> Self {
        Self { presences: settings.presences as usize, bytes: settings.presence_bytes }
    }
}

impl Queue {
    /// Hold back or drop a stanza that need not go at once. Gives back what does; what its sender, or anybody, has said
    /// before is then ahead of it.
    pub(super) fn weigh(&mut self, entry: Entry) -> Option<Entry> {
        // A crowded queue must not grow by presence, which comes without its sender being slowed.
        let crowded = self.ready_bytes >= self.marks.crowded;
        match (weight(&entry.stanza), self.inactive) {
            (Weight::None, Some(_)) => {
                entry.settle();
                return None;
            }
            (Weight::Latest, inactive) if crowded || inactive.is_some() => {
                let from = entry.stanza.from.clone();
                let latest = self.latest.get_or_insert_default();
                if let Some(older) = from.and_then(|from| latest.take(&from)) {
                    older.settle();
                }
                let bytes = latest.bytes() + entry.stanza.wire_len();
                let fits = |most: Inactive| latest.len() < most.presences && bytes <= most.bytes;
                if crowded || inactive.is_some_and(fits) {
                    return latest.put(entry);
                }
            }
            _ => {}
        }
        if !crowded {
            self.flush();
        } else if let Some((latest, from)) = self.latest.as_mut().zip(entry.stanza.from.as_ref())
            && let Some(earlier) = latest.take(from)
        {
            self.make_ready(earlier);
        }
        Some(entry)
    }

    /// Let what is held back go ahead of what comes from now on.
    pub(super) fn flush(&mut self) {
        if let Some(latest) = self.latest.take() {
            latest.into_entries().for_each(|entry| self.make_ready(entry));
        }
    }
}

fn weight(stanza: &Stanza) -> Weight {
    match (stanza.kind(), stanza.ty()) {
        (Kind::Presence, Type::Available | Type::Unavailable) if stanza.from.is_some() => Weight::Latest,
        (Kind::Message, ty) if ty != Type::Error && is_chat_state(stanza) => Weight::None,
        _ => Weight::Content,
    }
}

/// Whether a message tells nothing but that somebody is typing, or is not (XEP-0085, section 5.5).
fn is_chat_state(stanza: &Stanza) -> bool {
    let mut state = false;
    for child in stanza.children() {
        match (child.ns(), child.name()) {
            (ns::CHAT_STATES, _) => state = true,
            (ns::CLIENT, "thread") | (ns::HINTS, _) => {}
            _ => return false,
        }
    }
    state
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weigh(xml: &str) -> Weight {
        weight(&Stanza::parse(xml).unwrap())
    }

    #[test]
    fn what_matters() {
        let state = "<composing xmlns='http://jabber.org/protocol/chatstates'/>";
        let hint = "<no-store xmlns='urn:xmpp:hints'/>";
        for (xml, expected) in [
            ("<presence from='a@b/c'/>".to_owned(), Weight::Latest),
            ("<presence from='a@b/c' type='unavailable'/>".to_owned(), Weight::Latest),
            ("<presence/>".to_owned(), Weight::Content),
            ("<presence from='a@b' type='subscribe'/>".to_owned(), Weight::Content),
            ("<presence from='a@b/c' type='error'/>".to_owned(), Weight::Content),
            (format!("<message type='chat'>{state}</message>"), Weight::None),
            (format!("<message type='groupchat'>{hint}{state}<thread>t</thread></message>"), Weight::None),
            (format!("<message type='error'>{state}</message>"), Weight::Content),
            (format!("<message>{state}<body>hello</body></message>"), Weight::Content),
            (format!("<message>{state}<received xmlns='urn:xmpp:receipts'/></message>"), Weight::Content),
            (format!("<message>{hint}</message>"), Weight::Content),
            ("<message/>".to_owned(), Weight::Content),
            ("<iq type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>".to_owned(), Weight::Content),
        ] {
            assert_eq!(weigh(&xml), expected, "{xml}");
        }
    }
}
