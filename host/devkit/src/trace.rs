//! What a dry call has answered and wanted done, for people.

use crate::pretty::pretty_text;
use std::fmt::Write as _;
use waxwing_plugins::{
    AccountChange, Blob, CommandReply, Form, Trace, TraceAnswer, TraceError, TraceStanza, TraceWrite,
};

/// The answer as `wit/` calls it.
pub(crate) fn answer_name(answer: &TraceAnswer) -> &'static str {
    match answer {
        TraceAnswer::Next => "next",
        TraceAnswer::Handled => "handled",
        TraceAnswer::Reply(_) => "reply",
        TraceAnswer::Drop => "drop",
        TraceAnswer::Reject(_) => "reject",
        TraceAnswer::Replace(_) => "replace",
        TraceAnswer::Done => "done",
        TraceAnswer::Again => "again",
        TraceAnswer::Command(CommandReply::Step { .. }) => "step",
        TraceAnswer::Command(CommandReply::Done { .. }) => "done",
        TraceAnswer::Refuse(_) => "error",
        TraceAnswer::Page(_) => "page",
        TraceAnswer::Taken => "taken",
        TraceAnswer::Unable(_) => "error",
        TraceAnswer::Nothing => "nothing",
        TraceAnswer::Failed(_) => "failed",
    }
}

/// The store that is written to.
pub(crate) fn store(write: &TraceWrite) -> &str {
    match write {
        TraceWrite::TableSet { store, .. }
        | TraceWrite::TableSwap { store, .. }
        | TraceWrite::TableUnset { store, .. }
        | TraceWrite::TableDelete { store, .. }
        | TraceWrite::LogAppend { store, .. }
        | TraceWrite::LogRemove { store, .. }
        | TraceWrite::LogTrim { store, .. } => store,
    }
}

/// All of it, in lines.
pub(crate) fn shown(trace: &Trace) -> String {
    let mut out = String::new();
    // Writing into a string does not fail.
    let _ = write(&mut out, trace);
    out
}

fn write(out: &mut String, trace: &Trace) -> std::fmt::Result {
    writeln!(out, "Answer: {}", answer_name(&trace.answer))?;
    match &trace.answer {
        TraceAnswer::Reply(xml) | TraceAnswer::Replace(xml) if !xml.is_empty() => {
            writeln!(out, "{}", pretty_text(xml, 4))?;
        }
        TraceAnswer::Reject(error) | TraceAnswer::Refuse(error) => writeln!(out, "    {}", sentence(error))?,
        TraceAnswer::Page(page) => {
            for xml in &page.elements {
                writeln!(out, "{}", pretty_text(xml, 4))?;
            }
        }
        TraceAnswer::Unable(why) => writeln!(out, "    {why}")?,
        TraceAnswer::Failed(failure) => writeln!(out, "    {}", failure.text)?,
        TraceAnswer::Command(reply) => command(out, reply)?,
        _ => {}
    }
    section(out, "Would send", trace.outbox.iter().map(stanza))?;
    section(out, "Would write", trace.writes.iter().map(change))?;
    section(
        out,
        "Would set alarms",
        trace.alarms.iter().map(|alarm| match &alarm.set {
            Some((at, data)) => format!("    {} of {} at {at}: {}", alarm.name, alarm.owner, blob(data)),
            None => format!("    {} of {}: cleared", alarm.name, alarm.owner),
        }),
    )?;
    section(
        out,
        "Would mark",
        trace.marks.iter().map(|mark| {
            format!("    {}: {} {}", mark.session, mark.mark, if mark.on { "on" } else { "off" })
        }),
    )?;
    section(
        out,
        "Would keep for accounts",
        trace.account_data.iter().map(|datum| match &datum.value {
            Some(value) => format!("    {} of {} = {}", datum.key, datum.account, blob(value)),
            None => format!("    {} of {}: deleted", datum.key, datum.account),
        }),
    )?;
    section(
        out,
        "Would wait for replies",
        trace.requests.iter().map(|request| {
            format!("    from {}, for {} ms, with {}", request.to, request.timeout, blob(&request.context))
        }),
    )?;
    section(
        out,
        "Would change accounts",
        trace.accounts.iter().map(|change| match change {
            AccountChange::Create(jid) => format!("    {jid}: made"),
            AccountChange::Password(jid) => format!("    {jid}: another password"),
            AccountChange::Enable(jid, true) => format!("    {jid}: may log in"),
            AccountChange::Enable(jid, false) => format!("    {jid}: may not log in"),
        }),
    )?;
    section(out, "Would remove accounts", trace.removals.iter().map(|jid| format!("    {jid}")))?;
    section(out, "Would log", trace.log.iter().map(|line| format!("    {}: {}", line.level, line.text)))?;
    section(out, "Would count", trace.counts.iter().map(|(name, by)| format!("    {name} + {by}")))?;
    writeln!(out, "Took {} us of processor time, with the start of an instance", trace.cpu.as_micros())
}

