//! What a plugin has done so far.

use crate::line::one_line;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

/// Names of a plugin's own counters are cut at this, in bytes, and there are at most [`METRICS`].
const NAME: usize = 64;
const METRICS: usize = 64;

/// Running counts of one plugin, read without stopping it.
#[derive(Debug, Default)]
pub struct Counters {
    /// Hook calls made.
    pub calls: AtomicU64,
    /// Hook calls that failed, whatever the reason.
    pub failures: AtomicU64,
    /// Nanoseconds spent in the plugin's code and in the host functions that it called, without
    /// waiting.
    pub cpu: AtomicU64,
    /// Instances made.
    pub instances: AtomicU64,
    /// Stanzas sent.
    pub sends: AtomicU64,
    metrics: Mutex<BTreeMap<String, u64>>,
}

impl Counters {
    /// The counters that the plugin itself keeps, in order of name.
    pub fn metrics(&self) -> Vec<(String, u64)> {
        self.metrics.lock().iter().map(|(name, value)| (name.clone(), *value)).collect()
    }

    pub(crate) fn add(&self, metric: String, delta: u64) {
        let mut metrics = self.metrics.lock();
        if let Some(value) = metrics.get_mut(&metric) {
            *value = value.saturating_add(delta);
        } else if metrics.len() < METRICS {
            metrics.insert(metric, delta);
        }
    }
}

/// What a plugin calls a counter, as it is kept.
pub(crate) fn name(metric: &str) -> String {
    one_line(&metric[..metric.floor_char_boundary(NAME)])
}

/// Add to one of the counts.
pub(crate) fn add(counter: &AtomicU64, delta: u64) {
    counter.fetch_add(delta, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plugin_cannot_fill_memory_with_counters() {
        let counters = Counters::default();
        for n in 0..1000 {
            counters.add(name(&format!("{n}{}", "é".repeat(1000))), u64::MAX);
            counters.add(name("0\n"), 1);
        }
        assert_eq!(counters.metrics().len(), METRICS);
        assert!(counters.metrics().iter().all(|(name, _)| name.len() <= NAME));
    }
}
