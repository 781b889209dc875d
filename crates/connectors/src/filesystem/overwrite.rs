//! INSERT OVERWRITE: once all new files have their names, those that were there before go.

use std::io::Result;
use std::path::Path;

/// Removes what a folder holds besides the visible files of a run, which have its token in their names. Of a table with partitions, only
/// folders that the run has written to are looked at. Hidden files stay: they belong to runs that are alive.
pub fn remove_others(folder: &Path, token: &str, partitioned: bool) -> Result<()> {
    let own = format!("part-{token}-");
    let mut entries = vec![];
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.starts_with(['.', '_']) {
            entries.push((name, entry));
        }
    }
    let written = entries.iter().any(|(name, _)| name.starts_with(&own));
    for (name, entry) in entries {
        let is_folder = entry.file_type()?.is_dir();
        if partitioned && is_folder {
            remove_others(&entry.path(), token, true)?;
        } else if name.starts_with(&own) || (partitioned && !written) {
            continue;
        } else if is_folder {
            std::fs::remove_dir_all(entry.path())?;
        } else {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn files(folder: &Path) -> Vec<String> {
        let mut found = vec![];
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            match entry.file_type().unwrap().is_dir() {
                true => found.extend(files(&entry.path()).into_iter().map(|file| format!("{name}/{file}"))),
                false => found.push(name),
            }
        }
        found.sort();
        found
    }

    #[test]
    fn a_table_or_the_partitions_that_were_written_are_replaced() {
        for partitioned in [false, true] {
            let dir = tempfile::tempdir().unwrap();
            for file in ["p=1/part-old-0", "p=1/part-new-0", "p=1/.part-other-0.inprogress", "p=2/part-old-1", "_SUCCESS", "other.csv"] {
                let path = dir.path().join(file);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, "x").unwrap();
            }
            if !partitioned {
                std::fs::write(dir.path().join("part-new-1"), "x").unwrap();
            }
            remove_others(dir.path(), "new", partitioned).unwrap();
            let expected: &[&str] = match partitioned {
                true => &["_SUCCESS", "other.csv", "p=1/.part-other-0.inprogress", "p=1/part-new-0", "p=2/part-old-1"],
                false => &["_SUCCESS", "part-new-1"],
            };
            assert_eq!(files(dir.path()), expected);
        }
    }
}
