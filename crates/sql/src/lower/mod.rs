//! From the stream plan to the engine's graph.

mod at_end;
mod case;
mod changes;
mod enforce;
pub mod expr;
mod group;
mod ieee;
mod join;
mod logic;
mod match_recognize;
mod merge;
mod over;
mod rank;
pub mod scan;
mod temporal;
#[cfg(test)]
mod tests;
mod unnest;
mod values;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion_common::DFSchema;
use datafusion_expr::Expr;
use flott_engine::connector::{Connector, Connectors, Environment, SinkMode};
use flott_engine::graph::{Edge, Exchange, Graph, NodeId, NodeKind};
use flott_engine::operator::{Operator, OperatorFactory};
use flott_engine::operators::calc::Calc;
use flott_engine::operators::emitting_aggregate::{EmitStrategy, EmittingAggregate};
use flott_engine::operators::expand::{Expand, GroupingSet};
use flott_engine::operators::limit::Limit;
use flott_engine::operators::session_aggregate::SessionAggregate;
use flott_engine::operators::session_tvf::SessionTvf;
use flott_engine::operators::window_aggregate::{LocalWindowAggregate, WindowAggregate, WindowSpec};
use flott_engine::operators::window_tvf::WindowTvf;
use flott_engine::operators::windows::{TimeColumn, Windows};
use flott_engine::sink::Sink;
use flott_engine::state::aggregates::{AggCall, Aggregates};
use flott_engine::time::LocalTime;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::catalog::Table;
use crate::error::{SqlError, SqlResult};
use crate::functions::Zone;
use crate::options::SessionOptions;
use crate::planner::nodes::WindowKind;
use crate::stream::explain::shown;
use crate::stream::parts::Parts;
use crate::stream::{AggregateCalls, Changelog, ScanColumn, StreamNode, StreamOp};
use expr::lower_shown;

/// What lowering needs to know.
pub struct Lowering<'a> {
    /// Connectors of the binary.
    pub connectors: &'a Connectors,
    /// The run.
    pub env: &'a Environment,
    /// The session's options.
    pub options: &'a SessionOptions,
    zone: Zone,
    graph: Graph,
    scans: BTreeMap<String, SharedScan>,
    parts: Parts<'a>,
}

/// A table that several steps read: one source with the columns that all of them need.
struct SharedScan {
    columns: Vec<Expr>,
    node: Option<NodeId>,
}

/// Rows of a step: the nodes they come out of, and where its columns are among theirs.
struct Lowered {
    nodes: Vec<NodeId>,
    /// After a scan and UNNEST: position of each column; `None`: as they are.
    columns: Option<Vec<usize>>,
}

impl Lowered {
    fn plain(node: NodeId) -> Self {
        Self { nodes: vec![node], columns: None }
    }
}

/// The connector of a table.
pub fn connector_of<'a>(connectors: &'a Connectors, table: &Table) -> SqlResult<&'a Arc<dyn Connector>> {
    let name = table.connector().ok_or_else(|| {
        SqlError::new(format!("table '{}' has no connector", table.path.name))
            .about(&table.path.name)
            .help("write WITH ('connector' = '…')")
    })?;
    connectors.get(name).ok_or_else(|| {
        let names: Vec<&str> = connectors.all().map(|c| c.info().name).collect();
        let error = SqlError::new(format!("there is no connector '{name}'")).about(name);
        match crate::dialect::did_you_mean(name, names.iter().copied()) {
            Some(near) => error.help(format!("did you mean '{near}'?")),
            None => error.help(format!("there are: {}", names.join(", "))),
        }
    })
}

