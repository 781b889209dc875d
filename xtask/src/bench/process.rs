//! What a process costs, as the kernel tells it in `/proc`: CPU time and peak memory.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::Result;

/// How often a running process is looked at; it bounds the error of its wall time.
const POLL_INTERVAL: Duration = Duration::from_millis(4);
/// `/proc` counts CPU time in hundredths of a second on every Linux in use (`getconf CLK_TCK`).
const TICKS_PER_S: f64 = 100.0;

/// What a program took from its start to its end.
pub struct Usage {
    pub wall_s: f64,
    /// User and system time.
    pub cpu_s: f64,
    pub peak_mb: f64,
}

/// Runs a program to its end, with what it prints to standard error in the file `errors`.
///
/// # Errors
/// When it cannot be started, fails (with its first words), or does not end within `timeout`: then it is killed.
pub fn run(command: &mut Command, errors: &Path, timeout: Duration) -> Result<Usage> {
    let stderr = File::create(errors).map_err(|e| format!("{}: {e}", errors.display()))?;
    let cpu_before_s = cpu_of_children_s()?;
    let started = Instant::now();
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr).spawn().map_err(|e| format!("cannot start {command:?}: {e}"))?;
    let waited = wait(&mut child, started + timeout);
    let wall_s = started.elapsed().as_secs_f64();
    let (success, peak_mb) = match waited {
        Ok(ended) => ended,
        Err(message) => {
            // It may have ended by itself in between.
            let _ = child.kill();
            let _ = child.wait();
            return Err(message);
        }
    };
    if !success {
        return Err(first_words(errors).unwrap_or_else(|| "failed without a word".to_string()));
    }
    Ok(Usage { wall_s, cpu_s: cpu_of_children_s()? - cpu_before_s, peak_mb })
}

/// Whether the process ended well, and its peak memory in MB.
fn wait(child: &mut Child, deadline: Instant) -> Result<(bool, f64)> {
    let mut peak_mb = 0.0;
    loop {
        // The mark only rises: the last look before the end misses next to nothing. It is gone when the process is.
        if let Some(mb) = peak_memory_mb(child.id()) {
            peak_mb = mb;
        }
        match child.try_wait() {
            Ok(Some(status)) => return Ok((status.success(), peak_mb)),
            Ok(None) if Instant::now() > deadline => return Err("no end in time, killed".into()),
            Ok(None) => std::thread::sleep(POLL_INTERVAL),
            Err(e) => return Err(format!("the process got lost: {e}")),
        }
    }
}

/// The first line that a program printed to `errors`, with the source of it: the line that begins with `error` if any.
pub fn first_words(errors: &Path) -> Option<String> {
    let text = fs::read_to_string(errors).ok()?;
    let lines = || text.lines().map(str::trim).filter(|l| !l.is_empty());
    lines().find(|l| l.to_lowercase().contains("error")).or_else(|| lines().next()).map(str::to_string)
}

/// CPU seconds that a running process and its ended children took so far.
///
/// # Errors
/// When there is no such process.
pub fn cpu_s(pid: u32) -> Result<f64> {
    let fields = stat(&pid.to_string())?;
    Ok(fields[..2].iter().sum::<f64>() / TICKS_PER_S)
}

fn cpu_of_children_s() -> Result<f64> {
    let fields = stat("self")?;
    Ok(fields[2..].iter().sum::<f64>() / TICKS_PER_S)
}

/// User and system ticks of the process itself, then of its children that ended.
fn stat(pid: &str) -> Result<[f64; 4]> {
    let path = format!("/proc/{pid}/stat");
    let text = fs::read_to_string(&path).map_err(|e| format!("{path}: {e}"))?;
    // The name of the program may hold blanks; it ends with the last parenthesis. User time is the 14th field.
    let (_, fields) = text.rsplit_once(')').ok_or_else(|| format!("{path}: not understood"))?;
    let ticks: Vec<f64> = fields.split_whitespace().skip(11).take(4).filter_map(|f| f.parse().ok()).collect();
    ticks.try_into().map_err(|_| format!("{path}: not understood"))
}

/// The most memory (resident) that a process had, in MB of 10⁶ bytes. `None` when it has ended.
pub fn peak_memory_mb(pid: u32) -> Option<f64> {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = text.lines().find(|l| l.starts_with("VmHWM:"))?;
    let kib: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib * 1024.0 / 1e6)
}

/// Lets the peak memory of a process begin anew from what it has now. Where that is not allowed, the peak is that of its
/// whole life.
pub fn reset_peak_memory(pid: u32) {
    let _ = fs::write(format!("/proc/{pid}/clear_refs"), "5");
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_process_is_measured_and_a_failing_one_reported() {
        let errors = std::env::temp_dir().join(format!("xtask-bench-{}", std::process::id()));
        let mut busy = Command::new("sh");
        busy.args(["-c", "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done"]);
        let usage = run(&mut busy, &errors, Duration::from_secs(60)).unwrap();
        assert!(usage.cpu_s > 0.0 && usage.wall_s > 0.0 && usage.peak_mb > 0.1);
        let mut failing = Command::new("sh");
        failing.args(["-c", "echo hint >&2; echo error: bad >&2; exit 2"]);
        let failure = run(&mut failing, &errors, Duration::from_secs(60));
        assert_eq!(failure.err().unwrap(), "error: bad");
        let mut endless = Command::new("sleep");
        endless.arg("60");
        assert!(run(&mut endless, &errors, Duration::from_millis(20)).is_err());
        fs::remove_file(errors).unwrap();
    }
}
