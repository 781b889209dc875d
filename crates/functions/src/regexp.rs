//! Regular expressions: Java's notation, run by the `regex` crate, each pattern compiled once per thread.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use arrow::array::{ArrayRef, NullBufferBuilder};
use arrow::datatypes::Int32Type;
use datafusion_common::{Result, exec_datafusion_err, exec_err};
use memchr::{memchr, memmem};
use regex::{CaptureLocations, Regex};

use super::def::{Arg, Call, Def, Ret};
use super::search::text_lists;
use super::utf16;
use super::values::TextOut;

pub(super) const FUNCTIONS: &[Def] = &[
    Def::new("regexp", &[Arg::Text, Arg::Text], Ret::Bool, regexp).doc(
        "REGEXP(string, pattern)",
        "Whether the pattern matches somewhere in the text; an empty pattern never does.",
        "REGEXP('abc', 'b') = TRUE",
    ),
    Def::new("regexp_replace", &[Arg::Text, Arg::Text, Arg::Text], Ret::Text, regexp_replace).doc(
        "REGEXP_REPLACE(string, pattern, replacement)",
        "The text with every match replaced; the replacement is taken literally.",
        "REGEXP_REPLACE('foobar', 'oo|ar', '') = 'fb'",
    ),
    Def::new("regexp_extract", &[Arg::Text, Arg::Text, Arg::Int], Ret::Text, regexp_extract).optional(1).nullable().doc(
        "REGEXP_EXTRACT(string, pattern [, group])",
        "What the group (0, the whole match, by default) of the first match holds; NULL without a match.",
        "REGEXP_EXTRACT('id=12', 'id=([0-9]+)', 1) = '12'",
    ),
    Def::new("regexp_extract_all", &[Arg::Text, Arg::Text, Arg::Int], Ret::TextArray, regexp_extract_all).optional(1).nullable().doc(
        "REGEXP_EXTRACT_ALL(string, pattern [, group])",
        "What the group (1 by default) of every match holds, as an array.",
        "REGEXP_EXTRACT_ALL('a1b2', '([0-9])') = ARRAY['1', '2']",
    ),
    Def::new("regexp_count", &[Arg::Text, Arg::Text], Ret::Int, regexp_count).nullable().doc(
        "REGEXP_COUNT(string, pattern)",
        "How often the pattern matches.",
        "REGEXP_COUNT('a1b2', '[0-9]') = 2",
    ),
    Def::new("regexp_instr", &[Arg::Text, Arg::Text], Ret::Int, regexp_instr).nullable().doc(
        "REGEXP_INSTR(string, pattern)",
        "Where the first match begins, from 1; 0 without a match.",
        "REGEXP_INSTR('a1b2', '[0-9]') = 2",
    ),
    Def::new("regexp_substr", &[Arg::Text, Arg::Text], Ret::Text, regexp_substr).nullable().doc(
        "REGEXP_SUBSTR(string, pattern)",
        "The first match; NULL without one.",
        "REGEXP_SUBSTR('a1b2', '[0-9]') = '1'",
    ),
];

/// A compiled pattern with room for its groups.
pub(super) struct Pattern {
    pub regex: Regex,
    locations: RefCell<CaptureLocations>,
    /// `name=`, if the pattern is the usual one for a parameter of a URL's query, `(&|^)name=([^&]*)`: it is searched for
    /// as a text, several times faster.
    parameter: Option<memmem::Finder<'static>>,
}

/// The `name=` of the pattern `(&|^)name=([^&]*)`.
fn query_parameter(pattern: &str) -> Option<memmem::Finder<'static>> {
    let name = pattern.strip_prefix("(&|^)")?.strip_suffix("([^&]*)")?;
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let named = name.strip_suffix('=').is_some_and(|name| !name.is_empty() && name.chars().all(plain));
    named.then(|| memmem::Finder::new(name.as_bytes()).into_owned())
}

/// The place of a group of `(&|^)name=([^&]*)` in its first match.
fn find_parameter(finder: &memmem::Finder, text: &[u8], group: usize) -> Option<(usize, usize)> {
    let at = finder.find_iter(text).find(|at| *at == 0 || text[at - 1] == b'&')?;
    let (start, value) = (at.saturating_sub(1), at + finder.needle().len());
    let end = memchr(b'&', &text[value..]).map_or(text.len(), |length| value + length);
    match group {
        0 => Some((start, end)),
        1 => Some((start, at)),
        2 => Some((value, end)),
        _ => None,
    }
}

