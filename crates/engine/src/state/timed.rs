//! Rows by key and time: what waits for event time to pass, and what event time will make useless.

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, UInt8Array};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::RangeInclusive;
use std::sync::Arc;

use super::StateTable;
use super::changes::{Changes, ranges};
use super::encoding::{ByteRows, decode_rows, encode_rows};
use super::key::{KeyIndex, NO_SLOT};
use super::keyed::key_group_field;
use crate::hash::key_group;
use crate::{Error, Result};

/// Names a row of a key: its time in milliseconds, and its number among all rows in order of arrival.
pub type RowId = (i64, u64);

/// A row that is kept.
#[derive(Debug, Clone)]
pub struct Kept {
    /// The row, as [`TimedTable::decode`] reads it.
    pub content: Arc<[u8]>,
    /// What the operator noted about it; zero for a new one.
    pub note: i64,
    entry: u64,
}

/// A row that was taken out.
#[derive(Debug, Clone)]
pub struct Drained {
    /// Slot of its key. The key may be forgotten already: compare it, do not look it up.
    pub slot: u32,
    /// Its time, and its number in order of arrival.
    pub id: RowId,
    /// The row.
    pub row: Kept,
}

/// Rows of one schema by the key in some of their columns and by a time.
pub struct TimedTable {
    schema: SchemaRef,
    types: Vec<DataType>,
    key_columns: Vec<usize>,
    keys: KeyIndex,
    rows: Vec<BTreeMap<RowId, Kept>>,
    /// Every (time, slot) with rows.
    due: BTreeSet<(i64, u32)>,
    arrived: u64,
    count: usize,
    bytes: usize,
    /// Rows that were ever put in: the entry of the last one.
    entered: u64,
    tracked: bool,
    /// Rows that were put in or noted something about, perhaps gone since.
    written: VecDeque<(u32, RowId)>,
    /// Entries of rows that went.
    removed: Vec<u64>,
}

impl TimedTable {
    /// An empty table for rows of this schema, by the key in these columns.
    pub fn new(schema: SchemaRef, key_columns: &[usize]) -> Self {
        let types: Vec<DataType> = schema.fields().iter().map(|f| f.data_type().clone()).collect();
        let key_types: Vec<DataType> = key_columns.iter().map(|c| types[*c].clone()).collect();
        Self {
            keys: KeyIndex::new(&key_types),
            key_columns: key_columns.to_vec(),
            types,
            schema,
            rows: vec![],
            due: BTreeSet::new(),
            arrived: 0,
            count: 0,
            bytes: 0,
            entered: 0,
            tracked: false,
            written: VecDeque::new(),
            removed: vec![],
        }
    }

    /// The key columns of rows of the table.
    pub fn key_of(&self, columns: &[ArrayRef]) -> Vec<ArrayRef> {
        self.key_columns.iter().map(|c| columns[*c].clone()).collect()
    }

    /// Finds the slot of each row's key, or [`NO_SLOT`].
    pub fn find_keys(&mut self, keys: &[ArrayRef], rows: usize, slots: &mut Vec<u32>) -> Result<()> {
        self.keys.lookup(keys, rows, slots)
    }

    /// Adds rows for which `time` gives a time. Tells their ids, `None` for the others.
    pub fn add(
        &mut self,
        columns: &[ArrayRef],
        rows: usize,
        mut time: impl FnMut(usize) -> Option<i64>,
    ) -> Result<Vec<Option<(u32, RowId)>>> {
        let content = encode_rows(columns, rows)?;
        let mut slots = vec![];
        self.keys.upsert(&self.key_of(columns), rows, &mut slots)?;
        self.rows.resize_with(self.keys.slots(), BTreeMap::new);
        let mut ids = Vec::with_capacity(rows);
        for (row, slot) in slots.iter().enumerate() {
            ids.push(time(row).map(|time| {
                self.arrived += 1;
                let id = (time, self.arrived);
                self.insert(*slot, id, &content, row, 0);
                (*slot, id)
            }));
        }
        if ids.iter().any(Option::is_none) {
            self.forget_empty(&slots);
        }
        Ok(ids)
    }

    fn insert(&mut self, slot: u32, id: RowId, content: &ByteRows, row: usize, note: i64) {
        let content: Arc<[u8]> = content.row(row).into();
        self.bytes += weight(&content);
        self.count += 1;
        self.entered += 1;
        self.due.insert((id.0, slot));
        self.rows[slot as usize].insert(id, Kept { content, note, entry: self.entered });
        if self.tracked {
            self.written.push_back((slot, id));
        }
    }

    fn forget(&mut self, row: &Kept) {
        self.count -= 1;
        self.bytes -= weight(&row.content);
        if self.tracked {
            self.removed.push(row.entry);
        }
    }

    fn forget_empty(&mut self, slots: &[u32]) {
        for slot in slots.iter().filter(|s| self.rows[**s as usize].is_empty()) {
            self.keys.remove(*slot);
        }
    }

