//! The commands that set, change and delete the texts.

use crate::text::{Kind, MOTD, Text, WELCOME};
use waxwing_plugin::Command;
use waxwing_plugin::commands::{Action, Field, Form, Reply, Request};
use waxwing_plugin::prelude::*;

const ADMIN: &str = "http://jabber.org/protocol/admin#";
/// Bytes that a text may have.
const ROOM: usize = 32 * 1024;
/// The state of a command that has asked, or is to ask, for the domain.
const CHOICE: &str = "choice";

/// All of them; whoever manages a virtual host may run them for it.
pub fn commands() -> [Command; 5] {
    let names = [
        ("set-motd", "Set message of the day"),
        ("edit-motd", "Edit message of the day"),
        ("delete-motd", "Delete message of the day"),
        ("set-welcome", "Set welcome message"),
        ("delete-welcome", "Delete welcome message"),
    ];
    names.map(|(name, label)| {
        command(&format!("{ADMIN}{name}"), label).on("sess-man").group("Configuration").for_vhost_admins()
    })
}

pub fn run(request: &Request) -> Result<Reply> {
    let domains = vhosts::names();
    let name = request.name();
    let reply = match name {
        "set-motd" => set(request, &MOTD, &domains),
        "edit-motd" => edit(request, &MOTD, &domains),
        "delete-motd" => delete(request, &MOTD, &domains),
        "set-welcome" => edit(request, &WELCOME, &domains),
        "delete-welcome" => delete(request, &WELCOME, &domains),
        _ => Err(Condition::ItemNotFound.into()),
    }?;
    if let (Reply::Done(_), Some(domain)) = (&reply, request.domain(&domains)) {
        runtime::log(runtime::Level::Info, &format!("{} has run {name} {domain}", request.user));
    }
    Ok(reply)
}

/// The domain that is meant.
fn chosen<'a>(request: &Request, domains: &'a [String]) -> Result<&'a str> {
    request.domain(domains).ok_or_else(|| Condition::Forbidden.text("You manage no such domain."))
}

/// Begin with an empty form.
fn set(request: &Request, kind: &Kind, domains: &[String]) -> Result<Reply> {
    let form = text_form(kind, domain_field(request, domains));
    match request.is_first() {
        true => Ok(ask(form)),
        false => keep(request, kind, chosen(request, domains)?, form),
    }
}

/// Begin with what is set; before that ask of which domain, where there is a choice.
fn edit(request: &Request, kind: &Kind, domains: &[String]) -> Result<Reply> {
    let is_only_step = request.leaves_no_choice(domains) && request.state.is_empty();
    if request.action == Action::Prev || request.is_first() && !is_only_step {
        return Ok(ask_more(domain_form(request, kind, domains), CHOICE));
    }
    let domain = chosen(request, domains)?;
    let target = [domain.to_owned()];
    let target = Field { values: target.to_vec(), ..domain_field(request, &target) };
    let mut form = text_form(kind, target).instructions(&format!("Of {domain}."));
    if !request.answers(kind.key).is_empty() {
        return keep(request, kind, domain, form);
    }
    let now = Text::of(domain, kind)?.map(|now| now.text).unwrap_or_default();
    for field in form.fields.iter_mut().filter(|field| field.var == kind.key) {
        field.values = now.lines().map(String::from).collect();
    }
    Ok(if is_only_step { ask(form) } else { ask_last(form, CHOICE) })
}

/// Section 4.26 wants no form where there is nothing to choose.
fn delete(request: &Request, kind: &Kind, domains: &[String]) -> Result<Reply> {
    if request.is_first() && !request.leaves_no_choice(domains) {
        return Ok(ask(domain_form(request, kind, domains)));
    }
    let domain = chosen(request, domains)?;
    if Text::of(domain, kind)?.is_none() {
        return Ok(done(&format!("{domain} has no {}.", kind.name)));
    }
    Text::unset(domain, kind)?;
    Ok(done(&format!("Operation successful. {domain} has no {} any more.", kind.name)))
}

fn domain_form(request: &Request, kind: &Kind, domains: &[String]) -> Form {
    admin_form(kind.subject).field(domain_field(request, domains))
}

fn text_form(kind: &Kind, target: Field) -> Form {
    let label = format!("The {}", kind.name);
    admin_form(kind.subject).field(target).field(lines_field(kind.key, &label).required())
}

/// Keep what was filled in.
fn keep(request: &Request, kind: &Kind, domain: &str, form: Form) -> Result<Reply> {
    let text = request.text(kind.key);
    if text.len() > ROOM {
        let wrong = format!("This is too long: there is room for {ROOM} bytes");
        return Ok(ask(form.again(request, kind.key, &wrong)));
    }
    let (before, now) = (Text::of(domain, kind)?, runtime::now());
    let is_edit = request.node.ends_with("edit-motd");
    if is_edit && before.as_ref().is_some_and(|before| before.text == text) {
        return Ok(done(&format!("The {} of {domain} is as it was.", kind.name)));
    }
    // Who was made after the first welcome is welcome by the second, too.
    let since = before.map(|before| before.time).filter(|_| kind.key == WELCOME.key);
    Text { time: since.unwrap_or(now), text }.set(domain, kind)?;
    let when = match kind.key == WELCOME.key {
        true => "Accounts that are made from now on get it when they first come online",
        false => "Users get it when they next come online",
    };
    Ok(done(&format!("Operation successful. {when}.")))
}
