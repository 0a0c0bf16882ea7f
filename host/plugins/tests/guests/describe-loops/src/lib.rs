//! Never comes back when it is asked what it is.

use std::hint::black_box;
use waxwing_plugin::prelude::*;

plugin! {
    /// Takes for ever to say what it is.
    pub struct DescribeLoops;
    hooks: [Pre],
    interests: [think()],
}

fn think() -> Interest {
    while black_box(true) {}
    messages(Stage::Pre, &[])
}

impl Pre for DescribeLoops {
    fn on_pre(&self, _: &Event, _: &Stanza) -> Result {
        Ok(Verdict::Next)
    }
}
