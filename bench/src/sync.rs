//! The first synchronisation of a new customer, as Entra ID does it: ask for each person, create them, the same with
//! groups, then the memberships one by one.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Result, ensure};
use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::client::Answer;
use crate::directory::{for_each, id_of};
use crate::load::{self, Amount, Measured, Plan};
use crate::population::{GROUP, Population, filter, patch};
use crate::process::memory;
use crate::progress::Progress;
use crate::subject::SubjectOptions;
use crate::target::Target;

/// Options of `sync`.
#[derive(Args, Debug)]
pub(crate) struct Options {
    #[command(flatten)]
    subject: SubjectOptions,
    #[command(flatten)]
    settings: Settings,
    /// File that the figures are written to; default: standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// How much is synchronised.
#[derive(Args, Clone, Debug)]
pub(crate) struct Settings {
    /// How many people
    #[arg(id = "sync_users", long = "users", default_value_t = 50_000)]
    pub(crate) users: usize,
    /// How many groups
    #[arg(id = "sync_groups", long = "groups", default_value_t = 1000)]
    pub(crate) groups: usize,
    /// In how many groups each person is
    #[arg(id = "sync_memberships", long = "memberships", default_value_t = 2)]
    pub(crate) memberships: usize,
    /// How many connections the identity provider has
    #[arg(id = "sync_connections", long = "connections", default_value_t = 8)]
    pub(crate) connections: usize,
}

/// What a synchronisation came to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Figures {
    pub(crate) users: usize,
    pub(crate) groups: usize,
    pub(crate) memberships: usize,
    pub(crate) phases: Vec<Phase>,
    /// The most memory that the server had, in MiB.
    pub(crate) memory: Option<f64>,
    /// What was not there when everything was read back.
    pub(crate) wrong: Vec<String>,
}

/// One part of a synchronisation.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Phase {
    pub(crate) name: String,
    pub(crate) measured: Measured,
    /// Requests per second in each tenth of the requests.
    pub(crate) tenths: Vec<f64>,
}

impl Phase {
    /// The rate of the last tenth as a part of the first one's.
    pub(crate) fn flatness(&self) -> Option<f64> {
        match (self.tenths.first(), self.tenths.last()) {
            (Some(&first), Some(&last)) if first > 0.0 => Some(last / first),
            _ => None,
        }
    }
}

pub(crate) async fn run(options: &Options) -> Result<()> {
    let subject = options.subject.open().await?;
    let figures = synchronise(&subject.target, subject.pid, &options.settings).await?;
    crate::write_json(options.out.as_deref(), &figures)?;
    subject.close().await?;
    ensure!(figures.wrong.is_empty(), "not everything is there: {}", figures.wrong.join("; "));
    crate::fail_if_wrong(figures.phases.iter().map(|phase| (&phase.name, &phase.measured)))
}

/// Synchronises a population into an empty server and reads it back.
pub(crate) async fn synchronise(target: &Target, pid: Option<u32>, settings: &Settings) -> Result<Figures> {
    let population = Population::new(50);
    let mut figures = Figures {
        users: settings.users,
        groups: settings.groups,
        memberships: settings.users.saturating_mul(settings.memberships),
        phases: Vec::new(),
        memory: None,
        wrong: Vec::new(),
    };
    let mut users = Matching::new(Kind::User, population, settings.users);
    figures.phases.push(phase("people: filter, create", target, settings, &mut users).await?);
    let mut groups = Matching::new(Kind::Group, population, settings.groups);
    figures.phases.push(phase("groups: filter, create", target, settings, &mut groups).await?);
    let mut memberships = Memberships {
        users: users.ids,
        groups: groups.ids,
        each: settings.memberships,
        tenths: Tenths::default(),
    };
    figures.phases.push(phase("memberships", target, settings, &mut memberships).await?);
    figures.memory = pid.and_then(memory).map(|(_, most)| most);
    figures.wrong = read_back(target, &memberships).await?;
    Ok(figures)
}

async fn phase<P: Plan + Timed>(
    name: &str,
    target: &Target,
    settings: &Settings,
    plan: &mut P,
) -> Result<Phase> {
    let total = plan.total();
    plan.tenths().start(total);
    let progress = Progress::new(name, Some(total));
    let measured = load::run(target, Amount::requests(settings.connections, total), plan, &progress).await?;
    ensure!(measured.is_right(), "{name}: {}", measured.complaints.join("; "));
    Ok(Phase { name: name.to_owned(), measured, tenths: plan.tenths().rates() })
}

async fn read_back(target: &Target, told: &Memberships) -> Result<Vec<String>> {
    let mut wrong = Vec::new();
    let users = for_each(target, "/Users?attributes=userName", |_| Ok(())).await?;
    if users != told.users.len() {
        wrong.push(format!("{users} users, not {}", told.users.len()));
    }
    let mut members = 0_usize;
    let groups = for_each(target, "/Groups?attributes=members.value", |group| {
        members = members.saturating_add(group.get("members").and_then(Value::as_array).map_or(0, Vec::len));
        Ok(())
    });
    let groups = groups.await?;
    if groups != told.groups.len() {
        wrong.push(format!("{groups} groups, not {}", told.groups.len()));
    }
    if members as u64 != told.total() {
        wrong.push(format!("{members} memberships, not {}", told.total()));
    }
    Ok(wrong)
}

/// A plan that knows how far it is.
trait Timed {
    fn total(&self) -> u64;
    fn tenths(&mut self) -> &mut Tenths;
}

/// When each tenth of the requests was answered.
#[derive(Debug, Default)]
struct Tenths {
    total: u64,
    done: u64,
    ends: Vec<(u64, Instant)>,
}

