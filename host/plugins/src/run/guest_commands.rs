//! Ad-hoc commands into a guest and out of it.

use crate::bindings::exports::xmpp::plugin::commands as wit;
use crate::declare::command::{CommandAction, CommandReply, CommandRequest, Field, Form, Severity, Table};
use crate::run::state::State;
use crate::run::wit_errors::{clean, stanza_error};
use wasmtime::Store;
use waxwing_xmpp::{Element, StanzaError};

/// Call the hook of a guest.
pub(crate) async fn call(
    guest: &wit::Guest,
    store: &mut Store<State>,
    request: &CommandRequest,
) -> wasmtime::Result<Result<CommandReply, StanzaError>> {
    let values: Vec<Vec<&str>> =
        request.answers.iter().map(|(_, values)| values.iter().map(String::as_str).collect()).collect();
    let answers: Vec<wit::Answer<'_>> =
        request.answers.iter().zip(&values).map(|((var, _), values)| wit::Answer { var, values }).collect();
    let lent = wit::Request {
        node: &request.node,
        user: &request.user,
        vhost: &request.vhost,
        action: match request.action {
            CommandAction::Execute => wit::Action::Execute,
            CommandAction::Next => wit::Action::Next,
            CommandAction::Prev => wit::Action::Prev,
            CommandAction::Complete => wit::Action::Complete,
        },
        answers: &answers,
        answers_follow: request.answers_follow,
        state: &request.state,
    };
    let reply = guest.call_on_command(store, lent).await?;
    Ok(reply.map(Into::into).map_err(stanza_error))
}

impl From<wit::Reply> for CommandReply {
    fn from(reply: wit::Reply) -> Self {
        match reply {
            wit::Reply::Step(step) => CommandReply::Step {
                form: step.form.into(),
                state: step.state,
                has_prev: step.has_prev,
                has_next: step.has_next,
            },
            wit::Reply::Done(done) => {
                let severity = match done.severity {
                    wit::Severity::Info => Severity::Info,
                    wit::Severity::Warn => Severity::Warn,
                    wit::Severity::Error => Severity::Error,
                };
                CommandReply::Done { note: done.note.map(clean), severity, form: done.form.map(Into::into) }
            }
        }
    }
}

impl From<wit::Form> for Form {
    fn from(form: wit::Form) -> Self {
        let fields = form.fields.into_iter().map(Into::into).collect();
        let table = form.table.map(|table| Table {
            columns: table.columns.into_iter().map(|(var, label)| (clean(var), clean(label))).collect(),
            rows: table.rows.into_iter().map(|row| row.into_iter().map(clean).collect()).collect(),
        });
        // One that is none is left out, as the characters are that XML has no place for.
        let element = form.element.and_then(|xml| Some(Element::parse(&xml).ok()?.to_string()));
        Form { title: clean(form.title), instructions: clean(form.instructions), fields, table, element }
    }
}

impl From<wit::Field> for Field {
    fn from(field: wit::Field) -> Self {
        let choices = field.choices.into_iter();
        Field {
            var: clean(field.var),
            ty: match field.type_ {
                wit::FieldType::Boolean => "boolean",
                wit::FieldType::Fixed => "fixed",
                wit::FieldType::Hidden => "hidden",
                wit::FieldType::JidMulti => "jid-multi",
                wit::FieldType::JidSingle => "jid-single",
                wit::FieldType::ListMulti => "list-multi",
                wit::FieldType::ListSingle => "list-single",
                wit::FieldType::TextMulti => "text-multi",
                wit::FieldType::TextPrivate => "text-private",
                wit::FieldType::TextSingle => "text-single",
            },
            label: clean(field.label),
            required: field.required,
            values: field.values.into_iter().map(clean).collect(),
            choices: choices.map(|choice| (clean(choice.label), clean(choice.value))).collect(),
            range: field.range,
            hint: field.hint.map(clean),
            wrong: field.wrong.map(clean),
        }
    }
}
