//! Roster payloads: what clients ask for, and how items are written (RFC 6121, section 2.1).

use crate::subscription::State;
use std::fmt::Write;
use waxwing_storage::{Roster, RosterItem};
use waxwing_xmpp::{Condition, Element, Jid, StanzaError, escape, ns};

/// Longest name of a contact, in bytes.
const MAX_NAME: usize = 1023;
/// Longest name of a group, in bytes.
const MAX_GROUP: usize = 1023;
/// Most groups of one contact.
const MAX_GROUPS: usize = 100;

/// What a roster set asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wish {
    Put { jid: Jid, name: String, groups: Vec<String> },
    Remove(Jid),
}

/// Read and check the `<query/>` of a roster set (RFC 6121, section 2.3.3). A `subscription` other
/// than `remove` is the server's to say and ignored (section 2.1.2.5).
pub(super) fn parse_set(query: &Element, owner: &Jid) -> Result<Wish, StanzaError> {
    let refuse = |condition: Condition, text: &str| Err(StanzaError::from(condition).with_text(text));
    let mut items = query.children().filter(|child| child.name() == "item" && child.ns() == ns::ROSTER);
    let (Some(item), None) = (items.next(), items.next()) else {
        return refuse(Condition::BadRequest, "a roster set has exactly one item");
    };
    let Some(jid) = item.attr("jid") else {
        return refuse(Condition::BadRequest, "the item has no jid");
    };
    let Ok(jid) = Jid::parse(jid) else {
        return refuse(Condition::JidMalformed, "the jid of the item is not valid");
    };
    if !jid.is_bare() {
        return refuse(Condition::BadRequest, "the jid of the item is not a bare one");
    }
    if item.attr("subscription") == Some("remove") {
        return Ok(Wish::Remove(jid));
    }
    if jid == *owner {
        return refuse(Condition::NotAllowed, "your own address is not for your roster");
    }
    let name = item.attr("name").unwrap_or_default();
    if name.len() > MAX_NAME {
        return refuse(Condition::NotAcceptable, "the name is too long");
    }
    let mut groups = Vec::new();
    for group in item.children().filter(|child| child.name() == "group" && child.ns() == ns::ROSTER) {
        let group = group.text();
        if group.is_empty() {
            return refuse(Condition::NotAcceptable, "the name of a group is empty");
        }
        if group.len() > MAX_GROUP {
            return refuse(Condition::NotAcceptable, "the name of a group is too long");
        }
        if groups.len() == MAX_GROUPS {
            return refuse(Condition::NotAcceptable, "too many groups");
        }
        if groups.contains(&group) {
            return refuse(Condition::BadRequest, "a group is named twice");
        }
        groups.push(group);
    }
    Ok(Wish::Put { jid, name: name.to_owned(), groups })
}

/// A whole roster as the content of a result, with its version if the client has said that it keeps versions.
pub(super) fn roster_xml(roster: &Roster, version: Option<&str>) -> String {
    let mut xml = String::with_capacity(64 + roster.items.len() * 96);
    xml += "<query xmlns='jabber:iq:roster'";
    if let Some(version) = version {
        // Writing to a string cannot fail.
        let _ = write!(xml, " ver='{version}'");
    }
    xml.push('>');
    for item in roster.items.iter().filter(|item| !item.hidden) {
        write_item(&mut xml, item);
    }
    xml + "</query>"
}

/// The content of a roster push.
pub(super) fn push_xml(version: &str, item: &str) -> String {
    format!("<query xmlns='jabber:iq:roster' ver='{version}'>{item}</query>")
}

pub(crate) fn item_xml(item: &RosterItem) -> String {
    let mut xml = String::with_capacity(128);
    write_item(&mut xml, item);
    xml
}

/// The item of a push that tells of a removal.
pub(super) fn removed_xml(jid: &Jid) -> String {
    format!("<item jid='{}' subscription='remove'/>", escape(jid.as_str()))
}

fn write_item(xml: &mut String, item: &RosterItem) {
    let state = State::of(Some(item));
    // Writing to a string cannot fail.
    let _ = write!(xml, "<item jid='{}' subscription='{}'", escape(item.jid.as_str()), state.as_attr());
    if !item.name.is_empty() {
        let _ = write!(xml, " name='{}'", escape(&item.name));
    }
    if state.pending_out() {
        *xml += " ask='subscribe'";
    }
    if item.approved {
        *xml += " approved='true'";
    }
    if item.groups.is_empty() {
        *xml += "/>";
        return;
    }
    xml.push('>');
    for group in &item.groups {
        let _ = write!(xml, "<group>{}</group>", escape(group));
    }
    *xml += "</item>";
}
