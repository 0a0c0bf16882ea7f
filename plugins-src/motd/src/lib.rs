//! Messages of the day and welcomes ([XEP-0133](https://xmpp.org/extensions/xep-0133.html), sections 4.24 to 4.28), a
//! text of each for a virtual host, which its administrators set by commands of the component `sess-man`.
//!
//! The table `texts` of a domain has them. It is read once whenever a session becomes available; what an account has
//! seen is in its own data, which is in memory by then.

mod command;
mod text;

use text::{MOTD, Text, WELCOME};
use waxwing_plugin::account_admin;
use waxwing_plugin::commands::{Reply, Request};
use waxwing_plugin::prelude::*;

plugin! {
    /// Greets users with the message of the day, and newcomers with a welcome (XEP-0133).
    pub struct Motd {
        /// Seconds after which an account is shown the same message of the day again; 0 is never.
        motd_repeat: u64 = 86_400,
    }
    hooks: [Commands, Sessions],
    session_events: AVAILABLE | PRIORITY,
    commands: command::commands(),
}

impl Commands for Motd {
    fn on_command(&self, request: &Request) -> Result<Reply> {
        command::run(request)
    }
}

impl Sessions for Motd {
    fn on_session(&self, session: &str, change: Change) -> Result<Flow> {
        let (Change::Available(0..) | Change::Priority(0..)) = change else { return Ok(Flow::Done) };
        let (motd, welcome) = Text::both_of(domain(session))?;
        if let Some(welcome) = welcome {
            greet(session, &welcome)?;
        }
        if let Some(motd) = motd {
            self.remind(session, &motd)?;
        }
        Ok(Flow::Done)
    }
}

impl Motd {
    /// Show the message of the day, unless the account has seen it of late.
    fn remind(&self, session: &str, motd: &Text) -> Result<()> {
        let (account, now) = (bare(session), runtime::now());
        let seen = account_data::get(account, MOTD.key)?.and_then(|seen| Seen::read(&seen));
        let again = |shown: u64| {
            self.motd_repeat > 0 && now >= shown.saturating_add(self.motd_repeat.saturating_mul(1000))
        };
        if seen.is_some_and(|seen| seen.version == motd.time && !again(seen.shown)) {
            return Ok(());
        }
        router::deliver(session, &motd.message(&MOTD, session))?;
        Ok(account_data::set(account, MOTD.key, Some(&Seen { version: motd.time, shown: now }.write()))?)
    }
}

/// Welcome an account that was made after the welcome was, the first time that it is available. Whether it was
/// is looked up once for each account.
fn greet(session: &str, welcome: &Text) -> Result<()> {
    let account = bare(session);
    if account_data::get(account, WELCOME.key)?.is_some() {
        return Ok(());
    }
    let Ok(known) = account_admin::get(account) else { return Ok(()) };
    if known.created >= welcome.time {
        router::deliver(session, &welcome.message(&WELCOME, session))?;
    }
    Ok(account_data::set(account, WELCOME.key, Some(b"seen"))?)
}

/// Which message of the day an account has seen, and when.
struct Seen {
    version: u64,
    shown: u64,
}

impl Seen {
    fn read(value: &[u8]) -> Option<Self> {
        let (version, shown) = std::str::from_utf8(value).ok()?.split_once(' ')?;
        Some(Self { version: version.parse().ok()?, shown: shown.parse().ok()? })
    }

    fn write(&self) -> Vec<u8> {
        format!("{} {}", self.version, self.shown).into_bytes()
    }
}
