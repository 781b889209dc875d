//! URLs, and texts as bytes: encodings, Base64, hexadecimal.

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use datafusion_common::{Result, exec_datafusion_err, exec_err, plan_err};
use datafusion_expr::ReturnFieldArgs;

use super::def::{Arg, Call, Def, Ret};
use super::hash::push_hex;
use super::types::{is_integer, type_name};

pub(super) const FUNCTIONS: &[Def] = &[
    Def::new("parse_url", &[Arg::Text, Arg::Text, Arg::Text], Ret::Text, parse_url).optional(1).nullable().doc(
        "PARSE_URL(url, part [, key])",
        "A part of the URL: HOST, PATH, QUERY, REF, PROTOCOL, FILE, AUTHORITY or USERINFO; with QUERY and a key, that parameter.",
        "PARSE_URL('http://a.com/p?k=v', 'QUERY', 'k') = 'v'",
    ),
    Def::new("url_encode", &[Arg::Text], Ret::Text, url_encode).nullable().doc(
        "URL_ENCODE(string)",
        "The text as it stands in a URL's query, in UTF-8.",
        "URL_ENCODE('a b&c') = 'a+b%26c'",
    ),
    Def::new("url_decode", &[Arg::Text], Ret::Text, url_decode).nullable().doc(
        "URL_DECODE(string)",
        "The text that URL_ENCODE was given. NULL if it is malformed.",
        "URL_DECODE('a+b%26c') = 'a b&c'",
    ),
    Def::new("to_base64", &[Arg::Bytes], Ret::Text, to_base64).doc(
        "TO_BASE64(string)",
        "The text or bytes in Base64.",
        "TO_BASE64('hi') = 'aGk='",
    ),
    Def::new("from_base64", &[Arg::Bytes], Ret::Text, from_base64).doc(
        "FROM_BASE64(string)",
        "The text that this Base64 stands for.",
        "FROM_BASE64('aGk=') = 'hi'",
    ),
    Def::new("hex", &[Arg::Any], Ret::By(hex_type), hex).doc(
        "HEX(value)",
        "A whole number, or the UTF-8 of a text, in upper-case hexadecimal digits.",
        "HEX(255) = 'FF'",
    ),
    Def::new("unhex", &[Arg::Text], Ret::Binary, unhex).nullable().doc(
        "UNHEX(string)",
        "The bytes that these hexadecimal digits stand for; NULL if they are no such digits.",
        "UNHEX('FF') = X'FF'",
    ),
    Def::new("bin", &[Arg::Int], Ret::Text, bin).doc("BIN(number)", "The whole number in binary digits.", "BIN(5) = '101'"),
    Def::new("encode", &[Arg::Text, Arg::Text], Ret::Binary, encode).doc(
        "ENCODE(string, charset)",
        "The text as bytes in US-ASCII, ISO-8859-1, UTF-8, UTF-16, UTF-16BE or UTF-16LE.",
        "ENCODE('A', 'UTF-16BE') = X'0041'",
    ),
    Def::new("decode", &[Arg::Binary, Arg::Text], Ret::Text, decode).doc(
        "DECODE(bytes, charset)",
        "The text that these bytes are in US-ASCII, ISO-8859-1, UTF-8, UTF-16, UTF-16BE or UTF-16LE.",
        "DECODE(X'41', 'UTF-8') = 'A'",
    ),
    Def::new("is_valid_utf8", &[Arg::Binary], Ret::Bool, is_valid_utf8).doc(
        "IS_VALID_UTF8(bytes)",
        "Whether the bytes are well-formed UTF-8.",
        "IS_VALID_UTF8(X'FF') = FALSE",
    ),
    Def::new("make_valid_utf8", &[Arg::Binary], Ret::Text, make_valid_utf8).doc(
        "MAKE_VALID_UTF8(bytes)",
        "The bytes as text, with U+FFFD for what is not well-formed UTF-8.",
        "MAKE_VALID_UTF8(X'41') = 'A'",
    ),
    Def::new("inet_aton", &[Arg::Text], Ret::BigInt, inet_aton).nullable().doc(
        "INET_ATON(string)",
        "The IPv4 address as a number.",
        "INET_ATON('127.0.0.1') = 2130706433",
    ),
    Def::new("inet_ntoa", &[Arg::Int], Ret::Text, inet_ntoa).nullable().doc(
        "INET_NTOA(number)",
        "The number as an IPv4 address.",
        "INET_NTOA(2130706433) = '127.0.0.1'",
    ),
];

