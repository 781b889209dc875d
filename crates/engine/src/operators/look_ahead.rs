//! NEXT: each row comes out with values of rows behind it, once those are there.

use arrow::array::{Array, ArrayRef, BooleanArray, RecordBatch, UInt32Array};
use arrow::compute::{concat, take};
use arrow::datatypes::SchemaRef;

use super::windows::TimeColumn;
use crate::operator::{Inputs, Operator, Output, Tick};
use crate::state::ranked::{RankedTable, SortColumn, order_bytes};
use crate::state::waiting::WaitingTable;
use crate::state::{State, TableId};
use crate::{Batch, Error, Result};

/// What to look at.
#[derive(Debug, Clone)]
pub struct LookAheadSpec {
    /// Schema of the input.
    pub input: SchemaRef,
    /// Columns of the key.
    pub partition: Vec<usize>,
    /// The event time that rows are ordered by.
    pub time: TimeColumn,
    /// The order of rows of the same time; those that are equal in it too stay as they came.
    pub order: Vec<SortColumn>,
    /// Columns, and of the row how many rows behind their value is wanted.
    pub values: Vec<(usize, usize)>,
    /// The columns of the input, then a value each; NULL where the input ended before.
    pub schema: SchemaRef,
}

/// The operator. Rows of a key come out in their order. A row waits for the watermark, then for the rows behind it that it needs, so that
/// it may come out long after the watermark has passed it: steps behind must not go by event time.
pub struct LookAhead {
    spec: LookAheadSpec,
    /// As many rows of a key are held back.
    reach: usize,
    tables: Option<(TableId<WaitingTable>, TableId<RankedTable>)>,
}

/// Rows whose turn has come, with those of the same keys that were held back before them.
struct Turn {
    columns: Vec<ArrayRef>,
    /// Of each key its rows, in their order, and how many of them were held back.
    keys: Vec<(u32, Vec<u32>, usize)>,
    /// So many rows were held back.
    held: usize,
}

impl LookAhead {
    /// Looks at what `spec` says.
    pub fn new(spec: LookAheadSpec) -> Self {
        let reach = spec.values.iter().map(|(_, rows)| *rows).max().unwrap_or(0);
        Self { spec, reach, tables: None }
    }

    fn keep(&self, waiting: &mut WaitingTable, batch: &Batch, tick: &Tick, out: &mut Output) -> Result<()> {
        let (passed, _) = self.spec.time.span(tick);
        let times = self.spec.time.values(batch, tick)?;
        if times.null_count() > 0 {
            return Err(Error::data("the time of a row in MATCH_RECOGNIZE is NULL"));
        }
        let in_time: BooleanArray = times.values().iter().map(|time| Some(*time > passed)).collect();
        (0..batch.len()).filter(|row| !in_time.value(*row)).for_each(|row| out.late.add(batch, row, passed));
        let kept: Vec<i64> = times.values().iter().copied().filter(|time| *time > passed).collect();
        match kept.len() == batch.len() {
            true => waiting.add(batch.rows.columns(), &kept),
            false => waiting.add(batch.filter(&in_time)?.rows.columns(), &kept),
        }
    }

    /// Rows in the order of time and of further columns.
    fn sorted(&self, (rows, times): (RecordBatch, Vec<i64>)) -> Result<Vec<ArrayRef>> {
        let mut order: Vec<u32> = (0..times.len() as u32).collect();
        match self.spec.order.is_empty() {
            true => order.sort_by_key(|row| times[*row as usize]),
            false => {
                let bytes = order_bytes(&self.spec.order, rows.columns())?;
                order.sort_by_key(|row| (times[*row as usize], bytes.row(*row as usize)));
            }
        }
        let order = UInt32Array::from(order);
        rows.columns().iter().map(|column| Ok(take(column, &order, None)?)).collect()
    }

