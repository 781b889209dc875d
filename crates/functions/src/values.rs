//! Reading the arguments of a call row by row, constant or column alike, and building the result.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, BinaryArray, BooleanArray, BooleanBufferBuilder, Decimal128Array, Int8Array, Int16Array,
    Int32Array, Int64Array, PrimitiveArray, StringArray,
};
use arrow::buffer::{NullBuffer, ScalarBuffer};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, Time32MillisecondType,
    TimeUnit, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
};
use datafusion_common::{Result, ScalarValue, exec_datafusion_err, exec_err};
use datafusion_expr::ColumnarValue;

use super::def::Call;
use super::output::Nulls;
pub(crate) use super::output::TextOut;
use super::types;
use super::vector::Column;
use super::zone::Zone;

/// Powers of ten up to 10^38.
pub(crate) const POW10: [i128; 39] = {
    let mut powers = [1i128; 39];
    let mut i = 1;
    while i < 39 {
        powers[i] = powers[i - 1] * 10;
        i += 1;
    }
    powers
};

/// A text argument.
pub(crate) enum Text<'a> {
    Const(Option<&'a str>),
    Array(&'a StringArray),
}

impl Text<'_> {
    #[inline]
    pub fn get(&self, row: usize) -> Option<&str> {
        match self {
            Text::Const(value) => *value,
            Text::Array(array) if array.is_valid(row) => Some(array.value(row)),
            Text::Array(_) => None,
        }
    }
}

