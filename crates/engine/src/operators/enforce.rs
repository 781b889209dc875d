//! NOT NULL of a table that is written: a NULL ends the job, or its row is left out.

use arrow::array::{Array, BooleanArray};

use crate::operator::{DropReason, Inputs, LateRows, Operator, Output, Tick};
use crate::state::State;
use crate::{Batch, Error, Result};

/// Lets rows through that have a value in each of some columns.
#[derive(Clone)]
pub struct EnforceNotNull {
    /// The columns and their names.
    pub columns: Vec<(usize, String)>,
    /// The table, for the error; none for rows that are shown.
    pub table: Option<String>,
    /// Rows with a NULL are left out; without it they are an error.
    pub drop: bool,
}

impl EnforceNotNull {
    fn error(&self, column: &str) -> Error {
        const DROP: &str = "leave them out with SET 'table.exec.sink.not-null-enforcer' = 'DROP'";
        match &self.table {
            Some(table) => Error::data(format!("column '{column}' of table '{table}' is NOT NULL, but the query gave NULL for it"))
                .help(format!("filter such rows, write COALESCE, or {DROP}")),
            None => Error::data(format!("column '{column}' is NOT NULL by its type, but a number in it has too many digits for that type"))
                .help(format!("CAST to a DECIMAL with more digits, filter such rows, or {DROP}")),
        }
    }

    fn enforce(&self, batch: &Batch, dropped: &mut LateRows) -> Result<Batch> {
        let mut batch = batch.clone();
        for (column, name) in &self.columns {
            let Some(nulls) = batch.column(*column).nulls().filter(|n| n.null_count() > 0) else { continue };
            if !self.drop {
                return Err(self.error(name));
            }
            for row in (0..nulls.len()).filter(|row| nulls.is_null(*row)) {
                dropped.add(&batch, row, i64::MIN);
            }
            batch = batch.filter(&BooleanArray::new(nulls.inner().clone(), None))?;
        }
        Ok(batch)
    }
}

impl Operator for EnforceNotNull {
    fn step(&mut self, _: &Tick, inputs: &mut Inputs, _: &mut State, out: &mut Output) -> Result<()> {
        if self.drop {
            // Said in every tick, so that it is known after a restart before another row is dropped.
            out.late.reason = DropReason::Null;
        }
        for batch in inputs.iter().flatten() {
            let kept = self.enforce(batch, &mut out.late)?;
            out.emit(kept);
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use arrow::array::{ArrayRef, AsArray, Int32Array, RecordBatch};
    use arrow::datatypes::Int32Type;
    use std::sync::Arc;

    #[test]
    fn rows_with_null_are_dropped_or_an_error() {
        let column = |values: Vec<Option<i32>>| -> ArrayRef { Arc::new(Int32Array::from(values)) };
        let a = column(vec![Some(1), None, Some(3), Some(4)]);
        let b = column(vec![Some(1), Some(2), None, Some(4)]);
        let batch = Batch::inserts(RecordBatch::try_from_iter([("a", a), ("b", b)]).unwrap());
        let enforce = |drop, columns: &[usize]| {
            let columns = columns.iter().map(|c| (*c, format!("c{c}"))).collect();
            let mut dropped = LateRows::default();
            let kept = EnforceNotNull { columns, table: Some("t".into()), drop }.enforce(&batch, &mut dropped)?;
            assert_eq!(dropped.count as usize, batch.len() - kept.len());
            Ok::<_, Error>(kept)
        };
        let numbers = |batch: Batch| batch.column(0).as_primitive::<Int32Type>().iter().collect::<Vec<_>>();
        assert_eq!(numbers(enforce(true, &[0, 1]).unwrap()), [Some(1), Some(4)]);
        assert_eq!(numbers(enforce(true, &[1]).unwrap()), [Some(1), None, Some(4)]);
        let error = enforce(false, &[1]).unwrap_err().to_string();
        assert!(error.contains("column 'c1' of table 't' is NOT NULL"), "{error}");
    }
}
