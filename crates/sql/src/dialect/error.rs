//! Syntax errors for people: what is wrong, where in the script, and what to write instead.

use std::fmt;
use std::ops::Range;

use sqlparser::parser::ParserError;
use sqlparser::tokenizer::{Location, Span};

use super::position::LineIndex;

/// What the script says and Flink SQL does not allow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError {
    /// The place, in bytes of the script. Empty at `start` when something is missing there.
    pub range: Range<usize>,
    /// The place in lines and columns. Functions that see a tree but no script fill in only this;
    /// [`SyntaxError::locate`] then finds the range.
    pub span: Span,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// What to write instead, when that can be told.
    pub help: Option<String>,
}

impl SyntaxError {
    /// An error at a span whose byte range is not known yet.
    pub fn at_span(span: Span, message: impl Into<String>) -> Self {
        Self { range: 0..0, span, message: message.into(), help: None }
    }

    /// An error at a byte range.
    pub fn at_range(range: Range<usize>, message: impl Into<String>) -> Self {
        Self { range, span: Span::empty(), message: message.into(), help: None }
    }

    /// The same error with advice.
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Fills in the byte range from the span, or the span from the range.
    pub fn locate(mut self, index: &LineIndex<'_>) -> Self {
        if self.span == Span::empty() {
            self.span = Span::new(index.location(self.range.start), index.location(self.range.end));
        } else {
            self.range = index.range(self.span);
        }
        self
    }
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.help {
            Some(help) => write!(f, " ({help})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for SyntaxError {}

/// Stands between a message and its help inside a `ParserError`, which has room for one text only.
const HELP_MARK: char = '\u{1f}';

/// Stands before the end of the place that an error of ours points at; sqlparser knows only the start.
const END_MARK: char = '\u{1e}';

/// The form in which sqlparser appends a location to its messages.
const LOCATION_MARK: &str = " at Line: ";

/// An error for sqlparser's machinery, raised at `span`.
pub(super) fn fail(span: Span, message: impl fmt::Display) -> ParserError {
    ParserError::ParserError(format!("{message}{}{}", end_text(span), span.start))
}

/// Like [`fail`], with advice.
pub(super) fn fail_with_help(span: Span, message: impl fmt::Display, help: impl fmt::Display) -> ParserError {
    ParserError::ParserError(format!("{message}{HELP_MARK}{help}{}{}", end_text(span), span.start))
}

fn end_text(span: Span) -> String {
    format!("{END_MARK}{},{}", span.end.line, span.end.column)
}

/// A `ParserError` taken apart.
pub(super) struct Unpacked {
    pub message: String,
    pub help: Option<String>,
    /// None when the error stands at the end of the statement.
    pub start: Option<Location>,
    /// None when only the start is known.
    pub end: Option<Location>,
}

/// Takes message, help and location out of an error of sqlparser's or of [`fail`].
pub(super) fn unpack(error: ParserError) -> Unpacked {
    let text = match error {
        ParserError::RecursionLimitExceeded => {
            return Unpacked {
                message: "the statement is nested too deeply".into(),
                help: Some("split it with views".into()),
                start: None,
                end: None,
            };
        }
        ParserError::ParserError(text) | ParserError::TokenizerError(text) => text,
    };
    let (text, start) = split_location(&text);
    let (text, end) = match text.rsplit_once(END_MARK) {
        Some((text, end)) => (text, location(end, ",")),
        None => (text, None),
    };
    let (message, help) = match text.split_once(HELP_MARK) {
        Some((message, help)) => (message, Some(help.to_string())),
        None => (text, None),
    };
    Unpacked { message: reword(message), help, start, end }
}

fn split_location(text: &str) -> (&str, Option<Location>) {
    let Some((message, rest)) = text.rsplit_once(LOCATION_MARK) else {
        return (text, None);
    };
    let place = location(rest, ", Column: ").or_else(|| location(rest, ", Column "));
    if place.is_some() { (message, place) } else { (text, None) }
}

fn location(text: &str, separator: &str) -> Option<Location> {
    let (line, column) = text.split_once(separator)?;
    Some(Location { line: line.trim().parse().ok()?, column: column.trim().parse().ok()? })
}

/// Says sqlparser's "Expected: x, found: y" the way our own messages say it.
fn reword(message: &str) -> String {
    let Some(rest) = message.strip_prefix("Expected: ") else {
        return lower_first(message.trim_end_matches(':'));
    };
    match rest.rsplit_once(", found: ") {
        Some((expected, found)) => {
            format!("expected {}, found {}", expected_text(expected), found_text(found))
        }
        None => format!("expected {rest}"),
    }
}

/// Single tokens and keywords are set in backticks, descriptions are not.
fn expected_text(expected: &str) -> String {
    let is_token = expected.len() <= 2 || !expected.chars().any(|c| c.is_ascii_lowercase() || c == ' ');
    match expected {
        "end of statement" => "the end of the statement".into(),
        "identifier" => "a name".into(),
        "joined table" => "a table or a join".into(),
        _ if is_token => format!("`{expected}`"),
        _ => expected.to_string(),
    }
}

/// A token as it stands in a message.
pub(super) fn found_text(token: &str) -> String {
    match token {
        "EOF" => "the end of the statement".into(),
        _ if token.contains('`') => token.to_string(),
        _ => format!("`{token}`"),
    }
}

fn lower_first(message: &str) -> String {
    let mut chars = message.chars();
    match (chars.next(), chars.clone().next()) {
        // an abbreviation such as INTERVAL stays as it is
        (Some(first), Some(second)) if first.is_uppercase() && second.is_lowercase() => first.to_lowercase().chain(chars).collect(),
        _ => message.to_string(),
    }
}

/// The candidate that `word` was probably meant to be: the nearest one, with few slips for its length.
pub fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_ascii_uppercase();
    let slips_max = match word.chars().count() {
        0..=3 => 0,
        4..=5 => 1,
        6..=8 => 2,
        _ => 3,
    };
    candidates
        .into_iter()
        .map(|c| (strsim::damerau_levenshtein(&word, &c.to_ascii_uppercase()), c))
        .filter(|(slips, c)| *slips > 0 && *slips <= slips_max && *slips < c.len())
        .min_by_key(|(slips, _)| *slips)
        .map(|(_, c)| c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_reworded() {
        let cases = [
            ("Expected: ), found: b at Line: 1, Column: 9", "expected `)`, found `b`", Some(9)),
            ("Expected: identifier, found: EOF", "expected a name, found the end of the statement", None),
            ("Unterminated string literal at Line: 3, Column: 2", "unterminated string literal", Some(2)),
            ("INTERVAL requires a unit at Line: 1, Column: 1", "INTERVAL requires a unit", Some(1)),
        ];
        for (raw, message, column) in cases {
            let unpacked = unpack(ParserError::ParserError(raw.into()));
            assert_eq!(unpacked.message, message);
            assert_eq!(unpacked.start.map(|l| l.column), column);
        }
    }

    #[test]
    fn near_words() {
        let words = ["SELECT", "SET", "WATERMARK", "PARTITION", "PARTITIONED", "FROM"];
        let cases = [
            ("SELCT", Some("SELECT")),
            ("watermak", Some("WATERMARK")),
            ("PARTITON", Some("PARTITION")),
            ("FORM", Some("FROM")),
            ("SELECT", None),
            ("SAT", None),
            ("customers", None),
        ];
        for (word, meant) in cases {
            assert_eq!(did_you_mean(word, words), meant, "{word}");
        }
    }
}
