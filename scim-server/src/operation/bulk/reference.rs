//! `bulkId:x` in the place of an id that the server has yet to give (RFC 7644 section 3.7.2).
//!
//! It is a reference only where one to a resource can stand, as the schemas say: in attributes of the type `reference`
//! but those to things outside, and in `value` of relations and of other complex attributes with a `$ref`, such as
//! `manager`; in a PATCH also in what the filter of a `path` compares with these. Everywhere else it is a text.

use scim_core::schema::Attribute;
use scim_core::{Object, TypeDefinition, Value};
use scim_filter::{DataType, Filter, Literal, Path, ResolvedPath, Terms};

const PREFIX: &str = "bulkId:";

/// The `bulkId` that a text refers to, if it does.
pub(super) fn bulk_id(text: &str) -> Option<&str> {
    text.strip_prefix(PREFIX)
}

/// What stands in the place of a reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// The id of the resource.
    Id,
    /// Its location.
    Location,
}

/// Is told of each `bulkId` that data refers to, and says what takes the place of the reference; without that it stays.
pub(super) type Found<'f> = dyn FnMut(&str, Form) -> Option<String> + 'f;

/// Looks for references in the attributes of a resource.
pub(super) fn in_resource(definition: &TypeDefinition, data: &mut Object, found: &mut Found<'_>) {
    if mentions_any(data) {
        Search { definition, found }.resource(data);
    }
}

/// Looks for references in a PATCH message.
pub(super) fn in_patch(definition: &TypeDefinition, message: &mut Object, found: &mut Found<'_>) {
    if !mentions_any(message) {
        return;
    }
    let mut search = Search { definition, found };
    for operation in message.get_mut("Operations").map(elements).unwrap_or_default() {
        if let Value::Object(operation) = operation {
            search.operation(operation);
        }
    }
}

/// Whether any text could be a reference; mostly none is. The depth of data is limited where it is read.
fn mentions_any(data: &Object) -> bool {
    data.values().any(mentions)
}

