//! Interval literals: `INTERVAL '1 10:00' DAY TO MINUTE` and the like, checked and brought to one form.
//!
//! DataFusion reads intervals such as `1 days 36000 seconds`, so that is what a literal becomes: months, or
//! whole days and the seconds of the day, down to the millisecond. Equal intervals get equal texts.

use sqlparser::ast::{BinaryOperator, Expr, Interval, Value};
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Span, Token};

use super::calls::call;
use super::cursor::{Step, eat, eat_one_of, expect_token, expected, here, number};
use super::error::{fail, fail_with_help};

/// A time unit of an interval, from the largest to the smallest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Unit {
    Year,
    Quarter,
    Month,
    Week,
    Day,
    Hour,
    Minute,
    Second,
}

/// Units and how they are written; Flink takes the plural as well.
const UNITS: &[(&str, Unit)] = &[
    ("YEAR", Unit::Year),
    ("YEARS", Unit::Year),
    ("QUARTER", Unit::Quarter),
    ("QUARTERS", Unit::Quarter),
    ("MONTH", Unit::Month),
    ("MONTHS", Unit::Month),
    ("WEEK", Unit::Week),
    ("WEEKS", Unit::Week),
    ("DAY", Unit::Day),
    ("DAYS", Unit::Day),
    ("HOUR", Unit::Hour),
    ("HOURS", Unit::Hour),
    ("MINUTE", Unit::Minute),
    ("MINUTES", Unit::Minute),
    ("SECOND", Unit::Second),
    ("SECONDS", Unit::Second),
];

const MS_PER_DAY: i64 = 86_400_000;

/// The length of an interval literal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IntervalValue {
    Months(i64),
    Milliseconds(i64),
}

impl IntervalValue {
    /// The same length in the other direction.
    pub fn negated(self) -> Self {
        match self {
            Self::Months(n) => Self::Months(-n),
            Self::Milliseconds(n) => Self::Milliseconds(-n),
        }
    }

    /// The literal in the one form that planning knows.
    pub fn to_expr(self, span: Span) -> Expr {
        Expr::Interval(Interval {
            value: Box::new(Expr::Value(Value::SingleQuotedString(self.text()).with_span(span))),
            leading_field: None,
            leading_precision: None,
            last_field: None,
            fractional_seconds_precision: None,
        })
    }

    fn text(self) -> String {
        let ms = match self {
            Self::Months(n) => return format!("{n} months"),
            Self::Milliseconds(ms) => ms,
        };
        let (days, rest) = (ms / MS_PER_DAY, ms % MS_PER_DAY);
        let sign = if rest < 0 { "-" } else { "" };
        let seconds = match (rest.abs() / 1000, rest.abs() % 1000) {
            (s, 0) => format!("{sign}{s} seconds"),
            (s, fraction) => format!("{sign}{s}.{fraction:03} seconds"),
        };
        match (days, rest) {
            (0, _) => seconds,
            (_, 0) => format!("{days} days"),
            _ => format!("{days} days {seconds}"),
        }
    }
}

/// Reads back a literal that [`IntervalValue::to_expr`] made. None for any other expression.
pub fn interval_value(expr: &Expr) -> Option<IntervalValue> {
    let Expr::Interval(Interval { value, leading_field: None, last_field: None, .. }) = expr else {
        return None;
    };
    let Expr::Value(v) = value.as_ref() else { return None };
    let Value::SingleQuotedString(text) = &v.value else { return None };
    let mut ms = 0i64;
    let mut words = text.split(' ');
    while let (Some(n), Some(unit)) = (words.next(), words.next()) {
        match unit {
            "months" => return n.parse().ok().map(IntervalValue::Months),
            "days" => ms += n.parse::<i64>().ok()?.checked_mul(MS_PER_DAY)?,
            "seconds" => ms += milliseconds(n)?,
            _ => return None,
        }
    }
    Some(IntervalValue::Milliseconds(ms))
}

