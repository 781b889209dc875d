//! The grammar of Flink's types, and the way they travel through sqlparser's tree.

use sqlparser::ast::{self, ArrayElemTypeDef, CharacterLength, DataType, ExactNumberInfo, Ident, ObjectName};
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Span, Token};

use super::cursor::{Step, at_all, eat, eat_all, eat_one_of, expect, expect_token, expected, here, ident, number, string};
use super::error::{did_you_mean, fail, fail_with_help};
use crate::types::{ColumnType, DEFAULT_TIMESTAMP_PRECISION, FlinkType, MAX_LENGTH, RowField};

/// Name of the custom sqlparser type that carries a Flink type as text.
const CARRIER: &str = "$flink";

/// How deep types may be nested.
const NESTING_MAX: usize = 64;

/// Every word that starts a type.
const TYPE_WORDS: &[&str] = &[
    "CHAR",
    "CHARACTER",
    "VARCHAR",
    "STRING",
    "BOOLEAN",
    "BINARY",
    "VARBINARY",
    "BYTES",
    "DECIMAL",
    "DEC",
    "NUMERIC",
    "TINYINT",
    "SMALLINT",
    "INT",
    "INTEGER",
    "BIGINT",
    "FLOAT",
    "DOUBLE",
    "DATE",
    "TIME",
    "TIMESTAMP",
    "TIMESTAMP_LTZ",
    "INTERVAL",
    "ARRAY",
    "MULTISET",
    "MAP",
    "ROW",
    "RAW",
    "VARIANT",
    "BITMAP",
    "NULL",
];

/// Types of other systems that a user may write, and what they are called in Flink.
const FOREIGN_TYPES: &[(&str, &str)] = &[
    ("TEXT", "STRING"),
    ("NVARCHAR", "STRING"),
    ("BOOL", "BOOLEAN"),
    ("INT2", "SMALLINT"),
    ("INT4", "INT"),
    ("INT8", "BIGINT"),
    ("INT64", "BIGINT"),
    ("LONG", "BIGINT"),
    ("SHORT", "SMALLINT"),
    ("BYTE", "TINYINT"),
    ("REAL", "FLOAT"),
    ("FLOAT4", "FLOAT"),
    ("FLOAT8", "DOUBLE"),
    ("NUMBER", "DECIMAL(p, s)"),
    ("DATETIME", "TIMESTAMP(3)"),
    ("TIMESTAMPTZ", "TIMESTAMP_LTZ(3)"),
    ("TIMESTAMP_NTZ", "TIMESTAMP(3)"),
    ("TIMESTAMP_TZ", "TIMESTAMP_LTZ(3)"),
    ("BLOB", "BYTES"),
    ("BYTEA", "BYTES"),
    ("STRUCT", "ROW<...>"),
    ("LIST", "ARRAY<...>"),
    ("JSON", "STRING"),
    ("UUID", "STRING"),
];

/// A type with its nullability.
pub(super) fn column_type(p: &mut Parser) -> Step<ColumnType> {
    nested(p, 0)
}

fn nested(p: &mut Parser, depth: usize) -> Step<ColumnType> {
    if depth > NESTING_MAX {
        return Err(fail(here(p), format!("types are nested more than {NESTING_MAX} levels deep")));
    }
    let mut column = ColumnType { ty: base_type(p, depth)?, nullable: nullability(p) };
    while let Some(collection) = eat_one_of(p, &["ARRAY", "MULTISET"]) {
        let element = Box::new(column);
        let ty = if collection == "ARRAY" { FlinkType::Array(element) } else { FlinkType::Multiset(element) };
        column = ColumnType { ty, nullable: nullability(p) };
    }
    Ok(column)
}

fn nullability(p: &mut Parser) -> bool {
    if eat_all(p, &["NOT", "NULL"]) {
        return false;
    }
    // `RETURNING INT NULL ON EMPTY`: that NULL is none of the type's.
    if !at_all(p, &["NULL", "ON"]) {
        eat(p, "NULL");
    }
    true
}

