//! The requests of the single steps.

use std::fmt::Arguments;
use std::rc::Rc;

use anyhow::{Result, ensure};
use memchr::memmem;
use serde_json::Value;

use crate::client::Answer;
use crate::directory::Directory;
use crate::load::Plan;
use crate::population::{ENTERPRISE, Population, filter, patch};
use crate::target::Target;

/// One of so many answers is read as JSON; of the others the status and a few bytes are looked at.
const READ_ONE_OF: u64 = 64;

/// A read, again and again: what is asked depends on the number of the request alone.
#[derive(Clone)]
pub(crate) struct Reading {
    path: Rc<dyn Fn(u64) -> String>,
    check: Rc<Check>,
}

type Check = dyn Fn(u64, &Answer<'_>) -> Result<()>;

impl Plan for Reading {
    fn write(&mut self, number: u64, target: &Target, out: &mut Vec<u8>) -> bool {
        target.bare(out, "GET", format_args!("{}", (self.path)(number)));
        true
    }

    fn check(&mut self, number: u64, answer: Answer<'_>) -> Result<()> {
        (self.check)(number, &answer.expect(200)?)
    }
}

/// A page of users.
#[derive(Clone, Copy)]
pub(crate) struct Page {
    count: usize,
    total: Option<usize>,
}

impl Reading {
    /// Pages of `count` users of `total`.
    pub(crate) fn page(count: usize, total: Option<usize>) -> Page {
        Page { count, total }
    }
}

impl Page {
    /// The page at a place, always the same.
    pub(crate) fn at(self, place: String) -> Reading {
        Reading {
            path: Rc::new(move |_| format!("/Users?count={}&{place}", self.count)),
            check: Rc::new(move |number, answer| {
                if !number.is_multiple_of(READ_ONE_OF) {
                    return Ok(());
                }
                let list: Value = answer.json()?;
                let users = list.get("Resources").and_then(Value::as_array).map_or(0, Vec::len);
                ensure!(users == self.count, "a page has {users} users, not {}", self.count);
                let total = list.get("totalResults").and_then(Value::as_u64);
                let is_right = self.total.is_none_or(|right| total == Some(right as u64));
                ensure!(is_right, "totalResults is {total:?}, not {:?}", self.total);
                Ok(())
            }),
        }
    }
}

/// GET by id.
pub(crate) fn get(directory: &Directory) -> Reading {
    let ids: Rc<[Box<str>]> = directory.ids.clone().into();
    let id = move |number| ids.get(picked(number, ids.len())).cloned().unwrap_or_default();
    let other = id.clone();
    Reading {
        path: Rc::new(move |number| format!("/Users/{}", id(number))),
        check: Rc::new(move |number, answer| contains(answer, &other(number))),
    }
}

/// The user with this userName.
pub(crate) fn user_name(directory: &Directory) -> Reading {
    one_found(directory, |name| format!(r#"userName eq "{name}""#))
}

/// The user with this address at work.
pub(crate) fn value_path(directory: &Directory) -> Reading {
    one_found(directory, |name| format!(r#"emails[type eq "work" and value eq "{name}"]"#))
}

fn one_found(directory: &Directory, text: impl Fn(&str) -> String + 'static) -> Reading {
    let (population, users) = (directory.population, directory.ids.len());
    Reading {
        path: Rc::new(move |number| {
            let name = population.user_name(picked(number, users));
            format!("/Users?filter={}", filter(&text(&name)))
        }),
        check: Rc::new(move |number, answer| {
            if number.is_multiple_of(READ_ONE_OF) {
                let list: Value = answer.json()?;
                ensure!(list.get("totalResults") == Some(&1.into()), "not one was found: {}", answer.text());
            }
            contains(answer, &population.user_name(picked(number, users)))
        }),
    }
}

/// A filter that no index helps with.
pub(crate) fn scan(directory: &Directory) -> Reading {
    let (population, users) = (directory.population, directory.ids.len());
    let text = format!(r#"name.familyName eq "Novak" and {ENTERPRISE}:department eq "D7""#);
    let path = format!("/Users?count=100&filter={}", filter(&text));
    let expected = (0..users).filter(|&n| is_found_by_scan(population, n)).count();
    Reading {
        path: Rc::new(move |_| path.clone()),
        check: Rc::new(move |_, answer| {
            let list: Value = answer.json()?;
            let total = list.get("totalResults").and_then(Value::as_u64);
            ensure!(total == Some(expected as u64), "{total:?} were found, not {expected}");
            Ok(())
        }),
    }
}

fn is_found_by_scan(population: Population, n: usize) -> bool {
    let traits = population.traits(n);
    traits.family == "Novak" && traits.department == 7
}

fn contains(answer: &Answer<'_>, text: &str) -> Result<()> {
    ensure!(memmem::find(answer.body, text.as_bytes()).is_some(), "`{text}` is not in: {}", answer.text());
    Ok(())
}

/// One of so many, each as often as the others.
fn picked(number: u64, of: usize) -> usize {
    fastrand::Rng::with_seed(number).usize(..of.max(1))
}

/// PATCH of one attribute.
pub(crate) fn patch_one(directory: &Directory) -> Patch {
    Patch { ids: directory.ids.clone().into() }
}

#[derive(Clone)]
pub(crate) struct Patch {
    ids: Rc<[Box<str>]>,
}

/// Who is changed by the request with this number: everybody once before anybody twice.
pub(crate) fn patched(number: u64, users: usize) -> usize {
    let users = users.max(1) as u64;
    // A prime step that no round number of users is a multiple of.
    (number.wrapping_mul(7919) % users) as usize
}

/// What the request with this number writes.
pub(crate) fn title(number: u64) -> String {
    format!("Title {number}")
}

impl Plan for Patch {
    fn write(&mut self, number: u64, target: &Target, out: &mut Vec<u8>) -> bool {
        let id = self.ids.get(patched(number, self.ids.len())).map_or("", |id| id);
        let operation = format_args!(r#"{{"op":"replace","path":"title","value":"Title {number}"}}"#);
        target.with_body(out, "PATCH", format_args!("/Users/{id}"), patch(operation).as_bytes());
        true
    }

    fn check(&mut self, number: u64, answer: Answer<'_>) -> Result<()> {
        match answer.status {
            204 => Ok(()),
            _ => contains(&answer.expect(200)?, &title(number)),
        }
    }
}

/// Adds and removes members by turns, so that the group stays about as large as it is.
#[derive(Clone)]
pub(crate) struct Members {
    group: Rc<str>,
    /// Those who are not in the group.
    others: Rc<[Box<str>]>,
    /// A member is removed so many requests of its kind after it was added, when the answer to that has come.
    lag: u64,
}

impl Members {
    pub(crate) fn new(directory: &Directory, group: &str, size: usize, connections: usize) -> Self {
        let others = directory.ids.get(size..).unwrap_or_default();
        // Small enough that a group of 10 is always answered with its members: more than 20 are left out.
        let lag = (connections - connections / 4) as u64;
        Self { group: group.into(), others: others.into(), lag }
    }

    fn other(&self, n: u64) -> &str {
        let of = self.others.len().max(1) as u64;
        self.others.get((n % of) as usize).map_or("", |id| id)
    }

    /// Who is a member after so many requests and who is not, as far as it was answered.
    pub(crate) fn after(&self, requests: u64) -> Vec<(String, bool)> {
        let added = requests.div_ceil(2);
        let removed = (requests / 2).saturating_sub(self.lag);
        let members = (removed..added).map(|n| (self.other(n).to_owned(), true));
        let gone = (0..removed).rev().take(20).map(|n| (self.other(n).to_owned(), false));
        members.chain(gone).collect()
    }
}

impl Plan for Members {
    fn write(&mut self, number: u64, target: &Target, out: &mut Vec<u8>) -> bool {
        let path: Arguments<'_> = format_args!("/Groups/{}", self.group);
        let n = number / 2;
        let body = if number.is_multiple_of(2) {
            let id = self.other(n);
            patch(format_args!(r#"{{"op":"add","path":"members","value":[{{"value":"{id}"}}]}}"#))
        } else {
            // The first few remove nobody.
            let id = self.other(n.wrapping_sub(self.lag));
            patch(format_args!(r#"{{"op":"remove","path":"members[value eq \"{id}\"]"}}"#))
        };
        target.with_body(out, "PATCH", path, body.as_bytes());
        true
    }

    fn check(&mut self, _number: u64, answer: Answer<'_>) -> Result<()> {
        ensure!(matches!(answer.status, 200 | 204), "{}", answer.text());
        Ok(())
    }
}
