//! How long the crates take to build from nothing, optimised.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};

/// Seconds of cold release builds; what is downloaded is there already.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Builds {
    /// The server core without SQL: `scim-server` with the features `memory` and `serve`.
    pub(crate) server: f64,
    pub(crate) filter: f64,
}

pub(crate) fn measure(folder: &Path) -> Result<Builds> {
    Ok(Builds {
        filter: build(folder, "scim-filter", &[])?,
        server: build(folder, "scim-server", &["--no-default-features", "--features", "memory,serve"])?,
    })
}

fn build(folder: &Path, package: &str, features: &[&str]) -> Result<f64> {
    let target = folder.join(format!("target-{package}"));
    let cargo = std::env::var_os("CARGO").context("cold builds are only measured where cargo runs this")?;
    let mut command = Command::new(cargo);
    command.args(["build", "--quiet", "--release", "-p", package]).args(features);
    command.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).env("CARGO_TARGET_DIR", &target);
    let started = Instant::now();
    let status = command.status()?;
    let took = started.elapsed().as_secs_f64();
    ensure!(status.success(), "{package} cannot be built");
    std::fs::remove_dir_all(&target)?;
    Ok(took)
}
