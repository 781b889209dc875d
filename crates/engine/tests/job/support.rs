//! A world for whole jobs: scripted sources, a sink that can be crashed, a clock that the test drives, checkpoints in memory.
#![allow(dead_code)] // not every test binary uses all of it

use arrow::array::*;
use arrow::compute::filter_record_batch;
use arrow::datatypes::*;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use flott_engine::aggregate::{AggFunction, AggSpec, bind};
use flott_engine::checkpoint::{Checkpoint, CheckpointStore, TableChanges, TableState};
use flott_engine::expr::{Column, EvalContext, Expr};
use flott_engine::graph::{Edge, Emit, EventTime, Exchange, Graph, NodeKind, SourceNode};
use flott_engine::operator::{Operator, OperatorFactory};
use flott_engine::operators::calc::Calc;
use flott_engine::operators::emitting_aggregate::{EmitStrategy, EmittingAggregate};
use flott_engine::operators::group_aggregate::{self, GroupAggregate, GroupSpec, LocalGroupAggregate};
use flott_engine::operators::window_aggregate::{LocalWindowAggregate, WindowAggregate, WindowSpec};
use flott_engine::operators::windows::{TimeColumn, Windows};
use flott_engine::outbox::OpenOutput;
use flott_engine::progress::Progress;
use flott_engine::run::{Clock, Control, Job, JobConfig, Outcome};
use flott_engine::sink::{Delivery, Encoder, EpochId, Payload, Sink};
use flott_engine::source::{Chunk, ChunkBudget, Decoded, Fetch, Position, Source, SplitInfo, SplitReader};
use flott_engine::state::aggregates::{AggCall, Aggregates};
use flott_engine::state::changes::Newer;
use flott_engine::{Batch, Error, Result};

/// An input row. `bit` is a power of two, so that a sum of bits says which rows are in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    pub bit: i64,
    pub key: i64,
    /// Event time, milliseconds.
    pub time: i64,
    /// When it can be read, milliseconds of the driven clock.
    pub arrival: i64,
}

pub const BIT: usize = 0;
pub const KEY: usize = 1;
pub const TIME: usize = 2;
pub const SPLIT: usize = 3;

/// Where the driven clock begins.
pub const START_MS: i64 = 1_000_000;

fn timestamp() -> DataType {
    DataType::Timestamp(TimeUnit::Millisecond, None)
}

pub fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("bit", DataType::Int64, false),
        Field::new("key", DataType::Int64, false),
        Field::new("time", timestamp(), false),
        Field::new("split", DataType::Int64, false),
    ]))
}

/// Processing time in the hand of the test. Sleeping moves it; a job that sleeps for a day hangs.
#[derive(Clone)]
pub struct Driven {
    now: Arc<AtomicI64>,
    /// Asks the job to stop at this moment.
    pub stop_at: Option<(i64, Control)>,
}

impl Driven {
    pub fn new() -> Self {
        Self { now: Arc::new(AtomicI64::new(START_MS)), stop_at: None }
    }
}

impl Clock for Driven {
    fn now_ms(&self) -> i64 {
        let now = self.now.load(Ordering::SeqCst);
        if let Some((_, control)) = self.stop_at.as_ref().filter(|(at, _)| now >= *at) {
            control.stop();
        }
        now
    }
    fn sleep_ms(&self, ms: u64) {
        assert!(ms > 0, "a sleep of nothing spins");
        let now = self.now.fetch_add(ms as i64, Ordering::SeqCst);
        assert!(now < START_MS + 86_400_000, "the job hangs");
    }
}

/// A source of several splits.
#[derive(Clone)]
pub struct Script {
    pub splits: Vec<Vec<Event>>,
    /// Rows in a chunk at most.
    pub chunk: usize,
    pub clock: Driven,
    /// What goes wrong: at this row of split 0, when fetching or when decoding.
    pub fail_fetch_at: Option<usize>,
    pub fail_decode_at: Option<usize>,
}

struct Reader {
    script: Script,
    split: usize,
    next: usize,
}

