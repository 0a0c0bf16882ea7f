//! Uses what happens by itself: alarms, replies, services, commands, data of accounts and calls in turn.

use waxwing_plugin::prelude::*;

plugin! {
    /// Does as the clock says.
    pub struct Clockwork {
        /// A version that is `bad` traps when it is told to.
        mood: String = "good".into(),
    }
    hooks: [Process, OnService, Commands, Alarms, Replies, Portable],
    account_identities: ["pubsub/pep", "automation/clock", "pubsub/pep"],
    interests: [iq("{urn:clock}*").at(SERVER)],
    serial: Serial::BySender,
    portable: ["{urn:clock}memory/*", "{urn:clock}broken"],
    services: [service("clock", "component/bot", "Clock").with_features(["urn:clock"])],
    commands: [command("wind", "Wind the clock"), command("hello", "Say hello").for_everybody()],
}

impl Process for Clockwork {
    fn on_process(&self, event: &Event, stanza: &Stanza) -> Result {
        let owner = event.sender_bare();
        let text = |name: &str| stanza.attribute("{urn:clock}*", name).unwrap_or_default();
        let children = stanza.children("");
        let command = children.iter().find_map(|child| child.strip_prefix("{urn:clock}")).unwrap_or_default();
        match command {
            "mood" if self.mood == "bad" => panic!("in a bad mood"),
            "mood" => return is(&self.mood),
            "set-alarm" => scheduler::set(owner, "tea", runtime::now() + 1000, text("data").as_bytes())?,
            "many-alarms" => {
                for n in 0..1000 {
                    if let Err(error) =
                        scheduler::set(owner, &format!("{n:04}"), runtime::now() + 1000, &[0; 100])
                    {
                        return is(&format!("{n} {}", error.name()));
                    }
                }
            }
            "alarm-of-nobody" => {
                let error = scheduler::set("nobody@capulet.example", "tea", runtime::now(), &[]).unwrap_err();
                return is(error.name());
            }
            "clear-alarm" => scheduler::clear(owner, "tea")?,
            "ask" => router::request(
                &xml!(
                    "<iq type='get' from='{}' to='{}'><q xmlns='urn:clock'/></iq>",
                    event.vhost,
                    text("whom")
                ),
                b"context",
                1000,
            )?,
            "ask-as-somebody" => {
                let request =
                    xml!("<iq type='get' from='{}' to='{}'><q xmlns='urn:clock'/></iq>", owner, owner);
                return is(router::request(&request, &[], 1000).unwrap_err().name());
            }
            "remember" => account_data::set(owner, &text("key"), Some(text("value").as_bytes()))?,
            "remember-soon" => {
                account_data::set_soon(owner, &text("key"), Some(text("value").as_bytes()))?;
                if let Some(more) = stanza.attribute("{urn:clock}*", "more") {
                    account_data::set(owner, "more", Some(more.as_bytes()))?;
                }
            }
            "forget" => account_data::set(owner, &text("key"), None)?,
            "recall" => {
                let value = account_data::get(owner, &text("key"))?;
                return is(
                    &value.map_or("nothing".into(), |value| String::from_utf8_lossy(&value).into_owned())
                );
            }
            "hoard" => {
                let error = account_data::set(owner, "much", Some(&vec![b'x'; 65 << 10])).unwrap_err();
                return is(error.name());
            }
            "elsewhere" => {
                let other = account_data::set("juliet@foreign.example", "key", Some(b"x")).unwrap_err();
                let nobody = account_data::set("nobody@capulet.example", "key", Some(b"x")).unwrap_err();
                return is(&format!("{} {}", other.name(), nobody.name()));
            }
            // Reads, lets others in if they may come in, and writes.
            "count" => {
                let table = storage::open_table("count")?;
                let count: u32 = table.get_text(owner, "n")?.and_then(|n| n.parse().ok()).unwrap_or(0);
                table.set_text(owner, "n", &(count + 1).to_string())?;
            }
            "fill" => {
                let table = storage::open_table("small")?;
                for n in 0..1000 {
                    if let Err(error) = table.set_text(owner, &n.to_string(), &"x".repeat(100)) {
                        return is(&format!("{n} {}", error.name()));
                    }
                }
            }
            "open" => {
                let opened = storage::open_table(&text("store")).map(drop);
                return is(opened.map_or_else(|error| error.name(), |()| "opened"));
            }
            "leak" => {
                for n in 0_u64.. {
                    match storage::open_table("count") {
                        Ok(table) => std::mem::forget(table),
                        Err(error) => return is(&format!("{n} {}", error.name())),
                    }
                }
            }
            "to-all" => {
                let xml = xml!("<message from='{}'><body>all</body></message>", event.vhost);
                router::send_to_all(
                    &xml,
                    &["a@x.example".into(), "b@x.example".into(), "c@x.example".into()],
                )?;
            }
            // An owner and a key, or the bounds of a range.
            "put" => storage::open_table("room")?.set_text(&text("owner"), &text("key"), &text("value"))?,
            "scan" => {
                let bound = |name: &str| stanza.attribute("{urn:clock}*", name);
                let range = storage::Range {
                    prefix: text("prefix"),
                    after: bound("after"),
                    before: bound("before"),
                    backwards: bound("backwards").is_some(),
                    limit: bound("limit").map_or(100, |limit| limit.parse().unwrap_or(0)),
                };
                let table = storage::open_table("room")?;
                return is(&listed(&table.scan(&text("owner"), &range)?));
            }
            "all" => {
                return is(&storage::open_table("room")?
                    .all(&text("owner"), &text("prefix"))?
                    .len()
                    .to_string());
            }
            "crowd" => {
                let table = storage::open_table("room")?;
                for n in 0..600 {
                    table.set_text(&text("owner"), &format!("crowd/{n:03}"), "")?;
                }
            }
            // Pages over what the call itself has changed.
            "rearrange" => {
                let (owner, table) = (text("owner"), storage::open_table("room")?);
                table.set_text(&owner, "b", "new")?;
                table.set_text(&owner, "bb", "new")?;
                table.unset(&owner, "c")?;
                table.delete(&owner, "d")?;
                let page = |backwards, after: Option<&str>, before: Option<&str>| {
                    let (after, before) = (after.map(String::from), before.map(String::from));
                    let range = storage::Range { after, before, backwards, limit: 2, ..Default::default() };
                    table.scan(&owner, &range).map(|rows| listed(&rows))
                };
                let pages = [
                    page(false, None, None)?,
                    page(false, Some("b"), None)?,
                    page(true, None, None)?,
                    page(true, None, Some("bb"))?,
                ];
                let keys = table.keys(&owner, "", None, 10)?.join(" ");
                return is(&format!("{}; {keys}", pages.join("; ")));
            }
            // A nickname changes hands.
            "rename" => {
                let (owner, table) = (text("owner"), storage::open_table("room")?);
                table.swap(&owner, "nick/old", Some(b"juliet"), b"nobody")?;
                table.unset(&owner, "nick/old")?;
                assert!(table.get(&owner, "nick/old")?.is_none());
                table.swap(&owner, "nick/new", None, b"juliet")?;
            }
            "set-room-alarm" => scheduler::set(&text("owner"), "room", runtime::now() + 1000, b"is open")?,
            "shout" => {
                let xml =
                    xml!("<message from='{}'><body>{}</body></message>", event.vhost, "x".repeat(50_000));
                let to: Vec<String> =
                    (0..text("many").parse().unwrap_or(0)).map(|n: u32| format!("{n}@x.example")).collect();
                return is(router::send_to_all(&xml, &to).map_or_else(|error| error.name(), |()| "sent"));
            }
            "contacts" => {
                let contacts = accounts::contacts(owner, Some("nurse@capulet.example"), 10);
                return is(&contacts.into_iter().map(|contact| contact.jid).collect::<Vec<_>>().join(" "));
            }
            _ => return Err(Condition::BadRequest.into()),
        }
        Ok(Verdict::reply(""))
    }
}

