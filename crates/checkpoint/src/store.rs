//! Checkpoints in a local directory.
//!
//! What lies there: `lock` (held while a job runs), `head.json` (whose directory it is), `manifest-<epoch>-<generation>.json` (one per
//! checkpoint), `state-<generation>-<number>.seg` (segments: what changed in the state, see [`crate::segments`]) and
//! `output-<generation>-<number>.seg` (what sinks have yet to deliver).

use arrow::array::RecordBatch;
use flott_engine::checkpoint::{Checkpoint, CheckpointStore, TableChanges};
use flott_engine::outbox::OpenOutput;
use flott_engine::{Error, Result};
use std::collections::HashSet;
use std::fs::{File, TryLockError};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use crate::codec::{parse, seal, unseal};
use crate::disk::{Disk, LocalDisk, TEMPORARY, replace};
use crate::files::{Unusable, at, read_part};
use crate::head::{Contents, HEAD, Head, unreadable_format};
use crate::manifest::{FORMAT_VERSION, Manifest, epoch_in, file_name, generation_in, other_format};
use crate::merge::Merge;
use crate::outputs::{self, Output};
use crate::segments::{self, Segment};

/// Checkpoints kept. One would do if disks never lied; a second one is there when the newest is damaged, and a third when
/// that happens while the second is being replaced.
const KEEP: usize = 3;

const LOCK: &str = "lock";
const STATE_PREFIX: &str = "state-";
const OUTPUT_PREFIX: &str = "output-";
const STATE_SUFFIX: &str = ".seg";
/// The epoch of output whose epoch has not ended.
const UNDER_WAY: u64 = u64::MAX;

/// Keeps the checkpoints of one job in a directory of their own. One instance at a time: a second one is refused, and one that
/// lost the directory to another (a shared disk, a lock that was not honoured) finds out before it can publish anything.
pub struct LocalStore {
    dir: PathBuf,
    disk: Box<dyn Disk>,
    head: Head,
    /// Held as long as the store lives.
    _lock: File,
    /// Damage of the head that was mended at opening.
    mended: Option<String>,
    /// Manifests that are kept, oldest first; `None`: the directory was not looked at yet.
    kept: Option<Vec<Manifest>>,
    /// Durable segments that together are the state as this instance published it last, oldest first.
    segments: Vec<Segment>,
    /// The segment of the epoch under way.
    open: Option<Segment>,
    /// Output that was not delivered. That of the epoch under way comes last, and has no epoch yet.
    outbox: Vec<Output>,
    /// Drawn when the job began without state.
    run: u64,
    /// Segments that are being merged.
    merge: Option<Merge>,
    /// Number of the next segment.
    next_file: u64,
}

impl LocalStore {
    /// Takes possession of a directory, made if need be, for the job of that name. Fails when another instance has it, when it
    /// belongs to another job, or when a newer release wrote it; nothing is changed then.
    pub fn open(dir: &Path, job: &str) -> Result<Self> {
        Self::open_on(dir, job, Box::new(LocalDisk))
    }

    pub(crate) fn open_on(dir: &Path, job: &str, mut disk: Box<dyn Disk>) -> Result<Self> {
        make_dir(dir, &mut *disk)?;
        let lock = take_lock(dir, job)?;
        let (head, damage) = Head::read(dir)?;
        if let Some(other) = head.as_ref().filter(|h| h.job != job) {
            return Err(Error::state(format!("{} holds the checkpoints of the job '{}', not of '{job}'", dir.display(), other.job))
                .help("give this job a checkpoint directory of its own"));
        }
        let names = list(dir)?;
        let generation = 1 + head.as_ref().map_or_else(|| highest_generation(dir, &names), |h| h.generation);
        let contents = match head.map(|h| h.contents) {
            Some(Contents::Discarded) => {
                remove_all(&mut *disk, dir, &names)?;
                Contents::Empty
            }
            Some(Contents::Empty) if names.iter().any(|n| epoch_in(n).is_some()) => Contents::Checkpoints,
            Some(contents) => contents,
            // Files without a head: it was lost, since it is durable before any of them.
            None if names.iter().any(|n| epoch_in(n).is_some() || n.starts_with(STATE_PREFIX)) => Contents::Checkpoints,
            None => Contents::Empty,
        };
        let head = Head { version: FORMAT_VERSION, job: job.into(), generation, contents };
        head.write(&mut *disk, dir)?;
        let dir = dir.to_path_buf();
        Ok(Self {
            dir,
            disk,
            head,
            _lock: lock,
            mended: damage,
            kept: None,
            segments: vec![],
            open: None,
            outbox: vec![],
            run: drawn(),
            merge: None,
            next_file: 0,
        })
    }

