//! `router`: sending, and who is online.

use crate::bindings::xmpp::plugin::router::{Error, Host, Session};
use crate::effects::Full;
use crate::host::Outgoing;
use crate::state::{Call, State};
use waxwing_xmpp::{Jid, Stanza};

impl Host for State {
    fn send(&mut self, xml: String) -> wasmtime::Result<Result<(), Error>> {
        Ok(self.send_checked(&xml))
    }

    fn deliver(&mut self, session: String, xml: String) -> wasmtime::Result<Result<(), Error>> {
        Ok(self.deliver_checked(&session, &xml))
    }

    async fn sessions(&mut self, account: String) -> Vec<Session> {
        let Some(account) = Jid::parse(&account).ok().map(|jid| jid.bare()) else { return Vec::new() };
        let Some(call) = &self.call else { return Vec::new() };
        let marks = self.shared.marks();
        let sessions = call.host.sessions(&account).await;
        let seen = sessions.into_iter().map(|session| Session {
            jid: session.jid.to_string(),
            priority: session.priority,
            available: session.available,
            marks: marks.names(session.marks),
        });
        seen.collect()
    }
}

impl State {
    fn send_checked(&mut self, xml: &str) -> Result<(), Error> {
        let call = self.call.as_mut().ok_or(Error::Denied)?;
        let stanza = Stanza::parse(xml).map_err(|_| Error::Malformed)?;
        let (Some(from), Some(_)) = (&stanza.from, &stanza.to) else { return Err(Error::Malformed) };
        if !call.host.is_local(from.domain()) {
            return Err(Error::Denied);
        }
        queue(call, Outgoing::Route(stanza), xml, &self.shared.options)
    }

    fn deliver_checked(&mut self, session: &str, xml: &str) -> Result<(), Error> {
        let call = self.call.as_mut().ok_or(Error::Denied)?;
        let session = Jid::parse(session).map_err(|_| Error::Malformed)?;
        if session.resource().is_none() {
            return Err(Error::Malformed);
        }
        if !call.host.is_local(session.domain()) {
            return Err(Error::Denied);
        }
        let stanza = Stanza::parse(xml).map_err(|_| Error::Malformed)?;
        queue(call, Outgoing::Deliver { session, stanza }, xml, &self.shared.options)
    }
}

fn queue(
    call: &mut Call,
    stanza: Outgoing,
    xml: &str,
    options: &crate::options::EngineOptions,
) -> Result<(), Error> {
    call.effects.outbox.push(stanza, xml.len(), options).map_err(|Full| Error::TooMany)
}
