//! Flink's types as Arrow carries them: their names, the common type of several, and the parts that Arrow has no place for.
//!
//! CHAR(n), VARCHAR(n), BINARY(n) and the exact precision of a TIMESTAMP have no Arrow type of their own. A field that
//! knows them says so in its metadata, under [`FLINK_TYPE`].

use arrow::datatypes::{DataType, Field, FieldRef, Fields, TimeUnit};
use datafusion_common::ScalarValue;

/// The key of a field's metadata whose value is the field's exact Flink type, such as `VARCHAR(3)`, without NOT NULL.
pub const FLINK_TYPE: &str = "flink.type";

/// The greatest precision of a DECIMAL.
pub const MAX_PRECISION: u8 = 38;

/// TIMESTAMP_LTZ in this unit: Arrow's timestamp with the zone UTC.
pub fn ltz(unit: TimeUnit) -> DataType {
    DataType::Timestamp(unit, Some("UTC".into()))
}

/// The name of a type as SQL writes it, without nullability.
pub fn type_name(data_type: &DataType) -> String {
    use DataType as D;
    match data_type {
        D::Null => "NULL".into(),
        D::Boolean => "BOOLEAN".into(),
        D::Int8 => "TINYINT".into(),
        D::Int16 => "SMALLINT".into(),
        D::Int32 => "INT".into(),
        D::Int64 => "BIGINT".into(),
        D::Float32 => "FLOAT".into(),
        D::Float64 => "DOUBLE".into(),
        D::Decimal128(precision, scale) => format!("DECIMAL({precision}, {scale})"),
        D::Utf8 | D::LargeUtf8 | D::Utf8View => "STRING".into(),
        D::Binary | D::LargeBinary | D::BinaryView => "BYTES".into(),
        D::FixedSizeBinary(length) => format!("BINARY({length})"),
        D::Date32 => "DATE".into(),
        D::Time32(TimeUnit::Second) => "TIME(0)".into(),
        D::Time32(_) => "TIME(3)".into(),
        D::Timestamp(unit, None) => format!("TIMESTAMP({})", unit_precision(unit)),
        D::Timestamp(unit, Some(_)) => format!("TIMESTAMP_LTZ({})", unit_precision(unit)),
        D::Interval(arrow::datatypes::IntervalUnit::YearMonth) => "INTERVAL MONTH".into(),
        D::Interval(_) | D::Duration(_) => "INTERVAL SECOND(3)".into(),
        D::List(item) => format!("ARRAY<{}>", type_text(item)),
        D::Map(entries, _) => match entries.data_type() {
            D::Struct(fields) if fields.len() == 2 => {
                format!("MAP<{}, {}>", type_text(&fields[0]), type_text(&fields[1]))
            }
            _ => "MAP".into(),
        },
        D::Struct(fields) => {
            let parts: Vec<String> = fields.iter().map(|f| format!("`{}` {}", f.name(), type_text(f))).collect();
            format!("ROW<{}>", parts.join(", "))
        }
        other => format!("{other}"),
    }
}

/// The type of a field with its nullability: `INT NOT NULL`.
pub fn type_text(field: &Field) -> String {
    let name = field.metadata().get(FLINK_TYPE).cloned().unwrap_or_else(|| type_name(field.data_type()));
    if field.is_nullable() { name } else { format!("{name} NOT NULL") }
}

/// The exact Flink type of an expression, without nullability: a text literal of n characters is CHAR(n).
pub fn flink_type(field: &Field, literal: Option<&ScalarValue>) -> String {
    if let Some(text) = field.metadata().get(FLINK_TYPE) {
        return text.clone();
    }
    match literal {
        Some(ScalarValue::Utf8(Some(text))) => format!("CHAR({})", text.chars().count()),
        Some(ScalarValue::Binary(Some(bytes))) => format!("BINARY({})", bytes.len()),
        _ => type_name(field.data_type()),
    }
}

/// The n of `CHAR(n)`, `VARCHAR(n)`, `BINARY(n)`, `VARBINARY(n)`; `None` for any other type.
pub fn text_length(flink_type: &str) -> Option<usize> {
    let (head, rest) = flink_type.split_once('(')?;
    if !matches!(head.trim().to_ascii_uppercase().as_str(), "CHAR" | "VARCHAR" | "BINARY" | "VARBINARY") {
        return None;
    }
    rest.split_once(')')?.0.trim().parse().ok()
}

/// The precision of `TIMESTAMP(p)`, `TIMESTAMP_LTZ(p)` or `TIME(p)`; `None` for any other type.
pub fn time_precision(flink_type: &str) -> Option<u8> {
    let (head, rest) = flink_type.split_once('(')?;
    if !head.trim().to_ascii_uppercase().starts_with("TIME") {
        return None;
    }
    rest.split_once(')')?.0.trim().parse().ok()
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
    let binary = |t: &DataType| matches!(t, D::Binary | D::LargeBinary | D::BinaryView | D::FixedSizeBinary(_));
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
        (D::Timestamp(unit, zone), D::Date32) | (D::Date32, D::Timestamp(unit, zone)) => {
            Some(D::Timestamp(*unit, zone.clone()))
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

fn common_field(a: &FieldRef, b: &FieldRef) -> Option<FieldRef> {
    let data_type = common_pair(a.data_type(), b.data_type())?;
    Some(std::sync::Arc::new(Field::new(a.name(), data_type, a.is_nullable() || b.is_nullable())))
}

fn common_number(a: &DataType, b: &DataType) -> DataType {
    match (exact_digits(a), exact_digits(b)) {
        (Some((p1, 0)), Some((p2, 0))) if is_integer(a) && is_integer(b) => {
            if p1 >= p2 { a.clone() } else { b.clone() }
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
