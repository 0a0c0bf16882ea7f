//! What happens by itself: alarms, replies, services, commands, data of accounts and calls in turn.

mod common;

use common::*;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use waxwing_plugins::*;
use waxwing_storage::Storage;
use waxwing_xmpp::{Condition, Stanza};

const OWNER: &str = "juliet@capulet.example";

async fn clockwork() -> World {
    World::with(spec("clockwork")).await
}

fn told(command: &str) -> Stanza {
    let xml =
        format!("<iq xmlns='jabber:client' type='get' id='1' from='{JULIET}' to='{VHOST}'>{command}</iq>");
    Stanza::parse(&xml).unwrap()
}

async fn tell(world: &World, command: &str) -> String {
    match world.show(Stage::Process, told(&format!("<{command} xmlns='urn:clock'/>"))).await {
        Outcome::Reply(xml) => {
            xml.trim_start_matches("<is xmlns='urn:test'>").trim_end_matches("</is>").to_owned()
        }
        other => panic!("{command}: {other:?}"),
    }
}

/// The bodies of what was sent, once there is something.
async fn sent(world: &World) -> Vec<String> {
    loop {
        let sent = std::mem::take(&mut *world.host.sent.lock().unwrap());
        if !sent.is_empty() {
            return sent.iter().map(|stanza| stanza.text("body").unwrap_or_default()).collect();
        }
        // The paused clock moves on to whatever is due.
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        world.host.now.fetch_add(100, SeqCst);
    }
}

