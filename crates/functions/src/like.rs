//! LIKE and SIMILAR TO, with the escape character only if the query names one.

use std::rc::Rc;

use arrow::array::ArrayRef;
use datafusion_common::{Result, exec_err};
use memchr::memmem;

use super::def::{Arg, Call, Def, Ret};
use super::regexp::{Pattern, cached, compile};
use super::values::Text;
use super::vector::test_texts;

pub(super) const FUNCTIONS: &[Def] = &[
    Def::new("like", &[Arg::Text, Arg::Text, Arg::Text], Ret::Bool, like).optional(1).doc(
        "string LIKE pattern [ESCAPE character]",
        "Whether the whole text matches: % stands for any text, _ for one character. There is no escape character by default.",
        "'abc' LIKE 'a%' = TRUE",
    ),
    Def::new("similar_to", &[Arg::Text, Arg::Text, Arg::Text], Ret::Bool, similar_to).optional(1).doc(
        "string SIMILAR TO pattern [ESCAPE character]",
        "Whether the whole text matches a SQL regular expression: % and _ as in LIKE, and | * + ? {m,n} ( ) [ ].",
        "'abc' SIMILAR TO 'a(b|x)c' = TRUE",
    ),
];

/// A LIKE pattern, in its cheapest form.
#[allow(clippy::large_enum_variant)] // one per batch
enum Like {
    Equals(String),
    StartsWith(String),
    EndsWith(String),
    Contains(memmem::Finder<'static>),
    /// Pieces between the `%` signs; the first and last are anchored.
    Pieces(Vec<Vec<Piece>>),
}

#[derive(Clone, Copy, PartialEq)]
enum Piece {
    Char(char),
    AnyChar,
}

impl Like {
    fn compile(pattern: &str, escape: Option<char>) -> Result<Like> {
        let mut pieces = vec![Vec::new()];
        let mut chars = pattern.chars();
        while let Some(c) = chars.next() {
            let piece = if Some(c) == escape {
                match chars.next() {
                    Some(next @ ('_' | '%')) => Piece::Char(next),
                    Some(next) if Some(next) == escape => Piece::Char(next),
                    _ => {
                        return exec_err!("LIKE: in the pattern '{pattern}' the escape character '{c}' must stand before %, _ or itself");
                    }
                }
            } else if c == '%' {
                pieces.push(Vec::new());
                continue;
            } else if c == '_' {
                Piece::AnyChar
            } else {
                Piece::Char(c)
            };
            if let Some(last) = pieces.last_mut() {
                last.push(piece);
            }
        }
        Ok(Like::cheapest(pieces))
    }

    fn cheapest(pieces: Vec<Vec<Piece>>) -> Like {
        let literal = |pieces: &[Piece]| -> Option<String> {
            pieces.iter().map(|piece| if let Piece::Char(c) = piece { Some(*c) } else { None }).collect()
        };
        let literals: Option<Vec<String>> = pieces.iter().map(|piece| literal(piece)).collect();
        match literals.as_deref() {
            Some([whole]) => Like::Equals(whole.clone()),
            Some([start, end]) if end.is_empty() => Like::StartsWith(start.clone()),
            Some([start, end]) if start.is_empty() => Like::EndsWith(end.clone()),
            Some([start, middle, end]) if start.is_empty() && end.is_empty() => {
                Like::Contains(memmem::Finder::new(middle.as_bytes()).into_owned())
            }
            _ => Like::Pieces(pieces),
        }
    }

    fn matches(&self, text: &str) -> bool {
        match self {
            Like::Equals(whole) => text == whole,
            Like::StartsWith(start) => text.starts_with(start.as_str()),
            Like::EndsWith(end) => text.ends_with(end.as_str()),
            Like::Contains(finder) => finder.find(text.as_bytes()).is_some(),
            Like::Pieces(pieces) => matches_pieces(pieces, text),
        }
    }
}

/// Matches the first piece at the start, the last at the end, and the others, in order, as early as possible.
fn matches_pieces(pieces: &[Vec<Piece>], text: &str) -> bool {
    let Some((first, rest)) = pieces.split_first() else { return text.is_empty() };
    let Some(mut text) = match_start(first, text) else { return false };
    let Some((last, middle)) = rest.split_last() else { return text.is_empty() };
    for piece in middle {
        loop {
            if let Some(after) = match_start(piece, text) {
                text = after;
                break;
            }
            let mut chars = text.chars();
            if chars.next().is_none() {
                return false;
            }
            text = chars.as_str();
        }
    }
    // The last piece takes as many characters as it has, from the end.
    let count = super::string::char_count(text);
    let Some(skip) = count.checked_sub(last.len()) else { return false };
    match_start(last, &text[super::string::char_start(text, skip)..]).is_some_and(str::is_empty)
}

fn match_start<'a>(piece: &[Piece], text: &'a str) -> Option<&'a str> {
    let mut chars = text.chars();
    for part in piece {
        let c = chars.next()?;
        let fits = match part {
            Piece::Char(wanted) => c == *wanted,
            // As in Java's regular expressions, `_` does not stand for the end of a line.
            Piece::AnyChar => !matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}'),
        };
        if !fits {
            return None;
        }
    }
    Some(chars.as_str())
}

fn one_char(escape: &str) -> Result<char> {
    let mut chars = escape.chars();
    match (chars.next(), chars.next()) {
        (Some(c), None) => Ok(c),
        _ => exec_err!("ESCAPE needs a single character, not '{escape}'"),
    }
}

