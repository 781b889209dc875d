//! Options whose values are not shown, neither by `SHOW CREATE TABLE` nor where an error shows a piece of the script.

/// Words in the keys of such options, as Flink has them, and some that its connectors have.
const WORDS: [&str; 12] = [
    "password",
    "secret",
    "fs.azure.account.key",
    "apikey",
    "api-key",
    "auth-params",
    "service-key",
    "token",
    "basic-auth",
    "jaas.config",
    "http-headers",
    ".key.pem",
];

/// Whether the value of an option is not to be shown.
pub fn is_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    WORDS.iter().any(|word| key.contains(word)) || key.ends_with("keystore.key")
}

/// A script with stars in place of such values, each place where it was: `'…password' = '***'`.
pub fn masked(script: &str) -> String {
    let mut bytes = script.as_bytes().to_vec();
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
    }
}
