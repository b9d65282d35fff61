//! From a BulkRequest to its operations.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::Arc;

use scim_core::{Object, Quirk, Registry, ResourceId, TypeDefinition, Value, excerpt, urn};

use super::error::BulkError;
use super::reference::{Found, bulk_id, in_patch, in_resource};
use crate::error::Error;
use crate::policy::Action;
use crate::request::if_match;
use crate::route::Route;
use crate::service::Inner;
use crate::store::Precondition;

/// A bulk request (RFC 7644 section 3.7), as far as it can be understood without carrying anything out.
pub(super) struct BulkRequest {
    /// After how many failures it ends.
    pub(super) fail_on_errors: Option<NonZeroUsize>,
    /// What it asks for, in its order.
    pub(super) operations: Vec<Operation>,
    /// Which operation creates what a `bulkId` refers to.
    pub(super) bulk_ids: HashMap<String, usize>,
}

/// One operation.
pub(super) struct Operation {
    /// The method in capitals, as far as there is one.
    pub(super) method: Option<String>,
    /// The `bulkId`.
    pub(super) bulk_id: Option<String>,
    /// The path.
    pub(super) path: Option<String>,
    /// What is to be done, or why it cannot be.
    pub(super) task: Result<Task, Error>,
}

/// What an operation is to do.
pub(super) enum Task {
    Create { definition: Arc<TypeDefinition>, data: Object },
    Replace { subject: Subject, data: Object },
    Patch { subject: Subject, data: Object },
    Delete { subject: Subject },
}

/// The resource that an operation is about.
pub(super) struct Subject {
    pub(super) definition: Arc<TypeDefinition>,
    pub(super) id: SubjectId,
    pub(super) precondition: Precondition,
    pub(super) names_version: bool,
}

/// How the path names a resource.
pub(super) enum SubjectId {
    Known(ResourceId),
    /// By the `bulkId` of the operation that creates it.
    Bulk(String),
    /// In a way that no resource has.
    Impossible(String),
}

impl Task {
    pub(super) fn action(&self) -> Action {
        match self {
            Self::Create { .. } => Action::Create,
            Self::Replace { .. } => Action::Replace,
            Self::Patch { .. } => Action::Patch,
            Self::Delete { .. } => Action::Delete,
        }
    }

    pub(super) fn subject(&self) -> Option<&Subject> {
        match self {
            Self::Create { .. } => None,
            Self::Replace { subject, .. } | Self::Patch { subject, .. } | Self::Delete { subject } => {
                Some(subject)
            }
        }
    }

    /// Looks for references in the data.
    pub(super) fn references(&mut self, found: &mut Found<'_>) {
        match self {
            Self::Create { definition, data } => in_resource(definition, data, found),
            Self::Replace { subject, data } => in_resource(&subject.definition, data, found),
            Self::Patch { subject, data } => in_patch(&subject.definition, data, found),
            Self::Delete { .. } => {}
        }
    }
}

impl BulkRequest {
    /// Reads the message. What is wrong with a single operation is found there and refuses no other.
    pub(super) fn read<S>(inner: &Inner<S>, message: Object) -> Result<Self, BulkError> {
        let syntax = |text: String| Err(BulkError::Syntax(text));
        let (mut schemas, mut fail_on_errors, mut operations) = (None, None, None);
        for (name, value) in message {
            if name.is("schemas") {
                schemas = Some(value);
            } else if name.is("failOnErrors") {
                fail_on_errors = Some(value);
            } else if name.is("Operations") {
                operations = Some(value);
            }
        }
        if !names(schemas.as_ref(), urn::BULK_REQUEST) {
            return syntax(format!(
                "`schemas` must be [\"{}\"] in the body of a bulk request",
                urn::BULK_REQUEST
            ));
        }
        let operations = match operations {
            Some(Value::Array(operations)) if !operations.is_empty() => operations,
            Some(Value::Array(_)) => {
                return syntax("`Operations` is empty; a bulk request has at least one operation".to_owned());
            }
            Some(other) => return syntax(format!("`Operations` must be a list, got {}", other.kind())),
            None => return syntax("`Operations` is missing".to_owned()),
        };
        let limit = inner.limits.bulk_operations;
        if operations.len() > limit {
            return Err(BulkError::TooManyOperations { operations: operations.len(), limit });
        }
        let fail_on_errors = match &fail_on_errors {
            None | Some(Value::Null) => None,
            Some(value) => Some(at_least_one(value).ok_or_else(|| {
                BulkError::Value(format!(
                    "`failOnErrors` must be a whole number from 1, got {}",
                    shown(value)
                ))
            })?),
        };
        let mut all = Vec::with_capacity(operations.len());
        for (n, operation) in operations.into_iter().enumerate() {
            match operation {
                Value::Object(members) => all.push(Operation::read(inner, members)),
                other => {
                    return syntax(format!("operation {} must be an object, got {}", n + 1, other.kind()));
                }
            }
        }
        let bulk_ids = index(&mut all);
        Ok(Self { fail_on_errors, operations: all, bulk_ids })
    }
}

