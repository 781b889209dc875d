//! The small file that says whose directory this is: which generation of the job owns it, and whether it holds checkpoints.

use flott_engine::{Error, Result};
use serde::{Deserialize, Serialize};
use std::path::Path;

use crate::codec::{parse, seal, unseal};
use crate::disk::{Disk, replace};
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
    /// Whether there is something to resume.
    pub contents: Contents,
}

impl Head {
    /// The file's content. `Ok(None)`: no such file, or (second value) a damaged one.
    pub fn read(dir: &Path) -> Result<(Option<Head>, Option<String>)> {
        let bytes = match std::fs::read(dir.join(HEAD)) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok((None, None)),
            Err(e) => return Err(Error::from(e).at(dir.join(HEAD).display().to_string())),
        };
        let content = match unseal(&bytes) {
            Ok(content) => content,
            Err(why) => return Ok((None, Some(why))),
        };
        other_format(content).map_or(Ok(()), |v| Err(unreadable_format(v, dir)))?;
        Ok(match parse(content) {
            Ok(head) => (Some(head), None),
            Err(why) => (None, Some(why)),
        })
    }

    /// Makes this the file's content, durably.
    pub fn write(&self, disk: &mut dyn Disk, dir: &Path) -> Result<()> {
        replace(disk, dir, HEAD, &seal(self)?).map_err(|e| Error::from(e).at(dir.join(HEAD).display().to_string()))
    }
}

/// The directory was written by another release.
pub fn unreadable_format(version: u32, dir: &Path) -> Error {
    Error::state(format!(
        "the checkpoints in {} have format version {version}, and this release reads version {FORMAT_VERSION}",
        dir.display()
    ))
    .help("run the job with the release that wrote them, or start over with --fresh")
}
