//! Declares more interests than anybody could have.

use waxwing_plugin::prelude::*;

plugin! {
    /// Is interested in everything, many times over.
    pub struct DescribeAbsurd;
    hooks: [Pre],
    interests: std::array::from_fn::<Interest, 5000, _>(|_| messages(Stage::Pre, &[])),
}

impl Pre for DescribeAbsurd {
    fn on_pre(&self, _: &Event, _: &Stanza) -> Result {
        Ok(Verdict::Next)
    }
}
