//! Expressions and logical plans as a user of Flink would write them, for EXPLAIN and for errors.

use datafusion_common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion_common::{Column, ScalarValue, TableReference};
use datafusion_expr::expr::{AggregateFunction, ScalarFunction, WindowFunction};
use datafusion_expr::{Expr, LogicalPlan, Operator, WindowFrameBound, WindowFrameUnits};
use flott_engine::text::value_text;
use std::collections::HashMap;
use std::fmt::Write;

use crate::functions::cast_target;
use crate::planner::case_call;
use crate::planner::chain;
use crate::planner::deep::PART;
use crate::planner::expressions::as_field_access;
use crate::types::FlinkType;

/// An expression as SQL.
pub fn sql_text(expr: &Expr) -> String {
    Names::default().text(expr)
}

/// A call of an aggregate function as SQL.
pub fn call_text(call: &AggregateFunction) -> String {
    Names::default().aggregate(call)
}

/// A call before OVER as SQL.
pub fn over_call_text(call: &WindowFunction) -> String {
    Names::default().over_call(call)
}

/// A call with its OVER as SQL.
pub fn over_text(call: &WindowFunction) -> String {
    Names::default().over(call)
}

/// A logical plan, a step a line, each below the one that takes its rows.
pub fn plan_text(plan: &LogicalPlan) -> String {
    let mut names = Names::default();
    // A step refers to what the one below computed by a name that DataFusion has made of the expression.
    let _ = plan.apply(|node| {
        let computed: Vec<&Expr> = match node {
            LogicalPlan::Projection(p) => p.expr.iter().collect(),
            LogicalPlan::Aggregate(a) => a.group_expr.iter().chain(&a.aggr_expr).collect(),
            LogicalPlan::Window(w) => w.window_expr.iter().collect(),
            _ => vec![],
        };
        for expr in computed {
            let made_up = |name: &String| name.contains(['(', ' ']) || name.starts_with('$');
            let name = Some(expr.schema_name().to_string()).filter(|name| !matches!(expr, Expr::Column(_)) && made_up(name));
            name.into_iter().for_each(|name| drop(names.0.insert(name, Names::default().text(expr))));
        }
        Ok(TreeNodeRecursion::Continue)
    });
    let mut text = String::new();
    names.plan(plan, 0, &mut text);
    text.trim_end().to_string()
}

/// A column with its table, unless the planner has made that up.
fn column_text(column: &Column) -> String {
    let made_up = |table: &TableReference| ["__scalar_sq", "__correlated_sq", "$"].iter().any(|start| table.table().starts_with(start));
    match &column.relation {
        Some(table) if made_up(table) => column.name.clone(),
        _ => column.flat_name(),
    }
}

fn bound(bound: &WindowFrameBound) -> String {
    let reach = |reach: &ScalarValue| if reach.is_null() { "UNBOUNDED".to_string() } else { reach.to_string() };
    match bound {
        WindowFrameBound::Preceding(far) => format!("{} PRECEDING", reach(far)),
        WindowFrameBound::CurrentRow => "CURRENT ROW".into(),
        WindowFrameBound::Following(far) => format!("{} FOLLOWING", reach(far)),
    }
}

/// What stands for columns with made-up names.
#[derive(Default)]
struct Names(HashMap<String, String>);

