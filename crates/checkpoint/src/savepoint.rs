//! Reading a folder that holds checkpoints or is a savepoint, and writing savepoints: a manifest with one segment of all the state, which
//! needs nothing else and is never deleted by a job.

use flott_engine::checkpoint::TableState;
use flott_engine::{Error, Result};

use crate::codec::seal;
use crate::files::{Files, Unusable, at};
use crate::folder::{Folder, Over};
use crate::garbage::list;
use crate::location::Location;
use crate::manifest::{Manifest, epoch_in, file_name, read_manifest};
use crate::merge::write_from;
use crate::outputs::Output;
use crate::segments::{Piece, Segment};

/// The file of a savepoint's state.
const STATE: &str = "state.seg";
/// Beginning of the name of a savepoint's folder.
const PREFIX: &str = "savepoint-";
/// Longest part of that name that comes from the job's, characters.
const NAME_CHARS_MAX: usize = 80;
/// What a job says of the savepoint that it begins from, before its place.
pub const BEGINS_FROM: &str = "it begins from the savepoint ";
/// Folders that an error names, the last ones.
const NAMED_MAX: usize = 5;

/// Manifests that can be read, oldest first, and the names of damaged ones with the reason.
pub type Manifests = (Vec<Manifest>, Vec<(String, String)>);

/// The manifests of a folder.
pub fn manifests(folder: &dyn Folder) -> Result<Manifests> {
    let (mut whole, mut damaged) = (vec![], vec![]);
    for name in list(folder)?.into_iter().filter(|n| epoch_in(n).is_some()) {
        match read_manifest(folder, &name) {
            Ok(manifest) => whole.push(manifest),
            Err(Unusable::Damaged(why)) => damaged.push((name, why)),
            Err(Unusable::Failed(e)) => return Err(e),
        }
    }
    whole.sort_by_key(Manifest::age);
    Ok((whole, damaged))
}

/// The newest of these whose files are whole, with its tables; tells why newer ones are not.
pub fn newest_whole(folder: &dyn Folder, manifests: &[Manifest], refused: &mut Vec<String>) -> Result<Option<(Manifest, Vec<TableState>)>> {
    for manifest in manifests.iter().rev() {
        match manifest.read(folder) {
            Ok(tables) => return Ok(Some((manifest.clone(), tables))),
            // Checkpoints share segments: what is wrong with one of those is said once.
            Err(Unusable::Damaged(why)) if refused.contains(&why) => {}
            Err(Unusable::Damaged(why)) => refused.push(why),
            Err(Unusable::Failed(e)) => return Err(e),
        }
    }
    Ok(None)
}

/// Reads a savepoint; the newest checkpoint of a folder of checkpoints will do, too.
pub fn read(location: &Location) -> Result<(Box<dyn Folder>, Manifest, Vec<TableState>)> {
    let folder = location.folder()?;
    let (whole, damaged) = manifests(&*folder)?;
    let mut refused: Vec<String> = damaged.into_iter().map(|(name, why)| format!("{}: {why}", folder.place(&name))).collect();
    if whole.is_empty() && refused.is_empty() {
        return Err(nothing_in(location));
    }
    match newest_whole(&*folder, &whole, &mut refused)? {
        Some((manifest, tables)) if refused.is_empty() => Ok((folder, manifest, tables)),
        // Whoever names a savepoint means that one.
        _ => Err(Error::state(format!("the savepoint {location} is damaged: {}", refused.join("; ")))),
    }
}

/// There is neither a checkpoint nor a savepoint; perhaps there are some in folders of this one.
pub fn nothing_in(location: &Location) -> Error {
    let there = location.is_there();
    if !there.unwrap_or(true) {
        return nowhere(location);
    }
    let mut known: Vec<String> = location.folders().unwrap_or_default().iter().filter(|f| holds_some(f)).map(Location::to_string).collect();
    if known.is_empty() {
        return Error::state(format!("{location} holds no checkpoint and is no savepoint: it has no manifest-….json"))
            .help("name the folder of one savepoint, or of one job's checkpoints; `flott state list` finds them");
    }
    let more = known.len().saturating_sub(NAMED_MAX);
    known.drain(..more);
    let more = if more > 0 { format!(", and {more} more") } else { String::new() };
    Error::state(format!("{location} is itself no savepoint and holds no checkpoint, but folders in it do"))
        .help(format!("name one of them: {}{more}", known.join(", ")))
}

/// The folder is not there.
pub fn nowhere(location: &Location) -> Error {
    Error::state(format!("there is no folder {location}"))
        .help("is its name right? `flott state list DIR` shows what lies in a state folder")
}

fn holds_some(location: &Location) -> bool {
    let names = location.folder().and_then(|folder| list(&*folder)).unwrap_or_default();
    names.iter().any(|name| epoch_in(name).is_some())
}

/// Fails if no savepoint could be made in this folder, which is made if need be.
pub fn check_root(root: &Location) -> Result<()> {
    let mut folder = root.folder()?;
    let name = format!("{PREFIX}check-{}", std::process::id());
    let tried = folder.put(&name, b"", Over::Anything).and_then(|()| folder.remove(&name));
    tried.map_err(|e| {
        let error = at(e, &folder.place("")).into_state();
        let help = error.help.unwrap_or_else(|| "give another folder with --savepoint, or make this one writable".to_owned());
        Error { message: format!("savepoints cannot be written: {}", error.message), help: Some(help), ..error }
    })
}

/// Copies a segment to another folder, under another name.
pub fn copy(from: &dyn Folder, segment: &Segment, to: &mut dyn Folder, file: String) -> Result<Segment> {
    let mut files = Files::new(from);
    let mut size = 0;
    let mut pieces: Vec<Piece> = vec![];
    for piece in &segment.pieces {
        let bytes = files.read(segment, piece)?;
        to.write_at(&file, size, &bytes).map_err(|e| at(e, &to.place(&file)))?;
        pieces.push(Piece { offset: size, ..piece.clone() });
        size += bytes.len() as u64;
    }
    if size > 0 {
        to.finish(std::slice::from_ref(&file)).map_err(|e| at(e, &to.place(&file)))?;
    }
    Ok(Segment { file, size, pieces })
}

/// Writes a savepoint of a checkpoint into a new folder in `root`, and tells its place.
pub fn write(from: &dyn Folder, manifest: &Manifest, root: &Location) -> Result<String> {
    let safe = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '_' };
    let job: String = manifest.job.chars().take(NAME_CHARS_MAX).map(safe).collect();
    let location = root.join(&format!("{PREFIX}{job}-{:06}-{:010}", manifest.epoch, manifest.generation));
    let mut to = location.folder()?;
    let name = file_name(manifest.epoch);
    if list(&*to)?.contains(&name) {
        return Ok(location.to_string()); // of the same checkpoint
    }
    let mut segments = vec![];
    if !manifest.segments.is_empty() {
        let merged = write_from(from, &manifest.segments, &mut *to, STATE.into());
        let merged = merged.map_err(|why| Error::io(format!("cannot write the savepoint {location}: {why}")))?;
        segments.extend(Some(merged).filter(|segment| segment.size > 0));
    }
    let mut outbox = vec![];
    for (number, output) in manifest.outbox.iter().enumerate() {
        let segment = copy(from, &output.segment, &mut *to, format!("output-{number}.seg"))?;
        outbox.push(Output { segment, ..output.clone() });
    }
    let manifest = Manifest { segments, outbox, ..manifest.clone() };
    to.put(&name, &seal(&manifest)?, Over::Nothing).map_err(|e| at(e, &to.place(&name)))?;
    Ok(location.to_string())
}
