//! Generators of resources, changes and queries, over a small vocabulary in which things often coincide.

use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use scim_core::Value;

/// The ids that generated resources have. Some differ in case only.
pub const IDS: [&str; 26] = [
    "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "A", "B", "\u{e4}", "\u{c4}", "k1", "k2", "k3", "k4",
    "k5", "k6", "k7", "k8", "k9", "K1", "K2", "K3",
];

/// Texts that values have and filters ask for.
const WORDS: [&str; 14] = [
    "",
    "a",
    "A",
    "ab",
    "Ab",
    "b",
    "B",
    "work",
    "Stra\u{df}e",
    "STRASSE",
    "\u{e9}",
    "e\u{301}",
    "Ａb",
    "a\"\\b",
];

/// A user to be created.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct UserSpec {
    /// `userName`.
    pub user_name: String,
    /// The other attributes: names and values as JSON.
    pub attributes: Vec<(&'static str, String)>,
}

/// A group to be created.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct GroupSpec {
    /// `displayName`.
    pub display_name: String,
    /// The ids of the members, which may not exist.
    pub members: Vec<String>,
}

/// A query of one resource type.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Search {
    /// The filter.
    pub filter: Option<String>,
    /// The attribute to sort by.
    pub sort_by: Option<&'static str>,
    /// Whether to sort descending.
    pub descending: bool,
    /// The 1-based index of the first result.
    pub start_index: u64,
    /// How many results at most.
    pub count: usize,
}

