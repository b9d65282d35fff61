//! The JSON of one resource, made by copying what is stored.

use std::sync::Arc;

use scim_core::{Attribute, Object, Projection, TypeDefinition, Value, raw_members, write_json_string};

use super::Shown;
use crate::context::RequestContext;
use crate::error::Error;
use crate::store::{Record, Reference, Related, StoreError, write_location, write_meta, write_segment};

/// What is needed to write resources of one type.
#[derive(Clone, Copy)]
pub(super) struct Scribe<'a> {
    pub(super) context: &'a RequestContext,
    pub(super) definition: &'a TypeDefinition,
    pub(super) projection: &'a Projection,
    /// Whether all that is stored is shown, so that it can be copied.
    pub(super) copies: bool,
}

/// How far the writing of one resource has come.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Progress {
    begun: bool,
    /// The relation that is next, and how many of its references have been written.
    related: usize,
    references: usize,
    /// Whether its name is written.
    opened: bool,
    /// Whether any of these shows.
    any: bool,
}

impl Progress {
    pub(super) fn is_start(&self) -> bool {
        !self.begun
    }
}

impl<'a> Scribe<'a> {
    pub(super) fn new(context: &'a RequestContext, shown: &'a Shown) -> Self {
        let Shown { definition, projection, copies } = shown;
        Self { context, definition, projection, copies: *copies }
    }

    /// Appends a resource.
    pub(super) fn write(&self, record: &Record, out: &mut Vec<u8>) -> Result<(), Error> {
        self.write_some(record, &mut Progress::default(), usize::MAX, out).map(drop)
    }

    /// Goes on with a resource until it is written, which is what comes back, or until there are so many bytes.
    pub(super) fn write_some(
        &self,
        record: &Record,
        progress: &mut Progress,
        most: usize,
        out: &mut Vec<u8>,
    ) -> Result<bool, Error> {
        if !progress.begun {
            self.attributes(record, out)?;
            progress.begun = true;
        }
        while let Some(related) = record.related.get(progress.related) {
            if !self.references(related, progress, most, out) {
                return Ok(false);
            }
            progress.related += 1;
            (progress.references, progress.opened, progress.any) = (0, false, false);
        }
        self.meta(record, out);
        out.push(b'}');
        Ok(true)
    }

    /// The attributes that are in the document, with the object left open.
    fn attributes(&self, record: &Record, out: &mut Vec<u8>) -> Result<(), Error> {
        if self.copies {
            let open = open(record)?;
            out.reserve(open.len() + META);
            out.extend_from_slice(open);
            return Ok(());
        }
        let mut shown = Object::new();
        let wanted = |name: &str| {
            // What is not an attribute is an extension, of which a part may be shown.
            let attribute = self.definition.attribute(name);
            attribute.is_none_or(|attribute| self.projection.shows(attribute)).then(|| name.to_owned())
        };
        let mut damage = None;
        let read = raw_members(&record.document, wanted, |name, raw| match Value::from_slice(raw) {
            Ok(value) => drop(shown.insert(name.as_str(), value)),
            Err(error) => damage = Some(error),
        });
        read.and(damage.map_or(Ok(()), Err)).map_err(StoreError::internal)?;
        self.projection.write(self.definition, &shown, out);
        out.pop();
        Ok(())
    }

    /// The references of a relation, from where the writing has come to; whether these are all.
    fn references(&self, related: &Related, progress: &mut Progress, most: usize, out: &mut Vec<u8>) -> bool {
        let all = related.references.as_deref().unwrap_or_default();
        if all.is_empty() {
            return true;
        }
        let attribute = self.definition.attribute(&related.attribute);
        let Some(attribute) = attribute.filter(|attribute| self.projection.shows(attribute)) else {
            return true;
        };
        let parts = self.parts(attribute);
        let mut prefixes = Prefixes { context: self.context, known: Vec::new() };
        let before = out.len();
        let is_start = !std::mem::replace(&mut progress.opened, true);
        if is_start {
            name(out, &related.attribute);
            out.push(b'[');
        }
        for reference in all.get(progress.references..).unwrap_or_default() {
            if out.len() >= most {
                return false;
            }
            let mark = out.len();
            if progress.any {
                out.push(b',');
            }
            progress.references += 1;
            if self.reference(related, reference, parts, &mut prefixes, out) {
                progress.any = true;
            } else {
                out.truncate(mark);
            }
        }
        if progress.any || !is_start {
            out.push(b']');
        } else {
            out.truncate(before);
        }
        true
    }

