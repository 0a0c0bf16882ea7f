//! The database in words and columns.

use serde::Serialize;
use std::fmt::{self, Write as _};
use std::io::Write as _;
use waxwing_storage::tools::{Holder, Migrated, Status, Vacuumed};
use waxwing_storage::{Distribution, Location, Metrics};

/// What `waxwing db status` tells.
#[derive(Serialize)]
pub struct Report {
    /// Without the password.
    pub location: String,
    /// Why the database cannot be looked at.
    pub error: Option<String>,
    pub database: Option<Status>,
    /// What a running server counts.
    pub server: Option<Metrics>,
}

/// A reader that has seen enough closes the pipe, and that is no failure.
pub fn print(text: &str) -> std::io::Result<()> {
    match writeln!(std::io::stdout(), "{}", text.trim_end()) {
        Err(why) if why.kind() != std::io::ErrorKind::BrokenPipe => Err(why),
        _ => Ok(()),
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        line(f, "database", &self.location)?;
        match (&self.database, &self.error) {
            (Some(database), _) => of_database(f, database)?,
            (None, Some(why)) => line(f, "state", why)?,
            (None, None) => {}
        }
        match &self.server {
            Some(metrics) => of_server(f, metrics),
            None => line(f, "server", "does not run with this configuration"),
        }
    }
}

fn line(f: &mut fmt::Formatter<'_>, what: &str, text: &str) -> fmt::Result {
    writeln!(f, "{what:<12}  {text}")
}

fn of_database(f: &mut fmt::Formatter<'_>, database: &Status) -> fmt::Result {
    line(f, "engine", &database.engine)?;
    line(f, "schema", &schema(database))?;
    line(f, "size", &size(database.bytes))?;
    line(f, "open by", &holder(database.holder.as_ref()))?;
    let width = database.tables.iter().map(|table| table.name.len()).max().unwrap_or_default();
    for (n, table) in database.tables.iter().enumerate() {
        line(f, if n == 0 { "rows" } else { "" }, &format!("{:<width$}  {}", table.name, table.rows))?;
    }
    let width = database.stores.iter().map(|store| store.name.chars().count()).max().unwrap_or_default();
    for (n, store) in database.stores.iter().enumerate() {
        let kind = if store.table == "log_entry" { "log" } else { "table" };
        let text =
            format!("{:<width$}  {kind:<5}  {} in {} values", store.name, size(store.bytes), store.rows);
        line(f, if n == 0 { "stores" } else { "" }, &text)?;
    }
    Ok(())
}

fn schema(database: &Status) -> String {
    let Status { schema, known, .. } = database;
    match known - schema {
        0 => format!("version {schema}, that of this program"),
        _ if *schema == 0 => format!("none yet; this program has version {known}"),
        1 => format!("version {schema}; this program has version {known}: 1 migration is pending"),
        pending => {
            format!("version {schema}; this program has version {known}: {pending} migrations are pending")
        }
    }
}

fn holder(holder: Option<&Holder>) -> String {
    match holder {
        None => "no server".to_owned(),
        Some(Holder::Process(process)) => format!("process {process}"),
        Some(Holder::Connection { name, place, process }) => {
            format!("{name}, from {place}, database process {process}")
        }
    }
}

fn of_server(f: &mut fmt::Formatter<'_>, metrics: &Metrics) -> fmt::Result {
    line(f, "server", "runs")?;
    if let Some(pool) = &metrics.pool {
        line(
            f,
            "  database",
            &pool.down.as_ref().map_or("answers".to_owned(), |why| format!("is away: {why}")),
        )?;
        line(f, "  reconnects", &pool.reconnects.to_string())?;
        let counts = format!("{} in use of {} open, {} at most", pool.used, pool.open, pool.limit);
        line(f, "  pool", &format!("{counts}; {} reads wait", pool.waiting))?;
    }
    let (used, limit) = (size(metrics.queue_bytes), size(metrics.queue_limit_bytes));
    line(f, "  queue", &format!("{used} of {limit} wait to be written"))?;
    let Metrics { batches, refused, errors, reads, read_errors, .. } = metrics;
    line(f, "  batches", &format!("{batches} kept, {refused} refused, {errors} failed"))?;
    line(f, "  reads", &format!("{reads}, {read_errors} failed"))?;
    line(f, "  together", &quantiles(&metrics.batch_size, |batches| format!("{batches} batches")))?;
    line(f, "  commit", &quantiles(&metrics.commit_micros, time))
}

