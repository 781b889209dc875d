//! CAST and TRY_CAST between any two types, with Flink's values: whole numbers wrap, floating point saturates, decimals
//! round half up and overflow to NULL, texts that do not fit fail (or give NULL in TRY_CAST).

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, MapArray, StructArray, UInt32Array, new_null_array};
use arrow::buffer::{BooleanBuffer, NullBuffer, OffsetBuffer};
use arrow::compute::take;
use arrow::datatypes::{DataType, Field, FieldRef, TimeUnit};
use datafusion_common::{Result, ScalarValue, plan_err};
use datafusion_expr::{ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};

use super::cast_text;
use super::cast_value;
use super::construct::build_map;
use super::types::{is_number, type_name};
use crate::data_type::{ColumnType, FlinkType};

/// The function CAST (or TRY_CAST, if `safe`) to `target`. `target_text` is the exact Flink type where Arrow's says
/// less, such as `CHAR(3)`; a text that is no such type is ignored.
pub fn cast_to(target: DataType, target_text: Option<String>, safe: bool) -> Arc<ScalarUDF> {
    let exact = target_text.and_then(|text| ColumnType::from_text(&text)).map(|column| column.ty);
    let flink = exact.filter(|ty| ty.to_arrow() == target).unwrap_or_else(|| FlinkType::from_arrow(&target));
    Arc::new(ScalarUDF::new_from_impl(Cast::new(flink, target, safe)))
}

/// The type that a function casts to, if it is CAST or TRY_CAST.
pub fn cast_target(function: &ScalarUDF) -> Option<&FlinkType> {
    function.inner().downcast_ref::<Cast>().map(|cast| &cast.flink)
}

/// Whether CAST takes a value of type `from` to `to` at all.
pub fn can_cast(from: &DataType, to: &DataType) -> bool {
    refusal(from, to).is_none()
}

/// What to write instead, if CAST from `from` to `to` does not exist.
fn refusal(from: &DataType, to: &DataType) -> Option<&'static str> {
    use DataType as D;
    const NONE: &str = "there is no such conversion";
    let text = |t: &D| matches!(t, D::Utf8);
    let ok = |fits: bool| if fits { None } else { Some(NONE) };
    match (from, to) {
        (D::Null, _) => None,
        (D::LargeBinary, to) if text(to) => Some("use JSON_STRING(value)"),
        _ if from == to || text(to) => None,
        (D::Utf8, D::LargeBinary) => Some("use PARSE_JSON(string)"),
        (D::Binary, D::BinaryView) => Some("use BITMAP_FROM_BYTES(bytes)"),
        (D::BinaryView, D::Binary) => Some("use BITMAP_TO_BYTES(bitmap)"),
        (D::BinaryView, D::List(_)) => Some("use BITMAP_TO_ARRAY(bitmap)"),
        (D::List(_), D::BinaryView) => Some("use BITMAP_BUILD(array)"),
        (D::LargeBinary | D::BinaryView, _) | (_, D::LargeBinary | D::BinaryView) => Some(NONE),
        (D::Utf8, D::List(_) | D::Map(..) | D::Struct(_) | D::Interval(_)) => Some(NONE),
        (D::Utf8, _) => None,
        (D::Boolean, _) => ok(is_number(to)),
        _ if is_number(from) && (is_number(to) || *to == D::Boolean) => None,
        _ if is_number(from) && matches!(to, D::Timestamp(_, None)) => {
            Some("use TO_TIMESTAMP(FROM_UNIXTIME(seconds)), or TO_TIMESTAMP_LTZ(number, precision)")
        }
        _ if is_number(from) && matches!(to, D::Timestamp(..)) => Some("use TO_TIMESTAMP_LTZ(number, precision)"),
        (D::Timestamp(..), _) if is_number(to) => Some("use UNIX_TIMESTAMP(CAST(time AS STRING)), or EXTRACT(EPOCH FROM time)"),
        (D::Timestamp(..), D::Timestamp(..) | D::Date32 | D::Time32(_)) => None,
        (D::Date32 | D::Time32(_), D::Timestamp(..)) => None,
        (D::Time32(_), D::Time32(_)) => None,
        (from, D::Interval(_)) if super::types::exact_digits(from).is_some() => None,
        (D::Binary, D::Binary) | (D::Interval(_), D::Interval(_)) => None,
        (D::List(from), D::List(to)) => refusal(from.data_type(), to.data_type()),
        (D::Map(from, _), D::Map(to, _)) => refusal(from.data_type(), to.data_type()),
        (D::Struct(from), D::Struct(to)) if from.len() == to.len() => {
            from.iter().zip(to.iter()).find_map(|(from, to)| refusal(from.data_type(), to.data_type()))
        }
        (D::Struct(_), D::Struct(_)) => Some("the ROW has another number of fields"),
        _ => Some(NONE),
    }
}

#[derive(Debug)]
struct Cast {
    flink: FlinkType,
    target: DataType,
    safe: bool,
    signature: Signature,
}

