//! The connectors `kafka` and `upsert-kafka`: topics of Apache Kafka, read and written.
//!
//! Reading: a partition is a split ([`source`]), found by one thread ([`discovery`]) and read by another ([`fetcher`]), and decoded by
//! the workers ([`decode`]). Writing: workers make messages ([`encode`]), which are sent within the tick ([`sink`]) or, for
//! exactly-once, in one transaction for each checkpoint ([`deliver`]). Why it is so: `docs/decisions/017-kafka.md`.

mod bad;
mod client;
mod config;
mod dead_letters;
mod decode;
mod deliver;
mod discovery;
mod encode;
mod fetcher;
mod messages;
mod metadata;
mod options;
mod producer;
mod properties;
mod queue;
mod record;
mod sink;
mod source;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
mod topic_ids;
use std::collections::BTreeMap;

use flott_engine::Result;
use flott_engine::connector::{Connector, ConnectorInfo, Environment, SinkMode, SourceMode, TableSpec};
use flott_engine::sink::Sink;
use flott_engine::source::Source;

use config::Kind;

/// Either of the two connectors.
pub struct Kafka(Kind);

impl Kafka {
    /// `kafka`.
    pub const APPEND: Self = Self(Kind::Append);
    /// `upsert-kafka`.
    pub const UPSERT: Self = Self(Kind::Upsert);

    fn tells_changes(options: &BTreeMap<String, String>) -> bool {
        let format = options.get("format").or_else(|| options.get("value.format"));
        format.is_some_and(|format| crate::formats::changelog::Kind::of(format).is_some())
    }
}

impl Connector for Kafka {
    fn info(&self) -> ConnectorInfo {
        let append = self.0 == Kind::Append;
        ConnectorInfo {
            name: if append { "kafka" } else { "upsert-kafka" },
            description: match append {
                true => "Reads and writes topics of Apache Kafka.",
                false => "Reads and writes topics of Apache Kafka whose messages are the newest rows of their keys.",
            },
            source: true,
            bounded: config::is_bounded,
            sink: Some(if append { SinkMode::AppendOnly } else { SinkMode::Upsert }),
            options: if append { options::KAFKA } else { options::UPSERT },
            metadata: metadata::all(),
            format: true,
        }
    }

    fn source_mode(&self, options: &BTreeMap<String, String>) -> SourceMode {
        match self.0 {
            Kind::Upsert => SourceMode::Upsert,
            Kind::Append if Self::tells_changes(options) => SourceMode::Retract,
            Kind::Append => SourceMode::AppendOnly,
        }
    }

    fn sink_mode(&self, options: &BTreeMap<String, String>) -> Option<SinkMode> {
        Some(match self.0 {
            Kind::Upsert => SinkMode::Upsert,
            Kind::Append if Self::tells_changes(options) => SinkMode::Retract,
            Kind::Append => SinkMode::AppendOnly,
        })
    }

    fn places(&self) -> &'static [&'static str] {
        &["topic", "topic-pattern"]
    }

    fn check(&self, table: &TableSpec) -> Result<()> {
        config::check(table, self.0)
    }

    fn source(&self, table: &TableSpec, env: &Environment) -> Result<Box<dyn Source>> {
        Ok(Box::new(source::KafkaSource::new(table, self.0, env)?))
    }

    fn bad_records(&self, table: &TableSpec, wanted: &[usize], env: &Environment) -> Result<Option<Box<dyn Source>>> {
        Ok(Some(Box::new(source::KafkaSource::of_bad_records(table, wanted, self.0, env)?)))
    }

    fn sink(&self, table: &TableSpec, env: &Environment) -> Result<Box<dyn Sink>> {
        Ok(Box::new(sink::KafkaSink::new(table, self.0, env)?))
    }
}
