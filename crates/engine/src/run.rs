//! The loop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::archive::Archive;
use crate::change::Part;
use crate::checkpoint::{CheckpointStore, Numbering};
use crate::feed::{Feed, Share};
use crate::graph::{Graph, NodeId, NodeKind, Topology};
use crate::intake::{SourceIntake, Taken};
use crate::lookup::LookupNode;
use crate::operator::{LateRows, Tick};
use crate::outlet::Outlet;
use crate::pool::Pool;
use crate::progress::{OperatorProgress, Progress, SinkProgress};
use crate::recovery::Durable;
use crate::sink::{Delivery, Sink};
use crate::state::State;
use crate::time::{END_OF_TIME, NO_WATERMARK, delayed, slowest};
use crate::wait::Wait;
use crate::worker::{DecodedChunk, Intake, Parcel, StageOutput, Worker, WorkerNode};
use crate::{Batch, Error, Result};

/// Where processing time comes from.
pub trait Clock: Send {
    /// Milliseconds since 1970-01-01 UTC.
    fn now_ms(&self) -> i64;
    /// Lets time pass.
    fn sleep_ms(&self, ms: u64);
}

/// How to run a job.
#[derive(Debug, Clone)]
pub struct JobConfig {
    /// Number of workers.
    pub workers: usize,
    /// Most rows in a tick.
    pub tick_rows_max: usize,
    /// A tick that takes longer makes the next ones smaller; milliseconds.
    pub latency_target_ms: u64,
    /// Time between checkpoints, milliseconds.
    pub checkpoint_interval_ms: Option<i64>,
    /// Ticks between checkpoints, besides the time.
    pub checkpoint_every_ticks: Option<u64>,
    /// Identifies the query in checkpoints.
    pub fingerprint: String,
    /// See [`crate::sink::EpochId::job`].
    pub name: String,
    /// Output of so many bytes may wait for delivery; then the job takes no more input until some was delivered.
    pub outbox_bytes_max: u64,
    /// Stop dead after so many ticks, as if killed: no commit, no checkpoint.
    pub abandon_after_ticks: Option<u64>,
    /// Goes on from a checkpoint of another query without what does not fit, see [`crate::change`].
    pub allow_dropped_state: bool,
    /// Takes a savepoint when asked to stop.
    pub savepoint_at_stop: bool,
}

impl Default for JobConfig {
    fn default() -> Self {
        Self {
            workers: 1,
            tick_rows_max: usize::MAX,
            latency_target_ms: 50,
            checkpoint_interval_ms: None,
            checkpoint_every_ticks: None,
            fingerprint: String::new(),
            name: String::new(),
            outbox_bytes_max: 4 << 30,
            abandon_after_ticks: None,
            allow_dropped_state: false,
            savepoint_at_stop: false,
        }
    }
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The input ended and everything is written.
    Finished,
    /// Asked to stop; with checkpoints on, the next run goes on from here.
    Stopped,
    /// Stopped dead, see [`JobConfig::abandon_after_ticks`].
    Abandoned,
}

/// Asks a running job to stop.
#[derive(Debug, Clone, Default)]
pub struct Control {
    stop: Arc<AtomicBool>,
    savepoint: Arc<AtomicBool>,
}

impl Control {
    /// Stop at the next tick boundary.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::SeqCst);
    }
    /// Take a savepoint, and go on.
    pub fn savepoint(&self) {
        self.savepoint.store(true, Ordering::SeqCst);
    }
    fn stopping(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }
}

/// Longest sleep while nothing is due, milliseconds: bounds how long a stop request waits.
const SLEEP_MAX_MS: i64 = 20;
/// Milliseconds between two progress reports.
const PROGRESS_INTERVAL_MS: i64 = 200;

/// What a worker does in a stage.
struct StageInput {
    stage: usize,
    ticks: Arc<Vec<Tick>>,
    sourced: Vec<(NodeId, Batch)>,
    arrived: Vec<Parcel>,
    ahead: Option<Share>,
}

impl StageInput {
    fn run(worker: &mut Worker, input: Self) -> Result<(StageOutput, Option<Result<Vec<DecodedChunk>>>)> {
        let output = worker.run_stage(input.stage, &input.ticks, input.sourced, input.arrived)?;
        Ok((output, input.ahead.map(|share| share.decode(worker))))
    }
}

