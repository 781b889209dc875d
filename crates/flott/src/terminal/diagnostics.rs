//! Errors for people: the place in the script underlined, what is wrong, what to write instead.

use ariadne::{CharSet, Color, Config, IndexType, Label, Report, ReportKind, Source};
use flott::{Failure, SqlError};
use flott_engine::{Error, ErrorKind};
use flott_sql::secrets::{masked, without_users};
use std::ops::Range;

use super::figures::counted;
use super::style::Style;

/// Most errors of a script that are shown at once.
const ERRORS_MAX: usize = 100;

/// A script and the name that errors call it by.
#[derive(Debug, Clone)]
pub struct Script {
    /// File name, or what stands for it.
    pub name: String,
    /// Its text.
    pub text: String,
}

impl Script {
    /// Line of a byte of the text, from 1.
    pub fn line_of(&self, byte: usize) -> usize {
        let head = &self.text.as_bytes()[..byte.min(self.text.len())];
        1 + head.iter().filter(|b| **b == b'\n').count()
    }
}

/// Everything there is to say about a failed run.
pub fn failure(script: &Script, failure: &Failure, style: Style) -> String {
    match failure {
        Failure::Script { errors, unchecked } => {
            let mut text: String = errors.iter().take(ERRORS_MAX).map(|e| sql_error(script, e, style)).collect();
            if errors.len() > ERRORS_MAX {
                text.push_str(&format!("note: {} more are not shown\n", counted((errors.len() - ERRORS_MAX) as u64, "error")));
            }
            if *unchecked > 0 {
                let what = counted(*unchecked as u64, "statement");
                text.push_str(&format!("note: {what} not checked: a wrong statement before was to make what is used there\n"));
            }
            text
        }
        Failure::Setup(error) => engine_error(error, None, style),
        Failure::Job { name, range, error } => {
            let place = format!("job {name}, line {} of {}", script.line_of(range.start), script.name);
            engine_error(error, Some(&place), style)
        }
    }
}

/// An error at its place in the script.
pub fn sql_error(script: &Script, error: &SqlError, style: Style) -> String {
    at_place(script, error, ReportKind::Error, style)
}

/// What is no error, at its place in the script.
pub fn warning(script: &Script, note: &SqlError, style: Style) -> String {
    at_place(script, note, ReportKind::Warning, style)
}

fn at_place(script: &Script, error: &SqlError, kind: ReportKind<'_>, style: Style) -> String {
    let Some(span) = &error.span else {
        return plain(&error.message, &[], error.help.as_deref(), style);
    };
    let range = visible(&script.text, span);
    let window = Window::around(&script.text, &range);
    let range = window.range.clone();
    let config = Config::default().with_index_type(IndexType::Byte).with_color(style.color).with_char_set(CharSet::Unicode);
    let place = (script.name.clone(), range.clone());
    // The advice stands at the place itself.
    let advice = without_users(error.help.as_deref().unwrap_or("here"));
    let color = if matches!(kind, ReportKind::Warning) { Color::Yellow } else { Color::Red };
    let label = label(place.clone(), &advice, color, style);
    let report = Report::build(kind, place).with_config(config).with_message(without_users(&error.message)).with_label(label);
    let mut text = vec![];
    let source = (script.name.clone(), Source::from(window.text));
    match report.finish().write(source, &mut text) {
        Ok(()) => {
            let column = |column| format!("{}:{}:{column} ]", script.name, window.lines_before + 1);
            let text = String::from_utf8_lossy(&text).replacen(&column(window.shown_column), &column(window.column), 1);
            tidy(&text)
        }
        Err(_) => plain(&error.message, &[], error.help.as_deref(), style),
    }
}

/// The line of an error, or as much of it as can be read.
struct Window {
    text: String,
    /// The place in `text`.
    range: Range<usize>,
    lines_before: usize,
    /// Where the place begins in its line, in characters from 1, and in `text`.
    column: usize,
    shown_column: usize,
}

impl Window {
    /// Most characters before the place and behind its beginning.
    const CHARS_MAX: usize = 150;

