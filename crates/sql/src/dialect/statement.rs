//! The tree of a Flink SQL script: one [`Statement`] for each statement.
//!
//! Names and expressions are sqlparser's, with spans in the script; [`super::LineIndex`] turns spans into
//! byte ranges. Queries stand as they were written: call [`super::normalize`] before planning them.

use std::ops::Range;

use sqlparser::ast::{Expr, Ident, ObjectName, Query};
use sqlparser::tokenizer::Span;

use super::alter_table::{Dropped, TableChange};
pub use super::cursor::Text;
use super::hints::Hint;
use crate::types::ColumnType;

/// A statement and where it stands.
#[derive(Debug, Clone)]
pub struct Parsed {
    pub statement: Statement,
    /// From the first to the last character, without the semicolon; bytes of the script.
    pub text_range: Range<usize>,
    /// Line of the first character, from one.
    pub line: u64,
    /// Column of the first character, from one.
    pub column: u64,
}

/// One statement.
#[derive(Debug, Clone)]
pub enum Statement {
    CreateTable(Box<CreateTable>),
    CreateView(CreateView),
    CreateDatabase(CreateDatabase),
    CreateCatalog(CreateCatalog),
    CreateFunction(CreateFunction),
    Drop(Drop),
    AlterTable(AlterTable),
    AlterView(AlterView),
    AlterDatabase(AlterDatabase),
    Show(Show),
    Describe(Describe),
    Explain(Explain),
    /// `SET`, which lists the options, or `SET 'key' = 'value'`.
    Set(Option<OptionEntry>),
    /// `RESET`, for all options, or `RESET 'key'`.
    Reset(Option<Text>),
    Use(Use),
    Insert(Box<Insert>),
    StatementSet(StatementSet),
    Query(Box<Query>),
    /// A statement that Flink knows and this engine does not: the caller refuses it by name.
    /// A command of Flink's SQL client.
    Client(ClientCommand),
    NotSupported {
        what: String,
        span: Span,
    },
}

/// What a command of Flink's SQL client does to a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientCommand {
    /// `QUIT` or `EXIT`: what follows is not carried out.
    Quit,
    /// `CLEAR` and `HELP`: nothing, outside a terminal.
    Nothing,
}

/// `'key' = 'value'`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptionEntry {
    pub key: Text,
    pub value: Text,
}

/// An expression together with its text in the script.
#[derive(Debug, Clone)]
pub struct WrittenExpr {
    pub expr: Expr,
    pub text: String,
    pub span: Span,
}

/// A query together with its text in the script.
#[derive(Debug, Clone)]
pub struct WrittenQuery {
    pub query: Box<Query>,
    pub text: String,
    pub span: Span,
}

/// `CREATE [TEMPORARY] TABLE` in all its forms.
#[derive(Debug, Clone)]
pub struct CreateTable {
    pub name: ObjectName,
    pub temporary: bool,
    /// `CREATE OR REPLACE TABLE` or `REPLACE TABLE`.
    pub replace: ReplaceMode,
    pub if_not_exists: bool,
    pub columns: Vec<Column>,
    pub watermarks: Vec<Watermark>,
    pub primary_key: Option<PrimaryKey>,
    pub comment: Option<Text>,
    pub distribution: Option<Distribution>,
    pub partitioned_by: Vec<Ident>,
    pub options: Vec<OptionEntry>,
    /// The words `WITH (` and what follows, for messages about options.
    pub options_span: Option<Span>,
    pub like: Option<Like>,
    pub as_query: Option<WrittenQuery>,
}

impl CreateTable {
    /// A table without anything.
    pub(crate) fn empty() -> Self {
        CreateTable {
            name: ObjectName(vec![]),
            temporary: false,
            replace: ReplaceMode::Create,
            if_not_exists: false,
            columns: vec![],
            watermarks: vec![],
            primary_key: None,
            comment: None,
            distribution: None,
            partitioned_by: vec![],
            options: vec![],
            options_span: None,
            like: None,
            as_query: None,
        }
    }
}

/// How a `CREATE TABLE ... AS` treats a table that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplaceMode {
    /// Plain `CREATE`: it is an error.
    Create,
    /// `CREATE OR REPLACE`.
    CreateOrReplace,
    /// `REPLACE`: the table must be there.
    Replace,
}

/// A column of `CREATE TABLE`.
#[derive(Debug, Clone)]
pub struct Column {
    pub name: Ident,
    pub kind: ColumnKind,
    pub comment: Option<Text>,
}

