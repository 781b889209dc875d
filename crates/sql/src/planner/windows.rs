//! The windows of OVER, settled before a query is planned: names of the WINDOW clause give way to what they stand for, and every
//! frame is one that a stream, or a batch job, can have.

mod frames;

use sqlparser::ast::{
    BinaryOperator, DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, NamedWindowDefinition,
    NamedWindowExpr, Query, Select, SelectItem, Value, WindowFrame, WindowFrameBound, WindowFrameUnits, WindowSpec, WindowType,
};

use super::context::{is_over_function, scalar_function};
use super::window_functions::AHEAD;
use crate::dialect::{Flow, IntervalValue, Pass, interval_value, walk_expr, walk_query};
use crate::error::{SqlError, SqlResult};

/// Settles the windows of all SELECTs of a query. A `RANGE` of milliseconds is written as `GROUPS`, which Flink has not: the
/// planner takes a plain number there.
pub fn settle(query: &mut Query, batch: bool) -> SqlResult<()> {
    let mut pass = Settle { batch, error: None };
    let _ = walk_query(query, &mut pass);
    let mut left = Left { error: None };
    let _ = walk_query(query, &mut left);
    pass.error.or(left.error).map_or(Ok(()), Err)
}

struct Settle {
    batch: bool,
    error: Option<SqlError>,
}

impl Pass for Settle {
    fn pre_visit_select(&mut self, select: &mut Select) -> Flow {
        if self.error.is_none() {
            self.error = settle_select(select, self.batch).err();
        }
        Flow::Continue(())
    }
}

/// Finds names of windows that nobody has defined, and what stands at calls without OVER that has no meaning there.
struct Left {
    error: Option<SqlError>,
}

impl Pass for Left {
    fn pre_visit_expr(&mut self, expr: &mut Expr) -> Flow {
        if let Expr::Function(Function { over: Some(WindowType::NamedWindow(name)), .. }) = expr
            && self.error.is_none()
        {
            self.error = Some(unknown(name));
        }
        if let Expr::Function(Function { over: None, null_treatment: Some(_), name, .. }) = expr
            && self.error.is_none()
        {
            self.error = Some(no_null_treatment(&name.to_string().to_ascii_uppercase()));
        }
        Flow::Continue(())
    }
}

fn unknown(name: &Ident) -> SqlError {
    let help = format!("define it behind FROM, WHERE and HAVING: WINDOW {name} AS (PARTITION BY … ORDER BY …)");
    SqlError::new(format!("there is no window '{}'", name.value)).about(&name.value).help(help)
}

fn settle_select(select: &mut Select, batch: bool) -> SqlResult<()> {
    let mut windows: Vec<(Ident, WindowSpec)> = vec![];
    for NamedWindowDefinition(name, window) in std::mem::take(&mut select.named_window) {
        if windows.iter().any(|(other, _)| other.value == name.value) {
            return Err(SqlError::new(format!("two windows are called '{}'", name.value)).about(&name.value));
        }
        let spec = match window {
            NamedWindowExpr::NamedWindow(base) => WindowSpec { window_name: Some(base), ..empty() },
            NamedWindowExpr::WindowSpec(spec) => spec,
        };
        let spec = extended(spec, &windows)?;
        windows.push((name, spec));
    }
    if let Some(condition) = &mut select.qualify {
        let _ = walk_expr(condition, &mut Aliases(&select.projection));
    }
    let mut calls = Calls { windows, batch, error: None };
    for item in &mut select.projection {
        if let SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } = item {
            let _ = walk_expr(expr, &mut calls);
        }
    }
    if let Some(condition) = &mut select.qualify {
        let _ = walk_expr(condition, &mut calls);
    }
    calls.error.map_or(Ok(()), Err)
}

fn empty() -> WindowSpec {
    WindowSpec { window_name: None, partition_by: vec![], order_by: vec![], window_frame: None }
}

/// The window with what it takes from the one that it names.
fn extended(spec: WindowSpec, windows: &[(Ident, WindowSpec)]) -> SqlResult<WindowSpec> {
    let Some(name) = &spec.window_name else { return Ok(spec) };
    let Some((_, base)) = windows.iter().find(|(n, _)| n.value == name.value) else { return Err(unknown(name)) };
    let error = |message: &str| Err(SqlError::new(format!("window '{}' {message}", name.value)).about(&name.value));
    if base.window_frame.is_some() {
        return error("has a frame: it cannot be extended, only used as it is, OVER and its name without parentheses");
    }
    if !spec.partition_by.is_empty() {
        return error("is extended: only itself can have PARTITION BY");
    }
    if !spec.order_by.is_empty() && !base.order_by.is_empty() {
        return error("has an ORDER BY already");
    }
    if spec.window_frame.as_ref().is_some_and(|frame| frame.start_bound != WindowFrameBound::Preceding(None)) {
        let help = "write all of the window in one place";
        return Err(SqlError::new("Flink forgets how far the frame of a window reaches that extends another window")
            .about(&name.value)
            .help(help));
    }
    let order_by = if spec.order_by.is_empty() { base.order_by.clone() } else { spec.order_by };
    Ok(WindowSpec { window_name: None, partition_by: base.partition_by.clone(), order_by, window_frame: spec.window_frame })
}

