//! The durable side of the loop: taking checkpoints and going back to one.

use std::sync::Arc;

use crate::checkpoint::{Checkpoint, SinkState, TableState};
use crate::intake::SourceIntake;
use crate::run::Job;
use crate::{Error, Result};

impl Job {
    pub(crate) fn checkpoint_due(&self) -> bool {
        self.store.is_some()
            && (self.config.checkpoint_interval_ms.is_some_and(|i| self.now_ms - self.last_checkpoint_ms >= i)
                || self.config.checkpoint_every_ticks.is_some_and(|n| n > 0 && self.ticks - self.last_checkpoint_tick >= n))
    }

    /// Closes the epoch: state, positions and sink progress become durable as one, then the sinks may show their output.
    pub(crate) fn checkpoint(&mut self, finished: bool) -> Result<()> {
        let Some(mut store) = self.store.take() else { return Ok(()) };
        self.sources.iter_mut().try_for_each(SourceIntake::prepare)?;
        self.epoch += 1;
        let mut checkpoint = Checkpoint {
            epoch: self.epoch,
            fingerprint: self.config.fingerprint.clone(),
            finished,
            now_ms: self.now_ms,
            watermarks: self.sources.iter().map(|s| (s.node(), s.watermark())).collect(),
            splits: self.sources.iter().flat_map(SourceIntake::snapshot).collect(),
            late: self.late.iter().enumerate().filter(|(_, l)| l.count > 0).map(|(n, l)| (n, l.count)).collect(),
            ..Default::default()
        };
        for slot in &mut self.sinks {
            checkpoint.sinks.push(SinkState { node: slot.node, progress: slot.sink.prepare()? });
        }
        for tables in self.pool.each(vec![(); self.pool.len()], |worker, ()| worker.snapshot())? {
            let tables = tables.into_iter().map(|(node, table, rows)| TableState { node, table: table.to_string(), rows });
            checkpoint.tables.extend(tables);
        }
        checkpoint.renumber(|node| Ok(self.numbering.of(node)))?;
        store.write(&checkpoint)?;
        for (slot, state) in self.sinks.iter_mut().zip(&checkpoint.sinks) {
            slot.sink.commit(&state.progress)?;
        }
        self.store = Some(store);
        self.sources.iter_mut().try_for_each(SourceIntake::checkpointed)?;
        self.checkpoints += 1;
        self.last_checkpoint_ms = self.now_ms;
        self.last_checkpoint_tick = self.ticks;
        self.measure_state()
    }

    pub(crate) fn measure_state(&mut self) -> Result<()> {
        let sizes = self.pool.each(vec![(); self.pool.len()], |worker, ()| Ok(worker.state_size()))?;
        self.state_size = sizes.into_iter().fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1));
        Ok(())
    }

    /// Goes back to the newest checkpoint, if there is one. Tells whether the job had already read all its input.
    pub(crate) fn resume(&mut self) -> Result<bool> {
        let mut notes = vec![];
        let saved = match &mut self.store {
            Some(store) => store.latest(&mut |note| notes.push(note))?,
            None => None,
        };
        self.notes.append(&mut notes);
        let Some(mut saved) = saved else {
            for slot in &mut self.sinks {
                slot.sink.open(None)?;
            }
            return Ok(false);
        };
        if saved.fingerprint != self.config.fingerprint {
            return Err(Error::state("the checkpoint belongs to another query or another version of this one")
                .help("run with --fresh to start over without its state, or give the job another pipeline.name"));
        }
        saved.renumber(|number| self.numbering.holder(number))?;
        self.epoch = saved.epoch;
        self.resumed_from = Some(saved.epoch);
        self.now_ms = self.now_ms.max(saved.now_ms);
        let resumed_ms = saved.now_ms;
        for split in &saved.splits {
            if let Some(source) = self.sources.iter_mut().find(|s| s.node() == split.node) {
                source.restore(split, self.now_ms);
            }
        }
        for (node, watermark) in &saved.watermarks {
            if let Some(source) = self.sources.iter_mut().find(|s| s.node() == *node) {
                source.restore_watermark(*watermark);
            }
        }
        self.sources.iter_mut().for_each(SourceIntake::restored);
        self.restore_tables(&saved)?;
        for (node, count) in &saved.late {
            self.late[*node].count += *count;
        }
        for slot in &mut self.sinks {
            let progress = saved.sinks.iter().find(|s| s.node == slot.node).map(|s| s.progress.as_str());
            slot.sink.open(progress)?;
            if let Some(progress) = progress {
                slot.sink.commit(progress)?;
            }
        }
        let _ = self.node_ticks(false); // event time stands where the splits left it
        self.ticked_ms = resumed_ms;
        self.wake_at_ms = Some(self.now_ms); // the first step tells what operators wait for
        Ok(saved.finished)
    }

    pub(crate) fn restore_tables(&mut self, saved: &Checkpoint) -> Result<()> {
        let tables = Arc::new(saved.tables.clone());
        self.pool.each(vec![tables; self.pool.len()], |worker, tables| {
            tables.iter().try_for_each(|t| worker.restore(t.node, &t.table, &t.rows))
        })?;
        Ok(())
    }
}
