//! `cargo xtask tidy`: the rules of the house that the compiler does not know. Reports every violation at once.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use crate::{Result, compatibility};

/// Most lines of a source file, tests not counted.
const FILE_LINES_MAX: usize = 500;
/// Most lines of a function, from its head to its closing brace.
const FUNCTION_LINES_MAX: usize = 70;
/// Folders that hold no source: build output, state of jobs, inputs and outputs of measurements.
const SKIPPED: &[&str] = &["target", ".git", ".flott", "bench/data", "bench/out"];
/// Kinds of files that are looked at.
const TEXT: &[&str] = &["rs", "md", "toml", "sql", "sh"];
/// What must not stay in code.
const UNFINISHED: &[&str] = &["todo!(", "unimplemented!(", "dbg!("];
/// Words that say something about a place or a person instead of about the project. In halves, so that this file has none.
const BANNED: &[(&str, &str)] =
    &[("/wo", "rk/"), ("/ro", "ot/"), ("/ho", "me/"), ("FIX", "ME"), ("XX", "X:"), ("Clau", "de"), ("Chat", "GPT")];

/// Which crates of the workspace a crate may name.
const DIRECTIONS: &[(&str, &[&str])] = &[
    ("engine", &[]),
    ("functions", &["engine"]),
    ("sql", &["engine", "functions"]),
    ("checkpoint", &["engine", "testkit"]),
    ("connectors", &["engine"]),
    ("memory", &[]),
    ("flott", &["engine", "sql", "checkpoint", "connectors", "memory", "testkit"]),
    ("testkit", &[]),
];
/// All that the engine may name: Arrow, and small crates without dependencies of weight.
const ENGINE_LIBRARIES: &[&str] = &["arrow", "hashbrown", "xxhash-rust", "roaring", "thiserror", "itoa", "ryu"];
/// All of DataFusion that the functions may name: what an expression is, and nothing that plans or runs one.
const FUNCTION_LIBRARIES: &[&str] = &["datafusion-common", "datafusion-expr"];
/// Libraries (by the beginning of their names) that only one crate may name.
const OWNED_LIBRARIES: &[(&str, &str)] = &[
    ("datafusion", "sql"),
    ("sqlparser", "sql"),
    ("flate2", "connectors"),
    ("zstd", "connectors"),
    ("glob", "connectors"),
    ("crc32c", "checkpoint"),
    ("object_store", "checkpoint"),
    ("tokio", "checkpoint"),
    ("libmimalloc", "memory"),
    ("libc", "memory"),
    ("clap", "flott"),
    ("ariadne", "flott"),
    ("signal-hook", "flott"),
];

/// The only file that may use sqlparser's generic visitors.
const WALK: &str = "crates/sql/src/dialect/walk.rs";

/// Runs the command. Fails with the list of violations.
pub fn run(args: &[String]) -> Result<()> {
    if let Some(other) = args.first() {
        return Err(format!("tidy takes no arguments, not `{other}`"));
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let root = root.canonicalize().map_err(|e| format!("cannot find the repository: {e}"))?;
    let mut files = vec![];
    collect(&root, &root, &mut files)?;
    files.sort();
    let mut found = vec![];
    for path in &files {
        let text = fs::read_to_string(root.join(path)).map_err(|e| format!("cannot read {}: {e}", path.display()))?;
        check_file(&root, path, &text, &mut found);
    }
    check_page(&root, &mut found);
    if found.is_empty() {
        println!("tidy: {} files, nothing to say", files.len());
        return Ok(());
    }
    let mut report = format!("{} violations in {} files\n", found.len(), files.len());
    for line in &found {
        let _ = writeln!(report, "  {line}");
    }
    Err(report)
}

/// The page on compatibility is what the cases say now.
fn check_page(root: &Path, found: &mut Vec<String>) {
    match compatibility::page(root) {
        Ok(page) if fs::read_to_string(root.join(compatibility::PAGE)).is_ok_and(|there| there == page) => {}
        Ok(_) => found.push(format!("{}: not up to date; run `cargo xtask compatibility`", compatibility::PAGE)),
        Err(e) => found.push(e),
    }
}

/// Text files below `folder`, relative to `root`.
fn collect(root: &Path, folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let failed = |e: std::io::Error| format!("cannot list {}: {e}", folder.display());
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let relative = path.strip_prefix(root).map_err(|e| e.to_string())?;
        if SKIPPED.iter().any(|s| relative == Path::new(s)) {
            continue;
        }
        let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
        if path.is_dir() {
            collect(root, &path, files)?;
        } else if TEXT.contains(&extension) || relative == Path::new(".ci/run") {
            files.push(relative.to_path_buf());
        }
    }
    Ok(())
}

