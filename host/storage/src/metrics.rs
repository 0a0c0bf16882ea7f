//! What an engine counts of itself.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Powers of two up to 2^31: microseconds up to half an hour.
const BUCKETS: usize = 32;

/// What an engine has done since it was opened, and what it is doing.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Metrics {
    /// Bytes of batches that wait for the writer, about.
    pub queue_bytes: u64,
    /// Bytes that may wait; who comes then waits for room.
    pub queue_limit_bytes: u64,
    /// Batches that were kept.
    pub batches: u64,
    /// Batches refused for what they ask: a conflict, an account that exists already or does not.
    pub refused: u64,
    /// Batches answered with an error of the database.
    pub errors: u64,
    /// Reads answered with an error of the database.
    pub read_errors: u64,
    /// Reads.
    pub reads: u64,
    /// Batches that shared a transaction.
    pub batch_size: Distribution,
    /// Microseconds that a transaction took, from its first statement until it was durable.
    pub commit_micros: Distribution,
    /// Connections, of an engine that has a pool of them.
    pub pool: Option<Pool>,
}

/// The connections that read.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Pool {
    /// Connections that may be open at the same time.
    pub limit: u64,
    /// Those that are open.
    pub open: u64,
    /// Those in use.
    pub used: u64,
    /// Reads that wait for one.
    pub waiting: u64,
    /// Why the database does not answer, while it does not.
    pub down: Option<String>,
    /// How often the connection that writes was opened again.
    pub reconnects: u64,
}

/// How often values of which size were seen, by powers of two.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Distribution {
    /// How many values.
    pub count: u64,
    /// Their sum.
    pub sum: u64,
    /// The greatest.
    pub max: u64,
    /// Element N counts values below 2^N that do not belong to one before.
    pub buckets: Vec<u64>,
}

impl Distribution {
    /// A value that at least this share of all, 0 to 1, did not exceed: the upper end of its bucket.
    pub fn quantile(&self, share: f64) -> u64 {
        let wanted = (self.count as f64 * share).ceil() as u64;
        let mut seen = 0;
        for (power, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= wanted.max(1) {
                return (1_u64 << power).min(self.max);
            }
        }
        self.max
    }
}

/// A [`Distribution`] that is being counted.
#[derive(Debug, Default)]
pub(crate) struct Histogram {
    sum: AtomicU64,
    max: AtomicU64,
    buckets: [AtomicU64; BUCKETS],
}

impl Histogram {
    pub(crate) fn add(&self, value: u64) {
        let bucket = (u64::BITS - value.leading_zeros()).min(BUCKETS as u32 - 1);
        if let Some(bucket) = self.buckets.get(bucket as usize) {
            bucket.fetch_add(1, Relaxed);
        }
        self.sum.fetch_add(value, Relaxed);
        self.max.fetch_max(value, Relaxed);
    }

    fn read(&self) -> Distribution {
        let buckets: Vec<u64> = self.buckets.iter().map(|bucket| bucket.load(Relaxed)).collect();
        let count = buckets.iter().sum();
        Distribution { count, sum: self.sum.load(Relaxed), max: self.max.load(Relaxed), buckets }
    }
}

/// [`Metrics`] that are being counted.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    pub(crate) batches: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) errors: AtomicU64,
    pub(crate) reads: AtomicU64,
    pub(crate) read_errors: AtomicU64,
    batch_size: Histogram,
    commit_micros: Histogram,
}

impl Meter {
    /// A transaction of so many batches took so long.
    pub(crate) fn committed(&self, batches: usize, took: Duration) {
        self.batch_size.add(batches as u64);
        self.commit_micros.add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    }

    /// What came of one batch.
    pub(crate) fn answered<T>(&self, result: &crate::Result<T>) {
        let counter = match result {
            Ok(_) => &self.batches,
            Err(error) if error.is_refusal() => &self.refused,
            Err(_) => &self.errors,
        };
        counter.fetch_add(1, Relaxed);
    }

    /// What came of one read.
    pub(crate) fn read<T>(&self, result: crate::Result<T>) -> crate::Result<T> {
        self.reads.fetch_add(1, Relaxed);
        if result.is_err() {
            self.read_errors.fetch_add(1, Relaxed);
        }
        result
    }

    /// All but what somebody else counts.
    pub(crate) fn metrics(&self, room: &crate::queue::Room) -> Metrics {
        Metrics {
            queue_bytes: room.used() as u64,
            queue_limit_bytes: room.size() as u64,
            batches: self.batches.load(Relaxed),
            refused: self.refused.load(Relaxed),
            errors: self.errors.load(Relaxed),
            reads: self.reads.load(Relaxed),
            read_errors: self.read_errors.load(Relaxed),
            batch_size: self.batch_size.read(),
            commit_micros: self.commit_micros.read(),
            pool: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_the_ends_of_buckets() {
        let histogram = Histogram::default();
        for value in [0, 1, 2, 3, 100, 1_000, u64::MAX] {
            histogram.add(value);
        }
        let seen = histogram.read();
        assert_eq!((seen.count, seen.max), (7, u64::MAX));
        assert_eq!(seen.quantile(0.0), 1);
        assert_eq!(seen.quantile(0.5), 4);
        assert_eq!(seen.quantile(0.7), 128);
        assert_eq!(seen.quantile(0.85), 1024);
        assert_eq!(Distribution::default().quantile(0.5), 0);
    }
}
