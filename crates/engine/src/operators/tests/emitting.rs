//! Windows that tell results early and late, against the rows that they hold.

use proptest::prelude::*;
use std::collections::BTreeMap;

use super::harness::*;
use crate::RowKind;
use crate::operators::emitting_aggregate::{EmitStrategy, EmittingAggregate};
use crate::operators::window_aggregate::WindowSpec;
use crate::operators::windows::{TimeColumn, Windows};

type Window = (i64, Vec<String>);

/// Every row of every window that is not over, and since when something of it is not told.
struct Oracle {
    windows: Windows,
    keys: Vec<usize>,
    emit: EmitStrategy,
    rows: BTreeMap<Window, Vec<Row>>,
    told: BTreeMap<String, i64>,
    untold_since: BTreeMap<Window, i64>,
}

impl Oracle {
    fn bounds(&self, time: i64) -> Vec<(i64, i64)> {
        let (size, slide, offset) = match self.windows {
            Windows::Tumble { size, offset } => (size, size, offset),
            Windows::Hop { size, slide, offset } => (size, slide, offset),
            _ => unreachable!("not generated"),
        };
        let starts = (time - 100..=time).filter(|s| (s - offset).rem_euclid(slide) == 0);
        starts.map(|s| (s, s + size)).filter(|(_, end)| time < *end).collect()
    }

    /// Puts a row in its windows that are not over; `false` if there is none.
    fn add(&mut self, row: &Row, passed: i64, now_ms: i64) -> bool {
        let open: Vec<_> = self.bounds(row.time).into_iter().filter(|(_, end)| end - 1 + self.emit.lateness_ms > passed).collect();
        for (_, end) in &open {
            let window = (*end, key_text(row, &self.keys));
            self.rows.entry(window.clone()).or_default().push(row.clone());
            self.untold_since.entry(window).or_insert(now_ms);
        }
        !open.is_empty()
    }

    fn result(&self, window: &Window) -> String {
        let (Windows::Tumble { size, .. } | Windows::Hop { size, .. }) = self.windows else { unreachable!("not generated") };
        let bounds = [window.0 - size, window.0, window.0 - 1].map(|n| n.to_string());
        window.1.iter().cloned().chain(expected(&self.rows[window])).chain(bounds).collect::<Vec<_>>().join("|")
    }

    /// The result that was told of a window last.
    fn check(&mut self, passed: i64, passed_before: i64, now_ms: i64) -> Result<(), TestCaseError> {
        for window in self.rows.keys().cloned().collect::<Vec<_>>() {
            let told = self.told.get(&self.result(&window)).copied().unwrap_or(0);
            let Some(since) = self.untold_since.get(&window).copied() else {
                prop_assert_eq!(told, 1, "{:?} was told", window);
                continue;
            };
            if told == 1 {
                self.untold_since.remove(&window);
                continue;
            }
            prop_assert_eq!(told, 0);
            prop_assert!(window.0 - 1 > passed || window.0 - 1 <= passed_before, "{:?} is told when it ends", window);
            let delay = if window.0 - 1 <= passed { self.emit.late_delay_ms } else { self.emit.early_delay_ms };
            prop_assert!(delay.is_none_or(|delay| now_ms - since < delay), "{:?} is not told since {} at {}", window, since, now_ms);
        }
        Ok(())
    }
}

fn strategies() -> impl Strategy<Value = EmitStrategy> {
    let delay = || prop::option::of(prop_oneof![2 => Just(0), 3 => 1..30i64]);
    let strategy = |(early_delay_ms, late_delay_ms, lateness): (_, Option<i64>, i64)| EmitStrategy {
        early_delay_ms,
        late_delay_ms,
        lateness_ms: if late_delay_ms.is_some() { lateness } else { 0 },
    };
    (delay(), delay(), 0..40i64).prop_map(strategy)
}

fn windows() -> impl Strategy<Value = Windows> {
    prop_oneof![
        (1..12i64, -5..6i64).prop_map(|(size, offset)| Windows::Tumble { size, offset }),
        (1..5i64, 1..5i64, -3..4i64).prop_map(|(slide, n, offset)| Windows::Hop { size: slide * n, slide, offset }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn what_is_told_is_right_and_not_older_than_its_delay(
        steps in steps(12, 0..60),
        windows in windows(),
        layout in 0..LAYOUTS.len(),
        emit in strategies(),
        pace in 1..12i64,
        update_before in any::<bool>(),
    ) {
        let keys = LAYOUTS[layout];
        let spec = WindowSpec {
            windows,
            time: TimeColumn::Event(TIME),
            keys: keys.to_vec(),
            key_types: key_types(keys),
            aggregates: aggregates(false),
            schema: result_schema(keys, true),
        };
        let mut fleet = Fleet::new(keys, move || EmittingAggregate::new(spec.clone(), emit, update_before));
        let (rows, told, untold_since) = Default::default();
        let mut newest: BTreeMap<String, String> = BTreeMap::new();
        let mut oracle = Oracle { windows, keys: keys.to_vec(), emit, rows, told, untold_since };
        let rest = Step { rows: vec![], cuts: vec![], advance: 0, workers: 1 };
        for (i, (step, mut tick)) in steps.iter().chain([&rest]).zip(ticks(&steps, 0)).enumerate() {
            (tick.now_before_ms, tick.now_ms) = (1000 + (i as i64 - 1) * pace, 1000 + i as i64 * pace);
            fleet.restart(step.workers);
            let given = fleet.step(&tick, &batches(&step.rows, &step.cuts));
            let late = step.rows.iter().filter(|row| !oracle.add(row, tick.watermark_before, tick.now_ms)).count();
            prop_assert_eq!(given.late, late as u64);
            let mut touched: BTreeMap<String, (u32, u32)> = BTreeMap::new();
            for (kind, row) in given.changes() {
                *oracle.told.entry(row.clone()).or_default() += if kind.adds() { 1 } else { -1 };
                let cells: Vec<&str> = row.split('|').collect();
                let of = cells[..keys.len()].iter().chain(&cells[cells.len() - 3..]).copied().collect::<Vec<_>>().join("|");
                let former = if kind.adds() { newest.insert(of.clone(), row.clone()) } else { None };
                if !update_before {
                    prop_assert_eq!(kind == RowKind::UpdateAfter, former.is_some());
                    former.into_iter().for_each(|former| *oracle.told.entry(former).or_default() -= 1);
                }
                let (taken, added) = touched.entry(of).or_default();
                if kind.adds() { *added += 1 } else { *taken += 1 }
            }
            prop_assert!(touched.values().all(|(taken, added)| *taken <= u32::from(update_before) && *added == 1), "one change a window and tick");
            prop_assert!(oracle.told.values().all(|count| (0..=1).contains(count)));
            oracle.check(tick.watermark, tick.watermark_before, tick.now_ms)?;
            let wanted = oracle.untold_since.iter().filter_map(|(window, since)| {
                let delay = if window.0 - 1 <= tick.watermark { emit.late_delay_ms } else { emit.early_delay_ms };
                delay.map(|delay| since + delay)
            });
            prop_assert!(wanted.min().is_none_or(|at| given.wake_at_ms.is_some_and(|wake| wake <= at)), "it asks to be woken");
        }
        prop_assert!(oracle.untold_since.is_empty());
        prop_assert_eq!(fleet.state_rows(), 0);
    }
}
