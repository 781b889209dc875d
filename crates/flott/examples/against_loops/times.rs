//! Expressions of times. The plain loops use chrono.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Date32Array, Int32Array, Int64Array, StringArray, TimestampMillisecondArray};
use chrono::{DateTime, Datelike, NaiveDateTime, Timelike};

use crate::Case;
use crate::data::Columns;

fn at(ms: i64) -> Option<NaiveDateTime> {
    Some(DateTime::from_timestamp_millis(ms)?.naive_utc())
}

fn part(columns: &Columns, f: impl Fn(NaiveDateTime) -> i64) -> ArrayRef {
    Arc::new(columns.time.iter().map(|ms| Some(f(at(ms?)?))).collect::<Int64Array>())
}

fn shifted(columns: &Columns, f: impl Fn(i64) -> i64) -> ArrayRef {
    Arc::new(columns.time.iter().map(|ms| ms.map(&f)).collect::<TimestampMillisecondArray>())
}

fn parsed(text: &str) -> Option<NaiveDateTime> {
    NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").ok()
}

pub fn cases() -> Vec<Case> {
    let mut all = parts();
    all.extend(moved());
    all.extend(converted());
    all
}

fn parts() -> Vec<Case> {
    vec![
        ("EXTRACT(EPOCH FROM time)", |c| part(c, |t| t.and_utc().timestamp())),
        ("YEAR(time)", |c| part(c, |t| i64::from(t.year()))),
        ("HOUR(time)", |c| part(c, |t| i64::from(t.hour()))),
        ("DAYOFWEEK(time)", |c| part(c, |t| i64::from(t.weekday().num_days_from_sunday()) + 1)),
        ("DATE_FORMAT(time, 'yyyy-MM-dd')", |c| {
            Arc::new(c.time.iter().map(|ms| Some(at(ms?)?.format("%Y-%m-%d").to_string())).collect::<StringArray>())
        }),
        ("DATE_FORMAT(time, 'HH:mm:ss')", |c| {
            Arc::new(c.time.iter().map(|ms| Some(at(ms?)?.format("%H:%M:%S").to_string())).collect::<StringArray>())
        }),
    ]
}

fn moved() -> Vec<Case> {
    vec![
        ("time + INTERVAL '1' HOUR", |c| shifted(c, |ms| ms + 3_600_000)),
        ("TIMESTAMPADD(DAY, 1, time)", |c| shifted(c, |ms| ms + 86_400_000)),
        ("FLOOR(time TO HOUR)", |c| {
            Arc::new(c.time.iter().map(|ms| ms.map(|ms| ms.div_euclid(3_600_000) * 3_600_000)).collect::<TimestampMillisecondArray>())
        }),
        ("TIMESTAMPDIFF(DAY, time, later)", |c| {
            let days =
                |i: usize| (c.time.is_valid(i) && c.later.is_valid(i)).then(|| ((c.later.value(i) - c.time.value(i)) / 86_400_000) as i32);
            Arc::new((0..c.time.len()).map(days).collect::<Int32Array>())
        }),
    ]
}

fn converted() -> Vec<Case> {
    vec![
        ("TO_TIMESTAMP(time_text)", |c| {
            let parse = |s: &str| Some(parsed(s)?.and_utc().timestamp_millis());
            Arc::new(c.time_text.iter().map(|s| parse(s?)).collect::<TimestampMillisecondArray>())
        }),
        ("CAST(time_text AS TIMESTAMP(3))", |c| {
            let parse = |s: &str| Some(parsed(s)?.and_utc().timestamp_millis());
            Arc::new(c.time_text.iter().map(|s| parse(s?)).collect::<TimestampMillisecondArray>())
        }),
        ("UNIX_TIMESTAMP(time_text)", |c| {
            Arc::new(c.time_text.iter().map(|s| Some(parsed(s?)?.and_utc().timestamp())).collect::<Int64Array>())
        }),
        ("TO_TIMESTAMP_LTZ(bigint, 3)", |c| {
            let year_max = 253_402_300_799_999;
            let times = c.large.iter().map(|ms| ms.filter(|ms| *ms <= year_max)).collect::<TimestampMillisecondArray>();
            Arc::new(times.with_timezone("UTC"))
        }),
        ("FROM_UNIXTIME(bigint)", |c| {
            let text = |seconds: i64| Some(DateTime::from_timestamp_secs(seconds)?.format("%Y-%m-%d %H:%M:%S").to_string());
            Arc::new(c.large.iter().map(|seconds| text(seconds?)).collect::<StringArray>())
        }),
        ("CAST(time AS STRING)", |c| {
            Arc::new(c.time.iter().map(|ms| Some(at(ms?)?.format("%Y-%m-%d %H:%M:%S%.3f").to_string())).collect::<StringArray>())
        }),
        ("CAST(time AS DATE)", |c| Arc::new(c.time.iter().map(|ms| ms.map(|ms| (ms / 86_400_000) as i32)).collect::<Date32Array>())),
    ]
}
