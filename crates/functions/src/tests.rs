//! Calls of functions as a planner makes them, checked against results of a real Flink.
//!
//! Every call runs twice, with constants and with columns of three rows, and must give the same.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, new_null_array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef, TimeUnit};
use datafusion_common::config::ConfigOptions;
use datafusion_common::{Result, ScalarValue};
use datafusion_expr::{ColumnarValue, Operator, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF};
use flott_engine::text::{parse_date, parse_decimal, parse_time, parse_timestamp, print_text, value_text};

use super::types::type_text;
use super::*;

fn s(text: &str) -> ScalarValue {
    ScalarValue::Utf8(Some(text.into()))
}

fn i(value: i32) -> ScalarValue {
    ScalarValue::Int32(Some(value))
}

fn l(value: i64) -> ScalarValue {
    ScalarValue::Int64(Some(value))
}

fn d(value: f64) -> ScalarValue {
    ScalarValue::Float64(Some(value))
}

fn b(value: bool) -> ScalarValue {
    ScalarValue::Boolean(Some(value))
}

/// A decimal literal: its digits give precision and scale.
fn dec(text: &str) -> ScalarValue {
    let digits = text.bytes().filter(u8::is_ascii_digit).count() as u8;
    let scale = text.split_once('.').map_or(0, |(_, fraction)| fraction.len() as i8);
    ScalarValue::Decimal128(parse_decimal(text.as_bytes(), digits, scale), digits, scale)
}

fn dec_as(text: &str, precision: u8, scale: i8) -> ScalarValue {
    ScalarValue::Decimal128(parse_decimal(text.as_bytes(), precision, scale), precision, scale)
}

fn ts(text: &str) -> ScalarValue {
    let (seconds, nanos) = parse_timestamp(text.as_bytes()).unwrap();
    ScalarValue::TimestampMillisecond(Some(seconds * 1000 + i64::from(nanos / 1_000_000)), None)
}

fn ltz(epoch_ms: i64) -> ScalarValue {
    ScalarValue::TimestampMillisecond(Some(epoch_ms), Some("UTC".into()))
}

fn date(text: &str) -> ScalarValue {
    ScalarValue::Date32(parse_date(text.as_bytes()))
}

fn time(text: &str) -> ScalarValue {
    ScalarValue::Time32Millisecond(parse_time(text.as_bytes()))
}

fn null(data_type: DataType) -> ScalarValue {
    ScalarValue::try_from(&data_type).unwrap()
}

const TEXT: DataType = DataType::Utf8;
const INT: DataType = DataType::Int32;

fn field_of(value: &ScalarValue) -> FieldRef {
    Arc::new(Field::new("x", value.data_type(), value.is_null()))
}

/// The result of a call with constants, its type, and the same with columns.
fn evaluate(udf: &ScalarUDF, args: &[ScalarValue]) -> Result<(ArrayRef, FieldRef)> {
    let types: Vec<DataType> = args.iter().map(|arg| arg.data_type()).collect();
    let wanted = udf.coerce_types(&types)?;
    let args: Vec<ScalarValue> = args
        .iter()
        .zip(&wanted)
        .map(|(arg, wanted)| {
            if arg.data_type() == *wanted {
                return Ok(arg.clone());
            }
            ScalarValue::try_from_array(&cast(&arg.to_array_of_size(1)?, wanted)?, 0)
        })
        .collect::<Result<_>>()?;
    let arg_fields: Vec<FieldRef> = args.iter().map(field_of).collect();
    let literals: Vec<Option<&ScalarValue>> = args.iter().map(Some).collect();
    let return_field = udf.return_field_from_args(ReturnFieldArgs { arg_fields: &arg_fields, scalar_arguments: &literals })?;
    let run = |args: Vec<ColumnarValue>, rows: usize| -> Result<ArrayRef> {
        let call = ScalarFunctionArgs {
            args,
            arg_fields: arg_fields.clone(),
            number_rows: rows,
            return_field: Arc::clone(&return_field),
            config_options: Arc::new(ConfigOptions::default()),
        };
        udf.invoke_with_args(call)?.into_array(rows)
    };
    let constant = run(args.iter().cloned().map(ColumnarValue::Scalar).collect(), 1)?;
    assert_eq!(constant.data_type(), return_field.data_type(), "{}", udf.name());
    // Units, sides, names of fields and the like stay constants, as the dialect writes them.
    let of_row = matches!(args.first(), Some(ScalarValue::Struct(_)));
    let keyword = |arg: &ScalarValue| matches!(arg, ScalarValue::Utf8(Some(t)) if t.len() > 2 && t.bytes().all(|b| b.is_ascii_uppercase()));
    let columns: Result<Vec<ColumnarValue>> = args
        .iter()
        .map(|arg| {
            if keyword(arg) || of_row {
                return Ok(ColumnarValue::Scalar(arg.clone()));
            }
            Ok(ColumnarValue::Array(arg.to_array_of_size(3)?))
        })
        .collect();
    if !args.is_empty() {
        let column = run(columns?, 3)?;
        assert_eq!(column.data_type(), return_field.data_type(), "{} over columns", udf.name());
        for row in 0..column.len().min(3) {
            assert_eq!(shown(&column, &return_field, row), shown(&constant, &return_field, 0), "{} over columns", udf.name());
        }
    }
    Ok((constant, return_field))
}

