//! Which attributes an answer shows (RFC 7644 section 3.9, `returned` of RFC 7643 section 7).

use scim_filter::{AttrPath, ResolvedPath};

use crate::message::{MessageError, QueryParams};
use crate::quirk::Quirks;
use crate::registry::TypeDefinition;
use crate::schema::{Attribute, Returned};
use crate::value::{Object, Value};

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
/// let shown = projection.apply(users, user.as_object().ok_or("an object")?);
/// assert_eq!(shown.to_vec(), br#"{"id":"1","name":{"familyName":"J"}}"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Projection {
    mode: Mode,
    names: Vec<Named>,
    /// Attributes that are returned on request only, and that this request has set (RFC 7643 section 7).
    set_by_request: Vec<Named>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Default,
    Only,
    Without,
}

/// An attribute, a sub-attribute or a whole extension, in the registered spelling.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Named {
    extension: Option<String>,
    attribute: Option<String>,
    sub: Option<String>,
}

impl Projection {
    /// What is shown when a request does not say.
    #[must_use]
    pub fn default_set() -> Self {
        Self { mode: Mode::Default, names: Vec::new(), set_by_request: Vec::new() }
    }

    /// The projection that `attributes` and `excludedAttributes` ask for. Names that the type does not have are
    /// ignored.
    ///
    /// # Errors
    /// [`MessageError`] when both are given and no quirk says which one wins.
    pub fn new(
        definition: &TypeDefinition,
        params: &QueryParams,
        quirks: &Quirks,
    ) -> Result<Self, MessageError> {
        let (only, without) = (&params.attributes, &params.excluded_attributes);
        if !only.is_empty() && !without.is_empty() && !quirks.prefer_attributes {
            return Err(MessageError::value(
                "`attributes` and `excludedAttributes` cannot be used together; send only one of them",
            ));
        }
        let (mode, names) = match (only.is_empty(), without.is_empty()) {
            (false, _) => (Mode::Only, only),
            (true, false) => (Mode::Without, without),
            (true, true) => (Mode::Default, only),
        };
        Ok(Self { mode, names: distinct(definition, names.iter().map(String::as_str)), set_by_request: Vec::new() })
    }

    /// Shows what this body sets as well, where an attribute is returned on request only: "or ... was specified by
    /// the client" (RFC 7643 section 7).
    #[must_use]
    pub fn with_set_by(mut self, definition: &TypeDefinition, body: &Object) -> Self {
        let names = body.iter().map(|(name, _)| name.as_str());
        self.set_by_request = distinct(definition, names);
        self
    }

    /// Whether a request has asked for something other than the default.
    #[must_use]
    pub fn is_explicit(&self) -> bool {
        self.mode != Mode::Default
    }

    /// Whether this shows a document of this type just as it is stored, so that its bytes can be copied. Relations
    /// are no part of the document.
    #[must_use]
    pub fn shows_all(&self, definition: &TypeDefinition) -> bool {
        self.mode == Mode::Default && !has_attributes_on_request(definition)
    }

    /// Whether an attribute of the base schema or a common attribute is shown, in whole or in part.
    #[must_use]
    pub fn shows(&self, attribute: &Attribute) -> bool {
        self.decide(None, attribute) != Show::No
    }

    /// The part of a resource that is shown. What is never returned is left out in any case.
    #[must_use]
    pub fn apply(&self, definition: &TypeDefinition, resource: &Object) -> Object {
        let mut shown = Object::new();
        for (name, value) in resource.iter() {
            if let Some(attribute) = definition.attribute(name.as_str()) {
                if let Some(value) = self.project(None, attribute, value) {
                    shown.insert(name.clone(), value);
                }
            } else if let (Some(extension), Value::Object(data)) =
                (definition.extension(name.as_str()), value)
            {
                let uri = extension.schema.id().as_str();
                let part: Object = data
                    .iter()
                    .filter_map(|(name, value)| {
                        let attribute = extension.schema.attribute(name.as_str())?;
                        Some((name.clone(), self.project(Some(uri), attribute, value)?))
                    })
                    .collect();
                if !part.is_empty() {
                    shown.insert(name.clone(), part);
                }
            }
        }
        shown
    }

    /// The part of one attribute of the base schema that is shown; `None` when nothing is.
    #[must_use]
    pub fn apply_to(&self, attribute: &Attribute, value: &Value) -> Option<Value> {
        self.project(None, attribute, value)
    }

