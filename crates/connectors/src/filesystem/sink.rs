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
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use flott_engine::connector::{Environment, TableSpec};
use flott_engine::sink::{Encoder, Payload, Sink};
use flott_engine::{Error, Result};
use serde::{Deserialize, Serialize};

use super::config::SinkConfig;
use super::encode::{EncodePlan, FileEncoder};
use super::overwrite;
use super::runs::{self, Run};
use crate::formats;

/// Files kept open at the same time; tables with more partitions open and close them.
const OPEN_FILES_MAX: usize = 256;
/// Written at once.
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

/// A file of the sink.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Part {
    /// Folder below the table's, with `/` at its end; or empty.
    partition: String,
    number: u64,
}

/// A hidden file that is written to.
struct OpenPart {
    part: Part,
    bytes: u64,
    /// `None` when too many files are open.
    writer: Option<BufWriter<File>>,
    /// When it was last written to, in writes of the sink.
    used: u64,
    /// Processing time of the first and last look at it; `None` before the first.
    created_ms: Option<i64>,
    written_ms: Option<i64>,
    written: bool,
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
    /// Folders whose entries changed and are not yet durable.
    dirty: BTreeSet<PathBuf>,
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
            dirty: BTreeSet::new(),
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
            self.create_folder(&self.folder(&part))?;
            let path = self.hidden(&part);
            let file = OpenOptions::new().write(true).create_new(true).open(&path).map_err(|e| cannot("create", &path, &e))?;
            self.dirty.insert(self.folder(&part));
            self.make_room()?;
            let mut writer = BufWriter::with_capacity(BUFFER_BYTES, file);
            let header = self.plan.file_header();
            writer.write_all(&header).map_err(|e| cannot("write to", &path, &e))?;
            self.open.insert(partition.to_owned(), OpenPart::new(part, header.len() as u64, Some(writer)));
        }
        if self.open[partition].writer.is_none() {
            self.make_room()?;
            let path = self.hidden(&self.open[partition].part);
            let file = OpenOptions::new().append(true).open(&path).map_err(|e| cannot("open", &path, &e))?;
            if let Some(open) = self.open.get_mut(partition) {
                open.writer = Some(BufWriter::with_capacity(BUFFER_BYTES, file));
            }
        }
        let path = self.hidden(&self.open[partition].part);
        let Some(open) = self.open.get_mut(partition) else { return Ok(()) };
        let Some(writer) = &mut open.writer else { return Ok(()) };
        writer.write_all(bytes).map_err(|e| cannot("write to", &path, &e))?;
        open.bytes += bytes.len() as u64;
        open.used = self.writes;
        open.written = true;
        if open.bytes >= self.config.file_bytes { self.close(partition) } else { Ok(()) }
    }

    /// Closes the file that was not used for longest, if as many are open as may be.
    fn make_room(&mut self) -> Result<()> {
        let with_writer = self.open.values().filter(|open| open.writer.is_some());
        if with_writer.clone().count() < OPEN_FILES_MAX {
            return Ok(());
        }
        let Some(oldest) = with_writer.min_by_key(|open| open.used).map(|open| open.part.clone()) else { return Ok(()) };
        let path = self.hidden(&oldest);
        if let Some(open) = self.open.get_mut(&oldest.partition) {
            open.flush(&path)?;
            open.writer = None;
        }
        Ok(())
    }

    /// Ends a file: makes it durable, and visible if no checkpoint has to come first.
    fn close(&mut self, partition: &str) -> Result<()> {
        let Some(mut open) = self.open.remove(partition) else { return Ok(()) };
        let path = self.hidden(&open.part);
        self.sync(&mut open, &path)?;
        self.closed.push(open.part);
        // What is to be replaced stays as it is until all of the new files are there.
        if self.checkpointing || self.config.overwrite { Ok(()) } else { self.publish_closed() }
    }

    /// Makes a file's content durable. After a failure the sink takes nothing more.
    fn sync(&mut self, open: &mut OpenPart, path: &Path) -> Result<()> {
        let result = open.sync(path);
        if let Err(error) = &result {
            self.failed = Some(error.clone());
        }
        result
    }

    /// Makes changed folders durable.
    fn sync_folders(&mut self) -> Result<()> {
        for folder in std::mem::take(&mut self.dirty) {
            let folder = if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder };
            let synced = File::open(&folder).and_then(|f| f.sync_all());
            if let Err(e) = synced {
                let error = cannot("make durable the folder", &folder, &e);
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
            self.open.insert(part.partition.clone(), OpenPart::new(part, bytes, None));
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

/// The number in `part-token-17`.
fn number_in(name: &str, before: &str, after: &str) -> Option<u64> {
    name.strip_prefix(before)?.strip_suffix(after)?.parse().ok()
}

fn cannot(what: &str, path: &Path, e: &std::io::Error) -> Error {
    Error::io(format!("Cannot {what} {}: {e}", path.display()))
}

impl OpenPart {
    fn new(part: Part, bytes: u64, writer: Option<BufWriter<File>>) -> Self {
        Self { part, bytes, writer, used: 0, created_ms: None, written_ms: None, written: true }
    }

    fn flush(&mut self, path: &Path) -> Result<()> {
        match &mut self.writer {
            Some(writer) => writer.flush().map_err(|e| cannot("write to", path, &e)),
            None => Ok(()),
        }
    }

    fn sync(&mut self, path: &Path) -> Result<()> {
        self.flush(path)?;
        let result = match &self.writer {
            Some(writer) => writer.get_ref().sync_all(),
            None => File::open(path).and_then(|file| file.sync_all()),
        };
        result.map_err(|e| cannot("make durable", path, &e))
    }
}

/// A token no other run has: the time in nanoseconds and the process, in base 36.
fn new_token() -> String {
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    let mut rest = nanos << 22 | u128::from(std::process::id() & 0x3f_ffff);
    let mut digits = vec![];
    while rest > 0 {
        digits.push(char::from_digit((rest % 36) as u32, 36).unwrap_or('0'));
        rest /= 36;
    }
    digits.into_iter().rev().collect()
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
        if self.roll_on_checkpoint {
            for partition in self.open.keys().cloned().collect::<Vec<_>>() {
                self.close(&partition)?;
            }
        }
        for (partition, mut open) in std::mem::take(&mut self.open) {
            let path = self.hidden(&open.part);
            let result = self.sync(&mut open, &path);
            self.open.insert(partition, open);
            result?;
        }
        self.sync_folders()?;
        let progress = Progress {
            version: VERSION,
            token: self.token.clone(),
            next: self.next,
            open: self.open.values().map(|o| OpenState { part: o.part.clone(), bytes: o.bytes }).collect(),
            closed: self.closed.clone(),
        };
        serde_json::to_string(&progress).map_err(|e| Error::internal(e.to_string()))
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
        self.sync_folders()
    }

    fn finish(&mut self) -> Result<()> {
        self.check_usable()?;
        for partition in self.open.keys().cloned().collect::<Vec<_>>() {
            self.close(&partition)?;
        }
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
