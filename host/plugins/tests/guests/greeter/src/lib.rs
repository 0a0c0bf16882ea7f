//! The first version of a plugin that is installed and upgraded in tests.

use waxwing_plugin::prelude::*;

plugin! {
    /// Greets whoever asks.
    pub struct Greeter {
        /// What to say.
        greeting: String = "Hello".into(),
    }
    hooks: [Process],
    features: ["urn:test:greeter"],
    interests: [iq_get("{urn:test:greeter}greet").at(SERVER)],
}

impl Process for Greeter {
    fn on_process(&self, _: &Event, _: &Stanza) -> Result {
        Ok(Verdict::reply(xml!("<greet xmlns='urn:test:greeter'>{}</greet>", self.greeting)))
    }
}
