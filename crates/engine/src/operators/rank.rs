//! Top-N and deduplication: the first rows of each key in an order, kept up to date.

use arrow::array::{ArrayRef, Int64Array};
use arrow::datatypes::SchemaRef;
use hashbrown::HashSet;
use std::sync::Arc;

use super::changes::Changes;
use crate::operator::{Inputs, Operator, Output, Tick};
use crate::state::column::BuildMix;
use crate::state::ranked::{Content, RankedTable, SortColumn};
use crate::state::{State, TableId};
use crate::{Batch, Error, Result, RowKind};

/// What to rank.
#[derive(Clone)]
pub struct RankSpec {
    /// Schema of the input.
    pub input: SchemaRef,
    /// Columns of the key; none for one ranking of all rows.
    pub partition: Vec<usize>,
    /// The order. Rows equal in it stand as they came, or with `latest_first` the other way round.
    pub order: Vec<SortColumn>,
    /// Of rows equal in the order, the one that came last is the first: `ORDER BY time DESC` keeps the last row of a key.
    pub latest_first: bool,
    /// How many rows of each key are passed over (`OFFSET`).
    pub skip: usize,
    /// How many come after those.
    pub take: usize,
    /// The rank is the last column of the result.
    pub with_rank: bool,
    /// Rows are never taken back, so that those behind the last place need not be kept.
    pub append_only: bool,
    /// Whether consumers want `-U` rows.
    pub update_before: bool,
    /// Columns of the input, perhaps the rank.
    pub schema: SchemaRef,
}

/// The operator.
pub struct Rank {
    spec: RankSpec,
    table: Option<TableId<RankedTable>>,
}

/// The rows in the result of a key before the tick.
struct Before {
    slot: u32,
    rows: Vec<Content>,
}

impl Rank {
    /// Ranks as `spec` says.
    pub fn new(spec: RankSpec) -> Self {
        Self { spec, table: None }
    }

    /// Whether some key has several rows.
    pub(super) fn is_crowded(&self, state: &mut State) -> Result<bool> {
        Ok(state.get(self.table.ok_or_else(|| Error::internal("step before open"))?).is_crowded())
    }

    fn shown(&self, table: &RankedTable, slot: u32) -> Vec<Content> {
        table.ranking(slot).skip(self.spec.skip).take(self.spec.take).cloned().collect()
    }

    /// Notes the result of each key of the batch before it changes, and changes the rankings.
    fn fold(&self, batch: &Batch, table: &mut RankedTable, touched: &mut Touched) -> Result<()> {
        let mut slots = vec![];
        let prepared = table.prepare(batch.rows.columns(), batch.len(), &mut slots)?;
        let most = self.spec.append_only.then_some(self.spec.skip + self.spec.take);
        for (row, slot) in slots.into_iter().enumerate() {
            touched.note(slot, || self.shown(table, slot));
            if batch.kind(row).adds() {
                table.add(slot, &prepared, row, most);
            } else {
                table.take(slot, &prepared, row);
            }
        }
        Ok(())
    }

    /// The difference between two results of a key. A result with ranks changes place by place, and so does one of a single
    /// place; rows of any other come and go.
    fn differ(&self, before: &Before, after: Vec<Content>, changed: &mut Changed) {
        let by_place = self.spec.with_rank || self.spec.take == 1;
        if !by_place {
            before.rows.iter().for_each(|row| changed.push(row, RowKind::Delete, 0));
            after.iter().for_each(|row| changed.push(row, RowKind::Insert, 0));
            return;
        }
        for place in 0..before.rows.len().max(after.len()) {
            let rank = (self.spec.skip + place + 1) as i64;
            match (before.rows.get(place), after.get(place)) {
                (Some(old), Some(new)) if old == new => {}
                (Some(old), Some(new)) => {
                    if self.spec.update_before {
                        changed.push(old, RowKind::UpdateBefore, rank);
                    }
                    changed.push(new, RowKind::UpdateAfter, rank);
                }
                (Some(old), None) => changed.push(old, RowKind::Delete, rank),
                (None, Some(new)) => changed.push(new, RowKind::Insert, rank),
                (None, None) => {}
            }
        }
    }
}

/// The keys that a tick touches, in order of first touch, with their results before it.
#[derive(Default)]
struct Touched {
    slots: HashSet<u32, BuildMix>,
    keys: Vec<Before>,
}

impl Touched {
    fn note(&mut self, slot: u32, rows: impl FnOnce() -> Vec<Content>) {
        if self.slots.insert(slot) {
            self.keys.push(Before { slot, rows: rows() });
        }
    }
}

/// Rows that come and go.
#[derive(Default)]
struct Changed {
    rows: Vec<Content>,
    kinds: Vec<RowKind>,
    ranks: Vec<i64>,
}

impl Changed {
    fn push(&mut self, row: &Content, kind: RowKind, rank: i64) {
        self.rows.push(row.clone());
        self.kinds.push(kind);
        self.ranks.push(rank);
    }
}

impl Operator for Rank {
    fn open(&mut self, state: &mut State) -> Result<()> {
        let RankSpec { input, partition, order, latest_first, .. } = &self.spec;
        self.table = Some(state.declare("ranking", RankedTable::new(input.clone(), partition, order, *latest_first)?));
        Ok(())
    }

    fn step(&mut self, _: &Tick, inputs: &mut Inputs, state: &mut State, out: &mut Output) -> Result<()> {
        let table = state.get(self.table.ok_or_else(|| Error::internal("step before open"))?);
        let mut touched = Touched::default();
        for batch in inputs.iter().flatten() {
            self.fold(batch, table, &mut touched)?;
        }
        let mut changed = Changed::default();
        for before in &touched.keys {
            self.differ(before, self.shown(table, before.slot), &mut changed);
            if table.size(before.slot) == 0 {
                table.remove_key(before.slot);
            }
        }
        let mut columns = table.decode(changed.rows.iter())?;
        if self.spec.with_rank {
            columns.push(Arc::new(Int64Array::from(changed.ranks)) as ArrayRef);
        }
        let mut changes = Changes::new(self.spec.schema.clone());
        changes.add(columns, changed.kinds);
        // Place by place nothing cancels out: a place changes once.
        if self.spec.with_rank || self.spec.take == 1 { changes.emit_as_they_are(out) } else { changes.emit_net(out) }
    }
}
