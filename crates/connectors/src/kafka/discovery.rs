//! The thread that looks for partitions and settles where reading begins and ends in each. What it settles is kept with the split, so
//! that "the latest" does not become later with a restart.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use flott_engine::source::SplitInfo;
use flott_engine::{Error, Result};
use rdkafka::consumer::Consumer as _;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::metadata::{Metadata, MetadataTopic};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::client::{Consumer, REQUEST_TIMEOUT, passes, reason};
use super::config::{Bound, Offsets, Reset, SourceConfig, Startup, Topics};
use super::source::{Partition, Range, Shared};
use super::topic_ids::topic_ids;

/// Times between two attempts while the brokers do not answer.
const BACKOFF_MIN: Duration = Duration::from_millis(200);
const BACKOFF_MAX: Duration = Duration::from_secs(5);
/// How often a topic is looked for that is not there: one that was just created may not be known to every broker.
const UNKNOWN_TOPIC_ATTEMPTS: u32 = 4;

/// A partition of a topic.
type Name = (String, i32);

/// Why something was not found out.
enum Failed {
    /// Ask again.
    Passing(String),
    /// The topic is not there, perhaps not yet.
    Missing(Error),
    /// Give up.
    For(Error),
}

/// What is known of the table's topics.
struct Known {
    /// Names of splits.
    splits: BTreeSet<String>,
    /// Ids of topics.
    topics: HashMap<String, String>,
}

impl Known {
    fn new(restored: &[SplitInfo]) -> Self {
        let mut known = Self { splits: BTreeSet::new(), topics: HashMap::new() };
        restored.iter().for_each(|split| known.add(split));
        known
    }

    fn add(&mut self, split: &SplitInfo) {
        self.splits.insert(split.id.clone());
        let range: Option<Range> = serde_json::from_str(&split.detail).ok();
        if let (Some((topic, _)), Some(id)) = (split.id.rsplit_once('-'), range.and_then(|r| r.topic_id)) {
            self.topics.insert(topic.to_owned(), id);
        }
    }

    /// Fails for a topic that is not the one it was.
    fn check(&self, ids: &HashMap<String, String>) -> Result<(), Failed> {
        for (topic, was) in &self.topics {
            if let Some(is) = ids.get(topic).filter(|is| *is != was) {
                let text = format!("the topic '{topic}' was deleted and made anew since the job read it (its id was {was}, and is {is})");
                return Err(Failed::For(Error::state(text).help("Its offsets mean other messages now: start over with --fresh")));
            }
        }
        Ok(())
    }
}

/// Looks for partitions, again and again if the table says so, until it is told to stop.
pub fn run(shared: &Shared, consumer: &Arc<Consumer>) {
    let config = &shared.config;
    let mut known = Known::new(&std::mem::take(&mut shared.state().restored));
    // What comes up later is read from its beginning.
    let mut first = known.splits.is_empty();
    let (mut backoff, mut missing) = (BACKOFF_MIN, 0);
    while !shared.stopping() {
        match look(consumer, config, &known, first) {
            Ok(found) => {
                consumer.context().news.reached();
                if let (true, Some(Err(error))) = (first, shared.letters.as_ref().map(|letters| letters.check())) {
                    return shared.fail(error);
                }
                (backoff, missing, first) = (BACKOFF_MIN, 0, false);
                found.iter().for_each(|split| known.add(split));
                let mut state = shared.state();
                state.found.extend(found);
                (state.all_found, state.checked) = (config.bound.is_some(), true);
                drop(state);
                shared.fetcher.call();
                match config.discovery_ms {
                    Some(ms) => shared.discovery.wait(Duration::from_millis(ms)),
                    None => return,
                }
                continue;
            }
            Err(Failed::For(error)) => return shared.fail(error),
            Err(Failed::Missing(error)) if !shared.state().checked => {
                missing += 1;
                if missing >= UNKNOWN_TOPIC_ATTEMPTS {
                    return shared.fail(error);
                }
            }
            // A topic that was there may come back; what was read of it fails by itself.
            Err(Failed::Missing(error)) => consumer.context().news.away(&error.message),
            Err(Failed::Passing(reason)) => consumer.context().news.away(&reason),
        }
        shared.discovery.wait(backoff);
        backoff = (backoff * 2).min(BACKOFF_MAX);
    }
}

