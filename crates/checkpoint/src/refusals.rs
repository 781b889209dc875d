//! What an object store answers when something does not work, in words for people and with what to do about it.

use object_store::Error as StoreError;
use std::fmt;
use std::io::{Error, ErrorKind};

/// Longest piece of a server's own words that is shown, characters.
const SAID_CHARS_MAX: usize = 200;
/// Where machines in a cloud ask for credentials that nobody gave them.
const METADATA: [&str; 3] = ["://169.254.", "://metadata.google.internal", "://[fd00:ec2::"];

const NO_BUCKET: [&str; 3] = ["NoSuchBucket", "ContainerNotFound", "InvalidBucketName"];
const WRONG_KEY: [&str; 5] = ["InvalidAccessKeyId", "SignatureDoesNotMatch", "AuthenticationFailed", "InvalidToken", "InvalidSecurity"];
const OLD_KEY: [&str; 3] = ["ExpiredToken", "TokenRefreshRequired", "ExpiredTokenException"];
const ELSEWHERE: [&str; 3] = ["PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"];
const WRONG_TIME: &str = "RequestTimeTooSkewed";

/// An error with advice, in an [`Error`] of a file system.
#[derive(Debug)]
pub struct Told {
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Told {}

/// What an object store says, as a file system would. `place` is the folder, `answered` whether the store ever gave an answer there.
pub fn told(e: &StoreError, place: &str, answered: bool) -> Error {
    let (kind, message, help) = match kind_of(e) {
        kind @ ErrorKind::NotFound if !NO_BUCKET.contains(&code(&e.to_string())) => (kind, "there is no such file".to_owned(), None),
        kind @ ErrorKind::AlreadyExists => (kind, "there is another file already".to_owned(), None),
        kind => {
            let (kind, message, help) = translated(&e.to_string(), kind, place, answered);
            (kind, message, Some(help).filter(|help| !help.is_empty()))
        }
    };
    Error::new(kind, Told { message, help })
}

fn kind_of(e: &StoreError) -> ErrorKind {
    match e {
        StoreError::NotFound { .. } => ErrorKind::NotFound,
        StoreError::AlreadyExists { .. } | StoreError::Precondition { .. } => ErrorKind::AlreadyExists,
        StoreError::PermissionDenied { .. } | StoreError::Unauthenticated { .. } => ErrorKind::PermissionDenied,
        StoreError::NotSupported { .. } | StoreError::NotImplemented { .. } => ErrorKind::Unsupported,
        StoreError::InvalidPath { .. } | StoreError::UnknownConfigurationKey { .. } => ErrorKind::InvalidInput,
        // Whatever else went wrong may go right later.
        _ => ErrorKind::NetworkDown,
    }
}

/// The kind of an error with this text, what it says, and help; without help there is none.
fn translated(text: &str, kind: ErrorKind, place: &str, answered: bool) -> (ErrorKind, String, String) {
    let (scheme, rest) = place.split_once("://").unwrap_or((place, ""));
    let bucket = rest.split('/').next().unwrap_or_default();
    let (store, keys) = provider(scheme);
    if METADATA.iter().any(|address| text.contains(address)) {
        // Later on it is the cloud's own service that is away for a while.
        let kind = if answered { ErrorKind::NetworkDown } else { ErrorKind::PermissionDenied };
        return (kind, format!("there are no credentials for {store}"), format!("set {keys}"));
    }
    match code(text) {
        code if NO_BUCKET.contains(&code) => {
            let help = format!("make the bucket first, or look at its name and at {}", endpoint_variable(scheme));
            (ErrorKind::InvalidInput, format!("there is no bucket '{bucket}' ({code})"), help)
        }
        code if WRONG_KEY.contains(&code) => {
            (ErrorKind::PermissionDenied, format!("{store} does not know these credentials ({code})"), format!("look at {keys}"))
        }
        code if OLD_KEY.contains(&code) => {
            (ErrorKind::PermissionDenied, format!("the credentials for {store} are too old ({code})"), format!("set {keys} anew"))
        }
        code if ELSEWHERE.contains(&code) || text.contains("redirect without LOCATION") => {
            let message = format!("the bucket '{bucket}' lies in another region");
            (ErrorKind::InvalidInput, message, "set AWS_REGION to the bucket's region".to_owned())
        }
        WRONG_TIME => {
            (kind, format!("the clocks of this machine and of {store} differ ({WRONG_TIME})"), "set this machine's clock".to_owned())
        }
        code if kind == ErrorKind::PermissionDenied => {
            let why = if code.is_empty() { String::new() } else { format!(" ({code})") };
            let help = format!("let them list, read, write and delete in '{bucket}', or look at {keys}");
            (kind, format!("{store} does not let these credentials do that{why}"), help)
        }
        code => unreached(text, scheme).map_or_else(|| (kind, said(text, code, store), String::new()), |(m, help)| (kind, m, help)),
    }
}

/// A store's name, and where its credentials come from.
fn provider(scheme: &str) -> (&'static str, &'static str) {
    match scheme {
        "gs" => ("Google Cloud Storage", "GOOGLE_SERVICE_ACCOUNT (the file of a service account's key)"),
        "az" => ("Azure", "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY"),
        _ => ("S3", "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (with AWS_SESSION_TOKEN if there is one)"),
    }
}

fn endpoint_variable(scheme: &str) -> &'static str {
    match scheme {
        "gs" => "the service account's file",
        "az" => "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ENDPOINT",
        _ => "AWS_ENDPOINT_URL and AWS_REGION",
    }
}