fn shown(array: &ArrayRef, field: &Field, row: usize) -> String {
    let mut out = Vec::new();
    match array.is_null(row) {
        true => out.extend_from_slice(b"null"),
        false if matches!(array.data_type(), DataType::Timestamp(..) | DataType::Boolean) => {
            print_text(array.as_ref(), row, field, &mut out)
        }
        false => value_text(array.as_ref(), row, field, &mut out),
    }
    String::from_utf8(out).unwrap()
}

/// The value of a call, or `ERR …`.
fn value(name: &str, args: &[ScalarValue]) -> String {
    let udf = find(name).unwrap_or_else(|| panic!("there is no function {name}"));
    match evaluate(&udf, args) {
        Ok((array, field)) => shown(&array, &field, 0),
        Err(e) => format!("ERR {}", e.strip_backtrace()),
    }
}

fn typed(name: &str, args: &[ScalarValue]) -> String {
    let (array, field) = evaluate(&find(name).unwrap(), args).unwrap();
    format!("{} {}", shown(&array, &field, 0), type_text(&field))
}

/// The value and type of `left op right`, through Flink's operator, or `native`.
fn binary(left: ScalarValue, op: Operator, right: ScalarValue) -> String {
    let Some(udf) = flink_binary(op, &left.data_type(), &right.data_type()) else { return "native".into() };
    match evaluate(&udf, &[left, right]) {
        Ok((array, field)) => format!("{} {}", shown(&array, &field, 0), type_text(&field)),
        Err(e) => format!("ERR {}", e.strip_backtrace()),
    }
}

fn cast_with(value: ScalarValue, target: &str, safe: bool) -> String {
    let ty = crate::data_type::ColumnType::from_text(target).unwrap().ty;
    let udf = cast_to(ty.to_arrow(), Some(target.to_string()), safe);
    match evaluate(&udf, &[value]) {
        Ok((array, field)) => shown(&array, &field, 0),
        Err(e) => format!("ERR {}", e.strip_backtrace()),
    }
}

fn cast_text(value: ScalarValue, target: &str) -> String {
    cast_with(value, target, false)
}

#[test]
fn every_function_has_a_name_of_its_own_and_a_text() {
    let mut names = std::collections::HashSet::new();
    for udf in all() {
        for name in std::iter::once(udf.name()).chain(udf.aliases().iter().map(String::as_str)) {
            assert!(names.insert(name.to_string()), "{name} is there twice");
            assert_eq!(name, name.to_lowercase());
        }
    }
    for info in catalog() {
        assert!(!info.name.is_empty() && !info.description.is_empty(), "{info:?}");
    }
    assert!(catalog().len() > 150, "{}", catalog().len());
}

#[test]
fn operators_have_flinks_types() {
    use Operator::{Divide, Minus, Modulo, Multiply, Plus};
    assert_eq!(binary(i(5), Divide, i(2)), "2 INT NOT NULL");
    assert_eq!(binary(i(-5), Divide, i(2)), "-2 INT NOT NULL");
    assert_eq!(binary(i(5), Divide, dec("2.0")), "2.500000 DECIMAL(17, 6) NOT NULL");
    assert!(binary(i(5), Divide, i(0)).contains("Division by zero: 5 / 0"));
    assert!(binary(d(5.0), Divide, i(0)).contains("Division by zero"));
    assert!(binary(dec("5.0"), Divide, i(0)).contains("Division by zero"));
    assert_eq!(binary(i(-5), Modulo, i(3)), "-2 INT NOT NULL");
    assert_eq!(binary(l(1_000_000_007), Modulo, i(123)), "44 INT NOT NULL");
    assert_eq!(binary(dec("1.1"), Plus, dec("2.22")), "3.32 DECIMAL(4, 2) NOT NULL");
    assert_eq!(binary(dec("1.1"), Multiply, dec("2.22")), "2.442 DECIMAL(6, 3) NOT NULL");
    assert_eq!(binary(dec_as("1", 10, 2), Divide, dec_as("3", 10, 2)), "0.3333333333333 DECIMAL(23, 13) NOT NULL");
    assert_eq!(binary(dec_as("1", 38, 18), Multiply, dec_as("3", 38, 18)), "3.000000 DECIMAL(38, 6) NOT NULL");
    assert_eq!(binary(i(1), Plus, dec("1.5")), "2.5 DECIMAL(12, 1) NOT NULL");
    assert_eq!(binary(i(1), Plus, d(1.0)), "2.0 DOUBLE NOT NULL");
    assert_eq!(binary(i(1), Divide, dec("3.0")), "0.333333 DECIMAL(17, 6) NOT NULL");
    assert_eq!(binary(dec("0.908"), Multiply, l(1000)), "908.000 DECIMAL(24, 3) NOT NULL");
    assert_eq!(binary(ScalarValue::Float32(Some(1.0)), Plus, i(1)), "2.0 FLOAT NOT NULL");
    assert_eq!(binary(i(2_147_483_647), Plus, i(1)), "native");
    assert_eq!(binary(i(2_147_483_647), Plus, l(1)), "2147483648 BIGINT NOT NULL");
    assert_eq!(binary(i(i32::MIN), Divide, i(-1)), "-2147483648 INT NOT NULL");
    assert_eq!(binary(dec_as("99999999999999999999999999999999999999", 38, 0), Minus, dec("-1.0")), "null DECIMAL(38, 1) NOT NULL");
    assert_eq!(binary(null(INT), Divide, i(2)), "null INT");
}

