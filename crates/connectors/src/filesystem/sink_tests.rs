//! Tests of the sink: what a reader of the folder sees, whenever the process dies.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use arrow::array::{Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use flott_engine::connector::{ColumnRef, Connector, Environment, TableSpec};
use flott_engine::sink::{Encoder, Sink};
use flott_engine::{Batch, RowKind};
use proptest::prelude::*;

use super::Filesystem;

pub fn table(path: &Path, options: &[(&str, &str)], partitioned: bool) -> TableSpec {
    let fields = vec![Field::new("id", DataType::Int64, true), Field::new("kind", DataType::Utf8, true)];
    let mut all = vec![("connector", "filesystem"), ("format", "json"), ("path", path.to_str().unwrap())];
    all.extend_from_slice(options);
    TableSpec {
        name: "t".into(),
        schema: Arc::new(Schema::new(fields)),
        columns: vec![ColumnRef::Physical(0), ColumnRef::Physical(1)],
        options: all.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect(),
        partition_keys: if partitioned { vec!["kind".into()] } else { vec![] },
        primary_key: vec![],
    }
}

pub fn batch(ids: std::ops::Range<i64>) -> Batch {
    let schema = Arc::new(Schema::new(vec![Field::new("id", DataType::Int64, true), Field::new("kind", DataType::Utf8, true)]));
    let kinds: StringArray = ids.clone().map(|i| [Some("a"), Some("b/c"), None, Some("")][i as usize % 4]).collect();
    Batch::inserts(RecordBatch::try_new(schema, vec![Arc::new(Int64Array::from_iter_values(ids)), Arc::new(kinds)]).unwrap())
}

pub fn environment(checkpointing: bool) -> Environment {
    Environment {
        workers: 1,
        checkpointing,
        owner: None,
        stop: Arc::default(),
        sink_number: 0,
        stdout: Arc::new(Mutex::new(std::io::sink())),
    }
}

struct Opened {
    sink: Box<dyn Sink>,
    encoder: Box<dyn Encoder>,
}

impl Opened {
    fn new(table: &TableSpec, checkpointing: bool, progress: Option<&str>) -> Self {
        let mut sink = Filesystem.sink(table, &environment(checkpointing)).unwrap();
        sink.open(progress).unwrap();
        let encoder = sink.encoder().unwrap();
        Self { sink, encoder }
    }

    fn write(&mut self, ids: std::ops::Range<i64>) {
        let mut payloads = vec![];
        self.encoder.encode(&batch(ids), &mut payloads).unwrap();
        self.sink.write(payloads).unwrap();
    }
}

/// Every file of a folder and its content.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(files(&path));
        } else {
            all.insert(path.clone(), std::fs::read(&path).unwrap());
        }
    }
    all
}

fn is_visible(path: &Path) -> bool {
    !path.file_name().unwrap().to_str().unwrap().starts_with('.')
}

/// The ids in the visible files, sorted.
pub fn visible(folder: &Path) -> Vec<i64> {
    let texts = files(folder).into_iter().filter(|(path, _)| is_visible(path)).map(|(_, bytes)| String::from_utf8(bytes).unwrap());
    let mut ids: Vec<i64> = texts
        .flat_map(|text| {
            text.lines().map(|l| serde_json::from_str::<serde_json::Value>(l).unwrap()["id"].as_i64().unwrap()).collect::<Vec<_>>()
        })
        .collect();
    ids.sort_unstable();
    ids
}

/// Files that are not complete; the lock of the run is none of them.
fn hidden_count(folder: &Path) -> usize {
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    files(folder).keys().filter(|path| name(path).starts_with(".part-")).count()
}

#[test]
fn without_checkpoints_files_appear_when_they_are_closed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/er");
    let table = table(&path, &[("sink.rolling-policy.file-size", "100")], false);
    let mut opened = Opened::new(&table, false, None);
    opened.write(0..2);
    assert_eq!((visible(&path).len(), hidden_count(&path)), (0, 1));
    opened.write(2..6);
    assert_eq!((visible(&path).len(), hidden_count(&path)), (6, 0));
    opened.write(6..7);
    opened.sink.finish().unwrap();
    assert_eq!((visible(&path), hidden_count(&path)), ((0..7).collect(), 0));
    // A second run adds files.
    let mut again = Opened::new(&table, false, None);
    again.write(7..9);
    again.sink.finish().unwrap();
    assert_eq!((visible(&path), files(&path).len()), ((0..9).collect(), 3));
}

