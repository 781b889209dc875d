//! The program is killed at any instant (`kill -9`), again and again, while messages come in; every row is there exactly once.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use flott_testkit::kafka::{Broker, Sent, shared};

use crate::{table, written};

/// Kills of a run; more of them with this variable set.
const KILLS: &str = "FLOTT_KILLS";
/// Event time between two messages of a partition, milliseconds.
const STEP_MS: i64 = 10;
const WINDOW_MS: i64 = 1000;
/// The numbers of messages that close the last windows.
const END: i64 = 1_000_000_000;

fn script(broker: &Broker) -> String {
    let exactly = |prefix: &str| format!("'sink.delivery-guarantee' = 'exactly-once', 'sink.transactional-id-prefix' = '{prefix}'");
    let source = "'connector' = 'kafka', 'format' = 'json', 'topic' = 'kills-in', 'scan.startup.mode' = 'earliest-offset'";
    String::from("SET 'execution.checkpointing.interval' = '150 ms';\n")
        + &table(broker, "t", "id BIGINT, at BIGINT, ts AS TO_TIMESTAMP_LTZ(at, 3), WATERMARK FOR ts AS ts", source)
        + &table(broker, "copied", "id BIGINT", &format!("{}, {}", written("kills-rows"), exactly("rows")))
        + &table(broker, "counted", "w BIGINT, n BIGINT, least BIGINT", &format!("{}, {}", written("kills-windows"), exactly("windows")))
        + &table(
            broker,
            "latest",
            "k BIGINT, n BIGINT, PRIMARY KEY (k) NOT ENFORCED",
            &format!(
                "'connector' = 'upsert-kafka', 'topic' = 'kills-groups', 'key.format' = 'json', 'value.format' = 'json', {}",
                exactly("groups")
            ),
        )
        + "EXECUTE STATEMENT SET BEGIN
             INSERT INTO copied SELECT id FROM t;
             INSERT INTO counted SELECT MIN(at) / 1000, COUNT(*), MIN(id)
               FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' SECOND)) GROUP BY window_start, window_end;
             INSERT INTO latest SELECT MOD(id, 10), COUNT(*) FROM t GROUP BY MOD(id, 10);
           END;"
}

fn message(id: i64, at: i64) -> String {
    format!(r#"{{"id":{id},"at":{at}}}"#)
}

/// Sends messages to two partitions until told to stop; tells how many.
fn feed(broker: &Broker, stop: &AtomicBool) -> i64 {
    let mut next = 0;
    while !stop.load(Ordering::SeqCst) {
        let texts: Vec<String> = (next..next + 40).map(|id| message(id, id / 2 * STEP_MS)).collect();
        let sent: Vec<Sent<'_>> =
            texts.iter().enumerate().map(|(i, v)| Sent { partition: i as i32 % 2, value: Some(v), ..Sent::default() }).collect();
        broker.send("kills-in", &sent);
        next += 40;
        std::thread::sleep(Duration::from_millis(10));
    }
    let end = message(END, END);
    broker.send("kills-in", &[0, 1].map(|partition| Sent { partition, value: Some(&end), ..Sent::default() }));
    next
}

fn start(folder: &Path, workers: usize) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flott"));
    command.current_dir(folder).args(["run", "--quiet", "--parallelism", &workers.to_string(), "job.sql"]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Kills runs after times that look random, and leaves the last one, which is stopped when `done` says so.
fn kill_and_restart(folder: &Path, kills: usize, fed: impl Fn(), done: impl Fn() -> bool) {
    let mut seed: u64 = 42;
    for kill in 0..kills {
        let mut run = start(folder, 1 + kill % 3);
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        std::thread::sleep(Duration::from_millis(50 + (seed >> 33) % 900));
        run.kill().unwrap();
        let output = run.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code().is_none(), "it ended by itself: {said}");
    }
    fed();
    let mut run = start(folder, 2);
    let since = Instant::now();
    while !done() {
        assert!(since.elapsed() < Duration::from_secs(60), "it comes to no end");
        assert!(run.try_wait().unwrap().is_none(), "it ended by itself: {}", output_of(run));
        std::thread::sleep(Duration::from_millis(200));
    }
    Command::new("kill").arg(run.id().to_string()).status().unwrap();
    let stopped = Instant::now();
    let ended = run.wait().unwrap();
    assert!(ended.code() == Some(143) && stopped.elapsed() < Duration::from_secs(10), "{ended} after {:?}", stopped.elapsed());
}

fn output_of(run: Child) -> String {
    String::from_utf8_lossy(&run.wait_with_output().unwrap().stderr).into_owned()
}

fn number(json: &str, name: &str) -> i64 {
    let value: serde_json::Value = serde_json::from_str(json).unwrap();
    value[name].as_i64().unwrap()
}

fn read(broker: &Broker, topic: &str) -> Vec<String> {
    broker.read(topic).into_iter().filter_map(|m| m.value).collect()
}

#[test]
fn every_row_is_there_once_however_often_the_program_is_killed() {
    let Some(broker) = shared() else { return };
    for topic in ["kills-in", "kills-rows", "kills-windows", "kills-groups"] {
        broker.create_topic(topic, 2, &[]);
    }
    let kills = std::env::var(KILLS).map_or(20, |n| n.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("job.sql"), script(broker)).unwrap();
    let (stop, sent) = (Arc::new(AtomicBool::new(false)), std::cell::Cell::new(0));
    std::thread::scope(|threads| {
        let feeder = threads.spawn(|| feed(broker, &stop));
        let feeder = std::cell::RefCell::new(Some(feeder));
        let fed = || {
            stop.store(true, Ordering::SeqCst);
            sent.set(feeder.borrow_mut().take().unwrap().join().unwrap());
        };
        let done = || read(broker, "kills-rows").iter().filter(|json| number(json, "id") == END).count() == 2;
        kill_and_restart(folder.path(), kills, fed, done);
    });
    let sent = sent.get();
    assert!(sent > 100 * kills as i64, "{sent} messages are too few");
    let mut ids: Vec<i64> = read(broker, "kills-rows").iter().map(|json| number(json, "id")).collect();
    ids.sort_unstable();
    let expected: Vec<i64> = (0..sent).chain([END, END]).collect();
    assert!(ids == expected, "{} rows of {} sent", ids.len(), expected.len());
    let windows: Vec<(i64, i64)> = read(broker, "kills-windows").iter().map(|json| (number(json, "w"), number(json, "n"))).collect();
    let by_window: BTreeMap<i64, i64> = windows.iter().copied().collect();
    let mut expected = BTreeMap::new();
    (0..sent).for_each(|id| *expected.entry(id / 2 * STEP_MS / WINDOW_MS).or_default() += 1);
    assert_eq!(windows.len(), by_window.len(), "no window comes twice");
    assert_eq!(by_window, expected);
    // Of each group the last message counts.
    let mut groups = BTreeMap::new();
    for message in broker.read("kills-groups") {
        let key = number(&message.key.unwrap(), "k");
        let n = number(&message.value.unwrap(), "n");
        let before = groups.insert(key, n).unwrap_or(0);
        assert!(before < n, "group {key} had {before} and then {n}");
    }
    let of_group = |k: i64| (0..sent).chain([END, END]).filter(|id| id % 10 == k).count() as i64;
    assert_eq!(groups, (0..10).map(|k| (k, of_group(k))).collect());
}
