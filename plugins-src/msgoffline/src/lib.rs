//! Offline messages ([XEP-0160](https://xmpp.org/extensions/xep-0160.html)).
//!
//! Messages of types `chat` and `normal` that nobody is there to read are kept, and written to the first
//! session that becomes available with a priority of 0 or more, oldest first, each with the time of its
//! arrival (XEP-0203). Nothing is deleted before it is written.
//!
//! Kept is what carries something in [`WORTH_KEEPING`], a `<store/>` hint (XEP-0334) for one; so no lone chat
//! states. A `<no-store/>` hint forbids it, and copies of messages (XEP-0280) are not kept. Of what is not
//! kept, the sender hears that it could not be delivered.
//!
//! Setting: `store-limit` (default 1000), how many messages are kept for one account; 0 is no limit. Beyond
//! it the sender gets `service-unavailable`.

use waxwing_plugin::prelude::*;

plugin! {
    /// Keeps messages for accounts with nobody online.
    pub struct Msgoffline {
        /// How many messages are kept for one account; 0 is no limit.
        store_limit: u64 = 1000,
    }
    hooks: [Post, Sessions],
    features: ["msgoffline"],
    interests: [messages(Stage::Post, &["chat", "normal"])],
    session_events: AVAILABLE | PRIORITY,
}

impl Post for Msgoffline {
    fn on_post(&self, event: &Event, stanza: &Stanza) -> Result {
        if stanza.has_any(&NEVER_KEPT) || !stanza.has_any(&WORTH_KEEPING) {
            return Ok(Verdict::Next);
        }
        let queue = storage::open_log("offline")?;
        if self.store_limit > 0 && queue.count(event.account(), None)? >= self.store_limit {
            return Err(Condition::ServiceUnavailable.text("Offline messages queue is full"));
        }
        queue.push(event.account(), event.received, &stamped(event, stanza))?;
        Ok(Verdict::Handled)
    }
}

impl Sessions for Msgoffline {
    fn on_session(&self, session: &str, change: Change) -> Result<Flow> {
        let (Change::Available(0..) | Change::Priority(0..)) = change else { return Ok(Flow::Done) };
        let queue = storage::open_log("offline")?;
        let page = queue.oldest(bare(session), 100)?;
        let fits = |message: &&storage::Entry| {
            router::deliver(session, &message.text()) != Err(router::Error::TooMany)
        };
        let Some(last) = page.iter().take_while(fits).last() else { return Ok(Flow::Done) };
        queue.trim(bare(session), last.id)?;
        Ok(Flow::Again)
    }
}

const NEVER_KEPT: [&str; 3] =
    ["{urn:xmpp:hints}no-store", "{urn:xmpp:carbons:2}sent", "{urn:xmpp:carbons:2}received"];

const WORTH_KEEPING: [&str; 11] = [
    "{urn:xmpp:hints}store",
    "body",
    "subject",
    "{urn:xmpp:receipts}received",
    "{urn:xmpp:omemo:2}encrypted",
    "{eu.siacs.conversations.axolotl}encrypted",
    "{urn:xmpp:openpgp:0}openpgp",
    "{jabber:x:encrypted}x",
    "{jabber:x:conference}x",
    "{http://jabber.org/protocol/muc#user}x/invite",
    "{http://jabber.org/protocol/pubsub#event}event/*",
];

/// The message with the time of its arrival.
fn stamped(event: &Event, stanza: &Stanza) -> String {
    stanza.to_xml_with(&xml!(
        "<delay xmlns='urn:xmpp:delay' from='{}' stamp='{}'>Offline Storage</delay>",
        event.vhost,
        datetime(event.received),
    ))
}
