//! The options of `kafka` and `upsert-kafka`, for users.

use flott_engine::connector::OptionInfo;

use super::config::*;

const fn option(key: &'static str, default: Option<&'static str>, description: &'static str) -> OptionInfo {
    OptionInfo { key, required: false, default, description }
}

const fn required(key: &'static str, description: &'static str) -> OptionInfo {
    OptionInfo { key, required: true, default: None, description }
}

const SERVERS: OptionInfo = required("properties.bootstrap.servers", "Brokers to begin with: 'host:9092,host:9092'.");
const CLIENT: OptionInfo = option(
    "properties.…",
    None,
    "Options of the Kafka client, by the names of the Java client: security.protocol, sasl.mechanism, sasl.jaas.config (or sasl.username \
     and sasl.password), ssl.ca.location, isolation.level, fetch.max.bytes, acks, linger.ms, compression.type, max.request.size, …",
);
const PREFIX: OptionInfo =
    option(KEY_PREFIX, None, "Stands before the names of the key's columns in the table, and not in the key itself.");
const INCLUDE: OptionInfo = option(VALUE_INCLUDE, Some("ALL"), "ALL: the value has the key's columns, too. EXCEPT_KEY: it has not.");
const BOUNDED: OptionInfo = option(
    BOUNDED_MODE,
    Some("unbounded"),
    "Where reading ends: unbounded, latest-offset, group-offsets, timestamp or specific-offsets, each as it is when the job begins.",
);
const BOUNDED_AT: OptionInfo = option(BOUNDED_OFFSETS, None, "For specific-offsets: 'partition:0,offset:42;partition:1,offset:300'.");
const BOUNDED_TIME: OptionInfo = option(BOUNDED_MILLIS, None, "For timestamp: milliseconds since 1970.");
const DISCOVERY: OptionInfo = option(
    DISCOVERY_INTERVAL,
    Some("5 min"),
    "How often to look for new partitions and topics, which are read from their beginning; 0: never.",
);
const GUARANTEE: OptionInfo = option(
    DELIVERY,
    Some("at-least-once"),
    "none; at-least-once: a checkpoint waits for the brokers' receipts; exactly-once: each checkpoint's rows are one transaction.",
);
const TRANSACTIONS: OptionInfo = option(
    TRANSACTION_PREFIX,
    None,
    "Begins the names of the sink's transactions; needed for exactly-once. The job's name follows it: of two jobs with the same prefix and name, wherever they run, one ends the other.",
);
const NAMING: OptionInfo = option(
    "sink.transaction-naming-strategy",
    Some("INCREMENTING"),
    "Taken for compatibility: a sink has one transaction at a time, and its name does not change.",
);
const BAD: OptionInfo = option(
    BAD_RECORD,
    Some("fail"),
    "What a message does that cannot be decoded: fail stops the job; skip leaves the message out and counts it; dead-letter also writes \
     it to 'flott.dead-letter.topic'. Flink does not know this option.",
);
const LETTERS: OptionInfo = option(
    DEAD_LETTER_TOPIC,
    None,
    "For dead-letter: the topic, at the same brokers. Headers tell topic, partition, offset and what is wrong. Flink does not know this option.",
);
const PROGRESS: OptionInfo = option(
    PROGRESS_TOPIC,
    Some(PROGRESS_TOPIC_DEFAULT),
    "For exactly-once: the compacted topic of one partition in which sinks note what they have delivered. Flink does not know this option.",
);

/// Options of `kafka`.
pub const KAFKA: &[OptionInfo] = &[
    SERVERS,
    required("format", "How the value is written: json, csv, raw, debezium-json, …; 'value.format' is the same."),
    option("value.format", None, "As 'format'; its options then begin with 'value.': 'value.json.ignore-parse-errors'."),
    option("topic", None, "Topics to read, 'a;b', or the topic to write."),
    option("topic-pattern", None, "Reads all topics whose whole name matches this pattern."),
    option("key.format", None, "How the key is written; its options begin with 'key.': 'key.json.ignore-parse-errors'."),
    option(KEY_FIELDS, None, "The columns that the key has: 'id;region'."),
    PREFIX,
    INCLUDE,
    option(
        STARTUP_MODE,
        Some("group-offsets"),
        "Where reading begins without a checkpoint: earliest-offset, latest-offset, group-offsets, timestamp or specific-offsets.",
    ),
    option(STARTUP_OFFSETS, None, "For specific-offsets: 'partition:0,offset:42;partition:1,offset:300'."),
    option(STARTUP_MILLIS, None, "For timestamp: milliseconds since 1970."),
    BOUNDED,
    BOUNDED_AT,
    BOUNDED_TIME,
    DISCOVERY,
    option(
        "properties.group.id",
        None,
        "The group for group-offsets, to which positions are told with each checkpoint; they are read from the checkpoint, not from there.",
    ),
    CLIENT,
    BAD,
    LETTERS,
    option(PARTITIONER, Some("default"), "default: by the key, or any; fixed: one partition for each worker; round-robin."),
    GUARANTEE,
    TRANSACTIONS,
    NAMING,
    PROGRESS,
];

/// Options of `upsert-kafka`.
pub const UPSERT: &[OptionInfo] = &[
    SERVERS,
    required("topic", "The topic; to be read, 'a;b' are several."),
    required("key.format", "How the key is written, which has the columns of the PRIMARY KEY: json, csv, raw."),
    required("value.format", "How the value is written: json, csv, raw."),
    PREFIX,
    INCLUDE,
    BOUNDED,
    BOUNDED_AT,
    BOUNDED_TIME,
    DISCOVERY,
    option("properties.group.id", None, "The group to which positions are told with each checkpoint."),
    CLIENT,
    BAD,
    LETTERS,
    option("sink.buffer-flush.max-rows", Some("0"), "Taken for compatibility: the changes of a key within a tick are one message anyway."),
    option("sink.buffer-flush.interval", Some("0"), "Taken for compatibility; see above."),
    GUARANTEE,
    TRANSACTIONS,
    NAMING,
    PROGRESS,
];
