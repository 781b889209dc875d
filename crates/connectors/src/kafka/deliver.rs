//! Exactly-once: an epoch's messages and a record that they are there, in one short transaction.
//!
//! The record goes to a compacted topic of one partition, under the name of the sink's transactions. Before anything is sent for the
//! first time, and after everything whose outcome is not known, a new client takes over those transactions (which ends one that is
//! open) and only then reads the record: what it says is final. No transaction is open longer than one delivery takes.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use flott_engine::sink::EpochId;
use flott_engine::{Batch, Error, Result, hash};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::Consumer as _;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message as _;
use rdkafka::producer::Producer as _;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use serde::{Deserialize, Serialize};

use super::client::{self, REQUEST_TIMEOUT, passes, reason, set_default};
use super::config::SinkConfig;
use super::producer::Producer;
use super::properties::Settings;
use super::record::{Record, Records};

/// How long taking over and committing may take before the outcome counts as unknown.
const TRANSACTION_WAIT: Duration = Duration::from_secs(30);
/// How long reading the record may take.
const READ_WAIT: Duration = Duration::from_secs(30);
/// A broker ends a transaction that is open so long; in milliseconds. Delivery takes a small part of it.
const TRANSACTION_TIMEOUT_MS: &str = "60000";

/// What was delivered last, as it stands in the progress topic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivered {
    /// See [`EpochId`].
    pub job: String,
    /// As text: JSON readers round large numbers.
    pub run: String,
    /// See [`EpochId`].
    pub generation: u64,
    /// See [`EpochId::number`].
    pub epoch: u64,
}

impl Delivered {
    fn of(epoch: &EpochId) -> Self {
        Self { job: epoch.job.clone(), run: format!("{:016x}", epoch.run), generation: epoch.generation, epoch: epoch.number }
    }
}

/// Delivers the epochs of one sink.
pub struct Deliverer {
    config: SinkConfig,
    settings: Settings,
    /// Name of the transactions, and key of the record.
    id: String,
    stop: Arc<AtomicBool>,
    /// A client that has taken over, and what is delivered.
    ready: Option<(Producer, Option<Delivered>)>,
    /// The last record seen or written: it changes only by our hand.
    last: Option<Delivered>,
}

impl Deliverer {
    /// The deliverer of a sink. `job` and `sink` tell it from others of the same script with the same prefix. Neither host nor folder does: the
    /// job is the same wherever its state was carried.
    pub fn new(config: &SinkConfig, job: &str, sink: usize, stop: Arc<AtomicBool>) -> Result<Self> {
        let prefix = config.transaction_prefix.as_deref().unwrap_or_default();
        let id = format!("{prefix}-{:016x}-{sink}", hash::stable_hash(job.as_bytes()));
        let mut settings = config.settings.clone();
        if settings.get("enable.idempotence").is_some_and(|v| v.reveal().trim().eq_ignore_ascii_case("false")) {
            return Err(Error::config("'properties.enable.idempotence' = 'false' does not go with exactly-once").help("Leave it out"));
        }
        set_default(&mut settings, "transaction.timeout.ms", TRANSACTION_TIMEOUT_MS);
        set_default(&mut settings, "enable.idempotence", "true");
        // The library delivers within the transaction's time or not at all.
        if !settings.contains_key("delivery.timeout.ms") {
            let timeout = settings.get("transaction.timeout.ms").map(|t| t.reveal().to_owned()).unwrap_or_default();
            set_default(&mut settings, "delivery.timeout.ms", &timeout);
        }
        settings.insert("transactional.id".into(), id.clone().into());
        Ok(Self { config: config.clone(), settings, id, stop, ready: None, last: None })
    }

    /// See [`flott_engine::sink::Sink::resume`].
    pub fn resume(&mut self, last: &EpochId) -> Result<Option<String>> {
        let (producer, delivered) = match self.ready.take() {
            Some(ready) => ready,
            None => self.take_over()?,
        };
        let own = Delivered::of(last);
        let mut note = None;
        match &delivered {
            Some(there) if there.run != own.run && last.number == 0 => {
                note = Some(format!(
                    "Kafka has output of an earlier run of this job ('{}', epoch {} of run {}), and the job begins anew: what that run wrote may \
                     come again",
                    self.id, there.epoch, there.run
                ));
            }
            Some(there) if there.run == own.run && there.generation > own.generation => return Err(self.replaced()),
            Some(there) if there.run == own.run && there.epoch > own.epoch => {
                let text = format!("Kafka has epoch {} of this job, and its checkpoint ends with epoch {}", there.epoch, own.epoch);
                return Err(Error::state(text).help("Bring the newer checkpoint back, or start over with --fresh"));
            }
            _ => {}
        }
        self.ready = Some((producer, delivered));
        Ok(note)
    }

