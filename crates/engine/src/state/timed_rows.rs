//! Whole rows by key and time: what an operator must give back when a window closes.

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, UInt8Array};
use arrow::compute::interleave_record_batch;
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use std::collections::BTreeMap;
use std::sync::Arc;

use super::StateTable;
use super::key::KeyIndex;
use super::keyed::key_group_field;
use crate::Result;
use crate::hash::key_group;

/// Rows stored for nothing before the rest is copied together.
const WASTE_ROWS_MIN: usize = 4_096;

/// Where a row lies.
#[derive(Debug, Clone, Copy)]
struct Place {
    part: u32,
    row: u32,
}

/// Rows by key and time in milliseconds. Rows of one key and time keep the order in which they came.
pub struct TimedRows {
    schema: SchemaRef,
    /// Positions of the key columns.
    keys: Vec<usize>,
    index: KeyIndex,
    /// By key slot.
    rows: Vec<BTreeMap<i64, Vec<Place>>>,
    /// Batches as they came; rows in them that were taken are waste.
    parts: Vec<RecordBatch>,
    held: usize,
    stored: usize,
}

impl TimedRows {
    /// An empty table of rows of that schema.
    pub fn new(schema: SchemaRef, keys: &[usize]) -> Self {
        let types: Vec<DataType> = keys.iter().map(|k| schema.field(*k).data_type().clone()).collect();
        let index = KeyIndex::new(&types);
        Self { schema, keys: keys.to_vec(), index, rows: vec![], parts: vec![], held: 0, stored: 0 }
    }

    /// Keeps rows, each at its time.
    pub fn add(&mut self, batch: &RecordBatch, times: &Int64Array) -> Result<()> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let keys: Vec<ArrayRef> = self.keys.iter().map(|k| batch.column(*k).clone()).collect();
        let mut slots = vec![];
        self.index.upsert(&keys, batch.num_rows(), &mut slots)?;
        self.rows.resize_with(self.index.slots(), BTreeMap::new);
        let part = self.parts.len() as u32;
        for (row, (slot, time)) in slots.iter().zip(times.values()).enumerate() {
            self.rows[*slot as usize].entry(*time).or_default().push(Place { part, row: row as u32 });
        }
        self.parts.push(batch.clone());
        self.held += batch.num_rows();
        self.stored += batch.num_rows();
        Ok(())
    }

    /// Takes out the rows of keys at times in `[start, end)`: one range for each row of `keys`. Gives the rows in order of the
    /// ranges, and how many there are of each.
    pub fn take(&mut self, keys: &[ArrayRef], ranges: &[(i64, i64)]) -> Result<(RecordBatch, Vec<usize>)> {
        let mut slots = vec![];
        self.index.upsert(keys, ranges.len(), &mut slots)?;
        self.rows.resize_with(self.index.slots(), BTreeMap::new);
        let (mut places, mut counts) = (vec![], vec![]);
        for (slot, (start, end)) in slots.into_iter().zip(ranges) {
            let before = places.len();
            let of_key = &mut self.rows[slot as usize];
            let times: Vec<i64> = of_key.range(start..end).map(|(time, _)| *time).collect();
            for time in times {
                places.extend(of_key.remove(&time).into_iter().flatten());
            }
            if of_key.is_empty() {
                self.index.remove(slot);
            }
            counts.push(places.len() - before);
        }
        self.held -= places.len();
        let taken = self.gather(&places)?;
        self.drop_waste()?;
        Ok((taken, counts))
    }

    fn gather(&self, places: &[Place]) -> Result<RecordBatch> {
        if places.is_empty() {
            return Ok(RecordBatch::new_empty(self.schema.clone()));
        }
        let parts: Vec<&RecordBatch> = self.parts.iter().collect();
        let indices: Vec<(usize, usize)> = places.iter().map(|p| (p.part as usize, p.row as usize)).collect();
        Ok(interleave_record_batch(&parts, &indices)?)
    }

    /// All places with their key slot and time, key by key.
    fn all(&self) -> impl Iterator<Item = (u32, i64, Place)> + '_ {
        let of_key = |(slot, rows): (usize, &'_ BTreeMap<i64, Vec<Place>>)| {
            rows.iter().flat_map(move |(time, places)| places.iter().map(move |p| (slot as u32, *time, *p))).collect::<Vec<_>>()
        };
        self.rows.iter().enumerate().flat_map(of_key)
    }

    /// Copies what is left together when most of what is stored has been taken.
    fn drop_waste(&mut self) -> Result<()> {
        if self.held == 0 {
            self.parts.clear();
            self.stored = 0;
        } else if self.stored - self.held > self.held.max(WASTE_ROWS_MIN) {
            let places: Vec<Place> = self.all().map(|(_, _, place)| place).collect();
            let together = self.gather(&places)?;
            let all_rows = self.rows.iter_mut().flat_map(|rows| rows.values_mut()).flatten();
            for (row, place) in all_rows.enumerate() {
                *place = Place { part: 0, row: row as u32 };
            }
            self.parts = vec![together];
            self.stored = self.held;
        }
        Ok(())
    }
}

