//! The durable side of the loop: taking checkpoints and going back to one.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::archive::{self, Archive, Waiting};
use crate::change::{Change, Fate};
use crate::checkpoint::{Checkpoint, CheckpointStore, Numbering, Resumed, SinkState, TableChanges};
use crate::intake::SourceIntake;
use crate::outbox::Errand;
use crate::outlet::Outlet;
use crate::pool::Pool;
use crate::run::Job;
use crate::sink::EpochId;
use crate::{Error, Result};

/// So many changed entries on a worker are handed over at once when a checkpoint is due; more of them are handed over in slices before.
const CHANGES_MAX: usize = 4 << 10;
/// Entries of each table in a slice.
const SLICE_ENTRIES: usize = 4 << 10;
/// After a tick slices are handed over for so long at most, and the last one to its end.
const SLICES: Duration = Duration::from_millis(3);
/// Entries that are surely saved in a millisecond; 20,000 rows of a join are.
const ENTRIES_PER_MS: usize = 4 << 10;
/// Handing over begins so many times earlier than it would take alone, since ticks go on in between.
const AHEAD_FACTOR: i64 = 8;
/// Where handing over does not keep up with changes, a checkpoint is late by this much at most, milliseconds; then ticks stand still.
const LATE_MS: i64 = 10_000;
/// The last checkpoint of a job that is stopped gets so much time.
const LAST_WAIT: Duration = Duration::from_secs(7);

/// And so much its delivery after that.
const DELIVERY_WAIT: Duration = Duration::from_millis(1500);

/// What a job knows of its checkpoints.
#[derive(Default)]
pub struct Durable {
    /// Until the job has resumed; then it belongs to the archive.
    pub store: Option<Box<dyn CheckpointStore>>,
    /// Where checkpoints go; `None` without any.
    pub archive: Option<Archive>,
    /// See [`CheckpointStore::identity`].
    pub identity: (u64, u64),
    /// What the sinks said for the checkpoint that is being published.
    pub prepared: Vec<SinkState>,
    /// The last epoch that was closed.
    pub epoch: u64,
    /// Checkpoints that became durable in this run.
    pub checkpoints: u64,
    /// Where the run went on.
    pub resumed: Option<Resumed>,
    /// A savepoint is to be taken when the next checkpoint is.
    pub savepoint_wanted: bool,
    /// What became of the last one.
    pub savepoint: Option<Result<String>>,
    /// When the last checkpoint was taken, on the job's clock and in ticks.
    pub last_checkpoint_ms: i64,
    /// See `last_checkpoint_ms`.
    pub last_checkpoint_tick: u64,
    /// Entries of state on the worker with the most that changed since they were handed over, when it was last asked.
    pub changed: usize,
    /// The longest that ticks stood still for a checkpoint, milliseconds.
    pub longest_stop_ms: f64,
}

/// About how many entries changed on the worker where most did.
fn changed(pool: &mut Pool) -> Result<usize> {
    Ok(pool.each(vec![(); pool.len()], |worker, ()| Ok(worker.changed()))?.into_iter().max().unwrap_or(0))
}

/// What changed of so many entries of each table on all workers, as a store numbers nodes.
fn changes(pool: &mut Pool, numbering: &Numbering, most: usize) -> Result<Vec<TableChanges>> {
    let mut changes: Vec<TableChanges> =
        pool.each(vec![most; pool.len()], |worker, most| worker.changes(most))?.into_iter().flatten().collect();
    changes.iter_mut().for_each(|change| change.node = numbering.of(change.node));
    Ok(changes)
}

impl Job {
    pub(crate) fn checkpoint_due(&self) -> bool {
        let Some(archive) = self.durable.archive.as_ref().filter(|archive| !archive.publishing()) else { return false };
        if self.outlets.iter().any(|outlet| outlet.is_full() || outlet.is_held()) {
            return false;
        }
        // Only a checkpoint lets output go that is not delivered and takes up all the room it may.
        if archive.outbox_bytes() >= self.config.outbox_bytes_max && self.ticks > self.durable.last_checkpoint_tick {
            return true;
        }
        let overdue_ms = self.config.checkpoint_interval_ms.map(|interval| self.now_ms - self.durable.last_checkpoint_ms - interval);
        if self.durable.savepoint_wanted {
            return true;
        }
        let by_time = overdue_ms
            .is_some_and(|overdue| overdue >= 0 && (self.durable.changed <= CHANGES_MAX || archive.is_full() || overdue >= LATE_MS));
        by_time || self.config.checkpoint_every_ticks.is_some_and(|n| n > 0 && self.ticks - self.durable.last_checkpoint_tick >= n)
    }

