//! Generated rows as Arrow columns: each value from (seed, path of its field, number of its row) alone.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Int32Array, IntervalDayTimeArray,
    IntervalMonthDayNanoArray, IntervalYearMonthArray, ListArray, MapArray, PrimitiveArray, RecordBatch, RecordBatchOptions, StringArray,
    StructArray, Time32MillisecondArray, TimestampMillisecondArray, UInt32Array,
};
use arrow::buffer::{BooleanBuffer, NullBuffer, OffsetBuffer};
use arrow::compute;
use arrow::datatypes::{
    DataType, DurationMillisecondType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, IntervalDayTime,
    IntervalMonthDayNano, IntervalUnit, SchemaRef,
};
use arrow::row::{RowConverter, SortField};
use flott_engine::{Error, Result};

use super::fields::{Field, Kind, Plan};
use super::kinds::{self, IntervalOf};
use super::random::{Key, below, unit};

const DAY_MS: i64 = 86_400_000;
/// Multisets hold each element up to this many times.
const TIMES_MAX: u64 = 10;

/// What all values of a chunk depend on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    /// The stream of the run's seed.
    pub(crate) key: Key,
    /// The current time, in milliseconds since 1970.
    pub(crate) time_ms: i64,
}

impl Plan {
    /// The rows of these numbers.
    pub(crate) fn generate(&self, rows: Range<u64>, schema: &SchemaRef, run: &Run) -> Result<RecordBatch> {
        let columns = self.columns.iter().map(|f| f.values(&rows, run)).collect::<Result<Vec<ArrayRef>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some((rows.end - rows.start) as usize));
        Ok(RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)?)
    }
}

impl Field {
    /// The values of these numbers, in the declared type. Elements of collections count as rows of their own.
    fn values(&self, rows: &Range<u64>, run: &Run) -> Result<ArrayRef> {
        let key = run.key.named(&self.path);
        let nulls = self.nulls(rows, key);
        let values = match &self.kind {
            Kind::Boolean => Arc::new(BooleanArray::new(bools(rows, |n| key.at(n) >> 63 == 1), nulls)),
            Kind::Integer { min, max } => self.integers(rows, nulls, uniform(key, *min, *max))?,
            Kind::Sequence { start } => self.sequence(rows, nulls, *start)?,
            Kind::Real { min, max } => self.reals(rows, nulls, key, *min, *max),
            Kind::Decimal { min, max } => self.decimals(rows, nulls, |n| wide(key, n, *min, *max))?,
            Kind::Text { length, varies } => {
                let (offsets, bytes) = texts(rows, key, *length, *varies, hex)?;
                Arc::new(StringArray::try_new(offsets, bytes.into(), nulls)?)
            }
            Kind::Bytes { length, varies } => {
                let (offsets, bytes) = texts(rows, key, *length, *varies, raw)?;
                Arc::new(BinaryArray::try_new(offsets, bytes.into(), nulls)?)
            }
            Kind::Past { max_ms } => {
                let zone = match self.arrow.data_type() {
                    DataType::Timestamp(_, zone) => zone.clone(),
                    _ => None,
                };
                let times: Vec<i64> = rows.clone().map(|n| run.time_ms.saturating_sub(below(key.at(n), *max_ms) as i64)).collect();
                Arc::new(TimestampMillisecondArray::try_new(times.into(), nulls)?.with_timezone_opt(zone))
            }
            Kind::Date => {
                let day = run.time_ms.div_euclid(DAY_MS) as i32;
                Arc::new(Date32Array::try_new(rows.clone().map(|_| day).collect(), nulls)?)
            }
            Kind::Time => {
                let time = run.time_ms.rem_euclid(DAY_MS) as i32;
                Arc::new(Time32MillisecondArray::try_new(rows.clone().map(|_| time).collect(), nulls)?)
            }
            Kind::Array { element, length } => self.array(rows, nulls, element, *length, run)?,
            Kind::Map { key, value, length } => {
                let all = elements(rows, *length);
                self.map(rows, nulls, key.values(&all, run)?, value.values(&all, run)?, *length)?
            }
            Kind::Multiset { element, length } => {
                let all = elements(rows, *length);
                let times = Int32Array::from_iter_values(all.clone().map(|n| 1 + below(key.at(n), TIMES_MAX) as i32));
                self.map(rows, nulls, element.values(&all, run)?, Arc::new(times), *length)?
            }
            Kind::Row(fields) => self.row(rows, nulls, fields, run)?,
        };
        self.cast(values)
    }

