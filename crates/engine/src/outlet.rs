//! The loop's end of a sink: one that writes within the tick, or one whose output goes through the outbox.

use arrow::array::RecordBatch;
use std::time::Duration;

use crate::graph::NodeId;
use crate::outbox::{Courier, Errand};
use crate::sink::{Delivery, EpochId, Payload, Sink, Unsynced};
use crate::{Error, Result};

/// See the module.
pub struct Outlet {
    /// Node of the sink.
    pub node: NodeId,
    /// Rows it got.
    pub rows: u64,
    end: End,
}

enum End {
    Direct(Box<dyn Sink>),
    Outbox { courier: Box<Courier>, output: Vec<RecordBatch> },
}

impl Outlet {
    /// Opens a sink. `progress` is what it said for the checkpoint that the job goes on from, `last` the epoch of that, or 0.
    pub fn open(node: NodeId, mut sink: Box<dyn Sink>, progress: Option<&str>, last: EpochId) -> Result<Self> {
        let end = match sink.delivery() {
            Delivery::Direct => {
                sink.open(progress)?;
                progress.map_or(Ok(()), |progress| sink.commit(progress))?;
                End::Direct(sink)
            }
            Delivery::Outbox => {
                sink.open(None)?;
                End::Outbox { courier: Box::new(Courier::start(sink, last)?), output: vec![] }
            }
        };
        Ok(Self { node, rows: 0, end })
    }

    /// Takes what one worker made in this tick.
    pub fn write(&mut self, rows: u64, payloads: Vec<Payload>) -> Result<()> {
        self.rows += rows;
        match &mut self.end {
            End::Direct(sink) => sink.write(payloads),
            End::Outbox { output, .. } => payloads.into_iter().try_for_each(|payload| match payload {
                Payload::Batch(batch) => {
                    output.push(batch.rows);
                    Ok(())
                }
                Payload::Bytes { .. } => Err(Error::internal("an outbox takes batches")),
            }),
        }
    }

    /// See [`Sink::end_tick`].
    pub fn end_tick(&mut self) -> Result<()> {
        if let End::Direct(sink) = &mut self.end { sink.end_tick() } else { Ok(()) }
    }

    /// See [`Sink::prepare`].
    pub fn prepare(&mut self) -> Result<String> {
        if let End::Direct(sink) = &mut self.end { sink.prepare() } else { Ok(String::new()) }
    }

    /// See [`Sink::unsynced`].
    pub fn unsynced(&mut self) -> Vec<Unsynced> {
        if let End::Direct(sink) = &mut self.end { sink.unsynced() } else { vec![] }
    }

    /// See [`Sink::commit`].
    pub fn commit(&mut self, progress: &str) -> Result<()> {
        if let End::Direct(sink) = &mut self.end { sink.commit(progress) } else { Ok(()) }
    }

    /// See [`Sink::finish`].
    pub fn finish(&mut self) -> Result<()> {
        if let End::Direct(sink) = &mut self.end { sink.finish() } else { Ok(()) }
    }

    /// See [`Sink::on_idle`].
    pub fn on_idle(&mut self, now_ms: i64) -> Result<()> {
        if let End::Direct(sink) = &mut self.end { sink.on_idle(now_ms) } else { Ok(()) }
    }

    /// Output for the outbox that came since the last call.
    pub fn take_output(&mut self) -> Vec<RecordBatch> {
        if let End::Outbox { output, .. } = &mut self.end { std::mem::take(output) } else { vec![] }
    }

    /// An epoch's output is in a durable checkpoint: it may be delivered.
    pub fn send(&mut self, errand: Errand) -> Result<()> {
        match &mut self.end {
            End::Outbox { courier, .. } => courier.send(errand),
            End::Direct(_) => Err(Error::state("the checkpoint has output for a sink that writes at once")),
        }
    }

    /// Epochs that were delivered since the last call, or are within this time.
    pub fn delivered(&mut self, wait: Duration) -> Result<Vec<u64>> {
        if let End::Outbox { courier, .. } = &mut self.end { courier.delivered(wait) } else { Ok(vec![]) }
    }

    /// What the user should know, since the last call.
    pub fn notes(&mut self) -> Vec<String> {
        if let End::Outbox { courier, .. } = &mut self.end { courier.notes() } else { vec![] }
    }

    /// Whether nothing waits for delivery.
    pub fn is_idle(&self) -> bool {
        if let End::Outbox { courier, .. } = &self.end { courier.is_idle() } else { true }
    }

    /// Whether so much waits for delivery that there should be no further checkpoint.
    pub fn is_full(&self) -> bool {
        if let End::Outbox { courier, .. } = &self.end { courier.is_full() } else { false }
    }

    /// Whether the sink can put out nothing for now.
    pub fn is_held(&self) -> bool {
        if let End::Direct(sink) = &self.end { sink.waiting().is_some() } else { false }
    }

    /// Why nothing is put out or delivered, if so.
    pub fn waiting(&self) -> Option<Error> {
        match &self.end {
            End::Outbox { courier, .. } => courier.waiting().cloned(),
            End::Direct(sink) => sink.waiting(),
        }
    }
}
