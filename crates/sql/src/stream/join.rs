//! Joins: which kind of join a plan's join is, by its condition and by what its inputs are.

use arrow::array::{AsArray, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{DataType, Field, Int64Type, Schema};
use datafusion_common::tree_node::{Transformed, TreeNode};
use datafusion_common::{DFSchema, JoinType, NullEquality, Result, ScalarValue};
use datafusion_expr::execution_props::ExecutionProps;
use datafusion_expr::logical_plan::builder::build_join_schema;
use datafusion_expr::utils::{conjunction, split_conjunction};
use datafusion_expr::{BinaryExpr, Expr, Join, Operator};
use datafusion_physical_expr::create_physical_expr;
use flott_engine::operators::pairs::JoinKind;
use std::collections::HashMap;
use std::sync::Arc;

use super::build::build;
use super::calc::{calc, column_at, compute, identity};
use super::{Changelog, JoinColumns, StreamNode, StreamOp};
use crate::catalog::{PROCTIME, time_attribute, without_time_attribute};
use crate::error::{SqlError, SqlResult};

/// The steps of a join.
pub(super) fn build_join(join: &Join) -> SqlResult<StreamNode> {
    let (kind, swapped) = kind_of(join)?;
    let (mut left, mut right) = (build(&join.left)?, build(&join.right)?);
    let (mut on, mut condition) = (join.on.clone(), join.filter.clone());
    if join.null_aware {
        (on, condition) = not_in(on, condition)?;
    }
    if swapped {
        std::mem::swap(&mut left, &mut right);
        on = on.into_iter().map(|(l, r)| (r, l)).collect();
    }
    let (left_exprs, right_exprs): (Vec<Expr>, Vec<Expr>) = on.into_iter().unzip();
    let (left, left_keys) = with_keys(left, &left_exprs, "$left")?;
    let (right, right_keys) = with_keys(right, &right_exprs, "$right")?;
    let nulls_equal = vec![join.null_equality == NullEquality::NullEqualsNull; left_keys.len()];
    let columns = JoinColumns { kind, keys: [left_keys, right_keys], nulls_equal, condition };
    let schema = build_join_schema(&left.schema, &right.schema, &join_type(kind))?;
    let joined = match window_ends(&columns, &left, &right) {
        Some(ends) => window_join(columns, ends, left, right, schema)?,
        None => match interval(&columns, &left, &right)? {
            Some(interval) => interval_join(columns, interval, left, right, schema)?,
            None => regular_join(columns, left, right, schema)?,
        },
    };
    // Keys that had to be computed are no columns of the result.
    if joined.schema.fields().len() == join.schema.fields().len() {
        return Ok(joined);
    }
    let wanted: Vec<Expr> = identity(&joined.schema).into_iter().filter(|e| !is_made_up(e)).collect();
    compute_as(joined, wanted)
}

/// What a pair must fulfil so that NOT IN is not true: the values, which are the first ones compared, are equal, or one is NULL.
fn not_in(mut on: Vec<(Expr, Expr)>, condition: Option<Expr>) -> SqlResult<(Vec<(Expr, Expr)>, Option<Expr>)> {
    let mut rest: Vec<Expr> = condition.iter().flat_map(split_conjunction).cloned().collect();
    let (left, right) = match on.is_empty() {
        false => on.remove(0),
        true => match (!rest.is_empty()).then(|| rest.remove(0)) {
            Some(Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right })) => (*left, *right),
            _ => return Err(SqlError::not_yet("NOT IN with this sub-query").about("NOT")),
        },
    };
    let equal = left.clone().is_null().or(right.clone().is_null()).or(left.eq(right));
    Ok((on, conjunction(std::iter::once(equal).chain(rest))))
}

fn is_made_up(expr: &Expr) -> bool {
    matches!(expr, Expr::Column(c) if c.name.starts_with("$left") || c.name.starts_with("$right"))
}

