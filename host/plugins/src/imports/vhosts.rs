//! `vhosts`: the virtual hosts, and what is set for them.

use crate::bindings::xmpp::plugin::vhosts::{self as wit, Error, Host, Setting};
use crate::host::admin::{AdminAnswer, AdminError, AdminRequest, Authority};
use crate::run::state::State;

impl Host for State {
    async fn names(&mut self) -> Vec<String> {
        let Some(call) = &self.call else { return Vec::new() };
        let AdminAnswer::Names(names) = call.host.admin(AdminRequest::Vhosts).await else {
            return Vec::new();
        };
        let mut own = Vec::new();
        for name in names {
            if self.managing(&name, Authority::Admin).is_some() {
                own.push(name);
            }
        }
        own
    }

    async fn authority_over(&mut self, domain: String) -> wit::Authority {
        let ranks = [
            (Authority::Server, wit::Authority::Server),
            (Authority::Owner, wit::Authority::Owner),
            (Authority::Admin, wit::Authority::Admin),
        ];
        for (rank, answer) in ranks {
            if self.managing(&domain, rank).is_some() {
                return answer;
            }
        }
        wit::Authority::None
    }

    async fn settings(&mut self, domain: String) -> Option<Vec<Setting>> {
        let call = self.managing(&domain, Authority::Admin)?;
        match call.host.admin(AdminRequest::Vhost(domain)).await {
            AdminAnswer::Settings(settings) => {
                Some(settings?.into_iter().map(|(key, value)| Setting { key, value }).collect())
            }
            _ => None,
        }
    }

    async fn add(&mut self, domain: String, settings: Vec<Setting>) -> Result<(), Error> {
        // One that works for some virtual hosts only has no say in which there are.
        if !self.shared.scope.is_everywhere() {
            return Err(Error::Denied);
        }
        let call = self.call.as_ref().ok_or(Error::Denied)?;
        let request = AdminRequest::AddVhost { by: call.user(), domain, settings: pairs(settings) };
        done(call.host.admin(request).await)
    }

    async fn change(&mut self, domain: String, settings: Vec<Setting>) -> Result<(), Error> {
        let call = self.managing(&domain, Authority::Admin).ok_or(Error::Denied)?;
        let request = AdminRequest::ChangeVhost { by: call.user(), domain, settings: pairs(settings) };
        done(call.host.admin(request).await)
    }

    async fn remove(&mut self, domain: String, erase: bool) -> Result<(), Error> {
        let call = self.managing(&domain, Authority::Owner).ok_or(Error::Denied)?;
        done(call.host.admin(AdminRequest::RemoveVhost { by: call.user(), domain, erase }).await)
    }
}

fn pairs(settings: Vec<Setting>) -> Vec<(String, String)> {
    settings.into_iter().map(|setting| (setting.key, setting.value)).collect()
}

fn done(answer: AdminAnswer) -> Result<(), Error> {
    match answer {
        AdminAnswer::Done => Ok(()),
        AdminAnswer::Refused(AdminError::Denied) => Err(Error::Denied),
        AdminAnswer::Refused(AdminError::Exists) => Err(Error::Exists),
        AdminAnswer::Refused(AdminError::NotFound) => Err(Error::NotFound),
        AdminAnswer::Refused(AdminError::Invalid(why)) => Err(Error::Invalid(why)),
        _ => Err(Error::Unavailable),
    }
}
