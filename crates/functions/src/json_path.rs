//! JSON texts as light trees over the text itself, and paths such as `lax $.a[0].b` into them.
//!
//! Numbers keep their digits: `1.10` stays `1.10`, as with Java's BigDecimal.

mod first;

use std::borrow::Cow;

pub(crate) use first::{parse_first, unescape};
pub(crate) use flott_engine::text::push_json_string as push_quoted;

/// One JSON value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Node<'a> {
    Null,
    Bool(bool),
    /// The digits as they stand in the text.
    Number(&'a str),
    Text(Cow<'a, str>),
    Array(Vec<Node<'a>>),
    Object(Vec<(Cow<'a, str>, Node<'a>)>),
}

/// A path that leads to more values in one text leads to none: steps such as `..a..a` multiply.
const MAX_FOUND: usize = 1_000_000;

/// Deeper nesting is refused rather than risked.
const MAX_DEPTH: usize = 500;

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

/// Parses a whole text; `None` if it is not JSON.
pub(crate) fn parse(text: &str) -> Option<Node<'_>> {
    let mut parser = Parser { text, at: 0 };
    let node = parser.value(0)?;
    parser.blanks();
    (parser.at == text.len()).then_some(node)
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Takes `byte` after blanks, if it is there.
    fn take(&mut self, byte: u8) -> bool {
        self.blanks();
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn word(&mut self, word: &str, node: Node<'a>) -> Option<Node<'a>> {
        let found = self.text[self.at..].starts_with(word);
        self.at += word.len();
        found.then_some(node)
    }

    fn value(&mut self, depth: usize) -> Option<Node<'a>> {
        if depth > MAX_DEPTH {
            return None;
        }
        self.blanks();
        match self.peek()? {
            b'n' => self.word("null", Node::Null),
            b't' => self.word("true", Node::Bool(true)),
            b'f' => self.word("false", Node::Bool(false)),
            b'"' => self.string().map(Node::Text),
            b'[' => self.array(depth),
            b'{' => self.object(depth),
            _ => self.number(),
        }
    }

    fn array(&mut self, depth: usize) -> Option<Node<'a>> {
        self.at += 1;
        let mut items = Vec::new();
        if self.take(b']') {
            return Some(Node::Array(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            if self.take(b']') {
                return Some(Node::Array(items));
            }
            if !self.take(b',') {
                return None;
            }
        }
    }

    fn object(&mut self, depth: usize) -> Option<Node<'a>> {
        self.at += 1;
        let mut fields = Vec::new();
        if self.take(b'}') {
            return Some(Node::Object(fields));
        }
        loop {
            self.blanks();
            if self.peek() != Some(b'"') {
                return None;
            }
            let key = self.string()?;
            if !self.take(b':') {
                return None;
            }
            fields.push((key, self.value(depth + 1)?));
            if self.take(b'}') {
                return Some(Node::Object(fields));
            }
            if !self.take(b',') {
                return None;
            }
        }
    }

    fn number(&mut self) -> Option<Node<'a>> {
        let start = self.at;
        let digits = |parser: &mut Self| {
            let from = parser.at;
            while parser.peek().is_some_and(|b| b.is_ascii_digit()) {
                parser.at += 1;
            }
            parser.at > from
        };
        self.at += usize::from(self.peek() == Some(b'-'));
        let first = self.peek()?;
        let whole_at = self.at;
        if !digits(self) || (first == b'0' && self.at - whole_at > 1) {
            return None;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            if !digits(self) {
                return None;
            }
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            self.at += usize::from(matches!(self.peek(), Some(b'+' | b'-')));
            if !digits(self) {
                return None;
            }
        }
        Some(Node::Number(&self.text[start..self.at]))
    }

    fn string(&mut self) -> Option<Cow<'a, str>> {
        self.at += 1;
        let start = self.at;
        let mut owned: Option<String> = None;
        let mut plain = start;
        loop {
            match self.peek()? {
                b'"' => {
                    let tail = &self.text[plain..self.at];
                    self.at += 1;
                    return Some(match owned {
                        None => Cow::Borrowed(tail),
                        Some(mut text) => {
                            text.push_str(tail);
                            Cow::Owned(text)
                        }
                    });
                }
                b'\\' => {
                    let text = owned.get_or_insert_default();
                    text.push_str(&self.text[plain..self.at]);
                    self.at += 1;
                    let c = self.escape()?;
                    if let Some(text) = &mut owned {
                        text.push(c);
                    }
                    plain = self.at;
                }
                0..=0x1f => return None,
                _ => self.at += 1,
            }
        }
    }

    fn escape(&mut self) -> Option<char> {
        let letter = self.peek()?;
        self.at += 1;
        Some(match letter {
            b'"' | b'\\' | b'/' => char::from(letter),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let high = self.hex4()?;
                if !(0xd800..0xdc00).contains(&high) {
                    return Some(char::from_u32(high).unwrap_or('\u{fffd}'));
                }
                if !self.text[self.at..].starts_with("\\u") {
                    return Some('\u{fffd}');
                }
                self.at += 2;
                let low = self.hex4()?;
                let code = 0x10000 + ((high - 0xd800) << 10) + low.wrapping_sub(0xdc00);
                char::from_u32(code).filter(|_| (0xdc00..0xe000).contains(&low)).unwrap_or('\u{fffd}')
            }
            _ => return None,
        })
    }

    fn hex4(&mut self) -> Option<u32> {
        let digits = self.text.get(self.at..self.at + 4)?;
        self.at += 4;
        u32::from_str_radix(digits, 16).ok()
    }
}