/// Puts what SELECT calls by an alias in the place of the alias: in QUALIFY it goes before a column of that name.
struct Aliases<'a>(&'a [SelectItem]);

impl Pass for Aliases<'_> {
    fn post_visit_expr(&mut self, expr: &mut Expr) -> Flow {
        let Expr::Identifier(name) = expr else { return Flow::Continue(()) };
        let meant = self.0.iter().find_map(|item| match item {
            SelectItem::ExprWithAlias { expr, alias } if alias.value == name.value => Some(expr.clone()),
            _ => None,
        });
        if let Some(meant) = meant {
            *expr = meant;
        }
        Flow::Continue(())
    }
}

/// Gives every call its window.
struct Calls {
    windows: Vec<(Ident, WindowSpec)>,
    batch: bool,
    error: Option<SqlError>,
}

impl Pass for Calls {
    fn pre_visit_expr(&mut self, expr: &mut Expr) -> Flow {
        if let Expr::Function(function) = expr
            && self.error.is_none()
        {
            self.error = self.call(function).err();
        }
        Flow::Continue(())
    }
}

impl Calls {
    fn call(&self, function: &mut Function) -> SqlResult<()> {
        let spec = match function.over.take() {
            None => return plain_call(function),
            Some(WindowType::WindowSpec(spec)) => extended(spec, &self.windows)?,
            Some(WindowType::NamedWindow(name)) => match self.windows.iter().find(|(n, _)| n.value == name.value) {
                Some((_, spec)) => spec.clone(),
                // Perhaps of a query inside this expression, which is looked at later.
                None => {
                    function.over = Some(WindowType::NamedWindow(name));
                    return Ok(());
                }
            },
        };
        let name = function.name.to_string().to_ascii_uppercase();
        if AHEAD.contains(&name.as_str()) && !self.batch {
            let error = SqlError::new(format!("{name} needs rows that have not come yet: a stream cannot compute it")).about(&name);
            return Err(match name.as_str() {
                "LEAD" => error.help("LAG looks at the rows before; over input that ends, SET 'execution.runtime-mode' = 'batch'"),
                _ => error.help("over input that ends, SET 'execution.runtime-mode' = 'batch'"),
            });
        }
        if !is_over_function(&name) && scalar_function(&name.to_ascii_lowercase()).is_some() {
            return Err(SqlError::new(format!("{name} is no aggregate, so OVER cannot follow it")).about(&name));
        }
        if function.filter.is_some() {
            return Err(SqlError::new("FILTER cannot stand before OVER")
                .about("FILTER")
                .help(format!("write the condition into the argument: {name}(CASE WHEN condition THEN value END) OVER (…)")));
        }
        // Flink takes IGNORE NULLS behind LAG, and LAG finds NULLs all the same.
        if function.null_treatment.take().is_some() && !matches!(name.as_str(), "LAG" | "LEAD") {
            return Err(no_null_treatment(&name));
        }
        let frame = match self.batch {
            true => frames::of_batch(spec.window_frame.as_ref(), &name, !spec.order_by.is_empty())?,
            false => settled_frame(spec.window_frame.as_ref(), &name)?,
        };
        function.over = Some(WindowType::WindowSpec(WindowSpec { window_frame: Some(frame), ..spec }));
        Ok(())
    }
}

/// Checks a call without OVER: what goes with aggregates only, and `*`, which goes with COUNT alone.
fn plain_call(function: &Function) -> SqlResult<()> {
    let name = function.name.to_string().to_ascii_uppercase();
    let FunctionArguments::List(list) = &function.args else { return Ok(()) };
    let star = |arg: &FunctionArg| {
        matches!(
            arg,
            FunctionArg::Unnamed(
                FunctionArgExpr::Wildcard | FunctionArgExpr::QualifiedWildcard(_) | FunctionArgExpr::WildcardWithOptions(_)
            )
        )
    };
    let distinct = list.duplicate_treatment == Some(DuplicateTreatment::Distinct);
    if list.args.iter().any(star) && (name != "COUNT" || distinct) {
        let what = if distinct { format!("{name}(DISTINCT …)") } else { name.clone() };
        return Err(SqlError::new(format!("{what} takes values, not *")).about(&name).help("name the columns; COUNT(*) counts rows"));
    }
    if is_over_function(&name) || scalar_function(&name.to_ascii_lowercase()).is_none() {
        return Ok(());
    }
    let behind = [(function.filter.is_some(), "FILTER"), (!function.within_group.is_empty(), "WITHIN GROUP"), (distinct, "DISTINCT")];
    match behind.into_iter().find(|(there, _)| *there) {
        Some((_, word)) => Err(SqlError::new(format!("{name} is no aggregate, so {word} cannot go with it")).about(&name)),
        None => Ok(()),
    }
}

