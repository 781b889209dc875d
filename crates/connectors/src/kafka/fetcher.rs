//! The thread that reads: takes messages from the client as they come and puts them where the loop finds them.

use std::cell::Cell;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use flott_engine::Error;
use rdkafka::consumer::{CommitMode, Consumer as _};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::client::{Consumer, REQUEST_TIMEOUT, passes, reason};
use super::messages::MessageSet;
use super::queue::{Event, PartitionQueue};
use super::source::{Partition, Shared};

/// Longest time without looking at everything.
const REST: Duration = Duration::from_millis(100);
/// How long the end of a job waits for the group's offsets to be committed.
const COMMIT_WAIT: Duration = Duration::from_secs(2);
/// Most messages taken of a partition before others have their turn.
const MESSAGES_AT_ONCE: usize = 1000;
/// Bytes that one turn should not take much more than.
const BYTES_AT_ONCE: usize = 1 << 20;

/// A partition with its queue.
struct Reading {
    partition: Arc<Partition>,
    queue: PartitionQueue,
    /// How large its messages are, about; bytes.
    message_bytes: usize,
}

/// Reads until it is told to stop.
pub fn run(shared: &Shared, consumer: &Arc<Consumer>) {
    let mut reading: Vec<Reading> = vec![];
    loop {
        let (opened, commit, stop) = {
            let mut state = shared.state();
            let opened = if state.checked { std::mem::take(&mut state.opened) } else { vec![] };
            (opened, std::mem::take(&mut state.commit), state.stop)
        };
        if !opened.is_empty()
            && let Err(error) = open(shared, consumer, opened, &mut reading)
        {
            shared.fail(error);
        }
        tell_group(consumer, &commit);
        if stop {
            break;
        }
        serve(shared, consumer);
        if let Some(Err(error)) = shared.letters.as_ref().map(|letters| letters.send()) {
            shared.fail(error);
        }
        let taken: usize = reading.iter_mut().filter(|r| r.partition.has_room()).map(|r| take(shared, consumer, r)).sum();
        close_ended(consumer, &mut reading);
        if taken == 0 {
            shared.fetcher.wait(REST);
        }
    }
    let since = Instant::now();
    while consumer.context().commits.load(Ordering::SeqCst) > 0 && since.elapsed() < COMMIT_WAIT {
        // Answers are served in here.
        let _ = consumer.poll(Duration::from_millis(20));
    }
}

/// Takes up partitions.
fn open(shared: &Shared, consumer: &Arc<Consumer>, opened: Vec<Arc<Partition>>, reading: &mut Vec<Reading>) -> flott_engine::Result<()> {
    let mut assigned = TopicPartitionList::new();
    for partition in opened {
        if let (Some(start), Some(stop)) = (partition.start, partition.stop)
            && start >= stop
        {
            partition.end();
            continue;
        }
        let offset = partition.start.map_or(Offset::Beginning, Offset::Offset);
        let wrong = |e| Error::internal(format!("offset {offset:?} of topic {}: {}", partition.topic, reason(&e)));
        assigned.add_partition_offset(&partition.topic, partition.number, offset).map_err(wrong)?;
        let queue = PartitionQueue::open(consumer, &partition.topic, partition.number, &shared.fetcher)?;
        reading.push(Reading { partition, queue, message_bytes: 0 });
    }
    if assigned.count() == 0 {
        return Ok(());
    }
    consumer.incremental_assign(&assigned).map_err(|e| Error::io(format!("Kafka partitions cannot be read: {}", reason(&e))))
}

/// Serves what the client has to tell.
fn serve(shared: &Shared, consumer: &Consumer) {
    match consumer.poll(Duration::ZERO) {
        Some(Err(error)) => match error.rdkafka_error_code() {
            Some(code) if !passes(code) => {
                let news = &consumer.context().news;
                news.tell(&error, "");
                shared.fail(news.refusal().unwrap_or_else(|| Error::io(format!("Kafka cannot be read: {}", reason(&error)))));
            }
            Some(_) => consumer.context().news.away(&reason(&error)),
            None => {}
        },
        Some(Ok(_)) => shared.fail(Error::internal("a message came by the client's common queue")),
        None => {}
    }
    if let Some(error) = consumer.context().news.refusal() {
        shared.fail(error);
    }
}

