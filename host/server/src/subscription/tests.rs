//! Every cell of the tables of RFC 6121, appendix A, and pre-approval.

use super::{Request, State, State::*, Step, inbound, outbound};

const STATES: [State; 9] =
    [None, NonePendingOut, NonePendingIn, NonePendingOutIn, To, ToPendingIn, From, FromPendingOut, Both];

/// Checks one table of the appendix: per existing state whether the stanza passes, and the new state.
fn table(walk: fn(State, bool, Request) -> Step, request: Request, cells: [(bool, State); 9]) {
    for (state, (pass, next)) in STATES.into_iter().zip(cells) {
        let step = walk(state, false, request);
        assert_eq!((step.pass, step.state), (pass, next), "{request:?} in {state:?}");
    }
}

#[test]
fn a_2_1_outbound_subscribe() {
    table(
        outbound,
        Request::Subscribe,
        [
            (true, NonePendingOut),
            (true, NonePendingOut),
            (true, NonePendingOutIn),
            (true, NonePendingOutIn),
            (true, To),
            (true, ToPendingIn),
            (true, FromPendingOut),
            (true, FromPendingOut),
            (true, Both),
        ],
    );
}

#[test]
fn a_2_2_outbound_unsubscribe() {
    table(
        outbound,
        Request::Unsubscribe,
        [
            (true, None),
            (true, None),
            (true, NonePendingIn),
            (true, NonePendingIn),
            (true, None),
            (true, NonePendingIn),
            (true, From),
            (true, From),
            (true, From),
        ],
    );
}

#[test]
fn a_2_3_outbound_subscribed() {
    table(
        outbound,
        Request::Subscribed,
        [
            (false, None),
            (false, NonePendingOut),
            (true, From),
            (true, FromPendingOut),
            (false, To),
            (true, Both),
            (false, From),
            (false, FromPendingOut),
            (false, Both),
        ],
    );
}

#[test]
fn a_2_4_outbound_unsubscribed() {
    table(
        outbound,
        Request::Unsubscribed,
        [
            (false, None),
            (false, NonePendingOut),
            (true, None),
            (true, NonePendingOut),
            (false, To),
            (true, To),
            (true, None),
            (true, NonePendingOut),
            (true, To),
        ],
    );
}

#[test]
fn a_3_1_inbound_subscribe() {
    table(
        inbound,
        Request::Subscribe,
        [
            (true, NonePendingIn),
            (true, NonePendingOutIn),
            (false, NonePendingIn),
            (false, NonePendingOutIn),
            (true, ToPendingIn),
            (false, ToPendingIn),
            (false, From),
            (false, FromPendingOut),
            (false, Both),
        ],
    );
    for state in STATES {
        let reply = inbound(state, false, Request::Subscribe).reply;
        assert_eq!(reply, state.from().then_some(Request::Subscribed), "{state:?}");
    }
}

#[test]
fn a_3_2_inbound_unsubscribe() {
    table(
        inbound,
        Request::Unsubscribe,
        [
            (false, None),
            (false, NonePendingOut),
            (true, None),
            (true, NonePendingOut),
            (false, To),
            (true, To),
            (true, None),
            (true, NonePendingOut),
            (true, To),
        ],
    );
}

#[test]
fn a_3_3_inbound_subscribed() {
    table(
        inbound,
        Request::Subscribed,
        [
            (false, None),
            (true, To),
            (false, NonePendingIn),
            (true, ToPendingIn),
            (false, To),
            (false, ToPendingIn),
            (false, From),
            (true, Both),
            (false, Both),
        ],
    );
}

#[test]
fn a_3_4_inbound_unsubscribed() {
    table(
        inbound,
        Request::Unsubscribed,
        [
            (false, None),
            (true, None),
            (false, NonePendingIn),
            (true, NonePendingIn),
            (true, None),
            (true, NonePendingIn),
            (false, From),
            (true, From),
            (true, From),
        ],
    );
}

#[test]
fn approval_before_the_request_is_kept_and_not_routed() {
    for state in [None, NonePendingOut, To] {
        let step = outbound(state, false, Request::Subscribed);
        assert_eq!(step, Step { state, approved: true, pass: false, reply: Option::None, push: true });
        let again = outbound(state, true, Request::Subscribed);
        assert_eq!(again, Step { push: false, ..step }, "a second approval changes nothing");
    }
    for state in [NonePendingIn, NonePendingOutIn, ToPendingIn, From, FromPendingOut, Both] {
        assert!(!outbound(state, false, Request::Subscribed).approved, "{state:?}");
    }
}

#[test]
fn approval_is_taken_back_by_unsubscribed() {
    for state in [None, NonePendingOut, To] {
        let step = outbound(state, true, Request::Unsubscribed);
        assert_eq!(step, Step { state, approved: false, pass: false, reply: Option::None, push: true });
    }
}

#[test]
fn approval_answers_the_request_once() {
    for (state, next) in [(None, From), (NonePendingOut, FromPendingOut), (To, Both)] {
        let step = inbound(state, true, Request::Subscribe);
        let reply = Some(Request::Subscribed);
        assert_eq!(step, Step { state: next, approved: false, pass: false, reply, push: true });
    }
}

#[test]
fn approval_survives_what_does_not_concern_it() {
    for state in [None, NonePendingOut, To] {
        for request in [Request::Subscribe, Request::Unsubscribe] {
            assert!(outbound(state, true, request).approved);
        }
        for request in [Request::Subscribed, Request::Unsubscribed, Request::Unsubscribe] {
            assert!(inbound(state, true, request).approved);
        }
    }
}

#[test]
fn only_what_clients_see_is_pushed() {
    assert!(outbound(None, false, Request::Subscribe).push, "ask appears");
    assert!(inbound(NonePendingOut, false, Request::Subscribed).push);
    assert!(!inbound(None, false, Request::Subscribe).push, "a pending request is not part of the roster");
    assert!(!inbound(NonePendingIn, false, Request::Unsubscribe).push);
    assert!(!outbound(NonePendingIn, false, Request::Unsubscribed).push);
    assert!(!outbound(Both, false, Request::Subscribe).push);
}

#[test]
fn nothing_is_answered_but_requests() {
    for state in STATES {
        for request in [Request::Subscribed, Request::Unsubscribe, Request::Unsubscribed] {
            assert_eq!(inbound(state, false, request).reply, Option::None);
        }
    }
}
