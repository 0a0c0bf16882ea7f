//! Whom the users of a virtual host may exchange stanzas with. The access lists of the whole server come first.

use crate::server::Server;
use crate::vhost::Vhost;
use std::collections::BTreeSet;
use std::sync::Arc;
use waxwing_config::{DomainFilter, VhostSettings};
use waxwing_xmpp::{Condition, Jid, Stanza, StanzaError, Type};

impl Server {
    /// Whether a stanza may pass between two addresses, as the access lists and the virtual hosts of both see it. Nearly
    /// always the lists are empty and both are of one domain, and there is nothing to ask.
    ///
    /// # Errors
    /// `forbidden`, with a sentence for the sender.
    pub(crate) fn may_pass(&self, from: &Jid, to: &Jid) -> Result<(), StanzaError> {
        if !self.lists_admit(from, to) {
            let text = "The administrators of this server do not let the two of you exchange messages";
            return Err(StanzaError::from(Condition::Forbidden).with_text(text));
        }
        if from.domain() == to.domain() {
            return Ok(());
        }
        for (own, other) in [(from, to), (to, from)] {
            let allowed = self
                .vhost(own.domain())
                .is_none_or(|vhost| vhost.get(|settings| self.admits(settings, other.domain())));
            if !allowed {
                let text = match own == from {
                    true => {
                        format!("Users of {} may not exchange messages with {}", own.domain(), other.domain())
                    }
                    false => format!("{} does not take messages from {}", own.domain(), other.domain()),
                };
                return Err(StanzaError::from(Condition::Forbidden).with_text(text));
            }
        }
        Ok(())
    }

    /// Whether somebody on the domain of a virtual host could reach another domain with the settings before, and cannot
    /// with those of now.
    fn is_cut_off(&self, vhost: &Vhost, before: &VhostSettings, other: &str) -> bool {
        other != vhost.domain()
            && self.admits(before, other)
            && !self.admits(&vhost.settings(), other)
            // Or they have not seen each other before either.
            && self.vhost(other).is_none_or(|it| self.admits(&it.settings(), vhost.domain()))
    }

    /// The settings of a virtual host have changed: tell those who saw each other, and may not exchange stanzas any more,
    /// that the others are unavailable.
    pub(crate) fn cut_off(&self, vhost: Arc<Vhost>, before: Arc<VhostSettings>) {
        let now = vhost.settings();
        let same = now.domain_filter == before.domain_filter
            && now.domain_filter_domains == before.domain_filter_domains;
        let Some(server) = self.me.upgrade().filter(|_| !same) else { return };
        // Whoever changes settings need not wait for clients that read slowly.
        tokio::spawn(async move {
            let is_cut = |one: &Jid, other: &Jid| {
                let cut = |own: &Jid, other: &Jid| {
                    own.domain() == vhost.domain() && server.is_cut_off(&vhost, &before, other.domain())
                };
                cut(one, other) || cut(other, one)
            };
            server.part(is_cut).await;
        });
    }

    /// Tell everybody who sees somebody from whom he is cut off now that the other is unavailable. `is_cut` is asked
    /// whether one address was cut off from another, in either order.
    pub(crate) async fn part(&self, is_cut: impl Fn(&Jid, &Jid) -> bool) {
        let sessions = self.directory.all_sessions();
        let accounts: BTreeSet<&Jid> = sessions.iter().map(|session| &session.account.jid).collect();
        for account in accounts {
            let roster = match self.roster_of(account).await {
                Ok(roster) => roster,
                Err(error) => {
                    tracing::warn!(%account, "contacts were not told that they are cut off: {error}");
                    continue;
                }
            };
            for item in roster.items.iter().filter(|item| item.from && is_cut(account, &item.jid)) {
                self.present_account(account, &item.jid, Type::Unavailable).await;
            }
        }
        // Those who have got directed presence.
        for session in &sessions {
            for to in session.take_directed_if(|to| is_cut(&session.jid, to)) {
                let stanza = Stanza::presence(Type::Unavailable, "");
                self.presence_in(stanza.with_addresses(Some(session.jid.clone()), Some(to))).await;
            }
        }
    }

