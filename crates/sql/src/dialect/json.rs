//! The SQL/JSON functions with their clauses, turned into plain calls with a fixed order of arguments.
//!
//! | written | becomes |
//! |---|---|
//! | `JSON_EXISTS(x, path [... ON ERROR])` | `json_exists(x, path, on_error)` |
//! | `JSON_VALUE(x, path [RETURNING t] [... ON EMPTY] [... ON ERROR])` | `json_value(x, path, on_empty, default, on_error, default, CAST(NULL AS t))` |
//! | `JSON_QUERY(x, path [RETURNING t] [wrapper] [... ON EMPTY] [... ON ERROR])` | `json_query(x, path, wrapper, on_empty, on_error, CAST(NULL AS t))` |
//! | `JSON_OBJECT([KEY] k VALUE v, ... [... ON NULL])` | `json_object(on_null, k, v, ...)` |
//! | `JSON_ARRAY(v, ... [... ON NULL])` | `json_array(on_null, v, ...)` |
//! | `JSON_OBJECTAGG([KEY] k VALUE v [... ON NULL])` | `json_objectagg(k, v, on_null)` |
//! | `JSON_ARRAYAGG(v [... ON NULL])` | `json_arrayagg(v, on_null)` |
//!
//! Behaviours are strings: `'NULL'`, `'ERROR'`, `'DEFAULT'` (the value follows), `'EMPTY ARRAY'`, `'EMPTY OBJECT'`,
//! `'TRUE'`, `'FALSE'`, `'UNKNOWN'`, `'ABSENT'`; wrappers are `'WITHOUT'`, `'CONDITIONAL'`, `'UNCONDITIONAL'`.
//! What is not written has Flink's default, so the number of arguments never varies.

use sqlparser::ast::{CastKind, Expr, Value};
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Span, Token};

use super::calls::{call_at, text};
use super::cursor::{Step, at, at_all, behind, eat, eat_all, eat_one_of, expect_all, expect_token, expected};
use super::error::fail;
use super::types::{returning, to_sql_data_type};
use crate::types::{ColumnType, FlinkType};

/// One of the functions above.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum JsonForm {
    Exists,
    Value,
    Query,
    Object,
    Array,
    ObjectAgg,
    ArrayAgg,
}

const JSON_FORMS: &[(&str, JsonForm)] = &[
    ("JSON_EXISTS", JsonForm::Exists),
    ("JSON_VALUE", JsonForm::Value),
    ("JSON_QUERY", JsonForm::Query),
    ("JSON_OBJECT", JsonForm::Object),
    ("JSON_ARRAY", JsonForm::Array),
    ("JSON_OBJECTAGG", JsonForm::ObjectAgg),
    ("JSON_ARRAYAGG", JsonForm::ArrayAgg),
];

pub(super) fn json_form(word: &str) -> Option<JsonForm> {
    JSON_FORMS.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)).map(|(_, form)| *form)
}

/// A form after its name, up to and with the closing parenthesis, and `FILTER` after an aggregate.
pub(super) fn parse(p: &mut Parser, form: JsonForm) -> Step<Expr> {
    let span = behind(p);
    expect_token(p, Token::LParen)?;
    let (name, args) = match form {
        JsonForm::Exists => ("json_exists", exists(p)?),
        JsonForm::Value => ("json_value", value(p)?),
        JsonForm::Query => ("json_query", query(p)?),
        JsonForm::Object => ("json_object", object(p)?),
        JsonForm::Array => ("json_array", array(p)?),
        JsonForm::ObjectAgg => ("json_objectagg", object_agg(p)?),
        JsonForm::ArrayAgg => ("json_arrayagg", array_agg(p)?),
    };
    if !p.consume_token(&Token::RParen) {
        return Err(expected(p, "`)`", &[]));
    }
    let mut expr = call_at(name, args, span);
    if matches!(form, JsonForm::ObjectAgg | JsonForm::ArrayAgg) && eat(p, "FILTER") {
        expect_token(p, Token::LParen)?;
        expect_all(p, &["WHERE"])?;
        let condition = Box::new(p.parse_expr()?);
        expect_token(p, Token::RParen)?;
        if let Expr::Function(function) = &mut expr {
            function.filter = Some(condition);
        }
    }
    Ok(expr)
}

