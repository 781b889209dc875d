//! Functions with a grammar of their own, such as `EXTRACT(HOUR FROM t)`, turned into plain calls.
//!
//! | written | becomes |
//! |---|---|
//! | `FLOOR(x)`, `CEIL(x)`, `CEILING(x)` | `floor(x)`, `ceil(x)` |
//! | `FLOOR(t TO unit)`, `CEIL(t TO unit)` | `floor_to(t, 'UNIT')`, `ceil_to(t, 'UNIT')` |
//! | `EXTRACT(unit FROM t)` | `extract('UNIT', t)` |
//! | `TIMESTAMPADD(unit, n, t)`, `TIMESTAMPDIFF(unit, a, b)` | `timestampadd('UNIT', n, t)`, `timestampdiff('UNIT', a, b)` |
//! | `POSITION(a IN b [FROM n])` | `position(a, b [, n])` |
//! | `TRIM([BOTH \| LEADING \| TRAILING] [x FROM] y)` | `trim('BOTH', x, y)` |
//! | `SUBSTRING(x FROM n [FOR m])`, `SUBSTR(x, n, m)` | `substring(x, n [, m])` |
//! | `OVERLAY(x PLACING y FROM n [FOR m])` | `overlay(x, y, n [, m])` |
//! | `MAP[k, v, ...]` | `map(k, v, ...)` |

use sqlparser::ast::{Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments, Ident, ObjectName, Value};
use sqlparser::dialect::{Dialect, Precedence};
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Span, Token};

use super::cursor::{Step, behind, eat, eat_one_of, expect, expect_token, expected, here};
use super::hooks::FlinkDialect;

/// One of the functions above.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CallForm {
    Floor,
    Ceil,
    Extract,
    TimestampAdd,
    TimestampDiff,
    Position,
    Trim,
    Substring,
    Overlay,
}

const CALL_FORMS: &[(&str, CallForm)] = &[
    ("FLOOR", CallForm::Floor),
    ("CEIL", CallForm::Ceil),
    ("CEILING", CallForm::Ceil),
    ("EXTRACT", CallForm::Extract),
    ("TIMESTAMPADD", CallForm::TimestampAdd),
    ("TIMESTAMPDIFF", CallForm::TimestampDiff),
    ("POSITION", CallForm::Position),
    ("TRIM", CallForm::Trim),
    ("SUBSTRING", CallForm::Substring),
    ("SUBSTR", CallForm::Substring),
    ("OVERLAY", CallForm::Overlay),
];

/// Units of `EXTRACT`, `FLOOR`, `CEIL`, `TIMESTAMPADD` and `TIMESTAMPDIFF`.
const UNITS: &[&str] = &[
    "MILLENNIUM",
    "CENTURY",
    "DECADE",
    "YEAR",
    "QUARTER",
    "MONTH",
    "WEEK",
    "DAY",
    "DOY",
    "DOW",
    "HOUR",
    "MINUTE",
    "SECOND",
    "MILLISECOND",
    "MICROSECOND",
    "NANOSECOND",
    "EPOCH",
    "ISODOW",
    "ISOYEAR",
    "FRAC_SECOND",
];

pub(super) fn call_form(word: &str) -> Option<CallForm> {
    CALL_FORMS.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)).map(|(_, form)| *form)
}

/// A form after its name, up to and with the closing parenthesis.
pub(super) fn parse(p: &mut Parser, form: CallForm) -> Step<Expr> {
    let name_span = behind(p);
    expect_token(p, Token::LParen)?;
    let (name, args) = match form {
        CallForm::Floor => rounding(p, "floor", "floor_to")?,
        CallForm::Ceil => rounding(p, "ceil", "ceil_to")?,
        CallForm::Extract => extract(p)?,
        CallForm::TimestampAdd => unit_first(p, "timestampadd")?,
        CallForm::TimestampDiff => unit_first(p, "timestampdiff")?,
        CallForm::Position => position(p)?,
        CallForm::Trim => trim(p)?,
        CallForm::Substring => substring(p)?,
        CallForm::Overlay => overlay(p)?,
    };
    if !p.consume_token(&Token::RParen) {
        return Err(expected(p, "`)`", &[]));
    }
    Ok(call_at(name, args, name_span))
}

fn rounding(p: &mut Parser, plain: &'static str, to_unit: &'static str) -> Step<(&'static str, Vec<Expr>)> {
    let x = p.parse_expr()?;
    if eat(p, "TO") {
        return Ok((to_unit, vec![x, unit(p)?]));
    }
    let mut args = vec![x];
    while p.consume_token(&Token::Comma) {
        args.push(p.parse_expr()?);
    }
    Ok((plain, args))
}

fn extract(p: &mut Parser) -> Step<(&'static str, Vec<Expr>)> {
    let unit = unit(p)?;
    expect(p, "FROM")?;
    Ok(("extract", vec![unit, p.parse_expr()?]))
}

