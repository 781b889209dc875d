//! Window aggregation that tells results before its windows end, and again when late rows come (`table.exec.emit.*` of Flink).
//!
//! Each window holds its own accumulators, and those of the result that it told last, so that it can take that back. Price against
//! [`super::window_aggregate`]: a row is folded once for each window that holds it, and all in one phase.

use arrow::array::{ArrayRef, Int64Array, RecordBatch, UInt32Array};
use arrow::compute::{concat, take};
use std::collections::{BTreeMap, BTreeSet};

use super::group_aggregate::unchanged;
use super::window_aggregate::{WindowSpec, window_columns};
use crate::operator::{Inputs, Operator, Output, Tick};
use crate::state::column::{Column, ColumnKind};
use crate::state::keyed::KeyedTable;
use crate::state::slices::SliceTable;
use crate::state::{State, TableId};
use crate::{Batch, Error, Result, RowKind};

/// When results are told besides the end of their window; delays in milliseconds of processing time, zero: with each row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EmitStrategy {
    /// Before the window ends: so long after the first row that was not told.
    pub early_delay_ms: Option<i64>,
    /// After it ended.
    pub late_delay_ms: Option<i64>,
    /// How long after the end of a window, in event time, rows still count.
    pub lateness_ms: i64,
}

/// Over TUMBLE and HOP.
#[derive(Clone)]
pub struct EmittingAggregate {
    spec: WindowSpec,
    emit: EmitStrategy,
    update_before: bool,
    /// By the end of the window: accumulators, those of the result that was told, and [`Marks`].
    windows: Option<TableId<SliceTable>>,
    /// When something is to be told, and of the window with which end; follows from the state.
    due: BTreeSet<(i64, i64)>,
    /// `due` has been read from the state.
    ready: bool,
}

/// The last columns of a window's table.
struct Marks<'a> {
    /// 1 once a result was told.
    told: &'a mut [i64],
    /// 1 while rows have come that were not told.
    changed: &'a mut [i64],
    /// When that is to be told, or was the last time; 0: never yet.
    due: &'a mut [i64],
}

impl Marks<'_> {
    const KINDS: [ColumnKind; 3] = [ColumnKind::I64; 3];

    fn of(columns: &mut [Column]) -> Result<Marks<'_>> {
        match columns {
            [.., told, changed, due] => Ok(Marks { told: told.i64s_mut(), changed: changed.i64s_mut(), due: due.i64s_mut() }),
            _ => Err(Error::internal("a window's table ends with three marks")),
        }
    }

    /// Notes that a row came and tells when that is due, if it was told up to now: `delay` after the first row, and from then on in the
    /// same rhythm.
    fn note(&mut self, slot: usize, now_ms: i64, delay: Option<i64>) -> Option<i64> {
        if std::mem::replace(&mut self.changed[slot], 1) == 1 {
            return None;
        }
        let (delay, last) = (delay?, self.due[slot]);
        self.due[slot] = match delay {
            0 => now_ms,
            _ if last == 0 => now_ms.saturating_add(delay),
            _ if last > now_ms => last,
            _ => last + ((now_ms - last) / delay + 1) * delay,
        };
        Some(self.due[slot])
    }
}

impl EmittingAggregate {
    /// Aggregates as `spec` says, and tells results as `emit` does, changed ones with a `-U` if consumers want it.
    pub fn new(spec: WindowSpec, emit: EmitStrategy, update_before: bool) -> Self {
        Self { spec, emit, update_before, windows: None, due: BTreeSet::new(), ready: false }
    }

    /// Whether all that a window has to say is said once `passed` has passed.
    fn over(&self, end: i64, passed: i64) -> bool {
        end.saturating_sub(1).saturating_add(self.emit.lateness_ms) <= passed
    }