fn listed(rows: &[storage::Row]) -> String {
    rows.iter().map(|row| format!("{}={}", row.key, row.text())).collect::<Vec<_>>().join(" ")
}

fn is(what: &str) -> Result {
    Ok(Verdict::reply(xml!("<is xmlns='urn:test'>{}</is>", what)))
}

impl OnService for Clockwork {
    fn on_service(&self, event: &Event, stanza: &Stanza) -> Result {
        match stanza.text("body") {
            Some(body) => {
                let body = xml!("<body>tick {}</body>", body);
                let tick =
                    xml!("<message from='{}' to='{}'>{}</message>", event.to(), event.sender(), raw(&body));
                router::send(&tick)?;
                Ok(Verdict::Handled)
            }
            None => Ok(Verdict::Next),
        }
    }
}

impl Commands for Clockwork {
    fn on_command(&self, request: &commands::Request) -> Result<commands::Reply> {
        match (request.node.as_str(), request.answer("name")) {
            ("wind", _) => Ok(done("Wound")),
            (_, None) => Ok(ask(form("Hello").field(text_field("name", "Your name").required()))),
            (_, Some("nobody")) => Err(Condition::NotAcceptable.text("That is nobody's name")),
            (_, Some(name)) => Ok(done(&format!("Hello, {name}"))),
        }
    }
}

