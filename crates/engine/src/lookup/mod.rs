//! Looking rows up by key in a table outside: [`full`] serves tables that are small enough to be read whole, [`by_key`] those whose
//! connector finds rows by key, with a [`cache`] of what it found.
//!
//! Operators do no I/O, so rows are looked up between two stages: they cross [`crate::graph::Exchange::Lookup`], the loop asks for
//! their keys, and the next stage gets the rows with their answers beside them.

pub mod by_key;
pub mod cache;
pub mod full;

use arrow::array::{Array, ArrayRef, RecordBatch, UInt32Array};
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::{DataType, Field, Schema};
use std::sync::Arc;

use crate::{Batch, Result};

/// Lets so many milliseconds pass.
pub type Wait<'a> = &'a mut dyn FnMut(u64);

/// A table whose rows can be found by some of its columns.
pub trait Lookup: Send {
    /// Gets ready; called once, when the job is made.
    fn open(&mut self, wait: Wait<'_>) -> Result<()> {
        let _ = wait;
        Ok(())
    }

    /// The rows of each key. All keys that a stage of one worker has in a batch come at once, so that they can be asked for at the
    /// same time; the answer waits for the last of them. Rows of keys with NULL in them are not found.
    fn lookup(&mut self, keys: &[ArrayRef], rows: usize, ask: Ask, wait: Wait<'_>) -> Result<Found>;
}

/// How to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask {
    /// Processing time of the tick, in milliseconds.
    pub now_ms: i64,
    /// The keys were asked for just now, in vain: the answer shall come from outside, not from what was remembered.
    pub again: bool,
}

/// What was found.
#[derive(Debug, Clone)]
pub struct Found {
    /// Rows of the table.
    pub rows: RecordBatch,
    /// The key that each of them belongs to, by its place among those asked for; ascending.
    pub probe: Vec<u32>,
}

impl Found {
    /// As a batch: the columns of the rows, then the probe.
    pub fn into_batch(self) -> Result<Batch> {
        let mut fields: Vec<Arc<Field>> = self.rows.schema().fields().iter().cloned().collect();
        fields.push(Arc::new(Field::new("$probe", DataType::UInt32, false)));
        let mut columns = self.rows.columns().to_vec();
        columns.push(Arc::new(UInt32Array::from(self.probe)));
        Ok(Batch::inserts(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?))
    }
}

/// Asks again for keys without rows, for a row may come a little later than what asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// How often at most.
    pub attempts: u32,
    /// Milliseconds before each time.
    pub delay_ms: u64,
}

/// How the rows that go to a node are looked up.
pub struct LookupNode {
    /// Where.
    pub lookup: Box<dyn Lookup>,
    /// By which of their columns.
    pub keys: Vec<usize>,
    /// What to do when nothing is found.
    pub retry: Option<Retry>,
}

impl LookupNode {
    /// What is found for the rows of a batch.
    pub fn answer(&mut self, batch: &Batch, now_ms: i64, wait: Wait<'_>) -> Result<Batch> {
        let keys: Vec<ArrayRef> = self.keys.iter().map(|c| batch.column(*c).clone()).collect();
        let mut found = self.lookup.lookup(&keys, batch.len(), Ask { now_ms, again: false }, wait)?;
        for _ in 0..self.retry.map_or(0, |retry| retry.attempts) {
            let missed = missed(&keys, batch.len(), &found.probe);
            if missed.is_empty() {
                break;
            }
            wait(self.retry.map_or(0, |retry| retry.delay_ms));
            let rows = UInt32Array::from(missed.clone());
            let again = keys.iter().map(|k| Ok(arrow::compute::take(k, &rows, None)?)).collect::<Result<Vec<_>>>()?;
            let mut more = self.lookup.lookup(&again, missed.len(), Ask { now_ms, again: true }, wait)?;
            more.probe.iter_mut().for_each(|probe| *probe = missed[*probe as usize]);
            found = merged(found, more)?;
        }
        found.into_batch()
    }
}

/// Keys without NULL of which nothing was found.
fn missed(keys: &[ArrayRef], rows: usize, probe: &[u32]) -> Vec<u32> {
    let mut missed = vec![true; rows];
    probe.iter().for_each(|row| missed[*row as usize] = false);
    (0..rows as u32).filter(|row| missed[*row as usize] && keys.iter().all(|k| k.is_valid(*row as usize))).collect()
}

/// Two answers to different keys as one.
fn merged(a: Found, b: Found) -> Result<Found> {
    if b.probe.is_empty() {
        return Ok(a);
    }
    let rows = concat_batches(&a.rows.schema(), [&a.rows, &b.rows])?;
    let probe: Vec<u32> = a.probe.into_iter().chain(b.probe).collect();
    let mut order: Vec<u32> = (0..probe.len() as u32).collect();
    order.sort_by_key(|row| probe[*row as usize]);
    let sorted = order.iter().map(|row| probe[*row as usize]).collect();
    Ok(Found { rows: take_record_batch(&rows, &UInt32Array::from(order))?, probe: sorted })
}
