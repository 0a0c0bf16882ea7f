//! Commands about the server as a whole, for those who administer it (XEP-0133, sections 4.11, 4.12, 4.29 to 4.31).

use crate::announce::{Audience, MAX_TEXT};
use crate::delivery::Announcement;
use waxwing_plugin::commands::{Reply, Request};
use waxwing_plugin::prelude::*;
use waxwing_plugin::server_control::{self, AccessList, Error};

/// Seconds until the server stops. The XEP begins with half a minute.
const DELAYS: [(&str, &str); 8] = [
    ("5 seconds", "5"),
    ("30 seconds", "30"),
    ("60 seconds", "60"),
    ("90 seconds", "90"),
    ("2 minutes", "120"),
    ("3 minutes", "180"),
    ("4 minutes", "240"),
    ("5 minutes", "300"),
];

/// `edit-admin`, `edit-blacklist` and `edit-whitelist`.
pub fn edit(request: &Request, list: AccessList) -> Result<Reply> {
    let (title, var, label, meaning) = match list {
        AccessList::Administrators => (
            "Editing the admin list",
            "adminjids",
            "The admin list",
            "The accounts that administer the server. Those that its config file names stay on the list.",
        ),
        AccessList::Blacklist => (
            "Editing the blacklist",
            "blacklistjids",
            "The blacklist",
            "Accounts and domains with which nobody on this server can communicate.",
        ),
        AccessList::Whitelist => (
            "Editing the whitelist",
            "whitelistjids",
            "The whitelist",
            "The only accounts and domains elsewhere with which users of this server can communicate. If the list is \
             empty, they can communicate with all.",
        ),
    };
    let before = match server_control::entries(list) {
        Ok(entries) => entries,
        Err(error) => return not_done(error),
    };
    let field = jids_field(var, label).values(before.iter().cloned()).hint("One address on each line");
    let form = admin_form(title).instructions(meaning).field(field);
    if request.is_first() {
        return Ok(ask(form));
    }
    // Not the same as one that was sent with nothing in it.
    if request.answers.iter().all(|answer| answer.var != var) {
        return Ok(warned("Nothing was filled in: the list is as it was."));
    }
    let wrong = |what: &str| Ok(ask(form.clone().again(request, var, what)));
    let wanted = request.answers(var);
    let own = |jid: &String| jid == bare(&request.user);
    if list == AccessList::Administrators && before.iter().any(own) && !wanted.iter().any(own) {
        return wrong("Your own account is missing. Only another administrator can take it off the list");
    }
    match server_control::set_entries(list, wanted) {
        Ok(()) => {}
        Err(Error::Invalid(why)) => return wrong(&why),
        Err(error) => return not_done(error),
    }
    let now = server_control::entries(list)?;
    let kept: Vec<&str> = now.iter().filter(|jid| !wanted.contains(jid)).map(String::as_str).collect();
    Ok(match kept.as_slice() {
        [] => done("Operation successful."),
        kept => {
            warned(&format!("The config file names these, so they stay on the list: {}.", kept.join(", ")))
        }
    })
}

/// `restart` and `shutdown`.
pub fn stop(request: &Request, restart: bool) -> Result<Reply> {
    let (title, what, happens) = match restart {
        true => ("Restarting the service", "restarting", "restarts"),
        false => ("Shutting down the service", "shutting down", "shuts down"),
    };
    let form = admin_form(title)
        .field(list_field("delay", &format!("Time delay before {what}"), &DELAYS).value("30").required())
        .field(
            lines_field("announcement", "Announcement")
                .hint("To everybody who is online, if there is any text"),
        );
    if request.is_first() {
        return Ok(ask(form));
    }
    let text = request.text("announcement");
    if text.len() > MAX_TEXT {
        let wrong = format!("This is too long: there is room for {MAX_TEXT} bytes");
        return Ok(ask(form.again(request, "announcement", &wrong)));
    }
    // The form has let nothing else pass.
    let delay = request.answer("delay").and_then(|delay| delay.parse().ok()).unwrap_or(30);
    let ordered = if restart { server_control::restart(delay) } else { server_control::shut_down(delay) };
    if let Err(error) = ordered {
        return not_done(error);
    }
    let outcome = format!("Operation successful. The server {happens} in {delay} seconds.");
    Ok(match text.is_empty() || announce(title, &text) {
        true => done(&outcome),
        false => warned(&format!("{outcome} The announcement could not be sent everywhere.")),
    })
}

/// Tell everybody who is online; whether that could be begun on all domains.
fn announce(subject: &str, text: &str) -> bool {
    let mut begun = true;
    for domain in vhosts::names().into_iter().filter(|domain| connections::count(domain) > 0) {
        let announcement = Announcement {
            from: domain.clone(),
            kind: "normal".into(),
            audience: Audience::Online,
            after: None,
            subject: subject.into(),
            text: text.into(),
        };
        begun &= announcement.begin(&domain).is_ok();
    }
    begun
}

/// Missing rights are the error of the XEP (section 5). Anything else in the way is told in a note.
fn not_done(error: Error) -> Result<Reply> {
    match error {
        Error::Denied => Err(Condition::Forbidden.into()),
        Error::Invalid(why) => Ok(failed(&why)),
        Error::Unavailable => Ok(failed("The server cannot do that now.")),
    }
}
