//! One file of the sink while it is written, and how it becomes durable.

use std::fs::File;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use flott_engine::{Error, Result};
use serde::{Deserialize, Serialize};

/// A file of the sink.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Part {
    /// Folder below the table's, with `/` at its end; or empty.
    pub partition: String,
    /// Of the sink's files.
    pub number: u64,
}

/// A hidden file that is written to.
pub struct OpenPart {
    pub part: Part,
    pub bytes: u64,
    /// `None` when too many files are open, or when it was not created yet.
    pub file: Option<File>,
    /// It is there, under its hidden name.
    pub created: bool,
    /// What was not written yet.
    pub buffer: Vec<u8>,
    /// When it was last written to, in writes of the sink.
    pub used: u64,
    /// Processing time of the first and last look at it; `None` before the first.
    pub created_ms: Option<i64>,
    pub written_ms: Option<i64>,
    pub written: bool,
}

/// The number in `part-token-17`.
pub fn number_in(name: &str, before: &str, after: &str) -> Option<u64> {
    name.strip_prefix(before)?.strip_suffix(after)?.parse().ok()
}

/// The error of a step at a file or folder.
pub fn cannot(what: &str, path: &Path, e: &std::io::Error) -> Error {
    let text = format!("Cannot {what} {}: {e}", path.display());
    Error { message: text, ..Error::from(std::io::Error::from(e.kind())) }
}

/// Makes a file's content durable.
pub fn sync(file: &File, path: &Path) -> Result<()> {
    // Whatever the reason: trying again would not bring back what is lost.
    file.sync_all().map_err(|e| Error::io(format!("Cannot make durable {}: {e}", path.display())))
}

/// Makes the names in a folder durable.
pub fn sync_folder(folder: &Path) -> Result<()> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let synced = File::open(folder).and_then(|f| f.sync_all());
    synced.map_err(|e| Error::io(format!("Cannot make durable the folder {}: {e}", folder.display())))
}

impl OpenPart {
    /// A file that begins with these bytes.
    pub fn new(part: Part, buffer: Vec<u8>) -> Self {
        let bytes = buffer.len() as u64;
        Self { part, bytes, file: None, created: false, buffer, used: 0, created_ms: None, written_ms: None, written: true }
    }

    /// The file once more.
    pub fn file(&self, path: &Path) -> Result<File> {
        let file = self.file.as_ref().map_or_else(|| File::open(path), File::try_clone);
        file.map_err(|e| cannot("open", path, &e))
    }
}

/// A token no other run has: the time in nanoseconds and the process, in base 36.
pub fn new_token() -> String {
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    let mut rest = nanos << 22 | u128::from(std::process::id() & 0x3f_ffff);
    let mut digits = vec![];
    while rest > 0 {
        digits.push(char::from_digit((rest % 36) as u32, 36).unwrap_or('0'));
        rest /= 36;
    }
    digits.into_iter().rev().collect()
}
