//! A real Apache Kafka broker for tests, started on loopback, and what tests do with it besides running scripts.
//!
//! Its jars come from Maven Central, once, into `target/kafka`. It runs in a folder of its own, which goes when the broker goes; and
//! the broker goes when the test process does, however that ends.

use std::fs;
use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{Header, Headers as _, Message, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

/// The release of Apache Kafka.
pub const VERSION: &str = "4.1.0";
/// Set to run tests on a machine without Java, Maven or a network, leaving out those that need a broker.
pub const WITHOUT: &str = "FLOTT_WITHOUT_KAFKA";

const START_WAIT: Duration = Duration::from_secs(60);
const ANSWER_WAIT: Duration = Duration::from_secs(20);

/// A broker that runs.
pub struct Broker {
    folder: tempfile::TempDir,
    port: u16,
    controller: u16,
    process: Option<Child>,
    secure: Option<Secure>,
}

/// The listeners of a broker that are not for everybody, and what clients need for them.
pub struct Secure {
    /// `host:port` with login and encryption.
    pub sasl_ssl: String,
    /// `host:port` with login.
    pub sasl_plaintext: String,
    /// `host:port` with certificates on both sides.
    pub ssl: String,
    /// The broker's certificate (PEM).
    pub ca: PathBuf,
    /// A client's certificate and key (PKCS12).
    pub client: PathBuf,
    /// Password of the client's file.
    pub client_password: String,
    folder: PathBuf,
    password: String,
}

impl Secure {
    /// Makes certificates with the tool that comes with Java.
    fn new(folder: &Path, password: &str) -> Self {
        let store = |name: &str| folder.join(format!("{name}.p12"));
        let keytool = |args: &[&str]| {
            let needed = "tests with Kafka need keytool, which comes with Java";
            run(Command::new("keytool").args(args).args(["-storetype", "PKCS12", "-storepass", password]), needed);
        };
        for name in ["broker", "client"] {
            let (path, pem) = (store(name).display().to_string(), folder.join(format!("{name}.pem")).display().to_string());
            let who = format!("CN={name}");
            keytool(&[
                "-genkeypair",
                "-alias",
                name,
                "-keyalg",
                "EC",
                "-validity",
                "3",
                "-dname",
                &who,
                "-ext",
                "SAN=IP:127.0.0.1",
                "-keystore",
                &path,
            ]);
            keytool(&["-exportcert", "-rfc", "-alias", name, "-keystore", &path, "-file", &pem]);
        }
        let (trust, client) = (store("trust").display().to_string(), folder.join("client.pem").display().to_string());
        keytool(&["-importcert", "-noprompt", "-alias", "client", "-file", &client, "-keystore", &trust]);
        let address = || format!("127.0.0.1:{}", free_port());
        Self {
            sasl_ssl: address(),
            sasl_plaintext: address(),
            ssl: address(),
            ca: folder.join("broker.pem"),
            client: store("client"),
            client_password: password.to_owned(),
            folder: folder.to_owned(),
            password: password.to_owned(),
        }
    }

    /// Listeners, their protocols, and further settings.
    fn settings(&self) -> (String, String, String) {
        let Self { sasl_ssl, sasl_plaintext, ssl, password, folder, .. } = self;
        let listeners = format!(",SASL_SSL://{sasl_ssl},SASL_PLAINTEXT://{sasl_plaintext},SSL://{ssl}");
        let map = ",SASL_SSL:SASL_SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SSL:SSL".to_owned();
        let mut more = format!(
            "sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512\nssl.keystore.type=PKCS12\nssl.truststore.type=PKCS12\n\
             ssl.keystore.location={}\nssl.keystore.password={password}\nssl.key.password={password}\n\
             ssl.truststore.location={}\nssl.truststore.password={password}\nlistener.name.ssl.ssl.client.auth=required\n",
            folder.join("broker.p12").display(),
            folder.join("trust.p12").display()
        );
        for listener in ["sasl_ssl", "sasl_plaintext"] {
            let module = "org.apache.kafka.common.security";
            more += &format!(
                "listener.name.{listener}.plain.sasl.jaas.config={module}.plain.PlainLoginModule required user_alice=\"{password}\";\n"
            );
            for mechanism in ["scram-sha-256", "scram-sha-512"] {
                more += &format!("listener.name.{listener}.{mechanism}.sasl.jaas.config={module}.scram.ScramLoginModule required;\n");
            }
        }
        (listeners, map, more)
    }
}

/// The broker that all tests of a process share, or `None` where the machine is said to have none: the test passes over what it wants
/// to know, and says so.
pub fn shared() -> Option<&'static Broker> {
    static SHARED: OnceLock<Broker> = OnceLock::new();
    if std::env::var_os(WITHOUT).is_some() {
        let _ = writeln!(std::io::stderr(), "NOT RUN, since {WITHOUT} is set: this test needs a Kafka broker");
        return None;
    }
    Some(SHARED.get_or_init(Broker::start))
}

fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

/// Where builds go.
fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target"),
    }
}

/// Runs a command; what it cannot do without is said.
fn run(command: &mut Command, needed: &str) {
    let shown = format!("{command:?}");
    let help = format!("{needed}; or set {WITHOUT}=1 to leave out the tests that need a Kafka broker");
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|e| panic!("cannot run {shown}: {e}\n{help}"));
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        panic!("{shown} failed: {}\n{said}\n{help}", output.status);
    }
}

/// The folder with the jars, fetched if need be.
fn jars() -> PathBuf {
    let home = target().join("kafka");
    let jars = home.join(format!("kafka-{VERSION}"));
    if jars.is_dir() {
        return jars;
    }
    let _ = writeln!(std::io::stderr(), "fetching Apache Kafka {VERSION} into {} (once, about 43 MB)", jars.display());
    fs::create_dir_all(&home).unwrap();
    let work = tempfile::tempdir_in(&home).unwrap();
    let dependency = |group: &str, name: &str, version: &str| {
        format!("<dependency><groupId>{group}</groupId><artifactId>{name}</artifactId><version>{version}</version></dependency>")
    };
    let pom = format!(
        "<project><modelVersion>4.0.0</modelVersion><groupId>x</groupId><artifactId>x</artifactId><version>1</version>\
         <dependencies>{}{}</dependencies></project>",
        dependency("org.apache.kafka", "kafka_2.13", VERSION),
        dependency("org.slf4j", "slf4j-simple", "1.7.36"),
    );
    fs::write(work.path().join("pom.xml"), pom).unwrap();
    let fetched = work.path().join("jars");
    let needed = "tests with Kafka need Maven (mvn) and a network, once";
    run(
        Command::new("mvn")
            .args(["--batch-mode", "--quiet", "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies"])
            .arg(format!("-DoutputDirectory={}", fetched.display()))
            .arg("-DincludeScope=runtime")
            .current_dir(work.path()),
        needed,
    );
    // Whole or not at all; another test may have been faster.
    if fs::rename(&fetched, &jars).is_err() {
        assert!(jars.is_dir(), "cannot create {}", jars.display());
    }
    jars
}

impl Broker {
    /// Starts a broker with empty logs.
    pub fn start() -> Self {
        Self::start_with(None)
    }

    /// Starts a broker that also listens for those who log in, as the user `alice`, and for those who show a certificate.
    pub fn start_secure(password: &str) -> Self {
        Self::start_with(Some(password))
    }

    fn start_with(password: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let secure = password.map(|password| Secure::new(folder.path(), password));
        let mut broker = Self { folder, port: free_port(), controller: free_port(), process: None, secure };
        let Self { port, controller, .. } = broker;
        let (listeners, map, more) = broker.secure.as_ref().map(Secure::settings).unwrap_or_default();
        let settings = format!(
            "process.roles=broker,controller\nnode.id=1\ncontroller.quorum.bootstrap.servers=127.0.0.1:{controller}\n\
             listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}{listeners}\n\
             advertised.listeners=PLAINTEXT://127.0.0.1:{port}{listeners}\ncontroller.listener.names=CONTROLLER\n\
             listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT{map}\nlog.dirs={}\n{more}\
             offsets.topic.replication.factor=1\noffsets.topic.num.partitions=1\n\
             transaction.state.log.replication.factor=1\ntransaction.state.log.min.isr=1\ntransaction.state.log.num.partitions=1\n\
             transaction.abort.timed.out.transaction.cleanup.interval.ms=500\n\
             share.coordinator.state.topic.replication.factor=1\nshare.coordinator.state.topic.min.isr=1\n\
             group.initial.rebalance.delay.ms=0\nauto.create.topics.enable=false\nlog.initial.task.delay.ms=500\n\
             log.retention.ms=-1\nlog.retention.check.interval.ms=500\nlog.segment.delete.delay.ms=100\n",
            broker.folder.path().join("data").display()
        );
        fs::write(broker.settings(), settings).unwrap();
        let needed = "tests with Kafka need Java 17 or newer (java)";
        let users = password.iter().flat_map(|password| {
            let user = move |mechanism| ["--add-scram".to_owned(), format!("{mechanism}=[name=alice,password={password}]")];
            ["SCRAM-SHA-256", "SCRAM-SHA-512"].into_iter().flat_map(user)
        });
        run(
            broker
                .java("-Xmx256m")
                .args(["kafka.tools.StorageTool", "format", "--standalone", "-t", "MkU3OEVBNTcwNTJENDM2Qg", "-c"])
                .arg(broker.settings())
                .args(users.collect::<Vec<_>>()),
            needed,
        );
        broker.resume();
        broker
    }

