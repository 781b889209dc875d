//! Reads values into columns as a plan says, and passes over those that nobody needs.

use std::collections::HashMap;

use super::plan::{Read, ReadField, ReadRow, ReadTop};
use super::schema::{Id, Kind, MILLIS, NANOS, Schema};
use super::wire::{ENDS, Wire, big_endian};
use crate::formats::builders::{List, Map};
use crate::formats::columns::Column;
use crate::formats::failure::{Failure, failure};
use crate::formats::json::has_duplicates;
use crate::formats::scalar::in_range;

/// How deep values that nobody needs may be nested.
const MAX_SKIP_DEPTH: usize = 64;
const UNION: &str = "a union has no type of that number";

type Done = Result<(), Box<Failure>>;

/// Reads a datum into the columns, one value for each.
#[inline]
pub fn datum(wire: &mut Wire<'_>, writer: &Schema, top: &ReadTop, columns: &mut [Column]) -> Done {
    if let Some(branch) = top.branch
        && wire.long()? != branch as i64
    {
        return Err(failure("the record is null"));
    }
    row(wire, writer, &top.row, columns)
}

fn row(wire: &mut Wire<'_>, writer: &Schema, plan: &ReadRow, columns: &mut [Column]) -> Done {
    for field in &plan.fields {
        match field {
            ReadField::Skip(id) => skip(wire, writer, *id, 0)?,
            ReadField::Column(i, read) => {
                let column = columns.get_mut(*i).ok_or("the plan does not fit the columns")?;
                value(wire, writer, read, column).map_err(|failure| failure.within(*i))?;
            }
        }
    }
    for (i, read, default) in &plan.missing {
        let column = columns.get_mut(*i).ok_or("the plan does not fit the columns")?;
        value(&mut Wire::new(default), writer, read, column)?;
    }
    Ok(())
}

/// Reads a value. What is frequent is here, so that it costs no call.
#[inline]
fn value(wire: &mut Wire<'_>, writer: &Schema, read: &Read, column: &mut Column) -> Done {
    let read = match read {
        Read::Nullable(read, null_first) => match wire.long()? {
            branch @ (0 | 1) if (branch == 0) == *null_first => {
                column.push_null();
                return Ok(());
            }
            0 | 1 => &**read,
            _ => return Err(UNION.into()),
        },
        read => read,
    };
    match (read, column) {
        (Read::Int64, Column::Int64(c)) => c.push(wire.long()?),
        (Read::Int32, Column::Int32(c)) => c.push(int(wire)?),
        (Read::String, Column::String(c)) => c.push(text(wire.bytes()?)?),
        (Read::Timestamp { from, to }, Column::Timestamp(c, _)) => {
            let value = wire.long()?;
            c.push(if from == to { value } else { rescaled(value, *from, *to)? });
        }
        (Read::Double, Column::Float64(c)) => c.push(f64::from_le_bytes(wire.array()?)),
        (read, column) => return nested(wire, writer, read, column),
    }
    Ok(())
}

/// Values that hold others.
fn nested(wire: &mut Wire<'_>, writer: &Schema, read: &Read, column: &mut Column) -> Done {
    match (read, column) {
        (Read::Row(plan), Column::Row(c)) => {
            c.begin();
            row(wire, writer, plan, &mut c.columns)?;
            c.end();
            Ok(())
        }
        (Read::List(read, empty), Column::List(c)) => list(wire, writer, read, *empty, c),
        (Read::Map(read), Column::Map(c)) => map(wire, writer, read, c),
        (Read::Union(reads), column) => {
            let branch = usize::try_from(wire.long()?).ok().and_then(|branch| reads.get(branch));
            value(wire, writer, branch.ok_or(UNION)?, column)
        }
        (read, column) => other(wire, read, column),
    }
}

