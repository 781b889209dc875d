//! Arrow columns with their types resolved once a batch, for encoders that go row by row.

use std::cell::Cell;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float32Array, Float64Array, Int8Array, Int16Array,
    Int32Array, Int64Array, IntervalMonthDayNanoArray, ListArray, MapArray, StringArray, Time32MillisecondArray,
};
use arrow::buffer::NullBuffer;
use arrow::compute;
use arrow::datatypes::{DataType, Field, Int64Type, IntervalUnit, TimeUnit};
use flott_engine::Result;
use flott_engine::text::{self, TYPE_KEY};

use super::scalar::no_text;

/// A column, ready to be written value by value.
pub struct Cells {
    /// The values.
    pub kind: Kind,
    nulls: Option<NullBuffer>,
}

/// A minute as text: timestamps that follow each other mostly lie in the same one.
#[derive(Clone, Copy, Default)]
pub struct Minute {
    /// Its first instant, in the column's unit.
    start: i64,
    /// `2024-01-31 10:11:` with a separator; the first byte is 0 if there is none yet.
    text: [u8; 17],
}

/// Values by type.
pub enum Kind {
    Null,
    Boolean(BooleanArray),
    Int8(Int8Array),
    Int16(Int16Array),
    Int32(Int32Array),
    Int64(Int64Array),
    Float32(Float32Array),
    Float64(Float64Array),
    Decimal(Decimal128Array, i8),
    String(StringArray),
    Binary(BinaryArray),
    Date(Date32Array),
    Time(Time32MillisecondArray),
    Timestamp {
        /// Since 1970, in units of 1/`per_second` second.
        values: Int64Array,
        per_second: i64,
        /// `TIMESTAMP_LTZ`.
        utc: bool,
        /// The minute of the value that was written last.
        minute: Cell<Minute>,
    },
    /// True: months, else milliseconds.
    Interval(IntervalMonthDayNanoArray, bool),
    List(ListArray, Box<Cells>),
    Map(MapArray, Box<Cells>, Box<Cells>),
    Row(Vec<(String, Cells)>),
}

impl Cells {
    /// Resolves a column. Fails for types that no text format carries.
    pub fn new(array: &ArrayRef, field: &Field) -> Result<Self> {
        let kind = match array.data_type() {
            DataType::Null => Kind::Null,
            DataType::Boolean => Kind::Boolean(array.as_boolean().clone()),
            DataType::Int8 => Kind::Int8(array.as_primitive().clone()),
            DataType::Int16 => Kind::Int16(array.as_primitive().clone()),
            DataType::Int32 => Kind::Int32(array.as_primitive().clone()),
            DataType::Int64 => Kind::Int64(array.as_primitive().clone()),
            DataType::Float32 => Kind::Float32(array.as_primitive().clone()),
            DataType::Float64 => Kind::Float64(array.as_primitive().clone()),
            DataType::Decimal128(_, scale) => Kind::Decimal(array.as_primitive().clone(), *scale),
            DataType::Utf8 => Kind::String(array.as_string().clone()),
            DataType::Binary => Kind::Binary(array.as_binary().clone()),
            DataType::Date32 => Kind::Date(array.as_primitive().clone()),
            DataType::Time32(TimeUnit::Millisecond) => Kind::Time(array.as_primitive().clone()),
            DataType::Timestamp(unit, zone) => Kind::Timestamp {
                values: compute::cast(array, &DataType::Int64)?.as_primitive::<Int64Type>().clone(),
                per_second: match unit {
                    TimeUnit::Second => 1,
                    TimeUnit::Millisecond => 1_000,
                    TimeUnit::Microsecond => 1_000_000,
                    TimeUnit::Nanosecond => 1_000_000_000,
                },
                utc: zone.is_some(),
                minute: Cell::default(),
            },
            DataType::Interval(IntervalUnit::MonthDayNano) => {
                let months = field.metadata().get(TYPE_KEY).is_some_and(|t| t.contains("MONTH") || t.contains("YEAR"));
                Kind::Interval(array.as_primitive().clone(), months)
            }
            DataType::List(element) => {
                let list: &ListArray = array.as_list();
                Kind::List(list.clone(), Box::new(Cells::new(list.values(), element)?))
            }
            DataType::Map(_, _) => {
                let map: &MapArray = array.as_map();
                let fields = map.entries().fields();
                let keys = Cells::new(map.keys(), &fields[0])?;
                let values = Cells::new(map.values(), &fields[1])?;
                Kind::Map(map.clone(), Box::new(keys), Box::new(values))
            }
            DataType::Struct(fields) => {
                let columns = array.as_struct().columns();
                let members = fields.iter().zip(columns).map(|(f, c)| Ok((f.name().clone(), Cells::new(c, f)?)));
                Kind::Row(members.collect::<Result<_>>()?)
            }
            DataType::Utf8View | DataType::LargeUtf8 | DataType::Dictionary(_, _) => {
                Kind::String(compute::cast(array, &DataType::Utf8)?.as_string().clone())
            }
            other => {
                return Err(no_text(field.name(), other));
            }
        };
        Ok(Self { kind, nulls: array.logical_nulls() })
    }