fn unit_first(p: &mut Parser, name: &'static str) -> Step<(&'static str, Vec<Expr>)> {
    let mut args = vec![unit(p)?];
    for _ in 0..2 {
        expect_token(p, Token::Comma)?;
        args.push(p.parse_expr()?);
    }
    Ok((name, args))
}

fn position(p: &mut Parser) -> Step<(&'static str, Vec<Expr>)> {
    // IN must not be taken as the operator
    let needle = p.parse_subexpr(FlinkDialect.prec_value(Precedence::Between))?;
    if !eat(p, "IN") && !p.consume_token(&Token::Comma) {
        return Err(expected(p, "`IN`", &["IN"]));
    }
    let mut args = vec![needle, p.parse_expr()?];
    if eat(p, "FROM") {
        args.push(p.parse_expr()?);
    }
    Ok(("position", args))
}

fn trim(p: &mut Parser) -> Step<(&'static str, Vec<Expr>)> {
    let side = eat_one_of(p, &["BOTH", "LEADING", "TRAILING"]);
    let space = || text(" ", Span::empty());
    let (what, from) = if side.is_some() && eat(p, "FROM") {
        (space(), p.parse_expr()?)
    } else {
        let first = p.parse_expr()?;
        if eat(p, "FROM") {
            (first, p.parse_expr()?)
        } else if side.is_some() {
            return Err(expected(p, "`FROM`", &["FROM"]));
        } else {
            (space(), first)
        }
    };
    Ok(("trim", vec![text(side.unwrap_or("BOTH"), Span::empty()), what, from]))
}

fn substring(p: &mut Parser) -> Step<(&'static str, Vec<Expr>)> {
    let mut args = vec![p.parse_expr()?];
    for word in ["FROM", "FOR"] {
        if eat(p, word) || p.consume_token(&Token::Comma) {
            args.push(p.parse_expr()?);
        } else if word == "FROM" {
            return Err(expected(p, "`FROM` or `,`", &["FROM"]));
        }
    }
    Ok(("substring", args))
}

fn overlay(p: &mut Parser) -> Step<(&'static str, Vec<Expr>)> {
    let mut args = vec![p.parse_expr()?];
    for word in ["PLACING", "FROM"] {
        if !eat(p, word) && !p.consume_token(&Token::Comma) {
            return Err(expected(p, &format!("`{word}`"), &[word]));
        }
        args.push(p.parse_expr()?);
    }
    if eat(p, "FOR") || p.consume_token(&Token::Comma) {
        args.push(p.parse_expr()?);
    }
    Ok(("overlay", args))
}

/// A time unit, as a string in upper case and without `SQL_TSI_`.
fn unit(p: &mut Parser) -> Step<Expr> {
    let span = here(p);
    let word = match &p.peek_token_ref().token {
        Token::Word(w) if w.quote_style.is_none() => w.value.to_ascii_uppercase(),
        _ => return Err(expected(p, "a time unit such as SECOND", &[])),
    };
    let name = word.strip_prefix("SQL_TSI_").unwrap_or(&word);
    if !UNITS.contains(&name) {
        return Err(expected(p, "a time unit such as SECOND", UNITS));
    }
    p.advance_token();
    Ok(text(name, span))
}

/// `MAP[key, value, ...]`, after the name.
pub(super) fn map_literal(p: &mut Parser) -> Step<Expr> {
    let span = behind(p);
    expect_token(p, Token::LBracket)?;
    let entries = p.parse_comma_separated0(Parser::parse_expr, Token::RBracket)?;
    if !p.consume_token(&Token::RBracket) {
        return Err(expected(p, "`,` or `]`", &[]));
    }
    if entries.len() % 2 != 0 {
        return Err(super::error::fail(span, "MAP[...] needs a value for every key"));
    }
    Ok(call_at("map", entries, span))
}

/// A string literal.
pub(super) fn text(value: &str, span: Span) -> Expr {
    Expr::Value(Value::SingleQuotedString(value.to_string()).with_span(span))
}

/// A plain function call whose name has no place in the script.
pub(super) fn call(name: &str, args: Vec<Expr>) -> Expr {
    call_at(name, args, Span::empty())
}

/// A plain function call.
pub(super) fn call_at(name: &str, args: Vec<Expr>, span: Span) -> Expr {
    Expr::Function(function(Ident::with_span(span, name), args))
}

fn function(name: Ident, args: Vec<Expr>) -> Function {
    let args = args.into_iter().map(|e| FunctionArg::Unnamed(FunctionArgExpr::Expr(e))).collect();
    Function {
        name: ObjectName::from(vec![name]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList { duplicate_treatment: None, args, clauses: vec![] }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: vec![],
    }
}
