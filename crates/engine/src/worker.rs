//! A worker: one instance of every operator with the state of the keys it owns. Steps when told, sees no other worker.

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch};
use arrow::datatypes::{SchemaRef, TimestampMillisecondType};
use std::sync::Arc;

use crate::checkpoint::TableChanges;
use crate::exchange::partition;
use crate::expr::{EvalContext, Expr};
use crate::graph::{Exchange, NodeId, Topology};
use crate::operator::{DropReason, LateRows, Operator, Output, Tick};
use crate::sink::{Encoder, Payload};
use crate::source::{BadRow, Chunk};
use crate::state::State;
use crate::text::value_text;
use crate::{Batch, Error, Result};

/// The part of a source that every worker has: how a decoded chunk becomes rows of the table.
pub struct Intake {
    /// See [`crate::graph::SourceNode::columns`].
    pub columns: Vec<Arc<dyn Expr>>,
    /// Schema of the columns that go on.
    pub schema: SchemaRef,
    /// How many of `columns` go on.
    pub keep: usize,
    /// Watermark expression over `columns`' values, and the event-time column among them.
    pub watermark: Option<(Arc<dyn Expr>, usize)>,
    /// Schema of all of `columns`.
    pub full_schema: SchemaRef,
}

/// A chunk on its way through a worker.
pub struct DecodeTask {
    /// Node of the source.
    pub node: NodeId,
    /// Index of the split within the source.
    pub split: usize,
    /// The chunk.
    pub chunk: Box<dyn Chunk>,
}

/// The rows of a chunk, ready for the first operator.
pub struct DecodedChunk {
    /// Node of the source.
    pub node: NodeId,
    /// Index of the split within the source.
    pub split: usize,
    /// Where the chunk began.
    pub start: String,
    /// Where the next one begins, if that is known.
    pub end: Option<String>,
    /// Its rows.
    pub rows: Batch,
    /// Watermark of each row, and event time of each row; milliseconds.
    pub times: Option<(Int64Array, Int64Array)>,
    /// Skipped records.
    pub bad_rows: u64,
    /// Some of them.
    pub bad_samples: Vec<BadRow>,
    /// Bytes of input.
    pub bytes: u64,
}

/// A batch with its destination.
pub struct Parcel {
    /// Node that takes it.
    pub node: NodeId,
    /// Which input.
    pub port: usize,
    /// The rows.
    pub batch: Batch,
}

/// What a stage gave.
#[derive(Default)]
pub struct StageOutput {
    /// By receiving worker: rows for later stages.
    pub outbound: Vec<Vec<Parcel>>,
    /// Encoded rows for sinks.
    pub payloads: Vec<(NodeId, u64, Vec<Payload>)>,
    /// Late rows by node.
    pub late: Vec<(NodeId, LateRows)>,
    /// When an operator wants to be stepped again.
    pub wake_at_ms: Option<i64>,
}

/// What a worker runs at a node.
pub enum WorkerNode {
    /// Sources live outside; workers only decode for them.
    Source(Arc<Intake>),
    /// An operator and its state.
    Operator(Box<dyn Operator>, State),
    /// Encodes rows for a sink.
    Sink(Box<dyn Encoder>),
}

/// See the module.
pub struct Worker {
    index: usize,
    workers: usize,
    topology: Arc<Topology>,
    nodes: Vec<WorkerNode>,
    /// By node and port: input that has arrived.
    inbox: Vec<Vec<Vec<Batch>>>,
}

impl Worker {
    /// Worker `index` of `workers`. Operators have been opened.
    pub fn new(index: usize, workers: usize, topology: Arc<Topology>, nodes: Vec<WorkerNode>) -> Self {
        let inbox = topology.ports.iter().map(|p| vec![vec![]; *p]).collect();
        Self { index, workers, topology, nodes, inbox }
    }

