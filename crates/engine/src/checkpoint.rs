//! What a checkpoint holds, and the seam to where it is kept.

use arrow::array::RecordBatch;

use crate::Result;
use crate::source::Position;

/// A job at a tick boundary: everything needed to go on from there.
#[derive(Debug, Clone, Default)]
pub struct Checkpoint {
    /// Runs from 1; the epoch that this checkpoint closes.
    pub epoch: u64,
    /// Identifies the query: a checkpoint of another query is refused.
    pub fingerprint: String,
    /// The input has ended and all of it is in here: only the sinks' last commit may be missing.
    pub finished: bool,
    /// Processing time, so that it does not go back after a restart; milliseconds.
    pub now_ms: i64,
    /// Event time reached by each source, by node; milliseconds.
    pub watermarks: Vec<(usize, i64)>,
    /// Positions of source splits.
    pub splits: Vec<SplitState>,
    /// What each sink said in `prepare`, by node.
    pub sinks: Vec<SinkState>,
    /// State tables.
    pub tables: Vec<TableState>,
    /// Late rows so far, by node.
    pub late: Vec<(usize, u64)>,
}

/// Where reading goes on in a split.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SplitState {
    /// Node of the source.
    pub node: usize,
    /// The split.
    pub id: String,
    /// [`crate::source::SplitInfo::detail`].
    pub detail: String,
    /// Start of the chunk that was being consumed; `None`: nothing was read yet.
    pub position: Option<Position>,
    /// Rows of that chunk that were consumed.
    pub rows_taken: u64,
    /// Its watermark in milliseconds.
    pub watermark: i64,
    /// Fully read.
    pub ended: bool,
    /// Rows and bad rows taken from it so far.
    pub rows: u64,
    /// Records skipped so far because they did not parse.
    pub bad_rows: u64,
}

/// A sink's progress.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SinkState {
    /// Node of the sink.
    pub node: usize,
    /// See [`crate::sink::Sink::prepare`].
    pub progress: String,
}

/// One part of a state table: that of one worker.
#[derive(Debug, Clone)]
pub struct TableState {
    /// Node of the operator.
    pub node: usize,
    /// Name the operator gave the table.
    pub table: String,
    /// The rows, key group first.
    pub rows: RecordBatch,
}

/// Keeps checkpoints. Durable means: survives power loss.
pub trait CheckpointStore: Send {
    /// Makes a checkpoint durable, as a whole or not at all.
    fn write(&mut self, checkpoint: &Checkpoint) -> Result<()>;

    /// The newest checkpoint that is whole; damaged ones are passed over and reported through `note`.
    fn latest(&mut self, note: &mut dyn FnMut(String)) -> Result<Option<Checkpoint>>;

    /// The job has ended: nothing is to be resumed.
    fn discard(&mut self) -> Result<()>;
}
