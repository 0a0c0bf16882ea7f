//! Commands that tell something about accounts.

use crate::account::with_account;
use crate::paged::{contacts_of, sessions_of};
use crate::say::{self, is_account, known, why};
use crate::several::addresses;
use waxwing_plugin::accounts::{Contact, Subscription};
use waxwing_plugin::commands::{Field, FieldType, Reply, Request};
use waxwing_plugin::connections::Connection;
use waxwing_plugin::field;
use waxwing_plugin::prelude::*;

/// The key of the time at which an account has last logged in, in milliseconds.
pub const LAST_LOGIN: &str = "last-login";
/// The most contacts in one answer.
const MOST: usize = 5_000;

/// `get-user-roster` (XEP-0133, section 4.8), as a table for people. Of one account it has the element of the XEP, too;
/// of several that would not say whose contacts are whose.
pub fn roster(request: &Request) -> Result<Reply> {
    let form = admin_form("Getting rosters").field(jids_field("accountjids", "The accounts").required());
    let accounts = match addresses(request, form, is_account) {
        Ok(accounts) => accounts,
        Err(reply) => return Ok(reply),
    };
    let (mut rows, mut items) = (Vec::new(), String::new());
    for account in &accounts {
        if let Err(why) = known(account) {
            return say::ended(why);
        }
        for contact in contacts_of(account).take(MOST + 1 - rows.len()) {
            let contact = contact?;
            let subscription = match contact.subscription {
                Subscription::None => "none",
                Subscription::To => "to",
                Subscription::From => "from",
                Subscription::Both => "both",
            };
            items += &item(&contact, subscription);
            let name = contact.name.unwrap_or_default();
            let groups = contact.groups.join(", ");
            rows.push(vec![account.clone(), contact.jid, name, subscription.into(), groups]);
        }
    }
    let is_cut = rows.len() > MOST;
    rows.truncate(MOST);
    let note = match (is_cut, rows.len()) {
        (true, _) => format!("These are the first {MOST} contacts. Ask for fewer accounts at a time."),
        (false, contacts) => format!("Operation successful. Contacts: {contacts}."),
    };
    let columns = [
        ("accountjid", "Account"),
        ("jid", "Contact"),
        ("name", "Name"),
        ("subscription", "Subscription"),
        ("groups", "Groups"),
    ];
    let is_one = accounts.len() == 1 && !is_cut;
    let form = admin_form("Rosters").field(jids_field("accountjids", "The accounts").values(accounts));
    let form = match is_one {
        true => form.element(&xml!("<query xmlns='jabber:iq:roster'>{}</query>", raw(&items))),
        false => form,
    };
    let reply = if is_cut { warned(&note) } else { done(&note) };
    Ok(reply.with(form.table(&columns, rows)))
}

/// A contact as rosters have it (RFC 6121, section 2.1.2).
fn item(contact: &Contact, subscription: &str) -> String {
    let groups: String = contact.groups.iter().map(|group| xml!("<group>{}</group>", group)).collect();
    let name = contact.name.as_deref().map(|name| xml!(" name='{}'", name)).unwrap_or_default();
    xml!("<item jid='{}'{} subscription='{}'>{}</item>", contact.jid, raw(&name), subscription, raw(&groups))
}

/// `get-user-lastlogin` (section 4.9).
pub fn last_login(request: &Request) -> Result<Reply> {
    let form = admin_form("Getting the time of the last login")
        .field(jids_field("accountjids", "The accounts").required());
    let accounts = match addresses(request, form, is_account) {
        Ok(accounts) => accounts,
        Err(reply) => return Ok(reply),
    };
    let asked = |account: &String| known(account).and_then(|_| seen(account));
    let form = admin_form("Last login");
    if let [account] = &accounts[..] {
        let form = form.field(jids_field("accountjids", "The account").value(account));
        return asked(account).map(|time| show(form.field(login_field(&time)))).or_else(say::ended);
    }
    let rows = accounts.iter().map(|account| {
        let time = asked(account).unwrap_or_else(|why| why.text.unwrap_or_default());
        vec![account.clone(), time]
    });
    Ok(show(form.table(&[("accountjid", "Account"), ("lastlogin", "Last login")], rows.collect())))
}