/// A bytes argument; a text is its UTF-8.
pub(crate) enum Bytes<'a> {
    Const(Option<&'a [u8]>),
    Text(&'a StringArray),
    Array(&'a BinaryArray),
}

impl Bytes<'_> {
    #[inline]
    pub fn get(&self, row: usize) -> Option<&[u8]> {
        match self {
            Bytes::Const(value) => *value,
            Bytes::Text(array) => array.is_valid(row).then(|| array.value(row).as_bytes()),
            Bytes::Array(array) => array.is_valid(row).then(|| array.value(row)),
        }
    }
}

/// A whole number argument of any width.
pub(crate) enum Ints<'a> {
    Const(Option<i64>),
    I8(&'a Int8Array),
    I16(&'a Int16Array),
    I32(&'a Int32Array),
    I64(&'a Int64Array),
}

impl Ints<'_> {
    #[inline]
    pub fn get(&self, row: usize) -> Option<i64> {
        match self {
            Ints::Const(value) => *value,
            Ints::I8(array) => array.is_valid(row).then(|| i64::from(array.value(row))),
            Ints::I16(array) => array.is_valid(row).then(|| i64::from(array.value(row))),
            Ints::I32(array) => array.is_valid(row).then(|| i64::from(array.value(row))),
            Ints::I64(array) => array.is_valid(row).then(|| array.value(row)),
        }
    }

    /// The value as an INT, which Flink's functions take; a greater BIGINT is held at the limit.
    #[inline]
    pub fn get_i32(&self, row: usize) -> Option<i32> {
        self.get(row).map(|value| value.clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32)
    }
}

/// A number argument read as DOUBLE.
pub(crate) enum Doubles {
    Const(Option<f64>),
    Array(PrimitiveArray<Float64Type>),
}

impl Doubles {
    /// All values at once; `None` for a NULL.
    pub fn column(&self) -> Option<Column<f64>> {
        match self {
            Doubles::Const(value) => value.map(Column::Constant),
            Doubles::Array(array) => Column::of(array, false),
        }
    }
}

/// A BOOLEAN argument.
pub(crate) enum Bools<'a> {
    Const(Option<bool>),
    Array(&'a BooleanArray),
}

impl Bools<'_> {
    #[inline]
    pub fn get(&self, row: usize) -> Option<bool> {
        match self {
            Bools::Const(value) => *value,
            Bools::Array(array) => array.is_valid(row).then(|| array.value(row)),
        }
    }
}

/// What kind of time an argument is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimeKind {
    /// Days since 1970-01-01.
    Date,
    /// Milliseconds of the day.
    Time,
    /// A local date and time, in this unit since 1970-01-01 00:00:00.
    Local(TimeUnit),
    /// A point in time, in this unit since the epoch in UTC.
    Instant(TimeUnit),
}

impl TimeKind {
    pub fn of(data_type: &DataType) -> Option<TimeKind> {
        Some(match data_type {
            DataType::Date32 => TimeKind::Date,
            DataType::Time32(_) => TimeKind::Time,
            DataType::Timestamp(unit, None) => TimeKind::Local(*unit),
            DataType::Timestamp(unit, Some(_)) => TimeKind::Instant(*unit),
            _ => return None,
        })
    }
}

/// A DATE, TIME or TIMESTAMP argument: the raw numbers and what they mean.
pub(crate) struct Times {
    pub kind: TimeKind,
    constant: Option<Option<i64>>,
    values: ScalarBuffer<i64>,
    nulls: Option<NullBuffer>,
}

impl Times {
    /// The raw number of a row, in the unit of `kind`.
    #[inline]
    pub fn get(&self, row: usize) -> Option<i64> {
        match self.constant {
            Some(value) => value,
            None if self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) => None,
            None => Some(self.values[row]),
        }
    }

    /// The row as milliseconds; a date is its midnight. Parts of a millisecond are dropped.
    #[inline]
    pub fn get_ms(&self, row: usize) -> Option<i64> {
        let raw = self.get(row)?;
        Some(match self.kind {
            TimeKind::Date => raw * 86_400_000,
            TimeKind::Time => raw,
            TimeKind::Local(unit) | TimeKind::Instant(unit) => unit_to_ms(raw, unit),
        })
    }

    /// All values at once, if they are timestamps in milliseconds on the clock of `zone`, and not NULL throughout.
    pub fn column_ms(&self, zone: Zone) -> Option<Column<i64>> {
        let (TimeKind::Local(unit) | TimeKind::Instant(unit)) = self.kind else { return None };
        if unit != TimeUnit::Millisecond || (matches!(self.kind, TimeKind::Instant(_)) && zone != Zone::UTC) {
            return None;
        }
        match self.constant {
            Some(value) => value.map(Column::Constant),
            None => Some(Column::Rows(self.values.clone(), self.nulls.clone())),
        }
    }

    /// The nanoseconds within the row's millisecond.
    #[inline]
    pub fn get_nanos_of_ms(&self, row: usize) -> i64 {
        match (self.kind, self.get(row)) {
            (TimeKind::Local(unit) | TimeKind::Instant(unit), Some(raw)) => match unit {
                TimeUnit::Microsecond => raw.rem_euclid(1000) * 1000,
                TimeUnit::Nanosecond => raw.rem_euclid(1_000_000),
                _ => 0,
            },
            _ => 0,
        }
    }
}

/// A time in `unit` as milliseconds, rounded down.
#[inline]
pub(crate) fn unit_to_ms(value: i64, unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Second => value.saturating_mul(1000),
        TimeUnit::Millisecond => value,
        TimeUnit::Microsecond => value.div_euclid(1000),
        TimeUnit::Nanosecond => value.div_euclid(1_000_000),
    }
}

/// A time in milliseconds and nanoseconds within the millisecond, as a number in `unit`, rounded down.
#[inline]
pub(crate) fn ms_to_unit(ms: i64, nanos_of_ms: i64, unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Second => ms.div_euclid(1000),
        TimeUnit::Millisecond => ms,
        TimeUnit::Microsecond => ms.saturating_mul(1000).saturating_add(nanos_of_ms / 1000),
        TimeUnit::Nanosecond => ms.saturating_mul(1_000_000).saturating_add(nanos_of_ms),
    }
}

