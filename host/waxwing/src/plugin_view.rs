//! Plugins as they are shown: as lines for people and as JSON for programs.

use crate::plugin_text;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use waxwing_plugins::{
    Entry, EntryKind, Grants, HookFigures, Limits, PluginInfo, Policy, Reach, RolledBack, ShadowInfo,
    StoreUse,
};

/// What was asked about plugins.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Views {
    /// All of them.
    List {
        plugins: Vec<Line>,
        /// Listed in the config file as not active.
        switched_off: Vec<String>,
        /// Components in the plugins folder that no line of the config file names.
        not_listed: Vec<PathBuf>,
    },
    /// One, in each of its scopes.
    Info(Vec<Details>),
}

impl Views {
    /// How the versions that run beside plugins compare with them; empty if none does.
    pub fn shadows(&self) -> String {
        let mut text = String::new();
        if let Views::Info(details) = self {
            for details in details {
                // Writing into a string does not fail.
                let _ = plugin_text::shadow(&mut text, &details.line);
            }
        }
        text
    }

    /// For programs.
    pub fn json(&self) -> serde_json::Result<String> {
        match self {
            Views::Info(details) => serde_json::to_string_pretty(details),
            list @ Views::List { .. } => {
                let value = serde_json::to_value(list)?;
                serde_json::to_string_pretty(value.get("list").unwrap_or(&value))
            }
        }
    }
}

/// What is shown of plugins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Show {
    Text,
    Json,
    /// How versions beside each other compare.
    Shadows,
}

impl Show {
    pub fn json(json: bool) -> Show {
        if json { Show::Json } else { Show::Text }
    }

    pub fn print(self, views: &Views) -> anyhow::Result<()> {
        match self {
            Show::Text => print!("{views}"),
            Show::Json => println!("{}", views.json()?),
            Show::Shadows => {
                let shadows = views.shadows();
                anyhow::ensure!(
                    !shadows.is_empty(),
                    "no other version runs beside it; `waxwing plugin shadow NAME FILE` lets one"
                );
                print!("{shadows}");
            }
        }
        Ok(())
    }
}

impl fmt::Display for Views {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Views::List { plugins, switched_off, not_listed } => {
                plugin_text::list(f, plugins, switched_off, not_listed)
            }
            Views::Info(details) => details.iter().try_for_each(|details| plugin_text::details(f, details)),
        }
    }
}

/// Where a plugin comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    Config,
    Installed,
}

/// How a plugin is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    Running,
    /// It has so many calls to serve before the version before it is let go.
    OnTrial(u32),
    /// It has failed so often that it is not called for now.
    Suspended,
    Disabled,
    /// It should run, and does not.
    Failed(String),
}

/// A plugin in a list.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Line {
    pub name: String,
    pub version: String,
    pub scope: String,
    pub from: Origin,
    pub state: State,
    pub calls: u64,
    pub failures: u64,
    /// The version that failed in its first calls, so that this one runs again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rolled_back: Option<FailedVersion>,
    /// The version that runs beside it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shadow: Option<ShadowView>,
}

/// A version that failed in its first calls.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct FailedVersion {
    pub version: String,
    /// In hex.
    pub sha256: String,
    pub why: String,
    /// Milliseconds since the Unix epoch.
    pub at: u64,
}

/// A version that runs beside the live one, and how the two compare.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ShadowView {
    pub version: String,
    /// In hex.
    pub sha256: String,
    /// Calls that both were asked.
    pub calls: u64,
    pub same: u64,
    pub different: u64,
    pub failed: u64,
    pub skipped: u64,
    pub live: Cost,
    pub beside: Cost,
    /// The last few ways in which calls differed, without what people have written.
    pub differences: Vec<String>,
}

/// What the calls cost that were compared, in microseconds.
#[derive(Debug, Serialize, Deserialize)]
pub struct Cost {
    pub cpu: f64,
    pub p50: f64,
    pub p99: f64,
}

/// All that is known of a plugin. Times are in microseconds if the name says nothing else.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Details {
    #[serde(flatten)]
    pub line: Line,
    pub summary: String,
    /// In hex.
    pub sha256: Option<String>,
    /// Bytes of the component.
    pub size: Option<usize>,
    pub previous_version: Option<String>,
    pub previous_sha256: Option<String>,
    /// Milliseconds since the Unix epoch.
    pub installed_at: Option<u64>,
    pub features: Vec<String>,
    /// The names of its hooks.
    pub hooks: Vec<String>,
    pub grants: Grants,
    /// The same in sentences, each to follow "it may".
    pub may: Vec<String>,
    /// How far it reaches with that, likewise, while it runs.
    pub reach: Reach,
    pub settings: Vec<(String, Vec<String>)>,
    pub limits: ShownLimits,
    pub on_failure: Policy,
    pub fresh: bool,
    /// How full its stores are.
    pub stores: Vec<StoreUse>,
    pub running: Option<Figures>,
}

/// The limits that hold for it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ShownLimits {
    pub cpu_ms: u64,
    pub timeout_ms: u64,
    pub memory: usize,
    pub outbox_stanzas: usize,
    pub outbox_bytes: usize,
    pub account_data: u64,
    pub alarms: u64,
    pub instances: usize,
    pub calls: u64,
}

/// What a running plugin has done and holds.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Figures {
    pub instances_idle: usize,
    pub instances_busy: usize,
    /// Bytes of all idle instances.
    pub memory: usize,
    /// Bytes of the largest instance that there ever was.
    pub memory_largest: usize,
    pub instances_made: u64,
    pub sends: u64,
    /// Senders for whom it is not called now.
    pub suspended_senders: usize,
    pub calls: Vec<HookView>,
    /// What it counts itself.
    pub metrics: BTreeMap<String, u64>,
}

