//! A client that writes, and what became of each message it was given.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use flott_engine::{Error, Result};
use rdkafka::ClientContext;
use rdkafka::client::Client;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Header, Message as _, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _, ProducerContext};

use super::client::{News, REQUEST_TIMEOUT, config, creation, passes, reason};
use super::config::Partitioner;
use super::discovery::{is_missing, no_topic, topic_in};
use super::properties::Settings;
use super::record::{Record, Records};

/// How long one wait for the client may take before the stop request is looked at again.
const LOOK: Duration = Duration::from_millis(50);
/// The client waits so long for receipts even if all have come.
const FLUSH_LOOK: Duration = Duration::from_millis(2);
/// How long a job that was asked to stop still waits for brokers.
const STOP_WAIT: Duration = Duration::from_secs(5);
/// How often a topic is asked for that is not there, with what wait for an answer, and what pause.
const TOPIC_ATTEMPTS: usize = 4;
const TOPIC_WAIT: Duration = Duration::from_secs(2);
const TOPIC_PAUSE: Duration = Duration::from_millis(250);
/// Messages between two looks at what the client has to tell.
const SERVE_EVERY: usize = 1000;

/// Takes the client's news.
#[derive(Default)]
pub struct Reports {
    /// The first message that could not be delivered.
    failed: Mutex<Option<Error>>,
    /// Whether the brokers answer.
    pub news: News,
}

impl ClientContext for Reports {
    fn log(&self, _level: RDKafkaLogLevel, _facility: &str, _message: &str) {}

    fn error(&self, error: KafkaError, reason: &str) {
        self.news.tell(&error, reason);
    }
}

impl ProducerContext for Reports {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, _: ()) {
        if let Err((error, message)) = result {
            let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
            failed.get_or_insert_with(|| undelivered(error, message.topic()));
        }
    }
}

/// The error of a message that was not stored.
fn undelivered(error: &KafkaError, topic: &str) -> Error {
    use RDKafkaErrorCode as C;
    let code = error.rdkafka_error_code();
    let text = format!("a message for the topic {topic} was not stored: {}", reason(error));
    match code {
        Some(C::MessageSizeTooLarge | C::InvalidMessageSize) => {
            Error::data(text).help("Raise 'properties.max.request.size', and max.message.bytes of the topic, or make the rows smaller")
        }
        // A client that was fenced, or has lost count: what became of its messages, another one finds out.
        Some(C::Fatal) => Error::io(text),
        Some(C::UnknownTopicOrPartition | C::UnknownTopic) => Error::config(text).help("Create the topic first"),
        Some(code) if !passes(code) => Error::config(text),
        _ => Error::io(text),
    }
}

/// See the module.
pub struct Producer {
    client: BaseProducer<Reports>,
    topic: Option<String>,
    partitioner: Partitioner,
    /// Partitions by topic, where rows say which they go to.
    partitions: HashMap<String, i32>,
    /// The next partition, for round-robin.
    turn: i32,
    stop: Arc<AtomicBool>,
    stopping_since: Option<Instant>,
}

impl Producer {
    /// Makes a client. Nothing is connected before something is sent.
    pub fn new(settings: &Settings, topic: Option<String>, partitioner: Partitioner, stop: Arc<AtomicBool>) -> Result<Self> {
        let mut config = config(settings);
        for (name, value) in [
            // As the Java client: by murmur2 of the key.
            ("partitioner", "murmur2_random"),
            ("enable.idempotence", "true"),
            // For ever: who is asked to stop gives up, and nothing else does. A broker that is away holds the job up.
            ("delivery.timeout.ms", "0"),
            ("topic.metadata.refresh.interval.ms", "30000"),
            // A topic that is new to the client is asked for again, not given up.
            ("topic.metadata.propagation.max.ms", "10000"),
        ] {
            if config.get(name).is_none() {
                config.set(name, value);
            }
        }
        let own = ["acks", "retries", "max.in.flight.requests.per.connection"].iter().any(|name| config.get(name).is_some());
        if own && !settings.contains_key("enable.idempotence") {
            // Idempotence needs values that the table may have set otherwise.
            config.set("enable.idempotence", "false");
        }
        let client = config.create_with_context(Reports { news: News::of(settings), ..Reports::default() });
        let client = client.map_err(|e| Error::config(format!("The Kafka client cannot be made: {}", creation(&e))))?;
        Ok(Self { client, topic, partitioner, partitions: HashMap::new(), turn: 0, stop, stopping_since: None })
    }

    /// The library's client.
    pub fn client(&self) -> &BaseProducer<Reports> {
        &self.client
    }

    /// A client to ask with.
    pub fn native(&self) -> &Client<Reports> {
        self.client.client()
    }

    /// Fails if a message was not delivered.
    pub fn check(&self) -> Result<()> {
        let failed = self.client.context().failed.lock().unwrap_or_else(PoisonError::into_inner);
        match &*failed {
            Some(error) => Err(error.clone()),
            None => self.client.context().news.refusal().map_or(Ok(()), Err),
        }
    }

