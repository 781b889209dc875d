//! From key to dense slot: an index specialised for one or two fixed-width key columns, byte-encoded for anything else.

use arrow::array::{Array, ArrayRef};
use arrow::datatypes::DataType;
use hashbrown::HashTable;

pub use super::encoding::fixed_width;
use super::encoding::{ByteRows, decode_fixed, decode_rows, encode_fixed, encode_rows};
use super::numbers::Numbers;
use super::roughly;
use crate::hash::{hash_columns, mix};
use crate::{Error, Result};

/// Stands for a key that is not there.
pub const NO_SLOT: u32 = u32::MAX;

/// The keys of one batch in the form the index compares them.
enum Encoded {
    Empty,
    One(Vec<u64>),
    Two(Vec<u64>, Vec<u64>),
    Bytes(ByteRows),
}

/// Stored keys by slot, and the table that finds them. Fixed-width keys lie in the table itself, so that a look-up touches one
/// place in memory.
enum Store {
    Empty,
    One(Fixed<1>),
    Two(Fixed<2>),
    Bytes { table: Numbers, values: Vec<Box<[u8]>> },
}

/// A key of `N` values of at most 64 bits.
#[derive(Clone, Copy)]
struct FixedKey<const N: usize> {
    values: [u64; N],
    /// Bit per value: null.
    nulls: u8,
}

impl<const N: usize> PartialEq for FixedKey<N> {
    #[inline(always)]
    fn eq(&self, other: &Self) -> bool {
        self.values == other.values && self.nulls == other.nulls
    }
}

#[derive(Default)]
struct Fixed<const N: usize> {
    /// Key, slot, and half of the hash: the table grows without a look at anything else, which may have been put away on disk.
    table: HashTable<(FixedKey<N>, u32, u32)>,
    keys: Vec<FixedKey<N>>,
}

/// The low half of a hash again in the high half, where a hash table looks, too.
#[inline(always)]
fn spread(half: u32) -> u64 {
    u64::from(half) | u64::from(half) << 32
}

/// The half of a hash that says most: all values went into it.
#[inline(always)]
fn half(hash: u64) -> u32 {
    (hash >> 32) as u32
}

impl<const N: usize> Fixed<N> {
    #[inline(always)]
    fn upsert(&mut self, slots: &mut Slots, key: FixedKey<N>, hash: u64) -> u32 {
        if let Some((_, slot, _)) = self.table.find(spread(hash as u32), |(k, ..)| *k == key) {
            return *slot;
        }
        self.insert(slots, key, hash)
    }

    #[inline(always)]
    fn find(&self, key: FixedKey<N>, hash: u64) -> u32 {
        self.table.find(spread(hash as u32), |(k, ..)| *k == key).map_or(NO_SLOT, |(_, slot, _)| *slot)
    }

    #[inline(never)]
    fn insert(&mut self, slots: &mut Slots, key: FixedKey<N>, hash: u64) -> u32 {
        let slot = slots.allocate(hash);
        place(&mut self.keys, slot, key);
        self.table.insert_unique(spread(hash as u32), (key, slot, hash as u32), |(.., half)| spread(*half));
        slot
    }

    fn remove(&mut self, slot: u32, hash: u64) {
        if let Ok(entry) = self.table.find_entry(spread(hash as u32), |(_, s, _)| *s == slot) {
            entry.remove();
        }
    }

    /// Column `c` of the keys of these slots.
    fn decode(&self, t: &DataType, c: usize, slots: &[u32]) -> Result<ArrayRef> {
        let key = |s: &u32| &self.keys[*s as usize];
        decode_fixed(t, slots.iter().map(|s| (key(s).nulls & (1 << c) == 0).then(|| key(s).values[c])))
    }

    fn memory_bytes(&self) -> usize {
        let key = size_of::<FixedKey<N>>();
        self.keys.capacity() * key + self.table.capacity() * (key + 9)
    }
}

