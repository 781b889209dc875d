//! The text of any Arrow value, in three styles: `CAST(… AS STRING)`, a result shown to people, and the `print` connector.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{
    ArrowNativeType, DataType, Date32Type, Decimal128Type, DurationMicrosecondType, DurationMillisecondType, DurationNanosecondType,
    DurationSecondType, Field, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, IntervalDayTimeType,
    IntervalMonthDayNanoType, IntervalUnit, IntervalYearMonthType, Time32MillisecondType, Time32SecondType, Time64MicrosecondType,
    Time64NanosecondType, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
    UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};

use super::datetime::{push_date, push_time, push_time_java, push_timestamp, push_timestamp_java};
use super::number::{push_decimal, push_decimal_java, push_f32, push_f64, push_i64};
use crate::bitmap::push_bitmap;
use crate::time::LocalTime;
use crate::variant::push_variant;

/// Key of the field metadata that holds the SQL type where Arrow's type says less, for example `TIMESTAMP(0)`.
pub const TYPE_KEY: &str = "flink.type";

#[derive(Clone, Copy)]
enum Style<'a> {
    /// `CAST(value AS STRING)`.
    Cast,
    /// The same for people: bytes as hexadecimal digits, `TIMESTAMP_LTZ` as a clock in a time zone shows it.
    Show(&'a dyn LocalTime),
    /// Java's `toString`, which the `print` connector uses.
    Print,
}

impl Style<'_> {
    /// Written as SQL has it, not as Java has it.
    fn is_sql(self) -> bool {
        !matches!(self, Style::Print)
    }
}

/// Appends `CAST(value AS STRING)` of one value: `TRUE`, `2024-01-02 03:04:05.600`, `[1, NULL]`, `{a=1}`, `(1, a)`. NULL itself is
/// written `NULL`; a `TIMESTAMP_LTZ` is written in UTC, since the session's time zone is not known here. Bytes are copied as they
/// are, so the text is UTF-8 only if binary values are.
pub fn value_text(array: &dyn Array, row: usize, field: &Field, out: &mut Vec<u8>) {
    push_value(array, row, field, Style::Cast, out);
}

/// Appends a value of a result as Flink's SQL client shows it: like [`value_text`], but bytes are `x'00ff'` and a `TIMESTAMP_LTZ` is
/// what a clock in the session's time zone shows.
pub fn show_text(array: &dyn Array, row: usize, field: &Field, zone: &dyn LocalTime, out: &mut Vec<u8>) {
    push_value(array, row, field, Style::Show(zone), out);
}

/// Appends a value as the `print` connector shows it: `true`, `2024-01-02T03:04`, `[1, null]`, `{a=1}`, `+I[1, a]` for a nested row.
pub fn print_text(array: &dyn Array, row: usize, field: &Field, out: &mut Vec<u8>) {
    push_value(array, row, field, Style::Print, out);
}

/// Number of fractional digits that a column of timestamps or times is declared with: from [`TYPE_KEY`], else from its unit.
pub fn timestamp_precision(field: &Field) -> u8 {
    if let Some(sql) = field.metadata().get(TYPE_KEY) {
        let digits = sql.split_once('(').and_then(|(_, rest)| rest.split_once(')')).map(|(digits, _)| digits.trim());
        if let Some(precision) = digits.and_then(|d| d.parse().ok()) {
            return precision;
        }
        return if sql.starts_with("TIMESTAMP") { 6 } else { 0 };
    }
    match field.data_type() {
        DataType::Timestamp(TimeUnit::Millisecond, _) => 3,
        DataType::Timestamp(TimeUnit::Microsecond, _) => 6,
        DataType::Timestamp(TimeUnit::Nanosecond, _) => 9,
        _ => 0,
    }
}

