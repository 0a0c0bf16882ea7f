//! Offline messages ([XEP-0160](https://xmpp.org/extensions/xep-0160.html)).
//!
//! A message that nobody is there to read is kept if `msg-store-offline-paths` or the rules in `keep` say so,
//! and the sender has not too many of them waiting for this account already. What is kept is written to the
//! first session that becomes available with a priority of 0 or more, oldest first, each with the time of its
//! arrival (XEP-0203). Nothing is deleted before it is written. Of what is not kept, the sender hears that it
//! could not be delivered. `docs/offline.md` has the settings and what was decided.
//!
//! The log `shared/offline` is shared with plugins that know more of offline messages, such as
//! `flexible-offline`. Its owner is the recipient, the tag of an entry the bare JID of the sender, its value
//! the stanza as it will be delivered.

mod keep;
mod limit;
mod matcher;
mod moving;
mod settings;

use matcher::Matchers;
use settings::{Expiry, QuotaExceeded};
use waxwing_plugin::prelude::*;

const QUEUE: &str = "shared/offline";
/// Messages that one call delivers.
const PAGE: u32 = 100;

plugin! {
    /// Keeps messages for accounts with nobody online.
    pub struct Msgoffline {
        /// How many messages of one sender are kept for one account; 0 is no limit.
        store_limit: u64 = 100,
        /// Whether users may have a limit of their own.
        user_store_limit_enable: bool = false,
        /// What becomes of a message beyond the limit.
        quota_exceeded: QuotaExceeded = QuotaExceeded::Error,
        /// Which messages are kept and which are not, before the usual rules are asked.
        msg_store_offline_paths: Matchers = Matchers::default(),
        /// How long a message is kept.
        expire_after: Expiry = Expiry::default(),
    }
    hooks: [Post, Process, Sessions, Portable],
    features: ["msgoffline"],
    marks: ["by-hand"],
    interests: [
        // The usual rules keep none of the last two, but a matcher may.
        messages(Stage::Post, &["chat", "normal", "headline", "groupchat"]),
        iq(limit::QUERY).at(OWN_ACCOUNT),
        // Before the plugin that answers.
        iq_get(INFO).at(OWN_ACCOUNT).order(-10),
        iq_get(ITEMS).at(OWN_ACCOUNT).order(-10),
        iq_get(OFFLINE).at(OWN_ACCOUNT).order(-10),
    ],
    session_events: AVAILABLE | PRIORITY,
    portable: ["{urn:xmpp:pie:0}offline-messages/*"],
    any_sender: true,
}

impl Post for Msgoffline {
    fn on_post(&self, event: &Event, stanza: &Stanza) -> Result {
        let children = stanza.children("");
        let usual = || keep::is_worth_it(event.message_type(), &children, |path| stanza.has(path));
        if !self.msg_store_offline_paths.decide(stanza, &children).unwrap_or_else(usual) {
            return Ok(Verdict::Next);
        }
        let (account, sender) = (event.account(), event.sender_bare());
        let queue = storage::open_log(QUEUE)?;
        // Of what was accepted for somebody who then went, the sender is not told otherwise.
        if !runtime::is_accepted()
            && let Some(limit) = self.limit(account)?
            && queue.count(account, Some(sender))? >= limit
        {
            return self.quota_exceeded.verdict();
        }
        let expires = self.expire_after.of(event.received);
        queue.append(account, event.received, Some(sender), stamped(event, stanza).as_bytes(), expires)?;
        Ok(Verdict::Handled)
    }
}

/// The message with the time of its arrival.
fn stamped(event: &Event, stanza: &Stanza) -> String {
    stanza.to_xml_with(&stamp(&event.vhost, event.received))
}

fn stamp(vhost: &str, received: u64) -> String {
    xml!(
        "<delay xmlns='urn:xmpp:delay' from='{}' stamp='{}'>Offline Storage</delay>",
        vhost,
        datetime(received),
    )
}

impl Sessions for Msgoffline {
    fn on_session(&self, session: &str, change: Change) -> Result<Flow> {
        let (Change::Available(0..) | Change::Priority(0..)) = change else { return Ok(Flow::Done) };
        let account = bare(session);
        // While a session looks through them itself, none gets them unasked (XEP-0013, section 2.2).
        if router::sessions(account).iter().any(|session| !session.marks.is_empty()) {
            return Ok(Flow::Done);
        }
        let queue = storage::open_log(QUEUE)?;
        let page = queue.oldest(account, PAGE)?;
        let fits = |message: &&storage::Entry| {
            router::deliver(session, &message.text()) != Err(router::Error::TooMany)
        };
        let sent = page.iter().take_while(fits).count();
        let Some(last) = page[..sent].last() else { return Ok(Flow::Done) };
        queue.trim(account, last.id)?;
        Ok(if sent < PAGE as usize && sent == page.len() { Flow::Done } else { Flow::Again })
    }
}

impl Process for Msgoffline {
    fn on_process(&self, event: &Event, stanza: &Stanza) -> Result {
        if stanza.has(limit::QUERY) {
            return self.limit_iq(event, stanza);
        }
        let is_about = |query: &&str| stanza.attribute(query, "node").as_deref() == Some(FLEXIBLE);
        if (stanza.has(OFFLINE) || [INFO, ITEMS].iter().any(is_about))
            && runtime::has_feature(&event.vhost, FLEXIBLE)
        {
            marks::set(event.sender(), "by-hand", true)?;
        }
        Ok(Verdict::Next)
    }
}

/// XEP-0013, which another plugin implements, and the requests by which a session begins to use it.
const FLEXIBLE: &str = "http://jabber.org/protocol/offline";
const INFO: &str = "{http://jabber.org/protocol/disco#info}query";
const ITEMS: &str = "{http://jabber.org/protocol/disco#items}query";
const OFFLINE: &str = "{http://jabber.org/protocol/offline}offline";