impl UserSpec {
    /// The body of a POST.
    #[must_use]
    pub fn body(&self) -> String {
        let more: Vec<String> =
            self.attributes.iter().map(|(name, value)| format!(r#""{name}":{value}"#)).collect();
        super::fixture::user_body(&self.user_name, &more.join(","))
    }
}

impl GroupSpec {
    /// The body of a POST.
    #[must_use]
    pub fn body(&self) -> String {
        let members: Vec<&str> = self.members.iter().map(String::as_str).collect();
        super::fixture::group_body(&self.display_name, &members)
    }
}

/// The id of a resource.
pub fn id() -> impl Strategy<Value = String> {
    select(&IDS[..]).prop_map(str::to_owned)
}

/// A user.
pub fn user() -> impl Strategy<Value = UserSpec> {
    let emails = prop::collection::vec(
        (word(), option::of(select(vec!["work", "home"])), option::of(any::<bool>())),
        0..4,
    );
    let emails = emails.prop_map(|emails| {
        let mut has_primary = false;
        let emails: Vec<String> = emails
            .into_iter()
            .map(|(value, kind, is_primary)| {
                let kind = kind.map(|kind| format!(r#","type":"{kind}""#)).unwrap_or_default();
                let marked = is_primary.map(|wanted| wanted && !std::mem::replace(&mut has_primary, true));
                let primary = marked.map(|marked| format!(r#","primary":{marked}"#)).unwrap_or_default();
                format!(r#"{{"value":{}{kind}{primary}}}"#, json(&value))
            })
            .collect();
        format!("[{}]", emails.join(","))
    });
    let attributes = (
        option::of(word().prop_map(|w| json(&w))),
        option::of(word().prop_map(|w| json(&w))),
        option::of(word().prop_map(|w| json(&w))),
        option::of(any::<bool>().prop_map(|b| b.to_string())),
        option::of(
            (word(), word())
                .prop_map(|(a, b)| format!(r#"{{"familyName":{},"givenName":{}}}"#, json(&a), json(&b))),
        ),
        option::of(emails),
        option::of(word().prop_map(|w| json(&w))),
        option::of(word().prop_map(|w| format!(r#"{{"department":{}}}"#, json(&w)))),
    );
    let named =
        (prop_oneof![Just("u".to_owned()), Just("U".to_owned()), Just("Ｕ".to_owned())], 0..20_u8, word());
    (named, attributes).prop_map(
        |((first, n, last), (display, external, title, active, name, emails, password, enterprise))| {
            const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
            let attributes = [
                ("displayName", display),
                ("externalId", external),
                ("title", title),
                ("active", active),
                ("name", name),
                ("emails", emails),
                ("password", password),
                (ENTERPRISE, enterprise),
            ];
            UserSpec {
                user_name: format!("{first}{n}{last}"),
                attributes: attributes.into_iter().filter_map(|(name, value)| Some((name, value?))).collect(),
            }
        },
    )
}

/// A group.
pub fn group() -> impl Strategy<Value = GroupSpec> {
    (select(vec!["a", "A", "ab", "group", "Group"]), prop::collection::vec(id(), 0..6))
        .prop_map(|(name, members)| GroupSpec { display_name: name.to_owned(), members })
}

/// The operations of a PATCH of a user, as the inside of a JSON array.
pub fn user_patch() -> impl Strategy<Value = String> {
    let operation = prop_oneof![
        (
            select(vec!["add", "replace"]),
            select(vec!["title", "displayName", "externalId", "name.familyName", "userName"]),
            word()
        )
            .prop_map(|(op, path, value)| format!(
                r#"{{"op":"{op}","path":"{path}","value":{}}}"#,
                json(&value)
            )),
        select(vec!["title", "displayName", "emails", "name", "externalId", "emails[primary eq true]"])
            .prop_map(|path| format!(r#"{{"op":"remove","path":"{path}"}}"#)),
        any::<bool>().prop_map(|active| format!(r#"{{"op":"replace","value":{{"active":{active}}}}}"#)),
        (select(vec!["add", "replace"]), word(), any::<bool>()).prop_map(|(op, value, primary)| format!(
            r#"{{"op":"{op}","path":"emails","value":[{{"value":{},"primary":{primary}}}]}}"#,
            json(&value)
        )),
        word().prop_map(|value| format!(
            r#"{{"op":"replace","path":"emails[type eq \"work\"].display","value":{}}}"#,
            json(&value)
        )),
    ];
    prop::collection::vec(operation, 1..4).prop_map(|operations| operations.join(","))
}

/// The operations of a PATCH of a group, as the inside of a JSON array.
pub fn group_patch() -> impl Strategy<Value = String> {
    let list = || {
        prop::collection::vec(id(), 0..4).prop_map(|ids| {
            let values: Vec<String> = ids.iter().map(|id| format!(r#"{{"value":"{id}"}}"#)).collect();
            format!("[{}]", values.join(","))
        })
    };
    let operation = prop_oneof![
        4 => list().prop_map(|ids| format!(r#"{{"op":"add","path":"members","value":{ids}}}"#)),
        2 => id().prop_map(|id| format!(r#"{{"op":"remove","path":"members[value eq \"{id}\"]"}}"#)),
        1 => list().prop_map(|ids| format!(r#"{{"op":"replace","path":"members","value":{ids}}}"#)),
        1 => select(vec![
            "members",
            r#"members[type eq \"Group\"]"#,
            r#"members[value eq \"a\" or display sw \"u1\"]"#,
            r#"members[display pr]"#,
            r#"members[value sw \"k\" and not (type eq \"Group\")]"#,
        ]).prop_map(|path| format!(r#"{{"op":"remove","path":"{path}"}}"#)),
        1 => word().prop_map(|name| format!(r#"{{"op":"replace","path":"displayName","value":{}}}"#, json(&format!("x{name}")))),
    ];
    prop::collection::vec(operation, 1..4).prop_map(|operations| operations.join(","))
}

/// A query of users, or else of groups.
pub fn search(users: bool) -> impl Strategy<Value = Search> {
    let sorts = if users {
        vec![
            "userName",
            "displayName",
            "emails",
            "active",
            "name.familyName",
            "meta.created",
            "groups.display",
            "id",
        ]
    } else {
        vec!["displayName", "members.value", "members.display", "meta.lastModified", "id"]
    };
    let filter = if users { user_filter().boxed() } else { group_filter().boxed() };
    (
        option::weighted(0.9, filter),
        option::of(select(sorts)),
        any::<bool>(),
        prop_oneof![3 => Just(1), 1 => 1..30_u64],
        prop_oneof![3 => Just(1_000), 1 => 0..10_usize],
    )
        .prop_map(|(filter, sort_by, descending, start_index, count)| Search {
            filter,
            sort_by,
            descending,
            start_index,
            count,
        })
}

/// A filter of users.
pub fn user_filter() -> impl Strategy<Value = String> {
    const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department";
    let texts = vec![
        "userName",
        "displayName",
        "externalId",
        "title",
        "name.familyName",
        "name.givenName",
        "emails",
        "emails.value",
        "emails.type",
        ENTERPRISE,
        "groups.display",
    ];
    let in_emails = prop_oneof![
        comparison(vec!["value", "type"], word().boxed()),
        primary("primary"),
        select(vec!["value", "type", "primary"]).prop_map(|name| format!("{name} pr")),
    ];
    let leaf = prop_oneof![
        6 => comparison(texts, word().boxed()),
        3 => (0..3_u8, 0..20_u8, word()).prop_map(|(first, n, last)| {
            let first = ["u", "U", "Ｕ"].into_iter().nth(first.into()).unwrap_or("u");
            format!("userName eq {}", json(&format!("{first}{n}{last}")))
        }),
        2 => comparison(vec!["id", "groups.value"], id().boxed()),
        2 => (0..9_usize).prop_map(|n| format!(r#"groups.value eq "G{}""#, n * 3)),
        1 => any::<bool>().prop_map(|value| format!("active eq {value}")),
        1 => any::<bool>().prop_map(|value| format!("active ne {value}")),
        1 => primary("emails.primary"),
        1 => select(vec!["title", "active", "emails", "emails.value", "name", "groups", "groups.value", "displayName"])
            .prop_map(|name| format!("{name} pr")),
        1 => times(),
        3 => terms(in_emails.boxed()).prop_map(|inner| format!("emails[{inner}]")),
        1 => Just(r#"schemas eq "urn:ietf:params:scim:schemas:core:2.0:User""#.to_owned()),
    ];
    terms(leaf.boxed())
}

/// Whether a value is primary, by this path: one that does not say so is not.
fn primary(path: &'static str) -> impl Strategy<Value = String> {
    (select(vec!["eq", "ne"]), any::<bool>()).prop_map(move |(op, value)| format!("{path} {op} {value}"))
}

/// A filter of groups.
pub fn group_filter() -> impl Strategy<Value = String> {
    let in_members = prop_oneof![
        comparison(vec!["value"], id().boxed()),
        comparison(vec!["display"], word().boxed()),
        select(vec![r#"type eq "User""#, r#"type eq "Group""#]).prop_map(str::to_owned),
    ];
    let leaf = prop_oneof![
        3 => comparison(vec!["displayName", "externalId", "members.display"], word().boxed()),
        3 => comparison(vec!["id", "members", "members.value"], id().boxed()),
        1 => select(vec!["members", "members.display", "externalId"]).prop_map(|name| format!("{name} pr")),
        1 => times(),
        2 => terms(in_members.boxed()).prop_map(|inner| format!("members[{inner}]")),
    ];
    terms(leaf.boxed())
}

fn word() -> impl Strategy<Value = String> {
    select(&WORDS[..]).prop_map(str::to_owned)
}

fn json(text: &str) -> String {
    String::from_utf8_lossy(&Value::from(text).to_vec()).into_owned()
}

fn comparison(names: Vec<&'static str>, values: BoxedStrategy<String>) -> BoxedStrategy<String> {
    let operators =
        prop_oneof![4 => Just("eq"), 3 => select(vec!["ne", "co", "sw", "ew", "gt", "ge", "lt", "le"])];
    (select(names), operators, values)
        .prop_map(|(name, operator, value)| format!("{name} {operator} {}", json(&value)))
        .boxed()
}

fn times() -> impl Strategy<Value = String> {
    (
        select(vec!["meta.created", "meta.lastModified"]),
        select(vec!["gt", "ge", "lt", "le", "eq", "ne"]),
        0..25_i64,
    )
        .prop_map(|(name, operator, seconds)| {
            let time = super::fixture::second(seconds).to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
            format!(r#"{name} {operator} "{time}""#)
        })
}

/// `and`, `or` and `not` of leaves.
fn terms(leaf: BoxedStrategy<String>) -> BoxedStrategy<String> {
    leaf.prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            3 => prop::collection::vec(inner.clone(), 2..4).prop_map(|terms| format!("({})", terms.join(" and "))),
            3 => prop::collection::vec(inner.clone(), 2..4).prop_map(|terms| format!("({})", terms.join(" or "))),
            1 => inner.prop_map(|term| format!("not ({term})")),
        ]
    })
    .boxed()
}