fn base_type(p: &mut Parser, depth: usize) -> Step<FlinkType> {
    let span = here(p);
    let Some(word) = eat_one_of(p, TYPE_WORDS) else {
        return Err(unknown_type(p));
    };
    Ok(match word {
        "CHAR" | "CHARACTER" if eat(p, "VARYING") => FlinkType::Varchar(length(p, "VARCHAR", MAX_LENGTH)?),
        "CHAR" | "CHARACTER" => FlinkType::Char(length(p, "CHAR", 1)?),
        "VARCHAR" => FlinkType::Varchar(length(p, "VARCHAR", MAX_LENGTH)?),
        "STRING" => FlinkType::STRING,
        "BOOLEAN" => FlinkType::Boolean,
        "BINARY" if eat(p, "VARYING") => FlinkType::Varbinary(length(p, "VARBINARY", MAX_LENGTH)?),
        "BINARY" => FlinkType::Binary(length(p, "BINARY", 1)?),
        "VARBINARY" => FlinkType::Varbinary(length(p, "VARBINARY", MAX_LENGTH)?),
        "BYTES" => FlinkType::BYTES,
        "DECIMAL" | "DEC" | "NUMERIC" => decimal(p)?,
        "TINYINT" => FlinkType::TinyInt,
        "SMALLINT" => FlinkType::SmallInt,
        "INT" | "INTEGER" => FlinkType::Int,
        "BIGINT" => FlinkType::BigInt,
        "FLOAT" => FlinkType::Float,
        "DOUBLE" => {
            eat(p, "PRECISION");
            FlinkType::Double
        }
        "DATE" => FlinkType::Date,
        "TIME" => time(p)?,
        "TIMESTAMP" => timestamp(p, span)?,
        "TIMESTAMP_LTZ" => FlinkType::TimestampLtz(timestamp_precision(p, "TIMESTAMP_LTZ")?),
        "INTERVAL" => interval(p)?,
        "ARRAY" => FlinkType::Array(Box::new(one_argument(p, depth)?)),
        "MULTISET" => FlinkType::Multiset(Box::new(one_argument(p, depth)?)),
        "MAP" => map(p, depth)?,
        "ROW" => FlinkType::Row(row_fields(p, depth)?),
        "RAW" => raw(p)?,
        "VARIANT" => FlinkType::Variant,
        "BITMAP" => FlinkType::Bitmap,
        _ => FlinkType::Null,
    })
}

fn unknown_type(p: &Parser) -> sqlparser::parser::ParserError {
    let token = p.peek_token_ref();
    let Token::Word(word) = &token.token else {
        return expected(p, "a type", &[]);
    };
    let message = format!("unknown type `{}`", word.value);
    if word.value.eq_ignore_ascii_case("STRUCTURED") {
        return fail(token.span, "the type STRUCTURED is not supported");
    }
    let foreign = FOREIGN_TYPES.iter().find(|(name, _)| name.eq_ignore_ascii_case(&word.value));
    match (foreign, did_you_mean(&word.value, TYPE_WORDS.iter().copied())) {
        (Some((_, ours)), _) => fail_with_help(token.span, message, format!("Flink SQL says `{ours}`")),
        (None, Some(near)) => fail_with_help(token.span, message, format!("did you mean `{near}`?")),
        (None, None) => fail(token.span, message),
    }
}

/// `(n)`, or the default when nothing is written: `VARCHAR` is `STRING`.
fn length(p: &mut Parser, name: &str, default: u32) -> Step<u32> {
    if !p.consume_token(&Token::LParen) {
        return Ok(default);
    }
    let span = here(p);
    let n: u64 = number(p, "a length")?;
    expect_token(p, Token::RParen)?;
    match u32::try_from(n) {
        Ok(n @ 1..=MAX_LENGTH) => Ok(n),
        _ => Err(fail(span, format!("the length of {name} must be between 1 and {MAX_LENGTH}"))),
    }
}

fn decimal(p: &mut Parser) -> Step<FlinkType> {
    let (mut precision, mut scale) = (10u64, 0u64);
    if p.consume_token(&Token::LParen) {
        let span = here(p);
        precision = number(p, "a precision")?;
        if !(1..=38).contains(&precision) {
            return Err(fail(span, "the precision of DECIMAL must be between 1 and 38"));
        }
        if p.consume_token(&Token::Comma) {
            let span = here(p);
            scale = number(p, "a scale")?;
            if scale > precision {
                let message = format!("the scale of DECIMAL must be between 0 and its precision {precision}");
                return Err(fail(span, message));
            }
        }
        expect_token(p, Token::RParen)?;
    }
    Ok(FlinkType::Decimal { precision: precision as u8, scale: scale as u8 })
}

/// `(p)` with p from 0 to 9, or `default`.
fn fraction(p: &mut Parser, name: &str, default: u8) -> Step<u8> {
    if !p.consume_token(&Token::LParen) {
        return Ok(default);
    }
    let span = here(p);
    let digits: u64 = number(p, "a precision")?;
    expect_token(p, Token::RParen)?;
    if digits > 9 {
        return Err(fail(span, format!("the precision of {name} must be between 0 and 9")));
    }
    Ok(digits as u8)
}

fn timestamp_precision(p: &mut Parser, name: &str) -> Step<u8> {
    fraction(p, name, DEFAULT_TIMESTAMP_PRECISION)
}

fn time(p: &mut Parser) -> Step<FlinkType> {
    let precision = fraction(p, "TIME", 0)?;
    eat_all(p, &["WITHOUT", "TIME", "ZONE"]);
    Ok(FlinkType::Time(precision))
}