/// The graph of several sinks, each with the steps before it. `result` takes the rows of a step that is no sink.
pub fn lower(
    roots: &[StreamNode],
    result: Option<Box<dyn Sink>>,
    connectors: &Connectors,
    env: &Environment,
    options: &SessionOptions,
) -> SqlResult<Graph> {
    let zone = options.time_zone()?;
    let graph = Graph { batch: options.batch(), ..Graph::default() };
    let mut lowering = Lowering { connectors, env, options, zone, graph, scans: BTreeMap::new(), parts: Parts::new(options, connectors) };
    roots.iter().for_each(|r| lowering.note_scans(r));
    let mut result = result;
    for root in roots {
        match &root.op {
            StreamOp::Sink(table, hints) => {
                let sink = lowering.sink(table, hints, root.changelog)?;
                lowering.finish(&root.inputs[0], Some(table), sink)?;
            }
            _ => {
                let sink = result.take().ok_or_else(|| SqlError::new("a query's rows need somewhere to go"))?;
                lowering.result(root, sink)?;
            }
        }
    }
    Ok(lowering.graph)
}

fn scan_key(source: &crate::planner::context::FlinkTable) -> String {
    format!("{}{:?}", source.table.path, source.hints)
}

impl Lowering<'_> {
    /// Collects what is read of each table, so that it is read once.
    fn note_scans(&mut self, node: &StreamNode) {
        if let StreamOp::Scan { source, columns } = &node.op {
            let shared = self.scans.entry(scan_key(source)).or_insert_with(|| SharedScan { columns: vec![], node: None });
            for ScanColumn { expr } in columns {
                if !shared.columns.contains(expr) {
                    shared.columns.push(expr.clone());
                }
            }
        }
        node.inputs.iter().for_each(|i| self.note_scans(i));
    }

    fn finish(&mut self, node: &StreamNode, table: Option<&Table>, sink: Box<dyn Sink>) -> SqlResult<()> {
        let input = self.node(node)?;
        let input = self.settle(input, node)?;
        self.end(input, node, table, sink);
        Ok(())
    }

    fn end(&mut self, input: Lowered, node: &StreamNode, table: Option<&Table>, sink: Box<dyn Sink>) {
        let inputs = edges(&input, Exchange::Forward);
        let name = table.map_or("Result".to_string(), |table| format!("Sink: {}", table.path.name));
        let id = self.graph.add(name, NodeKind::Sink(sink), inputs);
        self.graph.nodes[id].label = self.parts.sink_label(table, node);
    }

    fn sink(&self, table: &Arc<Table>, hints: &BTreeMap<String, String>, changelog: Changelog) -> SqlResult<Box<dyn Sink>> {
        let connector = connector_of(self.connectors, table)?;
        check_sink(connector.as_ref(), table, changelog)?;
        let spec = scan::sink_spec(table, hints);
        let sinks = self.graph.nodes.iter().filter(|n| matches!(n.kind, NodeKind::Sink(_))).count();
        let env = Environment { sink_number: sinks, ..self.env.clone() };
        connector.sink(&spec, &env).map_err(|e| SqlError::from(e.at(format!("table '{}'", table.path.name))))
    }

    /// The nodes of a step, and before them those of the steps before it.
    fn node(&mut self, node: &StreamNode) -> SqlResult<Lowered> {
        let first = self.graph.nodes.len();
        let lowered = self.step(node)?;
        let new = self.graph.nodes[first..].iter_mut().filter(|new| new.label.identity.is_empty());
        let label = self.parts.label(node);
        new.for_each(|new| new.label = label.clone());
        Ok(lowered)
    }

    fn step(&mut self, node: &StreamNode) -> SqlResult<Lowered> {
        match &node.op {
            StreamOp::Scan { source, columns } => self.scan(source, columns),
            StreamOp::Values(rows) => {
                let source = values::source_node(rows.clone());
                Ok(Lowered::plain(self.graph.add("Values", NodeKind::Source(Box::new(source)), vec![])))
            }
            StreamOp::Calc { condition, project } => self.calc(node, condition.as_ref(), project),
            StreamOp::Union => self.union(node),
            StreamOp::SetOperation(kind) => self.set_operation(node, *kind),
            StreamOp::WindowTvf { kind, time, processing, partition, .. } => {
                let schema = arrow_schema(&node.schema);
                let column = if *processing { None } else { Some(*time) };
                let time = self.window_time(column, &node.inputs[0].schema);
                match (kind, aligned(kind)) {
                    (WindowKind::Session { .. }, _) if !node.inputs[0].changelog.is_insert_only() => {
                        Err(SqlError::not_yet("SESSION without an aggregation over rows that change").about("SESSION"))
                    }
                    (WindowKind::Session { gap, .. }, _) => {
                        let operator = SessionTvf { gap: *gap, time, keys: partition.clone(), schema, tables: None };
                        self.unary(node, "WindowTableFunction", self.by_key(partition.clone()), factory(operator))
                    }
                    (_, Some(windows)) => {
                        let operator = WindowTvf { windows, time, schema };
                        self.unary(node, "WindowTableFunction", Exchange::Forward, factory(operator))
                    }
                    _ => Err(SqlError::new("only sessions are not aligned")),
                }
            }
            StreamOp::Unnest { .. } => self.unnest(node, None),
            StreamOp::Expand(sets) => {
                let operator = Expand { sets: sets.iter().map(GroupingSet::clone).collect(), schema: arrow_schema(&node.schema) };
                self.unary(node, "Expand", Exchange::Forward, factory(operator))
            }
            StreamOp::Limit { skip, fetch } => {
                let (skip, fetch) = (*skip, *fetch);
                self.unary(
                    node,
                    "Limit",
                    self.crossing(Exchange::Single),
                    Box::new(move || Ok(Box::new(Limit::new(skip, fetch)) as Box<dyn Operator>)),
                )
            }
            StreamOp::EnforceNotNull { columns, table } => self.enforce_not_null(node, columns, table),
            StreamOp::Rank(columns) => self.rank(node, columns, false),
            StreamOp::AtEnd => self.at_end(node),
            StreamOp::Sort(columns) => self.full_sort(node, columns),
            StreamOp::Over(columns) => self.over(node, columns),
            StreamOp::WholeOver(columns) => self.whole_over(node, columns),
            StreamOp::LookAhead(columns) => self.look_ahead(node, columns),
            StreamOp::Match(columns) => self.match_recognize(node, columns),
            StreamOp::DropUpdateBefore
            | StreamOp::ChangelogNormalize { .. }
            | StreamOp::Materialize { .. }
            | StreamOp::FromChangelog { .. }
            | StreamOp::ToChangelog { .. } => self.changes(node),
            StreamOp::TimeSort { time, order } => self.time_sort(node, *time, order),
            StreamOp::Join(_) | StreamOp::IntervalJoin { .. } | StreamOp::WindowJoin { .. } => self.join(node),
            StreamOp::TemporalJoin { columns, times } => self.temporal_join(node, columns, *times),
            StreamOp::Deduplicate(columns) => self.deduplicate(node, columns),
            StreamOp::LookupJoin { columns, table, form } => self.lookup_join(node, columns, table, form),
            StreamOp::GroupAggregate(aggregate) => self.group_aggregate(node, aggregate, false),
            StreamOp::WindowAggregate { kind, attached, time, emit, aggregate } => {
                self.window_aggregate(node, kind, *attached, *time, *emit, aggregate)
            }
            StreamOp::Sink(..) => Err(SqlError::new("a sink cannot stand below another step")),
        }
    }

    fn union(&mut self, node: &StreamNode) -> SqlResult<Lowered> {
        let mut nodes = vec![];
        for input in &node.inputs {
            let lowered = self.node(input)?;
            nodes.extend(self.settle(lowered, input)?.nodes);
        }
        Ok(Lowered { nodes, columns: None })
    }

    fn scan(&mut self, source: &crate::planner::context::FlinkTable, columns: &[ScanColumn]) -> SqlResult<Lowered> {
        let key = scan_key(source);
        let Some(shared) = self.scans.get_mut(&key) else { return Err(SqlError::new("a scan was not noted")) };
        let all = shared.columns.clone();
        let node = match shared.node {
            Some(node) => node,
            None => {
                let built = scan::source_node(source, &all, self.connectors, self.env, self.options)?;
                let node = self.graph.add(format!("Source: {}", source.table.path.name), NodeKind::Source(Box::new(built)), vec![]);
                shared.node = Some(node);
                self.graph.nodes[node].label = self.parts.source_label(source);
                node
            }
        };
        let at = columns.iter().filter_map(|c| all.iter().position(|e| *e == c.expr)).collect();
        Ok(Lowered { nodes: vec![node], columns: Some(at) })
    }

    /// Puts columns in the order that the step promised, where its consumer does not do so itself.
    fn settle(&mut self, lowered: Lowered, node: &StreamNode) -> SqlResult<Lowered> {
        let Some(columns) = lowered.columns else { return Ok(lowered) };
        let project = (0..columns.len()).map(|i| Arc::new(flott_engine::expr::Column(i)) as _).collect();
        let calc = Calc { condition: None, select: columns, project, schema: arrow_schema(&node.schema) };
        let inputs = lowered.nodes.iter().map(|n| Edge { from: *n, port: 0, exchange: Exchange::Forward }).collect();
        Ok(Lowered::plain(self.graph.add("Calc", NodeKind::Operator(factory(calc)), inputs)))
    }

    fn unary(&mut self, node: &StreamNode, name: &str, exchange: Exchange, operator: OperatorFactory) -> SqlResult<Lowered> {
        let input = self.node(&node.inputs[0])?;
        let input = self.settle(input, &node.inputs[0])?;
        let inputs = edges(&input, exchange);
        Ok(Lowered::plain(self.graph.add(name, NodeKind::Operator(operator), inputs)))
    }

    fn calc(&mut self, node: &StreamNode, condition: Option<&Expr>, project: &[Expr]) -> SqlResult<Lowered> {
        let below = &node.inputs[0];
        let input = match &below.op {
            StreamOp::Unnest { .. } => {
                let used = condition.iter().copied().chain(project).flat_map(|e| e.column_refs());
                let needed = used.map(|c| below.schema.index_of_column(c)).collect::<datafusion_common::Result<Vec<_>>>()?;
                self.unnest(below, Some(&needed))?
            }
            _ => self.node(below)?,
        };
        // Columns of the step before, as they lie in the batches that arrive.
        let place = |i: usize| input.columns.as_ref().map_or(i, |c| c[i]);
        let width = input.columns.as_ref().and_then(|c| c.iter().max()).map_or(below.schema.fields().len(), |m| m + 1);
        let mut select: Vec<usize> = vec![];
        for expr in project {
            for column in expr.column_refs() {
                let at = below.schema.index_of_column(column)?;
                if !select.contains(&at) {
                    select.push(at);
                }
            }
        }
        if select.is_empty() && !below.schema.fields().is_empty() {
            select.push(0);
        }
        select.sort_unstable();
        let selected = project_schema(&below.schema, &select)?;
        let condition = match condition {
            Some(condition) => Some(lower_shown(condition, &scattered(&below.schema, place, width)?, self.zone, shown(condition, node))?),
            None => None,
        };
        let project = project.iter().map(|e| lower_shown(e, &selected, self.zone, shown(e, node))).collect::<SqlResult<_>>()?;
        let calc = Calc { condition, select: select.into_iter().map(place).collect(), project, schema: arrow_schema(&node.schema) };
        let inputs = edges(&input, Exchange::Forward);
        Ok(Lowered::plain(self.graph.add("Calc", NodeKind::Operator(factory(calc)), inputs)))
    }

    /// Event time in a column, or processing time; of TIMESTAMP_LTZ as the session's time zone shows it.
    fn window_time(&self, column: Option<usize>, schema: &DFSchema) -> TimeColumn {
        let time = column.map_or(TimeColumn::Processing, TimeColumn::Event);
        let zoned = column.is_none_or(|c| matches!(schema.field(c).data_type(), DataType::Timestamp(_, Some(_))));
        if zoned && self.zone != Zone::UTC { TimeColumn::Local(Box::new(time), Arc::new(ZoneClock(self.zone))) } else { time }
    }

    fn two_phase(&self) -> bool {
        self.env.workers > 1
    }

    /// Crosses workers only if there are several.
    fn crossing(&self, exchange: Exchange) -> Exchange {
        if self.two_phase() { exchange } else { Exchange::Forward }
    }

    fn by_key(&self, keys: Vec<usize>) -> Exchange {
        self.crossing(if keys.is_empty() { Exchange::Single } else { Exchange::Hash(keys) })
    }

    fn window_aggregate(
        &mut self,
        node: &StreamNode,
        kind: &WindowKind,
        attached: bool,
        time: Option<usize>,
        emit: Option<EmitStrategy>,
        aggregate: &AggregateCalls,
    ) -> SqlResult<Lowered> {
        let input_schema = &node.inputs[0].schema;
        let key_types = types(input_schema, &aggregate.keys);
        let aggregates = bind(aggregate)?;
        let schema = arrow_schema(&node.schema);
        let keys = aggregate.keys.clone();
        let zoned = schema.fields().last().is_some_and(|f| matches!(f.data_type(), DataType::Timestamp(_, Some(_))));
        if attached && zoned && self.zone != Zone::UTC {
            return Err(SqlError::not_yet("aggregating windows of TIMESTAMP_LTZ again in a time zone other than UTC"));
        }
        let time = if attached { TimeColumn::Event(time.unwrap_or(0)) } else { self.window_time(time, input_schema) };
        let Some(windows) = aligned(kind) else {
            let WindowKind::Session { gap, .. } = kind else { return Err(SqlError::new("only sessions are not aligned")) };
            let operator = SessionAggregate { gap: *gap, time, keys: keys.clone(), key_types, aggregates, schema, sessions: None };
            let exchange = self.by_key(keys);
            return self.unary(node, "WindowAggregate", exchange, factory(operator));
        };
        let windows = if attached { windows.attached() } else { windows };
        let n = keys.len();
        let spec = WindowSpec { windows, time, keys, key_types: key_types.clone(), aggregates, schema };
        if let Some(emit) = emit {
            let exchange = self.by_key(spec.keys.clone());
            return self.unary(node, "WindowAggregate", exchange, factory(EmittingAggregate::new(spec, emit, node.changelog.has_before())));
        }
        if !self.two_phase() || !spec.aggregates.mergeable() {
            let exchange = self.by_key(spec.keys.clone());
            let make: OperatorFactory = Box::new(move || Ok(Box::new(WindowAggregate::new(spec.clone(), false)) as _));
            return self.unary(node, "WindowAggregate", exchange, make);
        }
        let partial = partial_schema(&key_types, &spec.aggregates.partial_types(), Some("slice_end"));
        let local = spec.clone();
        let make: OperatorFactory =
            Box::new(move || Ok(Box::new(LocalWindowAggregate { spec: local.clone(), schema: partial.clone() }) as _));
        let first = self.unary(node, "LocalWindowAggregate", Exchange::Forward, make)?;
        let make: OperatorFactory = Box::new(move || Ok(Box::new(WindowAggregate::new(spec.clone(), true)) as _));
        let inputs = edges(&first, self.by_key((1..=n).collect()));
        Ok(Lowered::plain(self.graph.add("GlobalWindowAggregate", NodeKind::Operator(make), inputs)))
    }
}

