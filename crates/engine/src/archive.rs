//! The thread that makes checkpoints durable while ticks go on.

use arrow::array::RecordBatch;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::beside::{self, Bench, Beside, left};
use crate::checkpoint::{Checkpoint, CheckpointStore, TableChanges};
use crate::outbox::OpenOutput;
use crate::sink::Unsynced;
use crate::{Error, ErrorKind, Result};

/// With so many tasks the loop takes no more input: a disk that is slower than the job holds the job up instead of filling memory.
const TASKS_MAX: usize = 32;
/// Time between two attempts where there is no room on the disk.
const RETRY_MS: u64 = 500;
/// And at most so much, twice as long each time, where a server does not answer.
const RETRY_MAX_MS: u64 = 10_000;

enum Task {
    Append(Vec<TableChanges>),
    Output(usize, Vec<RecordBatch>),
    Delivered(usize, u64),
    /// A checkpoint, and what sinks have written that must be durable before it.
    Publish(Box<Checkpoint>, Vec<Unsynced>),
    Savepoint,
    Discard,
}

/// Output of a sink that a durable checkpoint holds.
pub struct Waiting {
    /// Number of the sink's node.
    pub node: usize,
    /// The epoch.
    pub epoch: u64,
    /// Opens it.
    pub open: OpenOutput,
}

/// What the thread tells the loop.
enum News {
    /// A checkpoint is durable, with this output that is new.
    Durable(Vec<Waiting>),
    /// A savepoint is there, or could not be taken.
    Savepoint(Result<String>),
    /// Everything is gone, as was asked.
    Discarded,
    /// There is no room; it goes on trying.
    Waiting(Error),
    /// There was.
    GoesOn,
    /// It gave up.
    Failed(Error),
}

impl beside::News for News {
    fn failure(self) -> Option<Error> {
        if let News::Failed(error) = self { Some(error) } else { None }
    }
}

/// What the disk is still at when the job ends gets so much time.
const LEAVE_WAIT: Duration = Duration::from_secs(5);
/// Attempts go on for ever.
const WAIT_FOR_EVER: Duration = Duration::from_secs(3600);

/// What the loop and the thread both see.
#[derive(Default)]
struct Shared {
    /// Tasks that are not done.
    undone: AtomicUsize,
    /// Bytes of output that is kept for delivery.
    outbox_bytes: AtomicU64,
}

/// See the module.
pub struct Archive {
    thread: Beside<Task, News>,
    shared: Arc<Shared>,
    /// The epoch that is being published.
    publishing: Option<u64>,
    /// Savepoints that are being taken.
    savepoints: usize,
    /// What became of others.
    saved: Vec<Result<String>>,
    /// Why it waits, if it does.
    waiting: Option<Error>,
}

impl Archive {
    /// Starts the thread.
    pub fn start(store: Box<dyn CheckpointStore>) -> Result<Self> {
        let shared = Arc::new(Shared::default());
        shared.outbox_bytes.store(store.outbox_bytes(), Ordering::Relaxed);
        let keeper = Keeper { store, shared: shared.clone() };
        let thread = Beside::start("checkpoints", LEAVE_WAIT, move |bench| keeper.run(&bench))?;
        Ok(Self { thread, shared, publishing: None, savepoints: 0, saved: vec![], waiting: None })
    }

    /// Hands over changes of state.
    pub fn append(&mut self, changes: Vec<TableChanges>) -> Result<()> {
        if changes.is_empty() { Ok(()) } else { self.give(Task::Append(changes)) }
    }

    /// Hands over output that is to be delivered.
    pub fn keep_output(&mut self, node: usize, output: Vec<RecordBatch>) -> Result<()> {
        if output.is_empty() { Ok(()) } else { self.give(Task::Output(node, output)) }
    }

    /// An epoch's output was delivered.
    pub fn delivered(&mut self, node: usize, epoch: u64) -> Result<()> {
        self.give(Task::Delivered(node, epoch))
    }

    /// Hands over a checkpoint of all changes so far, and what is to be made durable before it. [`Archive::durable`] tells when it is.
    pub fn publish(&mut self, checkpoint: Checkpoint, unsynced: Vec<Unsynced>) -> Result<()> {
        self.publishing = Some(checkpoint.epoch);
        self.give(Task::Publish(Box::new(checkpoint), unsynced))
    }

    /// Asks for a savepoint of the checkpoint that was handed over last. [`Archive::saved`] tells when it is there.
    pub fn savepoint(&mut self) -> Result<()> {
        self.savepoints += 1;
        self.give(Task::Savepoint)
    }

    /// Savepoints that were taken since the last call, or could not be.
    pub fn saved(&mut self) -> Vec<Result<String>> {
        std::mem::take(&mut self.saved)
    }

