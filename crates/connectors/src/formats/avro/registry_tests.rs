//! Formats with a schema registry, against a small registry on this machine.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use flott_engine::RowKind;
use flott_engine::connector::TableSpec;
use serde_json::{Value, json};

use crate::formats::samples::{decode, encode, text_of};
use crate::formats::{Stop, decoder, encoder};

/// What the registry has, and what it was asked.
#[derive(Default)]
struct State {
    schemas: Vec<String>,
    /// Method, path and header `Authorization`.
    asked: Vec<(String, Option<String>)>,
    /// So many requests are answered with 503 first.
    away: usize,
}

struct TestRegistry {
    url: String,
    state: Arc<Mutex<State>>,
}

impl TestRegistry {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State::default()));
        let shared = state.clone();
        // The thread ends with the test's process.
        std::thread::spawn(move || listener.incoming().flatten().for_each(|stream| serve(stream, &shared)));
        Self { url, state }
    }

    /// Adds a schema; ids count from 1.
    fn add(&self, schema: &str) -> u32 {
        let mut state = self.state.lock().unwrap();
        state.schemas.push(schema.to_owned());
        state.schemas.len() as u32
    }

    fn asked(&self) -> Vec<String> {
        self.state.lock().unwrap().asked.iter().map(|(line, _)| line.clone()).collect()
    }
}

fn serve(stream: TcpStream, state: &Mutex<State>) {
    let mut reader = BufReader::new(stream);
    let (mut line, mut length, mut authorization) = (String::new(), 0, None);
    reader.read_line(&mut line).unwrap();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).unwrap();
        let Some((name, value)) = header.trim().split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().unwrap(),
            "authorization" => authorization = Some(value.to_owned()),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let request = line.trim().trim_end_matches(" HTTP/1.1").to_owned();
    let (status, answer) = answer(&request, authorization, &body, &mut state.lock().unwrap());
    let text = answer.to_string();
    let head = format!("HTTP/1.1 {status} x\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", text.len());
    let _ = reader.get_mut().write_all((head + &text).as_bytes());
}

fn answer(request: &str, authorization: Option<String>, body: &[u8], state: &mut State) -> (u16, Value) {
    state.asked.push((request.to_owned(), authorization));
    if state.away > 0 {
        state.away -= 1;
        return (503, json!({"message": "not now"}));
    }
    if let Some(id) = request.strip_prefix("GET /schemas/ids/") {
        let schema = id.parse::<usize>().ok().and_then(|id| state.schemas.get(id.wrapping_sub(1)));
        return schema.map_or((404, json!({"error_code": 40403, "message": "Schema not found"})), |s| (200, json!({"schema": s})));
    }
    let schema = serde_json::from_slice::<Value>(body).unwrap()["schema"].as_str().unwrap().to_owned();
    let id = state.schemas.iter().position(|s| *s == schema).unwrap_or_else(|| {
        state.schemas.push(schema);
        state.schemas.len() - 1
    });
    (200, json!({"id": id + 1}))
}

fn table(format: &str, url: &str, more: &[(&str, &str)]) -> TableSpec {
    let fields = vec![Field::new("id", DataType::Int64, false), Field::new("name", DataType::Utf8, true)];
    let mut options = BTreeMap::from([("format".to_owned(), format.to_owned()), (format!("{format}.url"), url.to_owned())]);
    options.extend(more.iter().map(|(k, v)| (format!("{format}.{k}"), v.to_string())));
    TableSpec {
        name: "t".into(),
        schema: Arc::new(Schema::new(fields)),
        columns: vec![],
        options,
        partition_keys: vec![],
        primary_key: vec![],
    }
}

fn batch(table: &TableSpec) -> RecordBatch {
    let ids: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
    let names: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), None]));
    RecordBatch::try_new(table.schema.clone(), vec![ids, names]).unwrap()
}