fn push_value(array: &dyn Array, row: usize, field: &Field, style: Style<'_>, out: &mut Vec<u8>) {
    if array.is_null(row) || array.data_type() == &DataType::Null {
        return out.extend_from_slice(if style.is_sql() { b"NULL" } else { b"null" });
    }
    match array.data_type() {
        DataType::Boolean => out.extend_from_slice(match (array.as_boolean().value(row), style.is_sql()) {
            (true, true) => b"TRUE",
            (false, true) => b"FALSE",
            (true, false) => b"true",
            (false, false) => b"false",
        }),
        DataType::Int8 => push_i64(out, array.as_primitive::<Int8Type>().value(row).into()),
        DataType::Int16 => push_i64(out, array.as_primitive::<Int16Type>().value(row).into()),
        DataType::Int32 => push_i64(out, array.as_primitive::<Int32Type>().value(row).into()),
        DataType::Int64 => push_i64(out, array.as_primitive::<Int64Type>().value(row)),
        DataType::UInt8 => push_i64(out, array.as_primitive::<UInt8Type>().value(row).into()),
        DataType::UInt16 => push_i64(out, array.as_primitive::<UInt16Type>().value(row).into()),
        DataType::UInt32 => push_i64(out, array.as_primitive::<UInt32Type>().value(row).into()),
        DataType::UInt64 => push_decimal(out, array.as_primitive::<UInt64Type>().value(row).into(), 0),
        DataType::Float32 => push_f32(out, array.as_primitive::<Float32Type>().value(row)),
        DataType::Float64 => push_f64(out, array.as_primitive::<Float64Type>().value(row)),
        DataType::Decimal128(_, scale) => {
            let unscaled = array.as_primitive::<Decimal128Type>().value(row);
            let push = if style.is_sql() { push_decimal } else { push_decimal_java };
            push(out, unscaled, *scale);
        }
        DataType::Utf8 => out.extend_from_slice(array.as_string::<i32>().value(row).as_bytes()),
        DataType::LargeUtf8 => out.extend_from_slice(array.as_string::<i64>().value(row).as_bytes()),
        DataType::Utf8View => out.extend_from_slice(array.as_string_view().value(row).as_bytes()),
        DataType::Binary => push_bytes(out, array.as_binary::<i32>().value(row), style),
        // VARIANT and BITMAP, whose texts are the same everywhere.
        DataType::LargeBinary => push_variant(out, array.as_binary::<i64>().value(row)),
        DataType::BinaryView => push_bitmap(out, array.as_binary_view().value(row)),
        DataType::FixedSizeBinary(_) => push_bytes(out, array.as_fixed_size_binary().value(row), style),
        DataType::Date32 => push_date(out, array.as_primitive::<Date32Type>().value(row)),
        DataType::Time32(_) | DataType::Time64(_) => push_time_value(array, row, field, style, out),
        DataType::Timestamp(unit, zone) => {
            let (mut seconds, nanos) = timestamp_value(array, row, *unit);
            match style {
                Style::Print => push_timestamp_java(out, seconds, nanos, zone.is_some()),
                Style::Cast | Style::Show(_) => {
                    if let (Style::Show(clock), Some(_)) = (style, zone) {
                        let utc_ms = seconds.saturating_mul(1_000);
                        seconds += (clock.to_local(utc_ms) - utc_ms).div_euclid(1_000);
                    }
                    push_timestamp(out, seconds, nanos, timestamp_precision(field), b' ');
                }
            }
            if zone.is_some() && !style.is_sql() {
                out.push(b'Z');
            }
        }
        DataType::Duration(_) | DataType::Interval(_) => push_interval(array, row, field, style, out),
        _ => push_nested(array, row, style, out),
    }
}

fn push_bytes(out: &mut Vec<u8>, bytes: &[u8], style: Style<'_>) {
    match style {
        // Bytes are taken as UTF-8; what is not becomes U+FFFD.
        Style::Cast => return out.extend_from_slice(String::from_utf8_lossy(bytes).as_bytes()),
        Style::Show(_) => {
            out.extend_from_slice(b"x'");
            bytes.iter().for_each(|byte| out.extend_from_slice(format!("{byte:02x}").as_bytes()));
            return out.push(b'\'');
        }
        Style::Print => {}
    }
    out.push(b'[');
    for (i, byte) in bytes.iter().enumerate() {
        if i > 0 {
            out.extend_from_slice(b", ");
        }
        push_i64(out, i64::from(*byte as i8));
    }
    out.push(b']');
}

