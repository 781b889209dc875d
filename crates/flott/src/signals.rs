//! Ctrl-C and SIGTERM: the first one asks the run to stop, the second one ends the process at once. SIGUSR1 asks for a savepoint.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use flott::StopFlag;
use flott_engine::{Error, Result};
use signal_hook::consts::{SIGINT, SIGTERM, SIGUSR1};
use signal_hook::flag;

use crate::Exit;

/// The signal that came first.
#[derive(Debug, Clone, Default)]
pub struct Signals {
    first: Arc<AtomicUsize>,
}

impl Signals {
    /// Watches for signals from now on; they set `stop`, and SIGUSR1 `savepoint`.
    pub fn watch(stop: &StopFlag, savepoint: &StopFlag) -> Result<Self> {
        let signals = Self::default();
        flag::register(SIGUSR1, savepoint.0.clone()).map_err(|e| Error::io(format!("cannot watch for signals: {e}")))?;
        for (signal, exit) in [(SIGINT, Exit::Interrupted), (SIGTERM, Exit::Terminated)] {
            let watch = || {
                // Actions run in the order in which they are registered: the second signal finds the flag of the first.
                flag::register_conditional_shutdown(signal, i32::from(exit as u8), stop.0.clone())?;
                flag::register(signal, stop.0.clone())?;
                flag::register_usize(signal, signals.first.clone(), signal as usize)
            };
            watch().map_err(|e| Error::io(format!("cannot watch for signals: {e}")))?;
        }
        Ok(signals)
    }

    /// Exit code of a run that stopped in good order.
    pub fn exit_of_stopped_run(&self) -> Exit {
        if self.first.load(Ordering::SeqCst) == SIGINT as usize { Exit::Interrupted } else { Exit::Done }
    }
}
