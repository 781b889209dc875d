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
    let tokens: Vec<TokenWithSpan> =
        (0..).map(|i| p.token_at(i).clone()).take_while(|t| t.token != Token::EOF).collect();
    subqueries(&tokens)
        .find_map(query_error)
        .or_else(|| named_arguments(&tokens).find_map(argument_error))
        .unwrap_or(error)
}

/// The tokens inside each closed `(SELECT ...)`, inner ones first, left to right.
fn subqueries(tokens: &[TokenWithSpan]) -> impl Iterator<Item = &[TokenWithSpan]> {
    let mut open = vec![];
    let mut found = vec![];
    for (i, token) in tokens.iter().enumerate() {
        match token.token {
            Token::LParen => open.push(i + 1),
            Token::RParen => found.extend(open.pop().map(|start| &tokens[start..i])),
            _ => {}
        }
    }
    found.into_iter().filter(|inner| {
        inner.first().is_some_and(|t| is_word(&t.token, "SELECT") || is_word(&t.token, "WITH"))
    })
}

fn query_error(tokens: &[TokenWithSpan]) -> Option<ParserError> {
    let mut p = parser(with_end(tokens));
    match p.parse_query() {
        Err(ParserError::RecursionLimitExceeded) => None,
        Err(error) => Some(error),
        Ok(_) if p.peek_token_ref().token == Token::SemiColon => None,
        Ok(_) => Some(super::guess::misplaced_word(&p)),
    }
}

/// The tokens after each `=>`, up to the end of the argument.
fn named_arguments(tokens: &[TokenWithSpan]) -> impl Iterator<Item = &[TokenWithSpan]> {
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
        &rest[..end.unwrap_or(rest.len())]
    })
}

fn argument_error(tokens: &[TokenWithSpan]) -> Option<ParserError> {
    let mut p = parser(with_end(tokens));
    match p.parse_wildcard_expr() {
        Err(ParserError::RecursionLimitExceeded) => None,
        result => result.err(),
    }
}

/// The tokens and, as the end, whatever stands behind them, taken for a semicolon.
fn with_end(tokens: &[TokenWithSpan]) -> Vec<TokenWithSpan> {
    let mut all = tokens.to_vec();
    if let Some(last) = tokens.last() {
        let end = sqlparser::tokenizer::Span::new(last.span.end, last.span.end);
        all.push(TokenWithSpan { token: Token::SemiColon, span: end });
    }
    all
}