#[test]
fn casts_of_numbers() {
    assert_eq!(cast_text(dec("12.7"), "INT"), "12");
    assert_eq!(cast_text(dec("-12.7"), "INT"), "-12");
    assert_eq!(cast_text(d(1e10), "INT"), "2147483647");
    assert_eq!(cast_text(l(3_000_000_000), "INT"), "-1294967296");
    assert_eq!(cast_text(i(300), "TINYINT"), "44");
    assert_eq!(cast_text(d(300.0), "TINYINT"), "44");
    assert_eq!(cast_text(d(f64::NAN), "INT"), "0");
    assert_eq!(cast_text(dec("1.005"), "DECIMAL(4, 2)"), "1.01");
    assert_eq!(cast_text(dec("-1.005"), "DECIMAL(4, 2)"), "-1.01");
    assert_eq!(cast_text(dec("123.45"), "DECIMAL(4, 2)"), "null");
    assert_eq!(cast_text(d(1.005), "DECIMAL(4, 2)"), "1.01");
    assert_eq!(cast_text(d(12345.0), "DECIMAL(4, 2)"), "null");
    assert_eq!(cast_text(i(2), "BOOLEAN"), "true");
    assert_eq!(cast_text(b(true), "INT"), "1");
    assert_eq!(cast_text(dec("0.1"), "DOUBLE"), "0.1");
}

#[test]
fn casts_of_texts() {
    let error = cast_text(s("abc"), "INT");
    assert!(error.contains("CAST('abc' AS INT) failed") && error.contains("TRY_CAST"), "{error}");
    assert_eq!(cast_with(s("abc"), "INT", true), "null");
    assert_eq!(cast_text(s(" 12 "), "INT"), "12");
    assert_eq!(cast_text(s("12.7"), "INT"), "12");
    assert!(cast_text(s("300"), "TINYINT").starts_with("ERR"));
    assert_eq!(cast_text(s("1e2"), "DOUBLE"), "100.0");
    assert_eq!(cast_text(s("yes"), "BOOLEAN"), "true");
    assert_eq!(cast_text(s("T"), "BOOLEAN"), "true");
    assert_eq!(cast_text(s("2024-01-02"), "TIMESTAMP(3)"), "2024-01-02T00:00");
    assert!(cast_text(s("2024-01-02T03:04:05"), "TIMESTAMP(3)").starts_with("ERR"));
    assert!(cast_text(s("2024-13-02"), "DATE").starts_with("ERR"));
    assert_eq!(cast_text(s("2024-1-2"), "DATE"), "2024-01-02");
    assert_eq!(cast_text(s("hello"), "VARCHAR(3)"), "hel");
    assert_eq!(cast_text(s("a"), "CHAR(3)"), "a  ");
    assert_eq!(cast_text(s("abcdef"), "CHAR(3)"), "abc");
    assert_eq!(cast_text(s("1.005"), "DECIMAL(4, 2)"), "1.01");
    assert_eq!(cast_text(s("10:11:12.345"), "TIME(3)"), "10:11:12.345");
}

#[test]
fn casts_to_texts() {
    assert_eq!(cast_text(d(1.0), "STRING"), "1.0");
    assert_eq!(cast_text(d(1e10), "STRING"), "1.0E10");
    assert_eq!(cast_text(d(1e-5), "STRING"), "1.0E-5");
    assert_eq!(cast_text(ScalarValue::Float32(Some(1.5)), "STRING"), "1.5");
    assert_eq!(cast_text(b(true), "STRING"), "TRUE");
    assert_eq!(cast_text(ts("2024-01-02 03:04:05.600"), "STRING"), "2024-01-02 03:04:05.600");
    assert_eq!(cast_text(ts("2024-01-02 03:04:05"), "DATE"), "2024-01-02");
    assert_eq!(cast_text(i(-12), "CHAR(2)"), "-1");
    assert_eq!(cast_text(dec("12.50"), "STRING"), "12.50");
    let array = value_of("make_array", &[i(1), i(2)]);
    assert_eq!(cast_text(array.clone(), "STRING"), "[1, 2]");
    assert_eq!(cast_text(array, "ARRAY<STRING>"), "[1, 2]");
    assert_eq!(cast_text(value_of("row", &[i(1), s("a")]), "STRING"), "(1, a)");
    assert_eq!(cast_text(value_of("row", &[i(1), s("7")]), "ROW<`a` STRING, `b` INT>"), "(1, 7)");
    assert_eq!(cast_text(value_of("map", &[s("a"), i(1)]), "STRING"), "{a=1}");
    let error = cast_text(i(1), "TIMESTAMP(3)");
    assert!(error.contains("TO_TIMESTAMP"), "{error}");
}

fn value_of(name: &str, args: &[ScalarValue]) -> ScalarValue {
    let (array, _) = evaluate(&find(name).unwrap(), args).unwrap();
    ScalarValue::try_from_array(&array, 0).unwrap()
}

