//! Rows by key, each with its multiplicity and a note: what joins and rankings remember of an input.

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, UInt8Array, new_null_array};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use hashbrown::HashTable;
use std::sync::Arc;

use super::StateTable;
use super::encoding::{ByteRows, decode_rows, encode_rows};
use super::expiry::Expiry;
use super::key::{KeyIndex, NO_SLOT};
use super::keyed::key_group_field;
use crate::hash::{key_group, mix, stable_hash};
use crate::{Error, Result};

const NONE: u32 = u32::MAX;

/// A row that is kept, in the chain of its key's rows.
struct Stored {
    bytes: Box<[u8]>,
    hash: u64,
    key: u32,
    before: u32,
    next: u32,
    count: i64,
    note: i64,
}

/// The first and the last row of a key.
#[derive(Clone, Copy)]
struct Chain {
    first: u32,
    last: u32,
}

const EMPTY: Chain = Chain { first: NONE, last: NONE };

/// Rows of one schema by the key in some of their columns. Equal rows are one row with a count.
pub struct RowTable {
    schema: SchemaRef,
    types: Vec<DataType>,
    key_columns: Vec<usize>,
    keys: KeyIndex,
    chains: Vec<Chain>,
    rows: Vec<Stored>,
    free: Vec<u32>,
    /// Finds a row by its key and content.
    index: HashTable<u32>,
    /// The row of NULLs.
    null_row: Box<[u8]>,
    expiry: Option<Expiry>,
}

/// The rows of a batch in the form a table keeps them.
pub struct Encoded(ByteRows);

impl Encoded {
    /// The rows of a batch.
    pub(super) fn of(rows: &RecordBatch) -> Result<Self> {
        Ok(Self(encode_rows(rows.columns(), rows.num_rows())?))
    }

    /// The content of a row.
    pub fn row(&self, row: usize) -> &[u8] {
        self.0.row(row)
    }
}

impl RowTable {
    /// An empty table for rows of this schema, by the key in these columns.
    pub fn new(schema: SchemaRef, key_columns: &[usize]) -> Result<Self> {
        let types: Vec<DataType> = schema.fields().iter().map(|f| f.data_type().clone()).collect();
        let key_types: Vec<DataType> = key_columns.iter().map(|c| types[*c].clone()).collect();
        let nulls: Vec<ArrayRef> = types.iter().map(|t| new_null_array(t, 1)).collect();
        Ok(Self {
            null_row: encode_rows(&nulls, 1)?.row(0).into(),
            keys: KeyIndex::new(&key_types),
            key_columns: key_columns.to_vec(),
            types,
            schema,
            chains: vec![],
            rows: vec![],
            free: vec![],
            index: HashTable::new(),
            expiry: None,
        })
    }

    /// The rows of a batch in the form the table keeps them.
    pub fn encode(&self, rows: &RecordBatch) -> Result<Encoded> {
        Encoded::of(rows)
    }

    /// The key columns of a batch of rows of the table.
    pub fn key_of(&self, rows: &RecordBatch) -> Vec<ArrayRef> {
        self.key_columns.iter().map(|c| rows.column(*c).clone()).collect()
    }

    /// Finds or makes the slot of each row's key.
    pub fn key_slots(&mut self, keys: &[ArrayRef], rows: usize, slots: &mut Vec<u32>) -> Result<()> {
        self.keys.upsert(keys, rows, slots)?;
        self.chains.resize(self.keys.slots(), EMPTY);
        Ok(())
    }

    /// Finds the slot of each row's key, or [`NO_SLOT`].
    pub fn find_keys(&mut self, keys: &[ArrayRef], rows: usize, slots: &mut Vec<u32>) -> Result<()> {
        self.keys.lookup(keys, rows, slots)
    }

