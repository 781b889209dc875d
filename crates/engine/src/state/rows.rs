//! Rows by key, each with its multiplicity and a note: what joins remember of an input.

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, UInt8Array};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use std::sync::Arc;

use super::StateTable;
use super::changes::{Changes, Touches};
use super::expiry::Expiry;
use super::key::{KeyIndex, NO_SLOT};
use super::keyed::key_group_field;
use super::numbers::Numbers;
use super::pages::Pages;
use crate::hash::{hash_columns, key_group, mix};
use crate::{Error, Result};

const NONE: u32 = u32::MAX;

/// A row's place in the chain of its key's rows, and how often it is there.
#[derive(Clone, Copy)]
struct Link {
    key: u32,
    before: u32,
    next: u32,
    count: u32,
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
    key_columns: Vec<usize>,
    keys: KeyIndex,
    chains: Vec<Chain>,
    rows: Pages,
    /// By number of the row.
    links: Vec<Link>,
    /// By number of the row; as long as it must be.
    notes: Vec<i64>,
    /// Finds a row by its key and content.
    index: Numbers,
    expiry: Option<Expiry>,
    touches: Touches,
}

/// The rows of a batch, to be added or looked for one by one.
pub struct Coming {
    page: u32,
    hashes: Vec<u64>,
}

impl RowTable {
    /// An empty table for rows of this schema, by the key in these columns.
    pub fn new(schema: SchemaRef, key_columns: &[usize]) -> Self {
        let types: Vec<DataType> = schema.fields().iter().map(|f| f.data_type().clone()).collect();
        let key_types: Vec<DataType> = key_columns.iter().map(|c| types[*c].clone()).collect();
        Self {
            keys: KeyIndex::new(&key_types),
            key_columns: key_columns.to_vec(),
            rows: Pages::new(types),
            schema,
            chains: vec![],
            links: vec![],
            notes: vec![],
            index: Numbers::default(),
            expiry: None,
            touches: Touches::default(),
        }
    }

    /// Lets the rows of a batch come; [`RowTable::settle`] ends that.
    pub fn open(&mut self, columns: &[ArrayRef], rows: usize) -> Result<Coming> {
        let mut hashes = vec![];
        hash_columns(columns, rows, &mut hashes)?;
        Ok(Coming { page: self.rows.open(columns, rows), hashes })
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

    /// The first row of a key; the rows of a key stand in the order in which they came.
    #[inline]
    pub fn first(&self, key: u32) -> Option<u32> {
        let first = if key == NO_SLOT { NONE } else { self.chains[key as usize].first };
        (first != NONE).then_some(first)
    }

    /// The row after this one of the same key.
    #[inline]
    pub fn next(&self, id: u32) -> Option<u32> {
        let next = self.links[id as usize].next;
        (next != NONE).then_some(next)
    }

    /// How often a row is there.
    #[inline]
    pub fn count(&self, id: u32) -> i64 {
        i64::from(self.links[id as usize].count)
    }

    /// What the operator noted about a row; zero for a new one.
    pub fn note(&self, id: u32) -> i64 {
        self.notes.get(id as usize).copied().unwrap_or(0)
    }

    /// The note, to change.
    pub fn note_mut(&mut self, id: u32) -> &mut i64 {
        self.touch(id);
        if self.notes.len() <= id as usize {
            self.notes.resize(self.links.len(), 0);
        }
        &mut self.notes[id as usize]
    }

    #[inline]
    fn touch(&mut self, id: u32) {
        self.touches.touch(id);
        if let Some(expiry) = &mut self.expiry {
            expiry.touch(id);
        }
    }

    /// Adds a row to its key, so often.
    pub fn add(&mut self, key: u32, coming: &Coming, row: usize, count: u32) -> Result<u32> {
        let hash = hash(key, coming, row);
        if let Some(id) = self.find_hashed(key, coming, row, hash)? {
            self.links[id as usize].count += count;
            self.touch(id);
            return Ok(id);
        }
        let id = self.rows.keep(coming.page, row as u32);
        let chain = &mut self.chains[key as usize];
        let link = Link { key, before: chain.last, next: NONE, count };
        let before = std::mem::replace(&mut chain.last, id);
        if before == NONE {
            chain.first = id;
        }
        if id as usize == self.links.len() {
            self.links.push(link);
        } else {
            self.links[id as usize] = link;
        }
        if before != NONE {
            self.links[before as usize].next = id;
        }
        if let Some(note) = self.notes.get_mut(id as usize) {
            *note = 0;
        }
        self.index.insert(hash, id);
        self.touch(id);
        Ok(id)
    }

    /// The row of a key that equals a coming one.
    pub fn find(&self, key: u32, coming: &Coming, row: usize) -> Result<Option<u32>> {
        if key == NO_SLOT { Ok(None) } else { self.find_hashed(key, coming, row, hash(key, coming, row)) }
    }

    fn content_hashes(&self, ids: &[u32]) -> Result<Vec<u64>> {
        let mut hashes = vec![];
        hash_columns(&self.columns(&ids.iter().copied().map(Some).collect::<Vec<_>>())?, ids.len(), &mut hashes)?;
        Ok(hashes)
    }

    fn find_hashed(&self, key: u32, coming: &Coming, row: usize, hash: u32) -> Result<Option<u32>> {
        let mut failed = Ok(());
        let is_it = |id: u32| {
            self.links[id as usize].key == key
                && self.rows.equal(id, coming.page, row as u32).unwrap_or_else(|e| {
                    failed = Err(e);
                    false
                })
        };
        let found = self.index.find(hash, is_it);
        failed.map(|()| found)
    }

    /// Takes a row away once that was found for a coming one. The last time, the row is gone; its key stays until [`RowTable::settle`].
    pub fn take(&mut self, id: u32, coming: &Coming, row: usize) {
        let link = &mut self.links[id as usize];
        link.count -= 1;
        match link.count > 0 {
            true => self.touch(id),
            false => self.remove(id, hash(self.links[id as usize].key, coming, row)),
        }
    }

    /// Takes a row away however often it is there, like [`RowTable::take`].
    fn remove(&mut self, id: u32, hash: u32) {
        let Link { key, before, next, .. } = self.links[id as usize];
        self.index.remove(hash, id);
        let chain = &mut self.chains[key as usize];
        match before {
            NONE => chain.first = next,
            before => self.links[before as usize].next = next,
        }
        match next {
            NONE => chain.last = before,
            next => self.links[next as usize].before = before,
        }
        self.rows.remove(id);
        self.touches.touch(id);
        if let Some(expiry) = &mut self.expiry {
            expiry.forget(id);
        }
    }

    /// After a batch: forgets those of these keys that have no rows left, and tidies up.
    pub fn settle(&mut self, keys: &[u32]) -> Result<()> {
        for key in keys.iter().filter(|k| **k != NO_SLOT) {
            if self.chains[*key as usize].first == NONE {
                self.keys.remove(*key);
            }
        }
        self.rows.tidy()
    }

    /// The columns of rows; `None` is a row of NULLs.
    pub fn columns(&self, ids: &[Option<u32>]) -> Result<Vec<ArrayRef>> {
        self.rows.rows(ids)
    }
}

/// Of a coming row and its key.
fn hash(key: u32, coming: &Coming, row: usize) -> u32 {
    of_key(key, coming.hashes[row])
}

/// Of a row's content and its key.
fn of_key(key: u32, content: u64) -> u32 {
    (mix(content, u64::from(key)) >> 32) as u32
}

impl StateTable for RowTable {
    fn track(&mut self) {
        self.touches.begin();
    }

