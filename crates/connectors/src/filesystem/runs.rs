//! Which runs write to a folder, and what dead ones have left there.
//!
//! A run that was killed leaves hidden files. Those that a checkpoint knows must stay: the job goes on with them. The others are
//! rubbish for ever, since no later run has their token. To tell them apart, every run holds a lock on a hidden file
//! `.run-<token>.lock` beside its own while it lives, and notes in it
//!
//! - which job it belongs to (the owner: the same for every run of a job), and
//! - whether a checkpoint may know its files, before the first one that does is durable.
//!
//! A run that starts without a checkpoint looks at the locks that nobody holds. It removes the hidden files of runs that no checkpoint
//! can know, and of earlier runs of its own job, which has no checkpoint any more. The files of all other runs are left alone.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

/// A run that is alive: the lock is let go when this is dropped or the process ends in whatever way.
#[derive(Debug)]
pub struct Run {
    path: PathBuf,
    file: File,
    owner: String,
    /// Whether the note says that a checkpoint may know its files.
    checkpointed: bool,
}

impl Run {
    /// Takes the lock of a run. `None` where the folder cannot hold locks: then nothing of this run is ever cleaned up.
    pub fn start(folder: &Path, token: &str, owner: Option<&str>, checkpointed: bool) -> Option<Run> {
        let path = folder.join(format!(".run-{token}.lock"));
        // Locked before it has its name, so that nobody can find it there without its lock.
        let new = folder.join(format!(".run-{token}.new"));
        let mut file = OpenOptions::new().create(true).truncate(true).write(true).read(true).open(&new).ok()?;
        file.try_lock().ok()?;
        let owner = owner.unwrap_or_default().to_owned();
        note(&mut file, &owner, checkpointed).ok()?;
        std::fs::rename(&new, &path).ok()?;
        Some(Run { path, file, owner, checkpointed })
    }

    /// Notes durably that a checkpoint may know the files of this run.
    pub fn will_be_checkpointed(&mut self) -> std::io::Result<()> {
        if !self.checkpointed {
            note(&mut self.file, &self.owner, true)?;
            self.file.sync_all()?;
            self.checkpointed = true;
        }
        Ok(())
    }

    /// The run has left nothing behind.
    pub fn end(self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

fn note(file: &mut File, owner: &str, checkpointed: bool) -> std::io::Result<()> {
    let kind = if checkpointed { "checkpointed" } else { "new" };
    file.rewind()?;
    file.set_len(0)?;
    file.write_all(format!("{kind}\n{owner}\n").as_bytes())
}

/// Removes the hidden files of dead runs that nothing can go on with; see the module. What cannot be removed stays: the next run
/// tries again.
pub fn clean_up(folder: &Path, owner: Option<&str>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(token) = name.strip_prefix(".run-").and_then(|rest| rest.strip_suffix(".lock")) else { continue };
        let Ok(mut file) = OpenOptions::new().read(true).write(true).open(entry.path()) else { continue };
        if file.try_lock().is_ok() && is_rubbish(&mut file, owner) && remove_hidden(folder, token).is_ok() {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// Whether no checkpoint can know the files of a dead run.
fn is_rubbish(file: &mut File, owner: Option<&str>) -> bool {
    let mut text = String::new();
    if file.read_to_string(&mut text).is_err() {
        return false;
    }
    let mut lines = text.lines();
    match (lines.next(), lines.next()) {
        (Some("new"), _) => true,
        (Some("checkpointed"), Some(of)) => !of.is_empty() && owner == Some(of),
        _ => false,
    }
}

fn remove_hidden(folder: &Path, token: &str) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            remove_hidden(&entry.path(), token)?;
            continue;
        }
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with(&format!(".part-{token}-")) && name.ends_with(".inprogress") {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn hidden(folder: &Path, token: &str) -> PathBuf {
        folder.join("p=1").join(format!(".part-{token}-0.inprogress"))
    }

    /// A run with a hidden file; it dies unless it is kept.
    fn run(folder: &Path, token: &str, owner: &str, checkpointed: bool) -> Run {
        std::fs::create_dir_all(folder.join("p=1")).unwrap();
        std::fs::write(hidden(folder, token), "x").unwrap();
        let mut run = Run::start(folder, token, Some(owner), false).unwrap();
        if checkpointed {
            run.will_be_checkpointed().unwrap();
        }
        run
    }

    #[test]
    fn only_what_nobody_can_go_on_with_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path();
        let alive = run(folder, "alive", "me", false);
        for (token, owner, checkpointed) in
            [("new", "other", false), ("theirs", "other", true), ("mine", "me", true), ("nobodys", "", true)]
        {
            drop(run(folder, token, owner, checkpointed));
        }
        std::fs::write(hidden(folder, "unknown"), "x").unwrap();
        clean_up(folder, Some("me"));
        let left: Vec<&str> =
            ["alive", "new", "theirs", "mine", "nobodys", "unknown"].into_iter().filter(|t| hidden(folder, t).exists()).collect();
        assert_eq!(left, ["alive", "theirs", "nobodys", "unknown"]);
        clean_up(folder, None);
        assert!(hidden(folder, "theirs").exists() && folder.join(".run-theirs.lock").exists());
        assert!(!folder.join(".run-mine.lock").exists());
        alive.end();
        assert!(!folder.join(".run-alive.lock").exists());
    }
}