impl Pattern {
    /// Where `group` of the first match lies; `None` without a match, without such a group, or if it took no part.
    fn first(&self, text: &str, group: usize) -> Option<(usize, usize)> {
        if let Some(finder) = &self.parameter {
            return find_parameter(finder, text.as_bytes(), group);
        }
        if group == 0 {
            return self.regex.find(text).map(|found| (found.start(), found.end()));
        }
        let mut locations = self.locations.borrow_mut();
        self.regex.captures_read(&mut locations, text)?;
        locations.get(group)
    }
}

/// How many patterns a thread keeps; a column of ever new patterns starts over instead of growing without end.
const CACHED_PATTERNS: usize = 256;

thread_local! {
    static CACHE: RefCell<HashMap<String, Rc<Pattern>>> = RefCell::new(HashMap::new());
}

/// The compiled form of a Java pattern. An error says what is wrong with it.
pub(super) fn pattern(java: &str) -> Result<Rc<Pattern>> {
    cached(java, |java| compile(&translate(java)).map_err(|why| exec_datafusion_err!("{}", why.describe(java))))
}

/// The compiled form of a pattern from a column. One that is no regular expression gives `None`, and the row NULL, as in
/// Flink; one that only Java could run is still an error.
fn column_pattern(java: &str) -> Result<Option<Rc<Pattern>>> {
    if let Some(found) = CACHE.with_borrow(|cache| cache.get(java).cloned()) {
        return Ok(Some(found));
    }
    match compile(&translate(java)) {
        Ok(regex) => cached(java, |_| Ok(regex)).map(Some),
        Err(why) if why.only_java() => exec_err!("{}", why.describe(java)),
        Err(_) => Ok(None),
    }
}

/// The compiled form of `text` under a key of its own; `compile` is asked only the first time.
pub(super) fn cached(key: &str, compile: impl FnOnce(&str) -> Result<Regex>) -> Result<Rc<Pattern>> {
    if let Some(found) = CACHE.with_borrow(|cache| cache.get(key).cloned()) {
        return Ok(found);
    }
    let regex = compile(key)?;
    let locations = RefCell::new(regex.capture_locations());
    let parameter = query_parameter(regex.as_str());
    let pattern = Rc::new(Pattern { regex, locations, parameter });
    CACHE.with_borrow_mut(|cache| {
        if cache.len() >= CACHED_PATTERNS {
            cache.clear();
        }
        cache.insert(key.to_string(), Rc::clone(&pattern));
    });
    Ok(pattern)
}

/// Why a pattern could not be compiled.
pub(super) struct BadPattern(regex::Error);

/// As much of a pattern as a message can hold.
fn shortened(pattern: &str) -> std::borrow::Cow<'_, str> {
    const CHARS_MAX: usize = 100;
    match pattern.char_indices().nth(CHARS_MAX) {
        Some((end, _)) => format!("{}…", &pattern[..end]).into(),
        None => pattern.into(),
    }
}

impl BadPattern {
    /// Whether Java knows this notation: look-around, back-references.
    fn only_java(&self) -> bool {
        let text = self.0.to_string();
        text.contains("look-around") || text.contains("backreferences")
    }

    pub fn describe(&self, java: &str) -> String {
        let text = self.0.to_string();
        let reason = text.lines().last().unwrap_or("it is not valid").trim_start_matches("error: ");
        format!(
            "The regular expression '{}' cannot be used: {reason}. Look-around, back-references and possessive \
             quantifiers are not available",
            shortened(java)
        )
    }
}

pub(super) fn compile(rust: &str) -> std::result::Result<Regex, BadPattern> {
    Regex::new(rust).map_err(BadPattern)
}

/// Java's notation in the notation of the `regex` crate. The classes `\d \w \s` are ASCII in Java; `\Q…\E` is a literal.
pub(super) fn translate(java: &str) -> String {
    let mut out = String::with_capacity(java.len() + 16);
    let mut chars = java.chars();
    let mut class_depth = 0usize;
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('Q') => {
                    let rest = chars.as_str();
                    let end = rest.find("\\E").unwrap_or(rest.len());
                    out.push_str(&regex::escape(&rest[..end]));
                    chars = rest[end..].strip_prefix("\\E").unwrap_or("").chars();
                }
                Some(escaped) => push_escape(&mut out, escaped, class_depth > 0),
                None => out.push('\\'),
            },
            '[' => {
                class_depth += 1;
                out.push('[');
            }
            ']' if class_depth > 0 => {
                class_depth -= 1;
                out.push(']');
            }
            _ => out.push(c),
        }
    }
    out
}

