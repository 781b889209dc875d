//! Epochs that are delivered again, by the same instance and by others, are there once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use arrow::array::{Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use flott_engine::connector::{ColumnRef, Environment, TableSpec};
use flott_engine::sink::{Delivery, EpochId, Payload, Sink};
use flott_engine::{Batch, Error, ErrorKind, Result};
use flott_testkit::kafka::{Broker, Sent, shared};

use crate::{run_in, table, whole, written};

fn spec(broker: &Broker, topic: &str) -> TableSpec {
    let servers = broker.servers();
    let options = [
        ("connector", "kafka"),
        ("format", "json"),
        ("topic", topic),
        ("properties.bootstrap.servers", servers.as_str()),
        ("sink.delivery-guarantee", "exactly-once"),
        ("sink.transactional-id-prefix", topic),
        ("properties.transaction.timeout.ms", "4000"),
    ];
    TableSpec {
        name: "t".into(),
        schema: Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, true)])),
        columns: vec![ColumnRef::Physical(0)],
        options: options.map(|(k, v)| (k.to_owned(), v.to_owned())).into_iter().collect::<BTreeMap<_, _>>(),
        partition_keys: vec![],
        primary_key: vec![],
    }
}

fn sink(broker: &Broker, topic: &str) -> Box<dyn Sink> {
    let env = Environment {
        workers: 1,
        checkpointing: true,
        owner: Some("job".into()),
        stop: Arc::default(),
        sink_number: 0,
        stdout: Arc::new(Mutex::new(std::io::sink())),
    };
    let sink = flott_connectors::all().get("kafka").unwrap().sink(&spec(broker, topic), &env).unwrap();
    assert_eq!(sink.delivery(), Delivery::Outbox);
    sink
}

fn epoch(run: u64, generation: u64, number: u64) -> EpochId {
    EpochId { job: "job".into(), run, generation, number }
}

fn output(sink: &dyn Sink, numbers: &[i64]) -> Vec<Batch> {
    let schema = Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, true)]));
    let rows = RecordBatch::try_new(schema, vec![Arc::new(Int64Array::from(numbers.to_vec()))]).unwrap();
    let mut payloads = vec![];
    sink.encoder().unwrap().encode(&Batch::inserts(rows), &mut payloads).unwrap();
    payloads.into_iter().map(|p| if let Payload::Batch(b) = p { b } else { panic!("not a batch") }).collect()
}

fn deliver(sink: &mut dyn Sink, epoch: &EpochId, numbers: &[i64]) -> Result<()> {
    let output = output(sink, numbers);
    sink.deliver(epoch, &mut output.into_iter().map(Ok))
}

/// Delivers as the engine does: again, as long as the outcome may pass.
fn settle(sink: &mut dyn Sink, epoch: &EpochId, numbers: &[i64]) -> Result<()> {
    for _ in 0..20 {
        match deliver(sink, epoch, numbers) {
            Err(e) if e.kind == ErrorKind::Io => std::thread::sleep(std::time::Duration::from_millis(500)),
            done => return done,
        }
    }
    panic!("epoch {} is never delivered", epoch.number)
}

fn stored(broker: &Broker, topic: &str) -> Vec<i64> {
    let number = |v: String| v.trim_matches(|c: char| !c.is_ascii_digit()).parse().unwrap();
    broker.read(topic).into_iter().map(|m| number(m.value.unwrap())).collect()
}