/// Which slots are in use, and the hashes of their keys.
#[derive(Default)]
struct Slots {
    hashes: Vec<u64>,
    free: Vec<u32>,
    live: Vec<bool>,
}

impl Slots {
    fn allocate(&mut self, hash: u64) -> u32 {
        match self.free.pop() {
            Some(slot) => {
                self.live[slot as usize] = true;
                self.hashes[slot as usize] = hash;
                slot
            }
            None => {
                self.live.push(true);
                self.hashes.push(hash);
                (self.live.len() - 1) as u32
            }
        }
    }
}

/// Maps keys to dense slot numbers. Slots of removed keys are used again.
pub struct KeyIndex {
    types: Vec<DataType>,
    store: Store,
    slots: Slots,
    scratch_hashes: Vec<u64>,
}

impl KeyIndex {
    /// An empty index for keys of these types.
    pub fn new(types: &[DataType]) -> Self {
        let store = match types {
            [] => Store::Empty,
            [a] if fixed_width(a) => Store::One(Fixed::default()),
            [a, b] if fixed_width(a) && fixed_width(b) => Store::Two(Fixed::default()),
            _ => Store::Bytes { table: Numbers::default(), values: vec![] },
        };
        Self { types: types.to_vec(), store, slots: Slots::default(), scratch_hashes: vec![] }
    }

    /// Types of the key columns.
    pub fn types(&self) -> &[DataType] {
        &self.types
    }

    /// Number of keys.
    pub fn len(&self) -> usize {
        self.slots.live.len() - self.slots.free.len()
    }

    /// `true` without keys.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One more than the highest slot ever given out: the length that columns by slot need.
    pub fn slots(&self) -> usize {
        self.slots.live.len()
    }

    /// Slots in use, ascending.
    pub fn live_slots(&self) -> Vec<u32> {
        (0..self.slots() as u32).filter(|s| self.slots.live[*s as usize]).collect()
    }

    /// Whether a slot is in use.
    #[inline]
    pub fn is_live(&self, slot: u32) -> bool {
        self.slots.live[slot as usize]
    }

    /// The hash of a slot's key, see [`crate::hash`].
    pub fn hash_of(&self, slot: u32) -> u64 {
        self.slots.hashes[slot as usize]
    }

    /// Finds or makes the slot of each row's key. `slots` is cleared first.
    pub fn upsert(&mut self, keys: &[ArrayRef], rows: usize, slots: &mut Vec<u32>) -> Result<()> {
        slots.clear();
        if rows == 0 {
            return Ok(());
        }
        slots.reserve(rows);
        if let (Store::One(store), true) = (&mut self.store, no_nulls(keys)) {
            // The commonest key by far: its hash costs less than to keep it for a moment.
            let (values, all) = (encode_fixed(&keys[0])?, &mut self.slots);
            slots.extend(values.iter().map(|v| store.upsert(all, FixedKey { values: [*v], nulls: 0 }, mix(*v, 0))));
            return Ok(());
        }
        let mut hashes = std::mem::take(&mut self.scratch_hashes);
        hash_columns(keys, rows, &mut hashes)?;
        let all = &mut self.slots;
        let nullable = !no_nulls(keys);
        let nulls = |row| if nullable { null_mask(keys, row) } else { 0 };
        match (&mut self.store, encode(keys, rows)?) {
            (Store::Empty, _) => {
                let slot = if all.live.first() == Some(&true) { 0 } else { all.allocate(0) };
                slots.resize(rows, slot);
            }
            (Store::One(store), Encoded::One(values)) => {
                let keys = values.iter().enumerate().map(|(row, v)| FixedKey { values: [*v], nulls: nulls(row) });
                slots.extend(keys.zip(&hashes).map(|(key, hash)| store.upsert(all, key, *hash)));
            }
            (Store::Two(store), Encoded::Two(a, b)) => {
                let keys = a.iter().zip(&b).enumerate().map(|(row, (a, b))| FixedKey { values: [*a, *b], nulls: nulls(row) });
                slots.extend(keys.zip(&hashes).map(|(key, hash)| store.upsert(all, key, *hash)));
            }
            (Store::Bytes { table, values }, Encoded::Bytes(keys)) => {
                slots.extend(keys.iter().zip(&hashes).map(|(key, hash)| upsert_bytes(table, values, all, key, *hash)));
            }
            _ => return Err(Error::internal("the columns of a key changed their types")),
        }
        self.scratch_hashes = hashes;
        Ok(())
    }

