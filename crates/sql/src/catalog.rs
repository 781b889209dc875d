//! Catalogs, databases, tables and views of a session, in memory.

use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use datafusion_expr::Expr;
use flott_engine::connector::{SinkMode, SourceMode};
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::dialect::{WrittenQuery, did_you_mean};
use crate::error::{SqlError, SqlResult};
use crate::own::Registry;
use crate::types::FlinkType;

/// Field metadata key that marks time attributes.
pub const TIME_ATTRIBUTE: &str = "flink.time";
/// Value of [`TIME_ATTRIBUTE`]: event time.
pub const ROWTIME: &str = "rowtime";
/// Value of [`TIME_ATTRIBUTE`]: processing time.
pub const PROCTIME: &str = "proctime";

/// Full name of a table or view.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectPath {
    /// Catalog.
    pub catalog: String,
    /// Database.
    pub database: String,
    /// Table or view.
    pub name: String,
}

impl std::fmt::Display for ObjectPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}`.`{}`.`{}`", self.catalog, self.database, self.name)
    }
}

/// What a column is made of.
#[derive(Debug, Clone)]
pub enum ColumnSource {
    /// Stored.
    Physical,
    /// Computed from the others.
    Computed {
        /// The planned expression, over the table's physical and metadata columns.
        expr: Expr,
        /// As written.
        text: String,
    },
    /// Filled by the connector.
    Metadata {
        /// Key that the connector knows.
        key: String,
        /// Cannot be written.
        is_virtual: bool,
    },
}

/// A column of a table.
#[derive(Debug, Clone)]
pub struct TableColumn {
    /// Name, type, nullability, time attribute.
    pub field: FieldRef,
    /// Its type as SQL has it.
    pub sql_type: FlinkType,
    /// What it is made of.
    pub source: ColumnSource,
    /// `COMMENT`.
    pub comment: Option<String>,
}

impl TableColumn {
    /// Whether a query's result is written to it.
    pub fn is_written(&self) -> bool {
        match self.source {
            ColumnSource::Physical => true,
            ColumnSource::Computed { .. } => false,
            ColumnSource::Metadata { is_virtual, .. } => !is_virtual,
        }
    }
}

/// `WATERMARK FOR`.
#[derive(Debug, Clone)]
pub struct TableWatermark {
    /// Position of the time column.
    pub column: usize,
    /// The planned expression over all columns of the table.
    pub expr: Expr,
    /// As written.
    pub text: String,
}

/// A table.
#[derive(Debug, Clone)]
pub struct Table {
    /// Full name.
    pub path: ObjectPath,
    /// Columns in declared order.
    pub columns: Vec<TableColumn>,
    /// Event time.
    pub watermark: Option<TableWatermark>,
    /// Which changes it brings when it is read.
    pub source_mode: SourceMode,
    /// The connector finds rows of it by key.
    pub finds_by_key: bool,
    /// Which changes it takes; `None` if it cannot be written.
    pub sink_mode: Option<SinkMode>,
    /// Names of the key columns.
    pub primary_key: Vec<String>,
    /// `PARTITIONED BY`.
    pub partition_keys: Vec<String>,
    /// `WITH`.
    pub options: BTreeMap<String, String>,
    /// `COMMENT`.
    pub comment: Option<String>,
    /// `TEMPORARY`.
    pub temporary: bool,
    /// It holds the records of that table which are no rows; see [`crate::side_tables`].
    pub bad_of: Option<Arc<Table>>,
    /// The statement's clauses, for `LIKE` and `SHOW CREATE TABLE`.
    pub definition: Arc<crate::dialect::CreateTable>,
}

impl Table {
    /// All columns, computed ones too.
    pub fn schema(&self) -> SchemaRef {
        Arc::new(Schema::new(self.columns.iter().map(|c| c.field.clone()).collect::<Vec<_>>()))
    }

    /// The connector's name.
    pub fn connector(&self) -> Option<&str> {
        self.options.get("connector").map(String::as_str)
    }
}

/// A view: a query under a name.
#[derive(Debug, Clone)]
pub struct View {
    /// Full name.
    pub path: ObjectPath,
    /// The query.
    pub query: WrittenQuery,
    /// Names given to its columns, or none.
    pub columns: Vec<String>,
    /// `TEMPORARY`.
    pub temporary: bool,
    /// `COMMENT`.
    pub comment: Option<String>,
}

/// A table or a view.
#[derive(Debug, Clone)]
pub enum Object {
    /// A table.
    Table(Arc<Table>),
    /// A view.
    View(Arc<View>),
}

impl Object {
    /// `TABLE` or `VIEW`.
    pub fn kind(&self) -> &'static str {
        match self {
            Object::Table(_) => "table",
            Object::View(_) => "view",
        }
    }

    fn temporary(&self) -> bool {
        match self {
            Object::Table(t) => t.temporary,
            Object::View(v) => v.temporary,
        }
    }
}

/// Name of the catalog and the database that are always there.
pub const DEFAULT_CATALOG: &str = "default_catalog";
/// See [`DEFAULT_CATALOG`].
pub const DEFAULT_DATABASE: &str = "default_database";

/// Catalog → database → name → object.
#[derive(Debug, Clone)]
pub struct Catalog {
    catalogs: BTreeMap<String, BTreeMap<String, BTreeMap<String, Object>>>,
    /// `USE CATALOG`.
    pub current_catalog: String,
    /// `USE`.
    pub current_database: String,
    /// Functions of the user.
    pub(crate) functions: Registry,
}

impl Default for Catalog {
    fn default() -> Self {
        let databases = BTreeMap::from([(DEFAULT_DATABASE.to_string(), BTreeMap::new())]);
        Self {
            catalogs: BTreeMap::from([(DEFAULT_CATALOG.to_string(), databases)]),
            current_catalog: DEFAULT_CATALOG.into(),
            current_database: DEFAULT_DATABASE.into(),
            functions: Registry::default(),
        }
    }
}

impl Catalog {
    /// The full name of `a`, `b.a` or `c.b.a`.
    pub fn path(&self, parts: &[&str]) -> SqlResult<ObjectPath> {
        let (catalog, database, name) = match parts {
            [name] => (self.current_catalog.as_str(), self.current_database.as_str(), *name),
            [database, name] => (self.current_catalog.as_str(), *database, *name),
            [catalog, database, name] => (*catalog, *database, *name),
            _ => return Err(SqlError::new(format!("'{}' is not a table's name", parts.join("."))).help("write [catalog.][database.]table")),
        };
        Ok(ObjectPath { catalog: catalog.into(), database: database.into(), name: name.into() })
    }

    /// Names of catalogs.
    pub fn catalogs(&self) -> impl Iterator<Item = &str> {
        self.catalogs.keys().map(String::as_str)
    }

    /// Names of a catalog's databases.
    pub fn databases(&self, catalog: &str) -> SqlResult<impl Iterator<Item = &str>> {
        Ok(self.databases_of(catalog)?.keys().map(String::as_str))
    }

    fn databases_of(&self, catalog: &str) -> SqlResult<&BTreeMap<String, BTreeMap<String, Object>>> {
        self.catalogs.get(catalog).ok_or_else(|| missing("catalog", catalog, self.catalogs()))
    }

    /// Tables and views of a database.
    pub fn objects(&self, catalog: &str, database: &str) -> SqlResult<&BTreeMap<String, Object>> {
        let databases = self.databases_of(catalog)?;
        databases.get(database).ok_or_else(|| missing("database", database, databases.keys().map(String::as_str)))
    }

    fn objects_mut(&mut self, catalog: &str, database: &str) -> SqlResult<&mut BTreeMap<String, Object>> {
        self.objects(catalog, database)?;
        self.catalogs
            .get_mut(catalog)
            .and_then(|c| c.get_mut(database))
            .ok_or_else(|| SqlError::new(format!("database '{database}' not found")))
    }

    /// A table or a view.
    pub fn get(&self, path: &ObjectPath) -> SqlResult<&Object> {
        let objects = self.objects(&path.catalog, &path.database)?;
        objects.get(&path.name).ok_or_else(|| missing("table", &path.name, objects.keys().map(String::as_str)))
    }

    /// A table or a view, also one beside a table; see [`crate::side_tables`].
    pub fn find(&self, path: &ObjectPath) -> SqlResult<Object> {
        match self.get(path) {
            Ok(object) => Ok(object.clone()),
            Err(missing) => crate::side_tables::side_table(self, path)?.ok_or(missing),
        }
    }

    /// Whether it is there.
    pub fn contains(&self, path: &ObjectPath) -> bool {
        self.get(path).is_ok()
    }

    /// Adds a table or a view. `replace`: one of that name goes away.
    pub fn add(&mut self, path: &ObjectPath, object: Object, replace: bool) -> SqlResult<()> {
        let objects = self.objects_mut(&path.catalog, &path.database)?;
        if let Some(there) = objects.get(&path.name).filter(|there| !replace && (there.temporary() || !object.temporary())) {
            return Err(SqlError::new(format!("a {} called '{}' is there already", there.kind(), path.name))
                .about(&path.name)
                .help("drop it first, or write IF NOT EXISTS"));
        }
        objects.insert(path.name.clone(), object);
        Ok(())
    }

    /// Removes a table or a view.
    pub fn remove(&mut self, path: &ObjectPath) -> SqlResult<Object> {
        self.get(path)?;
        let objects = self.objects_mut(&path.catalog, &path.database)?;
        objects.remove(&path.name).ok_or_else(|| SqlError::new(format!("table '{}' not found", path.name)))
    }

    /// `CREATE DATABASE`. Tells whether it is new.
    pub fn create_database(&mut self, catalog: &str, database: &str) -> SqlResult<bool> {
        self.databases_of(catalog)?;
        let databases = self.catalogs.entry(catalog.to_string()).or_default();
        if databases.contains_key(database) {
            return Ok(false);
        }
        databases.insert(database.to_string(), BTreeMap::new());
        Ok(true)
    }

    /// `CREATE CATALOG`. Tells whether it is new.
    pub fn create_catalog(&mut self, catalog: &str) -> bool {
        let new = !self.catalogs.contains_key(catalog);
        let databases = self.catalogs.entry(catalog.to_string()).or_default();
        if databases.is_empty() {
            databases.insert("default".to_string(), BTreeMap::new());
        }
        new
    }

    /// `DROP DATABASE`.
    pub fn drop_database(&mut self, catalog: &str, database: &str, cascade: bool) -> SqlResult<()> {
        let objects = self.objects(catalog, database)?;
        if !objects.is_empty() && !cascade {
            return Err(SqlError::new(format!("database '{database}' is not empty"))
                .about(database)
                .help("write CASCADE to drop its tables too"));
        }
        if self.current_catalog == catalog && self.current_database == database {
            return Err(SqlError::new(format!("database '{database}' is in use")).about(database).help("USE another one first"));
        }
        if let Some(databases) = self.catalogs.get_mut(catalog) {
            databases.remove(database);
        }
        Ok(())
    }

    /// `DROP CATALOG`.
    pub fn drop_catalog(&mut self, catalog: &str) -> SqlResult<()> {
        self.databases_of(catalog)?;
        if self.current_catalog == catalog {
            return Err(SqlError::new(format!("catalog '{catalog}' is in use")).about(catalog).help("USE CATALOG another one first"));
        }
        self.catalogs.remove(catalog);
        Ok(())
    }

    /// `USE CATALOG`.
    pub fn use_catalog(&mut self, catalog: &str) -> SqlResult<()> {
        let first = self.databases_of(catalog)?.keys().next().cloned();
        self.current_catalog = catalog.to_string();
        self.current_database = match catalog {
            DEFAULT_CATALOG => DEFAULT_DATABASE.to_string(),
            _ => first.unwrap_or_else(|| "default".into()),
        };
        Ok(())
    }

    /// `USE`.
    pub fn use_database(&mut self, catalog: &str, database: &str) -> SqlResult<()> {
        self.objects(catalog, database)?;
        (self.current_catalog, self.current_database) = (catalog.to_string(), database.to_string());
        Ok(())
    }
}

fn missing<'a>(kind: &str, name: &str, there: impl Iterator<Item = &'a str>) -> SqlError {
    let there: Vec<&str> = there.collect();
    let error = SqlError::new(format!("{kind} '{name}' not found")).about(name);
    match did_you_mean(name, there.iter().copied()) {
        Some(near) => error.help(format!("did you mean '{near}'?")),
        None if there.is_empty() => error.help(format!("there is no {kind} yet")),
        None => error.help(format!("there are: {}", there.join(", "))),
    }
}

/// Marks a field as a time attribute.
pub fn with_time_attribute(field: &Field, kind: &str) -> Field {
    let mut metadata = field.metadata().clone();
    metadata.insert(TIME_ATTRIBUTE.into(), kind.into());
    field.clone().with_metadata(metadata)
}

/// The field without a time attribute.
pub fn without_time_attribute(field: &Field) -> Field {
    let mut metadata = field.metadata().clone();
    metadata.remove(TIME_ATTRIBUTE);
    field.clone().with_metadata(metadata)
}

/// `rowtime`, `proctime` or nothing.
pub fn time_attribute(field: &Field) -> Option<&str> {
    field.metadata().get(TIME_ATTRIBUTE).map(String::as_str)
}

/// Whether a type can carry event time: TIMESTAMP or TIMESTAMP_LTZ of precision 3 at most.
pub fn can_be_rowtime(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Timestamp(arrow::datatypes::TimeUnit::Millisecond, _))
}
