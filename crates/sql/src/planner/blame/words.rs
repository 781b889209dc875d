//! What is said of the part of a query that is to blame: in Flink's types and names.

use arrow::datatypes::DataType;
use datafusion_common::DFSchema;
use sqlparser::ast::{BinaryOperator, Expr, Ident, Query, SelectItem, SetExpr, Spanned, TableFactor, UnaryOperator};

use super::{Scope, parts, sub_query};
use crate::dialect::did_you_mean;
use crate::error::SqlError;
use crate::place::Place;
use crate::planner::aggregates;
use crate::planner::select::UNNAMED;
use crate::types::FlinkType;

/// Functions that SQL calls aggregates; a column within one need not be a key.
fn is_aggregate(expr: &Expr) -> bool {
    let Expr::Function(f) = expr else { return false };
    let name = f.name.to_string();
    aggregates::AGGREGATES.iter().any(|(aggregate, ..)| aggregate.eq_ignore_ascii_case(&name))
}

fn name_of(data_type: &DataType) -> String {
    FlinkType::from_arrow(data_type).to_string()
}

fn type_name(data_type: &Option<DataType>) -> String {
    data_type.as_ref().map_or_else(|| "an unknown type".into(), name_of)
}

/// An expression of which each part is right. `types`: those of its parts.
pub(super) fn of_expression(expr: &Expr, types: &[Option<DataType>], scope: &Scope, error: SqlError) -> SqlError {
    let place = Place::of(expr);
    match (expr, types) {
        (Expr::Identifier(name), _) if scope.columns.fields().iter().all(|f| *f.name() != name.value) => {
            no_column(name, None, &scope.columns)
        }
        (Expr::Identifier(name), _) if error.message.contains("ambiguous") => ambiguous(name, scope, error).placed(place),
        (Expr::CompoundIdentifier(path), _) => no_path(path, scope, error),
        (Expr::BinaryOp { op: op @ (BinaryOperator::And | BinaryOperator::Or), left, right }, [a, b]) => {
            let wrong = if *a == Some(DataType::Boolean) { (right, b) } else { (left, a) };
            SqlError::new(format!("{op} takes BOOLEAN values, not {}", type_name(wrong.1))).placed(Place::of(wrong.0))
        }
        (Expr::BinaryOp { op, .. }, [a, b]) if error.help.is_none() && !error.message.starts_with("CAST") => {
            let (a, b) = (type_name(a), type_name(b));
            let error = match op {
                BinaryOperator::Plus
                | BinaryOperator::Minus
                | BinaryOperator::Multiply
                | BinaryOperator::Divide
                | BinaryOperator::Modulo => SqlError::new(format!("there is no {a} {op} {b}")),
                BinaryOperator::StringConcat => SqlError::new(format!("{op} takes STRING values, not {a} and {b}")),
                _ => SqlError::new(format!("{a} and {b} cannot be compared")),
            };
            error.help("CAST one of them").placed(place)
        }
        (Expr::UnaryOp { op: UnaryOperator::Not, .. }, [a]) => {
            SqlError::new(format!("NOT takes a BOOLEAN value, not {}", type_name(a))).placed(place)
        }
        (Expr::UnaryOp { op, .. }, [a]) => SqlError::new(format!("{op} takes a number, not {}", type_name(a))).placed(place),
        (Expr::Between { .. }, [value, low, high]) => {
            let (value, low, high) = (type_name(value), type_name(low), type_name(high));
            SqlError::new(format!("{value} cannot be compared with {low} and {high}")).help("CAST one of them").placed(place)
        }
        (Expr::InList { .. }, [value, ..]) if error.help.is_none() => {
            SqlError::new(format!("{} cannot be compared with the values of IN", type_name(value))).help("CAST one of them").placed(place)
        }
        (Expr::Function(f), _) => of_call(&f.name.to_string(), &parts(expr).0, error).placed(place),
        _ => reworded(error).placed(place),
    }
}

