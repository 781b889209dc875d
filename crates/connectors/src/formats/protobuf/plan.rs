//! What is done with each field of a message to fill the columns of a table: worked out once, before any message is read.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef};
use protox::prost_reflect::{Cardinality, EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor, Syntax, Value};

use super::wire::{BYTES, FIXED32, FIXED64, VARINT, zigzag};
use crate::formats::scalar::type_name;

/// How deep a table's types may be nested.
const MAX_DEPTH: usize = 64;
/// Fields up to this number are found by it.
const DIRECT_NUMBERS: u32 = 1_024;

/// What to do with a message.
#[derive(Debug, Clone, Default)]
pub struct Message {
    /// By column.
    pub fields: Vec<FieldPlan>,
    /// Places in `fields` in the order of their numbers.
    pub by_number: Vec<usize>,
    /// Members of a `oneof`, of which some other is in `fields`, that nobody needs: number and `oneof`.
    pub rivals: Vec<(u32, usize)>,
    /// Numbers of fields that must be there, with their names; proto2 only.
    pub required: Vec<(u32, String)>,
    /// By number of a field, one more than its place in `fields`; 0 for one that nobody needs.
    direct: Vec<u32>,
    others: HashMap<u32, u32>,
}

/// What to do with a field.
#[derive(Debug, Clone)]
pub struct FieldPlan {
    /// Its number.
    pub number: u32,
    /// Its name.
    pub name: String,
    /// How its value is made.
    pub shape: Shape,
    /// What the column gets where the field is not there; `None`: NULL.
    pub default: Option<Default>,
    /// Whether the column may be NULL.
    pub nullable: bool,
    /// Whether the field can tell that it is there, so that it is written even when it has its default.
    pub presence: bool,
    /// The `oneof` it belongs to.
    pub oneof: Option<usize>,
    /// Written as one run of numbers.
    pub packed: bool,
}

/// A value as it would come over the wire.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Default {
    pub bits: u64,
    pub bytes: Vec<u8>,
}

/// How many values a field has.
#[derive(Debug, Clone)]
pub enum Shape {
    Single(Type),
    Repeated(Type),
    Map(Type, Type),
}

/// What a value is.
#[derive(Debug, Clone)]
pub enum Type {
    Int32,
    Int64,
    Uint32,
    Uint64,
    Sint32,
    Sint64,
    Fixed32,
    Fixed64,
    Sfixed32,
    Sfixed64,
    Bool,
    Float,
    Double,
    String,
    Bytes,
    Enum(Arc<Symbols>),
    Message(Box<Message>),
}

/// The values of an enum.
#[derive(Debug, Clone, PartialEq)]
pub struct Symbols {
    /// Names by number; of several names the first.
    pub names: HashMap<i32, String>,
    /// Numbers by name.
    pub numbers: HashMap<String, i32>,
    /// The number of the first, which stands for those that are not known.
    pub first: i32,
    /// Numbers that are not known are those of unknown fields; proto2 only.
    pub closed: bool,
}

impl Type {
    /// How its values are encoded.
    pub fn encoding(&self) -> u8 {
        match self {
            Type::Fixed32 | Type::Sfixed32 | Type::Float => FIXED32,
            Type::Fixed64 | Type::Sfixed64 | Type::Double => FIXED64,
            Type::String | Type::Bytes | Type::Message(_) => BYTES,
            _ => VARINT,
        }
    }
}

impl Message {
    /// The place of a field's plan.
    #[inline]
    pub fn place(&self, number: u32) -> Option<usize> {
        let place = match self.direct.get(number as usize) {
            Some(place) => *place,
            None if self.others.is_empty() => 0,
            None => self.others.get(&number).copied().unwrap_or(0),
        };
        (place as usize).checked_sub(1)
    }
}

/// A plan for messages that fill, or are made of, these columns. Fails, in words, where Flink does: for a column that the message
/// does not have, and for types that do not fit.
pub fn plan(message: &MessageDescriptor, columns: &Fields, defaults: bool) -> Result<Message, String> {
    message_plan(message, columns, defaults, 0)
}

