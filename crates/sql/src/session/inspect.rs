//! SHOW, DESCRIBE and EXPLAIN.

use std::fmt::Write;

use super::{Effect, Session};
use crate::catalog::{ColumnSource, Object, Table, time_attribute};
use crate::dialect::{Describe, DescribeKind, Explain, ExplainDetail, Pattern, Show, ShowKind, Statement};
use crate::error::{SqlError, SqlResult};
use crate::secrets::{masked, shown};
use crate::types::FlinkType;

impl Session {
    pub(super) fn show(&self, show: &Show) -> SqlResult<Effect> {
        let keep = |name: &str| show.pattern.as_ref().is_none_or(|p| matches(p, name));
        let names = |all: Vec<String>| all.into_iter().filter(|n| keep(n)).collect::<Vec<_>>();
        match &show.what {
            ShowKind::Catalogs => Effect::list("catalog name", names(self.catalog.catalogs().map(str::to_string).collect())),
            ShowKind::CurrentCatalog => Effect::list("current catalog name", vec![self.catalog.current_catalog.clone()]),
            ShowKind::CurrentDatabase => Effect::list("current database name", vec![self.catalog.current_database.clone()]),
            ShowKind::Databases => {
                let catalog = show.from.as_ref().map_or(self.catalog.current_catalog.clone(), |f| f.to_string().replace('`', ""));
                let all = self.catalog.databases(&catalog)?.map(str::to_string).collect();
                Effect::list("database name", names(all))
            }
            ShowKind::Tables | ShowKind::Views => {
                let views_only = matches!(show.what, ShowKind::Views);
                let (catalog, database) = self.database_of(show)?;
                let objects = self.catalog.objects(&catalog, &database)?;
                let listed = objects.iter().filter(|(_, o)| !views_only || o.kind() == "view").map(|(n, _)| n.clone()).collect();
                Effect::list(if views_only { "view name" } else { "table name" }, names(listed))
            }
            ShowKind::Functions => {
                // Those that are documented; the others are what the planner writes.
                let catalog = crate::planner::catalog::catalog();
                let documented = |n: &&str| catalog.iter().any(|f| f.name.eq_ignore_ascii_case(n) || f.aliases.contains(n));
                let mut all: Vec<String> =
                    crate::planner::context::function_names().into_iter().filter(documented).map(str::to_string).collect();
                all.extend(self.own_functions());
                all.sort();
                all.dedup();
                Effect::list("function name", names(all))
            }
            ShowKind::UserFunctions => Effect::list("function name", names(self.own_functions())),
            ShowKind::Columns => match &show.from {
                Some(name) => {
                    let Effect::Table { columns, rows } = self.describe_table(name)? else {
                        return Err(SqlError::new("DESCRIBE gives rows"));
                    };
                    Ok(Effect::Table { columns, rows: rows.into_iter().filter(|r| keep(&r[0])).collect() })
                }
                None => Err(SqlError::new("SHOW COLUMNS needs a table").help("write SHOW COLUMNS FROM t")),
            },
            ShowKind::CreateTable(name) => match self.catalog.get(&self.path(name)?)? {
                Object::Table(table) => Effect::list("result", vec![create_table_text(table)]),
                Object::View(view) => {
                    Err(SqlError::new(format!("'{}' is a view", view.path.name)).about(&view.path.name).help("write SHOW CREATE VIEW"))
                }
            },
            ShowKind::CreateView(name) => match self.catalog.get(&self.path(name)?)? {
                Object::View(view) => {
                    let temporary = if view.temporary { "TEMPORARY " } else { "" };
                    Effect::list("result", vec![format!("CREATE {temporary}VIEW {} AS {}", view.path, masked(&view.query.text))])
                }
                Object::Table(table) => {
                    Err(SqlError::new(format!("'{}' is a table", table.path.name)).about(&table.path.name).help("write SHOW CREATE TABLE"))
                }
            },
            ShowKind::Modules => Effect::list("module name", vec!["core".into()]),
            ShowKind::Jars => Effect::list("jars", vec![]),
            ShowKind::MaterializedTables => Effect::list("materialized table name", vec![]),
            ShowKind::Partitions(_) => Err(SqlError::not_yet("SHOW PARTITIONS").about("PARTITIONS")),
            ShowKind::CreateCatalog(_) => Err(SqlError::not_yet("SHOW CREATE CATALOG").about("CATALOG")),
            other => Err(SqlError::not_yet(format!("SHOW {}", format!("{other:?}").to_uppercase()))),
        }
    }

