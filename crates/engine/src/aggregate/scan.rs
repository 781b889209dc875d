//! Aggregates over frames that move on from row to row: rows enter, rows leave, and every step has a result. This is what OVER asks
//! of an aggregate.

use arrow::array::{ArrayRef, UInt32Array};
use arrow::buffer::NullBuffer;
use arrow::compute::{concat, take};
use std::ops::Range;

use super::{AggInput, Aggregate};
use crate::batch::RowKind;
use crate::state::column::Column;
use crate::{Error, Result};

/// The frame of a key moves on: first rows leave it, then rows enter it. Ranges are places in [`Scan::rows`].
#[derive(Debug, Clone)]
pub struct Step {
    /// Slot of the key.
    pub slot: u32,
    /// Places of the rows that leave; they entered in an earlier step, perhaps of an earlier scan.
    pub leave: Range<u32>,
    /// Places of the rows that enter.
    pub enter: Range<u32>,
}

/// How frames move over rows.
#[derive(Debug, Default)]
pub struct Scan {
    /// Rows of the argument columns, those of a key together and in their order.
    pub rows: Vec<u32>,
    /// The steps of a key lie together, in their order.
    pub steps: Vec<Step>,
}

/// What happens in a scan, one after the other.
pub(super) enum Move {
    /// A row of that slot leaves (-1) or enters (+1).
    Row(usize, usize, i64),
    /// The result of that slot is asked for.
    Result(usize),
}

impl Scan {
    /// Goes through all steps; rows that are null are passed over.
    #[inline(always)]
    pub(super) fn run(&self, nulls: Option<&NullBuffer>, mut on: impl FnMut(Move)) {
        let nulls = nulls.filter(|n| n.null_count() > 0);
        for step in &self.steps {
            let slot = step.slot as usize;
            for (places, sign) in [(&step.leave, -1), (&step.enter, 1)] {
                for row in &self.rows[places.start as usize..places.end as usize] {
                    if nulls.is_none_or(|n| n.is_valid(*row as usize)) {
                        on(Move::Row(slot, *row as usize, sign));
                    }
                }
            }
            on(Move::Result(slot));
        }
    }

    /// The numbers of the steps that are the first ones of their keys, then of the second ones, and so on.
    fn rounds(&self) -> Vec<Vec<u32>> {
        let mut rounds: Vec<Vec<u32>> = vec![];
        let mut round = 0;
        for (number, step) in self.steps.iter().enumerate() {
            round = if number > 0 && self.steps[number - 1].slot == step.slot { round + 1 } else { 0 };
            if round == rounds.len() {
                rounds.push(vec![]);
            }
            rounds[round].push(number as u32);
        }
        rounds
    }
}

/// A scan by updates and evaluations over as many keys at once as have a step left: for aggregates without a way of their own.
pub(super) fn in_rounds<A: Aggregate + ?Sized>(function: &A, state: &mut [Column], scan: &Scan, args: &[ArrayRef]) -> Result<ArrayRef> {
    let retracts = scan.steps.iter().any(|step| !step.leave.is_empty());
    let rounds = scan.rounds();
    let mut results: Vec<ArrayRef> = Vec::with_capacity(rounds.len());
    for round in &rounds {
        let (mut rows, mut slots, mut kinds, mut ends) = (vec![], vec![], vec![], Vec::with_capacity(round.len()));
        for step in round.iter().map(|number| &scan.steps[*number as usize]) {
            for (places, kind) in [(&step.leave, RowKind::Delete), (&step.enter, RowKind::Insert)] {
                rows.extend_from_slice(&scan.rows[places.start as usize..places.end as usize]);
                slots.resize(rows.len(), step.slot);
                kinds.resize(rows.len(), kind);
            }
            ends.push(step.slot);
        }
        let rows = UInt32Array::from(rows);
        let args = args.iter().map(|a| Ok(take(a, &rows, None)?)).collect::<Result<Vec<_>>>()?;
        function.update(state, &slots, AggInput { args: &args, keep: None, kinds: retracts.then_some(&kinds) })?;
        results.push(function.evaluate(state, &ends)?);
    }
    let all = concat(&results.iter().map(|r| r.as_ref()).collect::<Vec<_>>())
        .map_err(|e| Error::internal(format!("a scan without steps has no result: {e}")))?;
    let mut place = vec![0; scan.steps.len()];
    rounds.iter().flatten().enumerate().for_each(|(at, number)| place[*number as usize] = at as u32);
    Ok(take(&all, &UInt32Array::from(place), None)?)
}
