//! The comparison with peers, one load for all: servers and parsers of filters that others have made, and ours, measured
//! elsewhere in one run. Here its figures are read and kept.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Part;

/// What our server is called in the file of `--peers`.
pub(crate) const OUR_SERVER: &str = "scim-directory";
/// What our parser is called in the file of `--peer-parsers`.
pub(crate) const OUR_PARSER: &str = "ours";

/// Servers under one load.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Peers {
    /// The number of users that the directories grow to, and of members of the group.
    pub(crate) users: usize,
    pub(crate) connections: usize,
    pub(crate) servers: BTreeMap<String, Server>,
}

/// One server: ours, or a peer.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Server {
    pub(crate) version: Option<String>,
    pub(crate) language: Option<String>,
    /// By the name of the step and the number of users, such as `get@1000`.
    pub(crate) steps: BTreeMap<String, Step>,
    /// MiB, by what was in the directory, such as `10000`, or `end`.
    pub(crate) memory: BTreeMap<String, f64>,
}

/// How a server did a step.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Step {
    /// Answers per second, and the middle latency in microseconds; none if the step was not tried further.
    pub(crate) rate: Option<f64>,
    pub(crate) p50: Option<f64>,
    /// What was wrong with the answers, or with what they left behind: the step counts for nothing.
    pub(crate) wrong: Option<String>,
}

impl Step {
    /// Answers per second, if they were right.
    pub(crate) fn right_rate(&self) -> Option<f64> {
        self.rate.filter(|rate| self.wrong.is_none() && *rate > 0.0)
    }
}

impl Peers {
    /// How our server did a step.
    pub(crate) fn ours(&self, step: &str) -> Option<&Step> {
        self.servers.get(OUR_SERVER)?.steps.get(step)
    }

    /// The peer that did a step right, and at the highest rate.
    pub(crate) fn fastest(&self, step: &str) -> Option<(&str, f64)> {
        let peers = self.servers.iter().filter(|(name, _)| *name != OUR_SERVER);
        peers
            .filter_map(|(name, server)| Some((name.as_str(), server.steps.get(step)?.right_rate()?)))
            .max_by(|a, b| a.1.total_cmp(&b.1))
    }
}

/// The file of `--peers`.
#[derive(Debug, Deserialize)]
struct ServersFile {
    when: DateTime<Utc>,
    cores: usize,
    scale: usize,
    conns: usize,
    load_avg_start: Vec<f64>,
    targets: BTreeMap<String, BTreeMap<String, Entry>>,
    #[serde(default)]
    about: BTreeMap<String, About>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Entry {
    Memory(f64),
    Step { rps: Option<f64>, p50_us: Option<f64>, wrong: Option<String> },
}

#[derive(Debug, Default, Deserialize)]
struct About {
    version: Option<String>,
    language: Option<String>,
}

/// Reads the file of `--peers`; the circumstances are those of the run, as far as the file tells them.
pub(crate) fn read_servers(path: &Path, here: &Part<()>) -> Result<Part<Peers>> {
    let file: ServersFile = serde_json::from_slice(&bytes(path)?)
        .with_context(|| format!("{} has no figures of servers under one load", path.display()))?;
    servers(file, here).with_context(|| format!("{} cannot be used", path.display()))
}

fn servers(file: ServersFile, here: &Part<()>) -> Result<Part<Peers>> {
    ensure!(file.targets.contains_key(OUR_SERVER), "none of its servers is called `{OUR_SERVER}`");
    ensure!(file.targets.len() > 1, "it has no server of others");
    let mut about = file.about;
    let servers = file.targets.into_iter().map(|(name, entries)| {
        let About { version, language } = about.remove(&name).unwrap_or_default();
        let mut server = Server { version, language, ..Server::default() };
        for (key, entry) in entries {
            match entry {
                Entry::Memory(mib) => {
                    let at = key.strip_prefix("rss_mib@").unwrap_or(&key).to_owned();
                    server.memory.insert(at, mib);
                }
                Entry::Step { rps, p50_us, wrong } => {
                    server.steps.insert(key, Step { rate: rps, p50: p50_us, wrong });
                }
            }
        }
        (name, server)
    });
    let peers = Peers { users: file.scale, connections: file.conns, servers: servers.collect() };
    let processor = here.machine.split_once(", ").map_or("", |(_, processor)| processor);
    Ok(Part {
        when: file.when.format("%-d %B %Y").to_string(),
        machine: format!("{} cores, {processor}", file.cores),
        load: file.load_avg_start.first().copied(),
        ..here.with(peers)
    })
}

/// Median nanoseconds of each parser for each filter; none for a filter that it rejects.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Parsers {
    pub(crate) nanos: BTreeMap<String, Vec<Option<f64>>>,
    /// Whether ours was measured in the same process as the others, and not just after.
    pub(crate) is_one_process: bool,
}

