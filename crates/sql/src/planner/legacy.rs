//! Group windows of old (`GROUP BY TUMBLE(ts, INTERVAL '1' HOUR)`), rewritten to window functions in FROM.

use sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, GroupByExpr, Ident, ObjectName, Query, Select, SelectItem, SetExpr,
    TableAlias, TableFactor, TableWithJoins,
};

use crate::dialect::{Flow, Pass, parse_query, walk_expr, walk_query};
use crate::error::{SqlError, SqlResult};

/// Functions that give a property of the window, by ending, and the window column that has it.
const AUXILIARY: [(&str, &str); 4] =
    [("_START", "window_start"), ("_END", "window_end"), ("_ROWTIME", "window_time"), ("_PROCTIME", "window_time")];
/// Marks the window functions that stood in GROUP BY: before their name.
pub const GROUP_WINDOW: &str = "$group_";
const WINDOWS: [&str; 3] = ["TUMBLE", "HOP", "SESSION"];

/// Rewrites all of a query's SELECTs.
pub fn rewrite(query: &mut Query) -> SqlResult<()> {
    let mut visitor = Legacy { error: None };
    let _ = walk_query(query, &mut visitor);
    visitor.error.map_or(Ok(()), Err)
}

struct Legacy {
    error: Option<SqlError>,
}

impl Pass for Legacy {
    fn pre_visit_select(&mut self, select: &mut Select) -> Flow {
        if self.error.is_none() {
            self.error = rewrite_select(select).err();
        }
        Flow::Continue(())
    }
}

fn function_of<'a>(expr: &'a Expr, names: &[String]) -> Option<(&'a Function, String)> {
    let Expr::Function(f) = expr else { return None };
    let name = f.name.to_string().to_ascii_uppercase();
    names.contains(&name).then_some((f, name))
}

fn windows() -> Vec<String> {
    WINDOWS.iter().map(|w| w.to_string()).collect()
}

fn args(f: &Function) -> Vec<Expr> {
    let FunctionArguments::List(list) = &f.args else { return vec![] };
    let plain = |a: &FunctionArg| match a {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(e)) => Some(e.clone()),
        _ => None,
    };
    list.args.iter().filter_map(plain).collect()
}

fn rewrite_select(select: &mut Select) -> SqlResult<()> {
    let GroupByExpr::Expressions(keys, _) = &mut select.group_by else { return Ok(()) };
    let Some(at) = keys.iter().position(|k| function_of(k, &windows()).is_some()) else { return Ok(()) };
    let window = keys.remove(at);
    let Some((f, name)) = function_of(&window, &windows()) else { return Ok(()) };
    let arguments = args(f);
    let Some((time, lengths)) = arguments.split_first() else {
        return Err(SqlError::new(format!("{name} needs a time column and an interval")).about(&name));
    };
    let rest = keys.iter().filter(|k| function_of(k, &windows()).is_none()).cloned().collect::<Vec<_>>();
    if rest.len() != keys.len() {
        return Err(SqlError::new("only one group window can stand in GROUP BY").about(&name));
    }
    for column in ["window_start", "window_end", "window_time"] {
        keys.push(Expr::Identifier(Ident::new(column)));
    }
    let columns = Columns { window: &name };
    // A call such as TUMBLE_START(…) is unnamed in Flink; as a column it would give its name.
    crate::dialect::names::name_select(select);
    for item in &mut select.projection {
        if let SelectItem::UnnamedExpr(e) | SelectItem::ExprWithAlias { expr: e, .. } = item {
            columns.replace(e);
        }
    }
    if let Some(having) = &mut select.having {
        columns.replace(having);
    }
    select.from = vec![over_window(select, &name, time, lengths, session_keys(&name, &rest))?];
    select.selection = None;
    Ok(())
}

/// A SESSION in GROUP BY is one of the other keys.
fn session_keys(name: &str, keys: &[Expr]) -> Vec<Expr> {
    if name == "SESSION" { keys.to_vec() } else { vec![] }
}

struct Columns<'a> {
    window: &'a str,
}

impl Columns<'_> {
    fn names(&self) -> Vec<String> {
        AUXILIARY.iter().map(|(ending, _)| format!("{}{ending}", self.window)).collect()
    }

    fn replace(&self, expr: &mut Expr) {
        let _ = walk_expr(expr, &mut Replace { names: self.names() });
    }
}

