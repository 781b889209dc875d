//! Text of values, exactly as Flink writes and reads it: numbers, dates, times, and any Arrow value.
//!
//! There are three ways to write a value. [`value_text`] is `CAST(value AS STRING)`; [`show_text`] is what a result of a SELECT looks
//! like; [`print_text`] is what the `print` connector shows between the brackets of `+I[…]`, which is Java's `toString`. The `push_*` functions append to a byte vector and never
//! allocate otherwise; the `parse_*` functions return `None` for text that is not of their form.

mod datetime;
mod json;
mod number;
mod value;

pub use datetime::{
    civil_from_days, days_from_civil, parse_date, parse_date_strict, parse_time, parse_time_strict, parse_timestamp, parse_timestamp_iso,
    parse_timestamp_offset, parse_timestamp_sql, push_date, push_time, push_timestamp,
};
pub use json::push_json_string;
pub use number::{
    parse_decimal, parse_f32, parse_f64, parse_i64, push_decimal, push_decimal_java, push_decimal_stripped, push_f32, push_f64, push_i64,
};
pub use value::{TYPE_KEY, print_text, show_text, timestamp_precision, value_text};
