//! The pattern as a program: a small automaton whose states know which variables may take the next row.
//!
//! The semantics are those of Flink's CEP library under strict contiguity. A greedy loop does not look for the longest match: it
//! forbids what follows the loop to take a row that the loop could take. All runs advance with every row, and the first one to be
//! complete is the match.

use std::collections::HashSet;

use crate::{Error, Result};

/// A pattern over variables, which are numbers.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Pattern {
    /// One row.
    Variable(u16),
    /// One after the other.
    Concat(Vec<Pattern>),
    /// One of them.
    Alternation(Vec<Pattern>),
    /// Several times.
    Repeat {
        /// What.
        inner: Box<Pattern>,
        /// At least so often.
        min: u32,
        /// At most so often.
        max: Option<u32>,
        /// As often as it goes.
        greedy: bool,
    },
}

/// Variables of which none may take the row.
type Guards = Vec<u16>;

/// A way on from a state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// The variable that takes the row.
    pub variable: u16,
    /// Unless one of these could take it.
    pub unless: Guards,
    /// The state after it; `None`: the match is complete and nothing can follow.
    pub target: Option<u32>,
    /// The match is also complete as it is when none of the variables of one of these lists could take the row.
    pub complete: Vec<Guards>,
}

/// The automaton. A run begins in state 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    states: Vec<Vec<Move>>,
    /// The pattern can match no row at all.
    pub matches_nothing: bool,
}

/// States that a pattern may have, which bounds what `(A{1000}){1000}` can ask for.
const STATES_MAX: usize = 10_000;

#[derive(Debug, Clone)]
enum Step {
    Take(u16),
    Proceed,
}

#[derive(Debug, Clone)]
struct Edge {
    step: Step,
    to: usize,
    unless: Guards,
}

/// The automaton while it is built, from the end to the beginning. Edges of a state are tried in order, those it proceeds to after
/// its own and the last one first.
#[derive(Default)]
struct Builder {
    states: Vec<Vec<Edge>>,
}

const END: usize = 0;

impl Builder {
    fn state(&mut self, edges: Vec<Edge>) -> Result<usize> {
        if self.states.len() >= STATES_MAX {
            return Err(Error::config(format!("the pattern needs more than {STATES_MAX} states")).help("use smaller numbers in {n,m}"));
        }
        self.states.push(edges);
        Ok(self.states.len() - 1)
    }

    fn build(&mut self, pattern: &Pattern, sink: usize) -> Result<usize> {
        match pattern {
            Pattern::Variable(v) => self.state(vec![take(*v, sink)]),
            Pattern::Concat(parts) => parts.iter().rev().try_fold(sink, |sink, part| self.build(part, sink)),
            Pattern::Alternation(ways) => {
                let firsts = ways.iter().map(|way| self.apart(way, sink)).collect::<Result<Vec<_>>>()?;
                self.state(firsts.into_iter().rev().map(proceed).collect())
            }
            Pattern::Repeat { inner, min, max, greedy } => match inner.as_ref() {
                Pattern::Variable(v) => self.variable_times(*v, *min, *max, *greedy, sink),
                group => self.group_times(group, *min, *max, *greedy, sink),
            },
        }
    }

    /// Builds a pattern that is not the only way to the sink: guards that it asks for must not stand in the way of the others.
    fn apart(&mut self, pattern: &Pattern, sink: usize) -> Result<usize> {
        let relay = self.state(vec![proceed(sink)])?;
        self.build(pattern, relay)
    }

    /// Adds guards to all ways on from a state.
    fn guard(&mut self, state: usize, variables: &[u16]) {
        self.states[state].iter_mut().for_each(|edge| edge.unless.extend(variables));
    }

    fn variable_times(&mut self, v: u16, min: u32, max: Option<u32>, greedy: bool, sink: usize) -> Result<usize> {
        let from = min.max(1);
        // A single optional row is not greedy to Flink.
        if greedy && max != Some(from) {
            self.guard(sink, &[v]);
        }
        let mut last = match max {
            Some(_) => sink,
            None => {
                let looping = self.state(vec![proceed(sink)])?;
                self.states[looping].push(take(v, looping));
                looping
            }
        };
        for _ in from..max.unwrap_or(from) {
            last = self.state(vec![take(v, last), proceed(sink)])?;
        }
        for _ in 1..from {
            last = self.state(vec![take(v, last)])?;
        }
        let optional = (min == 0).then(|| proceed(sink));
        self.state(std::iter::once(take(v, last)).chain(optional).collect())
    }

    /// Not in Flink: what follows a greedy group is forbidden to take a row that could begin the group anew.
    fn group_times(&mut self, group: &Pattern, min: u32, max: Option<u32>, greedy: bool, sink: usize) -> Result<usize> {
        if first_variables(group).1 {
            let error = Error::config("a group that can match without any row cannot have a quantifier");
            return Err(error.help("let one of its variables take at least one row"));
        }
        // As with variables: what may be there once is not greedy.
        let unless = if greedy && max != Some(min) && max != Some(1) { first_variables(group).0 } else { vec![] };
        let exit = Edge { unless, ..proceed(sink) };
        let mut last = match max {
            Some(_) => sink,
            None => {
                let looping = self.state(vec![exit.clone()])?;
                let again = self.apart(group, looping)?;
                self.states[looping].push(proceed(again));
                looping
            }
        };
        for _ in min..max.unwrap_or(min) {
            let once_more = self.apart(group, last)?;
            last = self.state(vec![exit.clone(), proceed(once_more)])?;
        }
        for _ in 0..min {
            last = self.apart(group, last)?;
        }
        Ok(last)
    }

