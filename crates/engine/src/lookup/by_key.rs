//! A table whose connector finds rows by key: a database, a service. Several requests are in flight at a time, and what they bring is
//! put in the order of the keys, so that the order of rows does not depend on which answer came first.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, RecordBatchOptions, UInt32Array};
use arrow::compute::{concat_batches, take, take_record_batch};
use arrow::datatypes::{DataType, SchemaRef, UInt32Type};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::cache::{Cache, CachePolicy};
use super::full::through;
use super::{Ask, Found, Lookup, Wait};
use crate::expr::{EvalContext, Expr};
use crate::operators::calc::Calc;
use crate::state::key::KeyIndex;
use crate::{Batch, Error, Result};

/// What a connector implements so that its table can be asked for keys. It is called from several threads at the same time, and
/// opens what it needs with its first request.
pub trait PointLookup: Send + Sync {
    /// How many keys a request may ask for: a database takes a list of them, most services one.
    fn keys_per_request(&self) -> usize {
        1
    }

    /// The rows of `count` different keys without NULL: the table's columns, and for each row the place of its key. Waits for the
    /// answer.
    ///
    /// # Errors
    /// When there is none after `timeout_ms`, or it is a refusal. The job fails then: a connector tries again itself where that helps.
    fn find(&self, keys: &[ArrayRef], count: usize, timeout_ms: u64) -> Result<Found>;
}

/// How requests are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Requests {
    /// So many at a time.
    pub in_flight: usize,
    /// How long one may take.
    pub timeout_ms: u64,
}

/// What is computed of the rows that a request brings.
pub struct Computed {
    /// Columns over the connector's.
    pub columns: Vec<Arc<dyn Expr>>,
    /// Their schema, and behind them a column [`PROBE`].
    pub schema: SchemaRef,
    /// A filter and projection over that schema, which takes the last column along.
    pub through: Option<Calc>,
    /// Schema of the result, without that column.
    pub result: SchemaRef,
}

/// The column that tells which key a row belongs to.
pub const PROBE: &str = "$probe";

/// The table.
pub struct ByKey {
    table: Box<dyn PointLookup>,
    requests: Requests,
    computed: Computed,
    policy: Option<CachePolicy>,
    cache: Option<Cache>,
}

impl ByKey {
    /// Asks `table`, and remembers what it says with a policy for that.
    pub fn new(table: Box<dyn PointLookup>, requests: Requests, computed: Computed, policy: Option<CachePolicy>) -> Self {
        Self { table, requests, computed, policy, cache: None }
    }

    /// The rows of different keys, asked outside.
    fn ask(&mut self, keys: &[ArrayRef], count: usize, now_ms: i64) -> Result<Vec<RecordBatch>> {
        let size = self.table.keys_per_request().max(1);
        let starts: Vec<usize> = (0..count).step_by(size).collect();
        let (table, timeout_ms) = (self.table.as_ref(), self.requests.timeout_ms);
        let found = in_flight(starts.len(), self.requests.in_flight, |number| {
            let start = starts[number];
            let many = size.min(count - start);
            let part: Vec<ArrayRef> = keys.iter().map(|k| k.slice(start, many)).collect();
            table.find(&part, many, timeout_ms)
        })?;
        let mut answers = Vec::with_capacity(count);
        for (found, start) in found.into_iter().zip(starts) {
            self.split(found, size.min(count - start), now_ms, &mut answers)?;
        }
        Ok(answers)
    }

    /// The rows of a request's answer by key, behind what is computed of them.
    fn split(&mut self, found: Found, count: usize, now_ms: i64, answers: &mut Vec<RecordBatch>) -> Result<()> {
        let context = EvalContext { now_ms, watermark: i64::MIN };
        let rows = found.rows.num_rows();
        if found.probe.len() != rows || found.probe.iter().any(|key| *key as usize >= count) {
            return Err(Error::internal("an answer says of each row which key it belongs to"));
        }
        let mut columns = self.computed.columns.iter().map(|c| c.evaluate(&found.rows, &context)).collect::<Result<Vec<_>>>()?;
        columns.push(Arc::new(UInt32Array::from(found.probe)));
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let batch = Batch::inserts(RecordBatch::try_new_with_options(self.computed.schema.clone(), columns, &options)?);
        let batches = match &mut self.computed.through {
            Some(calc) => through(calc, batch, now_ms)?,
            None => vec![batch],
        };
        let mut by_key: Vec<Vec<RecordBatch>> = vec![vec![]; count];
        for batch in batches {
            let (probe, columns) = batch.rows.columns().split_last().ok_or_else(|| Error::internal("an answer has its probe"))?;
            let probe = probe.as_primitive_opt::<UInt32Type>();
            let probe = probe.ok_or_else(|| Error::internal("the probe of an answer is a number"))?;
            let options = RecordBatchOptions::new().with_row_count(Some(batch.len()));
            let rows = RecordBatch::try_new_with_options(self.computed.result.clone(), columns.to_vec(), &options)?;
            let mut places: Vec<Vec<u32>> = vec![vec![]; count];
            probe.values().iter().enumerate().for_each(|(row, key)| places[*key as usize].push(row as u32));
            for (own, places) in by_key.iter_mut().zip(places).filter(|(_, places)| !places.is_empty()) {
                own.push(take_record_batch(&rows, &UInt32Array::from(places))?);
            }
        }
        for parts in by_key {
            answers.push(concat_batches(&self.computed.result, &parts)?);
        }
        Ok(())
    }

