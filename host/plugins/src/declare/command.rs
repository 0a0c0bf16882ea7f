//! Ad-hoc commands (XEP-0050) as they pass between the server, which speaks the protocol, and plugins.

use crate::declare::event::Access;
use serde::{Deserialize, Deserializer, Serialize};

/// A command as a plugin declares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandInfo {
    /// The plugin that has it.
    pub plugin: String,
    /// Its name in the protocol.
    pub node: String,
    /// What a person reads.
    pub label: String,
    /// Who may run it, unless the operator says otherwise.
    pub access: Access,
    /// What the operator says of who may run it; empty for nothing.
    pub acl: Vec<String>,
    /// The component that lists it.
    pub component: Option<String>,
    /// Where tools that show many commands put it.
    pub group: Option<String>,
}

impl CommandInfo {
    /// How people call it: what follows the `#` in its node.
    pub fn name(&self) -> &str {
        name_of(&self.node)
    }

    /// Take in what the operator says, in a block of the config file, of who may run commands: of all, then of this
    /// one, which goes by its node or its name there.
    pub fn obey(&mut self, said: &[(String, Vec<String>)]) {
        let of_all = said.iter().filter(|(key, _)| key == "ALL");
        let own = said.iter().filter(|(key, _)| *key == self.node || key == name_of(&self.node));
        self.acl.extend(of_all.chain(own).flat_map(|(_, list)| list.iter().cloned()));
    }
}

fn name_of(node: &str) -> &str {
    node.rsplit_once('#').map_or(node, |(_, name)| name)
}

/// What the user wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "as in XEP-0050, section 3.2")]
pub enum CommandAction {
    Execute,
    Next,
    Prev,
    Complete,
}

/// One step of a command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandRequest {
    /// The command.
    pub node: String,
    /// The full JID of who runs it.
    pub user: String,
    /// The virtual host in whose name it runs.
    pub vhost: String,
    /// What the user wants.
    pub action: CommandAction,
    /// The fields as filled in: name and values.
    pub answers: Vec<(String, Vec<String>)>,
    /// Whether there are answers already for the form of the first step.
    #[serde(default)]
    pub answers_follow: bool,
    /// What the last step left.
    #[serde(with = "crate::blob")]
    pub state: Vec<u8>,
}

/// What comes of a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CommandReply {
    /// There is more to fill in.
    Step {
        /// What.
        form: Form,
        /// For the next step.
        #[serde(with = "crate::blob")]
        state: Vec<u8>,
        /// Whether there is a step before.
        has_prev: bool,
        /// Whether there is one after.
        has_next: bool,
    },
    /// It is done.
    Done {
        /// What a person reads.
        note: Option<String>,
        /// How it went.
        severity: Severity,
        /// A result to show.
        form: Option<Form>,
    },
}

impl CommandReply {
    /// Bytes of all its texts.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            CommandReply::Step { form, .. } => form.bytes(),
            CommandReply::Done { note, form, .. } => {
                note.as_ref().map_or(0, String::len) + form.as_ref().map_or(0, Form::bytes)
            }
        }
    }
}

impl Form {
    fn bytes(&self) -> usize {
        let own = [&self.title, &self.instructions].into_iter();
        let fields = self.fields.iter().flat_map(|field| {
            let choices = field.choices.iter().flat_map(|(label, value)| [label, value]);
            let notes = field.hint.iter().chain(&field.wrong);
            [&field.var, &field.label].into_iter().chain(&field.values).chain(choices).chain(notes)
        });
        let columns =
            self.table.iter().flat_map(|table| &table.columns).flat_map(|(var, label)| [var, label]);
        let rows = self.table.iter().flat_map(|table| table.rows.iter().flatten());
        own.chain(fields).chain(columns).chain(rows).map(String::len).sum()
    }
}

/// How a command has ended (XEP-0050, section 3.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "as in the protocol")]
pub enum Severity {
    #[default]
    Info,
    Warn,
    Error,
}

impl Severity {
    /// What the protocol calls it.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Warn => "warn",
            Severity::Error => "error",
        }
    }
}

/// Rows below each other (XEP-0004, section 3.4).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// Name and label of each.
    pub columns: Vec<(String, String)>,
    /// As many values as there are columns.
    pub rows: Vec<Vec<String>>,
}

/// A data form (XEP-0004).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Form {
    /// Its title.
    pub title: String,
    /// What to do with it.
    pub instructions: String,
    /// Its fields.
    pub fields: Vec<Field>,
    /// Of a result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<Table>,
    /// Of a result: an element that another protocol has for it, as XML that stands by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub element: Option<String>,
}

/// A field of a form (XEP-0004, section 3.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// Its name.
    pub var: String,
    /// Its type as the protocol calls it: `text-single`.
    #[serde(rename = "type", deserialize_with = "field_type")]
    pub ty: FieldType,
    /// What a person reads.
    pub label: String,
    /// Whether it must be filled in.
    pub required: bool,
    /// Its values.
    pub values: Vec<String>,
    /// Label and value of each choice, for lists.
    pub choices: Vec<(String, String)>,
    /// The least and the greatest whole number that it may be (XEP-0122).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<(i64, i64)>,
    /// A longer explanation.
    pub hint: Option<String>,
    /// What is wrong with the value that was sent before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wrong: Option<String>,
}

impl Field {
    /// What people call it: its name without the namespace that it may begin with (XEP-0068, section 3.4).
    pub fn short_name(&self) -> &str {
        match self.var.rsplit_once('}') {
            Some((namespace, name)) if namespace.starts_with('{') && !name.is_empty() => name,
            _ => &self.var,
        }
    }
}

/// The name of a type of fields.
pub type FieldType = &'static str;

/// All of them (XEP-0004, section 3.3).
const FIELD_TYPES: [FieldType; 10] = [
    "boolean",
    "fixed",
    "hidden",
    "jid-multi",
    "jid-single",
    "list-multi",
    "list-single",
    "text-multi",
    "text-private",
    "text-single",
];

fn field_type<'de, D: Deserializer<'de>>(deserializer: D) -> Result<FieldType, D::Error> {
    let name = String::deserialize(deserializer)?;
    let known = FIELD_TYPES.into_iter().find(|known| *known == name);
    known.ok_or_else(|| serde::de::Error::unknown_variant(&name, &FIELD_TYPES))
}
