//! What the steps of a plan compute, told so that the same is told in the same way wherever it stands: checkpoints know by it which state is
//! whose when a query was changed.
//!
//! Columns go by where they come from, not by their names or places. So another name, or one more column that an aggregation does not look
//! at, changes nothing below; another filter changes everything above.

use arrow::util::display::array_value_to_string;
use datafusion_common::tree_node::{Transformed, TreeNode};
use datafusion_common::{Column, DFSchema};
use datafusion_expr::Expr;
use flott_engine::change::{Columns, Part, PartKind};
use flott_engine::connector::Connectors;
use flott_engine::graph::Label;
use flott_engine::hash::stable_hash;
use std::collections::{BTreeMap, HashMap};

use super::explain::{describe, labels};
use super::match_recognize::match_text;
use super::text::sql_text;
use super::{AggregateCall, AggregateCalls, JoinColumns, StreamNode, StreamOp, pair_schema};
use crate::catalog::{ColumnSource, Table};
use crate::options::SessionOptions;
use crate::planner::context::FlinkTable;
use crate::planner::nodes::WindowKind;
use crate::types::FlinkType;

/// Longest title, in characters.
const TITLE_CHARS_MAX: usize = 160;

/// What a step gives and keeps.
struct Shape {
    /// Its rows, whatever columns they have.
    rows: String,
    /// Its columns.
    columns: Vec<String>,
    /// What it keeps state of.
    state: String,
}

fn hash<T: AsRef<str>>(parts: impl IntoIterator<Item = T>) -> String {
    let parts: Vec<String> = parts.into_iter().map(|part| format!("{}:{}", part.as_ref().len(), part.as_ref())).collect();
    format!("{:016x}", stable_hash(parts.concat().as_bytes()))
}

/// Knows what of the session decides about results.
pub struct Parts<'a> {
    session: String,
    connectors: &'a Connectors,
}

impl<'a> Parts<'a> {
    /// For the plans of a session.
    pub fn new(options: &SessionOptions, connectors: &'a Connectors) -> Self {
        let mode = if options.batch() { "batch" } else { "streaming" };
        let zone = options.get("table.local-time-zone").unwrap_or_default();
        Self { session: format!("{mode} {zone}"), connectors }
    }

    /// See [`Part::places`].
    fn places(&self, connector: Option<&str>, options: &BTreeMap<String, String>) -> Vec<String> {
        let connector = connector.and_then(|name| self.connectors.get(name));
        let names = connector.map(|c| c.places()).unwrap_or_default().iter();
        let values = names.filter_map(|name| Some((name, options.get(*name)?)));
        values.flat_map(|(name, value)| value.split(';').map(move |place| format!("{name} {}", place.trim()))).collect()
    }

    fn shape(&self, node: &StreamNode) -> Shape {
        let inputs: Vec<Shape> = node.inputs.iter().map(|input| self.shape(input)).collect();
        match &node.op {
            StreamOp::Scan { source, columns } => self.scan(node, source, columns.iter().map(|c| &c.expr)),
            StreamOp::Calc { condition, project } => calc(node, &inputs[0], condition.as_ref(), project),
            StreamOp::GroupAggregate(aggregate) => aggregated(node, &inputs[0], "group".into(), aggregate),
            StreamOp::WindowAggregate { kind, attached, time, emit, aggregate } => {
                let time = time.map(|at| inputs[0].columns[at].as_str()).unwrap_or("processing time");
                aggregated(node, &inputs[0], format!("window {kind:?} {attached} {time} {emit:?}"), aggregate)
            }
            _ => {
                let changelogs = node.inputs.iter().map(|input| input.changelog.kinds().to_string());
                let below = inputs.into_iter().flat_map(|input| std::iter::once(input.rows).chain(input.columns));
                let rows = hash([self.text(node)].into_iter().chain(types(node)).chain(changelogs).chain(below));
                let columns = (0..node.schema.fields().len()).map(|i| hash([&rows, &i.to_string()])).collect();
                Shape { state: rows.clone(), rows, columns }
            }
        }
    }

