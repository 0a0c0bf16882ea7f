//! What a call hears of the host, as a list that cannot grow without end.

use super::exchange::{Exchange, HostAnswer, HostQuestion};
use super::host::Oracle;
use super::live::Live;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use std::sync::Arc;

/// Bytes of one call that are kept, with what it was told and what it did. A call of more is left out.
pub(crate) const MOST: usize = 4 << 20;

/// What one call has asked and heard.
#[derive(Debug, Default)]
pub(crate) struct Tape(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    exchanges: Vec<Exchange>,
    bytes: usize,
}

impl Tape {
    fn push(&self, question: HostQuestion, answer: &HostAnswer) {
        let mut kept = self.0.lock();
        kept.bytes = kept.bytes.saturating_add(question.weight()).saturating_add(answer.weight());
        if kept.bytes <= MOST {
            kept.exchanges.push(Exchange { question, answer: answer.clone() });
        } else {
            kept.exchanges = Vec::new();
        }
    }

    /// All of it; `None` if it is, with so many bytes more, too large.
    pub fn take(&self, more: usize) -> Option<Vec<Exchange>> {
        let mut kept = self.0.lock();
        (kept.bytes.saturating_add(more) <= MOST).then(|| std::mem::take(&mut kept.exchanges))
    }
}

/// The real host, with everything that it answers on tape.
pub(crate) struct Recorder {
    pub live: Live,
    pub tape: Arc<Tape>,
}

impl Oracle for Recorder {
    fn at_once(&self, question: HostQuestion) -> HostAnswer {
        let answer = self.live.at_once(question.clone());
        self.tape.push(question, &answer);
        answer
    }

    fn answer(&self, question: HostQuestion) -> BoxFuture<'_, HostAnswer> {
        async move {
            let answer = self.live.answer(question.clone()).await;
            self.tape.push(question, &answer);
            answer
        }
        .boxed()
    }

    fn store_bytes<'a>(&'a self, store: &'a str) -> BoxFuture<'a, waxwing_storage::Result<u64>> {
        self.live.store_bytes(store)
    }

    fn alarm_bytes<'a>(&'a self, plugin: &'a str) -> BoxFuture<'a, waxwing_storage::Result<u64>> {
        self.live.alarm_bytes(plugin)
    }
}

/// What every exchange takes beside its text.
const EACH: usize = 128;

impl Exchange {
    /// About how many bytes it keeps.
    pub(super) fn weight(&self) -> usize {
        self.question.weight() + self.answer.weight()
    }
}

impl HostQuestion {
    /// About how many bytes it keeps.
    fn weight(&self) -> usize {
        let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        EACH + match self {
            HostQuestion::Now | HostQuestion::Started | HostQuestion::Random(_) => 0,
            HostQuestion::IsLocal(name)
            | HostQuestion::Sessions(name)
            | HostQuestion::AccountData(name)
            | HostQuestion::AccountExists(name)
            | HostQuestion::IsAnonymous(name)
            | HostQuestion::StoredAccountData(name)
            | HostQuestion::CreateAccount { account: name, .. }
            | HostQuestion::SetPassword { account: name, .. } => name.len(),
            HostQuestion::Admin(request) => json_bytes(request),
            HostQuestion::Authority { user: name, domain }
            | HostQuestion::MayManage { user: name, account: domain }
            | HostQuestion::VhostSetting { domain, name }
            | HostQuestion::HasFeature { domain, feature: name } => domain.len() + name.len(),
            HostQuestion::Subscription { owner, contact } => owner.len() + contact.len(),
            HostQuestion::Contacts { owner, after, .. } => owner.len() + text(after),
            HostQuestion::TableGet { store, owner, key } => store.len() + owner.len() + key.len(),
            HostQuestion::TableKeys { store, owner, prefix, after, .. } => {
                store.len() + owner.len() + prefix.len() + text(after)
            }
            HostQuestion::TableScan { store, owner, range } => {
                let range = range.prefix.len() + text(&range.after) + text(&range.before);
                store.len() + owner.len() + range
            }
            HostQuestion::LogRead { store, owner, query } => store.len() + owner.len() + text(&query.tag),
            HostQuestion::LogCount { store, owner, tag } => store.len() + owner.len() + text(tag),
        }
    }
}

impl HostAnswer {
    /// About how many bytes it keeps.
    fn weight(&self) -> usize {
        match self {
            HostAnswer::Admin(answer) => json_bytes(answer),
            HostAnswer::Authority(_)
            | HostAnswer::Time(_)
            | HostAnswer::Is(_)
            | HostAnswer::Subscription(_)
            | HostAnswer::Account(_)
            | HostAnswer::Count(_) => 0,
            HostAnswer::Random(value) | HostAnswer::Value(value) => {
                value.as_ref().map_or(0, |value| value.0.len())
            }
            HostAnswer::Text(text) => text.as_ref().map_or(0, String::len),
            HostAnswer::Failed(text) => text.len(),
            HostAnswer::Sessions(sessions) => {
                let marks = |marks: &[String]| marks.iter().map(|mark| 24 + mark.len()).sum::<usize>();
                sessions.iter().map(|session| 64 + session.jid.len() + marks(&session.marks)).sum()
            }
            HostAnswer::Data(entries) => {
                entries.iter().flatten().map(|(key, value)| 48 + key.len() + value.0.len()).sum()
            }
            HostAnswer::Contacts(contacts) => {
                let groups = |groups: &[String]| groups.iter().map(|group| 24 + group.len()).sum::<usize>();
                contacts.iter().map(|contact| 64 + contact.jid.len() + groups(&contact.groups)).sum()
            }
            HostAnswer::Rows(rows) => rows.iter().map(|(key, value)| 48 + key.len() + value.0.len()).sum(),
            HostAnswer::Keys(keys) => keys.iter().map(|key| 24 + key.len()).sum(),
            HostAnswer::Entries(entries) => {
                let tag = |tag: &Option<String>| tag.as_ref().map_or(0, String::len);
                entries.iter().map(|entry| 64 + tag(&entry.tag) + entry.value.0.len()).sum()
            }
        }
    }
}

fn json_bytes(value: &impl serde::Serialize) -> usize {
    serde_json::to_string(value).map_or(0, |text| text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tape_that_is_too_long_keeps_nothing() {
        let tape = Tape::default();
        let value = HostAnswer::Value(Some(vec![0; MOST / 4].into()));
        for _ in 0..3 {
            tape.push(HostQuestion::Now, &value);
        }
        assert_eq!(tape.take(MOST / 2), None);
        assert_eq!(tape.take(0).map(|exchanges| exchanges.len()), Some(3));
        for _ in 0..100 {
            tape.push(HostQuestion::Now, &value);
        }
        assert!(tape.0.lock().exchanges.is_empty());
        assert_eq!(tape.take(0), None);
    }
}
