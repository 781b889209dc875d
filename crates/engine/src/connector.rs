//! The seam between tables and connectors: what a connector says of itself, and the table it is asked to serve.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use arrow::datatypes::{DataType, SchemaRef};

use crate::Result;
use crate::lookup::by_key::PointLookup;
use crate::sink::Sink;
use crate::source::Source;

/// A kind of table (`filesystem`, `datagen`, …): the value of the option `connector`.
pub trait Connector: Send + Sync {
    /// What the connector is and takes; shown to users and used to check `WITH (…)`.
    fn info(&self) -> ConnectorInfo;

    /// Which changes a table with these options brings.
    fn source_mode(&self, options: &BTreeMap<String, String>) -> SourceMode {
        let _ = options;
        SourceMode::AppendOnly
    }

    /// Which changes a table with these options takes; `None` if it cannot be written.
    fn sink_mode(&self, options: &BTreeMap<String, String>) -> Option<SinkMode> {
        let _ = options;
        self.info().sink
    }

    /// Options that tell where the rows of a table lie; values are lists, with semicolons. Positions in one place mean nothing in another.
    fn places(&self) -> &'static [&'static str] {
        &[]
    }

    /// Whether a table with these options finds rows by key, see [`Connector::lookup`].
    fn finds_by_key(&self, options: &BTreeMap<String, String>) -> bool {
        let _ = options;
        false
    }

    /// The table as one that finds rows by these columns (places in [`TableSpec::columns`]); touches nothing outside yet. `None`: it
    /// does not, and look-ups read it whole.
    fn lookup(&self, table: &TableSpec, keys: &[usize], env: &Environment) -> Result<Option<Box<dyn PointLookup>>> {
        let _ = (table, keys, env);
        Ok(None)
    }

    /// Whether a table can be written so that what was in it goes, see [`OVERWRITE`].
    fn overwrites(&self) -> bool {
        false
    }

    /// Checks the options of a table without touching anything outside; errors name the option and say what to write.
    fn check(&self, table: &TableSpec) -> Result<()>;

    /// Opens the table for reading.
    fn source(&self, table: &TableSpec, env: &Environment) -> Result<Box<dyn Source>>;

    /// Opens the records of the table that cannot be read as its rows, as rows of [`crate::source::bad_record_schema`], of which these
    /// columns are wanted. `None`: the connector cannot tell them.
    fn bad_records(&self, table: &TableSpec, wanted: &[usize], env: &Environment) -> Result<Option<Box<dyn Source>>> {
        let _ = (table, wanted, env);
        Ok(None)
    }

    /// Opens the table for writing.
    fn sink(&self, table: &TableSpec, env: &Environment) -> Result<Box<dyn Sink>>;
}

/// What the run gives to connectors.
#[derive(Clone)]
pub struct Environment {
    /// Number of workers of the job.
    pub workers: usize,
    /// Whether checkpoints are taken: only then can a sink wait for a commit.
    pub checkpointing: bool,
    /// What tells the job from all others, the same for each of its runs; only a job with checkpoints has it.
    pub owner: Option<String>,
    /// Set when the job is asked to stop: a connector that waits for a server gives up soon after.
    pub stop: Arc<AtomicBool>,
    /// Which of the job's sinks is being opened, counted from 0: two sinks may write the same table.
    pub sink_number: usize,
    /// Where `print` writes; standard output unless a test replaces it.
    pub stdout: Arc<std::sync::Mutex<dyn std::io::Write + Send>>,
}

/// What a connector says of itself.
#[derive(Debug, Clone)]
pub struct ConnectorInfo {
    /// Value of the option `connector`.
    pub name: &'static str,
    /// One sentence for users.
    pub description: &'static str,
    /// Can be read.
    pub source: bool,
    /// Reads end by themselves for this table; a streaming job over bounded sources ends.
    pub bounded: fn(&BTreeMap<String, String>) -> bool,
    /// Can be written, and which changes the sink takes where that does not hang on a table's options.
    pub sink: Option<SinkMode>,
    /// The options it takes, with those of formats left out.
    pub options: &'static [OptionInfo],
    /// Columns declared `METADATA` that it can fill.
    pub metadata: &'static [MetadataInfo],
    /// Whether it needs a `format` option.
    pub format: bool,
}

