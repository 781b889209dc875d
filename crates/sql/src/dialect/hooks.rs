//! Flink's lexical rules and the forms of its expressions that sqlparser does not know, as a sqlparser dialect.

use sqlparser::ast::{CastKind, Expr};
use sqlparser::dialect::{Dialect, Precedence};
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Token, Word};

use super::cursor::{Step, at, is_word};
use super::{calls, interval, json, predicates, tvf, types};

/// The dialect. It has no state.
#[derive(Debug, Default, Clone, Copy)]
pub struct FlinkDialect;

impl Dialect for FlinkDialect {
    fn is_delimited_identifier_start(&self, ch: char) -> bool {
        ch == '`'
    }

    fn is_identifier_start(&self, ch: char) -> bool {
        ch.is_alphabetic() || ch == '_' || ch == '$'
    }

    fn is_identifier_part(&self, ch: char) -> bool {
        ch.is_alphanumeric() || ch == '_' || ch == '$'
    }

    fn supports_filter_during_aggregation(&self) -> bool {
        true
    }

    fn supports_group_by_expr(&self) -> bool {
        true
    }

    fn supports_match_recognize(&self) -> bool {
        true
    }

    fn supports_table_versioning(&self) -> bool {
        true
    }

    fn supports_comment_optimizer_hint(&self) -> bool {
        true
    }

    fn supports_unicode_string_literal(&self) -> bool {
        true
    }

    fn supports_string_literal_concatenation_with_newline(&self) -> bool {
        true
    }

    fn supports_window_clause_named_window_reference(&self) -> bool {
        true
    }

    fn supports_named_fn_args_with_rarrow_operator(&self) -> bool {
        true
    }

    fn supports_parens_around_table_factor(&self) -> bool {
        true
    }

    fn supports_limit_comma(&self) -> bool {
        false
    }

    fn supports_lambda_functions(&self) -> bool {
        false
    }

    fn supports_comma_separated_trim(&self) -> bool {
        false
    }

    /// sqlparser tries a word that starts a special form a second time, as a plain name, when the form fails.
    /// That hides the error and doubles the work at every level of nesting, so it is off for these.
    fn is_reserved_for_identifier(&self, keyword: Keyword) -> bool {
        matches!(
            keyword,
            Keyword::ARRAY
                | Keyword::CASE
                | Keyword::CAST
                | Keyword::CONVERT
                | Keyword::CURRENT_DATE
                | Keyword::CURRENT_TIME
                | Keyword::CURRENT_TIMESTAMP
                | Keyword::EXISTS
                | Keyword::INTERVAL
                | Keyword::LOCALTIME
                | Keyword::LOCALTIMESTAMP
                | Keyword::NOT
                | Keyword::NULL
                | Keyword::SAFE_CAST
                | Keyword::TRY_CAST
        )
    }

    fn parse_prefix(&self, p: &mut Parser) -> Option<Result<Expr, ParserError>> {
        let Token::Word(Word { value, quote_style: None, .. }) = &p.peek_token_ref().token else {
            return None;
        };
        let next = &p.peek_nth_token_ref(1).token;
        if let Some(form) = form_of(value, next) {
            return Some(parse_form(p, form));
        }
        // a column may have the name of a form
        let is_name = *next != Token::LParen && (calls::call_form(value).is_some() || value.eq_ignore_ascii_case("INTERVAL"));
        is_name.then(|| p.parse_identifier().map(Expr::Identifier))
    }

    /// An interval's unit behind `(a - b)` binds like a bracket.
    fn get_next_precedence(&self, p: &Parser) -> Option<Result<u8, ParserError>> {
        let unit = interval::is_unit(&p.peek_token_ref().token);
        (unit && behind_bracket(p)).then(|| Ok(self.prec_value(Precedence::Period)))
    }

    fn parse_infix(&self, p: &mut Parser, expr: &Expr, _precedence: u8) -> Option<Result<Expr, ParserError>> {
        if let Some(difference) = interval::difference(p, expr) {
            return Some(difference);
        }
        if at(p, "IS") {
            return predicates::is_json(p, expr).map(Ok).or_else(|| predicates::is_distinct_from(self, p, expr));
        }
        if at(p, "BETWEEN") || at(p, "NOT") {
            return predicates::between_symmetric(self, p, expr);
        }
        None
    }
}

/// The function that stands for FINAL before a call in MATCH_RECOGNIZE.
pub const FINAL_CALL: &str = "$final";

/// A form that is parsed here and not by sqlparser.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Form {
    Table,
    Cast(CastKind),
    Interval,
    Call(calls::CallForm),
    Json(json::JsonForm),
    Map,
    Final,
}

/// The form that a word starts, given the token after it.
fn form_of(word: &str, next: &Token) -> Option<Form> {
    let is = |keyword: &str| word.eq_ignore_ascii_case(keyword);
    match next {
        Token::LParen if is("CAST") => Some(Form::Cast(CastKind::Cast)),
        Token::LParen if is("TRY_CAST") => Some(Form::Cast(CastKind::TryCast)),
        Token::LParen if is("TABLE") => Some(Form::Table),
        Token::LParen if is("INTERVAL") => Some(Form::Interval),
        Token::LParen => calls::call_form(word).map(Form::Call).or_else(|| json::json_form(word).map(Form::Json)),
        Token::LBracket if is("MAP") => Some(Form::Map),
        Token::Word(_) if is("TABLE") => Some(Form::Table),
        Token::Word(_) if is("FINAL") => Some(Form::Final),
        Token::SingleQuotedString(_) | Token::Number(..) | Token::Minus | Token::Plus if is("INTERVAL") => Some(Form::Interval),
        _ => None,
    }
}

fn parse_form(p: &mut Parser, form: Form) -> Step<Expr> {
    // FINAL may also be an alias or a column
    if form == Form::Final && !is_word_before_call(p) {
        return Ok(Expr::Identifier(p.parse_identifier()?));
    }
    p.advance_token();
    match form {
        Form::Table => tvf::table_argument(p),
        Form::Cast(kind) => types::cast(p, kind),
        Form::Interval => interval::literal(p),
        Form::Call(form) => calls::parse(p, form),
        Form::Json(form) => json::parse(p, form),
        Form::Map => calls::map_literal(p),
        Form::Final => Ok(calls::call(FINAL_CALL, vec![p.parse_prefix()?])),
    }
}

/// True right behind a closing bracket.
fn behind_bracket(p: &Parser) -> bool {
    p.get_current_token().token == Token::RParen
}

/// True at `FINAL name (`.
fn is_word_before_call(p: &Parser) -> bool {
    p.peek_nth_token_ref(2).token == Token::LParen && !is_word(&p.peek_nth_token_ref(1).token, "AS")
}
