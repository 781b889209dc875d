//! The places on which the tests run: a disk, the memory of an object store, and a real server of S3.

use object_store::aws::AmazonS3Builder;
use object_store::memory::InMemory;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tempfile::TempDir;

use super::{JOB, Quick};
use crate::folder::{Folder, LocalFolder, Over};
use crate::http::Connector;
use crate::objects::{ObjectFolder, Objects};
use crate::store::Store;

/// An empty folder.
pub enum Place {
    Disk(TempDir),
    Objects { store: Arc<dyn Objects>, prefix: String, server: bool },
}

/// One of each kind.
pub fn places() -> Vec<Place> {
    let mut places = vec![Place::Disk(TempDir::new().unwrap()), memory()];
    places.extend(server());
    places
}

/// In the memory of this process.
pub fn memory() -> Place {
    Place::Objects { store: Arc::new(InMemory::new()), prefix: "jobs/größe".into(), server: false }
}

/// On a server, if there can be one on this machine.
pub fn server() -> Option<Place> {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let server = flott_testkit::s3::shared()?;
    let store = client(&server.endpoint());
    Some(Place::Objects { store, prefix: format!("tests/{}", COUNT.fetch_add(1, Ordering::Relaxed)), server: true })
}

pub fn client(endpoint: &str) -> Arc<dyn Objects> {
    let builder = AmazonS3Builder::new()
        .with_endpoint(endpoint)
        .with_allow_http(true)
        .with_bucket_name(flott_testkit::s3::BUCKET)
        .with_access_key_id("key")
        .with_secret_access_key("secret");
    Arc::new(builder.with_http_connector(Connector).build().unwrap())
}

impl Place {
    pub fn is_local(&self) -> bool {
        matches!(self, Place::Disk(_))
    }

    pub fn is_server(&self) -> bool {
        matches!(self, Place::Objects { server: true, .. })
    }

    pub fn folder(&self) -> Box<dyn Folder> {
        match self {
            Place::Disk(dir) => Box::new(LocalFolder::on(dir.path(), Box::new(Quick))),
            Place::Objects { store, prefix, .. } => {
                Box::new(ObjectFolder::on(store.clone(), prefix, format!("s3://bucket/{prefix}")).unwrap())
            }
        }
    }

    pub fn open(&self) -> Store {
        Store::open_in(self.folder(), JOB).unwrap()
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        self.folder().read(name, None).unwrap()
    }

    pub fn write(&self, name: &str, bytes: &[u8]) {
        self.folder().put(name, bytes, Over::Anything).unwrap();
    }

    pub fn remove(&self, name: &str) {
        self.folder().remove(name).unwrap();
    }

    /// Another place with the same files, in memory or on disk.
    pub fn copy(&self) -> Place {
        let copy = if self.is_local() { Place::Disk(TempDir::new().unwrap()) } else { memory() };
        for name in self.folder().list().unwrap().iter().filter(|n| *n != "lock") {
            copy.write(name, &self.read(name));
        }
        copy
    }
}

/// A copy of a folder of this machine.
pub fn copy_of(dir: &Path) -> Place {
    let copy = Place::Disk(TempDir::new().unwrap());
    let from = LocalFolder::new(dir);
    for name in from.list().unwrap().iter().filter(|n| *n != "lock") {
        copy.write(name, &from.read(name, None).unwrap());
    }
    copy
}
