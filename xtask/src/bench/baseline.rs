//! Flink's figures of the last full run, kept so that Flott can be measured again without it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::engines::Cost;
use crate::Result;

/// Figures of one part of the benchmark, and where they come from.
#[derive(Clone, Serialize, Deserialize)]
pub struct Part {
    /// Day of the run in UTC, such as `2026-01-31`.
    pub date: String,
    pub machine: String,
    pub flink: String,
    /// By the name of the query. A query that failed is not here.
    pub queries: BTreeMap<String, Cost>,
}

/// The file with all parts.
pub struct Baseline {
    path: PathBuf,
    parts: BTreeMap<String, Part>,
}

impl Baseline {
    /// Reads the file; without one, there are no parts.
    ///
    /// # Errors
    /// When the file cannot be read or is not what this module wrote.
    pub fn read(path: &Path) -> Result<Self> {
        let parts = match fs::read_to_string(path) {
            Ok(text) => serde_json::from_str(&text).map_err(|e| format!("{}: {e}", path.display()))?,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => BTreeMap::new(),
            Err(e) => return Err(format!("{}: {e}", path.display())),
        };
        let path = path.to_path_buf();
        Ok(Self { path, parts })
    }

    /// The stored figures of a part.
    ///
    /// # Errors
    /// When there are none.
    pub fn part(&self, name: &str) -> Result<&Part> {
        self.parts
            .get(name)
            .ok_or_else(|| format!("{} holds no figures of Flink for `{name}`: run once without --skip-flink", self.path.display()))
    }

    /// Replaces a part in the file.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn store(&mut self, name: &str, part: Part) -> Result<()> {
        self.parts.insert(name.to_string(), part);
        let mut text = serde_json::to_string_pretty(&self.parts).map_err(|e| e.to_string())?;
        text.push('\n');
        fs::write(&self.path, text).map_err(|e| format!("{}: {e}", self.path.display()))
    }
}
