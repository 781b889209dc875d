//! The `print` connector: shows every change as Flink does, for example `+I[1, abc, null]`.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, Mutex};

use flott_engine::connector::{Connector, ConnectorInfo, Environment, OptionInfo, SinkMode, TableSpec};
use flott_engine::sink::{Encoder, Payload, Sink};
use flott_engine::source::Source;
use flott_engine::text::print_text;
use flott_engine::{Batch, Error, Result};

use crate::options::Options;

/// The connector.
pub struct Print;

const OPTIONS: &[OptionInfo] = &[
    OptionInfo { key: "print-identifier", required: false, default: None, description: "Text before each row, with '> ' after it." },
    OptionInfo {
        key: "standard-error",
        required: false,
        default: Some("false"),
        description: "Writes to standard error instead of standard output.",
    },
];

impl Connector for Print {
    fn info(&self) -> ConnectorInfo {
        ConnectorInfo {
            name: "print",
            description: "Writes every change to standard output.",
            source: false,
            bounded: |_: &BTreeMap<String, String>| true,
            sink: Some(SinkMode::All),
            options: OPTIONS,
            metadata: &[],
            format: false,
        }
    }

    fn check(&self, table: &TableSpec) -> Result<()> {
        let options = Options::new(table);
        options.check_known(OPTIONS.iter().map(|o| o.key))?;
        options.bool("standard-error", false).map(drop)
    }

    fn source(&self, table: &TableSpec, _env: &Environment) -> Result<Box<dyn Source>> {
        Err(Error::config(format!("Table {}: the connector 'print' cannot be read", table.name)))
    }

    fn sink(&self, table: &TableSpec, env: &Environment) -> Result<Box<dyn Sink>> {
        self.check(table)?;
        let options = Options::new(table);
        let prefix = options.get("print-identifier").map(|id| format!("{id}> ")).unwrap_or_default();
        let out: Arc<Mutex<dyn Write + Send>> =
            if options.bool("standard-error", false)? { Arc::new(Mutex::new(std::io::stderr())) } else { env.stdout.clone() };
        Ok(Box::new(PrintSink { prefix, out }))
    }
}

struct PrintSink {
    prefix: String,
    out: Arc<Mutex<dyn Write + Send>>,
}

struct PrintEncoder {
    prefix: String,
}

impl Encoder for PrintEncoder {
    fn encode(&mut self, batch: &Batch, out: &mut Vec<Payload>) -> Result<()> {
        if batch.is_empty() {
            return Ok(());
        }
        let mut bytes = Vec::with_capacity(batch.len() * 64);
        let schema = batch.rows.schema();
        for row in 0..batch.len() {
            bytes.extend_from_slice(self.prefix.as_bytes());
            bytes.extend_from_slice(batch.kind(row).symbol().as_bytes());
            bytes.push(b'[');
            for (i, (column, field)) in batch.rows.columns().iter().zip(schema.fields()).enumerate() {
                if i > 0 {
                    bytes.extend_from_slice(b", ");
                }
                print_text(column.as_ref(), row, field, &mut bytes);
            }
            bytes.extend_from_slice(b"]\n");
        }
        out.push(Payload::Bytes { partition: String::new(), rows: batch.len() as u64, bytes });
        Ok(())
    }
}

impl Sink for PrintSink {
    fn encoder(&self) -> Result<Box<dyn Encoder>> {
        Ok(Box::new(PrintEncoder { prefix: self.prefix.clone() }))
    }

    fn open(&mut self, _progress: Option<&str>) -> Result<()> {
        Ok(())
    }

    fn write(&mut self, payloads: Vec<Payload>) -> Result<()> {
        // A writer that panicked elsewhere leaves at worst half a line behind; printing goes on.
        let mut out = self.out.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        for payload in payloads {
            if let Payload::Bytes { bytes, .. } = payload {
                out.write_all(&bytes)?;
            }
        }
        out.flush()?;
        Ok(())
    }

    fn prepare(&mut self) -> Result<String> {
        Ok(String::new())
    }

    fn commit(&mut self, _progress: &str) -> Result<()> {
        Ok(())
    }

    fn finish(&mut self) -> Result<()> {
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use arrow::array::{Int32Array, RecordBatch, StringArray};
    use arrow::datatypes::{DataType, Field, Schema};
    use flott_engine::RowKind;

    #[test]
    fn prints_changes() {
        let schema = Arc::new(Schema::new(vec![Field::new("a", DataType::Int32, true), Field::new("b", DataType::Utf8, true)]));
        let rows = RecordBatch::try_new(
            schema.clone(),
            vec![Arc::new(Int32Array::from(vec![Some(1), None])), Arc::new(StringArray::from(vec!["x", "y"]))],
        )
        .unwrap();
        let out = Arc::new(Mutex::new(Vec::<u8>::new()));
        let env = Environment { workers: 1, checkpointing: false, owner: None, stop: Arc::default(), sink_number: 0, stdout: out.clone() };
        let table = TableSpec {
            name: "t".into(),
            schema,
            columns: vec![],
            options: [("connector".into(), "print".into()), ("print-identifier".into(), "id".into())].into(),
            partition_keys: vec![],
            primary_key: vec![],
        };
        let mut sink = Print.sink(&table, &env).unwrap();
        let mut payloads = vec![];
        let batch = Batch::changes(rows, vec![RowKind::Insert, RowKind::UpdateBefore]);
        sink.encoder().unwrap().encode(&batch, &mut payloads).unwrap();
        sink.write(payloads).unwrap();
        assert_eq!(String::from_utf8(out.lock().unwrap().clone()).unwrap(), "id> +I[1, x]\nid> -U[null, y]\n");
    }
}