/// The rarer types.
fn other(wire: &mut Wire<'_>, read: &Read, column: &mut Column) -> Done {
    match (read, column) {
        (Read::Null, column) => column.push_null(),
        (Read::Boolean, Column::Boolean(c)) => match wire.array::<1>()? {
            [byte @ (0 | 1)] => Column::push_bool(c, byte == 1),
            [byte] => return Err(failure(format!("the byte {byte} is no boolean"))),
        },
        (Read::NullRefused, _) => return Err(failure("NULL comes for a column that is NOT NULL")),
        (Read::Refused(reason), _) => return Err(failure(reason.clone())),
        (Read::Int8, Column::Int8(c)) => c.push(in_range(wire.long()?, "TINYINT").map_err(failure)?),
        (Read::Int16, Column::Int16(c)) => c.push(in_range(wire.long()?, "SMALLINT").map_err(failure)?),
        (Read::LongToFloat, Column::Float32(c)) => c.push(wire.long()? as f32),
        (Read::LongToDouble, Column::Float64(c)) => c.push(wire.long()? as f64),
        (Read::Float, Column::Float32(c)) => c.push(f32::from_le_bytes(wire.array()?)),
        (Read::FloatToDouble, Column::Float64(c)) => c.push(f32::from_le_bytes(wire.array()?).into()),
        (Read::Enum(symbols), Column::String(c)) => {
            let symbol = usize::try_from(wire.long()?).ok().and_then(|i| symbols.get(i));
            c.push(symbol.ok_or("an enum has no symbol of that number")?);
        }
        (Read::Bytes, Column::Binary(c)) => c.push(wire.bytes()?),
        (Read::Fixed(size), Column::Binary(c)) => c.push(wire.take(*size)?),
        (Read::Date, Column::Date(c)) => c.push(int(wire)?),
        (Read::Time(unit), Column::Time(c, _)) => {
            let millis = wire.long()?.div_euclid(unit / MILLIS);
            if !(0..86_400_000).contains(&millis) {
                return Err(failure(format!("{millis} ms is no time of the day")));
            }
            c.push(millis as i32);
        }
        (Read::Decimal { size, from_scale }, column) => {
            let bytes = match size {
                Some(size) => wire.take(*size)?,
                None => wire.bytes()?,
            };
            push_decimal(bytes, *from_scale, column);
        }
        _ => return Err(failure("the plan does not fit the column")),
    }
    Ok(())
}

#[inline(always)]
fn int(wire: &mut Wire<'_>) -> Result<i32, Box<Failure>> {
    let value = wire.long()?;
    i32::try_from(value).map_err(|_| failure("an int has more than 32 bits"))
}

#[inline(always)]
fn text(bytes: &[u8]) -> Result<&str, Box<Failure>> {
    std::str::from_utf8(bytes).map_err(|_| failure("the text is not UTF-8"))
}

/// A time in another unit, rounded towards the past.
fn rescaled(value: i64, from: i64, to: i64) -> Result<i64, Box<Failure>> {
    if from > to {
        return Ok(value.div_euclid(from / to));
    }
    value.checked_mul(to / from).ok_or_else(|| failure(format!("the time {value} is too far away for a TIMESTAMP with {}", unit_name(to))))
}

fn unit_name(per_second: i64) -> &'static str {
    if per_second == NANOS { "nanoseconds (1677 to 2262)" } else { "its precision" }
}

/// Appends a decimal; one that does not fit becomes NULL, as in Flink.
fn push_decimal(bytes: &[u8], from_scale: i32, column: &mut Column) {
    let fitting = match column {
        Column::Decimal(_, precision, scale) => {
            big_endian(bytes).and_then(|value| to_scale(value, i32::from(*scale) - from_scale)).filter(|v| digits(*v) <= *precision)
        }
        _ => None,
    };
    match (column, fitting) {
        (Column::Decimal(c, _, _), Some(value)) => c.push(value),
        (column, _) => column.push_null(),
    }
}

/// A decimal with so many digits more behind the point, rounded half up.
fn to_scale(value: i128, more: i32) -> Option<i128> {
    if more >= 0 {
        return value.checked_mul(10i128.checked_pow(more.unsigned_abs())?);
    }
    let Some(divisor) = 10i128.checked_pow(more.unsigned_abs()) else { return Some(0) };
    let (quotient, rest) = (value / divisor, value % divisor);
    Some(if rest.unsigned_abs() >= divisor.unsigned_abs() / 2 { quotient + value.signum() } else { quotient })
}

fn digits(value: i128) -> u8 {
    value.unsigned_abs().checked_ilog10().map_or(1, |digits| digits as u8 + 1)
}

