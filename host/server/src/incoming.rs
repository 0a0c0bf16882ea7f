//! The recipient's side of plugins: what is on its way to an account is shown to those of the account's virtual host,
//! whoever has sent it.

use crate::directory::AccountEntry;
use crate::router::Source;
use crate::server::Server;
use waxwing_plugins::{Calls, Stage, Target};
use waxwing_xmpp::Stanza;

impl Server {
    /// Ask the plugins of the recipient's virtual host about a stanza for an account; `recipient` is the account, if it
    /// is online. `None` if one of them has dealt with it.
    pub(crate) async fn let_in(
        &self,
        source: &Source<'_>,
        stanza: Stanza,
        recipient: Option<&AccountEntry>,
    ) -> Option<Stanza> {
        let calls = self.guards(source, &stanza, recipient);
        match &stanza.to {
            Some(to) if !calls.is_empty() => {
                let event = self.event_for(source, to);
                Box::pin(self.ask(calls, event, stanza)).await
            }
            _ => Some(stanza),
        }
    }

    fn guards(&self, source: &Source<'_>, stanza: &Stanza, recipient: Option<&AccountEntry>) -> Calls {
        let Some(to) = stanza.to.as_ref().filter(|to| to.local().is_some()) else { return Calls::default() };
        if stanza.from.as_ref().is_some_and(|from| from.bare_str() == to.bare_str()) {
            return Calls::default();
        }
        self.matching(to.domain(), Stage::Incoming, stanza, || source.facts(recipient, Target::empty()))
    }
}
