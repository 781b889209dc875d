//! How many rows of all that was written still count: what tells when merging is worth while.

use flott_engine::checkpoint::TableChanges;
use std::collections::HashMap;

const PAGE: usize = 1024;

/// Rows by entry, for pages of entries.
type Pages = HashMap<u64, Box<[u32; PAGE]>>;

/// Counts rows by entry, table and worker.
#[derive(Default)]
pub struct Live {
    tables: HashMap<(usize, String, usize), Pages>,
    rows: u64,
}

impl Live {
    /// Rows that count.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Takes changes into account.
    pub fn apply(&mut self, change: &TableChanges) {
        let pages = self.tables.entry((change.node, change.table.clone(), change.part)).or_default();
        let mut gone = 0;
        for removed in &change.changes.removed {
            let (first, last) = (removed.start / PAGE as u64, removed.end.div_ceil(PAGE as u64));
            let mut clear = |number: u64, page: &mut [u32; PAGE]| {
                let from = removed.start.saturating_sub(number * PAGE as u64).min(PAGE as u64) as usize;
                let to = removed.end.saturating_sub(number * PAGE as u64).min(PAGE as u64) as usize;
                gone += page[from..to.max(from)].iter_mut().map(|rows| u64::from(std::mem::take(rows))).sum::<u64>();
            };
            if last - first > pages.len() as u64 {
                pages.iter_mut().for_each(|(number, page)| clear(*number, page));
            } else {
                for number in first..last {
                    if let Some(page) = pages.get_mut(&number) {
                        clear(number, page);
                    }
                }
            }
        }
        let entries = &change.changes.entries;
        each(pages, entries, |rows| gone += u64::from(std::mem::take(rows)));
        each(pages, entries, |rows| *rows += 1);
        self.rows = self.rows + entries.len() as u64 - gone;
    }
}

/// Entries that follow each other mostly lie on one page, which is looked up once.
fn each(pages: &mut Pages, entries: &[u64], mut f: impl FnMut(&mut u32)) {
    let page_of = |entry: u64| entry / PAGE as u64;
    for run in entries.chunk_by(|a, b| page_of(*a) == page_of(*b)) {
        let page = pages.entry(page_of(run[0])).or_insert_with(|| Box::new([0; PAGE]));
        run.iter().for_each(|entry| f(&mut page[(entry % PAGE as u64) as usize]));
    }
}

#[cfg(test)]
#[allow(clippy::single_range_in_vec_init)] // lists of ranges are what is meant
mod tests {
    use super::*;
    use arrow::array::RecordBatch;
    use arrow::datatypes::Schema;
    use flott_engine::state::changes::Changes;
    use std::ops::Range;
    use std::sync::Arc;

    #[test]
    fn rows_that_were_written_again_or_removed_do_not_count() {
        let mut live = Live::default();
        let mut apply = |part, entries: &[u64], removed: &[Range<u64>]| {
            let rows = RecordBatch::new_empty(Arc::new(Schema::empty()));
            let changes = Changes { rows, entries: entries.to_vec(), removed: removed.to_vec() };
            live.apply(&TableChanges { node: 0, table: "t".into(), part, changes });
            live.rows()
        };
        assert_eq!(apply(0, &[1, 1, 1, 5000, 7 << 40], &[]), 5);
        assert_eq!(apply(1, &[1], &[]), 6, "another worker's entry");
        assert_eq!(apply(0, &[1, 2], &[]), 5, "entry 1 has one row now");
        assert_eq!(apply(0, &[1], &[0..3]), 4);
        assert_eq!(apply(0, &[], &[4000..5000, 4000..6000]), 3);
        assert_eq!(apply(0, &[], &[0..1 << 50]), 1);
    }
}
