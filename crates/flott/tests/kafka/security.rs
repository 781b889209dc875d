//! Logins and certificates at a real broker, and passwords that are shown nowhere.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use flott_testkit::kafka::{Broker, shared};

use crate::run;

/// Stands in every secret.
const CANARY: &str = "canary-4f1d9a77";

fn broker() -> Option<&'static Broker> {
    static SECURE: OnceLock<Broker> = OnceLock::new();
    shared()?;
    Some(SECURE.get_or_init(|| Broker::start_secure(CANARY)))
}

fn table(name: &str, topic: &str, servers: &str, login: &str, more: &str) -> String {
    format!(
        "CREATE TABLE {name} (id INT) WITH ('connector' = 'kafka', 'format' = 'json', 'topic' = '{topic}',
           'properties.bootstrap.servers' = '{servers}', {login}{more});\n"
    )
}

const WHOLE: &str = ", 'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset'";

fn sasl(protocol: &str, mechanism: &str, password: &str, ca: &Path) -> String {
    let module = if mechanism == "PLAIN" { "plain.PlainLoginModule" } else { "scram.ScramLoginModule" };
    let trust = match protocol {
        "SASL_SSL" => format!(", 'properties.ssl.truststore.location' = '{}', 'properties.ssl.truststore.type' = 'PEM'", ca.display()),
        _ => String::new(),
    };
    format!(
        "'properties.security.protocol' = '{protocol}', 'properties.sasl.mechanism' = '{mechanism}',
         'properties.sasl.jaas.config' = 'org.apache.kafka.common.security.{module} required username=\"alice\" password=\"{password}\";'{trust}"
    )
}

/// The ways into the broker: servers and options.
fn ways(broker: &Broker) -> Vec<(String, String)> {
    let secure = broker.secure();
    let mut ways: Vec<(String, String)> = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]
        .iter()
        .map(|mechanism| (secure.sasl_ssl.clone(), sasl("SASL_SSL", mechanism, CANARY, &secure.ca)))
        .collect();
    ways.push((secure.sasl_plaintext.clone(), sasl("SASL_PLAINTEXT", "SCRAM-SHA-512", CANARY, &secure.ca)));
    let certificate = format!(
        "'properties.security.protocol' = 'SSL', 'properties.ssl.ca.location' = '{}', 'properties.ssl.keystore.type' = 'PKCS12',
         'properties.ssl.keystore.location' = '{}', 'properties.ssl.keystore.password' = '{}'",
        secure.ca.display(),
        secure.client.display(),
        secure.client_password
    );
    ways.push((secure.ssl.clone(), certificate));
    ways
}

#[test]
fn rows_go_in_and_out_by_every_way() {
    let Some(broker) = broker() else { return };
    broker.create_topic("secured", 1, &[]);
    for (n, (servers, login)) in ways(broker).iter().enumerate() {
        let exactly = format!(", 'sink.delivery-guarantee' = 'exactly-once', 'sink.transactional-id-prefix' = 'secured-{n}'");
        let guarantee = if n % 2 == 0 { exactly } else { String::new() };
        run(&format!(
            "SET 'execution.checkpointing.interval' = '100 ms'; {} INSERT INTO w VALUES ({n});",
            table("w", "secured", servers, login, &guarantee)
        ))
        .unwrap();
        let read = run(&format!("{} SELECT COUNT(*) FROM r;", table("r", "secured", servers, login, WHOLE))).unwrap();
        let last = read.rows.last().unwrap().1[0].clone();
        assert_eq!(last, Some((n + 1).to_string()), "{login}");
    }
}

#[test]
fn who_is_refused_is_told_so() {
    let Some(broker) = broker() else { return };
    broker.create_topic("refused", 1, &[]);
    let secure = broker.secure();
    let wrong = format!("not-{CANARY}");
    let cases = [
        (&secure.sasl_ssl, sasl("SASL_SSL", "PLAIN", &wrong, &secure.ca)),
        (&secure.sasl_ssl, sasl("SASL_SSL", "SCRAM-SHA-512", &wrong, &secure.ca)),
        // Nobody vouches for the broker.
        (&secure.sasl_ssl, sasl("SASL_SSL", "PLAIN", CANARY, &secure.ca).split(", 'properties.ssl.trust").next().unwrap().to_owned()),
    ];
    for (servers, login) in cases {
        for statement in [
            format!("{} SELECT * FROM r;", table("r", "refused", servers, &login, WHOLE)),
            format!("{} INSERT INTO w VALUES (1);", table("w", "refused", servers, &login, "")),
        ] {
            let since = Instant::now();
            let error = run(&statement).unwrap_err();
            assert!(error.contains("refuses the connection"), "{error}");
            assert!(!error.contains(CANARY), "{error}");
            assert!(since.elapsed() < Duration::from_secs(20), "{:?}", since.elapsed());
        }
    }
}

/// All that a folder holds, as text.
fn content(folder: &Path) -> String {
    let mut all = String::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all += &content(&path);
        } else {
            all += &String::from_utf8_lossy(&std::fs::read(&path).unwrap());
        }
    }
    all
}

#[test]
fn secrets_are_shown_nowhere() {
    let Some(broker) = broker() else { return };
    broker.create_topic("secret", 1, &[]);
    let mut shown = 0;
    for (n, (servers, login)) in ways(broker).iter().enumerate() {
        let exactly = format!(", 'sink.delivery-guarantee' = 'exactly-once', 'sink.transactional-id-prefix' = 'secret-{n}'");
        let tables = format!("SET 'execution.checkpointing.interval' = '50 ms';\n{}", table("w", "secret", servers, login, &exactly))
            + &table("r", "secret", servers, login, WHOLE);
        let broken = tables.replace("'format'", "'fromat'");
        let scripts = [
            format!("{tables} SHOW CREATE TABLE w; DESCRIBE w; EXPLAIN INSERT INTO w SELECT id FROM r; SHOW TABLES; SET;"),
            format!("{tables} INSERT INTO w VALUES (1); SELECT * FROM r;"),
            format!(
                "{tables} SELECT * FROM `r$bad`; SELECT nothing FROM r; SELECT * FROM w /*+ OPTIONS('properties.sasl.password' = '{CANARY}') */;"
            ),
            // What does not parse, and options that are wrong or unknown.
            broken,
            tables.replacen("WITH (", "WITH ((", 1),
            tables.replace("'properties.security.protocol' = '", "'properties.security.protocol' = 'x"),
            format!("{tables} SET 'properties.ssl.key.password' = '{CANARY}';"),
        ];
        for script in scripts {
            let folder = tempfile::tempdir().unwrap();
            let state = folder.path().join("state");
            std::fs::write(folder.path().join("job.sql"), &script).unwrap();
            for command in [&["run", "--state-dir", "state", "job.sql"][..], &["check", "job.sql"], &["explain", "job.sql"]] {
                let output = Command::new(env!("CARGO_BIN_EXE_flott"))
                    .current_dir(folder.path())
                    .args(command)
                    .stdin(Stdio::null())
                    .output()
                    .unwrap();
                let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
                assert!(!text.contains(CANARY), "{command:?} of\n{script}\nshows\n{text}");
                shown += text.len();
            }
            if state.is_dir() {
                assert!(!content(&state).contains(CANARY), "{script}");
            }
        }
    }
    assert!(shown > 5000, "something was shown at all");
}