    /// Serves what the client has to tell. Does not wait.
    pub fn serve(&self) -> Result<()> {
        self.client.poll(Duration::ZERO);
        self.check()
    }

    /// Hands all messages of a batch to the client. Waits while it has no room.
    pub fn send(&mut self, records: &Records<'_>, rows: usize) -> Result<()> {
        for row in 0..rows {
            self.send_one(&records.get(row))?;
            if row % SERVE_EVERY == 0 {
                self.serve()?;
            }
        }
        Ok(())
    }

    /// Hands one message to the client. Waits while it has no room.
    pub fn send_one(&mut self, record: &Record<'_>) -> Result<()> {
        let own = self.topic.clone();
        let topic = record.topic.or(own.as_deref());
        let topic = topic.ok_or_else(|| Error::data("a row names no topic: its column with the metadata 'topic' is NULL"))?;
        let partition = self.partition(topic, record)?;
        loop {
            let mut message: BaseRecord<'_, [u8], [u8]> = BaseRecord::to(topic);
            (message.key, message.payload, message.timestamp, message.partition) = (record.key, record.value, record.timestamp, partition);
            if !record.headers.is_empty() {
                let headers = OwnedHeaders::new_with_capacity(record.headers.len());
                let add = |headers: OwnedHeaders, (key, value): &(&str, Option<&[u8]>)| headers.insert(Header { key, value: *value });
                message.headers = Some(record.headers.iter().fold(headers, add));
            }
            match self.client.send(message) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => {
                    self.client.poll(LOOK);
                    self.check()?;
                    self.give_up_if_stopped("there is no room for more messages, since the brokers do not take them")?;
                }
                Err((error, _)) => return Err(undelivered(&error, topic)),
            }
        }
    }

    fn partition(&mut self, topic: &str, record: &Record<'_>) -> Result<Option<i32>> {
        let number = match (record.partition, self.partitioner) {
            (Some(number), _) => number,
            (None, Partitioner::RoundRobin) => {
                self.turn = self.turn.wrapping_add(1) & i32::MAX;
                self.turn
            }
            _ => return Ok(None),
        };
        if !self.partitions.contains_key(topic) {
            let count = self.count_partitions(topic)?;
            self.partitions.insert(topic.to_owned(), count);
        }
        Ok(self.partitions.get(topic).map(|count| number % count))
    }

    /// Fails if the topic is not there, and says so before the first row does. Brokers that do not answer are waited for later.
    pub fn check_topic(&self) -> Result<()> {
        let Some(topic) = &self.topic else { return Ok(()) };
        for _ in 0..TOPIC_ATTEMPTS {
            let Ok(metadata) = self.native().fetch_metadata(Some(topic), TOPIC_WAIT) else { return self.check() };
            match topic_in(&metadata, topic) {
                // One that the brokers make because they were asked is there soon.
                Err(code) if is_missing(code) => std::thread::sleep(TOPIC_PAUSE),
                _ => return Ok(()),
            }
        }
        Err(no_topic(topic))
    }

    /// Asks how many partitions a topic has, until the brokers answer.
    fn count_partitions(&mut self, topic: &str) -> Result<i32> {
        loop {
            match self.native().fetch_metadata(Some(topic), REQUEST_TIMEOUT.min(Duration::from_secs(2))) {
                Ok(metadata) => {
                    let count = metadata.topics().first().map_or(0, |t| t.partitions().len());
                    if count > 0 {
                        return Ok(count as i32);
                    }
                }
                Err(error) if error.rdkafka_error_code().is_some_and(passes) => self.client.context().news.away(&reason(&error)),
                Err(error) => return Err(undelivered(&error, topic)),
            }
            self.serve()?;
            self.give_up_if_stopped("the brokers do not tell how many partitions the topic has")?;
            std::thread::sleep(LOOK);
        }
    }

    /// Waits until every message has its receipt.
    pub fn flush(&mut self) -> Result<()> {
        loop {
            let done = self.client.flush(FLUSH_LOOK);
            self.check()?;
            match done {
                Ok(()) => return Ok(()),
                Err(KafkaError::Flush(RDKafkaErrorCode::OperationTimedOut)) => {
                    self.give_up_if_stopped("the brokers have not confirmed all messages")?;
                }
                Err(error) => return Err(Error::io(format!("Kafka: {}", reason(&error)))),
            }
        }
    }

    /// Fails some time after the job was asked to stop.
    pub fn give_up_if_stopped(&mut self, why: &str) -> Result<()> {
        if !self.stop.load(Ordering::SeqCst) {
            return Ok(());
        }
        let since = *self.stopping_since.get_or_insert_with(Instant::now);
        if since.elapsed() < STOP_WAIT { Ok(()) } else { Err(Error::io(format!("stopped without having written everything: {why}"))) }
    }
}
