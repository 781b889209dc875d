//! Stopping dead after any tick and going on, on another number of workers, changes nothing that a reader can see.

use proptest::prelude::*;

use crate::result::inputs;
use crate::support::*;
use flott_engine::run::{Control, Outcome};
use flott_engine::{ErrorKind, graph::Emit};

/// Runs until the end, dying after `lives[i]` ticks in life `i` on `workers[i]` workers; the last life goes to the end.
pub fn live_and_die(setup: &Setup, lives: &[u64], workers: &[usize]) -> u64 {
    for life in 0.. {
        let mut now = setup.clone();
        now.config.workers = workers[life % workers.len()];
        // As a planner does: a first phase only where there are several workers.
        match &mut now.query {
            Query::Window { two_phases, .. } | Query::Group { two_phases } => *two_phases &= now.config.workers > 1,
            _ => {}
        }
        now.config.abandon_after_ticks = lives.get(life).copied();
        let (outcome, progress) = now.run().unwrap();
        if outcome == Outcome::Finished {
            return progress.operators.iter().map(|o| o.late.count).sum();
        }
        assert_eq!(outcome, Outcome::Abandoned);
    }
    unreachable!("the last life ends")
}

pub fn checkpointed(splits: Vec<Vec<Event>>, query: Query, every: u64) -> Setup {
    let mut setup = Setup::new(splits, query);
    setup.config.checkpoint_every_ticks = Some(every);
    setup.config.fingerprint = "the query".into();
    setup.checkpoints = Some(Kept::default());
    setup
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn output_is_exactly_once_over_crashes(
        (events, owners) in inputs(),
        lives in prop::collection::vec(1..12u64, 0..5),
        workers in prop::collection::vec(1..4usize, 1..4),
        every in 1..4u64,
        tick_rows in 1..9usize,
        chunk in 1..6usize,
        query in prop_oneof![
            Just(Query::Window { size: 10, two_phases: false }),
            Just(Query::Window { size: 10, two_phases: true }),
            Just(Query::Group { two_phases: false }),
            Just(Query::Group { two_phases: true }),
            Just(Query::Copy)
        ],
        periodic in any::<bool>(),
        outbox in any::<bool>(),
    ) {
        let mut setup = checkpointed(dealt(&events, 3, |i| owners[i]), query, every);
        setup.outbox = outbox;
        setup.emit = Some(if periodic { Emit::Periodic } else { Emit::OnEvent });
        setup.delay = 1000;
        setup.config.tick_rows_max = tick_rows;
        setup.script.chunk = chunk;
        let late = live_and_die(&setup, &lives, &workers);
        prop_assert_eq!(late, 0);
        let world = setup.world.lock().unwrap();
        match query {
            Query::Group { .. } => prop_assert_eq!(world.table(), groups_of(&events)),
            Query::Window { .. } => prop_assert_eq!(world.sorted(), windows_of(&events, 10)),
            _ => {
                let plain = Setup { checkpoints: None, outbox: false, ..setup.elsewhere() };
                plain.run().unwrap();
                prop_assert_eq!(world.sorted(), plain.world.lock().unwrap().sorted());
            }
        }
        prop_assert!(setup.checkpoints.as_ref().unwrap().newest.lock().unwrap().is_none(), "an ended job leaves nothing behind");
    }

    /// Late rows, too, are the same and are counted once.
    #[test]
    fn late_rows_are_the_same_over_crashes(
        (events, _) in inputs(),
        lives in prop::collection::vec(1..12u64, 1..5),
        workers in prop::collection::vec(1..4usize, 1..4),
        every in 1..4u64,
        tick_rows in 1..9usize,
        delay in 0..20i64,
    ) {
        let mut setup = checkpointed(vec![events], Query::Window { size: 10, two_phases: true }, every);
        setup.delay = delay;
        setup.config.tick_rows_max = tick_rows;
        let plain = Setup { checkpoints: None, ..setup.elsewhere() };
        let late = live_and_die(&setup, &lives, &workers);
        let (_, progress) = plain.run().unwrap();
        prop_assert_eq!(late, progress.operators.iter().map(|o| o.late.count).sum::<u64>());
        prop_assert_eq!(setup.world.lock().unwrap().sorted(), plain.world.lock().unwrap().sorted());
    }
}

