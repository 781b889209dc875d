//! Accumulators by key, with the rows of the frame that they stand for: what a moving frame has to remember of a row is what the
//! aggregates must get back when it leaves.

use arrow::array::{ArrayRef, AsArray, Int64Array, LargeBinaryArray, RecordBatch};
use arrow::datatypes::{DataType, Field, Int64Type, Schema};
use std::collections::BTreeMap;
use std::sync::Arc;

use super::changes::Changes;
use super::column::{Column, ColumnKind};
use super::encoding::{ByteRows, decode_rows, encode_rows};
use super::key::NO_SLOT;
use super::keyed::{KeyedTable, key_group_field};
use super::{StateTable, roughly};
use crate::{Error, Result};

/// The time of what has not been.
const NEVER: i64 = i64::MIN;
/// Bytes in front of a kept row: its time, and its length.
const HEAD_BYTES: usize = 12;
/// Bytes of rows that left are given back when they are more than this and more than those that are left.
const SLACK_BYTES: usize = 512;

/// The rows of one key in their order, encoded one behind the other.
#[derive(Default)]
struct Frame {
    bytes: Vec<u8>,
    start: usize,
    rows: u32,
}

impl Frame {
    fn push(&mut self, time: i64, content: &[u8]) {
        self.bytes.extend_from_slice(&time.to_le_bytes());
        self.bytes.extend_from_slice(&(content.len() as u32).to_le_bytes());
        self.bytes.extend_from_slice(content);
        self.rows += 1;
    }

    /// Time of the first row, and where its content lies.
    fn first(&self) -> Option<(i64, std::ops::Range<usize>)> {
        let head = self.bytes.get(self.start..self.start + HEAD_BYTES)?;
        let (time, length) = head.split_at(8);
        let time = i64::from_le_bytes(time.try_into().ok()?);
        let length = u32::from_le_bytes(length.try_into().ok()?) as usize;
        let begin = self.start + HEAD_BYTES;
        Some((time, begin..begin + length))
    }

    fn pop(&mut self, end: usize) {
        self.rows -= 1;
        self.start = end;
        let left = self.bytes.len() - end;
        if self.start > SLACK_BYTES.max(left) || left == 0 {
            self.bytes.drain(..self.start);
            self.start = 0;
            if self.bytes.capacity() > SLACK_BYTES.max(4 * left) {
                self.bytes.shrink_to(2 * left);
            }
        }
    }

    fn kept(&self) -> &[u8] {
        &self.bytes[self.start..]
    }
}

/// Rows that have left their frames.
#[derive(Default)]
pub struct Left {
    /// Their times.
    pub times: Vec<i64>,
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

/// Rows ready to enter frames.
pub struct Entering(ByteRows);

/// Accumulators by key, the rows in the frame of each key, the time of its last row, and when it is forgotten.
pub struct FrameTable {
    keys: KeyedTable,
    key_types: Vec<DataType>,
    kinds: Vec<ColumnKind>,
    types: Vec<DataType>,
    frames: Vec<Frame>,
    last: Vec<i64>,
    /// When each key is forgotten, by slot.
    until: Vec<i64>,
    /// How far a frame reaches back; milliseconds. `None`: keys are never forgotten.
    reach_ms: Option<i64>,
    /// Every time until which a key was to be kept and that has not come yet, also those that rows have put off since.
    due: BTreeMap<i64, Vec<u32>>,
    /// The same times by slot.
    due_of: Vec<Vec<i64>>,
    rows: usize,
}

impl FrameTable {
    /// An empty table: keys of these types, accumulators of these kinds, of each row in a frame columns of these `types`. With
    /// `reach_ms` no frame reaches further back than that, and keys without rows for a while are forgotten.
    pub fn new(key_types: &[DataType], kinds: &[ColumnKind], types: &[DataType], reach_ms: Option<i64>) -> Self {
        Self {
            keys: KeyedTable::new(key_types, kinds),
            key_types: key_types.to_vec(),
            kinds: kinds.to_vec(),
            types: types.to_vec(),
            frames: vec![],
            last: vec![],
            until: vec![],
            reach_ms,
            due: BTreeMap::new(),
            due_of: vec![],
            rows: 0,
        }
    }

