//! VARIANT values: semi-structured data in the [binary form](https://github.com/apache/parquet-format/blob/master/VariantEncoding.md)
//! that Parquet and Flink share, metadata first and the value behind it. This file reads them; PARSE_JSON writes them.
//!
//! In Arrow a VARIANT is a `LargeBinary`, which nothing else is.

use crate::text::{push_decimal, push_f64, push_i64, push_json_string};

/// The only version of the metadata there is.
pub const VERSION: u8 = 1;

/// What the two lowest bits of a value's first byte say.
pub mod basic {
    /// A number, a BOOLEAN, a null, or a long text; which of them the other bits say.
    pub const PRIMITIVE: u8 = 0;
    /// A text, its length in the other bits.
    pub const SHORT_TEXT: u8 = 1;
    /// An object.
    pub const OBJECT: u8 = 2;
    /// An array.
    pub const ARRAY: u8 = 3;
}

/// What the six highest bits of a primitive value's first byte say.
pub mod primitive {
    /// JSON's null.
    pub const NULL: u8 = 0;
    /// True.
    pub const TRUE: u8 = 1;
    /// False.
    pub const FALSE: u8 = 2;
    /// An integer of 8 bits.
    pub const INT8: u8 = 3;
    /// An integer of 16 bits.
    pub const INT16: u8 = 4;
    /// An integer of 32 bits.
    pub const INT32: u8 = 5;
    /// An integer of 64 bits.
    pub const INT64: u8 = 6;
    /// A DOUBLE.
    pub const DOUBLE: u8 = 7;
    /// A decimal number: a byte for its scale, 32 bits for its digits.
    pub const DECIMAL4: u8 = 8;
    /// A decimal number of 64 bits.
    pub const DECIMAL8: u8 = 9;
    /// A decimal number of 128 bits.
    pub const DECIMAL16: u8 = 10;
    /// A text with its length in 32 bits.
    pub const LONG_TEXT: u8 = 16;
}

/// A value with the names of the fields in it.
#[derive(Debug, Clone, Copy)]
pub struct Variant<'a> {
    metadata: &'a [u8],
    value: &'a [u8],
}

/// Where the parts of an array or an object lie.
struct Layout {
    size: usize,
    /// Of the field ids, and how many bytes each has; no bytes in an array.
    ids: (usize, usize),
    offsets: (usize, usize),
    data: usize,
}

/// A little-endian number of `width` bytes at `at`.
fn unsigned(bytes: &[u8], at: usize, width: usize) -> Option<usize> {
    let bytes = bytes.get(at..at.checked_add(width)?)?;
    Some(bytes.iter().rev().fold(0, |number, byte| number << 8 | usize::from(*byte)))
}

fn signed(bytes: &[u8], at: usize, width: usize) -> Option<i128> {
    let bytes = bytes.get(at..at + width)?;
    let top = if bytes.last()? & 0x80 != 0 { -1 } else { 0 };
    Some(bytes.iter().rev().fold(top, |number, byte| number << 8 | i128::from(*byte)))
}

impl<'a> Variant<'a> {
    /// Over metadata and value; `None` if the metadata is damaged.
    pub fn new(bytes: &'a [u8]) -> Option<Self> {
        let header = *bytes.first()?;
        let width = usize::from(header >> 6) + 1;
        let keys = unsigned(bytes, 1, width)?;
        let texts = 1 + width * (keys.checked_add(2)?);
        let length = texts + unsigned(bytes, 1 + width * (keys + 1), width)?;
        (header & 0x0f == VERSION && length <= bytes.len()).then(|| {
            let (metadata, value) = bytes.split_at(length);
            Self { metadata, value }
        })
    }

