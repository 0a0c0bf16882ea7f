//! Changes to stored data that a call has made so far. Nothing of it is in the database yet, but
//! the call's own reads see it.

mod log;
mod table;

pub(crate) use log::Append;
pub(crate) use table::{Cell, SwapError};

use waxwing_storage::Write;

/// A limit on the changes of one call is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OverQuota;

/// The staged changes of one call. Writes commit first, deletes after the call's stanzas have
/// left; so at most one of them can be about any one key, except that a swap which guards a key that is
/// unset comes before that.
#[derive(Debug, Default)]
pub(crate) struct Staged {
    writes: Vec<Staging>,
    deletes: Vec<Write>,
    /// Deletes of earlier calls that are still to be made.
    pending: Vec<Write>,
    /// The entries that the call has been shown of each log.
    shown: Vec<(Place, Vec<u64>)>,
    count: usize,
    bytes: usize,
    appended: u64,
}

/// A write that has not been made, and for an append the number by which the call knows it.
#[derive(Debug)]
struct Staging {
    write: Write,
    id: u64,
    /// A crash may lose it.
    soon: bool,
}

/// The part of a store that belongs to one owner.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    store: String,
    owner: String,
}

impl Place {
    fn new(store: &str, owner: &str) -> Place {
        Place { store: store.to_owned(), owner: owner.to_owned() }
    }
}

/// How much a call may change.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quota {
    pub count: usize,
    pub bytes: usize,
}

impl Staged {
    /// Whether anything is to be durable before the call's stanzas leave.
    pub fn must_last(&self) -> bool {
        self.writes.iter().any(|staging| !staging.soon)
    }

    /// What is to be committed: the writes, then the deletes.
    pub fn into_writes(self) -> (Vec<Write>, Vec<Write>) {
        (self.writes.into_iter().map(|staging| staging.write).collect(), self.deletes)
    }

    /// What commits before the call's stanzas leave.
    pub fn writes(&self) -> impl Iterator<Item = &Write> {
        self.writes.iter().map(|staging| &staging.write)
    }

    /// What commits after they have left.
    pub fn deletes(&self) -> impl Iterator<Item = &Write> {
        self.deletes.iter()
    }

    /// From now on what these would delete from logs is not there. In place of those named before.
    pub fn overlook(&mut self, pending: Vec<Write>) {
        self.pending = pending;
    }

    /// A write that no read of the call can see.
    pub fn other(&mut self, write: Write, bytes: usize, quota: Quota) -> Result<(), OverQuota> {
        self.charge(bytes, quota)?;
        self.push(write);
        Ok(())
    }

    /// Whether nothing is to be committed.
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty() && self.deletes.is_empty()
    }

    /// Account for one more change of this many bytes. What is replaced later is not given back,
    /// so that the work of a call is bounded too.
    fn charge(&mut self, bytes: usize, quota: Quota) -> Result<(), OverQuota> {
        let bytes = self.bytes.saturating_add(bytes);
        if self.count >= quota.count || bytes > quota.bytes {
            return Err(OverQuota);
        }
        self.count += 1;
        self.bytes = bytes;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
