//! Units of time and the arithmetic of the calendar (proleptic Gregorian, days since 1970-01-01).

use datafusion_common::{Result, plan_err};
use flott_engine::text::days_from_civil;

pub(crate) const MS_PER_DAY: i64 = 86_400_000;
pub(crate) const MS_PER_HOUR: i64 = 3_600_000;
pub(crate) const MS_PER_MINUTE: i64 = 60_000;
pub(crate) const MS_PER_SECOND: i64 = 1000;

/// A unit of time as EXTRACT, FLOOR, CEIL, TIMESTAMPADD and TIMESTAMPDIFF name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Millennium,
    Century,
    Decade,
    Year,
    IsoYear,
    Quarter,
    Month,
    Week,
    Day,
    DayOfWeek,
    IsoDayOfWeek,
    DayOfYear,
    Hour,
    Minute,
    Second,
    Millisecond,
    Microsecond,
    Nanosecond,
    Epoch,
}

impl Unit {
    /// Reads a unit: `DAY`, `SQL_TSI_DAY`, `DOW`, in any case.
    pub fn parse(text: &str) -> Result<Unit> {
        let upper = text.trim().to_ascii_uppercase();
        let name = upper.strip_prefix("SQL_TSI_").unwrap_or(&upper);
        Ok(match name {
            "MILLENNIUM" => Unit::Millennium,
            "CENTURY" => Unit::Century,
            "DECADE" => Unit::Decade,
            "YEAR" | "YEARS" => Unit::Year,
            "ISOYEAR" => Unit::IsoYear,
            "QUARTER" | "QUARTERS" => Unit::Quarter,
            "MONTH" | "MONTHS" => Unit::Month,
            "WEEK" | "WEEKS" => Unit::Week,
            "DAY" | "DAYS" | "DAYOFMONTH" => Unit::Day,
            "DOW" | "DAYOFWEEK" => Unit::DayOfWeek,
            "ISODOW" => Unit::IsoDayOfWeek,
            "DOY" | "DAYOFYEAR" => Unit::DayOfYear,
            "HOUR" | "HOURS" => Unit::Hour,
            "MINUTE" | "MINUTES" => Unit::Minute,
            "SECOND" | "SECONDS" => Unit::Second,
            "MILLISECOND" | "MILLISECONDS" => Unit::Millisecond,
            "MICROSECOND" | "MICROSECONDS" | "FRAC_SECOND" => Unit::Microsecond,
            "NANOSECOND" | "NANOSECONDS" => Unit::Nanosecond,
            "EPOCH" => Unit::Epoch,
            _ => return plan_err!("'{text}' is not a unit of time; use YEAR, QUARTER, MONTH, WEEK, DAY, HOUR, MINUTE or SECOND"),
        })
    }

    /// The months of a unit of the calendar.
    pub fn months(self) -> Option<i64> {
        Some(match self {
            Unit::Month => 1,
            Unit::Quarter => 3,
            Unit::Year => 12,
            Unit::Decade => 120,
            Unit::Century => 1200,
            Unit::Millennium => 12_000,
            _ => return None,
        })
    }

    /// The milliseconds of a unit of fixed length of a millisecond or more.
    pub fn milliseconds(self) -> Option<i64> {
        Some(match self {
            Unit::Week => 7 * MS_PER_DAY,
            Unit::Day => MS_PER_DAY,
            Unit::Hour => MS_PER_HOUR,
            Unit::Minute => MS_PER_MINUTE,
            Unit::Second => MS_PER_SECOND,
            Unit::Millisecond => 1,
            _ => return None,
        })
    }
}

/// Year, month (1–12) and day (1–31) of a day.
pub(crate) use flott_engine::text::civil_from_days as civil;

/// The day of a date. Months beyond 12 and days beyond the month run on into what follows.
pub(crate) fn days_of(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = (year + (month - 1).div_euclid(12), (month - 1).rem_euclid(12) + 1);
    days_from_civil(year, month as u32, 1) + day - 1
}

