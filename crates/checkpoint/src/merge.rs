//! Segments become one, on a thread of their own: neither ticks nor checkpoints wait for it.

use std::sync::mpsc::{Receiver, TryRecvError, channel};

use crate::files::Files;
use crate::folder::Folder;
use crate::segments::{Segment, merge};

/// Segments that are being merged.
pub struct Merge {
    /// The file they are merged into.
    pub file: String,
    /// The file of the first of them.
    first: String,
    /// How many there are.
    count: usize,
    done: Receiver<Option<Segment>>,
}

impl Merge {
    /// Begins to merge segments that follow each other. `oldest`: there is nothing before them.
    pub fn begin(folder: &dyn Folder, segments: &[Segment], oldest: bool, file: String) -> Self {
        let (sender, done) = channel();
        let first = segments.first().map(|segment| segment.file.clone()).unwrap_or_default();
        let merge = Self { file: file.clone(), first, count: segments.len(), done };
        let segments = segments.to_vec();
        let (mut folder, at_the_same_time) = folder.another();
        let work = move || {
            let merged = merge_into(&mut *folder, &segments, oldest, file);
            let _ = sender.send(merged);
        };
        if at_the_same_time {
            // Without a thread nothing is merged, and the next attempt comes with the next checkpoint.
            drop(std::thread::Builder::new().name("merge".into()).spawn(work));
        } else {
            work();
        }
        merge
    }

    /// The segment, once it is there; `Some(None)` if it failed.
    pub fn poll(&self) -> Option<Option<Segment>> {
        match self.done.try_recv() {
            Ok(merged) => Some(merged),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => Some(None),
        }
    }

    /// Puts the segment in the place of those it was made of.
    pub fn replace(self, segments: &mut Vec<Segment>, merged: Segment) {
        if let Some(at) = segments.iter().position(|segment| segment.file == self.first) {
            segments.splice(at..at + self.count, [merged]);
        }
    }
}

/// Writes the segment; without it, for whatever reason, nothing is missing.
fn merge_into(folder: &mut dyn Folder, segments: &[Segment], oldest: bool, file: String) -> Option<Segment> {
    let merged = write_merged(folder, segments, oldest, file.clone()).ok().filter(|merged| merged.size > 0);
    if merged.is_none() {
        let _ = folder.remove(&file);
    }
    merged
}

fn write_merged(folder: &mut dyn Folder, segments: &[Segment], oldest: bool, file: String) -> Result<Segment, String> {
    let files = Files::new(folder);
    write_to(files, segments, oldest, folder, file)
}

/// Merges all segments of a checkpoint into a file of another folder, which is durable then.
pub fn write_from(from: &dyn Folder, segments: &[Segment], to: &mut dyn Folder, file: String) -> Result<Segment, String> {
    write_to(Files::new(from), segments, true, to, file)
}

fn write_to(mut files: Files, segments: &[Segment], oldest: bool, to: &mut dyn Folder, file: String) -> Result<Segment, String> {
    let mut write = |offset: u64, bytes: &[u8]| to.write_at(&file, offset, bytes).map_err(|e| e.to_string());
    let (pieces, size) = merge(segments, oldest, &mut files, &mut write)?;
    if size > 0 {
        to.finish(std::slice::from_ref(&file)).map_err(|e| e.to_string())?;
    }
    Ok(Segment { file, size, pieces })
}
