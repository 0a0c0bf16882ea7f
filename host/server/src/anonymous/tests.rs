use crate::accounts::AccountError;
use crate::server::BindError;
use crate::session::Session;
use crate::testing::{World, jid};
use futures_util::FutureExt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};
use waxwing_storage::Roster;
use waxwing_xmpp::{Condition, Stanza};

const GUEST: &str = "0123456789abcdef0123456789abcdef@verona.lit";

async fn world() -> World {
    World::with(|settings| settings.vhosts[0].anonymous = true).await
}

async fn guest(world: &World) -> Arc<Session> {
    world.bind_anonymous(&jid(GUEST), Some("a"), None).await.unwrap()
}

async fn ask(world: &World, session: &Arc<Session>, xml: &str) -> String {
    world.receive(session, Stanza::parse(xml).unwrap()).await;
    let mut out = Vec::new();
    let mut cx = Context::from_waker(Waker::noop());
    while let Poll::Ready(Ok(())) = session.poll_outgoing(&mut cx, &mut out, 1 << 20) {}
    session.written();
    String::from_utf8(out).unwrap()
}

fn refused(error: BindError) -> Condition {
    let BindError::Refused(error) = error;
    error.condition
}

#[tokio::test]
async fn it_is_there_as_long_as_its_session() {
    let world = world().await;
    let session = guest(&world).await;
    assert!(world.is_anonymous(&session.jid) && world.is_anonymous(&jid(GUEST)));
    assert!(world.has_account(&jid(GUEST)).await.unwrap());
    let info = "<iq type='get' id='i'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>";
    let said = ask(&world, &session, info).await;
    assert!(said.contains("category='account' type='anonymous'"), "{said}");
    world.finish(&session).await;
    drop(session);
    assert!(!world.is_anonymous(&jid(GUEST)) && !world.has_account(&jid(GUEST)).await.unwrap());

    let romeo = world.login("romeo@verona.lit/a").await;
    let back = romeo.ask(&format!("<message to='{GUEST}' id='m'><body>late</body></message>")).await;
    assert!(back.contains("service-unavailable"), "{back}");
}

#[tokio::test]
async fn it_takes_messages_and_sends_them() {
    let world = world().await;
    let session = guest(&world).await;
    let romeo = world.online("romeo@verona.lit/a").await;
    romeo.send(&format!("<message to='{GUEST}/a'><body>hi</body></message>")).await;
    let said = ask(&world, &session, "<message to='romeo@verona.lit'><body>ho</body></message>").await;
    assert!(said.contains("<body>hi</body>"), "{said}");
    assert!(romeo.received().iter().any(|xml| xml.contains("<body>ho</body>")));
    // What it has not read goes back when it leaves.
    romeo.send(&format!("<message to='{GUEST}/a' id='m'><body>unread</body></message>")).await;
    world.finish(&session).await;
    let back = romeo.received().pop().unwrap();
    assert!(back.contains("type='error'") && back.contains("service-unavailable"), "{back}");
}

#[tokio::test]
async fn nothing_is_stored_for_it() {
    let world = world().await;
    world.account("romeo@verona.lit").await;
    let session = guest(&world).await;
    for xml in [
        "<iq type='set' id='r'><query xmlns='jabber:iq:roster'><item jid='romeo@verona.lit'/></query></iq>",
        "<presence type='subscribe' to='romeo@verona.lit' id='p'/>",
        "<presence type='subscribed' to='romeo@verona.lit' id='q'/>",
    ] {
        let said = ask(&world, &session, xml).await;
        assert!(said.contains("type='error'") && said.contains("<not-allowed "), "{xml}: {said}");
    }
    let empty = "<iq type='get' id='g'><query xmlns='jabber:iq:roster'/></iq>";
    assert!(ask(&world, &session, empty).await.contains("<query xmlns='jabber:iq:roster'"));
    let romeo = world.online("romeo@verona.lit/a").await;
    romeo.send(&format!("<presence type='subscribe' to='{GUEST}'/>")).await;
    assert_eq!(*world.storage.roster(&jid(GUEST)).await.unwrap().items, [], "no request waits for it");
    assert_eq!(world.storage.roster(&jid(GUEST)).await.unwrap(), Roster { version: 0, items: vec![] });

    assert!(matches!(world.set_password(&jid(GUEST), "x").await, Err(AccountError::NotAllowed)));
    assert!(matches!(world.remove_account(&jid(GUEST)).await, Err(AccountError::NotFound)));
    assert!(matches!(world.create_account(&jid(GUEST), "x").await, Err(AccountError::Exists)));
    assert!(world.storage.account(&jid(GUEST)).await.unwrap().is_none());
}