impl Call<'_> {
    pub fn has(&self, index: usize) -> bool {
        index < self.args.len()
    }

    pub fn is_constant(&self, index: usize) -> bool {
        matches!(self.args.get(index), Some(ColumnarValue::Scalar(_)))
    }

    pub fn arg_type(&self, index: usize) -> &DataType {
        self.fields[index].data_type()
    }

    /// The argument as an array of `rows` values.
    pub fn array(&self, index: usize) -> Result<ArrayRef> {
        match &self.args[index] {
            ColumnarValue::Array(array) => Ok(Arc::clone(array)),
            ColumnarValue::Scalar(value) => value.to_array_of_size(self.rows),
        }
    }

    /// The argument as one array and whether it stands for all rows with its only value.
    pub fn array_or_constant(&self, index: usize) -> Result<(ArrayRef, bool)> {
        match &self.args[index] {
            ColumnarValue::Array(array) => Ok((Arc::clone(array), false)),
            ColumnarValue::Scalar(value) => Ok((value.to_array_of_size(1)?, true)),
        }
    }

    fn wrong_type<T>(&self, index: usize, wanted: &str) -> Result<T> {
        let actual = types::type_name(&self.args[index].data_type());
        exec_err!("{}: argument {} should be {wanted} but is {actual}", self.returns.name(), index + 1)
    }

    pub fn text(&self, index: usize) -> Result<Text<'_>> {
        match &self.args[index] {
            ColumnarValue::Scalar(ScalarValue::Utf8(value)) => Ok(Text::Const(value.as_deref())),
            ColumnarValue::Scalar(value) if value.is_null() => Ok(Text::Const(None)),
            ColumnarValue::Array(array) => match array.as_string_opt::<i32>() {
                Some(array) => Ok(Text::Array(array)),
                None if array.data_type().is_null() => Ok(Text::Const(None)),
                None => self.wrong_type(index, "STRING"),
            },
            _ => self.wrong_type(index, "STRING"),
        }
    }

    /// The text argument if the call has it, else `default`.
    pub fn text_or(&self, index: usize, default: &'static str) -> Result<Text<'_>> {
        if self.has(index) { self.text(index) } else { Ok(Text::Const(Some(default))) }
    }

    /// A text argument that is the same for all rows; `None` if it is a column or NULL.
    pub fn constant_text(&self, index: usize) -> Option<&str> {
        match self.args.get(index) {
            Some(ColumnarValue::Scalar(ScalarValue::Utf8(Some(text)))) => Some(text),
            _ => None,
        }
    }

    pub fn bytes(&self, index: usize) -> Result<Bytes<'_>> {
        match &self.args[index] {
            ColumnarValue::Scalar(ScalarValue::Binary(value)) => Ok(Bytes::Const(value.as_deref())),
            ColumnarValue::Scalar(ScalarValue::Utf8(value)) => Ok(Bytes::Const(value.as_deref().map(str::as_bytes))),
            ColumnarValue::Scalar(value) if value.is_null() => Ok(Bytes::Const(None)),
            ColumnarValue::Array(array) => match (array.as_binary_opt::<i32>(), array.as_string_opt::<i32>()) {
                (Some(array), _) => Ok(Bytes::Array(array)),
                (_, Some(array)) => Ok(Bytes::Text(array)),
                _ => self.wrong_type(index, "BYTES"),
            },
            _ => self.wrong_type(index, "BYTES"),
        }
    }

    pub fn int(&self, index: usize) -> Result<Ints<'_>> {
        Ok(match &self.args[index] {
            ColumnarValue::Scalar(value) => Ints::Const(match value {
                ScalarValue::Int8(v) => v.map(i64::from),
                ScalarValue::Int16(v) => v.map(i64::from),
                ScalarValue::Int32(v) => v.map(i64::from),
                ScalarValue::Int64(v) => *v,
                other if other.is_null() => None,
                _ => return self.wrong_type(index, "a whole number"),
            }),
            ColumnarValue::Array(array) => match array.data_type() {
                DataType::Int8 => Ints::I8(array.as_primitive::<Int8Type>()),
                DataType::Int16 => Ints::I16(array.as_primitive::<Int16Type>()),
                DataType::Int32 => Ints::I32(array.as_primitive::<Int32Type>()),
                DataType::Int64 => Ints::I64(array.as_primitive::<Int64Type>()),
                DataType::Null => Ints::Const(None),
                _ => return self.wrong_type(index, "a whole number"),
            },
        })
    }

    pub fn int_or(&self, index: usize, default: i64) -> Result<Ints<'_>> {
        if self.has(index) { self.int(index) } else { Ok(Ints::Const(Some(default))) }
    }

    pub fn bool(&self, index: usize) -> Result<Bools<'_>> {
        match &self.args[index] {
            ColumnarValue::Scalar(ScalarValue::Boolean(value)) => Ok(Bools::Const(*value)),
            ColumnarValue::Scalar(value) if value.is_null() => Ok(Bools::Const(None)),
            ColumnarValue::Array(array) => match array.as_boolean_opt() {
                Some(array) => Ok(Bools::Array(array)),
                None => self.wrong_type(index, "BOOLEAN"),
            },
            _ => self.wrong_type(index, "BOOLEAN"),
        }
    }

    pub fn double(&self, index: usize) -> Result<Doubles> {
        let (array, constant) = self.array_or_constant(index)?;
        let doubles = to_doubles(&array)?;
        if constant {
            return Ok(Doubles::Const(doubles.is_valid(0).then(|| doubles.value(0))));
        }
        Ok(Doubles::Array(doubles))
    }

    pub fn time(&self, index: usize) -> Result<Times> {
        let (array, constant) = self.array_or_constant(index)?;
        let Some(kind) = TimeKind::of(array.data_type()) else {
            return self.wrong_type(index, "a DATE, TIME or TIMESTAMP");
        };
        let widen = |values: &[i32]| values.iter().map(|v| i64::from(*v)).collect::<ScalarBuffer<i64>>();
        let values = match array.data_type() {
            DataType::Date32 => widen(array.as_primitive::<Date32Type>().values()),
            DataType::Time32(TimeUnit::Millisecond) => widen(array.as_primitive::<Time32MillisecondType>().values()),
            DataType::Timestamp(TimeUnit::Second, _) => array.as_primitive::<TimestampSecondType>().values().clone(),
            DataType::Timestamp(TimeUnit::Millisecond, _) => array.as_primitive::<TimestampMillisecondType>().values().clone(),
            DataType::Timestamp(TimeUnit::Microsecond, _) => array.as_primitive::<TimestampMicrosecondType>().values().clone(),
            DataType::Timestamp(TimeUnit::Nanosecond, _) => array.as_primitive::<TimestampNanosecondType>().values().clone(),
            _ => return self.wrong_type(index, "a DATE, TIME or TIMESTAMP"),
        };
        let constant = constant.then(|| array.is_valid(0).then(|| values[0]));
        Ok(Times { kind, constant, values, nulls: array.nulls().cloned() })
    }

    /// One text per row; the closure appends the row's text and returns true, or returns false for NULL.
    pub fn texts(&self, mut row: impl FnMut(usize, &mut Vec<u8>) -> Result<bool>) -> Result<ArrayRef> {
        let mut out = TextOut::new(self.rows, self.rows * 16);
        for i in 0..self.rows {
            let valid = row(i, out.buffer())?;
            out.end_row(valid);
            out.check()?;
        }
        out.finish()
    }

    /// One value of `T` per row, of the call's result type; `None` is NULL.
    pub fn primitives<T: ArrowPrimitiveType>(&self, mut row: impl FnMut(usize) -> Result<Option<T::Native>>) -> Result<ArrayRef> {
        let mut values = Vec::with_capacity(self.rows);
        let mut nulls = Nulls::new(self.rows);
        for i in 0..self.rows {
            let value = row(i)?;
            nulls.append(value.is_some());
            values.push(value.unwrap_or_default());
        }
        Ok(self.primitive_column::<T>(values, nulls))
    }

    /// Apart from [`Call::primitives`], which is compiled once for every function that uses it.
    fn primitive_column<T: ArrowPrimitiveType>(&self, values: Vec<T::Native>, nulls: Nulls) -> ArrayRef {
        let array = PrimitiveArray::<T>::new(values.into(), nulls.finish());
        Arc::new(array.with_data_type(self.returns.data_type().clone()))
    }

    /// One BOOLEAN per row; `None` is NULL.
    pub fn bools(&self, mut row: impl FnMut(usize) -> Result<Option<bool>>) -> Result<ArrayRef> {
        let mut values = BooleanBufferBuilder::new(self.rows);
        let mut nulls = Nulls::new(self.rows);
        for i in 0..self.rows {
            let value = row(i)?;
            nulls.append(value.is_some());
            values.append(value.unwrap_or_default());
        }
        Ok(Arc::new(BooleanArray::new(values.finish(), nulls.finish())))
    }

    /// One BYTES value per row; the closure appends the bytes and returns true, or false for NULL.
    pub fn binaries(&self, mut row: impl FnMut(usize, &mut Vec<u8>) -> Result<bool>) -> Result<ArrayRef> {
        let mut out = TextOut::new(self.rows, self.rows * 16);
        for i in 0..self.rows {
            let valid = row(i, out.buffer())?;
            out.end_row(valid);
        }
        out.finish_binary()
    }
}