    /// See [`flott_engine::sink::Sink::deliver`].
    pub fn deliver(&mut self, epoch: &EpochId, output: &mut dyn Iterator<Item = Result<Batch>>) -> Result<()> {
        let (mut producer, delivered) = match self.ready.take() {
            Some(ready) => ready,
            None => self.take_over()?,
        };
        // From here on the client is given back only when the outcome is known.
        if self.is_there(epoch, delivered.as_ref())? {
            self.ready = Some((producer, delivered));
            return Ok(());
        }
        let mut begun = false;
        for batch in output {
            let batch = batch?;
            if batch.is_empty() {
                continue;
            }
            if !begun {
                producer.client().begin_transaction().map_err(|e| self.unsettled("begin a transaction", &e))?;
                begun = true;
            }
            producer.send(&Records::new(&batch.rows)?, batch.len())?;
        }
        if !begun {
            self.ready = Some((producer, delivered));
            return Ok(());
        }
        let now = Delivered::of(epoch);
        let value = serde_json::to_vec(&now).map_err(|e| Error::internal(e.to_string()))?;
        let note = Record {
            key: Some(self.id.as_bytes()),
            value: Some(&value),
            partition: Some(0),
            topic: Some(&self.config.progress_topic),
            timestamp: None,
            headers: vec![],
        };
        producer.send_one(&note)?;
        producer.flush()?;
        producer.client().commit_transaction(TRANSACTION_WAIT).map_err(|e| self.unsettled("commit a transaction", &e))?;
        self.last = Some(now.clone());
        self.ready = Some((producer, Some(now)));
        Ok(())
    }

    fn replaced(&self) -> Error {
        Error::state(format!("this instance is fenced: another one of this job delivers to Kafka (transactions '{}')", self.id))
            .help("Stop one of the two; each job needs a 'sink.transactional-id-prefix' of its own")
    }

    /// Whether an epoch was delivered before; fails if another instance has taken over.
    fn is_there(&self, epoch: &EpochId, delivered: Option<&Delivered>) -> Result<bool> {
        let Some(delivered) = delivered else { return Ok(false) };
        let own = Delivered::of(epoch);
        if delivered.run != own.run {
            // Another run's record is an old one, unless it came up after ours.
            return if self.last.as_ref().is_some_and(|last| last != delivered) { Err(self.replaced()) } else { Ok(false) };
        }
        if delivered.generation > own.generation {
            return Err(self.replaced());
        }
        Ok(delivered.epoch >= own.epoch)
    }

    /// Makes a client that ends what others with these transactions have begun, and reads what is delivered.
    fn take_over(&mut self) -> Result<(Producer, Option<Delivered>)> {
        self.create_progress_topic()?;
        let SinkConfig { topic, partitioner, .. } = &self.config;
        let mut producer = Producer::new(&self.settings, topic.clone(), *partitioner, self.stop.clone())?;
        let since = Instant::now();
        loop {
            match producer.client().init_transactions(REQUEST_TIMEOUT) {
                Ok(()) => break,
                Err(KafkaError::Transaction(e)) if e.is_retriable() && since.elapsed() < TRANSACTION_WAIT => {
                    producer.client().poll(Duration::ZERO);
                    producer.check()?;
                    producer.give_up_if_stopped("the brokers do not begin transactions")?;
                }
                Err(error) => return Err(self.unsettled("begin with transactions", &error)),
            }
        }
        producer.check_topic()?;
        let delivered = self.read_progress()?;
        if self.last.is_none() {
            self.last.clone_from(&delivered);
        }
        Ok((producer, delivered))
    }

