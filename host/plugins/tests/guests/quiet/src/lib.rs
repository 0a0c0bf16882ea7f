//! Is shown everything and says nothing: what is left is the price of asking. Of a headline it reads two headers and
//! two pieces of its content.

use waxwing_plugin::prelude::*;

plugin! {
    /// Lets everything pass.
    pub struct Quiet;
    hooks: [Pre, Process, Post, Filter, Sessions],
    interests: [
        messages(Stage::Pre, &["chat"]),
        messages(Stage::Pre, &["headline"]),
        iq_get("{urn:test}next").at(SERVER),
        messages(Stage::Post, &["chat"]),
        messages(Stage::Filter, &["chat"]),
    ],
    session_events: BOUND | AVAILABLE,
}

impl Pre for Quiet {
    fn on_pre(&self, event: &Event, stanza: &Stanza) -> Result {
        let drop = match event.message_type() {
            "headline" => stanza.has("{urn:test}a") && stanza.has("{urn:test}b"),
            _ => event.sender() == event.account(),
        };
        Ok(if drop { Verdict::Drop } else { Verdict::Next })
    }
}

impl Process for Quiet {
    fn on_process(&self, _: &Event, _: &Stanza) -> Result {
        Ok(Verdict::reply(""))
    }
}

impl Post for Quiet {
    fn on_post(&self, _: &Event, _: &Stanza) -> Result {
        Ok(Verdict::Next)
    }
}

impl Filter for Quiet {
    fn on_filter(&self, _: &str, _: &Event, _: &Stanza) -> Result {
        Ok(Verdict::Next)
    }
}

impl Sessions for Quiet {
    fn on_session(&self, _: &str, _: Change) -> Result<Flow> {
        Ok(Flow::Done)
    }
}
