//! What the arguments of a function must be, and the types that they are converted to.

use arrow::datatypes::{DataType, TimeUnit};

use super::types;

/// What an argument must be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Arg {
    Text,
    Binary,
    /// Text or bytes.
    Bytes,
    Int,
    /// Any number.
    Number,
    Bool,
    /// DATE, TIME, TIMESTAMP or TIMESTAMP_LTZ.
    Time,
    /// A time or an interval.
    TimeOrInterval,
    /// A time or a text that holds one.
    TimeOrText,
    Array,
    Map,
    Bitmap,
    Any,
    /// Any type, but one common type for all arguments of this kind.
    Same,
    /// Arrays, all of one common type.
    SameArray,
    /// Maps, all of one common type.
    SameMap,
    /// A value that fits among the elements of the first argument, an array.
    Element,
}

/// What a value becomes among the elements of an array; `None` if it does not fit there.
pub(crate) fn element_target(array: Option<&DataType>, actual: &DataType) -> Option<DataType> {
    match array? {
        DataType::List(item) => types::fits(actual, item.data_type()).then(|| item.data_type().clone()),
        _ => Some(actual.clone()),
    }
}

impl Arg {
    pub fn is_same(self) -> bool {
        matches!(self, Arg::Same | Arg::SameArray | Arg::SameMap)
    }

    /// The type to convert an argument of type `actual` to, or `None` if it does not fit.
    pub fn coerce(self, actual: &DataType) -> Option<DataType> {
        use DataType as D;
        let text = matches!(actual, D::Utf8 | D::LargeUtf8 | D::Utf8View);
        let binary = matches!(actual, D::Binary | D::FixedSizeBinary(_));
        let time = matches!(actual, D::Date32 | D::Time32(TimeUnit::Millisecond) | D::Timestamp(..));
        let null = actual.is_null();
        let keep = |fits: bool| fits.then(|| actual.clone());
        match self {
            Arg::Text | Arg::Bytes | Arg::TimeOrText if text || null => Some(D::Utf8),
            Arg::Binary | Arg::Bytes if binary || null => Some(D::Binary),
            Arg::Text | Arg::Binary | Arg::Bytes => None,
            Arg::Int if null => Some(D::Int32),
            Arg::Int => keep(matches!(actual, D::Int8 | D::Int16 | D::Int32 | D::Int64)),
            Arg::Number if null => Some(D::Int32),
            Arg::Number => keep(types::is_number(actual)),
            Arg::Bool => (null || *actual == D::Boolean).then_some(D::Boolean),
            Arg::Time | Arg::TimeOrInterval if null => Some(D::Timestamp(TimeUnit::Millisecond, None)),
            Arg::TimeOrInterval => keep(time || matches!(actual, D::Interval(_))),
            Arg::Time | Arg::TimeOrText => keep(time),
            Arg::Array | Arg::SameArray => keep(matches!(actual, D::List(_) | D::Null)),
            Arg::Map | Arg::SameMap => keep(matches!(actual, D::Map(..) | D::Null)),
            Arg::Bitmap => (null || *actual == D::BinaryView).then_some(D::BinaryView),
            Arg::Any | Arg::Same | Arg::Element => Some(actual.clone()),
        }
    }

    pub fn expectation(self) -> &'static str {
        match self {
            Arg::Text => "a STRING",
            Arg::Binary => "BYTES",
            Arg::Bytes => "a STRING or BYTES",
            Arg::Int => "a whole number",
            Arg::Number => "a number",
            Arg::Bool => "a BOOLEAN",
            Arg::Time => "a DATE, TIME or TIMESTAMP",
            Arg::TimeOrInterval => "a DATE, TIME, TIMESTAMP or INTERVAL",
            Arg::TimeOrText => "a TIMESTAMP, a DATE or a STRING",
            Arg::Array | Arg::SameArray => "an ARRAY",
            Arg::Map | Arg::SameMap => "a MAP",
            Arg::Element => "of the type of the array's elements, or of one that fits into it",
            Arg::Bitmap => "a BITMAP",
            Arg::Any => "a value",
            Arg::Same => "of a type that all these arguments share",
        }
    }
}
