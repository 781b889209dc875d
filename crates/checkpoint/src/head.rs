//! The small file that says whose directory this is: which generation of the job owns it, and whether it holds checkpoints.

use flott_engine::{Error, Result};
use serde::{Deserialize, Serialize};
use std::io::ErrorKind;

use crate::codec::{parse, seal, unseal};
use crate::files::at;
use crate::folder::{Folder, Over};
use crate::manifest::{FORMAT_VERSION, other_format};

/// Name of the file.
pub const HEAD: &str = "head.json";

/// Whether there is something to resume.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Contents {
    /// No checkpoint was ever completed: files that lie around are those of an interrupted first one.
    Empty,
    /// A checkpoint was completed: there must be one.
    Checkpoints,
    /// Everything is being deleted: what is left is of no value.
    Discarded,
}

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Of the file format.
    pub version: u32,
    /// Name of the job.
    pub job: String,
    /// Raised each time the directory is opened. Whoever finds a higher one than his own has been replaced and must leave.
    pub generation: u64,
    /// Drawn at each opening: two instances that open the directory at the same moment do not write the same.
    pub instance: u64,
    /// Whether there is something to resume.
    pub contents: Contents,
}

/// What lies where the head should.
#[derive(Debug, Default)]
pub struct Found {
    /// The head, if it is whole.
    pub head: Option<Head>,
    /// What is wrong with it.
    pub damage: Option<String>,
    /// What is there, whole or not.
    pub bytes: Option<Vec<u8>>,
}

impl Head {
    /// Looks at the file.
    pub fn read(folder: &dyn Folder) -> Result<Found> {
        let bytes = match folder.read(HEAD, None) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Found::default()),
            Err(e) => return Err(at(e, &folder.place(HEAD))),
        };
        let parsed = match unseal(&bytes) {
            Ok(content) => {
                other_format(content).map_or(Ok(()), |v| Err(unreadable_format(v, &folder.place(""))))?;
                parse(content)
            }
            Err(why) => Err(why),
        };
        let (head, damage) = match parsed {
            Ok(head) => (Some(head), None),
            Err(why) => (None, Some(why)),
        };
        Ok(Found { head, damage, bytes: Some(bytes) })
    }

    /// Fails when another instance than this one's has taken the folder over.
    pub fn check(&self, folder: &dyn Folder) -> Result<()> {
        match Self::read(folder)?.head {
            Some(head) if (head.generation, head.instance) == (self.generation, self.instance) => Ok(()),
            Some(head) => Err(self.replaced(head.generation, folder)),
            None => Err(Error::state(format!("{} was deleted or damaged while the job was running", folder.place(HEAD)))),
        }
    }

    /// What a replaced instance says.
    pub fn replaced(&self, by: u64, folder: &dyn Folder) -> Error {
        let (own, place) = (self.generation, folder.place(""));
        Error::state(format!("this instance is fenced: another one (generation {by}, this is {own}) has taken over {place}"))
            .help("nothing was lost; the other instance goes on from the last checkpoint")
    }

    /// Makes this the file's content, durably, in place of what was there.
    pub fn write(&self, folder: &mut dyn Folder, before: Option<&[u8]>) -> Result<()> {
        let over = before.map_or(Over::Nothing, Over::Content);
        folder.put(HEAD, &seal(self)?, over).map_err(|e| match e.kind() {
            ErrorKind::AlreadyExists => Error::state(format!("another instance has taken over {} at the same time", folder.place("")))
                .help("one of them goes on; see that the job is started once only"),
            _ => at(e, &folder.place(HEAD)),
        })
    }
}

/// The directory was written by another release.
pub fn unreadable_format(version: u32, place: &str) -> Error {
    Error::state(format!("the checkpoints in {place} have format version {version}, and this release reads version {FORMAT_VERSION}"))
        .help("run the job with the release that wrote them, or start over with --fresh")
}
