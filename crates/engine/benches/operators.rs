//! Time of the hot operators, a batch at a time: update of groups, update and firing of windows, exchange between workers.
//!
//! `cargo bench -p flott-engine` prints rows per second.

use std::hint::black_box;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, TimestampMillisecondArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use flott_engine::aggregate::{AggFunction, AggSpec, bind};
use flott_engine::exchange::partition;
use flott_engine::operator::{Operator, Output, Tick};
use flott_engine::operators::group_aggregate::{GroupAggregate, GroupSpec};
use flott_engine::operators::window_aggregate::{WindowAggregate, WindowSpec};
use flott_engine::operators::windows::{TimeColumn, Windows};
use flott_engine::state::State;
use flott_engine::state::aggregates::{AggCall, Aggregates};
use flott_engine::{Batch, Result};

const ROWS: usize = 8192;

fn timestamp() -> DataType {
    DataType::Timestamp(TimeUnit::Millisecond, None)
}

fn field(name: &str, data_type: DataType) -> Field {
    Field::new(name, data_type, true)
}

/// Key, value and time of `ROWS` rows over so many keys; a row comes each tenth of a millisecond.
fn rows(keys: u64, first: u64) -> Result<Batch> {
    // A multiplicative generator: the same rows in every run.
    let random = |i: u64| (first + i).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 33;
    let column = |f: &dyn Fn(u64) -> i64| -> ArrayRef { Arc::new(Int64Array::from_iter_values((0..ROWS as u64).map(f))) };
    let times = TimestampMillisecondArray::from_iter_values((0..ROWS as u64).map(|i| ((first + i) / 10) as i64));
    let schema = Schema::new(vec![field("key", DataType::Int64), field("value", DataType::Int64), field("time", timestamp())]);
    let columns = vec![column(&|i| (random(i) % keys) as i64), column(&|i| random(i) as i64), Arc::new(times)];
    Ok(Batch::inserts(RecordBatch::try_new(Arc::new(schema), columns)?))
}

/// COUNT(*) and SUM(value).
fn aggregates() -> Result<Aggregates> {
    let call = |function, args: &[usize]| -> Result<AggCall> {
        let types = args.iter().map(|_| DataType::Int64).collect();
        let spec = AggSpec { function, args: types, output: DataType::Int64, distinct: false, retract: false };
        Ok(AggCall { function: bind(&spec)?, args: args.to_vec(), filter: None })
    };
    Ok(Aggregates::new(vec![call(AggFunction::Count, &[])?, call(AggFunction::Sum, &[1])?]))
}

fn schema(windows: bool) -> SchemaRef {
    let mut fields = vec![field("key", DataType::Int64), field("n", DataType::Int64), field("total", DataType::Int64)];
    if windows {
        fields.extend(["window_start", "window_end", "window_time"].map(|name| field(name, timestamp())));
    }
    Arc::new(Schema::new(fields))
}

/// An operator with its state, fed tick by tick.
struct Driver {
    operator: Box<dyn Operator>,
    state: State,
    watermark: i64,
}

impl Driver {
    fn new(mut operator: impl Operator + 'static) -> Result<Self> {
        let mut state = State::default();
        operator.open(&mut state)?;
        Ok(Self { operator: Box::new(operator), state, watermark: i64::MIN })
    }

    fn step(&mut self, batch: Batch, watermark: i64) -> Result<Output> {
        let tick = Tick { number: 0, watermark_before: self.watermark, watermark, now_ms: 0, now_before_ms: 0, last: false };
        self.watermark = watermark;
        let mut out = Output::default();
        self.operator.step(&tick, &mut [vec![batch]], &mut self.state, &mut out)?;
        Ok(out)
    }
}

fn groups(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("group update");
    group.throughput(Throughput::Elements(ROWS as u64));
    for keys in [100, 1_000, 1_000_000] {
        group.bench_function(format!("{keys} keys"), |bencher| {
            let aggregates = aggregates().expect("the calls have types that fit");
            let spec = GroupSpec { keys: vec![0], key_types: vec![DataType::Int64], aggregates, schema: schema(false) };
            let mut driver = Driver::new(GroupAggregate::new(spec, false, true)).expect("the operator opens");
            let mut first = 0;
            let input = || {
                first += ROWS as u64;
                rows(keys, first).expect("the columns are equally long")
            };
            bencher.iter_batched(input, |batch| black_box(driver.step(batch, i64::MIN)), BatchSize::LargeInput);
        });
    }
    group.finish();
}

fn windows(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("window update");
    group.throughput(Throughput::Elements(ROWS as u64));
    let kinds = [
        ("tumble 1 s", Windows::Tumble { size: 1_000, offset: 0 }),
        ("hop 10 s by 1 s", Windows::Hop { size: 10_000, slide: 1_000, offset: 0 }),
    ];
    for (name, windows) in kinds {
        group.bench_function(name, |bencher| {
            let aggregates = aggregates().expect("the calls have types that fit");
            let (keys, key_types) = (vec![0], vec![DataType::Int64]);
            let spec = WindowSpec { windows, time: TimeColumn::Event(2), keys, key_types, aggregates, schema: schema(true) };
            let mut driver = Driver::new(WindowAggregate::new(spec, false)).expect("the operator opens");
            let mut first = 0;
            let input = || {
                first += ROWS as u64;
                (rows(1_000, first).expect("the columns are equally long"), (first / 10) as i64)
            };
            bencher.iter_batched(input, |(batch, watermark)| black_box(driver.step(batch, watermark)), BatchSize::LargeInput);
        });
    }
    group.finish();
}

fn exchange(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("exchange");
    group.throughput(Throughput::Elements(ROWS as u64));
    let batch = rows(1_000, 0).expect("the columns are equally long");
    for workers in [2, 4] {
        group.bench_function(format!("{workers} workers"), |bencher| bencher.iter(|| black_box(partition(&batch, &[0], workers))));
    }
    group.finish();
}

criterion_group!(benches, groups, windows, exchange);
criterion_main!(benches);
