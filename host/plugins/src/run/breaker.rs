//! Stops asking a plugin that keeps failing, and tries again later.
//!
//! What one sender causes holds for that sender only: nobody can take a plugin from everybody else by
//! sending what makes it fail.

use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// This many failures within [`WINDOW`] open the breaker.
const FAILURES: usize = 5;
const WINDOW: Duration = Duration::from_secs(60);
/// So many senders must have been unlucky before it opens for all.
const SENDERS: usize = 3;
/// How long the breaker stays open the first time; twice as long each time in a row.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
/// Senders that are remembered. When there are more, all count as one.
const REMEMBERED: usize = 1000;

/// What to do with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gate {
    /// Make it.
    Open,
    /// The plugin has failed too often: do not.
    Shut,
}

/// Counts failures of one plugin.
#[derive(Debug, Default)]
pub(crate) struct Breaker {
    /// So that a plugin that works costs one load a call.
    troubled: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    all: Circuit,
    /// By account; calls that nobody has caused belong to the empty name.
    senders: HashMap<Box<str>, Circuit>,
}

#[derive(Debug, Default)]
struct Circuit {
    /// When the last failures were, oldest first, at most [`FAILURES`].
    failures: Vec<Instant>,
    /// No calls before this.
    shut_until: Option<Instant>,
    pause: Option<Duration>,
    /// The one call that a pause ends with is on its way.
    trial: bool,
}

impl Breaker {
    /// Whether a call for a sender may be made now. While shut, one is let through at the end of each
    /// pause.
    pub fn gate(&self, sender: &str) -> Gate {
        if !self.troubled.load(Ordering::Relaxed) {
            return Gate::Open;
        }
        let mut state = self.state.lock();
        let now = Instant::now();
        if state.all.gate(now) == Gate::Shut {
            return Gate::Shut;
        }
        state.senders.get_mut(sender).map_or(Gate::Open, |circuit| circuit.gate(now))
    }

    /// A call for a sender has gone well.
    pub fn success(&self, sender: &str) {
        if self.troubled.load(Ordering::Relaxed) {
            let mut state = self.state.lock();
            if state.senders.get(sender).is_some_and(Circuit::has_been_shut) {
                state.senders.remove(sender);
            }
            if state.all.has_been_shut() {
                *state = State::default();
            }
            if state.senders.is_empty() {
                self.troubled.store(false, Ordering::Relaxed);
            }
        }
    }

    /// A call for a sender has failed. Says for how long the plugin is left alone by that sender, or
    /// by all, if this shuts a circuit.
    pub fn failure(&self, sender: &str) -> Option<Duration> {
        self.troubled.store(true, Ordering::Relaxed);
        let mut state = self.state.lock();
        let now = Instant::now();
        state.senders.retain(|_, circuit| circuit.is_of_interest(now));
        let remembered = state.senders.len() < REMEMBERED || state.senders.contains_key(sender);
        let own = state.senders.entry(if remembered { sender.into() } else { "".into() }).or_default();
        let own = own.failure(now);
        // Nobody in particular: nobody else would be spared.
        let unlucky = state.senders.values().filter(|circuit| !circuit.is_quiet()).count();
        let all = (sender.is_empty() || unlucky >= SENDERS || state.all.has_been_shut())
            .then(|| state.all.failure(now))
            .flatten();
        all.or(own)
    }

    /// Whether calls of all senders are refused now, and of how many senders besides.
    pub fn is_shut(&self) -> (bool, usize) {
        let state = self.state.lock();
        let now = Instant::now();
        let shut = state.senders.values().filter(|circuit| circuit.is_shut(now)).count();
        (state.all.is_shut(now), shut)
    }
}

impl Circuit {
    fn gate(&mut self, now: Instant) -> Gate {
        match (self.shut_until, self.pause) {
            (Some(until), _) if now < until => Gate::Shut,
            (Some(_), Some(pause)) => {
                // The next may try after another pause, or as soon as this one has succeeded.
                self.shut_until = Some(now + pause);
                self.trial = true;
                Gate::Open
            }
            _ => Gate::Open,
        }
    }