/// `get-user-info`, of Tigase: no form of XEP-0133, so its fields have the names that they have there.
pub fn info(request: &Request) -> Result<Reply> {
    let form = waxwing_plugin::form("Getting user info")
        .field(jid_field("accountjid", "The account").required())
        .field(yes_field(AS_TABLE, AS_TABLE).value("true"));
    with_account(request, &form, |account| {
        let sessions = sessions_of(account, None).collect::<Result<Vec<Connection>>>()?;
        let now = match account_admin::get(account) {
            Ok(now) => Some(now),
            // Somebody who has logged in without one.
            Err(account_admin::Error::NotFound) if accounts::exists(account) => None,
            Err(error) => return Err(why(error, account)),
        };
        let status = if sessions.is_empty() { "offline" } else { "online" };
        let mut form = waxwing_plugin::form(account)
            .field(text_field("JID", "Address").value(account))
            .field(text_field("Status", "Status").value(status));
        if let Some(now) = &now {
            form = form
                .field(yes_field("Account enabled", "Account enabled").value(&now.enabled.to_string()))
                .field(text_field("created", "Made").value(&datetime(now.created)))
                .field(login_field(&seen(account)?));
        }
        form = form.field(text_field("Active connections", "Sessions").value(&sessions.len().to_string()));
        if let Some(waiting) = now.and_then(|_| offline_messages(account)) {
            form = form.field(text_field("Offline messages", "Offline messages").value(&waiting.to_string()));
        }
        let unless_asked = request.answer(AS_TABLE).is_none();
        form = if unless_asked || request.is_yes(AS_TABLE) {
            form.table(&COLUMNS, sessions.into_iter().map(row).collect())
        } else {
            form.field(lines_field("onlineresources", "Resources").values(names(&sessions)))
        };
        Ok(show(form))
    })
}

const AS_TABLE: &str = "Show connected resources in table";
const COLUMNS: [(&str, &str); 5] = [
    ("resource", "Resource"),
    ("address", "IP address"),
    ("since", "Since"),
    ("active", "Last stanza"),
    ("available", "Available"),
];

fn row(session: Connection) -> Vec<String> {
    let name = resource(&session.jid).unwrap_or_default().into();
    let times = [datetime(session.since), datetime(session.active)];
    let [since, active] = times;
    vec![name, session.address.unwrap_or_default(), since, active, session.available.to_string()]
}

/// `user-stats` (section 4.10). Stanzas a second and logins a minute are not counted for each account.
pub fn statistics(request: &Request) -> Result<Reply> {
    let form = admin_form("Getting user statistics").field(jid_field("accountjid", "The account").required());
    with_account(request, &form, |account| {
        known(account)?;
        let sessions = sessions_of(account, None).collect::<Result<Vec<Connection>>>()?;
        let mut addresses: Vec<String> = sessions.iter().filter_map(|it| it.address.clone()).collect();
        addresses.sort();
        addresses.dedup();
        let contacts = contacts_of(account).count();
        Ok(show(
            admin_form(account)
                .field(field(FieldType::ListMulti, "ipaddresses", "IP addresses").values(addresses))
                .field(text_field("rostersize", "Contacts in the roster").value(&contacts.to_string()))
                .field(lines_field("onlineresources", "Resources").values(names(&sessions))),
        ))
    })
}

fn names(sessions: &[Connection]) -> Vec<String> {
    sessions.iter().map(|it| resource(&it.jid).unwrap_or_default().into()).collect()
}

fn login_field(time: &str) -> Field {
    text_field("lastlogin", "Last login").value(time)
}

/// When an account has last logged in, or `never`.
fn seen(account: &str) -> Result<String> {
    let value = account_data::get(account, LAST_LOGIN)?;
    let time = value.and_then(|value| String::from_utf8(value).ok()?.parse().ok());
    Ok(time.map_or_else(|| "never".into(), datetime))
}

/// How many messages wait for an account, where the operator lets this plugin know.
fn offline_messages(account: &str) -> Option<u64> {
    storage::open_log("shared/offline").ok()?.count(account, None).ok()
}
