//! Texts as Java counts them. Some of Flink's functions work on Java's strings, in which a character outside the basic plane is two
//! units, which can be torn apart; each half is then written as `?`.

/// The number of UTF-16 units.
pub(super) fn count(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.chars().map(char::len_utf16).sum() }
}

/// The units of a text.
pub(super) fn units(text: &str) -> Vec<u16> {
    text.encode_utf16().collect()
}

/// Appends units as UTF-8.
pub(super) fn push(out: &mut Vec<u8>, units: &[u16]) {
    let mut buffer = [0; 4];
    for c in char::decode_utf16(units.iter().copied()) {
        out.extend_from_slice(c.unwrap_or('?').encode_utf8(&mut buffer).as_bytes());
    }
}

/// Calls `take` with each unit as a text.
pub(super) fn each(text: &str, mut take: impl FnMut(&str)) {
    let mut buffer = [0; 4];
    for c in text.chars() {
        match c.len_utf16() {
            1 => take(c.encode_utf8(&mut buffer)),
            _ => ["?", "?"].into_iter().for_each(&mut take),
        }
    }
}
