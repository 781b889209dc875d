//! From the parser's line and column numbers to byte ranges of the script, and back.

use std::ops::Range;

use sqlparser::tokenizer::{Location, Span};

/// Where the lines of a text begin. Lines and columns count from one, columns count characters.
#[derive(Debug, Clone)]
pub struct LineIndex<'a> {
    text: &'a str,
    line_starts: Vec<usize>,
}

impl<'a> LineIndex<'a> {
    /// Indexes `text`.
    pub fn new(text: &'a str) -> Self {
        let after_newline = text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(i, _)| i + 1);
        Self { text, line_starts: std::iter::once(0).chain(after_newline).collect() }
    }

    /// The byte offset of a location; locations outside the text are moved to its nearest end.
    pub fn offset(&self, location: Location) -> usize {
        let Some(line) = usize::try_from(location.line).ok().and_then(|n| n.checked_sub(1)) else {
            return 0;
        };
        let Some(&start) = self.line_starts.get(line) else {
            return self.text.len();
        };
        let column = usize::try_from(location.column).unwrap_or(usize::MAX).saturating_sub(1);
        self.text[start..].char_indices().nth(column).map_or(self.text.len(), |(i, _)| start + i)
    }

    /// The bytes that a span covers. The empty span, which stands for "unknown", gives `0..0`.
    pub fn range(&self, span: Span) -> Range<usize> {
        let start = self.offset(span.start);
        start..self.offset(span.end).max(start)
    }

    /// The line and column of a byte offset.
    pub fn location(&self, offset: usize) -> Location {
        let line = self.line_starts.partition_point(|start| *start <= offset).max(1);
        let start = self.line_starts[line - 1];
        let column = self.text.get(start..offset).map_or(0, |before| before.chars().count());
        Location { line: line as u64, column: column as u64 + 1 }
    }

    /// The text of a byte range, empty when the range does not fit.
    pub fn slice(&self, range: Range<usize>) -> &'a str {
        self.text.get(range).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_count_characters_not_bytes() {
        let text = "aé\r\nß x\n";
        let index = LineIndex::new(text);
        for (offset, _) in text.char_indices().chain([(text.len(), ' ')]) {
            assert_eq!(index.offset(index.location(offset)), offset);
        }
        let span = Span::new(Location { line: 2, column: 1 }, Location { line: 2, column: 2 });
        assert_eq!(index.slice(index.range(span)), "ß");
        assert_eq!(index.range(Span::empty()), 0..0);
        assert_eq!(index.offset(Location { line: 99, column: 1 }), text.len());
    }
}
