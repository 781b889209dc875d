//! Jobs that keep their checkpoints on disk: killed after any tick, they go on as if nothing had happened.
#![allow(clippy::unwrap_used)]

#[path = "../../engine/tests/job/support.rs"]
mod support;

use flott_checkpoint::Store;
use flott_engine::ErrorKind;
use flott_engine::run::{Control, Outcome};
use std::path::Path;
use support::*;

fn run(setup: &Setup, dir: &Path, workers: usize, life: Option<u64>) -> flott_engine::Result<Outcome> {
    let mut setup = setup.clone();
    setup.config.workers = workers;
    setup.config.abandon_after_ticks = life;
    let store = Store::open(&dir.into(), "job")?;
    setup.job(Some(Box::new(store)))?.run(&Control::default(), &mut |_| {})
}

fn setup(query: Query) -> Setup {
    let all = events(&(0..40).map(|i| (i % 3, i * 7 % 60)).collect::<Vec<_>>());
    let mut setup = Setup::new(dealt(&all, 2, |i| i), query);
    setup.delay = 1000;
    setup.config.tick_rows_max = 5;
    setup.config.checkpoint_every_ticks = Some(1);
    setup.config.fingerprint = "the query".into();
    setup
}

#[test]
fn a_job_killed_again_and_again_ends_with_the_right_result() {
    for query in [Query::Window { size: 10, two_phases: true }, Query::Group { two_phases: false }] {
        let dir = tempfile::tempdir().unwrap();
        let setup = setup(query);
        let all: Vec<Event> = setup.script.splits.concat();
        let mut lives = 0;
        while run(&setup, dir.path(), 1 + lives % 3, Some(2)).unwrap() == Outcome::Abandoned {
            lives += 1;
            assert!(lives < 50, "it comes nowhere");
        }
        assert!(lives > 5);
        let world = setup.world.lock().unwrap();
        match query {
            Query::Group { .. } => assert_eq!(world.table(), groups_of(&all)),
            _ => assert_eq!(world.sorted(), windows_of(&all, 10)),
        }
        let left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left.len(), 2, "the lock and the head: {left:?}");
    }
}

#[test]
fn a_job_whose_checkpoints_are_all_damaged_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let setup = setup(Query::Copy);
    run(&setup, dir.path(), 1, Some(4)).unwrap();
    for entry in std::fs::read_dir(dir.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.to_string_lossy().contains("manifest") {
            std::fs::write(path, "{}").unwrap();
        }
    }
    let refused = run(&setup, dir.path(), 1, None).unwrap_err();
    assert_eq!(refused.kind, ErrorKind::State);
    assert!(refused.to_string().contains("--fresh"), "{refused}");
}
