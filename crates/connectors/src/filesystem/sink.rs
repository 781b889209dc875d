//! The sink: files that appear whole, exactly once.
//!
//! Rows go into a hidden file (`.part-….inprogress`), one per partition. When it is large or old enough it is closed, and with the
//! next commit it gets its name. A file is thus visible only when the checkpoint that holds its last row is durable; without
//! checkpoints it becomes visible when it is closed.
//!
//! What a checkpoint stores about the sink are the numbers of its hidden files and their lengths. To resume, files are cut back to
//! those lengths, and files that came later are removed; those of them that were visible already are renamed to
//! `.part-….superseded` instead, since somebody may have read them. All names hold a token of the first run, so that files of
//! other jobs in the same folder are never touched; what dead runs have left is removed by [`runs`].

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flott_engine::connector::{Environment, TableSpec};
use flott_engine::sink::{Encoder, Payload, Sink, Unsynced};
use flott_engine::{Error, Result};
use serde::{Deserialize, Serialize};

use super::config::SinkConfig;
use super::encode::{EncodePlan, FileEncoder};
use super::overwrite;
use super::part::{OpenPart, Part, cannot, new_token, number_in, sync, sync_folder};
use super::runs::{self, Run};
use crate::formats;

/// Files kept open at the same time; tables with more partitions open and close them.
const OPEN_FILES_MAX: usize = 256;
/// Written at once; with no room on the disk more than this waits in memory.
const BUFFER_BYTES: usize = 256 << 10;
/// Version of [`Progress`].
const VERSION: u32 = 1;

/// What a checkpoint stores.
#[derive(Debug, Serialize, Deserialize)]
struct Progress {
    version: u32,
    /// Part of all file names.
    token: String,
    /// Number of the next file.
    next: u64,
    /// Files that are still written to.
    open: Vec<OpenState>,
    /// Files that are complete and get their names with the commit.
    closed: Vec<Part>,
}

#[derive(Debug, Serialize, Deserialize)]
struct OpenState {
    #[serde(flatten)]
    part: Part,
    /// Length at the checkpoint.
    bytes: u64,
}

/// Writes the files of a table.
pub struct FileSink {
    config: SinkConfig,
    plan: Arc<EncodePlan>,
    checkpointing: bool,
    owner: Option<String>,
    /// Shows other runs that this one lives.
    run: Option<Run>,
    roll_on_checkpoint: bool,
    token: String,
    next: u64,
    open: BTreeMap<String, OpenPart>,
    closed: Vec<Part>,
    writes: u64,
    /// Files with content that is not yet durable, other than those in `open`.
    unsynced: Vec<(PathBuf, File)>,
    /// Folders whose entries changed and are not yet durable.
    dirty: BTreeSet<PathBuf>,
    /// There is no room on the disk.
    full: Option<Error>,
    /// Set when the disk failed to make data durable: nobody knows then what is in the files.
    failed: Option<Error>,
}

impl FileSink {
    /// A sink for a table that was checked.
    pub fn new(config: SinkConfig, table: &TableSpec, env: &Environment) -> Result<Self> {
        if !config.path.exists() && config.path.to_string_lossy().contains(super::listing::WILDCARDS) {
            return Err(Error::config(format!("Table {}: 'path' is a pattern, which can only be read", table.name)).help("Write a folder"));
        }
        Ok(Self {
            plan: Arc::new(EncodePlan::new(table, &config.default_name)?),
            roll_on_checkpoint: formats::closes_file_at_checkpoint(table)?,
            config,
            checkpointing: env.checkpointing,
            owner: env.owner.clone(),
            run: None,
            token: String::new(),
            next: 0,
            open: BTreeMap::new(),
            closed: vec![],
            writes: 0,
            unsynced: vec![],
            dirty: BTreeSet::new(),
            full: None,
            failed: None,
        })
    }

    fn hidden(&self, part: &Part) -> PathBuf {
        self.folder(part).join(format!(".part-{}-{}.inprogress", self.token, part.number))
    }

    fn visible(&self, part: &Part) -> PathBuf {
        self.folder(part).join(format!("part-{}-{}", self.token, part.number))
    }