impl Cast {
    fn new(flink: FlinkType, target: DataType, safe: bool) -> Self {
        Self { flink, target, safe, signature: Signature::user_defined(volatility()) }
    }
}

/// A CAST may depend on the session time zone, which is the same for the whole job: it may be folded.
fn volatility() -> Volatility {
    Volatility::Immutable
}

impl PartialEq for Cast {
    fn eq(&self, other: &Self) -> bool {
        self.flink == other.flink && self.target == other.target && self.safe == other.safe
    }
}

impl Eq for Cast {}

impl Hash for Cast {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.flink, &self.target, self.safe).hash(state);
    }
}

impl ScalarUDFImpl for Cast {
    fn name(&self) -> &str {
        if self.safe { "TRY_CAST" } else { "CAST" }
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        let value = args.first().map(|arg| arg.schema_name().to_string()).unwrap_or_default();
        Ok(format!("{}({value} AS {})", self.name(), self.flink))
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        // Only the forms of text and bytes that functions do not read are changed.
        let plain = |t: &DataType| match t {
            DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8,
            DataType::FixedSizeBinary(_) => DataType::Binary,
            other => other.clone(),
        };
        Ok(types.iter().map(plain).collect())
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(self.target.clone())
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let [from] = args.arg_fields else { return plan_err!("{} takes one value", self.name()) };
        if let Some(instead) = refusal(from.data_type(), &self.target) {
            return plan_err!("CAST from {} to {} is not possible: {instead}", type_name(from.data_type()), self.flink);
        }
        if (FlinkType::from_field(from).0, &self.flink) == (FlinkType::IntervalMonth, &FlinkType::IntervalSecond) {
            return plan_err!("CAST from an interval of months to {} is not possible: a month has no fixed length", self.flink);
        }
        let nullable = self.safe || from.is_nullable();
        let field = self.flink.to_field(self.name(), nullable);
        let same = *field.data_type() == self.target;
        Ok(Arc::new(if same { field } else { Field::new(self.name(), self.target.clone(), nullable) }))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let to = To { flink: &self.flink, arrow: &self.target, safe: self.safe };
        match &args.args[0] {
            ColumnarValue::Array(array) => Ok(ColumnarValue::Array(cast_array(array, &args.arg_fields[0], &to)?)),
            ColumnarValue::Scalar(scalar) => {
                let array = cast_array(&scalar.to_array_of_size(1)?, &args.arg_fields[0], &to)?;
                Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&array, 0)?))
            }
        }
    }
}

/// What a value is cast to.
#[derive(Clone, Copy)]
pub(super) struct To<'a> {
    pub flink: &'a FlinkType,
    pub arrow: &'a DataType,
    pub safe: bool,
}

/// Casts every value of `array`, a column described by `from`. Where a part of a nested value cannot be cast, TRY_CAST gives NULL for all
/// of it.
pub(super) fn cast_array(array: &ArrayRef, from: &Field, to: &To) -> Result<ArrayRef> {
    if array.data_type().is_null() {
        return Ok(new_null_array(to.arrow, array.len()));
    }
    match to.flink {
        FlinkType::Char(length) => cast_text::to_text(array, from, to, Some(*length), true),
        FlinkType::Varchar(crate::data_type::MAX_LENGTH) => cast_text::to_text(array, from, to, None, false),
        FlinkType::Varchar(length) => cast_text::to_text(array, from, to, Some(*length), false),
        FlinkType::Binary(length) => cast_text::to_bytes(array, to, Some(*length), true),
        FlinkType::Varbinary(crate::data_type::MAX_LENGTH) => cast_text::to_bytes(array, to, None, false),
        FlinkType::Varbinary(length) => cast_text::to_bytes(array, to, Some(*length), false),
        FlinkType::Array(element) => cast_list(array, element, to),
        FlinkType::Multiset(element) => {
            let count = ColumnType::not_null(FlinkType::Int);
            cast_map(array, element, &count, to)
        }
        FlinkType::Map(key, value) => cast_map(array, key, value, to),
        FlinkType::Row(fields) => {
            let columns: Vec<&ColumnType> = fields.iter().map(|field| &field.column).collect();
            cast_struct(array, &columns, to)
        }
        _ => cast_value::cast_value(array, to),
    }
}

fn cast_child(array: &ArrayRef, from: &FieldRef, column: &ColumnType, field: &FieldRef, to: &To) -> Result<ArrayRef> {
    cast_array(array, from, &To { flink: &column.ty, arrow: field.data_type(), safe: to.safe })
}

fn cast_list(array: &ArrayRef, element: &ColumnType, to: &To) -> Result<ArrayRef> {
    let (DataType::List(from), DataType::List(item)) = (array.data_type(), to.arrow) else {
        return not_possible(array, to);
    };
    let list = array.as_list::<i32>();
    let values = cast_child(list.values(), from, element, item, to)?;
    let failed = to.safe.then(|| newly_null(list.values(), &values)).flatten();
    let nulls = without_rows(list.len(), list.nulls(), failed, |row| list.offsets()[row] as usize..list.offsets()[row + 1] as usize);
    Ok(Arc::new(ListArray::try_new(Arc::clone(item), list.offsets().clone(), values, nulls)?))
}