/// Partitions that are not known yet, with where reading begins and ends.
fn look(consumer: &Consumer, config: &SourceConfig, known: &Known, first: bool) -> Result<Vec<SplitInfo>, Failed> {
    let mut names = partitions(consumer, &config.topics)?;
    let topics: BTreeSet<&str> = names.iter().map(|(topic, _)| topic.as_str()).collect();
    let ids = topic_ids(consumer, &topics.into_iter().collect::<Vec<_>>());
    known.check(&ids)?;
    names.retain(|(topic, number)| !known.splits.contains(&Partition::id(topic, *number)));
    if !first && config.bound.is_some() {
        return Ok(vec![]);
    }
    let startup = if first { &config.startup } else { &Startup::Earliest };
    let resolver = Resolver { consumer, config, names: &names };
    let starts = resolver.starts(startup)?;
    let stops = match &config.bound {
        Some(bound) => resolver.stops(bound)?,
        None => HashMap::new(),
    };
    let mut found = vec![];
    for name in &names {
        let topic_id = ids.get(&name.0).cloned();
        let mut range = Range { start: starts.get(name).copied(), stop: stops.get(name).copied(), topic_id };
        if let (None, Some(stop)) = (range.start, range.stop)
            && resolver.watermarks(name)?.0 >= stop
        {
            range.start = Some(stop); // there is nothing to be read
        }
        let detail = serde_json::to_string(&range).map_err(|e| Failed::For(Error::internal(e.to_string())))?;
        found.push(SplitInfo { id: Partition::id(&name.0, name.1), detail });
    }
    Ok(found)
}

/// What an error of a request means.
fn failed(error: &KafkaError, what: &str) -> Failed {
    match error.rdkafka_error_code() {
        Some(code) if !passes(code) => Failed::For(Error::io(format!("{what}: {}", reason(error)))),
        _ => Failed::Passing(reason(error)),
    }
}

/// All partitions of the topics, in order.
fn partitions(consumer: &Consumer, topics: &Topics) -> Result<Vec<Name>, Failed> {
    let mut names = vec![];
    let mut add = |topic: &MetadataTopic| {
        names.extend(topic.partitions().iter().map(|p| (topic.name().to_owned(), p.id())));
    };
    match topics {
        Topics::Named(wanted) => {
            for name in wanted {
                let metadata = consumer.fetch_metadata(Some(name), REQUEST_TIMEOUT);
                let metadata = metadata.map_err(|e| failed(&e, &format!("topic {name}")))?;
                match topic_in(&metadata, name) {
                    Ok(topic) => add(topic),
                    Err(code) if is_missing(code) => return Err(Failed::Missing(no_topic(name))),
                    Err(code) if passes(code) => return Err(Failed::Passing(format!("topic {name}: {code}"))),
                    Err(code) => return Err(Failed::For(Error::io(format!("topic {name}: {code}")))),
                }
            }
        }
        Topics::Matching(pattern) => {
            let metadata = consumer.fetch_metadata(None, REQUEST_TIMEOUT).map_err(|e| failed(&e, "the list of topics"))?;
            metadata.topics().iter().filter(|t| pattern.is_match(t.name()) && t.error().is_none()).for_each(&mut add);
        }
    }
    names.sort();
    Ok(names)
}

/// What the brokers tell of a topic; one without partitions is not there yet.
pub fn topic_in<'a>(metadata: &'a Metadata, name: &str) -> Result<&'a MetadataTopic, RDKafkaErrorCode> {
    let topic = metadata.topics().iter().find(|t| t.name() == name);
    match topic.and_then(|t| t.error()).map(RDKafkaErrorCode::from) {
        Some(code) => Err(code),
        None => topic.filter(|t| !t.partitions().is_empty()).ok_or(RDKafkaErrorCode::UnknownTopicOrPartition),
    }
}

/// Whether there is no such topic.
pub fn is_missing(code: RDKafkaErrorCode) -> bool {
    matches!(code, RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic)
}

/// The error for a topic that is not there.
pub fn no_topic(name: &str) -> Error {
    Error::config(format!("there is no topic '{name}' at these brokers")).help("Create it first: kafka-topics.sh --create --topic …")
}

/// Finds offsets in partitions.
struct Resolver<'a> {
    consumer: &'a Consumer,
    config: &'a SourceConfig,
    names: &'a [Name],
}

