use std::sync::Arc;

use scim_core::scim_filter::DataType;
use scim_core::{Attribute, Quirks, Registry, ResourceType, Schema, ScimError};
use scim_server::layer::auth::{Access, AuthLayer, StaticTokens, TenantAccess};
use scim_server::layer::tenant::{FindTenant, Tenant, TenantLayer, Tenants};
use scim_server::store::MemoryStore;
use scim_server::{Principal, ScimService};
use tower::{Layer as _, ServiceBuilder};

use crate::common::*;

fn tenant(id: &str) -> Tenant {
    Tenant::new(id.parse().unwrap())
}

fn tenants() -> Tenants {
    Tenants::new().with("acme", tenant("t-1")).with("umbrella", tenant("t-2")).with("a b/ü", tenant("t-3"))
}

fn user(name: &str) -> String {
    json!({"schemas": [USER], "userName": name, "externalId": "same"}).to_string()
}

fn mounted() -> ScimService<MemoryStore> {
    ScimService::builder(MemoryStore::new()).mounted_at(["/scim/v2", "/scim", ""]).build()
}

#[tokio::test]
async fn rfc7644_6_02_by_path_data_of_two_tenants_never_mix() {
    let service = TenantLayer::by_path("/t/", tenants()).layer(mounted());
    let mut ids = Vec::new();
    for key in ["acme", "umbrella", "a%20b%2f%C3%BC"] {
        let base = format!("http://example.com/t/{}/scim/v2", key.replace("%2f", "%2F"));
        let created = send(service.clone(), "POST", &format!("/t/{key}/scim/v2/Users"), &[], user("ann"))
            .await
            .expect(201);
        let location = format!("{base}/Users/{}", created.id());
        assert_eq!(created.header("location"), Some(location.as_str()));
        let list = send(service.clone(), "GET", &format!("//t//{key}/scim/v2/Users?count=5"), &[], "").await;
        let list = list.expect(200).json();
        assert_eq!(list["totalResults"], 1);
        assert_eq!(list["Resources"][0]["meta"]["location"], location);
        ids.push((key, created.id()));
    }
    for (own, _) in &ids {
        for (other, id) in &ids {
            for method in ["GET", "DELETE"] {
                if own == other {
                    continue;
                }
                let path = format!("/t/{own}/scim/v2/Users/{id}");
                send(service.clone(), method, &path, &[], "").await.expect(404);
            }
            send(service.clone(), "GET", &format!("/t/{other}/scim/v2/Users/{id}"), &[], "")
                .await
                .expect(200);
        }
    }
}

#[tokio::test]
async fn by_path_nothing_else_is_served() {
    let service = TenantLayer::by_path("/t", tenants()).layer(mounted());
    for path in [
        "/scim/v2/Users",
        "/Users",
        "/",
        "/t",
        "/t/",
        "/t/nobody/scim/v2/Users",
        "/t/ACME/Users",
        "/t/acm/Users",
        "/t/acme%00/Users",
        "/t/%zz/Users",
        "/t/%ff/Users",
        "/tt/acme/Users",
        "/t/default/Users",
        "/t/../acme/Users",
    ] {
        let answer = send(service.clone(), "GET", path, &[], "").await;
        assert_eq!(answer.refused(404, ""), "there is no such tenant", "{path}");
    }
    for path in ["/t/acme/Users", "/t/acme/scim/Users", "/t/acme", "/t/acme/", "/t/acme?count=1"] {
        send(service.clone(), "GET", path, &[], "").await.expect(200);
    }
}

/// What is open as discovery to a layer outside must not become somebody's data inside.
#[tokio::test]
async fn by_path_no_tenant_goes_by_the_name_of_an_endpoint() {
    let names = [
        "Schemas",
        "ResourceTypes",
        "ServiceProviderConfig",
        "ServiceProviderConfigs",
        "Bulk",
        "Me",
        ".search",
        "schemas",
        "bulk",
    ];
    let tenants = names.iter().fold(tenants(), |tenants, name| tenants.with(name, tenant("t-4")));
    let by_path = TenantLayer::by_path("/scim/v2", tenants);
    let auth = AuthLayer::new(StaticTokens::new()).with_open_discovery(["/scim/v2"]);
    let behind_auth = ServiceBuilder::new().layer(auth).layer(by_path.clone()).service(mounted());
    let bare = by_path.layer(mounted());
    for name in names {
        for rest in ["", "/", "/Users", "/scim/v2/Users"] {
            let answer = send(bare.clone(), "GET", &format!("/scim/v2/{name}{rest}"), &[], "").await;
            assert_eq!(answer.refused(404, ""), "there is no such tenant", "{name}{rest}");
        }
    }
    send(bare.clone(), "GET", "/scim/v2/%53chemas/Users", &[], "").await.expect(404);
    send(bare, "GET", "/scim/v2/acme/Users", &[], "").await.expect(200);
    for path in ["/scim/v2/Schemas", "/scim/v2/Schemas/Users", "/scim/v2/ServiceProviderConfig"] {
        send(behind_auth.clone(), "GET", path, &[], "").await.expect(404);
    }
    send(behind_auth, "GET", "/scim/v2/acme/Users", &[], "").await.expect(401);
}

