//! The options of a table, read with their types. Errors name the table and the option and say what to write.

use std::collections::BTreeMap;

use flott_engine::connector::TableSpec;
use flott_engine::{Error, Result};

/// Options that any table may have: the planner reads them, connectors let them pass.
const GENERAL: &[&str] = &[
    "connector",
    "format",
    "scan.parallelism",
    "sink.parallelism",
    "scan.watermark.emit.strategy",
    "scan.watermark.alignment.group",
    "scan.watermark.alignment.max-drift",
    "scan.watermark.alignment.update-interval",
    "scan.watermark.idle-timeout",
];

/// The options of one table.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    table: &'a str,
    map: &'a BTreeMap<String, String>,
}

impl<'a> Options<'a> {
    /// The options of a table.
    pub fn new(table: &'a TableSpec) -> Self {
        Self { table: &table.name, map: &table.options }
    }

    /// An error about the table's options.
    pub fn error(&self, message: &str) -> Error {
        Error::config(format!("Table {}: {message}", self.table))
    }

    /// An option's text.
    pub fn get(&self, key: &str) -> Option<&'a str> {
        self.map.get(key).map(String::as_str)
    }

    /// The options whose keys begin so.
    pub fn with_prefix(&self, prefix: &str) -> impl Iterator<Item = (&'a str, &'a str)> {
        let prefix = prefix.to_owned();
        self.map.iter().filter(move |(k, _)| k.starts_with(&prefix)).map(|(k, v)| (k.as_str(), v.as_str()))
    }

    /// An option that must be there; `wanted` says what to write.
    pub fn required(&self, key: &str, wanted: &str) -> Result<&'a str> {
        self.get(key)
            .ok_or_else(|| self.error(&format!("the option '{key}' is missing")).help(format!("Add '{key}' = {wanted} to WITH (…)")))
    }

    /// The error for a value that cannot be read; `wanted` says what to write.
    pub fn wrong(&self, key: &str, value: &str, wanted: &str) -> Error {
        self.error(&format!("'{key}' = '{value}' is not valid")).help(format!("Write {wanted}"))
    }

    /// The error for a value that is not among those allowed.
    pub fn unknown_value(&self, key: &str, value: &str, allowed: &[&str]) -> Error {
        let list = allowed.iter().map(|a| format!("'{a}'")).collect::<Vec<_>>().join(", ");
        let wanted = match nearest(value, allowed.iter().copied()) {
            Some(near) => format!("one of {list}; did you mean '{near}'?"),
            None => format!("one of {list}"),
        };
        self.wrong(key, value, &wanted)
    }

    /// `true` or `false`.
    pub fn bool(&self, key: &str, default: bool) -> Result<bool> {
        match self.get(key) {
            None => Ok(default),
            Some(text) if text.trim().eq_ignore_ascii_case("true") => Ok(true),
            Some(text) if text.trim().eq_ignore_ascii_case("false") => Ok(false),
            Some(text) => Err(self.wrong(key, text, "'true' or 'false'")),
        }
    }

    /// One of several words, in any case; returns it as listed.
    pub fn one_of<'b>(&self, key: &str, allowed: &[&'b str], default: &'b str) -> Result<&'b str> {
        let Some(text) = self.get(key) else { return Ok(default) };
        let found = allowed.iter().find(|a| a.eq_ignore_ascii_case(text.trim()));
        found.copied().ok_or_else(|| self.unknown_value(key, text, allowed))
    }

    /// A whole number from 0.
    pub fn number(&self, key: &str) -> Result<Option<u64>> {
        let Some(text) = self.get(key) else { return Ok(None) };
        text.trim().parse().map(Some).map_err(|_| self.wrong(key, text, "a whole number, for example '1000'"))
    }

    /// A duration in milliseconds: `10s`, `1 min`.
    pub fn duration_ms(&self, key: &str) -> Result<Option<u64>> {
        let Some(text) = self.get(key) else { return Ok(None) };
        let parsed = parse_duration_ms(text);
        parsed.map(Some).ok_or_else(|| self.wrong(key, text, "a duration such as '10s', '1 min', '500 ms' or '2 h'"))
    }

    /// A size in bytes: `128MB`, `1 gb`.
    pub fn bytes(&self, key: &str) -> Result<Option<u64>> {
        let Some(text) = self.get(key) else { return Ok(None) };
        let parsed = parse_bytes(text);
        parsed.map(Some).ok_or_else(|| self.wrong(key, text, "a size such as '128mb', '64 kb' or '1g'"))
    }

    /// A single ASCII character; `\t` and the like are understood.
    pub fn char(&self, key: &str) -> Result<Option<u8>> {
        let Some(text) = self.get(key) else { return Ok(None) };
        let byte = match text {
            "\\t" => Some(b'\t'),
            "\\n" => Some(b'\n'),
            "\\r" => Some(b'\r'),
            "\\\\" => Some(b'\\'),
            _ => match text.as_bytes() {
                [byte] if byte.is_ascii() => Some(*byte),
                [b'\\', b'u', digits @ ..] if digits.len() == 4 => {
                    std::str::from_utf8(digits).ok().and_then(|digits| u8::from_str_radix(digits, 16).ok()).filter(u8::is_ascii)
                }
                _ => None,
            },
        };
        byte.map(Some).ok_or_else(|| self.wrong(key, text, "a single ASCII character, for example ';' or '\\t'"))
    }

    /// Fails for an option that is neither in `known` nor one that any table may have.
    pub fn check_known<'k>(&self, known: impl Iterator<Item = &'k str> + Clone) -> Result<()> {
        for key in self.map.keys() {
            let all = known.clone().chain(GENERAL.iter().copied());
            if all.clone().any(|k| k == key) {
                continue;
            }
            let error = self.error(&format!("the option '{key}' is not known"));
            return Err(match nearest(key, all.clone()) {
                Some(near) => error.help(format!("Did you mean '{near}'?")),
                None => {
                    let list = known.clone().map(|k| format!("'{k}'")).collect::<Vec<_>>().join(", ");
                    error.help(format!("There are {list}"))
                }
            });
        }
        Ok(())
    }
}

