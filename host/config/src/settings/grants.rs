//! What a plugin may do: in the file `grants { ... }` within the plugin's block.

use super::block::block;
use super::kinds::{Entry, Setting, Shown, quote};
use serde::Deserializer;
use serde::de::{MapAccess, Visitor};
use std::fmt;
use std::time::Duration;

block! {
    /// What one plugin may do and use. What is not granted is refused: a plugin without grants may not
    /// even be asked about a stanza.
    pub struct PluginGrants {
        /// Interfaces of `wit/`, by name, that it may import or export, such as `[ 'pre', 'stanzas' ]`.
        /// `types` and `lifecycle` need no grant.
        "allow" => allow: Vec<String> = Vec::new(),
        /// Tables and logs that it may keep, and how many bytes each may hold in all, such as
        /// `{ seen = 1024 * 1024 }`; 0 is no limit. `'*'` is any that has no limit of its own here.
        "stores" => stores: Vec<(String, u64)> = Vec::new(),
        /// Virtual hosts that it works for; `'*'` is all of them.
        "vhosts" => vhosts: Vec<String> = vec!["*".to_owned()],
        /// Names under each of its virtual hosts that it may own: `[ 'bot' ]` is `bot.a.example` on
        /// `a.example`.
        "services" => services: Vec<String> = Vec::new(),
        /// Hosts that it may send HTTP requests to, each with or without a port:
        /// `[ 'hooks.example.org', 'localhost:8080' ]`.
        "http" => http: Vec<String> = Vec::new(),
        /// What becomes of a stanza whose call fails. `'pass'`: it goes on as if the plugin were not there.
        /// `'bounce'`: its sender gets an error. `'drop'`: nobody hears of it. null: `'pass'` before routing
        /// and in filters, `'bounce'` elsewhere.
        "on-failure" => on_failure: Option<OnFailure> = None,
        /// As `'plugin-cpu'`, for this plugin; null is that setting.
        "cpu" => cpu: Option<Duration> = None,
        /// As `'plugin-timeout'`, for this plugin; null is that setting.
        "timeout" => call_timeout: Option<Duration> = None,
        /// As `'plugin-memory'`, for this plugin; null is that setting.
        "memory" => memory: Option<usize> = None,
        /// As `'plugin-outbox-stanzas'`, for this plugin; null is that setting.
        "outbox-stanzas" => outbox_stanzas: Option<u32> = None,
        /// As `'plugin-outbox-bytes'`, for this plugin; null is that setting.
        "outbox-bytes" => outbox_bytes: Option<usize> = None,
        /// As `'plugin-account-data'`, for this plugin; null is that setting.
        "account-data" => account_data: Option<usize> = None,
        /// As `'plugin-alarms'`, for this plugin; null is that setting.
        "alarms" => alarms: Option<usize> = None,
        /// As `'plugin-instances'`, for this plugin; null is that setting.
        "instances" => instances: Option<u32> = None,
        /// As `'plugin-calls'`, for this plugin; null is that setting.
        "calls" => retire_after: Option<u32> = None,
        /// A new instance for each call, for plugins that nobody trusts: what one call learns, no other call
        /// can tell. A call takes a little longer so.
        "fresh" => fresh: bool = false,
    }
}

impl PluginGrants {
    /// Whether it may import or export this interface of `wit/`.
    pub fn allows(&self, interface: &str) -> bool {
        matches!(interface, "types" | "lifecycle") || self.allow.iter().any(|allowed| allowed == interface)
    }

    /// How many bytes this table or log may hold in all, 0 for no limit; `None` if it may not be kept.
    pub fn store_limit(&self, store: &str) -> Option<u64> {
        let limit_of = |name: &str| self.stores.iter().find(|(known, _)| known == name);
        limit_of(store).or_else(|| limit_of("*")).map(|(_, bytes)| *bytes)
    }

    /// Whether it works for this virtual host. The domain is compared as written in the file.
    pub fn serves(&self, vhost: &str) -> bool {
        self.vhosts.iter().any(|domain| domain == "*" || domain == vhost)
    }
}

/// What becomes of a stanza when the plugin that it is shown to fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnFailure {
    /// It goes on as if the plugin were not there.
    Pass,
    /// Its sender gets an error.
    Bounce,
    /// It is discarded, and nobody hears of it.
    Drop,
}

impl Setting for OnFailure {
    const KIND: &'static str = "'pass', 'bounce' or 'drop'";

    fn read<'de, D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        serde::Deserialize::deserialize(input)
    }

    fn show(&self) -> Shown {
        let word = match self {
            OnFailure::Pass => "pass",
            OnFailure::Bounce => "bounce",
            OnFailure::Drop => "drop",
        };
        Shown::Value { kind: Self::KIND, text: quote(word) }
    }
}

impl Setting for Vec<(String, u64)> {
    const KIND: &'static str = "bytes by name";

    fn read<'de, D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        input.deserialize_struct("block", &[], Stores)
    }

    fn show(&self) -> Shown {
        let stores: Vec<String> =
            self.iter().map(|(name, bytes)| format!("{} = {bytes}", quote(name))).collect();
        let text = if stores.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", stores.join(", ")) };
        Shown::Value { kind: Self::KIND, text }
    }
}

struct Stores;

impl<'de> Visitor<'de> for Stores {
    type Value = Vec<(String, u64)>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a block of names and bytes")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut stores = Vec::new();
        while let Some(store) = map.next_entry()? {
            stores.push(store);
        }
        Ok(stores)
    }
}

/// The example plugin of the reference: what may stand in a plugin's block beside its settings.
pub(super) fn example() -> Vec<Entry> {
    let grants = Entry::new(
        "grants",
        &[" What it may do. What is not granted is refused; without this block nothing is granted."],
        &PluginGrants::default(),
    );
    let on_vhost = Entry {
        key: "on-vhost",
        doc: vec![
            " Its own settings where they differ on a virtual host, in a block named after the domain:",
            " `{ 'b.example' { words = [ 'x' ] } }`.",
        ],
        shown: Shown::Value { kind: "settings by domain", text: "{}".to_owned() },
    };
    let commands = Entry {
        key: "commands",
        doc: vec![
            " Who may run its ad-hoc commands, where that is not as the plugin has it:",
            " `{ 'a-command' = [ 'LOCAL' ] }`.",
        ],
        shown: Shown::Value { kind: "lists by command", text: "{}".to_owned() },
    };
    let block = vec![grants, on_vhost, commands];
    vec![Entry {
        key: "",
        doc: vec![
            " What may stand in a plugin's block beside its own settings. The plugin of this example is called",
            " `word-filter`; the values are the defaults.",
        ],
        shown: Shown::Example { what: "plugin", name: "'word-filter' ()", block },
    }]
}
