//! Input and output of the measurements with Kafka: one broker on the loopback interface, and a topic full of bids.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use flott_testkit::kafka::Broker;

use super::engines::{Flott, Query};
use crate::Result;

/// Partitions of the topic that is read.
const PARTITIONS: i32 = 4;
const FILL_TIMEOUT: Duration = Duration::from_secs(600);
/// Flink's Kafka connector, the newest there is; it was made for the release before.
const CONNECTOR: &str = "flink-sql-connector-kafka";
const CONNECTOR_VERSION: &str = "5.0.0-2.2";

/// Starts a broker and fills the topic `bids` from so many events.
///
/// # Errors
/// When the rows cannot be written.
pub fn start(bench: &Path, flott: &Flott, events: u64) -> Result<Broker> {
    let broker = Broker::start();
    broker.create_topic("bids", PARTITIONS, &[]);
    for query in ["tumble", "filter"] {
        broker.create_topic(query, 1, &[]);
    }
    let path = bench.join("kafka/fill.sql");
    let script = fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    let script = script.replace("${SERVERS}", &broker.servers()).replace("${ROWS}", &events.to_string());
    eprintln!("filling the topic from {events} events");
    let fill = Query { name: "fill".to_string(), script, rows: events };
    flott.run_within(&fill, 1, FILL_TIMEOUT).0?;
    Ok(broker)
}

/// Rows in the topic `bids` that was filled from so many events: of 50, one is a person and three are auctions.
pub fn bids(events: u64) -> u64 {
    let rest = (events % 50).saturating_sub(4);
    events / 50 * 46 + rest
}

/// The jar of Flink's connector, fetched once.
///
/// # Errors
/// When Maven fails.
pub fn connector(cache: &Path) -> Result<PathBuf> {
    let folder = cache.join("connectors");
    let jar = folder.join(format!("{CONNECTOR}-{CONNECTOR_VERSION}.jar"));
    if !jar.exists() {
        let status = Command::new("mvn")
            .args(["--batch-mode", "--quiet", "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy"])
            .arg(format!("-Dartifact=org.apache.flink:{CONNECTOR}:{CONNECTOR_VERSION}"))
            .arg(format!("-DoutputDirectory={}", folder.display()))
            .status()
            .map_err(|e| format!("cannot run mvn: {e}"))?;
        if !status.success() {
            return Err(format!("mvn cannot fetch {CONNECTOR} {CONNECTOR_VERSION}: {status}"));
        }
    }
    Ok(jar)
}
