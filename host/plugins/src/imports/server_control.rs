//! `server-control`: the access lists of the whole server, and stopping it.

use crate::bindings::xmpp::plugin::server_control::{self as wit, Error, Host};
use crate::host::admin::{AccessList, AdminAnswer, AdminError, AdminRequest, AfterStop, Authority};
use crate::run::state::{Call, State};

impl Host for State {
    async fn entries(&mut self, list: wit::AccessList) -> Result<Vec<String>, Error> {
        match self.governing()?.host.admin(AdminRequest::AccessList(list.into())).await {
            AdminAnswer::Names(entries) => Ok(entries),
            other => Err(refusal(other)),
        }
    }

    async fn set_entries(&mut self, list: wit::AccessList, entries: Vec<String>) -> Result<(), Error> {
        let request = AdminRequest::SetAccessList { list: list.into(), entries };
        done(self.governing()?.host.admin(request).await)
    }

    async fn shut_down(&mut self, delay: u32) -> Result<(), Error> {
        self.stop(AfterStop::Exit, delay).await
    }

    async fn restart(&mut self, delay: u32) -> Result<(), Error> {
        self.stop(AfterStop::Restart, delay).await
    }
}

impl State {
    /// The call, if it may do what concerns the whole server.
    fn governing(&self) -> Result<&Call, Error> {
        // One that works for some virtual hosts only has no say in the others.
        let call = self.call.as_deref().filter(|_| self.shared.scope.is_everywhere());
        call.filter(|call| call.authority_over_server()).ok_or(Error::Denied)
    }

    async fn stop(&mut self, then: AfterStop, delay: u32) -> Result<(), Error> {
        done(self.governing()?.host.admin(AdminRequest::Stop { then, delay }).await)
    }
}

impl Call {
    /// Whether the user of the command administers the server, or no command runs.
    fn authority_over_server(&self) -> bool {
        self.actor.as_ref().is_none_or(|user| self.host.authority(user, user.domain()) == Authority::Server)
    }
}

impl From<wit::AccessList> for AccessList {
    fn from(list: wit::AccessList) -> Self {
        match list {
            wit::AccessList::Administrators => Self::Administrators,
            wit::AccessList::Blacklist => Self::Blacklist,
            wit::AccessList::Whitelist => Self::Whitelist,
        }
    }
}

fn done(answer: AdminAnswer) -> Result<(), Error> {
    match answer {
        AdminAnswer::Done => Ok(()),
        other => Err(refusal(other)),
    }
}

fn refusal(answer: AdminAnswer) -> Error {
    match answer {
        AdminAnswer::Refused(AdminError::Denied) => Error::Denied,
        AdminAnswer::Refused(AdminError::Invalid(why)) => Error::Invalid(why),
        _ => Error::Unavailable,
    }
}
