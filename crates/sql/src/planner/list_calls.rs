//! Aggregate functions of all values of a group, written as a function of ARRAY_AGG.

use sqlparser::ast::{Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, ObjectName, Value};

use super::casts::{call, to_double};
use crate::dialect::{Flow, Pass};

/// Name, form of the call, description; for `flott functions`.
pub const LIST_AGGREGATES: [(&str, &str, &str); 3] = [
    ("json_arrayagg", "JSON_ARRAYAGG(value [{NULL | ABSENT} ON NULL])", "The values in order of arrival as a JSON array."),
    ("json_objectagg", "JSON_OBJECTAGG([KEY] key VALUE value [{NULL | ABSENT} ON NULL])", "The values by key as a JSON object."),
    (
        "percentile",
        "PERCENTILE(numeric, part [, frequency])",
        "The value below which that part of the values lies; for an array of parts an array.",
    ),
];

/// Rewrites the calls.
pub struct ListCalls;

impl Pass for ListCalls {
    fn post_visit_expr(&mut self, expr: &mut Expr) -> Flow {
        if let Expr::Function(function) = expr
            && let Some(rewritten) = rewritten(function)
        {
            *expr = rewritten;
        }
        Flow::Continue(())
    }
}

fn rewritten(function: &Function) -> Option<Expr> {
    let name = function.name.to_string().trim_matches('`').to_ascii_lowercase();
    let FunctionArguments::List(list) = &function.args else { return None };
    let args: Option<Vec<Expr>> = list.args.iter().map(argument).collect();
    let (mut args, text) = (args?, |text: &str| Expr::value(Value::SingleQuotedString(text.to_string())));
    let on_null = |args: &mut Vec<Expr>, values: usize, default: &str| {
        (args.len() > values).then(|| args.pop()).flatten().unwrap_or_else(|| text(default))
    };
    match (name.as_str(), args.len()) {
        ("json_arrayagg", 1 | 2) => {
            let on_null = on_null(&mut args, 1, "ABSENT");
            Some(call("$json_arrayagg".into(), vec![on_null, collected(function, args.pop()?)]))
        }
        ("json_objectagg", 2 | 3) => {
            let on_null = on_null(&mut args, 2, "NULL");
            Some(call("$json_objectagg".into(), vec![on_null, collected(function, call("row".into(), args))]))
        }
        ("percentile", 2) => {
            let part = args.pop()?;
            Some(call("$percentile".into(), vec![collected(function, to_double(args.pop()?)), part]))
        }
        ("percentile", 3) => {
            let (count, part) = (args.pop()?, args.pop()?);
            let counted = call("row".into(), vec![to_double(args.pop()?), count]);
            Some(call("$percentile".into(), vec![collected(function, counted), part]))
        }
        _ => None,
    }
}

fn argument(arg: &FunctionArg) -> Option<Expr> {
    match arg {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr.clone()),
        _ => None,
    }
}

/// ARRAY_AGG with the DISTINCT, FILTER and OVER of a call.
fn collected(function: &Function, value: Expr) -> Expr {
    let mut inner = function.clone();
    inner.name = ObjectName::from(vec![Ident::new("array_agg")]);
    if let FunctionArguments::List(list) = &mut inner.args {
        list.args = vec![FunctionArg::Unnamed(FunctionArgExpr::Expr(value))];
    }
    Expr::Function(inner)
}
