//! Sources and sinks of Flott, and the formats they speak.
//!
//! A connector is a folder or a file of its own; [`formats`] turn bytes into rows and back and know no connector. This is the only
//! crate that names client libraries.

mod bad_records;
mod blackhole;
pub mod datagen;
pub mod filesystem;
pub mod formats;
mod kafka;
pub mod nexmark;
pub mod options;
mod print;

use std::sync::Arc;

use flott_engine::connector::Connectors;

/// All connectors of this crate.
pub fn all() -> Connectors {
    let mut connectors = Connectors::default();
    connectors.register(Arc::new(blackhole::Blackhole));
    connectors.register(Arc::new(datagen::Datagen));
    connectors.register(Arc::new(filesystem::Filesystem));
    connectors.register(Arc::new(kafka::Kafka::APPEND));
    connectors.register(Arc::new(kafka::Kafka::UPSERT));
    connectors.register(Arc::new(nexmark::Nexmark));
    connectors.register(Arc::new(print::Print));
    connectors
}
