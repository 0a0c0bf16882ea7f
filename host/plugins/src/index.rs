//! All declared interests, compiled so that a stanza that nobody asked for costs next to nothing.

use crate::event::{Facts, Stage, Target};
use smallvec::SmallVec;
use waxwing_xmpp::{Kind, Stanza};

/// One declared interest.
#[derive(Clone, Debug)]
pub(crate) struct Interest {
    pub stage: Stage,
    pub kind: Kind,
    /// Bit `n` is type number `n`.
    pub types: u16,
    pub payload: Option<Payload>,
    /// All of them in every stage but `process`.
    pub targets: Target,
    pub marked: Option<(Party, u64)>,
    pub order: i32,
}

/// A child that must be present; `name` is `None` for any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Payload {
    pub ns: Box<str>,
    pub name: Option<Box<str>>,
}

/// Whose marks are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Party {
    /// Those of the session that sent the stanza.
    SenderSession,
    /// Those of any session of the sender's account.
    SenderAccount,
    /// Those of any session of the recipient's account.
    RecipientAccount,
}

impl Facts {
    fn marks(&self, party: Party) -> u64 {
        match party {
            Party::SenderSession => self.sender_session,
            Party::SenderAccount => self.sender_account,
            Party::RecipientAccount => self.recipient_account,
        }
    }
}

/// The interests of all plugins by stage and kind, each list in the order in which plugins run.
#[derive(Debug, Default)]
pub(crate) struct Index {
    lists: [Box<[(Interest, u16)]>; 12],
}

impl Index {
    /// Compile interests, each with the number of its plugin.
    pub fn new(mut interests: Vec<(Interest, u16)>) -> Index {
        // Stable: plugins of the same order run as the config file lists them.
        interests.sort_by_key(|(interest, plugin)| (interest.order, *plugin));
        let mut lists: [Vec<(Interest, u16)>; 12] = Default::default();
        for (interest, plugin) in interests {
            lists[slot(interest.stage, interest.kind)].push((interest, plugin));
        }
        Index { lists: lists.map(Vec::into_boxed_slice) }
    }

    /// Whether anybody has an interest in this stage and kind.
    pub fn listens(&self, stage: Stage, kind: Kind) -> bool {
        !self.lists[slot(stage, kind)].is_empty()
    }

    /// The plugins to ask, each once, in order. Allocates nothing for up to twelve.
    pub fn matching(&self, stage: Stage, stanza: &Stanza, facts: &Facts) -> SmallVec<[u16; 12]> {
        let mut plugins = SmallVec::new();
        let list = &self.lists[slot(stage, stanza.kind())];
        if list.is_empty() {
            return plugins;
        }
        let ty = 1 << stanza.ty() as u16;
        let targets = if stage == Stage::Process { facts.targets } else { Target::all() };
        for (interest, plugin) in list {
            // Cheapest first: the payload is the only test that reads the stanza.
            if interest.types & ty != 0
                && interest.targets.intersects(targets)
                && interest.marked.is_none_or(|(party, mark)| facts.marks(party) & mark != 0)
                && !plugins.contains(plugin)
                && interest.payload.as_ref().is_none_or(|payload| payload.is_in(stanza))
            {
                plugins.push(*plugin);
            }
        }
        plugins
    }
}

impl Payload {
    fn is_in(&self, stanza: &Stanza) -> bool {
        stanza.children().any(|child| {
            self.name.as_deref().is_none_or(|name| name == child.name()) && *self.ns == *child.ns()
        })
    }
}

/// Where in `lists` the interests of a stage and kind are.
fn slot(stage: Stage, kind: Kind) -> usize {
    stage as usize * 3
        + match kind {
            Kind::Message => 0,
            Kind::Presence => 1,
            Kind::Iq => 2,
        }
}

#[cfg(test)]
#[path = "index_tests.rs"]
mod tests;
