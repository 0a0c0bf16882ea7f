//! What those who are no administrators of the server must keep to.

use crate::VhostMan;
use crate::complaint::{Complaint, about};
use crate::fields::{DOMAIN, OWNER};
use waxwing_plugin::prelude::*;
use waxwing_plugin::vhosts::Authority;

impl VhostMan {
    /// Whether somebody may own one more domain than those that there are, `besides` one.
    pub fn check_limit(&self, owner: &str, besides: &str) -> Result<(), Complaint> {
        let owns =
            |domain: &&String| *domain != besides && setting(domain, "owner").as_deref() == Some(owner);
        let count = vhosts::names().iter().filter(owns).count() as u64;
        match self.domains_per_user_limit {
            limit if limit > 0 && count >= limit => Err(about(OWNER, too_many(count))),
            _ => Ok(()),
        }
    }
}

fn too_many(count: u64) -> String {
    format!("Maximum number of domains exceeded for the user! Current number is: {count}")
}

/// A domain below somebody else's may be a name that a plugin owns there, or that its users take for theirs.
pub fn check_above(domain: &str) -> Result<(), Complaint> {
    let above = domain.match_indices('.').map(|(at, _)| &domain[at + 1..]);
    let is_foreign = |name: &&str| is_served(name) && vhosts::authority_over(name) < Authority::Owner;
    match above.into_iter().find(is_foreign) {
        Some(name) => {
            Err(about(DOMAIN, format!("{name} is somebody else's: only its owner may add names below it")))
        }
        None => Ok(()),
    }
}

/// Whether a domain is served here, whoever's it is.
pub fn is_served(domain: &str) -> bool {
    setting(domain, "enabled").is_some()
}

/// A setting of any domain.
fn setting(domain: &str, key: &str) -> Option<String> {
    runtime::vhost_setting(domain, key)
}
