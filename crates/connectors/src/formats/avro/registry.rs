//! A client of a schema registry that speaks Confluent's REST protocol: asks for the schema of an id, and registers one.
//!
//! Only what the options below name reaches the client. A registry that does not answer is asked again a few times, each time after
//! a longer pause; what it has once said of an id never changes, so callers keep it.

use std::sync::Arc;
use std::time::Duration;

use flott_engine::connector::OptionInfo;
use flott_engine::{Error, Result};
use serde_json::{Value, json};
use ureq::tls::{Certificate, ClientCert, PemItem, RootCerts, TlsConfig};

use crate::formats::{option, required};
use crate::options::Options;

/// Pauses before the registry is asked again, in milliseconds.
const PAUSES_MS: [u64; 5] = [100, 300, 1_000, 2_000, 4_000];
/// How long one answer may take.
const TIMEOUT: Duration = Duration::from_secs(20);
/// An answer longer than this is refused.
const MAX_ANSWER_BYTES: u64 = 16 << 20;
/// How many schemas a schema may be put together from.
const MAX_REFERENCES: usize = 64;

/// Options of formats that ask a registry, without their prefix.
pub const OPTIONS: &[OptionInfo] = &[
    required("url", "Where the registry is, for example http://localhost:8081; several addresses with commas between."),
    option("subject", None, "Under which name the schema is registered; needed to write."),
    option("schema", None, "The table's schema as Avro writes it; without it, it is made of the columns."),
    option("basic-auth.credentials-source", None, "Where name and password are: USER_INFO, or URL for http://name:password@host."),
    option("basic-auth.user-info", None, "name:password, for USER_INFO."),
    option("bearer-auth.credentials-source", None, "Where the token is: STATIC_TOKEN."),
    option("bearer-auth.token", None, "The token, for STATIC_TOKEN."),
    option("ssl.truststore.location", None, "A PEM file with the certificates that are trusted, in place of the usual ones."),
    option("ssl.truststore.password", None, "Taken for compatibility; PEM files with certificates have none."),
    option("ssl.keystore.location", None, "A PEM file with the client's certificate and private key."),
    option("ssl.keystore.password", None, "Taken for compatibility; the private key must not be encrypted."),
    option("properties", None, "More of these as key1:value1,key2:value2, under the names that Confluent's client gives them."),
];

/// What the properties of Confluent's client are called here.
const PROPERTIES: [(&str, &str); 8] = [
    ("basic.auth.credentials.source", "basic-auth.credentials-source"),
    ("basic.auth.user.info", "basic-auth.user-info"),
    ("bearer.auth.credentials.source", "bearer-auth.credentials-source"),
    ("bearer.auth.token", "bearer-auth.token"),
    ("schema.registry.ssl.truststore.location", "ssl.truststore.location"),
    ("schema.registry.ssl.truststore.password", "ssl.truststore.password"),
    ("schema.registry.ssl.keystore.location", "ssl.keystore.location"),
    ("schema.registry.ssl.keystore.password", "ssl.keystore.password"),
];

/// How to reach a registry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RegistryOptions {
    /// Addresses without a slash at the end.
    urls: Vec<String>,
    /// The whole header `Authorization`.
    authorization: Option<String>,
    truststore: Option<String>,
    keystore: Option<String>,
}

impl RegistryOptions {
    /// Reads the options of a table; `prefix` is `avro-confluent.` or the like.
    pub fn new(options: &Options<'_>, prefix: &str) -> Result<Self> {
        let properties = properties(options, prefix)?;
        let get = |key: &str| {
            let property = PROPERTIES.iter().find(|(_, k)| *k == key).and_then(|(p, _)| properties.iter().find(|(k, _)| k == p));
            options.get(&format!("{prefix}{key}")).map(str::to_owned).or_else(|| property.map(|(_, value)| value.clone()))
        };
        let url = options.required(&format!("{prefix}url"), "the registry's address, for example 'http://localhost:8081'")?;
        let mut in_url = None;
        let mut urls = vec![];
        for url in url.split(',').map(|url| url.trim().trim_end_matches('/')) {
            let Some((scheme, rest)) = url.split_once("://").filter(|(scheme, _)| ["http", "https"].contains(scheme)) else {
                return Err(options
                    .error(&format!("'{prefix}url' = '{url}' is not an address"))
                    .help("Write it as http://host:port or https://host"));
            };
            let host = rest.rsplit_once('@').map_or(rest, |(user, host)| {
                in_url = Some(user.to_owned());
                host
            });
            urls.push(format!("{scheme}://{host}"));
        }
        let source = get("basic-auth.credentials-source").unwrap_or_else(|| "URL".into());
        let basic = match source.as_str() {
            "USER_INFO" => Some(get("basic-auth.user-info").ok_or_else(|| {
                options
                    .error(&format!("'{prefix}basic-auth.credentials-source' is USER_INFO, but '{prefix}basic-auth.user-info' is missing"))
            })?),
            "URL" => get("basic-auth.user-info").or(in_url),
            other => return Err(options.unknown_value(&format!("{prefix}basic-auth.credentials-source"), other, &["USER_INFO", "URL"])),
        };
        let bearer = match get("bearer-auth.credentials-source").as_deref() {
            None | Some("STATIC_TOKEN") => get("bearer-auth.token"),
            Some(other) => return Err(options.unknown_value(&format!("{prefix}bearer-auth.credentials-source"), other, &["STATIC_TOKEN"])),
        };
        let authorization = match (basic, bearer) {
            (Some(_), Some(_)) => return Err(options.error("the registry is given a password and a token").help("Leave one of them out")),
            (Some(user), None) => Some(format!("Basic {}", base64(&user))),
            (None, Some(token)) => Some(format!("Bearer {token}")),
            (None, None) => None,
        };
        Ok(Self { urls, authorization, truststore: get("ssl.truststore.location"), keystore: get("ssl.keystore.location") })
    }
}

