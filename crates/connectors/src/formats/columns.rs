//! Builders of Arrow columns that can take back what they were given, which Arrow's own cannot: a row that turns out bad in its
//! last column leaves no trace in the others.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, BinaryArray, BooleanArray, BooleanBufferBuilder, ListArray, MapArray, NullArray,
    NullBufferBuilder, PrimitiveArray, StringArray, StructArray,
};
use arrow::buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{
    ArrowNativeType, DataType, Date32Type, Decimal128Type, Field, FieldRef, Fields, Float32Type, Float64Type, Int8Type, Int16Type,
    Int32Type, Int64Type, IntervalMonthDayNano, IntervalMonthDayNanoType, IntervalUnit, Time32MillisecondType, TimeUnit,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
};
use flott_engine::text::{TYPE_KEY, timestamp_precision};
use flott_engine::{Error, Result};

/// A column under construction.
pub enum Column {
    Null(usize),
    Boolean(Booleans),
    Int8(Values<i8>),
    Int16(Values<i16>),
    Int32(Values<i32>),
    Int64(Values<i64>),
    Float32(Values<f32>),
    Float64(Values<f64>),
    Decimal(Values<i128>, u8, i8),
    String(Strings),
    Binary(Bytes),
    Date(Values<i32>),
    /// Milliseconds of the day, and how many of them the declared precision tells apart.
    Time(Values<i32>, i32),
    Timestamp(Values<i64>, TimestampKind),
    /// True: counts months, else milliseconds.
    Interval(Values<IntervalMonthDayNano>, bool),
    List(Box<List>),
    Map(Box<Map>),
    Row(Box<Row>),
}

/// Unit and zone of a timestamp column.
#[derive(Clone, Debug)]
pub struct TimestampKind {
    /// What a value counts.
    pub unit: TimeUnit,
    /// `TIMESTAMP_LTZ`.
    pub utc: bool,
    /// The Arrow type in full.
    pub data_type: DataType,
}

/// Fixed-width values; a NULL keeps a zero.
pub struct Values<T> {
    values: Vec<T>,
    nulls: NullBufferBuilder,
}

/// Truth values.
pub struct Booleans {
    values: BooleanBufferBuilder,
    nulls: NullBufferBuilder,
}

/// Byte strings, one after the other.
pub struct Bytes {
    /// All values without gaps. Whoever writes here ends the value with [`Bytes::end`].
    pub data: Vec<u8>,
    offsets: Vec<i32>,
    nulls: NullBufferBuilder,
}

/// Strings, one after the other.
pub struct Strings {
    /// All values without gaps. Whoever writes here ends the value with [`Strings::end`].
    pub text: String,
    offsets: Vec<i32>,
    nulls: NullBufferBuilder,
}

/// Lists of one element type.
pub struct List {
    pub element: Column,
    pub field: FieldRef,
    offsets: Vec<i32>,
    nulls: NullBufferBuilder,
}

/// Maps; keys are strings in all formats.
pub struct Map {
    pub keys: Column,
    pub values: Column,
    pub entries: FieldRef,
    offsets: Vec<i32>,
    nulls: NullBufferBuilder,
}

/// Nested rows. NULL rows reach the children only when the next row with a value comes, all at once, so that a column that is
/// mostly NULL costs next to nothing.
pub struct Row {
    pub fields: Fields,
    pub columns: Vec<Column>,
    /// Rows that the children have.
    filled: usize,
    nulls: NullBufferBuilder,
}

impl<T: Copy + Default> Values<T> {
    fn new(rows: usize) -> Self {
        Self { values: Vec::with_capacity(rows), nulls: NullBufferBuilder::new(rows) }
    }

    /// Appends a value.
    #[inline]
    pub fn push(&mut self, value: T) {
        self.values.push(value);
        self.nulls.append_non_null();
    }

    fn push_nulls(&mut self, count: usize) {
        self.values.resize(self.values.len() + count, T::default());
        self.nulls.append_n_nulls(count);
    }

