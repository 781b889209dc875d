//! OVER in the order of time: each row comes out with aggregates over itself and rows before it.

use arrow::array::{Array, ArrayRef, BooleanArray, Int64Array, RecordBatch, UInt32Array};
use arrow::compute::{concat, concat_batches, take, take_record_batch};
use arrow::datatypes::{DataType, SchemaRef};
use std::sync::Arc;

use super::windows::TimeColumn;
use crate::aggregate::Aggregate;
use crate::aggregate::scan::{Scan, Step};
use crate::operator::{Inputs, Operator, Output, Tick};
use crate::state::frames::{FrameTable, Left};
use crate::state::waiting::WaitingTable;
use crate::state::{State, TableId};
use crate::{Batch, Error, Result};

/// The rows that are aggregated for a row, itself the last one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame {
    /// All rows before it. With `peers`, rows of the same time see each other.
    Unbounded {
        /// `RANGE`, not `ROWS`.
        peers: bool,
    },
    /// So many rows before it.
    Rows(usize),
    /// Rows that are at most so many milliseconds older, those of the same time included.
    Range(i64),
}

impl Frame {
    fn bounded(self) -> bool {
        !matches!(self, Frame::Unbounded { .. })
    }

    fn reach_ms(self) -> Option<i64> {
        match self {
            Frame::Range(span) => Some(span),
            _ => None,
        }
    }
}

/// One aggregate call.
#[derive(Clone)]
pub struct OverCall {
    /// The bound function; it must take rows back when the frame is bounded.
    pub function: Arc<dyn Aggregate>,
    /// Columns of the input that are its arguments.
    pub args: Vec<usize>,
}

/// What to compute.
#[derive(Clone)]
pub struct OverSpec {
    /// Schema of the input.
    pub input: SchemaRef,
    /// Columns of the key; none: all rows are one sequence.
    pub partition: Vec<usize>,
    /// The calls; all have the same frame.
    pub calls: Vec<OverCall>,
    /// The frame.
    pub frame: Frame,
    /// The columns of the input, then a result per call.
    pub schema: SchemaRef,
}

impl OverSpec {
    /// The columns of the input that are arguments, each once.
    pub(super) fn arguments(&self) -> Vec<usize> {
        let mut columns: Vec<usize> = self.calls.iter().flat_map(|call| call.args.iter().copied()).collect();
        columns.sort_unstable();
        columns.dedup();
        columns
    }

    pub(super) fn types(&self, columns: &[usize]) -> Vec<DataType> {
        columns.iter().map(|c| self.input.field(*c).data_type().clone()).collect()
    }

    /// The result of each call at each step. `args` are the columns of [`OverSpec::arguments`].
    pub(super) fn scan(&self, mut state: &mut [crate::state::column::Column], scan: &Scan, args: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
        let arguments = self.arguments();
        let mut results = Vec::with_capacity(self.calls.len());
        for call in &self.calls {
            let (mine, rest) = state.split_at_mut(call.function.columns().len());
            state = rest;
            let of_call = call.args.iter().filter_map(|a| arguments.binary_search(a).ok());
            let of_call: Vec<ArrayRef> = of_call.map(|at| args[at].clone()).collect();
            results.push(call.function.scan(mine, scan, &of_call)?);
        }
        Ok(results)
    }
}

/// The operator. With event time, rows wait until the watermark has passed them; with processing time they come out at once.
pub struct OverAggregate {
    spec: OverSpec,
    time: TimeColumn,
    /// See [`OverSpec::arguments`].
    arguments: Vec<usize>,
    tables: Option<(TableId<WaitingTable>, TableId<FrameTable>)>,
    /// By slot: number of its group plus one, while rows are grouped.
    scratch: Vec<u32>,
}

/// Rows of a tick by key.
struct Groups {
    /// Numbers of the rows, those of a key together and in their order.
    rows: Vec<u32>,
    /// The slot of each key, and where its rows end.
    ends: Vec<(u32, usize)>,
}

/// How the frames move in a tick.
struct Moves {
    scan: Scan,
    /// The step in which each row gets its result.
    step_of: Vec<u32>,
    /// Rows of earlier ticks that leave: in the scan their numbers come behind those of the new rows.
    left: Left,
    /// Times of the rows of the scan.
    times: Vec<i64>,
}

