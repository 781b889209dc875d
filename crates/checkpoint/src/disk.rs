//! The file operations that change a checkpoint directory, one by one, so that tests can stop the world between any two.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Result, Seek, SeekFrom, Write};
use std::path::Path;

/// Changes to files. Nothing is durable before it is synced.
pub trait Disk: Send {
    /// Makes a new file with this content, or empties one that is there first.
    fn write(&mut self, path: &Path, bytes: &[u8]) -> Result<()>;
    /// Writes bytes at this place of a file, up to which it was written before; makes the file if that is its beginning. Written again
    /// after a failure, the same bytes may have been there in part.
    fn write_at(&mut self, path: &Path, offset: u64, bytes: &[u8]) -> Result<()>;
    /// Makes the content of a file durable.
    fn sync(&mut self, path: &Path) -> Result<()>;
    /// Gives a file another name, in place of the file that has that name.
    fn rename(&mut self, from: &Path, to: &Path) -> Result<()>;
    /// Makes the names in a directory durable.
    fn sync_dir(&mut self, dir: &Path) -> Result<()>;
    /// Deletes a file.
    fn remove(&mut self, path: &Path) -> Result<()>;
    /// The same disk for somebody else, and whether he may use it at the same time.
    fn another(&self) -> (Box<dyn Disk>, bool);
}

/// The file system.
pub struct LocalDisk;

impl Disk for LocalDisk {
    fn write(&mut self, path: &Path, bytes: &[u8]) -> Result<()> {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(path)?;
        file.write_all(bytes)
    }

    fn write_at(&mut self, path: &Path, offset: u64, bytes: &[u8]) -> Result<()> {
        let mut file = OpenOptions::new().write(true).create(offset == 0).truncate(false).open(path)?;
        file.seek(SeekFrom::Start(offset))?;
        file.write_all(bytes)
    }

    fn sync(&mut self, path: &Path) -> Result<()> {
        File::open(path)?.sync_all()
    }

    fn rename(&mut self, from: &Path, to: &Path) -> Result<()> {
        std::fs::rename(from, to)
    }

    fn sync_dir(&mut self, dir: &Path) -> Result<()> {
        File::open(dir)?.sync_all()
    }

    fn remove(&mut self, path: &Path) -> Result<()> {
        std::fs::remove_file(path)
    }

    fn another(&self) -> (Box<dyn Disk>, bool) {
        (Box::new(LocalDisk), true)
    }
}

/// Replaces a file so that after a crash either the old or the new content is there.
pub fn replace(disk: &mut dyn Disk, dir: &Path, name: &str, bytes: &[u8]) -> Result<()> {
    let (temporary, path) = (dir.join(format!("{name}{TEMPORARY}")), dir.join(name));
    disk.write(&temporary, bytes)?;
    disk.sync(&temporary)?;
    disk.rename(&temporary, &path).map_err(|e| match e.kind() {
        // It was just written: only another instance, which does the same, can have taken it away.
        ErrorKind::NotFound => ErrorKind::AlreadyExists.into(),
        _ => e,
    })?;
    disk.sync_dir(dir)
}

/// Ending of the names of files that are not complete.
pub const TEMPORARY: &str = ".tmp";