fn mentions(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains(PREFIX),
        Value::Array(items) => items.iter().any(mentions),
        Value::Object(object) => mentions_any(object),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

struct Search<'a, 'f> {
    definition: &'a TypeDefinition,
    found: &'a mut Found<'f>,
}

impl<'a> Search<'a, '_> {
    fn resource(&mut self, attributes: &mut Object) {
        for (name, value) in attributes.iter_mut() {
            self.member(name.as_str(), value);
        }
    }

    /// A member of a resource, or of a `value` that has several attributes.
    fn member(&mut self, name: &str, value: &mut Value) {
        if let Some(attribute) = self.definition.attribute(name) {
            self.attribute(attribute, value);
        } else if let Some(extension) = self.definition.extension(name) {
            let Value::Object(attributes) = value else { return };
            for (name, value) in attributes.iter_mut() {
                match extension.schema.attribute(name.as_str()) {
                    Some(attribute) => self.attribute(attribute, value),
                    None => self.at_path(&format!("{}:{}", extension.schema.id(), name), value),
                }
            }
        } else {
            // Some identity providers write paths as keys.
            self.at_path(name, value);
        }
    }

    fn attribute(&mut self, attribute: &Attribute, value: &mut Value) {
        if !attribute.is_complex() {
            if refers_to_resources(attribute) {
                self.text(value, Form::Location);
            }
            return;
        }
        for element in elements(value) {
            match element {
                Value::Object(members) => {
                    for (name, value) in members.iter_mut() {
                        self.sub(attribute, name.as_str(), value);
                    }
                }
                // `manager` and members come as bare ids, too.
                simple => self.sub(attribute, "value", simple),
            }
        }
    }

    fn sub(&mut self, attribute: &Attribute, name: &str, value: &mut Value) {
        if let Some(form) = self.form(attribute, name) {
            self.text(value, form);
        }
    }

    /// How a sub-attribute refers to resources, if it does.
    fn form(&self, attribute: &Attribute, name: &str) -> Option<Form> {
        let has_id = || {
            let is_relation = self.definition.relation(attribute.name()).is_some_and(|_| {
                self.named(None, attribute.name()).is_some_and(|own| std::ptr::eq(own, attribute))
            });
            is_relation || attribute.sub("$ref").is_some_and(refers_to_resources)
        };
        if name.eq_ignore_ascii_case("value") && has_id() {
            return Some(Form::Id);
        }
        attribute.sub(name).filter(|sub| refers_to_resources(sub)).map(|_| Form::Location)
    }

    /// A text, or each of several.
    fn text(&mut self, value: &mut Value, form: Form) {
        for element in elements(value) {
            if let Value::String(text) = element
                && let Some(new) = bulk_id(text).and_then(|bulk_id| (self.found)(bulk_id, form))
            {
                *element = Value::from(new);
            }
        }
    }

    fn operation(&mut self, operation: &mut Object) {
        let mut path = None;
        if let Some(Value::String(text)) = operation.get_mut("path") {
            if let Some(new) = self.filter_of(text) {
                *text = new;
            }
            path = Some(text.clone());
        }
        let Some(value) = operation.get_mut("value") else { return };
        match (path, value) {
            (Some(path), value) => self.at_path(&path, value),
            (None, Value::Object(attributes)) => self.resource(attributes),
            (None, _) => {}
        }
    }

    /// The value of what a path names, if it names anything.
    fn at_path(&mut self, path: &str, value: &mut Value) {
        let Ok(path) = Path::parse(path) else { return };
        match path.attr().resolve(self.definition) {
            Ok(ResolvedPath::Resource) => {
                if let Value::Object(attributes) = value {
                    self.resource(attributes);
                }
            }
            Ok(ResolvedPath::Extension(uri)) => {
                if self.definition.extension(&uri).is_some() {
                    self.member(&uri, value);
                }
            }
            Ok(ResolvedPath::Attribute { attr, .. }) => {
                let Some(attribute) = self.named(attr.extension(), attr.name()) else { return };
                match path.sub().or(attr.sub()) {
                    Some(sub) => self.sub(attribute, sub, value),
                    None => self.attribute(attribute, value),
                }
            }
            Err(_) => {}
        }
    }

    fn named(&self, extension: Option<&str>, name: &str) -> Option<&'a Attribute> {
        match extension {
            None => self.definition.attribute(name),
            Some(uri) => self.definition.extension(uri)?.schema.attribute(name),
        }
    }

    /// A path with ids in the place of what its filter refers to; `None` if that is nothing.
    fn filter_of(&mut self, text: &str) -> Option<String> {
        if !text.contains(PREFIX) {
            return None;
        }
        let path = Path::parse(text).ok()?;
        let Ok(ResolvedPath::Attribute { attr, .. }) = path.attr().resolve(self.definition) else {
            return None;
        };
        let attribute = self.named(attr.extension(), attr.name())?;
        let mut has_changed = false;
        let filter = self.filter(attribute, path.filter()?.clone(), &mut has_changed);
        let sub = path.sub().map(|sub| format!(".{sub}")).unwrap_or_default();
        has_changed.then(|| format!("{}[{filter}]{sub}", path.attr()))
    }

    /// The depth of a filter is limited where it is parsed.
    fn filter<'t>(
        &mut self,
        attribute: &Attribute,
        filter: Filter<'t>,
        has_changed: &mut bool,
    ) -> Filter<'t> {
        match filter {
            Filter::And(terms) => self.terms(attribute, terms, has_changed, Filter::And),
            Filter::Or(terms) => self.terms(attribute, terms, has_changed, Filter::Or),
            Filter::Not(inner) => Filter::Not(Box::new(self.filter(attribute, *inner, has_changed))),
            Filter::Compare(mut comparison) => {
                let form = self.form(attribute, comparison.attr.as_str());
                if let (Literal::String(text), Some(form)) = (&mut comparison.value, form)
                    && let Some(new) = bulk_id(text).and_then(|bulk_id| (self.found)(bulk_id, form))
                {
                    *text = new.into();
                    *has_changed = true;
                }
                Filter::Compare(comparison)
            }
            other => other,
        }
    }

    fn terms<'t>(
        &mut self,
        attribute: &Attribute,
        terms: Terms<'t>,
        has_changed: &mut bool,
        join: fn(Terms<'t>) -> Filter<'t>,
    ) -> Filter<'t> {
        let new = terms.iter().map(|term| self.filter(attribute, term.clone(), has_changed)).collect();
        // There are as many as before.
        join(Terms::from_vec(new).unwrap_or(terms))
    }
}

/// Whether values are references, and not only to what is outside (RFC 7643 section 7, `referenceTypes`).
fn refers_to_resources(attribute: &Attribute) -> bool {
    let is_outside =
        |kind: &String| kind.eq_ignore_ascii_case("external") || kind.eq_ignore_ascii_case("uri");
    let kinds = attribute.reference_types();
    attribute.data_type() == DataType::Reference && (kinds.is_empty() || !kinds.iter().all(is_outside))
}

/// The elements of a list; a single value is one of its own.
fn elements(value: &mut Value) -> &mut [Value] {
    match value {
        Value::Array(items) => items,
        one => std::slice::from_mut(one),
    }
}
