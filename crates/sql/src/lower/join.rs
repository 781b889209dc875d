//! Lowering of joins.

use flott_engine::graph::{Edge, NodeKind};
use flott_engine::operator::OperatorFactory;
use flott_engine::operators::interval_join::{IntervalJoin, IntervalJoinSpec};
use flott_engine::operators::join::{Join, JoinSpec};
use flott_engine::operators::pairs::JoinInputs;
use flott_engine::operators::set_operation::{SetOperation, SetOperationKind};
use flott_engine::operators::window_join::{WindowJoin, WindowJoinSpec};
use flott_engine::operators::windows::TimeColumn;

use super::expr::lower_expr;
use super::{Lowered, Lowering, arrow_schema, edges};
use crate::error::{SqlError, SqlResult};
use crate::stream::{JoinColumns, StreamNode, StreamOp, pair_schema};

impl Lowering<'_> {
    pub(super) fn join(&mut self, node: &StreamNode) -> SqlResult<Lowered> {
        let schema = arrow_schema(&node.schema);
        let [left, right] = &node.inputs[..] else { return Err(SqlError::new("a join has two inputs")) };
        match &node.op {
            StreamOp::Join(columns) => {
                let spec = JoinSpec { kind: columns.kind, inputs: self.join_inputs(left, right, columns)?, schema };
                let make: OperatorFactory = Box::new(move || Ok(Box::new(Join::new(spec.clone())) as _));
                let joined = self.binary(node, &columns.keys, "Join", 0, make)?;
                let ttls_ms = node.inputs.iter().map(|input| self.state_ttl(input)).collect::<SqlResult<_>>()?;
                Ok(self.living(joined, ttls_ms))
            }
            StreamOp::IntervalJoin { columns, times, processing, lower, upper } => {
                let times = times.map(|column| if *processing { TimeColumn::Processing } else { TimeColumn::Event(column) });
                let (kind, inputs) = (columns.kind, self.join_inputs(left, right, columns)?);
                let spec = IntervalJoinSpec { kind, inputs, times, lower: *lower, upper: *upper, schema };
                let delay = if *processing { 0 } else { spec.delay_ms() };
                self.binary(
                    node,
                    &columns.keys,
                    "IntervalJoin",
                    delay,
                    Box::new(move || Ok(Box::new(IntervalJoin::new(spec.clone())) as _)),
                )
            }
            StreamOp::WindowJoin { columns, ends, processing } => {
                let column = (!processing).then_some(ends[0]);
                let time = self.window_time(column, &left.schema);
                let (kind, inputs) = (columns.kind, self.join_inputs(left, right, columns)?);
                let spec = WindowJoinSpec { kind, inputs, ends: *ends, time, schema };
                self.binary(node, &columns.keys, "WindowJoin", 0, Box::new(move || Ok(Box::new(WindowJoin::new(spec.clone())) as _)))
            }
            _ => Err(SqlError::new("a join was just seen")),
        }
    }

    pub(super) fn join_inputs(&self, left: &StreamNode, right: &StreamNode, columns: &JoinColumns) -> SqlResult<JoinInputs> {
        let condition = columns.condition.as_ref().map(|c| lower_expr(c, &pair_schema(left, right)?, self.zone)).transpose()?;
        Ok(JoinInputs {
            schemas: [arrow_schema(&left.schema), arrow_schema(&right.schema)],
            keys: columns.keys.clone(),
            nulls_equal: columns.nulls_equal.clone(),
            condition,
        })
    }

    pub(super) fn set_operation(&mut self, node: &StreamNode, kind: SetOperationKind) -> SqlResult<Lowered> {
        let schema = arrow_schema(&node.schema);
        let all: Vec<usize> = (0..schema.fields().len()).collect();
        let make = Box::new(move || Ok(Box::new(SetOperation::new(kind, schema.clone())) as _));
        let lowered = self.binary(node, &[all.clone(), all], "SetOperation", 0, make)?;
        // One table for both inputs, which no hint on one of them is about.
        let ttl_ms = if self.options.batch() { None } else { self.options.duration_ms("table.exec.state.ttl")? };
        Ok(self.living(lowered, vec![ttl_ms]))
    }

    /// An operator with two inputs, dealt by their keys.
    pub(super) fn binary(
        &mut self,
        node: &StreamNode,
        keys: &[Vec<usize>; 2],
        name: &str,
        delay_ms: i64,
        make: OperatorFactory,
    ) -> SqlResult<Lowered> {
        let mut inputs: Vec<Edge> = vec![];
        for (port, input) in node.inputs.iter().enumerate() {
            let lowered = self.node(input)?;
            let lowered = self.settle(lowered, input)?;
            let exchange = self.by_key(keys[port].clone());
            inputs.extend(edges(&lowered, exchange).into_iter().map(|edge| Edge { port, ..edge }));
        }
        let id = self.graph.add(name, NodeKind::Operator(make), inputs);
        self.graph.nodes[id].delay_ms = delay_ms;
        Ok(Lowered::plain(id))
    }
}
