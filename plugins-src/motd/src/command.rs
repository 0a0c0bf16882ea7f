//! The commands that set, change and delete the texts.

use crate::text::{Kind, MOTD, Text, WELCOME};
use waxwing_plugin::Command;
use waxwing_plugin::commands::{Action, Field, Form, Reply, Request};
use waxwing_plugin::prelude::*;

const ADMIN: &str = "http://jabber.org/protocol/admin#";
/// Bytes that a text may have.
const ROOM: usize = 32 * 1024;

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
    let Some(domain) = request.domain(&domains) else { return Ok(failed("You manage no such domain.")) };
    let name = request.name();
    let reply = match name {
        "set-motd" => set(request, &MOTD, &domains, domain),
        "edit-motd" => edit(request, &MOTD, &domains, domain),
        "delete-motd" => delete(request, &MOTD, &domains, domain),
        "set-welcome" => edit(request, &WELCOME, &domains, domain),
        "delete-welcome" => delete(request, &WELCOME, &domains, domain),
        _ => Err(Condition::ItemNotFound.into()),
    }?;
    if matches!(reply, Reply::Done(_)) {
        runtime::log(runtime::Level::Info, &format!("{} has run {name} {domain}", request.user));
    }
    Ok(reply)
}

/// Begin with an empty form.
fn set(request: &Request, kind: &Kind, domains: &[String], domain: &str) -> Result<Reply> {
    let form = text_form(kind, domain_field(request, domains));
    match request.is_first() {
        true => Ok(ask(form)),
        false => keep(request, kind, domain, form),
    }
}

/// Begin with what is set. Where there are several domains, of which.
fn edit(request: &Request, kind: &Kind, domains: &[String], domain: &str) -> Result<Reply> {
    let is_one = domains.len() == 1;
    if !is_one && (request.is_first() || request.action == Action::Prev) {
        return Ok(ask_more(domain_form(request, kind, domains), ""));
    }
    let mut form = text_form(kind, hidden_field("domainjid", domain)).instructions(&format!("Of {domain}."));
    if !request.answers(kind.key).is_empty() {
        return keep(request, kind, domain, form);
    }
    let now = Text::of(domain, kind)?.map(|now| now.text).unwrap_or_default();
    for field in form.fields.iter_mut().filter(|field| field.var == kind.key) {
        field.values = now.lines().map(String::from).collect();
    }
    Ok(if is_one { ask(form) } else { ask_last(form, "") })
}

/// Section 4.26 wants no form where there is nothing to choose.
fn delete(request: &Request, kind: &Kind, domains: &[String], domain: &str) -> Result<Reply> {
    if domains.len() > 1 && request.is_first() {
        return Ok(ask(domain_form(request, kind, domains)));
    }
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
