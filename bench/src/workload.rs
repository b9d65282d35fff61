//! What identity providers do all day, mixed: each connection works on people of its own and knows what it was told of
//! them, so that every answer, and everything that is there afterwards, can be held against what was answered before.

use std::collections::HashMap;
use std::str::FromStr;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use crate::client::Answer;
use crate::directory::{Directory, for_each, id_of};
use crate::load::Plan;
use crate::population::{Population, filter, patch};
use crate::target::Target;

/// How often each kind of request comes, as parts of their sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mix {
    parts: [u32; 6],
}

const KINDS: [&str; 6] = ["match", "get", "create", "patch", "member", "list"];

impl Default for Mix {
    /// A sync asks first and writes then; most of what it asks has not changed.
    fn default() -> Self {
        Self { parts: [35, 15, 10, 20, 18, 2] }
    }
}

impl FromStr for Mix {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut parts = [0; 6];
        for part in text.split(',') {
            let (name, value) =
                part.split_once('=').with_context(|| format!("`{part}` is not KIND=PARTS"))?;
            let at = KINDS.iter().position(|kind| *kind == name.trim());
            let slot = at.and_then(|at| parts.get_mut(at));
            *slot.with_context(|| format!("`{name}` is none of {}", KINDS.join(", ")))? =
                value.trim().parse()?;
        }
        ensure!(parts.iter().any(|&part| part > 0), "a mix needs at least one request");
        Ok(Self { parts })
    }
}

impl Mix {
    fn pick(&self, random: &mut fastrand::Rng) -> usize {
        let mut left = random.u32(..self.parts.iter().sum::<u32>().max(1));
        for (kind, &part) in self.parts.iter().enumerate() {
            if left < part {
                return kind;
            }
            left -= part;
        }
        0
    }
}

/// What is known of one person.
#[derive(Clone, Debug, Default)]
struct Person {
    /// Empty until a creation has been answered.
    id: Box<str>,
    /// Whether a request about this person is under way.
    is_busy: bool,
    /// The title that was last answered; 0 is the one that the person came with.
    title: u64,
    /// Titles that were asked for since and not answered: each may have come or not.
    maybe_titles: Vec<u64>,
    /// The group that the person was put into, and whether that was answered.
    group: Membership,
    /// Whether a creation had no answer.
    maybe_created: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Membership {
    #[default]
    No,
    In(usize),
    /// Asked for and not answered, in or out.
    Maybe(usize),
}

#[derive(Clone, Copy, Debug)]
enum Asked {
    Match(usize),
    Get(usize),
    Create(usize),
    Patch(usize, u64),
    Add(usize, usize),
    Remove(usize, usize),
    List,
}

/// The mixed load.
pub(crate) struct Workload {
    population: Population,
    mix: Mix,
    random: fastrand::Rng,
    people: Vec<Person>,
    groups: Vec<String>,
    under_way: HashMap<u64, Asked>,
    /// What was asked so far, by kind.
    pub(crate) asked: [u64; 6],
    body: Vec<u8>,
    /// People whose creation had no answer, to be created again as an identity provider would.
    again: Vec<usize>,
}

/// How often somebody who is not busy is looked for before a person is created instead.
const TRIES: usize = 20;

impl Workload {
    pub(crate) fn new(directory: &Directory, groups: Vec<String>, mix: Mix) -> Self {
        Self {
            population: directory.population,
            mix,
            random: fastrand::Rng::with_seed(directory.population.seed),
            people: directory.ids.iter().map(|id| Person { id: id.clone(), ..Person::default() }).collect(),
            groups,
            under_way: HashMap::new(),
            asked: [0; 6],
            body: Vec::new(),
            again: Vec::new(),
        }
    }

    /// How often each kind was asked.
    pub(crate) fn kinds(&self) -> impl Iterator<Item = (&'static str, u64)> {
        KINDS.into_iter().zip(self.asked)
    }