    /// Puts new rows behind those of their keys that were held back, and holds the last ones of each key back.
    fn advance(&self, new: Vec<ArrayRef>, rows: usize, held: &mut RankedTable, last: bool) -> Result<Turn> {
        let mut slots = vec![];
        let prepared = held.prepare(&new, rows, &mut slots)?;
        let mut touched = if last { held.slots() } else { slots.clone() };
        touched.sort_unstable();
        touched.dedup();
        let before: Vec<_> = touched.iter().flat_map(|slot| held.ranking(*slot).cloned()).collect();
        let mut turn = Turn { columns: new, keys: Vec::with_capacity(touched.len()), held: before.len() };
        let mut first = 0;
        for slot in &touched {
            let size = held.size(*slot) as u32;
            turn.keys.push((*slot, (first..first + size).collect(), size as usize));
            first += size;
        }
        for (row, slot) in slots.iter().enumerate() {
            let at = touched.binary_search(slot).map_err(|_| Error::internal("a key was just found"))?;
            turn.keys[at].1.push(first + row as u32);
        }
        if !before.is_empty() {
            let old = held.decode(before.iter())?;
            let both = old.iter().zip(&turn.columns).map(|(old, new)| Ok(concat(&[old.as_ref(), new.as_ref()])?));
            turn.columns = both.collect::<Result<_>>()?;
        }
        for (slot, rows, were_held) in &turn.keys {
            if last {
                held.remove_key(*slot);
                continue;
            }
            let leave = rows.len().saturating_sub(self.reach);
            (0..leave.min(*were_held)).for_each(|_| held.pop_first(*slot));
            for row in &rows[leave.max(*were_held)..] {
                held.add(*slot, &prepared, *row as usize - turn.held, None);
            }
        }
        Ok(turn)
    }

    /// Emits the rows that have all that they need.
    fn emit(&self, turn: &Turn, last: bool, out: &mut Output) -> Result<()> {
        let mut rows: Vec<u32> = vec![];
        let mut others: Vec<Vec<Option<u32>>> = vec![vec![]; self.spec.values.len()];
        for (_, of_key, _) in &turn.keys {
            let leave = if last { of_key.len() } else { of_key.len().saturating_sub(self.reach) };
            rows.extend(&of_key[..leave]);
            for ((_, ahead), others) in self.spec.values.iter().zip(&mut others) {
                others.extend((0..leave).map(|at| of_key.get(at + ahead).copied()));
            }
        }
        let rows = UInt32Array::from(rows);
        let mut columns = turn.columns.iter().map(|column| Ok(take(column, &rows, None)?)).collect::<Result<Vec<_>>>()?;
        for ((column, _), others) in self.spec.values.iter().zip(others) {
            columns.push(take(&turn.columns[*column], &UInt32Array::from(others), None)?);
        }
        out.emit(Batch::inserts(RecordBatch::try_new(self.spec.schema.clone(), columns)?));
        Ok(())
    }
}

impl Operator for LookAhead {
    fn open(&mut self, state: &mut State) -> Result<()> {
        let LookAheadSpec { input, partition, .. } = &self.spec;
        let waiting = state.declare("waiting", WaitingTable::new(input.clone(), partition));
        self.tables = Some((waiting, state.declare("held", RankedTable::new(input.clone(), partition, &[], false)?)));
        Ok(())
    }

    fn step(&mut self, tick: &Tick, inputs: &mut Inputs, state: &mut State, out: &mut Output) -> Result<()> {
        let (waiting, held) = self.tables.ok_or_else(|| Error::internal("step before open"))?;
        let (waiting, held) = state.pair(waiting, held);
        for batch in inputs.iter().flatten().filter(|batch| !batch.is_empty()) {
            self.keep(waiting, batch, tick, out)?;
        }
        let (_, up_to) = self.spec.time.span(tick);
        let due = waiting.drain(up_to)?;
        let rows = due.1.len();
        if rows == 0 && !tick.last {
            return Ok(());
        }
        let turn = self.advance(self.sorted(due)?, rows, held, tick.last)?;
        self.emit(&turn, tick.last, out)
    }
}
