//! The seam to expressions: whoever plans a query hands the engine something that turns a batch into a column.

use arrow::array::{ArrayRef, RecordBatch};

use crate::Result;

/// What an expression may know besides the row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EvalContext {
    /// Processing time of the tick, in milliseconds since 1970-01-01 UTC. Never goes back.
    pub now_ms: i64,
    /// The watermark at the start of the tick, in milliseconds; `i64::MIN` before the first one.
    pub watermark: i64,
}

/// A column computed from the columns of a batch.
///
/// Pure: the same batch and context give the same column of `rows.num_rows()` values. An error is about the data.
pub trait Expr: Send + Sync {
    /// Evaluates over all rows.
    fn evaluate(&self, rows: &RecordBatch, context: &EvalContext) -> Result<ArrayRef>;

    /// The column this is, if it is nothing but a column: saves the call.
    fn as_column(&self) -> Option<usize> {
        None
    }
}

/// A column taken over as it is.
#[derive(Debug, Clone, Copy)]
pub struct Column(pub usize);

impl Expr for Column {
    fn evaluate(&self, rows: &RecordBatch, _: &EvalContext) -> Result<ArrayRef> {
        Ok(rows.column(self.0).clone())
    }
    fn as_column(&self) -> Option<usize> {
        Some(self.0)
    }
}
