//! Reading the files of a checkpoint, and what it means when that fails.

use flott_engine::{Error, Result};
use std::collections::HashMap;
use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use crate::codec::checksum;
use crate::segments::{Piece, Segment};

/// `EIO`: the medium could not be read.
const MEDIUM_ERROR: i32 = 5;

/// Why a checkpoint is not used.
#[derive(Debug)]
pub enum Unusable {
    /// It is damaged; an older one may do.
    Damaged(String),
    /// Nothing may be concluded.
    Failed(Error),
}

/// An error with the file it is about.
pub fn at(e: std::io::Error, path: &Path) -> Error {
    Error::from(e).at(path.display().to_string())
}

fn unusable(e: std::io::Error, path: &Path) -> Unusable {
    match e.kind() {
        ErrorKind::NotFound => Unusable::Damaged(format!("{} is missing", path.display())),
        _ if e.raw_os_error() == Some(MEDIUM_ERROR) => Unusable::Damaged(format!("{}: {e}", path.display())),
        _ => Unusable::Failed(at(e, path)),
    }
}

/// A file that a checkpoint consists of.
pub fn read_part(path: &Path) -> Result<Vec<u8>, Unusable> {
    std::fs::read(path).map_err(|e| unusable(e, path))
}

/// Segments that are read piece by piece.
pub struct Files {
    dir: PathBuf,
    open: HashMap<String, File>,
}

impl Files {
    /// Those of a directory.
    pub fn new(dir: &Path) -> Self {
        Self { dir: dir.to_path_buf(), open: HashMap::new() }
    }

    /// What is wrong with a segment.
    pub fn damaged(&self, segment: &Segment, why: impl std::fmt::Display) -> Unusable {
        Unusable::Damaged(format!("{}: {why}", self.dir.join(&segment.file).display()))
    }

    /// The bytes of a piece, if they are what was written.
    pub fn read(&mut self, segment: &Segment, piece: &Piece) -> Result<Vec<u8>, Unusable> {
        let path = self.dir.join(&segment.file);
        if !self.open.contains_key(&segment.file) {
            let file = File::open(&path).map_err(|e| unusable(e, &path))?;
            let length = file.metadata().map_err(|e| unusable(e, &path))?.len();
            if length != segment.size {
                return Err(self.damaged(segment, format!("it has {length} bytes instead of {}", segment.size)));
            }
            self.open.insert(segment.file.clone(), file);
        }
        let mut bytes = vec![0; piece.length as usize];
        if let Some(file) = self.open.get_mut(&segment.file) {
            file.seek(SeekFrom::Start(piece.offset)).and_then(|_| file.read_exact(&mut bytes)).map_err(|e| unusable(e, &path))?;
        }
        if checksum(&bytes) != piece.crc32c {
            let place = format!("the {} bytes at {}", piece.length, piece.offset);
            return Err(self.damaged(segment, format!("the checksum of {place} does not match them")));
        }
        Ok(bytes)
    }
}
