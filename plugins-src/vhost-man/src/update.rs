//! Changing settings of a domain: `comp-repo-item-update`.

use crate::VhostMan;
use crate::complaint::Complaint;
use crate::fields::{DOMAIN, Shown, by_key, filled_in, form_of};
use crate::pick::{Stage, pick, stage};
use waxwing_plugin::commands::{Form, Reply, Request};
use waxwing_plugin::prelude::*;
use waxwing_plugin::vhosts::{Authority, Setting};

const TITLE: &str = "Update item configuration";

impl VhostMan {
    /// Take a step of changing a domain.
    pub fn update(&self, request: &Request) -> Reply {
        let (domain, shown) = match stage(request, "item-list") {
            Stage::First => return pick(TITLE, "item-list", "List of items", &vhosts::names()),
            Stage::Chosen(domain) => (domain, None),
            Stage::FilledIn(state) => {
                let (domain, shown) = state.split_once('\n').unwrap_or((&state, ""));
                (domain.into(), Some(Shown::read(shown)))
            }
        };
        let Some(now) = vhosts::settings(&domain) else {
            return failed(&format!("{domain} is not served here, or you do not manage it"));
        };
        let form = filled_form(&domain, &now);
        match shown {
            None => ask_last(form, format!("{domain}\n{}", Shown::new(&now).write())),
            Some(shown) => self.updated(request, &domain, &shown).unwrap_or_else(|it| {
                ask_last(form.again(request, it.var, &it.why), request.state.as_slice())
            }),
        }
    }

    /// Change what differs from what the form has shown: what somebody else has changed since stays.
    fn updated(&self, request: &Request, domain: &str, shown: &Shown) -> Result<Reply, Complaint> {
        let mut changes = filled_in(request);
        changes.retain(|setting| !shown.has(setting));
        let authority = vhosts::authority_over(domain);
        if authority < Authority::Server {
            // Nobody but an administrator of the server leaves a domain without an owner: left empty, it is who asks.
            for owner in changes.iter_mut().filter(|it| it.key == "owner" && it.value.is_empty()) {
                owner.value = bare(&request.user).into();
            }
            changes.retain(|setting| !shown.has(setting));
        }
        let owner = changes.iter().find(|setting| setting.key == "owner" && authority < Authority::Server);
        if let Some(owner) = owner {
            self.check_limit(&owner.value, domain)?;
        }
        let Some(names) = changes.iter().filter_map(|it| Some(by_key(&it.key)?.var.to_owned())).reduce(and)
        else {
            return Ok(done("Operation successful. Nothing was changed."));
        };
        vhosts::change(domain, &changes)?;
        Ok(done(&format!("Operation successful. Changed for {domain}: {names}.")))
    }
}

fn and(one: String, other: String) -> String {
    format!("{one}; {other}")
}

fn filled_form(domain: &str, now: &[Setting]) -> Form {
    form_of(TITLE, fixed_field(DOMAIN, DOMAIN, domain), now)
        .instructions(&format!("{domain}. What you do not send stays as it is."))
        .field(hidden_field("item-list", domain))
}
