//! Jobs that stop and go on: positions, partitions that come up, messages that are gone, brokers that are away.

use std::time::{Duration, Instant};

use flott::{RunOptions, StopFlag};
use flott_testkit::kafka::{Broker, Sent, shared};

use crate::{run_in, table, written};

const CHECKPOINTS: &str = "SET 'execution.checkpointing.interval' = '100ms';\n";

fn reading(broker: &Broker, topic: &str, more: &str) -> String {
    let options = format!("{}, 'properties.group.id' = 'group-{topic}', {more}", written(topic));
    table(broker, "t", "id INT", &options)
}

fn values(ids: std::ops::Range<i32>) -> Vec<String> {
    ids.map(|id| format!(r#"{{"id":{id}}}"#)).collect()
}

fn send(broker: &Broker, topic: &str, partition: i32, ids: std::ops::Range<i32>) {
    let values = values(ids);
    let sent: Vec<Sent<'_>> = values.iter().map(|v| Sent { partition, value: Some(v), ..Sent::default() }).collect();
    broker.send(topic, &sent);
}

/// Stops a run when `ready` says so, at the latest after 20 s.
fn stop_when(stop: &StopFlag, ready: impl Fn() -> bool + Send + 'static) -> std::thread::JoinHandle<bool> {
    let stop = stop.clone();
    std::thread::spawn(move || {
        let since = Instant::now();
        while since.elapsed() < Duration::from_secs(20) && !ready() {
            std::thread::sleep(Duration::from_millis(20));
        }
        stop.set();
        since.elapsed() < Duration::from_secs(20)
    })
}

/// Runs a job that copies `t` to the topic `out` until that topic has so many messages, then stops it.
fn copy_until(broker: &'static Broker, folder: &std::path::Path, source: &str, out: &'static str, count: usize) -> flott::Collected {
    let sink = table(broker, "o", "id INT", &written(out));
    let stop = StopFlag::default();
    let stopper = stop_when(&stop, move || broker.read(out).len() >= count);
    let done = run_in(folder, &format!("{CHECKPOINTS}{source}{sink} INSERT INTO o SELECT * FROM t;"), |o: &mut RunOptions| o.stop = stop);
    assert!(stopper.join().unwrap(), "{out} has {} messages, not {count}: {done:?}", broker.read(out).len());
    done.unwrap()
}

fn ids(broker: &Broker, topic: &str) -> Vec<i32> {
    let id = |m: flott_testkit::kafka::Got| m.value.unwrap().trim_matches(|c: char| !c.is_ascii_digit()).parse().unwrap();
    let mut ids: Vec<i32> = broker.read(topic).into_iter().map(id).collect();
    ids.sort();
    ids
}

#[test]
fn a_job_goes_on_where_it_was() {
    let Some(broker) = shared() else { return };
    let folder = tempfile::tempdir().unwrap();
    broker.create_topic("again", 2, &[]);
    broker.create_topic("again-out", 1, &[]);
    send(broker, "again", 0, 0..10);
    // The end is where it was when the job first began, not where it is when it goes on.
    let source = reading(broker, "again", "'scan.startup.mode' = 'latest-offset', 'scan.topic-partition-discovery.interval' = '200ms'");
    let producer = std::thread::spawn(move || {
        // The job looks for the end first.
        std::thread::sleep(Duration::from_millis(2500));
        send(broker, "again", 0, 10..20);
    });
    copy_until(broker, folder.path(), &source, "again-out", 10);
    producer.join().unwrap();
    assert_eq!(ids(broker, "again-out"), (10..20).collect::<Vec<_>>());
    assert_eq!(broker.committed("group-again", "again", 0), Some(20));
    // While it does not run, messages and a partition come up.
    send(broker, "again", 0, 20..30);
    send(broker, "again", 1, 30..40);
    broker.add_partitions("again", 3);
    send(broker, "again", 2, 40..50);
    let resumed = copy_until(broker, folder.path(), &source, "again-out", 40);
    assert_eq!(ids(broker, "again-out"), (10..50).collect::<Vec<_>>());
    assert!(resumed.reports[0].progress.resumed.is_some());
}

#[test]
fn group_offsets_begin_where_the_group_is() {
    let Some(broker) = shared() else { return };
    broker.create_topic("grouped", 1, &[]);
    broker.create_topic("grouped-out", 1, &[]);
    send(broker, "grouped", 0, 0..5);
    let first = tempfile::tempdir().unwrap();
    copy_until(broker, first.path(), &reading(broker, "grouped", "'properties.auto.offset.reset' = 'earliest'"), "grouped-out", 5);
    assert_eq!(broker.committed("group-grouped", "grouped", 0), Some(5));
    send(broker, "grouped", 0, 5..8);
    // Another job of the same group.
    let second = tempfile::tempdir().unwrap();
    copy_until(broker, second.path(), &reading(broker, "grouped", "'scan.startup.mode' = 'group-offsets'"), "grouped-out", 8);
    assert_eq!(ids(broker, "grouped-out"), (0..8).collect::<Vec<_>>());
}

#[test]
fn messages_that_are_gone_stop_the_job() {
    let Some(broker) = shared() else { return };
    let folder = tempfile::tempdir().unwrap();
    broker.create_topic("gone", 1, &[]);
    broker.create_topic("gone-out", 1, &[]);
    send(broker, "gone", 0, 0..5);
    let source = reading(broker, "gone", "'scan.startup.mode' = 'earliest-offset'");
    copy_until(broker, folder.path(), &source, "gone-out", 5);
    send(broker, "gone", 0, 5..20);
    broker.delete_before("gone", 0, 12);
    let sink = table(broker, "o", "id INT", &written("gone-out"));
    let error = run_in(folder.path(), &format!("{CHECKPOINTS}{source}{sink} INSERT INTO o SELECT * FROM t;"), |_| {}).unwrap_err();
    assert!(error.contains("topic gone, partition 0") && error.contains("offset 5") && error.contains("12 to 20"), "{error}");
    assert_eq!(ids(broker, "gone-out").len(), 5);
}

#[test]
fn a_topic_that_was_made_anew_stops_the_job() {
    let Some(broker) = shared() else { return };
    let folder = tempfile::tempdir().unwrap();
    broker.create_topic("anew", 1, &[]);
    broker.create_topic("anew-out", 1, &[]);
    send(broker, "anew", 0, 0..5);
    let source = reading(broker, "anew", "'scan.startup.mode' = 'earliest-offset'");
    copy_until(broker, folder.path(), &source, "anew-out", 5);
    broker.delete_topic("anew");
    std::thread::sleep(Duration::from_millis(500));
    broker.create_topic("anew", 1, &[]);
    // Its offsets would fit.
    send(broker, "anew", 0, 100..110);
    let sink = table(broker, "o", "id INT", &written("anew-out"));
    let error = run_in(folder.path(), &format!("{CHECKPOINTS}{source}{sink} INSERT INTO o SELECT * FROM t;"), |_| {}).unwrap_err();
    assert!(error.contains("the topic 'anew' was deleted and made anew"), "{error}");
    assert_eq!(ids(broker, "anew-out").len(), 5);
}

#[test]
fn a_broker_that_is_away_is_waited_for() {
    if shared().is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut broker = Broker::start();
    broker.create_topic("away", 1, &[]);
    send(&broker, "away", 0, 0..5);
    let sql = format!(
        "{CHECKPOINTS}{} CREATE TABLE p (id INT) WITH ('connector' = 'print'); INSERT INTO p SELECT * FROM t;",
        table(
            &broker,
            "t",
            "id INT",
            &format!("{}, 'scan.startup.mode' = 'earliest-offset', 'properties.group.id' = 'away'", written("away"))
        )
    );
    let stop = StopFlag::default();
    let job = {
        let stop = stop.clone();
        std::thread::spawn(move || run_in(folder.path(), &sql, |o: &mut RunOptions| o.stop = stop))
    };
    std::thread::sleep(Duration::from_secs(2));
    broker.stop();
    std::thread::sleep(Duration::from_secs(4));
    broker.resume();
    send(&broker, "away", 0, 5..10);
    let since = Instant::now();
    while broker.committed("away", "away", 0) != Some(10) && since.elapsed() < Duration::from_secs(30) {
        std::thread::sleep(Duration::from_millis(100));
    }
    stop.set();
    let done = job.join().unwrap().unwrap();
    assert_eq!(done.printed.lines().count(), 10, "{}", done.printed);
    let notes = &done.reports[0].notes;
    assert!(notes.iter().any(|n| n.contains("Kafka does not answer")) && notes.iter().any(|n| n.contains("answers again")), "{notes:?}");
}