/// The calls of one hook.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct HookView {
    pub hook: String,
    pub calls: u64,
    pub failures: u64,
    pub cpu: f64,
    pub cpu_mean: f64,
    pub p50: f64,
    pub p99: f64,
}

impl Line {
    /// What a list says of a plugin.
    pub fn of(entry: &Entry) -> Line {
        let manifest = match &entry.kind {
            EntryKind::Installed { manifest, .. } => manifest.as_deref(),
            EntryKind::Listed => None,
        };
        let from = if entry.kind == EntryKind::Listed { Origin::Config } else { Origin::Installed };
        let state = match (&entry.running, &entry.trouble) {
            (Some(info), _) if info.suspended.0 => State::Suspended,
            (Some(info), _) => info.trial.map_or(State::Running, State::OnTrial),
            (None, Some(trouble)) => State::Failed(trouble.clone()),
            (None, None) => State::Disabled,
        };
        let running = entry.running.as_ref();
        let version =
            running.map(|info| info.version.clone()).or(manifest.map(|known| known.version.clone()));
        Line {
            name: entry.name.clone(),
            version: version.unwrap_or_default(),
            scope: entry.scope.clone(),
            from,
            state,
            calls: running.map_or(0, |info| info.counters.calls),
            failures: running.map_or(0, |info| info.counters.failures),
            rolled_back: entry.rolled_back.as_ref().map(FailedVersion::of),
            shadow: running.and_then(|info| info.shadow.as_ref()).map(ShadowView::of),
        }
    }
}

impl Details {
    /// All that is known of a plugin.
    pub fn of(entry: &Entry, stores: Vec<StoreUse>) -> Details {
        let (stored, previous, manifest) = match &entry.kind {
            EntryKind::Installed { sha256, previous, manifest } => {
                (Some(sha256), *previous, manifest.as_deref())
            }
            EntryKind::Listed => (None, None, None),
        };
        let running = entry.running.as_ref();
        Details {
            line: Line::of(entry),
            summary: running.map(|info| info.summary.clone()).unwrap_or_default(),
            sha256: running.map(|info| &info.sha256).or(stored).map(|sha256| hex(sha256)),
            size: running.map(|info| info.size),
            previous_version: manifest.and_then(|known| known.previous_version.clone()),
            previous_sha256: previous.map(|sha256| hex(&sha256)),
            installed_at: manifest.map(|known| known.installed_at),
            features: running.map(|info| info.features.clone()).unwrap_or_default(),
            hooks: running.iter().flat_map(|info| &info.hooks).map(|hook| (*hook).to_owned()).collect(),
            grants: entry.grants.clone(),
            may: entry.grants.sentences(),
            reach: running.map(|info| info.reach.clone()).unwrap_or_default(),
            settings: entry.settings.clone(),
            limits: ShownLimits::of(&entry.limits),
            on_failure: entry.policy,
            fresh: entry.fresh,
            stores,
            running: running.map(Figures::of),
        }
    }
}

impl FailedVersion {
    fn of(failed: &RolledBack) -> FailedVersion {
        let RolledBack { version, sha256, why, at } = failed.clone();
        FailedVersion { version, sha256: hex(&sha256), why, at }
    }
}

impl ShadowView {
    fn of(info: &ShadowInfo) -> ShadowView {
        let cost = |cpu, p50, p99| Cost { cpu: micros(cpu), p50: micros(p50), p99: micros(p99) };
        ShadowView {
            version: info.version.clone(),
            sha256: hex(&info.sha256),
            calls: info.calls,
            same: info.same,
            different: info.different,
            failed: info.failed,
            skipped: info.skipped,
            live: cost(info.cpu_live, info.p50_live, info.p99_live),
            beside: cost(info.cpu_shadow, info.p50_shadow, info.p99_shadow),
            differences: info.differences.clone(),
        }
    }
}

impl ShownLimits {
    fn of(limits: &Limits) -> ShownLimits {
        let milliseconds = |time: std::time::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        ShownLimits {
            cpu_ms: milliseconds(limits.cpu),
            timeout_ms: milliseconds(limits.call_timeout),
            memory: limits.memory,
            outbox_stanzas: limits.outbox_stanzas,
            outbox_bytes: limits.outbox_bytes,
            account_data: limits.account_data_bytes,
            alarms: limits.alarm_bytes,
            instances: limits.instances,
            calls: limits.retire_after,
        }
    }
}

impl Figures {
    fn of(info: &PluginInfo) -> Figures {
        Figures {
            instances_idle: info.pool.idle,
            instances_busy: info.pool.busy,
            memory: info.pool.memory,
            memory_largest: info.pool.largest,
            instances_made: info.counters.instances,
            sends: info.counters.sends,
            suspended_senders: info.suspended.1,
            calls: info.figures.iter().map(HookView::of).collect(),
            metrics: info.counters.metrics.iter().cloned().collect(),
        }
    }
}

impl HookView {
    fn of(figures: &HookFigures) -> HookView {
        let cpu = micros(figures.cpu);
        HookView {
            hook: figures.hook.to_owned(),
            calls: figures.calls,
            failures: figures.failures,
            cpu,
            cpu_mean: cpu / figures.calls.max(1) as f64,
            p50: micros(figures.p50),
            p99: micros(figures.p99),
        }
    }
}

fn micros(time: std::time::Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
