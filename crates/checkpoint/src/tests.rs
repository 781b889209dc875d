//! Damage, crashes and double starts.

use arrow::array::{AsArray, Int64Array, RecordBatch, StringArray, UInt8Array};
use arrow::datatypes::{DataType, Field, Int64Type, Schema};
use flott_engine::checkpoint::{Checkpoint, CheckpointStore, SinkState, SplitState, TableChanges, TableState};
use flott_engine::state::changes::Changes;
use flott_engine::{ErrorKind, Result};
use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

use crate::disk::{Disk, LocalDisk};
use crate::head::HEAD;
use crate::manifest::{epoch_in, file_name};
use crate::store::LocalStore;

mod crash;

const JOB: &str = "orders";

fn rows(values: &[i64]) -> RecordBatch {
    let fields = vec![
        Field::new("key_group", DataType::UInt8, false),
        Field::new("key0", DataType::Utf8, true),
        Field::new("value0", DataType::Int64, false),
    ];
    let keys: StringArray = values.iter().map(|v| (v % 3 != 0).then(|| format!("key {v}"))).collect();
    RecordBatch::try_new(
        Arc::new(Schema::new(fields)),
        vec![
            Arc::new(UInt8Array::from_iter_values(values.iter().map(|v| *v as u8))),
            Arc::new(keys),
            Arc::new(Int64Array::from(values.to_vec())),
        ],
    )
    .unwrap()
}

/// Node 1 changes with every epoch, in two parts; node 2 never does; node 3 is empty.
fn checkpoint(epoch: u64) -> Checkpoint {
    let e = epoch as i64;
    let table = |node, table: &str, values: &[i64]| TableState { node, table: table.into(), rows: rows(values) };
    let split = SplitState {
        node: 0,
        id: "a.json".into(),
        detail: "größe=1".into(),
        position: (epoch > 1).then(|| format!("{{\"byte\":{epoch}}}")),
        rows_taken: epoch * 7,
        watermark: if epoch > 1 { e } else { i64::MIN },
        ended: epoch.is_multiple_of(2),
        rows: u64::MAX,
        bad_rows: 3,
    };
    Checkpoint {
        epoch,
        fingerprint: "f00d".into(),
        finished: epoch == 9,
        now_ms: 1_700_000_000_000 + e,
        watermarks: vec![(0, e - 5), (9, i64::MIN)],
        splits: vec![split],
        sinks: vec![SinkState { node: 4, progress: format!("{{\"epoch\":{epoch}}}") }],
        tables: vec![
            table(1, "groups", &[e, e + 1]),
            table(1, "groups", &[e * 100]),
            table(2, "still", &[1, 2, 3]),
            table(3, "empty", &[]),
        ],
        late: vec![(1, epoch)],
        outbox: vec![],
        state_rows: 0,
    }
}

/// What a job does at the end of an epoch. Of a table that does not change only the first time, and what is written last counts.
fn write(store: &mut LocalStore, checkpoint: &Checkpoint) -> Result<()> {
    let mut parts: HashMap<(usize, &str), usize> = HashMap::new();
    let (mut before, mut changes) = (vec![], vec![]);
    for table in checkpoint.tables.iter().filter(|t| t.table != "still" || store.is_new()) {
        let counter = parts.entry((table.node, &table.table)).or_default();
        let of = |rows: &RecordBatch| TableChanges {
            node: table.node,
            table: table.table.clone(),
            part: *counter,
            changes: Changes { rows: rows.clone(), entries: (0..rows.num_rows() as u64).collect(), removed: vec![100..150, 150..200] },
        };
        before.push(of(&rows(&[-1, -2][..table.rows.num_rows().min(2)])));
        changes.push(of(&table.rows));
        *counter += 1;
    }
    store.append(&before)?;
    store.append(&changes)?;
    store.publish(checkpoint).map(drop)
}