fn message_plan(message: &MessageDescriptor, columns: &Fields, defaults: bool, depth: usize) -> Result<Message, String> {
    if depth > MAX_DEPTH {
        return Err(format!("the types are nested deeper than {MAX_DEPTH}"));
    }
    let mut plan = Message::default();
    for (i, column) in columns.iter().enumerate() {
        let field = message.get_field_by_name(column.name());
        let field = field.ok_or_else(|| format!("the message {} has no field '{}'", message.full_name(), column.name()))?;
        plan.fields.push(field_plan(&field, column, defaults, depth).map_err(|e| format!("field {}: {e}", column.name()))?);
        let (number, place) = (field.number(), i as u32 + 1);
        if number >= DIRECT_NUMBERS {
            plan.others.insert(number, place);
            continue;
        }
        if plan.direct.len() <= number as usize {
            plan.direct.resize(number as usize + 1, 0);
        }
        plan.direct[number as usize] = place;
    }
    plan.by_number = (0..plan.fields.len()).collect();
    plan.by_number.sort_by_key(|i| plan.fields[*i].number);
    let members = message.fields().filter_map(|field| Some((field.number(), oneof_of(&field)?)));
    let needed = |oneof: usize| plan.fields.iter().any(|field| field.oneof == Some(oneof));
    plan.rivals = members.filter(|(number, oneof)| plan.place(*number).is_none() && needed(*oneof)).collect();
    let required = message.fields().filter(|field| field.cardinality() == Cardinality::Required);
    plan.required = required.map(|field| (field.number(), field.name().to_owned())).collect();
    Ok(plan)
}

fn field_plan(field: &FieldDescriptor, column: &Field, defaults: bool, depth: usize) -> Result<FieldPlan, String> {
    let shape = if field.is_map() {
        map_shape(field, column, defaults, depth)?
    } else if field.is_list() {
        let DataType::List(element) = column.data_type() else { return Err(misfit(field, column.data_type())) };
        Shape::Repeated(value_type(field, element.data_type(), defaults, depth)?)
    } else {
        Shape::Single(value_type(field, column.data_type(), defaults, depth)?)
    };
    // What has no presence cannot be told from its default: proto3 never says that a number is not there, as Flink reads it.
    let scalar = matches!(&shape, Shape::Single(t) if !matches!(t, Type::Message(_)));
    let reads_default = defaults || scalar && field.parent_file().syntax() == Syntax::Proto3;
    let mut default = if scalar { default_of(&field.default_value()) } else { Default::default() };
    if matches!(&shape, Shape::Single(Type::Sint32 | Type::Sint64)) {
        default.bits = zigzag(default.bits as i64);
    }
    Ok(FieldPlan {
        number: field.number(),
        name: field.name().to_owned(),
        default: reads_default.then_some(default),
        shape,
        nullable: column.is_nullable(),
        presence: field.supports_presence(),
        oneof: oneof_of(field),
        packed: is_packed(field),
    })
}

/// Whether elements are written as one run. What the file says of it is known only after the field was built.
fn is_packed(field: &FieldDescriptor) -> bool {
    let options = field.options();
    match options.has_field_by_name("packed") {
        true => options.get_field_by_name("packed").and_then(|packed| packed.as_bool()).unwrap_or(false) && field.is_list(),
        false => field.is_packed(),
    }
}

/// The `oneof` of a field, by the number of its first member; one of a single member needs no care.
fn oneof_of(field: &FieldDescriptor) -> Option<usize> {
    let oneof = field.containing_oneof().filter(|oneof| oneof.fields().len() > 1)?;
    oneof.fields().map(|member| member.number() as usize).min()
}

fn map_shape(field: &FieldDescriptor, column: &Field, defaults: bool, depth: usize) -> Result<Shape, String> {
    let (Kind::Message(entry), DataType::Map(entries, _)) = (field.kind(), column.data_type()) else {
        return Err(misfit(field, column.data_type()));
    };
    let DataType::Struct(pair) = entries.data_type() else { return Err(misfit(field, column.data_type())) };
    let [key, value] = &pair[..] else { return Err(misfit(field, column.data_type())) };
    Ok(Shape::Map(
        value_type(&entry.map_entry_key_field(), key.data_type(), defaults, depth)?,
        value_type(&entry.map_entry_value_field(), value.data_type(), defaults, depth)?,
    ))
}

