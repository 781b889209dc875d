//! Small steps over sqlparser's token stream that the statement grammar and the hooks share.

use sqlparser::ast::{Ident, ObjectName};
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Span, Token, Word};

use super::error::{did_you_mean, fail, fail_with_help, found_text};
use super::reserved::is_reserved;
use super::rewrite::HINT_PREFIX;

pub(super) type Step<T> = Result<T, ParserError>;

/// A string literal with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    pub value: String,
    pub span: Span,
}

/// True when the token is this keyword: keywords are never quoted and their case does not matter.
pub(super) fn is_word(token: &Token, keyword: &str) -> bool {
    matches!(token, Token::Word(Word { value, quote_style: None, .. }) if value.eq_ignore_ascii_case(keyword))
}

/// True when the next token is `keyword`.
pub(super) fn at(p: &Parser, keyword: &str) -> bool {
    is_word(&p.peek_token_ref().token, keyword)
}

/// True when the next tokens are `keywords`.
pub(super) fn at_all(p: &Parser, keywords: &[&str]) -> bool {
    keywords.iter().enumerate().all(|(i, k)| is_word(&p.peek_nth_token_ref(i).token, k))
}

/// Steps over `keyword` if it is next.
pub(super) fn eat(p: &mut Parser, keyword: &str) -> bool {
    eat_all(p, &[keyword])
}

/// Steps over `keywords` if all of them are next, in order.
pub(super) fn eat_all(p: &mut Parser, keywords: &[&str]) -> bool {
    let found = at_all(p, keywords);
    if found {
        keywords.iter().for_each(|_| p.advance_token());
    }
    found
}

/// Steps over the first of `keywords` that is next.
pub(super) fn eat_one_of<'k>(p: &mut Parser, keywords: &[&'k str]) -> Option<&'k str> {
    keywords.iter().find(|k| eat(p, k)).copied()
}

/// The span of the next token.
pub(super) fn here(p: &Parser) -> Span {
    p.peek_token_ref().span
}

/// The span of the token that was stepped over last.
pub(super) fn behind(p: &Parser) -> Span {
    p.get_current_token().span
}

/// True at the end of the statement.
pub(super) fn at_end(p: &Parser) -> bool {
    matches!(p.peek_token_ref().token, Token::EOF | Token::SemiColon)
}

/// "expected ..., found ..." at the next token, with a guess if the token is nearly one of `words`.
pub(super) fn expected(p: &Parser, what: &str, words: &[&str]) -> ParserError {
    let token = p.peek_token_ref();
    let message = format!("expected {what}, found {}", found_text(&token.token.to_string()));
    let guess = match &token.token {
        Token::Word(Word { value, quote_style: None, .. }) => did_you_mean(value, words.iter().copied()),
        _ => None,
    };
    match guess {
        Some(word) => fail_with_help(token.span, message, format!("did you mean `{word}`?")),
        None => fail(token.span, message),
    }
}

/// Steps over `keyword` or fails.
pub(super) fn expect(p: &mut Parser, keyword: &str) -> Step<()> {
    if eat(p, keyword) { Ok(()) } else { Err(expected(p, &format!("`{keyword}`"), &[keyword])) }
}

/// Steps over all `keywords` or fails.
pub(super) fn expect_all(p: &mut Parser, keywords: &[&str]) -> Step<()> {
    keywords.iter().try_for_each(|k| expect(p, k))
}

/// Steps over `token` or fails.
pub(super) fn expect_token(p: &mut Parser, token: Token) -> Step<()> {
    if p.consume_token(&token) { Ok(()) } else { Err(expected(p, &format!("`{token}`"), &[])) }
}

/// A string literal in single quotes.
pub(super) fn string(p: &mut Parser, what: &str) -> Step<Text> {
    let span = here(p);
    match &p.peek_token_ref().token {
        Token::SingleQuotedString(value) | Token::UnicodeStringLiteral(value) => {
            let value = value.clone();
            p.advance_token();
            Ok(Text { value, span })
        }
        Token::Word(_) => {
            let help = "strings stand in single quotes";
            let found = found_text(&p.peek_token_ref().token.to_string());
            Err(fail_with_help(span, format!("expected {what} as a string, found {found}"), help))
        }
        _ => Err(expected(p, &format!("{what} as a string"), &[])),
    }
}