#[test]
fn the_session_time_zone_counts() {
    let berlin = EvalContext { time_zone: Zone::parse("Europe/Berlin").unwrap(), ..context() };
    with_context(berlin, || {
        assert_eq!(cast_text(ltz(0), "STRING"), "1970-01-01 01:00:00.000");
        assert_eq!(cast_text(s("1970-01-01 01:00:00"), "TIMESTAMP_LTZ(3)"), "1970-01-01T00:00:00Z");
        assert_eq!(cast_text(ltz(0), "TIMESTAMP(3)"), "1970-01-01T01:00");
        assert_eq!(cast_text(value_of("make_array", &[ltz(0)]), "STRING"), "[1970-01-01 01:00:00.000]");
        assert_eq!(value("from_unixtime", &[l(0)]), "1970-01-01 01:00:00");
        assert_eq!(value("unix_timestamp", &[s("1970-01-01 01:00:10")]), "10");
        assert_eq!(value("date_format", &[ltz(0), s("HH:mm")]), "01:00");
        assert_eq!(value("hour", &[ltz(0)]), "1");
        assert_eq!(value("floor_to", &[ltz(0), s("YEAR")]), "1969-12-31T23:00:00Z");
    });
    with_clock(1_700_000_000_123, || {
        assert_eq!(value("now", &[]), "2023-11-14T22:13:20.123Z");
        assert_eq!(value("current_date", &[]), "2023-11-14");
        assert_eq!(value("localtimestamp", &[]), "2023-11-14T22:13:20.123");
        assert_eq!(value("unix_timestamp", &[]), "1700000000");
        assert_eq!(value("current_time", &[]).split('.').next(), Some("22:13:20"));
    });
}

/// Function, arguments, and the value of a real Flink.
type Case<'a> = (&'a str, &'a [ScalarValue], &'a str);

fn check(cases: &[Case]) {
    for (name, args, expected) in cases {
        assert_eq!(&value(name, args), expected, "{name}({args:?})");
    }
}

#[test]
fn texts() {
    check(&[
        ("substring", &[s("hello"), i(0), i(2)], "he"),
        ("substring", &[s("hello"), i(1), i(2)], "he"),
        ("substring", &[s("hello"), i(-3), i(2)], "ll"),
        ("substring", &[s("hello"), i(-10), i(2)], ""),
        ("substring", &[s("hello"), i(2)], "ello"),
        ("substring", &[s("hello"), i(0), i(3)], "hel"),
        ("substring", &[s("hello"), i(3), i(-1)], "null"),
        ("substring", &[s("hello"), i(9)], ""),
        ("substring", &[s("häßlich"), i(2), i(2)], "äß"),
        ("concat", &[s("a"), null(TEXT), s("b")], "null"),
        ("concat_ws", &[s(","), s("a"), null(TEXT), s("b")], "a,b"),
        ("upper", &[s("straße")], "STRASSE"),
        ("lower", &[s("ÀB")], "àb"),
        ("trim", &[s("BOTH"), s(" "), s(" a ")], "a"),
        ("trim", &[s("BOTH"), s("x"), s("xxaxx")], "a"),
        ("trim", &[s("LEADING"), s("x"), s("xxaxx")], "axx"),
        ("lpad", &[s("hi"), i(5), s("?")], "???hi"),
        ("lpad", &[s("hello"), i(2), s("?")], "he"),
        ("rpad", &[s("hi"), i(5), s("ab")], "hiaba"),
        ("reverse", &[s("abc")], "cba"),
        ("initcap", &[s("hello wORLD")], "Hello World"),
        ("position", &[s("l"), s("hello")], "3"),
        ("locate", &[s("z"), s("hello")], "0"),
        ("locate", &[s("l"), s("hello"), i(4)], "4"),
        ("instr", &[s("hello"), s("l")], "3"),
        ("instr", &[s("hello"), s("l"), i(-1), i(2)], "3"),
        ("replace", &[s("hello"), s("l"), s("L")], "heLLo"),
        ("overlay", &[s("xxxxxtest"), s("xxxx"), i(6)], "xxxxxxxxx"),
        ("overlay", &[s("xxxxxtest"), s("xxxx"), i(6), i(2)], "xxxxxxxxxst"),
        ("ascii", &[s("A")], "65"),
        ("chr", &[i(65)], "A"),
        ("repeat", &[s("ab"), i(0)], ""),
        ("left", &[s("hello"), i(2)], "he"),
        ("right", &[s("hello"), i(2)], "lo"),
        ("translate", &[s("abc"), s("ab"), s("x")], "xc"),
        ("elt", &[i(2), s("a"), s("b")], "b"),
        ("elt", &[i(3), s("a"), s("b")], "null"),
        ("char_length", &[s("straße")], "6"),
        ("printf", &[s("%05d|%-4s|%.2f|%x%%"), i(42), s("ab"), d(2.345), i(255)], "00042|ab  |2.35|ff%"),
        ("startswith", &[s("hello"), s("he")], "true"),
        ("endswith", &[s("hello"), s("lo")], "true"),
    ]);
}

