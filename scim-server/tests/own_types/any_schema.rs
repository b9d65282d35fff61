//! Whatever the schema: endpoints, discovery, validation, filters, sorting, PATCH and uniqueness follow with no further
//! code, the same in memory and in SQLite.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use scim_core::schema::{Attribute, Returned, Uniqueness};
use scim_core::scim_filter::{CaseRule, DataType};
use scim_core::strategies::types;
use scim_core::validate::validate_new;
use scim_core::{Object, Quirks, Registry, ResourceType, Schema};

use crate::common::{Answer, Server, Value, encode};

/// A registry and requests for its type `Thing`.
#[derive(Clone, Debug)]
struct Script {
    registry: Arc<Registry>,
    bodies: Vec<Object>,
    replacements: Vec<Object>,
    patches: Vec<Object>,
    filters: Vec<String>,
}

fn script() -> impl Strategy<Value = Script> {
    types::registry().prop_flat_map(|registry| {
        let thing = Arc::clone(registry.by_name("Thing").unwrap());
        let requests = (
            vec(types::resource(&thing), 1..6),
            vec(types::resource(&thing), 0..3),
            vec(types::patch(&thing), 0..5),
            vec(types::filter(&thing), 1..4),
        );
        (Just(registry), requests).prop_map(|(registry, (bodies, replacements, patches, filters))| Script {
            registry,
            bodies,
            replacements,
            patches,
            filters,
        })
    })
}

/// The same request to both; the answers must be the same, but for the numbers of versions, of which a store may leave
/// some out.
async fn pair(servers: &[Server; 2], method: &str, path: &str, body: &str) -> [Answer; 2] {
    let answers = [servers[0].send(method, path, body).await, servers[1].send(method, path, body).await];
    let [first, second] = answers.clone().map(|answer| match &answer.etag {
        Some(etag) => {
            (answer.status, answer.text.replace(&Value::from(etag.as_str()).to_string(), "\"version\""))
        }
        None => (answer.status, without_versions(&answer)),
    });
    assert_eq!(first, second, "{method} {path} {body}");
    answers
}

fn without_versions(answer: &Answer) -> String {
    let Ok(mut json) = serde_json::from_str::<Value>(&answer.text) else { return answer.text.clone() };
    for resource in json["Resources"].as_array_mut().into_iter().flatten() {
        if let Some(meta) = resource.get_mut("meta").and_then(Value::as_object_mut) {
            meta.remove("version");
        }
    }
    json.to_string()
}

async fn both(servers: &[Server; 2], method: &str, path: &str, body: &str) -> Answer {
    let [first, _] = pair(servers, method, path, body).await;
    first
}

fn json(object: &Object) -> String {
    serde_json::to_string(object).unwrap()
}

