//! What there is: the number of messages and their senders (sections 2.2 and 2.3).

use crate::{NS, QUEUE, node};
use waxwing_plugin::prelude::*;
use waxwing_plugin::storage::{Entry, Query};

/// Messages that one answer lists, so that it has an end. The client removes some and asks again.
const MOST: usize = 1000;
/// Messages read at a time.
const PAGE: u32 = 100;

/// How many there are.
pub fn info(account: &str) -> Result {
    Ok(Verdict::reply(xml!(
        "<query xmlns='http://jabber.org/protocol/disco#info' node='{}'>\
         <identity category='automation' type='message-list'/><feature var='{}'/>\
         <x xmlns='jabber:x:data' type='result'>\
         <field var='FORM_TYPE' type='hidden'><value>{}</value></field>\
         <field var='number_of_messages'><value>{}</value></field></x></query>",
        NS,
        NS,
        NS,
        storage::open_log(QUEUE)?.count(account, None)?,
    )))
}

/// The name of each and who sent it, oldest first.
pub fn items(account: &str) -> Result {
    let queue = storage::open_log(QUEUE)?;
    let (mut items, mut listed, mut after) = (String::new(), 0, 0);
    while listed < MOST {
        let page = queue.read(account, &Query { after, limit: PAGE, ..Query::default() })?;
        for entry in &page {
            let (node, sender) = (node(entry.id), sender(entry));
            items += &xml!("<item jid='{}' node='{}' name='{}'/>", account, node, raw(&sender));
        }
        let Some(last) = page.last() else { break };
        (listed, after) = (listed + page.len(), last.id);
    }
    Ok(Verdict::reply(xml!(
        "<query xmlns='http://jabber.org/protocol/disco#items' node='{}'>{}</query>",
        NS,
        raw(&items),
    )))
}

/// The full JID of the sender as it stands in the message, where the host writes it first.
fn sender(entry: &Entry) -> String {
    let message = entry.text();
    let from = message.split_once(" from='").and_then(|(_, rest)| rest.split_once('\''));
    from.map(|(from, _)| from.to_owned()).unwrap_or_default()
}
