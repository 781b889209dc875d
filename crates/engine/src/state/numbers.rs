//! Finds the number of a thing by its hash.

use hashbrown::HashTable;

/// Numbers by hash. Hashes lie beside the numbers, so that the table grows without a look at the things themselves: these may have been put
/// away on disk.
#[derive(Debug, Clone, Default)]
pub struct Numbers {
    table: HashTable<(u32, u32)>,
}

/// A hash table wants all 64 bits to differ.
#[inline(always)]
fn spread(hash: u32) -> u64 {
    u64::from(hash).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

impl Numbers {
    /// The number with this hash which is the right one.
    #[inline(always)]
    pub fn find(&self, hash: u32, mut is_it: impl FnMut(u32) -> bool) -> Option<u32> {
        self.table.find(spread(hash), |(h, number)| *h == hash && is_it(*number)).map(|(_, number)| *number)
    }

    /// Adds a number that is not there yet.
    #[inline]
    pub fn insert(&mut self, hash: u32, number: u32) {
        self.table.insert_unique(spread(hash), (hash, number), |(h, _)| spread(*h));
    }

    /// Forgets a number.
    #[inline]
    pub fn remove(&mut self, hash: u32, number: u32) {
        if let Ok(entry) = self.table.find_entry(spread(hash), |(_, n)| *n == number) {
            entry.remove();
        }
    }

    /// All numbers, in no order.
    pub fn iter(&self) -> impl Iterator<Item = u32> {
        self.table.iter().map(|(_, number)| *number)
    }

    /// Rough memory use in bytes.
    pub fn memory_bytes(&self) -> usize {
        self.table.capacity() * 10
    }
}
