//! Mutations of inputs, drawn from a seed.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};

/// Longest input.
const LENGTH_MAX: usize = 16 << 10;

/// Words that mean something to a target.
const WORDS: &[(&str, &[&str])] = &[
    (
        "sql",
        &[
            "SELECT ",
            " FROM ",
            " WHERE ",
            " GROUP BY ",
            " HAVING ",
            " ORDER BY ",
            " LIMIT 1",
            " JOIN ",
            " LEFT JOIN ",
            " ON ",
            " UNION ALL ",
            " EXCEPT ",
            " INTERSECT ",
            "(",
            ")",
            ",",
            ";",
            "*",
            "bids",
            "out",
            "id",
            "item",
            "price",
            "ts",
            "r.a",
            "l",
            "NULL",
            "1",
            "-1",
            "1e309",
            "'x'",
            "'",
            "`",
            "``",
            "CAST(",
            " AS ",
            "BIGINT",
            "DECIMAL(38,38)",
            "ROW<a INT>",
            "ARRAY[1]",
            "MAP['a',1]",
            "CASE WHEN ",
            " THEN ",
            " ELSE ",
            " END",
            "INTERVAL '1' DAY",
            "INTERVAL '9999999999' SECOND",
            "TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '1' SECOND)",
            "TABLE(",
            "window_start",
            "COUNT(*)",
            "SUM(",
            "OVER (",
            "PARTITION BY ",
            "ROW_NUMBER()",
            "DISTINCT ",
            " IN (",
            "EXISTS (",
            "NOT ",
            " AND ",
            " OR ",
            " = ",
            " <> ",
            " LIKE ",
            " ESCAPE ",
            " BETWEEN ",
            "TIMESTAMP '2024-01-01 00:00:00'",
            "DATE '0000-00-00'",
            "EXPLAIN ",
            "CREATE VIEW v AS ",
            "CREATE TABLE t (",
            "WITH (",
            "'connector' = 'datagen'",
            "INSERT INTO out ",
            "VALUES (1)",
            "MATCH_RECOGNIZE (",
            "PATTERN (A B+)",
            "DEFINE A AS TRUE",
            "MEASURES ",
            "UNNEST(",
            "LATERAL ",
            "/*+ OPTIONS('a'='b') */",
            "--\n",
            "/*",
            "*/",
            "SET 'a' = 'b';",
            "FOR SYSTEM_TIME AS OF ",
            "GROUPING SETS ((id), ())",
            "LISTAGG(",
            "JSON_VALUE(",
            "$.a",
            "\u{1d11e}",
        ],
    ),
    (
        "json",
        &[
            "{",
            "}",
            "[",
            "]",
            ":",
            ",",
            "null",
            "true",
            "false",
            "\"",
            "\\u0000",
            "\\ud834\\udd1e",
            "\\ud834",
            "1e999",
            "-0",
            "1E-400",
            "123456789012345678901234567890",
            "{\"i\":1}",
            "\"n\":\"1.005\"",
            "\"t\":\"2024-01-01 00:00:00\"",
            "\"a\":[{\"x\":1}]",
            "\"m\":{\"k\":[1]}",
            "\n",
            "\r",
            "\u{feff}",
        ],
    ),
    (
        "changes",
        &[
            "{",
            "}",
            "\"before\":",
            "\"after\":",
            "\"op\":\"u\"",
            "\"op\":\"d\"",
            "\"payload\":",
            "\"data\":[",
            "\"old\":[",
            "\"type\":\"UPDATE\"",
            "\"op_type\":\"U\"",
            "null",
            ",",
            "{\"i\":1}",
            "\n",
            "\"schema\":",
            "\"type\":\"delete\"",
        ],
    ),
    (
        "csv",
        &[
            ",",
            ";",
            "\"",
            "\"\"",
            "\n",
            "\r\n",
            "\\",
            "#",
            "null",
            "n/a",
            "true",
            "1e9",
            "2024-01-01 00:00:00",
            "\t",
            "9999999999999999999",
        ],
    ),
    (
        "avro",
        &[
            "\"type\":",
            "\"record\"",
            "\"fields\":[",
            "\"name\":\"i\"",
            "\"long\"",
            "[\"null\",\"int\"]",
            "\"array\"",
            "\"items\":",
            "\"map\"",
            "\"values\":",
            "\"logicalType\":\"decimal\"",
            "\"enum\"",
            "\"symbols\":[",
            "\"fixed\"",
            "\"size\":4",
            "\"default\":",
            "Obj\u{1}",
            "avro.schema",
            "avro.codec",
            "deflate",
        ],
    ),
    (
        "protobuf",
        &[
            "syntax = \"proto3\";",
            "message Any {",
            "}",
            "repeated ",
            "optional ",
            "int32 ",
            "string ",
            "bytes ",
            "map<string, int32> ",
            "oneof o {",
            "enum E {",
            " = 1;",
            "Any ",
            "sint64 ",
            "fixed32 ",
            "double ",
            "import \"google/protobuf/timestamp.proto\";",
            "package p;",
            "reserved 1;",
            "\0",
        ],
    ),
    (
        "manifest",
        &[
            "\"version\":2",
            "\"epoch\":",
            "18446744073709551615",
            "-1",
            "null",
            "[]",
            "{}",
            "\"segments\":[",
            "\"pieces\":[",
            "\"outbox\":[",
            "\"node\":0",
            "\"../x\"",
            "\"file\":",
            "1e400",
            "\"splits\":[",
        ],
    ),
];

