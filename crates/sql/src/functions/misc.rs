//! What belongs to no group: types of values, unique identifiers.

use arrow::array::ArrayRef;
use datafusion_common::Result;
use datafusion_expr::ColumnarValue;

use super::clock::random_bits;
use super::def::{Arg, Call, Def, Length, Nulls, Ret};
use super::hash::push_hex;
use super::types::flink_type;
use crate::types::{ColumnType, FlinkType};

pub(super) const FUNCTIONS: &[Def] = &[
    Def::new("typeof", &[Arg::Any, Arg::Bool], Ret::Text, type_of).optional(1).nullable().doc(
        "TYPEOF(value)",
        "The type of the value, as SQL writes it.",
        "TYPEOF(1) = 'INT NOT NULL'",
    ),
    Def::new("uuid", &[], Ret::Text, uuid).nulls(Nulls::Never).length(Length::Chars(36)).per_row().doc(
        "UUID()",
        "A random identifier (version 4) of 36 characters.",
        "",
    ),
];

fn type_of(call: &Call) -> Result<ArrayRef> {
    let literal = match &call.args[0] {
        ColumnarValue::Scalar(scalar) => Some(scalar),
        ColumnarValue::Array(_) => None,
    };
    let ty = flink_type(&call.fields[0], literal);
    // A bare NULL has a type of its own, without nullability.
    let nullable = ty == FlinkType::Null || call.fields[0].is_nullable();
    let text = ColumnType { ty, nullable }.to_string();
    call.texts(|_, out| {
        out.extend_from_slice(text.as_bytes());
        Ok(true)
    })
}

fn uuid(call: &Call) -> Result<ArrayRef> {
    call.texts(|_, out| {
        let mut bytes = [0u8; 16];
        bytes[..8].copy_from_slice(&random_bits().to_be_bytes());
        bytes[8..].copy_from_slice(&random_bits().to_be_bytes());
        // Version 4, variant 1.
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        for (i, part) in [&bytes[..4], &bytes[4..6], &bytes[6..8], &bytes[8..10], &bytes[10..]].iter().enumerate() {
            if i > 0 {
                out.push(b'-');
            }
            push_hex(out, part);
        }
        Ok(true)
    })
}
