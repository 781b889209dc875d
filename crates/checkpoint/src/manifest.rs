//! The manifest: one document that names everything a checkpoint consists of.

use flott_engine::change::{Columns, Part, PartKind};
use flott_engine::checkpoint::{Checkpoint, SinkState, SplitState, TableState};
use serde::{Deserialize, Serialize};

use crate::codec::{parse, unseal};
use crate::files::{Files, Unusable, read_part};
use crate::folder::Folder;
use crate::head::unreadable_format;
use crate::outputs::Output;
use crate::segments::{self, Segment};

/// Version of the directory's format. A release reads its own version, and says so of others.
pub const FORMAT_VERSION: u32 = 3;

const PREFIX: &str = "manifest-";
const SUFFIX: &str = ".json";

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Of the file format.
    pub version: u32,
    /// The epoch the checkpoint closes.
    pub epoch: u64,
    /// Generation of the job that wrote it. A later generation's checkpoint is newer, whatever its epoch.
    pub generation: u64,
    /// Name of the job.
    pub job: String,
    /// Drawn when the job began without state.
    pub run: u64,
    /// Identifies the query.
    pub fingerprint: String,
    /// What nodes compute, by number.
    pub parts: Vec<PartEntry>,
    /// The input has ended.
    pub finished: bool,
    /// Processing time in milliseconds.
    pub now_ms: i64,
    /// Event time of sources.
    pub watermarks: Vec<EventTime>,
    /// Positions of source splits.
    pub splits: Vec<Split>,
    /// Progress of sinks.
    pub sinks: Vec<SinkProgress>,
    /// Late rows so far.
    pub late: Vec<LateCount>,
    /// State tables: segments in the order in which they were written.
    pub segments: Vec<Segment>,
    /// Output that was not delivered.
    pub outbox: Vec<Output>,
}

/// A part of the query, see [`Part`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartEntry {
    kind: String,
    identity: String,
    title: String,
    sources: Vec<usize>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    places: Vec<String>,
    input: String,
    updating: bool,
    keys: Vec<String>,
    rows: Vec<Vec<String>>,
}

const KINDS: [(PartKind, &str); 3] = [(PartKind::Source, "source"), (PartKind::Operator, "operator"), (PartKind::Sink, "sink")];

impl PartEntry {
    fn of(part: &Part) -> Self {
        let Part { kind, identity, title, sources, places, input, updating, columns } = part.clone();
        let kind = KINDS.iter().find(|k| k.0 == kind).map_or("", |k| k.1).to_owned();
        Self { kind, identity, title, sources, places, input, updating, keys: columns.keys, rows: columns.rows }
    }

    fn part(self) -> Part {
        let kind = KINDS.iter().find(|k| k.1 == self.kind).map_or(PartKind::Operator, |k| k.0);
        let Self { identity, title, sources, places, input, updating, keys, rows, .. } = self;
        Part { kind, identity, title, sources, places, input, updating, columns: Columns { keys, rows } }
    }
}

/// A source split, see [`SplitState`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Split {
    node: usize,
    id: String,
    detail: String,
    position: Option<String>,
    rows_taken: u64,
    watermark: i64,
    ended: bool,
    rows: u64,
    bad_rows: u64,
}

/// Event time of a source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventTime {
    node: usize,
    watermark: i64,
}

/// A sink, see [`SinkState`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SinkProgress {
    node: usize,
    progress: String,
}

/// Late rows of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LateCount {
    node: usize,
    rows: u64,
}