/// The refusal of IGNORE NULLS and RESPECT NULLS behind a function that passes NULLs over anyway.
fn no_null_treatment(function: &str) -> SqlError {
    let help = "leave it out: FIRST_VALUE and LAST_VALUE pass NULLs over";
    SqlError::new(format!("IGNORE NULLS and RESPECT NULLS cannot follow {function}")).about("NULLS").help(help)
}

/// The frame, or the one that holds where none is written.
fn settled_frame(frame: Option<&WindowFrame>, function: &str) -> SqlResult<WindowFrame> {
    use WindowFrameUnits::{Groups, Range, Rows};
    let to_here = |units, start_bound| WindowFrame { units, start_bound, end_bound: Some(WindowFrameBound::CurrentRow) };
    let units = if function == "ROW_NUMBER" { Rows } else { Range };
    let Some(frame) = frame else { return Ok(to_here(units, WindowFrameBound::Preceding(None))) };
    let word = frames::word(frame, function)?;
    let ends_here = matches!(frame.end_bound, None | Some(WindowFrameBound::CurrentRow));
    let WindowFrameBound::Preceding(reach) = frame.start_bound.clone() else { return Err(no_frame(frame, word)) };
    if !ends_here {
        return Err(no_frame(frame, word));
    }
    let Some(reach) = reach else { return Ok(to_here(frame.units, WindowFrameBound::Preceding(None))) };
    let (units, number) = match (frame.units, interval_value(&reach)) {
        (Range, Some(IntervalValue::Milliseconds(ms))) if ms >= 0 => (Groups, ms),
        (Range, Some(IntervalValue::Months(_))) => {
            return Err(SqlError::new("months and years have no fixed length, so a frame cannot reach so far back")
                .about(word)
                .help("write INTERVAL '30' DAY PRECEDING"));
        }
        (Rows, None) => match whole_number(&reach) {
            Some(n) if n >= 0 => (Rows, n),
            _ => return Err(SqlError::new("ROWS takes a whole number that is written out, 0 or more").about(word)),
        },
        (Rows, Some(_)) => return Err(SqlError::new("ROWS takes a number of rows").about(word).help("RANGE takes an interval")),
        _ => {
            return Err(SqlError::new("RANGE takes an interval that is written out, 0 or more")
                .about(word)
                .help("write RANGE BETWEEN INTERVAL '10' SECOND PRECEDING AND CURRENT ROW, or ROWS for a number of rows"));
        }
    };
    let number = Expr::Value(Value::Number(number.to_string(), false).with_empty_span());
    Ok(to_here(units, WindowFrameBound::Preceding(Some(Box::new(number)))))
}

/// A frame that does not go from before this row to this row.
fn no_frame(frame: &WindowFrame, word: &str) -> SqlError {
    let ahead = |bound: &WindowFrameBound| matches!(bound, WindowFrameBound::Following(_));
    let about = match ahead(&frame.start_bound) || frame.end_bound.as_ref().is_some_and(ahead) {
        true => "FOLLOWING",
        false => word,
    };
    SqlError::new("a frame over a stream begins before the current row and ends with it")
        .about(about)
        .help(format!("write {word} BETWEEN … PRECEDING AND CURRENT ROW"))
}

/// What a constant expression over whole numbers gives.
fn whole_number(expr: &Expr) -> Option<i64> {
    match expr {
        Expr::Value(value) => match &value.value {
            Value::Number(digits, _) => digits.parse().ok(),
            _ => None,
        },
        Expr::Nested(inner) => whole_number(inner),
        Expr::BinaryOp { left, op, right } => {
            let (left, right) = (whole_number(left)?, whole_number(right)?);
            match op {
                BinaryOperator::Plus => left.checked_add(right),
                BinaryOperator::Minus => left.checked_sub(right),
                BinaryOperator::Multiply => left.checked_mul(right),
                _ => None,
            }
        }
        _ => None,
    }
}
