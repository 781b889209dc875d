//! Unbounded GROUP BY: the changelog it emits adds up to the batch result after every tick.

use proptest::prelude::*;
use std::collections::{BTreeMap, HashMap};

use super::harness::*;
use crate::RowKind;
use crate::operator::Operator;
use crate::operators::group_aggregate::{GroupAggregate, GroupSpec, LocalGroupAggregate, partial_types};

/// The batch result: results by key.
fn batch_result(live: &[Row], keys: &[usize]) -> BTreeMap<String, String> {
    let mut groups: BTreeMap<String, Vec<Row>> = BTreeMap::new();
    for row in live {
        groups.entry(key_text(row, keys).join("|")).or_default().push(row.clone());
    }
    groups.into_iter().map(|(key, rows)| (key, expected(&rows).join("|"))).collect()
}

/// Follows a changelog and finds fault with it.
struct Table {
    rows: BTreeMap<String, String>,
    update_before: bool,
}

impl Table {
    fn apply(&mut self, changes: Vec<(RowKind, String)>, keys: usize) -> Result<(), TestCaseError> {
        let mut seen: HashMap<String, Vec<RowKind>> = HashMap::new();
        for (kind, row) in changes {
            let cells: Vec<&str> = row.split('|').collect();
            let (key, result) = (cells[..keys].join("|"), cells[keys..].join("|"));
            let old = self.rows.get(&key).cloned();
            match kind {
                RowKind::Insert => prop_assert_eq!(old, None, "{} is there already", row),
                RowKind::UpdateBefore | RowKind::Delete => prop_assert_eq!(old.as_ref(), Some(&result), "{} takes back", row),
                RowKind::UpdateAfter if self.update_before => prop_assert_eq!(seen[&key].last(), Some(&RowKind::UpdateBefore)),
                RowKind::UpdateAfter => prop_assert!(old.is_some_and(|o| o != result), "{} changes nothing", row),
            }
            match kind {
                RowKind::Insert | RowKind::UpdateAfter => self.rows.insert(key.clone(), result),
                RowKind::Delete => self.rows.remove(&key),
                RowKind::UpdateBefore => None,
            };
            seen.entry(key).or_default().push(kind);
        }
        for (key, kinds) in seen {
            let update: &[RowKind] =
                if self.update_before { &[RowKind::UpdateBefore, RowKind::UpdateAfter] } else { &[RowKind::UpdateAfter] };
            let fine = kinds == [RowKind::Insert] || kinds == [RowKind::Delete] || kinds == update;
            prop_assert!(fine, "key {} got {:?} in one tick", key, kinds);
        }
        Ok(())
    }
}

fn spec(keys: &[usize], retract: bool) -> GroupSpec {
    GroupSpec { keys: keys.to_vec(), key_types: key_types(keys), aggregates: aggregates(retract), schema: result_schema(keys, false) }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_changelog_adds_up_to_the_batch_result(
        mut steps in steps(10, 0..50),
        layout in 0..LAYOUTS.len(),
        retract in any::<bool>(),
        update_before in any::<bool>(),
    ) {
        if retract {
            with_deletions(&mut steps);
        }
        let keys = LAYOUTS[layout];
        let spec = spec(keys, retract);
        let partial = partial_schema(None, keys, partial_types(&spec.aggregates));
        let (a, b, c) = (spec.clone(), spec.clone(), spec.clone());
        let mut one = Fleet::new(keys, move || GroupAggregate::new(a.clone(), false, update_before));
        let leading: Vec<usize> = (0..keys.len()).collect();
        let mut two = Fleet::new(&leading, move || GroupAggregate::new(b.clone(), true, update_before));
        let local = move || Box::new(LocalGroupAggregate { spec: c.clone(), schema: partial.clone() }) as Box<dyn Operator>;
        let mut table = Table { rows: BTreeMap::new(), update_before };
        let mut live: Vec<Row> = vec![];
        for (step, tick) in steps.iter().zip(ticks(&steps, 0)) {
            apply(&mut live, &step.rows);
            let input = batches(&step.rows, &step.cuts);
            one.restart(step.workers);
            two.restart(step.workers);
            let before = table.rows.clone();
            let given = one.step(&tick, &input);
            table.apply(given.changes(), keys.len())?;
            prop_assert_eq!(&table.rows, &batch_result(&live, keys));
            if before == table.rows {
                prop_assert_eq!(given.rows().len(), 0, "nothing changed");
            }
            let parts: Vec<_> = input.iter().map(|b| vec![b.clone()]).collect();
            prop_assert_eq!(two.step(&tick, &locally(&local, &tick, &parts).batches).rows(), given.rows());
            prop_assert_eq!(one.state_rows(), table.rows.len());
            prop_assert_eq!(two.state_rows(), table.rows.len());
        }
    }

    /// SELECT DISTINCT: a group aggregate without calls.
    #[test]
    fn distinct_emits_a_row_when_its_first_copy_comes_and_takes_it_back_with_the_last(mut steps in steps(10, 0..50)) {
        with_deletions(&mut steps);
        let keys = [NAME];
        let schema = std::sync::Arc::new(schema().project(&keys).unwrap());
        let spec = GroupSpec { aggregates: crate::state::aggregates::Aggregates::new(vec![]), schema, ..spec(&keys, true) };
        let mut fleet = Fleet::new(&keys, move || GroupAggregate::new(spec.clone(), false, true));
        let mut counts: BTreeMap<String, i64> = BTreeMap::new();
        for (step, tick) in steps.iter().zip(ticks(&steps, 0)) {
            let before = counts.clone();
            for row in &step.rows {
                *counts.entry(key_text(row, &keys).join("|")).or_default() += if row.adds { 1 } else { -1 };
            }
            let mut wanted: Vec<String> = vec![];
            for (key, n) in &counts {
                match (before.get(key).is_some_and(|b| *b > 0), *n > 0) {
                    (false, true) => wanted.push(format!("+I{key}")),
                    (true, false) => wanted.push(format!("-D{key}")),
                    _ => {}
                }
            }
            wanted.sort();
            prop_assert_eq!(fleet.step(&tick, &batches(&step.rows, &step.cuts)).rows(), wanted);
            fleet.restart(step.workers);
        }
    }
}
