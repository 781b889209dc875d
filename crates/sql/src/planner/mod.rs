//! From a query's syntax tree to an optimised logical plan, with Flink's types, names and functions.
//!
//! DataFusion resolves names and types and applies those of its rules that are right for unbounded changelogs. What Flink
//! has and DataFusion lacks comes in through its planner hooks ([`relations`], [`expressions`]) and as nodes of our own
//! ([`nodes`]).

pub mod aggregates;
mod casts;
pub mod changelog;
pub mod context;
pub mod expressions;
mod legacy;
pub mod nodes;
mod relations;
pub mod rewrite;
pub mod row_number;
mod select;
mod ttl;
mod unions;
pub mod unnest;

use datafusion_common::config::ConfigOptions;
use datafusion_common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion_common::{Column, Result};
use datafusion_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use datafusion_optimizer::analyzer::resolve_grouping_function::ResolveGroupingFunction;
use datafusion_optimizer::analyzer::type_coercion::TypeCoercion;
use datafusion_optimizer::{
    Analyzer, AnalyzerRule, Optimizer, OptimizerContext, OptimizerRule, common_subexpr_eliminate::CommonSubexprEliminate,
    decorrelate_predicate_subquery::DecorrelatePredicateSubquery, eliminate_cross_join::EliminateCrossJoin,
    eliminate_filter::EliminateFilter, extract_equijoin_predicate::ExtractEquijoinPredicate, optimize_projections::OptimizeProjections,
    push_down_filter::PushDownFilter, replace_distinct_aggregate::ReplaceDistinctWithAggregate, simplify_expressions::SimplifyExpressions,
};
use std::sync::Arc;

use crate::dialect::did_you_mean;
use crate::error::{SqlError, SqlResult};
use crate::functions::{EvalContext, Zone, with_context};

/// Passes over the rules; plans settle in two or three.
const OPTIMIZER_PASSES: usize = 4;

/// Types and rules: what a plan needs before it becomes a stream plan. Constants are computed in the time zone of the session.
pub fn optimize(plan: LogicalPlan, time_zone: Zone) -> SqlResult<LogicalPlan> {
    let plan = with_context(EvalContext { time_zone, ..EvalContext::default() }, || apply_rules(plan))?;
    refuse_sub_queries(&plan)?;
    Ok(plan)
}

fn apply_rules(plan: LogicalPlan) -> SqlResult<LogicalPlan> {
    let config = ConfigOptions::default();
    let rules: Vec<Arc<dyn AnalyzerRule + Send + Sync>> = vec![Arc::new(ResolveGroupingFunction::new()), Arc::new(TypeCoercion::new())];
    let plan = Analyzer::with_rules(rules).execute_and_check(plan, &config, |_, _| {})?;
    let plan = rewrite::flink_expressions(plan)?;
    let rules: Vec<Arc<dyn OptimizerRule + Send + Sync>> = vec![
        Arc::new(SimplifyExpressions::new()),
        Arc::new(ReplaceDistinctWithAggregate::new()),
        Arc::new(DecorrelatePredicateSubquery::new()),
        Arc::new(EliminateCrossJoin::new()),
        Arc::new(ExtractEquijoinPredicate::new()),
        Arc::new(EliminateFilter::new()),
        Arc::new(PushDownFilter::new()),
        Arc::new(CommonSubexprEliminate::new()),
        Arc::new(OptimizeProjections::new()),
    ];
    let context = OptimizerContext::new().with_max_passes(OPTIMIZER_PASSES as u8).with_skip_failing_rules(false);
    Ok(Optimizer::with_rules(rules).optimize(plan, &context, |_, _| {})?)
}

/// IN and EXISTS in WHERE have become joins; other sub-queries in expressions are not built.
fn refuse_sub_queries(plan: &LogicalPlan) -> SqlResult<()> {
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

/// The plan with other column names; none: as it is.
pub fn rename_columns(plan: LogicalPlan, names: &[String]) -> Result<LogicalPlan> {
    if names.is_empty() {
        return Ok(plan);
    }
    let columns: Vec<Column> = plan.schema().columns();
    if columns.len() != names.len() {
        let error = SqlError::new(format!("{} column names for a query of {} columns", names.len(), columns.len()));
        return Err(error.into());
    }
    let renamed: Vec<Expr> = columns.into_iter().zip(names).map(|(c, n)| Expr::Column(c).alias(n)).collect();
    LogicalPlanBuilder::from(plan).project(renamed)?.build()
}

/// The error for a function that is not there.
pub fn unknown_function(name: &str) -> SqlError {
    let error = SqlError::new(format!("there is no function '{}'", name.to_uppercase())).about(name);
    match did_you_mean(&name.to_ascii_lowercase(), context::function_names()) {
        Some(near) => error.help(format!("did you mean '{}'?", near.to_uppercase())),
        None => error.help("`flott functions` lists them all"),
    }
}
