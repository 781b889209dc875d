//! PREV: a value of the row so many rows before another one, whether it is part of the match or not. It is a LAG over the rows of the key
//! in the order of the pattern, which is computed below the pattern and comes with the row that PREV looks back from.

use datafusion_common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion_common::{Column, Result, ScalarValue};
use datafusion_expr::expr::{FieldMetadata, Sort, WindowFunction};
use datafusion_expr::planner::RelationPlannerContext;
use datafusion_expr::utils::find_window_exprs;
use datafusion_expr::{
    Expr, ExprSchemable, LogicalPlan, LogicalPlanBuilder, WindowFrame, WindowFrameBound, WindowFrameUnits, WindowFunctionDefinition,
};
use sqlparser::ast::{self, Function};
use std::collections::HashMap;

use super::bind::{Binder, Navigation, is_about_match, only_argument, only_variable, value_and_offset};
use super::node::{OrderKey, RefValue};
use crate::catalog::{ROWTIME, TIME_ATTRIBUTE, without_time_attribute};
use crate::dialect::FINAL_CALL;
use crate::error::{SqlError, SqlResult};
use crate::planner::window_functions::window_function;

/// The columns that calls of OVER become begin so.
const CALL: &str = "$before";

/// The rows that a pattern is looked for in.
pub struct Sequence {
    /// Columns whose values keep rows apart.
    pub partition: Vec<Expr>,
    /// The first one is the time.
    pub order: Vec<OrderKey>,
    /// The time is processing time.
    pub processing: bool,
    /// In batch mode, where any timestamp can be the time.
    pub batch: bool,
}

impl Sequence {
    /// The value in the row that lies `rows` before, NULL where there is none.
    fn before(&self, value: Expr, rows: u32) -> SqlResult<Expr> {
        let [time] = self.order.as_slice() else {
            let error = SqlError::new("PREV goes by time alone, and this MATCH_RECOGNIZE orders rows of the same time by further columns");
            return Err(error.about("PREV").help("leave the further columns out of its ORDER BY: rows of the same time stay as they came"));
        };
        let lag = window_function("lag").ok_or_else(|| SqlError::new("there is no function LAG"))?;
        let offset = i32::try_from(rows).map_err(|_| SqlError::new(format!("PREV cannot look {rows} rows back")).about("PREV"))?;
        let offset = Expr::Literal(ScalarValue::Int32(Some(offset)), None);
        let mut call = WindowFunction::new(WindowFunctionDefinition::WindowUDF(lag), vec![value, offset]);
        call.params.partition_by = self.partition.clone();
        let time = match self.batch {
            true => time.column.clone().alias_with_metadata("$time", Some(event_time())),
            false => time.column.clone(),
        };
        call.params.order_by = vec![Sort::new(time, true, true)];
        // In a frame of times, rows of the same time would all look back from the last one of them.
        let all_before = WindowFrameBound::Preceding(ScalarValue::UInt64(None));
        call.params.window_frame = WindowFrame::new_bounds(WindowFrameUnits::Rows, all_before, WindowFrameBound::CurrentRow);
        Ok(Expr::WindowFunction(Box::new(call)))
    }
}

/// What makes a column one of event time.
fn event_time() -> FieldMetadata {
    HashMap::from([(TIME_ATTRIBUTE.to_owned(), ROWTIME.to_owned())]).into()
}

impl Binder<'_> {
    /// The column that stands for a call of PREV.
    pub(super) fn previous(&mut self, call: &Function, outer: Navigation, cx: &mut dyn RelationPlannerContext) -> SqlResult<ast::Expr> {
        if outer.first || outer.offset > 0 {
            let error = SqlError::new("PREV cannot stand in FIRST or LAST").about("PREV");
            return Err(error.help("write it the other way: PREV(LAST(A.price, 1), 2) is two rows before the row of LAST"));
        }
        let (value, rows) = value_and_offset(call, "PREV", 1)?;
        let (value, navigation) = looked_back_from(value, outer)?;
        let argument = self.argument(value)?;
        if let Some(inner) = argument.calls.iter().find(|name| is_about_match(name)) {
            let error =
                SqlError::new(format!("{inner} cannot stand in an expression in PREV, which is computed from one row")).about(inner);
            return Err(error.help("FIRST or LAST go right into PREV: PREV(LAST(A.price + A.tax, 1), 2)"));
        }
        if argument.variables.is_empty() {
            return Err(SqlError::new("PREV takes a value of a row, and this one has no column").about("PREV").help("write PREV(A.price)"));
        }
        let of = only_variable(&argument.variables, "PREV", "looks back from the row of one variable, not of several")?;
        let text = format!("PREV({}, {rows})", navigation.text(value.to_string()));
        let before = self.rows.before(self.over_input(argument.expr, cx)?, rows)?;
        let field = before.to_field(&self.input)?.1.as_ref().clone().with_nullable(true);
        let value = RefValue::Row(self.locator(of, navigation), before);
        let column = self.stand_in(value, navigation.whole, without_time_attribute(&field), text);
        Ok(ast::Expr::Identifier(column))
    }
}

/// Takes FINAL, FIRST and LAST off what stands in PREV.
fn looked_back_from(mut value: &ast::Expr, mut navigation: Navigation) -> SqlResult<(&ast::Expr, Navigation)> {
    while let ast::Expr::Function(call) = value {
        let name = call.name.to_string().to_ascii_uppercase();
        if name == FINAL_CALL.to_ascii_uppercase()
            && let Some(inner) = only_argument(call)
        {
            navigation.whole = true;
            value = inner;
        } else if let "FIRST" | "LAST" = name.as_str() {
            let (inner, offset) = value_and_offset(call, &name, 0)?;
            return Ok((inner, Navigation { first: name == "FIRST", offset, ..navigation }));
        } else {
            break;
        }
    }
    Ok((value, navigation))
}

/// The refusal of NEXT.
pub fn no_next() -> SqlError {
    SqlError::new("NEXT looks at rows that have not come yet: event time would have to wait for them")
        .about("NEXT")
        .help("put a variable for the row that follows behind it: PATTERN (A B) DEFINE B AS B.price > A.price")
}

/// The input with a column for each call of OVER in the expressions, in which the column stands then.
pub fn with_calls(input: LogicalPlan, columns: &mut [(Expr, String)]) -> Result<LogicalPlan> {
    let calls = find_window_exprs(columns.iter().map(|(expr, _)| expr));
    if calls.is_empty() {
        return Ok(input);
    }
    let name = |at: usize| format!("{CALL}{at}");
    for (expr, _) in columns {
        let replaced = expr.clone().transform_down(|e| match calls.iter().position(|call| *call == e) {
            Some(at) => Ok(Transformed::new(Expr::Column(Column::new_unqualified(name(at))), true, TreeNodeRecursion::Jump)),
            None => Ok(Transformed::no(e)),
        });
        *expr = replaced.data()?;
    }
    let named = calls.iter().enumerate().map(|(at, call)| call.clone().alias(name(at)));
    LogicalPlanBuilder::from(input).window(named.collect::<Vec<_>>())?.build()
}
