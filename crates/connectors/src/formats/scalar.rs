//! From the text of one value to a value in a column, by the rules that Flink's text formats share.

use arrow::datatypes::{DataType, IntervalMonthDayNano, TimeUnit};
use flott_engine::{Error, text};

use super::base64;
use super::columns::{Column, TimestampKind};

/// How timestamps are written, the option `timestamp-format.standard`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimestampStandard {
    /// `2024-01-02 03:04:05.678`, and `Z` after a `TIMESTAMP_LTZ`.
    Sql,
    /// `2024-01-02T03:04:05.678`, and `Z` after a `TIMESTAMP_LTZ`.
    Iso8601,
    /// `2024-01-02T03:04:05.678+01:00`.
    Iso8601WithOffset,
}

/// What the formats differ in.
#[derive(Clone, Copy, Debug)]
pub struct TextRules {
    /// How timestamps are written.
    pub standard: TimestampStandard,
    /// CSV takes dates with short months and days, and times without seconds.
    pub csv: bool,
}

/// Why a text is not a value of the column's type: a clause such as `'abc' is not a whole number`.
pub type Reason = String;

/// A value shown in a message: in quotes, cut to some 40 characters.
pub fn shown(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("'{}…'", &text[..end]),
        None => format!("'{text}'"),
    }
}

#[cold]
fn refused(text: &str, wanted: &str) -> Reason {
    format!("{} is not {wanted}", shown(text))
}

/// Appends the value that `text` stands for. A `DECIMAL` that does not fit its precision becomes NULL, as in Flink.
pub fn push_text(column: &mut Column, text: &str, rules: TextRules) -> Result<(), Reason> {
    match column {
        Column::Null(rows) => *rows += 1,
        Column::Boolean(c) => Column::push_bool(c, text.trim().eq_ignore_ascii_case("true")),
        Column::Int8(c) => c.push(integer(text, "TINYINT")?),
        Column::Int16(c) => c.push(integer(text, "SMALLINT")?),
        Column::Int32(c) => c.push(integer(text, "INT")?),
        Column::Int64(c) => c.push(integer(text, "BIGINT")?),
        Column::Float32(c) => c.push(text::parse_f32(text.as_bytes()).ok_or_else(|| refused(text, "a number (FLOAT)"))?),
        Column::Float64(c) => c.push(text::parse_f64(text.as_bytes()).ok_or_else(|| refused(text, "a number (DOUBLE)"))?),
        Column::Decimal(c, precision, scale) => {
            // Flink trims in JSON and not in CSV.
            let trimmed = if rules.csv { text } else { text.trim() };
            match text::parse_decimal(trimmed.as_bytes(), *precision, *scale) {
                Some(value) => c.push(value),
                None if is_decimal(trimmed) => column.push_null(),
                None => return Err(refused(text, "a number (DECIMAL)")),
            }
        }
        Column::String(c) => c.push(text),
        Column::Binary(c) => {
            if !base64::decode(text.as_bytes(), &mut c.data) {
                c.abandon();
                return Err(refused(text, "base64"));
            }
            c.end();
        }
        Column::Date(c) => {
            let days = if rules.csv { csv_date(text) } else { text::parse_date_strict(text.as_bytes()) };
            c.push(days.ok_or_else(|| refused(text, "a date such as 2024-01-31"))?);
        }
        Column::Time(c, step) => {
            let millis = text::parse_time_strict(text.as_bytes(), rules.csv);
            let millis = millis.ok_or_else(|| refused(text, "a time such as 10:11:12"))?;
            c.push(if rules.csv { millis - millis % *step } else { millis });
        }
        Column::Timestamp(c, kind) => {
            c.push(timestamp(if rules.csv { text.trim() } else { text }, kind, rules.standard)?);
        }
        Column::Interval(c, months) => c.push(interval(integer(text, "BIGINT")?, *months)?),
        Column::List(_) => return Err(refused(text, "an array")),
        Column::Map(_) => return Err(refused(text, "a map")),
        Column::Row(_) => return Err(refused(text, "a row")),
    }
    Ok(())
}

/// Whether Java's `BigDecimal` takes the text, of whatever size.
fn is_decimal(text: &str) -> bool {
    text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-')) && text.parse::<f64>().is_ok()
}

/// `yyyy-[M]M-[d]d`, as Java's `java.sql.Date.valueOf` takes it.
fn csv_date(text: &str) -> Option<i32> {
    let text = text.as_bytes();
    let four_digit_year = text.iter().position(|b| *b == b'-') == Some(4);
    let full = text.iter().filter(|b| **b == b'-').count() == 2 && !text.contains(&b' ');
    if four_digit_year && full { text::parse_date(text) } else { None }
}

fn integer<T: TryFrom<i64>>(text: &str, type_name: &str) -> Result<T, Reason> {
    let value = text::parse_i64(text.trim().as_bytes()).and_then(|v| T::try_from(v).ok());
    value.ok_or_else(|| {
        let digits = text.trim().trim_start_matches(['-', '+']);
        if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) {
            out_of_range(text, type_name)
        } else {
            refused(text, &format!("a whole number ({type_name})"))
        }
    })
}

