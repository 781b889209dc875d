//! Window table-valued functions: `TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE)` and its kin.
//!
//! sqlparser has no `TABLE t` argument. The hook turns it into a call of the function `$table`, whose first
//! argument is the table's name or the sub-query; [`window_tvf`] turns the whole call into a [`TvfCall`].

use sqlparser::ast::{Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, ObjectName, Query, Spanned};
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Span, Token};

use super::calls::{call_at, text};
use super::cursor::{Step, at, behind, eat_all, expected, object_name_with_hint};
use super::error::{SyntaxError, did_you_mean};
use super::hints::{Hint, table_hints};

const TABLE_ARGUMENT: &str = "$table";
const PARTITION_BY: &str = "$partition_by";
const ORDER_BY: &str = "$order_by";
const HINTS: &str = "$hints";

/// Which windows a function assigns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TvfKind {
    Tumble,
    Hop,
    Cumulate,
    Session,
}

/// A window function of a `FROM` clause.
#[derive(Debug, Clone)]
pub struct TvfCall {
    pub kind: TvfKind,
    pub data: TvfData,
    /// Keys after `PARTITION BY`; only `SESSION` uses them.
    pub partition_by: Vec<Expr>,
    /// Keys after `ORDER BY`; window functions ignore them.
    pub order_by: Vec<Expr>,
    /// The column in `DESCRIPTOR`.
    pub time_col: Ident,
    /// The other arguments by name: `SIZE`, `SLIDE`, `STEP`, `GAP`, `OFFSET`, `EMITONLYONUPDATE`.
    pub args: Vec<(&'static str, Expr)>,
    /// From the first argument to the last.
    pub span: Span,
}

impl TvfCall {
    /// The argument called `name`, in upper case.
    pub fn arg(&self, name: &str) -> Option<&Expr> {
        self.args.iter().find(|(n, _)| *n == name).map(|(_, expr)| expr)
    }
}

/// What the windows are laid over.
#[derive(Debug, Clone)]
pub enum TvfData {
    Table { name: ObjectName, hints: Vec<Hint> },
    Query(Box<Query>),
}

impl TvfKind {
    fn of(name: &str) -> Option<Self> {
        let all = [Self::Tumble, Self::Hop, Self::Cumulate, Self::Session];
        all.into_iter().find(|kind| kind.name().eq_ignore_ascii_case(name))
    }

    /// The function's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tumble => "TUMBLE",
            Self::Hop => "HOP",
            Self::Cumulate => "CUMULATE",
            Self::Session => "SESSION",
        }
    }

    /// Parameters after `DATA` and `TIMECOL`: those that must be there, then those that may.
    fn parameters(self) -> (&'static [&'static str], &'static [&'static str]) {
        match self {
            Self::Tumble => (&["SIZE"], &["OFFSET"]),
            Self::Hop => (&["SLIDE", "SIZE"], &["OFFSET"]),
            Self::Cumulate => (&["STEP", "SIZE"], &["OFFSET", "EMITONLYONUPDATE"]),
            Self::Session => (&["GAP"], &[]),
        }
    }

    fn usage(self) -> &'static str {
        match self {
            Self::Tumble => "write TUMBLE(TABLE t, DESCRIPTOR(time_column), size [, offset])",
            Self::Hop => "write HOP(TABLE t, DESCRIPTOR(time_column), slide, size [, offset])",
            Self::Cumulate => "write CUMULATE(TABLE t, DESCRIPTOR(time_column), step, size [, offset])",
            Self::Session => "write SESSION(TABLE t [PARTITION BY (keys)], DESCRIPTOR(time_column), gap)",
        }
    }
}

