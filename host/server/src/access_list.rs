//! The access lists of the whole server: who administers it beside those whom the config file names, and with whom
//! nobody exchanges stanzas (XEP-0133, sections 4.11, 4.12 and 4.29).

use crate::server::Server;
use std::collections::BTreeSet;
use std::iter::successors;
use std::sync::Arc;
use waxwing_plugins::AccessList;
use waxwing_storage::{Batch, Error, Storage, Write};
use waxwing_xmpp::Jid;

/// Where they are kept: a key for each, with an address on each line.
const STORE: &str = "host/access-lists";

/// Addresses as they are compared.
type Entries = BTreeSet<Box<str>>;

/// All of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct AccessLists {
    /// Without those of the config file.
    administrators: Entries,
    blacklist: Entries,
    whitelist: Entries,
}

/// Why a list stays as it was.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AccessListError {
    /// The sentence says which address cannot be on it.
    #[error("{0}")]
    Invalid(String),
    /// It could not be kept.
    #[error(transparent)]
    Storage(#[from] Error),
}

impl AccessLists {
    /// Those of the storage.
    pub async fn load(storage: &dyn Storage) -> Result<Self, Error> {
        let mut lists = Self::default();
        for list in [AccessList::Administrators, AccessList::Blacklist, AccessList::Whitelist] {
            if let Some(kept) = storage.table_get(STORE, "", key(list)).await? {
                *lists.entries_mut(list) = String::from_utf8_lossy(&kept).lines().map(Into::into).collect();
            }
        }
        Ok(lists)
    }

    /// Whether somebody was made an administrator while the server ran.
    pub fn administers(&self, user: &Jid) -> bool {
        self.administrators.contains(user.bare_str())
    }

    /// What keeps a list.
    pub fn stored(&self, list: AccessList) -> Write {
        let lines: Vec<&str> = self.entries(list).iter().map(AsRef::as_ref).collect();
        Write::TableSet {
            store: STORE.to_owned(),
            owner: String::new(),
            key: key(list).to_owned(),
            value: lines.join("\n").into_bytes(),
        }
    }

    fn entries(&self, list: AccessList) -> &Entries {
        match list {
            AccessList::Administrators => &self.administrators,
            AccessList::Blacklist => &self.blacklist,
            AccessList::Whitelist => &self.whitelist,
        }
    }

    fn entries_mut(&mut self, list: AccessList) -> &mut Entries {
        match list {
            AccessList::Administrators => &mut self.administrators,
            AccessList::Blacklist => &mut self.blacklist,
            AccessList::Whitelist => &mut self.whitelist,
        }
    }

    /// The lists without the rights of an account, if it has any.
    fn without_administrator(&self, account: &Jid) -> Option<Self> {
        let mut lists = self.clone();
        lists.administrators.remove(account.bare_str()).then_some(lists)
    }
}

fn key(list: AccessList) -> &'static str {
    match list {
        AccessList::Administrators => "administrators",
        AccessList::Blacklist => "blacklist",
        AccessList::Whitelist => "whitelist",
    }
}

/// A domain and those above it.
fn upwards(jid: &Jid) -> impl Iterator<Item = &str> {
    successors(Some(jid.domain()), |domain| domain.split_once('.').map(|(_, above)| above))
}

impl Server {
    /// Whether the lists let two parties exchange stanzas. Nearly always they are empty.
    pub(crate) fn lists_admit(&self, from: &Jid, to: &Jid) -> bool {
        self.admitted_by(&self.access_lists.load(), from, to)
    }

    fn admitted_by(&self, lists: &AccessLists, from: &Jid, to: &Jid) -> bool {
        if lists.blacklist.is_empty() && lists.whitelist.is_empty() || from.bare_str() == to.bare_str() {
            return true;
        }
        // An account can always reach its own server.
        let is_server_of = |server: &Jid, user: &Jid| {
            server.is_domain() && self.is_local(server.domain()) && self.is_local(user.domain())
        };
        is_server_of(from, to)
            || is_server_of(to, from)
            || [from, to].into_iter().all(|party| self.party_admitted(lists, party))
    }

    fn party_admitted(&self, lists: &AccessLists, party: &Jid) -> bool {
        // What is said of a domain never concerns the virtual hosts of this server.
        let is_on = |entries: &Entries| {
            party.local().is_some() && entries.contains(party.bare_str())
                || upwards(party).take_while(|it| !self.is_local(it)).any(|it| entries.contains(it))
        };
        let is_own = || upwards(party).any(|domain| self.is_local(domain));
        let whitelisted = lists.whitelist.is_empty() || is_own() || is_on(&lists.whitelist);
        whitelisted && !is_on(&lists.blacklist) || self.is_admin(party)
    }

