//! What comes of every function of the host: what the plugin hears, and what it wants done.

use super::{answer, asking, refusal, tell};
use crate::kit::engine::{JULIET, Step, VHOST, World, event};
use serde_json::{Value, json};
use std::sync::atomic::Ordering::SeqCst;
use waxwing_plugins::{
    AccessList, AdminRequest, AfterStop, Event, Facts, Input, Origin, Outcome, Scope, Shown, Stage, Target,
};
use waxwing_xmpp::{Condition, ErrorType, StanzaError};

const ACCOUNT: &str = "juliet@capulet.example";

/// Every expectation.
pub async fn check(world: &World) {
    // Nothing before this has kept anything.
    tables(world).await;
    logs(world).await;
    sending(world).await;
    accounts(world).await;
    vhosts(world).await;
    connections(world).await;
    certificates(world).await;
    server_control(world).await;
    names(world).await;
    server(world).await;
}

/// What a call of the plugin answers in words and wants done, without anything being done: the parts of its trace.
async fn wants(world: &World, what: &str, answer: &str, parts: Value) {
    let shown = Shown {
        vhost: VHOST.into(),
        origin: Origin::Session,
        received: 1000,
        client: None,
        accepted: false,
        xml: asking(what).to_xml(),
    };
    let trace = world.engine.dry_call("greeter", &Scope::Everywhere, &Input::Process(shown)).await.unwrap();
    let mut trace = serde_json::to_value(trace).unwrap();
    for cost in ["cpu_us", "time_us"] {
        trace.as_object_mut().unwrap().remove(cost);
    }
    let mut expected = parts;
    expected["answer"] = json!({"reply": format!("<is>{answer}</is>")});
    assert_eq!(trace, expected, "{what}");
}

/// Have it done, and hear what the plugin says to it.
async fn does(world: &World, what: &str, answers: &str) {
    assert_eq!(answer(world, what).await, format!("<is>{answers}</is>"), "{what}");
    world.engine.come_to_rest().await;
}

async fn tables(world: &World) {
    let swap = |old: Value, new: &str| {
        let place = ("table-swap", "greeter/visits", ACCOUNT, "count");
        json!({"writes": [{"op": place.0, "store": place.1, "owner": place.2, "key": place.3, "old": old, "new": new}]})
    };
    wants(world, "visit", "1", swap(Value::Null, "MQ==")).await;
    does(world, "visit", "1").await;
    wants(world, "visit", "2", swap(json!("MQ=="), "Mg==")).await;
    // Somebody else was faster: nothing is kept.
    world.host.storage.conflict.store(true, SeqCst);
    assert_eq!(refusal(tell(world, "visit").await).condition, Condition::InternalServerError);
    does(world, "visit", "2").await;

    let change =
        |op: &str, key: &str| json!({"op": op, "store": "greeter/notes", "owner": ACCOUNT, "key": key});
    let with = |mut change: Value, value: &str| {
        change["value"] = json!(value);
        change
    };
    let set = [("note/1", "bWlsaw=="), ("note/2", "dGVh")];
    let set = set.map(|(key, value)| with(change("table-set", key), value));
    wants(world, "note", "noted", json!({"writes": set})).await;
    does(world, "note", "noted").await;
    does(world, "notes", "note/1 note/2").await;
    does(world, "see", "1000").await;
    assert_eq!(world.host.storage.value("greeter/seen", ACCOUNT, "time").as_deref(), Some("1000"));
    does(world, "latest", "note/2 tea").await;
    wants(world, "forget", "forgotten", json!({"writes": [change("table-unset", "note/1")]})).await;
    does(world, "forget", "forgotten").await;
    does(world, "notes", "note/2").await;
    wants(world, "discard", "discarded", json!({"writes": [change("table-delete", "note/2")]})).await;
    does(world, "discard", "discarded").await;
    does(world, "notes", "").await;
}

