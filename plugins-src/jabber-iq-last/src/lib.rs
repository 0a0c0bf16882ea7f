//! Last Activity ([XEP-0012](https://xmpp.org/extensions/xep-0012.html)), called `jabber:iq:last`.
//!
//! The server tells how long it has been up, and for accounts how long they have been away. It reads what the
//! plugin `jabber:iq:last-marker` writes. Sessions answer for themselves, but only those who may see the
//! account's presence can ask either. No settings.

use waxwing_plugin::prelude::*;

const QUERY: &str = "{jabber:iq:last}query";

plugin! {
    /// Tells since when somebody has been away.
    pub struct Last;
    hooks: [Pre, Process],
    name: "jabber:iq:last",
    features: ["jabber:iq:last"],
    account_features: ["jabber:iq:last"],
    interests: [
        // Questions to sessions pass no other stage.
        Interest { stage: Stage::Pre, ..iq_get(QUERY) },
        iq_get(QUERY).at(SERVER | OWN_ACCOUNT | OTHER_ACCOUNT),
    ],
}

impl Pre for Last {
    fn on_pre(&self, event: &Event, _: &Stanza) -> Result {
        // Others look after their own: servers, and services such as rooms.
        let is_account =
            local(event.to()).is_some() && runtime::has_feature(domain(event.to()), "jabber:iq:last");
        if is_account {
            may_ask(event)?
        }
        Ok(Verdict::Next)
    }
}

impl Process for Last {
    fn on_process(&self, event: &Event, _: &Stanza) -> Result {
        let account = event.account();
        if local(account).is_none() {
            return answer(runtime::about().started, "");
        }
        if router::sessions(account).iter().any(|session| session.available) {
            // Section 3: whoever is there has not been away.
            return answer(runtime::now(), "");
        }
        let last = storage::open_table("shared/last")?;
        let time = last.get_text(account, "time")?.and_then(|time| time.parse().ok());
        let time = time.ok_or_else(|| Condition::ItemNotFound.text("Unknown last activity time"))?;
        answer(time, &last.get_text(account, "status")?.unwrap_or_default())
    }
}

/// Section 3: only who sees the account's presence. An account that does not exist has shown it to nobody.
fn may_ask(event: &Event) -> Result<()> {
    use accounts::Subscription::{Both, From};
    let (owner, asker) = (event.account(), event.sender_bare());
    match owner == asker || matches!(accounts::subscription_of(owner, asker), From | Both) {
        true => Ok(()),
        false => Err(Condition::Forbidden.into()),
    }
}

/// The seconds since then, and what was said then.
fn answer(then: u64, status: &str) -> Result {
    let seconds = runtime::now().saturating_sub(then) / 1000;
    Ok(Verdict::reply(xml!("<query xmlns='jabber:iq:last' seconds='{}'>{}</query>", seconds, status)))
}