/// A plain whole number.
pub(super) fn number<N: std::str::FromStr>(p: &mut Parser, what: &str) -> Step<N> {
    let parsed = match &p.peek_token_ref().token {
        Token::Number(digits, false) => digits.parse().ok(),
        _ => None,
    };
    let value = parsed.ok_or_else(|| expected(p, what, &[]))?;
    p.advance_token();
    Ok(value)
}

/// One name: a word or a quoted identifier, never a string.
pub(super) fn ident(p: &mut Parser, what: &str) -> Step<Ident> {
    let span = here(p);
    match &p.peek_token_ref().token {
        Token::Word(word) if word.value.starts_with(HINT_PREFIX) && word.quote_style.is_some() => {
            Err(fail(span, "a hint is not allowed here"))
        }
        Token::Word(word) => {
            let ident = word.to_ident(span);
            if is_reserved(&ident) {
                return Err(expected(p, what, &[]));
            }
            p.advance_token();
            Ok(ident)
        }
        Token::SingleQuotedString(_) => {
            let help = "names stand without quotes or in backticks";
            Err(fail_with_help(span, format!("expected {what}, found a string"), help))
        }
        _ => Err(expected(p, what, &[])),
    }
}

/// A name with up to three parts: catalog, database, object.
pub(super) fn object_name(p: &mut Parser, what: &str) -> Step<ObjectName> {
    let mut parts = vec![ident(p, what)?];
    while p.peek_token_ref().token == Token::Period && !at_hint(p) {
        p.advance_token();
        parts.push(ident(p, what)?);
    }
    if parts.len() > 3 {
        let span = parts.iter().fold(parts[0].span, |s, i| s.union(&i.span));
        let help = "write catalog.database.object at most";
        return Err(fail_with_help(span, "a name has at most three parts", help));
    }
    Ok(ObjectName::from(parts))
}

/// An object's name and the hint that may follow it.
pub(super) fn object_name_with_hint(p: &mut Parser, what: &str) -> Step<(ObjectName, Option<Text>)> {
    let name = object_name(p, what)?;
    if !at_hint(p) {
        return Ok((name, None));
    }
    p.advance_token();
    let token = p.next_token();
    let text = match token.token {
        Token::Word(word) => word.value.trim_start_matches(HINT_PREFIX).to_string(),
        _ => String::new(),
    };
    Ok((name, Some(Text { value: text, span: token.span })))
}

/// True at the two tokens that stand for a hint comment, see [`super::rewrite`].
fn at_hint(p: &Parser) -> bool {
    p.peek_token_ref().token == Token::Period
        && matches!(&p.peek_nth_token_ref(1).token, Token::Word(w)
            if w.quote_style.is_some() && w.value.starts_with(HINT_PREFIX))
}

/// `( item, item, ... )` with at least one item.
pub(super) fn list<T>(p: &mut Parser, mut item: impl FnMut(&mut Parser) -> Step<T>) -> Step<Vec<T>> {
    expect_token(p, Token::LParen)?;
    let mut items = vec![item(p)?];
    while p.consume_token(&Token::Comma) {
        items.push(item(p)?);
    }
    if !p.consume_token(&Token::RParen) {
        return Err(expected(p, "`,` or `)`", &[]));
    }
    Ok(items)
}

/// `( )` or a [`list`].
pub(super) fn list_or_empty<T>(p: &mut Parser, item: impl FnMut(&mut Parser) -> Step<T>) -> Step<Vec<T>> {
    if p.peek_token_ref().token == Token::LParen && p.peek_nth_token_ref(1).token == Token::RParen {
        p.advance_token();
        p.advance_token();
        return Ok(vec![]);
    }
    list(p, item)
}

/// A [`list_or_empty`] when `(` is next, else nothing.
pub(super) fn list_or_empty_if_open<T>(p: &mut Parser, item: impl FnMut(&mut Parser) -> Step<T>) -> Step<Vec<T>> {
    if p.peek_token_ref().token == Token::LParen { list_or_empty(p, item) } else { Ok(vec![]) }
}