    /// The accounts that administer the server, in order.
    pub fn administrators(&self) -> Vec<Jid> {
        let lists = self.access_lists.load();
        let added = lists.administrators.iter().map(AsRef::as_ref);
        let all: BTreeSet<&str> = added.chain(self.settings.admins.iter().map(String::as_str)).collect();
        all.into_iter().filter_map(|account| Jid::parse(account).ok()).collect()
    }

    /// What is on a list, in order.
    pub(crate) fn access_list(&self, list: AccessList) -> Vec<String> {
        if list == AccessList::Administrators {
            return self.administrators().iter().map(Jid::to_string).collect();
        }
        self.access_lists.load().entries(list).iter().map(|it| it.clone().into()).collect()
    }

    /// Put exactly these addresses on a list, from now on and after every restart. Administrators of the config file stay,
    /// whether or not they are among them.
    pub(crate) async fn set_access_list(
        &self,
        list: AccessList,
        entries: &[String],
    ) -> Result<(), AccessListError> {
        // Accounts are removed in the same turn, so none goes between the check and the commit.
        let _turn = self.vhosts_turn.acquire().await;
        let entries = self.checked_entries(list, entries).await?;
        let before = self.access_lists.load_full();
        let mut lists = AccessLists::clone(&before);
        *lists.entries_mut(list) = entries;
        self.storage.commit(Batch::one(lists.stored(list))).await?;
        tracing::info!(list = key(list), entries = lists.entries(list).len(), "access list changed");
        self.access_lists.store(Arc::new(lists));
        self.part_unlisted(before);
        Ok(())
    }

    async fn checked_entries(
        &self,
        list: AccessList,
        entries: &[String],
    ) -> Result<Entries, AccessListError> {
        let mut checked = Entries::new();
        for entry in entries {
            let invalid = |why: &dyn std::fmt::Display| AccessListError::Invalid(format!("'{entry}': {why}"));
            let jid = Jid::parse(entry).map_err(|why| invalid(&why))?;
            let wrong = match list {
                _ if !jid.is_bare() => Some("an address with a resource cannot be on this list"),
                AccessList::Administrators => self.wrong_administrator(&jid).await?,
                AccessList::Blacklist if self.is_local(jid.as_str()) => {
                    Some("this is a domain of this server, which can be switched off instead")
                }
                AccessList::Blacklist if self.is_admin(&jid) => Some("this account administers the server"),
                AccessList::Blacklist | AccessList::Whitelist => None,
            };
            if let Some(why) = wrong {
                return Err(invalid(&why));
            }
            checked.insert(jid.as_str().into());
        }
        if list == AccessList::Administrators {
            checked.retain(|account| !self.settings.admins.iter().any(|admin| **admin == **account));
        }
        let most = self.settings.limits.access_list_entries;
        if checked.len() > most as usize {
            return Err(AccessListError::Invalid(format!("This list has {most} addresses at most")));
        }
        Ok(checked)
    }

    /// What is wrong with somebody as an administrator. A name without an account would have the rights of whoever takes
    /// it.
    async fn wrong_administrator(&self, jid: &Jid) -> Result<Option<&'static str>, Error> {
        if jid.local().is_some() && self.is_admin(jid) {
            return Ok(None);
        }
        let is_account = self.is_local(jid.domain()) && self.is_account(jid).await?;
        Ok((!is_account).then_some("there is no such account here"))
    }

    /// The lists as they are without the rights of an account that is to be removed, if it has any; the caller has the turn
    /// of the virtual hosts.
    pub(crate) fn lists_without(&self, account: &Jid) -> Option<AccessLists> {
        self.access_lists.load().without_administrator(account)
    }

    /// Lists have changed: parties that they separate from now on see each other go offline.
    fn part_unlisted(&self, before: Arc<AccessLists>) {
        let Some(server) = self.me.upgrade() else { return };
        // The change itself does not wait for clients that read slowly.
        tokio::spawn(async move {
            let now = server.access_lists.load_full();
            let is_cut = |one: &Jid, other: &Jid| {
                server.admitted_by(&before, one, other) && !server.admitted_by(&now, one, other)
            };
            server.part(is_cut).await;
        });
    }
}

#[cfg(test)]
mod tests;
