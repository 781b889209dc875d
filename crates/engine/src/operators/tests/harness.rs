//! Runs an operator on several workers, tick by tick, moving its state to other workers in between.

use arrow::array::*;
use arrow::compute::filter_record_batch;
use arrow::datatypes::*;
use arrow::util::display::array_value_to_string;
use proptest::prelude::*;
use std::collections::HashMap;
use std::sync::Arc;

use crate::aggregate::{AggFunction, AggSpec, bind};
use crate::exchange::partition;
use crate::operator::{Operator, Output, Tick};
use crate::state::State;
use crate::state::aggregates::{AggCall, Aggregates};
use crate::state::changes::{Changes, Newer};
use crate::time::END_OF_TIME;
use crate::{Batch, RowKind};

/// A row of the test table: two nullable keys, a nullable value, event time in milliseconds, a nullable flag.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub number: Option<i64>,
    pub name: Option<String>,
    pub value: Option<i64>,
    pub time: i64,
    pub flag: Option<bool>,
    pub adds: bool,
}

pub const NUMBER: usize = 0;
pub const NAME: usize = 1;
pub const VALUE: usize = 2;
pub const TIME: usize = 3;
pub const FLAG: usize = 4;

/// The key layouts that state tables treat differently.
pub const LAYOUTS: [&[usize]; 5] = [&[], &[NUMBER], &[NAME], &[NUMBER, FLAG], &[NUMBER, NAME]];

pub fn timestamp() -> DataType {
    DataType::Timestamp(TimeUnit::Millisecond, None)
}

pub fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("number", DataType::Int64, true),
        Field::new("name", DataType::Utf8, true),
        Field::new("value", DataType::Int64, true),
        Field::new("time", timestamp(), false),
        Field::new("flag", DataType::Boolean, true),
    ]))
}

pub fn batch(rows: &[Row]) -> Batch {
    let columns: Vec<ArrayRef> = vec![
        Arc::new(rows.iter().map(|r| r.number).collect::<Int64Array>()),
        Arc::new(rows.iter().map(|r| r.name.clone()).collect::<StringArray>()),
        Arc::new(rows.iter().map(|r| r.value).collect::<Int64Array>()),
        Arc::new(TimestampMillisecondArray::from_iter_values(rows.iter().map(|r| r.time))),
        Arc::new(rows.iter().map(|r| r.flag).collect::<BooleanArray>()),
    ];
    let kinds = rows.iter().map(|r| if r.adds { RowKind::Insert } else { RowKind::Delete }).collect();
    Batch::changes(RecordBatch::try_new(schema(), columns).unwrap(), kinds)
}

/// Rows cut into batches after each of `cuts`.
pub fn batches(rows: &[Row], cuts: &[prop::sample::Index]) -> Vec<Batch> {
    let mut at: Vec<usize> = cuts.iter().map(|c| c.index(rows.len() + 1)).collect();
    at.extend([0, rows.len()]);
    at.sort();
    at.windows(2).filter(|w| w[0] < w[1]).map(|w| batch(&rows[w[0]..w[1]])).collect()
}

pub fn row(times: std::ops::Range<i64>) -> impl Strategy<Value = Row> {
    let name = prop::option::of(prop_oneof![Just("a".to_string()), Just("b".to_string()), Just(String::new())]);
    let parts = (prop::option::of(0..3i64), name, prop::option::of(-3..4i64), times, prop::option::of(any::<bool>()));
    parts.prop_map(|(number, name, value, time, flag)| Row { number, name, value, time, flag, adds: true })
}

/// One tick: its rows, where they are cut into batches, how far the watermark moves, on how many workers it runs.
#[derive(Debug, Clone)]
pub struct Step {
    pub rows: Vec<Row>,
    pub cuts: Vec<prop::sample::Index>,
    pub advance: i64,
    pub workers: usize,
}

