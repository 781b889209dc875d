//! From a query's syntax tree to an optimised logical plan, with Flink's types, names and functions.
//!
//! DataFusion resolves names and types and applies those of its rules that are right for unbounded changelogs. What Flink
//! has and DataFusion lacks comes in through its planner hooks ([`relations`], [`expressions`]) and as nodes of our own
//! ([`nodes`]).

pub mod aggregates;
pub mod at_end;
mod blame;
pub mod case_call;
mod casts;
pub mod catalog;
mod catalog_forms;
pub mod chain;
pub mod changelog;
mod conditions;
pub mod context;
mod declared;
pub mod deep;
mod dependent;
pub mod expressions;
mod group_id;
mod lateral;
mod legacy;
mod list_calls;
mod marks;
pub mod match_recognize;
pub mod nodes;
mod over_calls;
mod relations;
pub mod rewrite;
mod row_in;
mod select;
pub mod set_operations;
mod size;
mod sub_queries;
pub mod temporal;
mod ttl;
mod unions;
pub mod unnest;
mod values;
pub mod window_functions;
mod windows;

use arrow::datatypes::FieldRef;
use datafusion_common::config::ConfigOptions;
use datafusion_common::{Column, DFSchemaRef, Result};
use datafusion_expr::{EmptyRelation, Expr, LogicalPlan, LogicalPlanBuilder, Projection};
use datafusion_optimizer::analyzer::resolve_grouping_function::ResolveGroupingFunction;
use datafusion_optimizer::analyzer::type_coercion::TypeCoercion;
use datafusion_optimizer::{
    Analyzer, AnalyzerRule, Optimizer, OptimizerContext, OptimizerRule, common_subexpr_eliminate::CommonSubexprEliminate,
    decorrelate_predicate_subquery::DecorrelatePredicateSubquery, eliminate_cross_join::EliminateCrossJoin,
    eliminate_filter::EliminateFilter, extract_equijoin_predicate::ExtractEquijoinPredicate, optimize_projections::OptimizeProjections,
    push_down_filter::PushDownFilter, replace_distinct_aggregate::ReplaceDistinctWithAggregate,
    rewrite_set_comparison::RewriteSetComparison, scalar_subquery_to_join::ScalarSubqueryToJoin, simplify_expressions::SimplifyExpressions,
};
use sqlparser::ast::Query;
use std::sync::Arc;

use crate::dialect::did_you_mean;
use crate::error::{SqlError, SqlResult};
use crate::functions::{EvalContext, Zone, with_context};
use context::PlanContext;

/// Passes over the rules; plans settle in two or three.
const OPTIMIZER_PASSES: usize = 4;

/// Types and rules: what a plan needs before it becomes a stream plan. Constants are computed in the time zone of the session.
pub fn optimize(plan: LogicalPlan, time_zone: Zone) -> SqlResult<LogicalPlan> {
    let rules = || apply_rules(match_recognize::settle::settle(plan)?);
    let plan = with_context(EvalContext { time_zone, ..EvalContext::default() }, rules)?;
    sub_queries::refuse(&plan)?;
    Ok(plan)
}

/// An expression that is no part of a plan, with types settled and simplified.
fn settled_expression(expr: Expr, schema: DFSchemaRef) -> SqlResult<Expr> {
    let rows = LogicalPlan::EmptyRelation(EmptyRelation { produce_one_row: false, schema });
    let plan = coerce_types(LogicalPlanBuilder::from(rows).project([expr.alias("$settled")])?.build()?)?;
    let plan = rewrite::flink_expressions(plan)?;
    let context = OptimizerContext::new().with_skip_failing_rules(false);
    let plan = Optimizer::with_rules(vec![Arc::new(SimplifyExpressions::new())]).optimize(plan, &context, |_, _| {})?;
    match plan.expressions().pop() {
        Some(expr) => Ok(expr.unalias_nested().data),
        None => Err(SqlError::new("an expression was just projected")),
    }
}

/// Plans a query and takes the plan through [`optimize`].
pub fn plan_query(query: &Query, context: &PlanContext<'_>, time_zone: Zone) -> SqlResult<LogicalPlan> {
    context.query(query).and_then(|plan| optimize(plan, time_zone))
}

/// The error of a query at its place and in Flink's words, with whatever else is wrong in the query.
pub fn blamed(query: &Query, context: &PlanContext<'_>, complete: &dyn Fn(LogicalPlan) -> SqlResult<()>, error: SqlError) -> SqlError {
    blame::blame(query, context, complete, error)
}

/// Plans the query of a view as it is made: it is not optimised, but its errors have their places.
pub fn plan_view(query: &Query, context: &PlanContext<'_>) -> SqlResult<LogicalPlan> {
    let complete = |plan| coerce_types(plan).map(drop);
    let planned = context.query(query).and_then(|plan| complete(plan.clone()).map(|()| plan));
    planned.map_err(|error| blame::blame(query, context, &complete, error))
}

