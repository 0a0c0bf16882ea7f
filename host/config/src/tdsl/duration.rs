//! Durations: `'30s'`, `'1h 30m'`, `'50ms'`, or as in ISO 8601 `PT15M`, `P1DT12H`, `P4W`.
//!
//! For a field of another struct: `#[serde(deserialize_with = "waxwing_config::tdsl::duration::deserialize")]`.

use serde::de::{Deserializer, Error, Unexpected, Visitor};
use std::fmt;
use std::time::Duration;

const EXPECTED: &str = "a duration such as '30s', '5m', '1h30m', '50ms' or 'PT15M'";

/// The length of a unit in milliseconds, longest first.
const UNITS: [(&str, u64); 6] =
    [("w", 604_800_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

/// Reads a duration from text.
pub fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<Duration, D::Error> {
    input.deserialize_any(Reader)
}

struct Reader;

impl Visitor<'_> for Reader {
    type Value = Duration;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(EXPECTED)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Duration, E> {
        parse(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Duration, E> {
        match number {
            0 => Ok(Duration::ZERO),
            _ => Err(E::custom(format_args!("expected {EXPECTED}, found {number} without a unit"))),
        }
    }
}

/// The duration that the text says, if it says one.
pub fn parse(text: &str) -> Option<Duration> {
    let text = text.trim().to_ascii_lowercase();
    let Some(iso) = text.strip_prefix('p') else {
        return sum(&text, &UNITS);
    };
    let (date, time) = iso.split_once('t').unwrap_or((iso, ""));
    if date.is_empty() && time.is_empty() || iso.ends_with('t') {
        return None;
    }
    // In a date `m` is a month, which has no fixed length.
    let days = if date.is_empty() { Duration::ZERO } else { sum(date, UNITS.get(..2)?)? };
    let hours = if time.is_empty() { Duration::ZERO } else { sum(time, UNITS.get(2..5)?)? };
    days.checked_add(hours)
}

/// Adds up numbers that are each followed by a unit.
fn sum(text: &str, units: &[(&str, u64)]) -> Option<Duration> {
    let mut rest = text.trim_start();
    let mut total = Duration::ZERO;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let (number, after) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit() && c != '.')?);
        let after = after.trim_start();
        let (unit, after) =
            after.split_at(after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len()));
        let (_, millis) = units.iter().find(|(name, _)| *name == unit)?;
        let part = match number.parse::<u64>() {
            Ok(count) => Duration::from_millis(count.checked_mul(*millis)?),
            Err(_) => {
                Duration::try_from_secs_f64(number.parse::<f64>().ok()? * (*millis as f64) / 1000.0).ok()?
            }
        };
        total = total.checked_add(part)?;
        rest = after.trim_start();
    }
    Some(total)
}

/// The duration as [`parse`] reads it; what is less than a millisecond is left out.
pub fn show(duration: Duration) -> String {
    let mut rest = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let mut text = String::new();
    for (unit, millis) in UNITS {
        let count = rest / millis;
        rest %= millis;
        if count > 0 {
            text += &format!("{count}{unit}");
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}
