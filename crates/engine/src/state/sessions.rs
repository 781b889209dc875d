//! Open sessions by key: intervals that grow and merge, each with accumulators.

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, UInt8Array};
use arrow::datatypes::{DataType, Field, Int64Type, Schema};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use super::StateTable;
use super::changes::{Changes, Touches};
use super::column::{Column, ColumnKind};
use super::key::KeyIndex;
use super::keyed::{KeyedTable, key_group_field};
use crate::Result;
use crate::hash::key_group;

/// One open session. `[start, end)` in milliseconds; `end` lies a gap behind its last row.
#[derive(Debug, Clone, Copy, Default)]
struct Session {
    key: u32,
    start: i64,
    end: i64,
    live: bool,
}

/// What became of a row.
#[derive(Debug, PartialEq, Eq)]
pub struct Placed {
    /// The session the row belongs to now.
    pub session: u32,
    /// Sessions that became part of it: their accumulators are to be merged into it and then [`SessionTable::release`]d.
    pub absorbed: Vec<u32>,
}

/// Sessions by key, with columns of values by session.
pub struct SessionTable {
    keys: KeyIndex,
    by_key: Vec<Vec<u32>>,
    sessions: Vec<Session>,
    free: Vec<u32>,
    kinds: Vec<ColumnKind>,
    columns: Vec<Column>,
    /// (end when noted, session); an entry may be out of date and is then noted again or ignored.
    due: BinaryHeap<Reverse<(i64, u32)>>,
    touches: Touches,
}

impl SessionTable {
    /// An empty table.
    pub fn new(key_types: &[DataType], kinds: &[ColumnKind]) -> Self {
        Self {
            keys: KeyIndex::new(key_types),
            by_key: vec![],
            sessions: vec![],
            free: vec![],
            kinds: kinds.to_vec(),
            columns: kinds.iter().map(|k| Column::new(*k)).collect(),
            due: BinaryHeap::new(),
            touches: Touches::default(),
        }
    }

    /// The key slot of each row.
    pub fn key_slots(&mut self, keys: &[ArrayRef], rows: usize, slots: &mut Vec<u32>) -> Result<()> {
        self.keys.upsert(keys, rows, slots)?;
        self.by_key.resize_with(self.keys.slots(), Vec::new);
        Ok(())
    }

    /// Whether a row of `[start, end)` would touch an open session of its key.
    pub fn touches(&self, key: u32, start: i64, end: i64) -> bool {
        self.by_key[key as usize].iter().any(|s| overlaps(&self.sessions[*s as usize], start, end))
    }

    /// Puts a row that spans `[start, end)` into its key's session, joining sessions that it connects.
    pub fn place(&mut self, key: u32, start: i64, end: i64) -> Placed {
        let open = &self.by_key[key as usize];
        let mut hits = open.iter().copied().filter(|s| overlaps(&self.sessions[*s as usize], start, end));
        let Some(first) = hits.next() else {
            return Placed { session: self.begin(key, start, end), absorbed: vec![] };
        };
        let absorbed: Vec<u32> = hits.collect();
        let (mut from, mut to) = (start, end);
        for s in std::iter::once(&first).chain(&absorbed) {
            let session = &self.sessions[*s as usize];
            from = from.min(session.start);
            to = to.max(session.end);
        }
        let session = &mut self.sessions[first as usize];
        (session.start, session.end) = (from, to);
        self.touches.touch(first);
        if !absorbed.is_empty() {
            self.by_key[key as usize].retain(|s| !absorbed.contains(s));
        }
        Placed { session: first, absorbed }
    }

    fn begin(&mut self, key: u32, start: i64, end: i64) -> u32 {
        let session = Session { key, start, end, live: true };
        let id = match self.free.pop() {
            Some(id) => {
                self.sessions[id as usize] = session;
                id
            }
            None => {
                self.sessions.push(session);
                (self.sessions.len() - 1) as u32
            }
        };
        self.by_key[key as usize].push(id);
        self.touches.touch(id);
        let n = self.sessions.len();
        self.columns.iter_mut().for_each(|c| c.grow(n));
        self.due.push(Reverse((end, id)));
        id
    }

    /// Gives back the slot of a session that was absorbed or has fired.
    pub fn release(&mut self, id: u32) {
        let session = &mut self.sessions[id as usize];
        session.live = false;
        self.touches.touch(id);
        let key = session.key;
        self.columns.iter_mut().for_each(|c| c.reset(id));
        self.free.push(id);
        let open = &mut self.by_key[key as usize];
        open.retain(|s| *s != id);
        if open.is_empty() {
            self.keys.remove(key);
        }
    }

