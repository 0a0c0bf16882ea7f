//! The queue of a session, without a stream.

use super::*;
use std::task::Waker;
use waxwing_plugins::Fate;
use waxwing_xmpp::{Jid, Type};

fn outbound(limit: usize) -> Outbound {
    Outbound::new(limit, Hold::new(&Jid::parse("a@b/c").unwrap()))
}

fn message(body: &str) -> Entry {
    Entry::new(Stanza::message(Type::Chat, &format!("<body>{body}</body>")))
}

fn presence() -> Entry {
    Entry::new(Stanza::presence(Type::Available, ""))
}

fn push(outbound: &Outbound, entry: Entry, place: Place) {
    assert!(matches!(outbound.push(entry, place), Pushed::Queued));
}

/// What the stream would write now, or `None` if it would wait.
fn drain(outbound: &Outbound) -> Option<String> {
    let mut out = Vec::new();
    let mut cx = Context::from_waker(Waker::noop());
    match outbound.poll(&mut cx, &mut out, usize::MAX) {
        Poll::Ready(Ok(())) => Some(String::from_utf8(out).expect("stanzas are UTF-8")),
        Poll::Ready(Err(_)) | Poll::Pending => None,
    }
}

fn order(written: &str, bodies: &[&str]) -> bool {
    let at: Vec<_> = bodies.iter().map(|body| written.find(&format!(">{body}<"))).collect();
    at.iter().all(Option::is_some) && at.is_sorted()
}

#[test]
fn stanzas_leave_in_the_order_in_which_they_came() {
    let outbound = outbound(1000);
    for body in ["a", "b", "c"] {
        push(&outbound, message(body), Place::Behind);
    }
    assert!(order(&drain(&outbound).expect("something is queued"), &["a", "b", "c"]));
    assert!(drain(&outbound).is_none());
}

#[test]
fn held_messages_wait_behind_those_pushed_ahead_and_presence_does_not() {
    let outbound = outbound(1000);
    outbound.hold();
    push(&outbound, message("new"), Place::Behind);
    push(&outbound, presence(), Place::Behind);
    push(&outbound, message("stored"), Place::Ahead);
    let first = drain(&outbound).expect("presence and the stored message");
    assert!(first.contains("<presence") && first.contains("stored") && !first.contains("new"));
    outbound.release();
    assert!(drain(&outbound).expect("the held message").contains("new"));
}

#[test]
fn two_holds_need_two_releases() {
    let outbound = outbound(1000);
    outbound.hold();
    outbound.hold();
    push(&outbound, message("a"), Place::Behind);
    outbound.release();
    assert!(drain(&outbound).is_none());
    outbound.release();
    assert!(drain(&outbound).is_some());
}

#[test]
fn a_full_queue_takes_more_once_something_was_handed_out() {
    let outbound = outbound(10);
    push(&outbound, message("a"), Place::Behind);
    assert!(matches!(outbound.push(message("b"), Place::Behind), Pushed::Full(_)));
    assert!(drain(&outbound).is_some());
    push(&outbound, message("b"), Place::Behind);
}

#[test]
fn what_was_not_written_is_given_back_in_order_and_then_the_queue_is_gone() {
    let outbound = outbound(1000);
    push(&outbound, message("a"), Place::Behind);
    assert!(drain(&outbound).is_some());
    push(&outbound, message("b"), Place::Behind);
    outbound.hold();
    push(&outbound, message("c"), Place::Behind);
    outbound.close();
    assert!(drain(&outbound).is_none());
    let left = outbound.take();
    let bodies: Vec<_> = left.iter().filter_map(|entry| entry.stanza.text("body")).collect();
    assert_eq!(bodies, ["a", "b", "c"]);
    outbound.release();
    assert!(outbound.take().is_empty());
    assert!(matches!(outbound.push(message("e"), Place::Behind), Pushed::Gone(_)));
}

#[test]
fn what_was_written_is_not_given_back() {
    let outbound = outbound(1000);
    push(&outbound, message("a"), Place::Behind);
    assert!(drain(&outbound).is_some());
    outbound.written();
    assert!(outbound.take().is_empty());
}

