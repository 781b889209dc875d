//! A folder of files with flat names: all that a store asks of the place where its checkpoints lie.

use std::fs::{File, TryLockError};
use std::io::{Error, ErrorKind, Read, Result, Write};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::disk::{Disk, LocalDisk, TEMPORARY, replace};

/// Name of the file that an instance holds locked.
pub const LOCK: &str = "lock";

/// What a small file may be put over.
#[derive(Debug, Clone, Copy)]
pub enum Over<'a> {
    /// Whatever is there, or nothing.
    Anything,
    /// Nothing: there must be no such file.
    Nothing,
    /// A file with exactly this content.
    Content(&'a [u8]),
}

/// Files by name. A file is either *put*, whole and at once, or *written* piece by piece and then finished.
///
/// Errors of the kind [`ErrorKind::StorageFull`], and [`ErrorKind::NetworkDown`] of folders that are not on this machine, leave everything as
/// it was: the same call may be made again.
pub trait Folder: Send {
    /// Where a file is, or without a name the folder, for messages.
    fn place(&self, name: &str) -> String;

    /// Makes the folder, and takes possession of it as far as the place knows how to. `Ok(Err(who))`: somebody else has it.
    fn occupy(&mut self) -> Result<std::result::Result<(), String>>;

    /// Names of files that are there, in order; those that are being written may be missing. Without the folder there are none.
    fn list(&self) -> Result<Vec<String>>;

    /// Length of a file in bytes.
    fn size(&self, name: &str) -> Result<u64>;

    /// A file, or a part of it.
    fn read(&self, name: &str, part: Option<Range<u64>>) -> Result<Vec<u8>>;

    /// Writes bytes at this place of a file, up to which it was written before; makes the file if that is its beginning. Written again after a
    /// failure, the same bytes may have been there in part.
    fn write_at(&mut self, name: &str, offset: u64, bytes: &[u8]) -> Result<()>;

    /// Makes files that were written durable, with their names. Files that are finished already stay so.
    fn finish(&mut self, names: &[String]) -> Result<()>;

    /// Puts a file there, durably; after a crash either the old or the new content is there. [`ErrorKind::AlreadyExists`]: there is something
    /// else than what it may be put over, unless that is what was to be put.
    fn put(&mut self, name: &str, bytes: &[u8], over: Over) -> Result<()>;

    /// Deletes a file.
    fn remove(&mut self, name: &str) -> Result<()>;

    /// Makes it durable that files are gone.
    fn settle(&mut self) -> Result<()>;

    /// The same folder for somebody else, and whether he may use it at the same time.
    fn another(&self) -> (Box<dyn Folder>, bool);
}

/// A folder of the file system.
pub struct LocalFolder {
    dir: PathBuf,
    disk: Box<dyn Disk>,
    /// Held as long as the folder is in possession.
    lock: Option<File>,
}

impl LocalFolder {
    /// Nothing is made or locked yet.
    pub fn new(dir: &Path) -> Self {
        Self::on(dir, Box::new(LocalDisk))
    }

    pub(crate) fn on(dir: &Path, disk: Box<dyn Disk>) -> Self {
        Self { dir: dir.to_path_buf(), disk, lock: None }
    }

    fn make(&mut self) -> Result<()> {
        if self.dir.is_dir() {
            return Ok(());
        }
        std::fs::create_dir_all(&self.dir)?;
        match self.dir.parent().filter(|p| !p.as_os_str().is_empty()) {
            Some(parent) => self.disk.sync_dir(parent),
            None => Ok(()),
        }
    }
}

/// What could not be made durable is lost, whatever the reason: trying again would not bring it back.
fn lost(e: Error) -> Error {
    Error::other(e.to_string())
}

impl Folder for LocalFolder {
    fn place(&self, name: &str) -> String {
        if name.is_empty() { self.dir.display().to_string() } else { self.dir.join(name).display().to_string() }
    }

    /// Locks the folder and leaves the number of this process in it.
    fn occupy(&mut self) -> Result<std::result::Result<(), String>> {
        self.make()?;
        let mut file = File::options().read(true).write(true).create(true).truncate(false).open(self.dir.join(LOCK))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut pid = String::new();
                let known = file.read_to_string(&mut pid).is_ok() && !pid.trim().is_empty();
                return Ok(Err(if known { format!("process {}", pid.trim()) } else { "another process".into() }));
            }
            Err(TryLockError::Error(e)) => return Err(e),
        }
        file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()))?;
        self.lock = Some(file);
        Ok(Ok(()))
    }

    fn list(&self) -> Result<Vec<String>> {
        let entries = match std::fs::read_dir(&self.dir) {
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(vec![]),
            entries => entries?,
        };
        let names = entries.map(|e| Ok(e?.file_name())).collect::<Result<Vec<_>>>()?;
        let mut names: Vec<String> = names.into_iter().filter_map(|n| n.into_string().ok()).collect();
        names.sort();
        Ok(names)
    }

    fn size(&self, name: &str) -> Result<u64> {
        Ok(std::fs::metadata(self.dir.join(name))?.len())
    }

    fn read(&self, name: &str, part: Option<Range<u64>>) -> Result<Vec<u8>> {
        let path = self.dir.join(name);
        let Some(part) = part else { return std::fs::read(path) };
        let mut bytes = vec![0; (part.end - part.start) as usize];
        File::open(path)?.read_exact_at(&mut bytes, part.start)?;
        Ok(bytes)
    }

    fn write_at(&mut self, name: &str, offset: u64, bytes: &[u8]) -> Result<()> {
        self.make()?;
        self.disk.write_at(&self.dir.join(name), offset, bytes)
    }

    fn finish(&mut self, names: &[String]) -> Result<()> {
        names.iter().try_for_each(|name| self.disk.sync(&self.dir.join(name))).map_err(lost)?;
        // A manifest's name may be durable before theirs otherwise.
        self.disk.sync_dir(&self.dir).map_err(lost)
    }

    /// The lock keeps others away, so that nothing changes between looking and putting.
    fn put(&mut self, name: &str, bytes: &[u8], over: Over) -> Result<()> {
        let there = || match std::fs::read(self.dir.join(name)) {
            Ok(there) => Ok(Some(there)),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        };
        let fits = match over {
            Over::Anything => true,
            Over::Nothing => there()?.is_none_or(|there| there == bytes),
            Over::Content(expected) => there()?.is_some_and(|there| there == expected || there == bytes),
        };
        if !fits {
            return Err(ErrorKind::AlreadyExists.into());
        }
        self.make()?;
        replace(&mut *self.disk, &self.dir, name, bytes)
    }

    fn remove(&mut self, name: &str) -> Result<()> {
        self.disk.remove(&self.dir.join(name))
    }

    fn settle(&mut self) -> Result<()> {
        self.disk.sync_dir(&self.dir)
    }

    fn another(&self) -> (Box<dyn Folder>, bool) {
        let (disk, at_the_same_time) = self.disk.another();
        (Box::new(Self { dir: self.dir.clone(), disk, lock: None }), at_the_same_time)
    }
}

/// Whether a name is that of an unfinished copy of this file.
pub fn whole_name(name: &str) -> &str {
    name.strip_suffix(TEMPORARY).unwrap_or(name)
}
