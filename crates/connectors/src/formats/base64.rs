//! Base64, the form in which text formats carry bytes.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Appends the bytes that `text` stands for; blanks between groups of four are skipped. `false` if it is not base64, in which case some bytes
/// may have been appended.
pub fn decode(text: &[u8], out: &mut Vec<u8>) -> bool {
    let mut group = 0u32;
    let mut length = 0;
    let mut padding = 0;
    for &b in text {
        let value = match b {
            b'A'..=b'Z' => b - b'A',
            b'a'..=b'z' => b - b'a' + 26,
            b'0'..=b'9' => b - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' => {
                padding += 1;
                continue;
            }
            0..=b' ' if length == 0 && padding == 0 => continue,
            _ => return false,
        };
        if padding > 0 {
            return false;
        }
        group = group << 6 | u32::from(value);
        length += 1;
        if length == 4 {
            out.extend_from_slice(&group.to_be_bytes()[1..]);
            (group, length) = (0, 0);
        }
    }
    match (length, padding) {
        (0, 0) => true,
        (2, 2) => {
            out.push((group >> 4) as u8);
            group & 0xf == 0
        }
        (3, 1) => {
            out.extend_from_slice(&((group >> 2) as u16).to_be_bytes());
            group & 0x3 == 0
        }
        _ => false,
    }
}

/// Appends `bytes` as base64 with padding.
pub fn encode(bytes: &[u8], out: &mut Vec<u8>) {
    for group in bytes.chunks(3) {
        let mut whole = [0u8; 4];
        whole[1..=group.len()].copy_from_slice(group);
        let bits = u32::from_be_bytes(whole);
        for i in 0..4 {
            let digit = ALPHABET[(bits >> (18 - 6 * i) & 0x3f) as usize];
            out.push(if i > group.len() { b'=' } else { digit });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_texts() {
        let encoded = |bytes: &[u8]| {
            let mut out = vec![];
            encode(bytes, &mut out);
            out
        };
        assert_eq!(encoded(b"hi"), b"aGk=");
        assert_eq!(encoded(b""), b"");
        assert_eq!(encoded(b"a"), b"YQ==");
        for bad in [&b"a"[..], b"aGk", b"aG=k", b"aGk=====", b"aG!k", b"a Gk="] {
            assert!(!decode(bad, &mut vec![]));
        }
    }

    proptest! {
        #[test]
        fn round_trip(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let (mut text, mut back) = (vec![], vec![]);
            encode(&bytes, &mut text);
            prop_assert!(decode(&text, &mut back));
            prop_assert_eq!(back, bytes);
        }
    }
}
