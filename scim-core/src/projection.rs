//! Which attributes an answer shows (RFC 7644 section 3.9, `returned` of RFC 7643 section 7).

use std::collections::HashSet;
use std::sync::Arc;

use scim_filter::{AttrPath, ResolvedPath};

use crate::message::{MessageError, QueryParams};
use crate::patch::ChangeSet;
use crate::quirk::{Quirk, Quirks};
use crate::registry::{Extension, TypeDefinition};
use crate::schema::{Attribute, Returned};
use crate::value::{AttrName, Object, Value};

/// The attributes that a request wants to see of resources of one type.
///
/// ```
/// use scim_core::{Projection, Quirks, QueryParams, Registry, Value};
///
/// let registry = Registry::rfc7643();
/// let users = registry.by_name("User").ok_or("no User")?;
/// let mut params = QueryParams::default();
/// params.set("attributes", "name.familyName")?;
/// let projection = Projection::new(users, &params, &Quirks::interop())?;
///
/// let user = Value::from_slice(br#"{"id":"1","userName":"b","name":{"familyName":"J","givenName":"B"}}"#)?;
/// let mut shown = Vec::new();
/// projection.write(users, user.as_object().ok_or("an object")?, &mut shown);
/// assert_eq!(shown, br#"{"id":"1","name":{"familyName":"J"}}"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Projection {
    mode: Mode,
    names: Vec<Named>,
    /// What is returned on request only and was set by this request (RFC 7643 section 7).
    set_by_request: Vec<Named>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Default,
    Only,
    Without,
}

/// An attribute, a sub-attribute, a whole extension or all of the base schema, in the registered spelling.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Named {
    extension: Option<Arc<str>>,
    attribute: Option<Arc<str>>,
    sub: Option<Arc<str>>,
}

impl Projection {
    /// What is shown when a request does not say.
    #[must_use]
    pub fn default_set() -> Self {
        Self { mode: Mode::Default, names: Vec::new(), set_by_request: Vec::new() }
    }

    /// The projection that `attributes` and `excludedAttributes` ask for. Names that the type does not have are
    /// ignored; the URI of a schema stands for all of its attributes.
    ///
    /// # Errors
    /// [`MessageError`] when both are given and no quirk says which one wins.
    pub fn new(
        definition: &TypeDefinition,
        params: &QueryParams,
        quirks: &Quirks,
    ) -> Result<Self, MessageError> {
        let (only, without) = (&params.attributes, &params.excluded_attributes);
        if !only.is_empty() && !without.is_empty() && !quirks.tolerate(Quirk::PreferAttributes) {
            return Err(MessageError::value(
                "`attributes` and `excludedAttributes` cannot be used together; send only one of them",
            ));
        }
        let (mode, names) = match (only.is_empty(), without.is_empty()) {
            (false, _) => (Mode::Only, only),
            (true, false) => (Mode::Without, without),
            (true, true) => (Mode::Default, only),
        };
        // However often a client repeats them, there are no more names than the schemas have.
        let mut seen = HashSet::new();
        let names = names.iter().filter_map(|name| find(definition, name));
        let names = names.filter(|named| seen.insert(named.clone())).collect();
        Ok(Self { mode, names, set_by_request: Vec::new() })
    }

    /// Shows what the body of a POST or PUT sets as well, where it is returned on request only: "or ... was specified
    /// by the client" (RFC 7643 section 7). A request that names what it wants to see gets that.
    #[must_use]
    pub fn with_set_by(mut self, definition: &TypeDefinition, body: &Object) -> Self {
        self.note_members(definition, body);
        self
    }

    fn note_members(&mut self, definition: &TypeDefinition, members: &Object) {
        for (name, value) in members.iter() {
            let name = name.as_str();
            if let Some(attribute) = definition.attribute(name) {
                self.note_set(None, attribute, value);
            } else if let (Some(extension), Value::Object(data)) = (definition.extension(name), value) {
                let uri = extension.schema.id().shared();
                for (name, value) in data.iter() {
                    match extension.schema.attribute(name.as_str()) {
                        Some(attribute) => self.note_set(Some(uri), attribute, value),
                        None => self.note_path(definition, &format!("{uri}:{name}"), value),
                    }
                }
            } else if let (true, Value::Object(members)) = (definition.base().id().is(name), value) {
                self.note_members(definition, members);
            } else {
                self.note_path(definition, name, value);
            }
        }
    }

