//! The format `protobuf`: a message of a queue is a message of protobuf.
//!
//! Flink takes the message's schema from a Java class; here it comes from a `.proto` file, or a set of descriptors, which the option
//! `protobuf.schema` names. `protobuf.message-class-name` stays as it is for Flink and tells which message of the file is meant.
//!
//! Types are Flink's: numbers without a sign keep their bits in `INT` and `BIGINT`, an enum is a `STRING` or a number. A field that is not
//! there is NULL; of proto3 single fields that are no messages have their default instead, and with `protobuf.read-default-values`
//! all fields do. Fields that no column needs are passed over. Any input gives rows or an error: lengths are checked against what is
//! there, and depth is limited.

mod plan;
mod read;
mod schema;
#[cfg(test)]
mod tests;
mod wire;
mod write;

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use flott_engine::connector::OptionInfo;
use flott_engine::{Error, Result};

use plan::Message;
use read::Reader;

use super::batch::{BatchBuilder, LastBatch};
use super::cells::Cells;
use super::columns::{Column, Room};
use super::{BadRecord, Decode, DecodeRecords, Encode, EncodeRows, Framing, Rows, Stop, bare, binary_record, option, required};
use crate::options::Options;

/// Options of the format, without its prefix.
pub const OPTIONS: &[OptionInfo] = &[
    required("message-class-name", "The message: the name of its Java class, or its own name."),
    required("schema", "The .proto file with the message, or a file of descriptors (protoc --descriptor_set_out); Flott's own option."),
    option("ignore-parse-errors", Some("false"), "Leaves out messages that are broken, and counts them."),
    option("read-default-values", Some("false"), "Gives fields that are not there their default, not NULL."),
    option("write-null-string-literal", Some(""), "Stands for a NULL among the strings of an ARRAY or MAP."),
];

/// How to read and write.
#[derive(Debug, Clone)]
pub struct ProtobufOptions {
    /// Name of the message or its class.
    pub message: String,
    /// The file with its schema.
    pub schema: String,
    /// Broken messages are left out.
    pub ignore_parse_errors: bool,
    /// Fields that are not there have their default.
    pub read_defaults: bool,
    /// Stands for NULL among strings.
    pub null_text: String,
    prefix: String,
}

impl ProtobufOptions {
    /// Reads the options of a table; `prefix` is `protobuf.` or, for the key of a message, `key.protobuf.`. The file is not opened.
    pub fn new(options: &Options<'_>, prefix: &str) -> Result<Self> {
        let key = |name: &str| format!("{prefix}{name}");
        let message = options.required(&key("message-class-name"), "the message's class, for example 'com.example.Order'")?;
        let schema = options.required(&key("schema"), "the file with the message's schema, for example 'order.proto'")?;
        Ok(Self {
            message: message.to_owned(),
            schema: schema.to_owned(),
            ignore_parse_errors: options.bool(&key("ignore-parse-errors"), false)?,
            read_defaults: options.bool(&key("read-default-values"), false)?,
            null_text: options.get(&key("write-null-string-literal")).unwrap_or("").to_owned(),
            prefix: prefix.to_owned(),
        })
    }

    /// The plan for rows with these columns.
    fn plan(&self, columns: &SchemaRef) -> Result<Message> {
        let pool = schema::load(&self.schema)?;
        let message = schema::find(&pool, &self.message, &self.schema)?;
        plan::plan(&message, columns.fields(), self.read_defaults).map_err(|reason| {
            Error::config(format!("The table does not fit '{}message-class-name' = '{}': {reason}", self.prefix, self.message))
        })
    }
}

/// Decodes messages into rows of one schema.
pub struct ProtobufDecoder {
    columns: SchemaRef,
    plan: Message,
    skip_bad: bool,
    last: LastBatch,
}

impl ProtobufDecoder {
    /// A decoder that fills the columns `needed`, of tables with the columns `stored`. Fails for columns that the message does not have.
    pub fn new(stored: &SchemaRef, needed: SchemaRef, options: ProtobufOptions) -> Result<Self> {
        for field in needed.fields() {
            Column::new(field, &Room::default())?;
        }
        options.plan(stored)?;
        Ok(Self { plan: options.plan(&needed)?, columns: needed, skip_bad: options.ignore_parse_errors, last: LastBatch::default() })
    }
}