#[test]
fn files_are_closed_by_age_and_inactivity() {
    let folder = tempfile::tempdir().unwrap();
    let options = [("sink.rolling-policy.rollover-interval", "10 s"), ("sink.rolling-policy.inactivity-interval", "3 s")];
    let mut opened = Opened::new(&table(folder.path(), &options, false), false, None);
    let at = |opened: &mut Opened, ms: i64, write: bool| {
        if write {
            opened.write(0..1);
        }
        opened.sink.on_idle(ms).unwrap();
        files(folder.path()).keys().filter(|path| is_visible(path)).count()
    };
    for second in 0..10 {
        assert_eq!(at(&mut opened, second * 1_000, true), 0, "{second}");
    }
    assert_eq!(at(&mut opened, 10_000, true), 1);
    assert_eq!(at(&mut opened, 11_000, true), 1);
    assert_eq!(at(&mut opened, 13_999, false), 1);
    assert_eq!(at(&mut opened, 14_000, false), 2);
    assert_eq!(at(&mut opened, 99_000, false), 2);
}

#[test]
fn partitions_become_folders_that_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let table = table(folder.path(), &[], true);
    let mut opened = Opened::new(&table, false, None);
    opened.write(0..8);
    opened.sink.finish().unwrap();
    let folders: Vec<String> = std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    for name in ["kind=a", "kind=b%2Fc", "kind=__DEFAULT_PARTITION__"] {
        assert!(folders.contains(&name.to_owned()), "{folders:?}");
    }
    let a = files(&folder.path().join("kind=a"));
    assert_eq!(a.values().next().unwrap(), b"{\"id\":0}\n{\"id\":4}\n");
    let mut source = Filesystem.source(&table, &environment(false)).unwrap();
    let mut rows = 0;
    for split in source.discover().unwrap() {
        let mut reader = source.open(&split, None).unwrap();
        let budget = flott_engine::source::ChunkBudget { rows: 1, bytes: 1 << 20 };
        while let flott_engine::source::Fetch::Chunk(chunk) = reader.fetch(budget).unwrap() {
            rows += chunk.decode().unwrap().rows.num_rows();
        }
    }
    assert_eq!(rows, 8);
}

#[test]
fn many_partitions_do_not_exhaust_file_handles() {
    let folder = tempfile::tempdir().unwrap();
    let mut table = table(folder.path(), &[], true);
    table.partition_keys = vec!["id".into()];
    let mut opened = Opened::new(&table, true, None);
    opened.write(0..600);
    opened.write(0..600);
    let progress = opened.sink.prepare().unwrap();
    opened.sink.commit(&progress).unwrap();
    opened.sink.finish().unwrap();
    let all = files(folder.path());
    assert_eq!(all.len(), 600);
    assert!(all.values().all(|content| content.iter().filter(|b| **b == b'\n').count() == 2));
}

#[test]
fn changes_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut opened = Opened::new(&table(folder.path(), &[], false), false, None);
    let changes = Batch::changes(batch(0..1).rows, vec![RowKind::Delete]);
    let error = opened.encoder.encode(&changes, &mut vec![]).unwrap_err();
    assert!(error.to_string().contains("files can only be appended to"));
}

#[test]
fn csv_files_end_with_each_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let mut opened = Opened::new(&table(folder.path(), &[("format", "csv")], false), true, None);
    opened.write(0..2);
    let progress = opened.sink.prepare().unwrap();
    assert_eq!(files(folder.path()).keys().filter(|p| is_visible(p)).count(), 0);
    opened.sink.commit(&progress).unwrap();
    opened.sink.commit(&progress).unwrap();
    let all = files(folder.path());
    let (_, content) = all.iter().find(|(p, _)| is_visible(p)).unwrap();
    assert_eq!(content, b"0,a\n1,b/c\n");
}