    /// Whether a checkpoint is being published or copied.
    pub fn publishing(&self) -> bool {
        self.publishing.is_some() || self.savepoints > 0
    }

    /// Whether so much is under way that the job should wait.
    pub fn is_full(&self) -> bool {
        self.shared.undone.load(Ordering::Relaxed) >= TASKS_MAX
    }

    /// How many bytes of output are kept for delivery.
    pub fn outbox_bytes(&self) -> u64 {
        self.shared.outbox_bytes.load(Ordering::Relaxed)
    }

    /// Why nothing goes on, if so.
    pub fn waiting(&self) -> Option<&Error> {
        self.waiting.as_ref()
    }

    /// Tells whether the checkpoint has become durable since the last call, or does within this time, and what output came with it.
    pub fn durable(&mut self, wait: Duration) -> Result<Option<Vec<Waiting>>> {
        let until = Instant::now().checked_add(wait);
        loop {
            // Attempts that fail are news, too, and do not begin the time anew.
            let left = if self.publishing() { left(until) } else { Duration::ZERO };
            let Some(news) = self.thread.hear(left)? else { return Ok(None) };
            if let Some(output) = self.hear(news)? {
                return Ok(Some(output));
            }
        }
    }

    fn hear(&mut self, news: News) -> Result<Option<Vec<Waiting>>> {
        self.waiting = None;
        match news {
            News::Durable(output) => {
                self.publishing = None;
                return Ok(Some(output));
            }
            News::Savepoint(place) => {
                self.savepoints -= 1;
                self.saved.push(place);
            }
            News::Discarded | News::GoesOn => {}
            News::Waiting(why) => self.waiting = Some(why),
            News::Failed(error) => return Err(error),
        }
        Ok(None)
    }

    /// Discards all checkpoints, and waits for it.
    pub fn discard(&mut self) -> Result<()> {
        self.give(Task::Discard)?;
        loop {
            match self.thread.hear(WAIT_FOR_EVER)? {
                Some(News::Discarded) => return Ok(()),
                Some(other) => drop(self.hear(other)?),
                None => {}
            }
        }
    }

    fn give(&mut self, task: Task) -> Result<()> {
        self.shared.undone.fetch_add(1, Ordering::Relaxed);
        self.thread.give(task)
    }
}

/// Output that a store has.
pub fn waiting(store: &mut dyn CheckpointStore, node: usize, epoch: u64) -> Result<Waiting> {
    Ok(Waiting { node, epoch, open: store.output(node, epoch)? })
}

/// The thread's side.
struct Keeper {
    store: Box<dyn CheckpointStore>,
    shared: Arc<Shared>,
}

impl Keeper {
    fn run(mut self, bench: &Bench<Task, News>) {
        for mut task in &bench.tasks {
            let (mut pause_ms, mut waited) = (RETRY_MS, false);
            let news = loop {
                match self.carry_out(&mut task) {
                    Err(e) if matches!(e.kind, ErrorKind::Full | ErrorKind::Unreachable) => {
                        let longer = e.kind == ErrorKind::Unreachable;
                        bench.tell(News::Waiting(e));
                        waited = true;
                        if !bench.pause(pause_ms) {
                            return;
                        }
                        pause_ms = if longer { (pause_ms * 2).min(RETRY_MAX_MS) } else { RETRY_MS };
                    }
                    other => break other,
                }
            };
            self.shared.undone.fetch_sub(1, Ordering::Relaxed);
            self.shared.outbox_bytes.store(self.store.outbox_bytes(), Ordering::Relaxed);
            match news {
                Ok(None) if waited => bench.tell(News::GoesOn),
                Ok(None) => {}
                Ok(Some(news)) => bench.tell(news),
                Err(e) => return bench.tell(News::Failed(e)),
            }
        }
    }

    fn carry_out(&mut self, task: &mut Task) -> Result<Option<News>> {
        match task {
            Task::Append(changes) => self.store.append(changes).map(|()| None),
            Task::Output(node, output) => self.store.keep_output(*node, output).map(|()| None),
            Task::Delivered(node, epoch) => {
                self.store.delivered(*node, *epoch);
                Ok(None)
            }
            Task::Publish(checkpoint, unsynced) => {
                // What is durable is so once and for all, whatever comes after.
                while let Some(one) = unsynced.pop() {
                    one()?;
                }
                let output = self.store.publish(checkpoint)?;
                let output = output.into_iter().map(|(node, epoch)| waiting(&mut *self.store, node, epoch));
                Ok(Some(News::Durable(output.collect::<Result<_>>()?)))
            }
            // One that cannot be taken does no harm to the job.
            Task::Savepoint => Ok(Some(News::Savepoint(self.store.savepoint()))),
            Task::Discard => self.store.discard().map(|()| Some(News::Discarded)),
        }
    }
}