    fn folder(&self, part: &Part) -> PathBuf {
        self.config.path.join(&part.partition)
    }

    /// Creates a folder of the table and all above it.
    fn create_folder(&mut self, folder: &Path) -> Result<()> {
        let mut missing = vec![];
        let mut at = Some(folder);
        while let Some(path) = at.filter(|path| !path.as_os_str().is_empty() && !path.is_dir()) {
            missing.push(path.to_owned());
            at = path.parent();
        }
        for path in missing.into_iter().rev() {
            match std::fs::create_dir(&path) {
                Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => return Err(cannot("create the folder", &path, &e)),
                _ => {}
            }
            if let Some(parent) = path.parent() {
                self.dirty.insert(parent.to_owned());
            }
        }
        Ok(())
    }

    fn append(&mut self, partition: &str, bytes: &[u8]) -> Result<()> {
        self.writes += 1;
        if !self.open.contains_key(partition) {
            let part = Part { partition: partition.to_owned(), number: self.next };
            self.next += 1;
            self.open.insert(partition.to_owned(), OpenPart::new(part, self.plan.file_header()));
            // It is there from now on, for whoever looks after files that nobody goes on with.
            self.flush(partition)?;
        }
        let Some(open) = self.open.get_mut(partition) else { return Ok(()) };
        open.buffer.extend_from_slice(bytes);
        open.bytes += bytes.len() as u64;
        (open.used, open.written) = (self.writes, true);
        let (large, complete) = (open.buffer.len() >= BUFFER_BYTES, open.bytes >= self.config.file_bytes);
        if complete {
            return self.close(partition);
        }
        if large { self.flush(partition).map(drop) } else { Ok(()) }
    }

    /// Writes what is in a file's buffer. Tells whether there was room for all of it.
    fn flush(&mut self, partition: &str) -> Result<bool> {
        let written = self.try_flush(partition);
        match written {
            Ok(()) => Ok(true),
            Err(e) if e.kind == flott_engine::ErrorKind::Full => {
                self.full = Some(e);
                Ok(false)
            }
            Err(e) => Err(e),
        }
    }

    fn try_flush(&mut self, partition: &str) -> Result<()> {
        let Some(open) = self.open.get(partition).filter(|open| !open.buffer.is_empty() || !open.created) else { return Ok(()) };
        let (path, part) = (self.hidden(&open.part), open.part.clone());
        if open.file.is_none() {
            self.make_room()?;
            let created = self.open[partition].created;
            if !created {
                self.create_folder(&self.folder(&part))?;
                self.dirty.insert(self.folder(&part));
            }
            let file = OpenOptions::new().append(true).create_new(!created).open(&path).map_err(|e| cannot("open", &path, &e))?;
            if let Some(open) = self.open.get_mut(partition) {
                (open.file, open.created) = (Some(file), true);
            }
        }
        let Some(OpenPart { file: Some(file), buffer, .. }) = self.open.get_mut(partition) else { return Ok(()) };
        let mut done = 0;
        let result = loop {
            if done == buffer.len() {
                break Ok(());
            }
            match file.write(&buffer[done..]) {
                Ok(0) => break Err(std::io::Error::from(ErrorKind::WriteZero)),
                Ok(written) => done += written,
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => break Err(e),
            }
        };
        // What was written is there, whatever came after.
        buffer.drain(..done);
        result.map_err(|e| cannot("write to", &path, &e))
    }

    /// Lets go of the file that was not used for longest, if as many are open as may be.
    fn make_room(&mut self) -> Result<()> {
        let with_file = self.open.values().filter(|open| open.file.is_some());
        if with_file.clone().count() < OPEN_FILES_MAX {
            return Ok(());
        }
        let Some(oldest) = with_file.min_by_key(|open| open.used).map(|open| open.part.partition.clone()) else { return Ok(()) };
        self.try_flush(&oldest)?;
        if let Some(open) = self.open.get_mut(&oldest) {
            open.file = None;
        }
        Ok(())
    }

