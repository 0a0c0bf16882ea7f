//! Forms of ad-hoc commands, and answers to them.

use crate::commands::{Choice, Field, FieldType, Form, Outcome, Reply, Request, Step};

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
    Form { title: title.into(), instructions: String::new(), fields: Vec::new() }
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
        hint: None,
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

    /// A longer explanation, or what was wrong with the value sent before.
    #[must_use]
    pub fn hint(self, text: &str) -> Self {
        Self { hint: Some(text.into()), ..self }
    }
}

impl Request {
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

/// The command is done; the note is for a person to read.
#[must_use]
pub fn done(note: &str) -> Reply {
    Reply::Done(Outcome { note: Some(note.into()), form: None })
}

/// The command is done and has a result to show.
#[must_use]
pub fn show(form: Form) -> Reply {
    Reply::Done(Outcome { note: None, form: Some(form) })
}
