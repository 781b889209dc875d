//! How to run a script: what the command line can say besides the script itself.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use flott_engine::connector::Connectors;
use flott_sql::own::Functions;

/// Folder for checkpoints, where neither the command line nor the script names one.
pub const DEFAULT_STATE_DIR: &str = ".flott";

/// How to run a script.
#[derive(Clone)]
pub struct RunOptions {
    /// The connectors that tables can use.
    pub connectors: Connectors,
    /// Functions of the program, which SQL can call.
    pub functions: Functions,
    /// Session options to start with, as if the script began with a `SET` for each.
    pub settings: Vec<(String, String)>,
    /// Number of workers; wins over the option `parallelism.default`, which is 1 unless the script sets it.
    pub parallelism: Option<usize>,
    /// Most rows in a tick.
    pub tick_rows_max: Option<usize>,
    /// Throws checkpoints away and starts over.
    pub fresh: bool,
    /// Where checkpoints lie, unless the option `execution.checkpointing.dir` says so. May be the URL of an object store.
    pub state_dir: PathBuf,
    /// Each job that is stopped leaves a savepoint in this folder.
    pub savepoint: Option<String>,
    /// A job without checkpoints goes on from this savepoint; wins over the option `execution.state-recovery.path`.
    pub from_savepoint: Option<String>,
    /// Goes on without state that does not fit a changed query.
    pub allow_dropped_state: bool,
    /// Asks running jobs for a savepoint; taken back when it was heard.
    pub savepoint_now: StopFlag,
    /// Takes a checkpoint after so many ticks, also without the option `execution.checkpointing.interval`.
    pub checkpoint_every_ticks: Option<u64>,
    /// Stops each job dead after so many ticks, as if the process had been killed.
    pub abandon_after_ticks: Option<u64>,
    /// Ends the run in good order when set from elsewhere.
    pub stop: StopFlag,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            connectors: flott_connectors::all(),
            functions: Functions::default(),
            settings: vec![],
            parallelism: None,
            tick_rows_max: None,
            fresh: false,
            state_dir: PathBuf::from(DEFAULT_STATE_DIR),
            savepoint: None,
            from_savepoint: None,
            allow_dropped_state: false,
            savepoint_now: StopFlag::default(),
            checkpoint_every_ticks: None,
            abandon_after_ticks: None,
            stop: StopFlag::default(),
        }
    }
}

/// Asks a run for something, from any thread or from a signal handler.
#[derive(Debug, Clone, Default)]
pub struct StopFlag(pub Arc<AtomicBool>);

impl StopFlag {
    /// Asks.
    pub fn set(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether somebody asked since this was called last.
    pub fn take(&self) -> bool {
        self.0.swap(false, Ordering::SeqCst)
    }

    /// Whether somebody asked.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}
