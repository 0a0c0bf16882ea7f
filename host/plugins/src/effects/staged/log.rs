//! Logs.

use super::{OverQuota, Place, Quota, Staged, Staging};
use waxwing_storage::{LogEntry, LogQuery, Result, Storage, Write};

/// Where the numbers of appends that are only staged begin: above all that the database gives.
pub(super) const STAGED: u64 = 1 << 62;

/// Entries read at a time while counting.
const PAGE: u32 = 256;

/// One value to be appended.
#[derive(Debug)]
pub(crate) struct Append {
    pub at: u64,
    pub tag: Option<String>,
    pub value: Vec<u8>,
    pub expires: Option<u64>,
}

impl Staged {
    pub fn append(
        &mut self,
        store: &str,
        owner: &str,
        append: Append,
        quota: Quota,
    ) -> std::result::Result<(), OverQuota> {
        self.charge(append.value.len() + append.tag.as_ref().map_or(0, String::len), quota)?;
        let Append { at, tag, value, expires } = append;
        let write = Write::LogAppend { store: store.into(), owner: owner.into(), at, tag, value, expires };
        self.writes.push(Staging { write, id: STAGED + self.appended, soon: false });
        self.appended += 1;
        Ok(())
    }

    /// Delete one entry; one that is only staged simply goes.
    pub fn remove(
        &mut self,
        store: &str,
        owner: &str,
        id: u64,
        quota: Quota,
    ) -> std::result::Result<(), OverQuota> {
        self.charge(0, quota)?;
        if id >= STAGED {
            self.writes.retain(|staging| staging.id != id || !appends_to(&staging.write, store, owner));
        } else {
            self.deletes.push(Write::LogRemove { store: store.into(), owner: owner.into(), id });
        }
        Ok(())
    }

    /// Delete all entries up to one. Where that one is only staged, this means all those stored
    /// that the call has been shown: others may have been appended since by somebody else.
    pub fn trim(
        &mut self,
        store: &str,
        owner: &str,
        through: u64,
        quota: Quota,
    ) -> std::result::Result<(), OverQuota> {
        self.charge(0, quota)?;
        let stored = if through >= STAGED {
            self.writes.retain(|s| s.id == 0 || s.id > through || !appends_to(&s.write, store, owner));
            self.shown(store, owner).iter().copied().max().unwrap_or(0)
        } else {
            through
        };
        if stored == 0 {
            return Ok(());
        }
        let (store, owner) = (store.to_owned(), owner.to_owned());
        if self.hides(&store, &owner) {
            // What others hold is theirs: only what the call has been shown goes.
            let shown = self.shown(&store, &owner).iter().filter(|id| **id <= stored);
            let remove = |id: &u64| Write::LogRemove { store: store.clone(), owner: owner.clone(), id: *id };
            let removals: Vec<_> = shown.map(remove).collect();
            self.deletes.extend(removals);
        } else {
            self.deletes.push(Write::LogTrim { store, owner, through: stored });
        }
        Ok(())
    }

    /// What the call believes to be there.
    pub async fn read(
        &mut self,
        storage: &dyn Storage,
        store: &str,
        owner: &str,
        query: LogQuery,
    ) -> Result<Vec<LogEntry>> {
        let entries = self.look(storage, store, owner, query).await?;
        let ids = entries.iter().map(|entry| entry.id).filter(|id| *id < STAGED);
        let place = Place::new(store, owner);
        match self.shown.iter_mut().find(|(known, _)| *known == place) {
            Some((_, shown)) => shown.extend(ids),
            None => self.shown.push((place, ids.collect())),
        }
        Ok(entries)
    }