#[test]
fn splitting_and_patterns() {
    check(&[
        ("split_index", &[s("https://www.nexmark.com/a/b/c/item.htm"), s("/"), i(3)], "a"),
        ("split_index", &[s("a/b"), s("/"), i(5)], "null"),
        ("split_index", &[s("a//b"), s("/"), i(1)], ""),
        ("split_index", &[s("a--b"), s("--"), i(1)], "b"),
        ("split_index", &[s("a,b"), i(44), i(1)], "b"),
        ("split_index", &[s(""), s("/"), i(0)], "null"),
        ("regexp", &[s("abc"), s("b")], "true"),
        ("regexp", &[s("abc"), s("")], "false"),
        ("regexp_extract", &[s("channel_id=12&x=1"), s("(&|^)channel_id=([^&]*)"), i(2)], "12"),
        ("regexp_extract", &[s("zzz"), s("(&|^)channel_id=([^&]*)"), i(2)], "null"),
        ("regexp_replace", &[s("foobar"), s("oo|ar"), s("")], "fb"),
        ("regexp_replace", &[s("a1"), s("\\d"), s("$0")], "a$0"),
        ("regexp_count", &[s("a1b2"), s("[0-9]")], "2"),
        ("regexp_instr", &[s("äb2"), s("[0-9]")], "3"),
        ("regexp_substr", &[s("a1b2"), s("[0-9]")], "1"),
        ("regexp_extract_all", &[s("a1b2"), s("([0-9])")], "[1, 2]"),
        ("split", &[s("a,b"), s(",")], "[a, b]"),
        ("str_to_map", &[s("a=1,b=2=3,c")], "{a=1, b=2=3, c=NULL}"),
        ("like", &[s("a_c"), s("a\\_c"), s("\\")], "true"),
        ("like", &[s("abc"), s("a\\_c"), s("\\")], "false"),
        ("like", &[s("a_c"), s("a\\_c")], "false"),
        ("like", &[s("a c"), s("a%c")], "true"),
        ("similar_to", &[s("abc"), s("a(b|x)c")], "true"),
    ]);
    assert!(value("regexp", &[s("a"), s("(?=a)")]).contains("Look-around"));
}

#[test]
fn numbers() {
    check(&[
        ("mod", &[i(-5), i(3)], "-2"),
        ("mod", &[i(5), i(-3)], "2"),
        ("round", &[d(2.5)], "3.0"),
        ("round", &[i(125), i(-1)], "130"),
        ("power", &[i(2), i(10)], "1024.0"),
        ("sqrt", &[i(-1)], "NaN"),
        ("ln", &[i(0)], "-Infinity"),
        ("abs", &[i(-2_147_483_648)], "-2147483648"),
        ("bin", &[i(5)], "101"),
        ("hex", &[i(255)], "FF"),
        ("hex", &[s("hi")], "6869"),
        ("e", &[], "2.718281828459045"),
        ("log", &[i(2), i(8)], "3.0"),
        ("greatest", &[i(1), null(INT), i(3)], "null"),
        ("greatest", &[i(1), i(3), i(2)], "3"),
        ("hash_code", &[s("a")], "97"),
        ("is_decimal", &[s("1.5")], "true"),
        ("is_digit", &[s("1.5")], "false"),
        ("is_alpha", &[null(TEXT)], "false"),
    ]);
    assert_eq!(typed("mod", &[dec("5.5"), i(2)]), "1.5 DECIMAL(2, 1) NOT NULL");
    assert_eq!(typed("round", &[dec("2.5")]), "3 DECIMAL(2, 0) NOT NULL");
    assert_eq!(typed("round", &[dec("-2.5")]), "-3 DECIMAL(2, 0) NOT NULL");
    assert_eq!(typed("round", &[dec("2.345"), i(2)]), "2.35 DECIMAL(4, 2) NOT NULL");
    assert_eq!(typed("truncate", &[dec("2.789"), i(1)]), "2.7 DECIMAL(3, 1) NOT NULL");
    assert_eq!(typed("floor", &[dec("-2.5")]), "-3 DECIMAL(2, 0) NOT NULL");
    assert_eq!(typed("ceil", &[dec("2.1")]), "3 DECIMAL(2, 0) NOT NULL");
    assert_eq!(typed("sign", &[dec("-2.5")]), "-1.0 DECIMAL(2, 1) NOT NULL");
    assert_eq!(typed("least", &[i(1), dec("2.5")]), "1.0 DECIMAL(11, 1) NOT NULL");
    assert!(value("mod", &[i(5), i(0)]).contains("Division by zero"));
}

#[test]
fn types_of_results() {
    assert_eq!(typed("upper", &[s("straße")]), "STRASSE CHAR(6) NOT NULL");
    assert_eq!(typed("substring", &[s("hello"), i(2)]), "ello VARCHAR(5)");
    assert_eq!(typed("trim", &[s("BOTH"), s(" "), s(" a  ")]), "a VARCHAR(4) NOT NULL");
    assert_eq!(typed("overlay", &[s("xxxxxtest"), s("xxxx"), i(6)]), "xxxxxxxxx VARCHAR(13) NOT NULL");
    assert_eq!(typed("md5", &[s("a")]), "0cc175b9c0f1b6a831c399e269772661 CHAR(32) NOT NULL");
    assert_eq!(typed("sha1", &[s("a")]), "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8 CHAR(40) NOT NULL");
    assert_eq!(typed("to_base64", &[s("hi")]), "aGk= STRING NOT NULL");
    assert_eq!(value("from_base64", &[s("aGk")]), "hi");
    assert_eq!(value("typeof", &[dec("1.0")]), "DECIMAL(2, 1) NOT NULL");
    assert_eq!(value("typeof", &[i(1)]), "INT NOT NULL");
    assert_eq!(value("typeof", &[ScalarValue::Null]), "NULL");
}

