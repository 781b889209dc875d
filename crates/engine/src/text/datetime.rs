//! Dates, times and timestamps, by arithmetic on the proleptic Gregorian calendar.

const SECONDS_PER_DAY: i64 = 86_400;

/// Year, month (1–12) and day (1–31) of a day counted from 1970-01-01.
#[inline]
pub fn civil_from_days(days: i64) -> (i64, u32, u32) {
    // Counted from 0000-03-01, so that a leap day is the last day of its year; 400 years are 146,097 days.
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097) as u32;
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (i64::from(year_of_era) + era * 400 + i64::from(month <= 2), month, day)
}

/// Days from 1970-01-01 to a date; month 1–12, day 1–31 (not checked against the month).
#[inline]
pub fn days_from_civil(year: i64, month: u32, day: u32) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let shifted_month = i64::from(if month > 2 { month - 3 } else { month + 9 });
    let day_of_year = (153 * shifted_month + 2) / 5 + i64::from(day) - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

fn days_in_month(year: i64, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

#[inline]
fn pair(value: u32) -> [u8; 2] {
    [b'0' + (value / 10) as u8, b'0' + (value % 10) as u8]
}

fn push_civil(out: &mut Vec<u8>, days: i64) {
    let (year, month, day) = civil_from_days(days);
    if (0..10_000).contains(&year) {
        let [a, b] = pair(year as u32 / 100);
        let [c, d] = pair(year as u32 % 100);
        let [e, f] = pair(month);
        let [g, h] = pair(day);
        out.extend_from_slice(&[a, b, c, d, b'-', e, f, b'-', g, h]);
        return;
    }
    // Beyond four digits, as Java's LocalDate does.
    out.push(if year < 0 { b'-' } else { b'+' });
    let text = format!("{:04}-{month:02}-{day:02}", year.unsigned_abs());
    out.extend_from_slice(text.as_bytes());
}

fn push_clock(out: &mut Vec<u8>, second_of_day: u32) {
    let [a, b] = pair(second_of_day / 3_600);
    let [c, d] = pair(second_of_day / 60 % 60);
    let [e, f] = pair(second_of_day % 60);
    out.extend_from_slice(&[a, b, b':', c, d, b':', e, f]);
}

/// The nine digits of a nanosecond.
fn nano_digits(nanos: u32) -> [u8; 9] {
    let mut digits = [b'0'; 9];
    let mut rest = nanos;
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    digits
}

/// Appends `.` and the fraction: at least `precision` digits, and as many more as are not zero.
fn push_fraction(out: &mut Vec<u8>, nanos: u32, precision: u8) {
    if precision == 0 && nanos == 0 {
        return;
    }
    let digits = nano_digits(nanos);
    let mut length = digits.len();
    while length > usize::from(precision) && digits[length - 1] == b'0' {
        length -= 1;
    }
    out.push(b'.');
    out.extend_from_slice(&digits[..length]);
}

/// Appends a `DATE`: `2024-01-31`. `days` counts from 1970-01-01.
pub fn push_date(out: &mut Vec<u8>, days: i32) {
    push_civil(out, i64::from(days));
}

/// Appends a `TIME`: `10:11:12`, with `precision` above 0 also a fraction, of one digit at least and without zeros at its end.
/// `millis` counts from midnight; what lies outside a day is taken modulo a day, but its end is `24:00:00`.
pub fn push_time(out: &mut Vec<u8>, millis: i32, precision: u8) {
    let millis = if millis == 86_400_000 { 86_400_000 } else { millis.rem_euclid(86_400_000) as u32 };
    push_clock(out, millis / 1_000);
    if precision > 0 {
        out.push(b'.');
        let digits = nano_digits(millis % 1_000 * 1_000_000);
        let mut length = usize::from(precision).min(3);
        while length > 1 && digits[length - 1] == b'0' {
            length -= 1;
        }
        out.extend_from_slice(&digits[..length]);
    }
}

/// Appends a timestamp: date, `separator` (a blank in SQL, `T` in ISO 8601), time, and at least `precision` digits of the
/// fraction, with more where they are not zero.
pub fn push_timestamp(out: &mut Vec<u8>, epoch_seconds: i64, nanos: u32, precision: u8, separator: u8) {
    push_civil(out, epoch_seconds.div_euclid(SECONDS_PER_DAY));
    out.push(separator);
    push_clock(out, epoch_seconds.rem_euclid(SECONDS_PER_DAY) as u32);
    push_fraction(out, nanos, precision);
}

/// Appends a timestamp as Java's `LocalDateTime.toString` (`seconds` false: `2024-01-01T00:00`) or `Instant.toString` (true).
pub(super) fn push_timestamp_java(out: &mut Vec<u8>, epoch_seconds: i64, nanos: u32, seconds: bool) {
    push_civil(out, epoch_seconds.div_euclid(SECONDS_PER_DAY));
    out.push(b'T');
    push_time_java(out, epoch_seconds.rem_euclid(SECONDS_PER_DAY) as u32, nanos, seconds);
}

/// Appends a time as Java's `LocalTime.toString`: no seconds where they are zero, fractions in threes.
pub(super) fn push_time_java(out: &mut Vec<u8>, second_of_day: u32, nanos: u32, seconds: bool) {
    let start = out.len();
    push_clock(out, second_of_day);
    if nanos == 0 {
        if !seconds && second_of_day.is_multiple_of(60) {
            out.truncate(start + 5);
        }
        return;
    }
    let length = if nanos.is_multiple_of(1_000_000) {
        3
    } else if nanos.is_multiple_of(1_000) {
        6
    } else {
        9
    };
    out.push(b'.');
    out.extend_from_slice(&nano_digits(nanos)[..length]);
}

/// A reader over the bytes of a date or time.
struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    /// A number of `least` to `most` digits.
    #[inline]
    fn number(&mut self, least: usize, most: usize) -> Option<u32> {
        let mut value = 0u32;
        let mut length = 0;
        while length < most {
            match self.0.get(length) {
                Some(b @ b'0'..=b'9') => value = value * 10 + u32::from(b - b'0'),
                _ => break,
            }
            length += 1;
        }
        if length < least {
            return None;
        }
        self.0 = &self.0[length..];
        Some(value)
    }

    #[inline]
    fn byte(&mut self, wanted: u8) -> Option<()> {
        match self.0 {
            [b, rest @ ..] if *b == wanted => {
                self.0 = rest;
                Some(())
            }
            _ => None,
        }
    }

    /// A point and up to nine digits, in nanoseconds; nothing is 0.
    #[inline]
    fn fraction(&mut self) -> Option<u32> {
        if self.byte(b'.').is_none() {
            return Some(0);
        }
        let before = self.0.len();
        let value = self.number(0, 9)?;
        let length = before - self.0.len();
        Some(value * [1_000_000_000, 100_000_000, 10_000_000, 1_000_000, 100_000, 10_000, 1_000, 100, 10, 1][length])
    }

    /// `yyyy-MM-dd` with exactly so many digits. `clamp`: a day that its month lacks becomes the month's last, as Java does for
    /// all but strict formats.
    #[inline]
    fn date(&mut self, clamp: bool) -> Option<i64> {
        let year = match self.0.first()? {
            b'+' | b'-' => self.signed_year()?,
            _ => i64::from(self.number(4, 4)?),
        };
        self.byte(b'-')?;
        let month = self.number(2, 2)?;
        self.byte(b'-')?;
        let day = self.number(2, 2)?;
        civil(year, month, day, clamp)
    }

    /// A year before 0000, or beyond 9999 with the sign that ISO 8601 asks for there.
    #[cold]
    fn signed_year(&mut self) -> Option<i64> {
        let negative = self.0.first() == Some(&b'-');
        self.0 = &self.0[1..];
        let year = i64::from(self.number(if negative { 4 } else { 5 }, 9)?);
        if negative { (year > 0).then_some(-year) } else { Some(year) }
    }

    /// `HH:mm:ss[.fraction]` with exactly two digits each, as second of the day and nanoseconds. Java's strict ISO formats may leave
    /// the seconds out; the others take 24:00:00 for the end of the day.
    #[inline]
    fn clock(&mut self, seconds_optional: bool) -> Option<(i64, u32)> {
        let hour = self.number(2, 2)?;
        self.byte(b':')?;
        let minute = self.number(2, 2)?;
        let (second, nanos) = if seconds_optional && self.0.first() != Some(&b':') {
            (0, 0)
        } else {
            self.byte(b':')?;
            (self.number(2, 2)?, self.fraction()?)
        };
        if (hour, minute, second, nanos) == (24, 0, 0, 0) && !seconds_optional {
            return Some((SECONDS_PER_DAY, 0));
        }
        Some((second_of_day(hour, minute, second)?, nanos))
    }

    fn end(&self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}

fn second_of_day(hour: u32, minute: u32, second: u32) -> Option<i64> {
    (hour < 24 && minute < 60 && second < 60).then(|| i64::from(hour * 3_600 + minute * 60 + second))
}

#[inline]
fn civil(year: i64, month: u32, day: u32, clamp: bool) -> Option<i64> {
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let last = days_in_month(year, month);
    if day > last && !clamp {
        return None;
    }
    Some(days_from_civil(year, month, day.min(last)))
}

/// Reads a `DATE` as `CAST(… AS DATE)` does: `2024-1-2` and `2024-01-02 03:04:05` are fine, also a year or year and month alone.
/// Days from 1970-01-01.
pub fn parse_date(text: &[u8]) -> Option<i32> {
    let text = match text.iter().position(|b| *b == b' ') {
        Some(blank) if blank > 0 => &text[..blank],
        _ => text,
    };
    let mut parts = text.splitn(3, |b| *b == b'-');
    let mut number = || match parts.next() {
        Some(part) => parse_part(part).map(Some),
        None => Some(None),
    };
    let (year, month, day) = (number()??, number()?.unwrap_or(1), number()?.unwrap_or(1));
    if year > 9_999 {
        return None;
    }
    civil(i64::from(year), month, day, false).and_then(|days| i32::try_from(days).ok())
}

/// Digits with blanks around them.
fn parse_part(text: &[u8]) -> Option<u32> {
    let mut cursor = Cursor(text.trim_ascii());
    let value = cursor.number(1, 9)?;
    cursor.end().map(|()| value)
}

/// Reads a date of exactly the form `yyyy-MM-dd`. Days from 1970-01-01.
pub fn parse_date_strict(text: &[u8]) -> Option<i32> {
    let mut cursor = Cursor(text);
    let days = cursor.date(false)?;
    cursor.end()?;
    i32::try_from(days).ok()
}

/// Reads a `TIME` as `CAST(… AS TIME)` does: `10:11:12.345`, `1:2:3`, an hour or hour and minute alone. Milliseconds of the day,
/// the fraction rounded.
pub fn parse_time(text: &[u8]) -> Option<i32> {
    let mut parts = text.splitn(3, |b| *b == b':');
    let hour = parse_part(parts.next()?)?;
    let minute = parts.next().map_or(Some(0), parse_part)?;
    let (second, nanos) = match parts.next() {
        None => (0, 0),
        Some(part) => {
            let part = part.trim_ascii();
            let point = part.iter().position(|b| *b == b'.').unwrap_or(part.len());
            let mut fraction = Cursor(&part[point..]);
            let nanos = fraction.fraction()?;
            fraction.end()?;
            (parse_part(&part[..point])?, nanos)
        }
    };
    let seconds = second_of_day(hour, minute, second)?;
    let millis = seconds * 1_000 + i64::from((nanos + 500_000) / 1_000_000);
    i32::try_from(millis.min(86_399_999)).ok()
}

/// Reads a time of the form `HH:mm:ss[.fraction]`; `seconds_optional` also takes `HH:mm`. Milliseconds of the day, the rest of
/// the fraction cut off.
pub fn parse_time_strict(text: &[u8], seconds_optional: bool) -> Option<i32> {
    let mut cursor = Cursor(text);
    let (seconds, nanos) = cursor.clock(seconds_optional)?;
    cursor.end()?;
    i32::try_from(seconds % SECONDS_PER_DAY * 1_000 + i64::from(nanos / 1_000_000)).ok()
}

/// Reads a timestamp as `CAST(… AS TIMESTAMP)` does: `2024-01-02 03:04:05[.fraction]`, months to seconds of one or two digits, or a
/// date alone. Seconds from 1970-01-01 00:00:00 and nanoseconds.
pub fn parse_timestamp(text: &[u8]) -> Option<(i64, u32)> {
    let mut cursor = Cursor(text);
    let year = cursor.number(4, 9)?;
    cursor.byte(b'-')?;
    let month = cursor.number(1, 2)?;
    cursor.byte(b'-')?;
    let day = cursor.number(1, 2)?;
    let midnight = civil(i64::from(year), month, day, true)? * SECONDS_PER_DAY;
    if cursor.end().is_some() {
        return Some((midnight, 0));
    }
    cursor.byte(b' ')?;
    let hour = cursor.number(1, 2)?;
    cursor.byte(b':')?;
    let minute = cursor.number(1, 2)?;
    cursor.byte(b':')?;
    let second = cursor.number(1, 2)?;
    let nanos = cursor.fraction()?;
    cursor.end()?;
    if (hour, minute, second, nanos) == (24, 0, 0, 0) {
        return Some((midnight + SECONDS_PER_DAY, 0));
    }
    Some((midnight + second_of_day(hour, minute, second)?, nanos))
}

/// Reads a timestamp of the form `yyyy-MM-dd HH:mm:ss[.fraction]`, as the formats' standard `SQL` wants it, with `Z` at the end
/// where `utc` is true. Seconds from 1970-01-01 00:00:00 and nanoseconds.
#[inline]
pub fn parse_timestamp_sql(text: &[u8], utc: bool) -> Option<(i64, u32)> {
    let mut cursor = Cursor(text);
    let days = cursor.date(true)?;
    cursor.byte(b' ')?;
    let (seconds, nanos) = cursor.clock(false)?;
    if utc {
        cursor.byte(b'Z')?;
    }
    cursor.end()?;
    Some((days * SECONDS_PER_DAY + seconds, nanos))
}

/// Reads a timestamp of the form `yyyy-MM-ddTHH:mm[:ss[.fraction]]`, as the formats' standard `ISO-8601` wants it, with `Z` at the
/// end where `utc` is true. Seconds from 1970-01-01 00:00:00 and nanoseconds.
#[inline]
pub fn parse_timestamp_iso(text: &[u8], utc: bool) -> Option<(i64, u32)> {
    let mut cursor = Cursor(text);
    let days = cursor.date(utc)?;
    cursor.byte(b'T').or_else(|| cursor.byte(b't'))?;
    let (seconds, nanos) = cursor.clock(true)?;
    if utc {
        cursor.byte(b'Z')?;
    }
    cursor.end()?;
    Some((days * SECONDS_PER_DAY + seconds, nanos))
}

/// Reads a timestamp of the form `yyyy-MM-ddTHH:mm[:ss[.fraction]]` and `Z` or an offset such as `+02:00`, as the point in time it
/// names. Seconds from 1970-01-01 00:00:00 UTC and nanoseconds.
pub fn parse_timestamp_offset(text: &[u8]) -> Option<(i64, u32)> {
    let mut cursor = Cursor(text);
    let days = cursor.date(true)?;
    cursor.byte(b'T').or_else(|| cursor.byte(b't'))?;
    let (seconds, nanos) = cursor.clock(true)?;
    let offset = match *cursor.0.first()? {
        b'Z' | b'z' => {
            cursor.0 = &cursor.0[1..];
            0
        }
        sign @ (b'+' | b'-') => {
            cursor.0 = &cursor.0[1..];
            let hour = cursor.number(2, 2)?;
            cursor.byte(b':')?;
            let minute = cursor.number(2, 2)?;
            let second = if cursor.byte(b':').is_some() { cursor.number(2, 2)? } else { 0 };
            let offset = second_of_day(hour, minute, second).filter(|s| *s <= 18 * 3_600)?;
            if sign == b'-' { -offset } else { offset }
        }
        _ => return None,
    };
    cursor.end()?;
    Some((days * SECONDS_PER_DAY + seconds - offset, nanos))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(f: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = vec![];
        f(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn dates() {
        assert_eq!(text(|o| push_date(o, 0)), "1970-01-01");
        assert_eq!(text(|o| push_date(o, 19_782)), "2024-02-29");
        assert_eq!(text(|o| push_date(o, -719_529)), "-0001-12-31");
        assert_eq!(text(|o| push_date(o, 2_932_897)), "+10000-01-01");
        assert_eq!(parse_date(b"2024-1-2"), Some(19_724));
        assert_eq!(parse_date(b"2024-01-02 03:04:05"), Some(19_724));
        assert_eq!(parse_date(b"2024"), Some(19_723));
        assert_eq!(parse_date(b"2024-13-02"), None);
        assert_eq!(parse_date(b"2023-02-29"), None);
        assert_eq!(parse_date_strict(b"2024-1-2"), None);
        assert_eq!(parse_date_strict(b"2024-01-02"), Some(19_724));
        assert_eq!(parse_date_strict(b"2024-01-02 "), None);
        assert_eq!(parse_date_strict(b"+12024-01-02"), Some(3_672_149));
        assert_eq!(parse_date_strict(b"+2024-01-02"), None);
        assert_eq!(parse_date_strict(b"12024-01-02"), None);
        assert_eq!(parse_date_strict(b"-0001-12-31"), Some(-719_529));
    }

    #[test]
    fn times() {
        assert_eq!(text(|o| push_time(o, 36_672_300, 0)), "10:11:12");
        assert_eq!(text(|o| push_time(o, 36_672_300, 3)), "10:11:12.3");
        assert_eq!(text(|o| push_time(o, 36_672_000, 3)), "10:11:12.0");
        assert_eq!(parse_time(b"10:11:12.3"), Some(36_672_300));
        assert_eq!(parse_time(b"1:2"), Some(3_720_000));
        assert_eq!(parse_time(b"24:00:00"), None);
        assert_eq!(parse_time_strict(b"10:11", true), Some(36_660_000));
        assert_eq!(parse_time_strict(b"10:11", false), None);
        assert_eq!(parse_time_strict(b"10:11:12.3456", false), Some(36_672_345));
    }

    #[test]
    fn timestamps() {
        let t = 1_704_164_645; // 2024-01-02 03:04:05
        assert_eq!(text(|o| push_timestamp(o, t, 0, 0, b' ')), "2024-01-02 03:04:05");
        assert_eq!(text(|o| push_timestamp(o, t, 600_000_000, 3, b' ')), "2024-01-02 03:04:05.600");
        assert_eq!(text(|o| push_timestamp(o, t, 600_000_000, 0, b'T')), "2024-01-02T03:04:05.6");
        assert_eq!(text(|o| push_timestamp(o, -1, 999_000_000, 3, b' ')), "1969-12-31 23:59:59.999");
        assert_eq!(text(|o| push_timestamp_java(o, t - 5, 0, false)), "2024-01-02T03:04");
        assert_eq!(text(|o| push_timestamp_java(o, t - 5, 1_000, true)), "2024-01-02T03:04:00.000001");
        assert_eq!(parse_timestamp(b"2024-01-02 03:04:05"), Some((t, 0)));
        assert_eq!(parse_timestamp(b"2024-1-2 3:4:5.6"), Some((t, 600_000_000)));
        assert_eq!(parse_timestamp(b"2024-01-02"), Some((t - t % 86_400, 0)));
        assert_eq!(parse_timestamp(b"2024-01-02T03:04:05"), None);
        assert_eq!(parse_timestamp_sql(b"2024-01-02 03:04:05.123456789", false), Some((t, 123_456_789)));
        assert_eq!(parse_timestamp_sql(b"2024-01-02 03:04:05Z", true), Some((t, 0)));
        assert_eq!(parse_timestamp_sql(b"2024-01-02 03:04:05", true), None);
        assert_eq!(parse_timestamp_sql(b"2023-02-31 00:00:00", false), parse_timestamp(b"2023-02-28"));
        assert_eq!(parse_timestamp_sql(b"2024-01-02 24:00:00", false), parse_timestamp(b"2024-01-03"));
        assert_eq!(parse_timestamp_iso(b"2024-01-02T24:00:00", false), None);
        assert_eq!(parse_timestamp_iso(b"2024-01-02T03:04", false), Some((t - 5, 0)));
        assert_eq!(parse_timestamp_iso(b"2024-01-02T03:04:05.5Z", true), Some((t, 500_000_000)));
        assert_eq!(parse_timestamp_offset(b"2024-01-02T05:04:05+02:00"), Some((t, 0)));
        assert_eq!(parse_timestamp_offset(b"2024-01-02T03:04:05"), None);
        // The ends of the range do not overflow.
        text(|o| push_timestamp(o, i64::MIN, 0, 9, b' '));
        text(|o| push_timestamp(o, i64::MAX, 999_999_999, 9, b' '));
    }

    proptest! {
        #[test]
        fn days_round_trip(days in -800_000i64..3_000_000) {
            let (y, m, d) = civil_from_days(days);
            prop_assert!((1..=12).contains(&m) && d >= 1 && d <= days_in_month(y, m));
            prop_assert_eq!(days_from_civil(y, m, d), days);
        }

        #[test]
        fn timestamps_round_trip(seconds in -62_167_219_200i64..253_402_300_800, nanos in 0u32..1_000_000_000, precision in 0u8..10) {
            let sql = text(|o| push_timestamp(o, seconds, nanos, precision, b' '));
            prop_assert_eq!(parse_timestamp(sql.as_bytes()), Some((seconds, nanos)));
            prop_assert_eq!(parse_timestamp_sql(sql.as_bytes(), false), Some((seconds, nanos)));
            let iso = text(|o| push_timestamp(o, seconds, nanos, precision, b'T'));
            prop_assert_eq!(parse_timestamp_iso(iso.as_bytes(), false), Some((seconds, nanos)));
        }

        #[test]
        fn no_input_panics(text in "[0-9:. TZ+-]{0,40}") {
            let b = text.as_bytes();
            let _ = (parse_date(b), parse_time(b), parse_timestamp(b), parse_timestamp_iso(b, true), parse_timestamp_offset(b));
        }
    }
}
