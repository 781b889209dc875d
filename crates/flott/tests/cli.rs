//! The binary as users see it: exit codes, errors, outputs, stopping and going on.
#![allow(clippy::unwrap_used)]

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Six bids in three windows of ten seconds; the fifth one is late.
const BIDS: &str = r#"{"item":"a","price":1,"ts":"2024-01-01 00:00:01.000"}
{"item":"b","price":2,"ts":"2024-01-01 00:00:05.000"}
{"item":"a","price":3,"ts":"2024-01-01 00:00:12.000"}
{"item":"a","price":4,"ts":"2024-01-01 00:00:31.000"}
{"item":"b","price":5,"ts":"2024-01-01 00:00:02.000"}
{"item":"b","price":6,"ts":"2024-01-01 00:00:32.000"}
"#;

const BIDS_TABLE: &str = "CREATE TABLE bids (item STRING, price BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
WITH ('connector' = 'filesystem', 'path' = 'bids.json', 'format' = 'json', 'scan.watermark.emit.strategy' = 'on-event');\n";

const ENDLESS: &str = "CREATE TABLE endless (n BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '200');\n";

fn command(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flott"));
    command.current_dir(dir).stdin(Stdio::null()).env_remove("NO_COLOR");
    command
}

fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("bids.json"), BIDS).unwrap();
    dir
}