    /// The error of a step whose outcome is not known, or that the brokers refuse.
    fn unsettled(&self, step: &str, error: &KafkaError) -> Error {
        let text = format!("cannot {step} '{}': {}", self.id, reason(error));
        match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::UnsupportedFeature) => Error::config(text).help("These brokers have no transactions"),
            Some(RDKafkaErrorCode::InvalidTransactionTimeout) => {
                Error::config(text).help("'properties.transaction.timeout.ms' is longer than the brokers' transaction.max.timeout.ms")
            }
            Some(RDKafkaErrorCode::Fatal) | None => Error::io(text),
            Some(code) if !passes(code) => Error::config(text),
            Some(_) => Error::io(text),
        }
    }

    /// Creates the topic of records, unless it is there.
    fn create_progress_topic(&self) -> Result<()> {
        let name = &self.config.progress_topic;
        let mut settings = self.config.settings.clone();
        settings.retain(|name, _| !PRODUCER_ONLY.contains(&name.as_str()));
        let admin: AdminClient<DefaultClientContext> = client::config(&settings)
            .create()
            .map_err(|e| Error::config(format!("The Kafka client cannot be made: {}", client::creation(&e))))?;
        let topic = NewTopic::new(name, 1, TopicReplication::Fixed(-1)).set("cleanup.policy", "compact");
        let options = AdminOptions::new().operation_timeout(Some(REQUEST_TIMEOUT)).request_timeout(Some(REQUEST_TIMEOUT));
        let cannot = |what: String| Error::io(format!("cannot create the topic '{name}' for exactly-once: {what}"));
        let created = block_on(admin.create_topics([&topic], &options)).map_err(|e| cannot(reason(&e)))?;
        for result in created {
            match result {
                Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
                Err((_, code)) if passes(code) => return Err(cannot(code.to_string())),
                Err((_, code)) => {
                    return Err(Error::config(format!("the topic '{name}', which exactly-once needs, cannot be created: {code}"))
                        .help("Create it by hand, with one partition and cleanup.policy=compact"));
                }
            }
        }
        Ok(())
    }

    /// The last record under our name. Reads the whole topic, which compaction keeps small.
    fn read_progress(&self) -> Result<Option<Delivered>> {
        let name = &self.config.progress_topic;
        let cannot = |what: &str| Error::io(format!("the topic '{name}' cannot be read: {what}"));
        let mut settings = self.config.settings.clone();
        settings.retain(|name, _| !PRODUCER_ONLY.contains(&name.as_str()));
        for (name, value) in [
            ("group.id", self.id.as_str()),
            ("enable.auto.commit", "false"),
            ("enable.partition.eof", "true"),
            // The end of the topic is told after so long.
            ("fetch.wait.max.ms", "10"),
            ("isolation.level", "read_committed"),
            ("auto.offset.reset", "earliest"),
        ] {
            set_default(&mut settings, name, value);
        }
        let consumer = client::consumer(&settings)?;
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(name, 0, Offset::Beginning).map_err(|e| cannot(&reason(&e)))?;
        consumer.assign(&list).map_err(|e| cannot(&reason(&e)))?;
        let since = Instant::now();
        let mut found = None;
        while since.elapsed() < READ_WAIT {
            match consumer.poll(Duration::from_millis(100)) {
                Some(Ok(message)) if message.key() == Some(self.id.as_bytes()) => {
                    let value = message.payload().unwrap_or_default();
                    let unreadable = |e| Error::state(format!("the record of '{}' in the topic '{name}' cannot be read: {e}", self.id));
                    found = Some(serde_json::from_slice(value).map_err(unreadable)?);
                }
                Some(Err(KafkaError::PartitionEOF(_))) => return Ok(found),
                Some(Err(error)) if error.rdkafka_error_code().is_some_and(|code| !passes(code) && !is_new(code)) => {
                    return Err(cannot(&reason(&error)));
                }
                _ => {}
            }
            if self.stop.load(std::sync::atomic::Ordering::SeqCst) && since.elapsed() > REQUEST_TIMEOUT {
                break;
            }
        }
        Err(cannot("the brokers do not answer"))
    }
}

/// A topic that was just created may not be known to every broker.
fn is_new(code: RDKafkaErrorCode) -> bool {
    matches!(code, RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic | RDKafkaErrorCode::UnknownPartition)
}

/// Options of clients that write, which others do not take or warn of.
const PRODUCER_ONLY: &[&str] = &[
    "acks",
    "compression.type",
    "linger.ms",
    "batch.size",
    "delivery.timeout.ms",
    "request.timeout.ms",
    "retries",
    "transaction.timeout.ms",
    "queue.buffering.max.messages",
    "queue.buffering.max.kbytes",
    "sticky.partitioning.linger.ms",
    "enable.idempotence",
];

/// Waits for a future that another thread completes.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    use std::task::{Context, Poll, Wake, Waker};
    struct Unpark(std::thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = std::pin::pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::park(),
        }
    }
}