#[test]
fn times() {
    let t = |text: &str| ts(text);
    check(&[
        ("timestampdiff", &[s("SECOND"), t("2024-01-01 00:00:00"), t("2024-01-01 00:00:01.900")], "1"),
        ("timestampdiff", &[s("MONTH"), t("2024-01-31 00:00:00"), t("2024-02-29 00:00:00")], "1"),
        ("timestampdiff", &[s("DAY"), date("2024-01-31"), t("2024-01-30 12:00:00")], "0"),
        ("timestampadd", &[s("DAY"), i(1), t("2024-01-01 00:00:00")], "2024-01-02T00:00"),
        ("timestampadd", &[s("MONTH"), i(1), date("2024-01-31")], "2024-02-29"),
        ("extract", &[s("DOW"), date("2024-01-01")], "2"),
        ("extract", &[s("WEEK"), date("2024-01-01")], "1"),
        ("extract", &[s("EPOCH"), t("1970-01-01 00:00:10")], "10"),
        ("dayofweek", &[date("2024-01-01")], "2"),
        ("hour", &[t("2024-01-01 13:00:00")], "13"),
        ("minute", &[time("10:11:12")], "11"),
        ("date_format", &[t("2024-01-02 03:04:05.678"), s("yyyy-MM-dd HH:mm:ss.SSS")], "2024-01-02 03:04:05.678"),
        ("date_format", &[s("2024-01-02 03:04:05"), s("HH:mm")], "03:04"),
        ("to_timestamp", &[s("2024-01-02 03:04:05")], "2024-01-02T03:04:05"),
        ("to_timestamp", &[s("bad")], "null"),
        ("to_timestamp", &[s("02.01.2024"), s("dd.MM.yyyy")], "2024-01-02T00:00"),
        ("to_timestamp_ltz", &[i(1000), i(3)], "1970-01-01T00:00:01Z"),
        ("to_timestamp_ltz", &[i(1), i(0)], "1970-01-01T00:00:01Z"),
        ("to_timestamp_ltz", &[s("1970-01-01 01:00:00"), s("yyyy-MM-dd HH:mm:ss"), s("Europe/Berlin")], "1970-01-01T00:00:00Z"),
        ("to_date", &[s("2024-01-02")], "2024-01-02"),
        ("to_date", &[s("02/01/2024"), s("dd/MM/yyyy")], "2024-01-02"),
        ("from_unixtime", &[i(0)], "1970-01-01 00:00:00"),
        ("unix_timestamp", &[s("1970-01-01 00:00:10")], "10"),
        ("unix_timestamp", &[s("bad")], "-9223372036854775808"),
        ("convert_tz", &[s("1970-01-01 00:00:00"), s("UTC"), s("America/Los_Angeles")], "1969-12-31 16:00:00"),
        ("floor_to", &[t("2024-01-02 03:04:05.678"), s("MINUTE")], "2024-01-02T03:04"),
        ("floor_to", &[t("2024-01-03 03:04:05"), s("WEEK")], "2023-12-31T00:00"),
        ("floor_to", &[date("2024-05-20"), s("QUARTER")], "2024-04-01"),
        ("ceil_to", &[t("2024-01-02 03:04:05.678"), s("HOUR")], "2024-01-02T04:00"),
        ("ceil_to", &[date("2024-02-03"), s("MONTH")], "2024-03-01"),
        ("overlaps", &[t("2024-01-01 00:00:00"), t("2024-01-02 00:00:00"), t("2024-01-02 00:00:00"), t("2024-01-03 00:00:00")], "true"),
    ]);
    assert_eq!(typed("hour", &[t("2024-01-01 13:00:00")]), "13 BIGINT NOT NULL");
    assert!(value("date_format", &[t("2024-01-02 03:04:05"), s("b")]).contains("stands for nothing"));
    assert!(value("floor_to", &[t("2024-01-02 03:04:05"), s("WEEKLY")]).contains("not a unit of time"));
}

