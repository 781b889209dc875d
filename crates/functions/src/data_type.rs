//! Flink's SQL data types: how they are written, and how they map to Arrow and back.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, IntervalUnit, TimeUnit};

/// Key of the field metadata that keeps what Arrow's type cannot say (`CHAR(3)`, `MULTISET<INT>`, ...).
/// The value is the type's text, as [`FlinkType`] prints it, without nullability.
pub const FLINK_TYPE_KEY: &str = "flink.type";

/// Length of `STRING` and `BYTES`: the longest `VARCHAR` and `VARBINARY`.
pub const MAX_LENGTH: u32 = 2_147_483_647;

/// Precision of `TIMESTAMP` and `TIMESTAMP_LTZ` when none is written, in fractional digits.
pub const DEFAULT_TIMESTAMP_PRECISION: u8 = 6;

/// A Flink data type without its own nullability. Nested types carry theirs in [`ColumnType`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum FlinkType {
    /// `CHAR(n)`, n characters.
    Char(u32),
    /// `VARCHAR(n)`; `STRING` when n is [`MAX_LENGTH`].
    Varchar(u32),
    /// `BOOLEAN`.
    Boolean,
    /// `BINARY(n)`, n bytes.
    Binary(u32),
    /// `VARBINARY(n)`; `BYTES` when n is [`MAX_LENGTH`].
    Varbinary(u32),
    /// `DECIMAL(precision, scale)`, in decimal digits.
    Decimal { precision: u8, scale: u8 },
    /// `TINYINT`, 8 bits.
    TinyInt,
    /// `SMALLINT`, 16 bits.
    SmallInt,
    /// `INT`, 32 bits.
    Int,
    /// `BIGINT`, 64 bits.
    BigInt,
    /// `FLOAT`, 32 bits.
    Float,
    /// `DOUBLE`, 64 bits.
    Double,
    /// `DATE`.
    Date,
    /// `TIME(p)`, p fractional digits.
    Time(u8),
    /// `TIMESTAMP(p)`: wall clock time without a zone.
    Timestamp(u8),
    /// `TIMESTAMP_LTZ(p)`: an instant, shown in the session's zone.
    TimestampLtz(u8),
    /// `INTERVAL MONTH` and every year-month range.
    IntervalMonth,
    /// `INTERVAL SECOND(3)` and every day-time range.
    IntervalSecond,
    /// `ARRAY<t>`.
    Array(Box<ColumnType>),
    /// `MULTISET<t>`.
    Multiset(Box<ColumnType>),
    /// `MAP<key, value>`.
    Map(Box<ColumnType>, Box<ColumnType>),
    /// `ROW<name type 'comment', ...>`.
    Row(Vec<RowField>),
    /// `RAW('class', 'snapshot')`: an opaque value of a Java class.
    Raw { class: String, snapshot: String },
    /// `VARIANT`: a semi-structured value.
    Variant,
    /// `BITMAP`: a set of 32-bit integers.
    Bitmap,
    /// The type of a bare `NULL`.
    Null,
}

/// A type together with its nullability, as columns, array elements and row fields have it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ColumnType {
    pub ty: FlinkType,
    /// False for `NOT NULL`.
    pub nullable: bool,
}

/// One field of a [`FlinkType::Row`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RowField {
    pub name: String,
    pub column: ColumnType,
    pub comment: Option<String>,
}

impl ColumnType {
    /// The nullable form of `ty`.
    pub fn nullable(ty: FlinkType) -> Self {
        Self { ty, nullable: true }
    }

    /// The `NOT NULL` form of `ty`.
    pub fn not_null(ty: FlinkType) -> Self {
        Self { ty, nullable: false }
    }

    /// The type that prints as `text`, for example `ARRAY<INT NOT NULL> NOT NULL`; `None` if none does.
    pub fn from_text(text: &str) -> Option<Self> {
        crate::type_text::read(text)
    }
}

impl FlinkType {
    /// `STRING`.
    pub const STRING: FlinkType = FlinkType::Varchar(MAX_LENGTH);
    /// `BYTES`.
    pub const BYTES: FlinkType = FlinkType::Varbinary(MAX_LENGTH);

