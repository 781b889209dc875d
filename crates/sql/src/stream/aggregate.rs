//! Aggregations: which are window aggregations, and what they compute.

use arrow::datatypes::{DataType, Field, TimeUnit};
use datafusion_common::{DFSchema, Result};
use datafusion_expr::expr::AggregateFunction;
use datafusion_expr::utils::grouping_set_to_exprlist;
use datafusion_expr::{Aggregate, Expr, ExprSchemable, GroupingSet as LogicalSets};
use flott_engine::aggregate::{AggFunction, AggSpec};
use flott_engine::operators::emitting_aggregate::EmitStrategy;
use flott_engine::operators::expand::GroupingSet;
use std::collections::HashMap;
use std::sync::Arc;

use super::calc::{calc, column_at, compute, identity, substitute, unalias};
use super::text::call_text;
use super::{AggregateCall, AggregateCalls, Changelog, StreamNode, StreamOp, WindowColumns};
use crate::catalog::{PROCTIME, ROWTIME, with_time_attribute};
use crate::error::{SqlError, SqlResult};
use crate::own::engine_call;
use crate::planner::nodes::{Emission, WINDOW_COLUMNS, WindowKind};

/// An aggregation being planned.
struct Plan<'a> {
    logical: &'a Aggregate,
    /// Distinct group expressions, over the input.
    groups: Vec<Expr>,
    /// Which of `groups` each grouping set has; none without grouping sets.
    sets: Option<Vec<Vec<usize>>>,
    calls: Vec<&'a AggregateFunction>,
}

/// The steps of an aggregation over `input`.
pub fn build_aggregate(logical: &Aggregate, input: StreamNode) -> SqlResult<StreamNode> {
    let plan = Plan::of(logical)?;
    let Some(window) = plan.window(&input) else { return plan.group(input) };
    if !plan.follows_sessions(&input, &window)? {
        return plan.group(input);
    }
    let place = WindowPlace::of(&plan, &input, &window);
    if plan.sets.iter().flatten().any(|set| !place.bounds().all(|b| set.contains(&b))) {
        return Err(SqlError::not_yet("a grouping set without window_start and window_end").about("GROUPING"));
    }
    plan.windowed(input, window, &place)
}

/// Which of the group expressions are the window's columns.
struct WindowPlace {
    /// Index among the group expressions, by window column.
    at: [Option<usize>; 3],
}

impl WindowPlace {
    fn of(plan: &Plan<'_>, input: &StreamNode, window: &WindowColumns) -> Self {
        let find = |column: Option<usize>| column.and_then(|c| plan.groups.iter().position(|g| column_at(g, &input.schema) == Some(c)));
        Self { at: window.at.map(find) }
    }

    fn bounds(&self) -> impl Iterator<Item = usize> + '_ {
        self.at.iter().take(2).flatten().copied()
    }

    fn has(&self, group: usize) -> bool {
        self.at.contains(&Some(group))
    }
}

impl<'a> Plan<'a> {
    fn of(logical: &'a Aggregate) -> SqlResult<Self> {
        let groups: Vec<Expr> = grouping_set_to_exprlist(&logical.group_expr)?.into_iter().cloned().collect();
        let sets = match logical.group_expr.as_slice() {
            [Expr::GroupingSet(sets)] => Some(enumerate(sets, &groups)),
            _ => None,
        };
        let calls = logical.aggr_expr.iter().map(|e| match unalias(e) {
            Expr::AggregateFunction(f) => Ok(f),
            other => Err(SqlError::not_yet(format!("the aggregate {other}"))),
        });
        Ok(Self { logical, groups, sets, calls: calls.collect::<SqlResult<_>>()? })
    }

    /// The window, if both of its bounds are group keys.
    fn window(&self, input: &StreamNode) -> Option<WindowColumns> {
        let window = input.window.clone()?;
        let grouped = |column: Option<usize>| column.is_some_and(|c| self.groups.iter().any(|g| column_at(g, &input.schema) == Some(c)));
        (grouped(window.at[0]) && grouped(window.at[1])).then_some(window)
    }

