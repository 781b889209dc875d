//! Options of the `filesystem` connector.

use std::path::PathBuf;

use flott_engine::Result;
use flott_engine::connector::{OVERWRITE, OptionInfo, TableSpec};
use regex::Regex;

use crate::formats;
use crate::options::Options;

/// Option that makes a source follow its folder.
pub const MONITOR_INTERVAL: &str = "source.monitor-interval";
const REGEX: &str = "source.path.regex-pattern";
const DEFAULT_NAME: &str = "partition.default-name";
const FILE_SIZE: &str = "sink.rolling-policy.file-size";
const ROLLOVER: &str = "sink.rolling-policy.rollover-interval";
const INACTIVITY: &str = "sink.rolling-policy.inactivity-interval";

const fn option(key: &'static str, default: Option<&'static str>, description: &'static str) -> OptionInfo {
    OptionInfo { key, required: false, default, description }
}

/// The options for users.
pub const OPTIONS: &[OptionInfo] = &[
    OptionInfo {
        key: "path",
        required: true,
        default: None,
        description: "A file, a folder, or for reading a pattern with *, ?, [a-z] and ** in it.",
    },
    OptionInfo {
        key: "format",
        required: true,
        default: None,
        description: "How rows are written: json, csv, avro, raw, or as changes: debezium-json, canal-json, maxwell-json, ogg-json.",
    },
    option(MONITOR_INTERVAL, None, "Follows the folder: looks for new files this often, and never ends."),
    option(REGEX, None, "Reads only files whose absolute path, or a folder of it, matches this pattern as a whole."),
    option(DEFAULT_NAME, Some("__DEFAULT_PARTITION__"), "Stands for NULL and '' in the folder name of a partition."),
    option(FILE_SIZE, Some("128MB"), "A file is closed when it has this size."),
    option(ROLLOVER, Some("30 min"), "A file is closed when it is this old."),
    option(INACTIVITY, Some("30 min"), "A file is closed when nothing was written to it for so long."),
    option("sink.rolling-policy.check-interval", Some("1 min"), "Taken for compatibility; ages are checked all the time."),
    option("sink.shuffle-by-partition.enable", Some("false"), "Taken for compatibility; the files of a table are written in one place."),
    option("source.report-statistics", Some("ALL"), "Taken for compatibility."),
];

/// How a table is read.
#[derive(Debug, Clone)]
pub struct SourceConfig {
    /// The path without `file://`.
    pub path: String,
    /// Milliseconds between two looks for new files; `None`: read once.
    pub monitor_ms: Option<u64>,
    /// What absolute paths must match as a whole.
    pub regex: Option<Regex>,
    /// What stands for NULL in the name of a partition folder.
    pub default_name: String,
    /// Name of the format.
    pub format: String,
}

/// How a table is written.
#[derive(Debug, Clone)]
pub struct SinkConfig {
    /// The folder.
    pub path: PathBuf,
    /// What stands for NULL in the name of a partition folder.
    pub default_name: String,
    /// A file of this many bytes is closed.
    pub file_bytes: u64,
    /// A file of this age is closed.
    pub rollover_ms: u64,
    /// A file that got nothing for so long is closed.
    pub inactivity_ms: u64,
    /// What was there before goes: INSERT OVERWRITE.
    pub overwrite: bool,
    /// The table has PARTITIONED BY.
    pub partitioned: bool,
}

/// Options that Flink has and that have no meaning here yet; better refused than ignored.
const UNSUPPORTED: &[&str] = &["auto-compaction", "compaction.file-size", "partition.time-extractor.", "sink.partition-commit."];

fn checked<'a>(table: &'a TableSpec) -> Result<Options<'a>> {
    let options = Options::new(table);
    let format_keys = formats::option_keys(formats::name(&options)?);
    let keys = OPTIONS.iter().map(|o| o.key).chain(format_keys.iter().map(String::as_str)).chain([OVERWRITE]);
    if let Some(key) = table.options.keys().find(|key| UNSUPPORTED.iter().any(|u| key.starts_with(u))) {
        return Err(options
            .error(&format!("the option '{key}' is not supported"))
            .help("Leave it out: files appear whole, and a partition is complete when the job has ended"));
    }
    options.check_known(keys)?;
    formats::check_for_files(&options)?;
    for key in &table.partition_keys {
        if table.schema.index_of(key).is_err() {
            return Err(options.error(&format!("PARTITIONED BY names the column '{key}', which the table does not have")));
        }
    }
    if table.schema.fields().len() == table.partition_keys.len() {
        return Err(options.error("all columns are in PARTITIONED BY, which leaves nothing to write into the files"));
    }
    Ok(options)
}

/// The path without its scheme; local files are all there is.
fn local_path(options: &Options<'_>) -> Result<String> {
    let path = options.required("path", "a file or folder, for example '/data/orders'")?.trim();
    if path.is_empty() {
        return Err(options.error("'path' is empty").help("Write a file or folder, for example '/data/orders'"));
    }
    if path.contains('\0') {
        return Err(options.error("'path' holds a NUL character"));
    }
    let Some(rest) = path.strip_prefix("file:") else {
        return match path.split_once("://") {
            Some((scheme, _)) => Err(options
                .error(&format!("'path' = '{path}' is not a local path, and '{scheme}://' is not supported"))
                .help("Write a local path, for example '/data/orders' or 'file:///data/orders'")),
            None => Ok(path.to_owned()),
        };
    };
    // file:///data, file:/data and file://localhost/data all name /data.
    match rest.strip_prefix("//") {
        None => Ok(rest.to_owned()),
        Some(rest) => Ok(rest.strip_prefix("localhost").unwrap_or(rest).to_owned()),
    }
}

impl SourceConfig {
    /// Reads and checks the options of a table.
    pub fn new(table: &TableSpec) -> Result<Self> {
        let options = checked(table)?;
        let regex = options.get(REGEX).map(|pattern| {
            Regex::new(&format!("^(?:{pattern})$")).map_err(|e| options.error(&format!("'{REGEX}' is not a regular expression: {e}")))
        });
        let monitor_ms = options.duration_ms(MONITOR_INTERVAL)?;
        if monitor_ms == Some(0) {
            return Err(options.error(&format!("'{MONITOR_INTERVAL}' must be longer than 0")));
        }
        Ok(Self {
            path: local_path(&options)?,
            monitor_ms,
            regex: regex.transpose()?,
            default_name: options.get(DEFAULT_NAME).unwrap_or("__DEFAULT_PARTITION__").to_owned(),
            format: formats::name(&options)?.to_owned(),
        })
    }
}

impl SinkConfig {
    /// Reads and checks the options of a table.
    pub fn new(table: &TableSpec) -> Result<Self> {
        let options = checked(table)?;
        let default_name = options.get(DEFAULT_NAME).unwrap_or("__DEFAULT_PARTITION__");
        if default_name.is_empty() || default_name.contains('/') || default_name.starts_with('.') {
            return Err(options.error(&format!("'{DEFAULT_NAME}' = '{default_name}' is no name for a folder")));
        }
        Ok(Self {
            path: PathBuf::from(local_path(&options)?),
            default_name: default_name.to_owned(),
            file_bytes: options.bytes(FILE_SIZE)?.unwrap_or(128 << 20).max(1),
            rollover_ms: options.duration_ms(ROLLOVER)?.unwrap_or(30 * 60_000),
            inactivity_ms: options.duration_ms(INACTIVITY)?.unwrap_or(30 * 60_000),
            overwrite: table.options.contains_key(OVERWRITE),
            partitioned: !table.partition_keys.is_empty(),
        })
    }
}
