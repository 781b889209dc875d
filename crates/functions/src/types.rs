//! What functions ask of types: names for messages, lengths of texts, the common type of several.
//!
use arrow::datatypes::{DataType, Field, FieldRef, Fields, TimeUnit};
use datafusion_common::ScalarValue;

use crate::data_type::{ColumnType, FlinkType, MAX_LENGTH, RowField};

/// TIMESTAMP_LTZ in this unit: Arrow's timestamp with the zone UTC.
pub fn ltz(unit: TimeUnit) -> DataType {
    DataType::Timestamp(unit, Some("UTC".into()))
}

/// The name of a type as SQL writes it, without nullability.
pub fn type_name(data_type: &DataType) -> String {
    FlinkType::from_arrow(data_type).to_string()
}

/// The type of a field with its nullability: `INT NOT NULL`.
pub fn type_text(field: &Field) -> String {
    let (ty, nullable) = FlinkType::from_field(field);
    ColumnType { ty, nullable }.to_string()
}

/// The exact Flink type of an expression: a text literal of n UTF-16 units is CHAR(n).
pub fn flink_type(field: &Field, literal: Option<&ScalarValue>) -> FlinkType {
    let (ty, _) = FlinkType::from_field(field);
    match (&ty, literal) {
        (&FlinkType::STRING, Some(ScalarValue::Utf8(Some(text)))) => FlinkType::Char(text.encode_utf16().count() as u32),
        (FlinkType::IntervalSecond, Some(ScalarValue::IntervalMonthDayNano(Some(interval)))) if interval.months != 0 => {
            FlinkType::IntervalMonth
        }
        (&FlinkType::BYTES, Some(ScalarValue::Binary(Some(bytes)))) => FlinkType::Binary(bytes.len() as u32),
        _ => ty,
    }
}

/// The length of a character type that has one; STRING has none.
pub fn text_length(flink_type: &FlinkType) -> Option<u32> {
    match flink_type {
        FlinkType::Char(n) | FlinkType::Varchar(n) if *n != MAX_LENGTH => Some(*n),
        _ => None,
    }
}

/// The precision that a unit of time stands for: seconds 0, milliseconds 3, microseconds 6, nanoseconds 9.
pub fn unit_precision(unit: &TimeUnit) -> u8 {
    match unit {
        TimeUnit::Second => 0,
        TimeUnit::Millisecond => 3,
        TimeUnit::Microsecond => 6,
        TimeUnit::Nanosecond => 9,
    }
}

/// The coarsest unit that holds timestamps of this precision; milliseconds at least.
pub fn precision_unit(precision: u8) -> TimeUnit {
    match precision {
        0..=3 => TimeUnit::Millisecond,
        4..=6 => TimeUnit::Microsecond,
        _ => TimeUnit::Nanosecond,
    }
}

/// Whether the type is a number: integer, floating point or DECIMAL.
pub fn is_number(data_type: &DataType) -> bool {
    is_integer(data_type) || is_float(data_type) || matches!(data_type, DataType::Decimal128(..))
}

/// TINYINT, SMALLINT, INT or BIGINT.
pub fn is_integer(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64)
}

/// FLOAT or DOUBLE.
pub fn is_float(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Float32 | DataType::Float64)
}

/// An exact number's digits as (precision, scale); integers have scale 0.
pub fn exact_digits(data_type: &DataType) -> Option<(u8, i8)> {
    Some(match data_type {
        DataType::Int8 => (3, 0),
        DataType::Int16 => (5, 0),
        DataType::Int32 => (10, 0),
        DataType::Int64 => (19, 0),
        DataType::Decimal128(precision, scale) => (*precision, *scale),
        _ => return None,
    })
}

/// The type that Flink gives a CASE, COALESCE, GREATEST or UNION over these types; `None` if they have none in common.
/// NULL fits every type; NULL alone stays NULL.
pub fn common_type(types: &[DataType]) -> Option<DataType> {
    let mut types = types.iter();
    let mut result = types.next()?.clone();
    for next in types {
        result = common_pair(&result, next)?;
    }
    Some(result)
}

fn common_pair(a: &DataType, b: &DataType) -> Option<DataType> {
    use DataType as D;
    let text = |t: &DataType| matches!(t, D::Utf8 | D::LargeUtf8 | D::Utf8View);
    let binary = |t: &DataType| matches!(t, D::Binary | D::FixedSizeBinary(_));
    match (a, b) {
        _ if a == b => Some(a.clone()),
        (D::Null, other) | (other, D::Null) => Some(other.clone()),
        _ if text(a) && text(b) => Some(D::Utf8),
        _ if binary(a) && binary(b) => Some(D::Binary),
        _ if is_number(a) && is_number(b) => Some(common_number(a, b)),
        (D::Timestamp(u, zone), D::Timestamp(v, other)) => {
            let unit = if unit_precision(u) >= unit_precision(v) { *u } else { *v };
            Some(D::Timestamp(unit, zone.clone().or_else(|| other.clone())))
        }
        (D::Time32(_), D::Time32(_)) => Some(D::Time32(TimeUnit::Millisecond)),
        (D::List(x), D::List(y)) => Some(D::List(common_field(x, y)?)),
        (D::Map(x, sorted), D::Map(y, _)) => Some(D::Map(common_field(x, y)?, *sorted)),
        (D::Struct(x), D::Struct(y)) if x.len() == y.len() => {
            let fields: Option<Fields> = x.iter().zip(y.iter()).map(|(x, y)| common_field(x, y)).collect();
            Some(D::Struct(fields?))
        }
        _ => None,
    }
}

