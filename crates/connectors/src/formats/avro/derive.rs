//! The Avro schema of a table's columns, as Flink derives it.
//!
//! A record is called `org.apache.flink.avro.generated.record`, a nested one as the record around it, `_` and the field's name; what may
//! be NULL is a union of `null` and its type, with NULL as default.

use arrow::datatypes::{DataType, Field, Fields, TimeUnit};
use flott_engine::text::timestamp_precision;
use flott_engine::{Error, Result};
use serde_json::Value;

use super::schema::{Id, Kind, Logical, MICROS, MILLIS, NANOS, RecordField, Schema};
use crate::formats::scalar::type_name;

/// Name of the outermost record.
pub const RECORD_NAME: &str = "org.apache.flink.avro.generated.record";

/// The schema of records with these fields. `legacy`: the option `timestamp_mapping.legacy`.
pub fn derive(fields: &Fields, legacy: bool) -> Result<Schema> {
    let mut schema = Schema::default();
    schema.root = record(&mut schema, fields, RECORD_NAME, legacy)?;
    Ok(schema)
}

/// Adds a record with these fields.
pub fn record(schema: &mut Schema, fields: &Fields, name: &str, legacy: bool) -> Result<Id> {
    let members = fields.iter().map(|field| {
        let id = nullable(schema, field, &format!("{name}_{}", field.name()), legacy)?;
        let default = field.is_nullable().then_some(Value::Null);
        Ok(RecordField { name: field.name().clone(), aliases: vec![], id, default })
    });
    let fields = members.collect::<Result<_>>()?;
    Ok(schema.add(Kind::Record { name: name.to_owned(), fields }, None))
}

fn nullable(schema: &mut Schema, field: &Field, name: &str, legacy: bool) -> Result<Id> {
    let id = value(schema, field, name, legacy)?;
    if !field.is_nullable() || matches!(schema.kind(id), Kind::Null) {
        return Ok(id);
    }
    let null = schema.add(Kind::Null, None);
    Ok(schema.add(Kind::Union(vec![null, id]), None))
}

fn value(schema: &mut Schema, field: &Field, name: &str, legacy: bool) -> Result<Id> {
    let (kind, logical) = match field.data_type() {
        DataType::Null => (Kind::Null, None),
        DataType::Boolean => (Kind::Boolean, None),
        DataType::Int8 | DataType::Int16 | DataType::Int32 => (Kind::Int, None),
        DataType::Int64 => (Kind::Long, None),
        DataType::Float32 => (Kind::Float, None),
        DataType::Float64 => (Kind::Double, None),
        DataType::Utf8 => (Kind::String, None),
        DataType::Binary => (Kind::Bytes, None),
        DataType::Decimal128(precision, scale) => (Kind::Bytes, Some(Logical::Decimal((*precision).into(), (*scale).into()))),
        DataType::Date32 => (Kind::Int, Some(Logical::Date)),
        DataType::Time32(TimeUnit::Millisecond) => (Kind::Int, Some(Logical::Time(MILLIS))),
        DataType::Timestamp(_, zone) => (Kind::Long, Some(timestamp(field, zone.is_some(), legacy)?)),
        DataType::List(element) => {
            // As in Flink, the option is not heard inside of arrays and maps.
            let items = nullable(schema, element, name, true)?;
            (Kind::Array(items), None)
        }
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(entry) if entry.len() == 2 && entry[0].data_type() == &DataType::Utf8 => {
                let values = nullable(schema, &entry[1], name, true)?;
                (Kind::Map(values), None)
            }
            DataType::Struct(entry) if entry.len() == 2 => {
                let key = type_name(entry[0].data_type());
                return Err(Error::config(format!("Column {}: Avro has only strings as keys of a MAP, not {key}", field.name())));
            }
            other => return Err(Error::internal(format!("Map entries of type {other}"))),
        },
        DataType::Struct(fields) => return record(schema, fields, name, legacy),
        other => {
            return Err(Error::config(format!("Column {} has the type {}, which Avro does not carry", field.name(), type_name(other))));
        }
    };
    Ok(schema.add(kind, logical))
}

fn timestamp(field: &Field, utc: bool, legacy: bool) -> Result<Logical> {
    let precision = timestamp_precision(field);
    if legacy {
        let wrong = if utc { Some("TIMESTAMP_LTZ".to_owned()) } else { (precision > 3).then(|| format!("TIMESTAMP({precision})")) };
        return match wrong {
            None => Ok(Logical::Timestamp(MILLIS)),
            Some(wrong) => Err(Error::config(format!("Column {}: Avro does not carry {wrong} in the old mapping of times", field.name()))
                .help("Set 'avro.timestamp_mapping.legacy' = 'false', or declare TIMESTAMP(3); inside of an ARRAY or MAP only that is carried")),
        };
    }
    let unit = match precision {
        0..=3 => MILLIS,
        4..=6 => MICROS,
        _ => NANOS,
    };
    Ok(if utc { Logical::Timestamp(unit) } else { Logical::LocalTimestamp(unit) })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn names_and_unions_are_those_of_flink() {
        let inner = DataType::Struct(vec![Field::new("z", DataType::Utf8, true)].into());
        let list = DataType::List(Arc::new(Field::new("element", DataType::Int32, false)));
        let fields = Fields::from(vec![
            Field::new("l", DataType::Int64, false),
            Field::new("r", inner, true),
            Field::new("a", list, true),
            Field::new("d", DataType::Decimal128(10, 2), true),
        ]);
        let text = derive(&fields, true).unwrap().to_json();
        let wanted = serde_json::json!({"type": "record", "name": "org.apache.flink.avro.generated.record", "fields": [
            {"name": "l", "type": "long"},
            {"name": "r", "type": ["null", {"type": "record", "name": "org.apache.flink.avro.generated.record_r", "fields": [
                {"name": "z", "type": ["null", "string"], "default": null}]}], "default": null},
            {"name": "a", "type": ["null", {"type": "array", "items": "int"}], "default": null},
            {"name": "d", "type": ["null", {"type": "bytes", "logicalType": "decimal", "precision": 10, "scale": 2}], "default": null}]});
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), wanted);
    }

    #[test]
    fn times_follow_the_option() {
        let field = |zone: Option<&str>| {
            Fields::from(vec![Field::new("t", DataType::Timestamp(TimeUnit::Millisecond, zone.map(Into::into)), false)])
        };
        let logical = |fields: &Fields, legacy| {
            let schema = derive(fields, legacy)?;
            Ok::<_, Error>(schema.get(0).logical)
        };
        assert_eq!(logical(&field(None), true).unwrap(), Some(Logical::Timestamp(MILLIS)));
        assert_eq!(logical(&field(None), false).unwrap(), Some(Logical::LocalTimestamp(MILLIS)));
        assert_eq!(logical(&field(Some("UTC")), false).unwrap(), Some(Logical::Timestamp(MILLIS)));
        assert!(logical(&field(Some("UTC")), true).unwrap_err().to_string().contains("TIMESTAMP_LTZ"));
    }
}
