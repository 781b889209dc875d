//! Lowering of Top-N, deduplication and ORDER BY.

use flott_engine::graph::Exchange;
use flott_engine::operators::rank::{Rank, RankSpec};
use flott_engine::operators::sort::TimeSort;
use flott_engine::operators::window_rank::WindowRank;
use flott_engine::operators::windows::TimeColumn;
use flott_engine::state::ranked::SortColumn;

use super::{Lowered, Lowering, arrow_schema, factory};
use crate::error::SqlResult;
use crate::stream::{RankColumns, StreamNode};

impl Lowering<'_> {
    pub(super) fn rank(&mut self, node: &StreamNode, columns: &RankColumns, at_end: bool) -> SqlResult<Lowered> {
        let input = &node.inputs[0].schema;
        let spec = RankSpec {
            input: arrow_schema(input),
            partition: columns.partition.clone(),
            order: columns.order.clone(),
            latest_first: columns.latest_first,
            skip: columns.skip,
            take: columns.take,
            with_rank: columns.with_rank,
            append_only: columns.append_only,
            schema: arrow_schema(&node.schema),
        };
        let exchange = self.by_key(columns.partition.clone());
        let Some((end, processing)) = columns.window else {
            let make = move || {
                let operator = Rank::new(spec.clone());
                Ok(Box::new(if at_end { operator.at_end() } else { operator }) as _)
            };
            return self.unary(node, "Rank", exchange, Box::new(make));
        };
        let time = self.window_time((!processing).then_some(end), input);
        self.unary(node, "WindowRank", exchange, Box::new(move || Ok(Box::new(WindowRank::new(spec.clone(), end, time.clone())) as _)))
    }

    /// One worker sees all rows: there is but one order.
    pub(super) fn time_sort(&mut self, node: &StreamNode, time: usize, order: &[SortColumn]) -> SqlResult<Lowered> {
        let schema = arrow_schema(&node.schema);
        let operator = TimeSort { schema, time: TimeColumn::Event(time), order: order.to_vec(), table: None };
        self.unary(node, "TemporalSort", self.crossing(Exchange::Single), factory(operator))
    }
}