#[tokio::test]
async fn by_path_a_configured_base_url_gets_the_tenant_in_front_of_its_mount() {
    for (base_url, expected) in [
        ("https://id.example.org/proxy/scim/v2", "https://id.example.org/proxy/t/acme/scim/v2"),
        ("https://id.example.org/elsewhere", "https://id.example.org/elsewhere/t/acme"),
    ] {
        let service =
            ScimService::builder(MemoryStore::new()).mounted_at(["/scim/v2"]).base_url(base_url).build();
        let service = TenantLayer::by_path("/t", tenants()).layer(service);
        let created = send(service, "POST", "/t/acme/scim/v2/Users", &[], user("ann")).await.expect(201);
        assert_eq!(created.header("location").unwrap(), format!("{expected}/Users/{}", created.id()));
    }
}

#[tokio::test]
async fn by_subdomain_and_by_host() {
    let service = TenantLayer::by_subdomain("Example.com.", tenants()).layer(mounted());
    let created =
        send(service.clone(), "POST", "/scim/v2/Users", &[("host", "ACME.example.COM:8443")], user("ann"));
    let created = created.await.expect(201);
    let location = created.header("location").unwrap().to_owned();
    assert!(location.starts_with("http://ACME.example.COM:8443/scim/v2/Users/"), "{location}");
    let path = format!("/Users/{}", created.id());
    for (host, status) in [
        ("acme.example.com", 200),
        ("acme.example.com.", 200),
        ("umbrella.example.com", 404),
        ("example.com", 404),
        ("x.acme.example.com", 404),
        ("acme.example.com.evil.example", 404),
        ("acmeexample.com", 404),
        (".example.com", 404),
        ("nobody.example.com", 404),
        ("acme.example.com@evil", 404),
        ("", 404),
    ] {
        let answer = send(service.clone(), "GET", &path, &[("host", host)], "").await;
        assert_eq!(answer.status, status, "{host}: {answer:?}");
    }
    let two = [("host", "acme.example.com"), ("host", "umbrella.example.com")];
    send(service, "GET", &path, &two, "").await.expect(400);

    let layer = TenantLayer::by_host(Tenants::new().with("id.acme.example", tenant("t-1")))
        .with_base_url("https://{tenant}/scim/v2/");
    let service = layer.layer(mounted());
    let created = send(service.clone(), "POST", "/Users", &[("host", "id.acme.example")], user("ann")).await;
    assert!(created.header("location").unwrap().starts_with("https://id.acme.example/scim/v2/Users/"));
    send(service, "GET", "/Users", &[("host", "other.example")], "").await.expect(404);
}

#[tokio::test]
async fn by_principal_behind_auth() {
    let tokens = StaticTokens::new()
        .with("acme", "token-of-acme")
        .unwrap()
        .with("umbrella", "token-of-umbrella")
        .unwrap()
        .with("stranger", "token-of-stranger")
        .unwrap();
    let auth = AuthLayer::new(tokens).with_open_discovery([""]);
    let closed = ServiceBuilder::new().layer(auth.clone()).layer(TenantLayer::by_principal(tenants()));
    let service = closed.service(mounted());
    let created =
        send(service.clone(), "POST", "/Users", &[("authorization", "Bearer token-of-acme")], user("ann"))
            .await;
    let path = format!("/Users/{}", created.expect(201).id());
    for (token, status) in [("token-of-acme", 200), ("token-of-umbrella", 404), ("token-of-stranger", 404)] {
        let bearer = format!("Bearer {token}");
        send(service.clone(), "GET", &path, &[("authorization", &bearer)], "").await.expect(status);
    }
    send(service.clone(), "GET", &path, &[], "").await.expect(401);
    send(service, "GET", "/Schemas", &[], "").await.expect(404);

    let open = TenantLayer::by_principal(tenants()).with_anonymous(tenant("public"));
    let service = ServiceBuilder::new().layer(auth).layer(open).service(mounted());
    send(service, "GET", "/Schemas", &[], "").await.expect(200);
}