#[test]
fn an_ended_queue_is_written_out_before_the_end_is_told() {
    let outbound = outbound(1000);
    push(&outbound, message("a"), Place::Behind);
    outbound.end(SessionEnd { error: None });
    assert!(drain(&outbound).is_some());
    let mut cx = Context::from_waker(Waker::noop());
    assert!(matches!(outbound.poll(&mut cx, &mut Vec::new(), 100), Poll::Ready(Err(_))));
}

#[test]
fn what_is_held_leaves_room_for_what_goes_ahead() {
    let outbound = outbound(10);
    outbound.hold();
    push(&outbound, message("a"), Place::Behind);
    assert!(matches!(outbound.push(message("b"), Place::Behind), Pushed::Full(_)));
    push(&outbound, message("stored"), Place::Ahead);
    assert!(drain(&outbound).is_some());
    push(&outbound, presence(), Place::Behind);
}

#[test]
fn the_copy_of_a_message_counts_once_it_is_written() {
    let (outbound, copies) = (outbound(1000), Copies::new());
    copies.add();
    push(&outbound, Entry { copies: Some(copies.clone()), ..message("a") }, Place::Behind);
    assert!(drain(&outbound).is_some());
    outbound.written();
    assert_eq!(copies.give_up(), Remains::Enough);
}

#[tokio::test]
async fn a_receipt_is_true_once_every_ticket_is_done() {
    let (tickets, written) = receipt(2);
    let outbound = outbound(1000);
    for ticket in tickets {
        let entry = Entry { ticket: Some(ticket), ..message("a") };
        push(&outbound, entry, Place::Behind);
    }
    assert!(drain(&outbound).is_some());
    outbound.written();
    assert!(matches!(written.all().await, Fate::Done));
}

#[tokio::test]
async fn a_receipt_is_false_when_the_queue_ends_first() {
    let (tickets, written) = receipt(1);
    let outbound = outbound(1000);
    for ticket in tickets {
        push(&outbound, Entry { ticket: Some(ticket), ..message("a") }, Place::Behind);
    }
    drop(outbound.take());
    assert!(matches!(written.all().await, Fate::Lost));
}

fn from(sender: &str, inner: &str) -> Entry {
    let from = waxwing_xmpp::Jid::parse(sender).ok();
    Entry::new(Stanza::presence(Type::Available, inner).with_addresses(from, None))
}

fn inactive(outbound: &Outbound) {
    outbound.set_inactive(Some(&ClientState::default()));
}

#[test]
fn only_the_latest_presence_of_each_contact_waits_until_somebody_looks() {
    let outbound = outbound(1000);
    inactive(&outbound);
    for (sender, status) in [("a@b/c", "1"), ("x@y/z", "2"), ("a@b/d", "3"), ("a@b/c", "4")] {
        push(&outbound, from(sender, &format!("<status>{status}</status>")), Place::Behind);
    }
    push(
        &outbound,
        message_with("<composing xmlns='http://jabber.org/protocol/chatstates'/>"),
        Place::Behind,
    );
    assert!(drain(&outbound).is_none());
    // Saying so again changes nothing.
    inactive(&outbound);
    outbound.set_inactive(None);
    let all = drain(&outbound).expect("what was held back");
    assert!(order(&all, &["2", "3", "4"]) && !all.contains(">1<") && !all.contains("composing"), "{all}");
    push(&outbound, from("a@b/c", ""), Place::Behind);
    assert!(drain(&outbound).is_some());
}

fn message_with(inner: &str) -> Entry {
    Entry::new(Stanza::message(Type::Chat, inner))
}

#[test]
fn content_goes_at_once_and_after_what_was_held_back() {
    let outbound = outbound(1000);
    inactive(&outbound);
    push(&outbound, from("a@b/c", "<status>away</status>"), Place::Behind);
    push(&outbound, message("hello"), Place::Behind);
    push(&outbound, from("a@b/c", "<status>back</status>"), Place::Behind);
    let all = drain(&outbound).expect("a message");
    assert!(order(&all, &["away", "hello"]) && !all.contains("back"), "{all}");
    // Also ahead of what waits for stored messages.
    outbound.hold();
    push(&outbound, message("held"), Place::Behind);
    push(&outbound, from("x@y/z", "<status>later</status>"), Place::Behind);
    outbound.release();
    assert!(order(&drain(&outbound).expect("both"), &["back", "later", "held"]));
}

