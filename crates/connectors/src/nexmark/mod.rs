//! Connector `nexmark`: the events of an online auction, as the Nexmark benchmark defines them.
//!
//! Persons sign up, put items up for auction and bid; of every 50 events one is a person, three are auctions and 46 are bids. The
//! table has one row per event: its type, and three ROW columns of which two are NULL. An event depends only on the options and
//! on its number, so ranges of events are made by all workers at once and a job that restarts sees the same rows again.

mod columns;
mod config;
mod events;
mod options;
mod source;
#[cfg(test)]
mod tests;
mod words;
mod write;

use flott_engine::connector::{ColumnRef, Connector, ConnectorInfo, Environment, TableSpec};
use flott_engine::sink::Sink;
use flott_engine::source::Source;
use flott_engine::{Error, Result};

pub use columns::nexmark_schema;
pub use config::{NexmarkConfig, Rate, RateShape};
pub use events::{EventType, FIRST_AUCTION_ID, FIRST_CATEGORY_ID, FIRST_PERSON_ID, Generator};
pub use options::parse_base_time;

/// The connector.
#[derive(Debug, Default)]
pub struct Nexmark;

impl Connector for Nexmark {
    fn info(&self) -> ConnectorInfo {
        ConnectorInfo {
            name: "nexmark",
            description: "Generates the events of the Nexmark benchmark: persons, auctions and bids.",
            source: true,
            bounded: options::bounded,
            sink: None,
            options: options::OPTIONS,
            metadata: &[],
            format: false,
        }
    }

    fn check(&self, table: &TableSpec) -> Result<()> {
        let options = options::NexmarkOptions::parse(table)?;
        let generator = Generator::new(options.config)?;
        columns::check_schema(&generator, &table.schema).map_err(|e| e.at(format!("Table {}", table.name)))
    }

    fn source(&self, table: &TableSpec, _: &Environment) -> Result<Box<dyn Source>> {
        self.check(table)?;
        if let Some(ColumnRef::Metadata { key, .. }) = table.columns.iter().find(|c| matches!(c, ColumnRef::Metadata { .. })) {
            return Err(Error::config(format!("Connector 'nexmark' has no metadata column '{key}'")));
        }
        let options = options::NexmarkOptions::parse(table)?;
        Ok(Box::new(source::NexmarkSource::new(options, table.read_schema())))
    }

    fn sink(&self, table: &TableSpec, _: &Environment) -> Result<Box<dyn Sink>> {
        Err(Error::config(format!("Table {} cannot be written: connector 'nexmark' only generates rows", table.name)))
    }
}