fn input_and_path(p: &mut Parser) -> Step<Vec<Expr>> {
    let input = p.parse_expr()?;
    expect_token(p, Token::Comma)?;
    Ok(vec![input, p.parse_expr()?])
}

fn exists(p: &mut Parser) -> Step<Vec<Expr>> {
    let mut args = input_and_path(p)?;
    let on_error = eat_one_of(p, &["TRUE", "FALSE", "UNKNOWN", "ERROR"]);
    if on_error.is_some() {
        expect_all(p, &["ON", "ERROR"])?;
    }
    args.push(word(on_error.unwrap_or("FALSE")));
    Ok(args)
}

fn value(p: &mut Parser) -> Step<Vec<Expr>> {
    let mut args = input_and_path(p)?;
    let column = returning(p)?;
    let mut behaviours = Behaviours::new("NULL");
    while let Some((word_found, default)) = value_behaviour(p)? {
        behaviours.take_condition(p, word_found, default)?;
    }
    for (behaviour, default) in behaviours.resolved() {
        args.push(word(behaviour));
        args.push(default.unwrap_or_else(null));
    }
    args.push(typed_null(column));
    Ok(args)
}

fn value_behaviour(p: &mut Parser) -> Step<Option<(&'static str, Option<Expr>)>> {
    if eat(p, "DEFAULT") {
        return Ok(Some(("DEFAULT", Some(p.parse_expr()?))));
    }
    Ok(eat_one_of(p, &["NULL", "ERROR"]).map(|w| (w, None)))
}

fn query(p: &mut Parser) -> Step<Vec<Expr>> {
    let mut args = input_and_path(p)?;
    let column = returning(p)?;
    args.push(word(wrapper(p)?));
    let mut behaviours = Behaviours::new("NULL");
    while let Some(behaviour) = query_behaviour(p) {
        behaviours.take_condition(p, behaviour, None)?;
    }
    args.extend(behaviours.resolved().map(|(behaviour, _)| word(behaviour)));
    args.push(typed_null(column));
    Ok(args)
}

fn wrapper(p: &mut Parser) -> Step<&'static str> {
    let kind = if eat(p, "WITHOUT") {
        "WITHOUT"
    } else if eat(p, "WITH") {
        let kind = eat_one_of(p, &["CONDITIONAL", "UNCONDITIONAL"]).unwrap_or("UNCONDITIONAL");
        if kind == "CONDITIONAL" { "CONDITIONAL" } else { "UNCONDITIONAL" }
    } else {
        return Ok("WITHOUT");
    };
    eat(p, "ARRAY");
    expect_all(p, &["WRAPPER"])?;
    Ok(kind)
}

fn query_behaviour(p: &mut Parser) -> Option<&'static str> {
    if eat_all(p, &["EMPTY", "ARRAY"]) {
        return Some("EMPTY ARRAY");
    }
    if eat_all(p, &["EMPTY", "OBJECT"]) {
        return Some("EMPTY OBJECT");
    }
    eat_one_of(p, &["NULL", "ERROR"])
}

