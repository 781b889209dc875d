//! Rows that wait for event time to pass them, as a few runs of columns in the order of time: a row is never encoded, and those that
//! are due come out as slices.

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, RecordBatchOptions, UInt8Array, UInt32Array};
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use std::ops::Range;
use std::sync::Arc;

use super::StateTable;
use super::changes::Changes;
use super::keyed::key_group_field;
use crate::hash::{hash_columns, key_group};
use crate::{Error, Result};

/// Runs that are left alone. With more of them, small ones are merged, so that their number grows like the logarithm of the rows'.
const RUNS_MIN: usize = 8;

/// Rows in the order of time.
struct Run {
    rows: RecordBatch,
    /// The time of each row in milliseconds.
    times: Vec<i64>,
    /// So many rows have gone already.
    gone: usize,
    /// So many, counted from the first, were given as changes or have gone.
    given: usize,
    /// The entry of the first row; those of the others follow.
    first: u64,
}

impl Run {
    fn len(&self) -> usize {
        self.times.len() - self.gone
    }

    /// The entries that [`Run::drain`] takes out for this time and that somebody knows of.
    fn known(&self, up_to: i64) -> Range<u64> {
        let due = self.times[self.gone..].partition_point(|time| *time <= up_to) + self.gone;
        self.first + self.gone as u64..self.first + due.min(self.given) as u64
    }

    /// Takes out the rows up to a time.
    fn drain(&mut self, up_to: i64) -> (RecordBatch, Vec<i64>) {
        let due = self.times[self.gone..].partition_point(|time| *time <= up_to);
        let drained = (self.rows.slice(self.gone, due), self.times[self.gone..self.gone + due].to_vec());
        self.gone += due;
        self.given = self.given.max(self.gone);
        drained
    }
}

/// Rows of one schema by time. Their keys say only which worker they belong to.
pub struct WaitingTable {
    schema: SchemaRef,
    key_columns: Vec<usize>,
    runs: Vec<Run>,
    tracked: bool,
    /// The next entry.
    next: u64,
    /// Entries that were given as changes and are gone.
    removed: Vec<Range<u64>>,
}

impl WaitingTable {
    /// An empty table for rows of this schema, dealt to workers by the key in these columns.
    pub fn new(schema: SchemaRef, key_columns: &[usize]) -> Self {
        Self { schema, key_columns: key_columns.to_vec(), runs: vec![], tracked: false, next: 0, removed: vec![] }
    }

    /// Adds rows with their times in milliseconds.
    pub fn add(&mut self, columns: &[ArrayRef], times: &[i64]) -> Result<()> {
        if times.is_empty() {
            return Ok(());
        }
        let options = RecordBatchOptions::new().with_row_count(Some(times.len()));
        let rows = RecordBatch::try_new_with_options(self.schema.clone(), columns.to_vec(), &options)?;
        self.push(rows, times.to_vec())?;
        while let [.., before, last] = &self.runs[..]
            && self.runs.len() > RUNS_MIN
            && last.len() * 2 >= before.len()
        {
            let pair: Vec<Run> = self.runs.drain(self.runs.len() - 2..).collect();
            self.forget(pair.iter().map(|run| run.known(i64::MAX)).collect());
            let (rows, times) = self.joined(pair.into_iter().map(|mut run| run.drain(i64::MAX)))?;
            self.push(rows, times)?;
        }
        Ok(())
    }

    fn push(&mut self, rows: RecordBatch, times: Vec<i64>) -> Result<()> {
        let first = self.next;
        self.next += times.len() as u64;
        self.runs.push(in_order(rows, times, first)?);
        Ok(())
    }

    fn forget(&mut self, entries: Vec<Range<u64>>) {
        self.removed.extend(entries.into_iter().filter(|known| !known.is_empty()));
    }

    fn joined(&self, parts: impl Iterator<Item = (RecordBatch, Vec<i64>)>) -> Result<(RecordBatch, Vec<i64>)> {
        let (rows, times): (Vec<RecordBatch>, Vec<Vec<i64>>) = parts.filter(|(_, times)| !times.is_empty()).unzip();
        match &rows[..] {
            [one] => Ok((one.clone(), times.concat())),
            _ => Ok((concat_batches(&self.schema, &rows)?, times.concat())),
        }
    }

    /// Takes out all rows up to a time, with their times. They are in the order of time in pieces only.
    pub fn drain(&mut self, up_to: i64) -> Result<(RecordBatch, Vec<i64>)> {
        self.forget(self.runs.iter().map(|run| run.known(up_to)).collect());
        let due: Vec<(RecordBatch, Vec<i64>)> = self.runs.iter_mut().map(|run| run.drain(up_to)).collect();
        self.runs.retain(|run| run.len() > 0);
        self.joined(due.into_iter())
    }
}

/// A run of these rows; rows of equal times stay as they came.
fn in_order(rows: RecordBatch, times: Vec<i64>, first: u64) -> Result<Run> {
    if times.is_sorted() {
        return Ok(Run { rows, times, gone: 0, given: 0, first });
    }
    let mut order: Vec<u32> = (0..times.len() as u32).collect();
    order.sort_by_key(|row| times[*row as usize]);
    let sorted = order.iter().map(|row| times[*row as usize]).collect();
    Ok(Run { rows: take_record_batch(&rows, &UInt32Array::from(order))?, times: sorted, gone: 0, given: 0, first })
}

impl StateTable for WaitingTable {
    fn track(&mut self) {
        self.tracked = true;
    }

    fn changed(&self) -> usize {
        let waiting = self.runs.iter().map(|run| run.times.len() - run.given).sum::<usize>();
        if self.tracked { waiting + self.removed.len() } else { 0 }
    }

    fn changes(&mut self, most: usize) -> Result<Changes> {
        let (mut parts, mut entries) = (vec![], vec![]);
        for run in &mut self.runs {
            let n = (run.times.len() - run.given).min(most - entries.len());
            parts.push((run.rows.slice(run.given, n), run.times[run.given..run.given + n].to_vec()));
            entries.extend(run.first + run.given as u64..run.first + (run.given + n) as u64);
            run.given += n;
        }
        let (rows, times) = self.joined(parts.into_iter())?;
        let keys: Vec<ArrayRef> = self.key_columns.iter().map(|c| rows.column(*c).clone()).collect();
        let mut hashes = vec![];
        hash_columns(&keys, rows.num_rows(), &mut hashes)?;
        let mut fields = vec![key_group_field(), Field::new("time", DataType::Int64, false)];
        fields.extend(self.schema.fields().iter().enumerate().map(|(i, f)| Field::new(format!("row{i}"), f.data_type().clone(), true)));
        let mut columns: Vec<ArrayRef> =
            vec![Arc::new(UInt8Array::from_iter_values(hashes.iter().map(|hash| key_group(*hash)))), Arc::new(Int64Array::from(times))];
        columns.extend(rows.columns().iter().cloned());
        let rows = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?;
        Ok(Changes { rows, entries, removed: std::mem::take(&mut self.removed) })
    }

    fn restore(&mut self, saved: &RecordBatch) -> Result<()> {
        let times = saved.column(1).as_primitive_opt::<Int64Type>().ok_or_else(|| Error::state("saved rows have an unknown form"))?;
        self.add(&saved.columns()[2..], times.values())
    }

    fn len(&self) -> usize {
        self.runs.iter().map(Run::len).sum()
    }

    fn memory_bytes(&self) -> usize {
        self.runs.iter().map(|run| run.rows.get_array_memory_size() + run.times.capacity() * 8).sum()
    }
}
