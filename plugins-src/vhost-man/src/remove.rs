//! Serving a domain no longer: `comp-repo-item-remove`.

use crate::complaint::sentence;
use crate::pick::{Stage, pick, stage};
use waxwing_plugin::commands::{Reply, Request};
use waxwing_plugin::prelude::*;
use waxwing_plugin::vhosts::Authority;

const TITLE: &str = "Remove an item";
const ERASE: &str = "Erase accounts and their data";

pub fn remove(request: &Request) -> Reply {
    match stage(request, "item-list") {
        Stage::First => pick(TITLE, "item-list", "List of items", &owned()),
        Stage::Chosen(domain) => confirm(&domain),
        Stage::FilledIn(domain) => removed(&domain, request.is_yes(ERASE)),
    }
}

/// The domains of which the user is more than a helper.
fn owned() -> Vec<String> {
    let mut domains = vhosts::names();
    domains.retain(|domain| vhosts::authority_over(domain) >= Authority::Owner);
    domains
}

fn confirm(domain: &str) -> Reply {
    let accounts = accounts(domain);
    let form = form(TITLE)
        .instructions(&format!(
            "{domain} is served no longer then. Its sessions end. Accounts that it has: {accounts}."
        ))
        .field(yes_field(ERASE, ERASE).value("false").hint("If not, they are there again if the domain is"))
        .field(hidden_field("item-list", domain));
    ask_last(form, domain.as_bytes())
}

fn removed(domain: &str, erase: bool) -> Reply {
    let fate = if erase { "erased" } else { "kept" };
    let note =
        format!("Operation successful. {domain} is served no longer. Accounts {fate}: {}.", accounts(domain));
    match vhosts::remove(domain, erase) {
        Ok(()) => done(&note),
        Err(error) => failed(&sentence(error)),
    }
}

/// How many accounts a domain has; 0 if that is not to be known.
pub fn accounts(domain: &str) -> u64 {
    account_admin::count(domain).map_or(0, |numbers| numbers.accounts)
}
