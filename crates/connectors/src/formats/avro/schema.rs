//! Avro schemas: types in a table of their own, so that a type may hold itself, read from JSON and written as JSON.
//!
//! Written after the specification of Avro 1.12, <https://avro.apache.org/docs/1.12.0/specification/>.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

/// How deep types may be nested in the text of a schema.
const MAX_DEPTH: usize = 64;
/// How many types a schema may have, so that a hostile one cannot fill the memory.
const MAX_TYPES: usize = 1 << 16;

/// A type by its place in the schema.
pub type Id = usize;

/// A schema.
#[derive(Debug, Clone, Default)]
pub struct Schema {
    types: Vec<Type>,
    /// The type of a datum.
    pub root: Id,
}

/// A type.
#[derive(Debug, Clone)]
pub struct Type {
    /// How its values are encoded.
    pub kind: Kind,
    /// What they mean beyond that.
    pub logical: Option<Logical>,
}

/// How values are encoded.
#[derive(Debug, Clone)]
pub enum Kind {
    Null,
    Boolean,
    Int,
    Long,
    Float,
    Double,
    Bytes,
    String,
    Record { name: String, fields: Vec<RecordField> },
    Enum { name: String, symbols: Vec<String>, default: Option<String> },
    Array(Id),
    Map(Id),
    Union(Vec<Id>),
    Fixed { name: String, size: usize },
}

/// A field of a record.
#[derive(Debug, Clone)]
pub struct RecordField {
    /// Its name.
    pub name: String,
    /// Other names under which a writer may know it.
    pub aliases: Vec<String>,
    /// Its type.
    pub id: Id,
    /// Its value where the writer has no such field.
    pub default: Option<Value>,
}

/// What values mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Logical {
    /// Digits in all, and of them behind the point.
    Decimal(u32, i32),
    Date,
    /// Since midnight, in units of 1/`n` second.
    Time(i64),
    /// Since 1970 in UTC, in units of 1/`n` second.
    Timestamp(i64),
    /// The same, of a clock without a zone.
    LocalTimestamp(i64),
}

/// Milliseconds, microseconds, nanoseconds of a second.
pub const MILLIS: i64 = 1_000;
pub const MICROS: i64 = 1_000_000;
pub const NANOS: i64 = 1_000_000_000;

const LOGICAL: [(&str, Logical); 9] = [
    ("date", Logical::Date),
    ("time-millis", Logical::Time(MILLIS)),
    ("time-micros", Logical::Time(MICROS)),
    ("timestamp-millis", Logical::Timestamp(MILLIS)),
    ("timestamp-micros", Logical::Timestamp(MICROS)),
    ("timestamp-nanos", Logical::Timestamp(NANOS)),
    ("local-timestamp-millis", Logical::LocalTimestamp(MILLIS)),
    ("local-timestamp-micros", Logical::LocalTimestamp(MICROS)),
    ("local-timestamp-nanos", Logical::LocalTimestamp(NANOS)),
];

impl Schema {
    /// Reads a schema from its JSON.
    pub fn parse(text: &str) -> Result<Self, String> {
        // A schema that is only a name may stand without quotes in a registry's answer.
        let value = match serde_json::from_str(text) {
            Ok(value) => value,
            Err(e) if text.trim().starts_with(['{', '[', '"']) => return Err(format!("the schema is not JSON: {e}")),
            Err(_) => Value::String(text.trim().to_owned()),
        };
        let mut parser = Parser { schema: Schema::default(), names: HashMap::new() };
        parser.schema.root = parser.parse(&value, "", 0)?;
        Ok(parser.schema)
    }

    /// A type.
    pub fn get(&self, id: Id) -> &Type {
        &self.types[id]
    }

    /// How a type's values are encoded.
    pub fn kind(&self, id: Id) -> &Kind {
        &self.types[id].kind
    }

    /// Adds a type.
    pub fn add(&mut self, kind: Kind, logical: Option<Logical>) -> Id {
        self.types.push(Type { kind, logical });
        self.types.len() - 1
    }

    /// Lets a datum also be `null`.
    pub fn or_null(&mut self) {
        let null = self.add(Kind::Null, None);
        self.root = self.add(Kind::Union(vec![null, self.root]), None);
    }