fn list(wire: &mut Wire<'_>, writer: &Schema, read: &Read, empty: bool, list: &mut List) -> Done {
    let begun = list.element.len();
    loop {
        let (count, _) = wire.block(empty)?;
        if count == 0 {
            break;
        }
        if empty && list.element.len() - begun > MAX_EMPTY_ITEMS {
            return Err(failure("an array has too many empty elements"));
        }
        for _ in 0..count {
            value(wire, writer, read, &mut list.element)?;
        }
    }
    list.end();
    Ok(())
}

/// How many elements without any bytes an array may have.
const MAX_EMPTY_ITEMS: usize = 1 << 16;

fn map(wire: &mut Wire<'_>, writer: &Schema, read: &Read, map: &mut Map) -> Done {
    let start = wire.at;
    entries(wire, |wire, key| {
        let Column::String(keys) = &mut map.keys else { return Err(failure("the keys of a map are no strings")) };
        keys.push(text(key)?);
        value(wire, writer, read, &mut map.values)
    })?;
    if has_duplicates(map) {
        // Rare: of equal keys the last one counts, at the place of the first. Where each value lies tells which to read.
        let mut order: Vec<(&[u8], usize)> = vec![];
        let mut places: HashMap<&[u8], usize> = HashMap::new();
        map.values.truncate(map.ended());
        map.keys.truncate(map.ended());
        let mut again = Wire { bytes: wire.bytes, at: start };
        let from = map.values.len();
        entries(&mut again, |wire, key| {
            let place = *places.entry(key).or_insert(order.len());
            if place == order.len() {
                order.push((key, wire.at));
            }
            order[place].1 = wire.at;
            // Reading is also how to get behind a value.
            value(wire, writer, read, &mut map.values)
        })?;
        map.values.truncate(from);
        for (key, at) in order {
            let Column::String(keys) = &mut map.keys else { break };
            keys.push(text(key)?);
            value(&mut Wire { bytes: wire.bytes, at }, writer, read, &mut map.values)?;
        }
    }
    map.end();
    Ok(())
}

/// Calls a function for each entry of a map, with its key and the place of its value, which it reads.
fn entries<'a>(wire: &mut Wire<'a>, mut entry: impl FnMut(&mut Wire<'a>, &'a [u8]) -> Done) -> Done {
    loop {
        let (count, _) = wire.block(false)?;
        if count == 0 {
            return Ok(());
        }
        for _ in 0..count {
            let key = wire.bytes()?;
            entry(wire, key)?;
        }
    }
}

/// Passes over a value.
pub fn skip(wire: &mut Wire<'_>, schema: &Schema, id: Id, depth: usize) -> Done {
    if depth > MAX_SKIP_DEPTH {
        return Err(failure(format!("values are nested deeper than {MAX_SKIP_DEPTH}")));
    }
    match schema.kind(id) {
        Kind::Null => {}
        Kind::Boolean => drop(wire.take(1)?),
        Kind::Int | Kind::Long | Kind::Enum { .. } => drop(wire.long()?),
        Kind::Float => drop(wire.take(4)?),
        Kind::Double => drop(wire.take(8)?),
        Kind::Bytes | Kind::String => drop(wire.bytes()?),
        Kind::Fixed { size, .. } => drop(wire.take(*size)?),
        Kind::Record { fields, .. } => {
            for field in fields {
                skip(wire, schema, field.id, depth + 1)?;
            }
        }
        Kind::Union(branches) => {
            let branch = usize::try_from(wire.long()?).ok().and_then(|branch| branches.get(branch));
            skip(wire, schema, *branch.ok_or(UNION)?, depth + 1)?;
        }
        Kind::Array(items) => skip_blocks(wire, schema, *items, false, depth)?,
        Kind::Map(values) => skip_blocks(wire, schema, *values, true, depth)?,
    }
    Ok(())
}

fn skip_blocks(wire: &mut Wire<'_>, schema: &Schema, item: Id, keys: bool, depth: usize) -> Done {
    let empty = !keys && schema.may_be_empty(item);
    loop {
        match wire.block(empty)? {
            (0, _) => return Ok(()),
            (_, Some(length)) => drop(wire.take(length).map_err(|_| ENDS)?),
            (_, None) if empty => {}
            (count, None) => {
                for _ in 0..count {
                    if keys {
                        wire.bytes()?;
                    }
                    skip(wire, schema, item, depth + 1)?;
                }
            }
        }
    }
}
