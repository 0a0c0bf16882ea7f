//! Service discovery of the server, its accounts and the services of plugins (XEP-0030), and the
//! server's entity capabilities (XEP-0115).

mod about;

pub(crate) use about::Abouts;

use crate::commands::Venue;
use crate::server::Server;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::collections::BTreeSet;
use std::fmt::Write;
use waxwing_plugins::{ServiceInfo, Target};
use waxwing_xmpp::{Condition, Jid, Stanza, StanzaError, Type, escape, ns};

/// What the server calls itself in entity capabilities: nodes are this, `#` and a verification string.
const NODE: &str = "urn:waxwing:server";

/// What every server of this kind can do without plugins.
const SERVER_FEATURES: &[&str] = &[ns::CAPS, ns::DISCO_INFO, ns::DISCO_ITEMS, ns::ROSTER];
/// What every account can do without plugins.
const ACCOUNT_FEATURES: &[&str] = &[ns::DISCO_INFO, ns::DISCO_ITEMS];

/// One identity and the features, in the order of XEP-0115, section 5.1.
pub(crate) struct Info<'a> {
    pub category: &'a str,
    pub ty: &'a str,
    pub name: &'a str,
    pub features: BTreeSet<String>,
}

impl Info<'_> {
    /// The verification string (XEP-0115, section 5.1).
    fn ver(&self) -> String {
        let mut text = format!("{}/{}//{}<", self.category, self.ty, self.name);
        for feature in &self.features {
            text += feature;
            text.push('<');
        }
        let hash = ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes());
        STANDARD.encode(hash)
    }

    /// The answer to a question about it.
    pub fn to_xml(&self, node: Option<&str>) -> String {
        about::answer(node, &self.content(&[]))
    }

    /// What is inside the answer, with more identities: category and type of each.
    fn content(&self, identities: &[(String, String)]) -> String {
        // Writing to a string cannot fail.
        let mut xml = format!("<identity category='{}' type='{}'", escape(self.category), escape(self.ty));
        if !self.name.is_empty() {
            let _ = write!(xml, " name='{}'", escape(self.name));
        }
        xml += "/>";
        for (category, ty) in identities {
            let _ = write!(xml, "<identity category='{}' type='{}'/>", escape(category), escape(ty));
        }
        for feature in &self.features {
            let _ = write!(xml, "<feature var='{}'/>", escape(feature));
        }
        xml
    }
}

impl Server {
    /// Answer a disco#info get to the server or to an account.
    ///
    /// # Errors
    /// What strangers hear of an account is what they hear of none (XEP-0030, section 8).
    pub(crate) fn disco_info(&self, iq: &Stanza, target: Target) -> Result<Stanza, StanzaError> {
        let Question { to, from, node } = Question::of(iq)?;
        match (target, node) {
            (Target::SERVER, None) => Ok(self.about(to.domain()).server.answering(iq)),
            (Target::SERVER, Some(node)) => Ok(iq.iq_result(&self.server_info(to.domain(), from, &node)?)),
            (Target::STRANGER, _) => Err(Condition::ServiceUnavailable.into()),
            (_, None) => Ok(self.account_info(to).answering(iq)),
            (_, Some(_)) => Err(Condition::ItemNotFound.into()),
        }
    }

    /// Answer a disco#items get to the server or to an account.
    ///
    /// # Errors
    /// For nodes that are not there.
    pub(crate) async fn disco_items(&self, iq: &Stanza, target: Target) -> Result<Stanza, StanzaError> {
        let Question { to, from, node } = Question::of(iq)?;
        let inner = match (target, node) {
            (Target::SERVER, None) => self.server_items(to.domain(), from).await,
            (Target::SERVER, Some(node)) => self.command_items(Venue::vhost(to.domain()), from, &node)?,
            (Target::STRANGER, node) => open(ns::DISCO_ITEMS, node.as_deref()) + "</query>",
            (_, None) => self.account_items(to),
            (_, Some(_)) => return Err(Condition::ItemNotFound.into()),
        };
        Ok(iq.iq_result(&inner))
    }

    /// Whether a virtual host announces this feature, on behalf of a plugin or by itself.
    pub(crate) fn has_feature(&self, vhost: &str, feature: &str) -> bool {
        self.is_local(vhost)
            && (SERVER_FEATURES.contains(&feature)
                || self.engine.get().is_some_and(|engine| engine.has_feature(vhost, feature)))
    }