pub(super) fn compute_as(input: StreamNode, columns: Vec<Expr>) -> SqlResult<StreamNode> {
    let fields = columns.iter().filter_map(|e| column_at(e, &input.schema)).map(|i| {
        let (qualifier, field) = input.schema.qualified_field(i);
        (qualifier.cloned(), field.clone())
    });
    let schema = Arc::new(DFSchema::new_with_metadata(fields.collect(), HashMap::new())?);
    Ok(calc(input, None, columns, schema)?)
}

/// The kind of a join, and whether its inputs must change places for it.
fn kind_of(join: &Join) -> SqlResult<(JoinKind, bool)> {
    Ok(match join.join_type {
        JoinType::Inner => (JoinKind::Inner, false),
        JoinType::Left => (JoinKind::Left, false),
        JoinType::Right => (JoinKind::Right, false),
        JoinType::Full => (JoinKind::Full, false),
        JoinType::LeftSemi => (JoinKind::Semi, false),
        JoinType::LeftAnti => (JoinKind::Anti, false),
        JoinType::RightSemi => (JoinKind::Semi, true),
        JoinType::RightAnti => (JoinKind::Anti, true),
        other => return Err(SqlError::not_yet(format!("a join of kind {other}")).about("JOIN")),
    })
}

fn join_type(kind: JoinKind) -> JoinType {
    match kind {
        JoinKind::Inner => JoinType::Inner,
        JoinKind::Left => JoinType::Left,
        JoinKind::Right => JoinType::Right,
        JoinKind::Full => JoinType::Full,
        JoinKind::Semi => JoinType::LeftSemi,
        JoinKind::Anti => JoinType::LeftAnti,
    }
}

/// The input with its join keys as columns, and where they are.
pub(super) fn with_keys(input: StreamNode, keys: &[Expr], prefix: &str) -> SqlResult<(StreamNode, Vec<usize>)> {
    let places: Option<Vec<usize>> = keys.iter().map(|e| column_at(e, &input.schema)).collect();
    if let Some(places) = places {
        return Ok((input, places));
    }
    let width = input.schema.fields().len();
    let computed = compute(input.clone(), None, keys.to_vec())?;
    let mut fields: Vec<_> = input.schema.iter().map(|(q, f)| (q.cloned(), f.clone())).collect();
    for (i, field) in computed.schema.fields().iter().enumerate() {
        fields.push((None, Arc::new(field.as_ref().clone().with_name(format!("{prefix}{i}")))));
    }
    let schema = Arc::new(DFSchema::new_with_metadata(fields, HashMap::new())?);
    let columns = identity(&input.schema).into_iter().chain(keys.iter().cloned()).collect();
    Ok((calc(input, None, columns, schema)?, (width..width + keys.len()).collect()))
}

/// Rows that change, or that wait for a partner for ever: their times order nothing any more.
fn regular_join(columns: JoinColumns, left: StreamNode, right: StreamNode, schema: DFSchema) -> SqlResult<StreamNode> {
    let fields = schema.iter().map(|(q, f)| (q.cloned(), Arc::new(without_time_attribute(f)))).collect();
    let schema = Arc::new(DFSchema::new_with_metadata(fields, HashMap::new())?);
    let grows = matches!(columns.kind, JoinKind::Inner | JoinKind::Semi);
    let changelog = match left.changelog.union(right.changelog) {
        Changelog::InsertOnly if grows => Changelog::InsertOnly,
        changelog if columns.kind == JoinKind::Inner => changelog,
        _ => Changelog::Retract,
    };
    Ok(StreamNode { op: StreamOp::Join(columns), inputs: vec![left, right], schema, changelog, window: None, key: None })
}

/// The refusal of a step that takes new rows only.
pub(super) fn needs_inserts(what: &str, about: &str) -> SqlError {
    SqlError::new(format!("{what} takes new rows only, but a query before it changes rows that it has emitted"))
        .about(about)
        .help("read a table that is only appended to, or do what changes rows (aggregation, Top-N) behind this step")
}

