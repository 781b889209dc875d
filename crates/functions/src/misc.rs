//! What belongs to no group: types of values, unique identifiers.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, Field};
use datafusion_common::{Result, ScalarValue};
use datafusion_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};

use super::clock::random_bits;
use super::def::{Arg, Call, Def, Length, Nulls, Ret};
use super::hash::push_hex;
use super::types::flink_type;
use crate::data_type::{ColumnType, FlinkType};

pub(super) const FUNCTIONS: &[Def] = &[
    Def::new("typeof", &[Arg::Any, Arg::Bool], Ret::Text, type_of_call).optional(1).nullable().doc(
        "TYPEOF(value)",
        "The type of the value, as SQL writes it.",
        "TYPEOF(1) = 'INT NOT NULL'",
    ),
    Def::new("uuid", &[], Ret::Text, uuid).nulls(Nulls::Never).length(Length::Chars(36)).per_row().doc(
        "UUID()",
        "A random identifier (version 4) of 36 characters.",
        "CHAR_LENGTH(UUID()) = 36",
    ),
];

/// What TYPEOF says of an expression with this field; `literal` is its value if it is a constant.
pub fn type_of(field: &Field, literal: Option<&ScalarValue>) -> String {
    let ty = flink_type(field, literal);
    // A bare NULL has a type of its own, without nullability.
    let nullable = ty == FlinkType::Null || field.is_nullable();
    ColumnType { ty, nullable }.to_string()
}

/// The function of no arguments that gives this text: TYPEOF, when the type is known. Like TYPEOF it may be NULL, as far as types tell.
pub fn type_text(text: String) -> Arc<ScalarUDF> {
    Arc::new(ScalarUDF::from(TypeText { text, signature: Signature::nullary(Volatility::Immutable) }))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct TypeText {
    text: String,
    signature: Signature,
}

impl ScalarUDFImpl for TypeText {
    fn name(&self) -> &str {
        "typeof"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        Ok(ColumnarValue::Scalar(ScalarValue::from(self.text.as_str())))
    }
}

fn type_of_call(call: &Call) -> Result<ArrayRef> {
    let literal = match &call.args[0] {
        ColumnarValue::Scalar(scalar) => Some(scalar),
        ColumnarValue::Array(_) => None,
    };
    let text = type_of(&call.fields[0], literal);
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
