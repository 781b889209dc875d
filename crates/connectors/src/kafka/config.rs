//! What a table's options say, checked.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::{Field, FieldRef};
use flott_engine::connector::{ColumnRef, TableSpec};
use flott_engine::{Error, Result};
use regex::Regex;

use super::properties::{self, PREFIX, Settings, Side};
use super::{client, options};
use crate::formats::Slot;
use crate::options::Options;

pub const KEY_FIELDS: &str = "key.fields";
pub const KEY_PREFIX: &str = "key.fields-prefix";
pub const VALUE_INCLUDE: &str = "value.fields-include";
pub const STARTUP_MODE: &str = "scan.startup.mode";
pub const STARTUP_OFFSETS: &str = "scan.startup.specific-offsets";
pub const STARTUP_MILLIS: &str = "scan.startup.timestamp-millis";
pub const BOUNDED_MODE: &str = "scan.bounded.mode";
pub const BOUNDED_OFFSETS: &str = "scan.bounded.specific-offsets";
pub const BOUNDED_MILLIS: &str = "scan.bounded.timestamp-millis";
pub const DISCOVERY_INTERVAL: &str = "scan.topic-partition-discovery.interval";
pub const PARTITIONER: &str = "sink.partitioner";
pub const DELIVERY: &str = "sink.delivery-guarantee";
pub const TRANSACTION_PREFIX: &str = "sink.transactional-id-prefix";
pub const BAD_RECORD: &str = "flott.on-bad-record";
pub const DEAD_LETTER_TOPIC: &str = "flott.dead-letter.topic";
pub const PROGRESS_TOPIC: &str = "flott.progress.topic";
pub const PROGRESS_TOPIC_DEFAULT: &str = "flott-progress";

/// Milliseconds between two looks for new partitions, unless the table says otherwise.
const DISCOVERY_DEFAULT_MS: u64 = 5 * 60_000;

/// Which of the two connectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `kafka`: messages are rows, or changes that the format tells.
    Append,
    /// `upsert-kafka`: a message is the newest row of its key, and one without a value deletes it.
    Upsert,
}

/// Which topics.
#[derive(Debug, Clone)]
pub enum Topics {
    /// These.
    Named(Vec<String>),
    /// All whose whole name matches.
    Matching(Regex),
}

/// Offsets by partition.
pub type Offsets = BTreeMap<i32, i64>;

/// What to do for a partition of which the group has no offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reset {
    Earliest,
    Latest,
    Fail,
}

/// Where reading begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Startup {
    Earliest,
    Latest,
    Group(Reset),
    /// At the first message from this time on, milliseconds.
    Timestamp(i64),
    Specific(Offsets),
}

/// Where reading ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bound {
    Latest,
    Group,
    /// Before the first message from this time on, milliseconds.
    Timestamp(i64),
    Specific(Offsets),
}

/// What a message does that cannot be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnBad {
    Fail,
    Skip,
    /// Left out, and written to another topic.
    DeadLetter,
}

/// Which partition a row is written to, where nothing else says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Partitioner {
    /// By the hash of the key, as the Java client has it; any partition without a key.
    Default,
    /// One for each worker.
    Fixed,
    /// One after the other.
    RoundRobin,
}

/// What the sink promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guarantee {
    None,
    AtLeastOnce,
    ExactlyOnce,
}

/// Which columns of the table lie in the key and in the value of a message.
#[derive(Debug, Clone)]
pub struct Layout {
    pub kind: Kind,
    /// Places in [`TableSpec::schema`], in the order of the record.
    pub key: Vec<usize>,
    pub value: Vec<usize>,
    /// Their names and types in the record.
    pub key_fields: Vec<FieldRef>,
    pub value_fields: Vec<FieldRef>,
    /// Where the table names the value's format.
    pub value_slot: Slot,
}

