//! Unbounded GROUP BY: keeps a result per key and emits how it changed, at most one retraction and one new row per key and tick.

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, UInt32Array};
use arrow::compute::kernels::cmp::not_distinct;
use arrow::compute::{and, concat, take};
use arrow::datatypes::{DataType, Int64Type, SchemaRef};
use arrow::row::{RowConverter, SortField};

use crate::batch::RowKind;
use crate::operator::{Inputs, Operator, Output, Tick};
use crate::state::aggregates::Aggregates;
use crate::state::column::ColumnKind;
use crate::state::keyed::KeyedTable;
use crate::state::{State, TableId};
use crate::{Batch, Error, Result};

/// Results in a batch when all are told at once.
const TOLD_ROWS: usize = 8 << 10;

/// What both phases share.
#[derive(Clone)]
pub struct GroupSpec {
    /// Key columns of the input; none for a global aggregate.
    pub keys: Vec<usize>,
    /// Their types.
    pub key_types: Vec<DataType>,
    /// The aggregate calls, over the input; none for DISTINCT.
    pub aggregates: Aggregates,
    /// Keys, results.
    pub schema: SchemaRef,
}

impl GroupSpec {
    /// Number of rows of the group, then the accumulators.
    fn columns(&self) -> Vec<ColumnKind> {
        std::iter::once(ColumnKind::I64).chain(self.aggregates.columns()).collect()
    }

    fn fold_rows(&self, batch: &Batch, table: &mut KeyedTable, slots: &[u32]) -> Result<()> {
        let (rows, accumulators) = split_rows(table)?;
        match &batch.kinds {
            None => slots.iter().for_each(|s| rows[*s as usize] += 1),
            Some(kinds) => slots.iter().zip(kinds.iter()).for_each(|(s, k)| rows[*s as usize] += if k.adds() { 1 } else { -1 }),
        }
        self.aggregates.update(accumulators, slots, batch)
    }

    fn fold_partials(&self, batch: &Batch, table: &mut KeyedTable, slots: &[u32]) -> Result<()> {
        let partial = &batch.rows.columns()[self.keys.len()..];
        let (rows, accumulators) = split_rows(table)?;
        for (slot, n) in slots.iter().zip(partial[0].as_primitive::<Int64Type>().values()) {
            rows[*slot as usize] += n;
        }
        self.aggregates.merge(accumulators, slots, &partial[1..])
    }
}

fn split_rows(table: &mut KeyedTable) -> Result<(&mut [i64], &mut [crate::state::column::Column])> {
    match table.columns_mut().split_first_mut() {
        Some((rows, accumulators)) => Ok((rows.i64s_mut(), accumulators)),
        None => Err(Error::internal("a group table begins with the number of rows")),
    }
}

/// First phase: folds a worker's rows of one tick. Emits keys, number of rows, partial results.
pub struct LocalGroupAggregate {
    /// What to compute.
    pub spec: GroupSpec,
    /// Keys, number of rows (BIGINT), partial results.
    pub schema: SchemaRef,
}

impl Operator for LocalGroupAggregate {
    fn step(&mut self, _: &Tick, inputs: &mut Inputs, _: &mut State, out: &mut Output) -> Result<()> {
        let mut table = KeyedTable::new(&self.spec.key_types, &self.spec.columns());
        let mut slots = vec![];
        for batch in inputs.iter().flatten() {
            let keys: Vec<ArrayRef> = self.spec.keys.iter().map(|k| batch.column(*k).clone()).collect();
            table.upsert(&keys, batch.len(), &mut slots)?;
            self.spec.fold_rows(batch, &mut table, &slots)?;
        }
        let live = table.index().live_slots();
        if live.is_empty() {
            return Ok(());
        }
        let (keys, values) = table.save(&live)?;
        let columns = keys.into_iter().chain(values).collect();
        out.emit(Batch::inserts(RecordBatch::try_new(self.schema.clone(), columns)?));
        Ok(())
    }
}

/// The only phase, or the second one.
pub struct GroupAggregate {
    spec: GroupSpec,
    /// Input is what [`LocalGroupAggregate`] emits.
    partial_input: bool,
    /// Whether consumers want `-U` rows.
    update_before: bool,
    /// Results are told once, when the input has ended.
    at_end: bool,
    table: Option<TableId<KeyedTable>>,
    /// By slot: number of the tick that last touched it, to note each key once per tick.
    touched: Vec<u64>,
    generation: u64,
}