    fn scan<'e>(&self, node: &StreamNode, source: &FlinkTable, columns: impl Iterator<Item = &'e Expr>) -> Shape {
        let table = &source.table;
        let watermark = table.watermark.as_ref().map(|w| {
            let column = table.columns[w.column].field.name();
            format!("{column} {} {}", w.text, defined(&w.expr, table))
        });
        let rows = hash([self.source(source), watermark.unwrap_or_default()]);
        let columns = columns.zip(types(node)).map(|(expr, ty)| hash([&rows, &defined(expr, table), &ty])).collect();
        Shape { state: rows.clone(), rows, columns }
    }

    /// Identifies a table that is read.
    fn source(&self, source: &FlinkTable) -> String {
        let hints: Vec<String> = source.hints.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let connector = source.table.connector().unwrap_or_default();
        hash([&self.session, &source.table.path.to_string(), connector, &hints.join("\n")])
    }

    /// What a step does, with positions for its columns.
    fn text(&self, node: &StreamNode) -> String {
        let session = &self.session;
        let kind = describe(node).split('(').next().unwrap_or_default().to_string();
        let own = match &node.op {
            StreamOp::Values(rows) => {
                let cells = rows.columns().iter().flat_map(|c| (0..rows.num_rows()).map(move |i| array_value_to_string(c, i)));
                format!("{} {:?}", rows.num_rows(), cells.map(Result::unwrap_or_default).collect::<Vec<_>>())
            }
            StreamOp::WindowTvf { kind, time, processing, partition, emission } => {
                format!("{kind:?} {time} {processing} {partition:?} {emission:?}")
            }
            StreamOp::Unnest { collection, passed, form } => format!("{collection} {passed} {form:?}"),
            StreamOp::Expand(sets) => format!("{sets:?}"),
            StreamOp::SetOperation(kind) => format!("{kind:?}"),
            StreamOp::Rank(columns) => format!("{columns:?}"),
            StreamOp::Sort(columns) => format!("{columns:?}"),
            StreamOp::Over(columns) => {
                let calls: Vec<String> = columns.calls.iter().map(|call| format!("{:?} {:?}", call.spec, call.args)).collect();
                format!("{:?} {:?} {:?} {calls:?}", columns.partition, columns.order, columns.frame)
            }
            StreamOp::WholeOver(columns) => format!("{columns:?}"),
            StreamOp::LookAhead(columns) => format!("{columns:?}"),
            StreamOp::TimeSort { time, order } => format!("{time} {order:?}"),
            StreamOp::Match(columns) => {
                format!("{} {:?} {:?}", match_text(columns, |at| format!("{at:?}")), columns.definitions, columns.output)
            }
            StreamOp::Join(columns) => joined(node, columns),
            StreamOp::IntervalJoin { columns, times, processing, lower, upper } => {
                format!("{} {times:?} {processing} {lower} {upper}", joined(node, columns))
            }
            StreamOp::WindowJoin { columns, ends, processing } => format!("{} {ends:?} {processing}", joined(node, columns)),
            StreamOp::TemporalJoin { columns, times } => format!("{} {times:?}", joined(node, columns)),
            StreamOp::LookupJoin { columns, table, .. } => {
                let Shape { rows, columns: of_table, .. } = self.shape(table);
                let condition = columns.condition.as_ref().map(sql_text);
                format!("{:?} {:?} {condition:?} {rows} {of_table:?}", columns.kind, columns.keys)
            }
            StreamOp::Deduplicate(columns) => {
                let condition = columns.condition.as_ref().map(|c| by_position(c, &node.inputs[0].schema));
                format!("{:?} {} {:?} {condition:?}", columns.keys, columns.time, columns.order)
            }
            StreamOp::Limit { skip, fetch } => format!("{skip} {fetch}"),
            StreamOp::EnforceNotNull { columns, .. } => format!("{columns:?}"),
            StreamOp::ChangelogNormalize { key } => format!("{key:?}"),
            StreamOp::Materialize { key, conflict } => format!("{key:?} {conflict:?}"),
            StreamOp::FromChangelog { op, mapping } => format!("{op} {mapping:?}"),
            StreamOp::ToChangelog { mapping } => format!("{mapping:?}"),
            StreamOp::Scan { .. } | StreamOp::Calc { .. } | StreamOp::GroupAggregate(_) | StreamOp::WindowAggregate { .. } => String::new(),
            StreamOp::Union | StreamOp::AtEnd | StreamOp::DropUpdateBefore | StreamOp::Sink(..) => String::new(),
        };
        format!("{kind} {own} {session}")
    }

    /// What a node of the engine's graph that carries out a step is called.
    pub fn label(&self, node: &StreamNode) -> Label {
        if let StreamOp::Scan { source, .. } = &node.op {
            return self.source_label(source);
        }
        let keys = |at: &[usize]| {
            let labels = labels(&node.inputs[0]);
            at.iter().map(|at| labels[*at].clone()).collect()
        };
        let keys = match &node.op {
            StreamOp::GroupAggregate(aggregate) | StreamOp::WindowAggregate { aggregate, .. } => keys(&aggregate.keys),
            StreamOp::Rank(columns) => keys(&columns.partition),
            StreamOp::Over(columns) => keys(&columns.partition),
            StreamOp::Match(columns) => keys(&columns.partition),
            StreamOp::Deduplicate(columns) => keys(&columns.keys),
            _ => vec![],
        };
        let columns = Columns { keys, rows: node.inputs.iter().map(labels).collect() };
        Label { identity: self.shape(node).state, title: cut(describe(node)), columns, ..Label::default() }
    }

    /// What the source of a table is called, which reads for all steps.
    pub fn source_label(&self, source: &FlinkTable) -> Label {
        let title = format!("source {}", source.table.path.name);
        let places = self.places(source.table.connector(), &source.options());
        Label { identity: self.source(source), title, places, ..Label::default() }
    }

    /// What the sink is called that takes the rows of a step; `None`: the result of a SELECT.
    pub fn sink_label(&self, table: Option<&Table>, input: &StreamNode) -> Label {
        let Shape { rows, columns, .. } = self.shape(input);
        let (identity, title) = match table {
            Some(table) => (hash([&table.path.to_string(), table.connector().unwrap_or_default()]), format!("sink {}", table.path.name)),
            None => ("result".to_string(), "the result".to_string()),
        };
        let updating = !input.changelog.is_insert_only();
        let places = table.map(|table| self.places(table.connector(), &table.options)).unwrap_or_default();
        Label { identity, title, places, input: hash(std::iter::once(rows).chain(columns)), updating, ..Label::default() }
    }

    /// The parts of a plan, as its job's checkpoints will name them.
    pub fn of(&self, roots: &[StreamNode]) -> Vec<Part> {
        let mut parts = Collected { parts: vec![], scans: HashMap::new() };
        for root in roots {
            let (table, input) = match &root.op {
                StreamOp::Sink(table, _) => (Some(table.as_ref()), &root.inputs[0]),
                _ => (None, root),
            };
            let sources = self.collect(input, &mut parts);
            parts.add(PartKind::Sink, self.sink_label(table, input), sources);
        }
        parts.parts
    }

    /// Adds the parts of a step and of those before it; tells the sources.
    fn collect(&self, node: &StreamNode, parts: &mut Collected) -> Vec<usize> {
        let step = match &node.op {
            // Aggregations and Top-N tell their rows at the end by themselves; other steps get their input then.
            StreamOp::AtEnd if tells_at_end(&node.inputs[0]) => &node.inputs[0],
            StreamOp::AtEnd => return self.collect(&node.inputs[0], parts),
            _ => node,
        };
        let mut sources: Vec<usize> = step.inputs.iter().flat_map(|input| self.collect(input, parts)).collect();
        match &step.op {
            StreamOp::Scan { source, .. } => {
                let label = self.source_label(source);
                let known = parts.scans.get(&label.identity).copied();
                let place = known.unwrap_or_else(|| parts.add(PartKind::Source, label.clone(), vec![]));
                parts.scans.insert(label.identity, place);
                sources.push(place);
            }
            StreamOp::Values(_) => sources.push(parts.add(PartKind::Source, self.label(step), vec![])),
            StreamOp::GroupAggregate(aggregate) if !std::ptr::eq(step, node) && aggregate.keys.is_empty() => {
                // The row that makes it have a result of no rows.
                sources.push(parts.add(PartKind::Source, self.label(node), vec![]));
            }
            _ => {}
        }
        sources.sort_unstable();
        sources.dedup();
        if remembers(step) {
            parts.add(PartKind::Operator, self.label(node), sources.clone());
        }
        sources
    }
}