    fn around(script: &str, range: &Range<usize>) -> Self {
        let line_start = script[..range.start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = script[range.start..].find('\n').map_or(script.len(), |at| range.start + at);
        let before = &script[line_start..range.start];
        let from = before.char_indices().rev().nth(Self::CHARS_MAX).map_or(line_start, |(at, _)| line_start + at);
        let behind = &script[range.start..line_end];
        let to = behind.char_indices().nth(Self::CHARS_MAX).map_or(line_end, |(at, _)| range.start + at);
        // Whether a literal is secret can stand on the line before.
        let hidden = masked_part(script, from..to);
        let (head, tail) = (if from > line_start { "… " } else { "" }, if to < line_end { " …" } else { "" });
        let lines_before = script[..line_start].matches('\n').count();
        let start = lines_before + head.len() + range.start - from;
        let end = start + (range.end.min(to) - range.start);
        Self {
            // Empty lines, so that lines are counted right.
            text: format!("{}{head}{hidden}{tail}", "\n".repeat(lines_before)),
            range: start..end,
            lines_before,
            column: before.chars().count() + 1,
            shown_column: head.chars().count() + script[from..range.start].chars().count() + 1,
        }
    }
}

/// A part of a script with stars in place of secrets.
fn masked_part(script: &str, part: Range<usize>) -> String {
    // Stars are as many bytes as what they stand for.
    masked(script).get(part.clone()).map_or_else(|| "*".repeat(part.len()), str::to_owned)
}

fn label(place: (String, Range<usize>), advice: &str, color: Color, style: Style) -> Label<(String, Range<usize>)> {
    let label = Label::new(place).with_message(advice);
    if style.color { label.with_color(color) } else { label }
}

/// Without the blanks at the ends of lines, with one empty line at the end, and beginning like every other message.
fn tidy(text: &str) -> String {
    let text = text.replacen("Error:", "error:", 1).replacen("Warning:", "warning:", 1);
    let lines: Vec<&str> = text.lines().map(|line| line.trim_end_matches(' ')).collect();
    lines.join("\n").trim_end().to_owned() + "\n\n"
}

/// The range within the text, on whole characters, and not empty where something can be shown. A place over many lines is cut
/// to its first line: what is wrong with a whole statement is said better by its beginning.
fn visible(text: &str, span: &Range<usize>) -> Range<usize> {
    let mut start = span.start.min(text.len());
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    // At the end of the script there is nothing to underline: point behind the last character that is not blank.
    if text[start..].trim().is_empty() {
        start = text.trim_end().char_indices().next_back().map_or(0, |(last, _)| last);
    }
    let mut end = span.end.clamp(start, text.len());
    while !text.is_char_boundary(end) {
        end += 1;
    }
    let line_end = text[start..].find('\n').map_or(text.len(), |n| start + n);
    let end = end.min(line_end.max(start));
    if end > start {
        return start..start + text[start..end].trim_end().len().max(1);
    }
    start..text[start..].chars().next().map_or(start, |c| start + c.len_utf8())
}

/// An error of the engine, with where it happened, innermost first.
pub fn engine_error(error: &Error, place: Option<&str>, style: Style) -> String {
    let mut places: Vec<&str> = error.context.iter().map(String::as_str).collect();
    places.extend(place);
    let help = match (&error.help, error.kind) {
        (Some(help), _) => Some(help.as_str()),
        (None, ErrorKind::Internal) => Some("this is a bug in Flott: please report it, with the script if you can"),
        (None, _) => None,
    };
    plain(&error.message, &places, help, style)
}

/// An error without a place in the script.
pub fn plain(message: &str, places: &[&str], help: Option<&str>, style: Style) -> String {
    let mut text = format!("{}: {message}\n", style.error("error"));
    for place in places {
        text.push_str(&format!("  {} {place}\n", style.faint("in")));
    }
    if let Some(help) = help {
        text.push_str(&format!("{}: {help}\n", style.help("help")));
    }
    without_users(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(text: &str) -> Script {
        Script { name: "q.sql".to_owned(), text: text.to_owned() }
    }

    fn shown(text: &str, span: Range<usize>) -> String {
        let error = SqlError::new("column 'prise' not found in any table").at(span).help("did you mean 'price'?");
        sql_error(&script(text), &error, Style::PLAIN)
    }

    #[test]
    fn the_place_is_underlined() {
        assert_eq!(
            shown("-- é\nSELECT prise FROM t;\n", 13..18),
            "\
error: column 'prise' not found in any table
   ╭─[ q.sql:2:8 ]
   │
 2 │ SELECT prise FROM t;
   │        ──┬──
   │          ╰──── did you mean 'price'?
───╯

"
        );
    }

    #[test]
    fn every_place_can_be_shown() {
        let text = "SELECT 'é'\nFROM t\n\n";
        for start in 0..text.len() + 3 {
            for end in start..text.len() + 3 {
                assert!(shown(text, start..end).contains("q.sql:"), "{start}..{end}");
            }
        }
        assert!(shown("", 0..0).starts_with("error: column"));
        assert!(shown("\n", 1..1).starts_with("error: column"));
    }

    #[test]
    fn passwords_in_urls_are_not_shown() {
        let text = "CREATE TABLE t (a INT) WITH ('avro-confluent.url' = 'htp://u:pw12345@h'); SELECT nope FROM t;";
        let error = SqlError::new("'htp://u:pw12345@h' is not an address").at(83..87);
        let shown = sql_error(&script(text), &error, Style::PLAIN) + &plain("see http://u:pw12345@h", &[], None, Style::PLAIN);
        assert!(shown.contains("nope FROM t") && !shown.contains("pw12345"), "{shown}");
    }

    #[test]
    fn places_of_engine_errors() {
        let error = Error::data("'x' is no number").at("bids.json, line 3").at("source bids").help("mend it");
        assert_eq!(
            engine_error(&error, Some("job a, line 1 of q.sql"), Style::PLAIN),
            "error: 'x' is no number\n  in bids.json, line 3\n  in source bids\n  in job a, line 1 of q.sql\nhelp: mend it\n"
        );
        assert!(engine_error(&Error::internal("x"), None, Style::PLAIN).contains("please report it"));
    }
}
