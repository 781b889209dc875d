//! Rows and values as 64-bit words and byte strings, for keys and for rows that are kept.

use arrow::array::*;
use arrow::datatypes::*;
use arrow::row::{RowConverter, SortField};
use std::sync::Arc;

use crate::{Error, Result};

/// Whether values of this type fit eight bytes, so that a key of one or two of them needs no encoding.
pub fn fixed_width(t: &DataType) -> bool {
    use DataType::*;
    matches!(
        t,
        Boolean
            | Int8
            | Int16
            | Int32
            | Int64
            | Float32
            | Float64
            | Date32
            | Time32(TimeUnit::Millisecond)
            | Timestamp(TimeUnit::Millisecond | TimeUnit::Microsecond | TimeUnit::Nanosecond, _)
    )
}

macro_rules! with_fixed {
    ($dt:expr, $call:ident ! ($($arg:tt)*)) => {
        match $dt {
            DataType::Int8 => $call!(Int8Type, $($arg)*),
            DataType::Int16 => $call!(Int16Type, $($arg)*),
            DataType::Int32 => $call!(Int32Type, $($arg)*),
            DataType::Int64 => $call!(Int64Type, $($arg)*),
            DataType::Date32 => $call!(Date32Type, $($arg)*),
            DataType::Time32(TimeUnit::Millisecond) => $call!(Time32MillisecondType, $($arg)*),
            DataType::Timestamp(TimeUnit::Millisecond, _) => $call!(TimestampMillisecondType, $($arg)*),
            DataType::Timestamp(TimeUnit::Microsecond, _) => $call!(TimestampMicrosecondType, $($arg)*),
            DataType::Timestamp(TimeUnit::Nanosecond, _) => $call!(TimestampNanosecondType, $($arg)*),
            other => return Err(Error::internal(format!("{other} is not a fixed-width key"))),
        }
    };
}

/// Values of a fixed-width column as 64 bits; nulls as zero.
pub(crate) fn encode_fixed(array: &ArrayRef) -> Result<Vec<u64>> {
    macro_rules! encode {
        ($t:ty, $a:expr) => {
            null_as_zero($a, $a.as_primitive::<$t>().values().iter().map(|v| *v as i64 as u64).collect())
        };
    }
    Ok(match array.data_type() {
        DataType::Boolean => array.as_boolean().iter().map(|v| u64::from(v.unwrap_or(false))).collect(),
        DataType::Float32 => {
            null_as_zero(array, array.as_primitive::<Float32Type>().values().iter().map(|v| u64::from(v.to_bits())).collect())
        }
        DataType::Float64 => null_as_zero(array, array.as_primitive::<Float64Type>().values().iter().map(|v| v.to_bits()).collect()),
        dt => with_fixed!(dt, encode!(array)),
    })
}

fn null_as_zero(array: &ArrayRef, mut values: Vec<u64>) -> Vec<u64> {
    if array.null_count() > 0 {
        for (row, value) in values.iter_mut().enumerate() {
            if array.is_null(row) {
                *value = 0;
            }
        }
    }
    values
}

/// The inverse of [`encode_fixed`].
pub(crate) fn decode_fixed(dt: &DataType, values: impl Iterator<Item = Option<u64>>) -> Result<ArrayRef> {
    macro_rules! decode {
        ($t:ty, $v:expr) => {
            Arc::new(
                $v.map(|o| o.map(|v| v as <$t as ArrowPrimitiveType>::Native)).collect::<PrimitiveArray<$t>>().with_data_type(dt.clone()),
            )
        };
    }
    Ok(match dt {
        DataType::Boolean => Arc::new(values.map(|o| o.map(|v| v != 0)).collect::<BooleanArray>()),
        DataType::Float32 => Arc::new(values.map(|o| o.map(|v| f32::from_bits(v as u32))).collect::<Float32Array>()),
        DataType::Float64 => Arc::new(values.map(|o| o.map(f64::from_bits)).collect::<Float64Array>()),
        _ => with_fixed!(dt, decode!(values)),
    })
}

/// Rows as byte strings, one after the other.
pub(crate) struct ByteRows {
    offsets: Vec<u32>,
    bytes: Vec<u8>,
}

impl ByteRows {
    /// A row.
    #[inline]
    pub fn row(&self, row: usize) -> &[u8] {
        &self.bytes[self.offsets[row] as usize..self.offsets[row + 1] as usize]
    }

    /// All rows.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.offsets.windows(2).map(|range| &self.bytes[range[0] as usize..range[1] as usize])
    }
}

/// Rows over several columns as byte strings, of which two are equal when the rows are. Per column: a null byte, then 8 bytes for
/// fixed-width values, 16 for decimals, or a length and the bytes.
pub(crate) fn encode_rows(columns: &[ArrayRef], rows: usize) -> Result<ByteRows> {
    let columns = columns.iter().map(RowColumn::new).collect::<Result<Vec<_>>>()?;
    let mut offsets = Vec::with_capacity(rows + 1);
    let mut bytes = Vec::with_capacity(rows * 24);
    offsets.push(0);
    for row in 0..rows {
        for column in &columns {
            column.push(row, &mut bytes);
        }
        let end = u32::try_from(bytes.len()).map_err(|_| Error::data("the rows of one batch hold more than 4 GiB"))?;
        offsets.push(end);
    }
    Ok(ByteRows { offsets, bytes })
}

