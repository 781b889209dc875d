//! Functions of time. The plain loops use chrono.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int32Array, Int64Array, StringArray, TimestampMillisecondArray};
use chrono::{DateTime, Datelike, NaiveDateTime, Timelike};

use crate::Arg::Column;
use crate::data::Columns;
use crate::{Case, case, text};

fn at(ms: i64) -> Option<NaiveDateTime> {
    Some(DateTime::from_timestamp_millis(ms)?.naive_utc())
}

fn part(columns: &Columns, f: impl Fn(NaiveDateTime) -> i64) -> ArrayRef {
    Arc::new(columns.time.iter().map(|ms| Some(f(at(ms?)?))).collect::<Int64Array>())
}

pub fn cases() -> Vec<Option<Case>> {
    let time = || Column(|c| c.time.clone());
    vec![
        case("YEAR(time)", "year", vec![time()], |c| part(c, |t| i64::from(t.year()))),
        case("HOUR(time)", "hour", vec![time()], |c| part(c, |t| i64::from(t.hour()))),
        case("DAYOFWEEK(time)", "dayofweek", vec![time()], |c| part(c, |t| i64::from(t.weekday().num_days_from_sunday()) + 1)),
        case("DATE_FORMAT(time, 'yyyy-MM-dd')", "date_format", vec![time(), text("yyyy-MM-dd")], |c| {
            Arc::new(c.time.iter().map(|ms| Some(at(ms?)?.format("%Y-%m-%d").to_string())).collect::<StringArray>())
        }),
        case("DATE_FORMAT(time, 'HH:mm:ss')", "date_format", vec![time(), text("HH:mm:ss")], |c| {
            Arc::new(c.time.iter().map(|ms| Some(at(ms?)?.format("%H:%M:%S").to_string())).collect::<StringArray>())
        }),
        case("TO_TIMESTAMP(text)", "to_timestamp", vec![Column(|c| c.time_text.clone())], |c| {
            let parse = |s: &str| Some(NaiveDateTime::parse_from_str(s, "%Y-%m-%d %H:%M:%S").ok()?.and_utc().timestamp_millis());
            Arc::new(c.time_text.iter().map(|s| parse(s?)).collect::<TimestampMillisecondArray>())
        }),
        case("FLOOR(time TO HOUR)", "floor_to", vec![time(), text("HOUR")], |c| {
            Arc::new(c.time.iter().map(|ms| ms.map(|ms| ms.div_euclid(3_600_000) * 3_600_000)).collect::<TimestampMillisecondArray>())
        }),
        case("TIMESTAMPDIFF(DAY, time, later)", "timestampdiff", vec![text("DAY"), time(), Column(|c| c.later.clone())], |c| {
            let days =
                |i: usize| (c.time.is_valid(i) && c.later.is_valid(i)).then(|| ((c.later.value(i) - c.time.value(i)) / 86_400_000) as i32);
            Arc::new((0..c.time.len()).map(days).collect::<Int32Array>())
        }),
    ]
}
