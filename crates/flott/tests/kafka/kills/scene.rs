//! What the tests with kills have in common: a job over two topics, messages that go on coming in, and what must be there in the end.

use std::collections::BTreeMap;
use std::process::{Child, Command, Stdio};
use std::sync::RwLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use flott_testkit::kafka::{Broker, Sent};

use crate::{table, written};

/// Event time between two messages of a partition, milliseconds.
const STEP_MS: i64 = 10;
const WINDOW_MS: i64 = 1000;
/// The numbers of messages that close the last windows.
const END: i64 = 1_000_000_000;
/// Of messages of so many numbers one goes through the join without a time limit.
const PAIRED_EVERY: i64 = 5;
const GROUPS: i64 = 10;
/// Brokers end transactions that are open so long.
pub const TRANSACTION_TIMEOUT_MS: u64 = 3000;

/// A broker of all, or one that a test may stop.
pub enum Handle {
    /// Of all.
    Shared(&'static Broker),
    /// Of this test.
    Own(Box<RwLock<Broker>>),
}

impl Handle {
    /// Does something with the broker, which runs for so long.
    pub fn with<T>(&self, f: impl FnOnce(&Broker) -> T) -> T {
        match self {
            Handle::Shared(broker) => f(broker),
            Handle::Own(broker) => f(&broker.read().unwrap()),
        }
    }

    /// The broker dies, and comes again after something.
    pub fn without(&self, f: impl FnOnce()) {
        let Handle::Own(broker) = self else { panic!("this broker is that of all tests") };
        let mut broker = broker.write().unwrap();
        broker.stop();
        f();
        broker.resume();
    }
}

/// See the module.
pub struct Scene {
    /// Where it takes place.
    pub broker: Handle,
    name: &'static str,
    folder: tempfile::TempDir,
    stop: AtomicBool,
}

/// Numbers that look random.
pub struct Random(pub u64);

impl Random {
    /// The next number below a limit.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// How often a test does what it does: more often with this variable set.
pub fn times(variable: &str, usual: usize) -> usize {
    std::env::var(variable).map_or(usual, |n| n.parse().unwrap())
}

/// Tells the feeder to stop, also when the test fails.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl Scene {
    /// Topics and a job of that name.
    pub fn new(broker: Handle, name: &'static str) -> Self {
        let scene = Self { broker, name, folder: tempfile::tempdir().unwrap(), stop: AtomicBool::new(false) };
        scene.broker.with(|broker| {
            for topic in ["in", "side", "rows", "windows", "groups", "joined", "paired"] {
                broker.create_topic(&scene.topic(topic), 2, &[]);
            }
            std::fs::write(scene.folder.path().join("job.sql"), scene.script(broker)).unwrap();
        });
        scene
    }

    fn topic(&self, of: &str) -> String {
        format!("{}-{of}", self.name)
    }

    fn script(&self, broker: &Broker) -> String {
        let source = |of: &str| {
            format!("'connector' = 'kafka', 'format' = 'json', 'topic' = '{}', 'scan.startup.mode' = 'earliest-offset'", self.topic(of))
        };
        let exactly = |of: &str| {
            format!(
                "'sink.delivery-guarantee' = 'exactly-once', 'sink.transactional-id-prefix' = '{}', \
                 'properties.transaction.timeout.ms' = '{TRANSACTION_TIMEOUT_MS}'",
                self.topic(of)
            )
        };
        let sink = |of: &str| format!("{}, {}", written(&self.topic(of)), exactly(of));
        let timed = "id BIGINT, at BIGINT, ts AS TO_TIMESTAMP_LTZ(at, 3), WATERMARK FOR ts AS ts";
        let upsert = format!(
            "'connector' = 'upsert-kafka', 'topic' = '{}', 'key.format' = 'json', 'value.format' = 'json', {}",
            self.topic("groups"),
            exactly("groups")
        );
        format!("SET 'execution.checkpointing.interval' = '150 ms';\nSET 'pipeline.name' = '{}';\n", self.name)
            + &table(broker, "t", timed, &source("in"))
            + &table(broker, "side", timed, &source("side"))
            + &table(broker, "copied", "id BIGINT", &sink("rows"))
            + &table(broker, "counted", "w BIGINT, n BIGINT, least BIGINT", &sink("windows"))
            + &table(broker, "joined", "id BIGINT", &sink("joined"))
            + &table(broker, "paired", "id BIGINT", &sink("paired"))
            + &table(broker, "latest", "k INT, n BIGINT, PRIMARY KEY (k) NOT ENFORCED", &upsert)
            + &format!(
                "EXECUTE STATEMENT SET BEGIN
                   INSERT INTO copied SELECT id FROM t;
                   INSERT INTO counted SELECT MIN(at) / 1000, COUNT(*), MIN(id)
                     FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' SECOND)) GROUP BY window_start, window_end;
                   INSERT INTO joined SELECT t.id FROM t JOIN side ON t.id = side.id
                     AND side.ts BETWEEN t.ts - INTERVAL '1' SECOND AND t.ts + INTERVAL '1' SECOND WHERE t.id < {END};
                   INSERT INTO paired SELECT t.id FROM t JOIN side ON t.id = side.id
                     WHERE MOD(t.id, {PAIRED_EVERY}) = 0 AND t.id < {END};
                   INSERT INTO latest SELECT MOD(id, {GROUPS}), COUNT(*) FROM t GROUP BY MOD(id, {GROUPS});
                 END;"
            )
    }

