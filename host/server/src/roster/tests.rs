//! RFC 6121, section 2.

use super::format::{Wish, parse_set};
use crate::testing::{World, jid};
use waxwing_xmpp::{Condition, Element};

const GET: &str = "<iq type='get' id='g'><query xmlns='jabber:iq:roster'/></iq>";

fn set(item: &str) -> String {
    format!("<iq type='set' id='s'><query xmlns='jabber:iq:roster'>{item}</query></iq>")
}

fn parse(items: &str) -> Result<Wish, Condition> {
    let query = Element::parse(&format!("<query xmlns='jabber:iq:roster'>{items}</query>")).unwrap();
    parse_set(&query, &jid("romeo@verona.lit")).map_err(|error| error.condition)
}

#[test]
fn a_set_says_what_to_put_or_to_remove() {
    assert_eq!(
        parse(
            "<item jid='Juliet@Capulet.lit' name='J &amp; N' subscription='both'><group>A</group><group>a</group></item>"
        ),
        Ok(Wish::Put {
            jid: jid("juliet@capulet.lit"),
            name: "J & N".to_owned(),
            groups: vec!["A".to_owned(), "a".to_owned()],
        })
    );
    assert_eq!(
        parse("<item jid='capulet.lit' subscription='remove'><group/></item>"),
        Ok(Wish::Remove(jid("capulet.lit")))
    );
}

#[test]
fn bad_sets_are_refused_as_the_rfc_says() {
    let long = "x".repeat(1024);
    let groups: String = (0..101).map(|i| format!("<group>{i}</group>")).collect();
    for (items, condition) in [
        ("", Condition::BadRequest),
        ("<item jid='a@b'/><item jid='c@b'/>", Condition::BadRequest),
        ("<item/>", Condition::BadRequest),
        ("<item jid='a@b/c'/>", Condition::BadRequest),
        ("<item jid='@b'/>", Condition::JidMalformed),
        ("<item jid='romeo@verona.lit'/>", Condition::NotAllowed),
        ("<item jid='a@b'><group>x</group><group>x</group></item>", Condition::BadRequest),
        ("<item jid='a@b'><group/></item>", Condition::NotAcceptable),
        (&format!("<item jid='a@b' name='{long}'/>"), Condition::NotAcceptable),
        (&format!("<item jid='a@b'><group>{long}</group></item>"), Condition::NotAcceptable),
        (&format!("<item jid='a@b'>{groups}</item>"), Condition::NotAcceptable),
    ] {
        assert_eq!(parse(items), Err(condition), "{items}");
    }
}

#[tokio::test]
async fn a_change_is_pushed_to_those_who_asked_for_the_roster() {
    let world = World::new().await;
    let (home, work) =
        (world.login("romeo@verona.lit/home").await, world.login("romeo@verona.lit/work").await);
    home.send(GET).await;
    assert_eq!(
        home.got(),
        ["<iq from='romeo' to='romeo/home' type='result' id='g'><query xmlns='roster'></query></iq>"]
    );

    work.send(&set("<item jid='juliet@verona.lit' name='Juliet'><group>Friends</group></item>")).await;
    assert_eq!(work.got(), ["<iq from='romeo' to='romeo/work' type='result' id='s'/>"]);
    assert_eq!(
        home.got(),
        ["<iq to='romeo/home' type='set' id='roster-1'><query xmlns='roster' ver='*'>\
          <item jid='juliet' subscription='none' name='Juliet'><group>Friends</group></item></query></iq>"]
    );

    work.send(&set("<item jid='juliet@verona.lit' subscription='remove'/>")).await;
    assert_eq!(
        home.got(),
        ["<iq to='romeo/home' type='set' id='roster-2'><query xmlns='roster' ver='*'>\
          <item jid='juliet' subscription='remove'/></query></iq>"]
    );
    assert!(
        work.ask(&set("<item jid='juliet@verona.lit' subscription='remove'/>"))
            .await
            .contains("item-not-found")
    );
}

#[tokio::test]
async fn versions_spare_the_client_what_it_knows() {
    let world = World::new().await;
    let romeo = world.login("romeo@verona.lit/home").await;
    let get = |ver: &str| format!("<iq type='get' id='v'><query xmlns='jabber:iq:roster' ver='{ver}'/></iq>");
    let version = async || {
        let answer = romeo.ask(&get("")).await;
        let (_, rest) = answer.split_once(" ver='").unwrap();
        rest.split_once('\'').unwrap().0.to_owned()
    };
    let empty = version().await;
    romeo.ask(&set("<item jid='juliet@verona.lit'/>")).await;
    let one = version().await;
    assert!(romeo.ask(&get(&one)).await.ends_with(" id='v'/>"));
    assert!(romeo.ask(&get(&empty)).await.contains("'><item jid='juliet@verona.lit' subscription='none'/>"));
    // The account anew: as many changes, another roster.
    world.remove_account(&jid("romeo@verona.lit")).await.unwrap();
    romeo.leave().await;
    let romeo = world.login("romeo@verona.lit/home").await;
    romeo.ask(&set("<item jid='nurse@verona.lit'/>")).await;
    assert!(romeo.ask(&get(&one)).await.contains("<item jid='nurse@verona.lit' subscription='none'/>"));
}