    fn failure(&mut self, now: Instant) -> Option<Duration> {
        if self.shut_until.is_some() {
            // One that was under way when the breaker was shut says nothing new.
            if !self.trial {
                return None;
            }
        } else {
            self.failures.retain(|failure| now.duration_since(*failure) < WINDOW);
            self.failures.push(now);
            if self.failures.len() < FAILURES {
                return None;
            }
        }
        let pause = self.pause.map_or(FIRST_PAUSE, |pause| (pause * 2).min(LONGEST_PAUSE));
        *self = Circuit { shut_until: Some(now + pause), pause: Some(pause), ..Circuit::default() };
        Some(pause)
    }

    fn has_been_shut(&self) -> bool {
        self.shut_until.is_some()
    }

    fn is_shut(&self, now: Instant) -> bool {
        self.shut_until.is_some_and(|until| now < until)
    }

    /// Whether nothing has failed.
    fn is_quiet(&self) -> bool {
        self.failures.is_empty() && self.shut_until.is_none()
    }

    /// Whether it is worth remembering: not once the last failure, or the last pause, is long past.
    fn is_of_interest(&self, now: Instant) -> bool {
        self.failures.last().is_some_and(|last| now.duration_since(*last) < WINDOW)
            || self.shut_until.is_some_and(|until| now < until + WINDOW)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::advance;

    #[tokio::test(start_paused = true)]
    async fn five_failures_in_a_minute_shut_it_for_their_sender() {
        let breaker = Breaker::default();
        for _ in 0..4 {
            assert_eq!(breaker.failure("romeo"), None);
            assert_eq!(breaker.gate("romeo"), Gate::Open);
        }
        assert_eq!(breaker.failure("romeo"), Some(FIRST_PAUSE));
        assert_eq!((breaker.gate("romeo"), breaker.gate("juliet")), (Gate::Shut, Gate::Open));
        assert_eq!(breaker.is_shut(), (false, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn failures_of_several_senders_shut_it_for_all() {
        let breaker = Breaker::default();
        for sender in ["romeo", "juliet", "nurse", "tybalt", "paris", "friar"] {
            assert_eq!(breaker.failure(sender), None);
        }
        assert_eq!(breaker.failure("benvolio"), Some(FIRST_PAUSE));
        assert_eq!(breaker.gate("mercutio"), Gate::Shut);
        advance(FIRST_PAUSE).await;
        assert_eq!((breaker.gate("mercutio"), breaker.gate("mercutio")), (Gate::Open, Gate::Shut));
        breaker.success("mercutio");
        assert_eq!(breaker.gate("romeo"), Gate::Open);
    }

    #[tokio::test(start_paused = true)]
    async fn calls_that_nobody_has_caused_count_for_all() {
        let breaker = Breaker::default();
        for _ in 0..5 {
            breaker.failure("");
        }
        assert_eq!(breaker.gate("romeo"), Gate::Shut);
    }

    #[tokio::test(start_paused = true)]
    async fn slow_failures_do_not() {
        let breaker = Breaker::default();
        for _ in 0..20 {
            assert_eq!(breaker.failure("romeo"), None);
            breaker.success("romeo");
            advance(Duration::from_secs(16)).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_try_a_pause_and_pauses_grow() {
        let breaker = Breaker::default();
        for _ in 0..20 {
            breaker.failure("romeo");
        }
        advance(FIRST_PAUSE).await;
        assert_eq!((breaker.gate("romeo"), breaker.gate("romeo")), (Gate::Open, Gate::Shut));
        assert_eq!(breaker.failure("romeo"), Some(2 * FIRST_PAUSE));
        advance(2 * FIRST_PAUSE).await;
        assert_eq!(breaker.gate("romeo"), Gate::Open);
        breaker.success("romeo");
        assert_eq!((breaker.gate("romeo"), breaker.gate("romeo")), (Gate::Open, Gate::Open));
        assert_eq!(breaker.failure("romeo"), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_crowd_is_not_remembered_one_by_one() {
        let breaker = Breaker::default();
        for n in 0..10 * REMEMBERED {
            breaker.failure(&n.to_string());
        }
        assert!(breaker.state.lock().senders.len() <= REMEMBERED + 1);
    }
}
