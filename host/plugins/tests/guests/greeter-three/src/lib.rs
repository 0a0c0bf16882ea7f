//! The third version of `greeter`, which nobody has tried out.

use waxwing_plugin::prelude::*;

plugin! {
    /// Does not greet anybody.
    pub struct Greeter {
        /// What to say.
        greeting: String = "Hello".into(),
    }
    hooks: [Process],
    name: "greeter",
    features: ["urn:test:greeter", "urn:test:greeter:3"],
    interests: [iq_get("{urn:test:greeter}greet").at(SERVER)],
}

impl Process for Greeter {
    fn on_process(&self, _: &Event, _: &Stanza) -> Result {
        panic!("{} is not what it should say", self.greeting)
    }
}
