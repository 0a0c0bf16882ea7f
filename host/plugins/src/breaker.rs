//! Stops asking a plugin that keeps failing, and tries again later.

use parking_lot::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// This many failures within [`WINDOW`] open the breaker.
const FAILURES: usize = 5;
const WINDOW: Duration = Duration::from_secs(60);
/// How long the breaker stays open the first time; twice as long each time in a row.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

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
    /// When the last failures were, oldest first, at most [`FAILURES`].
    failures: Vec<Instant>,
    /// No calls before this.
    shut_until: Option<Instant>,
    pause: Option<Duration>,
    /// The one call that a pause ends with is on its way.
    trial: bool,
}

impl Breaker {
    /// Whether a call may be made now. While shut, one is let through at the end of each pause.
    pub fn gate(&self) -> Gate {
        if !self.troubled.load(Ordering::Relaxed) {
            return Gate::Open;
        }
        let mut state = self.state.lock();
        let now = Instant::now();
        match (state.shut_until, state.pause) {
            (Some(until), _) if now < until => Gate::Shut,
            (Some(_), Some(pause)) => {
                // The next may try after another pause, or as soon as this one has succeeded.
                state.shut_until = Some(now + pause);
                state.trial = true;
                Gate::Open
            }
            _ => Gate::Open,
        }
    }

    /// A call has gone well.
    pub fn success(&self) {
        if self.troubled.load(Ordering::Relaxed) {
            let mut state = self.state.lock();
            if state.shut_until.is_some() {
                *state = State::default();
                self.troubled.store(false, Ordering::Relaxed);
            }
        }
    }

    /// A call has failed. Says for how long the plugin is left alone, if this shuts the breaker.
    pub fn failure(&self) -> Option<Duration> {
        self.troubled.store(true, Ordering::Relaxed);
        let mut state = self.state.lock();
        let now = Instant::now();
        if state.shut_until.is_some() {
            // One that was under way when the breaker was shut says nothing new.
            if !state.trial {
                return None;
            }
        } else {
            state.failures.retain(|failure| now.duration_since(*failure) < WINDOW);
            state.failures.push(now);
            if state.failures.len() < FAILURES {
                return None;
            }
        }
        let pause = state.pause.map_or(FIRST_PAUSE, |pause| (pause * 2).min(LONGEST_PAUSE));
        *state = State { shut_until: Some(now + pause), pause: Some(pause), ..State::default() };
        Some(pause)
    }

    /// Whether calls are refused now.
    pub fn is_shut(&self) -> bool {
        self.state.lock().shut_until.is_some_and(|until| Instant::now() < until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::advance;

    #[tokio::test(start_paused = true)]
    async fn five_failures_in_a_minute_shut_it() {
        let breaker = Breaker::default();
        for _ in 0..4 {
            assert_eq!(breaker.failure(), None);
            assert_eq!(breaker.gate(), Gate::Open);
        }
        assert_eq!(breaker.failure(), Some(FIRST_PAUSE));
        assert_eq!(breaker.gate(), Gate::Shut);
    }

    #[tokio::test(start_paused = true)]
    async fn slow_failures_do_not() {
        let breaker = Breaker::default();
        for _ in 0..20 {
            assert_eq!(breaker.failure(), None);
            breaker.success();
            advance(Duration::from_secs(16)).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_try_a_pause_and_pauses_grow() {
        let breaker = Breaker::default();
        for _ in 0..20 {
            breaker.failure();
        }
        advance(FIRST_PAUSE).await;
        assert_eq!((breaker.gate(), breaker.gate()), (Gate::Open, Gate::Shut));
        assert_eq!(breaker.failure(), Some(2 * FIRST_PAUSE));
        advance(2 * FIRST_PAUSE).await;
        assert_eq!(breaker.gate(), Gate::Open);
        breaker.success();
        assert_eq!((breaker.gate(), breaker.gate()), (Gate::Open, Gate::Open));
        assert_eq!(breaker.failure(), None);
    }
}