    /// Whether the window can be found by the aggregation itself. That of a session cannot when the keys are not those of
    /// PARTITION BY: then the rows get their sessions first, and are grouped by the bounds like by any columns.
    fn follows_sessions(&self, input: &StreamNode, window: &WindowColumns) -> SqlResult<bool> {
        let WindowKind::Session { .. } = window.kind else { return Ok(true) };
        let Some((tvf, _, project)) = over_tvf(input) else { return Ok(false) };
        let StreamOp::WindowTvf { partition, .. } = &tvf.op else { return Ok(false) };
        let place = WindowPlace::of(self, input, window);
        let mut exprs: Vec<Expr> = (0..self.groups.len()).filter(|g| !place.has(*g)).map(|g| self.groups[g].clone()).collect();
        let mut keys = vec![];
        for key in &exprs {
            keys.push(column_at(&substitute(key, &input.schema, &project)?, &tvf.schema));
        }
        let same = keys.iter().all(|k| k.is_some_and(|k| partition.contains(&k))) && partition.iter().all(|p| keys.contains(&Some(*p)));
        if !same || self.sets.is_some() {
            return Ok(false);
        }
        self.bind_calls(&input.schema, &mut exprs, false)?;
        let (_, _, attached) = self.below_window(input.clone(), window, exprs)?;
        Ok(!attached)
    }

    /// Unbounded aggregation.
    fn group(&self, input: StreamNode) -> SqlResult<StreamNode> {
        let retract = !input.changelog.is_insert_only();
        let keys: Vec<usize> = (0..self.groups.len()).collect();
        let mut exprs = self.groups.clone();
        let calls = self.bind_calls(&input.schema, &mut exprs, retract)?;
        let node = self.expand(compute(input, None, exprs)?, &keys)?;
        let mut keys = keys;
        if self.sets.is_some() {
            keys.push(node.schema.fields().len() - 1);
        }
        let insert_only = calls.is_empty() && !retract;
        let schema = self.output_schema(&node, &keys, &calls, &[])?;
        let changelog = match (insert_only, retract) {
            (true, _) => Changelog::InsertOnly,
            (false, false) => Changelog::Update,
            (false, true) => Changelog::Retract,
        };
        let key = Some((0..keys.len()).collect());
        let aggregate = AggregateCalls { keys, calls };
        let node = StreamNode { op: StreamOp::GroupAggregate(aggregate), schema, changelog, window: None, key, inputs: vec![node] };
        self.rename(node, |i| i)
    }