struct Rows {
    start: usize,
    split: usize,
    rows: Vec<Event>,
    fail: bool,
}

impl Source for Script {
    fn discover(&mut self) -> Result<Vec<SplitInfo>> {
        Ok((0..self.splits.len()).map(|i| SplitInfo { id: format!("split {i}"), detail: i.to_string() }).collect())
    }
    fn open(&mut self, split: &SplitInfo, from: Option<&Position>) -> Result<Box<dyn SplitReader>> {
        let next = from.map_or(0, |p| p.parse().unwrap());
        Ok(Box::new(Reader { script: self.clone(), split: split.detail.parse().unwrap(), next }))
    }
}

impl SplitReader for Reader {
    fn fetch(&mut self, budget: ChunkBudget) -> Result<Fetch> {
        let rows = &self.script.splits[self.split];
        let now = self.script.clock.now.load(Ordering::SeqCst);
        let Some(first) = rows.get(self.next) else { return Ok(Fetch::End) };
        if first.arrival > now {
            return Ok(Fetch::Idle { retry_after_ms: (first.arrival - now) as u64 });
        }
        let ready = rows[self.next..].iter().take_while(|r| r.arrival <= now).count();
        let start = self.next;
        self.next += ready.min(self.script.chunk).min(budget.rows);
        let within = |at: Option<usize>| self.split == 0 && at.is_some_and(|at| (start..self.next).contains(&at));
        if within(self.script.fail_fetch_at) {
            return Err(Error::io("the cable is out"));
        }
        let fail = within(self.script.fail_decode_at);
        Ok(Fetch::Chunk(Box::new(Rows { start, split: self.split, rows: rows[start..self.next].to_vec(), fail })))
    }
}

impl Chunk for Rows {
    fn start(&self) -> Position {
        self.start.to_string()
    }
    fn decode(self: Box<Self>) -> Result<Decoded> {
        if self.fail {
            return Err(Error::data("this is no number"));
        }
        let of = |f: fn(&Event) -> i64| Int64Array::from_iter_values(self.rows.iter().map(f));
        let columns: Vec<ArrayRef> = vec![
            Arc::new(of(|r| r.bit)),
            Arc::new(of(|r| r.key)),
            Arc::new(TimestampMillisecondArray::from_iter_values(self.rows.iter().map(|r| r.time))),
            Arc::new(Int64Array::from(vec![self.split as i64; self.rows.len()])),
        ];
        Ok(Decoded::clean(RecordBatch::try_new(schema(), columns)?, 1))
    }
}

/// `time - delay`.
struct Delayed(i64);

impl Expr for Delayed {
    fn evaluate(&self, rows: &RecordBatch, _: &EvalContext) -> Result<ArrayRef> {
        let times = rows.column(TIME).as_primitive::<TimestampMillisecondType>();
        Ok(Arc::new(times.unary::<_, TimestampMillisecondType>(|t| t - self.0)))
    }
}

/// A condition that is always true here.
struct IsNotNull(usize);

impl Expr for IsNotNull {
    fn evaluate(&self, rows: &RecordBatch, _: &EvalContext) -> Result<ArrayRef> {
        Ok(Arc::new(arrow::compute::is_not_null(rows.column(self.0))?))
    }
}

/// What a crash does not touch: the outside world that the sink writes to.
/// Faults of a store or of a sink that are planted to see that the tests find them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {
    /// Output may be delivered before the checkpoint that holds it is there.
    DeliveredFirst,
    /// A split goes on one row too early.
    OffsetBack,
    /// A split goes on one row too late.
    OffsetAhead,
    /// The output of an epoch is that of an earlier one.
    StaleOutbox,
    /// What waits for delivery is forgotten with a restart.
    LostOutbox,
    /// The last batch of an epoch's output is lost.
    LostTail,
    /// Some changes of state are lost.
    LostChanges,
    /// A sink puts out an epoch that it has.
    NoFence,
    /// A sink does not look whether what it sent has arrived.
    UncheckedReport,
}

