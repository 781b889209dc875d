//! The SQL/JSON functions. The dialect gives each its clauses as plain arguments, always all of them.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, NullBufferBuilder, StringArray, new_null_array};
use arrow::buffer::OffsetBuffer;
use arrow::compute::interleave;
use arrow::datatypes::{DataType, Field};
use datafusion_common::{Result, exec_datafusion_err, exec_err, plan_err};
use datafusion_expr::ReturnFieldArgs;

use super::cast::{To, cast_array};
use super::def::{Arg, Call, Def, Length, Nulls, Ret};
use super::json_path::{Found, Node, Path, parse_first, push_quoted, unescape};
use super::json_text::{check_json, push_json};
use super::types::type_name;
use super::values::{Text, TextOut};
use crate::data_type::FlinkType;

/// The key of a field's metadata that marks a text as JSON made by one of these functions: nested in another, it is not
/// quoted again.
pub(super) const IS_JSON: &str = "flink.json";

const VALUE_ARGS: &[Arg] = &[Arg::Text, Arg::Text, Arg::Text, Arg::Any, Arg::Text, Arg::Any, Arg::Any];
const QUERY_ARGS: &[Arg] = &[Arg::Text, Arg::Text, Arg::Text, Arg::Text, Arg::Text, Arg::Any];

pub(super) const FUNCTIONS: &[Def] = &[
    Def::new("is_json", &[Arg::Text, Arg::Text], Ret::Bool, is_json).optional(1).nulls(Nulls::Never).doc(
        "string IS [NOT] JSON [VALUE | SCALAR | ARRAY | OBJECT]",
        "Whether the text is JSON, of this kind.",
        "'{}' IS JSON OBJECT = TRUE",
    ),
    Def::new("json_exists", &[Arg::Text, Arg::Text, Arg::Text], Ret::Bool, json_exists).optional(1).nullable().doc(
        "JSON_EXISTS(json, path [{TRUE | FALSE | UNKNOWN | ERROR} ON ERROR])",
        "Whether the path leads to something.",
        "JSON_EXISTS('{\"a\": 1}', '$.a') = TRUE",
    ),
    Def::new("json_value", VALUE_ARGS, Ret::By(value_type), json_value).optional(5).nullable().doc(
        "JSON_VALUE(json, path [RETURNING type] [… ON EMPTY] [… ON ERROR])",
        "The scalar that the path leads to, as STRING or the given type. Behaviours: NULL (the default), ERROR, DEFAULT value.",
        "JSON_VALUE('{\"a\": {\"b\": 2}}', '$.a.b') = '2'",
    ),
    Def::new("json_query", QUERY_ARGS, Ret::By(query_type), json_query).optional(4).nullable().doc(
        "JSON_QUERY(json, path [RETURNING type] [… WRAPPER] [… ON EMPTY] [… ON ERROR])",
        "The object or array that the path leads to, as JSON text or ARRAY<STRING>.",
        "JSON_QUERY('{\"a\": {\"b\": 2}}', '$.a') = '{\"b\":2}'",
    ),
    Def::new("json_object", &[Arg::Text, Arg::Any], Ret::By(json_type), json_object)
        .variadic()
        .optional(2)
        .nulls(Nulls::Never)
        .length(Length::Json)
        .doc(
            "JSON_OBJECT([KEY key VALUE value, …] [{NULL | ABSENT} ON NULL])",
            "A JSON object of the keys and values, as text.",
            "JSON_OBJECT('k' VALUE 1) = '{\"k\":1}'",
        ),
    Def::new("json_array", &[Arg::Text, Arg::Any], Ret::By(json_type), json_array)
        .variadic()
        .optional(2)
        .nulls(Nulls::Never)
        .length(Length::Json)
        .doc(
            "JSON_ARRAY([value, …] [{NULL | ABSENT} ON NULL])",
            "A JSON array of the values, as text.",
            "JSON_ARRAY(1, 'a') = '[1,\"a\"]'",
        ),
    Def::new("json", &[Arg::Text], Ret::Text, json).length(Length::Json).doc(
        "JSON(string)",
        "The text taken as JSON within JSON_OBJECT and JSON_ARRAY.",
        "JSON_OBJECT('k' VALUE JSON('[1]')) = '{\"k\":[1]}'",
    ),
    Def::new("json_string", &[Arg::Any], Ret::By(json_type), json_string).doc(
        "JSON_STRING(value)",
        "Any value as JSON text.",
        "JSON_STRING(ARRAY[1, 2]) = '[1,2]'",
    ),
    Def::new("json_quote", &[Arg::Text], Ret::Text, json_quote).doc(
        "JSON_QUOTE(string)",
        "The text as a JSON string, with quotes.",
        "JSON_QUOTE('a\"b') = '\"a\\\"b\"'",
    ),
    Def::new("json_unquote", &[Arg::Text], Ret::Text, json_unquote).doc(
        "JSON_UNQUOTE(string)",
        "The text that a JSON string stands for; any other text as it is.",
        "JSON_UNQUOTE('\"a\"') = 'a'",
    ),
];

