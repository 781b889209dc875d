//! The runs of a key, stepped row by row: which begin, which go on, which are complete, and which a match puts an end to.

use super::condition::Condition;
use super::history::{Place, last_row, nth_row};
use super::{AfterMatch, MatchSpec};
use crate::expr::EvalContext;
use crate::state::matches::{MatchTable, NO_NODE, NOT_BEGUN, Run};
use crate::state::run_queue::RunQueue;
use crate::{Error, Result};

/// Partial matches that a key may have at a time. Each costs about 60 bytes, and a step for every row of its key.
pub const RUNS_MAX: usize = 1_000_000;

/// A match, or a partial one that ran out of time, until its rows are put out. Its node is held.
#[derive(Debug, Clone, Copy)]
pub struct Found {
    /// Its last row.
    pub node: u32,
    /// When it was found, in milliseconds.
    pub time_ms: i64,
    /// Its number among those of its key, from 1.
    pub number: i64,
    /// It ran out of time.
    pub timed_out: bool,
}

/// Steps the runs of all keys of a tick.
pub struct Machine<'a> {
    spec: &'a MatchSpec,
    context: EvalContext,
    /// Matches in the order in which they were found.
    pub found: Vec<Found>,
    /// Variables of which it is known whether they take the row in question, and whether they do.
    known: Vec<Option<bool>>,
    complete: RunQueue,
    /// Memory of a queue that is not in use.
    spare: Vec<Run>,
}

impl<'a> Machine<'a> {
    /// Nothing found yet.
    pub fn new(spec: &'a MatchSpec, context: EvalContext) -> Self {
        Self { spec, context, found: vec![], known: vec![None; spec.conditions.len()], complete: RunQueue::default(), spare: vec![] }
    }

    /// A row of a key, in its turn.
    pub fn feed(&mut self, table: &mut MatchTable, key: u32, row: u32) -> Result<()> {
        let time_ms = table.rows.time_ms(row);
        self.run_out(table, key, time_ms)?;
        let number = table.number(key, row);
        if table.runs(key).partial.first().is_none() {
            table.runs_mut(key).partial.add(Run::fresh());
        }
        let before = table.runs_mut(key).partial.take();
        let mut partial = RunQueue::reusing(std::mem::take(&mut self.spare));
        for run in &before {
            self.step(table, *run, row, number, &mut partial)?;
            if partial.runs().len() > RUNS_MAX {
                return Err(too_many(&self.spec.pattern_text));
            }
        }
        self.spare = before;
        table.runs_mut(key).partial = partial;
        self.settle(table, key, time_ms)
    }

    /// The runs that come of a run with a row.
    fn step(&mut self, table: &mut MatchTable, run: Run, row: u32, number: u64, partial: &mut RunQueue) -> Result<()> {
        let spec = self.spec;
        let fresh = run.start == NOT_BEGUN;
        self.known.fill(None);
        for way in spec.program.moves(run.state) {
            if self.any_takes(table, &run, row, &way.unless)? || !self.takes(table, &run, row, way.variable)? {
                continue;
            }
            let node = table.link(run.node, row, way.variable);
            let (start, start_ms) = if fresh { (number, table.rows.time_ms(row)) } else { (run.start, run.start_ms) };
            let next = Run { state: way.target.unwrap_or(0), node, start, start_ms };
            if way.target.is_some() {
                table.hold(node);
                partial.add(next);
            }
            let mut complete = way.target.is_none();
            for guards in &way.complete {
                complete = complete || !self.any_takes(table, &run, row, guards)?;
            }
            if complete {
                table.hold(node);
                self.complete.add(next);
            }
        }
        if fresh {
            partial.add(run);
        } else {
            table.release(run.node);
        }
        Ok(())
    }