    /// Aggregation per window.
    fn windowed(&self, input: StreamNode, window: WindowColumns, place: &WindowPlace) -> SqlResult<StreamNode> {
        let key_groups: Vec<usize> = (0..self.groups.len()).filter(|g| !place.has(*g)).collect();
        let mut exprs: Vec<Expr> = key_groups.iter().map(|g| self.groups[*g].clone()).collect();
        let retract = !input.changelog.is_insert_only();
        let mut calls = self.bind_calls(&input.schema, &mut exprs, retract)?;
        // A group whose rows were all taken back has no result.
        let rows = retract.then_some(key_groups.len() + usize::from(self.sets.is_some()) + calls.len());
        calls.extend(rows.map(|_| count_rows()));
        let emission = over_tvf(&input).and_then(|(tvf, ..)| emission(tvf));
        let (below, time, attached) = self.below_window(input, &window, exprs)?;
        let emit = told(emission, attached)?;
        let keys: Vec<usize> = (0..key_groups.len()).collect();
        let node = self.expand(below, &keys)?;
        let mut keys = keys;
        if self.sets.is_some() {
            keys.push(node.schema.fields().len() - 1);
        }
        let attribute = if window.processing { PROCTIME } else { ROWTIME };
        let zone = time.map(|t| node.schema.field(t).data_type().clone()).filter(|_| !attached);
        let bounds = window_fields(zone, self.time_type(place), attribute);
        let schema = self.output_schema(&node, &keys, &calls, &bounds)?;
        let results = keys.len() + calls.len();
        let columns = WindowColumns { at: [0, 1, 2].map(|i| Some(results + i)), ..window.clone() };
        let op = StreamOp::WindowAggregate {
            kind: window.kind,
            attached,
            time: time.filter(|_| !window.processing || attached),
            emit,
            aggregate: AggregateCalls { keys: keys.clone(), calls },
        };
        let changelog = if emit.is_some() { Changelog::Update } else { Changelog::InsertOnly };
        let window = emit.is_none().then_some(columns);
        let node = StreamNode { op, schema, changelog, window, key: None, inputs: vec![node] };
        let keys = key_groups.len();
        let condition = rows.map(|at| identity(&node.schema)[at].clone().gt(datafusion_expr::lit(0_i64)));
        // Group expressions come first in the logical output, then the set's id, then results.
        self.rename_where(node, condition, |i| match i {
            i if i < self.groups.len() => match place.at.iter().position(|p| *p == Some(i)) {
                Some(column) => results + column,
                None => key_groups.iter().position(|g| *g == i).unwrap_or(0),
            },
            i => i - self.groups.len() + keys,
        })
    }

    /// The type that `window_time` has in the logical plan, if it is a key.
    fn time_type(&self, place: &WindowPlace) -> Option<DataType> {
        place.at[2].map(|g| self.logical.schema.field(g).data_type().clone())
    }

    /// The columns `exprs` for rows before they are put in windows, and the position of their time. When the expressions
    /// need the window's columns, or the rows come from a window aggregation, the windows are attached to the rows.
    fn below_window(
        &self,
        input: StreamNode,
        window: &WindowColumns,
        mut exprs: Vec<Expr>,
    ) -> SqlResult<(StreamNode, Option<usize>, bool)> {
        let n = exprs.len();
        if let Some((tvf, condition, project)) = over_tvf(&input) {
            let StreamOp::WindowTvf { time, .. } = tvf.op else { return Err(SqlError::new("a window function was just seen")) };
            let below = &tvf.inputs[0];
            let mut moved = exprs.iter().map(|e| substitute(e, &input.schema, &project)).collect::<Result<Vec<_>>>()?;
            let free = |e: &Expr| {
                e.column_refs().iter().all(|c| tvf.schema.maybe_index_of_column(c).is_some_and(|i| i < below.schema.fields().len()))
            };
            if moved.iter().all(free) && condition.as_ref().is_none_or(free) {
                moved.push(Expr::Column(below.schema.columns()[time].clone()));
                return Ok((compute(below.clone(), condition, moved)?, Some(n), false));
            }
        }
        let end = window.at[1].ok_or_else(|| SqlError::new("window_end is a key"))?;
        exprs.push(Expr::Column(input.schema.columns()[end].clone()));
        Ok((compute(input, None, exprs)?, Some(n), true))
    }

    /// Binds the calls, adding their arguments and filters to `exprs`.
    fn bind_calls(&self, schema: &DFSchema, exprs: &mut Vec<Expr>, retract: bool) -> SqlResult<Vec<AggregateCall>> {
        let keys = exprs.len();
        let mut place = |expr: &Expr| match exprs.iter().skip(keys).position(|e| e == expr) {
            Some(i) => keys + i,
            None => {
                exprs.push(expr.clone());
                exprs.len() - 1
            }
        };
        let mut calls = vec![];
        for (call, out) in self.calls.iter().zip(self.result_fields()) {
            let params = &call.params;
            if !params.order_by.is_empty() {
                return Err(SqlError::not_yet("ORDER BY inside an aggregate").about("ORDER"));
            }
            let (function, args) = engine_call(call.func.name(), Some(&call.func), &params.args)?;
            let types = args.iter().map(|a| a.get_type(schema)).collect::<Result<Vec<_>>>()?;
            let spec = AggSpec { function, args: types, output: out, distinct: params.distinct, retract };
            flott_engine::aggregate::bind(&spec)?;
            let args = args.iter().map(&mut place).collect();
            let filter = params.filter.as_deref().map(&mut place);
            calls.push(AggregateCall { spec, args, filter, text: call_text(call) });
        }
        Ok(calls)
    }

