//! Whom a sub-command loads: a server that runs, or `scim-directory`, which it starts for the time.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use tempfile::TempDir;

use crate::process::{DirectoryProgram, Server};
use crate::target::Target;

/// Which server is loaded.
#[derive(Args, Clone, Debug)]
#[group(id = "subject")]
pub(crate) struct SubjectOptions {
    /// Base URL of a SCIM service that runs, such as http://127.0.0.1:8880/scim/v2
    #[arg(long, value_name = "URL", required_unless_present = "store")]
    target: Option<String>,
    /// Its bearer token; other users of this machine can see it, so prefer --token-file
    #[arg(long, env = "SCIM_LOAD_TOKEN", hide_env_values = true, requires = "target")]
    token: Option<String>,
    /// File that holds its bearer token
    #[arg(long, value_name = "FILE", conflicts_with = "token", requires = "target")]
    token_file: Option<PathBuf>,
    /// Load another machine than this one: make sure that it is yours
    #[arg(long, requires = "target")]
    allow_remote: bool,
    /// Process id of the server, whose memory is measured then
    #[arg(long, requires = "target")]
    pid: Option<u32>,
    /// Start scim-directory over this store instead: memory, sqlite (a file of its own), sqlite:PATH or postgres://...
    #[arg(long, conflicts_with = "target")]
    store: Option<String>,
    #[command(flatten)]
    program: ProgramOptions,
}

/// Where `scim-directory` comes from.
#[derive(Args, Clone, Debug)]
pub(crate) struct ProgramOptions {
    /// The scim-directory to start; default: the one beside this program, which is built if cargo runs this
    #[arg(long, value_name = "FILE")]
    directory: Option<PathBuf>,
    /// Folder for what servers keep while they are loaded; default: a temporary one
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// File that the log of servers is added to; default: nowhere
    #[arg(long, value_name = "FILE")]
    server_log: Option<PathBuf>,
}

/// A server to be loaded.
#[derive(Debug)]
pub(crate) struct Subject {
    pub(crate) target: Target,
    pub(crate) pid: Option<u32>,
    server: Option<Server>,
    _folder: Option<TempDir>,
}

impl SubjectOptions {
    pub(crate) async fn open(&self) -> Result<Subject> {
        let Some(url) = &self.target else {
            let store = self.store.as_deref().context("give --target URL or --store STORE")?;
            let (program, folder) = self.program.open()?;
            let (server, target) = program.start(&store_in(store, folder.path())).await?;
            return Ok(Subject {
                target,
                pid: Some(server.pid),
                server: Some(server),
                _folder: Some(folder),
            });
        };
        let token = match (&self.token, &self.token_file) {
            (Some(token), _) => Some(token.clone()),
            (None, Some(file)) => Some(
                std::fs::read_to_string(file)
                    .with_context(|| format!("the token file {} cannot be read", file.display()))?,
            ),
            (None, None) => None,
        };
        let target = Target::new(url, token.as_deref().map(str::trim), self.allow_remote)?;
        Ok(Subject { target, pid: self.pid, server: None, _folder: None })
    }
}

impl Subject {
    /// Stops the server if it was started here.
    pub(crate) async fn close(self) -> Result<()> {
        match self.server {
            Some(server) => server.stop().await,
            None => Ok(()),
        }
    }
}

impl ProgramOptions {
    /// The program, and a folder for what it keeps.
    pub(crate) fn open(&self) -> Result<(DirectoryProgram, TempDir)> {
        let folder = match &self.folder {
            Some(folder) => TempDir::with_prefix_in("scim-load-", folder),
            None => TempDir::with_prefix("scim-load-"),
        };
        let folder = folder.context("no folder for the servers can be made")?;
        let program = match &self.directory {
            Some(program) => program.clone(),
            None => beside_this()?,
        };
        ensure!(
            program.is_file(),
            "{} is not there: build it, or name it with --directory",
            program.display()
        );
        Ok((DirectoryProgram::new(program, folder.path(), self.server_log.clone())?, folder))
    }
}

/// `sqlite` alone is a new file in a folder.
pub(crate) fn store_in(store: &str, folder: &Path) -> String {
    match store {
        "sqlite" => format!("sqlite:{}", folder.join("directory.db").display()),
        other => other.to_owned(),
    }
}

/// `scim-directory` beside this program. Where cargo runs this, it is built first, so that it is as new as this.
fn beside_this() -> Result<PathBuf> {
    let this = std::env::current_exe()?;
    let folder = this.parent().context("this program is in no folder")?;
    if let Some(cargo) = std::env::var_os("CARGO") {
        let profile = if cfg!(debug_assertions) { "dev" } else { "release" };
        let status = Command::new(cargo)
            .args(["build", "--quiet", "--profile", profile, "-p", "examples", "--bin", "scim-directory"])
            .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
            .status()?;
        ensure!(status.success(), "scim-directory cannot be built");
    }
    Ok(folder.join(format!("scim-directory{}", std::env::consts::EXE_SUFFIX)))
}