fn flott(dir: &Path, args: &[&str]) -> Output {
    command(dir).args(args).output().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Runs a script over the bids and returns standard output; it must succeed.
fn rows(script: &str, format: &str) -> String {
    let dir = folder();
    let output = flott(dir.path(), &["run", "-q", "-o", format, "-e", &format!("{BIDS_TABLE}{script}")]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    out(&output)
}

// --- Output -----------------------------------------------------------------------------------------------------------------

#[test]
fn rows_that_are_only_added() {
    let query = "SELECT item, price, ts FROM bids WHERE price < 3";
    assert_eq!(
        rows(query, "table"),
        "\
item  price  ts
----  -----  -----------------------
a         1  2024-01-01 00:00:01.000
b         2  2024-01-01 00:00:05.000
"
    );
    assert_eq!(
        rows(query, "jsonl"),
        "{\"item\":\"a\",\"price\":1,\"ts\":\"2024-01-01 00:00:01.000\"}\n{\"item\":\"b\",\"price\":2,\"ts\":\"2024-01-01 00:00:05.000\"}\n"
            .replace(".000\"", "\"")
    );
    assert_eq!(rows(query, "csv"), "item,price,ts\na,1,2024-01-01 00:00:01.000\nb,2,2024-01-01 00:00:05.000\n");
    assert_eq!(rows(query, "changelog"), "+I[a, 1, 2024-01-01T00:00:01]\n+I[b, 2, 2024-01-01T00:00:05]\n");
}

#[test]
fn rows_that_change() {
    let query = "SELECT item, COUNT(*) AS n FROM bids GROUP BY item";
    assert_eq!(rows(query, "table"), "item  n\n----  -\na     3\nb     3\n");
    // How often a row changes depends on the ticks; what the changes come to does not.
    for line in rows(query, "jsonl").lines() {
        assert!(line.starts_with("{\"op\":\"") && line.contains("\"n\":"), "{line}");
    }
    assert!(rows(query, "csv").starts_with("op,item,n\n+I,a,"));
    assert!(rows(query, "changelog").starts_with("+I[a, "));
}

#[test]
fn a_result_without_rows_has_a_header() {
    assert_eq!(rows("SELECT item FROM bids WHERE price > 100", "table"), "item\n----\n");
    assert_eq!(rows("SELECT item FROM bids WHERE price > 100", "csv"), "item\n");
    assert_eq!(rows("SELECT item FROM bids WHERE price > 100", "jsonl"), "");
}

#[test]
fn answers_of_statements() {
    let dir = folder();
    let show = format!("{BIDS_TABLE}SHOW TABLES");
    assert_eq!(out(&flott(dir.path(), &["run", "-o", "table", "-e", &show])), "table name\n----------\nbids\n");
    assert_eq!(out(&flott(dir.path(), &["run", "-e", &show])), "{\"table name\":\"bids\"}\n");
    let query = "EXPLAIN SELECT item, MAX(CAST(item AS INT) + 2) FROM bids WHERE ts > TIMESTAMP '2024-01-01 00:00:00' GROUP BY item";
    let explain = out(&flott(dir.path(), &["run", "-o", "csv", "-e", &format!("{BIDS_TABLE}{query}")]));
    assert!(explain.contains("MAX(CAST(bids.item AS INT) + 2)") && explain.contains("ts > TIMESTAMP '2024-01-01 00:00:00'"), "{explain}");
    assert!(!explain.contains("Int32(") && !explain.contains("$cast"), "{explain}");
    let explain = out(&flott(dir.path(), &["run", "-e", &format!("{BIDS_TABLE}EXPLAIN SELECT item FROM bids")]));
    assert!(explain.lines().count() > 1 && explain.contains("bids"), "{explain}");
}

#[test]
fn the_summary_names_what_was_dropped() {
    let dir = folder();
    let script = format!(
        "{BIDS_TABLE}SELECT window_end, SUM(price) AS s
         FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end"
    );
    let output = flott(dir.path(), &["run", "-o", "changelog", "-e", &script]);
    let told = err(&output);
    assert!(told.contains("finished in"), "{told}");
    assert!(told.contains("bids: 6 rows"), "{told}");
    assert!(told.contains("warning: 1 late row dropped by"), "{told}");
    assert!(told.contains("for example {"), "{told}");
    assert!(told.contains("00:00:02"), "{told}");
    let quiet = err(&flott(dir.path(), &["run", "-q", "-o", "changelog", "-e", &script]));
    assert!(quiet.contains("1 late row") && !quiet.contains("finished"), "{quiet}");
}

#[test]
fn a_reader_that_has_enough_ends_the_run() {
    let dir = folder();
    let mut child =
        command(dir.path()).args(["run", "-q", "-e", &format!("{ENDLESS}SELECT n FROM endless")]).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with("{\"n\":"), "{line}");
    assert_eq!(wait(&mut child), Some(0));
}

// --- Exit codes and errors --------------------------------------------------------------------------------------------------

#[test]
fn exit_codes_of_failures() {
    let dir = folder();
    let code = |args: &[&str]| flott(dir.path(), args).status.code();
    assert_eq!(code(&["run", "-e", "SELECT 1"]), Some(0));
    assert_eq!(code(&["--version"]), Some(0));
    for wrong in [&["run"][..], &["run", "--nonsense"], &["run", "-p", "0", "-e", "SELECT 1"], &["run", "nothere.sql"], &["frobnicate"]] {
        assert_eq!(code(wrong), Some(2), "{wrong:?}");
    }
    assert_eq!(code(&["run", "-e", "SELEC 1"]), Some(2));
    assert_eq!(code(&["run", "-e", "SELECT a FROM nothere"]), Some(2));
    assert_eq!(code(&["run", "--set", "parallelism.default=many", "-e", "SELECT 1"]), Some(2));
    assert_eq!(code(&["run", "--set", "nonsense", "-e", "SELECT 1"]), Some(2));
    std::fs::write(dir.path().join("bids.json"), "{\"item\":\"a\",\"price\":\"x\",\"ts\":\"2024-01-01 00:00:01\"}\n").unwrap();
    let output = flott(dir.path(), &["run", "-e", &format!("{BIDS_TABLE}SELECT price FROM bids")]);
    assert_eq!(output.status.code(), Some(1), "{}", err(&output));
    let told = err(&output);
    assert!(told.contains("bids.json") && told.contains("line 1") && told.contains("price"), "{told}");
    assert!(told.contains("failed after"), "{told}");
}

#[test]
fn every_exit_code_is_documented() {
    let dir = folder();
    let help = out(&flott(dir.path(), &["--help"]));
    for code in ["0 ", "1 ", "2 ", "3 ", "130 ", "143 "] {
        assert!(help.lines().any(|line| line.trim_start().starts_with(code)), "{code} in {help}");
    }
    for name in ["run", "check", "explain", "generate", "connectors", "functions", "completions"] {
        let output = flott(dir.path(), &[name, "--help"]);
        assert_eq!(output.status.code(), Some(0));
        assert!(help.contains(name));
    }
}

#[test]
fn an_error_shows_its_place() {
    let dir = folder();
    std::fs::write(dir.path().join("q.sql"), format!("{BIDS_TABLE}SELECT item, prize\nFROM bids;\n")).unwrap();
    let output = flott(dir.path(), &["run", "q.sql"]);
    assert_eq!(out(&output), "");
    assert_eq!(
        err(&output),
        "\
error: column 'prize' not found in any table
   ╭─[ q.sql:3:14 ]
   │
 3 │ SELECT item, prize
   │              ──┬──
   │                ╰──── did you mean 'price'?
───╯

"
    );
}

#[test]
fn check_finds_all_errors_at_once() {
    let dir = folder();
    let script = "CREATE TABLE a (n INTT) WITH ('connector' = 'print');
INSERT INTO a SELECT 1;
CREATE TABLE b (n INT) WITH ('connector' = 'prnt');
INSERT INTO b SELECT 1;
SELECT 1 +;
SELECT 1;
";
    std::fs::write(dir.path().join("q.sql"), script).unwrap();
    std::fs::write(dir.path().join("fine.sql"), "SELECT 1;").unwrap();
    let output = flott(dir.path(), &["check", "fine.sql", "q.sql"]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(out(&output), "fine.sql: 1 statement, 1 job, no errors\n");
    let told = err(&output);
    for place in ["q.sql:1:", "q.sql:3:", "q.sql:5:"] {
        assert!(told.contains(place), "{place} in {told}");
    }
    assert!(!told.contains("q.sql:2:"), "{told}");
    assert!(told.contains("note: 1 statement not checked"), "{told}");
}

#[test]
fn nothing_runs_unless_all_is_right() {
    let dir = folder();
    let script = "CREATE TABLE p (n INT) WITH ('connector' = 'print'); INSERT INTO p SELECT 1; SELECT a FROM nothere;";
    let output = flott(dir.path(), &["run", "-e", script]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(out(&output), "");
}

#[test]
fn scripts_come_from_standard_input_too() {
    let dir = folder();
    std::fs::write(dir.path().join("q.sql"), "\u{feff}SELECT 1 AS a;").unwrap();
    let output =
        command(dir.path()).args(["run", "-q", "-"]).stdin(std::fs::File::open(dir.path().join("q.sql")).unwrap()).output().unwrap();
    assert_eq!(out(&output), "{\"a\":1}\n", "{}", err(&output));
}

// --- Stopping and going on --------------------------------------------------------------------------------------------------

fn wait(child: &mut Child) -> Option<i32> {
    let deadline = Instant::now() + Duration::from_secs(20);
    while Instant::now() < deadline {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    child.kill().unwrap();
    panic!("the process does not end");
}

fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
}

/// Starts an endless job and returns when its first row has come.
fn endless(dir: &Path, args: &[&str]) -> (Child, std::thread::JoinHandle<()>) {
    let script = format!("{ENDLESS}CREATE TABLE p (n BIGINT) WITH ('connector' = 'print'); INSERT INTO p SELECT n FROM endless");
    let mut child = command(dir).arg("run").args(args).args(["-e", &script]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut reader = BufReader::new(child.stdout.take().unwrap());
    reader.read_line(&mut String::new()).unwrap();
    let drain = std::thread::spawn(move || drop(std::io::copy(&mut reader, &mut std::io::sink())));
    (child, drain)
}

fn stop(dir: &Path, args: &[&str], name: &str) -> (Option<i32>, String) {
    let (mut child, drain) = endless(dir, args);
    signal(&child, name);
    let code = wait(&mut child);
    drain.join().unwrap();
    let mut told = String::new();
    child.stderr.take().unwrap().read_to_string(&mut told).unwrap();
    (code, told)
}

#[test]
fn a_signal_stops_in_good_order() {
    let dir = folder();
    let (code, told) = stop(dir.path(), &[], "-INT");
    assert_eq!(code, Some(130), "{told}");
    assert!(told.contains("stopped after") && told.contains("what was read so far is written"), "{told}");
    let (code, told) = stop(dir.path(), &["--set", "execution.checkpointing.interval=1 h"], "-TERM");
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("the same command goes on from here"), "{told}");
    let (code, told) = stop(dir.path(), &["--set", "execution.checkpointing.interval=1 h"], "-INT");
    assert_eq!(code, Some(130), "{told}");
    assert!(told.contains("going on from checkpoint 1"), "{told}");
    let (_, told) = stop(dir.path(), &["--fresh", "--set", "execution.checkpointing.interval=1 h"], "-INT");
    assert!(!told.contains("going on from checkpoint"), "{told}");
}

#[test]
fn a_second_signal_ends_at_once() {
    let dir = folder();
    // A stopped process takes both signals when it goes on.
    let (mut child, drain) = endless(dir.path(), &[]);
    signal(&child, "-INT");
    signal(&child, "-INT");
    assert_eq!(wait(&mut child), Some(130));
    drain.join().unwrap();
}

const COPY: &str = "CREATE TABLE copies (item STRING, price BIGINT)
WITH ('connector' = 'filesystem', 'path' = 'copies', 'format' = 'csv');
INSERT INTO copies SELECT item, price FROM bids;\n";

/// All visible lines in a folder of results, sorted.
fn lines_in(dir: &Path) -> Vec<String> {
    let mut lines = vec![];
    for entry in std::fs::read_dir(dir).into_iter().flatten() {
        let entry = entry.unwrap();
        let hidden = entry.file_name().to_string_lossy().starts_with(['.', '_']);
        if entry.file_type().unwrap().is_file() && !hidden {
            lines.extend(std::fs::read_to_string(entry.path()).unwrap().lines().map(str::to_owned));
        }
    }
    lines.sort();
    lines
}

#[test]
fn a_killed_script_goes_on_where_it_was() {
    const COPIES: [&str; 6] = ["a,1", "a,3", "a,4", "b,2", "b,5", "b,6"];
    const TWICE: [&str; 12] = ["a,1", "a,1", "a,3", "a,3", "a,4", "a,4", "b,2", "b,2", "b,5", "b,5", "b,6", "b,6"];
    let dir = folder();
    let more = COPY.replace("copies", "more");
    let twice = more.lines().last().unwrap();
    std::fs::write(dir.path().join("q.sql"), format!("{BIDS_TABLE}{COPY}{more}{twice}")).unwrap();
    let args = ["run", "--checkpoint-every-ticks", "1", "--tick-rows", "1"];
    for _ in 0..20 {
        let output = flott(dir.path(), &[&args[..], &["--abandon-after-ticks", "3", "q.sql"]].concat());
        assert_eq!(output.status.code(), Some(0), "{}", err(&output));
        if !err(&output).contains("abandoned") {
            break;
        }
    }
    assert_eq!(lines_in(&dir.path().join("copies")), COPIES);
    assert_eq!(lines_in(&dir.path().join("more")), TWICE);
    // Now that all of it is done, the script begins anew.
    let output = flott(dir.path(), &[&args[..], &["q.sql"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    assert_eq!(lines_in(&dir.path().join("copies")).len(), 12);
    assert_eq!(lines_in(&dir.path().join("more")).len(), 24);
}

#[test]
fn checkpoints_that_cannot_be_used() {
    let dir = folder();
    let script = format!("{BIDS_TABLE}{COPY}");
    let args = ["run", "--checkpoint-every-ticks", "1", "--tick-rows", "1", "-e", &script];
    assert_eq!(flott(dir.path(), &[&args[..], &["--abandon-after-ticks", "3"]].concat()).status.code(), Some(0));
    let root = dir.path().join(".flott/checkpoints");
    let mut damaged = 0;
    for job in std::fs::read_dir(&root).unwrap().map(|e| e.unwrap().path()).filter(|p| p.is_dir()) {
        for file in std::fs::read_dir(job).unwrap().map(|e| e.unwrap().path()) {
            if file.file_name().unwrap().to_string_lossy().starts_with("manifest") {
                std::fs::write(file, "garbage").unwrap();
                damaged += 1;
            }
        }
    }
    assert!(damaged > 0);
    let output = flott(dir.path(), &args);
    assert_eq!(output.status.code(), Some(3), "{}", err(&output));
    assert!(err(&output).contains("not run: its checkpoints cannot be used"), "{}", err(&output));
    assert!(!err(&output).contains("goes on from"), "{}", err(&output));
    let output = flott(dir.path(), &[&args[..], &["--fresh"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
}

#[test]
fn a_state_folder_that_cannot_be_made() {
    let dir = folder();
    let script = format!("{BIDS_TABLE}{COPY}");
    let output = flott(dir.path(), &["run", "--checkpoint-every-ticks", "1", "--state-dir", "bids.json/state", "-e", &script]);
    assert_eq!(output.status.code(), Some(3), "{}", err(&output));
    let told = err(&output);
    assert!(told.starts_with("error: cannot write to bids.json/state/checkpoints/") && told.contains("--state-dir"), "{told}");
}

#[test]
fn rows_dropped_for_null_are_counted() {
    let dir = folder();
    let script = format!(
        "SET 'table.exec.sink.not-null-enforcer' = 'DROP';
         {BIDS_TABLE}CREATE TABLE o (item STRING NOT NULL) WITH ('connector' = 'print');
         INSERT INTO o SELECT CASE WHEN price > 4 THEN item END FROM bids"
    );
    let told = err(&flott(dir.path(), &["run", "-e", &script]));
    assert!(told.contains("warning: 4 rows dropped: NULL for a column that is NOT NULL"), "{told}");
    assert!(told.contains("for example {") && !told.contains("watermark stood"), "{told}");
}

#[test]
fn options_that_nobody_knows() {
    let dir = folder();
    let run = |option: &str| flott(dir.path(), &["run", "-e", &format!("SET '{option}' = '1 s'; SELECT 1 AS a")]);
    let told = err(&run("table.exec.mini-batch.alow-latency"));
    assert!(told.contains("did you mean 'table.exec.mini-batch.allow-latency'?"), "{told}");
    let made_up = run("table.exec.frobnicate.often");
    assert!(err(&made_up).contains("note: 'table.exec.frobnicate.often' is no option of Flink"), "{}", err(&made_up));
    assert_eq!(out(&made_up), "{\"a\":1}\n");
    assert!(!err(&run("table.exec.mini-batch.allow-latency")).contains("note:"));
}

#[test]
fn the_commands_of_the_sql_client() {
    let dir = folder();
    assert_eq!(out(&flott(dir.path(), &["run", "-e", "CLEAR; HELP; SELECT 1 AS a; QUIT; SELECT 2 AS a"])), "{\"a\":1}\n");
}

#[test]
fn a_changed_query_goes_on_and_says_so() {
    let dir = folder();
    let args = ["run", "--checkpoint-every-ticks", "1", "--tick-rows", "1", "--abandon-after-ticks", "3", "-e"];
    let run = |script: &str| err(&flott(dir.path(), &[&args[..], &[&format!("{BIDS_TABLE}{script}")]].concat()));
    assert!(!run(COPY).contains("was changed"));
    let told = run(&COPY.replace("FROM bids", "FROM bids WHERE price > 0"));
    assert!(told.contains("going on from checkpoint") && told.contains("the query was changed: 2 of its 2 parts go on"), "{told}");
    assert!(run(COPY).contains("going on from checkpoint"));
}

// --- The other commands -----------------------------------------------------------------------------------------------------

#[test]
fn explain_shows_plans() {
    let dir = folder();
    let output = flott(dir.path(), &["explain", "-e", &format!("{BIDS_TABLE}SELECT item FROM bids; SELECT price FROM bids")]);
    let text = out(&output);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    assert!(text.contains("-- <command line>:3\n"), "{text}");
    assert!(text.matches("bids").count() >= 2, "{text}");
}

#[test]
fn generated_events() {
    let dir = folder();
    let json = out(&flott(dir.path(), &["generate", "nexmark", "--events", "50"]));
    assert_eq!(json.lines().count(), 50);
    assert!(json.starts_with("{\"event_type\":0,\"person\":{"), "{json}");
    assert!(json.contains("2024-01-01 00:00:00.000"));
    let args = ["generate", "nexmark", "--events", "50", "--format", "csv", "--only", "auction", "--out", "a.csv"];
    assert_eq!(flott(dir.path(), &args).status.code(), Some(0));
    assert_eq!(std::fs::read_to_string(dir.path().join("a.csv")).unwrap().lines().count(), 3);
    let output = flott(dir.path(), &["generate", "nexmark", "--events", "1", "--out", "no/such/folder"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains("cannot create no/such/folder"));
}

#[test]
fn lists_of_connectors_and_functions() {
    let dir = folder();
    assert!(out(&flott(dir.path(), &["connectors"])).contains("filesystem"));
    let datagen = out(&flott(dir.path(), &["connectors", "datagen"]));
    assert!(datagen.contains("rows-per-second") && datagen.contains("10000"), "{datagen}");
    let output = flott(dir.path(), &["connectors", "filesytem"]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(err(&output), "error: there is no connector 'filesytem'\nhelp: did you mean 'filesystem'?\n");
    assert!(out(&flott(dir.path(), &["functions"])).contains("json\n  "));
    assert!(out(&flott(dir.path(), &["functions", "Split_Index"])).starts_with("SPLIT_INDEX("));
    let output = flott(dir.path(), &["functions", "split_idnex"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(err(&output).contains("did you mean SPLIT_INDEX"), "{}", err(&output));
    for (name, form) in
        [("sum", "SUM([DISTINCT] numeric)"), ("count", "COUNT(*)"), ("tumble", "TUMBLE(TABLE t"), ("row_number", "ROW_NUMBER() OVER")]
    {
        let told = out(&flott(dir.path(), &["functions", name]));
        assert!(told.starts_with(form) && told.contains("Example: "), "{told}");
    }
    let listed = out(&flott(dir.path(), &["functions"]));
    assert!(["aggregate\n", "window\n", "over\n", "bitmap\n"].iter().all(|group| listed.contains(group)), "{listed}");
    let options = out(&flott(dir.path(), &["connectors", "filesystem"]));
    assert!(options.contains("json.ignore-parse-errors") && options.contains("becomes NULL"), "{options}");
    assert!(out(&flott(dir.path(), &["completions", "bash"])).contains("_flott"));
}

// --- What dead runs leave -----------------------------------------------------------------------------------------------------

/// Hidden files of sinks in a folder.
fn unfinished(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).into_iter().flatten();
    let names = entries.map(|e| e.unwrap().file_name().into_string().unwrap());
    names.filter(|n| n.ends_with(".inprogress")).collect()
}

/// An endless job that writes into the folder `out`; `what` tells jobs apart.
fn writer(dir: &Path, what: &str, args: &[&str]) -> Child {
    let script = format!(
        "{ENDLESS}CREATE TABLE o (n BIGINT) WITH ('connector' = 'filesystem', 'path' = 'out', 'format' = 'json');
         INSERT INTO o SELECT n + {what} FROM endless"
    );
    command(dir).args(["run", "-q"]).args(args).args(["-e", &script]).stderr(Stdio::null()).spawn().unwrap()
}

fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn kill(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn unfinished_files_of_dead_runs_are_removed() {
    let dir = folder();
    let out = dir.path().join("out");
    let later = ["--set", "execution.checkpointing.interval=1 h"];
    // Killed before its first checkpoint: nobody can go on with its file.
    let first = writer(dir.path(), "1", &later);
    wait_until("the first run writes", || unfinished(&out).len() == 1);
    let left = unfinished(&out);
    kill(first);
    // A run of another job removes it, and leaves the files of the living alone, and the other way round.
    let second = writer(dir.path(), "2", &[]);
    wait_until("the second run cleans up and writes", || unfinished(&out).len() == 1 && unfinished(&out) != left);
    let living = unfinished(&out);
    let third = writer(dir.path(), "1", &later);
    wait_until("the third run writes", || unfinished(&out).len() == 2);
    assert!(unfinished(&out).contains(&living[0]));
    kill(second);
    kill(third);
}

#[test]
fn unfinished_files_that_a_checkpoint_knows_stay() {
    let dir = folder();
    let out = dir.path().join("out");
    let often = ["--checkpoint-every-ticks", "1"];
    let manifests = || {
        let folders = std::fs::read_dir(dir.path().join(".flott/checkpoints")).into_iter().flatten().map(|e| e.unwrap().path());
        let files = folders.flat_map(|folder| std::fs::read_dir(folder).into_iter().flatten());
        files.filter(|f| f.as_ref().unwrap().file_name().to_string_lossy().starts_with("manifest-")).count()
    };
    let first = writer(dir.path(), "1", &often);
    wait_until("the first run writes and takes checkpoints", || unfinished(&out).len() == 1 && manifests() > 1);
    let known = unfinished(&out);
    kill(first);
    let other = writer(dir.path(), "2", &[]);
    wait_until("another job writes", || unfinished(&out).len() == 2);
    kill(other);
    assert!(unfinished(&out).contains(&known[0]));
    // Its own job, when it starts over, has no use for it.
    let fresh = writer(dir.path(), "1", &["--fresh", "--checkpoint-every-ticks", "1000000"]);
    wait_until("the fresh run cleans up and writes", || unfinished(&out).len() == 1 && !unfinished(&out).contains(&known[0]));
    kill(fresh);
}