#[test]
fn bad_checkpoints_and_folders_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let table = table(folder.path(), &[], false);
    let env = Environment {
        workers: 1,
        checkpointing: true,
        owner: None,
        stop: Arc::default(),
        sink_number: 0,
        stdout: Arc::new(Mutex::new(std::io::sink())),
    };
    let open = |progress: &str| Filesystem.sink(&table, &env).unwrap().open(Some(progress)).unwrap_err().to_string();
    assert!(open("nonsense").contains("cannot be read"));
    assert!(open("{\"version\":2,\"token\":\"x\",\"next\":0,\"open\":[],\"closed\":[]}").contains("version 2, not 1"));
    let lost = "{\"version\":1,\"token\":\"x\",\"next\":1,\"open\":[{\"partition\":\"\",\"number\":0,\"bytes\":5}],\"closed\":[]}";
    assert!(open(lost).contains("part of the checkpoint but cannot be opened"));
    std::fs::write(folder.path().join(".part-x-0.inprogress"), "abc").unwrap();
    assert!(open(lost).contains("has 3 bytes, fewer than the 5"));
}

/// What happens to a sink.
#[derive(Debug, Clone)]
enum Step {
    /// Writes so many rows.
    Write(u8),
    /// Prepares, and commits if true; the checkpoint becomes durable in any case.
    Checkpoint(bool),
    /// Prepares without the checkpoint becoming durable.
    Abandoned,
    /// The process dies and the job resumes from the last durable checkpoint.
    Crash,
    /// The process dies and the job resumes from the durable checkpoint before the last.
    CrashFurther,
    /// Processing time goes on by so many seconds.
    Idle(u8),
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0u8..30).prop_map(Step::Write),
        2 => any::<bool>().prop_map(Step::Checkpoint),
        1 => Just(Step::Abandoned),
        2 => Just(Step::Crash),
        1 => Just(Step::CrashFurther),
        1 => (0u8..20).prop_map(Step::Idle),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn every_row_exactly_once_through_crashes(steps in proptest::collection::vec(any_step(), 1..25), partitioned: bool) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        std::fs::write(path.join("part-other-0"), "{\"id\":-1}\n").unwrap();
        std::fs::write(path.join(".part-other-1.inprogress"), "").unwrap();
        let table = table(path, &[("sink.rolling-policy.file-size", "200"), ("sink.rolling-policy.rollover-interval", "15 s")], partitioned);
        let mut opened = Opened::new(&table, true, None);
        // Durable checkpoints: the sink's note and the number of rows before it. A job has one before its first row.
        let mut durable = vec![(opened.sink.prepare().unwrap(), 0i64)];
        let (mut next, mut now) = (0i64, 0i64);
        for step in steps {
            match step {
                Step::Write(rows) => {
                    opened.write(next..next + i64::from(rows));
                    next += i64::from(rows);
                }
                Step::Checkpoint(commit) => {
                    let progress = opened.sink.prepare().unwrap();
                    durable.push((progress.clone(), next));
                    if commit {
                        opened.sink.commit(&progress).unwrap();
                        opened.sink.commit(&progress).unwrap();
                    }
                }
                Step::Abandoned => {
                    opened.sink.prepare().unwrap();
                }
                Step::Crash | Step::CrashFurther => {
                    if matches!(step, Step::CrashFurther) && durable.len() > 1 {
                        durable.pop();
                    }
                    drop(opened);
                    let (progress, rows) = durable.last().unwrap().clone();
                    opened = Opened::new(&table, true, Some(&progress));
                    next = rows;
                    // Nothing that came after the checkpoint may be seen now.
                    let seen = visible(path);
                    prop_assert!(seen.last().is_none_or(|last| *last < next), "{:?} after {}", seen, next);
                }
                Step::Idle(seconds) => {
                    now += i64::from(seconds) * 1_000;
                    opened.sink.on_idle(now).unwrap();
                }
            }
            let seen = visible(path);
            prop_assert!(seen.windows(2).all(|pair| pair[0] < pair[1]), "twice in {:?}", seen);
        }
        opened.sink.finish().unwrap();
        let wanted: Vec<i64> = (-1..next).collect();
        prop_assert_eq!(visible(path), wanted);
        prop_assert!(path.join(".part-other-1.inprogress").exists());
        let left = files(path).keys().filter(|p| p.to_str().unwrap().ends_with(".inprogress")).count();
        prop_assert_eq!(left, 1);
    }
}
