//! The source: what the loop sees of topics. Partitions are splits; two threads of their own find them ([`super::discovery`]) and read
//! them ([`super::fetcher`]), so that the loop never waits for a broker.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use flott_engine::beside::leave;
use flott_engine::connector::{Environment, TableSpec};
use flott_engine::source::{ChunkBudget, Fetch, Position, Source, SplitInfo, SplitReader};
use flott_engine::{Error, Result};
use rdkafka::consumer::Consumer as _;
use serde::{Deserialize, Serialize};

use super::client::{self, Consumer, set_default};
use super::config::{BAD_RECORD, DEAD_LETTER_TOPIC, Kind, Partitioner, SourceConfig};
use super::dead_letters::DeadLetters;
use super::decode::{DecodePlan, MessageChunk};
use super::messages::{MessageSet, Wanted};
use super::producer::Producer;
use super::queue::Signal;
use super::{discovery, fetcher};

/// A partition of which so many bytes wait to be decoded is not read on.
pub const WAITING_BYTES_MAX: usize = 4 << 20;
/// Messages are put together to about this size, so that the cost of a chunk vanishes.
const SET_BYTES: usize = 1 << 20;
/// As `SET_BYTES`, in messages.
const SET_MESSAGES: usize = 16 << 10;
/// Bytes that the client library keeps ready, of all partitions together.
const PREFETCHED_BYTES: usize = 64 << 20;
/// A thread that waits for brokers when the job ends gets so much time.
const LEAVE_WAIT: Duration = Duration::from_secs(1);
/// For so long after its last message a partition is looked at often.
const BUSY: Duration = Duration::from_millis(100);

/// What [`SplitInfo::detail`] says: where a partition was found to begin and to end when it was discovered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range {
    /// The first offset; `None`: the first one there is.
    pub start: Option<i64>,
    /// The offset before which reading ends.
    pub stop: Option<i64>,
    /// Id of the topic, if the brokers tell it.
    pub topic_id: Option<String>,
}

/// A partition that is read.
pub struct Partition {
    /// Its topic.
    pub topic: Arc<str>,
    /// Its number.
    pub number: i32,
    /// Where to begin.
    pub start: Option<i64>,
    /// Where to end.
    pub stop: Option<i64>,
    /// It goes on from a checkpoint.
    pub resumed: bool,
    /// Messages that wait.
    waiting: Mutex<Waiting>,
    /// Where it ended when its broker last answered; negative: not known.
    pub high: AtomicI64,
}

#[derive(Default)]
struct Waiting {
    sets: VecDeque<MessageSet>,
    bytes: usize,
    /// No more will come.
    ended: bool,
}

impl Partition {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds messages behind those that wait.
    pub fn push(&self, set: MessageSet) {
        let mut waiting = self.waiting();
        waiting.bytes += set.bytes();
        match waiting.sets.back_mut() {
            Some(last) if last.bytes() + set.bytes() <= SET_BYTES && last.len() + set.len() <= SET_MESSAGES => last.append(set),
            _ => waiting.sets.push_back(set),
        }
    }

    /// Whether there is room for more.
    pub fn has_room(&self) -> bool {
        self.waiting().bytes < WAITING_BYTES_MAX
    }

    /// Whether [`Partition::end`] was called.
    pub fn has_ended(&self) -> bool {
        self.waiting().ended
    }

    /// All was read.
    pub fn end(&self) {
        self.waiting().ended = true;
    }

    /// Name of the split.
    pub fn id(topic: &str, number: i32) -> String {
        format!("{topic}-{number}")
    }
}

/// What the loop and the two threads share.
pub struct Shared {
    /// How the table is read.
    pub config: SourceConfig,
    /// What is kept of messages.
    pub wanted: Wanted,
    /// Messages that cannot be decoded, if they are written elsewhere.
    pub letters: Option<Arc<DeadLetters>>,
    state: Mutex<State>,
    /// Wakes the thread that reads.
    pub fetcher: Arc<Signal>,
    /// Wakes the thread that looks for partitions.
    pub discovery: Signal,
}

/// See [`Shared`].
#[derive(Default)]
pub struct State {
    /// Partitions that the loop does not know yet.
    pub found: Vec<SplitInfo>,
    /// No more will be found.
    pub all_found: bool,
    /// What went wrong.
    pub failed: Option<Error>,
    /// Partitions to be read from now on.
    pub opened: Vec<Arc<Partition>>,
    /// Offsets to be told to the group.
    pub commit: Vec<(String, i32, i64)>,
    /// Splits that a checkpoint knows.
    pub restored: Vec<SplitInfo>,
    /// The brokers have answered, and what the checkpoint knows is still there: reading may begin.
    pub checked: bool,
    /// The threads end.
    pub stop: bool,
}

