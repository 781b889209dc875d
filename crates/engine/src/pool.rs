//! The workers of a job: the first on the loop's own thread, the others each on theirs.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use crate::worker::Worker;
use crate::{Error, Result};

/// Reserved for the stack of a worker, in bytes: expressions are evaluated by recursion, and may be thousands of levels deep.
const STACK_BYTES: usize = 128 << 20;

type Job = Box<dyn FnOnce(&mut Worker) + Send>;

/// All workers. They run what they are given at the same time and are otherwise at rest.
pub struct Pool {
    first: Worker,
    others: Vec<(Sender<Job>, JoinHandle<()>)>,
}

impl Pool {
    /// Starts a thread for each worker but the first.
    pub fn start(mut workers: Vec<Worker>) -> Result<Self> {
        if workers.is_empty() {
            return Err(Error::config("a job needs at least one worker"));
        }
        let rest = workers.split_off(1);
        let first = workers.pop().ok_or_else(|| Error::internal("there is a first worker"))?;
        let others = rest.into_iter().enumerate().map(|(i, worker)| Self::spawn(i + 1, worker)).collect::<Result<_>>()?;
        Ok(Self { first, others })
    }

    fn spawn(index: usize, mut worker: Worker) -> Result<(Sender<Job>, JoinHandle<()>)> {
        let (sender, jobs): (Sender<Job>, Receiver<Job>) = channel();
        let run = move || {
            for job in jobs {
                job(&mut worker);
            }
        };
        let thread = std::thread::Builder::new().name(format!("worker-{index}")).stack_size(STACK_BYTES).spawn(run)?;
        Ok((sender, thread))
    }

    /// Number of workers.
    pub fn len(&self) -> usize {
        self.others.len() + 1
    }

    /// Gives each worker its piece of work and waits for all results, in worker order. With one piece for the first worker
    /// alone, no other thread is woken.
    pub fn each<I: Send + 'static, T: Send + 'static>(&mut self, inputs: Vec<I>, work: fn(&mut Worker, I) -> Result<T>) -> Result<Vec<T>> {
        let (reply, replies) = channel();
        let mut inputs = inputs.into_iter();
        let own = inputs.next();
        let mut expected = 0;
        for (index, (input, (sender, _))) in inputs.zip(&self.others).enumerate() {
            let reply = reply.clone();
            let job: Job = Box::new(move |worker| {
                let _ = reply.send((index, work(worker, input)));
            });
            sender.send(job).map_err(|_| Error::internal("a worker has stopped"))?;
            expected += 1;
        }
        drop(reply);
        let mut results: Vec<Option<Result<T>>> = (0..expected).map(|_| None).collect();
        let first = own.map(|input| work(&mut self.first, input));
        for _ in 0..expected {
            let (index, result) = replies.recv().map_err(|_| Error::internal("a worker failed; its message is on standard error"))?;
            results[index] = Some(result);
        }
        first.into_iter().chain(results.into_iter().flatten()).collect()
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        for (sender, thread) in self.others.drain(..) {
            drop(sender);
            let _ = thread.join();
        }
    }
}
