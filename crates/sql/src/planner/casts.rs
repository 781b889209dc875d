//! CAST and TRY_CAST as calls of functions that carry the target in their names.
//!
//! DataFusion names a column `CAST(x AS t)` like `x` itself, so that `MIN(x), MIN(CAST(x AS t))` would clash; a call has a name of
//! its own. Field access by a dot is put in the form that DataFusion plans.

use std::ops::ControlFlow;
use std::sync::Arc;

use datafusion_expr::ScalarUDF;
use sqlparser::ast::{
    AccessExpr, CastKind, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments, Ident, ObjectName, Value,
};

use crate::dialect::{Flow, Pass, flink_type_of};
use crate::functions::cast_to;
use crate::types::{ColumnType, FlinkType};

const CAST: &str = "$cast:";
const TRY_CAST: &str = "$try_cast:";

/// Turns casts into calls.
pub struct CastCalls;

impl Pass for CastCalls {
    fn post_visit_expr(&mut self, expr: &mut Expr) -> Flow {
        match expr {
            Expr::Cast { kind, expr: inner, data_type, .. } if !is_number(inner) => {
                let Some((ty, _)) = flink_type_of(data_type) else { return ControlFlow::Continue(()) };
                let prefix = if *kind == CastKind::TryCast { TRY_CAST } else { CAST };
                *expr = call(format!("{prefix}{ty}"), vec![inner.as_ref().clone()]);
            }
            Expr::Case { operand, conditions, else_result, .. } => {
                *expr = super::case_call::to_call(operand.as_deref(), conditions, else_result.as_deref());
            }
            Expr::Function(Function { name, args: FunctionArguments::List(list), .. }) if name.to_string().eq_ignore_ascii_case(NULLIF) => {
                if let [FunctionArg::Unnamed(FunctionArgExpr::Expr(value)), FunctionArg::Unnamed(FunctionArgExpr::Expr(other))] =
                    list.args.as_slice()
                {
                    *expr = super::case_call::nullif(value, other);
                }
            }
            Expr::CompoundFieldAccess { access_chain, .. } => access_chain.iter_mut().for_each(quote_field),
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

/// The lower-case name of the function that names the session's database.
pub const CURRENT_DATABASE: &str = "current_database";

/// Puts the name of the session's database, a STRING, for CURRENT_DATABASE().
pub struct CurrentDatabase<'a>(pub &'a str);

impl Pass for CurrentDatabase<'_> {
    fn post_visit_expr(&mut self, expr: &mut Expr) -> Flow {
        if let Expr::Function(function) = expr
            && function.name.to_string().eq_ignore_ascii_case(CURRENT_DATABASE)
            && matches!(&function.args, FunctionArguments::List(list) if list.args.is_empty())
        {
            *expr = call(format!("{CAST}STRING"), vec![Expr::value(Value::SingleQuotedString(self.0.to_string()))]);
        }
        ControlFlow::Continue(())
    }
}

/// A function that is a CASE, so that its values are compared as `=` does.
pub const NULLIF: &str = "nullif";

/// `x[1].name`: the name as a text.
fn quote_field(access: &mut AccessExpr) {
    if let AccessExpr::Dot(Expr::Identifier(name)) = access {
        *access = AccessExpr::Dot(Expr::Value(Value::SingleQuotedString(name.value.clone()).into()));
    }
}

fn is_number(expr: &Expr) -> bool {
    match expr {
        Expr::Value(v) => matches!(v.value, Value::Number(..)),
        Expr::UnaryOp { expr, .. } => is_number(expr),
        _ => false,
    }
}

/// A call of a function that only the planner writes.
pub(super) fn call(name: String, args: Vec<Expr>) -> Expr {
    Expr::Function(Function {
        name: ObjectName::from(vec![Ident::with_quote('`', name)]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args: args.into_iter().map(|arg| FunctionArg::Unnamed(FunctionArgExpr::Expr(arg))).collect(),
            clauses: vec![],
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: vec![],
    })
}

/// A value as another type.
pub(super) fn cast_call(ty: &FlinkType, value: Expr) -> Expr {
    call(format!("{CAST}{ty}"), vec![value])
}

/// A value as DOUBLE.
pub(super) fn to_double(value: Expr) -> Expr {
    call(format!("{CAST}DOUBLE"), vec![value])
}

/// The function behind a name that [`CastCalls`] made.
pub fn cast_function(name: &str) -> Option<Arc<ScalarUDF>> {
    let (text, safe) = match (name.strip_prefix(CAST), name.strip_prefix(TRY_CAST)) {
        (Some(text), _) => (text, false),
        (_, Some(text)) => (text, true),
        _ => return None,
    };
    let ty = ColumnType::from_text(text)?.ty;
    let field = ty.to_field("", true);
    Some(cast_to(field.data_type().clone(), field.metadata().get("flink.type").cloned(), safe))
}
