//! Random kinds of the simple types: defaults and limits, read from the field's options.

use std::fmt::Display;
use std::str::FromStr;

use arrow::datatypes::{DataType, Field as ArrowField, IntervalUnit};
use flott_engine::{Error, Result};

use super::fields::{FieldOptions, Kind};
use super::parse;
use crate::formats::type_name;

/// Length of texts and binary strings unless type or table says otherwise.
const TEXT_LENGTH: u32 = 100;
/// Greatest random INTERVAL YEAR TO MONTH, in months: 10,000 years.
const MONTHS_MAX: i64 = 120_000;
/// Greatest random INTERVAL DAY TO SECOND, in milliseconds: 999,999 days, six digits.
const INTERVAL_MS_MAX: i64 = 999_999 * 86_400_000;

/// The declared SQL type in capitals, where it says more than Arrow's.
pub(super) fn sql_type(arrow: &ArrowField) -> Option<String> {
    arrow.metadata().get("flink.type").map(|t| t.trim().to_ascii_uppercase())
}

pub(super) fn unsupported(options: &FieldOptions<'_>, path: &str, arrow: &ArrowField) -> Error {
    let name = sql_type(arrow).unwrap_or_else(|| type_name(arrow.data_type()));
    options
        .error(format!("'{path}' is of type {name}, which cannot be generated"))
        .help("Generate a column of a simpler type and declare this one as computed from it")
}

/// The unit of an interval's integers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum IntervalOf {
    Months,
    Milliseconds,
}

/// Whether a field is an INTERVAL, whatever Arrow type holds it.
pub(super) fn interval(arrow: &ArrowField) -> Option<IntervalOf> {
    match (arrow.data_type(), sql_type(arrow)) {
        (DataType::Interval(IntervalUnit::YearMonth), _) => Some(IntervalOf::Months),
        (_, Some(t)) if t.starts_with("INTERVAL") => {
            let months = t.starts_with("INTERVAL YEAR") || t.starts_with("INTERVAL MONTH");
            Some(if months { IntervalOf::Months } else { IntervalOf::Milliseconds })
        }
        (DataType::Interval(_) | DataType::Duration(_), _) => Some(IntervalOf::Milliseconds),
        _ => None,
    }
}

/// The kind of a field of random values, for all types but collections and rows.
pub(super) fn random(options: &mut FieldOptions<'_>, path: &str, arrow: &ArrowField) -> Result<Kind> {
    match interval(arrow) {
        Some(IntervalOf::Months) => return integer(options, path, (0, MONTHS_MAX), (i32::MIN.into(), i32::MAX.into())),
        Some(IntervalOf::Milliseconds) => {
            let limit = INTERVAL_MS_MAX;
            return integer(options, path, (-limit, limit), (-limit, limit));
        }
        None => {}
    }
    if let Some(limits) = integer_limits(arrow.data_type()) {
        return integer(options, path, limits, limits);
    }
    match arrow.data_type() {
        DataType::Boolean => Ok(Kind::Boolean),
        DataType::Float32 => real(options, path, f64::from(JAVA_FLOAT_MIN), f64::from(f32::MAX)),
        DataType::Float64 => real(options, path, JAVA_DOUBLE_MIN, f64::MAX),
        DataType::Decimal32(p, s) | DataType::Decimal64(p, s) | DataType::Decimal128(p, s) => decimal(options, path, *p, *s),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
            let (length, varies) = length(options, path, arrow, "CHAR", "VARCHAR")?;
            Ok(Kind::Text { length, varies })
        }
        DataType::Binary | DataType::FixedSizeBinary(_) => {
            let (length, varies) = length(options, path, arrow, "BINARY", "VARBINARY")?;
            Ok(Kind::Bytes { length, varies })
        }
        DataType::Timestamp(_, _) => {
            let key = options.key(path, "max-past");
            Ok(Kind::Past { max_ms: options.all.duration_ms(&key)?.unwrap_or(0) })
        }
        DataType::Date32 | DataType::Date64 => Ok(Kind::Date),
        DataType::Time32(_) | DataType::Time64(_) => Ok(Kind::Time),
        _ => Err(unsupported(options, path, arrow)),
    }
}

/// The defaults of FLOAT and DOUBLE are the least positive values, as in Flink.
const JAVA_FLOAT_MIN: f32 = f32::from_bits(1);
const JAVA_DOUBLE_MIN: f64 = f64::from_bits(1);

fn integer_limits(data_type: &DataType) -> Option<(i64, i64)> {
    match data_type {
        DataType::Int8 => Some((i8::MIN.into(), i8::MAX.into())),
        DataType::Int16 => Some((i16::MIN.into(), i16::MAX.into())),
        DataType::Int32 => Some((i32::MIN.into(), i32::MAX.into())),
        DataType::Int64 => Some((i64::MIN, i64::MAX)),
        _ => None,
    }
}

fn integer(options: &mut FieldOptions<'_>, path: &str, default: (i64, i64), limits: (i64, i64)) -> Result<Kind> {
    let (min, max) = range(options, path, default, "a whole number")?;
    for (name, value) in [("min", min), ("max", max)] {
        if !(limits.0..=limits.1).contains(&value) {
            let key = options.key(path, name);
            return Err(beyond(options, &key, value, path, limits));
        }
    }
    Ok(Kind::Integer { min, max })
}

fn beyond(options: &FieldOptions<'_>, key: &str, value: i64, path: &str, limits: (i64, i64)) -> Error {
    options
        .error(format!("the option '{key}' is {value}, which the type of '{path}' cannot hold"))
        .help(format!("Write {} to {}", limits.0, limits.1))
}