impl Node<'_> {
    pub fn is_scalar(&self) -> bool {
        !matches!(self, Node::Array(_) | Node::Object(_))
    }

    /// Appends the value as JSON without blanks, the keys of objects in order.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Node::Null => out.extend_from_slice(b"null"),
            Node::Bool(value) => out.extend_from_slice(if *value { b"true" } else { b"false" }),
            Node::Number(digits) => out.extend_from_slice(number_text(digits).as_bytes()),
            Node::Text(text) => push_quoted(out, text),
            Node::Array(items) => {
                out.push(b'[');
                for (i, item) in items.iter().enumerate() {
                    if i > 0 {
                        out.push(b',');
                    }
                    item.write(out);
                }
                out.push(b']');
            }
            Node::Object(fields) => {
                // Of fields with the same name the last counts.
                let sorted: std::collections::BTreeMap<&str, &Node> = fields.iter().map(|(key, value)| (key.as_ref(), value)).collect();
                out.push(b'{');
                for (i, (key, value)) in sorted.into_iter().enumerate() {
                    if i > 0 {
                        out.push(b',');
                    }
                    push_quoted(out, key);
                    out.push(b':');
                    value.write(out);
                }
                out.push(b'}');
            }
        }
    }

    /// The text of a scalar: a string without quotes.
    pub fn scalar_text(&self) -> Option<Cow<'_, str>> {
        match self {
            Node::Bool(value) => Some(Cow::Borrowed(if *value { "true" } else { "false" })),
            Node::Number(digits) => Some(number_text(digits)),
            Node::Text(text) => Some(Cow::Borrowed(text)),
            _ => None,
        }
    }
}

/// The digits as `BigDecimal.toString` writes them: an exponent only where the number is tiny or was written with one.
pub(crate) fn number_text(digits: &str) -> Cow<'_, str> {
    let tiny = digits.trim_start_matches('-').starts_with("0.000000");
    if !tiny && !digits.contains(['e', 'E']) {
        return if digits == "-0" { Cow::Borrowed("0") } else { Cow::Borrowed(digits) };
    }
    let (mantissa, exponent) = digits.split_once(['e', 'E']).unwrap_or((digits, "0"));
    let Ok(exponent) = exponent.trim_start_matches('+').parse::<i64>() else { return Cow::Borrowed(digits) };
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let fraction = mantissa.split_once('.').map_or(0, |(_, fraction)| fraction.len() as i64);
    let unscaled = mantissa.replace('.', "");
    let unscaled = unscaled.trim_start_matches('0');
    let unscaled = if unscaled.is_empty() { "0" } else { unscaled };
    let scale = fraction - exponent;
    let adjusted = unscaled.len() as i64 - 1 - scale;
    Cow::Owned(if scale >= 0 && adjusted >= -6 {
        let padded = format!("{unscaled:0>width$}", width = scale as usize + 1);
        let (whole, fraction) = padded.split_at(padded.len() - scale as usize);
        if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
    } else {
        let (first, rest) = unscaled.split_at(1);
        let point = if rest.is_empty() { "" } else { "." };
        format!("{sign}{first}{point}{rest}E{adjusted:+}")
    })
}