/// The properties of a table, `key1:value1,key2:value2`; fails for one that is not known.
fn properties(options: &Options<'_>, prefix: &str) -> Result<Vec<(String, String)>> {
    let key = format!("{prefix}properties");
    let mut found = vec![];
    for pair in options.get(&key).unwrap_or_default().split(',').filter(|pair| !pair.trim().is_empty()) {
        let (name, value) = pair.split_once(':').ok_or_else(|| options.error(&format!("'{key}': a part of it is not key:value")))?;
        if !PROPERTIES.iter().any(|(known, _)| *known == name.trim()) {
            let known: Vec<&str> = PROPERTIES.iter().map(|(known, _)| *known).collect();
            return Err(options.unknown_value(&key, name.trim(), &known));
        }
        found.push((name.trim().to_owned(), value.trim().to_owned()));
    }
    Ok(found)
}

fn base64(text: &str) -> String {
    let mut out = vec![];
    crate::formats::base64::encode(text.as_bytes(), &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

/// A registry.
pub struct Registry {
    options: RegistryOptions,
    agent: ureq::Agent,
}

/// Why the registry gave no schema.
#[derive(Debug)]
pub enum Refusal {
    /// It answered, and has none, or none that can be read: the record is to blame.
    Unknown(String),
    /// It did not answer.
    Away(Error),
}

impl Registry {
    /// A client; nothing is sent yet. Fails for files of keys that cannot be read.
    pub fn new(options: RegistryOptions) -> Result<Self> {
        let mut tls = TlsConfig::builder();
        if let Some(path) = &options.truststore {
            let (certificates, _) = pem(path)?;
            tls = tls.root_certs(RootCerts::Specific(Arc::new(certificates)));
        }
        if let Some(path) = &options.keystore {
            let (certificates, key) = pem(path)?;
            let key = key.ok_or_else(|| Error::config(format!("The file {path} holds no private key")))?;
            tls = tls.client_cert(Some(ClientCert::new_with_certs(&certificates, key)));
        }
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(TIMEOUT))
            .http_status_as_error(false)
            .max_redirects(0)
            .tls_config(tls.build())
            .build();
        Ok(Self { options, agent: config.new_agent() })
    }

    /// The schema of an id, and those it refers to before it.
    pub fn schema(&self, id: u32) -> std::result::Result<String, Refusal> {
        let answer = self.ask(&format!("/schemas/ids/{id}"), None).map_err(Refusal::Away)?;
        let known = answer.map_err(|reason| Refusal::Unknown(format!("the registry has no schema {id}: {reason}")))?;
        if let Some(kind) = known["schemaType"].as_str().filter(|kind| *kind != "AVRO") {
            return Err(Refusal::Unknown(format!("the schema {id} of the registry is {kind}, not AVRO")));
        }
        let text = known["schema"].as_str().ok_or_else(|| Refusal::Unknown(format!("the registry's answer for {id} has no schema")))?;
        let mut parts = vec![];
        self.references(&known, &mut parts)?;
        if parts.is_empty() {
            return Ok(text.to_owned());
        }
        // In a union, types that stand before are known to those that follow; the last one is the schema itself.
        parts.push(text.to_owned());
        Ok(format!("[{}]", parts.join(",")))
    }

    fn references(&self, answer: &Value, parts: &mut Vec<String>) -> std::result::Result<(), Refusal> {
        for reference in answer["references"].as_array().into_iter().flatten() {
            let (Some(subject), Some(version)) = (reference["subject"].as_str(), reference["version"].as_i64()) else { continue };
            if parts.len() >= MAX_REFERENCES {
                return Err(Refusal::Unknown(format!("the schema refers to more than {MAX_REFERENCES} others")));
            }
            let path = format!("/subjects/{}/versions/{version}", escaped(subject));
            let answer = self.ask(&path, None).map_err(Refusal::Away)?;
            let answer = answer.map_err(|reason| Refusal::Unknown(format!("the registry does not have {subject}: {reason}")))?;
            self.references(&answer, parts)?;
            let text = answer["schema"].as_str().unwrap_or_default().to_owned();
            if !parts.contains(&text) {
                parts.push(text);
            }
        }
        Ok(())
    }

    /// Registers a schema under a subject and returns its id; the same again if it is there.
    pub fn register(&self, subject: &str, schema: &str) -> Result<u32> {
        let path = format!("/subjects/{}/versions", escaped(subject));
        let answer = self.ask(&path, Some(json!({ "schema": schema })))?;
        let cannot = |reason: &str| Error::config(format!("The schema cannot be registered under '{subject}': {reason}"));
        let answer = answer.map_err(|reason| cannot(&reason))?;
        let id = answer["id"].as_u64().and_then(|id| u32::try_from(id).ok());
        id.ok_or_else(|| cannot("the registry's answer has no id"))
    }

    /// The registry's answer, or in words why it has none. Fails if no address answers.
    fn ask(&self, path: &str, body: Option<Value>) -> Result<std::result::Result<Value, String>> {
        let mut reason = String::new();
        for pause_ms in std::iter::once(&0).chain(&PAUSES_MS) {
            std::thread::sleep(Duration::from_millis(*pause_ms));
            for url in &self.options.urls {
                match self.ask_once(&format!("{url}{path}"), body.as_ref()) {
                    Ok((status @ 200..300, text)) => {
                        return Ok(serde_json::from_str(&text).map_err(|e| format!("its answer ({status}) is not JSON: {e}")));
                    }
                    Ok((status, text)) if status >= 500 || status == 429 => reason = answered(status, &text),
                    Ok((status, text)) => return Ok(Err(answered(status, &text))),
                    Err(e) => reason = e.to_string(),
                }
            }
        }
        let urls = self.options.urls.join(", ");
        Err(Error::io(format!("The schema registry {urls} does not answer: {reason}")).help("Is it running, and is its address right?"))
    }

    fn ask_once(&self, url: &str, body: Option<&Value>) -> std::result::Result<(u16, String), ureq::Error> {
        const JSON: &str = "application/vnd.schemaregistry.v1+json";
        let authorization = self.options.authorization.as_deref();
        let mut answer = match body {
            None => {
                let request = self.agent.get(url).header("Accept", JSON);
                authorization.into_iter().fold(request, |request, value| request.header("Authorization", value)).call()?
            }
            Some(body) => {
                let request = self.agent.post(url).header("Accept", JSON).header("Content-Type", JSON);
                let request = authorization.into_iter().fold(request, |request, value| request.header("Authorization", value));
                request.send(body.to_string())?
            }
        };
        let text = answer.body_mut().with_config().limit(MAX_ANSWER_BYTES).read_to_string()?;
        Ok((answer.status().as_u16(), text))
    }
}

/// What the registry said instead of an answer.
fn answered(status: u16, text: &str) -> String {
    let message = serde_json::from_str::<Value>(text).ok().and_then(|v| v["message"].as_str().map(str::to_owned));
    let message = message.unwrap_or_else(|| text.chars().take(200).collect());
    format!("it answers {status} {message}").trim_end().to_owned()
}

/// A name as part of an address.
fn escaped(name: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.~".contains(&b);
    name.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

/// The certificates of a file, and its private key.
fn pem(path: &str) -> Result<(Vec<Certificate<'static>>, Option<ureq::tls::PrivateKey<'static>>)> {
    let text = std::fs::read(path).map_err(|e| Error::config(format!("Cannot read the file {path}: {e}")))?;
    let (mut certificates, mut key) = (vec![], None);
    for item in ureq::tls::parse_pem(&text) {
        match item {
            Ok(PemItem::Certificate(certificate)) => certificates.push(certificate),
            Ok(PemItem::PrivateKey(private)) => key = Some(private),
            _ => {}
        }
    }
    if certificates.is_empty() {
        return Err(Error::config(format!("The file {path} holds no certificate in PEM"))
            .help("Stores of Java (JKS, PKCS#12) are not read: convert them, for example with 'openssl pkcs12 -in store.p12 -nodes'"));
    }
    Ok((certificates, key))
}
