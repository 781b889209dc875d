//! OVER against computing each row's frame anew.

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::harness::*;
use crate::RowKind;
use crate::aggregate::{AggFunction, AggSpec, bind};
use crate::operator::Tick;
use crate::operators::over_aggregate::{Frame, OverAggregate, OverCall, OverSpec};
use crate::operators::over_updating::OverUpdating;
use crate::operators::windows::TimeColumn;
use crate::state::ranked::SortColumn;

/// COUNT(*), SUM, MIN, MAX, COUNT(DISTINCT), FIRST_VALUE, LAST_VALUE of the value; LAG(value, 2) where no row leaves.
fn spec(keys: &[usize], frame: Frame) -> OverSpec {
    use AggFunction::*;
    let retract = !matches!(frame, Frame::Unbounded { .. });
    let call = |function, arg: Option<usize>, distinct| {
        let args = arg.iter().map(|_| DataType::Int64).collect();
        let spec = AggSpec { function, args, output: DataType::Int64, distinct, retract };
        OverCall { function: bind(&spec).unwrap(), args: arg.into_iter().collect() }
    };
    let mut calls = vec![
        call(Count, None, false),
        call(Sum, Some(VALUE), false),
        call(Min, Some(VALUE), false),
        call(Max, Some(VALUE), false),
        call(Count, Some(VALUE), true),
        call(FirstValue, Some(VALUE), false),
        call(LastValue, Some(VALUE), false),
    ];
    if !retract {
        calls.push(call(Lag { offset: Some(2) }, Some(VALUE), false));
    }
    let mut fields: Vec<Field> = schema().fields().iter().map(|f| f.as_ref().clone()).collect();
    fields.extend((0..calls.len()).map(|i| Field::new(format!("result{i}"), DataType::Int64, true)));
    let output: SchemaRef = Arc::new(Schema::new(fields));
    OverSpec { input: schema(), partition: keys.to_vec(), calls, frame, schema: output }
}

/// The row with what [`spec`] gives for it, as [`text`] shows it. The frame ends with the row's last peer.
fn shown(row: &Row, frame: &[Row], lag: bool) -> String {
    let values: Vec<i64> = frame.iter().filter_map(|r| r.value).collect();
    let some = |v: Option<i64>| v.map_or("-".to_string(), |v| v.to_string());
    let mut cells = vec![text(&batch(&[Row { adds: true, ..row.clone() }]), 0)];
    cells.extend(expected(frame).into_iter().take(5));
    cells.extend([some(values.first().copied()), some(values.last().copied())]);
    if lag {
        cells.push(some(frame.iter().rev().nth(2).and_then(|r| r.value)));
    }
    cells.join("|")
}

/// The rows of a key that have come out, in their order, with the time that counts for each.
#[derive(Default)]
struct History {
    rows: Vec<(i64, Row)>,
    last: Option<i64>,
    /// When all is forgotten: the last one of these. The others count as times of rows.
    due: Vec<i64>,
}

impl History {
    /// Results of the rows from `from` on.
    fn results(&self, from: usize, frame: Frame) -> Vec<String> {
        let rows_to = |end: usize| self.rows[..end].iter().map(|(_, row)| row.clone()).collect::<Vec<_>>();
        let peers_end = |time: i64| self.rows.iter().rposition(|(t, _)| *t == time).map_or(0, |last| last + 1);
        let result = |at: usize| {
            let (time, row) = &self.rows[at];
            match frame {
                Frame::Unbounded { peers: true } => shown(row, &rows_to(peers_end(*time)), true),
                Frame::Unbounded { peers: false } => shown(row, &rows_to(at + 1), true),
                Frame::Rows(most) => shown(row, &rows_to(at + 1)[at.saturating_sub(most)..], false),
                Frame::Range(span) => {
                    let start = self.rows.iter().position(|(t, _)| *t >= time - span).unwrap();
                    shown(row, &rows_to(peers_end(*time))[start..], false)
                }
            }
        };
        (from..self.rows.len()).map(result).collect()
    }
}

