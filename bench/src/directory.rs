//! What is in the server: filling it, and knowing who has which id.

use std::ops::Range;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;
use serde_json::Value;

use crate::client::{Answer, Connection};
use crate::load::{self, Amount, Plan};
use crate::population::{GROUP, Population, patch};
use crate::progress::Progress;
use crate::target::Target;

/// The users of a population that the server has, by their numbers.
#[derive(Debug)]
pub(crate) struct Directory {
    pub(crate) population: Population,
    /// The id of each user.
    pub(crate) ids: Vec<Box<str>>,
}

/// How many users one bulk request creates while the directory is filled.
const USERS_PER_BULK: usize = 500;
const BULK_CONNECTIONS: usize = 4;
/// How many members one request names while a group is filled; a body may have a megabyte.
const MEMBERS_PER_REQUEST: usize = 10_000;
const MOST_PER_PAGE: usize = 1000;

impl Directory {
    /// Finds out which users of a population a server has, by reading all of it.
    pub(crate) async fn read(target: &Target, population: Population) -> Result<Self> {
        let mut ids: Vec<Option<Box<str>>> = Vec::new();
        for_each(target, "/Users?attributes=userName", |user| {
            let name = user.get("userName").and_then(Value::as_str).context("a user has no userName")?;
            let Some(n) = population.number(name) else {
                bail!("`{name}` is not of this population: give its seed, or an empty server");
            };
            let id = user.get("id").and_then(Value::as_str).context("a user has no id")?;
            if ids.len() <= n {
                ids.resize(n.saturating_add(1), None);
            }
            if let Some(slot) = ids.get_mut(n) {
                ensure!(slot.is_none(), "`{name}` is there twice");
                *slot = Some(id.into());
            }
            Ok(())
        })
        .await?;
        let ids: Option<Vec<_>> = ids.into_iter().collect();
        Ok(Self { population, ids: ids.context("there are gaps in the population: give an empty server")? })
    }

    pub(crate) fn id(&self, n: usize) -> &str {
        self.ids.get(n).map_or("", |id| id)
    }

    /// A plan that creates users after those who are there.
    pub(crate) fn creation(&self) -> Creation {
        Creation { population: self.population, first: self.ids.len(), ids: Vec::new(), body: Vec::new() }
    }

    /// Takes note of what a plan has created.
    pub(crate) fn created(&mut self, plan: Creation) -> Result<()> {
        ensure!(plan.ids.iter().all(|id| !id.is_empty()), "some users could not be created");
        self.ids.extend(plan.ids);
        Ok(())
    }

    /// Fills the server up to so many users, through bulk requests.
    pub(crate) async fn fill(&mut self, target: &Target, users: usize) -> Result<()> {
        let missing = users.saturating_sub(self.ids.len());
        if missing == 0 {
            return Ok(());
        }
        let progress = Progress::new("users", Some(missing as u64));
        let requests = missing.div_ceil(USERS_PER_BULK) as u64;
        let first = self.ids.len();
        let mut plan =
            Filling { population: self.population, first, users, ids: Vec::new(), progress: &progress };
        let amount = Amount::requests(BULK_CONNECTIONS, requests);
        let measured = load::run(target, amount, &mut plan, &Progress::hidden()).await?;
        ensure!(measured.is_right(), "the directory could not be filled: {}", measured.complaints.join("; "));
        ensure!(plan.ids.len() == missing, "only {} of {missing} users were created", plan.ids.len());
        ensure!(plan.ids.iter().all(|id| !id.is_empty()), "some users could not be created");
        self.ids.append(&mut plan.ids);
        Ok(())
    }

