//! Sinks: what a connector implements so that results go out.
//!
//! A sink has two halves. An [`Encoder`] per worker turns batches into [`Payload`]s, in parallel and without I/O. The [`Sink`]
//! itself takes the payloads of a tick, in the order of the workers, and writes them. A sink that is exactly-once keeps what it
//! wrote invisible until [`Sink::commit`], which the loop calls only when the checkpoint holding the epoch is durable, or has
//! [`Delivery::Outbox`]: then the checkpoint keeps the output of each epoch, and [`Sink::deliver`] puts it out afterwards.

use crate::{Batch, Result};

/// What an encoder hands to its sink.
#[derive(Debug, Clone)]
pub enum Payload {
    /// Rows as they are.
    Batch(Batch),
    /// Encoded rows.
    Bytes {
        /// Partition folder, for example `day=2024-01-01/`; empty without partitions.
        partition: String,
        /// Number of rows in `bytes`.
        rows: u64,
        /// The encoded rows, whole records only.
        bytes: Vec<u8>,
    },
}

/// When what a sink gets leaves the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Delivery {
    /// Within the tick, by [`Sink::write`].
    #[default]
    Direct,
    /// Epoch by epoch, by [`Sink::deliver`], after the checkpoint that holds the epoch's output is durable. Payloads must be
    /// [`Payload::Batch`].
    Outbox,
}

/// Makes durable what a sink has written. Called once, on the thread that makes checkpoints durable, before the one that was prepared is.
pub type Unsynced = Box<dyn FnOnce() -> Result<()> + Send>;

/// Which epoch of which job is delivered. A sink keeps, where it writes, the last one that it has, and so tells what it has
/// already from what is new, and an instance that was replaced from its successor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EpochId {
    /// Name of the job, wherever it runs and keeps its state.
    pub job: String,
    /// Drawn when the job begins without state: epochs of different runs cannot be compared.
    pub run: u64,
    /// Grows with each start of the job: of two instances, the one with the higher generation is right.
    pub generation: u64,
    /// Counts the run's epochs, from 1; it does not go back at a restart.
    pub number: u64,
}

/// Turns batches into payloads, on a worker. Pure: no I/O.
pub trait Encoder: Send {
    /// Encodes a batch; may return nothing (a sink that throws rows away) or several payloads (one a partition).
    fn encode(&mut self, batch: &Batch, out: &mut Vec<Payload>) -> Result<()>;
}

/// Writes results.
pub trait Sink: Send {
    /// A new encoder for one worker.
    fn encoder(&self) -> Result<Box<dyn Encoder>>;

    /// Called once before the first write. `progress` is what [`Sink::prepare`] returned for the checkpoint that the job
    /// resumes from; whatever was written after it must become void. `None`: the job starts afresh.
    fn open(&mut self, progress: Option<&str>) -> Result<()>;

    /// When the rows leave. Must not change while the job runs.
    fn delivery(&self) -> Delivery {
        Delivery::Direct
    }

    /// The job goes on from the end of this epoch, or begins if its number is 0, and nothing is delivered yet: the time to connect. Gives
    /// what the user should know. Fails, with [`crate::ErrorKind::State`], when a later epoch of the same run is there already, since it may
    /// not be repeated in the same way. Of a sink with [`Delivery::Outbox`] only, and on the thread of its deliveries; made again after an
    /// error of the kind [`crate::ErrorKind::Io`].
    fn resume(&mut self, last: &EpochId) -> Result<Option<String>> {
        let _ = last;
        Ok(None)
    }

    /// Puts out the whole output of an epoch, and with it the mark that it is there, as one: after a crash at any instant either
    /// both are there or neither. Called on a thread of its own, once [`Sink::open`] has returned, in the order of epochs; of a
    /// sink with [`Delivery::Outbox`] only. An epoch of the same run that is there already is not put out a second time; one that
    /// has a higher generation is there: fails, with [`crate::ErrorKind::State`]. After an error of the kind
    /// [`crate::ErrorKind::Io`] the same epoch is delivered again, as often as need be: whatever the failed attempt left in doubt (a commit
    /// whose answer is missing) is settled first.
    fn deliver(&mut self, epoch: &EpochId, output: &mut dyn Iterator<Item = Result<Batch>>) -> Result<()> {
        let _ = (epoch, output);
        Err(crate::Error::internal("this sink delivers within the tick"))
    }

    /// Writes payloads of the current tick; called once for each worker that has some.
    fn write(&mut self, payloads: Vec<Payload>) -> Result<()>;

    /// The tick is over: all that was written so far is the answer for the input taken so far. Between two such calls it need not be.
    fn end_tick(&mut self) -> Result<()> {
        Ok(())
    }

    /// A checkpoint is about to be taken at this tick boundary: make what was written durable, or leave that to [`Sink::unsynced`], and
    /// describe it. The text is stored in the checkpoint.
    fn prepare(&mut self) -> Result<String>;

    /// What is still to be done so that what was prepared is durable, since it takes long: ticks go on meanwhile.
    fn unsynced(&mut self) -> Vec<Unsynced> {
        vec![]
    }

    /// Why the sink cannot put out what it has, if it cannot and that may pass: there is no room on the disk. It keeps what it is given; the
    /// job takes no input and no checkpoint, and calls [`Sink::on_idle`] until it is over.
    fn waiting(&self) -> Option<crate::Error> {
        None
    }

    /// The checkpoint with `progress` is durable: make its output visible. May be called again with the same text.
    fn commit(&mut self, progress: &str) -> Result<()>;

    /// The input has ended and everything is written: make all of it durable and visible.
    fn finish(&mut self) -> Result<()>;

    /// Called between ticks, for rolling by time and the like; `now_ms` is processing time.
    fn on_idle(&mut self, now_ms: i64) -> Result<()> {
        let _ = now_ms;
        Ok(())
    }
}
