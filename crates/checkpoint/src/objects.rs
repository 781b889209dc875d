//! A folder in an object store: S3, Google Cloud Storage, Azure, and what speaks as they do.
//!
//! Small files are put with a condition on what is there, so that of two instances one wins. A file that is written piece by piece is put
//! at once when it is finished, or, if it is long, as parts that nobody sees until then. Everything blocks: the thread that keeps
//! checkpoints has nothing else to do.

use bytes::Bytes;
use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::multipart::{MultipartStore, PartId};
use object_store::path::Path;
use object_store::{
    BackoffConfig, ClientOptions, MultipartId, ObjectStore, ObjectStoreExt, PutMode, PutPayload, RetryConfig, UpdateVersion,
};
use std::collections::HashMap;
use std::io::{ErrorKind, Result};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

use crate::folder::{Folder, Over};
use crate::http::Connector;
use crate::refusals::told;

/// Longer files are put in parts of this size, bytes; all but the last one must be of the same size for some servers.
const PART_BYTES: usize = 8 << 20;
/// A request is made so many times more, with growing pauses, before whoever asked hears of it and tries again later.
const RETRIES: usize = 3;
const RETRY_MAX: Duration = Duration::from_secs(15);
const PAUSE_FIRST: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// What is asked of an object store.
pub trait Objects: ObjectStore + MultipartStore {}
impl<T: ObjectStore + MultipartStore> Objects for T {}

/// A file that is being written.
#[derive(Default)]
struct Upload {
    id: Option<MultipartId>,
    parts: Vec<PartId>,
    /// Bytes in parts.
    uploaded: u64,
    /// What follows them.
    tail: Vec<u8>,
}

/// See the module.
pub struct ObjectFolder {
    store: Arc<dyn Objects>,
    runtime: Arc<Runtime>,
    prefix: String,
    place: String,
    /// The store ever gave an answer.
    answered: Arc<AtomicBool>,
    uploads: HashMap<String, Upload>,
}

impl ObjectFolder {
    /// A folder in the bucket of that scheme (`s3`, `gs` or `az`). What else is needed, such as credentials, region and endpoint, comes from
    /// the environment variables that the provider's own tools go by.
    pub fn open(scheme: &str, bucket: &str, prefix: &str) -> Result<Self> {
        let place = format!("{scheme}://{bucket}/{prefix}");
        let store = client(scheme, bucket).map_err(|e| told(&e, &place, false))?;
        Self::on(store, prefix, place)
    }

    pub(crate) fn on(store: Arc<dyn Objects>, prefix: &str, place: String) -> Result<Self> {
        let runtime = Arc::new(Builder::new_current_thread().enable_time().build()?);
        Ok(Self { store, runtime, prefix: prefix.to_owned(), place, answered: Arc::default(), uploads: HashMap::new() })
    }

    fn path(&self, name: &str) -> Path {
        Path::from([self.prefix.as_str(), name].join("/"))
    }

    fn wait<T>(&self, answer: impl Future<Output = object_store::Result<T>>) -> Result<T> {
        let answer = self.runtime.block_on(answer).map_err(|e| told(&e, &self.place, self.answered.load(Ordering::Relaxed)));
        if answer.as_ref().err().is_none_or(|e| matches!(e.kind(), ErrorKind::NotFound | ErrorKind::AlreadyExists)) {
            self.answered.store(true, Ordering::Relaxed);
        }
        answer
    }

    /// Names of folders below this one.
    pub fn folders(&self) -> Result<Vec<String>> {
        let found = self.wait(self.store.list_with_delimiter(Some(&Path::from(self.prefix.as_str()))))?;
        Ok(found.common_prefixes.iter().filter_map(|path| path.filename().map(str::to_owned)).collect())
    }

    /// Uploads what is there of whole parts.
    fn put_parts(&self, name: &str, upload: &mut Upload) -> Result<()> {
        let path = self.path(name);
        while upload.tail.len() >= PART_BYTES {
            self.put_part(&path, upload, PART_BYTES)?;
        }
        Ok(())
    }

    fn put_part(&self, path: &Path, upload: &mut Upload, length: usize) -> Result<()> {
        let id = match &upload.id {
            Some(id) => id.clone(),
            None => upload.id.insert(self.wait(self.store.create_multipart(path))?).clone(),
        };
        let payload = PutPayload::from(Bytes::copy_from_slice(&upload.tail[..length]));
        let part = self.wait(self.store.put_part(path, &id, upload.parts.len(), payload))?;
        upload.parts.push(part);
        upload.tail.drain(..length);
        upload.uploaded += length as u64;
        Ok(())
    }

    fn complete(&self, name: &str, upload: &mut Upload) -> Result<()> {
        let path = self.path(name);
        if upload.id.is_none() {
            let payload = PutPayload::from(Bytes::from(upload.tail.clone()));
            return self.wait(self.store.put(&path, payload)).map(drop);
        }
        if !upload.tail.is_empty() {
            self.put_part(&path, upload, upload.tail.len())?;
        }
        let Some(id) = &upload.id else { return Ok(()) };
        match self.wait(self.store.complete_multipart(&path, id, upload.parts.clone())) {
            // The answer to an earlier attempt may have been lost.
            Err(e) if !self.size(name).is_ok_and(|size| size == upload.uploaded) => Err(e),
            _ => Ok(()),
        }
    }
}

