//! Batch mode: which steps of a plan tell only final rows. A node of its own stands above each step that would take rows back in a
//! stream, and above each sort.

use datafusion_common::tree_node::{Transformed, TreeNode};
use datafusion_common::{DFSchemaRef, Result, plan_err};
use datafusion_expr::{Expr, Extension, LogicalPlan, UserDefinedLogicalNode, UserDefinedLogicalNodeCore};
use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use super::set_operations::as_set_operation;
use super::temporal::as_temporal_join;
use crate::error::{SqlError, SqlResult};

/// What helps against what batch mode does not have.
pub(super) const TO_STREAMING: &str = "SET 'execution.runtime-mode' = 'streaming'";

/// The rows of its input when that has ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AtEnd {
    /// The step that is meant.
    pub input: LogicalPlan,
}

/// The plan of a batch job.
///
/// # Errors
/// For temporal joins and CURRENT_WATERMARK: batch mode has none.
pub fn at_end(plan: LogicalPlan) -> SqlResult<LogicalPlan> {
    let asks = |e: &Expr| matches!(e, Expr::ScalarFunction(f) if f.name().eq_ignore_ascii_case("CURRENT_WATERMARK"));
    if plan.exists(|p| p.expressions().iter().try_fold(false, |found, e| Ok(found || e.exists(|e| Ok(asks(e)))?)))? {
        return Err(SqlError::new("batch mode has no watermarks").about("CURRENT_WATERMARK").help("leave CURRENT_WATERMARK out"));
    }
    let marked = plan.transform_up(|plan| {
        let marked = match &plan {
            LogicalPlan::Aggregate(_) | LogicalPlan::Join(_) | LogicalPlan::Filter(_) | LogicalPlan::Sort(_) | LogicalPlan::Window(_) => {
                true
            }
            LogicalPlan::Extension(e) if as_temporal_join(&e.node).is_some() => return Err(no_temporal_join().into()),
            LogicalPlan::Extension(e) => as_set_operation(&e.node).is_some(),
            _ => false,
        };
        Ok(if marked { Transformed::yes(mark(plan)) } else { Transformed::no(plan) })
    })?;
    Ok(mark(marked.data))
}

fn no_temporal_join() -> SqlError {
    SqlError::new("batch mode has no temporal join: all versions of a row are there at once").about("SYSTEM_TIME").help(TO_STREAMING)
}

fn mark(input: LogicalPlan) -> LogicalPlan {
    LogicalPlan::Extension(Extension { node: Arc::new(AtEnd { input }) })
}

impl PartialOrd for AtEnd {
    fn partial_cmp(&self, _: &Self) -> Option<Ordering> {
        None
    }
}

impl UserDefinedLogicalNodeCore for AtEnd {
    fn name(&self) -> &str {
        "AtEnd"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        self.input.schema()
    }

    fn expressions(&self) -> Vec<Expr> {
        vec![]
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("AtEnd")
    }

    fn with_exprs_and_inputs(&self, _: Vec<Expr>, mut inputs: Vec<LogicalPlan>) -> Result<Self> {
        match inputs.pop() {
            Some(input) => Ok(Self { input }),
            None => plan_err!("the end of a step is one of a step"),
        }
    }
}

/// The mark that a plan node is, if it is one.
pub fn as_at_end(node: &Arc<dyn UserDefinedLogicalNode>) -> Option<&AtEnd> {
    node.as_any().downcast_ref()
}