impl Names {
    fn text(&self, expr: &Expr) -> String {
        match expr {
            Expr::Column(column) => self.0.get(&column.name).cloned().unwrap_or_else(|| column_text(column)),
            Expr::Literal(value, metadata) => {
                let exact = metadata.as_ref().and_then(|m| m.inner().get("flink.type").cloned());
                literal(value, exact)
            }
            Expr::Alias(alias) => self.text(&alias.expr),
            Expr::BinaryExpr(b) => self.binary(&b.left, b.op, &b.right),
            Expr::Not(e) => format!("NOT {}", self.operand(e)),
            Expr::Negative(e) => format!("-{}", self.operand(e)),
            Expr::IsNull(e) => format!("{} IS NULL", self.operand(e)),
            Expr::IsNotNull(e) => format!("{} IS NOT NULL", self.operand(e)),
            Expr::IsTrue(e) => format!("{} IS TRUE", self.operand(e)),
            Expr::IsFalse(e) => format!("{} IS FALSE", self.operand(e)),
            Expr::IsUnknown(e) => format!("{} IS UNKNOWN", self.operand(e)),
            Expr::IsNotTrue(e) => format!("{} IS NOT TRUE", self.operand(e)),
            Expr::IsNotFalse(e) => format!("{} IS NOT FALSE", self.operand(e)),
            Expr::Between(b) => {
                let not = if b.negated { "NOT " } else { "" };
                format!("{} {not}BETWEEN {} AND {}", self.operand(&b.expr), self.operand(&b.low), self.operand(&b.high))
            }
            Expr::InList(list) => {
                let not = if list.negated { "NOT " } else { "" };
                format!("{} {not}IN ({})", self.operand(&list.expr), self.list(&list.list))
            }
            Expr::Case(case) => self.case(case),
            Expr::Cast(cast) => format!("CAST({} AS {})", self.text(&cast.expr), FlinkType::from_field(&cast.field).0),
            Expr::TryCast(cast) => format!("TRY_CAST({} AS {})", self.text(&cast.expr), FlinkType::from_field(&cast.field).0),
            Expr::ScalarFunction(call) => self.call(expr, call),
            Expr::AggregateFunction(call) => self.aggregate(call),
            Expr::WindowFunction(call) => self.over(call),
            other => other.to_string(),
        }
    }

    fn list(&self, exprs: &[Expr]) -> String {
        exprs.iter().map(|e| self.text(e)).collect::<Vec<_>>().join(", ")
    }

    /// In brackets unless it stands for itself.
    fn operand(&self, expr: &Expr) -> String {
        let text = self.text(expr);
        let compound = matches!(without_alias(expr), Expr::BinaryExpr(_) | Expr::Between(_) | Expr::InList(_) | Expr::Not(_))
            || operator(without_alias(expr)).is_some();
        if compound { format!("({text})") } else { text }
    }

    fn binary(&self, left: &Expr, op: Operator, right: &Expr) -> String {
        format!("{} {} {}", self.side(left, op, false), op_text(op), self.side(right, op, true))
    }

    /// One side of an operator, in brackets if it needs them.
    fn side(&self, expr: &Expr, op: Operator, is_right: bool) -> String {
        let inner = without_alias(expr);
        let own = match inner {
            Expr::BinaryExpr(b) => Some(b.op),
            other => operator(other),
        };
        let repeats = own == Some(op) && (!is_right || matches!(op, Operator::And | Operator::Or));
        let tighter = own.is_some_and(|own| own.precedence() > op.precedence());
        if repeats || tighter { self.text(expr) } else { self.operand(expr) }
    }

    /// Operators that are computed from the left.
    fn chain(&self, operators: &[Operator], operands: &[Expr]) -> String {
        let (Some(first), Some(op)) = (operands.first(), operators.first()) else { return self.list(operands) };
        let (mut text, mut last) = (self.side(first, *op, false), *op);
        for (op, operand) in operators.iter().zip(&operands[1..]) {
            if *op != last && last.precedence() <= op.precedence() {
                text = format!("({text})");
            }
            let _ = write!(text, " {} {}", op_text(*op), self.side(operand, *op, true));
            last = *op;
        }
        text
    }

    fn call(&self, expr: &Expr, call: &ScalarFunction) -> String {
        if let Some((row, name)) = as_field_access(expr) {
            return format!("{}.{name}", self.text(row));
        }
        if let (Some(target), [value]) = (cast_target(&call.func), call.args.as_slice()) {
            return format!("{}({} AS {target})", call.func.name(), self.text(value));
        }
        match (call.func.name(), call.args.as_slice()) {
            ("+" | "-" | "*" | "/" | "%", [left, right]) => self.binary(left, operator(expr).unwrap_or(Operator::Plus), right),
            ("like", [value, pattern]) => format!("{} LIKE {}", self.operand(value), self.text(pattern)),
            ("similar_to", [value, pattern]) => format!("{} SIMILAR TO {}", self.operand(value), self.text(pattern)),
            ("element_at", [container, key]) => format!("{}[{}]", self.operand(container), self.text(key)),
            (case_call::NAME, args) => self.case(&case_call::of_arguments(args)),
            // The only value of those that were collected.
            ("$single", [rows]) => {
                let rows = self.text(rows);
                format!("SINGLE_VALUE({})", rows.strip_prefix("ARRAY_AGG(").and_then(|rows| rows.strip_suffix(')')).unwrap_or(&rows))
            }
            (name, [whole]) if name.starts_with(PART) => self.operand(whole),
            (name, args) => match chain::operators(name) {
                Some(operators) => self.chain(&operators, args),
                None => format!("{}({})", name.to_uppercase(), self.list(args)),
            },
        }
    }

