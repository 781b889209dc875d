//! The thread that makes checkpoints durable while ticks go on.

use arrow::array::RecordBatch;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::checkpoint::{Checkpoint, CheckpointStore, TableChanges};
use crate::outbox::OpenOutput;
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
    Publish(Box<Checkpoint>),
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
    /// It gave up.
    Failed(Error),
}

/// See the module.
pub struct Archive {
    /// `None` while it ends.
    tasks: Option<Sender<Task>>,
    /// Tasks that are not done.
    undone: Arc<AtomicUsize>,
    news: Receiver<News>,
    /// Closed to tell that nobody waits for further attempts.
    closing: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
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
        let (tasks, work) = channel();
        let undone = Arc::new(AtomicUsize::new(0));
        let (report, news) = channel();
        let (closing, closed) = channel();
        let keeper = Keeper { store, report, closed, undone: undone.clone() };
        let thread = std::thread::Builder::new().name("checkpoints".into()).spawn(move || keeper.run(&work))?;
        Ok(Self {
            tasks: Some(tasks),
            undone,
            news,
            closing: Some(closing),
            thread: Some(thread),
            publishing: None,
            savepoints: 0,
            saved: vec![],
            waiting: None,
        })
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

    /// Hands over a checkpoint of all changes so far. [`Archive::durable`] tells when it is durable.
    pub fn publish(&mut self, checkpoint: Checkpoint) -> Result<()> {
        self.publishing = Some(checkpoint.epoch);
        self.give(Task::Publish(Box::new(checkpoint)))
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
        self.undone.load(Ordering::Relaxed) >= TASKS_MAX
    }

    /// Why nothing goes on, if so.
    pub fn waiting(&self) -> Option<&Error> {
        self.waiting.as_ref()
    }

    /// Tells whether the checkpoint has become durable since the last call, or does within this time, and what output came with it.
    pub fn durable(&mut self, wait: Duration) -> Result<Option<Vec<Waiting>>> {
        while self.publishing() {
            match self.news.recv_timeout(wait) {
                Ok(news) => {
                    if let Some(output) = self.hear(news)? {
                        return Ok(Some(output));
                    }
                }
                Err(RecvTimeoutError::Timeout) => return Ok(None),
                Err(RecvTimeoutError::Disconnected) => return Err(stopped()),
            }
        }
        Ok(None)
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
            News::Discarded => {}
            News::Waiting(why) => self.waiting = Some(why),
            News::Failed(error) => return Err(error),
        }
        Ok(None)
    }

    /// Discards all checkpoints, and waits for it.
    pub fn discard(&mut self) -> Result<()> {
        self.give(Task::Discard)?;
        loop {
            match self.news.recv().map_err(|_| stopped())? {
                News::Discarded => return Ok(()),
                other => drop(self.hear(other)?),
            }
        }
    }

    fn give(&mut self, task: Task) -> Result<()> {
        let Some(tasks) = &self.tasks else { return Err(stopped()) };
        self.undone.fetch_add(1, Ordering::Relaxed);
        match tasks.send(task) {
            Ok(()) => Ok(()),
            // It has stopped: its last words say why.
            Err(_) => {
                Err(self.news.try_iter().find_map(|news| if let News::Failed(e) = news { Some(e) } else { None }).unwrap_or_else(stopped))
            }
        }
    }
}

fn stopped() -> Error {
    Error::internal("the thread of checkpoints has stopped")
}

impl Drop for Archive {
    fn drop(&mut self) {
        (self.tasks, self.closing) = (None, None);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Output that a store has.
pub fn waiting(store: &mut dyn CheckpointStore, node: usize, epoch: u64) -> Result<Waiting> {
    Ok(Waiting { node, epoch, open: store.output(node, epoch)? })
}

/// The thread's side.
struct Keeper {
    store: Box<dyn CheckpointStore>,
    report: Sender<News>,
    closed: Receiver<()>,
    undone: Arc<AtomicUsize>,
}

impl Keeper {
    fn run(mut self, work: &Receiver<Task>) {
        for task in work {
            let mut pause_ms = RETRY_MS;
            let news = loop {
                match self.carry_out(&task) {
                    Err(e) if matches!(e.kind, ErrorKind::Full | ErrorKind::Unreachable) => {
                        let longer = e.kind == ErrorKind::Unreachable;
                        let _ = self.report.send(News::Waiting(e));
                        if !matches!(self.closed.recv_timeout(Duration::from_millis(pause_ms)), Err(RecvTimeoutError::Timeout)) {
                            return;
                        }
                        pause_ms = if longer { (pause_ms * 2).min(RETRY_MAX_MS) } else { RETRY_MS };
                    }
                    other => break other,
                }
            };
            self.undone.fetch_sub(1, Ordering::Relaxed);
            match news {
                Ok(None) => {}
                Ok(Some(news)) => drop(self.report.send(news)),
                Err(e) => {
                    let _ = self.report.send(News::Failed(e));
                    return;
                }
            }
        }
    }

    fn carry_out(&mut self, task: &Task) -> Result<Option<News>> {
        match task {
            Task::Append(changes) => self.store.append(changes).map(|()| None),
            Task::Output(node, output) => self.store.keep_output(*node, output).map(|()| None),
            Task::Delivered(node, epoch) => {
                self.store.delivered(*node, *epoch);
                Ok(None)
            }
            Task::Publish(checkpoint) => {
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
