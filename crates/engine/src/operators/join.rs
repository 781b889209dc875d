//! Regular join: both inputs are kept, and every change of one meets the rows of the other.

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, UInt32Array, new_null_array};
use arrow::buffer::NullBuffer;
use arrow::compute::{filter, not, take};
use arrow::datatypes::{Field, Schema, SchemaRef};
use hashbrown::HashMap;
use std::sync::Arc;

use super::changes::Changes;
use crate::expr::Expr;
use crate::operator::{Inputs, Operator, Output, Tick};
use crate::state::column::BuildMix;
use crate::state::rows::RowTable;
use crate::state::{State, TableId};
use crate::{Batch, Error, Result, RowKind};

/// Pairs of rows that are looked at together: bounds the memory of a row with very many partners.
const PAIRS_MAX: usize = 16 << 10;

/// Which rows without a partner are in the result, and what of those with one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JoinKind {
    /// Pairs.
    Inner,
    /// Pairs, and rows of the left input alone.
    Left,
    /// Pairs, and rows of the right input alone.
    Right,
    /// Pairs, and rows of either input alone.
    Full,
    /// Rows of the left input that have a partner.
    Semi,
    /// Rows of the left input that have none.
    Anti,
}

/// What to join.
#[derive(Clone)]
pub struct JoinSpec {
    /// Which rows the result has.
    pub kind: JoinKind,
    /// Schemas of the inputs, left and right.
    pub inputs: [SchemaRef; 2],
    /// Columns of each input that must be equal, in pairs.
    pub keys: [Vec<usize>; 2],
    /// Of each pair of key columns, whether NULL equals NULL (`IS NOT DISTINCT FROM`).
    pub nulls_equal: Vec<bool>,
    /// What else a pair must fulfil: over the columns of the left input, then those of the right one.
    pub condition: Option<Arc<dyn Expr>>,
    /// Left columns, then right ones; of a semi or anti join the left ones alone.
    pub schema: SchemaRef,
}

impl JoinSpec {
    /// Whether rows of this input come out alone when they have no partner, as NULLs beside them.
    fn keeps(&self, side: usize) -> bool {
        match self.kind {
            JoinKind::Full => true,
            JoinKind::Left => side == 0,
            JoinKind::Right => side == 1,
            _ => false,
        }
    }

    /// `Some(true)`: only left rows with a partner come out; `Some(false)`: only those without.
    fn wants_partner(&self) -> Option<bool> {
        match self.kind {
            JoinKind::Semi => Some(true),
            JoinKind::Anti => Some(false),
            _ => None,
        }
    }

    /// Whether the number of partners of this input's rows matters.
    fn counts(&self, side: usize) -> bool {
        self.keeps(side) || (side == 0 && self.wants_partner().is_some())
    }

    /// The columns of a pair: left, then right.
    fn pair_schema(&self) -> SchemaRef {
        let fields = self.inputs.iter().flat_map(|schema| schema.fields());
        Arc::new(Schema::new(fields.map(|f| Field::new(f.name(), f.data_type().clone(), true)).collect::<Vec<_>>()))
    }

    /// Rows whose keys can equal another row's.
    fn joinable(&self, side: usize, rows: &RecordBatch) -> Option<BooleanArray> {
        let strict = self.keys[side].iter().zip(&self.nulls_equal).filter(|(_, equal)| !**equal).map(|(c, _)| rows.column(*c));
        let nulls = strict.filter(|c| c.null_count() > 0).fold(None, |all, column| NullBuffer::union(all.as_ref(), column.nulls()));
        nulls.map(|nulls| BooleanArray::new(nulls.into_inner(), None))
    }
}

/// The operator. Port 0 is the left input, port 1 the right one; both are dealt by their keys.
pub struct Join {
    spec: JoinSpec,
    tables: Option<[TableId<RowTable>; 2]>,
}

impl Join {
    /// Joins as `spec` says.
    pub fn new(spec: JoinSpec) -> Self {
        Self { spec, tables: None }
    }
}

impl Operator for Join {
    fn open(&mut self, state: &mut State) -> Result<()> {
        let [left, right] = &self.spec.inputs;
        self.tables = Some([
            state.declare("left", RowTable::new(left.clone(), &self.spec.keys[0])?),
            state.declare("right", RowTable::new(right.clone(), &self.spec.keys[1])?),
        ]);
        Ok(())
    }