/// The message for a number that its type cannot hold.
#[cold]
pub fn out_of_range(text: &str, type_name: &str) -> Reason {
    format!("{} is outside the range of {type_name}", shown(text))
}

/// A number in a narrower type.
pub fn in_range<T: TryFrom<i64>>(value: i64, type_name: &str) -> Result<T, Reason> {
    T::try_from(value).map_err(|_| out_of_range(&value.to_string(), type_name))
}

/// An interval of so many months or milliseconds.
pub fn interval(value: i64, months: bool) -> Result<IntervalMonthDayNano, Reason> {
    if months {
        let months = i32::try_from(value).map_err(|_| out_of_range(&value.to_string(), "INTERVAL MONTH"))?;
        return Ok(IntervalMonthDayNano::new(months, 0, 0));
    }
    let nanos = value.checked_mul(1_000_000).ok_or_else(|| out_of_range(&value.to_string(), "INTERVAL SECOND"))?;
    Ok(IntervalMonthDayNano::new(0, 0, nanos))
}

/// Reads a timestamp into the column's unit; digits beyond it are cut off.
#[inline]
pub fn timestamp(text: &str, kind: &TimestampKind, standard: TimestampStandard) -> Result<i64, Reason> {
    let bytes = text.as_bytes();
    let parsed = match standard {
        TimestampStandard::Sql => text::parse_timestamp_sql(bytes, kind.utc),
        TimestampStandard::Iso8601 => text::parse_timestamp_iso(bytes, kind.utc),
        TimestampStandard::Iso8601WithOffset => text::parse_timestamp_offset(bytes),
    };
    let Some((seconds, nanos)) = parsed else { return Err(timestamp_refused(text, kind, standard)) };
    in_unit(seconds, nanos, kind.unit).ok_or_else(|| out_of_range(text, "a TIMESTAMP with nanoseconds (1677 to 2262)"))
}

/// Seconds and nanoseconds in a unit; `None` when that overflows.
#[inline]
pub fn in_unit(seconds: i64, nanos: u32, unit: TimeUnit) -> Option<i64> {
    let (per_second, nanos_each) = match unit {
        TimeUnit::Second => (1, 1_000_000_000),
        TimeUnit::Millisecond => (1_000, 1_000_000),
        TimeUnit::Microsecond => (1_000_000, 1_000),
        TimeUnit::Nanosecond => (1_000_000_000, 1),
    };
    seconds.checked_mul(per_second)?.checked_add(i64::from(nanos) / nanos_each)
}

#[cold]
fn timestamp_refused(text: &str, kind: &TimestampKind, standard: TimestampStandard) -> Reason {
    let example = match (standard, kind.utc) {
        (TimestampStandard::Sql, false) => "2024-01-31 10:11:12.345",
        (TimestampStandard::Sql, true) => "2024-01-31 10:11:12.345Z",
        (TimestampStandard::Iso8601, false) => "2024-01-31T10:11:12.345",
        (TimestampStandard::Iso8601, true) => "2024-01-31T10:11:12.345Z",
        (TimestampStandard::Iso8601WithOffset, _) => "2024-01-31T10:11:12.345+01:00",
    };
    let name = if kind.utc { "TIMESTAMP_LTZ" } else { "TIMESTAMP" };
    refused(text, &format!("a {name} such as {example}"))
}

/// The error for a type that no text format carries, in Flink neither.
pub fn no_text(column: &str, data_type: &DataType) -> Error {
    let error = Error::config(format!("Column {column} has type {}, which text formats cannot carry", type_name(data_type)));
    match data_type {
        DataType::LargeBinary => error.help("write its text, JSON_STRING(variant), into a STRING"),
        DataType::BinaryView => error.help("write BITMAP_TO_BYTES(bitmap) into BYTES, or BITMAP_TO_STRING(bitmap) into a STRING"),
        _ => error,
    }
}

/// SQL's name of a type, for messages.
pub fn type_name(data_type: &DataType) -> String {
    match data_type {
        DataType::Boolean => "BOOLEAN".into(),
        DataType::Int8 => "TINYINT".into(),
        DataType::Int16 => "SMALLINT".into(),
        DataType::Int32 => "INT".into(),
        DataType::Int64 => "BIGINT".into(),
        DataType::Float32 => "FLOAT".into(),
        DataType::Float64 => "DOUBLE".into(),
        DataType::Decimal128(p, s) => format!("DECIMAL({p}, {s})"),
        DataType::Utf8 => "STRING".into(),
        DataType::Binary => "BYTES".into(),
        DataType::LargeBinary => "VARIANT".into(),
        DataType::BinaryView => "BITMAP".into(),
        DataType::Date32 => "DATE".into(),
        DataType::Time32(_) => "TIME".into(),
        DataType::Timestamp(_, None) => "TIMESTAMP".into(),
        DataType::Timestamp(_, Some(_)) => "TIMESTAMP_LTZ".into(),
        DataType::List(_) => "ARRAY".into(),
        DataType::Map(_, _) => "MAP".into(),
        DataType::Struct(_) => "ROW".into(),
        other => other.to_string(),
    }
}