    /// A key that is a path, such as `name.givenName`.
    fn note_path(&mut self, definition: &TypeDefinition, key: &str, value: &Value) {
        let path = key.split('[').next().unwrap_or(key);
        let behind = key.rsplit_once("].").map(|(_, sub)| sub);
        let Some(Named { extension, attribute: Some(name), sub }) = find(definition, path) else { return };
        let attribute = match &extension {
            None => definition.attribute(&name),
            Some(uri) => definition.extension(uri).and_then(|found| found.schema.attribute(&name)),
        };
        let Some(attribute) = attribute else { return };
        match sub.as_deref().or(behind).and_then(|sub| attribute.sub(sub)) {
            Some(sub) => self.note_part(extension.as_ref(), attribute, sub.name()),
            None => self.note_set(extension.as_ref(), attribute, value),
        }
    }

    /// As [`Projection::with_set_by`], for what a PATCH changes.
    #[must_use]
    pub fn with_changed(mut self, definition: &TypeDefinition, changes: &ChangeSet) -> Self {
        for change in &changes.changes {
            let target = &change.target;
            let attribute = match &target.extension {
                None => definition.attribute(&target.attribute),
                Some(uri) => definition.extension(uri).and_then(|e| e.schema.attribute(&target.attribute)),
            };
            let Some(attribute) = attribute else { continue };
            let extension = target.extension.as_ref();
            match (&target.sub, change.action.value()) {
                (Some(sub), _) => self.note_part(extension, attribute, sub),
                (None, Some(value)) => self.note_set(extension, attribute, value),
                (None, None) => self.note(extension, attribute, None),
            }
        }
        for change in &changes.relations {
            if let Some(attribute) = definition.attribute(&change.attribute) {
                self.note(None, attribute, None);
            }
        }
        self
    }

    fn note_set(&mut self, extension: Option<&Arc<str>>, attribute: &Attribute, value: &Value) {
        self.note(extension, attribute, None);
        for sub in attribute.sub_attributes().iter().filter(|sub| sub.returned() == Returned::Request) {
            let has = |value: &Value| value.as_object().is_some_and(|object| object.contains(sub.name()));
            if has(value) || value.as_array().is_some_and(|items| items.iter().any(has)) {
                self.note(extension, attribute, Some(sub.name()));
            }
        }
    }

    fn note_part(&mut self, extension: Option<&Arc<str>>, attribute: &Attribute, sub: &str) {
        self.note(extension, attribute, None);
        self.note(extension, attribute, Some(sub));
    }

    fn note(&mut self, extension: Option<&Arc<str>>, attribute: &Attribute, sub: Option<&str>) {
        let noted = sub.map_or(Some(attribute), |name| attribute.sub(name));
        if noted.is_some_and(|noted| noted.returned() == Returned::Request) {
            let named = Named {
                extension: extension.cloned(),
                attribute: Some(attribute.name().into()),
                sub: sub.map(Arc::from),
            };
            if !self.set_by_request.contains(&named) {
                self.set_by_request.push(named);
            }
        }
    }

    /// Whether a request has asked for something other than the default.
    #[must_use]
    pub fn is_explicit(&self) -> bool {
        self.mode != Mode::Default
    }

    /// Whether this shows a document of this type just as it is stored, so that its bytes can be copied. The document
    /// is one that [`Resource::split_hidden`](crate::Resource::split_hidden) has been at.
    #[must_use]
    pub fn shows_all(&self, definition: &TypeDefinition) -> bool {
        self.mode == Mode::Default
            && !*definition.on_request.get_or_init(|| has_attributes_on_request(definition))
    }

    /// Whether an attribute of the base schema or a common attribute is shown, in whole or in part.
    #[must_use]
    pub fn shows(&self, attribute: &Attribute) -> bool {
        self.decide(None, attribute).is_some()
    }

    /// The part of a resource that is shown. What is never returned is left out in any case.
    #[must_use]
    pub fn apply(&self, definition: &TypeDefinition, resource: &Object) -> Object {
        let mut shown = Object::new();
        for (name, value) in resource.iter() {
            match Member::find(definition, name.as_str(), value) {
                Some(Member::Attribute(attribute)) => {
                    if let Some(value) = self.decide(None, attribute).and_then(|show| show.pick(value)) {
                        shown.push_new(name.as_str(), value);
                    }
                }
                Some(Member::Extension(extension, data)) => {
                    let mut part = Object::new();
                    for (name, value) in data.iter() {
                        let Some(attribute) = extension.schema.attribute(name.as_str()) else { continue };
                        let show = self.decide(Some(extension.schema.id().as_str()), attribute);
                        if let Some(value) = show.and_then(|show| show.pick(value)) {
                            part.push_new(name.as_str(), value);
                        }
                    }
                    if !part.is_empty() {
                        shown.push_new(name.as_str(), part.into());
                    }
                }
                None => {}
            }
        }
        shown
    }