/// STRING, of values that can be written as JSON.
fn json_type(args: &ReturnFieldArgs) -> Result<DataType> {
    args.arg_fields.iter().try_for_each(|field| check_json(field.data_type()))?;
    Ok(DataType::Utf8)
}

thread_local! {
    static PATHS: RefCell<HashMap<String, Rc<Path>>> = RefCell::new(HashMap::new());
}

fn path(spec: &str) -> Result<Rc<Path>> {
    if let Some(found) = PATHS.with_borrow(|paths| paths.get(spec).cloned()) {
        return Ok(found);
    }
    let path = Rc::new(Path::parse(spec).map_err(|why| exec_datafusion_err!("{why}"))?);
    PATHS.with_borrow_mut(|paths| {
        if paths.len() >= 256 {
            paths.clear();
        }
        paths.insert(spec.to_string(), Rc::clone(&path));
    });
    Ok(path)
}

fn is_json(call: &Call) -> Result<ArrayRef> {
    let (text, kind) = (call.text(0)?, call.text_or(1, "VALUE")?);
    call.bools(|row| {
        let (Some(text), Some(kind)) = (text.get(row), kind.get(row)) else { return Ok(Some(false)) };
        Ok(Some(parse_first(text).is_some_and(|node| match kind {
            "SCALAR" => node.is_scalar(),
            "ARRAY" => matches!(node, Node::Array(_)),
            "OBJECT" => matches!(node, Node::Object(_)),
            _ => true,
        })))
    })
}

/// What a path found in a text.
enum Outcome<'t> {
    /// The text itself is NULL.
    Null,
    Value(Node<'t>),
    /// JSON's null.
    JsonNull,
    /// Nothing.
    Empty,
    Failed(String),
}

/// Follows the path of a row into the text of the row.
fn look_up<'t>(text: Option<&'t str>, spec: Option<&str>) -> Result<Outcome<'t>> {
    let (Some(text), Some(spec)) = (text, spec) else { return Ok(Outcome::Null) };
    let path = path(spec)?;
    let Some(root) = parse_first(text) else {
        return Ok(if path.lax { Outcome::Empty } else { Outcome::Failed(format!("'{text}' is not JSON")) });
    };
    Ok(match path.find(&root) {
        Found::One(Node::Null) => Outcome::JsonNull,
        Found::One(node) => Outcome::Value(node.clone()),
        Found::Many(nodes) => Outcome::Value(Node::Array(nodes.into_iter().cloned().collect())),
        Found::Missing if path.lax => Outcome::Empty,
        Found::Missing => Outcome::Failed(format!("the path '{spec}' leads nowhere in '{text}'")),
    })
}

fn json_exists(call: &Call) -> Result<ArrayRef> {
    let (text, spec, on_error) = (call.text(0)?, call.text(1)?, call.text_or(2, "FALSE")?);
    call.bools(|row| {
        Ok(match look_up(text.get(row), spec.get(row))? {
            Outcome::Null => None,
            Outcome::Value(_) => Some(true),
            Outcome::Empty | Outcome::JsonNull => Some(false),
            Outcome::Failed(why) => match on_error.get(row) {
                Some("TRUE") => Some(true),
                Some("UNKNOWN") => None,
                Some("ERROR") => return exec_err!("JSON_EXISTS: {why}"),
                _ => Some(false),
            },
        })
    })
}