    /// The name with this id.
    fn name(&self, id: usize) -> Option<&'a str> {
        let width = usize::from(*self.metadata.first()? >> 6) + 1;
        let keys = unsigned(self.metadata, 1, width)?;
        let place = |i: usize| unsigned(self.metadata, 1 + width * (i + 1), width);
        let texts = 1 + width * (keys + 2);
        let name = self.metadata.get(texts + place(id)?..texts + place(id + 1)?)?;
        std::str::from_utf8(name).ok()
    }

    fn basic(&self) -> Option<(u8, u8)> {
        self.value.first().map(|header| (header & 3, header >> 2))
    }

    /// True for an array.
    pub fn is_array(&self) -> bool {
        self.basic().is_some_and(|(kind, _)| kind == basic::ARRAY)
    }

    /// True for an object.
    pub fn is_object(&self) -> bool {
        self.basic().is_some_and(|(kind, _)| kind == basic::OBJECT)
    }

    fn layout(&self) -> Option<Layout> {
        let (kind, header) = self.basic()?;
        let object = kind == basic::OBJECT;
        let large = header >> if object { 4 } else { 2 } & 1 == 1;
        let (size_width, offset_width) = (if large { 4 } else { 1 }, usize::from(header & 3) + 1);
        let id_width = if object { usize::from(header >> 2 & 3) + 1 } else { 0 };
        let size = unsigned(self.value, 1, size_width)?;
        let ids = 1 + size_width;
        let offsets = ids + size * id_width;
        Some(Layout { size, ids: (ids, id_width), offsets: (offsets, offset_width), data: offsets + (size + 1) * offset_width })
    }

    /// What lies at place `i` of an array or an object.
    fn part(&self, layout: &Layout, i: usize) -> Option<Variant<'a>> {
        let (at, width) = layout.offsets;
        let start = layout.data + unsigned(self.value, at + i * width, width)?;
        Some(Variant { value: self.value.get(start..)?, ..*self })
    }

    /// The element at `index`, from 0, of an array that has one.
    pub fn element(&self, index: usize) -> Option<Variant<'a>> {
        let layout = self.layout().filter(|_| self.is_array())?;
        if index < layout.size { self.part(&layout, index) } else { None }
    }

    /// The field of that name of an object that has one.
    pub fn field(&self, name: &str) -> Option<Variant<'a>> {
        let layout = self.layout().filter(|_| self.is_object())?;
        let (at, width) = layout.ids;
        for i in 0..layout.size {
            if self.name(unsigned(self.value, at + i * width, width)?)? == name {
                return self.part(&layout, i);
            }
        }
        None
    }

    /// How many bytes the value has; what lies behind it belongs to its neighbours.
    fn length(&self) -> Option<usize> {
        let (kind, header) = self.basic()?;
        Some(match kind {
            basic::SHORT_TEXT => 1 + usize::from(header),
            basic::PRIMITIVE => match header {
                primitive::NULL | primitive::TRUE | primitive::FALSE => 1,
                primitive::INT8 => 2,
                primitive::INT16 => 3,
                primitive::INT32 => 5,
                primitive::INT64 | primitive::DOUBLE => 9,
                primitive::DECIMAL4 => 6,
                primitive::DECIMAL8 => 10,
                primitive::DECIMAL16 => 18,
                primitive::LONG_TEXT => 5 + unsigned(self.value, 1, 4)?,
                _ => return None,
            },
            _ => {
                let layout = self.layout()?;
                let (at, width) = layout.offsets;
                layout.data + unsigned(self.value, at + layout.size * width, width)?
            }
        })
    }

    /// Appends metadata and value, for a part of another value too.
    pub fn push_bytes(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.metadata);
        let length = self.length().unwrap_or(self.value.len()).min(self.value.len());
        out.extend_from_slice(&self.value[..length]);
    }

    /// Appends the value as JSON; `None` if it is damaged.
    pub fn push_json(&self, out: &mut Vec<u8>) -> Option<()> {
        let (kind, header) = self.basic()?;
        match kind {
            basic::SHORT_TEXT => self.push_text(out, 1, header.into()),
            basic::PRIMITIVE => self.push_primitive(out, header),
            _ => self.push_parts(out, kind == basic::OBJECT),
        }
    }

    fn push_text(&self, out: &mut Vec<u8>, at: usize, length: usize) -> Option<()> {
        let text = self.value.get(at..at + length)?;
        push_json_string(out, std::str::from_utf8(text).ok()?);
        Some(())
    }

    fn push_parts(&self, out: &mut Vec<u8>, object: bool) -> Option<()> {
        let layout = self.layout()?;
        out.push(if object { b'{' } else { b'[' });
        for i in 0..layout.size {
            if i > 0 {
                out.push(b',');
            }
            if object {
                let (at, width) = layout.ids;
                push_json_string(out, self.name(unsigned(self.value, at + i * width, width)?)?);
                out.push(b':');
            }
            self.part(&layout, i)?.push_json(out)?;
        }
        out.push(if object { b'}' } else { b']' });
        Some(())
    }

    fn push_primitive(&self, out: &mut Vec<u8>, kind: u8) -> Option<()> {
        let integer = |width| signed(self.value, 1, width).and_then(|v| i64::try_from(v).ok());
        let decimal = |out: &mut Vec<u8>, width| {
            let (mut digits, mut scale) = (signed(self.value, 2, width)?, *self.value.get(1)? as i8);
            // As written, 1.50 is 1.5.
            while scale > 0 && digits % 10 == 0 {
                (digits, scale) = (digits / 10, scale - 1);
            }
            push_decimal(out, digits, scale);
            Some(())
        };
        match kind {
            primitive::NULL => out.extend_from_slice(b"null"),
            primitive::TRUE => out.extend_from_slice(b"true"),
            primitive::FALSE => out.extend_from_slice(b"false"),
            primitive::INT8 => push_i64(out, integer(1)?),
            primitive::INT16 => push_i64(out, integer(2)?),
            primitive::INT32 => push_i64(out, integer(4)?),
            primitive::INT64 => push_i64(out, integer(8)?),
            primitive::DOUBLE => push_f64(out, f64::from_le_bytes(self.value.get(1..9)?.try_into().ok()?)),
            primitive::DECIMAL4 => decimal(out, 4)?,
            primitive::DECIMAL8 => decimal(out, 8)?,
            primitive::DECIMAL16 => decimal(out, 16)?,
            primitive::LONG_TEXT => self.push_text(out, 5, unsigned(self.value, 1, 4)?)?,
            _ => return None,
        }
        Some(())
    }
}