    /// Finds or makes the slot of each row's key.
    pub fn upsert(&mut self, keys: &[ArrayRef], rows: usize, slots: &mut Vec<u32>) -> Result<()> {
        self.keys.upsert(keys, rows, slots)?;
        let slots = self.keys.index().slots();
        self.frames.resize_with(slots, Frame::default);
        self.last.resize(slots, NEVER);
        self.until.resize(slots, NEVER);
        self.due_of.resize(slots, vec![]);
        Ok(())
    }

    /// The time of the last row of each row's key, if the key is known.
    pub fn last_times(&mut self, keys: &[ArrayRef], rows: usize) -> Result<Vec<Option<i64>>> {
        let mut slots = vec![];
        self.keys.lookup(keys, rows, &mut slots)?;
        let last = |slot: u32| (slot != NO_SLOT).then(|| self.last[slot as usize]).filter(|last| *last != NEVER);
        Ok(slots.into_iter().map(last).collect())
    }

    /// Notes the time of the last row that came out.
    pub fn note_last(&mut self, slot: u32, time: i64) {
        self.keys.touch(slot);
        let last = &mut self.last[slot as usize];
        *last = time.max(*last);
    }

    /// Notes that a row has come, which may wait yet: its key is kept at least until the row is in no frame any more. As in Flink
    /// that is put off in steps of half the frame.
    pub fn note_arrival(&mut self, slot: u32, time: i64) {
        let Some(reach) = self.reach_ms else { return };
        let before = self.until[slot as usize];
        if before == NEVER || before < time.saturating_add(reach).saturating_add(1) {
            self.keep_until(slot, time.saturating_add(reach).saturating_add(reach / 2).saturating_add(1));
        }
    }

    fn keep_until(&mut self, slot: u32, time: i64) {
        self.keys.touch(slot);
        let until = &mut self.until[slot as usize];
        *until = time.max(*until);
        self.due.entry(time).or_default().push(slot);
        self.due_of[slot as usize].push(time);
    }

    /// The accumulators.
    pub fn columns_mut(&mut self) -> &mut [Column] {
        self.keys.columns_mut()
    }

    /// Rows in the frame of a key.
    pub fn size(&self, slot: u32) -> usize {
        self.frames[slot as usize].rows as usize
    }

    /// Takes the first rows out of the frame of a key for as long as `leaves` says so of their time. Tells how many.
    pub fn leave(&mut self, slot: u32, mut leaves: impl FnMut(i64) -> bool, left: &mut Left) -> usize {
        self.keys.touch(slot);
        let frame = &mut self.frames[slot as usize];
        let before = left.times.len();
        while let Some((time, content)) = frame.first().filter(|(time, _)| leaves(*time)) {
            left.times.push(time);
            left.bytes.extend_from_slice(&frame.bytes[content.clone()]);
            left.ends.push(left.bytes.len());
            frame.pop(content.end);
        }
        let count = left.times.len() - before;
        self.rows -= count;
        count
    }

    /// The columns of rows that left.
    pub fn decode(&self, left: &Left) -> Result<Vec<ArrayRef>> {
        let starts = std::iter::once(0).chain(left.ends.iter().copied());
        decode_rows(&self.types, starts.zip(&left.ends).map(|(start, end)| &left.bytes[start..*end]))
    }

    /// Prepares rows to enter.
    pub fn prepare(columns: &[ArrayRef], rows: usize) -> Result<Entering> {
        Ok(Entering(encode_rows(columns, rows)?))
    }

    /// Puts a row at the end of the frame of a key.
    pub fn enter(&mut self, slot: u32, time: i64, entering: &Entering, row: usize) {
        self.keys.touch(slot);
        self.frames[slot as usize].push(time, entering.0.row(row));
        self.rows += 1;
    }

