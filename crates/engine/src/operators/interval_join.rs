//! Interval join: rows of two inputs whose times lie within bounds of each other. Nothing is taken back, and each row is kept only
//! until event time has passed all its possible partners.

use arrow::array::{Array, ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::compute::filter;
use arrow::datatypes::SchemaRef;

use super::pairs::{JoinInputs, JoinKind, PAIRS_MAX, beside, kept, taken};
use super::windows::TimeColumn;
use crate::operator::{Inputs, Operator, Output, Tick};
use crate::state::timed::{RowId, TimedTable};
use crate::state::{State, TableId};
use crate::{Batch, Error, Result};

/// What to join.
#[derive(Clone)]
pub struct IntervalJoinSpec {
    /// Which rows the result has; not semi or anti.
    pub kind: JoinKind,
    /// What a pair must fulfil besides the times.
    pub inputs: JoinInputs,
    /// The time of each input.
    pub times: [TimeColumn; 2],
    /// A left row's time is at least a right row's plus this; milliseconds.
    pub lower: i64,
    /// A left row's time is at most a right row's plus this; milliseconds.
    pub upper: i64,
    /// Left columns, then right ones.
    pub schema: SchemaRef,
}

impl IntervalJoinSpec {
    /// How far a row of this result may lie behind the watermark: event time behind the join is held back by so much; milliseconds.
    pub fn delay_ms(&self) -> i64 {
        self.lower.saturating_neg().max(self.upper).max(0)
    }

    /// Times of possible partners of a row of this input.
    fn partners(&self, side: usize, time: i64) -> std::ops::RangeInclusive<i64> {
        match side {
            0 => time.saturating_sub(self.upper)..=time.saturating_sub(self.lower),
            _ => time.saturating_add(self.lower)..=time.saturating_add(self.upper),
        }
    }

    /// The latest time of a row of this input that finds no partner any more once event time is there.
    fn over(&self, side: usize, watermark: i64) -> i64 {
        match (watermark, side) {
            (i64::MIN | i64::MAX, _) => watermark,
            (_, 0) => watermark.saturating_add(self.lower),
            _ => watermark.saturating_sub(self.upper),
        }
    }
}

/// The operator. Port 0 is the left input, port 1 the right one; both are dealt by their keys.
pub struct IntervalJoin {
    spec: IntervalJoinSpec,
    tables: Option<[TableId<TimedTable>; 2]>,
}

impl IntervalJoin {
    /// Joins as `spec` says.
    pub fn new(spec: IntervalJoinSpec) -> Self {
        Self { spec, tables: None }
    }
}

impl Operator for IntervalJoin {
    fn open(&mut self, state: &mut State) -> Result<()> {
        self.tables = Some(self.spec.inputs.declare(state));
        Ok(())
    }

    fn step(&mut self, tick: &Tick, inputs: &mut Inputs, state: &mut State, out: &mut Output) -> Result<()> {
        let tables = self.tables.ok_or_else(|| Error::internal("step before open"))?;
        for (side, batches) in inputs.iter().enumerate() {
            for batch in batches {
                let (own, other) = state.pair(tables[side], tables[1 - side]);
                Meeting { spec: &self.spec, side, tick, own, other, out }.batch(batch)?;
            }
        }
        for (side, table) in tables.into_iter().enumerate() {
            let table = state.get(table);
            let (_, watermark) = self.spec.times[side].span(tick);
            expire(&self.spec, side, watermark, table, out)?;
            let next = table.first_time().map(|time| self.spec.partners(side, time).end().saturating_add(1));
            self.spec.times[side].wake(next, out);
        }
        Ok(())
    }
}

/// Forgets rows that find no partner any more; those that never found one come out alone where the join keeps such.
fn expire(spec: &IntervalJoinSpec, side: usize, watermark: i64, table: &mut TimedTable, out: &mut Output) -> Result<()> {
    let mut gone = table.drain(spec.over(side, watermark));
    gone.retain(|row| row.row.note == 0);
    if gone.is_empty() || !spec.kind.keeps(side) {
        return Ok(());
    }
    let columns = table.decode(gone.iter().map(|row| &*row.row.content))?;
    emit(spec, beside(side, columns, spec.inputs.nulls(1 - side, gone.len())), gone.len(), out)
}

fn emit(spec: &IntervalJoinSpec, columns: Vec<ArrayRef>, rows: usize, out: &mut Output) -> Result<()> {
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    out.emit(Batch::inserts(RecordBatch::try_new_with_options(spec.schema.clone(), columns, &options)?));
    Ok(())
}

/// Rows of one input meeting those of the other.
struct Meeting<'a> {
    spec: &'a IntervalJoinSpec,
    side: usize,
    tick: &'a Tick,
    own: &'a mut TimedTable,
    other: &'a mut TimedTable,
    out: &'a mut Output,
}