async fn run(script: Script) {
    let servers = Server::both(&script.registry);
    discovered(&servers[0], &script.registry).await;
    let thing = script.registry.by_name("Thing").unwrap();

    let mut taken: BTreeMap<(String, String), bool> = BTreeMap::new();
    let mut ids = Vec::new();
    for body in &script.bodies {
        let answer = both(&servers, "POST", "/Things", &json(body)).await;
        let keys = unique_keys(thing, body);
        // A value of several that is merged with another may have taken its parts along.
        let clashes = |key: &Key| {
            taken.get(&(key.path.clone(), key.value.clone())).is_some_and(|sure| *sure && key.sure)
        };
        let may_clash = |key: &Key| taken.contains_key(&(key.path.clone(), key.value.clone()));
        if keys.iter().any(clashes) || (answer.status == 409 && keys.iter().any(may_clash)) {
            answer.refused(409, "uniqueness");
            continue;
        }
        let created = answer.expect(201);
        for Key { path, value, sure } in keys {
            *taken.entry((path, value)).or_insert(false) |= sure;
        }
        let path = format!("/Things/{}", created.id());
        let read = pair(&servers, "GET", &path, "").await.map(|answer| answer.expect(200));
        shows_what_was_sent(thing, body, &read[0].json());
        // The same again changes nothing, unless something is given that is never returned: whether it was guessed shall
        // not be told, but for what is immutable as well.
        let again = pair(&servers, "PUT", &path, &json(body)).await;
        let draft = validate_new(thing, body.clone(), &Quirks::strict()).unwrap();
        if draft.hidden.is_empty() {
            let again = again.map(|answer| answer.expect(200).etag);
            assert_eq!(again, read.map(|answer| answer.etag));
        } else {
            assert_ne!(again.map(|answer| answer.expect(200).etag), read.map(|answer| answer.etag));
        }
        ids.push(created.id());
    }
    assert!(!ids.is_empty());
    found(&servers, &script, &ids).await;

    for (n, body) in script.replacements.iter().enumerate() {
        let answer = both(&servers, "PUT", &format!("/Things/{}", ids[n % ids.len()]), &json(body)).await;
        // 400 mutability: a value that was immutable; 400 invalidValue: an extension that stays, as it has an immutable or
        // secret value, without what it requires; 409: a value that another has.
        assert!(matches!(answer.status, 200 | 400 | 409), "{}", answer.text);
        if answer.status == 400 {
            assert!(["mutability", "invalidValue"].contains(&answer.json()["scimType"].as_str().unwrap()));
        }
    }
    for (n, patch) in script.patches.iter().enumerate() {
        let path = format!("/Things/{}", ids[n % ids.len()]);
        let before = both(&servers, "GET", &path, "").await;
        let answer = both(&servers, "PATCH", &path, &json(patch)).await;
        let after = both(&servers, "GET", &path, "").await;
        if answer.status >= 400 {
            assert_eq!(before, after, "a PATCH that fails changes nothing: {}", answer.text);
        }
    }
    found(&servers, &script, &ids).await;
}

/// What is published is what is there.
async fn discovered(server: &Server, registry: &Registry) {
    let schemas = Schema::all_from_json(&server.get("/Schemas").await.expect(200).text);
    // Behind them come those of the discovery resources, one of which nests as no other schema may.
    assert!(schemas.is_err());
    for schema in registry.schemas() {
        let published = server.get(&format!("/Schemas/{}", schema.id())).await.expect(200).text;
        assert_eq!(&Schema::from_json(&published).unwrap(), &**schema);
    }
    let types = ResourceType::all_from_json(&server.get("/ResourceTypes").await.expect(200).text).unwrap();
    assert_eq!(&types[0], registry.types()[0].resource_type());
}

/// What is returned by default and was sent as a single simple value is shown as it was sent; a secret never is.
fn shows_what_was_sent(thing: &scim_core::TypeDefinition, sent: &Object, read: &Value) {
    let extensions =
        thing.extensions().iter().map(|extension| (Some(extension.schema.id()), &extension.schema));
    for (uri, schema) in std::iter::once((None, thing.base())).chain(extensions) {
        let (sent, read) = match uri {
            None => (Some(sent), Some(read)),
            Some(uri) => {
                (sent.get(uri.as_str()).and_then(scim_core::Value::as_object), read.get(uri.as_str()))
            }
        };
        for attribute in schema.attributes() {
            let shown = read.and_then(|read| read.get(attribute.name()));
            let given = sent.and_then(|sent| sent.get(attribute.name()));
            match attribute.returned() {
                Returned::Never | Returned::Request => assert_eq!(shown, None),
                Returned::Default | Returned::Always
                    if !attribute.is_complex() && !attribute.is_multi_valued() =>
                {
                    let given = given.map(|value| serde_json::to_value(value).unwrap());
                    assert_eq!(shown.map(ToString::to_string), given.map(|value| value.to_string()));
                }
                Returned::Default | Returned::Always => {}
            }
        }
    }
}

