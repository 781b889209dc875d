//! Guesses what a mistyped keyword was meant to be.

use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Span, Token, Word};

use super::error::{did_you_mean, fail, fail_with_help, found_text};

/// Keywords inside queries and inserts that are worth guessing.
const QUERY_WORDS: &[&str] = &[
    "SELECT",
    "DISTINCT",
    "FROM",
    "WHERE",
    "GROUP",
    "HAVING",
    "ORDER",
    "LIMIT",
    "OFFSET",
    "FETCH",
    "WINDOW",
    "UNION",
    "INTERSECT",
    "EXCEPT",
    "VALUES",
    "JOIN",
    "INNER",
    "LEFT",
    "RIGHT",
    "FULL",
    "OUTER",
    "CROSS",
    "LATERAL",
    "UNNEST",
    "TABLE",
    "TUMBLE",
    "CUMULATE",
    "SESSION",
    "DESCRIPTOR",
    "INTERVAL",
    "PARTITION",
    "PARTITIONED",
    "BETWEEN",
    "CASE",
    "WHEN",
    "THEN",
    "ELSE",
    "SYSTEM_TIME",
    "MATCH_RECOGNIZE",
    "MEASURES",
    "PATTERN",
    "DEFINE",
    "WITHIN",
    "WATERMARK",
    "PRIMARY",
    "ENFORCED",
    "METADATA",
    "VIRTUAL",
    "COMMENT",
    "CONFLICT",
    "INTO",
    "OVERWRITE",
];

/// The error for a word that cannot stand where the statement could have ended.
pub(super) fn misplaced_word(p: &Parser) -> ParserError {
    let token = p.peek_token_ref();
    let message = format!("unexpected {}", found_text(&token.token.to_string()));
    match help_near(p, token.span) {
        Some(help) => fail_with_help(token.span, message, help),
        None => fail(token.span, message),
    }
}

/// A guess for the word at `span`, or for one of the two words before it: a mistyped keyword is often taken
/// for an alias, and the error comes later.
pub(super) fn help_near(p: &Parser, span: Span) -> Option<String> {
    let at = (0..).take_while(|i| p.token_at(*i).token != Token::EOF).find(|i| p.token_at(*i).span == span)?;
    let near = at.saturating_sub(2)..=at;
    near.rev().find_map(|i| match &p.token_at(i).token {
        Token::Word(Word { value, quote_style: None, keyword: Keyword::NoKeyword }) => {
            did_you_mean(value, QUERY_WORDS.iter().copied()).map(|word| format!("did you mean `{word}` instead of `{value}`?"))
        }
        _ => None,
    })
}
