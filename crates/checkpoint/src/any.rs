//! Any bytes as documents of a checkpoint's directory, for programs that look for inputs which break them.

use std::path::Path;

use crate::codec;
use crate::folder::LocalFolder;
use crate::manifest::{Manifest, other_format};

/// The content of a manifest, whose checksum would fit: read as one, with files that are not there. Tells how many splits it names, or
/// what is wrong.
pub fn manifest(content: &[u8]) -> Result<usize, String> {
    let _ = codec::unseal(content);
    let content = std::str::from_utf8(content).map_err(|e| e.to_string())?;
    if let Some(version) = other_format(content) {
        return Err(format!("it has version {version}"));
    }
    let manifest: Manifest = codec::parse(content)?;
    let sealed = codec::seal(&manifest).map_err(|e| e.to_string())?;
    let again: Manifest = codec::parse(codec::unseal(&sealed)?)?;
    assert_eq!(again, manifest, "what is written is read");
    let _ = manifest.age();
    let tables = manifest.read(&LocalFolder::new(Path::new("there is no such folder"))).map_err(|e| format!("{e:?}"))?;
    Ok(manifest.into_checkpoint(tables).splits.len())
}
