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
    /// The addresses that the client begins with.
    servers: String,
    /// Why the broker that was asked last does not answer, in the client's words.
    cause: Option<String>,
    /// Since when no broker answers, and whether that was said.
    away: Option<(Instant, bool)>,
    /// A broker has answered.
    reached: bool,
    /// The login or the certificate is refused.
    refused: Option<String>,
}

impl News {
    /// Of a client with these settings.
    pub fn of(settings: &Settings) -> Self {
        let servers = settings.get("bootstrap.servers").map(|servers| servers.reveal().to_owned()).unwrap_or_default();
        Self(Mutex::new(State { servers, ..State::default() }))
    }

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
            let place = if state.servers.is_empty() { String::new() } else { format!(" at {}", state.servers) };
            let why = state.cause.as_deref().unwrap_or(reason);
            let text = format!("Kafka does not answer{place} ({why}); it is asked again until it does");
            state.notes.push(text);
        }
    }

    /// A broker has answered.
    pub fn reached(&self) {
        let mut state = self.state();
        state.reached = true;
        state.refused = None;
        state.cause = None;
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
            Some(C::BrokerTransportFailure | C::Resolve | C::OperationTimedOut) => {
                if !reason.is_empty() {
                    self.state().cause = Some(cause(reason));
                }
                self.away(reason);
            }
            _ => {}
        }
    }
}

/// Why a broker does not answer, without what the client says of itself: `h:1/bootstrap: Connect to ipv4#h:1 failed: … (after 0ms in …)`.
fn cause(reason: &str) -> String {
    let text = reason.split_once(" (after ").map_or(reason, |(text, _)| text).replace("ipv4#", "").replace("ipv6#", "");
    let Some((broker, why)) = text.split_once(": ").filter(|(broker, _)| broker.contains('/')) else { return text };
    let address = broker.rsplit_once('/').map_or(broker, |(address, _)| address);
    // Who could not be reached is mostly said once more.
    if why.starts_with("Connect to ") || why.contains(address) { why.to_owned() } else { format!("{address}: {why}") }
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
    let made = config(settings).create_with_context(Context { news: News::of(settings), ..Context::default() });
    made.map_err(|e| Error::config(format!("The Kafka client cannot be made: {}", creation(&e))))
}

/// Why a client was not made: the library tells of files that it cannot read, which are named, and never of passwords.
pub fn creation(error: &KafkaError) -> String {
    match error {
        KafkaError::ClientCreation(text) => text.clone(),
        other => reason(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_told_in_few_words() {
        for (reason, told) in [
            (
                "localhost:9/bootstrap: Connect to ipv4#127.0.0.1:9 failed: Connection refused (after 0ms in state CONNECT)",
                "Connect to 127.0.0.1:9 failed: Connection refused",
            ),
            (
                "no.invalid:9092/bootstrap: Failed to resolve 'no.invalid:9092': Name or service not known (after 2ms in state CONNECT)",
                "Failed to resolve 'no.invalid:9092': Name or service not known",
            ),
            ("sasl_ssl://h:1/2: Disconnected (after 9ms in state UP)", "sasl_ssl://h:1: Disconnected"),
            ("1/1 brokers are down", "1/1 brokers are down"),
            ("", ""),
        ] {
            assert_eq!(cause(reason), told);
        }
    }

    #[test]
    fn who_does_not_answer_is_named_once() {
        let settings = Settings::from_iter([("bootstrap.servers".to_owned(), Secret::from("h:1,i:2".to_owned()))]);
        let news = News::of(&settings);
        news.state().away = Instant::now().checked_sub(2 * AWAY_BEFORE_NOTE).map(|since| (since, false));
        let error = KafkaError::Global(RDKafkaErrorCode::BrokerTransportFailure);
        news.tell(&error, "h:1/bootstrap: Connect to ipv4#h:1 failed: Connection refused (after 0ms in state CONNECT)");
        news.tell(&KafkaError::Global(RDKafkaErrorCode::AllBrokersDown), "2/2 brokers are down");
        let told = news.take();
        assert_eq!(told, ["Kafka does not answer at h:1,i:2 (Connect to h:1 failed: Connection refused); it is asked again until it does"]);
    }
}