    /// Hands changes of state over before the checkpoint is due, a little after each tick, so that ticks need not stand still for long when it
    /// is. What changes once more is handed over once more.
    pub(crate) fn write_ahead(&mut self) -> Result<()> {
        let (Some(archive), Some(interval_ms)) = (&mut self.durable.archive, self.config.checkpoint_interval_ms) else { return Ok(()) };
        self.durable.changed = changed(&mut self.pool)?;
        let left_ms = self.durable.last_checkpoint_ms + interval_ms - self.now_ms;
        let needed_ms = (self.durable.changed / ENTRIES_PER_MS) as i64 * AHEAD_FACTOR;
        if self.durable.changed <= CHANGES_MAX || left_ms > needed_ms || archive.is_full() {
            return Ok(());
        }
        let started = Instant::now();
        while self.durable.changed > SLICE_ENTRIES / 2 && started.elapsed() < SLICES && !archive.is_full() {
            archive.append(changes(&mut self.pool, &self.numbering, SLICE_ENTRIES)?)?;
            self.durable.changed = changed(&mut self.pool)?;
        }
        self.note_stop(started);
        Ok(())
    }

    fn note_stop(&mut self, started: Instant) {
        self.durable.longest_stop_ms = self.durable.longest_stop_ms.max(started.elapsed().as_secs_f64() * 1000.0);
    }

    /// Closes the epoch: state, positions and sink progress become durable as one, while ticks go on. [`Job::settle`] does the rest.
    pub(crate) fn checkpoint(&mut self, finished: bool) -> Result<()> {
        self.settle(Duration::MAX)?;
        if self.durable.archive.is_none() {
            return Ok(());
        }
        let started = Instant::now();
        self.sources.iter_mut().try_for_each(SourceIntake::prepare)?;
        self.durable.epoch += 1;
        let mut checkpoint = Checkpoint {
            epoch: self.durable.epoch,
            fingerprint: self.config.fingerprint.clone(),
            parts: self.parts.clone(),
            finished,
            now_ms: self.now_ms,
            watermarks: self.sources.iter().map(|s| (s.node(), s.watermark())).collect(),
            splits: self.sources.iter().flat_map(SourceIntake::snapshot).collect(),
            late: self.late.iter().enumerate().filter(|(_, l)| l.count > 0).map(|(n, l)| (n, l.count)).collect(),
            ..Default::default()
        };
        self.measure_state()?;
        let Some(archive) = &mut self.durable.archive else { return Ok(()) };
        let mut unsynced = vec![];
        for outlet in &mut self.outlets {
            checkpoint.sinks.push(SinkState { node: outlet.node, progress: outlet.prepare()? });
            unsynced.append(&mut outlet.unsynced());
        }
        self.durable.prepared = checkpoint.sinks.clone();
        checkpoint.renumber(|node| Ok(self.numbering.of(node)))?;
        archive.append(changes(&mut self.pool, &self.numbering, usize::MAX)?)?;
        archive.publish(checkpoint, unsynced)?;
        if std::mem::take(&mut self.durable.savepoint_wanted) {
            archive.savepoint()?;
        }
        self.durable.last_checkpoint_ms = self.now_ms;
        self.durable.last_checkpoint_tick = self.ticks;
        if !finished {
            self.note_stop(started);
        }
        // Whoever counts ticks wants to know what is durable after which.
        if self.config.checkpoint_every_ticks.is_some() { self.settle(Duration::MAX) } else { Ok(()) }
    }

    /// If the checkpoint that is being published has become durable, or does within this time, the sinks show their output.
    pub(crate) fn settle(&mut self, wait: Duration) -> Result<()> {
        let Some(archive) = &mut self.durable.archive else { return Ok(()) };
        let durable = archive.durable(wait)?;
        for savepoint in archive.saved() {
            self.notes.push(match &savepoint {
                Ok(place) => format!("a savepoint was taken: {place}"),
                Err(why) => format!("no savepoint was taken: {why}"),
            });
            self.durable.savepoint = Some(savepoint);
        }
        let Some(output) = durable else { return Ok(()) };
        self.durable.checkpoints += 1;
        for (outlet, state) in self.outlets.iter_mut().zip(std::mem::take(&mut self.durable.prepared)) {
            outlet.commit(&state.progress)?;
        }
        self.sources.iter_mut().try_for_each(SourceIntake::checkpointed)?;
        output.into_iter().try_for_each(|output| self.send(output))
    }