/// Puts the window's columns in the place of calls of `names`.
struct Replace {
    names: Vec<String>,
}

impl Pass for Replace {
    fn post_visit_expr(&mut self, expr: &mut Expr) -> Flow {
        let found = function_of(expr, &self.names).map(|(_, name)| name);
        if let Some((_, column)) = found.and_then(|name| AUXILIARY.iter().find(|(ending, _)| name.ends_with(ending))) {
            *expr = Expr::Identifier(Ident::with_quote('`', *column));
        }
        Flow::Continue(())
    }
}

/// `WINDOW(TABLE (SELECT * FROM … WHERE …), DESCRIPTOR(time), …) AS alias`: written with stand-ins, which are then replaced.
fn over_window(select: &Select, name: &str, time: &Expr, lengths: &[Expr], keys: Vec<Expr>) -> SqlResult<TableWithJoins> {
    let place = match select.from.as_slice() {
        [TableWithJoins { relation, joins }] if joins.is_empty() => alias_of(relation),
        _ => None,
    };
    let column = match time {
        Expr::Identifier(id) => id.clone(),
        Expr::CompoundIdentifier(ids) if !ids.is_empty() => ids[ids.len() - 1].clone(),
        other => return Err(SqlError::new(format!("{name} goes by a time column, not by '{other}'")).about(name)),
    };
    let partition = match keys.as_slice() {
        [] => String::new(),
        keys => format!(" PARTITION BY ({})", keys.iter().map(unqualified).collect::<Vec<_>>().join(", ")),
    };
    let stand_ins = ", INTERVAL '1' SECOND".repeat(lengths.len());
    let time = Ident::with_quote('`', column.value);
    let text = format!("SELECT * FROM TABLE({name}(TABLE (SELECT * FROM t){partition}, DESCRIPTOR({time}){stand_ins}))");
    let query = parse_query(&text).map_err(|e| SqlError::new(format!("{name}: {}", e.message)).about(name))?;
    let broken = || SqlError::new(format!("{name} in GROUP BY could not be rewritten")).about(name);
    let SetExpr::Select(inner) = *query.body else { return Err(broken()) };
    let mut table = inner.from.into_iter().next().ok_or_else(broken)?;
    let TableFactor::TableFunction { expr: Expr::Function(call), alias } = &mut table.relation else { return Err(broken()) };
    *alias = place;
    call.name = ObjectName::from(vec![Ident::with_quote('`', format!("{GROUP_WINDOW}{name}"))]);
    let FunctionArguments::List(list) = &mut call.args else { return Err(broken()) };
    let mut args = list.args.iter_mut().filter_map(expr_of);
    let data = args.next().and_then(sub_query).ok_or_else(broken)?;
    data.from = select.from.clone();
    data.selection = select.selection.clone();
    args.skip(1).zip(lengths).for_each(|(stand_in, length)| *stand_in = length.clone());
    Ok(table)
}

fn expr_of(arg: &mut FunctionArg) -> Option<&mut Expr> {
    match arg {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(e)) => Some(e),
        _ => None,
    }
}

/// The SELECT in the table argument.
fn sub_query(argument: &mut Expr) -> Option<&mut Select> {
    let Expr::Function(Function { args: FunctionArguments::List(list), .. }) = argument else { return None };
    match expr_of(list.args.first_mut()?)? {
        Expr::Subquery(query) => match query.body.as_mut() {
            SetExpr::Select(select) => Some(select),
            _ => None,
        },
        _ => None,
    }
}

fn unqualified(expr: &Expr) -> String {
    match expr {
        Expr::CompoundIdentifier(ids) if !ids.is_empty() => ids[ids.len() - 1].to_string(),
        other => other.to_string(),
    }
}

fn alias_of(relation: &TableFactor) -> Option<TableAlias> {
    let named = |name: &ObjectName| {
        let ident = name.0.last()?.as_ident()?.clone();
        Some(TableAlias { explicit: true, name: ident, columns: vec![], at: None })
    };
    match relation {
        TableFactor::Table { alias: Some(alias), .. } | TableFactor::Derived { alias: Some(alias), .. } => {
            Some(TableAlias { columns: vec![], ..alias.clone() })
        }
        TableFactor::Table { name, .. } => named(name),
        _ => None,
    }
}
