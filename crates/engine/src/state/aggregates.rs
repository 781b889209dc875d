//! A list of aggregate calls and the accumulator columns they share.

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::datatypes::DataType;
use std::sync::Arc;

use super::column::{Column, ColumnKind};
use crate::aggregate::distinct::SharedCount;
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
    units: Vec<Unit>,
    calls: usize,
}

/// What has accumulator columns of its own.
#[derive(Clone)]
enum Unit {
    /// A call, and which result it is.
    Call(AggCall, usize),
    /// Counts of the distinct values of one column.
    Distinct { shared: SharedCount, arg: usize, filters: Vec<Option<usize>>, results: Vec<usize> },
}

impl Unit {
    fn columns(&self) -> Vec<ColumnKind> {
        match self {
            Unit::Call(call, _) => call.function.columns(),
            Unit::Distinct { shared, .. } => shared.columns(),
        }
    }
}

impl Aggregates {
    /// In the order of their results.
    pub fn new(calls: Vec<AggCall>) -> Self {
        let count = calls.len();
        let mut units = vec![];
        let mut calls: Vec<(usize, AggCall)> = calls.into_iter().enumerate().collect();
        while let Some((result, call)) = (!calls.is_empty()).then(|| calls.remove(0)) {
            let like = |c: &AggCall| call.function.shares_values() && c.function.shares_values() && c.args == call.args;
            let (same, others) = std::mem::take(&mut calls).into_iter().partition(|(_, c)| like(c));
            calls = others;
            let mut same: Vec<(usize, AggCall)> = same;
            if same.is_empty() || same.len() >= SharedCount::MOST {
                calls.append(&mut same);
                calls.sort_by_key(|(result, _)| *result);
                units.push(Unit::Call(call, result));
                continue;
            }
            let filters = std::iter::once(call.filter).chain(same.iter().map(|(_, c)| c.filter)).collect();
            let results: Vec<usize> = std::iter::once(result).chain(same.iter().map(|(result, _)| *result)).collect();
            units.push(Unit::Distinct { shared: SharedCount::new(results.len()), arg: call.args[0], filters, results });
        }
        Self { units, calls: count }
    }

    /// How many results there are.
    pub fn len(&self) -> usize {
        self.calls
    }

    /// `true` for a plain DISTINCT.
    pub fn is_empty(&self) -> bool {
        self.calls == 0
    }

    /// Whether the aggregation may be done in two phases.
    pub fn mergeable(&self) -> bool {
        self.units.iter().all(|unit| match unit {
            Unit::Call(call, _) => call.function.mergeable(),
            Unit::Distinct { .. } => true,
        })
    }

    /// Accumulator fields of all calls in a row.
    pub fn columns(&self) -> Vec<ColumnKind> {
        self.units.iter().flat_map(Unit::columns).collect()
    }

    /// Arrow types of partial results.
    pub fn partial_types(&self) -> Vec<DataType> {
        self.columns().into_iter().map(Column::data_type).collect()
    }

    /// Folds a batch in.
    pub fn update(&self, mut columns: &mut [Column], slots: &[u32], batch: &Batch) -> Result<()> {
        // A filter that all rows pass is none.
        let keep = |filter: &Option<usize>| filter.map(|f| batch.column(f).as_boolean()).filter(|k| k.false_count() + k.null_count() > 0);
        for unit in &self.units {
            let (mine, rest) = columns.split_at_mut(unit.columns().len());
            columns = rest;
            match unit {
                Unit::Call(call, _) => {
                    let args: Vec<ArrayRef> = call.args.iter().map(|a| batch.column(*a).clone()).collect();
                    let input = AggInput { args: &args, keep: keep(&call.filter), kinds: batch.kinds.as_deref() };
                    call.function.update(mine, slots, input)?;
                }
                Unit::Distinct { shared, arg, filters, .. } => {
                    let keep: Vec<Option<&BooleanArray>> = filters.iter().map(keep).collect();
                    shared.update(mine, slots, batch.column(*arg), &keep)?;
                }
            }
        }
        Ok(())
    }

    /// Folds partial results in.
    pub fn merge(&self, mut columns: &mut [Column], slots: &[u32], mut partial: &[ArrayRef]) -> Result<()> {
        for unit in &self.units {
            let n = unit.columns().len();
            let (mine, rest) = columns.split_at_mut(n);
            columns = rest;
            match unit {
                Unit::Call(call, _) => call.function.merge(mine, slots, &partial[..n])?,
                Unit::Distinct { shared, .. } => shared.merge(mine, slots, &partial[..n])?,
            }
            partial = &partial[n..];
        }
        Ok(())
    }

    /// Results for slots, one column a call.
    pub fn evaluate(&self, mut columns: &[Column], slots: &[u32]) -> Result<Vec<ArrayRef>> {
        let mut found: Vec<(usize, ArrayRef)> = Vec::with_capacity(self.calls);
        for unit in &self.units {
            let (mine, rest) = columns.split_at(unit.columns().len());
            columns = rest;
            match unit {
                Unit::Call(call, result) => found.push((*result, call.function.evaluate(mine, slots)?)),
                Unit::Distinct { shared, results, .. } => found.extend(results.iter().copied().zip(shared.evaluate(mine, slots))),
            }
        }
        found.sort_by_key(|(result, _)| *result);
        Ok(found.into_iter().map(|(_, array)| array).collect())
    }
}
