//! The result is the same however the input is cut into ticks and over however many workers it runs.

use proptest::prelude::*;

use crate::support::*;
use flott_engine::graph::Emit;
use flott_engine::run::Outcome;

pub fn inputs() -> impl Strategy<Value = (Vec<Event>, Vec<usize>)> {
    prop::collection::vec((0..4i64, 0..80i64, 0..3usize), 0..40)
        .prop_map(|rows| (events(&rows.iter().map(|r| (r.0, r.1)).collect::<Vec<_>>()), rows.iter().map(|r| r.2).collect()))
}

pub const TICK_ROWS: [usize; 3] = [1, 7, usize::MAX];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn ticks_workers_and_phases_do_not_change_the_result((events, owners) in inputs(), chunk in 1..6usize, on_event in any::<bool>()) {
        for query in [Query::Window { size: 10, two_phases: false }, Query::Window { size: 10, two_phases: true }, Query::Group { two_phases: false }, Query::Group { two_phases: true }] {
            for tick_rows in TICK_ROWS {
                for workers in 1..=3 {
                    let mut setup = Setup::new(dealt(&events, 3, |i| owners[i]), query);
                    setup.script.chunk = chunk;
                    setup.emit = Some(if on_event { Emit::OnEvent } else { Emit::Periodic });
                    setup.delay = 1000; // nothing is late
                    setup.config.tick_rows_max = tick_rows;
                    setup.config.workers = workers;
                    let (outcome, progress) = setup.run().unwrap();
                    prop_assert_eq!(outcome, Outcome::Finished);
                    prop_assert_eq!(progress.sources[0].rows, events.len() as u64);
                    prop_assert!(progress.operators.is_empty());
                    prop_assert_eq!(progress.state_rows, if matches!(query, Query::Group { .. }) { groups_of(&events).len() } else { 0 });
                    let world = setup.world.lock().unwrap();
                    match query {
                        Query::Group { .. } => prop_assert_eq!(world.table(), groups_of(&events)),
                        _ => prop_assert_eq!(world.sorted(), windows_of(&events, 10)),
                    }
                }
            }
        }
    }

    /// The same job on the same input does the same, row for row.
    #[test]
    fn a_run_can_be_repeated((events, owners) in inputs(), workers in 1..4usize, tick_rows in 1..9usize) {
        let mut setup = Setup::new(dealt(&events, 3, |i| owners[i]), Query::Window { size: 10, two_phases: false });
        setup.delay = 20;
        setup.config.tick_rows_max = tick_rows;
        setup.config.workers = workers;
        let again = setup.elsewhere();
        let (_, first) = setup.run().unwrap();
        let (_, second) = again.run().unwrap();
        prop_assert_eq!(setup.world.lock().unwrap().rows(), again.world.lock().unwrap().rows());
        prop_assert_eq!(first.ticks, second.ticks);
    }
}

#[test]
fn an_empty_source_ends_at_once() {
    for splits in [vec![], vec![vec![]], vec![vec![], vec![]]] {
        let setup = Setup::new(splits, Query::Window { size: 10, two_phases: true });
        assert_eq!(setup.run().unwrap().0, Outcome::Finished);
        assert!(setup.world.lock().unwrap().rows().is_empty());
    }
}

#[test]
fn more_splits_than_are_open_at_once_are_all_read() {
    let rows: Vec<(i64, i64)> = (0..60).map(|i| (0, i)).collect();
    let all = events(&rows);
    // A hundred splits, most of them empty, the rows in the last sixty.
    let mut setup = Setup::new(dealt(&all, 100, |i| 99 - i), Query::Window { size: 10, two_phases: false });
    setup.delay = 1000;
    setup.run().unwrap();
    assert_eq!(setup.world.lock().unwrap().sorted(), windows_of(&all, 10));
}

#[test]
fn rows_of_one_worker_keep_their_order() {
    let all = events(&(0..40).map(|i| (i % 3, i)).collect::<Vec<_>>());
    let mut setup = Setup::new(vec![all.clone()], Query::Copy);
    setup.config.tick_rows_max = 7;
    setup.run().unwrap();
    let rows = setup.world.lock().unwrap().rows();
    assert_eq!(rows, all.iter().map(|e| format!("+I{}|{}|{}|0", e.bit, e.key, e.time)).collect::<Vec<_>>());
}