    /// Whether values of a type may take no bytes at all, so that a count says nothing about how much input must follow.
    pub fn may_be_empty(&self, id: Id) -> bool {
        self.empty_within(id, 0)
    }

    fn empty_within(&self, id: Id, depth: usize) -> bool {
        match self.kind(id) {
            Kind::Null | Kind::Fixed { size: 0, .. } => true,
            // A record that holds itself without a union between has no values.
            Kind::Record { fields, .. } => depth < MAX_DEPTH && fields.iter().all(|f| self.empty_within(f.id, depth + 1)),
            _ => false,
        }
    }

    /// What a type is called in a message.
    pub fn name(&self, id: Id) -> String {
        match self.kind(id) {
            Kind::Null => "null".into(),
            Kind::Boolean => "boolean".into(),
            Kind::Int => "int".into(),
            Kind::Long => "long".into(),
            Kind::Float => "float".into(),
            Kind::Double => "double".into(),
            Kind::Bytes => "bytes".into(),
            Kind::String => "string".into(),
            Kind::Record { name, .. } => format!("record {name}"),
            Kind::Enum { name, .. } => format!("enum {name}"),
            Kind::Array(_) => "array".into(),
            Kind::Map(_) => "map".into(),
            Kind::Union(_) => "union".into(),
            Kind::Fixed { name, .. } => format!("fixed {name}"),
        }
    }

    /// The schema as JSON.
    pub fn to_json(&self) -> String {
        self.json(self.root, &mut vec![]).to_string()
    }

    /// `written`: named types that stood before, which are only named again.
    fn json(&self, id: Id, written: &mut Vec<Id>) -> Value {
        let Type { kind, logical } = self.get(id);
        let named = |kind: &str, name: &str| Map::from_iter([("type".to_owned(), json!(kind)), ("name".to_owned(), json!(name))]);
        let mut object = match kind {
            Kind::Union(branches) => return branches.iter().map(|branch| self.json(*branch, written)).collect(),
            Kind::Record { name, .. } | Kind::Enum { name, .. } | Kind::Fixed { name, .. } if written.contains(&id) => return json!(name),
            Kind::Record { name, fields } => {
                written.push(id);
                let mut object = named("record", name);
                let fields = fields.iter().map(|field| self.field_json(field, written)).collect();
                object.insert("fields".into(), fields);
                object
            }
            Kind::Enum { name, symbols, default } => {
                written.push(id);
                let mut object = named("enum", name);
                object.insert("symbols".into(), json!(symbols));
                object.extend(default.iter().map(|default| ("default".to_owned(), json!(default))));
                object
            }
            Kind::Fixed { name, size } => {
                written.push(id);
                let mut object = named("fixed", name);
                object.insert("size".into(), json!(size));
                object
            }
            Kind::Array(items) => Map::from_iter([("type".to_owned(), json!("array")), ("items".to_owned(), self.json(*items, written))]),
            Kind::Map(values) => Map::from_iter([("type".to_owned(), json!("map")), ("values".to_owned(), self.json(*values, written))]),
            _ if logical.is_none() => return json!(self.name(id)),
            _ => Map::from_iter([("type".to_owned(), json!(self.name(id)))]),
        };
        match logical {
            Some(Logical::Decimal(precision, scale)) => {
                object.insert("logicalType".into(), json!("decimal"));
                object.insert("precision".into(), json!(precision));
                object.insert("scale".into(), json!(scale));
            }
            Some(logical) => {
                let name = LOGICAL.iter().find(|(_, l)| l == logical).map_or("", |(name, _)| name);
                object.insert("logicalType".into(), json!(name));
            }
            None => {}
        }
        Value::Object(object)
    }

    fn field_json(&self, field: &RecordField, written: &mut Vec<Id>) -> Value {
        let mut object = Map::from_iter([("name".to_owned(), json!(field.name)), ("type".to_owned(), self.json(field.id, written))]);
        object.extend(field.default.iter().map(|default| ("default".to_owned(), default.clone())));
        if !field.aliases.is_empty() {
            object.insert("aliases".into(), json!(field.aliases));
        }
        Value::Object(object)
    }
}

struct Parser {
    schema: Schema,
    /// Named types that were read, by full name.
    names: HashMap<String, Id>,
}

