//! Replaces what people have written by `x`es of the same length.

use super::exchange::{Exchange, HostAnswer};
use super::file::{RecordedCall, RecordingHeader};
use crate::blob::Blob;
use crate::declare::command::{CommandReply, Form};
use crate::declare::event::Change;
use crate::host::admin::AdminAnswer;
use crate::run::input::{Input, Shown};
use crate::watch::trace::{Trace, TraceAnswer, TraceStanza, TraceWrite};
use waxwing_xmpp::{Element, Kind, Node, ns};

/// Attributes whose values say what a stanza is and where it goes, not what somebody has written.
const STRUCTURE: [&str; 37] = [
    "action",
    "affiliation",
    "algo",
    "ask",
    "by",
    "category",
    "code",
    "from",
    "hash",
    "id",
    "index",
    "jid",
    "max",
    "node",
    "nodeid",
    "origin",
    "priority",
    "queryid",
    "role",
    "seconds",
    "seqnum",
    "session",
    "sessionid",
    "sid",
    "size",
    "stamp",
    "state",
    "status",
    "subid",
    "subscription",
    "subtype",
    "to",
    "type",
    "until",
    "var",
    "ver",
    "version",
];

/// The header without the values of settings.
pub(super) fn redact_header(mut header: RecordingHeader) -> RecordingHeader {
    header.settings.iter_mut().flat_map(|(_, values)| values).for_each(hide);
    header.redacted = true;
    header
}

/// A call without what people have written.
pub(super) fn redact_call(call: RecordedCall) -> RecordedCall {
    let RecordedCall { number, at, mut input, mut exchanges, mut trace } = call;
    redact_input(&mut input);
    exchanges.iter_mut().for_each(redact_exchange);
    redact_trace(&mut trace);
    RecordedCall { number, at, input, exchanges, trace }
}

fn redact_input(input: &mut Input) {
    match input {
        Input::Pre(shown)
        | Input::Incoming(shown)
        | Input::Process(shown)
        | Input::Post(shown)
        | Input::Service(shown)
        | Input::Filter { shown, .. } => redact_shown(shown),
        Input::Sessions { change: Change::Unavailable(Some(status)), .. } => hide(status),
        Input::Sessions { .. } => {}
        Input::Commands(request) => {
            request.answers.iter_mut().flat_map(|(_, values)| values).for_each(hide);
            request.state.fill(b'x');
        }
        Input::Alarms { data, .. } => hide_blob(data),
        Input::Replies { context, xml, .. } => {
            hide_blob(context);
            xml.iter_mut().for_each(hide_xml);
        }
        // Where a page ends is for the plugin to understand.
        Input::Export { .. } => {}
        Input::Import { xml, .. } => hide_xml(xml),
    }
}

fn redact_shown(shown: &mut Shown) {
    hide_xml(&mut shown.xml);
    shown.client = None;
}

fn redact_exchange(exchange: &mut Exchange) {
    match &mut exchange.answer {
        HostAnswer::Random(value) | HostAnswer::Value(value) => value.iter_mut().for_each(hide_blob),
        HostAnswer::Text(text) => text.iter_mut().for_each(hide),
        HostAnswer::Data(entries) => entries.iter_mut().flatten().for_each(|(_, value)| hide_blob(value)),
        HostAnswer::Rows(rows) => rows.iter_mut().for_each(|(_, value)| hide_blob(value)),
        HostAnswer::Contacts(contacts) => {
            contacts.iter_mut().flat_map(|contact| &mut contact.groups).for_each(hide);
        }
        HostAnswer::Entries(entries) => entries.iter_mut().for_each(|entry| hide_blob(&mut entry.value)),
        HostAnswer::Admin(AdminAnswer::Settings(settings)) => {
            settings.iter_mut().flatten().for_each(|(_, value)| hide(value));
        }
        HostAnswer::Admin(AdminAnswer::Connections(connections)) => {
            connections.iter_mut().for_each(|connection| connection.address = None);
        }
        HostAnswer::Admin(_)
        | HostAnswer::Authority(_)
        | HostAnswer::Time(_)
        | HostAnswer::Is(_)
        | HostAnswer::Sessions(_)
        | HostAnswer::Subscription(_)
        | HostAnswer::Account(_)
        | HostAnswer::Keys(_)
        | HostAnswer::Count(_)
        | HostAnswer::Failed(_) => {}
    }
}

