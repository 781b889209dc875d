//! Comparisons, conditions and collections.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int32Array, Int64Array, StringArray};
use arrow::datatypes::Int32Type;

use crate::{Case, map_text};

fn bools(values: impl Iterator<Item = Option<bool>>) -> ArrayRef {
    Arc::new(values.collect::<BooleanArray>())
}

pub fn cases() -> Vec<Case> {
    let mut all = comparisons();
    all.extend(choices());
    all.extend(collections());
    all
}

fn comparisons() -> Vec<Case> {
    vec![
        ("bigint > 500000", |c| bools(c.large.iter().map(|n| Some(n? > 500_000)))),
        ("bigint = other", |c| bools(c.large.iter().zip(c.other.iter()).map(|(a, b)| Some(a? == b?)))),
        ("decimal >= 100", |c| bools(c.decimal.iter().map(|d| Some(d? >= 10_000)))),
        ("int BETWEEN -100 AND 100", |c| bools(c.small.iter().map(|n| Some((-100..=100).contains(&n?))))),
        ("text = 'Alpha7 beta7'", |c| bools(c.words.iter().map(|s| Some(s? == "Alpha7 beta7")))),
        ("text <> padded", |c| bools(c.words.iter().zip(c.padded.iter()).map(|(a, b)| Some(a? != b?)))),
        ("time >= TIMESTAMP '2024-06-01 00:00:00'", |c| bools(c.time.iter().map(|ms| Some(ms? >= 1_717_200_000_000)))),
        ("int > 0 AND flag", |c| {
            let both = c.small.iter().zip(c.flag.iter());
            bools(both.map(|(n, flag)| match (n.map(|n| n > 0), flag) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (a, b) => Some(a? && b?),
            }))
        }),
        ("int > 0 OR bigint < 1000", |c| {
            let both = c.small.iter().zip(c.large.iter());
            bools(both.map(|(n, m)| match (n.map(|n| n > 0), m.map(|m| m < 1_000)) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (a, b) => Some(a? || b?),
            }))
        }),
        ("int IN (1, 2, 3)", |c| bools(c.small.iter().map(|n| Some([1, 2, 3].contains(&n?))))),
        ("text IN ('Alpha1 beta1', 'Alpha2 beta2', 'Alpha3 beta3', 'Alpha4 beta4')", |c| {
            let words = ["Alpha1 beta1", "Alpha2 beta2", "Alpha3 beta3", "Alpha4 beta4"];
            bools(c.words.iter().map(|s| Some(words.contains(&s?))))
        }),
    ]
}

fn choices() -> Vec<Case> {
    vec![
        ("IF(flag, int, 0)", |c| {
            let both = c.flag.iter().zip(c.small.iter());
            Arc::new(both.map(|(flag, n)| if flag == Some(true) { n } else { Some(0) }).collect::<Int32Array>())
        }),
        ("CASE WHEN int > 0 THEN 'more' WHEN int < 0 THEN 'less' ELSE 'none' END", |c| {
            let name = |n: Option<i32>| match n {
                Some(1..) => "more",
                Some(..=-1) => "less",
                _ => "none",
            };
            Arc::new(c.small.iter().map(|n| Some(name(n))).collect::<StringArray>())
        }),
        ("CASE WHEN int > 0 THEN bigint * 2 ELSE other END", |c| {
            let all = c.small.iter().zip(c.large.iter()).zip(c.other.iter());
            let choose =
                |((n, a), b): ((Option<i32>, Option<i64>), Option<i64>)| if n > Some(0) { a.map(|a| a.wrapping_mul(2)) } else { b };
            Arc::new(all.map(choose).collect::<Int64Array>())
        }),
        ("IFNULL(int, 0)", |c| Arc::new(c.small.iter().map(|n| Some(n.unwrap_or(0))).collect::<Int32Array>())),
        ("COALESCE(text, '-')", |c| Arc::new(c.words.iter().map(|s| Some(s.unwrap_or("-").to_string())).collect::<StringArray>())),
        ("NULLIF(text, 'Alpha1 beta1')", |c| map_text(&c.words, |s| (s != "Alpha1 beta1").then(|| s.to_string()))),
        ("NULLIF(int, 0)", |c| Arc::new(c.small.iter().map(|n| n.filter(|n| *n != 0)).collect::<Int32Array>())),
    ]
}

fn collections() -> Vec<Case> {
    vec![
        ("CARDINALITY(array)", |c| {
            Arc::new((0..c.list.len()).map(|i| c.list.is_valid(i).then(|| c.list.value_length(i))).collect::<Int32Array>())
        }),
        ("ARRAY_CONTAINS(array, 5)", |c| {
            let has = |list: ArrayRef| list.as_primitive::<Int32Type>().values().contains(&5);
            bools(c.list.iter().map(|list| list.map(has)))
        }),
        ("array[2]", |c| {
            let values = c.list.values().as_primitive::<Int32Type>();
            let second =
                |i: usize| (c.list.is_valid(i) && c.list.value_length(i) > 1).then(|| values.value(c.list.value_offsets()[i] as usize + 1));
            Arc::new((0..c.list.len()).map(second).collect::<Int32Array>())
        }),
        ("map['b']", |c| {
            let (keys, values) = (c.map.keys().as_string::<i32>(), c.map.values().as_primitive::<Int32Type>());
            let entries = |i: usize| c.map.value_offsets()[i] as usize..c.map.value_offsets()[i + 1] as usize;
            let found = |i: usize| entries(i).find(|at| keys.value(*at) == "b").map(|at| values.value(at));
            Arc::new((0..c.map.len()).map(|i| found(i).filter(|_| c.map.is_valid(i))).collect::<Int32Array>())
        }),
    ]
}
