//! What is not shown, neither by `SHOW CREATE TABLE` and the like nor where an error shows a piece of the script: values of options that hold
//! secrets, and name and password in URLs, wherever they stand.

use std::ops::Range;

/// Words in the keys of such options, as Flink has them, and some that its connectors have.
const WORDS: [&str; 13] = [
    "password",
    "secret",
    "fs.azure.account.key",
    "apikey",
    "api-key",
    "auth-params",
    "service-key",
    "token",
    "basic-auth",
    "basic.auth",
    "jaas.config",
    "http-headers",
    ".key.pem",
];

/// What stands in place of a secret where nothing depends on its length.
const STARS: &str = "******";

/// Whether the value of an option is not to be shown. Options such as `avro-confluent.properties` hold options of a client, passwords too.
pub fn is_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    WORDS.iter().any(|word| key.contains(word)) || key.ends_with("keystore.key") || key.ends_with(".properties")
}

/// What may be shown of an option's value.
pub fn shown(key: &str, value: &str) -> String {
    if is_secret(key) { STARS.to_owned() } else { without_users(value) }
}

/// A text with stars in place of name and password in its URLs.
pub fn without_users(text: &str) -> String {
    let mut out = text.to_owned();
    for user in users(text).into_iter().rev() {
        out.replace_range(user, STARS);
    }
    out
}

/// Where name and password stand in the URLs of a text: between `://` and the `@` before the host.
fn users(text: &str) -> Vec<Range<usize>> {
    const BEGIN: &str = "://";
    let mut found = vec![];
    let mut at = 0;
    while let Some(begin) = text[at..].find(BEGIN) {
        at += begin + BEGIN.len();
        let word = &text[at..at + word_length(&text[at..])];
        let host = &word[..word.find(['/', '?', '#', ',']).unwrap_or(word.len())];
        // What looks like a port and is none is a password with a slash in it.
        let cut_short = host.rsplit_once(':').is_some_and(|(_, port)| !port.bytes().all(|b| b.is_ascii_digit()));
        if let Some(length) = host.rfind('@').or_else(|| word.rfind('@').filter(|_| cut_short)) {
            found.push(at..at + length);
            at += length;
        }
    }
    found
}

/// Where a text has its first blank or the quote that ends it; two quotes are one in a literal.
fn word_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match (bytes[at], bytes.get(at + 1)) {
            (b'\'', Some(b'\'')) => at += 2,
            (b'\'' | b'"' | b'`', _) => return at,
            (byte, _) if byte.is_ascii_whitespace() => return at,
            _ => at += 1,
        }
    }
    at
}

/// A script with stars in place of all that is not shown, each place where it was: `'…password' = '***'`.
pub fn masked(script: &str) -> String {
    let mut bytes = script.as_bytes().to_vec();
    users(script).into_iter().for_each(|user| bytes[user].fill(b'*'));
    let mut key: Option<String> = None;
    let mut at = 0;
    while let Some(open) = next_literal(script, at) {
        if script[at..open].trim() != "=" {
            key = None;
        }
        let close = end_of_literal(script, open + 1);
        let text = &script[open + 1..close];
        match key.take() {
            Some(key) if is_secret(&key) => bytes[open + 1..close].iter_mut().filter(|b| **b != b'\n').for_each(|b| *b = b'*'),
            _ => key = Some(text.to_owned()),
        }
        at = (close + 1).min(script.len());
    }
    String::from_utf8(bytes).unwrap_or_default()
}

/// Where the next literal opens; quotes in comments open none.
fn next_literal(script: &str, mut at: usize) -> Option<usize> {
    loop {
        let open = at + script[at..].find('\'')?;
        match script[at..open].find("--") {
            Some(comment) => at += comment + script[at + comment..].find('\n')?,
            None => return Some(open),
        }
    }
}

/// Where the quote stands that ends a literal; two of them are one in the text.
fn end_of_literal(script: &str, from: usize) -> usize {
    let bytes = script.as_bytes();
    let mut at = from;
    while at < bytes.len() {
        match (bytes[at], bytes.get(at + 1)) {
            (b'\'', Some(b'\'')) => at += 2,
            (b'\'', _) => return at,
            _ => at += 1,
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_masked_in_place() {
        let script = "WITH ('a' = 'b', 'x.password' = 'it''s é', 'token' = '', 'k' = 'password', 'z' = 'y')";
        let shown = masked(script);
        assert_eq!(shown, "WITH ('a' = 'b', 'x.password' = '********', 'token' = '', 'k' = 'password', 'z' = 'y')");
        assert_eq!(shown.len(), script.len());
        assert_eq!(masked("SELECT 'it''s', 'password' = 'open"), "SELECT 'it''s', 'password' = '****");
        assert_eq!(masked("-- don't\n'password' = 'x'"), "-- don't\n'password' = '*'");
        assert!(is_secret("properties.sasl.jaas.config") && !is_secret("properties.sasl.username"));
        assert_eq!(masked("'avro-confluent.properties' = 'a:b'"), "'avro-confluent.properties' = '***'");
        assert_eq!(masked("'k' = 'properties', 'url' = 'http://é:p@h'"), "'k' = 'properties', 'url' = 'http://****@h'");
        assert_eq!(masked("-- http://u:p@h, 'x'\n'a' = 'http://u:it''s@h/b'"), "-- http://***@h, 'x'\n'a' = 'http://*******@h/b'");
    }

    #[test]
    fn urls_are_shown_without_users() {
        assert_eq!(without_users("http://u:p@h:1/a, https://t@[::1]:2 b@c"), "http://******@h:1/a, https://******@[::1]:2 b@c");
        assert_eq!(without_users("http://u:p@a,http://u:p@b"), "http://******@a,http://******@b");
        assert_eq!(without_users("'http://u:p/@w@h/x' is no address"), "'http://******@h/x' is no address");
        for plain in ["http://h:80/a@b", "s3://bucket/a@b", "{\"u\":\"http://h\",\"m\":\"a@b\"}", "a@b", "http://", "://"] {
            assert_eq!(without_users(plain), plain);
        }
        assert_eq!(shown("avro-confluent.properties", "basic.auth.user.info:a:b"), "******");
        assert_eq!(shown("properties.bootstrap.servers", "a:9092"), "a:9092");
        assert_eq!(shown("avro-confluent.url", "http://u:p@h"), "http://******@h");
    }
}