/// Takes what a partition has ready. Tells how many messages that was.
fn take(shared: &Shared, consumer: &Consumer, reading: &mut Reading) -> usize {
    let partition = &reading.partition;
    let most = (BYTES_AT_ONCE / reading.message_bytes.max(1)).clamp(8, MESSAGES_AT_ONCE);
    let mut set = MessageSet::default();
    let (ended, mut failed) = (Cell::new(false), None);
    let stop = partition.stop.unwrap_or(i64::MAX);
    let count = reading.queue.take(
        most,
        |message| {
            if message.offset() < stop {
                set.push(message, &shared.wanted);
            }
            ended.set(ended.get() || message.offset() >= stop - 1);
        },
        |event| match event {
            Event::End(offset) => ended.set(ended.get() || offset >= stop),
            Event::Failed(code) => failed = Some(code),
        },
    );
    if let Some(high) = reading.queue.high_watermark() {
        partition.high.store(high, Ordering::Relaxed);
    }
    if set.len() > 0 {
        reading.message_bytes = set.bytes() / set.len();
        consumer.context().news.reached();
        partition.push(set);
    }
    if ended.get() {
        partition.end();
    }
    if let Some(code) = failed {
        match unreadable(consumer, partition, code) {
            Some(error) => shared.fail(error),
            None => consumer.context().news.away(&code.to_string()),
        }
    }
    count
}

/// Why a partition cannot be read; `None`: the client tries again.
fn unreadable(consumer: &Consumer, partition: &Partition, code: RDKafkaErrorCode) -> Option<Error> {
    use RDKafkaErrorCode as C;
    let Partition { topic, number, .. } = partition;
    match code {
        C::AutoOffsetReset | C::OffsetOutOfRange | C::NoOffset | C::LogTruncation => Some(gone(consumer, partition)),
        C::UnknownTopicOrPartition | C::UnknownTopic | C::UnknownPartition => {
            Some(Error::io(format!("topic {topic}, partition {number}: there is no such partition any more")))
        }
        code if !passes(code) => Some(Error::io(format!("topic {topic}, partition {number}: {code}"))),
        _ => None,
    }
}

/// The error for a place in a partition that is not there.
fn gone(consumer: &Consumer, partition: &Partition) -> Error {
    let Partition { topic, number, .. } = partition;
    let there = match consumer.fetch_watermarks(topic, *number, REQUEST_TIMEOUT) {
        Ok((low, high)) => format!("it has offsets {low} to {high}"),
        Err(_) => "what it has cannot be told now".to_owned(),
    };
    let wanted = partition.start.map(|o| format!("offset {o}")).unwrap_or_else(|| "the beginning".to_owned());
    let text = format!("topic {topic}, partition {number}: reading cannot go on at or behind {wanted}; {there}");
    match partition.resumed {
        true => Error::state(text).help(
            "Messages that the job has not read were removed, or the topic was made anew. Start over with --fresh, or bring the topic back",
        ),
        false => Error::data(text).help("Choose another 'scan.startup.mode'"),
    }
}

/// Lets go of partitions that have ended.
fn close_ended(consumer: &Consumer, reading: &mut Vec<Reading>) {
    let mut done = TopicPartitionList::new();
    reading.retain(|r| {
        let ended = r.partition.has_ended();
        if ended {
            done.add_partition(&r.partition.topic, r.partition.number);
        }
        !ended
    });
    if done.count() > 0 {
        // What still comes of them is thrown away.
        let _ = consumer.incremental_unassign(&done);
    }
}

/// Commits offsets of the group, for others to see how far the job is.
fn tell_group(consumer: &Consumer, commit: &[(String, i32, i64)]) {
    let mut offsets = TopicPartitionList::new();
    let mut known = HashSet::new();
    for (topic, partition, offset) in commit {
        if known.insert((topic, partition)) {
            // Fails for numbers that are no offsets, which positions are.
            let _ = offsets.add_partition_offset(topic, *partition, Offset::Offset(*offset));
        }
    }
    if offsets.count() > 0 {
        consumer.context().commits.fetch_add(1, Ordering::SeqCst);
        if consumer.commit(&offsets, CommitMode::Async).is_err() {
            consumer.context().commits.fetch_sub(1, Ordering::SeqCst);
        }
    }
}