/// Which POST a `bulkId` belongs to. Those that share one are refused, as nobody knows which is meant by it.
fn index(operations: &mut [Operation]) -> HashMap<String, usize> {
    let mut bulk_ids = HashMap::with_capacity(operations.len());
    let mut same = Vec::new();
    for (n, operation) in operations.iter().enumerate() {
        if let (Some("POST"), Some(bulk_id)) = (operation.method.as_deref(), &operation.bulk_id)
            && let Some(other) = bulk_ids.insert(bulk_id.clone(), n)
        {
            same.extend([other, n]);
        }
    }
    for n in same {
        if let Some(operation) = operations.get_mut(n) {
            let shown = operation.bulk_id.as_deref().map(excerpt).unwrap_or_default();
            operation.task = Err(BulkError::SameBulkId(shown).into());
        }
    }
    bulk_ids
}

impl Operation {
    fn read<S>(inner: &Inner<S>, members: Object) -> Self {
        let mut parts = Parts::default();
        for (name, value) in members {
            let known = [
                ("method", &mut parts.method),
                ("bulkId", &mut parts.bulk_id),
                ("version", &mut parts.version),
                ("path", &mut parts.path),
                ("data", &mut parts.data),
            ];
            if let Some((_, part)) = known.into_iter().find(|(known, _)| name.is(known))
                && value != Value::Null
            {
                *part = Some(value);
            }
        }
        // "method" is a string that compares without case (RFC 7643 section 7, `caseExact`).
        let method = parts.method.as_ref().and_then(Value::as_str).map(str::to_ascii_uppercase);
        let bulk_id = parts.bulk_id.as_ref().and_then(Value::as_str).map(str::to_owned);
        let path = parts.path.as_ref().and_then(Value::as_str).map(str::to_owned);
        let task = task(inner, method.as_deref(), &bulk_id, path.as_deref(), parts);
        let shown = |method: String| if METHODS.contains(&&*method) { method } else { excerpt(&method) };
        Self { method: method.map(shown), bulk_id, path, task }
    }
}

const METHODS: [&str; 4] = ["POST", "PUT", "PATCH", "DELETE"];

/// A method in capitals, if it is one that operations have.
pub(super) fn known_method(method: &str) -> Option<&'static str> {
    METHODS.into_iter().find(|known| *known == method)
}

#[derive(Default)]
struct Parts {
    method: Option<Value>,
    bulk_id: Option<Value>,
    version: Option<Value>,
    path: Option<Value>,
    data: Option<Value>,
}

