//! A query that was changed: which of its parts go on with the state that a checkpoint has of them.
//!
//! A *part* is what a checkpoint holds something of: a source with its positions, an operator with state tables, a sink with its progress.
//! Parts are told apart by what they compute of which input, not by their place in the query. So whatever is above an operator can change, and
//! its state stays right; whatever is below it cannot.

use std::collections::{HashMap, HashSet};

/// What a part is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartKind {
    /// Positions.
    Source,
    /// State tables.
    Operator,
    /// What was written.
    Sink,
}

/// A part of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// What it is.
    pub kind: PartKind,
    /// The same for whatever computes the same of the same input.
    pub identity: String,
    /// For people: the step, in a few words.
    pub title: String,
    /// Places, among the query's parts, of the sources that its rows come from.
    pub sources: Vec<usize>,
    /// Where the rows of a source or a sink lie, such as topics. One that lies in another place is another; more places may be added.
    pub places: Vec<String>,
    /// Identifies the rows that a sink is given.
    pub input: String,
    /// A sink is given changes of rows that it has.
    pub updating: bool,
    /// Columns of the state's keys, and rows, by input, as far as they have names.
    pub columns: Columns,
}

impl Part {
    /// For people: the step, and where its rows lie.
    pub fn shown(&self) -> String {
        if self.places.is_empty() { self.title.clone() } else { format!("{} ({})", self.title, self.places.join(", ")) }
    }

    /// What is lost where the new query has no use for the part, said behind its name.
    pub fn loss(&self) -> &'static str {
        match self.kind {
            PartKind::Source => "is read no more: its positions would be dropped",
            PartKind::Operator => "is of the old query and has no place in the new one: its state would be dropped",
            PartKind::Sink => "is written no more: what it has not shown yet would be dropped",
        }
    }
}

/// Names of columns in state tables.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Columns {
    /// Of the key.
    pub keys: Vec<String>,
    /// Of whole rows, by input.
    pub rows: Vec<Vec<String>>,
}

/// What becomes of a part of the new query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It goes on where the part at this place of the old query was.
    Kept(usize),
    /// It is new, and so is all its input: it begins at the beginning.
    New,
    /// A sink that is new and is given new rows only: those that come from now on.
    FromNow,
    /// It would lack what came before. It is refused unless that is wanted.
    Lacking,
}

/// What becomes of all parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Of each part of the new query.
    pub fates: Vec<Fate>,
    /// Parts of the old query that the new one has no use for.
    pub dropped: Vec<usize>,
    /// Sinks of the new query that go on, but with rows that are computed in another way.
    pub altered: Vec<usize>,
}

/// Identities, of which equal ones are numbered: parts that are equal take each other's place in order.
fn numbered(parts: &[Part]) -> Vec<(PartKind, &str, usize)> {
    let mut seen: HashMap<(u8, &str), usize> = HashMap::new();
    let mut numbered = vec![];
    for Part { kind, identity, .. } in parts {
        let count = seen.entry((*kind as u8, identity)).or_default();
        *count += 1;
        numbered.push((*kind, identity.as_str(), *count));
    }
    numbered
}

impl Change {
    /// Compares the parts of two queries.
    pub fn between(old: &[Part], new: &[Part]) -> Self {
        let known = numbered(old);
        let lies_there = |old: &Part, new: &Part| old.places.iter().all(|place| new.places.contains(place));
        let place =
            |(id, part): (&(PartKind, &str, usize), &Part)| known.iter().position(|k| k == id).filter(|at| lies_there(&old[*at], part));
        let kept: Vec<Option<usize>> = numbered(new).iter().zip(new).map(place).collect();
        let goes_on = |part: &Part| part.sources.iter().any(|source| kept[*source].is_some());
        let fate = |(part, kept): (&Part, &Option<usize>)| match (kept, part.kind) {
            (Some(old), _) => Fate::Kept(*old),
            (None, PartKind::Sink) if goes_on(part) && !part.updating => Fate::FromNow,
            (None, PartKind::Source) => Fate::New,
            (None, _) if goes_on(part) => Fate::Lacking,
            (None, _) => Fate::New,
        };
        let fates = new.iter().zip(&kept).map(fate).collect();
        let used: HashSet<usize> = kept.iter().flatten().copied().collect();
        let altered = |at: &usize| kept[*at].is_some_and(|before| new[*at].kind == PartKind::Sink && old[before].input != new[*at].input);
        Self { fates, dropped: (0..old.len()).filter(|at| !used.contains(at)).collect(), altered: (0..new.len()).filter(altered).collect() }
    }

    /// Whether anything would be lost or lacking: the job is not started so unless that is wanted.
    pub fn is_refused(&self) -> bool {
        !self.dropped.is_empty() || self.fates.contains(&Fate::Lacking)
    }

    /// Whether each part goes on and each sink is given what it was.
    pub fn is_none(&self) -> bool {
        self.dropped.is_empty() && self.altered.is_empty() && self.fates.iter().all(|fate| matches!(fate, Fate::Kept(_)))
    }

    /// What the new query's part takes the place of, by the place in the old query.
    pub fn successors(&self) -> HashMap<usize, usize> {
        let pair = |(new, fate): (usize, &Fate)| if let Fate::Kept(old) = fate { Some((*old, new)) } else { None };
        self.fates.iter().enumerate().filter_map(pair).collect()
    }

