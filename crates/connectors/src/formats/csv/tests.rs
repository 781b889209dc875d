//! Tests of the format: examples with Flink's results, and random records against a plain reference.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Field, Fields, TimeUnit};
use flott_engine::connector::TableSpec;
use proptest::prelude::*;

use super::*;
use crate::formats::Encode;

fn options(settings: &[(&str, &str)]) -> Result<CsvOptions> {
    let table = TableSpec {
        name: "t".into(),
        schema: Arc::new(Schema::empty()),
        columns: vec![],
        options: settings.iter().map(|(k, v)| (format!("csv.{k}"), (*v).to_owned())).collect::<BTreeMap<_, _>>(),
        partition_keys: vec![],
        primary_key: vec![],
    };
    CsvOptions::new(&Options::new(&table), "csv.")
}

fn text_schema(columns: usize) -> SchemaRef {
    Arc::new(Schema::new((0..columns).map(|i| Field::new(format!("c{i}"), DataType::Utf8, true)).collect::<Vec<_>>()))
}

fn decode(schema: &SchemaRef, settings: &[(&str, &str)], input: &[u8]) -> Result<Rows, Stop> {
    let count = schema.fields().len();
    CsvDecoder::new(schema.clone(), (0..count).collect(), count, options(settings).unwrap()).unwrap().decode(input)
}

fn shown(batch: &RecordBatch) -> Vec<String> {
    let schema = batch.schema();
    let row = |row: usize| {
        let cells = batch.columns().iter().zip(schema.fields()).map(|(column, field)| {
            let mut out = vec![];
            flott_engine::text::print_text(column.as_ref(), row, field, &mut out);
            String::from_utf8(out).unwrap()
        });
        cells.collect::<Vec<_>>().join("|")
    };
    (0..batch.num_rows()).map(row).collect()
}

#[track_caller]
fn rows(columns: usize, settings: &[(&str, &str)], input: &str, wanted: &[&str]) {
    let rows = decode(&text_schema(columns), settings, input.as_bytes()).unwrap();
    assert_eq!(shown(&rows.batch), wanted, "{input:?}");
}

fn bad(schema: &SchemaRef, settings: &[(&str, &str)], input: &str) -> BadRecord {
    match decode(schema, settings, input.as_bytes()) {
        Err(Stop::Record(bad)) => bad,
        other => panic!("{input:?} gave {other:?}"),
    }
}

fn encode(batch: &RecordBatch, settings: &[(&str, &str)]) -> String {
    let encoder = CsvEncoder::new(batch.schema(), options(settings).unwrap()).unwrap();
    let mut rows = encoder.open(batch).unwrap();
    let mut out = vec![];
    (0..batch.num_rows()).for_each(|row| rows.row(row, &mut out).unwrap());
    String::from_utf8(out).unwrap()
}

#[test]
fn quotes_delimiters_and_line_ends() {
    rows(2, &[], "a,b\nc,\n,d\n\"\",\"x,y\"\r\n", &["a|b", "c|", "|d", "|x,y"]);
    rows(2, &[], "\"a\"\"b\" ,c\"d\n\"two\nlines\",e", &["a\"b|c\"d", "two\nlines|e"]);
    rows(2, &[], "a,b,\nc,d, \n", &["a|b", "c|d"]);
    rows(2, &[], "a,b\rc,d\r", &["a|b", "c|d"]);
    rows(2, &[], "\u{feff}a,b\n", &["a|b"]);
    rows(2, &[("field-delimiter", "\\t")], "a,b\t\"c\td\"\n", &["a,b|c\td"]);
    rows(2, &[("field-delimiter", ";"), ("quote-character", "'")], "'a;b';\"c\n", &["a;b|\"c"]);
    rows(2, &[("disable-quote-character", "true")], "\"a,b\"\n", &["\"a|b\""]);
    rows(2, &[("escape-character", "\\")], "a\\,b,c\\nd\n\"e\\\"f\",g\\\nh\n", &["a,b|c\nd", "e\"f|g\nh"]);
    rows(1, &[], "a\n\nb\n", &["a", "", "b"]);
    rows(2, &[("null-literal", "n/a")], "n/a,\"n/a\"\nx,\n", &["null|null", "x|"]);
    rows(1, &[("allow-comments", "true")], "# one\na\n  # two\n\nb#\n", &["a", "b#"]);
    rows(1, &[], "# one\n", &["# one"]);
}

