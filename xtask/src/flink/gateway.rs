//! A Flink SQL Gateway and its REST protocol: sessions, statements, pages of results.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::distribution::{Distribution, FlinkProcess, free_port};
use super::types::type_name;
use crate::Result;

const START_TIMEOUT: Duration = Duration::from_secs(120);
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(180);
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// A gateway that runs every statement in an embedded mini-cluster. Dropping it stops the process.
pub struct Gateway {
    process: FlinkProcess,
    base: String,
    agent: ureq::Agent,
}

/// What one statement gave back.
pub enum Answer {
    /// All pages of the result, in the order received.
    Rows(Table),
    /// Flink refused the statement or its job failed.
    Failed(Failure),
}

/// Why a statement failed.
pub struct Failure {
    /// Class and first line of the root cause.
    pub cause: String,
    /// The line of the statement at which Flink points, from 1.
    pub line: Option<usize>,
}

/// A changelog with its schema.
pub struct Table {
    /// Column name and Flink's name of its type.
    pub columns: Vec<(String, String)>,
    /// Row kind (`+I`, `-U`, `+U`, `-D`) and the values as text; `None` is NULL.
    pub rows: Vec<(&'static str, Vec<Option<String>>)>,
}

impl Gateway {
    /// Starts a gateway whose jobs run inside of it, on a free loopback port, and waits until it answers.
    ///
    /// # Errors
    /// When the process ends early or does not answer in two minutes.
    pub fn start(distribution: &Distribution) -> Result<Self> {
        Self::start_with(distribution, "local", 0)
    }

    /// Starts a gateway that sends its jobs to the standalone cluster whose REST interface listens on `rest_port`.
    ///
    /// # Errors
    /// As for [`Gateway::start`].
    pub fn start_remote(distribution: &Distribution, rest_port: u16) -> Result<Self> {
        Self::start_with(distribution, "remote", rest_port)
    }

    fn start_with(distribution: &Distribution, target: &str, rest_port: u16) -> Result<Self> {
        let port = free_port()?;
        let local = || "127.0.0.1".to_string();
        let settings = [
            ("execution.target", target.to_string()),
            ("sql-gateway.endpoint.rest.address", local()),
            ("sql-gateway.endpoint.rest.bind-address", local()),
            ("sql-gateway.endpoint.rest.port", port.to_string()),
            ("jobmanager.rpc.address", local()),
            ("jobmanager.bind-host", local()),
            ("taskmanager.host", local()),
            ("taskmanager.bind-host", local()),
            ("rest.address", local()),
            ("rest.bind-address", local()),
            ("rest.port", rest_port.to_string()),
            ("restart-strategy.type", "none".to_string()),
        ];
        let process = distribution.start("sql-gateway.sh", "gateway", &settings, "-Xmx1g")?;
        let mut gateway = Self { process, base: format!("http://127.0.0.1:{port}"), agent: loopback_agent() };
        gateway.wait_until_it_answers()?;
        Ok(gateway)
    }

