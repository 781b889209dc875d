//! Time that the test drives: processing-time windows, idle sources, checkpoints by time, rest.

use std::collections::BTreeMap;

use crate::support::*;
use flott_engine::graph::Emit;
use flott_engine::run::{Control, Outcome};

/// Rows with key 0, arriving at these moments after the start.
fn arriving(at: &[i64]) -> Vec<Event> {
    at.iter().enumerate().map(|(i, at)| Event { bit: 1 << i, key: 0, time: *at, arrival: START_MS + at }).collect()
}

/// Windows by arrival, as a sink row and the moment its window ends.
fn by_arrival(events: &[Event], size: i64, slide: i64) -> BTreeMap<String, i64> {
    let mut windows: BTreeMap<i64, (i64, i64)> = BTreeMap::new();
    for event in events {
        let mut end = event.arrival - event.arrival.rem_euclid(slide) + slide;
        while end - size <= event.arrival {
            let (n, bits) = windows.entry(end).or_default();
            (*n, *bits) = (*n + 1, *bits + event.bit);
            end += slide;
        }
    }
    windows.into_iter().map(|(end, (n, bits))| (format!("+I0|{n}|{bits}|{}|{end}|{}", end - size, end - 1), end)).collect()
}

#[test]
fn processing_time_windows_fire_when_the_clock_says_so() {
    // The last row comes late enough for all windows of the others to have fired.
    let all = arriving(&[0, 10, 99, 100, 101, 350, 360, 5000]);
    for (size, slide) in [(100, 100), (300, 100), (100, 10)] {
        for workers in [1, 2] {
            let mut setup = Setup::new(vec![all.clone()], Query::Processing { size, slide });
            setup.emit = None;
            setup.config.workers = workers;
            let (_, progress) = setup.run().unwrap();
            let world = setup.world.lock().unwrap();
            let wanted = by_arrival(&all, size, slide);
            assert_eq!(world.sorted(), wanted.keys().cloned().collect::<Vec<_>>());
            for (row, end) in wanted.iter().filter(|(_, end)| **end < START_MS + 5000) {
                let at = world.written_at(row).unwrap();
                assert_eq!(at, *end, "{row}");
            }
            // One per row and one per window end, not one per turn of the clock.
            assert!(progress.ticks <= 20 + wanted.len() as u64, "{} ticks", progress.ticks);
        }
    }
}

#[test]
fn processing_time_windows_fire_after_a_restart_without_new_input() {
    let all = arriving(&[0, 10, 5000]);
    let mut setup = Setup::new(vec![all.clone()], Query::Processing { size: 1000, slide: 1000 });
    setup.emit = None;
    setup.checkpoints = Some(Kept::default());
    setup.clock.stop_at = Some((START_MS + 500, Control::default()));
    assert_eq!(setup.run().unwrap().0, Outcome::Stopped);
    setup.clock.stop_at = None;
    setup.run().unwrap();
    let world = setup.world.lock().unwrap();
    let wanted = by_arrival(&all, 1000, 1000);
    assert_eq!(world.sorted(), wanted.keys().cloned().collect::<Vec<_>>());
    let (first, end) = wanted.iter().min_by_key(|(_, end)| **end).unwrap();
    assert_eq!(world.written_at(first), Some(*end));
}

#[test]
fn early_results_follow_the_clock() {
    // All in the window [0, 10000), whose end comes with the end of the input.
    let all: Vec<Event> = arriving(&[0, 100, 950, 1200, 5300, 9000]);
    for stopped in [false, true] {
        let mut setup = Setup::new(vec![all.clone()], Query::Early { size: 10_000, delay_ms: 1000 });
        setup.checkpoints = Some(Kept::default());
        if stopped {
            setup.clock.stop_at = Some((START_MS + 1500, Control::default()));
            assert_eq!(setup.run().unwrap().0, Outcome::Stopped);
            setup.clock.stop_at = None;
        }
        setup.run().unwrap();
        let world = setup.world.lock().unwrap();
        // A second after the first row, and every second from then on in which rows came.
        let told = [(3, 0b111, 1000), (4, 0b1111, 2000), (5, 0b1_1111, 6000), (6, 0b11_1111, 9000)];
        for (i, (n, bits, at)) in told.iter().enumerate() {
            let kind = if i == 0 { "+I" } else { "+U" };
            let row = format!("{kind}0|{n}|{bits}|0|10000|9999");
            assert_eq!(world.written_at(&row), Some(START_MS + at), "{row}");
        }
        assert_eq!(world.sorted().len(), 1 + 2 * 3);
    }
}

