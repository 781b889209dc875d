//! Segments become one, on a thread of their own: neither ticks nor checkpoints wait for it.

use std::path::Path;
use std::sync::mpsc::{Receiver, TryRecvError, channel};

use crate::disk::Disk;
use crate::files::Files;
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
    pub fn begin(disk: &dyn Disk, dir: &Path, segments: &[Segment], oldest: bool, file: String) -> Self {
        let (sender, done) = channel();
        let first = segments.first().map(|segment| segment.file.clone()).unwrap_or_default();
        let merge = Self { file: file.clone(), first, count: segments.len(), done };
        let (dir, segments) = (dir.to_path_buf(), segments.to_vec());
        let (mut disk, at_the_same_time) = disk.another();
        let work = move || {
            let merged = merge_into(&mut *disk, &dir, &segments, oldest, file);
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

fn merge_into(disk: &mut dyn Disk, dir: &Path, segments: &[Segment], oldest: bool, file: String) -> Option<Segment> {
    let path = dir.join(&file);
    let mut files = Files::new(dir);
    let mut write = |offset: u64, bytes: &[u8]| disk.write_at(&path, offset, bytes).map_err(|e| e.to_string());
    let merged = merge(segments, oldest, &mut files, &mut write);
    let merged = merged.ok().map(|(pieces, size)| Segment { file, size, pieces }).filter(|merged| merged.size > 0);
    if merged.is_none() || disk.sync(&path).and_then(|()| disk.sync_dir(dir)).is_err() {
        let _ = disk.remove(&path);
        return None;
    }
    merged
}
