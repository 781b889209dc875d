//! Builders of Arrow columns that can take back what they were given, which Arrow's own cannot: a row that turns out bad in its
//! last column leaves no trace in the others.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, BooleanBufferBuilder, ListArray, MapArray, NullArray, RecordBatch, RecordBatchOptions, StructArray,
};
use arrow::buffer::{OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Field, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, IntervalMonthDayNano,
    IntervalMonthDayNanoType, IntervalUnit, SchemaRef, Time32MillisecondType, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType,
};
use flott_engine::text::{TYPE_KEY, timestamp_precision};
use flott_engine::{Error, Result};

use super::builders::{Booleans, Bytes, List, Map, Row, Strings, Values, checked_length, offsets};
use super::nulls::Nulls;
use super::scalar::no_text;

/// So much more than the last batch needed is reserved, so that a little growth costs no copy.
const ROOM_SLACK: f64 = 1.06;

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

/// How much a column holds, so that room can be made for another one like it.
#[derive(Clone, Debug, Default)]
pub struct Room {
    rows: usize,
    bytes: usize,
    children: Vec<Room>,
}

impl Room {
    /// Room for so many rows without their text.
    pub fn rows(rows: usize) -> Self {
        Self { rows, ..Self::default() }
    }

    /// Room for about `factor` times as much, and a little more.
    pub fn scaled(&self, factor: f64) -> Self {
        let scaled = |n: usize| if n == 0 { 0 } else { (n as f64 * factor * ROOM_SLACK) as usize + 16 };
        Self { rows: scaled(self.rows), bytes: scaled(self.bytes), children: self.children.iter().map(|c| c.scaled(factor)).collect() }
    }

    /// The room of a child; without better knowledge it has as many rows.
    fn child(&self, i: usize) -> Cow<'_, Room> {
        self.children.get(i).map_or_else(|| Cow::Owned(Self::rows(self.rows)), Cow::Borrowed)
    }
}

