//! Checkpoints in a folder.
//!
//! What lies there: `lock` (held while a job runs, on this machine), `head.json` (whose folder it is), `manifest-<epoch>.json` (one per
//! checkpoint), `state-<generation>-<number>.seg` (segments: what changed in the state, see [`crate::segments`]) and
//! `output-<generation>-<number>.seg` (what sinks have yet to deliver).
//!
//! Of two instances one wins: each opening puts a head of its own over the one that it has read, and a manifest is put where there is
//! none yet. Whoever finds a head that is not his own writes nothing more; he looks before he puts a manifest, and once more afterwards, before
//! anybody hears of it: so a manifest that its successor may not have seen has had no effect.

use arrow::array::RecordBatch;
use flott_engine::checkpoint::{Checkpoint, CheckpointStore, TableChanges};
use flott_engine::outbox::OpenOutput;
use flott_engine::{Error, Result};
use std::collections::HashSet;
use std::io::ErrorKind;

use crate::codec::seal;
use crate::files::at;
use crate::folder::{Folder, Over};
use crate::garbage::{self, OUTPUT_PREFIX, STATE_PREFIX, STATE_SUFFIX, highest_generation, list, remove_all};
use crate::head::{Contents, Found, HEAD, Head};
use crate::live::Live;
use crate::location::Location;
use crate::manifest::{FORMAT_VERSION, Manifest, epoch_in, file_name, read_manifest};
use crate::merge::Merge;
use crate::outputs::{self, Output};
use crate::savepoint;
use crate::segments::{self, Segment};

/// Checkpoints kept. One would do if disks never lied; a second one is there when the newest is damaged, and a third when
/// that happens while the second is being replaced.
const KEEP: usize = 3;
/// The epoch of output whose epoch has not ended.
const UNDER_WAY: u64 = u64::MAX;

/// Keeps the checkpoints of one job in a folder of their own. One instance at a time: on this machine a second one is refused; elsewhere it
/// takes over, and the one that lost the folder finds out before it can publish anything.
pub struct Store {
    folder: Box<dyn Folder>,
    head: Head,
    /// Damage of the head that was mended at opening.
    mended: Option<String>,
    /// Manifests that are kept, oldest first; `None`: the folder was not looked at yet.
    kept: Option<Vec<Manifest>>,
    /// Durable segments that together are the state as this instance published it last, oldest first.
    segments: Vec<Segment>,
    /// The segment of the epoch under way.
    open: Option<Segment>,
    /// Output that was not delivered. That of the epoch under way comes last, and has no epoch yet.
    outbox: Vec<Output>,
    /// Drawn when the job began without state.
    run: u64,
    /// Rows of the state.
    live: Live,
    /// Segments that are being merged.
    merge: Option<Merge>,
    /// Number of the next segment.
    next_file: u64,
    /// Where savepoints go.
    savepoints: Option<Location>,
    /// The savepoint that a job without checkpoints goes on from.
    origin: Option<Location>,
}

impl Store {
    /// Takes possession of a folder, made if need be, for the job of that name. Fails when another instance on this machine has it, when it
    /// belongs to another job, or when a newer release wrote it; nothing is changed then.
    pub fn open(location: &Location, job: &str) -> Result<Self> {
        Self::open_in(location.folder()?, job)
    }