#[test]
fn values_convert_as_in_flink() {
    let list = DataType::List(Arc::new(Field::new("item", DataType::Int32, true)));
    let row = DataType::Struct(Fields::from(vec![Field::new("x", DataType::Int32, true), Field::new("y", DataType::Utf8, true)]));
    let types = [
        (DataType::Int64, " 12 ", "12"),
        (DataType::Boolean, "TRUE", "true"),
        (DataType::Boolean, "", "false"),
        (DataType::Float64, "1e3", "1000.0"),
        (DataType::Decimal128(4, 2), "1.005", "1.01"),
        (DataType::Decimal128(4, 2), "12345", "null"),
        (DataType::Date32, "2024-1-2", "2024-01-02"),
        (DataType::Time32(TimeUnit::Millisecond), "10:11:12.5", "10:11:12"),
        (DataType::Time32(TimeUnit::Millisecond), "10:11", "10:11"),
        (DataType::Timestamp(TimeUnit::Millisecond, None), " 2024-01-02 03:04:05.6 ", "2024-01-02T03:04:05.600"),
        (DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())), "2024-01-02 03:04:05Z", "2024-01-02T03:04:05Z"),
        (DataType::Binary, "aGk=", "[104, 105]"),
        (list.clone(), "1;2; 3", "[1, 2, 3]"),
        (list.clone(), " ", "[]"),
        (row.clone(), "1;a b", "+I[1, a b]"),
        (row.clone(), "1;2;3", "+I[1, 2]"),
        (row.clone(), "", "null"),
    ];
    for (data_type, text, wanted) in types {
        let schema = Arc::new(Schema::new(vec![Field::new("a", data_type, true), Field::new("b", DataType::Utf8, true)]));
        let rows = decode(&schema, &[], format!("{text},x\n").as_bytes()).unwrap();
        assert_eq!(shown(&rows.batch), [format!("{wanted}|x")], "{text}");
    }
    let one = |t: DataType| Arc::new(Schema::new(vec![Field::new("a", t, true), Field::new("b", DataType::Utf8, true)]));
    let reason = |t: DataType, text: &str| bad(&one(t), &[], &format!("{text},x\n")).reason;
    assert!(reason(DataType::Int32, "").contains("if an empty field means NULL, set 'csv.null-literal' = ''"));
    assert!(reason(DataType::Int32, "1.5").contains("'1.5' is not a whole number (INT)"));
    assert!(reason(list.clone(), "1;x").contains("'x' is not a whole number"));
    assert!(reason(row.clone(), "1").contains("'1' has 1 parts, and the row has 2 fields"));
    let lenient = [("ignore-parse-errors", "true"), ("null-literal", "-")];
    let rows = decode(&one(list), &lenient, b"1;x;-;3,y\n").unwrap();
    assert_eq!(shown(&rows.batch), ["[1, null, null, 3]|y"]);
    let rows = decode(&one(row), &lenient, b"z,y\n").unwrap();
    assert_eq!(shown(&rows.batch), ["+I[null, null]|y"]);
    let map = DataType::Map(Arc::new(Field::new("e", DataType::Null, false)), false);
    assert!(check_types(&Schema::new(vec![Field::new("m", map, true)])).unwrap_err().to_string().contains("no maps"));
}

