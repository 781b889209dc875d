//! Digests of texts and bytes, in hexadecimal: MD5 and the SHA family, and Java's hash code.

use arrow::array::{Array, ArrayRef};
use arrow::datatypes::{DataType, Int32Type};
use datafusion_common::{Result, exec_err};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

use super::def::{Arg, Call, Def, Length, Ret};
use super::types;

const fn digest_of(name: &'static str, eval: super::def::Eval, digits: u32) -> Def {
    Def::new(name, &[Arg::Bytes], Ret::Text, eval).length(Length::Chars(digits))
}

pub(super) const FUNCTIONS: &[Def] = &[
    digest_of("md5", digest::<Md5>, 32).doc(
        "MD5(string)",
        "The MD5 digest as 32 hexadecimal digits.",
        "MD5('a') = '0cc175b9c0f1b6a831c399e269772661'",
    ),
    digest_of("sha1", digest::<Sha1>, 40).doc(
        "SHA1(string)",
        "The SHA-1 digest as 40 hexadecimal digits.",
        "SHA1('a') = '86f7e437faa5a7fce15d1ddcb9eaeaea377667b8'",
    ),
    digest_of("sha224", digest::<Sha224>, 56).doc(
        "SHA224(string)",
        "The SHA-224 digest as 56 hexadecimal digits.",
        "SHA224('a') = SHA2('a', 224)",
    ),
    digest_of("sha256", digest::<Sha256>, 64).doc(
        "SHA256(string)",
        "The SHA-256 digest as 64 hexadecimal digits.",
        "SHA256('a') = SHA2('a', 256)",
    ),
    digest_of("sha384", digest::<Sha384>, 96).doc(
        "SHA384(string)",
        "The SHA-384 digest as 96 hexadecimal digits.",
        "SHA384('a') = SHA2('a', 384)",
    ),
    digest_of("sha512", digest::<Sha512>, 128).doc(
        "SHA512(string)",
        "The SHA-512 digest as 128 hexadecimal digits.",
        "SHA512('a') = SHA2('a', 512)",
    ),
    Def::new("sha2", &[Arg::Bytes, Arg::Int], Ret::Text, sha2).length(Length::AtMost(128)).doc(
        "SHA2(string, bits)",
        "The SHA-2 digest of this many bits (224, 256, 384 or 512) in hexadecimal.",
        "SHA2('a', 256) = SHA256('a')",
    ),
    Def::new("hash_code", &[Arg::Any], Ret::Int, hash_code).doc(
        "HASH_CODE(value)",
        "The absolute value of the hash that Java gives this value.",
        "HASH_CODE('a') = 97",
    ),
];

/// Appends bytes as lower-case hexadecimal digits.
pub(super) fn push_hex(out: &mut Vec<u8>, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        out.push(DIGITS[usize::from(byte >> 4)]);
        out.push(DIGITS[usize::from(byte & 15)]);
    }
}

fn digest<D: Digest>(call: &Call) -> Result<ArrayRef> {
    let bytes = call.bytes(0)?;
    call.texts(|row, out| {
        let Some(bytes) = bytes.get(row) else { return Ok(false) };
        push_hex(out, &D::digest(bytes));
        Ok(true)
    })
}

fn sha2(call: &Call) -> Result<ArrayRef> {
    let (bytes, bits) = (call.bytes(0)?, call.int(1)?);
    call.texts(|row, out| {
        let (Some(bytes), Some(bits)) = (bytes.get(row), bits.get(row)) else { return Ok(false) };
        match bits {
            224 => push_hex(out, &Sha224::digest(bytes)),
            256 => push_hex(out, &Sha256::digest(bytes)),
            384 => push_hex(out, &Sha384::digest(bytes)),
            512 => push_hex(out, &Sha512::digest(bytes)),
            _ => return exec_err!("SHA2: there is no digest of {bits} bits; use 224, 256, 384 or 512"),
        }
        Ok(true)
    })
}

fn hash_code(call: &Call) -> Result<ArrayRef> {
    let fold = |value: i64| ((value as u64) ^ ((value as u64) >> 32)) as u32 as i32;
    match call.arg_type(0).clone() {
        DataType::Utf8 => {
            let text = call.text(0)?;
            call.primitives::<Int32Type>(|row| Ok(text.get(row).map(|t| java_hash(t).wrapping_abs())))
        }
        DataType::Boolean => {
            let value = call.bool(0)?;
            call.primitives::<Int32Type>(|row| Ok(value.get(row).map(|v| if v { 1231 } else { 1237 })))
        }
        DataType::Int64 => {
            let value = call.int(0)?;
            call.primitives::<Int32Type>(|row| Ok(value.get(row).map(|v| fold(v).wrapping_abs())))
        }
        t if types::is_integer(&t) => {
            let value = call.int(0)?;
            call.primitives::<Int32Type>(|row| Ok(value.get_i32(row).map(i32::wrapping_abs)))
        }
        t if types::is_float(&t) => {
            let value = call.double(0)?;
            let single = t == DataType::Float32;
            call.primitives::<Int32Type>(|row| {
                let bits = |v: f64| if single { (v as f32).to_bits() as i32 } else { fold(v.to_bits() as i64) };
                Ok(value.get(row).map(|v| bits(v).wrapping_abs()))
            })
        }
        _ => {
            // Other values go by their text.
            let array = call.array(0)?;
            call.primitives::<Int32Type>(|row| {
                if array.is_null(row) {
                    return Ok(None);
                }
                let mut text = Vec::new();
                flott_engine::text::value_text(array.as_ref(), row, &call.fields[0], &mut text);
                Ok(Some(java_hash(&String::from_utf8_lossy(&text)).wrapping_abs()))
            })
        }
    }
}

/// `String.hashCode` of Java, over UTF-16.
fn java_hash(text: &str) -> i32 {
    text.encode_utf16().fold(0i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(i32::from(unit)))
}
