//! What the settings can be, beside numbers.

use waxwing_plugin::{SettingValue, prelude::*};

/// The setting `quota-exceeded`.
#[derive(Debug, PartialEq)]
pub enum QuotaExceeded {
    Error,
    Drop,
}

impl QuotaExceeded {
    /// What becomes of the message.
    pub fn verdict(&self) -> Result {
        match self {
            Self::Error => Err(Condition::ServiceUnavailable.text("Offline messages queue is full")),
            Self::Drop => Ok(Verdict::Drop),
        }
    }
}

impl SettingValue for QuotaExceeded {
    fn read(values: &[String]) -> Result<Self, &'static str> {
        match values {
            [value] if value == "error" => Ok(Self::Error),
            [value] if value == "drop" => Ok(Self::Drop),
            _ => Err("'error' or 'drop'"),
        }
    }
}

/// The setting `expire-after`: milliseconds, 0 for never.
#[derive(Debug, Default, PartialEq)]
pub struct Expiry(u64);

impl Expiry {
    /// When what has arrived at this time expires.
    pub fn of(&self, received: u64) -> Option<u64> {
        (self.0 > 0).then(|| received.saturating_add(self.0))
    }
}

impl SettingValue for Expiry {
    fn read(values: &[String]) -> Result<Self, &'static str> {
        let value = if let [value] = values { duration(value) } else { None };
        value.map(Self).ok_or("a duration such as '30d' or '1d 12h', or 0 for never")
    }
}

/// The milliseconds of numbers that are each followed by a unit.
fn duration(text: &str) -> Option<u64> {
    let (mut rest, mut total) = (text.trim(), 0_u64);
    if rest == "0" {
        return Some(0);
    }
    while !rest.is_empty() {
        let (number, after) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit())?);
        let after = after.trim_start();
        let unit = match after.as_bytes().first()? {
            b'w' => 604_800_000,
            b'd' => 86_400_000,
            b'h' => 3_600_000,
            b'm' => 60_000,
            b's' => 1_000,
            _ => return None,
        };
        total = total.checked_add(number.parse::<u64>().ok()?.checked_mul(unit)?)?;
        rest = after[1..].trim_start();
    }
    (total > 0).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::{Expiry, QuotaExceeded, duration};
    use waxwing_plugin::SettingValue;

    #[test]
    fn durations() {
        assert_eq!(duration("30d"), Some(2_592_000_000));
        assert_eq!(duration("1d 12h"), duration("36h"));
        assert_eq!(duration("2w3m4 s"), Some(1_209_784_000));
        assert_eq!(duration("0"), Some(0));
        for nonsense in ["", "30", "d", "-1d", "0s", "1y", "1dh", "1ms", "99999999999999w", "é"] {
            assert_eq!(duration(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn expiry_counts_from_arrival() {
        let read = |value: &str| Expiry::read(&[value.into()]).unwrap();
        assert_eq!(read("1m").of(5), Some(60_005));
        assert_eq!(read("0").of(5), None);
        assert!(Expiry::read(&[]).is_err());
    }

    #[test]
    fn what_a_full_queue_means() {
        assert_eq!(QuotaExceeded::read(&["drop".into()]), Ok(QuotaExceeded::Drop));
        assert_eq!(QuotaExceeded::read(&["bounce".into()]), Err("'error' or 'drop'"));
    }
}
