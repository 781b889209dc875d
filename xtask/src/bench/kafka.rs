//! Input and output of the measurements with Kafka: one broker on the loopback interface, and a topic full of bids.

use std::collections::BTreeMap;
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

/// What comes into the topic of a query, to see that both engines write the same.
pub struct Results<'a> {
    broker: &'a Broker,
    topic: String,
    seen: usize,
}

impl<'a> Results<'a> {
    /// What comes from now on.
    pub fn from_now(broker: &'a Broker, query: &str) -> Self {
        Self { broker, topic: query.to_string(), seen: broker.read(query).len() }
    }

    /// How often each row came since the last call, where so many runs wrote it.
    ///
    /// # Errors
    /// When the runs did not write the same.
    pub fn since(&mut self, runs: usize) -> Result<BTreeMap<Vec<u8>, usize>> {
        let all = self.broker.read(&self.topic);
        let before = std::mem::replace(&mut self.seen, all.len());
        let mut counts: BTreeMap<Vec<u8>, usize> = BTreeMap::new();
        for message in all.into_iter().skip(before) {
            *counts.entry(message.value.unwrap_or_default().into()).or_default() += 1;
        }
        for (row, count) in &mut counts {
            if !count.is_multiple_of(runs) {
                return Err(format!("{count} times in {runs} runs: {}", String::from_utf8_lossy(row)));
            }
            *count /= runs;
        }
        Ok(counts)
    }
}

/// Whether the other engine wrote the same rows; if not, with an example.
pub fn compared(ours: &BTreeMap<Vec<u8>, usize>, theirs: &BTreeMap<Vec<u8>, usize>) -> String {
    let other =
        ours.iter().find(|row| theirs.get(row.0) != Some(row.1)).or_else(|| theirs.iter().find(|row| ours.get(row.0) != Some(row.1)));
    match other {
        None => format!("the {} rows are those of Flink", ours.values().sum::<usize>()),
        Some((row, _)) => format!("the rows are NOT those of Flink, for example {}", String::from_utf8_lossy(row)),
    }
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