fn section(out: &mut String, title: &str, lines: impl ExactSizeIterator<Item = String>) -> std::fmt::Result {
    if lines.len() > 0 {
        writeln!(out, "{title}:")?;
    }
    for line in lines {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

fn stanza(outgoing: &TraceStanza) -> String {
    match outgoing {
        TraceStanza::Route(xml) => pretty_text(xml, 4),
        TraceStanza::Deliver { session, xml } => {
            format!("    (to the session {session} only)\n{}", pretty_text(xml, 4))
        }
    }
}

fn change(write: &TraceWrite) -> String {
    match write {
        TraceWrite::TableSet { store, owner, key, value } => {
            format!("    table {store} of {owner}: {key} = {}", blob(value))
        }
        TraceWrite::TableSwap { store, owner, key, old, new } => {
            let old = old.as_ref().map_or("nothing".to_owned(), blob);
            format!("    table {store} of {owner}: {key} = {}, if it is still {old}", blob(new))
        }
        TraceWrite::TableUnset { store, owner, key } => {
            format!("    table {store} of {owner}: {key} unset")
        }
        TraceWrite::TableDelete { store, owner, key } => {
            format!("    table {store} of {owner}: {key} deleted once all is sent")
        }
        TraceWrite::LogAppend { store, owner, tag, value, expires, .. } => {
            let tag = tag.as_ref().map(|tag| format!(" with tag {tag}")).unwrap_or_default();
            let expires = expires.map(|at| format!(" until {at}")).unwrap_or_default();
            format!("    log {store} of {owner}: append{tag}{expires}\n{}", indented(value))
        }
        TraceWrite::LogRemove { store, owner, id } => format!("    log {store} of {owner}: remove {id}"),
        TraceWrite::LogTrim { store, owner, through } => {
            format!("    log {store} of {owner}: trim through {through}")
        }
    }
}

/// XML in lines of its own, or other text.
fn indented(value: &Blob) -> String {
    match std::str::from_utf8(&value.0) {
        Ok(xml) if xml.starts_with('<') => pretty_text(xml, 8),
        _ => format!("        {}", blob(value)),
    }
}

/// Text as it is, other bytes by their number.
fn blob(value: &Blob) -> String {
    match std::str::from_utf8(&value.0) {
        Ok(text) if text.chars().all(|c| !c.is_control() || c == '\n') => format!("{text:?}"),
        _ => format!("{} bytes", value.0.len()),
    }
}

fn sentence(error: &TraceError) -> String {
    let TraceError { condition, ty, text } = error;
    text.as_ref().map_or(format!("{condition} ({ty})"), |text| format!("{condition} ({ty}): {text}"))
}

fn command(out: &mut String, reply: &CommandReply) -> std::fmt::Result {
    match reply {
        CommandReply::Step { form, .. } => self::form(out, form),
        CommandReply::Done { note, form, .. } => {
            if let Some(note) = note {
                writeln!(out, "    {note}")?;
            }
            form.as_ref().map_or(Ok(()), |form| self::form(out, form))
        }
    }
}

fn form(out: &mut String, form: &Form) -> std::fmt::Result {
    writeln!(out, "    {}", [form.title.as_str(), &form.instructions].join(" ").trim())?;
    for field in &form.fields {
        writeln!(out, "    {} ({}): {}", field.label, field.var, field.values.join(", "))?;
    }
    Ok(())
}