/// The clock of the session's time zone.
#[derive(Debug)]
pub struct ZoneClock(pub Zone);

impl LocalTime for ZoneClock {
    fn to_local(&self, utc_ms: i64) -> i64 {
        self.0.to_local_ms(utc_ms)
    }
    fn to_utc(&self, local_ms: i64) -> i64 {
        let first = self.0.to_epoch_ms(local_ms);
        // The second pass of a repeated hour, if there is one.
        let later = first + 3_600_000;
        if self.0.to_local_ms(later) == local_ms { later } else { first }
    }
}

/// Whether a table takes what a query emits.
pub fn check_sink(connector: &dyn Connector, table: &Table, changelog: Changelog) -> SqlResult<()> {
    let name = &table.path.name;
    match table.sink_mode {
        None => Err(SqlError::new(format!("table '{name}' cannot be written: '{}' is a source only", connector.info().name)).about(name)),
        Some(SinkMode::AppendOnly) if !changelog.is_insert_only() => {
            Err(SqlError::new(format!("table '{name}' takes new rows only, but the query changes rows that it has emitted"))
                .about(name)
                .help("group by a window (TUMBLE, HOP, …) so that each row is final, or write to a table that takes updates"))
        }
        Some(_) => Ok(()),
    }
}

fn edges(input: &Lowered, exchange: Exchange) -> Vec<Edge> {
    input.nodes.iter().map(|n| Edge { from: *n, port: 0, exchange: exchange.clone() }).collect()
}