    fn nulls(&self, rows: &Range<u64>, key: Key) -> Option<NullBuffer> {
        let key = key.named("null");
        (self.null_rate > 0.0).then(|| NullBuffer::new(bools(rows, |n| unit(key.at(n)) >= self.null_rate)))
    }

    /// Integers in the type of the field, which may be that of an interval.
    fn integers(&self, rows: &Range<u64>, nulls: Option<NullBuffer>, value: impl Fn(u64) -> i64) -> Result<ArrayRef> {
        let data_type = self.arrow.data_type();
        Ok(match data_type {
            DataType::Int8 => primitive::<Int8Type>(rows, nulls, |n| value(n) as i8)?,
            DataType::Int16 => primitive::<Int16Type>(rows, nulls, |n| value(n) as i16)?,
            DataType::Int32 => primitive::<Int32Type>(rows, nulls, |n| value(n) as i32)?,
            DataType::Interval(unit) => {
                let months = kinds::interval(&self.arrow) == Some(IntervalOf::Months);
                intervals(*unit, months, rows, nulls, value)?
            }
            DataType::Duration(_) => primitive::<DurationMillisecondType>(rows, nulls, value)?,
            _ => primitive::<Int64Type>(rows, nulls, value)?,
        })
    }

    fn sequence(&self, rows: &Range<u64>, nulls: Option<NullBuffer>, start: i64) -> Result<ArrayRef> {
        // Sequences end before they would wrap.
        let value = |n: u64| start.wrapping_add(n as i64);
        Ok(match self.arrow.data_type() {
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
                let mut bytes = vec![];
                let mut buffer = itoa::Buffer::new();
                let lengths = rows.clone().map(|n| {
                    let text = buffer.format(value(n));
                    bytes.extend_from_slice(text.as_bytes());
                    text.len()
                });
                let offsets = OffsetBuffer::from_lengths(lengths);
                Arc::new(StringArray::try_new(offsets, bytes.into(), nulls)?)
            }
            DataType::Binary => {
                let bytes: Vec<u8> = rows.clone().flat_map(|n| value(n).to_be_bytes()).collect();
                let offsets = OffsetBuffer::from_repeated_length(8, (rows.end - rows.start) as usize);
                Arc::new(BinaryArray::try_new(offsets, bytes.into(), nulls)?)
            }
            DataType::Float32 => primitive::<Float32Type>(rows, nulls, |n| value(n) as f32)?,
            DataType::Float64 => primitive::<Float64Type>(rows, nulls, |n| value(n) as f64)?,
            DataType::Decimal32(_, scale) | DataType::Decimal64(_, scale) | DataType::Decimal128(_, scale) => {
                let one = 10i128.pow(u32::try_from(*scale).unwrap_or(0));
                self.decimals(rows, nulls, |n| i128::from(value(n)) * one)?
            }
            _ => self.integers(rows, nulls, value)?,
        })
    }

    fn reals(&self, rows: &Range<u64>, nulls: Option<NullBuffer>, key: Key, min: f64, max: f64) -> ArrayRef {
        // Weighted ends rather than a difference, which could be infinite.
        let value = |n: u64| {
            let share = unit(key.at(n));
            (min * (1.0 - share) + max * share).clamp(min, max)
        };
        match self.arrow.data_type() {
            DataType::Float32 => Arc::new(PrimitiveArray::<Float32Type>::new(rows.clone().map(|n| value(n) as f32).collect(), nulls)),
            _ => Arc::new(PrimitiveArray::<Float64Type>::new(rows.clone().map(value).collect(), nulls)),
        }
    }

    fn decimals(&self, rows: &Range<u64>, nulls: Option<NullBuffer>, value: impl Fn(u64) -> i128) -> Result<ArrayRef> {
        let (precision, scale) = match self.arrow.data_type() {
            DataType::Decimal32(p, s) | DataType::Decimal64(p, s) | DataType::Decimal128(p, s) => (*p, *s),
            other => return Err(Error::internal(format!("{other} is not a decimal"))),
        };
        let array = Decimal128Array::try_new(rows.clone().map(value).collect(), nulls)?;
        Ok(Arc::new(array.with_precision_and_scale(precision, scale)?))
    }

    fn array(&self, rows: &Range<u64>, nulls: Option<NullBuffer>, element: &Field, length: u32, run: &Run) -> Result<ArrayRef> {
        let DataType::List(field) = self.arrow.data_type() else {
            return Err(Error::internal(format!("{} is not a list", self.arrow.data_type())));
        };
        let values = element.values(&elements(rows, length), run)?;
        let offsets = OffsetBuffer::from_repeated_length(length as usize, (rows.end - rows.start) as usize);
        Ok(Arc::new(ListArray::try_new(Arc::clone(field), offsets, values, nulls)?))
    }

    /// Equal keys of one map count once, so a map may have fewer entries than its length.
    fn map(&self, rows: &Range<u64>, nulls: Option<NullBuffer>, keys: ArrayRef, values: ArrayRef, length: u32) -> Result<ArrayRef> {
        let DataType::Map(entries, sorted) = self.arrow.data_type() else {
            return Err(Error::internal(format!("{} is not a map", self.arrow.data_type())));
        };
        let DataType::Struct(fields) = entries.data_type() else {
            return Err(Error::internal("A map's entries are not a struct"));
        };
        let (kept, lengths) = distinct(&keys, (rows.end - rows.start) as usize, length as usize)?;
        let values = compute::cast(&values, fields[1].data_type())?;
        let columns = vec![compute::take(&keys, &kept, None)?, compute::take(&values, &kept, None)?];
        let structs = StructArray::try_new(fields.clone(), columns, None)?;
        let offsets = OffsetBuffer::from_lengths(lengths);
        Ok(Arc::new(MapArray::try_new(Arc::clone(entries), offsets, structs, nulls, *sorted)?))
    }

    fn row(&self, rows: &Range<u64>, nulls: Option<NullBuffer>, children: &[Field], run: &Run) -> Result<ArrayRef> {
        let DataType::Struct(fields) = self.arrow.data_type() else {
            return Err(Error::internal(format!("{} is not a struct", self.arrow.data_type())));
        };
        // Fields of a NULL row are NULL too, for readers that look at the field alone.
        let absent = nulls.as_ref().map(|nulls| BooleanArray::new(!nulls.inner(), None));
        let columns = children
            .iter()
            .map(|child| {
                let values = child.values(rows, run)?;
                Ok(match &absent {
                    Some(absent) => compute::nullif(&values, absent)?,
                    None => values,
                })
            })
            .collect::<Result<Vec<ArrayRef>>>()?;
        let length = (rows.end - rows.start) as usize;
        Ok(Arc::new(StructArray::try_new_with_length(fields.clone(), columns, nulls, length)?))
    }

    /// Brings values to the declared type, which is the type they have in nearly all tables.
    fn cast(&self, values: ArrayRef) -> Result<ArrayRef> {
        let declared = self.arrow.data_type();
        if values.data_type() == declared {
            return Ok(values);
        }
        compute::cast(&values, declared)
            .map_err(|e| Error::config(format!("Unsupported type of '{}' for connector 'datagen': {e}", self.path)))
    }
}