    /// All states reached without a row, in the order in which their edges are tried, with the guards on the way.
    fn reached(&self, from: usize) -> Vec<(usize, Guards)> {
        let mut seen = HashSet::new();
        let mut stack = vec![(from, vec![])];
        let mut reached = vec![];
        while let Some((state, guards)) = stack.pop() {
            if !seen.insert((state, guards.clone())) {
                continue;
            }
            for edge in self.states[state].iter().filter(|e| matches!(e.step, Step::Proceed)) {
                stack.push((edge.to, union(&guards, &edge.unless)));
            }
            reached.push((state, guards));
        }
        reached
    }
}

fn take(variable: u16, to: usize) -> Edge {
    Edge { step: Step::Take(variable), to, unless: vec![] }
}

fn proceed(to: usize) -> Edge {
    Edge { step: Step::Proceed, to, unless: vec![] }
}

fn union(a: &[u16], b: &[u16]) -> Guards {
    let mut all: Guards = a.iter().chain(b).copied().collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// Variables that can take the first row of a pattern, and whether it can do without any.
fn first_variables(pattern: &Pattern) -> (Guards, bool) {
    match pattern {
        Pattern::Variable(v) => (vec![*v], false),
        Pattern::Concat(parts) => {
            let mut all = vec![];
            for part in parts {
                let (variables, empty) = first_variables(part);
                all = union(&all, &variables);
                if !empty {
                    return (all, false);
                }
            }
            (all, true)
        }
        Pattern::Alternation(ways) => {
            ways.iter().map(first_variables).fold((vec![], false), |(all, any), (variables, empty)| (union(&all, &variables), any || empty))
        }
        Pattern::Repeat { inner, min, .. } => {
            let (variables, empty) = first_variables(inner);
            (variables, empty || *min == 0)
        }
    }
}

impl Program {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// When it would be too large.
    pub fn compile(pattern: &Pattern) -> Result<Self> {
        let mut builder = Builder { states: vec![vec![]] };
        let start = builder.build(pattern, END)?;
        let mut numbers = vec![start];
        let mut states = vec![];
        while let Some(state) = numbers.get(states.len()).copied() {
            let mut moves = vec![];
            for (state, guards) in builder.reached(state) {
                for edge in &builder.states[state] {
                    let Step::Take(variable) = edge.step else { continue };
                    let number = numbers.iter().position(|n| *n == edge.to).unwrap_or(numbers.len());
                    if edge.to != END && number == numbers.len() {
                        numbers.push(edge.to);
                    }
                    let ends = if edge.to == END { vec![] } else { builder.reached(edge.to) };
                    moves.push(Move {
                        variable,
                        unless: union(&guards, &edge.unless),
                        target: (edge.to != END).then_some(number as u32),
                        complete: ends.into_iter().filter(|(state, _)| *state == END).map(|(_, guards)| guards).collect(),
                    });
                }
            }
            states.push(moves);
        }
        let matches_nothing = builder.reached(start).iter().any(|(state, _)| *state == END);
        Ok(Self { states, matches_nothing })
    }

    /// The ways on from a state, in the order in which they are tried.
    pub fn moves(&self, state: u32) -> &[Move] {
        &self.states[state as usize]
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn repeat(v: u16, min: u32, max: Option<u32>, greedy: bool) -> Pattern {
        Pattern::Repeat { inner: Box::new(Pattern::Variable(v)), min, max, greedy }
    }

    fn moves(program: &Program, state: u32) -> Vec<(u16, Guards, Option<u32>, bool)> {
        program.moves(state).iter().map(|m| (m.variable, m.unless.clone(), m.target, !m.complete.is_empty())).collect()
    }

    #[test]
    fn a_greedy_loop_keeps_its_rows_from_what_follows() {
        let program = Program::compile(&Pattern::Concat(vec![repeat(0, 1, None, true), Pattern::Variable(1)])).unwrap();
        assert_eq!(moves(&program, 0), [(0, vec![], Some(1), false)]);
        assert_eq!(moves(&program, 1), [(0, vec![], Some(1), false), (1, vec![0], None, false)]);
    }

    #[test]
    fn a_reluctant_loop_at_the_end_is_complete_at_once() {
        let program = Program::compile(&Pattern::Concat(vec![Pattern::Variable(0), repeat(1, 0, None, false)])).unwrap();
        assert_eq!(moves(&program, 0), [(0, vec![], Some(1), true)]);
        assert!(!program.matches_nothing);
        assert!(Program::compile(&repeat(1, 0, None, false)).unwrap().matches_nothing);
    }

    #[test]
    fn a_group_that_may_be_empty_has_no_quantifier() {
        let group = Pattern::Concat(vec![repeat(0, 0, None, true), repeat(1, 0, Some(1), true)]);
        let twice = Pattern::Repeat { inner: Box::new(group), min: 2, max: None, greedy: false };
        assert!(Program::compile(&twice).unwrap_err().to_string().contains("without any row"));
    }

    #[test]
    fn size_is_bounded() {
        let large = Pattern::Repeat { inner: Box::new(repeat(0, 1000, Some(1000), true)), min: 1000, max: Some(1000), greedy: true };
        assert!(Program::compile(&large).is_err());
    }
}
