//! Segments: files of changes of state, each of which is a piece. What a checkpoint holds is what the pieces of its segments, in their
//! order, add up to.

use arrow::array::{ArrayRef, AsArray, RecordBatch, UInt64Array};
use arrow::compute::{concat_batches, filter_record_batch};
use arrow::datatypes::{DataType, Field, Schema, UInt64Type};
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use flott_engine::Result;
use flott_engine::checkpoint::{TableChanges, TableState};
use flott_engine::state::changes::{Changes, Newer};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Cursor;
use std::ops::Range;
use std::sync::Arc;

use crate::codec::checksum;

/// With more segments, some are merged.
const SEGMENTS_MAX: usize = 8;
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

type Table = (usize, String, usize);

impl Piece {
    fn table(&self) -> Table {
        (self.node, self.table.clone(), self.part)
    }

    fn range(&self) -> Range<usize> {
        self.offset as usize..(self.offset + self.length) as usize
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
    let mut writer = StreamWriter::try_new(&mut *bytes, &rows.schema())?;
    writer.write(&rows)?;
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

/// The inverse of [`encode`]; the bytes have passed their checksum.
fn decode(bytes: &[u8]) -> Result<Changes, String> {
    let number = |at: usize| bytes.get(at..at + 8).and_then(|b| b.try_into().ok()).map(u64::from_le_bytes).ok_or("it is too short");
    let count = number(0)? as usize;
    let removed = (0..count).map(|i| Ok(number(8 + 16 * i)?..number(16 + 16 * i)?)).collect::<Result<Vec<_>, &str>>()?;
    let reader = StreamReader::try_new(Cursor::new(&bytes[8 + 16 * count..]), None).map_err(|e| e.to_string())?;
    let schema = reader.schema();
    let batches = reader.collect::<Result<Vec<_>, _>>().map_err(|e| e.to_string())?;
    let rows = concat_batches(&schema, &batches).map_err(|e| e.to_string())?;
    let last = rows.num_columns() - 1;
    let entries = rows.column(last).as_primitive_opt::<UInt64Type>().ok_or("it has no entries")?.values().to_vec();
    let rows = rows.project(&(0..last).collect::<Vec<_>>()).map_err(|e| e.to_string())?;
    Ok(Changes { rows, entries, removed })
}

/// The bytes of a segment, if they are what was written.
pub fn verify(segment: &Segment, bytes: &[u8]) -> Result<(), String> {
    if bytes.len() as u64 != segment.size {
        return Err(format!("it has {} bytes instead of {}", bytes.len(), segment.size));
    }
    let damaged = |piece: &&Piece| bytes.get(piece.range()).is_none_or(|bytes| checksum(bytes) != piece.crc32c);
    match segment.pieces.iter().find(damaged) {
        Some(piece) => Err(format!("the checksum of the {} bytes at {} does not match them", piece.length, piece.offset)),
        None => Ok(()),
    }
}

/// Rows of a table that count, in the order in which they were written, and entries that were removed.
struct Live {
    rows: Vec<(RecordBatch, Vec<u64>)>,
    removed: Vec<Range<u64>>,
}

/// Of each table, what still counts of segments, oldest first, that passed [`verify`].
fn live(segments: &[(&Segment, &[u8])]) -> Result<BTreeMap<Table, Live>, String> {
    let mut tables: BTreeMap<Table, (Newer, Live)> = BTreeMap::new();
    for (segment, bytes) in segments.iter().rev() {
        for piece in segment.pieces.iter().rev() {
            let changes = decode(&bytes[piece.range()])?;
            let (newer, live) = tables.entry(piece.table()).or_insert_with(|| (Newer::default(), Live { rows: vec![], removed: vec![] }));
            let counting = newer.counting(&changes.entries, &changes.removed);
            live.removed.extend(changes.removed);
            if counting.true_count() > 0 {
                let rows = filter_record_batch(&changes.rows, &counting).map_err(|e| e.to_string())?;
                let entries = changes.entries.iter().zip(counting.values()).filter(|(_, counts)| *counts).map(|(entry, _)| *entry);
                live.rows.push((rows, entries.collect()));
            }
        }
    }
    tables.values_mut().for_each(|(_, live)| live.rows.reverse());
    Ok(tables.into_iter().map(|(table, (_, live))| (table, live)).collect())
}

/// The tables that segments, oldest first, add up to. They passed [`verify`].
pub fn tables(segments: &[(&Segment, &[u8])]) -> Result<Vec<TableState>, String> {
    let of_table = |((node, table, _), live): (Table, Live)| {
        live.rows.into_iter().map(move |(rows, _)| TableState { node, table: table.clone(), rows })
    };
    Ok(live(segments)?.into_iter().flat_map(of_table).collect())
}

/// Which segments to merge, of these sizes, oldest first: not many stay, and a row is not written often.
pub fn to_merge(sizes: &[u64]) -> Option<Range<usize>> {
    if sizes.len() <= SEGMENTS_MAX {
        return None;
    }
    let from = (0..sizes.len() - 1).find(|i| sizes[*i] <= sizes[i + 1..].iter().sum()).unwrap_or(0);
    Some(from.min(sizes.len() - SEGMENTS_MAX / 2)..sizes.len())
}

/// The pieces of one segment, and its bytes, in place of several that follow each other. `first`: nothing is older, so that nothing need be said of what was removed.
pub fn merge(segments: &[(&Segment, &[u8])], first: bool) -> Result<(Vec<Piece>, Vec<u8>), String> {
    let (mut pieces, mut bytes) = (vec![], vec![]);
    for (table, live) in live(segments)? {
        let mut removed = if first { vec![] } else { live.removed };
        let mut rest = &live.rows[..];
        while !rest.is_empty() || !removed.is_empty() {
            let mut room = PIECE_BYTES as i64;
            let fits = rest.iter().take_while(|(rows, _)| {
                let before = room;
                room -= rows.get_array_memory_size() as i64;
                before > 0
            });
            let (these, others) = rest.split_at(fits.count());
            rest = others;
            // Entries that were removed and have rows again: the rows are added after it.
            let gone = std::mem::take(&mut removed);
            let rows: Vec<RecordBatch> = these.iter().map(|(rows, _)| rows.clone()).collect();
            let entries: Vec<u64> = these.iter().flat_map(|(_, entries)| entries.iter().copied()).collect();
            let schema = rows.first().map_or_else(|| Arc::new(Schema::empty()), RecordBatch::schema);
            let rows = concat_batches(&schema, &rows).map_err(|e| e.to_string())?;
            pieces.push(encode_piece(table.clone(), &rows, &entries, &gone, 0, &mut bytes).map_err(|e| e.to_string())?);
        }
    }
    Ok((pieces, bytes))
}
