//! Certificates of domains: `certificates` and `ssl-certificate-add`.

use crate::pick::{Stage, pick, stage};
use waxwing_plugin::commands::{Field, Reply, Request};
use waxwing_plugin::prelude::*;

const TITLE: &str = "Add SSL Certificate";
const PEM: &str = "Certificate in PEM format";
/// Milliseconds.
const DAY: i64 = 86_400_000;
const COLUMNS: [(&str, &str); 6] = [
    ("domain", "Domain"),
    ("names", "Names"),
    ("issuer", "Issuer"),
    ("expires", "Expires"),
    ("days-left", "Days left"),
    ("self-signed", "Self-signed"),
];

pub fn list() -> Reply {
    let row = |certificate: certificates::Certificate| {
        let left = days_left(certificate.not_after, runtime::now()).to_string();
        let (expires, own) = (day(certificate.not_after), certificate.self_signed.to_string());
        vec![certificate.domain, certificate.names.join(", "), certificate.issuer, expires, left, own]
    };
    show(form("Certificates").table(&COLUMNS, certificates::all().into_iter().map(row).collect()))
}

/// Whole days until then, fewer than 0 if it is over.
fn days_left(then: u64, now: u64) -> i64 {
    (then.cast_signed() - now.cast_signed()).div_euclid(DAY)
}

fn day(timestamp: u64) -> String {
    datetime(timestamp).chars().take("2026-01-01".len()).collect()
}

pub fn load(request: &Request) -> Reply {
    let ask_for = |domain: &str, pem: Field| {
        let form = form(TITLE)
            .instructions("The certificate, its chain and its private key, which must not take a password.")
            .field(fixed_field("VHost", "VHost", domain))
            .field(pem.required())
            .field(hidden_field("command-marker", "command-marker"));
        ask_last(form, domain.as_bytes())
    };
    let pem = lines_field(PEM, PEM);
    match stage(request, "VHost") {
        Stage::First => pick(TITLE, "VHost", "List of VHosts", &vhosts::names()),
        Stage::Chosen(domain) => ask_for(&domain, pem),
        Stage::FilledIn(domain) => match certificates::put(&domain, &request.text(PEM)) {
            Ok(certificate) => loaded(&domain, &certificate),
            // The key that is in it does not go back.
            Err(why) => ask_for(&domain, pem.wrong(&why)),
        },
    }
}

fn loaded(domain: &str, certificate: &certificates::Certificate) -> Reply {
    let expires = day(certificate.not_after);
    let note = format!("SSL Certificate for domain: {domain} loaded successfully. It expires on {expires}.");
    match (certificate.self_signed, days_left(certificate.not_after, runtime::now())) {
        (true, _) => warned(&format!("{note} It is self-signed: clients do not trust it.")),
        (_, left @ ..30) => warned(&format!("{note} That is in {left} days.")),
        _ => done(&note),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days() {
        assert_eq!(day(1_735_689_599_001), "2024-12-31");
        assert_eq!((days_left(86_400_000, 0), days_left(86_399_999, 0)), (1, 0));
        assert_eq!((days_left(0, 1), days_left(0, 86_400_001)), (-1, -2));
    }
}
