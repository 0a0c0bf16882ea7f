//! What one address may do: connections at the same time, failed logins, and requests before login.

use parking_lot::Mutex;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use waxwing_config::Limits;

/// How many addresses are remembered for what they have done. When there are more, the one that began first is
/// forgotten.
const ADDRESSES: usize = 10_000;

/// The span in which the requests of an address before login are counted.
const MINUTE: Duration = Duration::from_secs(60);

/// Bits of an IPv6 address that name a network: whoever has one address usually has the whole network.
const NETWORK_BITS: u32 = 64;

/// Keeps account of addresses.
pub struct Admission {
    /// 0 for no limit.
    connections_per_address: u32,
    connections: Mutex<HashMap<IpAddr, u32>>,
    failed_logins: Tally,
    requests: Tally,
}

impl Admission {
    /// With the limits of the settings.
    pub fn new(limits: &Limits) -> Self {
        Self {
            connections_per_address: limits.connections_per_address,
            connections: Mutex::default(),
            failed_logins: Tally::new(limits.failed_logins, limits.failed_logins_window),
            requests: Tally::new(limits.requests_before_login_per_address, MINUTE),
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
        self.failed_logins.count(address);
    }

    /// Whether this address has failed too often to try again now.
    pub fn is_blocked(&self, address: IpAddr) -> bool {
        self.failed_logins.is_full(address)
    }

    /// Count a request before login. `false` if this address has made too many.
    pub fn request(&self, address: IpAddr) -> bool {
        let granted = !self.requests.is_full(address);
        if granted {
            self.requests.count(address);
        }
        granted
    }
}

/// How often addresses have done something within a span of time that begins with the first.
struct Tally {
    /// 0 for no limit.
    most: u32,
    window: Duration,
    counts: Mutex<HashMap<IpAddr, Count>>,
}

struct Count {
    count: u32,
    since: Instant,
}

impl Tally {
    fn new(most: u32, window: Duration) -> Self {
        Self { most, window, counts: Mutex::default() }
    }

    fn count(&self, address: IpAddr) {
        let address = network(address);
        let now = Instant::now();
        let mut counts = self.counts.lock();
        if counts.len() >= ADDRESSES && !counts.contains_key(&address) {
            counts.retain(|_, counted| now - counted.since < self.window);
            if counts.len() >= ADDRESSES {
                let oldest =
                    counts.iter().min_by_key(|(_, counted)| counted.since).map(|(address, _)| *address);
                oldest.and_then(|oldest| counts.remove(&oldest));
            }
        }
        let counted = counts.entry(address).or_insert(Count { count: 0, since: now });
        if now - counted.since >= self.window {
            *counted = Count { count: 0, since: now };
        }
        counted.count += 1;
    }

    fn is_full(&self, address: IpAddr) -> bool {
        let mut counts = self.counts.lock();
        let address = network(address);
        let Some(counted) = counts.get(&address) else { return false };
        if counted.since.elapsed() >= self.window {
            counts.remove(&address);
            return false;
        }
        self.most > 0 && counted.count >= self.most
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
        assert!(admission.failed_logins.counts.lock().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn requests_are_counted_by_the_minute() {
        let limits = Limits { requests_before_login_per_address: 2, ..Limits::default() };
        let admission = Admission::new(&limits);
        let address = ip("192.0.2.1");
        assert!(admission.request(address) && admission.request(address));
        assert!(!admission.request(address));
        assert!(admission.request(ip("192.0.2.2")));
        tokio::time::advance(MINUTE).await;
        assert!(admission.request(address));
    }

    #[tokio::test(start_paused = true)]
    async fn memory_of_failures_is_bounded() {
        let admission = admission(0, 1);
        for number in 0..ADDRESSES as u32 + 10 {
            admission.login_failed(IpAddr::V4(std::net::Ipv4Addr::from_bits(number)));
            tokio::time::advance(Duration::from_micros(1)).await;
        }
        assert_eq!(admission.failed_logins.counts.lock().len(), ADDRESSES);
        assert!(!admission.is_blocked(ip("0.0.0.5")));
        assert!(admission.is_blocked(ip("0.0.0.99")));
    }
}