    /// The rows of a key, in the order in which they came.
    pub fn ids(&self, key: u32) -> impl Iterator<Item = u32> + '_ {
        let first = if key == NO_SLOT { NONE } else { self.chains[key as usize].first };
        std::iter::successors((first != NONE).then_some(first), |id| {
            let next = self.rows[*id as usize].next;
            (next != NONE).then_some(next)
        })
    }

    /// How often a row is there.
    pub fn count(&self, id: u32) -> i64 {
        self.rows[id as usize].count
    }

    /// What the operator noted about a row; zero for a new one.
    pub fn note(&self, id: u32) -> i64 {
        self.rows[id as usize].note
    }

    /// The note, to change.
    pub fn note_mut(&mut self, id: u32) -> &mut i64 {
        self.touch(id);
        &mut self.rows[id as usize].note
    }

    fn touch(&mut self, id: u32) {
        if let Some(expiry) = &mut self.expiry {
            expiry.touch(id);
        }
    }

    fn hash(key: u32, content: &[u8]) -> u64 {
        mix(stable_hash(content), u64::from(key))
    }

    /// Adds a row to its key.
    pub fn add(&mut self, key: u32, content: &[u8], count: i64) -> u32 {
        let hash = Self::hash(key, content);
        if let Some(id) = self.find_hashed(key, content, hash) {
            self.rows[id as usize].count += count;
            self.touch(id);
            return id;
        }
        let chain = self.chains[key as usize];
        let stored = Stored { bytes: content.into(), hash, key, before: chain.last, next: NONE, count, note: 0 };
        let id = match self.free.pop() {
            Some(id) => {
                self.rows[id as usize] = stored;
                id
            }
            None => {
                self.rows.push(stored);
                (self.rows.len() - 1) as u32
            }
        };
        match chain.last {
            NONE => self.chains[key as usize] = Chain { first: id, last: id },
            last => {
                self.rows[last as usize].next = id;
                self.chains[key as usize].last = id;
            }
        }
        let rows = &self.rows;
        self.index.insert_unique(hash, id, |id| rows[*id as usize].hash);
        self.touch(id);
        id
    }

    /// The row of a key with that content.
    pub fn find(&self, key: u32, content: &[u8]) -> Option<u32> {
        (key != NO_SLOT).then(|| self.find_hashed(key, content, Self::hash(key, content))).flatten()
    }

    fn find_hashed(&self, key: u32, content: &[u8], hash: u64) -> Option<u32> {
        let is_it = |id: &u32| {
            let row = &self.rows[*id as usize];
            row.hash == hash && row.key == key && *row.bytes == *content
        };
        self.index.find(hash, is_it).copied()
    }

    /// Takes a row away once. The last time, the row is gone; its key stays until [`RowTable::forget_empty`].
    pub fn take(&mut self, id: u32) {
        let row = &mut self.rows[id as usize];
        row.count -= 1;
        match row.count <= 0 {
            true => self.remove(id),
            false => self.touch(id),
        }
    }

    /// Takes a row away however often it is there, like [`RowTable::take`].
    pub fn remove(&mut self, id: u32) {
        let Stored { hash, key, before, next, .. } = self.rows[id as usize];
        self.rows[id as usize].bytes = Box::default();
        if let Ok(entry) = self.index.find_entry(hash, |i| *i == id) {
            entry.remove();
        }
        let chain = &mut self.chains[key as usize];
        match before {
            NONE => chain.first = next,
            before => self.rows[before as usize].next = next,
        }
        match next {
            NONE => chain.last = before,
            next => self.rows[next as usize].before = before,
        }
        self.free.push(id);
        if let Some(expiry) = &mut self.expiry {
            expiry.forget(id);
        }
    }

    /// Forgets keys that have no rows.
    pub fn forget_empty(&mut self, keys: &[u32]) {
        for key in keys.iter().filter(|k| **k != NO_SLOT) {
            if self.chains[*key as usize].first == NONE {
                self.keys.remove(*key);
            }
        }
    }

    /// The columns of rows; `None` is a row of NULLs.
    pub fn decode(&self, ids: impl Iterator<Item = Option<u32>>) -> Result<Vec<ArrayRef>> {
        decode_rows(&self.types, ids.map(|id| id.map_or(&*self.null_row, |id| &*self.rows[id as usize].bytes)))
    }

    fn live(&self) -> Vec<u32> {
        let keys = self.keys.live_slots();
        keys.into_iter().flat_map(|key| self.ids(key)).collect()
    }
}

impl StateTable for RowTable {
    fn snapshot(&self) -> Result<RecordBatch> {
        let ids = self.live();
        let row = |id: &u32| &self.rows[*id as usize];
        let mut fields = vec![key_group_field(), Field::new("count", DataType::Int64, false), Field::new("note", DataType::Int64, false)];
        fields.extend(self.schema.fields().iter().enumerate().map(|(i, f)| Field::new(format!("row{i}"), f.data_type().clone(), true)));
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(UInt8Array::from_iter_values(ids.iter().map(|id| key_group(self.keys.hash_of(row(id).key))))),
            Arc::new(Int64Array::from_iter_values(ids.iter().map(|id| row(id).count))),
            Arc::new(Int64Array::from_iter_values(ids.iter().map(|id| row(id).note))),
        ];
        columns.extend(self.decode(ids.iter().map(|id| Some(*id)))?);
        if let Some(expiry) = &self.expiry {
            let (field, written) = expiry.save(ids.iter().copied());
            fields.push(field);
            columns.push(written);
        }
        Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?)
    }

    fn restore(&mut self, saved: &RecordBatch) -> Result<()> {
        let counts = saved.column(1).as_primitive_opt::<Int64Type>();
        let notes = saved.column(2).as_primitive_opt::<Int64Type>();
        let (Some(counts), Some(notes)) = (counts, notes) else { return Err(Error::state("saved rows have an unknown form")) };
        let columns = &saved.columns()[3..3 + self.types.len()];
        let content = encode_rows(columns, saved.num_rows())?;
        let keys: Vec<ArrayRef> = self.key_columns.iter().map(|c| columns[*c].clone()).collect();
        let mut slots = vec![];
        self.key_slots(&keys, saved.num_rows(), &mut slots)?;
        let mut ids = Vec::with_capacity(slots.len());
        for (row, key) in slots.into_iter().enumerate() {
            let id = self.add(key, content.row(row), counts.value(row));
            *self.note_mut(id) = notes.value(row);
            ids.push(id);
        }
        if let Some(expiry) = &mut self.expiry {
            expiry.restore(saved, ids.into_iter());
        }
        Ok(())
    }

    fn live_for(&mut self, ttl_ms: i64) {
        self.expiry = Some(Expiry::new(ttl_ms));
    }

    fn expire(&mut self, now_ms: i64) {
        for id in self.expiry.as_mut().map(|expiry| expiry.over(now_ms)).unwrap_or_default() {
            let key = self.rows[id as usize].key;
            self.remove(id);
            self.forget_empty(&[key]);
        }
    }

    fn len(&self) -> usize {
        self.rows.len() - self.free.len()
    }

    fn memory_bytes(&self) -> usize {
        let content: usize = self.rows.iter().map(|r| r.bytes.len()).sum();
        self.keys.memory_bytes()
            + self.expiry.as_ref().map_or(0, Expiry::memory_bytes)
            + content
            + self.rows.capacity() * size_of::<Stored>()
            + self.index.capacity() * 5
    }
}
