//! Starts a binary on a free port in a folder of its own, waits until it answers, ends it.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use regex::Regex;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::http::Client;
use super::{poll, postgres};

pub(crate) const BRIDGE: &str = env!("CARGO_BIN_EXE_op-scim-bridge");
pub(crate) const DIRECTORY: &str = env!("CARGO_BIN_EXE_scim-directory");

/// How long a start, a stop or a single command may take before the test gives up on it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The token of every `scim-directory` that the tests start.
const DIRECTORY_TOKEN: &str = "dGVzdHMgb2YgdGhlIGRpcmVjdG9yeSBvbmx5IHVzZSB0aGlz";

/// What to start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Bridge,
    /// With what identity providers see in a database; only where [`postgres::is_there`].
    BridgePostgres,
    DirectoryMemory,
    DirectorySqlite,
    /// Only where [`postgres::is_there`].
    DirectoryPostgres,
    StrictMemory,
    StrictSqlite,
}

impl Kind {
    pub(crate) fn is_bridge(self) -> bool {
        matches!(self, Self::Bridge | Self::BridgePostgres)
    }

    pub(crate) fn is_strict(self) -> bool {
        matches!(self, Self::StrictMemory | Self::StrictSqlite)
    }
}

/// A running binary; ended when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    kind: Kind,
    dir: Arc<TempDir>,
    token: String,
    variables: Variables,
    arguments: Vec<String>,
    process: Process,
}

type Variables = Vec<(&'static str, &'static str)>;

impl Server {
    /// Starts it from nothing.
    pub(crate) fn start(kind: Kind) -> Self {
        Self::start_with(kind, &[])
    }

    /// Starts it from nothing, with some more environment variables.
    pub(crate) fn start_with(kind: Kind, variables: &[(&'static str, &'static str)]) -> Self {
        Self::start_as(kind, variables, &[])
    }

    /// Starts it from nothing, with some more environment variables and arguments.
    pub(crate) fn start_as(
        kind: Kind,
        variables: &[(&'static str, &'static str)],
        arguments: &[&str],
    ) -> Self {
        let dir = Arc::new(tempfile::tempdir().unwrap());
        let token = if kind.is_bridge() { new_session(dir.path()) } else { DIRECTORY_TOKEN.to_owned() };
        let arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
        Self::start_in(kind, dir, token, variables.to_vec(), arguments)
    }

    /// Starts another one over the same data.
    pub(crate) fn start_beside(&self) -> Self {
        let (variables, arguments) = (self.variables.clone(), self.arguments.clone());
        Self::start_in(self.kind, Arc::clone(&self.dir), self.token.clone(), variables, arguments)
    }

    fn start_in(
        kind: Kind,
        dir: Arc<TempDir>,
        token: String,
        variables: Variables,
        arguments: Vec<String>,
    ) -> Self {
        let mut command = command(kind, dir.path(), &token);
        let process = Process::spawn(command.args(&arguments).envs(variables.iter().copied()));
        let server = Self { kind, dir, token, variables, arguments, process };
        poll("the first answer", PATIENCE, || {
            server.client().anonymous().send("GET", "/ServiceProviderConfig", &[], None).map(drop)
        });
        server
    }

    /// A client at the usual base path, with the token.
    pub(crate) fn client(&self) -> Client {
        self.client_at("/scim/v2")
    }

    pub(crate) fn client_at(&self, base: &str) -> Client {
        Client::new(&self.process.origin(), base, Some(&self.token))
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    /// The folder with its session, token and data.
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// `OP_BRIDGE_DATA_DIR` of a bridge.
    pub(crate) fn data_dir(&self) -> PathBuf {
        self.dir().join("data")
    }

    /// Ends it as a crash or a power cut of the process would.
    pub(crate) fn kill_9(&mut self) {
        self.process.kill_9();
    }

    /// Starts it again over the data it left; the port is a new one.
    pub(crate) fn restart(mut self) -> Self {
        self.process.kill_9();
        self.start_beside()
    }

    /// Asks it to stop, and waits until it has.
    pub(crate) fn terminate(&mut self) -> ExitStatus {
        self.process.signal(Signal::TERM);
        self.process.wait()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        self.process.signal(signal);
    }

    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.process.wait()
    }

