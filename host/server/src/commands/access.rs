//! Who may run which command.

use crate::server::Server;
use waxwing_plugins::{Access, Authority, CommandInfo};
use waxwing_xmpp::Jid;

/// What somebody is to the server.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rights<'a> {
    user: &'a Jid,
    /// The most that the user may do with any virtual host.
    most: Authority,
    /// Whether the user is of a domain here.
    local: bool,
    /// Nobody knows who it is.
    anonymous: bool,
}

impl Server {
    /// What somebody is to the server.
    pub(super) fn rights<'a>(&self, user: &'a Jid) -> Rights<'a> {
        let most = self.authority_of(user);
        let local = user.local().is_some() && self.is_local(user.domain());
        Rights { user, most, local, anonymous: local && self.is_anonymous(user) }
    }
}

impl Rights<'_> {
    /// Whether this user may run a command, on this virtual host. What the operator says comes before what the
    /// plugin says; administrators of the server may run everything.
    pub fn allow(&self, command: &CommandInfo, vhost: &str) -> bool {
        if self.anonymous {
            return false;
        }
        if self.most == Authority::Server {
            return true;
        }
        if command.acl.is_empty() {
            return match command.access {
                Access::Admin => false,
                Access::Owner => self.most >= Authority::Owner,
                Access::VhostAdmin => self.most >= Authority::Admin,
                Access::LocalUser => self.local && self.user.domain() == vhost,
            };
        }
        for modifier in &command.acl {
            let fits = match modifier.as_str() {
                "NONE" => return false,
                "ALL" => true,
                "ADMIN" => false,
                "LOCAL" => self.local,
                "DOMAIN_OWNER" => self.most >= Authority::Owner,
                "DOMAIN_ADMIN" => self.most >= Authority::Admin,
                account if account.contains('@') => account == self.user.bare_str(),
                domain => domain == self.user.domain(),
            };
            if fits {
                return true;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(access: Access, acl: &[&str]) -> CommandInfo {
        CommandInfo {
            plugin: "p".into(),
            node: "n".into(),
            label: "N".into(),
            access,
            acl: acl.iter().map(|text| (*text).to_owned()).collect(),
            component: None,
            group: None,
        }
    }

    #[test]
    fn the_operator_comes_before_the_plugin() {
        let user = Jid::parse("green@a.example/home").unwrap();
        let rights = |most| Rights { user: &user, most, local: true, anonymous: false };
        let stranger = rights(Authority::None);
        for (access, least) in [
            (Access::LocalUser, Authority::None),
            (Access::VhostAdmin, Authority::Admin),
            (Access::Owner, Authority::Owner),
            (Access::Admin, Authority::Server),
        ] {
            for most in [Authority::None, Authority::Admin, Authority::Owner, Authority::Server] {
                let allowed = rights(most).allow(&command(access, &[]), "a.example");
                assert_eq!(allowed, most >= least, "{access:?} {most:?}");
            }
        }
        // Those of another virtual host are not its local users.
        assert!(!stranger.allow(&command(Access::LocalUser, &[]), "b.example"));
        for (acl, allowed) in [
            (&["LOCAL"][..], true),
            (&["ALL"], true),
            (&["ADMIN"], false),
            (&["NONE", "ALL"], false),
            (&["DOMAIN_OWNER", "DOMAIN_ADMIN"], false),
            (&["green@a.example"], true),
            (&["blue@a.example", "a.example"], true),
            (&["b.example"], false),
        ] {
            assert_eq!(stranger.allow(&command(Access::Admin, acl), "b.example"), allowed, "{acl:?}");
        }
        let nobody = Rights { anonymous: true, ..stranger };
        assert!(!nobody.allow(&command(Access::LocalUser, &["ALL"]), "a.example"));
        // Nor does the operator shut himself out.
        assert!(rights(Authority::Server).allow(&command(Access::Admin, &["NONE"]), "a.example"));
    }
}
