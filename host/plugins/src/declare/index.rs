//! All declared interests, compiled so that a stanza that nobody asked for costs next to nothing.

use crate::declare::event::{Facts, Stage, Target};
use smallvec::SmallVec;
use std::collections::HashMap;
use waxwing_xmpp::{Child, Kind, Stanza};

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

/// A child that must be present.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    /// Its namespace.
    pub ns: Box<str>,
    /// Its name; `None` for any.
    pub name: Option<Box<str>>,
    /// Name and value of an attribute that it must have.
    pub attribute: Option<(Box<str>, Box<str>)>,
}

impl Payload {
    fn fits(&self, child: Child<'_>) -> bool {
        let with = |(name, value): &(Box<str>, Box<str>)| child.has_attribute(name, value);
        child.ns() == &*self.ns
            && self.name.as_deref().is_none_or(|name| name == child.name())
            && self.attribute.as_ref().is_none_or(with)
    }

    /// Whether whatever fits another fits this one, too.
    pub(crate) fn covers(&self, other: &Payload) -> bool {
        self.ns == other.ns
            && (self.name.is_none() || self.name == other.name)
            && (self.attribute.is_none() || self.attribute == other.attribute)
    }
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

/// The interests of all plugins by stage and kind.
#[derive(Debug, Default)]
pub(crate) struct Index {
    lists: [List; 15],
}

/// Interests of one stage and kind.
#[derive(Debug, Default)]
struct List {
    /// In the order in which plugins run, each with the number of its plugin.
    interests: Vec<(Interest, u16)>,
    /// The places of those that need no payload.
    without_payload: Vec<usize>,
    /// The places of those that need one, by its namespace: many plugins cost no more than one.
    by_namespace: HashMap<Box<str>, Vec<usize>, foldhash::fast::RandomState>,
}

impl Index {
    /// Compile interests, each with the number of its plugin.
    pub fn new(mut interests: Vec<(Interest, u16)>) -> Index {
        // Stable: plugins of the same order run as the config file lists them.
        interests.sort_by_key(|(interest, plugin)| (interest.order, *plugin));
        let mut index = Index::default();
        for (interest, plugin) in interests {
            index.lists[slot(interest.stage, interest.kind)].push(interest, plugin);
        }
        index
    }

    /// Whether anybody has an interest in this stage and kind.
    pub fn listens(&self, stage: Stage, kind: Kind) -> bool {
        !self.lists[slot(stage, kind)].interests.is_empty()
    }

    /// The plugins to ask, each once, in order. Allocates nothing for up to twelve.
    pub fn matching(&self, stage: Stage, stanza: &Stanza, facts: &Facts) -> SmallVec<[u16; 12]> {
        let list = &self.lists[slot(stage, stanza.kind())];
        let mut plugins = SmallVec::new();
        if list.interests.is_empty() {
            return plugins;
        }
        for place in list.places(stage, stanza, facts) {
            let (_, plugin) = list.interests[place];
            if !plugins.contains(&plugin) {
                plugins.push(plugin);
            }
        }
        plugins
    }
}

impl List {
    fn push(&mut self, interest: Interest, plugin: u16) {
        let place = self.interests.len();
        match &interest.payload {
            None => self.without_payload.push(place),
            Some(payload) => self.by_namespace.entry(payload.ns.clone()).or_default().push(place),
        }
        self.interests.push((interest, plugin));
    }

    /// The places of the interests that match, in order, some of them perhaps twice.
    fn places(&self, stage: Stage, stanza: &Stanza, facts: &Facts) -> SmallVec<[usize; 12]> {
        let ty = 1 << stanza.ty() as u16;
        let targets = if stage == Stage::Process { facts.targets } else { Target::all() };
        let fits = |interest: &Interest| {
            interest.types & ty != 0
                && !(facts.by_type && interest.types == u16::MAX)
                && interest.targets.intersects(targets)
                && interest.marked.is_none_or(|(party, mark)| facts.marks(party) & mark != 0)
        };
        let fitting = |place: &usize| fits(&self.interests[*place].0);
        let mut places: SmallVec<_> = self.without_payload.iter().copied().filter(fitting).collect();
        if self.by_namespace.is_empty() {
            return places;
        }
        for child in stanza.children() {
            let Some(asking) = self.by_namespace.get(child.ns()) else { continue };
            places.extend(asking.iter().copied().filter(|place| {
                let (interest, _) = &self.interests[*place];
                fits(interest) && interest.payload.as_ref().is_some_and(|payload| payload.fits(child))
            }));
        }
        places.sort_unstable();
        places
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
