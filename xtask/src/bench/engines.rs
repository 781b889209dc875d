//! The two engines under measurement: one query in, its cost out.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::process;
use crate::Result;
use crate::flink::cluster::{Cluster, SLOTS};
use crate::flink::distribution::Distribution;
use crate::flink::gateway::{Answer, Gateway};
use crate::goldens::split_statements;

/// Time after which a query is given up.
const QUERY_TIMEOUT: Duration = Duration::from_secs(900);

/// What one query over `rows` rows took.
#[derive(Clone, Serialize, Deserialize)]
pub struct Cost {
    /// Rows of the input.
    pub rows: u64,
    pub wall_s: f64,
    pub cpu_s: f64,
    pub peak_mb: f64,
}

/// A cost, or why there is none.
pub type Outcome = Result<Cost>;

impl Cost {
    /// Rows per second of wall time.
    pub fn rows_per_s(&self) -> f64 {
        self.rows as f64 / self.wall_s
    }

    /// Rows per second of CPU time. Less than a tick of the kernel's clock counts as one.
    pub fn rows_per_cpu_s(&self) -> f64 {
        self.rows as f64 / self.cpu_s.max(0.01)
    }
}

/// The median of several runs, figure by figure; the first failure if one failed.
pub fn median(outcomes: Vec<Outcome>) -> Outcome {
    let costs = outcomes.into_iter().collect::<Result<Vec<Cost>>>()?;
    let of = |figure: fn(&Cost) -> f64| {
        let mut figures: Vec<f64> = costs.iter().map(figure).collect();
        figures.sort_by(f64::total_cmp);
        let middle = figures.len() / 2;
        match figures.len() {
            0 => f64::NAN,
            n if n % 2 == 1 => figures[middle],
            _ => f64::midpoint(figures[middle - 1], figures[middle]),
        }
    };
    Ok(Cost { rows: costs.first().map_or(0, |c| c.rows), wall_s: of(|c| c.wall_s), cpu_s: of(|c| c.cpu_s), peak_mb: of(|c| c.peak_mb) })
}

/// A query with everything that both engines need to run it.
pub struct Query {
    /// `q5`.
    pub name: String,
    /// Table definitions and the INSERT, with `${OUT}` for the folder of the output.
    pub script: String,
    /// Rows of its input.
    pub rows: u64,
}

/// The binary under test. Every run is a process of its own; its cost is that of the whole process.
pub struct Flott {
    pub binary: PathBuf,
    /// Scripts, outputs and what the runs print.
    pub folder: PathBuf,
}

impl Flott {
    /// Runs the query, and gives its cost and what the run said about it (dropped rows, say).
    pub fn run(&self, query: &Query, workers: usize) -> (Outcome, Option<String>) {
        self.run_within(query, workers, QUERY_TIMEOUT)
    }

    /// [`Flott::run`], given up after `timeout`.
    pub fn run_within(&self, query: &Query, workers: usize, timeout: Duration) -> (Outcome, Option<String>) {
        let script = self.folder.join(format!("{}.sql", query.name));
        let errors = self.folder.join(format!("{}.stderr", query.name));
        let out = fresh(&self.folder.join("flott-out"));
        let text = query.script.replace("${OUT}", &out.display().to_string());
        if let Err(e) = fs::write(&script, text) {
            return (Err(format!("{}: {e}", script.display())), None);
        }
        let mut command = Command::new(&self.binary);
        command.current_dir(&self.folder).args(["run", "-q", "-p"]);
        command.arg(workers.to_string()).arg(&script);
        let outcome = process::run(&mut command, &errors, timeout).map(|usage| Cost {
            rows: query.rows,
            wall_s: usage.wall_s,
            cpu_s: usage.cpu_s,
            peak_mb: usage.peak_mb,
        });
        fresh(&out);
        let remark = outcome.as_ref().ok().and(process::first_words(&errors));
        (outcome, remark)
    }
}

/// A standalone cluster and the gateway that hands it the queries.
pub struct Flink {
    // The gateway is dropped first: it talks to the cluster.
    gateway: Gateway,
    cluster: Cluster,
    folder: PathBuf,
    /// The jar of a connector that is no part of the distribution.
    connector: Option<PathBuf>,
}

