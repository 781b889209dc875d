//! What changed in a table since it was asked last: checkpoints write only that.
//!
//! A table consists of *entries*, named by numbers: a key with its accumulators, a row, a session. An entry is saved as one or several rows,
//! always all of them together. Whoever keeps what he was given, and drops of an entry all but what he was given last, has the table.

use arrow::array::{BooleanArray, RecordBatch};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::ops::Range;

/// Changes of a table, to be applied in this order: entries that are `removed` or have `rows` lose what they had, then the rows are added.
#[derive(Debug, Clone)]
pub struct Changes {
    /// The rows that the entries have now, [`super::KEY_GROUP_COLUMN`] first.
    pub rows: RecordBatch,
    /// The entry of each row.
    pub entries: Vec<u64>,
    /// Entries that are no more.
    pub removed: Vec<Range<u64>>,
}

/// The entries of a table that changed, each once, in the order in which they did first. Takes no notice until [`Touches::begin`].
#[derive(Debug, Default)]
pub struct Touches {
    on: bool,
    /// A bit per entry: it is in the list.
    listed: Vec<u64>,
    list: VecDeque<u32>,
}

impl Touches {
    /// From now on.
    pub fn begin(&mut self) {
        self.on = true;
    }

    /// Whether changes are noted.
    pub fn is_on(&self) -> bool {
        self.on
    }

    /// Notes that an entry is about to change, has changed, or is gone.
    #[inline]
    pub fn touch(&mut self, entry: u32) {
        if self.on {
            let (word, bit) = (entry as usize / 64, 1 << (entry % 64));
            if word >= self.listed.len() {
                self.listed.resize((word + 1).max(2 * self.listed.len()), 0);
            }
            if self.listed[word] & bit == 0 {
                self.listed[word] |= bit;
                self.list.push_back(entry);
            }
        }
    }

    /// Notes changes of many entries.
    #[inline]
    pub fn touch_all(&mut self, entries: &[u32]) {
        if self.on {
            entries.iter().for_each(|entry| self.touch(*entry));
        }
    }

    /// Number of entries in the list.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Nothing is in the list.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Takes at most so many entries out of the list: those that are there, and those that are not.
    pub fn take(&mut self, most: usize, there: impl Fn(u32) -> bool) -> (Vec<u32>, Vec<Range<u64>>) {
        let taken = self.list.drain(..most.min(self.list.len()));
        let (there, gone): (Vec<u32>, Vec<u32>) = taken.partition(|entry| there(*entry));
        for entry in there.iter().chain(&gone) {
            self.listed[*entry as usize / 64] &= !(1 << (entry % 64));
        }
        (there, ranges(gone.into_iter().map(u64::from).collect()))
    }

    /// Rough memory use in bytes.
    pub fn memory_bytes(&self) -> usize {
        self.listed.capacity() * 8 + self.list.capacity() * 4
    }
}

/// Entries of which something newer is known: goes through changes from the last to the first.
#[derive(Debug, Default)]
pub struct Newer {
    /// Bits of 65,536 entries each, by their high bits.
    pages: HashMap<u64, Box<[u64; PAGE_WORDS]>>,
    /// Long ranges, by their start; they may overlap.
    ranges: BTreeMap<u64, u64>,
    /// The longest of them.
    longest: u64,
}

const PAGE_WORDS: usize = 1024;
/// Shorter ranges are put down bit by bit.
const LONG_RANGE: u64 = 1 << 14;

impl Newer {
    /// Of the rows of a change, given those of all later ones, which still count.
    pub fn counting(&mut self, entries: &[u64], removed: &[Range<u64>]) -> BooleanArray {
        let counting = entries.iter().map(|entry| Some(!self.contains(*entry))).collect();
        entries.iter().for_each(|entry| self.insert(*entry));
        self.remove(removed);
        counting
    }

    /// Entries that were removed: what older changes say of them counts no more.
    pub fn remove(&mut self, removed: &[Range<u64>]) {
        for range in removed {
            if range.end - range.start < LONG_RANGE {
                range.clone().for_each(|entry| self.insert(entry));
            } else {
                let end = self.ranges.entry(range.start).or_default();
                *end = range.end.max(*end);
                self.longest = self.longest.max(range.end - range.start);
            }
        }
    }

    fn insert(&mut self, entry: u64) {
        let page = self.pages.entry(entry >> 16).or_insert_with(|| Box::new([0; PAGE_WORDS]));
        page[(entry >> 6) as usize % PAGE_WORDS] |= 1 << (entry % 64);
    }

    /// Whether something newer is known of an entry.
    pub fn contains(&self, entry: u64) -> bool {
        let page = self.pages.get(&(entry >> 16));
        page.is_some_and(|page| page[(entry >> 6) as usize % PAGE_WORDS] & (1 << (entry % 64)) != 0)
            || self.ranges.range(entry.saturating_sub(self.longest)..=entry).any(|(_, end)| entry < *end)
    }
}

/// Numbers as ranges of those that follow each other.
pub fn ranges(mut numbers: Vec<u64>) -> Vec<Range<u64>> {
    numbers.sort_unstable();
    let mut ranges: Vec<Range<u64>> = vec![];
    for number in numbers {
        match ranges.last_mut().filter(|last| last.end >= number) {
            Some(last) => last.end = last.end.max(number + 1),
            None => ranges.push(number..number + 1),
        }
    }
    ranges
}

#[cfg(test)]
#[allow(clippy::single_range_in_vec_init)] // lists of ranges are what is meant
mod tests {
    use super::*;

    #[test]
    fn entries_are_given_once_and_in_order() {
        let mut touches = Touches::default();
        touches.touch(1);
        assert_eq!(touches.len(), 0, "nobody has asked for it");
        touches.begin();
        touches.touch_all(&[7, 300, 7, 2, 3]);
        assert_eq!(touches.take(3, |entry| entry != 2), (vec![7, 300], vec![2..3]));
        touches.touch(7);
        touches.touch(3);
        assert_eq!(touches.take(10, |_| false), (vec![], vec![3..4, 7..8]));
        assert_eq!(touches.len(), 0);
    }

    #[test]
    fn the_newest_rows_count() {
        let mut newer = Newer::default();
        let last = newer.counting(&[5, 5], &[7..8, 1 << 32..2 << 32]);
        assert_eq!(last, BooleanArray::from(vec![true, true]));
        let before = newer.counting(&[5, 6, 7, (1 << 32) + 9, 2 << 32], &[]);
        assert_eq!(before, BooleanArray::from(vec![false, true, false, false, true]));
    }

    #[test]
    fn neighbours_are_one_range() {
        assert_eq!(ranges(vec![5, 3, 4, 9, 9]), [3..6, 9..10]);
    }
}
