//! A bot, three commands and a note for each account: what a good plugin does with every hook that is not
//! about stanzas of others.

mod bot;
mod menu;

use waxwing_plugin::prelude::*;

const NOTE: &str = "{urn:test:kit}note";

plugin! {
    /// Does a little of everything.
    pub struct Kit;
    hooks: [Process, OnService, Commands, Alarms, Replies],
    interests: [iq(NOTE).at(OWN_ACCOUNT)],
    services: [service("bot", "component/bot", "The kit's <bot>").with_features(["urn:test:kit"])],
    commands: [
        command("hello", "Say hello").for_everybody(),
        command("wizard", "Two steps").for_everybody(),
        command("secret", "Not for everybody"),
    ],
}

/// Keeps a note for each account; an empty one is forgotten.
impl Process for Kit {
    fn on_process(&self, event: &Event, stanza: &Stanza) -> Result {
        let account = event.sender_bare();
        if event.is_get() {
            let note = account_data::get(account, "note")?.ok_or(Condition::ItemNotFound)?;
            let note = String::from_utf8_lossy(&note).into_owned();
            return Ok(Verdict::reply(xml!("<note xmlns='urn:test:kit'>{}</note>", note)));
        }
        let note = stanza.text(NOTE).filter(|note| !note.is_empty());
        account_data::set(account, "note", note.as_ref().map(|note| note.as_bytes()))?;
        Ok(Verdict::reply(""))
    }
}