fn check_file(root: &Path, path: &Path, text: &str, found: &mut Vec<String>) {
    let name = path.display().to_string();
    check_text(&name, text, found);
    if name.ends_with(".rs") {
        check_source(&name, text, found);
    } else if name.ends_with(".md") {
        check_links(root, path, text, found);
    } else if name.starts_with("crates/") && name.ends_with("/Cargo.toml") {
        check_manifest(&name, text, found);
    }
}

/// Rules of any text file. Inputs of tests are left as they are.
fn check_text(name: &str, text: &str, found: &mut Vec<String>) {
    if !text.is_empty() && !text.ends_with('\n') {
        found.push(format!("{name}: does not end with a newline"));
    }
    let data = name.starts_with("tests/parity/data/");
    for (i, line) in text.lines().enumerate() {
        for (a, b) in BANNED {
            if line.contains(&format!("{a}{b}")) {
                found.push(format!("{name}:{}: says `{a}{b}`", i + 1));
            }
        }
        if !data && !name.ends_with(".sql") && line.ends_with([' ', '\t']) {
            found.push(format!("{name}:{}: ends with a blank", i + 1));
        }
    }
}

fn is_test(name: &str) -> bool {
    name.contains("/tests/") || name.ends_with("/tests.rs") || name.contains("/examples/")
}

/// Rules of Rust files.
fn check_source(name: &str, text: &str, found: &mut Vec<String>) {
    if !text.starts_with("//!") {
        found.push(format!("{name}:1: does not open with a `//!` line on what it is for"));
    }
    for (i, line) in text.lines().enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        for word in UNFINISHED.iter().filter(|w| code.contains(**w) && name != "xtask/src/tidy.rs") {
            found.push(format!("{name}:{}: `{word}…)`", i + 1));
        }
        let planning = name.starts_with("crates/sql/") || name.starts_with("crates/functions/");
        if code.contains("datafusion_") && !planning && name != "xtask/src/tidy.rs" {
            found.push(format!("{name}:{}: names DataFusion, which belongs to crates/sql and crates/functions", i + 1));
        }
    }
    if (text.contains("VisitMut") || text.contains("VisitorMut")) && ![WALK, "xtask/src/tidy.rs"].contains(&name) {
        found.push(format!("{name}: visits a syntax tree by sqlparser's trait; write a Pass for {WALK}, which is compiled once"));
    }
    if is_test(name) {
        return;
    }
    let lines: Vec<&str> = text.lines().collect();
    let lines = &lines[..code_lines(&lines)];
    if lines.len() > FILE_LINES_MAX {
        found.push(format!("{name}: {} lines without tests, {FILE_LINES_MAX} are the limit", lines.len()));
    }
    for (start, function, length) in functions(lines) {
        if length > FUNCTION_LINES_MAX {
            found.push(format!("{name}:{}: {function} has {length} lines, {FUNCTION_LINES_MAX} are the limit", start + 1));
        }
    }
}

/// Lines before the module with tests.
fn code_lines(lines: &[&str]) -> usize {
    let opens_tests = |i: usize| {
        lines[i] == "#[cfg(test)]"
            && lines[i + 1..].iter().find(|l| !l.starts_with("#[")).is_some_and(|l| l.starts_with("mod ") && l.ends_with('{'))
    };
    (0..lines.len()).find(|i| opens_tests(*i)).unwrap_or(lines.len())
}

/// Functions of formatted code: where they start, their names, their numbers of lines.
fn functions<'a>(lines: &[&'a str]) -> Vec<(usize, &'a str, usize)> {
    let mut all = vec![];
    for (start, line) in lines.iter().enumerate() {
        let Some(name) = function_name(line) else {
            continue;
        };
        let indent = &line[..line.len() - line.trim_start().len()];
        let closing = format!("{indent}}}");
        for (i, line) in lines[start..].iter().enumerate() {
            let ends_in_head = i == 0 && (line.ends_with('}') || line.ends_with(';'));
            let declaration = line.ends_with(");") && !line.starts_with(&format!("{indent} "));
            if ends_in_head || declaration || *line == closing {
                all.push((start, name, i + 1));
                break;
            }
        }
    }
    all
}

/// The name of the function whose head begins in this line.
fn function_name(line: &str) -> Option<&str> {
    let mut rest = line.trim_start();
    for word in ["pub(crate) ", "pub(super) ", "pub ", "const ", "unsafe "] {
        rest = rest.strip_prefix(word).unwrap_or(rest);
    }
    let rest = rest.strip_prefix("fn ")?;
    rest.split(['(', '<']).next()
}