pub fn steps(rows_max: usize, times: std::ops::Range<i64>) -> impl Strategy<Value = Vec<Step>> {
    let cuts = prop::collection::vec(any::<prop::sample::Index>(), 0..3);
    // Mostly the watermark moves a little, sometimes not at all, sometimes over several windows.
    let advance = prop_oneof![2 => Just(0), 4 => 1..8i64, 1 => 8..40i64];
    let step = (prop::collection::vec(row(times), 0..rows_max), cuts, advance, 1..4usize);
    prop::collection::vec(step.prop_map(|(rows, cuts, advance, workers)| Step { rows, cuts, advance, workers }), 1..8)
}

/// The ticks of the steps and a last one. The first watermark comes with the first step that advances.
pub fn ticks(steps: &[Step], start: i64) -> Vec<Tick> {
    let mut before = i64::MIN;
    let mut ticks = vec![];
    for (number, step) in steps.iter().enumerate() {
        let watermark = match (before, step.advance) {
            (_, 0) => before,
            (i64::MIN, a) => start + a,
            (w, a) => w + a,
        };
        ticks.push(Tick { number: number as u64, watermark_before: before, watermark, now_ms: 0, now_before_ms: 0, last: false });
        before = watermark;
    }
    ticks.push(Tick {
        number: steps.len() as u64,
        watermark_before: before,
        watermark: END_OF_TIME,
        now_ms: 0,
        now_before_ms: 0,
        last: true,
    });
    ticks
}

/// Turns some rows into deletions of rows that are there.
pub fn with_deletions(steps: &mut [Step]) {
    let mut live: Vec<Row> = vec![];
    for step in steps {
        for row in &mut step.rows {
            // The times serve as dice.
            if row.time % 2 == 0 && !live.is_empty() {
                *row = live.remove(row.time as usize % live.len());
                row.adds = false;
            } else {
                live.push(row.clone());
            }
        }
    }
}

/// Applies the rows of a tick to those that are there.
pub fn apply(live: &mut Vec<Row>, rows: &[Row]) {
    for row in rows {
        if row.adds {
            live.push(row.clone());
        } else {
            let at = live.iter().position(|r| Row { adds: false, ..r.clone() } == *row).unwrap();
            live.remove(at);
        }
    }
}

/// What a tick gave.
#[derive(Debug, Default)]
pub struct Given {
    pub batches: Vec<Batch>,
    pub late: u64,
    pub wake_at_ms: Option<i64>,
}

impl Given {
    /// All rows as text, sorted.
    pub fn rows(&self) -> Vec<String> {
        let mut rows: Vec<String> = self.changes().into_iter().map(|(kind, row)| format!("{}{row}", kind.symbol())).collect();
        rows.sort();
        rows
    }

    /// Kind and text of each row, in order.
    pub fn changes(&self) -> Vec<(RowKind, String)> {
        self.batches.iter().flat_map(|b| (0..b.len()).map(move |i| (b.kind(i), text(b, i)))).collect()
    }
}

/// Cells of a row, joined by `|`; null is `-`.
pub fn text(batch: &Batch, row: usize) -> String {
    let cell = |c: &ArrayRef| match c.data_type() {
        _ if c.is_null(row) => "-".to_string(),
        DataType::Timestamp(TimeUnit::Millisecond, _) => c.as_primitive::<TimestampMillisecondType>().value(row).to_string(),
        _ => array_value_to_string(c, row).unwrap(),
    };
    batch.rows.columns().iter().map(cell).collect::<Vec<_>>().join("|")
}

/// The key cells of a row as [`text`] shows them.
pub fn key_text(row: &Row, keys: &[usize]) -> Vec<String> {
    let some = |v: Option<String>| v.unwrap_or("-".into());
    keys.iter()
        .map(|k| match *k {
            NUMBER => some(row.number.map(|v| v.to_string())),
            NAME => some(row.name.clone()),
            FLAG => some(row.flag.map(|v| v.to_string())),
            other => panic!("column {other} is no key"),
        })
        .collect()
}

pub fn key_types(keys: &[usize]) -> Vec<DataType> {
    keys.iter().map(|k| schema().field(*k).data_type().clone()).collect()
}

