//! What was measured, as it is kept in `docs/benchmarks.json`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::builds::Builds;
use super::bulk::Bulk;
use super::disk::Disk;
use super::micro::Micro;
use super::peers::{Parsers, Peers};
use crate::steps::{AtSize, Figures, Settings};
use crate::{kill, sync};

/// All figures. Each part is measured by itself, and stays until it is measured again.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Report {
    #[serde(default)]
    pub(crate) stores: BTreeMap<String, Part<Store>>,
    #[serde(default)]
    pub(crate) disk: Option<Part<Disk>>,
    #[serde(default)]
    pub(crate) bulk: Option<Part<Bulk>>,
    #[serde(default)]
    pub(crate) micro: Option<Part<Micro>>,
    #[serde(default)]
    pub(crate) builds: Option<Part<Builds>>,
    #[serde(default)]
    pub(crate) sync: Option<Part<sync::Figures>>,
    #[serde(default)]
    pub(crate) kill: Option<Part<kill::Figures>>,
    #[serde(default)]
    pub(crate) peers: Option<Part<Peers>>,
    #[serde(default)]
    pub(crate) peer_parsers: Option<Part<Parsers>>,
}

/// Figures, and under which circumstances they came about.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Part<T> {
    pub(crate) when: String,
    pub(crate) machine: String,
    /// What else the machine was doing: its load average before.
    pub(crate) load: Option<f64>,
    pub(crate) commit: Option<String>,
    pub(crate) figures: T,
}

/// The figures of one store.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Store {
    pub(crate) settings: Settings,
    pub(crate) sizes: Vec<AtSize>,
    /// How a server starts over what is there at the end.
    pub(crate) start: Option<Start>,
}

/// How a server starts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Start {
    pub(crate) users: usize,
    /// Milliseconds until the first answer, the middle one of several starts.
    pub(crate) milliseconds: f64,
    /// Its memory in MiB after that answer.
    pub(crate) memory: Option<f64>,
}

impl Report {
    pub(crate) fn store(&self, name: &str) -> Option<&Store> {
        self.stores.get(name).map(|part| &part.figures)
    }
}

impl Store {
    /// A step at a number of users.
    pub(crate) fn at(&self, users: usize, step: &str) -> Option<&Figures> {
        self.sizes.iter().find(|size| size.users == users)?.steps.get(step)
    }

    /// A step at each number of users that it was measured at, in ascending order.
    pub(crate) fn series<'a>(
        &'a self,
        step: &'a str,
    ) -> impl DoubleEndedIterator<Item = (usize, &'a Figures)> {
        self.sizes.iter().filter_map(move |size| Some((size.users, size.steps.get(step)?)))
    }

    /// The largest number of users that was measured.
    pub(crate) fn largest(&self) -> usize {
        self.sizes.iter().map(|size| size.users).max().unwrap_or_default()
    }
}
