//! Multisets of 64-bit values by slot, all in one table: thousands of small sets cost no more than one large one.

use super::key::hash_value;
use super::numbers::Numbers;

const NONE: u32 = u32::MAX;

/// A value of one slot's set, in the chain of that slot's values.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Entry {
    value: u64,
    /// How often it is there, or bits. Never zero while in use; negative only in partial results.
    count: i64,
    slot: u32,
    before: u32,
    next: u32,
}

/// Where a slot's chain begins, and its length.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Head {
    first: u32,
    size: u32,
}

impl Default for Head {
    fn default() -> Self {
        Head { first: NONE, size: 0 }
    }
}

/// A multiset for each slot.
#[derive(Debug, Clone, Default)]
pub struct Sets {
    index: Numbers,
    entries: Vec<Entry>,
    free: Vec<u32>,
    heads: Vec<Head>,
}

#[inline(always)]
fn hash(slot: u32, value: u64) -> u32 {
    (hash_value(value ^ u64::from(slot).wrapping_mul(0xA24B_AED4_963E_E407)) >> 32) as u32
}

impl Sets {
    /// Grows to at least so many slots; new ones are empty.
    pub fn grow(&mut self, slots: usize) {
        if self.heads.len() < slots {
            self.heads.resize(slots, Head::default());
        }
    }

    /// Number of different values in a slot's set.
    #[inline]
    pub fn size(&self, slot: u32) -> usize {
        self.heads[slot as usize].size as usize
    }

    /// Changes how often a value is in a slot's set; a count of zero is forgotten.
    #[inline]
    pub fn add(&mut self, slot: u32, value: u64, by: i64) {
        let hash = hash(slot, value);
        match self.find(slot, value, hash) {
            Some(at) => {
                let entry = &mut self.entries[at as usize];
                entry.count += by;
                if entry.count == 0 {
                    self.forget(at);
                }
            }
            None if by != 0 => self.insert(slot, value, by, hash),
            None => {}
        }
    }

    /// Takes a value's count for a set of bits and adds some; returns those that are new.
    #[inline]
    pub fn mark(&mut self, slot: u32, value: u64, bits: i64) -> i64 {
        let hash = hash(slot, value);
        match self.find(slot, value, hash) {
            Some(at) => {
                let entry = &mut self.entries[at as usize];
                let new = bits & !entry.count;
                entry.count |= bits;
                new
            }
            None => {
                self.insert(slot, value, bits, hash);
                bits
            }
        }
    }

    #[inline(always)]
    fn find(&self, slot: u32, value: u64, hash: u32) -> Option<u32> {
        self.index.find(hash, |at| {
            let entry = &self.entries[at as usize];
            entry.value == value && entry.slot == slot
        })
    }

    fn insert(&mut self, slot: u32, value: u64, count: i64, hash: u32) {
        let head = &mut self.heads[slot as usize];
        let entry = Entry { value, count, slot, before: NONE, next: head.first };
        let at = match self.free.pop() {
            Some(at) => {
                self.entries[at as usize] = entry;
                at
            }
            None => {
                self.entries.push(entry);
                (self.entries.len() - 1) as u32
            }
        };
        if entry.next != NONE {
            self.entries[entry.next as usize].before = at;
        }
        *head = Head { first: at, size: head.size + 1 };
        self.index.insert(hash, at);
    }

    fn forget(&mut self, at: u32) {
        let Entry { value, slot, before, next, .. } = self.entries[at as usize];
        self.index.remove(hash(slot, value), at);
        let head = &mut self.heads[slot as usize];
        head.size -= 1;
        match before {
            NONE => head.first = next,
            before => self.entries[before as usize].next = next,
        }
        if next != NONE {
            self.entries[next as usize].before = before;
        }
        self.free.push(at);
    }

    /// Empties a slot's set.
    pub fn reset(&mut self, slot: u32) {
        while self.heads[slot as usize].first != NONE {
            self.forget(self.heads[slot as usize].first);
        }
    }

    /// Values and counts of a slot's set, in no order.
    pub fn iter(&self, slot: u32) -> impl Iterator<Item = (&u64, &i64)> {
        let entry = move |at: u32| self.entries.get(at as usize);
        std::iter::successors(entry(self.heads[slot as usize].first), move |e| entry(e.next)).map(|e| (&e.value, &e.count))
    }

    /// Rough memory use in bytes.
    pub fn memory_bytes(&self) -> usize {
        self.index.memory_bytes() + self.entries.capacity() * size_of::<Entry>() + self.heads.capacity() * size_of::<Head>()
    }
}

impl PartialEq for Sets {
    fn eq(&self, other: &Self) -> bool {
        let sorted = |sets: &Self| {
            let mut live: Vec<_> = sets.index.iter().map(|e| &sets.entries[e as usize]).map(|e| (e.slot, e.value, e.count)).collect();
            live.sort_unstable();
            live
        };
        self.heads.len() == other.heads.len() && sorted(self) == sorted(other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        /// The sets agree with maps, through changes of counts and emptied slots.
        #[test]
        fn sets_agree_with_maps(steps in prop::collection::vec((0..4u32, 0..6u64, -2..3i64, 0..12u8), 0..200)) {
            let mut sets = Sets::default();
            sets.grow(4);
            let mut oracle: BTreeMap<(u32, u64), i64> = BTreeMap::new();
            for (slot, value, by, dice) in steps {
                if dice == 0 {
                    sets.reset(slot);
                    oracle.retain(|k, _| k.0 != slot);
                } else {
                    sets.add(slot, value, by);
                    *oracle.entry((slot, value)).or_default() += by;
                    oracle.retain(|_, count| *count != 0);
                }
                for slot in 0..4 {
                    let expected: Vec<_> = oracle.iter().filter(|(k, _)| k.0 == slot).map(|(k, c)| (k.1, *c)).collect();
                    let mut found: Vec<_> = sets.iter(slot).map(|(v, c)| (*v, *c)).collect();
                    found.sort_unstable();
                    prop_assert_eq!(sets.size(slot), expected.len());
                    prop_assert_eq!(found, expected);
                }
            }
        }
    }
}
