//! TUMBLE, HOP and CUMULATE, and the window table function.

use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::harness::*;
use crate::operator::{Operator, Tick};
use crate::operators::window_aggregate::{LocalWindowAggregate, WindowAggregate, WindowSpec};
use crate::operators::window_tvf::WindowTvf;
use crate::operators::windows::{TimeColumn, Windows};
use arrow::datatypes::{Field, Schema};

fn windows() -> impl Strategy<Value = Windows> {
    prop_oneof![
        (1..12i64, -5..6i64).prop_map(|(size, offset)| Windows::Tumble { size, offset }),
        (1..5i64, 1..5i64, -3..4i64).prop_map(|(slide, n, offset)| Windows::Hop { size: slide * n, slide, offset }),
        (1..5i64, 1..5i64, -3..4i64).prop_map(|(step, n, offset)| Windows::Cumulate { size: step * n, step, offset }),
    ]
}

/// Every window that holds a time, found by trying all that could.
fn windows_of(windows: &Windows, time: i64) -> Vec<(i64, i64)> {
    let near = time - 100..=time + 100;
    let bounds: Vec<(i64, i64)> = match *windows {
        Windows::Tumble { size, offset } => near.filter(|s| (s - offset).rem_euclid(size) == 0).map(|s| (s, s + size)).collect(),
        Windows::Hop { size, slide, offset } => near.filter(|s| (s - offset).rem_euclid(slide) == 0).map(|s| (s, s + size)).collect(),
        Windows::Cumulate { size, step, offset } => {
            near.filter(|s| (s - offset).rem_euclid(size) == 0).flat_map(|s| (1..=size / step).map(move |i| (s, s + i * step))).collect()
        }
        Windows::Attached { .. } => unreachable!("not generated"),
    };
    bounds.into_iter().filter(|(s, e)| *s <= time && time < *e).collect()
}

/// Holds every row of every window that has not fired.
struct Oracle<'a> {
    windows: &'a Windows,
    keys: &'a [usize],
    open: BTreeMap<(i64, i64, Vec<String>), Vec<Row>>,
}

impl Oracle<'_> {
    /// The rows emitted and the number of late ones.
    fn step(&mut self, tick: &Tick, rows: &[Row]) -> (Vec<String>, u64) {
        let mut late = 0;
        for row in rows {
            let open: Vec<_> = windows_of(self.windows, row.time).into_iter().filter(|(_, end)| end - 1 > tick.watermark_before).collect();
            late += u64::from(open.is_empty());
            for (start, end) in open {
                self.open.entry((end, start, key_text(row, self.keys))).or_default().push(row.clone());
            }
        }
        let due: Vec<_> = self.open.keys().filter(|(end, ..)| end - 1 <= tick.watermark).cloned().collect();
        let mut fired: Vec<String> = due.into_iter().map(|w| self.result(w)).collect();
        fired.sort();
        (fired, late)
    }

    fn result(&mut self, window: (i64, i64, Vec<String>)) -> String {
        let rows = self.open.remove(&window).unwrap();
        let (end, start, mut cells) = window;
        cells.extend(expected(&rows));
        cells.extend([start, end, end - 1].map(|t| t.to_string()));
        format!("+I{}", cells.join("|"))
    }
}

fn spec(windows: Windows, time: TimeColumn, keys: &[usize]) -> WindowSpec {
    WindowSpec {
        windows,
        time,
        keys: keys.to_vec(),
        key_types: key_types(keys),
        aggregates: aggregates(false),
        schema: result_schema(keys, true),
    }
}

fn one_phase(spec: &WindowSpec) -> Fleet {
    let (keys, spec) = (spec.keys.clone(), spec.clone());
    Fleet::new(&keys, move || WindowAggregate::new(spec.clone(), false))
}

