//! Filters that are wrong, in the query and in a search.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;

use crate::case::{Case, On, get, post};

const FILTER: &[&str] = &["invalidFilter"];
/// A position in the filter, whatever it is called.
const SOMEWHERE: &str = r"\d";

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (on, filter, says) in rows() {
        cases.extend(everywhere(on, filter).map(|case| case.is(400, FILTER).says(says)));
    }
    cases.extend(huge());
    cases.extend(encodings());
    cases.push(
        get("a filter over passwords", "/Users?filter=password%20eq%20%22x%22")
            .on(On::Strict)
            .is(400, &["invalidFilter", "sensitive"])
            .or(403),
    );
    cases.push(
        get("an unknown attribute of a group", "/Groups?filter=userName%20eq%20%22x%22")
            .is(400, FILTER)
            .says("userName"),
    );
    cases
}

/// Filter, and what the detail names: the attribute, or the position (from 0 or from 1).
fn rows() -> Vec<(On, &'static str, &'static str)> {
    vec![
        (On::All, "nosuch eq \"x\"", "nosuch"),
        (On::All, "name.shoeSize eq \"x\"", "shoeSize"),
        (On::All, "emails.nosuch pr", "nosuch"),
        (On::All, "emails[nosuch eq \"x\"]", "nosuch"),
        (On::All, "userName.nosuch eq \"x\"", "userName"),
        (On::All, "userName eq \"x\" or nosuch eq \"y\"", "nosuch"),
        (On::All, "urn:ietf:params:scim:schemas:core:2.0:User:nosuch eq \"x\"", "nosuch"),
        (On::All, "urn:example:nope:2.0:attr eq \"x\"", "urn:example:nope"),
        (On::All, "userName", r"\b[89]\b"),
        (On::All, "userName eq", r"\b1[12]\b"),
        (On::All, "userName foo \"x\"", r"\b(9|10)\b"),
        (On::All, "userName eq 'x'", r"\b1[23]\b"),
        (On::All, "userName eq \"x\")", r"\b1[56]\b"),
        (On::All, "userName eq \"x\" xor userName pr", r"\b1[67]\b"),
        (On::All, "userName eq \"x\" \"y\"", r"\b1[67]\b"),
        (On::All, "(userName eq \"x\"", SOMEWHERE),
        (On::All, "()", SOMEWHERE),
        (On::All, "eq \"x\"", SOMEWHERE),
        (On::All, "\"userName\" eq \"x\"", r"\b[01]\b"),
        (On::All, "1name eq \"x\"", r"\b[01]\b"),
        (On::All, "\u{1F464} eq \"x\"", r"\b[01]\b"),
        (On::All, "userName eq \"x", SOMEWHERE),
        (On::All, "userName eq \"a\\q\"", SOMEWHERE),
        (On::All, "userName eq \"\\ud800\"", SOMEWHERE),
        (On::All, "userName eq \"\\udc00\\ud800\"", SOMEWHERE),
        (On::All, "userName eq \"x\" and", SOMEWHERE),
        (On::All, "and userName eq \"x\"", SOMEWHERE),
        (On::All, "userName eq \"x\" or or userName pr", SOMEWHERE),
        (On::All, "userName pr userName pr", r"\b1[23]\b"),
        (On::All, "not userName pr", SOMEWHERE),
        (On::All, "userName\teq\t\"x\"", r"\b[89]\b"),
        (On::All, "userName\u{a0}eq \"x\"", SOMEWHERE),
        (On::All, "userName eq \"x\"\u{0}", r"\b1[56]\b"),
        // Elsewhere a bare word stands for a string, as some clients mean it.
        (On::Strict, "userName eq 01", SOMEWHERE),
        (On::Strict, "userName eq -", SOMEWHERE),
        (On::Strict, "userName eq 1e", SOMEWHERE),
        (On::All, "userName eq {\"a\":1}", r"\b1[23]\b"),
        (On::All, "userName eq [\"a\"]", r"\b1[23]\b"),
        (On::All, "name..givenName eq \"x\"", SOMEWHERE),
        (On::All, "name.givenName.x eq \"y\"", SOMEWHERE),
        (On::All, ".userName eq \"x\"", r"\b[01]\b"),
        (On::All, "emails[type eq \"work\"", SOMEWHERE),
        (On::All, "emails[]", r"\b[78]\b"),
        (On::All, "emails]type eq \"work\"[", SOMEWHERE),
        (On::All, "emails[emails[type eq \"x\"]]", SOMEWHERE),
        (On::All, "userName eq \"x\"; drop table users", r"\b1[56]\b"),
        (On::Strict, "meta.resourceType eq User", SOMEWHERE),
        (On::All, "active co \"t\"", "active"),
        (On::All, "active gt true", "active"),
        (On::All, "meta.created co \"2026\"", "created"),
        (On::All, "meta.created gt \"yesterday\"", "yesterday|created"),
        (On::All, "userName gt null", "null|userName"),
        (On::All, "name eq \"x\"", "name"),
    ]
}

fn everywhere(on: On, filter: &str) -> [Case; 2] {
    let quoted = utf8_percent_encode(filter, NON_ALPHANUMERIC);
    let shown: String = filter.chars().take(60).collect();
    let message =
        json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "filter": filter});
    [
        get(&format!("filter {shown:?}"), format!("/Users?filter={quoted}")).on(on),
        post(&format!("search for {shown:?}"), "/Users/.search", &message).on(on),
    ]
}

fn huge() -> Vec<Case> {
    let nested = |open: &str, middle: &str, close: &str, n: usize| {
        format!("{}{middle}{}", open.repeat(n), close.repeat(n))
    };
    let filters = [
        "(".repeat(10_000),
        nested("(", "userName pr", ")", 10_000),
        nested("not (", "userName pr", ")", 10_000),
        nested("(", "userName pr", ")", 2_000),
        "emails[".repeat(10_000),
        nested("emails[", "type pr", "]", 900),
        vec!["userName pr"; 10_000].join(" and "),
        vec!["userName pr"; 10_000].join(" or "),
        format!("userName eq \"{}\"", "x".repeat(100_000)),
        format!("{} eq \"x\"", "a".repeat(100_000)),
        format!("userName eq {}", "9".repeat(100_000)),
        "\"".repeat(10_000),
        " ".repeat(100_000),
    ];
    // A longer request line never reaches the service: HTTP itself refuses it.
    let fits = |case: &Case| case.target_len() < 60_000;
    filters
        .iter()
        .flat_map(|filter| everywhere(On::All, filter))
        .filter(fits)
        .map(|case| case.is(400, FILTER))
        .collect()
}

/// Queries that are wrong before there is a filter to read.
fn encodings() -> Vec<Case> {
    let types: &[&str] = &["invalidFilter", "invalidSyntax", "invalidValue"];
    let rows = [
        ("a percent sign alone", "/Users?filter=userName%20eq%20%22x%"),
        ("a percent sign and no hexadecimal", "/Users?filter=%zz"),
        ("half an escape", "/Users?filter=userName%2"),
        ("an escape that is no text", "/Users?filter=userName%20eq%20%22%ff%22"),
        ("an escape that is half a character", "/Users?filter=userName%20eq%20%22%c3%22"),
    ];
    rows.into_iter().map(|(name, target)| get(name, target).is(400, types)).collect()
}