/// A table argument after the word `TABLE`.
pub(super) fn table_argument(p: &mut Parser) -> Step<Expr> {
    let span = behind(p);
    let mut args = vec![];
    if p.consume_token(&Token::LParen) {
        args.push(Expr::Subquery(p.parse_query()?));
        if !p.consume_token(&Token::RParen) {
            return Err(expected(p, "`)`", &[]));
        }
    } else {
        let (name, hint) = object_name_with_hint(p, "a table")?;
        let parts = name.0.iter().filter_map(|part| part.as_ident().cloned()).collect();
        args.push(Expr::CompoundIdentifier(parts));
        args.extend(hint.map(|h| call_at(HINTS, vec![text(&h.value, h.span)], h.span)));
    }
    for (words, carrier) in [(["PARTITION", "BY"], PARTITION_BY), (["ORDER", "BY"], ORDER_BY)] {
        if eat_all(p, &words) {
            args.push(call_at(carrier, keys(p)?, span));
        }
    }
    Ok(call_at(TABLE_ARGUMENT, args, span))
}

/// One key, or several in parentheses: a comma outside them starts the next argument.
fn keys(p: &mut Parser) -> Step<Vec<Expr>> {
    let keys = match p.parse_expr()? {
        Expr::Tuple(keys) => keys,
        Expr::Nested(key) => vec![*key],
        key => vec![key],
    };
    // the direction does not matter here
    let _ = (at(p, "ASC") || at(p, "DESC")).then(|| p.advance_token());
    Ok(keys)
}

/// Reads the call of a window function. None when `name` is another function.
///
/// # Errors
/// When an argument is missing, unknown or of the wrong form. The error has a span and no byte range:
/// call [`SyntaxError::locate`].
pub fn window_tvf(name: &str, args: &[FunctionArg]) -> Option<Result<TvfCall, SyntaxError>> {
    TvfKind::of(name).map(|kind| read_call(kind, args))
}

fn read_call(kind: TvfKind, args: &[FunctionArg]) -> Result<TvfCall, SyntaxError> {
    let span = args.iter().map(Spanned::span).fold(Span::empty(), |a, b| a.union(&b));
    let (required, optional) = kind.parameters();
    let names: Vec<&'static str> = ["DATA", "TIMECOL"].iter().chain(required).chain(optional).copied().collect();
    let mut given = assign(kind, &names, args)?;
    let mut take = |name: &str| {
        let i = given.iter().position(|(n, _)| *n == name);
        i.map(|i| given.remove(i).1)
    };
    let missing = |what: &str| {
        let message = format!("{} needs {what}", kind.name());
        SyntaxError::at_span(span, message).with_help(kind.usage())
    };
    let data = take("DATA").ok_or_else(|| missing("a table"))?;
    let time = take("TIMECOL").ok_or_else(|| missing("a time column"))?;
    for name in required {
        if !given.iter().any(|(n, _)| n == name) {
            return Err(missing(&format!("the argument {name}")));
        }
    }
    let time_col = descriptor(kind, &time)?;
    let (data, partition_by, order_by) = read_table(kind, &data)?;
    Ok(TvfCall { kind, data, partition_by, order_by, time_col, args: given, span })
}

