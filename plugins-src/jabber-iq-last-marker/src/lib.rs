//! When accounts were last active, called `jabber:iq:last-marker`; `jabber:iq:last` tells others.
//!
//! The table `shared/last` has for each account the `time` in milliseconds since the Unix epoch and the
//! `status` text of its last unavailable presence.
//!
//! Settings: `presence` (default true) and `message` (default false), what counts as activity;
//! `persistAllToRepository` (default false), whether each is written at once. If not, the end of the last
//! session is all that is written, at once only if it has a status, and nothing else that a client sends waits
//! for storage.

#![allow(non_snake_case, reason = "a setting is called so")]

use waxwing_plugin::prelude::*;

plugin! {
    /// Remembers when accounts were last active.
    pub struct LastMarker {
        /// Whether a message that its user sends is activity.
        message: bool = false,
        /// Whether becoming available or unavailable is activity.
        presence: bool = true,
        /// Whether all activity is written at once, and not just the end of the last session.
        persistAllToRepository: bool = false,
    }
    hooks: [Sessions, Pre],
    name: "jabber:iq:last-marker",
    session_events: BOUND | UNAVAILABLE | CLOSED,
    marks: ["message", "presence"],
    interests: [
        messages(Stage::Pre, &["chat", "groupchat", "headline", "normal"]).marked("message", Party::SenderSession),
        presence(Stage::Pre, &[""]).marked("presence", Party::SenderSession),
    ],
}

/// How long after a session was last available its end is still the same event, in milliseconds.
const SAME: u64 = 1000;

impl Sessions for LastMarker {
    fn on_session(&self, session: &str, change: Change) -> Result<Flow> {
        let is_last =
            || router::sessions(bare(session)).iter().all(|other| !other.available || other.jid == session);
        let now = runtime::now();
        match change {
            Change::Bound if self.persistAllToRepository => {
                marks::set(session, "message", self.message)?;
                marks::set(session, "presence", self.presence)?;
            }
            Change::Unavailable(status) if is_last() => {
                self.write(session, self.end_counts().then_some(now), Some(status.unwrap_or_default()))?;
            }
            Change::Closed if self.end_counts() && is_last() && now > time(session)?.saturating_add(SAME) => {
                self.write(session, Some(now), None)?;
            }
            _ => {}
        }
        Ok(Flow::Done)
    }
}

impl Pre for LastMarker {
    fn on_pre(&self, event: &Event, _: &Stanza) -> Result {
        // What cannot be written down goes its way even so.
        let _ = self.write(event.sender(), Some(event.received), None);
        Ok(Verdict::Next)
    }
}

impl LastMarker {
    /// Whether the end of the last session is activity. It also stands for messages that were not written down.
    fn end_counts(&self) -> bool {
        self.presence || self.message && !self.persistAllToRepository
    }

    /// Write down when there was activity, and the status of an unavailable presence. Sessions end after their
    /// account is removed: whoever takes the name next is not to inherit that.
    fn write(&self, session: &str, time: Option<u64>, status: Option<String>) -> Result<()> {
        let (account, last) = (bare(session), storage::open_table("shared/last")?);
        // A crash may lose a time, but nothing that anybody said.
        let at_once = self.persistAllToRepository || status.as_ref().is_some_and(|status| !status.is_empty());
        if accounts::exists(account) {
            for (key, value) in [("time", time.map(|time| time.to_string())), ("status", status)] {
                let Some(value) = value else { continue };
                match at_once {
                    true => last.set_text(account, key, &value)?,
                    false => last.set_soon(account, key, value.as_bytes())?,
                }
            }
        }
        Ok(())
    }
}

/// The activity that is known; 0 if there is none.
fn time(session: &str) -> Result<u64> {
    let time = storage::open_table("shared/last")?.get_text(bare(session), "time")?;
    Ok(time.and_then(|time| time.parse().ok()).unwrap_or(0))
}
