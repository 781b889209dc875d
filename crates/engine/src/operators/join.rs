//! Regular join: both inputs are kept, and every change of one meets the rows of the other.

use arrow::array::ArrayRef;
use arrow::compute::{filter, not};
use arrow::datatypes::SchemaRef;
use hashbrown::HashMap;

use super::changes::Changes;
use super::pairs::{JoinInputs, JoinKind, PAIRS_MAX, beside, kept, taken};
use crate::operator::{Inputs, Operator, Output, Tick};
use crate::state::column::BuildMix;
use crate::state::rows::RowTable;
use crate::state::{State, TableId};
use crate::{Batch, Error, Result, RowKind};

/// What to join.
#[derive(Clone)]
pub struct JoinSpec {
    /// Which rows the result has.
    pub kind: JoinKind,
    /// What a pair must fulfil.
    pub inputs: JoinInputs,
    /// Left columns, then right ones; of a semi or anti join the left ones alone.
    pub schema: SchemaRef,
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
        let [left, right] = &self.spec.inputs.schemas;
        self.tables = Some([
            state.declare("left", RowTable::new(left.clone(), &self.spec.inputs.keys[0])),
            state.declare("right", RowTable::new(right.clone(), &self.spec.inputs.keys[1])),
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
        let Some(joinable) = self.spec.inputs.joinable(self.side, batch.rows.columns()) else { return self.meet(batch) };
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
            let mut partner = self.other.first(*key);
            while let Some(id) = partner {
                rows.push(row as u32);
                others.push(id);
                partner = self.other.next(id);
                if rows.len() == PAIRS_MAX {
                    self.join(batch, std::mem::take(&mut rows), std::mem::take(&mut others), &mut found)?;
                }
            }
        }
        self.join(batch, rows, others, &mut found)?;
        self.changed_others(&found.before)?;
        self.without_partner(batch, &found.partners)?;
        if self.side == 0 && self.spec.kind.wants_partner() == Some(true) {
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
        let emits = self.spec.kind.wants_partner().is_none();
        let mut columns = vec![];
        if emits || self.spec.inputs.condition.is_some() {
            let own = taken(batch.rows.columns(), &rows)?;
            columns = beside(self.side, own, self.other.columns(&some(&others))?);
        }
        if let Some(keep) = self.spec.inputs.fulfilled(&columns, rows.len(), &self.tick.eval())? {
            (rows, others) = (kept(&rows, &keep), kept(&others, &keep));
            columns = columns.iter().map(|c| Ok(filter(c, &keep)?)).collect::<Result<_>>()?;
        }
        let noted = self.spec.kind.counts(1 - self.side);
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
        let appears = |id: &u32| (self.other.note(*id) > 0) == (self.spec.kind.wants_partner() == Some(true));
        let kinds = ids.iter().map(|id| if appears(id) { RowKind::Insert } else { RowKind::Delete }).collect();
        let times = ids.iter().map(|id| self.other.count(*id)).collect();
        let mut columns = self.other.columns(&some(&ids))?;
        if self.spec.kind.wants_partner().is_none() {
            columns = beside(self.side, self.spec.inputs.nulls(self.side, ids.len()), columns);
        }
        self.add_repeated(columns, kinds, times)
    }

    /// Emits the rows of the batch that have no partner, if such are wanted.
    fn without_partner(&mut self, batch: &Batch, partners: &[i64]) -> Result<()> {
        let anti = self.side == 0 && self.spec.kind.wants_partner() == Some(false);
        if !anti && !self.spec.kind.keeps(self.side) {
            return Ok(());
        }
        let rows = rows_where(partners, |n| n == 0);
        if rows.is_empty() {
            return Ok(());
        }
        let mut columns = taken(batch.rows.columns(), &rows)?;
        if !anti {
            columns = beside(self.side, columns, self.spec.inputs.nulls(1 - self.side, rows.len()));
        }
        self.changes.add(columns, kinds_of(batch, &rows));
        Ok(())
    }

    /// Keeps the rows of the batch for those of the other input that are to come.
    fn keep(&mut self, batch: &Batch, keys: &[ArrayRef], partners: &[i64]) -> Result<()> {
        let mut slots = vec![];
        self.own.key_slots(keys, batch.len(), &mut slots)?;
        let coming = self.own.open(batch.rows.columns(), batch.len())?;
        let counted = self.spec.kind.counts(self.side);
        for (row, key) in slots.iter().enumerate() {
            if batch.kind(row).adds() {
                let id = self.own.add(*key, &coming, row, 1)?;
                if counted {
                    *self.own.note_mut(id) = partners[row];
                }
            } else if let Some(id) = self.own.find(*key, &coming, row)? {
                self.own.take(id, &coming, row);
            }
        }
        self.own.settle(if batch.kinds.is_some() { &slots } else { &[] })
    }
}

fn some(ids: &[u32]) -> Vec<Option<u32>> {
    ids.iter().map(|id| Some(*id)).collect()
}

fn rows_where(partners: &[i64], wanted: impl Fn(i64) -> bool) -> Vec<u32> {
    (0..partners.len() as u32).filter(|row| wanted(partners[*row as usize])).collect()
}

/// Additions and removals, as the rows of the batch are.
fn kinds_of(batch: &Batch, rows: &[u32]) -> Vec<RowKind> {
    rows.iter().map(|row| if batch.kind(*row as usize).adds() { RowKind::Insert } else { RowKind::Delete }).collect()
}
