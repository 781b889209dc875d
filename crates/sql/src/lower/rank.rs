//! Lowering of Top-N, deduplication and ORDER BY.

use flott_engine::expr::Column;
use flott_engine::graph::{Exchange, NodeKind};
use flott_engine::operators::calc::Calc;
use flott_engine::operators::first_row::FirstRow;
use flott_engine::operators::rank::{Rank, RankSpec};
use flott_engine::operators::sort::TimeSort;
use flott_engine::operators::window_rank::WindowRank;
use flott_engine::operators::windows::TimeColumn;
use flott_engine::state::ranked::SortColumn;
use std::sync::Arc;

use super::{Lowered, Lowering, arrow_schema, edges, factory};
use crate::error::SqlResult;
use crate::stream::{RankColumns, StreamNode};

impl Lowering<'_> {
    pub(super) fn rank(&mut self, node: &StreamNode, columns: &RankColumns) -> SqlResult<Lowered> {
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
            update_before: node.changelog.has_before(),
            schema: arrow_schema(&node.schema),
        };
        let exchange = self.by_key(columns.partition.clone());
        let ttl = self.state_ttl(&node.inputs[0])?;
        if let Some(column) = columns.first_by {
            return self.first_row(node, columns, column, ttl);
        }
        let Some((end, processing)) = columns.window else {
            let ranked = self.unary(node, "Rank", exchange, Box::new(move || Ok(Box::new(Rank::new(spec.clone())) as _)))?;
            return Ok(self.living(ranked, vec![ttl]));
        };
        let time = self.window_time((!processing).then_some(end), input);
        self.unary(node, "WindowRank", exchange, Box::new(move || Ok(Box::new(WindowRank::new(spec.clone(), end, time.clone())) as _)))
    }

    /// The first row of each key by event time. Without an order among its columns the rank is 1.
    fn first_row(&mut self, node: &StreamNode, columns: &RankColumns, time: usize, ttl: Option<i64>) -> SqlResult<Lowered> {
        let below = &node.inputs[0];
        let schema = arrow_schema(&below.schema);
        let operator =
            FirstRow { schema: schema.clone(), partition: columns.partition.clone(), time: TimeColumn::Event(time), tables: None };
        let exchange = self.by_key(columns.partition.clone());
        let first = self.unary(node, "Deduplicate", exchange, factory(operator))?;
        let first = self.living(first, vec![ttl]);
        if !columns.with_rank {
            return Ok(first);
        }
        let width = schema.fields().len();
        let mut project: Vec<Arc<dyn flott_engine::expr::Expr>> = (0..width).map(|i| Arc::new(Column(i)) as _).collect();
        project.push(super::expr::lower_expr(&datafusion_expr::lit(1_i64), &below.schema, self.zone)?);
        let calc = Calc { condition: None, select: (0..width).collect(), project, schema: arrow_schema(&node.schema) };
        let inputs = edges(&first, Exchange::Forward);
        Ok(Lowered::plain(self.graph.add("Calc", NodeKind::Operator(factory(calc)), inputs)))
    }

    /// One worker sees all rows: there is but one order.
    pub(super) fn time_sort(&mut self, node: &StreamNode, time: usize, order: &[SortColumn]) -> SqlResult<Lowered> {
        let schema = arrow_schema(&node.schema);
        let operator = TimeSort { schema, time: TimeColumn::Event(time), order: order.to_vec(), table: None };
        self.unary(node, "TemporalSort", self.crossing(Exchange::Single), factory(operator))
    }
}
