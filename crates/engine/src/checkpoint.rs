//! What a checkpoint holds, and the seam to where it is kept.

use arrow::array::RecordBatch;

use crate::source::Position;
use crate::{Error, Result};

/// A job at a tick boundary: everything needed to go on from there.
///
/// In a store, nodes are numbered by [`Numbering`], so that a job finds its state again when its graph is built for another
/// number of workers.
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

impl Checkpoint {
    /// Gives every node another number.
    pub(crate) fn renumber(&mut self, number: impl Fn(usize) -> Result<usize>) -> Result<()> {
        let watermarks = self.watermarks.iter_mut().map(|w| &mut w.0);
        let splits = self.splits.iter_mut().map(|s| &mut s.node);
        let sinks = self.sinks.iter_mut().map(|s| &mut s.node);
        let tables = self.tables.iter_mut().map(|t| &mut t.node);
        let late = self.late.iter_mut().map(|l| &mut l.0);
        for node in watermarks.chain(splits).chain(sinks).chain(tables).chain(late) {
            *node = number(*node)?;
        }
        Ok(())
    }
}

/// Numbers nodes by those that a checkpoint holds something of: sources, sinks, operators with state tables. A first phase that
/// is there only with several workers, or a projection that an optimizer moved, does not change the numbers of the others.
pub struct Numbering {
    numbers: Vec<usize>,
    holders: Vec<usize>,
}

impl Numbering {
    /// `holds` tells for each node, in order, whether a checkpoint holds something of it.
    pub fn new(holds: &[bool]) -> Self {
        let (mut numbers, mut holders) = (vec![], vec![]);
        for (node, holds) in holds.iter().enumerate() {
            numbers.push(holders.len());
            if *holds {
                holders.push(node);
            }
        }
        Self { numbers, holders }
    }

    /// The number of a node; one without state has that of the next node that has some.
    pub fn of(&self, node: usize) -> usize {
        self.numbers[node]
    }

    /// The node with state that has a number.
    pub fn holder(&self, number: usize) -> Result<usize> {
        let known = self.holders.get(number).copied();
        known.ok_or_else(|| Error::state(format!("the checkpoint has state number {number}, and this query keeps {}", self.holders.len())))
    }
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