/// What it means that there was no answer at all, and help.
fn unreached(text: &str, scheme: &str) -> Option<(String, String)> {
    let at = text.find("http://").or_else(|| text.find("https://"))?;
    let host = text[at..].split_once("://")?.1.split(['/', ' ']).next()?;
    let message = if text.contains("failed to lookup address") || text.contains("host not found") {
        format!("the name of {host} cannot be found")
    } else if text.contains("Connection refused") || text.contains("connection failed") {
        format!("{host} refuses the connection")
    } else if text.contains("timeout: ") {
        format!("{host} does not answer in time")
    } else {
        return None;
    };
    Some((message, format!("is it running, and is its address right? It comes from {}", endpoint_variable(scheme))))
}

/// The server's own words, in short: what it sends is a whole document.
fn said(text: &str, code: &str, store: &str) -> String {
    let words = match element(text, "Message") {
        Some(message) if !code.is_empty() => format!("{store} says {code}: {message}"),
        _ if !code.is_empty() => format!("{store} says {code}"),
        _ => text.split('<').next().unwrap_or_default().trim_end_matches([':', ' ', '-', '\u{feff}']).to_owned(),
    };
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    match words.char_indices().nth(SAID_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &words[..end]),
        None => words,
    }
}

fn code(text: &str) -> &str {
    element(text, "Code").unwrap_or_default()
}

/// What stands in the first element of that name, if it is plain text.
fn element<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    let (content, _) = rest.split_once(&format!("</{name}>"))?;
    Some(content.trim()).filter(|content| !content.contains('<'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generic(text: &str) -> StoreError {
        StoreError::Generic { store: "S3", source: text.to_owned().into() }
    }

    fn shown(e: &StoreError) -> (ErrorKind, String) {
        let error = told(e, "s3://bucket/jobs", false);
        let help = error.get_ref().and_then(|inner| inner.downcast_ref::<Told>()).and_then(|told| told.help.clone());
        (error.kind(), format!("{error}; {}", help.unwrap_or_default()))
    }

    #[test]
    fn answers_are_told_in_words() {
        let xml = |code: &str| {
            format!(
                "Error performing GET http://h:1/bucket in 1ms - Server returned non-2xx status code: 400 Bad Request: <?xml version=\"1.0\"?>\n\
                 <Error><Code>{code}</Code><Message>It is so.</Message><AWSAccessKeyId>canary</AWSAccessKeyId></Error>"
            )
        };
        let network = |why: &str| format!("Error performing PUT http://h.invalid:9/b/x in 2ms, after 3 retries - HTTP error: {why}");
        for (text, kind, words) in [
            (xml("NoSuchBucket"), ErrorKind::InvalidInput, "there is no bucket 'bucket' (NoSuchBucket); make the bucket first"),
            (
                xml("InvalidAccessKeyId"),
                ErrorKind::PermissionDenied,
                "S3 does not know these credentials (InvalidAccessKeyId); look at AWS_",
            ),
            (xml("ExpiredToken"), ErrorKind::PermissionDenied, "too old (ExpiredToken); set AWS_ACCESS_KEY_ID"),
            (xml("PermanentRedirect"), ErrorKind::InvalidInput, "lies in another region; set AWS_REGION"),
            (xml("SlowDown"), ErrorKind::NetworkDown, "S3 says SlowDown: It is so.; "),
            (network("io: Connection refused (os error 111)"), ErrorKind::NetworkDown, "h.invalid:9 refuses the connection; is it running"),
            (network("io: failed to lookup address information: x"), ErrorKind::NetworkDown, "the name of h.invalid:9 cannot be found; "),
            (network("timeout: connect"), ErrorKind::NetworkDown, "h.invalid:9 does not answer in time; "),
            (
                "Error performing PUT http://169.254.169.254/latest/api/token".into(),
                ErrorKind::PermissionDenied,
                "no credentials for S3; set AWS_",
            ),
            ("odd: <html>…".into(), ErrorKind::NetworkDown, "Generic S3 error: odd; "),
        ] {
            let (is, told) = shown(&generic(&text));
            assert_eq!(is, kind, "{told}");
            assert!(told.contains(words) && !told.contains("canary") && !told.contains('<'), "{told}");
        }
    }

    #[test]
    fn files_that_are_missing_are_no_missing_buckets() {
        let missing = |text: &str| StoreError::NotFound { path: "p".into(), source: text.to_owned().into() };
        assert_eq!(shown(&missing("<Code>NoSuchKey</Code>")).0, ErrorKind::NotFound);
        assert_eq!(shown(&missing("")).0, ErrorKind::NotFound);
        assert_eq!(shown(&missing("<Code>NoSuchBucket</Code>")).0, ErrorKind::InvalidInput);
        let denied = StoreError::PermissionDenied { path: "p".into(), source: "<Code>AccessDenied</Code>".into() };
        assert!(shown(&denied).1.contains("does not let these credentials do that (AccessDenied); let them list"));
        let metadata = generic("Error performing PUT http://169.254.169.254/latest/api/token");
        assert_eq!(told(&metadata, "s3://bucket", true).kind(), ErrorKind::NetworkDown, "it gave credentials before");
    }
}