#[test]
fn collections() {
    let array = value_of("make_array", &[i(1), i(2), i(3)]);
    let other = value_of("make_array", &[i(3), i(3), i(4)]);
    let map = value_of("map", &[s("a"), i(1), s("b"), i(2)]);
    let a = array.clone();
    check(&[
        ("item", &[a.clone(), i(1)], "1"),
        ("item", &[a.clone(), i(4)], "null"),
        ("item", &[map.clone(), s("b")], "2"),
        ("item", &[map.clone(), s("c")], "null"),
        ("item", &[value_of("row", &[i(1), s("x")]), i(2)], "x"),
        ("get_field", &[value_of("row", &[i(1), s("x")]), s("EXPR$1")], "x"),
        ("cardinality", std::slice::from_ref(&a), "3"),
        ("cardinality", std::slice::from_ref(&map), "2"),
        ("map_keys", std::slice::from_ref(&map), "[a, b]"),
        ("map_values", std::slice::from_ref(&map), "[1, 2]"),
        ("map_union", &[map.clone(), value_of("map", &[s("b"), i(9), s("c"), i(3)])], "{a=1, b=9, c=3}"),
        ("array_contains", &[a.clone(), i(2)], "true"),
        ("array_position", &[a.clone(), i(3)], "3"),
        ("array_remove", &[other.clone(), i(3)], "[4]"),
        ("array_append", &[a.clone(), i(4)], "[1, 2, 3, 4]"),
        ("array_prepend", &[a.clone(), i(0)], "[0, 1, 2, 3]"),
        ("array_distinct", std::slice::from_ref(&other), "[3, 4]"),
        ("array_reverse", std::slice::from_ref(&a), "[3, 2, 1]"),
        ("array_slice", &[a.clone(), i(-2), i(3)], "[2, 3]"),
        ("array_sort", &[a.clone(), b(false)], "[3, 2, 1]"),
        ("array_union", &[a.clone(), other.clone()], "[1, 2, 3, 4]"),
        ("array_except", &[a.clone(), other.clone()], "[1, 2]"),
        ("array_intersect", &[a.clone(), other.clone()], "[3]"),
        ("array_concat", &[a.clone(), other.clone()], "[1, 2, 3, 3, 3, 4]"),
        ("array_max", std::slice::from_ref(&a), "3"),
        ("array_min", std::slice::from_ref(&other), "3"),
        ("array_join", &[value_of("make_array", &[s("a"), s("b")]), s("-")], "a-b"),
        ("element", &[value_of("make_array", &[i(7)])], "7"),
    ]);
    assert!(value("item", &[a.clone(), i(0)]).contains("counted from 1"));
    assert_eq!(typed("make_array", &[i(1), null(INT)]), "[1, NULL] ARRAY<INT> NOT NULL");
    assert_eq!(typed("cardinality", &[a]), "3 INT NOT NULL");
}

