//! `marks`: marks on sessions.

use crate::bindings::xmpp::plugin::marks::{Error, Host};
use crate::run::state::State;
use waxwing_xmpp::Jid;

impl Host for State {
    async fn set(&mut self, session: String, mark: String, on: bool) -> Result<(), Error> {
        let session = Jid::parse(&session).map_err(|_| Error::NoSuchSession)?;
        let number = self.shared.marks().number(&mark).ok_or(Error::UnknownMark)?;
        let limits = &self.shared.limits;
        let call = self.call.as_mut().filter(|call| self.shared.serves(session.domain(), &*call.host));
        let call = call.ok_or(Error::NoSuchSession)?;
        let sessions = call.host.sessions(&session.bare()).await;
        if !sessions.iter().any(|known| known.jid == session) {
            return Err(Error::NoSuchSession);
        }
        // As many as stanzas, for want of an error of its own: a call marks one or two sessions.
        if call.effects.marks.len() >= limits.outbox_stanzas {
            return Err(Error::NoSuchSession);
        }
        call.effects.marks.push((session, number, on));
        Ok(())
    }
}
