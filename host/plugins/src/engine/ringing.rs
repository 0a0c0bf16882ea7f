//! Which alarms ring, which have failed, and which have just ended.

use parking_lot::Mutex;
use std::collections::{HashMap, HashSet};
use waxwing_storage::Alarm;

/// Owner, plugin and name of an alarm.
type Key = (String, String, String);

/// What the storage does not say of alarms.
#[derive(Default)]
pub(super) struct Ringing(Mutex<State>);

#[derive(Default)]
struct State {
    /// Those that ring now.
    now: HashSet<Key>,
    /// How often those have failed that are to ring again.
    failures: HashMap<Key, u32>,
    /// Those that have ended since what is due was last asked for, with when they were due.
    ended: HashSet<(Key, u64)>,
}

impl Ringing {
    /// The storage is about to be asked what is due: what has ended before is not in its answer.
    pub fn ask(&self) {
        self.0.lock().ended.clear();
    }

    /// An alarm that the storage has named is to ring, unless it rings already or has ended since the storage was asked.
    pub fn begin(&self, alarm: &Alarm) -> bool {
        let (key, mut state) = (key(alarm), self.0.lock());
        !state.ended.contains(&(key.clone(), alarm.at)) && state.now.insert(key)
    }

    /// Whether any rings.
    pub fn is_any(&self) -> bool {
        !self.0.lock().now.is_empty()
    }

    /// How often it has failed.
    pub fn failures(&self, alarm: &Alarm) -> u32 {
        self.0.lock().failures.get(&key(alarm)).copied().unwrap_or_default()
    }

    /// It rings no more, having failed so often. `is_stored` is whether the storage knows.
    pub fn end(&self, alarm: &Alarm, failures: u32, is_stored: bool) {
        let (key, mut state) = (key(alarm), self.0.lock());
        if is_stored {
            state.ended.insert((key.clone(), alarm.at));
        }
        state.now.remove(&key);
        match failures {
            0 => drop(state.failures.remove(&key)),
            _ => drop(state.failures.insert(key, failures)),
        }
    }
}

fn key(alarm: &Alarm) -> Key {
    (alarm.owner.clone(), alarm.plugin.clone(), alarm.name.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alarm(at: u64) -> Alarm {
        Alarm { plugin: "p".into(), owner: "o".into(), name: "n".into(), at, data: Vec::new() }
    }

    #[test]
    fn an_alarm_that_ends_while_the_storage_is_asked_does_not_ring_again() {
        let ringing = Ringing::default();
        ringing.ask();
        assert!(ringing.begin(&alarm(1)) && !ringing.begin(&alarm(1)) && ringing.is_any());
        // The storage is asked, the alarm ends, and the answer still has it.
        ringing.ask();
        ringing.end(&alarm(1), 0, true);
        assert!(!ringing.begin(&alarm(1)) && !ringing.is_any());
        // Its successor is another.
        assert!(ringing.begin(&alarm(2)));
        ringing.end(&alarm(2), 1, true);
        assert_eq!(ringing.failures(&alarm(2)), 1);
        ringing.ask();
        assert!(ringing.begin(&alarm(1)));
        // What could not be stored is still there, and rings again.
        ringing.end(&alarm(1), 0, false);
        assert!(ringing.begin(&alarm(1)));
        assert_eq!(ringing.failures(&alarm(1)), 0);
    }
}
