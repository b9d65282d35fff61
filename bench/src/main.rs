//! Load for SCIM servers, and the command that makes `docs/benchmarks.md`.

mod client;
mod constant;
mod directory;
mod kill;
mod load;
mod mixed;
mod population;
mod process;
mod progress;
mod report;
mod requests;
mod steps;
mod subject;
mod sync;
mod target;
mod workload;

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail, ensure};
use clap::{Parser, Subcommand};
use scim_server::serve::shutdown_signal;
use serde::Serialize;

use crate::load::Measured;

/// As the servers that it measures, so that what h is made of has the same.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Loads a SCIM 2.0 service as identity providers do, and measures it
#[derive(Parser)]
#[command(version, propagate_version = true)]
struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Fill a server with a population, and read it back
    Seed(mixed::SeedOptions),
    /// Load a server with what identity providers ask, mixed, and hold everything against what was answered
    Run(mixed::RunOptions),
    /// Measure single requests at several numbers of users, and hold each against a constant answer
    Steps(steps::Options),
    /// Measure the first synchronisation of a customer: filter, create, groups, memberships
    Sync(sync::Options),
    /// Load two scim-directory on one database while one of them is killed again and again
    Kill(kill::Options),
    /// Measure everything and write docs/benchmarks.md, benchmarks.json and the charts
    Report(report::Options),
    /// Draw latency against the number of users
    Chart(report::ChartOptions),
    /// Answer every request with the same bytes: what the HTTP server does with no work behind it
    Constant(constant::Options),
}

fn main() -> ExitCode {
    match run(Options::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<()> {
    // As many threads as `scim-directory` has for the server that it is held against; one for the generator, which
    // leaves the other cores to the server.
    let is_constant = matches!(command, Command::Constant(_));
    let mut runtime = if is_constant {
        tokio::runtime::Builder::new_multi_thread()
    } else {
        tokio::runtime::Builder::new_current_thread()
    };
    runtime.enable_all().build()?.block_on(async {
        let working = async {
            match command {
                Command::Seed(options) => mixed::seed(&options).await,
                Command::Run(options) => mixed::run(&options).await,
                Command::Sync(options) => sync::run(&options).await,
                Command::Kill(options) => kill::run(&options).await,
                Command::Report(options) => report::run(&options).await,
                Command::Chart(options) => report::chart(&options),
                Command::Steps(options) => steps::run(&options).await,
                Command::Constant(options) => constant::run(options).await,
            }
        };
        // It ends when it is asked to, and that is no failure.
        if is_constant {
            return working.await;
        }
        tokio::select! {
            done = working => done,
            // What was started and kept for the time goes with this.
            () = shutdown_signal() => bail!("interrupted"),
        }
    })
}

/// Writes figures as JSON to a file, or to standard output.
pub(crate) fn write_json(out: Option<&Path>, figures: &impl Serialize) -> Result<()> {
    let mut json = serde_json::to_vec_pretty(figures)?;
    json.push(b'\n');
    match out {
        Some(file) => {
            std::fs::write(file, json).with_context(|| format!("{} cannot be written", file.display()))
        }
        None => Ok(std::io::stdout().write_all(&json)?),
    }
}

/// An error if something was not answered, or not as it must be.
pub(crate) fn fail_if_wrong<'a>(steps: impl Iterator<Item = (&'a String, &'a Measured)>) -> Result<()> {
    let wrong: Vec<_> = steps
        .filter(|(_, measured)| !measured.is_right())
        .map(|(name, measured)| format!("{name}: {}", measured.complaints.join("; ")))
        .collect();
    ensure!(wrong.is_empty(), "not everything was answered as it must be: {}", wrong.join(" | "));
    Ok(())
}
