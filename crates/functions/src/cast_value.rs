//! CAST to numbers, BOOLEAN and times.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, PrimitiveArray, StringArray};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, Time32MillisecondType,
    TimeUnit, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
};
use datafusion_common::{Result, exec_err};
use flott_engine::text::{parse_date, parse_decimal, parse_f32, parse_f64, parse_i64, parse_time, parse_timestamp, push_f64};

use super::cast::{To, not_possible, unit_of};
use super::clock::context;
use super::decimal::without;
use super::interval;
use super::rounding::{drop_digits, whole_at};
use super::time_unit::MS_PER_DAY;
use super::types::is_integer;
use super::values::{POW10, decimal_to_double, ms_to_unit, to_decimals, to_doubles, unit_to_ms};
use crate::data_type::FlinkType;

/// Casts to anything but texts, bytes and nested types.
pub(super) fn cast_value(array: &ArrayRef, to: &To) -> Result<ArrayRef> {
    match to.flink {
        FlinkType::Boolean => to_boolean(array, to),
        FlinkType::TinyInt => to_integer::<Int8Type>(array, to, |v| v as i8, |v| v as i32 as i8, i8::MIN as i64, i8::MAX as i64),
        FlinkType::SmallInt => to_integer::<Int16Type>(array, to, |v| v as i16, |v| v as i32 as i16, i16::MIN as i64, i16::MAX as i64),
        FlinkType::Int => to_integer::<Int32Type>(array, to, |v| v as i32, |v| v as i32, i32::MIN as i64, i32::MAX as i64),
        FlinkType::BigInt => to_integer::<Int64Type>(array, to, |v| v, |v| v as i64, i64::MIN, i64::MAX),
        FlinkType::Float => to_float(array, to),
        FlinkType::Double => to_double(array, to),
        FlinkType::Decimal { precision, scale } => to_decimal(array, to, *precision, *scale as i8),
        FlinkType::Date => to_date(array, to),
        FlinkType::Time(_) => to_time(array, to),
        FlinkType::Timestamp(precision) => to_timestamp(array, to, *precision, false),
        FlinkType::TimestampLtz(precision) => to_timestamp(array, to, *precision, true),
        _ if array.data_type() == to.arrow => Ok(Arc::clone(array)),
        FlinkType::IntervalMonth | FlinkType::IntervalSecond => {
            let whole = cast_value(array, &To { flink: &FlinkType::BigInt, arrow: &DataType::Int64, safe: to.safe })?;
            Ok(interval::of_numbers(whole.as_primitive(), *to.flink == FlinkType::IntervalMonth))
        }
        _ => not_possible(array, to),
    }
}

/// Parses every text; one that does not parse fails the query, or is NULL in TRY_CAST.
fn parse_texts<T: ArrowPrimitiveType>(
    array: &ArrayRef,
    to: &To,
    what: &str,
    parse: impl Fn(&str) -> Option<T::Native>,
) -> Result<ArrayRef> {
    let texts: &StringArray = array.as_string::<i32>();
    let mut values = Vec::with_capacity(texts.len());
    let mut odd = vec![];
    for row in 0..texts.len() {
        if texts.is_null(row) {
            values.push(T::Native::default());
            continue;
        }
        let text = texts.value(row);
        match parse(text) {
            Some(value) => values.push(value),
            None if !to.safe => return no_value(text, to, what),
            None => {
                odd.push(row);
                values.push(T::Native::default());
            }
        }
    }
    let nulls = without(texts.nulls().cloned(), texts.len(), &odd);
    Ok(Arc::new(PrimitiveArray::<T>::new(values.into(), nulls).with_data_type(to.arrow.clone())))
}

fn no_value<T>(text: &str, to: &To, what: &str) -> Result<T> {
    exec_err!("CAST('{text}' AS {}) failed: the text is not {what}. Use TRY_CAST to get NULL instead", to.flink)
}

/// Each value of `T` into one of `O`; `None` becomes NULL.
fn map_opt<T: ArrowPrimitiveType, O: ArrowPrimitiveType>(
    array: &ArrayRef,
    to: &To,
    f: impl Fn(T::Native) -> Option<O::Native>,
) -> ArrayRef {
    Arc::new(array.as_primitive::<T>().unary_opt::<_, O>(f).with_data_type(to.arrow.clone()))
}

