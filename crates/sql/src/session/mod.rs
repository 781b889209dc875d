//! A session: carries out statements one by one.

mod alter;
mod create;
mod functions;
mod inspect;
mod job;

use std::ops::Range;
use std::sync::Arc;

use flott_engine::connector::Connectors;
use sqlparser::tokenizer::Location;

use crate::catalog::{Catalog, Object, ObjectPath};
use crate::dialect::{self, Parsed};
use crate::error::{SqlError, SqlResult};
use crate::options::SessionOptions;
use crate::own::Language;
use crate::secrets::shown;
use crate::stack::deep;

pub use job::{PlannedJob, ResultSchema};

/// A statement of a script, parsed.
#[derive(Debug, Clone)]
pub struct Statement {
    /// Where it stands, in bytes of the script.
    pub range: Range<usize>,
    text: String,
    parsed: Parsed,
}

impl Statement {
    /// The statement as written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The error with its places in the script.
    fn locate(&self, error: SqlError) -> SqlError {
        let start = Location { line: self.parsed.line, column: self.parsed.column };
        error.locate_from(&self.text, self.range.start, start)
    }

    /// Whether it needs a dataflow to run.
    pub fn is_job(&self) -> bool {
        use dialect::Statement as S;
        match &self.parsed.statement {
            S::Insert(_) | S::StatementSet(_) | S::Query(_) => true,
            S::CreateTable(create) => create.as_query.is_some(),
            _ => false,
        }
    }
}

/// What a statement did.
pub enum Effect {
    /// It is done; a sentence about it.
    Done(String),
    /// It is done, and this should be told.
    Note(String),
    /// It has an answer.
    Table {
        /// Names of the columns.
        columns: Vec<String>,
        /// Rows of text.
        rows: Vec<Vec<String>>,
    },
    /// It is a job to be run.
    Job(Box<PlannedJob>),
    /// The script ends here, whatever follows.
    Quit,
}

impl Effect {
    fn done(message: impl Into<String>) -> SqlResult<Self> {
        Ok(Effect::Done(message.into()))
    }

    /// One column of names.
    fn list(column: &str, rows: Vec<String>) -> SqlResult<Self> {
        Ok(Effect::Table { columns: vec![column.to_string()], rows: rows.into_iter().map(|r| vec![r]).collect() })
    }
}

/// Catalog, options and connectors of a user.
pub struct Session {
    catalog: Catalog,
    options: SessionOptions,
    connectors: Connectors,
    /// Finds functions for `LANGUAGE PYTHON`.
    python: Option<Arc<dyn Language>>,
    /// CREATE TABLE statements that were carried out.
    created: Vec<Created>,
}

/// A CREATE TABLE that was carried out.
struct Created {
    /// Where it begins in the script, in bytes.
    offset: usize,
    /// The same in line and column.
    start: Location,
    text: String,
    /// What it made.
    path: ObjectPath,
}

impl Session {
    /// A session without tables.
    pub fn new(connectors: Connectors) -> Self {
        Self { catalog: Catalog::default(), options: SessionOptions::default(), connectors, python: None, created: vec![] }
    }

    /// Parses a whole script; each statement with its place, or an error.
    pub fn parse(sql: &str) -> Vec<SqlResult<Statement>> {
        let one = |parsed: Result<Parsed, dialect::SyntaxError>| match parsed {
            Ok(parsed) => Ok(Statement { range: parsed.text_range.clone(), text: sql[parsed.text_range.clone()].to_string(), parsed }),
            Err(e) => {
                let range = e.range.clone();
                Err(SqlError { span: Some(range), ..SqlError::from(e) })
            }
        };
        dialect::parse_script(sql).into_iter().map(one).collect()
    }

    /// Carries out a statement. Errors have their place in the script.
    pub fn execute(&mut self, statement: &Statement) -> SqlResult<Effect> {
        let effect = deep(|| self.dispatch(&statement.parsed.statement)).map_err(|e| statement.locate(e))?;
        if let dialect::Statement::CreateTable(create) = &statement.parsed.statement {
            let start = Location { line: statement.parsed.line, column: statement.parsed.column };
            let path = self.path(&create.name)?;
            self.created.push(Created { offset: statement.range.start, start, text: statement.text.clone(), path });
        }
        Ok(effect)
    }

    /// What of a statement Flink would not take as it is, each at its place in the script.
    pub fn not_portable(statement: &Statement) -> Vec<SqlError> {
        crate::portability::notes(&statement.parsed.statement).into_iter().map(|note| statement.locate(note)).collect()
    }

    /// The value of a session option that is in force.
    pub fn option(&self, key: &str) -> Option<String> {
        self.options.get(key)
    }

    /// Sets a session option, as `SET` does.
    pub fn set_option(&mut self, key: &str, value: &str) -> SqlResult<()> {
        self.options.set(key, value)
    }

    /// A session option that is a duration, in milliseconds; `None` when it is not set or zero.
    pub fn duration_ms(&self, key: &str) -> SqlResult<Option<i64>> {
        self.options.duration_ms(key)
    }

    /// How many bytes of output may wait for delivery.
    pub fn outbox_bytes_max(&self) -> SqlResult<u64> {
        self.options.outbox_bytes_max()
    }