/// STRING, or the type of the last argument, a NULL of the RETURNING type.
fn value_type(args: &ReturnFieldArgs) -> Result<DataType> {
    match args.arg_fields.get(6).map(|field| field.data_type()) {
        None | Some(DataType::Null) => Ok(DataType::Utf8),
        Some(returning @ (DataType::Utf8 | DataType::Boolean | DataType::Int32 | DataType::Float64)) => Ok(returning.clone()),
        Some(other) => plan_err!("JSON_VALUE cannot return {}; use STRING, BOOLEAN, INT or DOUBLE", type_name(other)),
    }
}

/// Which of the arrays (values, default on empty, default on error, NULL) a row's result is taken from.
const FROM_VALUES: usize = 0;
const FROM_EMPTY: usize = 1;
const FROM_ERROR: usize = 2;
const FROM_NULL: usize = 3;

fn behaviour(function: &str, behaviour: Option<&str>, default: usize, why: &str) -> Result<usize> {
    match behaviour {
        Some("DEFAULT") => Ok(default),
        Some("ERROR") => exec_err!("{function}: {why}"),
        _ => Ok(FROM_NULL),
    }
}

fn json_value(call: &Call) -> Result<ArrayRef> {
    let (text, spec) = (call.text(0)?, call.text(1)?);
    let (on_empty, on_error) = (call.text_or(2, "NULL")?, call.text_or(4, "NULL")?);
    let (target, safe) = (call.returns.data_type().clone(), true);
    let flink = FlinkType::from_arrow(&target);
    let to = To { flink: &flink, arrow: &target, safe };
    let mut texts: Vec<Option<String>> = Vec::with_capacity(call.rows);
    let mut sources = Vec::with_capacity(call.rows);
    for row in 0..call.rows {
        let outcome = look_up(text.get(row), spec.get(row))?;
        let lax = spec.get(row).map(path).transpose()?.is_some_and(|path| path.lax);
        let mut value = None;
        let failed = |why: &str| behaviour("JSON_VALUE", on_error.get(row), FROM_ERROR, why);
        let empty = || behaviour("JSON_VALUE", on_empty.get(row), FROM_EMPTY, "the result is empty");
        sources.push(match outcome {
            Outcome::Null => FROM_NULL,
            Outcome::Value(node) if node.is_scalar() => {
                value = node.scalar_text().map(|text| text.into_owned());
                FROM_VALUES
            }
            Outcome::Value(_) | Outcome::JsonNull if !lax => failed("the result is not a scalar")?,
            Outcome::Value(_) | Outcome::JsonNull | Outcome::Empty => empty()?,
            Outcome::Failed(why) => failed(&why)?,
        });
        texts.push(value);
    }
    let texts: ArrayRef = Arc::new(StringArray::from(texts));
    let values = cast_array(&texts, &Field::new("", DataType::Utf8, true), &to)?;
    for (row, source) in sources.iter_mut().enumerate().take(call.rows) {
        if *source == FROM_VALUES && texts.is_valid(row) && values.is_null(row) {
            let why = format!("'{}' is not {flink}", texts.as_string::<i32>().value(row));
            *source = behaviour("JSON_VALUE", on_error.get(row), FROM_ERROR, &why)?;
        }
    }
    let default = |index: usize| -> Result<ArrayRef> {
        if !call.has(index) {
            return Ok(new_null_array(&target, call.rows));
        }
        cast_array(&call.array(index)?, &call.fields[index], &To { safe: false, ..to })
    };
    let (empty, error, null) = (default(3)?, default(5)?, new_null_array(&target, 1));
    let picks: Vec<(usize, usize)> =
        sources.iter().enumerate().map(|(row, source)| (*source, if *source == FROM_NULL { 0 } else { row })).collect();
    Ok(interleave(&[values.as_ref(), empty.as_ref(), error.as_ref(), null.as_ref()], &picks)?)
}

fn query_type(args: &ReturnFieldArgs) -> Result<DataType> {
    match args.arg_fields.get(5).map(|field| field.data_type()) {
        None | Some(DataType::Null | DataType::Utf8) => Ok(DataType::Utf8),
        Some(list @ DataType::List(item)) if *item.data_type() == DataType::Utf8 => Ok(list.clone()),
        Some(other) => plan_err!("JSON_QUERY cannot return {}; use STRING or ARRAY<STRING>", type_name(other)),
    }
}