/// Whether the times of a step's rows are event time still: those of rows that change are only as long as they come from a table, and those
/// of rows that a join or an aggregation keeps for ever are not.
pub(super) fn is_timed(node: &StreamNode) -> bool {
    let passes = matches!(
        node.op,
        StreamOp::Scan { .. } | StreamOp::Calc { .. } | StreamOp::WindowTvf { .. } | StreamOp::Union | StreamOp::Unnest { .. }
    );
    match &node.op {
        StreamOp::Join(..) | StreamOp::GroupAggregate(..) => false,
        _ if passes => node.inputs.iter().all(is_timed),
        _ => node.changelog.is_insert_only(),
    }
}

fn appends(left: &StreamNode, right: &StreamNode) -> bool {
    left.changelog == Changelog::InsertOnly && right.changelog == Changelog::InsertOnly
}

/// Where the ends of the windows are, if both inputs are cut in the same windows and rows of the same window are joined.
fn window_ends(columns: &JoinColumns, left: &StreamNode, right: &StreamNode) -> Option<[usize; 2]> {
    let (l, r) = (left.window.as_ref()?, right.window.as_ref()?);
    let equal = |bound: usize| {
        let (l, r) = (l.at[bound]?, r.at[bound]?);
        columns.keys[0].iter().zip(&columns.keys[1]).any(|(a, b)| (*a, *b) == (l, r)).then_some([l, r])
    };
    equal(0)?;
    let ends = equal(1)?;
    (l.kind == r.kind && l.processing == r.processing).then_some(ends)
}

fn window_join(columns: JoinColumns, ends: [usize; 2], left: StreamNode, right: StreamNode, schema: DFSchema) -> SqlResult<StreamNode> {
    if !appends(&left, &right) {
        return Err(needs_inserts("a window join", "JOIN"));
    }
    let window = left.window.clone();
    let processing = window.as_ref().is_some_and(|w| w.processing);
    let op = StreamOp::WindowJoin { columns, ends, processing };
    Ok(StreamNode { op, inputs: vec![left, right], schema: Arc::new(schema), changelog: Changelog::InsertOnly, window, key: None })
}

/// How far apart the times of two rows may be.
struct Interval {
    /// The time of each input.
    times: [usize; 2],
    processing: bool,
    /// The left time is at least the right one plus this; milliseconds.
    lower: i64,
    /// And at most plus this.
    upper: i64,
    /// What the condition says besides.
    rest: Option<Expr>,
}

fn interval_join(columns: JoinColumns, interval: Interval, left: StreamNode, right: StreamNode, schema: DFSchema) -> SqlResult<StreamNode> {
    if !appends(&left, &right) {
        return Err(needs_inserts("a join of rows whose times are near each other", "JOIN"));
    }
    let Interval { times, processing, lower, upper, rest } = interval;
    let columns = JoinColumns { condition: rest, ..columns };
    let op = StreamOp::IntervalJoin { columns, times, processing, lower, upper };
    Ok(StreamNode { op, inputs: vec![left, right], schema: Arc::new(schema), changelog: Changelog::InsertOnly, window: None, key: None })
}

/// The bounds that a join's condition sets to the times of its inputs, if it sets both.
fn interval(columns: &JoinColumns, left: &StreamNode, right: &StreamNode) -> SqlResult<Option<Interval>> {
    if columns.kind.wants_partner().is_some() || !is_timed(left) || !is_timed(right) {
        return Ok(None);
    }
    let mut bounds = Bounds::default();
    for (l, r) in columns.keys[0].iter().zip(&columns.keys[1]) {
        let times = (time_attribute(left.schema.field(*l)), time_attribute(right.schema.field(*r)));
        if times.0.is_some() && times.0 == times.1 {
            bounds.note([*l, *r], Operator::Eq, 0);
        }
    }
    let mut rest = vec![];
    for condition in columns.condition.iter().flat_map(split_conjunction) {
        match comparison(condition, left, right)? {
            Some((times, op, offset)) if bounds.fits(times) => bounds.note(times, op, offset),
            _ => rest.push(condition.clone()),
        }
    }
    let Bounds { times: Some(times), lower: Some(lower), upper: Some(upper) } = bounds else { return Ok(None) };
    let processing = time_attribute(left.schema.field(times[0])) == Some(PROCTIME);
    Ok(Some(Interval { times, processing, lower, upper, rest: conjunction(rest) }))
}

