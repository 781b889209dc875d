//! Writes changes: a new row as an insertion, an old one as a deletion, as Flink's formats do, which tear updates in two.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use flott_engine::{Result, RowKind};

use super::Kind;
use crate::formats::json::{JsonEncoder, JsonOptions};
use crate::formats::{Encode, EncodeRows};
use crate::options::Options;

/// Encodes changes of rows of one schema.
pub struct ChangelogEncoder {
    rows: JsonEncoder,
    around: Around,
}

/// The text before and after a row, of an insertion and of a deletion.
#[derive(Clone, Copy)]
struct Around {
    insert: [&'static str; 2],
    delete: [&'static str; 2],
}

impl Around {
    fn of(kind: Kind, ignore_null_fields: bool) -> Self {
        let (insert, delete) = match (kind, ignore_null_fields) {
            (Kind::Debezium, false) => ([r#"{"before":null,"after":"#, r#","op":"c"}"#], [r#"{"before":"#, r#","after":null,"op":"d"}"#]),
            (Kind::Debezium, true) => ([r#"{"after":"#, r#","op":"c"}"#], [r#"{"before":"#, r#","op":"d"}"#]),
            (Kind::Ogg, false) => {
                ([r#"{"before":null,"after":"#, r#","op_type":"I"}"#], [r#"{"before":"#, r#","after":null,"op_type":"D"}"#])
            }
            (Kind::Ogg, true) => ([r#"{"after":"#, r#","op_type":"I"}"#], [r#"{"before":"#, r#","op_type":"D"}"#]),
            (Kind::Canal, _) => ([r#"{"data":["#, r#"],"type":"INSERT"}"#], [r#"{"data":["#, r#"],"type":"DELETE"}"#]),
            (Kind::Maxwell, _) => ([r#"{"data":"#, r#","type":"insert"}"#], [r#"{"data":"#, r#","type":"delete"}"#]),
        };
        Self { insert, delete }
    }
}

impl ChangelogEncoder {
    /// An encoder for rows of this schema. Fails for types that JSON does not carry, and where `schema-include` is set.
    pub fn new(kind: Kind, schema: SchemaRef, options: &Options<'_>, prefix: &str) -> Result<Self> {
        let wrapped = format!("{prefix}schema-include");
        if kind == Kind::Debezium && options.bool(&wrapped, false)? {
            return Err(options
                .error(&format!("'{wrapped}' = 'true' is for reading only"))
                .help("Leave it out where the table is written"));
        }
        let json = JsonOptions::new(options, prefix)?;
        let around = Around::of(kind, json.ignore_null_fields);
        Ok(Self { rows: JsonEncoder::new(schema, json)?, around })
    }
}

impl Encode for ChangelogEncoder {
    fn takes_changes(&self) -> bool {
        true
    }

    fn open(&self, batch: &RecordBatch) -> Result<Box<dyn EncodeRows>> {
        Ok(Box::new(ChangeRows { rows: self.rows.open(batch)?, around: self.around }))
    }
}

struct ChangeRows {
    rows: Box<dyn EncodeRows>,
    around: Around,
}

impl EncodeRows for ChangeRows {
    fn row(&mut self, row: usize, out: &mut Vec<u8>) -> Result<()> {
        self.change(row, RowKind::Insert, out)
    }

    fn change(&mut self, row: usize, kind: RowKind, out: &mut Vec<u8>) -> Result<()> {
        let [before, after] = if kind.adds() { self.around.insert } else { self.around.delete };
        out.extend_from_slice(before.as_bytes());
        self.rows.row(row, out)?;
        out.pop(); // the line break of the row
        out.extend_from_slice(after.as_bytes());
        out.push(b'\n');
        Ok(())
    }
}
