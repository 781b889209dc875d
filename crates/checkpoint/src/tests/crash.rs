//! Crashes between any two operations on the disk, with all that may be lost then.

use arrow::array::RecordBatch;
use flott_engine::Result;
use flott_engine::checkpoint::CheckpointStore;
use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

use super::{JOB, Quick, assert_same, checkpoint, latest, manifests, names, open, referenced, rows, write};
use crate::disk::{Disk, LocalDisk};
use crate::folder::{Folder, LocalFolder};
use crate::store::Store;

/// A disk that stops at the n-th operation, and then loses what was not synced.
#[derive(Default)]
struct World {
    /// Operations left before the crash.
    left: Option<usize>,
    done: usize,
    /// Contents by file, as of the last sync of each; a name stands for one file only until it is renamed over.
    synced: HashMap<u64, Vec<u8>>,
    /// File by name, now and as of the last sync of the directory.
    live: BTreeMap<PathBuf, u64>,
    durable: BTreeMap<PathBuf, u64>,
    files: u64,
    /// What this disk, or the store on it, does wrong.
    bug: Option<Bug>,
}

/// Faults that are planted to see that the tests find them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bug {
    /// Contents are not made durable.
    NoSync,
    /// Names are not made durable.
    NoSyncOfNames,
    /// The last byte of what is added to a segment is lost.
    ShortWrite,
    /// A segment that was written is not what was given.
    WrongBytes,
    /// The manifest is there before what it names is durable.
    ManifestFirst,
    /// Deleting removes one file more.
    EagerRemoval,
}

struct Faulty(Arc<Mutex<World>>);

/// What is there after the crash.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Loss {
    /// Everything that was written.
    None,
    /// Only what was synced.
    Unsynced,
    /// All names, but of contents only what was synced.
    UnsyncedContents,
    /// Of each name and each content that was not synced, some are lost.
    Some(u64),
    /// The last block of what was not synced is torn.
    Torn,
}

/// A number that looks random.
fn mixed(seed: u64, of: u64) -> u64 {
    let x = (seed ^ of.wrapping_mul(0x9E37_79B9_7F4A_7C15)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    (x ^ (x >> 31)).wrapping_mul(0x94D0_49BB_1331_11EB) >> 33
}

impl Faulty {
    fn next(&self) -> io::Result<std::sync::MutexGuard<'_, World>> {
        let mut world = self.0.lock().unwrap();
        match &mut world.left {
            Some(0) => return Err(io::Error::other("the machine has stopped")),
            Some(left) => *left -= 1,
            None => {}
        }
        world.done += 1;
        Ok(world)
    }
}

impl Disk for Faulty {
    fn write(&mut self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        match self.next() {
            Ok(mut world) => {
                world.files += 1;
                let file = world.files;
                world.live.insert(path.to_path_buf(), file);
                LocalDisk.write(path, bytes)
            }
            Err(e) => {
                // Half of it got there.
                if self.0.lock().unwrap().left == Some(0) && !path.exists() {
                    LocalDisk.write(path, &bytes[..bytes.len() / 2])?;
                }
                Err(e)
            }
        }
    }
    fn write_at(&mut self, path: &Path, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut bytes = bytes.to_vec();
        match self.0.lock().unwrap().bug {
            Some(Bug::ShortWrite) => drop(bytes.pop()),
            Some(Bug::WrongBytes) if bytes.len() > 9 => bytes[9] ^= 1,
            _ => {}
        }
        let bytes = &bytes[..];
        match self.next() {
            Ok(mut world) => {
                if offset == 0 {
                    world.files += 1;
                    let file = world.files;
                    world.live.insert(path.to_path_buf(), file);
                }
                LocalDisk.write_at(path, offset, bytes)
            }
            Err(e) => {
                if self.0.lock().unwrap().left == Some(0) {
                    LocalDisk.write_at(path, offset, &bytes[..bytes.len() / 2])?;
                }
                Err(e)
            }
        }
    }
    fn sync(&mut self, path: &Path) -> io::Result<()> {
        let mut world = self.next()?;
        let manifest = path.to_string_lossy().contains("manifest");
        if world.bug == Some(Bug::NoSync) || (world.bug == Some(Bug::ManifestFirst) && !manifest) {
            return Ok(());
        }
        let file = world.live[path];
        world.synced.insert(file, std::fs::read(path)?);
        Ok(())
    }
    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        let mut world = self.next()?;
        let file = world.live.remove(from).unwrap();
        world.live.insert(to.to_path_buf(), file);
        LocalDisk.rename(from, to)
    }
    fn sync_dir(&mut self, _: &Path) -> io::Result<()> {
        let mut world = self.next()?;
        if world.bug != Some(Bug::NoSyncOfNames) {
            world.durable = world.live.clone();
        }
        Ok(())
    }
    fn remove(&mut self, path: &Path) -> io::Result<()> {
        let mut world = self.next()?;
        world.live.remove(path);
        if world.bug == Some(Bug::EagerRemoval)
            && let Some(other) = world.live.keys().rev().find(|path| path.extension().is_some_and(|e| e == "seg")).cloned()
        {
            world.live.remove(&other);
            LocalDisk.remove(&other)?;
        }
        LocalDisk.remove(path)
    }
    fn another(&self) -> (Box<dyn Disk>, bool) {
        (Box::new(Faulty(self.0.clone())), false)
    }
}

