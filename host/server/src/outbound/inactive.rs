//! What a client that nobody looks at need not have at once (XEP-0352).
//!
//! It is a matter of the host and not of a plugin because it works on the session's outgoing queue: what is
//! held back must leave ahead of whatever goes at once, and a hook sees one stanza at a time.

use super::{Entry, Queue};
use waxwing_config::ClientState;
use waxwing_xmpp::{Kind, Stanza, Type, ns};

/// What is held back, each contact's latest presence in the order in which they came.
pub(super) struct Inactive {
    presences: Vec<Entry>,
    bytes: usize,
    most: usize,
    most_bytes: usize,
}

/// How much a stanza matters to a client that nobody looks at.
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
        Self {
            presences: Vec::new(),
            bytes: 0,
            most: settings.presences as usize,
            most_bytes: settings.presence_bytes,
        }
    }

    /// Hold a presence back, in place of an older one of its sender. Gives it back if there is no room.
    fn hold(&mut self, entry: Entry) -> Option<Entry> {
        let from = entry.stanza.from.as_ref();
        if let Some(at) = self.presences.iter().position(|held| held.stanza.from.as_ref() == from) {
            let old = self.presences.remove(at);
            self.bytes -= old.stanza.wire_len();
            old.settle();
        }
        let bytes = entry.stanza.wire_len();
        if self.presences.len() >= self.most || self.bytes + bytes > self.most_bytes {
            return Some(entry);
        }
        self.bytes += bytes;
        self.presences.push(entry);
        None
    }

    pub fn take(&mut self) -> (Vec<Entry>, usize) {
        (std::mem::take(&mut self.presences), std::mem::take(&mut self.bytes))
    }
}

impl Queue {
    /// Hold back or drop a stanza that is not worth waking anybody for. Gives back what goes at once,
    /// which is after all that was held back so far.
    pub(super) fn weigh(&mut self, entry: Entry, limit: usize) -> Option<Entry> {
        let Some(inactive) = &mut self.inactive else { return Some(entry) };
        let back = match weight(&entry.stanza) {
            Weight::None => {
                entry.settle();
                None
            }
            Weight::Latest => inactive.hold(entry),
            Weight::Content => Some(entry),
        };
        // A queue that is full must not grow: the stanza will be back when there is room.
        if back.is_some() && self.ready_bytes < limit {
            self.flush();
        }
        back
    }

    /// Let what is held back go ahead of what comes from now on.
    pub(super) fn flush(&mut self) {
        if let Some(inactive) = &mut self.inactive {
            let (presences, bytes) = inactive.take();
            self.ready_bytes += bytes;
            for mut entry in presences {
                if self.managed.is_some() {
                    entry.stamp();
                }
                self.ready.push_back(entry);
            }
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
