//! How a job ends: its input has, or it was asked to stop.

use std::time::Duration;

use crate::Result;
use crate::archive::Archive;
use crate::intake::SourceIntake;
use crate::outlet::Outlet;
use crate::progress::Progress;
use crate::run::{Control, Job, Outcome, PROGRESS_INTERVAL_MS};

impl Job {
    /// Lets sinks write what they could not, before the last checkpoint. Tells whether they could; else the job was asked to stop, and what
    /// is not in a checkpoint comes again.
    pub(crate) fn wait_for_room(&mut self, control: &Control, on_progress: &mut dyn FnMut(&Progress)) -> Result<bool> {
        while self.outlets.iter().any(Outlet::is_held) {
            if control.stopping() {
                return Ok(false);
            }
            self.clock.sleep_ms(PROGRESS_INTERVAL_MS as u64);
            self.outlets.iter_mut().try_for_each(|outlet| outlet.on_idle(self.now_ms))?;
            self.report(on_progress);
        }
        Ok(true)
    }

    /// Waits until the last checkpoint is durable. Tells whether it is; else the job was asked to stop before.
    pub(crate) fn wait_for_checkpoint(&mut self, control: &Control, on_progress: &mut dyn FnMut(&Progress)) -> Result<bool> {
        self.settle(Duration::from_millis(PROGRESS_INTERVAL_MS as u64))?;
        while self.durable.archive.as_ref().is_some_and(Archive::publishing) {
            if control.stopping() {
                return Ok(false);
            }
            self.report(on_progress);
            self.settle(Duration::from_millis(PROGRESS_INTERVAL_MS as u64))?;
        }
        Ok(true)
    }

    /// Asked to stop: leave a checkpoint, or else show what was written.
    pub(crate) fn stop(&mut self) -> Result<()> {
        if self.durable.archive.is_some() {
            return self.last_checkpoint();
        }
        self.sources.iter_mut().try_for_each(SourceIntake::prepare)?;
        self.outlets.iter_mut().try_for_each(Outlet::finish)
    }

    /// Everything is written and, with checkpoints, durable.
    pub(crate) fn finish(&mut self, control: &Control, on_progress: &mut dyn FnMut(&Progress)) -> Result<Outcome> {
        self.sources.iter_mut().try_for_each(SourceIntake::prepare)?;
        while !self.outlets.iter().all(Outlet::is_idle) {
            self.deliver(Duration::from_millis(PROGRESS_INTERVAL_MS as u64))?;
            self.report(on_progress);
            if control.stopping() {
                return Ok(Outcome::Stopped);
            }
        }
        self.outlets.iter_mut().try_for_each(Outlet::finish)?;
        if let Some(archive) = &mut self.durable.archive {
            archive.discard()?;
        }
        self.measure_state()?;
        on_progress(&self.progress());
        Ok(Outcome::Finished)
    }
}
