//! Functions of arrays: search, change, sort, and set operations.
//!
//! Elements of any type are compared by arrow's row encoding, in which equal values are equal bytes, in order.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, NullBufferBuilder, new_null_array};
use arrow::buffer::OffsetBuffer;
use arrow::compute::interleave;
use arrow::datatypes::{DataType, Int32Type};
use arrow::row::{RowConverter, Rows, SortField};
use datafusion_common::{Result, exec_err};
use datafusion_expr::ReturnFieldArgs;

use super::collection::item_field;
use super::construct::as_type;
use super::def::{Arg, Call, Def, Length, Nulls, Ret};

const LIST_AND_VALUE: &[Arg] = &[Arg::Array, Arg::Element];
const LISTS: &[Arg] = &[Arg::SameArray, Arg::SameArray];

/// NULL only if the array is; the other arguments may be.
const LIST_NULLS: Nulls = Nulls::By(|fields| fields[0].is_nullable());

pub(super) const FUNCTIONS: &[Def] = &[
    Def::new("array_contains", LIST_AND_VALUE, Ret::Bool, array_contains).nulls(LIST_NULLS).doc(
        "ARRAY_CONTAINS(array, value)",
        "Whether the value is an element; NULL may be looked for too.",
        "ARRAY_CONTAINS(ARRAY[1, 2], 2) = TRUE",
    ),
    Def::new("array_position", LIST_AND_VALUE, Ret::Int, array_position).doc(
        "ARRAY_POSITION(array, value)",
        "The place of the first such element, from 1; 0 if there is none.",
        "ARRAY_POSITION(ARRAY[5, 6], 6) = 2",
    ),
    Def::new("array_remove", LIST_AND_VALUE, Ret::Like(0), array_remove).nulls(LIST_NULLS).length(Length::Collection).doc(
        "ARRAY_REMOVE(array, value)",
        "The array without the elements that are equal to the value.",
        "ARRAY_REMOVE(ARRAY[1, 2, 1], 1) = ARRAY[2]",
    ),
    Def::new("array_append", LIST_AND_VALUE, Ret::By(open_list), |c| array_extend(c, false))
        .nulls(LIST_NULLS)
        .length(Length::Collection)
        .doc("ARRAY_APPEND(array, value)", "The array with the value at its end.", "ARRAY_APPEND(ARRAY[1], 2) = ARRAY[1, 2]"),
    Def::new("array_prepend", LIST_AND_VALUE, Ret::By(open_list), |c| array_extend(c, true))
        .nulls(LIST_NULLS)
        .length(Length::Collection)
        .doc("ARRAY_PREPEND(array, value)", "The array with the value at its start.", "ARRAY_PREPEND(ARRAY[1], 2) = ARRAY[2, 1]"),
    Def::new("array_distinct", &[Arg::Array], Ret::Like(0), array_distinct).length(Length::Collection).doc(
        "ARRAY_DISTINCT(array)",
        "The array with each element once, in the order of their first places.",
        "ARRAY_DISTINCT(ARRAY[1, 2, 1]) = ARRAY[1, 2]",
    ),
    Def::new("array_reverse", &[Arg::Array], Ret::Like(0), array_reverse).length(Length::Collection).doc(
        "ARRAY_REVERSE(array)",
        "The elements in reverse order.",
        "ARRAY_REVERSE(ARRAY[1, 2]) = ARRAY[2, 1]",
    ),
    Def::new("array_slice", &[Arg::Array, Arg::Int, Arg::Int], Ret::Like(0), array_slice).optional(1).length(Length::Collection).doc(
        "ARRAY_SLICE(array, start [, end])",
        "The elements from place start to place end, both included, from 1; negative places count from the end.",
        "ARRAY_SLICE(ARRAY[1, 2, 3], 2, 3) = ARRAY[2, 3]",
    ),
    Def::new("array_sort", &[Arg::Array, Arg::Bool, Arg::Bool], Ret::Like(0), array_sort).optional(2).length(Length::Collection).doc(
        "ARRAY_SORT(array [, ascending [, nulls_first]])",
        "The elements in order, by default ascending and with NULL first; in descending order NULL comes last.",
        "ARRAY_SORT(ARRAY[2, 1]) = ARRAY[1, 2]",
    ),
    Def::new("array_union", LISTS, Ret::By(open_list), |c| array_set(c, SetOperation::Union)).length(Length::Collection).doc(
        "ARRAY_UNION(array, other)",
        "The elements of both arrays, each once.",
        "ARRAY_UNION(ARRAY[1, 2], ARRAY[2, 3]) = ARRAY[1, 2, 3]",
    ),
    Def::new("array_except", LISTS, Ret::Like(0), |c| array_set(c, SetOperation::Except)).length(Length::Collection).doc(
        "ARRAY_EXCEPT(array, other)",
        "The elements of the first array that are not in the second, each once.",
        "ARRAY_EXCEPT(ARRAY[1, 2], ARRAY[2]) = ARRAY[1]",
    ),
    Def::new("array_intersect", LISTS, Ret::Like(0), |c| array_set(c, SetOperation::Intersect)).length(Length::Collection).doc(
        "ARRAY_INTERSECT(array, other)",
        "The elements that are in both arrays, each once.",
        "ARRAY_INTERSECT(ARRAY[1, 2], ARRAY[2, 3]) = ARRAY[2]",
    ),
    Def::new("array_concat", &[Arg::SameArray], Ret::By(open_list), array_concat).variadic().length(Length::Collection).doc(
        "ARRAY_CONCAT(array, …)",
        "The elements of all arrays, one array after the other.",
        "ARRAY_CONCAT(ARRAY[1], ARRAY[2]) = ARRAY[1, 2]",
    ),
    Def::new("array_max", &[Arg::Array], Ret::By(element_type), |c| array_extreme(c, true)).length(Length::Element).nullable().doc(
        "ARRAY_MAX(array)",
        "The greatest element that is not NULL.",
        "ARRAY_MAX(ARRAY[1, 3, 2]) = 3",
    ),
    Def::new("array_min", &[Arg::Array], Ret::By(element_type), |c| array_extreme(c, false)).length(Length::Element).nullable().doc(
        "ARRAY_MIN(array)",
        "The least element that is not NULL.",
        "ARRAY_MIN(ARRAY[1, 3, 2]) = 1",
    ),
    Def::new("array_join", &[Arg::Array, Arg::Text, Arg::Text], Ret::Text, array_join).optional(1).doc(
        "ARRAY_JOIN(array, separator [, null_text])",
        "The texts of the array with the separator between them; NULL is left out, or shown as null_text.",
        "ARRAY_JOIN(ARRAY['a', 'b'], '-') = 'a-b'",
    ),
];