impl Alarms for Clockwork {
    fn on_alarm(&self, owner: &str, name: &str, _due: u64, data: &[u8]) -> Result<()> {
        if data == b"fail" {
            return Err(Condition::InternalServerError.into());
        }
        let body = xml!("<body>{} {}</body>", name, String::from_utf8_lossy(data).into_owned());
        router::send(&xml!("<message from='{}' to='{}'>{}</message>", domain(owner), owner, raw(&body)))?;
        Ok(())
    }
}

impl Replies for Clockwork {
    fn on_reply(&self, from: &str, context: &[u8], answer: Answer, stanza: Option<&Stanza>) -> Result<()> {
        let said = stanza.and_then(|stanza| stanza.text("{urn:clock}q")).unwrap_or_default();
        let how = match answer {
            Answer::Success => "success".into(),
            Answer::Failure(error) => format!("{:?}", error.condition),
            Answer::Timeout => "timeout".into(),
        };
        let body = xml!("<body>{} {} {}</body>", how, said, String::from_utf8_lossy(context).into_owned());
        router::send(&xml!("<message from='clock.{}' to='{}'>{}</message>", domain(from), from, raw(&body)))?;
        Ok(())
    }
}

/// What it remembers under `k` is a page, and another comes after it.
impl Portable for Clockwork {
    fn on_export(&self, account: &str, kind: &str, after: Option<&str>) -> Result<Page> {
        if kind == "{urn:clock}broken" {
            return Ok(Page::last(["<broken>".to_owned()]));
        }
        let known = account_data::get(account, "k")?.filter(|_| after.is_none());
        let Some(known) = known else { return Ok(Page::last([])) };
        let text = String::from_utf8_lossy(&known).into_owned();
        Ok(Page::last([xml!("<entry xmlns='urn:clock' >{}</entry>", text)]).then(Some("k".into())))
    }

    fn on_import(&self, account: &str, kind: &str, elements: &Stanza) -> Result<()> {
        if kind == "{urn:clock}broken" {
            panic!("it is broken");
        }
        account_data::set(account, "k", Some(b"nothing yet"))?;
        let entry =
            elements.text("{urn:clock}entry").ok_or(Condition::BadRequest.text("There is no entry"))?;
        Ok(account_data::set(account, "k", Some(entry.as_bytes()))?)
    }
}
