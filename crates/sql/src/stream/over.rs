//! OVER: by event time, by processing time, or by a value and then with results that change.

use arrow::datatypes::Field;
use datafusion_common::tree_node::TreeNodeRecursion;
use datafusion_common::{DFSchema, ScalarValue};
use datafusion_expr::expr::WindowFunction;
use datafusion_expr::{
    Expr, ExprSchemable, LogicalPlan, Window, WindowFrame, WindowFrameBound, WindowFrameUnits, WindowFunctionDefinition,
};
use flott_engine::aggregate::{AggFunction, AggSpec};
use flott_engine::operators::over_aggregate::Frame;
use flott_engine::state::ranked::SortColumn;
use std::collections::HashMap;
use std::sync::Arc;

use super::build::build;
use super::calc::{calc, identity, unalias};
use super::join::with_keys;
use super::rank::integer;
use super::text::over_call_text;
use super::{AggregateCall, Changelog, OverColumns, OverOrder, StreamNode, StreamOp};
use crate::catalog::{PROCTIME, ROWTIME, time_attribute, without_time_attribute};
use crate::error::{SqlError, SqlResult};
use crate::own::engine_call;

/// Refuses a SELECT with several windows: Flink computes all of a SELECT's OVER in one. To be asked of a plan as it was written, in
/// which every query has its projection.
pub fn check_windows(plan: &LogicalPlan) -> SqlResult<()> {
    let mut found: Option<SqlError> = None;
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::Window(window) = node {
            let inner = match window.input.as_ref() {
                LogicalPlan::Window(inner) => functions(inner),
                _ => vec![],
            };
            let all: Vec<&WindowFunction> = functions(window).into_iter().chain(inner).collect();
            let other = all.iter().find(|f| !same_window(f, all[0]));
            found = found.take().or(other.map(|f| {
                SqlError::new("the calls of OVER in one SELECT have different windows")
                    .about(f.fun.name())
                    .help("compute one of them in a sub-query in FROM: SELECT …, SUM(x) OVER (…) FROM (SELECT *, COUNT(*) OVER (…) FROM t)")
            }));
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    found.map_or(Ok(()), Err)
}

pub(super) fn functions(window: &Window) -> Vec<&WindowFunction> {
    let function = |expr| match unalias(expr) {
        Expr::WindowFunction(function) => Some(function.as_ref()),
        _ => None,
    };
    window.window_expr.iter().filter_map(function).collect()
}

/// Whether two calls see the same rows. The order of the partition's columns means nothing.
pub(super) fn same_window(a: &WindowFunction, b: &WindowFunction) -> bool {
    let (a, b) = (&a.params, &b.params);
    let within = |some: &[Expr], others: &[Expr]| some.iter().all(|key| others.contains(key));
    within(&a.partition_by, &b.partition_by)
        && within(&b.partition_by, &a.partition_by)
        && a.order_by == b.order_by
        && a.window_frame == b.window_frame
}

/// The steps of OVER.
pub(super) fn build_over(window: &Window) -> SqlResult<StreamNode> {
    let input = build(&window.input)?;
    let width = input.schema.fields().len();
    let functions = functions(window);
    let Some(first) = functions.first() else { return Err(SqlError::new("OVER without a call")) };
    let sort = match &first.params.order_by[..] {
        [sort] if !matches!(unalias(&sort.expr), Expr::Literal(..)) => sort,
        [] | [_] => return Err(wrong_order("needs an ORDER BY", first)),
        [..] => return Err(wrong_order("takes one column in its ORDER BY", first)),
    };
    if !sort.asc {
        let error = SqlError::new("rows of a stream are ordered for OVER from the first to the last, never the other way").about("DESC");
        return Err(error.help("for a Top-N filter on ROW_NUMBER() in a query around this one: WHERE rn <= 10"));
    }
    let attribute = order_attribute(&sort.expr, &input)?;
    let (input, partition) = with_keys(input, &first.params.partition_by, "$partition")?;
    let (input, order) = with_keys(input, std::slice::from_ref(&sort.expr), "$order")?;
    let order = match attribute.as_deref() {
        Some(ROWTIME) => OverOrder::Event(order[0]),
        Some(PROCTIME) => OverOrder::Processing(order[0]),
        _ => OverOrder::Value(SortColumn { column: order[0], descending: false, nulls_first: sort.nulls_first }),
    };
    let by_value = matches!(order, OverOrder::Value(_));
    if !by_value && input.changelog != Changelog::InsertOnly {
        return Err(SqlError::new("OVER by time takes rows that do not change, but the query before it changes rows it has emitted")
            .about("OVER")
            .help("ORDER BY a value that is no time attribute, or use OVER before the aggregation"));
    }
    let frame = frame_of(&first.params.window_frame, &order)?;
    let retract = matches!(frame, Frame::Rows(_) | Frame::Range(_));
    let (mut node, mut calls) = (input, vec![]);
    for (function, field) in functions.iter().zip(&window.schema.fields()[width..]) {
        let (below, call) = bind_call(function, field, node, retract, by_value)?;
        node = below;
        calls.push(call);
    }
    finish(window, node, OverColumns { partition, order, frame, calls }, width)
}

/// The kind of time that an order goes by: a time attribute that is computed with is none any more.
fn order_attribute(expr: &Expr, input: &StreamNode) -> SqlResult<Option<String>> {
    let plain = match unalias(expr) {
        Expr::Column(_) => true,
        Expr::ScalarFunction(function) => function.args.is_empty(),
        _ => false,
    };
    let (_, field) = expr.to_field(&input.schema)?;
    Ok(time_attribute(&field).filter(|_| plain).map(str::to_owned))
}

fn wrong_order(message: &str, function: &WindowFunction) -> SqlError {
    let name = function.fun.name().to_uppercase();
    SqlError::new(format!("OVER of a stream {message}"))
        .about("OVER")
        .help(format!("write {name}(…) OVER (PARTITION BY … ORDER BY t), t being the column of WATERMARK, PROCTIME() or any other one"))
}

/// The frame that `windows::settle` has put there.
fn frame_of(frame: &WindowFrame, order: &OverOrder) -> SqlResult<Frame> {
    let reach = match &frame.start_bound {
        WindowFrameBound::Preceding(ScalarValue::UInt64(reach)) => reach.map(|n| i64::try_from(n).unwrap_or(i64::MAX)),
        WindowFrameBound::Preceding(value) if value.is_null() => None,
        other => return Err(SqlError::new(format!("the frame of OVER cannot begin with {other}")).about("OVER")),
    };
    if reach.is_some() && matches!(order, OverOrder::Value(_)) {
        return Err(SqlError::new("a frame of OVER can have a limit only in the order of time")
            .about(if frame.units == WindowFrameUnits::Rows { "ROWS" } else { "RANGE" })
            .help("ORDER BY the column of WATERMARK or PROCTIME(), or leave the frame out"));
    }
    Ok(match (frame.units, reach) {
        (WindowFrameUnits::Rows, None) => Frame::Unbounded { peers: false },
        // All rows have a processing time of their own.
        (_, None) => Frame::Unbounded { peers: !matches!(order, OverOrder::Processing(_)) },
        (WindowFrameUnits::Rows, Some(rows)) => Frame::Rows(rows as usize),
        (_, Some(ms)) => Frame::Range(ms),
    })
}

/// How the engine computes a function that only OVER has, and which of its arguments are columns.
fn window_function(name: &str, args: &[Expr]) -> SqlResult<(AggFunction, Vec<Expr>)> {
    match name {
        "lag" => {}
        "first_value" => return Ok((AggFunction::FirstValue, args.to_vec())),
        "last_value" => return Ok((AggFunction::LastValue, args.to_vec())),
        // ROW_NUMBER counts rows in a frame of rows, RANK and DENSE_RANK in a frame of times, as Flink does in a stream.
        _ => return Ok((AggFunction::Count, vec![])),
    }
    let offset = match args.get(1) {
        None => Some(1),
        Some(constant @ Expr::Literal(..)) => match integer(constant) {
            Some(offset) if offset >= 0 => Some(offset as usize),
            _ => return Err(SqlError::new("the offset of LAG must be 0 or more").about("LAG")),
        },
        Some(_) => None,
    };
    let computed = args.get(1).filter(|_| offset.is_none());
    let default = args.get(2).filter(|d| !matches!(unalias(d), Expr::Literal(value, _) if value.is_null()));
    Ok((AggFunction::Lag { offset }, args.iter().take(1).chain(computed).chain(default).cloned().collect()))
}

/// Binds a call; arguments that are no columns become some.
fn bind_call(
    function: &WindowFunction,
    field: &Field,
    input: StreamNode,
    retract: bool,
    by_value: bool,
) -> SqlResult<(StreamNode, AggregateCall)> {
    let (name, params) = (function.fun.name(), &function.params);
    let (engine, args) = match &function.fun {
        WindowFunctionDefinition::WindowUDF(_) => window_function(name, &params.args)?,
        WindowFunctionDefinition::AggregateUDF(function) => {
            let (engine, args) = engine_call(name, Some(function), &params.args)?;
            (engine, args.to_vec())
        }
    };
    let whole = matches!(engine, AggFunction::Collect | AggFunction::ArrayAgg | AggFunction::Lag { .. });
    if by_value && (whole || params.distinct) {
        let what = if params.distinct { "DISTINCT".to_string() } else { name.to_uppercase() };
        return Err(SqlError::new(format!("{what} does not go with OVER in the order of a value: Flink fails when it runs"))
            .about(&what)
            .help("ORDER BY the column of WATERMARK, or PROCTIME()"));
    }
    let types = args.iter().map(|a| a.get_type(&input.schema)).collect::<datafusion_common::Result<Vec<_>>>()?;
    let spec = AggSpec { function: engine, args: types, output: field.data_type().clone(), distinct: params.distinct, retract };
    flott_engine::aggregate::bind(&spec)?;
    let prefix = format!("$argument{}_", input.schema.fields().len());
    let (input, args) = with_keys(input, &args, &prefix)?;
    Ok((input, AggregateCall { spec, args, filter: None, text: over_call_text(function) }))
}

/// The step, and the columns that the logical plan promises.
fn finish(window: &Window, input: StreamNode, columns: OverColumns, width: usize) -> SqlResult<StreamNode> {
    let by_value = matches!(columns.order, OverOrder::Value(_));
    let own = |f: &Arc<Field>| if by_value { Arc::new(without_time_attribute(f)) } else { f.clone() };
    let mut fields: Vec<_> = input.schema.iter().map(|(q, f)| (q.cloned(), own(f))).collect();
    let results = columns.calls.iter().zip(&window.schema.fields()[width..]).enumerate();
    fields.extend(results.map(|(i, (_, f))| (None, Arc::new(f.as_ref().clone().with_name(format!("$over{i}"))))));
    let schema = Arc::new(DFSchema::new_with_metadata(fields, HashMap::new())?);
    let (changelog, kept_window) = match by_value {
        true => (Changelog::Retract, None),
        false => (Changelog::InsertOnly, input.window.clone()),
    };
    let below = input.schema.fields().len();
    let node = StreamNode { op: StreamOp::Over(columns), inputs: vec![input], schema, changelog, window: kept_window, key: None };
    let all = identity(&node.schema);
    let project: Vec<Expr> = all.iter().take(width).chain(&all[below..]).cloned().collect();
    let fields = window.schema.iter().enumerate().map(|(i, (q, f))| (q.cloned(), if i < width { own(f) } else { f.clone() }));
    let schema = Arc::new(DFSchema::new_with_metadata(fields.collect(), HashMap::new())?);
    Ok(calc(node, None, project, schema)?)
}
