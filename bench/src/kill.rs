//! Two processes on one database, one of them killed again and again: what was answered is there, once.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use serde::{Deserialize, Serialize};

use crate::directory::Directory;
use crate::load::{self, Amount, Measured};
use crate::population::Population;
use crate::process::{DirectoryProgram, Server};
use crate::progress::Progress;
use crate::subject::{ProgramOptions, store_in};
use crate::workload::{Mix, Workload};

/// Options of `kill`.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// The store that both processes open: postgres://..., sqlite:PATH, or sqlite for a file of its own
    #[arg(long)]
    store: String,
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    program: ProgramOptions,
    /// File that the figures are written to; default: standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// How long and how often.
#[derive(Args, Clone, Debug)]
pub(crate) struct Settings {
    /// For how many seconds
    #[arg(id = "kill_seconds", long = "seconds", default_value_t = 300.0)]
    pub(crate) seconds: f64,
    /// How many seconds lie between two kills
    #[arg(long, default_value_t = 10.0)]
    pub(crate) every: f64,
    /// How many connections ask at once
    #[arg(id = "kill_connections", long = "connections", default_value_t = 16)]
    pub(crate) connections: usize,
    /// How many users are there at the beginning
    #[arg(id = "kill_users", long = "users", default_value_t = 1000)]
    pub(crate) users: usize,
    /// How many groups there are
    #[arg(id = "kill_groups", long = "groups", default_value_t = 8)]
    pub(crate) groups: usize,
    /// What the population is made from; a database that is used again needs another number
    #[arg(id = "kill_seed", long = "seed", default_value_t = 1)]
    pub(crate) seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { seconds: 300.0, every: 10.0, connections: 16, users: 1000, groups: 8, seed: 1 }
    }
}

/// What came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Figures {
    /// The kind of the store: what comes before the colon.
    pub(crate) store: String,
    pub(crate) kills: u64,
    /// People that were answered as created, all of them read back.
    pub(crate) people: usize,
    pub(crate) memberships: usize,
    /// How much of what was answered is not there, or twice.
    pub(crate) wrong: u64,
    pub(crate) complaints: Vec<String>,
    pub(crate) measured: Measured,
}

pub(crate) async fn run(options: &Options) -> Result<()> {
    let (program, folder) = options.program.open()?;
    let figures = kill(&program, &store_in(&options.store, folder.path()), &options.settings).await?;
    crate::write_json(options.out.as_deref(), &figures)?;
    ensure!(
        figures.wrong == 0,
        "{} things are not as answered: {}",
        figures.wrong,
        figures.complaints.join("; ")
    );
    Ok(())
}

/// Loads two processes and kills them by turns.
pub(crate) async fn kill(program: &DirectoryProgram, store: &str, settings: &Settings) -> Result<Figures> {
    let (one, target_one) = program.start(store).await?;
    let (two, target_two) = program.start(store).await?;
    let targets = [target_one, target_two];
    let [first, second] = &targets;
    let mut directory = Directory::read(first, Population::new(settings.seed)).await?;
    directory.fill(first, settings.users).await?;
    let mut groups = Vec::new();
    for n in 0..settings.groups {
        groups.push(directory.create_group(second, &directory.population.group_name(n), 0..0).await?);
    }
    let mut workload = Workload::new(&directory, groups, Mix::default());
    let time = Duration::from_secs_f64(settings.seconds.clamp(0.1, 1e6));
    let amount = Amount::time(settings.connections, time);
    let progress = Progress::new("mixed load on two", None);
    let mut servers = [one, two];
    let mut kills = 0;
    let killing = killing(
        program,
        store,
        Duration::from_secs_f64(settings.every.clamp(0.1, 1e6)),
        &mut servers,
        &mut kills,
    );
    let measured = tokio::select! {
        measured = load::run_on(&targets, amount, &mut workload, &progress) => measured?,
        failed = killing => return Err(failed.err().context("killing ended by itself")?),
    };
    // One may just have been killed and not started again.
    for (server, target) in servers.iter_mut().zip(&targets) {
        server.kill().await?;
        *server = program.start_at(store, &target.address.to_string()).await?.0;
    }
    let (mut wrong, mut complaints) = workload.read_back(first).await?;
    let (wrong_too, complaints_too) = workload.read_back(second).await?;
    wrong = wrong.saturating_add(wrong_too).saturating_add(measured.wrong);
    complaints.extend(complaints_too);
    complaints.extend(measured.complaints.iter().filter(|_| measured.wrong > 0).cloned());
    for server in servers {
        server.stop().await?;
    }
    let (people, memberships) = (workload.people(), workload.memberships());
    let store = store.split(':').next().unwrap_or_default().to_owned();
    Ok(Figures { store, kills, people, memberships, wrong, complaints, measured })
}

/// Kills one server after the other, and starts each again at its address.
async fn killing(
    program: &DirectoryProgram,
    store: &str,
    every: Duration,
    servers: &mut [Server; 2],
    kills: &mut u64,
) -> Result<()> {
    loop {
        for server in servers.iter_mut() {
            tokio::time::sleep(every).await;
            let listen = server.address.to_string();
            server.kill().await?;
            *kills = kills.saturating_add(1);
            *server = program.start_at(store, &listen).await?.0;
        }
    }
}
