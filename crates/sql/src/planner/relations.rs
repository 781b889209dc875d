//! What stands in FROM: window functions and tables with hints. What is not built yet is refused by name.

use arrow::datatypes::DataType;
use datafusion_common::{Column, DFSchema, ExprSchema, Result, ScalarValue, plan_err};
use datafusion_expr::planner::{PlannedRelation, RelationPlanner, RelationPlannerContext, RelationPlanning};
use datafusion_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use sqlparser::ast::{self, TableFactor};
use std::collections::BTreeMap;
use std::sync::Arc;

use super::context::{FlinkTable, emit_strategy, in_batch};
use super::legacy::GROUP_WINDOW;
use super::nodes::{Emission, WindowKind, WindowTvf};
use crate::catalog::{PROCTIME, time_attribute};
use crate::dialect::{Hint, TvfCall, TvfData, TvfKind, changelog_call, table_hints, window_tvf};
use crate::error::SqlError;
use crate::place::Place;
use crate::types::FlinkType;

/// See the module.
#[derive(Debug)]
pub struct FlinkRelations;

impl RelationPlanner for FlinkRelations {
    fn plan_relation(&self, relation: TableFactor, cx: &mut dyn RelationPlannerContext) -> Result<RelationPlanning> {
        if let Some(plan) = super::unnest::plan_join(&relation, cx)? {
            return Ok(RelationPlanning::Planned(Box::new(PlannedRelation::new(plan, None))));
        }
        let planned = |plan, alias| Ok(RelationPlanning::Planned(Box::new(PlannedRelation::new(plan, alias))));
        match &relation {
            TableFactor::TableFunction { expr: ast::Expr::Function(call), alias } => {
                if let Some(plan) = plan_call(&call.name, call_args(call), cx)? {
                    return planned(plan, alias.clone());
                }
                Err(unknown_table_function(&call.name.to_string()).into())
            }
            TableFactor::Table { name, args: Some(args), alias, .. } => match plan_call(name, &args.args, cx)? {
                Some(plan) => planned(plan, alias.clone()),
                None => Err(unknown_table_function(&name.to_string()).into()),
            },
            TableFactor::Table { version: Some(_), .. } => Err(SqlError::new("a table by itself cannot be read as of one time")
                .about("SYSTEM_TIME")
                .help("join it: FROM o JOIN t FOR SYSTEM_TIME AS OF o.time ON o.key = t.key, o.time being o's time attribute")
                .into()),
            TableFactor::Table { name, alias, with_hints, .. } if !with_hints.is_empty() => {
                let name = cx.object_name_to_table_reference(name.clone())?;
                let plan = hinted_scan(name, &table_hints(with_hints), cx)?;
                planned(plan, alias.clone())
            }
            TableFactor::MatchRecognize { .. } => Ok(RelationPlanning::Planned(Box::new(super::match_recognize::plan(&relation, cx)?))),
            TableFactor::Function { lateral: true, .. } | TableFactor::Derived { lateral: true, .. } => {
                Err(SqlError::not_yet("LATERAL").about("LATERAL").into())
            }
            TableFactor::Pivot { .. } | TableFactor::Unpivot { .. } => Err(SqlError::not_yet("PIVOT").about("PIVOT").into()),
            _ => Ok(RelationPlanning::Original(Box::new(relation))),
        }
    }
}

fn unknown_table_function(name: &str) -> SqlError {
    SqlError::new(format!("there is no table function '{name}'"))
        .about(name)
        .help("there are TUMBLE, HOP, CUMULATE, SESSION, FROM_CHANGELOG and TO_CHANGELOG")
}

fn call_args(call: &ast::Function) -> &[ast::FunctionArg] {
    match &call.args {
        ast::FunctionArguments::List(list) => &list.args,
        _ => &[],
    }
}

fn hinted_scan(name: datafusion_common::TableReference, hints: &[Hint], cx: &mut dyn RelationPlannerContext) -> Result<LogicalPlan> {
    let source = cx.context_provider().get_table_source(name.clone())?;
    let mut options = BTreeMap::new();
    for hint in hints.iter().filter(|h| h.name == "OPTIONS") {
        options.extend(hint.entries.iter().filter_map(|e| e.key.clone().map(|k| (k, e.value.clone()))));
    }
    match source.downcast_ref::<FlinkTable>() {
        Some(table) => {
            let mut table = table.with_hints(options);
            table.state_ttl_ms = super::ttl::of_hints(hints)?;
            LogicalPlanBuilder::scan(name, Arc::new(table), None)?.build()
        }
        None if hints.iter().any(|h| h.name == super::ttl::STATE_TTL) => {
            Err(SqlError::not_yet("STATE_TTL for a view").about(name.table()).help("put the hint into the query of the view").into())
        }
        None if options.is_empty() => LogicalPlanBuilder::scan(name, source, None)?.build(),
        None => Err(SqlError::new(format!("'{name}' is a view: OPTIONS hints go with tables")).about(name.table()).into()),
    }
}

