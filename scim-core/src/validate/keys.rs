//! Keys of a body that are paths: `name.givenName`, `urn:...:User:active`, `emails[type eq "work"].value`.

use std::collections::{HashMap, HashSet};

use scim_filter::{ParseOptions, Path, ResolveOptions, ResolvedAttr, ResolvedFilter, ResolvedPath};

use super::at::At;
use super::coerce::Coerce;
use super::identity::same_value;
use super::issue::IssueKind;
use super::names::Slip;
use crate::patch::equalities;
use crate::quirk::Quirk;
use crate::registry::TypeDefinition;
use crate::schema::{Attribute, Schema};
use crate::value::{Object, Value, excerpt_path};

/// Whether a name has what only a path has: no name of an attribute.
fn has_marks(name: &str) -> bool {
    name.bytes().any(|byte| matches!(byte, b':' | b'.' | b'['))
}

/// Puts what the keys name where it belongs, as a PATCH without a path does; also the attributes in an object under the
/// URI of the base schema. Where that is not tolerated the body is refused: to pass such a key over, as a name that is
/// not known may be, would leave a person active who is to be suspended.
pub(super) fn expand(definition: &TypeDefinition, body: Object, coerce: &mut Coerce<'_>) -> Object {
    // The URI of an extension has marks, too.
    let is_path = |name: &str, value: &Value| {
        has_marks(name)
            && match (definition.extension(name), value) {
                (None, _) => true,
                (Some(extension), Value::Object(data)) => {
                    data.iter().any(|(name, _)| is_path_in(&extension.schema, name.as_str()))
                }
                (Some(_), _) => false,
            }
    };
    if !body.iter().any(|(name, value)| is_path(name.as_str(), value)) {
        return body;
    }
    let options = ParseOptions::default().with_bare_words(coerce.quirks.is_on(Quirk::BareWordLiterals));
    let mut expanding = Expanding {
        definition,
        coerce,
        options,
        plain: Object::new(),
        parts: Vec::new(),
        given: HashSet::new(),
        lists: Vec::new(),
        elements: HashMap::new(),
    };
    expanding.members(body);
    for part in std::mem::take(&mut expanding.parts) {
        expanding.part(part);
    }
    expanding.finish()
}

/// Whether a name in an extension is a path: an attribute may itself be called by a URN, as those of RFC 9944 are.
fn is_path_in(extension: &Schema, name: &str) -> bool {
    has_marks(name) && extension.attribute(name).is_none()
}

struct Expanding<'a, 'c, 'q> {
    definition: &'a TypeDefinition,
    coerce: &'c mut Coerce<'q>,
    options: ParseOptions,
    /// The body without such keys. Names that are not known are not in it, so that it is no larger than the schemas.
    plain: Object,
    parts: Vec<Part>,
    /// What keys have given by now, as canonical paths: nothing is looked for twice.
    given: HashSet<String>,
    /// The lists that keys have made.
    lists: Vec<Made>,
    /// Where in its list the element of a path and a filter is.
    elements: HashMap<String, usize>,
}

/// A key that names a part of an attribute, and its value.
struct Part {
    key: String,
    attr: ResolvedAttr,
    filter: Option<ResolvedFilter>,
    value: Value,
}

/// The values of a multi-valued attribute.
struct Made {
    path: String,
    extension: Option<String>,
    attribute: String,
    items: Vec<Object>,
}

impl<'a> Expanding<'a, '_, '_> {
    fn members(&mut self, members: Object) {
        for (name, value) in members {
            let name = name.as_str();
            if let Some(attribute) = self.definition.attribute(name) {
                self.whole(name, None, attribute, value);
            } else if let Some(extension) = self.definition.extension(name) {
                let uri = extension.schema.id().as_str();
                match value {
                    Value::Object(data) => self.extension(&extension.schema, data),
                    _ if self.plain.contains(uri) => self.clash(name),
                    other => self.plain.push_new(uri, other),
                }
            } else if self.definition.base().id().is(name) {
                match value {
                    _ if !self.coerce.quirks.tolerate(Quirk::DottedKeys) => self.refuse(name),
                    Value::Object(members) => self.members(members),
                    Value::Null => {}
                    other => {
                        let kind = IssueKind::Type { expected: "an object", got: other.kind().to_owned() };
                        self.coerce.issue(&At::Path(name), kind);
                    }
                }
            } else {
                self.key(name, None, value);
            }
        }
    }

