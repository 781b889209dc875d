//! Messages that are decoded many at a time give what they give one by one.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Field, Int32Type, Int64Type, Schema};
use flott_engine::RowKind;
use flott_engine::connector::{ColumnRef, TableSpec};
use flott_engine::source::Chunk;
use proptest::prelude::*;

use super::config::{Kind, SourceConfig};
use super::decode::{DecodePlan, MessageChunk};
use super::messages::MessageSet;

/// A message, and what it is worth.
#[derive(Debug, Clone)]
enum Message {
    Row(i32),
    Spread(i32),
    Broken,
    /// Sound JSON, and not what the column wants.
    Wrong,
    Null,
}

impl Message {
    fn value(&self) -> Option<String> {
        Some(match self {
            Message::Row(n) => format!(r#"{{"n":{n}}}"#),
            Message::Spread(n) => format!("{{\n\"x\": [1,\n 2], \"n\": {n}\n}}\n"),
            Message::Broken => r#"{"n":"#.to_owned(),
            Message::Wrong => r#"{"n":"seven"}"#.to_owned(),
            Message::Null => return None,
        })
    }
}

fn message() -> impl Strategy<Value = Message> {
    prop_oneof![
        8 => (0..1000).prop_map(Message::Row),
        2 => (0..1000).prop_map(Message::Spread),
        1 => Just(Message::Broken),
        1 => Just(Message::Wrong),
        1 => Just(Message::Null),
    ]
}

fn table(kind: Kind, offsets: bool) -> TableSpec {
    let own: &[(&str, &str)] = match kind {
        Kind::Append => &[("connector", "kafka"), ("format", "json")],
        Kind::Upsert => &[("connector", "upsert-kafka"), ("key.format", "json"), ("value.format", "json")],
    };
    let common = [("topic", "t"), ("properties.bootstrap.servers", "h:1"), ("flott.on-bad-record", "skip")];
    let mut fields = vec![Field::new("n", DataType::Int32, true)];
    let mut columns = vec![ColumnRef::Physical(0)];
    if kind == Kind::Upsert {
        fields.push(Field::new("k", DataType::Int32, false));
        columns.push(ColumnRef::Physical(1));
    }
    if offsets {
        columns.push(ColumnRef::Metadata { key: "offset".into(), name: "o".into(), data_type: DataType::Int64 });
    }
    TableSpec {
        name: "t".into(),
        schema: Arc::new(Schema::new(fields)),
        columns,
        options: own.iter().chain(&common).map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect::<BTreeMap<_, _>>(),
        partition_keys: vec![],
        primary_key: if kind == Kind::Upsert { vec!["k".into()] } else { vec![] },
    }
}

fn chunk(kind: Kind, offsets: bool, messages: &[Message]) -> Box<MessageChunk> {
    let table = table(kind, offsets);
    let plan = DecodePlan::new(&table, &SourceConfig::new(&table, kind).unwrap(), None).unwrap();
    let mut set = MessageSet::default();
    for (i, message) in messages.iter().enumerate() {
        // Offsets have gaps, as where transactions end.
        set.offsets.push(100 + 3 * i as i64);
        set.values.push(message.value().as_deref().map(str::as_bytes), plan.wanted.value_lines);
        if plan.wanted.key {
            set.keys.push(Some(format!(r#"{{"k":{i}}}"#).as_bytes()), plan.wanted.key_lines);
        }
    }
    Box::new(MessageChunk { plan: Arc::new(plan), topic: "t".into(), partition: 0, set })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn rows_know_their_messages(messages in prop::collection::vec(message(), 1..40), offsets in any::<bool>()) {
        let chunk = chunk(Kind::Append, offsets, &messages);
        prop_assert_eq!((chunk.start(), chunk.end()), ("100".into(), Some((101 + 3 * (messages.len() - 1)).to_string())));
        let decoded = chunk.decode().unwrap();
        let mut wanted = vec![];
        let mut bad = 0;
        for (i, message) in messages.iter().enumerate() {
            match message {
                Message::Row(n) | Message::Spread(n) => wanted.push((*n, 100 + 3 * i as i64)),
                Message::Broken | Message::Wrong => bad += 1,
                Message::Null => {}
            }
        }
        prop_assert_eq!(decoded.bad_rows, bad);
        let values = decoded.rows.column(0).as_primitive::<Int32Type>().values().to_vec();
        prop_assert_eq!(&values, &wanted.iter().map(|w| w.0).collect::<Vec<_>>());
        if offsets {
            let values = decoded.rows.column(1).as_primitive::<Int64Type>().values().to_vec();
            prop_assert_eq!(&values, &wanted.iter().map(|w| w.1).collect::<Vec<_>>());
        }
    }

    #[test]
    fn changes_know_their_keys(messages in prop::collection::vec(message(), 1..40)) {
        let decoded = chunk(Kind::Upsert, false, &messages).decode().unwrap();
        let mut wanted = vec![];
        for (key, message) in messages.iter().enumerate() {
            match message {
                Message::Row(n) | Message::Spread(n) => wanted.push((RowKind::UpdateAfter, Some(*n), key as i32)),
                Message::Null => wanted.push((RowKind::Delete, None, key as i32)),
                Message::Broken | Message::Wrong => {}
            }
        }
        let (values, keys) = (decoded.rows.column(0).as_primitive::<Int32Type>(), decoded.rows.column(1).as_primitive::<Int32Type>());
        let kinds = decoded.kinds.unwrap();
        let got: Vec<_> = (0..decoded.rows.num_rows())
            .map(|row| (kinds[row], values.is_valid(row).then(|| values.value(row)), keys.value(row)))
            .collect();
        prop_assert_eq!(got, wanted);
    }
}