/// How a table is read.
#[derive(Debug, Clone)]
pub struct SourceConfig {
    pub topics: Topics,
    pub layout: Layout,
    pub startup: Startup,
    pub bound: Option<Bound>,
    /// Milliseconds between two looks for new partitions; `None`: there is only the first.
    pub discovery_ms: Option<u64>,
    pub on_bad: OnBad,
    /// Positions are told to the group.
    pub commits: bool,
    pub settings: Settings,
    /// The topic for messages that cannot be decoded, and how the client that writes it is set up.
    pub dead_letters: Option<(String, Settings)>,
}

/// How a table is written.
#[derive(Debug, Clone)]
pub struct SinkConfig {
    /// `None`: each row names its own, in the metadata column `topic`.
    pub topic: Option<String>,
    pub layout: Layout,
    pub partitioner: Partitioner,
    pub guarantee: Guarantee,
    /// See [`TRANSACTION_PREFIX`]; there with exactly-once.
    pub transaction_prefix: Option<String>,
    pub progress_topic: String,
    pub settings: Settings,
}

/// Checks everything that can be told without a broker.
pub fn check(table: &TableSpec, kind: Kind) -> Result<()> {
    let options = Options::new(table);
    let infos = if kind == Kind::Append { options::KAFKA } else { options::UPSERT };
    let slot = value_slot(&options, kind);
    let mut known: Vec<String> = infos.iter().map(|o| o.key.to_owned()).collect();
    known.extend(slot.option_keys(slot.name(&options)?));
    if options.get(Slot::Key.option()).is_some() {
        known.extend(Slot::Key.option_keys(Slot::Key.name(&options)?));
        Slot::Key.check(&options)?;
    }
    if options.get("sink.semantic").is_some() {
        return Err(options.error("the option 'sink.semantic' is one of older Flink").help(format!("Write '{DELIVERY}'")));
    }
    known.extend(options.with_prefix(PREFIX).map(|(key, _)| key.to_owned()));
    options.check_known(known.iter().map(String::as_str))?;
    slot.check(&options)?;
    let layout = layout(table, &options, kind)?;
    if kind == Kind::Upsert && Slot::Value.changes(&options).is_some() {
        let name = options.get("value.format").unwrap_or_default();
        return Err(options
            .error(&format!("'value.format' = '{name}' tells changes, which upsert-kafka tells by itself"))
            .help("Write 'value.format' = 'json', or use the connector 'kafka'"));
    }
    if options.get("topic").is_some() == options.get("topic-pattern").is_some() {
        return Err(options.error("a table has either 'topic' or 'topic-pattern'").help("Write 'topic' = 'orders'"));
    }
    topics(&options)?;
    startup(&options, kind)?;
    bound(&options)?;
    on_bad(&options)?;
    options.bool("properties.commit.offsets.on.checkpoint", true)?;
    options.duration_ms(DISCOVERY_INTERVAL)?;
    sink_values(&options, kind, &layout)?;
    check_metadata(table)?;
    options.required("properties.bootstrap.servers", "'host:9092'")?;
    for side in [Side::Consumer, Side::Producer] {
        client::check(&options, &properties::settings(&options, side)?)?;
    }
    Ok(())
}

impl SourceConfig {
    /// Reads the options of a table that was checked.
    pub fn new(table: &TableSpec, kind: Kind) -> Result<Self> {
        check(table, kind)?;
        let options = Options::new(table);
        let bound = bound(&options)?;
        let mut settings = properties::settings(&options, Side::Consumer)?;
        let commits = settings.contains_key("group.id") && options.bool("properties.commit.offsets.on.checkpoint", true)?;
        client::set_default(&mut settings, "group.id", &format!("KafkaSource-{}", table.name.replace('`', "")));
        Ok(Self {
            topics: topics(&options)?,
            layout: layout(table, &options, kind)?,
            startup: startup(&options, kind)?,
            discovery_ms: match (&bound, options.duration_ms(DISCOVERY_INTERVAL)?.unwrap_or(DISCOVERY_DEFAULT_MS)) {
                (Some(_), _) | (None, 0) => None,
                (None, ms) => Some(ms),
            },
            bound,
            on_bad: on_bad(&options)?,
            commits,
            settings,
            dead_letters: match options.get(DEAD_LETTER_TOPIC) {
                Some(topic) => Some((topic.to_owned(), properties::settings(&options, Side::Producer)?)),
                None => None,
            },
        })
    }
}

