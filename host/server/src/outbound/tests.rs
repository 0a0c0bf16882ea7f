//! The queue of a session, without a stream.

use super::*;
use futures_util::FutureExt;
use std::task::Waker;
use std::time::Duration;
use waxwing_plugins::Fate;
use waxwing_xmpp::{Jid, Type};

fn message(body: &str) -> Entry {
    Entry::new(Stanza::message(Type::Chat, &format!("<body>{body}</body>")))
}

fn presence() -> Entry {
    Entry::new(Stanza::presence(Type::Available, ""))
}

/// A queue that is crowded beyond so many bytes, and full beyond ten times as many.
fn outbound(crowded: usize) -> Outbound {
    let marks = Marks { crowded, most: 10 * crowded, patience: Duration::from_secs(30) };
    Outbound::new(marks, Hold::new(&Jid::parse("a@b/c").unwrap()), Arc::default())
}

fn push(outbound: &Outbound, entry: Entry, place: Place) -> Load {
    let Ok(Queued { load, .. }) = outbound.push(entry, place) else { panic!("it was refused") };
    load
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

#[tokio::test]
async fn a_crowded_queue_takes_more_and_is_relieved_once_something_was_handed_out() {
    let outbound = outbound(100);
    assert_eq!(push(&outbound, message("a"), Place::Behind), Load::Light);
    assert_eq!(push(&outbound, message(&"b".repeat(100)), Place::Behind), Load::Crowded);
    assert_eq!(push(&outbound, message("c"), Place::Behind), Load::Crowded);
    let mut relieved = Box::pin(outbound.relieved(Place::Behind));
    assert!(relieved.as_mut().now_or_never().is_none());
    assert!(order(&drain(&outbound).expect("all of it"), &["a", "c"]));
    outbound.written();
    relieved.await;
    assert_eq!(push(&outbound, message("d"), Place::Behind), Load::Light);
}

#[test]
fn a_full_queue_ends_its_session_and_takes_no_more() {
    let outbound = outbound(100);
    while outbound.overload().is_none() {
        push(&outbound, message(&"x".repeat(50)), Place::Behind);
    }
    // Two stanzas more than may be, and that is all.
    assert!(outbound.bytes() < 1000 + 2 * 150, "{}", outbound.bytes());
    assert!(matches!(outbound.push(message("late"), Place::Behind), Err(Unqueued::Full(_))));
    assert!(matches!(outbound.push(presence(), Place::Behind), Err(Unqueued::Full(_))));
    let mut cx = Context::from_waker(Waker::noop());
    assert_eq!(outbound.poll_parting(&mut cx), Some(Parting::Overflowing));
    let end = outbound.poll(&mut cx, &mut Vec::new(), usize::MAX);
    assert!(matches!(end, Poll::Ready(Err(StreamEnd::Session(SessionEnd { error: Some(_) })))));
    outbound.close();
    assert!(!outbound.take().is_empty());
    assert_eq!(outbound.bytes(), 0);
}

#[tokio::test(start_paused = true)]
async fn who_reads_nothing_is_ended_and_who_reads_a_little_is_not() {
    let (reads_nothing, reads_a_little) = (outbound(100), outbound(100));
    for outbound in [&reads_nothing, &reads_a_little] {
        push(outbound, message(&"x".repeat(100)), Place::Behind);
    }
    for seconds in (0..=40).step_by(10) {
        // Presence is enough to notice.
        for outbound in [&reads_nothing, &reads_a_little] {
            push(outbound, from("a@b/c", ""), Place::Behind);
        }
        assert_eq!(reads_nothing.overload().is_some(), seconds >= 30, "{seconds}");
        tokio::time::advance(Duration::from_secs(10)).await;
        reads_a_little.some_read();
    }
    assert_eq!(reads_nothing.overload(), Some(Overload::Time));
    let mut cx = Context::from_waker(Waker::noop());
    assert_eq!(reads_nothing.poll_parting(&mut cx), Some(Parting::Ending));
    assert_eq!(reads_a_little.overload(), None);
}

#[test]
fn of_presence_that_cannot_be_written_the_latest_of_each_sender_is_kept() {
    let outbound = outbound(100);
    push(&outbound, message(&"x".repeat(200)), Place::Behind);
    let before = outbound.bytes();
    for n in 0..1000 {
        for sender in ["a@b/c", "a@b/d"] {
            assert_eq!(
                push(&outbound, from(sender, &format!("<status>{n}</status>")), Place::Behind),
                Load::Light
            );
        }
    }
    assert!(outbound.bytes() < before + 200, "{}", outbound.bytes());
    // What somebody says after it does not overtake it; what others do, may.
    push(&outbound, sent("a@b/c", "hello"), Place::Behind);
    push(&outbound, from("a@b/c", "<status>away</status>"), Place::Behind);
    let all: String = std::iter::from_fn(|| drain(&outbound)).collect();
    assert!(order(&all, &["999", "hello", "away"]) && !all.contains(">998<"), "{all}");
    assert_eq!(all.matches(">999<").count(), 2, "{all}");
    assert_eq!(outbound.bytes(), 0);
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
    assert!(matches!(outbound.push(message("e"), Place::Behind), Err(Unqueued::Gone(_))));
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
    let outbound = outbound(100);
    outbound.hold();
    assert_eq!(push(&outbound, message(&"a".repeat(100)), Place::Behind), Load::Crowded);
    assert_eq!(push(&outbound, message("stored"), Place::Ahead), Load::Light);
    assert!(outbound.relieved(Place::Ahead).now_or_never().is_some());
    assert!(outbound.relieved(Place::Behind).now_or_never().is_none());
    assert!(drain(&outbound).is_some());
    assert_eq!(push(&outbound, presence(), Place::Behind), Load::Light);
    outbound.release();
    assert!(drain(&outbound).is_some());
    assert!(outbound.relieved(Place::Behind).now_or_never().is_some());
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

fn sent(sender: &str, body: &str) -> Entry {
    let mut entry = message(body);
    entry.stanza.from = waxwing_xmpp::Jid::parse(sender).ok();
    entry
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
        push(&outbound, from("a@b/9", ""), Place::Behind);
    }
    assert_eq!(outbound.queue.lock().ready.len(), 1);
    assert_eq!(drain(&outbound).expect("the message").matches("<presence").count(), 0);
    outbound.set_inactive(None);
    assert_eq!(drain(&outbound).expect("all four").matches("<presence").count(), 4);
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
