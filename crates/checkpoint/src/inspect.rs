//! Looking at checkpoints and savepoints without a job: what they hold, and whether they are whole.

use flott_engine::change::Part;
use flott_engine::checkpoint::{Checkpoint, SinkState, SplitState, TableState};
use flott_engine::{Error, Result};

use crate::files::Unusable;
use crate::folder::Folder;
use crate::garbage::{list, named};
use crate::head::HEAD;
use crate::location::Location;
use crate::manifest::Manifest;
use crate::savepoint::{self, Manifests, manifests};

/// A checkpoint or a savepoint, without its tables. Nodes go by number.
#[derive(Debug, Clone)]
pub struct Saved {
    /// Its folder.
    pub location: Location,
    /// A savepoint: its folder belongs to no job.
    pub savepoint: bool,
    /// Name of the job.
    pub job: String,
    /// The epoch it closes.
    pub epoch: u64,
    /// The instance of the job that took it.
    pub generation: u64,
    /// When; milliseconds since 1970-01-01 UTC.
    pub taken_ms: i64,
    /// All input was read.
    pub finished: bool,
    /// What the query's nodes compute, by number.
    pub parts: Vec<Part>,
    /// Positions.
    pub splits: Vec<SplitState>,
    /// Event time of sources.
    pub watermarks: Vec<(usize, i64)>,
    /// Progress of sinks.
    pub sinks: Vec<SinkState>,
    /// Epochs of sinks that are to be delivered.
    pub outbox: Vec<(usize, u64)>,
    /// Files.
    pub files: usize,
    /// Bytes in segments.
    pub bytes: u64,
}

impl Saved {
    fn of(location: &Location, savepoint: bool, manifest: &Manifest) -> Self {
        let outputs = manifest.outbox.iter().map(|output| &output.segment);
        let bytes = manifest.segments.iter().chain(outputs).map(|segment| segment.size).sum();
        let Manifest { job, generation, .. } = manifest;
        let (job, generation) = (job.clone(), *generation);
        let Checkpoint { epoch, parts, finished, now_ms, watermarks, splits, sinks, outbox, .. } = manifest.clone().into_checkpoint(vec![]);
        let (location, files) = (location.clone(), named(manifest).count());
        Self {
            location,
            savepoint,
            job,
            epoch,
            generation,
            taken_ms: now_ms,
            finished,
            parts,
            splits,
            watermarks,
            sinks,
            outbox,
            files,
            bytes,
        }
    }
}

/// A folder, whether it is that of a savepoint, and its manifests.
fn look(location: &Location) -> Result<(Box<dyn Folder>, bool, Manifests)> {
    let folder = location.folder()?;
    let manifests = manifests(&*folder).map_err(Error::into_state)?;
    let savepoint = !list(&*folder).map_err(Error::into_state)?.iter().any(|name| name == HEAD);
    Ok((folder, savepoint, manifests))
}

/// What lies in a folder: checkpoints and savepoints by age, and what is wrong with others.
pub fn all(location: &Location) -> Result<(Vec<Saved>, Vec<String>)> {
    let (folder, savepoint, (whole, damaged)) = look(location)?;
    let damaged = damaged.into_iter().map(|(name, why)| format!("{}: {why}", folder.place(&name))).collect();
    Ok((whole.iter().map(|manifest| Saved::of(location, savepoint, manifest)).collect(), damaged))
}

/// The newest in a folder that has one.
pub fn newest(location: &Location) -> Result<Saved> {
    let (mut whole, damaged) = all(location)?;
    match whole.pop() {
        Some(newest) => Ok(newest),
        None if damaged.is_empty() => Err(savepoint::nothing_in(location)),
        None => Err(Error::state(format!("nothing in {location} is whole: {}", damaged.join("; ")))),
    }
}

/// Reads all files of each checkpoint in a folder; tells which are whole, and what is wrong with others.
pub fn verify(location: &Location) -> Result<Vec<(Saved, std::result::Result<(), String>)>> {
    let (folder, savepoint, (whole, _)) = look(location)?;
    let read = |manifest: &Manifest| {
        let saved = Saved::of(location, savepoint, manifest);
        match manifest.read(&*folder) {
            Ok(_) => Ok((saved, Ok(()))),
            Err(Unusable::Damaged(why)) => Ok((saved, Err(why))),
            Err(Unusable::Failed(e)) => Err(e.into_state()),
        }
    };
    whole.iter().map(read).collect()
}

/// The checkpoint of an epoch in a folder, or the newest, with its tables.
pub fn tables(location: &Location, epoch: Option<u64>) -> Result<(Saved, Vec<TableState>)> {
    let (folder, savepoint, (whole, _)) = look(location)?;
    let Some(manifest) = whole.iter().rev().find(|m| epoch.is_none_or(|epoch| m.epoch == epoch)) else {
        return match epoch {
            Some(epoch) if !whole.is_empty() => {
                let known: Vec<String> = whole.iter().map(|m| m.epoch.to_string()).collect();
                Err(Error::config(format!("there is no checkpoint {epoch} in {location}")).help(format!("there are: {}", known.join(", "))))
            }
            _ => newest(location).and_then(|_| Err(savepoint::nothing_in(location))),
        };
    };
    let tables = manifest.read(&*folder).map_err(|why| Error::from(why).into_state())?;
    Ok((Saved::of(location, savepoint, manifest), tables))
}