/// Relative links of a document must lead somewhere.
fn check_links(root: &Path, path: &Path, text: &str, found: &mut Vec<String>) {
    let folder = root.join(path.parent().unwrap_or(Path::new("")));
    for (i, line) in text.lines().enumerate() {
        for link in line.split("](").skip(1).filter_map(|l| l.split([')', '#']).next()) {
            if !link.is_empty() && !link.contains(':') && !folder.join(link).exists() {
                found.push(format!("{}:{}: the link `{link}` leads nowhere", path.display(), i + 1));
            }
        }
    }
}

/// Rules of the manifest of a crate: who may name whom.
fn check_manifest(name: &str, text: &str, found: &mut Vec<String>) {
    let own = name.split('/').nth(1).unwrap_or_default();
    let allowed = DIRECTIONS.iter().find(|(c, _)| *c == own).map(|(_, allowed)| *allowed);
    if allowed.is_none() {
        found.push(format!("{name}: `{own}` is not among the crates that tidy knows; add it to DIRECTIONS"));
    }
    if !text.contains("[lints]\nworkspace = true") {
        found.push(format!("{name}: does not take the workspace's lints"));
    }
    for (section, library) in dependencies(text) {
        if let Some(other) = library.strip_prefix("flott-") {
            if !allowed.unwrap_or_default().contains(&other) {
                found.push(format!("{name}: `{own}` must not name `{other}`"));
            }
            continue;
        }
        if section != "dependencies" {
            continue;
        }
        if own == "engine" && !ENGINE_LIBRARIES.contains(&library) {
            found.push(format!("{name}: the engine must not name `{library}`"));
        }
        if own == "functions" && FUNCTION_LIBRARIES.contains(&library) {
            continue;
        }
        if let Some((_, owner)) = OWNED_LIBRARIES.iter().find(|(l, owner)| library.starts_with(l) && *owner != own) {
            found.push(format!("{name}: `{library}` is crates/{owner}'s alone"));
        }
    }
}

/// Sections and names of what a manifest depends on.
fn dependencies(text: &str) -> Vec<(&str, &str)> {
    let mut section = "";
    let mut all = vec![];
    for line in text.lines().map(str::trim) {
        if let Some(head) = line.strip_prefix('[') {
            section = head.trim_end_matches(']');
        } else if section.ends_with("dependencies") && !line.is_empty() && !line.starts_with('#') {
            all.push((section, line.split(['.', ' ', '=']).next().unwrap_or_default()));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn violations(name: &str, text: &str) -> Vec<String> {
        let mut found = vec![];
        check_file(Path::new("/nowhere"), Path::new(name), text, &mut found);
        found
    }

    #[test]
    fn a_clean_file_has_none() {
        assert!(violations("crates/sql/src/a.rs", "//! A.\n\nfn a() {\n    b();\n}\n").is_empty());
    }

    #[test]
    fn long_functions_and_files_are_found() {
        let body = "    b();\n".repeat(FUNCTION_LINES_MAX - 1);
        let found = violations("crates/sql/src/a.rs", &format!("//! A.\n\npub fn long(\n    x: u8,\n) {{\n{body}}}\n"));
        assert_eq!(found, ["crates/sql/src/a.rs:3: long has 73 lines, 70 are the limit"]);
        let tests = "// a line\n".repeat(FILE_LINES_MAX);
        assert!(violations("crates/sql/src/a.rs", &format!("//! A.\n#[cfg(test)]\nmod tests {{\n{tests}}}\n")).is_empty());
        assert_eq!(violations("crates/sql/src/a.rs", &format!("//! A.\n{tests}")).len(), 1);
    }

    #[test]
    fn methods_are_measured_by_their_own_brace() {
        let text = "impl A {\n    fn a(&self) {\n        if b {\n        }\n    }\n    fn c(&self) -> u8;\n}\n";
        assert_eq!(functions(&text.lines().collect::<Vec<_>>()), [(1, "a", 4), (5, "c", 1)]);
    }

    #[test]
    fn directions_and_owners_hold() {
        let manifest = "[dependencies]\nflott-sql.workspace = true\nclap = \"4\"\n\n[lints]\nworkspace = true\n";
        assert_eq!(violations("crates/engine/Cargo.toml", manifest).len(), 3);
        assert_eq!(violations("crates/flott/Cargo.toml", manifest).len(), 0);
        let expressions =
            "[dependencies]\ndatafusion-expr.workspace = true\ndatafusion-sql.workspace = true\n\n[lints]\nworkspace = true\n";
        assert_eq!(violations("crates/functions/Cargo.toml", expressions).len(), 1);
        assert_eq!(violations("crates/common/Cargo.toml", "[lints]\nworkspace = true\n").len(), 1);
    }

    #[test]
    fn texts_end_well() {
        assert_eq!(violations("docs/a.md", "a \nb").len(), 2);
        assert_eq!(violations("docs/a.md", "[a](nothing.md)\n").len(), 1);
        assert_eq!(violations("docs/a.md", "[a](https://example.org)\n").len(), 0);
    }
}
