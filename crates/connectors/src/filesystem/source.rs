//! The source: finds files and hands them out in pieces.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, UNIX_EPOCH};

use arrow::datatypes::SchemaRef;
use flott_engine::connector::{ColumnRef, TableSpec};
use flott_engine::source::{ChunkBudget, Fetch, Position, Source, SplitInfo, SplitReader};
use flott_engine::{Error, Result};
use serde::{Deserialize, Serialize};

use super::blocks::BlockReader;
use super::chunk::Piece;
use super::config::SourceConfig;
use super::listing;
use super::range::RangeChunk;
use super::stream::{Compression, StreamReader};
use crate::formats::{self, Decode, Framing};

/// Where a piece of a file begins, and which file that was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Bytes before it, after decompression.
    pub offset: u64,
    /// Size of the file as it lies on disk, in bytes.
    pub size: u64,
    /// When the file was last changed, in milliseconds since 1970.
    pub modified_ms: i64,
}

/// What all pieces of a table share.
pub struct TablePlan {
    /// Decodes records.
    pub decode: Arc<dyn Decode>,
    /// The rows to make.
    pub schema: SchemaRef,
    /// Where each column of a row comes from.
    pub columns: Vec<Origin>,
    /// Name of the format, for messages.
    pub format: String,
    /// What stands for NULL in the name of a partition folder.
    pub default_name: String,
    /// Bad records are read, of which these columns are wanted, and nothing else.
    pub bad: Option<Vec<usize>>,
}

/// Where a column comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A column that the format decodes, by position.
    Record(usize),
    /// A folder name of this key.
    Partition(String),
    /// A fact about the file.
    Metadata(String),
}

/// A file that is being read.
pub struct OpenFile {
    /// Its path as found.
    pub path: PathBuf,
    /// The file.
    pub file: File,
    /// Size and age when it was opened.
    pub place: Place,
    /// What all pieces of the table share.
    pub plan: Arc<TablePlan>,
    /// Decodes its records.
    pub decode: Arc<dyn Decode>,
}

/// A table's files.
pub struct FileSource {
    config: SourceConfig,
    plan: Arc<TablePlan>,
    known: BTreeSet<PathBuf>,
    looked: Option<Instant>,
}

impl FileSource {
    /// A source for a table that was checked.
    pub fn new(config: SourceConfig, table: &TableSpec) -> Result<Self> {
        let is_key = |i: usize| table.partition_keys.contains(table.schema.field(i).name());
        let stored: Vec<usize> = (0..table.schema.fields().len()).filter(|i| !is_key(*i)).collect();
        let mut needed = vec![];
        let mut columns = vec![];
        for column in &table.columns {
            columns.push(match column {
                ColumnRef::Physical(i) if is_key(*i) => Origin::Partition(table.schema.field(*i).name().clone()),
                ColumnRef::Physical(i) => {
                    needed.push(*i);
                    Origin::Record(needed.len() - 1)
                }
                ColumnRef::Metadata { key, .. } => Origin::Metadata(key.clone()),
            });
        }
        let plan = TablePlan {
            decode: formats::file_decoder(table, &stored, &needed)?,
            schema: table.read_schema(),
            columns,
            format: config.format.clone(),
            default_name: config.default_name.clone(),
            bad: None,
        };
        Ok(Self { config, plan: Arc::new(plan), known: BTreeSet::new(), looked: None })
    }
}

impl FileSource {
    /// The same, but it gives the bad records.
    pub fn of_bad_records(mut self, wanted: &[usize]) -> Self {
        if let Some(plan) = Arc::get_mut(&mut self.plan) {
            plan.bad = Some(wanted.to_vec());
        }
        self
    }
}

impl Source for FileSource {
    fn discover(&mut self) -> Result<Vec<SplitInfo>> {
        if let Some(looked) = self.looked {
            let due = self.config.monitor_ms.is_some_and(|ms| looked.elapsed() >= Duration::from_millis(ms));
            if !due {
                return Ok(vec![]);
            }
        }
        self.looked = Some(Instant::now());
        let mut new = vec![];
        for path in listing::list(&self.config)? {
            if !self.known.contains(&path) {
                if self.plan.decode.framing() != Framing::Blocks {
                    Compression::of(&path)?;
                }
                let id = path
                    .to_str()
                    .ok_or_else(|| Error::io(format!("The name of the file {} is not UTF-8", path.display())).help("Rename the file"))?;
                new.push(SplitInfo { id: id.to_owned(), detail: String::new() });
                self.known.insert(path);
            }
        }
        Ok(new)
    }

    fn discovers(&self) -> bool {
        self.config.monitor_ms.is_some()
    }

    fn open(&mut self, split: &SplitInfo, from: Option<&Position>) -> Result<Box<dyn SplitReader>> {
        let path = PathBuf::from(&split.id);
        let (file, mut place) = open_file(&path)?;
        if let Some(position) = from {
            let saved: Place = serde_json::from_str(position)
                .map_err(|e| Error::state(format!("The position '{position}' of {} cannot be read: {e}", split.id)))?;
            if (saved.size, saved.modified_ms) != (place.size, place.modified_ms) {
                return Err(changed(&path, &saved, &place));
            }
            place.offset = saved.offset;
        }
        let framing = self.plan.decode.framing();
        let file = OpenFile { path, file, place, plan: Arc::clone(&self.plan), decode: Arc::clone(&self.plan.decode) };
        if framing == Framing::Blocks {
            return Ok(Box::new(BlockReader::open(file)?));
        }
        let compression = Compression::of(&file.path)?;
        let file = Arc::new(file);
        if compression == Compression::None && framing == Framing::Lines && file.plan.bad.is_none() {
            return Ok(Box::new(RangeReader { next: place.offset, file }));
        }
        Ok(Box::new(StreamReader::open(file, compression, framing)?))
    }
}

/// Opens a file and looks at its size and age.
pub fn open_file(path: &Path) -> Result<(File, Place)> {
    let cannot = |e: std::io::Error| Error::io(format!("Cannot open the file {}: {e}", path.display()));
    let file = File::open(path).map_err(cannot)?;
    let metadata = file.metadata().map_err(cannot)?;
    let modified = metadata.modified().map_err(cannot)?;
    let modified_ms = match modified.duration_since(UNIX_EPOCH) {
        Ok(after) => after.as_millis() as i64,
        Err(before) => -(before.duration().as_millis() as i64),
    };
    Ok((file, Place { offset: 0, size: metadata.len(), modified_ms }))
}

fn changed(path: &Path, saved: &Place, now: &Place) -> Error {
    let difference = if saved.size == now.size {
        "it was written again".to_owned()
    } else {
        format!("it had {} bytes and now has {}", saved.size, now.size)
    };
    Error::state(format!("The file {} has changed since the checkpoint: {difference}", path.display()))
        .help("Bring the file back as it was, or start the job without the checkpoint; new data belongs into new files")
}

/// Hands out byte ranges of a file whose records are lines.
struct RangeReader {
    file: Arc<OpenFile>,
    next: u64,
}

impl SplitReader for RangeReader {
    fn fetch(&mut self, budget: ChunkBudget) -> Result<Fetch> {
        let size = self.file.place.size;
        if self.next >= size {
            return Ok(Fetch::End);
        }
        let start = self.next;
        self.next = start.saturating_add(budget.bytes.max(1) as u64).min(size);
        let piece = Piece { file: Arc::clone(&self.file), start };
        Ok(Fetch::Chunk(Box::new(RangeChunk { piece, end: self.next })))
    }
}