pub(crate) fn month_length(year: i64, month: u32) -> u32 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The day `months` later; a day that the month lacks becomes its last.
pub(crate) fn add_months(days: i64, months: i64) -> i64 {
    let (year, month, day) = civil(days);
    let index = year * 12 + i64::from(month) - 1 + months;
    let (year, month) = (index.div_euclid(12), index.rem_euclid(12) as u32 + 1);
    days_of(year, i64::from(month), i64::from(day.min(month_length(year, month))))
}

/// The time `months` later, in milliseconds.
pub(crate) fn add_months_ms(ms: i64, months: i64) -> i64 {
    add_months(ms.div_euclid(MS_PER_DAY), months) * MS_PER_DAY + ms.rem_euclid(MS_PER_DAY)
}

/// The whole months from `from` to `to`, in milliseconds; negative if `to` is earlier.
pub(crate) fn months_between_ms(to: i64, from: i64) -> i64 {
    let months = months_between(to.div_euclid(MS_PER_DAY), from.div_euclid(MS_PER_DAY));
    let same_day = add_months(from.div_euclid(MS_PER_DAY), months) == to.div_euclid(MS_PER_DAY);
    if same_day && to.rem_euclid(MS_PER_DAY) < from.rem_euclid(MS_PER_DAY) { months - 1 } else { months }
}

fn months_between(to: i64, from: i64) -> i64 {
    if to < from {
        return -months_between(from, to);
    }
    // No month is longer than 31 days, so this is never too much; it is at most a few months too little.
    let mut months = (to - from) / 31;
    while add_months(from, months) < to && add_months(from, months + 1) <= to {
        months += 1;
    }
    months
}

/// Monday is 1, Sunday 7.
pub(crate) fn iso_day_of_week(days: i64) -> i64 {
    (days + 3).rem_euclid(7) + 1
}

/// The ISO week-numbering year and week of a day.
pub(crate) fn iso_week(days: i64) -> (i64, i64) {
    // The week belongs to the year of its Thursday.
    let thursday = days - iso_day_of_week(days) + 4;
    let (year, _, _) = civil(thursday);
    (year, (thursday - days_of(year, 1, 1)) / 7 + 1)
}

pub(crate) fn day_of_year(days: i64) -> i64 {
    let (year, _, _) = civil(days);
    days - days_of(year, 1, 1) + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_calendar_goes_there_and_back() {
        for days in (-800_000..800_000).step_by(97) {
            let (year, month, day) = civil(days);
            assert_eq!(days_of(year, i64::from(month), i64::from(day)), days);
        }
        assert_eq!(civil(0), (1970, 1, 1));
        assert_eq!(days_of(2024, 13, 1), days_of(2025, 1, 1));
    }

    #[test]
    fn months_weeks_and_days_of_the_week() {
        let jan31 = days_of(2024, 1, 31);
        assert_eq!(add_months(jan31, 1), days_of(2024, 2, 29));
        assert_eq!(add_months(days_of(2024, 3, 31), -1), days_of(2024, 2, 29));
        let ms = |days: i64| days * MS_PER_DAY;
        assert_eq!(months_between_ms(ms(days_of(2024, 2, 29)), ms(jan31)), 1);
        assert_eq!(months_between_ms(ms(days_of(2024, 2, 28)), ms(jan31)), 0);
        assert_eq!(months_between_ms(ms(jan31), ms(days_of(2025, 1, 31))), -12);
        assert_eq!(iso_day_of_week(days_of(2024, 1, 1)), 1);
        assert_eq!(iso_week(days_of(2024, 1, 1)), (2024, 1));
        assert_eq!(iso_week(days_of(2021, 1, 3)), (2020, 53));
        assert_eq!(day_of_year(days_of(2024, 12, 31)), 366);
    }
}
