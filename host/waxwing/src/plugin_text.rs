//! Plugins in words and columns.

use crate::plugin_view::{Cost, Details, Figures, Line, Origin, ShadowView, State};
use std::fmt;
use std::path::PathBuf;
use waxwing_plugins::StoreUse;

/// All plugins, a line each, then what else there is to know.
pub fn list(
    f: &mut fmt::Formatter<'_>,
    plugins: &[Line],
    switched_off: &[String],
    not_listed: &[PathBuf],
) -> fmt::Result {
    let mut rows = vec![["NAME", "VERSION", "FOR", "FROM", "CALLS", "FAILED", "STATE"].map(str::to_owned)];
    rows.extend(plugins.iter().map(|line| {
        [
            line.name.clone(),
            or_dash(&line.version),
            line.scope.clone(),
            from(line.from).to_owned(),
            line.calls.to_string(),
            line.failures.to_string(),
            standing(line),
        ]
    }));
    table(f, &rows)?;
    for name in switched_off {
        writeln!(f, "{name} is switched off in the config file")?;
    }
    for file in not_listed {
        writeln!(f, "{} is not listed in the config file", file.display())?;
    }
    Ok(())
}

/// All that is known of one plugin.
pub fn details(f: &mut fmt::Formatter<'_>, details: &Details) -> fmt::Result {
    let line = &details.line;
    writeln!(f, "{} {} for {}", line.name, line.version, line.scope)?;
    let mut say = |what: &str, text: &str| {
        if text.is_empty() { Ok(()) } else { writeln!(f, "  {what:<10} {text}") }
    };
    say("does", &details.summary)?;
    say("state", &standing(line))?;
    say("from", from(line.from))?;
    say("sha256", details.sha256.as_deref().unwrap_or_default())?;
    say("size", &details.size.map(|bytes| size(bytes as u64)).unwrap_or_default())?;
    if let (Some(version), Some(sha256)) = (&details.previous_version, &details.previous_sha256) {
        say("before", &format!("{version}, sha256 {sha256}"))?;
    }
    say("hooks", &details.hooks.join(", "))?;
    say("features", &details.features.join(", "))?;
    for (n, sentence) in details.may.iter().chain(&details.reach).enumerate() {
        say(if n == 0 { "it may" } else { " " }, sentence)?;
    }
    if details.may.is_empty() && details.reach.is_empty() {
        say("it may", "nothing that needs a grant")?;
    }
    let limits = &details.limits;
    say(
        "limits",
        &format!(
            "cpu {} ms, timeout {} ms, memory {}, {} stanzas and {} out, {} of account data, {} of alarms, {} instances, \
             {} calls each",
            limits.cpu_ms,
            limits.timeout_ms,
            size(limits.memory as u64),
            limits.outbox_stanzas,
            size(limits.outbox_bytes as u64),
            most(limits.account_data),
            most(limits.alarms),
            limits.instances,
            limits.calls
        ),
    )?;
    let failing = match details.on_failure {
        waxwing_plugins::Policy::ByStage => "",
        waxwing_plugins::Policy::Pass => "the stanza goes on as if it were absent",
        waxwing_plugins::Policy::Bounce => "the stanza is bounced",
        waxwing_plugins::Policy::Drop => "the stanza is dropped",
    };
    say("on failure", failing)?;
    say("fresh", if details.fresh { "a new instance for each call" } else { "" })?;
    for (key, values) in &details.settings {
        say("setting", &format!("{key} = {}", values.join(", ")))?;
    }
    for store in &details.stores {
        say("store", &format!("{} has {}", store.name, fill(store)))?;
    }
    if let Some(running) = &details.running {
        figures(f, running)?;
    }
    shadow(f, line)
}

/// How full a store is.
fn fill(store: &StoreUse) -> String {
    match store.limit {
        0 => format!("{}, without a limit", size(store.bytes)),
        limit => format!("{} of {} ({} %)", size(store.bytes), size(limit), store.bytes * 100 / limit),
    }
}

