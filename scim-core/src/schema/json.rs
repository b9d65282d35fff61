//! Schemas and resource types from JSON: the documents of RFC 7643 sections 6 and 7, alone or in lists.

use std::str::FromStr;
use std::sync::Arc;

use scim_filter::DataType;

use super::{Attribute, Mutability, Schema, SchemaError};
use crate::ids::SchemaUri;
use crate::resource_type::{ResourceType, SchemaExtension};
use crate::value::{JsonLimits, Object, Value, excerpt, excerpt_path};

/// How large a document of schemas or resource types may be.
///
/// Whoever writes the schemas of a server is trusted with it; these limits are for schemas that come from elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SchemaLimits {
    /// Schemas or resource types in one document. Default: 1,000.
    pub definitions: usize,
    /// Attributes of a schema, and sub-attributes of an attribute. Default: 1,000.
    pub attributes: usize,
    /// Canonical values, reference types or extensions in one list. Default: 1,000.
    pub words: usize,
    /// The length of any text in bytes. Default: 16 KiB.
    pub text: usize,
    /// Depth and number of values of the JSON as such.
    pub json: JsonLimits,
}

impl Default for SchemaLimits {
    fn default() -> Self {
        Self {
            definitions: 1_000,
            attributes: 1_000,
            words: 1_000,
            text: 16 * 1024,
            json: JsonLimits::default(),
        }
    }
}

/// Something that is published as JSON: a schema or a resource type.
pub(crate) trait Definition: Sized {
    /// What an error calls it.
    const WHAT: &'static str;

    fn read(object: &Object, limits: &SchemaLimits) -> Result<Self, SchemaError>;
}

/// The only definition of a document.
pub(crate) fn one<T: Definition>(json: &str, limits: &SchemaLimits) -> Result<T, SchemaError> {
    let value = parse::<T>(json, limits)?;
    T::read(object_of::<T>(&value)?, limits)
}

/// The definitions of a document: one object, an array of them, or a ListResponse.
pub(crate) fn all<T: Definition>(json: &str, limits: &SchemaLimits) -> Result<Vec<T>, SchemaError> {
    let value = parse::<T>(json, limits)?;
    let listed = match &value {
        Value::Array(items) => Some(items.as_slice()),
        Value::Object(object) => match object.get("Resources") {
            Some(Value::Array(items)) => Some(items.as_slice()),
            Some(other) => {
                let problem = format!("`Resources` must be a list, got {}", other.kind());
                return Err(SchemaError::unnamed::<T>(problem));
            }
            // A ListResponse of nothing may leave `Resources` out (RFC 7644 section 3.4.2).
            None if object.contains("totalResults") => Some(&[][..]),
            None => None,
        },
        _ => None,
    };
    let Some(items) = listed else { return Ok(vec![T::read(object_of::<T>(&value)?, limits)?]) };
    if items.len() > limits.definitions {
        let problem = format!("the document has more than {} of them", limits.definitions);
        return Err(SchemaError::unnamed::<T>(problem));
    }
    items.iter().map(|item| T::read(object_of::<T>(item)?, limits)).collect()
}

fn parse<T: Definition>(json: &str, limits: &SchemaLimits) -> Result<Value, SchemaError> {
    Value::from_slice_with(json.as_bytes(), &limits.json)
        .map_err(|error| SchemaError::unnamed::<T>(error.to_string()))
}

fn object_of<T: Definition>(value: &Value) -> Result<&Object, SchemaError> {
    value
        .as_object()
        .ok_or_else(|| SchemaError::unnamed::<T>(format!("must be an object, got {}", value.kind())))
}

/// The parts of a schema, not yet checked against each other.
pub(super) struct Parts<'a> {
    pub(super) id: SchemaUri,
    pub(super) name: &'a str,
    pub(super) description: &'a str,
    pub(super) attributes: Vec<Attribute>,
}

impl<'a> Parts<'a> {
    /// Reads the parts of a schema. Only the RFC's own schema of schemas has complex attributes in complex ones.
    pub(super) fn read(
        object: &'a Object,
        limits: &'a SchemaLimits,
        nests: bool,
    ) -> Result<Self, SchemaError> {
        let unnamed = SchemaError::unnamed::<Schema>;
        let members = Members { object, limits, nests };
        let id = members.required("id").map_err(unnamed)?;
        let id: SchemaUri = parsed(id).map_err(|problem| unnamed(format!("`id`: {problem}")))?;
        let fail = |problem| SchemaError::of::<Schema>(id.as_str(), problem);
        let name = members.text("name").map_err(fail)?.unwrap_or_default();
        let description = members.text("description").map_err(fail)?.unwrap_or_default();
        let attributes = members.attributes("attributes", "", false).map_err(fail)?;
        Ok(Self { id, name, description, attributes })
    }
}

impl Definition for Schema {
    const WHAT: &'static str = "schema";

    fn read(object: &Object, limits: &SchemaLimits) -> Result<Self, SchemaError> {
        let Parts { id, name, description, attributes } = Parts::read(object, limits, false)?;
        Self::new(id, name, description, attributes)
    }
}