    pub(crate) fn people(&self) -> usize {
        self.people.iter().filter(|person| !person.id.is_empty()).count()
    }

    pub(crate) fn memberships(&self) -> usize {
        self.people.iter().filter(|person| matches!(person.group, Membership::In(_))).count()
    }

    fn person(&mut self, n: usize) -> Result<&mut Person> {
        self.people.get_mut(n).context("there is no such person")
    }

    /// Somebody whom no request is under way about.
    fn free(&mut self, wanted: impl Fn(&Person) -> bool) -> Option<usize> {
        let count = self.people.len();
        (0..TRIES).find_map(|_| {
            let n = self.random.usize(..count.max(1));
            self.people.get(n).filter(|p| !p.is_busy && !p.id.is_empty() && wanted(p)).map(|_| n)
        })
    }

    fn choose(&mut self) -> Asked {
        let kind = self.mix.pick(&mut self.random);
        if let Some(count) = self.asked.get_mut(kind) {
            *count = count.saturating_add(1);
        }
        let chosen = match kind {
            0 => self.free(|_| true).map(Asked::Match),
            1 => self.free(|_| true).map(Asked::Get),
            3 => {
                let title = self.asked.iter().sum();
                self.free(|_| true).map(|n| Asked::Patch(n, title))
            }
            4 if !self.groups.is_empty() => {
                let group = self.random.usize(..self.groups.len());
                self.free(|_| true).map(|n| match self.people.get(n).map(|p| p.group) {
                    Some(Membership::In(group)) => Asked::Remove(n, group),
                    // Adding again settles what is not known.
                    Some(Membership::Maybe(group)) => Asked::Add(n, group),
                    _ => Asked::Add(n, group),
                })
            }
            5 => Some(Asked::List),
            _ => None,
        };
        chosen.unwrap_or_else(|| {
            Asked::Create(self.again.pop().unwrap_or_else(|| {
                self.people.push(Person::default());
                self.people.len().saturating_sub(1)
            }))
        })
    }