/// A URL, cut without decoding, as `java.net.URL` cuts it.
struct Url<'a> {
    protocol: &'a str,
    authority: &'a str,
    /// Path, query and reference.
    rest: &'a str,
}

/// Where the first of these ASCII characters stands, or the end. For the short distances in a URL faster than a search.
fn find_any(text: &str, wanted: impl Fn(u8) -> bool) -> usize {
    text.bytes().position(wanted).unwrap_or(text.len())
}

impl<'a> Url<'a> {
    fn parse(text: &'a str) -> Option<Url<'a>> {
        let text = text.trim();
        let (protocol, rest) = text.split_at_checked(find_any(text, |b| b == b':'))?;
        let rest = rest.strip_prefix(':')?;
        let known = ["https", "http", "ftp", "file", "jar", "mailto"];
        if !known.iter().any(|p| protocol.eq_ignore_ascii_case(p)) {
            return None;
        }
        let (authority, rest) = match rest.strip_prefix("//") {
            Some(rest) => rest.split_at(find_any(rest, |b| matches!(b, b'/' | b'?' | b'#'))),
            None => ("", rest),
        };
        Some(Url { protocol, authority, rest })
    }

    /// Path and query.
    fn file(&self) -> &'a str {
        &self.rest[..find_any(self.rest, |b| b == b'#')]
    }

    fn host(&self) -> Option<&'a str> {
        let host_port = self.authority.rsplit_once('@').map_or(self.authority, |(_, host)| host);
        if host_port.starts_with('[') {
            return host_port.find(']').map(|end| &host_port[..=end]);
        }
        Some(&host_port[..find_any(host_port, |b| b == b':')])
    }

    fn part(&self, name: &str) -> Option<&'a str> {
        match name {
            "PROTOCOL" => Some(self.protocol),
            "AUTHORITY" => (!self.authority.is_empty()).then_some(self.authority),
            "USERINFO" => self.authority.rsplit_once('@').map(|(user, _)| user),
            "HOST" => self.host(),
            "PATH" => Some(self.file().split_once('?').map_or(self.file(), |(path, _)| path)),
            "QUERY" => self.file().split_once('?').map(|(_, query)| query),
            "REF" => self.rest.split_once('#').map(|(_, reference)| reference),
            "FILE" => Some(self.file()),
            _ => None,
        }
    }
}

fn parse_url(call: &Call) -> Result<ArrayRef> {
    let (url, part) = (call.text(0)?, call.text(1)?);
    let key = if call.has(2) { Some(call.text(2)?) } else { None };
    call.texts(|row, out| {
        let (Some(url), Some(part)) = (url.get(row), part.get(row)) else { return Ok(false) };
        let found = Url::parse(url).and_then(|url| url.part(part));
        let found = match &key {
            None => found,
            Some(key) => match (key.get(row), part) {
                (Some(key), "QUERY") => found.and_then(|query| parameter(query, key)),
                _ => None,
            },
        };
        if let Some(found) = found {
            out.extend_from_slice(found.as_bytes());
        }
        Ok(found.is_some())
    })
}

/// The value of `key` in a query such as `a=1&b=2`.
fn parameter<'a>(query: &'a str, key: &str) -> Option<&'a str> {
    query.split('&').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='))
}

fn url_encode(call: &Call) -> Result<ArrayRef> {
    let text = call.text(0)?;
    call.texts(|row, out| {
        let Some(text) = text.get(row) else { return Ok(false) };
        for byte in text.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'*' | b'_' => out.push(byte),
                b' ' => out.push(b'+'),
                _ => {
                    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
                    out.extend_from_slice(&[b'%', DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
                }
            }
        }
        Ok(true)
    })
}

fn url_decode(call: &Call) -> Result<ArrayRef> {
    let text = call.text(0)?;
    call.texts(|row, out| {
        let Some(decoded) = text.get(row).and_then(decode_url) else { return Ok(false) };
        out.extend_from_slice(decoded.as_bytes());
        Ok(true)
    })
}

