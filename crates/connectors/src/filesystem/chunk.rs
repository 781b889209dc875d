//! Pieces of files, and how workers turn them into rows.

use std::cell::RefCell;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, RecordBatchOptions, StringArray, TimestampMillisecondArray, UInt32Array};
use arrow::compute;
use flott_engine::source::{BadRow, Chunk, Decoded, Position};
use flott_engine::{Error, Result};

use super::listing;
use super::source::{OpenFile, Origin, Place};
use super::stream::{Compression, decompressed};
use crate::formats::{BadRecord, Stop, one_value};

/// A record longer than this is refused, so that a file without line breaks cannot fill the memory.
pub const MAX_RECORD_BYTES: usize = 8 << 20;
/// How much is read at once to find the end of a record.
const EXTENSION_BYTES: usize = 2 << 10;
/// A worker keeps its read buffer unless it has grown beyond this.
const KEPT_BUFFER_BYTES: usize = 16 << 20;
/// How much of a bad record is shown.
const SHOWN_BYTES: usize = 200;

thread_local! {
    /// Read buffer of this worker, so that not every piece asks the system for fresh memory.
    static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// What all kinds of pieces know.
pub struct Piece {
    /// The file.
    pub file: Arc<OpenFile>,
    /// Where the piece starts, in bytes after decompression.
    pub start: u64,
}

/// A byte range of a file of lines. It holds the records that start in it, and the last of them may end behind it.
pub struct RangeChunk {
    /// File and start.
    pub piece: Piece,
    /// Where the range ends.
    pub end: u64,
}

/// Whole records in memory.
pub struct BytesChunk {
    /// File and start.
    pub piece: Piece,
    /// The records.
    pub bytes: Vec<u8>,
    /// How many bytes of the file they are.
    pub length: u64,
    /// The records are only the start of one that is too long.
    pub too_long: bool,
}

impl Chunk for RangeChunk {
    fn start(&self) -> Position {
        self.piece.position()
    }

    fn decode(self: Box<Self>) -> Result<Decoded> {
        BUFFER.with_borrow_mut(|buffer| {
            let found = self.read(buffer)?;
            // The byte before the range is in the buffer too, unless the range starts with the file.
            let base = self.piece.start.saturating_sub(1);
            let records = &buffer[found.from..found.to];
            let mut decoded = self.piece.decode(records, base + found.from as u64, self.end - self.piece.start);
            if let (Ok(decoded), Some(end)) = (&mut decoded, found.too_long) {
                self.piece.add_too_long(decoded, &buffer[found.to..end], base + found.to as u64);
            }
            if buffer.capacity() > KEPT_BUFFER_BYTES {
                *buffer = Vec::new();
            }
            decoded
        })
    }
}

impl Chunk for BytesChunk {
    fn start(&self) -> Position {
        self.piece.position()
    }

    fn decode(self: Box<Self>) -> Result<Decoded> {
        if self.too_long {
            let mut decoded = self.piece.decode(&[], self.piece.start, self.length)?;
            self.piece.add_too_long(&mut decoded, &self.bytes, self.piece.start);
            return Ok(decoded);
        }
        self.piece.decode(&self.bytes, self.piece.start, self.length)
    }
}

/// Where the records of a range lie in the buffer.
struct Found {
    from: usize,
    to: usize,
    /// Another record starts at `to` and is too long; so much of it was read.
    too_long: Option<usize>,
}

impl RangeChunk {
    /// Reads the range and what its last record needs beyond.
    fn read(&self, buffer: &mut Vec<u8>) -> Result<Found> {
        let found = |from, to| Ok(Found { from, to, too_long: None });
        let start = self.piece.start;
        // With the byte before, a record that starts exactly at the range's start is known for one.
        let base = start.saturating_sub(1);
        let mut filled = self.fill(buffer, 0, base, (self.end - base) as usize)?;
        let from = if start == 0 {
            0
        } else {
            match memchr::memchr(b'\n', &buffer[..filled]) {
                Some(line_break) => line_break + 1,
                // The whole range lies within one record, which started before it.
                None => return found(filled, filled),
            }
        };
        if from == filled || buffer[filled - 1] == b'\n' {
            return found(from, filled);
        }
        let last = memchr::memrchr(b'\n', &buffer[from..filled]).map_or(from, |i| from + i + 1);
        loop {
            let more = self.fill(buffer, filled, base + filled as u64, EXTENSION_BYTES)?;
            if let Some(i) = memchr::memchr(b'\n', &buffer[filled..filled + more]) {
                return found(from, filled + i + 1);
            }
            filled += more;
            if more == 0 {
                return found(from, filled);
            }
            if filled - last > MAX_RECORD_BYTES {
                if !self.piece.file.plan.decode.skips_bad_records() {
                    return Err(too_long(&self.piece.file, base + last as u64));
                }
                // The ranges that follow find no record before this one's end.
                return Ok(Found { from, to: last, too_long: Some(filled) });
            }
        }
    }

    /// Reads up to `length` bytes at `offset` of the file to `at` of the buffer; fewer only at the file's end.
    fn fill(&self, buffer: &mut Vec<u8>, at: usize, offset: u64, length: usize) -> Result<usize> {
        let file = &self.piece.file;
        let length = length.min(file.place.size.saturating_sub(offset) as usize);
        if buffer.len() < at + length {
            buffer.resize(at + length, 0);
        }
        file.file
            .read_exact_at(&mut buffer[at..at + length], offset)
            .map_err(|e| Error::io(format!("Cannot read the file {} at byte {offset}: {e}", file.path.display())))?;
        Ok(length)
    }
}

/// What is wrong with a record that is too long.
fn too_long_reason() -> String {
    format!("A record is longer than {} MiB", MAX_RECORD_BYTES >> 20)
}

/// The error for a record that is too long.
pub fn too_long(file: &OpenFile, offset: u64) -> Error {
    Error::data(too_long_reason()).at(place(file, offset, None)).help("Is this a text file with one record a line?")
}

impl Piece {
    fn position(&self) -> Position {
        let place = Place { offset: self.start, ..self.file.place };
        serde_json::to_string(&place).expect("three numbers are always JSON")
    }

    /// Turns whole records into rows. `offset`: where they start in the file.
    fn decode(&self, records: &[u8], offset: u64, bytes: u64) -> Result<Decoded> {
        let plan = &self.file.plan;
        let rows = plan.decode.decode(records).map_err(|stop| match stop {
            Stop::Other(error) => error.at(self.file.path.display().to_string()),
            Stop::Record(bad) => {
                let place = place(&self.file, offset + bad.offset as u64, bad.column.as_deref());
                Error::data(bad.reason).at(place).help(format!(
                    "Mend the record, or set '{}.ignore-parse-errors' = 'true' to skip such records and count them",
                    plan.format
                ))
            }
        })?;
        let bad_samples = rows.bad.iter().map(|bad| self.bad_row(bad, records, offset)).collect();
        let batch = self.with_file_columns(&rows.batch)?;
        Ok(Decoded { rows: batch, bad_rows: rows.bad_rows, bad_samples, bytes })
    }

    /// Counts a record that is too long and was skipped.
    fn add_too_long(&self, decoded: &mut Decoded, start: &[u8], offset: u64) {
        decoded.bad_rows += 1;
        let shown = &start[..start.len().min(SHOWN_BYTES)];
        decoded.bad_samples.push(BadRow {
            place: place(&self.file, offset, None),
            reason: too_long_reason(),
            text: String::from_utf8_lossy(shown).into_owned(),
        });
    }

    fn bad_row(&self, bad: &BadRecord, records: &[u8], offset: u64) -> BadRow {
        let record = records.get(bad.offset..bad.offset + bad.length).unwrap_or(&[]);
        let shown = &record[..record.len().min(SHOWN_BYTES)];
        BadRow {
            place: place(&self.file, offset + bad.offset as u64, bad.column.as_deref()),
            reason: bad.reason.clone(),
            text: String::from_utf8_lossy(shown).into_owned(),
        }
    }

    /// Adds the columns that come from the file's name and age.
    fn with_file_columns(&self, decoded: &RecordBatch) -> Result<RecordBatch> {
        let plan = &self.file.plan;
        let rows = decoded.num_rows();
        let mut columns = Vec::with_capacity(plan.columns.len());
        for (i, origin) in plan.columns.iter().enumerate() {
            columns.push(match origin {
                Origin::Record(column) => decoded.column(*column).clone(),
                Origin::Partition(key) => repeated(&self.partition(key, plan.schema.field(i))?, rows)?,
                Origin::Metadata(key) => repeated(&self.metadata(key)?, rows)?,
            });
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(RecordBatch::try_new_with_options(plan.schema.clone(), columns, &options)?)
    }

    fn partition(&self, key: &str, field: &arrow::datatypes::Field) -> Result<ArrayRef> {
        let path = &self.file.path;
        let value = listing::partition_value(path, key).ok_or_else(|| {
            Error::data(format!("The file {} is not in a folder '{key}=…'", path.display()))
                .help("A table that is PARTITIONED BY a column reads its value from the names of folders")
        })?;
        let value = (value != self.file.plan.default_name).then_some(value);
        one_value(field, value.as_deref())
            .map_err(|reason| Error::data(format!("The folder '{key}=…' of the file {}: {reason}", path.display())))
    }

    fn metadata(&self, key: &str) -> Result<ArrayRef> {
        let OpenFile { path, place, .. } = &*self.file;
        let text = |path: &Path| -> ArrayRef { Arc::new(StringArray::from(vec![path.to_string_lossy().into_owned()])) };
        Ok(match key {
            "file.path" => text(&std::path::absolute(path).unwrap_or_else(|_| path.clone())),
            "file.name" => text(Path::new(path.file_name().unwrap_or_default())),
            "file.size" => Arc::new(Int64Array::from(vec![place.size as i64])),
            "file.modification-time" => Arc::new(TimestampMillisecondArray::from(vec![place.modified_ms]).with_timezone("UTC")),
            other => return Err(Error::config(format!("The connector 'filesystem' has no metadata column '{other}'"))),
        })
    }
}

/// The one value of an array, so many times.
fn repeated(value: &ArrayRef, rows: usize) -> Result<ArrayRef> {
    Ok(compute::take(value, &UInt32Array::from(vec![0; rows]), None)?)
}

/// `bids.json, line 17, column price`. Counts lines from the start of the file, so it is for errors only.
fn place(file: &OpenFile, offset: u64, column: Option<&str>) -> String {
    let line = match line_number(file, offset) {
        Ok(line) => format!("line {line}"),
        Err(_) => format!("byte {offset}"),
    };
    let column = column.map(|column| format!(", column {column}")).unwrap_or_default();
    format!("{}, {line}{column}", file.path.display())
}

fn line_number(file: &OpenFile, offset: u64) -> Result<u64> {
    let (again, _) = super::source::open_file(&file.path)?;
    let mut reader = decompressed(again, Compression::of(&file.path)?)?.take(offset);
    let mut block = vec![0; EXTENSION_BYTES];
    let mut lines = 1;
    loop {
        match reader.read(&mut block)? {
            0 => return Ok(lines),
            length => lines += memchr::memchr_iter(b'\n', &block[..length]).count() as u64,
        }
    }
}
