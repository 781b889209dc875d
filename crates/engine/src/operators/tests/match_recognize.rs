//! MATCH_RECOGNIZE against a matcher that tries all ways from every row, in a plain recursion over the whole sequence of a key.

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::harness::*;
use crate::aggregate::{AggFunction, AggSpec, bind};
use crate::operators::match_recognize::condition::{AggregateOf, Condition, Operand, Test};
use crate::operators::match_recognize::history::Locator;
use crate::operators::match_recognize::output::{OutputColumn, OutputValue};
use crate::operators::match_recognize::program::{Pattern, Program};
use crate::operators::match_recognize::{AfterMatch, MatchRecognize, MatchSpec};
use crate::operators::windows::TimeColumn;
use crate::state::ranked::SortColumn;

/// What a variable of the tests demands of a row.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Demand {
    Anything,
    Flag,
    AtLeast(i64),
    /// More than the last row that was matched, if there is one.
    Rising,
    /// Less than the last row that the variable matched, if there is one.
    Falling,
    /// More than the first row of the match, which must have a value.
    AboveFirst,
}

fn last(of: Option<u16>, offset: u32) -> Locator {
    Locator { of, first: false, offset }
}

impl Demand {
    fn condition(self, own: u16) -> Condition {
        let current = Operand::Column(last(None, 0), VALUE);
        let than = |locator, orders| Test::Compare(current.clone(), orders, Operand::Column(locator, VALUE));
        let or_first = |locator, orders| Test::Any(vec![Test::IsNull(locator, TIME), than(locator, orders)]);
        match self {
            Demand::Anything => Condition::Always,
            Demand::Flag => Condition::Column(FLAG),
            Demand::AtLeast(least) => Condition::Test(Test::Compare(current, [false, true, true], Operand::Int(least))),
            Demand::Rising => Condition::Test(or_first(last(None, 1), [false, false, true])),
            Demand::Falling => Condition::Test(or_first(last(Some(own), 1), [true, false, false])),
            Demand::AboveFirst => {
                let first = Locator { of: None, first: true, offset: 0 };
                Condition::Test(Test::All(vec![than(first, [false, false, true]), Test::Not(Box::new(Test::IsNull(first, VALUE)))]))
            }
        }
    }

    /// The same, said of plain rows.
    fn holds(self, own: u16, taken: &[(u16, &Row)], row: &Row) -> bool {
        let compare = |other: Option<&Row>, test: fn(&i64, &i64) -> bool| match other {
            None => true,
            Some(other) => row.value.zip(other.value).is_some_and(|(a, b)| test(&a, &b)),
        };
        match self {
            Demand::Anything => true,
            Demand::Flag => row.flag == Some(true),
            Demand::AtLeast(least) => row.value.is_some_and(|v| v >= least),
            Demand::Rising => compare(taken.last().map(|(_, r)| *r), |a, b| a > b),
            Demand::Falling => compare(taken.iter().rev().find(|(v, _)| *v == own).map(|(_, r)| *r), |a, b| a < b),
            Demand::AboveFirst => {
                let first = taken.first().map_or(row, |(_, r)| r);
                row.value.zip(first.value).is_some_and(|(a, b)| a > b)
            }
        }
    }
}

/// A part of a pattern: so often its own variable.
#[derive(Debug, Clone, Copy)]
struct Part {
    min: u32,
    max: Option<u32>,
    greedy: bool,
}

impl Part {
    fn pattern(self, variable: u16) -> Pattern {
        let own = Pattern::Variable(variable);
        match (self.min, self.max) {
            (1, Some(1)) => own,
            (min, max) => Pattern::Repeat { inner: Box::new(own), min, max, greedy: self.greedy },
        }
    }

    fn holds_back(self) -> bool {
        self.greedy && self.max != Some(self.min.max(1))
    }
}

#[derive(Debug, Clone)]
struct Question {
    parts: Vec<Part>,
    demands: Vec<Demand>,
    within: Option<i64>,
    after: AfterMatch,
}