    /// The Arrow type that holds values of this type. Lengths, most precisions and the like are lost;
    /// [`FlinkType::to_field`] keeps them.
    pub fn to_arrow(&self) -> DataType {
        match self {
            Self::Char(_) | Self::Varchar(_) => DataType::Utf8,
            Self::Boolean => DataType::Boolean,
            Self::Binary(_) | Self::Varbinary(_) => DataType::Binary,
            Self::Raw { .. } => DataType::Binary,
            // Arrow types that nothing else here has, so that they are known in nested types and to functions too.
            Self::Variant => DataType::LargeBinary,
            Self::Bitmap => DataType::BinaryView,
            Self::Decimal { precision, scale } => DataType::Decimal128(*precision, *scale as i8),
            Self::TinyInt => DataType::Int8,
            Self::SmallInt => DataType::Int16,
            Self::Int => DataType::Int32,
            Self::BigInt => DataType::Int64,
            Self::Float => DataType::Float32,
            Self::Double => DataType::Float64,
            Self::Date => DataType::Date32,
            Self::Time(_) => DataType::Time32(TimeUnit::Millisecond),
            Self::Timestamp(p) => DataType::Timestamp(timestamp_unit(*p), None),
            Self::TimestampLtz(p) => DataType::Timestamp(timestamp_unit(*p), Some("UTC".into())),
            Self::IntervalMonth | Self::IntervalSecond => DataType::Interval(IntervalUnit::MonthDayNano),
            Self::Array(element) => DataType::List(Arc::new(element.child("item"))),
            Self::Multiset(element) => map_type(element.child("key"), Field::new("value", DataType::Int32, false)),
            Self::Map(key, value) => map_type(key.child("key"), value.child("value")),
            Self::Row(fields) => DataType::Struct(fields.iter().map(|f| f.column.child(&f.name)).collect::<Fields>()),
            Self::Null => DataType::Null,
        }
    }

    /// An Arrow field of this type. What the Arrow type cannot say goes into the metadata under
    /// [`FLINK_TYPE_KEY`], for the outermost field only: nested Arrow types stay plain, so that
    /// arrays built by kernels compare equal to the schema.
    pub fn to_field(&self, name: &str, nullable: bool) -> Field {
        let field = Field::new(name, self.to_arrow(), nullable);
        if &Self::from_arrow(field.data_type()) == self {
            return field;
        }
        field.with_metadata([(FLINK_TYPE_KEY.to_string(), self.to_string())].into())
    }

    /// The type and the nullability of an Arrow field: from its metadata when it has any, else the
    /// widest Flink type with the same Arrow type (`Utf8` gives `STRING`).
    pub fn from_field(field: &Field) -> (FlinkType, bool) {
        let kept = field.metadata().get(FLINK_TYPE_KEY).and_then(|text| ColumnType::from_text(text));
        match kept {
            Some(column) if column.ty.to_arrow().equals_datatype(field.data_type()) => (column.ty, field.is_nullable()),
            _ => (Self::from_arrow(field.data_type()), field.is_nullable()),
        }
    }

    /// The widest Flink type that an Arrow type stands for. Arrow types that Flink lacks map to the
    /// nearest type that holds all their values.
    pub fn from_arrow(data_type: &DataType) -> FlinkType {
        use DataType as A;
        match data_type {
            A::Null => Self::Null,
            A::Boolean => Self::Boolean,
            A::Int8 => Self::TinyInt,
            A::Int16 | A::UInt8 => Self::SmallInt,
            A::Int32 | A::UInt16 => Self::Int,
            A::Int64 | A::UInt32 => Self::BigInt,
            A::UInt64 => Self::Decimal { precision: 20, scale: 0 },
            A::Float16 | A::Float32 => Self::Float,
            A::Float64 => Self::Double,
            A::Decimal32(p, s) | A::Decimal64(p, s) | A::Decimal128(p, s) | A::Decimal256(p, s) => decimal_from_arrow(*p, *s),
            A::Utf8 | A::LargeUtf8 | A::Utf8View => Self::STRING,
            A::Binary => Self::BYTES,
            A::LargeBinary => Self::Variant,
            A::BinaryView => Self::Bitmap,
            A::FixedSizeBinary(n) => Self::Binary((*n).max(1) as u32),
            A::Date32 | A::Date64 => Self::Date,
            A::Time32(_) | A::Time64(_) => Self::Time(0),
            A::Timestamp(unit, None) => Self::Timestamp(unit_precision(*unit)),
            A::Timestamp(unit, Some(_)) => Self::TimestampLtz(unit_precision(*unit)),
            A::Interval(IntervalUnit::YearMonth) => Self::IntervalMonth,
            A::Interval(_) | A::Duration(_) => Self::IntervalSecond,
            A::List(e) | A::LargeList(e) | A::FixedSizeList(e, _) | A::ListView(e) | A::LargeListView(e) => {
                Self::Array(Box::new(column_from_child(e)))
            }
            A::Map(entries, _) => map_from_arrow(entries),
            A::Struct(fields) => Self::Row(fields.iter().map(|f| row_field(f)).collect()),
            A::Dictionary(_, value) => Self::from_arrow(value),
            A::RunEndEncoded(_, values) => Self::from_arrow(values.data_type()),
            A::Union(..) => Self::Variant,
        }
    }