    pub(crate) fn log(&self) -> String {
        self.process.log()
    }
}

/// Makes a session in `dir` and returns its token.
pub(crate) fn new_session(dir: &Path) -> String {
    let output = run(bridge_command(dir)
        .args(["session", "new", "--session"])
        .arg(dir.join("scimsession"))
        .arg("--token-file")
        .arg(dir.join("token")));
    assert!(output.status.success(), "session new: {}", text(&output));
    std::fs::read_to_string(dir.join("token")).unwrap().trim().to_owned()
}

/// `op-scim-bridge` with nothing in its environment but what a bridge in `dir` needs.
pub(crate) fn bridge_command(dir: &Path) -> Command {
    let mut command = bare(BRIDGE);
    command
        .current_dir(dir)
        .env("OP_SESSION", dir.join("scimsession"))
        .env("OP_PORT", "0")
        .env("OP_BRIDGE_LISTEN", "127.0.0.1")
        .env("OP_BRIDGE_DATA_DIR", dir.join("data"))
        .env("OP_CONFIRMATION_INTERVAL", "30");
    command
}

fn command(kind: Kind, dir: &Path, token: &str) -> Command {
    if kind.is_bridge() {
        let mut command = bridge_command(dir);
        command.arg("serve");
        if kind == Kind::BridgePostgres {
            command.env("OP_BRIDGE_DATABASE_URL", database_of(dir));
        }
        return command;
    }
    let mut command = bare(DIRECTORY);
    command.current_dir(dir).args(["--listen", "127.0.0.1:0"]);
    match kind {
        Kind::DirectorySqlite | Kind::StrictSqlite => {
            std::fs::write(dir.join("token"), format!("{token}\n")).unwrap();
            command.arg("--token-file").arg(dir.join("token"));
            command.arg("--store").arg(format!("sqlite:{}", dir.join("directory.db").display()));
        }
        Kind::DirectoryPostgres => {
            command.args(["--token", token]).env("SCIM_DIRECTORY_STORE", database_of(dir));
        }
        _ => {
            command.args(["--token", token, "--store", "memory"]);
        }
    }
    if kind.is_strict() {
        command.arg("--strict");
    }
    command
}

/// The URL of the database that belongs to a folder.
pub(crate) fn database_of(dir: &Path) -> String {
    let file = dir.join("database");
    std::fs::read_to_string(&file).unwrap_or_else(|_| {
        let url = postgres::database();
        std::fs::write(&file, &url).unwrap();
        url
    })
}

/// A command whose behaviour does not depend on the variables of the one who runs the tests.
pub(crate) fn bare(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("OP_") || text.starts_with("SCIM_") || text == "RUST_LOG" {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null());
    command
}

/// `command`, for which a file that may not grow is an error of writing, as on a disk that is full, and not its end.
pub(crate) fn on_small_disk(command: &Command) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' XFSZ; exec \"$@\"", "sh"]).arg(command.get_program()).args(command.get_args());
    if let Some(folder) = command.get_current_dir() {
        shell.current_dir(folder);
    }
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell.stdin(Stdio::null());
    shell
}

