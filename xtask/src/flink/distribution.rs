//! The files of Apache Flink: downloaded once into a cache folder, unpacked, and started from there.
//!
//! The jars come from the Python packages that carry the whole distribution (`apache-flink-libraries`: lib, opt and
//! plugins; `apache-flink`: scripts and configuration), the SQL Gateway from Maven Central.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::Result;

/// The Flink release that the project is compared with.
pub const VERSION: &str = "2.3.0";

/// An unpacked Flink. `home` holds `bin`, `conf`, `lib`, `opt` and `plugins`.
#[derive(Clone)]
pub struct Distribution {
    home: PathBuf,
    cache: PathBuf,
}

impl Distribution {
    /// Returns Flink from `cache`, downloading it first where it is missing (about 330 MB).
    ///
    /// # Errors
    /// When `pip`, `python3` or `mvn` is missing or fails; the message names the command.
    pub fn obtain(cache: &Path) -> Result<Self> {
        let unpacked = cache.join(format!("flink-{VERSION}"));
        let distribution = Self { home: unpacked.join("pyflink"), cache: cache.to_path_buf() };
        let complete = unpacked.join("complete");
        if complete.exists() {
            return Ok(distribution);
        }
        let downloads = cache.join("downloads");
        create_dir(&downloads)?;
        create_dir(&unpacked)?;
        eprintln!("downloading Flink {VERSION} into {} (once, about 330 MB)", downloads.display());
        // The script package is built per Python version and platform, but only its shell scripts are wanted: any build will do.
        pip_download(&downloads, "apache-flink-libraries", &[])?;
        pip_download(&downloads, "apache-flink", &["--python-version", "3.11", "--platform", "manylinux2014_x86_64"])?;
        for wheel in files_with_extension(&downloads, "whl")? {
            run(Command::new("python3").args(["-m", "zipfile", "-e"]).arg(&wheel).arg(&unpacked))?;
        }
        distribution.add_gateway_jar(&downloads)?;
        for script in files_with_extension(&distribution.home.join("bin"), "sh")? {
            fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).map_err(|e| at(&script, e))?;
        }
        File::create(&complete).map_err(|e| at(&complete, e))?;
        Ok(distribution)
    }

    fn add_gateway_jar(&self, downloads: &Path) -> Result<()> {
        let jar = format!("flink-sql-gateway-{VERSION}.jar");
        run(Command::new("mvn")
            .arg("--batch-mode")
            .arg("--quiet")
            .arg("org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy")
            .arg(format!("-Dartifact=org.apache.flink:flink-sql-gateway:{VERSION}"))
            .arg(format!("-DoutputDirectory={}", downloads.display())))?;
        let target = self.home.join("opt").join(&jar);
        fs::copy(downloads.join(&jar), &target).map_err(|e| at(&target, e))?;
        Ok(())
    }

    /// Starts `bin/<script> start-foreground` under `settings`. Configuration, pid, temporary and log files lie in a
    /// folder of their own, so that several processes and several runs do not meet.
    ///
    /// The child *is* the Java process (the scripts end in `exec`), so its pid can be signalled and measured.
    ///
    /// # Errors
    /// When the run folder cannot be prepared or the script cannot be started.
    pub fn start(&self, script: &str, name: &str, settings: &[(&str, String)], jvm_args: &str) -> Result<FlinkProcess> {
        let folder = self.cache.join("run").join(format!("{}-{name}", std::process::id()));
        let conf = folder.join("conf");
        let temporary = folder.join("tmp");
        create_dir(&temporary)?;
        let mut settings = settings.to_vec();
        settings.push(("io.tmp.dirs", temporary.display().to_string()));
        self.write_configuration(&conf, &settings)?;
        let log = folder.join("console.log");
        let console = File::create(&log).map_err(|e| at(&log, e))?;
        let console_for_errors = console.try_clone().map_err(|e| at(&log, e))?;
        let child = dying_with_us("bash")
            .arg(self.home.join("bin").join(script))
            .arg("start-foreground")
            .env("FLINK_CONF_DIR", &conf)
            .env("FLINK_LOG_DIR", &folder)
            .env("FLINK_PID_DIR", &folder)
            .env("JVM_ARGS", jvm_args)
            .stdin(Stdio::null())
            .stdout(console)
            .stderr(console_for_errors)
            .spawn()
            .map_err(|e| format!("cannot start {script}: {e}"))?;
        Ok(FlinkProcess { child, folder, log })
    }

    /// Settings go into `config.yaml` and not on the command line: `sql-gateway.sh` takes any argument that holds `-h`
    /// (so also `bind-host`) for a cry for help, and then runs Java as a child that outlives it.
    fn write_configuration(&self, conf: &Path, settings: &[(&str, String)]) -> Result<()> {
        create_dir(conf)?;
        let source = self.home.join("conf");
        for entry in fs::read_dir(&source).map_err(|e| at(&source, e))? {
            let path = entry.map_err(|e| at(&source, e))?.path();
            let target = conf.join(path.file_name().unwrap_or_default());
            fs::copy(&path, target).map_err(|e| at(&path, e))?;
        }
        let file = conf.join("config.yaml");
        let shipped = fs::read_to_string(&file).map_err(|e| at(&file, e))?;
        // The one shipped setting that cannot be done without: the module accesses that Flink needs under Java 17.
        let java_options = shipped.lines().find_map(|line| line.trim().strip_prefix("all:"));
        let mut text = format!("env.java.opts.all: {}\n", java_options.unwrap_or_default().trim());
        for (key, value) in settings {
            text.push_str(&format!("{key}: '{value}'\n"));
        }
        fs::write(&file, text).map_err(|e| at(&file, e))
    }
}

