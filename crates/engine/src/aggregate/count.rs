//! COUNT(*) and COUNT(x).

use arrow::array::{Array, ArrayRef, AsArray, Int64Array};
use arrow::datatypes::Int64Type;
use std::sync::Arc;

use super::scan::{Move, Scan};
use super::{AggInput, Aggregate, for_rows};
use crate::Result;
use crate::state::column::{Column, ColumnKind};

/// Counts rows, or rows whose argument is not null.
pub struct Count;

impl Aggregate for Count {
    fn columns(&self) -> Vec<ColumnKind> {
        vec![ColumnKind::I64]
    }

    fn update(&self, state: &mut [Column], slots: &[u32], input: AggInput<'_>) -> Result<()> {
        let counts = state[0].i64s_mut();
        let nulls = input.args.first().and_then(|a| a.logical_nulls());
        for_rows(slots, input, nulls.as_ref(), |_, slot, sign| counts[slot] += sign);
        Ok(())
    }

    fn merge(&self, state: &mut [Column], slots: &[u32], partial: &[ArrayRef]) -> Result<()> {
        let counts = state[0].i64s_mut();
        for (slot, value) in slots.iter().zip(partial[0].as_primitive::<Int64Type>().values()) {
            counts[*slot as usize] += value;
        }
        Ok(())
    }

    fn evaluate(&self, state: &[Column], slots: &[u32]) -> Result<ArrayRef> {
        let counts = state[0].i64s();
        Ok(Arc::new(Int64Array::from_iter_values(slots.iter().map(|s| counts[*s as usize]))))
    }

    fn scan(&self, state: &mut [Column], scan: &Scan, args: &[ArrayRef]) -> Result<ArrayRef> {
        let counts = state[0].i64s_mut();
        let nulls = args.first().and_then(|a| a.logical_nulls());
        let mut results = Vec::with_capacity(scan.steps.len());
        scan.run(nulls.as_ref(), |m| match m {
            Move::Row(slot, _, sign) => counts[slot] += sign,
            Move::Result(slot) => results.push(counts[slot]),
        });
        Ok(Arc::new(Int64Array::from(results)))
    }
}