impl Tenths {
    fn start(&mut self, total: u64) {
        *self = Self { total, done: 0, ends: vec![(0, Instant::now())] };
    }

    fn answered(&mut self) {
        self.done = self.done.saturating_add(1);
        if self.done.saturating_mul(10) >= self.total.saturating_mul(self.ends.len() as u64) {
            self.ends.push((self.done, Instant::now()));
        }
    }

    fn rates(&self) -> Vec<f64> {
        let pairs = self.ends.iter().zip(self.ends.iter().skip(1));
        pairs.map(|(from, to)| (to.0 - from.0) as f64 / (to.1 - from.1).as_secs_f64().max(1e-9)).collect()
    }
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    User,
    Group,
}

/// Asks for each of them and creates them.
struct Matching {
    kind: Kind,
    population: Population,
    ids: Vec<Box<str>>,
    tenths: Tenths,
}

/// So many are asked for before they are created: a creation never overtakes the question.
const BLOCK: u64 = 1024;

impl Matching {
    fn new(kind: Kind, population: Population, count: usize) -> Self {
        Self { kind, population, ids: vec!["".into(); count], tenths: Tenths::default() }
    }

    /// Who it is about, and whether they are to be created.
    fn step(&self, number: u64) -> (usize, bool) {
        let count = self.ids.len() as u64;
        let first = number / (2 * BLOCK) * BLOCK;
        let in_block = count.saturating_sub(first).min(BLOCK);
        let rest = number % (2 * BLOCK);
        let is_creation = rest >= in_block;
        let n = first.saturating_add(if is_creation { rest - in_block } else { rest });
        (n as usize, is_creation)
    }
}

impl Plan for Matching {
    fn write(&mut self, number: u64, target: &Target, out: &mut Vec<u8>) -> bool {
        let (n, is_creation) = self.step(number);
        let population = self.population;
        match (self.kind, is_creation) {
            (Kind::User, false) => {
                let text = filter(&format!(r#"userName eq "{}""#, population.user_name(n)));
                target.bare(out, "GET", format_args!("/Users?filter={text}"));
            }
            (Kind::User, true) => {
                let mut body = Vec::new();
                population.write_user(n, &mut body);
                target.with_body(out, "POST", format_args!("/Users"), &body);
            }
            (Kind::Group, false) => {
                let text = filter(&format!(r#"displayName eq "{}""#, population.group_name(n)));
                let path = format_args!("/Groups?excludedAttributes=members&filter={text}");
                target.bare(out, "GET", path);
            }
            (Kind::Group, true) => {
                let name = population.group_name(n);
                let body = format!(r#"{{"schemas":["{GROUP}"],"displayName":"{name}","externalId":"g{n}"}}"#);
                target.with_body(out, "POST", format_args!("/Groups"), body.as_bytes());
            }
        }
        true
    }

    fn check(&mut self, number: u64, answer: Answer<'_>) -> Result<()> {
        self.tenths.answered();
        let (n, is_creation) = self.step(number);
        if is_creation {
            let id = id_of(&answer.expect(201)?)?;
            if let Some(slot) = self.ids.get_mut(n) {
                *slot = id.into();
            }
            return Ok(());
        }
        let list: Value = answer.expect(200)?.json()?;
        ensure!(list.get("totalResults") == Some(&0.into()), "somebody was there before: {}", answer.text());
        Ok(())
    }
}

impl Timed for Matching {
    fn total(&self) -> u64 {
        2 * self.ids.len() as u64
    }

    fn tenths(&mut self) -> &mut Tenths {
        &mut self.tenths
    }
}

/// Puts each person into some groups.
struct Memberships {
    users: Vec<Box<str>>,
    groups: Vec<Box<str>>,
    each: usize,
    tenths: Tenths,
}

impl Plan for Memberships {
    fn write(&mut self, number: u64, target: &Target, out: &mut Vec<u8>) -> bool {
        let (users, groups) = (self.users.len().max(1), self.groups.len().max(1));
        let number = number as usize;
        let (round, user) = (number / users, number % users);
        // Others in each round, spread over all groups.
        let group = user.wrapping_mul(7919).wrapping_add(round) % groups;
        let id = self.users.get(user).map_or("", |id| id);
        let group = self.groups.get(group).map_or("", |id| id);
        let body = patch(format_args!(r#"{{"op":"Add","path":"members","value":[{{"value":"{id}"}}]}}"#));
        target.with_body(out, "PATCH", format_args!("/Groups/{group}"), body.as_bytes());
        true
    }

    fn check(&mut self, _number: u64, answer: Answer<'_>) -> Result<()> {
        self.tenths.answered();
        ensure!(matches!(answer.status, 200 | 204), "{}", answer.text());
        Ok(())
    }
}

impl Timed for Memberships {
    fn total(&self) -> u64 {
        if self.groups.is_empty() { 0 } else { (self.users.len() * self.each) as u64 }
    }

    fn tenths(&mut self) -> &mut Tenths {
        &mut self.tenths
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_is_asked_for_before_they_are_created() {
        for count in [1, 63, 1023, 1024, 1025, 5000] {
            let plan = Matching::new(Kind::User, Population::new(1), count);
            let steps: Vec<_> = (0..plan.total()).map(|number| plan.step(number)).collect();
            for n in 0..count {
                let asked = steps.iter().position(|step| *step == (n, false)).unwrap();
                let created = steps.iter().position(|step| *step == (n, true)).unwrap();
                assert!(asked < created, "{n} of {count}");
            }
        }
    }
}
