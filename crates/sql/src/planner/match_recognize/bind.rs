//! What the expressions of DEFINE and MEASURES refer to: `A.price`, `LAST(A.price, 1)`, `SUM(A.price)` and their like become columns
//! that stand for them, so that the rest is an ordinary expression.

use arrow::datatypes::{DataType, Field, FieldRef, TimeUnit};
use datafusion_common::{DFSchema, DFSchemaRef, Result};
use datafusion_expr::planner::RelationPlannerContext;
use datafusion_expr::{Expr, ExprSchemable};
use flott_engine::operators::match_recognize::history::Locator;
use sqlparser::ast::{
    self, AccessExpr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments, Ident, ObjectName, Value,
};
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::node::{RefValue, Reference};
use super::previous::{Sequence, Way};
use crate::catalog::{ROWTIME, time_attribute, with_time_attribute};
use crate::dialect::{FINAL_CALL, Flow, Pass, did_you_mean, walk_expr};
use crate::error::{SqlError, SqlResult};
use crate::planner::aggregates::AGGREGATES;
use crate::planner::rewrite::flink_expression;

/// Begins the names of columns that stand for references.
const STAND_IN: &str = "$ref";

/// Calls about the match, besides aggregates.
const OF_MATCH: [&str; 9] =
    ["FIRST", "LAST", "PREV", "NEXT", "CLASSIFIER", "MATCH_NUMBER", "MATCH_TIMED_OUT", "MATCH_ROWTIME", "MATCH_PROCTIME"];

/// Where an expression stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// In the DEFINE of that variable.
    Define(u16),
    /// In MEASURES.
    Measures,
}

/// Collects the references of expressions.
pub struct Binder<'a> {
    /// Schema of the input.
    pub input: DFSchemaRef,
    /// The variables.
    pub names: &'a [String],
    /// The rows.
    pub rows: &'a Sequence,
    /// What was found so far.
    pub references: Vec<Reference>,
    scope: Scope,
}

/// Which rows the columns of an expression mean.
#[derive(Debug, Clone, Copy)]
pub struct Navigation {
    /// From the first row of the variable on, not from the last one back.
    pub first: bool,
    /// So many rows further.
    pub offset: u32,
    /// As the match ends.
    pub whole: bool,
}

const LAST: Navigation = Navigation { first: false, offset: 0, whole: false };

impl Navigation {
    /// A value of that row, as SQL has it.
    pub fn text(self, value: String) -> String {
        match (self.first, self.offset) {
            (false, 0) => value,
            (first, offset) => format!("{}({value}, {offset})", if first { "FIRST" } else { "LAST" }),
        }
    }
}

impl<'a> Binder<'a> {
    /// Nothing found yet.
    pub fn new(input: DFSchemaRef, names: &'a [String], rows: &'a Sequence, scope: Scope) -> Self {
        Self { input, names, rows, references: vec![], scope }
    }

    /// The expression with columns in place of its references.
    pub fn bind(&mut self, mut expr: ast::Expr, cx: &mut dyn RelationPlannerContext) -> SqlResult<ast::Expr> {
        self.replace(&mut expr, LAST, cx)?;
        Ok(expr)
    }

    /// The columns that stand for the references.
    pub fn schema(&self) -> Result<DFSchema> {
        let fields = self.references.iter().map(|r| (None, r.field.clone())).collect();
        DFSchema::new_with_metadata(fields, HashMap::new())
    }

    fn replace(&mut self, expr: &mut ast::Expr, navigation: Navigation, cx: &mut dyn RelationPlannerContext) -> SqlResult<()> {
        let mut pass = Replace { binder: self, navigation, cx, error: None };
        let _ = walk_expr(expr, &mut pass);
        pass.error.map_or(Ok(()), Err)
    }

