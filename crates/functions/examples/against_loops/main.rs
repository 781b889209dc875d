//! The functions that queries call most, each against a plain Rust loop over the same arrays, as a ratio of times. `cargo xtask bench
//! functions` runs it and writes bench/FUNCTIONS.md; an argument picks functions by a part of their names.

mod data;
mod numbers;
mod texts;
mod times;

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{Array, ArrayRef, Int32Array, StringArray};
use arrow::datatypes::{Field, FieldRef};
use datafusion_common::config::ConfigOptions;
use datafusion_common::{Result, ScalarValue};
use datafusion_expr::{ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF};

use data::{BATCH_ROWS, Columns, ROWS};

/// Each side is measured so often, in turns; the fastest counts.
const ROUNDS: usize = 7;

/// An argument of a call.
pub enum Arg {
    /// A column of the data.
    Column(fn(&Columns) -> ArrayRef),
    /// The same for all rows.
    Constant(ScalarValue),
}

/// A call and the loop that does the same.
pub struct Case {
    /// As SQL writes it.
    pub sql: &'static str,
    pub function: Arc<ScalarUDF>,
    pub args: Vec<Arg>,
    pub plain: fn(&Columns) -> ArrayRef,
}

/// A case of a function by its name; unknown names are left out, and told.
pub fn case(sql: &'static str, name: &str, args: Vec<Arg>, plain: fn(&Columns) -> ArrayRef) -> Option<Case> {
    let function = flott_functions::find(name);
    if function.is_none() {
        eprintln!("no function {name}");
    }
    Some(Case { sql, function: function?, args, plain })
}

/// A text for all rows.
pub fn text(value: &str) -> Arg {
    Arg::Constant(ScalarValue::Utf8(Some(value.to_string())))
}

/// A number for all rows.
pub fn int(value: i32) -> Arg {
    Arg::Constant(ScalarValue::Int32(Some(value)))
}

/// A text array of the results of `f`, NULL where the text is.
pub fn map_text(texts: &StringArray, f: impl Fn(&str) -> Option<String>) -> ArrayRef {
    Arc::new(texts.iter().map(|text| text.and_then(&f)).collect::<StringArray>())
}

/// The same for whole numbers.
pub fn map_int(texts: &StringArray, f: impl Fn(&str) -> i32) -> ArrayRef {
    Arc::new(texts.iter().map(|text| text.map(&f)).collect::<Int32Array>())
}

struct Bound<'a> {
    case: &'a Case,
    fields: Vec<FieldRef>,
    returns: FieldRef,
    options: Arc<ConfigOptions>,
}

impl<'a> Bound<'a> {
    fn new(case: &'a Case, sample: &Columns) -> Result<Self> {
        let mut fields: Vec<FieldRef> = vec![];
        let mut constants = vec![];
        for arg in &case.args {
            let (data_type, constant) = match arg {
                Arg::Column(of) => (of(sample).data_type().clone(), None),
                Arg::Constant(value) => (value.data_type(), Some(value)),
            };
            fields.push(Arc::new(Field::new("a", data_type, constant.is_none())));
            constants.push(constant);
        }
        let returns = case.function.return_field_from_args(ReturnFieldArgs { arg_fields: &fields, scalar_arguments: &constants })?;
        Ok(Self { case, fields, returns, options: Arc::default() })
    }

    fn call(&self, columns: &Columns) -> Result<ColumnarValue> {
        let arg = |arg: &Arg| match arg {
            Arg::Column(of) => ColumnarValue::Array(of(columns)),
            Arg::Constant(value) => ColumnarValue::Scalar(value.clone()),
        };
        self.case.function.invoke_with_args(ScalarFunctionArgs {
            args: self.case.args.iter().map(arg).collect(),
            arg_fields: self.fields.clone(),
            number_rows: columns.rows(),
            return_field: self.returns.clone(),
            config_options: self.options.clone(),
        })
    }
}

/// The fastest of several runs of both, in nanoseconds a row.
fn measure(case: &Case, batches: &[Columns]) -> Result<[f64; 2]> {
    let bound = Bound::new(case, &batches[0])?;
    let mut best = [Duration::MAX; 2];
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for columns in batches {
            black_box(bound.call(columns)?);
        }
        best[0] = best[0].min(start.elapsed());
        let start = Instant::now();
        for columns in batches {
            black_box((case.plain)(columns));
        }
        best[1] = best[1].min(start.elapsed());
    }
    Ok(best.map(|time| time.as_nanos() as f64 / ROWS as f64))
}

fn main() -> Result<()> {
    let wanted = std::env::args().nth(1).unwrap_or_default().to_lowercase();
    let batches = data::batches();
    let all = texts::cases().into_iter().chain(numbers::cases()).chain(times::cases()).flatten();
    println!("{} rows in batches of {BATCH_ROWS}, one NULL in 20; the fastest of {ROUNDS} runs on each side, in turns.\n", ROWS);
    println!("| call | function, ns a row | plain loop, ns a row | ratio |\n| --- | ---: | ---: | ---: |");
    let (mut ratios, mut slow) = (vec![], 0);
    for case in all.filter(|case| case.sql.to_lowercase().contains(&wanted)) {
        let [own, plain] = measure(&case, &batches)?;
        let ratio = own / plain;
        slow += usize::from(ratio > 2.0);
        ratios.push(ratio.ln());
        println!("| `{}` | {own:.1} | {plain:.1} | {ratio:.2} |", case.sql);
    }
    let mean = (ratios.iter().sum::<f64>() / ratios.len().max(1) as f64).exp();
    println!("\n{} calls, geometric mean of the ratios {mean:.2}, {slow} over 2.", ratios.len());
    Ok(())
}