/// A dataflow, ready to run.
pub struct Job {
    pub(crate) config: JobConfig,
    pub(crate) topology: Arc<Topology>,
    pub(crate) numbering: Numbering,
    /// By number.
    pub(crate) parts: Vec<Part>,
    pub(crate) pool: Pool,
    pub(crate) sources: Vec<SourceIntake>,
    /// Until the job has resumed; then they are outlets.
    pub(crate) sinks: Vec<(NodeId, Box<dyn Sink>)>,
    pub(crate) outlets: Vec<Outlet>,
    /// By the node that gets what is found.
    pub(crate) lookups: Vec<(NodeId, LookupNode)>,
    pub(crate) late: Vec<LateRows>,
    /// Event time by node after the last tick.
    pub(crate) watermarks: Vec<i64>,
    pub(crate) durable: Durable,
    pub(crate) clock: Box<dyn Clock>,
    pub(crate) now_ms: i64,
    /// In a batch job, the time at which it began, which expressions see all the while; see [`Graph::batch`].
    pub(crate) begun_ms: Option<i64>,
    /// Processing time of the last tick.
    pub(crate) ticked_ms: i64,
    pub(crate) ticks: u64,
    pub(crate) wake_at_ms: Option<i64>,
    pub(crate) feed: Feed,
    pub(crate) state_size: (usize, usize),
    /// Messages for the user, such as a damaged checkpoint that was passed over.
    pub notes: Vec<String>,
    wait: Wait,
}

impl Job {
    /// Builds workers and, if `store` holds a checkpoint of this query, goes back to it.
    pub fn new(graph: Graph, config: JobConfig, store: Option<Box<dyn CheckpointStore>>, clock: Box<dyn Clock>) -> Result<Self> {
        let topology = Arc::new(Topology::of(&graph)?);
        let nodes = graph.nodes.len();
        let batch = graph.batch;
        let mut parts: Vec<Vec<WorkerNode>> = (0..config.workers).map(|_| Vec::with_capacity(nodes)).collect();
        let (mut sources, mut sinks, mut lookups) = (vec![], vec![], vec![]);
        let mut holds = vec![true; nodes];
        for (id, node) in graph.nodes.into_iter().enumerate() {
            if let Some(mut lookup) = node.lookup {
                lookup.lookup.open(&mut |ms| clock.sleep_ms(ms)).map_err(|e| e.at(node.name.clone()))?;
                lookups.push((id, lookup));
            }
            match node.kind {
                NodeKind::Source(source) => sources.push(open_source(id, node.name, *source, &mut parts)),
                NodeKind::Operator(factory) => {
                    for part in &mut parts {
                        let mut operator = factory()?;
                        let mut state = State::with_ttls(&node.ttls_ms);
                        operator.open(&mut state)?;
                        holds[id] = !state.is_empty();
                        part.push(WorkerNode::Operator(operator, state));
                    }
                }
                NodeKind::Sink(sink) => {
                    for part in &mut parts {
                        part.push(WorkerNode::Sink(sink.encoder()?));
                    }
                    if sink.delivery() == Delivery::Outbox && store.is_none() {
                        return Err(without_checkpoints().at(node.name));
                    }
                    sinks.push((id, sink));
                }
            }
        }
        let count = config.workers;
        let mut workers: Vec<Worker> = parts.into_iter().enumerate().map(|(i, p)| Worker::new(i, count, topology.clone(), p)).collect();
        if store.is_some() {
            workers.iter_mut().for_each(Worker::track);
        }
        let now_ms = clock.now_ms();
        Ok(Self {
            parts: topology.parts(&holds, &config.fingerprint),
            numbering: Numbering::new(&holds),
            topology,
            pool: Pool::start(workers)?,
            sources,
            sinks,
            outlets: vec![],
            lookups,
            late: vec![LateRows::default(); nodes],
            watermarks: vec![NO_WATERMARK; nodes],
            durable: Durable { store, last_checkpoint_ms: now_ms, ..Durable::default() },
            clock,
            now_ms,
            begun_ms: batch.then_some(now_ms),
            ticked_ms: i64::MIN,
            ticks: 0,
            wake_at_ms: None,
            feed: Feed::new(),
            state_size: (0, 0),
            notes: vec![],
            wait: Wait::default(),
            config,
        })
    }