#[test]
fn bad_records_are_named_or_skipped() {
    let schema = Arc::new(Schema::new(vec![Field::new("a", DataType::Int32, true), Field::new("b", DataType::Utf8, true)]));
    for (text, column, reason) in [
        ("x,y", Some("a"), "'x' is not a whole number"),
        ("1", None, "the record has 1 fields, and the table has 2 columns"),
        ("", None, "the record has 1 fields, and the table has 2 columns"),
        ("1,2,3", None, "the record has 3 fields"),
        ("\"1\"x,2", None, "text follows the closing quote of a field"),
    ] {
        let found = bad(&schema, &[], &format!("1,a\n{text}\n2,b\n"));
        assert_eq!((found.offset, found.text.as_str(), found.column.as_deref()), (4, text, column), "{text}");
        assert!(found.reason.contains(reason), "{text}: {}", found.reason);
    }
    let lenient = [("ignore-parse-errors", "true")];
    let rows = decode(&schema, &lenient, b"1,a\nx,y\n1\n1,2,3\n\"1\"x,2\n\xff,\xff\n2,b\n3,\"open").unwrap();
    assert_eq!(shown(&rows.batch), ["1|a", "null|y", "1|null", "null|null", "2|b"]);
    assert_eq!(rows.bad.iter().map(|bad| bad.offset).collect::<Vec<_>>(), [4, 8, 10, 16, 23, 31]);
    assert_eq!((rows.bad_rows, rows.bad[0].reason.as_str()), (6, "'x' is not a whole number (INT), and is NULL"));
    assert!(rows.bad[1].reason.contains("1 fields"), "{}", rows.bad[1].reason);
    assert!(rows.bad[5].reason.contains("no closing quote"));
}

#[test]
fn encodes_as_flink_does() {
    let fields = vec![
        Field::new("i", DataType::Int32, true),
        Field::new("d", DataType::Float64, true),
        Field::new("s", DataType::Utf8, true),
        Field::new("t", DataType::Timestamp(TimeUnit::Millisecond, None), true),
        Field::new("day", DataType::Date32, true),
        Field::new("l", DataType::List(Arc::new(Field::new("item", DataType::Utf8, true))), true),
        Field::new("n", DataType::Decimal128(10, 8), true),
    ];
    let schema = Arc::new(Schema::new(fields));
    let input = "1,1e10,plain,2024-01-02 03:04:05.600,2024-01-02,x;y,0.00000001\n2,0.5,with blank,2024-01-02 03:04:05,2024-01-02,,1\n";
    let rows = decode(&schema, &[], input.as_bytes()).unwrap();
    assert_eq!(
        encode(&rows.batch, &[]),
        "1,1.0E10,plain,\"2024-01-02 03:04:05.6\",2024-01-02,x;y,1E-8\n2,0.5,\"with blank\",\"2024-01-02 03:04:05\",2024-01-02,,1\n"
    );
    assert!(encode(&rows.batch, &[("write-bigdecimal-in-scientific-notation", "false")]).contains(",0.00000001\n"));
    assert!(encode(&rows.batch, &[("disable-quote-character", "true")]).contains(",with blank,2024-01-02 03:04:05,"));
    let texts = decode(&text_schema(2), &[("null-literal", "-")], b"abcdefghijklmnopqrstuvwxy,-\n\"a\"\"b\",\"l1\nl2\"\n").unwrap();
    assert_eq!(encode(&texts.batch, &[("null-literal", "NULL")]), "\"abcdefghijklmnopqrstuvwxy\",NULL\n\"a\"\"b\",\"l1\nl2\"\n");
    let escaped = decode(&text_schema(1), &[], b"a\\b\n").unwrap();
    assert_eq!(encode(&escaped.batch, &[("escape-character", "\\")]), "\"a\\\\b\"\n");
}

#[test]
fn options_are_checked() {
    assert!(options(&[("field-delimiter", "ab")]).is_err());
    assert!(options(&[("disable-quote-character", "true"), ("quote-character", "'")]).is_err());
    assert!(options(&[("quote-character", ",")]).is_err());
    assert!(options(&[("array-element-delimiter", "")]).is_err());
}

