//! INTERSECT ALL and EXCEPT ALL: how often a row stands in each of two inputs decides how often it is in the result.

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, SchemaRef};

use super::changes::Changes;
use super::touched::Touched;
use crate::operator::{Inputs, Operator, Output, Tick};
use crate::state::column::ColumnKind;
use crate::state::keyed::KeyedTable;
use crate::state::{State, TableId};
use crate::{Error, Result, RowKind};

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SetOperationKind {
    /// As often as in the input that has fewer of the row.
    IntersectAll,
    /// As often as the left input has more of the row than the right one.
    ExceptAll,
}

impl SetOperationKind {
    /// How often a row is in the result that stands so often in the inputs.
    fn times(self, left: i64, right: i64) -> i64 {
        match self {
            Self::IntersectAll => left.min(right),
            Self::ExceptAll => left - right,
        }
        .max(0)
    }
}

/// The operator. Both inputs have the result's columns and are dealt by all of them; NULL equals NULL.
pub struct SetOperation {
    kind: SetOperationKind,
    schema: SchemaRef,
    counts: Option<TableId<KeyedTable>>,
}

impl SetOperation {
    /// An operation over rows of this schema.
    pub fn new(kind: SetOperationKind, schema: SchemaRef) -> Self {
        Self { kind, schema, counts: None }
    }
}

impl Operator for SetOperation {
    fn open(&mut self, state: &mut State) -> Result<()> {
        let types: Vec<DataType> = self.schema.fields().iter().map(|f| f.data_type().clone()).collect();
        self.counts = Some(state.declare("counts", KeyedTable::new(&types, &[ColumnKind::I64, ColumnKind::I64])));
        Ok(())
    }

    fn step(&mut self, _: &Tick, inputs: &mut Inputs, state: &mut State, out: &mut Output) -> Result<()> {
        let table = state.get(self.counts.ok_or_else(|| Error::internal("step before open"))?);
        // With how often a row was in the result.
        let mut touched = Touched::new();
        let mut slots = vec![];
        for (side, batches) in inputs.iter().enumerate() {
            for batch in batches {
                table.upsert(batch.rows.columns(), batch.len(), &mut slots)?;
                for (row, slot) in slots.iter().enumerate() {
                    touched.note(*slot, || self.times(table, *slot));
                    table.columns_mut()[side].i64s_mut()[*slot as usize] += if batch.kind(row).adds() { 1 } else { -1 };
                }
            }
        }
        let touched = touched.into_keys();
        self.emit(table, &touched, out)?;
        for (slot, _) in touched {
            if counts(table, slot) == (0, 0) {
                table.remove(slot);
            }
        }
        Ok(())
    }
}

impl SetOperation {
    fn times(&self, table: &KeyedTable, slot: u32) -> i64 {
        let (left, right) = counts(table, slot);
        self.kind.times(left, right)
    }

    /// Emits what the tick changed: each row as often as it went or came.
    fn emit(&self, table: &KeyedTable, touched: &[(u32, i64)], out: &mut Output) -> Result<()> {
        let (mut rows, mut kinds) = (vec![], vec![]);
        for (slot, before) in touched {
            let change = self.times(table, *slot) - before;
            rows.extend(std::iter::repeat_n(*slot, change.unsigned_abs() as usize));
            kinds.resize(rows.len(), if change < 0 { RowKind::Delete } else { RowKind::Insert });
        }
        let columns: Vec<ArrayRef> = table.index().keys(&rows)?;
        let mut changes = Changes::new(self.schema.clone());
        changes.add(columns, kinds);
        changes.emit_as_they_are(out)
    }
}

fn counts(table: &KeyedTable, slot: u32) -> (i64, i64) {
    let side = |i: usize| table.columns()[i].i64s()[slot as usize];
    (side(0), side(1))
}