impl Shared {
    /// What is shared.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the threads are to end.
    pub fn stopping(&self) -> bool {
        self.state().stop
    }

    /// The job cannot go on.
    pub fn fail(&self, error: Error) {
        self.state().failed.get_or_insert(error);
    }

    fn check(&self) -> Result<()> {
        self.state().failed.clone().map_or(Ok(()), Err)
    }
}

/// A table's topics.
pub struct KafkaSource {
    shared: Arc<Shared>,
    plan: Arc<DecodePlan>,
    running: Option<Running>,
}

/// The client and its threads.
struct Running {
    consumer: Arc<Consumer>,
    threads: Vec<JoinHandle<()>>,
}

impl KafkaSource {
    /// A source; nothing is connected before splits are asked for.
    pub fn new(table: &TableSpec, kind: Kind, env: &Environment) -> Result<Self> {
        super::config::check_metadata(table)?;
        let config = SourceConfig::new(table, kind)?;
        let letters = match &config.dead_letters {
            Some((topic, settings)) => {
                let producer = Producer::new(settings, Some(topic.clone()), Partitioner::Default, env.stop.clone())?;
                Some(Arc::new(DeadLetters::new(producer)))
            }
            None => None,
        };
        let plan = DecodePlan::new(table, &config, letters.clone())?;
        Ok(Self::of(config, plan, letters))
    }

    /// The messages of the table that cannot be decoded, of which these columns are wanted; see [`crate::bad_records`].
    pub fn of_bad_records(table: &TableSpec, wanted: &[usize], kind: Kind, env: &Environment) -> Result<Self> {
        let mut table = crate::bad_records::strict(table);
        table.options.retain(|option, _| option != BAD_RECORD && option != DEAD_LETTER_TOPIC);
        let mut source = Self::new(&table, kind, env)?;
        if let (Some(shared), Some(plan)) = (Arc::get_mut(&mut source.shared), Arc::get_mut(&mut source.plan)) {
            // The group belongs to who reads the rows.
            shared.config.commits = false;
            plan.gives_bad(wanted);
            shared.wanted = plan.wanted;
        }
        Ok(source)
    }

    fn of(config: SourceConfig, plan: DecodePlan, letters: Option<Arc<DeadLetters>>) -> Self {
        let wanted = plan.wanted;
        let shared = Shared { config, wanted, letters, state: Mutex::default(), fetcher: Arc::default(), discovery: Signal::default() };
        Self { shared: Arc::new(shared), plan: Arc::new(plan), running: None }
    }

    fn start(&mut self) -> Result<()> {
        if self.running.is_some() {
            return Ok(());
        }
        let mut settings = self.shared.config.settings.clone();
        for (name, value) in [
            ("enable.auto.commit", "false"),
            ("enable.auto.offset.store", "false"),
            // An offset that is gone is never passed over silently.
            ("auto.offset.reset", "error"),
            ("enable.partition.eof", if self.shared.config.bound.is_some() { "true" } else { "false" }),
            ("fetch.wait.max.ms", "100"),
            ("fetch.error.backoff.ms", "100"),
            // As long as this no more is asked for once enough is kept ready; the library's second is longer than that lasts.
            ("fetch.queue.backoff.ms", "5"),
            ("reconnect.backoff.max.ms", "2000"),
            ("topic.metadata.refresh.interval.ms", "30000"),
        ] {
            set_default(&mut settings, name, value);
        }
        let kbytes = (PREFETCHED_BYTES / 8 / 1024).to_string();
        set_default(&mut settings, "queued.max.messages.kbytes", &kbytes);
        let consumer = Arc::new(client::consumer(&settings)?);
        let mut threads = vec![];
        let bodies: [(&str, fn(&Shared, &Arc<Consumer>)); 2] = [("kafka-fetch", fetcher::run), ("kafka-discover", discovery::run)];
        for (name, body) in bodies {
            let (shared, consumer) = (self.shared.clone(), consumer.clone());
            let thread = std::thread::Builder::new().name(name.into()).spawn(move || body(&shared, &consumer));
            threads.push(thread.map_err(|e| Error::io(format!("cannot start a thread: {e}")))?);
        }
        self.running = Some(Running { consumer, threads });
        Ok(())
    }
}

