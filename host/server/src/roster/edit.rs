//! Reading a roster, and changing it: compare-and-set on its version, then pushes in order.

use super::format::{item_xml, push_xml, removed_xml};
use super::version::version;
use crate::server::Server;
use std::sync::Arc;
use waxwing_storage::{Batch, Error, Roster, RosterItem, Write};
use waxwing_xmpp::{Condition, Jid, Stanza, StanzaError, Type};

/// How often a change is tried again when somebody else has changed the roster meanwhile.
const ATTEMPTS: usize = 16;

/// What becomes of one item.
pub(crate) enum Change {
    Keep,
    Put(RosterItem),
    Remove(Jid),
}

/// A change of a roster as decided from its present state.
pub(crate) struct Edit<T> {
    pub change: Change,
    /// Tell the interested resources of the change (RFC 6121, section 2.1.6).
    pub push: bool,
    /// A stanza for the interested resources ahead of the push.
    pub first: Option<Stanza>,
    /// For whoever asked for the change.
    pub answer: T,
}

impl Server {
    /// The roster of a local account, hidden items too. Costs no reading while the account is online.
    pub(crate) async fn roster_of(&self, owner: &Jid) -> Result<Arc<Roster>, StanzaError> {
        match self.directory.account(owner.as_str()).and_then(|entry| entry.roster()) {
            Some(roster) => Ok(roster),
            None => self.read_roster(owner).await,
        }
    }

    async fn read_roster(&self, owner: &Jid) -> Result<Arc<Roster>, StanzaError> {
        // Looked up before the reading: a change that is committed after it finds the same entry,
        // and the later version wins there.
        let entry = self.directory.account(owner.as_str());
        let roster = Arc::new(self.storage.roster(owner).await.map_err(storage_error)?);
        let Some(entry) = entry else { return Ok(roster) };
        entry.set_roster(roster.clone());
        Ok(entry.roster().unwrap_or(roster))
    }

    /// Change a roster. `decide` sees the present roster, and is asked again if that turns out to
    /// have changed. Nothing is kept if it fails; once this returns the change is durable and the
    /// pushes are queued, in the order of the versions. Nothing changes where there is only a guest.
    pub(crate) async fn edit_roster<T>(
        &self,
        owner: &Jid,
        decide: impl Fn(&Roster) -> Result<Edit<T>, StanzaError>,
    ) -> Result<T, StanzaError> {
        let entry = self.directory.account(owner.as_str());
        let _turn = match &entry {
            Some(entry) => entry.roster_turn().await,
            None => None,
        };
        let mut roster = self.roster_of(owner).await?;
        for _ in 0..ATTEMPTS {
            let edit = decide(&roster)?;
            let (put, remove) = match &edit.change {
                Change::Keep => return Ok(edit.answer),
                Change::Put(item) => (vec![item.clone()], Vec::new()),
                Change::Remove(jid) => (Vec::new(), vec![jid.clone()]),
            };
            if self.is_anonymous(owner) {
                return Err(
                    StanzaError::from(Condition::NotAllowed).with_text("nothing is kept without an account")
                );
            }
            let write = Write::Roster { owner: owner.clone(), expect: roster.version, put, remove };
            match self.storage.commit(Batch::one(write)).await {
                Ok(_) => {
                    let changed = Arc::new(changed(&roster, &edit.change));
                    self.changed(owner, changed, &edit);
                    return Ok(edit.answer);
                }
                Err(Error::Conflict) => roster = self.read_roster(owner).await?,
                Err(error) => return Err(storage_error(error)),
            }
        }
        Err(Condition::ResourceConstraint.into())
    }

    /// Take note of a committed change, and tell the interested resources.
    fn changed<T>(&self, owner: &Jid, roster: Arc<Roster>, edit: &Edit<T>) {
        // Looked up again: the account may have come online meanwhile.
        let Some(entry) = self.directory.account(owner.as_str()) else { return };
        entry.set_roster(roster.clone());
        let item = match &edit.change {
            Change::Put(item) if edit.push => Some(item_xml(item)),
            Change::Remove(jid) if edit.push => Some(removed_xml(jid)),
            _ => None,
        };
        let push = item.map(|item| {
            let inner = push_xml(&version(&roster), &item);
            Stanza::iq(Type::Set, &format!("roster-{}", roster.version), &inner)
        });
        for session in entry.sessions().iter().filter(|session| session.interested()) {
            let pushed = push.as_ref().map(|push| push.with_addresses(None, Some(session.jid.clone())));
            for stanza in edit.first.iter().cloned().chain(pushed) {
                session.tell(stanza);
            }
        }
    }
}

/// The roster after a change, as the storage has it now.
fn changed(roster: &Roster, change: &Change) -> Roster {
    let version = roster.version + 1;
    let mut items = roster.items.clone();
    match change {
        Change::Keep => {}
        Change::Put(item) => {
            let item = RosterItem { version, ..item.clone() };
            match items.binary_search_by(|other| other.jid.as_str().cmp(item.jid.as_str())) {
                Ok(at) => items[at] = item,
                Err(at) => items.insert(at, item),
            }
        }
        Change::Remove(jid) => items.retain(|item| item.jid != *jid),
    }
    Roster { version, items }
}

/// What to tell a client whose stanza needed the storage.
pub(crate) fn storage_error(error: Error) -> StanzaError {
    error.log(format_args!("a roster could not be read or written"));
    match error {
        Error::Unavailable(_) | Error::Conflict => Condition::ResourceConstraint.into(),
        Error::TooLong(_) => Condition::NotAcceptable.into(),
        Error::Corrupt(_) | Error::Account(_) | Error::NoComponent(_) => {
            Condition::InternalServerError.into()
        }
    }
}
