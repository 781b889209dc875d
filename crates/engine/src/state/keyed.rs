//! A table from key to accumulator columns.

use arrow::array::{ArrayRef, RecordBatch, UInt8Array};
use arrow::datatypes::{DataType, Field, Schema};
use std::sync::Arc;

use super::changes::{Changes, Touches};
use super::column::{Column, ColumnKind};
use super::expiry::Expiry;
use super::key::KeyIndex;
use super::{KEY_GROUP_COLUMN, StateTable};
use crate::Result;
use crate::hash::key_group;

/// Keys with columns of values by slot.
pub struct KeyedTable {
    index: KeyIndex,
    kinds: Vec<ColumnKind>,
    columns: Vec<Column>,
    expiry: Option<Expiry>,
    touches: Touches,
}

impl KeyedTable {
    /// An empty table.
    pub fn new(key_types: &[DataType], kinds: &[ColumnKind]) -> Self {
        Self {
            index: KeyIndex::new(key_types),
            kinds: kinds.to_vec(),
            columns: kinds.iter().map(|k| Column::new(*k)).collect(),
            expiry: None,
            touches: Touches::default(),
        }
    }

    /// Finds or makes the slot of each row's key; new ones hold zeros.
    pub fn upsert(&mut self, keys: &[ArrayRef], rows: usize, slots: &mut Vec<u32>) -> Result<()> {
        self.index.upsert(keys, rows, slots)?;
        let n = self.index.slots();
        self.columns.iter_mut().for_each(|c| c.grow(n));
        if let Some(expiry) = &mut self.expiry {
            slots.iter().for_each(|slot| expiry.touch(*slot));
        }
        self.touches.touch_all(slots);
        Ok(())
    }

    /// Notes that values of a slot change that was not found by [`KeyedTable::upsert`] in this step.
    #[inline]
    pub fn touch(&mut self, slot: u32) {
        self.touches.touch(slot);
    }

    /// [`KeyedTable::touch`] for many slots.
    pub fn touch_all(&mut self, slots: &[u32]) {
        self.touches.touch_all(slots);
    }

    /// Finds the slot of each row's key, or [`super::key::NO_SLOT`].
    pub fn lookup(&mut self, keys: &[ArrayRef], rows: usize, slots: &mut Vec<u32>) -> Result<()> {
        self.index.lookup(keys, rows, slots)
    }

    /// Forgets a key and its values.
    pub fn remove(&mut self, slot: u32) {
        self.index.remove(slot);
        self.touches.touch(slot);
        if let Some(expiry) = &mut self.expiry {
            expiry.forget(slot);
        }
        self.columns.iter_mut().for_each(|c| c.reset(slot));
    }

    /// The index.
    pub fn index(&self) -> &KeyIndex {
        &self.index
    }

    /// The values.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The values, to change.
    pub fn columns_mut(&mut self) -> &mut [Column] {
        &mut self.columns
    }

    /// Key columns and saved value columns of slots.
    pub fn save(&self, slots: &[u32]) -> Result<(Vec<ArrayRef>, Vec<ArrayRef>)> {
        let values = self.columns.iter().map(|c| c.save(slots)).collect::<Result<_>>()?;
        Ok((self.index.keys(slots)?, values))
    }

    /// Key group, keys, values: the columns of saved slots.
    pub(super) fn save_entries(&self, slots: &[u32]) -> Result<Vec<ArrayRef>> {
        let groups: ArrayRef = Arc::new(slots.iter().map(|s| key_group(self.index.hash_of(*s))).collect::<UInt8Array>());
        let (keys, values) = self.save(slots)?;
        Ok(std::iter::once(groups).chain(keys).chain(values).collect())
    }

    /// Takes slots whose keys or values changed: those in use, and the others.
    pub(super) fn take_touched(&mut self, most: usize) -> (Vec<u32>, Vec<std::ops::Range<u64>>) {
        self.touches.take(most, |slot| self.index.is_live(slot))
    }

    /// Writes saved keys and values (without the key group).
    pub(super) fn load(&mut self, columns: &[ArrayRef], rows: usize) -> Result<Vec<u32>> {
        let (keys, values) = columns.split_at(self.index.types().len());
        let mut slots = vec![];
        self.upsert(keys, rows, &mut slots)?;
        for (column, saved) in self.columns.iter_mut().zip(values) {
            column.load(&slots, saved)?;
        }
        Ok(slots)
    }

    /// Fields of the saved table, without the key group.
    pub(super) fn fields(key_types: &[DataType], kinds: &[ColumnKind]) -> Vec<Field> {
        let keys = key_types.iter().enumerate().map(|(i, t)| Field::new(format!("key{i}"), t.clone(), true));
        let values = kinds.iter().enumerate().map(|(i, k)| Field::new(format!("value{i}"), Column::data_type(*k), true));
        keys.chain(values).collect()
    }
}

/// The field every saved table begins with.
pub(super) fn key_group_field() -> Field {
    Field::new(KEY_GROUP_COLUMN, DataType::UInt8, false)
}

impl StateTable for KeyedTable {
    fn track(&mut self) {
        self.touches.begin();
    }

    fn changed(&self) -> usize {
        self.touches.len()
    }

    fn changes(&mut self, most: usize) -> Result<Changes> {
        let (slots, removed) = self.take_touched(most);
        let mut fields = vec![key_group_field()];
        fields.extend(Self::fields(self.index.types(), &self.kinds));
        let mut columns = self.save_entries(&slots)?;
        if let Some(expiry) = &self.expiry {
            let (field, written) = expiry.save(slots.iter().copied());
            fields.push(field);
            columns.push(written);
        }
        let rows = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?;
        Ok(Changes { rows, entries: slots.into_iter().map(u64::from).collect(), removed })
    }

    fn restore(&mut self, rows: &RecordBatch) -> Result<()> {
        let slots = self.load(&rows.columns()[1..], rows.num_rows())?;
        if let Some(expiry) = &mut self.expiry {
            expiry.restore(rows, slots.into_iter());
        }
        Ok(())
    }

    fn live_for(&mut self, ttl_ms: i64) {
        self.expiry = Some(Expiry::new(ttl_ms));
    }

    fn expire(&mut self, now_ms: i64) {
        let over = self.expiry.as_mut().map(|expiry| expiry.over(now_ms)).unwrap_or_default();
        over.into_iter().for_each(|slot| self.remove(slot));
    }

    fn len(&self) -> usize {
        self.index.len()
    }

    fn memory_bytes(&self) -> usize {
        self.index.memory_bytes()
            + self.touches.memory_bytes()
            + self.expiry.as_ref().map_or(0, Expiry::memory_bytes)
            + self.columns.iter().map(Column::memory_bytes).sum::<usize>()
    }
}
