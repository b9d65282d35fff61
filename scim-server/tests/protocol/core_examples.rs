//! The example documents of RFC 7643 section 8, as a client sends them and reads them: those of `scim-core`.

use scim_server::{AuthenticationScheme, Limits};

use crate::examples::{parse, servers, shows};
use crate::server::*;

macro_rules! data {
    ($name:literal) => {
        include_str!(concat!("../../../scim-core/tests/data/rfc7643-", $name, ".json"))
    };
}

const BABS: &str = "2819c223-7f76-453a-919d-413861904646";
const MANDY: &str = "902c246b-6245-4190-8e05-00816be7344a";
const GUIDES: &str = "e9e30dba-f08f-4109-8486-d5c6a331660a";

/// The example without what the server says by itself, other resources say, or nobody is told.
fn told_by_its_client(example: &Value) -> Value {
    let mut told = example.clone();
    let members = told.as_object_mut().unwrap();
    members.retain(|name, _| !["id", "meta", "groups", "password"].contains(&name.as_str()));
    if let Some(manager) = told.pointer_mut(&format!("/{ENTERPRISE}/manager")) {
        manager.as_object_mut().unwrap().retain(|name, _| name == "value");
    }
    told
}

#[tokio::test]
async fn rfc7643_8_1_to_8_3_users() {
    for text in [data!("8.1-user-minimal"), data!("8.2-user-full"), data!("8.3-enterprise_user")] {
        let example = parse(text);
        for server in servers(&[BABS], "2010-01-23T04:56:22Z") {
            let answer = server.send("POST", "/v2/Users", &[], text).await.expect(201);
            let told = told_by_its_client(&example);
            shows(&answer.json(), &told, "");
            assert_eq!(answer.json().get("groups"), None, "of none here, whatever its client says");
            let mut names = keys(&told);
            names.extend(["id", "meta"]);
            names.sort_unstable();
            assert_eq!(keys(&answer.json()), names, "and no more");
            // The client goes on with what it has read, a year later.
            server.at("2011-05-13T04:42:34Z");
            let mut changed = answer.json();
            changed["title"] = json!("Vice President");
            let path = format!("/v2/Users/{BABS}");
            let answer = server.put(&path, &changed).await.expect(200).json();
            shows(&answer["meta"], &example["meta"], "meta");
            assert_eq!(without_meta(&answer), without_meta(&changed));
            assert_eq!(
                server.names("title eq \"vice president\"").await,
                [answer["userName"].as_str().unwrap()]
            );
        }
    }
}

fn without_meta(resource: &Value) -> Value {
    let mut resource = resource.clone();
    resource.as_object_mut().unwrap().remove("meta");
    resource
}

#[tokio::test]
async fn rfc7643_8_4_group() {
    let text = data!("8.4-group");
    let example = parse(text);
    for server in servers(&[BABS, MANDY, GUIDES], "2010-01-23T04:56:22Z") {
        for name in ["Babs Jensen", "Mandy Pepperidge"] {
            server.user(json!({"userName": name.replace(' ', "."), "displayName": name})).await;
        }
        let answer = server.send("POST", "/v2/Groups", &[], text).await.expect(201);
        let mut shown = answer.json();
        assert_eq!(keys(&shown), keys(&example));
        for member in shown["members"].as_array_mut().unwrap() {
            // The print leaves the type out, and the name may only be told on request.
            assert_eq!(member.as_object_mut().unwrap().remove("type"), Some(json!("User")));
        }
        let mut printed = example.clone();
        for member in printed["members"].as_array_mut().unwrap() {
            member.as_object_mut().unwrap().remove("display");
        }
        // Written once, and not a year later again.
        printed["meta"]["lastModified"] = printed["meta"]["created"].clone();
        shows(&shown, &printed, "");
        let named = server.get(&format!("/v2/Groups/{GUIDES}?attributes=members.display")).await.json();
        assert_eq!(strings(&named["members"], "display"), strings(&example["members"], "display"));
    }
}

#[tokio::test]
async fn rfc7643_8_5_service_provider_config() {
    let mut example = parse(data!("8.5-service_provider_config"));
    let schemes = example["authenticationSchemes"].as_array().unwrap().clone();
    let part = |scheme: &Value, name: &str| scheme[name].as_str().unwrap().to_owned();
    let declared: Vec<AuthenticationScheme> = schemes
        .iter()
        .map(|scheme| {
            AuthenticationScheme::new(
                &part(scheme, "type"),
                &part(scheme, "name"),
                &part(scheme, "description"),
            )
            .with_spec_uri(&part(scheme, "specUri"))
            .with_documentation_uri(&part(scheme, "documentationUri"))
        })
        .collect();
    // Passwords are not kept, so that there is none to change; and the configuration is not written at some time.
    example["changePassword"]["supported"] = json!(false);
    let meta = example["meta"].as_object_mut().unwrap();
    meta.retain(|name, _| ["location", "resourceType"].contains(&name.as_str()));
    let limits =
        Limits::default().with_bulk_operations(1000).with_bulk_payload(1_048_576).with_max_count(200);
    for server in everywhere_with(|builder| {
        builder
            .limits(limits.clone())
            .documentation_uri("http://example.com/help/scim.html")
            .authentication_schemes(declared.clone())
    }) {
        let answer = server.get("/v2/ServiceProviderConfig").await.expect(200).json();
        shows(&answer, &example, "");
    }
}

#[tokio::test]
async fn rfc7643_8_6_resource_types() {
    let printed = parse(data!("8.6-resource_types"));
    for server in everywhere() {
        for mut example in printed.as_array().unwrap().clone() {
            if let Some(extensions) = example.get_mut("schemaExtensions") {
                // There every user has to be one of an enterprise.
                extensions[0]["required"] = json!(false);
            }
            let path = format!("/v2/ResourceTypes/{}", example["id"].as_str().unwrap());
            shows(&server.get(&path).await.expect(200).json(), &example, "");
        }
    }
}

#[tokio::test]
async fn rfc7643_8_7_schemas() {
    /// The attributes that a schema has, with those inside them.
    fn names(attributes: &Value, prefix: &str, found: &mut Vec<String>) {
        for attribute in attributes.as_array().into_iter().flatten() {
            let name = format!("{prefix}{}", attribute["name"].as_str().unwrap());
            names(&attribute["subAttributes"], &format!("{name}."), found);
            found.push(name);
        }
    }
    for text in [
        data!("8.7.1-user"),
        data!("8.7.1-group"),
        data!("8.7.1-enterprise_user"),
        data!("8.7.2-service_provider_config"),
        data!("8.7.2-resource_type"),
        data!("8.7.2-schema"),
    ] {
        let example = parse(text);
        let server = Server::tolerant();
        let path = format!("/v2/Schemas/{}", example["id"].as_str().unwrap());
        let answer = server.get(&path).await.expect(200).json();
        assert_eq!(answer["id"], example["id"]);
        let (mut shown, mut printed) = (Vec::new(), Vec::new());
        names(&answer["attributes"], "", &mut shown);
        names(&example["attributes"], "", &mut printed);
        // Common attributes are in no schema (section 3.1), and here the print has one.
        for name in printed.iter().filter(|name| *name != "id") {
            assert!(shown.contains(name), "{path}: {name}");
        }
        if let Some(meta) = example.get("meta") {
            assert_eq!(answer["meta"]["resourceType"], meta["resourceType"]);
            let location = format!("https://example.com{}", meta["location"].as_str().unwrap());
            assert_eq!(answer["meta"]["location"], json!(location), "the print leaves out where");
        }
    }
}
