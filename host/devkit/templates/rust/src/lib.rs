//! Greets whoever asks, and knows whom it has greeted before.

use waxwing_plugin::prelude::*;

plugin! {
    /// Answers `<greet xmlns='urn:example:{{name}}'/>`.
    pub struct Greeter {
        /// What to say: the setting `greeting`.
        greeting: String = "Hello".into(),
    }
    hooks: [Process],
    features: ["urn:example:{{name}}"],
    // Which stanzas the plugin wants to see.
    interests: [iq_get("{urn:example:{{name}}}greet").at(SERVER)],
}

impl Process for Greeter {
    fn on_process(&self, event: &Event, _stanza: &Stanza) -> Result {
        let greeted = storage::open_table("greeted")?;
        let again = if greeted.get(event.sender_bare(), "greeted")?.is_some() { " again" } else { "" };
        greeted.set_text(event.sender_bare(), "greeted", "yes")?;
        let name = local(event.sender()).unwrap_or_default();
        let greeting = format!("{}{again}, {name}!", self.greeting);
        Ok(Verdict::reply(xml!("<greet xmlns='urn:example:{{name}}'>{}</greet>", greeting)))
    }
}