/// See the module.
pub struct Mutator {
    inputs: Vec<Vec<u8>>,
    words: &'static [&'static str],
    state: u64,
}

/// What kind of outcome it is: numbers and quoted parts of messages do not count.
pub fn kind_of(outcome: &Result<usize, String>) -> u64 {
    let mut hasher = DefaultHasher::new();
    match outcome {
        Ok(rows) => (true, (*rows).min(4)).hash(&mut hasher),
        Err(message) => {
            let mut quoted = false;
            for c in message.chars().take(160) {
                quoted ^= c == '\'';
                if !quoted && !c.is_ascii_digit() {
                    c.hash(&mut hasher);
                }
            }
        }
    }
    hasher.finish()
}

impl Mutator {
    /// Begins with these inputs.
    pub fn new(target: &str, inputs: Vec<Vec<u8>>, seed: u64) -> Self {
        let words = WORDS.iter().find(|(name, _)| *name == target).map_or(&[][..], |(_, words)| words);
        Self { inputs, words, state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1 }
    }

    /// One more input to mutate.
    pub fn keep(&mut self, input: Vec<u8>) {
        self.inputs.push(input);
    }

    fn below(&mut self, limit: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state >> 11) as usize % limit.max(1)
    }

    /// The next input.
    pub fn next(&mut self) -> Vec<u8> {
        let chosen = self.below(self.inputs.len());
        let mut bytes = self.inputs[chosen].clone();
        for _ in 0..=self.below(6) {
            self.mutate(&mut bytes);
        }
        bytes.truncate(LENGTH_MAX);
        bytes
    }

    fn mutate(&mut self, bytes: &mut Vec<u8>) {
        let at = self.below(bytes.len() + 1);
        let to = at + self.below((bytes.len() - at).min(40) + 1);
        match self.below(10) {
            0 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
            1 if at < bytes.len() => bytes[at] = [0, 0xff, 0x7f, 0x80, b'"', b'0', b'\n', b'\\'][self.below(8)],
            2 => drop(bytes.drain(at..to)),
            3 => {
                let part = bytes[at..to].to_vec();
                let most = if self.below(50) == 0 { 2000 } else { 4 };
                let times = 1 + self.below(most);
                (0..times).for_each(|_| drop(bytes.splice(at..at, part.iter().copied())));
            }
            4 => {
                let other = self.below(self.inputs.len());
                let from = self.below(self.inputs[other].len() + 1);
                let until = from + self.below((self.inputs[other].len() - from).min(200) + 1);
                let part = self.inputs[other][from..until].to_vec();
                drop(bytes.splice(at..at, part));
            }
            5 => bytes.truncate(at),
            6 => bytes.insert(at, self.below(256) as u8),
            _ if !self.words.is_empty() => {
                let word = self.words[self.below(self.words.len())];
                let end = if self.below(2) == 0 { to } else { at };
                drop(bytes.splice(at..end, word.bytes()));
            }
            _ => bytes.push(self.below(256) as u8),
        }
    }
}