/// The numbers of all elements of the collections of these rows.
fn elements(rows: &Range<u64>, length: u32) -> Range<u64> {
    let length = u64::from(length);
    rows.start * length..rows.end * length
}

fn bools(rows: &Range<u64>, value: impl Fn(u64) -> bool) -> BooleanBuffer {
    BooleanBuffer::collect_bool((rows.end - rows.start) as usize, |i| value(rows.start + i as u64))
}

fn primitive<T: ArrowPrimitiveType>(rows: &Range<u64>, nulls: Option<NullBuffer>, value: impl Fn(u64) -> T::Native) -> Result<ArrayRef> {
    Ok(Arc::new(PrimitiveArray::<T>::try_new(rows.clone().map(value).collect(), nulls)?))
}

fn intervals(
    unit: IntervalUnit,
    months: bool,
    rows: &Range<u64>,
    nulls: Option<NullBuffer>,
    value: impl Fn(u64) -> i64,
) -> Result<ArrayRef> {
    let days_and_rest = |n: u64| (value(n).div_euclid(DAY_MS) as i32, value(n).rem_euclid(DAY_MS));
    Ok(match unit {
        IntervalUnit::YearMonth => Arc::new(IntervalYearMonthArray::try_new(rows.clone().map(|n| value(n) as i32).collect(), nulls)?),
        IntervalUnit::DayTime => {
            let values = rows.clone().map(days_and_rest).map(|(days, ms)| IntervalDayTime::new(days, ms as i32));
            Arc::new(IntervalDayTimeArray::try_new(values.collect(), nulls)?)
        }
        IntervalUnit::MonthDayNano => {
            let values = rows.clone().map(|n| {
                if months {
                    return IntervalMonthDayNano::new(value(n) as i32, 0, 0);
                }
                let (days, ms) = days_and_rest(n);
                IntervalMonthDayNano::new(0, days, ms * 1_000_000)
            });
            Arc::new(IntervalMonthDayNanoArray::try_new(values.collect(), nulls)?)
        }
    })
}