fn task<S>(
    inner: &Inner<S>,
    method: Option<&str>,
    bulk_id: &Option<String>,
    path: Option<&str>,
    parts: Parts,
) -> Result<Task, Error> {
    let value = |text: String| Error::from(BulkError::Value(text));
    let a_string = |name: &str, got: &Option<Value>| match got {
        None => value(format!("`{name}` is missing")),
        Some(got) => value(format!("`{name}` must be a string, got {}", got.kind())),
    };
    let method = method.ok_or_else(|| a_string("method", &parts.method))?;
    if !METHODS.contains(&method) {
        return Err(value(format!("`method` must be POST, PUT, PATCH or DELETE, got `{}`", excerpt(method))));
    }
    if bulk_id.is_none() && parts.bulk_id.is_some() {
        return Err(a_string("bulkId", &parts.bulk_id));
    }
    if method == "POST" && bulk_id.is_none() && !inner.quirks().tolerate(Quirk::MissingBulkIds) {
        return Err(BulkError::NoBulkId.into());
    }
    if bulk_id.as_deref() == Some("") {
        return Err(value("`bulkId` is empty".to_owned()));
    }
    let path = path.ok_or_else(|| a_string("path", &parts.path))?;
    if path.contains(['?', '#']) {
        return Err(value(format!("`path` must be a path only, got `{}`", excerpt(path))));
    }
    let route = Route::parse(path, &inner.registry).map_err(|error| match error {
        Error::NoEndpoint { .. } => after_base(path, &inner.registry).map_or(error, Error::from),
        error => error,
    })?;
    let (definition, id) = match (method, route) {
        ("POST", Route::Collection(definition)) => {
            return Ok(Task::Create { definition, data: data(parts.data)? });
        }
        (_, Route::Resource(definition, id)) if method != "POST" => {
            let impossible = |text: String| match bulk_id_of(&text) {
                Some(bulk_id) => SubjectId::Bulk(bulk_id),
                None => SubjectId::Impossible(text),
            };
            (definition, id.map_or_else(impossible, SubjectId::Known))
        }
        _ => {
            let wanted = match method {
                "POST" => "the path of an endpoint, such as /Users",
                _ => "the path of a resource, such as /Users/{id}",
            };
            let text = format!("a {method} in a bulk request takes {wanted}, got `{}`", excerpt(path));
            return Err(value(text));
        }
    };
    let precondition = match &parts.version {
        None => Precondition::Any,
        Some(Value::String(version)) => if_version(version)?,
        got => return Err(a_string("version", got)),
    };
    let subject = Subject { definition, id, precondition, names_version: parts.version.is_some() };
    Ok(match method {
        "PUT" => Task::Replace { subject, data: data(parts.data)? },
        "PATCH" => {
            let data = match parts.data {
                // NB: section 3.7.3 prints the operations alone; erratum 5050 has the whole message.
                Some(Value::Array(operations)) if inner.quirks().tolerate(Quirk::AssumeSchemas) => {
                    let mut message = Object::new();
                    message.insert("schemas", vec![Value::from(urn::PATCH_OP)]);
                    message.insert("Operations", operations);
                    message
                }
                other => data(other)?,
            };
            Task::Patch { subject, data }
        }
        _ => Task::Delete { subject },
    })
}

/// What is wrong with a path that is one after some of its beginning has been taken away. "The resource's relative path
/// to the SCIM service provider's root" (RFC 7644 section 3.7) is what an operation has.
fn after_base(path: &str, registry: &Registry) -> Option<BulkError> {
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    let is_endpoint = |segment: &&str| registry.by_endpoint(segment).is_some();
    let (_, relative) = segments.split_at_checked(segments.iter().position(is_endpoint)?)?;
    // The first one is an endpoint: something after it is wrong.
    if relative.len() == segments.len() {
        return None;
    }
    let relative = format!("/{}", relative.join("/"));
    Route::parse(&relative, registry).ok()?;
    Some(BulkError::BasePath { path: excerpt(path), relative: excerpt(&relative) })
}

fn data(data: Option<Value>) -> Result<Object, Error> {
    match data {
        Some(Value::Object(data)) => Ok(data),
        Some(other) => {
            Err(BulkError::Syntax(format!("`data` must be an object, got {}", other.kind())).into())
        }
        None => Err(BulkError::Value("`data` is missing".to_owned()).into()),
    }
}

fn bulk_id_of(text: &str) -> Option<String> {
    bulk_id(text).map(str::to_owned)
}

/// `version` is to a bulk operation what `If-Match` is to a request.
fn if_version(text: &str) -> Result<Precondition, BulkError> {
    if_match(text).ok_or_else(|| {
        BulkError::Value(format!(
            "`version` must be `*` or versions in double quotes such as W/\"1\", got `{}`",
            excerpt(text)
        ))
    })
}

fn names(schemas: Option<&Value>, uri: &str) -> bool {
    let is = |value: &Value| value.as_str().is_some_and(|text| text.eq_ignore_ascii_case(uri));
    match schemas {
        Some(Value::Array(uris)) => uris.iter().any(is),
        Some(one) => is(one),
        None => false,
    }
}

fn at_least_one(value: &Value) -> Option<NonZeroUsize> {
    let number = value.as_i64()?;
    NonZeroUsize::new(usize::try_from(number).ok()?)
}

fn shown(value: &Value) -> String {
    match value {
        Value::Number(_) => format!("`{}`", value.excerpt()),
        other => other.kind().to_owned(),
    }
}