impl World {
    /// Leaves in the directory what survives.
    fn settle(&self, dir: &Path, loss: Loss) {
        if loss == Loss::None {
            return;
        }
        let written: HashMap<PathBuf, Vec<u8>> =
            self.live.keys().filter_map(|path| Some((path.clone(), std::fs::read(path).ok()?))).collect();
        for name in names(dir).iter().filter(|n| *n != "lock") {
            std::fs::remove_file(dir.join(name)).unwrap();
        }
        let mut there = if loss == Loss::Unsynced { self.durable.clone() } else { self.live.clone() };
        if let Loss::Some(seed) = loss {
            for (n, (path, file)) in self.durable.iter().enumerate() {
                if self.live.get(path) != Some(file) && mixed(seed, n as u64).is_multiple_of(2) {
                    there.insert(path.clone(), *file);
                }
            }
            let kept = |path: &PathBuf, file: &u64| self.durable.get(path) == Some(file) || mixed(seed, *file).is_multiple_of(2);
            there.retain(|path, file| kept(path, file));
        }
        for (path, file) in &there {
            let synced = self.synced.get(file).map_or(&[][..], |b| b);
            let unsynced = written.get(path).filter(|_| self.live.get(path) == Some(file)).map_or(synced, |b| b);
            let content = match loss {
                Loss::Some(seed) if !mixed(seed, file + 77).is_multiple_of(3) => unsynced.to_vec(),
                Loss::Torn if unsynced.len() > synced.len() => {
                    let mut torn = unsynced.to_vec();
                    let from = torn.len().saturating_sub(512).max(synced.len());
                    torn[from..].fill(0);
                    torn
                }
                _ => synced.to_vec(),
            };
            std::fs::write(path, content).unwrap();
        }
    }
}

const LOSSES: [Loss; 7] = [Loss::None, Loss::Unsynced, Loss::UnsyncedContents, Loss::Torn, Loss::Some(1), Loss::Some(2), Loss::Some(3)];

/// What a job does: opens, resumes, checkpoints, ends. Counts the epochs that it was told are durable.
fn life(store: Result<Store>, durable: &mut u64, discarded: &mut bool) -> Result<()> {
    let mut store = store?;
    let (found, _) = latest(&mut store)?;
    let from = found.map_or(0, |c| c.epoch);
    if from > 0 {
        let output: Vec<RecordBatch> = store.output(4, from)?()?.collect::<Result<_>>()?;
        assert_eq!(output, [rows(&[from as i64]), rows(&[7])]);
    }
    for epoch in from + 1..=from + 10 {
        store.keep_output(4, &[rows(&[epoch as i64]), rows(&[7])])?;
        write(&mut store, &checkpoint(epoch))?;
        *durable = epoch;
        if epoch > from + 1 {
            store.delivered(4, epoch - 1);
        }
        // No manifest that counts is ever without its files.
        let folder = LocalFolder::new(Path::new(&store.place()));
        for manifest in manifests(&folder) {
            assert!(referenced(&folder, &manifest).iter().all(|f| folder.size(f).is_ok()), "{manifest}");
        }
    }
    *discarded = true;
    store.discard()?;
    *durable = 0;
    *discarded = false;
    write(&mut store, &checkpoint(1))?;
    *durable = 1;
    Ok(())
}