fn map<T: ArrowPrimitiveType, O: ArrowPrimitiveType>(array: &ArrayRef, to: &To, f: impl Fn(T::Native) -> O::Native) -> ArrayRef {
    Arc::new(array.as_primitive::<T>().unary::<_, O>(f).with_data_type(to.arrow.clone()))
}

fn map_bool<O: ArrowPrimitiveType>(array: &ArrayRef, to: &To, one: O::Native) -> ArrayRef {
    let bools = array.as_boolean();
    let values: Vec<O::Native> = (0..bools.len()).map(|row| if bools.value(row) { one } else { O::Native::default() }).collect();
    Arc::new(PrimitiveArray::<O>::new(values.into(), bools.nulls().cloned()).with_data_type(to.arrow.clone()))
}

fn to_boolean(array: &ArrayRef, to: &To) -> Result<ArrayRef> {
    if let Some(texts) = array.as_string_opt::<i32>() {
        let mut values = Vec::with_capacity(texts.len());
        for text in texts.iter() {
            let value = match text {
                Some(text) => match parse_bool(text) {
                    None if !to.safe => {
                        return no_value(text, to, "one of true, t, yes, y, 1, false, f, no, n, 0");
                    }
                    parsed => parsed,
                },
                None => None,
            };
            values.push(value);
        }
        return Ok(Arc::new(BooleanArray::from(values)));
    }
    match array.data_type() {
        DataType::Boolean => Ok(Arc::clone(array)),
        DataType::Float32 | DataType::Float64 => {
            let doubles = to_doubles(array)?;
            Ok(Arc::new(doubles.iter().map(|v| v.map(|v| v != 0.0)).collect::<BooleanArray>()))
        }
        _ => {
            let decimals = to_decimals(array)?;
            Ok(Arc::new(decimals.iter().map(|v| v.map(|v| v != 0)).collect::<BooleanArray>()))
        }
    }
}

fn parse_bool(text: &str) -> Option<bool> {
    let is = |words: &[&str]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    if is(&["t", "true", "y", "yes", "1"]) {
        Some(true)
    } else if is(&["f", "false", "n", "no", "0"]) {
        Some(false)
    } else {
        None
    }
}

/// A whole number with blanks around it; digits after a point are read and dropped.
fn parse_whole(text: &str) -> Option<i64> {
    parse_i64(text.as_bytes()).or_else(|| parse_written(text))
}

fn parse_written(text: &str) -> Option<i64> {
    let bytes = text.trim_matches(' ').as_bytes();
    let Some(point) = memchr::memchr(b'.', bytes) else { return parse_i64(bytes) };
    let (head, fraction) = (&bytes[..point], &bytes[point + 1..]);
    if !fraction.iter().all(u8::is_ascii_digit) {
        return None;
    }
    match head {
        [] | [b'+' | b'-'] => Some(0),
        _ => parse_i64(head),
    }
}

fn to_integer<T: ArrowPrimitiveType>(
    array: &ArrayRef,
    to: &To,
    wrap: fn(i64) -> T::Native,
    saturate: fn(f64) -> T::Native,
    least: i64,
    most: i64,
) -> Result<ArrayRef> {
    let name = format!("a whole number from {least} to {most}");
    Ok(match array.data_type() {
        DataType::Utf8 => {
            return parse_texts::<T>(array, to, &name, |text| parse_whole(text).filter(|v| (least..=most).contains(v)).map(wrap));
        }
        DataType::Boolean => map_bool::<T>(array, to, wrap(1)),
        DataType::Int8 => map::<Int8Type, T>(array, to, |v| wrap(i64::from(v))),
        DataType::Int16 => map::<Int16Type, T>(array, to, |v| wrap(i64::from(v))),
        DataType::Int32 => map::<Int32Type, T>(array, to, |v| wrap(i64::from(v))),
        DataType::Int64 => map::<Int64Type, T>(array, to, wrap),
        DataType::Float32 => map::<Float32Type, T>(array, to, |v| saturate(f64::from(v))),
        DataType::Float64 => map::<Float64Type, T>(array, to, saturate),
        DataType::Decimal128(_, scale) => {
            let power = POW10[(*scale).max(0) as usize];
            map::<Decimal128Type, T>(array, to, |v| wrap((v / power) as i64))
        }
        _ => return not_possible(array, to),
    })
}

