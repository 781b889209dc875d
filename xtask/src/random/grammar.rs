//! Reads `grammar.txt`: the rows, what stands for a family of types without arguments, and the forms of expressions.

use std::collections::BTreeMap;

use crate::Result;

const TEXT: &str = include_str!("grammar.txt");

/// Between the values of a column, and between literals.
const SEPARATOR: &str = " ; ";

/// Types that go together, as an index into [`Grammar::families`].
pub type Family = usize;

/// What stands for a family of types without arguments.
#[derive(Debug, Default)]
pub struct Leaves {
    pub columns: Vec<String>,
    pub literals: Vec<String>,
}

/// A part of a form.
#[derive(Debug, Clone, PartialEq)]
pub enum Piece {
    Text(String),
    /// One of several words.
    Choice(Vec<String>),
    Argument(Slot),
    /// What may be left out.
    Optional(Vec<Piece>),
}

/// What an argument, or a result, is.
#[derive(Debug, Clone, PartialEq)]
pub enum Slot {
    /// One of these families.
    OneOf(Vec<Family>),
    /// The family for which this letter stands in the form, one of these.
    Letter(char, Vec<Family>),
}

impl Slot {
    /// The families that can stand here.
    pub fn families(&self) -> &[Family] {
        match self {
            Slot::OneOf(families) | Slot::Letter(_, families) => families,
        }
    }
}

/// An operator, a function or another form of an expression.
#[derive(Debug)]
pub struct Form {
    pub result: Slot,
    pub pieces: Vec<Piece>,
}

/// All of the file.
#[derive(Debug, Default)]
pub struct Grammar {
    pub families: Vec<Leaves>,
    pub forms: Vec<Form>,
    names: BTreeMap<String, Slot>,
    /// The definition of each column: its name, and its values with their type.
    columns: Vec<(String, Vec<String>)>,
}

impl Grammar {
    /// The grammar of this file's neighbour.
    ///
    /// # Errors
    /// When a line is not understood.
    pub fn read() -> Result<Self> {
        let mut grammar = Self::default();
        for (number, line) in TEXT.lines().enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
            grammar.add(line).map_err(|e| format!("grammar.txt, line {}: {e}", number + 1))?;
        }
        Ok(grammar)
    }

    fn add(&mut self, line: &str) -> Result<()> {
        let (head, body) = line.split_once(": ").ok_or_else(|| format!("`{line}` has no colon"))?;
        match head.split(' ').collect::<Vec<_>>()[..] {
            ["column", family, name, ..] => {
                let column_type = head.splitn(4, ' ').nth(3).ok_or("a column has a type")?;
                let values = body.split(SEPARATOR).map(|value| format!("CAST({value} AS {column_type})")).collect();
                self.columns.push((name.to_string(), values));
                self.leaves(family).columns.push(name.to_string());
            }
            ["values", family] => self.leaves(family).literals.extend(body.split(SEPARATOR).map(str::to_string)),
            ["class", name] => {
                let families = body.split(' ').map(|name| Ok(self.slot(name)?.families().to_vec())).collect::<Result<Vec<_>>>()?;
                self.names.insert(name.to_string(), Slot::OneOf(families.concat()));
            }
            ["letter", name] => {
                let families = self.slot(body)?.families().to_vec();
                let letter = name.chars().next().ok_or("a letter has a name")?;
                self.names.insert(name.to_string(), Slot::Letter(letter, families));
            }
            [result] => {
                let form = Form { result: self.slot(result)?, pieces: self.pieces(body)? };
                self.forms.push(form);
            }
            _ => return Err(format!("`{head}` is not known")),
        }
        Ok(())
    }

    /// The leaves of a family, which is made if it is new.
    fn leaves(&mut self, name: &str) -> &mut Leaves {
        let family = match self.names.get(name) {
            Some(slot) => slot.families()[0],
            None => {
                self.families.push(Leaves::default());
                self.families.len() - 1
            }
        };
        self.names.entry(name.to_string()).or_insert_with(|| Slot::OneOf(vec![family]));
        &mut self.families[family]
    }

    fn slot(&self, name: &str) -> Result<Slot> {
        self.names.get(name).cloned().ok_or_else(|| format!("`{name}` is no family, class or letter"))
    }

    fn pieces(&self, form: &str) -> Result<Vec<Piece>> {
        let mut pieces = vec![];
        let mut rest = form;
        while let Some(start) = rest.find('{') {
            if start > 0 {
                pieces.push(Piece::Text(rest[..start].to_string()));
            }
            let length = braced(&rest[start..]).ok_or_else(|| format!("a brace is open in `{form}`"))?;
            let inside = &rest[start + 1..start + length - 1];
            pieces.push(if let Some(optional) = inside.strip_prefix('?') {
                Piece::Optional(self.pieces(optional)?)
            } else if inside.contains('|') {
                Piece::Choice(inside.split('|').map(str::to_string).collect())
            } else {
                Piece::Argument(self.slot(inside)?)
            });
            rest = &rest[start + length..];
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_string()));
        }
        Ok(pieces)
    }

    /// What follows `@rows` in a file of expressions.
    pub fn rows(&self) -> String {
        let count = self.columns.first().map_or(0, |(_, values)| values.len());
        let row = |i: usize| self.columns.iter().map(|(_, values)| values[i].as_str()).collect::<Vec<_>>().join(", ");
        let rows: Vec<String> = (0..count).map(|i| format!("({})", row(i))).collect();
        let names: Vec<&str> = self.columns.iter().map(|(name, _)| name.as_str()).collect();
        format!("{} AS ({})", rows.join(", "), names.join(", "))
    }
}

/// Length of a text in braces, with them.
fn braced(text: &str) -> Option<usize> {
    let mut depth = 0;
    for (i, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 1 => return Some(i + 1),
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_family_has_leaves_and_every_column_a_value_in_each_row() {
        let grammar = Grammar::read().unwrap();
        assert!(grammar.families.iter().all(|leaves| !leaves.columns.is_empty() || !leaves.literals.is_empty()));
        let rows = grammar.columns[0].1.len();
        assert!(grammar.columns.iter().all(|(_, values)| values.len() == rows), "{:?}", grammar.columns);
    }

    #[test]
    fn forms_hold_arguments_choices_and_optional_parts() {
        let grammar = Grammar::read().unwrap();
        let int = grammar.slot("int").unwrap();
        let pieces = grammar.pieces("F({int}{?, {A|B}})").unwrap();
        let optional = vec![Piece::Text(", ".into()), Piece::Choice(vec!["A".into(), "B".into()])];
        let expected = [Piece::Text("F(".into()), Piece::Argument(int), Piece::Optional(optional), Piece::Text(")".into())];
        assert_eq!(pieces, expected);
        assert!(grammar.pieces("F({unknown})").is_err());
        assert!(grammar.pieces("F({int").is_err());
    }
}