impl Parsers {
    /// How long our parser takes for a filter, and the fastest of the others that accept it.
    pub(crate) fn pair(&self, filter: usize) -> Option<(f64, &str, f64)> {
        let of = |nanos: &Vec<Option<f64>>| nanos.get(filter - 1).copied().flatten();
        let others = self.nanos.iter().filter(|(name, _)| *name != OUR_PARSER);
        let (name, fastest) = others
            .filter_map(|(name, nanos)| Some((name.as_str(), of(nanos)?)))
            .min_by(|a, b| a.1.total_cmp(&b.1))?;
        Some((self.nanos.get(OUR_PARSER).and_then(of)?, name, fastest))
    }

    /// How many filters there are.
    pub(crate) fn filters(&self) -> usize {
        self.nanos.values().map(Vec::len).max().unwrap_or_default()
    }
}

/// The file of `--peer-parsers`.
#[derive(Debug, Deserialize)]
struct ParsersFile {
    filters_ns: Vec<BTreeMap<String, Value>>,
}

/// Reads the file of `--peer-parsers`. If our parser is not in it, `measure` says how long it takes for each filter.
pub(crate) fn read_parsers(path: &Path, measure: impl FnOnce() -> Result<Vec<f64>>) -> Result<Parsers> {
    let file: ParsersFile = serde_json::from_slice(&bytes(path)?)
        .with_context(|| format!("{} has no figures of parsers", path.display()))?;
    let mut nanos: BTreeMap<String, Vec<Option<f64>>> = BTreeMap::new();
    let filters = file.filters_ns.len();
    for (at, parsers) in file.filters_ns.into_iter().enumerate() {
        for (name, parsed) in parsers {
            // The length of the filter stands among them, and text for what is rejected.
            if name == "len" || parsed.is_string() {
                continue;
            }
            let time = parsed
                .as_f64()
                .with_context(|| format!("{}: filter {} of `{name}` has no time", path.display(), at + 1))?;
            let times = nanos.entry(name).or_insert_with(|| vec![None; filters]);
            times.get_mut(at).context("there are more filters")?.replace(time);
        }
    }
    ensure!(nanos.keys().any(|name| name != OUR_PARSER), "{} has no parser of others", path.display());
    let is_one_process = nanos.contains_key(OUR_PARSER);
    if !is_one_process {
        let ours = measure()?;
        ensure!(
            ours.len() == filters,
            "{} is about {filters} filters, not {} as here",
            path.display(),
            ours.len()
        );
        nanos.insert(OUR_PARSER.to_owned(), ours.into_iter().map(Some).collect());
    }
    Ok(Parsers { nanos, is_one_process })
}