    fn extension(&mut self, schema: &Schema, data: Object) {
        let uri = schema.id().as_str();
        if self.plain.get(uri).is_some_and(|there| there.as_object().is_none()) {
            return self.clash(uri);
        }
        // What is no path is read later, with whatever is wrong with it.
        let (paths, names): (Vec<_>, Vec<_>) =
            data.into_iter().partition(|(name, _)| is_path_in(schema, name.as_str()));
        if self.plain.contains(uri) {
            // A path has named a part of it before, or it is there again inside the base schema.
            for (name, value) in names {
                match schema.attribute(name.as_str()) {
                    Some(attribute) => self.whole(name.as_str(), Some(uri), attribute, value),
                    None if name.is("schemas") => {}
                    None => {
                        let at = At::Extension(uri, &excerpt_path(name.as_str()));
                        self.coerce.unknown(&at, name.as_str());
                    }
                }
            }
        } else {
            self.plain.push_new(uri, Value::Object(names.into_iter().collect()));
        }
        for (name, value) in paths {
            self.key(&format!("{uri}:{name}"), Some(schema), value);
        }
    }

    /// A name that neither an attribute nor a schema has, perhaps inside an extension.
    fn key(&mut self, key: &str, inside: Option<&Schema>, value: Value) {
        if !has_marks(key) {
            return self.coerce.unknown(&At::Path(&excerpt_path(key)), key);
        }
        let options =
            ResolveOptions::default().with_string_booleans(self.coerce.quirks.is_on(Quirk::StringBooleans));
        let (attr, filter) = match Path::parse_with(key, &self.options) {
            // A path that cannot be read was meant as one if it has a filter; else it is a name that is not known.
            Err(error) if key.contains('[') => {
                return self.problem(key, format!("cannot be read as a path: {error}"));
            }
            Err(_) => return self.unknown(key, key, inside),
            Ok(path) => match path.resolve(self.definition, &options) {
                Ok(ResolvedPath::Attribute { attr, filter }) => (attr, filter),
                Err(error) if path.filter().is_some() && path.attr().resolve(self.definition).is_ok() => {
                    return self.problem(key, format!("cannot be used: {error}"));
                }
                _ => return self.unknown(key, path.attr().as_str(), inside),
            },
        };
        if !self.coerce.quirks.tolerate(Quirk::DottedKeys) {
            return self.refuse(key);
        }
        let Some(attribute) = self.attribute(&attr) else { return };
        let sub = attr.sub().and_then(|name| attribute.sub(name));
        // "readOnly ... SHALL be ignored" (RFC 7644 sections 3.3 and 3.5.1)
        if attribute.is_read_only() || sub.is_some_and(Attribute::is_read_only) {
            return;
        }
        if sub.is_none() && filter.is_none() {
            let extension = attr.extension().map(str::to_owned);
            return self.whole(key, extension.as_deref(), attribute, value);
        }
        self.parts.push(Part { key: key.to_owned(), attr, filter, value });
    }

    /// A key whose attribute, `path`, is none that there is.
    fn unknown(&mut self, key: &str, path: &str, inside: Option<&Schema>) {
        match Slip::find(self.definition, inside, path) {
            Some(Slip::Misdirected(problem)) => self.problem(key, problem),
            Some(Slip::Impossible) => self.problem(key, Slip::IMPOSSIBLE.to_owned()),
            None => self.coerce.unknown(&At::Path(&excerpt_path(key)), path),
        }
    }

    fn whole(&mut self, key: &str, extension: Option<&str>, attribute: &Attribute, value: Value) {
        // What `schemas` says has been looked at.
        if attribute.is_read_only() || (extension.is_none() && attribute.name() == "schemas") {
            return;
        }
        let path = extension.map_or_else(String::new, |uri| format!("{uri}:")) + attribute.name();
        let is_new = self.given.insert(path);
        match self.container(extension) {
            Some(object) if is_new && !object.contains(attribute.name()) => {
                object.push_new(attribute.name(), value);
            }
            _ => self.clash(key),
        }
    }

    /// One sub-attribute, or one value among several.
    fn part(&mut self, Part { key, attr, filter, value }: Part) {
        let Some(attribute) = self.attribute(&attr) else { return };
        let sub = attr.sub().and_then(|name| attribute.sub(name));
        let extension = attr.extension().map(str::to_owned);
        let list = attr.parent().as_ref().unwrap_or(&attr).to_string();
        let element = filter.as_ref().map_or_else(|| list.clone(), |filter| format!("{list}[{filter}]"));
        let target = sub.map_or_else(|| element.clone(), |sub| format!("{element}.{}", sub.name()));
        if !self.given.insert(target) {
            return self.clash(&key);
        }
        if attribute.is_multi_valued() {
            return self.element(&key, (extension, list, element), attribute, sub, filter.as_ref(), value);
        }
        let (Some(sub), None) = (sub, filter) else {
            return self.problem(&key, "has a filter, but there is only one value".to_owned());
        };
        let Some(object) = self.container(extension.as_deref()) else { return self.clash(&key) };
        if !object.contains(attribute.name()) {
            object.push_new(attribute.name(), Value::Object(Object::new()));
        }
        match object.get_mut(attribute.name()).and_then(Value::as_object_mut) {
            Some(parts) if !parts.contains(sub.name()) => parts.push_new(sub.name(), value),
            _ => self.clash(&key),
        }
    }

