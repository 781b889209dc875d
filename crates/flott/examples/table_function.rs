//! A table function in Rust: the words of a text, each with its length, by LATERAL TABLE.

use std::sync::Arc;

use flott::arrow::array::{ArrayRef, AsArray, Int32Array, StringArray};
use flott::own::{Rows, Signature};

/// A row for each word; none for NULL.
fn words(args: &[ArrayRef], _rows: usize) -> flott::Result<Rows> {
    let (mut of, mut words, mut lengths) = (vec![], vec![], vec![]);
    for (row, text) in args[0].as_string::<i32>().iter().enumerate() {
        for word in text.unwrap_or_default().split_whitespace() {
            of.push(row as u32);
            words.push(word);
            lengths.push(word.chars().count() as i32);
        }
    }
    Ok(Rows { of, columns: vec![Arc::new(StringArray::from(words)), Arc::new(Int32Array::from(lengths))] })
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut options = flott::RunOptions::default();
    options.functions.table("words", Signature::of(&["STRING"], "ROW<word STRING, length INT>")?, words);
    let sql = "SELECT id, v.w, v.l
               FROM (VALUES (1, 'the way of a row'), (2, ''), (3, 'one loop')) AS t(id, line)
               LEFT JOIN LATERAL TABLE(words(line)) AS v(w, l) ON TRUE";
    for (_, row) in flott::collect(sql, &options)?.rows {
        let cells: Vec<&str> = row.iter().map(|cell| cell.as_deref().unwrap_or("-")).collect();
        println!("{}", cells.join(" "));
    }
    Ok(())
}
