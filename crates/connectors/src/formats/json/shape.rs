//! What the reader knows of objects: their fields by name, and what stood between the values of the record before.

use std::collections::HashMap;

use arrow::datatypes::{DataType, Field, Fields};
use flott_engine::{Error, Result};

use super::scan::equal_under;
use crate::formats::builders::Map;
use crate::formats::columns::Column;
use crate::formats::scalar;

/// Places remembered per object; objects with more keys are read the long way from there on.
const MAX_GUESSES: usize = 512;
/// Field index of a key that no column needs.
pub const SKIP: u32 = u32::MAX;
/// Objects with more fields than this look names up in a table.
const SCAN_FIELDS: usize = 8;

/// What a column needs besides its builder: names of fields, guesses.
#[derive(Clone)]
pub enum Shape {
    Scalar,
    /// The element and whether it may be NULL.
    List(Box<Shape>, bool),
    /// The value and whether it may be NULL.
    Map(Box<Shape>, bool),
    Row(Box<RowShape>),
}

/// The fields of an object.
#[derive(Clone)]
pub struct RowShape {
    pub names: Vec<String>,
    by_name: HashMap<String, u32>,
    /// Which fields may be NULL.
    pub nullable: Vec<bool>,
    pub shapes: Vec<Shape>,
    /// What to expect at each place.
    pub guesses: Vec<Guess>,
    /// For each field from the 65th on, whether the object that is being read had it.
    seen: Vec<bool>,
    /// By place, the keys of objects that are skipped there.
    skipped: Vec<Option<Box<RowShape>>>,
}

/// What stood before a value: separator, key and colon, up to 32 bytes.
#[derive(Clone, Copy)]
pub struct Guess {
    text: [[u8; 16]; 2],
    mask: [[u8; 16]; 2],
    /// Number of bytes.
    pub length: usize,
    /// The field whose value follows, or [`SKIP`].
    pub field: u32,
}

/// The fields that the object had so far.
pub struct Seen {
    /// A bit for each of the first 64; the others are in the shape.
    first: u64,
    /// How many.
    pub fields: usize,
    /// The same, with those counted again that came again.
    pub found: usize,
}

impl Seen {
    /// None.
    #[inline(always)]
    pub fn of(shape: &mut RowShape) -> Self {
        shape.seen.fill(false);
        Self { first: 0, fields: 0, found: 0 }
    }

    /// Adds a field. Tells whether it was there before.
    #[inline(always)]
    pub fn again(&mut self, field: usize, shape: &mut RowShape) -> bool {
        let again = self.has(field, shape);
        match field {
            0..64 => self.first |= 1 << field,
            _ => shape.seen[field - 64] = true,
        }
        self.fields += usize::from(!again);
        self.found += 1;
        again
    }

    /// Whether a field was there.
    #[inline(always)]
    pub fn has(&self, field: usize, shape: &RowShape) -> bool {
        match field {
            0..64 => self.first >> field & 1 == 1,
            _ => shape.seen[field - 64],
        }
    }
}

impl Guess {
    fn new(text: &[u8], field: u32) -> Self {
        let mut guess = Guess { text: [[0; 16]; 2], mask: [[0; 16]; 2], length: text.len(), field };
        if text.len() > 32 {
            // Longer than can be compared: one that never matches.
            guess.text[0][0] = 1;
            return guess;
        }
        for (i, b) in text.iter().enumerate() {
            guess.text[i / 16][i % 16] = *b;
            guess.mask[i / 16][i % 16] = 0xff;
        }
        guess
    }

    /// Whether it stands at a position.
    #[inline(always)]
    pub fn matches(&self, bytes: &[u8], pos: usize) -> bool {
        let Some(chunk) = bytes.get(pos..).and_then(|rest| rest.first_chunk::<32>()) else { return false };
        let (Some(low), Some(high)) = (chunk.first_chunk::<16>(), chunk.last_chunk::<16>()) else { return false };
        equal_under(low, &self.text[0], &self.mask[0]) && (self.length <= 16 || equal_under(high, &self.text[1], &self.mask[1]))
    }
}

