//! Adding a domain: `comp-repo-item-add`.

use crate::VhostMan;
use crate::complaint::{Complaint, about};
use crate::fields::{DOMAIN, OWNER, filled_in, form_of};
use crate::rules::{check_above, is_served};
use waxwing_plugin::commands::{Reply, Request};
use waxwing_plugin::prelude::*;
use waxwing_plugin::vhosts::{Authority, Setting};

impl VhostMan {
    /// Take a step of adding a domain.
    pub fn add(&self, request: &Request) -> Reply {
        let form = || {
            let user = local(&request.user).map(|_| setting("owner", bare(&request.user)));
            let domain = jid_field(DOMAIN, DOMAIN).required().hint("Such as example.org");
            form_of("Add new item", domain, user.as_slice())
                .instructions("A domain to be served here. All but its name can be changed later on.")
        };
        match request.is_first() {
            true => ask(form()),
            false => self.added(request).unwrap_or_else(|it| ask(form().again(request, it.var, &it.why))),
        }
    }

    fn added(&self, request: &Request) -> Result<Reply, Complaint> {
        let domain = request.answer(DOMAIN).ok_or_else(|| about(DOMAIN, "Domain name not specified"))?;
        if domain != waxwing_plugin::domain(domain) {
            return Err(about(DOMAIN, format!("{domain} is an address, not a domain")));
        }
        if is_served(domain) {
            return Err(about(DOMAIN, format!("{domain} is served here already: it can be updated")));
        }
        let settings = with_owner(filled_in(request), request);
        let owner =
            settings.iter().find(|setting| setting.key == "owner").map(|setting| setting.value.as_str());
        if rank(request) == Authority::Server {
            // Before anything lasts: it may take its time.
            let doubt = self.check_dns(domain).err();
            vhosts::add(domain, &settings)?;
            return Ok(note(domain, owner, doubt));
        }
        let user = bare(&request.user);
        if owner != Some(user) {
            return Err(about(OWNER, "Only an administrator of the server adds a domain for somebody else"));
        }
        self.check_limit(user, domain)?;
        check_above(domain)?;
        self.check_leads_here(domain).map_err(|why| about(DOMAIN, why))?;
        vhosts::add(domain, &settings)?;
        Ok(done(&format!("Operation successful. {domain} is served now, and it is yours.")))
    }
}

/// What an administrator of the server is told, whom no doubt keeps from it.
fn note(domain: &str, owner: Option<&str>, doubt: Option<String>) -> Reply {
    let owner = owner.map_or_else(|| "Nobody owns it".into(), |owner| format!("It belongs to {owner}"));
    let note = format!("Operation successful. {domain} is served now. {owner}.");
    match doubt.into_iter().chain(from_before(domain)).reduce(|one, other| format!("{one}\n{other}")) {
        Some(doubts) => warned(&format!("{note}\n{doubts}")),
        None => done(&note),
    }
}

/// What somebody may do with a domain that is new.
fn rank(request: &Request) -> Authority {
    vhosts::authority_over(&request.vhost).max(Authority::Owner)
}

/// Whoever adds a domain owns it, unless that is said. On the server's own machine nobody does.
fn with_owner(mut settings: Vec<Setting>, request: &Request) -> Vec<Setting> {
    settings.retain(|setting| setting.key != "owner" || !setting.value.is_empty());
    if settings.iter().all(|setting| setting.key != "owner") && local(&request.user).is_some() {
        settings.push(setting("owner", bare(&request.user)));
    }
    settings
}

fn from_before(domain: &str) -> Option<String> {
    let accounts = account_admin::count(domain).map_or(0, |numbers| numbers.accounts);
    (accounts > 0)
        .then(|| format!("It has been served here before. Accounts that are there again: {accounts}."))
}

fn setting(key: &str, value: &str) -> Setting {
    Setting { key: key.into(), value: value.into() }
}