struct Collected {
    parts: Vec<Part>,
    scans: HashMap<String, usize>,
}

impl Collected {
    fn add(&mut self, kind: PartKind, label: Label, sources: Vec<usize>) -> usize {
        let Label { identity, title, places, input, updating, columns } = label;
        self.parts.push(Part { kind, identity, title, sources, places, input, updating, columns });
        self.parts.len() - 1
    }
}

/// See [`StreamOp::AtEnd`].
fn tells_at_end(step: &StreamNode) -> bool {
    match &step.op {
        StreamOp::GroupAggregate(_) => true,
        StreamOp::Rank(columns) => columns.window.is_none(),
        _ => false,
    }
}

/// Whether a step has state tables.
fn remembers(step: &StreamNode) -> bool {
    match &step.op {
        StreamOp::WindowTvf { kind, .. } => matches!(kind, WindowKind::Session { .. }),
        StreamOp::Scan { .. }
        | StreamOp::Values(_)
        | StreamOp::Calc { .. }
        | StreamOp::Unnest { .. }
        | StreamOp::Expand(_)
        | StreamOp::Union
        | StreamOp::AtEnd
        | StreamOp::LookupJoin { .. }
        | StreamOp::EnforceNotNull { .. }
        | StreamOp::DropUpdateBefore
        | StreamOp::FromChangelog { .. }
        | StreamOp::ToChangelog { .. }
        | StreamOp::Sink(..) => false,
        _ => true,
    }
}

