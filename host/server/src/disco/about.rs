//! What a virtual host tells everybody of itself and its accounts: made once for each generation of the plugins.

use super::{ACCOUNT_FEATURES, Info, NODE, SERVER_FEATURES, named, open};
use crate::server::Server;
use parking_lot::RwLock;
use std::collections::HashMap;
use std::sync::Arc;
use waxwing_plugins::CommandInfo;
use waxwing_xmpp::{Stanza, Type, ns};

/// By virtual host.
#[derive(Default)]
pub(crate) struct Abouts(RwLock<HashMap<Box<str>, Arc<About>>>);

/// What one virtual host tells.
pub(crate) struct About {
    /// Of the plugins.
    generation: u64,
    /// Its entity capabilities for its stream features (XEP-0115, section 6.3).
    pub caps: String,
    /// The node of these capabilities.
    pub node: String,
    /// What is inside an answer to disco#info about it.
    pub content: String,
    /// The answer to disco#info about it.
    pub server: Stanza,
    /// The answer about an account.
    pub account: Stanza,
    /// The answer about somebody without an account.
    pub guest: Stanza,
    /// Its ad-hoc commands, with what the operator says of each.
    pub commands: Vec<CommandInfo>,
}

impl Server {
    /// What a virtual host tells of itself now.
    pub(crate) fn about(&self, vhost: &str) -> Arc<About> {
        let generation = self.engine.get().map_or(0, |engine| engine.generation());
        let known = self.abouts.0.read().get(vhost).filter(|about| about.generation == generation).cloned();
        known.unwrap_or_else(|| {
            let about = Arc::new(self.make_about(vhost, generation));
            if self.is_local(vhost) {
                self.abouts.0.write().insert(vhost.into(), about.clone());
            }
            about
        })
    }

    fn make_about(&self, vhost: &str, generation: u64) -> About {
        let (mut features, mut account_features) = (named(SERVER_FEATURES), named(ACCOUNT_FEATURES));
        let (mut commands, mut identities) = (Vec::new(), Vec::new());
        if let Some(engine) = self.engine.get() {
            features.extend(engine.features(vhost));
            account_features.extend(engine.account_features(vhost));
            identities = engine.account_identities(vhost);
            commands = engine.commands(vhost);
        }
        for command in &mut commands {
            let component = command.component.as_deref().unwrap_or_default();
            command.obey(self.settings.plugins.component_commands(component));
        }
        // Whoever asks: capabilities are the same for everybody.
        if !commands.is_empty() {
            features.insert(ns::COMMANDS.to_owned());
        }
        let server = Info { category: "server", ty: "im", name: "Waxwing", features };
        let (ver, content) = (server.ver(), server.content(&[]));
        let mut account =
            Info { category: "account", ty: "registered", name: "", features: account_features };
        let ready = |content: &str| Stanza::iq(Type::Result, "", &answer(None, content));
        let registered = ready(&account.content(&identities));
        account.ty = "anonymous";
        About {
            generation,
            caps: format!("<c xmlns='{}' hash='sha-1' node='{NODE}' ver='{ver}'/>", ns::CAPS),
            node: format!("{NODE}#{ver}"),
            server: ready(&content),
            content,
            account: registered,
            guest: ready(&account.content(&identities)),
            commands,
        }
    }
}

/// An answer to disco#info with this inside.
pub(super) fn answer(node: Option<&str>, content: &str) -> String {
    let mut xml = open(ns::DISCO_INFO, node);
    xml.reserve_exact(content.len() + "</query>".len());
    xml.push_str(content);
    xml.push_str("</query>");
    xml
}