fn element_type(args: &ReturnFieldArgs) -> Result<DataType> {
    Ok(item_field(args.arg_fields[0].data_type())?.data_type().clone())
}

/// The first array's type, with elements that may be NULL if those of any argument may.
fn open_list(args: &ReturnFieldArgs) -> Result<DataType> {
    let item = item_field(args.arg_fields[0].data_type())?;
    let nullable = args.arg_fields.iter().any(|field| match field.data_type() {
        DataType::List(item) => item.is_nullable(),
        _ => field.is_nullable(),
    });
    Ok(DataType::new_list(item.data_type().clone(), nullable))
}

/// The arrays of a call, their elements encoded so that they compare as bytes.
struct Lists {
    lists: Vec<ListArray>,
    rows: Vec<Rows>,
}

impl Lists {
    /// The first `count` arguments, which are arrays, in the element type of the first.
    fn of(call: &Call, count: usize) -> Result<Self> {
        let first = call.array(0)?;
        let item = item_field(first.data_type())?;
        let converter = RowConverter::new(vec![SortField::new(item.data_type().clone())])?;
        let (mut lists, mut rows) = (Vec::new(), Vec::new());
        for index in 0..count {
            let array = call.array(index)?;
            let list = if array.data_type().is_null() {
                new_null_array(first.data_type(), array.len()).as_list::<i32>().clone()
            } else {
                array.as_list::<i32>().clone()
            };
            let values = as_type(list.values(), item.data_type())?;
            rows.push(converter.convert_columns(std::slice::from_ref(&values))?);
            let field = Arc::new(item.as_ref().clone().with_nullable(true));
            lists.push(ListArray::try_new(field, list.offsets().clone(), values, list.nulls().cloned())?);
        }
        Ok(Self { lists, rows })
    }