    /// Finds the slot of each row's key, or [`NO_SLOT`]. `slots` is cleared first.
    pub fn lookup(&mut self, keys: &[ArrayRef], rows: usize, slots: &mut Vec<u32>) -> Result<()> {
        slots.clear();
        if self.is_empty() {
            slots.resize(rows, NO_SLOT);
            return Ok(());
        }
        let mut hashes = std::mem::take(&mut self.scratch_hashes);
        hash_columns(keys, rows, &mut hashes)?;
        let nullable = !no_nulls(keys);
        let nulls = |row| if nullable { null_mask(keys, row) } else { 0 };
        match (&self.store, encode(keys, rows)?) {
            (Store::Empty, _) => slots.resize(rows, 0),
            (Store::One(store), Encoded::One(values)) => {
                let keys = values.iter().enumerate().map(|(row, v)| FixedKey { values: [*v], nulls: nulls(row) });
                slots.extend(keys.zip(&hashes).map(|(key, hash)| store.find(key, *hash)));
            }
            (Store::Two(store), Encoded::Two(a, b)) => {
                let keys = a.iter().zip(&b).enumerate().map(|(row, (a, b))| FixedKey { values: [*a, *b], nulls: nulls(row) });
                slots.extend(keys.zip(&hashes).map(|(key, hash)| store.find(key, *hash)));
            }
            (Store::Bytes { table, values }, Encoded::Bytes(keys)) => {
                let find = |key: &[u8], hash: u64| table.find(half(hash), |s| *values[s as usize] == *key).unwrap_or(NO_SLOT);
                slots.extend(keys.iter().zip(&hashes).map(|(key, hash)| find(key, *hash)));
            }
            _ => return Err(Error::internal("the columns of a key changed their types")),
        }
        self.scratch_hashes = hashes;
        Ok(())
    }

    /// Forgets a key; its slot may be given to another one.
    pub fn remove(&mut self, slot: u32) {
        let at = slot as usize;
        if !self.slots.live[at] {
            return;
        }
        let hash = self.slots.hashes[at];
        match &mut self.store {
            Store::Empty => {}
            Store::One(store) => store.remove(slot, hash),
            Store::Two(store) => store.remove(slot, hash),
            Store::Bytes { table, values } => {
                table.remove(half(hash), slot);
                values[at] = Box::default();
            }
        }
        self.slots.live[at] = false;
        self.slots.free.push(slot);
    }

    /// The key columns of these slots.
    pub fn keys(&self, slots: &[u32]) -> Result<Vec<ArrayRef>> {
        match &self.store {
            Store::Empty => Ok(vec![]),
            Store::One(store) => Ok(vec![store.decode(&self.types[0], 0, slots)?]),
            Store::Two(store) => (0..2).map(|c| store.decode(&self.types[c], c, slots)).collect(),
            Store::Bytes { values, .. } => decode_rows(&self.types, slots.iter().map(|s| &*values[*s as usize])),
        }
    }

    /// Rough memory use in bytes.
    pub fn memory_bytes(&self) -> usize {
        let store = match &self.store {
            Store::Empty => 0,
            Store::One(store) => store.memory_bytes(),
            Store::Two(store) => store.memory_bytes(),
            Store::Bytes { table, values } => table.memory_bytes() + roughly(values.len(), |i| values[i].len() + 16),
        };
        store + self.slots.hashes.capacity() * 8 + self.slots.live.capacity()
    }
}

