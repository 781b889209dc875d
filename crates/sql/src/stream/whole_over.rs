//! OVER in batch mode: once the input has ended, in any order, with any frame.

use arrow::datatypes::{DataType, Field};
use datafusion_common::{DFSchema, ScalarValue};
use datafusion_expr::expr::WindowFunction;
use datafusion_expr::{Expr, ExprSchemable, Window, WindowFrame, WindowFrameBound, WindowFrameUnits, WindowFunctionDefinition};
use flott_engine::aggregate::AggSpec;
use flott_engine::operators::whole_over::WholeCall;
use flott_engine::operators::whole_over::frame::{Bound, Distance};
use flott_engine::state::ranked::SortColumn;
use std::collections::HashMap;
use std::sync::Arc;

use super::build::build;
use super::calc::{calc, identity, unalias};
use super::join::with_keys;
use super::over::functions;
use super::rank::integer;
use super::text::over_text;
use super::{Changelog, StreamNode, StreamOp, WholeOverColumns};
use crate::catalog::{PROCTIME, time_attribute, without_time_attribute};
use crate::error::{SqlError, SqlResult};
use crate::own::engine_call;
use crate::types::FlinkType;

/// The steps of OVER, one for each key and order, and the columns that the logical plan promises.
pub(super) fn build_whole_over(window: &Window) -> SqlResult<StreamNode> {
    let mut node = build(&window.input)?;
    let width = node.schema.fields().len();
    let functions = functions(window);
    let mut places = vec![0; functions.len()];
    let mut left: Vec<usize> = (0..functions.len()).collect();
    while let Some(first) = left.first().map(|i| functions[*i]) {
        let together = |i: &usize| {
            let (a, b) = (&functions[*i].params, &first.params);
            a.partition_by == b.partition_by && a.order_by == b.order_by
        };
        let (mine, others): (Vec<usize>, Vec<usize>) = left.into_iter().partition(together);
        left = others;
        let calls: Vec<(&WindowFunction, &Field)> = mine.iter().map(|i| (functions[*i], window.schema.field(width + i).as_ref())).collect();
        node = one_window(node, &calls)?;
        let results = node.schema.fields().len() - mine.len();
        mine.iter().enumerate().for_each(|(at, i)| places[*i] = results + at);
    }
    let all = identity(&node.schema);
    let project: Vec<Expr> = (0..width).chain(places).map(|place| all[place].clone()).collect();
    Ok(calc(node, None, project, window.schema.clone())?)
}

/// The step of calls of one key and order: the columns of the input and perhaps more, then the results.
fn one_window(input: StreamNode, calls: &[(&WindowFunction, &Field)]) -> SqlResult<StreamNode> {
    let Some((first, _)) = calls.first() else { return Err(SqlError::new("OVER without a call")) };
    let params = &first.params;
    let (input, partition) = with_keys(input, &params.partition_by, "$partition")?;
    // All rows of a batch job have one processing time.
    let tells_apart = |expr: &Expr| match unalias(expr) {
        Expr::Literal(..) => Ok(false),
        expr => Ok::<_, SqlError>(time_attribute(expr.to_field(&input.schema)?.1.as_ref()) != Some(PROCTIME)),
    };
    let mut sorts = vec![];
    for sort in &params.order_by {
        if tells_apart(&sort.expr)? {
            sorts.push(sort);
        }
    }
    let exprs: Vec<Expr> = sorts.iter().map(|sort| sort.expr.clone()).collect();
    let prefix = format!("$order{}_", input.schema.fields().len());
    let (mut node, order) = with_keys(input, &exprs, &prefix)?;
    let order = order.into_iter().zip(sorts);
    let order: Vec<SortColumn> =
        order.map(|(column, sort)| SortColumn { column, descending: !sort.asc, nulls_first: sort.nulls_first }).collect();
    let (mut bound, mut fields) = (vec![], vec![]);
    for (i, (function, field)) in calls.iter().enumerate() {
        let (below, call) = bind(function, field, node, &order)?;
        node = below;
        bound.push((call, over_text(function)));
        fields.push((None, Arc::new(without_time_attribute(field).with_name(format!("$over{i}")))));
    }
    let below = node.schema.iter().map(|(q, f)| (q.cloned(), f.clone()));
    let schema = Arc::new(DFSchema::new_with_metadata(below.chain(fields).collect(), HashMap::new())?);
    let op = StreamOp::WholeOver(WholeOverColumns { partition, order, calls: bound });
    let window = node.window.clone();
    Ok(StreamNode { op, inputs: vec![node], schema, changelog: Changelog::InsertOnly, window, key: None })
}

