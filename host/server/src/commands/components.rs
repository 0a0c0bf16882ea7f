//! Components: places that list commands, such as `vhost-man@example.org` on a virtual host `example.org`.

use super::Venue;
use crate::disco::{Info, named, open};
use crate::server::Server;
use crate::session::Session;
use std::fmt::Write;
use std::sync::Arc;
use waxwing_plugins::ComponentInfo;
use waxwing_xmpp::{Condition, Jid, Stanza, StanzaError, Type, escape, ns};

impl<'a> Venue<'a> {
    /// A component of a virtual host.
    fn of(vhost: &'a str, component: &'a ComponentInfo) -> Self {
        Self { vhost, component: Some(&component.name) }
    }
}

impl Server {
    /// The component that an address names.
    pub(crate) fn component(&self, jid: &Jid) -> Option<ComponentInfo> {
        self.engine.get()?.component(jid.domain(), jid.local()?)
    }

    /// The components of a virtual host that have a command for this user, as items of service discovery. One whose name
    /// has come to be an account's is not there: nothing reaches it.
    pub(crate) async fn component_items(&self, vhost: &str, asker: &Jid) -> String {
        let mut xml = String::new();
        let all = self.engine.get().map(|engine| engine.components(vhost)).unwrap_or_default();
        let commands = self.commands_for(Venue::vhost(vhost), asker);
        for component in &all {
            let venue = Venue::of(vhost, component);
            let (text, label) = (venue.jid(), escape(&component.label));
            let has_command = commands.iter().any(|command| venue.has(command));
            if has_command
                && let Ok(jid) = Jid::parse(&text)
                && !self.account_known(&jid).await
            {
                // Writing to a string cannot fail.
                let _ = write!(xml, "<item jid='{}' name='{label}'/>", escape(&text));
            }
        }
        xml
    }

    /// Answer a request to a component. Who may run none of its commands does not learn that it is there.
    pub(crate) async fn component_iq(
        &self,
        session: Option<&Arc<Session>>,
        component: &ComponentInfo,
        iq: &Stanza,
    ) -> Result<String, StanzaError> {
        let (Some(from), Some(to), Some(payload)) = (&iq.from, &iq.to, iq.payload()) else {
            return Err(Condition::BadRequest.into());
        };
        let venue = Venue::of(to.domain(), component);
        if self.commands_for(venue, from).is_empty() {
            return Err(Condition::ServiceUnavailable.into());
        }
        match (payload.ns(), payload.name()) {
            (ns::DISCO_INFO | ns::DISCO_ITEMS, "query") if iq.ty() == Type::Get => {
                let query = payload.element().map_err(|_| StanzaError::from(Condition::BadRequest))?;
                match (payload.ns() == ns::DISCO_INFO, query.attr("node")) {
                    (true, None) => Ok(component_info(component)),
                    (false, None) => Ok(open(ns::DISCO_ITEMS, None) + "</query>"),
                    (true, Some(node)) => self.command_info(venue, from, node),
                    (false, Some(node)) => self.command_items(venue, from, node),
                }
            }
            (ns::COMMANDS, "command") => self.command_iq(session, iq, venue).await,
            _ => Err(Condition::ServiceUnavailable.into()),
        }
    }
}

fn component_info(component: &ComponentInfo) -> String {
    let features = named(&[ns::COMMANDS, ns::DISCO_INFO, ns::DISCO_ITEMS]);
    Info { category: "component", ty: "generic", name: &component.label, features }.to_xml(None)
}
