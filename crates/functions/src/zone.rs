//! Time zones as a session or a function names them: `Europe/Berlin`, `UTC`, `GMT-08:00`, `PST`.

use chrono::{DateTime, Offset, TimeZone};
use chrono_tz::Tz;

/// A time zone: a region with its history of offsets, or a fixed offset from UTC in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zone {
    /// A region of the IANA database.
    Region(Tz),
    /// A fixed offset east of UTC, in seconds.
    Fixed(i32),
}

impl From<Tz> for Zone {
    fn from(tz: Tz) -> Self {
        if tz == Tz::UTC { Zone::UTC } else { Zone::Region(tz) }
    }
}

impl Zone {
    /// Coordinated universal time.
    pub const UTC: Zone = Zone::Fixed(0);

    /// Reads a zone: a region (`Asia/Tokyo`), an offset (`+08:00`, `GMT+8`, `UTC-03:30`) or one of the short names of
    /// Java (`PST`, `CST`, `JST`, …). `None` if there is no such zone.
    pub fn parse(text: &str) -> Option<Zone> {
        let text = text.trim();
        if matches!(text, "UTC" | "Z" | "GMT" | "UT") {
            return Some(Zone::UTC);
        }
        let offset = ["UTC", "GMT", "UT"].iter().find_map(|prefix| text.strip_prefix(prefix)).unwrap_or(text);
        if offset.starts_with(['+', '-']) {
            return parse_offset(offset).map(Zone::Fixed);
        }
        let region = SHORT_NAMES.iter().find(|(short, _)| *short == text).map_or(text, |(_, region)| region);
        region.parse::<Tz>().ok().map(Zone::from)
    }

    /// Seconds to add to UTC at this instant (seconds since the epoch) to get local time.
    pub fn offset_at(self, epoch_seconds: i64) -> i64 {
        match self {
            Zone::Fixed(seconds) => i64::from(seconds),
            Zone::Region(tz) => DateTime::from_timestamp(epoch_seconds, 0)
                .map_or(0, |instant| i64::from(tz.offset_from_utc_datetime(&instant.naive_utc()).fix().local_minus_utc())),
        }
    }

    /// Milliseconds since the epoch → the local clock, as milliseconds since 1970-01-01 00:00:00 local.
    pub fn to_local_ms(self, epoch_ms: i64) -> i64 {
        if self == Zone::UTC { epoch_ms } else { epoch_ms + self.offset_at(epoch_ms.div_euclid(1000)) * 1000 }
    }

    /// The local clock (seconds since 1970-01-01 00:00:00 local) → seconds since the epoch. A time that a change of the
    /// clock repeats is taken as the earlier one; a time that it skips moves later by the length of the gap.
    pub fn to_epoch_seconds(self, local_seconds: i64) -> i64 {
        self.epoch_of(local_seconds, false)
    }

    /// [`Zone::to_epoch_seconds`], but a time that a change of the clock repeats is taken as the later one, as Java's `SimpleDateFormat`
    /// does.
    pub fn to_epoch_seconds_later(self, local_seconds: i64) -> i64 {
        self.epoch_of(local_seconds, true)
    }

    fn epoch_of(self, local_seconds: i64, later: bool) -> i64 {
        match self {
            Zone::Fixed(seconds) => local_seconds - i64::from(seconds),
            Zone::Region(tz) => {
                let Some(local) = DateTime::from_timestamp(local_seconds, 0) else { return local_seconds };
                let offsets = tz.offset_from_local_datetime(&local.naive_utc());
                match if later { offsets.latest() } else { offsets.earliest() } {
                    Some(offset) => local_seconds - i64::from(offset.fix().local_minus_utc()),
                    // In the gap: the offset that held the day before.
                    None => local_seconds - self.offset_at(local_seconds - 86_400),
                }
            }
        }
    }

    /// [`Zone::to_epoch_seconds`] for milliseconds.
    pub fn to_epoch_ms(self, local_ms: i64) -> i64 {
        if self == Zone::UTC {
            return local_ms;
        }
        self.to_epoch_seconds(local_ms.div_euclid(1000)) * 1000 + local_ms.rem_euclid(1000)
    }
}