fn real(options: &mut FieldOptions<'_>, path: &str, min: f64, max: f64) -> Result<Kind> {
    let (min, max) = range(options, path, (min, max), "a number")?;
    Ok(Kind::Real { min, max })
}

/// Limits are read as numbers, cut to what the type holds and rounded to its scale.
fn decimal(options: &mut FieldOptions<'_>, path: &str, precision: u8, scale: i8) -> Result<Kind> {
    let (min, max) = range(options, path, (JAVA_DOUBLE_MIN, f64::MAX), "a number")?;
    let largest = 10i128.checked_pow(precision.into()).map_or(i128::MAX, |p| p - 1);
    // The cast saturates, so any number comes out within i128.
    let unscaled = |value: f64| ((value * 10f64.powi(scale.into())).round() as i128).clamp(-largest, largest);
    Ok(Kind::Decimal { min: unscaled(min), max: unscaled(max) })
}

fn range<T>(options: &mut FieldOptions<'_>, path: &str, default: (T, T), what: &str) -> Result<(T, T)>
where
    T: FromStr + PartialOrd + Display,
{
    let (min_key, max_key) = (options.key(path, "min"), options.key(path, "max"));
    let min = parse::value::<T>(&options.all, &min_key, what)?.unwrap_or(default.0);
    let max = parse::value::<T>(&options.all, &max_key, what)?.unwrap_or(default.1);
    // Also refuses NaN.
    if min <= max {
        return Ok((min, max));
    }
    Err(options
        .error(format!("the random values of '{path}' have the minimum {min} and the maximum {max}"))
        .help(format!("Set '{min_key}' to at most '{max_key}'")))
}

/// Length of a text or binary string, and whether it varies. `CHAR(n)` has its length, `VARCHAR(n)` has it as its limit.
fn length(options: &mut FieldOptions<'_>, path: &str, arrow: &ArrowField, fixed: &str, limited: &str) -> Result<(u32, bool)> {
    let declared = sql_type(arrow).unwrap_or_default();
    let own = match arrow.data_type() {
        DataType::FixedSizeBinary(n) => u32::try_from(*n).ok(),
        _ => declared_length(&declared, fixed),
    };
    let (length_key, varies_key) = (options.key(path, "length"), options.key(path, "var-len"));
    if let Some(own) = own {
        for key in [&length_key, &varies_key] {
            if options.all.get(key).is_some() {
                return Err(options
                    .error(format!("the option '{key}' does not apply: '{path}' has the fixed length {own}"))
                    .help(format!("Leave it out or declare '{path}' as {limited}(n)")));
            }
        }
        return Ok((own, false));
    }
    let limit = declared_length(&declared, limited).unwrap_or(u32::MAX);
    let default = if limit < i32::MAX as u32 { limit } else { TEXT_LENGTH };
    let length = parse::value::<u32>(&options.all, &length_key, "a whole number, for example '20'")?.unwrap_or(default);
    if length > limit {
        return Err(options
            .error(format!("the option '{length_key}' is {length}, but '{path}' is declared as {limited}({limit})"))
            .help(format!("Write at most {limit}")));
    }
    Ok((length, options.all.bool(&varies_key, false)?))
}

/// The `n` of a declared `NAME(n)`; 1 for a bare `CHAR` or `BINARY`, which are of length 1.
fn declared_length(declared: &str, name: &str) -> Option<u32> {
    let rest = declared.strip_prefix(name)?.trim_start();
    if let Some(inner) = rest.strip_prefix('(') {
        return inner.split(')').next()?.trim().parse().ok();
    }
    let bare = rest.is_empty() || rest.starts_with("NOT") || rest.starts_with("NULL");
    (bare && !name.starts_with("VAR")).then_some(1)
}

/// Refuses sequences of types that have no successor, and those that leave their type.
pub(super) fn check_sequence(options: &FieldOptions<'_>, path: &str, arrow: &ArrowField, start: i64, end: i64) -> Result<()> {
    let limits = match arrow.data_type() {
        _ if interval(arrow).is_some() => return Err(no_sequence(options, path, arrow)),
        DataType::Decimal32(p, s) | DataType::Decimal64(p, s) | DataType::Decimal128(p, s) => {
            let digits = i32::from(*p) - i32::from(*s);
            let largest = 10i64.checked_pow(digits.max(0) as u32).map_or(i64::MAX, |n| n - 1);
            (-largest, largest)
        }
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => (i64::MIN, i64::MAX),
        DataType::Binary => (i64::MIN, i64::MAX),
        DataType::Float32 | DataType::Float64 => (i64::MIN, i64::MAX),
        other => integer_limits(other).ok_or_else(|| no_sequence(options, path, arrow))?,
    };
    for (name, value) in [("start", start), ("end", end)] {
        if !(limits.0..=limits.1).contains(&value) {
            return Err(beyond(options, &format!("fields.{path}.{name}"), value, path, limits));
        }
    }
    Ok(())
}

fn no_sequence(options: &FieldOptions<'_>, path: &str, arrow: &ArrowField) -> Error {
    let name = sql_type(arrow).unwrap_or_else(|| type_name(arrow.data_type()));
    options
        .error(format!("'{path}' cannot be a sequence: its type is {name}"))
        .help("Sequences are of integers, FLOAT, DOUBLE, DECIMAL, CHAR, VARCHAR, STRING, VARBINARY and BYTES")
}