/// What can become of a first row.
#[derive(Default)]
struct Ways {
    complete: Vec<Match>,
    /// With more rows there might be more.
    open: bool,
    /// The last row that was taken on any way.
    reach: usize,
}

/// For each row of a match, the variable and the row's place in the sequence.
type Match = Vec<(u16, usize)>;

impl Question {
    fn takes(&self, variable: u16, rows: &[Row], taken: &Match, at: usize) -> bool {
        let taken: Vec<(u16, &Row)> = taken.iter().map(|(v, at)| (*v, &rows[*at])).collect();
        self.demands[variable as usize].holds(variable, &taken, &rows[at])
    }

    /// All ways to match from here, having taken `count` rows for part `part`. `barred`: parts before it whose loop was left with
    /// the row in question, so that they must not be able to take it.
    fn ways(&self, rows: &[Row], taken: &Match, part: usize, count: u32, barred: &[u16], found: &mut Ways) {
        let at = taken[taken.len() - 1].1 + 1;
        found.reach = found.reach.max(at - 1);
        if part == self.parts.len() {
            found.complete.push(taken.clone());
            return;
        }
        let own = self.parts[part];
        // One more row for this part.
        let more = own.max.is_none_or(|max| count < max);
        found.open |= more && at == rows.len();
        if more && at < rows.len() && self.takes(part as u16, rows, taken, at) && barred.iter().all(|v| !self.takes(*v, rows, taken, at)) {
            let mut longer = taken.clone();
            longer.push((part as u16, at));
            self.ways(rows, &longer, part, count + 1, &[], found);
        }
        // Or on to the next part.
        if count >= own.min {
            let leaves = if own.holds_back() { vec![part as u16] } else { vec![] };
            let passes: Vec<u16> = if count == 0 { barred.iter().copied().chain(leaves).collect() } else { leaves };
            if part + 1 < self.parts.len() || self.may_end(rows, taken, &passes) {
                self.ways(rows, taken, part + 1, 0, &passes, found);
            }
        }
    }

    /// A match may end behind a row when what it left before could not have taken that row, seen from before it.
    fn may_end(&self, rows: &[Row], taken: &Match, barred: &[u16]) -> bool {
        let Some(((_, at), before)) = taken.split_last() else { return false };
        barred.iter().all(|v| !self.takes(*v, rows, &before.to_vec(), *at))
    }

    /// The matches of a sequence. From every row the match that is complete first counts; of several at once any, which the caller
    /// tells by `ambiguous`.
    ///
    /// None where a match waits for an earlier run while others of its own first row become complete: which of them is taken then
    /// is a matter of the queue.
    fn answer(&self, rows: &[Row], ambiguous: &mut bool) -> Option<Vec<Match>> {
        let mut matches = vec![];
        let mut from = 0;
        let mut reach = 0;
        while from < rows.len() {
            let mut ways = Ways::default();
            if self.takes(0, rows, &vec![], from) {
                self.ways(rows, &vec![(0, from)], 0, 1, &[], &mut ways);
            }
            let Ways { complete: mut ways, open, reach: own_reach } = ways;
            ways.retain(|way| self.within.is_none_or(|w| rows[way[way.len() - 1].1].time - rows[from].time < w));
            let shortest = ways.iter().map(Vec::len).min();
            if ways.len() > 1 && shortest.is_some_and(|shortest| reach >= from + shortest - 1) {
                return None;
            }
            ways.retain(|way| Some(way.len()) == shortest);
            *ambiguous |= ways.len() > 1;
            let Some(way) = ways.into_iter().next() else {
                if open && self.within.is_none() {
                    // What began later waits for this one for ever.
                    return Some(matches);
                }
                reach = reach.max(own_reach);
                from += 1;
                continue;
            };
            reach = reach.max(way[way.len() - 1].1);
            from = match self.after {
                AfterMatch::PastLastRow => way[way.len() - 1].1 + 1,
                _ => from + 1,
            };
            matches.push(way);
        }
        Some(matches)
    }
}