fn push_escape(out: &mut String, escaped: char, in_class: bool) {
    let class = match escaped {
        'd' => "0-9",
        'w' => "a-zA-Z0-9_",
        's' => "\\t\\n\\x0B\\f\\r ",
        'h' => "\\t \\xA0",
        'D' | 'W' | 'S' | 'H' => {
            let positive = match escaped {
                'D' => "0-9",
                'W' => "a-zA-Z0-9_",
                'S' => "\\t\\n\\x0B\\f\\r ",
                _ => "\\t \\xA0",
            };
            out.push_str("[^");
            out.push_str(positive);
            out.push(']');
            return;
        }
        'b' => return out.push_str("(?-u:\\b)"),
        'Z' => return out.push_str("(?:\\r?\\n)?\\z"),
        'R' => return out.push_str("(?:\\r\\n|[\\n\\x0B\\f\\r\\u{85}\\u{2028}\\u{2029}])"),
        'e' => return out.push_str("\\x1B"),
        '<' | '>' | '/' | '"' | '\'' | '=' | ':' | ',' | ';' | '@' | '!' | '`' | '_' => return out.push(escaped),
        _ => {
            out.push('\\');
            return out.push(escaped);
        }
    };
    if in_class {
        out.push_str(class);
    } else {
        out.push('[');
        out.push_str(class);
        out.push(']');
    }
}

/// Calls `row` with the text and the compiled pattern (arguments 0 and 1) of each row; a constant pattern is looked up once.
struct Patterns<'a> {
    text: super::values::Text<'a>,
    pattern: super::values::Text<'a>,
    constant: Option<Rc<Pattern>>,
}

impl<'a> Patterns<'a> {
    fn of(call: &'a Call) -> Result<Self> {
        let constant = call.constant_text(1).map(pattern).transpose()?;
        Ok(Self { text: call.text(0)?, pattern: call.text(1)?, constant })
    }

    #[inline]
    fn get(&self, row: usize) -> Result<Option<(&str, Rc<Pattern>)>> {
        let Some(text) = self.text.get(row) else { return Ok(None) };
        if let Some(constant) = &self.constant {
            return Ok(Some((text, Rc::clone(constant))));
        }
        match self.pattern.get(row) {
            Some(java) => Ok(column_pattern(java)?.map(|pattern| (text, pattern))),
            None => Ok(None),
        }
    }
}

fn regexp(call: &Call) -> Result<ArrayRef> {
    let patterns = Patterns::of(call)?;
    call.bools(|row| {
        if patterns.text.get(row).is_none() || patterns.pattern.get(row).is_none() {
            return Ok(None);
        }
        let found = patterns.get(row)?;
        Ok(Some(found.is_some_and(|(text, pattern)| !pattern.regex.as_str().is_empty() && pattern.regex.is_match(text))))
    })
}

/// Where a pattern matches, from left to right. As in Java a match of nothing may follow right behind another match.
fn matches<'a>(regex: &'a Regex, text: &'a str) -> impl Iterator<Item = std::ops::Range<usize>> + 'a {
    let mut next = Some(0);
    std::iter::from_fn(move || {
        let found = regex.find_at(text, next?)?.range();
        next = match found.is_empty() {
            false => Some(found.end),
            true => text[found.end..].chars().next().map(|c| found.end + c.len_utf8()),
        };
        Some(found)
    })
}

fn regexp_replace(call: &Call) -> Result<ArrayRef> {
    let (patterns, replacement) = (Patterns::of(call)?, call.text(2)?);
    call.texts(|row, out| {
        let (Some((text, pattern)), Some(replacement)) = (patterns.get(row)?, replacement.get(row)) else {
            return Ok(false);
        };
        let mut done = 0;
        for found in matches(&pattern.regex, text) {
            out.extend_from_slice(&text.as_bytes()[done..found.start]);
            out.extend_from_slice(replacement.as_bytes());
            done = found.end;
        }
        out.extend_from_slice(&text.as_bytes()[done..]);
        Ok(true)
    })
}