impl Flink {
    /// Starts everything.
    ///
    /// # Errors
    /// When Flink cannot be had or does not start.
    pub fn start(distribution: &Distribution, folder: &Path, connector: Option<PathBuf>) -> Result<Self> {
        let cluster = Cluster::start(distribution)?;
        let gateway = Gateway::start_remote(distribution, cluster.rest_port())?;
        Ok(Self { gateway, cluster, folder: folder.to_path_buf(), connector })
    }

    /// Runs the query. Wall time is the job's as the JobManager counts it, CPU time the TaskManager's, memory that of
    /// TaskManager and JobManager: planning and the gateway are not held against Flink.
    pub fn run(&self, query: &Query) -> Outcome {
        let parallelism = SLOTS.to_string();
        let session = self.gateway.open_session(&[
            ("execution.runtime-mode", "streaming"),
            ("parallelism.default", &parallelism),
            ("pipeline.object-reuse", "true"),
            ("state.backend.type", "hashmap"),
            ("restart-strategy.type", "none"),
            ("table.local-time-zone", "UTC"),
            ("table.exec.mini-batch.enabled", "true"),
            ("table.exec.mini-batch.allow-latency", "2 s"),
            ("table.exec.mini-batch.size", "50000"),
            ("table.optimizer.distinct-agg.split.enabled", "true"),
        ])?;
        let out = fresh(&self.folder.join("flink-out"));
        let text = query.script.replace("${OUT}", &out.display().to_string());
        let processes = [self.cluster.task_manager_pid(), self.cluster.job_manager_pid()];
        processes.iter().for_each(|pid| process::reset_peak_memory(*pid));
        let cpu_before_s = process::cpu_s(processes[0])?;
        let mut job = None;
        let jar = self.connector.iter().map(|jar| format!("ADD JAR '{}'", jar.display()));
        for statement in jar.chain(split_statements(&text)) {
            match session.execute(&statement)? {
                Answer::Failed(failure) => return Err(failure.cause),
                Answer::Rows(table) => job = table.rows.first().and_then(|r| r.1.first().cloned()),
            }
        }
        let job = job.flatten().ok_or("Flink gave no id of the job")?;
        let duration = self.cluster.wait_for_job(&job, QUERY_TIMEOUT);
        let cpu_s = process::cpu_s(processes[0])? - cpu_before_s;
        let peak_mb = processes.iter().filter_map(|pid| process::peak_memory_mb(*pid)).sum();
        fresh(&out);
        Ok(Cost { rows: query.rows, wall_s: duration?.as_secs_f64(), cpu_s, peak_mb })
    }

    /// Waits until the TaskManager has come to rest: after a job it goes on compiling and collecting garbage for a while,
    /// which would be in the way of whoever runs next. Not longer than ten seconds.
    pub fn settle(&self) {
        let pid = self.cluster.task_manager_pid();
        for _ in 0..20 {
            let before_s = process::cpu_s(pid).unwrap_or_default();
            std::thread::sleep(Duration::from_millis(500));
            let busy_s = process::cpu_s(pid).unwrap_or_default() - before_s;
            if busy_s < 0.03 {
                break;
            }
        }
    }

    /// Stops all processes after a good run, with their logs.
    pub fn stop(self) {
        self.gateway.stop();
        self.cluster.stop();
    }
}

/// Removes a folder for output. The engines make it again.
fn fresh(folder: &Path) -> PathBuf {
    // Mostly it does not exist.
    let _ = fs::remove_dir_all(folder);
    folder.to_path_buf()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_taken_figure_by_figure() {
        let cost = |wall_s, cpu_s| Ok(Cost { rows: 10, wall_s, cpu_s, peak_mb: 1.0 });
        let middle = median(vec![cost(3.0, 1.0), cost(1.0, 9.0), cost(2.0, 5.0)]).unwrap();
        assert_eq!((middle.wall_s, middle.cpu_s), (2.0, 5.0));
        let middle = median(vec![cost(3.0, 1.0), cost(1.0, 2.0)]).unwrap();
        assert_eq!((middle.wall_s, middle.cpu_s), (2.0, 1.5));
        assert!(median(vec![cost(3.0, 1.0), Err("bad".into())]).is_err());
    }
}
