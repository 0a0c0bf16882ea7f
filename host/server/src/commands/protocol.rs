//! What goes over the wire: requests, results and errors of XEP-0050, section 3.

use super::forms::{answers, form_xml};
use super::sessions::Page;
use waxwing_plugins::{CommandAction, Form, Severity};
use waxwing_xmpp::{Condition, Stanza, StanzaError, Type, escape, ns};

/// What a user wants of a command (section 3.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Begin, or take the step that is the usual one.
    Execute,
    Next,
    Prev,
    Complete,
    Cancel,
}

impl Action {
    fn named(name: Option<&str>) -> Result<Action, StanzaError> {
        match name {
            None | Some("execute") => Ok(Action::Execute),
            Some("next") => Ok(Action::Next),
            Some("prev") => Ok(Action::Prev),
            Some("complete") => Ok(Action::Complete),
            Some("cancel") => Ok(Action::Cancel),
            Some(_) => Err(bad_request("malformed-action")),
        }
    }

    /// What it comes to where a command stands.
    ///
    /// # Errors
    /// `bad-action` for one that was not offered.
    pub fn at(self, page: &Page) -> Result<CommandAction, StanzaError> {
        match self {
            Action::Next | Action::Execute if page.has_next => Ok(CommandAction::Next),
            Action::Complete | Action::Execute if !page.has_next => Ok(CommandAction::Complete),
            Action::Prev if page.has_prev => Ok(CommandAction::Prev),
            _ => Err(bad_action()),
        }
    }
}

/// A request as it was sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wish {
    pub node: String,
    pub session: Option<String>,
    pub action: Action,
    pub answers: Vec<(String, Vec<String>)>,
}

impl Wish {
    /// Read an IQ whose payload is a `<command/>`.
    ///
    /// # Errors
    /// What section 4.x and table 4 of XEP-0050 call it.
    pub fn of(iq: &Stanza) -> Result<Wish, StanzaError> {
        let command = iq.payload().and_then(|payload| payload.element().ok());
        let (Some(command), Type::Set) = (command, iq.ty()) else {
            let text = "a command is run with an IQ of type set";
            return Err(StanzaError::from(Condition::BadRequest).with_text(text));
        };
        let node = command.attr("node").ok_or(Condition::BadRequest)?.to_owned();
        let session = command.attr("sessionid").map(str::to_owned);
        let action = Action::named(command.attr("action"))?;
        // Some clients send the form with it, marked as given up or as it was filled in so far.
        let answers = if action == Action::Cancel { Vec::new() } else { answers(&command)? };
        Ok(Wish { node, session, action, answers })
    }
}

/// A step to be filled in. `execute` names what happens if the user names no action (section 3.4).
pub(super) fn executing(node: &str, id: &str, page: &Page, form: &Form, wrong: Option<&str>) -> String {
    let last = if page.has_next { "next" } else { "complete" };
    let prev = if page.has_prev { "<prev/>" } else { "" };
    let actions = format!("<actions execute='{last}'>{prev}<{last}/></actions>");
    let note = wrong.map(|wrong| note_xml(wrong, Severity::Error)).unwrap_or_default();
    command(node, id, "executing", &[&actions, &form_xml(form, "form"), &note])
}

/// The end of a command, with what there is to show.
pub(super) fn completed(
    node: &str,
    id: &str,
    note: Option<&str>,
    severity: Severity,
    form: Option<&Form>,
) -> String {
    let form = form.map(|form| form_xml(form, "result")).unwrap_or_default();
    let note = note.map(|note| note_xml(note, severity)).unwrap_or_default();
    command(node, id, "completed", &[&form, &note])
}

fn note_xml(text: &str, severity: Severity) -> String {
    format!("<note type='{}'>{}</note>", severity.name(), escape(text))
}

/// The end of a command that the user does not want to go on with.
pub(super) fn canceled(node: &str, id: &str) -> String {
    command(node, id, "canceled", &[])
}

fn command(node: &str, id: &str, status: &str, inner: &[&str]) -> String {
    let (node, id, inner) = (escape(node), escape(id), inner.concat());
    format!(
        "<command xmlns='{}' node='{node}' sessionid='{id}' status='{status}'>{inner}</command>",
        ns::COMMANDS
    )
}

/// The action cannot be taken where the command stands.
pub(super) fn bad_action() -> StanzaError {
    bad_request("bad-action")
}

/// The form is none, or not one that was filled in.
pub(super) fn bad_payload() -> StanzaError {
    bad_request("bad-payload")
}

/// Nothing that this user runs has this `sessionid`.
pub(super) fn bad_sessionid() -> StanzaError {
    bad_request("bad-sessionid")
}

/// The user has waited too long.
pub(super) fn session_expired() -> StanzaError {
    application(Condition::NotAllowed, "session-expired")
}

fn bad_request(name: &str) -> StanzaError {
    application(Condition::BadRequest, name)
}

/// An error with an application-specific condition.
fn application(condition: Condition, name: &str) -> StanzaError {
    StanzaError::from(condition).with_extra(format!("<{name} xmlns='{}'/>", ns::COMMANDS))
}
