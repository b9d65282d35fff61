//! Replays a recorded scenario of an identity provider and checks each answer.
//!
//! The file format is described in `tests/data/idp-traces/README.md`.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use regex::{Captures, Regex};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::http::{Answer, Client};

/// What stays as it is in a value that is put into a path.
const IN_PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The requests of one identity provider, in order, and what it needs back.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scenario {
    pub(crate) idp: String,
    pub(crate) name: String,
    #[serde(default)]
    #[expect(dead_code, reason = "tells a reader where the requests come from")]
    source: String,
    #[serde(default)]
    headers: BTreeMap<String, Option<String>>,
    pub(crate) steps: Vec<Step>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    send: Send,
    #[serde(default)]
    expect: Expect,
    #[serde(default)]
    save: BTreeMap<String, String>,
    #[serde(default)]
    why: String,
    repeat: Option<u64>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Send {
    method: String,
    path: String,
    #[serde(default)]
    headers: BTreeMap<String, Option<String>>,
    #[serde(default)]
    body: Option<Value>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expect {
    #[serde(default)]
    status: Vec<u16>,
    #[serde(default)]
    headers: BTreeMap<String, Value>,
    #[serde(default)]
    body: BTreeMap<String, Value>,
}

/// The first step of a scenario whose answer is not what the identity provider needs.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Failure {
    pub(crate) scenario: String,
    /// From 1.
    pub(crate) step: usize,
    /// The scenario's own words about the step.
    pub(crate) note: String,
    pub(crate) why: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} step {}", self.scenario, self.step)?;
        if !self.note.is_empty() {
            write!(f, " ({})", self.note)?;
        }
        write!(f, ": {}", self.why)
    }
}

/// Whatever answers a request: a server over HTTP, or a stand-in in a test of the replayer.
pub(crate) trait Exchange {
    fn exchange(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Result<Answer, String>;
}

impl Exchange for Client {
    fn exchange(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Result<Answer, String> {
        // Without a header of its own a request carries the token, and a step may ask for none.
        if headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("Authorization")) {
            self.send(method, path, headers, body)
        } else {
            self.anonymous().send(method, path, headers, body)
        }
    }
}

/// All scenarios that ship with the tests, in the order of their file names.
pub(crate) fn scenarios() -> Vec<Scenario> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/idp-traces");
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    files.sort();
    files
        .iter()
        .map(|file| {
            serde_json::from_slice(&std::fs::read(file).unwrap())
                .unwrap_or_else(|error| panic!("{}: not a scenario: {error}", file.display()))
        })
        .collect()
}

impl Scenario {
    /// `idp/name`
    pub(crate) fn title(&self) -> String {
        format!("{}/{}", self.idp, self.name)
    }

    /// Sends all steps; `run` is the word that keeps this replay's names apart from others.
    pub(crate) fn replay(&self, exchange: &mut dyn Exchange, token: &str, run: &str) -> Result<(), Failure> {
        let mut env = Env::new(run);
        for (n, step) in self.steps.iter().enumerate() {
            for i in 0..step.repeat.unwrap_or(1) {
                if step.repeat.is_some() {
                    env.set("i", Value::from(i));
                }
                step.run(exchange, &mut env, &self.headers, token).map_err(|why| Failure {
                    scenario: self.title(),
                    step: n + 1,
                    note: step.why.clone(),
                    why,
                })?;
            }
        }
        Ok(())
    }
}

