//! One row for each primary key of a sink, out of a query whose rows are told apart by something else.

use super::rank::{Rank, RankSpec};
use crate::operator::{Inputs, Operator, Output, Tick};
use crate::state::State;
use crate::{Error, Result};

/// Keeps all rows of a primary key and shows the first one of its ranking, so that the next one takes its place when it goes.
pub struct Materialize {
    rank: Rank,
    /// Several rows with one key are an error, once event time has passed: until then one of them may still go.
    fails: bool,
}

impl Materialize {
    /// Shows one row of each key as `spec` ranks them.
    pub fn new(spec: RankSpec, fails: bool) -> Self {
        Self { rank: Rank::new(spec), fails }
    }
}

impl Operator for Materialize {
    fn open(&mut self, state: &mut State) -> Result<()> {
        self.rank.open(state)
    }

    fn step(&mut self, tick: &Tick, inputs: &mut Inputs, state: &mut State, out: &mut Output) -> Result<()> {
        self.rank.step(tick, inputs, state, out)?;
        let settled = tick.watermark > tick.watermark_before || tick.last;
        if self.fails && settled && self.rank.is_crowded(state)? {
            return Err(Error::data("the query has several rows with the same primary key of its sink (ON CONFLICT DO ERROR)")
                .help("group by the primary key, or write ON CONFLICT DO DEDUPLICATE to keep the newest row"));
        }
        Ok(())
    }
}