fn value_type(field: &FieldDescriptor, data_type: &DataType, defaults: bool, depth: usize) -> Result<Type, String> {
    Ok(match (field.kind(), data_type) {
        (Kind::Int32, DataType::Int32) => Type::Int32,
        (Kind::Uint32, DataType::Int32) => Type::Uint32,
        (Kind::Sint32, DataType::Int32) => Type::Sint32,
        (Kind::Fixed32, DataType::Int32) => Type::Fixed32,
        (Kind::Sfixed32, DataType::Int32) => Type::Sfixed32,
        (Kind::Int64, DataType::Int64) => Type::Int64,
        (Kind::Uint64, DataType::Int64) => Type::Uint64,
        (Kind::Sint64, DataType::Int64) => Type::Sint64,
        (Kind::Fixed64, DataType::Int64) => Type::Fixed64,
        (Kind::Sfixed64, DataType::Int64) => Type::Sfixed64,
        (Kind::Bool, DataType::Boolean) => Type::Bool,
        (Kind::Float, DataType::Float32) => Type::Float,
        (Kind::Double, DataType::Float64) => Type::Double,
        (Kind::String, DataType::Utf8) => Type::String,
        (Kind::Bytes, DataType::Binary) => Type::Bytes,
        (Kind::Enum(symbols), DataType::Utf8 | DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64) => {
            Type::Enum(Arc::new(symbols_of(&symbols)))
        }
        (Kind::Message(message), DataType::Struct(fields)) if !field.is_group() => {
            Type::Message(Box::new(message_plan(&message, fields, defaults, depth + 1)?))
        }
        _ => return Err(misfit(field, data_type)),
    })
}

/// Columns for all fields of a message, nested ones to that depth.
pub fn columns_of(message: &MessageDescriptor, depth: usize) -> SchemaRef {
    Arc::new(Schema::new(fields_of(message, depth)))
}

fn fields_of(message: &MessageDescriptor, depth: usize) -> Vec<Field> {
    let column = |field: FieldDescriptor| {
        let data_type = match field.kind() {
            Kind::Message(entry) if field.is_map() => {
                let key = Field::new("key", type_of(&entry.map_entry_key_field(), depth)?, false);
                let value = Field::new("value", type_of(&entry.map_entry_value_field(), depth)?, true);
                let entry = Field::new("entries", DataType::Struct(vec![key, value].into()), false);
                DataType::Map(Arc::new(entry), false)
            }
            _ if field.is_list() => DataType::List(Arc::new(Field::new("element", type_of(&field, depth)?, true))),
            _ => type_of(&field, depth)?,
        };
        Some(Field::new(field.name(), data_type, true))
    };
    message.fields().filter_map(column).collect()
}

fn type_of(field: &FieldDescriptor, depth: usize) -> Option<DataType> {
    Some(match field.kind() {
        Kind::Int32 | Kind::Uint32 | Kind::Sint32 | Kind::Fixed32 | Kind::Sfixed32 => DataType::Int32,
        Kind::Int64 | Kind::Uint64 | Kind::Sint64 | Kind::Fixed64 | Kind::Sfixed64 => DataType::Int64,
        Kind::Bool => DataType::Boolean,
        Kind::Float => DataType::Float32,
        Kind::Double => DataType::Float64,
        Kind::String | Kind::Enum(_) => DataType::Utf8,
        Kind::Bytes => DataType::Binary,
        Kind::Message(message) if depth > 0 && !field.is_group() => DataType::Struct(fields_of(&message, depth - 1).into()),
        Kind::Message(_) => return None,
    })
}

fn misfit(field: &FieldDescriptor, data_type: &DataType) -> String {
    let kind = match field.kind() {
        _ if field.is_map() => "a map".to_owned(),
        Kind::Message(message) => format!("the message {}", message.full_name()),
        Kind::Enum(symbols) => format!("the enum {}", symbols.full_name()),
        kind => format!("{kind:?}").to_lowercase(),
    };
    let repeated = if field.is_list() { "repeated " } else { "" };
    format!("the message has {repeated}{kind} there, which does not become {}", type_name(data_type))
}

fn symbols_of(symbols: &EnumDescriptor) -> Symbols {
    let mut names = HashMap::new();
    for value in symbols.values() {
        names.entry(value.number()).or_insert_with(|| value.name().to_owned());
    }
    Symbols {
        names,
        numbers: symbols.values().map(|value| (value.name().to_owned(), value.number())).collect(),
        first: symbols.values().next().map_or(0, |value| value.number()),
        closed: symbols.parent_file().syntax() == Syntax::Proto2,
    }
}

/// A default as it would come over the wire, of signed numbers without their zigzag.
fn default_of(value: &Value) -> Default {
    let bits = match value {
        Value::Bool(b) => u64::from(*b),
        Value::I32(n) => i64::from(*n) as u64,
        Value::I64(n) => *n as u64,
        Value::U32(n) => u64::from(*n),
        Value::U64(n) => *n,
        Value::F32(x) => u64::from(x.to_bits()),
        Value::F64(x) => x.to_bits(),
        Value::EnumNumber(n) => i64::from(*n) as u64,
        _ => 0,
    };
    let bytes = match value {
        Value::String(s) => s.clone().into_bytes(),
        Value::Bytes(b) => b.to_vec(),
        _ => vec![],
    };
    Default { bits, bytes }
}
