use std::fmt;

use crate::registry::TypeDefinition;
use crate::schema::Returned;
use crate::value::{Object, Value};

/// The attributes of a resource in the form that its schemas ask for: registered spelling of names, right types,
/// nothing unassigned, extensions in objects under their URIs.
///
/// Holds what belongs to the resource itself. `meta` and the values of relations (`members`, `groups`) are kept and
/// added by the store.
///
/// `Debug` shows the names of the attributes only, as one of them may be a password.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Resource {
    attributes: Object,
}

impl Resource {
    /// A resource from attributes that already have the right form, as a store has kept them.
    #[must_use]
    pub fn from_attributes(attributes: Object) -> Self {
        Self { attributes }
    }

    /// The attributes.
    #[must_use]
    pub fn attributes(&self) -> &Object {
        &self.attributes
    }

    /// The attributes for changing; whoever does keeps to the schema.
    pub fn attributes_mut(&mut self) -> &mut Object {
        &mut self.attributes
    }

    /// The attributes, taken out.
    #[must_use]
    pub fn into_attributes(self) -> Object {
        self.attributes
    }

    /// The value of an attribute of the base schema, or of an extension where its URI is given.
    #[must_use]
    pub fn get(&self, extension: Option<&str>, name: &str) -> Option<&Value> {
        match extension {
            None => self.attributes.get(name),
            Some(uri) => self.attributes.get(uri)?.as_object()?.get(name),
        }
    }

    /// The text of an attribute of the base schema.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(None, name).and_then(Value::as_str)
    }

    /// The name to show for this resource where another one refers to it: `displayName`, else `userName`, else a
    /// formatted name.
    #[must_use]
    pub fn display(&self) -> Option<&str> {
        let formatted = || self.get(None, "name")?.as_object()?.get("formatted")?.as_str();
        self.text("displayName").or_else(|| self.text("userName")).or_else(formatted)
    }

    /// Brings `schemas` into line with the data: the base schema, required extensions, and each extension that has
    /// data (RFC 7643 section 3). Extensions without data are dropped.
    pub fn stamp_schemas(&mut self, definition: &TypeDefinition) {
        let mut schemas = vec![Value::from(definition.base().id().as_str())];
        for extension in definition.extensions() {
            let uri = extension.schema.id().as_str();
            let has_data = self.attributes.get(uri).is_some_and(|data| !data.is_unassigned());
            if has_data || extension.required {
                schemas.push(Value::from(uri));
            }
            if !has_data {
                self.attributes.remove(uri);
            }
        }
        self.attributes.insert("schemas", schemas);
    }

    /// Takes out every attribute that is never returned, to be kept apart from what answers are made of.
    ///
    /// The result has the same shape: extensions in objects under their URIs.
    pub fn split_hidden(&mut self, definition: &TypeDefinition) -> Object {
        let mut hidden = Object::new();
        self.attributes.retain(|name, value| {
            let never = |attribute: Option<&crate::schema::Attribute>| {
                attribute.is_some_and(|attribute| attribute.returned() == Returned::Never)
            };
            if never(definition.attribute(name.as_str())) {
                hidden.insert(name.clone(), std::mem::replace(value, Value::Null));
                return false;
            }
            if let (Some(extension), Value::Object(data)) = (definition.extension(name.as_str()), &mut *value)
            {
                let mut kept_apart = Object::new();
                data.retain(|sub, value| {
                    let hide = never(extension.schema.attribute(sub.as_str()));
                    if hide {
                        kept_apart.insert(sub.clone(), std::mem::replace(value, Value::Null));
                    }
                    !hide
                });
                if !kept_apart.is_empty() {
                    hidden.insert(name.clone(), kept_apart);
                }
            }
            true
        });
        hidden
    }

    /// Puts back what [`Resource::split_hidden`] has taken out.
    pub fn restore_hidden(&mut self, hidden: Object) {
        for (name, value) in hidden {
            match value {
                Value::Object(data) if name.as_str().contains(':') => {
                    if let Some(target) = self.attributes.ensure_object(name.as_str()) {
                        for (sub, value) in data {
                            target.insert(sub, value);
                        }
                    }
                }
                value => {
                    self.attributes.insert(name, value);
                }
            }
        }
    }
}

impl fmt::Debug for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Resource")?;
        f.debug_set().entries(self.attributes.iter().map(|(name, _)| name)).finish()
    }
}
