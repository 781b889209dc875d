//! CAST to texts and bytes, with the lengths of CHAR, VARCHAR, BINARY and VARBINARY.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{
    DataType, Decimal128Type, Field, Float64Type, Int32Type, Int64Type, IntervalMonthDayNano, IntervalMonthDayNanoType, TimeUnit,
    TimestampMillisecondType,
};
use datafusion_common::Result;
use flott_engine::text::{push_decimal, push_f64, push_i64, push_timestamp, timestamp_precision, value_text};

use super::cast::{To, cast_array, not_possible};
use super::clock::context;
use super::string::{char_count, char_start};
use super::values::TextOut;
use super::zone::Zone;
use crate::data_type::{ColumnType, FlinkType};

/// Casts to text, cut to `length` characters, and filled up to it with blanks if `pad`.
pub(super) fn to_text(array: &ArrayRef, from: &Field, to: &To, length: Option<u32>, pad: bool) -> Result<ArrayRef> {
    if *array.data_type() == DataType::Utf8 && length.is_none() {
        return Ok(Arc::clone(array));
    }
    if let Some(local) = localize(array, from, to)? {
        let field = Field::new(from.name(), local.data_type().clone(), true).with_metadata(from.metadata().clone());
        return push_texts(&local, &field, length, pad);
    }
    push_texts(array, from, length, pad)
}

/// Points in time as times of the session zone, wherever they are in the value; `None` if there are none to change.
fn localize(array: &ArrayRef, from: &Field, to: &To) -> Result<Option<ArrayRef>> {
    fn local(ty: &FlinkType) -> FlinkType {
        let column = |c: &ColumnType| ColumnType { ty: local(&c.ty), nullable: c.nullable };
        match ty {
            FlinkType::TimestampLtz(precision) => FlinkType::Timestamp(*precision),
            FlinkType::Array(element) => FlinkType::Array(Box::new(column(element))),
            FlinkType::Multiset(element) => FlinkType::Multiset(Box::new(column(element))),
            FlinkType::Map(key, value) => FlinkType::Map(Box::new(column(key)), Box::new(column(value))),
            FlinkType::Row(fields) => FlinkType::Row(
                fields.iter().map(|field| crate::data_type::RowField { column: column(&field.column), ..field.clone() }).collect(),
            ),
            other => other.clone(),
        }
    }
    if context().time_zone == Zone::UTC {
        return Ok(None);
    }
    let (ty, _) = FlinkType::from_field(from);
    let target = local(&ty);
    if target == ty {
        return Ok(None);
    }
    let arrow = target.to_arrow();
    cast_array(array, from, &To { flink: &target, arrow: &arrow, safe: to.safe }).map(Some)
}

fn push_texts(array: &ArrayRef, from: &Field, length: Option<u32>, pad: bool) -> Result<ArrayRef> {
    let mut out = TextOut::new(array.len(), array.len() * 16);
    let push = writer(array, from);
    for row in 0..array.len() {
        let valid = array.is_valid(row);
        if valid {
            let start = out.buffer().len();
            push(row, out.buffer());
            if let Some(length) = length {
                fit(out.buffer(), start, length as usize, pad);
            }
        }
        out.end_row(valid);
    }
    out.finish()
}

/// Cuts or fills what was appended from `start` on to `length` characters.
fn fit(out: &mut Vec<u8>, start: usize, length: usize, pad: bool) {
    let Ok(text) = std::str::from_utf8(&out[start..]) else { return };
    let end = start + char_start(text, length);
    if end < out.len() {
        out.truncate(end);
    } else if pad {
        let missing = length.saturating_sub(char_count(text));
        out.extend(std::iter::repeat_n(b' ', missing));
    }
}