fn upsert_bytes(table: &mut Numbers, values: &mut Vec<Box<[u8]>>, slots: &mut Slots, key: &[u8], hash: u64) -> u32 {
    if let Some(slot) = table.find(half(hash), |s| *values[s as usize] == *key) {
        return slot;
    }
    let slot = slots.allocate(hash);
    place(values, slot, key.into());
    table.insert(half(hash), slot);
    slot
}

/// Puts a value in its slot: one of those there are, or the next.
fn place<T>(values: &mut Vec<T>, slot: u32, value: T) {
    match values.get_mut(slot as usize) {
        Some(place) => *place = value,
        None => values.push(value),
    }
}

fn no_nulls(keys: &[ArrayRef]) -> bool {
    keys.iter().all(|k| k.null_count() == 0)
}

fn null_mask(keys: &[ArrayRef], row: usize) -> u8 {
    keys.iter().enumerate().fold(0, |mask, (i, k)| mask | (u8::from(k.is_null(row)) << i))
}

fn encode(keys: &[ArrayRef], rows: usize) -> Result<Encoded> {
    Ok(match keys {
        [] => Encoded::Empty,
        [a] if fixed_width(a.data_type()) => Encoded::One(encode_fixed(a)?),
        [a, b] if fixed_width(a.data_type()) && fixed_width(b.data_type()) => Encoded::Two(encode_fixed(a)?, encode_fixed(b)?),
        _ => Encoded::Bytes(encode_rows(keys, rows)?),
    })
}

/// A hash of one encoded value, for sets inside accumulators.
#[inline]
pub(crate) fn hash_value(value: u64) -> u64 {
    mix(value, 0)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use arrow::array::{Int32Array, Int64Array, StringArray};
    use proptest::prelude::*;
    use std::collections::HashMap;
    use std::sync::Arc;

    type Key = (Option<i64>, Option<String>, Option<i32>);

    fn arrays(keys: &[Key], columns: &[usize]) -> Vec<ArrayRef> {
        let all: [ArrayRef; 3] = [
            Arc::new(keys.iter().map(|k| k.0).collect::<Int64Array>()),
            Arc::new(keys.iter().map(|k| k.1.clone()).collect::<StringArray>()),
            Arc::new(keys.iter().map(|k| k.2).collect::<Int32Array>()),
        ];
        columns.iter().map(|c| all[*c].clone()).collect()
    }

    proptest! {
        /// Equal keys share a slot, different ones do not, and keys come back as they went in; over removals too.
        #[test]
        fn index_agrees_with_a_hash_map(
            keys in prop::collection::vec((prop::option::of(0..4i64), prop::option::of("[ab]{0,2}"), prop::option::of(0..3i32)), 0..60),
            layout in 0..4usize,
            removed in prop::collection::vec(any::<prop::sample::Index>(), 0..5),
        ) {
            let columns: &[usize] = [&[0][..], &[0, 2], &[1], &[0, 1, 2]][layout];
            let input = arrays(&keys, columns);
            let types: Vec<_> = input.iter().map(|a| a.data_type().clone()).collect();
            let mut index = KeyIndex::new(&types);
            let mut slots = vec![];
            index.upsert(&input, keys.len(), &mut slots).unwrap();
            let project = |k: &Key| {
                (columns.contains(&0).then_some(k.0), columns.contains(&1).then(|| k.1.clone()), columns.contains(&2).then_some(k.2))
            };
            let mut oracle = HashMap::new();
            for (key, slot) in keys.iter().zip(&slots) {
                prop_assert_eq!(*oracle.entry(project(key)).or_insert(*slot), *slot);
            }
            prop_assert_eq!(index.len(), oracle.len());
            let back = index.keys(&slots).unwrap();
            prop_assert_eq!(&back, &input);
            for r in removed.iter().filter(|_| !slots.is_empty()) {
                index.remove(slots[r.index(slots.len())]);
            }
            let mut again = vec![];
            index.upsert(&input, keys.len(), &mut again).unwrap();
            prop_assert_eq!(index.len(), oracle.len());
            prop_assert_eq!(&index.keys(&again).unwrap(), &input);
        }
    }
}
