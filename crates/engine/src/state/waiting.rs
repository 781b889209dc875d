//! Rows that wait for their time, column by column: nothing is looked up by key, so nothing is encoded by row.

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, UInt8Array, UInt32Array};
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use std::sync::Arc;

use super::StateTable;
use super::keyed::key_group_field;
use crate::hash::{hash_columns, key_group};
use crate::{Error, Result};

/// More runs than this are merged, the smallest neighbours first.
const RUNS_MAX: usize = 16;

/// Rows in the order of time, those of the same time as they came.
struct Run {
    rows: RecordBatch,
    times: Vec<i64>,
    /// So many of them are gone.
    gone: usize,
}

impl Run {
    /// Puts rows in order.
    fn new(rows: RecordBatch, times: Vec<i64>) -> Result<Self> {
        if times.is_sorted() {
            return Ok(Self { rows, times, gone: 0 });
        }
        let mut order: Vec<u32> = (0..times.len() as u32).collect();
        order.sort_by_key(|row| times[*row as usize]);
        let times = order.iter().map(|row| times[*row as usize]).collect();
        Ok(Self { rows: take_record_batch(&rows, &UInt32Array::from(order))?, times, gone: 0 })
    }

    fn len(&self) -> usize {
        self.times.len() - self.gone
    }

    fn rest(&self) -> (RecordBatch, &[i64]) {
        (self.rows.slice(self.gone, self.len()), &self.times[self.gone..])
    }
}

/// Rows of one schema that wait until a time has passed.
pub struct WaitingTable {
    schema: SchemaRef,
    key_columns: Vec<usize>,
    /// Rows of an earlier run came before those of a later one.
    runs: Vec<Run>,
}

impl WaitingTable {
    /// An empty table. The key in these columns decides which worker owns a row.
    pub fn new(schema: SchemaRef, key_columns: &[usize]) -> Self {
        Self { schema, key_columns: key_columns.to_vec(), runs: vec![] }
    }

    /// Adds rows, each with its time in milliseconds.
    pub fn add(&mut self, rows: RecordBatch, times: Vec<i64>) -> Result<()> {
        if times.is_empty() {
            return Ok(());
        }
        self.runs.push(Run::new(rows, times)?);
        while self.runs.len() > RUNS_MAX {
            self.merge_two()?;
        }
        Ok(())
    }

    /// Merges the two neighbours that are the smallest together: so a row is copied a logarithmic number of times.
    fn merge_two(&mut self) -> Result<()> {
        let smallest = (1..self.runs.len()).min_by_key(|i| self.runs[i - 1].len() + self.runs[*i].len());
        let Some(at) = smallest else { return Ok(()) };
        let later = self.runs.remove(at);
        let ((a, times_a), (b, times_b)) = (self.runs[at - 1].rest(), later.rest());
        self.runs[at - 1] = Run::new(concat_batches(&self.schema, [&a, &b])?, [times_a, times_b].concat())?;
        Ok(())
    }

    /// Takes out the rows up to a time, in the order of time and arrival.
    pub fn drain(&mut self, up_to: i64) -> Result<Option<(RecordBatch, Vec<i64>)>> {
        let (mut pieces, mut times) = (vec![], vec![]);
        for run in &mut self.runs {
            let end = run.times.partition_point(|time| *time <= up_to);
            if end > run.gone {
                pieces.push(run.rows.slice(run.gone, end - run.gone));
                times.extend_from_slice(&run.times[run.gone..end]);
                run.gone = end;
            }
        }
        self.runs.retain(|run| run.len() > 0);
        let merged = match pieces.as_slice() {
            [] => return Ok(None),
            [one] => one.clone(),
            several => concat_batches(&self.schema, several)?,
        };
        let run = Run::new(merged, times)?;
        Ok(Some((run.rows, run.times)))
    }
}

impl StateTable for WaitingTable {
    fn snapshot(&self) -> Result<RecordBatch> {
        let pieces: Vec<RecordBatch> = self.runs.iter().map(|run| run.rest().0).collect();
        let rows = concat_batches(&self.schema, &pieces)?;
        let keys: Vec<ArrayRef> = self.key_columns.iter().map(|c| rows.column(*c).clone()).collect();
        let mut hashes = vec![];
        hash_columns(&keys, rows.num_rows(), &mut hashes)?;
        let mut fields = vec![key_group_field(), Field::new("time", DataType::Int64, false)];
        fields.extend(self.schema.fields().iter().enumerate().map(|(i, f)| Field::new(format!("row{i}"), f.data_type().clone(), true)));
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(UInt8Array::from_iter_values(hashes.iter().map(|hash| key_group(*hash)))),
            Arc::new(Int64Array::from_iter_values(self.runs.iter().flat_map(|run| run.rest().1.iter().copied()))),
        ];
        columns.extend(rows.columns().iter().cloned());
        Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?)
    }

    fn restore(&mut self, saved: &RecordBatch) -> Result<()> {
        let times = saved.column(1).as_primitive_opt::<Int64Type>().ok_or_else(|| Error::state("saved rows have an unknown form"))?;
        let rows = RecordBatch::try_new(self.schema.clone(), saved.columns()[2..].to_vec())?;
        self.add(rows, times.values().to_vec())
    }

    fn len(&self) -> usize {
        self.runs.iter().map(Run::len).sum()
    }

    fn memory_bytes(&self) -> usize {
        self.runs.iter().map(|run| run.rows.get_array_memory_size() + run.times.capacity() * 8).sum()
    }
}