fn to_float(array: &ArrayRef, to: &To) -> Result<ArrayRef> {
    Ok(match array.data_type() {
        DataType::Utf8 => return parse_texts::<Float32Type>(array, to, "a number", |text| parse_f32(text.as_bytes())),
        DataType::Boolean => map_bool::<Float32Type>(array, to, 1.0),
        DataType::Int64 => map::<Int64Type, Float32Type>(array, to, |v| v as f32),
        DataType::Int32 => map::<Int32Type, Float32Type>(array, to, |v| v as f32),
        DataType::Float32 => Arc::clone(array),
        _ => {
            let doubles: ArrayRef = Arc::new(to_doubles(array)?);
            map::<Float64Type, Float32Type>(&doubles, to, |v| v as f32)
        }
    })
}

fn to_double(array: &ArrayRef, to: &To) -> Result<ArrayRef> {
    Ok(match array.data_type() {
        DataType::Utf8 => return parse_texts::<Float64Type>(array, to, "a number", |text| parse_f64(text.as_bytes())),
        DataType::Boolean => map_bool::<Float64Type>(array, to, 1.0),
        DataType::Decimal128(precision, scale) => {
            let (precision, scale) = (*precision, *scale);
            map::<Decimal128Type, Float64Type>(array, to, |v| decimal_to_double(v, precision, scale))
        }
        _ => Arc::new(to_doubles(array)?),
    })
}

/// The value at another scale, rounded half up; `None` if it has more than `precision` digits then.
pub(super) fn rescale(value: i128, from: i8, precision: u8, scale: i8) -> Option<i128> {
    let shift = i32::from(scale) - i32::from(from);
    let scaled = if shift >= 0 { value.checked_mul(*POW10.get(shift as usize)?)? } else { drop_digits(value, shift.unsigned_abs()) };
    (scaled.unsigned_abs() < POW10[usize::from(precision)].unsigned_abs()).then_some(scaled)
}

fn to_decimal(array: &ArrayRef, to: &To, precision: u8, scale: i8) -> Result<ArrayRef> {
    match array.data_type() {
        DataType::Utf8 => {
            let what = format!("a number of at most {} digits before the point", i16::from(precision) - i16::from(scale));
            parse_texts::<Decimal128Type>(array, to, &what, |text| parse_decimal(text.trim_matches(' ').as_bytes(), precision, scale))
        }
        DataType::Boolean => {
            let one = POW10[scale.max(0) as usize];
            Ok(map_bool::<Decimal128Type>(array, to, one))
        }
        DataType::Float32 | DataType::Float64 => {
            let doubles = to_doubles(array)?;
            if let Some(odd) = doubles.iter().flatten().find(|v| !v.is_finite()).filter(|_| !to.safe) {
                return exec_err!("CAST({odd} AS {}) failed: a DECIMAL is finite. Use TRY_CAST to get NULL instead", to.flink);
            }
            let doubles: ArrayRef = Arc::new(doubles);
            Ok(map_opt::<Float64Type, Decimal128Type>(&doubles, to, |v| double_to_decimal(v, precision, scale)))
        }
        DataType::Int64 if scale >= 0 && precision > scale as u8 => {
            let (one, most) = (POW10[scale as usize], POW10[usize::from(precision) - scale as usize]);
            let numbers = array.as_primitive::<Int64Type>();
            let fits = |v: i64| v.unsigned_abs() < most.unsigned_abs().min(u128::from(u64::MAX)) as u64;
            if numbers.values().iter().all(|v| fits(*v)) {
                return Ok(map::<Int64Type, Decimal128Type>(array, to, |v| i128::from(v) * one));
            }
            Ok(map_opt::<Int64Type, Decimal128Type>(array, to, |v| fits(v).then(|| i128::from(v) * one)))
        }
        data_type if is_integer(data_type) || matches!(data_type, DataType::Decimal128(..)) => {
            let decimals = to_decimals(array)?;
            let from = decimals.scale();
            let decimals: ArrayRef = Arc::new(decimals);
            Ok(map_opt::<Decimal128Type, Decimal128Type>(&decimals, to, |v| rescale(v, from, precision, scale)))
        }
        _ => not_possible(array, to),
    }
}

/// Goes by the number's shortest text, as Java does: 1.005 is taken as exactly that.
fn double_to_decimal(value: f64, precision: u8, scale: i8) -> Option<i128> {
    if let Some(size) = whole_at(value.abs(), i32::from(scale), true) {
        let value = i128::from(if value < 0.0 { -size } else { size });
        return (value.unsigned_abs() < POW10[usize::from(precision)].unsigned_abs()).then_some(value);
    }
    if value.trunc() == value && value.abs() < 1e15 {
        return rescale(value as i128, 0, precision, scale);
    }
    let mut text = Vec::with_capacity(32);
    push_f64(&mut text, value);
    parse_decimal(&text, precision, scale)
}

