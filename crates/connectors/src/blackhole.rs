//! The `blackhole` connector: takes any change and forgets it.

use std::collections::BTreeMap;

use flott_engine::connector::{Connector, ConnectorInfo, Environment, OptionInfo, SinkMode, TableSpec};
use flott_engine::sink::{Encoder, Payload, Sink};
use flott_engine::source::Source;
use flott_engine::{Batch, Error, Result};

use crate::options::Options;

/// The connector.
pub struct Blackhole;

const OPTIONS: &[OptionInfo] =
    &[OptionInfo { key: "property-version", required: false, default: Some("1"), description: "Version of the options; only 1 exists." }];

impl Connector for Blackhole {
    fn info(&self) -> ConnectorInfo {
        ConnectorInfo {
            name: "blackhole",
            description: "Swallows all rows, for measuring a query without an output.",
            source: false,
            bounded: |_: &BTreeMap<String, String>| true,
            sink: Some(SinkMode::Upsert),
            options: OPTIONS,
            metadata: &[],
            format: false,
        }
    }

    fn check(&self, table: &TableSpec) -> Result<()> {
        Options::new(table).check_known(OPTIONS.iter().map(|o| o.key))
    }

    fn source(&self, table: &TableSpec, _env: &Environment) -> Result<Box<dyn Source>> {
        Err(Error::config(format!("Table {}: the connector 'blackhole' cannot be read", table.name)))
    }

    fn sink(&self, table: &TableSpec, _env: &Environment) -> Result<Box<dyn Sink>> {
        self.check(table)?;
        Ok(Box::new(Nowhere))
    }
}

struct Nowhere;

impl Encoder for Nowhere {
    fn encode(&mut self, _batch: &Batch, _out: &mut Vec<Payload>) -> Result<()> {
        Ok(())
    }
}

impl Sink for Nowhere {
    fn encoder(&self) -> Result<Box<dyn Encoder>> {
        Ok(Box::new(Nowhere))
    }

    fn open(&mut self, _progress: Option<&str>) -> Result<()> {
        Ok(())
    }

    fn write(&mut self, _payloads: Vec<Payload>) -> Result<()> {
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
