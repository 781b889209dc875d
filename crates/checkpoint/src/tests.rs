//! Damage, crashes and double starts.

use arrow::array::{AsArray, Int64Array, RecordBatch, StringArray, UInt8Array};
use arrow::datatypes::{DataType, Field, Int64Type, Schema};
use flott_engine::change::{Columns, Part, PartKind};
use flott_engine::checkpoint::{Checkpoint, CheckpointStore, SinkState, SplitState, TableChanges, TableState};
use flott_engine::state::changes::Changes;
use flott_engine::{ErrorKind, Result};
use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use crate::disk::{Disk, LocalDisk};
use crate::folder::{Folder, LocalFolder, Over};
use crate::head::HEAD;
use crate::location::Location;
use crate::manifest::{epoch_in, file_name};
use crate::store::Store;
use place::{Place, places};

mod crash;
mod damage;
mod fencing;
mod inspection;
mod place;

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

fn parts() -> Vec<Part> {
    let part = |kind, identity: &str| Part {
        kind,
        identity: identity.into(),
        title: format!("step {identity}"),
        sources: if kind == PartKind::Source { vec![] } else { vec![0] },
        places: if kind == PartKind::Operator { vec![] } else { vec![format!("topic {identity}")] },
        input: String::new(),
        updating: kind == PartKind::Sink,
        columns: Columns { keys: vec!["k".into()], rows: vec![vec!["größe".into()]] },
    };
    vec![part(PartKind::Source, "a"), part(PartKind::Operator, "b"), part(PartKind::Sink, "c")]
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
        parts: parts(),
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
    }
}

