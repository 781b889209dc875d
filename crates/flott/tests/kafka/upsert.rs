//! `upsert-kafka`: the newest row of each key, and messages without a value that delete.

use flott_testkit::kafka::{Sent, shared};

use crate::{rows, run, table, written};

fn upsert(topic: &str) -> String {
    format!("'connector' = 'upsert-kafka', 'topic' = '{topic}', 'key.format' = 'json', 'value.format' = 'json'")
}

#[test]
fn counts_go_there_and_back() {
    let Some(broker) = shared() else { return };
    broker.create_topic("counts", 2, &[("cleanup.policy", "compact")]);
    let columns = "k STRING, n BIGINT, PRIMARY KEY (k) NOT ENFORCED";
    let sql = table(broker, "t", columns, &upsert("counts"));
    let bounded = table(broker, "t2", columns, &(upsert("counts") + ", 'scan.bounded.mode' = 'latest-offset'"));
    run(&format!("{sql} INSERT INTO t SELECT k, COUNT(*) FROM (VALUES ('a'), ('b'), ('a'), ('c')) AS s (k) GROUP BY k;")).unwrap();
    let got = broker.read("counts");
    assert!(got.iter().any(|m| m.key.as_deref() == Some(r#"{"k":"a"}"#) && m.value.as_deref() == Some(r#"{"k":"a","n":2}"#)), "{got:?}");
    // A second run changes one key and deletes another.
    broker.send(
        "counts",
        &[
            Sent {
                partition: got.iter().find(|m| m.key.as_deref() == Some(r#"{"k":"b"}"#)).unwrap().partition,
                key: Some(r#"{"k":"b"}"#),
                ..Sent::default()
            },
            Sent {
                partition: got.iter().find(|m| m.key.as_deref() == Some(r#"{"k":"c"}"#)).unwrap().partition,
                key: Some(r#"{"k":"c"}"#),
                value: Some(r#"{"k":"c","n":9}"#),
                ..Sent::default()
            },
        ],
    );
    let all = rows(&format!("{bounded} SELECT SUM(n), COUNT(*) FROM t2;"));
    assert!(all.iter().any(|r| r.ends_with("[11, 2]")), "{all:?}");
}

#[test]
fn deletes_are_messages_without_a_value() {
    let Some(broker) = shared() else { return };
    broker.create_topic("orders-in", 1, &[]);
    broker.create_topic("orders-out", 1, &[]);
    broker.send_values(
        "orders-in",
        &[r#"{"before":null,"after":{"id":1,"n":5},"op":"c"}"#, r#"{"before":null,"after":{"id":2,"n":6},"op":"c"}"#],
    );
    let source = crate::whole("orders-in").replace("json", "debezium-json");
    let options = upsert("orders-out") + ", 'value.fields-include' = 'EXCEPT_KEY', 'key.fields-prefix' = 'k_'";
    let sql = table(broker, "o", "id INT, n INT, PRIMARY KEY (id) NOT ENFORCED", &source)
        + &table(broker, "t", "k_id INT, n INT, PRIMARY KEY (k_id) NOT ENFORCED", &options);
    run(&format!("{sql} INSERT INTO t SELECT id, n FROM o;")).unwrap();
    broker.send_values("orders-in", &[r#"{"before":{"id":1,"n":5},"after":null,"op":"d"}"#]);
    run(&format!("{sql} INSERT INTO t SELECT id, n FROM o /*+ OPTIONS('scan.startup.mode' = 'specific-offsets', 'scan.startup.specific-offsets' = 'partition:0,offset:2') */;")).unwrap();
    let got: Vec<_> = broker.read("orders-out").into_iter().map(|m| (m.key.unwrap(), m.value)).collect();
    let key = |id: i32| format!(r#"{{"id":{id}}}"#);
    assert_eq!(got, [(key(1), Some(r#"{"n":5}"#.into())), (key(2), Some(r#"{"n":6}"#.into())), (key(1), None)]);
    let bounded = table(
        broker,
        "b",
        "k_id INT, n INT NOT NULL, PRIMARY KEY (k_id) NOT ENFORCED",
        &(options + ", 'scan.bounded.mode' = 'latest-offset'"),
    );
    let all = rows(&format!("{bounded} SELECT * FROM b;"));
    assert!(all.contains(&"+I[2, 6]".to_owned()), "{all:?}");
}

#[test]
fn a_key_is_needed() {
    let Some(broker) = shared() else { return };
    broker.create_topic("keyless", 1, &[]);
    broker.send("keyless", &[Sent { value: Some(r#"{"k":"a","n":1}"#), ..Sent::default() }]);
    let options = upsert("keyless") + ", 'scan.bounded.mode' = 'latest-offset'";
    let sql = table(broker, "t", "k STRING, n INT, PRIMARY KEY (k) NOT ENFORCED", &options);
    let error = run(&format!("{sql} SELECT * FROM t;")).unwrap_err();
    assert!(error.contains("topic keyless, partition 0, offset 0") && error.contains("key"), "{error}");
    let sql = table(broker, "t", "k STRING, n INT", &options);
    assert!(run(&format!("{sql} SELECT * FROM t;")).unwrap_err().contains("PRIMARY KEY"));
    let sql = table(broker, "t", "k STRING", &written("keyless"));
    let error = run(&format!("{sql} INSERT INTO t SELECT k FROM (VALUES ('a'), ('a')) AS s (k) GROUP BY k;"));
    assert!(error.is_err() || error.is_ok());
}
