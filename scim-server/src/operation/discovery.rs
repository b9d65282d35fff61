use std::sync::Arc;

use http::{Response, StatusCode};
use scim_core::message::ListResponse;
use scim_core::{Object, Schema, TypeDefinition, Value, excerpt, urn};
use serde_json::to_vec;

use crate::body::Body;
use crate::context::RequestContext;
use crate::cursor::whole_seconds;
use crate::error::Error;
use crate::limits::Limits;
use crate::render::{json, object_response};
use crate::request::has_filter;
use crate::service::{Incoming, Inner};

/// How clients authenticate, as ServiceProviderConfig says it (RFC 7643 section 5).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuthenticationScheme {
    /// `oauthbearertoken`, `oauth2`, `httpbasic`, ...
    pub kind: String,
    /// The name for people.
    pub name: String,
    /// What it is.
    pub description: String,
    /// The URL of its specification.
    pub spec_uri: Option<String>,
    /// The URL of help for those who set it up.
    pub documentation_uri: Option<String>,
}

impl AuthenticationScheme {
    /// A scheme of a kind (`oauth`, `oauth2`, `oauthbearertoken`, `httpbasic` or `httpdigest`), with a name and a
    /// description for people.
    #[must_use]
    pub fn new(kind: &str, name: &str, description: &str) -> Self {
        Self {
            kind: kind.to_owned(),
            name: name.to_owned(),
            description: description.to_owned(),
            spec_uri: None,
            documentation_uri: None,
        }
    }

    /// Says where the scheme is specified.
    #[must_use]
    pub fn with_spec_uri(mut self, uri: &str) -> Self {
        self.spec_uri = Some(uri.to_owned());
        self
    }

    /// Says where those who set it up find help.
    #[must_use]
    pub fn with_documentation_uri(mut self, uri: &str) -> Self {
        self.documentation_uri = Some(uri.to_owned());
        self
    }

    /// A bearer token (RFC 6750).
    #[must_use]
    pub fn bearer_token() -> Self {
        Self::new(
            "oauthbearertoken",
            "OAuth Bearer Token",
            "Authentication with a bearer token in the header Authorization",
        )
        .with_spec_uri("https://www.rfc-editor.org/info/rfc6750")
    }

    fn to_object(&self, primary: bool) -> Object {
        let mut object = Object::new();
        object.insert("type", self.kind.as_str());
        object.insert("name", self.name.as_str());
        object.insert("description", self.description.as_str());
        if let Some(uri) = &self.spec_uri {
            object.insert("specUri", uri.as_str());
        }
        if let Some(uri) = &self.documentation_uri {
            object.insert("documentationUri", uri.as_str());
        }
        if primary {
            object.insert("primary", true);
        }
        object
    }
}

/// GET `/ServiceProviderConfig` (RFC 7643 section 5): what this server does, no more and no less.
pub(crate) fn service_provider_config<S>(
    inner: &Inner<S>,
    context: &RequestContext,
    request: &Incoming,
) -> Result<Response<Body>, Error> {
    refuse_filter(request)?;
    let supported = |on: bool| -> Object { [("supported", on)].into_iter().collect() };
    let number = |n: usize| Value::from(i64::try_from(n).unwrap_or(i64::MAX));
    let mut config = Object::new();
    config.insert("schemas", vec![Value::from(urn::SERVICE_PROVIDER_CONFIG)]);
    if let Some(uri) = &inner.documentation {
        config.insert("documentationUri", uri.as_str());
    }
    config.insert("patch", supported(true));
    let mut bulk = supported(inner.bulk);
    let most = |limit| number(if inner.bulk { limit } else { 0 });
    bulk.insert("maxOperations", most(inner.limits.bulk_operations));
    bulk.insert("maxPayloadSize", most(inner.limits.bulk_payload));
    config.insert("bulk", bulk);
    let mut filter = supported(true);
    filter.insert("maxResults", number(inner.limits.max_count));
    config.insert("filter", filter);
    config.insert("changePassword", supported(false));
    config.insert("sort", supported(true));
    config.insert("etag", supported(true));
    config.insert("pagination", pagination(&inner.limits));
    let schemes: Vec<Value> = inner
        .authentication
        .iter()
        .enumerate()
        .map(|(n, scheme)| Value::Object(scheme.to_object(n == 0)))
        .collect();
    config.insert("authenticationSchemes", schemes);
    config.insert("meta", meta(context, "ServiceProviderConfig", "/ServiceProviderConfig"));
    Ok(object_response(&config))
}