    /// Gives output to the thread that delivers it.
    fn send(&mut self, output: Waiting) -> Result<()> {
        let node = self.numbering.holder(output.node)?;
        let epoch = self.epoch_id(output.epoch);
        match self.outlets.iter_mut().find(|outlet| outlet.node == node) {
            Some(outlet) => outlet.send(Errand { epoch, open: output.open }),
            None => Err(Error::state("the checkpoint has output for a sink that this query does not have")),
        }
    }

    fn epoch_id(&self, number: u64) -> EpochId {
        let (run, generation) = self.durable.identity;
        EpochId { job: self.config.name.clone(), run, generation, number }
    }

    /// Hands the output for outboxes over.
    pub(crate) fn keep_output(&mut self) -> Result<()> {
        let Some(archive) = &mut self.durable.archive else { return Ok(()) };
        self.outlets.iter_mut().try_for_each(|outlet| archive.keep_output(self.numbering.of(outlet.node), outlet.take_output()))
    }

    /// Notes what has been delivered, or is within this time.
    pub(crate) fn deliver(&mut self, wait: Duration) -> Result<()> {
        let Some(archive) = &mut self.durable.archive else { return Ok(()) };
        for outlet in &mut self.outlets {
            for epoch in outlet.delivered(wait).map_err(|e| e.at(self.topology.names[outlet.node].clone()))? {
                archive.delivered(self.numbering.of(outlet.node), epoch)?;
            }
        }
        Ok(())
    }

    /// Why the job waits, if it does.
    pub(crate) fn waiting(&self) -> Option<String> {
        let archive = self.durable.archive.as_ref().and_then(Archive::waiting).map(ToString::to_string);
        let delivery = |outlet: &Outlet| Some(format!("{}: {}", self.topology.names[outlet.node], outlet.waiting()?));
        let full = || {
            let bytes = self.durable.archive.as_ref().map_or(0, Archive::outbox_bytes);
            let most = self.config.outbox_bytes_max;
            (bytes >= most).then(|| format!("{bytes} bytes of output wait for delivery, and {most} may ('flott.outbox.size-max')"))
        };
        archive.or_else(|| self.outlets.iter().find_map(delivery)).or_else(full)
    }

    /// Asked to stop: one more checkpoint, if it comes about soon.
    pub(crate) fn last_checkpoint(&mut self) -> Result<()> {
        let until = Instant::now() + LAST_WAIT;
        self.settle(LAST_WAIT)?;
        self.deliver(Duration::ZERO)?;
        if let Some(why) = self.outlets.iter().filter(|outlet| outlet.is_held()).find_map(Outlet::waiting) {
            return Err(Error::io(format!("there was no last checkpoint: {why}"))
                .help("nothing is lost: the next start goes on from the checkpoint before"));
        }
        if !self.durable.archive.as_ref().is_some_and(Archive::publishing) {
            self.checkpoint(false)?;
            self.settle(until.saturating_duration_since(Instant::now()))?;
        }
        match self.durable.archive.as_ref().filter(|archive| archive.publishing()) {
            // What cannot be delivered soon is delivered after the next start.
            None => {
                self.deliver(DELIVERY_WAIT)?;
                if self.config.savepoint_at_stop { self.last_savepoint() } else { Ok(()) }
            }
            Some(archive) => {
                let why = archive.waiting().map_or_else(|| "it takes too long".to_string(), ToString::to_string);
                Err(Error::io(format!("the last checkpoint could not be completed: {why}"))
                    .help("nothing is lost: the next start goes on from the checkpoint before"))
            }
        }
    }

    /// Asked to stop with a savepoint: of the last checkpoint, when all that was delivered is known.
    fn last_savepoint(&mut self) -> Result<()> {
        self.durable.savepoint = None;
        if let Some(archive) = &mut self.durable.archive {
            archive.savepoint()?;
        }
        self.settle(Duration::MAX)?;
        self.durable.savepoint.take().unwrap_or_else(|| Ok(String::new())).map(drop)
    }

