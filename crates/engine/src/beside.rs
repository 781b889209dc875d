//! A thread that works beside the loop: it takes tasks in order, tells news, and tries again what may come about later.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::{Error, Result};

/// What such a thread tells.
pub trait News: Send + 'static {
    /// Why the thread gave up, if this is what it tells.
    fn failure(self) -> Option<Error>;
}

/// The loop's end.
pub struct Beside<T, N> {
    name: &'static str,
    /// `None` while it ends.
    tasks: Option<Sender<T>>,
    /// Closed to tell that nobody waits for further attempts.
    closing: Option<Sender<()>>,
    news: Receiver<N>,
    thread: Option<JoinHandle<()>>,
    leave_wait: Duration,
}

/// The thread's end.
pub struct Bench<T, N> {
    /// What is to be done. It ends when the job does.
    pub tasks: Receiver<T>,
    report: Sender<N>,
    closed: Receiver<()>,
}

impl<T: Send + 'static, N: News> Beside<T, N> {
    /// Starts the thread. When the job ends it is waited for, but not for longer than `leave_wait`.
    pub fn start(name: &'static str, leave_wait: Duration, body: impl FnOnce(Bench<T, N>) + Send + 'static) -> Result<Self> {
        let (give, tasks) = channel();
        let (report, news) = channel();
        let (closing, closed) = channel();
        let bench = Bench { tasks, report, closed };
        let thread = std::thread::Builder::new().name(name.into()).spawn(move || body(bench))?;
        Ok(Self { name, tasks: Some(give), closing: Some(closing), news, thread: Some(thread), leave_wait })
    }

    /// Gives it something to do. Fails, with its last words, when it has given up.
    pub fn give(&self, task: T) -> Result<()> {
        let given = self.tasks.as_ref().is_some_and(|tasks| tasks.send(task).is_ok());
        if given { Ok(()) } else { Err(self.last_words()) }
    }

    /// What it tells within this time; `None`: nothing. Fails when it has stopped.
    pub fn hear(&self, wait: Duration) -> Result<Option<N>> {
        match self.news.recv_timeout(wait) {
            Ok(news) => Ok(Some(news)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(self.stopped()),
        }
    }

    fn last_words(&self) -> Error {
        self.news.try_iter().find_map(News::failure).unwrap_or_else(|| self.stopped())
    }

    fn stopped(&self) -> Error {
        Error::internal(format!("the thread '{}' has stopped", self.name))
    }
}

impl<T, N> Drop for Beside<T, N> {
    fn drop(&mut self) {
        (self.tasks, self.closing) = (None, None);
        self.thread.take().into_iter().for_each(|thread| leave(thread, self.leave_wait));
    }
}

impl<T, N: News> Bench<T, N> {
    /// Tells the loop something. It may be gone.
    pub fn tell(&self, news: N) {
        let _ = self.report.send(news);
    }

    /// Waits before one more attempt. Tells whether anybody still waits for it.
    pub fn pause(&self, ms: u64) -> bool {
        matches!(self.closed.recv_timeout(Duration::from_millis(ms)), Err(RecvTimeoutError::Timeout))
    }
}

/// What is left of a wait; `None`: it has no end.
pub fn left(until: Option<Instant>) -> Duration {
    until.map_or(Duration::MAX, |until| until.saturating_duration_since(Instant::now()))
}

/// Waits for a thread that was told to end, but not for long: one that waits for a server is left to itself. A panic in it has been told
/// already.
pub fn leave(thread: JoinHandle<()>, wait: Duration) {
    let since = Instant::now();
    while !thread.is_finished() {
        if since.elapsed() >= wait {
            return;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    let _ = thread.join();
}