    pub(crate) fn open_in(mut folder: Box<dyn Folder>, job: &str) -> Result<Self> {
        occupy(&mut *folder, job)?;
        let Found { head, damage, bytes } = Head::read(&*folder)?;
        if let Some(other) = head.as_ref().filter(|h| h.job != job) {
            return Err(Error::state(format!("{} holds the checkpoints of the job '{}', not of '{job}'", folder.place(""), other.job))
                .help("give this job a checkpoint directory of its own"));
        }
        let names = list(&*folder)?;
        let generation = 1 + head.as_ref().map_or_else(|| highest_generation(&*folder, &names), |h| h.generation);
        let contents = match head.map(|h| h.contents) {
            Some(Contents::Discarded) => {
                remove_all(&mut *folder, &names)?;
                Contents::Empty
            }
            Some(Contents::Empty) if names.iter().any(|n| epoch_in(n).is_some()) => Contents::Checkpoints,
            Some(contents) => contents,
            // Files without a head: it was lost, since it is durable before any of them.
            None if names.iter().any(|n| epoch_in(n).is_some() || n.starts_with(STATE_PREFIX)) => Contents::Checkpoints,
            None => Contents::Empty,
        };
        let head = Head { version: FORMAT_VERSION, job: job.into(), generation, instance: drawn(), contents };
        head.write(&mut *folder, bytes.as_deref())?;
        Ok(Self {
            folder,
            head,
            mended: damage,
            kept: None,
            segments: vec![],
            open: None,
            outbox: vec![],
            run: drawn(),
            live: Live::default(),
            merge: None,
            next_file: 0,
            savepoints: None,
            origin: None,
        })
    }

    /// Like [`Store::open`], and discards what is there, also if another release wrote it.
    pub fn fresh(location: &Location, job: &str) -> Result<Self> {
        let mut folder = location.folder()?;
        if Head::read(&*folder).is_err_and(|e| e.kind == flott_engine::ErrorKind::State) {
            occupy(&mut *folder, job)?;
            folder.remove(HEAD).map_err(|e| at(e, &folder.place(HEAD)))?;
            let names = list(&*folder)?;
            remove_all(&mut *folder, &names)?;
        }
        drop(folder);
        let mut store = Self::open(location, job)?;
        store.discard()?;
        Ok(store)
    }

    /// Sets the folder in which each savepoint gets a folder.
    pub fn with_savepoints(mut self, location: Option<Location>) -> Self {
        self.savepoints = location;
        self
    }

    /// Lets the job go on from this savepoint if it has no checkpoint of its own.
    pub fn with_origin(mut self, location: Option<Location>) -> Self {
        self.origin = location;
        self
    }

    /// Grows by one each time the folder is opened; fences what an earlier instance may still try to do.
    #[cfg(test)]
    pub(crate) fn generation(&self) -> u64 {
        self.head.generation
    }

    /// Where the checkpoints are.
    #[cfg(test)]
    pub(crate) fn place(&self) -> String {
        self.folder.place("")
    }

    /// Fails when another instance has taken the folder over.
    fn check_owner(&self) -> Result<()> {
        self.head.check(&*self.folder)
    }

    /// What a failure means: whoever was replaced finds that his files are gone.
    fn fenced_or(&self, error: Error) -> Error {
        match error.kind {
            flott_engine::ErrorKind::Full | flott_engine::ErrorKind::Unreachable => error,
            _ => self.check_owner().err().unwrap_or(error),
        }
    }

    fn replaced(&self, by: u64) -> Error {
        self.head.replaced(by, &*self.folder)
    }

    /// Whether this instance was given no state yet.
    #[cfg(test)]
    pub(crate) fn is_new(&self) -> bool {
        self.segments.is_empty() && self.open.is_none()
    }

    fn next_name(&mut self, prefix: &str) -> String {
        self.next_file += 1; // a name is never used twice, so that a file whose sync failed is not trusted later
        format!("{prefix}{:010}-{:010}{STATE_SUFFIX}", self.head.generation, self.next_file - 1)
    }

    /// Makes the segment and the output of the epoch durable. Gives the sinks that have output in it.
    fn close_epoch(&mut self, epoch: u64) -> Result<Vec<(usize, u64)>> {
        self.outbox.iter_mut().filter(|output| output.epoch == UNDER_WAY).for_each(|output| output.epoch = epoch);
        let new: Vec<&Output> = self.outbox.iter().filter(|output| output.epoch == epoch).collect();
        let files: Vec<String> = new.iter().map(|output| &output.segment).chain(&self.open).map(|s| s.file.clone()).collect();
        let new = new.iter().map(|output| (output.node, epoch)).collect();
        if !files.is_empty() {
            self.folder.finish(&files).map_err(|e| at(e, &self.folder.place(&files[files.len() - 1])))?;
        }
        self.segments.extend(self.open.take().filter(|segment| !segment.pieces.is_empty()));
        Ok(new)
    }

