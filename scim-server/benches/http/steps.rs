//! What is asked of the servers.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;

use crate::client::once;
use crate::servers::{Server, TOKEN};
use crate::world::{World, id, user};

pub(crate) type Requests = dyn Fn() -> Vec<u8> + Sync;

pub(crate) struct Step {
    pub(crate) name: String,
    /// The status of every answer.
    pub(crate) status: u16,
    /// The request that the constant server gets all the time.
    pub(crate) sample: Vec<u8>,
    /// The next request.
    pub(crate) requests: Box<Requests>,
    /// Whether one connection at a time is used, because each request builds on the one before.
    pub(crate) alone: bool,
}

impl Step {
    fn new(
        name: impl Into<String>,
        status: u16,
        request: impl Fn(usize) -> Vec<u8> + Sync + 'static,
    ) -> Self {
        let next = AtomicUsize::new(1);
        let sample = request(0);
        let requests = Box::new(move || request(next.fetch_add(1, Ordering::Relaxed)));
        Self { name: name.into(), status, sample, requests, alone: false }
    }
}

fn get(target: &str) -> Vec<u8> {
    format!(
        "GET /scim/v2{target} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\nAccept: application/scim+json\r\n\r\n"
    )
    .into_bytes()
}

fn send(method: &str, target: &str, body: &str) -> Vec<u8> {
    format!(
        "{method} /scim/v2{target} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\nContent-Type: application/scim+json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

fn patch(target: &str, operation: &str) -> Vec<u8> {
    let body = format!(
        r#"{{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{operation}]}}"#
    );
    send("PATCH", target, &body)
}

fn filter(text: &str) -> String {
    let escaped = percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC);
    format!("/Users?filter={escaped}")
}

/// Member 0 of the sequence goes in and out of a group in turns.
fn members(group: String, newcomer: usize) -> impl Fn(usize) -> Vec<u8> + Sync {
    move |n| {
        let id = id(newcomer);
        let operation = if n.is_multiple_of(2) {
            format!(r#"{{"op":"add","path":"members","value":[{{"value":"{id}"}}]}}"#)
        } else {
            format!(r#"{{"op":"remove","path":"members[value eq \"{id}\"]"}}"#)
        };
        patch(&format!("/Groups/{group}?excludedAttributes=members"), &operation)
    }
}

/// The steps for a directory of the size that it has; groups have up to `most` members.
pub(crate) fn steps(world: &mut World, most: usize) -> Vec<Step> {
    let users = world.users;
    let any = move |n: usize| n.wrapping_mul(7919) % users;
    let mut steps = vec![
        Step::new("get by id", 200, move |n| get(&format!("/Users/{}", id(any(n))))),
        Step::new("userName eq", 200, move |n| {
            get(&filter(&format!(r#"userName eq "user{}@example.com""#, any(n))))
        }),
        Step::new("emails[type and value eq]", 200, move |n| {
            let value = any(n);
            get(&filter(&format!(r#"emails[type eq "work" and value eq "user{value}@example.com"]"#)))
        }),
        Step::new("projected get of 2", 200, move |n| {
            get(&format!("/Users/{}?attributes=userName,emails", id(any(n))))
        }),
        Step::new("page of 100, first", 200, |_| get("/Users?count=100")),
        Step::new("page of 100, middle by index", 200, move |_| {
            get(&format!("/Users?count=100&startIndex={}", users / 2))
        }),
    ];
    if let Some(cursor) = middle(world) {
        steps.push(Step::new("page of 100, middle by cursor", 200, move |_| {
            get(&format!("/Users?count=100&cursor={cursor}"))
        }));
    }
    if users <= 10_000 {
        for (name, text) in [
            ("scan: title sw, few", r#"title sw "Nobody""#),
            ("scan: title co, all", r#"title co "Guide""#),
            ("scan: two and extension", SCAN),
        ] {
            steps.push(Step::new(name, 200, move |_| get(&format!("{}&count=10", filter(text)))));
        }
        steps.push(Step::new("sort by familyName, 10", 200, |_| {
            get("/Users?sortBy=name.familyName&count=10")
        }));
    }
    // Names that no other run has taken.
    let run = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |time| time.as_micros() % 1_000_000_000);
    steps.push(Step::new("create", 201, move |n| send("POST", "/Users", &user(&format!("new{run}x"), n))));
    steps.push(Step::new("patch displayName", 200, move |n| {
        let operation = format!(r#"{{"op":"replace","path":"displayName","value":"Name {n} {run}"}}"#);
        patch(&format!("/Users/{}", id(any(n))), &operation)
    }));
    for size in [10, 1_000, 100_000].into_iter().filter(|size| *size < most) {
        let name = format!("group-{users}-{size}");
        world.create_group(&name, size);
        let mut step =
            Step::new(format!("member in and out of {size}"), 200, members(name.clone(), users - 1));
        step.alone = true;
        steps.push(step);
        steps.push(Step::new(format!("get group of {size}"), 200, move |_| get(&format!("/Groups/{name}"))));
    }
    steps
}

const SCAN: &str = r#"title eq "tour guide" and urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department sw "Tours""#;

/// The cursor of a page in the middle of all users.
fn middle(world: &World) -> Option<String> {
    let server = Server::scim(world.store.clone(), false);
    // A page of 100 is asked for, so the cursor has to be one of pages of 100.
    let mut cursor = String::new();
    for _ in 0..(world.users / 200).min(50) {
        let answer = once(server.address, &get(&format!("/Users?count=100&cursor={cursor}")));
        let text = String::from_utf8(answer.body).ok()?;
        cursor = text.split_once("\"nextCursor\":\"")?.1.split_once('"')?.0.to_owned();
    }
    (!cursor.is_empty()).then_some(cursor)
}
