//! What clients see when the store cannot do its work.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use scim_core::{ResourceId, ScimError, TypeDefinition};
use scim_server::store::{
    Load, Outcome, Page, Query, Record, ResourceStore, StoreError, UnavailableError, Write,
};
use scim_server::{RequestContext, ScimService};

use crate::common::*;

/// Fails every call in the same way.
#[derive(Clone, Copy, Debug)]
struct Failing(fn() -> StoreError);

#[async_trait]
impl ResourceStore for Failing {
    async fn get(
        &self,
        _: &RequestContext,
        _: &Arc<TypeDefinition>,
        _: &ResourceId,
        _: Load,
    ) -> Result<Option<Record>, StoreError> {
        Err(self.0())
    }

    async fn query(&self, _: &RequestContext, _: &Query) -> Result<Page, StoreError> {
        Err(self.0())
    }

    async fn write(&self, _: &RequestContext, _: Write) -> Result<Outcome, StoreError> {
        Err(self.0())
    }
}

async fn every_operation(error: fn() -> StoreError) -> Vec<Answer> {
    let service = ScimService::builder(Failing(error)).ids(Arc::new(Counting::default())).build();
    let user = json!({"schemas": [USER], "userName": "a"}).to_string();
    let patch = json!({"schemas": [PATCH_OP], "Operations": [{"op": "remove", "path": "title"}]}).to_string();
    let search = json!({"schemas": [SEARCH]}).to_string();
    let mut answers = Vec::new();
    for (method, path, body) in [
        ("GET", "/Users", ""),
        ("GET", "/Users/1", ""),
        ("GET", "/", ""),
        ("POST", "/Users/.search", &search),
        ("POST", "/Users", &user),
        ("PUT", "/Users/1", &user),
        ("PATCH", "/Users/1", &patch),
        ("DELETE", "/Users/1", ""),
    ] {
        answers.push(send(service.clone(), method, path, &[], body).await);
    }
    answers
}

#[tokio::test]
async fn rfc7644_3_12_11_what_goes_wrong_inside_is_not_shown() {
    for answer in every_operation(|| StoreError::internal("disk /var/lib/secret.db is full")).await {
        assert_eq!(
            answer.refused(500, ""),
            "something went wrong on this server; its log says more under request request-1"
        );
    }
}

#[tokio::test]
async fn a_store_that_is_away_says_when_to_try_again() {
    let away = || {
        UnavailableError {
            retry_after: Duration::from_millis(2500),
            cause: "postgres://u:pw@db refused".into(),
        }
        .into()
    };
    let mut details = Vec::new();
    for answer in every_operation(away).await {
        assert_eq!(answer.header("retry-after"), Some("3"), "whole seconds, not too few");
        details.push(answer.refused(503, ""));
    }
    let (reads, writes) = details.split_at(4);
    assert_eq!(writes.len(), 4);
    for detail in reads {
        assert_eq!(detail, "the directory cannot be reached now; try again (request request-1)");
    }
    for detail in writes {
        assert_eq!(detail, NOT_SAVED);
    }
    let service = ScimService::builder(Failing(away)).ids(Arc::new(Counting::default())).build();
    let delete = json!({"method": "DELETE", "path": "/Users/1"});
    let body = json!({"schemas": [BULK], "Operations": [delete]}).to_string();
    let answer = send(service, "POST", "/Bulk", &[], body).await;
    let operation = &answer.json()["Operations"][0];
    assert_eq!((&operation["status"], &operation["response"]["detail"]), (&json!("503"), &json!(NOT_SAVED)));
}

const NOT_SAVED: &str = "the change could not be saved; send it again, and if that does not help, the administrator of this server should look what its log says and whether its disk is full (request request-1)";

#[tokio::test]
async fn a_refusal_from_behind_the_store_reaches_the_client() {
    for answer in
        every_operation(|| StoreError::Refused(ScimError::new(403, "owners cannot be suspended"))).await
    {
        assert_eq!(answer.refused(403, ""), "owners cannot be suspended");
    }
    for answer in every_operation(|| StoreError::Contended).await {
        assert_eq!(answer.refused(409, ""), "other requests are changing this resource; try again");
    }
}