#[test]
fn a_table_is_written_and_read_with_one_question_each() {
    let registry = TestRegistry::start();
    let table = table("avro-confluent", &registry.url, &[("subject", "a topic/value")]);
    let encoder = encoder(&table, table.schema.clone()).unwrap();
    let (bytes, ends) = encode(encoder.as_ref(), &batch(&table));
    encode(encoder.as_ref(), &batch(&table));
    assert_eq!(bytes, [0, 0, 0, 0, 1, 2, 2, 2, b'a', 0, 0, 0, 0, 1, 4, 0]);
    let decoder = decoder(&table, &[0, 1], &[0, 1]).unwrap();
    for _ in 0..2 {
        assert_eq!(text_of(&decode(decoder.as_ref(), &bytes, &ends).unwrap().batch), ["1|a", "2|null"]);
    }
    assert_eq!(registry.asked(), ["POST /subjects/a%20topic%2Fvalue/versions", "GET /schemas/ids/1"]);
}

#[test]
fn writers_of_several_schemas_are_read_side_by_side() {
    let registry = TestRegistry::start();
    registry.add(r#"{"type":"record","name":"a","fields":[{"name":"more","type":"string"},{"name":"id","type":"int"}]}"#);
    registry.add(
        r#"["null",{"type":"record","name":"b","fields":[{"name":"name","type":{"type":"enum","name":"e","symbols":["X","Y"]}},{"name":"id","type":"long"}]}]"#,
    );
    registry.add(r#"{"type":"record","name":"c","fields":[{"name":"name","type":"string"}]}"#);
    let table = table("avro-confluent", &registry.url, &[]);
    let decoder = decoder(&table, &[0, 1], &[0, 1]).unwrap();
    let bytes = [0, 0, 0, 0, 1, 2, b'm', 14, 0, 0, 0, 0, 2, 2, 2, 16];
    assert_eq!(text_of(&decode(decoder.as_ref(), &bytes, &[8, 16]).unwrap().batch), ["7|null", "8|Y"]);
    let reason = |bytes: &[u8]| match decode(decoder.as_ref(), bytes, &[bytes.len()]) {
        Err(Stop::Record(bad)) => bad.reason,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        reason(&[0, 0, 0, 0, 3, 2, b'a']),
        "the schema 3 of the registry does not fit the table: the records have no field 'id', which must not be NULL"
    );
    assert_eq!(reason(&[0, 0, 0, 0, 9, 0]), "the registry has no schema 9: it answers 404 Schema not found");
    assert_eq!(reason(b"{\"id\":1}"), "the message does not begin with a byte 0 and the number of its schema");
    assert_eq!(reason(&[0, 0, 0]), "the message is too short for the number of its schema");
}

#[test]
fn a_schema_that_is_given_has_defaults_and_other_names() {
    let registry = TestRegistry::start();
    registry.add(r#"{"type":"record","name":"a","fields":[{"name":"nr","type":"int"}]}"#);
    let schema = r#"{"type":"record","name":"a","fields":[{"name":"id","type":"long","aliases":["nr"]},{"name":"name","type":["string","null"],"default":"none"}]}"#;
    let table = table("avro-confluent", &registry.url, &[("schema", schema), ("subject", "s")]);
    let decode_with = decoder(&table, &[0, 1], &[0, 1]).unwrap();
    assert_eq!(text_of(&decode(decode_with.as_ref(), &[0, 0, 0, 0, 1, 6], &[6]).unwrap().batch), ["3|none"]);
    // Written in the order of its union: NULL is the second type.
    let (bytes, _) = encode(encoder(&table, table.schema.clone()).unwrap().as_ref(), &batch(&table));
    assert_eq!(bytes, [0, 0, 0, 0, 2, 2, 0, 2, b'a', 0, 0, 0, 0, 2, 4, 2]);
}

#[test]
fn a_registry_that_is_away_is_asked_again() {
    let registry = TestRegistry::start();
    registry.add(r#"{"type":"record","name":"a","fields":[{"name":"id","type":"int"}]}"#);
    registry.state.lock().unwrap().away = 2;
    let user = [("basic-auth.credentials-source", "USER_INFO"), ("basic-auth.user-info", "me:secret")];
    let with_user = table("avro-confluent", &registry.url, &user);
    let decode_with = decoder(&with_user, &[0, 1], &[0]).unwrap();
    assert_eq!(text_of(&decode(decode_with.as_ref(), &[0, 0, 0, 0, 1, 6], &[6]).unwrap().batch), ["3"]);
    let asked = registry.state.lock().unwrap().asked.clone();
    assert_eq!(asked.len(), 3);
    assert!(asked.iter().all(|(_, authorization)| authorization.as_deref() == Some("Basic bWU6c2VjcmV0")));
}

#[test]
fn options_are_checked() {
    let error = |more: &[(&str, &str)]| match decoder(&table("avro-confluent", "http://127.0.0.1:1", more), &[0, 1], &[0, 1]) {
        Err(e) => e.to_string(),
        Ok(_) => panic!(),
    };
    assert!(error(&[("properties", "a.b:c")]).contains("'avro-confluent.properties' = 'a.b' is not valid"));
    assert!(error(&[("basic-auth.credentials-source", "USER_INFO")]).contains("'avro-confluent.basic-auth.user-info' is missing"));
    assert!(error(&[("schema", "{")]).contains("'avro-confluent.schema': the schema is not JSON"));
    let other = r#"{"type":"record","name":"a","fields":[{"name":"id","type":"string"}]}"#;
    assert!(error(&[("schema", other)]).contains("'avro-confluent.schema' does not fit the table's columns: field id"));
    assert!(error(&[("ssl.truststore.location", "/none.pem")]).contains("Cannot read the file /none.pem"));
    let no_subject = table("avro-confluent", "http://127.0.0.1:1", &[]);
    assert!(encoder(&no_subject, no_subject.schema.clone()).err().unwrap().to_string().contains("'avro-confluent.subject' is missing"));
    let properties = [("properties", "basic.auth.credentials.source:USER_INFO,basic.auth.user.info:me:secret")];
    decoder(&table("avro-confluent", "http://127.0.0.1:1", &properties), &[0, 1], &[0, 1]).unwrap();
}

#[test]
fn changes_are_written_and_read() {
    let registry = TestRegistry::start();
    let table = table("debezium-avro-confluent", &registry.url, &[("subject", "s")]);
    let encoder = encoder(&table, table.schema.clone()).unwrap();
    assert!(encoder.takes_changes() && encoder.end_of_record().is_empty());
    let (mut bytes, mut ends) = (vec![], vec![]);
    let mut rows = encoder.open(&batch(&table)).unwrap();
    for (row, kind) in [(0, RowKind::Insert), (0, RowKind::UpdateBefore), (1, RowKind::UpdateAfter), (1, RowKind::Delete)] {
        rows.change(row, kind, &mut bytes).unwrap();
        ends.push(bytes.len());
    }
    // The record is the second type of a union; before, after, op.
    assert_eq!(bytes[..ends[0]], [0, 0, 0, 0, 1, 2, 0, 2, 2, 2, 2, b'a', 2, 2, b'c']);
    // An update as Debezium writes it, and a truncation, which is none of Flink's.
    bytes.extend([0, 0, 0, 0, 1, 2, 2, 2, 0, 2, 4, 0, 2, 2, b'u']);
    ends.push(bytes.len());
    let decoder = decoder(&table, &[0, 1], &[1, 0]).unwrap();
    let rows = decode(decoder.as_ref(), &bytes, &ends).unwrap();
    let kinds: Vec<&str> = rows.kinds.unwrap().iter().map(|kind| kind.symbol()).collect();
    assert_eq!(kinds, ["+I", "-D", "+I", "-D", "-U", "+U"]);
    assert_eq!(text_of(&rows.batch), ["a|1", "a|1", "null|2", "null|2", "null|1", "null|2"]);
    let start = bytes.len();
    bytes.extend([0, 0, 0, 0, 1, 2, 0, 0, 2, 2, b't']);
    ends.push(bytes.len());
    let Err(Stop::Record(bad)) = decode(decoder.as_ref(), &bytes, &ends) else { panic!() };
    assert_eq!((bad.offset, bad.reason.as_str()), (start + 5, "\"op\" is \"t\", which is no kind of change of debezium-avro-confluent"));
}
