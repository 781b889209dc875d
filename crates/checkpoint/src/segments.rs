//! Segments: files of changes of state, each of which is a piece. What a checkpoint holds is what the pieces of its segments, in their
//! order, add up to.

use arrow::array::{ArrayRef, AsArray, RecordBatch, UInt64Array};
use arrow::buffer::Buffer;
use arrow::compute::{concat_batches, filter_record_batch};
use arrow::datatypes::{DataType, Field, Schema, UInt64Type};
use arrow::error::ArrowError;
use arrow::ipc::reader::StreamDecoder;
use arrow::ipc::writer::StreamWriter;
use flott_engine::Result;
use flott_engine::checkpoint::{TableChanges, TableState};
use flott_engine::state::changes::{Changes, Newer};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use crate::codec::checksum;
use crate::files::{Files, Unusable};

/// With more segments, some are merged.
const SEGMENTS_MAX: usize = 32;
/// So many rows may be out of date before anything is merged for that.
const ROWS_SPARED: u64 = 50_000;
/// Rows of merged pieces are put together up to so many bytes.
const PIECE_BYTES: usize = 8 << 20;
/// Name of the column that a piece has behind those of the table.
const ENTRY: &str = "entry";

/// A file of a checkpoint's state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// Its name in the directory.
    pub file: String,
    /// Its length in bytes.
    pub size: u64,
    /// What it consists of, without gaps.
    pub pieces: Vec<Piece>,
}

/// Changes of one worker's part of a state table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    /// Node of the operator.
    pub node: usize,
    /// Name of the table.
    pub table: String,
    /// The worker.
    pub part: usize,
    /// Rows.
    pub rows: u64,
    /// Where it begins in the file, in bytes.
    pub offset: u64,
    /// Its length in bytes.
    pub length: u64,
    /// Its checksum.
    pub crc32c: String,
}

/// Node of the operator, name of the table, and the worker.
type Table = (usize, String, usize);

impl Piece {
    fn table(&self) -> Table {
        (self.node, self.table.clone(), self.part)
    }
}

/// Adds a piece to the end of a segment that is `offset` bytes long before these `bytes`.
pub fn encode(changes: &TableChanges, offset: u64, bytes: &mut Vec<u8>) -> Result<Piece> {
    let TableChanges { node, table, part, changes } = changes;
    encode_piece((*node, table.clone(), *part), &changes.rows, &changes.entries, &changes.removed, offset, bytes)
}

fn encode_piece(
    (node, table, part): Table,
    rows: &RecordBatch,
    entries: &[u64],
    removed: &[Range<u64>],
    offset: u64,
    bytes: &mut Vec<u8>,
) -> Result<Piece> {
    let begin = bytes.len();
    bytes.extend((removed.len() as u64).to_le_bytes());
    removed.iter().for_each(|range| bytes.extend([range.start.to_le_bytes(), range.end.to_le_bytes()].concat()));
    let mut fields: Vec<_> = rows.schema().fields().iter().cloned().collect();
    fields.push(Arc::new(Field::new(ENTRY, DataType::UInt64, false)));
    let entries: ArrayRef = Arc::new(UInt64Array::from(entries.to_vec()));
    let columns = rows.columns().iter().cloned().chain([entries]).collect();
    let rows = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?;
    end_piece((node, table, part), &rows, begin, offset, bytes)
}

/// Adds rows to the piece that begins at `begin` in these bytes, and ends it. The bytes come `offset` bytes behind the beginning of the file.
pub fn end_piece((node, table, part): Table, rows: &RecordBatch, begin: usize, offset: u64, bytes: &mut Vec<u8>) -> Result<Piece> {
    let mut writer = StreamWriter::try_new(&mut *bytes, &rows.schema())?;
    writer.write(rows)?;
    writer.finish()?;
    drop(writer);
    let piece = &bytes[begin..];
    Ok(Piece {
        node,
        table,
        part,
        rows: rows.num_rows() as u64,
        offset: offset + begin as u64,
        length: piece.len() as u64,
        crc32c: checksum(piece),
    })
}

/// The rows that [`end_piece`] added. They stay where they are: recovery is mostly a matter of memory that is touched for the first time.
pub fn read_rows(mut bytes: Buffer) -> Result<RecordBatch, ArrowError> {
    let mut decoder = StreamDecoder::new();
    let rows = decoder.decode(&mut bytes)?;
    decoder.finish()?;
    rows.ok_or_else(|| ArrowError::IpcError("it has no rows".into()))
}

/// The inverse of [`encode`]; the bytes have passed their checksum.
fn decode(bytes: Vec<u8>) -> Result<Changes, String> {
    let number = |at: usize| bytes.get(at..at + 8).and_then(|b| b.try_into().ok()).map(u64::from_le_bytes).ok_or("it is too short");
    let count = number(0)? as usize;
    let removed = (0..count).map(|i| Ok(number(8 + 16 * i)?..number(16 + 16 * i)?)).collect::<Result<Vec<_>, &str>>()?;
    let rows = read_rows(Buffer::from_vec(bytes).slice(8 + 16 * count)).map_err(|e| e.to_string())?;
    let last = rows.num_columns() - 1;
    let entries = rows.column(last).as_primitive_opt::<UInt64Type>().ok_or("it has no entries")?.values().to_vec();
    let rows = rows.project(&(0..last).collect::<Vec<_>>()).map_err(|e| e.to_string())?;
    Ok(Changes { rows, entries, removed })
}