    fn truncate(&mut self, rows: usize) {
        self.values.truncate(rows);
        self.nulls.truncate(rows);
    }

    fn finish<P: ArrowPrimitiveType<Native = T>>(mut self, data_type: &DataType) -> ArrayRef
    where
        T: ArrowNativeType,
    {
        let array = PrimitiveArray::<P>::new(ScalarBuffer::from(self.values), self.nulls.finish());
        Arc::new(if array.data_type() == data_type { array } else { array.with_data_type(data_type.clone()) })
    }
}

impl Bytes {
    fn new(rows: usize) -> Self {
        let mut offsets = Vec::with_capacity(rows + 1);
        offsets.push(0);
        Self { data: Vec::new(), offsets, nulls: NullBufferBuilder::new(rows) }
    }

    /// Appends a value.
    #[inline]
    pub fn push(&mut self, value: &[u8]) {
        self.data.extend_from_slice(value);
        self.end();
    }

    /// Ends the value that was written to `data`.
    #[inline]
    pub fn end(&mut self) {
        // An overflow is found when the column is finished, since the lengths then do not add up.
        self.offsets.push(self.data.len() as i32);
        self.nulls.append_non_null();
    }

    /// Drops what was written to `data` since the last value ended.
    pub fn abandon(&mut self) {
        let end = self.offsets.last().copied().unwrap_or(0) as usize;
        self.data.truncate(end);
    }

    fn push_nulls(&mut self, count: usize) {
        let end = self.data.len() as i32;
        self.offsets.resize(self.offsets.len() + count, end);
        self.nulls.append_n_nulls(count);
    }

    fn truncate(&mut self, rows: usize) {
        self.offsets.truncate(rows + 1);
        self.abandon();
        self.nulls.truncate(rows);
    }

    fn finish(mut self) -> Result<ArrayRef> {
        checked_length(self.data.len())?;
        self.abandon();
        // Offsets only grow, and the length check above rules out an overflow on the way.
        let offsets = OffsetBuffer::new(ScalarBuffer::from(self.offsets));
        Ok(Arc::new(BinaryArray::try_new(offsets, Buffer::from_vec(self.data), self.nulls.finish())?))
    }
}

impl Strings {
    fn new(rows: usize) -> Self {
        let mut offsets = Vec::with_capacity(rows + 1);
        offsets.push(0);
        Self { text: String::new(), offsets, nulls: NullBufferBuilder::new(rows) }
    }

    /// Appends a value.
    #[inline]
    pub fn push(&mut self, value: &str) {
        self.text.push_str(value);
        self.end();
    }

    /// Appends a part of a larger text; faster than [`Strings::push`] for short parts.
    #[inline]
    pub fn push_part(&mut self, whole: &str, start: usize, end: usize) {
        const BLOCK: usize = 64;
        let part = &whole[start..end];
        let length = self.text.len();
        if part.len() <= BLOCK && start + BLOCK <= whole.len() && self.text.capacity() - length >= BLOCK {
            // SAFETY: the part begins `BLOCK` or more bytes before the end of `whole`, and the string has room for so many; they
            // are different allocations, since one is borrowed mutably. Only the part itself becomes the string's, and it is UTF-8.
            unsafe {
                let text = self.text.as_mut_vec();
                std::ptr::copy_nonoverlapping(whole.as_ptr().add(start), text.as_mut_ptr().add(length), BLOCK);
                text.set_len(length + part.len());
            }
        } else {
            self.text.push_str(part);
        }
        self.end();
    }

    /// Ends the value that was written to `text`.
    #[inline]
    pub fn end(&mut self) {
        // An overflow is found when the column is finished, since the lengths then do not add up.
        self.offsets.push(self.text.len() as i32);
        self.nulls.append_non_null();
    }

    /// Drops what was written to `text` since the last value ended.
    pub fn abandon(&mut self) {
        let end = self.offsets.last().copied().unwrap_or(0) as usize;
        self.text.truncate(end);
    }

