//! XMPP Ping ([XEP-0199](https://xmpp.org/extensions/xep-0199.html)).
//!
//! The server answers for itself and for accounts; sessions answer for themselves. No settings.

use waxwing_plugin::prelude::*;

plugin! {
    /// Says that somebody is there.
    pub struct Ping;
    hooks: [Process],
    features: ["urn:xmpp:ping"],
    account_features: ["urn:xmpp:ping"],
    interests: [iq_get("{urn:xmpp:ping}ping").at(SERVER | OWN_ACCOUNT | OTHER_ACCOUNT)],
}

impl Process for Ping {
    fn on_process(&self, _: &Event, _: &Stanza) -> Result {
        Ok(Verdict::reply(""))
    }
}