/// How a version that runs beside a plugin compares with it, if there is one.
pub fn shadow(f: &mut dyn fmt::Write, line: &Line) -> fmt::Result {
    let Some(shadow) = &line.shadow else { return Ok(()) };
    let titles = ["  VERSION", "CALLS", "SAME", "DIFFERENT", "FAILED", "SKIPPED", "CPU", "P50", "P99"];
    let row = |version: String, counts: [u64; 5], cost: &Cost| {
        let [calls, same, different, failed, skipped] = counts.map(|count| count.to_string());
        let [cpu, p50, p99] = [cost.cpu, cost.p50, cost.p99].map(time);
        [version, calls, same, different, failed, skipped, cpu, p50, p99]
    };
    let ShadowView { calls, same, different, failed, skipped, .. } = *shadow;
    let rows = [
        titles.map(str::to_owned),
        row(format!("  {} runs", line.version), [calls, calls, 0, 0, 0], &shadow.live),
        row(
            format!("  {} beside", shadow.version),
            [calls, same, different, failed, skipped],
            &shadow.beside,
        ),
    ];
    table(f, &rows)?;
    shadow.differences.iter().try_for_each(|difference| writeln!(f, "  {:<10} {difference}", "differs"))
}

fn figures(f: &mut fmt::Formatter<'_>, running: &Figures) -> fmt::Result {
    let (idle, busy) = (running.instances_idle, running.instances_busy);
    writeln!(
        f,
        "  {:<10} {idle} idle with {}, {busy} at work, {} made; the largest had {}",
        "instances",
        size(running.memory as u64),
        running.instances_made,
        size(running.memory_largest as u64)
    )?;
    writeln!(f, "  {:<10} {} stanzas", "sent", running.sends)?;
    if running.suspended_senders > 0 {
        writeln!(f, "  {:<10} for {} senders, after failures", "suspended", running.suspended_senders)?;
    }
    for (name, value) in &running.metrics {
        writeln!(f, "  {:<10} {name} = {value}", "counts")?;
    }
    if running.calls.is_empty() {
        return Ok(());
    }
    let mut rows = vec![["  HOOK", "CALLS", "FAILED", "CPU", "CPU/CALL", "P50", "P99"].map(str::to_owned)];
    rows.extend(running.calls.iter().map(|hook| {
        [
            format!("  {}", hook.hook),
            hook.calls.to_string(),
            hook.failures.to_string(),
            time(hook.cpu),
            time(hook.cpu_mean),
            time(hook.p50),
            time(hook.p99),
        ]
    }));
    table(f, &rows)
}

/// Columns as wide as they need to be; the last one ends where it ends.
fn table<const N: usize>(f: &mut dyn fmt::Write, rows: &[[String; N]]) -> fmt::Result {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    for row in rows {
        let mut line = String::new();
        for (width, cell) in widths.iter().zip(row) {
            line.push_str(&format!("{cell:<width$}  "));
        }
        writeln!(f, "{}", line.trim_end())?;
    }
    Ok(())
}

/// How it is, and what has happened to it or goes on beside it.
fn standing(line: &Line) -> String {
    let mut text = state(&line.state);
    if let Some(failed) = &line.rolled_back {
        text.push_str(&format!("; {} was rolled back: {}", failed.version, failed.why));
    }
    if let Some(shadow) = &line.shadow {
        let ShadowView { version, same, calls, .. } = shadow;
        text.push_str(&format!("; {version} runs beside it: {same} of {calls} calls are the same"));
    }
    text
}

fn state(state: &State) -> String {
    match state {
        State::Running => "runs".to_owned(),
        State::OnTrial(left) => format!("on trial, {left} calls left"),
        State::Suspended => "suspended after failures".to_owned(),
        State::Disabled => "disabled".to_owned(),
        State::Failed(why) => format!("does not run: {why}"),
    }
}

fn from(from: Origin) -> &'static str {
    match from {
        Origin::Config => "config",
        Origin::Installed => "installed",
    }
}

fn or_dash(text: &str) -> String {
    if text.is_empty() { "-".to_owned() } else { text.to_owned() }
}

/// Microseconds for people.
fn time(micros: f64) -> String {
    match micros {
        ..1e3 => format!("{micros:.0} us"),
        ..1e6 => format!("{:.1} ms", micros / 1e3),
        _ => format!("{:.1} s", micros / 1e6),
    }
}

/// A limit in bytes for people.
fn most(bytes: u64) -> String {
    if bytes == 0 { "any amount".to_owned() } else { size(bytes) }
}

/// Bytes for people.
fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} bytes"),
        1024..1_048_576 => format!("{} KiB", bytes.div_ceil(1024)),
        _ => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
    }
}
