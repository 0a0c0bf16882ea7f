//! Which plugins are asked.

use super::*;
use waxwing_xmpp::Type;

fn interest(stage: Stage, kind: Kind) -> Interest {
    Interest { stage, kind, types: u16::MAX, payload: None, targets: Target::all(), marked: None, order: 0 }
}

fn payload(ns: &str, name: Option<&str>) -> Option<Payload> {
    Some(Payload { ns: ns.into(), name: name.map(Into::into), attribute: None })
}

fn iq(inner: &str) -> Stanza {
    Stanza::iq(Type::Get, "1", inner)
}

fn asked(index: &Index, stage: Stage, stanza: &Stanza, facts: Facts) -> Vec<u16> {
    index.matching(stage, stanza, &facts).to_vec()
}

#[test]
fn errors_that_the_host_makes_are_for_those_who_name_them() {
    let errors = Interest { types: 1 << Type::Error as u16, ..interest(Stage::Pre, Kind::Message) };
    let index = Index::new(vec![(errors, 0), (interest(Stage::Pre, Kind::Message), 1)]);
    let error = Stanza::message(Type::Error, "");
    assert_eq!(asked(&index, Stage::Pre, &error, Facts::default()), [0, 1]);
    assert_eq!(asked(&index, Stage::Pre, &error, Facts { by_type: true, ..Facts::default() }), [0]);
}

#[test]
fn stage_kind_and_type() {
    let chats = Interest { types: 1 << Type::Chat as u16, ..interest(Stage::Pre, Kind::Message) };
    let index = Index::new(vec![(chats, 0), (interest(Stage::Pre, Kind::Iq), 1)]);
    let facts = Facts::default();
    assert_eq!(asked(&index, Stage::Pre, &Stanza::message(Type::Chat, ""), facts), [0]);
    assert_eq!(asked(&index, Stage::Pre, &Stanza::message(Type::Normal, ""), facts), [0; 0]);
    assert_eq!(asked(&index, Stage::Post, &Stanza::message(Type::Chat, ""), facts), [0; 0]);
    assert_eq!(asked(&index, Stage::Pre, &iq(""), facts), [1]);
    assert!(index.listens(Stage::Pre, Kind::Iq) && !index.listens(Stage::Pre, Kind::Presence));
}

#[test]
fn payloads() {
    let with = |payload| Interest { payload, ..interest(Stage::Pre, Kind::Iq) };
    let index = Index::new(vec![
        (with(payload("urn:a", Some("x"))), 0),
        (with(payload("urn:a", None)), 1),
        (with(payload("urn:b", Some("x"))), 2),
    ]);
    let facts = Facts::default();
    assert_eq!(asked(&index, Stage::Pre, &iq("<x xmlns='urn:a'/>"), facts), [0, 1]);
    assert_eq!(asked(&index, Stage::Pre, &iq("<y xmlns='urn:a'/>"), facts), [1]);
    assert_eq!(asked(&index, Stage::Pre, &iq("<z xmlns='urn:c'/><x xmlns='urn:b'/>"), facts), [2]);
    assert_eq!(asked(&index, Stage::Pre, &iq("<y xmlns='urn:c'><x xmlns='urn:b'/></y>"), facts), [0; 0]);
}

#[test]
fn an_attribute_of_the_payload() {
    let attribute = Some(("node".into(), "urn:n&m".into()));
    let payload = payload("urn:a", Some("x")).map(|payload| Payload { attribute, ..payload });
    let index = Index::new(vec![(Interest { payload, ..interest(Stage::Pre, Kind::Iq) }, 0)]);
    let facts = Facts::default();
    assert_eq!(asked(&index, Stage::Pre, &iq("<x xmlns='urn:a' node='urn:n&amp;m'/>"), facts), [0]);
    for other in [
        "<x xmlns='urn:a'/>",
        "<x xmlns='urn:a' node='urn:n'/>",
        "<x xmlns='urn:a'><x node='urn:n&amp;m'/></x>",
    ] {
        assert_eq!(asked(&index, Stage::Pre, &iq(other), facts), [0; 0], "{other}");
    }
}

#[test]
fn targets_only_count_in_process() {
    let at = |stage, targets| Interest { targets, ..interest(stage, Kind::Iq) };
    let index = Index::new(vec![
        (at(Stage::Process, Target::SERVER), 0),
        (at(Stage::Process, Target::OWN_ACCOUNT | Target::STREAM), 1),
        (at(Stage::Pre, Target::all()), 2),
    ]);
    let to = |targets| Facts { targets, ..Facts::default() };
    assert_eq!(asked(&index, Stage::Process, &iq(""), to(Target::SERVER)), [0]);
    assert_eq!(asked(&index, Stage::Process, &iq(""), to(Target::STREAM)), [1]);
    assert_eq!(asked(&index, Stage::Process, &iq(""), to(Target::empty())), [0; 0]);
    assert_eq!(asked(&index, Stage::Pre, &iq(""), to(Target::empty())), [2]);
}

#[test]
fn marks_of_the_right_party() {
    let on = |party| Interest { marked: Some((party, 1 << 63)), ..interest(Stage::Pre, Kind::Iq) };
    let index = Index::new(vec![
        (on(Party::SenderSession), 0),
        (on(Party::SenderAccount), 1),
        (on(Party::RecipientAccount), 2),
    ]);
    let (set, other) = (1 << 63, 1);
    let facts = Facts { sender_session: set, sender_account: other, ..Facts::default() };
    assert_eq!(asked(&index, Stage::Pre, &iq(""), facts), [0]);
    let facts = Facts { sender_account: set, recipient_account: set, ..Facts::default() };
    assert_eq!(asked(&index, Stage::Pre, &iq(""), facts), [1, 2]);
}

#[test]
fn in_order_and_each_once() {
    let ordered = |order| Interest { order, ..interest(Stage::Pre, Kind::Iq) };
    let index = Index::new(vec![
        (ordered(5), 0),
        (ordered(0), 2),
        (ordered(0), 1),
        (ordered(-1), 3),
        (ordered(9), 3),
    ]);
    assert_eq!(asked(&index, Stage::Pre, &iq(""), Facts::default()), [3, 1, 2, 0]);
}