/// Goes through the pieces of one table from the last to the first, and keeps what counts.
#[derive(Default)]
struct Backwards {
    newer: Newer,
    removed: Vec<Range<u64>>,
}

impl Backwards {
    /// The rows of a piece that count, with their entries.
    fn step(&mut self, bytes: Vec<u8>) -> Result<(RecordBatch, Vec<u64>), String> {
        let changes = decode(bytes)?;
        let counting = self.newer.counting(&changes.entries, &changes.removed);
        self.removed.extend(changes.removed);
        if counting.true_count() == changes.entries.len() {
            return Ok((changes.rows, changes.entries));
        }
        let entries = changes.entries.iter().zip(counting.values()).filter(|(_, counts)| *counts).map(|(entry, _)| *entry);
        Ok((filter_record_batch(&changes.rows, &counting).map_err(|e| e.to_string())?, entries.collect()))
    }
}

/// The pieces of segments by table, each from the last to the first.
fn by_table(segments: &[Segment]) -> BTreeMap<Table, Vec<(&Segment, &Piece)>> {
    let mut tables: BTreeMap<Table, Vec<(&Segment, &Piece)>> = BTreeMap::new();
    for segment in segments.iter().rev() {
        segment.pieces.iter().rev().for_each(|piece| tables.entry(piece.table()).or_default().push((segment, piece)));
    }
    tables
}

/// The tables that segments, oldest first, add up to.
pub fn tables(segments: &[Segment], files: &mut Files) -> Result<Vec<TableState>, Unusable> {
    let mut tables = vec![];
    for ((node, table, _), pieces) in by_table(segments) {
        let mut backwards = Backwards::default();
        let first = tables.len();
        for (segment, piece) in pieces {
            let (rows, _) = backwards.step(files.read(segment, piece)?).map_err(|why| files.damaged(segment, why))?;
            if rows.num_rows() > 0 {
                tables.push(TableState { node, table: table.clone(), rows });
            }
        }
        tables[first..].reverse();
    }
    Ok(tables)
}

/// Which segments to merge, of these numbers of rows, oldest first, when `live` rows are left of them: all where more than half of the rows is
/// out of date, and otherwise the small ones when there are many. Thus each row is written again a few times only.
pub fn to_merge(rows: &[u64], live: u64) -> Option<Range<usize>> {
    let all: u64 = rows.iter().sum();
    if rows.len() > 1 && all > 2 * live + ROWS_SPARED {
        return Some(0..rows.len());
    }
    if rows.len() <= SEGMENTS_MAX {
        return None;
    }
    let from = (0..rows.len() - 1).find(|i| rows[*i] <= rows[i + 1..].iter().sum()).unwrap_or(0);
    Some(from.min(rows.len() - SEGMENTS_MAX / 2)..rows.len())
}

/// The merged pieces on their way into a file.
struct Merging<'a> {
    offset: u64,
    write: &'a mut dyn FnMut(u64, &[u8]) -> Result<(), String>,
    pieces: Vec<Piece>,
}

impl Merging<'_> {
    /// Writes rows, which come from the last to the first, as one piece.
    fn put(&mut self, table: &Table, mut rows: Vec<(RecordBatch, Vec<u64>)>, removed: &[Range<u64>]) -> Result<(), String> {
        rows.reverse();
        let schema = rows.first().map_or_else(|| Arc::new(Schema::empty()), |(rows, _)| rows.schema());
        let entries: Vec<u64> = rows.iter().flat_map(|(_, entries)| entries.iter().copied()).collect();
        let rows = concat_batches(&schema, rows.iter().map(|(rows, _)| rows)).map_err(|e| e.to_string())?;
        let mut bytes = vec![];
        let piece = encode_piece(table.clone(), &rows, &entries, removed, self.offset, &mut bytes);
        self.pieces.push(piece.map_err(|e| e.to_string())?);
        (self.write)(self.offset, &bytes)?;
        self.offset += bytes.len() as u64;
        Ok(())
    }
}

/// The pieces of one segment in place of several that follow each other, whose bytes `write` is given piece by piece, and its length. `first`:
/// nothing is older, so that nothing need be said of what was removed.
pub fn merge(
    segments: &[Segment],
    first: bool,
    files: &mut Files,
    write: &mut dyn FnMut(u64, &[u8]) -> Result<(), String>,
) -> Result<(Vec<Piece>, u64), String> {
    let mut merging = Merging { offset: 0, write, pieces: vec![] };
    for (table, pieces) in by_table(segments) {
        let mut backwards = Backwards::default();
        let begin = merging.pieces.len();
        let (mut together, mut size) = (vec![], 0);
        for (segment, piece) in pieces {
            let bytes = files.read(segment, piece).map_err(|e| format!("{e:?}"))?;
            let (rows, entries) = backwards.step(bytes)?;
            if rows.num_rows() > 0 {
                size += piece.length as usize * rows.num_rows() / piece.rows.max(1) as usize;
                together.push((rows, entries));
            }
            if size > PIECE_BYTES {
                merging.put(&table, std::mem::take(&mut together), &[])?;
                size = 0;
            }
        }
        // What was removed stands in front of all rows: it may be there again.
        let removed = if first { vec![] } else { backwards.removed };
        if !together.is_empty() || !removed.is_empty() {
            merging.put(&table, together, &removed)?;
        }
        merging.pieces[begin..].reverse();
    }
    Ok((merging.pieces, merging.offset))
}
