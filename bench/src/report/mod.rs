//! The one command that makes `docs/benchmarks.md`: it starts the servers, measures, judges and writes.

mod builds;
mod bulk;
mod chart;
mod disk;
mod figures;
mod markdown;
mod micro;
mod peers;
mod targets;

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum};

use crate::directory::Directory;
use crate::population::Population;
use crate::process::{DirectoryProgram, memory};
use crate::steps::{self, Settings};
use crate::subject::ProgramOptions;
use crate::{kill, sync};
use figures::{Part, Report, Start, Store};

/// Options of `report`.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// What is measured; the other figures stay as they are
    #[arg(long, value_delimiter = ',', default_value = "memory,sqlite,disk,bulk,micro,sync")]
    only: Vec<What>,
    #[command(flatten)]
    settings: Settings,
    /// Keep the figures of other numbers of users than --sizes
    #[arg(long)]
    add: bool,
    /// The SQLite database that the steps run over, such as `scim-load seed --store sqlite:FILE` has filled; default: a
    /// new one
    #[arg(long, value_name = "FILE")]
    sqlite: Option<PathBuf>,
    /// An empty PostgreSQL database for `postgres` and `kill`, such as postgres://user@localhost/bench
    #[arg(long, value_name = "URL", env = "SCIM_LOAD_POSTGRES", hide_env_values = true)]
    postgres: Option<String>,
    /// How many people the first synchronisation has; a fiftieth of it is groups
    #[arg(long, default_value_t = 50_000)]
    sync_users: usize,
    /// For how many seconds two processes are loaded while one is killed every ten
    #[arg(long, default_value_t = 300.0)]
    kill_seconds: f64,
    /// Folder with benchmarks.md, benchmarks.json and the charts
    #[arg(long, value_name = "FOLDER", default_value = "docs")]
    docs: PathBuf,
    /// Figures of the comparison with peers, one load for all: JSON of servers of others and scim-directory
    ///
    /// They are taken over before anything of --only is measured; `--only nothing` measures nothing. Rates are per second, latencies
    /// in microseconds; `wrong` says what was not as it must be, and makes the step count for nothing. The shape:
    ///
    /// {"when": "2026-11-22T03:00:00Z", "cores": 2, "scale": 10000, "conns": 8, "load_avg_start": [0.1, 0.1, 0.1],
    ///
    /// "targets": {"scim-directory": {"rss_mib@10000": 18.5, "filter_eq@10000": {"rps": 40000.0, "p50_us": 90.0}, ...},
    ///
    /// "peer": {"group_add1@10000": {"rps": 0.5, "p50_us": 2000000.0, "wrong": "status 400"}, ...}},
    ///
    /// "about": {"peer": {"version": "1.0", "language": "Rust"}}}
    ///
    /// docs/benchmarks.md lists the steps.
    #[arg(long, value_name = "FILE")]
    peers: Option<PathBuf>,
    /// Figures of the parsers of others in Rust, for the filters of scim-filter/benches/filters.txt: JSON
    ///
    /// Median nanoseconds of each parser for each filter in the order of that file, or text for a filter that it rejects. If it says
    /// nothing about `ours`, our parser is measured when the file is read: do so right after the others were. The shape:
    ///
    /// {"filters_ns": [{"len": 15, "ours": 65.0, "peer": 300.0}, {"len": 8, "peer": "REJECTED"}, ...]}
    #[arg(long, value_name = "FILE")]
    peer_parsers: Option<PathBuf>,
    #[command(flatten)]
    program: ProgramOptions,
}

/// A part of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum What {
    /// The steps over the store in memory
    Memory,
    /// The steps over SQLite, and how it starts
    Sqlite,
    /// The steps over PostgreSQL; needs --postgres
    Postgres,
    /// What the disk allows
    Disk,
    /// Bulk requests against raw inserts
    Bulk,
    /// Parsing, validating, writing
    Micro,
    /// Cold release builds; takes minutes, and the whole machine
    Builds,
    /// The first synchronisation into SQLite
    Sync,
    /// Two processes on one database, one killed again and again; on SQLite without --postgres
    Kill,
    /// Nothing: the documents are written anew from benchmarks.json
    Nothing,
}

