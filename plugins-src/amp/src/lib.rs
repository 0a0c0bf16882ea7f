//! Advanced Message Processing ([XEP-0079](https://xmpp.org/extensions/xep-0079.html)).
//!
//! A message may carry rules: what is to become of it if it would be delivered, stored or lost, go to another
//! resource, or come too late. `docs/amp.md` says what was decided where the XEP leaves something open.
//!
//! Settings: `amp-security-level` (default `STRICT`), who may be told what has become of a message;
//! `store-limit` (default 100), how many messages of one sender to one recipient the action `store` may keep.

mod answers;
mod expiry;
mod letter;
mod rules;

use letter::{Letter, NS};
use rules::{Fate, Flaw, Rule};
use waxwing_plugin::{SettingValue, prelude::*};

const AMP: &str = "{http://jabber.org/protocol/amp}amp";
const DISCO: &str = "{http://jabber.org/protocol/disco#info}query[node='http://jabber.org/protocol/amp']";

plugin! {
    /// Does with messages what their senders' rules say.
    pub struct Amp {
        /// Who may be told what has become of a message.
        amp_security_level: Security = Security::Strict,
        /// How many messages of one sender to one recipient the action `store` may keep; 0 is no limit.
        store_limit: u64 = 100,
    }
    hooks: [Pre, Post, Process, Alarms],
    features: [NS],
    stream_features: [after_login("<amp xmlns='http://jabber.org/features/amp'/>")],
    interests: [
        // Before all that copies or stores messages.
        messages(Stage::Pre, &["chat", "groupchat", "headline", "normal"]).with(AMP).order(-10),
        messages(Stage::Post, &["chat", "normal"]).with(AMP).order(-10),
        iq_get(DISCO).at(SERVER),
    ],
    serial: Serial::ByRecipient,
}

/// The setting `amp-security-level`.
#[derive(Clone, Copy, PartialEq)]
enum Security {
    /// Who sees the recipient's presence.
    Strict,
    /// Nobody: no roster is looked at.
    Performance,
    /// Everybody.
    None,
}

impl SettingValue for Security {
    fn read(values: &[String]) -> Result<Self, &'static str> {
        match values.iter().map(|value| value.to_ascii_uppercase()).collect::<String>().as_str() {
            "STRICT" => Ok(Security::Strict),
            "PERFORMANCE" => Ok(Security::Performance),
            "NONE" => Ok(Security::None),
            _ => Err("'STRICT', 'PERFORMANCE' or 'NONE'"),
        }
    }
}

impl Pre for Amp {
    fn on_pre(&self, event: &Event, stanza: &Stanza) -> Result {
        let message = stanza.to_xml();
        let Some(letter) = Letter::read(&message).filter(|letter| !letter.is_report) else {
            return Ok(Verdict::Next);
        };
        if letter.id.is_empty() {
            return Err(Condition::BadRequest.text("A message with rules must have an id"));
        }
        let refuse = |flaw, rules: &[&Rule], why| answers::refuse(&letter, &event.vhost, flaw, rules, why);
        if let Some((flaw, rules)) = rules::flawed(&letter.rules) {
            return refuse(flaw, &rules, "There are rules that this server does not know");
        }
        let (here, to) = (domain(event.to()), event.to());
        let is_service = here.split_once('.').is_some_and(|(_, parent)| runtime::has_feature(parent, NS));
        let fate = match runtime::has_feature(here, NS) {
            true if local(to).is_some() => match self.forbidden(event, &letter).as_slice() {
                [] => prospect(event),
                rules => return refuse(Flaw::Invalid, rules, "Subscription between users not valid"),
            },
            // The server itself, and what it hosts.
            at_server if at_server || is_service => Some(Fate::Direct(vec![to.into()])),
            // Section 2.2.4: there the rules would be ignored.
            _ => {
                return Err(
                    Condition::ServiceUnavailable.text("The recipient's server is not known to heed rules")
                );
            }
        };
        let stamped = letter.stamped(&message).ok_or(Condition::InternalServerError)?;
        match fate.map(|fate| self.act(event, &letter, &fate, &stamped)).transpose()?.flatten() {
            Some(verdict) => Ok(verdict),
            None => Ok(Verdict::Replace(stamped)),
        }
    }
}

impl Post for Amp {
    fn on_post(&self, event: &Event, stanza: &Stanza) -> Result {
        let message = stanza.to_xml();
        let Some(letter) = Letter::read(&message).filter(|letter| !letter.is_report) else {
            return Ok(Verdict::Next);
        };
        let stored = offline_storage(&event.vhost) && stanza.has_any(&KEPT) && !stanza.has_any(&NEVER_KEPT);
        let fate = if stored { Fate::Stored } else { Fate::Lost };
        if let Some(verdict) = self.act(event, &letter, &fate, &message)? {
            return Ok(verdict);
        }
        if stored {
            expiry::watch(event, &letter)?;
        }
        Ok(Verdict::Next)
    }
}