#[test]
fn an_epoch_is_there_once() {
    let Some(broker) = shared() else { return };
    broker.create_topic("once", 1, &[]);
    let mut first = sink(broker, "once");
    deliver(first.as_mut(), &epoch(7, 1, 1), &[1, 2]).unwrap();
    deliver(first.as_mut(), &epoch(7, 1, 2), &[3]).unwrap();
    deliver(first.as_mut(), &epoch(7, 1, 2), &[3]).unwrap();
    deliver(first.as_mut(), &epoch(7, 1, 3), &[]).unwrap();
    assert_eq!(stored(broker, "once"), [1, 2, 3]);
    // The job has started again, and does not know what was delivered.
    let mut second = sink(broker, "once");
    assert_eq!(second.resume(&epoch(7, 2, 3)).unwrap(), None);
    let behind = sink(broker, "once").resume(&epoch(7, 2, 1)).unwrap_err();
    assert_eq!(behind.kind, ErrorKind::State, "{behind}");
    for (number, rows) in [(1, &[1, 2][..]), (2, &[3]), (3, &[]), (4, &[4, 5])] {
        settle(second.as_mut(), &epoch(7, 2, number), rows).unwrap();
    }
    assert_eq!(stored(broker, "once"), [1, 2, 3, 4, 5]);
    // The one that was replaced finds out, and does no harm.
    let replaced = settle(first.as_mut(), &epoch(7, 1, 4), &[4, 5]).unwrap_err();
    assert_eq!(replaced.kind, ErrorKind::State, "{replaced}");
    settle(second.as_mut(), &epoch(7, 2, 5), &[6]).unwrap();
    // A job that begins anew counts from 1 again, and says that there was another run.
    let mut anew = sink(broker, "once");
    let note = anew.resume(&epoch(8, 1, 0)).unwrap().unwrap();
    assert!(note.contains("an earlier run") && note.contains("epoch 5"), "{note}");
    deliver(anew.as_mut(), &epoch(8, 1, 1), &[7]).unwrap();
    assert_eq!(stored(broker, "once"), [1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(settle(second.as_mut(), &epoch(7, 2, 6), &[8]).unwrap_err().kind, ErrorKind::State);
}

#[test]
fn a_job_that_is_killed_again_and_again() {
    let Some(broker) = shared() else { return };
    broker.create_topic("killed-in", 2, &[]);
    broker.create_topic("killed-out", 2, &[]);
    let rows: Vec<String> = (0..2000).map(|id| format!(r#"{{"id":{id}}}"#)).collect();
    let sent: Vec<Sent<'_>> =
        rows.iter().enumerate().map(|(i, v)| Sent { partition: i as i32 % 2, value: Some(v), ..Sent::default() }).collect();
    broker.send("killed-in", &sent);
    let exactly = "'sink.delivery-guarantee' = 'exactly-once', 'sink.transactional-id-prefix' = 'killed'";
    let script = table(broker, "a", "id INT", &whole("killed-in"))
        + &table(broker, "b", "id INT", &format!("{}, {exactly}", written("killed-out")))
        + "INSERT INTO b SELECT id FROM a;";
    let folder = tempfile::tempdir().unwrap();
    let mut runs = 0;
    loop {
        runs += 1;
        let done = run_in(folder.path(), &script, |options| {
            options.parallelism = Some(1 + runs as usize % 3);
            options.tick_rows_max = Some(97);
            options.checkpoint_every_ticks = Some(2);
            options.abandon_after_ticks = (runs < 6).then_some(3);
        });
        if done.unwrap().outcome == flott::Outcome::Finished {
            break;
        }
    }
    assert!(runs > 3);
    let mut stored = stored(broker, "killed-out");
    stored.sort();
    assert_eq!(stored, (0..2000).collect::<Vec<_>>());
}

#[test]
fn what_was_begun_and_not_ended_is_not_seen() {
    let Some(broker) = shared() else { return };
    broker.create_topic("half", 1, &[]);
    let mut dying = sink(broker, "half");
    let mut pieces = output(dying.as_ref(), &[1, 2]).into_iter().map(Ok).chain([Err(Error::io("the disk is gone"))]);
    dying.deliver(&epoch(7, 1, 1), &mut pieces).unwrap_err();
    drop(dying);
    let mut next = sink(broker, "half");
    deliver(next.as_mut(), &epoch(7, 2, 1), &[1, 2]).unwrap();
    assert_eq!(stored(broker, "half"), [1, 2]);
}

#[test]
fn a_broker_that_dies_loses_and_doubles_nothing() {
    if shared().is_none() {
        return;
    }
    let mut broker = Broker::start();
    broker.create_topic("dying", 1, &[]);
    let mut writer = sink(&broker, "dying");
    settle(writer.as_mut(), &epoch(7, 1, 1), &[1]).unwrap();
    let port = broker.servers();
    for number in 2..4 {
        let rows = output(writer.as_ref(), &[number as i64]);
        // The broker dies while the epoch is on its way.
        let mut stopped = false;
        let mut pieces = rows.into_iter().map(|batch| {
            if !std::mem::replace(&mut stopped, true) {
                broker.stop();
            }
            Ok(batch)
        });
        let died = writer.deliver(&epoch(7, 1, number), &mut pieces);
        assert_eq!(died.map_err(|e| e.kind), Err(ErrorKind::Io));
        broker.resume();
        assert_eq!(broker.servers(), port);
        settle(writer.as_mut(), &epoch(7, 1, number), &[number as i64]).unwrap();
    }
    assert_eq!(stored(&broker, "dying"), [1, 2, 3]);
}
