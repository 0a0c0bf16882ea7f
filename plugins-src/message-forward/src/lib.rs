//! Message forwarding: an address gets a copy of every message that a domain's users send and receive.
//!
//! The address is the virtual host's setting `message-forward`, or else the setting `message-global-forward`. A copy
//! is from the user whose domain it is, and `<forward xmlns='http://tigase.org/protocol/forward#v1'/>` in it says from
//! whom and to whom the message was. `docs/vhosts.md` has more.

use waxwing_plugin::prelude::*;

plugin! {
    /// Sends an address a copy of every message of a domain's users.
    pub struct MessageForward {
        /// The address for domains that have none of their own; empty for none.
        message_global_forward: String = String::new(),
    }
    hooks: [Pre],
    // After those that change or refuse it.
    interests: [messages(Stage::Pre, &["chat", "groupchat", "headline", "normal"]).order(1000)],
}

const NS: &str = "http://tigase.org/protocol/forward#v1";

impl Pre for MessageForward {
    fn on_pre(&self, event: &Event, stanza: &Stanza) -> Result {
        // A copy of a copy would have another, without end.
        if stanza.has("body") && !stanza.has(&format!("{{{NS}}}forward")) {
            self.forward(event, stanza, event.sender());
            if event.account() != event.sender_bare() && !router::sessions(event.account()).is_empty() {
                self.forward(event, stanza, event.to());
            }
        }
        Ok(Verdict::Next)
    }
}

impl MessageForward {
    /// Send a copy for one of the two, unless the address is one of them.
    fn forward(&self, event: &Event, stanza: &Stanza, user: &str) {
        let own = runtime::vhost_setting(domain(user), "message-forward").filter(|own| !own.is_empty());
        let general = || runtime::prepare_address(&self.message_global_forward).unwrap_or_else(|| self.message_global_forward.clone());
        let address = own.unwrap_or_else(general);
        let is_address = |party: &str| bare(party) == bare(&address);
        if address.is_empty() || is_address(event.sender()) || is_address(event.to()) {
            return;
        }
        if let Err(error) = router::send(&copy(event, stanza, user, &address)) {
            // The message goes its way even so.
            runtime::log(
                runtime::Level::Warn,
                &format!("a message was not forwarded to '{address}': {error}"),
            );
        }
    }
}

/// The message once more. An error that it may lead to must not look like one of the message itself, so that it has
/// no id of its own.
fn copy(event: &Event, stanza: &Stanza, user: &str, address: &str) -> String {
    let names = stanza.children("");
    let child = |(at, name): (usize, &String)| {
        let number = names[..=at].iter().filter(|it| *it == name).count();
        stanza.child(&format!("{name}[{number}]"))
    };
    xml!(
        "<message xmlns='jabber:client' from='{}' to='{}' type='{}'>{}<forward xmlns='{}' from='{}' to='{}'/></message>",
        user,
        address,
        event.message_type(),
        raw(&names.iter().enumerate().filter_map(child).collect::<String>()),
        NS,
        event.sender(),
        event.to(),
    )
}
