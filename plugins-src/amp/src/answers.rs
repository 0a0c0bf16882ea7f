//! What the sender is told.

use crate::letter::{Letter, NS};
use crate::rules::{ACTIONS, CONDITIONS, Flaw, Rule};
use waxwing_plugin::prelude::*;

/// Tell the sender of a message that a rule has been met (sections 2.2.5 and 3.4), if its action is to.
pub fn tell(letter: &Letter, vhost: &str, rule: &Rule) -> Result<()> {
    let rule_xml = rule.to_xml();
    let error = match rule.action.as_str() {
        "error" => xml!(
            "<error type='modify' code='500'>{}<failed-rules xmlns='{}#errors'>{}</failed-rules></error>",
            raw("<undefined-condition xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"),
            NS,
            raw(&rule_xml),
        ),
        _ => String::new(),
    };
    let amp = xml!(
        "<amp xmlns='{}' status='{}' from='{}' to='{}'>{}</amp>",
        NS,
        rule.action,
        letter.from,
        letter.to,
        raw(&rule_xml),
    );
    if rule.tells() { send(letter, vhost, !error.is_empty(), &(amp + &error)) } else { Ok(()) }
}

/// Send the message back with the rules that cannot be accepted (section 6.1).
pub fn refuse(letter: &Letter, vhost: &str, flaw: Flaw, rules: &[&Rule], text: &str) -> Result {
    let (code, condition, specific) = match flaw {
        Flaw::UnsupportedAction => (400, "bad-request", "unsupported-actions"),
        Flaw::UnsupportedCondition => (400, "bad-request", "unsupported-conditions"),
        Flaw::Invalid => (406, "not-acceptable", "invalid-rules"),
    };
    let list = |rules: &[&Rule]| rules.iter().map(|rule| rule.to_xml()).collect::<String>();
    let all: Vec<&Rule> = letter.rules.iter().collect();
    let content = xml!(
        "<amp xmlns='{}'>{}</amp><error type='modify' code='{}'><{} xmlns='{}'/><text xmlns='{}' xml:lang='en'>{}\
         </text><{} xmlns='{}'>{}</{}></error>",
        NS,
        raw(&list(&all)),
        code as u64,
        raw(condition),
        "urn:ietf:params:xml:ns:xmpp-stanzas",
        "urn:ietf:params:xml:ns:xmpp-stanzas",
        text,
        raw(specific),
        NS,
        raw(&list(rules)),
        raw(specific),
    );
    send(letter, vhost, true, &content)?;
    Ok(Verdict::Drop)
}

/// A sender who has gone meanwhile is told by another session, or later; servers are not told.
fn send(letter: &Letter, vhost: &str, is_error: bool, content: &str) -> Result<()> {
    let (sender, account) = (letter.from.as_str(), bare(&letter.from));
    if local(sender).is_none() {
        return Ok(());
    }
    let is_there = router::sessions(account).iter().any(|session| session.jid == sender);
    let later = !is_there && accounts::exists(account);
    router::send(&xml!(
        "<message from='{}' to='{}' id='{}'{}>{}{}</message>",
        vhost,
        if later { account } else { sender },
        letter.id,
        raw(if is_error { " type='error'" } else { "" }),
        raw(content),
        raw(if later && !is_error { "<store xmlns='urn:xmpp:hints'/>" } else { "" }),
    ))?;
    Ok(())
}

/// What the server can do, for service discovery (section 2.1.1).
pub fn abilities() -> String {
    let actions = ACTIONS.iter().map(|action| xml!("<feature var='{}?action={}'/>", NS, *action));
    let conditions =
        CONDITIONS.iter().map(|condition| xml!("<feature var='{}?condition={}'/>", NS, *condition));
    let features: String = actions.chain(conditions).collect();
    xml!(
        "<query xmlns='http://jabber.org/protocol/disco#info' node='{}'>\
         <identity category='im' type='server' name='Waxwing AMP Support'/><feature var='{}'/>{}</query>",
        NS,
        NS,
        raw(&features),
    )
}
