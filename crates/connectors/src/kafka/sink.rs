//! The sink. `none` and `at-least-once` send within the tick; a checkpoint of the latter waits until every message is stored. With
//! `exactly-once` messages are kept in the checkpoint, and [`super::deliver`] sends them afterwards.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

use flott_engine::connector::{Environment, TableSpec};
use flott_engine::sink::{Delivery, Encoder, EpochId, Payload, Sink};
use flott_engine::{Batch, Error, Result};

use super::client::set_default;
use super::config::{Guarantee, Kind, SinkConfig};
use super::deliver::Deliverer;
use super::encode::{EncodePlan, MessageEncoder};
use super::producer::Producer;
use super::record::Records;

/// How long the client collects messages that a tick writes at once, unless the table says so: the rows of a tick are there together, so there is
/// little to wait for.
const LINGER_MS: &str = "1";

/// A table's topic.
pub struct KafkaSink {
    config: SinkConfig,
    plan: Arc<EncodePlan>,
    env: Environment,
    /// How many encoders were made: each is that of the next worker.
    encoders: AtomicI32,
    /// Sends within the tick.
    producer: Option<Producer>,
    /// Sends epochs.
    deliverer: Option<Deliverer>,
    table: String,
}

impl KafkaSink {
    /// A sink; nothing is connected before it is opened.
    pub fn new(table: &TableSpec, kind: Kind, env: &Environment) -> Result<Self> {
        let config = SinkConfig::new(table, kind)?;
        if config.guarantee == Guarantee::ExactlyOnce && !env.checkpointing {
            return Err(Error::config(format!("Table {}: exactly-once needs checkpoints", table.name))
                .help("Write SET 'execution.checkpointing.interval' = '10s', or 'sink.delivery-guarantee' = 'at-least-once'"));
        }
        let plan = Arc::new(EncodePlan::new(table, &config)?);
        Ok(Self { config, plan, env: env.clone(), encoders: AtomicI32::new(0), producer: None, deliverer: None, table: table.name.clone() })
    }

    fn producer(&mut self) -> Result<&mut Producer> {
        if self.producer.is_none() {
            let SinkConfig { topic, partitioner, .. } = &self.config;
            let mut settings = self.config.settings.clone();
            set_default(&mut settings, "linger.ms", LINGER_MS);
            self.producer = Some(Producer::new(&settings, topic.clone(), *partitioner, self.env.stop.clone())?);
        }
        self.producer.as_mut().ok_or_else(|| Error::internal("a producer was just made"))
    }

    fn deliverer(&mut self, epoch: &EpochId) -> Result<&mut Deliverer> {
        Ok(match &mut self.deliverer {
            Some(deliverer) => deliverer,
            none => none.insert(Deliverer::new(&self.config, &epoch.job, self.env.sink_number, self.env.stop.clone())?),
        })
    }

    fn flush(&mut self) -> Result<()> {
        match &mut self.producer {
            Some(producer) => producer.flush().map_err(|e| e.at(format!("table {}", self.table))),
            None => Ok(()),
        }
    }
}

impl Sink for KafkaSink {
    fn encoder(&self) -> Result<Box<dyn Encoder>> {
        let worker = self.encoders.fetch_add(1, Ordering::Relaxed);
        Ok(Box::new(MessageEncoder::new(Arc::clone(&self.plan), worker)))
    }

    fn open(&mut self, _progress: Option<&str>) -> Result<()> {
        if self.delivery() == Delivery::Outbox {
            return Ok(());
        }
        let checked = self.producer()?.check_topic();
        checked.map_err(|e| e.at(format!("table {}", self.table)))
    }

    fn delivery(&self) -> Delivery {
        if self.config.guarantee == Guarantee::ExactlyOnce { Delivery::Outbox } else { Delivery::Direct }
    }

    fn resume(&mut self, last: &EpochId) -> Result<Option<String>> {
        let resumed = self.deliverer(last)?.resume(last);
        resumed.map_err(|e| e.at(format!("table {}", self.table)))
    }

    fn deliver(&mut self, epoch: &EpochId, output: &mut dyn Iterator<Item = Result<Batch>>) -> Result<()> {
        let delivered = self.deliverer(epoch)?.deliver(epoch, output);
        delivered.map_err(|e| e.at(format!("table {}", self.table)))
    }

    fn write(&mut self, payloads: Vec<Payload>) -> Result<()> {
        if self.delivery() == Delivery::Outbox {
            return Err(Error::internal("a Kafka sink with exactly-once sends whole epochs"));
        }
        let producer = self.producer()?;
        for payload in payloads {
            let Payload::Batch(batch) = payload else { return Err(Error::internal("a Kafka sink takes messages as rows")) };
            producer.send(&Records::new(&batch.rows)?, batch.len())?;
        }
        producer.serve()
    }

    fn prepare(&mut self) -> Result<String> {
        if self.config.guarantee == Guarantee::AtLeastOnce {
            self.flush()?;
        }
        Ok(String::new())
    }

    fn commit(&mut self, _progress: &str) -> Result<()> {
        Ok(())
    }

    fn finish(&mut self) -> Result<()> {
        self.flush()
    }

    fn on_idle(&mut self, _now_ms: i64) -> Result<()> {
        self.producer.as_ref().map_or(Ok(()), Producer::serve)
    }
}