    /// How many entries the call believes to be there.
    pub async fn count(
        &self,
        storage: &dyn Storage,
        store: &str,
        owner: &str,
        tag: Option<&str>,
    ) -> Result<u64> {
        let shrunk = self.trimmed(store, owner) > 0 || self.removed(store, owner).next().is_some();
        if !shrunk {
            let query = LogQuery { tag: tag.map(String::from), limit: u32::MAX, ..LogQuery::default() };
            let staged = self.appends(store, owner, &query).count() as u64;
            return Ok(storage.log_count(store, owner, tag).await? + staged);
        }
        // Only reading tells which of the removed are really there and bear the tag.
        let (mut count, mut after) = (0, 0);
        loop {
            let query = LogQuery { after, tag: tag.map(String::from), limit: PAGE, ..LogQuery::default() };
            let page = self.look(storage, store, owner, query).await?;
            count += page.len() as u64;
            match page.last() {
                Some(last) if page.len() == PAGE as usize => after = last.id,
                _ => return Ok(count),
            }
        }
    }

    async fn look(
        &self,
        storage: &dyn Storage,
        store: &str,
        owner: &str,
        query: LogQuery,
    ) -> Result<Vec<LogEntry>> {
        let limit = query.limit as usize;
        let removed: Vec<u64> = self.removed(store, owner).collect();
        let stored = LogQuery {
            after: query.after.max(self.trimmed(store, owner)).min(STAGED),
            before: query.before.map(|before| before.min(STAGED)),
            limit: query.limit.saturating_add(removed.len() as u32),
            ..query.clone()
        };
        let mut entries = storage.log_read(store, owner, stored).await?;
        entries.retain(|entry| !removed.contains(&entry.id));
        entries.truncate(limit);
        let mut staged: Vec<LogEntry> = self.appends(store, owner, &query).collect();
        if query.backwards {
            staged.reverse();
            staged.append(&mut entries);
            entries = staged;
        } else {
            entries.append(&mut staged);
        }
        entries.truncate(limit);
        Ok(entries)
    }

    /// Staged entries that a query asks for, oldest first.
    fn appends<'a>(
        &'a self,
        store: &'a str,
        owner: &'a str,
        query: &'a LogQuery,
    ) -> impl Iterator<Item = LogEntry> + 'a {
        self.writes.iter().filter(move |staging| appends_to(&staging.write, store, owner)).filter_map(
            |staging| {
                let Write::LogAppend { at, tag, value, .. } = &staging.write else { return None };
                let asked = staging.id > query.after
                    && query.before.is_none_or(|before| staging.id < before)
                    && query.since.is_none_or(|since| *at >= since)
                    && query.until.is_none_or(|until| *at < until)
                    && (query.tag.is_none() || query.tag == *tag);
                asked.then(|| LogEntry { id: staging.id, at: *at, tag: tag.clone(), value: value.clone() })
            },
        )
    }

    fn removed(&self, store: &str, owner: &str) -> impl Iterator<Item = u64> {
        self.deletes.iter().chain(&self.pending).filter_map(move |delete| match delete {
            Write::LogRemove { store: s, owner: o, id } if s == store && o == owner => Some(*id),
            _ => None,
        })
    }

    fn trimmed(&self, store: &str, owner: &str) -> u64 {
        let trims = self.deletes.iter().chain(&self.pending).filter_map(|delete| match delete {
            Write::LogTrim { store: s, owner: o, through } if s == store && o == owner => Some(*through),
            _ => None,
        });
        trims.max().unwrap_or(0)
    }

    fn shown(&self, store: &str, owner: &str) -> &[u64] {
        let place = self.shown.iter().find(|(place, _)| place.store == store && place.owner == owner);
        place.map_or(&[], |(_, ids)| ids)
    }

    /// Whether there are entries that the call is not shown, because somebody else holds them.
    fn hides(&self, store: &str, owner: &str) -> bool {
        self.pending.iter().any(|delete| match delete {
            Write::LogRemove { store: s, owner: o, .. } | Write::LogTrim { store: s, owner: o, .. } => {
                s == store && o == owner
            }
            _ => false,
        })
    }
}

fn appends_to(write: &Write, store: &str, owner: &str) -> bool {
    matches!(write, Write::LogAppend { store: s, owner: o, .. } if s == store && o == owner)
}
