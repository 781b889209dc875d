//! Builders of Arrow columns that can take back what they were given, which Arrow's own cannot: a row that turns out bad in its
//! last column leaves no trace in the others.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, BooleanBufferBuilder, ListArray, MapArray, NullArray, NullBufferBuilder, RecordBatch, RecordBatchOptions,
    StructArray,
};
use arrow::buffer::{OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Field, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, IntervalMonthDayNano,
    IntervalMonthDayNanoType, IntervalUnit, SchemaRef, Time32MillisecondType, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType,
};
use flott_engine::text::{TYPE_KEY, timestamp_precision};
use flott_engine::{Error, Result};

use super::builders::{Booleans, Bytes, List, Map, Row, Strings, Values, checked_length};

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
pub fn finish_batch(schema: &SchemaRef, columns: Vec<Column>, rows: usize) -> Result<RecordBatch> {
    let arrays = columns.into_iter().map(Column::finish).collect::<Result<Vec<_>>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    Ok(RecordBatch::try_new_with_options(schema.clone(), arrays, &options)?)
}