/// A timestamp array as milliseconds on the local clock.
fn local_ms(array: &ArrayRef, convert: impl Fn(i64) -> Option<i64>) -> Result<Vec<Option<i64>>> {
    let DataType::Timestamp(unit, zone) = array.data_type() else {
        return exec_err!("Expected a timestamp but got {}", array.data_type());
    };
    let session = context().time_zone;
    let (unit, instant) = (*unit, zone.is_some());
    let raw = raw_times(array);
    Ok((0..array.len())
        .map(|row| {
            let ms = array.is_valid(row).then(|| unit_to_ms(raw[row], unit))?;
            convert(if instant { session.to_local_ms(ms) } else { ms })
        })
        .collect())
}

/// The raw numbers of a timestamp array of any unit.
fn raw_times(array: &ArrayRef) -> Vec<i64> {
    match array.data_type() {
        DataType::Timestamp(TimeUnit::Second, _) => array.as_primitive::<TimestampSecondType>().values().to_vec(),
        DataType::Timestamp(TimeUnit::Millisecond, _) => array.as_primitive::<TimestampMillisecondType>().values().to_vec(),
        DataType::Timestamp(TimeUnit::Microsecond, _) => array.as_primitive::<TimestampMicrosecondType>().values().to_vec(),
        _ => array.as_primitive::<TimestampNanosecondType>().values().to_vec(),
    }
}

fn to_date(array: &ArrayRef, to: &To) -> Result<ArrayRef> {
    match array.data_type() {
        DataType::Utf8 => parse_texts::<Date32Type>(array, to, "a date such as 2024-01-31", |text| parse_date(text.as_bytes())),
        DataType::Date32 => Ok(Arc::clone(array)),
        DataType::Timestamp(..) => {
            // A TIMESTAMP's day is found toward the epoch, as in Flink; a TIMESTAMP_LTZ's by the calendar.
            let instant = matches!(array.data_type(), DataType::Timestamp(_, Some(_)));
            let day = |ms: i64| if instant { ms.div_euclid(MS_PER_DAY) } else { ms / MS_PER_DAY };
            if let DataType::Timestamp(TimeUnit::Millisecond, None) = array.data_type() {
                return Ok(map::<TimestampMillisecondType, Date32Type>(array, to, |ms| (ms / MS_PER_DAY) as i32));
            }
            let days = local_ms(array, |ms| Some(day(ms)))?;
            Ok(Arc::new(days.into_iter().map(|v| v.map(|v| v as i32)).collect::<PrimitiveArray<Date32Type>>()))
        }
        _ => not_possible(array, to),
    }
}

fn to_time(array: &ArrayRef, to: &To) -> Result<ArrayRef> {
    match array.data_type() {
        DataType::Utf8 => parse_texts::<Time32MillisecondType>(array, to, "a time such as 10:11:12", |text| parse_time(text.as_bytes())),
        DataType::Time32(TimeUnit::Millisecond) => Ok(Arc::clone(array)),
        DataType::Timestamp(_, zone) => {
            // Of a TIMESTAMP whole seconds are found toward the epoch, and fractions of them rounded down.
            let instant = zone.is_some();
            let times = local_ms(array, |ms| match to.flink {
                FlinkType::Time(digits @ 1..=3) => {
                    let step = 10i64.pow(3 - u32::from(*digits));
                    Some((ms.div_euclid(step) * step).rem_euclid(MS_PER_DAY))
                }
                _ if instant => Some((ms.div_euclid(1000) * 1000).rem_euclid(MS_PER_DAY)),
                _ => Some((ms / 1000 * 1000).rem_euclid(MS_PER_DAY)),
            })?;
            Ok(Arc::new(times.into_iter().map(|v| v.map(|v| v as i32)).collect::<PrimitiveArray<Time32MillisecondType>>()))
        }
        _ => not_possible(array, to),
    }
}

/// Cuts a time to `precision` digits of the second. Below a millisecond it is rounded down, above toward the epoch.
fn cut(ms: i64, nanos_of_ms: i64, precision: u8) -> (i64, i64) {
    match precision {
        0..=2 => {
            let step = 10i64.pow(3 - u32::from(precision));
            (ms / step * step, 0)
        }
        3 => (ms, 0),
        _ => {
            let step = 10i64.pow(9 - u32::from(precision.min(9)));
            (ms, nanos_of_ms / step * step)
        }
    }
}

