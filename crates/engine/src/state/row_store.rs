//! Rows by slot, column by column, each kept as long as something refers to it: what pattern matching looks back at.

use arrow::array::{Array, ArrayRef, AsArray, Decimal128Array};
use arrow::datatypes::{DataType, Decimal128Type};
use std::cmp::Ordering;
use std::sync::Arc;

use super::column::{Column, ColumnKind};
use super::encoding::{decode_fixed, encode_fixed, fixed_width};
use super::value;
use crate::{Error, Result};

/// A value to compare.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// NULL.
    Null,
    /// An integer, a date or a time, a boolean as 0 or 1.
    Int(i64),
    /// A decimal without its point: two of one scale compare like these.
    Decimal(i128),
    /// A floating-point number.
    Double(f64),
    /// Bytes that compare like the value.
    Bytes(&'a [u8]),
}

impl Value<'_> {
    /// The order of two values of one type; none where one is NULL.
    pub fn compare(self, other: Self) -> Option<Ordering> {
        match (self, other) {
            (Value::Int(a), Value::Int(b)) => Some(a.cmp(&b)),
            (Value::Decimal(a), Value::Decimal(b)) => Some(a.cmp(&b)),
            (Value::Double(a), Value::Double(b)) => Some(a.total_cmp(&b)),
            (Value::Bytes(a), Value::Bytes(b)) => Some(a.cmp(b)),
            _ => None,
        }
    }
}

/// How values of a type are kept.
fn kind_of(t: &DataType) -> ColumnKind {
    match t {
        t if fixed_width(t) => ColumnKind::I64,
        DataType::Decimal128(..) => ColumnKind::I128,
        _ => ColumnKind::Bytes,
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Meta {
    refs: u32,
    time_ms: i64,
    number: u64,
}

/// The rows. A row leaves when nobody holds it any more.
pub struct RowStore {
    types: Vec<DataType>,
    columns: Vec<Column>,
    valid: Vec<Vec<bool>>,
    meta: Vec<Meta>,
    free: Vec<u32>,
}

impl RowStore {
    /// An empty store for rows of these types.
    pub fn new(types: Vec<DataType>) -> Self {
        let columns = types.iter().map(|t| Column::new(kind_of(t))).collect();
        Self { valid: vec![vec![]; types.len()], columns, types, meta: vec![], free: vec![] }
    }

    /// Types of the columns.
    pub fn types(&self) -> &[DataType] {
        &self.types
    }

    /// Rows held.
    pub fn len(&self) -> usize {
        self.meta.len() - self.free.len()
    }

    /// Adds rows, each held once, and tells their slots.
    pub fn add(&mut self, columns: &[ArrayRef], times_ms: &[i64]) -> Result<Vec<u32>> {
        let slots: Vec<u32> = times_ms.iter().map(|time_ms| self.allocate(*time_ms)).collect();
        for (i, array) in columns.iter().enumerate() {
            let (column, valid) = (&mut self.columns[i], &mut self.valid[i]);
            column.grow(self.meta.len());
            valid.resize(self.meta.len(), false);
            write(column, &slots, array)?;
            match array.nulls().filter(|n| n.null_count() > 0) {
                Some(nulls) => slots.iter().zip(nulls.iter()).for_each(|(slot, is)| valid[*slot as usize] = is),
                None => slots.iter().for_each(|slot| valid[*slot as usize] = true),
            }
        }
        Ok(slots)
    }

    fn allocate(&mut self, time_ms: i64) -> u32 {
        let meta = Meta { refs: 1, time_ms, number: 0 };
        match self.free.pop() {
            Some(slot) => {
                self.meta[slot as usize] = meta;
                slot
            }
            None => {
                self.meta.push(meta);
                self.meta.len() as u32 - 1
            }
        }
    }

    /// Holds a row once more.
    pub fn hold(&mut self, row: u32) {
        self.meta[row as usize].refs += 1;
    }

    /// Lets a row go once.
    pub fn release(&mut self, row: u32) {
        let meta = &mut self.meta[row as usize];
        meta.refs -= 1;
        if meta.refs == 0 {
            self.free.push(row);
            for column in &mut self.columns {
                if let Column::Bytes(values) = column {
                    values[row as usize] = None;
                }
            }
        }
    }

    /// Time of a row in milliseconds.
    pub fn time_ms(&self, row: u32) -> i64 {
        self.meta[row as usize].time_ms
    }

    /// Place of a row in the order of its key; zero before it was its turn.
    pub fn number(&self, row: u32) -> u64 {
        self.meta[row as usize].number
    }

    /// Sets the place of a row.
    pub fn set_number(&mut self, row: u32, number: u64) {
        self.meta[row as usize].number = number;
    }

    /// Whether a BOOLEAN column is true.
    #[inline]
    pub fn is_true(&self, column: usize, row: u32) -> bool {
        self.valid[column][row as usize] && self.columns[column].i64s()[row as usize] != 0
    }

    /// A value to compare.
    #[inline]
    pub fn value(&self, column: usize, row: u32) -> Value<'_> {
        let at = row as usize;
        if !self.valid[column][at] {
            return Value::Null;
        }
        match (&self.columns[column], &self.types[column]) {
            (Column::I64(v), DataType::Float64) => Value::Double(f64::from_bits(v[at] as u64)),
            (Column::I64(v), DataType::Float32) => Value::Double(f64::from(f32::from_bits(v[at] as u32))),
            (Column::I64(v), _) => Value::Int(v[at]),
            (Column::I128(v), _) => Value::Decimal(v[at]),
            (column, _) => column.bytes()[at].as_deref().map_or(Value::Null, Value::Bytes),
        }
    }

    /// The values of rows in a column; none is NULL.
    pub fn gather(&self, column: usize, rows: impl Iterator<Item = Option<u32>>) -> Result<ArrayRef> {
        let t = &self.types[column];
        let rows = rows.map(|row| row.map(|r| r as usize).filter(|r| self.valid[column][*r]));
        match &self.columns[column] {
            Column::I64(v) => decode_fixed(t, rows.map(|row| row.map(|r| v[r] as u64))),
            Column::I128(v) => Ok(Arc::new(rows.map(|row| row.map(|r| v[r])).collect::<Decimal128Array>().with_data_type(t.clone()))),
            kept => value::decode(t, rows.map(|row| row.and_then(|r| kept.bytes()[r].as_deref()))),
        }
    }

    /// Rough memory use in bytes.
    pub fn memory_bytes(&self) -> usize {
        let columns: usize = self.columns.iter().map(Column::memory_bytes).sum();
        columns + self.meta.capacity() * (size_of::<Meta>() + self.types.len())
    }
}

fn write(column: &mut Column, slots: &[u32], array: &ArrayRef) -> Result<()> {
    match column {
        Column::I64(values) => {
            for (slot, word) in slots.iter().zip(encode_fixed(array)?) {
                values[*slot as usize] = word as i64;
            }
        }
        Column::I128(values) => {
            let decimals = array.as_primitive_opt::<Decimal128Type>().ok_or_else(|| Error::internal("a kept column changed its type"))?;
            for (slot, decimal) in slots.iter().zip(decimals.values()) {
                values[*slot as usize] = *decimal;
            }
        }
        Column::Bytes(values) => {
            let encode = value::encoder(array)?;
            let mut bytes = vec![];
            for (row, slot) in slots.iter().enumerate() {
                bytes.clear();
                values[*slot as usize] = array.is_valid(row).then(|| {
                    encode(row, &mut bytes);
                    bytes.as_slice().into()
                });
            }
        }
        _ => return Err(Error::internal("a kept column has no such kind")),
    }
    Ok(())
}