    fn aggregate(&self, call: &AggregateFunction) -> String {
        let whole = call.func.name() == "count" && matches!(call.params.args.as_slice(), [Expr::Literal(value, _)] if !value.is_null());
        let args = if whole { "*".to_string() } else { self.list(&call.params.args) };
        let distinct = if call.params.distinct { "DISTINCT " } else { "" };
        let filter = call.params.filter.as_ref().map_or(String::new(), |f| format!(" FILTER (WHERE {})", self.text(f)));
        format!("{}({distinct}{args}){filter}", call.func.name().to_uppercase())
    }

    fn over_call(&self, call: &WindowFunction) -> String {
        let (name, params) = (call.fun.name(), &call.params);
        let whole = name == "count" && matches!(params.args.as_slice(), [Expr::Literal(value, _)] if !value.is_null());
        let args = if whole { "*".to_string() } else { self.list(&params.args) };
        format!("{}({}{args})", name.to_uppercase(), if params.distinct { "DISTINCT " } else { "" })
    }

    fn over(&self, call: &WindowFunction) -> String {
        let params = &call.params;
        let mut window = vec![];
        if !params.partition_by.is_empty() {
            window.push(format!("PARTITION BY {}", self.list(&params.partition_by)));
        }
        let key = |k: &datafusion_expr::SortExpr| format!("{}{}", self.text(&k.expr), if k.asc { "" } else { " DESC" });
        if !params.order_by.is_empty() {
            window.push(format!("ORDER BY {}", params.order_by.iter().map(key).collect::<Vec<_>>().join(", ")));
        }
        // The planner has GROUPS stand for RANGE in milliseconds.
        let frame = &params.window_frame;
        let units = if frame.units == WindowFrameUnits::Rows { "ROWS" } else { "RANGE" };
        window.push(match &frame.end_bound {
            WindowFrameBound::CurrentRow => format!("{units} {}", bound(&frame.start_bound)),
            end => format!("{units} BETWEEN {} AND {}", bound(&frame.start_bound), bound(end)),
        });
        format!("{} OVER ({})", self.over_call(call), window.join(" "))
    }

    fn case(&self, case: &datafusion_expr::Case) -> String {
        let mut text = String::from("CASE");
        if let Some(value) = &case.expr {
            let _ = write!(text, " {}", self.text(value));
        }
        for (when, then) in &case.when_then_expr {
            let _ = write!(text, " WHEN {} THEN {}", self.text(when), self.text(then));
        }
        if let Some(other) = &case.else_expr {
            let _ = write!(text, " ELSE {}", self.text(other));
        }
        text + " END"
    }

    /// With `AS` where the name is not that of the expression.
    fn item(&self, expr: &Expr) -> String {
        match expr {
            Expr::Alias(alias) if !alias.name.contains(['(', ' ']) => format!("{} AS {}", self.text(&alias.expr), alias.name),
            expr => self.text(expr),
        }
    }

    fn plan(&self, plan: &LogicalPlan, depth: usize, out: &mut String) {
        let items = |exprs: &[Expr]| exprs.iter().map(|e| self.item(e)).collect::<Vec<_>>().join(", ");
        let line = match plan {
            LogicalPlan::Projection(p) => format!("Projection: {}", items(&p.expr)),
            LogicalPlan::Filter(f) => format!("Filter: {}", self.text(&f.predicate)),
            LogicalPlan::Aggregate(a) => format!("Aggregate: groupBy=[{}], calls=[{}]", self.list(&a.group_expr), self.list(&a.aggr_expr)),
            LogicalPlan::Join(join) => {
                let keys = join.on.iter().map(|(l, r)| format!("{} = {}", self.text(l), self.text(r)));
                let conditions: Vec<String> = keys.chain(join.filter.iter().map(|f| self.text(f))).collect();
                format!("{} Join: {}", join.join_type, conditions.join(" AND "))
            }
            LogicalPlan::Sort(sort) => {
                let key = |k: &datafusion_expr::SortExpr| format!("{} {}", self.text(&k.expr), if k.asc { "ASC" } else { "DESC" });
                format!("Sort: {}", sort.expr.iter().map(key).collect::<Vec<_>>().join(", "))
            }
            LogicalPlan::Window(w) => format!("Over: {}", items(&w.window_expr)),
            LogicalPlan::Values(values) => format!("Values: {} rows", values.values.len()),
            other => other.display().to_string(),
        };
        let _ = writeln!(out, "{}{line}", "  ".repeat(depth));
        plan.inputs().iter().for_each(|input| self.plan(input, depth + 1, out));
    }
}

