//! Finds the files of a table, and what their paths say: partitions.

use std::path::{Path, PathBuf};

use flott_engine::{Error, Result};

use super::config::SourceConfig;

/// Characters that make a path a pattern.
pub const WILDCARDS: [char; 3] = ['*', '?', '['];

/// All files of the table, sorted. Files and folders whose names begin with `.` or `_` are not looked at.
///
/// # Errors
/// When nothing is there to be read, or a folder cannot be listed.
pub fn list(config: &SourceConfig) -> Result<Vec<PathBuf>> {
    let literal = Path::new(&config.path);
    let mut files = vec![];
    if literal.exists() {
        collect(literal, false, config, &mut files)?;
    } else if config.path.contains(WILDCARDS) {
        let wild = |c: &std::path::Component<'_>| c.as_os_str().to_string_lossy().contains(WILDCARDS);
        let spelled_out = literal.components().take_while(|c| !wild(c)).count();
        let options = glob::MatchOptions { require_literal_leading_dot: true, require_literal_separator: true, case_sensitive: true };
        let found = glob::glob_with(&config.path, options)
            .map_err(|e| Error::config(format!("The path '{}' is not a valid pattern: {e}", config.path)))?;
        for path in found {
            let path = path.map_err(|e| Error::io(format!("Cannot list {}: {}", e.path().display(), e.error())))?;
            // What the pattern spells out is meant; what its wildcards find may be hidden.
            if !path.components().skip(spelled_out).any(|c| hidden(Path::new(c.as_os_str()))) {
                collect(&path, false, config, &mut files)?;
            }
        }
        if files.is_empty() && config.monitor_ms.is_none() {
            return Err(Error::config(format!("No file matches the path '{}'", config.path)));
        }
    } else {
        let absolute = std::path::absolute(literal).unwrap_or_else(|_| literal.to_owned());
        return Err(Error::config(format!("There is no file or folder {}", absolute.display())));
    }
    files.sort();
    // A pattern can match a folder and a file in it.
    files.dedup();
    Ok(files)
}

fn hidden(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy());
    name.is_some_and(|name| name.starts_with(['.', '_']))
}

/// Adds the file, or the files below the folder. `matched`: a folder above matches the regular expression.
fn collect(path: &Path, matched: bool, config: &SourceConfig, files: &mut Vec<PathBuf>) -> Result<()> {
    let matched = matched
        || config.regex.as_ref().is_none_or(|regex| {
            let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
            regex.is_match(&absolute.to_string_lossy())
        });
    if !path.is_dir() {
        if matched {
            files.push(path.to_owned());
        }
        return Ok(());
    }
    let cannot = |e: std::io::Error| Error::io(format!("Cannot list the folder {}: {e}", path.display()));
    for entry in std::fs::read_dir(path).map_err(cannot)? {
        let entry = entry.map_err(cannot)?.path();
        if !hidden(&entry) {
            collect(&entry, matched, config, files)?;
        }
    }
    Ok(())
}

/// The text of a partition column in a path: `2024` for the key `year` in `…/year=2024/…`. The folder nearest to the file counts.
pub fn partition_value(path: &Path, key: &str) -> Option<String> {
    let folders = path.parent()?.components().rev();
    folders
        .filter_map(|folder| {
            let folder = folder.as_os_str().to_string_lossy();
            let (name, value) = folder.split_once('=')?;
            (unescape(name) == key).then(|| unescape(value))
        })
        .next()
}

/// Characters that Hive, and therefore Flink, escapes in the name of a partition folder, besides control characters.
const ESCAPED: &str = "\"#%'*/:=?\\\u{7f}{[]^";

/// Appends a name or value for a partition folder, escaped as `%XX`.
pub fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        if c < ' ' || ESCAPED.contains(c) {
            out.push_str(&format!("%{:02X}", u32::from(c)));
        } else {
            out.push(c);
        }
    }
}

fn unescape(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        let code = (bytes[i] == b'%').then(|| text.get(i + 1..i + 3)).flatten().and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match code {
            Some(code) => {
                out.push(code);
                i += 3;
            }
            None => {
                out.push(bytes[i]);
                i += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_in_paths() {
        let path = Path::new("/data/year=2024/name=a%2Fb%20c/part-1");
        assert_eq!(partition_value(path, "year").as_deref(), Some("2024"));
        assert_eq!(partition_value(path, "name").as_deref(), Some("a/b c"));
        assert_eq!(partition_value(path, "month"), None);
        let mut out = String::new();
        escape("a/b=c d%é", &mut out);
        assert_eq!(out, "a%2Fb%3Dc d%25é");
        assert_eq!(unescape(&out), "a/b=c d%é");
        assert_eq!(unescape("100%"), "100%");
        assert_eq!(unescape("%é%zz"), "%é%zz");
    }
}