    /// Functions of the user that can be called here by their names alone.
    fn own_functions(&self) -> Vec<String> {
        self.catalog.functions.names(&self.catalog.current_catalog, &self.catalog.current_database)
    }

    fn database_of(&self, show: &Show) -> SqlResult<(String, String)> {
        let current = (self.catalog.current_catalog.clone(), self.catalog.current_database.clone());
        let Some(from) = &show.from else { return Ok(current) };
        let parts: Vec<&str> = from.0.iter().filter_map(|p| p.as_ident().map(|i| i.value.as_str())).collect();
        match parts.as_slice() {
            [database] => Ok((current.0, database.to_string())),
            [catalog, database] => Ok((catalog.to_string(), database.to_string())),
            _ => Err(SqlError::new("a database is written [catalog.]database")),
        }
    }

    pub(super) fn describe(&self, describe: &Describe) -> SqlResult<Effect> {
        match &describe.kind {
            DescribeKind::Table(name) => self.describe_table(name),
            _ => Err(SqlError::not_yet("DESCRIBE of anything but a table or a view")),
        }
    }

    fn describe_table(&self, name: &sqlparser::ast::ObjectName) -> SqlResult<Effect> {
        let columns = ["name", "type", "null", "key", "extras", "watermark"].map(str::to_string).to_vec();
        let rows = match &self.catalog.find(&self.path(name)?)? {
            Object::Table(table) => (0..table.columns.len()).map(|i| describe_column(table, i)).collect(),
            Object::View(view) => {
                let plan = self.context().query(&view.query.query)?;
                let plan = crate::planner::rename_columns(plan, &view.columns)?;
                let row = |f: &arrow::datatypes::FieldRef| {
                    let (ty, nullable) = FlinkType::from_field(f);
                    vec![
                        f.name().clone(),
                        attribute_type(&ty, f),
                        nullable.to_string().to_uppercase(),
                        String::new(),
                        String::new(),
                        String::new(),
                    ]
                };
                plan.schema().fields().iter().map(row).collect()
            }
        };
        Ok(Effect::Table { columns, rows })
    }

    pub(super) fn explain(&self, explain: &Explain) -> SqlResult<Effect> {
        let job = match explain.statement.as_ref() {
            Statement::Query(query) => self.plan_query(query)?,
            Statement::Insert(insert) => self.plan_inserts(std::slice::from_ref(insert))?,
            Statement::StatementSet(set) => self.plan_inserts(&set.inserts)?,
            _ => return Err(SqlError::new("only a query, an INSERT or a statement set can be explained").about("EXPLAIN")),
        };
        if explain.details.contains(&ExplainDetail::EstimatedCost) {
            let error = SqlError::new("plans are made without estimates here, so that there is no ESTIMATED_COST").about("ESTIMATED_COST");
            return Err(error.help("leave it out; PLAN_ADVICE tells what a plan remembers for ever"));
        }
        let changelog = explain.details.contains(&ExplainDetail::ChangelogMode);
        let advice = explain.details.contains(&ExplainDetail::PlanAdvice);
        let mut text = job.explain_with(changelog, advice);
        if explain.details.contains(&ExplainDetail::JsonExecutionPlan) {
            text.push_str(&job.execution_plan());
        }
        Effect::list("result", vec![text])
    }
}

