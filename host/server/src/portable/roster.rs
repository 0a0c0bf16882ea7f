//! Rosters and requests for subscription, as they stand in a file.

use crate::roster::{item_xml, new_item};
use crate::subscription::kept;
use std::collections::BTreeMap;
use waxwing_storage::{Roster, RosterItem};
use waxwing_xmpp::{Element, Jid, Kind, Stanza, Type, ns};

/// The longest name of a contact or a group, in bytes, and the most groups of one contact.
const NAME: usize = 1023;
const GROUPS: usize = 100;
/// The most items that one account may have, whatever clients may add: all of them are in memory at once.
const ITEMS: usize = 50_000;

/// A roster as it is put together.
#[derive(Default)]
pub(super) struct Contacts(BTreeMap<String, RosterItem>);

/// The `<query/>` of a roster, and the requests that wait for an answer.
pub(super) fn elements(roster: &Roster) -> Vec<Element> {
    let shown = roster.items.iter().filter(|item| !item.hidden);
    let items = shown.filter_map(|item| Element::parse_in(&item_xml(item), ns::ROSTER).ok());
    let query = items.fold(Element::new("query", ns::ROSTER), Element::with_child);
    let requests = roster.items.iter().filter_map(|item| item.pending_in.as_deref());
    let requests = requests.filter_map(|request| Element::parse_in(request, ns::CLIENT).ok());
    let query = (query.children().count() > 0).then_some(query);
    query.into_iter().chain(requests).collect()
}

impl Contacts {
    /// Take the `<item/>` of a roster.
    ///
    /// # Errors
    /// Why it cannot be one.
    pub fn item(&mut self, owner: &Jid, element: &Element) -> Result<(), String> {
        let contact = contact(owner, element.attr("jid"))?;
        let (from, to) = match element.attr("subscription") {
            None | Some("none") => (false, false),
            Some("from") => (true, false),
            Some("to") => (false, true),
            Some("both") => (true, true),
            Some(other) => return Err(format!("the contact {contact} has the subscription '{other}'")),
        };
        let name = element.attr("name").unwrap_or_default().to_owned();
        let groups = element.children().filter(|child| child.is("group", ns::ROSTER)).map(Element::text);
        let mut groups: Vec<String> = groups.filter(|group| !group.is_empty()).collect();
        let mut seen = std::collections::BTreeSet::new();
        groups.retain(|group| seen.insert(group.clone()));
        if name.len() > NAME || groups.len() > GROUPS || groups.iter().any(|group| group.len() > NAME) {
            return Err(format!(
                "the contact {contact} has a name or group that is too long, or too many groups"
            ));
        }
        let item = self.entry(&contact)?;
        *item = RosterItem {
            name,
            groups,
            from,
            to,
            pending_out: matches!(element.attr("ask"), Some("subscribe")) && !to,
            approved: matches!(element.attr("approved"), Some("true" | "1")) && !from,
            // Who may see the presence has nothing to ask for.
            pending_in: item.pending_in.take().filter(|_| !from),
            hidden: false,
            ..new_item(contact)
        };
        Ok(())
    }

    /// Take a request for subscription.
    ///
    /// # Errors
    /// Why it cannot be one.
    pub fn request(&mut self, owner: &Jid, element: &Element) -> Result<(), String> {
        let contact = contact(owner, element.attr("from"))?;
        let stanza = Stanza::parse(&element.to_string()).ok();
        let stanza = stanza.filter(|it| it.kind() == Kind::Presence && it.ty() == Type::Subscribe);
        let stanza = stanza.ok_or_else(|| format!("the request of {contact} is not one"))?;
        let item = self.entry(&contact)?;
        if !item.from {
            item.pending_in = Some(kept(&stanza.with_addresses(Some(contact), Some(owner.clone()))));
        }
        Ok(())
    }

    fn entry(&mut self, contact: &Jid) -> Result<&mut RosterItem, String> {
        if self.0.len() >= ITEMS && !self.0.contains_key(contact.as_str()) {
            return Err(format!("there are more than {ITEMS} contacts: {contact} is left out"));
        }
        Ok(self.0.entry(contact.to_string()).or_insert_with(|| new_item(contact.clone())))
    }

    /// How many are shown, and how many wait for an answer.
    pub fn counts(&self) -> (u64, u64) {
        let count =
            |which: fn(&RosterItem) -> bool| self.0.values().filter(|item| which(item)).count() as u64;
        (count(|item| !item.hidden), count(|item| item.pending_in.is_some()))
    }

    /// All of them; those that say nothing are left out.
    pub fn into_items(self) -> Vec<RosterItem> {
        self.0.into_values().filter(|item| !item.hidden || item.pending_in.is_some()).collect()
    }
}

/// The bare JID of a contact.
fn contact(owner: &Jid, text: Option<&str>) -> Result<Jid, String> {
    let text = text.ok_or("a contact has no address")?;
    let jid = Jid::parse(text).map_err(|why| format!("the contact '{text}' has no valid address: {why}"))?;
    let jid = jid.bare();
    if jid == *owner { Err("its own address is in its roster".to_owned()) } else { Ok(jid) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::jid;

    fn parsed(xml: &str) -> Element {
        Element::parse(xml).unwrap()
    }

    #[test]
    fn a_roster_comes_back() {
        let owner = jid("juliet@verona.lit");
        let query = parsed(
            "<query xmlns='jabber:iq:roster'><item jid='mercutio@verona.lit' subscription='none' ask='subscribe'/>\
             <item jid='nurse@verona.lit' subscription='none' approved='true'/>\
             <item jid='romeo@verona.lit' subscription='both' name='R &amp; J'><group>A</group><group>B</group></item></query>",
        );
        let asks = parsed(
            "<presence xmlns='jabber:client' from='tybalt@verona.lit' to='juliet@verona.lit' type='subscribe'><status>Hi</status></presence>",
        );
        let mut contacts = Contacts::default();
        query.children().for_each(|item| contacts.item(&owner, item).unwrap());
        contacts.request(&owner, &asks).unwrap();
        assert_eq!(contacts.counts(), (3, 1));
        let roster = Roster { version: 1, items: contacts.into_items() };
        let found: Vec<String> = elements(&roster).iter().map(ToString::to_string).collect();
        assert_eq!(found, [query.to_string(), asks.to_string()]);
    }

    #[test]
    fn what_cannot_be() {
        let owner = jid("juliet@verona.lit");
        for (xml, why) in [
            ("<item/>", "no address"),
            ("<item jid='@'/>", "no valid address"),
            ("<item jid='juliet@verona.lit'/>", "its own address"),
            ("<item jid='a@b' subscription='remove'/>", "subscription 'remove'"),
        ] {
            let error = Contacts::default().item(&owner, &parsed(xml)).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
        let presence = parsed("<presence xmlns='jabber:client' from='a@b' type='unsubscribe'/>");
        assert!(Contacts::default().request(&owner, &presence).is_err());
    }

    #[test]
    fn a_request_of_a_contact_comes_before_or_after_it() {
        let owner = jid("juliet@verona.lit");
        let item = parsed("<item xmlns='jabber:iq:roster' jid='a@b' subscription='to'/>");
        let asks = parsed("<presence xmlns='jabber:client' from='a@b/c' type='subscribe'/>");
        let (mut one, mut other) = (Contacts::default(), Contacts::default());
        one.item(&owner, &item).unwrap();
        one.request(&owner, &asks).unwrap();
        other.request(&owner, &asks).unwrap();
        other.item(&owner, &item).unwrap();
        assert_eq!(one.0, other.0);
        assert_eq!(one.counts(), (1, 1));
    }
}
