//! Greets every account the first time it comes online.

use std::time::SystemTime;
use waxwing_plugin::prelude::*;

plugin! {
    /// Greets newcomers.
    pub struct Greeting {
        /// What to say; `{name}` is the name of the account.
        greeting: String = "Welcome, {name}!".into(),
    }
    hooks: [Sessions],
    session_events: AVAILABLE,
}

impl Sessions for Greeting {
    fn on_session(&self, session: &str, _: Change) -> Result<Flow> {
        let (account, greeted) = (bare(session), storage::open_table("greeted")?);
        if greeted.get(account, "at")?.is_none() {
            greeted.set_text(account, "at", &now())?;
            let text = self.greeting.replace("{name}", local(account).unwrap_or(account));
            let body = xml!("<body>{}</body>", text);
            // To the account: if the session has gone by now, the next one gets it.
            router::send(&xml!(
                "<message type='chat' from='{}' to='{}'>{}</message>",
                domain(account),
                account,
                raw(&body)
            ))?;
        }
        Ok(Flow::Done)
    }
}

/// The time, from the standard library.
fn now() -> String {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    datetime(since.as_millis() as u64)
}