enum RowColumn<'a> {
    Fixed(&'a ArrayRef, Vec<u64>),
    Decimal(&'a Decimal128Array),
    Text(&'a StringArray),
    Binary(&'a BinaryArray),
    Rows(arrow::row::Rows),
}

impl<'a> RowColumn<'a> {
    fn new(array: &'a ArrayRef) -> Result<Self> {
        Ok(match array.data_type() {
            t if fixed_width(t) => Self::Fixed(array, encode_fixed(array)?),
            DataType::Decimal128(..) => Self::Decimal(array.as_primitive()),
            DataType::Utf8 => Self::Text(array.as_string()),
            DataType::Binary => Self::Binary(array.as_binary()),
            other => {
                let converter = RowConverter::new(vec![SortField::new(other.clone())])?;
                Self::Rows(converter.convert_columns(std::slice::from_ref(array))?)
            }
        })
    }

    fn push(&self, row: usize, out: &mut Vec<u8>) {
        let var = |out: &mut Vec<u8>, valid: bool, value: &[u8]| {
            out.push(u8::from(valid));
            if valid {
                out.extend_from_slice(&(value.len() as u32).to_le_bytes());
                out.extend_from_slice(value);
            }
        };
        match self {
            Self::Fixed(array, values) => {
                out.push(u8::from(array.is_valid(row)));
                out.extend_from_slice(&values[row].to_le_bytes());
            }
            Self::Decimal(array) => {
                let valid = array.is_valid(row);
                out.push(u8::from(valid));
                out.extend_from_slice(&(if valid { array.value(row) } else { 0 }).to_le_bytes());
            }
            Self::Text(array) => var(out, array.is_valid(row), array.value(row).as_bytes()),
            Self::Binary(array) => var(out, array.is_valid(row), array.value(row)),
            Self::Rows(rows) => var(out, true, rows.row(row).data()),
        }
    }
}

/// The columns of rows that [`encode_rows`] made.
pub(crate) fn decode_rows<'a>(types: &[DataType], keys: impl Iterator<Item = &'a [u8]>) -> Result<Vec<ArrayRef>> {
    let mut cursors: Vec<&[u8]> = keys.collect();
    types.iter().map(|t| decode_column(t, &mut cursors)).collect()
}

fn take_bytes<'a>(cursor: &mut &'a [u8], n: usize) -> &'a [u8] {
    let (head, tail) = cursor.split_at(n);
    *cursor = tail;
    head
}

fn take_var<'a>(cursor: &mut &'a [u8]) -> Option<&'a [u8]> {
    if take_bytes(cursor, 1)[0] == 0 {
        return None;
    }
    let mut len = [0; 4];
    len.copy_from_slice(take_bytes(cursor, 4));
    Some(take_bytes(cursor, u32::from_le_bytes(len) as usize))
}

fn decode_column(t: &DataType, cursors: &mut [&[u8]]) -> Result<ArrayRef> {
    match t {
        t if fixed_width(t) => decode_fixed(
            t,
            cursors.iter_mut().map(|c| {
                let valid = take_bytes(c, 1)[0] != 0;
                let mut word = [0; 8];
                word.copy_from_slice(take_bytes(c, 8));
                valid.then(|| u64::from_le_bytes(word))
            }),
        ),
        DataType::Decimal128(..) => {
            let values = cursors.iter_mut().map(|c| {
                let valid = take_bytes(c, 1)[0] != 0;
                let mut word = [0; 16];
                word.copy_from_slice(take_bytes(c, 16));
                valid.then(|| i128::from_le_bytes(word))
            });
            Ok(Arc::new(values.collect::<Decimal128Array>().with_data_type(t.clone())))
        }
        DataType::Utf8 => {
            let mut builder = StringBuilder::new();
            for cursor in cursors {
                match take_var(cursor) {
                    Some(text) => builder.append_value(std::str::from_utf8(text).map_err(|e| Error::internal(e.to_string()))?),
                    None => builder.append_null(),
                }
            }
            Ok(Arc::new(builder.finish()))
        }
        DataType::Binary => Ok(Arc::new(cursors.iter_mut().map(take_var).collect::<BinaryArray>())),
        other => {
            let converter = RowConverter::new(vec![SortField::new(other.clone())])?;
            let parser = converter.parser();
            let rows: Vec<&[u8]> = cursors.iter_mut().map(|c| take_var(c).unwrap_or_default()).collect();
            let columns = converter.convert_rows(rows.iter().map(|r| parser.parse(r)))?;
            columns.into_iter().next().ok_or_else(|| Error::internal("row converter gave no column"))
        }
    }
}