    /// Ends a file, if there is room for the rest of it; it becomes durable with the next checkpoint, or at once and visible if there are
    /// none.
    fn close(&mut self, partition: &str) -> Result<()> {
        if !self.flush(partition)? {
            return Ok(());
        }
        let Some(open) = self.open.remove(partition) else { return Ok(()) };
        let path = self.hidden(&open.part);
        self.unsynced.push((path.clone(), open.file(&path)?));
        self.closed.push(open.part);
        // What is to be replaced stays as it is until all of the new files are there.
        if self.checkpointing || self.config.overwrite {
            return Ok(());
        }
        self.sync_files()?;
        self.publish_closed()
    }

    /// Makes the content of files durable. After a failure the sink takes nothing more.
    fn sync_files(&mut self) -> Result<()> {
        for (path, file) in std::mem::take(&mut self.unsynced) {
            if let Err(error) = sync(&file, &path) {
                self.failed = Some(error.clone());
                return Err(error);
            }
        }
        Ok(())
    }

    /// Makes changed folders durable.
    fn sync_folders(&mut self) -> Result<()> {
        for folder in std::mem::take(&mut self.dirty) {
            if let Err(error) = sync_folder(&folder) {
                self.failed = Some(error.clone());
                return Err(error);
            }
        }
        Ok(())
    }

    fn publish_closed(&mut self) -> Result<()> {
        for part in std::mem::take(&mut self.closed) {
            self.publish(&part, true)?;
        }
        self.sync_folders()
    }

    /// Gives a file its name. `first`: this was not done before, so the hidden file must be there.
    fn publish(&mut self, part: &Part, first: bool) -> Result<()> {
        let (hidden, visible) = (self.hidden(part), self.visible(part));
        if !hidden.exists() {
            if first && !visible.exists() {
                return Err(Error::io(format!("The file {} has been removed before it was complete", hidden.display())));
            }
            return Ok(());
        }
        if visible.exists() {
            return Err(Error::io(format!("The file {} exists and would be replaced", visible.display())));
        }
        std::fs::rename(&hidden, &visible).map_err(|e| cannot("rename", &hidden, &e))?;
        self.dirty.insert(self.folder(part));
        Ok(())
    }

    fn check_usable(&self) -> Result<()> {
        self.failed.clone().map_or(Ok(()), Err)
    }

    /// Brings the folder to where it was at the checkpoint.
    fn resume(&mut self, progress: Progress) -> Result<()> {
        self.token = progress.token;
        self.next = progress.next;
        let mut kept = BTreeSet::new();
        if self.config.overwrite {
            kept.extend(progress.closed.iter().map(|part| part.number));
            self.closed = progress.closed;
        } else {
            for part in &progress.closed {
                self.publish(part, false)?;
            }
        }
        for OpenState { part, bytes } in progress.open {
            self.reopen(&part, bytes)?;
            kept.insert(part.number);
            self.open.insert(part.partition.clone(), OpenPart { bytes, created: true, ..OpenPart::new(part, vec![]) });
        }
        let root = self.config.path.clone();
        self.remove_later(&root, &kept)?;
        self.sync_folders()
    }

    /// Cuts a file back to its length at the checkpoint.
    fn reopen(&mut self, part: &Part, bytes: u64) -> Result<()> {
        let (hidden, visible) = (self.hidden(part), self.visible(part));
        if !hidden.exists() && visible.exists() {
            // It was completed after the checkpoint; its later rows come again.
            std::fs::rename(&visible, &hidden).map_err(|e| cannot("rename", &visible, &e))?;
            self.dirty.insert(self.folder(part));
        }
        let file = OpenOptions::new()
            .write(true)
            .open(&hidden)
            .map_err(|e| Error::state(format!("The file {} is part of the checkpoint but cannot be opened: {e}", hidden.display())))?;
        let found = file.metadata()?.len();
        if found < bytes {
            return Err(Error::state(format!("The file {} has {found} bytes, fewer than the {bytes} of the checkpoint", hidden.display())));
        }
        file.set_len(bytes).and_then(|()| file.sync_all()).map_err(|e| cannot("shorten", &hidden, &e))
    }

