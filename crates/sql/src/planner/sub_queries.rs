//! Sub-queries in expressions: those that are a value give one row, or fail when the job runs; those that are not built are refused.

use datafusion_common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion_common::{Result, internal_err};
use datafusion_expr::expr_rewriter::NamePreserver;
use datafusion_expr::logical_plan::Subquery;
use datafusion_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use std::sync::Arc;

use super::aggregates;
use super::expressions::call;
use crate::error::{SqlError, SqlResult};
use crate::functions;

/// Of every sub-query that is a value and could give several rows, the one that gives its only row: Flink's SINGLE_VALUE.
pub fn single_values(plan: LogicalPlan) -> Result<LogicalPlan> {
    let changed = plan.transform_up_with_subqueries(|plan| {
        let names = NamePreserver::new(&plan);
        plan.map_expressions(|expr| {
            let name = names.save(&expr);
            let changed = expr.transform_up(|e| match e {
                Expr::ScalarSubquery(query) if !one_row(&query.subquery) => Ok(Transformed::yes(Expr::ScalarSubquery(single(query)?))),
                other => Ok(Transformed::no(other)),
            })?;
            Ok(changed.update_data(|e| name.restore(e)))
        })
    })?;
    Ok(changed.data)
}

/// Whether a query cannot give more than one row.
fn one_row(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Aggregate(aggregate) => aggregate.group_expr.is_empty(),
        LogicalPlan::EmptyRelation(_) => true,
        LogicalPlan::Values(values) => values.values.len() == 1,
        LogicalPlan::Projection(_) | LogicalPlan::SubqueryAlias(_) | LogicalPlan::Filter(_) => plan.inputs().iter().all(|i| one_row(i)),
        _ => false,
    }
}

fn single(query: Subquery) -> Result<Subquery> {
    let Some(column) = query.subquery.schema().columns().into_iter().next() else { return internal_err!("a value has a column") };
    let Some((_, array_agg)) = aggregates::all().into_iter().find(|(name, _)| *name == "array_agg") else {
        return internal_err!("there is ARRAY_AGG");
    };
    let Some(only) = functions::find("$single") else { return internal_err!("there is a function for the only row") };
    let name = column.name.clone();
    let collected = LogicalPlanBuilder::from(query.subquery.as_ref().clone())
        .aggregate(Vec::<Expr>::new(), vec![array_agg.call(vec![Expr::Column(column)]).alias("$rows")])?
        .build()?;
    let rows = Expr::Column(collected.schema().columns()[0].clone());
    let plan = LogicalPlanBuilder::from(collected).project(vec![call(only, vec![rows]).alias(name)])?.build()?;
    Ok(Subquery { subquery: Arc::new(plan), ..query })
}

/// IN and EXISTS in WHERE and values have become joins; other sub-queries in expressions are not built.
pub fn refuse(plan: &LogicalPlan) -> SqlResult<()> {
    let mut found = None;
    plan.apply(|node| {
        node.apply_expressions(|expr| {
            expr.apply(|e| {
                found = found.or(match e {
                    Expr::InSubquery(_) => Some(("IN with a sub-query, but for a condition in WHERE,", "IN")),
                    Expr::Exists(_) => Some(("EXISTS, but for a condition in WHERE,", "EXISTS")),
                    Expr::ScalarSubquery(_) | Expr::SetComparison(_) => Some(("a sub-query as a value", "SELECT")),
                    _ => None,
                });
                Ok(TreeNodeRecursion::Continue)
            })
        })
    })?;
    match found {
        Some((what, word)) => Err(SqlError::not_yet(what).about(word)),
        None => Ok(()),
    }
}
