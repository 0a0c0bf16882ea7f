//! What to tell people: what is wrong with an address, and why something was not done.

use waxwing_plugin::account_admin::{Account, Error, get};
use waxwing_plugin::commands::Reply;
use waxwing_plugin::prelude::*;

pub const NO_ACCOUNT: &str = "An account has the form user@domain";

/// Whether an address is that of an account rather than of a domain or a session.
pub fn is_account(jid: &str) -> bool {
    local(jid).is_some() && resource(jid).is_none()
}

/// What is known of an account that the user may manage.
pub fn known(account: &str) -> Result<Account> {
    get(account).map_err(|error| why(error, account))
}

/// Why something was not done with an account.
pub fn why(error: Error, account: &str) -> StanzaError {
    match error {
        Error::Exists => Condition::Conflict.text(&format!("There is an account {account} already.")),
        Error::NotFound => Condition::ItemNotFound.text(&format!("There is no account {account}.")),
        Error::NotAllowed => Condition::Forbidden.text(&format!("You may not manage {account}.")),
        Error::Full => {
            let text = format!("{} has as many accounts as it may have.", domain(account));
            Condition::NotAcceptable.text(&text)
        }
        Error::Invalid => Condition::NotAcceptable.text(&format!("{account} cannot be used.")),
        Error::Unavailable => {
            let text = format!("The server cannot do this with {account} now. Try again later.");
            StanzaError { text: Some(text), ..error.into() }
        }
    }
}

/// Nobody is to shut himself out by accident.
pub fn not_oneself(user: &str, account: &str) -> Result<()> {
    match bare(user) == account {
        true => {
            Err(Condition::NotAcceptable.text("This is your own account. Another administrator can do it."))
        }
        false => Ok(()),
    }
}

/// How a command ends that was not done. XEP-0133 has an error for two reasons (section 5), others are a note.
pub fn ended(why: StanzaError) -> Result<Reply> {
    match why {
        StanzaError { condition: Condition::Conflict | Condition::Forbidden, .. } => Err(why),
        StanzaError { text: Some(text), .. } => Ok(failed(&text)),
        other => Err(other),
    }
}
