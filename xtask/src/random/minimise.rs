//! Shrinks expressions that differ until nothing smaller does.

use std::collections::BTreeMap;

use super::engines::{Engines, Kind};
use super::grammar::Grammar;
use super::tree::{Tree, shape};
use crate::Result;

/// Most smaller expressions of one that are asked in a round.
const CANDIDATES_MAX: usize = 40;

/// An expression whose answers differ.
#[derive(Debug, Clone)]
pub struct Find {
    pub tree: Tree,
    pub kind: Kind,
    /// Nothing smaller differs in the same way.
    pub minimal: bool,
}

/// The differing ones of these expressions, one of each form, as small as they get in so many rounds. All the expressions of a round are
/// asked at once.
///
/// # Errors
/// When one of the engines is gone.
pub fn minimised(engines: &mut Engines, grammar: &Grammar, trees: &[Tree], rounds: usize) -> Result<Vec<Find>> {
    engines.ask(trees.iter().map(Tree::sql))?;
    let differing: Vec<&Tree> = trees.iter().filter(|tree| engines.difference(&tree.sql()).is_some()).collect();
    let share = engines.failures() * 100 / trees.len().max(1);
    eprintln!("{} of {} expressions differ; Flink refuses {share} % or fails", differing.len(), trees.len());
    // What is within an expression shows where its difference comes from, whatever it looks like further out.
    engines.ask(differing.iter().flat_map(|tree| tree.descendants()).map(Tree::sql))?;
    let mut finds: Vec<Find> = differing.iter().filter_map(|tree| innermost(engines, tree)).collect();
    for round in 1..=rounds {
        finds = one_of_each_form(finds);
        let candidates: Vec<Vec<Tree>> = finds.iter().map(|find| candidates(grammar, find)).collect();
        eprintln!("round {round}: {} forms, {} expressions to ask", finds.len(), candidates.iter().map(Vec::len).sum::<usize>());
        engines.ask(candidates.iter().flatten().map(Tree::sql))?;
        for (find, candidates) in finds.iter_mut().zip(candidates) {
            let kind = find.kind;
            let same = |tree: &Tree| engines.difference(&tree.sql()).is_some_and(|(k, ..)| k == kind);
            match candidates.into_iter().find(same) {
                Some(tree) => find.tree = tree,
                None => find.minimal = true,
            }
        }
        if finds.iter().all(|find| find.minimal) {
            break;
        }
    }
    Ok(one_of_each_form(finds))
}

/// The smallest expression within this one, or all of it, that differs.
fn innermost(engines: &Engines, tree: &Tree) -> Option<Find> {
    let mut all = tree.descendants();
    all.push(tree);
    all.sort_by_key(|tree| tree.size());
    all.into_iter().find_map(|tree| {
        let (kind, ..) = engines.difference(&tree.sql())?;
        Some(Find { tree: tree.clone(), kind, minimal: false })
    })
}

fn candidates(grammar: &Grammar, find: &Find) -> Vec<Tree> {
    // Each candidate at which Flink breaks costs it several jobs, and what broke is seen well enough.
    let done = find.minimal || find.kind == Kind::FlinkBreaks;
    let mut candidates = if done { vec![] } else { find.tree.smaller(grammar) };
    candidates.truncate(CANDIDATES_MAX);
    candidates
}

fn one_of_each_form(finds: Vec<Find>) -> Vec<Find> {
    let mut forms: BTreeMap<(Kind, String), Find> = BTreeMap::new();
    for find in finds {
        let form = (find.kind, shape(&find.tree.sql()));
        match forms.get(&form) {
            Some(other) if other.tree.size() <= find.tree.size() => {}
            _ => {
                forms.insert(form, find);
            }
        }
    }
    forms.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_equal_forms_the_smaller_one_stays() {
        let find = |text: &str, kind| Find { tree: Tree::leaf(0, text), kind, minimal: true };
        let finds =
            vec![find("ABS(12)", Kind::Type), find("ABS(i)", Kind::Type), find("ABS(i)", Kind::Values), find("SIGN(i)", Kind::Type)];
        let left: Vec<String> = one_of_each_form(finds).iter().map(|f| f.tree.sql()).collect();
        assert_eq!(left, ["ABS(i)", "ABS(i)", "SIGN(i)"]);
    }
}