    /// Like [`LocalStore::open`], and discards what is there, also if another release wrote it.
    pub fn fresh(dir: &Path, job: &str) -> Result<Self> {
        if dir.is_dir() && Head::read(dir).is_err() {
            let _lock = take_lock(dir, job)?;
            let path = dir.join(HEAD);
            std::fs::remove_file(&path).map_err(|e| at(e, &path))?;
            remove_all(&mut LocalDisk, dir, &list(dir)?)?;
        }
        let mut store = Self::open(dir, job)?;
        store.discard()?;
        Ok(store)
    }

    /// Grows by one each time the directory is opened; fences what an earlier instance may still try to do.
    pub fn generation(&self) -> u64 {
        self.head.generation
    }

    /// Where the checkpoints are.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// All readable manifests, oldest first, and the names of damaged ones with the reason.
    fn manifests(&self) -> Result<(Vec<Manifest>, Vec<(String, String)>)> {
        let (mut whole, mut damaged) = (vec![], vec![]);
        for name in list(&self.dir)?.into_iter().filter(|n| epoch_in(n).is_some()) {
            match read_manifest(&self.dir, &name) {
                Ok(manifest) => whole.push(manifest),
                Err(Unusable::Damaged(why)) => damaged.push((name, why)),
                Err(Unusable::Failed(e)) => return Err(e),
            }
        }
        whole.sort_by_key(Manifest::age);
        Ok((whole, damaged))
    }

    fn newest_whole(&self, manifests: &[Manifest], refused: &mut Vec<String>) -> Result<Option<(Manifest, Checkpoint)>> {
        for manifest in manifests.iter().rev() {
            match manifest.read(&self.dir) {
                Ok(tables) => return Ok(Some((manifest.clone(), manifest.clone().into_checkpoint(tables)))),
                Err(Unusable::Damaged(why)) => refused.push(why),
                Err(Unusable::Failed(e)) => return Err(e),
            }
        }
        Ok(None)
    }

    /// Fails when another instance has taken the directory over.
    fn check_owner(&self) -> Result<()> {
        check_owner(&self.dir, self.head.generation)
    }

    /// What a failure means: whoever was replaced finds that his files are gone.
    fn fenced_or(&self, error: Error) -> Error {
        match error.kind {
            flott_engine::ErrorKind::Full => error,
            _ => self.check_owner().err().unwrap_or(error),
        }
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
        let files: Vec<PathBuf> = new.iter().map(|output| &output.segment).chain(&self.open).map(|s| self.dir.join(&s.file)).collect();
        let new = new.iter().map(|output| (output.node, epoch)).collect();
        // What could not be made durable is lost, whatever the reason: trying again would not bring it back.
        let lost = |e: std::io::Error, path: &Path| Error::io(e.to_string()).at(path.display().to_string());
        for path in &files {
            self.disk.sync(path).map_err(|e| lost(e, path))?;
        }
        if !files.is_empty() {
            // The manifest's name may be durable before theirs otherwise.
            self.disk.sync_dir(&self.dir).map_err(|e| lost(e, &self.dir))?;
        }
        self.segments.extend(self.open.take().filter(|segment| !segment.pieces.is_empty()));
        Ok(new)
    }