    fn range(&self, list: usize, row: usize) -> std::ops::Range<usize> {
        let offsets = self.lists[list].value_offsets();
        offsets[row] as usize..offsets[row + 1] as usize
    }

    fn bytes(&self, list: usize, element: usize) -> &[u8] {
        self.rows[list].row(element).data()
    }

    fn all_valid(&self, row: usize) -> bool {
        self.lists.iter().all(|list| list.is_valid(row))
    }
}

/// The second argument in the element type of the array, with its encoding.
fn needle(call: &Call, lists: &Lists) -> Result<(ArrayRef, Rows)> {
    let item = lists.lists[0].values().data_type().clone();
    let array = as_type(&call.array(1)?, &item)?;
    let converter = RowConverter::new(vec![SortField::new(item)])?;
    let rows = converter.convert_columns(std::slice::from_ref(&array))?;
    Ok((array, rows))
}

/// Arrays made of picked elements: (source, element) pairs, row after row.
struct Picks {
    picks: Vec<(usize, usize)>,
    lengths: Vec<usize>,
    nulls: NullBufferBuilder,
}

impl Picks {
    fn new(rows: usize) -> Self {
        Self { picks: Vec::new(), lengths: Vec::with_capacity(rows), nulls: NullBufferBuilder::new(rows) }
    }

    /// Ends a row that began when there were `start` picks.
    fn end_row(&mut self, start: usize, valid: bool) {
        self.lengths.push(self.picks.len() - start);
        self.nulls.append(valid);
    }

    fn finish(mut self, call: &Call, sources: &[ArrayRef]) -> Result<ArrayRef> {
        let item = item_field(call.returns.data_type())?;
        let arrays: Vec<&dyn Array> = sources.iter().map(|source| source.as_ref()).collect();
        let values = interleave(&arrays, &self.picks)?;
        let offsets = OffsetBuffer::from_lengths(self.lengths);
        Ok(Arc::new(ListArray::try_new(Arc::clone(item), offsets, values, self.nulls.finish())?))
    }
}

fn values_of(lists: &Lists) -> Vec<ArrayRef> {
    lists.lists.iter().map(|list| Arc::clone(list.values())).collect()
}

fn array_contains(call: &Call) -> Result<ArrayRef> {
    let lists = Lists::of(call, 1)?;
    let (_, wanted) = needle(call, &lists)?;
    call.bools(|row| {
        let found = || lists.range(0, row).any(|i| lists.bytes(0, i) == wanted.row(row).data());
        Ok(lists.all_valid(row).then(found))
    })
}

fn array_position(call: &Call) -> Result<ArrayRef> {
    let lists = Lists::of(call, 1)?;
    let (value, wanted) = needle(call, &lists)?;
    call.primitives::<Int32Type>(|row| {
        if !lists.all_valid(row) || value.is_null(row) {
            return Ok(None);
        }
        let place = lists.range(0, row).position(|i| lists.bytes(0, i) == wanted.row(row).data());
        Ok(Some(place.map_or(0, |place| place as i32 + 1)))
    })
}

fn array_remove(call: &Call) -> Result<ArrayRef> {
    let lists = Lists::of(call, 1)?;
    let (_, wanted) = needle(call, &lists)?;
    let mut out = Picks::new(call.rows);
    for row in 0..call.rows {
        let start = out.picks.len();
        if lists.all_valid(row) {
            let kept = lists.range(0, row).filter(|i| lists.bytes(0, *i) != wanted.row(row).data());
            out.picks.extend(kept.map(|i| (0, i)));
        }
        out.end_row(start, lists.all_valid(row));
    }
    out.finish(call, &values_of(&lists))
}