fn plan_call(name: &ast::ObjectName, args: &[ast::FunctionArg], cx: &mut dyn RelationPlannerContext) -> Result<Option<LogicalPlan>> {
    if let Some(call) = changelog_call(&name.to_string(), args) {
        let call = call.map_err(|e| SqlError::from(e).about(name.to_string()))?;
        let input = table_data(&call.input, cx)?;
        return super::changelog::plan_call(call, input, cx).map(Some);
    }
    if let Some(plan) = super::set_operations::plan(name, args, cx)? {
        return Ok(Some(plan));
    }
    let written = name.to_string();
    let group_window = written.trim_matches('`').strip_prefix(GROUP_WINDOW);
    match window_tvf(group_window.unwrap_or(&written), args) {
        Some(Ok(call)) => plan_window(call, group_window.is_some(), cx).map(Some),
        Some(Err(e)) => Err(SqlError::from(e).about(name.to_string()).into()),
        None => Ok(None),
    }
}

/// The table or query that a table function is called for.
fn table_data(data: &TvfData, cx: &mut dyn RelationPlannerContext) -> Result<LogicalPlan> {
    match data {
        TvfData::Table { name, hints } => {
            let reference = cx.object_name_to_table_reference(name.clone())?;
            if hints.is_empty() { cx.plan(table_factor(name.clone())) } else { hinted_scan(reference, hints, cx) }
        }
        TvfData::Query(query) => cx.plan(TableFactor::Derived { lateral: false, subquery: query.clone(), alias: None, sample: None }),
    }
}

fn plan_window(call: TvfCall, group_window: bool, cx: &mut dyn RelationPlannerContext) -> Result<LogicalPlan> {
    let input = table_data(&call.data, cx)?;
    let schema = input.schema().clone();
    let time_name = call.time_col.value.clone();
    let Expr::Column(time) = cx.sql_to_expr(ast::Expr::Identifier(call.time_col.clone()), &schema)? else {
        return plan_err!("DESCRIPTOR takes a column, not '{time_name}'");
    };
    let field = schema.field_from_column(&time)?;
    if in_batch(cx.context_provider().options()) {
        return plan_batch_window(call, input, time, cx);
    }
    if time_attribute(field).is_none() && !matches!(field.data_type(), DataType::Timestamp(..)) {
        let message =
            format!("'{time_name}' is {}, and {} goes by a TIMESTAMP or TIMESTAMP_LTZ", FlinkType::from_field(field).0, call.kind.name());
        let error = SqlError::new(message).about(&time_name).placed(Place::exactly(call.time_col.span));
        return Err(error.help("name the column of the table's WATERMARK, or a column AS PROCTIME()").into());
    }
    if time_attribute(field).is_none() {
        return Err(SqlError::new(format!("'{time_name}' is not a time attribute, so {} cannot go by it", call.kind.name()))
            .about(&time_name)
            .placed(Place::exactly(call.time_col.span))
            .help(format!("declare WATERMARK FOR {time_name} AS {time_name} - INTERVAL '5' SECOND in its table, or use a PROCTIME() column; a column that was computed or cast is none any more"))
            .into());
    }
    let kind = window_kind(&call, &schema, cx)?;
    let emission = emit_strategy(cx.context_provider().options())?.map(|strategy| Emission { strategy, group_window });
    if emission.is_some() && group_window && call.kind == TvfKind::Session {
        let error = SqlError::new(
            "SESSION windows tell results at their end only: 'table.exec.emit.early-fire.enabled' and 'table.exec.emit.late-fire.enabled' are not for them",
        );
        return Err(error.about("SESSION").help("set both to 'false'").into());
    }
    Ok(WindowTvf::try_new(input, time, kind)?.told(emission).into_plan())
}