fn assert_same(found: &Checkpoint, epoch: u64) {
    let expected = checkpoint(epoch);
    assert_eq!(
        (found.epoch, &found.fingerprint, found.finished, found.now_ms, &found.splits, &found.sinks, &found.late),
        (epoch, &expected.fingerprint, expected.finished, expected.now_ms, &expected.splits, &expected.sinks, &expected.late)
    );
    assert_eq!(found.watermarks, expected.watermarks);
    let tables: Vec<_> = expected.tables.iter().filter(|t| t.rows.num_rows() > 0).collect();
    assert_eq!(found.tables.len(), tables.len());
    for (found, expected) in found.tables.iter().zip(tables) {
        assert_eq!((found.node, &found.table, &found.rows), (expected.node, &expected.table, &expected.rows));
    }
}

/// The file system without syncing, which is most of the time of a test.
struct Quick;

impl Disk for Quick {
    fn write(&mut self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        LocalDisk.write(path, bytes)
    }
    fn write_at(&mut self, path: &Path, offset: u64, bytes: &[u8]) -> io::Result<()> {
        LocalDisk.write_at(path, offset, bytes)
    }
    fn sync(&mut self, _: &Path) -> io::Result<()> {
        Ok(())
    }
    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        LocalDisk.rename(from, to)
    }
    fn sync_dir(&mut self, _: &Path) -> io::Result<()> {
        Ok(())
    }
    fn remove(&mut self, path: &Path) -> io::Result<()> {
        LocalDisk.remove(path)
    }
    fn another(&self) -> (Box<dyn Disk>, bool) {
        (Box::new(Quick), false)
    }
}

fn open(dir: &Path) -> LocalStore {
    LocalStore::open_on(dir, JOB, Box::new(Quick)).unwrap()
}