fn array_extend(call: &Call, in_front: bool) -> Result<ArrayRef> {
    let lists = Lists::of(call, 1)?;
    let (value, _) = needle(call, &lists)?;
    let mut out = Picks::new(call.rows);
    for row in 0..call.rows {
        let start = out.picks.len();
        if lists.all_valid(row) {
            if in_front {
                out.picks.push((1, row));
            }
            out.picks.extend(lists.range(0, row).map(|i| (0, i)));
            if !in_front {
                out.picks.push((1, row));
            }
        }
        out.end_row(start, lists.all_valid(row));
    }
    out.finish(call, &[Arc::clone(lists.lists[0].values()), value])
}

fn array_distinct(call: &Call) -> Result<ArrayRef> {
    let lists = Lists::of(call, 1)?;
    let mut out = Picks::new(call.rows);
    for row in 0..call.rows {
        let start = out.picks.len();
        if lists.all_valid(row) {
            let mut seen = HashSet::new();
            out.picks.extend(lists.range(0, row).filter(|i| seen.insert(lists.bytes(0, *i))).map(|i| (0, i)));
        }
        out.end_row(start, lists.all_valid(row));
    }
    out.finish(call, &values_of(&lists))
}

fn array_reverse(call: &Call) -> Result<ArrayRef> {
    let lists = Lists::of(call, 1)?;
    let mut out = Picks::new(call.rows);
    for row in 0..call.rows {
        let start = out.picks.len();
        if lists.all_valid(row) {
            out.picks.extend(lists.range(0, row).rev().map(|i| (0, i)));
        }
        out.end_row(start, lists.all_valid(row));
    }
    out.finish(call, &values_of(&lists))
}

/// A place counted from 1, or from the end if negative, as an index; 0 is like 1.
fn index_of(place: i64, count: i64) -> i64 {
    match place {
        0 => 0,
        1.. => place - 1,
        _ => count + place,
    }
}

fn array_slice(call: &Call) -> Result<ArrayRef> {
    let lists = Lists::of(call, 1)?;
    let (first, last) = (call.int(1)?, call.int_or(2, i64::MAX)?);
    let mut out = Picks::new(call.rows);
    for row in 0..call.rows {
        let start = out.picks.len();
        let valid = match (first.get(row), last.get(row)) {
            (Some(first), Some(last)) if lists.all_valid(row) => {
                let range = lists.range(0, row);
                let count = range.len() as i64;
                // As in Flink an end just before the first element is that element.
                let last = match index_of(last, count) {
                    -1 => 0,
                    last => last,
                };
                let (first, last) = (index_of(first, count).max(0), last.min(count - 1));
                out.picks.extend((first..=last).map(|i| (0, range.start + i as usize)));
                true
            }
            _ => false,
        };
        out.end_row(start, valid);
    }
    out.finish(call, &values_of(&lists))
}

fn array_sort(call: &Call) -> Result<ArrayRef> {
    let lists = Lists::of(call, 1)?;
    let ascending = if call.has(1) { Some(call.bool(1)?) } else { None };
    let nulls_first = if call.has(2) { Some(call.bool(2)?) } else { None };
    let values = lists.lists[0].values();
    let mut out = Picks::new(call.rows);
    for row in 0..call.rows {
        let start = out.picks.len();
        let ascending = ascending.as_ref().map_or(Some(true), |a| a.get(row));
        let nulls_first = nulls_first.as_ref().map_or(ascending, |n| n.get(row));
        let valid = lists.all_valid(row) && ascending.is_some() && nulls_first.is_some();
        if let (true, Some(ascending), Some(nulls_first)) = (valid, ascending, nulls_first) {
            let mut order: Vec<usize> = lists.range(0, row).collect();
            order.sort_by(|a, b| match (values.is_null(*a), values.is_null(*b)) {
                (false, false) if ascending => lists.bytes(0, *a).cmp(lists.bytes(0, *b)),
                (false, false) => lists.bytes(0, *b).cmp(lists.bytes(0, *a)),
                (a, b) if nulls_first => b.cmp(&a),
                (a, b) => a.cmp(&b),
            });
            out.picks.extend(order.into_iter().map(|i| (0, i)));
        }
        out.end_row(start, valid);
    }
    out.finish(call, &values_of(&lists))
}

