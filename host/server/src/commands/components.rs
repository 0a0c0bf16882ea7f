//! Components: places that list commands, such as `vhost-man@example.org` on a virtual host `example.org`.

use crate::disco::{Info, named, open};
use crate::server::Server;
use crate::session::Session;
use std::fmt::Write;
use std::sync::Arc;
use waxwing_plugins::ComponentInfo;
use waxwing_xmpp::{Condition, Jid, Stanza, StanzaError, Type, escape, ns};

/// A component on a virtual host.
pub(crate) struct Component {
    pub info: ComponentInfo,
    pub vhost: String,
}

impl Component {
    fn jid(&self) -> String {
        format!("{}@{}", self.info.name, self.vhost)
    }
}

impl Server {
    /// The component that an address names.
    pub(crate) fn component(&self, jid: &Jid) -> Option<Component> {
        let (engine, name, vhost) = (self.engine.get()?, jid.local()?, jid.domain());
        if !engine.has_component(vhost, name) {
            return None;
        }
        let info = engine.components(vhost).into_iter().find(|component| component.name == name)?;
        Some(Component { info, vhost: vhost.to_owned() })
    }

    /// The components of a virtual host that have a command for this user, as items of service discovery.
    pub(crate) fn component_items(&self, vhost: &str, asker: &Jid) -> String {
        let mut xml = String::new();
        let all = self.engine.get().map(|engine| engine.components(vhost)).unwrap_or_default();
        if all.is_empty() {
            return xml;
        }
        let (rights, commands) = (self.rights(asker), self.commands(vhost));
        for info in all {
            let own = commands.iter().filter(|command| command.component.as_deref() == Some(&info.name));
            if own.into_iter().any(|command| rights.allow(command, vhost)) {
                let component = Component { info, vhost: vhost.to_owned() };
                let (jid, label) = (component.jid(), escape(&component.info.label));
                // Writing to a string cannot fail.
                let _ = write!(xml, "<item jid='{}' name='{label}'/>", escape(&jid));
            }
        }
        xml
    }

    /// Answer a request to a component. Who may run none of its commands does not learn that it is there.
    pub(crate) async fn component_iq(
        &self,
        session: Option<&Arc<Session>>,
        component: &Component,
        iq: &Stanza,
    ) -> Result<String, StanzaError> {
        let (Some(from), Some(payload)) = (&iq.from, iq.payload()) else {
            return Err(Condition::BadRequest.into());
        };
        let name = Some(component.info.name.as_str());
        if self.commands_for(&component.vhost, name, from).is_empty() {
            return Err(Condition::ServiceUnavailable.into());
        }
        match (payload.ns(), payload.name()) {
            (ns::DISCO_INFO | ns::DISCO_ITEMS, "query") if iq.ty() == Type::Get => {
                let query = payload.element().map_err(|_| StanzaError::from(Condition::BadRequest))?;
                match (payload.ns() == ns::DISCO_INFO, query.attr("node")) {
                    (true, None) => Ok(component_info(component)),
                    (false, None) => Ok(open(ns::DISCO_ITEMS, None) + "</query>"),
                    (true, Some(node)) => self.command_info(&component.vhost, name, from, node),
                    (false, Some(node)) => self.command_items(&component.vhost, name, from, node),
                }
            }
            (ns::COMMANDS, "command") => self.command_iq(session, iq, name).await,
            _ => Err(Condition::ServiceUnavailable.into()),
        }
    }
}

fn component_info(component: &Component) -> String {
    let features = named(&[ns::COMMANDS, ns::DISCO_INFO, ns::DISCO_ITEMS]);
    Info { category: "component", ty: "generic", name: &component.info.label, features }.to_xml(None)
}
