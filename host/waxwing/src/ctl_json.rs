//! What `waxwing ctl --json` prints: `docs/users.md` describes it, and programs rely on it. So it is written down here,
//! apart from the types that the server works with.

use serde::Serialize;
use waxwing_plugins::{Field, Form, Severity, Table};
use waxwing_server::{CommandListing, OperatorReply};

/// A command that there is.
#[derive(Serialize)]
struct Command<'a> {
    component: &'a str,
    command: &'a str,
    node: &'a str,
    label: &'a str,
}

/// What has come of a command.
#[derive(Serialize)]
struct Outcome<'a> {
    /// As in XEP-0050: `completed`, or `executing` while there is something to fill in.
    status: &'static str,
    note: Option<Note<'a>>,
    form: Option<FormView<'a>>,
}

#[derive(Serialize)]
struct Note<'a> {
    /// As in XEP-0050: `info`, `warn` or `error`.
    #[serde(rename = "type")]
    ty: &'static str,
    text: &'a str,
}

#[derive(Serialize)]
struct FormView<'a> {
    title: &'a str,
    instructions: &'a str,
    fields: Vec<FieldView<'a>>,
    /// A row is an object with a value for each column.
    rows: Vec<serde_json::Map<String, serde_json::Value>>,
}

#[derive(Serialize)]
struct FieldView<'a> {
    name: &'a str,
    #[serde(rename = "type")]
    ty: &'static str,
    label: &'a str,
    required: bool,
    values: &'a [String],
    options: Vec<Choice<'a>>,
}

#[derive(Serialize)]
struct Choice<'a> {
    label: &'a str,
    value: &'a str,
}

/// The commands there are.
pub fn listing(commands: &[CommandListing]) -> serde_json::Result<String> {
    serde_json::to_string_pretty(&commands.iter().map(command_view).collect::<Vec<_>>())
}

fn command_view(command: &CommandListing) -> Command<'_> {
    let CommandListing { component, name, node, label } = command;
    Command { component, command: name, node, label }
}

/// What has come of one.
pub fn outcome(reply: &OperatorReply) -> serde_json::Result<String> {
    let note = |text, severity: Severity| Note { ty: severity.name(), text };
    serde_json::to_string_pretty(&match reply {
        OperatorReply::Done { note: text, severity, form } => Outcome {
            status: "completed",
            note: text.as_deref().map(|text| note(text, *severity)),
            form: form.as_ref().map(form_view),
        },
        OperatorReply::Wants { form, wrong } => Outcome {
            status: "executing",
            note: wrong.as_deref().map(|text| note(text, Severity::Error)),
            form: Some(form_view(form)),
        },
    })
}

fn form_view(form: &Form) -> FormView<'_> {
    let shown = form.fields.iter().filter(|field| field.ty != "hidden");
    FormView {
        title: &form.title,
        instructions: &form.instructions,
        fields: shown.map(field_view).collect(),
        rows: form.table.as_ref().map(rows).unwrap_or_default(),
    }
}

fn field_view(field: &Field) -> FieldView<'_> {
    FieldView {
        name: field.short_name(),
        ty: field.ty,
        label: &field.label,
        required: field.required,
        values: &field.values,
        options: field.choices.iter().map(|(label, value)| Choice { label, value }).collect(),
    }
}

fn rows(table: &Table) -> Vec<serde_json::Map<String, serde_json::Value>> {
    let row = |row: &Vec<String>| {
        let cells = table.columns.iter().zip(row);
        cells.map(|((name, _), value)| (name.clone(), value.clone().into())).collect()
    };
    table.rows.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn parsed(reply: &OperatorReply) -> Value {
        serde_json::from_str(&outcome(reply).unwrap()).unwrap()
    }

    #[test]
    fn what_programs_rely_on() {
        let field = Field {
            var: "{urn:waxwing:admin:0}total".into(),
            ty: "list-single",
            label: "All".into(),
            required: true,
            values: vec!["2".into()],
            choices: vec![("Two".into(), "2".into())],
            range: None,
            hint: None,
            wrong: None,
        };
        let hidden = Field { ty: "hidden", var: "FORM_TYPE".into(), ..field.clone() };
        let columns = vec![("jid".into(), "Address".into()), ("result".into(), "Result".into())];
        let table = Table { columns, rows: vec![vec!["a@b".into(), "done".into()]] };
        let form =
            Form { title: "T".into(), fields: vec![hidden, field], table: Some(table), ..Form::default() };
        let done = OperatorReply::Done {
            note: Some("Well.".into()),
            severity: Severity::Warn,
            form: Some(form.clone()),
        };
        let shown = json!({
            "title": "T", "instructions": "",
            "fields": [{ "name": "total", "type": "list-single", "label": "All", "required": true,
                         "values": ["2"], "options": [{ "label": "Two", "value": "2" }] }],
            "rows": [{ "jid": "a@b", "result": "done" }],
        });
        assert_eq!(
            parsed(&done),
            json!({ "status": "completed", "note": { "type": "warn", "text": "Well." }, "form": shown })
        );
        let silent = OperatorReply::Done { note: None, severity: Severity::Info, form: None };
        assert_eq!(parsed(&silent), json!({ "status": "completed", "note": null, "form": null }));
        let wants = OperatorReply::Wants { form, wrong: Some("All: no".into()) };
        assert_eq!(
            parsed(&wants),
            json!({ "status": "executing", "note": { "type": "error", "text": "All: no" }, "form": shown })
        );
    }
}