#[derive(Clone, Copy, PartialEq)]
enum SetOperation {
    Union,
    Except,
    Intersect,
}

fn array_set(call: &Call, operation: SetOperation) -> Result<ArrayRef> {
    let lists = Lists::of(call, 2)?;
    let mut out = Picks::new(call.rows);
    for row in 0..call.rows {
        let start = out.picks.len();
        if lists.all_valid(row) {
            let other: HashSet<&[u8]> = lists.range(1, row).map(|i| lists.bytes(1, i)).collect();
            let mut seen: HashSet<&[u8]> = HashSet::new();
            for i in lists.range(0, row) {
                let bytes = lists.bytes(0, i);
                let wanted = match operation {
                    SetOperation::Union => true,
                    SetOperation::Except => !other.contains(bytes),
                    SetOperation::Intersect => other.contains(bytes),
                };
                if wanted && seen.insert(bytes) {
                    out.picks.push((0, i));
                }
            }
            if operation == SetOperation::Union {
                out.picks.extend(lists.range(1, row).filter(|i| seen.insert(lists.bytes(1, *i))).map(|i| (1, i)));
            }
        }
        out.end_row(start, lists.all_valid(row));
    }
    out.finish(call, &values_of(&lists))
}

fn array_concat(call: &Call) -> Result<ArrayRef> {
    let lists = Lists::of(call, call.args.len())?;
    let mut out = Picks::new(call.rows);
    for row in 0..call.rows {
        let start = out.picks.len();
        if lists.all_valid(row) {
            for list in 0..lists.lists.len() {
                out.picks.extend(lists.range(list, row).map(|i| (list, i)));
            }
        }
        out.end_row(start, lists.all_valid(row));
    }
    out.finish(call, &values_of(&lists))
}

fn array_extreme(call: &Call, greatest: bool) -> Result<ArrayRef> {
    let lists = Lists::of(call, 1)?;
    let values = lists.lists[0].values();
    let picks: arrow::array::UInt32Array = (0..call.rows)
        .map(|row| {
            let elements = lists.range(0, row).filter(|i| lists.all_valid(row) && values.is_valid(*i));
            let best = if greatest {
                elements.max_by(|a, b| lists.bytes(0, *a).cmp(lists.bytes(0, *b)))
            } else {
                elements.min_by(|a, b| lists.bytes(0, *a).cmp(lists.bytes(0, *b)))
            };
            best.map(|i| i as u32)
        })
        .collect();
    Ok(arrow::compute::take(values, &picks, None)?)
}

fn array_join(call: &Call) -> Result<ArrayRef> {
    let (array, separator) = (call.array(0)?, call.text(1)?);
    let null_text = if call.has(2) { Some(call.text(2)?) } else { None };
    let list = array.as_list::<i32>();
    let Some(texts) = list.values().as_string_opt::<i32>() else {
        return exec_err!("ARRAY_JOIN takes an array of STRING; use CAST(array AS ARRAY<STRING>)");
    };
    let offsets = list.value_offsets();
    call.texts(|row, out| {
        let Some(separator) = separator.get(row).filter(|_| list.is_valid(row)) else { return Ok(false) };
        let null_text = match &null_text {
            Some(text) => match text.get(row) {
                Some(text) => Some(text),
                None => return Ok(false),
            },
            None => None,
        };
        let mut first = true;
        for i in offsets[row] as usize..offsets[row + 1] as usize {
            let text = if texts.is_valid(i) { Some(texts.value(i)) } else { null_text };
            if let Some(text) = text {
                if !first {
                    out.extend_from_slice(separator.as_bytes());
                }
                out.extend_from_slice(text.as_bytes());
                first = false;
            }
        }
        Ok(true)
    })
}
