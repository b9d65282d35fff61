//! What hostile input may cost, as contracts. Growth is seen by counting what is allocated and looked at, never by a clock.
#![cfg(feature = "memory")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice
)]

#[path = "service/common.rs"]
#[allow(dead_code, reason = "shared with the tests of the service")]
mod common;

use std::cell::Cell;
use std::sync::Arc;

use allocation_counter::{AllocationInfo, measure};
use common::*;
use http::Request;
use scim_core::schema::{Mutability, Returned};
use scim_core::scim_filter::simple::SimpleSchema;
use scim_core::scim_filter::{
    DataType, Filter, Limits as FilterLimits, Node, NumberRef, ResolveOptions, ValueRef,
};
use scim_core::{Attribute, JsonLimits, Quirks, Registry, ResourceType, Schema};
use scim_server::{Body, Limits};
use tower::ServiceExt as _;

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// Sends a request, and counts what the service allocates on the way to its answer.
fn measured(server: &Server, method: &str, path: &str, body: &str) -> (AllocationInfo, u16) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let service = server.service.clone();
    let request = Request::builder().method(method).uri(path).header("host", "example.com");
    let request = request
        .header("content-type", "application/scim+json")
        .body(Body::from(body.to_owned().into_bytes()));
    let mut request = request.ok();
    let mut status = 0;
    let info = measure(|| {
        let answer = runtime.block_on(service.oneshot(request.take().unwrap())).unwrap();
        status = answer.status().as_u16();
    });
    (info, status)
}

/// A JSON text of some length: the beginning, as many parts as fit, the end.
fn filled(size: u64, begin: &str, part: impl Fn(usize) -> String, end: &str) -> String {
    let mut text = begin.to_owned();
    let mut n = 0;
    loop {
        let part = part(n);
        if text.len() + part.len() + end.len() > usize::try_from(size).unwrap() {
            break;
        }
        text.push_str(&part);
        n += 1;
    }
    text.push_str(end);
    text
}