    /// Forgets the keys whose time has come. A time that was put off counts as the time of a row: Flink does not tell its timers
    /// for rows from those for forgetting.
    pub fn expire(&mut self, now: i64) {
        while let Some(entry) = self.due.first_entry().filter(|entry| *entry.key() <= now) {
            let (time, slots) = entry.remove_entry();
            for slot in slots {
                self.due_of[slot as usize].retain(|due| *due != time);
                if self.until[slot as usize] > time {
                    self.note_last(slot, time);
                    continue;
                }
                self.rows -= self.frames[slot as usize].rows as usize;
                self.frames[slot as usize] = Frame::default();
                (self.last[slot as usize], self.until[slot as usize]) = (NEVER, NEVER);
                self.keys.remove(slot);
            }
        }
    }

    /// Of each slot the times at which it stands in `due`.
    fn due_times(&self, slots: &[u32]) -> LargeBinaryArray {
        let bytes = |slot: &u32| self.due_of[*slot as usize].iter().flat_map(|time| time.to_le_bytes()).collect::<Vec<u8>>();
        LargeBinaryArray::from_iter_values(slots.iter().map(bytes))
    }

    /// When the next key may have to be forgotten.
    pub fn next_due(&self) -> Option<i64> {
        self.due.first_key_value().map(|(time, _)| *time)
    }
}

impl StateTable for FrameTable {
    fn track(&mut self) {
        self.keys.track();
    }

    fn changed(&self) -> usize {
        self.keys.changed()
    }

    fn changes(&mut self, most: usize) -> Result<Changes> {
        let (slots, removed) = self.keys.take_touched(most);
        let mut columns = self.keys.save_entries(&slots)?;
        columns.push(Arc::new(Int64Array::from_iter_values(slots.iter().map(|s| self.last[*s as usize]))));
        columns.push(Arc::new(self.due_times(&slots)));
        columns.push(Arc::new(LargeBinaryArray::from_iter_values(slots.iter().map(|s| self.frames[*s as usize].kept()))));
        let mut fields = vec![key_group_field()];
        fields.extend(KeyedTable::fields(&self.key_types, &self.kinds));
        fields.push(Field::new("last", DataType::Int64, false));
        fields.push(Field::new("due", DataType::LargeBinary, false));
        fields.push(Field::new("frame", DataType::LargeBinary, false));
        let rows = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?;
        Ok(Changes { rows, entries: slots.into_iter().map(u64::from).collect(), removed })
    }

    fn restore(&mut self, saved: &RecordBatch) -> Result<()> {
        let (rows, unknown) = (saved.num_rows(), || Error::state("saved frames have an unknown form"));
        let of_keys = 1 + self.key_types.len() + self.kinds.len();
        let [last, due, frames] = saved.columns().get(of_keys..).ok_or_else(unknown)? else { return Err(unknown()) };
        let last = last.as_primitive_opt::<Int64Type>().ok_or_else(unknown)?;
        let due = due.as_binary_opt::<i64>().ok_or_else(unknown)?;
        let frames = frames.as_binary_opt::<i64>().ok_or_else(unknown)?;
        self.keys.load(&saved.columns()[1..of_keys], rows)?;
        let mut slots = vec![];
        self.upsert(&saved.columns()[1..=self.key_types.len()], rows, &mut slots)?;
        for (row, slot) in slots.into_iter().enumerate() {
            self.last[slot as usize] = last.value(row);
            for time in due.value(row).chunks_exact(8) {
                self.keep_until(slot, i64::from_le_bytes(time.try_into().map_err(|_| unknown())?));
            }
            let mut frame = Frame { bytes: frames.value(row).to_vec(), ..Frame::default() };
            while let Some((_, content)) = frame.first() {
                frame.start = content.end;
                frame.rows += 1;
            }
            frame.start = 0;
            self.rows += frame.rows as usize;
            self.frames[slot as usize] = frame;
        }
        Ok(())
    }

    fn len(&self) -> usize {
        self.keys.len() + self.rows
    }

    fn memory_bytes(&self) -> usize {
        let frames = roughly(self.frames.len(), |i| size_of::<Frame>() + self.frames[i].bytes.capacity());
        self.keys.memory_bytes() + frames + self.last.capacity() * 16 + self.due_of.capacity() * 24 + self.due.len() * 64
    }
}