    /// A value by position.
    pub fn get(&self, row: usize) -> &str {
        &self.text[self.offsets[row] as usize..self.offsets[row + 1] as usize]
    }

    fn push_nulls(&mut self, count: usize) {
        let end = self.text.len() as i32;
        self.offsets.resize(self.offsets.len() + count, end);
        self.nulls.append_n_nulls(count);
    }

    fn truncate(&mut self, rows: usize) {
        self.offsets.truncate(rows + 1);
        self.abandon();
        self.nulls.truncate(rows);
    }

    fn finish(mut self) -> Result<ArrayRef> {
        checked_length(self.text.len())?;
        self.abandon();
        let offsets = OffsetBuffer::new(ScalarBuffer::from(self.offsets));
        let data = Buffer::from_vec(self.text.into_bytes());
        // SAFETY: the buffer was a `String`, every offset is a length that it had after whole strings were appended, offsets only
        // grow, and there are as many of them as there are validity bits, plus one.
        Ok(Arc::new(unsafe { StringArray::new_unchecked(offsets, data, self.nulls.finish()) }))
    }
}

fn checked_length(length: usize) -> Result<()> {
    if i32::try_from(length).is_err() {
        return Err(Error::data("One piece of input holds more than 2 GiB of text in a column").help("Cut the records smaller"));
    }
    Ok(())
}

impl List {
    /// Ends a list whose elements were appended to `element`.
    #[inline]
    pub fn end(&mut self) {
        self.offsets.push(self.element.len() as i32);
        self.nulls.append_non_null();
    }

    /// Number of elements of the lists that have ended.
    pub fn ended(&self) -> usize {
        self.offsets.last().copied().unwrap_or(0) as usize
    }

    fn push_nulls(&mut self, count: usize) {
        let end = self.ended() as i32;
        self.offsets.resize(self.offsets.len() + count, end);
        self.nulls.append_n_nulls(count);
    }

    fn truncate(&mut self, rows: usize) {
        self.offsets.truncate(rows + 1);
        self.element.truncate(self.ended());
        self.nulls.truncate(rows);
    }
}

impl Map {
    /// Ends a map whose entries were appended to `keys` and `values`.
    #[inline]
    pub fn end(&mut self) {
        self.offsets.push(self.keys.len() as i32);
        self.nulls.append_non_null();
    }

    /// Number of entries of the maps that have ended.
    pub fn ended(&self) -> usize {
        self.offsets.last().copied().unwrap_or(0) as usize
    }

    fn push_nulls(&mut self, count: usize) {
        let end = self.ended() as i32;
        self.offsets.resize(self.offsets.len() + count, end);
        self.nulls.append_n_nulls(count);
    }

    fn truncate(&mut self, rows: usize) {
        self.offsets.truncate(rows + 1);
        self.keys.truncate(self.ended());
        self.values.truncate(self.ended());
        self.nulls.truncate(rows);
    }
}

impl Row {
    /// Prepares the children for a row with a value; returns how many rows they then have.
    #[inline]
    pub fn begin(&mut self) -> usize {
        let behind = self.nulls.len() - self.filled;
        if behind > 0 {
            for column in &mut self.columns {
                column.push_nulls(behind);
            }
            self.filled += behind;
        }
        self.filled
    }

    /// Ends a row: every child has exactly one value more.
    #[inline]
    pub fn end(&mut self) {
        self.filled += 1;
        self.nulls.append_non_null();
    }

    fn truncate(&mut self, rows: usize) {
        self.nulls.truncate(rows);
        self.filled = self.filled.min(rows);
        for column in &mut self.columns {
            column.truncate(self.filled);
        }
    }
}

