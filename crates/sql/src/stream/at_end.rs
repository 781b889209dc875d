//! Steps of a batch job, which tell final rows only.

use datafusion_expr::LogicalPlan;

use super::build::build;
use super::sort::build_full_sort;
use super::whole_over::build_whole_over;
use super::{Changelog, StreamNode, StreamOp};
use crate::error::SqlResult;

/// The steps of a plan, of which only final rows are told.
pub(super) fn build_at_end(plan: &LogicalPlan) -> SqlResult<StreamNode> {
    match plan {
        LogicalPlan::Sort(sort) => build_full_sort(sort),
        LogicalPlan::Window(window) => build_whole_over(window),
        other => Ok(finally(build(other)?)),
    }
}

/// Puts the end above the step that changes rows it has emitted, so that those behind it see none that change.
fn finally(mut node: StreamNode) -> StreamNode {
    if node.changelog.is_insert_only() {
        return node;
    }
    if let StreamOp::Calc { .. } | StreamOp::Union = &node.op {
        node.inputs = node.inputs.into_iter().map(finally).collect();
        return StreamNode { changelog: Changelog::InsertOnly, ..node };
    }
    node.inputs = node.inputs.into_iter().map(finally).collect();
    let (schema, window, key) = (node.schema.clone(), node.window.clone(), node.key.clone());
    StreamNode { op: StreamOp::AtEnd, inputs: vec![node], schema, changelog: Changelog::InsertOnly, window, key }
}