fn push_time_value(array: &dyn Array, row: usize, field: &Field, style: Style<'_>, out: &mut Vec<u8>) {
    let nanos: i64 = match array.data_type() {
        DataType::Time32(TimeUnit::Second) => i64::from(array.as_primitive::<Time32SecondType>().value(row)) * 1_000_000_000,
        DataType::Time32(_) => i64::from(array.as_primitive::<Time32MillisecondType>().value(row)) * 1_000_000,
        DataType::Time64(TimeUnit::Microsecond) => array.as_primitive::<Time64MicrosecondType>().value(row).wrapping_mul(1_000),
        _ => array.as_primitive::<Time64NanosecondType>().value(row),
    };
    // The end of a day, which CEIL may give, has a text in SQL but no value in Java.
    if style.is_sql() && nanos == 86_400_000_000_000 {
        return push_time(out, 86_400_000, timestamp_precision(field));
    }
    let nanos = nanos.rem_euclid(86_400_000_000_000);
    match style {
        Style::Cast | Style::Show(_) => push_time(out, (nanos / 1_000_000) as i32, timestamp_precision(field)),
        Style::Print => push_time_java(out, (nanos / 1_000_000_000) as u32, (nanos % 1_000_000_000) as u32, false),
    }
}

/// Seconds from 1970-01-01 and nanoseconds of a timestamp.
fn timestamp_value(array: &dyn Array, row: usize, unit: TimeUnit) -> (i64, u32) {
    let (value, per_second) = match unit {
        TimeUnit::Second => (array.as_primitive::<TimestampSecondType>().value(row), 1),
        TimeUnit::Millisecond => (array.as_primitive::<TimestampMillisecondType>().value(row), 1_000),
        TimeUnit::Microsecond => (array.as_primitive::<TimestampMicrosecondType>().value(row), 1_000_000),
        TimeUnit::Nanosecond => (array.as_primitive::<TimestampNanosecondType>().value(row), 1_000_000_000),
    };
    (value.div_euclid(per_second), (value.rem_euclid(per_second) * (1_000_000_000 / per_second)) as u32)
}

/// Intervals: months, or a duration in nanoseconds.
fn push_interval(array: &dyn Array, row: usize, field: &Field, style: Style<'_>, out: &mut Vec<u8>) {
    let declared_months = field.metadata().get(TYPE_KEY).is_some_and(|sql| sql.contains("MONTH") || sql.contains("YEAR"));
    let mut months = 0i64;
    let nanos: i128 = match array.data_type() {
        DataType::Duration(TimeUnit::Second) => i128::from(array.as_primitive::<DurationSecondType>().value(row)) * 1_000_000_000,
        DataType::Duration(TimeUnit::Millisecond) => i128::from(array.as_primitive::<DurationMillisecondType>().value(row)) * 1_000_000,
        DataType::Duration(TimeUnit::Microsecond) => i128::from(array.as_primitive::<DurationMicrosecondType>().value(row)) * 1_000,
        DataType::Duration(TimeUnit::Nanosecond) => array.as_primitive::<DurationNanosecondType>().value(row).into(),
        DataType::Interval(IntervalUnit::YearMonth) => {
            months = array.as_primitive::<IntervalYearMonthType>().value(row).into();
            return push_months(out, months, style);
        }
        DataType::Interval(IntervalUnit::DayTime) => {
            let value = array.as_primitive::<IntervalDayTimeType>().value(row);
            (i128::from(value.days) * 86_400_000 + i128::from(value.milliseconds)) * 1_000_000
        }
        _ => {
            let value = array.as_primitive::<IntervalMonthDayNanoType>().value(row);
            months = value.months.into();
            i128::from(value.days) * 86_400_000_000_000 + i128::from(value.nanoseconds)
        }
    };
    if months != 0 || declared_months { push_months(out, months, style) } else { push_duration(out, nanos, style) }
}

/// `+1-02` or `P1Y2M` for 14 months.
fn push_months(out: &mut Vec<u8>, months: i64, style: Style<'_>) {
    let (years, rest) = (months / 12, months % 12);
    let text = match style {
        Style::Cast | Style::Show(_) => format!("{}{}-{:02}", if months < 0 { '-' } else { '+' }, years.abs(), rest.abs()),
        Style::Print if months == 0 => "P0D".to_owned(),
        Style::Print => {
            let part = |n: i64, unit| if n == 0 { String::new() } else { format!("{n}{unit}") };
            format!("P{}{}", part(years, 'Y'), part(rest, 'M'))
        }
    };
    out.extend_from_slice(text.as_bytes());
}

