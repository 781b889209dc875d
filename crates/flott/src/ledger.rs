//! Which jobs of a script are done, so that a script of several jobs that was interrupted goes on where it was: without this,
//! its first jobs would run, and write, a second time.

use std::collections::BTreeSet;
use std::io::ErrorKind;

use arrow::array::RecordBatch;
use flott_checkpoint::{Location, Over, at};
use flott_engine::checkpoint::{Checkpoint, CheckpointStore, TableChanges};
use flott_engine::outbox::OpenOutput;
use flott_engine::{Error, Result};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

/// Jobs done, by their place in the script and their fingerprint.
#[derive(Debug, Clone)]
pub struct Ledger {
    root: Location,
    file: String,
    contents: Contents,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Contents {
    done: BTreeSet<String>,
}

impl Ledger {
    /// The ledger of a script, in the folder of its checkpoints.
    pub fn open(root: &Location, sql: &str) -> Result<Self> {
        let file = file_name(sql);
        let folder = root.folder()?;
        let contents = match folder.read(&file, None) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|e| {
                Error::state(format!("{} is damaged: {e}", folder.place(&file)))
                    .help("it tells which jobs of the script are done; with --fresh all of them run again")
            })?,
            Err(e) if e.kind() == ErrorKind::NotFound => Contents::default(),
            Err(e) => return Err(at(e, &folder.place(&file))),
        };
        Ok(Self { root: root.clone(), file, contents })
    }

    /// A ledger without entries, whatever lies in the folder.
    pub fn fresh(root: &Location, sql: &str) -> Result<Self> {
        let mut ledger = Self { root: root.clone(), file: file_name(sql), contents: Contents::default() };
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
        let bytes = serde_json::to_vec(&self.contents).map_err(|e| Error::internal(e.to_string()))?;
        let mut folder = self.root.folder()?;
        folder.put(&self.file, &bytes, Over::Anything).map_err(|e| Error::io(format!("cannot write {}: {e}", folder.place(&self.file))))
    }

    /// The whole script is done: the next run begins anew.
    pub fn clear(&mut self) -> Result<()> {
        self.contents.done.clear();
        let mut folder = self.root.folder()?;
        match folder.remove(&self.file) {
            Err(e) if e.kind() != ErrorKind::NotFound => Err(Error::io(format!("cannot remove {}: {e}", folder.place(&self.file)))),
            _ => Ok(()),
        }
    }
}

fn file_name(sql: &str) -> String {
    format!("script-{:016x}.json", xxh3_64(sql.as_bytes()))
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

    fn renumber(&mut self, number: &dyn Fn(usize) -> Option<usize>) {
        self.inner.renumber(number);
    }

    fn savepoint(&mut self) -> Result<String> {
        self.inner.savepoint()
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
        let root = Location::Local(root.path().join("checkpoints"));
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
        let root = Location::Local(root.path().to_owned());
        let mut ledger = Ledger::open(&root, "sql").unwrap();
        ledger.note_done("0-a").unwrap();
        root.folder().unwrap().put(&ledger.file, b"{", Over::Anything).unwrap();
        assert!(Ledger::open(&root, "sql").unwrap_err().to_string().contains("damaged"));
        assert!(!Ledger::fresh(&root, "sql").unwrap().is_done("0-a"));
    }
}