    fn changed(&self) -> usize {
        self.touches.len()
    }

    fn changes(&mut self, most: usize) -> Result<Changes> {
        let (ids, removed) = self.touches.take(most, |id| self.rows.is_kept(id));
        let mut fields = vec![key_group_field(), Field::new("count", DataType::Int64, false), Field::new("note", DataType::Int64, false)];
        fields.extend(self.schema.fields().iter().enumerate().map(|(i, f)| Field::new(format!("row{i}"), f.data_type().clone(), true)));
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(UInt8Array::from_iter_values(ids.iter().map(|id| key_group(self.keys.hash_of(self.links[*id as usize].key))))),
            Arc::new(Int64Array::from_iter_values(ids.iter().map(|id| self.count(*id)))),
            Arc::new(Int64Array::from_iter_values(ids.iter().map(|id| self.note(*id)))),
        ];
        columns.extend(self.rows.rows(&ids.iter().copied().map(Some).collect::<Vec<_>>())?);
        if let Some(expiry) = &self.expiry {
            let (field, written) = expiry.save(ids.iter().copied());
            fields.push(field);
            columns.push(written);
        }
        let rows = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?;
        Ok(Changes { rows, entries: ids.into_iter().map(u64::from).collect(), removed })
    }

    fn restore(&mut self, saved: &RecordBatch) -> Result<()> {
        let counts = saved.column(1).as_primitive_opt::<Int64Type>();
        let notes = saved.column(2).as_primitive_opt::<Int64Type>();
        let (Some(counts), Some(notes)) = (counts, notes) else { return Err(Error::state("saved rows have an unknown form")) };
        let columns = &saved.columns()[3..3 + self.schema.fields().len()];
        let keys: Vec<ArrayRef> = self.key_columns.iter().map(|c| columns[*c].clone()).collect();
        let mut slots = vec![];
        self.key_slots(&keys, saved.num_rows(), &mut slots)?;
        let coming = self.open(columns, saved.num_rows())?;
        let mut ids = Vec::with_capacity(slots.len());
        for (row, key) in slots.into_iter().enumerate() {
            let id = self.add(key, &coming, row, counts.value(row) as u32)?;
            if notes.value(row) != 0 {
                *self.note_mut(id) = notes.value(row);
            }
            ids.push(id);
        }
        if let Some(expiry) = &mut self.expiry {
            expiry.restore(saved, ids.into_iter());
        }
        self.rows.tidy()
    }

    fn live_for(&mut self, ttl_ms: i64) {
        self.expiry = Some(Expiry::new(ttl_ms));
    }

    fn expire(&mut self, now_ms: i64) {
        let over = self.expiry.as_mut().map(|expiry| expiry.over(now_ms)).unwrap_or_default();
        let Ok(hashes) = self.content_hashes(&over) else { return };
        for (id, hash) in over.into_iter().zip(hashes) {
            let key = self.links[id as usize].key;
            self.remove(id, of_key(key, hash));
            if self.chains[key as usize].first == NONE {
                self.keys.remove(key);
            }
        }
    }

    fn len(&self) -> usize {
        self.rows.len()
    }

    fn memory_bytes(&self) -> usize {
        let links = self.links.capacity() * size_of::<Link>() + self.notes.capacity() * 8 + self.index.memory_bytes();
        let expiry = self.expiry.as_ref().map_or(0, Expiry::memory_bytes);
        expiry + self.keys.memory_bytes() + self.chains.capacity() * size_of::<Chain>() + self.rows.memory_bytes() + links
    }
}
