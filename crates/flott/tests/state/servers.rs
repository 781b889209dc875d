//! State on a server of S3.

use super::{command, ended, err, flott, signal, told};

const SCRIPT: &str = "CREATE TABLE g (n BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '400', 'fields.n.kind' = 'sequence',
    'fields.n.start' = '1', 'fields.n.end' = '4000');
CREATE TABLE out_ (n BIGINT) WITH ('connector' = 'filesystem', 'path' = 'out', 'format' = 'csv');
SET 'pipeline.name' = 'copy';
SET 'execution.checkpointing.interval' = '200 ms';
INSERT INTO out_ SELECT n FROM (SELECT n, COUNT(*) FROM g GROUP BY n);";

#[test]
fn a_job_is_killed_and_goes_on_with_its_state_on_a_server() {
    let Some(server) = flott_testkit::s3::shared() else { return };
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let gate = server.gate();
    let root = format!("s3://{}/jobs", flott_testkit::s3::BUCKET);
    let with = |args: &[&str]| {
        let mut command = command(dir);
        command.env("AWS_ENDPOINT_URL", gate.endpoint()).env("AWS_ACCESS_KEY_ID", "the-key").env("AWS_SECRET_ACCESS_KEY", "the-canary");
        command.args(args);
        command
    };
    let run = ["run", "--state-dir", &root, "-e", SCRIPT];
    let mut all = String::new();
    for round in 0..3 {
        let child = with(&run).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(1500));
        if round == 1 {
            // The server is away for a while.
            gate.close(true);
            std::thread::sleep(std::time::Duration::from_millis(1500));
            gate.close(false);
            std::thread::sleep(std::time::Duration::from_millis(1500));
        }
        signal(&child, "-KILL");
        all.push_str(&ended(child).1);
    }
    let listed = String::from_utf8(with(&["state", "list", &root]).output().unwrap().stdout).unwrap();
    assert!(listed.contains("checkpoint") && listed.contains("s3://checkpoints/jobs/checkpoints/copy"), "{listed}\n{all}");
    let (code, told_) = ended(with(&run).spawn().unwrap());
    assert_eq!(code, Some(0), "{told_}");
    assert!(told_.contains("going on from checkpoint"), "{told_}");
    all.push_str(&told_);
    let mut rows: Vec<u64> = vec![];
    for file in std::fs::read_dir(dir.join("out")).unwrap().map(|e| e.unwrap().path()) {
        if !file.file_name().unwrap().to_string_lossy().starts_with('.') {
            rows.extend(std::fs::read_to_string(file).unwrap().lines().map(|l| l.parse::<u64>().unwrap()));
        }
    }
    rows.sort_unstable();
    assert!(rows.iter().copied().eq(1..=4000), "{} rows, the last {:?}", rows.len(), rows.last());
    gate.close(true);
    let refused = with(&run).output().unwrap();
    all.push_str(&err(&refused));
    assert_ne!(refused.status.code(), Some(0));
    assert!(!all.contains("the-canary") && !all.contains("the-key"), "{all}");
}

#[test]
fn places_that_cannot_be_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let output = flott(dir.path(), &["run", "--state-dir", "hdfs://host/x", "-e", SCRIPT]);
    assert!(output.status.code() == Some(2) && err(&output).contains("'hdfs'"), "{}", err(&output));
    let output = flott(dir.path(), &["state", "list"]);
    assert!(output.status.code() == Some(3) && err(&output).contains("there is no folder .flott"), "{}", err(&output));
    std::fs::create_dir(dir.path().join(".flott")).unwrap();
    assert!(told(dir.path(), &["state", "list"]).contains("there are no checkpoints"));
}

#[test]
fn what_a_server_refuses_is_said_in_words() {
    let Some(server) = flott_testkit::s3::shared() else { return };
    let dir = tempfile::tempdir().unwrap();
    let refused = |endpoint: &str, args: &[&str]| {
        let mut command = command(dir.path());
        command.env("AWS_ENDPOINT_URL", endpoint).env("AWS_ACCESS_KEY_ID", "the-key").env("AWS_SECRET_ACCESS_KEY", "the-canary");
        let output = command.args(args).output().unwrap();
        assert_eq!(output.status.code(), Some(3), "{}", err(&output));
        err(&output)
    };
    let run = ["run", "--state-dir", "s3a://nobodys/jobs", "-e", SCRIPT];
    let list = ["state", "list", "s3://nobodys/jobs"];
    for told in [refused(&server.endpoint(), &run), refused(&server.endpoint(), &list)] {
        assert!(told.contains("there is no bucket 'nobodys'") && told.contains("make the bucket first"), "{told}");
        assert!(!told.contains('<') && !told.contains("the-key"), "{told}");
    }
    let told = refused("http://127.0.0.1:1", &list);
    assert!(told.contains("127.0.0.1:1 refuses the connection") && told.contains("AWS_ENDPOINT_URL"), "{told}");
}