impl Parser {
    fn parse(&mut self, value: &Value, namespace: &str, depth: usize) -> Result<Id, String> {
        if depth > MAX_DEPTH || self.schema.types.len() >= MAX_TYPES {
            return Err(format!("the schema is nested deeper than {MAX_DEPTH} or has more than {MAX_TYPES} types"));
        }
        match value {
            Value::String(name) => self.by_name(name, namespace),
            Value::Array(branches) => {
                let branches = branches.iter().map(|b| self.parse(b, namespace, depth + 1)).collect::<Result<Vec<_>, _>>()?;
                if branches.is_empty() || branches.iter().any(|b| matches!(self.schema.kind(*b), Kind::Union(_))) {
                    return Err("a union must have types, and none of them may be a union".into());
                }
                Ok(self.schema.add(Kind::Union(branches), None))
            }
            Value::Object(object) => self.object(object, namespace, depth),
            other => Err(format!("{other} is no type")),
        }
    }

    fn by_name(&mut self, name: &str, namespace: &str) -> Result<Id, String> {
        let kind = match name {
            "null" => Kind::Null,
            "boolean" => Kind::Boolean,
            "int" => Kind::Int,
            "long" => Kind::Long,
            "float" => Kind::Float,
            "double" => Kind::Double,
            "bytes" => Kind::Bytes,
            "string" => Kind::String,
            _ => {
                let known = self.names.get(&full_name(name, namespace)).or_else(|| self.names.get(name));
                return known.copied().ok_or_else(|| format!("the type '{name}' is not known"));
            }
        };
        Ok(self.schema.add(kind, None))
    }

    fn object(&mut self, object: &Map<String, Value>, namespace: &str, depth: usize) -> Result<Id, String> {
        let inner = object.get("type").ok_or("a type has no \"type\"")?;
        let member = |name: &str| object.get(name).ok_or_else(|| format!("a type of {inner} has no \"{name}\""));
        let id = match inner.as_str() {
            Some("record" | "error") => return self.record(object, namespace, depth),
            Some("array") => {
                let items = self.parse(member("items")?, namespace, depth + 1)?;
                self.schema.add(Kind::Array(items), None)
            }
            Some("map") => {
                let values = self.parse(member("values")?, namespace, depth + 1)?;
                self.schema.add(Kind::Map(values), None)
            }
            Some("enum") => {
                let symbols = strings(member("symbols")?);
                let default = object.get("default").and_then(Value::as_str).map(str::to_owned);
                let name = self.name_of(object, namespace)?;
                self.named(name.clone(), Kind::Enum { name, symbols, default })?
            }
            Some("fixed") => {
                let size = member("size")?.as_u64().and_then(|size| u32::try_from(size).ok()).ok_or("the size of a fixed is no number")?;
                let name = self.name_of(object, namespace)?;
                self.named(name.clone(), Kind::Fixed { name, size: size as usize })?
            }
            _ => self.parse(inner, namespace, depth + 1)?,
        };
        let logical = logical(object, self.schema.kind(id));
        if logical.is_some() {
            self.schema.types[id].logical = logical;
        }
        Ok(id)
    }

    fn record(&mut self, object: &Map<String, Value>, namespace: &str, depth: usize) -> Result<Id, String> {
        let name = self.name_of(object, namespace)?;
        let namespace = name.rsplit_once('.').map_or("", |(namespace, _)| namespace).to_owned();
        // Known before its fields are read, which may be of this type.
        let id = self.named(name.clone(), Kind::Record { name: name.clone(), fields: vec![] })?;
        let list = object.get("fields").and_then(Value::as_array).ok_or_else(|| format!("the record {name} has no \"fields\""))?;
        let mut fields = Vec::with_capacity(list.len());
        for field in list {
            let field_name = field.get("name").and_then(Value::as_str).ok_or_else(|| format!("a field of {name} has no \"name\""))?;
            let field_type = field.get("type").ok_or_else(|| format!("the field {field_name} of {name} has no \"type\""))?;
            fields.push(RecordField {
                name: field_name.to_owned(),
                aliases: field.get("aliases").map(strings).unwrap_or_default(),
                id: self.parse(field_type, &namespace, depth + 1)?,
                default: field.get("default").cloned(),
            });
        }
        self.schema.types[id].kind = Kind::Record { name, fields };
        Ok(id)
    }

