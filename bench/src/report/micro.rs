//! What the two lower crates cost, without a server.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use scim_core::validate::validate_new;
use scim_core::{Draft, Projection, QueryParams, Quirks, Registry, ResourceId, TypeDefinition, Value};
use scim_filter::Filter;
use scim_server::RequestContext;
use scim_server::store::{MemoryStore, NewResource, Record, ResourceStore as _, Write};
use serde::{Deserialize, Serialize};

const FILTERS: &str = include_str!("../../../scim-filter/benches/filters.txt");
const USER: &[u8] = include_bytes!("../../../scim-core/benches/user.json");

/// Nanoseconds by what was done.
pub(crate) type Micro = BTreeMap<String, Nanos>;

/// Of batches of some milliseconds.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Nanos {
    pub(crate) fastest: f64,
    pub(crate) median: f64,
}

const BATCHES: usize = 51;
const BATCH: Duration = Duration::from_millis(4);

pub(crate) async fn measure() -> Result<Micro> {
    let mut micro = Micro::new();
    for (at, nanos) in parse()?.into_iter().enumerate() {
        micro.insert(format!("parse F{}", at + 1), nanos);
    }
    let registry = Registry::rfc7643();
    let definition = registry.by_name("User").context("there is no User")?;
    let quirks = Quirks::interop();
    let read = || match Value::from_slice(black_box(USER)) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => anyhow::bail!("the user is no object"),
        Err(error) => Err(error.into()),
    };
    let body = read()?;
    micro.insert("user: read".to_owned(), time(read)?);
    let checked = || anyhow::Ok(validate_new(definition, read()?, &quirks)?);
    let user = checked()?;
    let context = RequestContext::new(Arc::clone(&registry), chrono::DateTime::UNIX_EPOCH);
    let record = stored(&context, definition, user.clone()).await?;
    let user = user.resource;
    micro.insert("user: read and validate".to_owned(), time(checked)?);
    let mut out = Vec::with_capacity(4096);
    let write = || {
        out.clear();
        black_box(&body).write(&mut out);
        anyhow::Ok(out.len())
    };
    micro.insert("user: write from a tree of JSON".to_owned(), time(write)?);
    let all = Projection::new(definition, &QueryParams::default(), &quirks)?;
    let answer = || {
        let mut body = Vec::new();
        black_box(&record).write(&context, definition, &all, &mut body).map(|()| body)
    };
    micro.insert("user: answer unprojected".to_owned(), time(answer)?);
    for (name, attributes) in [("user: write projected", ""), ("user: write five attributes", FIVE)] {
        let mut params = QueryParams::default();
        params.set("attributes", attributes)?;
        let projection = Projection::new(definition, &params, &quirks)?;
        let mut out = Vec::with_capacity(4096);
        let write = || {
            out.clear();
            projection.write(definition, black_box(user.attributes()), &mut out);
            anyhow::Ok(out.len())
        };
        micro.insert(name.to_owned(), time(write)?);
    }
    Ok(micro)
}

/// A user as a store hands it out.
async fn stored(context: &RequestContext, definition: &Arc<TypeDefinition>, user: Draft) -> Result<Record> {
    let id: ResourceId = "2819c223-7f76-453a-919d-413861904646".parse()?;
    let new = NewResource::new(id, user.resource, user.relations);
    let outcome = MemoryStore::new().write(context, Write::create(definition, new)).await?;
    Ok(outcome.into_created()?)
}

/// How long each filter takes to parse.
pub(crate) fn parse() -> Result<Vec<Nanos>> {
    FILTERS.lines().map(|text| time(|| Filter::parse(black_box(text)))).collect()
}

const FIVE: &str = "userName,name.familyName,emails.value,active,displayName";

/// Times something over and over. The fastest batch tells what the code costs, the median what this machine gave.
fn time<T, E>(mut work: impl FnMut() -> Result<T, E>) -> Result<Nanos>
where
    anyhow::Error: From<E>,
{
    work()?;
    let mut times = 1_u32;
    // As many as fill a batch.
    while run(&mut work, times)? < BATCH && times < 1 << 24 {
        times *= 2;
    }
    let mut nanos = Vec::with_capacity(BATCHES);
    for _ in 0..BATCHES {
        nanos.push(run(&mut work, times)?.as_nanos() as f64 / f64::from(times));
    }
    nanos.sort_by(f64::total_cmp);
    let at = |at: usize| nanos.get(at).copied().unwrap_or_default();
    Ok(Nanos { fastest: at(0), median: at(BATCHES / 2) })
}

fn run<T, E>(work: &mut impl FnMut() -> Result<T, E>, times: u32) -> Result<Duration>
where
    anyhow::Error: From<E>,
{
    let started = Instant::now();
    for _ in 0..times {
        black_box(work()?);
    }
    Ok(started.elapsed())
}
