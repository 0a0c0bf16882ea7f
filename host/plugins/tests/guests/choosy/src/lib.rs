//! Has something to do only where a setting is given, of the virtual host or its own. Calls do nothing: the tests count them.

use waxwing_plugin::prelude::*;

plugin! {
    /// Is called only where there is a choice.
    pub struct Choosy {
        /// Everywhere, then.
        everywhere: bool = false,
    }
    hooks: [Pre, Sessions],
    interests: [messages(Stage::Pre, &["chat"])],
    session_events: BOUND,
    only_where: ["choice", "everywhere"],
}

impl Pre for Choosy {
    fn on_pre(&self, _: &Event, _: &Stanza) -> Result {
        let _ = self.everywhere;
        Ok(Verdict::Next)
    }
}

impl Sessions for Choosy {
    fn on_session(&self, _: &str, _: Change) -> Result<Flow> {
        Ok(Flow::Done)
    }
}