/// What a column is made of.
#[derive(Debug, Clone)]
#[allow(clippy::large_enum_variant)] // a few per table
pub enum ColumnKind {
    /// `name type`.
    Physical(ColumnType),
    /// `name AS expression`.
    Computed(WrittenExpr),
    /// `name type METADATA [FROM 'key'] [VIRTUAL]`.
    Metadata { column: ColumnType, key: Option<Text>, is_virtual: bool },
    /// A bare name, in the column list of `CREATE TABLE t (a, b) AS SELECT ...`.
    NameOnly,
}

/// `WATERMARK FOR column AS expression`.
#[derive(Debug, Clone)]
pub struct Watermark {
    /// A path: nested fields are written with dots.
    pub column: Vec<Ident>,
    pub expr: WrittenExpr,
    pub span: Span,
}

/// `[CONSTRAINT name] PRIMARY KEY (a, b) NOT ENFORCED`.
#[derive(Debug, Clone)]
pub struct PrimaryKey {
    pub name: Option<Ident>,
    pub columns: Vec<Ident>,
    pub span: Span,
}

/// `DISTRIBUTED [BY [HASH|RANGE] (a, b)] [INTO n BUCKETS]`.
#[derive(Debug, Clone)]
pub struct Distribution {
    pub kind: DistributionKind,
    pub columns: Vec<Ident>,
    pub buckets: Option<u32>,
}

/// How rows are spread over buckets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DistributionKind {
    /// The connector decides.
    Unknown,
    Hash,
    Range,
}

/// `LIKE table ( INCLUDING ALL ... )`.
#[derive(Debug, Clone)]
pub struct Like {
    pub table: ObjectName,
    pub options: Vec<LikeOption>,
}

/// `INCLUDING OPTIONS` and the like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LikeOption {
    pub strategy: MergeStrategy,
    pub feature: LikeFeature,
}

/// What happens to a feature of the other table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MergeStrategy {
    Including,
    Excluding,
    Overwriting,
}

/// What a table can take over from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LikeFeature {
    All,
    Constraints,
    Distribution,
    Generated,
    Metadata,
    Options,
    Partitions,
    Watermarks,
}

/// `CREATE [TEMPORARY] VIEW`.
#[derive(Debug, Clone)]
pub struct CreateView {
    pub name: ObjectName,
    pub temporary: bool,
    pub if_not_exists: bool,
    pub columns: Vec<Ident>,
    pub comment: Option<Text>,
    pub query: WrittenQuery,
}

/// `CREATE DATABASE`.
#[derive(Debug, Clone)]
pub struct CreateDatabase {
    pub name: ObjectName,
    pub if_not_exists: bool,
    pub comment: Option<Text>,
    pub options: Vec<OptionEntry>,
}

/// `CREATE CATALOG`.
#[derive(Debug, Clone)]
pub struct CreateCatalog {
    pub name: Ident,
    pub if_not_exists: bool,
    pub comment: Option<Text>,
    pub options: Vec<OptionEntry>,
}

/// `CREATE [TEMPORARY [SYSTEM]] FUNCTION name AS 'identifier'`.
#[derive(Debug, Clone)]
pub struct CreateFunction {
    pub name: ObjectName,
    pub scope: FunctionScope,
    pub if_not_exists: bool,
    /// A class name in Flink.
    pub identifier: Text,
    /// `JAVA`, `SCALA`, `PYTHON` or another word, in upper case.
    pub language: Option<String>,
    /// Paths after `USING JAR` and `USING ARTIFACT`.
    pub resources: Vec<Text>,
    pub options: Vec<OptionEntry>,
}

/// Where a function lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FunctionScope {
    Catalog,
    Temporary,
    TemporarySystem,
}

/// What `DROP` drops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectKind {
    Table,
    View,
    Database,
    Catalog,
    Function,
}

/// `DROP {TABLE | VIEW | DATABASE | CATALOG | FUNCTION}`.
#[derive(Debug, Clone)]
pub struct Drop {
    pub kind: ObjectKind,
    pub name: ObjectName,
    pub if_exists: bool,
    pub temporary: bool,
    /// `DROP TEMPORARY SYSTEM FUNCTION`.
    pub system: bool,
    /// `DROP DATABASE ... CASCADE`.
    pub cascade: bool,
}

/// `ALTER TABLE`.
#[derive(Debug, Clone)]
pub struct AlterTable {
    pub name: ObjectName,
    pub if_exists: bool,
    pub action: AlterTableAction,
}