impl OverAggregate {
    /// Computes `spec` in the order of `time`.
    pub fn new(spec: OverSpec, time: TimeColumn) -> Self {
        Self { arguments: spec.arguments(), spec, time, tables: None, scratch: vec![] }
    }

    fn keys(&self, rows: &RecordBatch) -> Vec<ArrayRef> {
        self.spec.partition.iter().map(|c| rows.column(*c).clone()).collect()
    }

    /// Of each row whether it is in time. An unbounded frame takes rows that the watermark has not passed; a bounded one rows
    /// that are newer than the last one of their key, and, as Flink has it, newer than 1970.
    fn in_time(&self, batch: &Batch, times: &Int64Array, passed: i64, frames: &mut FrameTable) -> Result<Option<BooleanArray>> {
        let all = |in_time: &BooleanArray| in_time.true_count() == in_time.len();
        if !self.spec.frame.bounded() {
            let in_time: BooleanArray = times.values().iter().map(|time| Some(*time > passed)).collect();
            return Ok(Some(in_time).filter(|i| !all(i)));
        }
        if times.values().iter().all(|time| *time > passed && *time > 0) {
            return Ok(None);
        }
        let last = frames.last_times(&self.keys(&batch.rows), batch.len())?;
        let in_time: BooleanArray = times.values().iter().zip(last).map(|(time, last)| Some(*time > last.unwrap_or(0))).collect();
        Ok(Some(in_time).filter(|i| !all(i)))
    }

    fn keep(&self, batch: &Batch, tick: &Tick, passed: i64, state: &mut State, out: &mut Output) -> Result<()> {
        let (waiting, frames) = self.tables(state)?;
        let times = self.time.values(batch, tick)?;
        if times.null_count() > 0 {
            return Err(Error::data("the time of a row is NULL, but OVER goes by it"));
        }
        let (rows, times): (RecordBatch, Vec<i64>) = match self.in_time(batch, &times, passed, frames)? {
            None => (batch.rows.clone(), times.values().to_vec()),
            Some(in_time) => {
                (0..batch.len()).filter(|row| !in_time.value(*row)).for_each(|row| out.late.add(batch, row, passed));
                let kept = times.values().iter().zip(in_time.values()).filter(|(_, keep)| *keep).map(|(time, _)| *time);
                (batch.filter(&in_time)?.rows, kept.collect())
            }
        };
        self.note_arrivals(&rows, &times, frames)?;
        waiting.add(rows.columns(), &times)
    }

    fn note_arrivals(&self, rows: &RecordBatch, times: &[i64], frames: &mut FrameTable) -> Result<()> {
        if let Frame::Range(_) = self.spec.frame {
            let mut slots = vec![];
            frames.upsert(&self.keys(rows), rows.num_rows(), &mut slots)?;
            slots.into_iter().zip(times).for_each(|(slot, time)| frames.note_arrival(slot, *time));
        }
        Ok(())
    }

