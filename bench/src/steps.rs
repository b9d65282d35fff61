//! Single steps, each measured alone: against the server, and against a constant server that answers the same bytes.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::client::{Answer, Connection};
use crate::constant::{self, Recorded};
use crate::directory::{Directory, for_each};
use crate::load::{self, Amount, Measured, Plan};
use crate::population::{Population, filter};
use crate::process::memory;
use crate::progress::Progress;
use crate::requests::{self, Reading};
use crate::subject::SubjectOptions;
use crate::target::Target;

/// Options of `steps`.
#[derive(Args, Debug)]
pub(crate) struct Options {
    #[command(flatten)]
    subject: SubjectOptions,
    #[command(flatten)]
    pub(crate) settings: Settings,
    /// File that the figures are written to; default: standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// How steps are measured.
#[derive(Args, Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Settings {
    /// Numbers of users to measure at, in ascending order
    #[arg(long, value_delimiter = ',', default_value = "1000,10000")]
    pub(crate) sizes: Vec<usize>,
    /// For how many seconds each step is measured
    #[arg(long, default_value_t = 3.0)]
    pub(crate) seconds: f64,
    /// How many connections ask at once
    #[arg(long, default_value_t = 64)]
    pub(crate) connections: usize,
    /// How many connections create at once
    #[arg(long, default_value_t = 64)]
    pub(crate) writers: usize,
    /// Sizes of groups that members are added to and removed from, where there are enough users
    #[arg(long, value_delimiter = ',', default_value = "10,1000,100000")]
    pub(crate) groups: Vec<usize>,
    /// What the population is made from: the same number gives the same people
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Leave out the constant server that each step is held against
    #[arg(long)]
    pub(crate) without_h: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            sizes: vec![1000, 10_000],
            seconds: 3.0,
            connections: 64,
            writers: 64,
            groups: vec![10, 1000, 100_000],
            seed: 1,
            without_h: false,
        }
    }
}

impl Settings {
    pub(crate) fn time(&self) -> Duration {
        Duration::from_secs_f64(self.seconds.clamp(0.01, 3600.0))
    }
}

/// The figures of one number of users.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct AtSize {
    pub(crate) users: usize,
    /// What the code was, where `report` has measured it.
    #[serde(default)]
    pub(crate) commit: Option<String>,
    /// The server's memory in MiB, once so many users were there, before the steps.
    pub(crate) memory_before: Option<f64>,
    /// The same after the steps.
    pub(crate) memory_after: Option<f64>,
    pub(crate) steps: BTreeMap<String, Figures>,
}

/// The figures of one step.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Figures {
    pub(crate) measured: Measured,
    /// The same requests against a constant server.
    pub(crate) h: Option<Measured>,
}

impl Figures {
    /// The rate as a part of h.
    pub(crate) fn ratio(&self) -> Option<f64> {
        self.h.as_ref().filter(|h| h.rate > 0.0).map(|h| self.measured.rate / h.rate)
    }
}

/// How many users a step creates at most.
const MOST_CREATED: usize = 20_000;
/// How many answers are looked at again after a step that writes.
const READ_BACK: usize = 50;

pub(crate) async fn run(options: &Options) -> Result<()> {
    let subject = options.subject.open().await?;
    let mut directory = Directory::read(&subject.target, Population::new(options.settings.seed)).await?;
    let figures =
        measure(&subject.target, subject.pid, &options.settings, &mut directory, &mut |_| Ok(())).await?;
    crate::write_json(options.out.as_deref(), &figures)?;
    subject.close().await?;
    crate::fail_if_wrong(
        figures.iter().flat_map(|size| size.steps.iter()).map(|(name, f)| (name, &f.measured)),
    )
}

/// Measures all steps at all sizes; `after_each` sees the figures after each size.
pub(crate) async fn measure(
    target: &Target,
    pid: Option<u32>,
    settings: &Settings,
    directory: &mut Directory,
    after_each: &mut dyn FnMut(&[AtSize]) -> Result<()>,
) -> Result<Vec<AtSize>> {
    let folder = tempfile::tempdir()?;
    let now = || pid.and_then(memory).map(|(now, _)| now);
    let mut sizes = Vec::new();
    let begin = directory.ids.len();
    let mut wanted: Vec<usize> = settings.sizes.iter().map(|&users| users.max(begin)).collect();
    if begin == 0 {
        wanted.insert(0, 0);
    }
    wanted.dedup();
    for (at, &users) in wanted.iter().enumerate() {
        let next = wanted.get(at.saturating_add(1)).copied();
        directory.fill(target, users).await?;
        ensure!(directory.ids.len() == users, "there are already {} users, not {users}", directory.ids.len());
        let mut bench =
            Bench { target, settings, folder: folder.path(), at: AtSize { users, ..AtSize::default() } };
        bench.at.memory_before = now();
        if users > 0 {
            bench.read(directory).await?;
            bench.patch(directory).await?;
        }
        let room = next.map_or(MOST_CREATED, |next| next.saturating_sub(users).min(MOST_CREATED));
        bench.create(directory, room).await?;
        if users > 0 {
            bench.members(directory).await?;
        }
        bench.at.memory_after = now();
        sizes.push(bench.at);
        after_each(&sizes)?;
    }
    Ok(sizes)
}