fn quantiles(values: &Distribution, shown: impl Fn(u64) -> String) -> String {
    if values.count == 0 {
        return "none yet".to_owned();
    }
    let (half, most) = (shown(values.quantile(0.5)), shown(values.quantile(0.99)));
    format!("half within {half}, 99 of 100 within {most}, {} at most", shown(values.max))
}

/// Microseconds for people.
fn time(micros: u64) -> String {
    match micros {
        0..1_000 => format!("{micros} us"),
        1_000..1_000_000 => format!("{:.1} ms", micros as f64 / 1e3),
        _ => format!("{:.1} s", micros as f64 / 1e6),
    }
}

/// Bytes for people.
fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} bytes"),
        1024..1_048_576 => format!("{} KiB", bytes.div_ceil(1024)),
        _ => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
    }
}

/// What came of migrating.
pub fn migrated(location: &Location, migrated: Migrated) -> String {
    match migrated {
        Migrated { from: 0, to } => format!("{location} was empty and has schema version {to} now"),
        Migrated { from, to } if from == to => format!("{location} has schema version {to}: nothing to do"),
        Migrated { from, to } => format!("{location} had schema version {from} and has {to} now"),
    }
}

/// What came of cleaning up.
pub fn vacuumed(vacuumed: &Vacuumed) -> String {
    let mut text = format!("{} expired values deleted, ", vacuumed.expired);
    let freed = vacuumed.before.saturating_sub(vacuumed.after);
    // To a text, it always succeeds.
    let _ =
        write!(text, "{freed} bytes freed: {} before, {} now", size(vacuumed.before), size(vacuumed.after));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(database: Option<Status>) -> Report {
        let error = database.is_none().then(|| "the database cannot be reached".to_owned());
        let metrics = Metrics { pool: Some(waxwing_storage::Pool::default()), ..Metrics::default() };
        Report { location: "postgresql://u@h/d".into(), error, database, server: Some(metrics) }
    }

    #[test]
    fn a_database_that_is_away_is_a_sentence() {
        let mut report = report(None);
        if let Some(pool) = report.server.as_mut().and_then(|metrics| metrics.pool.as_mut()) {
            pool.down = Some("it is away".into());
        }
        let text = report.to_string();
        assert!(text.contains("state         the database cannot be reached"), "{text}");
        assert!(text.contains("  database    is away: it is away") && text.contains("none yet"), "{text}");
    }

    #[test]
    fn pending_migrations_are_counted() {
        let status = |schema| Status {
            engine: "SQLite 3".into(),
            schema,
            known: 5,
            bytes: 1_048_576,
            tables: vec![],
            stores: vec![],
            holder: Some(Holder::Process(7)),
        };
        let text = report(Some(status(3))).to_string();
        assert!(text.contains("2 migrations are pending") && text.contains("1.0 MiB"), "{text}");
        assert!(text.contains("process 7"), "{text}");
        assert!(report(Some(status(5))).to_string().contains("version 5, that of this program"));
        assert!(report(Some(status(0))).to_string().contains("none yet; this program has version 5"));
    }

    #[test]
    fn bytes_that_were_freed_are_counted() {
        let text = vacuumed(&Vacuumed { expired: 3, before: 5000, after: 1000 });
        assert_eq!(text, "3 expired values deleted, 4000 bytes freed: 5 KiB before, 1000 bytes now");
    }
}