fn part() -> impl Strategy<Value = Part> {
    let times = prop_oneof![
        3 => Just((1, Some(1))),
        1 => Just((0, Some(1))),
        2 => Just((1, None)),
        2 => Just((0, None)),
        1 => (1..3u32).prop_map(|n| (n, Some(n))),
        1 => (0..2u32, 2..4u32).prop_map(|(n, m)| (n, Some(m))),
        1 => Just((2, None)),
    ];
    (times, any::<bool>()).prop_map(|((min, max), greedy)| Part { min, max, greedy: greedy || max == Some(1) })
}

fn demand() -> impl Strategy<Value = Demand> {
    prop_oneof![
        1 => Just(Demand::Anything),
        2 => Just(Demand::Flag),
        3 => (-2..3i64).prop_map(Demand::AtLeast),
        1 => Just(Demand::Rising),
        1 => Just(Demand::Falling),
        1 => Just(Demand::AboveFirst),
    ]
}

fn question() -> impl Strategy<Value = Question> {
    let after = prop_oneof![Just(AfterMatch::PastLastRow), Just(AfterMatch::ToNextRow)];
    let parts = prop::collection::vec((part(), demand()), 1..5);
    (parts, prop::option::of(1..15i64), after).prop_map(|(parts, within, after)| {
        let (mut parts, demands): (Vec<Part>, Vec<Demand>) = parts.into_iter().unzip();
        // What Flink refuses is not asked: an optional start, a greedy end, an optional part behind a greedy one.
        parts[0].min = parts[0].min.max(1);
        let end = parts.len() - 1;
        parts[end].greedy &= !parts[end].holds_back();
        for i in 1..parts.len() {
            let optional = parts[i].min == 0 && matches!(parts[i].max, None | Some(1));
            parts[i - 1].greedy &= !(optional && parts[i - 1].holds_back());
        }
        Question { parts, demands, within, after }
    })
}

/// A pattern with groups and alternations, each variable once. Variables are numbered when it is done.
fn nested() -> impl Strategy<Value = Pattern> {
    let leaf = part().prop_map(|part| part.pattern(0));
    let inner = leaf.prop_recursive(3, 8, 3, |inner| {
        let times = prop_oneof![Just((1, None)), Just((0, None)), Just((0, Some(1))), Just((1, Some(2))), Just((2, Some(3)))];
        // In brackets, so that a variable does not get two quantifiers.
        let group = (prop::collection::vec(inner.clone(), 1..3), times, any::<bool>()).prop_map(|(mut parts, (min, max), greedy)| {
            if parts.iter().all(|part| firsts(part).1) {
                parts.push(Pattern::Variable(0));
            }
            Pattern::Repeat { inner: Box::new(Pattern::Concat(parts)), min, max, greedy }
        });
        prop_oneof![
            3 => prop::collection::vec(inner.clone(), 1..4).prop_map(Pattern::Concat),
            1 => prop::collection::vec(inner, 2..4).prop_map(Pattern::Alternation),
            1 => group,
        ]
    });
    inner.prop_map(|mut pattern| {
        let mut next = 0;
        number(&mut pattern, &mut next);
        // A variable of its own at the end, so that the end is never greedy.
        Pattern::Concat(vec![pattern, Pattern::Variable(next)])
    })
}

fn number(pattern: &mut Pattern, next: &mut u16) {
    match pattern {
        Pattern::Variable(v) => {
            *v = *next;
            *next += 1;
        }
        Pattern::Concat(parts) | Pattern::Alternation(parts) => parts.iter_mut().for_each(|part| number(part, next)),
        Pattern::Repeat { inner, .. } => number(inner, next),
    }
}

/// Variables that can take the first row of a pattern, and whether it can do without a row.
fn firsts(pattern: &Pattern) -> (Vec<u16>, bool) {
    match pattern {
        Pattern::Variable(v) => (vec![*v], false),
        Pattern::Alternation(ways) => ways.iter().map(firsts).fold((vec![], false), |(a, x), (b, y)| ([a, b].concat(), x || y)),
        Pattern::Repeat { inner, min, .. } => (firsts(inner).0, *min == 0 || firsts(inner).1),
        Pattern::Concat(parts) => {
            let (mut all, mut empty) = (vec![], true);
            for part in parts.iter().map(firsts) {
                all.extend(if empty { part.0 } else { vec![] });
                empty &= part.1;
            }
            (all, empty)
        }
    }
}