#[derive(Debug, Clone, PartialEq)]
enum Step {
    Key(String),
    Keys(Vec<String>),
    Index(i64),
    Slice(Option<i64>, Option<i64>),
    Any,
    /// `..name` or `..*`: at any depth.
    Deep(Option<String>),
}

/// A compiled path.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Path {
    /// `lax`: what is missing is empty, not an error.
    pub lax: bool,
    steps: Vec<Step>,
}

/// What a path leads to.
pub(crate) enum Found<'a, 'n> {
    One(&'n Node<'a>),
    /// A path that may lead to many: all of them.
    Many(Vec<&'n Node<'a>>),
    Missing,
}

impl Path {
    /// Reads a path such as `$.a`, `strict $['a b'][0]`, `lax $.items[*].id`. An error says what is wrong.
    pub fn parse(spec: &str) -> Result<Path, String> {
        let trimmed = spec.trim();
        let word = trimmed.split_whitespace().next().unwrap_or("");
        let (lax, path) = match word.to_ascii_lowercase().as_str() {
            "lax" => (true, trimmed[3..].trim_start()),
            "strict" => (false, trimmed[6..].trim_start()),
            _ => (false, trimmed),
        };
        // A path that begins with a name means one from the root.
        let named = format!(".{path}");
        let mut rest = match path.strip_prefix('$') {
            Some(rest) => rest,
            None if path.starts_with(|c: char| c.is_alphanumeric() || c == '_') => named.as_str(),
            None => return Err(format!("The JSON path '{spec}' must begin with $")),
        };
        let mut steps = Vec::new();
        while !rest.is_empty() {
            let (step, after) = read_step(rest).ok_or_else(|| {
                format!("The JSON path '{spec}' cannot be read at '{rest}'; use .name, ['name'], [0], [*] and ..name, but no filters")
            })?;
            steps.push(step);
            rest = after;
        }
        Ok(Path { lax, steps })
    }

    /// Follows the path from the root.
    pub fn find<'a, 'n>(&self, root: &'n Node<'a>) -> Found<'a, 'n> {
        let mut current = vec![root];
        let mut one = true;
        for step in &self.steps {
            one &= matches!(step, Step::Key(_) | Step::Index(_));
            let mut next = Vec::new();
            for node in current {
                follow(step, node, &mut next);
                if next.len() > MAX_FOUND {
                    return Found::Missing;
                }
            }
            current = next;
            if one && current.is_empty() {
                return Found::Missing;
            }
        }
        match (one, current.first()) {
            (false, _) => Found::Many(current),
            (true, Some(node)) => Found::One(node),
            (true, None) => Found::Missing,
        }
    }
}

/// Reads one step and returns the rest of the path.
fn read_step(text: &str) -> Option<(Step, &str)> {
    if let Some(rest) = text.strip_prefix("..") {
        if let Some(rest) = rest.strip_prefix('*') {
            return Some((Step::Deep(None), rest));
        }
        let (name, rest) = read_name(rest)?;
        return Some((Step::Deep(Some(name.to_string())), rest));
    }
    if let Some(rest) = text.strip_prefix('.') {
        if let Some(rest) = rest.strip_prefix('*') {
            return Some((Step::Any, rest));
        }
        let (name, rest) = read_name(rest)?;
        return Some((Step::Key(name.to_string()), rest));
    }
    let inner = text.strip_prefix('[')?.trim_start();
    if let Some(rest) = inner.strip_prefix('*') {
        return Some((Step::Any, rest.trim_start().strip_prefix(']')?));
    }
    if inner.starts_with(['\'', '"']) {
        return read_quoted_keys(inner);
    }
    let (index, rest) = inner.split_once(']')?;
    let number = |text: &str| text.trim().parse::<i64>().ok();
    if let Some((from, to)) = index.split_once(':') {
        let bound = |text: &str| if text.trim().is_empty() { Some(None) } else { number(text).map(Some) };
        return Some((Step::Slice(bound(from)?, bound(to)?), rest));
    }
    Some((Step::Index(number(index)?), rest))
}