/// Which changes a source brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SourceMode {
    /// Only `+I`.
    #[default]
    AppendOnly,
    /// Any change, an update as `-U` and `+U`.
    Retract,
    /// The newest row of a primary key, as `+I` or `+U`, and `-D` of one that is gone.
    Upsert,
}

/// Which changes a sink can take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SinkMode {
    /// Only `+I`.
    AppendOnly,
    /// Rows by their primary key: `+I`, `+U` and `-D`; it has no use for `-U`.
    Upsert,
    /// Any changelog, an update as `-U` and `+U`, as the records of its format want it.
    Retract,
    /// Any changelog, as the query has it.
    All,
}

/// An option in `WITH (…)`.
#[derive(Debug, Clone, Copy)]
pub struct OptionInfo {
    /// Its key; `#` stands for any column name.
    pub key: &'static str,
    /// Must be given.
    pub required: bool,
    /// Default, as Flink documents it.
    pub default: Option<&'static str>,
    /// One sentence.
    pub description: &'static str,
}

/// A metadata column a connector or format can fill.
#[derive(Debug, Clone)]
pub struct MetadataInfo {
    /// Key, as in `METADATA FROM 'file.path'`.
    pub key: &'static str,
    /// The type it has before a cast to the declared type.
    pub data_type: DataType,
}

/// The key that stands among a sink's options where what was in the table, or in the partitions that are written, is to go when the job has
/// ended: INSERT OVERWRITE. Only those get it whose connector [`Connector::overwrites`].
pub const OVERWRITE: &str = "$overwrite";

/// A table as a connector sees it: physical and metadata columns only. Computed columns and watermarks are the planner's work.
#[derive(Debug, Clone)]
pub struct TableSpec {
    /// Full name, for messages.
    pub name: String,
    /// All physical columns in declared order. Field metadata `flink.type` holds the SQL type where Arrow's says less.
    pub schema: SchemaRef,
    /// What to read, in output order. For a sink: every column of the row that arrives, in order.
    pub columns: Vec<ColumnRef>,
    /// `WITH (…)`, hints already merged, keys in lower case as written.
    pub options: BTreeMap<String, String>,
    /// `PARTITIONED BY`.
    pub partition_keys: Vec<String>,
    /// `PRIMARY KEY … NOT ENFORCED`.
    pub primary_key: Vec<String>,
}

/// A column that the plan reads or writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ColumnRef {
    /// A physical column, by its index in [`TableSpec::schema`].
    Physical(usize),
    /// A metadata column: key of [`MetadataInfo`], its declared name and type.
    Metadata {
        /// Key of [`MetadataInfo`].
        key: String,
        /// Name of the column in the table.
        name: String,
        /// Arrow type that it is to have: that of [`MetadataInfo`].
        data_type: DataType,
    },
}

impl TableSpec {
    /// An option's text.
    pub fn option(&self, key: &str) -> Option<&str> {
        self.options.get(key).map(String::as_str)
    }

    /// Arrow schema of the rows read: [`TableSpec::columns`] in order.
    pub fn read_schema(&self) -> SchemaRef {
        use arrow::datatypes::{Field, Schema};
        let fields: Vec<Field> = self
            .columns
            .iter()
            .map(|c| match c {
                ColumnRef::Physical(i) => self.schema.field(*i).clone(),
                ColumnRef::Metadata { name, data_type, .. } => Field::new(name, data_type.clone(), true),
            })
            .collect();
        Arc::new(Schema::new(fields))
    }
}

/// All connectors that a binary has.
#[derive(Clone, Default)]
pub struct Connectors {
    by_name: BTreeMap<&'static str, Arc<dyn Connector>>,
}

impl Connectors {
    /// Adds a connector under its own name.
    pub fn register(&mut self, connector: Arc<dyn Connector>) {
        self.by_name.insert(connector.info().name, connector);
    }

    /// The connector of that name.
    pub fn get(&self, name: &str) -> Option<&Arc<dyn Connector>> {
        self.by_name.get(name)
    }

    /// All of them, by name.
    pub fn all(&self) -> impl Iterator<Item = &Arc<dyn Connector>> {
        self.by_name.values()
    }
}