fn latest(store: &mut LocalStore) -> Result<(Option<Checkpoint>, Vec<String>)> {
    let mut notes = vec![];
    let found = store.latest(&mut |n| notes.push(n))?;
    Ok((found, notes))
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn manifests(dir: &Path) -> Vec<String> {
    names(dir).into_iter().filter(|n| epoch_in(n).is_some()).collect()
}

/// Every file that a manifest names.
fn referenced(dir: &Path, manifest: &str) -> Vec<String> {
    let text = std::fs::read_to_string(dir.join(manifest)).unwrap();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    json["content"]["segments"].as_array().unwrap().iter().map(|f| f["file"].as_str().unwrap().to_string()).collect()
}

#[test]
fn a_checkpoint_comes_back_as_it_was() {
    let dir = TempDir::new().unwrap();
    for epoch in 1..=9 {
        let mut store = open(dir.path());
        let (found, notes) = latest(&mut store).unwrap();
        assert!(notes.is_empty(), "{notes:?}");
        match epoch {
            1 => assert!(found.is_none()),
            _ => assert_same(&found.unwrap(), epoch - 1),
        }
        assert_eq!(store.generation(), epoch);
        write(&mut store, &checkpoint(epoch)).unwrap();
    }
}

#[test]
fn the_newest_three_are_kept_and_unchanged_tables_are_shared() {
    let dir = TempDir::new().unwrap();
    let mut store = open(dir.path());
    for epoch in 1..=6 {
        write(&mut store, &checkpoint(epoch)).unwrap();
    }
    assert_eq!(manifests(dir.path()), [4, 5, 6].map(|epoch| file_name(1, epoch)));
    let first: Vec<String> = manifests(dir.path()).iter().map(|m| referenced(dir.path(), m)[0].clone()).collect();
    assert!(first.iter().all(|f| *f == first[0]), "{first:?}");
    // A segment an epoch, manifests, head and lock.
    assert_eq!(names(dir.path()).len(), 6 + 3 + 2);
    for epoch in 7..=90 {
        write(&mut store, &checkpoint(epoch)).unwrap();
        assert!(referenced(dir.path(), &file_name(1, epoch)).len() <= 34, "many segments are merged");
        assert_same(&latest(&mut open_again(&dir)).unwrap().0.unwrap(), epoch);
    }
    assert!(names(dir.path()).len() < 60, "{:?}", names(dir.path()));
}

/// Another store over a copy of the directory.
fn open_again(dir: &TempDir) -> LocalStore {
    let copy = TempDir::new().unwrap();
    for name in names(dir.path()) {
        std::fs::copy(dir.path().join(&name), copy.path().join(&name)).unwrap();
    }
    open(&copy.keep())
}

#[test]
fn files_of_others_are_left_alone() {
    let dir = TempDir::new().unwrap();
    std::fs::write(dir.path().join("notes.txt"), "mine").unwrap();
    let mut store = open(dir.path());
    write(&mut store, &checkpoint(1)).unwrap();
    store.discard().unwrap();
    assert_eq!(names(dir.path()), [HEAD, "lock", "notes.txt"]);
}

#[test]
fn a_second_instance_is_told_who_has_the_directory() {
    let dir = TempDir::new().unwrap();
    let first = open(dir.path());
    let refused = LocalStore::open(dir.path(), JOB).err().unwrap();
    let text = refused.to_string();
    assert!(text.contains(&dir.path().display().to_string()) && text.contains(&std::process::id().to_string()), "{text}");
    assert_eq!(refused.kind, ErrorKind::State);
    drop(first);
    open(dir.path());
}

#[test]
fn an_instance_that_was_replaced_cannot_publish() {
    let dir = TempDir::new().unwrap();
    let mut zombie = open(dir.path());
    write(&mut zombie, &checkpoint(1)).unwrap();
    // As on a file system that does not honour locks.
    std::fs::rename(dir.path().join("lock"), dir.path().join("old lock")).unwrap();
    let mut heir = open(dir.path());
    assert_same(&latest(&mut heir).unwrap().0.unwrap(), 1);
    let refused = write(&mut zombie, &checkpoint(2)).unwrap_err().to_string();
    assert!(refused.contains("is fenced"), "{refused}");
    assert!(zombie.discard().is_err());
    write(&mut heir, &checkpoint(2)).unwrap();
    assert_same(&latest(&mut heir).unwrap().0.unwrap(), 2);
}

/// A disk on which a successor takes the directory over and takes a checkpoint, just before a manifest gets its name.
struct Frozen {
    dir: PathBuf,
    woken: bool,
}

impl Disk for Frozen {
    fn write(&mut self, path: &Path, bytes: &[u8]) -> std::io::Result<()> {
        LocalDisk.write(path, bytes)
    }
    fn write_at(&mut self, path: &Path, offset: u64, bytes: &[u8]) -> std::io::Result<()> {
        LocalDisk.write_at(path, offset, bytes)
    }
    fn sync(&mut self, path: &Path) -> std::io::Result<()> {
        LocalDisk.sync(path)
    }
    fn rename(&mut self, from: &Path, to: &Path) -> std::io::Result<()> {
        let manifest = to.file_name().and_then(|n| n.to_str()).and_then(epoch_in);
        if manifest == Some(2) && !std::mem::replace(&mut self.woken, true) {
            std::fs::rename(self.dir.join("lock"), self.dir.join("old lock")).unwrap();
            let mut heir = open(&self.dir);
            assert_same(&latest(&mut heir).unwrap().0.unwrap(), 1);
            write(&mut heir, &checkpoint(2)).unwrap();
        }
        LocalDisk.rename(from, to)
    }
    fn sync_dir(&mut self, dir: &Path) -> std::io::Result<()> {
        LocalDisk.sync_dir(dir)
    }
    fn remove(&mut self, path: &Path) -> std::io::Result<()> {
        LocalDisk.remove(path)
    }
    fn another(&self) -> (Box<dyn Disk>, bool) {
        (Box::new(LocalDisk), true)
    }
}

#[test]
fn an_instance_that_wakes_while_it_publishes_does_no_harm() {
    let dir = TempDir::new().unwrap();
    let disk = Box::new(Frozen { dir: dir.path().to_path_buf(), woken: false });
    let mut zombie = LocalStore::open_on(dir.path(), JOB, disk).unwrap();
    write(&mut zombie, &checkpoint(1)).unwrap();
    let fenced = write(&mut zombie, &checkpoint(2)).unwrap_err();
    assert!(fenced.to_string().contains("is fenced"), "{fenced}");
    let of_heir = dir.path().join(file_name(2, 2));
    let found = std::fs::read_to_string(&of_heir).unwrap();
    let mut next = open(dir.path());
    assert_same(&latest(&mut next).unwrap().0.unwrap(), 2);
    assert!(found.contains("\"generation\":2"), "{found}");
    assert!(referenced(dir.path(), &file_name(2, 2)).iter().all(|f| dir.path().join(f).exists()));
}

#[test]
fn a_directory_of_another_job_is_refused() {
    let dir = TempDir::new().unwrap();
    drop(open(dir.path()));
    let text = LocalStore::open(dir.path(), "payments").err().unwrap().to_string();
    assert!(text.contains("'orders'") && text.contains("'payments'"), "{text}");
}

#[test]
fn without_manifests_a_job_that_had_checkpoints_does_not_start_afresh() {
    let dir = TempDir::new().unwrap();
    write(&mut open(dir.path()), &checkpoint(1)).unwrap();
    std::fs::remove_file(dir.path().join(file_name(1, 1))).unwrap();
    for head_too in [false, true] {
        if head_too {
            std::fs::remove_file(dir.path().join(HEAD)).unwrap();
        }
        let refused = latest(&mut open(dir.path())).unwrap_err();
        assert_eq!(refused.kind, ErrorKind::State);
        assert!(refused.to_string().contains("--fresh"), "{refused}");
    }
    // What --fresh does.
    let mut store = open(dir.path());
    store.discard().unwrap();
    assert!(latest(&mut store).unwrap().0.is_none());
    write(&mut store, &checkpoint(1)).unwrap();
    assert_same(&latest(&mut store).unwrap().0.unwrap(), 1);
}

#[test]
fn a_lost_head_is_made_anew_above_every_earlier_generation() {
    let dir = TempDir::new().unwrap();
    for epoch in 1..=4 {
        write(&mut open(dir.path()), &checkpoint(epoch)).unwrap();
    }
    std::fs::remove_file(dir.path().join(HEAD)).unwrap();
    let mut store = open(dir.path());
    assert_eq!(store.generation(), 5);
    assert_same(&latest(&mut store).unwrap().0.unwrap(), 4);
}

#[test]
fn a_newer_format_is_refused() {
    let dir = TempDir::new().unwrap();
    write(&mut open(dir.path()), &checkpoint(1)).unwrap();
    for name in [file_name(1, 1), HEAD.to_string()] {
        let path = dir.path().join(&name);
        let whole = std::fs::read(&path).unwrap();
        let mut json: serde_json::Value = serde_json::from_str(crate::codec::unseal(&whole).unwrap()).unwrap();
        json["version"] = 3.into();
        std::fs::write(&path, crate::codec::seal(&json).unwrap()).unwrap();
        let refused = match LocalStore::open(dir.path(), JOB) {
            Ok(mut store) => latest(&mut store).unwrap_err(),
            Err(e) => e,
        };
        assert!(refused.to_string().contains("version 3"), "{refused}");
        std::fs::write(&path, whole).unwrap();
    }
}

/// Two checkpoints; `f` damages a file of the newer one that the older does not need. The older one is to be found.
fn with_damage(f: impl Fn(&Path, &dyn Fn(&Path, &[u8]))) {
    let dir = TempDir::new().unwrap();
    write(&mut open(dir.path()), &checkpoint(1)).unwrap();
    let mut store = open(dir.path());
    latest(&mut store).unwrap();
    write(&mut store, &checkpoint(2)).unwrap();
    drop(store);
    let check = |path: &Path, damaged: &[u8]| {
        let whole = std::fs::read(path).unwrap();
        std::fs::write(path, damaged).unwrap();
        let mut store = open(dir.path());
        let (found, notes) = latest(&mut store).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        assert_same(&found.unwrap(), 1);
        assert_eq!(notes.len(), 1, "{notes:?}");
        assert!(notes[0].contains(&path.display().to_string()), "{notes:?}");
        std::fs::write(path, whole).unwrap();
    };
    let of_newer = |n: &String| *n == file_name(2, 2) || n.starts_with("state-0000000002-");
    let parts: Vec<PathBuf> = names(dir.path()).iter().filter(|n| of_newer(n)).map(|n| dir.path().join(n)).collect();
    assert_eq!(parts.len(), 2, "the segment and the manifest");
    for part in parts {
        f(&part, &check);
    }
}

#[test]
fn truncated_files_are_passed_over() {
    with_damage(|path, check| {
        let whole = std::fs::read(path).unwrap();
        for length in [0, 1, 7, 8, 16, 511, 512, whole.len() / 2, whole.len() - 1].into_iter().filter(|l| *l < whole.len()) {
            check(path, &whole[..length]);
        }
        check(path, &[&whole[..], b"x"].concat());
    });
}

#[test]
fn every_flipped_bit_is_detected() {
    with_damage(|path, check| {
        let whole = std::fs::read(path).unwrap();
        // Opening the store is what costs time: bits are flipped in memory for the checksum, a sample of them on disk.
        let manifest = path.extension().is_some_and(|e| e == "json");
        let sum = crate::codec::checksum(&whole);
        for bit in 0..whole.len() * 8 {
            let mut damaged = whole.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            if manifest {
                assert!(crate::codec::unseal(&damaged).is_err(), "bit {bit}");
            } else {
                assert_ne!(crate::codec::checksum(&damaged), sum, "bit {bit}");
            }
            if bit % 197 == 0 {
                check(path, &damaged);
            }
        }
    });
}

#[test]
fn every_flipped_bit_of_the_head_is_mended_and_said() {
    let dir = TempDir::new().unwrap();
    write(&mut open(dir.path()), &checkpoint(1)).unwrap();
    let path = dir.path().join(HEAD);
    let whole = std::fs::read(&path).unwrap();
    for bit in 0..whole.len() * 8 {
        let mut damaged = whole.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        std::fs::write(&path, damaged).unwrap();
        let mut store = open(dir.path());
        let (found, notes) = latest(&mut store).unwrap();
        assert_same(&found.unwrap(), 1);
        assert_eq!((notes.len(), store.generation()), (1, 2), "{notes:?}");
    }
}

#[test]
fn with_nothing_whole_a_job_does_not_start_afresh() {
    let dir = TempDir::new().unwrap();
    let mut store = open(dir.path());
    write(&mut store, &checkpoint(1)).unwrap();
    write(&mut store, &checkpoint(2)).unwrap();
    drop(store);
    std::fs::write(dir.path().join(file_name(1, 2)), "").unwrap();
    let shared = referenced(dir.path(), &file_name(1, 1))[0].clone();
    std::fs::remove_file(dir.path().join(&shared)).unwrap();
    let text = latest(&mut open(dir.path())).unwrap_err().to_string();
    assert!(text.contains(&shared) && text.contains(&file_name(1, 2)) && text.contains("--fresh"), "{text}");
}

#[test]
fn a_checkpoint_after_a_damaged_one_replaces_it() {
    let dir = TempDir::new().unwrap();
    let mut store = open(dir.path());
    (1..=3).for_each(|e| write(&mut store, &checkpoint(e)).unwrap());
    drop(store);
    let spoilt = dir.path().join(referenced(dir.path(), &file_name(1, 3)).pop().unwrap());
    let whole = std::fs::read(&spoilt).unwrap();
    std::fs::write(&spoilt, "").unwrap();
    let mut store = open(dir.path());
    let (found, _) = latest(&mut store).unwrap();
    assert_same(&found.unwrap(), 2);
    // The other way of history would be readable again; what was written after the fall-back counts.
    std::fs::write(&spoilt, whole).unwrap();
    let mut again = checkpoint(2);
    again.fingerprint = "after the fall-back".into();
    write(&mut store, &again).unwrap();
    assert_eq!(latest(&mut store).unwrap().0.unwrap().fingerprint, "after the fall-back");
}

#[test]
fn tables_of_every_kind_of_column_survive() {
    let dir = TempDir::new().unwrap();
    let sliced = rows(&(0..1000).collect::<Vec<_>>()).slice(100, 50);
    let mut store = open(dir.path());
    let mut one = checkpoint(1);
    one.tables = vec![TableState { node: 7, table: "t".into(), rows: sliced.clone() }];
    write(&mut store, &one).unwrap();
    let found = latest(&mut store).unwrap().0.unwrap();
    assert_eq!(found.tables[0].rows, sliced);
    assert_eq!(found.tables[0].rows.column(2).as_primitive::<Int64Type>().len(), 50);
}

#[test]
fn a_full_disk_is_waited_for() {
    struct Full(Arc<Mutex<bool>>);
    impl Disk for Full {
        fn write(&mut self, path: &Path, bytes: &[u8]) -> io::Result<()> {
            self.write_at(path, 0, bytes)
        }
        fn write_at(&mut self, path: &Path, offset: u64, bytes: &[u8]) -> io::Result<()> {
            if *self.0.lock().unwrap() {
                LocalDisk.write_at(path, offset, &bytes[..8])?;
                return Err(io::Error::from(io::ErrorKind::StorageFull));
            }
            LocalDisk.write_at(path, offset, bytes)
        }
        fn sync(&mut self, path: &Path) -> io::Result<()> {
            LocalDisk.sync(path)
        }
        fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
            LocalDisk.rename(from, to)
        }
        fn sync_dir(&mut self, dir: &Path) -> io::Result<()> {
            LocalDisk.sync_dir(dir)
        }
        fn remove(&mut self, path: &Path) -> io::Result<()> {
            LocalDisk.remove(path)
        }
        fn another(&self) -> (Box<dyn Disk>, bool) {
            (Box::new(Full(self.0.clone())), false)
        }
    }
    let dir = TempDir::new().unwrap();
    let full = Arc::new(Mutex::new(false));
    let mut store = LocalStore::open_on(dir.path(), JOB, Box::new(Full(full.clone()))).unwrap();
    write(&mut store, &checkpoint(1)).unwrap();
    *full.lock().unwrap() = true;
    assert_eq!(write(&mut store, &checkpoint(2)).unwrap_err().kind, ErrorKind::Full);
    assert_same(&latest(&mut open_again(&dir)).unwrap().0.unwrap(), 1);
    *full.lock().unwrap() = false;
    write(&mut store, &checkpoint(2)).unwrap();
    assert_same(&latest(&mut store).unwrap().0.unwrap(), 2);
}