    /// Removes hidden files of this sink that the checkpoint does not know, and sets visible ones aside.
    fn remove_later(&mut self, folder: &Path, kept: &BTreeSet<u64>) -> Result<()> {
        let entries = match std::fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(e) => return Err(cannot("list the folder", folder, &e)),
        };
        for entry in entries {
            let path = entry.map_err(|e| cannot("list the folder", folder, &e))?.path();
            if path.is_dir() {
                self.remove_later(&path, kept)?;
                continue;
            }
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            if let Some(number) = number_in(&name, &format!(".part-{}-", self.token), ".inprogress") {
                if !kept.contains(&number) {
                    std::fs::remove_file(&path).map_err(|e| cannot("remove", &path, &e))?;
                    self.dirty.insert(folder.to_owned());
                }
            } else if let Some(number) = number_in(&name, &format!("part-{}-", self.token), "")
                && number >= self.next
            {
                let aside = folder.join(format!(".{name}.superseded"));
                std::fs::rename(&path, &aside).map_err(|e| cannot("rename", &path, &e))?;
                self.dirty.insert(folder.to_owned());
            }
        }
        Ok(())
    }
}

impl Sink for FileSink {
    fn encoder(&self) -> Result<Box<dyn Encoder>> {
        Ok(Box::new(FileEncoder::new(Arc::clone(&self.plan))))
    }

    fn open(&mut self, progress: Option<&str>) -> Result<()> {
        let path = self.config.path.clone();
        if path.exists() && !path.is_dir() {
            return Err(Error::config(format!("{} is a file, and a table is written into a folder", path.display())));
        }
        match progress {
            Some(text) => {
                let unreadable =
                    |e: &dyn std::fmt::Display| Error::state(format!("The checkpoint's note about {} cannot be read: {e}", path.display()));
                let progress: Progress = serde_json::from_str(text).map_err(|e| unreadable(&e))?;
                if progress.version != VERSION {
                    return Err(unreadable(&format!("it has version {}, not {VERSION}", progress.version)));
                }
                self.resume(progress)?;
            }
            None => self.token = new_token(),
        }
        self.create_folder(&path)?;
        if progress.is_none() {
            runs::clean_up(&path, self.owner.as_deref());
        }
        self.run = Run::start(&path, &self.token, self.owner.as_deref(), progress.is_some());
        self.sync_folders()
    }

    fn write(&mut self, payloads: Vec<Payload>) -> Result<()> {
        self.check_usable()?;
        for payload in payloads {
            match payload {
                Payload::Bytes { partition, bytes, .. } => self.append(&partition, &bytes)?,
                Payload::Batch(_) => return Err(Error::internal("A file sink was given rows that are not encoded")),
            }
        }
        Ok(())
    }

    fn prepare(&mut self) -> Result<String> {
        self.check_usable()?;
        if let Some(run) = &mut self.run {
            run.will_be_checkpointed().map_err(|e| cannot("write to a lock in", &self.config.path, &e))?;
        }
        for partition in self.open.keys().cloned().collect::<Vec<_>>() {
            if self.roll_on_checkpoint {
                self.close(&partition)?;
            } else {
                let _ = self.flush(&partition)?;
            }
        }
        if let Some(full) = &self.full {
            return Err(full.clone());
        }
        for open in self.open.values() {
            let path = self.hidden(&open.part);
            let file = open.file(&path)?;
            self.unsynced.push((path, file));
        }
        let progress = Progress {
            version: VERSION,
            token: self.token.clone(),
            next: self.next,
            open: self.open.values().map(|o| OpenState { part: o.part.clone(), bytes: o.bytes }).collect(),
            closed: self.closed.clone(),
        };
        serde_json::to_string(&progress).map_err(|e| Error::internal(e.to_string()))
    }

    fn unsynced(&mut self) -> Vec<Unsynced> {
        let files = std::mem::take(&mut self.unsynced).into_iter().map(|(path, file)| Box::new(move || sync(&file, &path)) as Unsynced);
        let folders = std::mem::take(&mut self.dirty).into_iter().map(|folder| Box::new(move || sync_folder(&folder)) as Unsynced);
        files.chain(folders).collect()
    }

