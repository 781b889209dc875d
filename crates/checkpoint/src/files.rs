//! Reading the files of a checkpoint, and what it means when that fails.

use flott_engine::{Error, Result};
use std::collections::HashSet;
use std::io::ErrorKind;

use crate::codec::checksum;
use crate::folder::Folder;
use crate::refusals::Told;
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

impl From<Unusable> for Error {
    fn from(why: Unusable) -> Self {
        match why {
            Unusable::Damaged(why) => Error::state(why),
            Unusable::Failed(e) => e,
        }
    }
}

/// An error with the file it is about, and with what its folder knows to advise.
pub fn at(e: std::io::Error, place: &str) -> Error {
    let help = e.get_ref().and_then(|inner| inner.downcast_ref::<Told>()).and_then(|told| told.help.clone());
    let error = match e.kind() {
        ErrorKind::NetworkDown => Error::unreachable(e.to_string()),
        _ => Error::from(e),
    };
    Error { help, ..error.at(place) }
}

fn unusable(e: std::io::Error, place: &str) -> Unusable {
    match e.kind() {
        ErrorKind::NotFound => Unusable::Damaged(format!("{place} is missing")),
        ErrorKind::UnexpectedEof => Unusable::Damaged(format!("{place} is cut off")),
        _ if e.raw_os_error() == Some(MEDIUM_ERROR) => Unusable::Damaged(format!("{place}: {e}")),
        _ => Unusable::Failed(at(e, place)),
    }
}

/// A file that a checkpoint consists of.
pub fn read_part(folder: &dyn Folder, name: &str) -> Result<Vec<u8>, Unusable> {
    folder.read(name, None).map_err(|e| unusable(e, &folder.place(name)))
}

/// Segments that are read piece by piece.
pub struct Files {
    folder: Box<dyn Folder>,
    /// Segments whose length was looked at.
    known: HashSet<String>,
}

impl Files {
    /// Those of a folder.
    pub fn new(folder: &dyn Folder) -> Self {
        Self { folder: folder.another().0, known: HashSet::new() }
    }

    /// What is wrong with a segment.
    pub fn damaged(&self, segment: &Segment, why: impl std::fmt::Display) -> Unusable {
        Unusable::Damaged(format!("{}: {why}", self.folder.place(&segment.file)))
    }

    /// The bytes of a piece, if they are what was written.
    pub fn read(&mut self, segment: &Segment, piece: &Piece) -> Result<Vec<u8>, Unusable> {
        let place = || self.folder.place(&segment.file);
        if !self.known.contains(&segment.file) {
            let length = self.folder.size(&segment.file).map_err(|e| unusable(e, &place()))?;
            if length != segment.size {
                return Err(self.damaged(segment, format!("it has {length} bytes instead of {}", segment.size)));
            }
            self.known.insert(segment.file.clone());
        }
        let part = piece.offset..piece.offset + piece.length;
        let bytes = self.folder.read(&segment.file, Some(part)).map_err(|e| unusable(e, &place()))?;
        if checksum(&bytes) != piece.crc32c {
            let place = format!("the {} bytes at {}", piece.length, piece.offset);
            return Err(self.damaged(segment, format!("the checksum of {place} does not match them")));
        }
        Ok(bytes)
    }
}