    fn admits(&self, settings: &VhostSettings, other: &str) -> bool {
        let own = settings.domain.as_str();
        let is_below = |domain: &str| {
            other.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        let listed = || settings.domain_filter_domains.iter().any(|domain| domain == other);
        match settings.domain_filter {
            DomainFilter::All => true,
            DomainFilter::Local => {
                self.is_local(other) || other.split_once('.').is_some_and(|(_, domain)| self.is_local(domain))
            }
            DomainFilter::Own => is_below(own),
            DomainFilter::List => is_below(own) || listed(),
            DomainFilter::Blacklist => !listed(),
            DomainFilter::Block => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{World, jid};

    #[tokio::test]
    async fn both_sides_have_a_say() {
        let world = World::new().await;
        for domain in ["own.lit", "listed.lit"] {
            world.server.add_vhost(domain, &[]).await.unwrap();
        }
        let passes = |from: &str, to: &str| world.server.may_pass(&jid(from), &jid(to)).is_ok();
        let set = async |policy: &str, domains: &str| {
            let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
            let changes = [pair("domain-filter", policy), pair("domain-filter-domains", domains)];
            world.server.change_vhost("own.lit", &changes).await.unwrap();
        };
        let others = ["a@listed.lit", "a@elsewhere.example", "a@sub.own.lit", "bot.listed.lit"];
        for (policy, domains, expected) in [
            ("all", "", [true, true, true, true]),
            ("local", "", [true, false, true, true]),
            ("own", "", [false, false, true, false]),
            ("list", "listed.lit", [true, false, true, false]),
            ("blacklist", "listed.lit", [false, true, true, true]),
            ("block", "", [false, false, false, false]),
        ] {
            set(policy, domains).await;
            assert_eq!(others.map(|other| passes("me@own.lit/a", other)), expected, "{policy}");
            assert_eq!(others.map(|other| passes(other, "me@own.lit")), expected, "to us: {policy}");
            assert!(passes("me@own.lit/a", "you@own.lit"));
        }
    }

    /// What the filter separates does not go on seeing each other.
    #[tokio::test]
    async fn those_who_are_cut_off_hear_that_the_others_are_gone() {
        let world = World::new().await;
        world.add_vhost("a.example", &[]).await.unwrap();
        world.befriend("tim@a.example", "romeo@verona.lit").await;
        let romeo = world.online("romeo@verona.lit/orchard").await;
        let juliet = world.online("juliet@verona.lit/balcony").await;
        let tim = world.online("tim@a.example/home").await;
        juliet.send("<presence to='tim@a.example/home'/>").await;
        tim.send("<presence to='juliet@verona.lit/balcony'/>").await;
        for client in [&romeo, &juliet, &tim] {
            client.received();
        }
        let own = [("domain-filter".to_owned(), "own".to_owned())];
        world.change_vhost("a.example", &own).await.unwrap();
        let (mut at_tim, mut at_romeo, mut at_juliet) = (Vec::new(), Vec::new(), Vec::new());
        while (at_tim.len(), at_romeo.len(), at_juliet.len()) != (2, 1, 1) {
            tokio::task::yield_now().await;
            at_tim.extend(tim.received());
            at_romeo.extend(romeo.received());
            at_juliet.extend(juliet.received());
        }
        let gone = |from: &str, to: &str| format!("<presence from='{from}' to='{to}' type='unavailable'/>");
        assert_eq!(at_romeo, [gone("tim@a.example/home", "romeo@verona.lit")]);
        assert_eq!(at_juliet, [gone("tim@a.example/home", "juliet@verona.lit/balcony")]);
        assert_eq!(at_tim[0], gone("romeo@verona.lit/orchard", "tim@a.example"));
        assert_eq!(at_tim[1], gone("juliet@verona.lit/balcony", "tim@a.example/home"));
        // Nor does whoever comes anew.
        let street = world.online("romeo@verona.lit/street").await;
        street.send("<presence/>").await;
        assert!(!street.received().iter().any(|xml| xml.contains("a.example")));
    }
}
