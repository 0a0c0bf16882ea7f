//! What a call costs, by trying.

use super::samples::Sample;
use crate::trace::answer_name;
use serde::Serialize;
use std::collections::BTreeSet;
use std::time::Duration;
use waxwing_plugins::{Engine, Scope, Trace, TraceAnswer, TraceWrite};

/// Calls that warm up, and calls that count.
const WARM_UP: usize = 20;
const CALLS: usize = 200;
/// Slow plugins are called fewer times: this is enough for all calls of one sample.
const PATIENCE: Duration = Duration::from_secs(3);

/// What dry calls of one hook on one sample have cost.
#[derive(Clone, Debug, Serialize)]
pub struct Cost {
    /// The hook.
    pub hook: &'static str,
    /// What it was told.
    pub sample: String,
    /// What it answered.
    pub answer: String,
    /// Calls that were measured.
    pub calls: usize,
    /// Processor time of a call in microseconds, in its own code and in what it calls: half of the calls took
    /// no more.
    pub median_us: f64,
    /// The same of 95 of 100 calls.
    pub p95_us: f64,
}

/// Call a hook dry, again and again. The stores that it would have written to are added to `stores`.
pub(crate) async fn measure(
    engine: &Engine,
    name: &str,
    sample: Sample,
    stores: &mut BTreeSet<String>,
) -> anyhow::Result<Cost> {
    let traces = engine.measure(name, &Scope::Everywhere, &sample.input, WARM_UP + CALLS, PATIENCE).await?;
    let answer = traces.last().map_or_else(String::new, answer);
    stores.extend(traces.last().into_iter().flat_map(|trace| &trace.writes).map(|write| store(write, name)));
    let mut times: Vec<Duration> =
        traces.iter().skip(WARM_UP.min(traces.len() / 2)).map(|trace| trace.cpu).collect();
    times.sort_unstable();
    let at =
        |part: usize| times.get(times.len() * part / 100).map_or(0.0, |time| time.as_nanos() as f64 / 1000.0);
    let hook = sample.input.hook().name();
    Ok(Cost { hook, sample: sample.what, answer, calls: times.len(), median_us: at(50), p95_us: at(95) })
}

fn answer(trace: &Trace) -> String {
    match &trace.answer {
        TraceAnswer::Failed(failure) => format!("failed: {}", failure.text),
        TraceAnswer::Reject(error) | TraceAnswer::Refuse(error) => {
            format!("{} {}", answer_name(&trace.answer), error.condition)
        }
        other => answer_name(other).to_owned(),
    }
}

/// The store as grants name it.
fn store(write: &TraceWrite, plugin: &str) -> String {
    let name = crate::trace::store(write);
    name.strip_prefix(plugin).and_then(|rest| rest.strip_prefix('/')).unwrap_or(name).to_owned()
}
