//! Requests that plugins have made to others and whose replies have not come.

use parking_lot::Mutex;
use std::collections::{BTreeSet, HashMap};
use waxwing_xmpp::{Jid, Stanza};

/// The longest that a reply is waited for, in milliseconds.
pub(crate) const LONGEST: u32 = 600_000;

/// A request of a plugin.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// Chosen by the host, so that nobody can guess it.
    pub id: String,
    pub plugin: String,
    /// The address in whose name it was made; its virtual host decides which plugin hears the reply.
    pub from: Jid,
    pub to: Jid,
    pub context: Vec<u8>,
    /// Milliseconds.
    pub timeout: u32,
}

/// Those of all plugins.
#[derive(Debug, Default)]
pub(crate) struct Requests(Mutex<Open>);

#[derive(Debug, Default)]
struct Open {
    requests: HashMap<String, (Request, u64)>,
    /// When each is given up, in milliseconds since the Unix epoch, and its id.
    deadlines: BTreeSet<(u64, String)>,
}

impl Requests {
    /// How many of a plugin are open.
    pub fn count(&self, plugin: &str) -> usize {
        self.0.lock().requests.values().filter(|(request, _)| request.plugin == plugin).count()
    }

    /// Wait for the reply to a request.
    pub fn open(&self, request: Request, now: u64) {
        let deadline = now.saturating_add(u64::from(request.timeout));
        let mut open = self.0.lock();
        open.deadlines.insert((deadline, request.id.clone()));
        open.requests.insert(request.id.clone(), (request, deadline));
    }

    /// The request that this stanza replies to. It is open no more.
    pub fn close(&self, reply: &Stanza) -> Option<Request> {
        let (id, from, to) = (reply.id()?, reply.from.as_ref()?, reply.to.as_ref()?);
        let mut open = self.0.lock();
        let (request, deadline) = open.requests.get(&*id)?;
        if request.to != *from || request.from != *to {
            return None;
        }
        let deadline = (*deadline, id.into_owned());
        open.deadlines.remove(&deadline);
        open.requests.remove(&deadline.1).map(|(request, _)| request)
    }

    /// Those whose time is up. They are open no more.
    pub fn expire(&self, now: u64) -> Vec<Request> {
        let mut open = self.0.lock();
        let mut expired = Vec::new();
        while open.deadlines.first().is_some_and(|(deadline, _)| *deadline <= now) {
            let Some((_, id)) = open.deadlines.pop_first() else { break };
            expired.extend(open.requests.remove(&id).map(|(request, _)| request));
        }
        expired
    }

    /// When the next is given up.
    pub fn next_deadline(&self) -> Option<u64> {
        self.0.lock().deadlines.first().map(|(deadline, _)| *deadline)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(id: &str, timeout: u32) -> Request {
        let jid = |text| Jid::parse(text).unwrap();
        let (from, to) = (jid("bot.example.org"), jid("juliet@example.org/balcony"));
        Request { id: id.into(), plugin: "bot".into(), from, to, context: Vec::new(), timeout }
    }

    fn reply(id: &str, from: &str) -> Stanza {
        let xml =
            format!("<iq xmlns='jabber:client' type='result' id='{id}' from='{from}' to='bot.example.org'/>");
        Stanza::parse(&xml).unwrap()
    }

    #[test]
    fn only_who_was_asked_can_reply_and_once() {
        let requests = Requests::default();
        requests.open(request("1", 1000), 0);
        assert!(requests.close(&reply("1", "romeo@example.org/orchard")).is_none());
        assert!(requests.close(&reply("2", "juliet@example.org/balcony")).is_none());
        assert!(requests.close(&reply("1", "juliet@example.org/balcony")).is_some());
        assert!(requests.close(&reply("1", "juliet@example.org/balcony")).is_none());
        assert_eq!(requests.next_deadline(), None);
    }

    #[test]
    fn time_runs_out_in_order() {
        let requests = Requests::default();
        requests.open(request("late", 3000), 0);
        requests.open(request("early", 1000), 0);
        assert_eq!((requests.count("bot"), requests.next_deadline()), (2, Some(1000)));
        assert!(requests.expire(999).is_empty());
        assert_eq!(requests.expire(1000).len(), 1);
        assert_eq!(requests.expire(9999).into_iter().map(|r| r.id).collect::<Vec<_>>(), ["late"]);
        assert_eq!(requests.count("bot"), 0);
    }
}