/// Options of `chart`.
#[derive(Args, Debug)]
pub(crate) struct ChartOptions {
    /// File with the figures that `steps` has written, or benchmarks.json of `report`
    figures: PathBuf,
    /// The store whose figures of benchmarks.json are drawn
    #[arg(long, default_value = "memory")]
    store: String,
    /// The title of the chart
    #[arg(long, default_value = "p50 against the number of users")]
    title: String,
    /// The SVG that is written
    #[arg(long, value_name = "FILE", default_value = "chart.svg")]
    out: PathBuf,
}

pub(crate) fn chart(options: &ChartOptions) -> Result<()> {
    let json = std::fs::read(&options.figures)
        .with_context(|| format!("{} cannot be read", options.figures.display()))?;
    let store = match serde_json::from_slice::<Report>(&json) {
        Ok(mut report) => {
            let part = report.stores.remove(&options.store);
            part.with_context(|| format!("there are no figures of `{}`", options.store))?.figures
        }
        Err(_) => {
            let sizes = serde_json::from_slice(&json).context("the file has no figures of `steps`")?;
            Store { settings: Settings::default(), sizes, start: None }
        }
    };
    chart::draw(&store, &options.title, &options.out)
}

pub(crate) async fn run(options: &Options) -> Result<()> {
    let json = options.docs.join("benchmarks.json");
    let mut report: Report = match std::fs::read(&json) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .with_context(|| format!("{} is not of this program", json.display()))?,
        Err(_) => Report::default(),
    };
    if let Some(file) = &options.peers {
        report.peers = Some(peers::read_servers(file, &begin())?);
    }
    if let Some(file) = &options.peer_parsers {
        let ours = || Ok(micro::parse()?.iter().map(|nanos| nanos.median).collect());
        report.peer_parsers = Some(part(|| peers::read_parsers(file, ours))?);
    }
    let (program, folder) = options.program.open()?;
    let folder = folder.path();
    for what in &options.only {
        eprintln!(
            "== {}",
            what.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
        );
        match what {
            What::Memory => store(options, &program, "memory", "memory", &mut report).await?,
            What::Sqlite => {
                let new = folder.join("steps.db");
                let database = format!("sqlite:{}", options.sqlite.as_deref().unwrap_or(&new).display());
                store(options, &program, "sqlite", &database, &mut report).await?;
            }
            What::Postgres => {
                let url = options.postgres.as_deref().context("give the database with --postgres URL")?;
                store(options, &program, "postgres", url, &mut report).await?;
            }
            What::Disk => {
                let time = options.settings.time();
                report.disk = Some(part(|| disk::measure(folder, options.settings.writers, time))?);
            }
            What::Bulk => {
                let begun = begin();
                report.bulk = Some(begun.with(bulk::measure(&program, folder).await?));
            }
            What::Micro => {
                let begun = begin();
                report.micro = Some(begun.with(micro::measure().await?));
            }
            What::Builds => report.builds = Some(part(|| builds::measure(folder))?),
            What::Sync => {
                let begun = begin();
                let (server, target) =
                    program.start(&format!("sqlite:{}", folder.join("sync.db").display())).await?;
                let users = options.sync_users;
                let settings =
                    sync::Settings { users, groups: (users / 50).max(1), memberships: 2, connections: 8 };
                report.sync =
                    Some(begun.with(sync::synchronise(&target, Some(server.pid), &settings).await?));
                server.stop().await?;
            }
            What::Kill => {
                let begun = begin();
                let sqlite = format!("sqlite:{}", folder.join("kill.db").display());
                let database = options.postgres.as_deref().unwrap_or(&sqlite);
                let settings = kill::Settings { seconds: options.kill_seconds, ..kill::Settings::default() };
                report.kill = Some(begun.with(kill::kill(&program, database, &settings).await?));
            }
            What::Nothing => {}
        }
        write(options, &report)?;
    }
    Ok(())
}

/// Writes all that there is, so that nothing is lost when a later part fails.
fn write(options: &Options, report: &Report) -> Result<()> {
    crate::write_json(Some(&options.docs.join("benchmarks.json")), report)?;
    let document = options.docs.join("benchmarks.md");
    let text = std::fs::read_to_string(&document)
        .with_context(|| format!("{} cannot be read", document.display()))?;
    std::fs::write(&document, markdown::replace(&text, report)?)?;
    for (name, part) in &report.stores {
        let path = options.docs.join(format!("benchmarks-{name}.svg"));
        let title = format!("{name}: p50 against the number of users");
        // One number of users makes no line.
        if part.figures.sizes.iter().filter(|size| size.users > 0).count() > 1 {
            chart::draw(&part.figures, &title, &path)?;
        }
    }
    Ok(())
}

