//! XEP-0030 and XEP-0115.

use super::{Info, named};
use crate::testing::{DOMAIN, World};
use waxwing_xmpp::Element;

#[test]
fn verification_string_of_the_simple_example() {
    let info = Info {
        category: "client",
        ty: "pc",
        name: "Exodus 0.9.1",
        features: named(&[
            "http://jabber.org/protocol/muc",
            "http://jabber.org/protocol/disco#items",
            "http://jabber.org/protocol/disco#info",
            "http://jabber.org/protocol/caps",
        ]),
    };
    assert_eq!(info.ver(), "QgayPKawpkPSDYmwT/WM94uAlu0=");
}

#[test]
fn info_names_each_feature_once_and_in_order() {
    let features = named(&["b", "a&c", "b"]);
    let info = Info { category: "account", ty: "registered", name: "", features };
    assert_eq!(
        info.to_xml(None),
        "<query xmlns='http://jabber.org/protocol/disco#info'><identity category='account' type='registered'/>\
         <feature var='a&amp;c'/><feature var='b'/></query>"
    );
}

const INFO: &str = "http://jabber.org/protocol/disco#info";
const ITEMS: &str = "http://jabber.org/protocol/disco#items";

fn get(to: &str, ns: &str, node: &str) -> String {
    format!("<iq type='get' id='d' to='{to}'><query xmlns='{ns}'{node}/></iq>")
}

#[tokio::test]
async fn the_server_tells_what_it_can_do_and_its_capabilities_can_be_asked_for() {
    let world = World::new().await;
    let romeo = world.login("romeo@verona.lit/orchard").await;
    let info = romeo.ask(&get("verona.lit", INFO, "")).await;
    assert!(info.contains("<identity category='server' type='im' name='Waxwing'/>"), "{info}");
    assert!(info.contains(&format!("<feature var='{INFO}'/><feature var='{ITEMS}'/>")), "{info}");

    let caps = Element::parse(&world.about(DOMAIN).caps).unwrap();
    let node = format!("{}#{}", caps.attr("node").unwrap(), caps.attr("ver").unwrap());
    let same = romeo.ask(&get("verona.lit", INFO, &format!(" node='{node}'"))).await;
    assert_eq!(same, info.replace("#info'><identity", &format!("#info' node='{node}'><identity")));
    for node in [" node='other'", " node='urn:waxwing:server#other'"] {
        assert!(romeo.ask(&get("verona.lit", INFO, node)).await.contains("<item-not-found "));
    }
    assert!(romeo.ask(&get("verona.lit", ITEMS, "")).await.contains("type='result'"));
    assert!(romeo.ask(&get("verona.lit", ITEMS, " node='other'")).await.contains("<item-not-found "));
}

#[tokio::test]
async fn accounts_are_shown_to_those_who_see_their_presence() {
    let world = World::new().await;
    world.befriend("romeo@verona.lit", "juliet@verona.lit").await;
    let juliet = world.online("juliet@verona.lit/balcony").await;
    let romeo = world.online("romeo@verona.lit/orchard").await;
    let tybalt = world.online("tybalt@verona.lit/street").await;
    world.login("juliet@verona.lit/silent").await;
    for client in [&romeo, &juliet] {
        let info = client.ask(&get("juliet@verona.lit", INFO, "")).await;
        assert!(info.contains("<identity category='account' type='registered'/>"), "{info}");
        let items = client.ask(&get("juliet@verona.lit", ITEMS, "")).await;
        assert!(items.contains("#items'><item jid='juliet@verona.lit/balcony'/></query>"), "{items}");
        assert!(client.ask(&get("juliet@verona.lit", INFO, " node='x'")).await.contains("<item-not-found "));
    }
    assert!(tybalt.ask(&get("juliet@verona.lit", INFO, "")).await.contains("<service-unavailable "));
    assert!(tybalt.ask(&get("nobody@verona.lit", INFO, "")).await.contains("<service-unavailable "));
    let items = tybalt.ask(&get("juliet@verona.lit", ITEMS, "")).await;
    assert!(items.contains("type='result'") && !items.contains("balcony"), "{items}");
}