impl SinkConfig {
    /// Reads the options of a table that was checked.
    pub fn new(table: &TableSpec, kind: Kind) -> Result<Self> {
        check(table, kind)?;
        let options = Options::new(table);
        let layout = layout(table, &options, kind)?;
        let names_topic = table.columns.iter().any(|c| matches!(c, ColumnRef::Metadata { key, .. } if key == "topic"));
        let topic = match topics(&options)? {
            Topics::Named(names) if names.len() == 1 => names.into_iter().next(),
            _ if names_topic => None,
            _ => {
                return Err(options
                    .error("a table that is written has one topic")
                    .help("Write 'topic' = 'orders', or declare a column `topic` STRING METADATA, by which each row names its own"));
            }
        };
        let (partitioner, guarantee) = sink_values(&options, kind, &layout)?;
        let transaction_prefix = options.get(TRANSACTION_PREFIX).map(str::to_owned);
        Ok(Self {
            topic,
            layout,
            partitioner,
            guarantee,
            transaction_prefix,
            progress_topic: options.get(PROGRESS_TOPIC).unwrap_or(PROGRESS_TOPIC_DEFAULT).to_owned(),
            settings: properties::settings(&options, Side::Producer)?,
        })
    }
}

/// Whether reading the table ends.
pub fn is_bounded(options: &BTreeMap<String, String>) -> bool {
    options.get(BOUNDED_MODE).is_some_and(|mode| !mode.trim().eq_ignore_ascii_case("unbounded"))
}

/// Where a table names its value's format.
pub fn value_slot(options: &Options<'_>, kind: Kind) -> Slot {
    if kind == Kind::Upsert || options.get(Slot::Value.option()).is_some() { Slot::Value } else { Slot::Whole }
}

fn layout(table: &TableSpec, options: &Options<'_>, kind: Kind) -> Result<Layout> {
    let prefix = options.get(KEY_PREFIX).unwrap_or_default();
    let include = options.one_of(VALUE_INCLUDE, &["ALL", "EXCEPT_KEY"], "ALL")?;
    if !prefix.is_empty() && include == "ALL" {
        return Err(options
            .error(&format!("'{KEY_PREFIX}' is for keys that are not in the value as well"))
            .help(format!("Add '{VALUE_INCLUDE}' = 'EXCEPT_KEY'")));
    }
    let names: Vec<String> = match kind {
        Kind::Append => options.get(KEY_FIELDS).into_iter().flat_map(|list| list.split(';')).map(|n| n.trim().to_owned()).collect(),
        Kind::Upsert if table.primary_key.is_empty() => {
            return Err(options
                .error("upsert-kafka needs a PRIMARY KEY, which is the key of its messages")
                .help("Declare PRIMARY KEY (…) NOT ENFORCED, or use the connector 'kafka'"));
        }
        Kind::Upsert => table.primary_key.clone(),
    };
    let has_format = options.get(Slot::Key.option()).is_some();
    if has_format == names.is_empty() {
        let (there, missing) = if has_format { ("key.format", KEY_FIELDS) } else { (KEY_FIELDS, "key.format") };
        let wanted = if has_format { "the columns of the key, 'id;region'" } else { "a format, 'json'" };
        return Err(options.error(&format!("'{there}' needs '{missing}'")).help(format!("Write '{missing}' = {wanted}")));
    }
    let fields = table.schema.fields();
    let (mut key, mut key_fields) = (vec![], vec![]);
    for name in &names {
        let Some(place) = fields.iter().position(|f| f.name() == name) else {
            return Err(options.error(&format!("'{KEY_FIELDS}' names the column '{name}', which the table does not have")));
        };
        let Some(short) = name.strip_prefix(prefix) else {
            return Err(options.error(&format!("the key's column '{name}' does not begin with '{KEY_PREFIX}' = '{prefix}'")));
        };
        key.push(place);
        key_fields.push(Arc::new(Field::clone(&fields[place]).with_name(short)));
    }
    let value: Vec<usize> = (0..fields.len()).filter(|i| include == "ALL" || !key.contains(i)).collect();
    let value_fields = value.iter().map(|i| fields[*i].clone()).collect();
    Ok(Layout { kind, key, value, key_fields, value_fields, value_slot: value_slot(options, kind) })
}