impl Column {
    /// A builder for a field, with room for so many rows. Fails for types that no text format carries.
    pub fn new(field: &Field, rows: usize) -> Result<Self> {
        let nulls = || NullBufferBuilder::new(rows);
        let offsets = || {
            let mut offsets = Vec::with_capacity(rows + 1);
            offsets.push(0);
            offsets
        };
        Ok(match field.data_type() {
            DataType::Null => Column::Null(0),
            DataType::Boolean => Column::Boolean(Booleans { values: BooleanBufferBuilder::new(rows), nulls: nulls() }),
            DataType::Int8 => Column::Int8(Values::new(rows)),
            DataType::Int16 => Column::Int16(Values::new(rows)),
            DataType::Int32 => Column::Int32(Values::new(rows)),
            DataType::Int64 => Column::Int64(Values::new(rows)),
            DataType::Float32 => Column::Float32(Values::new(rows)),
            DataType::Float64 => Column::Float64(Values::new(rows)),
            DataType::Decimal128(precision, scale) => Column::Decimal(Values::new(rows), *precision, *scale),
            DataType::Utf8 => Column::String(Strings::new(rows)),
            DataType::Binary => Column::Binary(Bytes::new(rows)),
            DataType::Date32 => Column::Date(Values::new(rows)),
            DataType::Time32(TimeUnit::Millisecond) => {
                let step = [1_000, 100, 10].get(usize::from(timestamp_precision(field))).copied().unwrap_or(1);
                Column::Time(Values::new(rows), step)
            }
            data_type @ DataType::Timestamp(unit, zone) => {
                let kind = TimestampKind { unit: *unit, utc: zone.is_some(), data_type: data_type.clone() };
                Column::Timestamp(Values::new(rows), kind)
            }
            DataType::Interval(IntervalUnit::MonthDayNano) => {
                let months = field.metadata().get(TYPE_KEY).is_some_and(|t| t.contains("MONTH") || t.contains("YEAR"));
                Column::Interval(Values::new(rows), months)
            }
            DataType::List(element) => Column::List(Box::new(List {
                element: Column::new(element, rows)?,
                field: element.clone(),
                offsets: offsets(),
                nulls: nulls(),
            })),
            DataType::Map(entries, _) => match entries.data_type() {
                DataType::Struct(fields) if fields.len() == 2 => Column::Map(Box::new(Map {
                    keys: Column::new(&fields[0], rows)?,
                    values: Column::new(&fields[1], rows)?,
                    entries: entries.clone(),
                    offsets: offsets(),
                    nulls: nulls(),
                })),
                other => return Err(Error::internal(format!("Map entries of type {other}"))),
            },
            DataType::Struct(fields) => Column::Row(Box::new(Row {
                fields: fields.clone(),
                columns: fields.iter().map(|f| Column::new(f, rows)).collect::<Result<_>>()?,
                filled: 0,
                nulls: nulls(),
            })),
            other => {
                return Err(Error::config(format!("Column {} has type {other}, which text formats cannot carry", field.name())));
            }
        })
    }

    /// Rows so far.
    pub fn len(&self) -> usize {
        match self {
            Column::Null(rows) => *rows,
            Column::Boolean(c) => c.nulls.len(),
            Column::Int8(c) => c.values.len(),
            Column::Int16(c) => c.values.len(),
            Column::Int32(c) | Column::Date(c) | Column::Time(c, _) => c.values.len(),
            Column::Int64(c) | Column::Timestamp(c, _) => c.values.len(),
            Column::Float32(c) => c.values.len(),
            Column::Float64(c) => c.values.len(),
            Column::Decimal(c, _, _) => c.values.len(),
            Column::Interval(c, _) => c.values.len(),
            Column::String(c) => c.offsets.len() - 1,
            Column::Binary(c) => c.offsets.len() - 1,
            Column::List(c) => c.offsets.len() - 1,
            Column::Map(c) => c.offsets.len() - 1,
            Column::Row(c) => c.nulls.len(),
        }
    }