    /// The part of one attribute of the base schema that is shown; `None` when nothing is.
    #[must_use]
    pub fn apply_to(&self, attribute: &Attribute, value: &Value) -> Option<Value> {
        self.decide(None, attribute).and_then(|show| show.pick(value))
    }

    /// Appends the part of a resource that is shown as JSON: the same as [`Projection::apply`] without a copy of it.
    pub fn write(&self, definition: &TypeDefinition, resource: &Object, out: &mut Vec<u8>) {
        let mut writer = Members::open(out);
        for (name, value) in resource.iter() {
            match Member::find(definition, name.as_str(), value) {
                Some(Member::Attribute(attribute)) => {
                    if let Some(show) = self.decide(None, attribute) {
                        writer.member(name, |out| show.write(value, out));
                    }
                }
                Some(Member::Extension(extension, data)) => writer.member(name, |out| {
                    let mut part = Members::open(out);
                    for (name, value) in data.iter() {
                        let Some(attribute) = extension.schema.attribute(name.as_str()) else { continue };
                        if let Some(show) = self.decide(Some(extension.schema.id().as_str()), attribute) {
                            part.member(name, |out| show.write(value, out));
                        }
                    }
                    part.close()
                }),
                None => {}
            }
        }
        writer.close();
    }

    /// How an attribute is shown, if it is.
    fn decide<'a>(&'a self, extension: Option<&'a str>, attribute: &'a Attribute) -> Option<Show<'a>> {
        let whole = self.names_whole(extension, attribute);
        let mut show = Show { projection: self, extension, attribute, whole, all_parts: false };
        let shown = match (self.mode, attribute.returned()) {
            (_, Returned::Never) => false,
            (_, Returned::Always) | (Mode::Default, Returned::Default) => true,
            (Mode::Only, returned) => {
                let always =
                    || attribute.sub_attributes().iter().any(|sub| sub.returned() == Returned::Always);
                show.whole
                    || self.names_part(extension, attribute)
                    || (returned == Returned::Default && always())
            }
            // Sub-attributes that are always returned bring their parent with them.
            (Mode::Without, Returned::Default) => {
                !show.whole || attribute.sub_attributes().iter().any(|sub| sub.returned() == Returned::Always)
            }
            (Mode::Default | Mode::Without, Returned::Request) => {
                !show.whole && self.set_by_request.iter().any(|named| named.is_in(extension, attribute))
            }
        };
        show.all_parts = shown && attribute.sub_attributes().iter().all(|sub| show.sub(sub));
        shown.then_some(show)
    }

    fn names_whole(&self, extension: Option<&str>, attribute: &Attribute) -> bool {
        self.names.iter().any(|named| named.sub.is_none() && named.is_in(extension, attribute))
    }

    fn names_part(&self, extension: Option<&str>, attribute: &Attribute) -> bool {
        self.names.iter().any(|named| named.sub.is_some() && named.is_in(extension, attribute))
    }
}

impl Named {
    /// Whether this is the attribute, a part of it, or all of its schema.
    fn is_in(&self, extension: Option<&str>, attribute: &Attribute) -> bool {
        self.extension.as_deref() == extension
            && self.attribute.as_deref().is_none_or(|name| name == attribute.name())
    }
}

/// An attribute that is shown in whole or in part.
struct Show<'a> {
    projection: &'a Projection,
    extension: Option<&'a str>,
    attribute: &'a Attribute,
    /// Whether the request names the attribute as such.
    whole: bool,
    /// Whether no sub-attribute is left out.
    all_parts: bool,
}

