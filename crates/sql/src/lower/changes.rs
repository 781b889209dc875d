//! Lowering of the steps that turn one form of a changelog into another.

use flott_engine::graph::Exchange;
use flott_engine::operators::changelog::{DropUpdateBefore, FromChangelog, ToChangelog};
use flott_engine::operators::materialize::Materialize;
use flott_engine::operators::normalize::Normalize;
use flott_engine::operators::rank::RankSpec;

use super::{Lowered, Lowering, arrow_schema, factory};
use crate::dialect::OnConflict;
use crate::error::{SqlError, SqlResult};
use crate::stream::{StreamNode, StreamOp, ttl};

impl Lowering<'_> {
    /// See [`ttl::of_input`].
    pub(super) fn state_ttl(&self, input: &StreamNode) -> SqlResult<Option<i64>> {
        ttl::of_input(input, self.options)
    }

    /// Sets how long the entries of a step's state tables live.
    pub(super) fn living(&mut self, lowered: Lowered, ttls_ms: Vec<Option<i64>>) -> Lowered {
        for node in &lowered.nodes {
            self.graph.nodes[*node].ttls_ms = ttls_ms.clone();
        }
        lowered
    }

    pub(super) fn changes(&mut self, node: &StreamNode) -> SqlResult<Lowered> {
        let schema = arrow_schema(&node.schema);
        match &node.op {
            StreamOp::DropUpdateBefore => self.unary(node, "DropUpdateBefore", Exchange::Forward, factory(DropUpdateBefore)),
            StreamOp::FromChangelog { op, mapping } => {
                let operator = FromChangelog { op: *op, mapping: mapping.clone(), schema };
                self.unary(node, "FromChangelog", Exchange::Forward, factory(operator))
            }
            StreamOp::ToChangelog { mapping } => {
                self.unary(node, "ToChangelog", Exchange::Forward, factory(ToChangelog { mapping: mapping.clone(), schema }))
            }
            StreamOp::ChangelogNormalize { key } => {
                let (key, update_before) = (key.clone(), node.changelog.has_before());
                let exchange = self.by_key(key.clone());
                let make = move || Ok(Box::new(Normalize::new(schema.clone(), key.clone(), update_before)) as _);
                let normalized = self.unary(node, "ChangelogNormalize", exchange, Box::new(make))?;
                let ttl = self.state_ttl(&node.inputs[0])?;
                Ok(self.living(normalized, vec![ttl]))
            }
            StreamOp::Materialize { key, conflict } => {
                let spec = RankSpec {
                    input: schema.clone(),
                    partition: key.clone(),
                    order: vec![],
                    latest_first: *conflict == OnConflict::Deduplicate,
                    skip: 0,
                    take: 1,
                    with_rank: false,
                    append_only: false,
                    update_before: node.changelog.has_before(),
                    schema,
                };
                let fails = *conflict == OnConflict::Error;
                let exchange = self.by_key(key.clone());
                let make = move || Ok(Box::new(Materialize::new(spec.clone(), fails)) as _);
                let materialized = self.unary(node, "SinkUpsertMaterializer", exchange, Box::new(make))?;
                let ttl = self.options.duration_ms("table.exec.state.ttl")?;
                Ok(self.living(materialized, vec![ttl]))
            }
            _ => Err(SqlError::new("a step of changes was just seen")),
        }
    }
}
