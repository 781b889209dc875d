//! MATCH_RECOGNIZE: from the syntax tree to a logical node.
//!
//! [`pattern`] reads PATTERN, [`bind`] finds what DEFINE and MEASURES refer to, [`previous`] has PREV and NEXT, for which [`ahead`] holds rows back. The [`node`] gives the keys and one column per
//! reference of MEASURES; a projection over it computes the measures. [`settle`] moves what depends on one row alone below the node.

mod ahead;
mod bind;
pub mod node;
mod pattern;
mod previous;
pub mod settle;

use arrow::datatypes::{DataType, TimeUnit};
use datafusion_common::{DFSchema, Result};
use datafusion_expr::planner::{PlannedRelation, RelationPlannerContext};
use datafusion_expr::{Expr, ExprSchemable, Extension, LogicalPlan, LogicalPlanBuilder};
use flott_engine::operators::match_recognize::AfterMatch;
use sqlparser::ast::{self, AfterMatchSkip, Ident, Measure, OrderByExpr, RowsPerMatch, SymbolDefinition, TableFactor};
use std::collections::HashMap;
use std::sync::Arc;

pub use self::ahead::{LookAheadNode, as_look_ahead};
use self::bind::{Binder, Scope};
use self::node::{Definition, MatchClauses, MatchNode, OrderKey, Reference};
use self::pattern::Planned;
use self::previous::{Sequence, Way};
use super::context::in_batch;
use crate::catalog::{PROCTIME, ROWTIME, time_attribute, without_time_attribute};
use crate::dialect::{TIMED_OUT_SYMBOL, WITHIN_SYMBOL};
use crate::error::{SqlError, SqlResult};

/// Plans `table MATCH_RECOGNIZE (…)`.
pub fn plan(factor: &TableFactor, cx: &mut dyn RelationPlannerContext) -> Result<PlannedRelation> {
    let TableFactor::MatchRecognize { table, partition_by, order_by, measures, rows_per_match, after_match_skip, pattern, symbols, alias } =
        factor
    else {
        return Err(SqlError::new("a MATCH_RECOGNIZE was just seen").into());
    };
    let input = cx.plan(table.as_ref().clone())?;
    let mut planned = pattern::plan(pattern)?;
    let rows = sequence(partition_by, order_by, input.schema(), cx)?;
    let all_rows = matches!(rows_per_match, Some(RowsPerMatch::AllRows(_)));
    if let Some(RowsPerMatch::AllRows(Some(mode))) = rows_per_match {
        return Err(SqlError::not_yet(format!("ALL ROWS PER MATCH {mode}")).about("ALL").into());
    }
    let definitions = define(symbols, &planned, &input, &rows, cx)?;
    let within_ms = within(symbols, cx)?;
    let timed_out = symbols.iter().any(|s| s.symbol.value == TIMED_OUT_SYMBOL);
    for (is_there, what) in [(all_rows, "ALL ROWS PER MATCH"), (timed_out, "WITH TIMED OUT MATCHES")] {
        if is_there {
            planned.note(what);
        }
    }
    let mut binder = Binder::new(input.schema().clone(), &planned.names, &rows, Scope::Measures);
    let mut columns = vec![];
    for Measure { expr, alias } in &with_input_columns(measures, &rows.partition, all_rows, input.schema()) {
        columns.push((binder.bind(expr.clone(), cx)?, alias.value.clone()));
    }
    let after = after(after_match_skip.as_ref(), &planned)?;
    let mut output = binder.references;
    for what in definitions.iter().flat_map(|d| &d.references).chain(&output).filter_map(beyond_flink) {
        planned.note(what);
    }
    let looks_ahead = planned.beyond_flink.contains(&"NEXT");
    if looks_ahead {
        // A match may come out long after the watermark has passed it: nothing can go by its time.
        output.iter_mut().for_each(|r| r.field = Arc::new(without_time_attribute(&r.field)));
    }
    let names = planned.names.clone();
    let clauses = MatchClauses {
        partition: rows.partition,
        order: rows.order,
        processing: rows.processing,
        pattern: planned.pattern,
        pattern_text: planned.text,
        names: planned.names,
        definitions,
        output,
        after,
        within_ms,
        timed_out,
        all_rows,
        looks_ahead,
        unused: unused(symbols, &names),
        beyond_flink: planned.beyond_flink.into_iter().map(str::to_owned).collect(),
    };
    Ok(PlannedRelation::new(with_measures(input, clauses, columns, cx)?, alias.clone()))
}

