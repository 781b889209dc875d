//! Results as CSV (RFC 4180): values as [`show_text`](flott_engine::text::show_text) gives them, NULL as nothing.

use std::sync::Arc;

use arrow::array::Array;
use arrow::datatypes::SchemaRef;
use flott_engine::time::LocalTime;

use super::lines::EncodeLines;
use super::{cell, kind_column};

/// The names of the columns.
pub fn header(schema: &SchemaRef, updating: bool) -> String {
    let kind = updating.then(|| kind_column(schema));
    line(kind.into_iter().chain(schema.fields().iter().map(|f| f.name().as_str())))
}

/// A line of these values.
pub fn line<'a>(values: impl Iterator<Item = &'a str>) -> String {
    let mut bytes = vec![];
    for (i, value) in values.enumerate() {
        if i > 0 {
            bytes.push(b',');
        }
        push(value.as_bytes(), &mut bytes);
    }
    bytes.push(b'\n');
    String::from_utf8_lossy(&bytes).into_owned()
}

/// An empty text is quoted, which tells it from NULL.
fn push(value: &[u8], out: &mut Vec<u8>) {
    let special = |b: &u8| matches!(b, b',' | b'"' | b'\n' | b'\r');
    if !value.is_empty() && !value.iter().any(special) {
        return out.extend_from_slice(value);
    }
    out.push(b'"');
    for byte in value {
        if *byte == b'"' {
            out.push(b'"');
        }
        out.push(*byte);
    }
    out.push(b'"');
}

/// Encodes rows; those of an updating result begin with their kind.
pub fn encoders(updating: bool, zone: Arc<dyn LocalTime>) -> EncodeLines {
    Arc::new(move |batch, out| {
        for row in 0..batch.len() {
            if updating {
                out.extend_from_slice(batch.kind(row).symbol().as_bytes());
            }
            for (i, column) in batch.rows.columns().iter().enumerate() {
                if i > 0 || updating {
                    out.push(b',');
                }
                if !column.is_null(row) {
                    push(&cell(batch, i, row, zone.as_ref()), out);
                }
            }
            out.push(b'\n');
        }
        Ok(())
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use arrow::array::{Int32Array, RecordBatch, StringArray};
    use flott_engine::{Batch, RowKind};

    #[test]
    fn values_are_quoted_where_need_be() {
        let rows = RecordBatch::try_from_iter([
            ("a", Arc::new(StringArray::from(vec![Some("x,\"y\""), Some(""), None])) as _),
            ("op", Arc::new(Int32Array::from(vec![1, 2, 3])) as _),
        ])
        .unwrap();
        let schema = rows.schema();
        let batch = Batch::changes(rows, vec![RowKind::Insert, RowKind::UpdateAfter, RowKind::Delete]);
        let mut out = vec![];
        encoders(true, Arc::new(flott_engine::time::Utc))(&batch, &mut out).unwrap();
        let text = header(&schema, true) + &String::from_utf8(out).unwrap();
        assert_eq!(text, "row_kind,a,op\n+I,\"x,\"\"y\"\"\",1\n+U,\"\",2\n-D,,3\n");
        assert_eq!(header(&schema, false), "a,op\n");
    }
}