fn timestamp(p: &mut Parser, span: Span) -> Step<FlinkType> {
    let precision = timestamp_precision(p, "TIMESTAMP")?;
    if eat_all(p, &["WITH", "LOCAL", "TIME", "ZONE"]) {
        return Ok(FlinkType::TimestampLtz(precision));
    }
    if at_all(p, &["WITH", "TIME", "ZONE"]) {
        let help = format!("write TIMESTAMP_LTZ({precision})");
        return Err(fail_with_help(span, "TIMESTAMP WITH TIME ZONE is not supported by Flink SQL", help));
    }
    eat_all(p, &["WITHOUT", "TIME", "ZONE"]);
    Ok(FlinkType::Timestamp(precision))
}

fn interval(p: &mut Parser) -> Step<FlinkType> {
    const UNITS: &[&str] = &["YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "HOUR", "MINUTE", "SECOND"];
    let Some(first) = eat_one_of(p, UNITS) else {
        return Err(expected(p, "a time unit", UNITS));
    };
    if p.consume_token(&Token::LParen) {
        number::<u64>(p, "a precision")?;
        if p.consume_token(&Token::Comma) {
            number::<u64>(p, "a precision")?;
        }
        expect_token(p, Token::RParen)?;
    }
    let months = matches!(first, "YEAR" | "QUARTER" | "MONTH");
    if eat(p, "TO") {
        let allowed = if months { &UNITS[2..3] } else { &UNITS[5..] };
        if eat_one_of(p, allowed).is_none() {
            return Err(expected(p, "a smaller time unit", allowed));
        }
        fraction(p, "INTERVAL", 6)?;
    }
    Ok(if months { FlinkType::IntervalMonth } else { FlinkType::IntervalSecond })
}

fn one_argument(p: &mut Parser, depth: usize) -> Step<ColumnType> {
    expect_token(p, Token::Lt)?;
    let column = nested(p, depth + 1)?;
    expect_token(p, Token::Gt)?;
    Ok(column)
}

fn map(p: &mut Parser, depth: usize) -> Step<FlinkType> {
    expect_token(p, Token::Lt)?;
    let key = nested(p, depth + 1)?;
    expect_token(p, Token::Comma)?;
    let value = nested(p, depth + 1)?;
    expect_token(p, Token::Gt)?;
    Ok(FlinkType::Map(Box::new(key), Box::new(value)))
}

fn row_fields(p: &mut Parser, depth: usize) -> Step<Vec<RowField>> {
    // `<>` is one token
    if p.consume_token(&Token::Neq) {
        return Ok(vec![]);
    }
    let close = match p.peek_token_ref().token {
        Token::Lt => Token::Gt,
        Token::LParen => Token::RParen,
        _ => return Err(expected(p, "`<` or `(`", &[])),
    };
    p.advance_token();
    let mut fields = vec![];
    if p.consume_token(&close) {
        return Ok(fields);
    }
    loop {
        let name = ident(p, "a field name")?.value;
        let column = nested(p, depth + 1)?;
        let comment = match &p.peek_token_ref().token {
            Token::SingleQuotedString(_) => Some(string(p, "a comment")?.value),
            _ => None,
        };
        fields.push(RowField { name, column, comment });
        if !p.consume_token(&Token::Comma) {
            break;
        }
    }
    if !p.consume_token(&close) {
        return Err(expected(p, &format!("`,` or `{close}`"), &[]));
    }
    Ok(fields)
}

fn raw(p: &mut Parser) -> Step<FlinkType> {
    expect_token(p, Token::LParen)?;
    let class = string(p, "a class name")?.value;
    expect_token(p, Token::Comma)?;
    let snapshot = string(p, "a serializer snapshot")?.value;
    expect_token(p, Token::RParen)?;
    Ok(FlinkType::Raw { class, snapshot })
}

/// Packs a Flink type into a sqlparser type, so that it can stand in `CAST`. [`flink_type_of`] unpacks it.
pub fn to_sql_data_type(column: &ColumnType) -> DataType {
    DataType::Custom(ObjectName::from(vec![Ident::new(CARRIER)]), vec![column.to_string()])
}

/// The Flink type and the nullability that a sqlparser type stands for: one packed by
/// [`to_sql_data_type`], or a plain one such as typed literals have (`DATE '2024-01-01'`).
/// None for types that Flink does not know.
pub fn flink_type_of(data_type: &DataType) -> Option<(FlinkType, bool)> {
    if let DataType::Custom(name, args) = data_type
        && name.to_string() == CARRIER
    {
        let column = ColumnType::from_text(args.first()?)?;
        return Some((column.ty, column.nullable));
    }
    plain_type(data_type).map(|ty| (ty, true))
}

fn plain_type(data_type: &DataType) -> Option<FlinkType> {
    use DataType as D;
    let precision = |p: &Option<u64>, default| p.map_or(Some(default), |p| u8::try_from(p).ok());
    Some(match data_type {
        D::Char(n) | D::Character(n) => FlinkType::Char(plain_length(n)?),
        D::Varchar(n) | D::CharVarying(n) | D::CharacterVarying(n) => FlinkType::Varchar(plain_length(n)?),
        D::String(None) => FlinkType::STRING,
        D::Boolean => FlinkType::Boolean,
        D::Binary(n) => FlinkType::Binary(n.map_or(Some(1), |n| u32::try_from(n).ok())?),
        D::Bytes(None) => FlinkType::BYTES,
        D::Varbinary(Some(ast::BinaryLength::IntegerLength { length })) => FlinkType::Varbinary(u32::try_from(*length).ok()?),
        D::Varbinary(None) => FlinkType::Varbinary(1),
        D::Decimal(i) | D::Dec(i) | D::Numeric(i) => plain_decimal(i)?,
        D::TinyInt(None) => FlinkType::TinyInt,
        D::SmallInt(None) => FlinkType::SmallInt,
        D::Int(None) | D::Integer(None) => FlinkType::Int,
        D::BigInt(None) => FlinkType::BigInt,
        D::Float(ExactNumberInfo::None) => FlinkType::Float,
        D::Double(ExactNumberInfo::None) | D::DoublePrecision => FlinkType::Double,
        D::Date => FlinkType::Date,
        D::Time(p, ast::TimezoneInfo::None | ast::TimezoneInfo::WithoutTimeZone) => FlinkType::Time(precision(p, 0)?),
        D::Timestamp(p, ast::TimezoneInfo::None | ast::TimezoneInfo::WithoutTimeZone) => {
            FlinkType::Timestamp(precision(p, DEFAULT_TIMESTAMP_PRECISION)?)
        }
        D::Array(ArrayElemTypeDef::AngleBracket(element)) => {
            let (ty, nullable) = flink_type_of(element)?;
            FlinkType::Array(Box::new(ColumnType { ty, nullable }))
        }
        _ => return None,
    })
}

fn plain_length(length: &Option<CharacterLength>) -> Option<u32> {
    match length {
        None => Some(1),
        Some(CharacterLength::IntegerLength { length, .. }) => u32::try_from(*length).ok(),
        Some(CharacterLength::Max) => Some(MAX_LENGTH),
    }
}

fn plain_decimal(info: &ExactNumberInfo) -> Option<FlinkType> {
    let (precision, scale) = match info {
        ExactNumberInfo::None => (10, 0),
        ExactNumberInfo::Precision(p) => (*p, 0),
        ExactNumberInfo::PrecisionAndScale(p, s) => (*p, *s),
    };
    let precision = u8::try_from(precision).ok().filter(|p| (1..=38).contains(p))?;
    let scale = u8::try_from(scale).ok().filter(|s| *s <= precision)?;
    Some(FlinkType::Decimal { precision, scale })
}

/// `CAST(x AS type)` and `TRY_CAST(x AS type)`, after the name.
pub(super) fn cast(p: &mut Parser, kind: ast::CastKind) -> Step<ast::Expr> {
    expect_token(p, Token::LParen)?;
    let expr = Box::new(p.parse_expr()?);
    expect(p, "AS")?;
    let data_type = to_sql_data_type(&column_type(p)?);
    expect_token(p, Token::RParen)?;
    Ok(ast::Expr::Cast { kind, expr, data_type, array: false, format: None })
}

/// A whole type and nothing else.
pub(super) fn only_type(p: &mut Parser) -> Step<ColumnType> {
    let column = column_type(p)?;
    if p.peek_token_ref().token == Token::EOF {
        return Ok(column);
    }
    let token = p.peek_token_ref();
    Err(fail(token.span, format!("unexpected `{}` after the type", token.token)))
}

/// `RETURNING type`, if it is written.
pub(super) fn returning(p: &mut Parser) -> Step<Option<ColumnType>> {
    if !eat(p, "RETURNING") {
        return Ok(None);
    }
    column_type(p).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_travel_through_sqlparser() {
        for text in ["INT NOT NULL", "ROW<`a` MAP<STRING, INT>>", "TIMESTAMP_LTZ(3)", "VARCHAR(3)"] {
            let column = crate::dialect::parse_type(text).unwrap_or_else(|e| panic!("{text}: {e}"));
            let packed = to_sql_data_type(&column);
            assert_eq!(flink_type_of(&packed), Some((column.ty, column.nullable)));
        }
        assert_eq!(flink_type_of(&DataType::Int(None)), Some((FlinkType::Int, true)));
        assert_eq!(flink_type_of(&DataType::Uuid), None);
    }
}