/// An operator on several workers, rows going to the worker that owns their key.
pub struct Fleet {
    make: Box<dyn Fn() -> Box<dyn Operator>>,
    /// Key columns of each input.
    keys: Vec<Vec<usize>>,
    /// How long entries of the state tables live.
    ttls_ms: Vec<Option<i64>>,
    members: Vec<(Box<dyn Operator>, State)>,
    /// Changes of state as they were noted: by whom, of which table.
    book: Vec<(usize, &'static str, Changes)>,
    steps: usize,
}

impl Fleet {
    pub fn new<O: Operator + 'static>(keys: &[usize], make: impl Fn() -> O + 'static) -> Self {
        Self::with_inputs(&[keys], make)
    }

    /// An operator with several inputs.
    pub fn with_inputs<O: Operator + 'static>(keys: &[&[usize]], make: impl Fn() -> O + 'static) -> Self {
        let keys = keys.iter().map(|k| k.to_vec()).collect();
        let mut fleet = Self { make: Box::new(move || Box::new(make())), keys, ttls_ms: vec![], members: vec![], book: vec![], steps: 0 };
        fleet.members = fleet.empty(1);
        fleet
    }

    /// The same with state tables whose entries live so long, in milliseconds of processing time.
    pub fn living(mut self, ttls_ms: Vec<Option<i64>>) -> Self {
        self.ttls_ms = ttls_ms;
        self.members = self.empty(1);
        self
    }

    fn empty(&self, workers: usize) -> Vec<(Box<dyn Operator>, State)> {
        let member = |_| {
            let mut operator = (self.make)();
            let mut state = State::with_ttls(&self.ttls_ms);
            operator.open(&mut state).unwrap();
            state.track();
            (operator, state)
        };
        (0..workers).map(member).collect()
    }

    /// Saves all state and goes on from it with new operators on that many workers.
    pub fn restart(&mut self, workers: usize) {
        self.write_down(usize::MAX);
        let saved = self.saved();
        let mut members = self.empty(workers);
        for (worker, (_, state)) in members.iter_mut().enumerate() {
            saved.iter().for_each(|(name, rows)| state.restore(name, rows, worker, workers).unwrap());
        }
        let rows = |m: &[(Box<dyn Operator>, State)]| m.iter().map(|(_, s)| s.rows()).sum::<usize>();
        assert_eq!(rows(&members), rows(&self.members), "every row finds an owner");
        self.members = members;
        self.book.clear();
    }

    /// Notes what changed of so many entries, as checkpoints do.
    fn write_down(&mut self, most: usize) {
        for (worker, (_, state)) in self.members.iter_mut().enumerate() {
            self.book.extend(state.changes(most).unwrap().into_iter().map(|(table, changes)| (worker, table, changes)));
        }
    }

    /// What was noted, of each entry the newest.
    fn saved(&self) -> Vec<(&'static str, RecordBatch)> {
        let mut newer: HashMap<(usize, &str), Newer> = HashMap::new();
        let counts = |(worker, table, changes): &(usize, &'static str, Changes)| {
            let counting = newer.entry((*worker, *table)).or_default().counting(&changes.entries, &changes.removed);
            (*table, filter_record_batch(&changes.rows, &counting).unwrap())
        };
        let mut saved: Vec<_> = self.book.iter().rev().map(counts).collect();
        saved.reverse();
        saved
    }

    /// Rows in state tables.
    pub fn state_rows(&self) -> usize {
        self.members.iter().map(|(_, s)| s.rows()).sum()
    }

    pub fn step(&mut self, tick: &Tick, input: &[Batch]) -> Given {
        self.step_all(tick, &[input])
    }

    /// One tick with input on every port.
    pub fn step_all(&mut self, tick: &Tick, inputs: &[&[Batch]]) -> Given {
        let workers = self.members.len();
        let mut dealt: Vec<Vec<Vec<Batch>>> = vec![vec![vec![]; inputs.len()]; workers];
        for (port, input) in inputs.iter().enumerate() {
            for batch in *input {
                for (worker, part) in partition(batch, &self.keys[port], workers).unwrap() {
                    dealt[worker][port].push(part);
                }
            }
        }
        // Some changes are noted soon, some late.
        self.steps += 1;
        self.write_down([0, 1, 3, usize::MAX][self.steps % 4]);
        let mut given = Given::default();
        for ((operator, state), mut batches) in self.members.iter_mut().zip(dealt) {
            let mut out = Output::default();
            state.expire(tick.now_ms);
            operator.step(tick, &mut batches, state, &mut out).unwrap();
            given.batches.extend(out.batches);
            given.late += out.late.count;
            given.wake_at_ms = given.wake_at_ms.into_iter().chain(out.wake_at_ms).min();
        }
        given
    }
}