/// Measures the steps over a store, from an empty one up to the largest number of users.
async fn store(
    options: &Options,
    program: &DirectoryProgram,
    name: &str,
    store: &str,
    report: &mut Report,
) -> Result<()> {
    let begun = begin();
    let settings = &options.settings;
    let (server, target) = program.start(store).await?;
    let mut directory = Directory::read(&target, Population::new(settings.seed)).await?;
    let before = report.stores.get(name).filter(|_| options.add).map(|part| part.figures.sizes.clone());
    let before = before.unwrap_or_default();
    let kept = |sizes: &[steps::AtSize], start| {
        let mut all: BTreeMap<usize, steps::AtSize> = before.iter().map(|s| (s.users, s.clone())).collect();
        all.extend(
            sizes.iter().map(|s| (s.users, steps::AtSize { commit: begun.commit.clone(), ..s.clone() })),
        );
        Store { settings: settings.clone(), sizes: all.into_values().collect(), start }
    };
    let mut after_each = |sizes: &[steps::AtSize]| {
        report.stores.insert(name.to_owned(), begun.with(kept(sizes, None)));
        write(options, report)
    };
    let sizes = steps::measure(&target, Some(server.pid), settings, &mut directory, &mut after_each).await?;
    server.stop().await?;
    let start = if name == "memory" { None } else { Some(starts(program, store, &directory).await?) };
    report.stores.insert(name.to_owned(), begun.with(kept(&sizes, start)));
    Ok(())
}

const STARTS: usize = 5;

async fn starts(program: &DirectoryProgram, store: &str, directory: &Directory) -> Result<Start> {
    let users = directory.ids.len();
    let mut times = Vec::with_capacity(STARTS);
    let mut used = None;
    for n in 0..STARTS {
        let name = directory.population.user_name(users * n / STARTS);
        let (server, _, milliseconds) = program.time_start(store, &name).await?;
        used = memory(server.pid).map(|(now, _)| now);
        times.push(milliseconds);
        server.stop().await?;
    }
    times.sort_by(f64::total_cmp);
    Ok(Start { users, milliseconds: times.get(STARTS / 2).copied().unwrap_or_default(), memory: used })
}

fn part<T>(measure: impl FnOnce() -> Result<T>) -> Result<Part<T>> {
    let begun = begin();
    Ok(begun.with(measure()?))
}

/// The circumstances before a part is measured.
fn begin() -> Part<()> {
    let first = |path: &str, key: &str| {
        let text = std::fs::read_to_string(path).ok()?;
        text.lines()
            .find_map(|line| Some(line.strip_prefix(key)?.trim_start_matches([':', '\t', ' ']).to_owned()))
    };
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let processor = first("/proc/cpuinfo", "model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    let machine = format!("{cores} cores, {processor}, {}", std::env::consts::OS);
    let load = first("/proc/loadavg", "").and_then(|load| load.split(' ').next()?.parse().ok());
    #[expect(clippy::disallowed_methods, reason = "this is what reads the clock")]
    let when = chrono::Utc::now().format("%-d %B %Y").to_string();
    Part { when, machine, load, commit: commit(), figures: () }
}

/// The commit that was measured, marked if there is something in the folder that is not in it.
fn commit() -> Option<String> {
    let git = |arguments: &[&str]| {
        let output = std::process::Command::new("git")
            .args(arguments)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output();
        output
            .ok()
            .filter(|output| output.status.success())
            .and_then(|output| String::from_utf8(output.stdout).ok())
    };
    let name = git(&["rev-parse", "--short=10", "HEAD"])?;
    let changed = git(&["status", "--porcelain", "--", "../*/src"])?;
    Some(format!("{}{}", name.trim(), if changed.is_empty() { "" } else { " and changes" }))
}

impl Part<()> {
    fn with<T>(&self, figures: T) -> Part<T> {
        let Self { when, machine, load, commit, .. } = self.clone();
        Part { when, machine, load, commit, figures }
    }
}