#[test]
fn an_idle_split_or_source_does_not_hold_the_watermark() {
    for (emit, sources_apart) in [(Emit::OnEvent, false), (Emit::Periodic, false), (Emit::OnEvent, true), (Emit::Periodic, true)] {
        for silent_from_the_start in [true, false] {
            let lively = arriving(&[0, 20, 40, 60]);
            let silent: Vec<Event> = match silent_from_the_start {
                true => vec![Event { bit: 1 << 10, key: 1, time: 70, arrival: START_MS + 10_000 }],
                false => {
                    [(10, 0, 0), (11, 70, 10_000)].map(|(i, time, at)| Event { bit: 1 << i, key: 1, time, arrival: START_MS + at }).to_vec()
                }
            };
            let last = Event { bit: 1 << 20, key: 0, time: 200, arrival: START_MS + 20_000 };
            let all: Vec<Event> = lively.iter().chain(&silent).chain([&last]).copied().collect();
            let splits = vec![[&lively[..], &[last]].concat(), silent.clone()];
            let mut setup = Setup::new(splits, Query::Window { size: 10, two_phases: false });
            setup.emit = Some(emit);
            setup.sources_apart = sources_apart;
            setup.idle_timeout_ms = Some(500);
            let (_, progress) = setup.run().unwrap();
            assert!(progress.operators.is_empty());
            let world = setup.world.lock().unwrap();
            assert_eq!(world.sorted(), windows_of(&all, 10));
            for first in windows_of(&lively[..3], 10) {
                let at = world.written_at(&first).unwrap() - START_MS;
                assert!((500..=560).contains(&at), "{first} at {at}");
            }
        }
    }
}

#[test]
fn without_a_timeout_a_silent_split_holds_the_watermark() {
    let lively = arriving(&[0, 20, 40, 60]);
    let silent = vec![Event { bit: 1 << 10, key: 1, time: 70, arrival: START_MS + 10_000 }];
    let setup = Setup::new(vec![lively.clone(), silent], Query::Window { size: 10, two_phases: false });
    setup.run().unwrap();
    let world = setup.world.lock().unwrap();
    for row in windows_of(&lively, 10) {
        assert!(world.written_at(&row).unwrap() >= START_MS + 10_000, "{row}");
    }
}

#[test]
fn checkpoints_come_by_time_and_by_ticks_and_not_while_nothing_happens() {
    let all = arriving(&[0, 100, 200, 300, 400, 500, 600, 700, 800, 900, 60_000]);
    let mut by_ticks = Setup::new(vec![all.clone()], Query::Copy);
    by_ticks.checkpoints = Some(Kept::default());
    by_ticks.config.checkpoint_every_ticks = Some(2);
    let (_, progress) = by_ticks.run().unwrap();
    assert!(progress.checkpoints <= progress.ticks / 2 + 1, "{} checkpoints in {} ticks", progress.checkpoints, progress.ticks);
    assert!(progress.checkpoints >= 5);

    let mut by_time = Setup::new(vec![all], Query::Copy);
    by_time.checkpoints = Some(Kept::default());
    by_time.config.checkpoint_interval_ms = Some(250);
    let (_, progress) = by_time.run().unwrap();
    // One begins when the one before is durable, which the clock of this test does not wait for.
    assert!((1..=241).contains(&progress.checkpoints), "{}", progress.checkpoints);
    assert_eq!(by_time.world.lock().unwrap().rows().len(), 11);
}

#[test]
fn processing_time_does_not_go_back_with_the_clock_of_the_next_run() {
    let all = arriving(&[0, 1200, 1510]);
    let mut setup = Setup::new(vec![all.clone()], Query::Processing { size: 1000, slide: 1000 });
    setup.emit = None;
    let kept = Kept::default();
    setup.checkpoints = Some(kept.clone());
    setup.clock.stop_at = Some((START_MS + 1500, Control::default()));
    setup.run().unwrap();
    // The next machine's clock is a second and a half behind; the last row is there soon after its start.
    let mut later = Setup { world: setup.world.clone(), ..setup.elsewhere() };
    later.checkpoints = Some(kept);
    later.clock.stop_at = None;
    later.script.splits[0][1].arrival = START_MS;
    later.script.splits[0][2].arrival = START_MS + 100;
    later.run().unwrap();
    assert_eq!(later.world.lock().unwrap().sorted(), by_arrival(&all, 1000, 1000).into_keys().collect::<Vec<_>>());
}
