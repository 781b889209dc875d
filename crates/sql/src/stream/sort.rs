//! ORDER BY: by event time, or with LIMIT as a Top-N over all rows.

use datafusion_expr::{Expr, FetchType, Limit, LogicalPlan, SkipType, Sort};
use flott_engine::state::ranked::SortColumn;
use std::sync::Arc;

use super::build::build;
use super::calc::{calc, identity};
use super::join::{compute_as, with_keys};
use super::{Changelog, RankColumns, SortColumns, StreamNode, StreamOp};
use crate::catalog::{PROCTIME, ROWTIME, time_attribute, without_time_attribute};
use crate::error::{SqlError, SqlResult};

/// The steps of LIMIT.
pub(super) fn build_limit(limit: &Limit) -> SqlResult<StreamNode> {
    let (SkipType::Literal(skip), FetchType::Literal(fetch)) = (limit.get_skip_type()?, limit.get_fetch_type()?) else {
        return Err(SqlError::new("LIMIT and OFFSET take numbers that are written out").about("LIMIT"));
    };
    match (limit.input.as_ref(), fetch) {
        (LogicalPlan::Sort(sort), Some(fetch)) => first_rows(sort, skip, fetch),
        (LogicalPlan::Projection(p), Some(fetch)) if matches!(p.input.as_ref(), LogicalPlan::Sort(_)) => {
            let LogicalPlan::Sort(sort) = p.input.as_ref() else { return Err(SqlError::new("a sort was just seen")) };
            Ok(calc(first_rows(sort, skip, fetch)?, None, p.expr.clone(), p.schema.clone())?)
        }
        _ => plain_limit(build(&limit.input)?, skip, fetch),
    }
}

fn plain_limit(mut input: StreamNode, skip: usize, fetch: Option<usize>) -> SqlResult<StreamNode> {
    if limit_sort(&mut input, skip, fetch)? {
        return Ok(input);
    }
    if input.changelog != Changelog::InsertOnly {
        return first_come(input, skip, fetch);
    }
    let op = StreamOp::Limit { skip: skip as i64, fetch: fetch.map_or(i64::MAX, |f| f as i64) };
    Ok(StreamNode { op, schema: input.schema.clone(), changelog: Changelog::InsertOnly, window: None, key: None, inputs: vec![input] })
}

/// Gives the limit to a sort that is to be limited, so that it need not keep all rows. `false`: there is none.
fn limit_sort(node: &mut StreamNode, skip: usize, fetch: Option<usize>) -> SqlResult<bool> {
    match &mut node.op {
        StreamOp::Calc { condition: None, .. } => limit_sort(&mut node.inputs[0], skip, fetch),
        StreamOp::Sort(columns) if columns.skip == 0 && columns.fetch.is_none() => {
            if fetch.is_none() {
                return Err(SqlError::new("ORDER BY with OFFSET needs a LIMIT").about("OFFSET").help("add LIMIT, or leave OFFSET out"));
            }
            (columns.skip, columns.fetch) = (skip, fetch);
            Ok(true)
        }
        _ => Ok(false),
    }
}

/// ORDER BY in batch mode: by anything.
pub(super) fn build_full_sort(sort: &Sort) -> SqlResult<StreamNode> {
    let width = sort.input.schema().fields().len();
    let (input, order) = with_order(sort)?;
    let (schema, changelog) = (input.schema.clone(), input.changelog);
    let (window, key) = (input.window.clone(), input.key.clone());
    let op = StreamOp::Sort(SortColumns { order, skip: 0, fetch: sort.fetch });
    without_order(StreamNode { op, inputs: vec![input], schema, changelog, window, key }, width)
}

/// The rows that came first, of those that are still there.
fn first_come(input: StreamNode, skip: usize, fetch: Option<usize>) -> SqlResult<StreamNode> {
    ranked(input, vec![], skip, fetch.unwrap_or(usize::MAX - skip))
}

/// The input with the sort keys as columns, and the order by their positions.
fn with_order(sort: &Sort) -> SqlResult<(StreamNode, Vec<SortColumn>)> {
    let keys: Vec<Expr> = sort.expr.iter().map(|sort| sort.expr.clone()).collect();
    let (input, places) = with_keys(build(&sort.input)?, &keys, "$order")?;
    let order = places.into_iter().zip(&sort.expr);
    let order = order.map(|(column, sort)| SortColumn { column, descending: !sort.asc, nulls_first: sort.nulls_first }).collect();
    Ok((input, order))
}

/// Takes the sort keys off again that had to be computed.
fn without_order(node: StreamNode, width: usize) -> SqlResult<StreamNode> {
    if node.schema.fields().len() == width {
        return Ok(node);
    }
    let columns = identity(&node.schema).into_iter().take(width).collect();
    compute_as(node, columns)
}

/// ORDER BY … LIMIT: a Top-N over all rows.
fn first_rows(sort: &Sort, skip: usize, fetch: usize) -> SqlResult<StreamNode> {
    let width = sort.input.schema().fields().len();
    let (input, order) = with_order(sort)?;
    without_order(ranked(input, order, skip, fetch)?, width)
}

/// The first rows of all in an order; none: as they come.
fn ranked(input: StreamNode, order: Vec<SortColumn>, skip: usize, take: usize) -> SqlResult<StreamNode> {
    let append_only = input.changelog == Changelog::InsertOnly;
    let columns = RankColumns {
        partition: vec![],
        order,
        latest_first: false,
        skip,
        take,
        with_rank: false,
        append_only,
        window: None,
        first_by: None,
    };
    let fields = input.schema.iter().map(|(q, f)| (q.cloned(), Arc::new(without_time_attribute(f)))).collect();
    let schema = Arc::new(datafusion_common::DFSchema::new_with_metadata(fields, Default::default())?);
    let op = StreamOp::Rank(columns);
    Ok(StreamNode { op, inputs: vec![input], schema, changelog: Changelog::Retract, window: None, key: None })
}

/// ORDER BY without LIMIT goes by a time attribute first, ascending.
pub(super) fn build_sort(sort: &Sort) -> SqlResult<StreamNode> {
    let width = sort.input.schema().fields().len();
    let (input, mut order) = with_order(sort)?;
    let first = order.remove(0);
    let attribute = time_attribute(input.schema.field(first.column)).map(str::to_owned);
    if first.descending || attribute.is_none() || input.changelog != Changelog::InsertOnly {
        return Err(SqlError::new("a stream can be sorted by a time attribute only, ascending, before all else")
            .about("ORDER")
            .help("add LIMIT to keep the first rows of another order, or ORDER BY the table's WATERMARK column first"));
    }
    if attribute.as_deref() == Some(PROCTIME) {
        // Rows come in this order anyway.
        return match order.is_empty() {
            true => without_order(input, width),
            false => Err(SqlError::not_yet("sorting by processing time and more").about("ORDER")),
        };
    }
    debug_assert_eq!(attribute.as_deref(), Some(ROWTIME));
    let (schema, window) = (input.schema.clone(), input.window.clone());
    let op = StreamOp::TimeSort { time: first.column, order };
    without_order(StreamNode { op, inputs: vec![input], schema, changelog: Changelog::InsertOnly, window, key: None }, width)
}
