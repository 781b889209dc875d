//! The dataflow graph: sources, operators and sinks, and how rows pass between them.

use arrow::datatypes::SchemaRef;
use std::sync::Arc;

use crate::change::{Columns, Part, PartKind};
use crate::expr::Expr;
use crate::lookup::LookupNode;
use crate::operator::OperatorFactory;
use crate::sink::Sink;
use crate::source::Source;
use crate::{Error, Result};

/// Position of a node in [`Graph::nodes`].
pub type NodeId = usize;

/// How rows get from one node to the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exchange {
    /// Stay on the worker they are on.
    Forward,
    /// Go to the worker that owns the key in these columns.
    Hash(Vec<usize>),
    /// Go to worker 0.
    Single,
    /// Stay on the worker they are on, and are looked up on the way as [`Node::lookup`] says: what is found goes to port 1.
    Lookup,
}

/// An input of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// Where the rows come from; a node with a lower id.
    pub from: NodeId,
    /// Which input of the node they are.
    pub port: usize,
    /// How they get there.
    pub exchange: Exchange,
}

/// When a source says how far event time has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Emit {
    /// After each tick.
    Periodic,
    /// After each row, so that which rows are late does not depend on how ticks are cut.
    OnEvent,
}

/// Event time of a source.
pub struct EventTime {
    /// The watermark that each row stands for: a timestamp column in milliseconds.
    pub watermark: Arc<dyn Expr>,
    /// The column of event time among [`SourceNode::columns`]; timestamp in milliseconds.
    pub column: usize,
    /// When the watermark moves.
    pub emit: Emit,
    /// A split without rows for so long does not hold the watermark back.
    pub idle_timeout_ms: Option<i64>,
}

/// A source and what is computed from each of its rows at once.
pub struct SourceNode {
    /// The connector's source.
    pub source: Box<dyn Source>,
    /// Columns computed from the decoded row.
    pub columns: Vec<Arc<dyn Expr>>,
    /// Schema of `columns`.
    pub schema: SchemaRef,
    /// How many of `columns` go on to the next operator; the rest serve the watermark only.
    pub keep: usize,
    /// Event time, if the table has a watermark.
    pub event_time: Option<EventTime>,
}

/// What a node does.
pub enum NodeKind {
    /// Brings rows in.
    Source(Box<SourceNode>),
    /// Transforms them; one instance per worker.
    Operator(OperatorFactory),
    /// Takes them out.
    Sink(Box<dyn Sink>),
}

impl NodeKind {
    /// As checkpoints call it.
    pub fn part(&self) -> PartKind {
        match self {
            NodeKind::Source(_) => PartKind::Source,
            NodeKind::Operator(_) => PartKind::Operator,
            NodeKind::Sink(_) => PartKind::Sink,
        }
    }
}

/// What a node computes, as a checkpoint knows it again; see [`Part`].
#[derive(Debug, Clone, Default)]
pub struct Label {
    /// See [`Part::identity`]; empty: nothing but its place tells the node from others.
    pub identity: String,
    /// See [`Part::title`].
    pub title: String,
    /// See [`Part::places`].
    pub places: Vec<String>,
    /// See [`Part::input`].
    pub input: String,
    /// See [`Part::updating`].
    pub updating: bool,
    /// See [`Part::columns`].
    pub columns: Columns,
}

/// A node of the graph.
pub struct Node {
    /// For people.
    pub name: String,
    /// To recognise the node in a checkpoint.
    pub label: Label,
    /// What it does.
    pub kind: NodeKind,
    /// Where its rows come from.
    pub inputs: Vec<Edge>,
    /// How far its rows may lie behind its own event time: event time behind it is held back by so much; milliseconds.
    pub delay_ms: i64,
    /// How long entries of the operator's state tables live without being written, by table; milliseconds. Empty: for ever.
    pub ttls_ms: Vec<Option<i64>>,
    /// How rows that come over [`Exchange::Lookup`] are looked up.
    pub lookup: Option<LookupNode>,
}

/// A dataflow in topological order.
#[derive(Default)]
pub struct Graph {
    /// The nodes; edges point to lower ids only.
    pub nodes: Vec<Node>,
    /// Time stands still until all input has ended: no row is late, and whatever goes by time happens in the last tick.
    pub batch: bool,
}

