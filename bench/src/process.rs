//! Starting servers, and what they take of the machine.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::client::Connection;
use crate::target::Target;

/// How long a server may take to start or to stop.
const PATIENCE: Duration = Duration::from_secs(60);
const MIB: f64 = 1024.0 * 1024.0;

/// A server that runs; killed when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) pid: u32,
}

impl Server {
    /// Starts a program that prints the address that it listens on, as `http://ADDRESS/...` in its first line.
    pub(crate) async fn start(program: &Path, arguments: &[OsString], log: Option<&Path>) -> Result<Self> {
        let stderr = match log {
            Some(log) => {
                let file = std::fs::File::options().create(true).append(true).open(log);
                Stdio::from(file.with_context(|| format!("{} cannot be written", log.display()))?)
            }
            None => Stdio::null(),
        };
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{} cannot be started", program.display()))?;
        let pid = child.id().context("the server has already ended")?;
        let stdout = child.stdout.take().context("the server has no output")?;
        let mut line = String::new();
        let mut stdout = BufReader::new(stdout);
        tokio::time::timeout(PATIENCE, stdout.read_line(&mut line))
            .await
            .context("the server did not start")??;
        let address = line.split("http://").nth(1).and_then(|rest| rest.trim().split('/').next());
        let Some(address) = address.and_then(|address| address.parse().ok()) else {
            bail!(
                "{} did not say where it listens; its log has the reason (--server-log FILE)",
                program.display()
            );
        };
        Ok(Self { child, address, pid })
    }

    /// Asks it to end, and waits until it has.
    pub(crate) async fn stop(mut self) -> Result<()> {
        if let Some(pid) = Pid::from_raw(self.pid.cast_signed()) {
            kill_process(pid, Signal::TERM)?;
        }
        let ended = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        let status = ended.context("the server did not end when it was asked to")??;
        ensure!(status.success(), "the server ended with {status}");
        Ok(())
    }

    /// Ends it as a crash would.
    pub(crate) async fn kill(&mut self) -> Result<()> {
        Ok(self.child.kill().await?)
    }
}

/// `scim-directory`, and how it is started.
#[derive(Clone, Debug)]
pub(crate) struct DirectoryProgram {
    pub(crate) program: PathBuf,
    token_file: PathBuf,
    token: String,
    log: Option<PathBuf>,
}

impl DirectoryProgram {
    /// A program with a new token, in a folder that the token is kept in.
    pub(crate) fn new(program: PathBuf, folder: &Path, log: Option<PathBuf>) -> Result<Self> {
        let token: String = std::iter::repeat_with(fastrand::alphanumeric).take(43).collect();
        let token_file = folder.join("token");
        std::fs::write(&token_file, &token)?;
        Ok(Self { program, token_file, token, log })
    }

    /// Starts it over a store: `memory`, `sqlite:PATH` or `postgres://...`.
    pub(crate) async fn start(&self, store: &str) -> Result<(Server, Target)> {
        self.start_at(store, "127.0.0.1:0").await
    }

    /// Starts it on a fixed address.
    pub(crate) async fn start_at(&self, store: &str, listen: &str) -> Result<(Server, Target)> {
        let mut arguments: Vec<OsString> =
            ["--listen", listen, "--store", store, "--rate-limit", "0", "--log", "warn", "--token-file"]
                .map(Into::into)
                .into();
        arguments.push(self.token_file.clone().into());
        let server = Server::start(&self.program, &arguments, self.log.as_deref()).await?;
        let target = Target::new(&format!("http://{}/scim/v2", server.address), Some(&self.token), false)?;
        Ok((server, target))
    }

    /// Starts it and returns how many milliseconds passed before it had answered a request about a user.
    pub(crate) async fn time_start(&self, store: &str, user_name: &str) -> Result<(Server, Target, f64)> {
        let started = Instant::now();
        let (server, target) = self.start(store).await?;
        let filter = crate::population::filter(&format!(r#"userName eq "{user_name}""#));
        let mut connection = Connection::new(target.address);
        let path = format!("/Users?filter={filter}");
        let answer = connection.get(&target, &path).await?.expect(200)?;
        let took = started.elapsed().as_secs_f64() * 1000.0;
        ensure!(
            memchr::memmem::find(answer.body, user_name.as_bytes()).is_some(),
            "`{user_name}` was not found"
        );
        Ok((server, target, took))
    }
}

/// The memory that a process has now and had at most, in MiB; nothing where there is no /proc.
pub(crate) fn memory(pid: u32) -> Option<(f64, f64)> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let field = |name: &str| -> Option<f64> {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        let kib: f64 = line.trim_start_matches(':').trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(kib * 1024.0 / MIB)
    };
    Some((field("VmRSS")?, field("VmHWM")?))
}
