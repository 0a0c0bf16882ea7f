//! Points in time as XMPP writes them (XEP-0082): `2026-11-25T03:08:17.250Z`.

const SECOND: u64 = 1000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// The last millisecond of the year 9999: later ones have no four digits for the year.
const LATEST: u64 = 253_402_300_799_999;

/// Milliseconds since the Unix epoch as text. What is later than the year 9999 becomes its end.
pub fn format(millis: u64) -> String {
    let millis = millis.min(LATEST);
    let (year, month, day) = civil(millis / DAY);
    let rest = millis % DAY;
    let (hour, minute, second) = (rest / HOUR, rest % HOUR / MINUTE, rest % MINUTE / SECOND);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z", rest % SECOND)
}

/// Text as milliseconds since the Unix epoch; `None` if it is no such time, is before the epoch, or is not in
/// UTC.
pub fn parse(text: &str) -> Option<u64> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let mut date = date.splitn(3, '-').map(digits);
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let mut time = time.splitn(3, ':').map(digits);
    let (hour, minute, second) = (time.next()??, time.next()??, time.next()??);
    let sound = (1970..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        // A leap second counts as the next one.
        && second <= 60
        && fraction.bytes().all(|byte| byte.is_ascii_digit());
    let fraction: String = fraction.chars().chain("000".chars()).take(3).collect();
    let clock = hour * HOUR + minute * MINUTE + second * SECOND + digits(&fraction)?;
    sound.then(|| days(year, month, day) * DAY + clock)
}

fn digits(text: &str) -> Option<u64> {
    // A sign is no digit.
    (text.len() <= 4 && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

/// Days before March of this year count from a year that begins in March, so that a leap day is its last.
fn days(year: u64, month: u64, day: u64) -> u64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leaps = year / 4 - year / 100 + year / 400;
    let days = year * 365 + leaps + (month * 153 + 2) / 5 + day - 1;
    days - EPOCH
}

/// The first of January 1970 as [`days`] counts before it takes this off.
const EPOCH: u64 = 719_468;

/// Year, month and day of a number of days since the epoch.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + EPOCH;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let date = day - (153 * month + 2) / 5 + 1;
    let (month, carry) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year + carry, month, date)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_times() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_709_251_199_999, "2024-02-29T23:59:59.999Z"),
            (1_709_251_200_000, "2024-03-01T00:00:00.000Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
            (LATEST, "9999-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(format(millis), text);
            assert_eq!(parse(text), Some(millis));
        }
        assert_eq!(format(u64::MAX), format(LATEST));
    }

    #[test]
    fn every_day_is_the_one_after_the_last() {
        for day in 0..50_000 {
            let (year, month, date) = civil(day);
            assert_eq!(days(year, month, date), day);
        }
    }

    #[test]
    fn other_forms() {
        assert_eq!(parse("1970-01-01T00:00:01Z"), Some(1000));
        assert_eq!(parse("1970-01-01T00:00:00.25Z"), Some(250));
        assert_eq!(parse("1970-01-01T00:00:00.123456789Z"), Some(123));
        for wrong in [
            "",
            "Z",
            "1970-01-01",
            "1970-01-01T00:00:00",
            "1970-01-01T00:00:00+01:00",
            "1970-13-01T00:00:00Z",
            "1970-00-01T00:00:00Z",
            "1970-01-01T24:00:00Z",
            "1969-12-31T23:59:59Z",
            "1970-01-01T00:00:00.Z1Z",
            "+970-01-01T00:00:00Z",
            "99999999999999999999-01-01T00:00:00Z",
            "1970-01T00:00:00Z",
        ] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