fn regexp_extract(call: &Call) -> Result<ArrayRef> {
    let (patterns, group) = (Patterns::of(call)?, call.int_or(2, 0)?);
    let push = |text: &str, pattern: &Pattern, row: usize, out: &mut Vec<u8>| {
        let found = group.get(row).and_then(|group| pattern.first(text, usize::try_from(group).ok()?));
        if let Some((start, end)) = found {
            out.extend_from_slice(&text.as_bytes()[start..end]);
        }
        found.is_some()
    };
    if let Some(pattern) = &patterns.constant {
        return call.texts(|row, out| Ok(patterns.text.get(row).is_some_and(|text| push(text, pattern, row, out))));
    }
    call.texts(|row, out| Ok(patterns.get(row)?.is_some_and(|(text, pattern)| push(text, &pattern, row, out))))
}

fn regexp_substr(call: &Call) -> Result<ArrayRef> {
    let patterns = Patterns::of(call)?;
    call.texts(|row, out| {
        let Some((text, pattern)) = patterns.get(row)? else { return Ok(false) };
        match pattern.first(text, 0) {
            Some((start, end)) => {
                out.extend_from_slice(&text.as_bytes()[start..end]);
                Ok(true)
            }
            None => Ok(false),
        }
    })
}

fn regexp_count(call: &Call) -> Result<ArrayRef> {
    let patterns = Patterns::of(call)?;
    call.primitives::<Int32Type>(|row| Ok(patterns.get(row)?.map(|(text, pattern)| matches(&pattern.regex, text).count() as i32)))
}

fn regexp_instr(call: &Call) -> Result<ArrayRef> {
    let patterns = Patterns::of(call)?;
    call.primitives::<Int32Type>(|row| {
        Ok(patterns.get(row)?.map(|(text, pattern)| pattern.first(text, 0).map_or(0, |(start, _)| utf16::count(&text[..start]) as i32 + 1)))
    })
}

fn regexp_extract_all(call: &Call) -> Result<ArrayRef> {
    let (patterns, group) = (Patterns::of(call)?, call.int_or(2, 1)?);
    let mut parts = TextOut::new(call.rows * 2, call.rows * 16);
    let (mut count, mut offsets) = (0i32, vec![0i32]);
    let mut nulls = NullBufferBuilder::new(call.rows);
    for row in 0..call.rows {
        let found = match (patterns.get(row)?, group.get(row)) {
            // A group that the pattern does not have gives NULL.
            (Some((text, pattern)), Some(group)) => {
                usize::try_from(group).ok().filter(|g| *g < pattern.regex.captures_len()).map(|g| (text, pattern, g))
            }
            _ => None,
        };
        nulls.append(found.is_some());
        if let Some((text, pattern, group)) = found {
            for captures in pattern.regex.captures_iter(text) {
                let part = captures.get(group);
                parts.buffer().extend_from_slice(part.map_or("", |part| part.as_str()).as_bytes());
                parts.end_row(part.is_some());
                count += 1;
            }
        }
        offsets.push(count);
    }
    text_lists(call.returns.data_type(), parts, offsets, nulls)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn java_notation() {
        assert_eq!(translate(r"\d+[\w.]\Q1+1\E"), r"[0-9]+[a-zA-Z0-9_.]1\+1");
        assert_eq!(translate(r"\D\S"), r"[^0-9][^\t\n\x0B\f\r ]");
        assert!(pattern("(a").is_err());
    }

    #[test]
    fn the_parameter_of_a_query_is_found_as_by_the_regular_expression() {
        let fast = pattern(r"(&|^)id=([^&]*)").expect("valid");
        assert!(fast.parameter.is_some() && pattern(r"(&|^)i.d=([^&]*)").is_ok_and(|p| p.parameter.is_none()));
        for text in ["id=1", "a&id=12&b", "xid=1&id=", "xid=1", "", "id", "&id=é&id=2", "a&&id==x"] {
            let captures = fast.regex.captures(text);
            for group in 0..4 {
                let slow = captures.as_ref().and_then(|c| c.get(group)).map(|m| (m.start(), m.end()));
                assert_eq!(fast.first(text, group), slow, "{text} {group}");
            }
        }
    }
}