    /// Sends messages to both topics until told to stop; tells how many to each.
    fn feed(&self) -> i64 {
        let mut next = 0;
        let send = |texts: &[String], turn: usize| {
            let sent = |(i, v): (usize, &'_ String)| (((i + turn) % 2) as i32, v.clone());
            let sent: Vec<(i32, String)> = texts.iter().enumerate().map(sent).collect();
            let sent: Vec<Sent<'_>> =
                sent.iter().map(|(partition, v)| Sent { partition: *partition, value: Some(v), ..Sent::default() }).collect();
            for topic in ["side", "in"] {
                self.broker.with(|broker| broker.send(&self.topic(topic), &sent));
            }
        };
        let message = |id: i64, at: i64| format!(r#"{{"id":{id},"at":{at}}}"#);
        while !self.stop.load(Ordering::SeqCst) {
            let texts: Vec<String> = (next..next + 20).map(|id| message(id, id / 2 * STEP_MS)).collect();
            send(&texts, 0);
            next += 20;
            std::thread::sleep(Duration::from_millis(25));
        }
        send(&[message(END, END), message(END, END)], 0);
        next
    }

    /// Starts the job.
    pub fn start(&self, workers: usize) -> Child {
        let mut command = Command::new(std::env::var_os("FLOTT_PROGRAM").unwrap_or_else(|| env!("CARGO_BIN_EXE_flott").into()));
        command.current_dir(self.folder.path()).args(["run", "--quiet", "--parallelism", &workers.to_string(), "job.sql"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// The file that keeps a second instance away, if there is one by now.
    pub fn lock(&self) -> Option<std::path::PathBuf> {
        fn find(folder: &std::path::Path) -> Option<std::path::PathBuf> {
            let paths: Vec<_> = std::fs::read_dir(folder).ok()?.filter_map(|e| Some(e.ok()?.path())).collect();
            let own = paths.iter().find(|p| p.file_name().is_some_and(|n| n == "lock") && p.with_file_name("head.json").exists());
            own.cloned().or_else(|| paths.iter().filter(|p| p.is_dir()).find_map(|p| find(p)))
        }
        find(&self.folder.path().join(".flott"))
    }

    /// Does what it does while messages come in; then lets the job come to an end, and looks at all that is there.
    pub fn play(&self, disturb: impl FnOnce(&Self)) {
        let sent = std::thread::scope(|threads| {
            let _stop = Stop(&self.stop);
            let feeder = threads.spawn(|| self.feed());
            disturb(self);
            self.stop.store(true, Ordering::SeqCst);
            feeder.join().unwrap()
        });
        let mut run = self.start(2);
        let since = Instant::now();
        while !self.is_complete(sent) {
            assert!(since.elapsed() < Duration::from_secs(90), "it comes to no end: {:?} of {sent}", self.counts());
            assert!(run.try_wait().unwrap().is_none(), "it ended by itself: {}", said(run));
            std::thread::sleep(Duration::from_millis(300));
        }
        let ended = terminate(run);
        assert!(ended < Duration::from_secs(10), "it ended after {ended:?}");
        self.check(sent);
    }

    fn values(&self, of: &str, name: &str) -> Vec<i64> {
        let messages = self.broker.with(|broker| broker.read(&self.topic(of)));
        let mut values: Vec<i64> = messages.iter().filter_map(|m| m.value.as_deref()).map(|json| number(json, name)).collect();
        values.sort_unstable();
        values
    }

    fn counts(&self) -> [i64; 4] {
        let windows = self.values("windows", "n").iter().sum();
        [
            self.values("rows", "id").len() as i64,
            self.values("joined", "id").len() as i64,
            self.values("paired", "id").len() as i64,
            windows,
        ]
    }

    fn is_complete(&self, sent: i64) -> bool {
        let [rows, joined, paired, windows] = self.counts();
        let groups: i64 = self.groups().values().sum();
        rows >= sent + 2 && joined >= sent && paired >= sent / PAIRED_EVERY && windows >= sent && groups >= sent + 2
    }

    /// Of each group the last message counts.
    fn groups(&self) -> BTreeMap<i64, i64> {
        let mut groups = BTreeMap::new();
        for message in self.broker.with(|broker| broker.read(&self.topic("groups"))) {
            let key = number(&message.key.unwrap(), "k");
            let n = number(&message.value.unwrap(), "n");
            let before = groups.insert(key, n).unwrap_or(0);
            assert!(before < n, "group {key} had {before} and then {n}");
        }
        groups
    }

    fn check(&self, sent: i64) {
        let same = |of: &str, expected: Vec<i64>| {
            let got = self.values(of, "id");
            let at = got.iter().zip(&expected).position(|(a, b)| a != b);
            assert!(got == expected, "{of}: {} rows of {} sent, the first wrong one at {at:?}", got.len(), expected.len());
        };
        same("rows", (0..sent).chain([END, END]).collect());
        same("joined", (0..sent).collect());
        same("paired", (0..sent).step_by(PAIRED_EVERY as usize).collect());
        let windows: Vec<(i64, i64)> = self
            .broker
            .with(|broker| broker.read(&self.topic("windows")))
            .into_iter()
            .filter_map(|m| m.value)
            .map(|json| (number(&json, "w"), number(&json, "n")))
            .collect();
        let by_window: BTreeMap<i64, i64> = windows.iter().copied().collect();
        let mut expected = BTreeMap::new();
        (0..sent).for_each(|id| *expected.entry(id / 2 * STEP_MS / WINDOW_MS).or_default() += 1);
        assert_eq!(windows.len(), by_window.len(), "no window comes twice");
        assert_eq!(by_window, expected);
        let of_group = |k: i64| (0..sent).chain([END, END]).filter(|id| id % GROUPS == k).count() as i64;
        assert_eq!(self.groups(), (0..GROUPS).map(|k| (k, of_group(k))).collect());
        assert!(sent > 0, "something was sent");
    }
}

fn number(json: &str, name: &str) -> i64 {
    let value: serde_json::Value = serde_json::from_str(json).unwrap();
    value[name].as_i64().unwrap()
}

/// Kills a run, which must not have ended by itself.
pub fn kill(mut run: Child) {
    run.kill().unwrap();
    let output = run.wait_with_output().unwrap();
    assert!(output.status.code().is_none(), "it ended by itself: {}", String::from_utf8_lossy(&output.stderr));
}

/// Sends a signal.
pub fn signal(run: &Child, name: &str) {
    assert!(Command::new("kill").args([format!("-{name}"), run.id().to_string()]).status().unwrap().success());
}

/// Asks a run to end; tells how long it took.
pub fn terminate(mut run: Child) -> Duration {
    signal(&run, "TERM");
    let since = Instant::now();
    let ended = run.wait().unwrap();
    assert!(ended.success(), "{ended}: {}", said(run));
    since.elapsed()
}

/// What a run that has ended said.
pub fn said(run: Child) -> String {
    String::from_utf8_lossy(&run.wait_with_output().unwrap().stderr).into_owned()
}

/// Waits until a run ends by itself.
pub fn ends_within(run: &mut Child, limit: Duration) -> bool {
    let since = Instant::now();
    while since.elapsed() < limit {
        if run.try_wait().unwrap().is_some() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    false
}