    /// The column of a row: the variable before it and the field behind it are told apart here.
    fn column(&mut self, path: &[Ident], navigation: Navigation, cx: &mut dyn RelationPlannerContext) -> SqlResult<ast::Expr> {
        let text = written(path);
        let (of, column) = self.told_apart(path);
        self.check_column(path, column, of.is_some())?;
        let path = column;
        let column = cx.sql_to_expr(ast::Expr::Identifier(path[0].clone()), &self.input)?;
        let (_, field) = column.to_field(&self.input)?;
        let locator = self.locator(of, navigation);
        let label = navigation.text(text);
        let field = field.as_ref().clone().with_nullable(true);
        let stand_in =
            self.stand_in(RefValue::Row(locator, column), navigation.whole, crate::catalog::without_time_attribute(&field), label);
        Ok(match &path[1..] {
            [] => ast::Expr::Identifier(stand_in),
            rest => ast::Expr::CompoundIdentifier(std::iter::once(stand_in).chain(rest.iter().cloned()).collect()),
        })
    }

    /// Which row it is, in the conditions or in the measures.
    pub(super) fn locator(&self, of: Option<u16>, Navigation { first, offset, .. }: Navigation) -> Locator {
        let own = matches!(self.scope, Scope::Define(v) if of == Some(v)) && !first && offset == 0;
        Locator { of: if own { None } else { of }, first, offset }
    }

