//! Reading moments in time.

/// A moment as XEP-0082 writes it, in UTC, in milliseconds since the Unix epoch; 0 for those before. `None` if it is
/// none.
///
/// ```
/// use waxwing_plugin::moment;
/// assert_eq!(moment("2002-09-10T23:08:25.004Z"), Some(1_031_699_305_004));
/// ```
#[must_use]
pub fn moment(text: &str) -> Option<u64> {
    let text = ["Z", "+00:00", "-00:00"].iter().find_map(|zone| text.strip_suffix(zone))?;
    let (date, time) = text.split_once('T')?;
    let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let [hour, minute, second] = numbers(time, ':', [2, 2, 2])?;
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    let digits = !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit());
    let real =
        (1..=12).contains(&month) && (1..=days).contains(&day) && hour < 24 && minute < 60 && second <= 60;
    if !digits || !real {
        return None;
    }
    // Years begin in March here, so that a leap day is the last day of its year.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let day = 365 * year + year.div_euclid(4) - year.div_euclid(100)
        + year.div_euclid(400)
        + (153 * month + 2) / 5
        + day
        - 1
        - 719_468;
    let ms: i64 = format!("{fraction:0<3.3}").parse().ok()?;
    let ms = (((day * 24 + hour) * 60 + minute) * 60 + second) * 1000 + ms;
    Some(u64::try_from(ms).unwrap_or(0))
}

/// Three numbers of exactly so many digits each.
fn numbers(text: &str, between: char, digits: [usize; 3]) -> Option<[i64; 3]> {
    let mut parts = text.split(between);
    let mut numbers = [0; 3];
    for (number, digits) in numbers.iter_mut().zip(digits) {
        let part = parts.next()?;
        let plain = part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit());
        *number = plain.then(|| part.parse().ok())??;
    }
    parts.next().is_none().then_some(numbers)
}

#[cfg(test)]
mod tests {
    use super::moment;

    #[test]
    fn moments() {
        for (text, ms) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2002-09-10T23:08:25.004Z", Some(1_031_699_305_004)),
            ("2002-09-10T23:08:25.0049999+00:00", Some(1_031_699_305_004)),
            ("2000-02-29T00:00:00Z", Some(951_782_400_000)),
            ("2024-02-29T23:59:59.999Z", Some(1_709_251_199_999)),
            ("2100-03-01T00:00:00Z", Some(4_107_542_400_000)),
            ("1969-07-21T02:56:15Z", Some(0)),
            ("0000-01-01T00:00:00Z", Some(0)),
            // Another zone, no zone, days that there are not, and what is no moment at all.
            ("2024-01-01T00:00:00+01:00", None),
            ("2024-01-01T00:00:00", None),
            ("2023-02-29T00:00:00Z", None),
            ("2024-13-01T00:00:00Z", None),
            ("2024-01-01T24:00:00Z", None),
            ("2024-01-01T00:00:00.Z", None),
            ("24-01-01T00:00:00Z", None),
            ("+024-01-01T00:00:00Z", None),
            ("tomorrow", None),
            ("", None),
        ] {
            assert_eq!(moment(text), ms, "{text}");
        }
    }
}
