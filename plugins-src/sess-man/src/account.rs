//! Commands that make and change one account.

use crate::say::{self, NO_ACCOUNT, is_account, known, not_oneself, why};
use waxwing_plugin::account_admin::{self, Error};
use waxwing_plugin::commands::{Action, Form, Reply, Request};
use waxwing_plugin::prelude::*;

const BAD_PASSWORD: &str = "This cannot be a password here";

/// Ask for the account that a command is about, and go on with it. What then goes wrong ends the command.
pub fn with_account(
    request: &Request,
    form: &Form,
    then: impl FnOnce(&str) -> Result<Reply>,
) -> Result<Reply> {
    if request.is_first() {
        return Ok(ask(form.clone()));
    }
    let account = request.answer("accountjid").unwrap_or_default();
    if !is_account(account) {
        return Ok(ask(form.clone().again(request, "accountjid", NO_ACCOUNT)));
    }
    then(account).or_else(say::ended)
}

/// `add-user` (XEP-0133, section 4.1).
pub fn add(request: &Request) -> Result<Reply> {
    let form = admin_form("Adding a user")
        .instructions("Fill out this form to add a user.")
        .field(jid_field("accountjid", "The address of the new account").required())
        .field(password_field("password", "The password for this account").required())
        .field(password_field("password-verify", "The password once more").required())
        .field(text_field("email", "Email address").hint("It is not kept"));
    let wrong = |var, what| Ok(ask(form.clone().again(request, var, what)));
    with_account(request, &form, |account| {
        let password = request.answer("password").unwrap_or_default();
        if request.answer("password-verify") != Some(password) {
            return wrong("password-verify", "The two passwords are not the same");
        }
        let host = domain(account);
        if !vhosts::names().iter().any(|name| name == host) {
            return Err(Condition::Forbidden.text(&format!("You do not manage the users of {host}.")));
        }
        match account_admin::create(account, password) {
            Ok(()) => Ok(done(&format!("Operation successful. There is an account {account} now."))),
            Err(Error::Invalid) => wrong("password", BAD_PASSWORD),
            Err(Error::NotAllowed) => {
                let text = format!("{account} is kept for the server or for those who administer it.");
                Err(Condition::Forbidden.text(&text))
            }
            Err(error) => Err(why(error, account)),
        }
    })
}

/// `change-user-password` (section 4.7). Sessions go on.
pub fn change_password(request: &Request) -> Result<Reply> {
    let form = admin_form("Changing a user's password")
        .instructions("Fill out this form to change a user's password.")
        .field(jid_field("accountjid", "The account").required())
        .field(password_field("password", "The new password").required());
    with_account(request, &form, |account| {
        let password = request.answer("password").unwrap_or_default();
        match account_admin::set_password(account, password) {
            Ok(()) => Ok(done(&format!("Operation successful. {account} has a new password."))),
            Err(Error::Invalid) => Ok(ask(form.clone().again(request, "password", BAD_PASSWORD))),
            Err(error) => Err(why(error, account)),
        }
    })
}

/// `modify-user`, of Tigase: what can be changed of an account, filled in as it is now.
pub fn modify(request: &Request) -> Result<Reply> {
    let account = String::from_utf8_lossy(&request.state);
    let back = request.action == Action::Prev;
    if !account.is_empty() && !back {
        return change(request, &account).or_else(say::ended);
    }
    let field = jid_field("accountjid", "The account").required();
    let field = if back { field.value(&account) } else { field };
    let form = waxwing_plugin::form("Modifying a user").field(field);
    if request.is_first() || back {
        return Ok(ask_more(form, ""));
    }
    let account = request.answer("accountjid").unwrap_or_default();
    if !is_account(account) {
        return Ok(ask_more(form.again(request, "accountjid", NO_ACCOUNT), ""));
    }
    match known(account) {
        Ok(now) => {
            let form = waxwing_plugin::form("Modifying a user")
                .instructions(&format!("What is changed here is changed for {account}."))
                .field(hidden_field("accountjid", account))
                .field(yes_field(ENABLED, ENABLED).value(&now.enabled.to_string()));
            Ok(ask_last(form, account))
        }
        Err(why) => say::ended(why),
    }
}

const ENABLED: &str = "Account enabled";

fn change(request: &Request, account: &str) -> Result<Reply> {
    let (enabled, wanted) = (known(account)?.enabled, request.is_yes(ENABLED));
    if request.answer(ENABLED).is_none() || enabled == wanted {
        return Ok(done(&format!("{account} is as it was.")));
    }
    not_oneself(&request.user, account)?;
    account_admin::enable(account, wanted).map_err(|error| why(error, account))?;
    let now =
        if wanted { "may log in again" } else { "may not log in any more, and its sessions have ended" };
    Ok(done(&format!("Operation successful. {account} {now}.")))
}