    fn server_info(&self, vhost: &str, from: &Jid, node: &str) -> Result<String, StanzaError> {
        let about = self.about(vhost);
        if node == about.node {
            return Ok(about::answer(Some(node), &about.content));
        }
        self.command_info(Venue::vhost(vhost), from, node)
    }

    /// What is below the server: the services of plugins, and components with commands for the asker.
    async fn server_items(&self, vhost: &str, asker: &Jid) -> String {
        let mut xml = open(ns::DISCO_ITEMS, None);
        let services = self.engine.get().map(|engine| engine.services(vhost)).unwrap_or_default();
        for service in services {
            let domain = format!("{}.{vhost}", service.name);
            // A virtual host of that name is what answers there.
            if !self.is_local(&domain) {
                // Writing to a string cannot fail.
                let _ = write!(xml, "<item jid='{}' name='{}'/>", escape(&domain), escape(&service.label));
            }
        }
        xml + &self.component_items(vhost, asker).await + "</query>"
    }

    /// Answer for a plugin's service where the plugin leaves it to the host.
    ///
    /// # Errors
    /// For everything but a question for information about the service, or for its items.
    pub(crate) fn service_disco(
        &self,
        service: &ServiceInfo,
        stanza: &Stanza,
    ) -> Result<String, StanzaError> {
        let payload = stanza.payload().filter(|payload| payload.name() == "query");
        let about_it = stanza.ty() == Type::Get && stanza.to.as_ref().is_some_and(Jid::is_domain);
        let ns =
            payload.map(|payload| payload.ns()).filter(|ns| [ns::DISCO_INFO, ns::DISCO_ITEMS].contains(ns));
        let (Some(payload), Some(ns), true) = (payload, ns, about_it) else {
            return Err(Condition::ServiceUnavailable.into());
        };
        let query = payload.element().map_err(|_| StanzaError::from(Condition::BadRequest))?;
        if query.attr("node").is_some() {
            return Err(Condition::ItemNotFound.into());
        }
        if ns == ns::DISCO_ITEMS {
            return Ok(open(ns, None) + "</query>");
        }
        let mut features = named(&[ns::DISCO_INFO]);
        features.extend(service.features.iter().cloned());
        let ServiceInfo { category, ty, label, .. } = service;
        Ok(Info { category, ty, name: label, features }.to_xml(None))
    }

    fn account_info(&self, to: &Jid) -> Stanza {
        let about = self.about(to.domain());
        if self.is_anonymous(to) { about.guest.clone() } else { about.account.clone() }
    }

    /// The account's available resources.
    fn account_items(&self, to: &Jid) -> String {
        let mut xml = open(ns::DISCO_ITEMS, None);
        let sessions = self.directory.account(to.as_str()).map(|entry| entry.sessions()).unwrap_or_default();
        for session in sessions.iter().filter(|session| session.priority().is_some()) {
            // Writing to a string cannot fail.
            let _ = write!(xml, "<item jid='{}'/>", escape(session.jid.as_str()));
        }
        xml + "</query>"
    }
}

/// A question of service discovery.
struct Question<'a> {
    to: &'a Jid,
    from: &'a Jid,
    node: Option<String>,
}

impl<'a> Question<'a> {
    fn of(iq: &'a Stanza) -> Result<Self, StanzaError> {
        let (Some(to), Some(from), Some(payload)) = (&iq.to, &iq.from, iq.payload()) else {
            return Err(Condition::BadRequest.into());
        };
        if iq.ty() != Type::Get {
            // Publishing items has been taken out of XEP-0030.
            return Err(Condition::FeatureNotImplemented.into());
        }
        let query = payload.element().map_err(|_| StanzaError::from(Condition::BadRequest))?;
        Ok(Question { to, from, node: query.attr("node").map(str::to_owned) })
    }
}

pub(crate) fn named(features: &[&str]) -> BTreeSet<String> {
    features.iter().map(|feature| (*feature).to_owned()).collect()
}

/// The start of a `<query/>`.
pub(crate) fn open(ns: &str, node: Option<&str>) -> String {
    match node {
        Some(node) => format!("<query xmlns='{ns}' node='{}'>", escape(node)),
        None => format!("<query xmlns='{ns}'>"),
    }
}

#[cfg(test)]
mod tests;
