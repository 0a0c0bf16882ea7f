//! Private XML Storage ([XEP-0049](https://xmpp.org/extensions/xep-0049.html)).
//!
//! Each account keeps one element of every name and namespace. Namespaces of XMPP itself are refused, as is
//! anybody else's account. No settings.

use waxwing_plugin::prelude::*;

const QUERY: &str = "{jabber:iq:private}query";
/// Elements in one request; section 4 has one.
const MOST: usize = 16;
const RESERVED: [&str; 3] = ["{jabber:", "{http://jabber.org/", "{vcard-temp}"];

plugin! {
    /// Keeps what a user's clients want to remember.
    pub struct Private;
    hooks: [Process, Portable],
    features: ["jabber:iq:private"],
    account_features: ["jabber:iq:private"],
    interests: [iq(QUERY).at(OWN_ACCOUNT | OTHER_ACCOUNT | STRANGER)],
    portable: ["{jabber:iq:private}query/*"],
}

impl Process for Private {
    fn on_process(&self, event: &Event, stanza: &Stanza) -> Result {
        let (account, names) = (event.sender_bare(), stanza.children(QUERY));
        if event.account() != account {
            return Err(Condition::Forbidden.into());
        }
        if names.is_empty() || names.len() > MOST {
            return Err(Condition::BadRequest.into());
        }
        if names.iter().any(|name| RESERVED.iter().any(|reserved| name.starts_with(reserved))) {
            return Err(Condition::NotAcceptable.into());
        }
        let kept = storage::open_table("private")?;
        let mut answer = String::new();
        for name in &names {
            let sent = stanza.child(&format!("{QUERY}/{name}")).unwrap_or_default();
            if event.is_get() {
                answer += &kept.get_text(account, name)?.unwrap_or(sent);
            } else {
                kept.set_text(account, name, &sent)?;
            }
        }
        Ok(Verdict::reply(match event.is_get() {
            true => xml!("<query xmlns='jabber:iq:private'>{}</query>", raw(&answer)),
            false => answer,
        }))
    }
}

impl Portable for Private {
    fn on_export(&self, account: &str, _kind: &str, after: Option<&str>) -> Result<Page> {
        let page = storage::Range { after: after.map(String::from), ..storage::Range::default() };
        let rows = storage::open_table("private")?.scan(account, &page)?;
        let next = rows.last().map(|last| last.key.clone());
        Ok(Page::last(rows.iter().map(|row| row.text().into())).then(next))
    }

    fn on_import(&self, account: &str, _kind: &str, elements: &Stanza) -> Result<()> {
        let kept = storage::open_table("private")?;
        for name in elements.children("") {
            kept.set_text(account, &name, &elements.child(&name).unwrap_or_default())?;
        }
        Ok(())
    }
}