#[derive(Default)]
struct Bounds {
    times: Option<[usize; 2]>,
    lower: Option<i64>,
    upper: Option<i64>,
}

impl Bounds {
    fn fits(&self, times: [usize; 2]) -> bool {
        self.times.is_none_or(|t| t == times)
    }

    /// `left op right + offset`, of the two times.
    fn note(&mut self, times: [usize; 2], op: Operator, offset: i64) {
        self.times = Some(times);
        let (lower, upper) = match op {
            Operator::GtEq => (Some(offset), None),
            Operator::Gt => (Some(offset + 1), None),
            Operator::LtEq => (None, Some(offset)),
            Operator::Lt => (None, Some(offset - 1)),
            _ => (Some(offset), Some(offset)),
        };
        self.lower = self.lower.max(lower);
        self.upper = match (self.upper, upper) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
    }
}

/// A comparison of the two inputs' times, as `left op right + offset`.
fn comparison(condition: &Expr, left: &StreamNode, right: &StreamNode) -> SqlResult<Option<([usize; 2], Operator, i64)>> {
    let Expr::BinaryExpr(BinaryExpr { left: a, op, right: b }) = condition else { return Ok(None) };
    if !matches!(op, Operator::Eq | Operator::Lt | Operator::LtEq | Operator::Gt | Operator::GtEq) {
        return Ok(None);
    }
    let sides = [(a, b, *op), (b, a, op.swap().unwrap_or(*op))];
    for (l, r, op) in sides {
        if let (Some((lt, l_offset)), Some((rt, r_offset))) = (shifted_time(l, &left.schema)?, shifted_time(r, &right.schema)?) {
            let same = time_attribute(left.schema.field(lt)) == time_attribute(right.schema.field(rt));
            return Ok(same.then_some(([lt, rt], op, r_offset - l_offset)));
        }
    }
    Ok(None)
}

/// A time attribute plus or minus a constant: its column and the constant in milliseconds.
fn shifted_time(expr: &Expr, schema: &DFSchema) -> SqlResult<Option<(usize, i64)>> {
    let used: Vec<_> = expr.column_refs().into_iter().collect();
    let [column] = used[..] else { return Ok(None) };
    let Some(at) = schema.maybe_index_of_column(column) else { return Ok(None) };
    let field = schema.field(at);
    if time_attribute(field).is_none() {
        return Ok(None);
    }
    let zero = ScalarValue::new_zero(field.data_type())?;
    let constant = expr.clone().transform_up(|e| match e {
        Expr::Column(_) => Ok(Transformed::yes(Expr::Literal(zero.clone(), None))),
        other => Ok(Transformed::no(other)),
    })?;
    Ok(milliseconds(&constant.data)?.map(|ms| (at, ms)))
}

/// The value of a constant time in milliseconds.
fn milliseconds(expr: &Expr) -> Result<Option<i64>> {
    let options = RecordBatchOptions::new().with_row_count(Some(1));
    let one = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), vec![], &options)?;
    let value =
        create_physical_expr(expr, &DFSchema::empty(), &ExecutionProps::new(), &Default::default())?.evaluate(&one)?.into_array(1)?;
    let DataType::Timestamp(_, zone) = value.data_type() else { return Ok(None) };
    let ms = arrow::compute::cast(&value, &DataType::Timestamp(arrow::datatypes::TimeUnit::Millisecond, zone.clone()))?;
    let ms = arrow::compute::cast(&ms, &DataType::Int64)?;
    Ok(ms.as_primitive::<Int64Type>().iter().next().flatten())
}

/// The schema over which a join's condition is computed: the columns of both inputs.
pub fn pair_schema(left: &StreamNode, right: &StreamNode) -> Result<DFSchema> {
    let nullable =
        |(q, f): (Option<&datafusion_common::TableReference>, &Arc<Field>)| (q.cloned(), Arc::new(f.as_ref().clone().with_nullable(true)));
    DFSchema::new_with_metadata(left.schema.iter().chain(right.schema.iter()).map(nullable).collect(), HashMap::new())
}
