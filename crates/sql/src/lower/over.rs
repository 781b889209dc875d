//! Lowering of OVER.

use flott_engine::aggregate;
use flott_engine::operators::over_aggregate::{Frame, OverAggregate, OverCall, OverSpec};
use flott_engine::operators::over_updating::OverUpdating;
use flott_engine::operators::windows::TimeColumn;

use super::{Lowered, Lowering, arrow_schema};
use crate::error::SqlResult;
use crate::stream::{OverColumns, OverOrder, StreamNode};

impl Lowering<'_> {
    pub(super) fn over(&mut self, node: &StreamNode, columns: &OverColumns) -> SqlResult<Lowered> {
        let calls = columns.calls.iter().map(|c| Ok(OverCall { function: aggregate::bind(&c.spec)?, args: c.args.clone() }));
        let spec = OverSpec {
            input: arrow_schema(&node.inputs[0].schema),
            partition: columns.partition.clone(),
            calls: calls.collect::<SqlResult<_>>()?,
            frame: columns.frame,
            schema: arrow_schema(&node.schema),
        };
        let exchange = self.by_key(columns.partition.clone());
        let time = match columns.order {
            OverOrder::Event(column) => TimeColumn::Event(column),
            OverOrder::Processing(_) => TimeColumn::Processing,
            OverOrder::Value(sort) => {
                let peers = columns.frame == Frame::Unbounded { peers: true };
                let make = Box::new(move || Ok(Box::new(OverUpdating::new(spec.clone(), vec![sort], peers)) as _));
                return self.unary(node, "OverAggregate", exchange, make);
            }
        };
        self.unary(node, "OverAggregate", exchange, Box::new(move || Ok(Box::new(OverAggregate::new(spec.clone(), time.clone())) as _)))
    }
}
