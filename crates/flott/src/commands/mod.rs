//! The subcommands, one file each, and what they share.

pub mod change;
pub mod check;
pub mod completions;
pub mod connectors;
pub mod explain;
pub mod functions;
pub mod generate;
pub mod run;
pub mod state;

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use clap::ValueHint;
use flott_engine::{Error, Result};

use crate::terminal::diagnostics::Script;

/// Where the script is.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub struct ScriptArgs {
    /// The script; - reads it from standard input
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    file: Option<PathBuf>,
    /// The script itself, instead of a file
    #[arg(short = 'e', long = "execute", value_name = "SQL", allow_hyphen_values = true)]
    execute: Option<String>,
}

impl ScriptArgs {
    /// Reads it.
    pub fn read(&self) -> Result<Script> {
        match (&self.execute, &self.file) {
            (Some(sql), _) => Ok(Script { name: "<command line>".to_owned(), text: sql.clone() }),
            (None, Some(file)) => read_script(file),
            (None, None) => Err(Error::config("there is no script").help("name a file, or write the script after -e")),
        }
    }
}

/// Reads a script from a file, or from standard input for `-`.
pub fn read_script(file: &Path) -> Result<Script> {
    let (name, bytes) = if file == Path::new("-") {
        let mut bytes = vec![];
        let read = io::stdin().lock().read_to_end(&mut bytes);
        ("<standard input>".to_owned(), read.map(|_| bytes))
    } else {
        (file.display().to_string(), std::fs::read(file))
    };
    let bytes = bytes.map_err(|e| Error::config(format!("cannot read the script {name}: {e}")))?;
    let text = String::from_utf8(bytes).map_err(|e| {
        let line = 1 + e.as_bytes()[..e.utf8_error().valid_up_to()].iter().filter(|b| **b == b'\n').count();
        Error::config(format!("the script {name} is not UTF-8 text: see line {line}"))
    })?;
    // An editor's byte order mark is no part of the script.
    let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
    Ok(Script { name, text })
}

/// Writes to standard output. That the reader has gone away, as `head` does, is no error.
pub fn print(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => Err(Error::io(format!("cannot write to standard output: {e}"))),
        _ => Ok(()),
    }
}

/// The words most like `word`, best first.
pub fn similar<'a>(word: &str, words: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    const LIKENESS_MIN: f64 = 0.82;
    const SHOWN_MAX: usize = 3;
    let word = word.to_ascii_lowercase();
    let mut near: Vec<(f64, &str)> =
        words.map(|w| (strsim::jaro_winkler(&word, &w.to_ascii_lowercase()), w)).filter(|(l, _)| *l > LIKENESS_MIN).collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0));
    near.dedup_by_key(|(_, w)| *w);
    near.into_iter().take(SHOWN_MAX).map(|(_, w)| w).collect()
}
