use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use http::header::LOCATION;
use http::{HeaderValue, Method, Response};
use scim_core::{ResourceId, TypeDefinition, Value, excerpt};
use scim_filter::{Filter, ResolveError, ResolveOptions};

use super::{delete, patch, read, replace};
use crate::body::Body;
use crate::context::{Principal, RequestContext};
use crate::error::Error;
use crate::service::{Incoming, Inner};
use crate::store::{Load, Query, ResourceStore, Scope, StoreError, location};

/// Which attribute of a resource names the [`Principal`] that it stands for, for `/Me`.
///
/// Complete by definition; whoever needs another mapping writes a [`SubjectResolver`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MeBy {
    /// Its `id`.
    Id,
    /// Its `userName`, compared as the schema compares it.
    UserName,
    /// Its `externalId`. No resource is found where several have it.
    ExternalId,
}

/// Says which resource the subject of a request is, for `/Me` (RFC 7644 section 3.11).
#[async_trait]
pub trait SubjectResolver: Send + Sync + fmt::Debug {
    /// The name of the resource type and the id of the resource; `None` if the principal has none.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be found out now.
    async fn resolve(
        &self,
        context: &RequestContext,
        principal: &Principal,
    ) -> Result<Option<(String, ResourceId)>, StoreError>;
}

/// How the resource of a subject is found.
#[derive(Clone, Debug)]
pub(crate) enum Me {
    /// By an attribute of the resources of one type.
    Attribute(Arc<str>, MeBy),
    /// By the embedder's code.
    Resolver(Arc<dyn SubjectResolver>),
}

/// The methods of `/Me` that read no body, and those that do.
pub(crate) fn takes_body(method: &Method) -> bool {
    matches!(*method, Method::PUT | Method::PATCH)
}

/// Any operation at `/Me`: the same at the resource of the authenticated subject (RFC 7644 section 3.11).
pub(crate) async fn me<S: ResourceStore>(
    inner: &Inner<S>,
    me: &Me,
    context: &RequestContext,
    request: &Incoming,
    body: &[u8],
) -> Result<Response<Body>, Error> {
    // Whoever is authenticated has been given a resource already, or is to be given one by others.
    if request.method == Method::POST {
        return Err(Error::NotSupported("POST at /Me"));
    }
    let principal = context.principal.as_ref().ok_or(Error::NoSubject)?;
    let (definition, id) = find(inner, me, context, principal).await?;
    if let Some(trail) = &context.trail {
        trail.write(|found| {
            (found.definition, found.id) = (Some(Arc::clone(&definition)), Some(id.clone()));
        });
    }
    let (definition, id) = (&definition, &id);
    request.intent(context, definition, Some(id)).ask()?;
    let answer = match request.method {
        Method::GET => read(inner, context, definition, id, request).await,
        Method::PUT => replace(inner, context, definition, id, request, body).await,
        Method::PATCH => patch(inner, context, definition, id, request, body).await,
        _ => delete(inner, context, definition, id, request).await,
    };
    let mut answer = match answer {
        Err(error) if error.is_internal() => return Err(error),
        answer => answer.unwrap_or_else(|error| error.for_client(context).to_response(&context.request_id)),
    };
    // "In any response, the HTTP Location header MUST be the permanent location of the aliased resource"
    if let Ok(uri) = HeaderValue::from_str(&location(context, definition, id)) {
        answer.headers_mut().insert(LOCATION, uri);
    }
    Ok(answer)
}

async fn find<S: ResourceStore>(
    inner: &Inner<S>,
    me: &Me,
    context: &RequestContext,
    principal: &Principal,
) -> Result<(Arc<TypeDefinition>, ResourceId), Error> {
    let named = |name: &str| {
        let known = inner.registry.by_name(name).map(Arc::clone);
        known.ok_or_else(|| Error::Internal(format!("/Me is to be a {name}, and there is no such type")))
    };
    let nobody =
        |what: &str| Error::NotMe(format!("there is no {what} for `{}`", excerpt(principal.as_str())));
    let (name, by) = match me {
        Me::Resolver(resolver) => {
            let found = resolver.resolve(context, principal).await?;
            let (name, id) = found.ok_or_else(|| nobody("resource"))?;
            return Ok((named(&name)?, id));
        }
        Me::Attribute(name, by) => (name, by),
    };
    let definition = named(name)?;
    let attribute = match by {
        MeBy::Id => "id",
        MeBy::UserName => "userName",
        MeBy::ExternalId => "externalId",
    };
    let mut text = format!("{attribute} eq ").into_bytes();
    Value::from(principal.as_str()).write(&mut text);
    let text = String::from_utf8_lossy(&text);
    let filter = Filter::parse(&text).map_err(|_| nobody(name))?;
    let filter = filter.resolve(&*definition, &ResolveOptions::default()).map_err(|error| match error {
        ResolveError::UnknownAttribute { .. } => Error::Internal(format!("/Me cannot be found: {error}")),
        // The name is none that the attribute could have.
        _ => nobody(name),
    })?;
    let scope = Scope::all(Arc::clone(&definition)).with_filter(Some(filter));
    // Two show that there are several; none of them is the one.
    let query = Query::new(vec![scope], 2).with_load(Load::None);
    let mut found = inner.store.query(context, &query).await?.records;
    match (found.pop(), found.pop()) {
        (Some(record), None) => Ok((definition, record.id)),
        (None, _) => Err(nobody(name)),
        (Some(_), Some(_)) => Err(Error::NotMe(format!(
            "there are several resources with the {attribute} `{}`",
            excerpt(principal.as_str())
        ))),
    }
}