async fn logs(world: &World) {
    let change = |op: &str| json!({"op": op, "store": "greeter/kept", "owner": ACCOUNT});
    let mut append = change("log-append");
    for (part, value) in [
        ("at", json!(1000)),
        ("tag", json!("tag")),
        ("value", json!("w6k=")),
        ("expires", json!(604_801_000)),
    ] {
        append[part] = value;
    }
    wants(world, "keep", "kept", json!({"writes": [append]})).await;
    for _ in 0..3 {
        does(world, "keep", "kept").await;
    }
    does(world, "amount", "3").await;
    does(world, "drop", "dropped").await;
    does(world, "kept", "2 1000 tag \u{e9},3 1000 tag \u{e9}").await;
    does(world, "clear", "cleared").await;
    does(world, "kept", "3 1000 tag \u{e9}").await;

    does(world, "preference", "none").await;
    let datum = json!({"account": ACCOUNT, "key": "tone", "value": "a2luZA=="});
    wants(world, "prefer", "preferred", json!({"account_data": [datum]})).await;
    does(world, "prefer", "preferred").await;
    does(world, "preference", "kind").await;
    does(world, "notice", "noticed").await;
    assert!(world.host.storage.value("account-data/greeter", ACCOUNT, "seen").is_some());
}

async fn sending(world: &World) {
    // An error of the host that nothing catches.
    assert_eq!(refusal(tell(world, "malformed").await).condition, Condition::InternalServerError);
    does(world, "invite", "invited").await;
    let sent = std::mem::take(&mut *world.host.sent.lock().unwrap());
    let sent =
        sent.iter().map(|stanza| (stanza.to.as_ref().unwrap().to_string(), stanza.text("body").unwrap()));
    let invited = |guest: &str| (guest.to_owned(), "Come all".to_owned());
    assert!(sent.eq(["nurse@capulet.example", "romeo@montague.example"].map(invited)));
    does(world, "online", &format!("{JULIET} 5 on")).await;
    wants(world, "mark", "marked", json!({"marks": [{"session": JULIET, "mark": "on", "on": true}]})).await;
    wants(world, "cancel", "cleared", json!({"alarms": [{"owner": ACCOUNT, "name": "tea", "set": null}]}))
        .await;
}

async fn accounts(world: &World) {
    does(world, "known", "nurse@capulet.example").await;
    does(world, "trust", "both").await;
    does(world, "friends", "nurse@capulet.example both Friends,romeo@montague.example both Friends").await;
    does(world, "register", "taken").await;
    wants(world, "change", "changed", json!({"accounts": [{"password": ACCOUNT}]})).await;
    wants(world, "block", "blocked", json!({"accounts": [{"enable": [ACCOUNT, false]}]})).await;
    changes(world, "block", "blocked", AdminRequest::Enable { account: ACCOUNT.into(), enabled: false })
        .await;
    does(world, "member", "welcome since 1970-01-01T00:00:01.000Z").await;
    does(world, "members", "juliet@capulet.example true,nurse@capulet.example false").await;
    does(world, "others", "nurse@capulet.example").await;
    does(world, "population", "2, 1 of them blocked").await;
    does(world, "whence", "unknown").await;
    let from = Event { client: Some("192.0.2.7".parse().unwrap()), ..event() };
    let (stanza, facts) = (asking("whence"), Facts { targets: Target::SERVER, ..Facts::default() });
    let calls = world.engine.matching(VHOST, Stage::Process, &stanza, || facts);
    let Outcome::Reply(whence) = world.engine.call(calls, &from, stanza).await else { panic!() };
    assert_eq!(whence, "<is>192.0.2.7</is>");
    // The host sends the answer itself: once the account is gone, and before its sessions end.
    assert!(matches!(tell(world, "leave").await, Outcome::Handled));
    assert_eq!(std::mem::take(&mut *world.host.sent.lock().unwrap()).len(), 1);
    let steps = world.host.steps();
    let [.., Step::Remove(gone), Step::Send(..), Step::End(ended)] = &steps[..] else { panic!("{steps:?}") };
    assert_eq!((gone.as_str(), ended.as_str()), (ACCOUNT, ACCOUNT));
}

/// Have a change made that is made at once, and hear what the plugin says to it.
async fn changes(world: &World, what: &str, answers: &str, change: AdminRequest) {
    world.host.steps();
    does(world, what, answers).await;
    assert_eq!(world.host.steps(), [Step::Admin(change)], "{what}");
}