#[test]
fn a_crash_after_every_single_tick() {
    let rows: Vec<(i64, i64)> = (0..30).map(|i| (i % 3, i * 3 % 50)).collect();
    let all = events(&rows);
    for every in 1..4 {
        let mut setup = checkpointed(dealt(&all, 2, |i| i), Query::Window { size: 10, two_phases: true }, every);
        setup.delay = 1000;
        setup.config.tick_rows_max = 4;
        let lives = vec![every; 40];
        live_and_die(&setup, &lives, &[1, 2, 3]);
        assert_eq!(setup.world.lock().unwrap().sorted(), windows_of(&all, 10));
    }
}

/// Two splits far apart: the slower one's rows are not late after a restart either.
#[test]
fn event_time_after_a_restart_is_what_it_was() {
    let fast: Vec<Event> = events(&[(0, 100), (0, 101), (0, 102), (0, 103)]);
    let slow: Vec<Event> = events(&[(1, 0); 12]).into_iter().enumerate().skip(4).map(|(i, e)| Event { time: 3 * i as i64, ..e }).collect();
    let all: Vec<Event> = fast.iter().chain(&slow).copied().collect();
    for life in 1..12 {
        for splits in [vec![fast.clone(), slow.clone()], vec![slow.clone(), fast.clone()]] {
            let mut setup = checkpointed(splits, Query::Window { size: 10, two_phases: false }, 1);
            setup.script.chunk = 2;
            setup.config.tick_rows_max = 1;
            assert_eq!(live_and_die(&setup, &[life], &[1, 2]), 0, "life of {life} ticks");
            assert_eq!(setup.world.lock().unwrap().sorted(), windows_of(&all, 10));
        }
    }
}

/// The watermark went on without an idle split; a restart, which forgets that it was idle, must not turn event time back.
#[test]
fn event_time_does_not_go_back_with_a_restart() {
    let mut fast: Vec<Event> = events(&[(0, 5), (0, 100), (0, 101)])
        .into_iter()
        .enumerate()
        .map(|(i, e)| Event { arrival: START_MS + 10 * i as i64, ..e })
        .collect();
    fast.push(Event { bit: 1 << 10, key: 0, time: 102, arrival: START_MS + 20_000 });
    // Speaks once, is silent long enough to be idle, and then brings a row into a window that has fired.
    let sleepy: Vec<Event> = events(&[(0, 0), (0, 0), (0, 0), (0, 6), (0, 7)])
        .into_iter()
        .skip(3)
        .enumerate()
        .map(|(i, e)| Event { arrival: START_MS + 1010 * i as i64, ..e })
        .collect();
    for restart in [false, true] {
        let mut setup = checkpointed(vec![fast.clone(), sleepy.clone()], Query::Window { size: 10, two_phases: false }, 1);
        setup.idle_timeout_ms = Some(100);
        if restart {
            let control = Control::default();
            let mut first = setup.clone();
            first.clock.stop_at = Some((START_MS + 1000, control));
            assert_eq!(first.run().unwrap().0, Outcome::Stopped);
        }
        let (outcome, progress) = setup.run().unwrap();
        assert_eq!(outcome, Outcome::Finished);
        assert_eq!(progress.operators.iter().map(|o| o.late.count).sum::<u64>(), 1);
        let on_time: Vec<Event> = fast.iter().chain(&sleepy[..1]).copied().collect();
        assert_eq!(setup.world.lock().unwrap().sorted(), windows_of(&on_time, 10));
    }
}

