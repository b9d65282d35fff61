use std::io::Write as _;
use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, Datelike as _, SecondsFormat, Timelike as _, Utc};
use scim_core::{JsonError, Object, Resource, ResourceId, TypeDefinition, Value, Version, write_json_string};

use crate::context::RequestContext;

/// A resource as a store keeps it.
///
/// `document` is JSON that answers are made of by copying: an object with `schemas`, `id` and all attributes of the
/// resource except `meta`, relations, and what is never returned.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Record {
    /// The id.
    pub id: ResourceId,
    /// The name of the resource type.
    pub resource_type: Arc<str>,
    /// When it was created.
    pub created: DateTime<Utc>,
    /// When it was last changed.
    pub last_modified: DateTime<Utc>,
    /// The version.
    pub version: Version,
    /// The rendered attributes.
    pub document: Bytes,
    /// The rendered attributes that are never returned, if it has any.
    pub hidden: Option<Bytes>,
    /// Relations and their inverses, as far as they were loaded.
    pub related: Vec<Related>,
}

/// How much of the relations is to be loaded with a resource.
///
/// Complete by definition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Load {
    /// Nothing.
    None,
    /// The values of a relation if there are at most so many, else only that there are more.
    AtMost(usize),
    /// Everything.
    #[default]
    All,
}

/// The values of one relation attribute (`members`) or of its inverse (`groups`) of one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Related {
    /// The attribute.
    pub attribute: Arc<str>,
    /// The values in the order in which they were added; `None` if there are more than were to be loaded.
    pub references: Option<Vec<Reference>>,
}

impl Related {
    /// The values of an attribute.
    #[must_use]
    pub fn new(attribute: Arc<str>, references: Option<Vec<Reference>>) -> Self {
        Self { attribute, references }
    }
}

/// One value of a relation: another resource.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reference {
    /// The id of the other resource.
    pub id: ResourceId,
    /// The name of its type.
    pub resource_type: Arc<str>,
    /// Its name to show, as [`Resource::display`] says.
    pub display: Option<Arc<str>>,
}

impl Reference {
    /// A reference to a resource.
    #[must_use]
    pub fn new(id: ResourceId, resource_type: Arc<str>, display: Option<Arc<str>>) -> Self {
        Self { id, resource_type, display }
    }
}

impl Record {
    /// The resource itself with what is never returned put back: for changing it.
    ///
    /// # Errors
    /// [`JsonError`] when the stored text is no JSON, which only a damaged store can bring about.
    pub fn to_resource(&self) -> Result<Resource, JsonError> {
        let mut resource = Resource::from_attributes(object(&self.document)?);
        resource.attributes_mut().remove("id");
        if let Some(hidden) = &self.hidden {
            resource.restore_hidden(object(hidden)?);
        }
        Ok(resource)
    }

    /// The resource as clients see it, with `meta` and the relations that were loaded: for filters, sorting and
    /// projection.
    ///
    /// # Errors
    /// As [`Record::to_resource`].
    pub fn to_object(
        &self,
        context: &RequestContext,
        definition: &TypeDefinition,
    ) -> Result<Object, JsonError> {
        let mut shown = object(&self.document)?;
        for related in &self.related {
            let values: Vec<Value> = related
                .references
                .iter()
                .flatten()
                .map(|r| r.to_value(context, definition, &related.attribute))
                .collect();
            if !values.is_empty() {
                shown.insert(&*related.attribute, values);
            }
        }
        shown.insert("meta", self.meta(context, definition));
        Ok(shown)
    }

    /// `meta` of the resource (RFC 7643 section 3.1).
    #[must_use]
    pub fn meta(&self, context: &RequestContext, definition: &TypeDefinition) -> Object {
        let time = |time: &DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Millis, true);
        let mut meta = Object::new();
        meta.insert("resourceType", &*self.resource_type);
        meta.insert("created", time(&self.created));
        meta.insert("lastModified", time(&self.last_modified));
        meta.insert("location", location(context, definition, &self.id));
        meta.insert("version", self.version.etag());
        meta
    }
}

impl Reference {
    /// The reference as a value of an attribute of `holder`.
    pub(crate) fn to_value(
        &self,
        context: &RequestContext,
        holder: &TypeDefinition,
        attribute: &str,
    ) -> Value {
        let mut value = Object::new();
        value.insert("value", self.id.as_str());
        if let Some(definition) = context.registry.by_name(&self.resource_type) {
            value.insert("$ref", location(context, definition, &self.id));
        }
        if let Some(display) = &self.display {
            value.insert("display", &**display);
        }
        value.insert("type", self.kind(holder, attribute));
        Value::Object(value)
    }

    /// `members.type` names the type of the member; `groups.type` says how the user belongs to the group.
    pub(crate) fn kind(&self, holder: &TypeDefinition, attribute: &str) -> &str {
        if holder.relation(attribute).is_some() { &self.resource_type } else { "direct" }
    }
}

