//! `announce` (XEP-0133, section 4.23), and `announce-all`: to whom, and in which words. [`crate::delivery`] sends.

use crate::delivery::Announcement;
use waxwing_plugin::commands::{Choice, Form, Reply, Request};
use waxwing_plugin::prelude::*;

// Fields that XEP-0133 does not have.
const SUBJECT: &str = "{urn:waxwing:admin:0}subject";
const TYPE: &str = "{urn:waxwing:admin:0}msg-type";
const SENDER: &str = "{urn:waxwing:admin:0}from-jid";
/// Bytes that a text may have.
pub const MAX_TEXT: usize = 32 * 1024;
/// Stands for all domains in `domainjid`.
const EVERYWHERE: &str = "*";

/// Who gets an announcement.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Audience {
    /// Every available session.
    Online,
    /// Every account. Those that are offline find it when they come back.
    All,
}

pub fn announce(request: &Request, audience: Audience) -> Result<Reply> {
    let domains = vhosts::names();
    let form = form(request, audience, &domains);
    if request.is_first() {
        return Ok(ask(form));
    }
    let wrong = |var: &str, what: &str| Ok(ask(form.clone().again(request, var, what)));
    let text = request.text("announcement");
    if text.len() > MAX_TEXT {
        return wrong("announcement", &format!("This is too long: there is room for {MAX_TEXT} bytes"));
    }
    let sender = request.answer(SENDER);
    if sender.is_some_and(|sender| !may_speak_as(sender, request, &domains)) {
        return wrong(SENDER, "It must be your own address, or one of your domains that is no account");
    }
    let targets = match (request.answer(DOMAIN_FIELD), request.domain(&domains)) {
        (Some(EVERYWHERE), _) => &domains[..],
        (_, Some(domain)) => &[domain.to_owned()][..],
        (_, None) => return Ok(failed("You manage no such domain.")),
    };
    let is_heard = |domain: &&String| audience == Audience::All || connections::count(domain) > 0;
    let targets: Vec<&String> = targets.iter().filter(is_heard).collect();
    if targets.is_empty() {
        return Ok(warned("Nobody is online there to hear it: nothing was sent."));
    }
    for domain in &targets {
        let announcement = Announcement {
            from: sender.unwrap_or(domain.as_str()).into(),
            kind: request.answer(TYPE).unwrap_or("normal").into(),
            audience,
            after: None,
            subject: request.answer(SUBJECT).unwrap_or_default().into(),
            text: text.clone(),
        };
        if announcement.begin(domain).is_err() {
            return Ok(failed("There are too many domains to announce something on all of them at once."));
        }
    }
    let whom = match audience {
        Audience::Online => "everybody who is online",
        Audience::All => "everybody who has an account",
    };
    let on = if targets.len() == 1 { targets[0].clone() } else { format!("{} domains", targets.len()) };
    Ok(done(&format!("Operation successful. The announcement is on its way to {whom} on {on}.")))
}

fn form(request: &Request, audience: Audience, domains: &[String]) -> Form {
    let kinds = [("Message", "normal"), ("Chat", "chat"), ("Headline", "headline")];
    // Headlines are not kept for those who are offline.
    let (whom, kinds) = match audience {
        Audience::Online => ("all users who are online", &kinds[..]),
        Audience::All => ("all users, those who are offline included", &kinds[..2]),
    };
    let mut target = domain_field(request, domains);
    if domains.len() > 1 {
        target.choices.push(Choice { label: "All of them".into(), value: EVERYWHERE.into() });
    }
    admin_form("Making an announcement")
        .instructions(&format!("Fill out this form to make an announcement to {whom}."))
        .field(lines_field("announcement", "Announcement").required())
        .field(text_field(SUBJECT, "Subject").value("Message from administrators"))
        .field(list_field(TYPE, "Type", kinds).value("normal"))
        .field(jid_field(SENDER, "Sender").hint("The domain itself if this is empty"))
        .field(target)
}

/// Nobody speaks in the name of somebody else.
fn may_speak_as(sender: &str, request: &Request, domains: &[String]) -> bool {
    let own = bare(sender) == bare(&request.user);
    own || domains.iter().any(|it| it == domain(sender)) && !accounts::exists(bare(sender))
}
