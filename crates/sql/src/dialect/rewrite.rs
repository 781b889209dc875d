//! What happens to the tokens of a statement before sqlparser sees them.
//!
//! * White space and comments go away, strings that continue on the next line become one.
//! * A hint after a table's name becomes one more part of the name: ``t /*+ x */`` is read as ``t.`$hint: x` ``.
//!   [`super::fixup`] moves it to where the planner finds it. A hint after `SELECT` stays.
//! * `PATTERN (...) WITHIN INTERVAL ... DEFINE a AS ...` becomes `PATTERN (...) DEFINE $within AS INTERVAL ..., a AS ...`, and
//!   `WITH TIMED OUT MATCHES` behind the interval one more of its symbols.
//! * `SKIP TO a` becomes `SKIP TO LAST a`.
//! * `(SELECT ...) MATCH_RECOGNIZE (` becomes `$rows((SELECT ...)) MATCH_RECOGNIZE (`, which [`super::fixup`] undoes.
//! * `>>` becomes `> >`, since Flink knows it only as the end of two nested types.
//! * Operators and literals of other dialects are refused, with what Flink says instead.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Location, Span, Token, TokenWithSpan, Whitespace, Word};

use super::cursor::is_word;
use super::error::SyntaxError;
use super::hints::parse_hints;

/// Marks the part of a name that is a hint.
pub(super) const HINT_PREFIX: &str = "$hint:";

/// The pattern variable in `DEFINE` of a `MATCH_RECOGNIZE` that stands for `WITHIN`.
pub const WITHIN_SYMBOL: &str = "$within";

/// The pattern variable in `DEFINE` that stands for `WITH TIMED OUT MATCHES`.
pub const TIMED_OUT_SYMBOL: &str = "$timed_out";

/// The table function that stands for a sub-query before `MATCH_RECOGNIZE`.
pub(super) const ROWS_CALL: &str = "$rows";

/// Words after which a hint cannot belong to a table's name.
const NOT_A_NAME: &[&str] = &["FROM", "JOIN", "INTO", "OVERWRITE", "WHERE", "ON", "AS", "BY", "AND", "OR", "DISTINCT", "ALL", "TABLE"];

/// Rewrites the tokens of one statement.
///
/// # Errors
/// At the first token that Flink SQL does not have; only the error's span is filled in.
pub(super) fn rewrite(tokens: Vec<TokenWithSpan>) -> Result<Vec<TokenWithSpan>, SyntaxError> {
    let mut out = Out { tokens: Vec::with_capacity(tokens.len()), newline: false, in_within: false };
    for TokenWithSpan { token, span } in tokens {
        match token {
            Token::Whitespace(Whitespace::MultiLineComment(text)) if text.starts_with('+') => {
                out.hint(text, span)?;
            }
            Token::Whitespace(space) => out.newline |= is_newline(&space),
            Token::SingleQuotedString(text) => out.string(text, span),
            Token::ShiftRight => {
                let middle = Location { line: span.start.line, column: span.start.column + 1 };
                out.push(Token::Gt, Span::new(span.start, middle));
                out.push(Token::Gt, Span::new(middle, span.end));
            }
            token => {
                check(&token, span, out.last())?;
                out.word(token, span);
            }
        }
    }
    Ok(out.tokens)
}

fn is_newline(space: &Whitespace) -> bool {
    matches!(space, Whitespace::Newline | Whitespace::SingleLineComment { .. })
}

struct Out {
    tokens: Vec<TokenWithSpan>,
    /// A line ended since the last token.
    newline: bool,
    /// Between `WITHIN` and `DEFINE`.
    in_within: bool,
}

impl Out {
    fn push(&mut self, token: Token, span: Span) {
        self.newline = false;
        self.tokens.push(TokenWithSpan { token, span });
    }

    fn last(&self) -> Option<&Token> {
        self.tokens.last().map(|t| &t.token)
    }

    fn string(&mut self, text: String, span: Span) {
        if let (true, Some(last)) = (self.newline, self.tokens.last_mut())
            && let Token::SingleQuotedString(start) = &mut last.token
        {
            start.push_str(&text);
            last.span.end = span.end;
            return;
        }
        self.push(Token::SingleQuotedString(text), span);
    }

    fn hint(&mut self, comment: String, span: Span) -> Result<(), SyntaxError> {
        let text = &comment[1..];
        parse_hints(text).map_err(|message| SyntaxError::at_span(span, message))?;
        match self.last() {
            Some(last) if is_word(last, "SELECT") => {
                self.push(Token::Whitespace(Whitespace::MultiLineComment(comment)), span);
                Ok(())
            }
            Some(Token::Word(word)) if word.quote_style.is_some() || !is_clause(&word.value) => {
                let part = quoted_word(format!("{HINT_PREFIX}{text}"));
                self.push(Token::Period, span);
                self.push(part, span);
                Ok(())
            }
            _ => Err(SyntaxError::at_span(span, "a hint is not allowed here")
                .with_help("hints stand after SELECT or directly after a table's name")),
        }
    }

