//! Lowering of joins with a table as of a time.

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use flott_engine::error::Error;
use flott_engine::expr::Column;
use flott_engine::graph::{Edge, Exchange, NodeKind};
use flott_engine::lookup::by_key::{ByKey, Computed, PROBE, Requests};
use flott_engine::lookup::full::{FullTable, OpenTable};
use flott_engine::lookup::{Lookup, LookupNode};
use flott_engine::operator::OperatorFactory;
use flott_engine::operators::calc::Calc;
use flott_engine::operators::deduplicate::{Deduplicate, DeduplicateSpec};
use flott_engine::operators::lookup_join::LookupJoin;
use flott_engine::operators::temporal_join::{TemporalJoin, TemporalJoinSpec};

use std::sync::Arc;

use super::expr::lower_expr;
use super::{Lowered, Lowering, arrow_schema, edges, factory, scan, types, values};
use crate::error::{SqlError, SqlResult};
use crate::stream::calc::column_at;
use crate::stream::{DeduplicateColumns, JoinColumns, LookupByKey, LookupForm, ScanColumn, StreamNode, StreamOp};

impl Lowering<'_> {
    pub(super) fn temporal_join(&mut self, node: &StreamNode, columns: &JoinColumns, times: [usize; 2]) -> SqlResult<Lowered> {
        let [left, right] = &node.inputs[..] else { return Err(SqlError::new("a temporal join has two inputs")) };
        let inputs = self.join_inputs(left, right, columns)?;
        let spec = TemporalJoinSpec { kind: columns.kind, inputs, times, schema: arrow_schema(&node.schema) };
        let make: OperatorFactory = Box::new(move || Ok(Box::new(TemporalJoin::new(spec.clone())) as _));
        let joined = self.binary(node, &columns.keys, "TemporalJoin", 0, make)?;
        // Left rows go with event time; of the versions, the newest one of a key would stay for ever.
        let ttl_ms = self.state_ttl(right)?;
        Ok(self.living(joined, vec![None, ttl_ms]))
    }

    pub(super) fn deduplicate(&mut self, node: &StreamNode, columns: &DeduplicateColumns) -> SqlResult<Lowered> {
        let input = &node.inputs[0].schema;
        let condition = columns.condition.as_ref().map(|c| lower_expr(c, input, self.zone)).transpose()?;
        let (keys, key_types) = (columns.keys.clone(), types(input, &columns.keys));
        let spec = DeduplicateSpec { keys: keys.clone(), key_types, time: columns.time, order: columns.order.clone(), condition };
        self.unary(node, "Deduplicate", self.by_key(keys), Box::new(move || Ok(Box::new(Deduplicate::new(spec.clone())) as _)))
    }

    /// The rows cross the lookup on the worker they are on: no worker owns a key of a table outside.
    pub(super) fn lookup_join(
        &mut self,
        node: &StreamNode,
        columns: &JoinColumns,
        table: &StreamNode,
        form: &LookupForm,
    ) -> SqlResult<Lowered> {
        let left = &node.inputs[0];
        let inputs = self.join_inputs(left, table, columns)?;
        let operator = LookupJoin { kind: columns.kind, inputs, schema: arrow_schema(&node.schema) };
        let lowered = self.node(left)?;
        let lowered = self.settle(lowered, left)?;
        let inputs: Vec<Edge> = edges(&lowered, Exchange::Lookup);
        let id = self.graph.add(format!("LookupJoin: {}", form.name), NodeKind::Operator(factory(operator)), inputs);
        let lookup: Box<dyn Lookup> = match &form.by_key {
            Some(by_key) => Box::new(self.asked(table, &columns.keys[1], by_key)?),
            None => {
                let (open, through) = self.looked_up(table)?;
                Box::new(FullTable::new(open, through, arrow_schema(&table.schema), columns.keys[1].clone(), form.reload_ms))
            }
        };
        let lookup = LookupNode { lookup, keys: columns.keys[0].clone(), retry: form.retry };
        self.graph.nodes[id].lookup = Some(lookup);
        Ok(Lowered::plain(id))
    }

    /// A table whose connector is asked for keys, which are columns of what is computed of it.
    fn asked(&self, table: &StreamNode, keys: &[usize], form: &LookupByKey) -> SqlResult<ByKey> {
        let (scan, steps) = match &table.op {
            StreamOp::Calc { condition, project } => (&table.inputs[0], Some((condition, project))),
            _ => (table, None),
        };
        let StreamOp::Scan { source, columns } = &scan.op else {
            return Err(SqlError::not_yet("a view of several steps that is looked up"));
        };
        let below = |key: &usize| match steps {
            Some((_, project)) => column_at(&project[*key], &scan.schema),
            None => Some(*key),
        };
        let keys: Option<Vec<usize>> = keys.iter().map(below).collect();
        let keys = keys.ok_or_else(|| scan::computed_key(&source.table.path.name))?;
        let exprs: Vec<_> = columns.iter().map(|ScanColumn { expr }| expr.clone()).collect();
        let (found, columns) = scan::point_lookup(source, &exprs, &keys, self.connectors, self.env, self.zone)?;
        let through = match steps {
            Some((condition, project)) => {
                let condition = condition.as_ref().map(|c| lower_expr(c, &scan.schema, self.zone)).transpose()?;
                let mut project = project.iter().map(|e| lower_expr(e, &scan.schema, self.zone)).collect::<SqlResult<Vec<_>>>()?;
                let probe = scan.schema.fields().len();
                project.push(Arc::new(Column(probe)));
                Some(Calc { condition, select: (0..=probe).collect(), project, schema: with_probe(&arrow_schema(&table.schema)) })
            }
            None => None,
        };
        let schema = with_probe(&arrow_schema(&scan.schema));
        let requests = Requests {
            in_flight: form.in_flight.map_or_else(|| self.options.lookup_capacity(), Ok)?,
            timeout_ms: form.timeout_ms.map_or_else(|| self.options.lookup_timeout_ms(), Ok)?,
        };
        let computed = Computed { columns, schema, through, result: arrow_schema(&table.schema) };
        Ok(ByKey::new(found, requests, computed, form.cache))
    }

    /// How the table is opened, and what is computed of its rows.
    fn looked_up(&self, table: &StreamNode) -> SqlResult<(OpenTable, Option<Calc>)> {
        match &table.op {
            StreamOp::Scan { source, columns } => {
                let exprs: Vec<_> = columns.iter().map(|ScanColumn { expr }| expr.clone()).collect();
                let (source, connectors, env, options) = (source.clone(), self.connectors.clone(), self.env.clone(), self.options.clone());
                let open = move || scan::source_node(&source, &exprs, &connectors, &env, &options).map_err(|e| Error::config(e.message));
                Ok((Box::new(open), None))
            }
            StreamOp::Values(rows) => {
                let rows = rows.clone();
                let open = move || Ok(values::source_node(rows.clone()));
                Ok((Box::new(open), None))
            }
            StreamOp::Calc { condition, project } => {
                let below = &table.inputs[0];
                let (open, None) = self.looked_up(below)? else {
                    return Err(SqlError::not_yet("a view of several steps that is looked up"));
                };
                let condition = condition.as_ref().map(|c| lower_expr(c, &below.schema, self.zone)).transpose()?;
                let project = project.iter().map(|e| lower_expr(e, &below.schema, self.zone)).collect::<SqlResult<_>>()?;
                let select = (0..below.schema.fields().len()).collect();
                Ok((open, Some(Calc { condition, select, project, schema: arrow_schema(&table.schema) })))
            }
            _ => Err(SqlError::new("only tables and views that filter and project are looked up")),
        }
    }
}

/// The schema with a column behind it that tells which key a row belongs to.
fn with_probe(schema: &SchemaRef) -> SchemaRef {
    let mut fields: Vec<_> = schema.fields().iter().cloned().collect();
    fields.push(Arc::new(Field::new(PROBE, DataType::UInt32, false)));
    Arc::new(Schema::new(fields))
}