/// A name that several tables have.
fn ambiguous(name: &Ident, scope: &Scope, error: SqlError) -> SqlError {
    let of = scope.columns.iter().filter(|(_, f)| *f.name() == name.value).filter_map(|(q, _)| q.map(|q| q.table()));
    let called: Vec<String> = of.filter(|table| !table.starts_with(UNNAMED)).map(|table| format!("{table}.{}", name.value)).collect();
    match called.as_slice() {
        [] | [_] => error.help("give the queries in FROM aliases, and put one of them before the name"),
        called => error.help(format!("write {}", called.join(" or "))),
    }
}

/// A call with arguments that the function does not take.
fn of_call(name: &str, args: &[&Expr], error: SqlError) -> SqlError {
    let error = reworded(error);
    let error = SqlError { word: None, ..error };
    if error.message.contains("there is no function")
        || error.message.ends_with("not supported yet")
        || error.message.contains("is true or false")
    {
        return error;
    }
    if let Some((_, form, _)) = aggregates::AGGREGATES.iter().find(|(aggregate, ..)| aggregate.eq_ignore_ascii_case(name)) {
        return error.help(format!("write {form}"));
    }
    // Any value can be made a text; of a text that is no number or no time nothing can be made by a cast alone.
    let wrong = error.message.split("argument ").nth(1).and_then(|rest| rest.split(' ').next()?.parse::<usize>().ok());
    match wrong.and_then(|n| args.get(n.wrapping_sub(1))) {
        Some(arg) if error.help.is_none() && error.message.contains("must be a STRING") => {
            error.help(format!("write CAST({arg} AS STRING)"))
        }
        _ => error,
    }
}

/// A column that is not there.
fn no_column(name: &Ident, table: Option<&str>, columns: &DFSchema) -> SqlError {
    let message = match table {
        Some(table) => format!("table '{table}' has no column '{}'", name.value),
        None => format!("column '{}' not found in any table", name.value),
    };
    let mut names: Vec<&str> = vec![];
    for (qualifier, field) in columns.iter() {
        let here = table.is_none_or(|t| qualifier.is_some_and(|q| q.table() == t));
        if here && !names.contains(&field.name().as_str()) {
            names.push(field.name());
        }
    }
    let error = SqlError::new(message).placed(Place::exactly(name.span));
    let same_but_case = names.iter().find(|n| n.eq_ignore_ascii_case(&name.value)).copied();
    match same_but_case.or_else(|| did_you_mean(&name.value, names.iter().copied())) {
        Some(near) => error.help(format!("did you mean '{near}'?")),
        None if names.is_empty() => error,
        None => error.help(format!("there are: {}", names.join(", "))),
    }
}

/// `a.b` or `a.b.c` that leads nowhere.
fn no_path(path: &[Ident], scope: &Scope, error: SqlError) -> SqlError {
    let [first, second, ..] = path else { return reworded(error) };
    let mut tables: Vec<&str> = vec![];
    for (qualifier, _) in scope.columns.iter() {
        if let Some(table) = qualifier.map(|q| q.table()).filter(|t| !tables.contains(t)) {
            tables.push(table);
        }
    }
    if tables.contains(&first.value.as_str()) {
        let of_table = scope.columns.iter().find(|(q, f)| q.is_some_and(|q| q.table() == first.value) && *f.name() == second.value);
        return match (of_table, path.get(2)) {
            (Some((_, field)), Some(inner)) => no_field(second, inner, field.data_type()),
            (Some(_), None) => reworded(error).placed(Place::of(&Expr::CompoundIdentifier(path.to_vec()))),
            (None, _) => no_column(second, Some(&first.value), &scope.columns),
        };
    }
    if let Some((_, field)) = scope.columns.iter().find(|(_, f)| *f.name() == first.value) {
        return no_field(first, second, field.data_type());
    }
    let error = SqlError::new(format!("there is no table or alias '{}' here", first.value)).placed(Place::exactly(first.span));
    match did_you_mean(&first.value, tables.iter().copied()) {
        Some(near) => error.help(format!("did you mean '{near}'?")),
        None if tables.is_empty() => error.help("FROM names no table"),
        None => error.help(format!("in reach: {}", tables.join(", "))),
    }
}

