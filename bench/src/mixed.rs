//! `seed` fills a server, `run` loads it as identity providers do all day.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use clap::Args;
use serde::Serialize;

use crate::directory::Directory;
use crate::load::{self, Amount, Measured};
use crate::population::Population;
use crate::process::memory;
use crate::progress::Progress;
use crate::subject::SubjectOptions;
use crate::target::Target;
use crate::workload::{Mix, Workload};

/// What is put into a server.
#[derive(Args, Clone, Debug)]
pub(crate) struct SeedSettings {
    /// How many users there are
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    users: u32,
    /// How many groups there are, each of --members
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(..=100_000))]
    groups: u32,
    /// How many members each group has, the first users
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(..=100_000))]
    members: u32,
    /// What the population is made from: the same number gives the same people
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

impl SeedSettings {
    /// Fills a server: users that are there stay, groups are new ones.
    pub(crate) async fn fill(&self, target: &Target) -> Result<(Directory, Vec<String>)> {
        ensure!(self.members <= self.users, "a group of {} needs as many users", self.members);
        let mut directory = Directory::read(target, Population::new(self.seed)).await?;
        directory.fill(target, self.users as usize).await?;
        let progress = Progress::new("groups", Some(self.groups.into()));
        let mut groups = Vec::new();
        for n in 0..self.groups {
            let name = directory.population.group_name(n as usize);
            groups.push(directory.create_group(target, &name, 0..self.members as usize).await?);
            progress.step();
        }
        Ok((directory, groups))
    }
}

/// Options of `seed`.
#[derive(Args, Debug)]
pub(crate) struct SeedOptions {
    #[command(flatten)]
    subject: SubjectOptions,
    #[command(flatten)]
    settings: SeedSettings,
}

pub(crate) async fn seed(options: &SeedOptions) -> Result<()> {
    let subject = options.subject.open().await?;
    let started = Instant::now();
    let (directory, groups) = options.settings.fill(&subject.target).await?;
    crate::steps::read_all_back(&subject.target, &directory).await?;
    eprintln!(
        "{} users and {} groups are there, read back, after {:.1} s",
        directory.ids.len(),
        groups.len(),
        started.elapsed().as_secs_f64()
    );
    subject.close().await
}

/// Options of `run`.
#[derive(Args, Debug)]
pub(crate) struct RunOptions {
    #[command(flatten)]
    subject: SubjectOptions,
    #[command(flatten)]
    settings: SeedSettings,
    /// For how many seconds
    #[arg(long, default_value_t = 10.0)]
    seconds: f64,
    /// How many connections ask at once
    #[arg(long, default_value_t = 16)]
    connections: usize,
    /// Parts of match, get, create, patch, member and list in the load
    #[arg(long, default_value = "match=35,get=15,create=10,patch=20,member=18,list=2")]
    mix: Mix,
    /// Do not read everything back at the end
    #[arg(long)]
    without_read_back: bool,
    /// File that the figures are written to; default: standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Debug, Serialize)]
struct RunFigures {
    users_before: usize,
    users_after: usize,
    requests: BTreeMap<&'static str, u64>,
    /// The server's memory in MiB.
    memory: Option<f64>,
    measured: Measured,
}

pub(crate) async fn run(options: &RunOptions) -> Result<()> {
    let subject = options.subject.open().await?;
    let (directory, groups) = options.settings.fill(&subject.target).await?;
    let users_before = directory.ids.len();
    // Whoever is in a group from the beginning stays in it: the load only touches groups of its own.
    let groups = if options.settings.members == 0 { groups } else { Vec::new() };
    let mut workload = Workload::new(&directory, groups, options.mix);
    let time = Duration::from_secs_f64(options.seconds.clamp(0.01, 1e6));
    let progress = Progress::new("mixed load", None);
    let amount = Amount::time(options.connections, time);
    let mut measured = load::run(&subject.target, amount, &mut workload, &progress).await?;
    if !options.without_read_back {
        let (wrong, complaints) = workload.read_back(&subject.target).await?;
        measured.wrong = measured.wrong.saturating_add(wrong);
        complaints.into_iter().for_each(|complaint| measured.complain(complaint));
    }
    let figures = RunFigures {
        users_before,
        users_after: workload.people(),
        requests: workload.kinds().collect(),
        memory: subject.pid.and_then(memory).map(|(now, _)| now),
        measured,
    };
    crate::write_json(options.out.as_deref(), &figures)?;
    subject.close().await?;
    crate::fail_if_wrong([(&"mixed load".to_owned(), &figures.measured)].into_iter())
}
