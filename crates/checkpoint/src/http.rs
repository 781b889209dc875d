//! Requests of object stores, made with `ureq`: one HTTP stack for the whole program, and a blocking one.

use async_trait::async_trait;
use http_body_util::BodyExt;
use object_store::ClientOptions;
use object_store::client::{HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService};
use std::time::Duration;
use ureq::Agent;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// For one request of up to eight megabytes there and back.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);
/// Variables that name a file of certificates to trust, in PEM, in place of those of public authorities.
const TRUSTED: [&str; 2] = ["AWS_CA_BUNDLE", "SSL_CERT_FILE"];

/// See the module.
#[derive(Debug)]
pub struct Connector;

#[derive(Debug)]
struct Client(Agent);

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_global(Some(REQUEST_TIMEOUT));
        if let Some(file) = TRUSTED.iter().find_map(std::env::var_os) {
            let roots = certificates(&file).map_err(|e| object_store::Error::Generic { store: "certificates", source: e })?;
            config = config.tls_config(TlsConfig::builder().root_certs(roots).build());
        }
        Ok(HttpClient::new(Client(config.build().into())))
    }
}

fn certificates(file: &std::ffi::OsStr) -> Result<RootCerts, Box<dyn std::error::Error + Send + Sync>> {
    let pem = std::fs::read(file).map_err(|e| format!("cannot read {}: {e}", file.display()))?;
    let mut found: Vec<Certificate<'static>> = vec![];
    for item in ureq::tls::parse_pem(&pem) {
        if let PemItem::Certificate(certificate) = item? {
            found.push(certificate);
        }
    }
    Ok(RootCerts::new_with_certs(&found))
}

#[async_trait]
impl HttpService for Client {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (head, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        // A method without a body, such as DELETE, is to be sent without one.
        let answer = match body.is_empty() && !matches!(head.method.as_str(), "PUT" | "POST") {
            true => self.0.run(ureq::http::Request::from_parts(head, ())),
            false => self.0.run(ureq::http::Request::from_parts(head, &body[..])),
        };
        let (head, mut body) = answer.map_err(failed)?.into_parts();
        let bytes = body.with_config().limit(u64::MAX).read_to_vec().map_err(failed)?;
        Ok(HttpResponse::from_parts(head, bytes.into()))
    }
}

fn failed(e: ureq::Error) -> HttpError {
    let kind = match &e {
        ureq::Error::ConnectionFailed | ureq::Error::HostNotFound => HttpErrorKind::Connect,
        ureq::Error::Timeout(ureq::Timeout::Connect | ureq::Timeout::Resolve) => HttpErrorKind::Connect,
        ureq::Error::Timeout(_) => HttpErrorKind::Timeout,
        ureq::Error::Io(io) if io.kind() == std::io::ErrorKind::ConnectionRefused => HttpErrorKind::Connect,
        ureq::Error::Io(_) => HttpErrorKind::Interrupted,
        _ => HttpErrorKind::Unknown,
    };
    HttpError::new(kind, e)
}