/// A running Flink process. It is killed when this value is dropped, so also when a run fails half way; then its log
/// stays to be read.
pub struct FlinkProcess {
    child: Child,
    folder: PathBuf,
    /// Everything the process printed.
    pub log: PathBuf,
}

impl FlinkProcess {
    /// Process id of the Java process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// True until the process ends.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Ends the process and removes its folder.
    pub fn stop(self) {
        let folder = self.folder.clone();
        drop(self);
        // What cannot be removed stays in a folder that git ignores.
        let _ = fs::remove_dir_all(folder);
    }
}

impl Drop for FlinkProcess {
    fn drop(&mut self) {
        // The work of the process is thrown away anyway: no orderly shutdown is needed. Errors mean that it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A TCP port on the loopback interface that was free a moment ago.
///
/// # Errors
/// When the machine has no free port.
pub fn free_port() -> Result<u16> {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).map_err(|e| format!("no free port: {e}"))?;
    Ok(listener.local_addr().map_err(|e| format!("no free port: {e}"))?.port())
}

/// A command whose process is killed by the system when this one ends in any way, where the system has the tool for it.
/// It covers a signal, after which nothing is dropped.
fn dying_with_us(program: &str) -> Command {
    if !Path::new("/usr/bin/setpriv").exists() {
        return Command::new(program);
    }
    let mut command = Command::new("/usr/bin/setpriv");
    command.args(["--pdeathsig", "KILL", program]);
    command
}

fn pip_download(folder: &Path, package: &str, extra: &[&str]) -> Result<()> {
    run(Command::new("pip")
        .args(["download", "--quiet", "--no-deps", "--only-binary", ":all:"])
        .args(extra)
        .arg("--dest")
        .arg(folder)
        .arg(format!("{package}=={VERSION}")))
}

fn run(command: &mut Command) -> Result<()> {
    let shown = format!("{command:?}");
    let status = command.status().map_err(|e| format!("cannot run {shown}: {e}"))?;
    if status.success() { Ok(()) } else { Err(format!("{shown} failed: {status}")) }
}

fn files_with_extension(folder: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).map_err(|e| at(folder, e))?;
    let mut files: Vec<PathBuf> =
        entries.filter_map(|entry| entry.ok().map(|e| e.path())).filter(|path| path.extension().is_some_and(|e| e == extension)).collect();
    files.sort();
    Ok(files)
}

fn create_dir(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).map_err(|e| at(folder, e))
}

fn at(path: &Path, error: std::io::Error) -> String {
    format!("{}: {error}", path.display())
}
