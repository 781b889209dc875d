//! How large a plan may be: views and WITH queries stand in a plan once for each place that reads them, so that thirty short lines
//! can make a plan of a thousand million steps.

use datafusion_common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion_expr::LogicalPlan;

use crate::error::{SqlError, SqlResult};

/// Most steps of a plan.
const STEPS_MAX: usize = 20_000;

/// Refuses a plan that is too large to be worked on. Steps that stand in several places are counted in each.
pub(super) fn check(plan: &LogicalPlan) -> SqlResult<()> {
    let mut steps = 0;
    plan.apply(|_| {
        steps += 1;
        Ok(if steps > STEPS_MAX { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    if steps <= STEPS_MAX {
        return Ok(());
    }
    let error = SqlError::new(format!("the query has more than {STEPS_MAX} steps, its views and WITH queries written out"));
    Err(error.help("let INSERT INTO write what is read in many places into a table"))
}