    fn result_fields(&self) -> impl Iterator<Item = DataType> + '_ {
        let fields = self.logical.schema.fields();
        fields[fields.len() - self.calls.len()..].iter().map(|f| f.data_type().clone())
    }

    /// One copy of each row per grouping set, the set's id behind its columns.
    fn expand(&self, input: StreamNode, keys: &[usize]) -> SqlResult<StreamNode> {
        let Some(sets) = &self.sets else { return Ok(input) };
        // `keys` stand for those group expressions that are no window columns, in order.
        let plain: Vec<usize> = self.plain_groups(keys.len());
        let mut seen: HashMap<&[usize], i64> = HashMap::new();
        let mut expanded = vec![];
        for set in sets {
            let ordinal = seen.entry(set.as_slice()).and_modify(|n| *n += 1).or_insert(0);
            let mask = (0..self.groups.len()).fold(0_i64, |mask, g| (mask << 1) | i64::from(!set.contains(&g)));
            let nulled = keys.iter().copied().filter(|k| !set.contains(&plain[*k])).collect();
            expanded.push(GroupingSet { id: mask | (*ordinal << self.groups.len()), nulled });
        }
        let mut fields: Vec<_> = input.schema.iter().map(|(q, f)| (q.cloned(), Arc::new(f.as_ref().clone().with_nullable(true)))).collect();
        fields.push((None, Arc::new(Field::new("$set", DataType::Int64, false))));
        let schema = Arc::new(DFSchema::new_with_metadata(fields, HashMap::new())?);
        let changelog = input.changelog;
        Ok(StreamNode { op: StreamOp::Expand(expanded), schema, changelog, window: None, key: None, inputs: vec![input] })
    }

    /// Group expressions that are keys of the engine's aggregation. Window columns are last or first, never nulled.
    fn plain_groups(&self, count: usize) -> Vec<usize> {
        if count == self.groups.len() {
            return (0..count).collect();
        }
        let window = |e: &Expr| matches!(unalias(e), Expr::Column(c) if WINDOW_COLUMNS.contains(&c.name.as_str()));
        (0..self.groups.len()).filter(|g| !window(&self.groups[*g])).collect()
    }

    /// Keys, results and `more`, under made-up names.
    fn output_schema(&self, input: &StreamNode, keys: &[usize], calls: &[AggregateCall], more: &[Field]) -> SqlResult<Arc<DFSchema>> {
        let results = calls.iter().map(|c| Field::new("", c.spec.output.clone(), true));
        let keys = keys.iter().map(|k| crate::catalog::without_time_attribute(input.schema.field(*k)));
        let fields = keys.chain(results).chain(more.iter().cloned()).enumerate();
        let fields = fields.map(|(i, f)| (None, Arc::new(f.with_name(format!("${i}"))))).collect();
        Ok(Arc::new(DFSchema::new_with_metadata(fields, HashMap::new())?))
    }

    /// A Calc that gives the columns the logical plan promises; `at` maps its columns to the engine's.
    fn rename(&self, node: StreamNode, at: impl Fn(usize) -> usize) -> SqlResult<StreamNode> {
        self.rename_where(node, None, at)
    }

    fn rename_where(&self, node: StreamNode, condition: Option<Expr>, at: impl Fn(usize) -> usize) -> SqlResult<StreamNode> {
        let columns = identity(&node.schema);
        let wanted = self.logical.schema.fields();
        let set_id = self.sets.as_ref().map(|_| self.groups.len());
        let project: Vec<Expr> = wanted
            .iter()
            .enumerate()
            .map(|(i, field)| {
                let column = columns[at(i)].clone();
                match set_id {
                    Some(id) if id == i => datafusion_expr::cast(column, field.data_type().clone()),
                    _ => column,
                }
            })
            .collect();
        Ok(calc(node, condition, project, self.logical.schema.clone())?)
    }
}

