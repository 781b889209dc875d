//! The outbox: output that is part of the checkpoint of its epoch and is delivered afterwards, by a thread for each sink.

use arrow::array::RecordBatch;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::sink::{EpochId, Sink};
use crate::{Batch, Error, ErrorKind, Result};

/// So many epochs wait for delivery at most; until then there is no further checkpoint.
const EPOCHS_MAX: usize = 2;
/// After a delivery that failed the next attempt comes after so long, and twice as long each time.
const RETRY_FIRST_MS: u64 = 100;
const RETRY_MAX_MS: u64 = 10_000;

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
    Failed(Error),
}

/// The thread of a sink.
pub struct Courier {
    /// `None` while it ends.
    errands: Option<Sender<Errand>>,
    closing: Option<Sender<()>>,
    news: Receiver<News>,
    thread: Option<JoinHandle<()>>,
    undelivered: usize,
    waiting: Option<Error>,
}

impl Courier {
    /// Starts the thread for a sink that was opened. `last` is the epoch from which the job goes on, if it goes on from one.
    pub fn start(sink: Box<dyn Sink>, last: Option<EpochId>) -> Result<Self> {
        let (errands, work) = channel();
        let (report, news) = channel();
        let (closing, closed) = channel();
        let round = Round { sink, report, closed };
        let thread = std::thread::Builder::new().name("delivery".into()).spawn(move || round.run(last.as_ref(), &work))?;
        Ok(Self { errands: Some(errands), closing: Some(closing), news, thread: Some(thread), undelivered: 0, waiting: None })
    }

    /// Gives it one more epoch.
    pub fn send(&mut self, errand: Errand) -> Result<()> {
        self.undelivered += 1;
        let sent = self.errands.as_ref().is_some_and(|errands| errands.send(errand).is_ok());
        if sent { Ok(()) } else { Err(self.last_words()) }
    }

    /// Epochs that have been delivered since the last call, or are within this time.
    pub fn delivered(&mut self, wait: Duration) -> Result<Vec<u64>> {
        let mut epochs = vec![];
        while self.undelivered > 0 {
            match self.news.recv_timeout(if epochs.is_empty() { wait } else { Duration::ZERO }) {
                Ok(News::Delivered(epoch)) => {
                    (self.undelivered, self.waiting) = (self.undelivered - 1, None);
                    epochs.push(epoch);
                }
                Ok(News::Waiting(why)) => self.waiting = Some(why),
                Ok(News::Failed(e)) => return Err(e),
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => return Err(self.last_words()),
            }
        }
        Ok(epochs)
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

    fn last_words(&self) -> Error {
        let failed = self.news.try_iter().find_map(|news| if let News::Failed(e) = news { Some(e) } else { None });
        failed.unwrap_or_else(|| Error::internal("the thread of a delivery has stopped"))
    }
}

impl Drop for Courier {
    fn drop(&mut self) {
        (self.errands, self.closing) = (None, None);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The thread's side.
struct Round {
    sink: Box<dyn Sink>,
    report: Sender<News>,
    closed: Receiver<()>,
}

impl Round {
    fn run(mut self, last: Option<&EpochId>, work: &Receiver<Errand>) {
        let goes_on = last.is_none_or(|last| self.until_it_works(&mut |sink| sink.resume(last)));
        if !goes_on {
            return;
        }
        for mut errand in work {
            let number = errand.epoch.number;
            let delivered = self.until_it_works(&mut |sink| {
                let output = (errand.open)()?;
                sink.deliver(&errand.epoch, &mut output.map(|rows| rows.map(Batch::inserts)))
            });
            if !delivered {
                return;
            }
            let _ = self.report.send(News::Delivered(number));
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
                    let _ = self.report.send(News::Waiting(e));
                    if !matches!(self.closed.recv_timeout(Duration::from_millis(pause_ms)), Err(RecvTimeoutError::Timeout)) {
                        return false;
                    }
                    pause_ms = (pause_ms * 2).min(RETRY_MAX_MS);
                }
                Err(e) => {
                    let _ = self.report.send(News::Failed(e));
                    return false;
                }
            }
        }
    }
}