/// Gives every argument its parameter.
fn assign(kind: TvfKind, names: &[&'static str], args: &[FunctionArg]) -> Result<Vec<(&'static str, Expr)>, SyntaxError> {
    let mut given: Vec<(&'static str, Expr)> = vec![];
    for (i, arg) in args.iter().enumerate() {
        let span = arg.span();
        let (name, arg) = match arg {
            FunctionArg::Named { name, arg, .. } => (named(kind, names, name)?, arg),
            FunctionArg::Unnamed(arg) => match names.get(i) {
                Some(name) => (*name, arg),
                None => {
                    let message = format!("{} takes at most {} arguments", kind.name(), names.len());
                    return Err(SyntaxError::at_span(span, message).with_help(kind.usage()));
                }
            },
            FunctionArg::ExprNamed { .. } => {
                return Err(SyntaxError::at_span(span, "an argument's name is a plain word"));
            }
        };
        let FunctionArgExpr::Expr(expr) = arg else {
            return Err(SyntaxError::at_span(span, format!("`*` is not an argument of {}", kind.name())));
        };
        if given.iter().any(|(n, _)| *n == name) {
            return Err(SyntaxError::at_span(span, format!("the argument {name} is given twice")));
        }
        given.push((name, expr.clone()));
    }
    Ok(given)
}

fn named(kind: TvfKind, names: &[&'static str], name: &Ident) -> Result<&'static str, SyntaxError> {
    if let Some(known) = names.iter().find(|n| n.eq_ignore_ascii_case(&name.value)) {
        return Ok(known);
    }
    let message = format!("{} has no argument `{}`", kind.name(), name.value);
    let help = match did_you_mean(&name.value, names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("its arguments are {}", names.join(", ")),
    };
    Err(SyntaxError::at_span(name.span, message).with_help(help))
}

fn descriptor(kind: TvfKind, expr: &Expr) -> Result<Ident, SyntaxError> {
    if let Some((name, args)) = call_parts(expr)
        && name.eq_ignore_ascii_case("DESCRIPTOR")
    {
        return match args.as_slice() {
            [Expr::Identifier(column)] => Ok(column.clone()),
            _ => Err(SyntaxError::at_span(expr.span(), "DESCRIPTOR takes the name of one column")),
        };
    }
    let message = format!("the second argument of {} is the time column, in DESCRIPTOR", kind.name());
    let help = match expr {
        Expr::Identifier(column) => format!("write DESCRIPTOR({column})"),
        _ => kind.usage().to_string(),
    };
    Err(SyntaxError::at_span(expr.span(), message).with_help(help))
}

/// A table argument with its PARTITION BY; `None` if the expression is something else.
pub(super) fn read_table_argument(expr: &Expr) -> Option<(TvfData, Vec<Expr>)> {
    let (data, partition_by, _) = read_table(TvfKind::Tumble, expr).ok()?;
    Some((data, partition_by))
}

fn read_table(kind: TvfKind, expr: &Expr) -> Result<(TvfData, Vec<Expr>, Vec<Expr>), SyntaxError> {
    if let Expr::Subquery(query) = expr {
        return Ok((TvfData::Query(query.clone()), vec![], vec![]));
    }
    let (table, extras) = match call_parts(expr) {
        Some((TABLE_ARGUMENT, args)) => args.split_first().map(|(t, e)| (t.clone(), e.to_vec())),
        _ => None,
    }
    .ok_or_else(|| not_a_table(kind, expr))?;
    let (mut hints, mut partition_by, mut order_by) = (vec![], vec![], vec![]);
    for extra in extras {
        match call_parts(&extra) {
            Some((HINTS, args)) => hints = table_hints(&args),
            Some((PARTITION_BY, args)) => partition_by = args,
            Some((ORDER_BY, args)) => order_by = args,
            _ => {}
        }
    }
    let data = match table {
        Expr::Subquery(query) => TvfData::Query(query),
        Expr::CompoundIdentifier(parts) => TvfData::Table { name: ObjectName::from(parts), hints },
        _ => return Err(not_a_table(kind, expr)),
    };
    Ok((data, partition_by, order_by))
}

fn not_a_table(kind: TvfKind, expr: &Expr) -> SyntaxError {
    let message = format!("the first argument of {} is a table", kind.name());
    let help = match expr {
        Expr::Identifier(_) | Expr::CompoundIdentifier(_) => format!("write TABLE {expr}"),
        _ => kind.usage().to_string(),
    };
    SyntaxError::at_span(expr.span(), message).with_help(help)
}

/// Name and plain arguments of a function call.
pub(super) fn call_parts(expr: &Expr) -> Option<(&str, Vec<Expr>)> {
    let Expr::Function(function) = expr else { return None };
    let FunctionArguments::List(list) = &function.args else { return None };
    let [part] = function.name.0.as_slice() else { return None };
    let args = list.args.iter().map(|arg| match arg {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(e)) => Some(e.clone()),
        _ => None,
    });
    Some((part.as_ident()?.value.as_str(), args.collect::<Option<Vec<_>>>()?))
}
