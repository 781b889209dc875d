//! Windows cut in slices: one small keyed table per slice, drained when no window needs it any more.

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch};
use arrow::compute::concat;
use arrow::datatypes::{DataType, Field, Int64Type, Schema};
use std::collections::BTreeMap;
use std::sync::Arc;

use super::StateTable;
use super::column::ColumnKind;
use super::keyed::{KeyedTable, key_group_field};
use crate::Result;

/// Keyed tables by the end of their slice in milliseconds.
pub struct SliceTable {
    key_types: Vec<DataType>,
    kinds: Vec<ColumnKind>,
    slices: BTreeMap<i64, KeyedTable>,
}

impl SliceTable {
    /// An empty table.
    pub fn new(key_types: &[DataType], kinds: &[ColumnKind]) -> Self {
        Self { key_types: key_types.to_vec(), kinds: kinds.to_vec(), slices: BTreeMap::new() }
    }

    /// The table of a slice, made if it is not there.
    pub fn slice(&mut self, end: i64) -> &mut KeyedTable {
        self.slices.entry(end).or_insert_with(|| KeyedTable::new(&self.key_types, &self.kinds))
    }

    /// Slices with an end in `(after, up_to]`, ascending.
    pub fn range(&self, after: i64, up_to: i64) -> impl Iterator<Item = (i64, &KeyedTable)> {
        let from = (std::ops::Bound::Excluded(after), std::ops::Bound::Included(up_to));
        (after < up_to).then(|| self.slices.range(from)).into_iter().flatten().map(|(end, t)| (*end, t))
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
        while let Some(first) = self.slices.first_entry().filter(|e| *e.key() <= end) {
            first.remove();
        }
    }

    /// Takes slices out from the first on, as long as `done` says so of their end.
    pub fn drain_while(&mut self, done: impl Fn(i64) -> bool) {
        while let Some(first) = self.slices.first_entry().filter(|e| done(*e.key())) {
            first.remove();
        }
    }

    /// Replaces the slices in `(after, end]` by one that ends at `end`.
    pub fn collapse(&mut self, after: i64, end: i64, merged: KeyedTable) {
        let inside: Vec<i64> = self.range(after, end).map(|(e, _)| e).collect();
        for e in inside {
            self.slices.remove(&e);
        }
        self.slices.insert(end, merged);
    }

    /// An empty keyed table of the same form, to merge slices in.
    pub fn scratch(&self) -> KeyedTable {
        KeyedTable::new(&self.key_types, &self.kinds)
    }
}

impl StateTable for SliceTable {
    fn snapshot(&self) -> Result<RecordBatch> {
        let mut fields = vec![key_group_field(), Field::new("slice_end", DataType::Int64, false)];
        fields.extend(KeyedTable::fields(&self.key_types, &self.kinds));
        let schema = Arc::new(Schema::new(fields));
        let mut parts: Vec<Vec<ArrayRef>> = vec![];
        for (end, table) in &self.slices {
            let mut columns = table.save_all()?;
            columns.insert(1, Arc::new(Int64Array::from(vec![*end; table.len()])));
            parts.push(columns);
        }
        if parts.is_empty() {
            return Ok(RecordBatch::new_empty(schema));
        }
        let columns = (0..schema.fields().len())
            .map(|c| Ok(concat(&parts.iter().map(|p| p[c].as_ref()).collect::<Vec<_>>())?))
            .collect::<Result<_>>()?;
        Ok(RecordBatch::try_new(schema, columns)?)
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
        self.slices.values().map(|t| t.len()).sum()
    }

    fn memory_bytes(&self) -> usize {
        self.slices.values().map(|t| t.memory_bytes()).sum()
    }
}
