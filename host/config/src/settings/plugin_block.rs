//! Reads a plugin's block. Plugins may be nested, as in `amp () { msgoffline (active: false) {} }`, and
//! the block of one that the file has listed already changes that one.

use super::kinds::Over;
use super::plugins::{Plugin, PluginValues, PluginsSettings};
use serde::Deserializer;
use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// Keys in a plugin's block that are not its own settings.
const GRANTS: &str = "grants";
const ON_VHOST: &str = "on-vhost";
const COMMANDS: &str = "commands";

/// Offered every key in `'sess-man'` that is no setting: a block is a plugin.
pub(super) fn read_plugin<'de, A: MapAccess<'de>>(
    all: &mut PluginsSettings,
    name: &str,
    map: &mut A,
) -> Result<bool, A::Error> {
    if name == COMMANDS {
        // Those of the session manager itself.
        map.next_value_seed(ReadSettings(&mut all.commands))?;
        return Ok(true);
    }
    if [GRANTS, ON_VHOST].contains(&name) {
        return Err(A::Error::custom(format_args!("'{name}' belongs into the block of a plugin")));
    }
    let read = map.next_value_seed(ReadNode { list: &mut all.list, name: name.to_owned() })?;
    Ok(matches!(read, Node::Plugins(_)))
}

/// Offered every key beside `'sess-man'` that is no setting: a block may have settings of a plugin, as in
/// `amp { 'store-limit' = 200 }`.
pub(super) fn read_beside<'de, A: MapAccess<'de>>(
    beside: &mut Vec<Plugin>,
    name: &str,
    map: &mut A,
) -> Result<bool, A::Error> {
    let mut list = Vec::new();
    let read = map.next_value_seed(ReadNode { list: &mut list, name: name.to_owned() })?;
    beside.extend(list);
    Ok(matches!(read, Node::Plugins(_)))
}

/// What a key in a plugin's block has led to.
enum Node {
    Nothing,
    Values(Vec<String>),
    /// A plugin and those nested in it, by their places in the list.
    Plugins(Vec<usize>),
}

/// Reads what a key stands for; a block is a plugin, which goes into the list.
struct ReadNode<'l> {
    list: &'l mut Vec<Plugin>,
    name: String,
}

impl<'de> DeserializeSeed<'de> for ReadNode<'_> {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<Node, D::Error> {
        input.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ReadNode<'_> {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a value, a list of values or a plugin's block")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Nothing)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Values(vec![value.to_string()]))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Values(vec![value.to_string()]))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        Ok(Node::Values(vec![value.to_string()]))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Values(vec![value.to_owned()]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Node, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = seq.next_element()? {
            values.push(value);
        }
        Ok(Node::Values(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let Self { list, name } = self;
        let at = list.iter().position(|plugin| plugin.name == name).unwrap_or_else(|| {
            list.push(Plugin::new(name));
            list.len() - 1
        });
        let mut nested = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            let Some(plugin) = list.get_mut(at) else { break };
            match key.as_str() {
                "active" => plugin.active = map.next_value()?,
                GRANTS => plugin.grants = map.next_value_seed(Over(std::mem::take(&mut plugin.grants)))?,
                ON_VHOST => map.next_value_seed(ReadVhosts(&mut plugin.on_vhost))?,
                COMMANDS => map.next_value_seed(ReadSettings(&mut plugin.commands))?,
                _ => match map.next_value_seed(ReadNode { list: &mut *list, name: key.clone() })? {
                    Node::Nothing => {}
                    Node::Plugins(plugins) => nested.extend(plugins),
                    Node::Values(values) => {
                        if let Some(plugin) = list.get_mut(at) {
                            set(&mut plugin.settings, key, values);
                        }
                    }
                },
            }
        }
        let outer = list.get(at).map(|plugin| plugin.name.clone());
        for within in &nested {
            if let Some(plugin) = list.get_mut(*within).filter(|plugin| plugin.within.is_none()) {
                plugin.within.clone_from(&outer);
            }
        }
        nested.push(at);
        Ok(Node::Plugins(nested))
    }
}

/// Puts a value into the settings in place of an earlier one.
fn set<T>(settings: &mut Vec<(String, T)>, key: String, value: T) {
    settings.retain(|(known, _)| *known != key);
    settings.push((key, value));
}

/// Reads `'on-vhost'`: for each domain the settings that differ there.
struct ReadVhosts<'p>(&'p mut Vec<(String, PluginValues)>);

impl<'de> DeserializeSeed<'de> for ReadVhosts<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<(), D::Error> {
        input.deserialize_struct("block", &[], self)
    }
}

impl<'de> Visitor<'de> for ReadVhosts<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a block with one block for each domain")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(domain) = map.next_key::<String>()? {
            let at = self.0.iter().position(|(known, _)| *known == domain).unwrap_or_else(|| {
                self.0.push((domain, Vec::new()));
                self.0.len() - 1
            });
            let Some((_, settings)) = self.0.get_mut(at) else { break };
            map.next_value_seed(ReadSettings(settings))?;
        }
        Ok(())
    }
}

/// Reads settings of a plugin where no other plugin may be nested.
struct ReadSettings<'p>(&'p mut PluginValues);

impl<'de> DeserializeSeed<'de> for ReadSettings<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<(), D::Error> {
        input.deserialize_struct("block", &[], self)
    }
}

impl<'de> Visitor<'de> for ReadSettings<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a block of settings")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            // A block would be a plugin: it is read into a list that nobody keeps.
            match map.next_value_seed(ReadNode { list: &mut Vec::new(), name: key.clone() })? {
                Node::Nothing => {}
                Node::Values(values) => set(self.0, key, values),
                Node::Plugins(_) => {
                    return Err(A::Error::custom("expected a value or a list of values, found a block"));
                }
            }
        }
        Ok(())
    }
}