fn emission(tvf: &StreamNode) -> Option<Emission> {
    if let StreamOp::WindowTvf { emission, .. } = &tvf.op { *emission } else { None }
}

/// When an aggregation tells results besides the end of windows.
fn told(emission: Option<Emission>, attached: bool) -> SqlResult<Option<EmitStrategy>> {
    match emission {
        Some(emission) if !emission.group_window => {
            let message = "'table.exec.emit.early-fire.enabled' and 'table.exec.emit.late-fire.enabled' are not for window functions";
            Err(SqlError::new(message).about("TABLE").help("set both to 'false', or write the window in GROUP BY: TUMBLE(time, size)"))
        }
        Some(_) if attached => Err(SqlError::not_yet("early or late results of aggregates over a window's own columns").about("GROUP")),
        emission => Ok(emission.map(|e| e.strategy)),
    }
}

/// COUNT(*) over rows that may be taken back.
fn count_rows() -> AggregateCall {
    let spec = AggSpec { function: AggFunction::Count, args: vec![], output: DataType::Int64, distinct: false, retract: true };
    AggregateCall { spec, args: vec![], filter: None, text: "COUNT(*)".into() }
}

/// `window_start`, `window_end`, `window_time`.
fn window_fields(time: Option<DataType>, named: Option<DataType>, attribute: &str) -> [Field; 3] {
    let bound = DataType::Timestamp(TimeUnit::Millisecond, None);
    let time = named.or(time).unwrap_or(bound.clone());
    [
        Field::new(WINDOW_COLUMNS[0], bound.clone(), false),
        Field::new(WINDOW_COLUMNS[1], bound, false),
        with_time_attribute(&Field::new(WINDOW_COLUMNS[2], time, false), attribute),
    ]
}

/// The window function below a node, with the Calc between them.
fn over_tvf(node: &StreamNode) -> Option<(&StreamNode, Option<Expr>, Vec<Expr>)> {
    match &node.op {
        StreamOp::WindowTvf { .. } => Some((node, None, identity(&node.schema))),
        StreamOp::Calc { condition, project } if matches!(node.inputs[0].op, StreamOp::WindowTvf { .. }) => {
            Some((&node.inputs[0], condition.clone(), project.clone()))
        }
        _ => None,
    }
}

/// Which group expressions each set has.
fn enumerate(sets: &LogicalSets, groups: &[Expr]) -> Vec<Vec<usize>> {
    let indices = |set: &[Expr]| -> Vec<usize> {
        let mut found: Vec<usize> = set.iter().filter_map(|e| groups.iter().position(|g| g == e)).collect();
        found.sort_unstable();
        found.dedup();
        found
    };
    match sets {
        LogicalSets::GroupingSets(sets) => sets.iter().map(|s| indices(s)).collect(),
        LogicalSets::Rollup(exprs) => (0..=exprs.len()).rev().map(|n| indices(&exprs[..n])).collect(),
        LogicalSets::Cube(exprs) => (0..1_usize << exprs.len())
            .rev()
            .map(|mask| {
                let chosen: Vec<Expr> =
                    exprs.iter().enumerate().filter(|(i, _)| mask >> (exprs.len() - 1 - i) & 1 == 1).map(|(_, e)| e.clone()).collect();
                indices(&chosen)
            })
            .collect(),
    }
}
