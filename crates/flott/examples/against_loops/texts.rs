//! Functions of texts.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, ListBuilder, StringArray, StringBuilder};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use md5::{Digest, Md5};
use sha2::Sha256;

use crate::{Case, map_int, map_text};

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|b| [DIGITS[usize::from(b >> 4)] as char, DIGITS[usize::from(b & 15)] as char]).collect()
}

pub fn cases() -> Vec<Case> {
    let mut all = changed();
    all.extend(taken_apart());
    all.extend(looked_up());
    all
}

fn changed() -> Vec<Case> {
    vec![
        ("UPPER(text)", |c| map_text(&c.words, |s| Some(s.to_uppercase()))),
        ("LOWER(text)", |c| map_text(&c.words, |s| Some(s.to_lowercase()))),
        ("INITCAP(text)", |c| {
            map_text(&c.words, |s| {
                let mut start = true;
                let letter = |ch: char| {
                    let cased = if start { ch.to_ascii_uppercase() } else { ch.to_ascii_lowercase() };
                    start = !ch.is_alphanumeric();
                    cased
                };
                Some(s.chars().map(letter).collect())
            })
        }),
        ("BTRIM(padded)", |c| map_text(&c.padded, |s| Some(s.trim_matches(' ').to_string()))),
        ("LTRIM(padded)", |c| map_text(&c.padded, |s| Some(s.trim_start_matches(' ').to_string()))),
        ("CONCAT(text, '-', digits)", |c| {
            let both = c.words.iter().zip(c.digits.iter());
            Arc::new(both.map(|(a, b)| Some([a?, "-", b?].concat())).collect::<StringArray>()) as ArrayRef
        }),
        ("CONCAT_WS(',', text, digits)", |c| {
            let both = c.words.iter().zip(c.digits.iter());
            let joined = |(a, b): (Option<&str>, Option<&str>)| Some([a, b].into_iter().flatten().collect::<Vec<_>>().join(","));
            Arc::new(both.map(joined).collect::<StringArray>()) as ArrayRef
        }),
        ("REPLACE(text, 'beta', 'b')", |c| map_text(&c.words, |s| Some(s.replace("beta", "b")))),
        ("REVERSE(text)", |c| map_text(&c.words, |s| Some(s.chars().rev().collect()))),
        ("REPEAT(text, 3)", |c| map_text(&c.words, |s| Some(s.repeat(3)))),
        ("LPAD(digits, 10, '0')", |c| map_text(&c.digits, |s| Some(format!("{s:0>10}").chars().take(10).collect()))),
        ("TO_BASE64(text)", |c| map_text(&c.words, |s| Some(BASE64_STANDARD.encode(s)))),
        ("MD5(text)", |c| map_text(&c.words, |s| Some(hex(&Md5::digest(s))))),
        ("SHA256(text)", |c| map_text(&c.words, |s| Some(hex(&Sha256::digest(s))))),
    ]
}

fn taken_apart() -> Vec<Case> {
    vec![
        ("SUBSTRING(text, 2, 4)", |c| map_text(&c.words, |s| Some(s.chars().skip(1).take(4).collect()))),
        ("LEFT(text, 3)", |c| map_text(&c.words, |s| Some(s.chars().take(3).collect()))),
        ("RIGHT(text, 3)", |c| map_text(&c.words, |s| Some(s.char_indices().rev().nth(2).map_or(s, |(at, _)| &s[at..]).to_string()))),
        ("SPLIT_INDEX(url, '&', 1)", |c| map_text(&c.query, |s| s.split('&').nth(1).map(str::to_string))),
        ("REGEXP_EXTRACT(url, '(&|^)channel_id=([^&]*)', 2)", |c| {
            let Ok(pattern) = regex::Regex::new("(&|^)channel_id=([^&]*)") else { return c.query.clone() };
            map_text(&c.query, |s| Some(pattern.captures(s)?.get(2)?.as_str().to_string()))
        }),
        ("REGEXP_REPLACE(text, '[0-9]+', '#')", |c| {
            let Ok(pattern) = regex::Regex::new("[0-9]+") else { return c.words.clone() };
            map_text(&c.words, |s| Some(pattern.replace_all(s, "#").into_owned()))
        }),
        ("JSON_VALUE(json, '$.name')", |c| {
            map_text(&c.json, |s| Some(serde_json::from_str::<serde_json::Value>(s).ok()?.get("name")?.as_str()?.to_string()))
        }),
        ("JSON_QUERY(json, '$.tags')", |c| {
            map_text(&c.json, |s| Some(serde_json::from_str::<serde_json::Value>(s).ok()?.get("tags")?.to_string()))
        }),
        ("JSON_EXISTS(json, '$.name')", |c| {
            let has = |s: &str| serde_json::from_str::<serde_json::Value>(s).is_ok_and(|json| json.get("name").is_some());
            Arc::new(c.json.iter().map(|s| Some(has(s?))).collect::<BooleanArray>())
        }),
        ("SPLIT(text, ' ')", |c| {
            let mut parts = ListBuilder::new(StringBuilder::new());
            for text in c.words.iter() {
                if let Some(text) = text {
                    text.split(' ').for_each(|part| parts.values().append_value(part));
                }
                parts.append(text.is_some());
            }
            Arc::new(parts.finish())
        }),
        ("text || '-'", |c| map_text(&c.words, |s| Some([s, "-"].concat()))),
        ("PARSE_URL(url, 'HOST')", |c| map_text(&c.query, |s| Some(s.split_once("://")?.1.split(['/', '?', ':']).next()?.to_string()))),
    ]
}

fn looked_up() -> Vec<Case> {
    vec![
        ("CHAR_LENGTH(text)", |c| map_int(&c.words, |s| s.chars().count() as i32)),
        ("LOCATE('beta', text)", |c| map_int(&c.words, |s| s.find("beta").map_or(0, |at| s[..at].chars().count() as i32 + 1))),
        ("ASCII(text)", |c| map_int(&c.words, |s| s.bytes().next().map_or(0, i32::from))),
        ("STARTSWITH(text, 'Alpha1')", |c| Arc::new(c.words.iter().map(|s| Some(s?.starts_with("Alpha1"))).collect::<BooleanArray>())),
        ("HASH_CODE(text)", |c| {
            let hash = |s: &str| s.encode_utf16().fold(0_i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(i32::from(unit)));
            map_int(&c.words, |s| hash(s).wrapping_abs())
        }),
        ("text LIKE 'Alpha1%'", |c| Arc::new(c.words.iter().map(|s| Some(s?.starts_with("Alpha1"))).collect::<BooleanArray>())),
        ("text LIKE '%beta1%'", |c| Arc::new(c.words.iter().map(|s| Some(s?.contains("beta1"))).collect::<BooleanArray>())),
        ("REGEXP(text, 'beta[12]$')", |c| {
            let Ok(pattern) = regex::Regex::new("beta[12]$") else { return c.words.clone() };
            Arc::new(c.words.iter().map(|s| Some(pattern.is_match(s?))).collect::<BooleanArray>())
        }),
        ("IS_DIGIT(digits)", |c| {
            Arc::new(c.digits.iter().map(|s| Some(s.is_some_and(|s| s.bytes().all(|b| b.is_ascii_digit())))).collect::<BooleanArray>())
        }),
    ]
}