impl Column {
    /// A builder for a field. Fails for types that no text format carries.
    pub fn new(field: &Field, room: &Room) -> Result<Self> {
        let rows = room.rows;
        Ok(match field.data_type() {
            DataType::Null => Column::Null(0),
            DataType::Boolean => Column::Boolean(Booleans { values: BooleanBufferBuilder::new(rows), nulls: Nulls::default() }),
            DataType::Int8 => Column::Int8(Values::new(rows)),
            DataType::Int16 => Column::Int16(Values::new(rows)),
            DataType::Int32 => Column::Int32(Values::new(rows)),
            DataType::Int64 => Column::Int64(Values::new(rows)),
            DataType::Float32 => Column::Float32(Values::new(rows)),
            DataType::Float64 => Column::Float64(Values::new(rows)),
            DataType::Decimal128(precision, scale) => Column::Decimal(Values::new(rows), *precision, *scale),
            DataType::Utf8 => Column::String(Strings::new(rows, room.bytes)),
            DataType::Binary => Column::Binary(Bytes::new(rows, room.bytes)),
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
                element: Column::new(element, &room.child(0))?,
                field: element.clone(),
                offsets: offsets(rows),
                nulls: Nulls::default(),
            })),
            DataType::Map(entries, _) => match entries.data_type() {
                DataType::Struct(fields) if fields.len() == 2 => Column::Map(Box::new(Map {
                    keys: Column::new(&fields[0], &room.child(0))?,
                    values: Column::new(&fields[1], &room.child(1))?,
                    entries: entries.clone(),
                    offsets: offsets(rows),
                    nulls: Nulls::default(),
                })),
                other => return Err(Error::internal(format!("Map entries of type {other}"))),
            },
            DataType::Struct(fields) => Column::Row(Box::new(Row {
                fields: fields.clone(),
                columns: fields.iter().enumerate().map(|(i, f)| Column::new(f, &room.child(i))).collect::<Result<_>>()?,
                rows: 0,
                filled: 0,
                nulls: Nulls::default(),
            })),
            other => {
                return Err(no_text(field.name(), other));
            }
        })
    }

    /// How much it holds.
    pub fn room(&mut self) -> Room {
        let (bytes, children) = match self {
            Column::String(c) => (c.bytes().data.len(), vec![]),
            Column::Binary(c) => (c.data.len(), vec![]),
            Column::List(c) => (0, vec![c.element.room()]),
            Column::Map(c) => (0, vec![c.keys.room(), c.values.room()]),
            Column::Row(c) => {
                c.begin();
                (0, c.columns.iter_mut().map(Column::room).collect())
            }
            _ => (0, vec![]),
        };
        Room { rows: self.len(), bytes, children }
    }

    /// Rows so far.
    pub fn len(&self) -> usize {
        match self {
            Column::Null(rows) => *rows,
            Column::Boolean(c) => c.values.len(),
            Column::Int8(c) => c.values.len(),
            Column::Int16(c) => c.values.len(),
            Column::Int32(c) | Column::Date(c) | Column::Time(c, _) => c.values.len(),
            Column::Int64(c) | Column::Timestamp(c, _) => c.values.len(),
            Column::Float32(c) => c.values.len(),
            Column::Float64(c) => c.values.len(),
            Column::Decimal(c, _, _) => c.values.len(),
            Column::Interval(c, _) => c.values.len(),
            Column::String(c) => c.bytes().len(),
            Column::Binary(c) => c.len(),
            Column::List(c) => c.offsets.len() - 1,
            Column::Map(c) => c.offsets.len() - 1,
            Column::Row(c) => c.rows,
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
            Column::String(c) => &c.bytes().nulls,
            Column::Binary(c) => &c.nulls,
            Column::List(c) => &c.nulls,
            Column::Map(c) => &c.nulls,
            Column::Row(c) => &c.nulls,
        };
        nulls.is_set(row)
    }

    /// Appends NULL.
    #[inline]
    pub fn push_null(&mut self) {
        match self {
            Column::Row(c) => c.push_null(),
            column => column.push_nulls(1),
        }
    }

    /// Appends NULL so many times.
    pub fn push_nulls(&mut self, count: usize) {
        match self {
            Column::Null(rows) => *rows += count,
            Column::Boolean(c) => {
                c.nulls.set_range(c.values.len(), count);
                c.values.append_n(count, false);
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
            Column::Row(c) => c.push_nulls(count),
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
    }

    /// The finished array.
    pub fn finish(self) -> Result<ArrayRef> {
        Ok(match self {
            Column::Null(rows) => Arc::new(NullArray::new(rows)),
            Column::Boolean(mut c) => {
                let values = c.values.finish();
                let nulls = c.nulls.finish(values.len());
                Arc::new(BooleanArray::new(values, nulls))
            }
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
            Column::List(c) => {
                checked_length(c.element.len())?;
                let nulls = c.nulls.finish(c.offsets.len() - 1);
                let offsets = OffsetBuffer::new(ScalarBuffer::from(c.offsets));
                Arc::new(ListArray::try_new(c.field, offsets, c.element.finish()?, nulls)?)
            }
            Column::Map(c) => {
                checked_length(c.keys.len())?;
                let DataType::Struct(fields) = c.entries.data_type().clone() else {
                    return Err(Error::internal("Map entries that are no struct"));
                };
                let entries = StructArray::try_new(fields, vec![c.keys.finish()?, c.values.finish()?], None)?;
                let nulls = c.nulls.finish(c.offsets.len() - 1);
                let offsets = OffsetBuffer::new(ScalarBuffer::from(c.offsets));
                Arc::new(MapArray::try_new(c.entries, offsets, entries, nulls, false)?)
            }
            Column::Row(mut c) => {
                c.begin();
                let columns = c.columns.into_iter().map(Column::finish).collect::<Result<Vec<_>>>()?;
                Arc::new(StructArray::try_new_with_length(c.fields, columns, c.nulls.finish(c.rows), c.rows)?)
            }
        })
    }
}

/// The finished columns as a batch of `rows` rows.
pub fn finish_batch(schema: &SchemaRef, columns: Vec<Column>, rows: usize) -> Result<RecordBatch> {
    let arrays = columns.into_iter().map(Column::finish).collect::<Result<Vec<_>>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    Ok(RecordBatch::try_new_with_options(schema.clone(), arrays, &options)?)
}