/// Tries all ways through a nested pattern; `then` goes on behind it. `barred` variables must not be able to take the next row.
struct Trial<'a> {
    question: &'a Question,
    rows: &'a [Row],
    from: usize,
}

type Then<'t> = &'t mut dyn FnMut(&Match, &[u16]);

impl Trial<'_> {
    fn go(&self, pattern: &Pattern, taken: &Match, barred: &[u16], then: Then<'_>) {
        match pattern {
            Pattern::Variable(v) => {
                let at = self.from + taken.len();
                let takes = |v: u16| self.question.takes(v, self.rows, taken, at);
                if at < self.rows.len() && takes(*v) && !barred.iter().any(|v| takes(*v)) {
                    then(&[taken.clone(), vec![(*v, at)]].concat(), &[]);
                }
            }
            Pattern::Concat(parts) => match parts.split_first() {
                None => then(taken, barred),
                Some((first, rest)) => {
                    let rest = Pattern::Concat(rest.to_vec());
                    self.go(first, taken, barred, &mut |taken, barred| self.go(&rest, taken, barred, then));
                }
            },
            Pattern::Alternation(ways) => ways.iter().for_each(|way| self.go(way, taken, barred, then)),
            Pattern::Repeat { inner, min, max, greedy } => self.again(inner, (*min, *max, *greedy), 0, taken, barred, then),
        }
    }

    fn again(&self, inner: &Pattern, times: (u32, Option<u32>, bool), count: u32, taken: &Match, barred: &[u16], then: Then<'_>) {
        let (min, max, greedy) = times;
        let more = max.is_none_or(|max| count < max);
        if more {
            let so_far = taken.len();
            self.go(inner, taken, barred, &mut |taken, barred| {
                if taken.len() > so_far || count < min {
                    self.again(inner, times, count + 1, taken, barred, then);
                }
            });
        }
        if count >= min {
            let own = match inner {
                Pattern::Variable(v) if greedy && max != Some(min.max(1)) => vec![*v],
                Pattern::Variable(_) => vec![],
                group if greedy && max != Some(min) && max != Some(1) && more => firsts(group).0,
                _ => vec![],
            };
            then(taken, &[barred, &own].concat());
        }
    }
}

fn result_schema_of(keys: &[usize]) -> SchemaRef {
    let mut fields: Vec<Field> = keys.iter().map(|k| schema().field(*k).clone()).collect();
    let more = [("n", DataType::Int64), ("total", DataType::Int64), ("first", timestamp()), ("last", timestamp())];
    fields.extend(more.map(|(name, t)| Field::new(name, t, true)));
    Arc::new(Schema::new(fields))
}

fn sum() -> AggregateOf {
    let spec =
        AggSpec { function: AggFunction::Sum, args: vec![DataType::Int64], output: DataType::Int64, distinct: false, retract: false };
    AggregateOf { function: bind(&spec).unwrap(), args: vec![VALUE] }
}

fn count() -> AggregateOf {
    let spec = AggSpec { function: AggFunction::Count, args: vec![], output: DataType::Int64, distinct: false, retract: false };
    AggregateOf { function: bind(&spec).unwrap(), args: vec![] }
}

/// Keys, how many rows the first variable took, the sum over all rows, times of the first and the last row.
fn spec(question: &Question, keys: &[usize], order: Vec<SortColumn>) -> MatchSpec {
    let parts = question.parts.iter().enumerate().map(|(v, part)| part.pattern(v as u16)).collect();
    spec_of(&Pattern::Concat(parts), question, keys, order)
}

