//! Process table functions: `FROM_CHANGELOG(input => TABLE t, op => DESCRIPTOR(c), op_mapping => MAP[…])` and `TO_CHANGELOG(…)`.

use sqlparser::ast::{Expr, FunctionArg, FunctionArgExpr, Ident, Spanned, Value};

use super::error::{SyntaxError, did_you_mean};
use super::tvf::{TvfData, call_parts, read_table_argument};

/// Which function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangelogFunction {
    From,
    To,
}

/// A call of one of them.
#[derive(Debug, Clone)]
pub struct ChangelogCall {
    pub function: ChangelogFunction,
    pub input: TvfData,
    /// The column that tells the kind of change, if it is named.
    pub op: Option<Ident>,
    /// Keys and values of `op_mapping`, as written.
    pub mapping: Option<Vec<(String, String)>>,
}

/// Names of the arguments, in their order.
const ARGUMENTS: [&str; 3] = ["input", "op", "op_mapping"];

impl ChangelogFunction {
    /// The function's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::From => "FROM_CHANGELOG",
            Self::To => "TO_CHANGELOG",
        }
    }

    fn usage(self) -> String {
        format!("write {}(input => TABLE t [, op => DESCRIPTOR(column)] [, op_mapping => MAP['key', 'value', …]])", self.name())
    }
}

/// Reads the call of such a function. None when `name` is another function.
///
/// # Errors
/// When an argument is missing, unknown or of the wrong form. The error has a span and no byte range:
/// call [`SyntaxError::locate`].
pub fn changelog_call(name: &str, args: &[FunctionArg]) -> Option<Result<ChangelogCall, SyntaxError>> {
    let all = [ChangelogFunction::From, ChangelogFunction::To];
    let function = all.into_iter().find(|f| f.name().eq_ignore_ascii_case(name))?;
    Some(read_call(function, args))
}

fn read_call(function: ChangelogFunction, args: &[FunctionArg]) -> Result<ChangelogCall, SyntaxError> {
    let mut given: [Option<Expr>; 3] = [None, None, None];
    for (place, arg) in args.iter().enumerate() {
        let wrong = |message: String| SyntaxError::at_span(arg.span(), message).with_help(function.usage());
        let (slot, value) = match arg {
            FunctionArg::Named { name, arg, .. } => (argument(function, name)?, arg),
            FunctionArg::Unnamed(arg) if place < ARGUMENTS.len() => (place, arg),
            _ => return Err(wrong(format!("{} takes at most {} arguments", function.name(), ARGUMENTS.len()))),
        };
        let FunctionArgExpr::Expr(expr) = value else { return Err(wrong(format!("`*` is not an argument of {}", function.name()))) };
        if given[slot].replace(expr.clone()).is_some() {
            return Err(wrong(format!("the argument {} is given twice", ARGUMENTS[slot])));
        }
    }
    let span = args.iter().map(Spanned::span).reduce(|a, b| a.union(&b)).unwrap_or_else(sqlparser::tokenizer::Span::empty);
    let [input, op, mapping] = given;
    let input =
        input.ok_or_else(|| SyntaxError::at_span(span, format!("{} needs a table", function.name())).with_help(function.usage()))?;
    let (data, partition) = read_table_argument(&input).ok_or_else(|| {
        SyntaxError::at_span(input.span(), format!("the first argument of {} is a table", function.name())).with_help(function.usage())
    })?;
    if !partition.is_empty() {
        let message = format!("{} looks at one row at a time: its table cannot be partitioned", function.name());
        return Err(SyntaxError::at_span(input.span(), message).with_help("leave PARTITION BY out"));
    }
    Ok(ChangelogCall {
        function,
        input: data,
        op: op.map(|op| column(&op)).transpose()?,
        mapping: mapping.map(|mapping| entries(&mapping)).transpose()?,
    })
}

fn argument(function: ChangelogFunction, name: &Ident) -> Result<usize, SyntaxError> {
    if let Some(slot) = ARGUMENTS.iter().position(|a| a.eq_ignore_ascii_case(&name.value)) {
        return Ok(slot);
    }
    let help = match did_you_mean(&name.value, ARGUMENTS) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("its arguments are {}", ARGUMENTS.join(", ")),
    };
    Err(SyntaxError::at_span(name.span, format!("{} has no argument `{}`", function.name(), name.value)).with_help(help))
}

fn column(expr: &Expr) -> Result<Ident, SyntaxError> {
    match call_parts(expr) {
        Some((name, args)) if name.eq_ignore_ascii_case("DESCRIPTOR") => match args.as_slice() {
            [Expr::Identifier(column)] => Ok(column.clone()),
            _ => Err(SyntaxError::at_span(expr.span(), "DESCRIPTOR takes the name of one column here")),
        },
        _ => Err(SyntaxError::at_span(expr.span(), "the argument op is a column").with_help("write op => DESCRIPTOR(column)")),
    }
}

fn entries(expr: &Expr) -> Result<Vec<(String, String)>, SyntaxError> {
    let text = |e: &Expr| match e {
        Expr::Value(v) => match &v.value {
            Value::SingleQuotedString(text) => Some(text.clone()),
            _ => None,
        },
        _ => None,
    };
    let texts: Option<Vec<String>> = match call_parts(expr) {
        Some((name, args)) if name.eq_ignore_ascii_case("map") => args.iter().map(text).collect(),
        _ => None,
    };
    let wrong = || SyntaxError::at_span(expr.span(), "the argument op_mapping is a map of texts").with_help("write MAP['key', 'value', …]");
    Ok(texts.ok_or_else(wrong)?.chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect())
}
