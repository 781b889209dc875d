//! Where a format is named: a table has one for whole records, and a message may have one for its key and one for its value.

use std::sync::Arc;

use arrow::datatypes::{FieldRef, Schema, SchemaRef};
use flott_engine::{Error, Result};

use super::{Decode, Encode, NAMES, avro, changelog, csv, json, options, protobuf, raw};
use crate::options::Options;

/// The options by which a table names a format and sets it up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    /// `format`, with options such as `json.ignore-parse-errors`.
    Whole,
    /// `key.format`, with options such as `key.json.ignore-parse-errors`.
    Key,
    /// `value.format`, with options such as `value.json.ignore-parse-errors`.
    Value,
}

impl Slot {
    /// The option that names the format.
    pub fn option(self) -> &'static str {
        match self {
            Slot::Whole => "format",
            Slot::Key => "key.format",
            Slot::Value => "value.format",
        }
    }

    /// What stands before the format's own options.
    fn before(self) -> &'static str {
        match self {
            Slot::Whole => "",
            Slot::Key => "key.",
            Slot::Value => "value.",
        }
    }

    fn prefix(self, format: &str) -> String {
        format!("{}{format}.", self.before())
    }

    /// The name of the format.
    pub fn name<'a>(self, table: &Options<'a>) -> Result<&'a str> {
        let name = table.required(self.option(), "one of the formats, for example 'json'")?;
        if NAMES.contains(&name) {
            return Ok(name);
        }
        Err(table.unknown_value(self.option(), name, NAMES))
    }

    /// Which changes the format tells, if it tells any but new rows.
    pub fn changes(self, table: &Options<'_>) -> Option<changelog::Kind> {
        table.get(self.option()).and_then(changelog::Kind::of)
    }

    /// The keys of the format's options, so that connectors do not take them for typing errors.
    pub fn option_keys(self, format: &str) -> Vec<String> {
        options(format).iter().map(|option| format!("{}{}", self.prefix(format), option.key)).collect()
    }

    /// Checks the values of the format's options.
    pub fn check(self, table: &Options<'_>) -> Result<()> {
        let name = self.name(table)?;
        let prefix = self.prefix(name);
        match name {
            "avro" => avro::AvroOptions::new(table, &prefix).map(drop),
            "avro-confluent" => avro::confluent::ConfluentOptions::new(table, &prefix).map(drop),
            "protobuf" => protobuf::ProtobufOptions::new(table, &prefix).map(drop),
            "csv" => csv::CsvOptions::new(table, &prefix).map(drop),
            "raw" => raw::RawOptions::new(table, &prefix).map(drop),
            _ if let Some(kind) = changelog::Kind::of(name) => changelog::check(kind, table, &prefix),
            _ => json::JsonOptions::new(table, &prefix).map(drop),
        }
    }

    /// A decoder. `stored`: the columns that a record holds, in order. `needed`: those to decode, by their place among `stored`.
    pub fn decoder(self, table: &Options<'_>, stored: &[FieldRef], needed: &[usize]) -> Result<Arc<dyn Decode>> {
        let name = self.name(table)?;
        let prefix = self.prefix(name);
        let schema = Arc::new(Schema::new(needed.iter().map(|i| stored[*i].clone()).collect::<Vec<_>>()));
        let whole = Arc::new(Schema::new(stored.to_vec()));
        match name {
            "avro" => Ok(Arc::new(avro::AvroDecoder::new(&whole, schema, avro::AvroOptions::new(table, &prefix)?)?)),
            "avro-confluent" => {
                let options = avro::confluent::ConfluentOptions::new(table, &prefix)?;
                Ok(Arc::new(avro::confluent::ConfluentDecoder::new(&whole, schema, options)?))
            }
            "protobuf" => {
                let options = protobuf::ProtobufOptions::new(table, &prefix)?;
                Ok(Arc::new(protobuf::ProtobufDecoder::new(&whole, schema, options)?))
            }
            "csv" => {
                let options = csv::CsvOptions::new(table, &prefix)?;
                Ok(Arc::new(csv::CsvDecoder::new(schema, needed.to_vec(), stored.len(), options)?))
            }
            "raw" => Ok(Arc::new(raw::RawDecoder::new(&whole, schema, raw::RawOptions::new(table, &prefix)?)?)),
            _ if let Some(kind) = changelog::Kind::of(name) => {
                Ok(Arc::new(changelog::ChangelogDecoder::new(kind, &whole, schema, table, &prefix)?))
            }
            "json" => Ok(Arc::new(json::JsonDecoder::new(schema, json::JsonOptions::new(table, &prefix)?)?)),
            other => Err(Error::internal(format!("Format {other} has no decoder"))),
        }
    }

    /// An encoder for rows of this schema.
    pub fn encoder(self, table: &Options<'_>, schema: SchemaRef) -> Result<Arc<dyn Encode>> {
        let name = self.name(table)?;
        let prefix = self.prefix(name);
        match name {
            "avro" => Ok(Arc::new(avro::AvroEncoder::new(schema, avro::AvroOptions::new(table, &prefix)?)?)),
            "avro-confluent" => {
                let options = avro::confluent::ConfluentOptions::new(table, &prefix)?;
                Ok(Arc::new(avro::confluent::ConfluentEncoder::new(schema, options)?))
            }
            "protobuf" => Ok(Arc::new(protobuf::ProtobufEncoder::new(schema, protobuf::ProtobufOptions::new(table, &prefix)?)?)),
            "csv" => Ok(Arc::new(csv::CsvEncoder::new(schema, csv::CsvOptions::new(table, &prefix)?)?)),
            "raw" => Ok(Arc::new(raw::RawEncoder::new(schema, raw::RawOptions::new(table, &prefix)?)?)),
            _ if let Some(kind) = changelog::Kind::of(name) => {
                Ok(Arc::new(changelog::ChangelogEncoder::new(kind, schema, table, &prefix)?))
            }
            "json" => Ok(Arc::new(json::JsonEncoder::new(schema, json::JsonOptions::new(table, &prefix)?)?)),
            other => Err(Error::internal(format!("Format {other} has no encoder"))),
        }
    }
}
