//! Calls of OVER that mean the same once their constants are computed, as `LAG(v, 1 + 1)` and `LAG(v, 2)` do: one of them is computed.

use datafusion_common::tree_node::Transformed;
use datafusion_common::{Column, Result};
use datafusion_expr::{Expr, LogicalPlan, LogicalPlanBuilder, Window};
use datafusion_optimizer::optimizer::ApplyOrder;
use datafusion_optimizer::{OptimizerConfig, OptimizerRule};

/// The rule. It goes before the elimination of common expressions, which would compute the call below OVER.
#[derive(Debug)]
pub struct ComputeOnce;

impl OptimizerRule for ComputeOnce {
    fn name(&self) -> &str {
        "compute_over_calls_once"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::BottomUp)
    }

    fn supports_rewrite(&self) -> bool {
        true
    }

    fn rewrite(&self, plan: LogicalPlan, _: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        let LogicalPlan::Window(window) = plan else { return Ok(Transformed::no(plan)) };
        let calls: Vec<Expr> = window.window_expr.iter().map(|e| e.clone().unalias()).collect();
        let first: Vec<usize> = calls.iter().map(|c| calls.iter().position(|o| o == c).unwrap_or_default()).collect();
        if first.iter().enumerate().all(|(at, first)| at == *first) {
            return Ok(Transformed::no(LogicalPlan::Window(window)));
        }
        let kept = window.window_expr.iter().enumerate().filter(|(at, _)| first[*at] == *at).map(|(_, e)| e.clone());
        let once = LogicalPlan::Window(Window::try_new(kept.collect(), window.input.clone())?);
        let width = window.input.schema().fields().len();
        let columns = window.schema.columns();
        let mut shown: Vec<Expr> = columns[..width].iter().cloned().map(Expr::Column).collect();
        for (column, first) in columns[width..].iter().zip(first) {
            let computed = Expr::Column(Column::new(None::<String>, columns[width + first].name.clone()));
            shown.push(if column.name == columns[width + first].name { computed } else { computed.alias(column.name.clone()) });
        }
        Ok(Transformed::yes(LogicalPlanBuilder::from(once).project(shown)?.build()?))
    }
}