/// An interval literal, after the word `INTERVAL`.
pub(super) fn literal(p: &mut Parser) -> Step<Expr> {
    let outer_sign = sign(p);
    let span = here(p);
    let text = match &p.peek_token_ref().token {
        Token::SingleQuotedString(text) | Token::Number(text, false) => text.clone(),
        _ => return Err(expected(p, "an interval such as '5'", &[])),
    };
    p.advance_token();
    let (first, last, digits_max) = qualifier(p)?;
    let leading: String = text.trim().trim_start_matches(['-', '+']).chars().take_while(char::is_ascii_digit).collect();
    if leading.trim_start_matches('0').len() > digits_max as usize {
        let (unit, digits) = (describe(first, None), leading.len());
        let message = format!("{leading} has more than the {digits_max} digits of {unit}");
        return Err(fail_with_help(span, message, format!("write {unit}({digits})")));
    }
    let Some(value) = parse_value(text.trim(), first, last) else {
        let message = format!("'{text}' is not an interval of {}", describe(first, last));
        return Err(fail_with_help(span, message, format!("write it like {}", example(first, last))));
    };
    Ok(if outer_sign < 0 { value.negated() } else { value }.to_expr(span))
}

/// Units that may follow `(a - b)`: keywords all, so that none of them is the name of a column.
const DIFFERENCE_UNITS: [&str; 6] = ["YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND"];

/// Whether a token is a unit that may follow `(a - b)`.
pub(super) fn is_unit(token: &Token) -> bool {
    matches!(token, Token::Word(word) if word.quote_style.is_none() && DIFFERENCE_UNITS.iter().any(|u| u.eq_ignore_ascii_case(&word.value)))
}

/// `(a - b) DAY TO SECOND`, after the bracket; None when no unit follows.
pub(super) fn difference(p: &mut Parser, expr: &Expr) -> Option<Step<Expr>> {
    let token = &p.peek_token_ref().token;
    if !is_unit(token) {
        return None;
    }
    let (word, span) = (token.to_string(), here(p));
    let inner = if let Expr::Nested(inner) = expr { inner.as_ref() } else { expr };
    let (Expr::BinaryOp { left, op: BinaryOperator::Minus, right }, true) = (inner, matches!(expr, Expr::Nested(_))) else {
        let message = format!("`{word}` is a keyword and cannot stand here");
        return Some(Err(fail_with_help(span, message, format!("as a name it must stand in backticks: `{word}`"))));
    };
    let operands = vec![left.as_ref().clone(), right.as_ref().clone()];
    Some(qualifier(p).map(|(first, _, _)| call(if first <= Unit::Month { "$minus_months" } else { "$minus_time" }, operands)))
}

fn sign(p: &mut Parser) -> i64 {
    if p.consume_token(&Token::Minus) {
        return -1;
    }
    let _ = p.consume_token(&Token::Plus);
    1
}

/// Units from the first to the last, and the number of digits that the first may have.
fn qualifier(p: &mut Parser) -> Step<(Unit, Option<Unit>, u32)> {
    let first = unit(p)?;
    let digits_max = precision(p)?.unwrap_or(LEADING_DIGITS);
    if !eat(p, "TO") {
        return Ok((first, None, digits_max));
    }
    let span = here(p);
    let last = unit(p)?;
    precision(p)?;
    let fits = match first {
        Unit::Year => last == Unit::Month,
        Unit::Day | Unit::Hour | Unit::Minute => last > first,
        _ => false,
    };
    if fits { Ok((first, Some(last), digits_max)) } else { Err(fail(span, "such a range of time units does not exist")) }
}

fn unit(p: &mut Parser) -> Step<Unit> {
    let words: Vec<&str> = UNITS.iter().map(|(word, _)| *word).collect();
    let found = eat_one_of(p, &words).and_then(|word| UNITS.iter().find(|(w, _)| *w == word));
    match found {
        Some((_, unit)) => Ok(*unit),
        None => Err(expected(p, "a time unit such as SECOND", &words)),
    }
}

/// Digits that the first unit of an interval may have where no other number is written.
const LEADING_DIGITS: u32 = 2;

/// `(p)` or `(p, s)`: digits of the number, and of a fraction, which do not matter.
fn precision(p: &mut Parser) -> Step<Option<u32>> {
    let mut digits = None;
    if p.consume_token(&Token::LParen) {
        digits = Some(number::<u32>(p, "a precision")?);
        if p.consume_token(&Token::Comma) {
            number::<u32>(p, "a precision")?;
        }
        expect_token(p, Token::RParen)?;
    }
    Ok(digits)
}