fn store_on(dir: &Path, disk: Box<dyn Disk>) -> Result<Store> {
    Store::open_in(Box::new(LocalFolder::on(dir, disk)), JOB)
}

/// Crashes before each operation of a life in turn, with each kind of loss; tells what is not as it must be.
fn crash_everywhere(bug: Option<Bug>) -> std::result::Result<(), String> {
    for loss in LOSSES {
        for crash_at in 0.. {
            let dir = TempDir::new().unwrap();
            let world = Arc::new(Mutex::new(World { left: Some(crash_at), bug, ..Default::default() }));
            let (mut durable, mut discarding) = (0, false);
            let disk = Box::new(Faulty(world.clone()));
            let outcome = life(store_on(dir.path(), disk), &mut durable, &mut discarding);
            world.lock().unwrap().settle(dir.path(), loss);
            let place = format!("{loss:?}, crash at operation {crash_at}");
            let mut heir = store_on(dir.path(), Box::new(Quick)).map_err(|e| format!("{place}: {e}"))?;
            let (found, notes) = latest(&mut heir).map_err(|e| format!("{place}: {e}"))?;
            if !notes.is_empty() {
                return Err(format!("{place}: {notes:?}"));
            }
            let epoch = found.as_ref().map_or(0, |c| c.epoch);
            // The one in the making may have become whole.
            let right = if discarding { epoch == durable || epoch == 0 } else { epoch == durable || epoch == durable + 1 };
            if !right {
                return Err(format!("{place}: found {epoch}, {durable} was durable"));
            }
            if let Some(found) = found {
                assert_same(&found, epoch);
            }
            match outcome {
                Ok(()) if crash_at > 60 => break,
                Ok(()) => return Err(format!("only {crash_at} operations")),
                Err(e) if e.to_string().contains("the machine has stopped") => {}
                Err(e) => return Err(format!("{place}: {e}")),
            }
        }
    }
    Ok(())
}

#[test]
fn after_a_crash_between_any_two_operations_the_last_durable_checkpoint_is_there() {
    crash_everywhere(None).unwrap();
}

#[test]
fn planted_bugs_are_found() {
    for bug in [Bug::NoSync, Bug::NoSyncOfNames, Bug::ShortWrite, Bug::WrongBytes, Bug::ManifestFirst, Bug::EagerRemoval] {
        // A life that itself stumbles over the bug has found it as well.
        let outcome = std::panic::catch_unwind(|| crash_everywhere(Some(bug)));
        assert!(!matches!(outcome, Ok(Ok(()))), "{bug:?} was not found");
    }
}

#[test]
fn crashes_during_recovery_lose_nothing() {
    for loss in LOSSES {
        for first in (0..70).step_by(7) {
            for second in 0..12 {
                let dir = TempDir::new().unwrap();
                let (mut durable, mut discarding) = (0, false);
                let world = Arc::new(Mutex::new(World { left: Some(first), ..Default::default() }));
                let disk = Box::new(Faulty(world.clone()));
                let _ = life(store_on(dir.path(), disk), &mut durable, &mut discarding);
                let mut after = World { left: Some(second), ..Default::default() };
                {
                    let world = world.lock().unwrap();
                    world.settle(dir.path(), loss);
                    // What is on disk now is durable for the next life.
                    for name in names(dir.path()).into_iter().filter(|n| n != "lock") {
                        let path = dir.path().join(name);
                        after.files += 1;
                        let file = after.files;
                        after.synced.insert(file, std::fs::read(&path).unwrap());
                        after.live.insert(path, file);
                    }
                    after.durable = after.live.clone();
                }
                let before = durable;
                let world = Arc::new(Mutex::new(after));
                let disk = Box::new(Faulty(world.clone()));
                let mut once_discarding = discarding;
                let _ = life(store_on(dir.path(), disk), &mut durable, &mut once_discarding);
                world.lock().unwrap().settle(dir.path(), loss);
                let (found, _) = latest(&mut open(dir.path())).unwrap();
                let epoch = found.map_or(0, |c| c.epoch);
                let floor = if discarding || once_discarding { 0 } else { durable.max(before) };
                assert!(epoch >= floor, "{loss:?} {first} {second}: found {epoch}, had {before}, {durable}");
            }
        }
    }
}