impl Source for KafkaSource {
    fn discover(&mut self) -> Result<Vec<SplitInfo>> {
        self.start()?;
        self.shared.check()?;
        Ok(std::mem::take(&mut self.shared.state().found))
    }

    fn discovers(&self) -> bool {
        let state = self.shared.state();
        !state.all_found || !state.found.is_empty() || self.shared.config.bound.is_none()
    }

    fn open(&mut self, split: &SplitInfo, from: Option<&Position>) -> Result<Box<dyn SplitReader>> {
        self.start()?;
        let unreadable = |what: &str| Error::state(format!("{what} of partition {} cannot be read", split.id));
        let (topic, number) = split.id.rsplit_once('-').ok_or_else(|| unreadable("the name"))?;
        let number: i32 = number.parse().map_err(|_| unreadable("the number"))?;
        let range: Range = serde_json::from_str(&split.detail).map_err(|_| unreadable(&format!("the detail '{}'", split.detail)))?;
        let from = from.map(|p| p.parse::<i64>().map_err(|_| unreadable(&format!("the position '{p}'")))).transpose()?;
        let partition = Arc::new(Partition {
            topic: topic.into(),
            number,
            start: from.or(range.start),
            stop: range.stop,
            resumed: from.is_some(),
            waiting: Mutex::default(),
            high: AtomicI64::new(-1),
        });
        self.shared.state().opened.push(partition.clone());
        self.shared.fetcher.call();
        let next = partition.start.unwrap_or(-1);
        Ok(Box::new(PartitionReader { shared: self.shared.clone(), plan: self.plan.clone(), partition, next, last: Instant::now() }))
    }

    fn restored(&mut self, splits: &[SplitInfo]) {
        self.shared.state().restored = splits.to_vec();
    }

    fn prepare(&mut self) -> Result<()> {
        self.shared.letters.as_ref().map_or(Ok(()), |letters| letters.settle())
    }

    fn checkpointed(&mut self, positions: &[(&SplitInfo, &Position)]) -> Result<()> {
        if !self.shared.config.commits {
            return Ok(());
        }
        let offset = |(split, position): &(&SplitInfo, &Position)| {
            let (topic, number) = split.id.rsplit_once('-')?;
            Some((topic.to_owned(), number.parse().ok()?, position.parse().ok()?))
        };
        self.shared.state().commit = positions.iter().filter_map(offset).collect();
        self.shared.fetcher.call();
        Ok(())
    }

    fn notes(&mut self) -> Vec<String> {
        self.running.as_ref().map(|r| r.consumer.context().news.take()).unwrap_or_default()
    }
}

impl Drop for KafkaSource {
    fn drop(&mut self) {
        self.shared.state().stop = true;
        self.shared.fetcher.call();
        self.shared.discovery.call();
        self.running.take().into_iter().flat_map(|r| r.threads).for_each(|thread| leave(thread, LEAVE_WAIT));
    }
}

/// Reads one partition.
struct PartitionReader {
    shared: Arc<Shared>,
    plan: Arc<DecodePlan>,
    partition: Arc<Partition>,
    /// Offset behind the last message that was handed out; negative: not known.
    next: i64,
    /// When that was.
    last: Instant,
}

impl SplitReader for PartitionReader {
    fn fetch(&mut self, _budget: ChunkBudget) -> Result<Fetch> {
        let (set, ended, was_full) = {
            let mut waiting = self.partition.waiting();
            let was_full = waiting.bytes >= WAITING_BYTES_MAX;
            let set = waiting.sets.pop_front();
            waiting.bytes -= set.as_ref().map_or(0, MessageSet::bytes).min(waiting.bytes);
            (set, waiting.ended && waiting.sets.is_empty(), was_full && waiting.bytes < WAITING_BYTES_MAX)
        };
        if was_full {
            self.shared.fetcher.call();
        }
        if let Some(set) = set {
            self.next = set.next();
            self.last = Instant::now();
            let Partition { topic, number, .. } = &*self.partition;
            return Ok(Fetch::Chunk(Box::new(MessageChunk { plan: self.plan.clone(), topic: topic.clone(), partition: *number, set })));
        }
        self.shared.check()?;
        if ended {
            return Ok(Fetch::End);
        }
        Ok(Fetch::Idle { retry_after_ms: if self.last.elapsed() < BUSY { 1 } else { 5 } })
    }

    fn lag(&self) -> Option<u64> {
        let high = self.partition.high.load(Ordering::Relaxed);
        let end = self.partition.stop.map_or(high, |stop| high.min(stop));
        (high >= 0 && self.next >= 0).then(|| u64::try_from(end - self.next).unwrap_or(0))
    }
}
