//! Whatever fails, the job ends with an error that says so; it does not hang, and it does not commit.

use crate::support::*;
use flott_engine::operator::{Inputs, Operator, Output, Tick};
use flott_engine::run::Outcome;
use flott_engine::state::State;
use flott_engine::{Error, Result};

fn setup() -> Setup {
    let all = events(&(0..40).map(|i| (i, i)).collect::<Vec<_>>());
    let mut setup = Setup::new(vec![all], Query::Group { two_phases: false });
    setup.config.tick_rows_max = 7;
    setup.config.checkpoint_every_ticks = Some(2);
    setup.checkpoints = Some(Kept::default());
    setup
}

#[test]
fn a_sink_that_fails_ends_the_job_and_the_next_run_makes_it_good() {
    for call in ["open", "write", "prepare", "commit", "finish"] {
        for workers in [1, 3] {
            for successes in 0..2 {
                let mut setup = setup();
                setup.config.workers = workers;
                setup.world.lock().unwrap().fail = Some((call, successes));
                if let Err(e) = setup.run() {
                    assert!(e.to_string().contains(&format!("{call} was refused")), "{e}");
                } else {
                    assert!(successes > 0 && ["open", "finish"].contains(&call), "{call} is not called {} times", successes + 1);
                    continue;
                }
                setup.world.lock().unwrap().fail = None;
                assert_eq!(setup.run().unwrap().0, Outcome::Finished);
                assert_eq!(setup.world.lock().unwrap().table(), groups_of(&setup.script.splits[0]), "{call}");
            }
        }
    }
}

#[test]
fn a_sink_commits_nothing_that_is_not_in_a_checkpoint() {
    let mut setup = setup();
    setup.checkpoints = Some(Kept { fail_from: Some(2), ..Default::default() });
    let e = setup.run().unwrap_err();
    assert!(e.to_string().contains("the disk is full"), "{e}");
    assert_eq!(setup.world.lock().unwrap().commits, 1);
    setup.checkpoints.as_mut().unwrap().fail_from = None;
    setup.run().unwrap();
    assert_eq!(setup.world.lock().unwrap().table(), groups_of(&setup.script.splits[0]));
}

#[test]
fn a_source_that_fails_ends_the_job() {
    for workers in [1, 2] {
        let mut fetch = setup();
        fetch.config.workers = workers;
        fetch.script.fail_fetch_at = Some(20);
        assert!(fetch.run().unwrap_err().to_string().contains("the cable is out"));
        fetch.script.fail_fetch_at = None;
        fetch.script.fail_decode_at = Some(30);
        assert!(fetch.run().unwrap_err().to_string().contains("this is no number"));
        fetch.script.fail_decode_at = None;
        fetch.run().unwrap();
        assert_eq!(fetch.world.lock().unwrap().table(), groups_of(&fetch.script.splits[0]));
    }
}

/// Fails, or panics, when it sees the row of key 33.
struct Faulty {
    panics: bool,
}

impl Operator for Faulty {
    fn step(&mut self, _: &Tick, inputs: &mut Inputs, _: &mut State, out: &mut Output) -> Result<()> {
        use arrow::array::AsArray;
        for batch in inputs.iter().flatten() {
            let keys = batch.column(0).as_primitive::<arrow::datatypes::Int64Type>();
            if keys.values().contains(&33) {
                assert!(!self.panics, "an operator panics, as it must not");
                return Err(Error::data("33 is too much"));
            }
            out.emit(batch.clone());
        }
        Ok(())
    }
}

#[test]
fn an_operator_that_fails_ends_the_job_and_names_itself() {
    for workers in [1, 2, 3] {
        let mut setup = setup();
        setup.config.workers = workers;
        setup.extra = Some(|| Box::new(Faulty { panics: false }));
        let e = setup.run().unwrap_err().to_string();
        assert!(e.contains("33 is too much") && e.contains("Extra"), "{e}");
    }
}

#[test]
fn a_panic_on_any_worker_ends_the_job() {
    for workers in [1, 2, 3, 4, 5] {
        let mut setup = setup();
        setup.config.workers = workers;
        setup.extra = Some(|| Box::new(Faulty { panics: true }));
        let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| setup.run().is_err()));
        assert!(ended.unwrap_or(true), "the job went on");
    }
}
