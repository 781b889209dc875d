//! Lowering of what batch mode has of its own: steps that tell final rows only, the full sort, and OVER.

use flott_engine::graph::{Exchange, NodeKind};
use flott_engine::operator::OperatorFactory;
use flott_engine::operators::full_sort::FullSort;
use flott_engine::operators::held::{Held, HeldInput};
use flott_engine::operators::whole_over::WholeOver;

use super::{Lowered, Lowering, arrow_schema, factory};
use crate::error::{SqlError, SqlResult};
use crate::stream::{SortColumns, StreamNode, StreamOp, WholeOverColumns};

impl Lowering<'_> {
    /// A step that tells its rows when its input has ended: aggregations and Top-N know how to, others get their input then.
    pub(super) fn at_end(&mut self, node: &StreamNode) -> SqlResult<Lowered> {
        let [step] = &node.inputs[..] else { return Err(SqlError::new("the end of a step is one of a step")) };
        match &step.op {
            StreamOp::GroupAggregate(aggregate) => self.group_aggregate(step, aggregate, true),
            StreamOp::Rank(columns) if columns.window.is_none() => self.rank(step, columns, true),
            StreamOp::Join(columns) => self.held(step, columns.keys.to_vec()),
            StreamOp::SetOperation(_) => {
                let all: Vec<usize> = (0..step.schema.fields().len()).collect();
                self.held(step, vec![all.clone(), all])
            }
            _ => Err(SqlError::not_yet("a step of this query in batch mode").help("SET 'execution.runtime-mode' = 'streaming'")),
        }
    }

    /// The step with its inputs, dealt by these keys, held back.
    fn held(&mut self, step: &StreamNode, keys: Vec<Vec<usize>>) -> SqlResult<Lowered> {
        let inputs = step.inputs.iter().zip(keys).map(|(input, keys)| HeldInput { schema: arrow_schema(&input.schema), keys });
        let inputs: Vec<HeldInput> = inputs.collect();
        let lowered = self.node(step)?;
        for id in &lowered.nodes {
            let kind = &mut self.graph.nodes[*id].kind;
            if let NodeKind::Operator(make) = kind {
                let make: OperatorFactory =
                    std::mem::replace(make, Box::new(|| Err(flott_engine::Error::internal("a step is built once"))));
                let inputs = inputs.clone();
                *kind = NodeKind::Operator(Box::new(move || Ok(Box::new(Held::new(make()?, inputs.clone())) as _)));
            }
        }
        Ok(lowered)
    }

    pub(super) fn whole_over(&mut self, node: &StreamNode, columns: &WholeOverColumns) -> SqlResult<Lowered> {
        let operator = WholeOver {
            input: arrow_schema(&node.inputs[0].schema),
            partition: columns.partition.clone(),
            order: columns.order.clone(),
            calls: columns.calls.iter().map(|(call, _)| call.clone()).collect(),
            schema: arrow_schema(&node.schema),
            table: None,
        };
        self.unary(node, "OverAggregate", self.by_key(columns.partition.clone()), factory(operator))
    }

    /// One worker sees all rows: there is but one order.
    pub(super) fn full_sort(&mut self, node: &StreamNode, columns: &SortColumns) -> SqlResult<Lowered> {
        let SortColumns { order, skip, fetch } = columns.clone();
        let operator = FullSort { schema: arrow_schema(&node.schema), order, skip, fetch, table: None };
        self.unary(node, "Sort", self.crossing(Exchange::Single), factory(operator))
    }
}