    /// True for the character types.
    pub fn is_character(&self) -> bool {
        matches!(self, Self::Char(_) | Self::Varchar(_))
    }

    /// True for the exact and approximate number types.
    pub fn is_numeric(&self) -> bool {
        self.is_integer() || matches!(self, Self::Decimal { .. } | Self::Float | Self::Double)
    }

    /// True for `TINYINT`, `SMALLINT`, `INT` and `BIGINT`.
    pub fn is_integer(&self) -> bool {
        matches!(self, Self::TinyInt | Self::SmallInt | Self::Int | Self::BigInt)
    }

    /// True for `TIMESTAMP` and `TIMESTAMP_LTZ`.
    pub fn is_timestamp(&self) -> bool {
        matches!(self, Self::Timestamp(_) | Self::TimestampLtz(_))
    }
}

impl ColumnType {
    fn child(&self, name: &str) -> Field {
        Field::new(name, self.ty.to_arrow(), self.nullable)
    }
}

fn timestamp_unit(precision: u8) -> TimeUnit {
    match precision {
        0..=3 => TimeUnit::Millisecond,
        4..=6 => TimeUnit::Microsecond,
        _ => TimeUnit::Nanosecond,
    }
}

fn unit_precision(unit: TimeUnit) -> u8 {
    match unit {
        TimeUnit::Second => 0,
        TimeUnit::Millisecond => 3,
        TimeUnit::Microsecond => 6,
        TimeUnit::Nanosecond => 9,
    }
}

/// Arrow's map type. Its keys are never null, whatever SQL says.
fn map_type(key: Field, value: Field) -> DataType {
    let entries = DataType::Struct(vec![key.with_nullable(false), value].into());
    DataType::Map(Arc::new(Field::new("entries", entries, false)), false)
}

fn decimal_from_arrow(precision: u8, scale: i8) -> FlinkType {
    let whole_digits = u8::try_from(i32::from(precision) - i32::from(scale.min(0))).unwrap_or(38);
    FlinkType::Decimal { precision: whole_digits.clamp(1, 38), scale: scale.max(0) as u8 }
}

fn column_from_child(field: &Field) -> ColumnType {
    let (ty, nullable) = FlinkType::from_field(field);
    ColumnType { ty, nullable }
}

fn row_field(field: &Field) -> RowField {
    RowField { name: field.name().clone(), column: column_from_child(field), comment: None }
}

fn map_from_arrow(entries: &Field) -> FlinkType {
    match entries.data_type() {
        DataType::Struct(fields) if fields.len() == 2 => {
            let key = ColumnType::nullable(column_from_child(&fields[0]).ty);
            FlinkType::Map(Box::new(key), Box::new(column_from_child(&fields[1])))
        }
        other => FlinkType::Array(Box::new(ColumnType::nullable(FlinkType::from_arrow(other)))),
    }
}

impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.ty, if self.nullable { "" } else { " NOT NULL" })
    }
}

