//! Changes out of records and back, against what a real Flink 2.3 reads and writes.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use flott_engine::RowKind;
use flott_engine::connector::TableSpec;
use proptest::prelude::*;

use crate::formats::{Stop, decoder, encoder};

fn table(format: &str, options: &[(&str, &str)]) -> TableSpec {
    let fields = vec![Field::new("id", DataType::Int64, true), Field::new("name", DataType::Utf8, true)];
    let mut all = BTreeMap::from([("format".to_owned(), format.to_owned())]);
    all.extend(options.iter().map(|(k, v)| (k.to_string(), v.to_string())));
    TableSpec {
        name: "t".into(),
        schema: Arc::new(Schema::new(fields)),
        columns: vec![],
        options: all,
        partition_keys: vec![],
        primary_key: vec![],
    }
}

type Change = (&'static str, Option<i64>, Option<String>);

fn changes(rows: &crate::formats::Rows) -> Vec<Change> {
    let (ids, names) = (rows.batch.column(0), rows.batch.column(1));
    let ids: &Int64Array = arrow::array::AsArray::as_primitive(ids);
    let names: &StringArray = arrow::array::AsArray::as_string(names);
    let kind = |row: usize| rows.kinds.as_ref().map_or(RowKind::Insert, |kinds| kinds[row]).symbol();
    (0..rows.batch.num_rows())
        .map(|row| (kind(row), ids.iter().nth(row).flatten(), names.iter().nth(row).flatten().map(Into::into)))
        .collect()
}

fn read(table: &TableSpec, text: &str) -> Vec<Change> {
    changes(&decoder(table, &[0, 1], &[0, 1]).unwrap().decode(text.as_bytes()).unwrap())
}

fn change(kind: &'static str, id: i64, name: Option<&str>) -> Change {
    (kind, Some(id), name.map(Into::into))
}

#[test]
fn debezium_tells_both_images() {
    let text = r#"{"before":null,"after":{"id":1,"name":"a"},"op":"r","ts_ms":7}
{"op":"u","after":{"id":1,"name":null},"before":{"name":"a","id":"1"}}

{"before":{"id":1},"op":"d"}"#;
    let wanted = vec![change("+I", 1, Some("a")), change("-U", 1, Some("a")), change("+U", 1, None), change("-D", 1, None)];
    assert_eq!(read(&table("debezium-json", &[]), text), wanted);
    let wrapped: String = text.lines().filter(|l| !l.is_empty()).map(|l| format!("{{\"schema\":{{}},\"payload\":{l}}}\n")).collect();
    assert_eq!(read(&table("debezium-json", &[("debezium-json.schema-include", "true")]), &wrapped), wanted);
}

#[test]
fn canal_and_maxwell_tell_old_values_of_what_changed() {
    let canal = r#"{"data":[{"id":"1","name":"a"},{"id":"2","name":"b"}],"type":"INSERT","table":"t","database":"d"}
{"data":[{"id":"1","name":null},{"id":"3","name":"b"}],"old":[{"name":"a"},{"id":"2"}],"type":"UPDATE","table":"t","database":"d"}
{"data":null,"type":"CREATE","table":"t","database":"d"}
{"data":[{"id":"x"}],"type":"INSERT","table":"other","database":"d"}
{"data":[{"id":"3","name":"b"}],"type":"DELETE","table":"t","database":"d"}"#;
    let options = [("canal-json.table.include", "t|u"), ("canal-json.database.include", "d.*")];
    let wanted = vec![
        change("+I", 1, Some("a")),
        change("+I", 2, Some("b")),
        // As in Flink, a column that any row of the message tells is taken as told by all of them.
        ("-U", None, Some("a".into())),
        change("+U", 1, None),
        change("-U", 2, None),
        change("+U", 3, Some("b")),
        change("-D", 3, Some("b")),
    ];
    assert_eq!(read(&table("canal-json", &options), canal), wanted);
    let maxwell = r#"{"type":"insert","data":{"id":1,"name":null}}
{"type":"update","data":{"id":1,"name":"a"},"old":{"name":null}}
{"type":"update","data":{"id":2,"name":"a"},"old":{"id":1}}
{"type":"delete","data":{"id":2,"name":"a"}}"#;
    let wanted = vec![
        change("+I", 1, None),
        change("-U", 1, None),
        change("+U", 1, Some("a")),
        change("-U", 1, Some("a")),
        change("+U", 2, Some("a")),
        change("-D", 2, Some("a")),
    ];
    assert_eq!(read(&table("maxwell-json", &[]), maxwell), wanted);
}

#[test]
fn ogg_knows_truncations() {
    let text = r#"{"op_type":"I","after":{"id":1,"name":"a"}}
{"op_type":"T"}
{"op_type":"U","before":{"id":1,"name":"a"},"after":{"id":1,"name":"b"}}
{"op_type":"D","before":{"id":1,"name":"b"}}"#;
    let wanted = vec![change("+I", 1, Some("a")), change("-U", 1, Some("a")), change("+U", 1, Some("b")), change("-D", 1, Some("b"))];
    assert_eq!(read(&table("ogg-json", &[]), text), wanted);
}

#[test]
fn records_that_are_wrong_stop_or_are_counted() {
    let cases = [
        (r#"{"after":{"id":1},"op":"x"}"#, "\"op\" is \"x\""),
        (r#"{"after":{"id":1}}"#, "has no \"op\""),
        (r#"{"before":null,"after":{"id":1},"op":"u"}"#, "has no \"before\": the database must be told"),
        (r#"{"before":null,"after":null,"op":"c"}"#, "has no \"after\""),
    ];
    for (record, reason) in cases {
        let text = format!("{{\"after\":{{\"id\":1}},\"op\":\"c\"}}\n{record}\n");
        let strict = decoder(&table("debezium-json", &[]), &[0, 1], &[0, 1]).unwrap();
        let Err(Stop::Record(bad)) = strict.decode(text.as_bytes()) else { panic!("{record} is wrong") };
        assert!(bad.reason.contains(reason), "{}", bad.reason);
        assert_eq!((bad.offset, bad.text.as_str()), (text.find('\n').unwrap() + 1, record));
        let lenient = decoder(&table("debezium-json", &[("debezium-json.ignore-parse-errors", "true")]), &[0, 1], &[0, 1]).unwrap();
        let rows = lenient.decode(text.as_bytes()).unwrap();
        assert_eq!((changes(&rows), rows.bad_rows), (vec![change("+I", 1, None)], 1));
    }
}

#[test]
fn changes_are_written_as_flink_does() {
    let columns: Vec<ArrayRef> = vec![Arc::new(Int64Array::from(vec![1, 1])), Arc::new(StringArray::from(vec![Some("a"), None]))];
    let write = |format: &str, options: &[(&str, &str)]| {
        let spec = table(format, options);
        let batch = RecordBatch::try_new(spec.schema.clone(), columns.clone()).unwrap();
        let encoder = encoder(&spec, spec.schema.clone()).unwrap();
        assert!(encoder.takes_changes());
        let (mut rows, mut out) = (encoder.open(&batch).unwrap(), vec![]);
        rows.change(0, RowKind::UpdateBefore, &mut out).unwrap();
        rows.change(1, RowKind::UpdateAfter, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    };
    let [old, new] = [r#"{"id":1,"name":"a"}"#, r#"{"id":1,"name":null}"#];
    let debezium = format!("{{\"before\":{old},\"after\":null,\"op\":\"d\"}}\n{{\"before\":null,\"after\":{new},\"op\":\"c\"}}\n");
    assert_eq!(write("debezium-json", &[]), debezium);
    let short = format!("{{\"before\":{old},\"op\":\"d\"}}\n{{\"after\":{{\"id\":1}},\"op\":\"c\"}}\n");
    assert_eq!(write("debezium-json", &[("debezium-json.encode.ignore-null-fields", "true")]), short);
    let canal = format!("{{\"data\":[{old}],\"type\":\"DELETE\"}}\n{{\"data\":[{new}],\"type\":\"INSERT\"}}\n");
    assert_eq!(write("canal-json", &[]), canal);
    let maxwell = format!("{{\"data\":{old},\"type\":\"delete\"}}\n{{\"data\":{new},\"type\":\"insert\"}}\n");
    assert_eq!(write("maxwell-json", &[]), maxwell);
    let ogg = format!("{{\"before\":{old},\"after\":null,\"op_type\":\"D\"}}\n{{\"before\":null,\"after\":{new},\"op_type\":\"I\"}}\n");
    assert_eq!(write("ogg-json", &[]), ogg);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    /// However the records are cut into pieces, and whatever of the columns is read.
    #[test]
    fn pieces_make_no_difference(
        changes in prop::collection::vec((0..3usize, 0..4i64, prop::option::of("[a-c]{0,2}")), 0..12),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
        format in 0..4usize,
    ) {
        let name = ["debezium-json", "canal-json", "maxwell-json", "ogg-json"][format];
        let mut wanted: Vec<(String, Option<i64>, Option<String>)> = vec![];
        let mut lines = vec![];
        for (kind, id, text) in &changes {
            let row = serde_json::json!({"id": id, "name": text});
            let next = serde_json::json!({"id": id + 1, "name": text});
            let (op, before, after) = [("c", None, Some(&row)), ("u", Some(&row), Some(&next)), ("d", Some(&row), None)][*kind];
            let rows = [vec![("+I", *id)], vec![("-U", *id), ("+U", id + 1)], vec![("-D", *id)]][*kind].clone();
            wanted.extend(rows.iter().map(|(kind, id)| (kind.to_string(), Some(*id), text.clone())));
            let old = serde_json::json!({"id": id});
            let data = after.or(before);
            let word = |words: [&'static str; 3]| words[*kind];
            lines.push(match format {
                0 => serde_json::json!({"before": before, "after": after, "op": op}),
                1 => serde_json::json!({"data": [data], "old": (*kind == 1).then(|| vec![&old]), "type": word(["INSERT", "UPDATE", "DELETE"])}),
                2 => serde_json::json!({"data": data, "old": (*kind == 1).then_some(&old), "type": word(["insert", "update", "delete"])}),
                _ => serde_json::json!({"before": before, "after": after, "op_type": word(["I", "U", "D"])}),
            }.to_string() + "\n");
        }
        let decoder = decoder(&table(name, &[]), &[0, 1], &[0, 1]).unwrap();
        let mut at: Vec<usize> = cuts.iter().map(|c| c.index(lines.len() + 1)).chain([0, lines.len()]).collect();
        at.sort_unstable();
        let mut records = decoder.open(0).unwrap();
        for piece in at.windows(2) {
            prop_assert!(records.feed(lines[piece[0]..piece[1]].concat().as_bytes()).is_ok());
        }
        let got: Vec<_> = super::tests::changes(&records.finish().unwrap()).into_iter().map(|(k, id, n)| (k.to_string(), id, n)).collect();
        prop_assert_eq!(got, wanted);
    }
}