    fn project(&self, extension: Option<&str>, attribute: &Attribute, value: &Value) -> Option<Value> {
        let part = |keep: &dyn Fn(&Attribute) -> bool| match value {
            Value::Array(items) => {
                let items: Vec<Value> =
                    items.iter().filter_map(|item| sub_part(attribute, item, keep)).collect();
                (!items.is_empty()).then_some(Value::Array(items))
            }
            one => sub_part(attribute, one, keep),
        };
        match self.decide(extension, attribute) {
            Show::No => None,
            Show::Whole if !attribute.is_complex() => Some(value.clone()),
            Show::Whole => part(&|sub| match sub.returned() {
                Returned::Never | Returned::Request => false,
                Returned::Always | Returned::Default => true,
            }),
            Show::Only(subs) => part(&|sub| match sub.returned() {
                Returned::Never => false,
                Returned::Always => true,
                Returned::Default | Returned::Request => subs.iter().any(|name| *name == sub.name()),
            }),
            Show::Without(subs) => part(&|sub| match sub.returned() {
                Returned::Never | Returned::Request => false,
                Returned::Always => true,
                Returned::Default => !subs.iter().any(|name| *name == sub.name()),
            }),
        }
    }

    fn decide(&self, extension: Option<&str>, attribute: &Attribute) -> Show<'_> {
        let about = |named: &&Named| {
            named.extension.as_deref() == extension
                && named.attribute.as_deref().is_none_or(|name| name == attribute.name())
        };
        let on_request = || {
            let all = self.set_by_request.iter();
            if all.clone().any(|named| about(&named)) { Show::Whole } else { Show::No }
        };
        let subs: Vec<&str> =
            self.names.iter().filter(about).filter_map(|named| named.sub.as_deref()).collect();
        let whole = self.names.iter().filter(about).any(|named| named.sub.is_none());
        match (self.mode, attribute.returned()) {
            (_, Returned::Never) => Show::No,
            (_, Returned::Always) => Show::Whole,
            (Mode::Default, Returned::Default) => Show::Whole,
            (Mode::Only, _) if whole => Show::Whole,
            (Mode::Only, _) if !subs.is_empty() => Show::Only(subs),
            (Mode::Only, Returned::Default) => self.parts_always_shown(attribute),
            (Mode::Without, Returned::Default) if whole => self.parts_always_shown(attribute),
            (Mode::Without, Returned::Default) if !subs.is_empty() => Show::Without(subs),
            (Mode::Without, Returned::Default) => Show::Whole,
            (_, Returned::Request) => on_request(),
        }
    }

    /// Sub-attributes that are always returned bring their parent with them.
    fn parts_always_shown(&self, attribute: &Attribute) -> Show<'_> {
        let any = attribute.sub_attributes().iter().any(|sub| sub.returned() == Returned::Always);
        if any { Show::Only(Vec::new()) } else { Show::No }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Show<'a> {
    No,
    Whole,
    Only(Vec<&'a str>),
    Without(Vec<&'a str>),
}

fn sub_part(attribute: &Attribute, value: &Value, keep: &dyn Fn(&Attribute) -> bool) -> Option<Value> {
    let Value::Object(members) = value else { return Some(value.clone()) };
    let part: Object = members
        .iter()
        .filter(|(name, _)| attribute.sub(name.as_str()).is_some_and(keep))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    (!part.is_empty()).then_some(Value::Object(part))
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

/// What names stand for, each once: a request may repeat them a million times, and every attribute of every resource
/// is compared with all of them.
fn distinct<'a>(definition: &TypeDefinition, names: impl Iterator<Item = &'a str>) -> Vec<Named> {
    let mut all = Vec::new();
    for named in names.filter_map(|name| find(definition, name)) {
        if !all.contains(&named) {
            all.push(named);
        }
    }
    all
}

/// What a name in `attributes` or `excludedAttributes` stands for, if the type has it.
fn find(definition: &TypeDefinition, name: &str) -> Option<Named> {
    match AttrPath::parse(name).ok()?.resolve(definition).ok()? {
        ResolvedPath::Resource => None,
        ResolvedPath::Extension(uri) => {
            Some(Named { extension: Some(uri.as_ref().to_owned()), attribute: None, sub: None })
        }
        ResolvedPath::Attribute { attr, .. } => Some(Named {
            extension: attr.extension().map(str::to_owned),
            attribute: Some(attr.name().to_owned()),
            sub: attr.sub().map(str::to_owned),
        }),
    }
}