#[tokio::test]
async fn a_token_of_one_tenant_is_no_good_for_another_whichever_layer_is_outside() {
    let only =
        |id: &str| Access::new(Principal::new(id)).with_tenants(TenantAccess::Only(id.parse().unwrap()));
    let tokens = StaticTokens::new()
        .with_access(only("t-1"), "token-of-one")
        .unwrap()
        .with_access(only("t-2"), "token-of-two")
        .unwrap()
        .with_access(Access::new(Principal::new("op")).with_tenants(TenantAccess::Every), "token-of-all")
        .unwrap()
        .with("unbound", "token-unbound")
        .unwrap();
    let auth = AuthLayer::new(tokens);
    let by_path = TenantLayer::by_path("/t", tenants());
    let inside = ServiceBuilder::new().layer(auth.clone()).layer(by_path.clone()).service(mounted());
    let outside = ServiceBuilder::new().layer(by_path).layer(auth).service(mounted());
    for (path, token, status) in [
        ("/t/acme/Users", "token-of-one", 200),
        ("/t/umbrella/Users", "token-of-one", 404),
        ("/t/acme/Users", "token-of-two", 404),
        ("/t/umbrella/Users", "token-of-two", 200),
        ("/t/acme/Users", "token-of-all", 200),
        ("/t/umbrella/Users", "token-of-all", 200),
        ("/t/acme/Users", "token-unbound", 403),
        ("/t/nobody/Users", "token-of-one", 404),
        ("/t/acme/Users", "token-unknown", 401),
    ] {
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str())];
        send(inside.clone(), "GET", path, &headers, "").await.expect(status);
        send(outside.clone(), "GET", path, &headers, "").await.expect(status);
    }
}

/// Devices and nothing else.
fn bare() -> Arc<Registry> {
    let uri = || "urn:example:schemas:Device".parse().unwrap();
    let schema =
        Schema::new(uri(), "Device", "A device", [Attribute::new("label", DataType::String)]).unwrap();
    Arc::new(Registry::new([Arc::new(schema)], [ResourceType::new("Device", uri())]).unwrap())
}

#[tokio::test]
async fn quirks_and_schemas_of_a_tenant() {
    let tenants = Tenants::new()
        .with("lenient", tenant("t-1"))
        .with("strict", tenant("t-2").with_quirks(Quirks::strict()))
        .with("bare", tenant("t-3").with_registry(bare()));
    let service = TenantLayer::by_path("", tenants).layer(ScimService::builder(MemoryStore::new()).build());
    let body = json!({"schemas": [USER], "userName": "ann", "active": "True"}).to_string();
    send(service.clone(), "POST", "/lenient/Users", &[], body.clone()).await.expect(201);
    send(service.clone(), "POST", "/strict/Users", &[], body.clone()).await.expect(400);
    send(service.clone(), "POST", "/lenient/Users", &[], body.replace("ann", "bob")).await.expect(201);
    send(service.clone(), "GET", "/bare/Users", &[], "").await.expect(404);
    let types = send(service.clone(), "GET", "/bare/ResourceTypes", &[], "").await.expect(200);
    assert_eq!(types.json()["totalResults"], 1);
    let types = send(service, "GET", "/lenient/ResourceTypes", &[], "").await.expect(200);
    assert_eq!(types.json()["totalResults"], 2);
}

#[derive(Debug)]
struct Busy;

#[async_trait::async_trait]
impl FindTenant for Busy {
    async fn find(&self, _: &str) -> Result<Option<Tenant>, ScimError> {
        Err(ScimError::new(503, "tenants cannot be looked up now"))
    }
}

#[tokio::test]
async fn a_directory_of_tenants_may_be_away() {
    let service = TenantLayer::by_path("/t", Busy).layer(mounted());
    let answer = send(service, "GET", "/t/acme/Users", &[], "").await;
    assert_eq!(answer.refused(503, ""), "tenants cannot be looked up now");
}

/// The issuer is a part of the key: whoever issues tokens elsewhere cannot choose a name that is a tenant's here.
#[tokio::test]
async fn principals_of_two_issuers_are_of_two_tenants() {
    let access = |name: &str| Access::new(Principal::new(name));
    let foreign = Access::new(Principal::new("acme").issued_by("https://login.example.com/"));
    let tokens = StaticTokens::new().with_access(access("acme"), "token-of-acme").unwrap();
    let tokens = tokens.with_access(foreign, "token-of-foreign").unwrap();
    let table = tenants().with("acme (https://login.example.com/)", tenant("foreign"));
    let status = async |table: Tenants, token: &str| {
        let layers = ServiceBuilder::new().layer(AuthLayer::new(tokens.clone()));
        let service = layers.layer(TenantLayer::by_principal(table)).service(mounted());
        let bearer = format!("Bearer {token}");
        send(service, "GET", "/Users", &[("authorization", &bearer)], "").await.status
    };
    assert_eq!(status(tenants(), "token-of-acme").await, 200);
    assert_eq!(status(tenants(), "token-of-foreign").await, 404);
    assert_eq!(status(table, "token-of-foreign").await, 200);
}