impl GroupAggregate {
    /// Over rows, or over partial results.
    pub fn new(spec: GroupSpec, partial_input: bool, update_before: bool) -> Self {
        Self { spec, partial_input, update_before, at_end: false, table: None, touched: vec![], generation: 0 }
    }

    /// Tells each result once, when the input has ended. A row on input port 1 makes that the result without keys is told also of no
    /// rows.
    pub fn at_end(self) -> Self {
        Self { at_end: true, ..self }
    }

    /// Emits all results.
    fn tell(&self, table: &KeyedTable, out: &mut Output) -> Result<()> {
        let (rows, accumulators) = table.columns().split_first().ok_or_else(|| Error::internal("a group table counts rows"))?;
        let rows = rows.i64s();
        let slots = table.index().live_slots().into_iter();
        let slots: Vec<u32> = slots.filter(|s| rows[*s as usize] > 0 || self.spec.keys.is_empty()).collect();
        for slots in slots.chunks(TOLD_ROWS) {
            let mut columns = table.index().keys(slots)?;
            columns.extend(self.spec.aggregates.evaluate(accumulators, slots)?);
            out.emit(Batch::inserts(RecordBatch::try_new(self.spec.schema.clone(), columns)?));
        }
        Ok(())
    }

    /// Slots of all rows of the tick by batch, and each slot that may change once.
    fn touch(&mut self, table: &mut KeyedTable, inputs: &Inputs) -> Result<(Vec<Vec<u32>>, Vec<u32>)> {
        let mut by_batch = vec![];
        for batch in inputs.iter().flatten() {
            let mut slots = vec![];
            table.upsert(&self.keys_of(batch), batch.len(), &mut slots)?;
            by_batch.push(slots);
        }
        let rows: usize = by_batch.iter().map(Vec::len).sum();
        // With few keys it is less work to compare all of them than to note which ones the rows touch.
        let once = if table.index().slots() * 8 < rows { table.index().live_slots() } else { self.touched_once(table, &by_batch) };
        Ok((by_batch, once))
    }

    /// Each slot once, in order of first touch.
    fn touched_once(&mut self, table: &KeyedTable, by_batch: &[Vec<u32>]) -> Vec<u32> {
        self.generation += 1;
        self.touched.resize(self.touched.len().max(table.index().slots()), 0);
        let mut once = vec![];
        for slot in by_batch.iter().flatten() {
            let mark = &mut self.touched[*slot as usize];
            if *mark != self.generation {
                *mark = self.generation;
                once.push(*slot);
            }
        }
        once
    }

    /// Takes the rows of a tick in, without noting which results change.
    fn fold(&self, inputs: &Inputs, table: &mut KeyedTable) -> Result<()> {
        let mut slots = vec![];
        if inputs.get(1).is_some_and(|seed| !seed.is_empty()) {
            table.upsert(&[], 1, &mut slots)?;
        }
        for batch in inputs.first().into_iter().flatten() {
            table.upsert(&self.keys_of(batch), batch.len(), &mut slots)?;
            match self.partial_input {
                true => self.spec.fold_partials(batch, table, &slots)?,
                false => self.spec.fold_rows(batch, table, &slots)?,
            }
        }
        Ok(())
    }

    fn keys_of(&self, batch: &Batch) -> Vec<ArrayRef> {
        match self.partial_input {
            true => batch.rows.columns()[..self.spec.keys.len()].to_vec(),
            false => self.spec.keys.iter().map(|k| batch.column(*k).clone()).collect(),
        }
    }