    /// Runs until the input ends, `control` says stop, or something fails. `on_progress` is called every so often and at the end.
    pub fn run(&mut self, control: &Control, on_progress: &mut dyn FnMut(&Progress)) -> Result<Outcome> {
        if self.resume()? {
            return self.finish(control, on_progress);
        }
        for source in &mut self.sources {
            source.discover(self.now_ms)?;
        }
        let mut reported_ms = self.now_ms;
        loop {
            self.now_ms = self.feed.ahead_ms.take().unwrap_or_else(|| self.now_ms.max(self.clock.now_ms()));
            let started = Instant::now();
            if control.stopping() {
                self.stop()?;
                on_progress(&self.progress());
                return Ok(Outcome::Stopped);
            }
            self.durable.savepoint_wanted |= control.savepoint.swap(false, Ordering::SeqCst);
            self.settle(Duration::ZERO)?;
            self.deliver(Duration::ZERO)?;
            let held = self.is_held();
            let taken = if held { vec![] } else { self.take_input()? };
            let finished = !held && self.sources.iter().all(SourceIntake::finished) && self.sources.iter().all(|s| s.pending_rows() == 0);
            let moved = self.advance_time();
            if finished || !taken.is_empty() || moved || self.wake_at_ms.is_some_and(|w| w <= self.now_ms) {
                let last = finished && taken.is_empty();
                self.step(taken, last)?;
                self.feed.adapt(started.elapsed().as_millis() as u64, self.config.latency_target_ms);
                if self.config.abandon_after_ticks.is_some_and(|n| self.ticks >= n) {
                    return Ok(Outcome::Abandoned);
                }
                if last {
                    if !self.wait_for_room(control, on_progress)? {
                        return Ok(Outcome::Stopped);
                    }
                    self.checkpoint(true)?;
                    if !self.wait_for_checkpoint(control, on_progress)? {
                        return Ok(Outcome::Stopped);
                    }
                    return self.finish(control, on_progress);
                }
            } else {
                self.rest()?;
            }
            self.write_ahead()?;
            if self.checkpoint_due() {
                self.checkpoint(false)?;
            }
            if self.now_ms - reported_ms >= PROGRESS_INTERVAL_MS {
                reported_ms = self.now_ms;
                self.report(on_progress);
            }
        }
    }

    /// Tells how far the job is.
    fn report(&mut self, on_progress: &mut dyn FnMut(&Progress)) {
        self.notes.extend(self.sources.iter_mut().flat_map(SourceIntake::notes));
        self.notes.extend(self.outlets.iter_mut().flat_map(Outlet::notes));
        let waiting = self.waiting();
        self.notes.extend(self.wait.note(waiting, self.clock.now_ms()));
        on_progress(&self.progress());
    }

    /// Whether the job takes no input for now: what it has put out goes no further.
    fn is_held(&self) -> bool {
        let behind = |archive: &Archive| archive.is_full() || archive.outbox_bytes() >= self.config.outbox_bytes_max;
        self.durable.archive.as_ref().is_some_and(behind) || self.outlets.iter().any(Outlet::is_held)
    }

    /// Lets sinks write what they could not, before the last checkpoint. Tells whether they could; else the job was asked to stop, and what
    /// is not in a checkpoint comes again.
    fn wait_for_room(&mut self, control: &Control, on_progress: &mut dyn FnMut(&Progress)) -> Result<bool> {
        while self.outlets.iter().any(Outlet::is_held) {
            if control.stopping() {
                return Ok(false);
            }
            self.clock.sleep_ms(PROGRESS_INTERVAL_MS as u64);
            self.outlets.iter_mut().try_for_each(|outlet| outlet.on_idle(self.now_ms))?;
            self.report(on_progress);
        }
        Ok(true)
    }

    /// Waits until the last checkpoint is durable. Tells whether it is; else the job was asked to stop before.
    fn wait_for_checkpoint(&mut self, control: &Control, on_progress: &mut dyn FnMut(&Progress)) -> Result<bool> {
        self.settle(Duration::from_millis(PROGRESS_INTERVAL_MS as u64))?;
        while self.durable.archive.as_ref().is_some_and(Archive::publishing) {
            if control.stopping() {
                return Ok(false);
            }
            self.report(on_progress);
            self.settle(Duration::from_millis(PROGRESS_INTERVAL_MS as u64))?;
        }
        Ok(true)
    }

    /// Moves event time of the sources. Tells whether any moved.
    fn advance_time(&mut self) -> bool {
        let now_ms = self.now_ms;
        self.sources.iter_mut().fold(false, |moved, source| source.note_idle(now_ms) | source.advance() | moved)
    }

