//! The hosts that a plugin may be allowed to send HTTP requests to.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// A host that HTTP requests may go to, alone or with a port, as URLs have them: `hooks.example.org`,
/// `localhost:8080`, `[::1]:80`. One without a port stands for the usual ones, 80 and 443.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HttpHost {
    /// In lower case.
    name: String,
    /// If the name is an address.
    address: Option<IpAddr>,
    port: Option<u16>,
}

/// No host that requests could be sent to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a host to send HTTP requests to: write it as `hooks.example.org`, `192.0.2.1` or `[2001:db8::1]`, \
     with `:8080` behind it if it is another port than 80 and 443"
)]
pub struct BadHttpHost(String);

impl HttpHost {
    /// A host that there is not (RFC 2606, section 2): who is granted it may ask and reaches nobody.
    pub fn nobody() -> HttpHost {
        HttpHost { name: "nobody.invalid".to_owned(), address: None, port: None }
    }

    /// Whether requests to this port of a host may go out. `usual` if it is the port that its scheme has without saying so.
    pub(crate) fn allows(&self, host: &HttpHost, port: u16, usual: bool) -> bool {
        self.is_same_host(host) && self.port.map_or(usual, |own| own == port)
    }

    fn is_same_host(&self, other: &HttpHost) -> bool {
        match (self.address, other.address) {
            (Some(own), Some(other)) => own == other,
            (None, None) => self.name == other.name,
            _ => false,
        }
    }

    /// Whether the host may be found at this address. Whoever grants a name does not mean what its owner makes it
    /// point to: this machine or the network behind it are granted by their own names only.
    pub(crate) fn may_be_at(&self, address: IpAddr) -> bool {
        match (self.address, self.name.as_str()) {
            (Some(own), _) => own == address,
            (None, "localhost") => address.to_canonical().is_loopback(),
            (None, _) => is_public(address),
        }
    }

    /// The name or address, without brackets.
    pub(crate) fn host(&self) -> String {
        self.address.map_or_else(|| self.name.clone(), |address| address.to_string())
    }
}

impl FromStr for HttpHost {
    type Err = BadHttpHost;

    fn from_str(text: &str) -> Result<HttpHost, BadHttpHost> {
        parse(&text.to_ascii_lowercase()).ok_or_else(|| BadHttpHost(text.to_owned()))
    }
}

fn parse(text: &str) -> Option<HttpHost> {
    let (name, port) = match text.rsplit_once(':') {
        Some((name, port)) if !text.ends_with(']') => (name, Some(port)),
        _ => (text, None),
    };
    let port = match port {
        None => None,
        // A number may begin with a plus sign for Rust.
        Some(port) if port.bytes().all(|b| b.is_ascii_digit()) => {
            Some(port.parse().ok().filter(|port| *port > 0)?)
        }
        Some(_) => return None,
    };
    let address = match name.strip_prefix('[') {
        Some(rest) => Some(rest.strip_suffix(']')?.parse::<Ipv6Addr>().ok()?.into()),
        None => name.parse::<Ipv4Addr>().ok().map(IpAddr::from),
    };
    (address.is_some() || is_domain(name)).then(|| HttpHost { name: name.to_owned(), address, port })
}

/// A name of the DNS. One whose last part is a number would be an address to some and a name to others.
fn is_domain(name: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last = name.rsplit('.').next().unwrap_or_default();
    name.len() <= 253 && name.split('.').all(is_label) && !last.starts_with(|c: char| c.is_ascii_digit())
}

/// Whether an address is one of the internet: not of this machine, of the network behind it, or of no machine.
fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => {
            let [first, second, .., high, low] = address.segments();
            let within = |high: u16, low: u16| {
                let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
                is_public_v4(Ipv4Addr::new(a, b, c, d))
            };
            match (first, second) {
                // NAT64 (RFC 6052) and 6to4 (RFC 3056) lead to an address of version 4.
                (0x64, 0xff9b) => within(high, low),
                (0x2002, _) => within(second, address.segments()[2]),
                // All that is handed out for unicast (RFC 4291).
                _ => first & 0xe000 == 0x2000,
            }
        }
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let shared = a == 100 && b & 0xc0 == 64;
    let special = a == 0 || a >= 224 || (a, b, c) == (192, 0, 0) || a == 198 && b & 0xfe == 18;
    !(address.is_private() || address.is_loopback() || address.is_link_local() || shared || special)
}

impl fmt::Display for HttpHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

impl TryFrom<String> for HttpHost {
    type Error = BadHttpHost;

    fn try_from(text: String) -> Result<Self, BadHttpHost> {
        text.parse()
    }
}

impl From<HttpHost> for String {
    fn from(host: HttpHost) -> String {
        host.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(text: &str) -> HttpHost {
        text.parse().unwrap()
    }

    #[test]
    fn hosts_as_urls_have_them() {
        for good in [
            "hooks.example.org",
            "a_b.example:1",
            "localhost:8080",
            "192.0.2.1",
            "[::1]",
            "[2001:db8::1]:443",
        ] {
            assert_eq!(host(good).to_string(), good);
        }
        assert_eq!(host("Hooks.Example.ORG:80").to_string(), "hooks.example.org:80");
        for bad in [
            "",
            "*",
            "*.example.org",
            "10.0.0.0/8",
            "a b",
            "a.example:99999",
            "a.example:0",
            "a.example:",
            "a.example:+1",
            ":80",
            "::1",
            "[::1",
            "[a.example]",
            "a..example",
            "a.example.",
            "-a.example",
            "0x7f.1",
            "127.1",
            "2130706433",
            "user@a.example",
            "http://a.example",
            "a.example/x",
            "größe.example",
        ] {
            assert!(bad.parse::<HttpHost>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_grant_without_a_port_is_for_the_usual_ones() {
        let allows = |grant: &str, to: &str, port, usual| host(grant).allows(&host(to), port, usual);
        assert!(
            allows("a.example", "a.example", 443, true) && !allows("a.example", "a.example", 8443, false)
        );
        assert!(
            allows("a.example:8443", "a.example", 8443, false)
                && !allows("a.example:8443", "a.example", 443, true)
        );
        assert!(!allows("a.example", "b.example", 443, true) && !allows("a.example", "192.0.2.1", 443, true));
        assert!(allows("[::1]", "[0:0:0:0:0:0:0:1]", 80, true));
    }

    #[test]
    fn a_name_leads_to_the_internet_only() {
        let at = |grant: &str, address: &str| host(grant).may_be_at(address.parse().unwrap());
        for public in
            ["93.184.216.34", "2606:2800:220:1::1", "64:ff9b::5db8:d822", "2002:5db8:d822::1", "100.128.0.1"]
        {
            assert!(at("a.example", public), "{public}");
        }
        for inside in [
            "127.0.0.1",
            "0.0.0.0",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "fd00::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::127.0.0.1",
            "64:ff9b::a00:1",
            "2002:7f00:1::",
        ] {
            assert!(!at("a.example", inside), "{inside}");
            assert_eq!(
                at("localhost", inside),
                ["127.0.0.1", "::1", "::ffff:127.0.0.1"].contains(&inside),
                "{inside}"
            );
        }
        assert!(
            at("10.1.2.3", "10.1.2.3") && !at("10.1.2.3", "10.1.2.4") && !at("localhost", "93.184.216.34")
        );
    }
}