/// The escape argument: `None` if the call has none, `Some(Const(None))` if it is NULL.
fn escape_of<'a>(call: &'a Call) -> Result<Option<Text<'a>>> {
    if call.has(2) { call.text(2).map(Some) } else { Ok(None) }
}

fn like(call: &Call) -> Result<ArrayRef> {
    let (text, pattern, escape) = (call.text(0)?, call.text(1)?, escape_of(call)?);
    let constant = match (call.constant_text(1), &escape, call.constant_text(2)) {
        (Some(pattern), None, _) => Some(Like::compile(pattern, None)?),
        (Some(pattern), Some(_), Some(escape)) => Some(Like::compile(pattern, Some(one_char(escape)?))?),
        _ => None,
    };
    if let (Text::Array(texts), Some(constant)) = (&text, &constant) {
        return Ok(test_texts(texts, |text| constant.matches(text)));
    }
    call.bools(|row| {
        let Some(text) = text.get(row) else { return Ok(None) };
        if let Some(constant) = &constant {
            return Ok(Some(constant.matches(text)));
        }
        let Some(pattern) = pattern.get(row) else { return Ok(None) };
        let escape = match &escape {
            None => None,
            Some(escape) => match escape.get(row) {
                Some(escape) => Some(one_char(escape)?),
                None => return Ok(None),
            },
        };
        Ok(Some(Like::compile(pattern, escape)?.matches(text)))
    })
}

fn similar_to(call: &Call) -> Result<ArrayRef> {
    let (text, pattern, escape) = (call.text(0)?, call.text(1)?, escape_of(call)?);
    call.bools(|row| {
        let (Some(text), Some(pattern)) = (text.get(row), pattern.get(row)) else { return Ok(None) };
        let escape = match &escape {
            None => None,
            Some(escape) => match escape.get(row) {
                Some(escape) => Some(one_char(escape)?),
                None => return Ok(None),
            },
        };
        Ok(Some(similar_pattern(pattern, escape)?.regex.is_match(text)))
    })
}

fn similar_pattern(sql: &str, escape: Option<char>) -> Result<Rc<Pattern>> {
    // The key cannot collide with a Java pattern: no such pattern begins with NUL.
    let key = format!("\0{}\0{sql}", escape.map(String::from).unwrap_or_default());
    cached(&key, |_| {
        let regex = similar_regex(sql, escape)?;
        compile(&regex).or_else(|why| exec_err!("{}", why.describe(sql)))
    })
}

const SPECIALS: &str = "[]()|^-+*_%?{}";

/// The SQL regular expression as one of the `regex` crate that must match the whole text.
fn similar_regex(sql: &str, escape: Option<char>) -> Result<String> {
    let mut out = String::from(r"\A(?:");
    let mut chars = sql.chars();
    let mut in_class = false;
    while let Some(c) = chars.next() {
        match c {
            _ if Some(c) == escape => match chars.next() {
                Some(next) if SPECIALS.contains(next) || next == c => out.push_str(&regex::escape(&next.to_string())),
                _ => return exec_err!("SIMILAR TO: nothing to escape after '{c}' in the pattern '{sql}'"),
            },
            '[' if chars.as_str().starts_with(':') && in_class => {
                let rest = chars.as_str();
                let Some(end) = rest.find(":]") else {
                    return exec_err!("SIMILAR TO: the class in '{sql}' does not end with :]");
                };
                let name = rest[1..end].to_ascii_lowercase();
                match name.as_str() {
                    "alpha" | "upper" | "lower" | "digit" | "alnum" => out.push_str(&format!("[:{name}:]")),
                    "space" => out.push(' '),
                    "whitespace" => out.push_str("[:space:]"),
                    _ => return exec_err!("SIMILAR TO: there is no class [:{name}:]"),
                }
                chars = rest[end + 2..].chars();
            }
            '[' => {
                in_class = true;
                out.push('[');
            }
            ']' => {
                in_class = false;
                out.push(']');
            }
            _ if in_class => match c {
                '^' | '-' => out.push(c),
                _ => out.push_str(&regex::escape(&c.to_string())),
            },
            '_' => out.push_str(r"[^\n\r\x{85}\x{2028}\x{2029}]"),
            '%' => out.push_str("(?s:.*)"),
            '\\' | '$' | '.' if c != '.' => {
                out.push('\\');
                out.push(c);
            }
            _ => out.push(c),
        }
    }
    out.push_str(r")\z");
    Ok(out)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn like_patterns() {
        let like = |text: &str, pattern: &str| Like::compile(pattern, None).unwrap().matches(text);
        assert!(like("abc", "a%") && like("abc", "%c") && like("abc", "%b%") && like("abc", "abc"));
        assert!(like("abcbd", "a%b_") && like("", "%") && like("xay", "_a_") && like("aXbXc", "a%b%c"));
        assert!(!like("a_c", r"a\_c") && !like("ABC", "abc") && !like("ab", "a%bb") && !like("aba", "ab%ba"));
        assert!(Like::compile("a!%c", Some('!')).unwrap().matches("a%c"));
        assert!(Like::compile("a!b", Some('!')).is_err());
    }

    #[test]
    fn similar_patterns() {
        let similar = |text: &str, sql: &str| similar_pattern(sql, None).unwrap().regex.is_match(text);
        assert!(similar("abc", "a(b|x)c") && similar("aXXXc", "a%c") && similar("a1", "[[:alpha:]][0-9]"));
        assert!(!similar("abcd", "a(b|x)c") && similar("$5", "$_"));
    }
}
