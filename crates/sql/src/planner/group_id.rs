//! GROUP_ID(): which of several equal grouping sets a row comes from, computed of the number that the planner gives each set.

use arrow::datatypes::DataType;
use datafusion_common::config::ConfigOptions;
use datafusion_common::tree_node::Transformed;
use datafusion_common::{Column, Result};
use datafusion_expr::utils::grouping_set_to_exprlist;
use datafusion_expr::{Aggregate, Expr, LogicalPlan, LogicalPlanBuilder, bitwise_shift_right, cast, lit};
use datafusion_optimizer::AnalyzerRule;
use std::sync::Arc;

use crate::error::SqlError;

/// The lower-case name of the function.
pub const GROUP_ID: &str = "group_id";

/// The rule: calls leave the aggregation, and a projection above computes them.
#[derive(Debug)]
pub struct ResolveGroupId;

impl AnalyzerRule for ResolveGroupId {
    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        Ok(plan.transform_up_with_subqueries(resolve)?.data)
    }

    fn name(&self) -> &str {
        "resolve_group_id"
    }
}

fn is_call(expr: &Expr) -> bool {
    match expr {
        Expr::Alias(alias) => is_call(&alias.expr),
        Expr::AggregateFunction(f) => f.func.name() == GROUP_ID,
        _ => false,
    }
}

fn resolve(plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    let LogicalPlan::Aggregate(aggregate) = plan else { return Ok(Transformed::no(plan)) };
    if !aggregate.aggr_expr.iter().any(is_call) {
        return Ok(Transformed::no(LogicalPlan::Aggregate(aggregate)));
    }
    if aggregate.group_expr.is_empty() && aggregate.aggr_expr.iter().all(is_call) {
        let error = SqlError::new("GROUP_ID() goes with GROUP BY only").about("GROUP_ID");
        return Err(error.help("write it where the query has GROUP BY GROUPING SETS (…)").into());
    }
    let columns = aggregate.schema.columns();
    let first_call = columns.len() - aggregate.aggr_expr.len();
    let id = match aggregate.group_expr.as_slice() {
        [Expr::GroupingSet(_)] => {
            // Behind a bit for each key the planner numbers the sets that are equal.
            let keys = grouping_set_to_exprlist(&aggregate.group_expr)?.len();
            let set = cast(Expr::Column(Column::from_name(Aggregate::INTERNAL_GROUPING_ID)), DataType::Int64);
            bitwise_shift_right(set, lit(keys as i64))
        }
        _ => lit(0_i64),
    };
    let shown = columns.into_iter().enumerate().map(|(i, column)| match i.checked_sub(first_call) {
        Some(call) if is_call(&aggregate.aggr_expr[call]) => id.clone().alias_qualified(column.relation, column.name),
        _ => Expr::Column(column),
    });
    let shown: Vec<Expr> = shown.collect();
    let kept = aggregate.aggr_expr.into_iter().filter(|expr| !is_call(expr)).collect();
    let without = LogicalPlan::Aggregate(Aggregate::try_new(Arc::clone(&aggregate.input), aggregate.group_expr, kept)?);
    Ok(Transformed::yes(LogicalPlanBuilder::from(without).project(shown)?.build()?))
}
