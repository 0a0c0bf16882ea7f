//! Whom the users of a virtual host may exchange stanzas with.

use crate::server::Server;
use waxwing_config::{DomainFilter, VhostSettings};
use waxwing_xmpp::{Condition, Jid, StanzaError};

impl Server {
    /// Whether a stanza may pass between two addresses, as the virtual hosts of both see it. Nearly always both are
    /// of one domain, and there is nothing to ask.
    ///
    /// # Errors
    /// `forbidden`, with a sentence for the sender.
    pub(crate) fn may_pass(&self, from: &Jid, to: &Jid) -> Result<(), StanzaError> {
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
}
