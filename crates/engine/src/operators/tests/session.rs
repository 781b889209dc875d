//! SESSION windows.

use arrow::datatypes::Schema;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::harness::*;
use crate::operator::Tick;
use crate::operators::session_aggregate::SessionAggregate;
use crate::operators::session_tvf::SessionTvf;
use crate::operators::windows::TimeColumn;

/// Keeps the rows that have not fired and works sessions out of them anew each time.
struct Oracle<'a> {
    gap: i64,
    keys: &'a [usize],
    open: BTreeMap<Vec<String>, Vec<Row>>,
}

impl Oracle<'_> {
    /// Rows of a key by session, each session with its end.
    fn sessions(&self, rows: &[Row]) -> Vec<(i64, Vec<Row>)> {
        let mut rows = rows.to_vec();
        rows.sort_by_key(|r| r.time);
        let mut sessions: Vec<(i64, Vec<Row>)> = vec![];
        for row in rows {
            match sessions.last_mut() {
                Some((end, members)) if row.time <= *end => {
                    *end = row.time + self.gap;
                    members.push(row);
                }
                _ => sessions.push((row.time + self.gap, vec![row])),
            }
        }
        sessions
    }

    /// What a session gives when it closes, as [`text`] shows it.
    fn step(&mut self, tick: &Tick, rows: &[Row], close: impl Fn(&[String], &[Row]) -> Vec<String>) -> (Vec<String>, u64) {
        let mut late = 0;
        for row in rows {
            let key = key_text(row, self.keys);
            let mut with = self.open.get(&key).cloned().unwrap_or_default();
            with.push(row.clone());
            // Late when the session it would be part of has passed.
            let own = self.sessions(&with).into_iter().find(|(_, members)| members.contains(row)).unwrap();
            if own.0 - 1 <= tick.watermark_before {
                late += 1;
            } else {
                self.open.insert(key, with);
            }
        }
        let mut fired = vec![];
        for (key, rows) in std::mem::take(&mut self.open) {
            let mut left = vec![];
            for (end, members) in self.sessions(&rows) {
                if end - 1 > tick.watermark {
                    left.extend(members);
                    continue;
                }
                let bounds = [members[0].time, end, end - 1].map(|t| t.to_string()).join("|");
                fired.extend(close(&key, &members).into_iter().map(|row| format!("+I{row}|{bounds}")));
            }
            if !left.is_empty() {
                self.open.insert(key, left);
            }
        }
        fired.sort();
        (fired, late)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn sessions_agree_with_the_oracle(gap in 1..8i64, steps in steps(12, 0..60), layout in 0..LAYOUTS.len()) {
        let keys = LAYOUTS[layout];
        let session = SessionAggregate {
            gap,
            time: TimeColumn::Event(TIME),
            keys: keys.to_vec(),
            key_types: key_types(keys),
            aggregates: aggregates(false),
            schema: result_schema(keys, true),
            sessions: None,
        };
        let mut oracle = Oracle { gap, keys, open: BTreeMap::new() };
        let mut fleet = Fleet::new(keys, move || session.clone());
        for (number, tick) in ticks(&steps, 0).iter().enumerate() {
            let step = steps.get(number).cloned().unwrap_or(Step { rows: vec![], cuts: vec![], advance: 0, workers: 3 });
            let (fired, late) = oracle.step(tick, &step.rows, |key, rows| vec![[key, &expected(rows)].concat().join("|")]);
            if step.workers != 2 {
                fleet.restart(step.workers);
            }
            let given = fleet.step(tick, &batches(&step.rows, &step.cuts));
            prop_assert_eq!(given.rows(), fired);
            prop_assert_eq!(given.late, late);
        }
        prop_assert_eq!(fleet.state_rows(), 0);
    }

    #[test]
    fn rows_of_sessions_agree_with_the_oracle(gap in 1..8i64, steps in steps(12, 0..60), layout in 0..LAYOUTS.len()) {
        let keys = LAYOUTS[layout];
        let mut fields = schema().fields().to_vec();
        fields.extend(result_schema(&[], true).fields()[RESULTS.len()..].iter().cloned());
        let schema = Arc::new(Schema::new(fields));
        let session = SessionTvf { gap, time: TimeColumn::Event(TIME), keys: keys.to_vec(), schema, tables: None };
        let mut oracle = Oracle { gap, keys, open: BTreeMap::new() };
        let mut fleet = Fleet::new(keys, move || session.clone());
        for (number, tick) in ticks(&steps, 0).iter().enumerate() {
            let step = steps.get(number).cloned().unwrap_or(Step { rows: vec![], cuts: vec![], advance: 0, workers: 3 });
            let (fired, late) = oracle.step(tick, &step.rows, |_, rows| rows.iter().map(|r| text(&batch(std::slice::from_ref(r)), 0)).collect());
            if step.workers != 2 {
                fleet.restart(step.workers);
            }
            let given = fleet.step(tick, &batches(&step.rows, &step.cuts));
            prop_assert_eq!(given.rows(), fired);
            prop_assert_eq!(given.late, late);
        }
        prop_assert_eq!(fleet.state_rows(), 0);
    }
}