/// What an error of the host becomes that nothing catches. It is no failure of the plugin.
async fn refused(world: &World, what: &str) -> StanzaError {
    let (_, failures, _) = world.counters();
    let error = refusal(tell(world, what).await);
    assert_eq!(world.counters().1, failures, "{what}");
    error
}

async fn vhosts(world: &World) {
    let settings = |key: &str, value: &str| vec![(key.to_owned(), value.to_owned())];
    does(world, "domains", VHOST).await;
    // Outside commands a plugin may do all that it is granted.
    does(world, "rank", "server").await;
    does(world, "rules", "register=true,max-users=5").await;
    wants(world, "found", "added", json!({})).await;
    let chat = AdminRequest::AddVhost {
        by: None,
        domain: format!("chat.{VHOST}"),
        settings: settings("register", "true"),
    };
    changes(world, "found", "taken", chat).await;
    let limit =
        AdminRequest::ChangeVhost { by: None, domain: VHOST.into(), settings: settings("max-users", "10") };
    changes(world, "limit", "limited", limit).await;
    changes(
        world,
        "close",
        "closed",
        AdminRequest::RemoveVhost { by: None, domain: VHOST.into(), erase: false },
    )
    .await;

    assert_eq!(refused(world, "collide").await.condition, Condition::Conflict);
    let misnamed = refused(world, "misname").await;
    assert_eq!(
        (misnamed.condition, misnamed.text.as_deref()),
        (Condition::NotAcceptable, Some("'no domain' is no domain"))
    );
    // No virtual host of this server.
    assert_eq!(refused(world, "overreach").await.condition, Condition::Forbidden);
}

async fn connections(world: &World) {
    does(world, "connected", &format!("{JULIET} from 192.0.2.7 since 1970-01-01T00:00:01.000Z")).await;
    does(world, "crowd", "1").await;
    let end = AdminRequest::End { jid: ACCOUNT.into(), reason: "We close at ten".into() };
    changes(world, "kick", "1", end).await;
}

async fn certificates(world: &World) {
    does(world, "expiry", "capulet.example until 2027-01-15T08:00:00.000Z").await;
    does(world, "certify", "issued by CN=Verona").await;
    does(world, "miscertify", "There is no certificate in it").await;
    let error = refused(world, "uncertify").await;
    assert_eq!(
        (error.condition, error.text.as_deref()),
        (Condition::NotAcceptable, Some("There is no certificate in it"))
    );
}

async fn server_control(world: &World) {
    does(world, "shunned", "evil.example").await;
    let entries = vec!["evil.example".to_owned(), "spam.example".to_owned()];
    let list = AdminRequest::SetAccessList { list: AccessList::Blacklist, entries };
    wants(world, "shun", "shunned", json!({})).await;
    changes(world, "shun", "shunned", list).await;
    does(world, "misshun", "no domain is no address").await;
    changes(world, "stop", "stops", AdminRequest::Stop { then: AfterStop::Exit, delay: 30 }).await;
    let error = refused(world, "restart").await;
    assert_eq!((error.condition, error.ty), (Condition::ResourceConstraint, ErrorType::Wait));
}

async fn names(world: &World) {
    does(world, "addresses", "192.0.2.1,2001:db8::1").await;
    does(world, "services", "xmpp.capulet.example:5222").await;
    // Later somebody may know.
    let error = refused(world, "unknown").await;
    assert_eq!((error.condition, error.ty), (Condition::InternalServerError, ErrorType::Wait));
}

async fn server(world: &World) {
    world.host.now.store(1_800_000_000_000, SeqCst);
    does(world, "clock", "2027-01-15T08:00:00.000Z").await;
    let line = json!({"level": "info", "text": "asked by juliet@capulet.example"});
    wants(world, "report", "reported", json!({"log": [line]})).await;
    does(world, "tally", "counted").await;
    assert_eq!(world.engine.plugins()[0].counters.metrics, [("asked".to_owned(), 1)]);
    does(world, "about", "Waxwing since 1970-01-01T00:00:00.500Z").await;
    does(world, "setting", "true").await;
    does(world, "supports", "urn:test").await;
    does(world, "spelt", "juliet@example.org").await;
    // The host's random numbers count up.
    world.host.random.store(0x0e, SeqCst);
    does(world, "accepted", "not yet").await;
    does(world, "token", "0e0f1011").await;
}
