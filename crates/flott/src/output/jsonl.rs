//! Results as JSON lines, by the encoder of the `json` format: what a table with that format would hold.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use flott_connectors::formats;
use flott_engine::Result;
use flott_engine::connector::{ColumnRef, TableSpec};

use super::kind_column;
use super::lines::EncodeLines;

/// Encodes rows; those of an updating result begin with their kind.
pub fn encoders(schema: SchemaRef, updating: bool) -> Result<EncodeLines> {
    let table = TableSpec {
        name: "result".to_owned(),
        schema: schema.clone(),
        columns: (0..schema.fields().len()).map(ColumnRef::Physical).collect(),
        options: BTreeMap::from([("format".to_owned(), "json".to_owned())]),
        partition_keys: vec![],
        primary_key: vec![],
    };
    let encoder = formats::encoder(&table, schema.clone())?;
    let kind = updating.then(|| format!("\"{}\":\"", kind_column(&schema)));
    Ok(Arc::new(move |batch, out| {
        let mut rows = encoder.open(&batch.rows)?;
        for row in 0..batch.len() {
            let start = out.len();
            rows.row(row, out)?;
            if let Some(kind) = &kind {
                insert_kind(out, start, kind, batch.kind(row).symbol());
            }
            if out.last() != Some(&b'\n') {
                out.push(b'\n');
            }
        }
        Ok(())
    }))
}

/// Puts the row kind in front of the members of the object that begins at `start`.
fn insert_kind(out: &mut Vec<u8>, start: usize, kind: &str, symbol: &str) {
    let empty = out.get(start + 1) == Some(&b'}');
    let member = format!("{kind}{symbol}\"{}", if empty { "" } else { "," });
    out.splice(start + 1..start + 1, member.into_bytes());
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use arrow::array::{Int32Array, RecordBatch, StringArray};
    use flott_engine::{Batch, RowKind};

    #[test]
    fn an_object_a_line() {
        let rows = RecordBatch::try_from_iter([
            ("a", Arc::new(Int32Array::from(vec![Some(1), None])) as _),
            ("b", Arc::new(StringArray::from(vec!["x\"", "y"])) as _),
        ])
        .unwrap();
        let batch = Batch::changes(rows, vec![RowKind::Insert, RowKind::Delete]);
        for (updating, wanted) in [
            (false, "{\"a\":1,\"b\":\"x\\\"\"}\n{\"a\":null,\"b\":\"y\"}\n"),
            (true, "{\"op\":\"+I\",\"a\":1,\"b\":\"x\\\"\"}\n{\"op\":\"-D\",\"a\":null,\"b\":\"y\"}\n"),
        ] {
            let mut out = vec![];
            encoders(batch.rows.schema(), updating).unwrap()(&batch, &mut out).unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), wanted);
        }
    }
}