/// The steps at one number of users.
struct Bench<'a> {
    target: &'a Target,
    settings: &'a Settings,
    folder: &'a std::path::Path,
    at: AtSize,
}

impl Bench<'_> {
    async fn read(&mut self, directory: &Directory) -> Result<()> {
        let users = self.at.users;
        let amount = Amount::time(self.settings.connections, self.settings.time()).after(200);
        let few = amount.after(10);
        self.step("get", amount, requests::get(directory)).await?;
        self.step("user_name", amount, requests::user_name(directory)).await?;
        self.step("value_path", amount, requests::value_path(directory)).await?;
        let pages = Reading::page(users.min(100), Some(users));
        self.step("page_first", few, pages.at("startIndex=1".to_owned())).await?;
        if users >= 200 {
            let middle = users / 2;
            self.step("page_middle", few, pages.at(format!("startIndex={middle}"))).await?;
            let pages = Reading::page(100, None);
            self.step("cursor_first", few, pages.at("cursor=".to_owned())).await?;
            if let Some(cursor) = self.cursor(middle).await? {
                self.step("cursor_middle", few, pages.at(format!("cursor={}", filter(&cursor)))).await?;
            }
        }
        // One connection: it is how long one client waits that counts, not how long the others make it wait.
        self.step("scan", few.on(1).after(0), requests::scan(directory)).await
    }

    async fn patch(&mut self, directory: &Directory) -> Result<()> {
        let amount = Amount::time(self.settings.connections, self.settings.time());
        self.step("patch", amount, requests::patch_one(directory)).await?;
        let Some(figures) = self.at.steps.get_mut("patch") else { return Ok(()) };
        let done = figures.measured.answers;
        let mut connection = Connection::new(self.target.address);
        for number in (0..done).rev().take(READ_BACK.min(directory.ids.len())) {
            let id = directory.id(requests::patched(number, directory.ids.len()));
            let user: Value =
                connection.get(self.target, &format!("/Users/{id}")).await?.expect(200)?.json()?;
            if user.get("title").and_then(Value::as_str) != Some(&requests::title(number)) {
                figures.measured.wrong(format!("the last title of {id} is not there"));
            }
        }
        Ok(())
    }

    async fn create(&mut self, directory: &mut Directory, room: usize) -> Result<()> {
        if room == 0 {
            return Ok(());
        }
        let amount = Amount::time(self.settings.writers, self.settings.time()).up_to(room as u64);
        let mut plan = Recording::new(directory.creation());
        let progress = Progress::new(&format!("{} users: create", self.at.users), None);
        let mut measured = load::run(self.target, amount, &mut plan, &progress).await?;
        let Recording { plan, first } = plan;
        directory.created(plan)?;
        let mut connection = Connection::new(self.target.address);
        for n in (self.at.users..directory.ids.len()).rev().take(READ_BACK) {
            let path = format!("/Users/{}", directory.id(n));
            let user: Value = connection.get(self.target, &path).await?.expect(200)?.json()?;
            let name = directory.population.user_name(n);
            if user.get("userName").and_then(Value::as_str) != Some(&name) {
                measured.wrong(format!("`{name}` was created and is not there"));
            }
        }
        let h = self.h(amount, directory.creation(), first).await?;
        self.note("create", Figures { measured, h });
        Ok(())
    }

    async fn members(&mut self, directory: &Directory) -> Result<()> {
        // Two sorts of requests, one after the other: fewer connections keep small groups small.
        let connections = self.settings.connections.min(8);
        for &size in &self.settings.groups {
            if directory.ids.len() < size.saturating_add(4 * connections) {
                continue;
            }
            let name = format!("{} of {size} at {}", directory.population.group_name(0), self.at.users);
            let group = directory.create_group(self.target, &name, 0..size).await?;
            let key = format!("member_{size}");
            let plan = requests::Members::new(directory, &group, size, connections);
            let amount = Amount::time(connections, self.settings.time());
            self.step(&key, amount, plan).await?;
            let plan = requests::Members::new(directory, &group, size, connections);
            let Some(figures) = self.at.steps.get_mut(&key) else { continue };
            let mut connection = Connection::new(self.target.address);
            let done = figures.measured.answers;
            for (user, is_member) in plan.after(done).into_iter().take(READ_BACK) {
                let text = filter(&format!(r#"id eq "{group}" and members.value eq "{user}""#));
                let path = format!("/Groups?attributes=displayName&filter={text}");
                let list: Value = connection.get(self.target, &path).await?.expect(200)?.json()?;
                if list.get("totalResults") != Some(&u64::from(is_member).into()) {
                    figures
                        .measured
                        .wrong(format!("whether {user} is in the group of {size} is not as answered"));
                }
            }
            let path = format!("/Groups/{group}");
            connection.send(self.target, "DELETE", &path, b"").await?.expect(204)?;
        }
        Ok(())
    }

    /// Measures a step, and what a constant server makes of the same requests.
    async fn step(&mut self, key: &str, amount: Amount, plan: impl Plan + Clone) -> Result<()> {
        let mut recording = Recording::new(plan.clone());
        let progress = Progress::new(&format!("{} users: {key}", self.at.users), None);
        let measured = load::run(self.target, amount, &mut recording, &progress).await?;
        let h = self.h(amount, plan, recording.first).await?;
        self.note(key, Figures { measured, h });
        Ok(())
    }

    async fn h(&self, amount: Amount, plan: impl Plan, answer: Option<Recorded>) -> Result<Option<Measured>> {
        let Some(answer) = answer.filter(|_| !self.settings.without_h) else { return Ok(None) };
        let server = constant::start(&answer, self.folder).await?;
        let target = self.target.at(server.address);
        let amount = Amount { time: amount.time.min(self.settings.time()), ..amount };
        let measured = load::run(&target, amount, &mut Unchecked(plan), &Progress::hidden()).await?;
        server.stop().await?;
        Ok(Some(measured))
    }

    fn note(&mut self, key: &str, figures: Figures) {
        let m = &figures.measured;
        let ratio = figures.ratio().map(|ratio| format!(", {ratio:.2} h")).unwrap_or_default();
        let wrong =
            if m.is_right() { String::new() } else { format!(", WRONG: {}", m.complaints.join("; ")) };
        eprintln!(
            "{:>8} users {key:14} {:>9.0}/s  p50 {:>8.3} ms  p99 {:>8.3} ms{ratio}{wrong}",
            self.at.users,
            m.rate,
            m.p50 / 1000.0,
            m.p99 / 1000.0
        );
        self.at.steps.insert(key.to_owned(), figures);
    }

    /// The cursor of the page that begins after about so many users.
    async fn cursor(&self, after: usize) -> Result<Option<String>> {
        let mut connection = Connection::new(self.target.address);
        let mut cursor = String::new();
        // The count must stay the same from page to page, so these are the pages that are measured.
        for _ in 0..after / 100 {
            let path = format!("/Users?attributes=userName&count=100&cursor={}", filter(&cursor));
            let answer = connection.get(self.target, &path).await?;
            if answer.status != 200 {
                return Ok(None);
            }
            let page: Value = answer.json()?;
            let Some(next) = page.get("nextCursor").and_then(Value::as_str) else { return Ok(None) };
            cursor = next.to_owned();
        }
        Ok(Some(cursor))
    }
}

/// A plan that remembers its first answer.
struct Recording<P> {
    plan: P,
    first: Option<Recorded>,
}

impl<P> Recording<P> {
    fn new(plan: P) -> Self {
        Self { plan, first: None }
    }
}

impl<P: Plan> Plan for Recording<P> {
    fn write(&mut self, number: u64, target: &Target, out: &mut Vec<u8>) -> bool {
        self.plan.write(number, target, out)
    }

    fn check(&mut self, number: u64, answer: Answer<'_>) -> Result<()> {
        if self.first.is_none() {
            self.first = Some(Recorded::new(&answer));
        }
        self.plan.check(number, answer)
    }
}

/// A plan whose answers nobody looks at.
struct Unchecked<P>(P);

impl<P: Plan> Plan for Unchecked<P> {
    fn write(&mut self, number: u64, target: &Target, out: &mut Vec<u8>) -> bool {
        self.0.write(number, target, out)
    }

    fn check(&mut self, _number: u64, _answer: Answer<'_>) -> Result<()> {
        Ok(())
    }
}

/// Reads everybody back and holds them against the population.
pub(crate) async fn read_all_back(target: &Target, directory: &Directory) -> Result<()> {
    let mut seen = vec![false; directory.ids.len()];
    let read = for_each(target, "/Users?attributes=userName", |user| {
        let name = user.get("userName").and_then(Value::as_str).context("a user has no userName")?;
        let n = directory.population.number(name).with_context(|| format!("`{name}` was never created"))?;
        ensure!(user.get("id").and_then(Value::as_str) == Some(directory.id(n)), "`{name}` has another id");
        let seen = seen.get_mut(n).with_context(|| format!("`{name}` was never created"))?;
        ensure!(!std::mem::replace(seen, true), "`{name}` is there twice");
        Ok(())
    });
    let read = read.await?;
    ensure!(read == directory.ids.len(), "{read} users are there, {} were created", directory.ids.len());
    Ok(())
}
