//! A version that runs beside the live one: it is asked the same, nothing of what it does happens, and what
//! it would have done is held against what the live one did.

use crate::common::gauge::Gauge;
use crate::declare::error::LoadError;
use crate::host::Host;
use crate::run::breaker::Gate;
use crate::run::plugin::Plugin;
use crate::run::pool::Lease;
use crate::run::watcher::ShadowInfo;
use crate::watch::dry::NoPlugin;
use crate::watch::record::RecordedCall;
use crate::watch::record::host::Asked;
use crate::watch::record::live::Live;
use crate::watch::record::player::Player;
use crate::watch::record::redact::redact_trace;
use crate::watch::trace::{Trace, TraceAnswer};
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Calls of one shadow at a time. The live one does not wait for more: they are skipped.
const AT_ONCE: usize = 16;
/// Characters of a difference that are shown.
const SHOWN: usize = 400;
/// Differences that are kept as examples.
const EXAMPLES: usize = 5;

/// Why a version cannot run beside the live one.
#[derive(Debug, thiserror::Error)]
pub enum ShadowError {
    /// There is no live one.
    #[error(transparent)]
    NoPlugin(#[from] NoPlugin),
    /// It cannot be loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
}

/// A version that runs beside the live one.
pub(crate) struct Shadow {
    plugin: Arc<Plugin>,
    places: Arc<Semaphore>,
    count: Mutex<Count>,
    live: Gauge,
    own: Gauge,
}

#[derive(Default)]
struct Count {
    same: u64,
    different: u64,
    failed: u64,
    skipped: u64,
    differences: VecDeque<String>,
}

impl Count {
    /// Keep a difference as an example, unless there is one like it.
    fn example(&mut self, difference: String) {
        self.differences.retain(|known| *known != difference);
        self.differences.push_back(difference);
        if self.differences.len() > EXAMPLES {
            self.differences.pop_front();
        }
    }
}

/// The right to ask a shadow one call.
pub(crate) struct Place {
    shadow: Arc<Shadow>,
    sender: Box<str>,
    permit: OwnedSemaphorePermit,
}

impl Shadow {
    pub fn new(plugin: Arc<Plugin>) -> Shadow {
        let places = Arc::new(Semaphore::new(AT_ONCE));
        Shadow { plugin, places, count: Mutex::default(), live: Gauge::default(), own: Gauge::default() }
    }

    /// A place for the call that is about to be made, caused by `sender`, if there is one.
    pub fn place(self: &Arc<Self>, sender: &str) -> Option<Place> {
        let permit = self.places.clone().try_acquire_owned().ok();
        let permit = permit.filter(|_| self.plugin.callable.breaker.gate(sender) == Gate::Open);
        match permit {
            Some(permit) => Some(Place { shadow: self.clone(), sender: sender.into(), permit }),
            None => {
                self.count.lock().skipped += 1;
                None
            }
        }
    }

    pub fn info(&self) -> ShadowInfo {
        let (live, own) = (self.live.read(""), self.own.read(""));
        let count = self.count.lock();
        ShadowInfo {
            version: self.plugin.description.version.clone(),
            sha256: self.plugin.sha256,
            calls: count.same + count.different + count.failed,
            same: count.same,
            different: count.different,
            failed: count.failed,
            skipped: count.skipped,
            cpu_live: live.cpu,
            cpu_shadow: own.cpu,
            p50_live: live.p50,
            p50_shadow: own.p50,
            p99_live: live.p99,
            p99_shadow: own.p99,
            differences: count.differences.iter().cloned().collect(),
        }
    }

    async fn ask(&self, call: &Arc<RecordedCall>, host: Arc<dyn Host>, sender: &str) {
        let Plugin { callable, .. } = &*self.plugin;
        let shared = callable.shared.clone();
        let live = Live { host, shared: shared.clone(), dry: true };
        let oracle = Player::new(call.clone(), Some(live));
        let host: Arc<dyn Host> = Arc::new(Asked { oracle, shared });
        let (live, hook) = (&call.trace, call.input.hook().name());
        let got = match self.plugin.dry(&host, &call.input, Lease::Warm).await {
            Ok(got) => got,
            Err(error) => {
                let mut count = self.count.lock();
                count.different += 1;
                count.example(format!("{hook}: {error}"));
                return;
            }
        };
        let failed = matches!(got.answer, TraceAnswer::Failed(_));
        if failed {
            callable.breaker.failure(sender);
        } else {
            callable.breaker.success(sender);
        }
        self.live.add(matches!(live.answer, TraceAnswer::Failed(_)), live.cpu, live.time);
        self.own.add(failed, got.cpu, got.time);
        let shown = shown(live, got);
        let mut count = self.count.lock();
        let Some(difference) = shown else {
            count.same += 1;
            return;
        };
        *(if failed { &mut count.failed } else { &mut count.different }) += 1;
        count.example(format!("{hook}: {difference}"));
    }
}

impl Place {
    /// The call that it was for is not to be compared.
    pub fn skipped(&self) {
        self.shadow.count.lock().skipped += 1;
    }

    /// Ask the shadow what the live one was asked, without a wait for what comes of it.
    pub fn follow(self, call: Arc<RecordedCall>, host: Arc<dyn Host>) {
        let Place { shadow, sender, permit } = self;
        tokio::spawn(async move {
            shadow.ask(&call, host, &sender).await;
            drop(permit);
        });
    }
}

/// The first difference, without what somebody has written; `None` if there is none.
fn shown(live: &Trace, mut got: Trace) -> Option<String> {
    let what = live.difference(&got)?.what;
    let mut live = live.clone();
    redact_trace(&mut live);
    redact_trace(&mut got);
    let cut = |text: &str| text.chars().take(SHOWN).collect::<String>();
    Some(match live.difference(&got) {
        Some(difference) if difference.what == what => {
            format!("{what}: {} instead of {}", cut(&difference.got), cut(&difference.expected))
        }
        _ => format!("{what}: another text of the same length"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace(answer: serde_json::Value) -> Trace {
        serde_json::from_value(serde_json::json!({ "answer": answer })).unwrap()
    }

    #[test]
    fn a_difference_is_shown_without_what_was_written() {
        let reply = |text: &str| trace(serde_json::json!({ "reply": format!("<a xmlns='b'>{text}</a>") }));
        assert_eq!(shown(&reply("secret"), reply("secret")), None);
        let shown = |live, got| shown(&live, got).unwrap();
        assert_eq!(shown(reply("secret"), reply("hidden")), "answer: another text of the same length");
        let text = shown(reply("secret"), reply("other"));
        assert_eq!(
            text,
            r#"answer: {"reply":"<a xmlns='b'>xxxxx</a>"} instead of {"reply":"<a xmlns='b'>xxxxxx</a>"}"#
        );
        assert_eq!(
            shown(reply("secret"), trace("next".into())),
            r#"answer: "next" instead of {"reply":"<a xmlns='b'>xxxxxx</a>"}"#
        );
    }
    #[test]
    fn each_kind_of_difference_is_kept_once_and_few_of_them() {
        let mut count = Count::default();
        for number in (0..EXAMPLES).chain([0, EXAMPLES]) {
            count.example(number.to_string());
        }
        assert_eq!(count.differences, ["2", "3", "4", "0", "5"]);
    }
}
