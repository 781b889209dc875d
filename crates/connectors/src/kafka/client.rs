//! The client library: how clients are made, what they tell, and what their errors mean to people.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use flott_engine::{Error, Result};
use rdkafka::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::topic_partition_list::TopicPartitionList;

use super::properties::{Secret, Settings};
use crate::options::Options;

/// How long one request to a broker may take; who needs an answer asks again.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// How long the brokers may be away before that is said.
const AWAY_BEFORE_NOTE: Duration = Duration::from_secs(2);

/// Sets what the table does not set.
pub fn set_default(settings: &mut Settings, name: &str, value: &str) {
    settings.entry(name.to_owned()).or_insert_with(|| Secret::from(value.to_owned()));
}

/// The library's configuration.
pub fn config(settings: &Settings) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set_log_level(RDKafkaLogLevel::Emerg);
    for (name, value) in settings {
        config.set(name, value.reveal());
    }
    config
}

/// Fails for a value that the library does not take. Nothing is connected.
pub fn check(options: &Options<'_>, settings: &Settings) -> Result<()> {
    match config(settings).create_native_config() {
        Ok(_) => Ok(()),
        // The library's own words may hold the value.
        Err(KafkaError::ClientConfig(_, _, name, _)) => {
            Err(options.error(&format!("the Kafka client does not take the value of 'properties.{name}'")))
        }
        Err(_) => Err(options.error("the Kafka client does not take these 'properties.*'")),
    }
}

/// What went wrong, without anything that the user keeps secret.
pub fn reason(error: &KafkaError) -> String {
    match error {
        KafkaError::ClientConfig(_, _, name, _) => format!("the client does not take the value of '{name}'"),
        other => match other.rdkafka_error_code() {
            Some(code) => code.to_string(),
            None => other.to_string(),
        },
    }
}

/// Whether it makes sense to ask again.
pub fn passes(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as C;
    !matches!(
        code,
        C::UnknownTopicOrPartition
            | C::UnknownTopic
            | C::UnknownPartition
            | C::TopicAuthorizationFailed
            | C::GroupAuthorizationFailed
            | C::ClusterAuthorizationFailed
            | C::TransactionalIdAuthorizationFailed
            | C::InvalidTopic
            | C::SaslAuthenticationFailed
            | C::Authentication
            | C::SSL
            | C::UnsupportedSASLMechanism
            | C::Fatal
    )
}

/// What the client tells from its own threads, and whether the brokers answer.
#[derive(Default)]
pub struct News(Mutex<State>);

#[derive(Default)]
struct State {
    notes: Vec<String>,
    /// Since when no broker answers, and whether that was said.
    away: Option<(Instant, bool)>,
    /// A broker has answered.
    reached: bool,
    /// The login or the certificate is refused.
    refused: Option<String>,
}

impl News {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// What is new for the user.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.state().notes)
    }

    /// Adds a note.
    pub fn note(&self, text: String) {
        self.state().notes.push(text);
    }

    /// No broker answers, for that reason: said once until one does.
    pub fn away(&self, reason: &str) {
        let mut state = self.state();
        let (since, told) = *state.away.get_or_insert((Instant::now(), false));
        if !told && since.elapsed() >= AWAY_BEFORE_NOTE {
            state.away = Some((since, true));
            state.notes.push(format!("Kafka does not answer ({reason}); it is asked again until it does"));
        }
    }

    /// A broker has answered.
    pub fn reached(&self) {
        let mut state = self.state();
        state.reached = true;
        state.refused = None;
        if let Some((since, true)) = state.away.take() {
            state.notes.push(format!("Kafka answers again, after {} s", since.elapsed().as_secs()));
        }
    }

    /// The brokers refuse the login or the certificate, and have never taken it: trying again would not help.
    pub fn refusal(&self) -> Option<Error> {
        let state = self.state();
        let reason = state.refused.as_ref().filter(|_| !state.reached)?;
        Some(Error::config(format!("The Kafka broker refuses the connection: {reason}")).help(
            "Look at 'properties.security.protocol', 'properties.sasl.mechanism', user and password, and 'properties.ssl.ca.location'",
        ))
    }

    /// Takes an error of the client as a whole.
    pub fn tell(&self, error: &KafkaError, reason: &str) {
        use RDKafkaErrorCode as C;
        match error.rdkafka_error_code() {
            Some(code @ (C::Authentication | C::SaslAuthenticationFailed | C::SSL | C::UnsupportedSASLMechanism)) => {
                let text = if reason.is_empty() { code.to_string() } else { reason.to_owned() };
                self.state().refused = Some(text);
            }
            Some(C::AllBrokersDown) => self.away("all brokers are down"),
            Some(C::BrokerTransportFailure | C::Resolve | C::OperationTimedOut) => self.away(reason),
            _ => {}
        }
    }
}

/// The context of clients that read and of those that only ask.
#[derive(Default)]
pub struct Context {
    /// What the client tells.
    pub news: News,
    /// How many commits of a group's offsets are under way.
    pub commits: std::sync::atomic::AtomicUsize,
}

impl ClientContext for Context {
    fn log(&self, _level: RDKafkaLogLevel, _facility: &str, _message: &str) {}

    fn error(&self, error: KafkaError, reason: &str) {
        self.news.tell(&error, reason);
    }
}

impl ConsumerContext for Context {
    fn commit_callback(&self, result: rdkafka::error::KafkaResult<()>, _offsets: &TopicPartitionList) {
        let was = self
            .commits
            .fetch_update(std::sync::atomic::Ordering::SeqCst, std::sync::atomic::Ordering::SeqCst, |n| Some(n.saturating_sub(1)));
        if let (Err(error), Ok(_)) = (result, was)
            && error.rdkafka_error_code().is_some_and(|code| !passes(code))
        {
            self.news.note(format!("the group's offsets could not be committed: {}", reason(&error)));
        }
    }
}

/// A client that reads.
pub type Consumer = BaseConsumer<Context>;

/// Makes a consumer.
pub fn consumer(settings: &Settings) -> Result<Consumer> {
    let made = config(settings).create_with_context(Context::default());
    made.map_err(|e| Error::config(format!("The Kafka client cannot be made: {}", creation(&e))))
}

/// Why a client was not made: the library tells of files that it cannot read, which are named, and never of passwords.
pub fn creation(error: &KafkaError) -> String {
    match error {
        KafkaError::ClientCreation(text) => text.clone(),
        other => reason(other),
    }
}