/// Name, method, path, body of a given size.
type Shape = (&'static str, &'static str, &'static str, Box<dyn Fn(u64) -> String>);

fn shapes() -> Vec<Shape> {
    let user = format!("{{\"schemas\":[\"{USER}\"],\"userName\":\"u\"");
    let begin = move |more: &str| format!("{user}{more}");
    let shape = |name, method, path, begin: String, part: fn(usize) -> String, end: &'static str| -> Shape {
        (name, method, path, Box::new(move |size| filled(size, &begin, part, end)))
    };
    let patch = format!(
        "{{\"schemas\":[\"{PATCH_OP}\"],\"Operations\":[{{\"op\":\"add\",\"path\":\"title\",\"value\":\"t\"}}"
    );
    let search = format!("{{\"schemas\":[\"{SEARCH}\"]");
    let group = format!("{{\"schemas\":[\"{GROUP}\"],\"displayName\":\"g\",\"members\":[{{\"value\":\"0\"}}");
    vec![
        shape("a long text", "POST", "/Users", begin(",\"title\":\""), |_| "x".repeat(64), "\"}"),
        shape("escapes", "POST", "/Users", begin(",\"title\":\""), |_| "\\u00e9\\n".into(), "\"}"),
        shape(
            "e-mails",
            "POST",
            "/Users",
            begin(",\"emails\":[{\"value\":\"a\"}"),
            |n| format!(",{{\"value\":\"a{n}\"}}"),
            "]}",
        ),
        shape(
            "the same e-mail",
            "POST",
            "/Users",
            begin(",\"emails\":[{\"value\":\"a\"}"),
            |_| ",{\"value\":\"a\"}".into(),
            "]}",
        ),
        shape(
            "primary e-mails",
            "POST",
            "/Users",
            begin(",\"emails\":[{\"value\":\"a\"}"),
            |_| ",{\"primary\":true}".into(),
            "]}",
        ),
        shape("unknown attributes", "POST", "/Users", begin(""), |n| format!(",\"x{n}\":1"), "}"),
        shape("the same attribute", "POST", "/Users", begin(""), |_| ",\"title\":\"t\"".into(), "}"),
        shape(
            "the same in many cases",
            "POST",
            "/Users",
            begin(""),
            |n| {
                let title: String = "nickname"
                    .bytes()
                    .enumerate()
                    .map(|(bit, b)| char::from(if n >> bit & 1 == 1 { b.to_ascii_uppercase() } else { b }))
                    .collect();
                format!(",\"{title}\":\"t\"")
            },
            "}",
        ),
        shape(
            "schemas",
            "POST",
            "/Users",
            format!("{{\"userName\":\"u\",\"schemas\":[\"{USER}\""),
            |n| format!(",\"urn:x:{n}\""),
            "]}",
        ),
        shape("wide arrays", "POST", "/Users", begin(",\"x\":[0"), |_| ",[]".into(), "]}"),
        shape("numbers", "POST", "/Users", begin(",\"x\":[0"), |n| format!(",{n}e9"), "]}"),
        shape("a long number", "POST", "/Users", begin(",\"x\":1"), |_| "9".repeat(64), "}"),
        shape("white space", "POST", "/Users", begin(""), |_| " \n".repeat(32), "}"),
        shape("no end", "POST", "/Users", begin(",\"x\":[1"), |_| ",{\"a\":[1]}".into(), ""),
        shape("brackets", "POST", "/Users", String::new(), |_| "[".into(), ""),
        shape(
            "members that are nobody",
            "POST",
            "/Groups",
            group,
            |n| format!(",{{\"value\":\"m{n}\"}}"),
            "]}",
        ),
        shape(
            "operations",
            "PATCH",
            "/Users/id-1",
            patch.clone(),
            |_| ",{\"op\":\"remove\",\"path\":\"title\"}".into(),
            "]}",
        ),
        shape(
            "a path",
            "PATCH",
            "/Users/id-1",
            format!("{patch},{{\"op\":\"remove\",\"path\":\"emails["),
            |_| "not (".into(),
            "\"}]}",
        ),
        shape(
            "values to add",
            "PATCH",
            "/Users/id-1",
            format!("{patch},{{\"op\":\"add\",\"path\":\"emails\",\"value\":[{{\"value\":\"a\"}}"),
            |n| format!(",{{\"value\":\"a{n}\"}}"),
            "]}]}",
        ),
        shape(
            "members to take out",
            "PATCH",
            "/Users/id-1",
            format!("{patch},{{\"op\":\"remove\",\"path\":\"emails\",\"value\":[{{\"value\":\"a\"}}"),
            |n| format!(",{{\"display\":\"a{n}\"}}"),
            "]}]}",
        ),
        shape(
            "a filter",
            "POST",
            "/Users/.search",
            format!("{search},\"filter\":\"title pr"),
            |_| " or title pr".into(),
            "\"}",
        ),
        shape(
            "attributes",
            "POST",
            "/Users/.search",
            format!("{search},\"attributes\":[\"id\""),
            |n| format!(",\"a{n}.b\""),
            "]}",
        ),
    ]
}

#[test]
fn what_a_body_costs_grows_with_its_length_and_no_faster() {
    for (name, method, path, body) in shapes() {
        let cost = |size: u64| {
            let server = Server::new();
            run(server.user(json!({"userName": "id-1"})));
            let body = body(size);
            let (info, status) = measured(&server, method, path, &body);
            assert!(status < 500, "{name}: {status}");
            info
        };
        let (small, large) = (cost(MIB / 8), cost(MIB));
        // Eight times as long. Linear is 8, with room for buffers that double; quadratic would be 64.
        for (what, small, large) in [
            ("bytes", small.bytes_total, large.bytes_total),
            ("allocations", small.count_total, large.count_total),
            ("most bytes at once", small.bytes_max, large.bytes_max),
        ] {
            assert!(large <= 13 * small + 64 * KIB, "{name}: {what} grow from {small} to {large}");
        }
        // Whatever the shape, the memory of a request is bounded by its length.
        assert!(large.bytes_max <= 120 * MIB, "{name}: {} bytes at once", large.bytes_max);
    }
}

/// JSON whose every look is counted.
#[derive(Clone, Copy)]
struct Counted<'v> {
    value: &'v Value,
    looks: &'v Cell<u64>,
}

impl<'v> Counted<'v> {
    fn with(self, value: &'v Value) -> Self {
        self.looks.set(self.looks.get() + 1);
        Self { value, looks: self.looks }
    }
}

