//! Service administration ([XEP-0133](https://xmpp.org/extensions/xep-0133.html)): accounts, sessions, numbers,
//! announcements and the server as a whole, as commands of the component `sess-man`. `docs/users.md` has each of them.
//!
//! Who runs a command may do with it what he may do with the virtual hosts that it is about: the host sees to
//! that wherever it is asked to change or to tell something. Where it does not, as with rosters, [`say::known`] asks
//! it first.

mod about;
mod account;
mod announce;
mod delivery;
mod list;
mod paged;
mod people;
mod say;
mod server;
mod several;

use waxwing_plugin::commands::{Outcome, Reply, Request, Severity};
use waxwing_plugin::prelude::*;
use waxwing_plugin::server_control::AccessList;

plugin! {
    /// Manages accounts and sessions by ad-hoc commands (XEP-0133).
    pub struct SessMan {
        /// A session is active if its client has sent a stanza within so many seconds.
        active_user_timeframe: u64 = 300,
        /// Whether it is remembered when accounts have logged in. A crash may lose the logins of the last seconds.
        remember_logins: bool = true,
        /// To how many an announcement goes at a time, 256 at most.
        announcement_page: u32 = 256,
    }
    hooks: [Commands, Sessions, Alarms],
    session_events: BOUND,
    components: [component(list::COMPONENT, "Session Manager")],
    commands: list::commands(),
}

impl Commands for SessMan {
    fn on_command(&self, request: &Request) -> Result<Reply> {
        let name = request.name();
        let reply = match name {
            "add-user" => account::add(request),
            "change-user-password" => account::change_password(request),
            "modify-user" => account::modify(request),
            "delete-user" => several::delete(request),
            "disable-user" => several::enable(request, false),
            "reenable-user" => several::enable(request, true),
            "end-user-session" => several::end_sessions(request),
            "get-user-roster" => about::roster(request),
            "get-user-lastlogin" => about::last_login(request),
            "get-user-info" => about::info(request),
            "user-stats" => about::statistics(request),
            "announce" => announce::announce(request, announce::Audience::Online),
            "announce-all" => announce::announce(request, announce::Audience::All),
            "edit-admin" => server::edit(request, AccessList::Administrators),
            "edit-blacklist" => server::edit(request, AccessList::Blacklist),
            "edit-whitelist" => server::edit(request, AccessList::Whitelist),
            "restart" => server::stop(request, true),
            "shutdown" => server::stop(request, false),
            _ => self.people(request, name),
        }?;
        note(request, name, &reply);
        Ok(reply)
    }
}

impl Sessions for SessMan {
    fn on_session(&self, session: &str, _: Change) -> Result<Flow> {
        if self.remember_logins {
            let now = runtime::now().to_string();
            match account_data::set_soon(bare(session), about::LAST_LOGIN, Some(now.as_bytes())) {
                // Nothing is kept of those who log in without an account.
                Err(account_data::Error::Denied) => {}
                remembered => remembered?,
            }
        }
        Ok(Flow::Done)
    }
}

impl Alarms for SessMan {
    fn on_alarm(&self, owner: &str, name: &str, due: u64, _: &[u8]) -> Result<()> {
        self.deliver_page(owner, name, due)
    }
}

/// Tell the server's log who has done what to whom.
fn note(request: &Request, name: &str, reply: &Reply) {
    if let Reply::Done(Outcome { severity: Severity::Info | Severity::Warn, .. }) = reply {
        let fields = [
            "accountjid",
            "accountjids",
            DOMAIN_FIELD,
            "adminjids",
            "blacklistjids",
            "whitelistjids",
            "delay",
        ];
        let about = fields.iter().flat_map(|var| request.answers(var));
        let about: String = about.map(|about| format!(" {about}")).collect();
        runtime::log(runtime::Level::Info, &format!("{} has run {name}{about}", request.user));
    }
}
