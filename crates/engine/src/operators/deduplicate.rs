//! The newest row of each key, or the first one in another order, told row by row: each row that is not older than its key's newest one, or
//! that comes before its key's first one, is a new version. For steps that ask which row it was at some time; [`super::rank`] tells only
//! which one it is at the end of each tick.

use arrow::array::{Array, AsArray, BooleanArray};
use arrow::datatypes::DataType;
use std::sync::Arc;

use super::windows::millis;
use crate::expr::Expr;
use crate::operator::{Inputs, Operator, Output, Tick};
use crate::state::column::ColumnKind;
use crate::state::keyed::KeyedTable;
use crate::state::ranked::{SortColumn, order_bytes};
use crate::state::{State, TableId};
use crate::{Batch, Error, Result, RowKind};

/// What to keep.
#[derive(Clone)]
pub struct DeduplicateSpec {
    /// Columns of the key.
    pub keys: Vec<usize>,
    /// Their types.
    pub key_types: Vec<DataType>,
    /// The column of event time.
    pub time: usize,
    /// The order of which the first row is kept; none: the newest one is.
    pub order: Vec<SortColumn>,
    /// What a row must fulfil: with one that does not, its key is deleted from then on.
    pub condition: Option<Arc<dyn Expr>>,
}

/// The operator. Its input is all `+I` and dealt by its keys; its output are versions, see [`super::temporal_join`].
pub struct Deduplicate {
    spec: DeduplicateSpec,
    /// Of each key: the time of its newest row, and 1 once there is one; or the first row's place in the order.
    newest: Option<TableId<KeyedTable>>,
}

impl Deduplicate {
    /// Keeps what `spec` says.
    pub fn new(spec: DeduplicateSpec) -> Self {
        Self { spec, newest: None }
    }

    /// Which rows are not older than the newest one before them.
    fn newer(&self, batch: &Batch, newest: &mut KeyedTable) -> Result<BooleanArray> {
        let times = millis(batch.column(self.spec.time))?;
        if times.null_count() > 0 {
            return Err(Error::data("the time by which the newest row is kept is NULL"));
        }
        let keys: Vec<_> = self.spec.keys.iter().map(|c| batch.column(*c).clone()).collect();
        let mut slots = vec![];
        newest.upsert(&keys, batch.len(), &mut slots)?;
        if let [firsts] = newest.columns_mut() {
            let (places, firsts) = (order_bytes(&self.spec.order, batch.rows.columns())?, firsts.bytes_mut());
            let before = slots.iter().zip(places.iter()).map(|(slot, place)| {
                let first = &mut firsts[*slot as usize];
                let before = first.as_ref().is_none_or(|first| place.data() < &**first);
                if before {
                    *first = Some(place.data().into());
                }
                Some(before)
            });
            return Ok(before.collect());
        }
        let [times_kept, seen] = newest.columns_mut() else { return Err(Error::internal("two columns were declared")) };
        let (times_kept, seen) = (times_kept.i64s_mut(), seen.i64s_mut());
        let newer = slots.iter().zip(times.values()).map(|(slot, time)| {
            let slot = *slot as usize;
            let newer = seen[slot] == 0 || *time >= times_kept[slot];
            if newer {
                (times_kept[slot], seen[slot]) = (*time, 1);
            }
            Some(newer)
        });
        Ok(newer.collect())
    }
}

impl Operator for Deduplicate {
    fn open(&mut self, state: &mut State) -> Result<()> {
        let kinds: &[ColumnKind] = if self.spec.order.is_empty() { &[ColumnKind::I64, ColumnKind::I64] } else { &[ColumnKind::Bytes] };
        self.newest = Some(state.declare("newest", KeyedTable::new(&self.spec.key_types, kinds)));
        Ok(())
    }

    fn step(&mut self, tick: &Tick, inputs: &mut Inputs, state: &mut State, out: &mut Output) -> Result<()> {
        let newest = state.get(self.newest.ok_or_else(|| Error::internal("step before open"))?);
        for batch in inputs.iter().flatten() {
            let rows = batch.filter(&self.newer(batch, newest)?)?.rows;
            let Some(condition) = &self.spec.condition else {
                out.emit(Batch::inserts(rows));
                continue;
            };
            let fulfilled = condition.evaluate(&rows, &tick.eval())?;
            let fulfilled = fulfilled.as_boolean_opt().ok_or_else(|| Error::internal("a condition must be BOOLEAN"))?;
            let kinds = fulfilled.iter().map(|f| if f == Some(true) { RowKind::Insert } else { RowKind::Delete }).collect();
            out.emit(Batch::changes(rows, kinds));
        }
        Ok(())
    }
}