    fn element(
        &mut self,
        key: &str,
        (extension, list, element): (Option<String>, String, String),
        attribute: &Attribute,
        sub: Option<&Attribute>,
        filter: Option<&ResolvedFilter>,
        value: Value,
    ) {
        let Some(container) = self.container(extension.as_deref()) else { return self.clash(key) };
        if container.contains(attribute.name()) {
            return self.clash(key);
        }
        if value == Value::Null {
            return;
        }
        let Some(asked) = filter.map_or_else(|| Some(Object::new()), equalities) else {
            return self.problem(key, "has a filter that does not say what the value is to have".to_owned());
        };
        let given: Object = match (sub, value) {
            (Some(sub), value) => [(sub.name(), value)].into_iter().collect(),
            (None, Value::Object(given)) => given,
            (None, other) => {
                let kind = IssueKind::Type { expected: "an object", got: other.kind().to_owned() };
                return self.coerce.issue(&At::Path(&excerpt_path(key)), kind);
            }
        };
        let place = match self.lists.iter().position(|made| made.path == list) {
            Some(place) => place,
            None => {
                let attribute = attribute.name().to_owned();
                self.lists.push(Made { path: list, extension, attribute, items: Vec::new() });
                self.lists.len().saturating_sub(1)
            }
        };
        let Some(made) = self.lists.get_mut(place) else { return };
        let place = self.elements.get(&element).copied();
        let agrees = match place.and_then(|place| made.items.get_mut(place)) {
            Some(item) => add(attribute, item, given),
            None => {
                self.elements.insert(element, made.items.len());
                let mut item = given;
                let agrees = add(attribute, &mut item, asked);
                made.items.push(item);
                agrees
            }
        };
        if !agrees {
            self.clash(key);
        }
    }

    fn finish(mut self) -> Object {
        for made in std::mem::take(&mut self.lists) {
            let items: Vec<Value> = made.items.into_iter().map(Value::Object).collect();
            if let Some(container) = self.container(made.extension.as_deref()) {
                container.insert(made.attribute.as_str(), items);
            }
        }
        self.plain
    }

    fn attribute(&self, attr: &ResolvedAttr) -> Option<&'a Attribute> {
        match attr.extension() {
            None => self.definition.attribute(attr.name()),
            Some(uri) => self.definition.extension(uri)?.schema.attribute(attr.name()),
        }
    }

    /// Where attributes of the base schema or of an extension are; `None` where the extension was given another value.
    fn container(&mut self, extension: Option<&str>) -> Option<&mut Object> {
        let Some(uri) = extension else { return Some(&mut self.plain) };
        if !self.plain.contains(uri) {
            self.plain.push_new(uri, Value::Object(Object::new()));
        }
        self.plain.get_mut(uri).and_then(Value::as_object_mut)
    }

    fn clash(&mut self, key: &str) {
        self.problem(key, "is given twice in this body, each time in other words; send it once".to_owned());
    }

    fn problem(&mut self, key: &str, text: String) {
        self.coerce.issue(&At::Path(&excerpt_path(key)), IssueKind::Key(text));
    }

    /// What is known but may not be said in this way, whatever becomes of names that are not known.
    fn refuse(&mut self, key: &str) {
        let resource_type = self.coerce.resource_type.to_owned();
        self.coerce.issue(&At::Path(&excerpt_path(key)), IssueKind::Unknown { resource_type });
    }
}

/// Adds sub-attributes to a value; whether none of them is there already with another value.
fn add(attribute: &Attribute, item: &mut Object, more: Object) -> bool {
    more.into_iter().all(|(name, value)| {
        let agrees = match (item.get(name.as_str()), attribute.sub(name.as_str())) {
            (None, _) => true,
            (Some(there), Some(sub)) => same_value(sub, there, &value),
            (Some(_), None) => false,
        };
        if agrees && !item.contains(name.as_str()) {
            item.push_new(name.as_str(), value);
        }
        agrees
    })
}
