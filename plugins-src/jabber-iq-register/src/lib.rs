//! In-Band Registration ([XEP-0077](https://xmpp.org/extensions/xep-0077.html)), called `jabber:iq:register`.
//!
//! Before login a stream may make an account, where the virtual host's setting `register` is true. After
//! login the account may change its password or remove itself.
//!
//! Settings: `registrations-per-hour` (default 10), how many accounts one client makes on a virtual host;
//! `reserved-names`, which nobody makes an account of.

mod limit;

use waxwing_plugin::prelude::*;

plugin! {
    /// Makes, changes and removes accounts at their users' wish.
    pub struct Register {
        /// How many accounts one client may make within an hour; 0 is no limit.
        registrations_per_hour: u64 = 10,
        /// Names that are not for strangers.
        reserved_names: Vec<String> = RESERVED.map(String::from).into(),
    }
    hooks: [Process],
    name: "jabber:iq:register",
    features: ["jabber:iq:register"],
    stream_features: [before_login("<register xmlns='http://jabber.org/features/iq-register'/>").when("register")],
    interests: [iq(QUERY).at(STREAM | SERVER | OWN_ACCOUNT)],
    // Accounts of a virtual host are made one after another, so that they are counted.
    serial: Serial::ByRecipient,
}

/// Those that people trust or that others write to (RFC 2142).
const RESERVED: [&str; 11] = [
    "admin",
    "administrator",
    "root",
    "postmaster",
    "hostmaster",
    "webmaster",
    "abuse",
    "support",
    "security",
    "info",
    "register",
];

impl Process for Register {
    fn on_process(&self, event: &Event, stanza: &Stanza) -> Result {
        let wants_removal = stanza.has(&format!("{QUERY}/remove"));
        match (event.origin, event.is_get()) {
            (Origin::Stream, _) if !event.vhost_allows("register") => Err(Condition::NotAllowed.into()),
            (Origin::Stream, true) => Ok(Verdict::reply(FORM)),
            (Origin::Stream, false) if wants_removal => Err(Condition::UnexpectedRequest.into()),
            (Origin::Stream, false) => self.create(event, stanza),
            (Origin::Session, true) => Ok(registered(event)),
            (Origin::Session, false) if wants_removal => remove(event, stanza),
            (Origin::Session, false) => change_password(event, stanza),
            _ => Err(Condition::ServiceUnavailable.into()),
        }
    }
}

const QUERY: &str = "{jabber:iq:register}query";
const FORM: &str = "<query xmlns='jabber:iq:register'>\
    <instructions>Choose a username and a password.</instructions><username/><password/></query>";

impl Register {
    fn create(&self, event: &Event, stanza: &Stanza) -> Result {
        let (Some(username), Some(password)) = (field(stanza, "username"), field(stanza, "password")) else {
            return Err(Condition::NotAcceptable.into());
        };
        if username.contains(['@', '/']) {
            return Err(Condition::NotAcceptable.into());
        }
        let account = format!("{username}@{}", event.vhost);
        if self.is_reserved(&account, &event.vhost) {
            // To the client it is a name that is taken: it asks for another.
            return Err(Condition::Conflict.text("This name is reserved: choose another"));
        }
        limit::count(&event.vhost, self.registrations_per_hour)?;
        account_admin::create(&account, &password)?;
        Ok(Verdict::reply(""))
    }

    fn is_reserved(&self, account: &str, vhost: &str) -> bool {
        let Some(account) = runtime::prepare_address(account) else { return false };
        let is_it = |name| runtime::prepare_address(&format!("{name}@{vhost}")).as_ref() == Some(&account);
        self.reserved_names.iter().any(is_it)
    }
}

fn registered(event: &Event) -> Verdict {
    Verdict::reply(xml!(
        "<query xmlns='jabber:iq:register'><registered/><username>{}</username><password/></query>",
        local(event.sender()).unwrap_or_default(),
    ))
}

fn change_password(event: &Event, stanza: &Stanza) -> Result {
    let (Some(username), Some(password)) = (field(stanza, "username"), field(stanza, "password")) else {
        return Err(Condition::BadRequest.into());
    };
    let account = runtime::prepare_address(&format!("{username}@{}", event.vhost));
    if account.as_deref() != Some(event.sender_bare()) {
        return Err(Condition::NotAllowed.text("Only your own password can be changed"));
    }
    account_admin::set_password(event.sender_bare(), &password)?;
    Ok(Verdict::reply(""))
}

fn remove(event: &Event, stanza: &Stanza) -> Result {
    if stanza.children(QUERY).len() > 1 {
        return Err(Condition::BadRequest.into());
    }
    account_admin::remove(event.sender_bare())?;
    Ok(Verdict::reply(""))
}

/// What was filled in. Empty counts as missing.
fn field(stanza: &Stanza, name: &str) -> Option<String> {
    stanza.text(&format!("{QUERY}/{name}")).filter(|text| !text.is_empty())
}
