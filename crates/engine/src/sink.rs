//! Sinks: what a connector implements so that results go out.
//!
//! A sink has two halves. An [`Encoder`] per worker turns batches into [`Payload`]s, in parallel and without I/O. The [`Sink`]
//! itself takes the payloads of a tick, in the order of the workers, and writes them. A sink that is exactly-once keeps what it
//! wrote invisible until [`Sink::commit`], which the loop calls only when the checkpoint holding the epoch is durable.

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

    /// Writes payloads of the current tick; called once for each worker that has some.
    fn write(&mut self, payloads: Vec<Payload>) -> Result<()>;

    /// The tick is over: all that was written so far is the answer for the input taken so far. Between two such calls it need not be.
    fn end_tick(&mut self) -> Result<()> {
        Ok(())
    }

    /// A checkpoint is about to be taken at this tick boundary: make what was written durable and describe it. The text is
    /// stored in the checkpoint.
    fn prepare(&mut self) -> Result<String>;

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
