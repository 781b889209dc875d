//! What aggregate functions make of all values of a group: JSON_ARRAYAGG, JSON_OBJECTAGG and PERCENTILE are ARRAY_AGG and one of these.

use arrow::array::{Array, ArrayRef, AsArray, Float64Builder, ListBuilder};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Float64Type, Int64Type};
use datafusion_common::{Result, exec_err};
use datafusion_expr::ReturnFieldArgs;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::def::{Arg, Call, Def, Length, Nulls, Ret};
use super::json_path::push_quoted;
use super::json_text::push_json;

pub(super) const FUNCTIONS: &[Def] = &[
    Def::new("$json_arrayagg", &[Arg::Text, Arg::Any], Ret::Text, json_array).nulls(Nulls::Never).length(Length::Json),
    Def::new("$json_objectagg", &[Arg::Text, Arg::Any], Ret::Text, json_object).nulls(Nulls::Never).length(Length::Json),
    Def::new("$percentile", &[Arg::Any, Arg::Any], Ret::By(percentile_type), percentile).nullable(),
];

/// The values of a row as JSON, those that are NULL if the first argument says so.
fn json_array(call: &Call) -> Result<ArrayRef> {
    let absent = call.constant_text(0) != Some("NULL");
    let lists = call.array(1)?;
    let lists = lists.as_list::<i32>();
    let DataType::List(item) = lists.data_type() else { return exec_err!("JSON_ARRAYAGG takes values") };
    call.texts(|row, out| {
        out.push(b'[');
        let values = if lists.is_valid(row) { lists.value_offsets()[row]..lists.value_offsets()[row + 1] } else { 0..0 };
        let mut first = true;
        for value in values.map(|at| at as usize).filter(|at| !(absent && lists.values().is_null(*at))) {
            if !first {
                out.push(b',');
            }
            first = false;
            push_json(lists.values(), item, value, out)?;
        }
        out.push(b']');
        Ok(true)
    })
}

/// Pairs of keys and values as JSON, in the order of the keys, which must be different.
fn json_object(call: &Call) -> Result<ArrayRef> {
    let absent = call.constant_text(0) == Some("ABSENT");
    let lists = call.array(1)?;
    let lists = lists.as_list::<i32>();
    let pairs = lists.values().as_struct_opt();
    let Some((pairs, [_, field])) = pairs.map(|pairs| (pairs, &pairs.fields()[..])) else {
        return exec_err!("JSON_OBJECTAGG takes keys and values");
    };
    let Some(keys) = pairs.column(0).as_string_opt::<i32>() else { return exec_err!("JSON_OBJECTAGG: a key must be a STRING") };
    call.texts(|row, out| {
        let mut fields: BTreeMap<&str, usize> = BTreeMap::new();
        let places = if lists.is_valid(row) { lists.value_offsets()[row]..lists.value_offsets()[row + 1] } else { 0..0 };
        for at in places.map(|at| at as usize) {
            if keys.is_null(at) {
                return exec_err!("JSON_OBJECTAGG: a key must not be NULL");
            }
            if !(absent && pairs.column(1).is_null(at)) && fields.insert(keys.value(at), at).is_some() {
                return exec_err!("JSON_OBJECTAGG: the key '{}' is there twice", keys.value(at));
            }
        }
        out.push(b'{');
        for (n, (key, at)) in fields.into_iter().enumerate() {
            if n > 0 {
                out.push(b',');
            }
            push_quoted(out, key);
            out.push(b':');
            push_json(pairs.column(1), field, at, out)?;
        }
        out.push(b'}');
        Ok(true)
    })
}

fn percentile_type(args: &ReturnFieldArgs) -> Result<DataType> {
    Ok(match args.arg_fields[1].data_type() {
        DataType::List(_) => doubles(),
        _ => DataType::Float64,
    })
}

fn doubles() -> DataType {
    DataType::List(Arc::new(Field::new_list_field(DataType::Float64, true)))
}

/// The value below which that part of the values lies, between two of them in proportion. NULLs do not count; a value may come with how
/// often it does.
fn percentile(call: &Call) -> Result<ArrayRef> {
    let (lists, parts) = (call.array(0)?, call.array(1)?);
    let lists = lists.as_list::<i32>();
    let several = matches!(parts.data_type(), DataType::List(_));
    let parts = cast(&parts, &if several { doubles() } else { DataType::Float64 })?;
    let (mut one, mut many) = (Float64Builder::new(), ListBuilder::new(Float64Builder::new()));
    for row in 0..call.rows {
        let items = if lists.is_valid(row) { lists.value(row) } else { lists.values().slice(0, 0) };
        let counted = counted(&items)?;
        if !several {
            let part = parts.as_primitive::<Float64Type>();
            one.append_option(part_of(&counted, part.is_valid(row).then(|| part.value(row)))?);
            continue;
        }
        let wanted = parts.as_list::<i32>().value(row);
        for part in wanted.as_primitive::<Float64Type>() {
            many.values().append_option(part_of(&counted, part)?);
        }
        many.append(!counted.is_empty());
    }
    Ok(if several { Arc::new(many.finish()) } else { Arc::new(one.finish()) })
}

/// Values in their order, each with how many there are up to it and with it.
fn counted(items: &ArrayRef) -> Result<Vec<(f64, i64)>> {
    let (values, counts) = match items.as_struct_opt() {
        Some(pairs) => (pairs.column(0).clone(), Some(cast(pairs.column(1), &DataType::Int64)?)),
        None => (items.clone(), None),
    };
    let counts = counts.as_ref().map(|counts| counts.as_primitive::<Int64Type>());
    let count = |at: usize| counts.map_or(1, |counts| if counts.is_valid(at) { counts.value(at) } else { 0 });
    let values = values.as_primitive::<Float64Type>();
    let mut sorted: Vec<(f64, i64)> =
        (0..values.len()).filter(|at| values.is_valid(*at) && count(*at) > 0).map(|at| (values.value(at), count(at))).collect();
    sorted.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let mut total = 0;
    for (_, count) in &mut sorted {
        total += *count;
        *count = total;
    }
    Ok(sorted)
}

/// Rounded as Flink does it, whose places begin with 1.
fn part_of(counted: &[(f64, i64)], part: Option<f64>) -> Result<Option<f64>> {
    let Some(part) = part.filter(|part| (0.0..=1.0).contains(part)) else {
        return exec_err!("PERCENTILE takes a part of the values between 0.0 and 1.0");
    };
    let Some((_, total)) = counted.last() else { return Ok(None) };
    let place = part * (*total - 1) as f64 + 1.0;
    let value = |place: f64| counted[counted.partition_point(|(_, up_to)| (*up_to as f64) < place)].0;
    let (low, high) = (place.floor(), place.ceil());
    Ok(Some(match low == high {
        true => value(low),
        false => (high - place) * value(low) + (place - low) * value(high),
    }))
}
