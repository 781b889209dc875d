//! NEXT against looking at all rows of a key.

use arrow::datatypes::{DataType, Field, Schema};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::harness::*;
use crate::operator::Tick;
use crate::operators::look_ahead::{LookAhead, LookAheadSpec};
use crate::operators::windows::TimeColumn;
use crate::state::ranked::SortColumn;

fn spec(keys: &[usize], by_value: bool, reaches: [usize; 2]) -> LookAheadSpec {
    let mut fields: Vec<Field> = schema().fields().iter().map(|f| f.as_ref().clone()).collect();
    fields.extend([Field::new("next_value", DataType::Int64, true), Field::new("next_name", DataType::Utf8, true)]);
    LookAheadSpec {
        input: schema(),
        partition: keys.to_vec(),
        time: TimeColumn::Event(TIME),
        order: by_value.then_some(SortColumn { column: VALUE, descending: true, nulls_first: false }).into_iter().collect(),
        values: vec![(VALUE, reaches[0]), (NAME, reaches[1])],
        schema: Arc::new(Schema::new(fields)),
    }
}

/// The rows of a key so far that the watermark has passed, in their order, and how many of them have come out.
#[derive(Default)]
struct Sequence {
    rows: Vec<Row>,
    out: usize,
}

struct Oracle {
    keys: Vec<usize>,
    by_value: bool,
    reaches: [usize; 2],
    waiting: Vec<Row>,
    sequences: BTreeMap<Vec<String>, Sequence>,
}

impl Oracle {
    fn step(&mut self, tick: &Tick, rows: &[Row]) -> (Vec<String>, u64) {
        let (in_time, late): (Vec<Row>, Vec<Row>) = rows.iter().cloned().partition(|row| row.time > tick.watermark_before);
        self.waiting.extend(in_time);
        let (mut due, rest): (Vec<Row>, Vec<Row>) =
            std::mem::take(&mut self.waiting).into_iter().partition(|row| row.time <= tick.watermark);
        self.waiting = rest;
        due.sort_by_key(|row| (row.time, self.by_value.then_some(row.value.map_or(i64::MAX, |value| -value))));
        for row in due {
            self.sequences.entry(key_text(&row, &self.keys)).or_default().rows.push(row);
        }
        let reach = self.reaches.into_iter().max().unwrap();
        let mut shown = vec![];
        for Sequence { rows, out } in self.sequences.values_mut() {
            let until = if tick.last { rows.len() } else { rows.len().saturating_sub(reach) };
            for at in *out..until {
                let value = rows.get(at + self.reaches[0]).and_then(|row| row.value).map_or("-".to_string(), |v| v.to_string());
                let name = rows.get(at + self.reaches[1]).and_then(|row| row.name.clone()).unwrap_or("-".into());
                shown.push(format!("+I{}|{value}|{name}", text(&batch(&rows[at..at + 1]), 0)));
            }
            *out = until;
        }
        shown.sort();
        (shown, late.len() as u64)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn a_row_comes_out_when_the_rows_behind_it_are_there(
        steps in steps(20, 0..60),
        layout in 0..LAYOUTS.len(),
        by_value in any::<bool>(),
        reaches in [0..4usize, 0..4usize],
    ) {
        let keys = LAYOUTS[layout];
        let mut fleet = Fleet::new(keys, move || LookAhead::new(spec(keys, by_value, reaches)));
        let mut oracle = Oracle { keys: keys.to_vec(), by_value, reaches, waiting: vec![], sequences: BTreeMap::new() };
        let rest = Step { rows: vec![], cuts: vec![], advance: 0, workers: 2 };
        for (step, tick) in steps.iter().chain([&rest]).zip(ticks(&steps, 0)) {
            fleet.restart(step.workers);
            let given = fleet.step(&tick, &batches(&step.rows, &step.cuts));
            prop_assert_eq!((given.rows(), given.late), oracle.step(&tick, &step.rows));
        }
        prop_assert_eq!(fleet.state_rows(), 0);
    }
}