/// Any number array as DOUBLE. A DECIMAL of up to 18 digits is divided as Flink does; a longer one is read exactly.
pub(crate) fn to_doubles(array: &ArrayRef) -> Result<PrimitiveArray<Float64Type>> {
    Ok(match array.data_type() {
        DataType::Int8 => array.as_primitive::<Int8Type>().unary(f64::from),
        DataType::Int16 => array.as_primitive::<Int16Type>().unary(f64::from),
        DataType::Int32 => array.as_primitive::<Int32Type>().unary(f64::from),
        DataType::Int64 => array.as_primitive::<Int64Type>().unary(|v| v as f64),
        DataType::Float32 => array.as_primitive::<Float32Type>().unary(f64::from),
        DataType::Float64 => array.as_primitive::<Float64Type>().clone(),
        DataType::Decimal128(precision, scale) => {
            let (precision, scale) = (*precision, *scale);
            array.as_primitive::<Decimal128Type>().unary(|v| decimal_to_double(v, precision, scale))
        }
        DataType::Null => PrimitiveArray::new_null(array.len()),
        other => return exec_err!("{} is not a number", types::type_name(other)),
    })
}

/// A DECIMAL's unscaled value as DOUBLE.
pub(crate) fn decimal_to_double(unscaled: i128, precision: u8, scale: i8) -> f64 {
    if precision <= 18 {
        return unscaled as f64 / POW10[scale.max(0) as usize] as f64;
    }
    let mut text = Vec::with_capacity(48);
    flott_engine::text::push_decimal(&mut text, unscaled, scale);
    let text: Cow<str> = String::from_utf8_lossy(&text);
    text.parse().unwrap_or(f64::NAN)
}