fn spec_of(pattern: &Pattern, question: &Question, keys: &[usize], order: Vec<SortColumn>) -> MatchSpec {
    let first = Locator { of: None, first: true, offset: 0 };
    let mut output: Vec<OutputValue> = keys.iter().map(|k| OutputValue::Column(first, *k)).collect();
    output.extend([
        OutputValue::Aggregate(Some(0), count()),
        OutputValue::Aggregate(None, sum()),
        OutputValue::Column(first, TIME),
        OutputValue::Column(last(None, 0), TIME),
    ]);
    MatchSpec {
        input: schema(),
        partition: keys.to_vec(),
        time: TimeColumn::Event(TIME),
        order,
        sorted: false,
        program: Program::compile(pattern).unwrap(),
        pattern_text: format!("{pattern:?}"),
        conditions: question.demands.iter().enumerate().map(|(v, demand)| demand.condition(v as u16)).collect(),
        names: question.demands.iter().map(|d| format!("{d:?}")).collect(),
        within_ms: question.within,
        timed_out: false,
        after_match: question.after,
        all_rows: false,
        output: output.into_iter().map(|value| OutputColumn { value, whole: false }).collect(),
        numbered: false,
        schema: result_schema_of(keys),
    }
}

fn shown(keys: &[usize], rows: &[Row], found: &Match) -> String {
    let some = |v: Option<i64>| v.map_or("-".to_string(), |v| v.to_string());
    let (first, end) = (&rows[found[0].1], &rows[found[found.len() - 1].1]);
    let values: Vec<i64> = found.iter().filter_map(|(_, at)| rows[*at].value).collect();
    let mut cells = key_text(first, keys);
    cells.push(found.iter().filter(|(v, _)| *v == 0).count().to_string());
    cells.push(some((!values.is_empty()).then(|| values.iter().sum())));
    cells.extend([first.time.to_string(), end.time.to_string()]);
    cells.join("|")
}