    fn ask(&mut self, asked: Asked, target: &Target, out: &mut Vec<u8>) -> Result<()> {
        let population = self.population;
        let busy = match asked {
            Asked::List => None,
            Asked::Match(n) | Asked::Get(n) | Asked::Create(n) | Asked::Patch(n, _) => Some(n),
            Asked::Add(n, _) | Asked::Remove(n, _) => Some(n),
        };
        let id = match busy {
            Some(n) => {
                let person = self.person(n)?;
                person.is_busy = true;
                person.id.clone()
            }
            None => "".into(),
        };
        match asked {
            Asked::Match(n) => {
                let text = filter(&format!(r#"userName eq "{}""#, population.user_name(n)));
                target.bare(out, "GET", format_args!("/Users?filter={text}"));
            }
            Asked::Get(_) => target.bare(out, "GET", format_args!("/Users/{id}")),
            Asked::Create(n) => {
                self.body.clear();
                population.write_user(n, &mut self.body);
                target.with_body(out, "POST", format_args!("/Users"), &self.body);
            }
            Asked::Patch(_, title) => {
                let body =
                    patch(format_args!(r#"{{"op":"replace","path":"title","value":"Title {title}"}}"#));
                target.with_body(out, "PATCH", format_args!("/Users/{id}"), body.as_bytes());
            }
            Asked::Add(_, group) => {
                let group = self.groups.get(group).context("there is no such group")?;
                let body =
                    patch(format_args!(r#"{{"op":"add","path":"members","value":[{{"value":"{id}"}}]}}"#));
                target.with_body(out, "PATCH", format_args!("/Groups/{group}"), body.as_bytes());
            }
            Asked::Remove(_, group) => {
                let group = self.groups.get(group).context("there is no such group")?;
                let body = patch(format_args!(r#"{{"op":"remove","path":"members[value eq \"{id}\"]"}}"#));
                target.with_body(out, "PATCH", format_args!("/Groups/{group}"), body.as_bytes());
            }
            Asked::List => {
                let start = self.random.usize(..self.people.len().max(1)).saturating_add(1);
                target.bare(out, "GET", format_args!("/Users?startIndex={start}&count=100"));
            }
        }
        Ok(())
    }

    /// Takes note of an answer.
    fn told(&mut self, asked: Asked, answer: Answer<'_>) -> Result<()> {
        let name = |n| self.population.user_name(n);
        match asked {
            Asked::List => {
                let list: Value = answer.expect(200)?.json()?;
                ensure!(list.get("totalResults").is_some(), "a list has no totalResults: {}", answer.text());
            }
            Asked::Match(n) => {
                let (name, id) = (name(n), self.person(n)?.id.clone());
                let list: Value = answer.expect(200)?.json()?;
                let found = list.get("Resources").and_then(Value::as_array).map(Vec::as_slice);
                let [user] = found.unwrap_or_default() else {
                    bail!("`{name}` is not there once: {}", answer.text())
                };
                ensure!(user.get("id").and_then(Value::as_str) == Some(&*id), "`{name}` has another id");
                self.check_title(n, user)?;
            }
            Asked::Get(n) => {
                let user: Value = answer.expect(200)?.json()?;
                ensure!(
                    user.get("userName").and_then(Value::as_str) == Some(&name(n)),
                    "it is somebody else"
                );
                self.check_title(n, &user)?;
            }
            Asked::Create(n) => {
                let was_asked_before = self.person(n)?.maybe_created;
                if answer.status == 409 && was_asked_before {
                    // It was created the first time, and only the answer was lost.
                    return Ok(());
                }
                let id = id_of(&answer.expect(201)?)?.into();
                let person = self.person(n)?;
                person.id = id;
                person.maybe_created = false;
            }
            Asked::Patch(n, title) => {
                ensure!(matches!(answer.status, 200 | 204), "{}", answer.text());
                let person = self.person(n)?;
                person.title = title;
                person.maybe_titles.clear();
            }
            Asked::Add(n, group) => {
                ensure!(matches!(answer.status, 200 | 204), "{}", answer.text());
                self.person(n)?.group = Membership::In(group);
            }
            Asked::Remove(n, _) => {
                ensure!(matches!(answer.status, 200 | 204), "{}", answer.text());
                self.person(n)?.group = Membership::No;
            }
        }
        Ok(())
    }

    fn check_title(&self, n: usize, user: &Value) -> Result<()> {
        let person = self.people.get(n).context("there is no such person")?;
        let title = user.get("title").and_then(Value::as_str).unwrap_or_default();
        let is = |number: u64| match number {
            0 => title == self.population.traits(n).title,
            _ => title.strip_prefix("Title ").and_then(|rest| rest.parse().ok()) == Some(number),
        };
        let name = self.population.user_name(n);
        ensure!(
            is(person.title) || person.maybe_titles.iter().copied().any(is),
            "`{name}` has the title `{title}`, and {} was answered",
            person.title
        );
        Ok(())
    }

    /// A request had no answer, or one that says that it may be asked again.
    fn not_told(&mut self, asked: Asked) {
        match asked {
            Asked::List | Asked::Match(_) | Asked::Get(_) => {}
            Asked::Create(n) => {
                if let Ok(person) = self.person(n) {
                    person.maybe_created = true;
                }
                self.again.push(n);
            }
            Asked::Patch(n, title) => {
                if let Ok(person) = self.person(n) {
                    person.maybe_titles.push(title);
                }
            }
            Asked::Add(n, group) | Asked::Remove(n, group) => {
                if let Ok(person) = self.person(n) {
                    person.group = Membership::Maybe(group);
                }
            }
        }
    }

    fn finish(&mut self, number: u64) -> Option<Asked> {
        let asked = self.under_way.remove(&number)?;
        if let Asked::Match(n)
        | Asked::Get(n)
        | Asked::Create(n)
        | Asked::Patch(n, _)
        | Asked::Add(n, _)
        | Asked::Remove(n, _) = asked
            && let Ok(person) = self.person(n)
        {
            person.is_busy = false;
        }
        Some(asked)
    }

    /// Reads everything back and returns what is not as it was answered; at most a few, and how many there were.
    pub(crate) async fn read_back(&self, target: &Target) -> Result<(u64, Vec<String>)> {
        let mut complaints = Complaints::default();
        let mut seen: HashMap<usize, String> = HashMap::new();
        for_each(target, "/Users?attributes=userName,title", |user| {
            let name = user.get("userName").and_then(Value::as_str).context("a user has no userName")?;
            let Some(n) = self.population.number(name) else { return Ok(()) };
            let id = user.get("id").and_then(Value::as_str).context("a user has no id")?;
            if seen.insert(n, id.to_owned()).is_some() {
                complaints.add(format!("`{name}` is there twice"));
            }
            match self.people.get(n) {
                None => complaints.add(format!("`{name}` was never created")),
                Some(person) if person.id.is_empty() && !person.maybe_created => {
                    complaints.add(format!("`{name}` was refused and is there"));
                }
                Some(person) if !person.id.is_empty() && *person.id != *id => {
                    complaints.add(format!("`{name}` has another id than was answered"));
                }
                Some(_) => {
                    if let Err(error) = self.check_title(n, user) {
                        complaints.add(error.to_string());
                    }
                }
            }
            Ok(())
        })
        .await?;
        for (n, person) in self.people.iter().enumerate() {
            if !person.id.is_empty() && !seen.contains_key(&n) {
                complaints.add(format!("`{}` was created and is not there", self.population.user_name(n)));
            }
        }
        self.groups_back(target, &mut complaints).await?;
        Ok((complaints.count, complaints.first))
    }

    async fn groups_back(&self, target: &Target, complaints: &mut Complaints) -> Result<()> {
        let mut members: HashMap<(usize, String), usize> = HashMap::new();
        for (at, group) in self.groups.iter().enumerate() {
            let mut connection = crate::client::Connection::new(target.address);
            let path = format!("/Groups/{group}");
            let read: Value = connection.get(target, &path).await?.expect(200)?.json()?;
            for member in read.get("members").and_then(Value::as_array).into_iter().flatten() {
                let id = member.get("value").and_then(Value::as_str).unwrap_or_default();
                let count = members.entry((at, id.to_owned())).or_default();
                *count = count.saturating_add(1);
                if *count == 2 {
                    complaints.add(format!("{id} is in {group} twice"));
                }
            }
        }
        for person in self.people.iter().filter(|person| !person.id.is_empty()) {
            for at in 0..self.groups.len() {
                let is_member = members.contains_key(&(at, person.id.to_string()));
                let is_right = match person.group {
                    Membership::No => !is_member,
                    Membership::In(group) => is_member == (group == at),
                    Membership::Maybe(group) => group == at || !is_member,
                };
                if !is_right {
                    let is = if is_member { "is" } else { "is not" };
                    complaints.add(format!(
                        "{} {is} in group {at}, and {:?} was answered",
                        person.id, person.group
                    ));
                }
            }
        }
        Ok(())
    }
}

#[derive(Default)]
struct Complaints {
    count: u64,
    first: Vec<String>,
}

impl Complaints {
    fn add(&mut self, text: String) {
        self.count = self.count.saturating_add(1);
        if self.first.len() < 10 {
            self.first.push(text);
        }
    }
}

impl Plan for Workload {
    fn write(&mut self, number: u64, target: &Target, out: &mut Vec<u8>) -> bool {
        let asked = self.choose();
        self.under_way.insert(number, asked);
        self.ask(asked, target, out).is_ok()
    }

    fn check(&mut self, number: u64, answer: Answer<'_>) -> Result<()> {
        let asked = self.finish(number).context("nothing was asked")?;
        if matches!(answer.status, 429 | 500 | 502 | 503 | 504) {
            self.not_told(asked);
            return Ok(());
        }
        self.told(asked, answer)
    }

    fn unanswered(&mut self, number: u64) {
        if let Some(asked) = self.finish(number) {
            self.not_told(asked);
        }
    }
}

#[cfg(test)]
mod tests {
    use scim_server::ScimService;
    use scim_server::serve::{ServeOptions, serve};
    use scim_server::store::MemoryStore;

    use super::*;
    use crate::client::Connection;
    use crate::load::{self, Amount};
    use crate::progress::Progress;

    #[test]
    fn a_mix_is_read_and_kept_to() {
        let mix: Mix = "match=1,create=3".parse().unwrap();
        let mut random = fastrand::Rng::with_seed(1);
        let mut counts = [0; 6];
        for _ in 0..4000 {
            counts[mix.pick(&mut random)] += 1;
        }
        assert_eq!([counts[1], counts[3], counts[4], counts[5]], [0; 4]);
        assert!((900..1100).contains(&counts[0]), "{counts:?}");
        for wrong in ["", "match", "match=x", "dance=1", "match=0"] {
            assert!(wrong.parse::<Mix>().is_err(), "{wrong}");
        }
    }

    /// A directory in memory, served on a free port.
    async fn served() -> Target {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let target = Target::new(&format!("http://{}", listener.local_addr().unwrap()), None, false).unwrap();
        let service = ScimService::builder(MemoryStore::new()).build();
        tokio::spawn(serve(listener, service, ServeOptions::default(), std::future::pending()));
        target
    }

    async fn loaded(target: &Target) -> Workload {
        let mut directory = Directory::read(target, Population::new(3)).await.unwrap();
        directory.fill(target, 50).await.unwrap();
        let group = directory.create_group(target, "Crew", 0..0).await.unwrap();
        let mut workload = Workload::new(&directory, vec![group], Mix::default());
        let amount = Amount::requests(8, 2000);
        let measured = load::run(target, amount, &mut workload, &Progress::hidden()).await.unwrap();
        assert!(measured.is_right(), "{measured:?}");
        assert_eq!(measured.answers, 2000);
        assert!(workload.memberships() > 0 && workload.people() > 50);
        workload
    }

    #[tokio::test]
    async fn what_was_answered_is_read_back() {
        let target = served().await;
        let workload = loaded(&target).await;
        assert_eq!(workload.read_back(&target).await.unwrap(), (0, Vec::new()));
    }

    #[tokio::test]
    async fn what_is_lost_changed_or_made_up_is_found() {
        let target = served().await;
        let workload = loaded(&target).await;
        let mut connection = Connection::new(target.address);
        let in_group =
            workload.people.iter().find(|person| matches!(person.group, Membership::In(_))).unwrap();
        let alone = workload.people.iter().find(|person| person.group == Membership::No).unwrap();
        let (group, member, other) = (&workload.groups[0], &in_group.id, &alone.id);
        let put_out = patch(format_args!(r#"{{"op":"remove","path":"members[value eq \"{member}\"]"}}"#));
        let rename = patch(format_args!(r#"{{"op":"replace","path":"title","value":"Title 123456789"}}"#));
        let mut stranger = Vec::new();
        Population::new(3).write_user(1_000_000, &mut stranger);
        let steps = [
            ("PATCH", format!("/Groups/{group}"), put_out.into_bytes(), "is not in group"),
            ("PATCH", format!("/Users/{other}"), rename.into_bytes(), "has the title"),
            ("POST", "/Users".to_owned(), stranger, "was never created"),
            ("DELETE", format!("/Users/{other}"), Vec::new(), "was created and is not there"),
        ];
        for (method, path, body, complaint) in steps {
            let answer = connection.send(&target, method, &path, &body).await.unwrap();
            assert!(answer.status < 300, "{}", answer.text());
            let (wrong, complaints) = workload.read_back(&target).await.unwrap();
            assert!(wrong > 0 && complaints.iter().any(|found| found.contains(complaint)), "{complaints:?}");
        }
    }
}
