//! Rows written out in a query, as a source.

use arrow::array::RecordBatch;
use flott_engine::expr::Column;
use flott_engine::graph::SourceNode;
use flott_engine::source::{Chunk, ChunkBudget, Decoded, Fetch, Position, Source, SplitInfo, SplitReader};
use flott_engine::{Error, Result};
use std::sync::Arc;

/// A node that gives these rows once.
pub fn source_node(rows: RecordBatch) -> SourceNode {
    let schema = rows.schema();
    let keep = schema.fields().len();
    let columns = (0..keep).map(|i| Arc::new(Column(i)) as _).collect();
    SourceNode { source: Box::new(ValuesSource::new(rows)), columns, schema, keep, event_time: None }
}

/// A source of given rows.
pub struct ValuesSource {
    rows: RecordBatch,
}

impl ValuesSource {
    /// Gives these rows once.
    pub fn new(rows: RecordBatch) -> Self {
        Self { rows }
    }
}

impl Source for ValuesSource {
    fn discover(&mut self) -> Result<Vec<SplitInfo>> {
        Ok(vec![SplitInfo { id: "values".into(), detail: String::new() }])
    }

    fn open(&mut self, _: &SplitInfo, from: Option<&Position>) -> Result<Box<dyn SplitReader>> {
        let next = match from {
            None => 0,
            Some(text) => text.parse().map_err(|_| Error::state(format!("'{text}' is no position in VALUES")))?,
        };
        Ok(Box::new(Reader { rows: self.rows.clone(), next }))
    }
}

struct Reader {
    rows: RecordBatch,
    next: usize,
}

impl SplitReader for Reader {
    fn fetch(&mut self, budget: ChunkBudget) -> Result<Fetch> {
        let left = self.rows.num_rows().saturating_sub(self.next);
        if left == 0 {
            return Ok(Fetch::End);
        }
        let length = left.min(budget.rows.max(1));
        let chunk = Rows { start: self.next, rows: self.rows.slice(self.next, length) };
        self.next += length;
        Ok(Fetch::Chunk(Box::new(chunk)))
    }
}

struct Rows {
    start: usize,
    rows: RecordBatch,
}

impl Chunk for Rows {
    fn start(&self) -> Position {
        self.start.to_string()
    }
    fn decode(self: Box<Self>) -> Result<Decoded> {
        Ok(Decoded::clean(self.rows, 0))
    }
}