    pub(crate) fn measure_state(&mut self) -> Result<()> {
        let sizes = self.pool.each(vec![(); self.pool.len()], |worker, ()| Ok(worker.state_size()))?;
        self.state_size = sizes.into_iter().fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1));
        Ok(())
    }

    /// Goes back to the newest checkpoint, if there is one. Tells whether the job had already read all its input.
    pub(crate) fn resume(&mut self) -> Result<bool> {
        let Some(mut store) = self.durable.store.take() else { return self.begin() };
        let mut notes = vec![];
        let saved = store.latest(&mut |note| notes.push(note))?;
        self.notes.append(&mut notes);
        self.durable.identity = store.identity();
        let Some(mut saved) = saved else {
            self.durable.archive = Some(Archive::start(store)?);
            return self.begin();
        };
        let changed = self.fit(&mut saved, &mut *store)?;
        let mut undelivered = vec![];
        for (node, epoch) in &saved.outbox {
            undelivered.push(archive::waiting(&mut *store, *node, *epoch)?);
        }
        self.durable.archive = Some(Archive::start(store)?);
        saved.renumber(|number| self.numbering.holder(number))?;
        self.durable.epoch = saved.epoch;
        self.durable.resumed = Some(self.describe(&saved));
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
        self.restore_tables(&mut saved)?;
        for (node, count) in &saved.late {
            self.late[*node].count += *count;
        }
        for (node, sink) in std::mem::take(&mut self.sinks) {
            let progress = saved.sinks.iter().find(|s| s.node == node).map(|s| s.progress.as_str());
            self.outlets.push(Outlet::open(node, sink, progress, self.epoch_id(saved.epoch))?);
        }
        undelivered.into_iter().try_for_each(|output| self.send(output))?;
        let _ = self.node_ticks(false); // event time stands where the splits left it
        self.ticked_ms = resumed_ms;
        self.wake_at_ms = Some(self.now_ms); // the first step tells what operators wait for
        Ok(saved.finished && !changed)
    }

    /// Begins without a checkpoint.
    fn begin(&mut self) -> Result<bool> {
        for (node, sink) in std::mem::take(&mut self.sinks) {
            self.outlets.push(Outlet::open(node, sink, None, self.epoch_id(0))?);
        }
        Ok(false)
    }

    /// Leaves of a checkpoint what this query has a use for, numbered as it numbers its parts. Fails if something would be lost or lacking
    /// and that is not wanted. Tells whether the query is another one.
    fn fit(&mut self, saved: &mut Checkpoint, store: &mut dyn CheckpointStore) -> Result<bool> {
        let change = Change::between(&saved.parts, &self.parts);
        if change.is_refused() && !self.config.allow_dropped_state {
            let help = "run with --fresh to start over without the state, or with --allow-dropped-state to go on with what fits and let the rest \
                        begin empty; `flott explain --change` tells part by part";
            let objections = change.objections(&saved.parts, &self.parts);
            return Err(if !change.fates.iter().any(is_kept) {
                Error::state("the checkpoint belongs to another query: nothing of it fits")
                    .help("run with --fresh to start over without its state, or give the job another pipeline.name")
            } else {
                Error::state(format!("the query was changed so that its state does not fit: {}", objections.join("; "))).help(help)
            });
        }
        let successors = change.successors();
        saved.follow(|number| successors.get(&number).copied());
        store.renumber(&|number| successors.get(&number).copied());
        if !change.is_none() {
            self.notes.push(format!("the query was changed: {}", change.summary(&saved.parts, &self.parts)));
        }
        Ok(!change.is_none())
    }

    fn describe(&self, saved: &Checkpoint) -> Resumed {
        let of = |node: usize| saved.splits.iter().filter(|s| s.node == node).cloned().collect();
        let sources = self.sources.iter().map(|s| (self.topology.names[s.node()].clone(), of(s.node()))).collect();
        Resumed { epoch: saved.epoch, taken_ms: saved.now_ms, sources }
    }

    pub(crate) fn restore_tables(&mut self, saved: &mut Checkpoint) -> Result<()> {
        // One after the other, so that the memory of what was taken over serves the next: memory that is new costs more than the work.
        for table in saved.tables.drain(..) {
            let table = Arc::new(table);
            self.pool.each(vec![table; self.pool.len()], |worker, t| worker.restore(t.node, &t.table, &t.rows))?;
        }
        Ok(())
    }
}

fn is_kept(fate: &Fate) -> bool {
    matches!(fate, Fate::Kept(_))
}
