//! The versions of each key's row, by the time from which they hold: what a temporal join remembers of its right input.

use arrow::array::{ArrayRef, AsArray, BooleanArray, Int64Array, RecordBatch, UInt8Array};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use super::changes::{Changes, Touches};
use super::expiry::Expiry;
use super::key::{KeyIndex, NO_SLOT};
use super::keyed::key_group_field;
use super::pages::Pages;
use super::{StateTable, roughly};
use crate::hash::key_group;
use crate::{Error, Result};

/// The row of a key from a time on.
#[derive(Clone, Copy)]
struct Version {
    /// Milliseconds.
    time: i64,
    /// Number of the row.
    id: u32,
    /// From then on there is no row.
    deleted: bool,
}

/// What a key held at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AsOf {
    /// The number of its row.
    Row(u32),
    /// Nothing: it had been deleted, or was never there.
    Nothing,
    /// There is no telling: the versions of that time may have been forgotten.
    Before,
}

/// Versions of rows of one schema by the key in some of their columns.
pub struct VersionTable {
    schema: SchemaRef,
    key_columns: Vec<usize>,
    keys: KeyIndex,
    /// Of each key, in the order of time, no two of the same.
    versions: Vec<Vec<Version>>,
    rows: Pages,
    /// When a key may have versions that nobody can ask for any more.
    due: BinaryHeap<Reverse<(i64, u32)>>,
    /// With a time to live: when a key was written to or asked for.
    expiry: Option<Expiry>,
    touches: Touches,
}

impl VersionTable {
    /// An empty table for rows of this schema, by the key in these columns.
    pub fn new(schema: SchemaRef, key_columns: &[usize]) -> Self {
        let types: Vec<DataType> = schema.fields().iter().map(|f| f.data_type().clone()).collect();
        let key_types: Vec<DataType> = key_columns.iter().map(|c| types[*c].clone()).collect();
        Self {
            schema,
            key_columns: key_columns.to_vec(),
            keys: KeyIndex::new(&key_types),
            versions: vec![],
            rows: Pages::new(types),
            due: BinaryHeap::new(),
            expiry: None,
            touches: Touches::default(),
        }
    }

    fn key_of(&self, columns: &[ArrayRef]) -> Vec<ArrayRef> {
        self.key_columns.iter().map(|c| columns[*c].clone()).collect()
    }

    /// Adds versions, each from its time on; `deleted` ones say that there is no row from then on. One of a time that is there
    /// already takes the other's place. Tells the rows that came too late and are not kept: a newer version holds at `passed` already, so that
    /// only rows that are late themselves could ask for them, and only until the next watermark.
    pub fn add(&mut self, columns: &[ArrayRef], times: &[i64], deleted: impl Fn(usize) -> bool, passed: i64) -> Result<Vec<usize>> {
        let mut slots = vec![];
        self.keys.upsert(&self.key_of(columns), times.len(), &mut slots)?;
        self.versions.resize(self.keys.slots(), vec![]);
        self.touches.touch_all(&slots);
        let ids = self.rows.add(columns, times.len());
        let mut late = vec![];
        for (row, (slot, time)) in slots.into_iter().zip(times).enumerate() {
            if let Some(expiry) = &mut self.expiry {
                expiry.touch(slot);
            }
            let version = Version { time: *time, id: ids[row], deleted: deleted(row) };
            let versions = &mut self.versions[slot as usize];
            let at = versions.partition_point(|v| v.time < *time);
            let newer = versions[at..].iter().find(|v| v.time > *time);
            if newer.is_some_and(|newer| newer.time <= passed) {
                self.rows.remove(version.id);
                late.push(row);
                continue;
            }
            match versions.get_mut(at).filter(|v| v.time == *time) {
                Some(same) => {
                    self.rows.remove(same.id);
                    *same = version;
                }
                None => versions.insert(at, version),
            }
            if at > 0 || version.deleted {
                self.due.push(Reverse((*time, slot)));
            }
            if let Some(next) = versions.get(at + 1) {
                self.due.push(Reverse((next.time, slot)));
            }
        }
        Ok(late)
    }

    /// Finds the slot of each row's key, or [`NO_SLOT`].
    pub fn find_keys(&mut self, keys: &[ArrayRef], rows: usize, slots: &mut Vec<u32>) -> Result<()> {
        self.keys.lookup(keys, rows, slots)?;
        // Flink's join starts the time of a key anew with the rows of either side.
        if let Some(expiry) = &mut self.expiry {
            slots.iter().filter(|slot| **slot != NO_SLOT).for_each(|slot| {
                self.touches.touch(*slot);
                expiry.touch(*slot);
            });
        }
        Ok(())
    }

    /// What a key held at a time.
    #[inline]
    pub fn as_of(&self, slot: u32, time: i64) -> AsOf {
        if slot == NO_SLOT {
            return AsOf::Nothing;
        }
        let versions = &self.versions[slot as usize];
        let after = versions.partition_point(|v| v.time <= time);
        match after.checked_sub(1).map(|at| versions[at]) {
            Some(Version { deleted: true, .. }) => AsOf::Nothing,
            Some(version) => AsOf::Row(version.id),
            None => AsOf::Before,
        }
    }

    /// The columns of rows; `None` is a row of NULLs.
    pub fn rows(&self, ids: &[Option<u32>]) -> Result<Vec<ArrayRef>> {
        self.rows.rows(ids)
    }

