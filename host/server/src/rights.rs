//! Who may do what with virtual hosts and with the accounts of others. It is decided here and nowhere else: plugins that
//! administer the server ask.

use crate::server::Server;
use crate::vhost::Vhost;
use std::collections::BTreeSet;
use waxwing_config::VhostSettings;
use waxwing_plugins::Authority;
use waxwing_xmpp::Jid;

/// Settings of which owners decide, and not those whom they let help.
const OWNERS: &[&str] = &["owner"];

impl Server {
    /// Whether somebody is an administrator of the server: an account that the config file or another administrator has
    /// named, or whoever has come through the admin socket, whose address is a domain.
    pub(crate) fn is_admin(&self, user: &Jid) -> bool {
        user.is_domain() && self.is_local(user.domain())
            || self.settings.admins.iter().any(|admin| admin == user.bare_str())
            || self.access_lists.load().administers(user)
    }

    /// What a user may do with a virtual host.
    pub(crate) fn authority_over(&self, user: &Jid, domain: &str) -> Authority {
        if self.is_admin(user) {
            return Authority::Server;
        }
        self.vhost(domain).map_or(Authority::None, |vhost| given_by(&vhost, user))
    }

    /// The most that a user may do with any virtual host.
    pub(crate) fn authority_of(&self, user: &Jid) -> Authority {
        if self.is_admin(user) {
            return Authority::Server;
        }
        let most = self.vhosts.load().values().map(|vhost| given_by(vhost, user)).max();
        most.unwrap_or(Authority::None)
    }

    /// Whether a user may manage an account: its domain, and all that the account itself has rights over. So nobody
    /// gains rights by way of somebody's password, nor takes them from whoever has more.
    pub(crate) fn may_manage(&self, user: &Jid, account: &Jid) -> bool {
        self.authority_over(user, account.domain()) >= Authority::Admin && self.may_all_of(user, account)
    }

    /// Whether a user has every right that another has.
    fn may_all_of(&self, user: &Jid, other: &Jid) -> bool {
        if user.bare_str() == other.bare_str() || self.is_admin(user) {
            return true;
        }
        let vhosts = self.vhosts.load();
        !self.is_admin(other) && vhosts.values().all(|vhost| given_by(vhost, user) >= given_by(vhost, other))
    }

    /// The addresses on a domain that have rights which `user` has not, whether or not they are accounts.
    pub(crate) fn above(&self, user: &Jid, domain: &str) -> BTreeSet<Jid> {
        let account = |text: &String| Jid::parse(text).ok();
        let mut named: BTreeSet<Jid> = self.administrators().into_iter().collect();
        for vhost in self.vhosts.load().values() {
            let settings = vhost.settings();
            named.extend(settings.owner.iter().chain(&settings.admins).filter_map(account));
        }
        named.retain(|account| account.domain() == domain && !self.may_all_of(user, account));
        named
    }

    /// Check that somebody with this authority over a virtual host may change its settings like this, and that none
    /// of them goes beyond what the config file lets any domain have.
    ///
    /// # Errors
    /// A sentence that begins with the setting.
    pub(crate) fn check_change(
        &self,
        authority: Authority,
        from: &VhostSettings,
        to: &VhostSettings,
    ) -> Result<(), String> {
        let changed = |key: &str| from.text(key) != to.text(key);
        let reserved = self.settings.vhost_reserved.iter().map(String::as_str);
        let reserved = reserved.map(|key| (key, Authority::Server, "an administrator of the server"));
        let owners = OWNERS.iter().map(|key| (*key, Authority::Owner, "the owner"));
        for (key, least, who) in reserved.chain(owners) {
            if authority < least && changed(key) {
                return Err(format!("{key}: only {who} changes this"));
            }
        }
        let most = self.settings.vhost_max_users;
        if most > 0 && to.max_users > most && changed("max-users") {
            return Err(format!("max-users: a domain of this server has {most} accounts at most"));
        }
        if self.settings.vhost_tls_required && !to.tls_required && changed("tls-required") {
            return Err("tls-required: this server takes TLS on all domains".to_owned());
        }
        Ok(())
    }
}

/// What the settings of a virtual host let somebody do with it.
fn given_by(vhost: &Vhost, user: &Jid) -> Authority {
    let bare = user.bare_str();
    vhost.get(|settings| {
        if settings.owner.as_deref() == Some(bare) {
            Authority::Owner
        } else if settings.admins.iter().any(|admin| admin == bare) {
            Authority::Admin
        } else {
            Authority::None
        }
    })
}

#[cfg(test)]
mod tests;
