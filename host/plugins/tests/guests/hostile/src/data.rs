//! What it does to stored data.

use waxwing_plugin::prelude::*;
use waxwing_plugin::storage::{Error, Query};

/// One of everything that can be staged.
pub fn leave_traces(event: &Event) -> Result<()> {
    let owner = event.sender_bare();
    storage::open_table("table")?.set_text(owner, "key", "value")?;
    storage::open_log("log")?.push(owner, 1, "entry")?;
    storage::open_log("log")?.remove(owner, 1)?;
    router::send(&xml!("<message from='{}' to='{}'/>", event.vhost, owner))?;
    router::deliver(event.sender(), "<message><body>delivered</body></message>")?;
    marks::set(event.sender(), "on", true)?;
    Ok(())
}

/// Reads must see what the call itself has changed.
pub fn overlay(owner: &str) -> Result<String, Error> {
    let table = storage::open_table("table")?;
    let mut seen = Vec::new();
    table.set_text(owner, "b", "1")?;
    seen.push(format!("{:?}", table.get_text(owner, "b")?));
    table.delete(owner, "b")?;
    table.delete(owner, "stored")?;
    seen.push(format!("{:?}{:?}", table.get_text(owner, "b")?, table.get_text(owner, "stored")?));
    table.set_text(owner, "b", "2")?;
    table.set_text(owner, "c", "3")?;
    seen.push(format!("{:?}", table.keys(owner, "", None, 10)?));
    seen.push(format!("{:?}", table.swap(owner, "c", Some(b"4"), b"5").map_err(|e| e.name())));
    seen.push(format!("{:?}", table.swap(owner, "c", Some(b"3"), b"5").map_err(|e| e.name())));

    let log = storage::open_log("log")?;
    log.push(owner, 2, "new")?;
    let texts = |query: &Query| -> Result<Vec<String>, Error> {
        Ok(log.read(owner, query)?.iter().map(|entry| entry.text().into_owned()).collect())
    };
    seen.push(format!("{:?}", texts(&Query::default())?));
    seen.push(format!("{:?}", texts(&Query { backwards: true, limit: 1, ..Query::default() })?));
    let first = log.oldest(owner, 1)?;
    log.remove(owner, first[0].id)?;
    seen.push(format!("{:?} {}", texts(&Query::default())?, log.count(owner, None)?));
    let last = log.read(owner, &Query { backwards: true, limit: 1, ..Query::default() })?;
    log.trim(owner, last[0].id)?;
    seen.push(format!("{:?} {}", texts(&Query::default())?, log.count(owner, None)?));
    Ok(seen.join(" "))
}

/// Compare and set.
pub fn increment(owner: &str) -> Result<String, Error> {
    let table = storage::open_table("table")?;
    let old = table.get(owner, "count")?;
    let count = old.as_ref().and_then(|old| std::str::from_utf8(old).ok()?.parse().ok()).unwrap_or(0) + 1;
    table.swap(owner, "count", old.as_deref(), i32::to_string(&count).as_bytes())?;
    Ok(count.to_string())
}

/// Owners that are none.
pub fn owners() -> Result<String, Error> {
    let table = storage::open_table("table")?;
    let owners = [
        "a@b.example/resource",
        "not a jid",
        "foreign.example",
        "capulet.example",
        "any@foreign.example",
        "nobody@capulet.example",
    ];
    Ok(format!("{:?}", owners.map(|owner| table.set(owner, "key", b"value").map_err(|e| e.name()))))
}

/// Until the host says stop.
pub fn flood(owner: &str) -> Result<String, Error> {
    let table = storage::open_table("table")?;
    let big = table.set(owner, "big", &vec![0; 1 << 20]);
    for staged in 0.. {
        if let Err(error) = table.set(owner, &staged.to_string(), b"") {
            return Ok(format!("{:?} {staged} {}", big.map_err(|e| e.name()), error.name()));
        }
    }
    unreachable!()
}

/// Two entries of the queue.
pub fn page(session: &str) -> Result<Flow> {
    let queue = storage::open_log("queue")?;
    let page = queue.oldest(bare(session), 2)?;
    for entry in &page {
        router::deliver(session, &entry.text())?;
    }
    let Some(last) = page.last() else { return Ok(Flow::Done) };
    queue.trim(bare(session), last.id)?;
    Ok(Flow::Again)
}
