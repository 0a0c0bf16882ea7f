//! Commands for several accounts at once: each of them goes well or does not.

use crate::say::{self, NO_ACCOUNT, is_account, known, not_oneself, why};
use waxwing_plugin::account_admin::{self, Error};
use waxwing_plugin::commands::{Form, Reply, Request};
use waxwing_plugin::connections;
use waxwing_plugin::prelude::*;

/// Accounts that a command takes.
const MOST: usize = 100;
const FIELD: &str = "accountjids";
/// XEP-0133 does not have it.
const REASON: &str = "{urn:waxwing:admin:0}reason";

/// `delete-user` (XEP-0133, section 4.2).
pub fn delete(request: &Request) -> Result<Reply> {
    let form = form("Deleting users", "The accounts to delete, with all that they own");
    each(request, form, is_account, |account| {
        not_oneself(&request.user, account)?;
        account_admin::remove(account).map_err(|error| why(error, account))?;
        Ok(format!("{account} is deleted."))
    })
}

/// `disable-user` and `reenable-user` (sections 4.3 and 4.4).
pub fn enable(request: &Request, enabled: bool) -> Result<Reply> {
    let (form, before, now) = match enabled {
        true => (
            form("Re-enabling users", "The accounts that may log in again"),
            "could log in before",
            "may log in again",
        ),
        false => (
            form("Disabling users", "The accounts that may not log in any more"),
            "was disabled before",
            "may not log in any more, and its sessions have ended",
        ),
    };
    each(request, form, is_account, |account| {
        if known(account)?.enabled == enabled {
            return Ok(format!("{account} {before}."));
        }
        not_oneself(&request.user, account)?;
        account_admin::enable(account, enabled).map_err(|error| why(error, account))?;
        Ok(format!("{account} {now}."))
    })
}

/// `end-user-session` (section 4.5): of an account all sessions, of a full JID that one.
pub fn end_sessions(request: &Request) -> Result<Reply> {
    let form = form("Ending user sessions", "The accounts, or the sessions of the form user@domain/resource")
        .field(text_field(REASON, "What to tell them"));
    let reason = request.answer(REASON).unwrap_or_default();
    each(
        request,
        form,
        |jid| local(jid).is_some(),
        |jid| {
            match account_admin::get(bare(jid)) {
                // Who is anonymous has sessions and no account.
                Ok(_) | Err(Error::NotFound) => {}
                Err(error) => return Err(why(error, bare(jid))),
            }
            match connections::end(jid, reason) {
                0 => Err(Condition::ItemNotFound.text(&format!("{jid} is not online."))),
                1 => Ok(format!("The session of {jid} has ended.")),
                several => Ok(format!("{several} sessions of {jid} have ended.")),
            }
        },
    )
}

fn form(title: &str, label: &str) -> Form {
    let field = jids_field(FIELD, label).required().hint(&format!("{MOST} at most"));
    admin_form(title).instructions("Put one address on each line.").field(field)
}

/// Do it with each of the addresses, and say of each what has come of it.
fn each(
    request: &Request,
    form: Form,
    fits: impl Fn(&str) -> bool,
    act: impl Fn(&str) -> Result<String>,
) -> Result<Reply> {
    let title = form.title.clone();
    let jids = match addresses(request, form, fits) {
        Ok(jids) => jids,
        Err(reply) => return Ok(reply),
    };
    if let [jid] = &jids[..] {
        return act(jid).map(|text| done(&format!("Operation successful. {text}"))).or_else(say::ended);
    }
    let mut bad = 0;
    let rows = jids.into_iter().map(|jid| {
        let result = act(&jid).unwrap_or_else(|why| {
            bad += 1;
            why.text.unwrap_or_else(|| "The server cannot do this now.".into())
        });
        vec![jid, result]
    });
    let rows: Vec<Vec<String>> = rows.collect();
    let note = format!("{bad} of {} could not be done.", rows.len());
    let reply = match bad {
        0 => done("Operation successful."),
        _ if bad == rows.len() => failed(&note),
        _ => warned(&note),
    };
    Ok(reply.with(admin_form(&title).table(&[("accountjid", "Address"), ("result", "Result")], rows)))
}

/// The addresses that were filled in, each once, or what to answer instead.
pub fn addresses(request: &Request, form: Form, fits: impl Fn(&str) -> bool) -> Result<Vec<String>, Reply> {
    if request.is_first() {
        return Err(ask(form));
    }
    let mut jids = request.answers(FIELD).to_vec();
    jids.sort();
    jids.dedup();
    if jids.len() > MOST {
        return Err(ask(form.again(request, FIELD, &format!("No more than {MOST} at a time"))));
    }
    match jids.iter().find(|jid| !fits(jid)) {
        Some(jid) => Err(ask(form.again(request, FIELD, &format!("{NO_ACCOUNT}, which {jid} has not")))),
        None => Ok(jids),
    }
}
