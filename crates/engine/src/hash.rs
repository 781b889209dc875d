//! The hash that decides which key group, and so which worker, a key belongs to. Stable: it is part of the checkpoint format.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::*;
use arrow::row::{RowConverter, SortField};
use xxhash_rust::xxh3::xxh3_64;

use crate::{Error, Result};

/// Keys are dealt into this many groups; a worker owns a contiguous range of them. Fixed for ever: a checkpoint taken with one
/// number of workers is restored on another by dealing out the groups anew.
pub const KEY_GROUPS: usize = 256;

const SEED: u64 = 0x9E37_79B9_7F4A_7C15;
const MULTIPLIER: u64 = 0xD6E8_FEB8_6659_FD93;
const NULL_HASH: u64 = 0x1F83_D9AB_FB41_BD6B;

/// Folded 64×64→128 bit multiplication: one instruction, mixes every bit.
#[inline(always)]
pub fn mix(value: u64, hash: u64) -> u64 {
    let product = u128::from(value ^ hash ^ SEED) * u128::from(MULTIPLIER);
    (product as u64) ^ ((product >> 64) as u64)
}

/// A hash of bytes that stays the same over versions.
pub fn stable_hash(bytes: &[u8]) -> u64 {
    xxh3_64(bytes)
}

/// The key group of a key's hash. Takes bits that hash tables inside a worker do not lean on.
#[inline(always)]
pub fn key_group(hash: u64) -> u8 {
    (hash >> 40) as u8
}

/// The worker that owns a key group.
#[inline(always)]
pub fn worker_of(group: u8, workers: usize) -> usize {
    usize::from(group) * workers / KEY_GROUPS
}

/// Hashes rows over several key columns into `out` (cleared first). No columns: every row hashes alike.
pub fn hash_columns(columns: &[ArrayRef], rows: usize, out: &mut Vec<u64>) -> Result<()> {
    out.clear();
    out.resize(rows, 0);
    for column in columns {
        hash_column(column, out)?;
    }
    Ok(())
}

macro_rules! fixed {
    ($column:expr, $out:expr, $ty:ty, $to:expr) => {{
        let array = $column.as_primitive::<$ty>();
        let to = $to;
        if array.null_count() == 0 {
            for (hash, value) in $out.iter_mut().zip(array.values()) {
                *hash = mix(to(*value), *hash);
            }
        } else {
            for (hash, value) in $out.iter_mut().zip(array.iter()) {
                *hash = mix(value.map_or(NULL_HASH, to), *hash);
            }
        }
    }};
}

fn hash_column(column: &ArrayRef, out: &mut [u64]) -> Result<()> {
    if crate::state::encoding::fixed_width(column.data_type()) {
        return hash_fixed(column, out);
    }
    match column.data_type() {
        DataType::Utf8 => hash_bytes(column.as_string::<i32>().iter().map(|v| v.map(str::as_bytes)), out),
        DataType::Binary => hash_bytes(column.as_binary::<i32>().iter(), out),
        DataType::Decimal128(..) => fixed!(column, out, Decimal128Type, |v: i128| mix(v as u64, (v >> 64) as u64)),
        DataType::Null => out.iter_mut().for_each(|h| *h = mix(NULL_HASH, *h)),
        other => {
            let converter = RowConverter::new(vec![SortField::new(other.clone())])?;
            let rows = converter.convert_columns(std::slice::from_ref(column))?;
            hash_bytes(rows.iter().map(|r| Some(r.data().to_vec())), out);
        }
    }
    Ok(())
}

fn hash_fixed(column: &ArrayRef, out: &mut [u64]) -> Result<()> {
    match column.data_type() {
        DataType::Boolean => {
            for (hash, value) in out.iter_mut().zip(column.as_boolean().iter()) {
                *hash = mix(value.map_or(NULL_HASH, u64::from), *hash);
            }
        }
        DataType::Int8 => fixed!(column, out, Int8Type, |v: i8| v as u64),
        DataType::Int16 => fixed!(column, out, Int16Type, |v: i16| v as u64),
        DataType::Int32 => fixed!(column, out, Int32Type, |v: i32| v as u64),
        DataType::Int64 => fixed!(column, out, Int64Type, |v: i64| v as u64),
        DataType::Float32 => fixed!(column, out, Float32Type, |v: f32| u64::from(v.to_bits())),
        DataType::Float64 => fixed!(column, out, Float64Type, |v: f64| v.to_bits()),
        DataType::Date32 => fixed!(column, out, Date32Type, |v: i32| v as u64),
        DataType::Time32(TimeUnit::Millisecond) => fixed!(column, out, Time32MillisecondType, |v: i32| v as u64),
        DataType::Timestamp(TimeUnit::Millisecond, _) => fixed!(column, out, TimestampMillisecondType, |v: i64| v as u64),
        DataType::Timestamp(TimeUnit::Microsecond, _) => fixed!(column, out, TimestampMicrosecondType, |v: i64| v as u64),
        DataType::Timestamp(TimeUnit::Nanosecond, _) => fixed!(column, out, TimestampNanosecondType, |v: i64| v as u64),
        other => return Err(Error::internal(format!("no hash for {other}"))),
    }
    Ok(())
}

fn hash_bytes<B: AsRef<[u8]>>(values: impl Iterator<Item = Option<B>>, out: &mut [u64]) {
    for (hash, value) in out.iter_mut().zip(values) {
        *hash = mix(value.map_or(NULL_HASH, |v| xxh3_64(v.as_ref())), *hash);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use arrow::array::{Int64Array, StringArray};
    use std::sync::Arc;

    #[test]
    fn hashes_are_part_of_the_checkpoint_format() {
        let columns: Vec<ArrayRef> = vec![Arc::new(Int64Array::from(vec![Some(1), None])), Arc::new(StringArray::from(vec!["a", "b"]))];
        let mut out = vec![];
        hash_columns(&columns, 2, &mut out).unwrap();
        assert_eq!(out.iter().map(|h| key_group(*h)).collect::<Vec<_>>(), GROUPS);
    }
    const GROUPS: [u8; 2] = [19, 109];

    #[test]
    fn every_group_has_a_worker_and_ranges_are_contiguous() {
        for workers in 1..=16 {
            let owners: Vec<usize> = (0..=255u8).map(|g| worker_of(g, workers)).collect();
            assert!(owners.windows(2).all(|w| w[0] == w[1] || w[0] + 1 == w[1]));
            assert_eq!(owners[255], workers - 1);
        }
    }
}