/// A trace without what people have written.
pub(crate) fn redact_trace(trace: &mut Trace) {
    redact_answer(&mut trace.answer);
    for stanza in &mut trace.outbox {
        match stanza {
            TraceStanza::Route(xml) | TraceStanza::Deliver { xml, .. } => hide_xml(xml),
        }
    }
    for write in &mut trace.writes {
        match write {
            TraceWrite::TableSet { value, .. } | TraceWrite::LogAppend { value, .. } => hide_blob(value),
            TraceWrite::TableSwap { old, new, .. } => {
                old.iter_mut().for_each(hide_blob);
                hide_blob(new);
            }
            TraceWrite::TableUnset { .. }
            | TraceWrite::TableDelete { .. }
            | TraceWrite::LogRemove { .. }
            | TraceWrite::LogTrim { .. } => {}
        }
    }
    trace.alarms.iter_mut().filter_map(|alarm| alarm.set.as_mut()).for_each(|(_, data)| hide_blob(data));
    trace.account_data.iter_mut().filter_map(|datum| datum.value.as_mut()).for_each(hide_blob);
    trace.requests.iter_mut().for_each(|request| hide_blob(&mut request.context));
    trace.log.iter_mut().for_each(|line| hide(&mut line.text));
}

fn redact_answer(answer: &mut TraceAnswer) {
    match answer {
        TraceAnswer::Reply(xml) | TraceAnswer::Replace(xml) => hide_xml(xml),
        TraceAnswer::Reject(error) | TraceAnswer::Refuse(error) => error.text.iter_mut().for_each(hide),
        TraceAnswer::Command(CommandReply::Step { form, state, .. }) => {
            redact_form(form);
            state.fill(b'x');
        }
        TraceAnswer::Command(CommandReply::Done { note, form, .. }) => {
            note.iter_mut().for_each(hide);
            form.iter_mut().for_each(redact_form);
        }
        TraceAnswer::Page(page) => page.elements.iter_mut().for_each(hide_xml),
        TraceAnswer::Unable(why) => hide(why),
        // Where it traps is in the code; why it does not start is for the plugin to say.
        TraceAnswer::Failed(failure) if failure.kind == "start" => hide(&mut failure.text),
        TraceAnswer::Failed(_)
        | TraceAnswer::Next
        | TraceAnswer::Handled
        | TraceAnswer::Drop
        | TraceAnswer::Done
        | TraceAnswer::Again
        | TraceAnswer::Taken
        | TraceAnswer::Nothing => {}
    }
}

fn redact_form(form: &mut Form) {
    hide(&mut form.title);
    hide(&mut form.instructions);
    for field in &mut form.fields {
        hide(&mut field.label);
        field.values.iter_mut().for_each(hide);
        field.hint.iter_mut().for_each(hide);
        field.wrong.iter_mut().for_each(hide);
        for (label, value) in &mut field.choices {
            hide(label);
            hide(value);
        }
    }
}

fn hide(text: &mut String) {
    *text = hidden(text);
}

fn hidden(text: &str) -> String {
    "x".repeat(text.len())
}

fn hide_blob(blob: &mut Blob) {
    blob.0.fill(b'x');
}

/// Keeps elements and what says where they go; text that is no XML is hidden as a whole.
fn hide_xml(xml: &mut String) {
    *xml = match Element::parse_in(xml, ns::CLIENT) {
        // A stanza stands by itself, everything else in one.
        Ok(element) if Kind::from_name(element.name()).is_some() => skeleton(&element).to_xml_in(""),
        Ok(element) => skeleton(&element).to_xml_in(ns::CLIENT),
        Err(_) => hidden(xml),
    };
}