    fn wait_until_it_answers(&mut self) -> Result<()> {
        let deadline = Instant::now() + START_TIMEOUT;
        while Instant::now() < deadline {
            if !self.process.is_running() {
                return Err(format!("the Flink gateway ended while starting, see {}", self.process.log.display()));
            }
            if self.get("/v2/info").is_ok_and(|info| info["version"].is_string()) {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Err(format!("the Flink gateway does not answer, see {}", self.process.log.display()))
    }

    /// Process id of the gateway, in which the jobs run too.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Ends the gateway after a good run, with its logs.
    pub fn stop(self) {
        self.process.stop();
    }

    /// Opens a session with `properties` as its configuration.
    ///
    /// # Errors
    /// When the gateway refuses it.
    pub fn open_session(&self, properties: &[(&str, &str)]) -> Result<Session<'_>> {
        let properties: serde_json::Map<String, Value> =
            properties.iter().map(|(key, value)| ((*key).to_string(), Value::from(*value))).collect();
        let answer = self.post("/v2/sessions", &json!({ "properties": properties }))?;
        match answer["sessionHandle"].as_str() {
            Some(handle) => Ok(Session { gateway: self, handle: handle.to_string() }),
            None => Err(format!("the gateway opened no session: {answer}")),
        }
    }

    fn get(&self, path: &str) -> Result<Value> {
        self.read(path, self.agent.get(format!("{}{path}", self.base)).call())
    }

    fn post(&self, path: &str, body: &Value) -> Result<Value> {
        let request = self.agent.post(format!("{}{path}", self.base)).header("Content-Type", "application/json");
        self.read(path, request.send(body.to_string()))
    }

    fn delete(&self, path: &str) -> Result<Value> {
        self.read(path, self.agent.delete(format!("{}{path}", self.base)).call())
    }

    fn read(&self, path: &str, response: std::result::Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Result<Value> {
        let text = response
            .and_then(|mut r| r.body_mut().with_config().limit(256 << 20).read_to_string())
            .map_err(|e| format!("{path}: {e} (log of the gateway: {})", self.process.log.display()))?;
        serde_json::from_str(&text).map_err(|e| format!("{path}: the gateway did not answer in JSON ({e}): {text}"))
    }
}

/// A session of the gateway: its own catalog of temporary objects and its own settings. Closed when dropped.
pub struct Session<'a> {
    gateway: &'a Gateway,
    handle: String,
}

impl Session<'_> {
    /// Runs one statement and takes all of its result.
    ///
    /// # Errors
    /// When the gateway is gone or the statement does not end in three minutes. A statement that *Flink* refuses is not
    /// an error here but [`Answer::Failed`].
    pub fn execute(&self, statement: &str) -> Result<Answer> {
        self.execute_within(statement, STATEMENT_TIMEOUT)
    }

    /// Runs one statement and takes all of its result.
    ///
    /// # Errors
    /// As for [`Session::execute`], with another time.
    pub fn execute_within(&self, statement: &str, timeout: Duration) -> Result<Answer> {
        let path = format!("/v2/sessions/{}/statements", self.handle);
        let submitted = self.gateway.post(&path, &json!({ "statement": statement }))?;
        let Some(operation) = submitted["operationHandle"].as_str() else {
            return Ok(Answer::Failed(Failure::of(&submitted)));
        };
        let operation = format!("/v2/sessions/{}/operations/{operation}", self.handle);
        let answer = self.fetch(&operation, timeout);
        if answer.is_err() {
            // A job that hangs would go on using the machine under the statements to come.
            let _ = self.gateway.post(&format!("{operation}/cancel"), &json!({}));
        }
        let _ = self.gateway.delete(&format!("{operation}/close"));
        answer
    }