    /// Puts a manifest in its place. One that lies there already is of an instance that this one has replaced, or is damaged.
    fn put_manifest(&mut self, manifest: &Manifest) -> Result<()> {
        let (name, bytes) = (file_name(manifest.epoch), seal(manifest)?);
        let mut put = self.folder.put(&name, &bytes, Over::Nothing);
        if put.as_ref().is_err_and(|e| e.kind() == ErrorKind::AlreadyExists) {
            let there = self.folder.read(&name, None).map_err(|e| at(e, &self.folder.place(&name)))?;
            if let Some(other) = read_manifest(&*self.folder, &name).ok().filter(|other| other.generation > self.head.generation) {
                return Err(self.replaced(other.generation));
            }
            put = self.folder.put(&name, &bytes, Over::Content(&there));
        }
        put.map_err(|e| match e.kind() {
            ErrorKind::AlreadyExists => Error::state(format!("another instance has put {} there meanwhile", self.folder.place(&name))),
            _ => at(e, &self.folder.place(&name)),
        })
    }

    /// Takes the segment that others were merged into, if it is ready, and begins to merge others where that is worth while. What the last
    /// manifest names stays until the next one is there.
    fn merge_segments(&mut self) {
        if let Some(merge) = self.merge.take() {
            match merge.poll() {
                None => {
                    self.merge = Some(merge);
                    return;
                }
                // It was to save room and time later: without it nothing is missing.
                Some(None) => {}
                Some(Some(merged)) => merge.replace(&mut self.segments, merged),
            }
        }
        let rows: Vec<u64> = self.segments.iter().map(|segment| segment.pieces.iter().map(|piece| piece.rows).sum()).collect();
        if let Some(range) = segments::to_merge(&rows, self.live.rows()) {
            let name = self.next_name(STATE_PREFIX);
            self.merge = Some(Merge::begin(&*self.folder, &self.segments[range.clone()], range.start == 0, name));
        }
    }

    /// Deletes what no kept manifest names.
    fn collect_garbage(&mut self) {
        let mut needed: HashSet<String> = self.kept.iter().flatten().flat_map(garbage::named).collect();
        let outbox = self.outbox.iter().map(|output| &output.segment);
        needed.extend(self.segments.iter().chain(&self.open).chain(outbox).map(|segment| segment.file.clone()));
        needed.extend(self.merge.iter().map(|merge| merge.file.clone()));
        let newest = self.kept.iter().flatten().map(|manifest| manifest.epoch).max().unwrap_or_default();
        garbage::collect(&mut *self.folder, needed, self.head.generation, newest);
    }

    fn set_contents(&mut self, contents: Contents) -> Result<()> {
        if self.head.contents != contents {
            self.set_head(Head { contents, ..self.head.clone() })?;
        }
        Ok(())
    }

    fn set_head(&mut self, head: Head) -> Result<()> {
        head.write(&mut *self.folder, Some(&seal(&self.head)?))?;
        self.head = head;
        Ok(())
    }

    fn nothing_left(&self) -> Error {
        Error::state(format!("the job '{}' took checkpoints in {}, but no manifest of them is there", self.head.job, self.folder.place("")))
            .help("bring the manifest-*.json files back, or run with --fresh to start over without the state")
    }

    /// The savepoint that the job is to go on from, if any. What it has of undelivered output is copied.
    fn begin_from_savepoint(&mut self, note: &mut dyn FnMut(String)) -> Result<Option<Checkpoint>> {
        let Some(origin) = self.origin.clone() else { return Ok(None) };
        let (source, manifest, tables) = savepoint::read(&origin)?;
        // Whoever was told of the run's epochs knows this instance for a later one.
        let generation = self.head.generation.max(manifest.generation + 1);
        self.set_head(Head { generation, ..self.head.clone() })?;
        for output in &manifest.outbox {
            let file = self.next_name(OUTPUT_PREFIX);
            let segment = savepoint::copy(&*source, &output.segment, &mut *self.folder, file)?;
            self.outbox.push(Output { segment, ..output.clone() });
        }
        self.run = manifest.run;
        note(format!("{}{origin}", savepoint::BEGINS_FROM));
        Ok(Some(manifest.into_checkpoint(tables)))
    }
}

