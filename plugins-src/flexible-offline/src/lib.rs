//! Flexible Offline Message Retrieval ([XEP-0013](https://xmpp.org/extensions/xep-0013.html)).
//!
//! A client asks how many messages wait for its account, and who sent them; it gets those that it chooses and
//! removes them when it has done with them. Nobody else may. What it looks through is the log `shared/offline` of
//! the plugin `msgoffline`, which delivers nothing unasked to an account that does this. No settings.

mod list;
mod work;

use waxwing_plugin::prelude::*;

const NS: &str = "http://jabber.org/protocol/offline";
const OFFLINE: &str = "{http://jabber.org/protocol/offline}offline";
const INFO: &str = "{http://jabber.org/protocol/disco#info}query";
const ITEMS: &str = "{http://jabber.org/protocol/disco#items}query";
/// The log of messages.
const QUEUE: &str = "shared/offline";

plugin! {
    /// Lets clients choose which offline messages to get.
    pub struct FlexibleOffline;
    hooks: [Process, Alarms],
    features: [NS],
    interests: [
        iq_get(INFO).at(OWN_ACCOUNT | OTHER_ACCOUNT),
        iq_get(ITEMS).at(OWN_ACCOUNT | OTHER_ACCOUNT),
        iq(OFFLINE).at(OWN_ACCOUNT | OTHER_ACCOUNT | STRANGER),
    ],
    any_sender: true,
}

impl Process for FlexibleOffline {
    fn on_process(&self, event: &Event, stanza: &Stanza) -> Result {
        let is_about = |query: &str| stanza.attribute(query, "node").as_deref() == Some(NS);
        let (info, items) = (is_about(INFO), is_about(ITEMS));
        if !info && !items && !stanza.has(OFFLINE) {
            return Ok(Verdict::Next);
        }
        let account = event.account();
        if account != event.sender_bare() {
            return Err(Condition::Forbidden.into());
        }
        match (info, items) {
            (true, _) => list::info(account),
            (_, true) => list::items(account),
            _ if event.is_get() => work::get(event, stanza),
            _ => work::set(event, stanza),
        }
    }
}

impl Alarms for FlexibleOffline {
    fn on_alarm(&self, owner: &str, name: &str, due: u64, data: &[u8]) -> Result<()> {
        work::go_on(owner, name, due, data)
    }
}

/// What a message is called: as texts, the names are in the order of arrival.
fn node(id: u64) -> String {
    format!("{id:020}")
}
