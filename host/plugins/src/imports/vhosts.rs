//! `vhosts`: the virtual hosts, and what is set for them.

use crate::admin::{AdminAnswer, AdminError, AdminRequest, Authority};
use crate::bindings::xmpp::plugin::vhosts::{self as wit, Error, Host, Setting};
use crate::state::{Call, State};
use waxwing_xmpp::Jid;

/// Settings of which only administrators of the server decide: what their own plugins do is not up to others.
const RESERVED: &[&str] = &["without-plugins"];
/// Settings of which owners decide, and not those whom they let help.
const OWNERS: &[&str] = &["owner"];

const LEFT: &str = "The domain has been served here before, and its accounts are still there: ask an \
    administrator of the server to add it, or to erase them";

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
        let domain = Jid::parse(&domain).map_or(domain, |jid| jid.to_string());
        // No virtual host has authority over one that is not there yet: this is whether it is all over.
        if call.authority(&domain) < Authority::Server {
            let owner = settings.iter().find(|setting| setting.key == "owner");
            let owner = owner.and_then(|setting| Jid::parse(&setting.value).ok());
            let is_owner = owner.zip(call.actor.as_ref()).is_some_and(|(owner, user)| owner == user.bare());
            let reserved = settings.iter().any(|setting| RESERVED.contains(&setting.key.as_str()));
            if !is_owner || reserved {
                return Err(Error::Denied);
            }
            check_free(call, &domain).await?;
            // Accounts that have stayed from when it was served before are not for a new owner.
            match call.host.admin(AdminRequest::CountAccounts(domain.clone())).await {
                AdminAnswer::Count(0, _) => {}
                AdminAnswer::Count(..) => return Err(Error::Invalid(LEFT.to_owned())),
                _ => return Err(Error::Unavailable),
            }
        }
        done(call.host.admin(AdminRequest::AddVhost { domain, settings: pairs(settings) }).await)
    }

    async fn change(&mut self, domain: String, settings: Vec<Setting>) -> Result<(), Error> {
        let has = |keys: &[&str]| settings.iter().any(|setting| keys.contains(&setting.key.as_str()));
        let least = match (has(RESERVED), has(OWNERS)) {
            (true, _) => Authority::Server,
            (false, true) => Authority::Owner,
            (false, false) => Authority::Admin,
        };
        let call = self.managing(&domain, least).ok_or(Error::Denied)?;
        done(call.host.admin(AdminRequest::ChangeVhost { domain, settings: pairs(settings) }).await)
    }

    async fn remove(&mut self, domain: String, erase: bool) -> Result<(), Error> {
        let call = self.managing(&domain, Authority::Owner).ok_or(Error::Denied)?;
        done(call.host.admin(AdminRequest::RemoveVhost { domain, erase }).await)
    }
}

/// Whether somebody who is no administrator of the server may have a domain: one that is not above all others of its
/// kind, nor above one that is not his. Whoever has a domain decides about the names below it.
async fn check_free(call: &Call, domain: &str) -> Result<(), Error> {
    if !domain.contains('.') {
        return Err(Error::Invalid(format!(
            "{domain} has no dot in it: only an administrator of the server adds such a name"
        )));
    }
    let AdminAnswer::Names(names) = call.host.admin(AdminRequest::Vhosts).await else {
        return Err(Error::Unavailable);
    };
    let is_below = |name: &&String| name.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'));
    match names.iter().filter(is_below).find(|name| call.authority(name) < Authority::Owner) {
        Some(name) => Err(Error::Invalid(format!("{name}, which is somebody else's, is below {domain}"))),
        None => Ok(()),
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