    /// Pushes any other token, and turns `WITHIN` around.
    fn word(&mut self, token: Token, span: Span) {
        if self.in_within && is_word(&token, "DEFINE") {
            self.in_within = false;
            if self.ends_with(&["WITH", "TIMED", "OUT", "MATCHES"]) {
                self.timed_out();
            }
            return self.push(Token::Comma, span);
        }
        let target = matches!(token, Token::Word(_)) && !["FIRST", "LAST", "NEXT"].iter().any(|word| is_word(&token, word));
        if target && self.ends_with(&["SKIP", "TO"]) {
            self.push(Token::make_word("LAST", None), span);
        }
        if is_word(&token, "MATCH_RECOGNIZE") {
            self.rows_of_query(span);
        }
        let starts_within = is_word(&token, "INTERVAL") && self.ends_with_within();
        if starts_within {
            if let Some(within) = self.tokens.last_mut() {
                within.token = Token::make_word("DEFINE", None);
            }
            self.in_within = true;
            self.push(quoted_word(WITHIN_SYMBOL.into()), span);
            self.push(Token::make_word("AS", None), span);
        }
        self.push(token, span);
    }

    /// Puts a call around the sub-query that ends here, if there is one.
    fn rows_of_query(&mut self, span: Span) {
        let mut depth = 0;
        let open = self.tokens.iter().rposition(|t| {
            depth += i32::from(t.token == Token::RParen) - i32::from(t.token == Token::LParen);
            depth <= 0
        });
        let Some(open) = open.filter(|_| self.last() == Some(&Token::RParen)) else { return };
        let of_query = self.tokens.get(open + 1).is_some_and(|t| ["SELECT", "WITH", "VALUES"].iter().any(|word| is_word(&t.token, word)));
        let call = open.checked_sub(1).and_then(|i| self.tokens.get(i)).is_some_and(|t| match &t.token {
            Token::Word(word) => word.quote_style.is_some() || !is_clause(&word.value),
            _ => false,
        });
        if of_query && !call {
            let start = self.tokens[open].span;
            let around = [quoted_word(ROWS_CALL.into()), Token::LParen].map(|token| TokenWithSpan { token, span: start });
            self.tokens.splice(open..open, around);
            self.push(Token::RParen, span);
        }
    }

    fn ends_with(&self, words: &[&str]) -> bool {
        let tail = &self.tokens[self.tokens.len().saturating_sub(words.len())..];
        tail.len() == words.len() && tail.iter().zip(words).all(|(token, word)| is_word(&token.token, word))
    }

    /// Turns `WITH TIMED OUT MATCHES` into `, $timed_out AS TRUE`.
    fn timed_out(&mut self) {
        let symbol = [Token::Comma, quoted_word(TIMED_OUT_SYMBOL.into()), Token::make_word("AS", None), Token::make_word("TRUE", None)];
        let start = self.tokens.len() - symbol.len();
        self.tokens[start..].iter_mut().zip(symbol).for_each(|(place, token)| place.token = token);
    }

    /// True after `) WITHIN`.
    fn ends_with_within(&self) -> bool {
        matches!(self.tokens.as_slice(), [.., before, within]
            if before.token == Token::RParen && is_word(&within.token, "WITHIN"))
    }
}

fn is_clause(word: &str) -> bool {
    NOT_A_NAME.iter().any(|clause| clause.eq_ignore_ascii_case(word))
}

fn quoted_word(value: String) -> Token {
    Token::Word(Word { value, quote_style: Some('`'), keyword: Keyword::NoKeyword })
}

/// Refuses what only other dialects have.
fn check(token: &Token, span: Span, before: Option<&Token>) -> Result<(), SyntaxError> {
    let help = match token {
        Token::DoubleQuotedString(text) => {
            let message = "double quotes are not used in Flink SQL";
            let help = format!("write '{text}' for a string and `{text}` for a name");
            return Err(SyntaxError::at_span(span, message).with_help(help));
        }
        Token::Number(digits, is_long) => return check_number(digits, *is_long, span, before),
        Token::DoubleEq => "write =",
        Token::DoubleColon => "write CAST(x AS type)",
        Token::Overlap => "write AND",
        Token::Assignment => "write => to name an argument",
        Token::ExclamationMark => "write NOT",
        Token::Arrow | Token::LongArrow | Token::HashArrow | Token::HashLongArrow => "use JSON_VALUE",
        Token::ShiftLeft | Token::Ampersand | Token::Sharp | Token::DuckIntDiv | Token::Spaceship => "",
        Token::Tilde | Token::TildeAsterisk | Token::ExclamationMarkTilde => "use REGEXP(x, pattern)",
        Token::DoubleTilde | Token::ExclamationMarkDoubleTilde => "write LIKE",
        Token::AtSign | Token::AtAt | Token::CaretAt | Token::AtArrow | Token::ArrowAt => "",
        _ => return Ok(()),
    };
    let error = SyntaxError::at_span(span, format!("`{token}` is not an operator of Flink SQL"));
    Err(if help.is_empty() { error } else { error.with_help(help) })
}

fn check_number(digits: &str, is_long: bool, span: Span, before: Option<&Token>) -> Result<(), SyntaxError> {
    if is_long {
        let message = format!("`{digits}L` is not a number of Flink SQL");
        return Err(SyntaxError::at_span(span, message).with_help(format!("write {digits}")));
    }
    let is_whole = digits.bytes().all(|b| b.is_ascii_digit());
    let max = i64::MAX as u64 + u64::from(before == Some(&Token::Minus));
    if is_whole && digits.parse::<u64>().map_or(true, |n| n > max) {
        let message = format!("{digits} is too large for BIGINT");
        let help = format!("write it as a decimal: {digits}.0");
        return Err(SyntaxError::at_span(span, message).with_help(help));
    }
    Ok(())
}