/// `row.field` where the one is no ROW, or has no such field.
fn no_field(row: &Ident, field: &Ident, data_type: &DataType) -> SqlError {
    let place = Place::exactly(field.span);
    let DataType::Struct(fields) = data_type else {
        let message = format!("'{}' is {}, not a ROW: it has no field '{}'", row.value, name_of(data_type), field.value);
        return SqlError::new(message).placed(place);
    };
    let names: Vec<&str> = fields.iter().map(|f| f.name().as_str()).collect();
    let error = SqlError::new(format!("ROW '{}' has no field '{}'", row.value, field.value)).placed(place);
    match did_you_mean(&field.value, names.iter().copied()) {
        Some(near) => error.help(format!("did you mean '{near}'?")),
        None => error.help(format!("there are: {}", names.join(", "))),
    }
}

/// A table of FROM that is not there or is called wrongly.
pub(super) fn of_relation(relation: &TableFactor, error: SqlError) -> SqlError {
    let place = match relation {
        // The arguments of a window function have places of their own, which its words find better.
        TableFactor::Table { name, args: None, .. } => Place::exactly(name.span()),
        _ => None,
    };
    reworded(error).placed(place)
}

pub(super) fn not_on_both_sides(name: &Ident, columns: &DFSchema) -> SqlError {
    let error = no_column(name, None, columns);
    SqlError { message: format!("USING names column '{}', which is not on both sides of the join", name.value), ..error }
}

pub(super) fn no_condition(condition: &Expr, clause: &str, data_type: &DataType) -> SqlError {
    SqlError::new(format!("the condition of {clause} must be BOOLEAN, not {}", name_of(data_type))).placed(Place::of(condition))
}

pub(super) fn uneven_values(row: &[Expr], wanted: usize) -> SqlError {
    let ends = row.first().zip(row.last());
    let place = ends.and_then(|(first, last)| Place::exactly(first.span().union(&last.span())));
    let values = if row.len() == 1 { "value" } else { "values" };
    SqlError::new(format!("this row of VALUES has {} {values}, the first one has {wanted}", row.len())).placed(place)
}

pub(super) fn mixed_values(cell: &Expr, place: usize, before: &DataType, here: &DataType) -> SqlError {
    let (before, here) = (name_of(before), name_of(here));
    SqlError::new(format!("column {} of VALUES is {before} in the rows before and {here} here", place + 1))
        .placed(Place::of(cell))
        .help(format!("write values of one type, for example CAST({cell} AS {before})"))
}

/// A query of which every expression is right by itself.
pub(super) fn of_query(query: &Query, error: SqlError) -> SqlError {
    if let Some(column) = error.message.split("column \"").nth(1).and_then(|rest| rest.split('"').next())
        && error.message.contains("must be in GROUP BY")
    {
        return not_grouped(query, column);
    }
    if error.message.starts_with("Aggregate functions are not allowed in the WHERE clause") {
        let found = select_of(query).and_then(|s| s.selection.as_ref()).and_then(|e| find(e, &is_aggregate));
        return SqlError::new("WHERE cannot use an aggregate function: it is applied before rows are grouped")
            .help("write HAVING")
            .placed(found.and_then(Place::of));
    }
    if error.message.starts_with("Aggregate function calls cannot be nested") {
        let items = select_of(query).map(|s| s.projection.as_slice()).unwrap_or_default();
        let outer = items
            .iter()
            .filter_map(item)
            .find_map(|e| find(e, &|e| is_aggregate(e) && parts(e).0.iter().any(|p| find(p, &is_aggregate).is_some())));
        return SqlError::new("an aggregate function cannot be the argument of another one")
            .help("compute the inner one in a sub-query")
            .placed(outer.and_then(Place::of));
    }
    let of_sub_query = matches!(error.word.as_deref(), Some("SELECT" | "IN" | "EXISTS"));
    let place = if of_sub_query { sub_query(query) } else { None };
    let error = if place.is_some() { SqlError { word: None, ..error } } else { error };
    let place = place.or_else(|| if error.word.is_some() { Place::exactly(query.span()) } else { None });
    reworded(error).placed(place)
}