impl CheckpointStore for Store {
    fn append(&mut self, changes: &[TableChanges]) -> Result<()> {
        let mut segment = match self.open.take() {
            Some(segment) => segment,
            None => Segment { file: self.next_name(STATE_PREFIX), size: 0, pieces: vec![] },
        };
        let (mut bytes, mut pieces) = (vec![], vec![]);
        for change in changes {
            pieces.push(segments::encode(change, segment.size, &mut bytes)?);
        }
        let written = self.folder.write_at(&segment.file, segment.size, &bytes).map_err(|e| at(e, &self.folder.place(&segment.file)));
        if written.is_ok() {
            segment.size += bytes.len() as u64;
            segment.pieces.append(&mut pieces);
            changes.iter().for_each(|change| self.live.apply(change));
        }
        self.open = Some(segment);
        written.map_err(|e| self.fenced_or(e))
    }

    fn keep_output(&mut self, node: usize, output: &[RecordBatch]) -> Result<()> {
        let open = self.outbox.iter().position(|o| (o.node, o.epoch) == (node, UNDER_WAY));
        let place = open.unwrap_or_else(|| {
            let segment = Segment { file: self.next_name(OUTPUT_PREFIX), size: 0, pieces: vec![] };
            self.outbox.push(Output { node, epoch: UNDER_WAY, segment });
            self.outbox.len() - 1
        });
        let segment = &mut self.outbox[place].segment;
        let (pieces, bytes) = outputs::encode(node, output, segment.size)?;
        let written = self.folder.write_at(&segment.file, segment.size, &bytes).map_err(|e| at(e, &self.folder.place(&segment.file)));
        written.map_err(|e| self.fenced_or(e))?;
        let segment = &mut self.outbox[place].segment;
        segment.size += bytes.len() as u64;
        segment.pieces.extend(pieces);
        Ok(())
    }

    fn output(&mut self, node: usize, epoch: u64) -> Result<OpenOutput> {
        let output = self.outbox.iter().find(|o| (o.node, o.epoch) == (node, epoch));
        let output = output.ok_or_else(|| Error::internal(format!("no output of epoch {epoch} is kept for step {node}")))?;
        Ok(outputs::open(&*self.folder, self.head.clone(), output.segment.clone()))
    }

    fn delivered(&mut self, node: usize, epoch: u64) {
        self.outbox.retain(|output| (output.node, output.epoch) != (node, epoch));
    }

    fn identity(&self) -> (u64, u64) {
        (self.run, self.head.generation)
    }

    fn outbox_bytes(&self) -> u64 {
        self.outbox.iter().map(|output| output.segment.size).sum()
    }

    fn publish(&mut self, checkpoint: &Checkpoint) -> Result<Vec<(usize, u64)>> {
        if self.kept.is_none() {
            self.kept = Some(savepoint::manifests(&*self.folder)?.0);
        }
        self.check_owner()?;
        let new = self.close_epoch(checkpoint.epoch).map_err(|e| self.fenced_or(e))?;
        let manifest = Manifest::of(checkpoint, &self.head.job, self.identity(), self.segments.clone(), self.outbox.clone());
        self.check_owner()?;
        self.put_manifest(&manifest)?;
        self.check_owner()?;
        self.set_contents(Contents::Checkpoints)?;
        let kept = self.kept.get_or_insert_default();
        kept.retain(|m| m.epoch != manifest.epoch);
        kept.push(manifest);
        kept.drain(..kept.len().saturating_sub(KEEP));
        self.collect_garbage();
        self.merge_segments();
        Ok(new)
    }

