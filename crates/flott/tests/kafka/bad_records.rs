//! One record in a hundred is bad, in twenty ways: all of them are told with their places, and no other.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;

use flott_testkit::kafka::{Broker, Sent, shared};

use crate::{run, run_in, sorted, table, whole, written};

const COLUMNS: &str = "id INT, big BIGINT, price DECIMAL(10, 2), ts TIMESTAMP(3), d DATE, tags ARRAY<INT>, r ROW<a INT>, m MAP<STRING, INT>, bin BYTES, name STRING";
/// Longer than a record may be.
const HUGE_BYTES: usize = 9 << 20;

/// A record of each kind.
fn kinds() -> Vec<Vec<u8>> {
    let texts = [
        r#"{"id":1"#,
        r#"{"id":"x"}"#,
        r#"[{"id":1}]"#,
        r#"{"id":99999999999}"#,
        r#"{"big":99999999999999999999999}"#,
        r#"{"price":"abc"}"#,
        r#"{"ts":"2024-13-45 99:00:00"}"#,
        r#"{"d":"yesterday"}"#,
        r#"{"id":[1]}"#,
        r#"{"tags":5}"#,
        r#"{"tags":[1,"x"]}"#,
        r#"{"r":{"a":"b"}}"#,
        r#"{"m":{"a":"x"}}"#,
        r#"{"id":1,,}"#,
        r#"xx{"id":1}"#,
        "{\n\"id\": \"several\nlines\"\n}",
    ];
    let mut kinds: Vec<Vec<u8>> = texts.iter().map(|text| text.as_bytes().to_vec()).collect();
    kinds.push(b"{\"name\":\"\xff\"}".to_vec());
    kinds.push(format!(r#"{{"name":{}1{}}}"#, "[".repeat(5000), "]".repeat(5000)).into_bytes());
    kinds
}

/// 3,000 messages to two partitions, of which 30 are bad; tells the bad ones by partition and offset.
fn send(broker: &Broker, topic: &str) -> BTreeMap<(i32, i64), Vec<u8>> {
    let kinds = kinds();
    let (mut values, mut bad) = (vec![], BTreeMap::new());
    for i in 0..3000i32 {
        let (partition, offset) = (i % 2, i64::from(i / 2));
        if i % 100 == 37 {
            let value = match i / 100 {
                7 => [&b"{\"name\":\""[..], &vec![b'x'; HUGE_BYTES], b"\"}"].concat(),
                n => kinds[n as usize % kinds.len()].clone(),
            };
            bad.insert((partition, offset), value.clone());
            values.push((partition, value));
        } else {
            values.push((partition, format!(r#"{{"id":{i},"name":"n"}}"#).into_bytes()));
        }
    }
    let sent: Vec<Sent<'_>> =
        values.iter().map(|(partition, value)| Sent { partition: *partition, raw: Some(value), ..Sent::default() }).collect();
    broker.send(topic, &sent);
    bad
}

#[test]
fn every_bad_record_is_told_with_its_place() {
    let Some(broker) = shared() else { return };
    broker.create_topic("one-bad", 2, &[("max.message.bytes", "20000000")]);
    broker.create_topic("one-bad-letters", 1, &[]);
    let bad = send(broker, "one-bad");
    // A message without a value is no row, and not bad.
    broker.send("one-bad", &[Sent::default()]);
    let read = |options: &str| table(broker, "t", COLUMNS, &format!("{}{options}", whole("one-bad")));
    let lettered = read(", 'flott.on-bad-record' = 'dead-letter', 'flott.dead-letter.topic' = 'one-bad-letters'");
    let collected = run(&format!("{lettered} SELECT id FROM t;")).unwrap();
    // Only what the query reads is looked at, and all that is no JSON.
    assert!(collected.bad_rows < bad.len() as u64);
    broker.create_topic("all-bad-letters", 1, &[]);
    let lettered = lettered.replace("one-bad-letters", "all-bad-letters");
    let collected = run(&format!("{lettered} SELECT * FROM t;")).unwrap();
    assert_eq!((collected.rows.len(), collected.bad_rows), (3000 - bad.len(), bad.len() as u64));
    let letters = broker.read("all-bad-letters");
    let place = |headers: &[(String, String)]| {
        let of = |name: &str| headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()).unwrap();
        assert_eq!(of("flott.topic"), "one-bad");
        assert!(!of("flott.error").is_empty());
        (of("flott.partition").parse::<i32>().unwrap(), of("flott.offset").parse::<i64>().unwrap())
    };
    let told: BTreeMap<(i32, i64), Vec<u8>> = letters.into_iter().map(|m| (place(&m.headers), m.raw.unwrap())).collect();
    assert_eq!(told.keys().collect::<Vec<_>>(), bad.keys().collect::<Vec<_>>());
    for (place, value) in &bad {
        // One that is too long is there in part.
        let part = &told[place];
        assert!(if value.len() > 1 << 20 { value.starts_with(part) && !part.is_empty() } else { part == value }, "{place:?}");
    }
    // The same as a table, whatever the options say of such records.
    for options in ["", ", 'flott.on-bad-record' = 'skip'", ", 'json.ignore-parse-errors' = 'true'"] {
        let rows = run(&format!(
            "{} SELECT source_partition, source_offset, CHAR_LENGTH(CAST(raw_value AS STRING)), error_text FROM `t$bad`;",
            read(options)
        ));
        let rows = rows.unwrap().rows;
        let place = |row: &Vec<Option<String>>| {
            let n = |i: usize| row[i].as_deref().unwrap().parse::<i64>().unwrap();
            ((n(0) as i32, n(1)), n(2) as usize)
        };
        let told: BTreeMap<(i32, i64), usize> = rows.iter().map(|(_, row)| place(row)).collect();
        assert_eq!(told, bad.iter().map(|(place, value)| (*place, String::from_utf8_lossy(value).chars().count())).collect(), "{options}");
        assert_eq!(rows.len(), bad.len());
        assert!(rows.iter().all(|(_, row)| row[3].as_deref().is_some_and(|reason| !reason.is_empty())));
    }
}

#[test]
fn a_record_that_fails_again_does_not_make_the_job_loop() {
    let Some(broker) = shared() else { return };
    for topic in ["stuck", "stuck-out"] {
        broker.create_topic(topic, 1, &[]);
    }
    broker.send_values("stuck", &[r#"{"id":1}"#, r#"{"id":"x"}"#, r#"{"id":2}"#]);
    let sql = "SET 'execution.checkpointing.interval' = '50 ms';\n".to_owned()
        + &table(broker, "t", "id INT", &format!("{}, 'scan.startup.mode' = 'earliest-offset'", written("stuck")))
        + &table(broker, "o", "id INT", &written("stuck-out"))
        + "INSERT INTO o SELECT id FROM t;";
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let error = run_in(folder.path(), &sql, |_| {}).unwrap_err();
        assert!(error.contains("topic stuck, partition 0, offset 1, column id"), "{error}");
        assert_eq!(error.matches("offset 1").count(), 1, "{error}");
    }
}

#[test]
fn keys_that_are_missing_or_bad() {
    let Some(broker) = shared() else { return };
    broker.create_topic("bad-keys", 1, &[]);
    broker.send(
        "bad-keys",
        &[
            Sent { key: Some(r#"{"k":1}"#), value: Some(r#"{"k":1,"n":1}"#), ..Sent::default() },
            Sent { value: Some(r#"{"k":2,"n":2}"#), ..Sent::default() },
            Sent { key: Some(r#"{"k":"x"}"#), value: Some(r#"{"k":3,"n":3}"#), ..Sent::default() },
            Sent { key: Some(r#"{"k":1}"#), ..Sent::default() },
            Sent { key: Some(r#"{"k":4}"#), value: Some(r#"{"k":4,"n":"n"}"#), ..Sent::default() },
        ],
    );
    let options = "'connector' = 'upsert-kafka', 'topic' = 'bad-keys', 'key.format' = 'json', 'value.format' = 'json', 'scan.bounded.mode' = 'latest-offset'";
    let sql = table(broker, "t", "k INT, n INT, PRIMARY KEY (k) NOT ENFORCED", options);
    let rows =
        run(&format!("{sql} SELECT source_offset, CAST(raw_key AS STRING), CAST(raw_value AS STRING), error_column FROM t$bad;")).unwrap();
    let expected =
        [r#"+I[1, NULL, {"k":2,"n":2}, NULL]"#, r#"+I[2, {"k":"x"}, {"k":3,"n":3}, k]"#, r#"+I[4, {"k":4}, {"k":4,"n":"n"}, n]"#];
    assert_eq!(sorted(&rows), expected);
}

/// A registry that knows the schema 1 and no other.
fn registry() -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut first = String::new();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            reader.read_line(&mut first).unwrap();
            let mut line = String::new();
            while reader.read_line(&mut line).is_ok_and(|n| n > 2) {
                line.clear();
            }
            let (status, body) = match first.contains("/schemas/ids/1 ") || first.contains("/schemas/ids/1?") {
                true => ("200 OK", r#"{"schema":"{\"type\":\"record\",\"name\":\"r\",\"fields\":[{\"name\":\"id\",\"type\":\"int\"}]}"}"#),
                false => ("404 Not Found", r#"{"error_code":40403,"message":"Schema not found"}"#),
            };
            let length = body.len();
            let _ = write!(
                stream,
                "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            );
        }
    });
    format!("http://{address}")
}

#[test]
fn messages_of_unknown_schemas() {
    let Some(broker) = shared() else { return };
    broker.create_topic("bad-avro", 1, &[]);
    let messages: [&[u8]; 5] = [&[0, 0, 0, 0, 1, 14], &[0, 0, 0, 0, 77, 14], &[9, 9], &[0, 0, 0, 0, 1], &[0, 0, 0, 0, 1, 16]];
    let sent: Vec<Sent<'_>> = messages.iter().map(|raw| Sent { raw: Some(raw), ..Sent::default() }).collect();
    broker.send("bad-avro", &sent);
    let options = whole("bad-avro").replace("json", "avro-confluent") + &format!(", 'avro-confluent.url' = '{}'", registry());
    let sql = table(broker, "t", "id INT NOT NULL", &options);
    let bad = run(&format!("{sql} SELECT source_offset, CHAR_LENGTH(CAST(raw_value AS STRING)) FROM t$bad;")).unwrap();
    assert_eq!(sorted(&bad), ["+I[1, 6]", "+I[2, 2]", "+I[3, 5]"], "each with all its bytes");
    let sql = table(broker, "t", "id INT NOT NULL", &format!("{options}, 'flott.on-bad-record' = 'skip'"));
    let good = run(&format!("{sql} SELECT id FROM t;")).unwrap();
    assert_eq!((sorted(&good), good.bad_rows), (vec!["+I[7]".to_owned(), "+I[8]".to_owned()], 3));
}

#[test]
fn rows_and_what_they_leave_behind_in_one_job() {
    let Some(broker) = shared() else { return };
    for topic in ["left", "left-bad", "left-late"] {
        broker.create_topic(topic, 1, &[]);
    }
    let row = |id: i32, second: i32| format!(r#"{{"id":{id},"ts":"2024-01-01 00:00:{second:02}"}}"#);
    let values = [row(1, 1), "{oops".to_owned(), row(2, 30), row(3, 2), "nothing".to_owned(), row(4, 31), row(5, 29)];
    broker.send_values("left", &values.iter().map(String::as_str).collect::<Vec<_>>());
    let source = format!("{}, 'flott.on-bad-record' = 'skip', 'scan.watermark.emit.strategy' = 'on-event'", whole("left"));
    let script = table(broker, "t", "id INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts", &source)
        + &table(broker, "bad", "o BIGINT, v STRING", &written("left-bad"))
        + &table(broker, "late", "id INT, ts TIMESTAMP(3), w TIMESTAMP(3)", &written("left-late"))
        + "CREATE TABLE counted (n BIGINT) WITH ('connector' = 'print');
           EXECUTE STATEMENT SET BEGIN
             INSERT INTO counted SELECT COUNT(*) FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end;
             INSERT INTO bad SELECT source_offset, CAST(raw_value AS STRING) FROM `t$bad`;
             INSERT INTO late SELECT * FROM `t$late`;
           END;";
    let done = run(&script).unwrap();
    let read = |topic: &str| broker.read(topic).into_iter().filter_map(|m| m.value).collect::<Vec<_>>();
    assert_eq!(read("left-bad"), [r#"{"o":1,"v":"{oops"}"#, r#"{"o":4,"v":"nothing"}"#]);
    let late = |id: i32, second: i32, w: i32| format!(r#"{{"id":{id},"ts":"2024-01-01 00:00:{second:02}","w":"2024-01-01 00:00:{w:02}"}}"#);
    assert_eq!(read("left-late"), [late(3, 2, 30), late(5, 29, 31)]);
    assert_eq!(done.late_rows, 2);
    assert_eq!(done.printed.lines().count(), 2, "{}", done.printed);
}