impl fmt::Display for FlinkType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Char(n) => write!(f, "CHAR({n})"),
            Self::Varchar(MAX_LENGTH) => f.write_str("STRING"),
            Self::Varchar(n) => write!(f, "VARCHAR({n})"),
            Self::Boolean => f.write_str("BOOLEAN"),
            Self::Binary(n) => write!(f, "BINARY({n})"),
            Self::Varbinary(MAX_LENGTH) => f.write_str("BYTES"),
            Self::Varbinary(n) => write!(f, "VARBINARY({n})"),
            Self::Decimal { precision, scale } => write!(f, "DECIMAL({precision}, {scale})"),
            Self::TinyInt => f.write_str("TINYINT"),
            Self::SmallInt => f.write_str("SMALLINT"),
            Self::Int => f.write_str("INT"),
            Self::BigInt => f.write_str("BIGINT"),
            Self::Float => f.write_str("FLOAT"),
            Self::Double => f.write_str("DOUBLE"),
            Self::Date => f.write_str("DATE"),
            Self::Time(p) => write!(f, "TIME({p})"),
            Self::Timestamp(p) => write!(f, "TIMESTAMP({p})"),
            Self::TimestampLtz(p) => write!(f, "TIMESTAMP_LTZ({p})"),
            Self::IntervalMonth => f.write_str("INTERVAL MONTH"),
            Self::IntervalSecond => f.write_str("INTERVAL SECOND(3)"),
            Self::Array(element) => write!(f, "ARRAY<{element}>"),
            Self::Multiset(element) => write!(f, "MULTISET<{element}>"),
            Self::Map(key, value) => write!(f, "MAP<{key}, {value}>"),
            Self::Row(fields) => fmt_row(f, fields),
            Self::Raw { class, snapshot } => write!(f, "RAW('{}', '{}')", quoted(class), quoted(snapshot)),
            Self::Variant => f.write_str("VARIANT"),
            Self::Bitmap => f.write_str("BITMAP"),
            Self::Null => f.write_str("NULL"),
        }
    }
}

fn fmt_row(f: &mut fmt::Formatter<'_>, fields: &[RowField]) -> fmt::Result {
    f.write_str("ROW<")?;
    for (i, field) in fields.iter().enumerate() {
        let comma = if i == 0 { "" } else { ", " };
        write!(f, "{comma}`{}` {}", field.name.replace('`', "``"), field.column)?;
        if let Some(comment) = &field.comment {
            write!(f, " '{}'", quoted(comment))?;
        }
    }
    f.write_str(">")
}

fn quoted(text: &str) -> String {
    text.replace('\'', "''")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn parse(text: &str) -> ColumnType {
        ColumnType::from_text(text).unwrap_or_else(|| panic!("{text}"))
    }

    #[test]
    fn plain_types_need_no_metadata() {
        let plain = ["STRING", "BYTES", "INT", "TIMESTAMP(3)", "TIMESTAMP_LTZ(6)", "TIMESTAMP(9)", "DECIMAL(10, 2)"];
        for text in plain.iter().chain(&["TIME(0)", "ARRAY<INT>", "MAP<STRING, INT>", "ROW<`a` INT NOT NULL>"]) {
            assert!(parse(text).ty.to_field("c", true).metadata().is_empty(), "{text}");
        }
        for text in ["CHAR(1)", "VARCHAR(3)", "BINARY(2)", "TIMESTAMP(0)", "TIME(3)", "MULTISET<INT>", "ARRAY<CHAR(2)>"] {
            let field = parse(text).ty.to_field("c", true);
            assert_eq!(field.metadata().get(FLINK_TYPE_KEY).map(String::as_str), Some(text));
        }
    }

    #[test]
    fn arrow_types() {
        let ms = DataType::Timestamp(TimeUnit::Millisecond, None);
        assert_eq!(parse("TIMESTAMP(3)").ty.to_arrow(), ms);
        assert_eq!(parse("TIMESTAMP(0)").ty.to_arrow(), ms);
        assert_eq!(parse("TIMESTAMP(4)").ty.to_arrow(), DataType::Timestamp(TimeUnit::Microsecond, None));
        let ltz_ns = DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into()));
        assert_eq!(parse("TIMESTAMP_LTZ(9)").ty.to_arrow(), ltz_ns);
        assert_eq!(parse("DECIMAL(10, 2)").ty.to_arrow(), DataType::Decimal128(10, 2));
        assert_eq!(FlinkType::from_arrow(&DataType::Decimal128(10, -2)).to_string(), "DECIMAL(12, 0)");
        assert_eq!(FlinkType::from_arrow(&DataType::UInt64).to_string(), "DECIMAL(20, 0)");
    }

    #[test]
    fn metadata_that_does_not_fit_the_arrow_type_is_ignored() {
        let stale = Field::new("c", DataType::Int32, true).with_metadata([(FLINK_TYPE_KEY.to_string(), "CHAR(3)".to_string())].into());
        assert_eq!(FlinkType::from_field(&stale), (FlinkType::Int, true));
    }
}
