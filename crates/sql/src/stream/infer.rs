//! Changelog modes of a finished plan, as Flink infers them: who needs only the new row of an update is given only that.

use datafusion_expr::Expr;
use std::sync::Arc;

use super::changelog::{Changelog, Want};
use super::keys::upsert_keys;
use super::{StreamNode, StreamOp};

/// The step with those before it, so that it gives of updates what is wanted. `None` if it cannot leave `-U` out.
pub(super) fn infer(node: &StreamNode, want: Want) -> Option<StreamNode> {
    if node.changelog.is_insert_only() {
        return with_inputs(node, node.changelog, Want::Both);
    }
    let both = || with_inputs(node, node.changelog.as_wanted(want), Want::Both);
    match &node.op {
        StreamOp::Scan { .. } | StreamOp::FromChangelog { .. } => {
            let source = with_inputs(node, node.changelog, Want::Both)?;
            Some(if want == Want::Both { source } else { drop_update_before(source) })
        }
        // A row that ceases to fulfil a condition is known by its `-U` alone, unless the condition goes by the key.
        StreamOp::Calc { condition: Some(condition), .. } if want == Want::After && !by_key(condition, &node.inputs[0]) => None,
        StreamOp::Unnest { .. } | StreamOp::Expand(_) if want == Want::After => None,
        StreamOp::Calc { .. }
        | StreamOp::Union
        | StreamOp::EnforceNotNull { .. }
        | StreamOp::WindowTvf { .. }
        | StreamOp::Unnest { .. }
        | StreamOp::Expand(_) => {
            let inputs = node.inputs.iter().map(|input| infer(input, want)).collect::<Option<Vec<_>>>()?;
            let changelog = inputs.iter().map(|i| i.changelog).reduce(Changelog::union)?;
            Some(StreamNode { inputs, changelog, ..node.clone() })
        }
        StreamOp::DropUpdateBefore => with_inputs(node, node.changelog, Want::Both),
        StreamOp::ChangelogNormalize { .. } => with_inputs(node, node.changelog.as_wanted(want), Want::After),
        _ => both(),
    }
}

fn with_inputs(node: &StreamNode, changelog: Changelog, want: Want) -> Option<StreamNode> {
    let inputs = node.inputs.iter().map(|input| infer(input, want)).collect::<Option<Vec<_>>>()?;
    Some(StreamNode { inputs, changelog, ..node.clone() })
}

/// Leaves the `-U` rows of a source out.
fn drop_update_before(input: StreamNode) -> StreamNode {
    if !input.changelog.has_before() {
        return input;
    }
    let (schema, window, key) = (Arc::clone(&input.schema), input.window.clone(), input.key.clone());
    let changelog = input.changelog.as_wanted(Want::After);
    StreamNode { op: StreamOp::DropUpdateBefore, inputs: vec![input], schema, changelog, window, key }
}

fn by_key(condition: &Expr, input: &StreamNode) -> bool {
    let used: Vec<usize> = condition.column_refs().into_iter().filter_map(|c| input.schema.maybe_index_of_column(c)).collect();
    upsert_keys(input).iter().any(|key| used.iter().all(|column| key.contains(column)))
}