    /// Forgets keys that have no open session: late rows leave such keys behind.
    pub fn forget_idle(&mut self, keys: &[u32]) {
        for key in keys {
            if self.by_key[*key as usize].is_empty() {
                self.keys.remove(*key);
            }
        }
    }

    /// Sessions that end at or before `watermark + 1`, in the order of their ends. They are still open; evaluate and release.
    pub fn due(&mut self, watermark: i64) -> Vec<u32> {
        let mut fired = vec![];
        let mut seen = hashbrown::HashSet::<u32, super::column::BuildMix>::default();
        while let Some(Reverse((end, id))) = self.due.peek().copied().filter(|Reverse((end, _))| end.saturating_sub(1) <= watermark) {
            self.due.pop();
            let session = &self.sessions[id as usize];
            if !session.live || seen.contains(&id) {
                continue;
            }
            if session.end == end {
                seen.insert(id);
                fired.push(id);
            } else {
                self.due.push(Reverse((session.end, id)));
            }
        }
        fired
    }

    /// The earliest end of an open session, or earlier.
    pub fn next_due(&self) -> Option<i64> {
        self.due.peek().map(|Reverse((end, _))| *end)
    }

    /// Start and end of a session in milliseconds.
    pub fn bounds(&self, id: u32) -> (i64, i64) {
        let session = &self.sessions[id as usize];
        (session.start, session.end)
    }

    /// Key columns of sessions.
    pub fn keys_of(&self, ids: &[u32]) -> Result<Vec<ArrayRef>> {
        let slots: Vec<u32> = ids.iter().map(|s| self.sessions[*s as usize].key).collect();
        self.keys.keys(&slots)
    }

    /// The values by session.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The values by session, to change.
    pub fn columns_mut(&mut self) -> &mut [Column] {
        &mut self.columns
    }
}

/// Two sessions join when they overlap or touch, as Flink's `TimeWindow.intersects` has it.
fn overlaps(session: &Session, start: i64, end: i64) -> bool {
    session.start <= end && start <= session.end
}

impl StateTable for SessionTable {
    fn track(&mut self) {
        self.touches.begin();
    }

    fn changed(&self) -> usize {
        self.touches.len()
    }

    fn changes(&mut self, most: usize) -> Result<Changes> {
        let (ids, removed) = self.touches.take(most, |id| self.sessions[id as usize].live);
        let of = |f: fn(&Session) -> i64| -> ArrayRef {
            Arc::new(Int64Array::from_iter_values(ids.iter().map(|s| f(&self.sessions[*s as usize]))))
        };
        let mut fields =
            vec![key_group_field(), Field::new("session_start", DataType::Int64, false), Field::new("session_end", DataType::Int64, false)];
        fields.extend(KeyedTable::fields(self.keys.types(), &self.kinds));
        let groups: UInt8Array = ids.iter().map(|s| Some(key_group(self.keys.hash_of(self.sessions[*s as usize].key)))).collect();
        let mut columns: Vec<ArrayRef> = vec![Arc::new(groups), of(|s| s.start), of(|s| s.end)];
        columns.extend(self.keys_of(&ids)?);
        for column in &self.columns {
            columns.push(column.save(&ids)?);
        }
        let rows = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?;
        Ok(Changes { rows, entries: ids.into_iter().map(u64::from).collect(), removed })
    }

    fn restore(&mut self, rows: &RecordBatch) -> Result<()> {
        let starts = rows.column(1).as_primitive::<Int64Type>();
        let ends = rows.column(2).as_primitive::<Int64Type>();
        let (keys, values) = rows.columns()[3..].split_at(self.keys.types().len());
        let mut slots = vec![];
        self.key_slots(keys, rows.num_rows(), &mut slots)?;
        let ids: Vec<u32> = (0..rows.num_rows()).map(|i| self.begin(slots[i], starts.value(i), ends.value(i))).collect();
        for (column, saved) in self.columns.iter_mut().zip(values) {
            column.load(&ids, saved)?;
        }
        Ok(())
    }

    fn len(&self) -> usize {
        self.sessions.len() - self.free.len()
    }

    fn memory_bytes(&self) -> usize {
        self.keys.memory_bytes()
            + self.sessions.capacity() * 40
            + self.by_key.capacity() * 32
            + self.columns.iter().map(Column::memory_bytes).sum::<usize>()
    }
}