/// `+1 00:00:00.000` or `PT24H` for a day.
fn push_duration(out: &mut Vec<u8>, nanos: i128, style: Style<'_>) {
    let size = nanos.unsigned_abs();
    let (seconds, fraction) = (size / 1_000_000_000, (size % 1_000_000_000) as u32);
    let (hours, minutes, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    let sign = if nanos < 0 { "-" } else { "" };
    let text = match style {
        Style::Cast | Style::Show(_) => {
            let sign = if nanos < 0 { '-' } else { '+' };
            format!("{sign}{} {:02}:{minutes:02}:{second:02}.{:03}", hours / 24, hours % 24, fraction / 1_000_000)
        }
        Style::Print => {
            let part = |n: u128, unit| if n == 0 { String::new() } else { format!("{sign}{n}{unit}") };
            let mut text = format!("PT{}{}", part(hours, 'H'), part(minutes, 'M'));
            if fraction != 0 {
                let digits = format!("{fraction:09}");
                text.push_str(&format!("{sign}{second}.{}S", digits.trim_end_matches('0')));
            } else if second != 0 || text.len() == 2 {
                text.push_str(&format!("{}{second}S", if second == 0 { "" } else { sign }));
            }
            text
        }
    };
    out.extend_from_slice(text.as_bytes());
}

fn push_nested(array: &dyn Array, row: usize, style: Style<'_>, out: &mut Vec<u8>) {
    match array.data_type() {
        DataType::List(field) => push_list(array.as_list::<i32>().value(row).as_ref(), field, style, out),
        DataType::LargeList(field) => push_list(array.as_list::<i64>().value(row).as_ref(), field, style, out),
        DataType::FixedSizeList(field, _) => push_list(array.as_fixed_size_list().value(row).as_ref(), field, style, out),
        DataType::Struct(fields) => {
            let columns = array.as_struct();
            let (open, close): (&[u8], u8) = if style.is_sql() { (b"(", b')') } else { (b"+I[", b']') };
            out.extend_from_slice(open);
            for (i, (field, column)) in fields.iter().zip(columns.columns()).enumerate() {
                if i > 0 {
                    out.extend_from_slice(b", ");
                }
                push_value(column.as_ref(), row, field, style, out);
            }
            out.push(close);
        }
        DataType::Map(_, _) => {
            let entries = array.as_map().value(row);
            let (keys, values) = (entries.column(0), entries.column(1));
            out.push(b'{');
            for i in 0..entries.len() {
                if i > 0 {
                    out.extend_from_slice(b", ");
                }
                push_value(keys.as_ref(), i, &entries.fields()[0], style, out);
                out.push(b'=');
                push_value(values.as_ref(), i, &entries.fields()[1], style, out);
            }
            out.push(b'}');
        }
        DataType::Dictionary(_, value_type) => {
            let dictionary = array.as_any_dictionary();
            let key = dictionary.keys().to_data();
            let key = dictionary_key(&key, row);
            let field = Field::new("value", value_type.as_ref().clone(), true);
            push_value(dictionary.values().as_ref(), key, &field, style, out);
        }
        // Types that no SQL type maps to; Arrow's own text is the best there is.
        _ => match arrow::util::display::array_value_to_string(array, row) {
            Ok(text) => out.extend_from_slice(text.as_bytes()),
            Err(_) => out.push(b'?'),
        },
    }
}

fn push_list(values: &dyn Array, field: &Field, style: Style<'_>, out: &mut Vec<u8>) {
    out.push(b'[');
    for i in 0..values.len() {
        if i > 0 {
            out.extend_from_slice(b", ");
        }
        push_value(values, i, field, style, out);
    }
    out.push(b']');
}

/// The dictionary index at `row`.
fn dictionary_key(keys: &arrow::array::ArrayData, row: usize) -> usize {
    match keys.data_type() {
        DataType::Int8 => keys.buffer::<i8>(0)[row].as_usize(),
        DataType::UInt8 => keys.buffer::<u8>(0)[row].as_usize(),
        DataType::Int16 => keys.buffer::<i16>(0)[row].as_usize(),
        DataType::UInt16 => keys.buffer::<u16>(0)[row].as_usize(),
        DataType::Int32 => keys.buffer::<i32>(0)[row].as_usize(),
        DataType::UInt32 => keys.buffer::<u32>(0)[row].as_usize(),
        DataType::UInt64 => keys.buffer::<u64>(0)[row].as_usize(),
        _ => keys.buffer::<i64>(0)[row].as_usize(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use arrow::array::*;
    use std::sync::Arc;

    fn both(array: &dyn Array, row: usize, field: &Field) -> (String, String) {
        let (mut cast, mut print) = (vec![], vec![]);
        value_text(array, row, field, &mut cast);
        print_text(array, row, field, &mut print);
        (String::from_utf8(cast).unwrap(), String::from_utf8(print).unwrap())
    }

    fn check(array: impl Array, cast: &str, print: &str) {
        let field = Field::new("f", array.data_type().clone(), true);
        assert_eq!(both(&array, 0, &field), (cast.to_owned(), print.to_owned()));
    }

    #[test]
    fn plain_values() {
        check(BooleanArray::from(vec![true]), "TRUE", "true");
        check(Int32Array::from(vec![None::<i32>]), "NULL", "null");
        check(Float64Array::from(vec![1e10]), "1.0E10", "1.0E10");
        check(Decimal128Array::from(vec![1]).with_precision_and_scale(10, 8).unwrap(), "0.00000001", "1E-8");
        check(StringArray::from(vec!["a\nb"]), "a\nb", "a\nb");
        check(BinaryArray::from(vec![&b"\x41\x7f"[..]]), "A\x7f", "[65, 127]");
        check(Date32Array::from(vec![0]), "1970-01-01", "1970-01-01");
        check(Time32MillisecondArray::from(vec![36_660_000]), "10:11:00", "10:11");
        check(TimestampMillisecondArray::from(vec![1_704_164_640_000]), "2024-01-02 03:04:00.000", "2024-01-02T03:04");
        check(TimestampMillisecondArray::from(vec![1_000]).with_timezone("UTC"), "1970-01-01 00:00:01.000", "1970-01-01T00:00:01Z");
        check(DurationMillisecondArray::from(vec![86_400_000]), "+1 00:00:00.000", "PT24H");
        check(DurationMillisecondArray::from(vec![-1_500]), "-0 00:00:01.500", "PT-1.5S");
        check(DurationMillisecondArray::from(vec![0]), "+0 00:00:00.000", "PT0S");
        check(IntervalYearMonthArray::from(vec![14]), "+1-02", "P1Y2M");
    }

    #[test]
    fn precision_comes_from_the_declared_type() {
        let array = TimestampMillisecondArray::from(vec![1_704_164_645_000]);
        let typed =
            |sql: &str| Field::new("f", array.data_type().clone(), true).with_metadata([(TYPE_KEY.to_owned(), sql.to_owned())].into());
        assert_eq!(both(&array, 0, &typed("TIMESTAMP(0)")).0, "2024-01-02 03:04:05");
        assert_eq!(both(&array, 0, &typed("TIMESTAMP_LTZ(1) NOT NULL")).0, "2024-01-02 03:04:05.0");
        assert_eq!(both(&array, 0, &typed("TIMESTAMP")).0, "2024-01-02 03:04:05.000000");
    }

    #[test]
    fn people_see_digits_of_bytes_and_their_own_clock() {
        #[derive(Debug)]
        struct AnHourEast;
        impl LocalTime for AnHourEast {
            fn to_local(&self, utc_ms: i64) -> i64 {
                utc_ms + 3_600_000
            }
            fn to_utc(&self, local_ms: i64) -> i64 {
                local_ms - 3_600_000
            }
        }
        let shown = |array: &dyn Array| {
            let mut out = vec![];
            show_text(array, 0, &Field::new("f", array.data_type().clone(), true), &AnHourEast, &mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(shown(&BinaryArray::from(vec![&b"\x00\xff"[..]])), "x'00ff'");
        assert_eq!(shown(&TimestampMillisecondArray::from(vec![-1]).with_timezone("UTC")), "1970-01-01 00:59:59.999");
        assert_eq!(shown(&TimestampMillisecondArray::from(vec![-1])), "1969-12-31 23:59:59.999");
    }

    #[test]
    fn nested_values() {
        let list = ListArray::from_iter_primitive::<Int32Type, _, _>(vec![Some(vec![Some(1), None])]);
        check(list, "[1, NULL]", "[1, null]");
        let fields = vec![Field::new("a", DataType::Int32, true), Field::new("b", DataType::Utf8, true)];
        let columns: Vec<ArrayRef> = vec![Arc::new(Int32Array::from(vec![1])), Arc::new(StringArray::from(vec!["a"]))];
        check(StructArray::new(fields.into(), columns, None), "(1, a)", "+I[1, a]");
        let mut map = MapBuilder::new(None, StringBuilder::new(), Int32Builder::new());
        map.keys().append_value("a");
        map.values().append_value(1);
        map.append(true).unwrap();
        check(map.finish(), "{a=1}", "{a=1}");
        let dictionary: DictionaryArray<Int32Type> = vec!["x"].into_iter().collect();
        check(dictionary, "x", "x");
    }
}
