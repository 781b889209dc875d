//! Savepoints and `flott state`, as users meet them.

use std::path::Path;

use super::{command, ended, err, flott, signal, told, wait_until};

/// A job that counts what a generator gives; it ends by itself only after an hour.
const ENDLESS: &str = "CREATE TABLE g (n BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '500', 'fields.n.kind' = 'sequence',
    'fields.n.start' = '1', 'fields.n.end' = '1800000');
CREATE TABLE out_ (n BIGINT) WITH ('connector' = 'filesystem', 'path' = 'out', 'format' = 'csv');
SET 'pipeline.name' = 'copy';
INSERT INTO out_ SELECT n FROM (SELECT n, COUNT(*) FROM g GROUP BY n);";

const COUNT: &str =
    "CREATE TABLE g (k INT) WITH ('connector' = 'datagen', 'rows-per-second' = '500', 'fields.k.min' = '1', 'fields.k.max' = '7');
CREATE TABLE p (k INT, n BIGINT) WITH ('connector' = 'blackhole');
SET 'pipeline.name' = 'count';
INSERT INTO p SELECT k, COUNT(*) FROM g GROUP BY k;";

fn names(dir: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(dir) else { return vec![] };
    let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Runs until a savepoint is there that was asked for by a signal, and to the end by another.
fn with_savepoints(dir: &Path, script: &str, args: &[&str]) -> String {
    let child = command(dir).args(["run", "--savepoint", "saved"]).args(args).args(["-e", script]).spawn().unwrap();
    let before = names(&dir.join("saved")).len();
    // Before it watches for signals, one ends it.
    wait_until("the job", || dir.join(".flott/checkpoints/count/head.json").exists());
    std::thread::sleep(std::time::Duration::from_millis(500));
    let deadline = std::time::Instant::now();
    while names(&dir.join("saved")).len() == before {
        assert!(deadline.elapsed() < super::WAIT);
        signal(&child, "-USR1");
        std::thread::sleep(std::time::Duration::from_millis(300));
    }
    signal(&child, "-TERM");
    let (code, told) = ended(child);
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("a savepoint was taken: saved/savepoint-"), "{told}");
    told
}

#[test]
fn a_job_leaves_a_savepoint_and_another_begins_from_it() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    with_savepoints(dir, COUNT, &["--set", "execution.checkpointing.interval=100 ms"]);
    let saved = names(&dir.join("saved"));
    assert!(saved.len() >= 2, "{saved:?}");
    let savepoint = format!("saved/{}", saved.last().unwrap());
    // The checkpoints are not needed.
    std::fs::remove_dir_all(dir.join(".flott")).unwrap();
    let listed = told(dir, &["state", "list", "saved"]);
    assert!(listed.lines().count() >= 3 && listed.contains("savepoint") && listed.contains("count"), "{listed}");
    let shown = told(dir, &["state", "show", &savepoint]);
    for word in ["of the job count", "source g", "GroupAggregate(groupBy=[k], select=[COUNT(*)])", "table groups: 7 rows", "sink p"] {
        assert!(shown.contains(word), "{word}: {shown}");
    }
    assert!(told(dir, &["state", "verify", &savepoint]).contains("whole"));
    let exported = told(dir, &["state", "export", &savepoint, "exported"]);
    assert!(exported.contains("GroupAggregate-groups.jsonl: 7 rows"), "{exported}");
    let file = names(&dir.join("exported")).pop().unwrap();
    let text = std::fs::read_to_string(dir.join("exported").join(file)).unwrap();
    assert!(text.lines().count() == 7 && text.lines().all(|l| l.starts_with("{\"k\":")), "{text}");
    // By the option of the command, and by those of Flink.
    for form in [vec!["--from-savepoint", &savepoint], vec!["--set", &format!("execution.state-recovery.path={savepoint}")]] {
        let _ = std::fs::remove_dir_all(dir.join(".flott"));
        let told = with_savepoints(dir, COUNT, &form);
        assert!(!told.contains("going on from checkpoint") && told.matches("it begins").count() == 1, "{told}");
        assert!(told.contains("it begins from the savepoint saved/") && told.contains(", taken 20"), "{told}");
    }
    let told = with_savepoints(dir, COUNT, &["--from-savepoint", &savepoint]);
    assert!(told.contains("is not used"), "{told}");
}

#[test]
fn damage_is_found_and_a_wrong_place_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    with_savepoints(dir, COUNT, &[]);
    let savepoint = format!("saved/{}", names(&dir.join("saved")).pop().unwrap());
    let file = dir.join(&savepoint).join("state.seg");
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[100] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let output = flott(dir, &["state", "verify", &savepoint]);
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stdout).contains("state.seg"), "{output:?}");
    let start = |option: &str, place: &str| flott(dir, &["run", "--state-dir", "fresh", option, place, "-e", COUNT]);
    for (output, words) in [
        (start("--from-savepoint", &savepoint), [savepoint.as_str(), "damaged"]),
        (start("--from-savepoint", "nowhere"), ["nowhere", "there is no folder"]),
        (start("--from-savepoint", "saved"), [savepoint.as_str(), "name one of them"]),
        (start("--savepoint", "/proc/nowhere"), ["/proc/nowhere", "savepoints cannot be written"]),
        (flott(dir, &["state", "list", "nowhere"]), ["nowhere", "there is no folder"]),
        (flott(dir, &["state", "show", "saved"]), [savepoint.as_str(), "name one of them"]),
    ] {
        let told = err(&output);
        assert!(output.status.code() == Some(3) && words.iter().all(|word| told.contains(word)), "{told}");
    }
}

#[test]
fn rows_are_written_once_over_a_stop_with_a_savepoint() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let mut from: Vec<String> = vec![];
    for round in 0..3 {
        let state = format!("state{round}");
        let mut args = vec!["run", "--savepoint", "saved", "--state-dir", &state, "--parallelism", "2", "-e", ENDLESS];
        args.extend(from.iter().map(String::as_str));
        let child = command(dir).args(args).spawn().unwrap();
        let count = || names(&dir.join("out")).len();
        let before = count();
        wait_until("output", || count() > before);
        std::thread::sleep(std::time::Duration::from_millis(300));
        signal(&child, "-INT");
        let (code, told) = ended(child);
        assert_eq!(code, Some(130), "{told}");
        let saved = names(&dir.join("saved"));
        from = vec!["--from-savepoint".into(), format!("saved/{}", saved.last().unwrap())];
        if let Some(older) = saved.first().filter(|_| saved.len() > 1) {
            std::fs::remove_dir_all(dir.join("saved").join(older)).unwrap();
        }
    }
    let files = names(&dir.join("out")).into_iter().filter(|n| !n.starts_with('.'));
    let mut rows: Vec<u64> = files
        .flat_map(|f| std::fs::read_to_string(dir.join("out").join(f)).unwrap().lines().map(|l| l.parse().unwrap()).collect::<Vec<_>>())
        .collect();
    rows.sort_unstable();
    assert!(
        rows.len() > 100 && rows.iter().enumerate().all(|(i, n)| *n == i as u64 + 1),
        "{} rows, the last {:?}",
        rows.len(),
        rows.last()
    );
}
