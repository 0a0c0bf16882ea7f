//! A chat client built on tokio-xmpp, driven line by line: the lines are described where the tests start it,
//! in `src/chat.rs`. Certificates are checked against `$SSL_CERT_FILE`.

use std::error::Error;

use futures_util::StreamExt;
use tokio::io::{AsyncBufReadExt, BufReader, stdin};
use tokio_xmpp::connect::DnsConfig;
use tokio_xmpp::jid::{BareJid, Jid};
use tokio_xmpp::parsers::iq::Iq;
use tokio_xmpp::parsers::message::{Lang, Message, MessageType};
use tokio_xmpp::parsers::presence::{Presence, Type as PresenceType};
use tokio_xmpp::parsers::roster::Roster;
use tokio_xmpp::xmlstream::Timeouts;
use tokio_xmpp::{Client, Event, IqRequest, IqResponse, Stanza};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(addr), Some(jid), Some(password)) = (args.next(), args.next(), args.next()) else {
        return Err("usage: chat-tokio-xmpp ADDR:PORT JID PASSWORD".into());
    };
    let jid: Jid = jid.parse()?;
    let mut client = Client::new_starttls(jid, password, DnsConfig::Addr { addr }, Timeouts::default());
    let mut commands = BufReader::new(stdin()).lines();
    loop {
        tokio::select! {
            event = client.next() => match event {
                Some(event) => handle(&mut client, event).await?,
                None => return Err("the client ended by itself".into()),
            },
            line = commands.next_line() => match line? {
                Some(line) if line != "quit" => obey(&mut client, &line).await?,
                _ => break,
            },
        }
    }
    client.send_end().await?;
    println!("offline");
    Ok(())
}

async fn handle(client: &mut Client, event: Event) -> Result<(), Box<dyn Error>> {
    match event {
        Event::Online { bound_jid, .. } => {
            // Whoever has fetched the roster hears of its changes (RFC 6121, section 2.2).
            roster(client).await?;
            client.send_stanza(Presence::available().into()).await?;
            println!("online {bound_jid}");
        }
        Event::Disconnected(error) => return Err(error.into()),
        Event::Stanza(stanza) => show(stanza),
    }
    Ok(())
}

fn show(stanza: Stanza) {
    match stanza {
        Stanza::Presence(presence) => {
            let Some(from) = presence.from else { return };
            let kind = match presence.type_ {
                PresenceType::None => "available",
                PresenceType::Unavailable => "unavailable",
                PresenceType::Subscribe => "subscribe",
                PresenceType::Subscribed => "subscribed",
                PresenceType::Unsubscribe => "unsubscribe",
                PresenceType::Unsubscribed => "unsubscribed",
                PresenceType::Probe => "probe",
                PresenceType::Error => "error",
            };
            println!("presence {kind} {from}");
        }
        Stanza::Message(message) => {
            let (Some(from), Some(body)) = (&message.from, message.bodies.values().next()) else { return };
            let stored = message.payloads.iter().any(|child| child.is("delay", "urn:xmpp:delay"));
            println!("{} {from} {body}", if stored { "stored" } else { "live" });
        }
        Stanza::Iq(_) => {}
    }
}

async fn obey(client: &mut Client, line: &str) -> Result<(), Box<dyn Error>> {
    let mut words = line.splitn(3, ' ');
    let command = words.next().unwrap_or_default();
    let contact = words.next().map(str::parse::<BareJid>).transpose()?;
    match (command, contact) {
        ("subscribe", Some(contact)) => {
            client.send_stanza(Presence::subscribe().with_to(contact).into()).await?;
        }
        ("accept", Some(contact)) => {
            client.send_stanza(Presence::subscribed().with_to(contact).into()).await?;
        }
        ("chat", Some(contact)) => {
            let mut message = Message::new(Some(contact.into()));
            message.type_ = MessageType::Chat;
            message.bodies.insert(Lang::default(), words.next().unwrap_or_default().to_owned());
            client.send_stanza(message.into()).await?;
        }
        ("roster", None) => {
            for item in roster(client).await?.items {
                println!("contact {} {}", item.jid, format!("{:?}", item.subscription).to_lowercase());
            }
            println!("roster");
        }
        _ => return Err(format!("no such command: {line}").into()),
    }
    Ok(())
}

async fn roster(client: &mut Client) -> Result<Roster, Box<dyn Error>> {
    let request = Roster { ver: None, items: Vec::new() };
    let answer = client.send_iq(None, IqRequest::Get(request.into())).await;
    tokio::pin!(answer);
    // The answer reaches us only while events are taken from the client.
    let answer = loop {
        tokio::select! {
            answer = &mut answer => break answer?,
            event = client.next() => handle_other(event)?,
        }
    };
    let IqResponse::Result(Some(payload)) = answer else { return Err("no roster".into()) };
    Ok(Roster::try_from(payload)?)
}

fn handle_other(event: Option<Event>) -> Result<(), Box<dyn Error>> {
    match event {
        Some(Event::Stanza(Stanza::Iq(Iq::Error { error, .. }))) => Err(format!("{error:?}").into()),
        Some(Event::Stanza(stanza)) => {
            show(stanza);
            Ok(())
        }
        Some(Event::Disconnected(error)) => Err(error.into()),
        Some(Event::Online { .. }) => Ok(()),
        None => Err("the client ended by itself".into()),
    }
}
