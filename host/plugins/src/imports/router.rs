//! `router`: sending, and who is online.

use crate::bindings::xmpp::plugin::router::{Error, Host, Session};
use crate::common::requests::{LONGEST, Request};
use crate::common::shared::Shared;
use crate::declare::grants::Grant;
use crate::effects::Full;
use crate::host::Outgoing;
use crate::run::state::{Call, State};
use waxwing_xmpp::{Jid, Kind, Stanza, Type};

/// Random bytes in the id of a request.
const ID: usize = 16;
/// Bytes that a request may have handed back with its reply.
const CONTEXT: usize = 64 << 10;

impl Host for State {
    fn send(&mut self, xml: String) -> wasmtime::Result<Result<(), Error>> {
        Ok(self.send_checked(&xml))
    }

    fn send_to_all(&mut self, xml: String, recipients: Vec<String>) -> wasmtime::Result<Result<(), Error>> {
        Ok(self.send_to_all_checked(&xml, &recipients))
    }

    fn request(
        &mut self,
        xml: String,
        context: Vec<u8>,
        timeout: u32,
    ) -> wasmtime::Result<Result<(), Error>> {
        Ok(self.request_checked(&xml, context, timeout))
    }

    fn deliver(&mut self, session: String, xml: String) -> wasmtime::Result<Result<(), Error>> {
        Ok(self.deliver_checked(&session, &xml))
    }

    async fn sessions(&mut self, account: String) -> Vec<Session> {
        let Some(account) = Jid::parse(&account).ok().map(|jid| jid.bare()) else { return Vec::new() };
        let Some(call) = self.call.as_ref().filter(|call| self.shared.serves(account.domain(), &*call.host))
        else {
            return Vec::new();
        };
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
    fn router(&mut self) -> Result<(&mut Call, &Shared), Error> {
        Ok((self.call.as_mut().ok_or(Error::Denied)?, &self.shared))
    }

    fn send_checked(&mut self, xml: &str) -> Result<(), Error> {
        let (call, shared) = self.router()?;
        let stanza = stanza_from(xml, call, shared)?;
        if stanza.to.is_none() {
            return Err(Error::Malformed);
        }
        queue(call, Outgoing::Route(stanza), xml, shared)
    }

    fn send_to_all_checked(&mut self, xml: &str, recipients: &[String]) -> Result<(), Error> {
        let (call, shared) = self.router()?;
        let stanza = stanza_from(xml, call, shared)?;
        let addresses = recipients.iter().map(String::len).sum::<usize>();
        if !call.effects.outbox.has_room(recipients.len(), xml.len() + addresses, &shared.limits) {
            return Err(Error::TooMany);
        }
        let addresses: Result<Vec<Jid>, _> = recipients.iter().map(|to| Jid::parse(to)).collect();
        // All copies share the content, so it counts for the first.
        let mut content = xml.len();
        for (to, address) in addresses.map_err(|_| Error::Malformed)?.into_iter().zip(recipients) {
            let copy = stanza.with_addresses(stanza.from.clone(), Some(to));
            let bytes = address.len() + std::mem::take(&mut content);
            let pushed = call.effects.outbox.push(Outgoing::Route(copy), bytes, &shared.limits);
            pushed.map_err(|Full| Error::TooMany)?;
        }
        Ok(())
    }

    fn request_checked(&mut self, xml: &str, context: Vec<u8>, timeout: u32) -> Result<(), Error> {
        let (call, shared) = self.router()?;
        // It has no id of its own, or one that is about to be replaced.
        let with_id = xml.trim_start().strip_prefix("<iq").map(|rest| format!("<iq id='0'{rest}"));
        let stanza = match with_id.map(|xml| stanza_from(&xml, call, shared)) {
            Some(Ok(stanza)) => stanza,
            _ => stanza_from(xml, call, shared)?,
        };
        let (Some(from), Some(to)) = (stanza.from.clone(), stanza.to.clone()) else {
            return Err(Error::Malformed);
        };
        if stanza.kind() != Kind::Iq || !matches!(stanza.ty(), Type::Get | Type::Set) {
            return Err(Error::Malformed);
        }
        // The hook that the reply would be brought to.
        if !shared.hooks.contains(&Grant::Replies) {
            return Err(Error::Denied);
        }
        // Replies to an account go to its sessions.
        if from.local().is_some() && call.host.is_local(from.domain()) {
            return Err(Error::Denied);
        }
        let open = shared.common.requests.count(&shared.name) + call.effects.requests.len();
        if open >= shared.limits.requests || context.len() > CONTEXT {
            return Err(Error::TooMany);
        }
        let mut random = [0; ID];
        if !call.host.random(&mut random) {
            return Err(Error::Denied);
        }
        let id: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        let plugin = shared.name.clone();
        let request = Request { id: id.clone(), plugin, from, to, context, timeout: timeout.min(LONGEST) };
        queue(call, Outgoing::Route(stanza.with_id(&id)), xml, shared)?;
        call.effects.requests.push(request);
        Ok(())
    }

    fn deliver_checked(&mut self, session: &str, xml: &str) -> Result<(), Error> {
        let (call, shared) = self.router()?;
        let session = Jid::parse(session).map_err(|_| Error::Malformed)?;
        if session.resource().is_none() {
            return Err(Error::Malformed);
        }
        if !shared.serves(session.domain(), &*call.host) {
            return Err(Error::Denied);
        }
        let stanza = Stanza::parse(xml).map_err(|_| Error::Malformed)?;
        let is_own = |from: &Jid| shared.may_act_for(from.domain(), &*call.host);
        if !shared.has_any_sender() && !stanza.from.as_ref().is_none_or(is_own) {
            return Err(Error::Denied);
        }
        queue(call, Outgoing::Deliver { session, stanza }, xml, shared)
    }
}

/// A stanza whose `from` is an address that the plugin may use.
fn stanza_from(xml: &str, call: &Call, shared: &Shared) -> Result<Stanza, Error> {
    let stanza = Stanza::parse(xml).map_err(|_| Error::Malformed)?;
    let from = stanza.from.as_ref().ok_or(Error::Malformed)?;
    if shared.may_act_for(from.domain(), &*call.host) { Ok(stanza) } else { Err(Error::Denied) }
}

fn queue(call: &mut Call, stanza: Outgoing, xml: &str, shared: &Shared) -> Result<(), Error> {
    call.effects.outbox.push(stanza, xml.len(), &shared.limits).map_err(|Full| Error::TooMany)
}