    /// The tick of every node: event time is the minimum over its inputs, of which those that are idle do not count.
    pub(crate) fn node_ticks(&mut self, last: bool) -> Vec<Tick> {
        // `None`: nothing but idle sources behind it.
        let mut now: Vec<Option<i64>> = vec![Some(END_OF_TIME); self.watermarks.len()];
        for source in &self.sources {
            now[source.node()] = match (last, self.begun_ms) {
                (true, _) => Some(END_OF_TIME),
                (false, Some(_)) => Some(NO_WATERMARK),
                (false, None) => (!source.idle()).then(|| source.watermark()),
            };
        }
        for node in 0..now.len() {
            if !self.topology.inputs[node].is_empty() {
                now[node] =
                    slowest(self.topology.inputs[node].iter().map(|i| now[*i].map(|time| delayed(time, self.topology.delays_ms[*i]))));
            }
        }
        let ticks = now.iter().zip(&self.watermarks).map(|(watermark, before)| Tick {
            number: self.ticks,
            watermark_before: *before,
            watermark: watermark.map_or(*before, |w| w.max(*before)),
            now_ms: self.begun_ms.unwrap_or(self.now_ms),
            now_before_ms: self.ticked_ms,
            last,
        });
        let ticks: Vec<Tick> = ticks.collect();
        self.ticked_ms = self.now_ms;
        self.watermarks = ticks.iter().map(|t| t.watermark).collect();
        ticks
    }

    /// One tick: every operator once, stage by stage, then the sinks.
    fn step(&mut self, taken: Vec<Taken>, last: bool) -> Result<()> {
        let workers = self.pool.len();
        let ticks = Arc::new(self.node_ticks(last));
        let mut sourced: Vec<Vec<(NodeId, Batch)>> = (0..workers).map(|_| vec![]).collect();
        let count = taken.len();
        for (i, t) in taken.into_iter().enumerate() {
            let worker = if count == 1 { self.ticks as usize % workers } else { i * workers / count };
            sourced[worker].push((t.node, t.batch));
        }
        let mut arrived: Vec<Vec<Parcel>> = (0..workers).map(|_| vec![]).collect();
        self.wake_at_ms = None;
        let mut ahead = Ok(vec![]);
        for stage in 0..self.topology.stages.len() {
            if stage + 1 == self.topology.stages.len() && !last {
                // What goes wrong with the next tick's input comes after this tick's output.
                ahead = self.fetch_ahead();
            }
            let mut shares = ahead.as_mut().map(std::mem::take).unwrap_or_default().into_iter();
            let inputs = sourced.iter_mut().zip(&mut arrived).map(|(sourced, arrived)| StageInput {
                stage,
                ticks: ticks.clone(),
                sourced: std::mem::take(sourced),
                arrived: std::mem::take(arrived),
                ahead: shares.next(),
            });
            let done = self.pool.each(inputs.collect(), StageInput::run)?;
            let (outputs, decoded): (Vec<StageOutput>, Vec<_>) = done.into_iter().unzip();
            self.collect(outputs, &mut arrived)?;
            self.accept(decoded.into_iter().flatten().collect::<Result<_>>()?);
            self.look_up(&mut arrived)?;
        }
        self.outlets.iter_mut().try_for_each(Outlet::end_tick)?;
        self.keep_output()?;
        ahead?;
        self.ticks += 1;
        Ok(())
    }

    /// Adds to the rows that cross a lookup what is found for them.
    fn look_up(&mut self, arrived: &mut [Vec<Parcel>]) -> Result<()> {
        let (now_ms, clock) = (self.now_ms, &self.clock);
        for (node, lookup) in &mut self.lookups {
            for parcels in arrived.iter_mut() {
                let asked = parcels.iter().filter(|p| p.node == *node);
                let answers = asked.map(|p| lookup.answer(&p.batch, now_ms, &mut |ms| clock.sleep_ms(ms)));
                let answers = answers.collect::<Result<Vec<_>>>().map_err(|e| e.at(self.topology.names[*node].clone()))?;
                parcels.extend(answers.into_iter().map(|batch| Parcel { node: *node, port: 1, batch }));
            }
        }
        Ok(())
    }