impl TryFrom<Value> for Schema {
    type Error = SchemaError;

    fn try_from(value: Value) -> Result<Self, SchemaError> {
        Self::read(object_of::<Self>(&value)?, &SchemaLimits::default())
    }
}

impl TryFrom<Value> for ResourceType {
    type Error = SchemaError;

    fn try_from(value: Value) -> Result<Self, SchemaError> {
        Self::read(object_of::<Self>(&value)?, &SchemaLimits::default())
    }
}

impl Definition for ResourceType {
    const WHAT: &'static str = "resource type";

    fn read(object: &Object, limits: &SchemaLimits) -> Result<Self, SchemaError> {
        let members = Members { object, limits, nests: false };
        let name = members.required("name").map_err(SchemaError::unnamed::<Self>)?;
        let fail = |problem| SchemaError::of::<Self>(name, problem);
        if name.trim().is_empty() {
            return Err(fail("`name` must not be empty".to_owned()));
        }
        let uri = |member: &str, text: &str| {
            parsed::<SchemaUri>(text).map_err(|problem| fail(format!("`{member}`: {problem}")))
        };
        let schema = uri("schema", members.required("schema").map_err(fail)?)?;
        let endpoint = members.required("endpoint").map_err(fail)?;
        let description = members.text("description").map_err(fail)?.unwrap_or_default();
        let mut read = Self::new(name, schema).with_endpoint(endpoint).with_description(description);
        for (n, item) in members.list("schemaExtensions", limits.words).map_err(fail)?.iter().enumerate() {
            let at = format!("schemaExtensions[{n}]");
            let inside = |problem| fail(format!("`{at}`: {problem}"));
            let object =
                item.as_object().ok_or_else(|| inside(format!("must be an object, got {}", item.kind())))?;
            let members = Members { object, limits, nests: false };
            let schema = uri(&format!("{at}.schema"), members.required("schema").map_err(inside)?)?;
            let required = members.flag("required").map_err(inside)?;
            read.schema_extensions.push(SchemaExtension { schema, required });
        }
        Ok(read)
    }
}

/// The members of an object that describes something, each looked at once.
struct Members<'a> {
    object: &'a Object,
    limits: &'a SchemaLimits,
    /// Whether sub-attributes may be complex.
    nests: bool,
}

impl<'a> Members<'a> {
    /// A member that has a value.
    fn get(&self, name: &str) -> Option<&'a Value> {
        self.object.get(name).filter(|value| **value != Value::Null)
    }

    fn text(&self, name: &str) -> Result<Option<&'a str>, String> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) if text.len() > self.limits.text => {
                Err(format!("`{name}` is longer than {} bytes", self.limits.text))
            }
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(format!("`{name}` must be a string, got {}", described(other))),
        }
    }

    fn required(&self, name: &str) -> Result<&'a str, String> {
        self.text(name)?.ok_or_else(|| format!("`{name}` is missing"))
    }

    fn flag(&self, name: &str) -> Result<bool, String> {
        match self.get(name) {
            None => Ok(false),
            Some(Value::Bool(value)) => Ok(*value),
            Some(other) => Err(format!("`{name}` must be true or false, got {}", described(other))),
        }
    }

    fn word<T: FromStr<Err: ToString>>(&self, name: &str) -> Result<Option<T>, String> {
        self.text(name)?
            .map(|text| text.parse().map_err(|error: T::Err| format!("`{name}`: {}", error.to_string())))
            .transpose()
    }

    fn list(&self, name: &str, limit: usize) -> Result<&'a [Value], String> {
        match self.get(name) {
            None => Ok(&[]),
            Some(Value::Array(items)) if items.len() > limit => {
                Err(format!("`{name}` has more than {limit} values"))
            }
            Some(Value::Array(items)) => Ok(items),
            Some(other) => Err(format!("`{name}` must be a list, got {}", described(other))),
        }
    }

    fn words(&self, name: &str) -> Result<Vec<&'a str>, String> {
        let items = self.list(name, self.limits.words)?;
        let text = |item: &'a Value| match item {
            Value::String(text) if text.len() <= self.limits.text => Ok(text.as_str()),
            other => Err(format!("`{name}` must list strings, got {}", described(other))),
        };
        items.iter().map(text).collect()
    }

    /// The attributes that a member lists; `parent` is the path of the attribute that they are parts of, `in_list` whether
    /// that has several values.
    fn attributes(&self, name: &str, parent: &str, in_list: bool) -> Result<Vec<Attribute>, String> {
        let mut read = Vec::new();
        for (n, item) in self.list(name, self.limits.attributes)?.iter().enumerate() {
            let place = format!("`{name}[{n}]`");
            let object =
                item.as_object().ok_or_else(|| format!("{place} must be an object, got {}", item.kind()))?;
            let members = Members { object, limits: self.limits, nests: self.nests };
            let own = members.required("name").map_err(|problem| format!("{place}: {problem}"))?;
            let path = if parent.is_empty() { excerpt(own) } else { format!("{parent}.{}", excerpt(own)) };
            if !parent.is_empty() && !self.nests && members.get("subAttributes").is_some() {
                return Err(format!("`{path}` has sub-attributes; complex attributes cannot nest"));
            }
            read.push(members.attribute(own, &path, in_list).map_err(|problem| {
                // What is wrong with a sub-attribute names its own path.
                if problem.starts_with(&format!("`{path}.")) {
                    problem
                } else {
                    format!("`{path}`: {problem}")
                }
            })?);
        }
        Ok(read)
    }

    /// One attribute, with the defaults of RFC 7643 section 2.2 for what it leaves out.
    fn attribute(&self, name: &str, path: &str, in_list: bool) -> Result<Attribute, String> {
        let data_type = match self.text("type")? {
            None => DataType::String,
            Some(word) => {
                word.parse().map_err(|_| format!("`type`: `{}` is no attribute type", excerpt(word)))?
            }
        };
        // "display ... having a mutability of "immutable"" (RFC 7643 section 2.4), unless its schema says otherwise.
        let mutability = match self.word("mutability")? {
            Some(mutability) => mutability,
            None if in_list && name.eq_ignore_ascii_case("display") => Mutability::Immutable,
            None => Mutability::default(),
        };
        let multi_valued = self.flag("multiValued")?;
        let mut attribute = Attribute::new(name, data_type)
            .with_description(self.text("description")?.unwrap_or_default())
            .with_mutability(mutability)
            .with_returned(self.word("returned")?.unwrap_or_default())
            .with_uniqueness(self.word("uniqueness")?.unwrap_or_default())
            .with_canonical_values(self.words("canonicalValues")?)
            .with_reference_types(self.words("referenceTypes")?);
        if multi_valued {
            attribute = attribute.multi_valued();
        }
        if self.flag("required")? {
            attribute = attribute.required();
        }
        if self.flag("caseExact")? {
            attribute = attribute.case_exact();
        }
        Ok(attribute.with_sub_attributes(self.attributes("subAttributes", path, multi_valued)?))
    }
}