/// The same element with other text. Attributes with a prefix are left out.
fn skeleton(element: &Element) -> Element {
    let mut bones = Element::new(element.name(), element.ns());
    for (name, value) in element.attrs() {
        let value = if STRUCTURE.contains(&name) { value.to_owned() } else { hidden(value) };
        bones.set_attr(name, Some(value));
    }
    if let Some(lang) = element.attr("xml:lang") {
        bones.set_attr("xml:lang", Some(lang.to_owned()));
    }
    for node in element.nodes() {
        bones = match node {
            Node::Element(child) => bones.with_child(skeleton(child)),
            // What only indents says nothing.
            Node::Text(text) if text.trim().is_empty() => bones.with_text(text),
            Node::Text(text) => bones.with_text(hidden(text)),
        };
    }
    bones
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redacted(xml: &str) -> String {
        let mut xml = xml.to_owned();
        hide_xml(&mut xml);
        xml
    }

    #[test]
    fn structure_stays_and_text_goes() {
        let message = "<message xmlns='jabber:client' from='a@b/c' to='d@e' id='1' type='chat' xml:lang='en'>\
                       <body>caf\u{e9}</body><x xmlns='urn:x' name='Romeo' jid='f@g'> <y>h</y></x></message>";
        assert_eq!(
            redacted(message),
            "<message xmlns='jabber:client' from='a@b/c' to='d@e' id='1' type='chat' xml:lang='en'>\
             <body>xxxxx</body><x xmlns='urn:x' name='xxxxx' jid='f@g'> <y>x</y></x></message>"
        );
        assert_eq!(redacted("<q xmlns='urn:q'>secret</q>"), "<q xmlns='urn:q'>xxxxxx</q>");
        assert_eq!(redacted(&redacted(message)), redacted(message));
    }

    #[test]
    fn what_is_no_element_is_hidden() {
        assert_eq!((&*redacted(""), &*redacted("<open> secret")), ("", "xxxxxxxxxxxxx"));
    }

    #[test]
    fn nothing_that_anybody_wrote_is_left_of_a_call() {
        let call = serde_json::json!({
            "number": 1,
            "at": 0,
            "input": {
                "hook": "filter", "session": "a@example.org/b", "vhost": "example.org", "origin": "session",
                "received": 0, "xml": "<message xmlns='jabber:client'><body>SECRET</body></message>",
            },
            "exchanges": [
                { "question": { "table-get": { "store": "p/t", "owner": "a@example.org", "key": "k" } },
                  "answer": { "value": "U0VDUkVU" } },
                { "question": { "account-data": "a@example.org" }, "answer": { "data": [["k", "U0VDUkVU"]] } },
                { "question": { "contacts": { "owner": "a@example.org", "after": null, "limit": 1 } },
                  "answer": { "contacts": [{ "jid": "c@d", "subscription": "both", "groups": ["SECRET"] }] } },
            ],
            "trace": {
                "answer": { "reply": "<q xmlns='urn:q'>SECRET</q>" },
                "outbox": [{ "route": "<message xmlns='jabber:client' to='c@d'><body>SECRET</body></message>" }],
                "writes": [{ "op": "table-set", "store": "p/t", "owner": "a@example.org", "key": "k",
                             "value": "U0VDUkVU" }],
                "alarms": [{ "owner": "a@example.org", "name": "n", "set": [1, "U0VDUkVU"] }],
                "account_data": [{ "account": "a@example.org", "key": "k", "value": "U0VDUkVU" }],
                "requests": [{ "from": "example.org", "to": "c@d", "context": "U0VDUkVU", "timeout": 1 }],
                "log": [{ "level": "info", "text": "SECRET" }],
            },
        });
        let text = call.to_string();
        assert_eq!(text.matches("SECRET").count() + text.matches("U0VDUkVU").count(), 11);
        let redacted = redact_call(serde_json::from_value(call).unwrap());
        let text = serde_json::to_string(&redacted).unwrap();
        assert!(!text.contains("SECRET") && !text.contains("U0VDUkVU"), "{text}");
        // Six `x`es in base64.
        assert_eq!(text.matches("xxxxxx").count() + text.matches("eHh4eHh4").count(), 11);
    }
}