#[derive(Default)]
pub struct Outside {
    /// Deliveries do not come about.
    pub away: bool,
    /// What the sink does wrong.
    pub bug: Option<Bug>,
    /// Everything written, as `kind cells`.
    log: Vec<String>,
    /// When it was written.
    at: Vec<i64>,
    /// How much of the log readers see.
    visible: usize,
    opened: bool,
    pub commits: usize,
    /// The last epoch that was delivered: run and number.
    mark: Option<(u64, u64)>,
    /// A delivery that fails has come about all the same.
    answer_lost: bool,
    /// The call that fails: its name and how often it succeeds before.
    pub fail: Option<(&'static str, usize)>,
}

impl Outside {
    /// A call fails after so many that do not; with `answer_lost`, a delivery comes about all the same.
    pub fn will_refuse(&mut self, call: &'static str, successes: usize, answer_lost: bool) {
        (self.fail, self.answer_lost) = (Some((call, successes)), !answer_lost);
    }

    fn call(&mut self, name: &'static str) -> Result<()> {
        match &mut self.fail {
            Some((failing, 0)) if *failing == name => Err(Error::io(format!("{name} was refused"))),
            Some((failing, left)) if *failing == name => {
                *left -= 1;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// What readers see, in order.
    pub fn rows(&self) -> Vec<String> {
        self.log[..self.visible].to_vec()
    }

    /// What readers see, sorted.
    pub fn sorted(&self) -> Vec<String> {
        let mut rows = self.rows();
        rows.sort();
        rows
    }

    /// When a row was written, on the driven clock.
    pub fn written_at(&self, row: &str) -> Option<i64> {
        self.log.iter().position(|r| r == row).map(|i| self.at[i])
    }

    /// The table that the visible changelog adds up to: cells behind the first by the first.
    pub fn table(&self) -> BTreeMap<i64, String> {
        let mut table = BTreeMap::new();
        for row in &self.log[..self.visible] {
            let (kind, cells) = row.split_at(2);
            let (key, rest) = cells.split_once('|').unwrap();
            let (key, rest) = (key.parse().unwrap(), rest.to_string());
            match kind {
                "+I" => assert_eq!(table.insert(key, rest), None, "{row}"),
                "+U" => assert!(table.insert(key, rest).is_none(), "{row}: -U comes first"),
                _ => assert_eq!(table.remove(&key), Some(rest), "{row}"),
            }
        }
        table
    }
}

pub type World = Arc<Mutex<Outside>>;

pub struct Memory {
    world: World,
    clock: Driven,
    outbox: bool,
}

/// Rows as texts, for the outbox.
struct Texts;

impl Encoder for Texts {
    fn encode(&mut self, batch: &Batch, out: &mut Vec<Payload>) -> Result<()> {
        let texts: ArrayRef = Arc::new(StringArray::from_iter_values((0..batch.len()).map(|row| text(batch, row))));
        out.push(Payload::Batch(Batch::inserts(RecordBatch::try_from_iter([("text", texts)]).unwrap())));
        Ok(())
    }
}

struct AsIs;

impl Encoder for AsIs {
    fn encode(&mut self, batch: &Batch, out: &mut Vec<Payload>) -> Result<()> {
        out.push(Payload::Batch(batch.clone()));
        Ok(())
    }
}

fn text(batch: &Batch, row: usize) -> String {
    let cell = |c: &ArrayRef| match c.data_type() {
        DataType::Int64 => c.as_primitive::<Int64Type>().value(row),
        _ => c.as_primitive::<TimestampMillisecondType>().value(row),
    };
    let cells: Vec<String> = batch.rows.columns().iter().map(|c| cell(c).to_string()).collect();
    format!("{}{}", batch.kind(row).symbol(), cells.join("|"))
}

impl Sink for Memory {
    fn encoder(&self) -> Result<Box<dyn Encoder>> {
        Ok(if self.outbox { Box::new(Texts) } else { Box::new(AsIs) })
    }
    fn delivery(&self) -> Delivery {
        if self.outbox { Delivery::Outbox } else { Delivery::Direct }
    }
    fn resume(&mut self, last: &EpochId) -> Result<Option<String>> {
        match self.world.lock().unwrap().mark {
            Some((run, number)) if run == last.run && number > last.number => Err(Error::state("the sink is ahead of the state")),
            _ => Ok(None),
        }
    }
    fn deliver(&mut self, epoch: &EpochId, output: &mut dyn Iterator<Item = Result<Batch>>) -> Result<()> {
        let mut world = self.world.lock().unwrap();
        if world.away {
            return Err(Error::io("nobody answers"));
        }
        let refused = world.call("deliver");
        if refused.is_err() && world.bug == Some(Bug::UncheckedReport) {
            world.fail = None;
            return Ok(());
        }
        if refused.is_err() {
            world.fail = None;
            world.answer_lost ^= true;
            if !world.answer_lost {
                return refused;
            }
        }
        if world.bug == Some(Bug::NoFence) || world.mark.is_none_or(|(run, number)| run != epoch.run || number < epoch.number) {
            for batch in output {
                let texts: Vec<String> = batch?.rows.column(0).as_string::<i32>().iter().map(|t| t.unwrap().to_string()).collect();
                world.log.extend(texts);
            }
            world.visible = world.log.len();
            world.mark = Some((epoch.run, epoch.number));
        }
        refused
    }
    fn open(&mut self, progress: Option<&str>) -> Result<()> {
        let mut world = self.world.lock().unwrap();
        world.call("open")?;
        if self.outbox {
            world.opened = true;
            return Ok(());
        }
        let length = progress.map_or(0, |p| p.parse().unwrap());
        assert!(world.visible <= length, "output became visible that the checkpoint does not hold");
        world.log.truncate(length);
        world.at.truncate(length);
        world.opened = true;
        Ok(())
    }
    fn write(&mut self, payloads: Vec<Payload>) -> Result<()> {
        let mut world = self.world.lock().unwrap();
        assert!(world.opened, "written to before it was opened");
        world.call("write")?;
        for payload in payloads {
            let Payload::Batch(batch) = payload else { panic!("the encoder makes batches") };
            world.log.extend((0..batch.len()).map(|i| text(&batch, i)));
            let length = world.log.len();
            world.at.resize(length, self.clock.now.load(Ordering::SeqCst));
        }
        Ok(())
    }
    fn prepare(&mut self) -> Result<String> {
        let mut world = self.world.lock().unwrap();
        world.call("prepare")?;
        Ok(world.log.len().to_string())
    }
    fn commit(&mut self, progress: &str) -> Result<()> {
        let mut world = self.world.lock().unwrap();
        world.call("commit")?;
        world.commits += 1;
        world.visible = world.visible.max(progress.parse().unwrap());
        Ok(())
    }
    fn finish(&mut self) -> Result<()> {
        let mut world = self.world.lock().unwrap();
        if self.outbox {
            return Ok(());
        }
        world.call("finish")?;
        world.visible = world.log.len();
        Ok(())
    }
}

/// Checkpoints that survive the job.
#[derive(Clone, Default)]
pub struct Kept {
    pub newest: Arc<Mutex<Option<Checkpoint>>>,
    /// What this instance was given; a job that starts again has another one.
    pub changes: Vec<TableChanges>,
    pub output: BTreeMap<usize, Vec<RecordBatch>>,
    /// By sink and epoch, and whether it was delivered. An older checkpoint may need it all the same.
    pub outbox: Arc<Mutex<BTreeMap<(usize, u64), (Vec<RecordBatch>, bool)>>>,
    /// Writing fails from this epoch on.
    pub fail_from: Option<u64>,
    /// What the store does wrong.
    pub bug: Option<Bug>,
    /// A checkpoint that should be there.
    pub late: Option<Checkpoint>,
}

impl Kept {
    /// What all changes add up to.
    fn tables(&self) -> Vec<TableState> {
        let mut newer: BTreeMap<(usize, String, usize), Newer> = BTreeMap::new();
        let counting = |c: &TableChanges| {
            let newer = newer.entry((c.node, c.table.clone(), c.part)).or_default();
            let rows = filter_record_batch(&c.changes.rows, &newer.counting(&c.changes.entries, &c.changes.removed));
            TableState { node: c.node, table: c.table.clone(), rows: rows.unwrap() }
        };
        let mut tables: Vec<TableState> = self.changes.iter().rev().map(counting).collect();
        tables.reverse();
        tables
    }
}

impl CheckpointStore for Kept {
    fn append(&mut self, changes: &[TableChanges]) -> Result<()> {
        self.changes.extend_from_slice(changes);
        if self.bug == Some(Bug::LostChanges) {
            self.changes.pop();
        }
        Ok(())
    }
    fn outbox_bytes(&self) -> u64 {
        let outbox = self.outbox.lock().unwrap();
        let kept = outbox.values().filter(|(_, delivered)| !delivered).flat_map(|(output, _)| output);
        kept.chain(self.output.values().flatten()).map(|batch| batch.num_rows() as u64).sum()
    }
    fn keep_output(&mut self, node: usize, output: &[RecordBatch]) -> Result<()> {
        self.output.entry(node).or_default().extend_from_slice(output);
        Ok(())
    }
    fn publish(&mut self, checkpoint: &Checkpoint) -> Result<Vec<(usize, u64)>> {
        if self.fail_from.is_some_and(|e| checkpoint.epoch >= e) {
            return Err(Error::io("the disk is full"));
        }
        let mut newest = self.newest.lock().unwrap();
        let expected = newest.as_ref().map_or(1, |c| c.epoch + 1);
        assert!(checkpoint.epoch == expected || self.bug == Some(Bug::DeliveredFirst), "epochs follow each other");
        let mut outbox = self.outbox.lock().unwrap();
        let new: Vec<(usize, u64)> = self.output.keys().map(|node| (*node, checkpoint.epoch)).collect();
        outbox.extend(std::mem::take(&mut self.output).into_iter().map(|(node, output)| ((node, checkpoint.epoch), (output, false))));
        if self.bug == Some(Bug::LostTail) {
            outbox.iter_mut().filter(|((_, epoch), _)| *epoch == checkpoint.epoch).for_each(|(_, (output, _))| drop(output.pop()));
        }
        let waiting = outbox.iter().filter(|(_, (_, delivered))| !delivered).map(|(key, _)| *key).collect();
        let mut taken = Checkpoint { tables: self.tables(), outbox: waiting, ..checkpoint.clone() };
        for split in &mut taken.splits {
            match self.bug {
                Some(Bug::OffsetBack) => split.rows_taken = split.rows_taken.saturating_sub(1),
                Some(Bug::OffsetAhead) => split.rows_taken += 1,
                _ => {}
            }
        }
        if self.bug == Some(Bug::LostOutbox) {
            taken.outbox.clear();
        }
        if self.bug == Some(Bug::DeliveredFirst) {
            let before = self.late.replace(Checkpoint { epoch: taken.epoch, ..taken });
            *newest = before.or(newest.take());
        } else {
            *newest = Some(taken);
        }
        Ok(new)
    }
    fn output(&mut self, node: usize, epoch: u64) -> Result<OpenOutput> {
        let outbox = self.outbox.lock().unwrap();
        let earlier = outbox.iter().rev().find(|((of, number), _)| *of == node && *number < epoch).map(|(_, (output, _))| output.clone());
        let output = earlier.filter(|_| self.bug == Some(Bug::StaleOutbox)).unwrap_or_else(|| outbox[&(node, epoch)].0.clone());
        Ok(Box::new(move || Ok(Box::new(output.clone().into_iter().map(Ok)))))
    }
    fn delivered(&mut self, node: usize, epoch: u64) {
        self.outbox.lock().unwrap().entry((node, epoch)).and_modify(|(_, delivered)| *delivered = true);
    }
    fn identity(&self) -> (u64, u64) {
        (1, 1)
    }
    fn latest(&mut self, _: &mut dyn FnMut(String)) -> Result<Option<Checkpoint>> {
        Ok(self.newest.lock().unwrap().clone())
    }
    fn discard(&mut self) -> Result<()> {
        *self.newest.lock().unwrap() = None;
        Ok(())
    }
}

/// The query of the job.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Query {
    /// Rows as they are.
    Copy,
    /// `SELECT key, COUNT(*), SUM(bit) GROUP BY key, TUMBLE(size)`.
    Window { size: i64, two_phases: bool },
    /// The same by processing time, with overlapping windows if `slide` is less than `size`.
    Processing { size: i64, slide: i64 },
    /// The first one, with early results so long after a row.
    Early { size: i64, delay_ms: i64 },
    /// `SELECT key, COUNT(*), SUM(bit) GROUP BY key`.
    Group { two_phases: bool },
}

/// Everything a run consists of. Cloning and running again is restarting the process.
#[derive(Clone)]
pub struct Setup {
    pub script: Script,
    pub query: Query,
    /// `None`: the table has no watermark.
    pub emit: Option<Emit>,
    pub delay: i64,
    pub idle_timeout_ms: Option<i64>,
    /// Each split is a source of its own, and their rows come together behind them.
    pub sources_apart: bool,
    pub config: JobConfig,
    pub checkpoints: Option<Kept>,
    /// The sink has an outbox.
    pub outbox: bool,
    /// An operator in front of the sink.
    pub extra: Option<fn() -> Box<dyn Operator>>,
    pub world: World,
    pub clock: Driven,
}

impl Setup {
    pub fn new(splits: Vec<Vec<Event>>, query: Query) -> Self {
        let clock = Driven::new();
        let script = Script { splits, chunk: 3, clock: clock.clone(), fail_fetch_at: None, fail_decode_at: None };
        Self {
            script,
            query,
            emit: Some(Emit::OnEvent),
            delay: 0,
            idle_timeout_ms: None,
            sources_apart: false,
            config: JobConfig::default(),
            checkpoints: None,
            outbox: false,
            extra: None,
            world: World::default(),
            clock,
        }
    }

    /// The same job on another world, for comparison.
    pub fn elsewhere(&self) -> Self {
        let clock = Driven::new();
        let script = Script { clock: clock.clone(), ..self.script.clone() };
        let checkpoints = self.checkpoints.as_ref().map(|_| Kept::default());
        Self { script, clock, checkpoints, world: World::default(), ..self.clone() }
    }

    pub fn job(&self, store: Option<Box<dyn CheckpointStore>>) -> Result<Job> {
        self.world.lock().unwrap().opened = false;
        Job::new(self.graph(), self.config.clone(), store, Box::new(self.clock.clone()))
    }

    /// Runs the job once, from its newest checkpoint if it has any.
    pub fn run(&self) -> Result<(Outcome, Progress)> {
        let store = self.checkpoints.clone().map(|c| Box::new(c) as Box<dyn CheckpointStore>);
        let mut job = self.job(store)?;
        let control = self.clock.stop_at.as_ref().map(|(_, c)| c.clone()).unwrap_or_default();
        let outcome = job.run(&control, &mut |_| {})?;
        Ok((outcome, job.progress()))
    }

    pub fn graph(&self) -> Graph {
        let mut graph = Graph::default();
        let sources: Vec<Edge> = match self.sources_apart {
            false => vec![edge(self.source(&mut graph, self.script.clone()), Exchange::Forward)],
            true => {
                let alone = self.script.splits.iter().map(|split| Script { splits: vec![split.clone()], ..self.script.clone() });
                alone.map(|script| edge(self.source(&mut graph, script), Exchange::Forward)).collect()
            }
        };
        let calc = Calc {
            condition: Some(Arc::new(IsNotNull(KEY))),
            select: vec![SPLIT, TIME, KEY, BIT],
            project: (0..4).rev().map(|i| Arc::new(Column(i)) as Arc<dyn Expr>).collect(),
            schema: schema(),
        };
        let factory: OperatorFactory = Box::new(move || Ok(Box::new(calc.clone())));
        let calc = graph.add("Calc", NodeKind::Operator(factory), sources);
        let mut last = self.query_nodes(&mut graph, calc);
        if let Some(extra) = self.extra {
            let factory: OperatorFactory = Box::new(move || Ok(extra()));
            last = graph.add("Extra", NodeKind::Operator(factory), vec![edge(last, Exchange::Forward)]);
        }
        let sink = Memory { world: self.world.clone(), clock: self.clock.clone(), outbox: self.outbox };
        graph.add("Sink", NodeKind::Sink(Box::new(sink)), vec![edge(last, Exchange::Forward)]);
        graph
    }

    fn source(&self, graph: &mut Graph, script: Script) -> usize {
        let event_time = self.emit.map(|emit| EventTime {
            watermark: Arc::new(Delayed(self.delay)),
            column: TIME,
            emit,
            idle_timeout_ms: self.idle_timeout_ms,
        });
        let source = SourceNode {
            source: Box::new(script),
            columns: (0..4).map(|i| Arc::new(Column(i)) as Arc<dyn Expr>).collect(),
            schema: schema(),
            keep: 4,
            event_time,
        };
        graph.add("Source", NodeKind::Source(Box::new(source)), vec![])
    }

    fn query_nodes(&self, graph: &mut Graph, source: usize) -> usize {
        let mut operator =
            |name: &str, from, exchange, make: OperatorFactory| graph.add(name, NodeKind::Operator(make), vec![edge(from, exchange)]);
        match self.query {
            Query::Copy => source,
            Query::Window { size, two_phases: false } => {
                let spec = window_spec(Windows::Tumble { size, offset: 0 }, TimeColumn::Event(TIME));
                let make = move || Ok(Box::new(WindowAggregate::new(spec.clone(), false)) as Box<dyn Operator>);
                operator("WindowAggregate", source, Exchange::Hash(vec![KEY]), Box::new(make))
            }
            Query::Window { size, two_phases: true } => {
                let spec = window_spec(Windows::Tumble { size, offset: 0 }, TimeColumn::Event(TIME));
                let schema = partial_schema(Some("slice_end"), spec.aggregates.partial_types());
                let local = spec.clone();
                let make = move || Ok(Box::new(LocalWindowAggregate { spec: local.clone(), schema: schema.clone() }) as Box<dyn Operator>);
                let local = operator("LocalWindowAggregate", source, Exchange::Forward, Box::new(make));
                let make = move || Ok(Box::new(WindowAggregate::new(spec.clone(), true)) as Box<dyn Operator>);
                operator("GlobalWindowAggregate", local, Exchange::Hash(vec![1]), Box::new(make))
            }
            Query::Processing { size, slide } => {
                let spec = window_spec(Windows::Hop { size, slide, offset: 0 }, TimeColumn::Processing);
                let make = move || Ok(Box::new(WindowAggregate::new(spec.clone(), false)) as Box<dyn Operator>);
                operator("WindowAggregate", source, Exchange::Hash(vec![KEY]), Box::new(make))
            }
            Query::Early { size, delay_ms } => {
                let spec = window_spec(Windows::Tumble { size, offset: 0 }, TimeColumn::Event(TIME));
                let emit = EmitStrategy { early_delay_ms: Some(delay_ms), late_delay_ms: None, lateness_ms: 0 };
                let make = move || Ok(Box::new(EmittingAggregate::new(spec.clone(), emit, true)) as Box<dyn Operator>);
                operator("WindowAggregate", source, Exchange::Hash(vec![KEY]), Box::new(make))
            }
            Query::Group { two_phases: false } => {
                let make = || Ok(Box::new(GroupAggregate::new(group_spec(), false, true)) as Box<dyn Operator>);
                operator("GroupAggregate", source, Exchange::Hash(vec![KEY]), Box::new(make))
            }
            Query::Group { two_phases: true } => {
                let schema = partial_schema(None, group_aggregate::partial_types(&aggregates()));
                let make = move || Ok(Box::new(LocalGroupAggregate { spec: group_spec(), schema: schema.clone() }) as Box<dyn Operator>);
                let local = operator("LocalGroupAggregate", source, Exchange::Forward, Box::new(make));
                let make = || Ok(Box::new(GroupAggregate::new(group_spec(), true, true)) as Box<dyn Operator>);
                operator("GlobalGroupAggregate", local, Exchange::Hash(vec![0]), Box::new(make))
            }
        }
    }
}

fn edge(from: usize, exchange: Exchange) -> Edge {
    Edge { from, port: 0, exchange }
}

fn aggregates() -> Aggregates {
    let call = |function, args: Vec<usize>| {
        let types = args.iter().map(|_| DataType::Int64).collect();
        let spec = AggSpec { function, args: types, output: DataType::Int64, distinct: false, retract: false };
        AggCall { function: bind(&spec).unwrap(), args, filter: None }
    };
    Aggregates::new(vec![call(AggFunction::Count, vec![]), call(AggFunction::Sum, vec![BIT])])
}

fn result_fields() -> Vec<Field> {
    ["key", "n", "bits"].map(|n| Field::new(n, DataType::Int64, true)).to_vec()
}

fn window_spec(windows: Windows, time: TimeColumn) -> WindowSpec {
    let mut fields = result_fields();
    fields.extend(["window_start", "window_end", "window_time"].map(|n| Field::new(n, timestamp(), false)));
    let schema = Arc::new(Schema::new(fields));
    WindowSpec { windows, time, keys: vec![KEY], key_types: vec![DataType::Int64], aggregates: aggregates(), schema }
}

fn group_spec() -> GroupSpec {
    let schema = Arc::new(Schema::new(result_fields()));
    GroupSpec { keys: vec![KEY], key_types: vec![DataType::Int64], aggregates: aggregates(), schema }
}

fn partial_schema(first: Option<&str>, partial: Vec<DataType>) -> SchemaRef {
    let mut fields: Vec<Field> = first.into_iter().map(|n| Field::new(n, DataType::Int64, false)).collect();
    fields.push(Field::new("key", DataType::Int64, true));
    fields.extend(partial.into_iter().enumerate().map(|(i, t)| Field::new(format!("partial{i}"), t, true)));
    Arc::new(Schema::new(fields))
}

/// Rows in which order counts: `(key, time)` each, arriving at once.
pub fn events(rows: &[(i64, i64)]) -> Vec<Event> {
    rows.iter().enumerate().map(|(i, (key, time))| Event { bit: 1 << i, key: *key, time: *time, arrival: 0 }).collect()
}

/// The rows dealt to splits by `owner`.
pub fn dealt(events: &[Event], splits: usize, owner: impl Fn(usize) -> usize) -> Vec<Vec<Event>> {
    let mut dealt = vec![vec![]; splits];
    for (i, event) in events.iter().enumerate() {
        dealt[owner(i) % splits].push(*event);
    }
    dealt
}

/// What a window aggregate gives for the rows with these bits.
pub fn windows_of(events: &[Event], size: i64) -> Vec<String> {
    let mut windows: BTreeMap<(i64, i64), (i64, i64)> = BTreeMap::new();
    for event in events {
        let start = event.time - event.time.rem_euclid(size);
        let (n, bits) = windows.entry((event.key, start)).or_default();
        *n += 1;
        *bits += event.bit;
    }
    let mut rows: Vec<String> = windows
        .into_iter()
        .map(|((key, start), (n, bits))| format!("+I{key}|{n}|{bits}|{start}|{}|{}", start + size, start + size - 1))
        .collect();
    rows.sort();
    rows
}

/// What a group aggregate adds up to.
pub fn groups_of(events: &[Event]) -> BTreeMap<i64, String> {
    let mut groups: BTreeMap<i64, (i64, i64)> = BTreeMap::new();
    for event in events {
        let (n, bits) = groups.entry(event.key).or_default();
        *n += 1;
        *bits += event.bit;
    }
    groups.into_iter().map(|(key, (n, bits))| (key, format!("{n}|{bits}"))).collect()
}