    /// Takes the segment that others were merged into, if it is ready, and begins to merge others where that is worth while. What the last
    /// manifest names stays until the next one is there.
    fn merge_segments(&mut self, live: u64) {
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
        if let Some(range) = segments::to_merge(&rows, live) {
            let name = self.next_name(STATE_PREFIX);
            let begun = Merge::begin(&*self.disk, &self.dir, &self.segments[range.clone()], range.start == 0, name);
            self.merge = Some(begun);
        }
    }

    /// Deletes what no kept manifest names. Failing to delete harms nothing: the next checkpoint tries again.
    fn collect_garbage(&mut self) {
        let kept = self.kept.iter().flatten();
        let mut needed: HashSet<String> = [LOCK, HEAD].map(String::from).into();
        for manifest in kept {
            needed.insert(file_name(manifest.generation, manifest.epoch));
            needed.extend(manifest.segments.iter().map(|segment| segment.file.clone()));
            needed.extend(manifest.outbox.iter().map(|output| output.segment.file.clone()));
        }
        let outbox = self.outbox.iter().map(|output| &output.segment);
        needed.extend(self.segments.iter().chain(&self.open).chain(outbox).map(|segment| segment.file.clone()));
        needed.extend(self.merge.iter().map(|merge| merge.file.clone()));
        // Manifests come before state files, so that none is ever left without its files.
        let mut garbage = list(&self.dir).unwrap_or_default();
        // Files of a successor are not ours to delete, whatever we believe.
        garbage.retain(|n| is_ours(n) && !needed.contains(n) && generation_of(n).is_none_or(|g| g <= self.head.generation));
        garbage.sort_by_key(|n| epoch_in(n).is_none());
        for name in garbage {
            if self.disk.remove(&self.dir.join(name)).is_err() {
                return;
            }
        }
    }

    fn set_contents(&mut self, contents: Contents) -> Result<()> {
        if self.head.contents != contents {
            let head = Head { contents, ..self.head.clone() };
            head.write(&mut *self.disk, &self.dir)?;
            self.head = head;
        }
        Ok(())
    }

    fn nothing_left(&self) -> Error {
        Error::state(format!("the job '{}' took checkpoints in {}, but no manifest of them is there", self.head.job, self.dir.display()))
            .help("bring the manifest-*.json files back, or run with --fresh to start over without the state")
    }
}

impl CheckpointStore for LocalStore {
    fn append(&mut self, changes: &[TableChanges]) -> Result<()> {
        let mut segment = match self.open.take() {
            Some(segment) => segment,
            None => Segment { file: self.next_name(STATE_PREFIX), size: 0, pieces: vec![] },
        };
        let (mut bytes, mut pieces) = (vec![], vec![]);
        for change in changes {
            pieces.push(segments::encode(change, segment.size, &mut bytes)?);
        }
        let path = self.dir.join(&segment.file);
        let written = self.disk.write_at(&path, segment.size, &bytes).map_err(|e| at(e, &path));
        if written.is_ok() {
            segment.size += bytes.len() as u64;
            segment.pieces.append(&mut pieces);
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
        let path = self.dir.join(&segment.file);
        let size = segment.size;
        self.disk.write_at(&path, size, &bytes).map_err(|e| self.fenced_or(at(e, &path)))?;
        let segment = &mut self.outbox[place].segment;
        segment.size += bytes.len() as u64;
        segment.pieces.extend(pieces);
        Ok(())
    }

    fn output(&mut self, node: usize, epoch: u64) -> Result<OpenOutput> {
        let output = self.outbox.iter().find(|o| (o.node, o.epoch) == (node, epoch));
        let output = output.ok_or_else(|| Error::internal(format!("no output of epoch {epoch} is kept for step {node}")))?;
        Ok(outputs::open(&self.dir, self.head.generation, output.segment.clone()))
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
            self.kept = Some(self.manifests()?.0);
        }
        self.check_owner()?;
        let new = self.close_epoch(checkpoint.epoch).map_err(|e| self.fenced_or(e))?;
        let manifest = Manifest::of(checkpoint, self.identity(), self.segments.clone(), self.outbox.clone());
        let name = file_name(manifest.generation, manifest.epoch);
        self.check_owner()?;
        let named = replace(&mut *self.disk, &self.dir, &name, &seal(&manifest)?);
        named.map_err(|e| self.fenced_or(at(e, &self.dir.join(&name))))?;
        // Whoever takes over from now on finds this checkpoint. Whoever has done so since the last look may not have: then it does not
        // count, and nothing of it may be delivered.
        self.check_owner()?;
        self.set_contents(Contents::Checkpoints)?;
        let kept = self.kept.get_or_insert_default();
        kept.retain(|m| m.epoch != manifest.epoch);
        kept.push(manifest);
        kept.drain(..kept.len().saturating_sub(KEEP));
        self.collect_garbage();
        self.merge_segments(checkpoint.state_rows);
        Ok(new)
    }