/// A type with `*ROWTIME*` or `*PROCTIME*` behind it, as Flink shows time attributes.
fn attribute_type(ty: &FlinkType, field: &arrow::datatypes::Field) -> String {
    match time_attribute(field) {
        Some(kind) => format!("{ty} *{}*", kind.to_uppercase()),
        None => ty.to_string(),
    }
}

fn describe_column(table: &Table, i: usize) -> Vec<String> {
    let column = &table.columns[i];
    let name = column.field.name();
    let key = if table.primary_key.contains(name) { format!("PRI({})", table.primary_key.join(", ")) } else { String::new() };
    let extras = match &column.source {
        ColumnSource::Physical => String::new(),
        ColumnSource::Computed { text, .. } => format!("AS {text}"),
        ColumnSource::Metadata { key, is_virtual } => {
            let from = if key == name { String::new() } else { format!(" FROM '{key}'") };
            format!("METADATA{from}{}", if *is_virtual { " VIRTUAL" } else { "" })
        }
    };
    let watermark = table.watermark.as_ref().filter(|w| w.column == i).map_or(String::new(), |w| w.text.clone());
    let nullable = column.field.is_nullable().to_string().to_uppercase();
    vec![name.clone(), attribute_type(&column.sql_type, &column.field), nullable, key, extras, watermark]
}

fn create_table_text(table: &Table) -> String {
    let quote = |name: &str| format!("`{name}`");
    let mut lines = vec![];
    for column in &table.columns {
        let name = quote(column.field.name());
        let null = if column.field.is_nullable() { "" } else { " NOT NULL" };
        let comment = column.comment.as_ref().map_or(String::new(), |c| format!(" COMMENT '{}'", c.replace('\'', "''")));
        lines.push(match &column.source {
            ColumnSource::Physical => format!("{name} {}{null}{comment}", column.sql_type),
            ColumnSource::Computed { text, .. } => format!("{name} AS {text}{comment}"),
            ColumnSource::Metadata { key, is_virtual } => {
                format!("{name} {}{null} METADATA FROM '{key}'{}{comment}", column.sql_type, if *is_virtual { " VIRTUAL" } else { "" })
            }
        });
    }
    if let Some(w) = &table.watermark {
        lines.push(format!("WATERMARK FOR {} AS {}", quote(table.columns[w.column].field.name()), w.text));
    }
    let names = |keys: &[String]| keys.iter().map(|k| quote(k)).collect::<Vec<_>>().join(", ");
    if !table.primary_key.is_empty() {
        lines.push(format!("PRIMARY KEY ({}) NOT ENFORCED", names(&table.primary_key)));
    }
    let temporary = if table.temporary { "TEMPORARY " } else { "" };
    let mut text = format!("CREATE {temporary}TABLE {} (\n  {}\n)", table.path, lines.join(",\n  "));
    if let Some(comment) = &table.comment {
        let _ = write!(text, "\nCOMMENT '{}'", comment.replace('\'', "''"));
    }
    if !table.partition_keys.is_empty() {
        let _ = write!(text, "\nPARTITIONED BY ({})", names(&table.partition_keys));
    }
    let options: Vec<String> = table.options.iter().map(|(k, v)| format!("'{k}' = '{}'", shown(k, v).replace('\'', "''"))).collect();
    let _ = write!(text, "\nWITH (\n  {}\n)", options.join(",\n  "));
    text
}

/// `LIKE` with `%` and `_`.
fn matches(pattern: &Pattern, name: &str) -> bool {
    let (mut text, mut name) = (pattern.text.value.clone(), name.to_string());
    if pattern.ignore_case {
        (text, name) = (text.to_lowercase(), name.to_lowercase());
    }
    let mut regex = String::from("^(?s)");
    for c in text.chars() {
        match c {
            '%' => regex.push_str(".*"),
            '_' => regex.push('.'),
            c => regex.push_str(&regex::escape(&c.to_string())),
        }
    }
    regex.push('$');
    let found = regex::Regex::new(&regex).is_ok_and(|r| r.is_match(&name));
    found != pattern.negated
}
