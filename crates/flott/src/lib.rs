//! Flott as a library: runs Flink SQL scripts inside a program.
//!
//! ```no_run
//! let sql = "CREATE TABLE t (n BIGINT) WITH ('connector' = 'datagen', 'fields.n.kind' = 'sequence',
//!                'fields.n.start' = '1', 'fields.n.end' = '10');
//!            SELECT SUM(n) FROM t;";
//! let result = flott::collect(sql, &flott::RunOptions::default())?;
//! println!("{:?}", result.rows.last());
//! # Ok::<(), flott::Failure>(())
//! ```
//!
//! [`run_script`] is the general form: it hands rows and news to a [`Host`] while the script runs. [`plan_script`] checks a script
//! without running it.
//!
//! Functions of a program, in [`own`], are called from SQL like built-in ones; `examples/` shows one of each kind.
//!
//! **Invariant:** a script with an error anywhere does not start.
//! **Invariant:** this crate's library never touches the process: no signals, no standard streams, no exit. The binary does.

mod clock;
mod collect;
mod failure;
mod host;
mod ledger;
mod options;
mod plan;
#[cfg(feature = "python")]
mod python;
mod script;

pub use arrow;
pub use clock::SystemClock;
pub use collect::{Collected, CollectedRow, collect};
pub use failure::Failure;
pub use flott_checkpoint::Location;
pub use flott_engine::run::Outcome;
pub use flott_engine::{Error, Result};
pub use flott_sql::error::SqlError;
pub use flott_sql::own;
pub use flott_sql::session::{Effect, PlannedJob, ResultSchema};
pub use host::{Host, JobReport, JobStart};
pub use options::{DEFAULT_STATE_DIR, RunOptions, StopFlag};
pub use plan::{JobSettings, Plan, Step, check_script, plan_script};
pub use script::{folder as checkpoint_folder, run_script};