    fn name_of(&self, object: &Map<String, Value>, namespace: &str) -> Result<String, String> {
        let name = object.get("name").and_then(Value::as_str).ok_or("a named type has no \"name\"")?;
        let namespace = object.get("namespace").and_then(Value::as_str).unwrap_or(namespace);
        Ok(full_name(name, namespace))
    }

    fn named(&mut self, name: String, kind: Kind) -> Result<Id, String> {
        let id = self.schema.add(kind, None);
        match self.names.insert(name.clone(), id) {
            Some(_) => Err(format!("the type {name} is defined twice")),
            None => Ok(id),
        }
    }
}

fn full_name(name: &str, namespace: &str) -> String {
    if name.contains('.') || namespace.is_empty() { name.to_owned() } else { format!("{namespace}.{name}") }
}

fn strings(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(|s| s.as_str().map(str::to_owned)).collect()
}

/// The meaning of a type. As the specification has it, one that is not known or does not fit is passed over.
fn logical(object: &Map<String, Value>, kind: &Kind) -> Option<Logical> {
    let name = object.get("logicalType")?.as_str()?;
    if name == "decimal" && matches!(kind, Kind::Bytes | Kind::Fixed { .. }) {
        let precision = u32::try_from(object.get("precision")?.as_u64()?).ok()?;
        let scale = object.get("scale").map_or(Some(0), Value::as_i64)?;
        return Some(Logical::Decimal(precision, i32::try_from(scale).ok()?));
    }
    let logical = LOGICAL.iter().find(|(n, _)| *n == name)?.1;
    let fits = match logical {
        Logical::Date | Logical::Time(MILLIS) => matches!(kind, Kind::Int),
        _ => matches!(kind, Kind::Long),
    };
    fits.then_some(logical)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_comes_back_from_its_json() {
        let text = r#"{"type":"record","name":"n.List","fields":[
            {"name":"value","type":{"type":"bytes","logicalType":"decimal","precision":9,"scale":2},"aliases":["v"]},
            {"name":"kind","type":{"type":"enum","name":"Kind","symbols":["A","B"],"default":"A"},"default":"B"},
            {"name":"at","type":{"type":"long","logicalType":"timestamp-micros"}},
            {"name":"mac","type":{"type":"fixed","name":"o.Mac","size":6}},
            {"name":"next","type":["null","List"],"default":null}]}"#;
        let schema = Schema::parse(text).unwrap();
        let again = Schema::parse(&schema.to_json()).unwrap();
        assert_eq!(schema.to_json(), again.to_json());
        let Kind::Record { name, fields } = schema.kind(schema.root) else { unreachable!() };
        assert_eq!((name.as_str(), fields.len()), ("n.List", 5));
        assert_eq!(schema.get(fields[0].id).logical, Some(Logical::Decimal(9, 2)));
        assert_eq!(schema.get(fields[2].id).logical, Some(Logical::Timestamp(MICROS)));
        let Kind::Union(branches) = schema.kind(fields[4].id) else { unreachable!() };
        assert_eq!(branches[1], schema.root);
        assert!(matches!(Schema::parse("\"string\"").unwrap().kind(0), Kind::String));
        assert!(matches!(Schema::parse("long").unwrap().kind(0), Kind::Long));
    }

    #[test]
    fn what_is_no_schema_is_refused() {
        for (text, reason) in [
            ("{", "not JSON"),
            ("7", "7 is no type"),
            ("nothing", "'nothing' is not known"),
            ("[]", "a union must have types"),
            (r#"["null",["int"]]"#, "a union must have types"),
            (r#"{"name":"a"}"#, "no \"type\""),
            (r#"{"type":"record","name":"a"}"#, "no \"fields\""),
            (r#"[{"type":"fixed","name":"a","size":1},{"type":"fixed","name":"a","size":1}]"#, "defined twice"),
        ] {
            let found = Schema::parse(text).unwrap_err();
            assert!(found.contains(reason), "{text}: {found}");
        }
        let deep = format!("{}\"int\"{}", "{\"type\":\"array\",\"items\":".repeat(100), "}".repeat(100));
        assert!(Schema::parse(&deep).unwrap_err().contains("nested deeper"));
    }
}