/// The second phase, and how to make the first.
fn two_phases(spec: &WindowSpec) -> (Fleet, impl Fn() -> Box<dyn Operator>) {
    let schema = partial_schema(Some("slice_end"), &spec.keys, spec.aggregates.partial_types());
    let keys: Vec<usize> = (1..=spec.keys.len()).collect();
    let (global, local) = (spec.clone(), spec.clone());
    let fleet = Fleet::new(&keys, move || WindowAggregate::new(global.clone(), true));
    (fleet, move || Box::new(LocalWindowAggregate { spec: local.clone(), schema: schema.clone() }) as Box<dyn Operator>)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn windows_agree_with_the_oracle(windows in windows(), steps in steps(12, -20..60), layout in 0..LAYOUTS.len()) {
        let keys = LAYOUTS[layout];
        let spec = spec(windows, TimeColumn::Event(TIME), keys);
        let mut oracle = Oracle { windows: &windows, keys, open: BTreeMap::new() };
        let mut one = one_phase(&spec);
        let (mut two, local) = two_phases(&spec);
        for (number, tick) in ticks(&steps, -20).iter().enumerate() {
            let step = steps.get(number).cloned().unwrap_or(Step { rows: vec![], cuts: vec![], advance: 0, workers: 2 });
            let (fired, late) = oracle.step(tick, &step.rows);
            let input = batches(&step.rows, &step.cuts);

            one.restart(step.workers);
            let given = one.step(tick, &input);
            prop_assert_eq!(given.rows(), fired.clone());
            prop_assert_eq!(given.late, late);

            two.restart(step.workers);
            let parts: Vec<_> = input.iter().map(|b| vec![b.clone()]).collect();
            let partial = locally(&local, tick, &parts);
            prop_assert_eq!(partial.late, late);
            prop_assert_eq!(two.step(tick, &partial.batches).rows(), fired);
        }
        prop_assert_eq!(one.state_rows() + two.state_rows(), 0);
    }

    /// Processing time: a row belongs to the windows open at the moment of its tick; nothing is late; the operator asks to be
    /// woken when a window ends, not before and not after.
    #[test]
    fn processing_time_windows_follow_the_clock(windows in windows(), steps in steps(6, 0..1)) {
        let spec = spec(windows, TimeColumn::Processing, &[NUMBER]);
        let mut oracle = Oracle { windows: &windows, keys: &[NUMBER], open: BTreeMap::new() };
        let mut fleet = one_phase(&spec);
        let (mut now_ms, mut now_before_ms) = (1_000, i64::MIN);
        for (number, step) in steps.iter().enumerate() {
            let tick = Tick { number: number as u64, watermark_before: i64::MAX, watermark: i64::MAX, now_ms, now_before_ms, last: false };
            let rows: Vec<Row> = step.rows.iter().cloned().map(|r| Row { time: now_ms, ..r }).collect();
            // In terms of event time the watermark stands just before now.
            let as_event = Tick { watermark_before: now_before_ms.saturating_sub(1), watermark: now_ms - 1, ..tick };
            let (fired, late) = oracle.step(&as_event, &rows);
            prop_assert_eq!(late, 0);
            let given = fleet.step(&tick, &batches(&rows, &step.cuts));
            prop_assert_eq!(given.rows(), fired);
            prop_assert_eq!(given.late, 0);
            prop_assert_eq!(given.wake_at_ms, oracle.open.keys().next().map(|(end, ..)| *end));
            now_before_ms = now_ms;
            now_ms += step.advance;
        }
        let tick = Tick { number: 99, watermark_before: i64::MAX, watermark: i64::MAX, now_ms, now_before_ms, last: true };
        let as_event = Tick { watermark_before: now_before_ms - 1, watermark: i64::MAX, ..tick };
        prop_assert_eq!(fleet.step(&tick, &[]).rows(), oracle.step(&as_event, &[]).0);
    }

    #[test]
    fn the_window_function_puts_each_row_into_all_its_windows(windows in windows(), rows in prop::collection::vec(row(-20..60), 0..20)) {
        let mut fields: Vec<Field> = schema().fields().iter().map(|f| f.as_ref().clone()).collect();
        fields.extend(["window_start", "window_end", "window_time"].map(|n| Field::new(n, timestamp(), false)));
        let schema = Arc::new(Schema::new(fields));
        let tvf = WindowTvf { windows, time: TimeColumn::Event(TIME), schema };
        let mut fleet = Fleet::new(&[NUMBER], move || tvf.clone());
        let rows: Vec<Row> = rows.into_iter().enumerate().map(|(i, r)| Row { adds: i % 3 != 1, ..r }).collect();
        let given = fleet.step(&ticks(&[], 0)[0], &batches(&rows, &[]));
        let mut wanted: Vec<String> = vec![];
        for row in &rows {
            let cells = text(&batch(std::slice::from_ref(row)), 0);
            let kind = if row.adds { "+I" } else { "-D" };
            wanted.extend(windows_of(&windows, row.time).iter().map(|(s, e)| format!("{kind}{cells}|{s}|{e}|{}", e - 1)));
        }
        wanted.sort();
        prop_assert_eq!(given.rows(), wanted);
    }
}

#[test]
fn a_row_at_the_end_of_time_and_a_watermark_there_do_not_hang() {
    let spec = spec(Windows::Hop { size: 10, slide: 2, offset: 0 }, TimeColumn::Event(TIME), &[]);
    let mut fleet = one_phase(&spec);
    let far = |time| Row { number: None, name: None, value: Some(1), time, flag: None, adds: true };
    let rows = [far(-62_135_596_800_000), far(253_402_300_799_999)];
    let given = fleet.step(&ticks(&[], 0)[0], &batches(&rows, &[]));
    let ends: BTreeSet<String> = given.rows().into_iter().collect();
    assert_eq!(ends.len(), 10);
}