    /// Turns a chunk into rows of its table.
    pub fn decode(&self, task: DecodeTask, context: &EvalContext) -> Result<DecodedChunk> {
        let WorkerNode::Source(intake) = &self.nodes[task.node] else {
            return Err(Error::internal("a chunk was sent to a node that is no source"));
        };
        let (start, end) = (task.chunk.start(), task.chunk.end());
        let decoded = task.chunk.decode()?;
        let (rows, times) = intake.compute(&decoded.rows, context).map_err(|e| e.at(self.topology.names[task.node].clone()))?;
        Ok(DecodedChunk {
            node: task.node,
            split: task.split,
            start,
            end,
            rows: Batch { rows, kinds: decoded.kinds },
            times,
            bad_rows: decoded.bad_rows,
            bad_samples: decoded.bad_samples,
            bytes: decoded.bytes,
        })
    }

    /// Runs the nodes of a stage. `ticks` is by node; `sourced` are rows that sources brought in for this worker.
    pub fn run_stage(&mut self, stage: usize, ticks: &[Tick], sourced: Vec<(NodeId, Batch)>, arrived: Vec<Parcel>) -> Result<StageOutput> {
        let mut result = StageOutput { outbound: (0..self.workers).map(|_| vec![]).collect(), ..Default::default() };
        for (node, batch) in sourced {
            self.forward(node, batch, &mut result)?;
        }
        for parcel in arrived {
            self.inbox[parcel.node][parcel.port].push(parcel.batch);
        }
        let topology = self.topology.clone();
        for node in &topology.stages[stage] {
            self.run_node(*node, &ticks[*node], &mut result).map_err(|e| e.at(topology.names[*node].clone()))?;
        }
        Ok(result)
    }

    fn run_node(&mut self, node: NodeId, tick: &Tick, result: &mut StageOutput) -> Result<()> {
        let mut inputs = std::mem::take(&mut self.inbox[node]);
        match &mut self.nodes[node] {
            WorkerNode::Source(_) => {}
            WorkerNode::Operator(operator, state) => {
                let mut out = Output::default();
                state.expire(tick.now_ms);
                operator.step(tick, &mut inputs, state, &mut out)?;
                if out.late.count > 0 || out.late.reason != DropReason::Late {
                    result.late.push((node, out.late));
                }
                if let Some(at) = out.wake_at_ms {
                    result.wake_at_ms = Some(result.wake_at_ms.map_or(at, |w| w.min(at)));
                }
                for batch in out.batches {
                    self.forward(node, batch, result)?;
                }
            }
            WorkerNode::Sink(encoder) => {
                let mut payloads = vec![];
                let mut rows = 0;
                for batch in inputs.iter().flatten() {
                    rows += batch.len() as u64;
                    encoder.encode(batch, &mut payloads)?;
                }
                if rows > 0 {
                    result.payloads.push((node, rows, payloads));
                }
            }
        }
        inputs.iter_mut().for_each(Vec::clear);
        self.inbox[node] = inputs;
        Ok(())
    }

    /// Sends rows that left `node` on their ways.
    fn forward(&mut self, node: NodeId, batch: Batch, result: &mut StageOutput) -> Result<()> {
        let topology = self.topology.clone();
        for edge in &topology.outputs[node] {
            match &edge.exchange {
                Exchange::Forward => self.inbox[edge.to][edge.port].push(batch.clone()),
                Exchange::Lookup => {
                    result.outbound[self.index].push(Parcel { node: edge.to, port: edge.port, batch: batch.clone() });
                }
                Exchange::Single => {
                    result.outbound[0].push(Parcel { node: edge.to, port: edge.port, batch: batch.clone() });
                }
                Exchange::Hash(keys) => {
                    for (worker, batch) in partition(&batch, keys, self.workers)? {
                        result.outbound[worker].push(Parcel { node: edge.to, port: edge.port, batch });
                    }
                }
            }
        }
        Ok(())
    }

    fn states(&mut self) -> impl Iterator<Item = (NodeId, &mut State)> {
        let nodes = self.nodes.iter_mut().enumerate();
        nodes.filter_map(|(node, n)| if let WorkerNode::Operator(_, state) = n { Some((node, state)) } else { None })
    }