    fn step(&mut self, tick: &Tick, inputs: &mut Inputs, state: &mut State, out: &mut Output) -> Result<()> {
        let tables = self.tables.ok_or_else(|| Error::internal("step before open"))?;
        let grows = self.spec.kind == JoinKind::Inner && inputs.iter().flatten().all(|b| b.kinds.is_none());
        let mut changes = Changes::new(self.spec.schema.clone());
        for (side, batches) in inputs.iter().enumerate() {
            for batch in batches {
                let (own, other) = state.pair(tables[side], tables[1 - side]);
                Meeting { spec: &self.spec, side, tick, own, other, changes: &mut changes }.batch(batch)?;
            }
        }
        if grows { changes.emit_as_they_are(out) } else { changes.emit_net(out) }
    }
}

/// Rows of one input meeting those of the other.
struct Meeting<'a> {
    spec: &'a JoinSpec,
    side: usize,
    tick: &'a Tick,
    own: &'a mut RowTable,
    other: &'a mut RowTable,
    changes: &'a mut Changes,
}

/// What the rows of a batch found on the other side.
struct Found {
    /// Partners of each row of the batch.
    partners: Vec<i64>,
    /// Partners that rows of the other input had before the batch, by row.
    before: HashMap<u32, i64, BuildMix>,
}

