//! Finds the true place of an error that sqlparser reports too far outside.
//!
//! sqlparser reads `(SELECT ...` in `FROM` and `name => value` in a call in one way and, if that fails, in
//! another, and then reports the failure of the second way. Parsing the inner part alone tells what is wrong.

use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::cursor::is_word;
use super::grammar::parser;

/// The error of the innermost sub-query or named argument that is wrong by itself, else `error`.
pub(super) fn refine(p: &Parser, error: ParserError) -> ParserError {
    if matches!(error, ParserError::RecursionLimitExceeded) {
        return error;
    }
    let tokens: Vec<TokenWithSpan> = (0..).map(|i| p.token_at(i).clone()).take_while(|t| t.token != Token::EOF).collect();
    subqueries(&tokens)
        .find_map(|(inner, next)| query_error(inner, next))
        .or_else(|| named_arguments(&tokens).find_map(|(inner, next)| argument_error(inner, next)))
        .unwrap_or(error)
}

/// Tokens to parse alone, and the token behind them.
type Part<'t> = (&'t [TokenWithSpan], Option<&'t TokenWithSpan>);

/// The tokens inside each closed `(SELECT ...)`, inner ones first, left to right.
fn subqueries(tokens: &[TokenWithSpan]) -> impl Iterator<Item = Part<'_>> {
    let mut open = vec![];
    let mut found = vec![];
    for (i, token) in tokens.iter().enumerate() {
        match token.token {
            Token::LParen => open.push(i + 1),
            Token::RParen => found.extend(open.pop().map(|start| (&tokens[start..i], Some(token)))),
            _ => {}
        }
    }
    found.into_iter().filter(|(inner, _)| inner.first().is_some_and(|t| is_word(&t.token, "SELECT") || is_word(&t.token, "WITH")))
}

fn query_error(tokens: &[TokenWithSpan], next: Option<&TokenWithSpan>) -> Option<ParserError> {
    let mut p = parser(tokens.iter().chain(next).cloned().collect());
    match p.parse_query() {
        Err(ParserError::RecursionLimitExceeded) => None,
        Err(error) => Some(error),
        Ok(_) if Some(p.peek_token_ref().span) == next.map(|t| t.span) => None,
        Ok(_) => Some(super::guess::misplaced_word(&p)),
    }
}

/// The tokens after each `=>`, up to the end of the argument.
fn named_arguments(tokens: &[TokenWithSpan]) -> impl Iterator<Item = Part<'_>> {
    let arrows = tokens.iter().enumerate().rev().filter(|(_, t)| t.token == Token::RArrow);
    arrows.map(|(i, _)| {
        let rest = &tokens[i + 1..];
        let mut depth = 0i32;
        let end = rest.iter().position(|t| {
            let is_end = depth == 0 && matches!(t.token, Token::Comma | Token::RParen);
            depth += match t.token {
                Token::LParen | Token::LBracket => 1,
                Token::RParen | Token::RBracket => -1,
                _ => 0,
            };
            is_end
        });
        let end = end.unwrap_or(rest.len());
        (&rest[..end], rest.get(end))
    })
}

fn argument_error(tokens: &[TokenWithSpan], next: Option<&TokenWithSpan>) -> Option<ParserError> {
    let mut p = parser(tokens.iter().chain(next).cloned().collect());
    match p.parse_wildcard_expr() {
        Err(ParserError::RecursionLimitExceeded) => None,
        result => result.err(),
    }
}
