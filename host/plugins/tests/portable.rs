//! What plugins keep of accounts, given out and taken.

mod common;

use common::*;
use waxwing_plugins::*;

const OWNER: &str = "juliet@capulet.example";

fn memory() -> PortableKind {
    PortableKind { ns: "urn:clock".into(), name: "memory".into(), children: true }
}

fn broken() -> PortableKind {
    PortableKind { name: "broken".into(), children: false, ..memory() }
}

fn kept(world: &World) -> Option<String> {
    world.host.storage.value("account-data/clockwork", OWNER, "k")
}

#[tokio::test]
async fn what_is_taken_is_given_out() {
    let world = World::with(spec("clockwork")).await;
    let owner = jid(OWNER);
    let clockwork = "clockwork".to_owned();
    assert_eq!(world.engine.portable(VHOST), [(memory(), clockwork.clone()), (broken(), clockwork)]);
    assert!(world.engine.portable("montague.example").len() == 2, "it works for all virtual hosts");
    let nothing = PortablePage { elements: vec![], next: None };
    assert_eq!(world.engine.export(&owner, &memory(), None).await.unwrap(), nothing);
    world.engine.import(&owner, &memory(), "<entry xmlns='urn:clock'>R&amp;J</entry>").await.unwrap();
    assert_eq!(kept(&world).as_deref(), Some("R&J"));
    // However the plugin writes it, it is written in one way.
    let page = world.engine.export(&owner, &memory(), None).await.unwrap();
    assert_eq!(page.elements, ["<entry xmlns='urn:clock'>R&amp;J</entry>"]);
    assert_eq!(world.engine.export(&owner, &memory(), page.next.as_deref()).await.unwrap(), nothing);
}

#[tokio::test]
async fn what_is_refused_leaves_nothing() {
    let world = World::with(spec("clockwork")).await;
    let owner = jid(OWNER);
    let refused = world.engine.import(&owner, &memory(), "<other xmlns='urn:clock'/>").await.unwrap_err();
    assert!(matches!(&refused, PortableError::Refused { plugin, .. } if plugin == "clockwork"));
    assert!(refused.to_string().contains("There is no entry"), "{refused}");
    let failed = world.engine.import(&owner, &broken(), "<broken xmlns='urn:clock'/>").await.unwrap_err();
    assert!(matches!(failed, PortableError::Failed { .. }), "{failed}");
    let failed = world.engine.export(&owner, &broken(), None).await.unwrap_err();
    assert!(failed.to_string().contains("XML that cannot be sent"), "{failed}");
    let unknown = PortableKind { name: "other".into(), ..memory() };
    let nobody = world.engine.export(&owner, &unknown, None).await.unwrap_err();
    assert_eq!(nobody.to_string(), "no plugin keeps {urn:clock}other/*");
    assert_eq!(kept(&world), None);
}