    fn latest(&mut self, note: &mut dyn FnMut(String)) -> Result<Option<Checkpoint>> {
        if let Some(why) = self.mended.take() {
            note(format!("{} was damaged and has been made anew: {why}", self.dir.join(HEAD).display()));
        }
        let (manifests, damaged) = self.manifests()?;
        if manifests.is_empty() && damaged.is_empty() {
            self.kept = Some(vec![]);
            return if self.head.contents == Contents::Empty { Ok(None) } else { Err(self.nothing_left()) };
        }
        let mut refused: Vec<String> = vec![];
        let found = self.newest_whole(&manifests, &mut refused)?;
        let reached = found.as_ref().map_or(0, |(_, c)| c.epoch);
        let newer = damaged.into_iter().filter(|(name, _)| epoch_in(name).is_some_and(|e| e > reached));
        refused.splice(0..0, newer.map(|(name, why)| format!("{}: {why}", self.dir.join(name).display())));
        let Some((manifest, found)) = found else {
            return Err(Error::state(format!("no checkpoint in {} is whole: {}", self.dir.display(), refused.join("; ")))
                .help("restore the directory from a backup, or run with --fresh to start over without the state"));
        };
        refused.into_iter().for_each(|why| note(format!("a damaged checkpoint was passed over: {why}")));
        self.kept = Some(manifests);
        (self.run, self.outbox) = (manifest.run, manifest.outbox);
        Ok(Some(found))
    }

    /// Deletes every checkpoint. The directory stays, with the lock and the generation, which must not go back.
    fn discard(&mut self) -> Result<()> {
        self.check_owner()?;
        self.set_contents(Contents::Discarded)?;
        remove_all(&mut *self.disk, &self.dir, &list(&self.dir)?)?;
        self.set_contents(Contents::Empty)?;
        self.kept = Some(vec![]);
        self.segments.clear();
        (self.open, self.merge) = (None, None);
        self.outbox.clear();
        self.run = drawn();
        Ok(())
    }
}

/// Fails when another instance than that of this generation has taken the directory over.
pub fn check_owner(dir: &Path, own: u64) -> Result<()> {
    match Head::read(dir)?.0 {
        Some(head) if head.generation == own => Ok(()),
        Some(head) => Err(Error::state(format!(
            "this instance is fenced: another one (generation {}, this is {own}) has taken over {}",
            head.generation,
            dir.display()
        ))
        .help("nothing was lost; the other instance goes on from the last checkpoint")),
        None => Err(Error::state(format!("{} was deleted or damaged while the job was running", dir.join(HEAD).display()))),
    }
}

/// A number that no other run has.
fn drawn() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    std::hash::RandomState::new().build_hasher().finish()
}

/// The folder cannot be used at all: that is for the user to mend, and nothing has run.
fn unusable(what: &str, dir: &Path, e: &std::io::Error) -> Error {
    Error::state(format!("cannot {what} {}, where checkpoints are to lie: {e}", dir.display()))
        .help("give another folder with --state-dir or execution.checkpointing.dir, or make this one writable")
}