    /// Whether the value is NULL.
    #[inline]
    pub fn is_null(&self, row: usize) -> bool {
        self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row))
    }

    /// An interval as the number that formats write: months or milliseconds. 0 for other types.
    pub fn interval(&self, row: usize) -> i64 {
        let Kind::Interval(values, months) = &self.kind else { return 0 };
        let value = values.value(row);
        if *months { value.months.into() } else { i64::from(value.days) * 86_400_000 + value.nanoseconds / 1_000_000 }
    }

    /// Appends a date, time or timestamp: fractions as short as possible, and `Z` after a `TIMESTAMP_LTZ` if `zone` is true.
    pub fn push_time_text(&self, row: usize, separator: u8, zone: bool, out: &mut Vec<u8>) {
        match &self.kind {
            Kind::Date(a) => text::push_date(out, a.value(row)),
            Kind::Time(a) => {
                let millis = a.value(row);
                text::push_time(out, millis, if millis % 1_000 == 0 { 0 } else { 3 });
            }
            Kind::Timestamp { values, per_second, utc, minute } => {
                push_timestamp(values.value(row), *per_second, minute, separator, out);
                if *utc && zone {
                    out.push(b'Z');
                }
            }
            _ => {}
        }
    }
}

/// Appends a timestamp with a fraction as short as possible.
fn push_timestamp(value: i64, per_second: i64, minute: &Cell<Minute>, separator: u8, out: &mut Vec<u8>) {
    let known = minute.get();
    let offset = value.wrapping_sub(known.start);
    if (0..60 * per_second).contains(&offset) && known.text[10] == separator {
        let (second, fraction) = ((offset / per_second) as u8, offset % per_second);
        out.extend_from_slice(&known.text);
        out.extend_from_slice(&[b'0' + second / 10, b'0' + second % 10]);
        if fraction != 0 {
            push_fraction(fraction, per_second, out);
        }
        return;
    }
    let begun = out.len();
    let second = value.div_euclid(per_second);
    let nanos = value.rem_euclid(per_second) * (1_000_000_000 / per_second);
    text::push_timestamp(out, second, nanos as u32, 0, separator);
    // Years before 0 and after 9999 are longer.
    if let Some(text) = out.get(begun..begun + 17).and_then(|text| text.first_chunk::<17>())
        && text[16] == b':'
        && let Some(start) = second.div_euclid(60).checked_mul(60 * per_second)
    {
        minute.set(Minute { start, text: *text });
    }
}

/// Appends a fraction of a second that is not 0, without zeros at its end.
fn push_fraction(mut fraction: i64, mut per_second: i64, out: &mut Vec<u8>) {
    out.push(b'.');
    while fraction != 0 {
        per_second /= 10;
        out.push(b'0' + (fraction / per_second) as u8);
        fraction %= per_second;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn timestamps_of_one_minute_and_others(
            unit in 0u32..4,
            steps in proptest::collection::vec(prop_oneof![
                4 => -90_000i64..90_000,
                1 => any::<i64>(),
                1 => (-100i64..100).prop_map(|minutes| minutes * 60_000_000_000),
            ], 1..30),
        ) {
            let per_second = 1_000i64.pow(unit);
            let minute = Cell::default();
            let mut value = 1_704_164_645 * per_second;
            for step in steps {
                value = value.wrapping_add(step);
                let (mut found, mut wanted) = (vec![], vec![]);
                push_timestamp(value, per_second, &minute, b' ', &mut found);
                let nanos = value.rem_euclid(per_second) * (1_000_000_000 / per_second);
                text::push_timestamp(&mut wanted, value.div_euclid(per_second), nanos as u32, 0, b' ');
                prop_assert_eq!(String::from_utf8_lossy(&found), String::from_utf8_lossy(&wanted));
            }
        }
    }
}
