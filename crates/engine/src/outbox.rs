//! The outbox: output that is part of the checkpoint of its epoch and is delivered afterwards, by a thread for each sink.

use arrow::array::RecordBatch;
use std::time::{Duration, Instant};

use crate::beside::{self, Bench, Beside, left};
use crate::sink::{EpochId, Sink};
use crate::{Batch, Error, ErrorKind, Result};

/// So many epochs wait for delivery at most; until then there is no further checkpoint.
const EPOCHS_MAX: usize = 2;
/// After a delivery that failed the next attempt comes after so long, and twice as long each time.
const RETRY_FIRST_MS: u64 = 100;
const RETRY_MAX_MS: u64 = 10_000;
/// A delivery that waits for a server when the job ends gets so much more time; what becomes of it, the next start finds out.
const LEAVE_WAIT: Duration = Duration::from_secs(1);

/// The output of an epoch, as the checkpoint keeps it.
pub type KeptOutput = Box<dyn Iterator<Item = Result<RecordBatch>> + Send>;

/// Opens the output of an epoch, as often as it is called.
pub type OpenOutput = Box<dyn FnMut() -> Result<KeptOutput> + Send>;

/// An epoch to deliver. Its output is opened anew for each attempt.
pub struct Errand {
    /// Which.
    pub epoch: EpochId,
    /// Opens its output.
    pub open: OpenOutput,
}

enum News {
    Delivered(u64),
    /// An attempt failed, and there will be others.
    Waiting(Error),
    /// What the user should know.
    Note(String),
    Failed(Error),
}

impl beside::News for News {
    fn failure(self) -> Option<Error> {
        if let News::Failed(error) = self { Some(error) } else { None }
    }
}

/// The thread of a sink.
pub struct Courier {
    thread: Beside<Errand, News>,
    undelivered: usize,
    waiting: Option<Error>,
    notes: Vec<String>,
}

impl Courier {
    /// Starts the thread for a sink that was opened. `last` is the epoch from which the job goes on; its number is 0 where it begins.
    pub fn start(sink: Box<dyn Sink>, last: EpochId) -> Result<Self> {
        let thread = Beside::start("delivery", LEAVE_WAIT, move |bench| Round { sink, bench }.run(&last))?;
        Ok(Self { thread, undelivered: 0, waiting: None, notes: vec![] })
    }

    /// Gives it one more epoch.
    pub fn send(&mut self, errand: Errand) -> Result<()> {
        self.undelivered += 1;
        self.thread.give(errand)
    }

    /// Epochs that have been delivered since the last call, or are within this time.
    pub fn delivered(&mut self, wait: Duration) -> Result<Vec<u64>> {
        let mut epochs = vec![];
        let until = Instant::now().checked_add(wait);
        loop {
            // Attempts that fail are news, too, and do not begin the time anew.
            let wait = if epochs.is_empty() && self.undelivered > 0 { left(until) } else { Duration::ZERO };
            match self.thread.hear(wait)? {
                Some(News::Delivered(epoch)) => {
                    (self.undelivered, self.waiting) = (self.undelivered - 1, None);
                    epochs.push(epoch);
                }
                Some(News::Note(note)) => {
                    self.waiting = None;
                    self.notes.push(note);
                }
                Some(News::Waiting(why)) => self.waiting = Some(why),
                Some(News::Failed(e)) => return Err(e),
                None => return Ok(epochs),
            }
        }
    }

    /// What the user should know, since the last call.
    pub fn notes(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notes)
    }

    /// Whether nothing waits.
    pub fn is_idle(&self) -> bool {
        self.undelivered == 0
    }

    /// Whether so much waits that there should be no further checkpoint.
    pub fn is_full(&self) -> bool {
        self.undelivered >= EPOCHS_MAX
    }

    /// Why nothing is delivered, if so.
    pub fn waiting(&self) -> Option<&Error> {
        self.waiting.as_ref()
    }
}

/// The thread's side.
struct Round {
    sink: Box<dyn Sink>,
    bench: Bench<Errand, News>,
}

impl Round {
    fn run(mut self, last: &EpochId) {
        let mut note = None;
        let resumed = self.until_it_works(&mut |sink| {
            note = sink.resume(last)?;
            Ok(())
        });
        if !resumed {
            return;
        }
        note.into_iter().for_each(|note| self.bench.tell(News::Note(note)));
        while let Ok(mut errand) = self.bench.tasks.recv() {
            let delivered = self.until_it_works(&mut |sink| {
                let output = (errand.open)()?;
                sink.deliver(&errand.epoch, &mut output.map(|rows| rows.map(Batch::inserts)))
            });
            if !delivered {
                return;
            }
            self.bench.tell(News::Delivered(errand.epoch.number));
        }
        let _ = self.sink.finish();
    }

    /// Tells whether it worked in the end.
    fn until_it_works(&mut self, attempt: &mut dyn FnMut(&mut dyn Sink) -> Result<()>) -> bool {
        let mut pause_ms = RETRY_FIRST_MS;
        loop {
            match attempt(&mut *self.sink) {
                Ok(()) => return true,
                Err(e) if matches!(e.kind, ErrorKind::Io | ErrorKind::Full | ErrorKind::Unreachable) => {
                    self.bench.tell(News::Waiting(e));
                    if !self.bench.pause(pause_ms) {
                        return false;
                    }
                    pause_ms = (pause_ms * 2).min(RETRY_MAX_MS);
                }
                Err(e) => {
                    self.bench.tell(News::Failed(e));
                    return false;
                }
            }
        }
    }
}