/// Runs a stateless operator over each of several parts of a tick's input, as the first phase does.
pub fn locally(make: &dyn Fn() -> Box<dyn Operator>, tick: &Tick, parts: &[Vec<Batch>]) -> Given {
    let mut given = Given::default();
    for part in parts {
        let mut out = Output::default();
        make().step(tick, &mut [part.clone()], &mut State::default(), &mut out).unwrap();
        given.batches.extend(out.batches);
        given.late += out.late.count;
    }
    given
}

fn call(function: AggFunction, arg: Option<usize>, distinct: bool, filter: Option<usize>, retract: bool) -> AggCall {
    let args: Vec<DataType> = arg.iter().map(|_| DataType::Int64).collect();
    let spec = AggSpec { function, args, output: DataType::Int64, distinct, retract };
    AggCall { function: bind(&spec).unwrap(), args: arg.into_iter().collect(), filter }
}

/// COUNT(*), SUM(value), MIN(value), MAX(value), COUNT(DISTINCT value), SUM(value) FILTER (WHERE flag), COUNT(DISTINCT value) FILTER (WHERE flag).
pub fn aggregates(retract: bool) -> Aggregates {
    use AggFunction::*;
    Aggregates::new(vec![
        call(Count, None, false, None, retract),
        call(Sum, Some(VALUE), false, None, retract),
        call(Min, Some(VALUE), false, None, retract),
        call(Max, Some(VALUE), false, None, retract),
        call(Count, Some(VALUE), true, None, retract),
        call(Sum, Some(VALUE), false, Some(FLAG), retract),
        call(Count, Some(VALUE), true, Some(FLAG), retract),
    ])
}

/// Names of what [`aggregates`] gives.
pub const RESULTS: [&str; 7] = ["n", "total", "least", "most", "kinds", "flagged", "flagged_kinds"];

/// What [`aggregates`] gives for rows, as [`text`] shows it.
pub fn expected(rows: &[Row]) -> Vec<String> {
    let values: Vec<i64> = rows.iter().filter_map(|r| r.value).collect();
    let flagged: Vec<i64> = rows.iter().filter(|r| r.flag == Some(true)).filter_map(|r| r.value).collect();
    let kinds = |v: &[i64]| v.iter().collect::<std::collections::HashSet<_>>().len().to_string();
    let some = |v: Option<i64>| v.map_or("-".to_string(), |v| v.to_string());
    let sum = |v: &[i64]| (!v.is_empty()).then(|| v.iter().sum());
    vec![
        rows.len().to_string(),
        some(sum(&values)),
        some(values.iter().min().copied()),
        some(values.iter().max().copied()),
        kinds(&values),
        some(sum(&flagged)),
        kinds(&flagged),
    ]
}

/// Keys, results and, for windows, their bounds.
pub fn result_schema(keys: &[usize], windows: bool) -> SchemaRef {
    let mut fields: Vec<Field> = keys.iter().map(|k| schema().field(*k).clone()).collect();
    fields.extend(RESULTS.map(|n| Field::new(n, DataType::Int64, true)));
    if windows {
        fields.extend(["window_start", "window_end", "window_time"].map(|n| Field::new(n, timestamp(), false)));
    }
    Arc::new(Schema::new(fields))
}

/// The columns a first phase emits: `first` (if any), keys, partial results.
pub fn partial_schema(first: Option<&str>, keys: &[usize], partial: Vec<DataType>) -> SchemaRef {
    let mut fields: Vec<Field> = first.into_iter().map(|n| Field::new(n, DataType::Int64, false)).collect();
    fields.extend(keys.iter().map(|k| schema().field(*k).clone()));
    fields.extend(partial.into_iter().enumerate().map(|(i, t)| Field::new(format!("partial{i}"), t, true)));
    Arc::new(Schema::new(fields))
}
