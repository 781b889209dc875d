//! What an operator is, and all that it gets to see: the tick, its input, its state tables, its output.

use crate::expr::EvalContext;
use crate::state::State;
use crate::{Batch, Result};

/// One step of the whole dataflow, as one operator sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tick {
    /// Number of the tick within this run.
    pub number: u64,
    /// Event time up to which all windows were closed before this tick; a row that only belongs to those is late.
    /// Milliseconds; `i64::MIN` before the first watermark.
    pub watermark_before: i64,
    /// Event time at the end of this tick: windows that end at or before it fire in this step. `i64::MAX` when the input ended.
    pub watermark: i64,
    /// Processing time in milliseconds since 1970; never goes back.
    pub now_ms: i64,
    /// Processing time of the tick before; `i64::MIN` in the very first one.
    pub now_before_ms: i64,
    /// No input will come after this tick.
    pub last: bool,
}

impl Tick {
    /// What expressions may know.
    pub fn eval(&self) -> EvalContext {
        EvalContext { now_ms: self.now_ms, watermark: self.watermark_before }
    }
}

/// The input of one step: per input port, the batches of the tick in order.
pub type Inputs = [Vec<Batch>];

/// A dataflow operator. One instance per worker; each sees the keys its worker owns.
pub trait Operator: Send {
    /// Declares the operator's state tables; called once, before any step and before a restore.
    fn open(&mut self, state: &mut State) -> Result<()> {
        let _ = state;
        Ok(())
    }

    /// Processes all input of a tick and everything that became due with it. Called in every tick, also without input: time
    /// moves. Runs to completion; never waits, reads a clock or does I/O.
    fn step(&mut self, tick: &Tick, inputs: &mut Inputs, state: &mut State, out: &mut Output) -> Result<()>;
}

/// Collects what an operator emits and what it has to say about the tick.
#[derive(Debug, Default)]
pub struct Output {
    /// The batches emitted, in order.
    pub batches: Vec<Batch>,
    /// Rows dropped: most often because they came after their window had closed.
    pub late: LateRows,
    /// Processing time at which the operator wants to be stepped even without input.
    pub wake_at_ms: Option<i64>,
}

impl Output {
    /// Emits a batch; empty ones are dropped.
    pub fn emit(&mut self, batch: Batch) {
        if !batch.is_empty() {
            self.batches.push(batch);
        }
    }

    /// Asks to be stepped at that processing time.
    pub fn wake_at(&mut self, ms: i64) {
        self.wake_at_ms = Some(self.wake_at_ms.map_or(ms, |w| w.min(ms)));
    }
}

/// Why an operator drops rows.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum DropReason {
    /// They came after their time.
    #[default]
    Late,
    /// NULL for a column that is NOT NULL.
    Null,
}

/// Count and samples of late rows, or of others that were dropped.
#[derive(Debug, Default, Clone)]
pub struct LateRows {
    /// How many.
    pub count: u64,
    /// Why; the same for all rows of an operator.
    pub reason: DropReason,
    /// A few of them, with the watermark that had passed.
    pub samples: Vec<LateSample>,
}

/// A late row for the user to look at.
#[derive(Debug, Clone)]
pub struct LateSample {
    /// One row.
    pub row: arrow::array::RecordBatch,
    /// The watermark that had already passed, in milliseconds.
    pub watermark: i64,
}

/// Samples kept per operator.
const LATE_SAMPLES: usize = 3;

impl LateRows {
    /// Notes a late row.
    pub fn add(&mut self, batch: &Batch, row: usize, watermark: i64) {
        self.count += 1;
        if self.samples.len() < LATE_SAMPLES {
            self.samples.push(LateSample { row: batch.rows.slice(row, 1), watermark });
        }
    }

    /// Takes over another count.
    pub fn absorb(&mut self, other: LateRows) {
        self.count += other.count;
        self.reason = other.reason;
        let room = LATE_SAMPLES.saturating_sub(self.samples.len());
        self.samples.extend(other.samples.into_iter().take(room));
    }
}

/// Makes the operator instance of one worker.
pub type OperatorFactory = Box<dyn Fn() -> Result<Box<dyn Operator>> + Send + Sync>;