#[test]
fn output_waits_until_it_was_delivered() {
    let dir = TempDir::new().unwrap();
    let mut store = open(dir.path());
    let read = |store: &mut LocalStore, epoch| {
        let mut open = store.output(4, epoch)?;
        let batches: Vec<RecordBatch> = open()?.collect::<Result<_>>()?;
        assert_eq!(open()?.count(), batches.len(), "as often as need be");
        Ok::<_, flott_engine::Error>(batches)
    };
    store.keep_output(4, &[rows(&[1]), rows(&[2, 3])]).unwrap();
    store.keep_output(4, &[rows(&[4])]).unwrap();
    assert_eq!(store.publish(&checkpoint(1)).unwrap(), [(4, 1)]);
    assert_eq!(store.publish(&checkpoint(2)).unwrap(), [], "nothing new");
    store.keep_output(4, &[rows(&[5])]).unwrap();
    assert_eq!(store.publish(&checkpoint(3)).unwrap(), [(4, 3)]);
    let run = store.identity();
    drop(store);
    let mut heir = open(dir.path());
    let found = latest(&mut heir).unwrap().0.unwrap();
    assert_eq!(found.outbox, [(4, 1), (4, 3)]);
    assert_eq!(heir.identity(), (run.0, run.1 + 1), "the same run, another instance");
    assert_eq!(read(&mut heir, 1).unwrap(), [rows(&[1]), rows(&[2, 3]), rows(&[4])]);
    heir.delivered(4, 1);
    (4..8).for_each(|epoch| drop(heir.publish(&checkpoint(epoch)).unwrap()));
    assert_eq!(latest(&mut heir).unwrap().0.unwrap().outbox, [(4, 3)]);
    let outputs: Vec<String> = names(dir.path()).into_iter().filter(|n| n.starts_with("output-")).collect();
    assert_eq!(outputs.len(), 1, "what was delivered is gone: {outputs:?}");
    let path = dir.path().join(&outputs[0]);
    let mut damaged = std::fs::read(&path).unwrap();
    damaged[300] ^= 1;
    std::fs::write(&path, damaged).unwrap();
    assert!(read(&mut heir, 3).unwrap_err().to_string().contains(&outputs[0]));
}