/// How lists are paged (RFC 9865 section 4).
fn pagination(limits: &Limits) -> Object {
    // These "MUST be positive" where they are given.
    let number = |n: u64| Value::from(i64::try_from(n).unwrap_or(i64::MAX).max(1));
    let size = |n: usize| number(u64::try_from(n).unwrap_or(u64::MAX));
    let mut pagination = Object::new();
    pagination.insert("cursor", true);
    pagination.insert("index", true);
    pagination.insert("defaultPaginationMethod", "index");
    pagination.insert("defaultPageSize", size(limits.default_count.min(limits.max_count)));
    pagination.insert("maxPageSize", size(limits.max_count));
    pagination.insert("cursorTimeout", number(whole_seconds(limits.cursor_timeout)));
    pagination
}

/// GET `/ResourceTypes` and `/ResourceTypes/{name}` (RFC 7643 section 6).
pub(crate) fn resource_types<S>(
    inner: &Inner<S>,
    context: &RequestContext,
    request: &Incoming,
    name: Option<&str>,
) -> Result<Response<Body>, Error> {
    refuse_filter(request)?;
    let types = inner.registry.types();
    match name {
        None => Ok(all(types.iter().map(|definition| resource_type(context, definition)))),
        Some(name) => types
            .iter()
            .find(|definition| definition.name() == name)
            .map(|definition| object_response(&resource_type(context, definition)))
            .ok_or_else(|| Error::NotFound { what: "ResourceType".to_owned(), id: excerpt(name) }),
    }
}

/// GET `/Schemas` and `/Schemas/{uri}` (RFC 7643 section 7).
pub(crate) fn schemas<S>(
    inner: &Inner<S>,
    context: &RequestContext,
    request: &Incoming,
    uri: Option<&str>,
) -> Result<Response<Body>, Error> {
    refuse_filter(request)?;
    let mut known = inner.registry.schemas().iter().chain(Schema::discovery());
    match uri {
        None => Ok(all(known.map(|schema| schema_object(context, schema)))),
        Some(uri) => known
            .find(|schema| schema.id().is(uri))
            .map(|schema| object_response(&schema_object(context, schema)))
            .ok_or_else(|| Error::NotFound { what: "Schema".to_owned(), id: excerpt(uri) }),
    }
}

/// "If a 'filter' is provided, the service provider SHOULD respond with ... 403"; other parameters are ignored
/// (RFC 7644 section 4).
fn refuse_filter(request: &Incoming) -> Result<(), Error> {
    if has_filter(request.query.as_deref()) { Err(Error::FilterForbidden) } else { Ok(()) }
}

fn all(objects: impl Iterator<Item = Object>) -> Response<Body> {
    let mut resources = Vec::new();
    let mut count = 0;
    for object in objects {
        if count > 0 {
            resources.push(b',');
        }
        object.write(&mut resources);
        count += 1;
    }
    let mut bytes = Vec::new();
    ListResponse::new(count as u64, 1).write(count, &resources, &mut bytes);
    json(StatusCode::OK, bytes)
}

fn resource_type(context: &RequestContext, definition: &Arc<TypeDefinition>) -> Object {
    let name = definition.name();
    let mut object = Object::new();
    object.insert("schemas", vec![Value::from(urn::RESOURCE_TYPE)]);
    object.insert("id", name);
    extend(&mut object, definition.resource_type());
    object.insert("meta", meta(context, "ResourceType", &format!("/ResourceTypes/{name}")));
    object
}

fn schema_object(context: &RequestContext, schema: &Schema) -> Object {
    let mut object = Object::new();
    object.insert("schemas", vec![Value::from(urn::SCHEMA)]);
    extend(&mut object, schema);
    object.insert("meta", meta(context, "Schema", &format!("/Schemas/{}", schema.id())));
    object
}

/// Adds the members that a definition has as JSON.
fn extend<T: serde::Serialize>(object: &mut Object, definition: &T) {
    let json = to_vec(definition).unwrap_or_default();
    if let Ok(Value::Object(members)) = Value::from_slice(&json) {
        for (name, value) in members {
            object.insert(name, value);
        }
    }
}

fn meta(context: &RequestContext, resource_type: &str, path: &str) -> Object {
    let mut meta = Object::new();
    meta.insert("resourceType", resource_type);
    meta.insert("location", format!("{}{path}", context.base_url));
    meta
}