/// Binds a call; arguments that are no columns become some.
fn bind(function: &WindowFunction, field: &Field, input: StreamNode, order: &[SortColumn]) -> SqlResult<(StreamNode, WholeCall)> {
    let (name, args) = (function.fun.name(), &function.params.args);
    let upper = name.to_uppercase();
    if function.params.distinct {
        return Err(SqlError::new("batch mode has no DISTINCT in OVER").about("DISTINCT").help("compute it in a GROUP BY, and join"));
    }
    if matches!(name, "row_number" | "rank" | "dense_rank" | "percent_rank" | "cume_dist") && order.is_empty() {
        let error = SqlError::new(format!("{upper} needs an ORDER BY that is not constant")).about(&upper);
        return Err(error.help(format!("write {upper}() OVER (PARTITION BY … ORDER BY …)")));
    }
    let call = match (&function.fun, name) {
        (WindowFunctionDefinition::WindowUDF(_), "row_number") => WholeCall::RowNumber,
        (WindowFunctionDefinition::WindowUDF(_), "rank") => WholeCall::Rank,
        (WindowFunctionDefinition::WindowUDF(_), "dense_rank") => WholeCall::DenseRank,
        (WindowFunctionDefinition::WindowUDF(_), "percent_rank") => WholeCall::PercentRank,
        (WindowFunctionDefinition::WindowUDF(_), "cume_dist") => WholeCall::CumeDist,
        (WindowFunctionDefinition::WindowUDF(_), "ntile") => match args.first().and_then(integer) {
            Some(tiles) if tiles > 0 => WholeCall::Ntile(tiles),
            _ => return Err(SqlError::new("NTILE takes a whole number that is written out, 1 or more").about("NTILE")),
        },
        (WindowFunctionDefinition::WindowUDF(_), "lag" | "lead") => return shift(&upper, args, input),
        _ => return aggregate(function, field, input, order),
    };
    Ok((input, call))
}

/// LAG and LEAD.
fn shift(name: &str, args: &[Expr], input: StreamNode) -> SqlResult<(StreamNode, WholeCall)> {
    let offset = args.get(1).map_or(Some(1), integer);
    let Some(offset) = offset else {
        let error = SqlError::new(format!("the offset of {name} is no number that is written out: Flink's batch mode fails when it runs"));
        return Err(error.about(name).help(format!("write {name}(value, 2)")));
    };
    let Some(value) = args.first() else { return Err(SqlError::new(format!("{name} takes a value")).about(name)) };
    let (t, _) = FlinkType::from_field(value.to_field(&input.schema)?.1.as_ref());
    let taken = !t.to_arrow().is_nested() && !matches!(t, FlinkType::Binary(_) | FlinkType::Varbinary(_) | FlinkType::TimestampLtz(_));
    if !taken {
        return Err(SqlError::new(format!("{name} takes no {t} in batch mode, as in Flink")).about(name));
    }
    let default = args.get(2).filter(|d| !matches!(unalias(d), Expr::Literal(value, _) if value.is_null()));
    let columns: Vec<Expr> = std::iter::once(value).chain(default).cloned().collect();
    let prefix = format!("$argument{}_", input.schema.fields().len());
    let (input, columns) = with_keys(input, &columns, &prefix)?;
    let by = if name == "LEAD" { offset } else { -offset };
    Ok((input, WholeCall::Shift { value: columns[0], by, default: columns.get(1).copied() }))
}

