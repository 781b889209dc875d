//! Reads messages into columns as a plan says. Fields may come in any order and more than once: of single ones the last counts, parts
//! of one nested message are put together, elements are gathered.

use std::collections::HashMap;

use super::plan::{FieldPlan, Message, Shape, Type};
use super::wire::{BYTES, Raw, Wire, unzigzag};
use crate::formats::builders::Map;
use crate::formats::columns::Column;
use crate::formats::failure::{Failure, failure};
use crate::formats::scalar::in_range;

type Done = Result<(), Box<Failure>>;
/// What Java says of an enum's number that is not known.
const UNRECOGNIZED: &str = "UNRECOGNIZED";
const MISFIT: &str = "the plan does not fit the columns";

/// Reads messages, one after the other.
#[derive(Default)]
pub struct Reader {
    /// What was found so far, of the message at hand behind those around it.
    found: Vec<Found>,
    /// Entries of maps.
    entries: Vec<Entry>,
}

/// What was found of a field.
#[derive(Clone, Copy, Default)]
struct Found {
    /// How often it came.
    times: u32,
    /// Its last value: a number, or where its bytes lie in the message.
    bits: u64,
    start: u32,
    end: u32,
}

impl Found {
    #[inline]
    fn raw(self, message: &[u8]) -> Raw<'_> {
        Raw { bits: self.bits, bytes: message.get(self.start as usize..self.end as usize).unwrap_or_default() }
    }
}

/// An entry of a map.
#[derive(Clone, Copy)]
struct Entry {
    /// Place in `found` of the field.
    field: usize,
    /// Where it lies in the message.
    start: usize,
    end: usize,
}

impl Reader {
    /// Reads a message into the columns, one value for each.
    pub fn message(&mut self, bytes: &[u8], plan: &Message, columns: &mut [Column]) -> Done {
        if u32::try_from(bytes.len()).is_err() {
            return Err(failure("the message is longer than 4 GiB"));
        }
        let (base, entries) = (self.found.len(), self.entries.len());
        self.found.resize(base + plan.fields.len() + plan.required.len(), Found::default());
        let done = self.scan(bytes, plan, columns, base).and_then(|()| self.fill(bytes, plan, columns, base, entries));
        self.found.truncate(base);
        self.entries.truncate(entries);
        done
    }

    /// Looks at all fields: notes single ones, appends elements.
    fn scan(&mut self, bytes: &[u8], plan: &Message, columns: &mut [Column], base: usize) -> Done {
        let mut wire = Wire::new(bytes);
        while !wire.at_end() {
            let (number, encoding) = wire.tag()?;
            let place = plan.place(number);
            let raw = wire.value(number, encoding).map_err(|reason| match place {
                Some(place) => Box::<Failure>::from(reason).within(place),
                None => reason.into(),
            })?;
            if let Some(i) = plan.required.iter().position(|(required, _)| *required == number) {
                self.found[base + plan.fields.len() + i].times = 1;
            }
            let Some(place) = place else {
                if let Some((_, oneof)) = plan.rivals.iter().find(|(rival, _)| *rival == number) {
                    self.clear(plan, *oneof, base);
                }
                continue;
            };
            let field = &plan.fields[place];
            match &field.shape {
                Shape::Single(single) if single.encoding() == encoding => {
                    if matches!(single, Type::Enum(symbols) if symbols.closed && !symbols.names.contains_key(&(raw.bits as i32))) {
                        continue;
                    }
                    let times = self.found[base + place].times;
                    if let Some(oneof) = field.oneof {
                        self.clear(plan, oneof, base);
                    }
                    let end = wire.at();
                    self.found[base + place] =
                        Found { times: times + 1, bits: raw.bits, start: (end - raw.bytes.len()) as u32, end: end as u32 };
                }
                Shape::Repeated(element) => {
                    let Some(Column::List(list)) = columns.get_mut(place) else { return Err(MISFIT.into()) };
                    self.elements(encoding, raw, element, &mut list.element).map_err(|e| e.within(place))?;
                }
                Shape::Map(..) if encoding == BYTES => {
                    let end = wire.at();
                    self.entries.push(Entry { field: base + place, start: end - raw.bytes.len(), end });
                }
                // Of another type than it should be: a field that is not known.
                _ => {}
            }
        }
        Ok(())
    }

