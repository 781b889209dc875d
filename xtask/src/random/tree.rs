//! An expression as a tree, and the smaller ones that may still show a difference.

use super::grammar::{Family, Grammar};

/// An expression of a family of types.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tree {
    pub family: Family,
    pub parts: Vec<Part>,
}

/// What an expression is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    Text(String),
    Argument(Tree),
    /// What may be left out.
    Optional(Vec<Part>),
}

impl Tree {
    /// A column or a literal.
    pub fn leaf(family: Family, text: &str) -> Self {
        Tree { family, parts: vec![Part::Text(text.to_string())] }
    }

    /// The expression in SQL, without brackets around all of it.
    pub fn sql(&self) -> String {
        let mut text = String::new();
        write(&self.parts, &mut text);
        match text.strip_prefix('(').and_then(|t| t.strip_suffix(')')) {
            Some(inside) if closed(inside) => inside.to_string(),
            _ => text,
        }
    }

    /// What shrinks with every step: expressions and optional parts within it, and then the length of its text.
    pub fn size(&self) -> (usize, usize) {
        (1 + count(&self.parts), self.sql().len())
    }

    /// All expressions within it, the outer ones first.
    pub fn descendants(&self) -> Vec<&Tree> {
        let mut found = vec![];
        descend(&self.parts, &mut found);
        found
    }

    /// Every smaller expression that is one step away, the smallest first: a part of it alone, an argument replaced by one of the same
    /// family within it or by a column or literal, or without what may be left out.
    pub fn smaller(&self, grammar: &Grammar) -> Vec<Tree> {
        let mut found: Vec<Tree> = self.descendants().into_iter().cloned().collect();
        found.extend(replacements(self, grammar));
        let size = self.size();
        found.retain(|tree| tree.size() < size);
        found.sort_by_cached_key(|tree| (tree.size(), tree.sql()));
        found.dedup();
        found
    }
}

fn write(parts: &[Part], text: &mut String) {
    for part in parts {
        match part {
            Part::Text(t) => text.push_str(t),
            Part::Argument(tree) => write(&tree.parts, text),
            Part::Optional(parts) => write(parts, text),
        }
    }
}

fn count(parts: &[Part]) -> usize {
    let of = |part: &Part| match part {
        Part::Text(_) => 0,
        Part::Argument(tree) => 1 + count(&tree.parts),
        Part::Optional(parts) => 1 + count(parts),
    };
    parts.iter().map(of).sum()
}

fn descend<'a>(parts: &'a [Part], found: &mut Vec<&'a Tree>) {
    for part in parts {
        match part {
            Part::Text(_) => {}
            Part::Argument(tree) => {
                found.push(tree);
                descend(&tree.parts, found);
            }
            Part::Optional(parts) => descend(parts, found),
        }
    }
}

/// Whether every bracket that closes was opened before, outside of quotes.
fn closed(text: &str) -> bool {
    let (mut depth, mut quoted) = (0i32, false);
    for c in text.chars() {
        match c {
            '\'' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth -= 1,
            _ => {}
        }
        if depth < 0 {
            return false;
        }
    }
    true
}

/// What may stand instead of the whole of an expression, its family being the same, and then of each of its parts.
fn replacements(tree: &Tree, grammar: &Grammar) -> Vec<Tree> {
    let leaves = &grammar.families[tree.family];
    let mut found: Vec<Tree> = tree.descendants().into_iter().filter(|t| t.family == tree.family).cloned().collect();
    found.extend(leaves.columns.iter().chain(leaves.literals.first()).map(|text| Tree::leaf(tree.family, text)));
    let with = |parts| Tree { family: tree.family, parts };
    found.extend(changes(&tree.parts, grammar).into_iter().map(with));
    found
}

/// These parts with one of them changed.
fn changes(parts: &[Part], grammar: &Grammar) -> Vec<Vec<Part>> {
    let mut found = vec![];
    for (i, part) in parts.iter().enumerate() {
        let mut put = |new: Option<Part>| {
            let mut parts = parts.to_vec();
            parts.splice(i..=i, new);
            found.push(parts);
        };
        match part {
            Part::Text(_) => {}
            Part::Argument(tree) => replacements(tree, grammar).into_iter().for_each(|new| put(Some(Part::Argument(new)))),
            Part::Optional(inside) => {
                put(None);
                changes(inside, grammar).into_iter().for_each(|new| put(Some(Part::Optional(new))));
            }
        }
    }
    found
}

/// The form of an expression: what stands in it for a literal or a column is left out. Names of columns are in lower case.
pub fn shape(sql: &str) -> String {
    let mut shape = String::new();
    let mut chars = sql.chars().peekable();
    let word = |c: &char| c.is_alphanumeric() || *c == '_' || *c == '.';
    while let Some(c) = chars.next() {
        if c == '\'' {
            while chars.next_if(|c| *c != '\'').is_some() {}
            chars.next();
            // DATE '…', X'…' and a literal alone are one.
            for prefix in ["DATE ", "TIMESTAMP ", "TIME ", "x", "-"] {
                shape = shape.strip_suffix(prefix).map_or(shape.clone(), str::to_string);
            }
            shape.push('?');
        } else if word(&c) {
            let mut text = String::from(c);
            while let Some(c) = chars.next_if(word) {
                text.push(c);
            }
            let named = text.chars().any(char::is_uppercase) && !c.is_ascii_digit() || (text == "x" && chars.peek() == Some(&'\''));
            shape.push_str(if named { &text } else { "?" });
        } else {
            shape.push(c);
        }
    }
    shape
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_around_all_of_it_go() {
        let text = |t: &str| Tree::leaf(0, t).sql();
        assert_eq!(text("(1 + 2)"), "1 + 2");
        assert_eq!(text("(1) + (2)"), "(1) + (2)");
        assert_eq!(text("(s = ')')"), "s = ')'");
    }

    #[test]
    fn a_shape_has_neither_literals_nor_columns() {
        assert_eq!(shape("CONCAT(at, 'it''s', DATE '2024-01-01', x'0102')"), "CONCAT(?, ??, ?, ?)");
        assert_eq!(shape("TRY_CAST(e38 AS DECIMAL(5, 2)) + 1e5"), "TRY_CAST(? AS DECIMAL(?, ?)) + ?");
    }
}