    /// The rows of different keys without NULL.
    fn find(&mut self, keys: &[ArrayRef], count: usize, ask: Ask) -> Result<Vec<RecordBatch>> {
        if let (Some(policy), None) = (self.policy, &self.cache) {
            let types: Vec<DataType> = keys.iter().map(|k| k.data_type().clone()).collect();
            self.cache = Some(Cache::new(policy, &types));
        }
        let mut known = match &mut self.cache {
            Some(cache) if !ask.again => cache.get(keys, count, ask.now_ms)?,
            _ => vec![None; count],
        };
        let missing: Vec<u32> = (0..count as u32).filter(|key| known[*key as usize].is_none()).collect();
        if missing.is_empty() {
            return Ok(known.into_iter().flatten().collect());
        }
        let places = UInt32Array::from(missing.clone());
        let asked = keys.iter().map(|k| Ok(take(k, &places, None)?)).collect::<Result<Vec<_>>>()?;
        let answers = self.ask(&asked, missing.len(), ask.now_ms)?;
        if let Some(cache) = &mut self.cache {
            cache.put(&asked, &answers, ask.now_ms)?;
        }
        for (key, rows) in missing.into_iter().zip(answers) {
            known[key as usize] = Some(rows);
        }
        Ok(known.into_iter().flatten().collect())
    }
}

impl Lookup for ByKey {
    fn lookup(&mut self, keys: &[ArrayRef], rows: usize, ask: Ask, _: Wait<'_>) -> Result<Found> {
        let whole: Vec<u32> = (0..rows as u32).filter(|row| keys.iter().all(|k| k.is_valid(*row as usize))).collect();
        let places = UInt32Array::from(whole.clone());
        let keys = keys.iter().map(|k| Ok(take(k, &places, None)?)).collect::<Result<Vec<_>>>()?;
        let types: Vec<DataType> = keys.iter().map(|k| k.data_type().clone()).collect();
        let (mut index, mut slots) = (KeyIndex::new(&types), vec![]);
        index.upsert(&keys, whole.len(), &mut slots)?;
        let different: Vec<u32> = (0..index.slots() as u32).collect();
        let answers = self.find(&index.keys(&different)?, different.len(), ask)?;
        let mut starts = vec![0_u32];
        answers.iter().for_each(|rows| starts.push(starts[starts.len() - 1] + rows.num_rows() as u32));
        let all = concat_batches(&self.computed.result, &answers)?;
        let (mut found, mut probe) = (vec![], vec![]);
        for (row, slot) in whole.into_iter().zip(slots) {
            let own = starts[slot as usize]..starts[slot as usize + 1];
            probe.extend(std::iter::repeat_n(row, own.len()));
            found.extend(own);
        }
        Ok(Found { rows: take_record_batch(&all, &UInt32Array::from(found))?, probe })
    }
}

