//! Records that cannot be read as rows of their table, as rows of a table of their own: `t$bad`.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, Int32Array, Int64Array, RecordBatch, RecordBatchOptions, StringArray, TimestampMillisecondArray,
};
use arrow::datatypes::Schema;
use flott_engine::connector::TableSpec;
use flott_engine::source::bad_record_schema;
use flott_engine::{Error, Result};

use crate::formats::{BadRecord, Decode, Framing, Stop};

/// A record, where it is and what is wrong with it. See [`bad_record_schema`].
#[derive(Debug, Default)]
pub struct BadEntry {
    pub source: String,
    pub partition: Option<i32>,
    pub offset: i64,
    pub line: Option<i64>,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub column: Option<String>,
    pub reason: String,
    /// Milliseconds.
    pub time: Option<i64>,
}

/// Entries as rows, of the columns in these places of [`bad_record_schema`].
pub fn rows(entries: &[BadEntry], wanted: &[usize]) -> Result<RecordBatch> {
    let all: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from_iter_values(entries.iter().map(|e| &e.source))),
        Arc::new(Int32Array::from_iter(entries.iter().map(|e| e.partition))),
        Arc::new(Int64Array::from_iter_values(entries.iter().map(|e| e.offset))),
        Arc::new(Int64Array::from_iter(entries.iter().map(|e| e.line))),
        Arc::new(BinaryArray::from_iter(entries.iter().map(|e| e.key.as_deref()))),
        Arc::new(BinaryArray::from_iter(entries.iter().map(|e| e.value.as_deref()))),
        Arc::new(StringArray::from_iter(entries.iter().map(|e| e.column.as_deref()))),
        Arc::new(StringArray::from_iter_values(entries.iter().map(|e| &e.reason))),
        Arc::new(TimestampMillisecondArray::from_iter(entries.iter().map(|e| e.time)).with_timezone("UTC")),
    ];
    let schema = bad_record_schema();
    let fields: Vec<_> = wanted.iter().map(|i| schema.field(*i).clone()).collect();
    let columns = wanted.iter().map(|i| all[*i].clone()).collect();
    let options = RecordBatchOptions::new().with_row_count(Some(entries.len()));
    Ok(RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)?)
}

/// The table as it is read for its bad records: one that its options pass over is as bad as one that stops the job.
pub fn strict(table: &TableSpec) -> TableSpec {
    let mut table = table.clone();
    for (key, value) in &mut table.options {
        if key.ends_with(".ignore-parse-errors") {
            *value = "false".into();
        }
    }
    table
}

/// What is bad among whole records that lie end to end.
pub fn among(decode: &dyn Decode, records: &[u8]) -> Result<Vec<BadRecord>> {
    let (mut found, mut from) = (vec![], 0);
    while from < records.len() {
        let rest = &records[from..];
        match decode.decode(rest) {
            Ok(rows) if rows.bad_rows as usize == rows.bad.len() => {
                found.extend(rows.bad.into_iter().map(|bad| BadRecord { offset: from + bad.offset, ..bad }));
                break;
            }
            // More were taken in part than are kept: half by half.
            Ok(_) => match decode.framing().last_end(&rest[..rest.len() / 2]) {
                Some(half) => {
                    found.extend(among(decode, &rest[..half])?.into_iter().map(|bad| BadRecord { offset: from + bad.offset, ..bad }));
                    from += half;
                }
                None => return Err(Error::internal("a single record cannot be bad several times")),
            },
            Err(Stop::Other(error)) => return Err(error),
            Err(Stop::Record(bad)) => {
                let at = from + bad.offset;
                let text = (at + bad.length).min(records.len());
                let end = memchr::memchr(b'\n', &records[text..]).map_or(records.len(), |i| text + i + 1);
                found.push(BadRecord { offset: at, ..bad });
                // Behind a record that does not tell its end, nothing can be told.
                from = if decode.framing() == Framing::Blocks { records.len() } else { end.max(from + 1) };
            }
        }
    }
    Ok(found)
}
