//! The session manager: which plugins run, with which settings and within which bounds.

use super::block::block;
use serde::Deserializer;
use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

block! {
    /// The plugins and what each may use: in the file `'sess-man' { ... }`, where every block within
    /// names a plugin. The order of the file is the order of the plugins.
    pub struct PluginsSettings {
        /// Folder with the plugins: `ping` is the file `ping.wasm` in it, `'jabber:iq:register'` the
        /// file `jabber-iq-register.wasm`.
        "plugins-folder" => folder: PathBuf = "plugins".into(),
        /// Folder for compiled plugins, which makes later starts quick. May be emptied at any time.
        "plugins-cache-folder" => cache_folder: PathBuf = "data/plugins-cache".into(),
        /// Processor time that one call of a plugin may take.
        "plugin-cpu" => cpu: Duration = Duration::from_millis(50),
        /// Time that one call may take in all, waiting for storage included.
        "plugin-timeout" => call_timeout: Duration = Duration::from_secs(5),
        /// Memory that one instance of a plugin may use, in bytes.
        "plugin-memory" => memory: usize = 64 * 1024 * 1024,
        /// Stanzas that one call may send.
        "plugin-outbox-stanzas" => outbox_stanzas: u32 = 1000,
        /// Bytes that one call may send.
        "plugin-outbox-bytes" => outbox_bytes: usize = 4 * 1024 * 1024,
        /// Instances of one plugin that may work at the same time; further calls wait for one.
        "plugin-instances" => instances: u32 = 16,
        /// Calls after which an instance is replaced by a fresh one.
        "plugin-calls" => retire_after: u32 = 100_000,
    }
    beside {
        /// The plugins, in the order of the file.
        list: Vec<Plugin> = Vec::new(),
    }
    others read_plugin;
}

impl PluginsSettings {
    /// The plugin's component: its name in the plugins folder, with a dash for what does not belong
    /// into the name of a file.
    pub fn file_of(&self, plugin: &Plugin) -> PathBuf {
        let fits = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
        let stem: String = plugin.name.chars().map(|c| if fits(c) { c } else { '-' }).collect();
        self.folder.join(format!("{stem}.wasm"))
    }
}

/// One plugin of the file: `name (active: true) { key = value }`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plugin {
    /// Its name in the file; see [`PluginsSettings::file_of`].
    pub name: String,
    /// Whether it is to run. A plugin that is listed is active unless the file says otherwise.
    pub active: bool,
    /// Its settings as text, in the order of the file; a value that is not a list has one element.
    pub settings: Vec<(String, Vec<String>)>,
}

impl Plugin {
    /// An active plugin without settings.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), active: true, settings: Vec::new() }
    }
}

/// A plugin's block as it is written: plugins may be nested, as in `amp () { msgoffline (active: false) {} }`.
#[derive(Default)]
struct Body {
    active: Option<bool>,
    settings: Vec<(String, Vec<String>)>,
    nested: Vec<(String, Body)>,
}

/// What a key in a plugin's block can lead to.
enum Node {
    Nothing,
    Text(String),
    List(Vec<String>),
    Block(Body),
}

fn read_plugin<'de, A: MapAccess<'de>>(
    all: &mut PluginsSettings,
    name: &str,
    map: &mut A,
) -> Result<bool, A::Error> {
    match map.next_value_seed(ReadNode)? {
        Node::Block(body) => {
            add(&mut all.list, name.to_owned(), body, true);
            Ok(true)
        }
        _ => Ok(false),
    }
}

/// Puts a plugin and those nested in it into the list. One that is there already is changed: the
/// file may list a plugin and switch it off, or set something, inside another one's block.
fn add(list: &mut Vec<Plugin>, name: String, body: Body, parent_active: bool) {
    let at = list.iter().position(|plugin| plugin.name == name).unwrap_or_else(|| {
        list.push(Plugin::new(name));
        list.len() - 1
    });
    let Some(plugin) = list.get_mut(at) else { return };
    plugin.active = body.active.unwrap_or(plugin.active) && parent_active;
    let active = plugin.active;
    for (key, values) in body.settings {
        plugin.settings.retain(|(known, _)| *known != key);
        plugin.settings.push((key, values));
    }
    for (name, body) in body.nested {
        add(list, name, body, active);
    }
}

struct ReadNode;

impl<'de> DeserializeSeed<'de> for ReadNode {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<Node, D::Error> {
        input.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ReadNode {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a value, a list of values or a plugin's block")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Nothing)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Text(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Text(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        Ok(Node::Text(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Node, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = seq.next_element()? {
            values.push(value);
        }
        Ok(Node::List(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut body = Body::default();
        while let Some(key) = map.next_key::<String>()? {
            if key == "active" {
                body.active = Some(map.next_value()?);
                continue;
            }
            match map.next_value_seed(ReadNode)? {
                Node::Nothing => {}
                Node::Text(value) => body.settings.push((key, vec![value])),
                Node::List(values) => body.settings.push((key, values)),
                Node::Block(nested) => body.nested.push((key, nested)),
            }
        }
        Ok(Node::Block(body))
    }
}