fn make_dir(dir: &Path, disk: &mut dyn Disk) -> Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    std::fs::create_dir_all(dir).map_err(|e| unusable("create", dir, &e))?;
    match dir.parent().filter(|p| !p.as_os_str().is_empty()) {
        Some(parent) => disk.sync_dir(parent).map_err(|e| at(e, parent)),
        None => Ok(()),
    }
}

/// Locks the directory and leaves the number of this process in it.
fn take_lock(dir: &Path, job: &str) -> Result<File> {
    let path = dir.join(LOCK);
    let mut file =
        File::options().read(true).write(true).create(true).truncate(false).open(&path).map_err(|e| unusable("write to", dir, &e))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut pid = String::new();
            let known = file.read_to_string(&mut pid).is_ok() && !pid.trim().is_empty();
            let who = if known { format!("process {}", pid.trim()) } else { "another process".into() };
            return Err(Error::state(format!("the job '{job}' is already running: {who} uses the checkpoint directory {}", dir.display()))
                .help("stop that process first, or give this job another name"));
        }
        Err(TryLockError::Error(e)) => return Err(at(e, &path)),
    }
    file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id())).map_err(|e| at(e, &path))?;
    Ok(file)
}

fn list(dir: &Path) -> Result<Vec<String>> {
    let names = std::fs::read_dir(dir).and_then(|entries| entries.map(|e| Ok(e?.file_name())).collect::<std::io::Result<Vec<_>>>());
    let names = names.map_err(|e| at(e, dir))?;
    let mut names: Vec<String> = names.into_iter().filter_map(|n| n.into_string().ok()).collect();
    names.sort();
    Ok(names)
}

/// Whether a file is part of a checkpoint or an unfinished piece of one; anything else is left alone.
fn is_ours(name: &str) -> bool {
    let whole = name.strip_suffix(TEMPORARY).unwrap_or(name);
    epoch_in(whole).is_some()
        || whole == HEAD
        || ([STATE_PREFIX, OUTPUT_PREFIX].iter().any(|prefix| whole.starts_with(prefix)) && whole.ends_with(STATE_SUFFIX))
}

fn remove_all(disk: &mut dyn Disk, dir: &Path, names: &[String]) -> Result<()> {
    for name in names.iter().filter(|n| is_ours(n) && *n != HEAD) {
        let path = dir.join(name);
        match disk.remove(&path) {
            Err(e) if e.kind() != ErrorKind::NotFound => return Err(at(e, &path)),
            _ => {}
        }
    }
    disk.sync_dir(dir).map_err(|e| at(e, dir))
}

/// The highest generation that left traces, for a directory that lost its head.
fn highest_generation(dir: &Path, names: &[String]) -> u64 {
    let in_manifest = |n: &String| epoch_in(n).and_then(|_| read_manifest(dir, n).ok()).map(|m| m.generation);
    names.iter().filter_map(|n| generation_of(n).or_else(|| in_manifest(n))).max().unwrap_or(0)
}

/// The generation of the instance that wrote a file, from its name.
fn generation_of(name: &str) -> Option<u64> {
    let name = name.strip_suffix(TEMPORARY).unwrap_or(name);
    let of_segment = |prefix: &str| name.strip_prefix(prefix)?.split('-').next()?.parse().ok();
    generation_in(name).or_else(|| of_segment(STATE_PREFIX)).or_else(|| of_segment(OUTPUT_PREFIX))
}

fn read_manifest(dir: &Path, name: &str) -> Result<Manifest, Unusable> {
    let bytes = read_part(&dir.join(name))?;
    let content = unseal(&bytes).map_err(Unusable::Damaged)?;
    if let Some(version) = other_format(content) {
        return Err(Unusable::Failed(unreadable_format(version, dir)));
    }
    let manifest: Manifest = parse(content).map_err(Unusable::Damaged)?;
    if epoch_in(name) != Some(manifest.epoch) {
        return Err(Unusable::Damaged(format!("it is that of epoch {}", manifest.epoch)));
    }
    Ok(manifest)
}