/// What a fresh start over all rows so far would give.
struct Oracle {
    frame: Frame,
    keys: Vec<usize>,
    processing: bool,
    waiting: Vec<Row>,
    histories: BTreeMap<Vec<String>, History>,
}

impl Oracle {
    /// Rows and number of late ones of a tick.
    fn step(&mut self, tick: &Tick, rows: &[Row]) -> (Vec<String>, u64) {
        let mut late = 0;
        let time = |row: &Row| if self.processing { tick.now_ms } else { row.time };
        for row in rows {
            let history = self.histories.entry(key_text(row, &self.keys)).or_default();
            let in_time = match self.frame {
                _ if self.processing => true,
                Frame::Unbounded { .. } => row.time > tick.watermark_before,
                _ => row.time > history.last.unwrap_or(0),
            };
            if !in_time {
                late += 1;
                continue;
            }
            self.waiting.push(row.clone());
            if let Frame::Range(span) = self.frame
                && history.due.last().is_none_or(|until| *until < time(row) + span + 1)
            {
                history.due.push(time(row) + span + span / 2 + 1);
            }
        }
        let now = if self.processing { if tick.last { i64::MAX } else { tick.now_ms } } else { tick.watermark };
        if !self.processing && tick.watermark == tick.watermark_before && !tick.last {
            return (vec![], late);
        }
        let (mut over, rest): (Vec<Row>, Vec<Row>) = std::mem::take(&mut self.waiting).into_iter().partition(|row| time(row) <= now);
        over.sort_by_key(time);
        let mut before: BTreeMap<Vec<String>, usize> = BTreeMap::new();
        for row in over {
            let key = key_text(&row, &self.keys);
            let history = self.histories.entry(key.clone()).or_default();
            before.entry(key).or_insert(history.rows.len());
            history.last = Some(time(&row));
            history.rows.push((time(&row), row));
        }
        self.waiting = rest;
        let mut results: Vec<String> = before.iter().flat_map(|(key, from)| self.histories[key].results(*from, self.frame)).collect();
        results.sort();
        for history in self.histories.values_mut() {
            match history.due.last() {
                Some(until) if *until <= now => *history = History::default(),
                _ => history.last = history.due.iter().copied().filter(|time| *time <= now).chain(history.last).max(),
            }
            history.due.retain(|time| *time > now);
        }
        (results, late)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn each_row_comes_with_its_frame(
        steps in steps(12, 0..60),
        layout in 0..LAYOUTS.len(),
        frame in prop_oneof![
            any::<bool>().prop_map(|peers| Frame::Unbounded { peers }),
            (0..4usize).prop_map(Frame::Rows),
            (0..15i64).prop_map(Frame::Range),
        ],
        processing in any::<bool>(),
    ) {
        let frame = if processing && frame == (Frame::Unbounded { peers: true }) { Frame::Unbounded { peers: false } } else { frame };
        let keys = LAYOUTS[layout];
        let time = if processing { TimeColumn::Processing } else { TimeColumn::Event(TIME) };
        let own = spec(keys, frame);
        let mut fleet = Fleet::new(keys, move || OverAggregate::new(own.clone(), time.clone()));
        let mut oracle = Oracle { frame, keys: keys.to_vec(), processing, waiting: vec![], histories: BTreeMap::new() };
        let rest = Step { rows: vec![], cuts: vec![], advance: 0, workers: 1 };
        for (step, mut tick) in steps.iter().chain([&rest]).zip(ticks(&steps, 0)) {
            tick.now_ms = 1000 + tick.number as i64 * 4;
            fleet.restart(step.workers);
            let given = fleet.step(&tick, &batches(&step.rows, &step.cuts));
            let (results, late) = oracle.step(&tick, &step.rows);
            let mut rows: Vec<String> = given.changes().into_iter().map(|(_, row)| row).collect();
            rows.sort();
            prop_assert_eq!((rows, given.late), (results, late));
        }
        if matches!(frame, Frame::Range(_)) {
            prop_assert_eq!(fleet.state_rows(), 0);
        }
    }

    #[test]
    fn in_the_order_of_a_value_the_changes_add_up(
        mut steps in steps(10, 0..50),
        layout in 0..LAYOUTS.len(),
        (nulls_first, peers, retract) in any::<(bool, bool, bool)>(),
    ) {
        if retract {
            with_deletions(&mut steps);
        }
        let keys = LAYOUTS[layout];
        let frame = Frame::Unbounded { peers };
        let order = SortColumn { column: VALUE, descending: false, nulls_first };
        let own = spec(keys, frame);
        let mut fleet = Fleet::new(keys, move || OverUpdating::new(own.clone(), vec![order], peers));
        let mut live: Vec<Row> = vec![];
        let mut table: BTreeMap<String, i64> = BTreeMap::new();
        for (step, tick) in steps.iter().zip(ticks(&steps, 0)) {
            apply(&mut live, &step.rows);
            fleet.restart(step.workers);
            let mut touched: BTreeMap<String, bool> = BTreeMap::new();
            for (kind, row) in fleet.step(&tick, &batches(&step.rows, &step.cuts)).changes() {
                prop_assert!(matches!(kind, RowKind::Insert | RowKind::Delete));
                *table.entry(row.clone()).or_default() += if kind.adds() { 1 } else { -1 };
                prop_assert_eq!(*touched.entry(row.clone()).or_insert(kind.adds()), kind.adds(), "{} comes and goes in one tick", row);
            }
            table.retain(|_, count| *count != 0);
            let mut groups: BTreeMap<Vec<String>, History> = BTreeMap::new();
            for row in &live {
                // NULL stands before or behind all values; equal rows stay as they came.
                let place = row.value.unwrap_or(if nulls_first { i64::MIN } else { i64::MAX });
                let rows = &mut groups.entry(key_text(row, keys)).or_default().rows;
                rows.insert(rows.partition_point(|(other, _)| *other <= place), (place, row.clone()));
            }
            let mut wanted: BTreeMap<String, i64> = BTreeMap::new();
            groups.values().flat_map(|group| group.results(0, frame)).for_each(|row| *wanted.entry(row).or_default() += 1);
            prop_assert_eq!(&table, &wanted);
            prop_assert_eq!(fleet.state_rows(), live.len());
        }
    }
}

/// Runs two hundred ticks of rows of three keys, and gives the most rows that were in state at the end of one.
fn most_rows_in_state(frame: Frame) -> usize {
    let own = spec(&[NUMBER], frame);
    let mut fleet = Fleet::new(&[NUMBER], move || OverAggregate::new(own.clone(), TimeColumn::Event(TIME)));
    let row = |time: i64| Row { number: Some(time % 3), name: None, value: Some(time % 7), time, flag: None, adds: true };
    let mut most = 0;
    for number in 0..200i64 {
        let rows: Vec<Row> = (1..=50).map(|n| row(number * 50 + n)).collect();
        let (watermark_before, watermark) = (number * 50, number * 50 + 50);
        let tick = Tick { number: number as u64, watermark_before, watermark, now_ms: 0, now_before_ms: 0, last: false };
        fleet.step(&tick, &[batch(&rows)]);
        most = most.max(fleet.state_rows());
    }
    most
}

#[test]
fn state_does_not_grow_with_the_input() {
    // A table counts its keys and the rows of their frames.
    assert!(most_rows_in_state(Frame::Range(20)) <= 3 + 21);
    assert!(most_rows_in_state(Frame::Rows(4)) <= 3 + 15);
    assert_eq!(most_rows_in_state(Frame::Unbounded { peers: true }), 3);
}
