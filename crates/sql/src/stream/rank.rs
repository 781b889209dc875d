//! Top-N and deduplication: a filter on ROW_NUMBER() OVER (…).

use datafusion_common::{Column, DFSchema};
use datafusion_expr::expr::WindowFunction;
use datafusion_expr::utils::{conjunction, split_conjunction};
use datafusion_expr::{BinaryExpr, Expr, Filter, LogicalPlan, Operator, Window, WindowFunctionDefinition};
use flott_engine::state::ranked::SortColumn;
use std::collections::HashMap;
use std::sync::Arc;

use super::build::build;
use super::calc::{calc, identity, substitute, unalias};
use super::join::{needs_inserts, with_keys};
use super::{Changelog, RankColumns, StreamNode, StreamOp};
use crate::catalog::{PROCTIME, ROWTIME, time_attribute, without_time_attribute};
use crate::error::{SqlError, SqlResult};
use crate::planner::at_end::as_at_end;
use crate::planner::window_functions::ROW_NUMBER;

/// The steps of a filter on a row number; `None` if it is a filter on something else.
pub(super) fn build_rank(filter: &Filter) -> SqlResult<Option<StreamNode>> {
    filtered(&filter.input, &filter.predicate)
}

/// A plan under a condition, which may lie above renamings of the row number.
fn filtered(plan: &LogicalPlan, predicate: &Expr) -> SqlResult<Option<StreamNode>> {
    match plan {
        LogicalPlan::Window(window) => filtered_window(window, predicate, false),
        LogicalPlan::Extension(extension) => match as_at_end(&extension.node).map(|end| &end.input) {
            Some(LogicalPlan::Window(window)) => filtered_window(window, predicate, true),
            _ => Ok(None),
        },
        LogicalPlan::Projection(p) => {
            let inner = filtered(&p.input, &substitute(predicate, &p.schema, &p.expr)?)?;
            Ok(inner.map(|inner| calc(inner, None, p.expr.clone(), p.schema.clone())).transpose()?)
        }
        LogicalPlan::SubqueryAlias(alias) => {
            let columns = identity(alias.input.schema());
            let inner = filtered(&alias.input, &substitute(predicate, &alias.schema, &columns)?)?;
            Ok(inner.map(|inner| StreamNode { schema: alias.schema.clone(), ..inner }))
        }
        _ => Ok(None),
    }
}

/// In batch mode, a filter that makes no Top-N is one on the results of OVER.
fn filtered_window(window: &Window, predicate: &Expr, batch: bool) -> SqlResult<Option<StreamNode>> {
    let Some(function) = ranking(window) else { return Ok(None) };
    let number = window.schema.columns().pop().ok_or_else(|| SqlError::new("a row number is a column"))?;
    let (mut bounds, mut rest) = (Places::default(), vec![]);
    for condition in split_conjunction(predicate) {
        if !bounds.note(condition, &number) {
            rest.push(condition.clone());
        }
    }
    let name = function.fun.name();
    if bounds.last.is_none() && (bounds.first == 0 || batch) || batch && name != ROW_NUMBER {
        return Ok(None);
    }
    if name != ROW_NUMBER {
        return Err(SqlError::new(format!("a filter on {} makes no Top-N in a stream", name.to_uppercase()))
            .about(name)
            .help("write ROW_NUMBER(), which gives equal rows different numbers"));
    }
    let Some(last) = bounds.last else {
        return Err(SqlError::new("a row number needs an upper bound")
            .about("ROW_NUMBER")
            .help("write WHERE rn <= 10, or any other number: without, every row would have to be kept and numbered for ever"));
    };
    let ranked = rank(window, function, bounds.first.max(1), last)?;
    match conjunction(rest) {
        None => Ok(Some(ranked)),
        Some(condition) => {
            let (columns, schema) = (identity(&ranked.schema), ranked.schema.clone());
            Ok(Some(calc(ranked, Some(condition), columns, schema)?))
        }
    }
}

/// The ranking that a step computes, if that is all it computes.
fn ranking(window: &Window) -> Option<&WindowFunction> {
    let [expr] = &window.window_expr[..] else { return None };
    let Expr::WindowFunction(function) = unalias(expr) else { return None };
    match &function.fun {
        WindowFunctionDefinition::WindowUDF(udf) if [ROW_NUMBER, "rank", "dense_rank"].contains(&udf.name()) => Some(function),
        _ => None,
    }
}

/// Which places a condition lets through, the first being 1.
#[derive(Default)]
struct Places {
    first: i64,
    last: Option<i64>,
}

impl Places {
    /// Notes a comparison of the row number with a constant. `false`: the condition is something else.
    fn note(&mut self, condition: &Expr, number: &Column) -> bool {
        if let Expr::Between(between) = condition
            && !between.negated
            && is_column(&between.expr, number)
            && let (Some(low), Some(high)) = (integer(&between.low), integer(&between.high))
        {
            self.bound(Operator::GtEq, low);
            self.bound(Operator::LtEq, high);
            return true;
        }
        let Expr::BinaryExpr(BinaryExpr { left, op, right }) = condition else { return false };
        let found = match (is_column(left, number), integer(right), is_column(right, number), integer(left)) {
            (true, Some(n), ..) => Some((*op, n)),
            (_, _, true, Some(n)) => op.swap().map(|op| (op, n)),
            _ => None,
        };
        let Some((op, n)) =
            found.filter(|(op, _)| matches!(op, Operator::Eq | Operator::Lt | Operator::LtEq | Operator::Gt | Operator::GtEq))
        else {
            return false;
        };
        self.bound(op, n);
        true
    }