    fn tables<'a>(&self, state: &'a mut State) -> Result<(&'a mut WaitingTable, &'a mut FrameTable)> {
        let (waiting, frames) = self.tables.ok_or_else(|| Error::internal("step before open"))?;
        Ok(state.pair(waiting, frames))
    }

    /// Lets rows enter, in the order of time, and emits them with their results.
    fn process(&mut self, rows: RecordBatch, times: &[i64], frames: &mut FrameTable, out: &mut Output) -> Result<()> {
        let mut slots = vec![];
        frames.upsert(&self.keys(&rows), rows.num_rows(), &mut slots)?;
        let groups = self.group(&slots);
        let arguments: Vec<ArrayRef> = self.arguments.iter().map(|c| rows.column(*c).clone()).collect();
        let moves = self.moves(&groups, times, frames);
        let all = match moves.left.times.is_empty() {
            true => arguments.clone(),
            false => {
                let left = frames.decode(&moves.left)?;
                let both = arguments.iter().zip(&left).map(|(new, old)| Ok(concat(&[new.as_ref(), old.as_ref()])?));
                both.collect::<Result<_>>()?
            }
        };
        let results = self.spec.scan(frames.columns_mut(), &moves.scan, &all)?;
        self.remember(&groups, &moves, times, &arguments, frames)?;
        let step_of = UInt32Array::from(moves.step_of);
        let mut columns = rows.columns().to_vec();
        for result in results {
            columns.push(take(&result, &step_of, None)?);
        }
        out.emit(Batch::inserts(RecordBatch::try_new(self.spec.schema.clone(), columns)?));
        Ok(())
    }

    /// Puts the rows of each slot together.
    fn group(&mut self, slots: &[u32]) -> Groups {
        let most = slots.iter().max().map_or(0, |slot| *slot as usize + 1);
        if self.scratch.len() < most {
            self.scratch.resize(most, 0);
        }
        let mut ends: Vec<(u32, usize)> = vec![];
        for slot in slots {
            let group = &mut self.scratch[*slot as usize];
            if *group == 0 {
                ends.push((*slot, 0));
                *group = ends.len() as u32;
            }
            ends[*group as usize - 1].1 += 1;
        }
        let mut next = Vec::with_capacity(ends.len());
        let mut start = 0;
        for (_, end) in &mut ends {
            next.push(start);
            start += *end;
            *end = start;
        }
        let mut rows = vec![0; slots.len()];
        for (row, slot) in slots.iter().enumerate() {
            let place = &mut next[self.scratch[*slot as usize] as usize - 1];
            rows[*place] = row as u32;
            *place += 1;
        }
        ends.iter().for_each(|(slot, _)| self.scratch[*slot as usize] = 0);
        Groups { rows, ends }
    }

    /// Takes the rows that leave out of the frames, and lays out the steps of each key.
    fn moves(&self, groups: &Groups, times: &[i64], frames: &mut FrameTable) -> Moves {
        let new_rows = groups.rows.len();
        let scan = Scan { rows: Vec::with_capacity(new_rows), steps: Vec::with_capacity(new_rows) };
        let mut moves = Moves { scan, step_of: vec![0; new_rows], left: Left::default(), times: Vec::with_capacity(new_rows) };
        let mut start = 0;
        for (slot, end) in &groups.ends {
            let mine = &groups.rows[start..*end];
            start = *end;
            let before = frames.size(*slot);
            let known = moves.left.times.len();
            let newest = mine.last().map_or(i64::MIN, |row| times[*row as usize]);
            match self.spec.frame {
                Frame::Unbounded { .. } => {}
                Frame::Rows(most) => {
                    let mut surplus = (before + mine.len()).saturating_sub(most.saturating_add(1));
                    let one_less = |_: i64| {
                        let leaves = surplus > 0;
                        surplus = surplus.saturating_sub(1);
                        leaves
                    };
                    frames.leave(*slot, one_less, &mut moves.left);
                }
                Frame::Range(span) => {
                    frames.leave(*slot, |time| time < newest.saturating_sub(span), &mut moves.left);
                }
            }
            let left = known..moves.left.times.len();
            moves.times.extend_from_slice(&moves.left.times[left.clone()]);
            let first = moves.scan.rows.len();
            moves.scan.rows.extend(left.map(|n| (new_rows + n) as u32));
            self.steps((*slot, before), first, mine, times, &mut moves);
        }
        moves
    }

    /// The steps of one key, whose frame has a size so far. Its rows of earlier ticks that leave lie in the scan already, from
    /// `first` on.
    fn steps(&self, (slot, mut size): (u32, usize), mut first: usize, rows: &[u32], times: &[i64], moves: &mut Moves) {
        let time = |row: &u32| times[*row as usize];
        let alone = matches!(self.spec.frame, Frame::Rows(_) | Frame::Unbounded { peers: false });
        for peers in rows.chunk_by(|a, b| !alone && time(a) == time(b)) {
            let begin = first;
            let entered = moves.scan.rows.len();
            match self.spec.frame {
                Frame::Unbounded { .. } => first = entered,
                Frame::Rows(most) if size > most => first += 1,
                Frame::Rows(_) => size += 1,
                Frame::Range(span) => {
                    let oldest = time(&peers[0]).saturating_sub(span);
                    while first < entered && moves.times[first] < oldest {
                        first += 1;
                    }
                }
            }
            let leave = if self.spec.frame.bounded() { begin as u32..first as u32 } else { 0..0 };
            for row in peers {
                moves.step_of[*row as usize] = moves.scan.steps.len() as u32;
                moves.scan.rows.push(*row);
                moves.times.push(time(row));
            }
            moves.scan.steps.push(Step { slot, leave, enter: entered as u32..moves.scan.rows.len() as u32 });
        }
    }

    /// Keeps the new rows that are in the frames now, and the time of each key.
    fn remember(&self, groups: &Groups, moves: &Moves, times: &[i64], arguments: &[ArrayRef], frames: &mut FrameTable) -> Result<()> {
        let bounded = self.spec.frame.bounded();
        let entering = bounded.then(|| FrameTable::prepare(arguments, times.len())).transpose()?;
        let mut start = 0;
        for (slot, end) in &groups.ends {
            let mine = &groups.rows[start..*end];
            start = *end;
            let Some(newest) = mine.last() else { continue };
            if let Some(entering) = &entering {
                // The last step tells how far the beginning of the frame has come.
                let step = &moves.scan.steps[moves.step_of[*newest as usize] as usize];
                let in_frame = (step.enter.end - step.leave.end) as usize;
                for row in &mine[mine.len().saturating_sub(in_frame)..] {
                    frames.enter(*slot, times[*row as usize], entering, *row as usize);
                }
            }
            frames.note_last(*slot, times[*newest as usize]);
        }
        Ok(())
    }

    fn at_once(&mut self, tick: &Tick, inputs: &Inputs, state: &mut State, out: &mut Output) -> Result<()> {
        let batches: Vec<&RecordBatch> = inputs.iter().flatten().filter(|b| !b.is_empty()).map(|b| &b.rows).collect();
        let (_, frames) = self.tables(state)?;
        if !batches.is_empty() {
            let rows = concat_batches(&self.spec.input, batches)?;
            let times = vec![tick.now_ms; rows.num_rows()];
            self.note_arrivals(&rows, &times, frames)?;
            self.process(rows, &times, frames, out)?;
        }
        frames.expire(if tick.last { i64::MAX } else { tick.now_ms });
        frames.next_due().into_iter().for_each(|due| out.wake_at(due));
        Ok(())
    }
}

