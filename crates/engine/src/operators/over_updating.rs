//! OVER in the order of a value that is no time: a row may come between any two others, and changes the results of all behind it.

use arrow::array::{ArrayRef, UInt32Array};
use arrow::compute::take;

use super::changes::Changes;
use super::over_aggregate::OverSpec;
use super::pairs::taken;
use super::touched::Touched;
use crate::aggregate::scan::{Scan, Step};
use crate::operator::{Inputs, Operator, Output, Tick};
use crate::state::column::Column;
use crate::state::ranked::{Content, RankedTable, SortColumn, order_bytes};
use crate::state::{State, TableId};
use crate::{Error, Result, RowKind};

/// The operator. The frame is unbounded; what is before a row is so by `order`, and of equal rows by arrival.
pub struct OverUpdating {
    spec: OverSpec,
    order: Vec<SortColumn>,
    /// Rows that are equal in the order see each other (`RANGE`).
    peers: bool,
    table: Option<TableId<RankedTable>>,
}

/// Rows of several keys with their results.
struct Computed {
    columns: Vec<ArrayRef>,
    /// Of each key, where its rows end.
    ends: Vec<usize>,
    /// The row that is the first one of a row's peers.
    first_peer: Vec<u32>,
}

impl OverUpdating {
    /// Computes `spec` in that order.
    pub fn new(spec: OverSpec, order: Vec<SortColumn>, peers: bool) -> Self {
        Self { spec, order, peers, table: None }
    }

    /// The results of keys, computed from their rows.
    fn compute(&self, keys: &[Vec<Content>], table: &RankedTable) -> Result<Computed> {
        let rows = table.decode(keys.iter().flatten())?;
        let order = order_bytes(&self.order, &rows)?;
        let mut scan = Scan::default();
        let (mut ends, mut first_peer, mut step_of) = (vec![], vec![], vec![]);
        for (slot, key) in keys.iter().enumerate() {
            let start = scan.rows.len();
            let mine: Vec<u32> = (start as u32..(start + key.len()) as u32).collect();
            for peers in mine.chunk_by(|a, b| self.peers && order.row(*a as usize) == order.row(*b as usize)) {
                step_of.resize(step_of.len() + peers.len(), scan.steps.len() as u32);
                first_peer.resize(step_of.len(), peers[0]);
                let enter = peers[0]..peers[0] + peers.len() as u32;
                scan.steps.push(Step { slot: slot as u32, leave: 0..0, enter });
            }
            scan.rows.extend(mine);
            ends.push(scan.rows.len());
        }
        let mut columns = rows;
        if scan.steps.is_empty() {
            return Ok(Computed { columns: vec![], ends, first_peer });
        }
        let kinds = self.spec.calls.iter().flat_map(|call| call.function.columns());
        let mut state: Vec<Column> = kinds.map(Column::new).collect();
        state.iter_mut().for_each(|column| column.grow(keys.len()));
        let args: Vec<ArrayRef> = self.spec.arguments().into_iter().map(|c| columns[c].clone()).collect();
        let step_of = UInt32Array::from(step_of);
        for result in self.spec.scan(&mut state, &scan, &args)? {
            columns.push(take(&result, &step_of, None)?);
        }
        Ok(Computed { columns, ends, first_peer })
    }

    /// Emits what changed between two states of keys. The rows that both begin with have kept their results, but for those that
    /// have other peers now.
    fn emit(&self, before: &[Vec<Content>], after: &[Vec<Content>], table: &RankedTable, out: &mut Output) -> Result<()> {
        let states = [(before, RowKind::Delete), (after, RowKind::Insert)];
        let computed = [self.compute(before, table)?, self.compute(after, table)?];
        let same = |key: usize| before[key].iter().zip(&after[key]).take_while(|(a, b)| std::sync::Arc::ptr_eq(a, b)).count();
        let same: Vec<usize> = (0..before.len()).map(same).collect();
        let mut changes = Changes::new(self.spec.schema.clone());
        for ((keys, kind), computed) in states.into_iter().zip(computed) {
            let mut rows: Vec<u32> = vec![];
            for (key, end) in computed.ends.iter().enumerate() {
                let start = end - keys[key].len();
                let last_same = same[key].checked_sub(1).map(|last| start + last);
                let from = last_same.map_or(start, |last| computed.first_peer[last] as usize + usize::from(!self.peers));
                rows.extend(from as u32..*end as u32);
            }
            if !rows.is_empty() {
                let kinds = vec![kind; rows.len()];
                changes.add(taken(&computed.columns, &rows)?, kinds);
            }
        }
        changes.emit_net(out)
    }
}

impl Operator for OverUpdating {
    fn open(&mut self, state: &mut State) -> Result<()> {
        let table = RankedTable::new(self.spec.input.clone(), &self.spec.partition, &self.order, false)?;
        self.table = Some(state.declare("rows", table));
        Ok(())
    }

    fn step(&mut self, _: &Tick, inputs: &mut Inputs, state: &mut State, out: &mut Output) -> Result<()> {
        let table = state.get(self.table.ok_or_else(|| Error::internal("step before open"))?);
        let mut touched = Touched::new();
        for batch in inputs.iter().flatten() {
            let mut slots = vec![];
            let prepared = table.prepare(batch.rows.columns(), batch.len(), &mut slots)?;
            for (row, slot) in slots.into_iter().enumerate() {
                touched.note(slot, || table.ranking(slot).cloned().collect());
                if batch.kind(row).adds() {
                    table.add(slot, &prepared, row, None);
                } else {
                    table.take(slot, &prepared, row);
                }
            }
        }
        let (slots, before): (Vec<u32>, Vec<Vec<Content>>) = touched.into_keys().into_iter().unzip();
        let after: Vec<Vec<Content>> = slots.iter().map(|slot| table.ranking(*slot).cloned().collect()).collect();
        self.emit(&before, &after, table, out)?;
        for slot in slots {
            if table.size(slot) == 0 {
                table.remove_key(slot);
            }
        }
        Ok(())
    }
}