/// The array as DECIMAL(38, its own scale) values; integers have scale 0.
pub(crate) fn to_decimals(array: &ArrayRef) -> Result<Decimal128Array> {
    let wide = |array: Decimal128Array, scale: i8| array.with_data_type(DataType::Decimal128(38, scale));
    Ok(match array.data_type() {
        DataType::Int8 => wide(array.as_primitive::<Int8Type>().unary(i128::from), 0),
        DataType::Int16 => wide(array.as_primitive::<Int16Type>().unary(i128::from), 0),
        DataType::Int32 => wide(array.as_primitive::<Int32Type>().unary(i128::from), 0),
        DataType::Int64 => wide(array.as_primitive::<Int64Type>().unary(i128::from), 0),
        DataType::Decimal128(_, scale) => wide(array.as_primitive::<Decimal128Type>().clone(), *scale),
        DataType::Null => wide(Decimal128Array::new_null(array.len()), 0),
        other => return exec_err!("{} is not an exact number", types::type_name(other)),
    })
}

/// The downcast of an array whose type was checked at planning time.
pub(crate) fn primitive<T: ArrowPrimitiveType>(array: &ArrayRef) -> Result<&PrimitiveArray<T>> {
    array.as_primitive_opt::<T>().ok_or_else(|| exec_datafusion_err!("Expected {} but got {}", T::DATA_TYPE, array.data_type()))
}
