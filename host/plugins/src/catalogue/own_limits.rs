//! Limits of one plugin in the place of the usual ones.

use crate::declare::options::Limits;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Limits of one plugin; what is `None` is as usual. See [`Limits`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct OwnLimits {
    /// Milliseconds in wasm that one call may spend.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu: Option<u64>,
    /// Milliseconds that one call may take in all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<u64>,
    /// Bytes of memory of one instance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
    /// Stanzas that one call may send.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outbox_stanzas: Option<u64>,
    /// Bytes that one call may send.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outbox_bytes: Option<u64>,
    /// Bytes of account data in all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_data: Option<u64>,
    /// Bytes of alarms in all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alarms: Option<u64>,
    /// Instances at a time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instances: Option<u64>,
    /// Calls after which an instance is replaced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calls: Option<u64>,
}

impl OwnLimits {
    /// The names of the limits, as config files have them.
    pub const NAMES: [&'static str; 9] = [
        "cpu",
        "timeout",
        "memory",
        "outbox-stanzas",
        "outbox-bytes",
        "account-data",
        "alarms",
        "instances",
        "calls",
    ];

    /// Whether 0 is no limit, as it is for what is kept; of others it would leave nothing to work with.
    pub(crate) fn is_unlimited_at_zero(name: &str) -> bool {
        matches!(name, "account-data" | "alarms")
    }

    /// The limit of a name; `None` for a name that there is not.
    pub fn named(&mut self, name: &str) -> Option<&mut Option<u64>> {
        Some(match name {
            "cpu" => &mut self.cpu,
            "timeout" => &mut self.timeout,
            "memory" => &mut self.memory,
            "outbox-stanzas" => &mut self.outbox_stanzas,
            "outbox-bytes" => &mut self.outbox_bytes,
            "account-data" => &mut self.account_data,
            "alarms" => &mut self.alarms,
            "instances" => &mut self.instances,
            "calls" => &mut self.calls,
            _ => return None,
        })
    }

    /// The usual limits with these in their place.
    #[must_use]
    pub fn over(&self, usual: &Limits) -> Limits {
        let size =
            |own: Option<u64>, usual: usize| own.map_or(usual, |own| own.try_into().unwrap_or(usize::MAX));
        Limits {
            cpu: self.cpu.map_or(usual.cpu, Duration::from_millis),
            call_timeout: self.timeout.map_or(usual.call_timeout, Duration::from_millis),
            memory: size(self.memory, usual.memory),
            outbox_stanzas: size(self.outbox_stanzas, usual.outbox_stanzas),
            outbox_bytes: size(self.outbox_bytes, usual.outbox_bytes),
            account_data_bytes: self.account_data.unwrap_or(usual.account_data_bytes),
            alarm_bytes: self.alarms.unwrap_or(usual.alarm_bytes),
            instances: size(self.instances, usual.instances),
            retire_after: self.calls.unwrap_or(usual.retire_after),
            ..usual.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_limits_lie_over_the_usual_ones() {
        let mut own = OwnLimits::default();
        assert_eq!(own.over(&Limits::default()), Limits::default());
        for (name, value) in OwnLimits::NAMES.into_iter().zip(1..) {
            *own.named(name).unwrap() = Some(value);
        }
        assert_eq!(own.named("memroy"), None);
        let limits = own.over(&Limits::default());
        assert_eq!(limits.cpu, Duration::from_millis(1));
        assert_eq!((limits.memory, limits.outbox_bytes, limits.retire_after), (3, 5, 9));
        assert_eq!((limits.account_data_bytes, limits.alarm_bytes), (6, 7));
        assert_eq!(limits.waiting, Limits::default().waiting);
        let json = serde_json::to_string(&own).unwrap();
        assert!(json.contains("\"outbox-stanzas\":4"), "{json}");
        assert_eq!(serde_json::from_str::<OwnLimits>(&json).unwrap(), own);
    }
}