/// Rows without the column that depends on which of two ways of the same length was taken.
fn without_count(rows: BTreeMap<String, i64>, column: usize) -> BTreeMap<String, i64> {
    let mut rest = BTreeMap::new();
    for (row, count) in rows {
        let mut cells: Vec<&str> = row.split('|').collect();
        cells.remove(column);
        *rest.entry(cells.join("|")).or_default() += count;
    }
    rest
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn matches_are_those_of_trying_all_ways(
        question in question(),
        steps in steps(12, 0..50),
        layout in 0..3usize,
        by_value in any::<bool>(),
    ) {
        let keys = LAYOUTS[layout];
        let order = if by_value { vec![SortColumn { column: VALUE, descending: true, nulls_first: false }] } else { vec![] };
        let own = spec(&question, keys, order);
        let mut fleet = Fleet::new(keys, move || MatchRecognize::new(own.clone()));
        let mut sequences: BTreeMap<Vec<String>, Vec<Row>> = BTreeMap::new();
        let mut late = 0;
        let mut got: BTreeMap<String, i64> = BTreeMap::new();
        let rest = Step { rows: vec![], cuts: vec![], advance: 0, workers: 2 };
        for (step, tick) in steps.iter().chain([&rest]).zip(ticks(&steps, 0)) {
            for row in &step.rows {
                match row.time > tick.watermark_before {
                    true => sequences.entry(key_text(row, keys)).or_default().push(row.clone()),
                    false => late += 1,
                }
            }
            fleet.restart(step.workers);
            let given = fleet.step(&tick, &batches(&step.rows, &step.cuts));
            late -= given.late;
            given.changes().into_iter().for_each(|(_, row)| *got.entry(row).or_default() += 1);
        }
        let (mut expected, mut ambiguous): (BTreeMap<String, i64>, bool) = (BTreeMap::new(), false);
        for rows in sequences.values_mut() {
            // Sorting is stable: rows of the same time stay as they came. NULL is the smallest value.
            rows.sort_by(|a, b| a.time.cmp(&b.time).then(if by_value { b.value.cmp(&a.value) } else { std::cmp::Ordering::Equal }));
            let Some(answer) = question.answer(rows, &mut ambiguous) else { return Ok(()) };
            for found in answer {
                *expected.entry(shown(keys, rows, &found)).or_default() += 1;
            }
        }
        prop_assert_eq!(late, 0);
        match ambiguous {
            false => prop_assert_eq!(got, expected),
            true => prop_assert_eq!(without_count(got, keys.len()), without_count(expected, keys.len())),
        }
        if question.within.is_some() {
            prop_assert_eq!(fleet.state_rows(), 0);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    /// Groups and alternations, over conditions that look at one row. Which of several ways of a length is taken is left open.
    #[test]
    fn nested_patterns_match_where_some_way_does(pattern in nested(), within in 1..12i64, steps in steps(4, 0..40), dice in any::<u64>()) {
        let demands = (0..64).map(|i| match dice.rotate_right(3 * i) & 7 {
            0 => Demand::Anything,
            1 | 2 => Demand::Flag,
            3 => Demand::Rising,
            least => Demand::AtLeast(least as i64 - 5),
        });
        let question = Question { parts: vec![], demands: demands.collect(), within: Some(within), after: AfterMatch::ToNextRow };
        let own = spec_of(&pattern, &question, &[], vec![]);
        prop_assume!(!own.program.matches_nothing);
        let mut fleet = Fleet::new(&[], move || MatchRecognize::new(own.clone()));
        let mut rows: Vec<Row> = vec![];
        let mut got: BTreeMap<String, i64> = BTreeMap::new();
        let rest = Step { rows: vec![], cuts: vec![], advance: 0, workers: 1 };
        for (step, tick) in steps.iter().chain([&rest]).zip(ticks(&steps, 0)) {
            rows.extend(step.rows.iter().filter(|row| row.time > tick.watermark_before).cloned());
            fleet.restart(step.workers);
            let given = fleet.step(&tick, &batches(&step.rows, &step.cuts));
            given.changes().into_iter().for_each(|(_, row)| *got.entry(row).or_default() += 1);
        }
        rows.sort_by_key(|row| row.time);
        let mut expected: BTreeMap<String, i64> = BTreeMap::new();
        for from in 0..rows.len() {
            let mut shortest: Option<Match> = None;
            Trial { question: &question, rows: &rows, from }.go(&pattern, &vec![], &[], &mut |found, _| {
                let in_time = rows[from + found.len() - 1].time - rows[from].time < within;
                if in_time && shortest.as_ref().is_none_or(|known| found.len() < known.len()) {
                    shortest = Some(found.clone());
                }
            });
            if let Some(found) = shortest {
                *expected.entry(shown(&[], &rows, &found)).or_default() += 1;
            }
        }
        // Of a match that waits for an earlier run, a longer way may be taken: only where matches begin is compared.
        let starts = |rows: BTreeMap<String, i64>| without_count(without_count(without_count(rows, 3), 1), 0);
        prop_assert_eq!(starts(got), starts(expected));
        prop_assert_eq!(fleet.state_rows(), 0);
    }
}

/// Rows that no run needs any more leave, also without an end of time.
#[test]
fn state_stays_flat_over_a_long_run() {
    let part = |min, max, greedy| Part { min, max, greedy };
    let question = Question {
        parts: vec![part(1, Some(1), true), part(0, None, false), part(1, Some(1), true)],
        demands: vec![Demand::Anything, Demand::Falling, Demand::AtLeast(2)],
        within: Some(20),
        after: AfterMatch::PastLastRow,
    };
    let own = spec(&question, &[NUMBER], vec![]);
    let mut fleet = Fleet::new(&[NUMBER], move || MatchRecognize::new(own.clone()));
    let mut most = 0;
    for number in 0..2_000_i64 {
        let row = |i: i64| {
            let value = Some((i * 7 + number * 3) % 5 - 2);
            Row { number: Some((i + number) % 50), name: None, value, time: number * 10 + i % 10, flag: None, adds: true }
        };
        let rows: Vec<Row> = (0..20).map(row).collect();
        let (before, watermark) = ((number - 1) * 10, number * 10);
        let tick =
            crate::operator::Tick { number: number as u64, watermark_before: before, watermark, now_ms: 0, now_before_ms: 0, last: false };
        fleet.step(&tick, &[batch(&rows)]);
        most = most.max(fleet.state_rows());
    }
    assert!(most < 200, "{most} rows are kept");
}