/// The word most like `text`, if any is like it at all.
pub fn nearest<'k>(text: &str, words: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    let lower = text.to_ascii_lowercase();
    words
        .map(|word| (strsim::jaro_winkler(&lower, &word.to_ascii_lowercase()), word))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, word)| word)
}

/// Splits `10 min` into its number and its unit in lower case.
fn number_and_unit(text: &str) -> Option<(u64, String)> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let number = text[..end].parse().ok()?;
    Some((number, text[end..].trim().to_lowercase()))
}

/// A duration as Flink writes them, in milliseconds; without a unit it counts milliseconds, and less than one is cut off.
pub fn parse_duration_ms(text: &str) -> Option<u64> {
    let (number, unit) = number_and_unit(text)?;
    let (factor, divisor) = match unit.as_str() {
        "d" | "day" | "days" => (86_400_000, 1),
        "h" | "hour" | "hours" => (3_600_000, 1),
        "m" | "min" | "minute" | "minutes" => (60_000, 1),
        "s" | "sec" | "secs" | "second" | "seconds" => (1_000, 1),
        "" | "ms" | "milli" | "millis" | "millisecond" | "milliseconds" => (1, 1),
        "µs" | "micro" | "micros" | "microsecond" | "microseconds" => (1, 1_000),
        "ns" | "nano" | "nanos" | "nanosecond" | "nanoseconds" => (1, 1_000_000),
        _ => return None,
    };
    number.checked_mul(factor).map(|n| n / divisor)
}

/// A size as Flink writes them, in bytes; units are powers of 1,024, and without a unit it counts bytes.
pub fn parse_bytes(text: &str) -> Option<u64> {
    let (number, unit) = number_and_unit(text)?;
    let shift = match unit.as_str() {
        "" | "b" | "bytes" => 0,
        "k" | "kb" | "kibibytes" => 10,
        "m" | "mb" | "mebibytes" => 20,
        "g" | "gb" | "gibibytes" => 30,
        "t" | "tb" | "tebibytes" => 40,
        _ => return None,
    };
    number.checked_mul(1 << shift)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn options(map: &BTreeMap<String, String>) -> Options<'_> {
        Options { table: "t", map }
    }

    #[test]
    fn durations_and_sizes() {
        assert_eq!(parse_duration_ms("10s"), Some(10_000));
        assert_eq!(parse_duration_ms("1 min"), Some(60_000));
        assert_eq!(parse_duration_ms(" 2 Hours "), Some(7_200_000));
        assert_eq!(parse_duration_ms("7"), Some(7));
        assert_eq!(parse_duration_ms("1500 µs"), Some(1));
        assert_eq!(parse_duration_ms("s"), None);
        assert_eq!(parse_duration_ms("1.5 s"), None);
        assert_eq!(parse_duration_ms("99999999999999999999 d"), None);
        assert_eq!(parse_duration_ms("9999999999999999999 d"), None);
        assert_eq!(parse_bytes("128MB"), Some(128 << 20));
        assert_eq!(parse_bytes("1 k"), Some(1_024));
        assert_eq!(parse_bytes("1 x"), None);
    }

    #[test]
    fn errors_say_what_to_write() {
        let map: BTreeMap<String, String> =
            [("pth", "x"), ("b", "maybe"), ("d", "\\t"), ("f", "jsn")].map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        let o = options(&map);
        let text = |e: Error| e.to_string();
        assert_eq!(text(o.bool("b", false).unwrap_err()), "Table t: 'b' = 'maybe' is not valid (Write 'true' or 'false')");
        assert_eq!(o.char("d").unwrap(), Some(b'\t'));
        assert_eq!(
            text(o.check_known(["path", "b", "d", "f"].into_iter()).unwrap_err()),
            "Table t: the option 'pth' is not known (Did you mean 'path'?)"
        );
        assert_eq!(
            text(o.one_of("f", &["json", "csv"], "json").unwrap_err()),
            "Table t: 'f' = 'jsn' is not valid (Write one of 'json', 'csv'; did you mean 'json'?)"
        );
        assert!(text(o.required("path", "'folder'").unwrap_err()).contains("Add 'path' = 'folder' to WITH"));
    }
}