fn factory<T: Operator + Clone + Sync + 'static>(operator: T) -> OperatorFactory {
    Box::new(move || Ok(Box::new(operator.clone()) as Box<dyn Operator>))
}

/// The columns of a step's batches. They may all be NULL: a decimal that overflows is, also where its type says NOT NULL.
fn arrow_schema(schema: &DFSchema) -> SchemaRef {
    let nullable = |f: &Arc<Field>| f.as_ref().clone().with_nullable(true);
    Arc::new(Schema::new(schema.fields().iter().map(nullable).collect::<Vec<_>>()))
}

fn types(schema: &DFSchema, columns: &[usize]) -> Vec<DataType> {
    columns.iter().map(|c| schema.field(*c).data_type().clone()).collect()
}

fn partial_schema(keys: &[DataType], values: &[DataType], first: Option<&str>) -> SchemaRef {
    let first = first.map(|name| Field::new(name, DataType::Int64, false));
    let rest = keys.iter().chain(values).enumerate().map(|(i, t)| Field::new(format!("${i}"), t.clone(), true));
    Arc::new(Schema::new(first.into_iter().chain(rest).collect::<Vec<_>>()))
}

fn project_schema(schema: &DFSchema, columns: &[usize]) -> SqlResult<DFSchema> {
    let fields = columns.iter().map(|c| {
        let (qualifier, field) = schema.qualified_field(*c);
        (qualifier.cloned(), field.clone())
    });
    Ok(DFSchema::new_with_metadata(fields.collect(), Default::default())?)
}

