//! Writes changes: a new row as an insertion, an old one as a deletion, as Flink's formats do, which tear updates in two.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, StringArray, StructArray, new_null_array};
use arrow::datatypes::{DataType, Fields, SchemaRef};
use flott_engine::{Error, Result, RowKind};

use super::Kind;
use crate::formats::avro::confluent::{ConfluentEncoder, ConfluentOptions};
use crate::formats::json::{JsonEncoder, JsonOptions};
use crate::formats::{Encode, EncodeRows};
use crate::options::Options;

/// Encodes changes of rows of one schema.
pub enum ChangelogEncoder {
    /// In JSON: what stands around each row.
    Json(JsonEncoder, Around),
    /// In Avro: the columns of the record around, and how it is written.
    Avro(SchemaRef, Box<ConfluentEncoder>),
}

/// The text before and after a row, of an insertion and of a deletion.
#[derive(Clone, Copy)]
pub struct Around {
    insert: [&'static str; 2],
    delete: [&'static str; 2],
}

impl Around {
    fn of(kind: Kind, ignore_null_fields: bool) -> Self {
        let (insert, delete) = match (kind, ignore_null_fields) {
            (Kind::Debezium | Kind::DebeziumAvro, false) => {
                ([r#"{"before":null,"after":"#, r#","op":"c"}"#], [r#"{"before":"#, r#","after":null,"op":"d"}"#])
            }
            (Kind::Debezium | Kind::DebeziumAvro, true) => ([r#"{"after":"#, r#","op":"c"}"#], [r#"{"before":"#, r#","op":"d"}"#]),
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
    /// An encoder for rows of this schema. Fails for types that JSON or Avro does not carry, and where `schema-include` is set.
    pub fn new(kind: Kind, schema: SchemaRef, options: &Options<'_>, prefix: &str) -> Result<Self> {
        if kind == Kind::DebeziumAvro {
            let around = kind.envelope(schema.fields(), false);
            let encoder = ConfluentEncoder::with_nullable(around.clone(), ConfluentOptions::new(options, prefix)?, true)?;
            return Ok(Self::Avro(around, Box::new(encoder)));
        }
        let wrapped = format!("{prefix}schema-include");
        if kind == Kind::Debezium && options.bool(&wrapped, false)? {
            return Err(options
                .error(&format!("'{wrapped}' = 'true' is for reading only"))
                .help("Leave it out where the table is written"));
        }
        let json = JsonOptions::new(options, prefix)?;
        let around = Around::of(kind, json.ignore_null_fields);
        Ok(Self::Json(JsonEncoder::new(schema, json)?, around))
    }
}

impl Encode for ChangelogEncoder {
    fn takes_changes(&self) -> bool {
        true
    }

    fn open(&self, batch: &RecordBatch) -> Result<Box<dyn EncodeRows>> {
        match self {
            Self::Json(rows, around) => Ok(Box::new(ChangeRows { rows: rows.open(batch)?, around: *around })),
            Self::Avro(around, encoder) => {
                let rows: ArrayRef = Arc::new(StructArray::try_new_with_length(
                    fields_of(around)?.clone(),
                    batch.columns().to_vec(),
                    None,
                    batch.num_rows(),
                )?);
                let none = new_null_array(rows.data_type(), batch.num_rows());
                let op = |word: &str| -> ArrayRef { Arc::new(StringArray::from(vec![word; batch.num_rows()])) };
                let insert = RecordBatch::try_new(around.clone(), vec![none.clone(), rows.clone(), op("c")])?;
                let delete = RecordBatch::try_new(around.clone(), vec![rows, none, op("d")])?;
                Ok(Box::new(AvroChanges { insert: encoder.open(&insert)?, delete: encoder.open(&delete)? }))
            }
        }
    }

    fn end_of_record(&self) -> &'static [u8] {
        match self {
            Self::Json(rows, _) => rows.end_of_record(),
            Self::Avro(_, encoder) => encoder.end_of_record(),
        }
    }
}

/// The fields of an image of a row.
fn fields_of(around: &SchemaRef) -> Result<&Fields> {
    match around.field(0).data_type() {
        DataType::Struct(fields) => Ok(fields),
        other => Err(Error::internal(format!("an image of type {other}"))),
    }
}

/// Rows as images after an insertion, and before a deletion.
struct AvroChanges {
    insert: Box<dyn EncodeRows>,
    delete: Box<dyn EncodeRows>,
}

impl EncodeRows for AvroChanges {
    fn row(&mut self, row: usize, out: &mut Vec<u8>) -> Result<()> {
        self.change(row, RowKind::Insert, out)
    }

    fn change(&mut self, row: usize, kind: RowKind, out: &mut Vec<u8>) -> Result<()> {
        if kind.adds() { self.insert.row(row, out) } else { self.delete.row(row, out) }
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
