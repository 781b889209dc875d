//! Window aggregation over TUMBLE, HOP and CUMULATE, by slices; in one phase, or in a local and a global one.

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, TimestampMillisecondArray};
use arrow::datatypes::{DataType, Int64Type, SchemaRef};
use std::sync::Arc;

use super::windows::{TimeColumn, Windows, by_slice};
use crate::operator::{Inputs, Operator, Output, Tick};
use crate::state::aggregates::Aggregates;
use crate::state::keyed::KeyedTable;
use crate::state::slices::SliceTable;
use crate::state::{State, TableId};
use crate::{Batch, Error, Result};

/// What all phases share.
#[derive(Clone)]
pub struct WindowSpec {
    /// Which windows.
    pub windows: Windows,
    /// Which time.
    pub time: TimeColumn,
    /// Key columns of the input.
    pub keys: Vec<usize>,
    /// Their types.
    pub key_types: Vec<DataType>,
    /// The aggregate calls, over the input.
    pub aggregates: Aggregates,
    /// Keys, results, `window_start`, `window_end`, `window_time`.
    pub schema: SchemaRef,
}

/// First phase: folds a worker's rows of one tick. Emits slice end, keys and partial results.
pub struct LocalWindowAggregate {
    /// What to compute.
    pub spec: WindowSpec,
    /// Slice end (BIGINT), keys, partial results.
    pub schema: SchemaRef,
}

impl Operator for LocalWindowAggregate {
    fn step(&mut self, tick: &Tick, inputs: &mut Inputs, _: &mut State, out: &mut Output) -> Result<()> {
        let mut slices = SliceTable::new(&self.spec.key_types, &self.spec.aggregates.columns());
        fold_rows(&self.spec, tick, inputs, &mut slices, out)?;
        let found: Vec<Batch> = slices.range(i64::MIN, i64::MAX).map(|(end, table)| self.partial(end, table)).collect::<Result<_>>()?;
        found.into_iter().for_each(|b| out.emit(b));
        Ok(())
    }
}

impl LocalWindowAggregate {
    fn partial(&self, end: i64, table: &KeyedTable) -> Result<Batch> {
        let slots = table.index().live_slots();
        let (keys, values) = table.save(&slots)?;
        let ends: ArrayRef = Arc::new(Int64Array::from(vec![end; slots.len()]));
        let columns = std::iter::once(ends).chain(keys).chain(values).collect();
        Ok(Batch::inserts(RecordBatch::try_new(self.schema.clone(), columns)?))
    }
}

/// Folds rows into their slices; late ones are counted and left out.
fn fold_rows(spec: &WindowSpec, tick: &Tick, inputs: &Inputs, slices: &mut SliceTable, out: &mut Output) -> Result<()> {
    let (fired, _) = spec.time.span(tick);
    let mut slots = vec![];
    for batch in inputs.iter().flatten() {
        let times = spec.time.values(batch, tick)?;
        for (end, rows) in by_slice(&spec.windows, &times, batch, fired, out)? {
            let keys: Vec<ArrayRef> = spec.keys.iter().map(|k| rows.column(*k).clone()).collect();
            let table = slices.slice(end);
            table.upsert(&keys, rows.len(), &mut slots)?;
            spec.aggregates.update(table.columns_mut(), &slots, &rows)?;
        }
    }
    Ok(())
}

/// The only phase, or the second one.
pub struct WindowAggregate {
    spec: WindowSpec,
    /// Input is what [`LocalWindowAggregate`] emits.
    partial_input: bool,
    slices: Option<TableId<SliceTable>>,
}

impl WindowAggregate {
    /// Over rows, or over partial results.
    pub fn new(spec: WindowSpec, partial_input: bool) -> Self {
        Self { spec, partial_input, slices: None }
    }

    fn fold_partials(&self, inputs: &Inputs, slices: &mut SliceTable) -> Result<()> {
        let mut slots = vec![];
        for batch in inputs.iter().flatten() {
            let ends = batch.column(0).as_primitive::<Int64Type>().clone();
            let mut start = 0;
            while start < ends.len() {
                let end = ends.value(start);
                let length = ends.values()[start..].iter().take_while(|e| **e == end).count();
                let part = batch.rows.slice(start, length);
                let (keys, partial) = part.columns()[1..].split_at(self.spec.keys.len());
                let table = slices.slice(end);
                table.upsert(keys, length, &mut slots)?;
                self.spec.aggregates.merge(table.columns_mut(), &slots, partial)?;
                start += length;
            }
        }
        Ok(())
    }

