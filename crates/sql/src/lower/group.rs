//! Lowering of aggregations that go on for ever, and in batch mode to the end of the input.

use arrow::array::{BooleanArray, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use flott_engine::Error;
use flott_engine::graph::{Edge, Exchange, NodeId, NodeKind};
use flott_engine::operator::OperatorFactory;
use flott_engine::operators::group_aggregate::{GroupAggregate, GroupSpec, LocalGroupAggregate, partial_types};
use std::sync::Arc;

use super::{Lowered, Lowering, arrow_schema, bind, edges, partial_schema, types};
use crate::error::SqlResult;
use crate::stream::{AggregateCalls, StreamNode};

impl Lowering<'_> {
    pub(super) fn group_aggregate(&mut self, node: &StreamNode, aggregate: &AggregateCalls, at_end: bool) -> SqlResult<Lowered> {
        let input_schema = &node.inputs[0].schema;
        let key_types = types(input_schema, &aggregate.keys);
        let aggregates = bind(aggregate)?;
        let spec = GroupSpec { keys: aggregate.keys.clone(), key_types: key_types.clone(), aggregates, schema: arrow_schema(&node.schema) };
        let n = aggregate.keys.len();
        let update_before = node.changelog.has_before();
        let ttl = self.state_ttl(&node.inputs[0])?;
        let global = |spec: GroupSpec, partial_input: bool| -> OperatorFactory {
            Box::new(move || {
                let operator = GroupAggregate::new(spec.clone(), partial_input, update_before);
                Ok(Box::new(if at_end { operator.at_end() } else { operator }) as _)
            })
        };
        let seed = if at_end && n == 0 { Some(self.seed()?) } else { None };
        let mut lowered = if !self.two_phase() || !spec.aggregates.mergeable() {
            let exchange = self.by_key(spec.keys.clone());
            self.unary(node, "GroupAggregate", exchange, global(spec, false))?
        } else {
            let partial = partial_schema(&key_types, &partial_types(&spec.aggregates), None);
            let local = spec.clone();
            let make: OperatorFactory =
                Box::new(move || Ok(Box::new(LocalGroupAggregate { spec: local.clone(), schema: partial.clone() }) as _));
            let first = self.unary(node, "LocalGroupAggregate", Exchange::Forward, make)?;
            let inputs = edges(&first, self.by_key((0..n).collect()));
            Lowered::plain(self.graph.add("GlobalGroupAggregate", NodeKind::Operator(global(spec, true)), inputs))
        };
        if let (Some(seed), [id]) = (seed, &mut lowered.nodes[..]) {
            let exchange = self.crossing(Exchange::Single);
            self.graph.nodes[*id].inputs.push(Edge { from: seed, port: 1, exchange });
        }
        Ok(self.living(lowered, vec![ttl]))
    }

    /// One row for an aggregation without keys: it has a result also of no rows.
    fn seed(&mut self) -> SqlResult<NodeId> {
        let schema = Arc::new(Schema::new(vec![Field::new("$none", DataType::Boolean, false)]));
        let one = Arc::new(BooleanArray::from(vec![true]));
        let row = RecordBatch::try_new(schema, vec![one]).map_err(Error::from)?;
        Ok(self.graph.add("Values", NodeKind::Source(Box::new(super::values::source_node(row))), vec![]))
    }
}
