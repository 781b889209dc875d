//! What was found for keys, remembered for a while: Flink's partial cache.

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::DataType;
use std::collections::BTreeMap;

use crate::Result;
use crate::state::key::{KeyIndex, NO_SLOT};

/// How long what was found is remembered. With all of it left out: for ever, for every key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CachePolicy {
    /// At most so many keys; the one that was asked for longest ago goes first. (Flink says rows, and counts keys as well.)
    pub keys_max: Option<usize>,
    /// Not asked for so long, in milliseconds.
    pub expire_after_access_ms: Option<i64>,
    /// Found so long ago, in milliseconds.
    pub expire_after_write_ms: Option<i64>,
    /// That a key has no rows is remembered too.
    pub missing_keys: bool,
}

/// The rows of a key.
struct Entry {
    rows: RecordBatch,
    written_ms: i64,
    accessed_ms: i64,
    /// Number of the access; the smallest one was longest ago.
    access: u64,
}

/// Rows by key. Its clock is the processing time of ticks.
pub struct Cache {
    policy: CachePolicy,
    index: KeyIndex,
    /// By slot of the index.
    entries: Vec<Option<Entry>>,
    /// Slots in the order in which they were asked for.
    by_access: BTreeMap<u64, u32>,
    accesses: u64,
}

impl Cache {
    /// Nothing is remembered yet; keys have these types.
    pub fn new(policy: CachePolicy, types: &[DataType]) -> Self {
        Self { policy, index: KeyIndex::new(types), entries: vec![], by_access: BTreeMap::new(), accesses: 0 }
    }

    /// The rows of each key, of those that are remembered.
    pub fn get(&mut self, keys: &[ArrayRef], count: usize, now_ms: i64) -> Result<Vec<Option<RecordBatch>>> {
        self.forget_old(now_ms);
        let mut slots = vec![];
        self.index.lookup(keys, count, &mut slots)?;
        Ok(slots.into_iter().map(|slot| self.read(slot, now_ms)).collect())
    }

    fn read(&mut self, slot: u32, now_ms: i64) -> Option<RecordBatch> {
        if slot == NO_SLOT {
            return None;
        }
        if self.entries[slot as usize].as_ref().is_some_and(|e| is_old(&self.policy, e, now_ms)) {
            self.forget(slot);
            return None;
        }
        let entry = self.entries[slot as usize].as_mut()?;
        self.by_access.remove(&entry.access);
        (entry.access, entry.accessed_ms) = (self.accesses, now_ms);
        self.by_access.insert(self.accesses, slot);
        self.accesses += 1;
        Some(entry.rows.clone())
    }

    /// Remembers the rows of keys.
    pub fn put(&mut self, keys: &[ArrayRef], found: &[RecordBatch], now_ms: i64) -> Result<()> {
        let mut slots = vec![];
        self.index.upsert(keys, found.len(), &mut slots)?;
        for (slot, rows) in slots.into_iter().zip(found) {
            self.entries.resize_with(self.index.slots().max(self.entries.len()), || None);
            if let Some(before) = self.entries[slot as usize].take() {
                self.by_access.remove(&before.access);
            }
            if rows.num_rows() == 0 && !self.policy.missing_keys {
                self.index.remove(slot);
                continue;
            }
            let entry = Entry { rows: rows.clone(), written_ms: now_ms, accessed_ms: now_ms, access: self.accesses };
            self.entries[slot as usize] = Some(entry);
            self.by_access.insert(self.accesses, slot);
            self.accesses += 1;
        }
        while self.policy.keys_max.is_some_and(|max| self.by_access.len() > max) {
            let Some(slot) = self.by_access.first_key_value().map(|(_, slot)| *slot) else { break };
            self.forget(slot);
        }
        Ok(())
    }

    /// Those that nobody asked for are the first in the order, so that few are looked at.
    fn forget_old(&mut self, now_ms: i64) {
        while let Some(slot) = self.by_access.first_key_value().map(|(_, slot)| *slot) {
            if !self.entries[slot as usize].as_ref().is_none_or(|e| is_old(&self.policy, e, now_ms)) {
                break;
            }
            self.forget(slot);
        }
    }

    fn forget(&mut self, slot: u32) {
        if let Some(entry) = self.entries[slot as usize].take() {
            self.by_access.remove(&entry.access);
        }
        self.index.remove(slot);
    }
}

fn is_old(policy: &CachePolicy, entry: &Entry, now_ms: i64) -> bool {
    let passed = |since_ms: i64, limit: Option<i64>| limit.is_some_and(|limit| now_ms - since_ms >= limit);
    passed(entry.written_ms, policy.expire_after_write_ms) || passed(entry.accessed_ms, policy.expire_after_access_ms)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use arrow::array::Int64Array;
    use arrow::datatypes::{Field, Schema};
    use std::sync::Arc;

    fn keys(keys: &[i64]) -> Vec<ArrayRef> {
        vec![Arc::new(Int64Array::from(keys.to_vec()))]
    }

    fn rows(count: usize) -> RecordBatch {
        let schema = Arc::new(Schema::new(vec![Field::new("v", DataType::Int64, true)]));
        RecordBatch::try_new(schema, vec![Arc::new(Int64Array::from(vec![1; count]))]).unwrap()
    }

    fn has(cache: &mut Cache, asked: &[i64], now_ms: i64) -> Vec<bool> {
        cache.get(&keys(asked), asked.len(), now_ms).unwrap().iter().map(Option::is_some).collect()
    }

    #[test]
    fn the_key_that_was_asked_for_longest_ago_goes_first() {
        let policy = CachePolicy { keys_max: Some(2), ..CachePolicy::default() };
        let mut cache = Cache::new(policy, &[DataType::Int64]);
        cache.put(&keys(&[1, 2]), &[rows(1), rows(1)], 0).unwrap();
        assert_eq!(has(&mut cache, &[1], 1), [true]);
        cache.put(&keys(&[3]), &[rows(2)], 2).unwrap();
        assert_eq!(has(&mut cache, &[1, 2, 3], 3), [true, false, true]);
    }

    #[test]
    fn what_is_old_is_forgotten() {
        let policy = CachePolicy { expire_after_access_ms: Some(10), expire_after_write_ms: Some(25), ..CachePolicy::default() };
        let mut cache = Cache::new(policy, &[DataType::Int64]);
        cache.put(&keys(&[1, 2]), &[rows(1), rows(1)], 0).unwrap();
        assert_eq!(has(&mut cache, &[1], 9), [true]);
        assert_eq!(has(&mut cache, &[1, 2], 18), [true, false], "nobody asked for 2");
        assert_eq!(has(&mut cache, &[1], 27), [false], "1 was found too long ago");
        assert!(cache.by_access.is_empty() && cache.index.is_empty());
    }

    #[test]
    fn keys_without_rows_are_remembered_if_asked_to() {
        for missing_keys in [false, true] {
            let mut cache = Cache::new(CachePolicy { missing_keys, ..CachePolicy::default() }, &[DataType::Int64]);
            cache.put(&keys(&[1]), &[rows(0)], 0).unwrap();
            assert_eq!(has(&mut cache, &[1], 1), [missing_keys]);
        }
    }
}