#[tokio::test]
async fn it_cannot_be_resumed() {
    let world = world().await;
    let session = guest(&world).await;
    assert_eq!(world.manage(&session, true, None).unwrap().resume, None);
}

#[tokio::test]
async fn only_where_it_is_allowed() {
    let world = world().await;
    let romeo = world.account("romeo@verona.lit").await;
    let error = world.bind_anonymous(&romeo, None, None).await.err().unwrap();
    assert_eq!(refused(error), Condition::NotAuthorized);
    let session = guest(&world).await;
    for anonymous in [false, true] {
        // With the password of an account, which the guest has none of, and where somebody has made that account.
        if anonymous {
            world.account(GUEST).await;
        }
        let error = world.bind(&jid(GUEST), Some("b")).await.err().unwrap();
        assert_eq!(refused(error), Condition::NotAuthorized);
    }
    world.finish(&session).await;
    drop(session);

    world.change_vhost("verona.lit", &[("anonymous".to_owned(), "false".to_owned())]).await.unwrap();
    let error = world.bind_anonymous(&jid(&GUEST.replace('0', "9")), None, None).await.err().unwrap();
    assert_eq!(refused(error), Condition::NotAuthorized);
    assert_eq!(world.session_count(), 0);
}

#[tokio::test]
async fn a_domain_that_is_switched_off_takes_nobody() {
    let world = world().await;
    let romeo = world.account("romeo@verona.lit").await;
    world.change_vhost("verona.lit", &[("enabled".to_owned(), "false".to_owned())]).await.unwrap();
    for error in [
        world.bind(&romeo, None).await.err().unwrap(),
        world.bind_anonymous(&jid(GUEST), None, None).await.err().unwrap(),
    ] {
        assert_eq!(refused(error), Condition::NotAllowed);
    }
    assert_eq!(world.session_count(), 0);
    world.change_vhost("verona.lit", &[("enabled".to_owned(), "true".to_owned())]).await.unwrap();
    assert!(world.bind(&romeo, None).await.is_ok());
}

#[tokio::test]
async fn only_so_many_from_one_network_and_only_so_fast() {
    let world = World::with(|settings| {
        settings.vhosts[0].anonymous = true;
        settings.limits.anonymous_per_address = 2;
        settings.limits.anonymous_stanzas = 1;
    })
    .await;
    let network = Some([192, 0, 2, 1].into());
    let bind = async |name: &str, network| world.bind_anonymous(&jid(name), None, network).await;
    let first = bind("1@verona.lit", network).await.unwrap();
    let second = bind("2@verona.lit", network).await.unwrap();
    assert_eq!(refused(bind("3@verona.lit", network).await.err().unwrap()), Condition::ResourceConstraint);
    bind("3@verona.lit", Some([192, 0, 2, 2].into())).await.unwrap();
    world.finish(&second).await;
    drop(second);
    bind("4@verona.lit", network).await.unwrap();

    let message = || Stanza::parse("<message to='3@verona.lit'><body>hi</body></message>").unwrap();
    for _ in 0..10 {
        world.receive(&first, message()).await;
    }
    assert!(world.receive(&first, message()).now_or_never().is_none());
    assert_eq!(world.stats.anonymous_stanzas_delayed.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn they_go_when_a_domain_takes_none_any_more() {
    let world = world().await;
    let (session, romeo) = (guest(&world).await, world.login("romeo@verona.lit/a").await);
    world.change_vhost("verona.lit", &[("anonymous".to_owned(), "false".to_owned())]).await.unwrap();
    let mut cx = Context::from_waker(Waker::noop());
    let mut ended =
        |session: &Session| session.poll_outgoing(&mut cx, &mut Vec::new(), 1).map(|end| end.is_err());
    assert_eq!(ended(&session), Poll::Ready(true));
    assert_eq!(ended(&romeo.session), Poll::Pending);
}
