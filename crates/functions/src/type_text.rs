//! Reads a type back from the text that [`ColumnType`] prints: the form in which types travel as metadata of fields and in the
//! names of casts. What users may write instead is the grammar of `flott-sql`.

use crate::data_type::{ColumnType, FlinkType, MAX_LENGTH, RowField};

/// How deep types may be nested.
const NESTING_MAX: u32 = 64;

/// The type that prints as `text`, or `None` if none does.
pub(crate) fn read(text: &str) -> Option<ColumnType> {
    let mut reader = Reader { rest: text, depth: 0 };
    let column = reader.column()?;
    reader.rest.is_empty().then_some(column)
}

struct Reader<'a> {
    rest: &'a str,
    depth: u32,
}

impl Reader<'_> {
    fn eat(&mut self, text: &str) -> bool {
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, text: &str) -> Option<()> {
        self.eat(text).then_some(())
    }

    fn column(&mut self) -> Option<ColumnType> {
        self.depth += 1;
        if self.depth > NESTING_MAX {
            return None;
        }
        let ty = self.base()?;
        self.depth -= 1;
        Some(ColumnType { ty, nullable: !self.eat(" NOT NULL") })
    }

    fn base(&mut self) -> Option<FlinkType> {
        let end = self.rest.find(|c: char| !c.is_ascii_alphabetic() && c != '_').unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        Some(match word {
            "STRING" => FlinkType::STRING,
            "CHAR" => FlinkType::Char(self.length()?),
            "VARCHAR" => FlinkType::Varchar(self.length()?),
            "BOOLEAN" => FlinkType::Boolean,
            "BYTES" => FlinkType::BYTES,
            "BINARY" => FlinkType::Binary(self.length()?),
            "VARBINARY" => FlinkType::Varbinary(self.length()?),
            "DECIMAL" => self.decimal()?,
            "TINYINT" => FlinkType::TinyInt,
            "SMALLINT" => FlinkType::SmallInt,
            "INT" => FlinkType::Int,
            "BIGINT" => FlinkType::BigInt,
            "FLOAT" => FlinkType::Float,
            "DOUBLE" => FlinkType::Double,
            "DATE" => FlinkType::Date,
            "TIME" => FlinkType::Time(self.fraction()?),
            "TIMESTAMP" => FlinkType::Timestamp(self.fraction()?),
            "TIMESTAMP_LTZ" => FlinkType::TimestampLtz(self.fraction()?),
            "INTERVAL" if self.eat(" MONTH") => FlinkType::IntervalMonth,
            "INTERVAL" if self.eat(" SECOND(3)") => FlinkType::IntervalSecond,
            "ARRAY" => FlinkType::Array(self.element()?),
            "MULTISET" => FlinkType::Multiset(self.element()?),
            "MAP" => self.map()?,
            "ROW" => FlinkType::Row(self.fields()?),
            "RAW" => self.raw()?,
            "VARIANT" => FlinkType::Variant,
            "BITMAP" => FlinkType::Bitmap,
            "NULL" => FlinkType::Null,
            _ => return None,
        })
    }

    fn number(&mut self) -> Option<u32> {
        let end = self.rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.rest.len());
        let (digits, rest) = self.rest.split_at(end);
        self.rest = rest;
        digits.parse().ok()
    }

    /// `(n)`
    fn bounded(&mut self, least: u32, most: u32) -> Option<u32> {
        self.expect("(")?;
        let n = self.number()?;
        self.expect(")")?;
        (least..=most).contains(&n).then_some(n)
    }

    /// The length of a text or of bytes; 0 for that of an empty literal.
    fn length(&mut self) -> Option<u32> {
        self.bounded(0, MAX_LENGTH)
    }

    fn fraction(&mut self) -> Option<u8> {
        self.bounded(0, 9).map(|digits| digits as u8)
    }

    fn decimal(&mut self) -> Option<FlinkType> {
        self.expect("(")?;
        let precision = self.number()?;
        self.expect(", ")?;
        let scale = self.number()?;
        self.expect(")")?;
        let fits = (1..=38).contains(&precision) && scale <= precision;
        fits.then_some(FlinkType::Decimal { precision: precision as u8, scale: scale as u8 })
    }

    fn element(&mut self) -> Option<Box<ColumnType>> {
        self.expect("<")?;
        let element = self.column()?;
        self.expect(">")?;
        Some(Box::new(element))
    }

    fn map(&mut self) -> Option<FlinkType> {
        self.expect("<")?;
        let key = self.column()?;
        self.expect(", ")?;
        let value = self.column()?;
        self.expect(">")?;
        Some(FlinkType::Map(Box::new(key), Box::new(value)))
    }

    fn fields(&mut self) -> Option<Vec<RowField>> {
        self.expect("<")?;
        let mut fields = vec![];
        while !self.eat(">") {
            if !fields.is_empty() {
                self.expect(", ")?;
            }
            let name = self.quoted('`')?;
            self.expect(" ")?;
            let column = self.column()?;
            let comment = if self.eat(" ") { Some(self.quoted('\'')?) } else { None };
            fields.push(RowField { name, column, comment });
        }
        Some(fields)
    }

    fn raw(&mut self) -> Option<FlinkType> {
        self.expect("(")?;
        let class = self.quoted('\'')?;
        self.expect(", ")?;
        let snapshot = self.quoted('\'')?;
        self.expect(")")?;
        Some(FlinkType::Raw { class, snapshot })
    }

    /// A text between `quote`s; one inside of it is doubled.
    fn quoted(&mut self, quote: char) -> Option<String> {
        self.rest = self.rest.strip_prefix(quote)?;
        let mut text = String::new();
        loop {
            let (part, rest) = self.rest.split_once(quote)?;
            text.push_str(part);
            match rest.strip_prefix(quote) {
                Some(rest) => {
                    text.push(quote);
                    self.rest = rest;
                }
                None => {
                    self.rest = rest;
                    return Some(text);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRINTED: &[&str] = &[
        "CHAR(1)",
        "VARCHAR(7)",
        "STRING NOT NULL",
        "BOOLEAN",
        "BINARY(3)",
        "VARBINARY(3)",
        "BYTES",
        "DECIMAL(38, 38)",
        "TINYINT",
        "SMALLINT",
        "INT",
        "BIGINT",
        "FLOAT",
        "DOUBLE",
        "DATE",
        "TIME(0)",
        "TIMESTAMP(9) NOT NULL",
        "TIMESTAMP_LTZ(3)",
        "INTERVAL MONTH",
        "INTERVAL SECOND(3)",
        "ARRAY<INT NOT NULL> NOT NULL",
        "MULTISET<STRING>",
        "MAP<STRING, ARRAY<ARRAY<INT>>>",
        "ROW<>",
        "ROW<`a``b` INT, `b c` STRING NOT NULL 'it''s', `` ROW<`c` INT 'x'> 'y'>",
        "RAW('java.lang.Object', 'AbC=')",
        "VARIANT",
        "BITMAP",
        "NULL",
    ];

    #[test]
    fn what_is_printed_reads_back() {
        for text in PRINTED {
            let column = read(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(&column.to_string(), text);
        }
    }

    #[test]
    fn anything_else_is_none() {
        let deep = format!("{}INT{}", "ARRAY<".repeat(70), ">".repeat(70));
        for text in ["", "int", "INT ", "INT NULL", "CHAR(-1)", "CHAR(4294967296)", "DECIMAL(39, 0)", "DECIMAL(5, 6)", "TIMESTAMP(10)"]
            .iter()
            .chain(&["ARRAY<INT", "MAP<INT>", "ROW<`a INT>", "ROW<a INT>", "RAW('a')", "INTERVAL DAY", "ROW<`a` INT,>", deep.as_str()])
        {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn every_type_survives_a_field() {
        for text in PRINTED {
            let column = read(text).unwrap_or_else(|| panic!("{text}"));
            let field = column.ty.to_field("c", column.nullable);
            assert_eq!(FlinkType::from_field(&field), (column.ty, column.nullable), "{text}");
        }
    }
}