    /// Creates a group of these users and returns its id.
    pub(crate) async fn create_group(
        &self,
        target: &Target,
        name: &str,
        members: Range<usize>,
    ) -> Result<String> {
        let mut connection = Connection::new(target.address);
        let members = self.ids.get(members).context("there are not so many users")?;
        let mut parts = members.chunks(MEMBERS_PER_REQUEST);
        let listed = |ids: &[Box<str>]| {
            let values: Vec<_> = ids.iter().map(|id| format!(r#"{{"value":"{id}"}}"#)).collect();
            values.join(",")
        };
        let body = format!(
            r#"{{"schemas":["{GROUP}"],"displayName":"{name}","members":[{}]}}"#,
            listed(parts.next().unwrap_or_default())
        );
        let path = "/Groups?attributes=displayName";
        let answer = connection.send(target, "POST", path, body.as_bytes()).await?.expect(201)?;
        let id = id_of(&answer)?.to_owned();
        for part in parts {
            let body = patch(format_args!(r#"{{"op":"add","path":"members","value":[{}]}}"#, listed(part)));
            let path = format!("/Groups/{id}?attributes=displayName");
            let answer = connection.send(target, "PATCH", &path, body.as_bytes()).await?;
            ensure!(matches!(answer.status, 200 | 204), "a group could not be filled: {}", answer.text());
        }
        Ok(id)
    }
}

/// Creates users one by one.
#[derive(Debug)]
pub(crate) struct Creation {
    population: Population,
    first: usize,
    ids: Vec<Box<str>>,
    body: Vec<u8>,
}

impl Plan for Creation {
    fn write(&mut self, number: u64, target: &Target, out: &mut Vec<u8>) -> bool {
        self.body.clear();
        self.population.write_user(self.first.saturating_add(number as usize), &mut self.body);
        target.with_body(out, "POST", format_args!("/Users"), &self.body);
        true
    }

    fn check(&mut self, number: u64, answer: Answer<'_>) -> Result<()> {
        let answer = answer.expect(201)?;
        let at = number as usize;
        if self.ids.len() <= at {
            self.ids.resize(at.saturating_add(1), "".into());
        }
        if let Some(slot) = self.ids.get_mut(at) {
            *slot = id_of(&answer)?.into();
        }
        if number.is_multiple_of(64) {
            let user: Value = answer.json()?;
            let name = self.population.user_name(self.first.saturating_add(at));
            ensure!(
                user.get("userName").and_then(Value::as_str) == Some(&name),
                "it is not `{name}` that was created"
            );
        }
        Ok(())
    }
}

struct Filling<'a> {
    population: Population,
    first: usize,
    users: usize,
    ids: Vec<Box<str>>,
    progress: &'a Progress,
}

impl Filling<'_> {
    fn part(&self, number: u64) -> Range<usize> {
        let begin = self.first.saturating_add((number as usize).saturating_mul(USERS_PER_BULK));
        begin..begin.saturating_add(USERS_PER_BULK).min(self.users)
    }
}

impl Plan for Filling<'_> {
    fn write(&mut self, number: u64, target: &Target, out: &mut Vec<u8>) -> bool {
        let mut body = Vec::new();
        self.population.write_bulk(self.part(number), &mut body);
        target.with_body(out, "POST", format_args!("/Bulk"), &body);
        true
    }

    fn check(&mut self, number: u64, answer: Answer<'_>) -> Result<()> {
        let part = self.part(number);
        let created = bulk_ids(answer)?;
        ensure!(created.len() == part.len(), "{} of {} users were created", created.len(), part.len());
        let at = part.start.saturating_sub(self.first);
        let end = at.saturating_add(part.len());
        if self.ids.len() < end {
            self.ids.resize(end, "".into());
        }
        for (slot, id) in self.ids.iter_mut().skip(at).zip(created) {
            *slot = id;
        }
        self.progress.steps(part.len() as u64);
        Ok(())
    }
}

/// The ids that a bulk request has given, in the order of its operations.
pub(crate) fn bulk_ids(answer: Answer<'_>) -> Result<Vec<Box<str>>> {
    #[derive(Deserialize)]
    struct Bulk {
        #[serde(rename = "Operations")]
        operations: Vec<Done>,
    }
    #[derive(Deserialize)]
    struct Done {
        #[serde(default)]
        location: String,
        status: Value,
    }
    let bulk: Bulk = answer.expect(200)?.json()?;
    let ids = bulk.operations.into_iter().map(|done| {
        ensure!(done.status == "201" || done.status == 201, "an operation was answered {}", done.status);
        let id = done.location.rsplit('/').next().unwrap_or_default();
        ensure!(!id.is_empty(), "an operation was answered without a location");
        Ok(id.into())
    });
    ids.collect()
}

/// The id of the resource in an answer.
pub(crate) fn id_of<'a>(answer: &Answer<'a>) -> Result<&'a str> {
    // Most servers write the id before anything that is nested, and without spaces.
    const START: &[u8] = br#""id":""#;
    let beginning = answer.body.get(..answer.body.len().min(400)).unwrap_or_default();
    if let Some(at) = memchr::memmem::find(beginning, START) {
        let rest = answer.body.get(at.saturating_add(START.len())..).unwrap_or_default();
        if let Some(end) = memchr::memchr2(b'"', b'\\', rest) {
            return Ok(std::str::from_utf8(rest.get(..end).unwrap_or_default())?);
        }
    }
    #[derive(Deserialize)]
    struct WithId<'a> {
        id: &'a str,
    }
    let with_id: WithId<'a> =
        serde_json::from_slice(answer.body).with_context(|| format!("there is no id: {}", answer.text()))?;
    Ok(with_id.id)
}

/// Reads a whole list, page by page: by cursor where the server has them (RFC 9865), else by index. Returns how many
/// resources there were.
pub(crate) async fn for_each(
    target: &Target,
    path: &str,
    mut with: impl FnMut(&Value) -> Result<()>,
) -> Result<usize> {
    let mut connection = Connection::new(target.address);
    let joint = if path.contains('?') { '&' } else { '?' };
    let mut seen = 0_usize;
    let mut place = "cursor=".to_owned();
    loop {
        let page = format!("{path}{joint}count={MOST_PER_PAGE}&{place}");
        let answer = patient(&mut connection, target, &page).await?;
        let resources =
            answer.get("Resources").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        resources.iter().try_for_each(&mut with)?;
        seen = seen.saturating_add(resources.len());
        if let Some(cursor) = answer.get("nextCursor").and_then(Value::as_str) {
            place = format!("cursor={}", crate::population::filter(cursor));
            continue;
        }
        let total = answer.get("totalResults").and_then(Value::as_u64).unwrap_or_default();
        if seen as u64 >= total || resources.is_empty() {
            return Ok(seen);
        }
        ensure!(
            place == "cursor=" || place.starts_with("startIndex"),
            "the list ends after {seen} of {total}"
        );
        place = format!("startIndex={}", seen.saturating_add(1));
    }
}

/// A GET that is asked again while the server is away.
async fn patient(connection: &mut Connection, target: &Target, path: &str) -> Result<Value> {
    let mut tries = 0;
    loop {
        let answer = connection.get(target, path).await;
        match answer {
            Ok(answer) if answer.status == 200 => return answer.json(),
            Ok(answer) if !matches!(answer.status, 429 | 503) || tries > 100 => bail!(answer.text()),
            Err(error) if tries > 100 => return Err(error),
            Ok(_) | Err(_) => tries += 1,
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