#[test]
fn a_stop_leaves_a_checkpoint_from_which_the_next_run_goes_on() {
    let all: Vec<Event> = events(&(0..40).map(|i| (i % 3, i)).collect::<Vec<_>>())
        .into_iter()
        .enumerate()
        .map(|(i, e)| Event { arrival: START_MS + 50 * i as i64, ..e })
        .collect();
    for query in [Query::Window { size: 10, two_phases: false }, Query::Group { two_phases: true }] {
        let mut setup = checkpointed(vec![all.clone()], query, 1_000_000);
        for stop in 1..5 {
            setup.clock.stop_at = Some((START_MS + 430 * stop, Control::default()));
            assert_eq!(setup.run().unwrap().0, Outcome::Stopped);
        }
        setup.clock.stop_at = None;
        let (outcome, progress) = setup.run().unwrap();
        assert_eq!((outcome, progress.resumed.map(|r| r.epoch)), (Outcome::Finished, Some(4)));
        let world = setup.world.lock().unwrap();
        match query {
            Query::Group { .. } => assert_eq!(world.table(), groups_of(&all)),
            _ => assert_eq!(world.sorted(), windows_of(&all, 10)),
        }
    }
}

#[test]
fn without_checkpoints_a_stop_shows_what_was_written() {
    let all: Vec<Event> =
        events(&[(0, 1), (0, 2)]).into_iter().enumerate().map(|(i, e)| Event { arrival: START_MS + 1000 * i as i64, ..e }).collect();
    let mut setup = Setup::new(vec![all], Query::Copy);
    setup.clock.stop_at = Some((START_MS + 500, Control::default()));
    assert_eq!(setup.run().unwrap().0, Outcome::Stopped);
    assert_eq!(setup.world.lock().unwrap().rows(), ["+I1|0|1|0"]);
}

#[test]
fn a_delivery_that_fails_is_made_again_and_once() {
    for successes in [0, 0, 1, 2] {
        for answer_lost in [false, true] {
            let all = events(&(0..40).map(|i| (i % 3, i)).collect::<Vec<_>>());
            let mut setup = checkpointed(vec![all.clone()], Query::Group { two_phases: false }, 2);
            setup.config.tick_rows_max = 7;
            setup.outbox = true;
            setup.world.lock().unwrap().will_refuse("deliver", successes, answer_lost);
            assert_eq!(setup.run().unwrap().0, Outcome::Finished);
            assert_eq!(setup.world.lock().unwrap().table(), groups_of(&all));
        }
    }
}

#[test]
fn state_that_is_older_than_what_was_delivered_is_refused() {
    let mut setup = checkpointed(vec![events(&(0..40).map(|i| (i % 3, i)).collect::<Vec<_>>())], Query::Copy, 1);
    setup.config.tick_rows_max = 7;
    setup.outbox = true;
    setup.config.abandon_after_ticks = Some(2);
    setup.run().unwrap();
    let kept = setup.checkpoints.clone().unwrap();
    let old = kept.newest.lock().unwrap().clone();
    setup.config.abandon_after_ticks = Some(5);
    setup.run().unwrap();
    *kept.newest.lock().unwrap() = old;
    setup.config.abandon_after_ticks = None;
    let refused = setup.run().unwrap_err();
    assert!(refused.kind == ErrorKind::State && refused.to_string().contains("ahead of the state"), "{refused}");
}

#[test]
fn a_crash_between_the_last_checkpoint_and_the_end_is_made_good() {
    let all = events(&[(0, 1), (1, 2), (0, 30)]);
    let setup = checkpointed(vec![all.clone()], Query::Window { size: 10, two_phases: false }, 1000);
    for call in ["commit", "finish"] {
        setup.world.lock().unwrap().fail = Some((call, 0));
        assert_eq!(setup.run().unwrap_err().kind, ErrorKind::Io);
    }
    assert!(setup.checkpoints.as_ref().unwrap().newest.lock().unwrap().as_ref().unwrap().finished);
    setup.world.lock().unwrap().fail = None;
    assert_eq!(setup.run().unwrap().0, Outcome::Finished);
    assert_eq!(setup.world.lock().unwrap().sorted(), windows_of(&all, 10));
}

#[test]
fn a_checkpoint_of_another_query_is_refused() {
    let mut setup = checkpointed(vec![events(&[(0, 1), (0, 2)])], Query::Copy, 1);
    setup.config.tick_rows_max = 1;
    setup.config.abandon_after_ticks = Some(2);
    setup.run().unwrap();
    setup.config.fingerprint = "another query".into();
    let refused = setup.run().unwrap_err();
    assert_eq!(refused.kind, ErrorKind::State);
    assert!(refused.to_string().contains("--fresh"), "{refused}");
}