fn bytes(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// What a run leaves behind when three servers took part.
    pub(crate) const SERVERS: &str = r#"{
        "when": "2026-11-22T03:00:00Z", "cores": 2, "scale": 10000, "conns": 8, "load_avg_start": [0.25, 0.5, 1.0],
        "load_avg_end": [1.0, 1.0, 1.0],
        "targets": {
            "scim-directory": {
                "rss_mib@0": 8.5,
                "create@1000..10000": {"done": 9000, "rps": 20000.0, "p50_us": 218.0, "p90_us": 300.0, "p99_us": 5697.0, "max_us": 9000.0, "bytes_per": 908},
                "filter_eq@10000": {"done": 2000, "rps": 33000.0, "p50_us": 122.0},
                "group_add1@10000": {"done": 1000, "rps": 7500.0, "p50_us": 70.0},
                "group_del1@10000": {"done": 1000, "rps": 9000.0, "p50_us": 71.0},
                "rss_mib@end": 42.0
            },
            "slow": {
                "rss_mib@0": 50.0,
                "filter_eq@10000": {"done": 2000, "rps": 220.0, "p50_us": 35000.0},
                "group_add1@10000": {"done": 36, "rps": 0.6, "p50_us": 1600000.0},
                "group_del1@10000": {"done": 30, "rps": 0.5, "p50_us": 2100000.0}
            },
            "wrong": {
                "filter_eq@10000": {"done": 2000, "rps": 90000.0, "p50_us": 1.0, "wrong": "status {'501': 2000} | errors 0"},
                "group_create@10000": {"wrong": "POST group of 10000: 413 `too\nlarge`"},
                "group_add1@10000": {"done": 1000, "rps": 0.0, "p50_us": 0.0}
            }
        },
        "about": {"slow": {"version": "1.2.3, host 4", "language": "Python 3"}, "scim-directory": {"language": "Rust"}}
    }"#;

    pub(crate) const PARSERS: &str = r#"{
        "filters_ns": [
            {"len": 15, "first": 300.0, "second": 1100, "ours": 60.0},
            {"len": 8, "first": "REJECTED", "second": 500.5, "ours": 50.0}
        ],
        "first: a and b or c": "a and (b or c)"
    }"#;

    pub(crate) fn in_file<T>(json: &str, read: impl FnOnce(&Path) -> T) -> T {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("figures.json");
        std::fs::write(&file, json).unwrap();
        read(&file)
    }

    pub(crate) fn here() -> Part<()> {
        Part {
            when: "1 January 2027".to_owned(),
            machine: "64 cores, A Processor, linux".to_owned(),
            load: Some(9.0),
            commit: Some("0123456789".to_owned()),
            figures: (),
        }
    }

    #[test]
    fn circumstances_are_those_of_the_run() {
        let part = in_file(SERVERS, |file| read_servers(file, &here())).unwrap();
        let seen = (part.when.as_str(), part.machine.as_str(), part.load);
        assert_eq!(seen, ("22 November 2026", "2 cores, A Processor, linux", Some(0.25)));
        let slow = &part.figures.servers["slow"];
        let about = (slow.version.as_deref(), slow.language.as_deref(), slow.memory.get("0"));
        assert_eq!(about, (Some("1.2.3, host 4"), Some("Python 3"), Some(&50.0)));
        let kept = serde_json::to_string(&part).unwrap();
        let again: Part<Peers> = serde_json::from_str(&kept).unwrap();
        assert_eq!(serde_json::to_string(&again).unwrap(), kept, "what is kept is read again");
    }

    #[test]
    fn what_is_wrong_counts_for_nothing() {
        let peers = in_file(SERVERS, |file| read_servers(file, &here())).unwrap().figures;
        assert_eq!(peers.fastest("filter_eq@10000"), Some(("slow", 220.0)), "neither wrong ones nor ours");
        assert_eq!(peers.fastest("group_add1@10000"), Some(("slow", 0.6)), "a rate of nothing is none");
        assert_eq!(peers.fastest("group_create@10000"), None);
        assert_eq!(peers.ours("filter_eq@10000").and_then(Step::right_rate), Some(33000.0));
    }

    #[test]
    fn other_files_are_refused_by_name() {
        let nobody = SERVERS.replace("\"slow\"", "\"scim-directory2\"").replace("scim-directory\"", "else\"");
        for (json, complaint) in [
            ("{}", "has no figures of servers"),
            (PARSERS, "has no figures of servers"),
            (nobody.as_str(), "none of its servers is called `scim-directory`"),
        ] {
            let error = in_file(json, |file| read_servers(file, &here())).unwrap_err();
            let error = format!("{error:#}");
            assert!(error.contains(complaint) && error.contains("figures.json"), "{error}");
        }
        let error = in_file(SERVERS, |file| read_parsers(file, || Ok(Vec::new()))).unwrap_err();
        assert!(error.to_string().contains("has no figures of parsers"), "{error}");
    }

    #[test]
    fn parsers_that_reject_a_filter_are_not_compared_for_it() {
        let unused = || anyhow::bail!("ours is in the file");
        let parsers = in_file(PARSERS, |file| read_parsers(file, unused)).unwrap();
        assert!(parsers.is_one_process);
        let pairs = [1, 2, 3].map(|filter| parsers.pair(filter));
        assert_eq!(pairs, [Some((60.0, "first", 300.0)), Some((50.0, "second", 500.5)), None]);
    }

    #[test]
    fn our_parser_is_measured_if_it_is_not_in_the_file() {
        let others = PARSERS.replace("\"ours\"", "\"third\"");
        let parsers = in_file(&others, |file| read_parsers(file, || Ok(vec![70.0, 80.0]))).unwrap();
        assert!(!parsers.is_one_process);
        assert_eq!(parsers.pair(2), Some((80.0, "third", 50.0)));
        let error = in_file(&others, |file| read_parsers(file, || Ok(vec![70.0]))).unwrap_err();
        assert!(error.to_string().contains("2 filters, not 1"), "{error}");
    }
}
