//! Stanzas for domains that are no virtual host's: the services of plugins, such as `bot.example.org` under
//! `example.org`, and other servers.

use crate::server::Server;
use crate::vhost::Vhost;
use std::sync::Arc;
use waxwing_plugins::{Engine, Event, Origin, Outcome, Service};
use waxwing_xmpp::{Condition, Jid, Kind, Stanza, Type};

impl Server {
    /// The virtual host that an address belongs to: as its own, or as that of a service below it.
    pub(crate) fn vhost_of(&self, jid: &Jid) -> Option<Arc<Vhost>> {
        let domain = jid.domain();
        self.vhost(domain).or_else(|| self.vhost(domain.split_once('.')?.1))
    }

    /// Send a stanza to a domain that is no virtual host's. Returns once a plugin has dealt with it: order
    /// and back-pressure are those of other stanzas.
    pub(crate) async fn send_elsewhere(&self, origin: Origin, stanza: Stanza) {
        let Some(to) = &stanza.to else { return };
        let service = self.engine.get().and_then(|engine| Some((engine, engine.service(to.domain())?)));
        match service.filter(|(_, service)| self.is_served(&service.vhost)) {
            Some((engine, service)) => Box::pin(self.serve(engine, &service, origin, stanza)).await,
            None => Box::pin(self.send_remote(stanza)).await,
        }
    }

    /// The seam for other servers.
    async fn send_remote(&self, stanza: Stanza) {
        self.bounce(&stanza, &Condition::RemoteServerNotFound.into()).await;
    }

    /// Hand a stanza to the plugin whose service it is for.
    async fn serve(&self, engine: &Engine, service: &Service, origin: Origin, stanza: Stanza) {
        let Some(vhost) = self.vhost(&service.vhost) else { return };
        let is_iq = stanza.kind() == Kind::Iq;
        if is_iq && !matches!(stanza.ty(), Type::Get | Type::Set) {
            return self.hand_to_plugin(&stanza).await;
        }
        let received = self.clock.now();
        let event = Event { vhost: vhost.jid.clone(), origin, received, client: None, accepted: false };
        match engine.serve(service, &event, &stanza).await {
            Outcome::Reply(inner) => self.send_back(stanza.iq_result(&inner)).await,
            Outcome::Reject(error) => self.bounce(&stanza, &error).await,
            // Every request is to be answered (RFC 6120, section 8.2.3).
            Outcome::Drop if is_iq => self.bounce(&stanza, &Condition::ServiceUnavailable.into()).await,
            Outcome::Handled | Outcome::Drop => {}
            Outcome::Next(stanza) => self.serve_by_host(service, &stanza).await,
        }
    }

    /// What a plugin leaves to the host: service discovery, and errors for what nobody wants.
    async fn serve_by_host(&self, service: &Service, stanza: &Stanza) {
        if stanza.kind() == Kind::Presence {
            return;
        }
        match self.service_disco(&service.info, stanza) {
            Ok(inner) => self.send_back(stanza.iq_result(&inner)).await,
            Err(error) => self.bounce(stanza, &error).await,
        }
    }
}
