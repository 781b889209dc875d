//! PREV and NEXT: a value of the row so many rows before or behind another one, whether it is part of the match or not. PREV is a LAG over
//! the rows of the key in the order of the pattern, NEXT a LEAD for which rows are held back ([`super::ahead`]). Both are computed below the
//! pattern and come with the row that they look from.

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

use super::ahead::with_values_ahead;
use super::bind::{Binder, Navigation, is_about_match, only_argument, only_variable, value_and_offset};
use super::node::{OrderKey, RefValue};
use crate::catalog::{ROWTIME, TIME_ATTRIBUTE, without_time_attribute};
use crate::dialect::FINAL_CALL;
use crate::error::{SqlError, SqlResult};
use crate::planner::window_functions::window_function;

/// The columns that calls of OVER become begin so.
const CALL: &str = "$before";

/// Which way to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// PREV.
    Back,
    /// NEXT.
    Ahead,
}

impl Way {
    fn name(self) -> &'static str {
        match self {
            Way::Back => "PREV",
            Way::Ahead => "NEXT",
        }
    }

    fn verb(self) -> &'static str {
        match self {
            Way::Back => "looks back",
            Way::Ahead => "looks ahead",
        }
    }
}

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
    /// The value in the row that lies so many rows away, NULL where there is none.
    fn value_of(&self, value: Expr, rows: u32, way: Way) -> SqlResult<Expr> {
        let name = way.name();
        let (time, further) = self.order.split_first().ok_or_else(|| SqlError::new(format!("{name} goes by an order")).about(name))?;
        if way == Way::Back && !further.is_empty() {
            let error = SqlError::new("PREV goes by time alone, and this MATCH_RECOGNIZE orders rows of the same time by further columns");
            return Err(error.about("PREV").help("leave the further columns out of its ORDER BY: rows of the same time stay as they came"));
        }
        if way == Way::Ahead && self.processing {
            let error = SqlError::new("NEXT goes by event time, and this MATCH_RECOGNIZE is ordered by processing time").about("NEXT");
            return Err(error.help("ORDER BY the column of the table's WATERMARK"));
        }
        let function = if way == Way::Back { "lag" } else { "lead" };
        let udf = window_function(function).ok_or_else(|| SqlError::new(format!("there is no function {function}")))?;
        let offset =
            i32::try_from(rows).map_err(|_| SqlError::new(format!("{name} cannot look so far: the offset is {rows} rows")).about(name))?;
        let offset = Expr::Literal(ScalarValue::Int32(Some(offset)), None);
        let mut call = WindowFunction::new(WindowFunctionDefinition::WindowUDF(udf), vec![value, offset]);
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

/// Which of the two an expression is that stands for a row's neighbour.
pub fn way_of(expr: &Expr) -> Option<Way> {
    match expr {
        Expr::WindowFunction(call) if call.fun.name() == "lead" => Some(Way::Ahead),
        Expr::WindowFunction(_) => Some(Way::Back),
        _ => None,
    }
}

/// What makes a column one of event time.
fn event_time() -> FieldMetadata {
    HashMap::from([(TIME_ATTRIBUTE.to_owned(), ROWTIME.to_owned())]).into()
}

impl Binder<'_> {
    /// The column that stands for a call of PREV or NEXT.
    pub(super) fn neighbour(
        &mut self,
        call: &Function,
        way: Way,
        outer: Navigation,
        cx: &mut dyn RelationPlannerContext,
    ) -> SqlResult<ast::Expr> {
        let name = way.name();
        if outer.first || outer.offset > 0 {
            let error = SqlError::new(format!("{name} cannot stand in FIRST or LAST")).about(name);
            return Err(error.help(format!("write it the other way: {name}(LAST(A.price, 1), 2) is two rows from the row of LAST")));
        }
        let (value, rows) = value_and_offset(call, name, 1)?;
        let (value, navigation) = looked_from(value, outer)?;
        let argument = self.argument(value)?;
        if let Some(inner) = argument.calls.iter().find(|name| is_about_match(name)) {
            let error =
                SqlError::new(format!("{inner} cannot stand in an expression in {name}, which is computed from one row")).about(inner);
            return Err(error.help(format!("FIRST or LAST go right into {name}: {name}(LAST(A.price + A.tax, 1), 2)")));
        }
        if argument.variables.is_empty() {
            let error = SqlError::new(format!("{name} takes a value of a row, and this one has no column")).about(name);
            return Err(error.help(format!("write {name}(A.price)")));
        }
        let does = format!("{} from the row of one variable, not of several", way.verb());
        let of = only_variable(&argument.variables, name, &does)?;
        let text = format!("{name}({}, {rows})", navigation.text(value.to_string()));
        let neighbour = self.rows.value_of(self.over_input(argument.expr, cx)?, rows, way)?;
        let field = neighbour.to_field(&self.input)?.1.as_ref().clone().with_nullable(true);
        let value = RefValue::Row(self.locator(of, navigation), neighbour);
        let column = self.stand_in(value, navigation.whole, without_time_attribute(&field), text);
        Ok(ast::Expr::Identifier(column))
    }
}

/// Takes FINAL, FIRST and LAST off what stands in PREV or NEXT.
fn looked_from(mut value: &ast::Expr, mut navigation: Navigation) -> SqlResult<(&ast::Expr, Navigation)> {
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

/// The input with a column for each PREV and NEXT in the expressions, in which the column stands then.
pub fn with_calls(input: LogicalPlan, rows: &Sequence, columns: &mut [(Expr, String)]) -> Result<LogicalPlan> {
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
    let of = |way: Way| calls.iter().enumerate().filter(move |(_, call)| way_of(call) == Some(way)).map(|(at, call)| (call, name(at)));
    let back: Vec<Expr> = of(Way::Back).map(|(call, name)| call.clone().alias(name)).collect();
    let input = if back.is_empty() { input } else { LogicalPlanBuilder::from(input).window(back)?.build()? };
    let ahead: Vec<(&Expr, String)> = of(Way::Ahead).collect();
    if ahead.is_empty() { Ok(input) } else { with_values_ahead(input, rows, &ahead) }
}