#[test]
fn what_is_held_back_is_bounded() {
    let settings = ClientState { presences: 3, ..ClientState::default() };
    let outbound = outbound(100);
    outbound.set_inactive(Some(&settings));
    for n in 0..3 {
        push(&outbound, from(&format!("a@b/{n}"), ""), Place::Behind);
        push(&outbound, from(&format!("a@b/{n}"), ""), Place::Behind);
    }
    assert!(drain(&outbound).is_none());
    push(&outbound, from("a@b/3", ""), Place::Behind);
    assert_eq!(drain(&outbound).expect("all four").matches("<presence").count(), 4);
    // A queue that is full does not grow by it.
    push(&outbound, message(&"x".repeat(200)), Place::Behind);
    for n in 0..3 {
        push(&outbound, from(&format!("a@b/{n}"), ""), Place::Behind);
    }
    for _ in 0..2 {
        assert!(matches!(outbound.push(from("a@b/9", ""), Place::Behind), Pushed::Full(_)));
    }
    assert_eq!(outbound.queue.lock().ready.len(), 1);
}

fn managed(settings: waxwing_config::StreamManagement) -> Outbound {
    let outbound = outbound(1000);
    assert!(outbound.manage(Managed::new(&settings, None)));
    outbound
}

#[test]
fn what_is_not_acknowledged_is_given_back_and_what_is_not() {
    let outbound = managed(Default::default());
    for body in ["a", "b", "c"] {
        push(&outbound, message(body), Place::Behind);
    }
    assert!(drain(&outbound).is_some());
    outbound.written();
    outbound.acknowledge(1).unwrap();
    push(&outbound, message("d"), Place::Behind);
    let left = outbound.take();
    assert!(left.iter().all(|entry| entry.received > 0));
    let bodies: Vec<_> = left.iter().filter_map(|entry| entry.stanza.text("body")).collect();
    assert_eq!(bodies, ["b", "c", "d"]);
}

#[test]
fn no_more_is_taken_than_may_be_unacknowledged() {
    let settings = waxwing_config::StreamManagement { unacknowledged_stanzas: 2, ..Default::default() };
    let outbound = managed(settings);
    for body in ["a", "b", "c"] {
        push(&outbound, message(body), Place::Behind);
    }
    let first = drain(&outbound).expect("two");
    assert!(order(&first, &["a", "b"]) && !first.contains(">c<") && first.contains("<r "), "{first}");
    assert!(drain(&outbound).is_none());
    outbound.acknowledge(1).unwrap();
    assert!(drain(&outbound).expect("the third").contains(">c<"));
    // It ends even if the client acknowledges nothing more.
    push(&outbound, message("d"), Place::Behind);
    outbound.end(SessionEnd { error: None });
    let mut cx = Context::from_waker(Waker::noop());
    let poll = outbound.poll(&mut cx, &mut Vec::new(), 100);
    assert!(matches!(poll, Poll::Ready(Err(StreamEnd::Session(_)))));
}

#[tokio::test]
async fn a_ticket_is_accepted_when_queued_and_done_when_acknowledged() {
    use futures_util::FutureExt;
    let outbound = managed(Default::default());
    let (tickets, written) = receipt(2);
    for ticket in tickets {
        push(&outbound, Entry { ticket: Some(ticket), ..message("a") }, Place::Behind);
    }
    let Fate::Open(promise) = written.all().await else { panic!("it is open") };
    let mut kept = Box::pin(promise.kept());
    assert!(drain(&outbound).is_some());
    outbound.written();
    outbound.acknowledge(1).unwrap();
    assert_eq!(kept.as_mut().now_or_never(), None);
    outbound.acknowledge(2).unwrap();
    assert!(kept.await);
}

#[test]
fn the_copy_of_a_message_counts_once_it_is_acknowledged() {
    let (outbound, copies) = (managed(Default::default()), Copies::new());
    copies.add();
    push(&outbound, Entry { copies: Some(copies.clone()), ..message("a") }, Place::Behind);
    assert!(drain(&outbound).is_some());
    outbound.written();
    assert_eq!(copies.give_up(), Remains::Enough);
    let mut left = outbound.take();
    assert!(
        left.pop().and_then(|entry| entry.copies).is_some_and(|copies| copies.give_up() == Remains::Nothing)
    );
}
