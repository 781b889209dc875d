//! Types as they may be written, and how they print.

use crate::dialect::parse_type;
use crate::types::ColumnType;

fn parse(text: &str) -> ColumnType {
    parse_type(text).unwrap_or_else(|e| panic!("{text}: {e}"))
}

/// What is written, and how Flink prints it.
const TEXTS: &[(&str, &str)] = &[
    ("char", "CHAR(1)"),
    ("CHAR(3)", "CHAR(3)"),
    ("CHARACTER(3)", "CHAR(3)"),
    ("VARCHAR", "STRING"),
    ("VARCHAR(2147483647)", "STRING"),
    ("CHARACTER VARYING(7)", "VARCHAR(7)"),
    ("STRING NOT NULL", "STRING NOT NULL"),
    ("STRING NULL", "STRING"),
    ("BOOLEAN", "BOOLEAN"),
    ("BINARY(3)", "BINARY(3)"),
    ("BINARY VARYING(3)", "VARBINARY(3)"),
    ("VARBINARY(2147483647)", "BYTES"),
    ("BYTES", "BYTES"),
    ("DECIMAL", "DECIMAL(10, 0)"),
    ("DEC(4)", "DECIMAL(4, 0)"),
    ("NUMERIC(10,2)", "DECIMAL(10, 2)"),
    ("TINYINT", "TINYINT"),
    ("SMALLINT", "SMALLINT"),
    ("INTEGER", "INT"),
    ("BIGINT", "BIGINT"),
    ("FLOAT", "FLOAT"),
    ("DOUBLE PRECISION", "DOUBLE"),
    ("DATE", "DATE"),
    ("TIME", "TIME(0)"),
    ("TIME(3) WITHOUT TIME ZONE", "TIME(3)"),
    ("TIMESTAMP", "TIMESTAMP(6)"),
    ("TIMESTAMP(3) WITHOUT TIME ZONE", "TIMESTAMP(3)"),
    ("TIMESTAMP(3) WITH LOCAL TIME ZONE", "TIMESTAMP_LTZ(3)"),
    ("TIMESTAMP_LTZ", "TIMESTAMP_LTZ(6)"),
    ("INTERVAL YEAR TO MONTH", "INTERVAL MONTH"),
    ("INTERVAL DAY(3) TO SECOND(3)", "INTERVAL SECOND(3)"),
    ("INTERVAL SECOND(3)", "INTERVAL SECOND(3)"),
    ("ARRAY<INT NOT NULL>", "ARRAY<INT NOT NULL>"),
    ("INT ARRAY", "ARRAY<INT>"),
    ("INT NOT NULL ARRAY NOT NULL", "ARRAY<INT NOT NULL> NOT NULL"),
    ("INT MULTISET", "MULTISET<INT>"),
    ("MULTISET<STRING>", "MULTISET<STRING>"),
    ("MAP<STRING, ARRAY<ARRAY<INT>>>", "MAP<STRING, ARRAY<ARRAY<INT>>>"),
    ("ROW<a INT, `b c` STRING NOT NULL 'it''s'>", "ROW<`a` INT, `b c` STRING NOT NULL 'it''s'>"),
    ("ROW(a INT, b ROW<c INT>)", "ROW<`a` INT, `b` ROW<`c` INT>>"),
    ("ROW<a ROW<b ROW<c INT>>>", "ROW<`a` ROW<`b` ROW<`c` INT>>>"),
    ("ROW<>", "ROW<>"),
    ("ROW()", "ROW<>"),
    ("ROW<`f0` INT, date DATE>", "ROW<`f0` INT, `date` DATE>"),
    ("RAW('java.lang.Object', 'AbC=')", "RAW('java.lang.Object', 'AbC=')"),
    ("VARIANT", "VARIANT"),
    ("BITMAP", "BITMAP"),
    ("NULL", "NULL"),
];

#[test]
fn types_print_as_flink_prints_them() {
    for (written, printed) in TEXTS {
        let column = parse(written);
        assert_eq!(&column.to_string(), printed, "{written}");
        assert_eq!(parse(printed), column, "{printed} does not read back");
        assert_eq!(ColumnType::from_text(printed), Some(column), "{printed} does not read back");
    }
}

#[test]
fn wrong_types_are_refused() {
    let cases = [
        ("STRNG", "unknown type `STRNG`", Some("did you mean `STRING`?")),
        ("DECIMAL(39, 0)", "the precision of DECIMAL must be between 1 and 38", None),
        ("DECIMAL(5, 6)", "the scale of DECIMAL must be between 0 and its precision 5", None),
        ("TIMESTAMP(10)", "the precision of TIMESTAMP must be between 0 and 9", None),
        ("CHAR(0)", "the length of CHAR must be between 1 and 2147483647", None),
        ("ARRAY<INT", "expected `>`, found the end of the text", None),
        ("INT INT", "unexpected `INT` after the type", None),
    ];
    for (text, message, help) in cases {
        let e = parse_type(text).unwrap_err();
        assert_eq!((e.message.as_str(), e.help.as_deref()), (message, help), "{text}");
    }
}