    fn any_takes(&mut self, table: &MatchTable, run: &Run, row: u32, variables: &[u16]) -> Result<bool> {
        for variable in variables {
            if self.takes(table, run, row, *variable)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn takes(&mut self, table: &MatchTable, run: &Run, row: u32, variable: u16) -> Result<bool> {
        let condition: &Condition = &self.spec.conditions[variable as usize];
        let place = Place { node: run.node, row, variable };
        if condition.is_cheap() {
            return condition.holds(table, &place, &self.context);
        }
        if let Some(holds) = self.known[variable as usize] {
            return Ok(holds);
        }
        let holds = condition.holds(table, &place, &self.context)?;
        self.known[variable as usize] = Some(holds);
        Ok(holds)
    }

    /// Gives up runs of a key that began too long before `now_ms`, the earliest first: matches that waited for them are free then.
    pub fn run_out(&mut self, table: &mut MatchTable, key: u32, now_ms: i64) -> Result<()> {
        while let Some(deadline) = table.deadline(key, self.spec.within_ms).filter(|deadline| *deadline <= now_ms) {
            let within = self.spec.within_ms.unwrap_or(i64::MAX);
            let before = table.runs_mut(key).partial.take();
            let mut partial = RunQueue::reusing(vec![]);
            for run in before {
                if run.start == NOT_BEGUN || run.start_ms.saturating_add(within) > deadline {
                    partial.add(run);
                } else if self.spec.timed_out {
                    self.find(table, key, run.node, deadline, true);
                } else {
                    table.release(run.node);
                }
            }
            table.runs_mut(key).partial = partial;
            self.settle(table, key, deadline)?;
        }
        Ok(())
    }

    /// Event time has come to where a run of a key may run out of time.
    pub fn overdue(&mut self, table: &mut MatchTable, key: u32, due_ms: i64) -> Result<()> {
        self.run_out(table, key, due_ms)?;
        table.done(key, table.deadline(key, self.spec.within_ms));
        Ok(())
    }

    /// Takes the complete matches that no earlier run can come before any more.
    fn settle(&mut self, table: &mut MatchTable, key: u32, time_ms: i64) -> Result<()> {
        if self.complete.first().is_some() {
            self.complete.take().into_iter().for_each(|run| table.runs_mut(key).complete.add(run));
        }
        while let Some(first) = table.runs(key).complete.first().copied() {
            let earlier = table.runs(key).partial.first().is_some_and(|run| run.start < first.start);
            if earlier {
                break;
            }
            table.runs_mut(key).complete.pop();
            self.find(table, key, first.node, time_ms, false);
            let gone_up_to = self.gone_up_to(table, &first)?;
            let mut gone = vec![];
            let runs = table.runs_mut(key);
            runs.partial.remove_up_to(gone_up_to, |run| gone.push(run.node));
            runs.complete.remove_up_to(gone_up_to, |run| gone.push(run.node));
            gone.into_iter().for_each(|node| table.release(node));
        }
        table.done(key, table.deadline(key, self.spec.within_ms));
        Ok(())
    }

    /// Notes a match, whose node is held already.
    fn find(&mut self, table: &mut MatchTable, key: u32, node: u32, time_ms: i64, timed_out: bool) {
        let runs = table.runs_mut(key);
        runs.matches += 1;
        self.found.push(Found { node, time_ms, number: runs.matches, timed_out });
    }

    /// A match puts an end to the runs that began at this row or before.
    fn gone_up_to(&self, table: &MatchTable, run: &Run) -> Result<u64> {
        let last = table.rows.number(table.node(run.node).row);
        let (variable, row) = match self.spec.after_match {
            AfterMatch::PastLastRow => return Ok(last),
            AfterMatch::ToNextRow => return Ok(run.start),
            AfterMatch::ToFirst(variable) => (variable, nth_row(table, run.node, Some(variable), 0)),
            AfterMatch::ToLast(variable) => (variable, last_row(table, run.node, Some(variable), 0)),
        };
        let name = &self.spec.names[variable as usize];
        let help = "AFTER MATCH SKIP PAST LAST ROW and SKIP TO NEXT ROW always find a row to go on from";
        match row.map(|row| table.rows.number(row)) {
            None => Err(Error::data(format!("AFTER MATCH cannot skip to {name}: the match has no row of it")).help(help)),
            Some(number) if number == run.start => {
                Err(Error::data(format!("AFTER MATCH cannot skip to {name}: the match begins there, it would be found again")).help(help))
            }
            Some(number) => Ok(number - 1),
        }
    }
}

fn too_many(pattern: &str) -> Error {
    Error::data(format!("the pattern ({pattern}) has more than {RUNS_MAX} partial matches of one key"))
        .help("let them end: add WITHIN, or make the pattern say in fewer ways which variable takes a row")
}

/// Lets the matches go.
pub fn release(table: &mut MatchTable, found: &[Found]) {
    found.iter().filter(|found| found.node != NO_NODE).for_each(|found| table.release(found.node));
}
