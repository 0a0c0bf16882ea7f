//! Getting messages and removing them (sections 2.4 to 2.7).

use crate::{NS, OFFLINE, QUEUE, node};
use waxwing_plugin::prelude::*;
use waxwing_plugin::router::Error::TooMany;
use waxwing_plugin::storage::{Entry, Log, Query};

/// Messages in one request.
const MOST: usize = 100;
/// Messages of a fetch that one call sends.
const PAGE: u32 = 100;

/// `view` for some, `fetch` for all. They stay.
pub fn get(event: &Event, stanza: &Stanza) -> Result {
    let (session, queue) = (event.sender(), storage::open_log(QUEUE)?);
    if stanza.has(&format!("{OFFLINE}/fetch")) {
        let id = event.header.id.clone().unwrap_or_default();
        return match send_page(&queue, session, 0)? {
            None => Ok(Verdict::reply("")),
            Some(last) => {
                // The answer comes with the last page.
                let name = format!("{}/{id}", resource(session).unwrap_or_default());
                let fetch = Fetch { last, session: session.into(), id };
                scheduler::set(event.account(), &name, event.received, fetch.to_text().as_bytes())?;
                Ok(Verdict::Handled)
            }
        };
    }
    for id in chosen(stanza, "view")? {
        router::deliver(session, &with_node(&existing(&queue, event.account(), id)?))?;
    }
    Ok(Verdict::reply(""))
}

/// `remove` for some, `purge` for all.
pub fn set(event: &Event, stanza: &Stanza) -> Result {
    let (account, queue) = (event.account(), storage::open_log(QUEUE)?);
    if stanza.has(&format!("{OFFLINE}/purge")) {
        let newest = queue.read(account, &Query { backwards: true, limit: 1, ..Query::default() })?;
        if let Some(newest) = newest.first() {
            queue.trim(account, newest.id)?;
        }
        return Ok(Verdict::reply(""));
    }
    for id in chosen(stanza, "remove")? {
        queue.remove(account, existing(&queue, account, id)?.id)?;
    }
    Ok(Verdict::reply(""))
}

/// The messages that a request names, all with the same action.
fn chosen(stanza: &Stanza, action: &str) -> Result<Vec<u64>> {
    let names = stanza.children(OFFLINE);
    if names.is_empty() || names.iter().any(|name| name != &format!("{{{NS}}}item")) {
        return Err(Condition::BadRequest.into());
    }
    if names.len() > MOST {
        return Err(Condition::ResourceConstraint.text("At most 100 messages at a time"));
    }
    let items = (1..=names.len()).map(|nth| {
        let item = format!("{OFFLINE}/item[{nth}]");
        if stanza.attribute(&item, "action").as_deref() != Some(action) {
            return Err(Condition::NotAcceptable.into());
        }
        let node = stanza.attribute(&item, "node").ok_or(Condition::BadRequest)?;
        node.parse().map_err(|_| Condition::ItemNotFound.into())
    });
    items.collect()
}

/// The message of this number.
fn existing(queue: &Log, account: &str, id: u64) -> Result<Entry> {
    let (after, before) = (id.saturating_sub(1), id.checked_add(1));
    let mut found = queue.read(account, &Query { after, before, limit: 1, ..Query::default() })?;
    Ok(found.pop().filter(|entry| entry.id == id).ok_or(Condition::ItemNotFound)?)
}

/// Send the messages after this one, as many as fit; the last of them, if there may be more.
fn send_page(queue: &Log, session: &str, after: u64) -> Result<Option<u64>> {
    let page = queue.read(bare(session), &Query { after, limit: PAGE, ..Query::default() })?;
    let mut last = None;
    for entry in &page {
        match router::deliver(session, &with_node(entry)) {
            Err(TooMany) if last.is_some() => return Ok(last),
            Err(TooMany) => return Err(TooMany.into()),
            _ => last = Some(entry.id),
        }
    }
    Ok(last.filter(|_| page.len() == PAGE as usize))
}

/// The message with its name, as the last child. All have one child at least, the time of their arrival.
fn with_node(entry: &Entry) -> String {
    let message = entry.text();
    let offline = xml!("<offline xmlns='{}'><item node='{}'/></offline></message>", NS, node(entry.id));
    message.strip_suffix("</message>").map_or_else(|| message.to_string(), |open| [open, &offline].concat())
}

/// A fetch that has more pages to send: the last message sent, to whom, and the id of the request.
struct Fetch {
    last: u64,
    session: String,
    id: String,
}

impl Fetch {
    fn to_text(&self) -> String {
        format!("{}\n{}\n{}", self.last, self.session, self.id)
    }

    fn from_text(text: &str) -> Option<Self> {
        // An id may have anything in it.
        let (last, rest) = text.split_once('\n')?;
        let (session, id) = rest.split_once('\n')?;
        Some(Self { last: last.parse().ok()?, session: session.into(), id: id.into() })
    }
}

/// The next page of a fetch, unless its session has gone.
pub fn go_on(owner: &str, name: &str, due: u64, data: &[u8]) -> Result<()> {
    let fetch = Fetch::from_text(&String::from_utf8_lossy(data));
    let is_there = |session: &str| router::sessions(owner).iter().any(|other| other.jid == session);
    let Some(mut fetch) = fetch.filter(|fetch| is_there(&fetch.session)) else { return Ok(()) };
    match send_page(&storage::open_log(QUEUE)?, &fetch.session, fetch.last)? {
        Some(last) => {
            fetch.last = last;
            // At the same time it would not be told from the one that is ringing, and end with it.
            scheduler::set(owner, name, due + 1, fetch.to_text().as_bytes())?;
        }
        None => {
            let result =
                xml!("<iq type='result' id='{}' from='{}' to='{}'/>", fetch.id, owner, fetch.session);
            router::deliver(&fetch.session, &result)?;
        }
    }
    Ok(())
}
