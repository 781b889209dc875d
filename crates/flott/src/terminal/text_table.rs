//! Aligned text tables, also for rows that come little by little.

use unicode_width::UnicodeWidthStr;

use super::figures::one_line;

/// Widest column that others are aligned to; a longer value is shown whole and moves the rest of its line.
const WIDTH_MAX: usize = 48;
/// Between two columns.
const GAP: &str = "  ";

/// A table whose rows are laid out batch by batch. Columns grow with their values and never shrink.
#[derive(Debug)]
pub struct TextTable {
    names: Vec<String>,
    right_aligned: Vec<bool>,
    widths: Vec<usize>,
    width_max: usize,
}

impl TextTable {
    /// A table with columns of these names; numbers are aligned to the right.
    pub fn new(columns: impl IntoIterator<Item = (String, bool)>) -> Self {
        let (names, right_aligned): (Vec<_>, Vec<_>) = columns.into_iter().map(|(name, right)| (one_line(&name), right)).unzip();
        let widths = names.iter().map(|name| name.width().min(WIDTH_MAX)).collect();
        Self { names, right_aligned, widths, width_max: WIDTH_MAX }
    }

    /// The same, with columns as wide as their longest value: for names that are looked up and copied.
    pub fn wide(self) -> Self {
        Self { width_max: usize::MAX, ..self }
    }

    /// A table of texts.
    pub fn of_texts<S: AsRef<str>>(names: &[S]) -> Self {
        Self::new(names.iter().map(|name| (name.as_ref().to_owned(), false)))
    }

    /// Makes columns wide enough for these rows.
    pub fn fit<S: AsRef<str>>(&mut self, rows: &[Vec<S>]) {
        for row in rows {
            for (width, cell) in self.widths.iter_mut().zip(row) {
                *width = (*width).max(one_line(cell.as_ref()).width().min(self.width_max));
            }
        }
    }

    /// The names of the columns and a rule below them.
    pub fn header(&self) -> String {
        let rules: Vec<String> = self.widths.iter().map(|width| "-".repeat(*width)).collect();
        self.line(&self.names) + &self.line(&rules)
    }

    /// A line for each row. Fits the columns to them first.
    pub fn body<S: AsRef<str>>(&mut self, rows: &[Vec<S>]) -> String {
        self.fit(rows);
        rows.iter().map(|row| self.line(row)).collect()
    }

    fn line<S: AsRef<str>>(&self, cells: &[S]) -> String {
        let mut line = String::new();
        for (i, cell) in cells.iter().enumerate() {
            let text = one_line(cell.as_ref());
            let room = self.widths.get(i).map_or(0, |width| width.saturating_sub(text.width()));
            if i > 0 {
                line.push_str(GAP);
            }
            if self.right_aligned.get(i) == Some(&true) {
                line.extend(std::iter::repeat_n(' ', room));
                line.push_str(&text);
            } else {
                line.push_str(&text);
                line.extend(std::iter::repeat_n(' ', room));
            }
        }
        line.truncate(line.trim_end_matches(' ').len());
        line.push('\n');
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_grow() {
        let mut table = TextTable::new([("name".to_owned(), false), ("n".to_owned(), true)]);
        table.fit(&[vec!["Zürich", "1"], vec!["東京", "1000"]]);
        let first = table.header() + &table.body(&[vec!["Zürich", "1"], vec!["東京", "1000"]]);
        assert_eq!(first, "name       n\n------  ----\nZürich     1\n東京    1000\n");
        assert_eq!(table.body(&[vec!["Amsterdam", "2"]]), "Amsterdam     2\n");
        assert_eq!(table.body(&[vec!["a\nb", "3"]]), "a\\nb          3\n");
    }

    #[test]
    fn a_long_value_is_whole_and_others_stay_near() {
        let long = "x".repeat(100);
        let mut table = TextTable::of_texts(&["a", "b"]);
        let text = table.body(&[vec![long.as_str(), "1"], vec!["y", "2"]]);
        assert_eq!(text, format!("{long}  1\ny{}  2\n", " ".repeat(47)));
        let text = TextTable::of_texts(&["a", "b"]).wide().body(&[vec![long.as_str(), "1"], vec!["y", "2"]]);
        assert_eq!(text, format!("{long}  1\ny{}  2\n", " ".repeat(99)));
    }
}
