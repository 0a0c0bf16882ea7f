//! How long calls of one hook take, and how they go.

use hdrhistogram::Histogram;
use parking_lot::Mutex;
use std::time::Duration;

/// The longest time that is told apart from longer ones.
const LONGEST: u64 = 60_000_000_000;
/// Two figures: an error of at most 1 %.
const FIGURES: u8 = 2;

/// Running figures of one hook of one plugin.
#[derive(Debug, Default)]
pub(crate) struct Gauge {
    figures: Mutex<Figures>,
}

#[derive(Debug, Default)]
struct Figures {
    calls: u64,
    failures: u64,
    cpu: u64,
    /// Nanoseconds. Made at the first call, because most hooks of most plugins are never called.
    times: Option<Histogram<u32>>,
}

/// The figures of one hook at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookFigures {
    /// Its name.
    pub hook: &'static str,
    /// Calls made.
    pub calls: u64,
    /// Those that failed, whatever the reason.
    pub failures: u64,
    /// Time spent in the plugin's code and in host functions that it called, without waiting.
    pub cpu: Duration,
    /// Half of the calls took no longer than this, waiting included.
    pub p50: Duration,
    /// 99 of 100 calls took no longer than this.
    pub p99: Duration,
}

impl Gauge {
    /// Note one call.
    pub fn add(&self, failed: bool, cpu: Duration, time: Duration) {
        let mut figures = self.figures.lock();
        figures.calls += 1;
        figures.failures += u64::from(failed);
        figures.cpu = figures.cpu.saturating_add(nanoseconds(cpu));
        if figures.times.is_none() {
            // The bounds are constants that it accepts.
            figures.times = Histogram::new_with_bounds(1, LONGEST, FIGURES).ok();
        }
        if let Some(times) = &mut figures.times {
            times.saturating_record(nanoseconds(time).clamp(1, LONGEST));
        }
    }

    /// The figures of the hook with this name.
    pub fn read(&self, hook: &'static str) -> HookFigures {
        let figures = self.figures.lock();
        let quantile = |q| figures.times.as_ref().map_or(0, |times| times.value_at_quantile(q));
        HookFigures {
            hook,
            calls: figures.calls,
            failures: figures.failures,
            cpu: Duration::from_nanos(figures.cpu),
            p50: Duration::from_nanos(quantile(0.5)),
            p99: Duration::from_nanos(quantile(0.99)),
        }
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_of_what_was_noted() {
        let gauge = Gauge::default();
        for n in 1..=100 {
            gauge.add(n == 100, Duration::from_micros(1), Duration::from_micros(n));
        }
        let figures = gauge.read("pre");
        assert_eq!((figures.calls, figures.failures), (100, 1));
        assert_eq!(figures.cpu, Duration::from_micros(100));
        let near = |time: Duration, micros: f64| (time.as_secs_f64() * 1e6 / micros - 1.0).abs() < 0.02;
        assert!(near(figures.p50, 50.0) && near(figures.p99, 99.0), "{figures:?}");
    }

    #[test]
    fn nothing_noted_is_zero() {
        assert_eq!(Gauge::default().read("pre").p99, Duration::ZERO);
    }
}
