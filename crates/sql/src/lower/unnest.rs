//! Lowering of UNNEST.

use flott_engine::graph::Exchange;
use flott_engine::operators::unnest::Unnest;

use super::{Lowered, Lowering, arrow_schema, factory, project_schema};
use crate::error::{SqlError, SqlResult};
use crate::stream::{StreamNode, StreamOp};

impl Lowering<'_> {
    /// UNNEST, which passes on the columns in `needed` only; all of them without it.
    pub(super) fn unnest(&mut self, node: &StreamNode, needed: Option<&[usize]>) -> SqlResult<Lowered> {
        let StreamOp::Unnest { collection, passed, form } = node.op else { return Err(SqlError::new("an UNNEST was just seen")) };
        let width = node.schema.fields().len();
        let keep: Vec<usize> = (0..passed).filter(|i| needed.is_none_or(|n| n.contains(i))).collect();
        let given: Vec<usize> = keep.iter().copied().chain(passed..width).collect();
        // Columns that nobody needs have a place behind the others, where nothing is.
        let mut places: Vec<usize> = vec![given.len(); width];
        given.iter().enumerate().for_each(|(place, column)| places[*column] = place);
        let schema = arrow_schema(&project_schema(&node.schema, &given)?);
        let operator = Unnest { collection, multiset: form.multiset, left: form.left, ordinality: form.ordinality, keep, schema };
        let lowered = self.unary(node, "Correlate", Exchange::Forward, factory(operator))?;
        Ok(Lowered { columns: Some(places), ..lowered })
    }
}