    /// The variable before a column, and the path from the column on.
    fn told_apart<'p>(&self, path: &'p [Ident]) -> (Option<u16>, &'p [Ident]) {
        let variable = self.names.iter().position(|name| *name == path[0].value).filter(|_| path.len() > 1);
        (variable.map(|v| v as u16), &path[usize::from(variable.is_some())..])
    }

    /// Refuses a column that the input does not have. `path` is how it is written, with the variable before it if there is one.
    fn check_column(&self, path: &[Ident], column: &[Ident], after_variable: bool) -> SqlResult<()> {
        let text = written(path);
        let name = &column[0].value;
        if self.input.fields().iter().any(|f| f.name() == name) {
            return Ok(());
        }
        let columns = || self.input.fields().iter().map(|f| f.name().as_str());
        if column.len() > 1 && !after_variable {
            let error = SqlError::new(format!("{name} is neither a variable of the pattern nor a column")).about(text);
            return Err(error.help(format!("the variables are {}", self.names.join(", "))));
        }
        let error = SqlError::new(format!("column '{name}' not found in the input of MATCH_RECOGNIZE")).about(text);
        Err(match did_you_mean(name, columns()) {
            Some(near) => error.help(format!("did you mean '{near}'?")),
            None => error.help(format!("there are: {}", columns().collect::<Vec<_>>().join(", "))),
        })
    }

    /// The name of the column that stands for a reference.
    pub(super) fn stand_in(&mut self, value: RefValue, whole: bool, field: Field, text: String) -> Ident {
        let known = self.references.iter().find(|r| r.value == value && r.whole == whole && r.field.data_type() == field.data_type());
        let name = match known {
            Some(known) => known.field.name().clone(),
            None => {
                let name = format!("{STAND_IN}{}", self.references.len());
                self.references.push(Reference { value, whole, field: Arc::new(field.with_name(&name)), text });
                name
            }
        };
        Ident::with_quote('`', name)
    }

    /// A call that means something of its own here.
    fn call(&mut self, call: &Function, navigation: Navigation, cx: &mut dyn RelationPlannerContext) -> SqlResult<Option<ast::Expr>> {
        let name = call.name.to_string().to_ascii_uppercase();
        let only_measures = |what: &str| match self.scope {
            Scope::Measures => Ok(()),
            Scope::Define(_) => Err(SqlError::new(format!("{what} can stand in MEASURES only")).about(what)),
        };
        match name.as_str() {
            "FIRST" | "LAST" => self.navigate(call, &name, navigation, cx).map(Some),
            "PREV" => self.neighbour(call, Way::Back, navigation, cx).map(Some),
            "NEXT" => self.neighbour(call, Way::Ahead, navigation, cx).map(Some),
            "MATCH_ROWTIME" => {
                only_measures("MATCH_ROWTIME")?;
                self.match_rowtime(call, cx).map(Some)
            }
            "MATCH_PROCTIME" => {
                only_measures("MATCH_PROCTIME")?;
                Ok(Some(ast::Expr::Function(Function { name: ObjectName::from(vec![Ident::new("PROCTIME")]), ..call.clone() })))
            }
            "CLASSIFIER" | "MATCH_NUMBER" | "MATCH_TIMED_OUT" => {
                only_measures(&name)?;
                self.about_match(call, &name, navigation).map(Some)
            }
            name if name == FINAL_CALL.to_ascii_uppercase() => {
                let mut inner = only_argument(call).cloned().ok_or_else(|| SqlError::new("FINAL stands before a call").about("FINAL"))?;
                self.replace(&mut inner, Navigation { whole: true, ..navigation }, cx)?;
                Ok(Some(inner))
            }
            name if is_aggregate(name) => self.aggregate(call, navigation, cx).map(Some),
            _ => Ok(None),
        }
    }

    /// FIRST and LAST, with an offset or none.
    fn navigate(&mut self, call: &Function, name: &str, outer: Navigation, cx: &mut dyn RelationPlannerContext) -> SqlResult<ast::Expr> {
        let (inner, offset) = value_and_offset(call, name, 0)?;
        let mut inner = inner.clone();
        self.replace(&mut inner, Navigation { first: name == "FIRST", offset, ..outer }, cx)?;
        Ok(inner)
    }

    fn match_rowtime(&mut self, call: &Function, cx: &mut dyn RelationPlannerContext) -> SqlResult<ast::Expr> {
        let mut field = Field::new("", DataType::Timestamp(TimeUnit::Millisecond, None), false);
        if let Some(arg) = only_argument(call) {
            let column = cx.sql_to_expr(arg.clone(), &self.input)?;
            let (_, of) = column.to_field(&self.input)?;
            if time_attribute(&of) != Some(ROWTIME) {
                let error = SqlError::new(format!("MATCH_ROWTIME takes the column of event time, not '{arg}'")).about("MATCH_ROWTIME");
                return Err(error.help("MATCH_ROWTIME() without an argument is the event time of the match"));
            }
            field = of.as_ref().clone();
        }
        if !self.rows.processing {
            field = with_time_attribute(&field, ROWTIME);
        }
        Ok(ast::Expr::Identifier(self.stand_in(RefValue::MatchTime, true, field, "MATCH_ROWTIME()".into())))
    }

    fn about_match(&mut self, call: &Function, name: &str, navigation: Navigation) -> SqlResult<ast::Expr> {
        if !arguments(call).is_empty() {
            return Err(SqlError::new(format!("{name} takes no argument")).about(name));
        }
        let Navigation { first, offset, whole } = navigation;
        let (value, t) = match name {
            "CLASSIFIER" => (RefValue::Classifier(Locator { of: None, first, offset }), DataType::Utf8),
            "MATCH_NUMBER" => (RefValue::MatchNumber, DataType::Int64),
            _ => (RefValue::TimedOut, DataType::Boolean),
        };
        Ok(ast::Expr::Identifier(self.stand_in(value, whole, Field::new("", t, true), format!("{name}()"))))
    }

    /// What stands in a call that looks at rows of one variable.
    pub(super) fn argument(&self, arg: &ast::Expr) -> SqlResult<Argument> {
        let argument = Argument { expr: arg.clone(), variables: vec![], calls: vec![] };
        let mut pass = Unqualify { binder: self, argument, error: None };
        let mut expr = arg.clone();
        let _ = walk_expr(&mut expr, &mut pass);
        pass.error.map_or(Ok(Argument { expr, ..pass.argument }), Err)
    }

    /// The argument as an expression over the input.
    pub(super) fn over_input(&self, argument: ast::Expr, cx: &mut dyn RelationPlannerContext) -> Result<Expr> {
        flink_expression(cx.sql_to_expr(argument, &self.input)?, &self.input)
    }

    fn aggregate(&mut self, call: &Function, navigation: Navigation, cx: &mut dyn RelationPlannerContext) -> SqlResult<ast::Expr> {
        let name = call.name.to_string().to_ascii_uppercase();
        if call.filter.is_some() || call.over.is_some() || !call.within_group.is_empty() || is_distinct(call) {
            let error = SqlError::new(format!("{name} takes no DISTINCT, FILTER or OVER in MATCH_RECOGNIZE")).about(&name);
            return Err(error);
        }
        let text = call.to_string();
        let (mut variables, mut args) = (vec![], vec![]);
        for arg in arguments(call) {
            // The * of COUNT(*).
            let Some(arg) = arg else { continue };
            let argument = self.argument(arg)?;
            variables.extend(argument.variables);
            args.push(self.over_input(argument.expr, cx)?);
        }
        let of = only_variable(&variables, &name, "goes over the rows of one variable, not of several")?;
        let function = cx.context_provider().get_aggregate_meta(&name).ok_or_else(|| SqlError::new(format!("{name} is no aggregate")))?;
        let fields = args.iter().map(|a| Ok(a.to_field(&self.input)?.1)).collect::<Result<Vec<FieldRef>>>()?;
        let output = function.return_field(&fields)?;
        let value = RefValue::Aggregate { of, function: name.to_ascii_lowercase(), args };
        Ok(ast::Expr::Identifier(self.stand_in(value, navigation.whole, output.as_ref().clone(), text)))
    }
}

