use std::sync::Arc;

use http::{Response, StatusCode};
use scim_core::message::{ListResponse, QueryParams};
use scim_core::{Projection, TypeDefinition};
use scim_filter::{Limits, ResolveError, UnknownAttributes};

use super::load_for;
use crate::body::Body;
use crate::context::RequestContext;
use crate::error::Error;
use crate::render::{json, write_record};
use crate::request::{parse_query, read_object, resolve_filter, resolve_sort};
use crate::service::{Incoming, Inner};
use crate::store::{Load, Query, ResourceStore, Scope, StoreError};

/// GET on a collection, or on the base URL (RFC 7644 section 3.4.2).
pub(crate) async fn list<S: ResourceStore>(
    inner: &Inner<S>,
    context: &RequestContext,
    types: &[Arc<TypeDefinition>],
    request: &Incoming,
) -> Result<Response<Body>, Error> {
    let params = parse_query(request.query.as_deref())?;
    let limits = inner.limits.filter;
    run(inner, context, types, &params, limits).await.map_err(|error| match error {
        // "sensitive ... the request URI" (RFC 7644 section 7.5.2)
        Error::Filter(cause @ ResolveError::NotFilterable { .. }) => Error::Sensitive(cause),
        other => other,
    })
}

/// POST on `.search` (RFC 7644 section 3.4.3).
pub(crate) async fn search<S: ResourceStore>(
    inner: &Inner<S>,
    context: &RequestContext,
    types: &[Arc<TypeDefinition>],
    body: &[u8],
) -> Result<Response<Body>, Error> {
    let params = QueryParams::from_search(&read_object(body, &inner.limits)?)?;
    run(inner, context, types, &params, inner.limits.search_filter).await
}

async fn run<S: ResourceStore>(
    inner: &Inner<S>,
    context: &RequestContext,
    types: &[Arc<TypeDefinition>],
    params: &QueryParams,
    limits: Limits,
) -> Result<Response<Body>, Error> {
    let quirks = &inner.quirks;
    // "attributes that are not defined for a resource type SHALL be treated as if [they] had no value" (section
    // 3.4.2.1), where several types are asked.
    let unknown = if types.len() > 1 { UnknownAttributes::NoValue } else { UnknownAttributes::Refuse };
    let mut scopes = Vec::with_capacity(types.len());
    let mut projections = Vec::with_capacity(types.len());
    let mut load = Load::None;
    for definition in types {
        let filter = resolve_filter(definition, params.filter.as_deref(), limits, quirks, unknown)?;
        let sort_by = resolve_sort(definition, params.sort_by.as_deref(), unknown)?;
        let projection = Projection::new(definition, params, quirks)?;
        if load_for(definition, &projection) == Load::All {
            load = Load::All;
        }
        scopes.push(Scope::all(Arc::clone(definition)).with_filter(filter).with_sort_by(sort_by));
        projections.push(projection);
    }
    let start_index = params.start_index.and_then(|n| u64::try_from(n).ok()).unwrap_or(1).max(1);
    let count = match params.count {
        None => inner.limits.default_count,
        Some(count) => usize::try_from(count.max(0)).unwrap_or(usize::MAX),
    };
    let query = Query::new(scopes, count.min(inner.limits.max_count))
        .with_order(params.sort_order)
        .with_start_index(start_index)
        .with_load(load);
    let page = inner.store.query(context, &query).await?;
    let mut resources = Vec::with_capacity(page.records.len() * 1024);
    for record in &page.records {
        let known = types.iter().zip(&projections).find(|(d, _)| d.name() == &*record.resource_type);
        let (definition, projection) = known.ok_or_else(|| {
            StoreError::internal(format!(
                "the store returned a {} that was not asked for",
                record.resource_type
            ))
        })?;
        if !resources.is_empty() {
            resources.push(b',');
        }
        write_record(context, definition, record, projection, &mut resources)?;
    }
    let mut bytes = Vec::new();
    ListResponse::new(page.total_results, start_index).write(page.records.len(), &resources, &mut bytes);
    Ok(json(StatusCode::OK, bytes))
}