    /// Emits the windows that end in `(fired, due]` (both as window ends) and forgets slices that no later window needs.
    fn fire(&self, slices: &mut SliceTable, fired: i64, due: i64, out: &mut Output) -> Result<()> {
        let windows = &self.spec.windows;
        let step = windows.slice();
        let Some(first) = slices.first_end() else { return Ok(()) };
        // Window ends lie on the grid of slice ends.
        let behind = if fired >= first { fired + (first - fired).rem_euclid(step) } else { first };
        let mut end = if behind <= fired { behind + step } else { behind };
        while end <= due {
            let start = windows.window_start(end);
            let parts: Vec<(i64, &KeyedTable)> = slices.range(windows.before_first_slice(end), end).collect();
            match &parts[..] {
                [] => match slices.first_end_after(end) {
                    Some(next) => {
                        end = next;
                        continue;
                    }
                    None => break,
                },
                [(_, table)] => self.emit(table, start, end, out)?,
                _ => {
                    let merged = self.merge(slices, &parts)?;
                    self.emit(&merged, start, end, out)?;
                    if windows.cumulates() {
                        slices.collapse(start, end, merged);
                    }
                }
            }
            end += step;
        }
        if due == i64::MAX {
            slices.drain_up_to(i64::MAX);
        } else {
            slices.drain_while(|slice_end| windows.last_window_end(slice_end) <= due);
        }
        Ok(())
    }

    fn merge(&self, slices: &SliceTable, parts: &[(i64, &KeyedTable)]) -> Result<KeyedTable> {
        let mut merged = slices.scratch();
        let mut slots = vec![];
        for (_, part) in parts {
            let from = part.index().live_slots();
            let (keys, values) = part.save(&from)?;
            merged.upsert(&keys, from.len(), &mut slots)?;
            self.spec.aggregates.merge(merged.columns_mut(), &slots, &values)?;
        }
        Ok(merged)
    }

    fn emit(&self, table: &KeyedTable, start: i64, end: i64, out: &mut Output) -> Result<()> {
        let slots = table.index().live_slots();
        let mut columns = table.index().keys(&slots)?;
        columns.extend(self.spec.aggregates.evaluate(table.columns(), &slots)?);
        let bounds = std::iter::repeat_n((start, end), slots.len());
        columns.extend(window_columns(&self.spec.schema, bounds, &self.spec.time));
        out.emit(Batch::inserts(RecordBatch::try_new(self.spec.schema.clone(), columns)?));
        Ok(())
    }
}

/// `window_start`, `window_end` and `window_time`, in the types that the last three fields of `schema` have.
pub(super) fn window_columns(schema: &SchemaRef, bounds: impl Iterator<Item = (i64, i64)> + Clone, time: &TimeColumn) -> Vec<ArrayRef> {
    let at = schema.fields().len() - 3;
    let column = |i: usize, f: &dyn Fn((i64, i64)) -> i64| -> ArrayRef {
        let values = TimestampMillisecondArray::from_iter_values(bounds.clone().map(f));
        Arc::new(values.with_data_type(schema.field(at + i).data_type().clone()))
    };
    vec![column(0, &|b| b.0), column(1, &|b| b.1), column(2, &|b| time.window_time(b.1))]
}

impl Operator for WindowAggregate {
    fn open(&mut self, state: &mut State) -> Result<()> {
        self.slices = Some(state.declare("slices", SliceTable::new(&self.spec.key_types, &self.spec.aggregates.columns())));
        Ok(())
    }

    fn step(&mut self, tick: &Tick, inputs: &mut Inputs, state: &mut State, out: &mut Output) -> Result<()> {
        let slices = state.get(self.slices.ok_or_else(|| Error::internal("step before open"))?);
        if self.partial_input {
            self.fold_partials(inputs, slices)?;
        } else {
            fold_rows(&self.spec, tick, inputs, slices, out)?;
        }
        let (before, after) = self.spec.time.span(tick);
        if after > before || tick.last {
            self.fire(slices, before.saturating_add(1), after.saturating_add(1), out)?;
        }
        let next = slices.first_end().map(|first| self.spec.windows.next_end(first, after.saturating_add(1)));
        self.spec.time.wake(next, out);
        Ok(())
    }
}