fn decode_url(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        match first {
            b'+' => bytes.push(b' '),
            b'%' => {
                let digits = std::str::from_utf8(tail.get(..2)?).ok()?;
                bytes.push(u8::from_str_radix(digits, 16).ok()?);
                rest = &tail[2..];
            }
            other => bytes.push(*other),
        }
    }
    Some(String::from_utf8(bytes).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned()))
}

fn to_base64(call: &Call) -> Result<ArrayRef> {
    use base64::Engine as _;
    let bytes = call.bytes(0)?;
    call.texts(|row, out| {
        let Some(bytes) = bytes.get(row) else { return Ok(false) };
        let start = out.len();
        out.resize(start + bytes.len().div_ceil(3) * 4, 0);
        let written = base64::engine::general_purpose::STANDARD.encode_slice(bytes, &mut out[start..]);
        written.map(|_| true).map_err(|e| exec_datafusion_err!("TO_BASE64: {e}"))
    })
}

fn from_base64(call: &Call) -> Result<ArrayRef> {
    use base64::engine::{Engine as _, GeneralPurpose, GeneralPurposeConfig};
    // Java's decoder takes texts with and without padding.
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(base64::engine::DecodePaddingMode::Indifferent);
    let decoder = GeneralPurpose::new(&base64::alphabet::STANDARD, config);
    let bytes = call.bytes(0)?;
    call.texts(|row, out| {
        let Some(bytes) = bytes.get(row) else { return Ok(false) };
        let decoded = decoder
            .decode(bytes)
            .map_err(|e| exec_datafusion_err!("FROM_BASE64: '{}' is not Base64: {e}", String::from_utf8_lossy(bytes)))?;
        out.extend_from_slice(String::from_utf8_lossy(&decoded).as_bytes());
        Ok(true)
    })
}

fn hex_type(args: &ReturnFieldArgs) -> Result<DataType> {
    match args.arg_fields[0].data_type() {
        number if is_integer(number) => Ok(DataType::Utf8),
        DataType::Utf8 | DataType::Null => Ok(DataType::Utf8),
        other => plan_err!("HEX takes a whole number or a STRING, not {}", type_name(other)),
    }
}

fn hex(call: &Call) -> Result<ArrayRef> {
    if is_integer(call.arg_type(0)) {
        let number = call.int(0)?;
        return call.texts(|row, out| {
            let Some(number) = number.get(row) else { return Ok(false) };
            out.extend_from_slice(format!("{number:X}").as_bytes());
            Ok(true)
        });
    }
    let bytes = call.bytes(0)?;
    call.texts(|row, out| {
        let Some(bytes) = bytes.get(row) else { return Ok(false) };
        let start = out.len();
        push_hex(out, bytes);
        out[start..].make_ascii_uppercase();
        Ok(true)
    })
}

fn unhex(call: &Call) -> Result<ArrayRef> {
    let text = call.text(0)?;
    call.binaries(|row, out| {
        let Some(text) = text.get(row) else { return Ok(false) };
        let digit = |byte: u8| char::from(byte).to_digit(16).map(|d| d as u8);
        let bytes = text.as_bytes();
        // With an odd number of digits the first stands alone, and Flink makes a zero of it.
        let (head, pairs) = bytes.split_at(bytes.len() % 2);
        if let [first] = head {
            match digit(*first) {
                Some(_) => out.push(0),
                None => return Ok(false),
            }
        }
        for pair in pairs.chunks_exact(2) {
            match (digit(pair[0]), digit(pair[1])) {
                (Some(high), Some(low)) => out.push(high << 4 | low),
                _ => return Ok(false),
            }
        }
        Ok(true)
    })
}

fn bin(call: &Call) -> Result<ArrayRef> {
    let number = call.int(0)?;
    call.texts(|row, out| {
        let Some(number) = number.get(row) else { return Ok(false) };
        out.extend_from_slice(format!("{number:b}").as_bytes());
        Ok(true)
    })
}

fn unknown_charset<T>(function: &str, charset: &str) -> Result<T> {
    exec_err!("{function}: there is no character set '{charset}'; use US-ASCII, ISO-8859-1, UTF-8, UTF-16, UTF-16BE or UTF-16LE")
}

