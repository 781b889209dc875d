//! Rows crossing to the worker that owns their key.

use arrow::array::{ArrayRef, UInt32Array};

use crate::hash::{hash_columns, key_group, worker_of};
use crate::{Batch, Result};

/// Deals the rows of a batch to the owners of their keys, keeping their order. Workers without rows get nothing.
pub fn partition(batch: &Batch, keys: &[usize], workers: usize) -> Result<Vec<(usize, Batch)>> {
    if workers == 1 {
        return Ok(vec![(0, batch.clone())]);
    }
    let columns: Vec<ArrayRef> = keys.iter().map(|k| batch.column(*k).clone()).collect();
    let mut hashes = vec![];
    hash_columns(&columns, batch.len(), &mut hashes)?;
    let mut rows: Vec<Vec<u32>> = vec![vec![]; workers];
    for (row, hash) in hashes.iter().enumerate() {
        rows[worker_of(key_group(*hash), workers)].push(row as u32);
    }
    let mut parts = vec![];
    for (worker, rows) in rows.into_iter().enumerate() {
        if rows.len() == batch.len() {
            return Ok(vec![(worker, batch.clone())]);
        }
        if !rows.is_empty() {
            parts.push((worker, batch.take(&UInt32Array::from(rows))?));
        }
    }
    Ok(parts)
}
