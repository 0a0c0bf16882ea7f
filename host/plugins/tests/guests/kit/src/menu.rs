//! The commands.

use crate::Kit;
use waxwing_plugin::commands::{Action, FieldType, Form, Reply, Request, Step};
use waxwing_plugin::field;
use waxwing_plugin::prelude::*;

impl Commands for Kit {
    fn on_command(&self, request: &Request) -> Result<Reply> {
        match request.node.as_str() {
            "hello" => hello(request),
            "wizard" => wizard(request),
            _ => Ok(show(form("Secret").field(field(FieldType::Fixed, "", "").value("There is none")))),
        }
    }
}

/// One form, then a note.
fn hello(request: &Request) -> Result<Reply> {
    match request.answer("name") {
        None => Ok(ask(form("Hello").field(text_field("name", "Your name").required()))),
        Some("nobody") => Err(Condition::NotAcceptable.text("That is nobody's name")),
        Some(name) => Ok(done(&format!("Hello, {name}"))),
    }
}

/// Two steps, there and back: the state is the number of the page, and what the first was answered with.
fn wizard(request: &Request) -> Result<Reply> {
    let state = String::from_utf8_lossy(&request.state).into_owned();
    match (request.action, state.split_once(' ')) {
        (Action::Execute, _) => Ok(first("")),
        (Action::Next, Some(("1", _))) => match request.answer("colour") {
            Some(colour) => Ok(second(colour)),
            None => Ok(first("")),
        },
        (Action::Prev, Some(("2", colour))) => Ok(first(colour)),
        (Action::Complete, Some(("2", colour))) => {
            let size = request.answer("size").unwrap_or_default();
            Ok(done(&format!("{colour}, {size}, {}", request.is_yes("sure"))))
        }
        _ => Err(Condition::UnexpectedRequest.into()),
    }
}

fn first(colour: &str) -> Reply {
    let form = form("Colour").field(text_field("colour", "Colour").value(colour));
    page(form, &format!("1 {colour}"), false)
}

fn second(colour: &str) -> Reply {
    let size = list_field("size", "Size", &[("Small", "s"), ("Large", "l")]).value("s");
    page(form("Size").field(size).field(yes_field("sure", "Sure?")), &format!("2 {colour}"), true)
}

fn page(form: Form, state: &str, last: bool) -> Reply {
    Reply::Step(Step { form, state: state.into(), has_prev: last, has_next: !last })
}