impl Decode for ProtobufDecoder {
    fn framing(&self) -> Framing {
        Framing::Messages
    }

    fn skips_bad_records(&self) -> bool {
        self.skip_bad
    }

    fn open(&self, bytes: usize) -> Result<Box<dyn DecodeRecords + '_>> {
        let batch = BatchBuilder::new(&self.columns, &self.last, self.skip_bad, bytes)?;
        Ok(Box::new(Messages { decoder: self, batch, reader: Reader::default() }))
    }
}

/// A batch in the making.
struct Messages<'a> {
    decoder: &'a ProtobufDecoder,
    batch: BatchBuilder<'a>,
    reader: Reader,
}

impl Messages<'_> {
    fn one(&mut self, message: &[u8]) -> Result<(), Stop> {
        match self.reader.message(message, &self.decoder.plan, &mut self.batch.columns) {
            Ok(()) => {
                self.batch.end_row(0);
                Ok(())
            }
            Err(failure) => {
                let column = failure.column(self.decoder.columns.fields());
                self.batch.refuse(BadRecord {
                    offset: self.batch.fed,
                    length: 0,
                    text: binary_record(message),
                    column,
                    reason: failure.reason,
                })
            }
        }
    }
}

impl DecodeRecords for Messages<'_> {
    fn feed(&mut self, message: &[u8]) -> Result<(), Stop> {
        self.one(message)?;
        self.batch.fed += message.len();
        Ok(())
    }

    fn feed_message(&mut self, message: &[u8]) -> Result<(), Stop> {
        self.one(bare(message))?;
        self.batch.fed += message.len();
        Ok(())
    }

    fn rows(&self) -> usize {
        self.batch.rows
    }

    fn finish(self: Box<Self>) -> Result<Rows> {
        self.batch.finish()
    }
}

/// Reads a message `Any` of a `.proto` text into columns of all of its fields, for tests with any bytes: counts
/// rows, or says why there are none.
pub fn decode_any(proto: &str, message: &[u8]) -> std::result::Result<usize, String> {
    let descriptor = schema::parse(proto, "Any")?;
    let columns = plan::columns_of(&descriptor, 3);
    let plan = plan::plan(&descriptor, columns.fields(), false)?;
    let decoder = ProtobufDecoder { columns, plan, skip_bad: false, last: LastBatch::default() };
    let mut records = decoder.open(message.len()).map_err(|e| e.to_string())?;
    records.feed(message).map_err(|stop| format!("{stop:?}"))?;
    records.finish().map(|rows| rows.batch.num_rows()).map_err(|e| e.to_string())
}

/// Encodes rows of one schema as messages.
pub struct ProtobufEncoder {
    columns: SchemaRef,
    plan: Arc<Message>,
    null_text: Arc<str>,
}

impl ProtobufEncoder {
    /// An encoder for rows of this schema. Fails for columns that the message does not have, and for fields that it needs and no
    /// column has.
    pub fn new(columns: SchemaRef, options: ProtobufOptions) -> Result<Self> {
        let plan = options.plan(&columns)?;
        if let Some((_, name)) = plan.required.iter().find(|(number, _)| plan.place(*number).is_none()) {
            return Err(Error::config(format!("No column is called '{name}', a field that '{}' must have", options.message)));
        }
        Ok(Self { columns, plan: Arc::new(plan), null_text: options.null_text.into() })
    }
}

impl Encode for ProtobufEncoder {
    fn open(&self, batch: &RecordBatch) -> Result<Box<dyn EncodeRows>> {
        let columns = self.columns.fields().iter().zip(batch.columns());
        let columns = columns.map(|(field, column)| Ok((field.name().clone(), Cells::new(column, field)?))).collect::<Result<_>>()?;
        Ok(Box::new(MessageRows { columns, plan: self.plan.clone(), null_text: self.null_text.clone() }))
    }

    fn end_of_record(&self) -> &'static [u8] {
        b""
    }
}

struct MessageRows {
    columns: Vec<(String, Cells)>,
    plan: Arc<Message>,
    null_text: Arc<str>,
}

impl EncodeRows for MessageRows {
    fn row(&mut self, row: usize, out: &mut Vec<u8>) -> Result<()> {
        write::message(&self.plan, &self.columns, row, &self.null_text, out)
    }
}
