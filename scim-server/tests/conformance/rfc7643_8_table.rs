//! RFC 7643 section 8.7: every characteristic of every attribute, against the tables as the RFC prints them.

use std::collections::{BTreeMap, BTreeSet};

use crate::common::*;

const PRINTED: &str = include_str!("rfc7643-8.7.txt");

const COLUMNS: [&str; 8] =
    ["type", "multiValued", "required", "caseExact", "mutability", "returned", "uniqueness", "values"];

/// (schema, attribute) to its characteristics.
type Table = BTreeMap<(String, String), [String; 8]>;

fn printed() -> Table {
    let mut table = Table::new();
    let mut uri = String::new();
    for line in PRINTED.lines() {
        if let Some(other) = line.strip_prefix("# ") {
            other.clone_into(&mut uri);
        } else if !uri.is_empty() && !line.is_empty() {
            let cells: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            let (name, cells) = cells.split_first().unwrap();
            let row = (uri.clone(), name.clone());
            assert!(table.insert(row, cells.to_vec().try_into().unwrap()).is_none(), "{line}");
        }
    }
    table
}

fn row(attribute: &Value) -> [String; 8] {
    let word = |name: &str| match &attribute[name] {
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::String(text) => text.clone(),
        _ => "-".to_owned(),
    };
    let lists = ["canonicalValues", "referenceTypes"].map(|name| attribute[name].as_array());
    let values: Vec<&str> =
        lists.into_iter().flatten().flatten().map(|value| value.as_str().unwrap()).collect();
    let values = if values.is_empty() { "-".to_owned() } else { values.join(",") };
    let mut row: Vec<String> = COLUMNS[..7].iter().map(|name| word(name)).collect();
    row.push(values);
    row.try_into().unwrap()
}

async fn published() -> Table {
    fn walk(uri: &str, prefix: &str, attributes: &Value, table: &mut Table) {
        for attribute in attributes.as_array().into_iter().flatten() {
            let path = format!("{prefix}{}", attribute["name"].as_str().unwrap());
            walk(uri, &format!("{path}."), &attribute["subAttributes"], table);
            assert!(table.insert((uri.to_owned(), path), row(attribute)).is_none());
        }
    }
    let server = Server::new();
    let list = server.get("/Schemas").await.expect(200).json();
    let mut table = Table::new();
    for schema in list["Resources"].as_array().unwrap() {
        walk(schema["id"].as_str().unwrap(), "", &schema["attributes"], &mut table);
    }
    table
}

/// Where this server departs from the print, on purpose: schema, attribute, column, what it says instead, and why.
const DIFFERENCES: &[(&str, &str, &str, &str, &str)] = &[
    (USER, "profileUrl", "caseExact", "yes", "references are case exact (section 2.3.7)"),
    (USER, "photos.value", "caseExact", "yes", "references are case exact (section 2.3.7)"),
    (USER, "groups.$ref", "caseExact", "yes", "references are case exact (section 2.3.7)"),
    (USER, "groups.value", "caseExact", "yes", "an `id` is case exact (section 3.1)"),
    (
        USER,
        "ims.type",
        "values",
        "aim,gtalk,icq,xmpp,msn,skype,qq,yahoo,other",
        "`other` is in section 4.1.2",
    ),
    (USER, "x509Certificates", "caseExact", "-", "complex attributes have no case (section 2.3.8)"),
    (USER, "x509Certificates.value", "caseExact", "yes", "binaries are case exact (section 2.3.6)"),
    (GROUP, "members.value", "caseExact", "yes", "an `id` is case exact (section 3.1)"),
    (GROUP, "members.$ref", "caseExact", "yes", "references are case exact (section 2.3.7)"),
    (ENTERPRISE, "manager.$ref", "caseExact", "yes", "references are case exact (section 2.3.7)"),
    (CONFIG, "documentationUri", "caseExact", "yes", "references are case exact (section 2.3.7)"),
    (
        CONFIG,
        "authenticationSchemes.specUri",
        "caseExact",
        "yes",
        "references are case exact (section 2.3.7)",
    ),
    (
        CONFIG,
        "authenticationSchemes.documentationUri",
        "caseExact",
        "yes",
        "references are case exact (section 2.3.7)",
    ),
    (TYPE, "endpoint", "caseExact", "yes", "references are case exact (section 2.3.7)"),
    (TYPE, "schemaExtensions", "required", "no", "OPTIONAL by section 6"),
    (SCHEMA, "id", "returned", "always", "section 7 says so"),
    (SCHEMA, "name", "required", "no", "OPTIONAL by section 7"),
    (SCHEMA, "attributes.name", "caseExact", "no", "names have no case (section 2.1)"),
    (SCHEMA, "attributes.subAttributes.name", "caseExact", "no", "names have no case (section 2.1)"),
];