    /// From now on changes of state are noted.
    pub fn track(&mut self) {
        self.states().for_each(|(_, state)| state.track());
    }

    /// About how many entries of state changed since [`Worker::changes`] gave them.
    pub fn changed(&mut self) -> usize {
        self.states().map(|(_, state)| state.changed()).sum()
    }

    /// What changed of about `most` entries of each state table.
    pub fn changes(&mut self, most: usize) -> Result<Vec<TableChanges>> {
        let part = self.index;
        let mut all = vec![];
        for (node, state) in self.states() {
            let changes = state.changes(most)?.into_iter();
            all.extend(changes.map(|(table, changes)| TableChanges { node, table: table.to_string(), part, changes }));
        }
        Ok(all)
    }

    /// Takes this worker's share of saved rows.
    pub fn restore(&mut self, node: NodeId, table: &str, rows: &RecordBatch) -> Result<()> {
        match self.nodes.get_mut(node) {
            Some(WorkerNode::Operator(_, state)) => state.restore(table, rows, self.index, self.workers),
            _ => Err(Error::state(format!("the checkpoint has state for step {node}, which keeps none"))),
        }
    }

    /// Rows and bytes of all state tables.
    pub fn state_size(&self) -> (usize, usize) {
        let states = self.nodes.iter().filter_map(|n| if let WorkerNode::Operator(_, s) = n { Some(s) } else { None });
        states.fold((0, 0), |(rows, bytes), s| (rows + s.rows(), bytes + s.memory_bytes()))
    }
}

impl Intake {
    /// Columns of the table, and the watermark and event time of each row.
    #[allow(clippy::type_complexity)]
    fn compute(&self, decoded: &RecordBatch, context: &EvalContext) -> Result<(RecordBatch, Option<(Int64Array, Int64Array)>)> {
        let columns: Vec<ArrayRef> = self.columns.iter().map(|c| c.evaluate(decoded, context)).collect::<Result<_>>()?;
        let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(decoded.num_rows()));
        let full = RecordBatch::try_new_with_options(self.full_schema.clone(), columns, &options)?;
        let times = match &self.watermark {
            None => None,
            Some((watermark, column)) => {
                let times = as_millis(full.column(*column))?;
                if let Some(row) = (0..times.len()).find(|row| times.is_null(*row)) {
                    let name = self.full_schema.field(*column).name();
                    return Err(Error::data(format!("the event-time column '{name}' is NULL in the row {}", shown(decoded, row)))
                        .help("give the table's WATERMARK a column that is computed with COALESCE, or leave such rows out of the input"));
                }
                Some((as_millis(&watermark.evaluate(&full, context)?)?, times))
            }
        };
        let kept = full.columns()[..self.keep].to_vec();
        Ok((RecordBatch::try_new_with_options(self.schema.clone(), kept, &options)?, times))
    }
}

/// A row as it was read, for people.
fn shown(rows: &RecordBatch, row: usize) -> String {
    let schema = rows.schema();
    let cells = schema.fields().iter().zip(rows.columns());
    let cells = cells.map(|(field, column)| {
        let mut value = vec![];
        match column.is_null(row) {
            true => value.extend(b"NULL"),
            false => value_text(column, row, field, &mut value),
        }
        format!("{}: {}", field.name(), String::from_utf8_lossy(&value))
    });
    format!("{{{}}}", cells.collect::<Vec<_>>().join(", "))
}

/// A timestamp column as milliseconds.
fn as_millis(array: &ArrayRef) -> Result<Int64Array> {
    use arrow::datatypes::{DataType, TimeUnit};
    let millis = match array.data_type() {
        DataType::Timestamp(TimeUnit::Millisecond, _) => array.clone(),
        DataType::Timestamp(_, zone) => arrow::compute::cast(array, &DataType::Timestamp(TimeUnit::Millisecond, zone.clone()))?,
        other => return Err(Error::config(format!("an event-time column must be a timestamp, not {other}"))),
    };
    let millis = millis.as_primitive::<TimestampMillisecondType>();
    Ok(Int64Array::new(millis.values().clone(), millis.nulls().cloned()))
}