/// Pairs of a row of the batch and one of the other table.
#[derive(Default)]
struct Pairs {
    rows: Vec<u32>,
    others: Vec<(u32, RowId)>,
    contents: Vec<std::sync::Arc<[u8]>>,
}

impl Meeting<'_> {
    fn batch(&mut self, batch: &Batch) -> Result<()> {
        let times = self.spec.times[self.side].values(batch, self.tick)?;
        if times.null_count() > 0 {
            return Err(Error::data("the time of a row in an interval join is NULL"));
        }
        let columns = batch.rows.columns();
        let joinable = self.spec.inputs.joinable(self.side, columns);
        let mut slots = vec![];
        self.other.find_keys(&self.own.key_of(columns), batch.len(), &mut slots)?;
        let mut found = vec![false; batch.len()];
        let mut pairs = Pairs::default();
        for (row, slot) in slots.into_iter().enumerate() {
            if joinable.as_ref().is_some_and(|j| !j.value(row)) {
                continue;
            }
            for (id, kept) in self.other.between(slot, self.spec.partners(self.side, times.value(row))) {
                pairs.rows.push(row as u32);
                pairs.others.push((slot, id));
                pairs.contents.push(kept.content.clone());
            }
            if pairs.rows.len() >= PAIRS_MAX {
                self.join(batch, std::mem::take(&mut pairs), &mut found)?;
            }
        }
        self.join(batch, pairs, &mut found)?;
        self.keep(batch, times.values(), joinable.as_ref(), &found)
    }

    /// Emits the pairs that fulfil the condition, and notes on both sides that they found each other.
    fn join(&mut self, batch: &Batch, mut pairs: Pairs, found: &mut [bool]) -> Result<()> {
        if pairs.rows.is_empty() {
            return Ok(());
        }
        let others = self.other.decode(pairs.contents.iter().map(|content| &**content))?;
        let mut columns = beside(self.side, taken(batch.rows.columns(), &pairs.rows)?, others);
        if let Some(keep) = self.spec.inputs.fulfilled(&columns, pairs.rows.len(), &self.tick.eval())? {
            (pairs.rows, pairs.others) = (kept(&pairs.rows, &keep), kept(&pairs.others, &keep));
            columns = columns.iter().map(|c| Ok(filter(c, &keep)?)).collect::<Result<_>>()?;
        }
        pairs.rows.iter().for_each(|row| found[*row as usize] = true);
        if self.spec.kind.keeps(1 - self.side) {
            for (slot, id) in &pairs.others {
                self.other.note_mut(*slot, *id).into_iter().for_each(|note| *note = 1);
            }
        }
        emit(self.spec, columns, pairs.rows.len(), self.out)
    }

    /// Keeps the rows of the batch that may find partners yet. The others come out alone, if they are to and found none.
    fn keep(&mut self, batch: &Batch, times: &[i64], joinable: Option<&arrow::array::BooleanArray>, found: &[bool]) -> Result<()> {
        let (watermark, _) = self.spec.times[self.side].span(self.tick);
        let over = self.spec.over(self.side, watermark);
        let useful = |row: usize| times[row] > over && joinable.is_none_or(|j| j.value(row));
        let ids = self.own.add(batch.rows.columns(), batch.len(), |row| useful(row).then(|| times[row]))?;
        let mut alone = vec![];
        for (row, id) in ids.into_iter().enumerate() {
            match id {
                Some((slot, id)) => self.own.note_mut(slot, id).into_iter().for_each(|note| *note = i64::from(found[row])),
                None if !found[row] => alone.push(row as u32),
                None => {}
            }
        }
        if alone.is_empty() || !self.spec.kind.keeps(self.side) {
            return Ok(());
        }
        let columns = beside(self.side, taken(batch.rows.columns(), &alone)?, self.spec.inputs.nulls(1 - self.side, alone.len()));
        emit(self.spec, columns, alone.len(), self.out)
    }
}
