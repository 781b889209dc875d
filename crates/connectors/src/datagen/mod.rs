//! Connector `datagen`: rows of random values and of sequences, for trying out and measuring queries.
//!
//! A value depends only on the run's seed, the path of its field and the number of its row, so ranges of rows are made by all
//! workers at once, and a job that restarts goes on with the seed that its position holds and sees the same rows again.

mod columns;
mod fields;
mod kinds;
pub(crate) mod pace;
pub(crate) mod parse;
pub(crate) mod random;
mod source;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use flott_engine::connector::{ColumnRef, Connector, ConnectorInfo, Environment, OptionInfo, TableSpec};
use flott_engine::sink::Sink;
use flott_engine::source::Source;
use flott_engine::{Error, Result};

use fields::Plan;

/// The connector.
#[derive(Debug, Default)]
pub struct Datagen;

const fn option(key: &'static str, default: Option<&'static str>, description: &'static str) -> OptionInfo {
    OptionInfo { key, required: false, default, description }
}

const OPTIONS: &[OptionInfo] = &[
    option("rows-per-second", Some("10000"), "How many rows come per second, over all workers."),
    option("number-of-rows", None, "How many rows there are; without it, and without a sequence, there is no end."),
    option("scan.parallelism", None, "Accepted; rows are made by all workers."),
    option("fields.#.kind", Some("random"), "random or sequence."),
    option("fields.#.min", Some("(minimum value of type)"), "Least random value of numbers and intervals."),
    option("fields.#.max", Some("(maximum value of type)"), "Greatest random value of numbers and intervals."),
    option("fields.#.max-past", Some("0"), "How far a random timestamp lies before the current time at most."),
    option(
        "fields.#.length",
        Some("100"),
        "Length of texts and binary strings, or number of elements of a collection, which is 3 by default.",
    ),
    option("fields.#.var-len", Some("false"), "Whether 'length' is the greatest of many lengths, for texts and binary strings."),
    option("fields.#.start", None, "First value of a sequence."),
    option("fields.#.end", None, "Last value of a sequence; rows end with it."),
    option("fields.#.null-rate", Some("0"), "Share of NULL, between 0 and 1."),
];

impl Connector for Datagen {
    fn info(&self) -> ConnectorInfo {
        ConnectorInfo {
            name: "datagen",
            description: "Generates rows of random values and sequences.",
            source: true,
            bounded,
            sink: None,
            options: OPTIONS,
            metadata: &[],
            format: false,
        }
    }

    fn check(&self, table: &TableSpec) -> Result<()> {
        Plan::new(table).map(|_| ())
    }

    fn source(&self, table: &TableSpec, _: &Environment) -> Result<Box<dyn Source>> {
        let plan = Plan::new(table)?;
        if let Some(ColumnRef::Metadata { key, .. }) = table.columns.iter().find(|c| matches!(c, ColumnRef::Metadata { .. })) {
            return Err(Error::config(format!("Connector 'datagen' has no metadata column '{key}'")));
        }
        Ok(Box::new(source::DatagenSource::new(plan, table.read_schema())))
    }

    fn sink(&self, table: &TableSpec, _: &Environment) -> Result<Box<dyn Sink>> {
        Err(Error::config(format!("Table {} cannot be written: connector 'datagen' only generates rows", table.name)))
    }
}

/// Rows end with their number or with the shortest sequence.
fn bounded(options: &BTreeMap<String, String>) -> bool {
    options.contains_key("number-of-rows")
        || options
            .iter()
            .any(|(key, value)| key.starts_with("fields.") && key.ends_with(".kind") && value.trim().eq_ignore_ascii_case("sequence"))
}
