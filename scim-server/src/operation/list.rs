use std::sync::Arc;

use http::Response;
use scim_core::message::{ListResponse, QueryParams};
use scim_core::{Projection, TypeDefinition};
use scim_filter::{Limits, ResolveError, UnknownAttributes};

use super::load_for;
use crate::body::Body;
use crate::context::RequestContext;
use crate::cursor::{Binding, Cursor};
use crate::error::Error;
use crate::render::{Shown, list_response};
use crate::request::{parse_query, read_object, resolve_filter, resolve_sort};
use crate::service::{Incoming, Inner};
use crate::store::{Load, Query, ResourceStore, Scope, Start};

/// GET on a collection, or on the base URL (RFC 7644 section 3.4.2, RFC 9865).
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
    let quirks = inner.quirks();
    // "attributes that are not defined for a resource type SHALL be treated as if [they] had no value" (section
    // 3.4.2.1), where several types are asked.
    let unknown = if types.len() > 1 { UnknownAttributes::NoValue } else { UnknownAttributes::Refuse };
    let mut scopes = Vec::with_capacity(types.len());
    let mut shown = Vec::with_capacity(types.len());
    let mut load = Load::None;
    for definition in types {
        let filter = resolve_filter(definition, params.filter.as_deref(), limits, quirks, unknown)?;
        let sort_by = resolve_sort(definition, params.sort_by.as_deref(), unknown)?;
        let projection = Projection::new(definition, params, quirks)?;
        if load_for(definition, &projection) == Load::All {
            load = Load::All;
        }
        scopes.push(Scope::all(Arc::clone(definition)).with_filter(filter).with_sort_by(sort_by));
        shown.push(Shown::new(definition, projection));
    }
    let pages = Pages::new(inner, context, types, params)?;
    let query = Query::new(scopes, pages.count)
        .with_order(params.sort_order)
        .with_start(pages.start.clone())
        .with_load(load)
        .with_work(inner.limits.query_work);
    let page = inner.store.query(context, &query).await?;
    let list = match &pages.cursor {
        None => ListResponse::by_index(page.total_results, pages.start_index),
        Some(binding) => {
            let total = page.total_results.or(pages.total);
            let seal = |start| {
                let cursor = Cursor { start, count: pages.count, total };
                inner.cursors.seal(&cursor, binding, context.now, inner.limits.cursor_timeout)
            };
            let next = page.next.map(|position| seal(Start::After(position))).transpose()?;
            let previous = page.previous.map(|position| seal(Start::Before(position))).transpose()?;
            ListResponse::by_cursor(total, next, previous)
        }
    };
    list_response(context, shown, &list, page.records)
}

/// Which page is asked for.
struct Pages {
    start: Start,
    /// The index that an answer by index shows.
    start_index: u64,
    count: usize,
    /// What the cursor remembers of the total.
    total: Option<u64>,
    /// What cursors are bound to, if the pages are found by cursor.
    cursor: Option<Binding>,
}

impl Pages {
    fn new<S>(
        inner: &Inner<S>,
        context: &RequestContext,
        types: &[Arc<TypeDefinition>],
        params: &QueryParams,
    ) -> Result<Self, Error> {
        let most = inner.limits.max_count;
        // "A negative value SHALL be interpreted as 0" (RFC 7644 section 3.4.2.4; RFC 9865 section 2)
        let asked = params.count.map(|count| usize::try_from(count.max(0)).unwrap_or(usize::MAX).min(most));
        let first = asked.unwrap_or(inner.limits.default_count.min(most));
        let Some(cursor) = &params.cursor else {
            let start_index = params.start_index.and_then(|n| u64::try_from(n).ok()).unwrap_or(1).max(1);
            let start = Start::Index(start_index);
            return Ok(Self { start, start_index, count: first, total: None, cursor: None });
        };
        // NB: RFC 9865 is silent; a request for two pages at once is a mistake that should be seen.
        if params.start_index.is_some() {
            return Err(Error::Query("`startIndex` and `cursor` exclude each other".to_owned()));
        }
        let binding = Binding::new(context, types.iter().map(|definition| definition.name()), params);
        // "MUST be empty or omitted for the first request" (RFC 9865 section 2)
        if cursor.is_empty() {
            let start = Start::Index(1);
            return Ok(Self { start, start_index: 1, count: first, total: None, cursor: Some(binding) });
        }
        let Cursor { start, count, total } = inner.cursors.open(cursor, &binding, context.now)?;
        let count = count.min(most);
        match (asked, params.count) {
            (Some(same), Some(got)) if same != count => Err(Error::Count { expected: count, got }),
            _ => Ok(Self { start, start_index: 1, count, total, cursor: Some(binding) }),
        }
    }
}