    /// What is wrong with a part of the new query that would lack rows, said behind its name.
    pub fn lack(&self, old: &[Part], part: &Part) -> &'static str {
        // It does what one did that is dropped: it is the input that was changed.
        let same_step = || self.dropped.iter().any(|at| old[*at].title == part.title);
        match part.kind {
            PartKind::Sink => "is new, and would lack the rows that were told before",
            PartKind::Operator if same_step() => {
                "has other input, since a step before it was changed, and would lack the rows that were read before"
            }
            _ => "is new or was changed, and would lack the rows that were read before",
        }
    }

    /// What happens, in a sentence.
    pub fn summary(&self, old: &[Part], new: &[Part]) -> String {
        let count = |wanted: fn(&Fate) -> bool| self.fates.iter().filter(|fate| wanted(fate)).count();
        let kept = count(|fate| matches!(fate, Fate::Kept(_)));
        let mut all = vec![format!("{kept} of its {} parts {} on", new.len(), if kept == 1 { "goes" } else { "go" })];
        let titles = |wanted: &dyn Fn(usize) -> bool| {
            let titles: Vec<&str> = (0..new.len()).filter(|at| wanted(*at)).map(|at| new[at].title.as_str()).collect();
            titles.join(", ")
        };
        let mut tell = |text: String, what: &str| {
            if !text.is_empty() {
                all.push(format!("{what}: {text}"))
            }
        };
        tell(titles(&|at| matches!(self.fates[at], Fate::New | Fate::FromNow)), "new");
        tell(titles(&|at| self.fates[at] == Fate::Lacking), "begun empty in the middle of the input");
        tell(titles(&|at| self.altered.contains(&at)), "given rows that are computed in another way");
        tell(self.dropped.iter().map(|at| old[*at].title.as_str()).collect::<Vec<_>>().join(", "), "dropped");
        all.join("; ")
    }

    /// What stands in the way, part by part, for people.
    pub fn objections(&self, old: &[Part], new: &[Part]) -> Vec<String> {
        let lacking = self.fates.iter().zip(new).filter(|(fate, _)| **fate == Fate::Lacking);
        let lacking = lacking.map(|(_, part)| format!("{} {}", part.shown(), self.lack(old, part)));
        let dropped = self.dropped.iter().map(|at| format!("{} {}", old[*at].shown(), old[*at].loss()));
        lacking.chain(dropped).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(kind: PartKind, identity: &str, sources: &[usize]) -> Part {
        let (identity, title) = (identity.to_string(), identity.to_string());
        let columns = Columns::default();
        Part { kind, identity, title, sources: sources.to_vec(), places: vec![], input: String::new(), updating: false, columns }
    }

    #[test]
    fn parts_go_on_wherever_they_stand() {
        use PartKind::*;
        let old = [part(Source, "a", &[]), part(Operator, "count a", &[0]), part(Sink, "out", &[0])];
        let mut new =
            vec![part(Source, "b", &[]), part(Source, "a", &[]), part(Operator, "count b", &[0]), part(Operator, "count a", &[1])];
        new.push(part(Sink, "other", &[0]));
        new.push(part(Sink, "out", &[1]));
        let change = Change::between(&old, &new);
        assert_eq!(change.fates, [Fate::New, Fate::Kept(0), Fate::New, Fate::Kept(1), Fate::New, Fate::Kept(2)]);
        assert!(!change.is_refused() && !change.is_none() && Change::between(&old, &old).is_none());
        new[5].input = "another filter".into();
        assert_eq!(Change::between(&old, &new).altered, [5]);
    }

    #[test]
    fn positions_in_another_place_mean_nothing() {
        let at = |places: &[&str]| Part { places: places.iter().map(ToString::to_string).collect(), ..part(PartKind::Source, "t", &[]) };
        let (one, both, other) = (at(&["topic a"]), at(&["topic a", "topic b"]), at(&["topic b"]));
        let fates = |old: &Part, new: &Part| Change::between(std::slice::from_ref(old), std::slice::from_ref(new));
        assert_eq!(fates(&one, &both).fates, [Fate::Kept(0)]);
        for (old, new) in [(&one, &other), (&both, &one)] {
            let change = fates(old, new);
            assert_eq!((&change.fates[..], &change.dropped[..]), (&[Fate::New][..], &[0][..]));
            assert!(change.is_refused());
        }
        let objections = fates(&both, &one).objections(&[both], &[one]);
        assert_eq!(objections, ["t (topic a, topic b) is read no more: its positions would be dropped"]);
    }

    #[test]
    fn what_would_lack_rows_is_refused() {
        use PartKind::*;
        let old = [part(Source, "a", &[]), part(Operator, "count a", &[0])];
        let mut new = vec![part(Source, "a", &[]), part(Operator, "sum a", &[0]), part(Sink, "out", &[0])];
        let change = Change::between(&old, &new);
        assert_eq!((change.fates.clone(), change.dropped.clone()), (vec![Fate::Kept(0), Fate::Lacking, Fate::FromNow], vec![1]));
        assert_eq!(change.objections(&old, &new).len(), 2);
        new[2].updating = true;
        assert_eq!(Change::between(&old, &new).fates[2], Fate::Lacking);
    }

    #[test]
    fn equal_parts_are_taken_in_order() {
        let twice = [part(PartKind::Source, "v", &[]), part(PartKind::Source, "v", &[])];
        assert_eq!(Change::between(&twice, &twice).fates, [Fate::Kept(0), Fate::Kept(1)]);
        assert_eq!(Change::between(&twice, &twice[..1]).dropped, [1]);
        assert_eq!(Change::between(&twice[..1], &twice).fates, [Fate::Kept(0), Fate::New]);
    }
}