#[test]
fn json_functions() {
    let no = null(DataType::Null);
    check(&[
        ("json_value", &[s(r#"{"a":{"b":2}}"#), s("$.a.b")], "2"),
        ("json_value", &[s(r#"{"a":1}"#), s("$.a"), s("NULL"), no.clone(), s("NULL"), no.clone(), null(INT)], "1"),
        ("json_value", &[s(r#"{"a":1}"#), s("lax $.b"), s("DEFAULT"), i(7), s("NULL"), no.clone(), null(INT)], "7"),
        ("json_value", &[s(r#"{"a":"x"}"#), s("$.a"), s("NULL"), no.clone(), s("DEFAULT"), i(-1), null(INT)], "-1"),
        ("json_value", &[s("no json"), s("$.a")], "null"),
        ("json_query", &[s(r#"{"a":{"b":2}}"#), s("$.a")], r#"{"b":2}"#),
        ("json_query", &[s(r#"{"a":1}"#), s("$.a"), s("UNCONDITIONAL"), s("NULL"), s("NULL"), no.clone()], "[1]"),
        ("json_query", &[s(r#"{"a":1}"#), s("$.b"), s("WITHOUT"), s("NULL"), s("EMPTY ARRAY"), no.clone()], "[]"),
        ("json_exists", &[s(r#"{"a":1}"#), s("$.b")], "false"),
        ("json_exists", &[s(r#"{"a":[{"b":1}]}"#), s("$.a[0].b")], "true"),
        ("json_object", &[s("NULL"), s("k"), i(1)], r#"{"k":1}"#),
        ("json_object", &[s("ABSENT"), s("b"), s("x"), s("a"), null(INT)], r#"{"b":"x"}"#),
        ("json_array", &[s("NULL"), i(1), s("a"), null(INT)], r#"[1,"a",null]"#),
        ("json_string", &[value_of("make_array", &[i(1), i(2)])], "[1,2]"),
        ("is_json", &[s("{}"), s("OBJECT")], "true"),
        ("is_json", &[s("abc"), s("VALUE")], "false"),
        ("json_quote", &[s("a\"b")], r#""a\"b""#),
    ]);
}

#[test]
fn urls() {
    let url = s("http://user:pw@facebook.com:80/path1/p.php?k1=v1&k2=v2#Ref1");
    let u = url.clone();
    check(&[
        ("parse_url", &[u.clone(), s("HOST")], "facebook.com"),
        ("parse_url", &[u.clone(), s("PATH")], "/path1/p.php"),
        ("parse_url", &[u.clone(), s("QUERY")], "k1=v1&k2=v2"),
        ("parse_url", &[u.clone(), s("QUERY"), s("k2")], "v2"),
        ("parse_url", &[u.clone(), s("REF")], "Ref1"),
        ("parse_url", &[u.clone(), s("AUTHORITY")], "user:pw@facebook.com:80"),
        ("parse_url", &[u.clone(), s("USERINFO")], "user:pw"),
        ("parse_url", &[s("no url"), s("HOST")], "null"),
        ("url_encode", &[s("a b&ü")], "a+b%26%C3%BC"),
        ("url_decode", &[s("a+b%26%C3%BC")], "a b&ü"),
        ("url_decode", &[s("%2")], "null"),
    ]);
}

#[test]
fn arguments_that_do_not_fit_are_named() {
    let error = value("upper", &[i(1)]);
    assert!(error.contains("UPPER(string): argument 1 must be a STRING, not INT"), "{error}");
    let error = value("substring", &[s("a")]);
    assert!(error.contains("takes 2 to 3 arguments but the call has 1"), "{error}");
    let error = value("coalesce", &[i(1), s("a")]);
    assert!(error.contains("COALESCE"), "{error}");
}

#[test]
fn random_values() {
    let uuid = find("uuid").unwrap();
    let field = uuid.return_field_from_args(ReturnFieldArgs { arg_fields: &[], scalar_arguments: &[] }).unwrap();
    let call = ScalarFunctionArgs {
        args: vec![],
        arg_fields: vec![],
        number_rows: 2,
        return_field: field,
        config_options: Arc::new(ConfigOptions::default()),
    };
    let ids = uuid.invoke_with_args(call).unwrap().into_array(2).unwrap();
    let (first, second) = (shown(&ids, &Field::new("", TEXT, false), 0), shown(&ids, &Field::new("", TEXT, false), 1));
    assert_ne!(first, second);
    assert!(first.len() == 36 && first.as_bytes()[14] == b'4', "{first}");
    assert_eq!(new_null_array(&DataType::Timestamp(TimeUnit::Second, None), 1).len(), 1);
}

/// Nanoseconds a row, to look at: `cargo test --release -p flott-sql functions::tests::speed -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn speed() {
    use arrow::array::{Int64Array, StringArray, TimestampMillisecondArray};
    const ROWS: usize = 8192;
    let urls: ArrayRef = Arc::new(StringArray::from_iter_values(
        (0..ROWS).map(|i| format!("https://www.nexmark.com/hh_ln/ghw/ffn_sj/item.htm?query=1&channel_id={}", i * 7919 % 100_000)),
    ));
    let prices: ArrayRef = Arc::new(Int64Array::from_iter_values((0..ROWS).map(|i| (i * 104_729 % 10_000_000) as i64)));
    let times: ArrayRef = Arc::new(TimestampMillisecondArray::from_iter_values((0..ROWS).map(|i| 1_700_000_000_000 + (i * 37) as i64)));
    let numbers: ArrayRef = Arc::new(StringArray::from_iter_values((0..ROWS).map(|i| (i * 31).to_string())));
    let column = |array: &ArrayRef| ColumnarValue::Array(Arc::clone(array));
    let constant = |value: ScalarValue| ColumnarValue::Scalar(value);
    let decimal = flink_binary(Operator::Multiply, &dec("0.908").data_type(), &DataType::Int64).unwrap();
    let seconds = ScalarValue::new_interval_mdn(0, 0, 4_000_000_000);
    let minus = time_arithmetic(Operator::Minus, times.data_type(), &seconds.data_type()).unwrap();
    let named = |name: &str| find(name).unwrap();
    let cases: Vec<(&str, Arc<ScalarUDF>, Vec<ColumnarValue>)> = vec![
        ("lower", named("lower"), vec![column(&urls)]),
        ("char_length", named("char_length"), vec![column(&urls)]),
        ("split_index", named("split_index"), vec![column(&urls), constant(s("/")), constant(i(3))]),
        ("regexp_extract", named("regexp_extract"), vec![column(&urls), constant(s("(&|^)channel_id=([^&]*)")), constant(i(2))]),
        ("replace", named("replace"), vec![column(&urls), constant(s("nexmark")), constant(s("x"))]),
        ("like %x%", named("like"), vec![column(&urls), constant(s("%item%"))]),
        ("substring", named("substring"), vec![column(&urls), constant(i(9)), constant(i(3))]),
        ("date_format", named("date_format"), vec![column(&times), constant(s("yyyy-MM-dd"))]),
        ("date_format ms", named("date_format"), vec![column(&times), constant(s("yyyy-MM-dd HH:mm:ss.SSS"))]),
        ("hour", named("hour"), vec![column(&times)]),
        ("mod", named("mod"), vec![column(&prices), constant(l(123))]),
        ("0.908 * price", decimal, vec![constant(dec("0.908")), column(&prices)]),
        ("time - interval", minus, vec![column(&times), constant(seconds)]),
        ("cast bigint as string", cast_to(TEXT, None, false), vec![column(&prices)]),
        ("cast string as bigint", cast_to(DataType::Int64, None, false), vec![column(&numbers)]),
        ("cast timestamp as string", cast_to(TEXT, None, false), vec![column(&times)]),
        ("concat", named("concat"), vec![column(&numbers), constant(s("-")), column(&numbers)]),
        ("md5", named("md5"), vec![column(&numbers)]),
    ];
    for (label, udf, args) in cases {
        let arg_fields: Vec<FieldRef> = args.iter().map(|arg| Arc::new(Field::new("x", arg.data_type(), true))).collect();
        let literals: Vec<Option<&ScalarValue>> =
            args.iter().map(|arg| if let ColumnarValue::Scalar(scalar) = arg { Some(scalar) } else { None }).collect();
        let return_field = udf.return_field_from_args(ReturnFieldArgs { arg_fields: &arg_fields, scalar_arguments: &literals }).unwrap();
        let mut best = f64::MAX;
        for _ in 0..50 {
            let call = ScalarFunctionArgs {
                args: args.clone(),
                arg_fields: arg_fields.clone(),
                number_rows: ROWS,
                return_field: Arc::clone(&return_field),
                config_options: Arc::new(ConfigOptions::default()),
            };
            let start = std::time::Instant::now();
            std::hint::black_box(udf.invoke_with_args(call).unwrap());
            best = best.min(start.elapsed().as_nanos() as f64 / ROWS as f64);
        }
        println!("{label:28} {best:7.1} ns a row");
    }
}