fn parsed<T: FromStr<Err: ToString>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error: T::Err| error.to_string())
}

/// A value in words: its kind, and a piece of it where it is plain.
fn described(value: &Value) -> String {
    match value {
        Value::String(text) => format!("the string `{}`", excerpt(text)),
        Value::Bool(_) | Value::Number(_) => format!("`{}`", value.excerpt()),
        other => other.kind().to_owned(),
    }
}

impl SchemaError {
    pub(crate) fn of<T: Definition>(name: &str, problem: String) -> Self {
        Self { subject: format!("{} `{}`", T::WHAT, excerpt_path(name)), problem }
    }

    /// An error of something that has not said its name.
    fn unnamed<T: Definition>(problem: String) -> Self {
        Self { subject: T::WHAT.to_owned(), problem }
    }
}

impl Schema {
    /// A schema from the JSON of RFC 7643 section 7, within the default [`SchemaLimits`]. What an attribute leaves out
    /// has the defaults of section 2.2, and a `display` of a multi-valued attribute is immutable (section 2.4); members that the RFC does not know are passed over.
    ///
    /// # Errors
    /// [`SchemaError`], which names the attribute and the member at fault, when the text is no legal schema.
    pub fn from_json(json: &str) -> Result<Self, SchemaError> {
        one(json, &SchemaLimits::default())
    }

    /// The schemas of a document as `/Schemas` serves it: one schema, an array, or a ListResponse.
    ///
    /// # Errors
    /// As [`Schema::from_json`].
    pub fn all_from_json(json: &str) -> Result<Vec<Arc<Self>>, SchemaError> {
        Self::all_from_json_with(json, &SchemaLimits::default())
    }

    /// As [`Schema::all_from_json`], within the given limits.
    ///
    /// # Errors
    /// As [`Schema::from_json`].
    pub fn all_from_json_with(json: &str, limits: &SchemaLimits) -> Result<Vec<Arc<Self>>, SchemaError> {
        Ok(all::<Self>(json, limits)?.into_iter().map(Arc::new).collect())
    }
}

impl ResourceType {
    /// A resource type from the JSON of RFC 7643 section 6. Relations and the attribute to show are not part of it: add
    /// them with [`ResourceType::with_relation`] and [`ResourceType::with_display`].
    ///
    /// # Errors
    /// [`SchemaError`], which names the member at fault.
    pub fn from_json(json: &str) -> Result<Self, SchemaError> {
        one(json, &SchemaLimits::default())
    }

    /// The resource types of a document as `/ResourceTypes` serves it: one resource type, an array, or a ListResponse.
    ///
    /// # Errors
    /// As [`ResourceType::from_json`].
    pub fn all_from_json(json: &str) -> Result<Vec<Self>, SchemaError> {
        Self::all_from_json_with(json, &SchemaLimits::default())
    }

    /// As [`ResourceType::all_from_json`], within the given limits.
    ///
    /// # Errors
    /// As [`ResourceType::from_json`].
    pub fn all_from_json_with(json: &str, limits: &SchemaLimits) -> Result<Vec<Self>, SchemaError> {
        all(json, limits)
    }
}