/// Whether a value of one type may stand where another is asked for, without a CAST: nothing of it can be lost.
pub(crate) fn fits(from: &DataType, to: &DataType) -> bool {
    use DataType as D;
    match (from, to) {
        _ if from == to || from.is_null() => true,
        (from, D::Float64) => is_number(from),
        (from, D::Float32) => is_number(from) && *from != D::Float64,
        (from, D::Decimal128(..)) => exact_digits(from).is_some(),
        (from, to) if is_integer(from) && is_integer(to) => exact_digits(from) <= exact_digits(to),
        (D::Timestamp(..), D::Timestamp(..)) | (D::Time32(_), D::Time32(_)) => true,
        (D::List(_), D::List(_)) | (D::Map(..), D::Map(..)) | (D::Struct(_), D::Struct(_)) => {
            common_pair(from, to).is_some_and(|common| common.equals_datatype(to))
        }
        _ => false,
    }
}

fn common_field(a: &FieldRef, b: &FieldRef) -> Option<FieldRef> {
    let data_type = common_pair(a.data_type(), b.data_type())?;
    Some(std::sync::Arc::new(Field::new(a.name(), data_type, a.is_nullable() || b.is_nullable())))
}

fn common_number(a: &DataType, b: &DataType) -> DataType {
    match (exact_digits(a), exact_digits(b)) {
        (Some((p1, 0)), Some((p2, 0))) if is_integer(a) && is_integer(b) => {
            if p1 >= p2 {
                a.clone()
            } else {
                b.clone()
            }
        }
        (Some((p1, s1)), Some((p2, s2))) => {
            let digits = (i16::from(p1) - i16::from(s1)).max(i16::from(p2) - i16::from(s2)).min(38);
            let scale = i16::from(s1.max(s2)).min(38 - digits);
            DataType::Decimal128((digits + scale) as u8, scale as i8)
        }
        // A FLOAT stays one beside an integer, and becomes DOUBLE beside a DECIMAL or a DOUBLE.
        _ => {
            let wide = |t: &DataType| matches!(t, DataType::Float64 | DataType::Decimal128(..));
            if wide(a) || wide(b) { DataType::Float64 } else { DataType::Float32 }
        }
    }
}

/// The type of an ARRAY, a MAP or a ROW of such values.
pub(crate) fn nested_type(data_type: &DataType, columns: &[ColumnType]) -> Option<FlinkType> {
    let common = |from: usize, step: usize| -> Option<Box<ColumnType>> {
        let of = || columns.iter().skip(from).step_by(step);
        let ty = common_exact(of().filter(|c| c.ty != FlinkType::Null).map(|c| c.ty.clone()))?;
        Some(Box::new(ColumnType { ty, nullable: of().any(|c| c.nullable) }))
    };
    match data_type {
        DataType::List(_) => Some(FlinkType::Array(common(0, 1)?)),
        DataType::Map(..) => Some(FlinkType::Map(common(0, 2)?, common(1, 2)?)),
        DataType::Struct(fields) if fields.len() == columns.len() => {
            let field = |(f, column): (&FieldRef, &ColumnType)| RowField { name: f.name().clone(), column: column.clone(), comment: None };
            Some(FlinkType::Row(fields.iter().zip(columns).map(field).collect()))
        }
        _ => None,
    }
}

/// The exact type of several values of one Arrow type: their own if they agree; of texts of different lengths the longest.
pub(crate) fn common_exact(mut types: impl Iterator<Item = FlinkType>) -> Option<FlinkType> {
    let first = types.next()?;
    types.try_fold(first, |common, next| {
        if common == next {
            return Some(common);
        }
        let longest = text_length(&common)?.max(text_length(&next)?);
        Some(FlinkType::Varchar(longest))
    })
}

/// The exact type of a collection made of such ones: their elements' exact types where they agree, NULL allowed as `data_type` says.
pub(crate) fn common_collection(types: impl Iterator<Item = FlinkType>, data_type: &DataType) -> Option<FlinkType> {
    let (mut firsts, mut seconds, mut keys_nullable) = (vec![], vec![], false);
    for ty in types {
        match ty {
            FlinkType::Array(element) => firsts.push(element.ty),
            FlinkType::Map(key, value) => {
                // Arrow's keys are never NULL, Flink's type may say otherwise.
                keys_nullable |= key.nullable;
                firsts.push(key.ty);
                seconds.push(value.ty);
            }
            _ => return None,
        }
    }
    let column = |types: Vec<FlinkType>, nullable: bool| Some(Box::new(ColumnType { ty: common_exact(types.into_iter())?, nullable }));
    match data_type {
        DataType::List(item) => Some(FlinkType::Array(column(firsts, item.is_nullable())?)),
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(fields) => Some(FlinkType::Map(column(firsts, keys_nullable)?, column(seconds, fields[1].is_nullable())?)),
            _ => None,
        },
        _ => None,
    }
}
