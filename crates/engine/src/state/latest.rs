//! One row by key: what a source's newest rows are kept in.

use arrow::array::{ArrayRef, RecordBatch, UInt8Array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use std::sync::Arc;

use super::StateTable;
use super::changes::{Changes, Touches};
use super::encoding::{ByteRows, decode_rows, encode_rows};
use super::expiry::Expiry;
use super::key::KeyIndex;
use super::keyed::key_group_field;
use crate::Result;
use crate::hash::key_group;

/// The content of a row that is kept.
pub type Content = Arc<[u8]>;

/// Rows of one schema, one for each key in some of their columns.
pub struct LatestTable {
    schema: SchemaRef,
    types: Vec<DataType>,
    key_columns: Vec<usize>,
    keys: KeyIndex,
    rows: Vec<Option<Content>>,
    bytes: usize,
    expiry: Option<Expiry>,
    touches: Touches,
}

impl LatestTable {
    /// An empty table for rows of this schema, by the key in `key_columns`.
    pub fn new(schema: SchemaRef, key_columns: &[usize]) -> Self {
        let types: Vec<DataType> = schema.fields().iter().map(|f| f.data_type().clone()).collect();
        let key_types: Vec<DataType> = key_columns.iter().map(|c| types[*c].clone()).collect();
        Self {
            keys: KeyIndex::new(&key_types),
            key_columns: key_columns.to_vec(),
            types,
            schema,
            rows: vec![],
            bytes: 0,
            expiry: None,
            touches: Touches::default(),
        }
    }

    /// Finds or makes the slot of each row's key.
    pub fn key_slots(&mut self, keys: &[ArrayRef], rows: usize, slots: &mut Vec<u32>) -> Result<()> {
        self.keys.upsert(keys, rows, slots)?;
        self.rows.resize(self.keys.slots(), None);
        Ok(())
    }

    /// The rows of a batch in the form the table keeps them.
    pub(crate) fn encode(&self, rows: &RecordBatch) -> Result<ByteRows> {
        encode_rows(rows.columns(), rows.num_rows())
    }

    /// The row of a slot.
    pub fn get(&self, slot: u32) -> Option<&Content> {
        self.rows[slot as usize].as_ref()
    }

    /// Puts a row in a slot, or takes it out, and gives the one that was there. The key stays until [`LatestTable::forget_empty`].
    pub fn set(&mut self, slot: u32, row: Option<&[u8]>) -> Option<Content> {
        self.bytes += row.map_or(0, <[u8]>::len);
        self.touches.touch(slot);
        if let Some(expiry) = &mut self.expiry {
            expiry.touch(slot);
        }
        let old = std::mem::replace(&mut self.rows[slot as usize], row.map(Content::from));
        self.bytes -= old.as_ref().map_or(0, |old| old.len());
        old
    }

    /// Forgets the key of a slot that has no row.
    pub fn forget_empty(&mut self, slot: u32) {
        if self.rows[slot as usize].is_none() {
            self.keys.remove(slot);
            if let Some(expiry) = &mut self.expiry {
                expiry.forget(slot);
            }
        }
    }

    /// The columns of rows.
    pub fn decode<'a>(&self, rows: impl Iterator<Item = &'a Content>) -> Result<Vec<ArrayRef>> {
        decode_rows(&self.types, rows.map(|content| &**content))
    }
}

impl StateTable for LatestTable {
    fn track(&mut self) {
        self.touches.begin();
    }

    fn changed(&self) -> usize {
        self.touches.len()
    }

    fn changes(&mut self, most: usize) -> Result<Changes> {
        let (slots, removed) = self.touches.take(most, |slot| self.rows[slot as usize].is_some());
        let mut fields = vec![key_group_field()];
        fields.extend(self.schema.fields().iter().enumerate().map(|(i, f)| Field::new(format!("row{i}"), f.data_type().clone(), true)));
        let groups = UInt8Array::from_iter_values(slots.iter().map(|slot| key_group(self.keys.hash_of(*slot))));
        let mut columns: Vec<ArrayRef> = vec![Arc::new(groups)];
        columns.extend(self.decode(slots.iter().filter_map(|slot| self.get(*slot)))?);
        if let Some(expiry) = &self.expiry {
            let (field, written) = expiry.save(slots.iter().copied());
            fields.push(field);
            columns.push(written);
        }
        let rows = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?;
        Ok(Changes { rows, entries: slots.into_iter().map(u64::from).collect(), removed })
    }

    fn restore(&mut self, saved: &RecordBatch) -> Result<()> {
        let columns = &saved.columns()[1..1 + self.types.len()];
        let content = encode_rows(columns, saved.num_rows())?;
        let keys: Vec<ArrayRef> = self.key_columns.iter().map(|c| columns[*c].clone()).collect();
        let mut slots = vec![];
        self.key_slots(&keys, saved.num_rows(), &mut slots)?;
        for (row, slot) in slots.iter().enumerate() {
            self.set(*slot, Some(content.row(row)));
        }
        if let Some(expiry) = &mut self.expiry {
            expiry.restore(saved, slots.into_iter());
        }
        Ok(())
    }

    fn live_for(&mut self, ttl_ms: i64) {
        self.expiry = Some(Expiry::new(ttl_ms));
    }

    fn expire(&mut self, now_ms: i64) {
        for slot in self.expiry.as_mut().map(|expiry| expiry.over(now_ms)).unwrap_or_default() {
            self.set(slot, None);
            self.forget_empty(slot);
        }
    }

    fn len(&self) -> usize {
        self.keys.len()
    }

    fn memory_bytes(&self) -> usize {
        self.keys.memory_bytes()
            + self.expiry.as_ref().map_or(0, Expiry::memory_bytes)
            + self.rows.capacity() * size_of::<Option<Content>>()
            + self.bytes
    }
}