fn json_query(call: &Call) -> Result<ArrayRef> {
    let (text, spec, wrapper) = (call.text(0)?, call.text(1)?, call.text_or(2, "WITHOUT")?);
    let (on_empty, on_error) = (call.text_or(3, "NULL")?, call.text_or(4, "NULL")?);
    let mut out = QueryOut::new(call);
    for row in 0..call.rows {
        let lax = spec.get(row).map(path).transpose()?.is_some_and(|path| path.lax);
        match look_up(text.get(row), spec.get(row))? {
            Outcome::Null => out.push_null(),
            Outcome::Value(node) => {
                let node = match (wrapper.get(row), &node) {
                    (Some("UNCONDITIONAL"), _) => Node::Array(vec![node]),
                    (Some("CONDITIONAL"), Node::Array(_)) => node,
                    (Some("CONDITIONAL"), _) => Node::Array(vec![node]),
                    _ => node,
                };
                match (node.is_scalar(), lax) {
                    (false, _) => {
                        if !out.push(&node) {
                            out.push_behaviour(&on_error, row, "the result is not an array")?;
                        }
                    }
                    (true, true) => out.push_behaviour(&on_empty, row, "the result is a scalar")?,
                    (true, false) => out.push_behaviour(&on_error, row, "the result is a scalar")?,
                }
            }
            Outcome::JsonNull if !lax => out.push_behaviour(&on_error, row, "the result is null")?,
            Outcome::Empty | Outcome::JsonNull => out.push_behaviour(&on_empty, row, "the result is empty")?,
            Outcome::Failed(why) => out.push_behaviour(&on_error, row, &why)?,
        }
    }
    out.finish(call)
}

/// The result of JSON_QUERY: texts, or arrays of texts.
struct QueryOut {
    texts: TextOut,
    /// For arrays: the ends of the rows, and which are NULL.
    lists: Option<(Vec<i32>, NullBufferBuilder)>,
    count: i32,
}

impl QueryOut {
    fn new(call: &Call) -> Self {
        let lists = matches!(call.returns.data_type(), DataType::List(_)).then(|| (vec![0], NullBufferBuilder::new(call.rows)));
        Self { texts: TextOut::new(call.rows, call.rows * 32), lists, count: 0 }
    }

    fn end_row(&mut self, valid: bool) {
        match &mut self.lists {
            Some((offsets, nulls)) => {
                offsets.push(self.count);
                nulls.append(valid);
            }
            None => self.texts.end_row(valid),
        }
    }

    fn push_null(&mut self) {
        self.end_row(false);
    }

    /// Appends a value; false if it should be an array but is none.
    fn push(&mut self, node: &Node) -> bool {
        if self.lists.is_none() {
            node.write(self.texts.buffer());
            self.end_row(true);
            return true;
        }
        let Node::Array(items) = node else { return false };
        for item in items {
            match item.scalar_text() {
                Some(text) => self.texts.buffer().extend_from_slice(text.as_bytes()),
                None if matches!(item, Node::Null) => {}
                None => item.write(self.texts.buffer()),
            }
            self.texts.end_row(!matches!(item, Node::Null));
            self.count += 1;
        }
        self.end_row(true);
        true
    }

    fn push_behaviour(&mut self, behaviours: &Text, row: usize, why: &str) -> Result<()> {
        match behaviours.get(row) {
            Some("EMPTY ARRAY") => {
                self.push(&Node::Array(Vec::new()));
            }
            Some("EMPTY OBJECT") if self.lists.is_none() => {
                self.push(&Node::Object(Vec::new()));
            }
            Some("ERROR") => return exec_err!("JSON_QUERY: {why}"),
            _ => self.push_null(),
        }
        Ok(())
    }

    fn finish(self, call: &Call) -> Result<ArrayRef> {
        match (self.lists, call.returns.data_type()) {
            (Some((offsets, mut nulls)), DataType::List(item)) => {
                let offsets = OffsetBuffer::new(offsets.into());
                Ok(Arc::new(ListArray::try_new(Arc::clone(item), offsets, self.texts.finish()?, nulls.finish())?))
            }
            _ => self.texts.finish(),
        }
    }
}