    /// The rows of a batch by the ends of their windows; those of which all windows are over go to `out.late`.
    fn by_window(&self, batch: &Batch, times: &Int64Array, passed: i64, out: &mut Output) -> Result<BTreeMap<i64, Vec<u32>>> {
        let windows = &self.spec.windows;
        let mut found: BTreeMap<i64, Vec<u32>> = BTreeMap::new();
        for (row, time) in times.iter().enumerate() {
            let first = windows.slice_end(time.ok_or_else(|| Error::data("event time is NULL"))?);
            let last = windows.last_window_end(first);
            if self.over(last, passed) {
                out.late.add(batch, row, passed);
                continue;
            }
            let mut end = first;
            while end <= last {
                if !self.over(end, passed) {
                    found.entry(end).or_default().push(row as u32);
                }
                end += windows.slice();
            }
        }
        Ok(found)
    }

    /// Takes rows in.
    fn fold(&mut self, batch: &Batch, tick: &Tick, windows: &mut SliceTable, out: &mut Output) -> Result<()> {
        let (passed, _) = self.spec.time.span(tick);
        let times = self.spec.time.values(batch, tick)?;
        let results = self.spec.aggregates.columns().len();
        let mut slots = vec![];
        for (end, rows) in self.by_window(batch, &times, passed, out)? {
            let part = if rows.len() == batch.len() { batch.clone() } else { batch.take(&UInt32Array::from(rows))? };
            let keys: Vec<ArrayRef> = self.spec.keys.iter().map(|k| part.column(*k).clone()).collect();
            let table = windows.slice(end);
            table.upsert(&keys, part.len(), &mut slots)?;
            self.spec.aggregates.update(&mut table.columns_mut()[..results], &slots, &part)?;
            let delay = if end - 1 <= passed { self.emit.late_delay_ms } else { self.emit.early_delay_ms };
            let mut marks = Marks::of(table.columns_mut())?;
            let due = slots.iter().filter_map(|slot| marks.note(*slot as usize, tick.now_ms, delay));
            self.due.extend(due.map(|at| (at, end)));
        }
        Ok(())
    }

    /// Tells what is due, and forgets windows that are over.
    fn fire(&mut self, tick: &Tick, windows: &mut SliceTable, out: &mut Output) -> Result<()> {
        let (before, after) = self.spec.time.span(tick);
        let mut ends: BTreeSet<i64> = BTreeSet::new();
        while let Some((_, end)) = self.due.first().filter(|(at, _)| *at <= tick.now_ms) {
            ends.insert(*end);
            self.due.pop_first();
        }
        if after > before || tick.last {
            let up_to = after.saturating_add(1);
            ends.extend(windows.range(before.saturating_add(1), up_to).map(|(end, _)| end));
            // Nobody asks any more for windows that ended earlier, once their rows may not come any more.
            ends.extend(windows.range(i64::MIN, up_to.saturating_sub(self.emit.lateness_ms)).map(|(end, _)| end));
        }
        for end in ends {
            let ending = end - 1 > before && end - 1 <= after;
            let over = self.over(end, after);
            let table = windows.slice(end);
            let slots = table.index().live_slots();
            if ending {
                table.touch_all(&slots);
            }
            let marks = Marks::of(table.columns_mut())?;
            let now = |slot: &u32| {
                let slot = *slot as usize;
                marks.changed[slot] == 1 && (ending || over || (marks.due[slot] > 0 && marks.due[slot] <= tick.now_ms))
            };
            let telling: Vec<u32> = slots.iter().copied().filter(now).collect();
            if ending {
                // What comes late has a rhythm of its own.
                slots.iter().for_each(|slot| marks.due[*slot as usize] = 0);
            }
            self.tell(table, &telling, end, out)?;
        }
        windows.drain_while(|end| self.over(end, after));
        Ok(())
    }