    /// Forgets what nobody asks for who asks for times after this one: of each key, all versions before the one that holds then.
    pub fn forget(&mut self, time: i64) -> Result<()> {
        while let Some(Reverse((_, slot))) = self.due.peek().copied().filter(|Reverse((due, _))| *due <= time) {
            self.due.pop();
            let versions = &mut self.versions[slot as usize];
            let Some(holds) = versions.partition_point(|v| v.time <= time).checked_sub(1) else { continue };
            let useless = if versions[holds].deleted { holds + 1 } else { holds };
            self.touches.touch(slot);
            versions.drain(..useless).for_each(|v| self.rows.remove(v.id));
            if versions.is_empty() {
                self.keys.remove(slot);
                if let Some(expiry) = &mut self.expiry {
                    expiry.forget(slot);
                }
            }
        }
        self.rows.tidy()
    }
}

impl StateTable for VersionTable {
    fn track(&mut self) {
        self.touches.begin();
    }

    fn changed(&self) -> usize {
        self.touches.len()
    }

    fn changes(&mut self, most: usize) -> Result<Changes> {
        let (slots, removed) = self.touches.take(most, |slot| self.keys.is_live(slot));
        let all: Vec<(u32, Version)> =
            slots.into_iter().flat_map(|slot| self.versions[slot as usize].iter().map(move |v| (slot, *v))).collect();
        let mut fields =
            vec![key_group_field(), Field::new("time", DataType::Int64, false), Field::new("deleted", DataType::Boolean, false)];
        fields.extend(self.schema.fields().iter().enumerate().map(|(i, f)| Field::new(format!("row{i}"), f.data_type().clone(), true)));
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(UInt8Array::from_iter_values(all.iter().map(|(slot, _)| key_group(self.keys.hash_of(*slot))))),
            Arc::new(Int64Array::from_iter_values(all.iter().map(|(_, v)| v.time))),
            Arc::new(all.iter().map(|(_, v)| Some(v.deleted)).collect::<BooleanArray>()),
        ];
        columns.extend(self.rows.rows(&all.iter().map(|(_, v)| Some(v.id)).collect::<Vec<_>>())?);
        if let Some(expiry) = &self.expiry {
            let (field, written) = expiry.save(all.iter().map(|(slot, _)| *slot));
            fields.push(field);
            columns.push(written);
        }
        let entries = all.iter().map(|(slot, _)| u64::from(*slot)).collect();
        Ok(Changes { rows: RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?, entries, removed })
    }

    fn restore(&mut self, saved: &RecordBatch) -> Result<()> {
        let times = saved.column(1).as_primitive_opt::<Int64Type>();
        let (Some(times), Some(deleted)) = (times, saved.column(2).as_boolean_opt()) else {
            return Err(Error::state("saved versions have an unknown form"));
        };
        if saved.num_rows() > 0 {
            let columns = &saved.columns()[3..3 + self.schema.fields().len()];
            self.add(columns, times.values(), |row| deleted.value(row), i64::MIN)?;
            let mut slots = vec![];
            self.keys.lookup(&self.key_of(columns), saved.num_rows(), &mut slots)?;
            if let Some(expiry) = &mut self.expiry {
                expiry.restore(saved, slots.into_iter());
            }
        }
        Ok(())
    }

    fn live_for(&mut self, ttl_ms: i64) {
        self.expiry = Some(Expiry::new(ttl_ms));
    }

    fn expire(&mut self, now_ms: i64) {
        for slot in self.expiry.as_mut().map(|expiry| expiry.over(now_ms)).unwrap_or_default() {
            self.touches.touch(slot);
            self.versions[slot as usize].drain(..).for_each(|version| self.rows.remove(version.id));
            self.keys.remove(slot);
        }
    }

    fn len(&self) -> usize {
        self.rows.len()
    }

    fn memory_bytes(&self) -> usize {
        let versions = roughly(self.versions.len(), |i| self.versions[i].capacity() * size_of::<Version>() + 24);
        let expiry = self.expiry.as_ref().map_or(0, Expiry::memory_bytes);
        self.keys.memory_bytes() + versions + self.rows.memory_bytes() + self.due.len() * 16 + expiry
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn table() -> VersionTable {
        let field = |name: &str| Field::new(name, DataType::Int64, true);
        let mut table = VersionTable::new(Arc::new(Schema::new(vec![field("k"), field("v")])), &[0]);
        table.track();
        table.live_for(10);
        table.expire(0);
        table
    }

    fn column(values: &[i64]) -> ArrayRef {
        Arc::new(Int64Array::from(values.to_vec()))
    }

    fn asked(table: &mut VersionTable, key: i64) -> bool {
        let mut slots = vec![];
        table.find_keys(&[column(&[key])], 1, &mut slots).unwrap();
        matches!(table.as_of(slots[0], 5), AsOf::Row(_))
    }

    #[test]
    fn keys_that_are_neither_written_nor_asked_for_are_forgotten() {
        let mut table = table();
        table.add(&[column(&[1, 2, 3, 1]), column(&[7, 8, 9, 10])], &[1, 1, 1, 3], |_| false, i64::MIN).unwrap();
        table.expire(6);
        assert!(asked(&mut table, 1));
        table.add(&[column(&[2]), column(&[11])], &[2], |_| false, i64::MIN).unwrap();
        table.expire(10);
        assert_eq!((table.len(), table.keys.len()), (4, 2), "two versions of 1 and of 2");
        let saved = table.changes(usize::MAX).unwrap().rows;
        let mut restored = self::table();
        restored.restore(&saved).unwrap();
        for table in [&mut table, &mut restored] {
            assert!(!asked(table, 3));
            table.expire(15);
            assert!(table.len() == 4);
            table.expire(16);
            table.forget(3).unwrap();
            assert_eq!((table.len(), table.keys.len()), (0, 0));
        }
    }
}
