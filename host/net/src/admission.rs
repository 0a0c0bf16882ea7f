//! What one address may do: connections at the same time, and failed logins.

use parking_lot::Mutex;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use waxwing_config::Limits;

/// How many addresses with failed logins are remembered. When there are more, the one that failed first is forgotten.
const FAILED_ADDRESSES: usize = 10_000;

/// Bits of an IPv6 address that name a network: whoever has one address usually has the whole network.
const NETWORK_BITS: u32 = 64;

/// Keeps account of addresses.
pub struct Admission {
    /// 0 for no limit.
    connections_per_address: u32,
    /// 0 for no limit.
    failed_logins: u32,
    window: Duration,
    connections: Mutex<HashMap<IpAddr, u32>>,
    failures: Mutex<HashMap<IpAddr, Failures>>,
}

struct Failures {
    count: u32,
    since: Instant,
}

impl Admission {
    /// With the limits of the settings.
    pub fn new(limits: &Limits) -> Self {
        Self {
            connections_per_address: limits.connections_per_address,
            failed_logins: limits.failed_logins,
            window: limits.failed_logins_window,
            connections: Mutex::default(),
            failures: Mutex::default(),
        }
    }

    /// Count a new connection of this address, until the permit is dropped. `None` if it has too many.
    pub fn connect(self: &Arc<Self>, address: IpAddr) -> Option<Permit> {
        let address = network(address);
        let mut connections = self.connections.lock();
        let count = connections.entry(address).or_insert(0);
        if self.connections_per_address > 0 && *count >= self.connections_per_address {
            return None;
        }
        *count += 1;
        Some(Permit { admission: self.clone(), address })
    }

    /// Take note of a failed login.
    pub fn login_failed(&self, address: IpAddr) {
        let address = network(address);
        let now = Instant::now();
        let mut failures = self.failures.lock();
        if failures.len() >= FAILED_ADDRESSES && !failures.contains_key(&address) {
            failures.retain(|_, failed| now - failed.since < self.window);
            if failures.len() >= FAILED_ADDRESSES {
                let oldest =
                    failures.iter().min_by_key(|(_, failed)| failed.since).map(|(address, _)| *address);
                oldest.and_then(|oldest| failures.remove(&oldest));
            }
        }
        let failed = failures.entry(address).or_insert(Failures { count: 0, since: now });
        if now - failed.since >= self.window {
            *failed = Failures { count: 0, since: now };
        }
        failed.count += 1;
    }

    /// Whether this address has failed too often to try again now.
    pub fn is_blocked(&self, address: IpAddr) -> bool {
        let mut failures = self.failures.lock();
        let address = network(address);
        let Some(failed) = failures.get(&address) else { return false };
        if failed.since.elapsed() >= self.window {
            failures.remove(&address);
            return false;
        }
        self.failed_logins > 0 && failed.count >= self.failed_logins
    }
}

/// One connection's place among those of its address.
pub struct Permit {
    admission: Arc<Admission>,
    address: IpAddr,
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut connections = self.admission.connections.lock();
        if let Some(count) = connections.get_mut(&self.address) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                connections.remove(&self.address);
            }
        }
    }
}

/// What counts as one address: the network of an IPv6 address, an IPv4 address however it is written.
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << (128 - NETWORK_BITS)))),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admission(connections_per_address: u32, failed_logins: u32) -> Arc<Admission> {
        let failed_logins_window = Duration::from_secs(60);
        let limits =
            Limits { connections_per_address, failed_logins, failed_logins_window, ..Limits::default() };
        Arc::new(Admission::new(&limits))
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn connections_are_counted_by_address() {
        let admission = admission(2, 1);
        let first = admission.connect(ip("192.0.2.1")).unwrap();
        let _second = admission.connect(ip("::ffff:192.0.2.1")).unwrap();
        assert!(admission.connect(ip("192.0.2.1")).is_none());
        assert!(admission.connect(ip("192.0.2.2")).is_some());
        drop(first);
        assert!(admission.connect(ip("192.0.2.1")).is_some());

        let _a = admission.connect(ip("2001:db8::1")).unwrap();
        let _b = admission.connect(ip("2001:db8::2")).unwrap();
        assert!(admission.connect(ip("2001:db8::3")).is_none());
        assert!(admission.connect(ip("2001:db8:0:1::3")).is_some());
    }

    #[test]
    fn no_limit_and_nothing_left_behind() {
        let admission = admission(0, 1);
        let permits: Vec<_> = (0..100).map(|_| admission.connect(ip("192.0.2.1")).unwrap()).collect();
        drop(permits);
        assert!(admission.connections.lock().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn failures_block_for_a_while() {
        let admission = admission(0, 2);
        let address = ip("192.0.2.1");
        admission.login_failed(address);
        assert!(!admission.is_blocked(address));
        admission.login_failed(address);
        assert!(admission.is_blocked(address));
        assert!(!admission.is_blocked(ip("192.0.2.2")));
        tokio::time::advance(Duration::from_secs(60)).await;
        assert!(!admission.is_blocked(address));
        assert!(admission.failures.lock().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn memory_of_failures_is_bounded() {
        let admission = admission(0, 1);
        for number in 0..FAILED_ADDRESSES as u32 + 10 {
            admission.login_failed(IpAddr::V4(std::net::Ipv4Addr::from_bits(number)));
            tokio::time::advance(Duration::from_micros(1)).await;
        }
        assert_eq!(admission.failures.lock().len(), FAILED_ADDRESSES);
        assert!(!admission.is_blocked(ip("0.0.0.5")));
        assert!(admission.is_blocked(ip("0.0.0.99")));
    }
}