    /// What clients need that log in or show a certificate.
    pub fn secure(&self) -> &Secure {
        self.secure.as_ref().unwrap()
    }

    fn settings(&self) -> PathBuf {
        self.folder.path().join("server.properties")
    }

    fn java(&self, heap: &str) -> Command {
        let mut command = Command::new("java");
        command.args([heap, "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp"]);
        command.arg(format!("{}/*", jars().display()));
        command
    }

    /// Starts the broker again after [`Broker::stop`], with what it had.
    pub fn resume(&mut self) {
        let mut java = self.java("-Xmx512m");
        java.arg("kafka.Kafka").arg(self.settings());
        let log = fs::File::create(self.log()).unwrap();
        // The shell ends the broker when this process is gone, and with it the other end of the pipe. What the broker had goes, too, unless
        // something is said before.
        let script = r#"exec 3<&0; folder=$1; shift
            "$@" </dev/null 3<&- & broker=$!
            keep=$(cat <&3); kill -9 $broker; wait $broker 2>/dev/null
            [ -n "$keep" ] || rm -rf "$folder""#;
        let mut shell = Command::new("sh");
        shell.args(["-c", script, "sh"]).arg(self.folder.path());
        shell.arg(java.get_program()).args(java.get_args());
        let child = shell.stdin(Stdio::piped()).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        self.process = Some(child);
        let since = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err()
            || self.client().inner().fetch_metadata(None, Duration::from_secs(2)).is_err()
        {
            assert!(since.elapsed() < START_WAIT, "the broker does not start:\n{}", fs::read_to_string(self.log()).unwrap_or_default());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Kills the broker.
    pub fn stop(&mut self) {
        if let Some(mut shell) = self.process.take() {
            shell.stdin.take().unwrap().write_all(b"keep").unwrap();
            shell.wait().unwrap();
        }
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("broker.log")
    }

    /// `host:port`, for `properties.bootstrap.servers`.
    pub fn servers(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", self.servers());
        config.set_log_level(rdkafka::config::RDKafkaLogLevel::Emerg);
        config
    }

    fn client(&self) -> AdminClient<DefaultClientContext> {
        self.config().create().unwrap()
    }

    /// Creates a topic; `settings` such as `("cleanup.policy", "compact")`.
    pub fn create_topic(&self, name: &str, partitions: i32, settings: &[(&str, &str)]) {
        let mut topic = NewTopic::new(name, partitions, TopicReplication::Fixed(1));
        for (key, value) in settings {
            topic = topic.set(key, value);
        }
        let created = wait(self.client().create_topics([&topic], &AdminOptions::new())).unwrap();
        created.into_iter().for_each(|r| drop(r.unwrap()));
        let since = Instant::now();
        let client = self.client();
        while client.inner().fetch_metadata(Some(name), ANSWER_WAIT).unwrap().topics()[0].partitions().len() < partitions as usize {
            assert!(since.elapsed() < ANSWER_WAIT, "topic {name} does not come up");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Gives a topic more partitions.
    pub fn add_partitions(&self, name: &str, all: usize) {
        let grown = wait(self.client().create_partitions([&NewPartitions::new(name, all)], &AdminOptions::new())).unwrap();
        grown.into_iter().for_each(|r| drop(r.unwrap()));
    }

    /// Deletes a topic.
    pub fn delete_topic(&self, name: &str) {
        wait(self.client().delete_topics(&[name], &AdminOptions::new())).unwrap().into_iter().for_each(|r| drop(r.unwrap()));
    }

    /// Removes a partition's messages before an offset.
    pub fn delete_before(&self, topic: &str, partition: i32, offset: i64) {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, partition, Offset::Offset(offset)).unwrap();
        wait(self.client().delete_records(&list, &AdminOptions::new())).unwrap();
    }

    /// Stores messages, and returns when they are stored.
    pub fn send(&self, topic: &str, messages: &[Sent<'_>]) {
        let producer: BaseProducer = self
            .config()
            .set("linger.ms", "1")
            .set("enable.idempotence", "true")
            .set("queue.buffering.max.messages", "2000000")
            .set("message.max.bytes", "20000000")
            .create()
            .unwrap();
        for message in messages {
            let mut record: BaseRecord<'_, [u8], [u8]> = BaseRecord::to(topic);
            (record.key, record.payload) = (message.key.map(str::as_bytes), message.raw.or(message.value.map(str::as_bytes)));
            (record.partition, record.timestamp) = (Some(message.partition), message.timestamp);
            if !message.headers.is_empty() {
                let add =
                    |headers: OwnedHeaders, (key, value): &(&str, &str)| headers.insert(Header { key, value: Some(value.as_bytes()) });
                record.headers = Some(message.headers.iter().fold(OwnedHeaders::new(), add));
            }
            if producer.send(record).is_err() {
                panic!("no room for a message");
            }
        }
        producer.flush(ANSWER_WAIT).unwrap();
    }

    /// Stores messages without keys in partition 0.
    pub fn send_values(&self, topic: &str, values: &[&str]) {
        let messages: Vec<Sent<'_>> = values.iter().map(|v| Sent { value: Some(v), ..Sent::default() }).collect();
        self.send(topic, &messages);
    }

    /// All messages of a topic that readers of committed messages see, by partition and offset.
    pub fn read(&self, topic: &str) -> Vec<Got> {
        let mut config = self.config();
        for (key, value) in [
            ("group.id", "flott-testkit"),
            ("enable.auto.commit", "false"),
            ("enable.partition.eof", "true"),
            ("isolation.level", "read_committed"),
        ] {
            config.set(key, value);
        }
        let consumer: BaseConsumer = config.create().unwrap();
        let partitions = consumer.fetch_metadata(Some(topic), ANSWER_WAIT).unwrap().topics()[0].partitions().len();
        let mut list = TopicPartitionList::new();
        (0..partitions as i32).for_each(|p| list.add_partition_offset(topic, p, Offset::Beginning).unwrap());
        consumer.assign(&list).unwrap();
        let (mut got, mut ended, since) = (vec![], 0, Instant::now());
        while ended < partitions {
            assert!(since.elapsed() < ANSWER_WAIT, "topic {topic} cannot be read to its end");
            match consumer.poll(Duration::from_millis(100)) {
                Some(Ok(message)) => got.push(Got::of(&message)),
                Some(Err(KafkaError::PartitionEOF(_))) => ended += 1,
                Some(Err(error)) => panic!("topic {topic}: {error}"),
                None => {}
            }
        }
        got.sort_by_key(|m| (m.partition, m.offset));
        got
    }

    /// The offset that a group has committed.
    pub fn committed(&self, group: &str, topic: &str, partition: i32) -> Option<i64> {
        let consumer: BaseConsumer = self.config().set("group.id", group).create().unwrap();
        let mut list = TopicPartitionList::new();
        list.add_partition(topic, partition);
        match consumer.committed_offsets(list, ANSWER_WAIT).unwrap().elements()[0].offset() {
            Offset::Offset(offset) => Some(offset),
            _ => None,
        }
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A message to be stored.
#[derive(Debug, Clone, Default)]
pub struct Sent<'a> {
    /// Its partition.
    pub partition: i32,
    /// Its key.
    pub key: Option<&'a str>,
    /// Its value.
    pub value: Option<&'a str>,
    /// Its value, where that is no text.
    pub raw: Option<&'a [u8]>,
    /// Milliseconds since 1970; `None`: now.
    pub timestamp: Option<i64>,
    /// Its headers.
    pub headers: &'a [(&'a str, &'a str)],
}

/// A message that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Got {
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
    /// Its key.
    pub key: Option<String>,
    /// Its value as text.
    pub value: Option<String>,
    /// Its value.
    pub raw: Option<Vec<u8>>,
    /// Milliseconds since 1970.
    pub timestamp: i64,
    /// Its headers.
    pub headers: Vec<(String, String)>,
}

impl Got {
    fn of(message: &impl Message) -> Self {
        let text = |bytes: Option<&[u8]>| bytes.map(|b| String::from_utf8_lossy(b).into_owned());
        let headers = message.headers().map(|h| h.iter().map(|h| (h.key.to_owned(), text(h.value).unwrap_or_default())).collect());
        Self {
            partition: message.partition(),
            offset: message.offset(),
            key: text(message.key()),
            value: text(message.payload()),
            raw: message.payload().map(<[u8]>::to_vec),
            timestamp: message.timestamp().to_millis().unwrap_or(-1),
            headers: headers.unwrap_or_default(),
        }
    }
}

/// Waits for a future that another thread completes.
fn wait<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    loop {
        if let std::task::Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}
