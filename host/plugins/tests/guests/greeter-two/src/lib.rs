//! The second version of `greeter`: it counts whom it has greeted, and so asks for storage.

use waxwing_plugin::prelude::*;

plugin! {
    /// Greets whoever asks, and counts.
    pub struct Greeter {
        /// What to say.
        greeting: String = "Hello".into(),
    }
    hooks: [Process],
    name: "greeter",
    features: ["urn:test:greeter", "urn:test:greeter:2"],
    interests: [iq_get("{urn:test:greeter}greet").at(SERVER)],
}

impl Process for Greeter {
    fn on_process(&self, event: &Event, _: &Stanza) -> Result {
        let (owner, counts) = (event.sender_bare(), storage::open_table("counts")?);
        let count = counts.get_text(owner, "n")?.and_then(|n| n.parse::<u32>().ok()).unwrap_or(0) + 1;
        counts.set_text(owner, "n", &count.to_string())?;
        Ok(Verdict::reply(xml!("<greet xmlns='urn:test:greeter'>{} {}</greet>", self.greeting, count)))
    }
}
