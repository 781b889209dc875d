//! A list of aggregate calls and the accumulator columns they share.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::DataType;
use std::sync::Arc;

use super::column::{Column, ColumnKind};
use crate::aggregate::{AggInput, Aggregate};
use crate::{Batch, Result};

/// One call in a query.
#[derive(Clone)]
pub struct AggCall {
    /// The bound function.
    pub function: Arc<dyn Aggregate>,
    /// Columns of the input that are its arguments.
    pub args: Vec<usize>,
    /// Boolean column of the input: `FILTER (WHERE …)`.
    pub filter: Option<usize>,
}

/// All aggregate calls of an operator.
#[derive(Clone)]
pub struct Aggregates {
    calls: Vec<AggCall>,
}

impl Aggregates {
    /// In the order of their results.
    pub fn new(calls: Vec<AggCall>) -> Self {
        Self { calls }
    }

    /// How many results there are.
    pub fn len(&self) -> usize {
        self.calls.len()
    }

    /// `true` for a plain DISTINCT.
    pub fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// Whether the aggregation may be done in two phases.
    pub fn mergeable(&self) -> bool {
        self.calls.iter().all(|c| c.function.mergeable())
    }

    /// Accumulator fields of all calls in a row.
    pub fn columns(&self) -> Vec<ColumnKind> {
        self.calls.iter().flat_map(|c| c.function.columns()).collect()
    }

    /// Arrow types of partial results.
    pub fn partial_types(&self) -> Vec<DataType> {
        self.columns().into_iter().map(Column::data_type).collect()
    }

    /// Folds a batch in.
    pub fn update(&self, mut columns: &mut [Column], slots: &[u32], batch: &Batch) -> Result<()> {
        let mut args: Vec<ArrayRef> = vec![];
        for call in &self.calls {
            let (mine, rest) = columns.split_at_mut(call.function.columns().len());
            columns = rest;
            args.clear();
            args.extend(call.args.iter().map(|a| batch.column(*a).clone()));
            let keep = call.filter.map(|f| batch.column(f).as_boolean()).filter(|k| k.false_count() + k.null_count() > 0);
            call.function.update(mine, slots, AggInput { args: &args, keep, kinds: batch.kinds.as_deref() })?;
        }
        Ok(())
    }

    /// Folds partial results in.
    pub fn merge(&self, mut columns: &mut [Column], slots: &[u32], mut partial: &[ArrayRef]) -> Result<()> {
        for call in &self.calls {
            let n = call.function.columns().len();
            let (mine, rest) = columns.split_at_mut(n);
            columns = rest;
            call.function.merge(mine, slots, &partial[..n])?;
            partial = &partial[n..];
        }
        Ok(())
    }

    /// Results for slots, one column a call.
    pub fn evaluate(&self, mut columns: &[Column], slots: &[u32]) -> Result<Vec<ArrayRef>> {
        let mut results = Vec::with_capacity(self.calls.len());
        for call in &self.calls {
            let (mine, rest) = columns.split_at(call.function.columns().len());
            columns = rest;
            results.push(call.function.evaluate(mine, slots)?);
        }
        Ok(results)
    }
}