/// Rows in the order of time; those of the same time stay as they came.
fn in_order((rows, times): (RecordBatch, Vec<i64>)) -> Result<(RecordBatch, Vec<i64>)> {
    if times.is_sorted() {
        return Ok((rows, times));
    }
    let mut order: Vec<u32> = (0..times.len() as u32).collect();
    order.sort_by_key(|row| times[*row as usize]);
    let times = order.iter().map(|row| times[*row as usize]).collect();
    Ok((take_record_batch(&rows, &UInt32Array::from(order))?, times))
}

impl Operator for OverAggregate {
    fn open(&mut self, state: &mut State) -> Result<()> {
        let spec = &self.spec;
        let kinds: Vec<_> = spec.calls.iter().flat_map(|call| call.function.columns()).collect();
        let frames = FrameTable::new(&spec.types(&spec.partition), &kinds, &spec.types(&self.arguments), spec.frame.reach_ms());
        let waiting = state.declare("waiting", WaitingTable::new(spec.input.clone(), &spec.partition));
        self.tables = Some((waiting, state.declare("frames", frames)));
        Ok(())
    }

    fn step(&mut self, tick: &Tick, inputs: &mut Inputs, state: &mut State, out: &mut Output) -> Result<()> {
        if matches!(self.time, TimeColumn::Processing) {
            return self.at_once(tick, inputs, state, out);
        }
        let (passed, after) = self.time.span(tick);
        for batch in inputs.iter().flatten().filter(|b| !b.is_empty()) {
            self.keep(batch, tick, passed, state, out)?;
        }
        // Rows behind the watermark that a bounded frame still takes come out when it moves next.
        if after > passed || tick.last {
            let (waiting, frames) = self.tables(state)?;
            let (rows, times) = in_order(waiting.drain(after)?)?;
            if !times.is_empty() {
                self.process(rows, &times, frames, out)?;
            }
            frames.expire(after);
        }
        Ok(())
    }
}
