//! A tape instead of the host.

use super::exchange::{HostAnswer, HostQuestion};
use super::file::RecordedCall;
use super::host::Oracle;
use super::live::Live;
use crate::watch::trace::{Difference, json};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use parking_lot::Mutex;
use std::sync::Arc;

/// Answers from the tape of another call.
///
/// The next answer on the tape to the same question is the answer, so that a version that looks things up
/// in another order hears the same. Asked more often than the other call, it repeats the last answer, but
/// never draws the same random bytes twice. That the virtual host of the call is one goes without saying.
/// What is not known then comes from `beyond`.
pub(crate) struct Player {
    tape: Arc<RecordedCall>,
    state: Mutex<State>,
    /// Where to look for what is not on tape; it must let nothing through.
    beyond: Option<Live>,
}

#[derive(Default)]
struct State {
    /// Which exchanges have been played.
    played: Vec<bool>,
    /// All before have been.
    first: usize,
    /// The first question that is not on tape.
    missing: Option<Difference>,
}

impl Player {
    pub fn new(tape: Arc<RecordedCall>, beyond: Option<Live>) -> Player {
        let played = vec![false; tape.exchanges.len()];
        Player { tape, state: Mutex::new(State { played, ..State::default() }), beyond }
    }

    /// The first question that the tape has no answer to, beside what was asked at that point.
    pub fn missing(&self) -> Option<Difference> {
        self.state.lock().missing.clone()
    }

    fn find(&self, question: &HostQuestion) -> Option<HostAnswer> {
        let tape = &self.tape.exchanges;
        let mut state = self.state.lock();
        while state.played.get(state.first) == Some(&true) {
            state.first += 1;
        }
        let is_it = |at: &usize| tape.get(*at).is_some_and(|exchange| exchange.question == *question);
        let next = (state.first..tape.len()).find(|at| state.played.get(*at) == Some(&false) && is_it(at));
        let random = matches!(question, HostQuestion::Random(_));
        let found = match next {
            Some(at) => {
                if let Some(played) = state.played.get_mut(at) {
                    *played = true;
                }
                Some(at)
            }
            None if random => None,
            None => (0..tape.len()).rev().find(is_it),
        };
        if found.is_none()
            && let HostQuestion::IsLocal(domain) = question
            && self.tape.input.vhost() == Some(domain.as_str())
        {
            return Some(HostAnswer::Is(true));
        }
        // Older recordings do not say, and hardly anybody is.
        if found.is_none() && matches!(question, HostQuestion::IsAnonymous(_)) {
            return Some(HostAnswer::Is(false));
        }
        if found.is_none() && state.missing.is_none() {
            let expected = tape.get(state.first).map(|exchange| json(&exchange.question));
            state.missing = Some(Difference {
                what: "question".to_owned(),
                expected: expected.unwrap_or_else(|| "nothing".to_owned()),
                got: json(question),
            });
        }
        found.and_then(|at| tape.get(at)).map(|exchange| exchange.answer.clone())
    }

    fn not_here() -> HostAnswer {
        HostAnswer::Failed("this is not in the recording".to_owned())
    }
}

impl Oracle for Player {
    fn at_once(&self, question: HostQuestion) -> HostAnswer {
        match (self.find(&question), &self.beyond) {
            (Some(answer), _) => answer,
            (None, Some(live)) => live.at_once(question),
            (None, None) => Player::not_here(),
        }
    }

    fn answer(&self, question: HostQuestion) -> BoxFuture<'_, HostAnswer> {
        match (self.find(&question), &self.beyond) {
            (Some(answer), _) => ready(answer).boxed(),
            (None, Some(live)) => live.answer(question),
            (None, None) => ready(Player::not_here()).boxed(),
        }
    }

    fn store_bytes<'a>(&'a self, store: &'a str) -> BoxFuture<'a, waxwing_storage::Result<u64>> {
        match &self.beyond {
            Some(live) => live.store_bytes(store),
            None => ready(Ok(0)).boxed(),
        }
    }

    fn alarm_bytes<'a>(&'a self, plugin: &'a str) -> BoxFuture<'a, waxwing_storage::Result<u64>> {
        match &self.beyond {
            Some(live) => live.alarm_bytes(plugin),
            None => ready(Ok(0)).boxed(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blob::Blob;
    use crate::watch::record::Exchange;

    fn player(exchanges: Vec<(HostQuestion, HostAnswer)>) -> Player {
        let exchanges = exchanges.into_iter().map(|(question, answer)| Exchange { question, answer });
        let mut call = RecordedCall::example();
        call.exchanges = exchanges.collect();
        Player::new(Arc::new(call), None)
    }

    #[test]
    fn answers_follow_their_questions_in_whatever_order() {
        let local = |name: &str| HostQuestion::IsLocal(name.to_owned());
        let player = player(vec![
            (HostQuestion::Now, HostAnswer::Time(1)),
            (local("a"), HostAnswer::Is(true)),
            (HostQuestion::Now, HostAnswer::Time(2)),
        ]);
        assert_eq!(player.at_once(local("a")), HostAnswer::Is(true));
        let times = [(); 3].map(|()| player.at_once(HostQuestion::Now));
        assert_eq!(times, [1, 2, 2].map(HostAnswer::Time));
        assert_eq!(player.missing(), None);
        assert_eq!(player.at_once(local("b")), Player::not_here());
        let missing = player.missing().unwrap();
        assert_eq!((&*missing.what, &*missing.got), ("question", r#"{"is-local":"b"}"#));
    }

    #[test]
    fn random_bytes_are_drawn_once() {
        let drawn = HostAnswer::Random(Some(Blob(vec![7; 4])));
        let player = player(vec![(HostQuestion::Random(4), drawn.clone())]);
        assert_eq!(player.at_once(HostQuestion::Random(4)), drawn);
        assert_eq!(player.at_once(HostQuestion::Random(4)), Player::not_here());
        assert_eq!(player.missing().unwrap().expected, "nothing");
    }
}