fn topics(options: &Options<'_>) -> Result<Topics> {
    if let Some(pattern) = options.get("topic-pattern") {
        let whole = Regex::new(&format!("^(?:{pattern})$"));
        return whole.map(Topics::Matching).map_err(|e| options.error(&format!("'topic-pattern' is not a regular expression: {e}")));
    }
    let list = options.required("topic", "'orders', or several as 'a;b'")?;
    let names: Vec<String> = list.split(';').map(|n| n.trim().to_owned()).collect();
    let good = |n: &String| !n.is_empty() && n.len() <= 249 && n.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    match names.iter().find(|n| !good(n)) {
        Some(bad) => Err(options.error(&format!("'topic' names '{bad}', which is no name of a topic"))),
        None => Ok(Topics::Named(names)),
    }
}

fn startup(options: &Options<'_>, kind: Kind) -> Result<Startup> {
    if kind == Kind::Upsert {
        return Ok(Startup::Earliest);
    }
    let reset = match options.one_of("properties.auto.offset.reset", &["earliest", "latest", "none"], "none")? {
        "earliest" => Reset::Earliest,
        "latest" => Reset::Latest,
        _ => Reset::Fail,
    };
    let modes = ["earliest-offset", "latest-offset", "group-offsets", "timestamp", "specific-offsets"];
    Ok(match options.one_of(STARTUP_MODE, &modes, "group-offsets")? {
        "earliest-offset" => Startup::Earliest,
        "latest-offset" => Startup::Latest,
        "timestamp" => Startup::Timestamp(millis(options, STARTUP_MODE, STARTUP_MILLIS)?),
        "specific-offsets" => Startup::Specific(offsets(options, STARTUP_MODE, STARTUP_OFFSETS)?),
        _ => Startup::Group(reset),
    })
}

fn bound(options: &Options<'_>) -> Result<Option<Bound>> {
    let modes = ["unbounded", "latest-offset", "group-offsets", "timestamp", "specific-offsets"];
    Ok(match options.one_of(BOUNDED_MODE, &modes, "unbounded")? {
        "latest-offset" => Some(Bound::Latest),
        "group-offsets" => Some(Bound::Group),
        "timestamp" => Some(Bound::Timestamp(millis(options, BOUNDED_MODE, BOUNDED_MILLIS)?)),
        "specific-offsets" => Some(Bound::Specific(offsets(options, BOUNDED_MODE, BOUNDED_OFFSETS)?)),
        _ => None,
    })
}

fn on_bad(options: &Options<'_>) -> Result<OnBad> {
    let choice = options.one_of(BAD_RECORD, &["fail", "skip", "dead-letter"], "fail")?;
    match (choice, options.get(DEAD_LETTER_TOPIC).is_some()) {
        ("dead-letter", true) => Ok(OnBad::DeadLetter),
        ("dead-letter", false) => Err(options
            .error(&format!("'{BAD_RECORD}' = 'dead-letter' needs '{DEAD_LETTER_TOPIC}'"))
            .help(format!("Write '{DEAD_LETTER_TOPIC}' = a topic that is there"))),
        (_, true) => Err(options.error(&format!("'{DEAD_LETTER_TOPIC}' needs '{BAD_RECORD}' = 'dead-letter'"))),
        ("skip", _) => Ok(OnBad::Skip),
        _ => Ok(OnBad::Fail),
    }
}

fn needed<'a>(options: &Options<'a>, mode: &str, key: &str, wanted: &str) -> Result<&'a str> {
    let missing = || options.error(&format!("'{mode}' needs '{key}'")).help(format!("Write '{key}' = '{wanted}'"));
    options.get(key).ok_or_else(missing)
}

