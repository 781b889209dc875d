//! What a checkpoint holds, and the seam to where it is kept.

use arrow::array::RecordBatch;

use crate::change::Part;
use crate::outbox::OpenOutput;
use crate::source::Position;
use crate::state::changes::Changes;
use crate::{Error, Result};

/// A job at a tick boundary: everything needed to go on from there.
///
/// In a store, nodes are numbered by [`Numbering`], so that a job finds its state again when its graph is built for another
/// number of workers.
#[derive(Debug, Clone, Default)]
pub struct Checkpoint {
    /// Runs from 1; the epoch that this checkpoint closes.
    pub epoch: u64,
    /// Identifies the query.
    pub fingerprint: String,
    /// What nodes compute, by number: whether a query can go on from here, and with what.
    pub parts: Vec<Part>,
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
    /// State tables. In a checkpoint that is to be kept there are none: the store has been given their changes.
    pub tables: Vec<TableState>,
    /// Late rows so far, by node.
    pub late: Vec<(usize, u64)>,
    /// Sinks and epochs whose output is in here and was not delivered when the checkpoint was taken.
    pub outbox: Vec<(usize, u64)>,
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

/// Rows of a state table; a table may be in several pieces.
#[derive(Debug, Clone)]
pub struct TableState {
    /// Node of the operator.
    pub node: usize,
    /// Name the operator gave the table.
    pub table: String,
    /// The rows, key group first.
    pub rows: RecordBatch,
}

/// What changed in one worker's part of a state table.
#[derive(Debug, Clone)]
pub struct TableChanges {
    /// Node of the operator.
    pub node: usize,
    /// Name the operator gave the table.
    pub table: String,
    /// The worker. Its entries have nothing to do with those of other parts.
    pub part: usize,
    /// The changes.
    pub changes: Changes,
}

impl Checkpoint {
    /// Leaves nothing but what nodes with another number have.
    pub(crate) fn follow(&mut self, successor: impl Fn(usize) -> Option<usize>) {
        let known = |node: usize| successor(node).is_some();
        self.watermarks.retain(|(node, _)| known(*node));
        self.splits.retain(|s| known(s.node));
        self.sinks.retain(|s| known(s.node));
        self.tables.retain(|t| known(t.node));
        self.late.retain(|(node, _)| known(*node));
        self.outbox.retain(|(node, _)| known(*node));
        let _ = self.renumber(|node| Ok(successor(node).unwrap_or(node)));
    }

    /// Gives every node another number.
    pub(crate) fn renumber(&mut self, number: impl Fn(usize) -> Result<usize>) -> Result<()> {
        let watermarks = self.watermarks.iter_mut().map(|w| &mut w.0);
        let splits = self.splits.iter_mut().map(|s| &mut s.node);
        let sinks = self.sinks.iter_mut().map(|s| &mut s.node);
        let tables = self.tables.iter_mut().map(|t| &mut t.node);
        let late = self.late.iter_mut().map(|l| &mut l.0);
        let outbox = self.outbox.iter_mut().map(|o| &mut o.0);
        for node in watermarks.chain(splits).chain(sinks).chain(tables).chain(late).chain(outbox) {
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

/// Where a run went on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resumed {
    /// The checkpoint.
    pub epoch: u64,
    /// When it was taken, milliseconds since 1970-01-01 UTC.
    pub taken_ms: i64,
    /// By source: its title, and its splits.
    pub sources: Vec<(String, Vec<SplitState>)>,
}

/// Keeps checkpoints. Durable means: survives power loss. Used by one thread that does nothing else, so it may wait.
///
/// State comes as changes, in the order in which they happened. What an instance of a store was given since it was opened is all there is of
/// the state: a job that resumes gives everything again, under new numbers of entries.
///
/// After an error of the kinds [`crate::ErrorKind::Full`] and [`crate::ErrorKind::Unreachable`] nothing has happened and the same call may be made again.
pub trait CheckpointStore: Send {
    /// Takes changes of state that belong to the next checkpoint.
    fn append(&mut self, changes: &[TableChanges]) -> Result<()>;

    /// Takes output of a sink that is to be delivered once the next checkpoint is durable.
    fn keep_output(&mut self, node: usize, output: &[RecordBatch]) -> Result<()>;

    /// Makes a checkpoint durable, as a whole or not at all, with the state that all changes so far add up to, and with all output that is
    /// kept and was not delivered. Gives the epochs of its [`Checkpoint::outbox`] that came with it.
    fn publish(&mut self, checkpoint: &Checkpoint) -> Result<Vec<(usize, u64)>>;

    /// Reads the output of a sink's epoch that a durable checkpoint holds. The function opens it as often as it is called.
    fn output(&mut self, node: usize, epoch: u64) -> Result<OpenOutput>;

    /// A sink's epoch was delivered: checkpoints need not keep its output any longer.
    fn delivered(&mut self, node: usize, epoch: u64);

    /// What tells runs and instances of the job apart: see [`crate::sink::EpochId::run`] and [`crate::sink::EpochId::generation`]. Asked after
    /// [`CheckpointStore::latest`].
    fn identity(&self) -> (u64, u64);

    /// How many bytes of output are kept that was not delivered.
    fn outbox_bytes(&self) -> u64 {
        0
    }

    /// The newest checkpoint that is whole; damaged ones are passed over and reported through `note`.
    fn latest(&mut self, note: &mut dyn FnMut(String)) -> Result<Option<Checkpoint>>;

    /// What is kept of the checkpoint from [`CheckpointStore::latest`] is of nodes that have other numbers now, or none.
    fn renumber(&mut self, number: &dyn Fn(usize) -> Option<usize>) {
        let _ = number;
    }

    /// Copies the checkpoint that was published last, whole, to a place of its own, where it stays. Tells the place.
    fn savepoint(&mut self) -> Result<String> {
        Err(Error::config("there is no place for savepoints").help("name one with --savepoint DIR"))
    }

    /// The job has ended: nothing is to be resumed.
    fn discard(&mut self) -> Result<()>;
}