impl Step {
    fn run(
        &self,
        exchange: &mut dyn Exchange,
        env: &mut Env,
        defaults: &BTreeMap<String, Option<String>>,
        token: &str,
    ) -> Result<(), String> {
        let body = self.send.body.as_ref().map(|body| env.fill(body)).transpose()?;
        let mut headers = vec![("Authorization".to_owned(), Some(format!("Bearer {token}")))];
        for (name, value) in defaults.iter().chain(&self.send.headers) {
            headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
            headers.push((name.clone(), value.clone()));
        }
        let own_type = self.send.headers.keys().any(|name| name.eq_ignore_ascii_case("Content-Type"));
        if body.is_none() && !own_type {
            headers.retain(|(name, _)| !name.eq_ignore_ascii_case("Content-Type"));
        }
        let headers: Vec<(String, String)> = headers
            .into_iter()
            .filter_map(|(name, value)| {
                value.map(|value| env.fill_text(&value, false).map(|value| (name, value)))
            })
            .collect::<Result<_, _>>()?;
        let headers: Vec<(&str, &str)> = headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let path = env.fill_text(&self.send.path, true)?;
        let what = format!("{} {path}", self.send.method);
        let in_step = |why: String| format!("{what}: {why}");

        let bytes = body.map(|body| body.to_string().into_bytes());
        let answer = exchange
            .exchange(&self.send.method, &path, &headers, bytes.as_deref())
            .map_err(|error| in_step(format!("no answer ({error})")))?;

        if !self.expect.status.is_empty() && !self.expect.status.contains(&answer.status) {
            let wanted: Vec<String> = self.expect.status.iter().map(u16::to_string).collect();
            let body: String = answer.text().chars().take(220).collect();
            return Err(in_step(format!(
                "expected status {}, got {} {body}",
                wanted.join(" or "),
                answer.status
            )));
        }
        for (name, want) in &self.expect.headers {
            let got = answer.header(name).map(Value::from);
            check(got.as_ref(), &env.fill(want)?).map_err(|why| in_step(format!("header {name}: {why}")))?;
        }
        if self.expect.body.is_empty() && self.save.is_empty() {
            return Ok(());
        }
        let doc: Value = serde_json::from_slice(&answer.body).map_err(|_| {
            let body: String = answer.text().chars().take(120).collect();
            in_step(format!("the answer ({}) has no JSON body: {body:?}", answer.status))
        })?;
        for (ptr, want) in &self.expect.body {
            let ptr = env.fill_text(ptr, false)?;
            let place = if ptr.is_empty() { "the whole body" } else { &ptr };
            check(pointer(&doc, &ptr), &env.fill(want)?).map_err(|why| in_step(format!("{place}: {why}")))?;
        }
        for (name, ptr) in &self.save {
            let ptr = env.fill_text(ptr, false)?;
            let value =
                pointer(&doc, &ptr).ok_or_else(|| in_step(format!("the answer has no {ptr}")))?.clone();
            let name = env.fill_text(name, false)?;
            env.set(&name, value);
        }
        Ok(())
    }
}

/// The saved values of a replay.
#[derive(Clone, Debug)]
pub(crate) struct Env {
    values: BTreeMap<String, Value>,
    variable: Regex,
    /// `${user${i}`: what stands before an inner variable.
    inner: Regex,
}

impl Env {
    pub(crate) fn new(run: &str) -> Self {
        Self {
            values: BTreeMap::from([("run".to_owned(), Value::from(run))]),
            variable: Regex::new(r"\$\{([A-Za-z0-9_.-]+)\}").unwrap(),
            inner: Regex::new(r"\$\{([A-Za-z0-9_.-]*)\$\{([A-Za-z0-9_.-]+)\}").unwrap(),
        }
    }

    pub(crate) fn set(&mut self, name: &str, value: Value) {
        self.values.insert(name.to_owned(), value);
    }