    fn waiting(&self) -> Option<Error> {
        self.full.clone()
    }

    fn commit(&mut self, progress: &str) -> Result<()> {
        self.check_usable()?;
        let progress: Progress = serde_json::from_str(progress).map_err(|e| Error::internal(e.to_string()))?;
        if progress.token != self.token {
            return Err(Error::internal("A file sink was asked to commit what another one prepared"));
        }
        let overwrite = self.config.overwrite;
        for part in progress.closed.iter().filter(|_| !overwrite) {
            let waiting = self.closed.iter().position(|p| p == part);
            self.publish(part, waiting.is_some())?;
            if let Some(i) = waiting {
                self.closed.remove(i);
            }
        }
        // The new names become durable with the next checkpoint: this one still has them to give, should they be lost.
        Ok(())
    }

    fn finish(&mut self) -> Result<()> {
        self.check_usable()?;
        for partition in self.open.keys().cloned().collect::<Vec<_>>() {
            self.close(&partition)?;
        }
        if let Some(full) = &self.full {
            return Err(full.clone());
        }
        self.sync_files()?;
        self.publish_closed()?;
        if self.config.overwrite {
            let path = &self.config.path;
            overwrite::remove_others(path, &self.token, self.config.partitioned).map_err(|e| cannot("replace what was in", path, &e))?;
        }
        self.run.take().into_iter().for_each(Run::end);
        Ok(())
    }

    fn on_idle(&mut self, now_ms: i64) -> Result<()> {
        self.check_usable()?;
        if self.full.take().is_some() {
            self.open.keys().cloned().collect::<Vec<_>>().iter().try_for_each(|partition| self.flush(partition).map(drop))?;
        }
        let mut due = vec![];
        for (partition, open) in &mut self.open {
            let created = *open.created_ms.get_or_insert(now_ms);
            if open.written || open.written_ms.is_none() {
                open.written_ms = Some(now_ms);
                open.written = false;
            }
            let written = open.written_ms.unwrap_or(now_ms);
            let old = now_ms.saturating_sub(created) >= self.config.rollover_ms as i64;
            if old || now_ms.saturating_sub(written) >= self.config.inactivity_ms as i64 {
                due.push(partition.clone());
            }
        }
        due.iter().try_for_each(|partition| self.close(partition))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::sink_tests::{batch, environment, table, visible};
    use super::*;

    #[test]
    fn a_full_disk_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        let table = table(&path, &[], false);
        let mut sink = FileSink::new(SinkConfig::new(&table).unwrap(), &table, &environment(true)).unwrap();
        sink.open(None).unwrap();
        let mut encoder = sink.encoder().unwrap();
        let mut write = |sink: &mut FileSink, ids: std::ops::Range<i64>| {
            let mut payloads = vec![];
            encoder.encode(&batch(ids), &mut payloads).unwrap();
            sink.write(payloads).unwrap();
        };
        write(&mut sink, 0..10);
        let first = sink.prepare().unwrap();
        sink.unsynced().into_iter().try_for_each(|one| one()).unwrap();
        sink.commit(&first).unwrap();
        // What is written from now on finds no room.
        sink.open.values_mut().for_each(|open| open.file = Some(OpenOptions::new().write(true).open("/dev/full").unwrap()));
        write(&mut sink, 10..20);
        assert_eq!(sink.prepare().unwrap_err().kind, flott_engine::ErrorKind::Full);
        assert_eq!(sink.waiting().unwrap().kind, flott_engine::ErrorKind::Full);
        sink.on_idle(0).unwrap();
        assert!(sink.waiting().is_some());
        write(&mut sink, 20..30);
        assert_eq!(sink.finish().unwrap_err().kind, flott_engine::ErrorKind::Full);
        // There is room again.
        sink.open.values_mut().for_each(|open| open.file = None);
        sink.on_idle(0).unwrap();
        assert!(sink.waiting().is_none());
        sink.finish().unwrap();
        assert_eq!(visible(&path), (0..30).collect::<Vec<_>>());
    }
}