impl<'v> ValueRef<'v> for Counted<'v> {
    type Items = Box<dyn Iterator<Item = Self> + 'v>;
    type Members = Box<dyn Iterator<Item = Self> + 'v>;

    fn node(self) -> Node<'v> {
        match self.value {
            Value::Null => Node::Null,
            Value::Bool(value) => Node::Bool(*value),
            Value::Number(number) => Node::Number(NumberRef::Float(number.as_f64().unwrap())),
            Value::String(text) => Node::String(text),
            Value::Array(_) => Node::Array,
            Value::Object(_) => Node::Object,
        }
    }

    fn items(self) -> Self::Items {
        Box::new(self.value.as_array().into_iter().flatten().map(move |item| self.with(item)))
    }

    fn members(self) -> Self::Members {
        Box::new(
            self.value
                .as_object()
                .into_iter()
                .flat_map(|object| object.values())
                .map(move |value| self.with(value)),
        )
    }

    fn member(self, name: &str) -> Option<Self> {
        let object = self.value.as_object()?;
        object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| self.with(value))
    }
}

#[test]
fn a_filter_looks_at_each_value_once_for_each_of_its_terms() {
    let emails = |n: usize| {
        let email = |n: usize| json!({"value": format!("a{n}@example.com"), "type": "home"});
        json!({"userName": "u", "title": "t", "emails": (0..n).map(email).collect::<Vec<_>>()})
    };
    let looks = |filter: &str, resource: &Value| {
        let limits = FilterLimits::search();
        let filter = Filter::parse_with(filter, &limits.into()).unwrap().into_owned();
        let filter = filter.resolve(&SimpleSchema::user(), &ResolveOptions::default()).unwrap();
        let looks = Cell::new(0);
        let matches = filter.matches(Counted { value: resource, looks: &looks });
        assert!(!matches);
        looks.get()
    };
    // None of them matches, so that none ends early.
    type Terms = (&'static str, fn(usize) -> String);
    let terms: [Terms; 5] = [
        ("or", |n| vec!["emails.type eq \"work\""; n].join(" or ")),
        ("or within brackets", |n| format!("emails[{}]", vec!["type eq \"work\""; n].join(" or "))),
        ("brackets", |n| vec!["emails[type eq \"work\" and value pr]"; n].join(" or ")),
        ("not", |n| vec!["not (emails.value sw \"a\" and emails.type ne \"work\")"; n].join(" or ")),
        ("substrings", |n| vec!["emails.value co \"aaaa\""; n].join(" or ")),
    ];
    for (name, filter) in terms {
        let mut most = 0;
        for n in [1, 16, 120] {
            for values in [1, 100, 1000] {
                let looks = looks(&filter(n), &emails(values));
                let bound = 8 * (n as u64) * (values as u64) + 8;
                assert!(looks <= bound, "{name}: {looks} looks with {n} terms at {values} values");
                most = most.max(looks);
            }
        }
        assert!(most > 300, "{name}: {most} looks: nothing was counted");
    }
    // Depth multiplies nothing.
    let nested = |n: usize| format!("{}emails.type eq \"work\"{}", "(".repeat(n), ")".repeat(n));
    assert_eq!(looks(&nested(60), &emails(1000)), looks(&nested(0), &emails(1000)));
    let negated = |n: usize| format!("{}emails.type eq \"work\"{}", "not (".repeat(n), ")".repeat(n));
    assert_eq!(looks(&negated(60), &emails(1000)), looks(&negated(0), &emails(1000)));
}

#[test]
fn a_query_ends_at_a_budget() {
    let server = Server::with(|builder| builder.limits(Limits::default().with_query_work(20_000)));
    let emails: Vec<Value> = (0..1_000).map(|n| json!({"value": format!("a{n}@example.com")})).collect();
    run(server.user(json!({"userName": "u", "title": "t", "emails": emails})));
    let terms = |n: usize| vec!["emails.value co \"zz\""; n].join(" or ");
    let ask = |filter: &str| run(server.filter("/Users", filter));
    assert_eq!(ask(&terms(1)).json()["totalResults"], 0);
    for dear in [terms(40), format!("not ({})", terms(40)), format!("title eq \"t\" and ({})", terms(40))] {
        let refused = ask(&dear);
        assert_eq!(
            (refused.status, refused.json()["scimType"].clone()),
            (400, json!("tooMany")),
            "{}",
            refused.text
        );
        let body = refused.json();
        let detail = body["detail"].as_str().unwrap();
        assert!(detail.contains("more values") && detail.contains("`userName`"), "{detail}");
        let search = json!({"schemas": [SEARCH], "filter": dear});
        assert_eq!(run(server.post("/Users/.search", &search)).status, 400);
        assert_eq!(run(server.post("/.search", &search)).status, 400);
    }
    // What an index finds is looked at, and what it does not find is not.
    assert_eq!(ask(&format!("userName eq \"u\" and ({})", terms(40))).status, 400);
    assert_eq!(ask(&format!("userName eq \"v\" and ({})", terms(40))).json()["totalResults"], 0);
    assert_eq!(ask("userName eq \"u\"").json()["totalResults"], 1);
    // Sorting looks at values, too.
    let tight = Server::with(|builder| builder.limits(Limits::default().with_query_work(20)));
    for n in 0..10 {
        run(tight.user(json!({"userName": format!("u{n}")})));
    }
    assert_eq!(run(tight.get("/Users?sortBy=title")).status, 400);
    assert_eq!(run(tight.get("/Users")).json()["totalResults"], 10);
}

/// A server with a user who has this many e-mails; the user's path and JSON.
fn with_emails(n: usize) -> (Server, String, String) {
    let server = Server::new();
    let emails: Vec<Value> =
        (0..n).map(|n| json!({"value": format!("a{n}@example.com"), "type": "home"})).collect();
    let path = format!("/Users/{}", run(server.user(json!({"userName": "u", "emails": emails}))));
    let stored = run(server.get(&path)).text;
    (server, path, stored)
}

fn patch_body(operations: &Value) -> String {
    json!({"schemas": [PATCH_OP], "Operations": operations}).to_string()
}

#[test]
fn operations_on_long_lists_end_at_a_budget_and_change_nothing() {
    let (server, path, stored) = with_emails(5_000);
    for (what, operation) in [
        ("a filter", json!({"op": "remove", "path": "emails[value eq \"x\" or display sw \"y\"].display"})),
        ("every value", json!({"op": "remove", "path": "emails.display"})),
        ("an addition", json!({"op": "add", "path": "emails", "value": [{"display": "no value"}]})),
        ("a removal", json!({"op": "remove", "path": "emails[display eq \"x\"]"})),
    ] {
        let operations = json!(vec![operation; 1_000]);
        let (info, status) = measured(&server, "PATCH", &path, &patch_body(&operations));
        assert_eq!(status, 400, "{what}");
        assert!(info.bytes_max <= 120 * MIB, "{what}: {} bytes at once", info.bytes_max);
        let detail = run(server.patch(&path, operations)).refused(400, "tooMany");
        assert!(detail.contains("the limit of 2000000"), "{detail}");
        assert_eq!(run(server.get(&path)).text, stored, "{what}");
    }
}

#[test]
fn a_value_is_not_multiplied_by_the_places_it_is_set_in() {
    let (server, path, stored) = with_emails(5_000);
    let long = "x".repeat(500_000);
    for (what, operations) in [
        ("a filter", json!([{"op": "replace", "path": "emails[type eq \"home\"].display", "value": long}])),
        ("every value", json!([{"op": "replace", "path": "emails.display", "value": long}])),
        ("an addition", json!([{"op": "add", "path": "emails[value pr]", "value": {"display": long}}])),
        ("many small ones", json!(vec![json!({"op": "replace", "path": "emails.display", "value": "x".repeat(700)}); 1])),
        ("many operations", json!((0..40).map(|n| json!({"op": "replace", "path": "emails.display", "value": format!("{n}{}", "x".repeat(20))})).collect::<Vec<_>>())),
    ] {
        let (info, status) = measured(&server, "PATCH", &path, &patch_body(&operations));
        assert_eq!(status, 400, "{what}");
        assert!(info.bytes_max <= 32 * MIB, "{what}: {} bytes at once", info.bytes_max);
        let detail = run(server.patch(&path, operations)).refused(400, "tooMany");
        assert!(detail.contains("1048576 bytes"), "{what}: {detail}");
        assert_eq!(run(server.get(&path)).text, stored, "{what}");
    }
    // What an identity provider means by it is done.
    let small = json!([{"op": "replace", "path": "emails[type eq \"home\"].type", "value": "work"}]);
    assert!(run(server.patch(&path, small)).status < 300);
    let one =
        json!([{"op": "replace", "path": "emails[value eq \"a7@example.com\"].display", "value": long}]);
    assert!(run(server.patch(&path, one)).status < 300);
}

#[test]
fn answers_are_bounded_by_what_is_stored_and_what_was_sent() {
    let (server, path, stored) = with_emails(500);
    for n in 0..50 {
        run(server.user(json!({"userName": format!("user{n}"), "title": "t".repeat(n)})));
    }
    let all = run(server.get("/Users")).text;
    let size = |answer: &Answer| answer.text.len();
    // The same attribute a thousand times, a page without end, many filters that all match.
    let names = vec!["emails.value"; 1_000].join(",");
    for path in [
        format!("{path}?attributes={names}"),
        format!("{path}?attributes={}", vec!["emails"; 1_000].join(",")),
        format!("{path}?excludedAttributes={}", vec!["title"; 1_000].join(",")),
    ] {
        assert!(size(&run(server.get(&path))) <= stored.len() + 1_000, "{}", &path[..60]);
    }
    for query in [
        "count=999999999".to_owned(),
        format!("filter={}", encode(&vec!["id pr"; 100].join(" or "))),
        format!("filter={}", encode("emails[value pr] or userName pr")),
        format!("attributes={names}"),
    ] {
        assert!(size(&run(server.get(&format!("/Users?{query}")))) <= all.len() + 1_000, "{query}");
    }
    let few = Server::with(|builder| builder.limits(Limits::default().with_max_count(10)));
    for n in 0..30 {
        run(few.user(json!({"userName": format!("user{n}")})));
    }
    let page = run(few.get("/Users?count=1000000")).json();
    assert_eq!((&page["itemsPerPage"], &page["totalResults"]), (&json!(10), &json!(30)));

    // The name of a group is not repeated for each of its members.
    let members: Vec<Value> = run(few.get("/Users")).json()["Resources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|user| json!({"value": user["id"]}))
        .collect();
    let before = run(few.get("/Users")).text.len();
    let group = json!({"schemas": [GROUP], "displayName": "\u{e9}".repeat(50_000), "members": members});
    run(few.post("/Groups", &group)).expect(201);
    let after = run(few.get("/Users"));
    assert!(size(&after) <= before + 10 * 1_000, "{} bytes after {before}", size(&after));
    assert_eq!(after.json()["Resources"][0]["groups"][0]["display"], "\u{e9}".repeat(256));

    // What a value filter adds is bounded, and so is what comes back of it.
    let mut before = stored.len();
    for operations in [
        json!([{"op": "add", "path": "emails[type eq \"other\"].display", "value": "x".repeat(100_000)}]),
        json!([{"op": "replace", "path": "emails[type eq \"home\"].display", "value": "y".repeat(1_000)}]),
        json!(
            (0..50)
                .map(
                    |n| json!({"op": "add", "path": format!("emails[type eq \"t{n}\"].value"), "value": "v"})
                )
                .collect::<Vec<_>>()
        ),
    ] {
        let body = patch_body(&operations);
        let answer =
            run(server.send("PATCH", &path, &[("content-type", "application/scim+json")], body.clone()))
                .expect(200);
        let most = before + body.len() + 2 * 1024 * 1024;
        assert!(
            size(&answer) <= most,
            "{} bytes after {before} stored and {} sent",
            size(&answer),
            body.len()
        );
        before = size(&answer);
    }
}

#[test]
fn errors_repeat_a_short_and_escaped_piece_at_most() {
    let server = Server::new();
    let path = format!("/Users/{}", run(server.user(json!({"userName": "u"}))));
    for unit in ["A", "\u{1b}[31m", "\u{202e}", "\u{0}", "\"", "é", "\u{1F600}", "<b>"] {
        let long = unit.repeat(6_000 / unit.len());
        let escaped = encode(&long);
        let quoted = json!(long).to_string();
        let mut answers = Vec::new();
        let mut get = |path: String| answers.push(run(server.get(&path)));
        // URLs end at 64 KiB.
        let escaped = &escaped[..escaped.len().min(18_000) / 12 * 12];
        get(format!("/{escaped}"));
        get(format!("/Users/{escaped}"));
        get(format!("/Schemas/{escaped}"));
        get(format!("/ResourceTypes/{escaped}"));
        for parameter in
            ["filter", "sortBy", "sortOrder", "startIndex", "count", "attributes", "excludedAttributes"]
        {
            get(format!("/Users?{parameter}={escaped}"));
        }
        for filter in [
            "title eq {}",
            "{} eq \"a\"",
            "emails[{} pr]",
            "title xx {}",
            "active eq {}",
            "meta.created gt {}",
        ] {
            get(format!(
                "/Users?filter={}",
                encode(&filter.replace("{}", &quoted[..quoted.floor_char_boundary(2_000)]))
            ));
        }
        for body in [
            format!("{{{quoted}:1}}"),
            format!("{{\"schemas\":[{quoted}],\"userName\":\"a\"}}"),
            format!("{{\"schemas\":[\"{USER}\"],\"userName\":{{{quoted}:1}}}}"),
            format!("{{\"schemas\":[\"{USER}\"],\"userName\":\"b\",\"active\":{quoted}}}"),
            format!("{{\"schemas\":[\"{USER}\"],\"userName\":\"b\",\"emails\":[{{{quoted}:1}}]}}"),
            format!(
                "{{\"schemas\":[\"{USER}\"],\"userName\":\"b\",\"x509Certificates\":[{{\"value\":{quoted}}}]}}"
            ),
            format!("{{\"schemas\":[\"{USER}\"],\"userName\":\"b\",\"meta\":{{\"created\":{quoted}}}}}"),
            quoted.clone(),
            long.clone(),
        ] {
            answers.push(run(server.send("POST", "/Users", &[], body.clone())));
            answers.push(run(server.send("PUT", &path, &[], body)));
        }
        for operation in [
            json!({"op": long, "path": "title", "value": "x"}),
            json!({"op": "replace", "path": long, "value": "x"}),
            json!({"op": "replace", "path": format!("emails[type eq {quoted}].value"), "value": "x"}),
            json!({"op": "replace", "path": "active", "value": long}),
            json!({"op": "replace", "value": {long.clone(): 1}}),
        ] {
            answers.push(run(server.patch(&path, json!([operation]))));
        }
        for name in ["if-match", "if-none-match", "content-type", "content-encoding"] {
            let value: String = long.chars().filter(|c| c.is_ascii() && !c.is_ascii_control()).collect();
            if !value.is_empty() {
                answers.push(run(server.send("PUT", &path, &[(name, &value)], "{}")));
            }
        }
        for answer in answers.into_iter().filter(|answer| answer.status >= 400) {
            let detail = answer.json()["detail"].as_str().unwrap().to_owned();
            assert!(!detail.chars().any(|c| c.is_control() || c == '\u{202e}'), "{unit:?}: {detail:?}");
            // 60 characters of a value, 129 of a path; an error of several issues may have one for each.
            let run: String = long.chars().take(130).collect();
            assert!(!detail.contains(&run), "{unit:?}: {detail}");
            assert!(detail.chars().count() < 800, "{unit:?}: {detail}");
        }
    }
}

const VAULT: &str = "urn:example:schemas:Vault";
const SEALED: &str = "urn:example:schemas:Sealed";

/// A type with attributes that are never returned: simple, in a complex value, in one of many, and in an extension.
fn vault() -> Server {
    let string = |name: &str| Attribute::new(name, DataType::String);
    let secret = |name: &str| string(name).with_returned(Returned::Never);
    let schema = Schema::new(
        VAULT.parse().unwrap(),
        "Vault",
        "A vault",
        [
            string("label"),
            secret("pin"),
            secret("code").with_mutability(Mutability::WriteOnly),
            Attribute::complex("lock", [string("kind"), secret("combination")]),
            Attribute::complex("keys", [string("value"), secret("teeth")]).multi_valued(),
            secret("words").multi_valued(),
        ],
    )
    .unwrap();
    let sealed = Schema::new(SEALED.parse().unwrap(), "Sealed", "Sealed", [secret("seal")]).unwrap();
    let kind =
        ResourceType::new("Vault", VAULT.parse().unwrap()).with_extension(SEALED.parse().unwrap(), false);
    let registry = Registry::new([Arc::new(schema), Arc::new(sealed)], [kind]).unwrap();
    Server::with(|builder| builder.registry(Arc::new(registry)).quirks(Quirks::interop()))
}

/// Right and wrong guesses get the same answer, and no answer shows the secret.
#[test]
fn what_is_never_returned_cannot_be_probed() {
    let endpoint = "/Vaults";
    let probe = |guess: &str| {
        let server = vault();
        let vaults = [("a", "hunter2"), ("b", "other22")].map(|(label, secret)| {
            json!({"schemas": [VAULT, SEALED], "label": label, "pin": secret, "code": secret,
                "lock": {"kind": "dial", "combination": secret}, "keys": [{"value": "k1", "teeth": secret}],
                "words": [secret], SEALED: {"seal": secret}})
        });
        let mut answers = Vec::new();
        for vault in &vaults {
            answers.push(run(server.post(endpoint, vault)).expect(201));
        }
        let path = format!("{endpoint}/{}", answers[0].id());
        let seal = format!("{SEALED}:seal");
        for name in ["pin", "code", "lock.combination", "keys.teeth", "words", seal.as_str()] {
            for filter in [
                format!("{name} eq \"{guess}\""),
                format!("{name} ne \"{guess}\""),
                format!("{name} sw \"{guess}\""),
                format!("{name} pr"),
                format!("not ({name} co \"{guess}\")"),
                format!("label eq \"a\" and {name} gt \"{guess}\""),
                format!("label eq \"a\" or {name} le \"{guess}\""),
            ] {
                answers.push(run(server.filter(endpoint, &filter)));
                answers.push(run(server
                    .post(&format!("{endpoint}/.search"), &json!({"schemas": [SEARCH], "filter": filter}))));
                answers.push(run(server.post("/.search", &json!({"schemas": [SEARCH], "filter": filter}))));
            }
            for query in ["attributes", "sortBy", "excludedAttributes"] {
                answers.push(run(server.get(&format!("{endpoint}?{query}={}", encode(name)))));
                answers.push(run(server.get(&format!("{path}?{query}={}", encode(name)))));
            }
            // A test that does not select is no change of anything.
            let same =
                json!([{"op": "replace", "path": "label", "value": "a"}, {"op": "remove", "path": "label"}]);
            answers.push(run(server.patch(&format!("{path}?attributes={}", encode(name)), same)));
            answers.push(run(server.patch(&path, json!([{"op": "add", "path": "label", "value": "a"}]))));
        }
        for filter in [
            format!("lock[combination eq \"{guess}\"]"),
            format!("keys[teeth eq \"{guess}\"]"),
            "keys[teeth pr]".to_owned(),
        ] {
            answers.push(run(server.filter(endpoint, &filter)));
        }
        for operation in [
            json!({"op": "remove", "path": format!("keys[teeth eq \"{guess}\"]")}),
            json!({"op": "replace", "path": format!("keys[teeth eq \"{guess}\"].value"), "value": "k2"}),
            json!({"op": "replace", "path": format!("keys[value eq \"k1\" and teeth sw \"{guess}\"].value"), "value": "k1"}),
            json!({"op": "add", "path": format!("keys[not (teeth eq \"{guess}\")].value"), "value": "k1"}),
            json!({"op": "remove", "path": format!("words[value eq \"{guess}\"]")}),
            json!({"op": "remove", "path": format!("lock[combination eq \"{guess}\"]")}),
        ] {
            let answer = run(server.patch(&path, json!([operation])));
            assert!(answer.status == 400 || answer.status == 403, "{operation}: {answer:?}");
            answers.push(answer);
        }
        answers.push(run(server.get(&path)));
        answers
    };
    let (right, wrong) = (probe("hunter2"), probe("wrong99"));
    assert_eq!(right.len(), wrong.len());
    for (right, wrong) in right.iter().zip(&wrong) {
        let seen = |answer: &Answer| answer.text.replace("hunter2", "GUESS").replace("wrong99", "GUESS");
        assert_eq!((right.status, seen(right)), (wrong.status, seen(wrong)));
        assert_eq!(right.header("etag"), wrong.header("etag"));
        // The guess may be repeated in a refusal; the secret of the other vault never is in anything.
        assert!(!right.text.contains("other22") && !wrong.text.contains("hunter2"), "{wrong:?}");
    }
}

/// Trees are as deep as the limits let them be, and dropping one takes a stack of 64 KiB.
#[test]
fn dropping_the_deepest_tree_takes_next_to_no_stack() {
    let limits = JsonLimits::default().with_depth(usize::MAX);
    let nested =
        |open: &str, close: &str, depth: usize| format!("{}1{}", open.repeat(depth), close.repeat(depth));
    let arrays = scim_core::Value::from_slice_with(nested("[", "]", 255).as_bytes(), &limits).unwrap();
    let objects = scim_core::Value::from_slice_with(nested("{\"a\":", "}", 255).as_bytes(), &limits).unwrap();
    for depth in [257, 1_000, 500_000] {
        scim_core::Value::from_slice_with(nested("[", "]", depth).as_bytes(), &limits).unwrap_err();
    }
    let text = format!("{}title pr{}", "not (".repeat(64), ")".repeat(64));
    let filter = Filter::parse(&text).unwrap().into_owned();
    let resolved = filter.clone().resolve(&SimpleSchema::user(), &ResolveOptions::default()).unwrap();
    let drops = move || drop((arrays, objects, filter, resolved));
    std::thread::Builder::new().stack_size(64 * 1024).spawn(drops).unwrap().join().unwrap();
}

/// The deepest input that the limits let through, and far deeper ones, on half the stack that a thread has by default.
#[test]
fn a_small_stack_is_enough_for_the_deepest_input() {
    let work = || {
        let server = Server::new();
        let id = run(server.user(json!({"userName": "u", "emails": [{"value": "a", "type": "home"}]})));
        let path = format!("/Users/{id}");
        for depth in [60, 64, 65, 1_000, 100_000] {
            for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
                let deep = format!("{}1{}", open.repeat(depth), close.repeat(depth));
                for body in [
                    deep.clone(),
                    format!("{{\"schemas\":[\"{USER}\"],\"userName\":\"b{depth}\",\"x\":{deep}}}"),
                    format!(
                        "{{\"schemas\":[\"{PATCH_OP}\"],\"Operations\":[{{\"op\":\"add\",\"path\":\"emails\",\"value\":{deep}}}]}}"
                    ),
                    open.repeat(depth),
                ] {
                    for (method, path) in
                        [("POST", "/Users"), ("PUT", &path), ("PATCH", &path), ("POST", "/.search")]
                    {
                        let answer = run(server.send(method, path, &[], body.clone()));
                        assert!(answer.status < 500, "{depth}: {answer:?}");
                    }
                }
            }
            for (open, close) in [("(", ")"), ("not (", ")"), ("emails[type eq \"x\" or (", ")]")] {
                let depth = depth.min(5_000);
                let filter = format!("{}type pr{}", open.repeat(depth), close.repeat(depth));
                let body = json!({"schemas": [SEARCH], "filter": filter});
                assert!(run(server.post("/Users/.search", &body)).status < 500);
                let remove = json!([{"op": "remove", "path": format!("emails[{filter}]")}]);
                assert!(run(server.patch(&path, remove)).status < 500);
            }
        }
        run(server.get(&path)).expect(200);
    };
    std::thread::Builder::new().stack_size(1024 * 1024).spawn(work).unwrap().join().unwrap();
}

/// Exchanging the schemas costs nothing afterwards: requests share the service as before.
#[test]
fn requests_cost_the_same_after_the_registry_was_exchanged() {
    let server = run(async { Server::new() });
    let cost = || {
        // What is made once, on the first request, is not counted.
        measured(&server, "GET", "/Users?count=0", "");
        let (info, status) = measured(&server, "GET", "/Users?count=0", "");
        assert_eq!(status, 200);
        (info.count_total, info.bytes_total)
    };
    let before = cost();
    let same = server.service.registry().get().to_builder().build().unwrap();
    server.service.registry().set(same).unwrap();
    assert_eq!(cost(), before);
}
