//! Values as people write them on the command line: sizes, times, `KEY=VALUE`.

use std::collections::BTreeMap;
use waxwing_config::vhost_domain;
use waxwing_plugins::{OwnLimits, Policy};

/// A number of bytes: `4096`, `64K`, `10M`, `1G`, with or without `iB` behind.
pub fn size(text: &str) -> Result<u64, String> {
    let wrong = || format!("'{text}' is no size: write a number of bytes, or a number with K, M or G");
    let trimmed = text.trim_end_matches("iB").trim_end_matches('B');
    let units = [('K', 10), ('M', 20), ('G', 30)];
    let unit = units.into_iter().find_map(|(unit, bits)| Some((trimmed.strip_suffix(unit)?, bits)));
    let (number, bits) = unit.unwrap_or((trimmed, 0));
    let number: u64 = number.trim().parse().map_err(|_| wrong())?;
    number.checked_mul(1 << bits).ok_or_else(wrong)
}

/// A number of milliseconds: `50`, `50ms` or `5s`.
fn milliseconds(text: &str) -> Result<u64, String> {
    let wrong = || format!("'{text}' is no time: write it as '50ms' or '5s'");
    let (number, each) = match (text.strip_suffix("ms"), text.strip_suffix('s')) {
        (Some(number), _) => (number, 1),
        (None, Some(number)) => (number, 1000),
        (None, None) => (text, 1),
    };
    let number: u64 = number.trim().parse().map_err(|_| wrong())?;
    number.checked_mul(each).ok_or_else(wrong)
}

/// `KEY=VALUE`.
pub fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err(format!("'{text}' is not of the form KEY=VALUE")),
    }
}

/// A virtual host, or `*` for all of them.
pub fn scope(text: &str) -> Result<String, String> {
    if text == "*" { Ok(text.to_owned()) } else { domain(text) }
}

/// The domain of a virtual host, as domains are compared.
pub fn domain(text: &str) -> Result<String, String> {
    vhost_domain(text).map(|domain| domain.to_string())
}

/// `NAME=SIZE`.
pub fn store(text: &str) -> Result<(String, u64), String> {
    let (name, bytes) = pair(text)?;
    Ok((name, size(&bytes)?))
}

/// `NAME=VALUE` of a limit; the value `default` stands for the usual one.
pub fn limit(text: &str) -> Result<(String, Option<u64>), String> {
    let (name, value) = pair(text)?;
    if !OwnLimits::NAMES.contains(&name.as_str()) {
        return Err(format!("there is no limit '{name}'; there are: {}", OwnLimits::NAMES.join(", ")));
    }
    let value = match name.as_str() {
        _ if value == "default" => return Ok((name, None)),
        "cpu" | "timeout" => milliseconds(&value)?,
        "memory" | "outbox-bytes" | "account-data" | "alarms" => size(&value)?,
        _ => value.parse().map_err(|_| format!("'{value}' is no number"))?,
    };
    Ok((name, Some(value)))
}

/// What becomes of a stanza when a plugin fails.
pub fn policy(text: &str) -> Result<Policy, String> {
    Ok(match text {
        "pass" => Policy::Pass,
        "bounce" => Policy::Bounce,
        "drop" => Policy::Drop,
        "default" => Policy::ByStage,
        _ => return Err(format!("'{text}' is not 'pass', 'bounce', 'drop' or 'default'")),
    })
}

/// Limits of a plugin's own, by name.
pub fn own_limits(limits: &[(String, Option<u64>)]) -> OwnLimits {
    let mut own = OwnLimits::default();
    for (name, value) in limits {
        if let Some(limit) = own.named(name) {
            *limit = *value;
        }
    }
    own
}

/// Settings: a key that is there more than once has a list of values.
pub fn settings(pairs: &[(String, String)]) -> Vec<(String, Vec<String>)> {
    let mut settings: Vec<(String, Vec<String>)> = Vec::new();
    for (key, value) in pairs {
        match settings.iter_mut().find(|(known, _)| known == key) {
            Some((_, values)) => values.push(value.clone()),
            None => settings.push((key.clone(), vec![value.clone()])),
        }
    }
    settings
}

/// The last value of each name.
pub fn by_name<T: Clone>(pairs: &[(String, T)]) -> BTreeMap<String, T> {
    pairs.iter().cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times() {
        assert_eq!(size("4096"), Ok(4096));
        assert_eq!((size("2K"), size("3MiB"), size("1GB")), (Ok(2 << 10), Ok(3 << 20), Ok(1 << 30)));
        for bad in ["", "M", "1.5M", "-1", "1T", "99999999999G"] {
            assert!(size(bad).is_err(), "{bad}");
        }
        let limits = ["cpu=20ms", "timeout=2s", "memory=32M", "instances=4", "calls=default"];
        let limits: Vec<_> = limits.into_iter().map(|text| limit(text).unwrap()).collect();
        let own = own_limits(&limits);
        assert_eq!((own.cpu, own.timeout, own.memory), (Some(20), Some(2000), Some(32 << 20)));
        assert_eq!((own.instances, own.calls), (Some(4), None));
        assert!(limit("memroy=1").unwrap_err().contains("memory"));
        assert!(limit("cpu=fast").is_err() && limit("cpu").is_err() && limit("=1").is_err());
    }

    #[test]
    fn a_key_that_comes_twice_is_a_list() {
        let pairs = ["word=a", "on=true", "word=b=c"].map(|text| pair(text).unwrap());
        let expected = [("word".into(), vec!["a".into(), "b=c".into()]), ("on".into(), vec!["true".into()])];
        assert_eq!(settings(&pairs), expected);
    }
}