impl Resolver<'_> {
    /// Where reading begins; a partition that is not in the answer is read from its beginning.
    fn starts(&self, startup: &Startup) -> Result<HashMap<Name, i64>, Failed> {
        match startup {
            Startup::Earliest => Ok(HashMap::new()),
            Startup::Latest => self.ends(),
            Startup::Timestamp(ms) => self.at_time(*ms),
            Startup::Group(reset) => self.group(*reset),
            Startup::Specific(offsets) => {
                let mut starts = self.group(Reset::Earliest)?;
                starts.extend(self.named(offsets));
                Ok(starts)
            }
        }
    }

    /// Where reading ends; a partition that is not in the answer is read for ever.
    fn stops(&self, bound: &Bound) -> Result<HashMap<Name, i64>, Failed> {
        match bound {
            Bound::Latest => self.ends(),
            Bound::Timestamp(ms) => self.at_time(*ms),
            Bound::Group => self.group(Reset::Fail),
            Bound::Specific(offsets) => Ok(self.named(offsets).collect()),
        }
    }

    fn named<'b>(&'b self, offsets: &'b Offsets) -> impl Iterator<Item = (Name, i64)> + 'b {
        self.names.iter().filter_map(|name| Some((name.clone(), *offsets.get(&name.1)?)))
    }

    /// The first offset there is and the one behind the last.
    fn watermarks(&self, (topic, number): &Name) -> Result<(i64, i64), Failed> {
        let found = self.consumer.fetch_watermarks(topic, *number, REQUEST_TIMEOUT);
        found.map_err(|e| failed(&e, &format!("topic {topic}, partition {number}")))
    }

    fn ends(&self) -> Result<HashMap<Name, i64>, Failed> {
        self.names.iter().map(|name| Ok((name.clone(), self.watermarks(name)?.1))).collect()
    }

    fn list(&self, offset: Offset) -> Result<TopicPartitionList, Failed> {
        let mut list = TopicPartitionList::new();
        for (topic, number) in self.names {
            let added = list.add_partition_offset(topic, *number, offset);
            added.map_err(|e| Failed::For(Error::internal(format!("offset {offset:?}: {}", reason(&e)))))?;
        }
        Ok(list)
    }

    /// The first message from a time on, or else the end.
    fn at_time(&self, ms: i64) -> Result<HashMap<Name, i64>, Failed> {
        if self.names.is_empty() {
            return Ok(HashMap::new());
        }
        let found = self.consumer.offsets_for_times(self.list(Offset::Offset(ms.max(0)))?, REQUEST_TIMEOUT);
        let found = found.map_err(|e| failed(&e, "offsets at a time"))?;
        let mut offsets = HashMap::new();
        for element in found.elements() {
            let name = (element.topic().to_owned(), element.partition());
            element.error().map_err(|e| failed(&e, &format!("topic {}, partition {}", name.0, name.1)))?;
            let offset = match element.offset() {
                Offset::Offset(offset) if offset >= 0 => offset,
                _ => self.watermarks(&name)?.1,
            };
            offsets.insert(name, offset);
        }
        Ok(offsets)
    }

    /// What the group has committed.
    fn group(&self, reset: Reset) -> Result<HashMap<Name, i64>, Failed> {
        if self.names.is_empty() {
            return Ok(HashMap::new());
        }
        let found = self.consumer.committed_offsets(self.list(Offset::Invalid)?, REQUEST_TIMEOUT);
        let found = found.map_err(|e| failed(&e, "the group's offsets"))?;
        let mut offsets = HashMap::new();
        for element in found.elements() {
            let name = (element.topic().to_owned(), element.partition());
            match (element.offset(), reset) {
                (Offset::Offset(offset), _) => {
                    offsets.insert(name, offset);
                }
                (_, Reset::Earliest) => {}
                (_, Reset::Latest) => {
                    let end = self.watermarks(&name)?.1;
                    offsets.insert(name, end);
                }
                (_, Reset::Fail) => return Err(Failed::For(self.no_offset(&name))),
            }
        }
        Ok(offsets)
    }

    fn no_offset(&self, (topic, number): &Name) -> Error {
        let group = self.config.settings.get("group.id").map(|g| g.reveal()).unwrap_or_default();
        Error::config(format!("topic {topic}, partition {number}: the group '{group}' has committed no offset")).help(
            "Write 'scan.startup.mode' = 'earliest-offset' or 'latest-offset', or 'properties.auto.offset.reset' = 'earliest' for partitions without one",
        )
    }
}
