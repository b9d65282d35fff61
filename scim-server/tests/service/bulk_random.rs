//! A bulk request does what its operations do as requests of their own.

use proptest::prelude::*;
use proptest::sample::select;
use scim_server::ScimService;
use scim_server::store::ResourceStore;

use crate::common::*;

/// One operation about one of the names that resources have here.
fn operation() -> impl Strategy<Value = (&'static str, &'static str, Value)> {
    let name = || select(vec!["a", "b", "c", "d"]);
    let user = || {
        (name(), select(vec!["x", "y", "A", ""]), any::<bool>()).prop_map(|(name, title, secret)| {
            json!({"schemas": [USER], "userName": name, "title": title, "password": if secret { json!("pw") } else { json!(null) },
                ENTERPRISE: {"manager": {"value": format!("bulkId:{title}")}}})
        })
    };
    let references = || {
        prop::collection::vec(name(), 0..3).prop_map(|names| -> Vec<Value> {
            names.iter().map(|name| json!({"value": format!("bulkId:{name}")})).collect()
        })
    };
    let group = move || {
        (name(), references())
            .prop_map(|(name, members)| json!({"schemas": [GROUP], "displayName": name, "members": members}))
    };
    let patch = prop_oneof![
        references().prop_map(|values| json!([{"op": "add", "path": "members", "value": values}])),
        name().prop_map(|name| json!([{"op": "remove", "path": format!("members[display eq \"{name}\"]")}])),
        (select(vec!["title", "userName", "displayName", "nope", "id"]), name())
            .prop_map(|(path, value)| json!([{"op": "replace", "path": path, "value": value}])),
    ]
    .prop_map(|operations| json!({"schemas": [PATCH_OP], "Operations": operations}));
    prop_oneof![
        4 => user().prop_map(|data| ("POST", "/Users", data)),
        2 => group().prop_map(|data| ("POST", "/Groups", data)),
        2 => (select(vec!["/Users", "/Groups"]), user()).prop_map(|(path, data)| ("PUT", path, data)),
        1 => (select(vec!["/Users", "/Groups"]), group()).prop_map(|(path, data)| ("PUT", path, data)),
        3 => (select(vec!["/Users", "/Groups"]), patch).prop_map(|(path, data)| ("PATCH", path, data)),
        1 => select(vec!["/Users", "/Groups"]).prop_map(|path| ("DELETE", path, json!(null))),
    ]
}

/// An operation, what the path names, and whether a version is asked for.
type Planned = ((&'static str, &'static str, Value), usize, bool);

/// A service, and the results of operations that were sent to it so far.
struct Client<S> {
    service: ScimService<S>,
    /// The ids of what was created, in order.
    ids: Vec<String>,
}

impl<S: ResourceStore + 'static> Client<S> {
    fn new(store: S) -> Self {
        let service = ScimService::builder(store)
            .ids(std::sync::Arc::new(Counting::default()))
            .clock(std::sync::Arc::new(scim_server::FixedClock(chrono::DateTime::UNIX_EPOCH)))
            .build();
        Self { service, ids: Vec::new() }
    }

    async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
        send(self.service.clone(), method, path, headers, body.to_string()).await
    }

    async fn everything(&self) -> String {
        self.send("GET", "/", &[], &json!(null)).await.expect(200).text
    }
}

/// References to what was created before, by the names of the operations: `bulkId:a` is the last that was to be
/// called so.
fn resolve(value: &Value, known: &impl Fn(&str) -> String) -> Value {
    match value {
        Value::String(text) => match text.strip_prefix("bulkId:") {
            Some(name) => json!(known(name)),
            None => value.clone(),
        },
        Value::Array(items) => items.iter().map(|item| resolve(item, known)).collect(),
        Value::Object(members) => {
            Value::Object(members.iter().map(|(name, value)| (name.clone(), resolve(value, known))).collect())
        }
        other => other.clone(),
    }
}

/// Sends operations in one bulk request to `bulk` and one by one to `single`.
async fn compare<S: ResourceStore + 'static>(
    mut bulk: Client<S>,
    mut single: Client<S>,
    rounds: &[Vec<Planned>],
) {
    for operations in rounds {
        // What the operations of this round create cannot be referred to by its id yet, and what those before created can.
        let id_of = |client: &Client<S>, nth: usize| match client.ids.len() {
            0 => "nothing".to_owned(),
            count => client.ids[nth % count].clone(),
        };
        let resolved: Vec<_> = operations
            .iter()
            .enumerate()
            .map(|(n, ((method, endpoint, data), nth, guarded))| {
                let known = |name: &str| id_of(&bulk, *nth + name.len());
                let path = match *method {
                    "POST" => (*endpoint).to_owned(),
                    _ => format!("{endpoint}/{}", id_of(&bulk, *nth)),
                };
                (n, *method, path, resolve(data, &known), *guarded)
            })
            .collect();
        let request: Vec<Value> = resolved
            .iter()
            .map(|(n, method, path, data, guarded)| {
                let mut operation =
                    json!({"method": method, "path": path, "bulkId": format!("op{n}"), "data": data});
                if *guarded {
                    operation["version"] = json!("W/\"3\"");
                }
                operation
            })
            .collect();
        let answer =
            bulk.send("POST", "/Bulk", &[], &json!({"schemas": [BULK], "Operations": request})).await;
        let results = Bulk::of(answer).0;
        assert_eq!(results.len(), operations.len());
        for ((n, method, path, data, guarded), result) in resolved.iter().zip(&results) {
            let headers: &[(&str, &str)] =
                if *guarded && *method != "POST" { &[("if-match", "W/\"3\"")] } else { &[] };
            let alone = single.send(method, path, headers, data).await;
            let context = format!("{n}: {method} {path} {data}: {result} and {alone:?}");
            assert_eq!(result["status"], json!(alone.status.to_string()), "{context}");
            if alone.status >= 400 {
                assert_eq!(result["response"], alone.json(), "{context}");
            } else {
                assert_eq!(result.get("version").and_then(Value::as_str), alone.header("etag"), "{context}");
            }
            if alone.status == 201 {
                assert_eq!(result["location"].as_str(), alone.header("location"), "{context}");
                single.ids.push(alone.id());
                bulk.ids.push(alone.id());
            }
        }
        assert_eq!(bulk.everything().await, single.everything().await);
    }
}

fn rounds() -> impl Strategy<Value = Vec<Vec<Planned>>> {
    prop::collection::vec(
        prop::collection::vec((operation(), 0..6_usize, prop::bool::weighted(0.1)), 1..12),
        1..4,
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn is_as_good_as_its_operations_in_memory(rounds in rounds()) {
        use scim_server::store::MemoryStore;
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(compare(Client::new(MemoryStore::new()), Client::new(MemoryStore::new()), &rounds));
    }

    #[cfg(feature = "sqlite")]
    #[test]
    fn is_as_good_as_its_operations_in_sqlite(rounds in rounds()) {
        use scim_server::store::SqliteStore;
        let open = || Client::new(SqliteStore::in_memory().unwrap());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(compare(open(), open(), &rounds));
    }
}