/// The node, and over it the keys and the measures.
fn with_measures(
    input: LogicalPlan,
    clauses: MatchClauses,
    measures: Vec<(ast::Expr, String)>,
    cx: &mut dyn RelationPlannerContext,
) -> Result<LogicalPlan> {
    let mut fields = vec![];
    for key in &clauses.partition {
        let field = key.to_field(input.schema())?.1;
        fields.push((None, Arc::new(without_time_attribute(&field))));
    }
    let keys = fields.len();
    let mut names: Vec<String> = fields.iter().map(|(_, f)| f.name().clone()).collect();
    fields.extend(clauses.output.iter().map(|r| (None, r.field.clone())));
    let schema = Arc::new(DFSchema::new_with_metadata(fields, HashMap::new())?);
    let node = MatchNode { input, clauses, schema: schema.clone(), settled: false };
    let mut project: Vec<Expr> = schema.columns().into_iter().take(keys).map(Expr::Column).collect();
    for (expr, name) in measures {
        if names.contains(&name) {
            let error = SqlError::new(format!("two columns of MATCH_RECOGNIZE are called '{name}'")).about(&name);
            return Err(error.help("the result has the keys of PARTITION BY and the measures: give the measure another name").into());
        }
        project.push(cx.sql_to_expr(expr, &schema)?.alias(&name));
        names.push(name);
    }
    LogicalPlanBuilder::from(LogicalPlan::Extension(Extension { node: Arc::new(node) })).project(project)?.build()
}

/// With all rows per match, the columns of the input that are no keys come behind the measures.
fn with_input_columns(measures: &[Measure], partition: &[Expr], all_rows: bool, input: &DFSchema) -> Vec<Measure> {
    let mut all = measures.to_vec();
    if all_rows {
        let is_key = |name: &str| partition.iter().any(|key| matches!(key, Expr::Column(c) if c.name == name));
        let names: Vec<&String> = input.fields().iter().map(|f| f.name()).filter(|name| !is_key(name)).collect();
        all.extend(names.into_iter().map(|name| {
            let alias = Ident::with_quote('`', name);
            Measure { expr: ast::Expr::Identifier(alias.clone()), alias }
        }));
    }
    all
}

fn beyond_flink(reference: &Reference) -> Option<&'static str> {
    match &reference.value {
        node::RefValue::Classifier(_) => Some("CLASSIFIER"),
        node::RefValue::MatchNumber => Some("MATCH_NUMBER"),
        node::RefValue::Row(_, expr) => match previous::way_of(expr)? {
            Way::Back => Some("PREV"),
            Way::Ahead => Some("NEXT"),
        },
        _ => None,
    }
}

fn partition(keys: &[ast::Expr], input: &DFSchema, cx: &mut dyn RelationPlannerContext) -> Result<Vec<Expr>> {
    let mut columns: Vec<Expr> = vec![];
    for key in keys {
        let planned = cx.sql_to_expr(key.clone(), input)?;
        if !matches!(planned, Expr::Column(_)) {
            let error = SqlError::new("PARTITION BY in MATCH_RECOGNIZE takes columns only").about("PARTITION");
            return Err(error
                .help("compute the key in a sub-query: FROM (SELECT …, UPPER(x) AS k FROM t) MATCH_RECOGNIZE (PARTITION BY k …)")
                .into());
        }
        if !columns.contains(&planned) {
            columns.push(planned);
        }
    }
    Ok(columns)
}

/// The rows as PARTITION BY and ORDER BY have them.
fn sequence(
    partition_by: &[ast::Expr],
    order_by: &[OrderByExpr],
    input: &DFSchema,
    cx: &mut dyn RelationPlannerContext,
) -> Result<Sequence> {
    let batch = in_batch(cx.context_provider().options());
    let (order, processing) = order(order_by, input, batch, cx)?;
    Ok(Sequence { partition: partition(partition_by, input, cx)?, order, processing, batch })
}

