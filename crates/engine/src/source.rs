//! Sources: what a connector implements so that rows come in.
//!
//! A source consists of *splits* (a file, a partition, a generator). The loop asks each split for a [`Chunk`]: a piece of input
//! that is cheap to hand out (a byte range, a message set, a range of sequence numbers) and is turned into rows by a worker, in
//! parallel with other chunks. A chunk carries the position where it starts, so that a checkpoint can say "this chunk, and so
//! many rows of it": the engine, not the connector, counts rows inside a chunk.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use std::sync::Arc;

use crate::{Result, RowKind};

/// A place in a split, opaque to the engine: whatever lets the connector continue exactly there. JSON text by convention.
pub type Position = String;

/// A source of a table, made by a connector for one job.
pub trait Source: Send {
    /// The splits known now. Called at the start, and again before each tick when [`Source::discovers`] is true; it returns
    /// only splits it has not returned before. Ids are stable over restarts and unique within the source.
    fn discover(&mut self) -> Result<Vec<SplitInfo>>;

    /// Whether splits can still appear (a followed folder). Such a source never ends by itself.
    fn discovers(&self) -> bool {
        false
    }

    /// Opens a split at its start (`None`) or at a position that one of its chunks had.
    fn open(&mut self, split: &SplitInfo, from: Option<&Position>) -> Result<Box<dyn SplitReader>>;

    /// The job goes on from a checkpoint that knew these splits. Called at most once, before [`Source::discover`].
    fn restored(&mut self, splits: &[SplitInfo]) {
        let _ = splits;
    }

    /// A checkpoint is about to be taken, or the job ends: what the source itself has written (records that it refused, for example) must
    /// be durable when this returns.
    fn prepare(&mut self) -> Result<()> {
        Ok(())
    }

    /// A checkpoint is durable in which splits stand at these positions; a split of which nothing was read is left out. For telling
    /// others how far the job is: the job itself goes by the checkpoint. Must not wait.
    fn checkpointed(&mut self, positions: &[(&SplitInfo, &Position)]) -> Result<()> {
        let _ = positions;
        Ok(())
    }

    /// News for the user since the last call, such as a server that cannot be reached and is tried again.
    fn notes(&mut self) -> Vec<String> {
        vec![]
    }
}

/// Name of a split.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SplitInfo {
    /// Stable over restarts, unique within the source; a file's path, say.
    pub id: String,
    /// What the connector needs to open it again; free text.
    pub detail: String,
}

/// Reads one split in order.
pub trait SplitReader: Send {
    /// The next chunk, of at most about `budget` in size. Must not wait: with nothing ready it returns [`Fetch::Idle`].
    fn fetch(&mut self, budget: ChunkBudget) -> Result<Fetch>;

    /// How many records are there that were not handed out yet, where the split knows. Must not wait.
    fn lag(&self) -> Option<u64> {
        None
    }
}

/// How much one chunk may hold. A connector may go over by one record and may always return less.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkBudget {
    /// Rows, for sources that know rows before decoding.
    pub rows: usize,
    /// Bytes of undecoded input.
    pub bytes: usize,
}

/// What a split had to offer.
pub enum Fetch {
    /// Input to be decoded.
    Chunk(Box<dyn Chunk>),
    /// Nothing now, perhaps later. `retry_after_ms` is a hint on when to ask again.
    Idle {
        /// Milliseconds until it makes sense to ask again; 0: ask in the next round.
        retry_after_ms: u64,
    },
    /// The split has ended for good.
    End,
}

/// A piece of one split, to be decoded by any worker.
pub trait Chunk: Send {
    /// Where this chunk begins: opening the split there yields this chunk's rows first, row for row.
    fn start(&self) -> Position;

    /// Where the chunk after this one begins, if that is known: when all rows of this one are taken, a checkpoint notes that place, so
    /// that this chunk need not be there any more.
    fn end(&self) -> Option<Position> {
        None
    }

    /// Turns the input into rows. Deterministic: the same chunk gives the same rows. Rows that do not parse are either an error
    /// (naming file or partition, line or offset, column, reason) or, when the table says to skip them, listed in `bad`.
    fn decode(self: Box<Self>) -> Result<Decoded>;
}

/// The rows of a chunk: the table's physical and metadata columns that the plan needs, in the order of
/// [`crate::connector::TableSpec::columns`].
#[derive(Debug)]
pub struct Decoded {
    /// The rows.
    pub rows: RecordBatch,
    /// The kind of each row; `None`: all `+I`.
    pub kinds: Option<Arc<[RowKind]>>,
    /// How many input records were skipped because they did not parse, or taken only in part.
    pub bad_rows: u64,
    /// A few of them, for the user to look at.
    pub bad_samples: Vec<BadRow>,
    /// Bytes of input this chunk had, for progress display.
    pub bytes: u64,
}

impl Decoded {
    /// Rows without any bad ones.
    pub fn clean(rows: RecordBatch, bytes: u64) -> Self {
        Self { rows, kinds: None, bad_rows: 0, bad_samples: vec![], bytes }
    }
}

/// The columns of `t$bad`, the records that cannot be read as rows of a table `t`: where each one is (topic or file, partition, offset or
/// byte, line), its key and its value as they came, the column that is to blame, what is wrong, and when it was stored.
pub fn bad_record_schema() -> SchemaRef {
    use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
    let time = DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()));
    let columns = [
        ("source_name", DataType::Utf8),
        ("source_partition", DataType::Int32),
        ("source_offset", DataType::Int64),
        ("source_line", DataType::Int64),
        ("raw_key", DataType::Binary),
        ("raw_value", DataType::Binary),
        ("error_column", DataType::Utf8),
        ("error_text", DataType::Utf8),
        ("stored_at", time),
    ];
    Arc::new(Schema::new(columns.map(|(name, data_type)| Field::new(name, data_type, true)).to_vec()))
}

/// An input record that was skipped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRow {
    /// Where: `bids.json, line 17, column price`.
    pub place: String,
    /// Why it was refused.
    pub reason: String,
    /// The start of the record's text, cut to some 200 bytes.
    pub text: String,
}
