//! `bot`: says what it hears, unless it is a word that it knows.

use crate::Kit;
use waxwing_plugin::Kind;
use waxwing_plugin::prelude::*;

impl OnService for Kit {
    fn on_service(&self, event: &Event, stanza: &Stanza) -> Result {
        match event.header.kind {
            Kind::Message if event.type_() == "error" => return Ok(Verdict::Handled),
            Kind::Message => self.hear(event, &stanza.text("body").unwrap_or_default())?,
            Kind::Presence => return see(event),
            Kind::Iq => return asked(event, stanza),
        }
        Ok(Verdict::Handled)
    }
}

impl Kit {
    fn hear(&self, event: &Event, body: &str) -> Result<()> {
        let (word, rest) = body.split_once(' ').unwrap_or((body, ""));
        match word {
            // What do you run? Within so many milliseconds.
            "ask" => {
                let query = "<query xmlns='jabber:iq:version'/>";
                let (bot, whom) = (event.account(), rest.split(' ').nth(1).unwrap_or(event.sender()));
                let timeout = rest.split(' ').next().and_then(|ms| ms.parse().ok()).unwrap_or(60_000);
                let ask = xml!("<iq type='get' from='{}' to='{}'>{}</iq>", bot, whom, raw(query));
                Ok(router::request(&ask, event.sender().as_bytes(), timeout)?)
            }
            // In the name of the virtual host.
            "ask-as-host" => {
                let query = "<query xmlns='jabber:iq:version'/>";
                let ask =
                    xml!("<iq type='get' from='{}' to='{}'>{}</iq>", event.vhost, event.sender(), raw(query));
                Ok(router::request(&ask, event.sender().as_bytes(), 60_000)?)
            }
            "in" => {
                let seconds: u64 = rest.parse().map_err(|_| Condition::BadRequest)?;
                let due = runtime::now() + seconds * 1000;
                Ok(scheduler::set(event.sender_bare(), "reminder", due, event.account().as_bytes())?)
            }
            "all" => {
                let recipients: Vec<String> = rest.split(' ').map(String::from).collect();
                let all = xml!("<message type='chat' from='{}'><body>all</body></message>", event.account());
                Ok(router::send_to_all(&all, &recipients)?)
            }
            // Lets it see whoever asks.
            "befriend" => {
                let (bot, sender) = (event.account(), event.sender_bare());
                Ok(router::send(&xml!("<presence type='subscribe' from='{}' to='{}'/>", bot, sender))?)
            }
            "reject" => Err(Condition::PolicyViolation.text("I do not like that")),
            _ => say(event.to(), event.sender(), body),
        }
    }
}

/// Whoever wants to see the bot may, and sees it. Of everything else it says what it has seen.
fn see(event: &Event) -> Result {
    let (bot, sender) = (event.account(), event.sender_bare());
    let presence =
        |type_: &str| router::send(&xml!("<presence from='{}' to='{}'{}/>", bot, sender, raw(type_)));
    match event.type_() {
        "subscribe" => {
            presence(" type='subscribed'")?;
            presence("")?;
        }
        "probe" => presence("")?,
        "error" => return Ok(Verdict::Next),
        "" => say(bot, sender, "you are available")?,
        other => say(bot, sender, &format!("you are {other}"))?,
    }
    Ok(Verdict::Handled)
}

/// An IQ whose payload is a verdict.
fn asked(event: &Event, stanza: &Stanza) -> Result {
    let children = stanza.children("");
    match children.iter().find_map(|child| child.strip_prefix("{urn:test:kit}")) {
        Some("reply") => Ok(Verdict::reply(xml!("<reply xmlns='urn:test:kit'>{}</reply>", event.to()))),
        Some("drop") => Ok(Verdict::Drop),
        Some("handled") => {
            let id = event.header.id.as_deref().unwrap_or_default();
            let (from, to) = (event.to(), event.sender());
            router::send(&xml!("<iq type='result' id='{}' from='{}' to='{}'/>", id, from, to))?;
            Ok(Verdict::Handled)
        }
        _ => Ok(Verdict::Next),
    }
}

fn say(from: &str, to: &str, body: &str) -> Result<()> {
    let body = xml!("<body>{}</body>", body);
    Ok(router::send(&xml!("<message type='chat' from='{}' to='{}'>{}</message>", from, to, raw(&body)))?)
}

impl Alarms for Kit {
    fn on_alarm(&self, owner: &str, name: &str, _due: u64, data: &[u8]) -> Result<()> {
        say(&String::from_utf8_lossy(data), owner, name)
    }
}

impl Replies for Kit {
    fn on_reply(&self, from: &str, context: &[u8], answer: Answer, stanza: Option<&Stanza>) -> Result<()> {
        let name = stanza.and_then(|stanza| stanza.text("{jabber:iq:version}query/name"));
        let said = match answer {
            Answer::Success => format!("{from} runs {}", name.unwrap_or_default()),
            Answer::Failure(error) => format!("{from} says {:?}", error.condition),
            Answer::Timeout => format!("{from} says nothing"),
        };
        let to = String::from_utf8_lossy(context).into_owned();
        say(&format!("bot.{}", domain(&to)), &to, &said)
    }
}