/// Sub-queries as values become joins.
fn config() -> ConfigOptions {
    let mut config = ConfigOptions::default();
    config.optimizer.enable_physical_uncorrelated_scalar_subquery = false;
    config
}

/// The rules that give expressions their types.
fn coerce_types(plan: LogicalPlan) -> SqlResult<LogicalPlan> {
    let rules: Vec<Arc<dyn AnalyzerRule + Send + Sync>> =
        vec![Arc::new(ResolveGroupingFunction::new()), Arc::new(group_id::ResolveGroupId), Arc::new(TypeCoercion::new())];
    Ok(Analyzer::with_rules(rules).execute_and_check(plan, &config(), |_, _| {})?)
}

fn apply_rules(plan: LogicalPlan) -> SqlResult<LogicalPlan> {
    let plan = coerce_types(plan)?;
    let plan = rewrite::flink_expressions(plan)?;
    let declared = plan.schema().clone();
    let context = || OptimizerContext::new_with_config_options(Arc::new(config())).with_skip_failing_rules(false);
    let plan = Optimizer::with_rules(vec![Arc::new(RewriteSetComparison::new())]).optimize(plan, &context(), |_, _| {})?;
    let plan = marks::rewrite(plan)?;
    let rules: Vec<Arc<dyn OptimizerRule + Send + Sync>> = vec![
        Arc::new(SimplifyExpressions::new()),
        Arc::new(over_calls::ComputeOnce),
        Arc::new(ReplaceDistinctWithAggregate::new()),
        Arc::new(DecorrelatePredicateSubquery::new()),
        Arc::new(ScalarSubqueryToJoin::new()),
        // Before the next rule, which takes conditions apart that are not split into keys yet.
        Arc::new(ExtractEquijoinPredicate::new()),
        Arc::new(EliminateCrossJoin::new()),
        Arc::new(EliminateFilter::new()),
        Arc::new(PushDownFilter::new()),
        Arc::new(CommonSubexprEliminate::new()),
        Arc::new(OptimizeProjections::new()),
    ];
    let context = context().with_max_passes(OPTIMIZER_PASSES as u8);
    declared_types(Optimizer::with_rules(rules).optimize(plan, &context, |_, _| {})?, declared)
}

/// Columns keep the types of their expressions as they were written: of `LEFT('ab', 1)`, computed while planning, the value alone would
/// tell another length, and that it is never NULL.
fn declared_types(plan: LogicalPlan, declared: DFSchemaRef) -> SqlResult<LogicalPlan> {
    let same = |(a, b): (&FieldRef, &FieldRef)| a.data_type() == b.data_type();
    match plan {
        LogicalPlan::Projection(p) if *p.schema != *declared && p.schema.fields().iter().zip(declared.fields()).all(same) => {
            Ok(LogicalPlan::Projection(Projection::try_new_with_schema(p.expr, p.input, declared)?))
        }
        plan => Ok(plan),
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

/// Functions that Flink has for programs in Java.
const OF_CLASSES: [&str; 2] = ["OBJECT_OF", "OBJECT_UPDATE"];

/// Functions that mean something with OVER alone, and those that do in MATCH_RECOGNIZE alone.
const WITH_OVER: [&str; 8] = ["RANK", "DENSE_RANK", "ROW_NUMBER", "LAG", "LEAD", "NTILE", "PERCENT_RANK", "CUME_DIST"];
const IN_PATTERNS: [&str; 2] = ["MATCH_ROWTIME", "MATCH_PROCTIME"];

/// The error for a function that is not there.
pub fn unknown_function(name: &str) -> SqlError {
    let upper = name.to_ascii_uppercase();
    let is_one_of = |names: &[&str]| names.contains(&upper.as_str());
    if is_one_of(&OF_CLASSES) {
        let error = SqlError::new(format!("{upper} makes a value of a Java class, and here are none")).about(name);
        return error.help("write a ROW: CAST(ROW('Bob', 42) AS ROW<name STRING, age INT>)");
    }
    if is_one_of(&["NULLIF"]) {
        return SqlError::new("NULLIF takes two values").about(name).help("write NULLIF(value, other)");
    }
    if is_one_of(&WITH_OVER) {
        let error = SqlError::new(format!("the function {upper} goes with OVER only")).about(name);
        return error.help(format!("write {upper}(…) OVER (PARTITION BY key ORDER BY time)"));
    }
    if is_one_of(&IN_PATTERNS) {
        return SqlError::new(format!("the function {upper} goes into the MEASURES of MATCH_RECOGNIZE only")).about(name);
    }
    let error = SqlError::new(format!("there is no function '{}'", name.to_uppercase())).about(name);
    match did_you_mean(&name.to_ascii_lowercase(), context::function_names()) {
        Some(near) => error.help(format!("did you mean '{}'?", near.to_uppercase())),
        None => error.help("`flott functions` lists them all"),
    }
}