    fn fetch(&self, operation: &str, timeout: Duration) -> Result<Answer> {
        let mut table = Table { columns: Vec::new(), rows: Vec::new() };
        let mut next = format!("{operation}/result/0?rowFormat=PLAIN_TEXT");
        let deadline = Instant::now() + timeout;
        loop {
            if Instant::now() > deadline {
                return Err(format!("no end of the result after {} s", timeout.as_secs()));
            }
            let page = self.gateway.get(&next)?;
            if page["errors"].is_array() {
                return Ok(Answer::Failed(Failure::of(&page)));
            }
            if page["resultType"] == "NOT_READY" {
                std::thread::sleep(POLL_INTERVAL);
                continue;
            }
            take_page(&page["results"], &mut table)?;
            match page["nextResultUri"].as_str() {
                // An empty page means that the job is still at work.
                Some(uri) => {
                    if page["results"]["data"].as_array().is_none_or(Vec::is_empty) {
                        std::thread::sleep(POLL_INTERVAL);
                    }
                    next = uri.to_string();
                }
                None => return Ok(Answer::Rows(table)),
            }
        }
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        let _ = self.gateway.delete(&format!("/v2/sessions/{}", self.handle));
    }
}

/// A client for servers on this machine. Answers with an error status are answers.
pub(super) fn loopback_agent() -> ureq::Agent {
    ureq::Agent::config_builder().http_status_as_error(false).proxy(None).timeout_global(Some(Duration::from_secs(60))).build().into()
}

fn take_page(results: &Value, table: &mut Table) -> Result<()> {
    if let Some(columns) = results["columns"].as_array().filter(|c| !c.is_empty()) {
        let named = |c: &Value| (c["name"].as_str().unwrap_or("?").to_string(), type_name(&c["logicalType"]));
        table.columns = columns.iter().map(named).collect();
    }
    for row in results["data"].as_array().map(Vec::as_slice).unwrap_or_default() {
        let kind = match row["kind"].as_str() {
            Some("INSERT") => "+I",
            Some("UPDATE_BEFORE") => "-U",
            Some("UPDATE_AFTER") => "+U",
            Some("DELETE") => "-D",
            _ => return Err(format!("a row of unknown kind: {row}")),
        };
        let fields = row["fields"].as_array().map(Vec::as_slice).unwrap_or_default();
        table.rows.push((kind, fields.iter().map(|f| f.as_str().map(str::to_string)).collect()));
    }
    Ok(())
}

impl Failure {
    fn of(answer: &Value) -> Self {
        let errors = answer["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
        let text = errors.last().and_then(Value::as_str).unwrap_or("unknown error");
        Self { cause: root_cause(text), line: line_pointed_at(text) }
    }
}

/// The number in `From line 3, column 1 to …` or `… at line 3, column 1.`
fn line_pointed_at(text: &str) -> Option<usize> {
    let place = text.find("From line ").or_else(|| text.find("At line ")).or_else(|| text.find(" at line "))?;
    let number = text[place..].split_once("line ")?.1;
    number.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// The innermost cause in an error answer, without the package of its class: `ArithmeticException: / by zero`.
fn root_cause(text: &str) -> String {
    let mut cause = "";
    let mut previous = "";
    for line in text.lines() {
        if let Some(inner) = line.strip_prefix("Caused by: ") {
            cause = inner;
        } else if cause.is_empty() && previous.starts_with("<Exception on server side:") {
            cause = line;
        }
        previous = line;
    }
    if cause.is_empty() {
        cause = text.lines().next().unwrap_or(text);
    }
    let (class, message) = match cause.split_once(": ") {
        Some((class, message)) => (class, Some(message)),
        None => (cause, None),
    };
    if class.contains(' ') {
        return cause.to_string();
    }
    let class = class.rsplit(['.', '$']).next().unwrap_or(class);
    message.map_or_else(|| class.to_string(), |m| format!("{class}: {m}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_cause_is_reported() {
        let answer = json!({"errors": ["Internal server error.",
            "<Exception on server side:\norg.a.SqlExecutionException: failed\n\tat x\nCaused by: org.b.Validation: bad\n\tat y\nCaused by: java.lang.ArithmeticException: / by zero\n\t... 3 more\n\nEnd of exception on server side>"]});
        let failure = Failure::of(&answer);
        assert_eq!((failure.cause.as_str(), failure.line), ("ArithmeticException: / by zero", None));
        let plain = json!({"errors": ["<Exception on server side:\norg.a.Refused: no\n\tat x"]});
        assert_eq!(Failure::of(&plain).cause, "Refused: no");
        let bare = json!({"errors": ["<Exception on server side:\njava.lang.StackOverflowError\n\tat x"]});
        assert_eq!(Failure::of(&bare).cause, "StackOverflowError");
        assert_eq!(line_pointed_at("x.Y: From line 12, column 1 to line 12, column 9: no"), Some(12));
    }
}