fn parse_value(text: &str, first: Unit, last: Option<Unit>) -> Option<IntervalValue> {
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let value = match (first, last) {
        (Unit::Year, Some(_)) => {
            let (years, months) = text.split_once('-')?;
            let months = digits(months).filter(|m| *m < 12)?;
            IntervalValue::Months(digits(years)?.checked_mul(12)?.checked_add(months)?)
        }
        (Unit::Year | Unit::Quarter | Unit::Month, None) => {
            let months_per_unit = [12, 3, 1][first as usize];
            IntervalValue::Months(digits(text)?.checked_mul(months_per_unit)?)
        }
        (_, None) => IntervalValue::Milliseconds(single(text, first)?),
        (_, Some(last)) => IntervalValue::Milliseconds(range(text, first, last)?),
    };
    // months and days are 32 bits wide
    let fits = match value {
        IntervalValue::Months(n) => i32::try_from(n).is_ok(),
        IntervalValue::Milliseconds(n) => i32::try_from(n / MS_PER_DAY).is_ok(),
    };
    fits.then_some(if negative { value.negated() } else { value })
}

fn single(text: &str, unit: Unit) -> Option<i64> {
    if unit == Unit::Second { milliseconds(text) } else { digits(text)?.checked_mul(ms_per(unit)) }
}

/// `d h:m:s` from `first` to `last`; every unit but the first has its natural limit.
fn range(text: &str, first: Unit, last: Unit) -> Option<i64> {
    let (days, clock) = match first {
        Unit::Day => text.split_once(' ').map(|(d, c)| (Some(d), c.trim_start()))?,
        _ => (None, text),
    };
    let clock_first = first.max(Unit::Hour);
    let units: Vec<Unit> = [Unit::Hour, Unit::Minute, Unit::Second].into_iter().filter(|u| (clock_first..=last).contains(u)).collect();
    let parts: Vec<&str> = clock.split(':').collect();
    if parts.len() != units.len() {
        return None;
    }
    let mut ms = days.map_or(Some(0), |d| digits(d)?.checked_mul(MS_PER_DAY))?;
    for (unit, part) in units.into_iter().zip(parts) {
        let part_ms = single(part, unit)?;
        let limit_ms = if unit == Unit::Hour { MS_PER_DAY } else { 60 * ms_per(unit) };
        if unit != first && part_ms >= limit_ms {
            return None;
        }
        ms = ms.checked_add(part_ms)?;
    }
    Some(ms)
}

fn ms_per(unit: Unit) -> i64 {
    match unit {
        Unit::Week => 7 * MS_PER_DAY,
        Unit::Day => MS_PER_DAY,
        Unit::Hour => 3_600_000,
        Unit::Minute => 60_000,
        _ => 1_000,
    }
}

fn digits(text: &str) -> Option<i64> {
    let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

/// Seconds with a fraction, as milliseconds; finer digits are cut off as Flink does.
fn milliseconds(text: &str) -> Option<i64> {
    if let Some(rest) = text.strip_prefix('-') {
        return milliseconds(rest).map(|ms| -ms);
    }
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, "0"));
    digits(fraction)?;
    let thousandths: i64 = format!("{fraction:0<3}")[..3].parse().ok()?;
    digits(seconds)?.checked_mul(1000)?.checked_add(thousandths)
}

fn describe(first: Unit, last: Option<Unit>) -> String {
    let name = |unit| UNITS.iter().find(|(_, u)| *u == unit).map_or("", |(word, _)| word);
    match last {
        Some(last) => format!("{} TO {}", name(first), name(last)),
        None => name(first).to_string(),
    }
}

fn example(first: Unit, last: Option<Unit>) -> &'static str {
    match (first, last) {
        (Unit::Year, Some(_)) => "'1-6'",
        (Unit::Day, Some(Unit::Hour)) => "'1 12'",
        (Unit::Day, Some(Unit::Minute)) => "'1 12:30'",
        (Unit::Day, Some(_)) => "'1 12:30:00.000'",
        (Unit::Hour, Some(Unit::Second)) => "'12:30:00.000'",
        (Unit::Hour, Some(_)) => "'12:30'",
        (Unit::Minute, Some(_)) => "'30:00.000'",
        (Unit::Second, _) => "'1.5'",
        _ => "'10'",
    }
}