fn to_timestamp(array: &ArrayRef, to: &To, precision: u8, instant: bool) -> Result<ArrayRef> {
    let (zone, unit) = (context().time_zone, unit_of(to.arrow));
    let from_local = |local_ms: i64| if instant { zone.to_epoch_ms(local_ms) } else { local_ms };
    let value = |ms: i64, nanos: i64| {
        let (ms, nanos) = cut(ms, nanos, precision);
        ms_to_unit(ms, nanos, unit)
    };
    if let DataType::Utf8 = array.data_type() {
        let parse = |text: &str| {
            let (seconds, nanos) = parse_timestamp(text.as_bytes())?;
            let nanos = i64::from(nanos);
            if unit == TimeUnit::Nanosecond && !NANOSECOND_MS.contains(&seconds.checked_mul(1000)?) {
                return None;
            }
            Some(value(from_local(seconds * 1000 + nanos / 1_000_000), nanos % 1_000_000))
        };
        let what = "a timestamp such as 2024-01-31 10:11:12.345";
        return match unit {
            TimeUnit::Microsecond => parse_texts::<TimestampMicrosecondType>(array, to, what, parse),
            TimeUnit::Nanosecond => parse_texts::<TimestampNanosecondType>(array, to, what, parse),
            _ => parse_texts::<TimestampMillisecondType>(array, to, what, parse),
        };
    }
    let times: Vec<Option<(i64, i64)>> = match array.data_type() {
        DataType::Date32 => {
            let days = array.as_primitive::<Date32Type>();
            days.iter().map(|v| v.map(|v| (from_local(i64::from(v) * MS_PER_DAY), 0))).collect()
        }
        DataType::Time32(TimeUnit::Millisecond) => {
            let times = array.as_primitive::<Time32MillisecondType>();
            times.iter().map(|v| v.map(|v| (from_local(i64::from(v)), 0))).collect()
        }
        DataType::Timestamp(from_unit, from_zone) => {
            if array.data_type() == to.arrow && precision >= super::types::unit_precision(&unit) {
                return Ok(Arc::clone(array));
            }
            let (from_unit, from_instant) = (*from_unit, from_zone.is_some());
            let raw = raw_times(array);
            let shift = |ms: i64| match (from_instant, instant) {
                (true, false) => zone.to_local_ms(ms),
                (false, true) => zone.to_epoch_ms(ms),
                _ => ms,
            };
            let nanos_of = |raw: i64| match from_unit {
                TimeUnit::Microsecond => raw.rem_euclid(1000) * 1000,
                TimeUnit::Nanosecond => raw.rem_euclid(1_000_000),
                _ => 0,
            };
            (0..array.len()).map(|row| array.is_valid(row).then(|| (shift(unit_to_ms(raw[row], from_unit)), nanos_of(raw[row])))).collect()
        }
        _ => return not_possible(array, to),
    };
    let mut values = Vec::with_capacity(times.len());
    for time in times {
        values.push(match time {
            Some((ms, _)) if unit == TimeUnit::Nanosecond && !NANOSECOND_MS.contains(&ms) => match to.safe {
                true => None,
                false => {
                    return exec_err!("CAST AS {} failed: it holds times from 1677-09-21 to 2262-04-11; use a precision of 6", to.flink);
                }
            },
            time => time.map(|(ms, nanos)| value(ms, nanos)),
        });
    }
    Ok(timestamps(values, unit, to))
}

/// The milliseconds that nanoseconds in an `i64` reach.
const NANOSECOND_MS: std::ops::Range<i64> = -i64::MAX / 1_000_000..i64::MAX / 1_000_000;

fn timestamps(values: Vec<Option<i64>>, unit: TimeUnit, to: &To) -> ArrayRef {
    fn build<T: ArrowPrimitiveType<Native = i64>>(values: Vec<Option<i64>>, to: &To) -> ArrayRef {
        Arc::new(values.into_iter().collect::<PrimitiveArray<T>>().with_data_type(to.arrow.clone()))
    }
    match unit {
        TimeUnit::Second => build::<TimestampSecondType>(values, to),
        TimeUnit::Millisecond => build::<TimestampMillisecondType>(values, to),
        TimeUnit::Microsecond => build::<TimestampMicrosecondType>(values, to),
        TimeUnit::Nanosecond => build::<TimestampNanosecondType>(values, to),
    }
}