impl Shape {
    /// The shape of a field's type. Fails for maps whose keys are no strings.
    pub fn new(field: &Field) -> Result<Self> {
        Ok(match field.data_type() {
            DataType::List(element) => Shape::List(Box::new(Shape::new(element)?), element.is_nullable()),
            DataType::Map(entries, _) => match entries.data_type() {
                DataType::Struct(fields) if fields.len() == 2 => {
                    if fields[0].data_type() != &DataType::Utf8 {
                        return Err(Error::config(format!(
                            "Column {}: JSON has only strings as keys of a MAP, not {}",
                            field.name(),
                            scalar::type_name(fields[0].data_type())
                        )));
                    }
                    Shape::Map(Box::new(Shape::new(&fields[1])?), fields[1].is_nullable())
                }
                other => return Err(Error::internal(format!("Map entries of type {other}"))),
            },
            DataType::Struct(fields) => Shape::Row(Box::new(RowShape::new(fields)?)),
            _ => Shape::Scalar,
        })
    }
}

impl RowShape {
    /// The shape of an object with these fields.
    pub fn new(fields: &Fields) -> Result<Self> {
        Ok(RowShape {
            names: fields.iter().map(|f| f.name().clone()).collect(),
            by_name: fields.iter().enumerate().map(|(i, f)| (f.name().clone(), i as u32)).collect(),
            nullable: fields.iter().map(|f| f.is_nullable()).collect(),
            shapes: fields.iter().map(|f| Shape::new(f)).collect::<Result<_>>()?,
            guesses: vec![],
            seen: vec![false; fields.len().saturating_sub(64)],
            skipped: vec![],
        })
    }

    /// The shape of an object of which nothing is needed.
    fn unknown() -> Self {
        RowShape {
            names: vec![],
            by_name: HashMap::new(),
            nullable: vec![],
            shapes: vec![],
            guesses: vec![],
            seen: vec![],
            skipped: vec![],
        }
    }

    /// The shape of the object that is skipped at a place.
    pub fn skipped_at(&mut self, place: usize) -> Option<&mut RowShape> {
        if place >= MAX_GUESSES {
            return None;
        }
        if place >= self.skipped.len() {
            self.skipped.resize(place + 1, None);
        }
        Some(self.skipped[place].get_or_insert_with(|| Box::new(RowShape::unknown())))
    }

    /// The field of a name, or [`SKIP`].
    pub fn field(&self, name: &str) -> u32 {
        if self.names.len() <= SCAN_FIELDS {
            return self.names.iter().position(|n| n == name).map_or(SKIP, |i| i as u32);
        }
        self.by_name.get(name).copied().unwrap_or(SKIP)
    }

    /// Remembers what stood before the value at a place.
    pub fn learn(&mut self, place: usize, text: &[u8], field: u32) {
        if place < self.guesses.len() {
            self.guesses[place] = Guess::new(text, field);
        } else if place == self.guesses.len() && place < MAX_GUESSES {
            self.guesses.push(Guess::new(text, field));
        }
    }
}

/// Whether a key occurs twice in the entry of a map that is being read.
pub fn has_duplicates(map: &Map) -> bool {
    let Column::String(keys) = &map.keys else { return false };
    let range = map.ended()..map.keys.len();
    if range.len() > 16 {
        let mut seen = std::collections::HashSet::with_capacity(range.len());
        return range.into_iter().any(|i| !seen.insert(keys.get(i)));
    }
    range.clone().any(|i| (range.start..i).any(|j| keys.get(i) == keys.get(j)))
}

/// What a column's type is called in a message.
pub fn name_of(column: &Column) -> &'static str {
    match column {
        Column::Boolean(_) => "BOOLEAN",
        Column::Float32(_) => "FLOAT",
        Column::Float64(_) => "DOUBLE",
        Column::Decimal(..) => "DECIMAL",
        Column::Binary(_) => "BYTES",
        Column::Date(_) => "DATE",
        Column::Time(..) => "TIME",
        Column::Timestamp(_, kind) if kind.utc => "TIMESTAMP_LTZ",
        Column::Timestamp(..) => "TIMESTAMP",
        _ => "its column",
    }
}
