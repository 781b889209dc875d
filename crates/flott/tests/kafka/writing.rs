//! What is written: keys, partitions, metadata, guarantees.

use std::collections::BTreeSet;

use flott_testkit::kafka::shared;

use crate::{rows, run, table, whole, written};

#[test]
fn what_is_written_is_read() {
    let Some(broker) = shared() else { return };
    broker.create_topic("pipe-a", 2, &[]);
    broker.create_topic("pipe-b", 2, &[]);
    let columns = "id BIGINT, name STRING, at TIMESTAMP(3)";
    let sql = table(broker, "a", columns, &written("pipe-a"))
        + &table(broker, "a2", columns, &whole("pipe-a"))
        + &table(broker, "b", columns, &written("pipe-b"))
        + &table(broker, "b2", columns, &whole("pipe-b"));
    let script = format!(
        "{sql} CREATE TABLE g (id BIGINT) WITH ('connector' = 'datagen', 'fields.id.kind' = 'sequence', 'fields.id.start' = '1', 'fields.id.end' = '5000');
         INSERT INTO a SELECT id, CONCAT('n', CAST(id AS STRING)), TIMESTAMP '2024-01-01 00:00:00' FROM g;
         INSERT INTO b SELECT id * 2, name, at FROM a2 WHERE MOD(id, 2) = 0;
         SELECT COUNT(*), SUM(id), MAX(name) FROM b2;"
    );
    let last = rows(&script).into_iter().filter(|r| r.starts_with('+')).max_by_key(|r| r.split(',').next().map(str::len));
    assert!(rows(&format!("{sql} SELECT COUNT(*), SUM(id), MAX(name) FROM b2;")).iter().any(|r| r.contains("12505000")), "{last:?}");
}

#[test]
fn keys_partitions_and_metadata() {
    let Some(broker) = shared() else { return };
    broker.create_topic("keyed", 4, &[]);
    let options = format!("{}, 'key.format' = 'raw', 'key.fields' = 'k', 'value.fields-include' = 'EXCEPT_KEY'", written("keyed"));
    let columns = "k STRING, v INT, ts TIMESTAMP_LTZ(3) METADATA FROM 'timestamp', headers MAP<STRING, BYTES> METADATA, o BIGINT METADATA FROM 'offset' VIRTUAL";
    let sql = table(broker, "t", columns, &options);
    run(&format!(
        "{sql} INSERT INTO t SELECT k, v, TO_TIMESTAMP_LTZ(v, 3), MAP['h', CAST(k AS BYTES)] FROM (VALUES ('c', 1), ('d', 2), ('c', 3)) AS s (k, v);"
    ))
    .unwrap();
    let got = broker.read("keyed");
    let mut all: Vec<_> = got.iter().map(|m| (m.key.as_deref().unwrap(), m.value.as_deref().unwrap(), m.timestamp)).collect();
    all.sort();
    assert_eq!(all, [("c", r#"{"v":1}"#, 1), ("c", r#"{"v":3}"#, 3), ("d", r#"{"v":2}"#, 2)]);
    assert!(got.iter().all(|m| m.headers == [("h".to_owned(), m.key.clone().unwrap())]));
    // As the Java client has it: murmur2 of the key.
    let partitions: BTreeSet<(&str, i32)> = got.iter().map(|m| (m.key.as_deref().unwrap(), m.partition)).collect();
    assert_eq!(partitions, [("c", 2), ("d", 1)].into());
}

#[test]
fn partitioners() {
    let Some(broker) = shared() else { return };
    for (name, partitions) in [("fixed", 1), ("round-robin", 3)] {
        broker.create_topic(name, 3, &[]);
        let sql = table(broker, "t", "v INT", &format!("{}, 'sink.partitioner' = '{name}'", written(name)));
        run(&format!("{sql} INSERT INTO t VALUES (1), (2), (3), (4), (5), (6);")).unwrap();
        let used: BTreeSet<i32> = broker.read(name).iter().map(|m| m.partition).collect();
        assert_eq!(used.len(), partitions, "{name}: {used:?}");
    }
}

#[test]
fn rows_name_their_topics() {
    let Some(broker) = shared() else { return };
    broker.create_topic("to-a", 1, &[]);
    broker.create_topic("to-b", 1, &[]);
    let sql = table(broker, "t", "v INT, topic STRING METADATA", &written("to-a;to-b"));
    run(&format!("{sql} INSERT INTO t VALUES (1, 'to-a'), (2, 'to-b'), (3, 'to-b');")).unwrap();
    assert_eq!((broker.read("to-a").len(), broker.read("to-b").len()), (1, 2));
    let error = run(&format!("{sql} INSERT INTO t VALUES (1, CAST(NULL AS STRING));")).unwrap_err();
    assert!(error.contains("a row names no topic"), "{error}");
    let sql = table(broker, "t", "v INT", &written("to-z"));
    let error = run(&format!("{sql} INSERT INTO t VALUES (1);")).unwrap_err();
    assert!(error.contains("there is no topic 'to-z'"), "{error}");
}

#[test]
fn changes_are_written_as_their_format_has_them() {
    let Some(broker) = shared() else { return };
    broker.create_topic("cdc", 1, &[]);
    let sql = table(broker, "t", "k STRING, n BIGINT", &written("cdc").replace("json", "debezium-json"));
    run(&format!("{sql} INSERT INTO t SELECT k, COUNT(*) FROM (VALUES ('a'), ('b'), ('a')) AS s (k) GROUP BY k;")).unwrap();
    let values: Vec<String> = broker.read("cdc").into_iter().filter_map(|m| m.value).collect();
    assert!(values.contains(&r#"{"before":null,"after":{"k":"a","n":2},"op":"c"}"#.to_owned()), "{values:?}");
}

#[test]
fn a_raw_null_is_no_value() {
    let Some(broker) = shared() else { return };
    broker.create_topic("raw-null", 1, &[]);
    let sql = table(broker, "t", "v STRING", &written("raw-null").replace("json", "raw"));
    run(&format!("{sql} INSERT INTO t VALUES ('a'), (CAST(NULL AS STRING)), ('');")).unwrap();
    let got: Vec<_> = broker.read("raw-null").into_iter().map(|m| m.value).collect();
    assert_eq!(got, [Some("a".to_owned()), None, Some(String::new())]);
}

#[test]
fn large_messages_are_refused_by_name() {
    let Some(broker) = shared() else { return };
    broker.create_topic("large", 1, &[("max.message.bytes", "2000")]);
    let sql = table(broker, "t", "v STRING", &written("large"));
    let error = run(&format!("{sql} INSERT INTO t SELECT REPEAT('x', 100000);")).unwrap_err();
    assert!(error.contains("topic large") && error.contains("max.request.size"), "{error}");
}