    fn bound(&mut self, op: Operator, n: i64) {
        match op {
            Operator::Gt => self.first = self.first.max(n.saturating_add(1)),
            Operator::GtEq => self.first = self.first.max(n),
            Operator::Lt => self.end(n.saturating_sub(1)),
            Operator::LtEq => self.end(n),
            _ => {
                self.first = self.first.max(n);
                self.end(n);
            }
        }
    }

    fn end(&mut self, n: i64) {
        self.last = Some(self.last.map_or(n, |last| last.min(n)));
    }
}

fn is_column(expr: &Expr, column: &Column) -> bool {
    match unalias(expr) {
        Expr::Column(c) => c == column,
        Expr::Cast(cast) => is_column(&cast.expr, column),
        _ => false,
    }
}

/// A whole number that is written out.
pub fn integer(expr: &Expr) -> Option<i64> {
    let Expr::Literal(value, _) = unalias(expr) else { return None };
    match value.cast_to(&arrow::datatypes::DataType::Int64).ok()? {
        datafusion_common::ScalarValue::Int64(n) => n,
        _ => None,
    }
}

fn rank(window: &Window, function: &WindowFunction, first: i64, last: i64) -> SqlResult<StreamNode> {
    let input = build(&window.input)?;
    let width = input.schema.fields().len();
    let params = &function.params;
    if params.order_by.is_empty() {
        return Err(SqlError::new("ROW_NUMBER needs an ORDER BY").about("ROW_NUMBER").help("write OVER (PARTITION BY … ORDER BY …)"));
    }
    let (input, partition) = with_keys(input, &params.partition_by, "$partition")?;
    let order_exprs: Vec<Expr> = params.order_by.iter().map(|sort| sort.expr.clone()).collect();
    let (input, order) = with_keys(input, &order_exprs, "$order")?;
    let order_at = order[0];
    let by_time = time_attribute(input.schema.field(order[0])).map(str::to_owned);
    let single = first == 1 && last == 1 && by_time.is_some();
    let latest_first = single && !params.order_by[0].asc;
    let order: Vec<SortColumn> = order
        .into_iter()
        .zip(&params.order_by)
        // All rows of a tick have the same processing time: their order of arrival decides.
        .filter(|(column, _)| time_attribute(input.schema.field(*column)) != Some(PROCTIME))
        .map(|(column, sort)| SortColumn { column, descending: !sort.asc, nulls_first: sort.nulls_first })
        .collect();
    let append_only = input.changelog.is_insert_only();
    let in_window = input.window.as_ref().filter(|w| w.at[..2].iter().all(|at| at.is_some_and(|at| partition.contains(&at))));
    let in_window = in_window.and_then(|w| w.at[1].map(|end| (end, w.processing)));
    let keeps_first = single && !latest_first && by_time.as_deref() == Some(PROCTIME);
    // The first row by event time is known when time has passed it.
    let by_rowtime = single && !latest_first && append_only && in_window.is_none() && params.order_by.len() == 1;
    let first_by = (by_rowtime && by_time.as_deref() == Some(ROWTIME)).then_some(order_at);
    if in_window.is_some() && !append_only {
        return Err(needs_inserts("a Top-N per window", "ROW_NUMBER"));
    }
    let final_at_once = append_only && (in_window.is_some() || keeps_first || first_by.is_some());
    let columns = RankColumns {
        partition: partition.clone(),
        order,
        latest_first,
        skip: (first - 1) as usize,
        take: usize::try_from(last - first + 1).unwrap_or(0),
        with_rank: true,
        append_only,
        window: in_window,
        first_by,
    };
    let number = window.schema.iter().last().map(|(q, f)| (q.cloned(), f.clone()));
    let mut fields: Vec<_> = input.schema.iter().map(|(q, f)| (q.cloned(), f.clone())).collect();
    if !final_at_once {
        fields.iter_mut().for_each(|(_, f)| *f = Arc::new(without_time_attribute(f)));
    }
    fields.extend(number);
    let computed = input.schema.fields().len() > width;
    let schema = Arc::new(DFSchema::new_with_metadata(fields, HashMap::new())?);
    let changelog = if final_at_once { Changelog::InsertOnly } else { Changelog::Retract };
    let key = (columns.take == 1).then(|| partition.clone());
    let window_columns = input.window.clone().filter(|_| final_at_once);
    let node = StreamNode { op: StreamOp::Rank(columns), inputs: vec![input], schema, changelog, window: window_columns, key };
    if !computed {
        return Ok(node);
    }
    // Keys that had to be computed are no columns of the result.
    let mut wanted = identity(&node.schema);
    wanted.drain(width..node.schema.fields().len() - 1);
    super::join::compute_as(node, wanted)
}

/// Leaves the rank out where nobody reads it: then fewer rows change.
pub fn prune_ranks(mut node: StreamNode) -> StreamNode {
    node.inputs = node.inputs.into_iter().map(prune_ranks).collect();
    let StreamOp::Calc { condition, project } = &node.op else { return node };
    let Some(StreamNode { op: StreamOp::Rank(columns), schema, .. }) = node.inputs.first() else { return node };
    let last = schema.fields().len() - 1;
    let reads = |e: &Expr| e.column_refs().into_iter().any(|c| schema.maybe_index_of_column(c) == Some(last));
    if !columns.with_rank || condition.iter().chain(project).any(reads) {
        return node;
    }
    let fields = schema.iter().take(last).map(|(q, f)| (q.cloned(), f.clone())).collect();
    if let (Ok(schema), Some(input)) = (DFSchema::new_with_metadata(fields, HashMap::new()), node.inputs.first_mut())
        && let StreamOp::Rank(columns) = &mut input.op
    {
        columns.with_rank = false;
        input.schema = Arc::new(schema);
    }
    node
}
