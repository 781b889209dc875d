//! Where in the script an expression stands: from what the parser knows of it, which ends before the bracket of a call and begins
//! behind the word CAST, to all of its text.

use sqlparser::ast::{Expr, Spanned};
use sqlparser::tokenizer::{Location, Span};
use std::ops::Range;

use crate::dialect::LineIndex;

/// A place as the parser counts it, in lines and columns of the script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    span: Span,
    shape: Shape,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// The span is all of it.
    Whole,
    /// A call: its brackets belong to it.
    Call,
    /// A word or a sign belongs to it that the parser does not place: CAST(…, NOT, `-`.
    Prefixed,
}

impl Place {
    /// Exactly that span; none when it is not known.
    pub fn exactly(span: Span) -> Option<Self> {
        (span != Span::empty()).then_some(Self { span, shape: Shape::Whole })
    }

    /// An expression, if the parser knows where it stands.
    pub fn of(expr: &Expr) -> Option<Self> {
        let shape = match expr {
            Expr::Function(_) => Shape::Call,
            Expr::Cast { .. } | Expr::UnaryOp { .. } | Expr::Ceil { .. } | Expr::Floor { .. } | Expr::TypedString(_) => Shape::Prefixed,
            Expr::Extract { .. } | Expr::Trim { .. } | Expr::Substring { .. } | Expr::Position { .. } => Shape::Prefixed,
            _ => Shape::Whole,
        };
        Some(Self { shape, ..Self::exactly(expr.span())? })
    }

    /// The bytes of `text`, which begins at `start` of the script.
    pub fn within(&self, text: &str, start: Location) -> Option<Range<usize>> {
        let shift = |at: Location| {
            let line = at.line.checked_sub(start.line)?;
            let column = if line == 0 { at.column.checked_sub(start.column)? + 1 } else { at.column };
            Some(Location { line: line + 1, column })
        };
        let span = Span::new(shift(self.span.start)?, shift(self.span.end)?);
        let range = LineIndex::new(text).range(span);
        (range.end <= text.len() && range.start < range.end).then(|| self.completed(text, range))
    }

    fn completed(&self, text: &str, range: Range<usize>) -> Range<usize> {
        let mut range = range;
        if self.shape == Shape::Prefixed {
            range.start = with_prefix(text, range.start);
        }
        let open = open_brackets(&text[range.clone()]);
        let rest = &text[range.end..];
        let bracket_follows = self.shape == Shape::Call && open == 0 && !text[range.clone()].ends_with(')');
        let gap = rest.len() - rest.trim_start().len();
        if open > 0 {
            range.end += closing(rest, open).unwrap_or(0);
        } else if bracket_follows && rest[gap..].starts_with('(') {
            range.end += closing(&rest[gap + 1..], 1).map_or(0, |n| gap + 1 + n);
        }
        range
    }
}

/// Steps back over `-`, over a word such as NOT, and over `CAST(`.
fn with_prefix(text: &str, start: usize) -> usize {
    let before = text[..start].trim_end();
    if before.ends_with(['-', '+']) {
        return before.len() - 1;
    }
    let before = before.strip_suffix('(').unwrap_or(before).trim_end();
    let word = before.len() - before.trim_end_matches(|c: char| c.is_ascii_alphanumeric() || c == '_').len();
    if word == 0 { start } else { before.len() - word }
}

/// How many brackets are open at the end of a text; those in strings and names do not count.
fn open_brackets(text: &str) -> usize {
    let mut quote = None;
    text.chars().fold(0, |open: usize, c| match (quote, c) {
        (Some(q), c) if c == q => {
            quote = None;
            open
        }
        (Some(_), _) => open,
        (None, '\'' | '`') => {
            quote = Some(c);
            open
        }
        (None, '(') => open + 1,
        (None, ')') => open.saturating_sub(1),
        _ => open,
    })
}

/// How far it is behind the bracket that closes the last of `open` ones.
fn closing(text: &str, open: usize) -> Option<usize> {
    let mut open = open;
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(q), c) if c == q => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '`') => quote = Some(c),
            (None, '(') => open += 1,
            (None, ')') if open == 1 => return Some(at + 1),
            (None, ')') => open -= 1,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn all_of_an_expression() {
        for (sql, whole) in [
            ("sum(item)", "sum(item)"),
            ("f(a, ')', g(b))", "f(a, ')', g(b))"),
            ("count ( * )", "count ( * )"),
            ("CAST(id AS DATE)", "CAST(id AS DATE)"),
            ("- item", "- item"),
            ("NOT id", "NOT id"),
            ("a.b", "a.b"),
            ("a + b", "a + b"),
        ] {
            let text = format!("SELECT {sql} FROM t");
            let script = format!("SELECT 1;\n  {text}");
            let expr = match *crate::dialect::parse_query(&format!("\n  {text}")).unwrap().body {
                sqlparser::ast::SetExpr::Select(select) => match &select.projection[0] {
                    sqlparser::ast::SelectItem::UnnamedExpr(e) => e.clone(),
                    other => panic!("{other}"),
                },
                other => panic!("{other}"),
            };
            let range = Place::of(&expr).unwrap().within(&text, Location { line: 2, column: 3 }).unwrap();
            assert_eq!(&text[range], whole, "{script}");
        }
    }
}
