//! The `filesystem` connector: files in a folder, read once or followed, and written so that each appears whole.
//!
//! Reading: one file is one split. Where records are lines, a piece of a file is a byte range and nothing else, so that workers
//! read and decode a file in parallel. Compressed files, files of blocks, and formats whose records may hold line breaks, are cut one
//! after the other.
//!
//! Writing: see [`sink`].

mod blocks;
mod chunk;
mod config;
mod encode;
mod listing;
mod overwrite;
mod part;
mod range;
mod runs;
mod sink;
#[cfg(test)]
mod sink_tests;
mod source;
mod stream;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use arrow::datatypes::{DataType, TimeUnit};
use flott_engine::Result;
use flott_engine::connector::{Connector, ConnectorInfo, Environment, MetadataInfo, SinkMode, SourceMode, TableSpec};
use flott_engine::sink::Sink;
use flott_engine::source::Source;

use config::{SinkConfig, SourceConfig};

/// The connector.
pub struct Filesystem;

impl Connector for Filesystem {
    fn info(&self) -> ConnectorInfo {
        ConnectorInfo {
            name: "filesystem",
            description: "Reads and writes files in a folder.",
            source: true,
            bounded: |options: &BTreeMap<String, String>| !options.contains_key(config::MONITOR_INTERVAL),
            sink: Some(SinkMode::AppendOnly),
            options: config::OPTIONS,
            metadata: METADATA.get_or_init(metadata),
            format: true,
        }
    }

    fn places(&self) -> &'static [&'static str] {
        &["path"]
    }

    fn check(&self, table: &TableSpec) -> Result<()> {
        SourceConfig::new(table)?;
        SinkConfig::new(table)?;
        Ok(())
    }

    fn source_mode(&self, options: &BTreeMap<String, String>) -> SourceMode {
        if is_changelog(options) { SourceMode::Retract } else { SourceMode::AppendOnly }
    }

    fn sink_mode(&self, options: &BTreeMap<String, String>) -> Option<SinkMode> {
        Some(if is_changelog(options) { SinkMode::Retract } else { SinkMode::AppendOnly })
    }

    fn overwrites(&self) -> bool {
        true
    }

    fn source(&self, table: &TableSpec, _env: &Environment) -> Result<Box<dyn Source>> {
        Ok(Box::new(source::FileSource::new(SourceConfig::new(table)?, table)?))
    }

    fn bad_records(&self, table: &TableSpec, wanted: &[usize], _env: &Environment) -> Result<Option<Box<dyn Source>>> {
        let table = crate::bad_records::strict(table);
        Ok(Some(Box::new(source::FileSource::new(SourceConfig::new(&table)?, &table)?.of_bad_records(wanted))))
    }

    fn sink(&self, table: &TableSpec, env: &Environment) -> Result<Box<dyn Sink>> {
        Ok(Box::new(sink::FileSink::new(SinkConfig::new(table)?, table, env)?))
    }
}

fn is_changelog(options: &BTreeMap<String, String>) -> bool {
    options.get("format").is_some_and(|format| crate::formats::changelog::Kind::of(format).is_some())
}

static METADATA: std::sync::OnceLock<Vec<MetadataInfo>> = std::sync::OnceLock::new();

fn metadata() -> Vec<MetadataInfo> {
    vec![
        MetadataInfo { key: "file.path", data_type: DataType::Utf8 },
        MetadataInfo { key: "file.name", data_type: DataType::Utf8 },
        MetadataInfo { key: "file.size", data_type: DataType::Int64 },
        MetadataInfo { key: "file.modification-time", data_type: DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())) },
    ]
}