fn cast_map(array: &ArrayRef, key: &ColumnType, value: &ColumnType, to: &To) -> Result<ArrayRef> {
    let (DataType::Map(entries, sorted), Some(map)) = (to.arrow, array.as_map_opt()) else {
        return not_possible(array, to);
    };
    let DataType::Struct(fields) = entries.data_type() else { return not_possible(array, to) };
    let (from_key, from_value) = map.entries_fields();
    let keys = cast_child(map.keys(), &Arc::new(from_key.clone()), key, &fields[0], to)?;
    let values = cast_child(map.values(), &Arc::new(from_value.clone()), value, &fields[1], to)?;
    let of_row = |row: usize| map.offsets()[row] as usize..map.offsets()[row + 1] as usize;
    let failed = |before: &ArrayRef, after: &ArrayRef| to.safe.then(|| newly_null(before, after)).flatten();
    let nulls = without_rows(map.len(), map.nulls(), failed(map.values(), &values), of_row);
    if keys.null_count() > 0 {
        let nulls = without_rows(map.len(), nulls.as_ref(), failed(map.keys(), &keys), of_row);
        return without_entries(to.arrow, (&keys, &values), map.offsets(), nulls);
    }
    let structs = StructArray::try_new(fields.clone(), vec![keys, values], None)?;
    Ok(Arc::new(MapArray::try_new(Arc::clone(entries), map.offsets().clone(), structs, nulls, *sorted)?))
}

/// A map column without the entries of rows that are NULL, whose keys may be NULL too, which Arrow does not allow for.
fn without_entries(
    data_type: &DataType,
    (keys, values): (&ArrayRef, &ArrayRef),
    offsets: &OffsetBuffer<i32>,
    nulls: Option<NullBuffer>,
) -> Result<ArrayRef> {
    let valid = |row: usize| nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row));
    let rows = || (0..offsets.len() - 1).map(|row| if valid(row) { offsets[row]..offsets[row + 1] } else { 0..0 });
    let picks: UInt32Array = rows().flatten().map(|entry| entry as u32).collect();
    let (keys, values) = (take(keys, &picks, None)?, take(values, &picks, None)?);
    build_map(data_type, keys, values, OffsetBuffer::from_lengths(rows().map(|entries| entries.len())), nulls.clone())
}

/// Field by field, by position.
fn cast_struct(array: &ArrayRef, columns: &[&ColumnType], to: &To) -> Result<ArrayRef> {
    let (DataType::Struct(from), DataType::Struct(fields)) = (array.data_type(), to.arrow) else {
        return not_possible(array, to);
    };
    let structs = array.as_struct();
    let children: Vec<ArrayRef> = fields
        .iter()
        .zip(columns)
        .enumerate()
        .map(|(i, (field, column))| match from.get(i) {
            Some(from) => cast_child(structs.column(i), from, column, field, to),
            None => not_possible(array, to),
        })
        .collect::<Result<_>>()?;
    if fields.is_empty() {
        return Ok(Arc::new(StructArray::new_empty_fields(array.len(), array.nulls().cloned())));
    }
    let mut nulls = structs.nulls().cloned();
    for (before, after) in structs.columns().iter().zip(&children).filter(|_| to.safe) {
        nulls = without_rows(array.len(), nulls.as_ref(), newly_null(before, after), |row| row..row + 1);
    }
    Ok(Arc::new(StructArray::try_new(fields.clone(), children, nulls)?))
}

/// Where values became NULL; none if nowhere.
fn newly_null(before: &ArrayRef, after: &ArrayRef) -> Option<BooleanBuffer> {
    if before.null_count() == after.null_count() {
        return None;
    }
    Some(BooleanBuffer::collect_bool(after.len(), |i| after.is_null(i) && before.is_valid(i)))
}

/// The validity of nested values without those that have a failed part; `parts` tells where the parts of a row lie.
fn without_rows(
    rows: usize,
    nulls: Option<&NullBuffer>,
    failed: Option<BooleanBuffer>,
    parts: impl Fn(usize) -> std::ops::Range<usize>,
) -> Option<NullBuffer> {
    let Some(failed) = failed else { return nulls.cloned() };
    let whole = NullBuffer::new(BooleanBuffer::collect_bool(rows, |row| !parts(row).any(|i| failed.value(i))));
    NullBuffer::union(nulls, Some(&whole))
}

pub(super) fn not_possible<T>(array: &ArrayRef, to: &To) -> Result<T> {
    plan_err!("CAST from {} to {} is not possible", type_name(array.data_type()), to.flink)
}

/// The unit of a timestamp type.
pub(super) fn unit_of(data_type: &DataType) -> TimeUnit {
    match data_type {
        DataType::Timestamp(unit, _) => *unit,
        _ => TimeUnit::Millisecond,
    }
}