/// In batch mode windows go by any timestamp; rows without one are in none.
fn plan_batch_window(call: TvfCall, input: LogicalPlan, time: Column, cx: &mut dyn RelationPlannerContext) -> Result<LogicalPlan> {
    let (schema, name) = (input.schema().clone(), call.time_col.value.clone());
    let field = schema.field_from_column(&time)?;
    let wrong = match (time_attribute(field), field.data_type()) {
        (Some(PROCTIME), _) => Some("batch mode has no windows by processing time".to_string()),
        (_, DataType::Timestamp(..)) if call.kind == TvfKind::Session => Some("batch mode has no SESSION windows".to_string()),
        (_, DataType::Timestamp(..)) => None,
        _ => Some(format!("'{name}' is not a TIMESTAMP, so {} cannot go by it", call.kind.name())),
    };
    if let Some(wrong) = wrong {
        return Err(SqlError::new(wrong).about(&name).help("SET 'execution.runtime-mode' = 'streaming', or go by another column").into());
    }
    let kind = window_kind(&call, &schema, cx)?;
    let timed = LogicalPlanBuilder::from(input).filter(Expr::Column(time.clone()).is_not_null())?.build()?;
    Ok(WindowTvf::try_new(timed, time, kind)?.into_plan())
}

fn window_kind(call: &TvfCall, schema: &DFSchema, cx: &mut dyn RelationPlannerContext) -> Result<WindowKind> {
    // EMITONLYONUPDATE of CUMULATE is read and has no effect, as in Flink 2.3.
    let mut length = |name: &str, signed: bool| -> Result<i64> {
        let Some(expr) = call.arg(name) else { return Ok(0) };
        let ms = interval_ms(&cx.sql_to_expr(expr.clone(), schema)?).map_err(|e| SqlError::from(e).placed(Place::of(expr)))?;
        if !signed && ms <= 0 {
            let what = if matches!(name, "GAP") { "gap" } else { "window" };
            let error = SqlError::new(format!("a {what} must be longer than nothing")).placed(Place::of(expr));
            return Err(error.help("write INTERVAL '1' MINUTE, or any other length").into());
        }
        Ok(ms)
    };
    let multiple = |what: &str, of: &str, a: i64, b: i64| -> Result<()> {
        if a % b == 0 {
            return Ok(());
        }
        let error = SqlError::new(format!("{what} must be a multiple of {of}: {a} ms is not one of {b} ms"));
        Err(error.about(call.kind.name()).into())
    };
    Ok(match call.kind {
        TvfKind::Tumble => WindowKind::Tumble { size: length("SIZE", false)?, offset: length("OFFSET", true)? },
        TvfKind::Hop => {
            let (slide, size, offset) = (length("SLIDE", false)?, length("SIZE", false)?, length("OFFSET", true)?);
            multiple("the size of HOP", "its slide", size, slide)?;
            WindowKind::Hop { size, slide, offset }
        }
        TvfKind::Cumulate => {
            let (step, size, offset) = (length("STEP", false)?, length("SIZE", false)?, length("OFFSET", true)?);
            multiple("the size of CUMULATE", "its step", size, step)?;
            WindowKind::Cumulate { size, step, offset }
        }
        TvfKind::Session => {
            let gap = length("GAP", false)?;
            let mut partition = vec![];
            for key in &call.partition_by {
                match cx.sql_to_expr(key.clone(), schema)? {
                    Expr::Column(column) => partition.push(column),
                    _ => return Err(SqlError::new(format!("PARTITION BY takes columns, not '{key}'")).about(key.to_string()).into()),
                }
            }
            WindowKind::Session { gap, partition }
        }
    })
}

/// The length of an interval literal; months have none.
pub(super) fn interval_ms(expr: &Expr) -> Result<i64> {
    let value = match expr {
        Expr::Literal(ScalarValue::IntervalMonthDayNano(Some(v)), _) => *v,
        Expr::Negative(inner) => return interval_ms(inner).map(|ms| -ms),
        other => return Err(SqlError::new(format!("an INTERVAL is expected, not {other}")).help("write INTERVAL '1' MINUTE").into()),
    };
    if value.months != 0 {
        return Err(SqlError::new("a window's length cannot be given in months or years: they are not equally long")
            .help("write days")
            .into());
    }
    Ok(i64::from(value.days) * 86_400_000 + value.nanoseconds / 1_000_000)
}

fn table_factor(name: ast::ObjectName) -> TableFactor {
    TableFactor::Table {
        name,
        alias: None,
        args: None,
        with_hints: vec![],
        version: None,
        with_ordinality: false,
        partitions: vec![],
        json_path: None,
        sample: None,
        index_hints: vec![],
    }
}
