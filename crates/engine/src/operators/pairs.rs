//! What all joins share: putting the columns of two inputs side by side, and asking the condition about them.

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, RecordBatchOptions, UInt32Array, new_null_array};
use arrow::buffer::NullBuffer;
use arrow::compute::take;
use arrow::datatypes::{Field, Schema, SchemaRef};
use std::sync::Arc;

use crate::expr::{EvalContext, Expr};
use crate::state::timed::TimedTable;
use crate::state::{State, TableId};
use crate::{Error, Result};

/// Pairs of rows that are looked at together: bounds the memory of a row with very many partners.
pub const PAIRS_MAX: usize = 16 << 10;

/// Which rows without a partner are in the result, and what of those with one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JoinKind {
    /// Pairs.
    Inner,
    /// Pairs, and rows of the left input alone.
    Left,
    /// Pairs, and rows of the right input alone.
    Right,
    /// Pairs, and rows of either input alone.
    Full,
    /// Rows of the left input that have a partner.
    Semi,
    /// Rows of the left input that have none.
    Anti,
}

impl JoinKind {
    /// Whether rows of this input (0 left, 1 right) come out with NULLs beside them when they have no partner.
    pub fn keeps(self, side: usize) -> bool {
        match self {
            JoinKind::Full => true,
            JoinKind::Left => side == 0,
            JoinKind::Right => side == 1,
            _ => false,
        }
    }

    /// `Some(true)`: only left rows with a partner come out, alone; `Some(false)`: only those without.
    pub fn wants_partner(self) -> Option<bool> {
        match self {
            JoinKind::Semi => Some(true),
            JoinKind::Anti => Some(false),
            _ => None,
        }
    }

    /// Whether the number of partners of this input's rows matters.
    pub fn counts(self, side: usize) -> bool {
        self.keeps(side) || (side == 0 && self.wants_partner().is_some())
    }
}

/// The inputs of a join and what a pair must fulfil.
#[derive(Clone)]
pub struct JoinInputs {
    /// Schemas, left and right.
    pub schemas: [SchemaRef; 2],
    /// Columns of each input that must be equal, in pairs.
    pub keys: [Vec<usize>; 2],
    /// Of each pair of key columns, whether NULL equals NULL (`IS NOT DISTINCT FROM`).
    pub nulls_equal: Vec<bool>,
    /// What else a pair must fulfil: over the columns of the left input, then those of the right one.
    pub condition: Option<Arc<dyn Expr>>,
}

impl JoinInputs {
    /// Rows whose keys can equal another row's; `None`: all of them.
    pub fn joinable(&self, side: usize, columns: &[ArrayRef]) -> Option<BooleanArray> {
        let strict = self.keys[side].iter().zip(&self.nulls_equal).filter(|(_, equal)| !**equal).map(|(c, _)| &columns[*c]);
        let nulls = strict.filter(|c| c.null_count() > 0).fold(None, |all, column| NullBuffer::union(all.as_ref(), column.nulls()));
        nulls.map(|nulls| BooleanArray::new(nulls.into_inner(), None))
    }

    /// The pairs that fulfil the condition; `None`: all of them. `columns` are those of the pairs.
    pub fn fulfilled(&self, columns: &[ArrayRef], rows: usize, context: &EvalContext) -> Result<Option<BooleanArray>> {
        let Some(condition) = &self.condition else { return Ok(None) };
        let fields = self.schemas.iter().flat_map(|schema| schema.fields());
        let schema = Schema::new(fields.map(|f| Field::new(f.name(), f.data_type().clone(), true)).collect::<Vec<_>>());
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let pairs = RecordBatch::try_new_with_options(Arc::new(schema), columns.to_vec(), &options)?;
        let keep = condition.evaluate(&pairs, context)?;
        let keep = keep.as_boolean_opt().ok_or_else(|| Error::internal("a join condition must be BOOLEAN"))?;
        Ok((keep.true_count() < rows).then(|| keep.clone()))
    }

    /// Declares a table for the rows of each input, by key and time.
    pub fn declare(&self, state: &mut State) -> [TableId<TimedTable>; 2] {
        let [left, right] = &self.schemas;
        [
            state.declare("left", TimedTable::new(left.clone(), &self.keys[0])),
            state.declare("right", TimedTable::new(right.clone(), &self.keys[1])),
        ]
    }

    /// Columns of NULLs in place of this input's.
    pub fn nulls(&self, side: usize, rows: usize) -> Vec<ArrayRef> {
        self.schemas[side].fields().iter().map(|f| new_null_array(f.data_type(), rows)).collect()
    }
}

/// The columns of input `side` and those of the other one, the left ones first.
pub fn beside(side: usize, own: Vec<ArrayRef>, other: Vec<ArrayRef>) -> Vec<ArrayRef> {
    let (left, right) = if side == 0 { (own, other) } else { (other, own) };
    left.into_iter().chain(right).collect()
}

/// Rows of columns by their numbers.
pub fn taken(columns: &[ArrayRef], rows: &[u32]) -> Result<Vec<ArrayRef>> {
    let rows = UInt32Array::from(rows.to_vec());
    columns.iter().map(|c| Ok(take(c, &rows, None)?)).collect()
}

/// The elements that `keep` is true for.
pub fn kept<T: Copy>(list: &[T], keep: &BooleanArray) -> Vec<T> {
    keep.iter().zip(list).filter(|(k, _)| *k == Some(true)).map(|(_, v)| *v).collect()
}
