//! Hostile input: every program's entry for any bytes is fed with a corpus (`fuzz/corpus`) in each run of the tests, and with mutations of
//! it for as long as one likes by `cargo xtask fuzz`.
#![allow(clippy::unwrap_used)]

mod mutate;

use std::fs;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use flott_engine::connector::Connectors;
use mutate::{Mutator, kind_of};

/// What any bytes are given to.
type Target = fn(&[u8]) -> Result<usize, String>;

const TARGETS: &[(&str, Target)] = &[
    ("avro", flott_connectors::formats::any::avro),
    ("changes", flott_connectors::formats::any::changes),
    ("csv", flott_connectors::formats::any::csv),
    ("json", flott_connectors::formats::any::json),
    ("manifest", flott_checkpoint::any::manifest),
    ("protobuf", flott_connectors::formats::any::protobuf_schema_and_message),
    ("sql", |input| flott_sql::any::script(&connectors(), input)),
];

/// One input may take so long; longer counts as never.
const TIME_MAX: Duration = Duration::from_secs(10);
/// Inputs that the driver keeps, besides those it begins with.
const KEPT_MAX: usize = 4000;

/// Connectors that touch nothing outside when a job is built.
fn connectors() -> Connectors {
    let all = flott_connectors::all();
    let mut some = Connectors::default();
    all.all().filter(|c| !c.info().name.contains("kafka")).for_each(|c| some.register(c.clone()));
    some
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The inputs of a target, by name.
fn corpus(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = root().join("fuzz/corpus").join(target);
    let mut paths: Vec<PathBuf> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

/// Queries of the parity cases, to begin with.
fn scripts(folder: &Path, found: &mut Vec<Vec<u8>>) {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            scripts(&path, found);
        } else if path.extension().is_some_and(|e| e == "sql") {
            found.push(fs::read(path).unwrap());
        }
    }
}

#[test]
fn the_corpus_breaks_nothing() {
    for (name, target) in TARGETS {
        let inputs = corpus(name);
        assert!(inputs.len() >= 3, "{name} has a corpus");
        let mut right = 0;
        for (path, input) in &inputs {
            let since = Instant::now();
            right += usize::from(target(input).is_ok());
            assert!(since.elapsed() < TIME_MAX, "{} takes {:?}", path.display(), since.elapsed());
        }
        assert!(right > 0, "something of the corpus of {name} is right");
    }
}

#[test]
fn mutations_break_nothing() {
    for (name, target) in TARGETS {
        let mut mutator = Mutator::new(name, corpus(name).into_iter().map(|(_, input)| input).collect(), 1);
        for _ in 0..300 {
            let _ = target(&mutator.next());
        }
    }
}

/// `cargo xtask fuzz`: mutates for `FLOTT_FUZZ_SECONDS` what `FLOTT_FUZZ_TARGET` takes. The input that is at work lies in
/// `target/fuzz/TARGET.input`, also when the process dies of it.
#[test]
#[ignore = "runs as long as one likes: cargo xtask fuzz"]
fn drive() {
    let name = std::env::var("FLOTT_FUZZ_TARGET").unwrap();
    let seconds: u64 = std::env::var("FLOTT_FUZZ_SECONDS").unwrap().parse().unwrap();
    let seed = std::env::var("FLOTT_FUZZ_SEED").map_or(1, |seed| seed.parse().unwrap());
    let (name, target) = TARGETS.iter().find(|(n, _)| *n == name).unwrap_or_else(|| panic!("there is no target {name}"));
    let mut seeds: Vec<Vec<u8>> = corpus(name).into_iter().map(|(_, input)| input).collect();
    if *name == "sql" {
        scripts(&root().join("tests/parity"), &mut seeds);
    }
    let mut mutator = Mutator::new(name, seeds, seed);
    let folder = root().join("target/fuzz");
    fs::create_dir_all(&folder).unwrap();
    let mut current = fs::File::create(folder.join(format!("{name}.input"))).unwrap();
    let began = AtomicU64::new(0);
    let (since, mut runs, mut kinds) = (Instant::now(), 0u64, std::collections::HashSet::new());
    std::thread::scope(|threads| {
        let done = std::sync::mpsc::channel::<()>();
        let (began, ended) = (&began, done.1);
        threads.spawn(move || {
            // Counted in seconds of its own: a machine that stands still is no input that takes long.
            let (mut last, mut seconds) = (0, 0);
            while matches!(ended.recv_timeout(Duration::from_secs(1)), Err(std::sync::mpsc::RecvTimeoutError::Timeout)) {
                let run = began.load(Ordering::SeqCst);
                seconds = if run == last { seconds + 1 } else { 0 };
                last = run;
                if run > 0 && seconds > TIME_MAX.as_secs() {
                    let _ = writeln!(std::io::stderr(), "one input takes more than {TIME_MAX:?}");
                    std::process::abort();
                }
            }
        });
        let _done = done.0;
        while since.elapsed() < Duration::from_secs(seconds) {
            let input = mutator.next();
            current.seek(SeekFrom::Start(0)).unwrap();
            current.write_all(&input).unwrap();
            current.set_len(input.len() as u64).unwrap();
            began.store(runs + 1, Ordering::SeqCst);
            let outcome = target(&input);
            runs += 1;
            // What has an outcome of a new kind is worth more mutations.
            if kinds.len() < KEPT_MAX && kinds.insert(kind_of(&outcome)) {
                mutator.keep(input);
            }
        }
        began.store(0, Ordering::SeqCst);
    });
    println!("{name}: {runs} inputs in {} s, {} of them kept, nothing broke", since.elapsed().as_secs(), kinds.len());
}