impl Folder for ObjectFolder {
    fn place(&self, name: &str) -> String {
        if name.is_empty() { self.place.clone() } else { format!("{}/{name}", self.place) }
    }

    /// There are no locks: whoever comes later takes over, and the earlier one finds out before it puts anything.
    fn occupy(&mut self) -> Result<std::result::Result<(), String>> {
        Ok(Ok(()))
    }

    fn list(&self) -> Result<Vec<String>> {
        let found = self.wait(self.store.list_with_delimiter(Some(&Path::from(self.prefix.as_str()))))?;
        let mut names: Vec<String> = found.objects.iter().filter_map(|o| o.location.filename().map(str::to_owned)).collect();
        names.sort();
        Ok(names)
    }

    fn size(&self, name: &str) -> Result<u64> {
        Ok(self.wait(self.store.head(&self.path(name)))?.size)
    }

    fn read(&self, name: &str, part: Option<Range<u64>>) -> Result<Vec<u8>> {
        let path = self.path(name);
        let Some(part) = part else {
            let bytes = self.wait(async { self.store.get(&path).await?.bytes().await })?;
            return Ok(bytes.into());
        };
        if part.is_empty() {
            return Ok(vec![]);
        }
        let bytes = self.wait(self.store.get_range(&path, part.clone()))?;
        if bytes.len() as u64 == part.end - part.start { Ok(bytes.into()) } else { Err(ErrorKind::UnexpectedEof.into()) }
    }

    fn write_at(&mut self, name: &str, offset: u64, bytes: &[u8]) -> Result<()> {
        let mut upload = self.uploads.remove(name).unwrap_or_default();
        // Of what is written again after a failure, some may be in a part already.
        let known = upload.uploaded.saturating_sub(offset) as usize;
        upload.tail.truncate(offset.saturating_sub(upload.uploaded) as usize);
        upload.tail.extend_from_slice(bytes.get(known..).unwrap_or_default());
        let written = self.put_parts(name, &mut upload);
        self.uploads.insert(name.to_owned(), upload);
        written
    }

    fn finish(&mut self, names: &[String]) -> Result<()> {
        for name in names {
            if let Some(mut upload) = self.uploads.remove(name)
                && let Err(e) = self.complete(name, &mut upload)
            {
                self.uploads.insert(name.clone(), upload);
                return Err(e);
            }
        }
        Ok(())
    }

    fn put(&mut self, name: &str, bytes: &[u8], over: Over) -> Result<()> {
        let path = self.path(name);
        let mode = match over {
            Over::Anything => PutMode::Overwrite,
            Over::Nothing => PutMode::Create,
            Over::Content(expected) => {
                let (version, there) = self.wait(async {
                    let found = self.store.get(&path).await?;
                    let version = UpdateVersion { e_tag: found.meta.e_tag.clone(), version: found.meta.version.clone() };
                    Ok((version, found.bytes().await?))
                })?;
                if there == bytes {
                    return Ok(());
                }
                if there != expected {
                    return Err(ErrorKind::AlreadyExists.into());
                }
                PutMode::Update(version)
            }
        };
        match self.wait(self.store.put_opts(&path, PutPayload::from(Bytes::copy_from_slice(bytes)), mode.into())) {
            // The answer to an earlier attempt may have been lost.
            Err(e) if e.kind() == ErrorKind::AlreadyExists && self.read(name, None)? != bytes => Err(e),
            Err(e) if e.kind() == ErrorKind::AlreadyExists => Ok(()),
            other => other.map(drop),
        }
    }

    fn remove(&mut self, name: &str) -> Result<()> {
        let path = self.path(name);
        if let Some(Upload { id: Some(id), .. }) = self.uploads.remove(name) {
            return self.wait(self.store.abort_multipart(&path, &id));
        }
        self.wait(self.store.delete(&path))
    }

    fn settle(&mut self) -> Result<()> {
        Ok(())
    }

    fn another(&self) -> (Box<dyn Folder>, bool) {
        let (store, runtime) = (self.store.clone(), self.runtime.clone());
        let (prefix, place, answered) = (self.prefix.clone(), self.place.clone(), self.answered.clone());
        (Box::new(Self { store, runtime, prefix, place, answered, uploads: HashMap::new() }), true)
    }
}

fn client(scheme: &str, bucket: &str) -> object_store::Result<Arc<dyn Objects>> {
    let backoff = BackoffConfig { init_backoff: PAUSE_FIRST, max_backoff: PAUSE_MAX, ..Default::default() };
    let retry = RetryConfig { backoff, max_retries: RETRIES, retry_timeout: RETRY_MAX };
    // Servers of one's own often have no certificate; that an endpoint is http is said by whoever set it.
    let client = ClientOptions::new().with_allow_http(true);
    Ok(match scheme {
        "s3" => {
            let builder = AmazonS3Builder::from_env().with_bucket_name(bucket).with_client_options(client);
            Arc::new(builder.with_retry(retry).with_http_connector(Connector).build()?)
        }
        "gs" => {
            let builder = GoogleCloudStorageBuilder::from_env().with_bucket_name(bucket).with_client_options(client);
            Arc::new(builder.with_retry(retry).with_http_connector(Connector).build()?)
        }
        _ => {
            let builder = MicrosoftAzureBuilder::from_env().with_container_name(bucket).with_client_options(client);
            Arc::new(builder.with_retry(retry).with_http_connector(Connector).build()?)
        }
    })
}
