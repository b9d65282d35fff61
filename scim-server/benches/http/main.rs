//! What a request over HTTP costs, beside a server that answers the same bytes with no work (`h`), and how that grows with
//! the directory.
//!
//!     cargo bench -p scim-server --features serve --bench http -- --users 1000,1000000 --seconds 2
//!
//! Each step runs in turns against the service and against hyper with a constant answer: the same connections, the same
//! requests, the same bytes. `rps/h` compares requests per second; `cpu/h` compares the time that the server's thread
//! was on a processor for a request, which other load on the machine disturbs less. `--layers` puts the layers of
//! `scim-directory` around the service, `--only WORD` runs the steps whose name has that word, `--connections N`;
//! `--direct N` asks the service N times without HTTP in between: for profilers.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod client;
mod direct;
mod servers;
mod steps;
mod world;

use std::time::Duration;

use client::{Load, Outcome};
use servers::Server;
use steps::{Step, steps};
use world::World;

struct Options {
    users: Vec<usize>,
    seconds: f64,
    connections: usize,
    only: String,
    layers: bool,
    groups: bool,
    direct: Option<usize>,
}

impl Options {
    fn from_args() -> Self {
        let mut options = Self {
            users: vec![1_000, 10_000],
            seconds: 1.0,
            connections: 8,
            only: String::new(),
            layers: false,
            groups: true,
            direct: None,
        };
        let mut args = std::env::args().skip(1);
        while let Some(arg) = args.next() {
            let mut value = || args.next().unwrap_or_else(|| panic!("{arg} needs a value"));
            match arg.as_str() {
                "--users" => options.users = value().split(',').map(|n| n.parse().unwrap()).collect(),
                "--seconds" => options.seconds = value().parse().unwrap(),
                "--connections" => options.connections = value().parse().unwrap(),
                "--only" => options.only = value(),
                "--direct" => options.direct = Some(value().parse().unwrap()),
                "--layers" => options.layers = true,
                "--no-groups" => options.groups = false,
                // What cargo adds.
                _ => {}
            }
        }
        options
    }
}

/// How often the two servers take turns in one step.
const TURNS: u32 = 3;

fn main() {
    let options = Options::from_args();
    println!(
        "{:>9}  {:28} {:>9} {:>8} {:>8} {:>8} {:>8} {:>8} {:>7} {:>7} {:>7}",
        "users", "step", "req/s", "h req/s", "p50 us", "p99 us", "p99.9", "cpu us", "h cpu", "rps/h", "cpu/h"
    );
    let mut world = World::new();
    for users in &options.users {
        world.grow(*users);
        let most = if options.groups { *users } else { 0 };
        for step in steps(&mut world, most) {
            if !step.name.contains(&options.only) {
                continue;
            }
            match options.direct {
                Some(times) => direct::run(&world, &step, times),
                None => run(&options, &world, &step),
            }
        }
    }
}

fn run(options: &Options, world: &World, step: &Step) {
    let server = Server::scim(world.store.clone(), options.layers);
    let sample = client::once(server.address, &step.sample);
    assert_eq!(sample.status, step.status, "{}: {}", step.name, String::from_utf8_lossy(&sample.body));
    let constant = Server::constant(&sample);
    let time = Duration::from_secs_f64(options.seconds / f64::from(TURNS));
    let (mut ours, mut theirs) = (Outcome::default(), Outcome::default());
    // Once to warm up; requests that can be sent only once stay unsent.
    let mut load = Load::new(step, options.connections);
    for _ in 0..TURNS {
        ours.add(load.run(&server, time, Some(step.status)));
        theirs.add(load.run_constant(&constant, time));
    }
    let (cpu, h_cpu) = (ours.cpu_micros(), theirs.cpu_micros());
    println!(
        "{:>9}  {:28} {:>9.0} {:>8.0} {:>8.0} {:>8.0} {:>8.0} {:>8.1} {:>7.1} {:>7.2} {:>7.2}",
        world.users,
        step.name,
        ours.per_second(),
        theirs.per_second(),
        ours.micros(0.5),
        ours.micros(0.99),
        ours.micros(0.999),
        cpu,
        h_cpu,
        ours.per_second() / theirs.per_second(),
        h_cpu / cpu,
    );
}
