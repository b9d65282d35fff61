//! All layers together, in the order that the docs recommend.

use std::time::Duration;

use scim_server::Principal;
use scim_server::ScimService;
use scim_server::layer::audit::{AuditLayer, TracingSink};
use scim_server::layer::auth::{Access, AuthLayer, StaticTokens, TenantAccess};
use scim_server::layer::conditional::ConditionalLayer;
use scim_server::layer::forwarded::ForwardedLayer;
use scim_server::layer::limits::LimitsLayer;
use scim_server::layer::panic_guard::PanicGuardLayer;
use scim_server::layer::tenant::{Tenant, TenantLayer, Tenants};
use scim_server::layer::trace::TraceLayer;
use scim_server::store::MemoryStore;
use tower::ServiceBuilder;

use crate::common::*;

#[tokio::test]
async fn a_request_passes_all_of_them() {
    let only = |tenant: &str| TenantAccess::Only(tenant.parse().unwrap());
    let tokens = StaticTokens::new()
        .with_access(Access::new(Principal::new("entra")).with_tenants(only("t-1")), "token-of-entra")
        .unwrap();
    let tenants = Tenants::new().with("acme", Tenant::new("t-1".parse().unwrap()));
    let service = ServiceBuilder::new()
        .layer(ForwardedLayer::new().trust_every_peer())
        .layer(TraceLayer::new())
        .layer(PanicGuardLayer::new())
        .layer(LimitsLayer::new().with_time(Duration::from_secs(60)))
        .layer(AuthLayer::new(tokens))
        .layer(TenantLayer::by_path("/t", tenants))
        .layer(AuditLayer::new(TracingSink))
        .layer(ConditionalLayer::new())
        .service(ScimService::builder(MemoryStore::new()).mounted_at(["/scim/v2"]).build());
    let headers = [
        ("authorization", "Bearer token-of-entra"),
        ("x-forwarded-host", "id.example.org"),
        ("x-forwarded-proto", "https"),
    ];
    let body = json!({"schemas": [USER], "userName": "ann"}).to_string();
    let created = send(service.clone(), "POST", "/t/acme/scim/v2/Users", &headers, body).await.expect(201);
    let location = created.header("location").unwrap();
    assert_eq!(location, format!("https://id.example.org/t/acme/scim/v2/Users/{}", created.id()));
    let path = location.strip_prefix("https://id.example.org").unwrap();
    let again = [headers[0], ("if-none-match", created.header("etag").unwrap())];
    let known = send(service.clone(), "GET", path, &again, "").await.expect(304);
    assert!(known.header("x-request-id").is_some());
    send(service.clone(), "GET", path, &[], "").await.expect(401);
    send(service, "GET", "/t/other/scim/v2/Users", &headers, "").await.expect(404);
}