/// What a job does at the end of an epoch. Of a table that does not change only the first time, and what is written last counts.
fn write(store: &mut Store, checkpoint: &Checkpoint) -> Result<()> {
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
        (found.epoch, &found.fingerprint, &found.parts, found.finished, found.now_ms, &found.splits, &found.sinks, &found.late),
        (
            epoch,
            &expected.fingerprint,
            &expected.parts,
            expected.finished,
            expected.now_ms,
            &expected.splits,
            &expected.sinks,
            &expected.late
        )
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

fn latest(store: &mut Store) -> Result<(Option<Checkpoint>, Vec<String>)> {
    let mut notes = vec![];
    let found = store.latest(&mut |n| notes.push(n))?;
    Ok((found, notes))
}

fn names(dir: &Path) -> Vec<String> {
    LocalFolder::new(dir).list().unwrap()
}

fn open(dir: &Path) -> Store {
    Store::open_in(Box::new(LocalFolder::on(dir, Box::new(Quick))), JOB).unwrap()
}

fn manifests(folder: &dyn Folder) -> Vec<String> {
    folder.list().unwrap().into_iter().filter(|n| epoch_in(n).is_some()).collect()
}

/// Every file that a manifest names.
fn referenced(folder: &dyn Folder, manifest: &str) -> Vec<String> {
    let json: serde_json::Value = serde_json::from_slice(&folder.read(manifest, None).unwrap()).unwrap();
    json["content"]["segments"].as_array().unwrap().iter().map(|f| f["file"].as_str().unwrap().to_string()).collect()
}

#[test]
fn a_checkpoint_comes_back_as_it_was() {
    for place in places() {
        for epoch in 1..=9 {
            let mut store = place.open();
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
}

#[test]
fn the_newest_three_are_kept_and_unchanged_tables_are_shared() {
    for place in places() {
        let mut store = place.open();
        for epoch in 1..=6 {
            write(&mut store, &checkpoint(epoch)).unwrap();
        }
        let folder = place.folder();
        assert_eq!(manifests(&*folder), [4, 5, 6].map(file_name));
        let first: Vec<String> = manifests(&*folder).iter().map(|m| referenced(&*folder, m)[0].clone()).collect();
        assert!(first.iter().all(|f| *f == first[0]), "{first:?}");
        // A segment an epoch, manifests, head, and the lock of the local folder.
        let locked = usize::from(place.is_local());
        assert_eq!(folder.list().unwrap().len(), 6 + 3 + 1 + locked);
        for epoch in 7..=if place.is_server() { 40 } else { 90 } {
            write(&mut store, &checkpoint(epoch)).unwrap();
            // On another thread this loop may be faster than merging.
            let most = if place.is_local() { 34 } else { 80 };
            assert!(referenced(&*folder, &file_name(epoch)).len() <= most, "many segments are merged");
            if !place.is_server() || epoch > 36 {
                assert_same(&latest(&mut place.copy().open()).unwrap().0.unwrap(), epoch);
            }
        }
        assert!(!place.is_local() || folder.list().unwrap().len() < 60, "{:?}", folder.list());
    }
}

#[test]
fn files_of_others_are_left_alone() {
    for place in places() {
        place.write("notes.txt", b"mine");
        let mut store = place.open();
        write(&mut store, &checkpoint(1)).unwrap();
        store.discard().unwrap();
        let left: Vec<String> = place.folder().list().unwrap().into_iter().filter(|n| n != "lock").collect();
        assert_eq!(left, [HEAD, "notes.txt"]);
    }
}

#[test]
fn a_directory_of_another_job_is_refused() {
    for place in places() {
        drop(place.open());
        let text = Store::open_in(place.folder(), "payments").err().unwrap().to_string();
        assert!(text.contains("'orders'") && text.contains("'payments'"), "{text}");
    }
}

#[test]
fn a_newer_format_is_refused() {
    for place in places() {
        write(&mut place.open(), &checkpoint(1)).unwrap();
        for name in [file_name(1), HEAD.to_string()] {
            let whole = place.read(&name);
            let mut json: serde_json::Value = serde_json::from_str(crate::codec::unseal(&whole).unwrap()).unwrap();
            json["version"] = 4.into();
            place.write(&name, &crate::codec::seal(&json).unwrap());
            let refused = match Store::open_in(place.folder(), JOB) {
                Ok(mut store) => latest(&mut store).unwrap_err(),
                Err(e) => e,
            };
            assert!(refused.to_string().contains("version 4"), "{refused}");
            place.write(&name, &whole);
        }
    }
}

#[test]
fn tables_of_every_kind_of_column_survive() {
    for place in places() {
        let sliced = rows(&(0..1000).collect::<Vec<_>>()).slice(100, 50);
        let mut store = place.open();
        let mut one = checkpoint(1);
        one.tables = vec![TableState { node: 7, table: "t".into(), rows: sliced.clone() }];
        write(&mut store, &one).unwrap();
        let found = latest(&mut store).unwrap().0.unwrap();
        assert_eq!(found.tables[0].rows, sliced);
        assert_eq!(found.tables[0].rows.column(2).as_primitive::<Int64Type>().len(), 50);
    }
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
    let dir = tempfile::TempDir::new().unwrap();
    let full = Arc::new(Mutex::new(false));
    let mut store = Store::open_in(Box::new(LocalFolder::on(dir.path(), Box::new(Full(full.clone())))), JOB).unwrap();
    write(&mut store, &checkpoint(1)).unwrap();
    *full.lock().unwrap() = true;
    assert_eq!(write(&mut store, &checkpoint(2)).unwrap_err().kind, ErrorKind::Full);
    assert_same(&latest(&mut place::copy_of(dir.path()).open()).unwrap().0.unwrap(), 1);
    *full.lock().unwrap() = false;
    write(&mut store, &checkpoint(2)).unwrap();
    assert_same(&latest(&mut store).unwrap().0.unwrap(), 2);
}

#[test]
fn output_waits_until_it_was_delivered() {
    for place in places() {
        let mut store = place.open();
        let read = |store: &mut Store, epoch| {
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
        let mut heir = place.open();
        let found = latest(&mut heir).unwrap().0.unwrap();
        assert_eq!(found.outbox, [(4, 1), (4, 3)]);
        assert_eq!(heir.identity(), (run.0, run.1 + 1), "the same run, another instance");
        assert_eq!(read(&mut heir, 1).unwrap(), [rows(&[1]), rows(&[2, 3]), rows(&[4])]);
        heir.delivered(4, 1);
        (4..8).for_each(|epoch| drop(heir.publish(&checkpoint(epoch)).unwrap()));
        assert_eq!(latest(&mut heir).unwrap().0.unwrap().outbox, [(4, 3)]);
        let outputs: Vec<String> = place.folder().list().unwrap().into_iter().filter(|n| n.starts_with("output-")).collect();
        assert_eq!(outputs.len(), 1, "what was delivered is gone: {outputs:?}");
        let mut damaged = place.read(&outputs[0]);
        damaged[300] ^= 1;
        place.write(&outputs[0], &damaged);
        assert!(read(&mut heir, 3).unwrap_err().to_string().contains(&outputs[0]));
    }
}
