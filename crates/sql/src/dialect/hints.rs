//! Hints: `/*+ OPTIONS('key' = 'value') */` after a table's name and `/*+ STATE_TTL('t' = '1d') */` after `SELECT`.

use sqlparser::ast::{Expr, Select, Value};
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Token, Tokenizer};

use super::cursor::{Step, expected, here, ident};
use super::error::unpack;
use super::hooks::FlinkDialect;

/// One hint, such as `OPTIONS('a' = 'b')` or `BROADCAST(t1, t2)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// In upper case.
    pub name: String,
    pub entries: Vec<HintEntry>,
}

/// `'key' = 'value'`, or a value alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HintEntry {
    pub key: Option<String>,
    pub value: String,
}

impl std::fmt::Display for Hint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
        let entry = |e: &HintEntry| e.key.iter().map(|k| format!("{} = ", quoted(k))).chain([quoted(&e.value)]).collect::<String>();
        write!(f, "{}({})", self.name, self.entries.iter().map(entry).collect::<Vec<_>>().join(", "))
    }
}

/// The hints of a table in a query, from the `with_hints` of its `TableFactor::Table`.
pub fn table_hints(with_hints: &[Expr]) -> Vec<Hint> {
    let texts = with_hints.iter().filter_map(|e| match e {
        Expr::Value(v) => match &v.value {
            Value::SingleQuotedString(text) => Some(text),
            _ => None,
        },
        _ => None,
    });
    texts.flat_map(|text| parse_hints(text).unwrap_or_default()).collect()
}

/// The hints of a `SELECT`.
pub fn select_hints(select: &Select) -> Vec<Hint> {
    select.optimizer_hints.iter().flat_map(|h| parse_hints(&h.text).unwrap_or_default()).collect()
}

/// The text between `/*+` and `*/`. The error is a message without a place.
pub(super) fn parse_hints(text: &str) -> Result<Vec<Hint>, String> {
    let tokens = Tokenizer::new(&FlinkDialect, text).tokenize().map_err(|e| e.message)?;
    let mut p = Parser::new(&FlinkDialect).with_tokens(tokens);
    hint_list(&mut p).map_err(|e| unpack(e).message.replace("the end of the statement", "the end of the hint"))
}

fn hint_list(p: &mut Parser) -> Step<Vec<Hint>> {
    let mut hints = vec![];
    while p.peek_token_ref().token != Token::EOF {
        let name = ident(p, "a hint")?.value.to_ascii_uppercase();
        let entries = super::cursor::list_or_empty_if_open(p, entry)?;
        hints.push(Hint { name, entries });
        let _ = p.consume_token(&Token::Comma);
    }
    if hints.is_empty() {
        return Err(super::error::fail(here(p), "the hint is empty"));
    }
    Ok(hints)
}

fn entry(p: &mut Parser) -> Step<HintEntry> {
    let first = word_or_literal(p)?;
    if p.consume_token(&Token::Eq) {
        return Ok(HintEntry { key: Some(first), value: word_or_literal(p)? });
    }
    Ok(HintEntry { key: None, value: first })
}

fn word_or_literal(p: &mut Parser) -> Step<String> {
    let mut value = match &p.peek_token_ref().token {
        Token::SingleQuotedString(text) | Token::Number(text, _) => text.clone(),
        Token::Word(word) => word.value.clone(),
        _ => return Err(expected(p, "a name or a string in the hint", &[])),
    };
    p.advance_token();
    while p.consume_token(&Token::Period) {
        value = format!("{value}.{}", ident(p, "a name")?.value);
    }
    Ok(value)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn hints_are_read() {
        let hints = parse_hints("OPTIONS('a.b' = 'c', 'd'='e') , broadcast(t1, db.t2) X").unwrap();
        let pair = |k: &str, v: &str| HintEntry { key: Some(k.into()), value: v.into() };
        assert_eq!(hints[0], Hint { name: "OPTIONS".into(), entries: vec![pair("a.b", "c"), pair("d", "e")] });
        assert_eq!(hints[1].name, "BROADCAST");
        assert_eq!(hints[1].entries[1], HintEntry { key: None, value: "db.t2".into() });
        assert_eq!(hints[2], Hint { name: "X".into(), entries: vec![] });
        assert_eq!(parse_hints("OPTIONS(").unwrap_err(), "expected a name or a string in the hint, found the end of the hint");
        assert!(parse_hints("").is_err());
    }
}
