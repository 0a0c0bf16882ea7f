//! Software Version ([XEP-0092](https://xmpp.org/extensions/xep-0092.html)).
//!
//! Setting: `show-os` (default true), whether to tell the operating system.

use waxwing_plugin::prelude::*;

plugin! {
    /// Tells what the server is.
    pub struct Version {
        /// Whether to tell the operating system.
        show_os: bool = true,
    }
    hooks: [Process],
    features: ["jabber:iq:version"],
    interests: [iq_get("{jabber:iq:version}query").at(SERVER)],
}

impl Process for Version {
    fn on_process(&self, _: &Event, _: &Stanza) -> Result {
        let software = runtime::about();
        let os = if self.show_os { xml!("<os>{}</os>", software.os) } else { String::new() };
        Ok(Verdict::reply(xml!(
            "<query xmlns='jabber:iq:version'><name>{}</name><version>{}</version>{}</query>",
            software.name,
            software.version,
            raw(&os),
        )))
    }
}