#[tokio::test(start_paused = true)]
async fn an_alarm_rings_when_it_is_due_and_once() {
    let world = clockwork().await;
    tell(&world, "set-alarm data='is ready'").await;
    assert_eq!(world.host.storage.alarms(u64::MAX >> 1, 10).await.unwrap().len(), 1);
    assert_eq!(sent(&world).await, ["tea is ready"]);
    assert!(world.host.now.load(SeqCst) >= 1_800_000_001_000);
    while world.host.storage.next_alarm().await.unwrap().is_some() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_alarm_whose_call_fails_rings_again_later() {
    let world = clockwork().await;
    tell(&world, "set-alarm data='fail'").await;
    let first = world.host.storage.next_alarm().await.unwrap().unwrap();
    loop {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        world.host.now.fetch_add(100, SeqCst);
        match world.host.storage.next_alarm().await.unwrap() {
            Some(later) if later > first => break assert!(later >= first + 5000, "{later}"),
            Some(_) => {}
            None => panic!("the alarm is lost"),
        }
    }
    assert!(world.host.sent.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_alarm_that_was_cleared_does_not_ring() {
    let world = clockwork().await;
    tell(&world, "set-alarm").await;
    tell(&world, "clear-alarm").await;
    assert_eq!(world.host.storage.next_alarm().await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn replies_come_back_to_who_asked() {
    let world = clockwork().await;
    tell(&world, &format!("ask whom='{JULIET}'")).await;
    let request = world.host.sent.lock().unwrap().pop().unwrap();
    let reply = request.iq_result("<q xmlns='urn:clock'>noon</q>");
    let forged = reply.with_addresses(Some(jid("romeo@montague.example/x")), reply.to.clone());
    assert!(!world.engine.reply(&forged).await);
    assert!(world.engine.reply(&reply).await);
    assert!(!world.engine.reply(&reply).await, "only once");
    assert_eq!(sent(&world).await, ["success noon context"]);

    tell(&world, &format!("ask whom='{JULIET}'")).await;
    let request = world.host.sent.lock().unwrap().pop().unwrap();
    let error = request.error_reply(&Condition::Forbidden.into()).unwrap();
    assert!(world.engine.reply(&error).await);
    assert_eq!(sent(&world).await, ["Condition::Forbidden  context"]);

    tell(&world, &format!("ask whom='{JULIET}'")).await;
    world.host.sent.lock().unwrap().clear();
    assert_eq!(sent(&world).await, ["timeout  context"]);
    assert_eq!(tell(&world, "ask-as-somebody").await, "denied");
}

#[tokio::test]
async fn a_service_answers_at_its_own_name() {
    let world = clockwork().await;
    assert_eq!(world.engine.services(VHOST)[0].features, ["urn:clock"]);
    assert!(world.engine.service("clock.montague.example").is_none());
    assert!(world.engine.service(VHOST).is_none());
    let service = world.engine.service("clock.capulet.example").unwrap();
    let xml = format!(
        "<message xmlns='jabber:client' from='{JULIET}' to='clock.capulet.example'><body>tock</body></message>"
    );
    let stanza = Stanza::parse(&xml).unwrap();
    assert!(matches!(world.engine.serve(&service, &event(), &stanza).await, Outcome::Handled));
    assert_eq!(sent(&world).await, ["tick tock"]);
    let empty = stanza.with_inner("").unwrap();
    assert!(matches!(world.engine.serve(&service, &event(), &empty).await, Outcome::Next(_)));
}

#[tokio::test]
async fn commands_are_run_step_by_step() {
    let world = clockwork().await;
    let commands = world.engine.commands(VHOST);
    let seen: Vec<_> = commands.iter().map(|command| (command.node.as_str(), command.access)).collect();
    assert_eq!(seen, [("wind", Access::Admin), ("hello", Access::LocalUser)]);
    let mut request = CommandRequest {
        node: "hello".into(),
        user: JULIET.into(),
        vhost: VHOST.into(),
        action: CommandAction::Execute,
        answers: Vec::new(),
        answers_follow: false,
        state: Vec::new(),
    };
    let CommandReply::Step { form, has_next, .. } = world.engine.run_command(&request).await.unwrap() else {
        panic!()
    };
    assert_eq!(
        (form.title.as_str(), form.fields[0].ty, form.fields[0].required),
        ("Hello", "text-single", true)
    );
    assert!(!has_next);
    (request.action, request.answers) =
        (CommandAction::Complete, vec![("name".into(), vec!["Juliet".into()])]);
    let done = CommandReply::Done {
        note: Some("Hello, Juliet".into()),
        severity: waxwing_plugins::Severity::Info,
        form: None,
    };
    assert_eq!(world.engine.run_command(&request).await.unwrap(), done);
    request.answers[0].1 = vec!["nobody".into()];
    assert_eq!(world.engine.run_command(&request).await.unwrap_err().condition, Condition::NotAcceptable);
    request.node = "unheard-of".into();
    assert_eq!(world.engine.run_command(&request).await.unwrap_err().condition, Condition::ItemNotFound);
}

#[tokio::test]
async fn what_a_crash_may_lose_waits_for_no_disk() {
    let world = clockwork().await;
    tell(&world, "remember-soon key='k' value='v'").await;
    assert_eq!(world.host.steps(), [Step::CommitSoon(1)]);
    assert_eq!(tell(&world, "recall key='k'").await, "v");
    tell(&world, "remember-soon key='k' value='w' more='a'").await;
    assert_eq!(world.host.steps(), [Step::Commit(2)], "with what must be durable, and no commit more");
}

#[tokio::test]
async fn data_of_accounts_is_there_whether_they_are_online_or_not() {
    let world = clockwork().await;
    assert_eq!(tell(&world, "recall key='k'").await, "nothing");
    tell(&world, "remember key='k' value='offline'").await;
    assert_eq!(tell(&world, "recall key='k'").await, "offline");

    let data = Arc::new(AccountData::default());
    data.load(&world.host.storage, OWNER).await.unwrap();
    world.host.account_data.lock().unwrap().insert(OWNER.into(), data);
    assert_eq!(tell(&world, "recall key='k'").await, "offline");
    tell(&world, "remember key='k' value='online'").await;
    assert_eq!(tell(&world, "recall key='k'").await, "online");
    assert_eq!(world.host.storage.value("account-data/clockwork", OWNER, "k").as_deref(), Some("online"));
    tell(&world, "remember-soon key='k' value='soon'").await;
    assert_eq!(tell(&world, "recall key='k'").await, "soon");
    tell(&world, "forget key='k'").await;
    assert_eq!(tell(&world, "recall key='k'").await, "nothing");
    assert_eq!(world.host.storage.value("account-data/clockwork", OWNER, "k"), None);
    assert_eq!(
        (tell(&world, "hoard").await, tell(&world, "elsewhere").await),
        ("over-quota".into(), "denied denied".into())
    );
}

#[tokio::test]
async fn calls_of_one_sender_take_turns() {
    let world = Arc::new(clockwork().await);
    world.host.storage.slow.store(true, SeqCst);
    let calls = (0..8).map(|_| {
        let world = world.clone();
        async move { tell(&world, "count").await }
    });
    futures_util::future::join_all(calls).await;
    // Without turns, calls that read the same number would write the same.
    assert_eq!(world.host.storage.value("clockwork/count", OWNER, "n").as_deref(), Some("8"));
}

#[tokio::test]
async fn a_store_holds_what_it_was_granted() {
    let mut spec = spec("clockwork");
    spec.grants.stores = [("small".to_owned(), 5000), ("count".to_owned(), 0)].into();
    let world = World::with(spec).await;
    assert_eq!(tell(&world, "fill").await, "49 over-quota");
    assert_eq!(tell(&world, "open store='count'").await, "opened");
    assert_eq!(tell(&world, "open store='other'").await, "denied");
    assert_eq!(tell(&world, "open store='shared/other'").await, "denied");
}

#[tokio::test]
async fn what_is_shared_has_to_be_named() {
    let mut own = spec("clockwork");
    own.grants.stores = [("*".to_owned(), 0)].into();
    let world = World::with(own).await;
    assert_eq!(tell(&world, "open store='anything'").await, "opened");
    assert_eq!(tell(&world, "open store='shared/last'").await, "denied");
    let mut spec = spec("clockwork");
    spec.grants.stores.insert("shared/last".into(), 0);
    assert_eq!(tell(&World::with(spec).await, "open store='shared/last'").await, "opened");
}

#[tokio::test]
async fn handles_do_not_pile_up() {
    let world = clockwork().await;
    assert!(tell(&world, "leak").await.ends_with(" over-quota"));
    assert_eq!(tell(&world, "contacts").await, "romeo@montague.example");
}

#[tokio::test]
async fn one_payload_for_many() {
    let world = clockwork().await;
    tell(&world, "to-all").await;
    let sent = world.host.sent.lock().unwrap();
    let to: Vec<_> = sent.iter().map(|stanza| stanza.to.as_ref().unwrap().as_str()).collect();
    assert_eq!(to, ["a@x.example", "b@x.example", "c@x.example"]);
}

const ROOM: &str = "coven@clock.capulet.example";

#[tokio::test]
async fn pages_of_a_table_begin_at_either_end() {
    let world = clockwork().await;
    for key in ["a", "b", "c", "d", "e"] {
        tell(&world, &format!("put owner='{OWNER}' key='{key}' value='old'")).await;
    }
    let scan = |rest: &str| format!("scan owner='{OWNER}' {rest}");
    assert_eq!(tell(&world, &scan("limit='2'")).await, "a=old b=old");
    assert_eq!(tell(&world, &scan("limit='2' after='b'")).await, "c=old d=old");
    assert_eq!(tell(&world, &scan("limit='2' backwards=''")).await, "e=old d=old");
    assert_eq!(tell(&world, &scan("after='a' before='c'")).await, "b=old");
    assert_eq!(tell(&world, &scan("prefix='x'")).await, "");
    // What the call has changed is seen by its own pages, and nothing of the others is lost at their ends.
    assert_eq!(
        tell(&world, &format!("rearrange owner='{OWNER}'")).await,
        "a=old b=new; bb=new e=old; e=old bb=new; b=new a=old; a b bb e"
    );
    assert_eq!(tell(&world, &scan("")).await, "a=old b=new bb=new e=old");
    tell(&world, &format!("crowd owner='{OWNER}'")).await;
    assert_eq!(tell(&world, &format!("all owner='{OWNER}' prefix='crowd/'")).await, "600");
}

#[tokio::test]
async fn what_is_unset_is_gone_with_the_writes() {
    let world = clockwork().await;
    tell(&world, &format!("put owner='{OWNER}' key='nick/old' value='juliet'")).await;
    world.host.steps();
    tell(&world, &format!("rename owner='{OWNER}'")).await;
    assert_eq!(world.host.steps(), [Step::Commit(3)], "one commit");
    assert_eq!(world.host.storage.value("clockwork/room", OWNER, "nick/old"), None);
    assert_eq!(world.host.storage.value("clockwork/room", OWNER, "nick/new").as_deref(), Some("juliet"));
}

/// Whether a plugin works for all virtual hosts or for this one.
#[tokio::test(start_paused = true)]
async fn addresses_of_its_own_service_are_owners() {
    for scope in [Scope::Everywhere, Scope::Only([VHOST.to_owned()].into())] {
        let world = World::with(PluginSpec { scope, ..spec("clockwork") }).await;
        for owner in [ROOM, "clock.capulet.example", OWNER, VHOST] {
            tell(&world, &format!("put owner='{owner}' key='k' value='v'")).await;
            assert_eq!(tell(&world, &format!("scan owner='{owner}'")).await, "k=v", "{owner}");
        }
        tell(&world, &format!("set-room-alarm owner='{ROOM}'")).await;
        assert_eq!(sent(&world).await, ["room is open"]);
    }
    let world = clockwork().await;
    for owner in ["coven@bot.capulet.example", "x@clock.montague.example", "romeo@montague.example"] {
        let put = told(&format!("<put xmlns='urn:clock' owner='{owner}' key='k' value='v'/>"));
        assert!(matches!(world.show(Stage::Process, put).await, Outcome::Reject(_)), "{owner}");
    }
}

#[tokio::test]
async fn what_accounts_are_is_listed_once() {
    let world = clockwork().await;
    let pairs = [("automation", "clock"), ("pubsub", "pep")];
    let expected = pairs.map(|(category, ty)| (category.to_owned(), ty.to_owned()));
    assert_eq!(world.engine.account_identities(VHOST), expected);
}

/// The content is kept once, so it counts once.
#[tokio::test]
async fn many_recipients_do_not_fill_an_outbox() {
    let world = clockwork().await;
    assert_eq!(tell(&world, "shout many='1000'").await, "sent");
    assert_eq!(tell(&world, "shout many='1001'").await, "too-many");
}

#[tokio::test(start_paused = true)]
async fn what_a_plugin_keeps_of_accounts_is_limited() {
    let limits = limited(|limits| (limits.alarm_bytes, limits.account_data_bytes) = (1000, 100));
    let world = World::with(PluginSpec { limits, ..spec("clockwork") }).await;
    // Owner, name and data of each.
    let each = OWNER.len() + 4 + 100;
    assert_eq!(tell(&world, "many-alarms").await, format!("{} over-quota", 1000 / each));
    assert_eq!(tell(&world, "alarm-of-nobody").await, "denied");
    let long = "x".repeat(60);
    tell(&world, &format!("remember key='a' value='{long}'")).await;
    let more = told(&format!("<remember xmlns='urn:clock' key='b' value='{long}'/>"));
    let refused = world.show(Stage::Process, more).await;
    assert!(matches!(refused, Outcome::Reject(error) if error.condition == Condition::ResourceConstraint));
}
