//! Traps when it is asked what it is.

use waxwing_plugin::prelude::*;

plugin! {
    /// Never says what it is.
    pub struct DescribeTraps;
    hooks: [Pre],
    interests: [refuse()],
}

fn refuse() -> Interest {
    panic!("I will not say")
}

impl Pre for DescribeTraps {
    fn on_pre(&self, _: &Event, _: &Stanza) -> Result {
        Ok(Verdict::Next)
    }
}
