//! Forms of ad-hoc commands, and answers to them.

use crate::commands::{
    Action, Choice, Field, FieldType, Form, Outcome, Reply, Request, Severity, Step, Table,
};

/// A form with a title.
///
/// ```
/// # use waxwing_plugin::prelude::*;
/// let form = form("Greeting")
///     .instructions("Whom shall I greet?")
///     .field(text_field("name", "Name").required())
///     .field(list_field("tone", "Tone", &[("Kind", "kind"), ("Cold", "cold")]).value("kind"));
/// assert_eq!(form.fields.len(), 2);
/// ```
#[must_use]
pub fn form(title: &str) -> Form {
    Form { title: title.into(), instructions: String::new(), fields: Vec::new(), table: None, element: None }
}

impl Form {
    /// What to do with it.
    #[must_use]
    pub fn instructions(self, text: &str) -> Self {
        Self { instructions: text.into(), ..self }
    }

    /// The form with one more field.
    #[must_use]
    pub fn field(mut self, field: Field) -> Self {
        self.fields.push(field);
        self
    }

    /// The form with more fields.
    #[must_use]
    pub fn fields(mut self, fields: impl IntoIterator<Item = Field>) -> Self {
        self.fields.extend(fields);
        self
    }

    /// A result with rows below each other; each column has a name and a label.
    ///
    /// ```
    /// # use waxwing_plugin::prelude::*;
    /// let online = form("Online").table(&[("jid", "Address")], vec![vec!["juliet@example.org".into()]]);
    /// ```
    #[must_use]
    pub fn table(self, columns: &[(&str, &str)], rows: Vec<Vec<String>>) -> Self {
        let columns = columns.iter().map(|(var, label)| ((*var).into(), (*label).into())).collect();
        Self { table: Some(Table { columns, rows }), ..self }
    }

    /// A result with an element that another protocol has for it, beside what people read.
    #[must_use]
    pub fn element(self, xml: &str) -> Self {
        Self { element: Some(xml.into()), ..self }
    }
}

/// A field of any type.
#[must_use]
pub fn field(type_: FieldType, var: &str, label: &str) -> Field {
    Field {
        var: var.into(),
        type_,
        label: label.into(),
        required: false,
        values: Vec::new(),
        choices: Vec::new(),
        range: None,
        hint: None,
        wrong: None,
    }
}

/// A line of text.
#[must_use]
pub fn text_field(var: &str, label: &str) -> Field {
    field(FieldType::TextSingle, var, label)
}

/// Yes or no.
#[must_use]
pub fn yes_field(var: &str, label: &str) -> Field {
    field(FieldType::Boolean, var, label)
}

/// Several lines of text: a value for each.
#[must_use]
pub fn lines_field(var: &str, label: &str) -> Field {
    field(FieldType::TextMulti, var, label)
}

/// A line of text that nobody is to look at.
#[must_use]
pub fn password_field(var: &str, label: &str) -> Field {
    field(FieldType::TextPrivate, var, label)
}

/// An address.
#[must_use]
pub fn jid_field(var: &str, label: &str) -> Field {
    field(FieldType::JidSingle, var, label)
}

/// Several addresses: a value for each.
#[must_use]
pub fn jids_field(var: &str, label: &str) -> Field {
    field(FieldType::JidMulti, var, label)
}

/// A whole number.
#[must_use]
pub fn number_field(var: &str, label: &str, range: std::ops::RangeInclusive<i64>) -> Field {
    Field { range: Some((*range.start(), *range.end())), ..field(FieldType::TextSingle, var, label) }
}

/// A value that the form carries and nobody sees.
#[must_use]
pub fn hidden_field(var: &str, value: &str) -> Field {
    field(FieldType::Hidden, var, "").value(value)
}

/// Text to be read.
#[must_use]
pub fn fixed_field(var: &str, label: &str, value: &str) -> Field {
    field(FieldType::Fixed, var, label).value(value)
}

/// One of several: label and value of each.
#[must_use]
pub fn list_field(var: &str, label: &str, choices: &[(&str, &str)]) -> Field {
    let choices =
        choices.iter().map(|(label, value)| Choice { label: (*label).into(), value: (*value).into() });
    Field { choices: choices.collect(), ..field(FieldType::ListSingle, var, label) }
}

impl Field {
    /// It must be filled in.
    #[must_use]
    pub fn required(self) -> Self {
        Self { required: true, ..self }
    }

    /// What is filled in already.
    #[must_use]
    pub fn value(mut self, value: &str) -> Self {
        self.values.push(value.into());
        self
    }

    /// What is filled in already, of a field with several values.
    #[must_use]
    pub fn values(mut self, values: impl IntoIterator<Item = String>) -> Self {
        self.values.extend(values);
        self
    }

    /// What is wrong with the value that was sent before.
    #[must_use]
    pub fn wrong(self, text: &str) -> Self {
        Self { wrong: Some(text.into()), ..self }
    }

    /// A longer explanation.
    #[must_use]
    pub fn hint(self, text: &str) -> Self {
        Self { hint: Some(text.into()), ..self }
    }
}

impl Request {
    /// How the command is called: what follows the `#` in its node, as in those of XEP-0133.
    #[must_use]
    pub fn name(&self) -> &str {
        self.node.rsplit_once('#').map_or(&self.node, |(_, name)| name)
    }

    /// Whether nothing has been filled in yet.
    #[must_use]
    pub fn is_first(&self) -> bool {
        self.action == Action::Execute
    }