impl Manifest {
    /// Everything of a checkpoint but its tables, which lie in `segments`.
    pub fn of(checkpoint: &Checkpoint, job: &str, (run, generation): (u64, u64), segments: Vec<Segment>, outbox: Vec<Output>) -> Self {
        let split = |s: &SplitState| Split {
            node: s.node,
            id: s.id.clone(),
            detail: s.detail.clone(),
            position: s.position.clone(),
            rows_taken: s.rows_taken,
            watermark: s.watermark,
            ended: s.ended,
            rows: s.rows,
            bad_rows: s.bad_rows,
        };
        Self {
            version: FORMAT_VERSION,
            epoch: checkpoint.epoch,
            generation,
            job: job.to_owned(),
            run,
            fingerprint: checkpoint.fingerprint.clone(),
            parts: checkpoint.parts.iter().map(PartEntry::of).collect(),
            finished: checkpoint.finished,
            now_ms: checkpoint.now_ms,
            watermarks: checkpoint.watermarks.iter().map(|(node, watermark)| EventTime { node: *node, watermark: *watermark }).collect(),
            splits: checkpoint.splits.iter().map(split).collect(),
            sinks: checkpoint.sinks.iter().map(|s| SinkProgress { node: s.node, progress: s.progress.clone() }).collect(),
            late: checkpoint.late.iter().map(|(node, rows)| LateCount { node: *node, rows: *rows }).collect(),
            segments,
            outbox,
        }
    }

    /// The state tables, if everything that the manifest names is whole.
    pub fn read(&self, folder: &dyn Folder) -> Result<Vec<TableState>, Unusable> {
        let mut files = Files::new(folder);
        for Output { segment, .. } in &self.outbox {
            segment.pieces.iter().try_for_each(|piece| files.read(segment, piece).map(drop))?;
        }
        segments::tables(&self.segments, &mut files)
    }

    /// The checkpoint, with the tables that were read.
    pub fn into_checkpoint(self, tables: Vec<TableState>) -> Checkpoint {
        let split = |s: Split| SplitState {
            node: s.node,
            id: s.id,
            detail: s.detail,
            position: s.position,
            rows_taken: s.rows_taken,
            watermark: s.watermark,
            ended: s.ended,
            rows: s.rows,
            bad_rows: s.bad_rows,
        };
        Checkpoint {
            epoch: self.epoch,
            fingerprint: self.fingerprint,
            parts: self.parts.into_iter().map(PartEntry::part).collect(),
            finished: self.finished,
            now_ms: self.now_ms,
            watermarks: self.watermarks.into_iter().map(|e| (e.node, e.watermark)).collect(),
            splits: self.splits.into_iter().map(split).collect(),
            sinks: self.sinks.into_iter().map(|s| SinkState { node: s.node, progress: s.progress }).collect(),
            tables,
            late: self.late.into_iter().map(|l| (l.node, l.rows)).collect(),
            outbox: self.outbox.iter().map(|output| (output.node, output.epoch)).collect(),
        }
    }

    /// Orders checkpoints by age.
    pub fn age(&self) -> (u64, u64) {
        (self.generation, self.epoch)
    }
}

/// Name of the manifest of an epoch; names sort by epoch.
pub fn file_name(epoch: u64) -> String {
    format!("{PREFIX}{epoch:020}{SUFFIX}")
}

/// The epoch in the name of a manifest; `None` for any other file.
pub fn epoch_in(name: &str) -> Option<u64> {
    let digits = name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?;
    (digits.len() == 20).then(|| digits.parse().ok()).flatten()
}

/// The format version of a document, if it is not that of this release.
pub fn other_format(content: &str) -> Option<u32> {
    #[derive(Deserialize)]
    struct Versioned {
        version: u32,
    }
    serde_json::from_str::<Versioned>(content).ok().map(|v| v.version).filter(|v| *v != FORMAT_VERSION)
}

/// Reads a manifest of a folder.
pub fn read_manifest(folder: &dyn Folder, name: &str) -> Result<Manifest, Unusable> {
    let bytes = read_part(folder, name)?;
    let content = unseal(&bytes).map_err(Unusable::Damaged)?;
    if let Some(version) = other_format(content) {
        return Err(Unusable::Failed(unreadable_format(version, &folder.place(""))));
    }
    let manifest: Manifest = parse(content).map_err(Unusable::Damaged)?;
    if epoch_in(name) != Some(manifest.epoch) {
        return Err(Unusable::Damaged(format!("it is that of epoch {}", manifest.epoch)));
    }
    Ok(manifest)
}