/// An aggregate over a frame.
fn aggregate(function: &WindowFunction, field: &Field, input: StreamNode, order: &[SortColumn]) -> SqlResult<(StreamNode, WholeCall)> {
    let params = &function.params;
    let called = match &function.fun {
        WindowFunctionDefinition::AggregateUDF(called) => Some(called.as_ref()),
        WindowFunctionDefinition::WindowUDF(_) => None,
    };
    let (engine, args) = engine_call(function.fun.name(), called, &params.args)?;
    let [start, end] = bounds(&params.window_frame, order, &input.schema)?;
    let types = args.iter().map(|a| a.get_type(&input.schema)).collect::<datafusion_common::Result<Vec<_>>>()?;
    let retract = start != Bound::Partition;
    let spec = AggSpec { function: engine, args: types, output: field.data_type().clone(), distinct: false, retract };
    flott_engine::aggregate::bind(&spec)?;
    let prefix = format!("$argument{}_", input.schema.fields().len());
    let (input, args) = with_keys(input, args, &prefix)?;
    Ok((input, WholeCall::Aggregate { spec, args, start, end }))
}

/// The ends of a frame as `windows::settle` has put it there.
fn bounds(frame: &WindowFrame, order: &[SortColumn], schema: &DFSchema) -> SqlResult<[Bound; 2]> {
    let by = order.first().map(|sort| schema.field(sort.column).data_type().clone());
    let bound = |bound: &WindowFrameBound| match (bound, frame.units) {
        (WindowFrameBound::CurrentRow, WindowFrameUnits::Rows) => Ok(Bound::Rows(0)),
        (WindowFrameBound::CurrentRow, _) => Ok(Bound::Peers),
        (WindowFrameBound::Preceding(reach) | WindowFrameBound::Following(reach), _) if reach.is_null() => Ok(Bound::Partition),
        (WindowFrameBound::Preceding(reach), units) => distance(reach, units, -1, by.as_ref()),
        (WindowFrameBound::Following(reach), units) => distance(reach, units, 1, by.as_ref()),
    };
    let several = frame.units != WindowFrameUnits::Rows && order.len() > 1;
    let bounds = [bound(&frame.start_bound)?, bound(&frame.end_bound)?];
    if several && bounds.iter().any(|bound| matches!(bound, Bound::Value(_))) {
        return Err(SqlError::new("a frame with a distance in RANGE goes by one column of ORDER BY").about("RANGE").help("write ROWS"));
    }
    Ok(bounds)
}

fn distance(reach: &ScalarValue, units: WindowFrameUnits, sign: i64, by: Option<&DataType>) -> SqlResult<Bound> {
    let whole = |reach: i128| Ok(Bound::Value(Distance::Whole(reach * i128::from(sign))));
    match (units, reach, by) {
        (WindowFrameUnits::Rows, ScalarValue::UInt64(Some(rows)), _) => {
            Ok(Bound::Rows(i64::try_from(*rows).unwrap_or(i64::MAX).saturating_mul(sign)))
        }
        (WindowFrameUnits::Groups, ScalarValue::UInt64(Some(ms)), Some(DataType::Date32)) => whole(i128::from(*ms / MS_OF_DAY)),
        (WindowFrameUnits::Groups, ScalarValue::UInt64(Some(ms)), Some(DataType::Time32(_))) => whole(i128::from(*ms)),
        (WindowFrameUnits::Groups, ..) => {
            let error =
                SqlError::new("Flink's batch mode fails over a frame of time: RANGE takes an interval in the order of a DATE or TIME only");
            Err(error.about("RANGE").help("write ROWS, or use streaming mode"))
        }
        (_, reach, Some(t)) if t.is_numeric() => match reach {
            ScalarValue::Decimal128(Some(reach), ..) => whole(*reach),
            ScalarValue::Float32(Some(reach)) => Ok(Bound::Value(Distance::Real(f64::from(*reach) * sign as f64))),
            ScalarValue::Float64(Some(reach)) => Ok(Bound::Value(Distance::Real(reach * sign as f64))),
            reach => match reach.cast_to(&DataType::Int64)? {
                ScalarValue::Int64(Some(reach)) => whole(i128::from(reach)),
                _ => Err(SqlError::new("RANGE takes a distance that its order can have").about("RANGE")),
            },
        },
        _ => Err(SqlError::new("RANGE with a distance goes by a number").about("RANGE").help("write ROWS, or ORDER BY a number")),
    }
}

/// Milliseconds of a day.
const MS_OF_DAY: u64 = 86_400_000;