impl std::fmt::Display for Zone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match *self {
            Zone::Region(tz) => f.write_str(tz.name()),
            Zone::Fixed(0) => f.write_str("UTC"),
            Zone::Fixed(seconds) => {
                let (sign, size) = if seconds < 0 { ('-', -seconds) } else { ('+', seconds) };
                write!(f, "GMT{sign}{:02}:{:02}", size / 3600, size / 60 % 60)
            }
        }
    }
}

/// `+8`, `+08`, `+0800`, `+08:00`, `-03:30` → seconds.
fn parse_offset(text: &str) -> Option<i32> {
    let (sign, digits) = match text.as_bytes().first()? {
        b'+' => (1, &text[1..]),
        _ => (-1, &text[1..]),
    };
    let (hours, minutes) = match digits.split_once(':') {
        Some((hours, minutes)) => (hours, minutes),
        None if digits.len() > 2 => digits.split_at(digits.len() - 2),
        None => (digits, "0"),
    };
    let (hours, minutes) = (hours.parse::<i32>().ok()?, minutes.parse::<i32>().ok()?);
    (hours <= 18 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

/// The short names that Java still knows, with their regions.
const SHORT_NAMES: &[(&str, &str)] = &[
    ("ACT", "Australia/Darwin"),
    ("AET", "Australia/Sydney"),
    ("AGT", "America/Argentina/Buenos_Aires"),
    ("ART", "Africa/Cairo"),
    ("AST", "America/Anchorage"),
    ("BET", "America/Sao_Paulo"),
    ("BST", "Asia/Dhaka"),
    ("CAT", "Africa/Harare"),
    ("CNT", "America/St_Johns"),
    ("CST", "America/Chicago"),
    ("CTT", "Asia/Shanghai"),
    ("EAT", "Africa/Addis_Ababa"),
    ("ECT", "Europe/Paris"),
    ("IET", "America/Indiana/Indianapolis"),
    ("IST", "Asia/Kolkata"),
    ("JST", "Asia/Tokyo"),
    ("MIT", "Pacific/Apia"),
    ("NET", "Asia/Yerevan"),
    ("NST", "Pacific/Auckland"),
    ("PLT", "Asia/Karachi"),
    ("PNT", "America/Phoenix"),
    ("PRT", "America/Puerto_Rico"),
    ("PST", "America/Los_Angeles"),
    ("SST", "Pacific/Guadalcanal"),
    ("VST", "Asia/Ho_Chi_Minh"),
];

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn names_and_offsets() {
        assert_eq!(Zone::parse("UTC"), Some(Zone::UTC));
        assert_eq!(Zone::parse("GMT-08:00"), Some(Zone::Fixed(-8 * 3600)));
        assert_eq!(Zone::parse("+5"), Some(Zone::Fixed(5 * 3600)));
        assert_eq!(Zone::parse("PST"), Some(Zone::Region(Tz::America__Los_Angeles)));
        assert_eq!(Zone::parse("Mars/Olympus"), None);
        assert_eq!(Zone::parse("UTC+05:30").unwrap().to_string(), "GMT+05:30");
    }

    #[test]
    fn a_skipped_hour_moves_on_and_a_repeated_one_is_the_first() {
        let berlin = Zone::parse("Europe/Berlin").unwrap();
        let seconds = |text: &str| chrono::NaiveDateTime::parse_from_str(text, "%F %T").unwrap().and_utc().timestamp();
        assert_eq!(berlin.to_epoch_seconds(seconds("2024-03-31 02:30:00")), seconds("2024-03-31 01:30:00"));
        assert_eq!(berlin.to_epoch_seconds(seconds("2024-10-27 02:30:00")), seconds("2024-10-27 00:30:00"));
        assert_eq!(berlin.to_epoch_seconds_later(seconds("2024-10-27 02:30:00")), seconds("2024-10-27 01:30:00"));
        assert_eq!(berlin.to_local_ms(seconds("2024-07-01 00:00:00") * 1000), seconds("2024-07-01 02:00:00") * 1000);
    }
}
