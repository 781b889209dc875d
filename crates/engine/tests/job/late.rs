//! Which rows are late: with a watermark after each row, exactly those that Flink calls late.

use proptest::prelude::*;

use crate::result::{TICK_ROWS, inputs};
use crate::support::*;
use flott_engine::graph::Emit;

const SIZE: i64 = 10;

fn window_end(time: i64) -> i64 {
    time - time.rem_euclid(SIZE) + SIZE
}

/// Row by row: each is judged by the watermark after the row before it.
fn on_time(events: &[Event], delay: i64) -> Vec<Event> {
    let mut watermark = i64::MIN;
    let mut kept = vec![];
    for event in events {
        if window_end(event.time) - 1 > watermark {
            kept.push(*event);
        }
        watermark = watermark.max(event.time - delay);
    }
    kept
}

/// Bits of all rows that the visible windows hold. Fails when a row is in two of them.
fn counted(setup: &Setup) -> i64 {
    let mut bits = 0;
    for row in setup.world.lock().unwrap().rows() {
        let window: i64 = row.split('|').nth(2).unwrap().parse().unwrap();
        assert_eq!(bits & window, 0, "{row}: counted twice");
        bits |= window;
    }
    bits
}

fn late_rows(setup: &Setup) -> u64 {
    setup.run().unwrap().1.operators.iter().map(|o| o.late.count).sum()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn late_rows_do_not_depend_on_ticks_or_workers((events, _) in inputs(), delay in 0..30i64, chunk in 1..9usize) {
        let kept = on_time(&events, delay);
        for two_phases in [false, true] {
            for tick_rows in TICK_ROWS {
                for workers in 1..=2 {
                    let mut setup = Setup::new(vec![events.clone()], Query::Window { size: SIZE, two_phases });
                    setup.script.chunk = chunk;
                    setup.delay = delay;
                    setup.config.tick_rows_max = tick_rows;
                    setup.config.workers = workers;
                    let late = late_rows(&setup);
                    prop_assert_eq!(setup.world.lock().unwrap().sorted(), windows_of(&kept, SIZE));
                    prop_assert_eq!(late as usize, events.len() - kept.len());
                }
            }
        }
    }

    /// Several splits: the slowest one counts. When exactly the end of a split is noticed is open, so there is a row-by-row
    /// simulation for either extreme, over the order in which the rows really came.
    #[test]
    fn with_several_splits_the_slowest_one_decides((events, owners) in inputs(), delay in 0..20i64, chunk in 1..9usize, tick in 0..3usize) {
        let splits = dealt(&events, 3, |i| owners[i]);
        let mut setup = Setup::new(splits.clone(), Query::Window { size: SIZE, two_phases: false });
        setup.script.chunk = chunk;
        setup.delay = delay;
        setup.config.tick_rows_max = TICK_ROWS[tick];
        let copy = Setup { query: Query::Copy, ..setup.elsewhere() };
        late_rows(&setup);
        copy.run().unwrap();
        let kept = counted(&setup);
        let order: Vec<Vec<i64>> = copy.world.lock().unwrap().rows().iter().map(|r| r[2..].split('|').map(|c| c.parse().unwrap()).collect()).collect();

        for ends_at_once in [true, false] {
            let mut left: Vec<usize> = splits.iter().map(Vec::len).collect();
            let mut own: Vec<i64> = vec![i64::MIN; 3];
            let mut watermark = i64::MIN;
            for row in &order {
                let (bit, time, split) = (row[0], row[2], row[3] as usize);
                let late = window_end(time) - 1 <= watermark;
                if ends_at_once {
                    prop_assert!(late || kept & bit != 0, "row {:?} is not late at {}", row, watermark);
                } else {
                    prop_assert!(!late || kept & bit == 0, "row {:?} is late at {}", row, watermark);
                }
                left[split] -= 1;
                own[split] = own[split].max(time - delay);
                let holds = |s: usize| left[s] > 0 || !ends_at_once;
                watermark = watermark.max((0..3).filter(|s| holds(*s)).map(|s| own[s]).min().unwrap_or(i64::MAX));
            }
        }
    }

    /// With a watermark after each tick a row can only be on time where it would otherwise be late, never the other way.
    #[test]
    fn periodic_watermarks_drop_no_more((events, _) in inputs(), delay in 0..30i64, tick in 0..3usize, workers in 1..3usize) {
        let mut setup = Setup::new(vec![events.clone()], Query::Window { size: SIZE, two_phases: true });
        setup.emit = Some(Emit::Periodic);
        setup.delay = delay;
        setup.config.tick_rows_max = TICK_ROWS[tick];
        setup.config.workers = workers;
        let late = late_rows(&setup);
        let kept = counted(&setup);
        prop_assert_eq!(kept.count_ones() as u64 + late, events.len() as u64);
        prop_assert!(on_time(&events, delay).iter().all(|e| kept & e.bit != 0));
        if tick == 0 {
            prop_assert_eq!(late as usize, events.len() - on_time(&events, delay).len(), "ticks of one row");
        }
    }
}

#[test]
fn a_split_that_has_not_spoken_holds_the_watermark() {
    // Out of order, so that a watermark of the first split alone would make rows late.
    let fast = events(&[(0, 50), (0, 5), (0, 60), (0, 7)]);
    let slow: Vec<Event> = events(&[(0, 1); 6]).into_iter().skip(4).map(|e| Event { arrival: START_MS + 500, ..e }).collect();
    for tick_rows in TICK_ROWS {
        for chunk in [1, 2, 9] {
            let mut setup = Setup::new(vec![fast.clone(), slow.clone()], Query::Window { size: SIZE, two_phases: false });
            setup.script.chunk = chunk;
            setup.config.tick_rows_max = tick_rows;
            assert_eq!(late_rows(&setup), 0);
            let all: Vec<Event> = fast.iter().chain(&slow).copied().collect();
            assert_eq!(setup.world.lock().unwrap().sorted(), windows_of(&all, SIZE));
        }
    }
}

#[test]
fn samples_show_late_rows_and_the_watermark_they_met() {
    let setup = Setup::new(vec![events(&[(0, 50), (0, 5)])], Query::Window { size: SIZE, two_phases: false });
    let (_, progress) = setup.run().unwrap();
    assert_eq!(progress.operators[0].name, "WindowAggregate");
    let late = &progress.operators[0].late;
    assert_eq!((late.count, late.samples.len(), late.samples[0].watermark), (1, 1, 50));
}
