//! Options of the Kafka client: which of `properties.*` a table may set, and what they are called in the client library.
//!
//! Names are those of the Java client, so that a script runs on Flink as it is; those of librdkafka are taken as well where the Java
//! client has none. What is not listed here is refused: some options of librdkafka load code or run commands.

use std::collections::BTreeMap;
use std::fmt;

use flott_engine::{Error, Result};
use regex::Regex;

use crate::options::{Options, nearest};

/// What stands before the options of the client.
pub const PREFIX: &str = "properties.";

/// A text that is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The text, for the client library only.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Which clients an option is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Reads and writes.
    Both,
    /// Reads.
    Consumer,
    /// Writes.
    Producer,
}

/// What becomes of an option.
enum Rule {
    /// It has that name in the library.
    Named(&'static str),
    /// As `Named`, and its value is counted in KiB there and in bytes here.
    Kibibytes(&'static str),
    /// It has no meaning here, and a script may have it all the same.
    Ignored,
    /// Must have this value, which is what happens anyway.
    Only(&'static str, &'static str),
    /// Refused, with what to do instead.
    Refused(&'static str),
}

use Rule::{Ignored, Kibibytes, Named, Only, Refused};
use Side::{Both, Consumer, Producer};

const JAAS: &str = "sasl.jaas.config";
const STORE_PASSWORD: &str = "Certificates in PEM files need no password: write 'properties.ssl.ca.location' = '/path/ca.pem'";
const KERBEROS: &str = "Kerberos is not built in: write 'properties.sasl.mechanism' = 'SCRAM-SHA-512' or 'PLAIN', over SASL_SSL";
const OAUTH: &str = "OAUTHBEARER is not built in: write 'properties.sasl.mechanism' = 'SCRAM-SHA-512' or 'PLAIN', over SASL_SSL";
const JAVA_CLASS: &str = "It names a Java class, and there is no JVM: leave it out";
const CODE: &str = "It would load or run code from outside: leave it out";
const BY_CHECKPOINT: &str = "Positions are kept in checkpoints, and told to the group with each: leave it out";

/// What is known of an option, by name.
fn rule(name: &str) -> Option<(Side, Rule)> {
    let refused = refused(name).map(|rule| (Both, rule));
    let both = || Some((Both, of_both(name)?));
    let consumer = || Some((Consumer, of_consumer(name)?));
    refused.or_else(both).or_else(consumer).or_else(|| Some((Producer, of_producer(name)?)))
}

/// Options of all clients.
fn of_both(name: &str) -> Option<Rule> {
    Some(match name {
        "bootstrap.servers"
        | "client.id"
        | "client.rack"
        | "client.dns.lookup"
        | "security.protocol"
        | "sasl.mechanism"
        | "sasl.username"
        | "sasl.password"
        | "ssl.ca.location"
        | "ssl.ca.pem"
        | "ssl.certificate.location"
        | "ssl.certificate.pem"
        | "ssl.key.location"
        | "ssl.key.pem"
        | "ssl.key.password"
        | "ssl.cipher.suites"
        | "ssl.endpoint.identification.algorithm"
        | "enable.ssl.certificate.verification"
        | "broker.address.family"
        | "broker.address.ttl"
        | "connections.max.idle.ms"
        | "reconnect.backoff.ms"
        | "reconnect.backoff.max.ms"
        | "retry.backoff.ms"
        | "retry.backoff.max.ms"
        | "socket.timeout.ms"
        | "socket.keepalive.enable"
        | "socket.connection.setup.timeout.ms"
        | "metadata.max.age.ms"
        | "topic.metadata.refresh.interval.ms" => Named(""),
        JAAS | "ssl.truststore.location" | "ssl.keystore.location" | "ssl.truststore.type" | "ssl.keystore.type" => Ignored,
        "ssl.truststore.certificates" => Named("ssl.ca.pem"),
        "ssl.keystore.certificate.chain" => Named("ssl.certificate.pem"),
        "ssl.keystore.key" => Named("ssl.key.pem"),
        "ssl.keystore.password" => Named(""),
        "ssl.truststore.password" => Refused(STORE_PASSWORD),
        "socket.connection.setup.timeout.max.ms" | "default.api.timeout.ms" | "ssl.protocol" | "ssl.enabled.protocols" => Ignored,
        "send.buffer.bytes" => Named("socket.send.buffer.bytes"),
        "receive.buffer.bytes" => Named("socket.receive.buffer.bytes"),
        _ => return None,
    })
}

/// Options of clients that read.
fn of_consumer(name: &str) -> Option<Rule> {
    Some(match name {
        "group.id" => Named(""),
        "isolation.level" | "check.crcs" | "fetch.min.bytes" | "fetch.max.bytes" | "max.partition.fetch.bytes" => Named(""),
        "receive.message.max.bytes" => Named(""),
        "fetch.max.wait.ms" => Named("fetch.wait.max.ms"),
        "auto.offset.reset" | "commit.offsets.on.checkpoint" => Ignored,
        "enable.auto.commit" => Only("false", BY_CHECKPOINT),
        "auto.commit.interval.ms" | "client.id.prefix" | "register.consumer.metrics" => Ignored,
        // Partitions are assigned by the job, not by a group.
        "max.poll.records"
        | "max.poll.interval.ms"
        | "session.timeout.ms"
        | "heartbeat.interval.ms"
        | "group.instance.id"
        | "partition.assignment.strategy"
        | "key.deserializer"
        | "value.deserializer" => Ignored,
        "allow.auto.create.topics" => Only("false", "Create the topic before it is read"),
        "partition.discovery.interval.ms" => Refused("Write the table's option 'scan.topic-partition-discovery.interval' = '1 min'"),
        _ => return None,
    })
}

/// Options of clients that write.
fn of_producer(name: &str) -> Option<Rule> {
    Some(match name {
        "acks"
        | "compression.type"
        | "linger.ms"
        | "batch.size"
        | "delivery.timeout.ms"
        | "retries"
        | "transaction.timeout.ms"
        | "max.in.flight.requests.per.connection"
        | "message.max.bytes"
        | "queue.buffering.max.messages"
        | "queue.buffering.max.kbytes"
        | "sticky.partitioning.linger.ms"
        | "enable.idempotence" => Named(""),
        "request.timeout.ms" => Named(""),
        "max.request.size" => Named("message.max.bytes"),
        "buffer.memory" => Kibibytes("queue.buffering.max.kbytes"),
        "max.block.ms" | "key.serializer" | "value.serializer" => Ignored,
        "transactional.id" => Refused("Write the table's option 'sink.transactional-id-prefix'"),
        "partitioner.class" | "partitioner" => Refused("Write the table's option 'sink.partitioner'"),
        _ => return None,
    })
}

/// Options that no client gets.
fn refused(name: &str) -> Option<Rule> {
    Some(match name {
        "plugin.library.paths" | "ssl.engine.location" | "ssl.engine.id" | "ssl.providers" => Refused(CODE),
        "interceptor.classes"
        | "metric.reporters"
        | "security.providers"
        | "ssl.engine.factory.class"
        | "sasl.login.class"
        | "sasl.client.callback.handler.class"
        | "sasl.login.callback.handler.class" => Refused(JAVA_CLASS),
        other if other.starts_with("sasl.kerberos.") => Refused(KERBEROS),
        other if other.starts_with("sasl.oauthbearer.") || other.starts_with("sasl.login.") => Refused(OAUTH),
        _ => return None,
    })
}

/// Names for "did you mean".
const COMMON: &[&str] = &[
    "bootstrap.servers",
    "client.id",
    "group.id",
    "security.protocol",
    "sasl.mechanism",
    "sasl.username",
    "sasl.password",
    JAAS,
    "ssl.ca.location",
    "ssl.ca.pem",
    "ssl.certificate.location",
    "ssl.key.location",
    "ssl.key.password",
    "isolation.level",
    "auto.offset.reset",
    "fetch.min.bytes",
    "fetch.max.bytes",
    "fetch.max.wait.ms",
    "max.partition.fetch.bytes",
    "acks",
    "compression.type",
    "linger.ms",
    "batch.size",
    "delivery.timeout.ms",
    "max.request.size",
    "transaction.timeout.ms",
];

/// The settings of a client, under the names of the library.
pub type Settings = BTreeMap<String, Secret>;

/// The settings that a table gives to a client.
pub fn settings(options: &Options<'_>, side: Side) -> Result<Settings> {
    let mut settings = Settings::new();
    for (key, value) in options.with_prefix(PREFIX) {
        let name = &key[PREFIX.len()..];
        let Some((of, rule)) = rule(name) else { return Err(unknown(options, key, name)) };
        let (name, value) = match rule {
            Refused(help) => return Err(options.error(&format!("the option '{key}' is not taken")).help(help)),
            Only(wanted, help) if !value.eq_ignore_ascii_case(wanted) => {
                return Err(options.error(&format!("'{key}' must be '{wanted}'")).help(help));
            }
            Only(..) | Ignored => continue,
            Named("") => (name, value.to_owned()),
            Named(other) => (other, value.to_owned()),
            Kibibytes(other) => (other, kibibytes(options, key, value)?),
        };
        if of == Both || of == side {
            settings.insert(name.to_owned(), Secret(cased(name, value)));
        }
    }
    stores(options, &mut settings)?;
    if let Some(text) = options.get(&format!("{PREFIX}{JAAS}")) {
        login(options, text, &mut settings)?;
    }
    let mechanism = settings.get("sasl.mechanism").map(|m| m.reveal().to_ascii_uppercase());
    match mechanism.as_deref() {
        None | Some("PLAIN" | "SCRAM-SHA-256" | "SCRAM-SHA-512") => Ok(settings),
        Some("GSSAPI") => Err(options.error("'properties.sasl.mechanism' = 'GSSAPI' is not built in").help(KERBEROS)),
        Some("OAUTHBEARER") => Err(options.error("'properties.sasl.mechanism' = 'OAUTHBEARER' is not built in").help(OAUTH)),
        Some(_) => Err(options
            .error("'properties.sasl.mechanism' is not a mechanism that is known")
            .help("Write 'PLAIN', 'SCRAM-SHA-256' or 'SCRAM-SHA-512'")),
    }
}

fn unknown(options: &Options<'_>, key: &str, name: &str) -> Error {
    let error = options.error(&format!("the option '{key}' is not one that is passed on to the Kafka client"));
    error.help(match nearest(name, COMMON.iter().copied()) {
        Some(near) => format!("Did you mean '{PREFIX}{near}'?"),
        None => "Leave it out; 'flott connectors kafka' names the options that there are".to_owned(),
    })
}

fn kibibytes(options: &Options<'_>, key: &str, value: &str) -> Result<String> {
    let bytes: u64 = value.trim().parse().map_err(|_| options.error(&format!("'{key}' must be a number of bytes")))?;
    Ok((bytes / 1024).max(1).to_string())
}

/// Words that the Java client writes in other letters.
fn cased(name: &str, value: String) -> String {
    match name {
        "security.protocol" | "isolation.level" | "compression.type" => value.trim().to_ascii_lowercase(),
        "sasl.mechanism" => value.trim().to_ascii_uppercase(),
        "ssl.endpoint.identification.algorithm" if value.trim().is_empty() => "none".to_owned(),
        _ => value,
    }
}

/// Where certificates and keys lie: the Java client has stores for them, of which this one reads PEM and PKCS12.
fn stores(options: &Options<'_>, settings: &mut Settings) -> Result<()> {
    let get = |name: &str| options.get(&format!("{PREFIX}{name}"));
    let is = |name: &str, kind: &str| get(name).is_some_and(|k| k.trim().eq_ignore_ascii_case(kind));
    if let Some(path) = get("ssl.truststore.location") {
        if !is("ssl.truststore.type", "PEM") {
            return Err(options
                .error("'properties.ssl.truststore.location' is a store of the Java client")
                .help("Write 'properties.ssl.ca.location' = a PEM file with the certificates; 'keytool -exportcert -rfc' makes one"));
        }
        settings.insert("ssl.ca.location".into(), Secret(path.to_owned()));
    }
    if let Some(path) = get("ssl.keystore.location") {
        let key = match () {
            () if is("ssl.keystore.type", "PKCS12") => "ssl.keystore.location",
            () if is("ssl.keystore.type", "PEM") => {
                settings.insert("ssl.certificate.location".into(), Secret(path.to_owned()));
                "ssl.key.location"
            }
            () => {
                return Err(options.error("'properties.ssl.keystore.location' is a store of the Java client").help(
                    "Turn it into one that others read: keytool -importkeystore -deststoretype PKCS12, and write \
                     'properties.ssl.keystore.type' = 'PKCS12'",
                ));
            }
        };
        settings.insert(key.into(), Secret(path.to_owned()));
    }
    Ok(())
}

/// User and password from the form in which the Java client takes them:
/// `org.apache.kafka.common.security.plain.PlainLoginModule required username="u" password="p";`
fn login(options: &Options<'_>, text: &str, settings: &mut Settings) -> Result<()> {
    let key = format!("{PREFIX}{JAAS}");
    let module = text.split_whitespace().next().unwrap_or_default();
    let class = module.rsplit('.').next().unwrap_or_default();
    if !matches!(class, "PlainLoginModule" | "ScramLoginModule") {
        // Not shown: where no module is named, this may be anything.
        let known = class.ends_with("LoginModule") && class.bytes().all(|b| b.is_ascii_alphanumeric());
        let what = if known { format!("names {class}") } else { "does not begin with a login module".to_owned() };
        return Err(options
            .error(&format!("'{key}' {what}"))
            .help("PlainLoginModule and ScramLoginModule are understood, with username=\"…\" password=\"…\""));
    }
    for (name, to) in [("username", "sasl.username"), ("password", "sasl.password")] {
        let pattern = format!(r#"\b{name}\s*=\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([^\s;"']+))"#);
        let pattern = Regex::new(&pattern).map_err(|e| Error::internal(e.to_string()))?;
        let found = pattern.captures(text).and_then(|c| c.iter().skip(1).flatten().next());
        let Some(found) = found else { return Err(options.error(&format!("'{key}' has no {name}=\"…\""))) };
        settings.insert(to.into(), Secret(unescaped(found.as_str())));
    }
    if !settings.contains_key("sasl.mechanism") {
        let mechanism = if class == "PlainLoginModule" { "PLAIN" } else { "SCRAM-SHA-512" };
        settings.insert("sasl.mechanism".into(), Secret(mechanism.to_owned()));
    }
    Ok(())
}

fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        out.extend(if c == '\\' { chars.next() } else { Some(c) });
    }
    out
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use arrow::datatypes::Schema;
    use flott_engine::connector::TableSpec;
    use std::sync::Arc;

    fn read(pairs: &[(&str, &str)], side: Side) -> Result<Settings> {
        let options = pairs.iter().map(|(k, v)| (format!("{PREFIX}{k}"), (*v).to_owned())).collect();
        let schema = Arc::new(Schema::empty());
        let table = TableSpec { name: "t".into(), schema, columns: vec![], options, partition_keys: vec![], primary_key: vec![] };
        settings(&Options::new(&table), side)
    }

    fn text(pairs: &[(&str, &str)]) -> String {
        read(pairs, Side::Both).unwrap_err().to_string()
    }

    #[test]
    fn what_loads_code_is_refused_by_name() {
        for name in ["plugin.library.paths", "ssl.engine.location", "ssl.providers", "interceptor.classes", "sasl.kerberos.kinit.cmd"] {
            assert!(text(&[(name, "x")]).contains(name), "{name}");
        }
        assert!(text(&[("opaque", "x")]).contains("not one that is passed on"));
        assert!(text(&[("bootstrap.server", "x")]).contains("Did you mean 'properties.bootstrap.servers'?"));
        assert!(text(&[("enable.auto.commit", "true")]).contains("must be 'false'"));
    }

    #[test]
    fn logins_of_the_java_client() {
        let jaas = r#"org.apache.kafka.common.security.scram.ScramLoginModule required username="me" password="a\"b;c";"#;
        let got = read(&[("sasl.jaas.config", jaas), ("security.protocol", "SASL_SSL")], Side::Consumer).unwrap();
        assert_eq!(got["sasl.password"].reveal(), "a\"b;c");
        assert_eq!(got["sasl.mechanism"].reveal(), "SCRAM-SHA-512");
        assert_eq!(got["security.protocol"].reveal(), "sasl_ssl");
        assert!(!format!("{got:?}").contains("a\"b"));
        let shown = text(&[("sasl.jaas.config", "hunter2 is my password")]);
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(text(&[("sasl.jaas.config", "com.sun.security.auth.module.JndiLoginModule required x=y;")]).contains("JndiLoginModule"));
    }

    #[test]
    fn stores_of_the_java_client() {
        assert!(text(&[("ssl.truststore.location", "/a.jks")]).contains("'properties.ssl.ca.location'"));
        let pem = read(&[("ssl.truststore.location", "/a.pem"), ("ssl.truststore.type", "PEM")], Side::Both).unwrap();
        assert_eq!(pem["ssl.ca.location"].reveal(), "/a.pem");
        assert!(text(&[("ssl.keystore.location", "/a.jks")]).contains("PKCS12"));
    }

    #[test]
    fn each_client_gets_its_own() {
        let pairs = [("bootstrap.servers", "h:1"), ("fetch.max.wait.ms", "5"), ("buffer.memory", "2048"), ("max.poll.records", "7")];
        let names = |side| read(&pairs, side).unwrap().into_keys().collect::<Vec<_>>();
        assert_eq!(names(Side::Consumer), ["bootstrap.servers", "fetch.wait.max.ms"]);
        assert_eq!(names(Side::Producer), ["bootstrap.servers", "queue.buffering.max.kbytes"]);
    }
}