fn arguments(call: &Call, from: usize) -> Result<Vec<ArrayRef>> {
    (from..call.args.len()).map(|index| call.array(index)).collect()
}

fn json_object(call: &Call) -> Result<ArrayRef> {
    let absent = call.constant_text(0) == Some("ABSENT");
    let values = arguments(call, 1.min(call.args.len()))?;
    if values.len() % 2 != 0 {
        return exec_err!("JSON_OBJECT needs a value for every key");
    }
    call.texts(|row, out| {
        let mut fields: std::collections::BTreeMap<String, usize> = std::collections::BTreeMap::new();
        for pair in (0..values.len()).step_by(2) {
            let (key, value) = (&values[pair], &values[pair + 1]);
            let Some(key) = key.as_string_opt::<i32>().filter(|key| key.is_valid(row)) else {
                return exec_err!("JSON_OBJECT: a key must be a STRING that is not NULL");
            };
            if !(absent && value.is_null(row)) {
                fields.insert(key.value(row).to_string(), pair + 1);
            }
        }
        out.push(b'{');
        for (n, (key, index)) in fields.into_iter().enumerate() {
            if n > 0 {
                out.push(b',');
            }
            push_quoted(out, &key);
            out.push(b':');
            push_json(&values[index], &call.fields[index + 1], row, out)?;
        }
        out.push(b'}');
        Ok(true)
    })
}

fn json_array(call: &Call) -> Result<ArrayRef> {
    let absent = call.constant_text(0) == Some("ABSENT");
    let values = arguments(call, 1.min(call.args.len()))?;
    call.texts(|row, out| {
        out.push(b'[');
        let mut first = true;
        for (i, value) in values.iter().enumerate() {
            if absent && value.is_null(row) {
                continue;
            }
            if !first {
                out.push(b',');
            }
            first = false;
            push_json(value, &call.fields[i + 1], row, out)?;
        }
        out.push(b']');
        Ok(true)
    })
}

fn json(call: &Call) -> Result<ArrayRef> {
    call.array(0)
}

fn json_string(call: &Call) -> Result<ArrayRef> {
    let value = call.array(0)?;
    call.texts(|row, out| {
        if value.is_null(row) {
            return Ok(false);
        }
        push_json(&value, &call.fields[0], row, out)?;
        Ok(true)
    })
}

fn json_quote(call: &Call) -> Result<ArrayRef> {
    let text = call.text(0)?;
    call.texts(|row, out| {
        let Some(text) = text.get(row) else { return Ok(false) };
        out.push(b'"');
        text.chars().for_each(|c| push_quoted_char(out, c));
        out.push(b'"');
        Ok(true)
    })
}

/// A character of JSON_QUOTE, which also escapes the slash and all that is not ASCII. A character beyond U+FFFF comes out
/// as its code and its second UTF-16 unit, as in Flink.
fn push_quoted_char(out: &mut Vec<u8>, c: char) {
    match c {
        '"' => out.extend_from_slice(b"\\\""),
        '\\' => out.extend_from_slice(b"\\\\"),
        '/' => out.extend_from_slice(b"\\/"),
        '\u{8}' => out.extend_from_slice(b"\\b"),
        '\u{c}' => out.extend_from_slice(b"\\f"),
        '\n' => out.extend_from_slice(b"\\n"),
        '\r' => out.extend_from_slice(b"\\r"),
        '\t' => out.extend_from_slice(b"\\t"),
        ' '..='~' => out.push(c as u8),
        _ => {
            out.extend_from_slice(format!("\\u{:04x}", c as u32).as_bytes());
            let mut units = [0; 2];
            if let [_, low] = c.encode_utf16(&mut units) {
                out.extend_from_slice(format!("\\u{low:04x}").as_bytes());
            }
        }
    }
}

fn json_unquote(call: &Call) -> Result<ArrayRef> {
    let text = call.text(0)?;
    call.texts(|row, out| {
        let Some(text) = text.get(row) else { return Ok(false) };
        // What follows the first string is not looked at, but the last quote has to end the text.
        let quoted = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).filter(|_| parse_first(text).is_some());
        match quoted.and_then(unescape) {
            Some(inner) => out.extend_from_slice(inner.as_bytes()),
            None => out.extend_from_slice(text.as_bytes()),
        }
        Ok(true)
    })
}
