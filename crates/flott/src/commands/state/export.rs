//! State as JSON lines.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Field, Schema};
use arrow::json::WriterBuilder;
use arrow::json::writer::LineDelimited;
use flott_checkpoint::Saved;
use flott_engine::change::Part;
use flott_engine::checkpoint::TableState;
use flott_engine::{Error, Result};

use crate::terminal::figures::counted;

/// Writes a file for each operator and table; tells which.
pub fn write(saved: &Saved, tables: &[TableState], out: &Path) -> Result<String> {
    let failed = |e: std::io::Error| Error::config(format!("cannot write to {}: {e}", out.display()));
    fs::create_dir_all(out).map_err(failed)?;
    let mut files: BTreeMap<(usize, &str), Vec<&RecordBatch>> = BTreeMap::new();
    for table in tables {
        files.entry((table.node, &table.table)).or_default().push(&table.rows);
    }
    let mut told = String::new();
    for ((number, table), batches) in files {
        let part = saved.parts.get(number);
        let step = part.map_or("operator", |part| part.title.split('(').next().unwrap_or_default());
        let path = out.join(format!("{number:02}-{step}-{table}.jsonl"));
        let mut rows = 0;
        let mut writer = BufWriter::new(File::create(&path).map_err(failed)?);
        for batch in batches {
            rows += batch.num_rows() as u64;
            let mut json = WriterBuilder::new().with_explicit_nulls(true).build::<_, LineDelimited>(&mut writer);
            json.write(&readable(batch, table, part)?)?;
            json.finish()?;
        }
        writer.flush().map_err(failed)?;
        told.push_str(&format!("{}: {}\n", path.display(), counted(rows, "row")));
    }
    Ok(if told.is_empty() { "there is no state in any table\n".to_owned() } else { told })
}

/// The rows without the key group, under the names that the query has for their columns, as far as they are known.
fn readable(batch: &RecordBatch, table: &str, part: Option<&Part>) -> Result<RecordBatch> {
    let schema = batch.schema();
    let mut names: Vec<String> = vec![];
    let fields = schema.fields().iter().skip(1).map(|field| {
        let mut name = part.and_then(|part| readable_name(field.name(), table, part)).unwrap_or_else(|| field.name().clone());
        while names.contains(&name) {
            name.push('_');
        }
        names.push(name.clone());
        Field::new(name, field.data_type().clone(), true)
    });
    let fields: Vec<Field> = fields.collect();
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), batch.columns()[1..].to_vec())?)
}

/// `key0` and `row0` as the query calls them. Of two inputs, the table's name tells which one it is of.
fn readable_name(column: &str, table: &str, part: &Part) -> Option<String> {
    let at = |prefix: &str| column.strip_prefix(prefix)?.parse::<usize>().ok();
    let side = usize::from(table.contains("right") && part.columns.rows.len() > 1);
    match (at("key"), at("row")) {
        (Some(at), _) => part.columns.keys.get(at).cloned(),
        (_, Some(at)) => part.columns.rows.get(side)?.get(at).cloned(),
        _ => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use arrow::array::{Int64Array, UInt8Array};
    use flott_engine::change::{Columns, PartKind};

    #[test]
    fn columns_have_the_names_of_the_query() {
        let column = |values: &[i64]| Arc::new(Int64Array::from(values.to_vec())) as _;
        let rows = RecordBatch::try_from_iter([
            ("key_group", Arc::new(UInt8Array::from(vec![1])) as _),
            ("count", column(&[2])),
            ("row0", column(&[3])),
            ("row1", column(&[4])),
            ("row2", column(&[5])),
        ]);
        let columns = Columns { keys: vec![], rows: vec![vec!["a".into()], vec!["b".into(), "count".into()]] };
        let (identity, title, input) = (String::new(), "Join(…)".to_owned(), String::new());
        let part = Part { kind: PartKind::Operator, identity, title, sources: vec![], places: vec![], input, updating: false, columns };
        let named = readable(&rows.unwrap(), "right", Some(&part)).unwrap();
        let names: Vec<String> = named.schema().fields().iter().map(|f| f.name().clone()).collect();
        assert_eq!(names, ["count", "b", "count_", "row2"]);
    }
}