    /// The first value of a field as it was filled in; `None` if it was not.
    #[must_use]
    pub fn answer(&self, var: &str) -> Option<&str> {
        let answer = self.answers.iter().find(|answer| answer.var == var)?;
        answer.values.first().map(String::as_str).filter(|value| !value.is_empty())
    }

    /// All values of a field.
    #[must_use]
    pub fn answers(&self, var: &str) -> &[String] {
        self.answers.iter().find(|answer| answer.var == var).map_or(&[], |answer| &answer.values)
    }

    /// Whether a field was answered with yes.
    #[must_use]
    pub fn is_yes(&self, var: &str) -> bool {
        matches!(self.answer(var), Some("1" | "true"))
    }
}

/// The only step, or the last: a form whose answers complete the command.
#[must_use]
pub fn ask(form: Form) -> Reply {
    Reply::Step(Step { form, state: Vec::new(), has_prev: false, has_next: false })
}

/// A form with another behind it. `state` is what the next call needs beside the answers.
#[must_use]
pub fn ask_more(form: Form, state: impl Into<Vec<u8>>) -> Reply {
    Reply::Step(Step { form, state: state.into(), has_prev: false, has_next: true })
}

/// The last form, with another before it.
#[must_use]
pub fn ask_last(form: Form, state: impl Into<Vec<u8>>) -> Reply {
    Reply::Step(Step { form, state: state.into(), has_prev: true, has_next: false })
}

/// The command is done; the note is for a person to read.
#[must_use]
pub fn done(note: &str) -> Reply {
    ended(note, Severity::Info)
}

/// The command is done, and there is something that a person should know.
#[must_use]
pub fn warned(note: &str) -> Reply {
    ended(note, Severity::Warn)
}

/// The command could not be done; the note says why.
#[must_use]
pub fn failed(note: &str) -> Reply {
    ended(note, Severity::Error)
}

fn ended(note: &str, severity: Severity) -> Reply {
    Reply::Done(Outcome { note: Some(note.into()), severity, form: None })
}

/// The command is done and has a result to show.
#[must_use]
pub fn show(form: Form) -> Reply {
    Reply::Done(Outcome { note: None, severity: Severity::Info, form: Some(form) })
}

/// A form of service administration (XEP-0133).
///
/// ```
/// # use waxwing_plugin::prelude::*;
/// let form = admin_form("Deleting users").field(jids_field("accountjids", "Accounts").required());
/// assert_eq!(form.fields[0].values, ["http://jabber.org/protocol/admin"]);
/// ```
#[must_use]
pub fn admin_form(title: &str) -> Form {
    form(title).field(hidden_field("FORM_TYPE", "http://jabber.org/protocol/admin"))
}

/// The field of [`domain_field`]. XEP-0133 has none for this, so the name says whose it is (XEP-0068, section 3.4).
pub const DOMAIN_FIELD: &str = "{urn:waxwing:admin:0}domainjid";

/// `domainjid`: one of these domains. The one that the command was sent to is proposed, if it is among them.
/// [`Request::domain`] is the answer.
///
/// ```
/// # use waxwing_plugin::prelude::*;
/// # fn first(request: &commands::Request) -> commands::Reply {
/// ask(admin_form("Counting users").field(domain_field(request, &vhosts::names())))
/// # }
/// ```
#[must_use]
pub fn domain_field(request: &Request, domains: &[String]) -> Field {
    let choices: Vec<(&str, &str)> = domains.iter().map(|it| (it.as_str(), it.as_str())).collect();
    let proposed = domains.iter().filter(|domain| **domain == request.vhost).cloned();
    list_field(DOMAIN_FIELD, "Domain", &choices).values(proposed).required()
}

impl Request {
    /// Which of these domains was chosen in a [`domain_field`], or is meant because the command was sent to it; `None`
    /// for any other.
    #[must_use]
    pub fn domain<'a>(&self, domains: &'a [String]) -> Option<&'a str> {
        let meant = self.answer(DOMAIN_FIELD).unwrap_or(&self.vhost);
        domains.iter().find(|domain| *domain == meant).map(String::as_str)
    }

    /// Whether nobody needs to be asked which of these domains is meant: there is one, the command was sent to it, and
    /// nothing else was filled in.
    #[must_use]
    pub fn leaves_no_choice(&self, domains: &[String]) -> bool {
        matches!(domains, [only] if *only == self.vhost) && !self.answers_follow
    }

    /// The lines of a field as one text, without empty ones around it.
    #[must_use]
    pub fn text(&self, var: &str) -> String {
        self.answers(var).join("\n").trim_matches(['\n', '\r']).to_owned()
    }
}

impl Form {
    /// The form once more, as it was filled in, with what is wrong with one field. Passwords are to be typed again.
    #[must_use]
    pub fn again(mut self, request: &Request, var: &str, wrong: &str) -> Self {
        let keeps = |field: &&mut Field| field.type_ != FieldType::TextPrivate;
        for field in self.fields.iter_mut().filter(keeps) {
            if let Some(given) = request.answers.iter().find(|answer| answer.var == field.var) {
                field.values.clone_from(&given.values);
            }
        }
        for field in self.fields.iter_mut().filter(|field| field.var == var) {
            field.wrong = Some(wrong.into());
        }
        self
    }
}

impl Reply {
    /// What has ended a command, with something to show besides.
    ///
    /// ```
    /// # use waxwing_plugin::prelude::*;
    /// let reply = done("Two are online.").with(form("Online"));
    /// ```
    #[must_use]
    pub fn with(self, form: Form) -> Self {
        match self {
            Self::Done(outcome) => Self::Done(Outcome { form: Some(form), ..outcome }),
            step @ Self::Step(_) => step,
        }
    }
}
