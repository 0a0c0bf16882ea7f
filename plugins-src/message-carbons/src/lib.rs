//! Message Carbons ([XEP-0280](https://xmpp.org/extensions/xep-0280.html)).
//!
//! A session that asks for it gets a copy of every message that its account sends or receives elsewhere.
//! Section 6.1 says which messages. No settings.

use waxwing_plugin::prelude::*;

plugin! {
    /// Copies conversations to all of a user's sessions that ask for it.
    pub struct MessageCarbons;
    hooks: [Process, Pre],
    features: ["urn:xmpp:carbons:2"],
    marks: ["on"],
    interests: [
        iq_set("{urn:xmpp:carbons:2}enable").at(OWN_ACCOUNT),
        iq_set("{urn:xmpp:carbons:2}disable").at(OWN_ACCOUNT),
        messages(Stage::Pre, &["chat", "normal", "error"]).marked("on", Party::SenderAccount),
        messages(Stage::Pre, &["chat", "normal", "error"]).marked("on", Party::RecipientAccount),
    ],
}

impl Process for MessageCarbons {
    fn on_process(&self, event: &Event, stanza: &Stanza) -> Result {
        marks::set(event.sender(), "on", stanza.has("{urn:xmpp:carbons:2}enable"))?;
        Ok(Verdict::reply(""))
    }
}

impl Pre for MessageCarbons {
    fn on_pre(&self, event: &Event, stanza: &Stanza) -> Result {
        let (sender, recipient) = (event.sender_bare(), event.account());
        let mut reached = originals(event);
        if is_for_copying(event, stanza, false) {
            reached.push(event.sender().into());
            copy(stanza, event, "sent", sender, &reached);
        }
        if sender != recipient && is_for_copying(event, stanza, true) {
            copy(stanza, event, "received", recipient, &reached);
        }
        Ok(Verdict::Next)
    }
}

/// The sessions that get the message itself (RFC 6121, section 8.5).
fn originals(event: &Event) -> Vec<String> {
    let there = router::sessions(event.account());
    if there.iter().any(|session| session.jid == event.to()) {
        return vec![event.to().into()];
    }
    let takes_part = |session: &router::Session| session.available && session.priority >= 0;
    there.into_iter().filter(takes_part).map(|session| session.jid).collect()
}

/// Section 6.1, for a copy of a sent or of a received message.
fn is_for_copying(event: &Event, stanza: &Stanza, received: bool) -> bool {
    let to_session = resource(event.to()).is_some();
    let invitation = stanza.has_any(&INVITATIONS);
    // A message from somebody in a room, which the room itself sends to every session that has joined.
    let from_room = received && to_session && stanza.has("{http://jabber.org/protocol/muc#user}x");
    if stanza.has_any(&NOT_COPIED) || from_room && !invitation {
        return false;
    }
    match event.message_type() {
        "chat" => true,
        // What comes back is in the error.
        kind => {
            (kind != "error" || received)
                && (invitation || stanza.has("body") || stanza.has_any(&CONVERSATION))
        }
    }
}

/// What the sender keeps to one session, and what is a copy already (`private`, `sent`, `received`).
const NOT_COPIED: [&str; 2] = ["{urn:xmpp:carbons:2}*", "{urn:xmpp:hints}no-copy"];
const INVITATIONS: [&str; 2] = ["{jabber:x:conference}x", "{http://jabber.org/protocol/muc#user}x/invite"];
const CONVERSATION: [&str; 3] =
    ["{urn:xmpp:receipts}*", "{http://jabber.org/protocol/chatstates}*", "{urn:xmpp:chat-markers:0}*"];

/// Send a copy to every session of the account that wants it and has not seen the message.
fn copy(stanza: &Stanza, event: &Event, direction: &str, account: &str, reached: &[String]) {
    let wants = |session: &router::Session| !session.marks.is_empty() && !reached.contains(&session.jid);
    for session in router::sessions(account).into_iter().filter(wants) {
        let copy = xml!(
            "<message xmlns='jabber:client' from='{}' to='{}' type='{}'><{} xmlns='urn:xmpp:carbons:2'>\
             <forwarded xmlns='urn:xmpp:forward:0'>{}</forwarded></{}></message>",
            account,
            session.jid,
            event.message_type(),
            raw(direction),
            raw(&stanza.to_xml()),
            raw(direction),
        );
        // The message goes on even if a copy of it cannot.
        let _ = router::deliver(&session.jid, &copy);
    }
}
