//! What others could read on its way.

use crate::server::Server;
use crate::session::Session;
use waxwing_xmpp::{Condition, Stanza, StanzaError, Type, ns};

impl Server {
    /// Refuse a new password (XEP-0077, section 3.3) that others may have read: from another machine, without TLS. It is
    /// known to them by then, but is not that of the account.
    pub(crate) fn check_secrecy(&self, session: &Session, iq: &Stanza) -> Result<(), StanzaError> {
        if !session.is_overheard() || iq.ty() != Type::Set {
            return Ok(());
        }
        let query = iq.child("query", ns::REGISTER).and_then(|query| query.element().ok());
        let has_password = query.is_some_and(|query| query.child("password", ns::REGISTER).is_some());
        if !has_password || (self.settings.passwords_without_tls && !session.vhost.tls_required()) {
            return Ok(());
        }
        Err(StanzaError::from(Condition::NotAuthorized).with_text("A password is changed over TLS"))
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::World;
    use std::net::IpAddr;

    const CHANGE: &str = "<iq type='set' id='p' to='verona.lit'><query xmlns='jabber:iq:register'>\
        <username>romeo</username><password>new</password></query></iq>";

    /// What comes of it from somewhere: without a plugin, nobody changes the password that may be changed.
    async fn answer(world: &World, address: &str, tls: bool) -> &'static str {
        let romeo = world.login("romeo@verona.lit/orchard").await;
        romeo.session.comes_from(address.parse::<IpAddr>().unwrap(), tls);
        let answer = romeo.ask(CHANGE).await;
        ["not-authorized", "service-unavailable"].into_iter().find(|word| answer.contains(word)).unwrap()
    }

    #[tokio::test]
    async fn nobody_changes_a_password_that_others_may_read() {
        let world = World::new().await;
        let (refused, passed) = ("not-authorized", "service-unavailable");
        assert_eq!(answer(&world, "192.0.2.1", false).await, refused);
        assert_eq!(answer(&world, "2001:db8::1", false).await, refused);
        assert_eq!(answer(&world, "192.0.2.1", true).await, passed);
        for own in ["127.0.0.1", "::1", "::ffff:127.0.0.1"] {
            assert_eq!(answer(&world, own, false).await, passed, "{own}");
        }
    }

    #[tokio::test]
    async fn the_operator_may_allow_it_where_tls_is_not_required() {
        for (tls_required, expected) in [(false, "service-unavailable"), (true, "not-authorized")] {
            let world = World::with(|settings| {
                settings.passwords_without_tls = true;
                settings.vhosts[0].tls_required = tls_required;
            });
            assert_eq!(answer(&world.await, "192.0.2.1", false).await, expected);
        }
    }

    #[tokio::test]
    async fn what_has_no_password_in_it_passes() {
        let world = World::new().await;
        let romeo = world.login("romeo@verona.lit/orchard").await;
        romeo.session.comes_from("192.0.2.1".parse::<IpAddr>().unwrap(), false);
        for inner in ["<remove/>", "<username>romeo</username>"] {
            let set = format!("<iq type='set' id='r'><query xmlns='jabber:iq:register'>{inner}</query></iq>");
            assert!(romeo.ask(&set).await.contains("service-unavailable"), "{inner}");
        }
    }
}