/// Appends what [`Record::meta`] is, as JSON.
pub(crate) fn write_meta(
    record: &Record,
    context: &RequestContext,
    definition: &TypeDefinition,
    out: &mut Vec<u8>,
) {
    out.extend_from_slice(b"{\"resourceType\":");
    write_json_string(&record.resource_type, out);
    out.extend_from_slice(b",\"created\":\"");
    write_time(&record.created, out);
    out.extend_from_slice(b"\",\"lastModified\":\"");
    write_time(&record.last_modified, out);
    out.extend_from_slice(b"\",\"location\":\"");
    let start = out.len();
    write_location(context, definition, record.id.as_str(), out);
    // What stands before the id may have anything in it.
    let written = out.get(start..).unwrap_or_default();
    if written.iter().fold(false, |found, b| found | (*b < 0x20) | (*b == b'"') | (*b == b'\\')) {
        out.truncate(start.saturating_sub(1));
        write_json_string(&location(context, definition, &record.id), out);
    } else {
        out.push(b'"');
    }
    // Writing to memory cannot fail.
    let _ = write!(out, ",\"version\":\"W/\\\"{}\\\"\"}}", record.version.number());
}

/// A time as RFC 3339 has it, to the millisecond: what `to_rfc3339_opts` writes, without its detours.
fn write_time(time: &DateTime<Utc>, out: &mut Vec<u8>) {
    let (date, clock) = (time.date_naive(), time.time());
    let nanos = clock.nanosecond();
    // Years of more or fewer digits, and leap seconds.
    let (0..=9_999, 0..=999_999_999) = (date.year(), nanos) else {
        out.extend_from_slice(time.to_rfc3339_opts(SecondsFormat::Millis, true).as_bytes());
        return;
    };
    let digit = |number: u32| {
        let [last, ..] = (number % 10).to_le_bytes();
        b'0' | last
    };
    let (year, month, day) = (date.year().unsigned_abs(), date.month(), date.day());
    let (hour, minute, second, millis) = (clock.hour(), clock.minute(), clock.second(), nanos / 1_000_000);
    out.extend_from_slice(&[
        digit(year / 1000),
        digit(year / 100),
        digit(year / 10),
        digit(year),
        b'-',
        digit(month / 10),
        digit(month),
        b'-',
        digit(day / 10),
        digit(day),
        b'T',
        digit(hour / 10),
        digit(hour),
        b':',
        digit(minute / 10),
        digit(minute),
        b':',
        digit(second / 10),
        digit(second),
        b'.',
        digit(millis / 100),
        digit(millis / 10),
        digit(millis),
        b'Z',
    ]);
}

/// The URI of a resource: base URL, endpoint, id.
#[must_use]
pub(crate) fn location(context: &RequestContext, definition: &TypeDefinition, id: &ResourceId) -> String {
    let mut out = Vec::with_capacity(context.base_url.len() + definition.endpoint_segment().len() + 48);
    write_location(context, definition, id.as_str(), &mut out);
    String::from_utf8(out).unwrap_or_default()
}

/// Appends the URI of the resource with this id; without one, what all URIs of its type begin with.
pub(crate) fn write_location(
    context: &RequestContext,
    definition: &TypeDefinition,
    id: &str,
    out: &mut Vec<u8>,
) {
    out.extend_from_slice(context.base_url.as_bytes());
    out.extend_from_slice(definition.resource_type().endpoint.as_bytes());
    out.push(b'/');
    write_segment(id, out);
}

/// Appends a text as a segment of a URI.
pub(crate) fn write_segment(text: &str, out: &mut Vec<u8>) {
    use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
    /// RFC 3986 "unreserved" stays as it is.
    const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    // A whole pass: it is the faster one for what ids are.
    if text.bytes().fold(true, |plain, b| plain & (b.is_ascii_alphanumeric() | (b == b'-'))) {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    for part in utf8_percent_encode(text, SEGMENT) {
        out.extend_from_slice(part.as_bytes());
    }
}

fn object(json: &[u8]) -> Result<Object, JsonError> {
    match Value::from_slice(json)? {
        Value::Object(object) => Ok(object),
        _ => Ok(Object::new()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use scim_core::Registry;

    use super::*;

    proptest! {
        #[test]
        fn meta_is_written_as_it_is_read(
            (created, modified) in (-62_200_000_000_000_i64..300_000_000_000_000, 0..2_000_000_000_000_i64),
            id in "[a-z/ \u{e9}%~]{1,9}",
            version: u64,
        ) {
            let registry = Registry::rfc7643();
            let definition = registry.by_name("User").unwrap();
            let context = RequestContext::new(Arc::clone(&registry), DateTime::UNIX_EPOCH)
                .with_base_url("https://example.com/a\"b");
            let time = |millis| DateTime::from_timestamp_millis(millis).unwrap();
            let record = Record {
                id: id.parse().unwrap(),
                resource_type: Arc::clone(definition.shared_name()),
                created: time(created),
                last_modified: time(modified),
                version: Version::new(version),
                document: Bytes::new(),
                hidden: None,
                related: Vec::new(),
            };
            let mut written = Vec::new();
            write_meta(&record, &context, definition, &mut written);
            prop_assert_eq!(written, record.meta(&context, definition).to_vec());
        }
    }
}
