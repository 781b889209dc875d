//! Functions of texts.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, StringArray};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use md5::{Digest, Md5};
use sha2::Sha256;

use crate::Arg::Column;
use crate::{Case, case, int, map_int, map_text, text};

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|b| [DIGITS[usize::from(b >> 4)] as char, DIGITS[usize::from(b & 15)] as char]).collect()
}

pub fn cases() -> Vec<Option<Case>> {
    let mut all = changed();
    all.extend(taken_apart());
    all.extend(looked_up());
    all
}

fn changed() -> Vec<Option<Case>> {
    let words = || Column(|c| c.words.clone());
    vec![
        case("UPPER(text)", "upper", vec![words()], |c| map_text(&c.words, |s| Some(s.to_uppercase()))),
        case("LOWER(text)", "lower", vec![words()], |c| map_text(&c.words, |s| Some(s.to_lowercase()))),
        case("INITCAP(text)", "initcap", vec![words()], |c| {
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
        case("BTRIM(text)", "btrim", vec![Column(|c| c.padded.clone())], |c| {
            map_text(&c.padded, |s| Some(s.trim_matches(' ').to_string()))
        }),
        case("LTRIM(text)", "ltrim", vec![Column(|c| c.padded.clone())], |c| {
            map_text(&c.padded, |s| Some(s.trim_start_matches(' ').to_string()))
        }),
        case("CONCAT(text, '-', text)", "concat", vec![words(), text("-"), Column(|c| c.digits.clone())], |c| {
            let both = c.words.iter().zip(c.digits.iter());
            Arc::new(both.map(|(a, b)| Some([a?, "-", b?].concat())).collect::<StringArray>()) as ArrayRef
        }),
        case("CONCAT_WS(',', text, text)", "concat_ws", vec![text(","), words(), Column(|c| c.digits.clone())], |c| {
            let both = c.words.iter().zip(c.digits.iter());
            let joined = |(a, b): (Option<&str>, Option<&str>)| Some([a, b].into_iter().flatten().collect::<Vec<_>>().join(","));
            Arc::new(both.map(joined).collect::<StringArray>()) as ArrayRef
        }),
        case("REPLACE(text, 'beta', 'b')", "replace", vec![words(), text("beta"), text("b")], |c| {
            map_text(&c.words, |s| Some(s.replace("beta", "b")))
        }),
        case("REVERSE(text)", "reverse", vec![words()], |c| map_text(&c.words, |s| Some(s.chars().rev().collect()))),
        case("REPEAT(text, 3)", "repeat", vec![words(), int(3)], |c| map_text(&c.words, |s| Some(s.repeat(3)))),
        case("LPAD(text, 10, '0')", "lpad", vec![Column(|c| c.digits.clone()), int(10), text("0")], |c| {
            map_text(&c.digits, |s| Some(format!("{s:0>10}").chars().take(10).collect()))
        }),
        case("TO_BASE64(text)", "to_base64", vec![words()], |c| map_text(&c.words, |s| Some(BASE64_STANDARD.encode(s)))),
        case("MD5(text)", "md5", vec![words()], |c| map_text(&c.words, |s| Some(hex(&Md5::digest(s))))),
        case("SHA256(text)", "sha256", vec![words()], |c| map_text(&c.words, |s| Some(hex(&Sha256::digest(s))))),
    ]
}

fn taken_apart() -> Vec<Option<Case>> {
    let words = || Column(|c| c.words.clone());
    vec![
        case("SUBSTRING(text, 2, 4)", "substring", vec![words(), int(2), int(4)], |c| {
            map_text(&c.words, |s| Some(s.chars().skip(1).take(4).collect()))
        }),
        case("LEFT(text, 3)", "left", vec![words(), int(3)], |c| map_text(&c.words, |s| Some(s.chars().take(3).collect()))),
        case("RIGHT(text, 3)", "right", vec![words(), int(3)], |c| {
            map_text(&c.words, |s| Some(s.char_indices().rev().nth(2).map_or(s, |(at, _)| &s[at..]).to_string()))
        }),
        case("SPLIT_INDEX(text, '&', 1)", "split_index", vec![Column(|c| c.query.clone()), text("&"), int(1)], |c| {
            map_text(&c.query, |s| s.split('&').nth(1).map(str::to_string))
        }),
        case(
            "REGEXP_EXTRACT(text, '(&|^)channel_id=([^&]*)', 2)",
            "regexp_extract",
            vec![Column(|c| c.query.clone()), text("(&|^)channel_id=([^&]*)"), int(2)],
            |c| {
                let Ok(pattern) = regex::Regex::new("(&|^)channel_id=([^&]*)") else { return c.query.clone() };
                map_text(&c.query, |s| Some(pattern.captures(s)?.get(2)?.as_str().to_string()))
            },
        ),
        case("REGEXP_REPLACE(text, '[0-9]+', '#')", "regexp_replace", vec![words(), text("[0-9]+"), text("#")], |c| {
            let Ok(pattern) = regex::Regex::new("[0-9]+") else { return c.words.clone() };
            map_text(&c.words, |s| Some(pattern.replace_all(s, "#").into_owned()))
        }),
        case("JSON_VALUE(json, '$.name')", "json_value", vec![Column(|c| c.json.clone()), text("$.name")], |c| {
            map_text(&c.json, |s| Some(serde_json::from_str::<serde_json::Value>(s).ok()?.get("name")?.as_str()?.to_string()))
        }),
        case("PARSE_URL(text, 'HOST')", "parse_url", vec![Column(|c| c.query.clone()), text("HOST")], |c| {
            map_text(&c.query, |s| Some(s.split_once("://")?.1.split(['/', '?', ':']).next()?.to_string()))
        }),
    ]
}

fn looked_up() -> Vec<Option<Case>> {
    let words = || Column(|c| c.words.clone());
    vec![
        case("CHAR_LENGTH(text)", "char_length", vec![words()], |c| map_int(&c.words, |s| s.chars().count() as i32)),
        case("LOCATE('beta', text)", "locate", vec![text("beta"), words()], |c| {
            map_int(&c.words, |s| s.find("beta").map_or(0, |at| s[..at].chars().count() as i32 + 1))
        }),
        case("ASCII(text)", "ascii", vec![words()], |c| map_int(&c.words, |s| s.bytes().next().map_or(0, i32::from))),
        case("STARTSWITH(text, 'Alpha1')", "startswith", vec![words(), text("Alpha1")], |c| {
            Arc::new(c.words.iter().map(|s| Some(s?.starts_with("Alpha1"))).collect::<BooleanArray>())
        }),
        case("text LIKE '%beta1%'", "like", vec![words(), text("%beta1%")], |c| {
            Arc::new(c.words.iter().map(|s| Some(s?.contains("beta1"))).collect::<BooleanArray>())
        }),
        case("REGEXP(text, 'beta[12]$')", "regexp", vec![words(), text("beta[12]$")], |c| {
            let Ok(pattern) = regex::Regex::new("beta[12]$") else { return c.words.clone() };
            Arc::new(c.words.iter().map(|s| Some(pattern.is_match(s?))).collect::<BooleanArray>())
        }),
        case("IS_DIGIT(text)", "is_digit", vec![Column(|c| c.digits.clone())], |c| {
            Arc::new(c.digits.iter().map(|s| Some(s.is_some_and(|s| s.bytes().all(|b| b.is_ascii_digit())))).collect::<BooleanArray>())
        }),
    ]
}