    /// Another member of a `oneof` comes, so that those before count no more.
    fn clear(&mut self, plan: &Message, oneof: usize, base: usize) {
        for (place, _) in plan.fields.iter().enumerate().filter(|(_, field)| field.oneof == Some(oneof)) {
            self.found[base + place].times = 0;
        }
    }

    /// Appends an element, or a run of packed ones.
    fn elements(&mut self, encoding: u8, raw: Raw<'_>, element: &Type, column: &mut Column) -> Done {
        if encoding == element.encoding() {
            return self.element(element, raw, column);
        }
        if encoding == BYTES && element.encoding() != BYTES {
            let mut run = Wire::new(raw.bytes);
            while !run.at_end() {
                let bits = run.packed(element.encoding())?;
                self.element(element, Raw { bits, bytes: &[] }, column)?;
            }
        }
        Ok(())
    }

    fn element(&mut self, element: &Type, raw: Raw<'_>, column: &mut Column) -> Done {
        match element {
            Type::Enum(symbols) if symbols.closed && !symbols.names.contains_key(&(raw.bits as i32)) => Ok(()),
            _ => self.value(element, raw, column),
        }
    }

    /// Puts what was found into the columns.
    fn fill(&mut self, bytes: &[u8], plan: &Message, columns: &mut [Column], base: usize, entries: usize) -> Done {
        for (i, (_, name)) in plan.required.iter().enumerate() {
            if self.found[base + plan.fields.len() + i].times == 0 {
                return Err(failure(format!("the required field '{name}' is missing")));
            }
        }
        for (place, (field, column)) in plan.fields.iter().zip(columns).enumerate() {
            let found = self.found[base + place];
            let done = match &field.shape {
                Shape::Single(Type::Message(inner)) if found.times > 1 => {
                    let whole = parts(bytes, field.number);
                    row(column, |columns| Reader::default().message(&whole, inner, columns))
                }
                Shape::Single(single) if found.times > 0 => self.value(single, found.raw(bytes), column),
                Shape::Single(single) => self.absent(field, single, column),
                Shape::Repeated(_) => match column {
                    Column::List(list) if list.element.len() > list.ended() || field.default.is_some() => {
                        list.end();
                        Ok(())
                    }
                    column => null(field, column),
                },
                Shape::Map(key, value) => {
                    let of_field = self.entries[entries..].iter().filter(|entry| entry.field == base + place);
                    let of_field: Vec<&[u8]> = of_field.map(|entry| &bytes[entry.start..entry.end]).collect();
                    match column {
                        Column::Map(map) if !of_field.is_empty() || field.default.is_some() => self.map(&of_field, key, value, map),
                        column => null(field, column),
                    }
                }
            };
            done.map_err(|failure| failure.within(place))?;
        }
        Ok(())
    }

    /// A field is not there.
    fn absent(&mut self, field: &FieldPlan, single: &Type, column: &mut Column) -> Done {
        match &field.default {
            None => null(field, column),
            Some(default) => {
                let raw = Raw { bits: default.bits, bytes: &default.bytes };
                Reader::default().value(single, raw, column)
            }
        }
    }

