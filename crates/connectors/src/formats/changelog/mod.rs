//! Formats of records that say how a row of a database's table changed: `debezium-json`, `canal-json`, `maxwell-json`, `ogg-json`, and
//! `debezium-avro-confluent`.
//!
//! A record is an object around one or two images of a row. The images are read as nested columns by the format `json` or
//! `avro-confluent`, with its conversions; this module makes changes of them. What is wrong with a record is what Flink says of it: no image where there must be
//! one, an unknown kind. With `<format>.ignore-parse-errors` such records are skipped and counted.

mod decode;
mod encode;
#[cfg(test)]
mod tests;

use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef};
use flott_engine::connector::OptionInfo;
use std::sync::Arc;

use super::avro::confluent;
use super::option;

pub use decode::{ChangelogDecoder, check};
pub use encode::ChangelogEncoder;

/// Which format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `{"before":{…},"after":{…},"op":"u"}`
    Debezium,
    /// The same as a record of Avro.
    DebeziumAvro,
    /// `{"data":[{…}],"old":[{…}],"type":"UPDATE"}`; `old` has the columns that changed.
    Canal,
    /// `{"data":{…},"old":{…},"type":"update"}`; `old` has the columns that changed.
    Maxwell,
    /// `{"before":{…},"after":{…},"op_type":"U"}`
    Ogg,
}

/// Options that all formats in JSON have.
const JSON: [OptionInfo; 6] = [
    option("ignore-parse-errors", Some("false"), "Goes on after a record that is wrong, and counts it."),
    option("timestamp-format.standard", Some("SQL"), "How times are written: SQL, ISO-8601 or ISO-8601-WITH-OFFSET; as for json."),
    option("map-null-key.mode", Some("FAIL"), "What a NULL as key of a MAP does: FAIL, DROP or LITERAL; as for json."),
    option("map-null-key.literal", Some("null"), "Stands for a NULL key in the mode LITERAL."),
    option("encode.decimal-as-plain-number", Some("false"), "Writes a DECIMAL as 0.00000027, not as 2.7E-7."),
    option("encode.ignore-null-fields", Some("false"), "Leaves fields out that are NULL."),
];
const DEBEZIUM: [OptionInfo; 7] =
    joined([option("schema-include", Some("false"), "The record lies in a member 'payload', beside its schema; for reading only.")]);
const CANAL: [OptionInfo; 8] = joined([
    option("database.include", None, "Reads only records of databases whose whole name matches this pattern."),
    option("table.include", None, "Reads only records of tables whose whole name matches this pattern."),
]);

/// A format's own options and then those that all have.
const fn joined<const OWN: usize, const ALL: usize>(own: [OptionInfo; OWN]) -> [OptionInfo; ALL] {
    let mut all = [JSON[0]; ALL];
    let mut i = 0;
    while i < ALL {
        all[i] = if i < OWN { own[i] } else { JSON[i - OWN] };
        i += 1;
    }
    all
}

impl Kind {
    /// The format of that name.
    pub fn of(name: &str) -> Option<Self> {
        [Kind::Debezium, Kind::DebeziumAvro, Kind::Canal, Kind::Maxwell, Kind::Ogg].into_iter().find(|kind| kind.name() == name)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Debezium => "debezium-json",
            Kind::DebeziumAvro => "debezium-avro-confluent",
            Kind::Canal => "canal-json",
            Kind::Maxwell => "maxwell-json",
            Kind::Ogg => "ogg-json",
        }
    }

    /// Its options, without its name before their keys.
    pub fn options(self) -> &'static [OptionInfo] {
        match self {
            Kind::Debezium => &DEBEZIUM,
            Kind::DebeziumAvro => confluent::OPTIONS,
            Kind::Canal => &CANAL,
            Kind::Maxwell | Kind::Ogg => &JSON,
        }
    }

    /// Names of the members: the image before, the image after, the kind of change.
    fn members(self) -> [&'static str; 3] {
        match self {
            Kind::Debezium | Kind::DebeziumAvro => ["before", "after", "op"],
            Kind::Canal | Kind::Maxwell => ["old", "data", "type"],
            Kind::Ogg => ["before", "after", "op_type"],
        }
    }

    /// What a record says of its kind of change.
    fn change(self, word: &str) -> Option<Change> {
        let words = match self {
            Kind::Debezium | Kind::DebeziumAvro if word == "r" => return Some(Change::Insert),
            Kind::Debezium | Kind::DebeziumAvro => ["c", "u", "d", ""],
            Kind::Canal => ["INSERT", "UPDATE", "DELETE", "CREATE"],
            Kind::Maxwell => ["insert", "update", "delete", ""],
            Kind::Ogg => ["I", "U", "D", "T"],
        };
        let changes = [Change::Insert, Change::Update, Change::Delete, Change::Nothing];
        words.iter().zip(changes).find(|(w, _)| **w == word && !w.is_empty()).map(|(_, change)| change)
    }

    /// Whether the image before has only columns that changed.
    fn partial_before(self) -> bool {
        matches!(self, Kind::Canal | Kind::Maxwell)
    }

    /// The columns of a record around images of `row`.
    fn envelope(self, row: &Fields, wrapped: bool) -> SchemaRef {
        let image = DataType::Struct(row.clone());
        let image = match self {
            Kind::Canal => DataType::List(Arc::new(Field::new("element", image, true))),
            _ => image,
        };
        let [before, after, op] = self.members();
        let members = [Field::new(before, image.clone(), true), Field::new(after, image, true), Field::new(op, DataType::Utf8, true)];
        let members = Fields::from(members.to_vec());
        Arc::new(match wrapped {
            true => Schema::new(vec![Field::new("payload", DataType::Struct(members), true)]),
            false => Schema::new(members),
        })
    }
}

/// What happened to a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Insert,
    Update,
    Delete,
    /// Nothing that concerns rows, such as a table that was created.
    Nothing,
}