    /// Whether a row is NULL.
    pub fn is_null(&self, row: usize) -> bool {
        let nulls = match self {
            Column::Null(_) => return true,
            Column::Boolean(c) => &c.nulls,
            Column::Int8(c) => &c.nulls,
            Column::Int16(c) => &c.nulls,
            Column::Int32(c) | Column::Date(c) | Column::Time(c, _) => &c.nulls,
            Column::Int64(c) | Column::Timestamp(c, _) => &c.nulls,
            Column::Float32(c) => &c.nulls,
            Column::Float64(c) => &c.nulls,
            Column::Decimal(c, _, _) => &c.nulls,
            Column::Interval(c, _) => &c.nulls,
            Column::String(c) => &c.nulls,
            Column::Binary(c) => &c.nulls,
            Column::List(c) => &c.nulls,
            Column::Map(c) => &c.nulls,
            Column::Row(c) => &c.nulls,
        };
        !nulls.is_valid(row)
    }

    /// Appends NULL.
    #[inline]
    pub fn push_null(&mut self) {
        self.push_nulls(1);
    }

    /// Appends NULL so many times.
    pub fn push_nulls(&mut self, count: usize) {
        match self {
            Column::Null(rows) => *rows += count,
            Column::Boolean(c) => {
                c.values.append_n(count, false);
                c.nulls.append_n_nulls(count);
            }
            Column::Int8(c) => c.push_nulls(count),
            Column::Int16(c) => c.push_nulls(count),
            Column::Int32(c) | Column::Date(c) | Column::Time(c, _) => c.push_nulls(count),
            Column::Int64(c) | Column::Timestamp(c, _) => c.push_nulls(count),
            Column::Float32(c) => c.push_nulls(count),
            Column::Float64(c) => c.push_nulls(count),
            Column::Decimal(c, _, _) => c.push_nulls(count),
            Column::Interval(c, _) => c.push_nulls(count),
            Column::String(c) => c.push_nulls(count),
            Column::Binary(c) => c.push_nulls(count),
            Column::List(c) => c.push_nulls(count),
            Column::Map(c) => c.push_nulls(count),
            Column::Row(c) => c.nulls.append_n_nulls(count),
        }
    }

    /// Takes back all rows from `rows` on, also a row that was begun and not ended.
    pub fn truncate(&mut self, rows: usize) {
        match self {
            Column::Null(all) => *all = (*all).min(rows),
            Column::Boolean(c) => {
                c.values.truncate(rows);
                c.nulls.truncate(rows);
            }
            Column::Int8(c) => c.truncate(rows),
            Column::Int16(c) => c.truncate(rows),
            Column::Int32(c) | Column::Date(c) | Column::Time(c, _) => c.truncate(rows),
            Column::Int64(c) | Column::Timestamp(c, _) => c.truncate(rows),
            Column::Float32(c) => c.truncate(rows),
            Column::Float64(c) => c.truncate(rows),
            Column::Decimal(c, _, _) => c.truncate(rows),
            Column::Interval(c, _) => c.truncate(rows),
            Column::String(c) => c.truncate(rows),
            Column::Binary(c) => c.truncate(rows),
            Column::List(c) => c.truncate(rows),
            Column::Map(c) => c.truncate(rows),
            Column::Row(c) => c.truncate(rows),
        }
    }

    /// Appends a truth value.
    #[inline]
    pub fn push_bool(column: &mut Booleans, value: bool) {
        column.values.append(value);
        column.nulls.append_non_null();
    }

    /// Makes room for about `factor` times what was appended so far, from a sample of the rows to come.
    pub fn reserve_by(&mut self, factor: f64) {
        let more = |length: usize| (length as f64 * factor) as usize + 16;
        match self {
            Column::String(c) => {
                c.text.reserve(more(c.text.len()));
                c.offsets.reserve(more(c.offsets.len()));
            }
            Column::Binary(c) => {
                c.data.reserve(more(c.data.len()));
                c.offsets.reserve(more(c.offsets.len()));
            }
            Column::Int64(c) | Column::Timestamp(c, _) => c.values.reserve(more(c.values.len())),
            Column::Int32(c) | Column::Date(c) | Column::Time(c, _) => c.values.reserve(more(c.values.len())),
            Column::Float64(c) => c.values.reserve(more(c.values.len())),
            Column::List(c) => c.element.reserve_by(factor),
            Column::Map(c) => {
                c.keys.reserve_by(factor);
                c.values.reserve_by(factor);
            }
            Column::Row(c) => c.columns.iter_mut().for_each(|column| column.reserve_by(factor)),
            _ => {}
        }
    }