    fn latest(&mut self, note: &mut dyn FnMut(String)) -> Result<Option<Checkpoint>> {
        if let Some(why) = self.mended.take() {
            note(format!("{} was damaged and has been made anew: {why}", self.folder.place(HEAD)));
        }
        let (manifests, damaged) = savepoint::manifests(&*self.folder)?;
        if manifests.is_empty() && damaged.is_empty() {
            self.kept = Some(vec![]);
            return if self.head.contents == Contents::Empty { self.begin_from_savepoint(note) } else { Err(self.nothing_left()) };
        }
        let mut refused: Vec<String> = vec![];
        let found = savepoint::newest_whole(&*self.folder, &manifests, &mut refused)?;
        let reached = found.as_ref().map_or(0, |(manifest, _)| manifest.epoch);
        let newer = damaged.into_iter().filter(|(name, _)| epoch_in(name).is_some_and(|e| e > reached));
        refused.splice(0..0, newer.map(|(name, why)| format!("{}: {why}", self.folder.place(&name))));
        let Some((manifest, tables)) = found else {
            return Err(Error::state(format!("no checkpoint in {} is whole: {}", self.folder.place(""), refused.join("; ")))
                .help("restore the directory from a backup, or run with --fresh to start over without the state"));
        };
        refused.into_iter().for_each(|why| note(format!("a damaged checkpoint was passed over: {why}")));
        if let Some(origin) = &self.origin {
            note(format!("it has checkpoints of its own, so the savepoint {origin} is not used; with --fresh it would be"));
        }
        self.kept = Some(manifests);
        (self.run, self.outbox) = (manifest.run, manifest.outbox.clone());
        Ok(Some(manifest.into_checkpoint(tables)))
    }

    fn renumber(&mut self, number: &dyn Fn(usize) -> Option<usize>) {
        self.outbox.retain_mut(|output| number(output.node).map(|node| output.node = node).is_some());
    }

    fn savepoint(&mut self) -> Result<String> {
        let Some(root) = &self.savepoints else {
            return Err(Error::config("there is no place for savepoints").help("name one with --savepoint DIR"));
        };
        let manifest = self.kept.iter().flatten().last().ok_or_else(|| Error::internal("there is no checkpoint to copy"))?;
        // What was delivered since need not be delivered again.
        let undelivered = |output: &Output| self.outbox.iter().any(|o| (o.node, o.epoch) == (output.node, output.epoch));
        let outbox = manifest.outbox.iter().filter(|output| undelivered(output)).cloned().collect();
        let manifest = Manifest { outbox, ..manifest.clone() };
        savepoint::write(&*self.folder, &manifest, root)
    }

    /// Deletes every checkpoint. The folder stays, with the lock and the generation, which must not go back.
    fn discard(&mut self) -> Result<()> {
        self.check_owner()?;
        self.set_contents(Contents::Discarded)?;
        let names = list(&*self.folder)?;
        remove_all(&mut *self.folder, &names)?;
        self.set_contents(Contents::Empty)?;
        self.kept = Some(vec![]);
        self.segments.clear();
        (self.open, self.merge, self.live) = (None, None, Live::default());
        self.outbox.clear();
        self.run = drawn();
        Ok(())
    }
}

/// A number that no other run has.
fn drawn() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    std::hash::RandomState::new().build_hasher().finish()
}

/// Takes possession of a folder. One that cannot be used at all is for the user to mend, and nothing has run.
fn occupy(folder: &mut dyn Folder, job: &str) -> Result<()> {
    match folder.occupy() {
        Ok(Ok(())) => Ok(()),
        Ok(Err(who)) => {
            Err(Error::state(format!("the job '{job}' is already running: {who} uses the checkpoint directory {}", folder.place("")))
                .help("stop that process first, or give this job another name"))
        }
        Err(e) => Err(Error::state(format!("cannot write to {}, where checkpoints are to lie: {e}", folder.place("")))
            .help("give another folder with --state-dir or execution.checkpointing.dir, or make this one writable")),
    }
}