/// An expression over columns of rows of one variable.
pub struct Argument {
    /// Without the variable.
    pub expr: ast::Expr,
    /// The variable of each column in it.
    pub variables: Vec<Option<u16>>,
    /// The functions in it.
    pub calls: Vec<String>,
}

/// The one variable that all columns have. The error says what `function` does otherwise.
pub fn only_variable(variables: &[Option<u16>], function: &str, does: &str) -> SqlResult<Option<u16>> {
    if variables.windows(2).any(|pair| pair[0] != pair[1]) {
        let error = SqlError::new(format!("{function} {does}")).about(function);
        return Err(error.help("give all its columns the same variable, or none for all rows"));
    }
    Ok(variables.first().copied().flatten())
}

/// Puts columns in the place of references.
struct Replace<'b, 'a, 'c> {
    binder: &'b mut Binder<'a>,
    navigation: Navigation,
    cx: &'c mut dyn RelationPlannerContext,
    error: Option<SqlError>,
}

impl Replace<'_, '_, '_> {
    fn replaced(&mut self, expr: &ast::Expr) -> SqlResult<Option<ast::Expr>> {
        match expr {
            ast::Expr::Identifier(name) if !name.value.starts_with(STAND_IN) => {
                self.binder.column(std::slice::from_ref(name), self.navigation, self.cx).map(Some)
            }
            ast::Expr::CompoundIdentifier(path) if !path[0].value.starts_with(STAND_IN) => {
                self.binder.column(path, self.navigation, self.cx).map(Some)
            }
            ast::Expr::CompoundFieldAccess { .. } => Ok(with_path(expr, self.binder.names)),
            ast::Expr::Function(call) => self.binder.call(call, self.navigation, self.cx),
            ast::Expr::Subquery(_) | ast::Expr::Exists { .. } | ast::Expr::InSubquery { .. } => {
                Err(SqlError::new("a sub-query cannot stand in MATCH_RECOGNIZE").about("SELECT"))
            }
            _ => Ok(None),
        }
    }
}

impl Pass for Replace<'_, '_, '_> {
    fn pre_visit_expr(&mut self, expr: &mut ast::Expr) -> Flow {
        if self.error.is_some() {
            return ControlFlow::Continue(());
        }
        match self.replaced(expr) {
            Ok(Some(replaced)) => *expr = replaced,
            Ok(None) => {}
            Err(error) => self.error = Some(error),
        }
        ControlFlow::Continue(())
    }
}

/// Takes the variables off columns, and notes them.
struct Unqualify<'b> {
    binder: &'b Binder<'b>,
    argument: Argument,
    error: Option<SqlError>,
}

