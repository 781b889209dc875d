//! A job that is asked to stop leaves a checkpoint, and soon, whatever the broker does.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use flott_testkit::kafka::{Broker, shared};

use crate::{table, written};

/// Longest time from the signal to the end.
const ENDS_WITHIN: Duration = Duration::from_secs(10);

fn script(broker: &Broker, name: &str) -> String {
    let source = format!("{}, 'scan.startup.mode' = 'earliest-offset', 'properties.group.id' = '{name}'", written(&format!("{name}-in")));
    let sink = format!(
        "{}, 'sink.delivery-guarantee' = 'exactly-once', 'sink.transactional-id-prefix' = '{name}'",
        written(&format!("{name}-out"))
    );
    String::from("SET 'execution.checkpointing.interval' = '1 h';\n")
        + &table(broker, "a", "id INT", &source)
        + &table(broker, "b", "id INT", &sink)
        + "INSERT INTO b SELECT id FROM a;"
}

fn start(folder: &std::path::Path) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flott"));
    command.current_dir(folder).args(["run", "--quiet", "job.sql"]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Stops a run as a service manager does; tells whether it ended well, and what it said.
fn terminate(mut run: Child) -> (bool, String) {
    Command::new("kill").arg(run.id().to_string()).status().unwrap();
    let since = Instant::now();
    while run.try_wait().unwrap().is_none() {
        assert!(since.elapsed() < ENDS_WITHIN, "it goes on");
        std::thread::sleep(Duration::from_millis(20));
    }
    let output = run.wait_with_output().unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

fn ids(broker: &Broker, topic: &str) -> Vec<String> {
    let mut ids: Vec<String> = broker.read(topic).into_iter().filter_map(|m| m.value).collect();
    ids.sort_by_key(|v| (v.len(), v.clone()));
    ids
}

fn send(broker: &Broker, topic: &str, ids: std::ops::Range<i32>) -> Vec<String> {
    let values: Vec<String> = ids.map(|id| format!(r#"{{"id":{id}}}"#)).collect();
    broker.send_values(topic, &values.iter().map(String::as_str).collect::<Vec<_>>());
    values
}

#[test]
fn a_last_checkpoint_is_taken_and_delivered() {
    let Some(broker) = shared() else { return };
    broker.create_topic("stopped-in", 1, &[]);
    broker.create_topic("stopped-out", 1, &[]);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("job.sql"), script(broker, "stopped")).unwrap();
    let mut all = vec![];
    for round in 0..3 {
        all.extend(send(broker, "stopped-in", round * 100..(round + 1) * 100));
        let run = start(folder.path());
        std::thread::sleep(Duration::from_millis(1500));
        assert!(ids(broker, "stopped-out").len() <= 100 * round as usize, "nothing is there before the checkpoint");
        let (well, said) = terminate(run);
        assert!(well, "{said}");
        assert_eq!(ids(broker, "stopped-out"), all);
        assert_eq!(broker.committed("stopped", "stopped-in", 0), Some(all.len() as i64));
    }
}

#[test]
fn it_ends_without_a_broker_and_loses_nothing() {
    if shared().is_none() {
        return;
    }
    let mut broker = Broker::start();
    broker.create_topic("alone-in", 1, &[]);
    broker.create_topic("alone-out", 1, &[]);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("job.sql"), script(&broker, "alone")).unwrap();
    let all = send(&broker, "alone-in", 0..100);
    let run = start(folder.path());
    std::thread::sleep(Duration::from_millis(1500));
    broker.stop();
    // The checkpoint is there, and the delivery waits for the next start.
    let (well, said) = terminate(run);
    assert!(well, "{said}");
    let run = start(folder.path());
    std::thread::sleep(Duration::from_millis(300));
    let (well, said) = terminate(run);
    assert!(well, "{said}");
    broker.resume();
    let run = start(folder.path());
    let since = Instant::now();
    while ids(&broker, "alone-out").len() < all.len() && since.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(terminate(run).0);
    assert_eq!(ids(&broker, "alone-out"), all);
}
