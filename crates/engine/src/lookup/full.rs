//! A table that ends, read whole and kept by key.

use arrow::array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, UInt32Array};
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::{DataType, Schema, SchemaRef};
use std::sync::Arc;

use super::{Ask, Found, Lookup, Wait};
use crate::expr::EvalContext;
use crate::graph::SourceNode;
use crate::operator::{Operator, Output, Tick};
use crate::operators::calc::Calc;
use crate::source::{ChunkBudget, Fetch};
use crate::state::State;
use crate::state::key::{KeyIndex, NO_SLOT};
use crate::{Batch, Result};

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
        match &mut self.through {
            Some(calc) => through(calc, batch, now_ms),
            None => Ok(vec![batch]),
        }
    }
}

/// A batch behind a filter and projection.
pub(super) fn through(calc: &mut Calc, batch: Batch, now_ms: i64) -> Result<Vec<Batch>> {
    let before = i64::MIN;
    let tick = Tick { number: 0, watermark_before: before, watermark: before, now_ms, now_before_ms: before, last: false };
    let mut out = Output::default();
    calc.step(&tick, &mut [vec![batch]], &mut State::default(), &mut out)?;
    Ok(out.batches)
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
