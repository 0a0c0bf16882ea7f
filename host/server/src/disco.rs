//! Service discovery of the server and its accounts (XEP-0030), and the server's entity
//! capabilities (XEP-0115).

use crate::presence::sees;
use crate::server::Server;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use parking_lot::Mutex;
use std::collections::{BTreeSet, HashMap};
use std::fmt::Write;
use std::sync::Arc;
use waxwing_xmpp::{Condition, Jid, Stanza, StanzaError, Type, escape, ns};

/// What the server calls itself in entity capabilities: nodes are this, `#` and a verification string.
const NODE: &str = "urn:waxwing:server";

/// What every server of this kind can do without plugins.
const SERVER_FEATURES: &[&str] = &[ns::CAPS, ns::DISCO_INFO, ns::DISCO_ITEMS, ns::ROSTER];
/// What every account can do without plugins.
const ACCOUNT_FEATURES: &[&str] = &[ns::DISCO_INFO, ns::DISCO_ITEMS];

/// One identity and the features, in the order of XEP-0115, section 5.1.
struct Info {
    category: &'static str,
    ty: &'static str,
    name: &'static str,
    features: BTreeSet<String>,
}

impl Info {
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

    /// The content of a result.
    fn to_xml(&self, node: Option<&str>) -> String {
        self.to_xml_with(node, &[])
    }

    /// The same with more identities: category and type of each.
    fn to_xml_with(&self, node: Option<&str>, identities: &[(String, String)]) -> String {
        let mut xml = open(ns::DISCO_INFO, node);
        // Writing to a string cannot fail.
        let _ = write!(xml, "<identity category='{}' type='{}'", self.category, self.ty);
        if !self.name.is_empty() {
            let _ = write!(xml, " name='{}'", self.name);
        }
        xml += "/>";
        for (category, ty) in identities {
            let _ = write!(xml, "<identity category='{}' type='{}'/>", escape(category), escape(ty));
        }
        for feature in &self.features {
            let _ = write!(xml, "<feature var='{}'/>", escape(feature));
        }
        xml + "</query>"
    }
}

/// Entity capabilities by virtual host. They change only with the plugins, whose generation is kept with
/// them.
#[derive(Default)]
pub(crate) struct Caps(Mutex<HashMap<Box<str>, (u64, Arc<str>)>>);

impl Server {
    /// Answer a disco#info or disco#items get to the server or to an account.
    pub(crate) async fn disco_iq(&self, iq: &Stanza) -> Result<String, StanzaError> {
        let (Some(to), Some(from), Some(payload)) = (&iq.to, &iq.from, iq.payload()) else {
            return Err(Condition::BadRequest.into());
        };
        if iq.ty() != Type::Get {
            // Publishing items has been taken out of XEP-0030.
            return Err(Condition::FeatureNotImplemented.into());
        }
        let query = payload.element().map_err(|_| StanzaError::from(Condition::BadRequest))?;
        let node = query.attr("node");
        match (payload.ns() == ns::DISCO_INFO, to.local()) {
            (true, None) => self.server_info(to.domain(), node),
            (true, Some(_)) => self.account_info(to, from, node).await,
            (false, None) => match node {
                None => Ok(open(ns::DISCO_ITEMS, None) + "</query>"),
                Some(_) => Err(Condition::ItemNotFound.into()),
            },
            (false, Some(_)) => self.account_items(to, from, node).await,
        }
    }

    /// The server's entity capabilities for its stream features (XEP-0115, section 6.3).
    pub(crate) fn caps(&self, vhost: &str) -> Arc<str> {
        let generation = self.engine.get().map_or(0, |engine| engine.generation());
        let known = self.caps.0.lock().get(vhost).filter(|(of, _)| *of == generation).cloned();
        if let Some((_, caps)) = known {
            return caps;
        }
        let ver = self.about_server(vhost).ver();
        let caps: Arc<str> =
            format!("<c xmlns='{}' hash='sha-1' node='{NODE}' ver='{ver}'/>", ns::CAPS).into();
        self.caps.0.lock().insert(vhost.into(), (generation, caps.clone()));
        caps
    }

    fn about_server(&self, vhost: &str) -> Info {
        let mut features = named(SERVER_FEATURES);
        if let Some(engine) = self.engine.get() {
            features.extend(engine.features(vhost));
        }
        Info { category: "server", ty: "im", name: "Waxwing", features }
    }

    fn server_info(&self, vhost: &str, node: Option<&str>) -> Result<String, StanzaError> {
        let info = self.about_server(vhost);
        let known = match node {
            None => true,
            Some(node) => {
                node.strip_prefix(NODE).and_then(|rest| rest.strip_prefix('#')) == Some(&info.ver())
            }
        };
        if known { Ok(info.to_xml(node)) } else { Err(Condition::ItemNotFound.into()) }
    }

    /// XEP-0030, section 8: strangers must not learn that there is such an account.
    async fn account_info(&self, to: &Jid, from: &Jid, node: Option<&str>) -> Result<String, StanzaError> {
        if !self.may_see(to, from).await? {
            return Err(Condition::ServiceUnavailable.into());
        }
        if node.is_some() {
            return Err(Condition::ItemNotFound.into());
        }
        let (mut features, mut identities) = (named(ACCOUNT_FEATURES), Vec::new());
        if let Some(engine) = self.engine.get() {
            features.extend(engine.account_features(to.domain()));
            identities = engine.account_identities(to.domain());
        }
        let info = Info { category: "account", ty: "registered", name: "", features };
        Ok(info.to_xml_with(None, &identities))
    }

    /// The account's available resources, for those who see its presence (XEP-0030, section 8).
    async fn account_items(&self, to: &Jid, from: &Jid, node: Option<&str>) -> Result<String, StanzaError> {
        let mut xml = open(ns::DISCO_ITEMS, node);
        if self.may_see(to, from).await? {
            if node.is_some() {
                return Err(Condition::ItemNotFound.into());
            }
            let sessions =
                self.directory.account(to.as_str()).map(|entry| entry.sessions()).unwrap_or_default();
            for session in sessions.iter().filter(|session| session.priority().is_some()) {
                // Writing to a string cannot fail.
                let _ = write!(xml, "<item jid='{}'/>", escape(session.jid.as_str()));
            }
        }
        Ok(xml + "</query>")
    }

    /// Whether there is such an account and `other` sees its presence.
    async fn may_see(&self, account: &Jid, other: &Jid) -> Result<bool, StanzaError> {
        // An account that does not exist has an empty roster, and nobody is logged in as it.
        Ok(sees(&*self.roster_of(account).await?, account, other))
    }
}

fn named(features: &[&str]) -> BTreeSet<String> {
    features.iter().map(|feature| (*feature).to_owned()).collect()
}

/// The start of a `<query/>`.
fn open(ns: &str, node: Option<&str>) -> String {
    match node {
        Some(node) => format!("<query xmlns='{ns}' node='{}'>", escape(node)),
        None => format!("<query xmlns='{ns}'>"),
    }
}

#[cfg(test)]
mod tests;
