//! Looking rows up by key in a table outside: what a connector implements for it, and how a table that is small enough to be read
//! whole serves it.
//!
//! Operators do no I/O, so rows are looked up between two stages: they cross [`crate::graph::Exchange::Lookup`], the loop asks for
//! their keys, and the next stage gets the rows with their answers beside them.

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, UInt32Array};
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use std::sync::Arc;

use crate::expr::EvalContext;
use crate::graph::SourceNode;
use crate::operator::{Operator, Output, Tick};
use crate::operators::calc::Calc;
use crate::source::{ChunkBudget, Fetch};
use crate::state::State;
use crate::state::key::{KeyIndex, NO_SLOT};
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

/// Opens a table anew.
pub type OpenTable = Box<dyn Fn() -> Result<SourceNode> + Send>;

/// A table that ends, read whole and kept by key.
pub struct FullTable {
    open: OpenTable,
    /// What is computed of its rows.
    through: Option<Calc>,
    schema: SchemaRef,
    keys: Vec<usize>,
    reload_ms: Option<i64>,
    /// When it was read, by the clock of the ticks; `None`: before the first tick.
    read_ms: Option<i64>,
    rows: RecordBatch,
    index: KeyIndex,
    /// Rows by slot: those of slot `s` are `by_slot[starts[s]..starts[s + 1]]`.
    starts: Vec<u32>,
    by_slot: Vec<u32>,
}

/// Bytes and rows of a chunk while the table is read.
const CHUNK: ChunkBudget = ChunkBudget { rows: 64 << 10, bytes: 4 << 20 };

impl FullTable {
    /// Will read the table that `open` opens, `through` a step if there is one, which gives rows of this schema; they are found by
    /// the columns `keys`. With `reload_ms` it is read again when it is older than so many milliseconds.
    pub fn new(open: OpenTable, through: Option<Calc>, schema: SchemaRef, keys: Vec<usize>, reload_ms: Option<i64>) -> Self {
        let rows = RecordBatch::new_empty(schema.clone());
        let index = KeyIndex::new(&[]);
        Self { open, through, schema, keys, reload_ms, read_ms: None, rows, index, starts: vec![0], by_slot: vec![] }
    }

    fn reload(&mut self, now_ms: i64, wait: Wait<'_>) -> Result<()> {
        let parts = self.read_all(now_ms, wait)?;
        self.rows = concat_batches(&self.schema, &parts)?;
        let keys: Vec<ArrayRef> = self.keys.iter().map(|c| self.rows.column(*c).clone()).collect();
        let types: Vec<DataType> = keys.iter().map(|k| k.data_type().clone()).collect();
        self.index = KeyIndex::new(&types);
        let mut slots = vec![];
        self.index.upsert(&keys, self.rows.num_rows(), &mut slots)?;
        self.starts = vec![0; self.index.slots() + 1];
        slots.iter().for_each(|slot| self.starts[*slot as usize + 1] += 1);
        (1..self.starts.len()).for_each(|slot| self.starts[slot] += self.starts[slot - 1]);
        let mut next = self.starts.clone();
        self.by_slot = vec![0; slots.len()];
        for (row, slot) in slots.into_iter().enumerate() {
            self.by_slot[next[slot as usize] as usize] = row as u32;
            next[slot as usize] += 1;
        }
        Ok(())
    }

    fn read_all(&mut self, now_ms: i64, wait: Wait<'_>) -> Result<Vec<RecordBatch>> {
        let mut node = (self.open)()?;
        let context = EvalContext { now_ms, watermark: i64::MIN };
        let mut parts = vec![];
        for split in node.source.discover()? {
            let mut reader = node.source.open(&split, None)?;
            loop {
                let chunk = match reader.fetch(CHUNK)? {
                    Fetch::Chunk(chunk) => chunk,
                    Fetch::End => break,
                    Fetch::Idle { retry_after_ms } => {
                        wait(retry_after_ms.max(1));
                        continue;
                    }
                };
                let decoded = chunk.decode()?.rows;
                let columns: Vec<ArrayRef> =
                    node.columns[..node.keep].iter().map(|c| c.evaluate(&decoded, &context)).collect::<Result<_>>()?;
                let schema = Arc::new(Schema::new(node.schema.fields()[..node.keep].to_vec()));
                let options = RecordBatchOptions::new().with_row_count(Some(decoded.num_rows()));
                let batch = Batch::inserts(RecordBatch::try_new_with_options(schema, columns, &options)?);
                for batch in self.computed(batch, now_ms)? {
                    parts.push(RecordBatch::try_new(self.schema.clone(), batch.rows.columns().to_vec())?);
                }
            }
        }
        Ok(parts)
    }

    fn computed(&mut self, batch: Batch, now_ms: i64) -> Result<Vec<Batch>> {
        let Some(calc) = &mut self.through else { return Ok(vec![batch]) };
        let before = i64::MIN;
        let tick = Tick { number: 0, watermark_before: before, watermark: before, now_ms, now_before_ms: before, last: false };
        let mut out = Output::default();
        calc.step(&tick, &mut [vec![batch]], &mut State::default(), &mut out)?;
        Ok(out.batches)
    }
}

impl Lookup for FullTable {
    fn open(&mut self, wait: Wait<'_>) -> Result<()> {
        self.reload(0, wait)
    }

    fn lookup(&mut self, keys: &[ArrayRef], rows: usize, ask: Ask, wait: Wait<'_>) -> Result<Found> {
        let read_ms = *self.read_ms.get_or_insert(ask.now_ms);
        if ask.again || self.reload_ms.is_some_and(|age| ask.now_ms - read_ms >= age) {
            self.reload(ask.now_ms, wait)?;
            self.read_ms = Some(ask.now_ms);
        }
        let mut slots = vec![];
        self.index.lookup(keys, rows, &mut slots)?;
        let nullable: Vec<&ArrayRef> = keys.iter().filter(|k| k.null_count() > 0).collect();
        let (mut probe, mut found) = (Vec::with_capacity(rows), Vec::with_capacity(rows));
        for (row, slot) in slots.into_iter().enumerate() {
            if slot == NO_SLOT || nullable.iter().any(|k| k.is_null(row)) {
                continue;
            }
            let own = &self.by_slot[self.starts[slot as usize] as usize..self.starts[slot as usize + 1] as usize];
            probe.extend(std::iter::repeat_n(row as u32, own.len()));
            found.extend_from_slice(own);
        }
        Ok(Found { rows: take_record_batch(&self.rows, &UInt32Array::from(found))?, probe })
    }
}