    /// Sorts what the workers of a stage gave: rows for the next stage, rows for sinks, notes.
    fn collect(&mut self, outputs: Vec<StageOutput>, arrived: &mut [Vec<Parcel>]) -> Result<()> {
        for output in outputs {
            for (to, parcels) in output.outbound.into_iter().enumerate() {
                arrived[to].extend(parcels);
            }
            for (node, late) in output.late {
                self.late[node].absorb(late);
            }
            if let Some(at) = output.wake_at_ms {
                self.wake_at_ms = Some(self.wake_at_ms.map_or(at, |w| w.min(at)));
            }
            for (node, rows, payloads) in output.payloads {
                if let Some(outlet) = self.outlets.iter_mut().find(|o| o.node == node) {
                    outlet.write(rows, payloads).map_err(|e| e.at(self.topology.names[node].clone()))?;
                }
            }
        }
        Ok(())
    }

    /// Nothing to do: let sinks roll, and sleep until something can be due.
    fn rest(&mut self) -> Result<()> {
        self.outlets.iter_mut().try_for_each(|outlet| outlet.on_idle(self.now_ms))?;
        let due = self.sources.iter().filter_map(SourceIntake::next_due_ms).chain(self.wake_at_ms).min();
        let wait = due.map_or(SLEEP_MAX_MS, |d| (d - self.now_ms).clamp(1, SLEEP_MAX_MS));
        self.clock.sleep_ms(wait as u64);
        Ok(())
    }

    /// Asked to stop: leave a checkpoint, or else show what was written.
    fn stop(&mut self) -> Result<()> {
        if self.durable.archive.is_some() {
            return self.last_checkpoint();
        }
        self.sources.iter_mut().try_for_each(SourceIntake::prepare)?;
        self.outlets.iter_mut().try_for_each(Outlet::finish)
    }

    /// Everything is written and, with checkpoints, durable.
    fn finish(&mut self, control: &Control, on_progress: &mut dyn FnMut(&Progress)) -> Result<Outcome> {
        self.sources.iter_mut().try_for_each(SourceIntake::prepare)?;
        while !self.outlets.iter().all(Outlet::is_idle) {
            self.deliver(Duration::from_millis(PROGRESS_INTERVAL_MS as u64))?;
            self.report(on_progress);
            if control.stopping() {
                return Ok(Outcome::Stopped);
            }
        }
        self.outlets.iter_mut().try_for_each(Outlet::finish)?;
        if let Some(archive) = &mut self.durable.archive {
            archive.discard()?;
        }
        self.measure_state()?;
        on_progress(&self.progress());
        Ok(Outcome::Finished)
    }

    /// State of the job for people.
    pub fn progress(&self) -> Progress {
        let late = self.late.iter().enumerate().filter(|(_, l)| l.count > 0);
        Progress {
            sources: self.sources.iter().map(SourceIntake::progress).collect(),
            operators: late.map(|(n, l)| OperatorProgress { name: self.topology.names[n].clone(), late: l.clone() }).collect(),
            sinks: self.outlets.iter().map(|o| SinkProgress { name: self.topology.names[o.node].clone(), rows: o.rows }).collect(),
            ticks: self.ticks,
            checkpoints: self.durable.checkpoints,
            longest_stop_ms: self.durable.longest_stop_ms,
            waiting: self.waiting(),
            resumed: self.durable.resumed.clone(),
            state_bytes: self.state_size.1,
            state_rows: self.state_size.0,
            notes: self.notes.clone(),
        }
    }
}

fn without_checkpoints() -> Error {
    Error::config("exactly-once output to this table is delivered after checkpoints, and this job takes none")
        .help("set 'execution.checkpointing.interval', for example '1 s'")
}

/// Splits a source node into its reading half and the computation that every worker gets.
fn open_source(id: NodeId, name: String, node: crate::graph::SourceNode, parts: &mut [Vec<WorkerNode>]) -> SourceIntake {
    let kept: Vec<_> = node.schema.fields().iter().take(node.keep).cloned().collect();
    let intake = Arc::new(Intake {
        columns: node.columns,
        schema: Arc::new(arrow::datatypes::Schema::new(kept)),
        keep: node.keep,
        watermark: node.event_time.as_ref().map(|t| (t.watermark.clone(), t.column)),
        full_schema: node.schema,
    });
    for part in parts {
        part.push(WorkerNode::Source(intake.clone()));
    }
    let emit = node.event_time.as_ref().map(|t| t.emit);
    SourceIntake::new(id, name, node.source, emit, node.event_time.and_then(|t| t.idle_timeout_ms))
}