    /// Appends the entries of a map; of equal keys the last one counts, at the place of the first.
    fn map(&mut self, entries: &[&[u8]], key: &Type, value: &Type, map: &mut Map) -> Done {
        let mut pairs: Vec<(Raw<'_>, Raw<'_>)> = Vec::with_capacity(entries.len());
        let mut places: HashMap<(u64, &[u8]), usize> = HashMap::with_capacity(entries.len());
        for entry in entries {
            let mut wire = Wire::new(entry);
            let mut pair = (Raw::default(), Raw { bits: first_bits(value), bytes: &[] });
            while !wire.at_end() {
                let (number, encoding) = wire.tag()?;
                let raw = wire.value(number, encoding)?;
                match number {
                    1 if encoding == key.encoding() => pair.0 = raw,
                    2 if encoding == value.encoding() => pair.1 = raw,
                    _ => {}
                }
            }
            let place = *places.entry((pair.0.bits, pair.0.bytes)).or_insert(pairs.len());
            match pairs.get_mut(place) {
                Some(before) => before.1 = pair.1,
                None => pairs.push(pair),
            }
        }
        for (k, v) in pairs {
            self.value(key, k, &mut map.keys)?;
            self.value(value, v, &mut map.values)?;
        }
        map.end();
        Ok(())
    }

    /// Appends a value.
    #[inline]
    fn value(&mut self, single: &Type, raw: Raw<'_>, column: &mut Column) -> Done {
        match (single, column) {
            (Type::Int64 | Type::Uint64 | Type::Fixed64 | Type::Sfixed64, Column::Int64(c)) => c.push(raw.bits as i64),
            (Type::Int32 | Type::Uint32 | Type::Fixed32 | Type::Sfixed32, Column::Int32(c)) => c.push(raw.bits as i32),
            (Type::String, Column::String(c)) => c.push(std::str::from_utf8(raw.bytes).map_err(|_| failure("the text is not UTF-8"))?),
            (Type::Double, Column::Float64(c)) => c.push(f64::from_bits(raw.bits)),
            (Type::Float, Column::Float32(c)) => c.push(f32::from_bits(raw.bits as u32)),
            (Type::Bool, Column::Boolean(c)) => Column::push_bool(c, raw.bits != 0),
            (Type::Bytes, Column::Binary(c)) => c.push(raw.bytes),
            (Type::Sint32, Column::Int32(c)) => c.push(unzigzag(u64::from(raw.bits as u32)) as i32),
            (Type::Sint64, Column::Int64(c)) => c.push(unzigzag(raw.bits)),
            (Type::Message(plan), column) => return row(column, |columns| self.message(raw.bytes, plan, columns)),
            (Type::Enum(symbols), column) => {
                let number = raw.bits as i32;
                match column {
                    Column::String(c) => c.push(symbols.names.get(&number).map_or(UNRECOGNIZED, String::as_str)),
                    Column::Int32(c) => c.push(number),
                    Column::Int64(c) => c.push(number.into()),
                    Column::Int16(c) => c.push(in_range(number.into(), "SMALLINT").map_err(failure)?),
                    Column::Int8(c) => c.push(in_range(number.into(), "TINYINT").map_err(failure)?),
                    _ => return Err(MISFIT.into()),
                }
            }
            _ => return Err(MISFIT.into()),
        }
        Ok(())
    }
}

/// The number that stands for no value in an entry of a map.
fn first_bits(value: &Type) -> u64 {
    match value {
        Type::Enum(symbols) => i64::from(symbols.first) as u64,
        _ => 0,
    }
}

fn null(field: &FieldPlan, column: &mut Column) -> Done {
    if !field.nullable {
        return Err(failure("the field is missing, and the column is NOT NULL"));
    }
    column.push_null();
    Ok(())
}

/// Appends a nested row.
fn row(column: &mut Column, fill: impl FnOnce(&mut [Column]) -> Done) -> Done {
    let Column::Row(row) = column else { return Err(MISFIT.into()) };
    row.begin();
    fill(&mut row.columns)?;
    row.end();
    Ok(())
}

/// All parts of a nested message that came in several: one after the other they are the whole.
fn parts(bytes: &[u8], number: u32) -> Vec<u8> {
    let mut whole = vec![];
    let mut wire = Wire::new(bytes);
    while let Ok((found, encoding)) = wire.tag() {
        match wire.value(found, encoding) {
            Ok(raw) if found == number && encoding == BYTES => whole.extend_from_slice(raw.bytes),
            Ok(_) => {}
            Err(_) => break,
        }
    }
    whole
}