impl Graph {
    /// Adds a node and tells its id.
    pub fn add(&mut self, name: impl Into<String>, kind: NodeKind, inputs: Vec<Edge>) -> NodeId {
        self.nodes.push(Node { name: name.into(), label: Label::default(), kind, inputs, delay_ms: 0, ttls_ms: vec![], lookup: None });
        self.nodes.len() - 1
    }
}

/// An edge seen from the node the rows leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutEdge {
    /// Where to.
    pub to: NodeId,
    /// Which input there.
    pub port: usize,
    /// How.
    pub exchange: Exchange,
}

/// The shape of a graph, shared by all workers.
#[derive(Debug)]
pub struct Topology {
    /// Names by node.
    pub names: Vec<String>,
    /// What nodes are and compute.
    pub labels: Vec<(PartKind, Label)>,
    /// Outgoing edges by node.
    pub outputs: Vec<Vec<OutEdge>>,
    /// Nodes feeding a node.
    pub inputs: Vec<Vec<NodeId>>,
    /// By node, see [`Node::delay_ms`].
    pub delays_ms: Vec<i64>,
    /// Input ports by node.
    pub ports: Vec<usize>,
    /// Nodes by stage. A node belongs to the stage after the last exchange before it.
    pub stages: Vec<Vec<NodeId>>,
}

impl Topology {
    /// Works the shape out. Fails when an edge does not point back.
    pub fn of(graph: &Graph) -> Result<Self> {
        let n = graph.nodes.len();
        let mut stage_of = vec![0; n];
        let mut outputs: Vec<Vec<OutEdge>> = vec![vec![]; n];
        for (id, node) in graph.nodes.iter().enumerate() {
            for edge in &node.inputs {
                if edge.from >= id {
                    return Err(Error::internal(format!("edge {} -> {id} does not point forward", edge.from)));
                }
                let crossing = usize::from(edge.exchange != Exchange::Forward);
                stage_of[id] = stage_of[id].max(stage_of[edge.from] + crossing);
                outputs[edge.from].push(OutEdge { to: id, port: edge.port, exchange: edge.exchange.clone() });
            }
        }
        let mut stages = vec![vec![]; stage_of.iter().max().map_or(0, |m| m + 1)];
        for (id, stage) in stage_of.iter().enumerate() {
            stages[*stage].push(id);
        }
        Ok(Self {
            names: graph.nodes.iter().map(|n| n.name.clone()).collect(),
            labels: graph.nodes.iter().map(|n| (n.kind.part(), n.label.clone())).collect(),
            outputs,
            inputs: graph.nodes.iter().map(|n| n.inputs.iter().map(|e| e.from).collect()).collect(),
            delays_ms: graph.nodes.iter().map(|n| n.delay_ms).collect(),
            ports: graph
                .nodes
                .iter()
                .map(|n| n.inputs.iter().map(|e| e.port + 1).max().unwrap_or(0) + usize::from(n.lookup.is_some()))
                .collect(),
            stages,
        })
    }

    /// The nodes that a checkpoint holds something of, in order, as parts of the query that `fingerprint` identifies.
    pub fn parts(&self, holds: &[bool], fingerprint: &str) -> Vec<Part> {
        // By node, the places of the sources behind it.
        let mut sources: Vec<Vec<usize>> = vec![];
        let mut parts: Vec<Part> = vec![];
        for (node, (kind, label)) in self.labels.iter().enumerate() {
            let mut behind: Vec<usize> = self.inputs[node].iter().flat_map(|from| sources[*from].iter().copied()).collect();
            behind.sort_unstable();
            behind.dedup();
            sources.push(if *kind == PartKind::Source { vec![parts.len()] } else { behind.clone() });
            if holds[node] {
                let Label { identity, title, places, input, updating, columns } = label.clone();
                let identity = if identity.is_empty() { format!("{fingerprint}#{}", parts.len()) } else { identity };
                let title = if title.is_empty() { self.names[node].clone() } else { title };
                parts.push(Part { kind: *kind, identity, title, sources: behind, places, input, updating, columns });
            }
        }
        parts
    }
}