    /// Rows of a key with a time in the range, in the order of time and arrival.
    pub fn between(&self, slot: u32, times: RangeInclusive<i64>) -> impl DoubleEndedIterator<Item = (RowId, &Kept)> {
        let rows = (slot != NO_SLOT && times.start() <= times.end()).then(|| &self.rows[slot as usize]);
        let ids = (*times.start(), 0)..=(*times.end(), u64::MAX);
        rows.into_iter().flat_map(move |rows| rows.range(ids.clone())).map(|(id, kept)| (*id, kept))
    }

    /// The note of a row, to change.
    pub fn note_mut(&mut self, slot: u32, id: RowId) -> Option<&mut i64> {
        let note = self.rows.get_mut(slot as usize)?.get_mut(&id).map(|kept| &mut kept.note)?;
        if self.tracked {
            self.written.push_back((slot, id));
        }
        Some(note)
    }

    /// Takes out a row.
    pub fn remove(&mut self, slot: u32, id: RowId) -> Option<Kept> {
        let kept = self.rows[slot as usize].remove(&id)?;
        self.forget(&kept);
        if self.rows[slot as usize].range((id.0, 0)..=(id.0, u64::MAX)).next().is_none() {
            self.due.remove(&(id.0, slot));
        }
        if self.rows[slot as usize].is_empty() {
            self.keys.remove(slot);
        }
        Some(kept)
    }

    /// Takes out all rows up to a time, in the order of time and, within a key, of arrival.
    pub fn drain(&mut self, up_to: i64) -> Vec<Drained> {
        let mut drained = vec![];
        while let Some((time, slot)) = self.due.first().copied().filter(|(time, _)| *time <= up_to) {
            self.due.pop_first();
            while let Some(first) = self.rows[slot as usize].first_entry().filter(|first| first.key().0 <= time) {
                let id = *first.key();
                let row = first.remove();
                self.forget(&row);
                drained.push(Drained { slot, id, row });
            }
            if self.rows[slot as usize].is_empty() {
                self.keys.remove(slot);
            }
        }
        drained
    }

    /// The earliest time of a row.
    pub fn first_time(&self) -> Option<i64> {
        self.due.first().map(|(time, _)| *time)
    }

    /// The columns of rows.
    pub fn decode<'a>(&self, rows: impl Iterator<Item = &'a [u8]>) -> Result<Vec<ArrayRef>> {
        decode_rows(&self.types, rows)
    }
}

/// Rough memory use of a row in bytes.
fn weight(content: &[u8]) -> usize {
    content.len() + 96
}

impl StateTable for TimedTable {
    fn track(&mut self) {
        self.tracked = true;
    }

    fn changed(&self) -> usize {
        self.written.len() + self.removed.len()
    }

    fn changes(&mut self, most: usize) -> Result<Changes> {
        let removed = ranges(std::mem::take(&mut self.removed));
        let mut taken: Vec<(u32, RowId)> = self.written.drain(..most.min(self.written.len())).collect();
        taken.sort_unstable_by_key(|(slot, id)| (id.1, *slot));
        taken.dedup();
        let there: Vec<(u32, RowId, &Kept)> =
            taken.into_iter().filter_map(|(slot, id)| Some((slot, id, self.rows[slot as usize].get(&id)?))).collect();
        let number = |name: &str| Field::new(name, DataType::Int64, false);
        let mut fields = vec![key_group_field(), number("time"), number("number"), number("note")];
        fields.extend(self.schema.fields().iter().enumerate().map(|(i, f)| Field::new(format!("row{i}"), f.data_type().clone(), true)));
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(UInt8Array::from_iter_values(there.iter().map(|(slot, ..)| key_group(self.keys.hash_of(*slot))))),
            Arc::new(Int64Array::from_iter_values(there.iter().map(|(_, id, _)| id.0))),
            Arc::new(Int64Array::from_iter_values(there.iter().map(|(_, id, _)| id.1 as i64))),
            Arc::new(Int64Array::from_iter_values(there.iter().map(|(.., kept)| kept.note))),
        ];
        columns.extend(self.decode(there.iter().map(|(.., kept)| &*kept.content))?);
        let entries = there.iter().map(|(.., kept)| kept.entry).collect();
        Ok(Changes { rows: RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?, entries, removed })
    }

    fn restore(&mut self, saved: &RecordBatch) -> Result<()> {
        let number = |i: usize| {
            let column = saved.column(i).as_primitive_opt::<Int64Type>();
            column.ok_or_else(|| Error::state("saved rows have an unknown form"))
        };
        let (times, numbers, notes) = (number(1)?, number(2)?, number(3)?);
        let columns = &saved.columns()[4..];
        let content = encode_rows(columns, saved.num_rows())?;
        let mut slots = vec![];
        self.keys.upsert(&self.key_of(columns), saved.num_rows(), &mut slots)?;
        self.rows.resize_with(self.keys.slots(), BTreeMap::new);
        for (row, slot) in slots.into_iter().enumerate() {
            let id = (times.value(row), numbers.value(row) as u64);
            self.insert(slot, id, &content, row, notes.value(row));
            self.arrived = self.arrived.max(id.1);
        }
        Ok(())
    }

    fn len(&self) -> usize {
        self.count
    }

    fn memory_bytes(&self) -> usize {
        self.keys.memory_bytes() + self.rows.capacity() * 24 + self.due.len() * 16 + self.bytes
    }
}