fn cut(title: String) -> String {
    if title.chars().count() <= TITLE_CHARS_MAX {
        return title;
    }
    title.chars().take(TITLE_CHARS_MAX - 1).chain(['…']).collect()
}

fn types(node: &StreamNode) -> Vec<String> {
    node.schema.fields().iter().map(|f| FlinkType::from_field(f).0.to_string()).collect()
}

/// An expression over a table's columns, with what they are.
fn defined(expr: &Expr, table: &Table) -> String {
    let mut text = sql_text(expr);
    for name in expr.column_refs().into_iter().map(|c| c.name.clone()).collect::<std::collections::BTreeSet<_>>() {
        let Some(column) = table.columns.iter().find(|c| *c.field.name() == name) else { continue };
        let source = match &column.source {
            ColumnSource::Physical => String::new(),
            ColumnSource::Metadata { key, .. } => format!("metadata {key}"),
            ColumnSource::Computed { expr, .. } => defined(expr, table),
        };
        text.push_str(&format!("; {name} {} {source}", FlinkType::from_field(&column.field).0));
    }
    text
}

/// An expression with something else in place of its columns.
fn replaced(expr: &Expr, schema: &DFSchema, column: impl Fn(usize) -> String) -> String {
    let replaced = expr.clone().transform_up(|e| match &e {
        Expr::Alias(alias) => Ok(Transformed::yes(alias.expr.as_ref().clone())),
        Expr::Column(c) => Ok(match schema.maybe_index_of_column(c) {
            Some(at) => Transformed::yes(Expr::Column(Column::new_unqualified(column(at)))),
            None => Transformed::no(e),
        }),
        _ => Ok(Transformed::no(e)),
    });
    replaced.map_or_else(|_| sql_text(expr), |replaced| sql_text(&replaced.data))
}

fn by_position(expr: &Expr, schema: &DFSchema) -> String {
    replaced(expr, schema, |at| format!("#{at}"))
}

fn calc(node: &StreamNode, input: &Shape, condition: Option<&Expr>, project: &[Expr]) -> Shape {
    let below = &node.inputs[0].schema;
    let text = |expr: &Expr| replaced(expr, below, |at| format!("#{}", input.columns[at]));
    let column = |(expr, ty): (&Expr, String)| match text(expr) {
        // A column as it is.
        text if text.starts_with('#') && text.len() == 17 => text[1..].to_string(),
        text => hash([&text, &ty]),
    };
    let rows = condition.map_or(input.rows.clone(), |condition| hash(["filter", &input.rows, &text(condition)]));
    Shape { state: rows.clone(), rows, columns: project.iter().zip(types(node)).map(column).collect() }
}

fn aggregated(node: &StreamNode, input: &Shape, form: String, aggregate: &AggregateCalls) -> Shape {
    let below = &node.inputs[0];
    let keys: Vec<String> = aggregate.keys.iter().map(|key| input.columns[*key].clone()).collect();
    let types = types(below);
    let key_types = aggregate.keys.iter().map(|key| types[*key].clone());
    let head = [form, input.rows.clone(), below.changelog.kinds().to_string()];
    let rows = hash(head.into_iter().chain(keys.iter().cloned()).chain(key_types));
    let call = |call: &AggregateCall| {
        let args: Vec<&String> = call.args.iter().map(|arg| &input.columns[*arg]).collect();
        let filter = call.filter.map(|filter| &input.columns[filter]);
        hash([rows.clone(), format!("{:?} {args:?} {filter:?}", call.spec)])
    };
    let calls: Vec<String> = aggregate.calls.iter().map(call).collect();
    let state = hash(std::iter::once(&rows).chain(&calls));
    let known = keys.len() + calls.len();
    let others = (known..node.schema.fields().len()).map(|i| hash([&rows, &format!("window column {}", i - known)]));
    Shape { columns: keys.into_iter().chain(calls).chain(others).collect(), rows, state }
}

fn joined(node: &StreamNode, columns: &JoinColumns) -> String {
    let schema = pair_schema(&node.inputs[0], &node.inputs[1]);
    let condition = columns.condition.as_ref().map(|c| schema.map_or_else(|_| sql_text(c), |schema| by_position(c, &schema)));
    format!("{:?} {:?} {:?} {condition:?}", columns.kind, columns.keys, columns.nulls_equal)
}
