//! People who write to one who is away, as fast as they are answered, while things break; and what of it must be there
//! afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use crate::client::{Client, Incoming};
use crate::moment::{PATIENCE, eventually};
use crate::server::Server;

/// Those who write. They must have accounts, as `juliet`, who is away, and `nurse` must.
pub const SENDERS: [&str; 3] = ["romeo", "benvolio", "mercutio"];

/// What was said so far. Every message is a number, and each sender counts for himself.
#[derive(Default)]
pub struct Load {
    next: BTreeMap<&'static str, u32>,
    /// By sender, what was acknowledged and has not come.
    owed: BTreeMap<&'static str, BTreeSet<u32>>,
    /// What has come, and what will never come again, as it was gone from the database.
    came: BTreeSet<(String, u32)>,
    done: BTreeSet<(String, u32)>,
    markers: u32,
    /// How many messages were acknowledged, in all.
    pub acknowledged: usize,
    /// How many came a second time because the server could not know that they had come.
    pub repeated: usize,
}

/// Senders at work.
pub struct Talk {
    threads: Vec<JoinHandle<Said>>,
    acknowledged: Arc<AtomicU32>,
    stop: Arc<AtomicBool>,
}

/// What one of them has said.
struct Said {
    who: &'static str,
    acknowledged: Vec<u32>,
    next: u32,
}

impl Load {
    /// Everybody begins to write. A message is acknowledged when a request sent after it has been answered, and no
    /// error came for it.
    pub fn talk(&self, server: &Server) -> Talk {
        let (acknowledged, stop) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicBool::new(false)));
        let start = |who: &'static str| {
            let (client, first) = (logged_in(server, who), self.next.get(who).copied().unwrap_or_default());
            let (acknowledged, stop) = (acknowledged.clone(), stop.clone());
            thread::spawn(move || talk(client, who, first, &acknowledged, &stop))
        };
        Talk { threads: SENDERS.map(start).into(), acknowledged, stop }
    }

    /// Everybody stops, or has been stopped by a connection that broke.
    pub fn ends(&mut self, talk: Talk) {
        talk.stop.store(true, Ordering::SeqCst);
        for thread in talk.threads {
            let said = thread.join().expect("a sender");
            self.next.insert(said.who, said.next);
            self.acknowledged += said.acknowledged.len();
            self.owed.entry(said.who).or_default().extend(said.acknowledged);
        }
    }

    /// Juliet comes online and gets what waits for her, up to `most` messages: in order, none that was done with.
    /// Whether that was all.
    #[track_caller]
    pub fn deliver(&mut self, server: &Server, juliet: &mut Client, most: usize) -> bool {
        self.markers += 1;
        let marker = format!("end {}", self.markers);
        let mut nurse = logged_in(server, "nurse");
        nurse.send(format!("<message to='juliet@localhost' type='chat'><body>{marker}</body></message>"));
        let mut seen = BTreeMap::new();
        for _ in 0..most {
            let node = loop {
                let node = juliet.next_element();
                if node.name == "message" && (node.body() == marker || !node.body().starts_with("end ")) {
                    break node;
                }
            };
            if node.body() == marker {
                return true;
            }
            self.comes(&node, &mut seen);
        }
        false
    }

    /// What is under way to her when the server has gone.
    pub fn rest(&mut self, juliet: &mut Client) {
        let mut seen = BTreeMap::new();
        while let Incoming::Element(node) = juliet.read() {
            if node.name == "message" && !node.body().starts_with("end ") {
                self.comes(&node, &mut seen);
            }
        }
    }

    fn comes(&mut self, node: &crate::Node, seen: &mut BTreeMap<String, u32>) {
        let from = node.attr("from").and_then(|from| from.split('@').next()).unwrap_or_default().to_owned();
        let n: u32 = node.body().parse().expect("a number");
        let last = seen.insert(from.clone(), n);
        assert!(last.is_none_or(|last| last < n), "{n} of {from} came after {last:?}");
        assert!(
            !self.done.contains(&(from.clone(), n)),
            "{n} of {from} was delivered for good, and came again"
        );
        if let Some(owed) = self.owed.get_mut(from.as_str()) {
            owed.remove(&n);
        }
        if !self.came.insert((from, n)) {
            self.repeated += 1;
        }
    }

    /// Everything that waited has been delivered, and is gone from the database: nothing is owed, and none of it may
    /// come again.
    #[track_caller]
    pub fn settle(&mut self) {
        let lost: Vec<_> = self.owed.iter().filter(|(_, owed)| !owed.is_empty()).collect();
        assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
        self.done.append(&mut self.came);
    }
}

impl Talk {
    /// Waits until so many more messages have been acknowledged. Not for a pause: whatever the server is doing then,
    /// it is in the middle of.
    #[track_caller]
    pub fn acknowledges(&self, more: u32) {
        let (deadline, until) = (Instant::now() + PATIENCE, self.acknowledged.load(Ordering::SeqCst) + more);
        while self.acknowledged.load(Ordering::SeqCst) < until {
            assert!(!self.threads.iter().any(JoinHandle::is_finished), "a sender stopped by himself");
            assert!(Instant::now() < deadline, "nothing is acknowledged any more");
            thread::yield_now();
        }
    }
}

fn talk(mut client: Client, who: &'static str, first: u32, total: &AtomicU32, stop: &AtomicBool) -> Said {
    let mut said = Said { who, acknowledged: Vec::new(), next: first };
    while !stop.load(Ordering::SeqCst) {
        let mut batch: BTreeSet<u32> = (said.next..said.next + 10).collect();
        said.next += 10;
        for n in &batch {
            client.send(format!(
                "<message to='juliet@localhost' type='chat' id='{n}'><body>{n}</body></message>"
            ));
        }
        client.send("<iq type='get' id='ping' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>");
        loop {
            match client.read() {
                Incoming::Element(node) if node.attr("id") == Some("ping") => break,
                Incoming::Element(node) if node.attr("type") == Some("error") => {
                    let n = node.attr("id").and_then(|id| id.parse().ok()).expect("the number of a message");
                    batch.remove(&n);
                }
                Incoming::Element(node) => panic!("{node}"),
                _ => return said,
            }
        }
        total.fetch_add(batch.len() as u32, Ordering::SeqCst);
        said.acknowledged.extend(batch);
    }
    said
}

/// A session of somebody, available.
pub fn online(server: &Server, who: &str) -> Client {
    let mut client = logged_in(server, who);
    client.send("<presence/>");
    client
}

/// A session of somebody, as soon as he can log in.
fn logged_in(server: &Server, who: &str) -> Client {
    let mut client = None;
    eventually("somebody can log in", || {
        client = server.try_sign_in(who).ok();
        client.is_some()
    });
    let mut client = client.expect("a client");
    client.bind(None);
    client
}