fn read_name(text: &str) -> Option<(&str, &str)> {
    let end = text.find(['.', '[', ' ', '(', ')', '?', '*']).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

/// `'a']` or `'a','b']`, with backslashes before quotes within a name.
fn read_quoted_keys(mut text: &str) -> Option<(Step, &str)> {
    let mut keys = Vec::new();
    loop {
        let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
        let mut key = String::new();
        let mut chars = text[1..].chars();
        loop {
            match chars.next()? {
                '\\' => key.push(chars.next()?),
                c if c == quote => break,
                c => key.push(c),
            }
        }
        keys.push(key);
        text = chars.as_str().trim_start();
        if let Some(rest) = text.strip_prefix(']') {
            let step = if keys.len() == 1 { Step::Key(keys.remove(0)) } else { Step::Keys(keys) };
            return Some((step, rest));
        }
        text = text.strip_prefix(',')?.trim_start();
    }
}

fn follow<'a, 'n>(step: &Step, node: &'n Node<'a>, out: &mut Vec<&'n Node<'a>>) {
    // Of fields with the same name the last counts.
    let field = |node: &'n Node<'a>, name: &str| match node {
        Node::Object(fields) => fields.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value),
        _ => None,
    };
    match (step, node) {
        (Step::Key(name), _) => out.extend(field(node, name)),
        (Step::Keys(names), _) => out.extend(names.iter().filter_map(|name| field(node, name))),
        (Step::Index(index), Node::Array(items)) => {
            let place = if *index < 0 { items.len() as i64 + index } else { *index };
            out.extend(usize::try_from(place).ok().and_then(|place| items.get(place)));
        }
        (Step::Slice(from, to), Node::Array(items)) => {
            let count = items.len() as i64;
            let bound = |place: Option<i64>, default: i64| match place {
                Some(place) if place < 0 => (count + place).max(0),
                Some(place) => place.min(count),
                None => default,
            };
            let (from, to) = (bound(*from, 0), bound(*to, count));
            out.extend((from..to).filter_map(|i| items.get(i as usize)));
        }
        (Step::Any, Node::Array(items)) => out.extend(items),
        (Step::Any, Node::Object(fields)) => out.extend(fields.iter().map(|(_, value)| value)),
        (Step::Deep(name), _) => deep(name.as_deref(), node, out),
        _ => {}
    }
}

fn deep<'a, 'n>(name: Option<&str>, node: &'n Node<'a>, out: &mut Vec<&'n Node<'a>>) {
    match node {
        Node::Array(items) => {
            for item in items {
                if name.is_none() {
                    out.push(item);
                }
                deep(name, item, out);
            }
        }
        Node::Object(fields) => {
            for (key, value) in fields {
                if name.is_none_or(|name| key == name) {
                    out.push(value);
                }
                deep(name, value, out);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn written(text: &str) -> Option<String> {
        let mut out = Vec::new();
        parse(text)?.write(&mut out);
        String::from_utf8(out).ok()
    }

    #[test]
    fn texts_are_checked_and_written_again() {
        let text = r#" {"b": [1, 2.50, -3e2], "a": "x\u0041\n\ud83d\ude00", "c": null} "#;
        assert_eq!(written(text).unwrap(), r#"{"a":"xA\n😀","b":[1,2.50,-3E+2],"c":null}"#);
        for bad in ["", "abc", "{", "[1,]", "01", "1.", "{\"a\" 1}", "\"a", "nul", "1 2", "\"\u{1}\""] {
            assert_eq!(written(bad), None, "{bad}");
        }
        assert_eq!(written("0.00000001").unwrap(), "1E-8");
    }

    #[test]
    fn paths() {
        let json = parse(r#"{"a": {"b": [10, {"c d": true}]}, "x": [{"y": 1}, {"y": 2}]}"#).unwrap();
        let find = |spec: &str| {
            let mut out = Vec::new();
            match Path::parse(spec).unwrap().find(&json) {
                Found::One(node) => node.write(&mut out),
                Found::Many(nodes) => nodes.iter().for_each(|node| {
                    node.write(&mut out);
                    out.push(b';');
                }),
                Found::Missing => out.push(b'?'),
            }
            String::from_utf8(out).unwrap()
        };
        assert_eq!(find("$.a.b[0]"), "10");
        assert_eq!(find("lax $.a['b'][-1].['c d']".replace(".[", "[").as_str()), "true");
        assert_eq!(find("$.x[*].y"), "1;2;");
        assert_eq!(find("$..y"), "1;2;");
        assert_eq!(find("$.a.z"), "?");
        assert_eq!(find("$.x[0:1].y"), "1;");
        assert!(Path::parse("a.b").is_ok() && Path::parse("?a").is_err() && Path::parse("$.x[?(@.y>1)]").is_err());
    }
}
