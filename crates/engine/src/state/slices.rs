//! Windows cut in slices: one small keyed table per slice, drained when no window needs it any more.

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch};
use arrow::compute::concat;
use arrow::datatypes::{DataType, Field, Int64Type, Schema};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::StateTable;
use super::changes::Changes;
use super::column::ColumnKind;
use super::keyed::{KeyedTable, key_group_field};
use crate::Result;

/// A slice. Its entries are numbered from its own number times 2^32 on.
struct Slice {
    number: u64,
    table: KeyedTable,
}

/// Keyed tables by the end of their slice in milliseconds.
pub struct SliceTable {
    key_types: Vec<DataType>,
    kinds: Vec<ColumnKind>,
    slices: BTreeMap<i64, Slice>,
    /// Slices that there ever were.
    numbered: u64,
    tracked: bool,
    /// Entries of slices that are gone.
    removed: Vec<Range<u64>>,
}

impl SliceTable {
    /// An empty table.
    pub fn new(key_types: &[DataType], kinds: &[ColumnKind]) -> Self {
        let (key_types, kinds) = (key_types.to_vec(), kinds.to_vec());
        Self { key_types, kinds, slices: BTreeMap::new(), numbered: 0, tracked: false, removed: vec![] }
    }

    /// The table of a slice, made if it is not there.
    pub fn slice(&mut self, end: i64) -> &mut KeyedTable {
        if !self.slices.contains_key(&end) {
            let table = self.scratch();
            self.put(end, table);
        }
        match self.slices.get_mut(&end) {
            Some(slice) => &mut slice.table,
            None => unreachable!("it was put there"),
        }
    }

    fn put(&mut self, end: i64, table: KeyedTable) {
        self.numbered += 1;
        self.slices.insert(end, Slice { number: self.numbered, table });
    }

    fn drop_slice(&mut self, end: i64) {
        if let Some(slice) = self.slices.remove(&end).filter(|_| self.tracked) {
            self.removed.push(slice.number << 32..(slice.number + 1) << 32);
        }
    }

    /// Slices with an end in `(after, up_to]`, ascending.
    pub fn range(&self, after: i64, up_to: i64) -> impl Iterator<Item = (i64, &KeyedTable)> {
        let from = (std::ops::Bound::Excluded(after), std::ops::Bound::Included(up_to));
        (after < up_to).then(|| self.slices.range(from)).into_iter().flatten().map(|(end, slice)| (*end, &slice.table))
    }

    /// The first slice.
    pub fn first_end(&self) -> Option<i64> {
        self.slices.keys().next().copied()
    }

    /// The first slice that ends after `end`.
    pub fn first_end_after(&self, end: i64) -> Option<i64> {
        self.slices.range((std::ops::Bound::Excluded(end), std::ops::Bound::Unbounded)).next().map(|(e, _)| *e)
    }

    /// Takes slices out that end at or before `end`.
    pub fn drain_up_to(&mut self, end: i64) {
        self.drain_while(|e| e <= end);
    }

    /// Takes slices out from the first on, as long as `done` says so of their end.
    pub fn drain_while(&mut self, done: impl Fn(i64) -> bool) {
        while let Some(first) = self.first_end().filter(|end| done(*end)) {
            self.drop_slice(first);
        }
    }

    /// Replaces the slices in `(after, end]` by one that ends at `end`.
    pub fn collapse(&mut self, after: i64, end: i64, merged: KeyedTable) {
        let inside: Vec<i64> = self.range(after, end).map(|(e, _)| e).collect();
        for e in inside {
            self.drop_slice(e);
        }
        self.put(end, merged);
    }

    /// An empty keyed table of the same form, to merge slices in.
    pub fn scratch(&self) -> KeyedTable {
        let mut table = KeyedTable::new(&self.key_types, &self.kinds);
        if self.tracked {
            table.track();
        }
        table
    }
}

impl StateTable for SliceTable {
    fn track(&mut self) {
        self.tracked = true;
    }

    fn changed(&self) -> usize {
        self.slices.values().map(|slice| slice.table.changed()).sum::<usize>() + self.removed.len()
    }

    fn changes(&mut self, most: usize) -> Result<Changes> {
        let mut fields = vec![key_group_field(), Field::new("slice_end", DataType::Int64, false)];
        fields.extend(KeyedTable::fields(&self.key_types, &self.kinds));
        let schema = Arc::new(Schema::new(fields));
        let mut parts: Vec<Vec<ArrayRef>> = vec![];
        let (mut entries, mut removed) = (vec![], std::mem::take(&mut self.removed));
        for (end, Slice { number, table }) in self.slices.iter_mut().filter(|(_, slice)| slice.table.changed() > 0) {
            if entries.len() >= most {
                break;
            }
            let (slots, gone) = table.take_touched(most - entries.len());
            let mut columns = table.save_entries(&slots)?;
            columns.insert(1, Arc::new(Int64Array::from(vec![*end; slots.len()])));
            parts.push(columns);
            let first = *number << 32;
            entries.extend(slots.into_iter().map(|slot| first + u64::from(slot)));
            removed.extend(gone.into_iter().map(|gone| first + gone.start..first + gone.end));
        }
        if parts.is_empty() {
            return Ok(Changes { rows: RecordBatch::new_empty(schema), entries, removed });
        }
        let columns = (0..schema.fields().len())
            .map(|c| Ok(concat(&parts.iter().map(|p| p[c].as_ref()).collect::<Vec<_>>())?))
            .collect::<Result<_>>()?;
        Ok(Changes { rows: RecordBatch::try_new(schema, columns)?, entries, removed })
    }

    fn restore(&mut self, rows: &RecordBatch) -> Result<()> {
        let ends = rows.column(1).as_primitive::<Int64Type>().clone();
        let mut start = 0;
        while start < ends.len() {
            let end = ends.value(start);
            let length = ends.values()[start..].iter().take_while(|e| **e == end).count();
            let part = rows.slice(start, length);
            self.slice(end).load(&part.columns()[2..], length)?;
            start += length;
        }
        Ok(())
    }

    fn len(&self) -> usize {
        self.slices.values().map(|slice| slice.table.len()).sum()
    }

    fn memory_bytes(&self) -> usize {
        self.slices.values().map(|slice| slice.table.memory_bytes()).sum()
    }
}
