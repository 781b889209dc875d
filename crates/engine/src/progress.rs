//! What a running job tells about itself.

use crate::checkpoint::Resumed;
use crate::operator::LateRows;
use crate::source::BadRow;

/// State of a job for people to look at.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    /// By source.
    pub sources: Vec<SourceProgress>,
    /// By operator that dropped late rows.
    pub operators: Vec<OperatorProgress>,
    /// By sink.
    pub sinks: Vec<SinkProgress>,
    /// Ticks run.
    pub ticks: u64,
    /// Checkpoints completed in this run.
    pub checkpoints: u64,
    /// The longest that ticks stood still for a checkpoint, milliseconds.
    pub longest_stop_ms: f64,
    /// Why the job waits, if it does: no room on the disk, say.
    pub waiting: Option<String>,
    /// The checkpoint that the run went on from.
    pub resumed: Option<Resumed>,
    /// Memory of state tables in bytes; measured at checkpoints and at the end.
    pub state_bytes: usize,
    /// Rows in state tables; measured likewise.
    pub state_rows: usize,
    /// News for the user since the run began, the oldest first.
    pub notes: Vec<String>,
}

/// One source.
#[derive(Debug, Clone, Default)]
pub struct SourceProgress {
    /// Name of the node.
    pub name: String,
    /// Rows read.
    pub rows: u64,
    /// Bytes of input decoded.
    pub bytes: u64,
    /// Records skipped because they did not parse.
    pub bad_rows: u64,
    /// Some of them.
    pub bad_samples: Vec<BadRow>,
    /// Splits known, and how many of them have ended.
    pub splits: usize,
    /// See `splits`.
    pub splits_ended: usize,
    /// Watermark in milliseconds, if the table has one and it has moved.
    pub watermark: Option<i64>,
    /// The split that holds the watermark back.
    pub held_by: Option<String>,
    /// By split, where it is known: records that are there and were not read yet.
    pub lags: Vec<(String, u64)>,
}

/// One operator.
#[derive(Debug, Clone, Default)]
pub struct OperatorProgress {
    /// Name of the node.
    pub name: String,
    /// Rows that came after their window had closed.
    pub late: LateRows,
}

/// One sink.
#[derive(Debug, Clone, Default)]
pub struct SinkProgress {
    /// Name of the node.
    pub name: String,
    /// Rows handed to it.
    pub rows: u64,
}