async fn found(servers: &[Server; 2], script: &Script, ids: &[String]) {
    let count = ids.len() as u64;
    for filter in &script.filters {
        let path = |filter: &str| format!("/Things?filter={}", encode(filter));
        let yes = both(servers, "GET", &path(filter), "").await.expect(200);
        let no = both(servers, "GET", &path(&format!("not ({filter})")), "").await.expect(200);
        assert_eq!(yes.total() + no.total(), count, "{filter}");
    }
    let thing = script.registry.by_name("Thing").unwrap();
    for (path, attribute) in types::filterable(thing) {
        if attribute.data_type() == DataType::Binary || attribute.data_type() == DataType::Boolean {
            continue;
        }
        let sorted =
            both(servers, "GET", &format!("/Things?sortBy={}&sortOrder=descending", encode(&path)), "").await;
        let sorted = sorted.expect(200).json();
        let mut seen: Vec<&str> = sorted["Resources"]
            .as_array()
            .unwrap()
            .iter()
            .map(|thing| thing["id"].as_str().unwrap())
            .collect();
        seen.sort_unstable();
        let mut all: Vec<&str> = ids.iter().map(String::as_str).collect();
        all.sort_unstable();
        assert_eq!(seen, all, "{path}");
    }
    let all = servers[0].get("/Things").await.json();
    let all = all["Resources"].as_array().unwrap();
    for attribute in thing.base().attributes() {
        let plain = attribute.data_type() == DataType::String && !attribute.is_multi_valued();
        if !plain || !matches!(attribute.returned(), Returned::Default | Returned::Always) {
            continue;
        }
        let texts: Vec<String> = all
            .iter()
            .filter_map(|thing| thing.get(attribute.name())?.as_str())
            .map(|text| folded(attribute, text))
            .collect();
        let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
        for text in &texts {
            *counts.entry(text).or_default() += 1;
        }
        for (text, count) in counts {
            let filter = format!("{} eq {}", attribute.name(), Value::from(text));
            let found = both(servers, "GET", &format!("/Things?filter={}", encode(&filter)), "").await;
            assert_eq!(found.total(), count, "{filter}");
        }
        let present =
            both(servers, "GET", &format!("/Things?filter={}%20pr", encode(attribute.name())), "").await;
        assert_eq!(present.total(), texts.len() as u64);
    }
}

fn folded(attribute: &Attribute, text: &str) -> String {
    if attribute.compared_by() == CaseRule::Exact { text.to_owned() } else { text.to_lowercase() }
}

/// A value that no other resource may have.
struct Key {
    path: String,
    value: String,
    /// Whether it is sure to be kept.
    sure: bool,
}

/// A naive reading of uniqueness: every value of a unique attribute, under its path, as it compares.
fn unique_keys(thing: &scim_core::TypeDefinition, body: &Object) -> Vec<Key> {
    let mut keys = Vec::new();
    let extensions =
        thing.extensions().iter().map(|extension| (Some(extension.schema.id()), &extension.schema));
    for (uri, schema) in std::iter::once((None, thing.base())).chain(extensions) {
        let data = match uri {
            None => Some(body),
            Some(uri) => body.get(uri.as_str()).and_then(scim_core::Value::as_object),
        };
        let Some(data) = data else { continue };
        for attribute in schema.attributes().iter().filter(|attribute| !attribute.is_read_only()) {
            let Some(value) = data.get(attribute.name()) else { continue };
            let path = format!("{uri:?}:{}", attribute.name());
            let mut add = |path: &str, attribute: &Attribute, value: &scim_core::Value, sure: bool| {
                if attribute.uniqueness() == Uniqueness::None || attribute.is_read_only() {
                    return;
                }
                let values = value.as_array().unwrap_or(std::slice::from_ref(value));
                for value in values {
                    let key = match value {
                        scim_core::Value::String(text) => folded(attribute, text),
                        number => format!(
                            "{:?}",
                            serde_json::to_string(number).unwrap().parse::<f64>().unwrap() + 0.0
                        ),
                    };
                    keys.push(Key { path: path.to_owned(), value: key, sure });
                }
            };
            add(&path, attribute, value, true);
            let elements = value.as_array().unwrap_or(std::slice::from_ref(value));
            for element in elements.iter().filter_map(scim_core::Value::as_object) {
                for sub in attribute.sub_attributes() {
                    if let Some(value) = element.get(sub.name()) {
                        add(&format!("{path}.{}", sub.name()), sub, value, elements.len() == 1);
                    }
                }
            }
        }
    }
    keys
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn every_schema_is_served_with_no_further_code(script in script()) {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(run(script));
    }
}