/// A reader of records that looks at one character after the other.
fn reference(input: &str) -> Vec<Vec<String>> {
    let mut records = vec![];
    let mut chars = input.chars().peekable();
    while chars.peek().is_some() {
        let mut record = vec![];
        'fields: loop {
            let mut field = String::new();
            if chars.peek() == Some(&'"') {
                chars.next();
                loop {
                    match chars.next() {
                        Some('"') if chars.peek() == Some(&'"') => {
                            chars.next();
                            field.push('"');
                        }
                        Some('"') | None => break,
                        Some(c) => field.push(c),
                    }
                }
            }
            loop {
                match chars.next() {
                    Some(',') => {
                        record.push(field);
                        continue 'fields;
                    }
                    Some('\n') | None => {
                        record.push(field);
                        break 'fields;
                    }
                    Some(c) => field.push(c),
                }
            }
        }
        records.push(record);
    }
    records
}

fn any_field() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z ]{0,8}", "[a-z,\"\n#é]{0,8}", Just(String::new())]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn records_as_a_plain_reader_sees_them(
        records in proptest::collection::vec(proptest::collection::vec((any_field(), any::<bool>()), 3), 0..6), last: bool,
    ) {
        let write = |(field, quote): &(String, bool)| {
            let needed = field.contains([',', '"', '\n']);
            if needed || *quote { format!("\"{}\"", field.replace('"', "\"\"")) } else { field.clone() }
        };
        let lines: Vec<String> = records.iter().map(|r| r.iter().map(write).collect::<Vec<_>>().join(",")).collect();
        let mut input = lines.join("\n");
        if last && !input.is_empty() {
            input.push('\n');
        }
        let wanted: Vec<String> = reference(&input).iter().map(|r| r.join("|")).collect();
        let rows = decode(&text_schema(3), &[], input.as_bytes()).unwrap();
        prop_assert_eq!(shown(&rows.batch), wanted);
        // What the encoder writes reads back the same.
        let again = decode(&text_schema(3), &[], encode(&rows.batch, &[]).as_bytes()).unwrap();
        prop_assert_eq!(again.batch, rows.batch);
    }

    #[test]
    fn a_cut_lies_between_records(
        records in proptest::collection::vec(proptest::collection::vec(any_field(), 2), 1..6), at: usize, escape: bool,
    ) {
        let settings: &[(&str, &str)] = if escape { &[("escape-character", "\\")] } else { &[] };
        let lines = records.iter().map(|r| r.iter().map(|f| format!("\"{}\"", f.replace('"', "\"\""))).collect::<Vec<_>>().join(",") + "\n");
        let input: String = lines.collect();
        let dialect = options(settings).unwrap().dialect;
        let at = at % (input.len() + 1);
        let whole = shown(&decode(&text_schema(2), settings, input.as_bytes()).unwrap().batch);
        if let Some(cut) = dialect.last_end(&input.as_bytes()[..at]) {
            prop_assert!(cut <= at);
            let mut halves = shown(&decode(&text_schema(2), settings, &input.as_bytes()[..cut]).unwrap().batch);
            halves.extend(shown(&decode(&text_schema(2), settings, &input.as_bytes()[cut..]).unwrap().batch));
            prop_assert_eq!(halves, whole);
        } else {
            prop_assert!(at < input.len());
        }
    }

    #[test]
    fn no_input_panics(
        input in proptest::collection::vec(prop_oneof![any::<u8>(), Just(b'"'), Just(b','), Just(b'\n'), Just(b'\r'), Just(b'\\')], 0..120),
        ignore: bool, escape: bool, comments: bool,
    ) {
        let text = |b: bool| if b { "true" } else { "false" };
        let mut settings = vec![("ignore-parse-errors", text(ignore)), ("allow-comments", text(comments))];
        if escape {
            settings.push(("escape-character", "\\"));
        }
        let result = decode(&text_schema(2), &settings, &input);
        prop_assert!(result.is_ok() || !ignore);
        if let Some(cut) = options(&settings).unwrap().dialect.last_end(&input) {
            prop_assert!(cut > 0 && cut <= input.len());
        }
    }
}