/// The order, and whether it is by processing time.
fn order(keys: &[OrderByExpr], input: &DFSchema, batch: bool, cx: &mut dyn RelationPlannerContext) -> Result<(Vec<OrderKey>, bool)> {
    let help = "ORDER BY the column of the table's WATERMARK, or a column AS PROCTIME()";
    let mut order = vec![];
    for key in keys {
        let column = cx.sql_to_expr(key.expr.clone(), input)?;
        if !matches!(column, Expr::Column(_)) {
            let error = SqlError::new("ORDER BY in MATCH_RECOGNIZE takes columns only").about("ORDER");
            return Err(error.help("compute the column in a sub-query").into());
        }
        let descending = key.options.asc == Some(false);
        order.push(OrderKey { column, descending, nulls_first: key.options.nulls_first.unwrap_or(!descending) });
    }
    let Some(first) = order.first() else {
        return Err(SqlError::new("MATCH_RECOGNIZE needs an order in time").about("MATCH_RECOGNIZE").help(help).into());
    };
    let field = first.column.to_field(input)?.1;
    // Batch mode has no event time: any timestamp in milliseconds orders rows.
    let in_ms = matches!(field.data_type(), DataType::Timestamp(TimeUnit::Millisecond, _));
    let attribute = time_attribute(&field).or((batch && in_ms).then_some(ROWTIME));
    let Some(attribute) = attribute else {
        let error =
            SqlError::new(format!("MATCH_RECOGNIZE is ordered by time before all else, and '{}' is no time attribute", field.name()));
        return Err(error.about(field.name()).help(help).into());
    };
    if first.descending {
        let error = SqlError::new("MATCH_RECOGNIZE goes forward in time only: the first key of its ORDER BY is ascending");
        return Err(error.about("DESC").help(format!("write ORDER BY {}", field.name())).into());
    }
    Ok((order, attribute == PROCTIME))
}

fn define(
    symbols: &[SymbolDefinition],
    planned: &Planned,
    input: &LogicalPlan,
    rows: &Sequence,
    cx: &mut dyn RelationPlannerContext,
) -> Result<Vec<Definition>> {
    let mut definitions: Vec<Definition> = vec![];
    let mut seen: Vec<&str> = vec![];
    for SymbolDefinition { symbol, definition } in symbols {
        let name = symbol.value.as_str();
        if name == WITHIN_SYMBOL || name == TIMED_OUT_SYMBOL {
            continue;
        }
        if seen.contains(&name) {
            return Err(SqlError::new(format!("DEFINE says twice what {name} is"))
                .about("DEFINE")
                .help("join the conditions with AND")
                .into());
        }
        seen.push(name);
        let Some(variable) = planned.names.iter().position(|n| n == name) else { continue };
        let scope = Scope::Define(variable as u16);
        let mut binder = Binder::new(input.schema().clone(), &planned.names, rows, scope);
        let bound = binder.bind(definition.clone(), cx)?;
        let schema = binder.schema()?;
        let expr = super::rewrite::flink_expression(cx.sql_to_expr(bound, &schema)?, &schema)?;
        if expr.get_type(&schema)? != arrow::datatypes::DataType::Boolean {
            let error = SqlError::new(format!("the DEFINE of {name} is no condition")).about("DEFINE");
            return Err(error.help("a condition is true or false, for example A.price > 10").into());
        }
        definitions.push(Definition { variable: variable as u16, expr, references: binder.references, text: String::new() });
    }
    Ok(definitions)
}

/// Variables that the pattern does not have: Flink takes their definitions, which mean nothing.
fn unused(symbols: &[SymbolDefinition], names: &[String]) -> Vec<String> {
    let defined = symbols.iter().map(|s| s.symbol.value.as_str()).filter(|name| *name != WITHIN_SYMBOL && *name != TIMED_OUT_SYMBOL);
    defined.filter(|name| names.iter().all(|n| n != name)).map(str::to_owned).collect()
}

fn within(symbols: &[SymbolDefinition], cx: &mut dyn RelationPlannerContext) -> Result<Option<i64>> {
    let Some(within) = symbols.iter().find(|s| s.symbol.value == WITHIN_SYMBOL) else { return Ok(None) };
    let interval = cx.sql_to_expr(within.definition.clone(), &DFSchema::empty())?;
    let ms = super::relations::interval_ms(&interval).map_err(|_| {
        let error = SqlError::new("WITHIN takes an interval of days, hours, minutes or seconds that is written out").about("WITHIN");
        error.help("write WITHIN INTERVAL '10' MINUTE")
    })?;
    Ok((ms > 0).then_some(ms))
}

fn after(skip: Option<&AfterMatchSkip>, planned: &Planned) -> SqlResult<AfterMatch> {
    let variable = |name: &Ident| {
        planned.names.iter().position(|n| *n == name.value).map(|v| v as u16).ok_or_else(|| {
            let error = SqlError::new(format!("AFTER MATCH cannot skip to {}: it is no variable of the pattern", name.value));
            error.about("SKIP").help(format!("the variables are {}", planned.names.join(", ")))
        })
    };
    Ok(match skip {
        None | Some(AfterMatchSkip::ToNextRow) => AfterMatch::ToNextRow,
        Some(AfterMatchSkip::PastLastRow) => AfterMatch::PastLastRow,
        Some(AfterMatchSkip::ToFirst(name)) => AfterMatch::ToFirst(variable(name)?),
        Some(AfterMatchSkip::ToLast(name)) => AfterMatch::ToLast(variable(name)?),
    })
}
