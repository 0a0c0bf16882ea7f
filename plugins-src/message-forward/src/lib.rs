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
    interests: [messages(Stage::Pre, &["chat", "error", "groupchat", "headline", "normal"]).order(1000)],
}

const NS: &str = "http://tigase.org/protocol/forward#v1";
const FORWARD: &str = "{http://tigase.org/protocol/forward#v1}forward";

impl Pre for MessageForward {
    /// Only what clients send comes here, and not the copies. What looks like one is forged.
    fn on_pre(&self, event: &Event, stanza: &Stanza) -> Result {
        if stanza.has("body") && event.message_type() != "error" {
            self.forward(event, stanza, event.sender());
            if event.account() != event.sender_bare() && !router::sessions(event.account()).is_empty() {
                self.forward(event, stanza, event.to());
            }
        }
        if stanza.has(FORWARD) {
            Ok(Verdict::Replace(rewritten(event, &content(stanza))))
        } else {
            Ok(Verdict::Next)
        }
    }
}

impl MessageForward {
    /// Send a copy for one of the two, unless the address is one of them.
    fn forward(&self, event: &Event, stanza: &Stanza, user: &str) {
        let own = runtime::vhost_setting(domain(user), "message-forward").filter(|own| !own.is_empty());
        let general = || {
            runtime::prepare_address(&self.message_global_forward)
                .unwrap_or_else(|| self.message_global_forward.clone())
        };
        let address = own.unwrap_or_else(general);
        let is_address = |party: &str| bare(party) == bare(&address);
        if address.is_empty() || is_address(event.sender()) || is_address(event.to()) {
            return;
        }
        if let Err(error) = router::send(&copy(event, &content(stanza), user, &address)) {
            // The message goes its way even so.
            runtime::log(
                runtime::Level::Warn,
                &format!("a message was not forwarded to '{address}': {error}"),
            );
        }
    }
}

/// What is in the message, without the element that only a copy has.
fn content(stanza: &Stanza) -> String {
    let names = stanza.children("");
    let child = |(at, name): (usize, &String)| {
        let number = names[..=at].iter().filter(|it| *it == name).count();
        stanza.child(&format!("{name}[{number}]")).filter(|_| name != FORWARD)
    };
    names.iter().enumerate().filter_map(child).collect()
}

/// The message with this content; its addresses stay.
fn rewritten(event: &Event, inner: &str) -> String {
    let header = &event.header;
    let attributes = [("type", &header.type_), ("id", &header.id), ("xml:lang", &header.lang)];
    let attribute =
        |(name, value): (&str, &Option<String>)| Some(format!(" {name}='{}'", escape(value.as_ref()?)));
    let attributes: String = attributes.into_iter().filter_map(attribute).collect();
    format!("<message xmlns='jabber:client'{attributes}>{inner}</message>")
}

/// The message once more. An error that it may lead to must not look like one of the message itself, so that it has
/// no id of its own.
fn copy(event: &Event, inner: &str, user: &str, address: &str) -> String {
    xml!(
        "<message xmlns='jabber:client' from='{}' to='{}' type='{}'>{}<forward xmlns='{}' from='{}' to='{}'/></message>",
        user,
        address,
        event.message_type(),
        raw(inner),
        NS,
        event.sender(),
        event.to(),
    )
}