impl Pass for Unqualify<'_> {
    fn pre_visit_expr(&mut self, expr: &mut ast::Expr) -> Flow {
        match expr {
            ast::Expr::CompoundIdentifier(path) => {
                let (variable, column) = self.binder.told_apart(path);
                self.error = self.error.take().or(self.binder.check_column(path, column, variable.is_some()).err());
                *path = column.to_vec();
                self.argument.variables.push(variable);
            }
            ast::Expr::Identifier(_) => self.argument.variables.push(None),
            ast::Expr::CompoundFieldAccess { .. } => {
                if let Some(path) = with_path(expr, self.binder.names) {
                    *expr = path;
                }
            }
            ast::Expr::Function(call) => self.argument.calls.push(call.name.to_string().to_ascii_uppercase()),
            _ => {}
        }
        ControlFlow::Continue(())
    }

    /// A path of one name is that name.
    fn post_visit_expr(&mut self, expr: &mut ast::Expr) -> Flow {
        if let ast::Expr::CompoundIdentifier(path) = expr
            && let [only] = path.as_slice()
        {
            *expr = ast::Expr::Identifier(only.clone());
        }
        ControlFlow::Continue(())
    }
}

/// A path as SQL has it.
fn written(path: &[Ident]) -> String {
    path.iter().map(|p| p.value.as_str()).collect::<Vec<_>>().join(".")
}

/// `A.b[1]`, which is read as a field of a column A, as an element of the column `A.b`.
fn with_path(expr: &ast::Expr, names: &[String]) -> Option<ast::Expr> {
    let ast::Expr::CompoundFieldAccess { root, access_chain } = expr else { return None };
    let (ast::Expr::Identifier(variable), [AccessExpr::Dot(ast::Expr::Value(field)), rest @ ..]) = (root.as_ref(), access_chain.as_slice())
    else {
        return None;
    };
    let Value::SingleQuotedString(field) = &field.value else { return None };
    names.contains(&variable.value).then(|| {
        let path = vec![variable.clone(), Ident::with_quote('`', field)];
        ast::Expr::CompoundFieldAccess { root: Box::new(ast::Expr::CompoundIdentifier(path)), access_chain: rest.to_vec() }
    })
}

/// The arguments of a call; none in place of a star.
fn arguments(call: &Function) -> Vec<Option<&ast::Expr>> {
    let FunctionArguments::List(FunctionArgumentList { args, .. }) = &call.args else { return vec![] };
    args.iter()
        .map(|arg| match arg {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
            _ => None,
        })
        .collect()
}

/// What FIRST, LAST, PREV and NEXT take: a value, and a number of rows or none.
pub fn value_and_offset<'c>(call: &'c Function, name: &str, default: u32) -> SqlResult<(&'c ast::Expr, u32)> {
    let args = arguments(call);
    let (Some(value), true) = (args.first().copied().flatten(), args.len() <= 2) else {
        return Err(SqlError::new(format!("{name} takes a value and perhaps an offset"))
            .about(name)
            .help(format!("write {name}(A.price, 1)")));
    };
    let offset = match args.get(1) {
        None => default,
        Some(offset) => offset
            .and_then(whole_number)
            .ok_or_else(|| SqlError::new(format!("the offset of {name} is a whole number that is written out")).about(name))?,
    };
    Ok((value, offset))
}

/// The argument of a call that has one.
pub fn only_argument(call: &Function) -> Option<&ast::Expr> {
    match arguments(call).as_slice() {
        [only] => *only,
        _ => None,
    }
}

fn is_aggregate(name: &str) -> bool {
    AGGREGATES.iter().any(|(known, ..)| known.eq_ignore_ascii_case(name))
}

/// Whether a call is about the match, not about one row.
pub fn is_about_match(name: &str) -> bool {
    OF_MATCH.contains(&name) || is_aggregate(name)
}

fn is_distinct(call: &Function) -> bool {
    matches!(&call.args, FunctionArguments::List(list) if list.duplicate_treatment.is_some())
}

/// A number as it is written, also where it has got its type already.
fn whole_number(expr: &ast::Expr) -> Option<u32> {
    match expr {
        ast::Expr::Cast { expr, .. } => whole_number(expr),
        ast::Expr::Value(value) => match &value.value {
            Value::Number(digits, _) => digits.parse().ok(),
            _ => None,
        },
        _ => None,
    }
}
