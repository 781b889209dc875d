//! ORDER BY: by event time, or with LIMIT as a Top-N over all rows.

use datafusion_expr::{Expr, FetchType, Limit, LogicalPlan, SkipType, Sort};
use flott_engine::state::ranked::SortColumn;
use std::sync::Arc;

use super::build::build;
use super::calc::{calc, identity};
use super::join::{compute_as, with_keys};
use super::{Changelog, RankColumns, StreamNode, StreamOp};
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

fn plain_limit(input: StreamNode, skip: usize, fetch: Option<usize>) -> SqlResult<StreamNode> {
    if input.changelog != Changelog::InsertOnly {
        return first_come(input, skip, fetch);
    }
    let op = StreamOp::Limit { skip: skip as i64, fetch: fetch.map_or(i64::MAX, |f| f as i64) };
    Ok(StreamNode { op, schema: input.schema.clone(), changelog: Changelog::InsertOnly, window: None, key: None, inputs: vec![input] })
}

/// The rows that came first, of those that are still there.
fn first_come(input: StreamNode, skip: usize, fetch: Option<usize>) -> SqlResult<StreamNode> {
    let take = fetch.unwrap_or(usize::MAX - skip);
    let columns = RankColumns {
        partition: vec![],
        order: vec![],
        latest_first: false,
        skip,
        take,
        with_rank: false,
        append_only: false,
        window: None,
        first_by: None,
    };
    let fields = input.schema.iter().map(|(q, f)| (q.cloned(), Arc::new(without_time_attribute(f)))).collect();
    let schema = Arc::new(datafusion_common::DFSchema::new_with_metadata(fields, Default::default())?);
    Ok(StreamNode { op: StreamOp::Rank(columns), inputs: vec![input], schema, changelog: Changelog::Retract, window: None, key: None })
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
    let append_only = input.changelog == Changelog::InsertOnly;
    let columns = RankColumns {
        partition: vec![],
        order,
        latest_first: false,
        skip,
        take: fetch,
        with_rank: false,
        append_only,
        window: None,
        first_by: None,
    };
    let fields = input.schema.iter().map(|(q, f)| (q.cloned(), Arc::new(without_time_attribute(f)))).collect();
    let schema = Arc::new(datafusion_common::DFSchema::new_with_metadata(fields, Default::default())?);
    let op = StreamOp::Rank(columns);
    without_order(StreamNode { op, inputs: vec![input], schema, changelog: Changelog::Retract, window: None, key: None }, width)
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