impl StateTable for TimedRows {
    fn snapshot(&self) -> Result<RecordBatch> {
        let all: Vec<(u32, i64, Place)> = self.all().collect();
        let places: Vec<Place> = all.iter().map(|(_, _, place)| *place).collect();
        let rows = self.gather(&places)?;
        let groups: UInt8Array = all.iter().map(|(slot, ..)| Some(key_group(self.index.hash_of(*slot)))).collect();
        let times = Int64Array::from_iter_values(all.iter().map(|(_, time, _)| *time));
        let mut fields = vec![key_group_field(), Field::new("time", DataType::Int64, false)];
        fields.extend(self.schema.fields().iter().enumerate().map(|(i, f)| f.as_ref().clone().with_name(format!("row{i}"))));
        let mut columns: Vec<ArrayRef> = vec![Arc::new(groups), Arc::new(times)];
        columns.extend(rows.columns().iter().cloned());
        Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?)
    }

    fn restore(&mut self, rows: &RecordBatch) -> Result<()> {
        let times = rows.column(1).as_primitive::<Int64Type>().clone();
        let batch = RecordBatch::try_new(self.schema.clone(), rows.columns()[2..].to_vec())?;
        self.add(&batch, &times)
    }

    fn len(&self) -> usize {
        self.held
    }

    fn memory_bytes(&self) -> usize {
        let parts: usize = self.parts.iter().map(RecordBatch::get_array_memory_size).sum();
        self.index.memory_bytes() + self.held * 48 + parts
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use arrow::array::Int32Array;

    fn batch(keys: &[i32]) -> RecordBatch {
        let numbers = Int32Array::from_iter_values(0..keys.len() as i32);
        RecordBatch::try_from_iter([("key", Arc::new(Int32Array::from(keys.to_vec())) as ArrayRef), ("n", Arc::new(numbers) as ArrayRef)])
            .unwrap()
    }

    fn numbers(rows: &RecordBatch) -> Vec<i32> {
        rows.column(1).as_primitive::<arrow::datatypes::Int32Type>().values().to_vec()
    }

    #[test]
    fn rows_come_back_by_key_and_time() {
        let rows = batch(&[1, 2, 1, 1]);
        let mut table = TimedRows::new(rows.schema(), &[0]);
        table.add(&rows, &Int64Array::from(vec![5, 5, 3, 9])).unwrap();
        let keys: Vec<ArrayRef> = vec![Arc::new(Int32Array::from(vec![2, 1, 3]))];
        let (taken, counts) = table.take(&keys, &[(0, 9), (0, 9), (0, 9)]).unwrap();
        assert_eq!((numbers(&taken), counts, table.len()), (vec![1, 2, 0], vec![1, 2, 0], 1));
    }

    #[test]
    fn what_was_taken_takes_no_room() {
        let many: Vec<i32> = (0..WASTE_ROWS_MIN as i32 * 3).collect();
        let rows = batch(&many);
        let mut table = TimedRows::new(rows.schema(), &[0]);
        let times = Int64Array::from_iter_values(many.iter().map(|n| i64::from(*n)));
        table.add(&rows, &times).unwrap();
        let first = many.len() - 10;
        let keys: Vec<ArrayRef> = vec![Arc::new(Int32Array::from(many[..first].to_vec()))];
        let (taken, _) = table.take(&keys, &vec![(0, i64::MAX); first]).unwrap();
        assert_eq!((taken.num_rows(), table.len(), table.stored), (first, 10, 10));
        let keys: Vec<ArrayRef> = vec![Arc::new(Int32Array::from(many[first..].to_vec()))];
        let (taken, _) = table.take(&keys, &[(0, i64::MAX); 10]).unwrap();
        assert_eq!(numbers(&taken), many[first..]);
        assert!(table.is_empty() && table.parts.is_empty());
    }
}