fn millis(options: &Options<'_>, mode: &str, key: &str) -> Result<i64> {
    let text = needed(options, mode, key, "1700000000000")?;
    text.trim().parse().map_err(|_| options.wrong(key, text, "milliseconds since 1970, '1700000000000'"))
}

fn offsets(options: &Options<'_>, mode: &str, key: &str) -> Result<Offsets> {
    let text = needed(options, mode, key, "partition:0,offset:42;partition:1,offset:300")?;
    let one = |part: &str| {
        let (partition, offset) = part.trim().split_once(',')?;
        let partition: i32 = partition.trim().strip_prefix("partition:")?.trim().parse().ok()?;
        let offset: i64 = offset.trim().strip_prefix("offset:")?.trim().parse().ok()?;
        (partition >= 0 && offset >= 0).then_some((partition, offset))
    };
    let parts = text.split(';').filter(|p| !p.trim().is_empty());
    let parsed: Option<Offsets> = parts.map(one).collect();
    let parsed = parsed.filter(|p| !p.is_empty());
    let parsed = parsed.ok_or_else(|| options.wrong(key, text, "'partition:0,offset:42;partition:1,offset:300'"))?;
    match topics(options)? {
        Topics::Named(names) if names.len() == 1 => Ok(parsed),
        _ => Err(options.error(&format!("'{key}' is for tables of one topic"))),
    }
}

fn sink_values(options: &Options<'_>, kind: Kind, layout: &Layout) -> Result<(Partitioner, Guarantee)> {
    let guarantee = match options.one_of(DELIVERY, &["none", "at-least-once", "exactly-once"], "at-least-once")? {
        "none" => Guarantee::None,
        "exactly-once" => Guarantee::ExactlyOnce,
        _ => Guarantee::AtLeastOnce,
    };
    let prefix = options.get(TRANSACTION_PREFIX).map(str::trim);
    if guarantee == Guarantee::ExactlyOnce && prefix.is_none_or(str::is_empty) {
        return Err(options
            .error(&format!("'{DELIVERY}' = 'exactly-once' needs '{TRANSACTION_PREFIX}'"))
            .help(format!("Write '{TRANSACTION_PREFIX}' = a name that no other job uses")));
    }
    let partitioner = match options.get(PARTITIONER).map(str::trim) {
        None | Some("" | "default") => Partitioner::Default,
        Some("fixed") => Partitioner::Fixed,
        Some("round-robin") if layout.key.is_empty() => Partitioner::RoundRobin,
        Some("round-robin") => {
            return Err(options
                .error(&format!("'{PARTITIONER}' = 'round-robin' would scatter the messages of a key"))
                .help("Leave it out: messages with a key go to a partition by the key"));
        }
        Some(class) if class.contains('.') => {
            return Err(options
                .error(&format!("'{PARTITIONER}' = '{class}' names a Java class, and there is no JVM"))
                .help("Write 'default', 'fixed' or 'round-robin'"));
        }
        Some(other) => return Err(options.unknown_value(PARTITIONER, other, &["default", "fixed", "round-robin"])),
    };
    if kind == Kind::Upsert {
        options.number("sink.buffer-flush.max-rows")?;
        options.duration_ms("sink.buffer-flush.interval")?;
    }
    Ok((partitioner, guarantee))
}

/// Fails for a metadata column that there is not.
pub fn check_metadata(table: &TableSpec) -> Result<()> {
    for column in &table.columns {
        let ColumnRef::Metadata { key, name, .. } = column else { continue };
        let all = super::metadata::all();
        if !all.iter().any(|m| m.key == key) {
            let keys: Vec<&str> = all.iter().map(|m| m.key).collect();
            return Err(Error::config(format!("Table {}: messages have no metadata '{key}' (column '{name}')", table.name))
                .help(format!("There are: {}", keys.join(", "))));
        }
    }
    Ok(())
}