    fn dispatch(&mut self, statement: &dialect::Statement) -> SqlResult<Effect> {
        use dialect::Statement as S;
        match statement {
            S::CreateTable(create) => self.create_table(create),
            S::CreateView(create) => self.create_view(create),
            S::CreateDatabase(create) => self.create_database(create),
            S::CreateCatalog(create) => self.create_catalog(create),
            S::CreateFunction(create) => self.create_function(create),
            S::Drop(drop) => self.drop_object(drop),
            S::AlterTable(alter) => self.alter_table(alter),
            S::AlterView(alter) => self.alter_view(alter),
            S::AlterDatabase(_) => Err(SqlError::not_yet("ALTER DATABASE")),
            S::Show(show) => self.show(show),
            S::Describe(describe) => self.describe(describe),
            S::Explain(explain) => self.explain(explain),
            S::Set(None) => {
                let rows = self.options.all().map(|(k, v)| vec![k.to_string(), shown(k, v)]).collect();
                Ok(Effect::Table { columns: vec!["key".into(), "value".into()], rows })
            }
            S::Set(Some(entry)) => {
                self.options.set(&entry.key.value, &entry.value.value)?;
                match SessionOptions::doubt(&entry.key.value) {
                    Some(doubt) => Ok(Effect::Note(doubt)),
                    None => Effect::done(format!("{} = {}", entry.key.value, shown(&entry.key.value, &entry.value.value))),
                }
            }
            S::Reset(key) => {
                self.options.reset(key.as_ref().map(|k| k.value.as_str()));
                Effect::done("reset")
            }
            S::Use(target) => self.use_target(target),
            S::Insert(insert) => self.plan_inserts(std::slice::from_ref(insert)).map(|j| Effect::Job(Box::new(j))),
            S::StatementSet(set) => self.plan_inserts(&set.inserts).map(|j| Effect::Job(Box::new(j))),
            S::Query(query) => self.plan_query(query).map(|j| Effect::Job(Box::new(j))),
            S::Client(dialect::ClientCommand::Quit) => Ok(Effect::Quit),
            S::Client(dialect::ClientCommand::Nothing) => Effect::done("nothing to do in a script"),
            S::NotSupported { what, .. } => Err(SqlError::not_yet(what)),
        }
    }

    /// The full name of an object as written.
    fn path(&self, name: &sqlparser::ast::ObjectName) -> SqlResult<ObjectPath> {
        let parts: Vec<&str> = name.0.iter().filter_map(|p| p.as_ident().map(|i| i.value.as_str())).collect();
        self.catalog.path(&parts)
    }

    fn use_target(&mut self, target: &dialect::Use) -> SqlResult<Effect> {
        match target {
            dialect::Use::Catalog(name) => {
                self.catalog.use_catalog(&name.value)?;
                Effect::done(format!("catalog {}", name.value))
            }
            dialect::Use::Database(name) => {
                let parts: Vec<String> = name.0.iter().filter_map(|p| p.as_ident().map(|i| i.value.clone())).collect();
                let (catalog, database) = match parts.as_slice() {
                    [database] => (self.catalog.current_catalog.clone(), database.clone()),
                    [catalog, database] => (catalog.clone(), database.clone()),
                    _ => return Err(SqlError::new("a database is written [catalog.]database")),
                };
                self.catalog.use_database(&catalog, &database)?;
                Effect::done(format!("database {database}"))
            }
            dialect::Use::Modules(_) => Err(SqlError::not_yet("USE MODULES").about("MODULES")),
        }
    }

    fn drop_object(&mut self, drop: &dialect::Drop) -> SqlResult<Effect> {
        use dialect::ObjectKind as K;
        let missing_ok = |r: SqlResult<()>| if drop.if_exists { Ok(()) } else { r };
        match drop.kind {
            K::Table | K::View => {
                let path = self.path(&drop.name)?;
                let wanted = if drop.kind == K::Table { "table" } else { "view" };
                match self.catalog.get(&path) {
                    Ok(object) if object.kind() != wanted => {
                        let error = SqlError::new(format!("'{}' is a {}, not a {wanted}", path.name, object.kind()));
                        return Err(error.about(&path.name).help(format!("write DROP {}", object.kind().to_uppercase())));
                    }
                    Ok(_) => drop_result(self.catalog.remove(&path))?,
                    Err(e) => missing_ok(Err(e))?,
                }
            }
            K::Database => {
                let path = self.path(&drop.name)?;
                let catalog = if drop.name.0.len() > 1 { path.database.clone() } else { path.catalog.clone() };
                if self.catalog.objects(&catalog, &path.name).is_err() && drop.if_exists {
                    return Effect::done("nothing to drop");
                }
                self.catalog.drop_database(&catalog, &path.name, drop.cascade)?;
            }
            K::Catalog => missing_ok(self.catalog.drop_catalog(&drop.name.to_string().replace('`', "")))?,
            K::Function => return self.drop_function(drop),
        }
        Effect::done(format!("dropped {}", drop.name))
    }

    fn alter_view(&mut self, alter: &dialect::AlterView) -> SqlResult<Effect> {
        let path = self.path(&alter.name)?;
        let Object::View(view) = self.catalog.get(&path)?.clone() else {
            return Err(SqlError::new(format!("'{}' is not a view", path.name)).about(&path.name));
        };
        let mut view = view.as_ref().clone();
        match &alter.action {
            dialect::AlterViewAction::RenameTo(name) => {
                let to = self.path(name)?;
                if self.catalog.contains(&to) {
                    return Err(SqlError::new(format!("'{}' is there already", to.name)).about(&to.name));
                }
                self.catalog.remove(&path)?;
                view.path = to;
            }
            dialect::AlterViewAction::As(query) => view.query = query.clone(),
        }
        let path = view.path.clone();
        self.catalog.add(&path, Object::View(view.into()), true)?;
        Effect::done(format!("view {}", path.name))
    }
}

fn drop_result(removed: SqlResult<Object>) -> SqlResult<()> {
    removed.map(|_| ())
}
