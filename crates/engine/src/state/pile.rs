//! Rows as they came, in batches: what is kept until all input is there. A row is never encoded.

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, UInt8Array};
use arrow::compute::concat_batches;
use arrow::datatypes::{Field, Schema, SchemaRef};
use std::ops::Range;
use std::sync::Arc;

use super::StateTable;
use super::changes::Changes;
use super::keyed::key_group_field;
use crate::Result;
use crate::hash::{hash_columns, key_group};

/// Batches of so many rows are not put together any more.
const BATCH_ROWS: usize = 8 << 10;

/// Rows of one schema in the order in which they came. Their keys say only which worker they belong to.
pub struct PileTable {
    schema: SchemaRef,
    key_columns: Vec<usize>,
    batches: Vec<RecordBatch>,
    rows: usize,
    tracked: bool,
    /// Rows that were taken out: the number of the first one that is there.
    taken: u64,
    /// Rows that are there and were given as changes already: the first ones.
    given: usize,
    /// Rows that were given and are gone.
    removed: Option<Range<u64>>,
}

impl PileTable {
    /// An empty table for rows of this schema, dealt to workers by the key in these columns.
    pub fn new(schema: SchemaRef, key_columns: &[usize]) -> Self {
        let key_columns = key_columns.to_vec();
        Self { schema, key_columns, batches: vec![], rows: 0, tracked: false, taken: 0, given: 0, removed: None }
    }

    /// Adds rows. Small batches are put together, so that a row is moved a few times only.
    pub fn add(&mut self, columns: &[ArrayRef], rows: usize) -> Result<()> {
        if rows == 0 {
            return Ok(());
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        self.batches.push(RecordBatch::try_new_with_options(self.schema.clone(), columns.to_vec(), &options)?);
        self.rows += rows;
        while let [.., before, last] = &self.batches[..]
            && before.num_rows() + last.num_rows() <= BATCH_ROWS
            && last.num_rows() * 2 >= before.num_rows()
        {
            let joined = concat_batches(&self.schema, [before, last])?;
            self.batches.truncate(self.batches.len() - 2);
            self.batches.push(joined);
        }
        Ok(())
    }

    /// Rows from the first on that was not given as a change yet.
    fn not_given(&self, most: usize) -> Result<RecordBatch> {
        let (mut skip, mut left, mut parts) = (self.given, most, vec![]);
        for batch in &self.batches {
            let from = skip.min(batch.num_rows());
            let length = left.min(batch.num_rows() - from);
            parts.push(batch.slice(from, length));
            (skip, left) = (skip - from, left - length);
        }
        Ok(concat_batches(&self.schema, &parts)?)
    }

    /// Takes all rows out.
    pub fn take(&mut self) -> Vec<RecordBatch> {
        if self.given > 0 {
            self.removed = Some(0..self.taken + self.given as u64);
        }
        self.taken += self.rows as u64;
        (self.rows, self.given) = (0, 0);
        std::mem::take(&mut self.batches)
    }
}

impl StateTable for PileTable {
    fn track(&mut self) {
        self.tracked = true;
    }

    fn changed(&self) -> usize {
        if self.tracked { self.rows - self.given + usize::from(self.removed.is_some()) } else { 0 }
    }

    fn changes(&mut self, most: usize) -> Result<Changes> {
        let rows = self.not_given(most)?;
        let first = self.taken + self.given as u64;
        self.given += rows.num_rows();
        let keys: Vec<ArrayRef> = self.key_columns.iter().map(|c| rows.column(*c).clone()).collect();
        let mut hashes = vec![];
        hash_columns(&keys, rows.num_rows(), &mut hashes)?;
        let mut fields = vec![key_group_field()];
        fields.extend(self.schema.fields().iter().enumerate().map(|(i, f)| Field::new(format!("row{i}"), f.data_type().clone(), true)));
        let mut columns: Vec<ArrayRef> = vec![Arc::new(UInt8Array::from_iter_values(hashes.iter().map(|hash| key_group(*hash))))];
        columns.extend(rows.columns().iter().cloned());
        let entries = (first..first + rows.num_rows() as u64).collect();
        let rows = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?;
        Ok(Changes { rows, entries, removed: self.removed.take().into_iter().collect() })
    }

    fn restore(&mut self, saved: &RecordBatch) -> Result<()> {
        self.add(&saved.columns()[1..], saved.num_rows())
    }

    fn len(&self) -> usize {
        self.rows
    }

    fn memory_bytes(&self) -> usize {
        self.batches.iter().map(RecordBatch::get_array_memory_size).sum()
    }
}