fn encode(call: &Call) -> Result<ArrayRef> {
    let (text, charset) = (call.text(0)?, call.text(1)?);
    call.binaries(|row, out| {
        let (Some(text), Some(charset)) = (text.get(row), charset.get(row)) else { return Ok(false) };
        let narrow = |limit: u32| text.chars().map(move |c| if (c as u32) < limit { c as u8 } else { b'?' });
        match charset.to_ascii_uppercase().as_str() {
            "UTF-8" | "UTF8" => out.extend_from_slice(text.as_bytes()),
            "US-ASCII" | "ASCII" => out.extend(narrow(128)),
            "ISO-8859-1" | "LATIN1" => out.extend(narrow(256)),
            "UTF-16BE" => out.extend(text.encode_utf16().flat_map(u16::to_be_bytes)),
            "UTF-16LE" => out.extend(text.encode_utf16().flat_map(u16::to_le_bytes)),
            "UTF-16" if text.is_empty() => {}
            "UTF-16" => {
                out.extend_from_slice(&[0xfe, 0xff]);
                out.extend(text.encode_utf16().flat_map(u16::to_be_bytes));
            }
            _ => return unknown_charset("ENCODE", charset),
        }
        Ok(true)
    })
}

fn decode(call: &Call) -> Result<ArrayRef> {
    let (bytes, charset) = (call.bytes(0)?, call.text(1)?);
    call.texts(|row, out| {
        let (Some(bytes), Some(charset)) = (bytes.get(row), charset.get(row)) else { return Ok(false) };
        let utf16 = |bytes: &[u8], read: fn([u8; 2]) -> u16| {
            let (pairs, rest) = bytes.as_chunks::<2>();
            let units: Vec<u16> = pairs.iter().map(|pair| read(*pair)).collect();
            // Half a unit at the end is no character.
            String::from_utf16_lossy(&units) + if rest.is_empty() { "" } else { "\u{fffd}" }
        };
        let text = match charset.to_ascii_uppercase().as_str() {
            "UTF-8" | "UTF8" => String::from_utf8_lossy(bytes).into_owned(),
            "US-ASCII" | "ASCII" => bytes.iter().map(|b| if *b < 128 { char::from(*b) } else { '\u{fffd}' }).collect(),
            "ISO-8859-1" | "LATIN1" => bytes.iter().map(|b| char::from(*b)).collect(),
            "UTF-16BE" => utf16(bytes, u16::from_be_bytes),
            "UTF-16LE" => utf16(bytes, u16::from_le_bytes),
            "UTF-16" => match bytes {
                [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
                [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
                _ => utf16(bytes, u16::from_be_bytes),
            },
            _ => return unknown_charset("DECODE", charset),
        };
        out.extend_from_slice(text.as_bytes());
        Ok(true)
    })
}

fn is_valid_utf8(call: &Call) -> Result<ArrayRef> {
    let bytes = call.bytes(0)?;
    call.bools(|row| Ok(bytes.get(row).map(|bytes| std::str::from_utf8(bytes).is_ok())))
}

fn make_valid_utf8(call: &Call) -> Result<ArrayRef> {
    let bytes = call.bytes(0)?;
    call.texts(|row, out| {
        let Some(bytes) = bytes.get(row) else { return Ok(false) };
        out.extend_from_slice(String::from_utf8_lossy(bytes).as_bytes());
        Ok(true)
    })
}

fn inet_aton(call: &Call) -> Result<ArrayRef> {
    let text = call.text(0)?;
    call.primitives::<arrow::datatypes::Int64Type>(|row| Ok(text.get(row).and_then(address)))
}

/// The number of an address of up to four parts; of fewer than four the last one is the host's.
fn address(text: &str) -> Option<i64> {
    let part = |part: &str| {
        let digits = !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        part.parse::<i64>().ok().filter(|n| digits && *n < 256)
    };
    let parts: Vec<i64> = text.split('.').map(part).collect::<Option<_>>()?;
    let (last, first) = parts.split_last().filter(|_| parts.len() <= 4)?;
    Some(first.iter().zip([24, 16, 8]).fold(*last, |number, (part, bits)| number | part << bits))
}

fn inet_ntoa(call: &Call) -> Result<ArrayRef> {
    let number = call.int(0)?;
    call.texts(|row, out| {
        let Some(number) = number.get(row).and_then(|n| u32::try_from(n).ok()) else { return Ok(false) };
        out.extend_from_slice(std::net::Ipv4Addr::from(number).to_string().as_bytes());
        Ok(true)
    })
}