    /// Emits how the results of these keys have changed since they were told, and notes that they were.
    fn tell(&self, table: &mut KeyedTable, slots: &[u32], end: i64, out: &mut Output) -> Result<()> {
        if slots.is_empty() {
            return Ok(());
        }
        let width = self.spec.aggregates.columns().len();
        let (now, before) = table.columns().split_at(width);
        let results = self.spec.aggregates.evaluate(now, slots)?;
        let former = self.spec.aggregates.evaluate(&before[..width], slots)?;
        let same = unchanged(&former, &results, slots.len())?;
        let n = slots.len() as u32;
        table.touch_all(slots);
        let (mut rows, mut kinds) = (vec![], vec![]); // former results are rows 0..n, new ones n..2n
        let marks = Marks::of(table.columns_mut())?;
        for (i, slot) in (0..n).zip(slots) {
            let slot = *slot as usize;
            marks.changed[slot] = 0;
            match std::mem::replace(&mut marks.told[slot], 1) == 1 {
                false => (rows.push(n + i), kinds.push(RowKind::Insert)),
                true if same.value(i as usize) => continue,
                true if !self.update_before => (rows.push(n + i), kinds.push(RowKind::UpdateAfter)),
                true => (rows.extend([i, n + i]), kinds.extend([RowKind::UpdateBefore, RowKind::UpdateAfter])),
            };
        }
        let (now, before) = table.columns_mut().split_at_mut(width);
        for (now, before) in now.iter().zip(before) {
            let saved = now.save(slots)?;
            slots.iter().for_each(|slot| before.reset(*slot));
            before.load(slots, &saved)?;
        }
        let of_row = UInt32Array::from_iter_values(rows.iter().map(|row| row % n));
        let picked = UInt32Array::from(rows);
        let mut columns = vec![];
        for key in table.index().keys(slots)? {
            columns.push(take(&key, &of_row, None)?);
        }
        for (former, result) in former.iter().zip(&results) {
            columns.push(take(&concat(&[former.as_ref(), result.as_ref()])?, &picked, None)?);
        }
        let bounds = std::iter::repeat_n((self.spec.windows.window_start(end), end), picked.len());
        columns.extend(window_columns(&self.spec.schema, bounds, &self.spec.time));
        out.emit(Batch::changes(RecordBatch::try_new(self.spec.schema.clone(), columns)?, kinds));
        Ok(())
    }

    /// Reads from restored state when something is due.
    fn recall(&mut self, windows: &mut SliceTable) -> Result<()> {
        if std::mem::replace(&mut self.ready, true) {
            return Ok(());
        }
        let ends: Vec<i64> = windows.range(i64::MIN, i64::MAX).map(|(end, _)| end).collect();
        for end in ends {
            let table = windows.slice(end);
            let slots = table.index().live_slots();
            let marks = Marks::of(table.columns_mut())?;
            let waiting = slots.iter().map(|slot| *slot as usize).filter(|slot| marks.changed[*slot] == 1 && marks.due[*slot] > 0);
            self.due.extend(waiting.map(|slot| (marks.due[slot], end)));
        }
        Ok(())
    }
}

impl Operator for EmittingAggregate {
    fn open(&mut self, state: &mut State) -> Result<()> {
        let accumulators = self.spec.aggregates.columns();
        let kinds: Vec<ColumnKind> = accumulators.iter().chain(&accumulators).copied().chain(Marks::KINDS).collect();
        self.windows = Some(state.declare("windows", SliceTable::new(&self.spec.key_types, &kinds)));
        Ok(())
    }

    fn step(&mut self, tick: &Tick, inputs: &mut Inputs, state: &mut State, out: &mut Output) -> Result<()> {
        let windows = state.get(self.windows.ok_or_else(|| Error::internal("step before open"))?);
        self.recall(windows)?;
        for batch in inputs.iter().flatten() {
            self.fold(batch, tick, windows, out)?;
        }
        self.fire(tick, windows, out)?;
        if let Some((at, _)) = self.due.first() {
            out.wake_at(*at);
        }
        let (_, after) = self.spec.time.span(tick);
        self.spec.time.wake(windows.first_end_after(after.saturating_add(1)), out);
        Ok(())
    }
}