    /// Replaces `${name}` everywhere in a document, and unrolls `$repeat` and `$merge`.
    pub(crate) fn fill(&self, value: &Value) -> Result<Value, String> {
        match value {
            Value::String(text) => {
                let text = self.resolve_inner(text)?;
                match self.variable.captures(&text) {
                    Some(alone) if alone[0].len() == text.len() => self.lookup(&alone[1]).cloned(),
                    _ => self.fill_text(&text, false).map(Value::from),
                }
            }
            Value::Array(items) => {
                let mut filled = Vec::new();
                for item in items {
                    match item.get("$repeat").and_then(Value::as_u64) {
                        Some(times) => {
                            for i in 0..times {
                                let mut env = self.clone();
                                env.set("i", Value::from(i));
                                filled.push(env.fill(item.get("item").ok_or("a $repeat without an item")?)?);
                            }
                        }
                        None => filled.push(self.fill(item)?),
                    }
                }
                Ok(Value::Array(filled))
            }
            Value::Object(object) => {
                if let Some(Value::Array(parts)) = object.get("$merge") {
                    let parts = parts.iter().map(|part| self.fill(part));
                    return parts
                        .into_iter()
                        .try_fold(Value::Object(Map::new()), |all, part| Ok(merge(all, part?)));
                }
                let filled =
                    object.iter().map(|(key, value)| Ok((self.fill_text(key, false)?, self.fill(value)?)));
                Ok(Value::Object(filled.collect::<Result<_, String>>()?))
            }
            other => Ok(other.clone()),
        }
    }

    /// Replaces `${name}` in a text; in a path the values are percent-encoded.
    pub(crate) fn fill_text(&self, text: &str, in_path: bool) -> Result<String, String> {
        let text = self.resolve_inner(text)?;
        let mut missing = None;
        let filled = self.variable.replace_all(&text, |found: &Captures<'_>| match self.plain(&found[1]) {
            Ok(value) if in_path => utf8_percent_encode(&value, IN_PATH).to_string(),
            Ok(value) => value,
            Err(why) => {
                missing.get_or_insert(why);
                String::new()
            }
        });
        let filled = filled.into_owned();
        missing.map_or(Ok(filled), Err)
    }

    /// `${user${i}}`: inner names first.
    fn resolve_inner(&self, text: &str) -> Result<String, String> {
        let mut text = text.to_owned();
        while let Some(found) = self.inner.captures(&text) {
            let filled = format!("${{{}{}", &found[1], self.plain(&found[2])?);
            text = text.replacen(&found[0], &filled, 1);
        }
        Ok(text)
    }

    fn plain(&self, name: &str) -> Result<String, String> {
        self.lookup(name).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    }

    fn lookup(&self, name: &str) -> Result<&Value, String> {
        self.values.get(name).ok_or_else(|| {
            format!("variable ${{{name}}} was never saved (an earlier step did not return it)")
        })
    }
}

fn merge(below: Value, above: Value) -> Value {
    match (below, above) {
        (Value::Object(mut below), Value::Object(above)) => {
            for (key, value) in above {
                let value = match below.remove(&key) {
                    Some(old) => merge(old, value),
                    None => value,
                };
                below.insert(key, value);
            }
            Value::Object(below)
        }
        (_, above) => above,
    }
}

/// RFC 6901; attribute names are compared without regard to case (RFC 7643 section 2.1).
pub(crate) fn pointer<'a>(doc: &'a Value, ptr: &str) -> Option<&'a Value> {
    if ptr.is_empty() {
        return Some(doc);
    }
    ptr.trim_start_matches('/').split('/').try_fold(doc, |at, part| {
        let part = part.replace("~1", "/").replace("~0", "~");
        member(at, &part)
    })
}

fn member<'a>(at: &'a Value, name: &str) -> Option<&'a Value> {
    match at {
        Value::Array(items) => items.get(name.parse::<usize>().ok()?),
        Value::Object(object) => object.get(name).or_else(|| {
            object.iter().find(|(key, _)| key.to_lowercase() == name.to_lowercase()).map(|(_, value)| value)
        }),
        _ => None,
    }
}

/// Equal JSON: `true` is neither `1` nor `"true"`, and `1` is `1.0`.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => x == y || x.as_f64() == y.as_f64(),
        (Value::Array(x), Value::Array(y)) => x.len() == y.len() && x.iter().zip(y).all(|(x, y)| same(x, y)),
        (Value::Object(x), Value::Object(y)) => {
            x.len() == y.len() && x.iter().all(|(key, x)| y.get(key).is_some_and(|y| same(x, y)))
        }
        _ => a == b,
    }
}

