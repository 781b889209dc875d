//! Where state lies: a folder of this machine, or of an object store.

use flott_engine::{Error, Result};
use std::fmt;
use std::path::{Path, PathBuf};

use crate::files::at;
use crate::folder::{Folder, LocalFolder};
use crate::objects::ObjectFolder;

/// Names of object stores in URLs, and what they are here.
const SCHEMES: &[(&str, &str)] = &[("s3", "s3"), ("s3a", "s3"), ("s3p", "s3"), ("gs", "gs"), ("az", "az")];

/// A folder, perhaps not there yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// Of this machine.
    Local(PathBuf),
    /// Of an object store: its kind, the bucket, and the name there, without slashes at its ends.
    Remote(&'static str, String, String),
}

impl Location {
    /// Reads a path, or a URL such as `s3://bucket/jobs`, `gs://bucket/jobs`, `az://container/jobs` and `file:///data/jobs`.
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        if let Some(rest) = text.strip_prefix("file:") {
            return Ok(Self::Local(PathBuf::from(rest.strip_prefix("//").unwrap_or(rest))));
        }
        let Some((scheme, rest)) = text.split_once("://") else { return Ok(Self::Local(PathBuf::from(text))) };
        let Some((_, kind)) = SCHEMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(scheme)) else {
            return Err(Error::config(format!("state cannot lie on '{scheme}': '{text}'"))
                .help("give a folder of this machine, s3://bucket/folder, gs://bucket/folder or az://container/folder"));
        };
        let (bucket, name) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.is_empty() {
            return Err(Error::config(format!("'{text}' names no bucket")).help(format!("write {scheme}://bucket/folder")));
        }
        Ok(Self::Remote(kind, bucket.to_owned(), name.trim_matches('/').to_owned()))
    }

    /// A folder in this one.
    pub fn join(&self, name: &str) -> Self {
        match self {
            Self::Local(path) => Self::Local(path.join(name)),
            Self::Remote(kind, bucket, prefix) if prefix.is_empty() => Self::Remote(kind, bucket.clone(), name.to_owned()),
            Self::Remote(kind, bucket, prefix) => Self::Remote(kind, bucket.clone(), format!("{prefix}/{name}")),
        }
    }

    /// The last part of its name.
    pub fn name(&self) -> &str {
        match self {
            Self::Local(path) => path.file_name().and_then(|n| n.to_str()).unwrap_or_default(),
            Self::Remote(_, bucket, prefix) => prefix.rsplit('/').next().filter(|n| !n.is_empty()).unwrap_or(bucket),
        }
    }

    /// Its files.
    pub fn folder(&self) -> Result<Box<dyn Folder>> {
        Ok(match self {
            Self::Local(path) => Box::new(LocalFolder::new(path)),
            Self::Remote(..) => Box::new(self.remote()?),
        })
    }

    fn remote(&self) -> Result<ObjectFolder> {
        let Self::Remote(kind, bucket, prefix) = self else { return Err(Error::internal("a folder of this machine is no object store")) };
        ObjectFolder::open(kind, bucket, prefix).map_err(|e| at(e, &self.to_string()).into_state())
    }

    /// Whether it is there. In an object store a folder is there when something lies in it.
    pub fn is_there(&self) -> Result<bool> {
        match self {
            Self::Local(path) => Ok(path.is_dir()),
            Self::Remote(..) => {
                let folder = self.remote()?;
                let names = folder.list().map_err(|e| at(e, &self.to_string()).into_state())?;
                Ok(!names.is_empty() || !self.folders()?.is_empty())
            }
        }
    }

    /// Folders in this one, by name; none if it is not there.
    pub fn folders(&self) -> Result<Vec<Location>> {
        let mut names = match self {
            Self::Local(path) => local_folders(path).map_err(|e| at(e, &self.to_string()).into_state())?,
            Self::Remote(..) => self.remote()?.folders().map_err(|e| at(e, &self.to_string()).into_state())?,
        };
        names.sort();
        Ok(names.iter().map(|name| self.join(name)).collect())
    }
}

fn local_folders(path: &Path) -> std::io::Result<Vec<String>> {
    let entries = match std::fs::read_dir(path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(vec![]),
        entries => entries?,
    };
    let mut names = vec![];
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            names.extend(entry.file_name().into_string().ok());
        }
    }
    Ok(names)
}

impl From<&Path> for Location {
    fn from(path: &Path) -> Self {
        Self::Local(path.to_path_buf())
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local(path) => path.display().fmt(f),
            Self::Remote(kind, bucket, prefix) if prefix.is_empty() => write!(f, "{kind}://{bucket}"),
            Self::Remote(kind, bucket, prefix) => write!(f, "{kind}://{bucket}/{prefix}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_locations() {
        let text = |t: &str| Location::parse(t).map(|l| l.to_string()).unwrap_or_else(|e| format!("error: {e}"));
        assert_eq!(text("file:///a/b"), "/a/b");
        assert_eq!(text("file:/a"), "/a");
        assert_eq!(text(" a/b "), "a/b");
        assert_eq!(text("s3a://bucket/a/b/"), "s3://bucket/a/b");
        assert_eq!(text("gs://bucket"), "gs://bucket");
        assert!(text("hdfs://host/a").contains("'hdfs'"));
        assert!(text("s3:///a").contains("names no bucket"));
        let root = Location::parse("az://c").map(|l| l.join("x").join("y"));
        assert_eq!(root.as_ref().map(|l| (l.to_string(), l.name().to_owned())), Ok(("az://c/x/y".to_owned(), "y".to_owned())));
    }
}
