//! Time to live: when what was written last to an entry of a table is so long ago that the entry goes.
//!
//! The clock is the processing time of ticks. As in Flink, writing renews an entry and reading does not, and an entry that is over is
//! never seen again.

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Int64Type};
use std::collections::VecDeque;
use std::sync::Arc;

/// Name of the column that a saved table with a time to live has behind the others.
const COLUMN: &str = "written_ms";
/// The time of an entry that is not there.
const GONE: i64 = i64::MAX;
/// The time of an entry that was saved without one: it begins anew with the next tick.
const UNKNOWN: i64 = i64::MIN;

/// When the entries of a table were written; entries are numbered densely.
pub struct Expiry {
    ttl_ms: i64,
    now_ms: i64,
    written: Vec<i64>,
    /// Times and entries in order of time; one whose entry was written again later counts no more.
    queue: VecDeque<(i64, u32)>,
}

impl Expiry {
    /// For entries that live so many milliseconds.
    pub fn new(ttl_ms: i64) -> Self {
        Self { ttl_ms, now_ms: UNKNOWN, written: vec![], queue: VecDeque::new() }
    }

    /// Notes that an entry is written now.
    #[inline]
    pub fn touch(&mut self, entry: u32) {
        self.set(entry, self.now_ms);
    }

    fn set(&mut self, entry: u32, at_ms: i64) {
        let at = entry as usize;
        if at >= self.written.len() {
            self.written.resize(at + 1, GONE);
        }
        if self.written[at] != at_ms {
            self.written[at] = at_ms;
            self.queue.push_back((at_ms, entry));
        }
    }

    /// Notes that an entry is gone.
    pub fn forget(&mut self, entry: u32) {
        if let Some(written) = self.written.get_mut(entry as usize) {
            *written = GONE;
        }
    }

    /// Moves on to a processing time, and gives the entries that are over then.
    pub fn over(&mut self, now_ms: i64) -> Vec<u32> {
        self.now_ms = now_ms;
        let mut over = vec![];
        while let Some((at_ms, entry)) = self.queue.front().copied().filter(|(at, _)| at.saturating_add(self.ttl_ms) <= now_ms) {
            self.queue.pop_front();
            match self.written[entry as usize] {
                written if written != at_ms => {}
                UNKNOWN => self.set(entry, now_ms),
                _ => {
                    self.written[entry as usize] = GONE;
                    over.push(entry);
                }
            }
        }
        over
    }

    /// The column to save for entries.
    pub fn save(&self, entries: impl Iterator<Item = u32>) -> (Field, ArrayRef) {
        let times = entries.map(|e| self.written.get(e as usize).copied().filter(|at| *at != GONE && *at != UNKNOWN));
        (Field::new(COLUMN, DataType::Int64, true), Arc::new(times.collect::<Int64Array>()))
    }

    /// Takes the times of saved entries, in the order of rows.
    pub fn restore(&mut self, rows: &RecordBatch, entries: impl Iterator<Item = u32>) {
        let times = rows.column_by_name(COLUMN).and_then(|c| c.as_primitive_opt::<Int64Type>().cloned());
        for (row, entry) in entries.enumerate() {
            let at = times.as_ref().filter(|times| times.is_valid(row)).map_or(UNKNOWN, |times| times.value(row));
            self.set(entry, at);
        }
        self.queue.make_contiguous().sort_unstable();
    }

    /// Rough memory use in bytes.
    pub fn memory_bytes(&self) -> usize {
        self.written.capacity() * 8 + self.queue.capacity() * 16
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use arrow::datatypes::Schema;

    #[test]
    fn writing_renews_and_time_ends() {
        let mut expiry = Expiry::new(10);
        assert!(expiry.over(100).is_empty());
        expiry.touch(0);
        expiry.touch(1);
        assert!(expiry.over(105).is_empty());
        expiry.touch(1);
        assert!(expiry.over(109).is_empty());
        assert_eq!(expiry.over(110), [0]);
        expiry.touch(0);
        expiry.forget(1);
        assert!(expiry.over(119).is_empty());
        assert_eq!(expiry.over(120), [0]);
    }

    #[test]
    fn times_are_saved_and_entries_without_one_begin_anew() {
        let mut expiry = Expiry::new(10);
        expiry.over(100);
        expiry.touch(3);
        let (field, column) = expiry.save([3, 7].into_iter());
        let saved = RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![column]).unwrap();
        let mut restored = Expiry::new(10);
        restored.restore(&saved, [0, 1].into_iter());
        assert!(restored.over(109).is_empty());
        assert_eq!(restored.over(110), [0]);
        assert_eq!(restored.over(119), [1]);
    }
}
