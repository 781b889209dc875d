//! The expressions that queries have most, each against a plain Rust loop over the same arrays, as a ratio of times. They are planned and
//! lowered as those of a query are. `cargo xtask bench functions` runs it and writes bench/FUNCTIONS.md; an argument picks
//! expressions by a part of their text.

mod conditions;
mod data;
mod numbers;
mod texts;
mod times;

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{Array, ArrayRef, Int32Array, StringArray};
use arrow::datatypes::{Schema, SchemaRef};
use flott_engine::expr::{EvalContext, Expr};
use flott_sql::functions::Zone;
use flott_sql::lower::expr::lower_text;

use data::{BATCH_ROWS, Columns, ROWS};

/// Each side is measured so often, in turns; the fastest counts.
const ROUNDS: usize = 7;

/// What is wrong with an expression.
type Failure = Box<dyn std::error::Error>;

/// An expression and the loop that does the same.
pub type Case = (&'static str, fn(&Columns) -> ArrayRef);

/// A text array of the results of `f`, NULL where the text is.
pub fn map_text(texts: &StringArray, f: impl Fn(&str) -> Option<String>) -> ArrayRef {
    Arc::new(texts.iter().map(|text| text.and_then(&f)).collect::<StringArray>())
}

/// The same for whole numbers.
pub fn map_int(texts: &StringArray, f: impl Fn(&str) -> i32) -> ArrayRef {
    Arc::new(texts.iter().map(|text| text.map(&f)).collect::<Int32Array>())
}

/// The text with its columns in quotes: some are called like types.
fn quoted(sql: &str, schema: &Schema) -> String {
    let mut out = String::new();
    let mut literal = false;
    for word in sql.split_inclusive(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
        let end = word.len() - usize::from(!word.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_'));
        let (name, rest) = word.split_at(end);
        match !literal && schema.fields().iter().any(|f| f.name() == name) {
            true => out.extend(["`", name, "`"]),
            false => out.push_str(name),
        }
        out.push_str(rest);
        literal ^= rest == "'";
    }
    out
}

fn planned(sql: &str, schema: &SchemaRef) -> Result<Arc<dyn Expr>, Failure> {
    Ok(lower_text(&quoted(sql, schema), schema, Zone::UTC)?)
}

/// The fastest of several runs of both, in nanoseconds a row.
fn measure((sql, plain): Case, schema: &SchemaRef, batches: &[Columns]) -> Result<[f64; 2], Failure> {
    let expr = planned(sql, schema)?;
    let context = EvalContext { now_ms: 0, watermark: i64::MIN };
    let mut best = [Duration::MAX; 2];
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for columns in batches {
            black_box(expr.evaluate(&columns.batch, &context)?);
        }
        best[0] = best[0].min(start.elapsed());
        let start = Instant::now();
        for columns in batches {
            black_box(plain(columns));
        }
        best[1] = best[1].min(start.elapsed());
    }
    Ok(best.map(|time| time.as_nanos() as f64 / ROWS as f64))
}

/// How many rows differ between both: plain loops are no tests, but should not compute something else.
fn differing((sql, plain): Case, schema: &SchemaRef, columns: &Columns) -> Result<usize, Failure> {
    let own = planned(sql, schema)?.evaluate(&columns.batch, &EvalContext { now_ms: 0, watermark: i64::MIN })?;
    let plain = plain(columns);
    let text = |array: &ArrayRef| {
        arrow::util::display::ArrayFormatter::try_new(array, &Default::default())
            .map(|f| (0..array.len()).map(|i| f.value(i).to_string()).collect::<Vec<_>>())
    };
    Ok(text(&own)?.iter().zip(text(&plain)?).filter(|(a, b)| *a != b).count())
}

fn main() -> Result<(), Failure> {
    let wanted = std::env::args().nth(1).unwrap_or_default().to_lowercase();
    let batches = data::batches()?;
    let schema = batches[0].batch.schema();
    let all = texts::cases().into_iter().chain(numbers::cases()).chain(conditions::cases()).chain(times::cases());
    println!("{ROWS} rows in batches of {BATCH_ROWS}, one NULL in 20; the fastest of {ROUNDS} runs on each side, in turns.\n");
    println!("| expression | Flott, ns a row | plain loop, ns a row | ratio |\n| --- | ---: | ---: | ---: |");
    let (mut ratios, mut slow) = (vec![], 0);
    for case in all.filter(|(sql, _)| sql.to_lowercase().contains(&wanted)) {
        let [own, plain] = measure(case, &schema, &batches).map_err(|e| format!("{}: {e}", case.0))?;
        let ratio = own / plain;
        slow += usize::from(ratio > 2.0);
        ratios.push(ratio.ln());
        println!("| `{}` | {own:.1} | {plain:.1} | {ratio:.2} |", case.0.replace('|', "\\|"));
        let differing = differing(case, &schema, &batches[0])?;
        if differing > 0 {
            eprintln!("{}: {differing} of {BATCH_ROWS} rows differ from those of the plain loop", case.0);
        }
    }
    let mean = (ratios.iter().sum::<f64>() / ratios.len().max(1) as f64).exp();
    println!("\n{} expressions, geometric mean of the ratios {mean:.2}, {slow} over 2.", ratios.len());
    Ok(())
}