/// What to do when nothing is found, and when something goes wrong.
struct Behaviours {
    default: &'static str,
    on_empty: Option<(&'static str, Option<Expr>)>,
    on_error: Option<(&'static str, Option<Expr>)>,
}

impl Behaviours {
    fn new(default: &'static str) -> Self {
        Self { default, on_empty: None, on_error: None }
    }

    /// `ON EMPTY` or `ON ERROR` after a behaviour.
    fn take_condition(&mut self, p: &mut Parser, word: &'static str, value: Option<Expr>) -> Step<()> {
        let slot = if at_all(p, &["ON", "EMPTY"]) {
            &mut self.on_empty
        } else if at_all(p, &["ON", "ERROR"]) {
            &mut self.on_error
        } else {
            return Err(expected(p, "`ON EMPTY` or `ON ERROR`", &[]));
        };
        if slot.is_some() {
            return Err(fail(p.peek_token_ref().span, "this condition is written twice"));
        }
        *slot = Some((word, value));
        p.advance_token();
        p.advance_token();
        Ok(())
    }

    fn resolved(self) -> impl Iterator<Item = (&'static str, Option<Expr>)> {
        let default = self.default;
        [self.on_empty, self.on_error].into_iter().map(move |b| b.unwrap_or((default, None)))
    }
}

fn object(p: &mut Parser) -> Step<Vec<Expr>> {
    let mut entries = vec![];
    while p.peek_token_ref().token != Token::RParen && !at_on_null(p) {
        let (key, value) = key_value(p)?;
        entries.push(key);
        entries.push(value);
        if !p.consume_token(&Token::Comma) {
            break;
        }
    }
    let mut args = vec![word(on_null(p).unwrap_or("NULL"))];
    args.extend(entries);
    Ok(args)
}

fn key_value(p: &mut Parser) -> Step<(Expr, Expr)> {
    // a column may be called key
    let is_keyword = at(p, "KEY")
        && !matches!(p.peek_nth_token_ref(1).token, Token::Comma | Token::Colon)
        && !super::cursor::is_word(&p.peek_nth_token_ref(1).token, "VALUE");
    if is_keyword {
        p.advance_token();
    }
    let key = p.parse_expr()?;
    if !eat(p, "VALUE") && !p.consume_token(&Token::Colon) && !p.consume_token(&Token::Comma) {
        return Err(expected(p, "`VALUE`", &["VALUE"]));
    }
    Ok((key, p.parse_expr()?))
}

fn array(p: &mut Parser) -> Step<Vec<Expr>> {
    let mut values = vec![];
    while p.peek_token_ref().token != Token::RParen && !at_on_null(p) {
        values.push(p.parse_expr()?);
        if !p.consume_token(&Token::Comma) {
            break;
        }
    }
    let mut args = vec![word(on_null(p).unwrap_or("ABSENT"))];
    args.extend(values);
    Ok(args)
}

fn object_agg(p: &mut Parser) -> Step<Vec<Expr>> {
    let (key, value) = key_value(p)?;
    Ok(vec![key, value, word(on_null(p).unwrap_or("NULL"))])
}

fn array_agg(p: &mut Parser) -> Step<Vec<Expr>> {
    let value = p.parse_expr()?;
    Ok(vec![value, word(on_null(p).unwrap_or("ABSENT"))])
}

fn at_on_null(p: &Parser) -> bool {
    at_all(p, &["NULL", "ON", "NULL"]) || at_all(p, &["ABSENT", "ON", "NULL"])
}

fn on_null(p: &mut Parser) -> Option<&'static str> {
    if eat_all(p, &["NULL", "ON", "NULL"]) {
        return Some("NULL");
    }
    eat_all(p, &["ABSENT", "ON", "NULL"]).then_some("ABSENT")
}

fn word(word: &str) -> Expr {
    text(word, Span::empty())
}

fn null() -> Expr {
    Expr::Value(Value::Null.with_span(Span::empty()))
}

/// Carries the type of the result; `STRING` when none is written.
fn typed_null(column: Option<ColumnType>) -> Expr {
    let column = column.unwrap_or_else(|| ColumnType::nullable(FlinkType::STRING));
    Expr::Cast { kind: CastKind::Cast, expr: Box::new(null()), data_type: to_sql_data_type(&column), array: false, format: None }
}
