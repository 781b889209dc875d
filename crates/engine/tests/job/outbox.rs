//! Output that waits: bounded, held against the input, and never lost or doubled; and faults of stores and sinks that the tests find.

use crate::crash::{checkpointed, live_and_die};
use crate::support::*;
use flott_engine::run::{Control, Outcome};

/// More rows than may wait; bits do not matter.
fn many() -> Vec<Event> {
    (0..3000).map(|i| Event { bit: i, key: i % 3, time: i, arrival: START_MS + i / 3 }).collect()
}

/// A sink that nobody answers holds the job up, and then the job goes on where it was.
#[test]
fn output_that_waits_is_bounded() {
    let all = many();
    let mut setup = checkpointed(vec![all.clone()], Query::Copy, 1);
    setup.config.tick_rows_max = 3;
    setup.config.outbox_bytes_max = 9;
    setup.outbox = true;
    setup.world.lock().unwrap().away = true;
    setup.clock.stop_at = Some((START_MS + 60_000, Control::default()));
    let (outcome, progress) = setup.run().unwrap();
    assert_eq!(outcome, Outcome::Stopped);
    // The bound, and what was on its way to the store when it was reached.
    assert!((6..=150).contains(&progress.sources[0].rows), "{} rows were taken", progress.sources[0].rows);
    let why = progress.waiting.unwrap();
    assert!(why.contains("nobody answers") || why.contains("flott.outbox.size-max"), "{why}");
    setup.world.lock().unwrap().away = false;
    setup.clock.stop_at = None;
    assert_eq!(setup.run().unwrap().0, Outcome::Finished);
    assert_eq!(setup.world.lock().unwrap().rows().len(), all.len());
}

/// A bound that is reached within an epoch ends the epoch: else nothing would ever be delivered.
#[test]
fn an_epoch_that_is_too_large_ends_early() {
    let all = many();
    let mut setup = checkpointed(vec![all.clone()], Query::Copy, 1_000_000);
    setup.config.checkpoint_every_ticks = None;
    setup.config.checkpoint_interval_ms = Some(3_600_000);
    setup.config.tick_rows_max = 3;
    setup.config.outbox_bytes_max = 9;
    setup.outbox = true;
    let (outcome, progress) = setup.run().unwrap();
    assert_eq!(outcome, Outcome::Finished);
    assert!(progress.checkpoints > 2, "{} checkpoints", progress.checkpoints);
    assert_eq!(setup.world.lock().unwrap().rows().len(), all.len());
}

/// Whether readers see what the query says, each row once.
fn right(setup: &Setup, query: Query, all: &[Event]) -> Result<(), String> {
    let plain = Setup { checkpoints: None, outbox: false, ..setup.elsewhere() };
    let world = setup.world.lock().unwrap();
    let same = match query {
        Query::Group { .. } => world.table() == groups_of(all),
        Query::Window { size, .. } => world.sorted() == windows_of(all, size),
        _ => {
            plain.run().unwrap();
            world.sorted() == plain.world.lock().unwrap().sorted()
        }
    };
    if same { Ok(()) } else { Err(format!("{query:?}: {:?}", world.rows())) }
}

/// Crashes after every tick, and deliveries that fail; tells what is not as it must be.
fn everything_goes_wrong(bug: Option<Bug>) -> Result<(), String> {
    let all = events(&(0..30).map(|i| (i % 3, i * 3 % 50)).collect::<Vec<_>>());
    for outbox in [true, false] {
        for every in 1..4 {
            for query in [Query::Window { size: 10, two_phases: false }, Query::Group { two_phases: false }, Query::Copy] {
                for refused in [None, Some(0), Some(1)] {
                    let mut setup = checkpointed(dealt(&all, 2, |i| i), query, every);
                    setup.delay = 1000;
                    setup.config.tick_rows_max = 4;
                    setup.outbox = outbox;
                    setup.world.lock().unwrap().bug = bug;
                    setup.checkpoints = Some(Kept { bug, ..Kept::default() });
                    if let Some(successes) = refused {
                        setup.world.lock().unwrap().will_refuse("deliver", successes, true);
                    }
                    live_and_die(&setup, &[every + 1; 12], &[1, 2]);
                    right(&setup, query, &all)?;
                }
            }
        }
    }
    // Nobody answers until the job has died.
    let mut setup = checkpointed(dealt(&all, 2, |i| i), Query::Copy, 1);
    setup.config.tick_rows_max = 4;
    setup.config.abandon_after_ticks = Some(2);
    setup.outbox = true;
    setup.checkpoints = Some(Kept { bug, ..Kept::default() });
    setup.world.lock().unwrap().away = true;
    setup.run().unwrap();
    setup.world.lock().unwrap().away = false;
    setup.config.abandon_after_ticks = None;
    live_and_die(&setup, &[], &[1]);
    right(&setup, Query::Copy, &all)?;
    // A late row stays late.
    let mut setup =
        checkpointed(vec![events(&[(0, 5), (0, 50), (0, 51), (0, 6), (0, 52)])], Query::Window { size: 10, two_phases: false }, 1);
    setup.config.tick_rows_max = 1;
    setup.checkpoints = Some(Kept { bug, ..Kept::default() });
    match live_and_die(&setup, &[3, 1], &[1]) {
        1 => Ok(()),
        late => Err(format!("{late} late rows")),
    }
}

#[test]
fn planted_bugs_are_found() {
    everything_goes_wrong(None).unwrap();
    let bugs = [
        Bug::DeliveredFirst,
        Bug::OffsetBack,
        Bug::OffsetAhead,
        Bug::StaleOutbox,
        Bug::LostOutbox,
        Bug::LostTail,
        Bug::LostChanges,
        Bug::NoFence,
        Bug::UncheckedReport,
    ];
    for bug in bugs {
        // A run that itself stumbles over the bug has found it as well.
        let outcome = std::panic::catch_unwind(|| everything_goes_wrong(Some(bug)));
        assert!(!matches!(outcome, Ok(Ok(()))), "{bug:?} was not found");
    }
}