/// What `ALTER TABLE` changes.
#[derive(Debug, Clone)]
pub enum AlterTableAction {
    RenameTo(ObjectName),
    RenameColumn {
        from: Ident,
        to: Ident,
    },
    Set(Vec<OptionEntry>),
    Reset(Vec<Text>),
    Add(Box<TableChange>),
    Modify(Box<TableChange>),
    Drop(Dropped),
    /// Another action that Flink knows, named as a user would say it.
    Unsupported {
        what: String,
        span: Span,
    },
}

/// `ALTER VIEW`.
#[derive(Debug, Clone)]
pub struct AlterView {
    pub name: ObjectName,
    pub action: AlterViewAction,
}

/// What `ALTER VIEW` changes.
#[derive(Debug, Clone)]
pub enum AlterViewAction {
    RenameTo(ObjectName),
    As(WrittenQuery),
}

/// `ALTER DATABASE name SET (...)`.
#[derive(Debug, Clone)]
pub struct AlterDatabase {
    pub name: ObjectName,
    pub options: Vec<OptionEntry>,
}

/// `SHOW`.
#[derive(Debug, Clone)]
pub struct Show {
    pub what: ShowKind,
    /// After `FROM` or `IN`: the catalog, database or table to look in.
    pub from: Option<ObjectName>,
    pub pattern: Option<Pattern>,
}

/// What `SHOW` shows.
#[derive(Debug, Clone)]
pub enum ShowKind {
    Catalogs,
    CurrentCatalog,
    CreateCatalog(ObjectName),
    Databases,
    CurrentDatabase,
    Tables,
    CreateTable(ObjectName),
    Columns,
    Partitions(ObjectName),
    Procedures,
    Views,
    CreateView(ObjectName),
    MaterializedTables,
    Functions,
    UserFunctions,
    Modules,
    FullModules,
    Jars,
    Jobs,
    Models,
    Connections,
}

/// `[NOT] LIKE 'pattern'` or `[NOT] ILIKE 'pattern'`.
#[derive(Debug, Clone)]
pub struct Pattern {
    pub negated: bool,
    /// True for `ILIKE`.
    pub ignore_case: bool,
    pub text: Text,
}

/// `{DESCRIBE | DESC} [CATALOG | DATABASE | FUNCTION | JOB ...] [EXTENDED] name`.
#[derive(Debug, Clone)]
pub struct Describe {
    pub kind: DescribeKind,
    pub extended: bool,
}

/// What is described.
#[derive(Debug, Clone)]
pub enum DescribeKind {
    /// A table or a view.
    Table(ObjectName),
    Catalog(ObjectName),
    Database(ObjectName),
    Function(ObjectName),
    Job(Text),
}

/// `EXPLAIN`.
#[derive(Debug, Clone)]
pub struct Explain {
    pub details: Vec<ExplainDetail>,
    /// A query, an `INSERT`, a statement set or a `CREATE TABLE ... AS`.
    pub statement: Box<Statement>,
}

/// What `EXPLAIN` adds to the plans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExplainDetail {
    EstimatedCost,
    ChangelogMode,
    PlanAdvice,
    JsonExecutionPlan,
}

/// `USE`.
#[derive(Debug, Clone)]
pub enum Use {
    Catalog(Ident),
    Database(ObjectName),
    Modules(Vec<Ident>),
}

/// `INSERT INTO` or `INSERT OVERWRITE`.
#[derive(Debug, Clone)]
pub struct Insert {
    pub table: ObjectName,
    /// From `/*+ OPTIONS(...) */` after the table's name.
    pub hints: Vec<Hint>,
    pub overwrite: bool,
    /// `PARTITION (a = 1, b)`: a partition without a value takes it from the query.
    pub partition: Vec<(Ident, Option<Expr>)>,
    /// A path for each column, all columns when empty.
    pub columns: Vec<Vec<Ident>>,
    pub source: WrittenQuery,
    pub on_conflict: Option<OnConflict>,
    /// The word `INSERT`.
    pub span: Span,
}

/// `ON CONFLICT DO ...`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnConflict {
    Nothing,
    Error,
    Deduplicate,
}

/// `EXECUTE STATEMENT SET BEGIN ... END` or `BEGIN STATEMENT SET; ... END`.
#[derive(Debug, Clone)]
pub struct StatementSet {
    pub inserts: Vec<Insert>,
}