/// The schema with its columns at other positions; the gaps are filled with columns that nobody names.
fn scattered(schema: &DFSchema, place: impl Fn(usize) -> usize, width: usize) -> SqlResult<DFSchema> {
    let mut fields: Vec<_> = (0..width).map(|i| (None, Arc::new(Field::new(format!("$gap{i}"), DataType::Null, true)))).collect();
    for i in 0..schema.fields().len() {
        let (qualifier, field) = schema.qualified_field(i);
        fields[place(i)] = (qualifier.cloned(), field.clone());
    }
    Ok(DFSchema::new_with_metadata(fields, Default::default())?)
}

/// Windows that are the same for all keys; `None` for sessions.
fn aligned(kind: &WindowKind) -> Option<Windows> {
    match kind {
        WindowKind::Tumble { size, offset } => Some(Windows::Tumble { size: *size, offset: *offset }),
        WindowKind::Hop { size, slide, offset } => Some(Windows::Hop { size: *size, slide: *slide, offset: *offset }),
        WindowKind::Cumulate { size, step, offset } => Some(Windows::Cumulate { size: *size, step: *step, offset: *offset }),
        WindowKind::Session { .. } => None,
    }
}

fn bind(aggregate: &AggregateCalls) -> SqlResult<Aggregates> {
    let calls = aggregate
        .calls
        .iter()
        .map(|c| Ok(AggCall { function: flott_engine::aggregate::bind(&c.spec)?, args: c.args.clone(), filter: c.filter }));
    Ok(Aggregates::new(calls.collect::<SqlResult<_>>()?))
}
