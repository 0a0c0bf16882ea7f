//! Entity Time ([XEP-0202](https://xmpp.org/extensions/xep-0202.html)).
//!
//! The server keeps its time in UTC. No settings.

use waxwing_plugin::prelude::*;

plugin! {
    /// Tells the time.
    pub struct Time;
    hooks: [Process],
    features: ["urn:xmpp:time"],
    interests: [iq_get("{urn:xmpp:time}time").at(SERVER)],
}

impl Process for Time {
    fn on_process(&self, _: &Event, _: &Stanza) -> Result {
        let utc = datetime(runtime::now());
        Ok(Verdict::reply(xml!("<time xmlns='urn:xmpp:time'><tzo>+00:00</tzo><utc>{}</utc></time>", utc)))
    }
}