/// `item` is `want`, or an object that holds at least `want`.
fn covers(item: &Value, want: &Value) -> bool {
    match want {
        Value::Object(want) => {
            item.is_object()
                && want.iter().all(|(key, want)| member(item, key).is_some_and(|got| covers(got, want)))
        }
        _ => same(item, want),
    }
}

/// Missing, null and empty are one state (RFC 7643 section 2.5).
fn unset(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => true,
        Some(Value::Array(items)) => items.is_empty(),
        Some(Value::Object(object)) => object.is_empty(),
        Some(_) => false,
    }
}

/// Whether `got` (`None`: missing) is `want`, a plain value or an object of matchers; else a sentence.
pub(crate) fn check(got: Option<&Value>, want: &Value) -> Result<(), String> {
    if let Value::Object(matchers) = want
        && !matchers.is_empty()
        && matchers.keys().all(|kind| MATCHERS.contains(&kind.as_str()))
    {
        for (kind, argument) in matchers {
            if !holds(kind, got, argument)? {
                return Err(format!("expected {{\"{kind}\": {argument}}}, got {}", show(got)));
            }
        }
        return Ok(());
    }
    match got {
        Some(got) if same(got, want) => Ok(()),
        _ => Err(format!("expected {want}, got {}", show(got))),
    }
}

const MATCHERS: [&str; 11] =
    ["exists", "count", "matches", "has", "lacks", "gte", "lte", "not", "ieq", "type", "any_of"];

fn holds(kind: &str, got: Option<&Value>, argument: &Value) -> Result<bool, String> {
    let text = got.and_then(Value::as_str);
    let items = got.and_then(Value::as_array);
    let number = got.and_then(Value::as_f64);
    let bound = argument.as_f64();
    let wanted = argument.as_str().unwrap_or_default();
    Ok(match kind {
        "exists" => argument.as_bool() == Some(!unset(got)),
        "count" => {
            let count = match got {
                got if unset(got) => Some(0),
                Some(Value::Array(items)) => Some(items.len()),
                Some(Value::Object(object)) => Some(object.len()),
                _ => None,
            };
            count.is_some_and(|count| argument.as_u64() == Some(count as u64))
        }
        "matches" => {
            let pattern =
                Regex::new(wanted).map_err(|error| format!("a bad pattern in the scenario: {error}"))?;
            text.is_some_and(|text| pattern.is_match(text))
        }
        "has" => items.is_some_and(|items| items.iter().any(|item| covers(item, argument))),
        "lacks" => unset(got) || items.is_some_and(|items| !items.iter().any(|item| covers(item, argument))),
        "gte" => number.zip(bound).is_some_and(|(number, bound)| number >= bound),
        "lte" => number.zip(bound).is_some_and(|(number, bound)| number <= bound),
        "not" => got.is_none_or(|got| !same(got, argument)),
        "ieq" => text.is_some_and(|text| text.to_lowercase() == wanted.to_lowercase()),
        "type" => match wanted {
            "integer" => got.is_some_and(|got| got.is_i64() || got.is_u64()),
            "boolean" => got.is_some_and(Value::is_boolean),
            "string" => text.is_some(),
            "array" => items.is_some(),
            "object" => got.is_some_and(Value::is_object),
            other => return Err(format!("a type that is none in the scenario: {other}")),
        },
        "any_of" => {
            argument.as_array().is_some_and(|choices| choices.iter().any(|want| check(got, want).is_ok()))
        }
        other => return Err(format!("a matcher that is none in the scenario: {other}")),
    })
}

fn show(value: Option<&Value>) -> String {
    let Some(value) = value else { return "nothing".to_owned() };
    let text = value.to_string();
    if text.chars().count() < 220 { text } else { text.chars().take(200).chain("...".chars()).collect() }
}
