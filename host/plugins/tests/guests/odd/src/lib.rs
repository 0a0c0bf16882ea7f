//! Declares an interest in a stage without having its hook.

use waxwing_plugin::prelude::*;

plugin! {
    /// Wants messages in stage `post`, but has no hook for them.
    pub struct Odd;
    hooks: [Pre],
    interests: [messages(Stage::Post, &[])],
}

impl Pre for Odd {
    fn on_pre(&self, _: &Event, _: &Stanza) -> Result {
        Ok(Verdict::Next)
    }
}
