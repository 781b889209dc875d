//! Top-N and deduplication: the first rows of each key in an order, kept up to date.

use arrow::array::{ArrayRef, Int64Array};
use arrow::datatypes::SchemaRef;
use std::sync::Arc;

use super::changes::Changes;
use super::touched::Touched;
use crate::operator::{Inputs, Operator, Output, Tick};
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
    /// Rows are told once, when the input has ended.
    at_end: bool,
    table: Option<TableId<RankedTable>>,
}

impl Rank {
    /// Ranks as `spec` says.
    pub fn new(spec: RankSpec) -> Self {
        Self { spec, at_end: false, table: None }
    }

    /// Tells the rows of each key once, when the input has ended.
    pub fn at_end(self) -> Self {
        Self { at_end: true, ..self }
    }

    /// Whether some key has several rows.
    pub(super) fn is_crowded(&self, state: &mut State) -> Result<bool> {
        Ok(state.get(self.table.ok_or_else(|| Error::internal("step before open"))?).is_crowded())
    }

    fn shown(&self, table: &RankedTable, slot: u32) -> Vec<Content> {
        table.ranking(slot).skip(self.spec.skip).take(self.spec.take).cloned().collect()
    }

    /// Notes the result of each key of the batch before it changes, and changes the rankings.
    fn fold(&self, batch: &Batch, table: &mut RankedTable, touched: &mut Touched<Vec<Content>>) -> Result<()> {
        let mut slots = vec![];
        let prepared = table.prepare(batch.rows.columns(), batch.len(), &mut slots)?;
        let most = self.spec.append_only.then_some(self.spec.skip + self.spec.take);
        for (row, slot) in slots.into_iter().enumerate() {
            if !self.at_end {
                touched.note(slot, || self.shown(table, slot));
            }
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
    fn differ(&self, before: &[Content], after: Vec<Content>, changed: &mut Changed) {
        let by_place = self.spec.with_rank || self.spec.take == 1;
        if !by_place {
            before.iter().for_each(|row| changed.push(row, RowKind::Delete, 0));
            after.iter().for_each(|row| changed.push(row, RowKind::Insert, 0));
            return;
        }
        for place in 0..before.len().max(after.len()) {
            let rank = (self.spec.skip + place + 1) as i64;
            match (before.get(place), after.get(place)) {
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

    fn step(&mut self, tick: &Tick, inputs: &mut Inputs, state: &mut State, out: &mut Output) -> Result<()> {
        let table = state.get(self.table.ok_or_else(|| Error::internal("step before open"))?);
        let mut touched = Touched::new();
        for batch in inputs.iter().flatten() {
            self.fold(batch, table, &mut touched)?;
        }
        let touched = match self.at_end {
            false => touched.into_keys(),
            true if tick.last => table.slots().into_iter().map(|slot| (slot, vec![])).collect(),
            true => return Ok(()),
        };
        let mut changed = Changed::default();
        for (slot, before) in &touched {
            self.differ(before, self.shown(table, *slot), &mut changed);
            if table.size(*slot) == 0 {
                table.remove_key(*slot);
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