    /// Which parts of a reference are shown: those that are left of one that has them all.
    fn parts(&self, attribute: &Attribute) -> [bool; 4] {
        let all: Object = PARTS.iter().map(|part| (*part, "")).collect();
        let shown = self.projection.apply_to(attribute, &Value::Object(all));
        let shown = shown.as_ref().and_then(Value::as_object);
        PARTS.map(|part| shown.is_some_and(|shown| shown.contains(part)))
    }

    /// Appends the parts of a reference that are shown, as [`Reference::to_value`] has them; whether there are any.
    fn reference(
        &self,
        related: &Related,
        reference: &Reference,
        [value, location, display, kind]: [bool; 4],
        prefixes: &mut Prefixes<'_>,
        out: &mut Vec<u8>,
    ) -> bool {
        out.push(b'{');
        if value {
            name(out, "value");
            write_json_string(reference.id.as_str(), out);
        }
        if let (true, Some(prefix)) = (location, prefixes.of(&reference.resource_type)) {
            name(out, "$ref");
            out.push(b'"');
            out.extend_from_slice(prefix);
            write_segment(reference.id.as_str(), out);
            out.push(b'"');
        }
        if let (true, Some(display)) = (display, &reference.display) {
            name(out, "display");
            write_json_string(display, out);
        }
        if kind {
            name(out, "type");
            write_json_string(reference.kind(self.definition, &related.attribute), out);
        }
        let any = !out.ends_with(b"{");
        out.push(b'}');
        any
    }

    fn meta(&self, record: &Record, out: &mut Vec<u8>) {
        if self.copies {
            name(out, "meta");
            write_meta(record, self.context, self.definition, out);
            return;
        }
        let Some(attribute) = self.definition.attribute("meta") else { return };
        if !self.projection.shows(attribute) {
            return;
        }
        let meta = Value::Object(record.meta(self.context, self.definition));
        if let Some(shown) = self.projection.apply_to(attribute, &meta) {
            name(out, "meta");
            shown.write(out);
        }
    }
}

impl Record {
    /// Appends the resource as the body of an answer has it: in full by copying, where the projection lets all be seen.
    ///
    /// # Errors
    /// If the stored document is damaged.
    pub fn write(
        &self,
        context: &RequestContext,
        definition: &TypeDefinition,
        projection: &Projection,
        out: &mut Vec<u8>,
    ) -> Result<(), Error> {
        let copies = projection.shows_all(definition);
        Scribe { context, definition, projection, copies }.write(self, out)
    }
}

/// The parts of a reference.
const PARTS: [&str; 4] = ["value", "$ref", "display", "type"];
/// About how much `meta` takes.
const META: usize = 384;

/// A document without the brace that closes it.
pub(super) fn open(record: &Record) -> Result<&[u8], Error> {
    record
        .document
        .strip_suffix(b"}")
        .ok_or_else(|| Error::Internal(format!("the stored document of {} is damaged", record.id.as_str())))
}

/// The name of a member that comes after others.
fn name(out: &mut Vec<u8>, name: &str) {
    if !out.ends_with(b"{") {
        out.push(b',');
    }
    write_json_string(name, out);
    out.push(b':');
}

/// What the locations of resources of a type begin with, as it stands in a JSON string.
struct Prefixes<'a> {
    context: &'a RequestContext,
    known: Vec<(Arc<str>, Option<Vec<u8>>)>,
}

impl Prefixes<'_> {
    fn of(&mut self, resource_type: &Arc<str>) -> Option<&[u8]> {
        let at = match self.known.iter().position(|(known, _)| known == resource_type) {
            Some(at) => at,
            None => {
                let prefix = self.context.registry.by_name(resource_type).map(|definition| {
                    let (mut location, mut quoted) = (Vec::new(), Vec::new());
                    write_location(self.context, definition, "", &mut location);
                    write_json_string(&String::from_utf8_lossy(&location), &mut quoted);
                    // Without the quotes.
                    quoted.pop();
                    quoted.drain(..1);
                    quoted
                });
                self.known.push((Arc::clone(resource_type), prefix));
                self.known.len().saturating_sub(1)
            }
        };
        self.known.get(at)?.1.as_deref()
    }
}
