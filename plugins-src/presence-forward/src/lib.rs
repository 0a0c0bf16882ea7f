//! Presence forwarding: every change of a user's presence is told to one address more, such as a bot.
//!
//! The address is the virtual host's setting `presence-forward`, or else the setting `presence-global-forward`. It
//! gets what contacts get, from the full JID: what clients broadcast, and the end of a session whose connection was
//! lost. `docs/vhosts.md` has more.

use waxwing_plugin::prelude::*;

plugin! {
    /// Tells an address of every change of the presence of a domain's users.
    pub struct PresenceForward {
        /// The address for domains that have none of their own; empty for none.
        presence_global_forward: String = String::new(),
    }
    hooks: [Pre, Sessions],
    // On sessions that have said themselves that they are unavailable.
    marks: ["left"],
    session_events: UNAVAILABLE,
    only_where: ["presence-forward", "presence-global-forward"],
    // After those that change or refuse it.
    interests: [presence(Stage::Pre, &["", "unavailable"]).order(1000)],
}

impl Pre for PresenceForward {
    fn on_pre(&self, event: &Event, stanza: &Stanza) -> Result {
        let (session, leaves) = (event.sender(), event.type_() == "unavailable");
        let is_news = if leaves { is_available(session) } else { has_sound_priority(stanza) };
        if event.header.to.is_none() && is_news {
            self.forward(session, &stanza.to_xml());
            // Where it cannot be set, the session is gone.
            let _ = marks::set(session, "left", leaves);
        }
        Ok(Verdict::Next)
    }
}

impl Sessions for PresenceForward {
    fn on_session(&self, session: &str, _: Change) -> Result<Flow> {
        // What a client has said itself was forwarded, with all that was in it.
        if session_of(session).is_none_or(|session| session.marks.is_empty()) {
            self.forward(session, &xml!("<presence type='unavailable' from='{}'/>", session));
        }
        Ok(Flow::Done)
    }
}

impl PresenceForward {
    /// Send a presence to the address, unless it is the address's own.
    fn forward(&self, session: &str, presence: &str) {
        let own = runtime::vhost_setting(domain(session), "presence-forward").filter(|own| !own.is_empty());
        let general = || {
            runtime::prepare_address(&self.presence_global_forward)
                .unwrap_or_else(|| self.presence_global_forward.clone())
        };
        let address = own.unwrap_or_else(general);
        if address.is_empty() || bare(&address) == bare(session) {
            return;
        }
        if let Err(error) = router::send_to_all(presence, std::slice::from_ref(&address)) {
            // The presence goes its way even so.
            runtime::log(
                runtime::Level::Warn,
                &format!("presence was not forwarded to '{address}': {error}"),
            );
        }
    }
}

fn session_of(session: &str) -> Option<router::Session> {
    router::sessions(bare(session)).into_iter().find(|other| other.jid == session)
}

fn is_available(session: &str) -> bool {
    session_of(session).is_some_and(|session| session.available)
}

/// Whether the server will take it (RFC 6121, section 4.7.2.3).
fn has_sound_priority(stanza: &Stanza) -> bool {
    let number = || stanza.text("priority").is_some_and(|text| text.trim().parse::<i8>().is_ok());
    !stanza.has("priority") || !stanza.has("priority[2]") && number()
}
