//! Changelogs in other forms: without `-U`, out of a column that tells the kind of change, and into one.

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, StringArray};
use arrow::datatypes::SchemaRef;
use std::sync::Arc;

use crate::operator::{Inputs, Operator, Output, Tick};
use crate::state::State;
use crate::{Batch, Error, Result, RowKind};

/// Leaves `-U` rows out, for consumers that find the old row by its key.
#[derive(Clone)]
pub struct DropUpdateBefore;

impl Operator for DropUpdateBefore {
    fn step(&mut self, _: &Tick, inputs: &mut Inputs, _: &mut State, out: &mut Output) -> Result<()> {
        for batch in inputs.iter().flatten() {
            match &batch.kinds {
                Some(kinds) if kinds.contains(&RowKind::UpdateBefore) => {
                    let keep: BooleanArray = kinds.iter().map(|k| Some(*k != RowKind::UpdateBefore)).collect();
                    out.emit(batch.filter(&keep)?);
                }
                _ => out.emit(batch.clone()),
            }
        }
        Ok(())
    }
}

/// Makes changes of rows that tell in a text column what kind of change they are.
#[derive(Clone)]
pub struct FromChangelog {
    /// Position of that column.
    pub op: usize,
    /// What its values mean.
    pub mapping: Vec<(String, RowKind)>,
    /// The input without that column.
    pub schema: SchemaRef,
}

impl FromChangelog {
    fn kinds(&self, ops: &StringArray) -> Result<Vec<RowKind>> {
        let kind = |op: Option<&str>| {
            let op = op.ok_or_else(|| self.unknown("is NULL"))?;
            let known = self.mapping.iter().find(|(code, _)| code == op);
            known.map(|(_, kind)| *kind).ok_or_else(|| self.unknown(&format!("is '{op}'")))
        };
        ops.iter().map(kind).collect()
    }

    #[cold]
    fn unknown(&self, what: &str) -> Error {
        let codes: Vec<&str> = self.mapping.iter().map(|(code, _)| code.as_str()).collect();
        Error::data(format!("FROM_CHANGELOG: the kind of a change {what}, which stands for none; known are {}", codes.join(", ")))
            .help("name it in op_mapping, or filter such rows before")
    }
}

impl Operator for FromChangelog {
    fn step(&mut self, _: &Tick, inputs: &mut Inputs, _: &mut State, out: &mut Output) -> Result<()> {
        for batch in inputs.iter().flatten() {
            let ops = batch.column(self.op).as_string_opt::<i32>().ok_or_else(|| Error::internal("a kind of change is text"))?;
            let kinds = self.kinds(ops)?;
            let columns = batch.rows.columns().iter().enumerate().filter(|(i, _)| *i != self.op).map(|(_, c)| c.clone()).collect();
            let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(kinds.len()));
            out.emit(Batch::changes(RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)?, kinds));
        }
        Ok(())
    }
}

/// Makes rows of changes, with what kind of change each was in the first column.
#[derive(Clone)]
pub struct ToChangelog {
    /// The column's value by kind; changes of other kinds are left out.
    pub mapping: Vec<(RowKind, String)>,
    /// The column, then the columns of the input.
    pub schema: SchemaRef,
}

impl ToChangelog {
    fn code(&self, kind: RowKind) -> Option<&str> {
        self.mapping.iter().find(|(k, _)| *k == kind).map(|(_, code)| code.as_str())
    }
}

impl Operator for ToChangelog {
    fn step(&mut self, _: &Tick, inputs: &mut Inputs, _: &mut State, out: &mut Output) -> Result<()> {
        for batch in inputs.iter().flatten() {
            let codes: StringArray = (0..batch.len()).map(|row| self.code(batch.kind(row))).collect();
            let told = codes.nulls().map(|nulls| BooleanArray::new(nulls.inner().clone(), None));
            let columns = std::iter::once(Arc::new(codes) as ArrayRef).chain(batch.rows.columns().iter().cloned()).collect();
            let all = Batch::inserts(RecordBatch::try_new(self.schema.clone(), columns)?);
            out.emit(match told {
                Some(told) => all.filter(&told)?,
                None => all,
            });
        }
        Ok(())
    }
}
