//! Pieces of files, and how decoded records become rows of the table.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, RecordBatchOptions, StringArray, TimestampMillisecondArray, UInt32Array};
use arrow::compute;
use flott_engine::source::{BadRow, Chunk, Decoded, Position};
use flott_engine::{Error, Result};

use super::listing;
use super::source::{OpenFile, Origin, Place};
use super::stream::{Compression, decompressed};
use crate::bad_records::{self, BadEntry};
use crate::formats::{self, BadRecord, Framing, Rows, Stop, one_value, start_of};

/// A record longer than this is refused, so that a file without line breaks cannot fill the memory.
pub const MAX_RECORD_BYTES: usize = 8 << 20;
/// How much is read at once to count lines.
const BLOCK_BYTES: usize = 64 << 10;

/// What all kinds of pieces know.
pub struct Piece {
    /// The file.
    pub file: Arc<OpenFile>,
    /// Where the piece starts, in bytes after decompression.
    pub start: u64,
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

impl Chunk for BytesChunk {
    fn start(&self) -> Position {
        self.piece.position()
    }

    fn decode(self: Box<Self>) -> Result<Decoded> {
        if let Some(wanted) = &self.piece.file.plan.bad {
            return self.bad_records(wanted);
        }
        let mut records = self.piece.file.decode.open(self.bytes.len())?;
        if !self.too_long {
            records.feed(&self.bytes).map_err(|stop| self.piece.stopped(stop, self.piece.start))?;
        }
        let mut decoded = self.piece.finish(records.finish()?, self.piece.start, self.length)?;
        if self.too_long {
            self.piece.add_too_long(&mut decoded, &self.bytes, self.piece.start);
        }
        Ok(decoded)
    }
}

impl BytesChunk {
    /// The records that cannot be read.
    fn bad_records(&self, wanted: &[usize]) -> Result<Decoded> {
        let file = &self.piece.file;
        let found = match self.too_long {
            true => vec![BadRecord::new(0, &self.bytes, None, too_long_reason())],
            false => bad_records::among(&*file.decode, &self.bytes).map_err(|e| e.at(file.path.display().to_string()))?,
        };
        // Lines are counted from the start of the file, once for all of them.
        let lines = matches!(file.decode.framing(), Framing::Lines | Framing::Csv(_)) && !found.is_empty();
        let before = if lines { Some(line_number(file, self.piece.start)? as i64) } else { None };
        let (mut line, mut counted) = (before, 0);
        let mut entries = Vec::with_capacity(found.len());
        for bad in found {
            line = line.map(|line| line + memchr::memchr_iter(b'\n', &self.bytes[counted..bad.offset]).count() as i64);
            counted = bad.offset;
            entries.push(BadEntry {
                source: file.path.display().to_string(),
                offset: (self.piece.start + bad.offset as u64) as i64,
                line,
                value: Some(self.bytes[bad.offset..(bad.offset + bad.length).min(self.bytes.len())].to_vec()),
                column: bad.column,
                reason: bad.reason,
                time: Some(file.place.modified_ms),
                ..BadEntry::default()
            });
        }
        Ok(Decoded::clean(bad_records::rows(&entries, wanted)?, self.length))
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
    /// Where it begins, for a checkpoint.
    pub fn position(&self) -> Position {
        let place = Place { offset: self.start, ..self.file.place };
        serde_json::to_string(&place).expect("three numbers are always JSON")
    }

    /// Why decoding stopped, as an error that names the place. `first`: where the first record lies in the file.
    pub fn stopped(&self, stop: Stop, first: u64) -> Error {
        match stop {
            Stop::Other(error) => error.at(self.file.path.display().to_string()),
            Stop::Record(bad) => {
                let place = place(&self.file, first + bad.offset as u64, bad.column.as_deref());
                let error = Error::data(bad.reason).at(place);
                let format = &self.file.plan.format;
                if !formats::options(format).iter().any(|option| option.key == "ignore-parse-errors") {
                    return error;
                }
                error.help(format!("Mend the record, or set '{format}.ignore-parse-errors' = 'true' to skip such records and count them"))
            }
        }
    }

    /// What was decoded from `bytes` bytes, with the columns that the format does not know. `first`: where the first record lies.
    pub fn finish(&self, rows: Rows, first: u64, bytes: u64) -> Result<Decoded> {
        let bad_samples = rows.bad.into_iter().map(|bad| BadRow {
            place: place(&self.file, first + bad.offset as u64, bad.column.as_deref()),
            reason: bad.reason,
            text: bad.text,
        });
        let bad_samples = bad_samples.collect();
        Ok(Decoded { rows: self.with_file_columns(&rows.batch)?, kinds: rows.kinds, bad_rows: rows.bad_rows, bad_samples, bytes })
    }

    /// Counts a record that is too long and was skipped.
    pub fn add_too_long(&self, decoded: &mut Decoded, start: &[u8], offset: u64) {
        decoded.bad_rows += 1;
        decoded.bad_samples.push(BadRow { place: place(&self.file, offset, None), reason: too_long_reason(), text: start_of(start) });
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

/// `bids.json, line 17, column price`, or the byte where it has no lines. Counts lines from the start of the file, so it is for errors only.
fn place(file: &OpenFile, offset: u64, column: Option<&str>) -> String {
    let line = match file.decode.framing() {
        Framing::Lines | Framing::Csv(_) => line_number(file, offset).ok(),
        Framing::Blocks | Framing::Messages => None,
    };
    let line = line.map_or_else(|| format!("byte {offset}"), |line| format!("line {line}"));
    let column = column.map(|column| format!(", column {column}")).unwrap_or_default();
    format!("{}, {line}{column}", file.path.display())
}

fn line_number(file: &OpenFile, offset: u64) -> Result<u64> {
    let (again, _) = super::source::open_file(&file.path)?;
    let mut reader = decompressed(again, Compression::of(&file.path)?)?.take(offset);
    let mut block = vec![0; BLOCK_BYTES];
    let mut lines = 1;
    loop {
        match reader.read(&mut block)? {
            0 => return Ok(lines),
            length => lines += memchr::memchr_iter(b'\n', &block[..length]).count() as u64,
        }
    }
}
