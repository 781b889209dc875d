//! Which files of a folder are ours, and getting rid of those that nothing names any longer.

use flott_engine::Result;
use std::collections::HashSet;
use std::io::ErrorKind;

use crate::files::at;
use crate::folder::{Folder, LOCK, whole_name};
use crate::head::HEAD;
use crate::manifest::{Manifest, epoch_in, file_name, read_manifest};

/// Beginnings and the end of names of files.
pub const STATE_PREFIX: &str = "state-";
/// See [`STATE_PREFIX`].
pub const OUTPUT_PREFIX: &str = "output-";
/// See [`STATE_PREFIX`].
pub const STATE_SUFFIX: &str = ".seg";

/// Whether a file is part of a checkpoint or an unfinished piece of one; anything else is left alone.
pub fn is_ours(name: &str) -> bool {
    let whole = whole_name(name);
    epoch_in(whole).is_some()
        || whole == HEAD
        || ([STATE_PREFIX, OUTPUT_PREFIX].iter().any(|prefix| whole.starts_with(prefix)) && whole.ends_with(STATE_SUFFIX))
}

/// All files of a folder.
pub fn list(folder: &dyn Folder) -> Result<Vec<String>> {
    folder.list().map_err(|e| at(e, &folder.place("")))
}

/// Removes what is ours of these, but the head.
pub fn remove_all(folder: &mut dyn Folder, names: &[String]) -> Result<()> {
    for name in names.iter().filter(|n| is_ours(n) && *n != HEAD) {
        match folder.remove(name) {
            Err(e) if e.kind() != ErrorKind::NotFound => return Err(at(e, &folder.place(name))),
            _ => {}
        }
    }
    folder.settle().map_err(|e| at(e, &folder.place("")))
}

/// Names of a manifest and of all files that it names.
pub fn named(manifest: &Manifest) -> impl Iterator<Item = String> {
    let outputs = manifest.outbox.iter().map(|output| &output.segment);
    std::iter::once(file_name(manifest.epoch)).chain(manifest.segments.iter().chain(outputs).map(|segment| segment.file.clone()))
}

/// Deletes what is not needed, of the files up to this generation and manifests up to this epoch: those of a successor are not ours to delete,
/// whatever we believe. Failing to delete harms nothing: the next checkpoint tries again.
pub fn collect(folder: &mut dyn Folder, mut needed: HashSet<String>, generation: u64, newest: u64) {
    needed.extend([LOCK, HEAD].map(String::from));
    let names = folder.list().unwrap_or_default();
    let mut garbage: Vec<String> = names.into_iter().filter(|n| is_ours(n) && !needed.contains(n)).collect();
    garbage.retain(|n| generation_of(n).is_none_or(|g| g <= generation) && epoch_in(whole_name(n)).is_none_or(|epoch| epoch <= newest));
    // Manifests come before state files, so that none is ever left without its files.
    garbage.sort_by_key(|n| epoch_in(n).is_none());
    for name in garbage {
        if folder.remove(&name).is_err() {
            return;
        }
    }
}

/// The highest generation that left traces, for a folder that lost its head.
pub fn highest_generation(folder: &dyn Folder, names: &[String]) -> u64 {
    let in_manifest = |n: &String| epoch_in(n).and_then(|_| read_manifest(folder, n).ok()).map(|m| m.generation);
    names.iter().filter_map(|n| generation_of(n).or_else(|| in_manifest(n))).max().unwrap_or(0)
}

/// The generation of the instance that wrote a segment or an output, from its name.
fn generation_of(name: &str) -> Option<u64> {
    let name = whole_name(name);
    [STATE_PREFIX, OUTPUT_PREFIX].iter().find_map(|prefix| name.strip_prefix(prefix)?.split('-').next()?.parse().ok())
}