/// How to write a row of the array: directly for the frequent types, else through the engine's texts.
fn writer<'a>(array: &'a ArrayRef, from: &'a Field) -> Box<dyn Fn(usize, &mut Vec<u8>) + 'a> {
    match array.data_type() {
        DataType::Utf8 => {
            let texts = array.as_string::<i32>();
            Box::new(move |row, out| out.extend_from_slice(texts.value(row).as_bytes()))
        }
        DataType::Int32 => {
            let values = array.as_primitive::<Int32Type>();
            Box::new(move |row, out| push_i64(out, i64::from(values.value(row))))
        }
        DataType::Int64 => {
            let values = array.as_primitive::<Int64Type>();
            Box::new(move |row, out| push_i64(out, values.value(row)))
        }
        DataType::Float64 => {
            let values = array.as_primitive::<Float64Type>();
            Box::new(move |row, out| push_f64(out, values.value(row)))
        }
        DataType::Decimal128(_, scale) => {
            let (values, scale) = (array.as_primitive::<Decimal128Type>(), *scale);
            Box::new(move |row, out| push_decimal(out, values.value(row), scale))
        }
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            let (values, precision) = (array.as_primitive::<TimestampMillisecondType>(), timestamp_precision(from));
            Box::new(move |row, out| {
                let ms = values.value(row);
                push_timestamp(out, ms.div_euclid(1000), ms.rem_euclid(1000) as u32 * 1_000_000, precision, b' ');
            })
        }
        DataType::Interval(_) => {
            let intervals = array.as_primitive_opt::<IntervalMonthDayNanoType>();
            let months = FlinkType::from_field(from).0 == FlinkType::IntervalMonth;
            Box::new(move |row, out| match intervals {
                Some(intervals) => push_interval(out, intervals.value(row), months),
                None => value_text(array.as_ref(), row, from, out),
            })
        }
        DataType::Binary => {
            let bytes = array.as_binary::<i32>();
            // Bytes are taken as UTF-8; what is not becomes U+FFFD.
            Box::new(move |row, out| out.extend_from_slice(String::from_utf8_lossy(bytes.value(row)).as_bytes()))
        }
        _ => Box::new(move |row, out| value_text(array.as_ref(), row, from, out)),
    }
}

/// `+1-02` for months, `+1 02:03:04.005` for days and times.
fn push_interval(out: &mut Vec<u8>, interval: IntervalMonthDayNano, months: bool) {
    if months || interval.months != 0 {
        let size = interval.months.unsigned_abs();
        let sign = if interval.months < 0 { '-' } else { '+' };
        out.extend_from_slice(format!("{sign}{}-{:02}", size / 12, size % 12).as_bytes());
        return;
    }
    let total = i64::from(interval.days) * 86_400_000 + interval.nanoseconds / 1_000_000;
    let (sign, ms) = (if total < 0 { '-' } else { '+' }, total.unsigned_abs());
    let (hours, minutes, seconds) = (ms / 3_600_000 % 24, ms / 60_000 % 60, ms / 1000 % 60);
    let text = format!("{sign}{} {hours:02}:{minutes:02}:{seconds:02}.{:03}", ms / 86_400_000, ms % 1000);
    out.extend_from_slice(text.as_bytes());
}

/// Casts to bytes, cut to `length`, and filled up to it with zeros if `pad`. A text is its UTF-8.
pub(super) fn to_bytes<'a>(array: &'a ArrayRef, to: &To, length: Option<u32>, pad: bool) -> Result<ArrayRef> {
    let value: Box<dyn Fn(usize) -> &'a [u8] + 'a> = match array.data_type() {
        DataType::Binary if length.is_none() => return Ok(Arc::clone(array)),
        DataType::Binary => {
            let bytes = array.as_binary::<i32>();
            Box::new(move |row| bytes.value(row))
        }
        DataType::Utf8 => {
            let texts = array.as_string::<i32>();
            Box::new(move |row| texts.value(row).as_bytes())
        }
        _ => return not_possible(array, to),
    };
    let mut out = TextOut::new(array.len(), array.len() * 16);
    for row in 0..array.len() {
        let valid = array.is_valid(row);
        if valid {
            let bytes = value(row);
            let length = length.map_or(bytes.len(), |n| n as usize);
            let kept = bytes.len().min(length);
            out.buffer().extend_from_slice(&bytes[..kept]);
            if pad {
                out.buffer().extend(std::iter::repeat_n(0u8, length - kept));
            }
        }
        out.end_row(valid);
    }
    out.finish_binary()
}