fn without_alias(mut expr: &Expr) -> &Expr {
    while let Expr::Alias(alias) = expr {
        expr = &alias.expr;
    }
    expr
}

/// The operator that a call stands for; of several the last.
fn operator(expr: &Expr) -> Option<Operator> {
    let Expr::ScalarFunction(call) = expr else { return None };
    if let Some(operators) = chain::operators(call.func.name()) {
        return operators.last().copied();
    }
    Some(match (call.func.name(), call.args.len()) {
        ("+", 2) => Operator::Plus,
        ("-", 2) => Operator::Minus,
        ("*", 2) => Operator::Multiply,
        ("/", 2) => Operator::Divide,
        ("%", 2) => Operator::Modulo,
        ("$concat", 2) => Operator::StringConcat,
        _ => return None,
    })
}

fn op_text(op: Operator) -> String {
    match op {
        Operator::NotEq => "<>".into(),
        other => other.to_string(),
    }
}

/// A value as SQL writes it; `exact`: its type where Arrow's says less.
fn literal(value: &ScalarValue, exact: Option<String>) -> String {
    if value.is_null() {
        return "NULL".into();
    }
    let Ok(array) = value.to_array_of_size(1) else { return value.to_string() };
    let mut field = arrow::datatypes::Field::new("", array.data_type().clone(), true);
    field.set_metadata(exact.into_iter().map(|text| ("flink.type".to_string(), text)).collect());
    let mut text = vec![];
    value_text(&array, 0, &field, &mut text);
    let text = String::from_utf8_lossy(&text).into_owned();
    match FlinkType::from_field(&field).0 {
        t if t.is_character() => format!("'{}'", text.replace('\'', "''")),
        FlinkType::Boolean => text.to_uppercase(),
        FlinkType::Binary(_) | FlinkType::Varbinary(_) => text,
        FlinkType::Date => format!("DATE '{text}'"),
        FlinkType::Time(_) => format!("TIME '{text}'"),
        FlinkType::Timestamp(_) => format!("TIMESTAMP '{text}'"),
        FlinkType::TimestampLtz(_) => format!("TIMESTAMP_LTZ '{text}'"),
        FlinkType::IntervalMonth => format!("INTERVAL '{text}' YEAR TO MONTH"),
        FlinkType::IntervalSecond => format!("INTERVAL '{text}' DAY TO SECOND"),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion_expr::{col, lit};

    #[test]
    fn expressions_are_sql() {
        for (expr, text) in [
            (lit("it's"), "'it''s'"),
            (lit(2_i32), "2"),
            (lit(true), "TRUE"),
            (lit(ScalarValue::TimestampMillisecond(Some(1_704_067_200_000), None)), "TIMESTAMP '2024-01-01 00:00:00.000'"),
            (lit(ScalarValue::Date32(None)), "NULL"),
            (col("a").eq(lit(1_i64)).and(col("b").gt(lit(2)).or(col("c").is_null())), "a = 1 AND (b > 2 OR c IS NULL)"),
            ((col("a") + lit(1)) * col("b"), "(a + 1) * b"),
            (col("a") - (col("b") - lit(1)), "a - (b - 1)"),
            (col("a").in_list(vec![lit(1), lit(2)], true), "a NOT IN (1, 2)"),
            (col("a").alias("x").not_eq(lit(3)), "a <> 3"),
        ] {
            assert_eq!(sql_text(&expr), text);
        }
    }
}
