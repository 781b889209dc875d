//! ChangelogNormalize: out of the newest row of each key, which may come twice, a changelog that says what each row replaces.

use arrow::array::ArrayRef;
use arrow::datatypes::SchemaRef;

use super::changes::Changes;
use super::touched::Touched;
use crate::operator::{Inputs, Operator, Output, Tick};
use crate::state::latest::{Content, LatestTable};
use crate::state::{State, TableId};
use crate::{Batch, Error, Result, RowKind};

/// The operator. Its input is dealt by the key.
pub struct Normalize {
    schema: SchemaRef,
    key: Vec<usize>,
    /// Whether consumers want `-U` rows.
    update_before: bool,
    table: Option<TableId<LatestTable>>,
}

/// Rows that come and go.
#[derive(Default)]
struct Changed {
    rows: Vec<Content>,
    kinds: Vec<RowKind>,
}

impl Changed {
    fn push(&mut self, row: Content, kind: RowKind) {
        self.rows.push(row);
        self.kinds.push(kind);
    }
}

impl Normalize {
    /// For rows of this schema with the key in these columns.
    pub fn new(schema: SchemaRef, key: Vec<usize>, update_before: bool) -> Self {
        Self { schema, key, update_before, table: None }
    }

    /// Takes the rows of a batch in, and notes of each key the row that it had.
    fn fold(&self, batch: &Batch, table: &mut LatestTable, touched: &mut Touched<Option<Content>>) -> Result<()> {
        let keys: Vec<ArrayRef> = self.key.iter().map(|k| batch.column(*k).clone()).collect();
        let mut slots = vec![];
        table.key_slots(&keys, batch.len(), &mut slots)?;
        let rows = table.encode(&batch.rows)?;
        for (row, slot) in slots.into_iter().enumerate() {
            let kind = batch.kind(row);
            if kind == RowKind::UpdateBefore {
                continue; // the row after it says all
            }
            let old = table.set(slot, kind.adds().then(|| rows.row(row)));
            touched.note(slot, || old);
        }
        Ok(())
    }
}

impl Operator for Normalize {
    fn open(&mut self, state: &mut State) -> Result<()> {
        self.table = Some(state.declare("latest", LatestTable::new(self.schema.clone(), &self.key)));
        Ok(())
    }

    fn step(&mut self, _: &Tick, inputs: &mut Inputs, state: &mut State, out: &mut Output) -> Result<()> {
        let table = state.get(self.table.ok_or_else(|| Error::internal("step before open"))?);
        let mut touched = Touched::new();
        for batch in inputs.iter().flatten() {
            self.fold(batch, table, &mut touched)?;
        }
        let mut changed = Changed::default();
        for (slot, row) in touched.into_keys() {
            match (row, table.get(slot).cloned()) {
                (Some(old), Some(new)) if old != new => {
                    if self.update_before {
                        changed.push(old, RowKind::UpdateBefore);
                    }
                    changed.push(new, RowKind::UpdateAfter);
                }
                (Some(old), None) => changed.push(old, RowKind::Delete),
                (None, Some(new)) => changed.push(new, RowKind::Insert),
                _ => {}
            }
            table.forget_empty(slot);
        }
        let mut changes = Changes::new(self.schema.clone());
        changes.add(table.decode(changed.rows.iter())?, changed.kinds);
        changes.emit_as_they_are(out)
    }
}
