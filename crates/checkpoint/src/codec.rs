//! Small JSON documents that carry their own checksum.

use flott_engine::{Error, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;

const OPENING: &str = r#"{"crc32c":""#;
const MIDDLE: &str = r#"","content":"#;
const CLOSING: &str = "}\n";

/// Eight digits that any flipped bit of `bytes` changes.
pub fn checksum(bytes: &[u8]) -> String {
    format!("{:08x}", crc32c::crc32c(bytes))
}

/// `{"crc32c":"…","content":…}`, the checksum being that of the content's text.
pub fn seal<T: Serialize>(content: &T) -> Result<Vec<u8>> {
    let content = serde_json::to_string(content).map_err(|e| Error::internal(e.to_string()))?;
    Ok(format!("{OPENING}{}{MIDDLE}{content}{CLOSING}", checksum(content.as_bytes())).into_bytes())
}

/// The text that [`seal`] put in, or why this is not a whole document.
pub fn unseal(bytes: &[u8]) -> Result<&str, String> {
    let parts = std::str::from_utf8(bytes).ok().and_then(|text| {
        let rest = text.strip_prefix(OPENING)?.strip_suffix(CLOSING)?;
        let (sum, rest) = rest.split_at_checked(8)?;
        Some((sum, rest.strip_prefix(MIDDLE)?))
    });
    match parts {
        None => Err("it is cut off or its first or last bytes are damaged".into()),
        Some((sum, content)) if sum != checksum(content.as_bytes()) => Err("its checksum does not match its content".into()),
        Some((_, content)) => Ok(content),
    }
}

/// Reads the content of a whole document.
pub fn parse<T: DeserializeOwned>(content: &str) -> Result<T, String> {
    serde_json::from_str(content).map_err(|e| e.to_string())
}