/// What is published beyond the print, and why.
const ADDITIONS: &[(&str, &str, &str)] = &[
    (
        USER,
        "addresses.primary",
        "section 2.4 has it for all multi-valued attributes, and the examples use it",
    ),
    (GROUP, "members.display", "the examples of RFC 7644 section 3.5.2 use it"),
    (CONFIG, "etag", "section 5 requires it"),
    (CONFIG, "etag.supported", "section 5 requires it"),
    (CONFIG, "authenticationSchemes.type", "section 5 requires it"),
    (CONFIG, "authenticationSchemes.primary", "section 8.5 uses it"),
    (CONFIG, "pagination", "RFC 9865 section 4"),
    (CONFIG, "pagination.cursor", "RFC 9865 section 4"),
    (CONFIG, "pagination.index", "RFC 9865 section 4"),
    (CONFIG, "pagination.defaultPaginationMethod", "RFC 9865 section 4"),
    (CONFIG, "pagination.defaultPageSize", "RFC 9865 section 4"),
    (CONFIG, "pagination.maxPageSize", "RFC 9865 section 4"),
    (CONFIG, "pagination.cursorTimeout", "RFC 9865 section 4"),
];

const CONFIG: &str = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig";
const TYPE: &str = "urn:ietf:params:scim:schemas:core:2.0:ResourceType";
const SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:Schema";

/// Compares what is published for some schemas with the print; every difference is a listed one, and every listed one
/// is a difference.
async fn compare(uris: &[&str]) {
    let (printed, published) = (printed(), published().await);
    let mut problems = Vec::new();
    let mut seen = BTreeSet::new();
    let mut rows = 0;
    for ((uri, path), expected) in printed.iter().filter(|((uri, _), _)| uris.contains(&uri.as_str())) {
        rows += 1;
        let Some(found) = published.get(&(uri.clone(), path.clone())) else {
            problems.push(format!("{uri}:{path} is missing"));
            continue;
        };
        for (n, column) in COLUMNS.iter().enumerate() {
            let listed = DIFFERENCES.iter().find(|d| d.0 == uri && d.1 == path && d.2 == *column);
            // What is not stated has its default (section 2.2).
            let stated = if expected[n] == "-" && *column == "uniqueness" && found[0] != "boolean" {
                "none"
            } else {
                &expected[n]
            };
            if let Some(difference) = listed {
                seen.insert((difference.0, difference.1, difference.2));
                assert_ne!(stated, difference.3, "no difference: {difference:?}");
            }
            let wanted = listed.map_or(stated, |difference| difference.3);
            if found[n] != wanted {
                problems.push(format!("{uri}:{path} {column}: {} instead of {wanted}", found[n]));
            }
        }
    }
    for (uri, path) in published.keys().filter(|(uri, _)| uris.contains(&uri.as_str())) {
        let more = !printed.contains_key(&(uri.clone(), path.clone()));
        let listed = ADDITIONS.iter().any(|addition| addition.0 == uri && addition.1 == path);
        if more != listed {
            problems.push(format!("{uri}:{path} is an addition: {more}, listed: {listed}"));
        }
    }
    assert!(problems.is_empty(), "{problems:#?}");
    let listed = DIFFERENCES.iter().filter(|d| uris.contains(&d.0)).count();
    assert_eq!(seen.len(), listed, "{seen:?}");
    assert!(rows >= 5 * uris.len());
}

#[tokio::test]
async fn r7643_4_1_02_users_have_the_attributes_of_the_table() {
    compare(&[USER]).await;
    assert_eq!(printed().keys().filter(|(uri, _)| uri == USER).count(), 66);
}

#[tokio::test]
async fn r7643_8_7_01_schemas_are_published_as_printed() {
    compare(&[USER, GROUP, ENTERPRISE]).await;
    compare(&[CONFIG, TYPE, SCHEMA]).await;
}
