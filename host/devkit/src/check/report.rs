//! What there is to say about a component.

use super::{Cost, grants, words};
use crate::build::interfaces;
use serde::Serialize;
use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;
use waxwing_plugins::{Declared, PluginInfo};

/// What is known of a component that can be loaded.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What it does, as it says itself.
    pub summary: String,
    /// The version of `xmpp:plugin` that it was built for.
    pub wit: String,
    /// The hooks that it has.
    pub hooks: Vec<String>,
    /// The stanzas that it is shown, in plain words.
    pub interests: Vec<String>,
    /// What it hears of sessions.
    pub session_events: Vec<String>,
    /// The settings of which one must be given for it to be shown or to hear anything.
    pub only_where: Vec<String>,
    /// The marks that it may set.
    pub marks: Vec<String>,
    /// What it adds to service discovery of the server.
    pub features: Vec<String>,
    /// What it adds to service discovery of accounts.
    pub account_features: Vec<String>,
    /// What it adds to the features of streams, as XML.
    pub stream_features: Vec<String>,
    /// Which of its calls wait for each other.
    pub serial: Option<String>,
    /// The names that it owns under a domain.
    pub services: Vec<String>,
    /// Its ad-hoc commands.
    pub commands: Vec<String>,
    /// What it keeps of accounts and gives out when they move to another server.
    pub portable: Vec<String>,
    /// What it may do if it gets all that it asks for; each follows "it may".
    pub asks: Vec<String>,
    /// Whether its language brings WASI along.
    pub wasi: bool,
    /// Bytes of the component.
    pub size: usize,
    /// The SHA-256 of the component.
    pub sha256: String,
    /// How long it takes to compile and to start, in milliseconds; nothing if it was compiled before.
    pub compile_ms: Option<u64>,
    /// Bytes of memory of one instance after these calls.
    pub memory: usize,
    /// What calls cost.
    pub costs: Vec<Cost>,
    /// What an operator writes to allow it all that, in the format of the config file.
    pub grants: String,
}

impl Report {
    pub(crate) fn new(
        info: &PluginInfo,
        declared: &Declared,
        component: &[u8],
        compile_time: Option<Duration>,
        costs: Vec<Cost>,
        stores: &BTreeSet<String>,
    ) -> anyhow::Result<Report> {
        let (imports, exports) = interfaces(component)?;
        let mut versions =
            exports.iter().chain(&imports).filter_map(|name| name.strip_prefix("xmpp:plugin/"));
        let wit = versions.find_map(|name| Some(name.split_once('@')?.1)).unwrap_or_default();
        let texts = |list: Vec<&str>| list.into_iter().map(String::from).collect::<Vec<String>>();
        let own: Vec<&str> = declared.services.iter().map(|service| service.name.as_str()).collect();
        Ok(Report {
            name: info.name.clone(),
            version: info.version.clone(),
            summary: info.summary.clone(),
            wit: wit.to_owned(),
            hooks: texts(info.hooks.clone()),
            interests: declared.interests.iter().map(ToString::to_string).collect(),
            session_events: texts(words::events(declared.events)),
            only_where: declared.only_where.clone(),
            marks: declared.marks.clone(),
            features: declared.features.clone(),
            account_features: declared.account_features.clone(),
            stream_features: declared.stream_features.iter().map(|(_, xml)| xml.clone()).collect(),
            serial: words::serial(declared.serial).map(String::from),
            services: declared.services.iter().map(words::service).collect(),
            commands: declared.commands.iter().map(words::command).collect(),
            portable: declared.portable.iter().map(ToString::to_string).collect(),
            asks: info.requested.sentences(),
            wasi: info.requested.wasi,
            size: info.size,
            sha256: info.sha256.iter().map(|byte| format!("{byte:02x}")).collect(),
            compile_ms: compile_time.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX)),
            memory: info.pool.largest,
            costs,
            grants: grants::block(&info.name, &info.requested, stores, &own),
        })
    }
}

/// Where what is said begins, in characters.
const COLUMN: usize = 16;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} {}", self.name, self.version)?;
        if !self.summary.is_empty() {
            writeln!(f, "{}", self.summary)?;
        }
        writeln!(f)?;
        let wasi = "yes, from its language: no files, no environment and no network come with it";
        let kib = |bytes: usize| format!("{} KiB", bytes.div_ceil(1024));
        rows(f, "Hooks", std::slice::from_ref(&self.hooks.join(", ")))?;
        rows(f, "Is shown", &self.interests)?;
        rows(f, "Hears when", &self.session_events)?;
        rows(f, "Only where", &given(&self.only_where))?;
        rows(f, "Is called", self.serial.as_slice())?;
        rows(f, "Sets marks", &self.marks)?;
        rows(f, "Owns", &self.services)?;
        rows(f, "Commands", &self.commands)?;
        rows(f, "Moves", &self.portable)?;
        rows(f, "Server has", &self.features)?;
        rows(f, "Accounts have", &self.account_features)?;
        rows(f, "Streams have", &self.stream_features)?;
        rows(f, "It may", &self.asks)?;
        rows(f, "WASI", &[if self.wasi { wasi } else { "no" }])?;
        rows(f, "Built for", &[format!("xmpp:plugin {}", self.wit)])?;
        rows(f, "Size", &[kib(self.size)])?;
        rows(f, "SHA-256", std::slice::from_ref(&self.sha256))?;
        let compiled = match self.compile_ms {
            Some(ms) => format!("in {ms} ms"),
            None => "before; that is kept for the other tools and for a server of yours".to_owned(),
        };
        rows(f, "Compiled", &[compiled])?;
        rows(f, "Memory", &[format!("{} for each call at a time", kib(self.memory))])?;
        self.costs(f)?;
        writeln!(f, "\nTo allow it all that it asks for:\n\n{}", self.grants)?;
        if self.grants.contains("stores") {
            writeln!(
                f,
                "\nStores are those that these calls wrote to, or '*' for any; name all that it has."
            )?;
        }
        Ok(())
    }
}

impl Report {
    fn costs(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.costs.is_empty() {
            return Ok(());
        }
        writeln!(f, "\nProcessor time of a call, tried on samples of which nothing came:\n")?;
        let width = |text: fn(&Cost) -> usize| self.costs.iter().map(text).max().unwrap_or(0);
        let (hook, sample) = (width(|cost| cost.hook.len()), width(|cost| cost.sample.chars().count()));
        writeln!(f, "    {:hook$}  {:sample$}  {:>9}  {:>9}  answer", "hook", "sample", "median", "95 %")?;
        for cost in &self.costs {
            let (median, p95) = (time(cost.median_us), time(cost.p95_us));
            writeln!(
                f,
                "    {:hook$}  {:sample$}  {median:>9}  {p95:>9}  {}",
                cost.hook, cost.sample, cost.answer
            )?;
        }
        Ok(())
    }
}

fn given(settings: &[String]) -> Vec<String> {
    let list = settings.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(" or ");
    if list.is_empty() { Vec::new() } else { vec![format!("{list} is given")] }
}

fn time(us: f64) -> String {
    match us {
        us if us < 100.0 => format!("{us:.1} us"),
        us if us < 100_000.0 => format!("{us:.0} us"),
        us => format!("{:.0} ms", us / 1000.0),
    }
}

/// A list with what it is about before its first line; nothing if it is empty.
fn rows(f: &mut fmt::Formatter<'_>, title: &str, lines: &[impl AsRef<str>]) -> fmt::Result {
    let mut title = title;
    for line in lines {
        writeln!(f, "{title:COLUMN$}{}", line.as_ref())?;
        title = "";
    }
    Ok(())
}
