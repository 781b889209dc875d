//! Which jobs of a script are done, so that a script of several jobs that was interrupted goes on where it was: without this,
//! its first jobs would run, and write, a second time.

use std::collections::BTreeSet;
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use flott_engine::checkpoint::{Checkpoint, CheckpointStore, TableChanges};
use flott_engine::outbox::OpenOutput;
use flott_engine::{Error, Result};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

/// Jobs done, by their place in the script and their fingerprint.
#[derive(Debug, Clone)]
pub struct Ledger {
    path: PathBuf,
    contents: Contents,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Contents {
    done: BTreeSet<String>,
}

impl Ledger {
    /// The ledger of a script, in the folder of its checkpoints.
    pub fn open(root: &Path, sql: &str) -> Result<Self> {
        let path = root.join(format!("script-{:016x}.json", xxh3_64(sql.as_bytes())));
        let contents = match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|e| {
                Error::state(format!("{} is damaged: {e}", path.display()))
                    .help("it tells which jobs of the script are done; with --fresh all of them run again")
            })?,
            Err(e) if e.kind() == ErrorKind::NotFound => Contents::default(),
            Err(e) => return Err(Error::io(format!("cannot read {}: {e}", path.display()))),
        };
        Ok(Self { path, contents })
    }

    /// A ledger without entries, whatever lies in the folder.
    pub fn fresh(root: &Path, sql: &str) -> Result<Self> {
        let path = root.join(format!("script-{:016x}.json", xxh3_64(sql.as_bytes())));
        let mut ledger = Self { path, contents: Contents::default() };
        ledger.clear()?;
        Ok(ledger)
    }

    /// Whether a job is done.
    pub fn is_done(&self, job: &str) -> bool {
        self.contents.done.contains(job)
    }

    /// Notes, durably, that a job is done.
    pub fn note_done(&mut self, job: &str) -> Result<()> {
        self.contents.done.insert(job.to_owned());
        self.write().map_err(|e| Error::io(format!("cannot write {}: {e}", self.path.display())))
    }

    fn write(&self) -> std::io::Result<()> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        let temporary = self.path.with_extension("json.tmp");
        let mut file = fs::File::create(&temporary)?;
        file.write_all(&serde_json::to_vec(&self.contents)?)?;
        file.sync_all()?;
        fs::rename(&temporary, &self.path)?;
        fs::File::open(folder)?.sync_all()
    }

    /// The whole script is done: the next run begins anew.
    pub fn clear(&mut self) -> Result<()> {
        self.contents.done.clear();
        match fs::remove_file(&self.path) {
            Err(e) if e.kind() != ErrorKind::NotFound => Err(Error::io(format!("cannot remove {}: {e}", self.path.display()))),
            _ => Ok(()),
        }
    }
}

/// A store that notes in the ledger that its job is done, before it forgets the checkpoints: at no moment are both missing.
pub struct LedgeredStore {
    /// The store.
    pub inner: Box<dyn CheckpointStore>,
    /// The ledger.
    pub ledger: Ledger,
    /// The job.
    pub job: String,
}

impl CheckpointStore for LedgeredStore {
    fn append(&mut self, changes: &[TableChanges]) -> Result<()> {
        self.inner.append(changes)
    }

    fn keep_output(&mut self, node: usize, output: &[RecordBatch]) -> Result<()> {
        self.inner.keep_output(node, output)
    }

    fn publish(&mut self, checkpoint: &Checkpoint) -> Result<Vec<(usize, u64)>> {
        self.inner.publish(checkpoint)
    }

    fn output(&mut self, node: usize, epoch: u64) -> Result<OpenOutput> {
        self.inner.output(node, epoch)
    }

    fn delivered(&mut self, node: usize, epoch: u64) {
        self.inner.delivered(node, epoch);
    }

    fn identity(&self) -> (u64, u64) {
        self.inner.identity()
    }

    fn outbox_bytes(&self) -> u64 {
        self.inner.outbox_bytes()
    }

    fn latest(&mut self, note: &mut dyn FnMut(String)) -> Result<Option<Checkpoint>> {
        self.inner.latest(note)
    }

    fn discard(&mut self) -> Result<()> {
        self.ledger.note_done(&self.job)?;
        self.inner.discard()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn jobs_stay_done_until_the_script_is() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().join("checkpoints");
        let mut ledger = Ledger::open(&root, "sql").unwrap();
        assert!(!ledger.is_done("0-a"));
        ledger.note_done("0-a").unwrap();
        assert!(Ledger::open(&root, "sql").unwrap().is_done("0-a"));
        assert!(!Ledger::open(&root, "other").unwrap().is_done("0-a"));
        ledger.clear().unwrap();
        assert!(!Ledger::open(&root, "sql").unwrap().is_done("0-a"));
        ledger.clear().unwrap();
    }

    #[test]
    fn a_damaged_ledger_is_not_taken_for_an_empty_one() {
        let root = tempfile::tempdir().unwrap();
        let mut ledger = Ledger::open(root.path(), "sql").unwrap();
        ledger.note_done("0-a").unwrap();
        fs::write(&ledger.path, "{").unwrap();
        assert!(Ledger::open(root.path(), "sql").unwrap_err().to_string().contains("damaged"));
        assert!(!Ledger::fresh(root.path(), "sql").unwrap().is_done("0-a"));
    }
}