/// Uniform integers, both ends included.
fn uniform(key: Key, min: i64, max: i64) -> impl Fn(u64) -> i64 {
    // The number of values; 0 stands for all of them.
    let span = (max.wrapping_sub(min) as u64).wrapping_add(1);
    move |n| {
        let random = key.at(n);
        if span == 0 { random as i64 } else { min.wrapping_add(below(random, span) as i64) }
    }
}

/// A uniform integer of up to 128 bits, both ends included.
fn wide(key: Key, n: u64, min: i128, max: i128) -> i128 {
    let span = (max.wrapping_sub(min) as u128).wrapping_add(1);
    if let Ok(span) = u64::try_from(span) {
        return min + i128::from(below(key.at(n), span));
    }
    let key = key.child(n);
    let bits = 128 - (span - 1).leading_zeros();
    // Cut to the bits of the span, a number fits more often than not; the tries are bounded, so that this ends.
    let fits = (0..256).map(|i| {
        let random = (u128::from(key.at(2 * i)) << 64) | u128::from(key.at(2 * i + 1));
        random >> (128 - bits)
    });
    min.wrapping_add(fits.into_iter().find(|r| *r < span).unwrap_or(0) as i128)
}

/// Texts of equal or of varying length, which is at least 1 then; `write` appends so many bytes from a stream.
fn texts(
    rows: &Range<u64>,
    key: Key,
    length: u32,
    varies: bool,
    write: impl Fn(Key, usize, &mut Vec<u8>),
) -> Result<(OffsetBuffer<i32>, Vec<u8>)> {
    let count = (rows.end - rows.start) as usize;
    let length = length as usize;
    if count.saturating_mul(length) > i32::MAX as usize {
        return Err(Error::internal("A chunk of generated texts exceeds 2 GiB"));
    }
    // Room to write whole words beyond the last text.
    let mut bytes = Vec::with_capacity(count * length + 32);
    if !varies {
        rows.clone().for_each(|n| write(key.child(n), length, &mut bytes));
        return Ok((OffsetBuffer::from_repeated_length(length, count), bytes));
    }
    let sizes = key.named("length");
    let lengths = rows.clone().map(|n| {
        let own = (1 + below(sizes.at(n), length as u64) as usize).min(length);
        write(key.child(n), own, &mut bytes);
        own
    });
    let offsets = OffsetBuffer::from_lengths(lengths);
    Ok((offsets, bytes))
}

/// Appends hexadecimal digits.
fn hex(key: Key, length: usize, out: &mut Vec<u8>) {
    let end = out.len() + length;
    for i in 0..length.div_ceil(16) as u64 {
        out.extend_from_slice(&hex_digits(key.at(i)));
    }
    out.truncate(end);
}

/// The 16 hexadecimal digits of a number: all at once, as bytes of one wide number.
#[inline]
fn hex_digits(random: u64) -> [u8; 16] {
    const NIBBLES: u128 = 0x0F0F_0F0F_0F0F_0F0F_0F0F_0F0F_0F0F_0F0F;
    const ONES: u128 = 0x0101_0101_0101_0101_0101_0101_0101_0101;
    // Any half of the bits of each byte will do, so the two halves of all bytes lie one after the other.
    let nibbles = (u128::from(random) | (u128::from(random >> 4) << 64)) & NIBBLES;
    // Digits above 9 reach bit 4 when 6 is added, and lie 39 further on.
    let letters = ((nibbles + ONES * 6) >> 4) & ONES;
    (nibbles + ONES * u128::from(b'0') + letters * 39).to_le_bytes()
}

/// Appends random bytes.
fn raw(key: Key, length: usize, out: &mut Vec<u8>) {
    let end = out.len() + length;
    for i in 0..length.div_ceil(8) as u64 {
        out.extend_from_slice(&key.at(i).to_le_bytes());
    }
    out.truncate(end);
}

/// Of `rows` groups of `length` keys, the places of each group's distinct keys, and how many they are in each group.
fn distinct(keys: &ArrayRef, rows: usize, length: usize) -> Result<(UInt32Array, Vec<usize>)> {
    let converter = RowConverter::new(vec![SortField::new(keys.data_type().clone())])?;
    let comparable = converter.convert_columns(std::slice::from_ref(keys))?;
    let (mut kept, mut lengths) = (Vec::with_capacity(rows * length), Vec::with_capacity(rows));
    for start in (0..rows).map(|row| row * length) {
        let before = kept.len();
        let group = start..start + length;
        kept.extend(group.filter(|i| (start..*i).all(|j| comparable.row(j) != comparable.row(*i))).map(|i| i as u32));
        lengths.push(kept.len() - before);
    }
    Ok((UInt32Array::from(kept), lengths))
}