#[tokio::test]
async fn a_client_cannot_change_a_subscription_by_a_set() {
    let world = World::new().await;
    world.befriend("romeo@verona.lit", "juliet@verona.lit").await;
    let romeo = world.login("romeo@verona.lit/home").await;
    romeo.send(&set("<item jid='juliet@verona.lit' name='J' subscription='none'/>")).await;
    romeo.send(&set("<item jid='nurse@verona.lit' subscription='both'/>")).await;
    assert_eq!(world.state("romeo@verona.lit", "juliet@verona.lit").await, "both");
    assert_eq!(world.state("romeo@verona.lit", "nurse@verona.lit").await, "none");
}

#[tokio::test]
async fn removing_a_contact_ends_both_subscriptions() {
    let world = World::new().await;
    world.befriend("romeo@verona.lit", "juliet@verona.lit").await;
    let romeo = world.online("romeo@verona.lit/home").await;
    let juliet = world.online("juliet@verona.lit/balcony").await;
    romeo.received();
    romeo.send(&set("<item jid='juliet@verona.lit' subscription='remove'/>")).await;
    assert_eq!(
        juliet.got(),
        [
            "<presence from='romeo' to='juliet' type='unsubscribe'/>",
            "<iq to='juliet/balcony' type='set' id='roster-2'><query xmlns='roster' ver='*'><item jid='romeo' subscription='to'/></query></iq>",
            "<presence from='romeo/home' to='juliet' type='unavailable'/>",
            "<presence from='romeo' to='juliet' type='unsubscribed'/>",
            "<iq to='juliet/balcony' type='set' id='roster-3'><query xmlns='roster' ver='*'><item jid='romeo' subscription='none'/></query></iq>",
        ]
    );
    assert_eq!(
        romeo.got(),
        [
            "<iq to='romeo/home' type='set' id='roster-2'><query xmlns='roster' ver='*'><item jid='juliet' subscription='remove'/></query></iq>",
            "<presence from='juliet/balcony' to='romeo' type='unavailable'/>",
            "<iq from='romeo' to='romeo/home' type='result' id='s'/>",
        ]
    );
    assert_eq!(world.state("romeo@verona.lit", "juliet@verona.lit").await, "");
}

#[tokio::test]
async fn changes_at_once_are_all_kept_and_pushed_in_order() {
    let world = World::new().await;
    let watcher = world.online("romeo@verona.lit/watcher").await;
    let mut tasks = tokio::task::JoinSet::new();
    for client in 0..10 {
        let client = world.login(&format!("romeo@verona.lit/{client}")).await;
        tasks.spawn(async move {
            let name = client.session.jid.resource().unwrap().to_owned();
            for contact in 0..5 {
                client.send(&set(&format!("<item jid='{contact}-{name}@verona.lit'/>"))).await;
            }
        });
    }
    tasks.join_all().await;
    let pushes = watcher.received();
    assert_eq!(pushes.len(), 50);
    for (push, version) in pushes.iter().zip(1..) {
        assert!(push.contains(&format!("id='roster-{version}'")), "{push}");
    }
    assert_eq!(world.storage.roster(&jid("romeo@verona.lit")).await.unwrap().items.len(), 50);
}

#[tokio::test]
async fn a_roster_has_room_for_so_many() {
    let world = World::with(|settings| settings.limits.roster_items = 2).await;
    let romeo = world.online("romeo@verona.lit/home").await;
    for contact in ["a", "b"] {
        assert!(
            romeo.ask(&set(&format!("<item jid='{contact}@verona.lit'/>"))).await.contains("type='result'")
        );
    }
    assert!(romeo.ask(&set("<item jid='c@verona.lit'/>")).await.contains("<not-acceptable "));
    assert!(romeo.ask(&set("<item jid='a@verona.lit' name='A'/>")).await.contains("type='result'"));
    assert!(romeo.ask("<presence to='c@verona.lit' type='subscribe'/>").await.contains("<not-acceptable "));
}

#[tokio::test]
async fn nobody_reads_or_writes_the_roster_of_another() {
    let world = World::new().await;
    world.account("juliet@verona.lit").await;
    let romeo = world.online("romeo@verona.lit/home").await;
    let get = GET.replace("<iq ", "<iq to='juliet@verona.lit' ");
    assert!(romeo.ask(&get).await.contains("type='error'"));
    let set = set("<item jid='romeo@verona.lit'/>").replace("<iq ", "<iq to='juliet@verona.lit' ");
    assert!(romeo.ask(&set).await.contains("<forbidden "));
}
