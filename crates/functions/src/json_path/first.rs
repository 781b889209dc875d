//! JSON read as far as Java's Jackson looks at it: one value, whatever follows.

use super::{Node, Parser};

/// What stands between the quotes of a JSON string, its escapes resolved; `None` if one of them is none.
pub(crate) fn unescape(text: &str) -> Option<String> {
    let mut parser = Parser { text, at: 0 };
    let mut plain = String::with_capacity(text.len());
    while let Some(escape) = text[parser.at..].find('\\') {
        plain.push_str(&text[parser.at..parser.at + escape]);
        parser.at += escape + 1;
        plain.push(parser.escape()?);
    }
    plain.push_str(&text[parser.at..]);
    Some(plain)
}

/// Parses the first value of a text, as Java's Jackson does that is not asked what follows it.
pub(crate) fn parse_first(text: &str) -> Option<Node<'_>> {
    let mut parser = Parser { text, at: 0 };
    let node = parser.value(0)?;
    let ends = match (&node, parser.peek()) {
        (_, None) => true,
        // It has to look behind a number and a word to know that they end.
        (Node::Number(_), Some(next)) => matches!(next, b' ' | b'\t' | b'\n' | b'\r'),
        (Node::Null | Node::Bool(_), Some(next)) => !(next.is_ascii_alphanumeric() || matches!(next, b'_' | 0x80..)),
        _ => true,
    };
    ends.then_some(node)
}