/// Does so many things, several at a time, and gives what came of them in order. Of several errors it is the first one's.
fn in_flight<T: Send>(things: usize, at_a_time: usize, make: impl Fn(usize) -> Result<T> + Sync) -> Result<Vec<T>> {
    if things.min(at_a_time) <= 1 {
        return (0..things).map(make).collect();
    }
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = vec![];
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= things {
                return done;
            }
            let made = make(number);
            if made.is_err() {
                next.store(things, Ordering::Relaxed);
            }
            done.push((number, made));
        }
    };
    let done = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..things.min(at_a_time)).map(|_| scope.spawn(work)).collect();
        let done = threads.into_iter().map(|t| t.join().map_err(|_| Error::internal("a request panicked")));
        done.collect::<Result<Vec<_>>>()
    })?;
    let mut made: Vec<(usize, Result<T>)> = done.into_iter().flatten().collect();
    made.sort_by_key(|(number, _)| *number);
    made.into_iter().map(|(_, made)| made).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::expr::Column;
    use arrow::array::Int64Array;
    use arrow::datatypes::{Field, Int64Type, Schema};
    use proptest::prelude::*;

    /// Key `k` has the rows `(k, 0)` to `(k, k % 4 - 1)`, the last one first.
    struct Numbers {
        keys_per_request: usize,
    }

    fn rows_of(key: i64) -> Vec<i64> {
        (0..key.rem_euclid(4)).rev().collect()
    }

    fn schema() -> SchemaRef {
        Arc::new(Schema::new(vec![Field::new("k", DataType::Int64, true), Field::new("v", DataType::Int64, true)]))
    }

    impl PointLookup for Numbers {
        fn keys_per_request(&self) -> usize {
            self.keys_per_request
        }
        fn find(&self, keys: &[ArrayRef], count: usize, _: u64) -> Result<Found> {
            assert!(count <= self.keys_per_request && keys[0].len() == count);
            let (mut rows, mut probe) = (vec![], vec![]);
            // Not in the order of the keys, but those of a key in theirs.
            for (place, key) in keys[0].as_primitive::<Int64Type>().values().iter().enumerate().rev() {
                rows.extend(rows_of(*key).into_iter().map(|v| (*key, v)));
                probe.resize(rows.len(), place as u32);
            }
            let (k, v): (Vec<i64>, Vec<i64>) = rows.into_iter().unzip();
            let rows = RecordBatch::try_new(schema(), vec![Arc::new(Int64Array::from(k)), Arc::new(Int64Array::from(v))]).unwrap();
            Ok(Found { rows, probe })
        }
    }

    fn table(keys_per_request: usize, in_flight: usize, policy: Option<CachePolicy>) -> ByKey {
        let mut with_probe: Vec<_> = schema().fields().iter().cloned().collect();
        with_probe.push(Arc::new(Field::new(PROBE, DataType::UInt32, false)));
        let columns: Vec<Arc<dyn Expr>> = vec![Arc::new(Column(0)), Arc::new(Column(1))];
        let computed = Computed { columns, schema: Arc::new(Schema::new(with_probe)), through: None, result: schema() };
        ByKey::new(Box::new(Numbers { keys_per_request }), Requests { in_flight, timeout_ms: 1 }, computed, policy)
    }

    fn policies() -> impl Strategy<Value = Option<CachePolicy>> {
        let ms = || prop::option::of(1..20_i64);
        let policy = (prop::option::of(1..5_usize), ms(), ms(), any::<bool>());
        prop::option::of(policy.prop_map(|(keys_max, expire_after_access_ms, expire_after_write_ms, missing_keys)| CachePolicy {
            keys_max,
            expire_after_access_ms,
            expire_after_write_ms,
            missing_keys,
        }))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_000))]
        #[test]
        fn every_row_gets_its_own_in_order(
            batches in prop::collection::vec((prop::collection::vec(prop::option::of(-6..6_i64), 0..12), 0..9_i64, any::<bool>()), 1..6),
            keys_per_request in 1..4_usize,
            in_flight in 1..4_usize,
            policy in policies(),
        ) {
            let mut table = table(keys_per_request, in_flight, policy);
            let mut now_ms = 0;
            for (keys, passes_ms, again) in batches {
                now_ms += passes_ms;
                let column: ArrayRef = Arc::new(Int64Array::from(keys.clone()));
                let found = table.lookup(&[column], keys.len(), Ask { now_ms, again }, &mut |_| {}).unwrap();
                let got: Vec<(u32, i64, i64)> = (0..found.probe.len())
                    .map(|i| {
                        let value = |c: usize| found.rows.column(c).as_primitive::<Int64Type>().value(i);
                        (found.probe[i], value(0), value(1))
                    })
                    .collect();
                let one = |(at, key): (usize, &Option<i64>)| {
                    let key = key.unwrap_or(0);
                    rows_of(key).into_iter().map(move |v| (at as u32, key, v)).collect::<Vec<_>>()
                };
                let expected: Vec<_> = keys.iter().enumerate().flat_map(one).collect();
                prop_assert_eq!(got, expected);
            }
        }
    }
}