impl Meeting<'_> {
    fn batch(&mut self, batch: &Batch) -> Result<()> {
        let Some(joinable) = self.spec.joinable(self.side, &batch.rows) else { return self.meet(batch) };
        self.meet(&batch.filter(&joinable)?)?;
        // A row with NULL in its key never finds a partner, so nothing of it need be kept.
        let alone = batch.filter(&not(&joinable)?)?;
        self.without_partner(&alone, &vec![0; alone.len()])
    }

    fn meet(&mut self, batch: &Batch) -> Result<()> {
        let keys = self.own.key_of(&batch.rows);
        let mut slots = vec![];
        self.other.find_keys(&keys, batch.len(), &mut slots)?;
        let mut found = Found { partners: vec![0; batch.len()], before: HashMap::default() };
        let (mut rows, mut others) = (vec![], vec![]);
        for (row, key) in slots.iter().enumerate() {
            for id in self.other.ids(*key).collect::<Vec<_>>() {
                rows.push(row as u32);
                others.push(id);
                if rows.len() == PAIRS_MAX {
                    self.join(batch, std::mem::take(&mut rows), std::mem::take(&mut others), &mut found)?;
                }
            }
        }
        self.join(batch, rows, others, &mut found)?;
        self.changed_others(&found.before)?;
        self.without_partner(batch, &found.partners)?;
        if self.side == 0 && self.spec.wants_partner() == Some(true) {
            let rows = rows_where(&found.partners, |n| n > 0);
            self.changes.add(taken(batch.rows.columns(), &rows)?, kinds_of(batch, &rows));
        }
        self.keep(batch, &keys, &found.partners)
    }

    /// Emits the pairs that fulfil the condition, and counts them on both sides.
    fn join(&mut self, batch: &Batch, mut rows: Vec<u32>, mut others: Vec<u32>, found: &mut Found) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let emits = self.spec.wants_partner().is_none();
        let mut columns = vec![];
        if emits || self.spec.condition.is_some() {
            let own = taken(batch.rows.columns(), &rows)?;
            columns = self.beside(own, self.other.decode(others.iter().map(|id| Some(*id)))?);
        }
        if let Some(condition) = &self.spec.condition {
            let pairs = RecordBatch::try_new(self.spec.pair_schema(), columns.clone())?;
            let keep = condition.evaluate(&pairs, &self.tick.eval())?;
            let keep = keep.as_boolean_opt().ok_or_else(|| Error::internal("a join condition must be BOOLEAN"))?;
            if keep.true_count() < rows.len() {
                let kept =
                    |list: &[u32]| -> Vec<u32> { keep.iter().zip(list).filter(|(k, _)| *k == Some(true)).map(|(_, v)| *v).collect() };
                (rows, others) = (kept(&rows), kept(&others));
                columns = columns.iter().map(|c| Ok(filter(c, keep)?)).collect::<Result<_>>()?;
            }
        }
        let noted = self.spec.counts(1 - self.side);
        for (row, id) in rows.iter().zip(&others) {
            found.partners[*row as usize] += self.other.count(*id);
            if noted {
                let note = self.other.note_mut(*id);
                found.before.entry(*id).or_insert(*note);
                *note += if batch.kind(*row as usize).adds() { 1 } else { -1 };
            }
        }
        if emits {
            let kinds = kinds_of(batch, &rows);
            self.add_repeated(columns, kinds, others.iter().map(|id| self.other.count(*id)).collect())?;
        }
        Ok(())
    }

    /// Emits each row so many times.
    fn add_repeated(&mut self, columns: Vec<ArrayRef>, kinds: Vec<RowKind>, times: Vec<i64>) -> Result<()> {
        if times.iter().all(|n| *n == 1) {
            self.changes.add(columns, kinds);
            return Ok(());
        }
        let rows: Vec<u32> = times.iter().enumerate().flat_map(|(row, n)| std::iter::repeat_n(row as u32, *n as usize)).collect();
        let kinds = rows.iter().map(|row| kinds[*row as usize]).collect();
        self.changes.add(taken(&columns, &rows)?, kinds);
        Ok(())
    }

    /// Rows of the other input that found their first partner or lost their last one.
    fn changed_others(&mut self, before: &HashMap<u32, i64, BuildMix>) -> Result<()> {
        let mut ids: Vec<u32> = before.iter().filter(|(id, old)| (**old > 0) != (self.other.note(**id) > 0)).map(|(id, _)| *id).collect();
        if ids.is_empty() {
            return Ok(());
        }
        // The order of a hash map is none that could be repeated.
        ids.sort_unstable();
        let appears = |id: &u32| (self.other.note(*id) > 0) == (self.spec.wants_partner() == Some(true));
        let kinds = ids.iter().map(|id| if appears(id) { RowKind::Insert } else { RowKind::Delete }).collect();
        let times = ids.iter().map(|id| self.other.count(*id)).collect();
        let mut columns = self.other.decode(ids.iter().map(|id| Some(*id)))?;
        if self.spec.wants_partner().is_none() {
            columns = self.beside(nulls(&self.spec.inputs[self.side], ids.len()), columns);
        }
        self.add_repeated(columns, kinds, times)
    }

    /// Emits the rows of the batch that have no partner, if such are wanted.
    fn without_partner(&mut self, batch: &Batch, partners: &[i64]) -> Result<()> {
        let anti = self.side == 0 && self.spec.wants_partner() == Some(false);
        if !anti && !self.spec.keeps(self.side) {
            return Ok(());
        }
        let rows = rows_where(partners, |n| n == 0);
        if rows.is_empty() {
            return Ok(());
        }
        let mut columns = taken(batch.rows.columns(), &rows)?;
        if !anti {
            columns = self.beside(columns, nulls(&self.spec.inputs[1 - self.side], rows.len()));
        }
        self.changes.add(columns, kinds_of(batch, &rows));
        Ok(())
    }

    /// Own columns and those of the other input, the left ones first.
    fn beside(&self, own: Vec<ArrayRef>, other: Vec<ArrayRef>) -> Vec<ArrayRef> {
        let (left, right) = if self.side == 0 { (own, other) } else { (other, own) };
        left.into_iter().chain(right).collect()
    }

    /// Keeps the rows of the batch for those of the other input that are to come.
    fn keep(&mut self, batch: &Batch, keys: &[ArrayRef], partners: &[i64]) -> Result<()> {
        let content = self.own.encode(&batch.rows)?;
        let mut slots = vec![];
        self.own.key_slots(keys, batch.len(), &mut slots)?;
        for (row, key) in slots.iter().enumerate() {
            if batch.kind(row).adds() {
                let id = self.own.add(*key, content.row(row), 1);
                *self.own.note_mut(id) = partners[row];
            } else if let Some(id) = self.own.find(*key, content.row(row)) {
                self.own.take(id);
            }
        }
        if batch.kinds.is_some() {
            self.own.forget_empty(&slots);
        }
        Ok(())
    }
}

fn rows_where(partners: &[i64], wanted: impl Fn(i64) -> bool) -> Vec<u32> {
    (0..partners.len() as u32).filter(|row| wanted(partners[*row as usize])).collect()
}

fn nulls(schema: &SchemaRef, rows: usize) -> Vec<ArrayRef> {
    schema.fields().iter().map(|f| new_null_array(f.data_type(), rows)).collect()
}

fn taken(columns: &[ArrayRef], rows: &[u32]) -> Result<Vec<ArrayRef>> {
    let rows = UInt32Array::from(rows.to_vec());
    columns.iter().map(|c| Ok(take(c, &rows, None)?)).collect()
}

/// Additions and removals, as the rows of the batch are.
fn kinds_of(batch: &Batch, rows: &[u32]) -> Vec<RowKind> {
    rows.iter().map(|row| if batch.kind(*row as usize).adds() { RowKind::Insert } else { RowKind::Delete }).collect()
}