    /// The finished array.
    pub fn finish(self) -> Result<ArrayRef> {
        Ok(match self {
            Column::Null(rows) => Arc::new(NullArray::new(rows)),
            Column::Boolean(mut c) => Arc::new(BooleanArray::new(c.values.finish(), c.nulls.finish())),
            Column::Int8(c) => c.finish::<Int8Type>(&DataType::Int8),
            Column::Int16(c) => c.finish::<Int16Type>(&DataType::Int16),
            Column::Int32(c) => c.finish::<Int32Type>(&DataType::Int32),
            Column::Int64(c) => c.finish::<Int64Type>(&DataType::Int64),
            Column::Float32(c) => c.finish::<Float32Type>(&DataType::Float32),
            Column::Float64(c) => c.finish::<Float64Type>(&DataType::Float64),
            Column::Decimal(c, precision, scale) => c.finish::<Decimal128Type>(&DataType::Decimal128(precision, scale)),
            Column::Date(c) => c.finish::<Date32Type>(&DataType::Date32),
            Column::Time(c, _) => c.finish::<Time32MillisecondType>(&DataType::Time32(TimeUnit::Millisecond)),
            Column::Timestamp(c, kind) => match kind.unit {
                TimeUnit::Second => c.finish::<TimestampSecondType>(&kind.data_type),
                TimeUnit::Millisecond => c.finish::<TimestampMillisecondType>(&kind.data_type),
                TimeUnit::Microsecond => c.finish::<TimestampMicrosecondType>(&kind.data_type),
                TimeUnit::Nanosecond => c.finish::<TimestampNanosecondType>(&kind.data_type),
            },
            Column::Interval(c, _) => c.finish::<IntervalMonthDayNanoType>(&DataType::Interval(IntervalUnit::MonthDayNano)),
            Column::String(c) => c.finish()?,
            Column::Binary(c) => c.finish()?,
            Column::List(mut c) => {
                checked_length(c.element.len())?;
                let offsets = OffsetBuffer::new(ScalarBuffer::from(c.offsets));
                Arc::new(ListArray::try_new(c.field, offsets, c.element.finish()?, c.nulls.finish())?)
            }
            Column::Map(mut c) => {
                checked_length(c.keys.len())?;
                let DataType::Struct(fields) = c.entries.data_type().clone() else {
                    return Err(Error::internal("Map entries that are no struct"));
                };
                let entries = StructArray::try_new(fields, vec![c.keys.finish()?, c.values.finish()?], None)?;
                let offsets = OffsetBuffer::new(ScalarBuffer::from(c.offsets));
                Arc::new(MapArray::try_new(c.entries, offsets, entries, c.nulls.finish(), false)?)
            }
            Column::Row(mut c) => {
                c.begin();
                let rows = c.nulls.len();
                let columns = c.columns.into_iter().map(Column::finish).collect::<Result<Vec<_>>>()?;
                Arc::new(StructArray::try_new_with_length(c.fields, columns, c.nulls.finish(), rows)?)
            }
        })
    }
}

/// The finished columns as a batch of `rows` rows.
pub fn finish_batch(
    schema: &arrow::datatypes::SchemaRef,
    columns: Vec<Column>,
    rows: usize,
) -> Result<arrow::array::RecordBatch> {
    let arrays = columns.into_iter().map(Column::finish).collect::<Result<Vec<_>>>()?;
    let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(rows));
    Ok(arrow::array::RecordBatch::try_new_with_options(schema.clone(), arrays, &options)?)
}