fn not_grouped(query: &Query, column: &str) -> SqlError {
    let name = column.rsplit('.').next().unwrap_or(column);
    let message = format!("column '{name}' is neither in GROUP BY nor within an aggregate function");
    let is_column = |e: &Expr| match e {
        Expr::Identifier(own) => own.value == name,
        Expr::CompoundIdentifier(path) => path.last().is_some_and(|own| own.value == name),
        _ => false,
    };
    let clauses = select_of(query).into_iter().flat_map(|s| s.projection.iter().filter_map(item).chain(&s.having));
    let found = clauses.into_iter().find_map(|e| find_outside(e, &is_column));
    SqlError::new(message).help(format!("add it to GROUP BY, or write for example MAX({name})")).placed(found.and_then(Place::of))
}

fn select_of(query: &Query) -> Option<&sqlparser::ast::Select> {
    match query.body.as_ref() {
        SetExpr::Select(select) => Some(select),
        _ => None,
    }
}

fn item(item: &SelectItem) -> Option<&Expr> {
    match item {
        SelectItem::UnnamedExpr(e) | SelectItem::ExprWithAlias { expr: e, .. } => Some(e),
        _ => None,
    }
}

/// The first part that is wanted.
fn find<'a>(expr: &'a Expr, wanted: &dyn Fn(&Expr) -> bool) -> Option<&'a Expr> {
    if wanted(expr) { Some(expr) } else { parts(expr).0.into_iter().find_map(|part| find(part, wanted)) }
}

/// The first part that is wanted and not within an aggregate function.
fn find_outside<'a>(expr: &'a Expr, wanted: &dyn Fn(&Expr) -> bool) -> Option<&'a Expr> {
    match expr {
        _ if wanted(expr) => Some(expr),
        _ if is_aggregate(expr) => None,
        _ => parts(expr).0.into_iter().find_map(|part| find_outside(part, wanted)),
    }
}

/// The error without DataFusion's wording around a message of ours, and with Flink's names of types.
pub fn reworded(error: SqlError) -> SqlError {
    let mut text = error.message.as_str();
    let coercion = ["user-defined coercion failed with: External error: ", "user-defined coercion failed with: Error during planning: "];
    for before in coercion.into_iter().chain(["Error during planning: ", "Execution error: "]) {
        text = text.split_once(before).map_or(text, |(_, rest)| rest);
    }
    for behind in [". No function matches", "\n", "No function matches the given name"] {
        text = text.split_once(behind).map_or(text, |(rest, _)| rest);
    }
    let text = ["Internal error: ", "Schema error: "].iter().fold(text, |t, p| t.strip_prefix(p).unwrap_or(t));
    let own = !text.contains(" coerce ") && !text.contains("Utf8") && !text.contains("Int64") && !text.contains("Int32");
    let message = if own { text.to_string() } else { with_types(text) };
    let (message, help) = match message.split_once(". Use ") {
        Some((message, advice)) => (message.to_string(), Some(format!("use {advice}"))),
        None => (message, None),
    };
    // A word that DataFusion quoted may be gone from the message.
    let word = error.word.filter(|word| message == error.message || message.contains(word.as_str()));
    SqlError { message, help: error.help.or(help), word, ..error }
}

/// Arrow's names of types as Flink's.
fn with_types(text: &str) -> String {
    const NAMES: [(&str, &str); 17] = [
        ("Utf8View", "STRING"),
        ("Utf8", "STRING"),
        ("Int64", "BIGINT"),
        ("Int32", "INT"),
        ("Int16", "SMALLINT"),
        ("Int8", "TINYINT"),
        ("Float64", "DOUBLE"),
        ("Float32", "FLOAT"),
        ("Decimal128", "DECIMAL"),
        ("Timestamp(ms)", "TIMESTAMP(3)"),
        ("Timestamp(µs)", "TIMESTAMP(6)"),
        ("Timestamp(ns)", "TIMESTAMP(9)"),
        ("Date32", "DATE"),
        ("Boolean", "BOOLEAN"),
        ("LargeBinary", "VARIANT"),
        ("BinaryView", "BITMAP"),
        ("Binary", "BYTES"),
    ];
    NAMES.iter().fold(text.to_string(), |text, (from, to)| text.replace(from, to))
}
