//! Where reading begins and ends, which topics, keys, metadata, and messages that cannot be decoded.

use flott_testkit::kafka::{Sent, shared};

use crate::{rows, run, table, whole};

const A: &str = r#"{"id":1,"name":"a"}"#;
const B: &str = r#"{"id":2,"name":"b"}"#;
const C: &str = r#"{"id":3,"name":"c"}"#;
const COLUMNS: &str = "id INT, name STRING";

fn at(partition: i32, value: &'static str, timestamp: i64) -> Sent<'static> {
    Sent { partition, value: Some(value), timestamp: Some(timestamp), ..Sent::default() }
}

#[test]
fn where_reading_begins_and_ends() {
    let Some(broker) = shared() else { return };
    broker.create_topic("modes", 2, &[]);
    broker.send("modes", &[at(0, A, 1000), at(0, B, 2000), at(0, C, 3000), at(1, A, 1500)]);
    let select = |options: &str| {
        let common = "'connector' = 'kafka', 'format' = 'json', 'topic' = 'modes'";
        let sql = table(broker, "t", &format!("{COLUMNS}, part INT METADATA FROM 'partition' VIRTUAL"), &format!("{common}, {options}"));
        run(&format!("{sql} SELECT part, id FROM t;")).map(|c| crate::sorted(&c))
    };
    let end = "'scan.bounded.mode' = 'latest-offset'";
    let all = ["+I[0, 1]", "+I[0, 2]", "+I[0, 3]", "+I[1, 1]"];
    assert_eq!(select(&format!("'scan.startup.mode' = 'earliest-offset', {end}")).unwrap(), all);
    assert_eq!(select(&format!("'scan.startup.mode' = 'latest-offset', {end}")).unwrap(), [""; 0]);
    let from = "'scan.startup.mode' = 'timestamp', 'scan.startup.timestamp-millis' = '2000'";
    assert_eq!(select(&format!("{from}, {end}")).unwrap(), ["+I[0, 2]", "+I[0, 3]"]);
    let from = "'scan.startup.mode' = 'specific-offsets', 'scan.startup.specific-offsets' = 'partition:0,offset:2;partition:1,offset:0'";
    assert_eq!(select(&format!("{from}, {end}")).unwrap(), ["+I[0, 3]", "+I[1, 1]"]);
    let from = "'scan.startup.mode' = 'earliest-offset'";
    let until = "'scan.bounded.mode' = 'timestamp', 'scan.bounded.timestamp-millis' = '2000'";
    assert_eq!(select(&format!("{from}, {until}")).unwrap(), ["+I[0, 1]", "+I[1, 1]"]);
    let until = "'scan.bounded.mode' = 'specific-offsets', 'scan.bounded.specific-offsets' = 'partition:0,offset:1;partition:1,offset:0'";
    assert_eq!(select(&format!("{from}, {until}")).unwrap(), ["+I[0, 1]"]);
    // Nobody has committed anything for this group.
    let error = select(&format!("'properties.group.id' = 'nobody', {end}")).unwrap_err();
    assert!(error.contains("group 'nobody' has committed no offset"), "{error}");
    let reset = "'properties.group.id' = 'nobody', 'properties.auto.offset.reset' = 'earliest'";
    assert_eq!(select(&format!("{reset}, {end}")).unwrap(), all);
    // An offset that is not there.
    let from = "'scan.startup.mode' = 'specific-offsets', 'scan.startup.specific-offsets' = 'partition:0,offset:99'";
    let error = select(&format!(
        "{from}, 'scan.bounded.mode' = 'specific-offsets', 'scan.bounded.specific-offsets' = 'partition:0,offset:200;partition:1,offset:1'"
    ))
    .unwrap_err();
    assert!(error.contains("topic modes, partition 0") && error.contains("offset 99") && error.contains("0 to 3"), "{error}");
}

#[test]
fn several_topics_and_patterns() {
    let Some(broker) = shared() else { return };
    for (topic, value) in [("list-a", A), ("list-b", B), ("listless", C)] {
        broker.create_topic(topic, 1, &[]);
        broker.send_values(topic, &[value]);
    }
    let columns = "id INT, topic STRING METADATA VIRTUAL";
    let sql = table(broker, "t", columns, &whole("list-a;list-b"));
    assert_eq!(rows(&format!("{sql} SELECT * FROM t;")), ["+I[1, list-a]", "+I[2, list-b]"]);
    let pattern = whole("").replace("'topic' = ''", "'topic-pattern' = 'list-.*'");
    let sql = table(broker, "t", columns, &pattern);
    assert_eq!(rows(&format!("{sql} SELECT * FROM t;")), ["+I[1, list-a]", "+I[2, list-b]"]);
    let error = run(&format!("{} SELECT * FROM t;", table(broker, "t", columns, &whole("list-z")))).unwrap_err();
    assert!(error.contains("there is no topic 'list-z'"), "{error}");
}

#[test]
fn keys_and_metadata() {
    let Some(broker) = shared() else { return };
    broker.create_topic("keys", 1, &[]);
    let message =
        |key, value, timestamp, headers| Sent { partition: 0, key, value, timestamp: Some(timestamp), headers, ..Sent::default() };
    broker.send(
        "keys",
        &[
            message(Some(r#"{"id":7}"#), Some(r#"{"name":"x"}"#), 1_700_000_000_123, &[("h", "1"), ("h", "2"), ("i", "3")]),
            message(None, Some("{\n \"name\": \"y\"\n}"), 1_700_000_000_124, &[]),
            message(Some(r#"{"id":8}"#), None, 1_700_000_000_125, &[]),
        ],
    );
    let options = format!(
        "{}, 'key.format' = 'json', 'key.fields' = 'k_id', 'key.fields-prefix' = 'k_', 'value.fields-include' = 'EXCEPT_KEY'",
        whole("keys")
    );
    let columns = "k_id INT, name STRING, o BIGINT METADATA FROM 'offset' VIRTUAL, p INT METADATA FROM 'partition' VIRTUAL, \
        ts TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL, tt STRING METADATA FROM 'timestamp-type' VIRTUAL, \
        e INT METADATA FROM 'leader-epoch' VIRTUAL, headers MAP<STRING, BYTES> METADATA VIRTUAL";
    let sql = table(broker, "t", columns, &options);
    assert_eq!(
        rows(&format!("{sql} SELECT k_id, name, o, p, ts, tt, e, CAST(headers['h'] AS STRING), CARDINALITY(headers) FROM t;")),
        [
            "+I[7, x, 0, 0, 2023-11-14 22:13:20.123, CreateTime, 0, 2, 2]",
            "+I[NULL, y, 1, 0, 2023-11-14 22:13:20.124, CreateTime, 0, NULL, 0]",
        ]
    );
    // A column of metadata may be declared as what it can be cast to.
    let sql = table(
        broker,
        "t",
        "name STRING, ts TIMESTAMP(3) METADATA FROM 'timestamp', o STRING METADATA FROM 'offset', day AS DATE_FORMAT(ts, 'dd')",
        &options.replace("k_id", "name").replace("'k_'", "''").replace("EXCEPT_KEY", "ALL"),
    );
    assert_eq!(
        rows(&format!("SET 'table.local-time-zone' = 'Asia/Tokyo'; {sql} SELECT ts, o, day FROM t;")),
        ["+I[2023-11-15 07:13:20.123, 0, 15]", "+I[2023-11-15 07:13:20.124, 1, 15]"]
    );
}

#[test]
fn other_formats() {
    let Some(broker) = shared() else { return };
    broker.create_topic("formats", 1, &[]);
    broker.send(
        "formats",
        &[
            Sent { key: Some("k1"), value: Some("1,\"a\nb\""), ..Sent::default() },
            Sent { key: Some("k2"), value: Some("2,c"), ..Sent::default() },
        ],
    );
    let options =
        whole("formats").replace("json", "csv") + ", 'key.format' = 'raw', 'key.fields' = 'k', 'value.fields-include' = 'EXCEPT_KEY'";
    let sql = table(broker, "t", "k STRING, id INT, name STRING", &options);
    assert_eq!(rows(&format!("{sql} SELECT k, id, REPLACE(name, U&'\\000a', '/') FROM t;")), ["+I[k1, 1, a/b]", "+I[k2, 2, c]"]);
    broker.create_topic("raws", 1, &[]);
    broker.send("raws", &[Sent { value: Some("a\r\n"), ..Sent::default() }, Sent::default(), Sent { value: Some(""), ..Sent::default() }]);
    let sql = table(broker, "t", "v STRING", &whole("raws").replace("json", "raw"));
    assert_eq!(rows(&format!("{sql} SELECT CHAR_LENGTH(v), v IS NULL FROM t;")), ["+I[0, FALSE]", "+I[3, FALSE]", "+I[NULL, TRUE]"]);
}

#[test]
fn changes_of_a_database() {
    let Some(broker) = shared() else { return };
    broker.create_topic("changes", 1, &[]);
    broker.send_values(
        "changes",
        &[
            r#"{"before":null,"after":{"id":1,"n":5},"op":"c"}"#,
            r#"{"before":{"id":1,"n":5},"after":{"id":1,"n":7},"op":"u"}"#,
            r#"{"before":null,"after":{"id":2,"n":1},"op":"c"}"#,
            r#"{"before":{"id":2,"n":1},"after":null,"op":"d"}"#,
        ],
    );
    let columns = "id INT, n INT, o BIGINT METADATA FROM 'offset' VIRTUAL";
    let sql = table(broker, "t", columns, &whole("changes").replace("json", "debezium-json"));
    let expected = ["+I[1, 5, 0]", "+I[2, 1, 2]", "+U[1, 7, 1]", "-D[2, 1, 3]", "-U[1, 5, 1]"];
    assert_eq!(rows(&format!("{sql} SELECT * FROM t;")), expected);
}

#[test]
fn messages_that_cannot_be_decoded() {
    let Some(broker) = shared() else { return };
    broker.create_topic("bad", 1, &[]);
    broker.send_values("bad", &[A, "{oops", B, r#"{"id":"x","name":"y"}"#, C]);
    let select = |options: &str| {
        let sql = table(broker, "t", &format!("{COLUMNS}, o BIGINT METADATA FROM 'offset'"), &format!("{}{options}", whole("bad")));
        run(&format!("{sql} SELECT * FROM t;"))
    };
    let error = select("").unwrap_err();
    assert!(error.contains("topic bad, partition 0, offset 1") && error.contains("'flott.on-bad-record' = 'skip'"), "{error}");
    let skipped = select(", 'flott.on-bad-record' = 'skip'").unwrap();
    assert_eq!(crate::sorted(&skipped), ["+I[1, a, 0]", "+I[2, b, 2]", "+I[3, c, 4]"]);
    assert_eq!(skipped.bad_rows, 2);
    let sample = &skipped.reports[0].progress.sources[0].bad_samples[1];
    assert_eq!((sample.place.as_str(), sample.text.as_str()), ("topic bad, partition 0, offset 3, column id", r#"{"id":"x","name":"y"}"#));
    broker.create_topic("bad-letters", 1, &[]);
    let lettered = select(", 'flott.on-bad-record' = 'dead-letter', 'flott.dead-letter.topic' = 'bad-letters'").unwrap();
    assert_eq!((lettered.rows.len(), lettered.bad_rows), (3, 2));
    let letters = broker.read("bad-letters");
    assert_eq!(letters.iter().map(|m| m.value.as_deref().unwrap()).collect::<Vec<_>>(), ["{oops", r#"{"id":"x","name":"y"}"#]);
    let headers: Vec<(&str, &str)> = letters[1].headers.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    assert_eq!(headers[..3], [("flott.topic", "bad"), ("flott.partition", "0"), ("flott.offset", "3")]);
    let ignored = select(", 'json.ignore-parse-errors' = 'true'").unwrap();
    assert_eq!(crate::sorted(&ignored), ["+I[1, a, 0]", "+I[2, b, 2]", "+I[3, c, 4]", "+I[NULL, y, 3]"]);
}

#[test]
fn event_time_by_partition() {
    let Some(broker) = shared() else { return };
    broker.create_topic("times", 2, &[]);
    let values: Vec<String> = (0..200).map(|i| format!(r#"{{"t":"2024-01-01 00:00:{:02}.{:03}"}}"#, i / 10, i % 10 * 100)).collect();
    // One partition is far behind the other.
    let sent: Vec<Sent<'_>> =
        values.iter().enumerate().map(|(i, v)| Sent { partition: i32::from(i >= 100), value: Some(v), ..Sent::default() }).collect();
    broker.send("times", &sent);
    let sql = table(broker, "t", "t TIMESTAMP(3), WATERMARK FOR t AS t", &whole("times"));
    let select = "SELECT COUNT(*), SUM(c) FROM (SELECT window_start, COUNT(*) AS c FROM \
        TUMBLE(TABLE t, DESCRIPTOR(t), INTERVAL '1' SECOND) GROUP BY window_start, window_end)";
    let collected = run(&format!("{sql} {select};")).unwrap();
    assert_eq!(collected.late_rows, 0);
    assert!(crate::sorted(&collected).contains(&"+U[20, 200]".to_owned()) || crate::sorted(&collected) == ["+I[20, 200]"]);
}
