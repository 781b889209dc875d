//! A standalone Flink cluster on the loopback interface: one JobManager, and one TaskManager with two slots.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::distribution::{Distribution, FlinkProcess, free_port};
use super::gateway::loopback_agent;
use crate::Result;

const START_TIMEOUT: Duration = Duration::from_secs(120);
const POLL_INTERVAL: Duration = Duration::from_millis(50);
/// Task slots of the one TaskManager.
pub const SLOTS: u64 = 2;

/// A running cluster. Dropping it kills both processes.
pub struct Cluster {
    job_manager: FlinkProcess,
    task_manager: FlinkProcess,
    rest_port: u16,
    agent: ureq::Agent,
}

impl Cluster {
    /// Starts both processes and waits until all slots are offered.
    ///
    /// # Errors
    /// When one of them ends early, or the slots do not appear in two minutes.
    pub fn start(distribution: &Distribution) -> Result<Self> {
        let rest_port = free_port()?;
        let settings = settings(rest_port, free_port()?);
        let job_manager = distribution.start("jobmanager.sh", "jobmanager", &settings, "")?;
        let task_manager = distribution.start("taskmanager.sh", "taskmanager", &settings, "")?;
        let mut cluster = Self { job_manager, task_manager, rest_port, agent: loopback_agent() };
        cluster.wait_for_slots()?;
        Ok(cluster)
    }

    fn wait_for_slots(&mut self) -> Result<()> {
        let deadline = Instant::now() + START_TIMEOUT;
        while Instant::now() < deadline {
            for process in [&mut self.job_manager, &mut self.task_manager] {
                if !process.is_running() {
                    let log = process.log.display();
                    return Err(format!("a Flink process ended while starting, see {log}"));
                }
            }
            if self.get("/overview").is_ok_and(|o| o["slots-available"] == SLOTS) {
                return Ok(());
            }
            std::thread::sleep(POLL_INTERVAL);
        }
        Err(format!("the Flink cluster offers no slots, see {}", self.task_manager.log.display()))
    }

    /// Port of the JobManager's REST interface.
    pub fn rest_port(&self) -> u16 {
        self.rest_port
    }

    /// Process id of the JobManager.
    pub fn job_manager_pid(&self) -> u32 {
        self.job_manager.pid()
    }

    /// Process id of the TaskManager, which does the work of the jobs.
    pub fn task_manager_pid(&self) -> u32 {
        self.task_manager.pid()
    }

    /// Waits for the end of a job and gives its duration as the JobManager counts it, from submission to its end.
    ///
    /// # Errors
    /// When the job fails or is cancelled, when the cluster does not answer, or when the job still runs after `timeout`:
    /// then it is cancelled.
    pub fn wait_for_job(&self, job: &str, timeout: Duration) -> Result<Duration> {
        let deadline = Instant::now() + timeout;
        loop {
            let answer = self.get(&format!("/jobs/{job}"))?;
            match answer["state"].as_str() {
                Some("FINISHED") => {
                    let duration_ms = answer["duration"].as_u64().unwrap_or_default();
                    return Ok(Duration::from_millis(duration_ms));
                }
                Some(state @ ("FAILED" | "CANCELED")) => {
                    return Err(format!("the job is {state}: {}", self.cause_of(job)));
                }
                _ if Instant::now() > deadline => {
                    self.cancel(job);
                    return Err(format!("no end after {} s, cancelled", timeout.as_secs()));
                }
                _ => std::thread::sleep(POLL_INTERVAL),
            }
        }
    }

    /// First line of the innermost cause of a failure.
    fn cause_of(&self, job: &str) -> String {
        let answer = self.get(&format!("/jobs/{job}/exceptions")).unwrap_or_default();
        let trace = answer["exceptionHistory"]["entries"][0]["stacktrace"].as_str().unwrap_or("cause unknown");
        let innermost = trace.lines().rfind(|line| line.starts_with("Caused by: ")).or_else(|| trace.lines().next());
        innermost.unwrap_or_default().trim_start_matches("Caused by: ").to_string()
    }

    /// Cancels a job and waits a moment for its slots to come back.
    fn cancel(&self, job: &str) {
        let url = self.url(&format!("/jobs/{job}?mode=cancel"));
        // A job that is gone already needs no cancelling.
        let _ = self.agent.patch(url).send_empty();
        let deadline = Instant::now() + Duration::from_secs(30);
        while Instant::now() < deadline && self.get("/overview").is_ok_and(|o| o["slots-available"] != SLOTS) {
            std::thread::sleep(POLL_INTERVAL);
        }
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.rest_port)
    }

    fn get(&self, path: &str) -> Result<Value> {
        let text = self
            .agent
            .get(self.url(path))
            .call()
            .and_then(|mut answer| answer.body_mut().read_to_string())
            .map_err(|e| format!("Flink's JobManager, {path}: {e}"))?;
        serde_json::from_str(&text).map_err(|e| format!("Flink's JobManager, {path}: no JSON ({e}): {text}"))
    }

    /// Ends both processes after a good run and removes their folders.
    pub fn stop(self) {
        self.task_manager.stop();
        self.job_manager.stop();
    }
}

fn settings(rest_port: u16, rpc_port: u16) -> Vec<(&'static str, String)> {
    let local = "127.0.0.1".to_string();
    let mut settings: Vec<(&str, String)> = [
        "jobmanager.rpc.address",
        "jobmanager.bind-host",
        "taskmanager.host",
        "taskmanager.bind-host",
        "rest.address",
        "rest.bind-address",
    ]
    .map(|key| (key, local.clone()))
    .to_vec();
    settings.extend([
        ("rest.port", rest_port.to_string()),
        ("jobmanager.rpc.port", rpc_port.to_string()),
        ("jobmanager.memory.process.size", "1600m".to_string()),
        ("taskmanager.memory.process.size", "4g".to_string()),
        ("taskmanager.memory.managed.size", "512m".to_string()),
        ("taskmanager.numberOfTaskSlots", SLOTS.to_string()),
        ("state.backend.type", "hashmap".to_string()),
        ("pipeline.object-reuse", "true".to_string()),
        ("restart-strategy.type", "none".to_string()),
    ]);
    settings
}