/// Runs a command that ends by itself; one that does not is ended.
pub(crate) fn run(command: &mut Command) -> Output {
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let (stdout, stderr) = (read_all(child.stdout.take().unwrap()), read_all(child.stderr.take().unwrap()));
    let end = Instant::now() + PATIENCE;
    let status = poll("the end of the command", 2 * PATIENCE, || match child.try_wait().unwrap() {
        Some(status) => Ok(Some(status)),
        None if Instant::now() >= end => Ok(None),
        None => Err("still running".to_owned()),
    });
    if status.is_none() {
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let (stdout, stderr) = (stdout.join().unwrap(), stderr.join().unwrap());
    let output = Output { status: status.unwrap_or_default(), stdout, stderr };
    assert!(status.is_some(), "{command:?} did not end; it printed: {}", text(&output));
    output
}

fn read_all(mut stream: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        bytes
    })
}

/// Everything a command printed.
pub(crate) fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// A child that runs until it is told to stop, with what it prints.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    printed: Arc<Printed>,
}

#[derive(Debug, Default)]
struct Printed {
    lines: Mutex<Vec<String>>,
    more: Condvar,
}

impl Process {
    pub(crate) fn spawn(command: &mut Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let printed = Arc::new(Printed::default());
        collect(child.stdout.take().unwrap(), &printed);
        collect(child.stderr.take().unwrap(), &printed);
        Self { child, printed }
    }

    /// `http://127.0.0.1:PORT`, as soon as the child has printed where it listens.
    pub(crate) fn origin(&self) -> String {
        let address = Regex::new(r"127\.0\.0\.1:([1-9][0-9]*)").unwrap();
        let found = self.wait_for("a line with its address", |line| {
            address.captures(line).map(|found| found[1].to_owned())
        });
        format!("http://127.0.0.1:{found}")
    }

    /// What `pick` finds in the first line that has it.
    pub(crate) fn wait_for<T>(&self, what: &str, pick: impl Fn(&str) -> Option<T>) -> T {
        let end = Instant::now() + PATIENCE;
        let mut lines = self.printed.lines.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(found) = lines.iter().find_map(|line| pick(line)) {
                return found;
            }
            let closed = Arc::strong_count(&self.printed) == 1;
            let left = end.saturating_duration_since(Instant::now());
            if closed || left.is_zero() {
                let log = lines.join("\n");
                drop(lines);
                panic!("the program ended or went silent before it printed {what}; it printed:\n{log}");
            }
            let step = left.min(Duration::from_millis(200));
            lines = self.printed.more.wait_timeout(lines, step).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    pub(crate) fn log(&self) -> String {
        self.printed.lines.lock().unwrap_or_else(PoisonError::into_inner).join("\n")
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).unwrap();
    }

    /// How many bytes a file that the child writes may have from now on; none: as many as it likes. It must ignore
    /// SIGXFSZ ([`on_small_disk`]), else it is ended by its first write beyond that.
    #[cfg(target_os = "linux")]
    pub(crate) fn limit_files(&self, bytes: Option<u64>) {
        use rustix::process::{Resource, Rlimit, getrlimit, prlimit};
        let maximum = getrlimit(Resource::Fsize).maximum;
        let current = bytes.or(maximum);
        prlimit(Some(Pid::from_child(&self.child)), Resource::Fsize, Rlimit { current, maximum }).unwrap();
    }

    pub(crate) fn kill_9(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    pub(crate) fn wait(&mut self) -> ExitStatus {
        let child = &mut self.child;
        poll("the end of the program", PATIENCE, || {
            child.try_wait().unwrap().ok_or_else(|| "still running".to_owned())
        })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill_9();
        if std::thread::panicking() {
            let log = self.log();
            let tail: Vec<&str> = log.lines().rev().take(30).collect();
            eprintln!("--- the program's last lines ---");
            for line in tail.iter().rev() {
                eprintln!("{line}");
            }
        }
    }
}

/// Keeps the lines of a stream; the thread ends, and lets go of `printed`, with the stream.
fn collect(stream: impl Read + Send + 'static, printed: &Arc<Printed>) {
    let printed = Arc::clone(printed);
    std::thread::spawn(move || {
        for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line).trim_end().to_owned();
            printed.lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            printed.more.notify_all();
        }
    });
}
