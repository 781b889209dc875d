//! How long steps remember the rows of their inputs: `table.exec.state.ttl` and the STATE_TTL hint.

use super::{StreamNode, StreamOp};
use crate::error::SqlResult;
use crate::options::SessionOptions;

/// How long a step remembers the rows of an input: as a hint on the table that it reads says, else as the session says. Milliseconds;
/// `None`: for ever.
pub fn of_input(input: &StreamNode, options: &SessionOptions) -> SqlResult<Option<i64>> {
    if options.batch() {
        // Its results are told at the end only: nothing may be forgotten before.
        return Ok(None);
    }
    match hinted(input) {
        Some(ttl_ms) => Ok((ttl_ms > 0).then_some(ttl_ms)),
        None => options.duration_ms("table.exec.state.ttl"),
    }
}

/// The hint on the table that a step reads, if no other step that remembers something lies between.
fn hinted(node: &StreamNode) -> Option<i64> {
    match &node.op {
        StreamOp::Scan { source, .. } => source.state_ttl_ms,
        StreamOp::Calc { .. }
        | StreamOp::Expand(_)
        | StreamOp::WindowTvf { .. }
        | StreamOp::Unnest { .. }
        | StreamOp::DropUpdateBefore
        | StreamOp::ChangelogNormalize { .. }
        | StreamOp::FromChangelog { .. }
        | StreamOp::ToChangelog { .. } => hinted(&node.inputs[0]),
        _ => None,
    }
}

/// How long the entries of a step live without being written, by input, for people; `None`: for ever, or till event time has passed them.
pub fn text(node: &StreamNode, options: &SessionOptions) -> Option<String> {
    let obeys = match &node.op {
        StreamOp::GroupAggregate(_) | StreamOp::Join(_) | StreamOp::ChangelogNormalize { .. } | StreamOp::Materialize { .. } => true,
        StreamOp::SetOperation(_) => true,
        StreamOp::Rank(columns) => columns.window.is_none(),
        _ => false,
    };
    let mut of_inputs: Vec<Option<i64>> = vec![];
    for input in node.inputs.iter().filter(|_| obeys) {
        of_inputs.push(of_input(input, options).ok()?);
    }
    if let StreamOp::TemporalJoin { .. } = &node.op {
        of_inputs = vec![of_input(&node.inputs[1], options).ok()?];
    }
    if let StreamOp::SetOperation(_) | StreamOp::Materialize { .. } = &node.op {
        of_inputs = vec![options.duration_ms("table.exec.state.ttl").ok()?];
    }
    if of_inputs.iter().all(Option::is_none) {
        return None;
    }
    let shown = |ttl: &Option<i64>| ttl.map_or("for ever".to_string(), |ms| format!("for {} after they were written", span(ms)));
    let mut texts: Vec<String> = of_inputs.iter().map(shown).collect();
    texts.dedup();
    Some(texts.join(" on the left, "))
}

/// A duration in the largest unit that divides it.
fn span(ms: i64) -> String {
    let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1_000, "s")];
    units.iter().find(|(n, _)| ms % n == 0).map_or(format!("{ms} ms"), |(n, unit)| format!("{} {unit}", ms / n))
}
