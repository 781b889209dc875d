//! Single values as byte strings that compare like the values, for accumulators that keep values of any type.

use arrow::array::*;
use arrow::datatypes::*;
use arrow::row::{RowConverter, SortField};
use std::sync::Arc;

use super::encoding::{decode_fixed, encode_fixed, fixed_width};
use crate::{Error, Result};

const SIGN: u64 = 1 << 63;

/// Appends the bytes of a row's value.
pub type Encoder<'a> = Box<dyn Fn(usize, &mut Vec<u8>) + 'a>;

/// A function that appends the bytes of a row's value. The row must not be null.
pub fn encoder<'a>(array: &'a ArrayRef) -> Result<Encoder<'a>> {
    Ok(match array.data_type() {
        DataType::Float32 | DataType::Float64 => {
            let double = matches!(array.data_type(), DataType::Float64);
            let values = encode_fixed(array)?;
            Box::new(move |row, out| {
                let bits = if double { values[row] } else { f64::from(f32::from_bits(values[row] as u32)).to_bits() };
                let ordered = if bits & SIGN != 0 { !bits } else { bits | SIGN };
                out.extend_from_slice(&ordered.to_be_bytes());
            })
        }
        t if fixed_width(t) => {
            let values = encode_fixed(array)?;
            Box::new(move |row, out| out.extend_from_slice(&(values[row] ^ SIGN).to_be_bytes()))
        }
        DataType::Decimal128(..) => {
            let values = array.as_primitive::<Decimal128Type>();
            Box::new(move |row, out| out.extend_from_slice(&(values.value(row) ^ i128::MIN).to_be_bytes()))
        }
        DataType::Utf8 => {
            let values = array.as_string::<i32>();
            Box::new(move |row, out| out.extend_from_slice(values.value(row).as_bytes()))
        }
        DataType::Binary => {
            let values = array.as_binary::<i32>();
            Box::new(move |row, out| out.extend_from_slice(values.value(row)))
        }
        other => {
            let converter = RowConverter::new(vec![SortField::new(other.clone())])?;
            let rows = converter.convert_columns(std::slice::from_ref(array))?;
            Box::new(move |row, out| out.extend_from_slice(rows.row(row).data()))
        }
    })
}

fn word(bytes: &[u8]) -> u64 {
    bytes.try_into().map_or(0, u64::from_be_bytes)
}

/// The inverse of [`encoder`]; `None` is null.
pub fn decode<'a>(t: &DataType, values: impl Iterator<Item = Option<&'a [u8]>>) -> Result<ArrayRef> {
    Ok(match t {
        DataType::Float32 | DataType::Float64 => {
            let doubles = values.map(|v| {
                v.map(|v| {
                    let ordered = word(v);
                    f64::from_bits(if ordered & SIGN != 0 { ordered ^ SIGN } else { !ordered })
                })
            });
            match t {
                DataType::Float32 => Arc::new(doubles.map(|v| v.map(|v| v as f32)).collect::<Float32Array>()),
                _ => Arc::new(doubles.collect::<Float64Array>()),
            }
        }
        t if fixed_width(t) => decode_fixed(t, values.map(|v| v.map(|v| word(v) ^ SIGN)))?,
        DataType::Decimal128(..) => {
            let numbers = values.map(|v| v.map(|v| v.try_into().map_or(0, i128::from_be_bytes) ^ i128::MIN));
            Arc::new(numbers.collect::<Decimal128Array>().with_data_type(t.clone()))
        }
        DataType::Utf8 => {
            let mut builder = StringBuilder::new();
            for value in values {
                match value {
                    Some(v) => builder.append_value(std::str::from_utf8(v).map_err(|e| Error::internal(e.to_string()))?),
                    None => builder.append_null(),
                }
            }
            Arc::new(builder.finish())
        }
        DataType::Binary => Arc::new(values.collect::<BinaryArray>()),
        other => {
            let converter = RowConverter::new(vec![SortField::new(other.clone())])?;
            let null = new_null_array(other, 1);
            let null_row = converter.convert_columns(&[null])?;
            let parser = converter.parser();
            let rows: Vec<&[u8]> = values.map(|v| v.unwrap_or_else(|| null_row.row(0).data())).collect();
            let columns = converter.convert_rows(rows.iter().map(|r| parser.parse(r)))?;
            columns.into_iter().next().ok_or_else(|| Error::internal("row converter gave no column"))?
        }
    })
}
