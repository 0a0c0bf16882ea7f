//! In-Band Registration ([XEP-0077](https://xmpp.org/extensions/xep-0077.html)), called `jabber:iq:register`.
//!
//! Before login a stream may make an account, where the virtual host's setting `register` is true. After
//! login the account may change its password or remove itself. No settings of its own.

use waxwing_plugin::prelude::*;

plugin! {
    /// Makes, changes and removes accounts at their users' wish.
    pub struct Register;
    hooks: [Process],
    name: "jabber:iq:register",
    features: ["jabber:iq:register"],
    stream_features: [before_login("<register xmlns='http://jabber.org/features/iq-register'/>").when("register")],
    interests: [iq(QUERY).at(STREAM | SERVER | OWN_ACCOUNT)],
}

impl Process for Register {
    fn on_process(&self, event: &Event, stanza: &Stanza) -> Result {
        let wants_removal = stanza.has(&format!("{QUERY}/remove"));
        match (event.origin, event.is_get()) {
            (Origin::Stream, _) if !event.vhost_allows("register") => Err(Condition::NotAllowed.into()),
            (Origin::Stream, true) => Ok(Verdict::reply(FORM)),
            (Origin::Stream, false) if wants_removal => Err(Condition::UnexpectedRequest.into()),
            (Origin::Stream, false) => create(event, stanza),
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

fn create(event: &Event, stanza: &Stanza) -> Result {
    let (Some(username), Some(password)) = (field(stanza, "username"), field(stanza, "password")) else {
        return Err(Condition::NotAcceptable.into());
    };
    if username.contains(['@', '/']) {
        return Err(Condition::NotAcceptable.into());
    }
    account_admin::create(&format!("{username}@{}", event.vhost), &password)?;
    Ok(Verdict::reply(""))
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
    if !format!("{username}@{}", event.vhost).eq_ignore_ascii_case(event.sender_bare()) {
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