/// Appends the text of a value, which is JSON.
pub fn push_variant(out: &mut Vec<u8>, bytes: &[u8]) {
    let start = out.len();
    if Variant::new(bytes).and_then(|variant| variant.push_json(out)).is_none() {
        out.truncate(start);
        out.push(b'?');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_written_value_reads() {
        // {"a": 1, "b": ["x", 2.50]} with the names a and b.
        let metadata = [1, 2, 0, 1, 2, b'a', b'b'];
        let array = [0x03, 2, 0, 2, 8, 0x05, b'x', primitive::DECIMAL4 << 2, 2, 250, 0, 0, 0];
        let mut bytes = metadata.to_vec();
        bytes.extend([0x02, 2, 0, 1, 0, 2, 15, primitive::INT8 << 2, 1]);
        bytes.extend(array);
        let mut text = vec![];
        push_variant(&mut text, &bytes);
        assert_eq!(String::from_utf8_lossy(&text), r#"{"a":1,"b":["x",2.5]}"#);
        let part = Variant::new(&bytes).and_then(|v| v.field("b")).and_then(|v| v.element(0));
        let mut own = vec![];
        part.into_iter().for_each(|v| v.push_bytes(&mut own));
        text.clear();
        push_variant(&mut text, &own);
        assert_eq!((String::from_utf8_lossy(&text).as_ref(), own.len()), ("\"x\"", metadata.len() + 2));
    }

    proptest! {
        /// Damaged bytes have some text, and nothing panics.
        #[test]
        fn any_bytes_can_be_looked_at(bytes in prop::collection::vec(prop_oneof![0..8u8, any::<u8>()], 0..40)) {
            push_variant(&mut vec![], &bytes);
            if let Some(variant) = Variant::new(&bytes) {
                let _ = (variant.element(1).map(|v| v.length()), variant.field("a").map(|v| v.length()));
                variant.push_bytes(&mut vec![]);
            }
        }
    }
}
