//! A server of S3 for tests, which honours conditional puts, started on loopback. It keeps everything in its memory.
//!
//! It comes from PyPI, once, into `target/moto`; it goes when the test process does, however that ends.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// The release of the server.
pub const VERSION: &str = "5.2.5";
/// Set to leave out tests that need the server, on a machine without Python or a network.
pub const WITHOUT: &str = "FLOTT_WITHOUT_S3";
/// A bucket that is there.
pub const BUCKET: &str = "checkpoints";

const START_WAIT: Duration = Duration::from_secs(60);

/// A server that runs.
pub struct Server {
    port: u16,
    process: Child,
}

/// The server that all tests of a process share, or `None` where the machine is said to have none: the test passes over what it wants
/// to know, and says so.
pub fn shared() -> Option<&'static Server> {
    static SHARED: OnceLock<Server> = OnceLock::new();
    if std::env::var_os(WITHOUT).is_some() {
        let _ = writeln!(std::io::stderr(), "NOT RUN, since {WITHOUT} is set: this test needs a server of S3");
        return None;
    }
    Some(SHARED.get_or_init(Server::start))
}

fn run(command: &mut Command) {
    let shown = format!("{command:?}");
    let help = format!("tests with S3 need Python 3 with venv and pip, and a network, once; or set {WITHOUT}=1 to leave them out");
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|e| panic!("cannot run {shown}: {e}\n{help}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{shown} failed: {}\n{said}\n{help}", output.status);
}

/// The folder with the server, fetched if need be.
fn home() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let root = target.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target")).join("moto");
    let home = root.join(format!("moto-{VERSION}"));
    if home.is_dir() {
        return home;
    }
    let _ = writeln!(std::io::stderr(), "fetching moto {VERSION} into {} (once, about 140 MB)", home.display());
    fs::create_dir_all(&root).unwrap();
    let work = tempfile::tempdir_in(&root).unwrap();
    let fetched = work.path().join("venv");
    run(Command::new("python3").args(["-m", "venv"]).arg(&fetched));
    let what = format!("moto[s3]=={VERSION}");
    run(Command::new(fetched.join("bin/pip")).args(["install", "-q", "--disable-pip-version-check", &what, "flask", "flask-cors"]));
    // Whole or not at all; another test may have been faster.
    if fs::rename(&fetched, &home).is_err() {
        assert!(home.is_dir(), "cannot create {}", home.display());
    }
    home
}

impl Server {
    /// Starts a server with an empty bucket.
    pub fn start() -> Self {
        let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        // The shell ends the server when this process is gone, and with it the other end of the pipe.
        let script = r#"exec 3<&0; "$@" </dev/null 3<&- & server=$!; cat <&3 >/dev/null; kill -9 $server"#;
        let mut shell = Command::new("sh");
        shell.args(["-c", script, "sh"]).arg(home().join("bin/python3")).args(["-m", "moto.server", "-H", "127.0.0.1", "-p"]);
        shell.arg(port.to_string()).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let server = Self { port, process: shell.spawn().unwrap() };
        let since = Instant::now();
        while !server.make_bucket() {
            assert!(since.elapsed() < START_WAIT, "the server of S3 does not start");
            std::thread::sleep(Duration::from_millis(100));
        }
        server
    }

    fn make_bucket(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) else { return false };
        let who = "AWS4-HMAC-SHA256 Credential=key/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0";
        let request =
            format!("PUT /{BUCKET} HTTP/1.1\r\nHost: s3\r\nContent-Length: 0\r\nConnection: close\r\nAuthorization: {who}\r\n\r\n");
        let mut answer = String::new();
        stream.write_all(request.as_bytes()).is_ok() && stream.read_to_string(&mut answer).is_ok() && answer.contains(" 200 ")
    }

    /// For `AWS_ENDPOINT_URL`.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The server behind a gate of its own.
    pub fn gate(&self) -> Gate {
        Gate::to(self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// A way to a server that can be closed for a while: then connections break, and new ones come to nothing.
pub struct Gate {
    port: u16,
    closed: Arc<AtomicBool>,
}

impl Gate {
    fn to(server: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let gate = Self { port: listener.local_addr().unwrap().port(), closed: Arc::default() };
        let closed = gate.closed.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if closed.load(Ordering::SeqCst) {
                    continue;
                }
                if let Ok(server) = TcpStream::connect(("127.0.0.1", server)) {
                    pass(&client, &server, &closed);
                    pass(&server, &client, &closed);
                }
            }
        });
        gate
    }

    /// For `AWS_ENDPOINT_URL`.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Closes or opens it.
    pub fn close(&self, closed: bool) {
        self.closed.store(closed, Ordering::SeqCst);
    }
}

/// Passes bytes on, until either side or the gate is closed.
fn pass(from: &TcpStream, to: &TcpStream, closed: &Arc<AtomicBool>) {
    let (mut from, mut to, closed) = (from.try_clone().unwrap(), to.try_clone().unwrap(), closed.clone());
    from.set_read_timeout(Some(Duration::from_millis(10))).unwrap();
    std::thread::spawn(move || {
        let mut buffer = vec![0; 1 << 16];
        while !closed.load(Ordering::SeqCst) {
            match from.read(&mut buffer) {
                Ok(0) => break,
                Ok(n) => {
                    if to.write_all(&buffer[..n]).is_err() {
                        break;
                    }
                }
                Err(e) if matches!(e.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {}
                Err(_) => break,
            }
        }
        let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
    });
}
