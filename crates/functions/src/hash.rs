//! Digests of texts and bytes, in hexadecimal: MD5 and the SHA family, and Java's hash code.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, new_null_array};
use arrow::datatypes::DataType::{self, self as D};
use arrow::datatypes::*;
use datafusion_common::{Result, exec_err, plan_err};
use datafusion_expr::ReturnFieldArgs;
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
    Def::new("hash_code", &[Arg::Any], Ret::By(hash_type), hash_code).doc(
        "HASH_CODE(value)",
        "The hash that Java gives this value.",
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

fn hash_type(args: &ReturnFieldArgs) -> Result<DataType> {
    match args.arg_fields[0].data_type() {
        D::Utf8 | D::Boolean | D::Decimal128(..) | D::Date32 | D::Time32(_) | D::Timestamp(..) | D::Null => Ok(D::Int32),
        number if types::is_number(number) => Ok(D::Int32),
        other => plan_err!("HASH_CODE takes a text, a number, a BOOLEAN or a time, not {}", types::type_name(other)),
    }
}

fn hash_code(call: &Call) -> Result<ArrayRef> {
    let array = call.array(0)?;
    // The values of a primitive column, hashed one by one.
    macro_rules! hashes {
        ($arrow:ty, $hash:expr) => {{
            let values = array.as_primitive::<$arrow>();
            Arc::new(values.unary::<_, Int32Type>($hash)) as ArrayRef
        }};
    }
    Ok(match array.data_type() {
        D::Utf8 => {
            let text = call.text(0)?;
            // Of texts alone the sign is dropped.
            return call.primitives::<Int32Type>(|row| Ok(text.get(row).map(|text| java_hash(text).wrapping_abs())));
        }
        D::Boolean => {
            let value = call.bool(0)?;
            return call.primitives::<Int32Type>(|row| Ok(value.get(row).map(|v| if v { 1231 } else { 1237 })));
        }
        D::Int8 => hashes!(Int8Type, i32::from),
        D::Int16 => hashes!(Int16Type, i32::from),
        D::Int32 => hashes!(Int32Type, |v| v),
        D::Int64 => hashes!(Int64Type, fold),
        D::Float32 => hashes!(Float32Type, |v: f32| if v.is_nan() { 0x7fc0_0000 } else { v.to_bits() as i32 }),
        D::Float64 => hashes!(Float64Type, |v: f64| if v.is_nan() { 0x7ff8_0000 } else { fold(v.to_bits() as i64) }),
        D::Decimal128(_, scale) => {
            let scale = i32::from(*scale);
            hashes!(Decimal128Type, |v: i128| big_integer_hash(v).wrapping_mul(31).wrapping_add(scale))
        }
        D::Date32 => hashes!(Date32Type, |v| v),
        D::Time32(_) => hashes!(Time32MillisecondType, |v| v),
        D::Timestamp(TimeUnit::Millisecond, _) => hashes!(TimestampMillisecondType, |v: i64| timestamp_hash(v, 0)),
        D::Timestamp(TimeUnit::Microsecond, _) => {
            hashes!(TimestampMicrosecondType, |v: i64| timestamp_hash(v.div_euclid(1000), v.rem_euclid(1000) as i32 * 1000))
        }
        D::Timestamp(TimeUnit::Nanosecond, _) => {
            hashes!(TimestampNanosecondType, |v: i64| timestamp_hash(v.div_euclid(1_000_000), v.rem_euclid(1_000_000) as i32))
        }
        _ => new_null_array(&D::Int32, call.rows),
    })
}

/// `Long.hashCode` of Java.
fn fold(value: i64) -> i32 {
    (value ^ ((value as u64) >> 32) as i64) as i32
}

/// `BigInteger.hashCode` of Java: over the 32-bit digits of the value without its sign, the highest first.
fn big_integer_hash(value: i128) -> i32 {
    let digits = value.unsigned_abs();
    let hash = (0..4).rev().fold(0i32, |hash, i| hash.wrapping_mul(31).wrapping_add((digits >> (32 * i)) as u32 as i32));
    if value < 0 { hash.wrapping_neg() } else { hash }
}

/// The hash of Flink's `TimestampData`.
fn timestamp_hash(ms: i64, nanos_of_ms: i32) -> i32 {
    let hash = (ms as i32) ^ ((ms >> 32) as i32);
    hash.wrapping_mul(31).wrapping_add(nanos_of_ms)
}

/// `String.hashCode` of Java, over UTF-16.
fn java_hash(text: &str) -> i32 {
    text.encode_utf16().fold(0i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(i32::from(unit)))
}
