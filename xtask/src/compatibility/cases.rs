//! The parity cases, as the page on compatibility needs them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use flott_testkit::expressions::known_difference;

use super::features::{GROUPS, tokens};
use crate::Result;

/// A known difference.
pub struct Gap {
    /// The line over its part of the list.
    pub kind: String,
    /// Why.
    pub why: String,
}

/// A parity case.
pub struct Case {
    /// `group/name`.
    pub name: String,
    /// Its first comment line.
    pub about: String,
    /// Words and signs of its SQL.
    pub tokens: Vec<String>,
    /// Flink refuses it.
    pub refused: bool,
    /// Flott answers otherwise than Flink.
    pub gap: Option<Gap>,
}

impl Case {
    /// The folder that it lies in.
    pub fn group(&self) -> &str {
        self.name.split('/').next().unwrap_or_default()
    }
}

/// All cases in order of their names.
///
/// # Errors
/// When one has no comment, no golden or lies in a folder that the page does not know; when a gap is that of no case.
pub fn read(root: &Path) -> Result<Vec<Case>> {
    let parity = root.join("tests/parity");
    let mut gaps = gaps(&text(&parity.join("gaps.txt"))?);
    let mut all = vec![];
    for name in names(&parity)? {
        let sql = text(&parity.join(format!("{name}.sql")))?;
        let about = sql.lines().next().and_then(|l| l.strip_prefix("-- ")).map(str::to_owned);
        let about = about.ok_or_else(|| format!("{name}: the first line is no comment that says what the case shows"))?;
        let golden = text(&parity.join(format!("{name}.golden")))?;
        let gap = gaps.remove(&name);
        all.push(Case { tokens: tokens(&sql), refused: golden.starts_with("error:"), about, gap, name });
    }
    if let Some((name, _)) = gaps.pop_first() {
        return Err(format!("gaps.txt names the case {name}, which there is not"));
    }
    Ok(all)
}

fn text(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))
}

fn names(parity: &Path) -> Result<Vec<String>> {
    let list = |folder: &Path| -> Result<Vec<_>> {
        let entries = fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        Ok(entries.flatten().map(|e| e.path()).collect())
    };
    let mut names = vec![];
    for folder in list(parity)?.into_iter().filter(|p| p.is_dir()) {
        let group = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let scripts: Vec<_> = list(&folder)?.into_iter().filter(|p| p.extension().is_some_and(|e| e == "sql")).collect();
        if !scripts.is_empty() && !GROUPS.iter().any(|(known, _)| *known == group) {
            return Err(format!("tests/parity/{group} has no title: add it to GROUPS"));
        }
        names.extend(scripts.iter().filter_map(|p| p.file_stem()).map(|stem| format!("{group}/{}", stem.to_string_lossy())));
    }
    names.sort();
    Ok(names)
}

/// Lines `group/name: why`, each part of them under the comment in front.
fn gaps(text: &str) -> BTreeMap<String, Gap> {
    let mut kind = String::new();
    let mut gaps = BTreeMap::new();
    for line in text.lines().filter(|l| known_difference(l).is_none()) {
        if let Some(comment) = line.strip_prefix("# ") {
            kind = comment.to_string();
        } else if let Some((name, why)) = line.split_once(": ") {
            let why = match why.strip_prefix("(sometimes) ") {
                Some(why) => format!("{why}; not in every run"),
                None => why.to_string(),
            };
            gaps.insert(name.to_string(), Gap { kind: kind.clone(), why });
        }
    }
    gaps
}
