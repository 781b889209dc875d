//! Keys of a step's rows: by which columns its rows differ, and by which of them a consumer may replace one row by the next.

use arrow::datatypes::DataType;
use datafusion_common::DFSchema;
use datafusion_expr::{Expr, ExprSchemable};
use std::collections::BTreeSet;

use super::calc::{column_at, unalias};
use super::{JoinColumns, RankColumns, StreamNode, StreamOp};
use crate::functions::cast_target;
use flott_engine::operators::pairs::JoinKind;

/// Positions of columns.
pub type Key = BTreeSet<usize>;

/// Keys of no more than so many are followed: products of joins would grow without end.
const KEYS_MAX: usize = 16;

/// Sets of columns by which no two rows of the step's table are equal, and whose changes come in their order: all rows of such a key
/// went through one worker after the other, so that the newest one is the last one to come.
pub fn upsert_keys(node: &StreamNode) -> Vec<Key> {
    let mut keys = match &node.op {
        StreamOp::Scan { source, columns } => {
            let place = |name: &String| columns.iter().position(|c| matches!(&c.expr, Expr::Column(c) if c.name == *name));
            let key: Option<Key> = source.table.primary_key.iter().map(place).collect();
            key.filter(|key| !key.is_empty()).into_iter().collect()
        }
        StreamOp::Calc { project, .. } => {
            let places: Vec<Option<usize>> = project.iter().map(|e| told_apart_by(e, &node.inputs[0].schema)).collect();
            let moved = |key: Key| key.iter().map(|k| places.iter().position(|p| *p == Some(*k))).collect::<Option<Key>>();
            upsert_keys(&node.inputs[0]).into_iter().filter_map(moved).collect()
        }
        StreamOp::GroupAggregate(aggregate) => vec![(0..aggregate.keys.len()).collect()],
        StreamOp::WindowAggregate { aggregate, .. } => {
            let results = aggregate.keys.len() + aggregate.calls.len();
            (results..results + 3).map(|bound| (0..aggregate.keys.len()).chain([bound]).collect()).collect()
        }
        StreamOp::Rank(rank) => of_rank(node, rank),
        StreamOp::Join(columns) | StreamOp::IntervalJoin { columns, .. } | StreamOp::WindowJoin { columns, .. } => of_join(node, columns),
        StreamOp::ChangelogNormalize { key } => vec![key.iter().copied().collect()],
        StreamOp::Materialize { key, .. } => vec![key.iter().copied().collect()],
        StreamOp::Limit { .. }
        | StreamOp::TimeSort { .. }
        | StreamOp::Sort(_)
        | StreamOp::AtEnd
        | StreamOp::EnforceNotNull { .. }
        | StreamOp::DropUpdateBefore => upsert_keys(&node.inputs[0]),
        _ => vec![],
    };
    keys.truncate(KEYS_MAX);
    keys
}

/// The column by which an expression's values differ as that column's do: itself, or cast to a wider type, as Flink has it.
fn told_apart_by(expr: &Expr, schema: &DFSchema) -> Option<usize> {
    let inner = match unalias(expr) {
        Expr::Cast(cast) => cast.expr.as_ref(),
        Expr::ScalarFunction(call) if cast_target(&call.func).is_some() => call.args.first()?,
        other => return column_at(other, schema),
    };
    let column = column_at(inner, schema)?;
    let (from, to) = (schema.field(column).data_type(), expr.get_type(schema).ok()?);
    let wider = from.is_signed_integer() && to.is_signed_integer() && from.primitive_width() <= to.primitive_width();
    let as_text = (from.is_signed_integer() || matches!(from, DataType::Date32)) && cast_to_any_text(expr);
    (wider || as_text).then_some(column)
}

/// Whether an expression is a cast to STRING, which cuts nothing off.
fn cast_to_any_text(expr: &Expr) -> bool {
    match unalias(expr) {
        Expr::ScalarFunction(call) => cast_target(&call.func).is_some_and(|target| target.to_string() == "STRING"),
        _ => false,
    }
}

/// The keys of an input that is dealt out by some of its columns.
fn dealt(input: &StreamNode, by: &[usize]) -> Vec<Key> {
    let mut keys = upsert_keys(input);
    keys.retain(|key| by.iter().all(|column| key.contains(column)));
    keys
}

fn of_rank(node: &StreamNode, rank: &RankColumns) -> Vec<Key> {
    let by: Key = rank.partition.iter().copied().collect();
    let mut keys = vec![];
    if rank.take == 1 {
        keys.push(by.clone());
    }
    if rank.with_rank {
        let number = node.schema.fields().len() - 1;
        keys.push(by.iter().copied().chain([number]).collect());
    }
    // With their ranks rows move from place to place, and only the place is told.
    if !rank.with_rank {
        keys.extend(dealt(&node.inputs[0], &rank.partition));
    }
    keys
}

fn of_join(node: &StreamNode, columns: &JoinColumns) -> Vec<Key> {
    let [left_keys, right_keys] = &columns.keys;
    let left = dealt(&node.inputs[0], left_keys);
    if matches!(columns.kind, JoinKind::Semi | JoinKind::Anti) {
        return left;
    }
    let width = node.inputs[0].schema.fields().len();
    let right = dealt(&node.inputs[1], right_keys);
    let contained = |keys: &[Key], by: &[usize]| keys.iter().any(|key| key.iter().all(|column| by.contains(column)));
    let (left_unique, right_unique) = (contained(&left, left_keys), contained(&right, right_keys));
    let right: Vec<Key> = right.into_iter().map(|key| key.into_iter().map(|column| width + column).collect()).collect();
    let mut keys = vec![];
    if right_unique && !columns.kind.keeps(1) {
        keys.extend(left.iter().cloned());
    }
    if left_unique && !columns.kind.keeps(0) {
        keys.extend(right.iter().cloned());
    }
    keys.extend(left.iter().flat_map(|l| right.iter().map(move |r| l.union(r).copied().collect())));
    keys
}