    /// Compares results before and after the tick and emits the difference.
    fn emit(&self, table: &KeyedTable, touched: &[u32], before: &Snapshot, out: &mut Output) -> Result<()> {
        let after = Snapshot::of(&self.spec, table, touched)?;
        let same = before.same_as(&after)?;
        let n = touched.len() as u32;
        let (mut rows, mut kinds) = (vec![], vec![]); // old results are rows 0..n, new ones n..2n
        for i in 0..n {
            let (old, new) = (before.rows[i as usize] > 0, after.rows[i as usize] > 0);
            match (old, new) {
                (false, true) => push(&mut rows, &mut kinds, n + i, RowKind::Insert),
                (true, false) => push(&mut rows, &mut kinds, i, RowKind::Delete),
                (true, true) if !same.value(i as usize) => {
                    if self.update_before {
                        push(&mut rows, &mut kinds, i, RowKind::UpdateBefore);
                    }
                    push(&mut rows, &mut kinds, n + i, RowKind::UpdateAfter);
                }
                _ => {}
            }
        }
        if rows.is_empty() {
            return Ok(());
        }
        let key_rows = UInt32Array::from_iter_values(rows.iter().map(|r| r % n));
        let result_rows = UInt32Array::from(rows);
        let mut columns = vec![];
        for key in table.index().keys(touched)? {
            columns.push(take(&key, &key_rows, None)?);
        }
        for (old, new) in before.results.iter().zip(&after.results) {
            columns.push(take(&concat(&[old.as_ref(), new.as_ref()])?, &result_rows, None)?);
        }
        let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(kinds.len()));
        out.emit(Batch::changes(RecordBatch::try_new_with_options(self.spec.schema.clone(), columns, &options)?, kinds));
        Ok(())
    }
}

fn push(rows: &mut Vec<u32>, kinds: &mut Vec<RowKind>, row: u32, kind: RowKind) {
    rows.push(row);
    kinds.push(kind);
}

/// Results of some slots at one moment.
struct Snapshot {
    rows: Vec<i64>,
    results: Vec<ArrayRef>,
}

impl Snapshot {
    fn of(spec: &GroupSpec, table: &KeyedTable, slots: &[u32]) -> Result<Self> {
        let (rows, accumulators) = table.columns().split_first().ok_or_else(|| Error::internal("a group table counts rows"))?;
        let rows = rows.i64s();
        Ok(Self { rows: slots.iter().map(|s| rows[*s as usize]).collect(), results: spec.aggregates.evaluate(accumulators, slots)? })
    }

    fn same_as(&self, other: &Snapshot) -> Result<BooleanArray> {
        unchanged(&self.results, &other.results, self.rows.len())
    }
}

/// Which of so many results are what they were.
pub(super) fn unchanged(before: &[ArrayRef], after: &[ArrayRef], results: usize) -> Result<BooleanArray> {
    let mut same = BooleanArray::from(vec![true; results]);
    for (a, b) in before.iter().zip(after) {
        let equal = if a.data_type().is_nested() { nested_equal(a, b)? } else { not_distinct(a, b)? };
        same = and(&same, &equal)?;
    }
    Ok(same)
}

fn nested_equal(a: &ArrayRef, b: &ArrayRef) -> Result<BooleanArray> {
    let converter = RowConverter::new(vec![SortField::new(a.data_type().clone())])?;
    let (a, b) = (converter.convert_columns(std::slice::from_ref(a))?, converter.convert_columns(std::slice::from_ref(b))?);
    Ok(a.iter().zip(b.iter()).map(|(x, y)| Some(x == y)).collect())
}

impl Operator for GroupAggregate {
    fn open(&mut self, state: &mut State) -> Result<()> {
        self.table = Some(state.declare("groups", KeyedTable::new(&self.spec.key_types, &self.spec.columns())));
        Ok(())
    }

    fn step(&mut self, tick: &Tick, inputs: &mut Inputs, state: &mut State, out: &mut Output) -> Result<()> {
        let table = state.get(self.table.ok_or_else(|| Error::internal("step before open"))?);
        if self.at_end {
            self.fold(inputs, table)?;
            return if tick.last { self.tell(table, out) } else { Ok(()) };
        }
        if inputs.iter().all(Vec::is_empty) {
            return Ok(());
        }
        let (by_batch, touched) = self.touch(table, inputs)?;
        let before = Snapshot::of(&self.spec, table, &touched)?;
        for (batch, slots) in inputs.iter().flatten().zip(&by_batch) {
            if self.partial_input {
                self.spec.fold_partials(batch, table, slots)?;
            } else {
                self.spec.fold_rows(batch, table, slots)?;
            }
        }
        self.emit(table, &touched, &before, out)?;
        let gone: Vec<u32> = {
            let rows = table.columns()[0].i64s();
            touched.into_iter().filter(|s| rows[*s as usize] <= 0).collect()
        };
        gone.into_iter().for_each(|s| table.remove(s));
        Ok(())
    }
}

/// The columns a local phase emits after the keys: number of rows, then partial results.
pub fn partial_types(aggregates: &Aggregates) -> Vec<DataType> {
    std::iter::once(DataType::Int64).chain(aggregates.partial_types()).collect()
}