impl Show<'_> {
    fn sub(&self, sub: &Attribute) -> bool {
        let among = |names: &[Named]| {
            names.iter().any(|named| {
                named.sub.as_deref() == Some(sub.name()) && named.is_in(self.extension, self.attribute)
            })
        };
        let named = || among(&self.projection.names);
        let always = self.attribute.returned() == Returned::Always;
        match (sub.returned(), self.projection.mode) {
            (Returned::Never, _) => false,
            (Returned::Always, _) | (Returned::Default, Mode::Default) => true,
            (Returned::Default, Mode::Only) => self.whole || always || named(),
            (Returned::Default, Mode::Without) => (!self.whole || always) && !named(),
            (Returned::Request, Mode::Only) => named(),
            (Returned::Request, Mode::Default | Mode::Without) => {
                !self.whole && !named() && among(&self.projection.set_by_request)
            }
        }
    }

    fn pick(&self, value: &Value) -> Option<Value> {
        match value {
            _ if self.all_parts || !self.attribute.is_complex() => Some(value.clone()),
            Value::Array(items) => {
                let items: Vec<Value> = items.iter().filter_map(|item| self.pick(item)).collect();
                (!items.is_empty()).then_some(Value::Array(items))
            }
            Value::Object(members) => {
                let mut part = Object::new();
                for (name, value) in members.iter() {
                    if self.attribute.sub(name.as_str()).is_some_and(|sub| self.sub(sub)) {
                        part.push_new(name.as_str(), value.clone());
                    }
                }
                (!part.is_empty()).then_some(Value::Object(part))
            }
            other => Some(other.clone()),
        }
    }

    /// As [`Show::pick`]; returns whether there was anything to write.
    fn write(&self, value: &Value, out: &mut Vec<u8>) -> bool {
        match value {
            whole if self.all_parts => {
                whole.write(out);
                true
            }
            Value::Array(items) if self.attribute.is_complex() => {
                let mut any = false;
                out.push(b'[');
                for item in items {
                    let before = out.len();
                    if any {
                        out.push(b',');
                    }
                    if self.write(item, out) {
                        any = true;
                    } else {
                        out.truncate(before);
                    }
                }
                out.push(b']');
                any
            }
            Value::Object(members) if self.attribute.is_complex() => {
                let mut part = Members::open(out);
                for (name, value) in members.iter() {
                    if self.attribute.sub(name.as_str()).is_some_and(|sub| self.sub(sub)) {
                        part.member(name, |out| {
                            value.write(out);
                            true
                        });
                    }
                }
                part.close()
            }
            other => {
                other.write(out);
                true
            }
        }
    }
}

/// What a member of a resource is.
enum Member<'a> {
    Attribute(&'a Attribute),
    Extension(&'a Extension, &'a Object),
}

impl<'a> Member<'a> {
    fn find(definition: &'a TypeDefinition, name: &str, value: &'a Value) -> Option<Self> {
        if let Some(attribute) = definition.attribute(name) {
            return Some(Self::Attribute(attribute));
        }
        Some(Self::Extension(definition.extension(name)?, value.as_object()?))
    }
}

/// An object that is being written.
struct Members<'o> {
    out: &'o mut Vec<u8>,
    any: bool,
}

impl<'o> Members<'o> {
    fn open(out: &'o mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, any: false }
    }

    /// Writes a member, unless `value` says that there was none.
    fn member(&mut self, name: &AttrName, value: impl FnOnce(&mut Vec<u8>) -> bool) {
        let before = self.out.len();
        if self.any {
            self.out.push(b',');
        }
        name.write(self.out);
        self.out.push(b':');
        if value(self.out) {
            self.any = true;
        } else {
            self.out.truncate(before);
        }
    }

    /// Ends the object; returns whether it has members.
    fn close(self) -> bool {
        self.out.push(b'}');
        self.any
    }
}

fn has_attributes_on_request(definition: &TypeDefinition) -> bool {
    let on_request = |attribute: &Attribute| {
        attribute.returned() == Returned::Request
            || attribute
                .sub_attributes()
                .iter()
                .any(|sub| matches!(sub.returned(), Returned::Request | Returned::Never))
    };
    // What is kept apart from the document is projected on its own: see `Projection::apply_to`.
    let in_document = |attribute: &&Attribute| !definition.is_kept_apart(attribute.name());
    definition.base().attributes().iter().filter(in_document).any(on_request)
        || definition
            .extensions()
            .iter()
            .any(|extension| extension.schema.attributes().iter().any(on_request))
}

/// What a name in `attributes` or `excludedAttributes` stands for, if the type has it.
fn find(definition: &TypeDefinition, name: &str) -> Option<Named> {
    Some(match AttrPath::parse(name).ok()?.resolve(definition).ok()? {
        ResolvedPath::Resource => Named { extension: None, attribute: None, sub: None },
        ResolvedPath::Extension(uri) => Named { extension: Some(uri), attribute: None, sub: None },
        ResolvedPath::Attribute { attr, .. } => Named {
            extension: attr.extension().map(Arc::from),
            attribute: Some(attr.name().into()),
            sub: attr.sub().map(Arc::from),
        },
    })
}