impl Process for Amp {
    fn on_process(&self, _: &Event, _: &Stanza) -> Result {
        Ok(Verdict::reply(answers::abilities()))
    }
}

impl Alarms for Amp {
    fn on_alarm(&self, owner: &str, sender: &str, _: u64, _: &[u8]) -> Result<()> {
        expiry::ring(owner, sender)
    }
}

impl Amp {
    /// The rules that would tell the sender about the presence of somebody who does not show it (section 9).
    fn forbidden<'a>(&self, event: &Event, letter: &'a Letter) -> Vec<&'a Rule> {
        use accounts::Subscription::{Both, From};
        let (owner, sender) = (event.account(), event.sender_bare());
        let telling: Vec<&Rule> = letter.rules.iter().filter(|rule| rule.tells()).collect();
        let may_know = telling.is_empty()
            || owner == sender
            || match self.amp_security_level {
                Security::Strict => matches!(accounts::subscription_of(owner, sender), From | Both),
                Security::Performance => false,
                Security::None => true,
            };
        if may_know { Vec::new() } else { telling }
    }

    /// Carry out the rule that counts. `None` if the message goes on as if there were none.
    fn act(&self, event: &Event, letter: &Letter, fate: &Fate, message: &str) -> Result<Option<Verdict>> {
        let met = rules::first_met(&letter.rules, letter.per_hop, event.received, event.to(), fate);
        let Some(rule) = met else { return Ok(None) };
        answers::tell(letter, &event.vhost, rule)?;
        if rule.continues() || rule.action == "store" && !self.store(event, letter, message)? {
            return Ok(None);
        }
        Ok(Some(Verdict::Drop))
    }

    /// Keep a message for later even if the recipient is there; `false` if there is no place for it.
    fn store(&self, event: &Event, letter: &Letter, message: &str) -> Result<bool> {
        let (owner, sender) = (event.account(), event.sender_bare());
        let storable = matches!(event.message_type(), "chat" | "normal") && local(owner).is_some();
        if !storable || !offline_storage(domain(owner)) || !accounts::exists(owner) {
            return Ok(false);
        }
        let kept = expiry::kept()?;
        if self.store_limit > 0 && kept.count(owner, Some(sender))? >= self.store_limit {
            return Err(Condition::ServiceUnavailable.text("Offline messages queue is full"));
        }
        let delay = xml!(
            "<delay xmlns='urn:xmpp:delay' from='{}' stamp='{}'>Offline Storage</delay></message>",
            domain(owner),
            datetime(event.received),
        );
        let message = message.strip_suffix("</message>").ok_or(Condition::InternalServerError)?;
        kept.append(owner, event.received, Some(sender), (message.to_owned() + &delay).as_bytes(), None)?;
        expiry::watch(event, letter)?;
        Ok(true)
    }
}

/// Whether messages to those who are away are kept.
fn offline_storage(vhost: &str) -> bool {
    runtime::has_feature(vhost, "msgoffline")
}

/// What `msgoffline` keeps unless it is told otherwise, and what it never does.
const KEPT: [&str; 11] = [
    "body",
    "subject",
    "{urn:xmpp:hints}store",
    "{urn:xmpp:receipts}received",
    "{urn:xmpp:omemo:2}encrypted",
    "{eu.siacs.conversations.axolotl}encrypted",
    "{urn:xmpp:openpgp:0}openpgp",
    "{jabber:x:encrypted}x",
    "{jabber:x:conference}x",
    "{http://jabber.org/protocol/muc#user}x/invite",
    "{http://jabber.org/protocol/pubsub#event}event/*",
];
const NEVER_KEPT: [&str; 3] =
    ["{urn:xmpp:hints}no-store", "{urn:xmpp:carbons:2}sent", "{urn:xmpp:carbons:2}received"];

/// What the server is about to do with a message to an account (RFC 6121, section 8.5). `None` if nobody is
/// there to take it: then `post` is asked.
fn prospect(event: &Event) -> Option<Fate> {
    let (to, kind) = (event.to(), event.message_type());
    let sessions = router::sessions(event.account());
    if sessions.iter().any(|session| session.jid == to) {
        return Some(Fate::Direct(vec![to.into()]));
    }
    // Only chat goes to other sessions than the one that is meant, and a room's messages to none.
    if kind == "groupchat" || resource(to).is_some() && kind != "chat" {
        return Some(Fate::Lost);
    }
    let receivers = sessions.into_iter().filter(|session| session.available && session.priority >= 0);
    let receivers: Vec<String> = receivers.map(|session| session.jid).collect();
    match receivers.as_slice() {
        [] if kind == "headline" || !accounts::exists(event.account()) => Some(Fate::Lost),
        [] => None,
        _ => Some(Fate::Direct(receivers)),
    }
}
