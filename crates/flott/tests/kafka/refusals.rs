//! What is refused, and that nothing secret is shown. Needs no broker.

use crate::run;

fn refused(options: &str) -> String {
    let options =
        if options.contains("'connector'") { options.to_owned() } else { format!("'connector' = 'kafka', 'format' = 'json', {options}") };
    let options =
        if options.contains("bootstrap") { options } else { format!("{options}, 'properties.bootstrap.servers' = '127.0.0.1:1'") };
    let sql = format!("CREATE TABLE t (id INT, name STRING) WITH ({options}); INSERT INTO t SELECT 1, 'x'; SELECT * FROM t;");
    run(&sql).expect_err(&sql)
}

#[test]
fn options_are_checked_before_anything_runs() {
    for (options, why) in [
        ("'topic' = 'a', 'properties.plugin.library.paths' = 'x.so'", "would load or run code"),
        ("'topic' = 'a', 'properties.sasl.kerberos.kinit.cmd' = 'x'", "Kerberos is not built in"),
        ("'topic' = 'a', 'properties.ssl.truststore.location' = '/a.jks'", "'properties.ssl.ca.location'"),
        ("'topic' = 'a', 'properties.transactional.id' = 'x'", "'sink.transactional-id-prefix'"),
        ("'topic' = 'a', 'properties.fetch.max.byte' = '1'", "Did you mean 'properties.fetch.max.bytes'?"),
        ("'topic' = 'a', 'properties.acks' = 'several'", "'properties.acks'"),
        ("'topic' = 'a', 'topic-pattern' = 'b'", "either 'topic' or 'topic-pattern'"),
        ("'topic' = 'a b'", "no name of a topic"),
        ("'topic-pattern' = '('", "not a regular expression"),
        ("'topic' = 'a', 'scan.startup.mode' = 'earliest'", "did you mean 'earliest-offset'?"),
        ("'topic' = 'a', 'scan.startup.mode' = 'timestamp'", "needs 'scan.startup.timestamp-millis'"),
        ("'topic' = 'a', 'scan.startup.mode' = 'specific-offsets', 'scan.startup.specific-offsets' = '0:1'", "partition:0,offset:42"),
        ("'topic' = 'a', 'key.fields' = 'id'", "needs 'key.format'"),
        ("'topic' = 'a', 'key.format' = 'json'", "needs 'key.fields'"),
        ("'topic' = 'a', 'key.format' = 'json', 'key.fields' = 'nix'", "which the table does not have"),
        ("'topic' = 'a', 'sink.delivery-guarantee' = 'exactly-once'", "needs 'sink.transactional-id-prefix'"),
        (
            "'topic' = 'a', 'sink.delivery-guarantee' = 'exactly-once', 'sink.transactional-id-prefix' = 'p'",
            "exactly-once needs checkpoints",
        ),
        ("'topic' = 'a', 'sink.partitioner' = 'com.example.Mine'", "names a Java class"),
        ("'topic' = 'a', 'flott.on-bad-record' = 'ignore'", "'fail', 'skip', 'dead-letter'"),
        ("'topic' = 'a', 'flott.on-bad-record' = 'dead-letter'", "needs 'flott.dead-letter.topic'"),
        ("'topic' = 'a;b'", "one topic"),
        ("'connector' = 'upsert-kafka', 'topic' = 'a', 'key.format' = 'json', 'value.format' = 'json'", "PRIMARY KEY"),
    ] {
        let error = refused(options);
        assert!(error.contains(why), "{options}: {error}");
    }
}

#[test]
fn secrets_are_not_shown() {
    let options = "'connector' = 'kafka', 'topic' = 'a', 'format' = 'json', 'properties.bootstrap.servers' = '127.0.0.1:1', \
        'properties.sasl.password' = 'hunter2', 'properties.sasl.username' = 'me', \
        'properties.ssl.key.password' = 'hunter2', \
        'properties.sasl.jaas.config' = 'org.apache.kafka.common.security.plain.PlainLoginModule required username=\"me\" password=\"hunter2\";'";
    let create = format!("CREATE TABLE t (id INT) WITH ({options});");
    let shown = run(&format!("{create} SHOW CREATE TABLE t; EXPLAIN SELECT * FROM t; DESCRIBE t;")).unwrap();
    let text = format!("{shown:?}");
    assert!(text.contains("properties.sasl.username") && !text.contains("hunter2"), "{text}");
    let error = run(&format!("{} SELECT * FROM t;", create.replace("'format' = 'json'", "'format' = 'json', 'properties.acks' = 'x'")))
        .unwrap_err();
    assert!(!error.contains("hunter2"), "{error}");
}
